//! The arguments of a container as words of flags and values.

use pilothouse_wire::shell;

/// Flags with their values, in the order in which they stand.
pub(super) struct Words(Vec<(String, Option<String>)>);

/// A value of a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given<T> {
    /// The flag is not there.
    Absent,
    /// Its value.
    Value(T),
    /// It is there, and what it says cannot be read: a variable, or no number.
    Unreadable(String),
}

impl<T> Given<T> {
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }
}

impl Words {
    /// Splits arguments. One that is a whole line of a shell is parted as a shell parts it; one that begins with a flag is
    /// one argument, whatever its value has in it.
    pub(super) fn of(arguments: &[String]) -> Self {
        let mut words = Vec::new();
        for argument in arguments {
            let is_line = argument.contains(char::is_whitespace) && argument.contains("--");
            let line = if is_line && !argument.starts_with(['{', '-']) { shell::split(argument).ok() } else { None };
            words.extend(line.unwrap_or_else(|| vec![argument.clone()]));
        }
        let mut all = Vec::new();
        let mut at = 0;
        while let Some(word) = words.get(at) {
            at += 1;
            let Some(flag) = flag(word) else { continue };
            if let Some((name, value)) = flag.split_once('=') {
                all.push((normal(name), Some(value.to_owned())));
                continue;
            }
            let value = words.get(at).filter(|next| !is_flag(next)).cloned();
            at += usize::from(value.is_some());
            all.push((normal(flag), value));
        }
        Self(all)
    }

    /// Is any of these flags there, and not switched off?
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.last(names).is_some_and(|value| !matches!(value.as_deref(), Some("false" | "False" | "0")))
    }

    /// The value of the last of these flags: that is the one that counts.
    pub(super) fn text(&self, names: &[&str]) -> Given<String> {
        match self.last(names) {
            None => Given::Absent,
            Some(Some(value)) if !value.contains('$') => Given::Value(value.clone()),
            Some(value) => Given::Unreadable(format!("--{} {}", names[0], value.as_deref().unwrap_or_default())),
        }
    }

    /// What is given key by key, `--name.key value`, as one text.
    pub(super) fn by_key(&self, name: &str) -> Option<String> {
        let under = |(flag, value): &(String, Option<String>)| {
            let key = flag.strip_prefix(name)?.strip_prefix('.')?;
            Some(format!("{key}: {}", value.as_deref().unwrap_or_default()))
        };
        let keys: Vec<String> = self.0.iter().filter_map(under).collect();
        (!keys.is_empty()).then(|| keys.join(", "))
    }

    pub(super) fn number(&self, names: &[&str]) -> Given<u64> {
        self.read(names, |text| text.parse().ok())
    }

    /// A number of something that there is at least one of: 0 of it is no number that an engine would start with.
    pub(super) fn some(&self, names: &[&str]) -> Given<u64> {
        self.read(names, |text| text.parse().ok().filter(|number| *number > 0))
    }

    /// A number of tokens, at least one, with `k` for 1,000 and `K` for 1,024, as vLLM reads it.
    pub(super) fn tokens(&self, names: &[&str]) -> Given<u64> {
        self.read(names, |text| {
            let (digits, unit) = match text.char_indices().last()? {
                (at, 'k') => (&text[..at], 1e3),
                (at, 'K') => (&text[..at], 1024.0),
                (at, 'm') => (&text[..at], 1e6),
                (at, 'M') => (&text[..at], 1024.0 * 1024.0),
                _ => return text.parse().ok().filter(|tokens| *tokens > 0),
            };
            millionths(digits, 1e12).map(|n| scaled(n, unit)).filter(|tokens| *tokens > 0)
        })
    }

    /// A decimal, in millionths.
    pub(super) fn millionths(&self, names: &[&str], most: f64) -> Given<u64> {
        self.read(names, |text| millionths(text, most))
    }

    fn read<T>(&self, names: &[&str], read: impl Fn(&str) -> Option<T>) -> Given<T> {
        match self.text(names) {
            Given::Absent => Given::Absent,
            Given::Value(text) => {
                read(&text).map_or_else(|| Given::Unreadable(format!("--{} {text}", names[0])), Given::Value)
            }
            Given::Unreadable(why) => Given::Unreadable(why),
        }
    }

    fn last(&self, names: &[&str]) -> Option<&Option<String>> {
        self.0.iter().rev().find(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| value)
    }
}

fn flag(word: &str) -> Option<&str> {
    word.strip_prefix("--").or_else(|| word.strip_prefix('-')).filter(|rest| rest.starts_with(char::is_alphabetic))
}

fn is_flag(word: &str) -> bool {
    flag(word).is_some()
}

fn normal(name: &str) -> String {
    name.replace('_', "-")
}

fn millionths(text: &str, most: f64) -> Option<u64> {
    let n: f64 = text.parse().ok()?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and most, which is bounded")]
    (0.0..=most).contains(&n).then_some((n * 1e6).round() as u64)
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded")]
fn scaled(n: u64, unit: f64) -> u64 {
    (n as f64 / 1e6 * unit).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(typed: &str) -> Words {
        Words::of(&typed.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn flags_are_read_however_they_are_written() {
        for typed in ["--tensor-parallel-size 8", "--tensor-parallel-size=8", "--tensor_parallel_size 8", "-tp 8"] {
            assert_eq!(words(typed).number(&["tensor-parallel-size", "tp"]), Given::Value(8), "{typed}");
        }
        let line = Words::of(&["-c".into(), "exec vllm serve m \\\n  --tp \"4\" --enforce-eager".into()]);
        assert_eq!((line.number(&["tp"]), line.has(&["enforce-eager"])), (Given::Value(4), true));
        let line = Words::of(&["-c".into(), r#"vllm serve m --hf-overrides '{"a": 1, "b": 2}' --tp 4"#.into()]);
        assert_eq!(line.text(&["hf-overrides"]), Given::Value(r#"{"a": 1, "b": 2}"#.into()));
        assert_eq!(line.number(&["tp"]), Given::Value(4));
        let one = Words::of(&[r#"--hf-overrides={"a": "--b c"}"#.into(), "--tp=4".into()]);
        assert_eq!(one.text(&["hf-overrides"]), Given::Value(r#"{"a": "--b c"}"#.into()));
        assert_eq!(one.number(&["tp"]), Given::Value(4));
        assert_eq!(words("--tp 2 --tp 4").number(&["tp"]), Given::Value(4));
        assert_eq!(words("--max-model-len -1").text(&["max-model-len"]), Given::Value("-1".into()));
    }

    #[test]
    fn what_cannot_be_read_is_not_absent() {
        assert_eq!(words("--tp ${TP}").number(&["tp"]), Given::Unreadable("--tp ${TP}".into()));
        assert_eq!(words("--tp many").number(&["tp"]), Given::Unreadable("--tp many".into()));
        assert_eq!(words("--tp --dp 1").number(&["tp"]), Given::Unreadable("--tp ".into()));
        assert_eq!(words("serve").number(&["tp"]), Given::Absent);
        for typed in ["--n 0", "--n 0k", "--n 0.0001k"] {
            assert_eq!(words(typed).tokens(&["n"]), Given::Unreadable(typed.into()));
        }
        assert_eq!(words("--tp 0").some(&["tp"]), Given::Unreadable("--tp 0".into()));
        assert_eq!(words("--u 0.95").millionths(&["u"], 1.0), Given::Value(950_000));
        assert_eq!(words("--u 1.5").millionths(&["u"], 1.0), Given::Unreadable("--u 1.5".into()));
    }

    #[test]
    fn tokens_have_units() {
        for (typed, want) in [("4096", 4_096), ("32k", 32_000), ("32K", 32_768), ("25.6k", 25_600), ("1M", 1 << 20)] {
            assert_eq!(words(&format!("--n {typed}")).tokens(&["n"]), Given::Value(want), "{typed}");
        }
    }
}

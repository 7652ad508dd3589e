//! What is wanted, as the line that a person types or pastes into a terminal for it.

use super::{Deed, Intent};
use crate::{shell, units::visible};

impl Intent {
    /// What is typed behind `pilothouse act`: a line of which a POSIX shell makes what was meant, whatever a server calls its
    /// things. What cannot be shown is shown as another sign, and the line then says that it is not to be pasted.
    #[must_use]
    pub fn command(&self) -> String {
        let line = line(self);
        let shown = visible(&line);
        if shown == line { line } else { format!("{shown} (not to be pasted: a sign in it cannot be shown)") }
    }
}

fn line(intent: &Intent) -> String {
    words(intent).iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    // For a sign of equality within a word alone there need be no quotes.
    let bare = word.replace('=', "-");
    let needs_none = !word.starts_with('=') && shell::join([bare.as_str()]) == bare;
    if needs_none { word.to_owned() } else { shell::join([word]) }
}

/// The words behind `pilothouse act`.
fn words(intent: &Intent) -> Vec<String> {
    let object = &intent.object;
    let (kind, name) = (crate::units::lower(object.kind_word()), object.name());
    let of_kind = || vec![kind.as_str(), name.as_str()];
    let of_version =
        |version: &Option<u64>| version.map(|version| ("--version", version.to_string())).into_iter().collect();
    let to = |to: &dyn std::fmt::Display| vec![("--to", to.to_string())];
    let (named, options): (Vec<&str>, Vec<(&str, String)>) = match &intent.deed {
        Deed::Scale(pods) => (of_kind(), to(pods)),
        Deed::Canary(share) | Deed::MemberWeight(share) => (of_kind(), to(share)),
        Deed::Undo(Some(revision)) => (of_kind(), to(revision)),
        Deed::SetImage { container, image } => {
            (of_kind(), vec![("--container", container.to_string()), ("--image", image.to_string())])
        }
        Deed::SetModel(uri) => (of_kind(), vec![("--uri", uri.to_string())]),
        Deed::SetWeights { rule, mark, weights } => {
            let weights = weights.iter().map(|(backend, weight)| ("--to", format!("{backend}={weight}")));
            let mark = mark.iter().map(|mark| format!("@{mark}")).collect::<String>();
            let rule = rule.map(|rule| ("--rule", format!("{}{mark}", u64::from(rule) + 1)));
            (of_kind(), weights.chain(rule).collect())
        }
        Deed::Cordon | Deed::Uncordon | Deed::Drain | Deed::Delete | Deed::Unsilence | Deed::EndWorkers => {
            (vec![&name], Vec::new())
        }
        Deed::Silence { long, comment } => {
            let comment = comment.iter().map(|comment| ("--comment", comment.to_string()));
            (vec![&name], [("--for", format!("{}s", long.as_secs()))].into_iter().chain(comment).collect())
        }
        Deed::SetAlias { alias, version } => (vec![&name, alias], of_version(&Some(*version))),
        Deed::RemoveAlias(alias) => (vec![&name, alias], Vec::new()),
        Deed::SetTag { version, key, value } => {
            let value = ("--value", value.to_string());
            (vec![&name, key], [vec![value], of_version(version)].concat())
        }
        Deed::RemoveTag { version, key } => (vec![&name, key], of_version(version)),
        _ => (of_kind(), Vec::new()),
    };
    let full = intent.deed == Deed::PromoteFully;
    let verb = if full { "promote".to_owned() } else { intent.deed.word().replace(' ', "-") };
    let place = object.namespace().map(|namespace| ("-n", namespace.to_string()));
    let context = ("--context", object.connection().to_string());
    let options = place.into_iter().chain(options).chain([context]).flat_map(|(flag, value)| {
        // One that begins as a flag does would be read as a flag.
        if value.starts_with('-') { vec![format!("{flag}={value}")] } else { vec![flag.to_owned(), value] }
    });
    let options = options.chain(full.then(|| "--full".to_owned()));
    let named = named.into_iter().map(str::to_owned);
    if named.clone().any(|name| name.starts_with('-')) {
        [verb].into_iter().chain(options).chain(["--".to_owned()]).chain(named).collect()
    } else {
        [verb].into_iter().chain(named).chain(options).collect()
    }
}

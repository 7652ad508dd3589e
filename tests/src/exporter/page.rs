//! A page in the text format of Prometheus, as different programs write it.

use std::fmt::Write;

/// How a program writes numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// As DCGM's exporter does: `300`, `61.371`.
    Plain,
    /// As Python's client does: `300.0`.
    Python,
}

/// A page that is being written.
pub(super) struct Page {
    text: String,
    numbers: Numbers,
}

impl Page {
    pub fn new(numbers: Numbers) -> Self {
        Self { text: String::new(), numbers }
    }

    /// Begins a family of series.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Nothing can go wrong when a string is written to.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One series with its value.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let value = self.numbers.write(value);
        let _ = writeln!(self.text, "{name}{{{}}} {value}", labels.join(","));
    }

    /// A number as this page writes it.
    pub fn number(&self, value: f64) -> String {
        self.numbers.write(value)
    }

    /// Begins a family of which nothing is told but its kind.
    pub fn kind(&mut self, name: &str, kind: &str) {
        let _ = writeln!(self.text, "# TYPE {name} {kind}");
    }

    pub fn into_text(self) -> String {
        self.text
    }
}

impl Numbers {
    /// A number as the program writes it.
    pub fn write(self, value: f64) -> String {
        match value {
            _ if value.is_nan() => "NaN".to_owned(),
            f64::INFINITY => "+Inf".to_owned(),
            f64::NEG_INFINITY => "-Inf".to_owned(),
            _ if self == Self::Python && value.fract() == 0.0 => format!("{value:.1}"),
            _ => format!("{value}"),
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_as_its_program_writes_it() {
        let write = |numbers| {
            let mut page = Page::new(numbers);
            page.family("a", "gauge", "Something.");
            page.sample("a", &[("of", "\"x\"\n")], 300.0);
            page.sample("a", &[], f64::INFINITY);
            page.into_text()
        };
        let head = "# HELP a Something.\n# TYPE a gauge\n";
        assert_eq!(write(Numbers::Plain), format!("{head}a{{of=\"\\\"x\\\"\\n\"}} 300\na{{}} +Inf\n"));
        assert_eq!(write(Numbers::Python), format!("{head}a{{of=\"\\\"x\\\"\\n\"}} 300.0\na{{}} +Inf\n"));
    }
}

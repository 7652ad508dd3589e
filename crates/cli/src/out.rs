//! The terminal: how wide it is, whether it shows colour, and the one place that writes to it.

use crate::args::{Arguments, Colour};
use std::io::{BufWriter, IsTerminal, StdoutLock, Write};

/// How the output is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// With colour?
    pub colour: bool,
    /// To a person's terminal?
    pub terminal: bool,
    /// No wider than this, if that is known.
    pub width: Option<usize>,
    /// No higher than this, if that is known.
    pub height: Option<usize>,
}

/// What a text means, and so its colour. The text says it, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// A heading.
    Strong,
    /// Less important.
    Soft,
    /// Well.
    Good,
    /// On its way.
    Progress,
    /// Not as it should be.
    Warn,
    /// Lost or failed.
    Bad,
}

impl Style {
    /// For stdout.
    pub fn stdout(arguments: &Arguments) -> Self {
        let stdout = std::io::stdout();
        let terminal = stdout.is_terminal();
        let size = if terminal { rustix::termios::tcgetwinsize(&stdout).ok() } else { None };
        let some = |cells: u16| (cells > 0).then_some(usize::from(cells));
        Self {
            colour: colour(arguments, terminal),
            terminal,
            width: size.and_then(|size| some(size.ws_col)),
            height: size.and_then(|size| some(size.ws_row)),
        }
    }

    /// For stderr.
    pub fn stderr(arguments: &Arguments) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { colour: colour(arguments, terminal), terminal, width: None, height: None }
    }

    /// The text in its colour.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        match tone.code().filter(|_| self.colour && !text.is_empty()) {
            Some(code) => format!("\x1b[{code}m{text}\x1b[0m"),
            None => text.to_owned(),
        }
    }
}

fn colour(arguments: &Arguments, terminal: bool) -> bool {
    let unwanted = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match arguments.color {
        _ if arguments.no_color => false,
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => terminal && !unwanted(),
    }
}

impl Tone {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Soft => Some("2"),
            Self::Good => Some("32"),
            Self::Progress => Some("36"),
            Self::Warn => Some("33"),
            Self::Bad => Some("31"),
        }
    }
}

/// Stdout, written in large pieces.
pub fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(64 * 1024, std::io::stdout().lock())
}

/// A line on stderr. If nobody reads that, there is nobody to tell.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn colour_is_for_terminals_unless_wanted_elsewhere() {
        for (typed, terminal, want) in [
            ("--color=always", false, true),
            ("--color=never", true, false),
            ("--no-color", true, false),
            ("--color=auto", false, false),
        ] {
            let arguments = Arguments::try_parse_from(["pilothouse", typed, "fleet"]).unwrap();
            assert_eq!(colour(&arguments, terminal), want, "{typed}");
        }
    }
}

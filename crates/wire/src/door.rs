//! The wall door of the desktop program: what its page may do with it. No other door has these messages.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a person does with the wall door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DoorAct {
    /// Looks how it is.
    Look,
    /// Opens it on this port of this machine, if it is not open.
    Open {
        /// The port; 0 for any that is free.
        port: u16,
    },
    /// Closes it: screens lose their link.
    Close,
}

/// How the wall door is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WallDoor {
    /// Nobody can connect.
    Closed,
    /// Browsers of this machine can connect.
    Open {
        /// Where, for a screen that is known already.
        address: String,
        /// What lets a new screen in.
        code: OneTimeCode,
    },
}

/// The code that lets one screen in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OneTimeCode {
    /// Behind the address, with `#code=` between them. It works once.
    Fresh(String),
    /// A screen has used it.
    Used,
    /// Too many wrong ones were tried: it works no more.
    Void,
}

/// Without the code: who reads a log is not let in.
impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fresh(_) => "Fresh(…)",
            Self::Used => "Used",
            Self::Void => "Void",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_log_has_the_code() {
        let door =
            WallDoor::Open { address: "http://127.0.0.1:1/wall".into(), code: OneTimeCode::Fresh("s3cret".into()) };
        assert!(!format!("{door:?}").contains("s3cret"), "{door:?}");
    }
}

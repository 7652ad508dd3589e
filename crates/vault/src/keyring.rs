//! The keyring of the desktop. One entry a connection: its secrets by field, so that none is left behind.
//!
//! Every call blocks, perhaps until a person has answered a prompt.

use crate::{
    secrets::{self, Fields},
    trouble::Trouble,
};
use keyring::{Entry, Error};
use zeroize::Zeroizing;

/// The entry that shows whether the keyring takes secrets. No connection has such an id.
const PROBE: &str = "(probe)";

/// Why there is no keyring to be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// There is one, and it is locked: it may have secrets.
    Locked(String),
    /// There is none that takes secrets.
    Absent(String),
}

impl From<Error> for Shut {
    fn from(error: Error) -> Self {
        let why = reason(&error);
        if matches!(error, Error::NoStorageAccess(_)) { Self::Locked(why) } else { Self::Absent(why) }
    }
}

/// A keyring that takes secrets.
#[derive(Clone, Debug)]
pub(crate) struct Keyring {
    service: String,
}

impl Keyring {
    /// Opens the keyring, or says why there is none to be used.
    ///
    /// Only a write tells: a locked keyring says "no entry" to whoever asks for one.
    pub fn open(service: &str) -> Result<Self, Shut> {
        let keyring = Self { service: service.to_owned() };
        let entry = keyring.entry(PROBE)?;
        entry.set_secret(b"1")?;
        match entry.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(keyring),
            Err(error) => Err(error.into()),
        }
    }

    fn entry(&self, connection: &str) -> Result<Entry, Error> {
        Entry::new(&self.service, connection)
    }

    /// The secrets of a connection; none if there are none.
    pub fn load(&self, connection: &str) -> Result<Fields, Trouble> {
        let text = match self.entry(connection).and_then(|entry| entry.get_secret()) {
            Ok(text) => Zeroizing::new(text),
            Err(Error::NoEntry) => return Ok(Fields::new()),
            Err(error) => return Err(Trouble::Keyring(reason(&error))),
        };
        let damaged = |error| Trouble::Keyring(format!("The keyring's entry for {connection} is damaged: {error}."));
        secrets::decode_fields(&text).map_err(damaged)
    }

    /// Keeps the secrets of a connection in the place of what was kept; no entry stays for none.
    pub fn save(&self, connection: &str, fields: &Fields) -> Result<(), Trouble> {
        let entry = self.entry(connection).map_err(|error| Trouble::Keyring(reason(&error)))?;
        let outcome = if fields.is_empty() {
            entry.delete_credential()
        } else {
            entry.set_secret(&secrets::encode_fields(fields))
        };
        match outcome {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(Trouble::Keyring(reason(&error))),
        }
    }
}

/// Why the keyring cannot be used, as a sentence. None of these errors prints what an entry holds.
fn reason(error: &Error) -> String {
    match error {
        Error::NoDefaultStore => match Entry::store_status() {
            Err(cause) => format!("No keyring answers: {}.", innermost(cause)),
            Ok(()) => "No keyring answers.".into(),
        },
        Error::NoStorageAccess(_) => format!("The keyring is locked: {}.", innermost(error)),
        _ => format!("The keyring takes no secrets: {}.", innermost(error)),
    }
}

/// The cause of an error that has none of its own: the others only say that something failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string().trim_end_matches('.').to_owned()
}

//! What can go wrong with files at rest, and how it is told. The one place of this crate where a problem is made.

use pilothouse_wire::{Code, Problem};
use std::{io, path::PathBuf, time::Duration};

/// What can go wrong. Holds no secret, and no text of a file that may hold one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("no home folder")]
    NoHome,
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] io::Error),
    #[error("cannot write {0}")]
    Write(PathBuf, #[source] io::Error),
    #[error("{0} would not say what was meant")]
    NotAsMeant(PathBuf),
    #[error("{file} line {line} is not TOML")]
    NotToml { file: PathBuf, line: usize, message: String },
    #[error("{file} line {line}: {field}")]
    BadField { file: PathBuf, line: usize, field: String, why: String },
    #[error("{0} is of version {1}")]
    Newer(PathBuf, i64),
    #[error("the keyring failed: {0}")]
    Keyring(String),
    #[error("locked")]
    Locked { file: PathBuf, exists: bool, why: String },
    #[error("wrong passphrase")]
    WrongPassphrase(PathBuf),
    #[error("empty passphrase")]
    NoPassphrase,
    #[error("{0} is no file of secrets")]
    NotSecrets(PathBuf, String),
    #[error("no answer")]
    NoAnswer(Duration),
    #[error("the vault's thread ended")]
    Ended,
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NoHome => Self::new(Code::BadInput, "There is no home folder to keep settings in.")
                .next("Set PILOTHOUSE_HOME to a folder."),
            Trouble::Read(file, error) => Self::new(Code::BadInput, format!("{} cannot be read.", file.display()))
                .why(format!("The system says: {error}."))
                .next("Make it readable, or move it away. It is left as it is."),
            Trouble::Write(file, error) => Self::new(Code::BadInput, format!("{} cannot be written.", file.display()))
                .why(format!("The system says: {error}."))
                .next("Make room and make the folder writable, then do it again. Nothing was changed."),
            Trouble::NotAsMeant(file) => {
                Self::new(Code::Internal, format!("The change was not written to {}.", file.display()))
                    .why("What was to be written there says something else than was meant. Nothing was changed.")
                    .next("Move what you added to the file by hand elsewhere, and do it again.")
            }
            Trouble::NotToml { file, line, message } => {
                Self::new(Code::BadInput, format!("{} line {line} is not TOML.", file.display()))
                    .why(format!("The reader says: {message}."))
                    .next("Correct the line, or move the file away to start without it. It is left as it is.")
            }
            Trouble::BadField { file, line, field, why } => {
                let what = format!("{} line {line}: the field {field} cannot be used.", file.display());
                Self::new(Code::BadInput, what).why(why).next("Correct it. The file is left as it is.")
            }
            Trouble::Newer(file, version) => {
                Self::new(Code::BadInput, format!("{} is of version {version}.", file.display()))
                    .why("A newer Pilothouse wrote it; this one reads version 1.")
                    .next("Use the newer Pilothouse, or move the file away. It is left as it is.")
            }
            trouble => of_secrets(trouble),
        }
    }
}

fn of_secrets(trouble: Trouble) -> Problem {
    match trouble {
        Trouble::Keyring(why) => Problem::new(Code::VaultLocked, "The keyring did not do what it was asked.")
            .why(why)
            .next("Unlock the keyring and start Pilothouse again."),
        Trouble::Locked { file, exists: true, why } => {
            Problem::new(Code::VaultLocked, format!("{} is locked.", file.display())).why(why).next(UNLOCK)
        }
        Trouble::Locked { file, exists: false, why } => {
            let what = format!("There is no place for secrets yet: no keyring, and no {}.", file.display());
            Problem::new(Code::VaultLocked, what).why(why).next(MAKE)
        }
        Trouble::WrongPassphrase(file) => {
            Problem::new(Code::VaultLocked, format!("The passphrase does not open {}.", file.display()))
                .why("It is another one than the file was encrypted with, or the file is damaged.")
                .next("Enter that one. If it is lost, move the file away and enter each secret anew.")
        }
        Trouble::NoPassphrase => Problem::new(Code::BadInput, "The passphrase is empty.")
            .next("Enter one of several words: whoever has the file can try passphrases without end."),
        Trouble::NotSecrets(file, why) => {
            Problem::new(Code::BadInput, format!("{} is no file of secrets that can be read.", file.display()))
                .why(why)
                .next("Put back a copy of it, or move it away and enter each secret anew. It is left as it is.")
        }
        Trouble::NoAnswer(span) => {
            let what = format!("The place of secrets has not answered for {} s.", span.as_secs());
            Problem::new(Code::VaultLocked, what)
                .why("A window that asks for the keyring's password may be open.")
                .next("Answer it, then do this again.")
        }
        other => {
            Problem::new(Code::Internal, format!("Secrets cannot be reached: {other}.")).next("Start Pilothouse again.")
        }
    }
}

const UNLOCK: &str = "Enter its passphrase, or name a file that holds it in PILOTHOUSE_PASSPHRASE_FILE.";
const MAKE: &str = "Choose a passphrase: secrets then go to a file that is encrypted with it. Or unlock a keyring and start \
                    Pilothouse again.";

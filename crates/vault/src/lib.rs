//! Secrets and settings at rest: the only crate that sees a secret on its way to or from a disk.
//!
//! Settings are a TOML file that people may edit. Secrets are in the keyring of the desktop; where there is none, in a
//! file encrypted with a passphrase. No secret is ever in the settings, a log, an error or a `Debug` output.

mod age_file;
pub mod files;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod keeper;
mod keyring;
mod paths;
mod secrets;
mod settings;
mod trouble;
mod vault;

pub use paths::Paths;
pub use settings::{ConnectionSettings, Settings};
pub use vault::{Options, Vault};

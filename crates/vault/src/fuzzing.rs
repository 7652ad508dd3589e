//! Parsers of this crate as the targets in `fuzz/` call them. Not for anybody else.

use crate::{
    Settings, secrets,
    settings::{read, write},
};
use pilothouse_wire::Problem;
use std::path::Path;
use zeroize::Zeroizing;

const FILE: &str = "settings.toml";

/// The settings of this text.
///
/// # Errors
/// If it cannot be used.
pub fn settings(text: &str) -> Result<Settings, Problem> {
    Ok(read::settings(Path::new(FILE), text)?)
}

/// The text that says these settings, made of the text that is there.
///
/// # Errors
/// If that text is no TOML.
pub fn written(old: &str, settings: &Settings) -> Result<String, Problem> {
    Ok(write::settings(Path::new(FILE), old, settings)?)
}

/// Secrets as they are at rest, read and written again.
#[must_use]
pub fn secrets(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    secrets::decode(bytes).ok().map(|secrets| secrets::encode(&secrets))
}

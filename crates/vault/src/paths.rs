//! Where the settings, the secrets and the data are.

use crate::trouble::Trouble;
use pilothouse_wire::Problem;
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// The variable that puts everything under one folder.
const HOME: &str = "PILOTHOUSE_HOME";

/// The folders of one installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    config: PathBuf,
    data: PathBuf,
    keyring_service: String,
}

impl Paths {
    /// The folders of this person: under `PILOTHOUSE_HOME` if it is set, else where the system keeps such files
    /// (`$XDG_CONFIG_HOME/pilothouse`, `~/.config/pilothouse`; data in `$XDG_DATA_HOME/pilothouse`,
    /// `~/.local/share/pilothouse`).
    ///
    /// # Errors
    /// If there is no home folder to be found.
    pub fn from_env() -> Result<Self, Problem> {
        if let Some(home) = env::var_os(HOME).filter(|home: &OsString| !home.is_empty()) {
            let home = PathBuf::from(home);
            // Seen from another folder, a relative one would be another home.
            return Ok(Self::under(&std::path::absolute(&home).unwrap_or(home)));
        }
        let folders = directories::ProjectDirs::from("", "", "pilothouse").ok_or(Trouble::NoHome)?;
        Ok(Self {
            config: folders.config_dir().to_owned(),
            data: folders.data_dir().to_owned(),
            keyring_service: "pilothouse".into(),
        })
    }

    /// Everything under one folder: settings and secrets in it, data in `data`.
    #[must_use]
    pub fn under(home: &Path) -> Self {
        Self {
            config: home.to_owned(),
            data: home.join("data"),
            // Two homes may have connections of the same name: their secrets must not meet in the keyring.
            keyring_service: format!("pilothouse {}", home.display()),
        }
    }

    /// The folder of the settings and of the encrypted file of secrets.
    #[must_use]
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The folder of the journal.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The settings file.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.config.join("settings.toml")
    }

    /// The encrypted file of secrets, whether or not there is one.
    #[must_use]
    pub fn secrets(&self) -> PathBuf {
        self.config.join("secrets.age")
    }

    pub(crate) fn settings_lock(&self) -> PathBuf {
        self.config.join("settings.lock")
    }

    pub(crate) fn secrets_lock(&self) -> PathBuf {
        self.config.join("secrets.lock")
    }

    pub(crate) fn keyring_service(&self) -> &str {
        &self.keyring_service
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_folder_holds_everything() {
        let paths = Paths::under(Path::new("/h"));
        assert_eq!(paths.settings(), Path::new("/h/settings.toml"));
        assert_eq!(paths.secrets(), Path::new("/h/secrets.age"));
        assert_eq!(paths.data(), Path::new("/h/data"));
        assert_ne!(paths.keyring_service(), Paths::under(Path::new("/g")).keyring_service());
    }
}

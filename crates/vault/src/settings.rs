//! The settings: connections and what is chosen for them. Never a secret.

mod notices;
pub(crate) mod read;
pub(crate) mod write;

use crate::{Paths, files, trouble::Trouble};
use pilothouse_wire::{ConnectionId, Problem, notice::Wishes, plan::Operation, view::connections::PluginNotice};
use std::{collections::BTreeMap, fs, io};

/// The version of the file that this build reads and writes.
const VERSION: i64 = 1;

/// The settings of an installation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Configured connections, in the order of the file. Their ids differ.
    pub connections: Vec<ConnectionSettings>,
    /// What a person asked to hear of, and when not.
    pub notices: Wishes,
}

/// A configured connection.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionSettings {
    /// Its id.
    pub id: ConnectionId,
    /// Id of its kind.
    pub kind: String,
    /// Name for people.
    pub name: String,
    /// Values of the kind's fields that are no secrets.
    pub values: BTreeMap<String, String>,
    /// Names of the secret fields that are set in the vault. Never their values.
    pub secrets: Vec<String>,
    /// Did a person pause it?
    pub paused: bool,
    /// What may be done through it.
    pub operation: Operation,
    /// Credential plug-ins that a person confirmed for it, exactly as shown.
    pub trusted_plugins: Vec<PluginNotice>,
}

impl ConnectionSettings {
    /// A connection without secrets and confirmed plug-ins, not paused, and read alone.
    #[must_use]
    pub fn new(id: ConnectionId, kind: &str, name: &str, values: BTreeMap<String, String>) -> Self {
        Self {
            id,
            kind: kind.to_owned(),
            name: name.to_owned(),
            values,
            secrets: Vec::new(),
            paused: false,
            operation: Operation::default(),
            trusted_plugins: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads the settings. There are none before the first change, and that is no error.
    ///
    /// # Errors
    /// If there is a file that cannot be used: it, the line and the field are named, and the file stays as it is.
    pub fn load(paths: &Paths) -> Result<Self, Problem> {
        Ok(read::settings(&paths.settings(), &text(paths)?)?)
    }

    /// Changes the settings as they are now, and returns what came of it. Two processes change them one after the
    /// other. What this build does not know in the file stays, comments too.
    ///
    /// # Errors
    /// As [`Settings::load`]; or if the file cannot be written, and then nothing has changed.
    pub fn edit(paths: &Paths, edit: impl FnOnce(&mut Self)) -> Result<Self, Problem> {
        let (path, lock) = (paths.settings(), paths.settings_lock());
        let _lock = files::lock(&lock).map_err(|error| Trouble::Write(lock.clone(), error))?;
        let old_text = text(paths)?;
        let old = read::settings(&path, &old_text)?;
        let mut settings = old.clone();
        edit(&mut settings);
        if settings != old {
            let new_text = write::settings(&path, &old_text, &settings)?;
            // A file that says something else than was meant would be found out when it is too late.
            if !read::settings(&path, &new_text).is_ok_and(|read| read == settings) {
                return Err(Trouble::NotAsMeant(path).into());
            }
            files::replace(&path, new_text.as_bytes()).map_err(|error| Trouble::Write(path, error))?;
        }
        Ok(settings)
    }

    /// The settings of a connection.
    #[must_use]
    pub fn connection(&self, id: &ConnectionId) -> Option<&ConnectionSettings> {
        self.connections.iter().find(|connection| connection.id == *id)
    }

    /// The settings of a connection, to be changed.
    pub fn connection_mut(&mut self, id: &ConnectionId) -> Option<&mut ConnectionSettings> {
        self.connections.iter_mut().find(|connection| connection.id == *id)
    }
}

fn text(paths: &Paths) -> Result<String, Trouble> {
    match fs::read_to_string(paths.settings()) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Trouble::Read(paths.settings(), error)),
    }
}

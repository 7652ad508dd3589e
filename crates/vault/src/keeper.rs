//! Decides where secrets are and keeps them there. Lives on a thread of its own, since a keyring may wait for a person.

use crate::{
    Options, Paths,
    age_file::AgeFile,
    files::{self, Lock},
    keyring::{Keyring, Shut},
    secrets::Fields,
    trouble::Trouble,
};
use pilothouse_wire::view::VaultState;
use secrecy::SecretString;
use std::fs;
use zeroize::Zeroizing;

/// The one owner of the open keyring and of the open file.
pub(crate) struct Keeper {
    paths: Paths,
    options: Options,
    ground: Ground,
    file: Option<AgeFile>,
    /// A secret was asked for that the keyring does not have, and the file is locked.
    misses_file: bool,
}

/// Where secrets go.
enum Ground {
    /// Nothing needed a secret yet.
    Unknown,
    /// The keyring.
    Keyring(Keyring),
    /// The encrypted file, and why.
    File(String),
    /// The encrypted file, since the keyring is locked, which may have what is looked for: why.
    Locked(String),
}

impl Keeper {
    pub fn new(paths: Paths, options: Options) -> Self {
        Self { paths, options, ground: Ground::Unknown, file: None, misses_file: false }
    }

    pub fn state(&self) -> VaultState {
        match &self.ground {
            Ground::Unknown => VaultState::NotNeeded,
            Ground::Keyring(_) if self.misses_file => VaultState::FileLocked { why: BOTH.into(), exists: true },
            Ground::Keyring(_) => VaultState::Keyring,
            Ground::File(_) | Ground::Locked(_) if self.file.is_some() && self.file_exists() => VaultState::FileOpen,
            Ground::File(why) | Ground::Locked(why) => {
                VaultState::FileLocked { why: why.clone(), exists: self.file_exists() }
            }
        }
    }

    pub fn get(&mut self, connection: &str, field: &str) -> Result<Option<SecretString>, Trouble> {
        let keyring = self.keyring()?;
        self.held(keyring.as_ref(), connection, field)
    }

    fn held(
        &mut self,
        keyring: Option<&Keyring>,
        connection: &str,
        field: &str,
    ) -> Result<Option<SecretString>, Trouble> {
        if let Some(keyring) = keyring {
            let secret = keyring.load(connection)?.remove(field);
            if secret.is_some() || !self.file_exists() {
                return Ok(secret);
            }
            // It may have been set in a session without a keyring: then it is in the file.
            self.misses_file = true;
        } else if !self.file_exists() {
            return match &self.ground {
                // Not "there is none": who asks would go on without a secret that is set.
                Ground::Locked(why) if self.file.is_none() => Err(Trouble::Keyring(why.clone())),
                _ => Ok(None),
            };
        }
        let secrets = self.open_file()?.secrets()?;
        let secret = secrets.get(connection).and_then(|fields| fields.get(field)).cloned();
        self.misses_file = false;
        Ok(secret)
    }

    pub fn set(&mut self, connection: &str, new: Fields) -> Result<(), Trouble> {
        let lock = self.lock()?;
        self.set_under(&lock, connection, new)
    }

    /// Puts another secret in the place of one, while no other process can: `change` says which, or that none is put.
    pub fn change<E>(
        &mut self,
        connection: &str,
        field: &str,
        change: impl FnOnce(Option<SecretString>) -> Result<SecretString, E>,
    ) -> Result<Result<(), E>, Trouble> {
        let lock = self.lock()?;
        let keyring = self.keyring_under(&lock);
        let held = self.held(keyring.as_ref(), connection, field)?;
        match change(held) {
            Ok(secret) => self.set_under(&lock, connection, Fields::from([(field.to_owned(), secret)])).map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }

    fn set_under(&mut self, lock: &Lock, connection: &str, new: Fields) -> Result<(), Trouble> {
        if let Some(keyring) = self.keyring_under(lock) {
            let mut fields = keyring.load(connection)?;
            fields.extend(new);
            return keyring.save(connection, &fields);
        }
        self.open_or_make_file()?.edit(|secrets| secrets.entry(connection.to_owned()).or_default().extend(new))
    }

    /// Removes the secrets for which this holds.
    pub fn remove(&mut self, connection: &str, which: impl Fn(&str) -> bool) -> Result<(), Trouble> {
        let lock = self.lock()?;
        let keyring = self.keyring_under(&lock);
        if let Some(keyring) = &keyring {
            let mut fields = keyring.load(connection)?;
            let before = fields.len();
            fields.retain(|field, _| !which(field));
            if fields.len() < before {
                keyring.save(connection, &fields)?;
            }
        }
        if !self.file_exists() {
            return Ok(());
        }
        match self.open_file() {
            // What the keyring had is gone; whether the file has more cannot be told, and is no reason to fail.
            Err(_) if keyring.is_some() => Ok(()),
            Err(trouble) => Err(trouble),
            Ok(file) => {
                let has = |fields: &Fields| fields.keys().any(|field| which(field));
                if file.secrets()?.get(connection).is_none_or(|fields| !has(fields)) {
                    return Ok(());
                }
                file.edit(|secrets| {
                    if let Some(fields) = secrets.get_mut(connection) {
                        fields.retain(|field, _| !which(field));
                    }
                })
            }
        }
    }

    pub fn list(&mut self, connection: &str) -> Result<Vec<String>, Trouble> {
        let mut fields: Vec<String> = Vec::new();
        let keyring = self.keyring()?;
        if let Some(keyring) = &keyring {
            fields.extend(keyring.load(connection)?.into_keys());
        }
        if self.file_exists() {
            match self.open_file() {
                Err(_) if keyring.is_some() => {}
                Err(trouble) => return Err(trouble),
                Ok(file) => fields.extend(file.secrets()?.get(connection).into_iter().flat_map(Fields::keys).cloned()),
            }
        }
        fields.sort();
        fields.dedup();
        Ok(fields)
    }

    /// Opens the file with a passphrase, or makes it where it is needed.
    pub fn unlock(&mut self, passphrase: SecretString) -> Result<(), Trouble> {
        if secrecy::ExposeSecret::expose_secret(&passphrase).is_empty() {
            return Err(Trouble::NoPassphrase);
        }
        let lock = self.lock()?;
        let keyring = self.keyring_under(&lock);
        let (path, work) = (self.paths.secrets(), self.options.work_factor);
        if self.file_exists() {
            self.file = Some(AgeFile::open(&path, passphrase, work)?);
        } else if keyring.is_none() {
            self.file = Some(AgeFile::make(&path, passphrase, work)?);
        }
        self.misses_file = false;
        Ok(())
    }

    fn lock(&self) -> Result<Lock, Trouble> {
        let path = self.paths.secrets_lock();
        files::lock(&path).map_err(|error| Trouble::Write(path, error))
    }

    fn file_exists(&self) -> bool {
        fs::exists(self.paths.secrets()).unwrap_or(true)
    }

    /// The keyring, if it can be used. The first call finds out.
    fn keyring(&mut self) -> Result<Option<Keyring>, Trouble> {
        if matches!(self.ground, Ground::Unknown) && self.options.keyring {
            let lock = self.lock()?;
            return Ok(self.keyring_under(&lock));
        }
        Ok(self.found_keyring())
    }

    /// As [`Self::keyring`], for whoever holds the lock: two processes must not try the keyring at the same time,
    /// since each removes what the other tries it with.
    fn keyring_under(&mut self, _: &Lock) -> Option<Keyring> {
        self.found_keyring()
    }

    fn found_keyring(&mut self) -> Option<Keyring> {
        if matches!(self.ground, Ground::Unknown) {
            self.ground = match self.options.keyring {
                true => match Keyring::open(self.paths.keyring_service()) {
                    Ok(keyring) => Ground::Keyring(keyring),
                    Err(Shut::Locked(why)) => Ground::Locked(why),
                    Err(Shut::Absent(why)) => Ground::File(why),
                },
                false => Ground::File("The keyring is switched off by PILOTHOUSE_KEYRING.".into()),
            };
        }
        match &self.ground {
            Ground::Keyring(keyring) => Some(keyring.clone()),
            Ground::File(_) | Ground::Locked(_) | Ground::Unknown => None,
        }
    }

    fn open_file(&mut self) -> Result<&mut AgeFile, Trouble> {
        if self.file.is_none() {
            let passphrase = self.passphrase()?;
            self.file = Some(AgeFile::open(&self.paths.secrets(), passphrase, self.options.work_factor)?);
        }
        // Another process may have changed the passphrase: then it is locked again for this one.
        if matches!(self.file.as_mut().map(AgeFile::secrets), Some(Err(Trouble::WrongPassphrase(_)))) {
            self.file = None;
        }
        match self.file.as_mut() {
            Some(file) => Ok(file),
            None => Err(Trouble::WrongPassphrase(self.paths.secrets())),
        }
    }

    fn open_or_make_file(&mut self) -> Result<&mut AgeFile, Trouble> {
        if !self.file_exists() {
            let passphrase = self.passphrase()?;
            self.file = Some(AgeFile::make(&self.paths.secrets(), passphrase, self.options.work_factor)?);
        }
        self.open_file()
    }

    /// The passphrase that is kept in a file, where one is named.
    fn passphrase(&self) -> Result<SecretString, Trouble> {
        let Some(path) = &self.options.passphrase_file else {
            let why = match &self.ground {
                Ground::File(why) | Ground::Locked(why) => why.clone(),
                Ground::Keyring(_) | Ground::Unknown => BOTH.into(),
            };
            return Err(Trouble::Locked { file: self.paths.secrets(), exists: self.file_exists(), why });
        };
        let text = fs::read_to_string(path).map_err(|error| Trouble::Read(path.clone(), error))?;
        let text = Zeroizing::new(text);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() { Err(Trouble::NoPassphrase) } else { Ok(SecretString::from(line)) }
    }
}

const BOTH: &str =
    "The keyring does not have this secret. The encrypted file may: it was made in a session without a keyring.";

//! The encrypted file of secrets, for machines without a keyring: age with a passphrase, readable by `age -d`.

use crate::{
    files,
    secrets::{self, Secrets},
    trouble::Trouble,
};
use age::{DecryptError, scrypt};
use secrecy::SecretString;
use std::{
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};
use zeroize::Zeroizing;

/// The work that a passphrase costs whoever tries it: N = 2^17, as OWASP advises for scrypt; 128 MiB, half a second.
/// It is fixed: age's own measure comes out low on a busy machine, and the file would stay weak.
pub(crate) const WORK_FACTOR: u8 = 17;

/// The most work that a file may ask for: four seconds and a gibibyte. More is a mistake or an attack.
const MOST_WORK: u8 = 20;

/// The file, opened.
pub(crate) struct AgeFile {
    path: PathBuf,
    passphrase: SecretString,
    secrets: Secrets,
    stamp: Option<Stamp>,
    work_factor: u8,
}

/// What tells one state of a file from the next without reading it.
#[derive(Clone, Debug, PartialEq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: u64,
}

impl AgeFile {
    /// Opens the file with its passphrase.
    pub fn open(path: &Path, passphrase: SecretString, work_factor: u8) -> Result<Self, Trouble> {
        let (secrets, stamp) = read(path, &passphrase)?;
        Ok(Self { path: path.to_owned(), passphrase, secrets, stamp: Some(stamp), work_factor })
    }

    /// Makes the file, with no secrets in it.
    pub fn make(path: &Path, passphrase: SecretString, work_factor: u8) -> Result<Self, Trouble> {
        let mut file = Self { path: path.to_owned(), passphrase, secrets: Secrets::new(), stamp: None, work_factor };
        file.write()?;
        Ok(file)
    }

    /// The secrets as they are on the disk now: another process may have changed them.
    pub fn secrets(&mut self) -> Result<&Secrets, Trouble> {
        self.refresh()?;
        Ok(&self.secrets)
    }

    /// Changes the secrets and keeps them. The caller holds the lock.
    pub fn edit(&mut self, change: impl FnOnce(&mut Secrets)) -> Result<(), Trouble> {
        self.refresh()?;
        change(&mut self.secrets);
        self.secrets.retain(|_, fields| !fields.is_empty());
        let kept = self.write();
        if kept.is_err() {
            // What is in memory is not on the disk: the next look reads it again.
            self.stamp = None;
        }
        kept
    }

    fn refresh(&mut self) -> Result<(), Trouble> {
        let there = fs::metadata(&self.path).map(|metadata| stamp(&metadata));
        if there.as_ref().ok() == self.stamp.as_ref() && self.stamp.is_some() {
            return Ok(());
        }
        let (secrets, stamp) = read(&self.path, &self.passphrase)?;
        (self.secrets, self.stamp) = (secrets, Some(stamp));
        Ok(())
    }

    fn write(&mut self) -> Result<(), Trouble> {
        let mut recipient = scrypt::Recipient::new(self.passphrase.clone());
        recipient.set_work_factor(self.work_factor);
        let failed = |error: io::Error| Trouble::Write(self.path.clone(), error);
        let bytes = age::encrypt(&recipient, &secrets::encode(&self.secrets))
            .map_err(|error| failed(io::Error::other(error.to_string())))?;
        files::replace(&self.path, &bytes).map_err(failed)?;
        self.stamp = fs::metadata(&self.path).ok().map(|metadata| stamp(&metadata));
        Ok(())
    }
}

fn read(path: &Path, passphrase: &SecretString) -> Result<(Secrets, Stamp), Trouble> {
    let unreadable = |error| Trouble::Read(path.to_owned(), error);
    // First the stamp, then the bytes: what changes in between is read again the next time.
    let stamp = stamp(&fs::metadata(path).map_err(unreadable)?);
    let bytes = fs::read(path).map_err(unreadable)?;
    let mut identity = scrypt::Identity::new(passphrase.clone());
    identity.set_max_work_factor(MOST_WORK);
    let not = |why: String| Trouble::NotSecrets(path.to_owned(), why);
    let text = Zeroizing::new(age::decrypt(&identity, &bytes).map_err(|error| match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => Trouble::WrongPassphrase(path.to_owned()),
        DecryptError::NoMatchingKeys => not("It is encrypted with a key, not with a passphrase.".into()),
        DecryptError::ExcessiveWork { required, .. } => {
            not(format!("It asks for 2^{required} steps of work for each try; at most 2^{MOST_WORK} are done."))
        }
        other => not(format!("age says: {}.", other.to_string().trim_end_matches('.'))),
    })?);
    let secrets = secrets::decode(&text).map_err(|error| not(format!("It opens, but {error}.")))?;
    Ok((secrets, stamp))
}

fn stamp(metadata: &Metadata) -> Stamp {
    Stamp {
        length: metadata.len(),
        modified: metadata.modified().ok(),
        #[cfg(unix)]
        inode: std::os::unix::fs::MetadataExt::ino(metadata),
    }
}

//! Files that a text names, which may name anything: a device that never ends, a pipe that nobody writes to.

use std::{
    io::{Error, ErrorKind, Read},
    path::Path,
};

/// Why a file cannot be used.
#[derive(Debug)]
pub enum Unread {
    /// It is something else than a file.
    NotAFile,
    /// It is larger than so many MiB.
    TooLarge(u64),
    /// It is not text.
    NotText,
    /// The system says no.
    System(Error),
}

impl From<Error> for Unread {
    fn from(error: Error) -> Self {
        Self::System(error)
    }
}

impl Unread {
    /// As a sentence, without the machine's number for it.
    pub fn reason(&self) -> String {
        match self {
            Self::NotAFile => "It is not a file.".to_owned(),
            Self::TooLarge(mib) => format!("It is larger than {mib} MiB."),
            Self::NotText => "It is not text.".to_owned(),
            Self::System(error) => match error.kind() {
                ErrorKind::NotFound => "It does not exist.".to_owned(),
                ErrorKind::PermissionDenied => "You have no right to read it.".to_owned(),
                kind => format!("{kind}."),
            },
        }
    }
}

/// Reads a file of at most so many MiB.
///
/// # Errors
/// Why it cannot be used.
pub fn read(path: &Path, most_mib: u64) -> Result<String, Unread> {
    // Before it is opened: to open a pipe is to wait for whoever writes to it.
    if !path.metadata()?.is_file() {
        return Err(Unread::NotAFile);
    }
    let mut bytes = Vec::new();
    // One byte more than allowed tells "as large as allowed" from "larger", whatever the file system says.
    std::fs::File::open(path)?.take((most_mib << 20) + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most_mib << 20 {
        return Err(Unread::TooLarge(most_mib));
    }
    String::from_utf8(bytes).map_err(|_| Unread::NotText)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_small_file_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("token"), "t").unwrap();
        std::fs::write(file("binary"), [0xff]).unwrap();
        std::fs::File::create(file("large")).unwrap().set_len((1 << 20) + 1).unwrap();
        let said = |path: &Path| read(path, 1).map_err(|why| why.reason());
        assert_eq!(said(&file("token")), Ok("t".to_owned()));
        for (path, want) in [
            (file("large"), "It is larger than 1 MiB."),
            (file("binary"), "It is not text."),
            (file("absent"), "It does not exist."),
            (folder.path().to_owned(), "It is not a file."),
            ("/dev/zero".into(), "It is not a file."),
        ] {
            assert_eq!(said(&path), Err(want.to_owned()));
        }
    }
}

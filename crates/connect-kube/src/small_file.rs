//! Certificates and tokens: files of a few thousand bytes, named by a text that may name anything.

use std::{
    io::{Error, ErrorKind, Read, Result},
    path::Path,
};

/// No bundle of authorities is larger.
const LARGEST_MIB: u64 = 4;

/// Reads such a file. Neither a device that never ends nor a pipe that nobody writes to is read.
///
/// # Errors
/// If it is not there, is no file, is too large, or is not text.
pub fn read(path: &Path) -> Result<String> {
    // Before it is opened: to open a pipe is to wait for whoever writes to it.
    if !path.metadata()?.is_file() {
        return Err(Error::other("It is not a file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take((LARGEST_MIB << 20) + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_MIB << 20 {
        return Err(Error::other(format!("It is larger than {LARGEST_MIB} MiB")));
    }
    String::from_utf8(bytes).map_err(|_| ErrorKind::InvalidData.into())
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
        std::fs::File::create(file("large")).unwrap().set_len((LARGEST_MIB << 20) + 1).unwrap();
        let said = |path: &Path| read(path).map_err(|error| error.to_string());
        assert_eq!(said(&file("token")), Ok("t".to_owned()));
        assert_eq!(said(&file("large")), Err("It is larger than 4 MiB".to_owned()));
        assert_eq!(said(folder.path()), Err("It is not a file".to_owned()));
        assert_eq!(said(Path::new("/dev/zero")), Err("It is not a file".to_owned()));
        assert_eq!(read(&file("binary")).unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(read(&file("absent")).unwrap_err().kind(), ErrorKind::NotFound);
    }
}

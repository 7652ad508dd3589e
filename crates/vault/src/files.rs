//! Files that only their owner reads, that are never half written, and that two processes change one after the other.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// A lock that other processes respect. It is given back when this is dropped, or when the process ends.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held for its lock")] File);

/// Waits for the lock of a file, which is made if need be. Blocks.
///
/// # Errors
/// If the file or its folder cannot be made, or locked.
pub fn lock(path: &Path) -> io::Result<Lock> {
    make_folder_of(path)?;
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    file.lock()?;
    Ok(Lock(file))
}

/// Puts these bytes in the place of a file's, at once and for good. Only the owner may read the result. Blocks.
///
/// # Errors
/// If they cannot be written beside the file; it is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Settings may be a link into a folder of dot files: the link stays, what it points to changes.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    make_folder_of(path)?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    // A temporary file is made for its owner alone.
    let mut file = tempfile::Builder::new().prefix(".pilothouse-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The new name is on the disk only once its folder is. Not every file system can be told to.
    #[cfg(unix)]
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

fn make_folder_of(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_replaced_file_is_its_owners_alone_and_leaves_nothing_beside_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new").join("file");
        replace(&path, b"one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_a_link() {
        let home = tempfile::tempdir().unwrap();
        let (real, link) = (home.path().join("real"), home.path().join("link"));
        fs::write(&real, "one").unwrap();
        symlink(&real, &link).unwrap();
        replace(&link, b"two").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"two");
    }
}

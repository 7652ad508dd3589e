//! What is built knows its sources by their content: `bootstrap.sh` writes down how old each file was when the build
//! folders were last built in, and gives a clone whose files are the same these ages.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::{Outcome, repo};

/// Says that all that is built was built from the files that are written down. Where one of them was changed meanwhile,
/// or this fails, nothing is said, and the next clone builds anew.
pub fn confirm() {
    confirm_in(&repo::host_target().join("sources"), repo::root());
}

/// This clone under a name that all clones have for themselves: what is built in there tells no clone from another.
pub fn clone() -> PathBuf {
    let link = repo::host_target().join("clone");
    #[cfg(unix)]
    if fs::read_link(&link).ok().as_deref() != Some(repo::root()) {
        let _ = fs::remove_file(&link);
        let _ = std::os::unix::fs::symlink(repo::root(), &link);
    }
    if link.exists() { link } else { repo::root().to_owned() }
}

fn confirm_in(record: &Path, root: &Path) {
    let Ok(text) = fs::read_to_string(record) else { return };
    let mut lines = text.lines();
    let same_clone = lines.next().is_some_and(|line| Path::new(line) == root);
    if same_clone && lines.all(|line| is_as_told(line, root)) {
        // A record that stays old is not believed, which costs time and nothing else.
        let _ = fs::write(record, &text);
    }
}

/// Gives a seal that is written anew the age of the one that the build folder was last built with, if it says the same.
pub fn seal(seal: &Path) -> Outcome {
    seal_in(&repo::host_target().join("interface"), seal).map_err(|error| format!("{}: {error}", seal.display()))
}

fn seal_in(record: &Path, seal: &Path) -> std::io::Result<()> {
    let last = fs::read(record).ok().zip(fs::metadata(record).and_then(|data| data.modified()).ok());
    let says = fs::read(seal)?;
    match last {
        Some((said, age)) if said == says => fs::File::options().append(true).open(seal)?.set_modified(age),
        _ => {
            fs::create_dir_all(record.parent().unwrap_or(record))?;
            fs::write(record, says)?;
            let age = fs::metadata(record)?.modified()?;
            fs::File::options().append(true).open(seal)?.set_modified(age)
        }
    }
}

/// Is a file as old as its line says: age in seconds, hash, two spaces, name?
fn is_as_told(line: &str, root: &Path) -> bool {
    let told = line.split_once(' ').and_then(|(age, rest)| Some((age.parse().ok()?, rest.split_once("  ")?.1)));
    told.is_some_and(|(age, name)| age_of(&root.join(name)) == Some(age))
}

/// When a file was changed, in seconds since 1970.
fn age_of(file: &Path) -> Option<u64> {
    let changed = fs::metadata(file).and_then(|data| data.modified()).ok()?;
    Some(changed.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_seal_is_as_old_as_the_last_that_said_the_same() -> Result<(), Box<dyn std::error::Error>> {
        let root = std::env::temp_dir().join(format!("pilothouse-seals-{}", std::process::id()));
        fs::create_dir_all(&root)?;
        let (seal, record) = (root.join("seal"), root.join("record"));
        let sealed = |says: &str| -> std::io::Result<SystemTime> {
            fs::write(&seal, says)?;
            super::seal_in(&record, &seal)?;
            fs::metadata(&seal)?.modified()
        };
        sealed("one")?;
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        fs::File::options().append(true).open(&record)?.set_modified(long_ago)?;
        assert_eq!(sealed("one")?, long_ago);
        assert!(sealed("two")? > long_ago);
        assert!(sealed("one")? > long_ago, "it was built with another since");
        fs::remove_dir_all(root)?;
        Ok(())
    }

    #[test]
    fn a_record_is_confirmed_while_no_file_was_changed() -> Result<(), Box<dyn std::error::Error>> {
        let root = std::env::temp_dir().join(format!("pilothouse-sources-{}", std::process::id()));
        fs::create_dir_all(&root)?;
        let (file, record) = (root.join("a b.rs"), root.join("record"));
        fs::write(&file, "one")?;
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let confirmed = |first: &str, age: u64| -> std::io::Result<bool> {
            fs::write(&record, format!("{first}\n{age} 0123abcd  ./a b.rs\n"))?;
            fs::File::options().append(true).open(&record)?.set_modified(long_ago)?;
            super::confirm_in(&record, &root);
            Ok(fs::metadata(&record)?.modified()? > long_ago)
        };
        let (here, age) = (root.to_string_lossy().into_owned(), super::age_of(&file).ok_or("no age")?);
        assert!(confirmed(&here, age)?);
        assert!(!confirmed(&here, age - 1)?, "the file was changed since");
        assert!(!confirmed("/another/clone", age)?);
        fs::remove_dir_all(root)?;
        Ok(())
    }

    /// What `./test` does in a clone before it builds.
    fn enter(clone: &Path, target: &Path) -> std::io::Result<()> {
        let mut bash = std::process::Command::new("bash");
        bash.args(["-euc", ". xtask/bootstrap.sh; know_sources"]).current_dir(clone);
        let done = bash.env("CARGO_TARGET_DIR", target).env("PILOTHOUSE_CACHE", target).status()?;
        if done.success() { Ok(()) } else { Err(std::io::Error::other(format!("{done}"))) }
    }

    #[test]
    fn a_clone_of_the_same_sources_takes_their_age_and_any_other_is_new() -> Result<(), Box<dyn std::error::Error>> {
        let root = std::env::temp_dir().join(format!("pilothouse-clones-{}", std::process::id()));
        let target = root.join("target");
        let built = target.join("debug/.fingerprint/xtask-0123/invoked.timestamp");
        fs::create_dir_all(&target)?;
        let clone = |name: &str, says: &str| -> std::io::Result<std::path::PathBuf> {
            let clone = root.join(name);
            fs::create_dir_all(clone.join("xtask"))?;
            fs::write(clone.join("xtask/bootstrap.sh"), include_str!("../bootstrap.sh"))?;
            fs::write(clone.join("a source.rs"), says)?;
            Ok(clone)
        };
        let age = |clone: &Path| super::age_of(&clone.join("a source.rs")).ok_or("no age");
        let aged = |file: &Path, age: u64| {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(age);
            fs::File::options().append(true).open(file).and_then(|file| file.set_modified(time))
        };
        let (first, same, other) = (clone("first", "one")?, clone("same", "one")?, clone("other", "two")?);
        aged(&first.join("a source.rs"), 1_000)?;
        enter(&first, &target)?;
        fs::create_dir_all(built.parent().ok_or("no folder")?)?;
        fs::write(&built, "")?;
        super::confirm_in(&target.join("sources"), &first);
        enter(&same, &target)?;
        assert_eq!((age(&same)?, built.exists()), (1_000, true));
        aged(&other.join("a source.rs"), 500)?;
        enter(&other, &target)?;
        assert!(age(&other)? > 1_000, "it says something else, however old it is");
        // Back again: since then it was built from the other.
        enter(&first, &target)?;
        assert!(age(&first)? > 1_000);
        // Something was built that the record does not know of.
        aged(&target.join("sources"), 1_500)?;
        enter(&same, &target)?;
        assert!(!built.exists(), "what nobody knows the sources of is built anew");
        fs::remove_dir_all(root)?;
        Ok(())
    }
}

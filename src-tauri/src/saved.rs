//! Texts that a page saves as files: a web view saves none by itself.

use pilothouse_wire::{Code, Problem};
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};
use tauri::{AppHandle, Manager, async_runtime::spawn_blocking};

/// How many files of one name may lie there.
const MOST: u32 = 1_000;
/// Letters of a name at most: file systems take 255 bytes.
const LONGEST: usize = 120;

/// Saves a text among the downloads of this account, and answers where.
///
/// # Errors
/// If there is no place for it, or it cannot be written.
pub async fn save(app: &AppHandle, name: String, text: String) -> Result<String, Problem> {
    let path = app.path();
    let folder = path.download_dir().or_else(|_| path.home_dir().map(|home| home.join("Downloads")));
    let folder = folder.map_err(|error| {
        Problem::new(Code::NotFound, "There is no folder to save to.")
            .why(format!("{error}."))
            .next("Say in XDG_DOWNLOAD_DIR of ~/.config/user-dirs.dirs where downloads go.")
    })?;
    let written = spawn_blocking(move || write(&folder, &name, &text));
    written.await.unwrap_or_else(|error| Err(Problem::new(Code::Internal, "It is not saved.").why(format!("{error}."))))
}

fn write(folder: &Path, name: &str, text: &str) -> Result<String, Problem> {
    let wanted = folder.join(clean(name));
    let failed = |error: std::io::Error| {
        Problem::new(Code::BadInput, format!("{} cannot be written.", wanted.display())).why(format!("{error}."))
    };
    fs::create_dir_all(folder).map_err(failed)?;
    for number in 1..=MOST {
        let path = numbered(&wanted, number);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                let done = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
                return match done {
                    Ok(()) => Ok(path.display().to_string()),
                    Err(error) => {
                        // Half of a table must not be taken for one.
                        let _ = fs::remove_file(&path);
                        Err(failed(error))
                    }
                };
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Err(Problem::new(Code::Exists, format!("{} and {MOST} like it are there.", wanted.display()))
        .next("Move some of them away."))
}

/// A name that stays in its folder and is seen there.
fn clean(name: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_. ".contains(letter);
    let kept: String = name.chars().map(|letter| if is_plain(letter) { letter } else { '-' }).take(LONGEST).collect();
    let kept = kept.trim_matches(['.', ' ']);
    if kept.is_empty() { "pilothouse.txt".to_owned() } else { kept.to_owned() }
}

/// The file of this number: nothing is written over.
fn numbered(wanted: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return wanted.to_owned();
    }
    let part = |of: Option<&std::ffi::OsStr>| of.map(|of| of.to_string_lossy().into_owned()).unwrap_or_default();
    let (stem, suffix) = (part(wanted.file_stem()), part(wanted.extension()));
    let suffix = if suffix.is_empty() { suffix } else { format!(".{suffix}") };
    wanted.with_file_name(format!("{stem} ({number}){suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_folder() {
        for (name, want) in [
            ("pilothouse-gpus.csv", "pilothouse-gpus.csv"),
            ("../../.ssh/authorized_keys", "-..-.ssh-authorized_keys"),
            ("a\u{202e}b/\0c", "a-b--c"),
            ("...", "pilothouse.txt"),
            ("", "pilothouse.txt"),
        ] {
            assert_eq!(clean(name), want, "{name:?}");
        }
        assert!(clean(&"x".repeat(1_000)).len() <= LONGEST);
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = std::env::temp_dir().join(format!("pilothouse-saved-{}", std::process::id()));
        let first = write(&folder, "rows.csv", "a").unwrap();
        let second = write(&folder, "rows.csv", "b").unwrap();
        assert!(first.ends_with("rows.csv") && second.ends_with("rows (2).csv"), "{first}, {second}");
        assert_eq!((fs::read_to_string(first).unwrap(), fs::read_to_string(second).unwrap()), ("a".into(), "b".into()));
        fs::remove_dir_all(&folder).unwrap();
        // A file stands where the folder should be.
        fs::write(&folder, "").unwrap();
        assert!(write(&folder, "rows.csv", "a").unwrap_err().what.ends_with("cannot be written."));
        fs::remove_file(&folder).unwrap();
    }
}

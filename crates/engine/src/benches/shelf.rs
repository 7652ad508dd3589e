//! What is kept, as rows: a document is read again only when its file is another one.

use pilothouse_bench::{shown, store};
use pilothouse_wire::{
    Problem,
    bench::{Card, Row},
};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The most that are shown, the newest.
const MOST: usize = 300;

/// What was read before.
#[derive(Default)]
pub(crate) struct Shelf(HashMap<PathBuf, (Version, Row)>);

/// Tells one version of a file from another.
type Version = (Option<SystemTime>, u64);

impl Shelf {
    /// Looks through a folder. Blocks.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn look(&mut self, folder: &Path) -> Result<Card, Problem> {
        let files = store::files(folder)?;
        let more = files.len().saturating_sub(MOST);
        let mut old = std::mem::take(&mut self.0);
        let mut rows = Vec::new();
        for file in files.into_iter().take(MOST) {
            let version = version(&file);
            let row = match old.remove(&file) {
                Some((same, row)) if same == version => row,
                _ => row(&file),
            };
            rows.push(row.clone());
            self.0.insert(file, (version, row));
        }
        Ok(shown::listed(rows, more))
    }
}

fn version(file: &Path) -> Version {
    fs::metadata(file).map_or((None, 0), |about| (about.modified().ok(), about.len()))
}

fn row(file: &Path) -> Row {
    let name = file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match store::read(file) {
        // Its file may have been given another name since: that is what it is found by.
        Ok(kept) => Row { leads: name, ..Row::from(&kept) },
        Err(problem) => shown::unread(&name, &problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_keeps_nothing_and_what_is_no_run_says_so() {
        let home = tempfile::tempdir().unwrap();
        let mut shelf = Shelf::default();
        assert!(shelf.look(&home.path().join("none")).unwrap().rows.is_empty());
        fs::write(home.path().join("a.json"), "{}").unwrap();
        let card = shelf.look(home.path()).unwrap();
        assert_eq!((card.rows[0].cells[0].text.as_str(), card.rows[0].leads.as_str()), ("Cannot be read", ""));
        assert!(card.rows[0].cells[0].about.contains("cannot be read as a run"));
        // It is read again once it is another file, and forgotten once it is gone.
        assert_eq!(shelf.0.len(), 1);
        fs::remove_file(home.path().join("a.json")).unwrap();
        assert!(shelf.look(home.path()).unwrap().rows.is_empty());
        assert!(shelf.0.is_empty());
    }
}

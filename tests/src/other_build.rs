//! Another build of the program and its page: the same ones, which say another word to each other.

use crate::failure::{Context, Failure, Result};
use crate::page::program;
use crate::repository;
use pilothouse_wire::WIRE_HASH;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// As long as a word, and none that a build has.
const OTHER_WORD: &str = "an earlier build";

/// A program and the folder of its interface.
pub struct OtherBuild {
    /// The program.
    pub program: PathBuf,
    /// Its interface: a program keeps a mark of the one that is built in, which would be that of today's.
    pub interface: PathBuf,
}

impl OtherBuild {
    /// Makes one in a folder.
    ///
    /// # Errors
    /// If the program or the interface are not built, or do not have the word.
    pub fn make(folder: &Path) -> Result<Self> {
        let (own, dist) = (program("pilothouse")?, repository().join("ui/dist"));
        let build = Self { program: folder.join("pilothouse"), interface: folder.join("interface") };
        fs::copy(&own, &build.program).could_not("copy the program")?;
        reword(&build.program)?;
        let copied = Command::new("cp").arg("-r").arg(&dist).arg(&build.interface).status();
        if !copied.is_ok_and(|status| status.success()) {
            return Err(Failure::new(format!("{} cannot be copied; cargo xtask ui makes it", dist.display())));
        }
        reword(&build.interface.join("pilothouse_bg.wasm"))?;
        Ok(build)
    }
}

fn reword(file: &Path) -> Result<()> {
    let mut bytes = fs::read(file).could_not(format!("read {}", file.display()))?;
    let word = WIRE_HASH.as_bytes();
    let places: Vec<usize> = memchr::memmem::find_iter(&bytes, word).collect();
    if places.is_empty() || word.len() != OTHER_WORD.len() {
        return Err(Failure::new(format!("{} does not have the word of this build", file.display())));
    }
    for place in places {
        bytes[place..place + word.len()].copy_from_slice(OTHER_WORD.as_bytes());
    }
    fs::write(file, bytes).could_not(format!("write {}", file.display()))
}

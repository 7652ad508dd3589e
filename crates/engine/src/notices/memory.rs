//! What was told, in a file, so that the next run does not tell it again.

use super::Told;
use pilothouse_vault::{Paths, files};
use pilothouse_wire::{Code, Problem};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
};
use tokio::task::JoinHandle;

/// The version of the file that this build reads and writes.
const VERSION: u32 = 1;
/// The largest file that is read: twice what is ever kept in mind.
const LARGEST: u64 = 16 << 20;

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    told: Vec<Told>,
}

/// The file, and what is on its way into it. Written beside the loop; of several changes the last one counts.
pub(crate) struct Memory {
    file: PathBuf,
    next: Option<Vec<Told>>,
    writing: Option<JoinHandle<()>>,
}

impl Memory {
    pub(crate) fn of(paths: &Paths) -> Self {
        Self { file: paths.data().join("notices.json"), next: None, writing: None }
    }

    /// What earlier runs told. Blocks.
    ///
    /// # Errors
    /// If the file cannot be read: then everything is told anew, and the file is written anew.
    pub(crate) fn read(&self) -> Result<Vec<Told>, Problem> {
        match read(&self.file) {
            Ok(told) => Ok(told),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Problem::new(Code::BadInput, format!("{} cannot be read.", self.file.display()))
                .why(format!("{error}."))
                .next("What is still wrong is told once more.")),
        }
    }

    /// Takes in what is to be written, and writes it unless something is on its way.
    pub(crate) fn keep(&mut self, told: Option<Vec<Told>>) {
        self.next = told.or(self.next.take());
        if self.writing.as_ref().is_none_or(JoinHandle::is_finished)
            && let Some(told) = self.next.take()
        {
            let file = self.file.clone();
            // A disk that is full is said by the record, which is beside it.
            self.writing = Some(tokio::task::spawn_blocking(move || drop(write(&file, told))));
        }
    }

    /// Writes what was not written yet, behind what is on its way.
    pub(crate) async fn end(mut self) {
        if let Some(writing) = self.writing.take() {
            let _ = writing.await;
        }
        self.keep(None);
        if let Some(writing) = self.writing {
            let _ = writing.await;
        }
    }
}

fn read(file: &Path) -> io::Result<Vec<Told>> {
    let mut text = Vec::new();
    fs::File::open(file)?.take(LARGEST).read_to_end(&mut text)?;
    let document: Document = serde_json::from_slice(&text)?;
    if document.version != VERSION {
        return Err(io::Error::other(format!("it is of version {}, and this build knows {VERSION}", document.version)));
    }
    Ok(document.told)
}

fn write(file: &Path, told: Vec<Told>) -> io::Result<()> {
    files::replace(file, &serde_json::to_vec(&Document { version: VERSION, told })?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::view::{FindingId, Status};

    fn told() -> Vec<Told> {
        let object = "gpu:iad/h-1/5".parse().unwrap();
        vec![(FindingId { object, rule: "xid-79".into() }, Status::Bad)]
    }

    #[tokio::test]
    async fn what_was_told_reads_back_and_the_last_change_counts() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::under(home.path());
        let mut memory = Memory::of(&paths);
        assert_eq!(memory.read(), Ok(Vec::new()));
        memory.keep(Some(Vec::new()));
        memory.keep(Some(told()));
        memory.keep(None);
        if let Some(writing) = memory.writing.take() {
            writing.await.unwrap();
        }
        memory.end().await;
        assert_eq!(Memory::of(&paths).read(), Ok(told()));
    }

    #[test]
    fn a_file_that_is_none_is_a_problem_and_is_written_anew() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::under(home.path());
        let memory = Memory::of(&paths);
        fs::create_dir_all(paths.data()).unwrap();
        for text in ["", "{", "[]", "{\"version\":2,\"told\":[]}", "{\"version\":1,\"told\":[1]}"] {
            fs::write(&memory.file, text).unwrap();
            assert_eq!(memory.read().map_err(|problem| problem.code), Err(Code::BadInput), "{text}");
        }
        write(&memory.file, told()).unwrap();
        assert_eq!(memory.read(), Ok(told()));
    }
}

//! Where runs and comparisons are kept: a document and, beside it, a line of JSON a request. Only their owner may read them.

use crate::{compare, kept::Kept, result::State};
use jiff::Timestamp;
use pilothouse_vault::files;
use pilothouse_wire::{Code, Problem, Stamp, units};
use serde::Serialize;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Read, Seek},
    path::{Path, PathBuf},
};

const DOCUMENT: &str = ".json";
const REQUESTS: &str = ".requests.jsonl";
/// A document is no larger, in bytes.
const LARGEST: u64 = 256 << 20;
/// So much more room is made for a document than it has itself, in bytes: file systems give whole blocks.
const ROOM: u64 = 32 << 10;
/// So much of the name of a model is in that of a run.
const LONGEST_NAME: usize = 40;

/// Where one run is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What the run is called.
    pub id: String,
    /// Its document.
    pub document: PathBuf,
    /// Its requests.
    pub requests: PathBuf,
}

/// What is kept of a benchmark, and can say that not all of it is.
pub trait Partly: Serialize {
    /// Says what is not kept, and why.
    fn is_partly(&mut self, why: String);
}

/// A run in the list of runs, or why it cannot be read.
pub type Listed = (PathBuf, Result<Kept, Problem>);

impl Place {
    /// A new one in a folder, called after its time and its model.
    #[must_use]
    pub fn new(folder: &Path, began: Stamp, model: &str) -> Self {
        let time = Timestamp::from_millisecond(began.0).unwrap_or_default().strftime("%Y%m%d-%H%M%S").to_string();
        let base = match slug(model).as_str() {
            "" => time,
            model => format!("{time}-{model}"),
        };
        let is_free = |id: &String| !folder.join(format!("{id}{DOCUMENT}")).exists();
        let more = (2..).map(|number| format!("{base}-{number}"));
        let id = std::iter::once(base.clone()).chain(more).find(is_free).unwrap_or(base.clone());
        Self::named(folder, id)
    }

    /// Where somebody wants it: a file, which is called like the run.
    #[must_use]
    pub fn at(file: &Path) -> Self {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let id = name.strip_suffix(DOCUMENT).unwrap_or(&name).to_owned();
        let folder = file.parent().unwrap_or(Path::new(""));
        Self { document: file.to_owned(), ..Self::named(folder, id) }
    }

    fn named(folder: &Path, id: String) -> Self {
        let document = folder.join(format!("{id}{DOCUMENT}"));
        let requests = folder.join(format!("{id}{REQUESTS}"));
        Self { id, document, requests }
    }

    /// The file of requests as the document calls it.
    #[must_use]
    pub fn requests_name(&self) -> String {
        self.requests.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Is nothing kept there yet?
    ///
    /// # Errors
    /// If a run is.
    pub fn is_free(&self) -> Result<(), Problem> {
        if self.document.exists() || self.requests.exists() {
            return Err(Problem::new(Code::Exists, format!("{} is there already.", self.document.display()))
                .why("Nothing of what was measured is ever written over.")
                .next("Give another file by --out, or move that one."));
        }
        Ok(())
    }

    /// Makes the file of requests, in the folder of the document.
    ///
    /// # Errors
    /// If it cannot be made, or is there already.
    pub fn open(&self) -> Result<BufWriter<File>, Problem> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.requests).map(BufWriter::new).map_err(|error| self.unwritable(&error))
    }

    /// Writes the document, at once and whole; makes the folder where there is none.
    ///
    /// # Errors
    /// If it cannot be written; it is then as it was.
    pub fn write(&self, document: &impl Serialize) -> Result<(), Problem> {
        self.replace(document).map_err(|(error, _)| self.unwritable(&error))
    }

    /// Writes the document once what it tells of is over. Where the disk is full, lines of requests give way to it: it sums
    /// all of them up. What could not be kept is said in it, also where it could not be written itself.
    pub fn write_at_last(&self, document: &mut impl Partly, lines: &Path) {
        let Err((error, bytes)) = self.replace(document) else { return };
        let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        if is_full && let Ok(cut @ 1..) = shorten(lines, 2 * bytes + ROOM) {
            let name = lines.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            document
                .is_partly(format!("the last {} of {name} gave way to what sums it up: {error}", units::bytes(cut)));
            if self.replace(document).is_ok() {
                return;
            }
        }
        let file = self.document.display();
        document.is_partly(format!("{file} stands as it was before the end: {error}"));
    }

    /// Where it cannot, how many bytes it has.
    fn replace(&self, document: &impl Serialize) -> Result<(), (io::Error, u64)> {
        let mut bytes = serde_json::to_vec(document).map_err(|error| (io::Error::from(error), 0))?;
        bytes.push(b'\n');
        files::replace(&self.document, &bytes).map_err(|error| (error, bytes.len() as u64))
    }

    /// What a file that cannot be written means.
    #[must_use]
    pub fn unwritable(&self, error: &io::Error) -> Problem {
        Problem::new(Code::BadInput, format!("The run {} cannot be kept.", self.id))
            .why(format!("{}: {error}.", self.document.display()))
            .next("Make room there, or give another place by --out. What is not kept is not measured further.")
    }
}

/// Is nothing said of it that is not kept?
///
/// # Errors
/// What is.
pub(crate) fn all_kept(id: &str, not_kept: Option<&String>) -> Result<(), Problem> {
    not_kept.map_or(Ok(()), |why| {
        Err(Problem::new(Code::BadInput, format!("Not all of {id} is kept."))
            .why(format!("{why}."))
            .next("Make room there, or give another place by --out."))
    })
}

/// Adds to what is not kept.
pub(crate) fn add(not_kept: &mut Option<String>, why: String) {
    *not_kept = Some(not_kept.take().map_or_else(|| why.clone(), |before| format!("{before}; {why}")));
}

/// Cuts whole lines off the end of a file, so many bytes at least where it has them; how many were cut.
fn shorten(lines: &Path, by: u64) -> io::Result<u64> {
    let mut file = OpenOptions::new().read(true).write(true).open(lines)?;
    let all = file.metadata()?.len();
    let mut end = all.saturating_sub(by);
    // Back to the end of a line, a piece at a time.
    let mut piece = vec![0; 1 << 16];
    while end > 0 {
        let from = end.saturating_sub(piece.len() as u64);
        let read = &mut piece[..usize::try_from(end - from).unwrap_or_default()];
        file.seek(io::SeekFrom::Start(from))?;
        file.read_exact(read)?;
        if let Some(at) = memchr::memrchr(b'\n', read) {
            end = from + at as u64 + 1;
            break;
        }
        end = from;
    }
    file.set_len(end)?;
    Ok(all - end)
}

/// All runs of a folder, the newest first. A folder that is not there has none.
///
/// # Errors
/// If the folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<Listed>, Problem> {
    Ok(files(folder)?.into_iter().map(|file| (file.clone(), read(&file))).collect())
}

/// The newest whole comparisons of a folder, so many at most: they tell how much blocks differ. What cannot be read tells
/// nothing.
#[must_use]
pub fn comparisons(folder: &Path, most: usize) -> Vec<compare::Document> {
    let kept = files(folder).unwrap_or_default().into_iter().filter_map(|file| read(&file).ok());
    let comparisons = kept.filter_map(|kept| match kept {
        Kept::Comparison(document) if document.state == State::Whole => Some(*document),
        _ => None,
    });
    comparisons.take(most).collect()
}

/// The one of exactly this name: of this folder and of no other, whatever the name is.
///
/// # Errors
/// If there is none, or it cannot be read.
pub fn kept(folder: &Path, id: &str) -> Result<(PathBuf, Kept), Problem> {
    let is_name = !id.is_empty() && !id.starts_with('.') && !id.contains(['/', '\\', ':', '\0']);
    let file = folder.join(format!("{id}{DOCUMENT}"));
    match is_name && file.is_file() {
        true => read(&file).map(|kept| (file, kept)),
        false => Err(Problem::new(Code::NotFound, format!("No benchmark {id} is kept here."))
            .next("It may have been removed meanwhile: the list tells which there are.")),
    }
}

/// The documents of a folder, the newest first. A folder that is not there has none.
///
/// # Errors
/// If the folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, &error)),
    };
    let files = entries.flatten().map(|entry| entry.path());
    let is_document = |file: &PathBuf| {
        file.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'))
            && file.extension().is_some_and(|ending| ending == "json")
    };
    let mut files: Vec<PathBuf> = files.filter(is_document).collect();
    // Names begin with times.
    files.sort_by(|a, b| b.cmp(a));
    Ok(files)
}

/// The run of this name, or of this begin of a name where only one has it, or of this file.
///
/// # Errors
/// If there is none, or it cannot be read.
pub fn find(folder: &Path, named: &str) -> Result<(PathBuf, Kept), Problem> {
    let exact = folder.join(format!("{named}{DOCUMENT}"));
    if exact.is_file() {
        return read(&exact).map(|kept| (exact, kept));
    }
    let file = Path::new(named);
    if file.is_file() {
        return read(file).map(|kept| (file.to_owned(), kept));
    }
    let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let names = names.filter_map(|name| name.to_str()?.strip_suffix(DOCUMENT).map(str::to_owned));
    let fits: Vec<String> = names.filter(|name| !named.is_empty() && name.starts_with(named)).collect();
    match &fits[..] {
        [one] => {
            let file = folder.join(format!("{one}{DOCUMENT}"));
            read(&file).map(|kept| (file, kept))
        }
        [] => Err(Problem::new(Code::NotFound, format!("There is no run {named}."))
            .next("pilothouse bench list tells which there are; a file can be given as well.")),
        more => Err(Problem::new(Code::BadInput, format!("{} runs begin with {named}.", more.len()))
            .next("Give more of the name.")),
    }
}

/// Reads a document.
///
/// # Errors
/// If it cannot be read, or is none.
pub fn read(file: &Path) -> Result<Kept, Problem> {
    let size = fs::metadata(file).map_err(|error| unreadable(file, &error))?.len();
    if size > LARGEST {
        return Err(Problem::new(Code::BadInput, format!("{} is too large for a run: {size} bytes.", file.display())));
    }
    let bytes = fs::read(file).map_err(|error| unreadable(file, &error))?;
    Kept::read(&bytes).map_err(|problem| {
        let what = format!("{} cannot be read as a run.", file.display());
        Problem { what, ..problem }
    })
}

fn unreadable(place: &Path, error: &io::Error) -> Problem {
    Problem::new(Code::NotFound, format!("{} cannot be read.", place.display())).why(format!("{error}."))
}

fn slug(model: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' };
    // Of an organisation's model the model says more.
    let name = model.rsplit('/').next().unwrap_or(model);
    name.chars().take(LONGEST_NAME).map(plain).collect::<String>().trim_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{environment::Environment, plan::tests::plan, result::Document};

    fn document(place: &Place) -> Document {
        Document::begun(place.id.clone(), plan(), Environment::default(), Stamp(0), place.requests_name())
    }

    #[test]
    fn a_run_is_kept_and_found_and_never_written_over() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("bench");
        assert_eq!(list(&folder).unwrap().len(), 0);
        let place = Place::new(&folder, Stamp(1_800_000_000_000), "Org/Chat 8B");
        assert_eq!(
            (place.id.as_str(), place.requests_name().as_str()),
            ("20270115-080000-chat-8b", "20270115-080000-chat-8b.requests.jsonl")
        );
        place.is_free().unwrap();
        place.write(&document(&place)).unwrap();
        drop(place.open().unwrap());
        assert_eq!(place.is_free().unwrap_err().code, Code::Exists);
        // Another one of the same second.
        let next = Place::new(&folder, Stamp(1_800_000_000_000), "Org/Chat 8B");
        assert_eq!(next.id, "20270115-080000-chat-8b-2");
        next.write(&document(&next)).unwrap();
        let ids: Vec<_> = list(&folder).unwrap().into_iter().map(|(_, run)| run.unwrap().id().to_owned()).collect();
        assert_eq!(ids.len(), 2);
        assert_eq!(find(&folder, "20270115-080000-chat-8b-2").unwrap().1.id(), next.id);
        assert_eq!(find(&folder, place.document.to_str().unwrap()).unwrap().1.id(), place.id);
        assert_eq!(find(&folder, "2027").unwrap_err().code, Code::BadInput);
        assert_eq!(find(&folder, "x").unwrap_err().code, Code::NotFound);
        // By its name alone, and never by a way to somewhere else.
        assert_eq!(kept(&folder, &next.id).unwrap().1.id(), next.id);
        let elsewhere = format!("../bench/{}", next.id);
        for name in ["", "x", ".", "2027", elsewhere.as_str(), place.document.to_str().unwrap()] {
            assert_eq!(kept(&folder, name).unwrap_err().code, Code::NotFound, "{name}");
        }
    }

    #[test]
    fn a_file_that_is_no_run_is_listed_with_why() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("a.json"), "{}").unwrap();
        fs::write(home.path().join("a.requests.jsonl"), "{}").unwrap();
        let listed = list(home.path()).unwrap();
        assert_eq!(listed.len(), 1);
        assert!(listed[0].1.as_ref().unwrap_err().what.ends_with("a.json cannot be read as a run."));
    }

    #[test]
    fn a_file_is_cut_at_the_end_of_a_line() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("a.jsonl");
        let text: String = (0..20_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
        for by in [1, 7, 100_000, text.len() as u64, u64::MAX] {
            fs::write(&file, &text).unwrap();
            let cut = shorten(&file, by).unwrap();
            let left = fs::read_to_string(&file).unwrap();
            assert!(cut >= by.min(text.len() as u64) && cut < by.saturating_add(16), "{by}: {cut}");
            assert!(text.starts_with(&left) && (left.is_empty() || left.ends_with('\n')), "{by}");
        }
        fs::write(&file, "no end of a line").unwrap();
        assert_eq!((shorten(&file, 3).unwrap(), fs::metadata(&file).unwrap().len()), (16, 0));
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let place = Place::at(&home.path().join("sub/mine.json"));
        place.write(&document(&place)).unwrap();
        drop(place.open().unwrap());
        for file in [&place.document, &place.requests] {
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

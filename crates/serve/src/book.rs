//! Who is let in to a wall, kept over restarts: tokens that a person made, and the sessions of screens, as hashes.
//!
//! One file that only this person may read. A door and the terminal may change it at the same time: each change is made
//! under a lock, on what the file holds then, and the file is replaced as a whole.

use crate::{hashed::Hashed, secret::Secret};
use pilothouse_wire::{Code, Problem, Stamp};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// The form of the file. One of a later build is left alone.
const FORM: u32 = 1;
/// Screens whose sessions are kept; beyond them the oldest is forgotten.
const MAX_SESSIONS: usize = 256;
/// Tokens that may be kept.
const MAX_TOKENS: usize = 256;
/// What a token begins with, so that whoever finds one knows what it is.
const BEGINS: &str = "phw_";
/// What a file of this size holds was not written by us.
const MAX_FILE: u64 = 1024 * 1024;

/// The file of tokens and sessions.
#[derive(Clone, Debug)]
pub struct Book {
    path: PathBuf,
}

/// A token as a person is told of it: never the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Its number, by which it is revoked.
    pub id: u32,
    /// What it is for, in the person's words.
    pub name: String,
    /// When it was made.
    pub made: Stamp,
    /// When it ends.
    pub expires: Stamp,
    /// Screens that are let in by it.
    pub screens: usize,
}

/// What the file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    form: u32,
    last: u32,
    tokens: Vec<Token>,
    sessions: Vec<Session>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Token {
    id: u32,
    name: String,
    hash: Hashed,
    made: Stamp,
    expires: Stamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Session {
    hash: Hashed,
    /// The token that it was made by; none for one of a one-time code.
    token: Option<u32>,
    made: Stamp,
    expires: Stamp,
}

impl Kept {
    /// When the session with this hash ends, if there is one.
    pub fn session(&self, hash: &Hashed, now: Stamp) -> Option<Stamp> {
        let found =
            self.sessions.iter().filter(|session| session.hash.is(hash)).find(|session| session.expires > now)?;
        match found.token {
            Some(id) => self.tokens.iter().any(|token| token.id == id && token.expires > now).then_some(found.expires),
            None => Some(found.expires),
        }
    }

    /// The token of this hash, and when it ends.
    pub fn token(&self, hash: &Hashed, now: Stamp) -> Option<(u32, Stamp)> {
        let found = self.tokens.iter().filter(|token| token.hash.is(hash)).find(|token| token.expires > now)?;
        Some((found.id, found.expires))
    }

    /// Is there a token that lets somebody in now?
    pub fn lets_in(&self, now: Stamp) -> bool {
        self.tokens.iter().any(|token| token.expires > now)
    }

    /// Keeps a session of a screen.
    pub fn add_session(&mut self, hash: Hashed, token: Option<u32>, expires: Stamp, now: Stamp) {
        self.forget_old(now);
        if self.sessions.len() >= MAX_SESSIONS {
            self.sessions.remove(0);
        }
        self.sessions.push(Session { hash, token, made: now, expires });
    }

    fn forget_old(&mut self, now: Stamp) {
        self.tokens.retain(|token| token.expires > now);
        let valid: Vec<u32> = self.tokens.iter().map(|token| token.id).collect();
        self.sessions.retain(|session| session.expires > now && session.token.is_none_or(|id| valid.contains(&id)));
    }
}

impl Book {
    /// The file at `path`, which need not exist yet.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Makes a token that lets screens in for so long; it is told here and nowhere else.
    ///
    /// # Errors
    /// The file cannot be written, or there are too many tokens.
    pub fn make_token(&self, name: &str, lasts: Duration, now: Stamp) -> Result<(TokenRow, String), Problem> {
        let token = format!("{BEGINS}{}", Secret::new()?.reveal());
        let row = self.change(|kept| {
            kept.forget_old(now);
            if kept.tokens.len() >= MAX_TOKENS {
                return Err(Problem::new(Code::NotOffered, format!("There are {MAX_TOKENS} tokens already."))
                    .next("Revoke those that nobody uses: pilothouse serve token list."));
            }
            kept.last += 1;
            let (id, expires) = (kept.last, now.plus(lasts));
            let hash = Hashed::of(token.as_bytes());
            kept.tokens.push(Token { id, name: name.to_owned(), hash, made: now, expires });
            Ok(TokenRow { id, name: name.to_owned(), made: now, expires, screens: 0 })
        })??;
        Ok((row, token))
    }

    /// The tokens that let screens in now, the oldest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn tokens(&self, now: Stamp) -> Result<Vec<TokenRow>, Problem> {
        let mut kept = self.read()?;
        kept.forget_old(now);
        let row = |token: &Token| TokenRow {
            id: token.id,
            name: token.name.clone(),
            made: token.made,
            expires: token.expires,
            screens: kept.sessions.iter().filter(|session| session.token == Some(token.id)).count(),
        };
        Ok(kept.tokens.iter().map(row).collect())
    }

    /// Revokes a token, and with it every screen that it let in. Was there one?
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn revoke(&self, id: u32) -> Result<bool, Problem> {
        self.change(|kept| {
            let before = kept.tokens.len();
            kept.tokens.retain(|token| token.id != id);
            kept.sessions.retain(|session| session.token != Some(id));
            kept.tokens.len() < before
        })
    }

    /// What the file holds; nothing if there is none.
    pub(crate) fn read(&self) -> Result<Kept, Problem> {
        let kept = match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
            Ok(about) if about.len() > MAX_FILE => Err(io::Error::other("it is larger than Pilothouse writes it")),
            Ok(_) => fs::read(&self.path).and_then(|bytes| Ok(serde_json::from_slice::<Kept>(&bytes)?)),
            Err(error) => Err(error),
        };
        let kept = kept.map_err(|error| self.unreadable(&error))?;
        if kept.form > FORM {
            return Err(self.unreadable(&io::Error::other("a later version of Pilothouse wrote it")));
        }
        Ok(kept)
    }

    /// What tells one content of the file from the next, without reading it.
    pub(crate) fn version(&self) -> Option<(SystemTime, u64)> {
        let about = fs::metadata(&self.path).ok()?;
        Some((about.modified().ok()?, about.len()))
    }

    /// Changes what the file holds.
    pub(crate) fn change<T>(&self, how: impl FnOnce(&mut Kept) -> T) -> Result<T, Problem> {
        let written = |error: io::Error| {
            Problem::new(Code::Internal, format!("{} cannot be written.", self.path.display()))
                .why(format!("{error}."))
                .next("Free space there, or give this person the right to write it.")
        };
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(written)?;
        }
        let lock = private(&self.path.with_extension("lock"), false).map_err(written)?;
        lock.lock().map_err(written)?;
        let mut kept = self.read()?;
        let answer = how(&mut kept);
        kept.form = FORM;
        self.write(&kept).map_err(written)?;
        Ok(answer)
    }

    fn write(&self, kept: &Kept) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = private(&new, true)?;
        file.write_all(&serde_json::to_vec_pretty(kept)?)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)
    }

    fn unreadable(&self, error: &io::Error) -> Problem {
        Problem::new(Code::BadInput, format!("{} cannot be read.", self.path.display()))
            .why(format!("{error}."))
            .next("Move the file away, make new tokens, and open the screens anew.")
    }
}

/// A file that only this person may read.
fn private(path: &Path, anew: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(anew);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Stamp = Stamp(1_000_000);
    const DAY: Duration = Duration::from_secs(86_400);

    fn book() -> (tempfile::TempDir, Book) {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::at(folder.path().join("deep").join("wall.json"));
        (folder, book)
    }

    #[test]
    fn a_token_is_told_once_and_kept_as_a_hash_that_nobody_else_may_read() {
        let (_folder, book) = book();
        let (row, token) = book.make_token("lobby", DAY, NOW).unwrap();
        assert_eq!((row.id, row.expires), (1, NOW.plus(DAY)));
        assert!(token.starts_with(BEGINS) && token.len() == BEGINS.len() + 43);
        let text = fs::read_to_string(&book.path).unwrap();
        assert!(!text.contains(&token) && text.contains("lobby"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&book.path).unwrap().permissions().mode() & 0o077, 0);
        }
        let kept = book.read().unwrap();
        assert_eq!(kept.token(&Hashed::of(token.as_bytes()), NOW), Some((1, NOW.plus(DAY))));
        assert_eq!(kept.token(&Hashed::of(b"phw_guess"), NOW), None);
    }

    #[test]
    fn what_a_token_let_in_ends_with_it() {
        let (_folder, book) = book();
        let screen = |word: &[u8]| Hashed::of(word);
        for name in ["lobby", "war room"] {
            book.make_token(name, DAY, NOW).unwrap();
        }
        let far = NOW.plus(DAY * 30);
        book.change(|kept| {
            kept.add_session(screen(b"a"), Some(1), far, NOW);
            kept.add_session(screen(b"b"), Some(2), far, NOW);
            kept.add_session(screen(b"c"), None, far, NOW);
        })
        .unwrap();
        let screens = |rows: Vec<TokenRow>| rows.into_iter().map(|row| (row.id, row.screens)).collect::<Vec<_>>();
        assert_eq!(screens(book.tokens(NOW).unwrap()), [(1, 1), (2, 1)]);
        assert_eq!((book.revoke(1), book.revoke(1)), (Ok(true), Ok(false)));
        let kept = book.read().unwrap();
        let known = |word: &[u8], at| kept.session(&screen(word), at).is_some();
        assert_eq!([known(b"a", NOW), known(b"b", NOW), known(b"c", NOW)], [false, true, true]);
        // The second token has run out, the session of a code has not.
        let later = NOW.plus(DAY);
        assert_eq!([known(b"b", later), known(b"c", later)], [false, true]);
        assert!(kept.lets_in(NOW) && !kept.lets_in(later));
    }

    #[test]
    fn sessions_are_bounded_and_the_oldest_goes() {
        let mut kept = Kept::default();
        for n in 0..=u32::try_from(MAX_SESSIONS).unwrap() {
            kept.add_session(Hashed::of(&n.to_le_bytes()), None, NOW.plus(DAY), NOW);
        }
        assert_eq!(kept.sessions.len(), MAX_SESSIONS);
        assert_eq!(kept.session(&Hashed::of(&0_u32.to_le_bytes()), NOW), None);
    }

    #[test]
    fn a_file_that_is_not_ours_is_named_and_left_alone() {
        let (_folder, book) = book();
        book.make_token("lobby", DAY, NOW).unwrap();
        for text in ["", "[]", "{\"form\":2,\"last\":0,\"tokens\":[],\"sessions\":[]}"] {
            fs::write(&book.path, text).unwrap();
            let problem = book.make_token("again", DAY, NOW).unwrap_err();
            assert!(problem.what.contains("wall.json cannot be read"), "{problem}");
            assert_eq!(fs::read_to_string(&book.path).unwrap(), text);
        }
    }

    #[test]
    fn changes_at_the_same_time_are_all_kept() {
        let (_folder, book) = book();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..8).for_each(|_| drop(book.make_token("x", DAY, NOW).unwrap())));
            }
        });
        let ids: Vec<u32> = book.tokens(NOW).unwrap().into_iter().map(|row| row.id).collect();
        assert_eq!(ids, (1..=64).collect::<Vec<_>>());
    }
}

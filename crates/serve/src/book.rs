//! Who is let in to a door, kept over restarts: tokens that a person made, and the sessions of screens, as hashes.
//!
//! One file a purpose, that only this person may read. A door and the terminal may change it at the same time: each change
//! is made under a lock, on what the file holds then, and the file is replaced as a whole.

mod kept;
mod purpose;
mod watched;

pub(crate) use kept::{Kept, NoEntry};
pub use purpose::{OfRecord, OfWall, Purpose};
pub(crate) use watched::Watched;

use crate::{hashed::Hashed, secret::Secret};
use pilothouse_vault::files;
use pilothouse_wire::{Code, Problem, Stamp};
use std::{
    fmt, fs, io,
    marker::PhantomData,
    path::PathBuf,
    time::{Duration, SystemTime},
};

/// The form of the file. One of a later build is left alone.
const FORM: u32 = 1;
/// Tokens that may be kept.
const MAX_TOKENS: usize = 256;
/// How long a one-time code works: as long as it takes to walk to a screen.
const CODE_LASTS: Duration = Duration::from_secs(15 * 60);
/// What a file of this size holds was not written by us.
const MAX_FILE: u64 = 1024 * 1024;

/// The file of tokens of one purpose, and of the sessions that they became.
#[derive(Clone, Debug)]
pub struct Book<P> {
    path: PathBuf,
    purpose: PhantomData<P>,
}

/// A one-time code for a screen, as it is told once.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeRow {
    /// What follows `#code=` in the address.
    pub code: String,
    /// The token that it stands for: revoked, it takes the screen's session with it.
    pub of: TokenRow,
    /// Until when it works.
    pub until: Stamp,
}

impl fmt::Debug for CodeRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeRow").field("of", &self.of).field("until", &self.until).finish_non_exhaustive()
    }
}

/// A token as a person is told of it: never the token itself. A screen that came by a one-time code of the door itself has an
/// entry, too.
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

impl<P: Purpose> Book<P> {
    /// The file at `path`, which need not exist yet.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path, purpose: PhantomData }
    }

    /// Makes a token that lets somebody in for so long; it is told here and nowhere else.
    ///
    /// # Errors
    /// The file cannot be written, or there are too many tokens.
    pub fn make_token(&self, name: &str, lasts: Duration, now: Stamp) -> Result<(TokenRow, String), Problem> {
        let token = format!("{}{}", P::BEGINS, Secret::new()?.reveal());
        let row = self.change(|kept| {
            kept.forget_old(now);
            if kept.count() >= MAX_TOKENS {
                return Err(Problem::new(Code::NotOffered, format!("There are {MAX_TOKENS} tokens already."))
                    .next(format!("Revoke those that nobody uses: {} token list.", P::COMMAND)));
            }
            Ok(kept.add_token(name, Hashed::of(token.as_bytes()), now, now.plus(lasts)))
        })??;
        Ok((row, token))
    }

    /// Makes a code that lets one screen in, once and soon, as a token would; of the newest token where none is said. `None`
    /// where there is no such token.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn make_code(&self, of: Option<u32>, now: Stamp) -> Result<Option<CodeRow>, Problem> {
        let (code, until) = (Secret::new()?, now.plus(CODE_LASTS));
        let hash = Hashed::of(code.reveal().as_bytes());
        let of = self.change(|kept| kept.add_code(hash, of, until, now))?;
        let code = code.reveal().to_owned();
        Ok(of.map(|of| CodeRow { code, until: until.min(of.expires), of }))
    }

    /// The tokens that let somebody in now, the oldest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn tokens(&self, now: Stamp) -> Result<Vec<TokenRow>, Problem> {
        let mut kept = self.read()?;
        kept.forget_old(now);
        Ok(kept.rows())
    }

    /// Revokes a token, and with it every screen that it let in. Was there one?
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn revoke(&self, id: u32, now: Stamp) -> Result<bool, Problem> {
        self.change(|kept| kept.revoke(id, now))
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
        if kept.form() > FORM {
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
        let _lock = files::lock(&self.path.with_extension("lock")).map_err(written)?;
        let mut kept = self.read()?;
        let answer = how(&mut kept);
        kept.set_form(FORM);
        let bytes = serde_json::to_vec_pretty(&kept).map_err(|error| written(error.into()))?;
        files::replace(&self.path, &bytes).map_err(written)?;
        Ok(answer)
    }

    fn unreadable(&self, error: &io::Error) -> Problem {
        Problem::new(Code::BadInput, format!("{} cannot be read.", self.path.display()))
            .why(format!("{error}."))
            .next(format!("Move the file away, and make new tokens: {} token new.", P::COMMAND))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Stamp = Stamp(1_000_000);
    const DAY: Duration = Duration::from_secs(86_400);

    fn book() -> (tempfile::TempDir, Book<OfWall>) {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::at(folder.path().join("deep").join("wall.json"));
        (folder, book)
    }

    #[test]
    fn a_token_is_told_once_and_kept_as_a_hash_that_nobody_else_may_read() {
        let (_folder, book) = book();
        let (row, token) = book.make_token("lobby", DAY, NOW).unwrap();
        assert_eq!((row.id, row.expires), (1, NOW.plus(DAY)));
        assert!(token.starts_with("phw_") && token.len() == 4 + 43);
        let text = fs::read_to_string(&book.path).unwrap();
        assert!(!text.contains(&token) && text.contains("lobby"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&book.path).unwrap().permissions().mode() & 0o077, 0);
        }
        let kept = book.read().unwrap();
        assert_eq!(kept.token::<OfWall>(token.as_bytes(), NOW), Ok((1, NOW.plus(DAY))));
        assert_eq!(kept.token::<OfWall>(b"phw_guess", NOW), Err(NoEntry::Unknown));
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
        assert_eq!(screens(book.tokens(NOW).unwrap()), [(1, 1), (2, 1), (3, 1)]);
        assert_eq!((book.revoke(1, NOW), book.revoke(1, NOW)), (Ok(true), Ok(false)));
        let kept = book.read().unwrap();
        let known = |word: &[u8], at| kept.session(&screen(word), at).is_some();
        assert_eq!([known(b"a", NOW), known(b"b", NOW), known(b"c", NOW)], [false, true, true]);
        // The second token has run out, the session of a code has not.
        let later = NOW.plus(DAY);
        assert_eq!([known(b"b", later), known(b"c", later)], [false, true]);
        assert!(kept.lets_in(NOW) && !kept.lets_in(later));
    }

    #[test]
    fn a_token_of_one_purpose_is_nothing_to_another_and_one_that_ended_is_told_from_a_guess() {
        let (folder, book) = book();
        // Even where somebody gives both doors the same file.
        let records = Book::<OfRecord>::at(book.path.clone());
        let (_, screen) = book.make_token("lobby", DAY, NOW).unwrap();
        let (row, laptop) = records.make_token("laptop", DAY, NOW).unwrap();
        assert!(laptop.starts_with("phr_"));
        let kept = || book.read().unwrap();
        assert_eq!(kept().token::<OfRecord>(laptop.as_bytes(), NOW).map(|(id, _)| id), Ok(row.id));
        assert_eq!(kept().token::<OfRecord>(screen.as_bytes(), NOW), Err(NoEntry::OtherPurpose));
        assert_eq!(kept().token::<OfWall>(laptop.as_bytes(), NOW), Err(NoEntry::OtherPurpose));
        let later = NOW.plus(DAY);
        assert_eq!(kept().token::<OfRecord>(laptop.as_bytes(), later), Err(NoEntry::Expired(later)));
        records.revoke(row.id, NOW).unwrap();
        assert_eq!(kept().token::<OfRecord>(laptop.as_bytes(), NOW), Err(NoEntry::Revoked(NOW)));
        // That one has run out is still known after others came.
        records.make_token("next", DAY, later).unwrap();
        assert_eq!(kept().token::<OfWall>(screen.as_bytes(), later), Err(NoEntry::Expired(later)));
        drop(folder);
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

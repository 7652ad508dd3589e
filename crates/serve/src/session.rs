//! What a page shows to be let in, a one-time code or a token, and the session that it becomes.

use crate::{
    book::{Book, Kept, OfWall, Watched},
    hashed::Hashed,
    secret::Secret,
};
use pilothouse_engine::Clock;
use pilothouse_wire::{Problem, Stamp};
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};

/// So many wrong codes, and the right one is void.
const MAX_WRONG: u32 = 10;
/// A screen that came by a one-time code is known for so long.
const SCREEN_LASTS: Duration = Duration::from_secs(30 * 86_400);

/// What whoever opened the door should be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The code of the address was used: a page is connected.
    Opened,
    /// Too many wrong codes were tried: the code is void, start the door again.
    Void,
}

/// What came of a code that a page sent.
#[derive(Clone, Debug)]
pub(crate) enum Redeemed {
    /// It is right: this is the session's secret.
    Session {
        /// What the cookie holds.
        secret: Secret,
        /// How long it is kept; `None` until the browser or the door is closed.
        lasts: Option<Duration>,
    },
    /// It is wrong, used, or void.
    No,
}

/// Knows the code until it is used, and the sessions that were made.
#[derive(Debug)]
pub(crate) struct Sessions {
    state: Mutex<State>,
    notices: mpsc::Sender<Notice>,
    /// Where sessions and tokens are kept; without it they end with the door.
    book: Option<Watched<OfWall>>,
    clock: Clock,
}

#[derive(Debug)]
struct State {
    code: Option<Hashed>,
    session: Option<Hashed>,
    wrong: u32,
}

impl Sessions {
    /// A door with a one-time code, if it has one; and where notices come out.
    pub fn new(code: Option<&Secret>, book: Option<Book<OfWall>>, clock: Clock) -> (Self, mpsc::Receiver<Notice>) {
        let (notices, heard) = mpsc::channel(4);
        let code = code.map(|code| Hashed::of(code.reveal().as_bytes()));
        let state = State { code, session: None, wrong: 0 };
        (Self { state: Mutex::new(state), notices, book: book.map(Watched::new), clock }, heard)
    }

    /// Turns a code, once, or a token into a session.
    ///
    /// # Errors
    /// The system gives no random bits, or the session cannot be kept.
    pub async fn redeem(&self, word: &[u8]) -> Result<Redeemed, Problem> {
        let (mut state, shown, now) = (self.state.lock().await, Hashed::of(word), self.clock.now());
        if state.code.is_some_and(|code| code.is(&shown)) {
            let secret = Secret::new()?;
            let hash = Hashed::of(secret.reveal().as_bytes());
            let lasts = self.book.is_some().then_some(SCREEN_LASTS);
            match &self.book {
                Some(book) => keep(book.book(), hash, None, now.plus(SCREEN_LASTS), now).await?,
                None => state.session = Some(hash),
            }
            state.code = None;
            self.tell(Notice::Opened);
            return Ok(Redeemed::Session { secret, lasts });
        }
        if let Some(book) = &self.book
            && book.kept().await.code(&shown, now).is_some()
        {
            let secret = Secret::new()?;
            let hash = Hashed::of(secret.reveal().as_bytes());
            // Of several who show it at the same time one is let in.
            if let Some(expires) = use_code(book.book(), shown, hash, now).await? {
                self.tell(Notice::Opened);
                return Ok(Redeemed::Session { secret, lasts: Some(expires.since(now)) });
            }
        }
        if let Some(book) = &self.book
            && let Ok((id, expires)) = book.kept().await.token::<OfWall>(word, now)
        {
            let secret = Secret::new()?;
            keep(book.book(), Hashed::of(secret.reveal().as_bytes()), Some(id), expires, now).await?;
            self.tell(Notice::Opened);
            return Ok(Redeemed::Session { secret, lasts: Some(expires.since(now)) });
        }
        state.wrong = state.wrong.saturating_add(1);
        if state.wrong == MAX_WRONG && state.code.take().is_some() {
            self.tell(Notice::Void);
        }
        Ok(Redeemed::No)
    }

    /// Is this the secret of a session? Answers by what it is known from now on.
    pub async fn find(&self, word: &[u8]) -> Option<Known> {
        let known = Known(Hashed::of(word));
        self.knows(&known).await.then_some(known)
    }

    /// Is it still? A token may have been revoked meanwhile, or have run out.
    pub async fn knows(&self, known: &Known) -> bool {
        if self.state.lock().await.session.is_some_and(|session| session.is(&known.0)) {
            return true;
        }
        match &self.book {
            Some(book) => book.kept().await.session(&known.0, self.clock.now()).is_some(),
            None => false,
        }
    }

    fn tell(&self, notice: Notice) {
        // Nobody listening, or four notices unread: the door works all the same.
        let _ = self.notices.try_send(notice);
    }
}

/// A session that was shown to be known.
#[derive(Clone, Debug)]
pub(crate) struct Known(Hashed);

async fn keep(
    book: &Book<OfWall>,
    hash: Hashed,
    token: Option<u32>,
    expires: Stamp,
    now: Stamp,
) -> Result<(), Problem> {
    let book = book.clone();
    let kept = tokio::task::spawn_blocking(move || book.change(|kept| kept.add_session(hash, token, expires, now)));
    kept.await.unwrap_or_else(|_| Err(not_kept()))
}

/// Turns a one-time code of the book into a session of its token; answers when that ends, if the code was still there.
async fn use_code(book: &Book<OfWall>, code: Hashed, session: Hashed, now: Stamp) -> Result<Option<Stamp>, Problem> {
    let book = book.clone();
    let change = move |kept: &mut Kept| {
        let (token, expires) = kept.take_code(&code, now)?;
        kept.add_session(session, Some(token), expires, now);
        Some(expires)
    };
    tokio::task::spawn_blocking(move || book.change(change)).await.unwrap_or_else(|_| Err(not_kept()))
}

fn not_kept() -> Problem {
    Problem::new(pilothouse_wire::Code::Internal, "The session was not kept.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    };

    const DAY: Duration = Duration::from_secs(86_400);

    fn plain() -> (Sessions, Secret, mpsc::Receiver<Notice>) {
        let code = Secret::new().unwrap();
        let (sessions, notices) = Sessions::new(Some(&code), None, Clock::of(|| Stamp(0)));
        (sessions, code, notices)
    }

    async fn secret_of(sessions: &Sessions, word: &[u8]) -> Option<Secret> {
        match sessions.redeem(word).await.unwrap() {
            Redeemed::Session { secret, .. } => Some(secret),
            Redeemed::No => None,
        }
    }

    async fn knows(sessions: &Sessions, secret: &Secret) -> bool {
        sessions.find(secret.reveal().as_bytes()).await.is_some()
    }

    #[tokio::test]
    async fn a_code_works_once() {
        let (sessions, code, mut notices) = plain();
        let word = code.reveal().as_bytes();
        let session = secret_of(&sessions, word).await.unwrap();
        assert!(secret_of(&sessions, word).await.is_none());
        assert!(knows(&sessions, &session).await && !knows(&sessions, &code).await);
        assert_eq!(notices.recv().await, Some(Notice::Opened));
    }

    #[tokio::test]
    async fn ten_wrong_codes_void_the_right_one() {
        let (sessions, code, mut notices) = plain();
        for _ in 0..MAX_WRONG {
            assert!(secret_of(&sessions, b"guess").await.is_none());
        }
        assert!(secret_of(&sessions, code.reveal().as_bytes()).await.is_none());
        assert_eq!(notices.recv().await, Some(Notice::Void));
    }

    #[tokio::test]
    async fn nobody_is_known_before_the_code_is_used() {
        let (sessions, _, _notices) = plain();
        assert!(sessions.find(b"").await.is_none());
    }

    #[tokio::test]
    async fn a_screen_is_known_to_the_next_door_until_its_token_is_revoked_or_runs_out() {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::at(folder.path().join("wall.json"));
        let time = Arc::new(AtomicI64::new(0));
        let door = || {
            let time = Arc::clone(&time);
            let clock = Clock::of(move || Stamp(time.load(Ordering::Relaxed)));
            Sessions::new(None, Some(book.clone()), clock).0
        };
        let (first, token) = book.make_token("lobby", DAY, Stamp(0)).unwrap();
        let (_, other) = book.make_token("war room", DAY * 2, Stamp(0)).unwrap();
        let sessions = door();
        let (a, b) = (secret_of(&sessions, token.as_bytes()).await, secret_of(&sessions, other.as_bytes()).await);
        let (a, b) = (a.unwrap(), b.unwrap());
        // A token is for several screens.
        assert!(secret_of(&sessions, token.as_bytes()).await.is_some());
        let after_restart = door();
        assert!(knows(&after_restart, &a).await && knows(&after_restart, &b).await);
        book.revoke(first.id, Stamp(0)).unwrap();
        assert!(!knows(&after_restart, &a).await && knows(&after_restart, &b).await);
        assert!(secret_of(&after_restart, token.as_bytes()).await.is_none());
        time.store(i64::try_from((DAY * 2).as_millis()).unwrap(), Ordering::Relaxed);
        assert!(!knows(&after_restart, &b).await);
    }

    #[tokio::test]
    async fn a_code_of_the_book_lets_one_screen_in_soon_and_ends_with_its_token() {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::at(folder.path().join("wall.json"));
        let time = Arc::new(AtomicI64::new(0));
        let clock = Clock::of({
            let time = Arc::clone(&time);
            move || Stamp(time.load(Ordering::Relaxed))
        });
        let sessions = Sessions::new(None, Some(book.clone()), clock).0;
        assert!(book.make_code(None, Stamp(0)).unwrap().is_none(), "there is no token yet");
        let (row, _) = book.make_token("lobby", DAY, Stamp(0)).unwrap();
        let code = || book.make_code(None, Stamp(0)).unwrap().unwrap();
        let (first, late) = (code(), code());
        assert_eq!((first.of.id, first.until), (row.id, Stamp(15 * 60_000)));
        let text = std::fs::read_to_string(folder.path().join("wall.json")).unwrap();
        assert!(!text.contains(&first.code), "it is kept as a hash");
        // At the same time, as two screens might: one of them.
        let word = first.code.as_bytes();
        let (a, b) = tokio::join!(secret_of(&sessions, word), secret_of(&sessions, word));
        let screen = a.xor(b).expect("one, and not both");
        assert!(knows(&sessions, &screen).await && secret_of(&sessions, word).await.is_none());
        assert_eq!(book.tokens(Stamp(0)).unwrap()[0].screens, 1);
        time.store(15 * 60_000, Ordering::Relaxed);
        assert!(secret_of(&sessions, late.code.as_bytes()).await.is_none(), "its time is over");
        assert!(knows(&sessions, &screen).await, "that of the screen is not");
        book.revoke(row.id, Stamp(0)).unwrap();
        assert!(!knows(&sessions, &screen).await);
    }

    #[tokio::test]
    async fn the_session_of_a_code_is_kept_where_there_is_a_book() {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::at(folder.path().join("wall.json"));
        let code = Secret::new().unwrap();
        let (sessions, _notices) = Sessions::new(Some(&code), Some(book.clone()), Clock::of(|| Stamp(0)));
        let secret = secret_of(&sessions, code.reveal().as_bytes()).await.unwrap();
        let (next, _notices) = Sessions::new(None, Some(book), Clock::of(|| Stamp(1)));
        assert!(knows(&next, &secret).await);
        assert!(secret_of(&next, code.reveal().as_bytes()).await.is_none());
        // It is listed, and ends where somebody revokes it.
        let rows = next.book.as_ref().unwrap().book().tokens(Stamp(1)).unwrap();
        assert_eq!(rows.iter().map(|row| row.screens).collect::<Vec<_>>(), [1]);
        assert!(next.book.as_ref().unwrap().book().revoke(rows[0].id, Stamp(1)).unwrap());
        assert!(!knows(&next, &secret).await);
    }

    #[tokio::test]
    async fn a_book_that_cannot_be_read_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wall.json");
        let book = Book::at(path.clone());
        let (_, token) = book.make_token("lobby", DAY, Stamp(0)).unwrap();
        let (sessions, _notices) = Sessions::new(None, Some(book), Clock::of(|| Stamp(1)));
        let secret = secret_of(&sessions, token.as_bytes()).await.unwrap();
        std::fs::write(path, "not ours").unwrap();
        assert!(!knows(&sessions, &secret).await);
    }
}

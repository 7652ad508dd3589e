//! The one-time code of the address, and the session that it becomes.

use crate::secret::Secret;
use pilothouse_wire::Problem;
use tokio::sync::{Mutex, mpsc};

/// So many wrong codes, and the right one is void.
const MAX_WRONG: u32 = 10;

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
    Session(Secret),
    /// It is wrong, used, or void.
    No,
}

/// Knows the code until it is used, and the session that it became.
#[derive(Debug)]
pub(crate) struct Sessions {
    state: Mutex<State>,
    notices: mpsc::Sender<Notice>,
}

#[derive(Debug)]
struct State {
    code: Option<Secret>,
    session: Option<Secret>,
    wrong: u32,
}

impl Sessions {
    /// A door with a new code; the code, and where notices come out.
    ///
    /// # Errors
    /// The system gives no random bits.
    pub fn new() -> Result<(Self, Secret, mpsc::Receiver<Notice>), Problem> {
        let code = Secret::new()?;
        let (notices, heard) = mpsc::channel(4);
        let state = State { code: Some(code.clone()), session: None, wrong: 0 };
        Ok((Self { state: Mutex::new(state), notices }, code, heard))
    }

    /// Turns the code into a session, once.
    ///
    /// # Errors
    /// The system gives no random bits.
    pub async fn redeem(&self, word: &[u8]) -> Result<Redeemed, Problem> {
        let mut state = self.state.lock().await;
        let right = state.code.as_ref().is_some_and(|code| code.is(word));
        if right {
            let session = Secret::new()?;
            state.code = None;
            state.session = Some(session.clone());
            self.tell(Notice::Opened);
            return Ok(Redeemed::Session(session));
        }
        state.wrong = state.wrong.saturating_add(1);
        if state.wrong == MAX_WRONG && state.code.take().is_some() {
            self.tell(Notice::Void);
        }
        Ok(Redeemed::No)
    }

    /// Is this the session's secret?
    pub async fn knows(&self, word: &[u8]) -> bool {
        self.state.lock().await.session.as_ref().is_some_and(|session| session.is(word))
    }

    fn tell(&self, notice: Notice) {
        // Nobody listening, or four notices unread: the door works all the same.
        let _ = self.notices.try_send(notice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_code_works_once() {
        let (sessions, code, mut notices) = Sessions::new().unwrap();
        let word = code.reveal().as_bytes();
        let Redeemed::Session(session) = sessions.redeem(word).await.unwrap() else { panic!("refused") };
        assert!(matches!(sessions.redeem(word).await.unwrap(), Redeemed::No));
        assert!(sessions.knows(session.reveal().as_bytes()).await);
        assert!(!sessions.knows(word).await);
        assert_eq!(notices.recv().await, Some(Notice::Opened));
    }

    #[tokio::test]
    async fn ten_wrong_codes_void_the_right_one() {
        let (sessions, code, mut notices) = Sessions::new().unwrap();
        for _ in 0..MAX_WRONG {
            assert!(matches!(sessions.redeem(b"guess").await.unwrap(), Redeemed::No));
        }
        assert!(matches!(sessions.redeem(code.reveal().as_bytes()).await.unwrap(), Redeemed::No));
        assert_eq!(notices.recv().await, Some(Notice::Void));
    }

    #[tokio::test]
    async fn nobody_is_known_before_the_code_is_used() {
        let (sessions, _, _notices) = Sessions::new().unwrap();
        assert!(!sessions.knows(b"").await);
    }
}

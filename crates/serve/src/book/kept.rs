//! What the file of tokens holds, and who is let in by it.

use super::{
    TokenRow,
    purpose::{self, Purpose},
};
use crate::hashed::Hashed;
use pilothouse_wire::Stamp;
use serde::{Deserialize, Serialize};

/// Screens whose sessions are kept; beyond them the oldest is forgotten.
const MAX_SESSIONS: usize = 256;
/// Tokens that ended of which it is known that they did.
const MAX_ENDED: usize = 256;
/// One-time codes that are kept; beyond them the oldest is forgotten.
const MAX_CODES: usize = 64;
/// What the entry of a screen is called that came by a one-time code of the door itself.
const OF_CODE: &str = "a code of this machine";

/// What the file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    form: u32,
    last: u32,
    tokens: Vec<Token>,
    sessions: Vec<Session>,
    /// Tokens that let nobody in any more, the newest last: who shows one is told why.
    #[serde(default)]
    ended: Vec<Ended>,
    /// One-time codes: each stands for a token, and becomes one session of it.
    #[serde(default)]
    codes: Vec<OneTime>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Token {
    id: u32,
    name: String,
    hash: Hashed,
    made: Stamp,
    expires: Stamp,
    /// Is it the entry of one screen that came by a one-time code of the door itself? Nobody has such a token: it is there to be
    /// listed and revoked, lets nobody else in, and goes with its screen.
    #[serde(default)]
    of_code: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Session {
    hash: Hashed,
    /// The token that it ends with; none for one of a one-time code in a file of an earlier build, until it gets one.
    token: Option<u32>,
    made: Stamp,
    expires: Stamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Ended {
    hash: Hashed,
    at: Stamp,
    revoked: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OneTime {
    hash: Hashed,
    token: u32,
    expires: Stamp,
}

/// Why a word lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoEntry {
    /// It is no token that was made here, or of one that ended long ago.
    Unknown,
    /// It is a token for another door.
    OtherPurpose,
    /// A person took it back.
    Revoked(Stamp),
    /// Its time is over.
    Expired(Stamp),
}

impl Kept {
    /// The version of the form that it is of.
    pub fn form(&self) -> u32 {
        self.form
    }

    pub fn set_form(&mut self, form: u32) {
        self.form = form;
    }

    /// How many tokens there are that a person has.
    pub fn count(&self) -> usize {
        self.tokens.iter().filter(|token| !token.of_code).count()
    }

    pub fn add_token(&mut self, name: &str, hash: Hashed, made: Stamp, expires: Stamp) -> TokenRow {
        self.last += 1;
        let (id, name) = (self.last, name.to_owned());
        self.tokens.push(Token { id, name: name.clone(), hash, made, expires, of_code: false });
        TokenRow { id, name, made, expires, screens: 0 }
    }

    /// The tokens as a person is told of them, the oldest first.
    pub fn rows(&self) -> Vec<TokenRow> {
        let row = |token: &Token| TokenRow {
            id: token.id,
            name: token.name.clone(),
            made: token.made,
            expires: token.expires,
            screens: self.sessions.iter().filter(|session| session.token == Some(token.id)).count(),
        };
        self.tokens.iter().map(row).collect()
    }

    /// Takes a token back, and every session that it became. Was there one?
    pub fn revoke(&mut self, id: u32, now: Stamp) -> bool {
        self.adopt();
        let before = self.tokens.len();
        self.end(|token| (token.id == id).then_some((now, true)));
        self.sessions.retain(|session| session.token != Some(id));
        self.codes.retain(|code| code.token != id);
        self.tokens.len() < before
    }

    /// What the token of this number is called.
    pub fn name_of(&self, id: u32) -> &str {
        self.tokens.iter().find(|token| token.id == id).map_or("", |token| &token.name)
    }

    /// When the session with this hash ends, if there is one.
    pub fn session(&self, hash: &Hashed, now: Stamp) -> Option<Stamp> {
        let found =
            self.sessions.iter().filter(|session| session.hash.is(hash)).find(|session| session.expires > now)?;
        match found.token {
            Some(id) => self.tokens.iter().any(|token| token.id == id && token.expires > now).then_some(found.expires),
            None => Some(found.expires),
        }
    }

    /// The token that this word is, and when it ends.
    ///
    /// # Errors
    /// Why it lets nobody in.
    pub fn token<P: Purpose>(&self, word: &[u8], now: Stamp) -> Result<(u32, Stamp), NoEntry> {
        // By its beginning alone, so that no file, swapped or shared, makes a token of one door that of another.
        if !word.starts_with(P::BEGINS.as_bytes()) {
            let other = purpose::BEGINNINGS.iter().any(|begins| word.starts_with(begins.as_bytes()));
            return Err(if other { NoEntry::OtherPurpose } else { NoEntry::Unknown });
        }
        let hash = Hashed::of(word);
        if let Some(token) = self.tokens.iter().find(|token| !token.of_code && token.hash.is(&hash)) {
            return if token.expires > now {
                Ok((token.id, token.expires))
            } else {
                Err(NoEntry::Expired(token.expires))
            };
        }
        Err(match self.ended.iter().find(|ended| ended.hash.is(&hash)) {
            Some(Ended { at, revoked: true, .. }) => NoEntry::Revoked(*at),
            Some(Ended { at, revoked: false, .. }) => NoEntry::Expired(*at),
            None => NoEntry::Unknown,
        })
    }

    /// Keeps a one-time code that stands for a token, the newest if no number is said. Answers the token; `None` where there
    /// is no such one now.
    pub fn add_code(&mut self, hash: Hashed, of: Option<u32>, expires: Stamp, now: Stamp) -> Option<TokenRow> {
        self.forget_old(now);
        let is_had = |row: &TokenRow| self.tokens.iter().any(|token| token.id == row.id && !token.of_code);
        let row = self.rows().into_iter().rfind(|row| is_had(row) && of.is_none_or(|id| row.id == id))?;
        if self.codes.len() >= MAX_CODES {
            self.codes.remove(0);
        }
        self.codes.push(OneTime { hash, token: row.id, expires: expires.min(row.expires) });
        Some(row)
    }

    /// The token that a one-time code stands for, and when that ends, if the code is one and was not used.
    pub fn code(&self, hash: &Hashed, now: Stamp) -> Option<(u32, Stamp)> {
        let code = self.codes.iter().find(|code| code.hash.is(hash) && code.expires > now)?;
        let token = self.tokens.iter().find(|token| token.id == code.token && token.expires > now)?;
        Some((token.id, token.expires))
    }

    /// The same, and it is used with that.
    pub fn take_code(&mut self, hash: &Hashed, now: Stamp) -> Option<(u32, Stamp)> {
        let of = self.code(hash, now)?;
        self.codes.retain(|code| !code.hash.is(hash));
        Some(of)
    }

    /// Is there a token that lets somebody in now?
    pub fn lets_in(&self, now: Stamp) -> bool {
        self.tokens.iter().any(|token| token.expires > now && !token.of_code)
    }

    /// Keeps a session of a screen; of a token, or of a one-time code of the door itself.
    pub fn add_session(&mut self, hash: Hashed, token: Option<u32>, expires: Stamp, now: Stamp) {
        self.forget_old(now);
        if self.sessions.len() >= MAX_SESSIONS {
            self.sessions.remove(0);
        }
        self.sessions.push(Session { hash, token, made: now, expires });
        self.adopt();
    }

    /// Gives each session of a one-time code of the door itself an entry of its own, by which it is listed and revoked. Two who do
    /// so to the same file give the same numbers.
    fn adopt(&mut self) {
        for session in self.sessions.iter_mut().filter(|session| session.token.is_none()) {
            self.last += 1;
            session.token = Some(self.last);
            let Session { hash, made, expires, .. } = *session;
            self.tokens.push(Token { id: self.last, name: OF_CODE.to_owned(), hash, made, expires, of_code: true });
        }
        let is_there = |id| self.sessions.iter().any(|session| session.token == Some(id));
        self.tokens.retain(|token| !token.of_code || is_there(token.id));
    }

    /// Ends tokens of which `why` says when that is, and whether by a person.
    fn end(&mut self, why: impl Fn(&Token) -> Option<(Stamp, bool)>) {
        let had = self.tokens.iter().filter(|token| !token.of_code);
        let ended = had.filter_map(|token| why(token).map(|why| (token.hash, why)));
        self.ended.extend(ended.map(|(hash, (at, revoked))| Ended { hash, at, revoked }));
        self.tokens.retain(|token| why(token).is_none());
        let beyond = self.ended.len().saturating_sub(MAX_ENDED);
        self.ended.drain(..beyond);
    }

    /// Lets go of what has run out.
    pub fn forget_old(&mut self, now: Stamp) {
        self.adopt();
        self.end(|token| (token.expires <= now).then_some((token.expires, false)));
        let valid: Vec<u32> = self.tokens.iter().map(|token| token.id).collect();
        self.sessions.retain(|session| session.expires > now && session.token.is_none_or(|id| valid.contains(&id)));
        self.codes.retain(|code| code.expires > now && valid.contains(&code.token));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_code_stands_for_its_token_once_for_a_while_and_not_beyond_it() {
        let (mut kept, now) = (Kept::default(), Stamp(1_000_000));
        let after = |minutes: u64| now.plus(Duration::from_secs(60 * minutes));
        let hash = |word: &str| Hashed::of(word.as_bytes());
        assert_eq!(kept.add_code(hash("a"), None, after(15), now), None, "there is no token");
        for (name, ends) in [("lobby", 1_000), ("war room", 10)] {
            kept.add_token(name, hash(name), now, after(ends));
        }
        let added = |kept: &mut Kept, word: &str, of: Option<u32>| {
            kept.add_code(hash(word), of, after(15), now).map(|row| row.id)
        };
        let ids =
            [("a", None), ("b", Some(1)), ("c", Some(1)), ("d", Some(9))].map(|(word, of)| added(&mut kept, word, of));
        assert_eq!(ids, [Some(2), Some(1), Some(1), None]);
        assert_eq!(kept.take_code(&hash("a"), after(1)), Some((2, after(10))));
        assert_eq!(kept.take_code(&hash("a"), after(1)), None, "it works once");
        assert_eq!(
            [kept.code(&hash("b"), after(14)), kept.code(&hash("b"), after(15))],
            [Some((1, after(1_000))), None]
        );
        assert_eq!(kept.code(&hash("d"), now), None);
        assert!(kept.revoke(1, now));
        assert_eq!(kept.code(&hash("c"), now), None, "it ends with its token");
        // Of many the oldest goes.
        for n in 0..=MAX_CODES {
            added(&mut kept, &n.to_string(), Some(2));
        }
        assert_eq!((kept.codes.len(), kept.code(&hash("0"), now)), (MAX_CODES, None));
    }

    #[test]
    fn a_screen_of_a_code_of_the_door_is_listed_and_revoked_and_lets_in_nobody_else() {
        let (mut kept, now) = (Kept::default(), Stamp(1_000_000));
        let far = now.plus(Duration::from_secs(86_400));
        let hash = |word: &str| Hashed::of(word.as_bytes());
        // As an earlier build left it.
        let session = Session { hash: hash("a"), token: None, made: now, expires: far };
        kept.sessions.push(session);
        assert_eq!(kept.session(&hash("a"), now), Some(far));
        let mut read = kept.clone();
        read.forget_old(now);
        kept.add_session(hash("b"), None, far, now);
        let rows = |kept: &Kept| kept.rows().into_iter().map(|row| (row.id, row.name, row.screens)).collect::<Vec<_>>();
        assert_eq!(rows(&kept), [(1, OF_CODE.to_owned(), 1), (2, OF_CODE.to_owned(), 1)]);
        assert_eq!(rows(&read)[0], rows(&kept)[0], "the number that is listed is the one that is kept");
        // No other machine is let in by it, no code stands for it, and the word of the screen is no token.
        assert!(!kept.lets_in(now) && kept.count() == 0);
        assert_eq!([None, Some(1)].map(|of| kept.add_code(hash("c"), of, far, now)), [None, None]);
        kept.add_session(hash("phw_c"), None, far, now);
        assert_eq!(kept.token::<super::super::OfWall>(b"phw_c", now), Err(NoEntry::Unknown));
        assert!(kept.revoke(3, now));
        assert!(kept.revoke(1, now) && !kept.revoke(1, now));
        assert_eq!([kept.session(&hash("a"), now), kept.session(&hash("b"), now)], [None, Some(far)]);
        assert_eq!((kept.ended.len(), kept.rows().len()), (0, 1));
        kept.forget_old(far);
        assert!(kept.rows().is_empty() && kept.sessions.is_empty());
    }

    #[test]
    fn sessions_and_ended_tokens_are_bounded_and_the_oldest_goes() {
        let (mut kept, now) = (Kept::default(), Stamp(1_000_000));
        let far = now.plus(Duration::from_secs(86_400));
        let hash = |n: usize| Hashed::of(format!("phw_{n}").as_bytes());
        for n in 0..=MAX_SESSIONS {
            kept.add_session(hash(n), None, far, now);
            let row = kept.add_token("x", hash(n), now, far);
            assert!(kept.revoke(row.id, now));
        }
        assert_eq!((kept.sessions.len(), kept.ended.len()), (MAX_SESSIONS, MAX_ENDED));
        assert_eq!(kept.tokens.len(), MAX_SESSIONS, "the entry of a screen goes with it");
        assert_eq!(kept.session(&hash(0), now), None);
        let why = |n: usize| kept.token::<super::super::OfWall>(format!("phw_{n}").as_bytes(), now);
        assert_eq!([why(0), why(1)], [Err(NoEntry::Unknown), Err(NoEntry::Revoked(now))]);
    }
}

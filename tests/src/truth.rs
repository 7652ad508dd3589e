//! A scripted server that answers in pieces, as OpenAI's interface does, at moments that are known before: the truth that a
//! benchmark is held against. It notes when it really wrote each piece, so that its own lateness is not blamed on who
//! measures; and it fails in every way that it is told to.

mod answer;
mod program;
mod request;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, LogNormal};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::failure::{Context, Result};

pub use program::{End, program, start as start_program};

/// What is served, to whom it differs by the number of the request alone.
#[derive(Clone)]
pub struct Script {
    /// What all that is drawn begins with.
    pub seed: u64,
    /// From when a request is read to the head of its answer.
    pub head: Duration,
    /// From when a request is read to its first piece.
    pub ttft: Times,
    /// From a piece to the next.
    pub gap: Times,
    /// Pieces of an answer, a token each; none for as many as the request asks for.
    pub tokens: Option<u32>,
    /// So many are answered at a time, and whoever comes beyond waits for a place; none for all.
    pub places: Option<u32>,
    /// What each piece says.
    pub word: String,
    /// What goes wrong with the request of this number, from 0 in the order in which they come.
    pub fault: Arc<dyn Fn(u64) -> Fault + Send + Sync>,
}

/// Lengths of time.
#[derive(Clone, Copy, Debug)]
pub enum Times {
    /// Always this.
    Fixed(Duration),
    /// Log-normal: half are shorter than this, and this is the deviation of their logarithm.
    LogNormal(Duration, f64),
}

/// What goes wrong, or is only unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// This status, with words; the key that was sent is repeated in them.
    Status(u16),
    /// 429, to come back after so many seconds.
    TooMany(u64),
    /// The connection is closed without an answer.
    Closed,
    /// The connection is closed after so many pieces.
    Cut(u32),
    /// Nothing more comes after so many pieces, and the connection stays.
    Hangs(u32),
    /// Comments between the pieces.
    KeepAlives,
    /// Lines end with CR and LF.
    Crlf,
    /// A piece with nothing in it before each other.
    EmptyDeltas,
    /// So many pieces are only thought.
    Reasoning(u32),
    /// The stream ends without `[DONE]`.
    NoDone,
    /// The stream stays open after `[DONE]`.
    StaysOpen,
    /// The stream ends without `[DONE]` and without a reason.
    Unfinished,
    /// Nothing is counted, though it was asked for.
    NoUsage,
    /// A piece has bytes in it that are no UTF-8.
    NotUtf8,
    /// It is no stream of events.
    WrongType,
    /// The second piece has so many bytes.
    Huge(usize),
    /// Each piece is written in parts of so many bytes.
    Split(usize),
    /// The server says after so many pieces that it failed.
    SaidError(u32),
    /// The answer has no token.
    Empty,
    /// Two choices, each with its pieces.
    TwoChoices,
}

/// What was really done for one request. Times are microseconds from the begin of the server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Logged {
    /// Its header `x-request-id`.
    pub id: String,
    /// When it was read, whole.
    pub received_us: u64,
    /// When each piece that has something in it was to be written.
    pub planned_us: Vec<u64>,
    /// When each was: the call to write it had returned.
    pub wrote_us: Vec<u64>,
    /// The key that came with it.
    #[serde(skip)]
    pub key: Option<String>,
    /// Its body.
    #[serde(skip)]
    pub body: String,
}

/// The server. It ends when this is dropped.
pub struct Truth {
    address: SocketAddr,
    shared: Arc<Shared>,
    _serving: JoinSet<()>,
}

struct Shared {
    script: Script,
    begin: Instant,
    count: AtomicU64,
    places: Arc<Semaphore>,
    log: Mutex<Vec<Logged>>,
}

impl Script {
    /// Answers at once, of as many tokens as asked for.
    #[must_use]
    pub fn quick() -> Self {
        let now = Times::Fixed(Duration::ZERO);
        let word = " the".to_owned();
        let fault = Arc::new(|_| Fault::None);
        Self { seed: 1, head: Duration::ZERO, ttft: now, gap: now, tokens: None, places: None, word, fault }
    }

    /// The same with what goes wrong by the number of a request.
    #[must_use]
    pub fn failing(self, fault: impl Fn(u64) -> Fault + Send + Sync + 'static) -> Self {
        Self { fault: Arc::new(fault), ..self }
    }

    /// The moments of the pieces of a request, from when it is read.
    fn moments(&self, number: u64, pieces: u32) -> Vec<Duration> {
        let mut dice = SmallRng::seed_from_u64(self.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut at = Duration::ZERO;
        let mut moments = Vec::with_capacity(pieces as usize);
        for piece in 0..pieces {
            at += if piece == 0 { self.ttft.draw(&mut dice) } else { self.gap.draw(&mut dice) };
            moments.push(at);
        }
        moments
    }
}

impl Times {
    fn draw(self, dice: &mut impl Rng) -> Duration {
        match self {
            Self::Fixed(time) => time,
            Self::LogNormal(median, sigma) => {
                let drawn = LogNormal::new(median.as_secs_f64().ln(), sigma).map(|times| times.sample(dice));
                drawn.ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(median)
            }
        }
    }
}

impl Truth {
    /// Serves on a free port of the loopback address, in the runtime of the caller.
    ///
    /// # Errors
    /// If there is none.
    pub async fn start(script: Script) -> Result<Self> {
        Self::start_at(script, 0).await
    }

    /// The same on this port.
    ///
    /// # Errors
    /// If it is taken.
    pub async fn start_at(script: Script, port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.could_not("listen")?;
        let address = listener.local_addr().could_not("tell where it listens")?;
        let places = script.places.map_or(Semaphore::MAX_PERMITS, |places| places as usize);
        let shared = Arc::new(Shared {
            script,
            begin: Instant::now(),
            count: AtomicU64::new(0),
            places: Arc::new(Semaphore::new(places)),
            log: Mutex::default(),
        });
        let (mut serving, all) = (JoinSet::new(), Arc::clone(&shared));
        serving.spawn(async move {
            // Those in it end with it.
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    Ok((socket, _)) = listener.accept() => {
                        let shared = Arc::clone(&all);
                        connections.spawn(async move { answer::serve(socket, &shared).await });
                    }
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Self { address, shared, _serving: serving })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests that came so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.shared.count.load(Ordering::Relaxed)
    }

    /// What was done for those that are over.
    #[must_use]
    pub fn log(&self) -> Vec<Logged> {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn note(&self, logged: Logged) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(logged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_the_same_again_and_of_their_kind() {
        let times = Times::LogNormal(Duration::from_millis(10), 0.4);
        let script = Script { ttft: Times::Fixed(Duration::from_millis(30)), gap: times, ..Script::quick() };
        let moments = script.moments(3, 2_001);
        assert_eq!((moments[0], &moments), (Duration::from_millis(30), &script.moments(3, 2_001)));
        assert_ne!(moments, script.moments(4, 2_001));
        let mut gaps: Vec<Duration> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort();
        // Half of 2,000 draws are below the median, to a few percent.
        let median = gaps[1_000].as_secs_f64() * 1e3;
        assert!((9.0..11.0).contains(&median), "{median}");
    }
}

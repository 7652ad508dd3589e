//! What doors hold: a reader, or an operator that may also act.

use crate::{
    deeds::Grounded,
    event_loop,
    input::Input,
    options::{Options, Paths},
    record::Opened,
};
use pilothouse_wire::{Act, Acted, Answer, Ask, Code, ConnectionId, Frame, Problem, ViewSpec, When};
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// Starts engines.
#[derive(Clone, Copy, Debug)]
pub struct Engine;

impl Engine {
    /// Starts the engine's task and its connections, and answers at once: connecting goes on behind it.
    ///
    /// # Errors
    /// If the settings cannot be read, or the one connection asked for does not exist.
    pub async fn start(options: Options) -> Result<Operator, Problem> {
        event_loop::start(options).await
    }

    /// Opens a record that somebody keeps in a file: no server is contacted, nothing is recorded, nobody can act, and now
    /// is its end.
    ///
    /// # Errors
    /// If the file is no record, or nothing is in it.
    pub async fn open(record: &Opened, paths: Paths) -> Result<Operator, Problem> {
        event_loop::open(record, paths).await
    }
}

/// May ask and watch.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(crate) way: mpsc::Sender<Input>,
}

/// May also act.
#[derive(Clone, Debug)]
pub struct Operator {
    reader: Reader,
}

/// What became of every connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settled {
    /// Those that have their first complete listing.
    pub ready: Vec<ConnectionId>,
    /// Those that show a part, or nothing, and why.
    pub troubled: Vec<(ConnectionId, Problem)>,
    /// Those that were still on their way when the time was up.
    pub late: Vec<ConnectionId>,
    /// Why nothing is recorded, where it should be.
    pub not_recorded: Option<Problem>,
}

/// Frames of one view. Dropping it ends the watch.
#[derive(Debug)]
pub struct Frames {
    frames: mpsc::Receiver<Arc<Frame>>,
}

impl Frames {
    /// The next frame; `None` once the engine has stopped.
    pub async fn next(&mut self) -> Option<Arc<Frame>> {
        self.frames.recv().await
    }
}

impl Reader {
    /// Answers a question.
    ///
    /// # Errors
    /// Why it cannot be answered.
    pub async fn ask(&self, ask: Ask) -> Result<Answer, Problem> {
        let (reply, answer) = oneshot::channel();
        self.put(Input::Ask(ask, reply)).await?;
        answer.await.map_err(|_| stopped())?
    }

    /// Watches a view: the first frame is full, later ones say what changed, at most ten a second.
    /// A view of the past gives one frame.
    ///
    /// # Errors
    /// Why it cannot be shown.
    pub async fn watch(&self, spec: ViewSpec, when: When) -> Result<Frames, Problem> {
        // One frame may wait: a slow reader gets the newest full frame, never a queue of old ones.
        let (sender, frames) = mpsc::channel(1);
        match when {
            When::Now => self.put(Input::Watch(spec, sender)).await?,
            When::At(_) => {
                let Answer::Frame(frame) = self.ask(Ask::Frame { spec, when }).await? else { return Err(stopped()) };
                let _ = sender.send(Arc::new(*frame)).await;
                // The past does not change: the watch stays open, silent, until it is dropped or the engine stops.
                let way = self.way.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = sender.closed() => {}
                        () = way.closed() => {}
                    }
                });
            }
        }
        Ok(Frames { frames })
    }

    /// Waits until every connection has its first complete listing or has failed, at most `limit`.
    pub async fn settled(&self, limit: Duration) -> Settled {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            let (reply, settled) = oneshot::channel();
            let put = self.put(Input::Settle(reply)).await;
            let Ok(settled) = (if put.is_ok() { settled.await.map_err(|_| ()) } else { Err(()) }) else {
                return Settled::default();
            };
            if settled.late.is_empty() || tokio::time::Instant::now() >= deadline {
                return settled;
            }
            tokio::time::sleep_until(deadline.min(tokio::time::Instant::now() + Duration::from_millis(2))).await;
        }
    }

    pub(crate) async fn put(&self, input: Input) -> Result<(), Problem> {
        self.way.send(input).await.map_err(|_| stopped())
    }
}

impl Operator {
    pub(crate) fn new(way: mpsc::Sender<Input>) -> Self {
        Self { reader: Reader { way } }
    }

    /// The part of it that may only read.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Acts.
    ///
    /// # Errors
    /// Why it could not be done; nothing is then half done without the problem saying so.
    pub async fn act(&self, act: Act) -> Result<Acted, Problem> {
        let (reply, acted) = oneshot::channel();
        self.reader.put(Input::Act(act, reply)).await?;
        acted.await.map_err(|_| stopped())?
    }

    /// A cluster as the ground of a benchmark, by the id or the name of its connection: what comes of it may act, so that a
    /// reader gets none.
    ///
    /// # Errors
    /// If the session is held, the connection is read alone, or it leads into no cluster.
    pub async fn ground(&self, named: &str) -> Result<Grounded, Problem> {
        let (reply, ground) = oneshot::channel();
        self.reader.put(Input::Ground(named.to_owned(), reply)).await?;
        ground.await.map_err(|_| stopped())?
    }

    /// Stops the engine: connections end, the journal is written out.
    pub async fn shutdown(self) {
        let (done, wait) = oneshot::channel();
        if self.reader.put(Input::Stop(done)).await.is_ok() {
            let _ = wait.await;
        }
    }
}

fn stopped() -> Problem {
    Problem::new(Code::Internal, "The engine has stopped.").next("Start Pilothouse again.")
}

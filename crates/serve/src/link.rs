//! One page's WebSocket: it says hello, asks and watches. What it does wrong ends this socket and no other.

use crate::{
    fanout::Encoder,
    grade::Grade,
    limits::Limits,
    places::{Kinds, Use},
    session::{Known, Sessions},
    veil::for_walls,
};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures::{SinkExt, StreamExt, stream::SplitSink};
use pilothouse_engine::{Frames, Reader};
use pilothouse_wire::{
    Answer, Ask, Code, Problem, ViewSpec, WIRE_HASH, When,
    codec::{self, MAX_FROM_PAGE, ToEngine, ToPage},
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::{AbortHandle, JoinHandle, JoinSet},
};

/// A page has few views; more is a mistake or an attack.
const MAX_WATCHES: usize = 16;
/// Questions of one page that are answered at the same time. Further ones wait, each where it can be left at once.
const MAX_ASKS: usize = 8;
/// Questions of one page that are answered or wait.
const MAX_ASKED: usize = 64;
/// A browser answers a ping by itself: one that was silent for two of these is gone.
const PING_EVERY: Duration = Duration::from_secs(20);

/// Why a socket is closed, as the page is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Close {
    Done,
    NotHello,
    NotBinary,
    Malformed,
    TooLarge,
    TooMany,
    OtherBuild,
    NotLetIn,
    Gone,
    Stopping,
}

impl Close {
    fn frame(self) -> CloseFrame {
        let (code, reason) = match self {
            Self::Done | Self::Gone => (1000, ""),
            Self::Stopping => (1001, "the engine is stopping"),
            Self::NotHello => (1002, "the first message must be a hello"),
            Self::NotBinary => (1003, "messages are binary"),
            Self::Malformed => (1007, "the message is not one of this build's"),
            Self::TooMany => (1008, "too many watches"),
            Self::TooLarge => (1009, "the message is too large"),
            Self::OtherBuild => (4001, "the page is of another build"),
            Self::NotLetIn => (4003, "the session has ended"),
        };
        CloseFrame { code, reason: reason.into() }
    }
}

/// What all links of a door have in common.
#[derive(Clone, Debug)]
pub(crate) struct Linked {
    pub reader: Reader,
    pub grade: Grade,
    pub limits: Limits,
    pub sessions: Arc<Sessions>,
    pub encoder: Encoder,
    /// The views that are watched: each different one is work.
    pub views: Kinds<ViewSpec>,
    pub stop: watch::Receiver<bool>,
}

/// Serves one socket until it closes, its session ends, or the door is closed.
pub(crate) async fn run(socket: WebSocket, linked: Linked, known: Known) {
    let (sink, mut incoming) = socket.split();
    let (mut stop, sessions) = (linked.stop.clone(), Arc::clone(&linked.sessions));
    // Short: what waits here is not newest any more. Frames wait in the engine, where they are merged.
    let (outgoing, queue) = mpsc::channel(2);
    let mut writer = tokio::spawn(write(sink, queue, linked.limits.send));
    let mut check = tokio::time::interval(linked.limits.check.max(Duration::from_millis(10)));
    let mut silence = std::pin::pin!(tokio::time::sleep(PING_EVERY * 2));
    let mut page = Page {
        linked,
        outgoing,
        watches: HashMap::new(),
        asks: JoinSet::new(),
        asked: HashMap::new(),
        turns: Arc::new(Semaphore::new(MAX_ASKS)),
        greeted: false,
    };
    let close = loop {
        let message = tokio::select! {
            message = incoming.next() => Some(message),
            _ = stop.wait_for(|stop| *stop) => break Close::Stopping,
            _ = &mut writer => break Close::Gone,
            () = &mut silence => break Close::Gone,
            _ = check.tick() => None,
        };
        let Some(message) = message else {
            if sessions.knows(&known).await {
                continue;
            }
            break Close::NotLetIn;
        };
        silence.as_mut().reset(tokio::time::Instant::now() + PING_EVERY * 2);
        let done = match message {
            None => Some(Close::Gone),
            Some(Ok(message)) => page.take(message).await.err(),
            Some(Err(error)) => Some(broken(&error)),
        };
        if let Some(close) = done {
            break close;
        }
    };
    tracing::debug!(?close, "a page's link ends");
    page.end(close).await;
    if !writer.is_finished() {
        // The close frame is not worth a long wait.
        let _ = tokio::time::timeout(Duration::from_secs(1), &mut writer).await;
        writer.abort();
    }
}

/// What a socket's error means for its page.
fn broken(error: &axum::Error) -> Close {
    // The stack's own limit is only met by messages larger than ours.
    if error.to_string().contains("too long") || error.to_string().contains("too big") {
        Close::TooLarge
    } else {
        Close::Gone
    }
}

/// Sends what is due, and a ping when nothing was.
async fn write(mut sink: SplitSink<WebSocket, Message>, mut queue: mpsc::Receiver<Message>, limit: Duration) {
    let mut ping = tokio::time::interval(PING_EVERY);
    loop {
        let message = tokio::select! {
            message = queue.recv() => message,
            _ = ping.tick() => Some(Message::Ping(axum::body::Bytes::new())),
        };
        let Some(message) = message else { return };
        let last = matches!(message, Message::Close(_));
        let sent = tokio::time::timeout(limit, sink.send(message)).await;
        if last || !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

struct Page {
    linked: Linked,
    outgoing: mpsc::Sender<Message>,
    watches: HashMap<u32, JoinHandle<()>>,
    asks: JoinSet<()>,
    /// Questions that are on their way or wait for their turn, by the number that the page gave them.
    asked: HashMap<u32, AbortHandle>,
    /// What each of them needs to be answered.
    turns: Arc<Semaphore>,
    greeted: bool,
}

impl Page {
    async fn take(&mut self, message: Message) -> Result<(), Close> {
        let bytes = match message {
            Message::Binary(bytes) => bytes,
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Text(_) => return Err(Close::NotBinary),
            Message::Close(_) => return Err(Close::Done),
        };
        if bytes.len() > MAX_FROM_PAGE {
            return Err(Close::TooLarge);
        }
        let message: ToEngine = codec::decode(&bytes).map_err(|_| Close::Malformed)?;
        if let ToEngine::Hello(hash) = message {
            self.greeted = true;
            self.send(&ToPage::Hello(WIRE_HASH.to_owned())).await?;
            return if hash == WIRE_HASH { Ok(()) } else { Err(Close::OtherBuild) };
        }
        if !self.greeted {
            return Err(Close::NotHello);
        }
        match message {
            ToEngine::Hello(_) => Ok(()),
            ToEngine::Ask(id, ask) => self.ask(id, ask).await,
            ToEngine::Watch(number, spec, when) => self.watch(number, spec, when).await,
            ToEngine::Unwatch(number) => {
                if let Some(task) = self.watches.remove(&number) {
                    stop(task).await;
                }
                Ok(())
            }
            ToEngine::Leave(id) => {
                // With the task goes the question, and with that what a server is still asked for.
                if let Some(task) = self.asked.remove(&id) {
                    task.abort();
                }
                Ok(())
            }
        }
    }

    /// Begins to answer. It waits for nothing: what the page says next may be that it leaves.
    async fn ask(&mut self, id: u32, ask: Ask) -> Result<(), Close> {
        while self.asks.try_join_next().is_some() {}
        self.asked.retain(|_, task| !task.is_finished());
        if self.asked.len() >= MAX_ASKED {
            let problem = Problem::new(Code::TooMany, "This page asks too much at once.")
                .why(format!("{MAX_ASKED} of its questions are not answered yet."))
                .next("Ask again when some are.");
            return self.send(&ToPage::Answer(id, Err(problem))).await;
        }
        let (reader, outgoing, grade) = (self.linked.reader.clone(), self.outgoing.clone(), self.linked.grade);
        let turns = Arc::clone(&self.turns);
        let task = self.asks.spawn(async move {
            // In the order in which they came. It is never closed.
            let _turn = turns.acquire().await;
            let mut answer = match grade.admits(&ask) {
                Ok(()) => reader.ask(ask).await,
                Err(problem) => Err(problem),
            };
            match &mut answer {
                Ok(Answer::About(about)) => about.wall = grade == Grade::Wall,
                Ok(Answer::Frame(frame)) if grade == Grade::Wall => **frame = for_walls(frame).into_owned(),
                _ => {}
            }
            let _ = outgoing.send(binary(&ToPage::Answer(id, answer))).await;
        });
        // Under one number one question waits.
        if let Some(left) = self.asked.insert(id, task) {
            left.abort();
        }
        Ok(())
    }

    async fn watch(&mut self, number: u32, spec: ViewSpec, when: When) -> Result<(), Close> {
        if let Some(task) = self.watches.remove(&number) {
            // Ended before the new one begins: no old frame comes behind a new one.
            stop(task).await;
        }
        self.watches.retain(|_, task| !task.is_finished());
        if self.watches.len() >= MAX_WATCHES {
            return Err(Close::TooMany);
        }
        let used = match self.used(&spec, when) {
            Ok(used) => used,
            Err(problem) => return self.refuse(number, problem).await,
        };
        let (reader, encoder, outgoing) =
            (self.linked.reader.clone(), self.linked.encoder.clone(), self.outgoing.clone());
        let task = async move {
            // A frame of the past takes its time.
            match reader.watch(spec, when).await {
                Ok(frames) => forward(number, frames, used, encoder, outgoing).await,
                Err(problem) => drop(outgoing.send(binary(&ToPage::Refused(number, problem))).await),
            }
        };
        self.watches.insert(number, tokio::spawn(task));
        Ok(())
    }

    fn used(&self, spec: &ViewSpec, when: When) -> Result<Use<ViewSpec>, Problem> {
        self.linked.grade.shows(spec, when)?;
        self.linked.views.begin(spec.clone()).ok_or_else(|| {
            Problem::new(Code::NotOffered, "This door shows too many different views already.")
                .why("Each of them is worked out anew when something changes.")
                .next("Close some, or let screens show the same scope.")
        })
    }

    async fn refuse(&self, number: u32, problem: Problem) -> Result<(), Close> {
        self.send(&ToPage::Refused(number, problem)).await
    }

    async fn send(&self, message: &ToPage) -> Result<(), Close> {
        self.outgoing.send(binary(message)).await.map_err(|_| Close::Gone)
    }

    async fn end(mut self, close: Close) {
        self.asks.abort_all();
        for task in self.watches.into_values() {
            task.abort();
        }
        let last = self.outgoing.send(Message::Close(Some(close.frame())));
        let _ = tokio::time::timeout(Duration::from_secs(1), last).await;
    }
}

/// Passes frames on, at the pace at which the page takes them.
async fn forward(
    number: u32,
    mut frames: Frames,
    used: Use<ViewSpec>,
    encoder: Encoder,
    outgoing: mpsc::Sender<Message>,
) {
    while let Some(frame) = frames.next().await {
        // Room first: a page that takes nothing keeps no bytes of an old frame waiting for it.
        let Ok(room) = outgoing.reserve().await else { break };
        room.send(Message::Binary(encoder.message(number, &frame)));
    }
    drop(used);
}

async fn stop(task: JoinHandle<()>) {
    task.abort();
    let _ = task.await;
}

fn binary(message: &ToPage) -> Message {
    Message::Binary(codec::encode(message).into())
}

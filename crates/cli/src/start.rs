//! Starts the engine for one command, and waits until there is something whole to show.

use crate::{args::SourceArgs, exit::Failed, out::note};
use pilothouse_engine::{Engine, Operator, Options, Paths, Reader, Settled, record::Opened};
use pilothouse_wire::{
    Answer, Ask, Body, Code, ConnectionId, Frame, Freshness, Problem, View, ViewSpec, When,
    ask::About,
    frame::{Mirror, SourceState},
    units::{count, visible},
};
use std::{collections::BTreeMap, time::Duration};

/// What is read behind the rest of a source is waited for so long at most.
const LATER: Duration = Duration::from_secs(10);

/// An engine that runs for this command.
pub struct Session {
    operator: Operator,
    reader: Reader,
    /// Does it show the demo fleet?
    pub demo: bool,
}

impl Session {
    /// Starts an engine, and says if it shows the demo because there is nothing else.
    pub async fn start(source: &SourceArgs, record: bool) -> Result<Self, Failed> {
        let session = Self::start_quietly(source, record).await?;
        if session.demo && !source.demo {
            note("demo fleet: nothing is configured");
        }
        Ok(session)
    }

    /// Starts an engine.
    pub async fn start_quietly(source: &SourceArgs, record: bool) -> Result<Self, Failed> {
        let options = Options { demo: source.demo, only: source.context.clone(), record, ..Options::from_env()? };
        let operator = Engine::start(options).await?;
        let reader = operator.reader();
        let Answer::About(About { demo, .. }) = reader.ask(Ask::About).await? else { return Err(other_answer()) };
        Ok(Self { operator, reader, demo })
    }

    /// Opens a record: no server is contacted.
    pub async fn of_record(record: &Opened) -> Result<Self, Failed> {
        let operator = Engine::open(record, Paths::from_env()?).await?;
        let reader = operator.reader();
        let Answer::About(About { demo, .. }) = reader.ask(Ask::About).await? else { return Err(other_answer()) };
        Ok(Self { operator, reader, demo })
    }

    /// Is what is seen recorded?
    pub async fn recording(&self) -> Result<(), Failed> {
        match self.reader.settled(Duration::ZERO).await.not_recorded {
            Some(problem) => Err(problem.into()),
            None => Ok(()),
        }
    }

    /// Says of each source how it is, whenever that is another thing, and what could not be kept, until it is interrupted.
    ///
    /// # Errors
    /// It ends by itself.
    pub async fn follow_health(&self, interruption: impl Future<Output = ()>) -> Result<(), Failed> {
        let mut frames = self.reader.watch(ViewSpec::Connections, When::Now).await?;
        let (mut said, mut dropped) = (BTreeMap::new(), 0);
        let mut interruption = std::pin::pin!(interruption);
        loop {
            let frame = tokio::select! {
                () = &mut interruption => return Ok(()),
                frame = frames.next() => frame,
            };
            let Some(frame) = frame else {
                return Err(Problem::new(Code::Internal, "Nothing is heard any more: the engine has ended.").into());
            };
            if frame.dropped > dropped {
                dropped = frame.dropped;
                note(&format!("{} {} facts could not be used or kept so far", frame.as_of, count(dropped)));
            }
            for source in &frame.sources {
                let now = (source.freshness, source.note.clone());
                if said.insert(source.id.clone(), now.clone()) != Some(now) {
                    let why = source.note.as_ref().map(|note| format!(", {note}")).unwrap_or_default();
                    note(&visible(&format!("{} {}: {}{why}", frame.as_of, source.id, source.freshness.word())));
                }
            }
        }
    }

    /// What may only read.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// What may act.
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// Waits for every source, then takes a whole frame.
    pub async fn frame(&self, spec: ViewSpec, wait: Duration) -> Result<(Frame, Troubles), Failed> {
        let settled = self.reader.settled(wait).await;
        let frame = self.frame_now(spec).await?;
        let troubles = Troubles::of(settled, wait, &frame);
        Ok((frame, troubles))
    }

    /// The same, where a view is read later than its source is well: waits for that, too, for a while.
    pub async fn frame_whole(
        &self,
        spec: ViewSpec,
        wait: Duration,
        is_whole: impl Fn(&View) -> bool,
    ) -> Result<(Frame, Troubles), Failed> {
        let (frame, troubles) = self.frame(spec.clone(), wait).await?;
        if matches!(&frame.body, Body::Full(view) if is_whole(view)) {
            return Ok((frame, troubles));
        }
        let read = async {
            let mut frames = self.reader.watch(spec.clone(), When::Now).await?;
            let mut mirror = Mirror::default();
            while let Some(frame) = frames.next().await {
                // A frame that was missed is made good by the next whole one.
                if mirror.apply(frame.rev, frame.body.clone()).is_ok() && mirror.view().is_some_and(&is_whole) {
                    break;
                }
            }
            Ok::<_, Failed>(())
        };
        // What may not be read is not waited for long.
        if let Ok(read) = tokio::time::timeout(wait.min(LATER), read).await {
            read?;
        }
        Ok((self.frame_now(spec).await?, troubles))
    }

    /// A whole frame, as things are.
    pub async fn frame_now(&self, spec: ViewSpec) -> Result<Frame, Failed> {
        self.frame_at(spec, When::Now).await
    }

    /// A whole frame, as things are or were.
    pub async fn frame_at(&self, spec: ViewSpec, when: When) -> Result<Frame, Failed> {
        match self.reader.ask(Ask::Frame { spec, when }).await? {
            Answer::Frame(frame) => Ok(*frame),
            _ => Err(other_answer()),
        }
    }

    /// Ends the engine.
    pub async fn end(self) {
        drop(self.reader);
        self.operator.shutdown().await;
    }
}

/// Sources that are not read, or not whole, and why.
#[derive(Debug, Default)]
pub struct Troubles(pub Vec<(ConnectionId, Problem)>);

impl Troubles {
    fn of(settled: Settled, wait: Duration, frame: &Frame) -> Self {
        let mut all = settled.troubled;
        for id in settled.late {
            let source = frame.sources.iter().find(|source| source.id == id);
            let doing = source.and_then(|source| source.note.clone());
            let problem = Problem::new(
                Code::TimedOut,
                format!("{id} was not read whole in {}.", pilothouse_wire::units::span(wait)),
            );
            let problem = problem.next("Give it longer with --wait SECONDS, or follow it with --watch.");
            all.push((
                id,
                match doing {
                    Some(doing) => problem.why(format!("It was on its way: {doing}.")),
                    None => problem,
                },
            ));
        }
        Self(all)
    }

    /// Sources that were not read, or not whole, then.
    pub fn of_the_past(frame: &Frame) -> Self {
        let whole =
            |source: &&SourceState| matches!(source.freshness, Freshness::Live | Freshness::Slow | Freshness::Paused);
        let troubled = frame.sources.iter().filter(|source| !whole(source)).map(|source| {
            let problem =
                Problem::new(Code::Cut, format!("{} was not read whole then: {}.", source.id, source.freshness.word()));
            (
                source.id.clone(),
                match &source.note {
                    Some(note) => problem.why(format!("{note}.")),
                    None => problem,
                },
            )
        });
        Self(troubled.collect())
    }

    /// Is everything read?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The engine answered another question: a fault of ours.
pub fn other_answer() -> Failed {
    Failed::from(Problem::other_answer())
}

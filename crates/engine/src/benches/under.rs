//! The one that runs: begun, told of, ended.

use super::News;
use crate::input::Input;
use pilothouse_bench::{
    beside::Given,
    compare, run,
    shown::{Course, End, Tick},
    store::{self, Place},
    wish::Wish,
};
use pilothouse_connect::Clock;
use pilothouse_wire::{Acted, Code, Problem, bench::Going};
use std::{path::PathBuf, time::Duration};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, MissedTickBehavior},
};

/// How often it is told how far it is.
const PULSE: Duration = Duration::from_millis(500);
/// Earlier comparisons of which the noise is asked.
const EARLIER: usize = 20;
/// Fixed prompts that arms of a comparison are asked.
const PROMPTS: u32 = 8;

/// What is to be run.
pub(super) struct Work {
    pub wish: Wish,
    pub folder: PathBuf,
    pub clock: Clock,
    pub stopped: watch::Receiver<bool>,
    pub inputs: mpsc::Sender<Input>,
}

/// What runs.
enum Under {
    Run(run::Running),
    Compare(Box<compare::Running>),
}

impl Work {
    /// Begins it, answers whether it has begun, and tells of it until it is over.
    pub(super) async fn run(self, reply: oneshot::Sender<Result<Acted, Problem>>) {
        let course = course(&self.wish);
        let place = Place::new(&self.folder, self.clock.now(), &self.wish.name());
        let id = place.id.clone();
        let (inputs, stopped) = (self.inputs.clone(), self.stopped.clone());
        let over = match self.begin(place).await {
            Ok(under) => {
                drop(reply.send(Ok(Acted::Measuring(id.clone()))));
                follow(under, course, id, stopped, &inputs).await.err()
            }
            Err(problem) => {
                drop(reply.send(Err(problem)));
                None
            }
        };
        let _ = inputs.send(Input::Bench(News::Over(over))).await;
    }

    async fn begin(self, place: Place) -> Result<Under, Problem> {
        let Self { wish, folder, clock, .. } = self;
        let broke = |error: tokio::task::JoinError| {
            Problem::new(Code::Internal, "The benchmark broke as it began.").why(format!("{error}."))
        };
        match wish {
            Wish::Run(plan) => {
                let begun = move || run::start_beside(*plan, Given::default(), place, clock);
                tokio::task::spawn_blocking(begun).await.map_err(broke)?.map(Under::Run)
            }
            Wish::Compare(compared) => {
                let earlier = tokio::task::spawn_blocking(move || store::comparisons(&folder, EARLIER));
                let wanted = compare::Wanted {
                    plan: compared.plan,
                    arms: compared.arms,
                    watched: Vec::new(),
                    most_late_us: compare::LATE_US,
                    prompts: PROMPTS,
                    least_overlap: None,
                    embed: None,
                    earlier: earlier.await.map_err(broke)?,
                };
                compare::start(wanted, place, clock).map(|running| Under::Compare(Box::new(running)))
            }
        }
    }
}

/// What runs, in words, and what ends it.
fn course(wish: &Wish) -> Course {
    let plan = wish.plan();
    match wish {
        Wish::Compare(compared) => {
            let models = &compared.arms[1].plan.target;
            Course::new(
                format!("{} at {} beside {}", models.model, models.url, plan.target.url),
                End::Blocks(compared.plan.order().len()),
            )
        }
        Wish::Run(_) => {
            let what = format!("{} at {}", plan.target.model, plan.target.url);
            let until = plan.until;
            let end = match (until.requests, until.seconds) {
                (Some(requests), None) => End::Requests(requests),
                (_, seconds) => End::Seconds(seconds.unwrap_or_default(), plan.drain_s),
            };
            Course::new(what, end)
        }
    }
}

async fn follow(
    mut under: Under,
    mut course: Course,
    id: String,
    mut stopped: watch::Receiver<bool>,
    inputs: &mpsc::Sender<Input>,
) -> Result<(), Problem> {
    let (begin, mut pulse, mut is_cut) = (Instant::now(), tokio::time::interval(PULSE), false);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            over = under.end() => return over,
            _ = stopped.wait_for(|stopped| *stopped), if !is_cut => {
                is_cut = true;
                under.interrupt();
            }
            _ = pulse.tick() => {}
        }
        let (arm, tick) = under.tick(begin.elapsed());
        course.arm = arm;
        course.take(tick);
        let going = Going { id: id.clone(), card: course.card(is_cut), stopping: is_cut };
        let _ = inputs.send(Input::Bench(News::Going(Box::new(going)))).await;
    }
}

impl Under {
    fn interrupt(&self) {
        match self {
            Self::Run(running) => running.interrupt(),
            Self::Compare(running) => running.interrupt(),
        }
    }

    async fn end(&mut self) -> Result<(), Problem> {
        match self {
            Self::Run(running) => running.end().await.map(drop),
            Self::Compare(running) => running.end().await.map(drop),
        }
    }

    fn tick(&self, at: Duration) -> (String, Tick) {
        match self {
            Self::Run(running) => (String::new(), Tick { at, progress: *running.progress.borrow(), blocks: 0 }),
            Self::Compare(running) => {
                let progress = running.progress.borrow().clone();
                (progress.arm.to_string(), Tick { at, progress: progress.block, blocks: progress.blocks })
            }
        }
    }
}

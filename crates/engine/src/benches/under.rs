//! The one that runs: begun, told of, ended.

use super::{
    News, inside,
    served::{Servers, Waits},
};
use crate::input::Input;
use pilothouse_bench::{
    compare, run, search,
    shown::{Course, End, Tick},
    store::{self, Place},
    wish::{Aim, Wish},
};
use pilothouse_connect::Clock;
use pilothouse_wire::{Acted, Code, Problem, bench::Going, units::number};
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
    Search(Box<search::Running>),
}

impl Work {
    /// Begins it, answers whether it has begun, and tells of it until it is over.
    pub(super) async fn run(self, reply: oneshot::Sender<Result<Acted, Problem>>) {
        let place = Place::new(&self.folder, self.clock.now(), &self.wish.name());
        let inputs = self.inputs.clone();
        let over = self.through(place, reply).await.err();
        let _ = inputs.send(Input::Bench(News::Over(over))).await;
    }

    /// Why it is not kept, if it is not; a person who waits for the answer is told first, and then it is no news.
    async fn through(mut self, place: Place, reply: oneshot::Sender<Result<Acted, Problem>>) -> Result<(), Problem> {
        let (id, mut reply) = (place.id.clone(), Some(reply));
        let has_begun = |reply: &mut Option<oneshot::Sender<_>>, problem: Option<&Problem>| {
            let answer = problem.map_or_else(|| Ok(Acted::Measuring(id.clone())), |problem| Err(problem.clone()));
            reply.take().is_some_and(|reply| reply.send(answer).is_ok())
        };
        let serves = std::mem::take(&mut self.wish.serves);
        if !serves.is_empty() {
            if let Err(problem) = place.is_free() {
                has_begun(&mut reply, Some(&problem));
                return Ok(());
            }
            // Nobody waits at the form while gigabytes are loaded.
            has_begun(&mut reply, None);
        }
        let waits = Waits { id: id.clone(), inputs: self.inputs.clone() };
        let servers = Servers::start(serves, &place, &self.stopped, &waits).await?;
        let (course, inputs, stopped) = (course(&self.wish), self.inputs.clone(), self.stopped.clone());
        let over = match self.begin(place, &servers).await {
            Ok(under) => {
                has_begun(&mut reply, None);
                follow(under, course, id.clone(), stopped, &inputs).await
            }
            // Who was answered that it has begun hears of it as of one that is over.
            Err(problem) => {
                if has_begun(&mut reply, Some(&problem)) {
                    Ok(())
                } else {
                    Err(problem)
                }
            }
        };
        let ended = servers.stop().await;
        over.map_err(|problem| {
            let why: Vec<String> =
                problem.why.clone().into_iter().chain(ended).filter(|part| !part.is_empty()).collect();
            Problem { why: (!why.is_empty()).then(|| why.join(" ")), ..problem }
        })
    }

    async fn begin(self, place: Place, servers: &Servers) -> Result<Under, Problem> {
        let Self { mut wish, folder, clock, inputs, .. } = self;
        inside::open(&mut wish, &inputs).await?;
        let broke = |error: tokio::task::JoinError| {
            Problem::new(Code::Internal, "The benchmark broke as it began.").why(format!("{error}."))
        };
        match wish.aim {
            Aim::Run(plan) => {
                let given = servers.given("", &plan.target);
                let begun = move || run::start_beside(*plan, given, place, clock);
                tokio::task::spawn_blocking(begun).await.map_err(broke)?.map(Under::Run)
            }
            Aim::Compare(mut compared) => {
                let earlier = tokio::task::spawn_blocking(move || store::comparisons(&folder, EARLIER));
                let mut watched = Vec::new();
                for arm in &mut compared.arms {
                    let given = servers.given(&arm.name, &arm.plan.target);
                    arm.server = given.server;
                    watched.push(given.watched);
                }
                let wanted = compare::Wanted {
                    plan: compared.plan,
                    arms: compared.arms,
                    watched,
                    most_late_us: compare::LATE_US,
                    prompts: PROMPTS,
                    least_overlap: None,
                    embed: None,
                    earlier: earlier.await.map_err(broke)?,
                };
                compare::start(wanted, place, clock).map(|running| Under::Compare(Box::new(running)))
            }
            Aim::Search(mut wanted) => {
                wanted.given = servers.given("", &wanted.plan.target);
                search::start(*wanted, place, clock).map(|running| Under::Search(Box::new(running)))
            }
        }
    }
}

/// What runs, in words, and what ends it.
fn course(wish: &Wish) -> Course {
    let plan = wish.plan();
    match &wish.aim {
        Aim::Search(wanted) => Course::new(
            format!("the limit of {} at {}", plan.target.model, plan.target.url),
            End::Probes(wanted.most()),
        ),
        Aim::Compare(compared) => {
            let models = &compared.arms[1].plan.target;
            Course::new(
                format!("{} at {} beside {}", models.model, models.url, plan.target.url),
                End::Blocks(compared.plan.order().len()),
            )
        }
        Aim::Run(_) => {
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
            Self::Search(running) => running.interrupt(),
        }
    }

    async fn end(&mut self) -> Result<(), Problem> {
        match self {
            Self::Run(running) => running.end().await.map(drop),
            Self::Compare(running) => running.end().await.map(drop),
            Self::Search(running) => running.end().await.map(drop),
        }
    }

    fn tick(&self, at: Duration) -> (String, Tick) {
        match self {
            Self::Run(running) => (String::new(), Tick { at, progress: *running.progress.borrow(), blocks: 0 }),
            Self::Compare(running) => {
                let progress = running.progress.borrow().clone();
                (progress.arm.to_string(), Tick { at, progress: progress.block, blocks: progress.blocks })
            }
            Self::Search(running) => {
                let progress = *running.progress.borrow();
                let height = format!("at {}", number(progress.at, 1));
                (height, Tick { at, progress: progress.probe, blocks: progress.probes })
            }
        }
    }
}

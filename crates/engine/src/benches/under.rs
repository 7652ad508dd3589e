//! The one that runs: begun, told of, ended.

use super::{
    News, beyond, inside,
    served::{self, Waits},
};
use crate::input::Input;
use pilothouse_bench::{
    beside::Watched,
    compare, oip, run, search,
    served::{Ended, Served, note},
    shown::{Course, End, Tick},
    store::{self, Place},
    wish::{Aim, Wish},
    workers::Errand,
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
    pub(super) async fn run(mut self, reply: oneshot::Sender<Result<Acted, Problem>>) {
        let place = Place::new(&self.folder, self.clock.now(), &self.wish.name());
        let inputs = self.inputs.clone();
        let over = match self.wish.workers.take() {
            Some(spec) => match Errand::new(spec, self.wish.plan().clone(), self.clock.now()) {
                Ok(errand) => {
                    let course = course(&self.wish);
                    let Self { clock, stopped, inputs, .. } = self;
                    beyond::Work { errand, course, place, clock, stopped, inputs }.run(reply).await
                }
                Err(problem) => {
                    drop(reply.send(Err(problem)));
                    Ok(None)
                }
            },
            None => self.through(place, reply).await,
        };
        let (failed, beside) = match over {
            Ok(beside) => (None, beside),
            Err(problem) => (Some(problem), None),
        };
        let _ = inputs.send(Input::Bench(News::Over { failed, beside })).await;
    }

    /// What went wrong beside it, where it is kept; why it is not, if it is not. A person who waits for the answer is told first,
    /// and then it is no news.
    async fn through(
        mut self,
        place: Place,
        reply: oneshot::Sender<Result<Acted, Problem>>,
    ) -> Result<Option<Problem>, Problem> {
        let (id, mut reply) = (place.id.clone(), Some(reply));
        let has_begun = |reply: &mut Option<oneshot::Sender<_>>, problem: Option<&Problem>| {
            let answer = problem.map_or_else(|| Ok(Acted::Measuring(id.clone())), |problem| Err(problem.clone()));
            reply.take().is_some_and(|reply| reply.send(answer).is_ok())
        };
        let serves = std::mem::take(&mut self.wish.serves);
        if !serves.is_empty() {
            if let Err(problem) = place.is_free() {
                has_begun(&mut reply, Some(&problem));
                return Ok(None);
            }
            // Nobody waits at the form while gigabytes are loaded.
            has_begun(&mut reply, None);
        }
        let waits = Waits { id: id.clone(), inputs: self.inputs.clone() };
        let servers = served::start(serves, &place, &self.stopped, &waits).await?;
        let (course, inputs, stopped) = (course(&self.wish), self.inputs.clone(), self.stopped.clone());
        let kept = place.clone();
        let over = match self.begin(place, &servers).await {
            Ok(under) => {
                has_begun(&mut reply, None);
                follow(under, course, id.clone(), stopped, &inputs).await
            }
            // Who was answered that it has begun hears of it as of one that is over.
            Err(problem) => {
                if has_begun(&mut reply, Some(&problem)) {
                    servers.stop().await;
                    return Ok(None);
                }
                Err(problem)
            }
        };
        let ended = servers.stop().await;
        match over {
            Ok(()) => Ok(ended_beside(&kept, &ended)),
            Err(problem) => {
                let words = ended.iter().map(Ended::words);
                let why: Vec<String> =
                    problem.why.clone().into_iter().chain(words).filter(|part| !part.is_empty()).collect();
                Err(Problem { why: (!why.is_empty()).then(|| why.join(" ")), ..problem })
            }
        }
    }

    async fn begin(self, place: Place, servers: &Served) -> Result<Under, Problem> {
        let Self { mut wish, folder, clock, inputs, .. } = self;
        inside::open(&mut wish, &inputs).await?;
        // Requests of tensors follow from what the model says of itself, once it serves.
        for target in wish.targets() {
            oip::settle(target).await?;
        }
        let broke = |error: tokio::task::JoinError| {
            Problem::new(Code::Internal, "The benchmark broke as it began.").why(format!("{error}."))
        };
        match wish.aim {
            Aim::Run(plan) => {
                let mut given = servers.given("", &plan.target);
                given.watched.price = wish.price;
                let begun = move || run::start_beside(*plan, given, place, clock);
                tokio::task::spawn_blocking(begun).await.map_err(broke)?.map(Under::Run)
            }
            Aim::Compare(mut compared) => {
                let earlier = tokio::task::spawn_blocking(move || store::comparisons(&folder, EARLIER));
                let mut watched = Vec::new();
                for arm in &mut compared.arms {
                    let given = servers.given(&arm.name, &arm.plan.target);
                    arm.server = given.server;
                    watched.push(Watched { price: wish.price, ..given.watched });
                }
                let wanted = compare::Wanted {
                    plan: compared.plan,
                    arms: compared.arms,
                    watched,
                    most_late_us: compare::LATE_US,
                    prompts: PROMPTS,
                    least_overlap: None,
                    embed: compared.embed,
                    earlier: earlier.await.map_err(broke)?,
                };
                compare::start(wanted, place, clock).map(|running| Under::Compare(Box::new(running)))
            }
            Aim::Search(mut wanted) => {
                wanted.given = servers.given("", &wanted.plan.target);
                wanted.given.watched.price = wish.price;
                search::start(*wanted, place, clock).map(|running| Under::Search(Box::new(running)))
            }
        }
    }
}

/// That servers ended by themselves while something was measured that is kept: said here and in what is kept.
fn ended_beside(place: &Place, ended: &[Ended]) -> Option<Problem> {
    if ended.is_empty() {
        return None;
    }
    let words: Vec<String> = ended.iter().map(Ended::words).collect();
    let unsaid = note(place, ended).err().map(|problem| problem.to_string());
    let said = Problem::new(Code::ServerFailed, format!("What {} measured ended by itself.", place.id))
        .why(words.into_iter().chain(unsaid).collect::<Vec<_>>().join(" "));
    Some(said.next("What was measured is kept; what was asked behind that end failed."))
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
            Self::Run(running) => running.end().await?.kept(),
            Self::Compare(running) => running.end().await?.kept(),
            Self::Search(running) => running.end().await?.kept(),
        }
    }

    fn tick(&self, at: Duration) -> (String, Tick) {
        match self {
            Self::Run(running) => (String::new(), Tick { at, progress: running.now(), blocks: 0 }),
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

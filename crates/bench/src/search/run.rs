//! A search as it runs: a probe after the other, each a run of its own, kept after each.

use super::{Bracket, Document, Judged, Probe, Scale};
use crate::{
    beside::Given,
    compare::{LATE_US, limit},
    measures::measure,
    plan::{Load, Plan, Target},
    result::{self, State},
    run,
    store::{Partly, Place},
};
use pilothouse_connect::Clock;
use pilothouse_insight::verdict::share;
use pilothouse_wire::{Code, Problem};
use tokio::{sync::watch, time::Duration};

/// How often progress within a probe is passed on.
const PULSE: Duration = Duration::from_millis(100);
/// A place is probed at most so often.
const TRIES: u32 = 4;

/// What is searched for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What a probe runs; its load says what is varied.
    pub plan: Plan,
    /// What was started, and what is read beside it.
    pub given: Given,
    /// What is varied.
    pub scale: Scale,
    /// From the least to the most.
    pub range: (f64, f64),
    /// The places of a sweep; none for a search.
    pub sweep: Option<Vec<f64>>,
    /// Of a sweep over several targets each of them; none where that of the plan is the only one.
    pub arms: Vec<Arm>,
    /// The share of requests that is to be good.
    pub good: f64,
    /// How sure each place is to be.
    pub sure: f64,
    /// It ends once the upper end is no more than so many times the lower one.
    pub within: f64,
    /// A client that is later than this once in a hundred times is the limit, in microseconds.
    pub most_late_us: Option<u64>,
    /// GPUs behind the target.
    pub gpus: Option<u32>,
}

/// One of several targets of a sweep.
#[derive(Clone, Debug)]
pub struct Arm {
    /// What it is called.
    pub name: String,
    /// Who is asked.
    pub target: Target,
    /// What was started, and what is read beside it.
    pub given: Given,
}

/// How far a search is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Probes that are over.
    pub probes: usize,
    /// The most that there will be.
    pub most: usize,
    /// The place that is probed.
    pub at: f64,
    /// The probe that runs.
    pub probe: run::Progress,
}

/// A search that has begun.
pub type Running = crate::going::Running<Progress, Document>;

impl Wanted {
    /// Can it be searched?
    ///
    /// # Errors
    /// Which of it makes no sense, and why.
    pub fn check(&self) -> Result<(), Problem> {
        self.plan.check()?;
        let bad = |field: &str, value: String, why: &str, next: &str| {
            Err(Problem::new(Code::BadInput, format!("{field} cannot be {value}.")).why(why).next(next))
        };
        let (least, most) = self.range;
        if !(least > 0.0 && least <= most && most.is_finite()) {
            return bad(
                "the range",
                format!("{least}..{most}"),
                "It goes from something above 0 upwards.",
                "Give LOW..HIGH.",
            );
        }
        if self.sweep.is_none() && self.plan.slo.is_empty() {
            return bad(
                "slo",
                "empty".into(),
                "Without limits there is none to keep.",
                "Give --slo, such as ttft=500ms,tpot=50ms.",
            );
        }
        for (field, value) in [("good", self.good), ("sure", self.sure)] {
            if !(0.5..1.0).contains(&value) {
                return bad(
                    field,
                    format!("{} %", value * 100.0),
                    "It is from 50 to less than 100 percent.",
                    "Give 95.",
                );
            }
        }
        match self.within > 1.0 && self.within <= 4.0 {
            true => Ok(()),
            false => bad(
                "within",
                format!("{} %", (self.within - 1.0) * 100.0),
                "It is more than 0 and at most 300 percent.",
                "Give 10.",
            ),
        }
    }

    fn bracket(&self) -> Bracket {
        Bracket::new(self.scale, self.range, self.within, self.good, self.sure, TRIES)
    }

    /// The most probes that there will be, about: each doubling and each halving as often as a place may be probed.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few dozen")]
    #[must_use]
    pub fn most(&self) -> usize {
        let doublings = (self.range.1 / self.range.0).log2().ceil();
        let halvings = (2.0_f64.ln() / self.within.ln()).log2().ceil();
        let swept = self.sweep.as_ref().map(|places| places.len() * self.arms.len().max(1));
        swept.unwrap_or((2.0 * (doublings + halvings + 2.0)) as usize)
    }
}

/// Begins a search, in the runtime of the caller.
///
/// # Errors
/// If it cannot be searched for, or not be kept.
pub fn start(wanted: Wanted, place: Place, clock: Clock) -> Result<Running, Problem> {
    wanted.check()?;
    place.is_free()?;
    let mut document = Document::begun(place.id.clone(), wanted.plan.clone(), wanted.scale, wanted.range, clock.now());
    document.wanted = (!wanted.plan.slo.is_empty()).then_some(wanted.good);
    document.sure = wanted.sure;
    document.sweep.clone_from(&wanted.sweep);
    document.arms = wanted.arms.iter().map(|arm| arm.name.clone()).collect();
    document.gpus = wanted.gpus;
    place.write(&document)?;
    let (stop, stopped) = watch::channel(false);
    let (progress, shown) = watch::channel(Progress { most: wanted.most(), ..Progress::default() });
    let work = Work { wanted, document, place, clock, stopped, progress };
    Ok(Running::begin("The search", shown, stop, work.run()))
}

struct Work {
    wanted: Wanted,
    document: Document,
    place: Place,
    clock: Clock,
    stopped: watch::Receiver<bool>,
    progress: watch::Sender<Progress>,
}

impl Work {
    async fn run(mut self) -> Result<Document, Problem> {
        let searched = match self.wanted.sweep.clone() {
            Some(places) => self.sweep(&places).await,
            None => self.search().await,
        };
        let state = match searched {
            Ok(state) => state,
            // What was measured before is as true as it was.
            Err(problem) if !self.document.probes.is_empty() => {
                self.document
                    .is_partly(format!("what was probed after {} is not there: {problem}", self.document.probes.len()));
                State::Interrupted
            }
            Err(problem) => return Err(problem),
        };
        self.document.points = self.document.front();
        self.document.state = state;
        self.document.ended = Some(self.clock.now());
        let last = self.document.probes.last().map(|probe| probe.run.as_str()).unwrap_or_default();
        let folder = self.place.document.with_file_name(&self.document.probes_folder);
        let lines = Place::at(&folder.join(format!("{last}.json"))).requests;
        self.place.write_at_last(&mut self.document, &lines);
        Ok(self.document)
    }

    /// Each place once; of several targets one after the other at each, so that what changes over time meets all of them alike.
    async fn sweep(&mut self, places: &[f64]) -> Result<State, Problem> {
        let arms = std::mem::take(&mut self.wanted.arms);
        let each: Vec<Option<usize>> = if arms.is_empty() { vec![None] } else { (0..arms.len()).map(Some).collect() };
        for at in places {
            for arm in &each {
                if let Some(arm) = arm.and_then(|arm| arms.get(arm)) {
                    (self.wanted.plan.target, self.wanted.given) = (arm.target.clone(), arm.given.clone());
                }
                if self.probe(*at, *arm).await? != State::Whole {
                    return Ok(self.how_it_ended());
                }
                self.keep(Judged::Unclear)?;
            }
        }
        Ok(State::Whole)
    }

    async fn search(&mut self) -> Result<State, Problem> {
        let mut bracket = self.wanted.bracket();
        while let Some(at) = bracket.next() {
            let state = self.probe(at, None).await?;
            if self.document.limit.is_some() {
                return Ok(State::Whole);
            }
            // A place at which nothing is answered is one that does not keep the limits.
            let is_cut = !matches!(state, State::Whole | State::GaveUp);
            let seen = self.document.probes.last().map_or((0, 0), |probe| (probe.good, probe.of));
            if is_cut {
                return Ok(state);
            }
            let judged = bracket.take(seen.0, seen.1);
            (self.document.keeps, self.document.fails) = bracket.ends();
            self.keep(judged)?;
        }
        Ok(State::Whole)
    }

    fn how_it_ended(&self) -> State {
        self.document.probes.last().map_or(State::Interrupted, |probe| probe.state.clone())
    }

    fn keep(&mut self, judged: Judged) -> Result<(), Problem> {
        if let Some(probe) = self.document.probes.last_mut() {
            probe.judged = judged;
        }
        self.place.write(&self.document)
    }

    /// Probes a place; how the run ended.
    async fn probe(&mut self, at: f64, arm: Option<usize>) -> Result<State, Problem> {
        if *self.stopped.borrow() {
            return Ok(State::Interrupted);
        }
        let number = self.document.probes.len();
        let seed = self.wanted.plan.seed.wrapping_add((number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let plan =
            Plan { seed, load: height(&self.wanted.plan.load, self.wanted.scale, at), ..self.wanted.plan.clone() };
        let name = format!("{:03}", number + 1);
        let folder = self.place.document.with_file_name(&self.document.probes_folder);
        let place = Place::at(&folder.join(format!("{name}.json")));
        self.progress.send_modify(|progress| (progress.probes, progress.at) = (number, at));
        let (asked, given, clock) = (plan.clone(), self.wanted.given.clone(), self.clock.clone());
        let began = tokio::task::spawn_blocking(move || run::start_beside(asked, given, place, clock)).await;
        let running =
            began.map_err(|error| Problem::new(Code::Internal, "A probe broke.").why(format!("{error}.")))??;
        let result::Document { state, measures, client, not_kept, .. } = self.follow(running).await?;
        if let Some(why) = not_kept {
            self.document.is_partly(format!("probe {name}: {why}"));
        }
        let measures = measures.unwrap_or_else(|| measure(&[], plan.warm_up, &plan.slo));
        let late = self.wanted.most_late_us.unwrap_or(LATE_US);
        let why = client.as_ref().and_then(|client| {
            let slept = || client.slept_s.map(|seconds| format!("its machine slept for {seconds:.1} s meanwhile"));
            limit(&plan, &measures, client, late).or_else(slept)
        });
        if let Some(why) = why
            && state == State::Whole
        {
            self.document.limit = Some(why);
        }
        let (good, of) = measures.goodput.as_ref().map_or((0, 0), |good| (good.good, good.of));
        let is_here = |probe: &&Probe| (probe.at - at).abs() < f64::EPSILON && probe.arm == arm;
        let here = self.document.probes.iter().filter(is_here);
        let all = here.fold((good, of), |all, probe| (all.0 + probe.good, all.1 + probe.of));
        self.document.probes.push(Probe {
            at,
            arm,
            run: name,
            seed,
            state: state.clone(),
            good,
            of,
            between: share::bounds(all.0, all.1, self.wanted.sure),
            judged: Judged::Unclear,
            measures,
        });
        self.place.write(&self.document)?;
        Ok(state)
    }

    async fn follow(&self, mut running: run::Running) -> Result<result::Document, Problem> {
        let (mut pulse, mut stopped, mut is_cut) = (tokio::time::interval(PULSE), self.stopped.clone(), false);
        loop {
            let now = running.now();
            self.progress.send_modify(|progress| progress.probe = now);
            tokio::select! {
                document = running.end() => return document,
                _ = stopped.wait_for(|stopped| *stopped), if !is_cut => {
                    is_cut = true;
                    running.interrupt();
                }
                _ = pulse.tick() => {}
            }
        }
    }
}

/// The load at this height.
fn height(load: &Load, scale: Scale, at: f64) -> Load {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats saturates")]
    match (scale, load) {
        (Scale::Concurrency, _) => Load::Closed { concurrency: at.round() as u32 },
        (Scale::Rate, Load::Open { arrivals, max_concurrency, .. }) => {
            Load::Open { rate: at, arrivals: *arrivals, max_concurrency: *max_concurrency }
        }
        (Scale::Rate, _) => {
            Load::Open { rate: at, arrivals: crate::arrivals::Arrivals::Poisson, max_concurrency: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compare::tests::block, plan::tests::plan};

    fn wanted() -> Wanted {
        let mut plan = plan();
        plan.slo = "ttft=1s".parse().unwrap();
        Wanted {
            plan,
            given: Given::default(),
            scale: Scale::Rate,
            range: (1.0, 64.0),
            sweep: None,
            arms: Vec::new(),
            good: 0.95,
            sure: 0.95,
            within: 1.1,
            most_late_us: None,
            gpus: None,
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        type Change = fn(&mut Wanted);
        let cases: [(&str, Change); 5] = [
            ("the range cannot be 9..3.", |wanted| wanted.range = (9.0, 3.0)),
            ("slo cannot be empty.", |wanted| wanted.plan.slo = crate::slo::Slo::default()),
            ("good cannot be 100 %.", |wanted| wanted.good = 1.0),
            ("sure cannot be NaN %.", |wanted| wanted.sure = f64::NAN),
            ("within cannot be 0 %.", |wanted| wanted.within = 1.0),
        ];
        for (want, change) in cases {
            let mut wanted = wanted();
            change(&mut wanted);
            assert_eq!(wanted.check().unwrap_err().what, want);
        }
        assert!(wanted().check().is_ok());
    }

    #[test]
    fn a_point_is_on_the_front_unless_another_beats_it() {
        let mut document =
            Document::begun("s".into(), plan(), Scale::Concurrency, (1.0, 8.0), pilothouse_wire::Stamp(0));
        document.environment = crate::environment::Environment::default();
        for (at, per_user, tokens) in [(1.0, 100, 100.0), (2.0, 80, 160.0), (4.0, 70, 150.0), (8.0, 40, 300.0)] {
            let mut measures = block(0, 100.0).measures;
            (measures.per_user.p50, measures.rates.output_tokens_per_s) = (Some(per_user * 1_000), tokens);
            let (run, state, between) = (String::new(), State::Whole, (0.0, 1.0));
            let judged = Judged::Unclear;
            document.probes.push(Probe {
                at,
                arm: None,
                run,
                seed: 1,
                state,
                good: 0,
                of: 0,
                between,
                judged,
                measures,
            });
        }
        let front: Vec<bool> = document.front().iter().map(|point| point.on_front).collect();
        assert_eq!(front, [true, true, false, true]);
        document.gpus = Some(2);
        assert!((document.front()[3].tokens - 150.0).abs() < 1e-9);
    }
}

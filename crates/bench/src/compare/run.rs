//! A comparison as it runs: a block after the other in the planned order, kept after each, judged at the looks, ended once
//! all is decided. A block that was cut is kept, marked, and not judged.

use super::{
    Answers, Arm, Before, BlockRun, Document,
    answers::{self, FIXED, Said},
    limit::limit,
    meaning,
};
use crate::{
    beside::{Beside, Extent, Given, GpuBeside, Watched},
    client,
    measures::Measures,
    plan::{Plan, Target},
    result::{self, ClientLoad, State},
    run::{self, Running as Block},
    spread::{MICROS, Recorder},
    store::{Partly, Place},
};
use pilothouse_connect::Clock;
use pilothouse_insight::verdict::{self, Conditions, Slot};
use pilothouse_wire::{Code, Problem, SmolStr};
use std::path::PathBuf;
use tokio::{sync::watch, time::Duration};

/// How often progress within a block is passed on.
const PULSE: Duration = Duration::from_millis(100);

/// What is to be compared.
pub struct Wanted {
    /// Arms, metrics, looks, errors and seed.
    pub plan: verdict::Plan,
    /// The arms, in the plan's order.
    pub arms: Vec<Arm>,
    /// What is read beside the load of each arm, in their order; nothing of those without.
    pub watched: Vec<Watched>,
    /// A client that is later than this once in a hundred times is the limit, in microseconds.
    pub most_late_us: u64,
    /// Fixed prompts that each arm is asked; 0 for none.
    pub prompts: u32,
    /// The least overlap of answers that is allowed, as a share.
    pub least_overlap: Option<f64>,
    /// The server of embeddings that tells how near answers are in meaning; none where nobody is named.
    pub embed: Option<Target>,
    /// Earlier comparisons, for what can be found.
    pub earlier: Vec<Document>,
}

/// How far a comparison is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Blocks that are over.
    pub blocks: usize,
    /// The most blocks that there will be.
    pub most: usize,
    /// The arm that is under load.
    pub arm: SmolStr,
    /// At how many blocks the next look is.
    pub next_look: Option<usize>,
    /// The block that runs.
    pub block: run::Progress,
}

/// A comparison that has begun.
pub type Running = crate::going::Running<Progress, Document>;

/// Begins a comparison, in the runtime of the caller.
///
/// # Errors
/// If an arm cannot be run as it is, or the comparison cannot be kept.
pub fn start(wanted: Wanted, place: Place, clock: Clock) -> Result<Running, Problem> {
    let Wanted { plan, arms, watched, most_late_us, prompts, least_overlap, embed, earlier } = wanted;
    for arm in &arms {
        arm.plan.check().map_err(|problem| Problem { what: format!("{}: {}", arm.name, problem.what), ..problem })?;
    }
    let ways: Vec<_> = arms.iter().map(|arm| arm.plan.target.through.as_ref().map(|way| &way.connection)).collect();
    if ways.iter().any(|way| *way != ways[0]) {
        return Err(Problem::new(Code::BadInput, "The targets are reached by different ways.")
            .why("What an API server and its network take would be taken for a difference of the targets.")
            .next("Reach all of them through the same API server, or none."));
    }
    if let Some(target) = &embed {
        target.check().map_err(|problem| Problem { what: format!("embed: {}", problem.what), ..problem })?;
        client::key(&target.key)?;
    }
    if prompts as usize > FIXED.len() {
        return Err(Problem::new(Code::BadInput, format!("answers cannot be {prompts}."))
            .why(format!("There are {} fixed prompts.", FIXED.len()))
            .next(format!("Give {} at most; 0 asks none.", FIXED.len())));
    }
    place.is_free()?;
    let mut document = Document::begun(place.id.clone(), &plan, arms, most_late_us, clock.now());
    document.before = Before::from_earlier(&plan, &document, &earlier);
    place.write(&document)?;
    let folder = place.document.with_file_name(&document.blocks_folder);
    let (stop, stopped) = watch::channel(false);
    let (progress, shown) = watch::channel(Progress { most: plan.order().len(), ..Progress::default() });
    let work = Work { plan, watched, document, place, folder, clock, stopped, progress };
    Ok(Running::begin("The comparison", shown, stop, work.run(Guard { prompts, least_overlap, embed })))
}

/// What is asked before the load.
struct Guard {
    prompts: u32,
    least_overlap: Option<f64>,
    embed: Option<Target>,
}

struct Work {
    plan: verdict::Plan,
    watched: Vec<Watched>,
    document: Document,
    place: Place,
    folder: PathBuf,
    clock: Clock,
    stopped: watch::Receiver<bool>,
    progress: watch::Sender<Progress>,
}

impl Work {
    async fn run(mut self, guard: Guard) -> Result<Document, Problem> {
        let mut state = State::Whole;
        let speak = self.document.arms.iter().all(|arm| arm.plan.target.says());
        if guard.prompts > 0 && speak {
            self.document.answers = self.answers(&guard).await?;
            self.place.write(&self.document)?;
        }
        for slot in self.plan.order() {
            if *self.stopped.borrow() {
                state = State::Interrupted;
                break;
            }
            let block = match self.block(slot).await {
                Ok(block) => block,
                // What was measured before is as true as it was.
                Err(problem) if !self.document.blocks.is_empty() => {
                    self.document
                        .is_partly(format!("block {} is not there: {problem}", self.document.blocks.len() + 1));
                    state = State::Interrupted;
                    break;
                }
                Err(problem) => return Err(problem),
            };
            let how = block.state.clone();
            self.document.blocks.push(block);
            let is_over = how == State::Whole && self.look();
            let is_written = self.document.not_kept.is_none() && self.place.write(&self.document).is_ok();
            if !is_written && !is_over {
                // It is said at the end, once it is clear what could be kept.
                state = State::Interrupted;
                break;
            }
            if how != State::Whole {
                state = how;
                break;
            }
            if is_over {
                break;
            }
        }
        self.document.state = state;
        self.document.ended = Some(self.clock.now());
        let last = self.document.blocks.last().map(|block| block.run.as_str()).unwrap_or_default();
        let lines = Place::at(&self.folder.join(format!("{last}.json"))).requests;
        self.place.write_at_last(&mut self.document, &lines);
        Ok(self.document)
    }

    /// Asks each arm the fixed prompts, and the baseline once more; none where it was ended before all were asked.
    async fn answers(&self, guard: &Guard) -> Result<Option<Answers>, Problem> {
        let Some(first) = self.document.arms.first() else { return Ok(None) };
        let mut said: Vec<(SmolStr, Said)> = Vec::new();
        let mut stopped = self.stopped.clone();
        for arm in self.document.arms.iter().chain([first]) {
            self.progress.send_modify(|progress| progress.arm = arm.name.clone());
            let asked = tokio::select! {
                asked = answers::ask(&arm.plan, guard.prompts) => asked?,
                _ = stopped.wait_for(|stopped| *stopped) => return Ok(None),
            };
            said.push((arm.name.clone(), asked));
        }
        let mut meant = None;
        if let Some(by) = &guard.embed {
            let said: Vec<&Said> = said.iter().map(|(_, said)| said).collect();
            meant = tokio::select! {
                compared = meaning::compare(by, &said) => Some(compared?),
                _ = stopped.wait_for(|stopped| *stopped) => return Ok(None),
            };
        }
        let (meaning, mut each) = meant.map_or((None, Vec::new()), |compared| (Some(compared.meaning), compared.each));
        let again = each.pop();
        let mut likeness = again.into_iter().chain(each.into_iter().skip(1));
        // The baseline asked again is the last that was asked, and the first that is told of.
        let (Some(again), Some((_, baseline))) = (said.pop(), said.first()) else { return Ok(None) };
        let others = said.iter().skip(1).map(|(name, own)| (name, own));
        let agreements = std::iter::once((&again.0, &again.1)).chain(others).map(|(name, own)| {
            let agreement = answers::agreement(name, baseline, own);
            match likeness.next() {
                Some(each) => agreement.with_similarities(each),
                None => agreement,
            }
        });
        let arms = agreements.collect();
        Ok(Some(Answers { prompts: guard.prompts, least_overlap: guard.least_overlap, meaning, arms }))
    }

    /// Looks at what is in, if it is time to; is it over?
    fn look(&mut self) -> bool {
        let (blocks, a_round) = (self.document.blocks.len(), 2 * self.document.arms.len());
        if blocks == a_round && self.document.before.is_none() {
            self.document.before = Before::from_first_round(&self.plan, &self.document.blocks);
        }
        let looks = &self.plan.settings().looks;
        let is_look = looks.iter().any(|pairs| self.plan.blocks(*pairs) == blocks);
        // Where the client was the limit, or the machine slept, no later block can mend it.
        let is_lost_by = |block: &BlockRun| block.conditions.client_was_limit || block.conditions.slept;
        let is_lost = blocks.is_multiple_of(a_round) && self.document.blocks.iter().any(is_lost_by);
        if !is_look && !is_lost {
            return false;
        }
        self.document.comparison = self.document.judged(&self.plan);
        self.document.comparison.next_look.is_none()
    }

    async fn block(&mut self, slot: Slot) -> Result<BlockRun, Problem> {
        let (arm, began) = (&self.document.arms[slot.arm], self.clock.now());
        let plan = Plan { seed: self.seed(slot), ..arm.plan.clone() };
        let name = format!("{:03}-{}", self.document.blocks.len() + 1, arm.name);
        let place = Place::at(&self.folder.join(format!("{name}.json")));
        self.progress.send_modify(|progress| {
            progress.arm = arm.name.clone();
            progress.blocks = self.document.blocks.len();
            let next = self.document.comparison.next_look;
            progress.next_look = next.map(|pairs| self.plan.blocks(pairs));
            progress.block = run::Progress::default();
        });
        let given =
            Given { server: arm.server.clone(), watched: self.watched.get(slot.arm).cloned().unwrap_or_default() };
        let (seed, asked, clock) = (plan.seed, plan.clone(), self.clock.clone());
        let began_block = tokio::task::spawn_blocking(move || run::start_beside(asked, given, place, clock)).await;
        let running =
            began_block.map_err(|error| Problem::new(Code::Internal, "A block broke.").why(format!("{error}.")))??;
        let result::Document { state, measures, client, beside, not_kept, .. } = self.follow(running).await?;
        if let Some(why) = not_kept {
            self.document.is_partly(format!("block {name}: {why}"));
        }
        let beside = beside.map(Beside::without_series);
        let measures = measures.unwrap_or_else(|| crate::measures::measure(&[], plan.warm_up, &plan.slo));
        let client = client.unwrap_or_else(|| result::ClientLoad::new(None, None, Recorder::default().spread(MICROS)));
        let limit = limit(&plan, &measures, &client, self.document.most_late_us);
        Ok(BlockRun {
            slot,
            run: name,
            began,
            seed,
            values: self.document.quantities().iter().map(|quantity| quantity.value(&measures)).collect(),
            conditions: conditions((&state, &measures), (&client, limit.is_some()), beside.as_ref()),
            state,
            limit,
            beside,
            measures,
            client,
        })
    }

    async fn follow(&self, mut running: Block) -> Result<result::Document, Problem> {
        let (mut pulse, mut stopped, mut is_cut) = (tokio::time::interval(PULSE), self.stopped.clone(), false);
        loop {
            let now = running.now();
            self.progress.send_modify(|progress| progress.block = now);
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

    /// Blocks of a pair have the same load, and each pair another: what a cache holds from before is no answer. Where arms
    /// are the same server each block has its own, since one would find in its cache what the other put there.
    fn seed(&self, slot: Slot) -> u64 {
        let arms = &self.document.arms;
        let is_shared = |at: usize| arms[..at].iter().any(|other| other.plan.target.url == arms[at].plan.target.url);
        let own = if (1..arms.len()).any(is_shared) { slot.arm } else { 0 };
        let place = (slot.round * 2 + slot.half) * arms.len() + own;
        arms[slot.arm].plan.seed.wrapping_add((place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// What was open still at the end of a whole block had its time, and is no better than what failed.
fn conditions(
    (state, measures): (&State, &Measures),
    (client, client_was_limit): (&ClientLoad, bool),
    beside: Option<&Beside>,
) -> Conditions {
    let counts = measures.requests;
    let failed = counts.failed + result::left_open(state, Some(measures));
    let requests = counts.answered + failed;
    let range = |of: fn(&GpuBeside) -> Option<Extent>| beside.and_then(|beside| beside.range(of));
    Conditions {
        clock_mhz: range(|gpu| gpu.sm_clock_mhz),
        power_cap_w: range(|gpu| gpu.power_cap_w),
        temperature_c: range(|gpu| gpu.temperature_c),
        client_was_limit,
        slept: client.slept_s.is_some(),
        requests,
        failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::document;

    fn work(change: impl FnOnce(&mut Document)) -> Work {
        let mut document = document(6, |_, _| 100.0);
        change(&mut document);
        let (_, stopped) = watch::channel(false);
        let (progress, _) = watch::channel(Progress::default());
        let place = Place::at(std::path::Path::new("a.json"));
        let plan = document.plan().unwrap();
        Work {
            plan,
            watched: Vec::new(),
            document,
            place,
            folder: PathBuf::new(),
            clock: Clock::system(),
            stopped,
            progress,
        }
    }

    #[test]
    fn a_pair_has_the_same_load_and_each_pair_another() {
        let slot = |round, half, arm| Slot { round, half, arm };
        let apart = work(|document| document.arms[1].plan.target.url = "http://other/v1/chat/completions".into());
        assert_eq!(apart.seed(slot(0, 0, 0)), apart.seed(slot(0, 0, 1)));
        let same = work(|_| ());
        let seeds: std::collections::BTreeSet<u64> =
            [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0)].map(|(r, h, a)| same.seed(slot(r, h, a))).into();
        assert_eq!(seeds.len(), 5);
    }

    #[test]
    fn what_the_driver_says_of_a_block_is_held_against_the_other_arm() {
        let mut work = work(|document| document.blocks.truncate(12));
        let extent = |value: f64| Some(Extent { low: value, mean: value, high: value + 20.0 });
        for block in &mut work.document.blocks {
            let clock = if block.slot.arm == 0 { 1_900.0 } else { 1_400.0 };
            let gpu = GpuBeside { utilisation: extent(0.5), sm_clock_mhz: extent(clock), ..GpuBeside::default() };
            let beside = Beside { gpus: vec![gpu], ..Beside::default() };
            block.conditions = conditions((&block.state, &block.measures), (&block.client, false), Some(&beside));
        }
        let verdict = work.document.judged(&work.plan).candidates[0].verdict.words();
        assert!(verdict.starts_with("invalid: clocks do not overlap: 1,900 to 1,920 MHz in now"), "{verdict}");
    }

    #[test]
    fn what_is_open_still_when_its_time_is_over_is_held_against_the_other_arm() {
        let mut work = work(|document| document.blocks.truncate(12));
        for block in &mut work.document.blocks {
            if block.slot.arm == 1 {
                block.measures.requests.unfinished = block.measures.requests.answered;
            }
            block.conditions = conditions((&block.state, &block.measures), (&block.client, false), None);
        }
        let verdict = work.document.judged(&work.plan).candidates[0].verdict.words();
        assert!(verdict.starts_with("invalid: 0 % of requests were not answered in now, 50 % in next"), "{verdict}");
        // Of a block that was cut by a person it says nothing.
        let block = &mut work.document.blocks[1];
        block.state = State::Interrupted;
        let cut = conditions((&block.state, &block.measures), (&block.client, false), None);
        assert_eq!((cut.failed, cut.requests), (0, 40));
    }

    #[test]
    fn a_block_in_which_the_machine_slept_makes_nothing_of_it() {
        let mut work = work(|document| document.blocks.truncate(4));
        let block = &mut work.document.blocks[2];
        block.client.slept_s = Some(31.0);
        block.conditions = conditions((&block.state, &block.measures), (&block.client, false), None);
        assert!(work.look());
        let verdict = work.document.comparison.candidates[0].verdict.words();
        assert!(verdict.starts_with("invalid: the machine slept in 1 of 4 blocks"), "{verdict}");
    }

    #[test]
    fn a_client_that_was_the_limit_ends_it_after_the_round() {
        let mut work = work(|document| {
            document.blocks.truncate(4);
            document.comparison = document.judged(&document.plan().unwrap());
        });
        assert!(!work.look());
        assert!(work.document.before.is_some());
        work.document.blocks[1].limit = Some("late".into());
        work.document.blocks[1].conditions.client_was_limit = true;
        assert!(work.look());
        let verdict = work.document.comparison.candidates[0].verdict.words();
        assert!(verdict.starts_with("invalid: the client was the limit in 1 of 4 blocks"), "{verdict}");
    }
}

//! A comparison as it is kept: one document of JSON with all that is needed to judge it again.

use super::{Answers, Before, metric::Quantity};
use crate::{
    beside::Beside,
    environment::Environment,
    measures::{DEFINITIONS, Measures},
    plan::Plan,
    result::{self, ClientLoad, State},
    server::Started,
    store::{self, Partly},
};
use pilothouse_insight::verdict::{self, Comparison, Conditions, Settings, Slot, judge};
use pilothouse_wire::{Problem, SmolStr, Stamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What such a document calls itself.
pub const FORMAT: &str = "pilothouse-bench-comparison";
/// The version that is written, and the newest that is read.
pub const VERSION: u32 = 1;

/// A comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Always [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// What it is called.
    pub id: String,
    /// When it began, by the clock of the client.
    pub began: Stamp,
    /// When it ended; none while it runs, or where it was killed.
    pub ended: Option<Stamp>,
    /// How it ended: *whole* where all was decided or all that was planned was run.
    pub state: State,
    /// What was stated before the first block.
    pub settings: Settings,
    /// Who was compared, the baseline first.
    pub arms: Vec<Arm>,
    /// Where.
    pub environment: Environment,
    /// What each measure is.
    pub definitions: BTreeMap<String, String>,
    /// A client that was later than this once in a hundred times was the limit, in microseconds.
    pub most_late_us: u64,
    /// What could be found, as far as it was known before most of the blocks had run.
    pub before: Option<Before>,
    /// Blocks in the order in which they ran.
    pub blocks: Vec<BlockRun>,
    /// The folder of their runs, beside this file.
    pub blocks_folder: String,
    /// What the arms say to the same prompts; none where they were not asked.
    pub answers: Option<Answers>,
    /// What follows from the whole blocks, at planned looks alone.
    pub comparison: Comparison,
    /// What of it is not kept, and why; none where all is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_kept: Option<String>,
}

impl Partly for Document {
    fn is_partly(&mut self, why: String) {
        store::add(&mut self.not_kept, why);
    }
}

impl BlockRun {
    /// Requests that were open still when the block and what it gives them to end were over.
    #[must_use]
    pub fn left_open(&self) -> u64 {
        result::left_open(&self.state, Some(&self.measures))
    }
}

/// Who is compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// What it is called here.
    pub name: SmolStr,
    /// What one block of it runs, but for the seed: each pair of blocks has its own.
    pub plan: Plan,
    /// What was started to be measured; none of what served before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Started>,
}

/// One block as it was run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockRun {
    /// Its place in the plan.
    pub slot: Slot,
    /// Its run, a document in the folder of blocks.
    pub run: String,
    /// When it began.
    pub began: Stamp,
    /// How it ended; only whole ones are judged.
    pub state: State,
    /// The seed of its load.
    pub seed: u64,
    /// Its value of each primary metric, in the settings' order.
    pub values: Vec<Option<f64>>,
    /// Under which conditions it ran.
    pub conditions: Conditions,
    /// Why the client was the limit, if it was.
    pub limit: Option<String>,
    /// What was read beside it; none where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
    /// What came of it; of nothing where it was ended before there was anything.
    pub measures: Measures,
    /// What it took of the client.
    pub client: ClientLoad,
}

impl Document {
    /// Of a comparison that begins.
    #[must_use]
    pub fn begun(id: String, plan: &verdict::Plan, arms: Vec<Arm>, most_late_us: u64, began: Stamp) -> Self {
        let definitions = DEFINITIONS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Self {
            format: FORMAT.into(),
            version: VERSION,
            blocks_folder: format!("{id}.blocks"),
            id,
            began,
            ended: None,
            state: State::Running,
            settings: plan.settings().clone(),
            arms,
            environment: Environment::read(),
            definitions,
            most_late_us,
            before: None,
            blocks: Vec::new(),
            answers: None,
            comparison: judge(plan, &[]),
            not_kept: None,
        }
    }

    /// Is all of it kept?
    ///
    /// # Errors
    /// What is not, and why.
    pub fn kept(&self) -> Result<(), Problem> {
        store::all_kept(&self.id, self.not_kept.as_ref())
    }

    /// The plan of its looks.
    ///
    /// # Errors
    /// If its settings make no sense.
    pub fn plan(&self) -> Result<verdict::Plan, Problem> {
        verdict::Plan::new(self.settings.clone())
    }

    /// The primary metrics as what they are read from; one that this version does not know is left out.
    #[must_use]
    pub fn quantities(&self) -> Vec<Quantity> {
        self.settings.metrics.iter().filter_map(|metric| metric.id.parse().ok()).collect()
    }

    /// Judges its whole blocks.
    #[must_use]
    pub fn judged(&self, plan: &verdict::Plan) -> Comparison {
        let whole = self.blocks.iter().take_while(|block| block.state == State::Whole);
        let blocks: Vec<verdict::Block> = whole
            .map(|block| verdict::Block {
                slot: block.slot,
                values: block.values.iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
                conditions: block.conditions,
            })
            .collect();
        judge(plan, &blocks)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        compare::metric::usual,
        measures::measure,
        plan::{WarmUp, tests::plan},
        sample::{End, Heard, Sample},
        slo::Slo,
        spread::{MICROS, Recorder},
    };
    use pilothouse_insight::verdict::looks_to;
    use pilothouse_wire::units::number;

    /// A block of this arm, whose answers take so many milliseconds to their first token.
    pub(crate) fn block(arm: usize, ttft_ms: f64) -> BlockRun {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let ttft_us = (ttft_ms * 1e3) as u64;
        let sample = |n: u64| Sample {
            n,
            intended_us: n * 10_000,
            lag_us: 3,
            end_us: n * 10_000 + ttft_us + 70_000,
            wanted_input: 16,
            wanted_output: Some(8),
            end: End::Answered(Heard { ttft_us, e2e_us: ttft_us + 70_000, output_tokens: Some(8), ..Heard::default() }),
        };
        let measures = measure(&(0..40).map(sample).collect::<Vec<_>>(), WarmUp::None, &Slo::default());
        let values = usual(&plan()).iter().map(|quantity| quantity.value(&measures)).collect();
        BlockRun {
            slot: Slot { round: 0, half: 0, arm },
            run: format!("01-{}", number(ttft_ms, 0)),
            began: Stamp(0),
            state: State::Whole,
            seed: 1,
            values,
            conditions: Conditions { requests: 40, ..Conditions::default() },
            limit: None,
            beside: None,
            measures,
            client: ClientLoad::new(Some(0.01), None, Recorder::default().spread(MICROS)),
        }
    }

    /// A comparison of two whose blocks have these milliseconds to their first token, by arm and place.
    pub(crate) fn document(pairs: u32, ttft_ms: impl Fn(usize, usize) -> f64) -> Document {
        let metrics = usual(&plan()).iter().map(|quantity| quantity.metric()).collect();
        let names = ["now", "next"];
        let settings =
            Settings { looks: looks_to(pairs), ..Settings::new(names.map(SmolStr::from).to_vec(), metrics, 7) };
        let of = verdict::Plan::new(settings).unwrap();
        let arms = names.map(|name| Arm { name: name.into(), plan: plan(), server: None }).to_vec();
        let mut document = Document::begun("cmp".into(), &of, arms, 5_000, Stamp(1_800_000_000_000));
        document.environment = Environment::default();
        for (at, slot) in of.order().into_iter().enumerate() {
            document.blocks.push(BlockRun { slot, ..block(slot.arm, ttft_ms(slot.arm, at)) });
            document.comparison = document.judged(&of);
            if document.blocks.len() >= of.blocks(6) && document.comparison.next_look.is_none() {
                break;
            }
        }
        document.state = State::Whole;
        document.ended = Some(Stamp(1_800_000_060_000));
        document
    }

    #[test]
    fn a_comparison_reads_back_and_is_judged_the_same_again() {
        #[allow(clippy::cast_precision_loss)]
        let document = document(12, |arm, at| 100.0 + 30.0 * arm as f64 + (at % 3) as f64);
        assert!(document.comparison.is_decided() || document.comparison.pairs == 12, "{:?}", document.comparison);
        let text = serde_json::to_string(&document).unwrap();
        let again: Document = serde_json::from_str(&text).unwrap();
        assert_eq!((again.blocks.len(), &again.settings), (document.blocks.len(), &document.settings));
        let judged = again.judged(&again.plan().unwrap());
        assert_eq!(judged.candidates[0].verdict, document.comparison.candidates[0].verdict);
    }

    #[test]
    fn a_block_that_was_cut_is_kept_and_not_judged() {
        let mut document = document(6, |_, _| 100.0);
        let pairs = document.comparison.pairs;
        let last = document.blocks.last_mut().unwrap();
        last.state = State::Interrupted;
        let judged = document.judged(&document.plan().unwrap());
        assert!(judged.pairs < pairs, "{judged:?}");
    }

    #[test]
    fn a_block_without_a_value_makes_no_verdict() {
        let mut document = document(6, |_, _| 100.0);
        document.blocks[2].values[0] = None;
        let judged = document.judged(&document.plan().unwrap());
        let why = judged.candidates[0].metrics[0].verdict.words();
        assert!(why.starts_with("invalid: p95 TTFT is absent in block 3"), "{why}");
    }
}

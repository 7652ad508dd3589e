//! A run as it is kept: one document of JSON that says what was run, where, and what came of it.

use crate::{
    beside::Beside,
    environment::Environment,
    measures::{DEFINITIONS, Measures},
    plan::Plan,
    repeat::Repeat,
    run::Prepared,
    sample::{End, Sample},
    server::Started,
    spread::{MICROS, Recorder, Spread},
    store::{self, Partly},
    workers::Workers,
};
use pilothouse_wire::{Code, Problem, Stamp, units::number};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What such a document calls itself.
pub const FORMAT: &str = "pilothouse-bench";
/// The version that is written, and the newest that is read.
pub const VERSION: u32 = 1;

/// A run.
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
    /// How it ended.
    pub state: State,
    /// What was run: with it the same load is made again.
    pub plan: Plan,
    /// What was started to be measured; none of what served before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Started>,
    /// Where.
    pub environment: Environment,
    /// What each measure is.
    pub definitions: BTreeMap<String, String>,
    /// What came of it; none while it runs, or where it was killed.
    pub measures: Option<Measures>,
    /// What it took of the client; none likewise.
    pub client: Option<ClientLoad>,
    /// What of it is not kept, and why; none where all is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_kept: Option<String>,
    /// What was read beside the load; none where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
    /// The workers that sent it past this machine; none where it was sent from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<Workers>,
    /// What was sent before the load for the cache that the plan states; none where it states none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<Prepared>,
    /// Each model of a mix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mix: Vec<OfModel>,
    /// What else has to be the same for it to be repeated.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub repeat: Repeat,
    /// The file of requests, beside this one; empty where workers sent them and no line of them came.
    pub requests_file: String,
}

fn is_nothing(repeat: &Repeat) -> bool {
    *repeat == Repeat::default()
}

/// What came of the requests to one model of a mix, over the whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfModel {
    /// The model.
    pub model: String,
    /// Requests that were answered.
    pub answered: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Time to first token.
    pub ttft: Spread,
    /// Time per output token.
    pub tpot: Spread,
}

impl OfModel {
    /// Of each model of the plan's mix. Who was asked follows from the number of the request.
    #[must_use]
    pub fn each(plan: &Plan, samples: &[Sample]) -> Vec<Self> {
        let mut each: Vec<_> =
            plan.manner.mix.iter().map(|_| (0, 0, Recorder::default(), Recorder::default())).collect();
        for sample in samples {
            let Some(of) = plan.manner.model(plan.seed, sample.n).and_then(|at| each.get_mut(at)) else { continue };
            match &sample.end {
                End::Answered(heard) => {
                    of.0 += 1;
                    of.2.add(heard.ttft_us);
                    heard.tpot_us().into_iter().for_each(|tpot| of.3.add_rounded(tpot));
                }
                End::Failed(_) => of.1 += 1,
                End::Unfinished | End::Cancelled => {}
            }
        }
        let named = plan.manner.mix.iter().zip(each).map(|(of, (answered, failed, ttft, tpot))| Self {
            model: of.model.clone(),
            answered,
            failed,
            ttft: ttft.spread(MICROS),
            tpot: tpot.spread(MICROS),
        });
        named.collect()
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has begun; where nobody runs it any more, it was killed, and only its requests are kept.
    Running,
    /// All that was planned was sent.
    Whole,
    /// A person ended it.
    Interrupted,
    /// Nothing but failures came, and it was given up.
    GaveUp,
}

/// What a run took of the client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientLoad {
    /// Seconds of processor time of this process, whatever else it does meanwhile.
    pub processor_s: Option<f64>,
    /// Seconds of processor time of the thread that sends; none where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sending_s: Option<f64>,
    /// Seconds from the begin of the load to its end, the warm-up and the time that requests are given to end among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_s: Option<f64>,
    /// The most memory at a time, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// How late a task of the client was woken that wants nothing else: times may be late by as much.
    pub lateness: Spread,
    /// Was the client the limit? Then latencies are no more than bounds from above.
    pub saturated: bool,
    /// Seconds that the machine slept meanwhile, where it did and its system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slept_s: Option<f64>,
    /// Seconds by which its clock was set meanwhile, forward if more than 0; none where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stepped_s: Option<f64>,
}

/// A client that is later than this once in a hundred times was the limit, in microseconds.
pub const SATURATED_US: u64 = 5_000;

impl ClientLoad {
    /// Of what was seen.
    #[must_use]
    pub fn new(processor_s: Option<f64>, peak_memory_bytes: Option<u64>, lateness: Spread) -> Self {
        let saturated = lateness.p99.or(lateness.max).is_some_and(|late| late > SATURATED_US);
        Self {
            processor_s,
            sending_s: None,
            wall_s: None,
            peak_memory_bytes,
            lateness,
            saturated,
            slept_s: None,
            stepped_s: None,
        }
    }

    /// The share of a core that the thread took that sends, where it is known.
    #[must_use]
    pub fn of_core(&self) -> Option<f64> {
        self.sending_s.zip(self.wall_s).filter(|(_, wall)| *wall > 0.0).map(|(time, wall)| time / wall)
    }

    /// What is to be said of how time passed for it: each is said of whatever it measured.
    #[must_use]
    pub fn passed(&self) -> Vec<String> {
        let seconds = |of: f64| number(of.abs(), 1);
        let slept = self.slept_s.map(|of| {
            format!("the machine slept for {} s meanwhile: what was under way was nobody's time", seconds(of))
        });
        let stepped = self.stepped_s.map(|of| {
            let way = if of < 0.0 { "back" } else { "forward" };
            format!("its clock was set {way} by {} s meanwhile: begin and end are of two clocks, latencies of one that is never set", seconds(of))
        });
        slept.into_iter().chain(stepped).collect()
    }
}

impl Document {
    /// Of a run that begins.
    #[must_use]
    pub fn begun(id: String, plan: Plan, environment: Environment, began: Stamp, requests_file: String) -> Self {
        let mut definitions: BTreeMap<String, String> =
            DEFINITIONS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        if let Some(through) = &plan.target.through {
            definitions.insert("path".into(), through.meaning());
        }
        Self {
            format: FORMAT.into(),
            version: VERSION,
            id,
            began,
            ended: None,
            state: State::Running,
            plan,
            server: None,
            environment,
            definitions,
            measures: None,
            client: None,
            not_kept: None,
            beside: None,
            workers: None,
            prepared: None,
            mix: Vec::new(),
            repeat: Repeat::default(),
            requests_file,
        }
    }

    /// Requests that were open still when the run and what it gives them to end were over: no answers, and as little good as
    /// failures. Of a run that was ended early nothing is said by those that it cut off.
    #[must_use]
    pub fn left_open(&self) -> u64 {
        left_open(&self.state, self.measures.as_ref())
    }

    /// Is all of it kept?
    ///
    /// # Errors
    /// What is not, and why.
    pub fn kept(&self) -> Result<(), Problem> {
        store::all_kept(&self.id, self.not_kept.as_ref())
    }

    /// Reads one.
    ///
    /// # Errors
    /// If it is none, or of a newer version.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let none = |why: String| Problem::new(Code::BadInput, "This is no run of Pilothouse.").why(why);
        let head: Head = serde_json::from_slice(bytes).map_err(|error| none(format!("{error}.")))?;
        if head.format != FORMAT {
            return Err(none("It calls itself something else.".into()));
        }
        if head.version != VERSION {
            return Err(none(format!("It is of version {}, and {VERSION} can be read.", head.version))
                .next("Read it with the Pilothouse that wrote it."));
        }
        serde_json::from_slice(bytes).map_err(|error| none(format!("{error}.")))
    }
}

impl Partly for Document {
    fn is_partly(&mut self, why: String) {
        store::add(&mut self.not_kept, why);
    }
}

/// Requests of a whole run that were open still when their time was over.
pub(crate) fn left_open(state: &State, measures: Option<&Measures>) -> u64 {
    measures.filter(|_| *state == State::Whole).map_or(0, |measures| measures.requests.unfinished)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{measures::measure, plan::tests::plan, spread::Recorder};

    #[test]
    fn a_run_reads_back_and_another_file_does_not() {
        let mut document =
            Document::begun("a".into(), plan(), Environment::default(), Stamp(1_000), "a.requests.jsonl".into());
        document.measures = Some(measure(&[], plan().warm_up, &plan().slo));
        document.client = Some(ClientLoad::new(Some(0.5), None, Recorder::default().spread("us")));
        document.state = State::Whole;
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(Document::read(text.as_bytes()).unwrap(), document);
        let newer = text.replacen("\"version\":1", "\"version\":2", 1);
        assert!(Document::read(newer.as_bytes()).unwrap_err().to_string().contains("version 2"));
        let other = text.replacen(FORMAT, "other", 1);
        for bad in ["", "{}", "[]", other.as_str()] {
            assert!(Document::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_kept_from_before_is_read() {
        let mut document = Document::begun("a".into(), plan(), Environment::default(), Stamp(1_000), String::new());
        document.client = Some(ClientLoad::new(Some(0.5), None, Recorder::default().spread("us")));
        let text = serde_json::to_string(&document).unwrap();
        for new in ["sending_s", "wall_s", "slept_s", "stepped_s", "not_kept"] {
            assert!(!text.contains(new), "{new}");
        }
        assert_eq!(Document::read(text.as_bytes()).unwrap().client.unwrap().of_core(), None);
    }

    #[test]
    fn only_what_a_whole_run_leaves_open_is_its_own() {
        let mut document = Document::begun("a".into(), plan(), Environment::default(), Stamp(1_000), String::new());
        let mut measures = measure(&[], plan().warm_up, &plan().slo);
        measures.requests.unfinished = 7;
        document.measures = Some(measures);
        for (state, want) in [(State::Whole, 7), (State::Interrupted, 0), (State::GaveUp, 0), (State::Running, 0)] {
            document.state = state;
            assert_eq!(document.left_open(), want, "{:?}", document.state);
        }
    }

    #[test]
    fn a_late_client_was_the_limit() {
        for (late, want) in [(900, false), (4_900, false), (6_000, true)] {
            let mut recorder = Recorder::default();
            (0..200).for_each(|n| recorder.add(if n % 50 == 0 { late } else { 100 }));
            assert_eq!(ClientLoad::new(None, None, recorder.spread("us")).saturated, want, "{late}");
        }
    }
}

//! A run as it is kept: one document of JSON that says what was run, where, and what came of it.

use crate::{
    beside::Beside,
    environment::Environment,
    measures::{DEFINITIONS, Measures},
    plan::Plan,
    server::Started,
    spread::Spread,
    workers::Workers,
};
use pilothouse_wire::{Code, Problem, Stamp};
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
    /// What was read beside the load; none where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
    /// The workers that sent it past this machine; none where it was sent from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<Workers>,
    /// The file of requests, beside this one; empty where workers sent them and no line of them came.
    pub requests_file: String,
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
    /// Seconds of processor time.
    pub processor_s: Option<f64>,
    /// The most memory at a time, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// How late a task of the client was woken that wants nothing else: times may be late by as much.
    pub lateness: Spread,
    /// Was the client the limit? Then latencies are no more than bounds from above.
    pub saturated: bool,
}

/// A client that is later than this once in a hundred times was the limit, in microseconds.
pub const SATURATED_US: u64 = 5_000;

impl ClientLoad {
    /// Of what was seen.
    #[must_use]
    pub fn new(processor_s: Option<f64>, peak_memory_bytes: Option<u64>, lateness: Spread) -> Self {
        let saturated = lateness.p99.or(lateness.max).is_some_and(|late| late > SATURATED_US);
        Self { processor_s, peak_memory_bytes, lateness, saturated }
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
            beside: None,
            workers: None,
            requests_file,
        }
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
    fn a_late_client_was_the_limit() {
        for (late, want) in [(900, false), (4_900, false), (6_000, true)] {
            let mut recorder = Recorder::default();
            (0..200).for_each(|n| recorder.add(if n % 50 == 0 { late } else { 100 }));
            assert_eq!(ClientLoad::new(None, None, recorder.spread("us")).saturated, want, "{late}");
        }
    }
}

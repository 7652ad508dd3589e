//! A run of workers as it is kept: the measures of all together, and beside them each worker, whether it told what it measured, where
//! it ran, and what is known of its clock.

use super::{
    clock::Clock,
    lines::Handed,
    merge::{merge, merged},
    order::Order,
};
use crate::{
    environment::Environment,
    measures::{Counts, Cut, Measures},
    result::{ClientLoad, Document, State},
    spread::MICROS,
};
use pilothouse_wire::Stamp;
use serde::{Deserialize, Serialize};

/// Where workers ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The connection to the cluster.
    pub cluster: String,
    /// The namespace.
    pub namespace: String,
    /// The Job.
    pub job: String,
    /// The image.
    pub image: String,
}

/// The workers of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workers {
    /// Where they ran.
    pub place: Place,
    /// When all were to begin, each by its own clock.
    pub begin: Stamp,
    /// How far clocks might be apart, in milliseconds.
    pub clocks_within_ms: i64,
    /// Each, in the order of their numbers.
    pub each: Vec<Worker>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worker {
    /// Its number, from 0.
    pub index: u32,
    /// Its pod; none where none was seen.
    pub pod: Option<String>,
    /// The node of that.
    pub node: Option<String>,
    /// What is known of its clock.
    pub clock: Clock,
    /// What came of it.
    pub came: Came,
    /// The machine that it says it ran on.
    pub environment: Option<Environment>,
    /// By how much later than all were to begin it did, in microseconds, by its own clock.
    pub later_us: Option<u64>,
    /// Its requests.
    pub requests: Option<Counts>,
    /// What it cut at its begin.
    pub warm_up: Option<Cut>,
    /// What it took.
    pub client: Option<ClientLoad>,
    /// How many of its requests stand beside the document, a line each; none where none came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Handed>,
}

/// What came of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Came {
    /// All that was planned was sent, and what it measured is counted.
    Whole,
    /// It ended early; what it measured is counted.
    Early(State),
    /// Nothing of what it measured is known: why.
    Lost(String),
}

impl Workers {
    /// Those of which nothing is known.
    pub fn lost(&self) -> impl Iterator<Item = (&Worker, &str)> {
        self.each.iter().filter_map(|worker| match &worker.came {
            Came::Lost(why) => Some((worker, why.as_str())),
            Came::Whole | Came::Early(_) => None,
        })
    }
}

/// What one worker handed over, or why it did not.
pub type HandedOver = Result<Box<Document>, String>;

/// What is known of one worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Its pod; none where none was seen.
    pub pod: Option<String>,
    /// The node of that.
    pub node: Option<String>,
    /// What is known of its clock.
    pub clock: Clock,
    /// What it measured.
    pub handed: HandedOver,
    /// How many lines of its requests came; none where none did.
    pub lines: Option<Handed>,
}

/// All of them as one document. `from` is as which the document begins: its name, and the clock and machine of who asked.
#[must_use]
pub fn document(from: Document, order: &Order, place: Place, begin: Stamp, each: Vec<Told>) -> Document {
    let told: Vec<(Worker, Option<Measures>)> =
        (0..).zip(each).map(|(index, told)| worker(index, told, begin)).collect();
    let parts: Vec<(u64, &Measures)> =
        told.iter().filter_map(|(worker, measures)| Some((worker.later_us?, measures.as_ref()?))).collect();
    let measures = merge(&parts, order.plan.warm_up);
    let each: Vec<Worker> = told.into_iter().map(|(worker, _)| worker).collect();
    let is = |came: &Came| each.iter().all(|worker| worker.came == *came);
    let state = if is(&Came::Whole) {
        State::Whole
    } else if is(&Came::Early(State::GaveUp)) {
        State::GaveUp
    } else {
        State::Interrupted
    };
    let client = client(&each);
    let workers = Workers { place, begin, clocks_within_ms: order.clocks_within_ms, each };
    Document { state, measures, client, workers: Some(workers), ..from }
}

fn worker(index: u32, told: Told, begin: Stamp) -> (Worker, Option<Measures>) {
    let Told { pod, node, clock, handed, lines } = told;
    let lost = |why: String| Worker {
        index,
        pod: pod.clone(),
        node: node.clone(),
        clock,
        came: Came::Lost(why),
        environment: None,
        later_us: None,
        requests: None,
        warm_up: None,
        client: None,
        lines: None,
    };
    match handed {
        Err(why) => (lost(why), None),
        Ok(document) => {
            let Document { measures, state, environment, began, client, .. } = *document;
            let Some(measures) = measures else { return (lost("it measured nothing".into()), None) };
            let later = u64::try_from(began.since(begin).as_micros()).unwrap_or(u64::MAX);
            let worker = Worker {
                came: if state == State::Whole { Came::Whole } else { Came::Early(state) },
                environment: Some(environment),
                later_us: Some(later),
                requests: Some(measures.requests),
                warm_up: Some(measures.warm_up),
                client,
                lines,
                ..lost(String::new())
            };
            (worker, Some(measures))
        }
    }
}

/// What all of them took: one that was late is enough for times to be no more than bounds.
fn client(each: &[Worker]) -> Option<ClientLoad> {
    let each: Vec<&ClientLoad> = each.iter().filter_map(|worker| worker.client.as_ref()).collect();
    (!each.is_empty()).then(|| ClientLoad {
        processor_s: each.iter().map(|client| client.processor_s).sum(),
        // Each has a thread of its own.
        sending_s: None,
        wall_s: each.iter().filter_map(|client| client.wall_s).reduce(f64::max),
        peak_memory_bytes: each.iter().filter_map(|client| client.peak_memory_bytes).max(),
        lateness: merged(each.iter().map(|client| &client.lateness), MICROS),
        saturated: each.iter().any(|client| client.saturated),
        slept_s: each.iter().filter_map(|client| client.slept_s).reduce(f64::max),
        stepped_s: each.iter().filter_map(|client| client.stepped_s).max_by(|a, b| a.abs().total_cmp(&b.abs())),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{shown, spread::Recorder, workers::order};

    /// A run of three workers: the second began a fifth of a second later, of the third nothing is known.
    pub fn kept() -> Document {
        let order = order::tests::order(3);
        let begin = Stamp(1_800_000_000_000);
        let own = |later_ms: i64| {
            let client = ClientLoad::new(Some(1.0), Some(1_000), Recorder::default().spread(MICROS));
            let (run, began) = (shown::tests::run(), Stamp(begin.0 + later_ms));
            Ok(Box::new(Document { began, client: Some(client), ..run }))
        };
        let clock = Clock { least_ms: Some(-600), most_ms: Some(90) };
        let wide = Clock { least_ms: Some(-2_300), ..clock };
        let told = |pod: &str, node: Option<&str>, clock, handed| Told {
            pod: Some(pod.into()),
            node: node.map(str::to_owned),
            clock,
            handed,
            lines: None,
        };
        let each = vec![
            Told { lines: Some(Handed { lines: 7, of: 9 }), ..told("bench-a-0-x", Some("node-1"), clock, own(0)) },
            told("bench-a-1-y", None, wide, own(200)),
            told("bench-a-2-z", Some("node-2"), clock, Err("exit code 137, OOMKilled".into())),
        ];
        let place = Place {
            cluster: "prod".into(),
            namespace: "bench".into(),
            job: "bench-a".into(),
            image: "pilothouse:1".into(),
        };
        document(shown::tests::run(), &order, place, begin, each)
    }

    #[test]
    fn what_two_told_is_one_run_and_the_third_is_said() {
        let (all, one) = (kept(), shown::tests::run().measures.unwrap());
        let measures = all.measures.as_ref().unwrap();
        assert_eq!(all.state, State::Interrupted);
        assert_eq!(measures.requests.answered, 2 * one.requests.answered);
        assert_eq!((measures.ttft.count, measures.ttft.p50), (2 * one.ttft.count, one.ttft.p50));
        // From the first begin to the last end, of which one was later.
        assert_eq!(measures.span_us, one.span_us + 200_000);
        assert!(measures.rates.requests_per_s < 2.0 * one.rates.requests_per_s);
        let workers = all.workers.as_ref().unwrap();
        let lost: Vec<_> = workers.lost().map(|(worker, why)| (worker.index, why)).collect();
        assert_eq!(lost, [(2, "exit code 137, OOMKilled")]);
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(Document::read(text.as_bytes()).unwrap(), all);
    }

    #[test]
    fn all_whole_is_whole_and_none_is_nothing() {
        let order = order::tests::order(2);
        let place = kept().workers.unwrap().place;
        let whole = shown::tests::run();
        let all = |handed: Vec<HandedOver>| {
            let told = |handed| Told { pod: None, node: None, clock: Clock::default(), handed, lines: None };
            let each = handed.into_iter().map(told).collect();
            document(shown::tests::run(), &order, place.clone(), Stamp(0), each)
        };
        assert_eq!(all(vec![Ok(Box::new(whole.clone())), Ok(Box::new(whole.clone()))]).state, State::Whole);
        let gave = Document { state: State::GaveUp, ..whole };
        assert_eq!(all(vec![Ok(Box::new(gave.clone())), Ok(Box::new(gave))]).state, State::GaveUp);
        let none = all(vec![Err("gone".into()), Err("gone".into())]);
        assert_eq!((none.state, none.measures, none.client), (State::Interrupted, None, None));
    }
}

//! The script of one cluster: what is there when somebody first looks, and what changes as time passes.

use crate::{fleet::Cluster, opening, stage::Listing, stage::Stage, telemetry::Telemetry};
use pilothouse_wire::{Code, Problem, Stamp};
use pilothouse_world::{Fact, fact::NodeFact, fact::PodFact};
use std::time::Duration;

/// A cluster of the demo fleet in play. Reads no clock: the same cluster, seed and times give the same facts.
#[derive(Clone, Debug)]
pub struct Script {
    stage: Stage,
    telemetry: Telemetry,
    start: Stamp,
    was_out: bool,
}

/// What came of the time that passed.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// These facts changed; none if nothing did.
    Changed(Vec<Fact>),
    /// The cluster answers nobody: what it is like is not known until it is back.
    Lost(Problem),
    /// It answers again: list it anew.
    Back,
}

impl Script {
    /// The script of a cluster that somebody first looks at now.
    #[must_use]
    pub fn new(cluster: Cluster, seed: u64, start: Stamp) -> Self {
        let stage = opening::open(cluster, seed, start);
        let telemetry = Telemetry::new(&stage);
        Self { stage, telemetry, start, was_out: false }
    }

    /// The same, with GPUs that are measured so often.
    #[must_use]
    pub fn measured_every(mut self, interval: Duration) -> Self {
        self.telemetry.set_interval(interval);
        self
    }

    /// When somebody first looked.
    #[must_use]
    pub fn start(&self) -> Stamp {
        self.start
    }

    /// All that there is as of the last step.
    #[must_use]
    pub fn listing(&self) -> Listing {
        self.stage.listing()
    }

    /// All that is measured of its GPUs as of the last step.
    pub fn telemetry(&mut self) -> Vec<Fact> {
        self.telemetry.anew(&mut self.stage)
    }

    /// What has to be said of its GPUs after the last step: who holds them if that changed, readings when
    /// they are due.
    pub fn due_telemetry(&mut self) -> Vec<Fact> {
        self.telemetry.due(&mut self.stage)
    }

    /// Lets time pass until so long after the start. Time does not run backwards: an earlier one changes nothing.
    pub fn advance(&mut self, elapsed: Duration) -> Step {
        self.stage.play(self.start.plus(elapsed));
        let out = self.stage.out_until.is_some_and(|until| self.stage.now < until);
        let was_out = std::mem::replace(&mut self.was_out, out);
        let changes = self.stage.take_changes();
        match (was_out, out) {
            (_, true) => Step::Lost(self.outage()),
            (true, false) => Step::Back,
            (false, false) => Step::Changed(changes),
        }
    }

    fn outage(&self) -> Problem {
        let left = self.stage.out_until.map_or(Duration::ZERO, |until| until.since(self.stage.now));
        Problem::new(Code::Refused, format!("{} refused the connection.", self.stage.cluster))
            .why("The demo fleet plays an outage; no server is involved.")
            .next(format!("It answers again in {} s.", left.as_secs().max(1)))
    }

    /// A node as it is now.
    pub(crate) fn node(&self, name: &str) -> Option<&NodeFact> {
        self.stage.nodes.get(name)
    }

    /// A pod as it is now. Of two of one name, the later one.
    /// The time up to which it was played.
    pub(crate) fn now(&self) -> Stamp {
        self.stage.now
    }

    pub(crate) fn pod(&self, namespace: &str, name: &str) -> Option<&PodFact> {
        self.pods().rfind(|pod| pod.namespace == namespace && pod.name == name)
    }

    /// All pods, the oldest first.
    pub(crate) fn pods(&self) -> impl DoubleEndedIterator<Item = &PodFact> {
        self.stage.players.values().map(|player| &player.fact)
    }

    /// Is there such a namespace?
    pub(crate) fn has_namespace(&self, name: &str) -> bool {
        self.stage.cast().namespaces.contains(&name)
    }
}

//! The world: every source with what it said, and the changes between.

use crate::{
    fact::Batch,
    fold, indexes, model, sorted,
    source::Source,
    sum,
    telemetry::{Latest, Telemetry},
    touched::Touched,
};
use pilothouse_wire::{
    ConnectionId, NodeId, ObjectRef, SmolStr, Stamp,
    view::{Mark, MarkKind, ribbon::MarkKey},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A GPU that is slowed again within this is slowed still.
const ONE_SLOWDOWN: Duration = Duration::from_secs(600);
/// What was seen to be written, and a write that its server tells of in whole seconds, are one within this.
const ONE_WRITE: Duration = Duration::from_secs(3);
/// The most marks that are kept: the oldest give way.
const MOST_MARKS: usize = 20_000;
/// So many at once.
const ROOM: usize = 1_000;

/// All that is known, live or as of a time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct World {
    #[serde(deserialize_with = "indexes::of_all")]
    pub(crate) sources: BTreeMap<ConnectionId, Source>,
    #[serde(deserialize_with = "sorted::map")]
    pub(crate) marks: BTreeMap<MarkKey, Mark>,
    pub(crate) marks_dropped: u64,
}

impl World {
    /// Folds a batch in and says what changed. Cannot fail: a fact that cannot be used is no change.
    pub fn apply(&mut self, batch: Batch) -> Touched {
        fold::apply(self, batch)
    }

    /// A source by its connection.
    #[must_use]
    pub fn source(&self, id: &ConnectionId) -> Option<&Source> {
        self.sources.get(id)
    }

    /// All sources.
    pub fn sources(&self) -> impl Iterator<Item = (&ConnectionId, &Source)> {
        self.sources.iter()
    }

    /// Takes back the newest readings of a source after a checkpoint, which does not keep them; `None` where nothing was
    /// measured yet.
    pub fn resume(&mut self, source: &ConnectionId, latest: Option<Latest>) {
        if let Some(source) = self.sources.get_mut(source) {
            source.telemetry.resume(latest.unwrap_or_default());
        }
    }

    /// Puts in what was measured last of a source over a stretch of which only traces were folded
    /// ([`crate::telemetry::TRACED`]). A GPU that was not measured there keeps what is known.
    pub fn amend(&mut self, source: &ConnectionId, latest: Latest) {
        if let Some(source) = self.sources.get_mut(source) {
            source.telemetry.amend(latest);
        }
    }

    /// Facts that could not be used or were not kept, over all sources.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        sum::total(std::iter::once(&self.marks_dropped).chain(self.sources.values().map(|source| &source.dropped)))
    }

    /// Every object that can be found by name: what it is, its name, and where it is.
    pub fn objects(&self) -> impl Iterator<Item = (ObjectRef, SmolStr, SmolStr)> {
        self.sources.iter().flat_map(|(id, source)| {
            let place = SmolStr::new(id.as_str());
            let own = (ObjectRef::Connection(id.clone()), source.about.name.clone(), source.about.kind.clone());
            let nodes = source.nodes.keys().map({
                let place = place.clone();
                move |name| {
                    let node = NodeId { cluster: id.clone(), name: name.clone() };
                    (ObjectRef::Node(node), name.clone(), place.clone())
                }
            });
            let workloads = source.workloads.keys().map({
                let place = place.clone();
                move |(kind, namespace, name)| {
                    let at = SmolStr::from(format!("{place} / {namespace}"));
                    (ObjectRef::Workload(id.clone(), namespace.clone(), kind.clone(), name.clone()), name.clone(), at)
                }
            });
            let pods = source.pods.keys().map(move |(namespace, name)| {
                let at = SmolStr::from(format!("{place} / {namespace}"));
                let pod =
                    pilothouse_wire::PodId { cluster: id.clone(), namespace: namespace.clone(), name: name.clone() };
                (ObjectRef::Pod(pod), name.clone(), at)
            });
            let models = source.models.keys().map({
                let place = SmolStr::new(id.as_str());
                move |name| (model::object(id, name), name.clone(), place.clone())
            });
            std::iter::once(own).chain(nodes).chain(workloads).chain(pods).chain(models)
        })
    }

    /// Does any source measure GPUs?
    pub(crate) fn has_telemetry(&self) -> bool {
        self.sources.values().any(|source| !source.telemetry.is_empty())
    }

    /// Who measures the GPUs of a node: the cluster itself, a source that is about this cluster, or one that does not
    /// say which cluster it is about, if no other cluster has a node of that name.
    pub(crate) fn measures(&self, cluster: &ConnectionId, node: &str) -> Option<(&ConnectionId, &Telemetry)> {
        let able = || {
            let all = self.sources.iter().map(|(id, source)| (id, &source.telemetry));
            all.filter(|(_, telemetry)| !telemetry.is_empty() && telemetry.of_node(node).next().is_some())
        };
        let own = able().find(|(id, _)| *id == cluster);
        let told = || able().find(|(_, telemetry)| telemetry.cluster.as_ref() == Some(cluster));
        let only = || {
            let clusters = self.sources.values().filter(|source| source.nodes.contains_key(node)).count();
            let silent = able().find(|(id, telemetry)| {
                telemetry.cluster.is_none() && self.sources.get(*id).is_some_and(|source| source.nodes.is_empty())
            });
            silent.filter(|_| clusters == 1)
        };
        own.or_else(told).or_else(only)
    }

    /// The cluster of a node that a source measures; the source itself where that cannot be told.
    pub(crate) fn cluster_measured_by(&self, source: &ConnectionId, node: &str) -> ConnectionId {
        let measured = |id: &&ConnectionId| self.measures(id, node).is_some_and(|(who, _)| who == source);
        let with_node = self.sources.iter().filter(|(_, source)| source.nodes.contains_key(node)).map(|(id, _)| id);
        with_node.into_iter().find(measured).unwrap_or(source).clone()
    }

    /// Does any source measure serving engines?
    pub(crate) fn has_serving(&self) -> bool {
        self.sources.values().any(|source| !source.serving.is_empty())
    }

    /// The nodes of all clusters that have one of these names.
    pub(crate) fn nodes_called(&self, names: &BTreeSet<SmolStr>) -> BTreeSet<NodeId> {
        let of = |id: &ConnectionId, name: &SmolStr| NodeId { cluster: id.clone(), name: name.clone() };
        let nodes = self.sources.iter().flat_map(|(id, source)| {
            names.iter().filter(|name| source.nodes.contains_key(*name)).map(move |name| of(id, name))
        });
        nodes.collect()
    }

    /// Puts a mark on the ribbon. What was seen as it happened is not told again in hindsight, and what was known early
    /// stays known since then.
    pub(crate) fn mark(&mut self, mut mark: Mark) {
        if let Some(known) = self.marks.get(&mark.key) {
            // A write says who, and a revision of the same second what: by whom is put in where it is shown.
            let is_write = |mark: &Mark| mark.key.kind == MarkKind::Config && mark.by.is_some();
            if mark.rebuilt && (!known.rebuilt || is_write(&mark) && !is_write(known)) {
                return;
            }
            mark.heard = mark.heard.min(known.heard);
        } else if mark.key.kind == MarkKind::Slowdown && self.was_marked_lately(&mark.key)
            || mark.rebuilt && self.is_told(&mark)
        {
            return;
        }
        self.marks.insert(mark.key.clone(), mark);
        if self.marks.len() > MOST_MARKS {
            self.drop_oldest_marks();
        }
    }

    /// Is there such a mark of the same object a little before? Near a limit a GPU is slowed now and then: that is one
    /// slow-down.
    fn was_marked_lately(&self, key: &MarkKey) -> bool {
        let since = key.at.minus(ONE_SLOWDOWN);
        let of_before = self.marks.iter().rev().skip_while(|(of, _)| of.at > key.at);
        of_before.take_while(|(of, _)| of.at >= since).any(|(of, _)| of.kind == key.kind && of.object == key.object)
    }

    /// Is the same told already? An earlier run saw it as it happened, to the millisecond; a server that is asked in hindsight
    /// knows it to the second, and of a GPU to the step of its answer.
    fn is_told(&self, mark: &Mark) -> bool {
        let key = &mark.key;
        let of_gpu = matches!(key.object, ObjectRef::Gpu(..));
        let near = if of_gpu { ONE_SLOWDOWN } else { ONE_WRITE };
        let first = MarkKey { at: key.at.minus(near), ..key.clone() };
        let mut near = self.marks.range(first..).take_while(|(of, _)| of.at <= key.at.plus(near));
        let is_same = |(of, other): (&MarkKey, &Mark)| {
            let says_it = match key.kind {
                MarkKind::Slowdown => of_gpu,
                // Who saw it knows more of it than who finds it.
                MarkKind::Cordon | MarkKind::Scale | MarkKind::Config => !other.rebuilt,
                _ => other.title == mark.title && (of_gpu || !other.rebuilt),
            };
            of.kind == key.kind && of.object == key.object && says_it
        };
        near.any(is_same)
    }

    /// Makes room for a while, since all marks have to be looked through. Pods come and go by thousands: they give way
    /// first; what a person wrote stays.
    fn drop_oldest_marks(&mut self) {
        let oldest = |test: fn(MarkKind) -> bool| -> Vec<MarkKey> {
            self.marks.keys().filter(|key| test(key.kind)).take(ROOM).cloned().collect()
        };
        let mut least = oldest(MarkKind::is_tick);
        if least.is_empty() {
            least = oldest(|kind| kind != MarkKind::Bookmark);
        }
        for key in &least {
            self.marks.remove(key);
        }
        self.marks_dropped = self.marks_dropped.saturating_add(least.len() as u64);
    }

    /// All marks that a later run should still have: persons' notes, and of the others the most important, the newest
    /// first. Pods that came and went have the room that is left.
    #[must_use]
    pub fn worth_recalling(&self, since: Stamp, most: usize) -> Vec<Mark> {
        let (mut notes, mut others): (Vec<&Mark>, Vec<&Mark>) =
            self.marks.values().partition(|mark| mark.key.kind == MarkKind::Bookmark);
        others.retain(|mark| mark.key.at >= since);
        others.sort_by_key(|mark| {
            let kind = mark.key.kind;
            // Of pods one that went matters as much as one that came.
            let importance = if kind.is_tick() { u8::MAX } else { kind.importance() };
            (importance, std::cmp::Reverse(mark.key.at))
        });
        notes.extend(others.into_iter().take(most));
        notes.into_iter().cloned().collect()
    }

    /// Marks since a time, newest first.
    pub(crate) fn marks_since(&self, since: Stamp) -> impl Iterator<Item = &Mark> {
        self.marks.values().rev().take_while(move |mark| mark.key.at >= since)
    }
}

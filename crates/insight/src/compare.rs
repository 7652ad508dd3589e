//! What differs between what is shown of two times: what came, went, or is not as it was. Measurements are left out: they
//! always differ, and what they mean is in the findings.

mod heard;
mod known;
mod told;

pub use heard::Heard;

use pilothouse_wire::{
    ConnectionId, Keyed, NodeId, ObjectRef, Row, SmolStr, Stamp,
    units::{self, count},
    view::{
        Change, Condition, DeliveryView, DifferKind, Difference, Differs, FieldChange, Finding, FleetView, GpuState,
        ModelsView, NodeRow, PodRow, Status, WorkloadRow,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What is compared of a time: views of one scope.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// The fleet, with its findings and its alerts.
    pub fleet: Arc<FleetView>,
    /// The services.
    pub delivery: DeliveryView,
    /// The registered models.
    pub models: ModelsView,
    /// All sources, those outside of the scope, too: they may tell of what is in it.
    pub sources: Vec<Heard>,
    /// As of when that is known: where the record does not tell of a time, before it.
    pub as_of: Stamp,
}

/// Compares two times of the same scope.
#[must_use]
pub fn compare(from: (&Shown, Stamp), to: (&Shown, Stamp)) -> Difference {
    let mut rows = Vec::new();
    fleet(from, to, &mut rows);
    let reading: BTreeSet<&ConnectionId> = from.0.delivery.reading.iter().chain(&to.0.delivery.reading).collect();
    pairs(&from.0.delivery.rows, &to.0.delivery.rows, |pair| {
        // What is not read yet has neither come nor gone.
        if pair.change() == Change::Changed || !reading.contains(pair.either().cluster()) {
            rows.extend(told::service(pair));
        }
    });
    pairs(&from.0.models.models, &to.0.models.models, |pair| rows.extend(told::model(pair)));
    let mut silent = BTreeSet::new();
    rows.retain(|row| {
        let is_told = heard::is_told(&from.0.sources, &to.0.sources, row);
        if !is_told && !silent.contains(row.object.connection()) {
            silent.insert(row.object.connection().clone());
        }
        is_told
    });
    rows.sort_by(|a, b| (a.kind, &a.object, &a.what).cmp(&(b.kind, &b.object, &b.what)));
    let left_out = services_left_out(&reading)
        .into_iter()
        .chain(heard::words(from, to, &silent))
        .chain(known::not_told_apart(from, to))
        .collect();
    let reading = reading.into_iter().cloned().collect();
    Difference { from: from.1, to: to.1, gaps: Vec::new(), reading, left_out, rows }
}

/// That services are left out, as a sentence; nothing where none need be.
fn services_left_out(reading: &BTreeSet<&ConnectionId>) -> Option<String> {
    let names: Vec<&str> = reading.iter().map(|id| id.as_str()).collect();
    (!names.is_empty()).then(|| {
        let names = names.join(", ");
        format!("Services of {names} were not read whole at one of the times: what came or went there is not told.")
    })
}

fn fleet(from: (&Shown, Stamp), to: (&Shown, Stamp), rows: &mut Vec<Differs>) {
    let (old, new) = (&*from.0.fleet, &*to.0.fleet);
    let then = [known::Then::of(from, to), known::Then::of(to, from)];
    pairs(&old.findings, &new.findings, |pair| rows.extend(finding(pair, &then)));
    pairs(&old.alerts, &new.alerts, |pair| rows.extend(told::alert(pair)));
    let images = (images(old), images(new));
    pairs(&old.workloads, &new.workloads, |pair| rows.extend(workload(pair, &images)));
    pairs(&old.nodes, &new.nodes, |pair| node(pair, rows));
    pairs(&old.pods, &new.pods, |pair| rows.extend(pod(pair)));
}

/// A row at both times.
enum Pair<'a, T> {
    Came(&'a T),
    Went(&'a T),
    Both(&'a T, &'a T),
}

impl<'a, T> Pair<'a, T> {
    fn ends(&self) -> (Option<&'a T>, Option<&'a T>) {
        match self {
            Self::Came(new) => (None, Some(new)),
            Self::Went(old) => (Some(old), None),
            Self::Both(old, new) => (Some(old), Some(new)),
        }
    }

    fn either(&self) -> &'a T {
        match self {
            Self::Came(row) | Self::Went(row) | Self::Both(_, row) => row,
        }
    }

    fn change(&self) -> Change {
        match self {
            Self::Came(_) => Change::Came,
            Self::Went(_) => Change::Went,
            Self::Both(..) => Change::Changed,
        }
    }
}

fn pairs<'a, T: Row + PartialEq>(old: &'a Keyed<T>, new: &'a Keyed<T>, mut take: impl FnMut(Pair<'a, T>)) {
    for row in old.rows() {
        match new.get(row.key()) {
            Some(newer) if newer != row => take(Pair::Both(row, newer)),
            Some(_) => {}
            None => take(Pair::Went(row)),
        }
    }
    new.rows().iter().filter(|row| old.get(row.key()).is_none()).for_each(|row| take(Pair::Came(row)));
}

/// The fields that differ.
#[derive(Default)]
struct Fields(Vec<FieldChange>);

impl Fields {
    fn put<'a, T, V: ToString>(
        &mut self,
        label: impl Into<SmolStr>,
        ends: (Option<&'a T>, Option<&'a T>),
        value: impl Fn(&'a T) -> Option<V>,
    ) {
        let text = |row: Option<&'a T>| row.and_then(&value).map(|value| value.to_string());
        let (from, to) = (text(ends.0), text(ends.1));
        if from != to {
            self.0.push(FieldChange { label: label.into(), from, to });
        }
    }
}

fn differs(kind: DifferKind, object: ObjectRef, change: Change, status: Status, fields: Fields) -> Option<Differs> {
    // What is there at both times and shows no difference is none: it was only told anew.
    let none = change == Change::Changed && fields.0.is_empty();
    (!none).then(|| Differs { kind, object, change, what: SmolStr::default(), fields: fields.0, status, why: None })
}

/// `then` are the two times: where a finding is there at one alone, the other one is asked whether it could have been found.
fn finding(pair: Pair<'_, Finding>, then: &[known::Then<'_>; 2]) -> Option<Differs> {
    let (ends, row) = (pair.ends(), pair.either());
    let why = match pair {
        Pair::Came(_) => then[0].cannot_tell(row),
        Pair::Went(_) => then[1].cannot_tell(row),
        Pair::Both(..) => None,
    };
    let change = if why.is_some() { Change::NotKnown } else { pair.change() };
    let mut fields = Fields::default();
    fields.put("claim", ends, |finding| Some(finding.claim.clone()));
    let found = differs(DifferKind::Finding, row.id.object.clone(), change, row.status, fields)?;
    Some(Differs { what: row.word.clone(), why, ..found })
}

type Images = BTreeMap<ObjectRef, BTreeSet<SmolStr>>;

/// The images that the pods of each workload have.
fn images(view: &FleetView) -> Images {
    let mut all = Images::new();
    for pod in view.pods.rows() {
        let own = || ObjectRef::Pod(pod.id.clone());
        let object = pod.workload_kind.clone().zip(pod.workload.clone()).map_or_else(own, |(kind, name)| {
            ObjectRef::Workload(pod.id.cluster.clone(), pod.id.namespace.clone(), kind, name)
        });
        all.entry(object).or_default().extend(pod.images.iter().cloned());
    }
    all
}

fn workload(pair: Pair<'_, WorkloadRow>, images: &(Images, Images)) -> Option<Differs> {
    let (ends, row) = (pair.ends(), pair.either());
    let mut fields = Fields::default();
    fields.put("status", ends, |row| Some(row.status_word.clone()));
    fields.put("pods", ends, |row| Some(row.pods));
    fields.put("ready", ends, |row| Some(row.ready));
    fields.put("pending", ends, |row| Some(row.pending));
    fields.put("GPUs", ends, |row| Some(units::gpus(row.gpus_held, row.shares_held)));
    let list = |images: &Images| {
        let images: Vec<&str> = images.get(&row.id)?.iter().map(SmolStr::as_str).collect();
        Some(images.join(", "))
    };
    let (from, to) = (ends.0.and_then(|_| list(&images.0)), ends.1.and_then(|_| list(&images.1)));
    if from != to {
        fields.0.push(FieldChange { label: SmolStr::new_static("images"), from, to });
    }
    differs(DifferKind::Workload, row.id.clone(), pair.change(), row.status, fields)
}

fn node(pair: Pair<'_, NodeRow>, rows: &mut Vec<Differs>) {
    let (ends, row) = (pair.ends(), pair.either());
    let mut fields = Fields::default();
    fields.put("status", ends, |row| Some(row.status_word.clone()));
    fields.put("cordoned", ends, |row| Some(if row.cordoned { "yes" } else { "no" }));
    fields.put("taints", ends, |row| (!row.taints.is_empty()).then(|| row.taints.join(", ")));
    fields.put("GPUs", ends, |row| Some(count(row.gpus.len() as u64)));
    fields.put("product", ends, |row| row.product.clone());
    fields.put("pool", ends, |row| row.pool.clone());
    fields.put("kubelet", ends, |row| row.kubelet.clone());
    let object = ObjectRef::Node(row.id.clone());
    rows.extend(differs(DifferKind::Node, object, pair.change(), row.status, fields));
    if let Pair::Both(old, new) = pair {
        conditions(old, new, rows);
        if known::are_told_apart(old) == known::are_told_apart(new) {
            gpus(old, new, rows);
        }
    }
}

fn conditions(old: &NodeRow, new: &NodeRow, rows: &mut Vec<Differs>) {
    let of = |row: &NodeRow, kind: &SmolStr| row.conditions.iter().find(|condition| condition.kind == *kind).cloned();
    let kinds: BTreeSet<&SmolStr> =
        old.conditions.iter().chain(&new.conditions).map(|condition| &condition.kind).collect();
    for kind in kinds {
        let (from, to) = (of(old, kind), of(new, kind));
        let change = match (&from, &to) {
            (None, _) => Change::Came,
            (_, None) => Change::Went,
            _ => Change::Changed,
        };
        let mut fields = Fields::default();
        fields.put("status", (from.as_ref(), to.as_ref()), |condition: &Condition| Some(condition.status.clone()));
        fields.put("reason", (from.as_ref(), to.as_ref()), |condition: &Condition| condition.reason.clone());
        let object = ObjectRef::Node(new.id.clone());
        rows.extend(
            differs(DifferKind::Condition, object, change, new.status, fields)
                .map(|row| Differs { what: kind.clone(), ..row }),
        );
    }
}

fn gpus(old: &NodeRow, new: &NodeRow, rows: &mut Vec<Differs>) {
    for slot in 0..old.gpus.len().max(new.gpus.len()) {
        let look = |row: &NodeRow| Some(Slot::of(row, slot)).filter(|_| slot < row.gpus.len());
        let (from, to) = (look(old), look(new));
        let change = match (&from, &to) {
            (None, _) => Change::Came,
            (_, None) => Change::Went,
            _ => Change::Changed,
        };
        let mut fields = Fields::default();
        fields.put("state", (from.as_ref(), to.as_ref()), |slot| Some(slot.state.word()));
        fields.put("holder", (from.as_ref(), to.as_ref()), |slot| slot.holder.clone());
        fields.put("device", (from.as_ref(), to.as_ref()), |slot| slot.device.clone());
        let status = match to.as_ref().map(|slot| slot.state) {
            Some(GpuState::Lost) | None => Status::Bad,
            Some(_) => Status::Unknown,
        };
        rows.extend(differs(DifferKind::Gpu, gpu(&new.id, slot), change, status, fields));
    }
}

fn gpu(node: &NodeId, slot: usize) -> ObjectRef {
    ObjectRef::Gpu(node.clone(), u16::try_from(slot).unwrap_or(u16::MAX))
}

/// What a slot of a node shows.
struct Slot {
    state: GpuState,
    holder: Option<String>,
    device: Option<SmolStr>,
}

impl Slot {
    fn of(row: &NodeRow, slot: usize) -> Self {
        let cell = row.gpus.get(slot);
        let holder = cell.and_then(|cell| cell.holder).and_then(|holder| row.holders.get(usize::from(holder)));
        Self {
            state: cell.map_or(GpuState::Free, |cell| cell.state),
            holder: holder.map(|pod| format!("{}/{}", pod.namespace, pod.name)),
            device: row.devices.get(slot).map(|device| device.uuid.clone()).filter(|uuid| !uuid.is_empty()),
        }
    }
}

fn pod(pair: Pair<'_, PodRow>) -> Option<Differs> {
    let (ends, row) = (pair.ends(), pair.either());
    let mut fields = Fields::default();
    fields.put("status", ends, |row| Some(row.status_word.clone()));
    fields.put("node", ends, |row| row.node.clone());
    fields.put("ready", ends, |row| Some(format!("{} of {}", row.ready, row.containers)));
    fields.put("restarts", ends, |row| Some(row.restarts));
    fields.put("images", ends, |row| (!row.images.is_empty()).then(|| row.images.join(", ")));
    fields.put("GPUs", ends, |row| Some(units::gpus(row.whole_gpus(), row.shares)));
    differs(DifferKind::Pod, ObjectRef::Pod(row.id.clone()), pair.change(), row.status, fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{NOW, Node, Pod, view};
    use pilothouse_wire::Metric;

    /// One line a difference: kind, sign, object, what, fields.
    #[track_caller]
    pub(super) fn told(old: &Shown, new: &Shown, want: &[&str]) {
        let difference = compare((old, Stamp(0)), (new, NOW));
        let line = |row: &Differs| {
            let fields: Vec<String> =
                row.fields.iter().map(|field| format!("{} {}", field.label, field.shown())).collect();
            let words = [row.kind.word(), row.change.sign(), &row.object.name(), &row.what, &fields.join(", ")];
            words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(difference.rows.iter().map(line).collect::<Vec<_>>(), want);
    }

    fn of(fleet: &FleetView) -> Shown {
        Shown { fleet: Arc::new(fleet.clone()), ..Shown::default() }
    }

    #[track_caller]
    fn check(old: &FleetView, new: &FleetView, want: &[&str]) {
        told(&of(old), &of(new), want);
    }

    fn fleet() -> FleetView {
        view([Node::called("a").gpus(2).held(0..1, "chat"), Node::called("b").gpus(1)], [Pod::called("chat").on("a")])
    }

    #[test]
    fn two_equal_times_differ_in_nothing_and_neither_do_measurements_alone() {
        check(&fleet(), &fleet(), &[]);
        let hot = view(
            [Node::called("a").gpus(2).held(0..1, "chat").reads(0, Metric::ALL[0], 0.7), Node::called("b").gpus(1)],
            [Pod::called("chat").on("a")],
        );
        check(&fleet(), &hot, &[]);
    }

    #[test]
    fn what_came_went_and_changed_is_told_by_kind() {
        let later = view(
            [Node::called("a").gpus(2).cordoned().condition("MemoryPressure", "True"), Node::called("c").gpus(1)],
            [],
        );
        check(
            &fleet(),
            &later,
            &[
                "node ~ a cordoned no → yes",
                "node − b status Ready → —, cordoned no → —, GPUs 1 → —, product H100 → —",
                "node + c status — → Ready, cordoned — → no, GPUs — → 1, product — → H100",
                "condition + a MemoryPressure status — → True",
                "gpu ~ a / 0 state held → free, holder n/chat → —",
                "pod − chat status Running → —, node a → —, ready 1 of 1 → —, restarts 0 → —, GPUs 0 → —",
            ],
        );
    }

    #[test]
    fn the_other_way_round_what_came_is_what_went() {
        let (old, new) = (of(&fleet()), of(&view([Node::called("a").gpus(2)], [])));
        let [there, back] = [compare((&old, Stamp(0)), (&new, NOW)), compare((&new, NOW), (&old, Stamp(0)))];
        let turned = |change| match change {
            Change::Came => Change::Went,
            Change::Went => Change::Came,
            other => other,
        };
        let [there, back] = [there, back].map(|difference| difference.rows);
        assert_eq!(there.len(), back.len());
        for (a, b) in there.iter().zip(&back) {
            assert_eq!((a.kind, &a.object, a.change), (b.kind, &b.object, turned(b.change)));
            let flipped: Vec<_> = b.fields.iter().map(|f| (&f.label, &f.to, &f.from)).collect();
            assert_eq!(a.fields.iter().map(|f| (&f.label, &f.from, &f.to)).collect::<Vec<_>>(), flipped);
        }
    }
}

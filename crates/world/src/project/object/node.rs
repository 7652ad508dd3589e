//! A node, or one GPU slot of it, in the inspector.

use super::{Part, field, link, mono, pod_ref};
use crate::{World, fact::NodeFact, project::fleet::node_row, source::Source};
use pilothouse_wire::{
    NodeId, ObjectRef, PodId, SmolStr, Sum, units,
    view::{FieldRow, FindingRow, GpuCell, GpuState, NodeRow, Status},
};

/// GPUs of a node that are named beside one of it.
const MOST_BESIDE: usize = 15;

pub(super) fn part(world: &World, source: &Source, id: &NodeId, slot: Option<u16>) -> Option<Part> {
    let node = source.nodes.get(&id.name)?;
    let row = node_row(world, &id.cluster, source, node);
    let cell = match slot {
        Some(slot) => Some(*row.gpus.get(usize::from(slot))?),
        None => None,
    };
    let (status, status_word) = match cell.map(|cell| cell.state) {
        None => (row.status, row.status_word.clone()),
        Some(GpuState::Lost) => (Status::Bad, SmolStr::new_static("Lost")),
        Some(GpuState::Withheld) => (Status::Warn, SmolStr::new_static("Withheld")),
        Some(GpuState::Unknown) => (Status::Unknown, SmolStr::new_static("Not known")),
        Some(state) => (Status::Good, capital(state.word())),
    };
    Some(Part {
        status,
        status_word,
        identity: identity(&node.fact, &row, id, slot).into_iter().chain(of_host(source, &row, slot)).collect(),
        findings: findings(&node.fact, &row),
        holding: holding(&row, slot),
        regarding: Some((SmolStr::new_static("Node"), Some(SmolStr::new_static("default")), id.name.clone())),
        around: row
            .holders
            .iter()
            .chain(&row.nameless)
            .map(pod_ref)
            .chain(slot.map(|_| ObjectRef::Node(id.clone())))
            .collect(),
    })
}

fn capital(word: &str) -> SmolStr {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn identity(fact: &NodeFact, row: &NodeRow, id: &NodeId, slot: Option<u16>) -> Vec<FieldRow> {
    let text = |text: &Option<SmolStr>| text.as_ref().map(ToString::to_string);
    let device = slot.and_then(|slot| row.devices.get(usize::from(slot))).filter(|device| !device.uuid.is_empty());
    let product = device.and_then(|device| device.product.clone()).or_else(|| row.product.clone());
    let mut fields = vec![field("Product", text(&product))];
    if slot.is_some() {
        fields.push(link("Node", ObjectRef::Node(id.clone())));
    }
    if let Some(device) = device {
        fields.extend([mono("UUID", Some(device.uuid.to_string())), mono("PCI", text(&device.pci))]);
        fields.extend(device.parts.iter().map(|part| field("Part", Some(part.to_string()))));
    }
    let driver = device.and_then(|device| device.driver.clone());
    let driver = driver.or_else(|| fact.label("nvidia.com/cuda.driver-version.full").cloned());
    let resources = row.resources.iter().map(|resource| {
        let cut =
            if resource.replicas > 1 { format!(", {} shares a device", resource.replicas) } else { String::new() };
        let asked = units::sum(Sum::of(resource.requested, row.holders_known));
        format!("{} {asked} of {}{cut}", resource.key, resource.allocatable)
    });
    let resources: Vec<String> = resources.collect();
    let memory = row.gpu_memory_mib.map(|mib| format!("{mib} MiB"));
    fields.extend([field("Cluster", Some(id.cluster.to_string())), field("Pool", text(&row.pool))]);
    if slot.is_some() {
        // What is true of the whole node is told there.
        fields.extend([field("GPU memory", memory), field("Driver", text(&driver))]);
        return fields;
    }
    fields.extend([
        field("Zone", text(&row.zone)),
        field("Instance", text(&row.instance_type)),
        field("GPU memory", memory),
        field("Asked for", (!resources.is_empty()).then(|| resources.join("; "))),
        field("Taints", (!row.taints.is_empty()).then(|| row.taints.join(", "))),
        field("Driver", text(&driver)),
        field("Kubelet", text(&row.kubelet)),
        mono("Uid", Some(fact.uid.to_string())),
    ]);
    fields.extend(row.quarantine.iter().map(|why| field("Quarantined by NVSentinel", Some(why.to_string()))));
    fields
}

/// What the machine itself tells, where it does: of a GPU what uses it.
fn of_host(source: &Source, row: &NodeRow, slot: Option<u16>) -> Vec<FieldRow> {
    let Some(host) = source.host.as_ref().filter(|host| host.node == row.id.name) else { return Vec::new() };
    let uuid = slot.and_then(|slot| row.devices.get(usize::from(slot))).map(|device| &device.uuid);
    let own = |of: &&(SmolStr, u32)| slot.is_none() || uuid == Some(&of.0);
    let told: Vec<u32> = host.processes.iter().filter(own).map(|(_, processes)| *processes).collect();
    let processes = told.iter().fold(0_u64, |sum, processes| sum.saturating_add(u64::from(*processes)));
    let processes = field("Uses by processes", (!told.is_empty()).then(|| units::count(processes)));
    if slot.is_some() {
        return vec![processes];
    }
    let text = |text: &Option<SmolStr>| text.as_ref().map(ToString::to_string);
    vec![
        field("Cores", Some(units::count(host.cores.into()))),
        field("Memory", Some(units::bytes(host.memory_bytes))),
        field("Processor", text(&host.processor)),
        field("System", text(&host.system)),
        processes,
    ]
}

/// The other GPUs of the node, with who has each: so many as a machine may have.
pub(super) fn beside(world: &World, source: &Source, id: &NodeId, own: u16) -> Vec<FieldRow> {
    let Some(node) = source.nodes.get(&id.name) else { return Vec::new() };
    let row = node_row(world, &id.cluster, source, node);
    let others = (0_u16..).zip(&row.gpus).filter(|(slot, _)| *slot != own).take(MOST_BESIDE);
    let of = |(slot, cell): (u16, &GpuCell)| {
        let holder = cell.holder.and_then(|at| row.holders.get(usize::from(at)));
        let more = if cell.sharers > 1 { format!(" +{}", cell.sharers - 1) } else { String::new() };
        let holder = holder.map(|pod| format!(" by {}{more}", pod.name)).unwrap_or_default();
        let gpu = ObjectRef::Gpu(id.clone(), slot);
        let label = format!("GPU {slot}").into();
        FieldRow { label, value: Some(format!("{}{holder}", cell.state.word())), ..link("", gpu) }
    };
    others.map(of).collect()
}

fn findings(fact: &NodeFact, row: &NodeRow) -> Vec<FindingRow> {
    let mut findings = Vec::new();
    if fact.cordoned {
        findings.push(FindingRow {
            status: Status::Warn,
            claim: "The node is cordoned".into(),
            since: None,
            effect: match row.gpus_free().exact() {
                Some(free) => format!("Pods go on; {} free GPUs can be had by nobody.", units::count(free)),
                None => "Pods go on; no new pod gets a GPU of it.".into(),
            },
            evidence: "spec.unschedulable is true.".into(),
            // Who has quarantined it opens it.
            command: row.quarantine.is_none().then(|| format!("kubectl uncordon {}", row.id.name)),
        });
    }
    findings
}

/// Who holds the node's GPUs, or the one slot, alone or with others; with the method that says so.
fn holding(row: &NodeRow, slot: Option<u16>) -> Vec<FieldRow> {
    let slot = slot.map(usize::from);
    let cell = slot.and_then(|slot| row.gpus.get(slot)).copied();
    let mut fields: Vec<FieldRow> = Vec::new();
    for pod in row.holders.iter().filter(|pod| slot.is_none_or(|slot| row.is_held_by(slot, pod))) {
        let held =
            row.gpus.iter().enumerate().filter(|(slot, _)| row.is_held_by(*slot, pod)).map(|(_, cell)| cell.state);
        let (shared, whole): (Vec<_>, Vec<_>) = held.partition(|state| *state == GpuState::Shared);
        let of = |n: usize, what: &str| match n {
            0 => None,
            1 => Some(format!("{what}1 GPU")),
            n => Some(format!("{what}{n} GPUs")),
        };
        let of = [of(whole.len(), ""), of(shared.len(), "a share of ")].into_iter().flatten().collect::<Vec<_>>();
        let of = if of.is_empty() { "0 GPUs".to_owned() } else { of.join(" and ") };
        let pod = pod_ref(pod);
        fields.push(FieldRow { value: Some(format!("{}, {of}", pod.name())), ..link("Pod", pod) });
    }
    if cell.is_none() {
        let told = |pod: &PodId| Some(format!("{}, nobody says of which GPUs", pod.name));
        fields.extend(row.nameless.iter().map(|pod| FieldRow { value: told(pod), ..link("Pod", pod_ref(pod)) }));
    }
    match cell {
        None if fields.is_empty() => {}
        None => fields.push(field("How sure", Some("exact: sums of requests".into()))),
        Some(cell) if cell.sharers > 1 => {
            fields.push(field("How sure", Some(format!("shared by {}, no split claimed", cell.sharers))));
        }
        Some(cell) if matches!(cell.state, GpuState::Held | GpuState::Shared) => {
            fields.push(field("How sure", Some(cell.method.words().into())));
        }
        Some(_) => {}
    }
    fields
}

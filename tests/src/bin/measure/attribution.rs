//! Who holds which GPU, as it is shown, beside who really does: a generated fleet whose truth is known, with exporters
//! that tell it, tell nothing, or tell what is no longer so.
//!
//! `wrong` counts GPUs of which something is shown that is not so:
//! - a holder, while another pod or nobody holds it alone;
//! - "shared", while one pod has the whole of it;
//! - "free", while pods hold it. What is shown by count says how many GPUs of a node are free and not which: it is
//!   wrong by as many as it is more than there are.
//!
//! `unattributed_ratio` is the share of the GPUs held by one pod alone of which no holder is shown. `free_by_count` counts
//! GPUs that are held and shown as free, with as many of their node that are free shown as held instead: nobody says
//! which.

mod fleet;

use std::collections::BTreeMap;

use acceptance::{Failure, Result};
use fleet::{Generated, Truth};
use pilothouse_wire::view::{FleetSpec, FleetView, GpuState, Method};
use pilothouse_wire::{ConnectionId, NodeId};
use pilothouse_world::fact::{DevicesFact, Kind, ReadingsFact};
use pilothouse_world::project::FleetProjection;
use pilothouse_world::{Fact, World};

use crate::made::{self, START};
use crate::report::{Figure, Report, say};

/// Fleets, each of another seed.
const SEEDS: [u64; 4] = [1, 2, 3, 4];
const NODES: usize = 500;

/// Measures it.
pub fn measure(report: &mut Report) -> Result<()> {
    let mut all = Judged::default();
    for seed in SEEDS {
        let fleet = Generated::new(seed, NODES);
        all.judge(&shown(&fleet), &fleet)?;
    }
    all.tell();
    report.add(Figure::new("attribution.wrong", all.wrong() as f64, "").at_most(0.0).beside(
        "GPUs",
        all.gpus as f64,
        "",
    ));
    let ratio = all.nameless as f64 / all.alone.max(1) as f64;
    report.add(Figure::new("attribution.unattributed_ratio", ratio, "").beside("held alone", all.alone as f64, "GPUs"));
    report.add(Figure::new("attribution.free_by_count", all.misplaced as f64, ""));
    Ok(())
}

/// The fleet as it is shown: the cluster's lists first, then the exporters, then a measurement, each a change of the view.
fn shown(fleet: &Generated) -> FleetView {
    let (cluster, measures) = (&fleet.cluster, ConnectionId::slug("exporters"));
    let devices = DevicesFact {
        list: 1,
        cluster: Some(cluster.clone()),
        interval_ms: 15_000,
        devices: fleet.devices.clone(),
        missing: Vec::new(),
    };
    let readings = ReadingsFact { list: 1, at: vec![Some(START); fleet.devices.len()], columns: Vec::new() };
    let mut world = World::default();
    let mut projection = FleetProjection::new(&world, FleetSpec::default());
    for batch in [
        made::listing(cluster, Kind::Node, fleet.node_facts()),
        made::listing(cluster, Kind::Pod, fleet.pod_facts()),
        made::listing(cluster, Kind::ResourceSlice, fleet.published.clone()),
        made::listing(cluster, Kind::ResourceClaim, fleet.claims.clone()),
        made::news(&measures, START, vec![Fact::Devices(Box::new(devices))]),
        made::news(&measures, START, vec![Fact::Readings(Box::new(readings))]),
    ] {
        let touched = world.apply(batch);
        projection.update(&world, &touched);
    }
    projection.into_view()
}

/// How many GPUs are shown in which way, and how many of these wrongly.
#[derive(Default)]
struct Judged {
    gpus: usize,
    alone: usize,
    nameless: usize,
    misplaced: usize,
    wrong_owner: usize,
    wrongly_shared: usize,
    wrongly_free: usize,
    methods: BTreeMap<(Method, &'static str), usize>,
    examples: Vec<String>,
}

impl Judged {
    fn wrong(&self) -> usize {
        self.wrong_owner + self.wrongly_shared + self.wrongly_free
    }

    fn judge(&mut self, view: &FleetView, fleet: &Generated) -> Result<()> {
        // Free GPUs of a node: shown, and in truth; and those shown that are not.
        let mut free: BTreeMap<&NodeId, [usize; 3]> = BTreeMap::new();
        let mut judged = 0;
        for gpu in view.gpus() {
            let Some(truth) = gpu.device().and_then(|device| fleet.truth.get(&device.uuid)) else { continue };
            let (cell, holder) = (gpu.cell(), gpu.holder());
            judged += 1;
            *self.methods.entry((cell.method, cell.state.word())).or_default() += 1;
            let is_alone = matches!(truth, Truth::Alone(_));
            self.alone += usize::from(is_alone);
            self.nameless += usize::from(is_alone && holder.is_none());
            let holds = |truth: &Truth| matches!((truth, holder), (Truth::Alone(pod), Some(shown)) if pod == shown);
            let count = free.entry(&gpu.node.id).or_default();
            count[1] += usize::from(*truth == Truth::Free);
            match cell.state {
                GpuState::Held if holder.is_some() && !holds(truth) => {
                    self.wrong_owner += 1;
                    self.example(&format!("{:?} shown on {}, truth {truth:?}", holder, gpu.node.id.name));
                }
                GpuState::Shared if is_alone && cell.method == Method::Shared => {
                    self.wrongly_shared += 1;
                    self.example(&format!("shared on {}, truth {truth:?}", gpu.node.id.name));
                }
                GpuState::Free => {
                    count[0] += 1;
                    count[2] += usize::from(*truth != Truth::Free);
                }
                _ => {}
            }
        }
        for (node, [shown, true_ones, mistaken]) in free {
            let more = shown.saturating_sub(true_ones);
            self.wrongly_free += more;
            self.misplaced += mistaken.saturating_sub(more);
            if more > 0 {
                self.example(&format!("{shown} free on {}, in truth {true_ones}", node.name));
            }
        }
        self.gpus += judged;
        match judged == fleet.truth.len() {
            true => Ok(()),
            false => Err(Failure::new(format!("{judged} GPUs of {} are shown", fleet.truth.len()))),
        }
    }

    fn example(&mut self, text: &str) {
        if self.examples.len() < 5 {
            self.examples.push(text.to_owned());
        }
    }

    /// The table of methods, for people.
    fn tell(&self) {
        say(&format!("attribution: {} GPUs, {} of them held by one pod alone.", self.gpus, self.alone));
        for ((method, state), count) in &self.methods {
            say(&format!("  {count:>6}  {state:<10} {}", method.words()));
        }
        say(&format!(
            "  wrong: {} holders, {} as shared, {} as free",
            self.wrong_owner, self.wrongly_shared, self.wrongly_free
        ));
        self.examples.iter().for_each(|example| say(&format!("  such as: {example}")));
    }
}

//! What is measured of the demo fleet: it follows the pods and tells the same story as the events.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what is not there fails the test")]

use pilothouse_connect_demo::{Cluster, Script, Step};
use pilothouse_wire::{
    ConnectionId, Metric, Reading, ServingEngine, ServingMetric, SmolStr, Stamp,
    metric::Unit,
    view::{FleetSpec, FleetView, GpuCell, GpuState, Method},
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{Covers, DeviceFact, DevicesFact, Kind, PodFact, ReadingsFact, ServingFact},
    project::FleetProjection,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// 2026-11-24T03:12:44Z.
const START: Stamp = Stamp(1_795_489_964_000);

/// A cluster in play, and what was last said of its GPUs.
struct Play {
    script: Script,
    second: u64,
    devices: DevicesFact,
    readings: ReadingsFact,
    serving: ServingFact,
    lists: usize,
}

impl Play {
    fn new(cluster: Cluster, seed: u64) -> Self {
        let mut script = Script::new(cluster, seed, START);
        let said = script.telemetry();
        let (devices, readings) = (DevicesFact::default(), ReadingsFact::default());
        let mut play = Self { script, second: 0, devices, readings, serving: ServingFact::default(), lists: 0 };
        play.hear(said);
        play
    }

    fn hear(&mut self, said: Vec<Fact>) {
        for fact in said {
            match fact {
                Fact::Devices(devices) => {
                    self.devices = *devices;
                    self.lists += 1;
                }
                Fact::Readings(readings) => self.readings = *readings,
                Fact::Serving(serving) => self.serving = *serving,
                other => panic!("{other:?} is not telemetry"),
            }
        }
        assert_eq!(self.readings.list, self.devices.list, "at {} s", self.second);
    }

    /// Goes on until this second, one at a time, and measures then.
    fn until(&mut self, second: u64) -> &mut Self {
        while self.second < second {
            self.second += 1;
            if let Step::Changed(_) = self.script.advance(Duration::from_secs(self.second)) {
                let mut said = self.script.due_telemetry();
                // Readings follow the newest list.
                let has = |is: fn(&Fact) -> bool| said.iter().any(is);
                if has(|fact| matches!(fact, Fact::Devices(_))) && !has(|fact| matches!(fact, Fact::Readings(_))) {
                    said = self.script.telemetry();
                }
                self.hear(said);
            }
        }
        let said = self.script.telemetry();
        self.hear(said);
        self
    }

    fn read(&self, at: usize, metric: Metric) -> Reading {
        self.readings.columns.iter().find(|(own, _)| *own == metric).unwrap().1[at]
    }

    /// The GPUs that somebody holds, or that a node has, with their places.
    fn gpus(&self, which: impl Fn(&DeviceFact) -> bool) -> Vec<usize> {
        let all = self.devices.devices.iter().enumerate();
        all.filter(|(_, device)| which(device)).map(|(at, _)| at).collect()
    }

    fn of_node(&self, node: &str) -> Vec<usize> {
        self.gpus(|device| device.node.as_deref() == Some(node))
    }

    fn of_pods(&self, name: &str) -> Vec<usize> {
        self.gpus(|device| device.claims.iter().any(|claim| claim.pod.starts_with(name)))
    }

    fn mean(&self, gpus: &[usize], metric: Metric) -> f32 {
        let values: Vec<f32> = gpus.iter().filter_map(|at| self.read(*at, metric).finite()).collect();
        assert!(!values.is_empty(), "nobody measures {} there", metric.label());
        values.iter().sum::<f32>() / values.len() as f32
    }

    fn pods(&self) -> BTreeMap<(SmolStr, SmolStr), PodFact> {
        let listing = self.script.listing();
        let pods = listing.pods.iter().filter_map(Fact::pod);
        pods.map(|pod| ((pod.namespace.clone(), pod.name.clone()), pod.clone())).collect()
    }
}

/// All values are such as a GPU can have.
fn check_ranges(play: &Play) {
    let devices = &play.devices.devices;
    for (metric, column) in &play.readings.columns {
        assert_eq!(column.len(), devices.len());
        for (at, reading) in column.iter().enumerate() {
            let Some(value) = reading.measured() else { continue };
            let ok = match metric.unit() {
                Unit::Ratio => (0.0..=1.0).contains(&value),
                Unit::Bytes => (0.0..200e9).contains(&value),
                Unit::BytesPerSecond => (0.0..1_800e9).contains(&value),
                Unit::Watts => (60.0..=1_000.0).contains(&value),
                Unit::Celsius => (25.0..105.0).contains(&value),
                Unit::Megahertz => (300.0..2_100.0).contains(&value),
                Unit::Count | Unit::Code | Unit::Flag | Unit::Reasons => value >= 0.0 && value.fract() == 0.0,
                Unit::Seconds | Unit::PerSecond => panic!("{} is of no GPU", metric.label()),
            };
            assert!(ok, "{} s: {} of {:?} is {value}", play.second, metric.label(), devices[at]);
        }
    }
    for (at, device) in devices.iter().enumerate() {
        let [used, total] = [Metric::MemoryUsed, Metric::MemoryTotal].map(|metric| play.read(at, metric).finite());
        assert!(used <= total, "{device:?}");
    }
}

#[test]
fn gpus_are_measured_as_often_as_somebody_chose() {
    let measured = |mut script: Script| {
        let facts = (1..=10).flat_map(|second| {
            script.advance(Duration::from_secs(second));
            script.due_telemetry()
        });
        facts.filter(|fact| matches!(fact, Fact::Readings(_))).count()
    };
    let script = || Script::new(Cluster::FraTrain, 4_096, START);
    assert_eq!(measured(script()), 2);
    assert_eq!(measured(script().measured_every(Duration::from_secs(1))), 10);
}

#[test]
fn the_same_seed_and_time_measure_the_same() {
    for cluster in Cluster::ALL {
        let at = |seed, steps: &[u64]| {
            let mut script = Script::new(cluster, seed, START);
            for second in steps {
                script.advance(Duration::from_secs(*second));
            }
            script.telemetry()
        };
        assert_eq!(at(7, &[100, 200]), at(7, &[200]));
        assert_ne!(at(7, &[200]), at(8, &[200]));
    }
}

#[test]
fn a_claim_is_of_a_pod_on_that_node_and_all_that_a_pod_asks_for_is_claimed() {
    for cluster in Cluster::ALL {
        let mut play = Play::new(cluster, 4_096);
        for second in [0, 100, 260, 420, 640] {
            play.until(second);
            let pods = play.pods();
            let mut held: BTreeMap<(SmolStr, SmolStr), usize> = BTreeMap::new();
            for device in &play.devices.devices {
                assert!(device.claims.len() <= 1);
                for claim in &device.claims {
                    let key = (claim.namespace.clone(), claim.pod.clone());
                    let pod = pods.get(&key).unwrap_or_else(|| panic!("{claim:?} is of nobody"));
                    assert!(pod.holds() && pod.node == device.node, "{second} s: {device:?} but {pod:?}");
                    *held.entry(key).or_default() += 1;
                }
            }
            for (key, n) in &held {
                let asked: u64 = pods[key].gpus.iter().map(|(_, n)| n).sum();
                assert_eq!(*n as u64, asked, "{key:?}");
            }
            let all = pods.values().filter(|pod| pod.holds() && !pod.gpus.is_empty()).count();
            // A few exporters name no pods.
            assert!(held.len() < all && held.len() * 100 > all * 90, "{} of {all} pods are named", held.len());
        }
    }
}

#[test]
fn a_pod_keeps_its_gpus_while_it_lives() {
    let mut play = Play::new(Cluster::IadProd, 4_096);
    let uuids = |play: &Play| {
        let mut by_pod: BTreeMap<SmolStr, (Option<SmolStr>, BTreeSet<SmolStr>)> = BTreeMap::new();
        let pods = play.pods();
        for device in &play.devices.devices {
            for claim in &device.claims {
                let uid = pods[&(claim.namespace.clone(), claim.pod.clone())].uid.clone();
                by_pod.entry(uid).or_default().1.insert(device.uuid.clone());
            }
        }
        by_pod
    };
    let before = uuids(&play);
    let after = uuids(play.until(300));
    let stayed: Vec<_> = before.iter().filter_map(|(uid, gpus)| Some((gpus, after.get(uid)?))).collect();
    assert!(stayed.len() > 200 && stayed.len() < before.len());
    assert!(stayed.iter().all(|(before, after)| before == after));
}

#[test]
fn a_list_is_said_only_when_gpus_change_hands_and_readings_every_five_seconds() {
    let mut script = Script::new(Cluster::FraTrain, 4_096, START);
    script.telemetry();
    let (mut lists, mut measured) = (0, Vec::new());
    for second in 1..=60 {
        script.advance(Duration::from_secs(second));
        for fact in script.due_telemetry() {
            match fact {
                Fact::Devices(devices) => {
                    assert_eq!((devices.devices.len(), devices.interval_ms), (768, 5_000));
                    lists += 1;
                }
                Fact::Readings(readings) => {
                    assert!(readings.at.iter().flatten().all(|at| *at == START.plus(Duration::from_secs(second))));
                    measured.push(second);
                }
                other => panic!("{other:?} of a cluster that trains"),
            }
        }
    }
    assert_eq!(measured, (1..=12).map(|n| n * 5).collect::<Vec<u64>>());
    assert!((1..30).contains(&lists), "{lists} lists in a minute");
    assert!(script.due_telemetry().is_empty());
}

#[test]
fn free_gpus_rest_and_held_ones_do_what_their_pods_do() {
    let mut iad = Play::new(Cluster::IadProd, 4_096);
    iad.until(50);
    let free = iad.of_node("h100-244");
    assert!(iad.mean(&free, Metric::Utilisation) == 0.0 && iad.mean(&free, Metric::Power) < 80.0);
    assert!(iad.mean(&free, Metric::Temperature) < 34.0);
    let serving = iad.of_pods("chat-70b-");
    assert!((0.4..0.95).contains(&iad.mean(&serving, Metric::Utilisation)));
    assert!((0.2..0.5).contains(&iad.mean(&serving, Metric::TensorActive)));
    assert!(iad.mean(&serving, Metric::MemoryUsed) > 0.75 * iad.mean(&serving, Metric::MemoryTotal));
    let notebooks = iad.of_pods("notebook-");
    assert!(notebooks.len() > 20 && notebooks.iter().all(|at| iad.read(*at, Metric::Utilisation) == Reading::of(0.0)));
    assert!(iad.mean(&notebooks, Metric::MemoryUsed) > 2e9);
    let fra = Play::new(Cluster::FraTrain, 4_096);
    let training = fra.of_pods("pretrain-12-");
    assert!(training.len() > 450);
    for at in training {
        let (util, tensor) = (fra.read(at, Metric::Utilisation), fra.read(at, Metric::TensorActive));
        assert!(util.finite() >= Some(0.94), "{util:?}");
        assert!(
            tensor.is_absent() || tensor.finite().is_some_and(|tensor| (0.48..0.67).contains(&tensor)),
            "{tensor:?}"
        );
    }
    for play in [iad, fra] {
        check_ranges(&play);
    }
}

#[test]
fn a_pod_that_starts_loads_memory_before_it_works() {
    let mut play = Play::new(Cluster::IadProd, 4_096);
    // embed-e5 is scaled up in the third second.
    let mut seen = Vec::new();
    let old: BTreeSet<SmolStr> = play.pods().into_values().map(|pod| pod.uid).collect();
    for second in [12, 16, 20, 30, 60, 90] {
        play.until(second);
        let pods = play.pods();
        let new = play.gpus(|device| {
            device.claims.iter().any(|claim| {
                claim.pod.starts_with("embed-e5-")
                    && !old.contains(&pods[&(claim.namespace.clone(), claim.pod.clone())].uid)
            })
        });
        seen.push((play.mean(&new, Metric::MemoryUsed), play.mean(&new, Metric::Utilisation)));
    }
    assert!(seen[0].1 < 0.05 && seen[5].1 > 0.4, "{seen:?}");
    assert!(seen.windows(2).all(|pair| pair[1].0 >= pair[0].0 * 0.8) && seen[5].0 > 2.0 * seen[0].0, "{seen:?}");
    // Memory is there long before the work is.
    assert!(seen[3].0 > 0.8 * seen[5].0 && seen[3].1 < 0.8 * seen[5].1, "{seen:?}");
}

#[test]
fn an_xid_of_the_story_is_on_its_gpu_from_then_on_until_it_is_reset() {
    let mut play = Play::new(Cluster::IadProd, 4_096);
    let xids = |play: &Play, node: &str| {
        let gpus = play.of_node(node).into_iter().enumerate();
        let codes = gpus.map(|(n, at)| (n, play.read(at, Metric::Xid)));
        codes.filter(|(_, code)| code.finite().is_some_and(|code| code > 0.0)).collect::<Vec<_>>()
    };
    assert_eq!(xids(play.until(325), "h100-117"), []);
    assert_eq!(xids(play.until(331), "h100-117"), [(5, Reading::of(95.0))]);
    play.until(365);
    assert_eq!(xids(&play, "h100-131"), [(3, Reading::of(79.0))]);
    // It has fallen off the bus: nothing else of it can be measured.
    let fallen = play.of_node("h100-131")[3];
    assert!(play.read(fallen, Metric::Power).is_absent() && play.readings.at[fallen].is_some());
    assert_eq!(xids(play.until(560), "h100-117"), [(5, Reading::of(95.0))]);
    assert_eq!(xids(play.until(580), "h100-117"), []);
    // What was wrong before anybody looked.
    assert_eq!(xids(&play, "h100-188").iter().map(|(_, code)| *code).collect::<Vec<_>>(), [Reading::of(63.0)]);
}

#[test]
fn rows_that_fail_are_counted_and_replaced_by_the_reset() {
    let mut play = Play::new(Cluster::FraTrain, 4_096);
    let gpu = play.of_node("b200-071")[1];
    let counts = |play: &mut Play, second| {
        play.until(second);
        [Metric::EccUncorrected, Metric::RowsRemapped].map(|metric| play.read(gpu, metric).finite().unwrap())
    };
    let before = counts(&mut play, 140);
    assert_eq!(counts(&mut play, 160), [before[0] + 3.0, before[1]]);
    assert_eq!(counts(&mut play, 410), [before[0], before[1] + 3.0]);
}

#[test]
fn a_hot_node_is_slowed_and_a_lost_one_is_not_measured() {
    let mut play = Play::new(Cluster::IadProd, 4_096);
    play.until(20);
    let hot = play.of_node("h100-042");
    let slow = play.mean(&hot, Metric::ThermalSlowdown);
    assert!((0.2..=0.4).contains(&slow), "{slow}");
    for at in &hot {
        assert!(play.read(*at, Metric::Temperature).finite().is_some_and(|celsius| (84.0..=88.0).contains(&celsius)));
        assert!(play.read(*at, Metric::SmClock).finite().is_some_and(|clock| clock < 1_500.0));
    }
    let lost = play.of_node("h100-203");
    assert!(lost.len() == 8 && lost.iter().all(|at| play.readings.at[*at].is_none()));
    assert!(play.readings.at.iter().flatten().all(|at| *at == START.plus(Duration::from_secs(20))));
    play.until(1_010);
    let named = play.of_node("h100-008")[2];
    assert!(play.read(named, Metric::Temperature).finite() >= Some(90.0));
}

#[test]
fn the_canary_looks_busier_and_gets_less_done() {
    let mut play = Play::new(Cluster::IadProd, 4_096);
    play.until(320);
    let candidate = |play: &Play| {
        let pods = play.pods();
        let (new, old): (Vec<usize>, Vec<usize>) = play.of_pods("chat-70b-").into_iter().partition(|at| {
            let claim = &play.devices.devices[*at].claims[0];
            let pod = &pods[&(claim.namespace.clone(), claim.pod.clone())];
            pod.containers[0].image.ends_with(":v42")
        });
        (new, old)
    };
    let (new, _) = candidate(&play);
    let sick = [Metric::Utilisation, Metric::TensorActive].map(|metric| play.mean(&new, metric));
    play.until(740);
    let (none, old) = candidate(&play);
    let well = [Metric::Utilisation, Metric::TensorActive].map(|metric| play.mean(&old, metric));
    assert!(none.is_empty() && sick[0] >= well[0] && sick[1] < 0.65 * well[1], "{sick:?}, then {well:?}");
}

/// What the engines of pods of these names say of a metric together.
fn served(play: &Play, name: &str, metric: ServingMetric) -> Reading {
    let column = &play.serving.columns.iter().find(|(own, _)| *own == metric).unwrap().1;
    let pods = play.serving.pods.iter().zip(column).filter(|(pod, _)| pod.pod.starts_with(name));
    metric.together(pods.map(|(_, reading)| *reading))
}

#[test]
fn engines_say_what_their_pods_do_and_each_only_what_its_kind_says() {
    let mut play = Play::new(Cluster::IadProd, 4_096);
    play.until(30);
    let pods = play.pods();
    let engines: BTreeMap<&str, usize> = play.serving.pods.iter().fold(BTreeMap::new(), |mut all, pod| {
        assert!(pods[&(pod.namespace.clone(), pod.pod.clone())].holds());
        *all.entry(pod.engine.name()).or_default() += 1;
        all
    });
    assert_eq!(engines.keys().copied().collect::<Vec<_>>(), ["SGLang", "TGI", "Triton", "vLLM"]);
    for (metric, column) in &play.serving.columns {
        assert_eq!(column.len(), play.serving.pods.len());
        for (pod, value) in
            play.serving.pods.iter().zip(column).filter_map(|(pod, value)| Some((pod, value.measured()?)))
        {
            let most = match metric {
                _ if metric.unit() == Unit::Ratio => 1.0,
                ServingMetric::Blocks | ServingMetric::CacheTokens => 10_000_000.0,
                _ => 100_000.0,
            };
            assert!((0.0..=most).contains(&value), "{} of {pod:?} is {value}", metric.id());
            assert!(pod.engine != ServingEngine::Triton || !matches!(metric, ServingMetric::KvUse));
        }
    }
    assert!(served(&play, "chat-70b-", ServingMetric::Running).finite() > Some(500.0));
    assert!(served(&play, "speech-3b-", ServingMetric::Running).is_absent(), "it has no engine that tells");
    let fra = Play::new(Cluster::FraTrain, 4_096);
    assert_eq!(fra.serving, ServingFact::default(), "who trains serves nothing");
}

#[test]
fn the_canary_makes_requests_wait_and_fail_until_it_is_taken_back() {
    let mut play = Play::new(Cluster::IadProd, 4_096);
    let seen = |play: &mut Play, second| {
        play.until(second);
        [ServingMetric::Waiting, ServingMetric::Failed, ServingMetric::FirstTokenP99]
            .map(|metric| served(play, "chat-70b-", metric).finite().unwrap())
    };
    let (before, sour, after) = (seen(&mut play, 5), seen(&mut play, 320), seen(&mut play, 740));
    for (at, least) in [0.0, 0.1, 0.5].into_iter().enumerate() {
        assert!(sour[at] > before[at] + least && sour[at] > after[at] + least, "{before:?}, {sour:?}, {after:?}");
    }
    assert_eq!([before[1], after[1]], [0.0, 0.0]);
}

#[test]
fn what_is_not_measured_is_absent_and_says_why() {
    for cluster in Cluster::ALL {
        let play = Play::new(cluster, 4_096);
        let measured = (0..play.devices.devices.len())
            .filter(|at| play.readings.at[*at].is_some() && !play.read(*at, Metric::Utilisation).is_absent());
        assert_eq!(measured.filter(|at| play.read(*at, Metric::TensorActive).is_absent()).count(), 1, "{cluster}");
        let [missing] = play.devices.missing.as_slice() else { panic!("{:?}", play.devices.missing) };
        assert!(!missing.why.is_empty() && missing.next.as_ref().is_some_and(|line| line.contains("DCGM_FI_")));
        assert!(play.readings.columns.iter().all(|(metric, _)| *metric != missing.metric));
    }
}

/// The fleet as it is shown once it was listed and measured.
fn shown(cluster: Cluster) -> FleetView {
    let mut script = Script::new(cluster, 4_096, START);
    let mut world = World::default();
    let mut say = |extent, facts| {
        let source = ConnectionId::slug(cluster.name());
        world.apply(Batch { source, seen_at: START, extent, facts });
    };
    let listing = script.listing();
    for (kind, facts) in [(Kind::Node, listing.nodes), (Kind::Pod, listing.pods)] {
        say(Extent::Replace(Covers { kind, namespace: None }), facts);
    }
    say(Extent::Delta, script.telemetry());
    FleetProjection::new(&world, FleetSpec::default()).into_view()
}

#[test]
fn what_the_fleet_sums_up_as_held_are_its_cells_that_are_held() {
    for cluster in Cluster::ALL {
        let view = shown(cluster);
        let count = |is: &dyn Fn(&&GpuCell) -> bool| {
            view.nodes.rows().iter().flat_map(|node| &node.gpus).filter(is).count() as u64
        };
        let held = count(&|cell| matches!(cell.state, GpuState::Held | GpuState::Shared));
        // Of a node that is not ready, what its pods held is held until they are gone.
        let lost =
            count(&|cell| cell.state == GpuState::Lost && (cell.sharers > 0 || cell.method == Method::Unattributed));
        let by_node: u64 = view.nodes.rows().iter().map(|node| node.gpus_held().sure()).sum();
        assert_eq!((view.summary.gpus_held.sure(), by_node), (held + lost, held + lost), "{cluster}");
    }
}

/// How it is known of each held GPU of the fleet who holds it.
fn methods(cluster: Cluster) -> BTreeMap<Method, usize> {
    let view = shown(cluster);
    let mut methods = BTreeMap::new();
    for cell in view.nodes.rows().iter().flat_map(|node| &node.gpus).filter(|cell| cell.state == GpuState::Held) {
        *methods.entry(cell.method).or_default() += 1;
    }
    methods
}

#[test]
fn most_gpus_are_attributed_by_their_exporter_and_a_few_by_nobody() {
    for cluster in Cluster::ALL {
        let methods = methods(cluster);
        let of = |method| methods.get(&method).copied().unwrap_or(0);
        let all: usize = methods.values().sum();
        assert!(of(Method::Device) * 100 > all * 90, "{cluster}: {methods:?}");
        assert_eq!(of(Method::Device) + of(Method::Whole) + of(Method::Unattributed), all, "{cluster}: {methods:?}");
        if cluster == Cluster::IadProd {
            assert!((1..64).contains(&of(Method::Unattributed)), "{cluster}: {methods:?}");
        }
    }
}

#[test]
fn values_stay_in_their_ranges_through_a_round() {
    for cluster in Cluster::ALL {
        let mut play = Play::new(cluster, 1);
        for second in (0..=1_200).step_by(60) {
            check_ranges(play.until(second));
        }
        assert!(play.lists > 100, "{} lists", play.lists);
    }
}

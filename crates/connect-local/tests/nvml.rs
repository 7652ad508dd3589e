//! The connector before a mock of NVML: a library of our own that `cc` builds, and that misbehaves on demand.
//!
//! Time is paused: a second's wait takes none, but a call into the library is waited for in earnest.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use pilothouse_connect::{Clock, Connector, Opening, Relays, Sink};
use pilothouse_connect_local::{KIND, stub};
use pilothouse_wire::{
    Code, ConnectionId, Health, Metric, Problem, Reading, Stamp,
    view::{GpuState, Method},
};
use pilothouse_world::{
    Batch, Fact, World,
    fact::{DevicesFact, NodeFact, Probed, ReadingsFact, SourceFact},
};
use std::{fs, path::PathBuf, sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinHandle};

const NOW: Stamp = Stamp(1_795_489_964_000);
/// More than any wait of the connector, by the paused clock.
const LONG: Duration = Duration::from_secs(180);

/// The machine with its mock, watched.
struct Machine {
    connector: Arc<dyn Connector>,
    conf: PathBuf,
    batches: mpsc::Receiver<Batch>,
    watch: JoinHandle<()>,
    said: Vec<Batch>,
    _folder: tempfile::TempDir,
}

impl Machine {
    /// A machine whose driver does as it is told, and lacks some functions.
    fn with(conf: &str, without: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = stub::build(folder.path(), without).unwrap();
        let conf_file = folder.path().join("libnvml-mock.so.conf");
        fs::write(&conf_file, conf).unwrap();
        Self::at(&library.display().to_string(), conf_file, folder)
    }

    /// A machine without a driver: where its library is to be, there is nothing.
    fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("libnvidia-ml.so.1").display().to_string();
        Self::at(&library, folder.path().join("conf"), folder)
    }

    fn at(library: &str, conf: PathBuf, folder: tempfile::TempDir) -> Self {
        let clock = Clock::of(|| NOW);
        let id = ConnectionId::slug("here");
        let opening = Opening {
            id: id.clone(),
            name: "here".to_owned(),
            values: [("library".to_owned(), library.to_owned())].into(),
            secrets: std::collections::BTreeMap::new(),
            trusted: Vec::new(),
            clock: clock.clone(),
            relays: Relays::none(),
            sought: &[],
        };
        let connector = (KIND.open)(opening).unwrap();
        let (way, batches) = mpsc::channel(64);
        let watch = tokio::spawn({
            let connector = Arc::clone(&connector);
            async move { connector.watch(Sink::new(id, way, clock)).await }
        });
        Self { connector, conf, batches, watch, said: Vec::new(), _folder: folder }
    }

    /// From now on it does as it is told here. Written at once, so that nobody reads half of it.
    fn tell(&self, conf: &str) {
        let new = self.conf.with_extension("new");
        fs::write(&new, conf).unwrap();
        fs::rename(new, &self.conf).unwrap();
    }

    /// Hears it until something is found in what it says from now on.
    async fn until<T>(&mut self, what: &str, found: impl Fn(&Fact) -> Option<T>) -> T {
        let heard = async {
            loop {
                let batch = self.batches.recv().await.expect("it ended by itself");
                let hit = batch.facts.iter().find_map(&found);
                self.said.push(batch);
                if let Some(hit) = hit {
                    return hit;
                }
            }
        };
        match tokio::time::timeout(LONG, heard).await {
            Ok(hit) => hit,
            Err(_) => panic!("never heard: {what}, in {:#?}", self.said.iter().rev().take(6).collect::<Vec<_>>()),
        }
    }

    async fn list(&mut self) -> DevicesFact {
        self.until("a list", |fact| if let Fact::Devices(list) = fact { Some((**list).clone()) } else { None }).await
    }

    async fn readings(&mut self) -> ReadingsFact {
        self.until("readings", |fact| if let Fact::Readings(read) = fact { Some((**read).clone()) } else { None }).await
    }

    /// Readings in which each GPU was measured, or was not, as is said here.
    async fn measured(&mut self, want: &[bool]) -> ReadingsFact {
        let is = |read: &ReadingsFact| read.at.iter().map(Option::is_some).eq(want.iter().copied());
        let what = format!("readings of {want:?}");
        self.until(&what, |fact| match fact {
            Fact::Readings(read) if is(read) => Some((**read).clone()),
            _ => None,
        })
        .await
    }

    async fn node(&mut self) -> NodeFact {
        self.until("a node", |fact| if let Fact::Node(node) = fact { Some((**node).clone()) } else { None }).await
    }

    async fn probed(&mut self) -> Probed {
        self.until("what it may", |fact| match fact {
            Fact::Source(SourceFact::Probed(probed)) => Some((**probed).clone()),
            _ => None,
        })
        .await
    }

    /// Waits until the last that it says of its health is that it is well.
    async fn well(&mut self) {
        let health = |fact: &Fact| match fact {
            Fact::Source(SourceFact::Health(health)) => Some(health.clone()),
            _ => None,
        };
        let mut last = self.said.iter().flat_map(|batch| &batch.facts).filter_map(health).next_back();
        while last != Some(Health::Well) {
            last = Some(self.until("that it is well", health).await);
        }
    }

    async fn partial(&mut self) -> Problem {
        self.until("a problem", |fact| match fact {
            Fact::Source(SourceFact::Health(Health::Partial(problem))) => Some(problem.clone()),
            _ => None,
        })
        .await
    }
}

fn column(read: &ReadingsFact, metric: Metric) -> Option<Vec<Reading>> {
    read.columns.iter().find(|(of, _)| *of == metric).map(|(_, column)| column.clone())
}

fn values(read: &ReadingsFact, metric: Metric) -> Vec<f32> {
    column(read, metric).unwrap_or_default().into_iter().map(|reading| reading.measured().unwrap_or(-1.0)).collect()
}

fn why(list: &DevicesFact, metric: Metric) -> Option<&str> {
    list.missing.iter().find(|missing| missing.metric == metric).map(|missing| missing.why.as_str())
}

#[tokio::test(start_paused = true)]
async fn two_gpus_are_measured_in_our_units() {
    let conf = "reasons@1 72\necc 3\ndouble@1 1\nrows@0 2\nremap-failed@1 1\nutil@0 7\nprocesses@1 4";
    let mut machine = Machine::with(conf, &[]);
    let list = machine.list().await;
    let first = &list.devices[0];
    assert_eq!(list.devices.len(), 2);
    assert_eq!(list.interval_ms, 2_000);
    assert_eq!(first.uuid, "GPU-00000000-0000-0000-0000-000000000000");
    assert_eq!((first.index, first.pci.as_deref()), (Some(0), Some("00000000:1B:00.0")));
    assert_eq!(first.product.as_deref(), Some("NVIDIA H100 80GB HBM3"));
    assert_eq!(first.driver.as_deref(), Some("580.95.05"));
    let read = machine.measured(&[true, true]).await;
    assert_eq!((read.list, &read.at), (list.list, &vec![Some(NOW); 2]));
    for (metric, want) in [
        (Metric::Utilisation, [0.07, 0.61]),
        (Metric::MemoryUsed, [21_474_836_480.0; 2]),
        (Metric::MemoryTotal, [85_899_345_920.0; 2]),
        (Metric::Power, [612.5, 612.501]),
        (Metric::Temperature, [64.0, 65.0]),
        (Metric::MemoryTemperature, [71.0; 2]),
        (Metric::SmClock, [1_980.0; 2]),
        (Metric::MemoryClock, [2_619.0; 2]),
        (Metric::ClockReasons, [0.0, 72.0]),
        (Metric::EccCorrected, [3.0; 2]),
        (Metric::EccUncorrected, [0.0, 1.0]),
        (Metric::RowsRemapped, [2.0, 0.0]),
        (Metric::RemapFailed, [0.0, 1.0]),
    ] {
        assert_eq!(values(&read, metric), want, "{metric:?}");
    }
    machine.well().await;
    // Every metric is read, or has a word on why it is not; the share of the memory follows from its parts.
    for metric in Metric::ALL.iter().filter(|metric| **metric != Metric::MemoryUse) {
        assert_ne!(column(&read, *metric).is_some(), why(&list, *metric).is_some(), "{metric:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_one_node_that_says_what_it_has() {
    let mut machine = Machine::with("processes@1 4", &[]);
    let probed = machine.probed().await;
    assert_eq!(probed.version.as_deref(), Some("driver 580.95.05"));
    assert_eq!(probed.may[0], "read 2 GPUs (NVIDIA H100 80GB HBM3), measured every 2 s");
    assert_eq!(probed.may[1], "count 4 uses by a process on them");
    assert!(probed.may[2].contains(" cores, ") && probed.may[2].ends_with(" of memory"), "{probed:?}");
    let node = machine.node().await;
    assert!(node.is_ready());
    assert_eq!(node.capacity, [("nvidia.com/gpu".into(), 2)]);
    assert_eq!(node.allocatable, node.capacity);
    assert_eq!(node.product().map(|product| product.as_str()), Some("NVIDIA-H100-80GB-HBM3"));
    let tested = machine.connector.probe().await.unwrap();
    assert_eq!(tested.version.as_deref(), Some("driver 580.95.05"));
    assert_eq!((tested.problem, tested.may.len()), (None, 3));
}

#[tokio::test(start_paused = true)]
async fn a_gpu_of_this_machine_is_never_said_to_be_free() {
    use pilothouse_world::project::FleetProjection;
    let mut machine = Machine::with("", &[]);
    machine.well().await;
    let mut world = World::default();
    let about = SourceFact::About(Box::new(machine.connector.about()));
    let about = Batch { facts: vec![Fact::Source(about)], ..machine.said[0].clone() };
    for batch in std::iter::once(about).chain(machine.said.drain(..)) {
        world.apply(batch);
    }
    let view = FleetProjection::new(&world, Default::default()).into_view();
    let row = view.nodes.rows().first().unwrap();
    let cells: Vec<_> = row.gpus.iter().map(|cell| (cell.state, cell.method, cell.holder)).collect();
    assert_eq!(cells, [(GpuState::Unknown, Method::Count, None); 2]);
    assert_eq!(row.devices.iter().filter(|device| device.source.is_some()).count(), 2);
    assert!(!row.holders_known);
    assert_eq!(world.dropped(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_the_library_lacks_is_a_missing_metric_and_the_rest_goes_on() {
    let lacks = ["nvmlDeviceGetPowerUsage", "nvmlDeviceGetTotalEccErrors", "nvmlDeviceGetFieldValues"];
    let mut machine = Machine::with("", &lacks);
    let list = machine.list().await;
    for metric in [
        Metric::Power,
        Metric::EccCorrected,
        Metric::EccUncorrected,
        Metric::MemoryTemperature,
        Metric::RowsRemapped,
        Metric::RemapFailed,
    ] {
        assert_eq!(why(&list, metric), Some("The library of this driver does not have the function."), "{metric:?}");
    }
    let read = machine.measured(&[true, true]).await;
    assert_eq!(column(&read, Metric::Power), None);
    assert_eq!(values(&read, Metric::Temperature), [64.0, 65.0]);
    machine.well().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_gpu_does_not_support_is_absent_there_and_missing_where_none_does() {
    let mut machine = Machine::with("memory-temp 3\nnvmlDeviceGetTotalEccErrors@0 3", &[]);
    let list = machine.list().await;
    assert_eq!(why(&list, Metric::MemoryTemperature), Some("The driver does not support it on this GPU."));
    assert_eq!(why(&list, Metric::EccCorrected), None);
    let read = machine.measured(&[true, true]).await;
    assert_eq!(column(&read, Metric::EccCorrected), Some(vec![Reading::ABSENT, Reading::of(0.0)]));
    assert_eq!(values(&read, Metric::RowsRemapped), [0.0, 0.0]);
}

#[tokio::test(start_paused = true)]
async fn an_error_in_the_middle_takes_one_reading_and_no_other() {
    let mut machine = Machine::with("", &[]);
    machine.measured(&[true, true]).await;
    machine.tell("nvmlDeviceGetPowerUsage@0 999");
    let watts = loop {
        let read = machine.measured(&[true, true]).await;
        let watts = column(&read, Metric::Power).unwrap();
        if watts[0].is_absent() {
            assert_eq!(values(&read, Metric::Temperature), [64.0, 65.0]);
            break watts;
        }
    };
    assert_eq!(watts[1], Reading::of(612.501));
    machine.tell("");
    while column(&machine.measured(&[true, true]).await, Metric::Power).unwrap()[0].is_absent() {}
}

#[tokio::test(start_paused = true)]
async fn a_gpu_that_hangs_is_not_measured_and_others_go_on() {
    let mut machine = Machine::with("", &[]);
    machine.well().await;
    machine.tell("hang@0 1");
    let read = machine.measured(&[false, true]).await;
    assert_eq!(column(&read, Metric::Power).unwrap()[0], Reading::ABSENT);
    let problem = machine.partial().await;
    assert_eq!((problem.code, problem.what.as_str()), (Code::TimedOut, "GPU 0 of here gives no answer."));
    // It is not asked again, and costs the others no time.
    machine.measured(&[false, true]).await;
    machine.measured(&[false, true]).await;
    machine.tell("");
    machine.measured(&[true, true]).await;
    machine.well().await;
}

#[tokio::test(start_paused = true)]
async fn a_gpu_that_hangs_from_the_start_is_counted_and_told() {
    let mut machine = Machine::with("hang@1 1", &[]);
    assert_eq!(machine.list().await.devices.len(), 1);
    let problem = machine.partial().await;
    assert_eq!(problem.what, "GPU 1 of here gives no answer.");
    machine.tell("");
    let list = machine.list().await;
    assert_eq!((list.list, list.devices.len()), (2, 2));
    machine.well().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_listening_ends_it_while_a_gpu_hangs() {
    let mut machine = Machine::with("hang 1", &[]);
    let problem = machine.partial().await;
    assert_eq!(problem.what, "GPUs 0 and 1 of here give no answer.");
    let Machine { watch, batches, .. } = machine;
    drop(batches);
    tokio::time::timeout(LONG, watch).await.expect("it goes on").unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lost_gpu_is_said_and_the_other_is_measured() {
    let mut machine = Machine::with("", &[]);
    machine.well().await;
    machine.tell("every@1 15");
    machine.measured(&[true, false]).await;
    let problem = machine.partial().await;
    assert_eq!((problem.code, problem.what.as_str()), (Code::ServerFailed, "GPU 1 of here is lost."));
    let told = machine.said.iter().flat_map(|batch| &batch.facts).any(
        |fact| matches!(fact, Fact::Node(node) if node.conditions.iter().any(|condition| condition.kind == "GpuLost")),
    );
    assert!(told, "the node does not say so");
}

#[tokio::test(start_paused = true)]
async fn where_all_fails_the_driver_is_loaded_anew() {
    let mut machine = Machine::with("", &[]);
    machine.well().await;
    machine.tell("every 999");
    let problem = machine.partial().await;
    assert_eq!(problem.what, "GPUs 0 and 1 of here cannot be read.");
    assert_eq!(problem.why.as_deref(), Some("NVML says: an internal driver error occurred."));
    machine.tell("every 999\nnvmlInit_v2 18");
    let problem = loop {
        let problem = machine.partial().await;
        if problem.what.contains("versions") {
            break problem;
        }
    };
    assert_eq!(problem.what, "This machine has an NVIDIA driver of two versions.");
    machine.tell("");
    machine.well().await;
    machine.measured(&[true, true]).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_driver_it_says_so_and_shows_the_machine() {
    let mut machine = Machine::bare();
    let probed = machine.probed().await;
    assert_eq!((probed.version, probed.may.len()), (None, 1));
    assert!(probed.may[0].contains(" cores, "), "{:?}", probed.may);
    let node = machine.node().await;
    assert!(node.is_ready() && node.capacity.is_empty());
    let problem = machine.partial().await;
    assert_eq!(problem.code, Code::NotFound);
    assert_eq!(problem.what, "This machine has no NVIDIA driver that Pilothouse can use.");
    let why = problem.why.unwrap();
    assert!(why.contains("libnvidia-ml.so.1 was looked for") && why.contains("cannot open shared object"), "{why}");
    assert!(problem.next.is_some());
    let tested = machine.connector.probe().await.unwrap();
    assert_eq!(tested.problem.map(|problem| problem.code), Some(Code::NotFound));
    assert_eq!(tested.may.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_comes_later_is_found() {
    let mut machine = Machine::bare();
    machine.partial().await;
    let library = stub::build(machine.conf.parent().unwrap(), &[]).unwrap();
    fs::rename(library, machine.conf.with_file_name("libnvidia-ml.so.1")).unwrap();
    machine.well().await;
    assert_eq!(machine.measured(&[true, true]).await.at.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cut_gpu_is_told_by_its_instances() {
    let mut machine = Machine::with("mig@0 3\nnvmlDeviceGetUtilizationRates@0 3", &[]);
    let node = machine.node().await;
    assert_eq!(node.capacity, [("nvidia.com/gpu".into(), 1), ("nvidia.com/mig-1g.10gb".into(), 3)]);
    let read = machine.readings().await;
    assert_eq!(column(&read, Metric::Utilisation), Some(vec![Reading::ABSENT, Reading::of(0.61)]));
}

#[tokio::test(start_paused = true)]
async fn replays_are_their_rise_in_ten_minutes() {
    let mut machine = Machine::with("replays 5", &[]);
    assert!(why(&machine.list().await, Metric::PcieReplays).is_some());
    machine.tell("replays@0 8\nreplays@1 5");
    let read = loop {
        let read = machine.measured(&[true, true]).await;
        if column(&read, Metric::PcieReplays).is_some() {
            break read;
        }
    };
    // That there was none at the other is not known yet.
    assert_eq!(column(&read, Metric::PcieReplays), Some(vec![Reading::of(3.0), Reading::ABSENT]));
}

/// By hand, where there is a GPU: `cargo test -p pilothouse-connect-local -- --ignored --nocapture`.
#[tokio::test(start_paused = true)]
#[ignore = "needs a GPU of NVIDIA's with its driver"]
async fn a_real_driver_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut machine = Machine::at("", folder.path().join("conf"), folder);
    let node = machine.node().await;
    let list = machine.list().await;
    println!("{node:#?}\n{list:#?}");
    let read = machine.readings().await;
    for (metric, column) in &read.columns {
        println!("{}: {:?}", metric.label(), column.iter().map(|one| metric.show(*one)).collect::<Vec<_>>());
    }
    println!("{:#?}", machine.connector.probe().await);
    assert!(read.at.iter().any(Option::is_some) && values(&read, Metric::MemoryTotal)[0] > 1e9);
}

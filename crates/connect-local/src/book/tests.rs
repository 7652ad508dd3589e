//! What is said of rounds that a driver of our tests would not show twice the same.

use super::*;
use crate::reading::Read;

const MIB: f64 = 1_048_576.0;

fn book() -> Book {
    let mut host = Host::read();
    host.name = "desk".into();
    let mut book = Book::new(ConnectionId::slug("here"), "here".to_owned(), host);
    book.driver(Some("580.95.05"));
    book
}

fn gpu(index: u32, at: i64, values: &[(Metric, Result<f64, Absent>)]) -> Measured {
    Measured {
        identity: Identity {
            uuid: format!("GPU-{index}").into(),
            index,
            product: Some("NVIDIA H100".into()),
            ..Identity::default()
        },
        at: Stamp(at),
        read: Read { values: values.iter().cloned().collect(), replays: Some(Ok(0)), power_cap: None },
        processes: None,
        computing: None,
    }
}

fn seen(measured: Measured) -> Seen {
    Seen::Measured(Box::new(measured))
}

fn power(index: u32, at: i64, watts: f64) -> Seen {
    seen(gpu(index, at, &[(Metric::Power, Ok(watts)), (Metric::MemoryTotal, Ok(81_559.0 * MIB))]))
}

fn list(news: &News) -> Option<&DevicesFact> {
    news.facts.iter().find_map(|fact| match fact {
        Fact::Devices(list) => Some(&**list),
        _ => None,
    })
}

fn readings(news: &News) -> Option<&ReadingsFact> {
    news.facts.iter().find_map(|fact| match fact {
        Fact::Readings(readings) => Some(&**readings),
        _ => None,
    })
}

#[test]
fn what_uses_the_gpus_is_said_when_it_changes_and_of_a_gpu_that_does_not_tell_it_is_not() {
    let mut book = book();
    let uses = |gpu: u32, processes: Option<u32>| seen(Measured { processes, ..self::gpu(gpu, 1, &[]) });
    let told = |news: &News| {
        let host = news.facts.iter().find_map(|fact| if let Fact::Host(host) = fact { Some(host) } else { None });
        host.map(|host| host.processes.iter().map(|(uuid, n)| (uuid.to_string(), *n)).collect::<Vec<_>>())
    };
    let of = |gpu: &str, n: u32| (gpu.to_owned(), n);
    assert_eq!(told(&book.take(&[uses(0, Some(3)), uses(1, None)])), Some(vec![of("GPU-0", 3)]));
    assert_eq!(told(&book.take(&[uses(0, Some(3)), uses(1, None)])), None, "nothing changed");
    let now = book.take(&[uses(0, Some(2)), uses(1, Some(0))]);
    assert_eq!(told(&now), Some(vec![of("GPU-0", 2), of("GPU-1", 0)]));
    assert_eq!(told(&book.take(&[Seen::Silent, uses(1, Some(0))])), Some(vec![of("GPU-1", 0)]));
    let machine = book.machine_if_changed(&[]).unwrap();
    assert!(machine.node == "desk" && machine.cores > 0 && machine.memory_bytes > 0, "{machine:?}");
}

#[test]
fn the_list_is_said_once_and_readings_each_round() {
    let mut book = book();
    let first = book.take(&[power(0, 1, 300.0), power(1, 1, 310.0)]);
    assert_eq!(list(&first).map(|list| (list.list, list.devices.len())), Some((1, 2)));
    let second = book.take(&[power(0, 2_001, 301.0), power(1, 2_002, 311.0)]);
    assert_eq!(list(&second), None);
    let told = readings(&second).unwrap();
    assert_eq!((told.list, &told.at), (1, &vec![Some(Stamp(2_001)), Some(Stamp(2_002))]));
    let watts = &told.columns.iter().find(|(metric, _)| *metric == Metric::Power).unwrap().1;
    assert_eq!(watts, &[Reading::of(301.0), Reading::of(311.0)]);
}

#[test]
fn a_gpu_that_was_never_known_is_counted_and_is_in_no_list() {
    let mut book = book();
    let news = book.take(&[Seen::Silent, power(1, 1, 300.0)]);
    assert_eq!(list(&news).map(|list| list.devices.len()), Some(1));
    assert_eq!(readings(&news).map(|told| told.at.len()), Some(1));
    assert_eq!(book.node().capacity, [("nvidia.com/gpu".into(), 2)]);
    let later = book.take(&[power(0, 2, 300.0), power(1, 2, 300.0)]);
    assert_eq!(list(&later).map(|list| (list.list, list.devices.len())), Some((2, 2)));
}

#[test]
fn a_metric_is_missing_where_no_gpu_has_it_and_absent_where_one_has() {
    let mut book = book();
    let heat = |value| [(Metric::MemoryTemperature, value), (Metric::Power, Err(Absent::Unsupported))];
    let news = book.take(&[seen(gpu(0, 1, &heat(Err(Absent::Unsupported)))), seen(gpu(1, 1, &heat(Ok(70.0))))]);
    let missing = &list(&news).unwrap().missing;
    let of = |metric| missing.iter().find(|missing| missing.metric == metric).map(|missing| missing.why.as_str());
    assert_eq!(of(Metric::Power), Some("The driver does not support it on this GPU."));
    assert_eq!(of(Metric::MemoryTemperature), None);
    assert!(of(Metric::TensorActive).is_some());
    let column = readings(&news).unwrap().columns.iter().find(|(metric, _)| *metric == Metric::MemoryTemperature);
    assert_eq!(column.unwrap().1, [Reading::ABSENT, Reading::of(70.0)]);
}

#[test]
fn a_failure_in_one_round_is_no_missing_metric() {
    let mut book = book();
    let news = book.take(&[seen(gpu(0, 1, &[(Metric::Power, Err(Absent::Failed("an error".into())))]))]);
    assert!(!list(&news).unwrap().missing.iter().any(|missing| missing.metric == Metric::Power));
}

#[test]
fn the_node_has_the_words_of_the_feature_discovery() {
    let mut book = book();
    book.take(&[power(0, 1, 300.0)]);
    let node = book.node();
    for (label, want) in [
        ("nvidia.com/gpu.product", "NVIDIA-H100"),
        ("nvidia.com/gpu.count", "1"),
        ("nvidia.com/gpu.memory", "81559"),
        ("nvidia.com/cuda.driver-version.full", "580.95.05"),
    ] {
        assert_eq!(node.label(label).map(SmolStr::as_str), Some(want), "{label}");
        assert!(pilothouse_world::gpu::is_kept_label(label), "{label}");
    }
    assert!(node.is_ready());
}

#[test]
fn a_gpu_that_is_cut_counts_as_its_instances() {
    let mut cut = gpu(0, 1, &[]);
    cut.identity.slices = Some(vec!["1g.10gb".into(), "1g.10gb".into(), "3g.40gb".into()]);
    let mut book = book();
    book.take(&[seen(cut), power(1, 1, 300.0)]);
    let want = [("nvidia.com/gpu", 1), ("nvidia.com/mig-1g.10gb", 2), ("nvidia.com/mig-3g.40gb", 1)];
    assert_eq!(book.node().allocatable, want.map(|(key, n)| (SmolStr::new(key), n)));
}

#[test]
fn a_lost_gpu_is_a_condition_of_its_node_until_it_is_back() {
    let mut book = book();
    let is_lost = |book: &mut Book| book.node().conditions.iter().any(|condition| condition.kind == "GpuLost");
    book.take(&[power(0, 1, 300.0), power(1, 1, 300.0)]);
    assert!(!is_lost(&mut book));
    let news = book.take(&[Seen::Lost, power(1, 2, 300.0)]);
    assert_eq!(readings(&news).map(|told| told.at.clone()), Some(vec![None, Some(Stamp(2))]));
    assert!(is_lost(&mut book) && news.lives);
    book.take(&[Seen::Silent, power(1, 3, 300.0)]);
    assert!(is_lost(&mut book));
    book.take(&[power(0, 4, 300.0), power(1, 4, 300.0)]);
    assert!(!is_lost(&mut book));
}

#[test]
fn replays_are_told_once_ten_minutes_were_watched() {
    let mut book = book();
    let is_missing =
        |news: &News| list(news).map(|list| list.missing.iter().any(|missing| missing.metric == Metric::PcieReplays));
    let first = book.take(&[power(0, 0, 300.0)]);
    assert_eq!(is_missing(&first), Some(true));
    let mut told = None;
    for n in 1..=300 {
        let news = book.take(&[power(0, n * 2_000, 300.0)]);
        told = is_missing(&news).or(told);
        let replays = readings(&news).unwrap().columns.iter().any(|(metric, _)| *metric == Metric::PcieReplays);
        assert_eq!(replays, n == 300, "after {} s", n * 2);
    }
    assert_eq!(told, Some(false));
}

//! The queries, as text. Each value is already in our unit, and one a GPU.

use super::catalogue::{Exporter, Kind, Parts, Row, identities, rows, rows_of};
use pilothouse_wire::{Metric, SmolStr, metric::Over};
use std::collections::BTreeSet;

/// Labels that name a physical GPU, the surest first: of dcgm-exporter, new and old (Intel's is the same), of AMD's.
pub const KEYS: &[&str] = &["UUID", "uuid", "gpu_uuid", "serial_number"];

/// Labels that say where a GPU is and who holds it: where one of them changes, the fleet is looked at anew.
pub const TOLD: &[&str] = &[
    "Hostname",
    "hostname",
    "node",
    "kubernetes_node",
    "instance",
    "GPU_I_ID",
    "dra_claim_name",
    "exported_namespace",
    "exported_pod",
    "kube_namespace",
    "kube_pod",
    "namespace",
    "pod",
    "pod_namespace",
    "pod_name",
];

/// How far back steady growth is looked for, and how far bursts.
const INCREASE: &str = "10m";
const RATE: &str = "5m";

/// One value of a metric for each GPU, or nothing where none of these exporters has it.
#[must_use]
pub fn metric(metric: Metric, exporters: &BTreeSet<Exporter>) -> Option<String> {
    let rows: Vec<String> = rows_of(metric, exporters).map(row).collect();
    (!rows.is_empty()).then(|| rows.join(" or "))
}

/// The value of a metric over these GPUs together, named by this label, or nothing where none of these exporters has it.
/// Names that would need an escape are left out.
#[must_use]
pub fn together(wanted: Metric, exporters: &BTreeSet<Exporter>, key: &str, gpus: &[SmolStr]) -> Option<String> {
    let gpus: Vec<&str> = gpus.iter().map(SmolStr::as_str).filter(is_plain).collect();
    if gpus.is_empty() {
        return None;
    }
    let matcher = format!("{key}=~\"{}\"", gpus.join("|"));
    let of = |metric: Metric| {
        let some =
            |row: &Row| Row { names: row.names.iter().map(|name| with(name, &matcher)).collect(), ..row.clone() };
        let rows: Vec<String> = rows_of(metric, exporters).map(|row| self::row(&some(row))).collect();
        (!rows.is_empty()).then(|| rows.join(" or "))
    };
    let each = of(wanted).or_else(|| match wanted {
        // Used and total make the share.
        Metric::MemoryUse => Some(format!("({}) / ({})", of(Metric::MemoryUsed)?, of(Metric::MemoryTotal)?)),
        _ => None,
    })?;
    let over = match wanted.over() {
        Over::Mean => "avg",
        Over::Sum => "sum",
        Over::Most => "max",
    };
    Some(format!("{over}({each})"))
}

fn is_plain(id: &&str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn row(row: &Row) -> String {
    let names: Vec<String> = row.names.iter().map(|name| of_name(name, row)).collect();
    let sum = names.join(" + ");
    match (row.factor.as_str(), names.len()) {
        ("1", _) => sum,
        (factor, 1) => format!("{sum} * {factor}"),
        (factor, _) => format!("({sum}) * {factor}"),
    }
}

/// Two targets may measure the same device: they are never added up.
fn of_name(name: &str, row: &Row) -> String {
    let keys = KEYS.join(", ");
    match &row.parts {
        Parts::Max => format!("max by ({keys}) ({})", value(name, row.kind)),
        Parts::Sum(labels) => {
            let label = labels.join(", ");
            let parts = value(&with(name, &format!("{label}!=\"\"")), row.kind);
            let whole = value(&with(name, &format!("{label}=\"\"")), row.kind);
            format!("(sum by ({keys}) (max by ({keys}, {label}) ({parts})) or max by ({keys}) ({whole}))")
        }
    }
}

fn value(selector: &str, kind: Kind) -> String {
    match kind {
        Kind::Gauge | Kind::Total => selector.to_owned(),
        Kind::Increase => format!("increase({selector}[{INCREASE}])"),
        Kind::Rate => format!("rate({selector}[{RATE}])"),
        // Of no GPU: the catalogue holds it.
        Kind::Median | Kind::P99 | Kind::Mean => selector.to_owned(),
    }
}

/// A selector with one matcher more.
fn with(selector: &str, matcher: &str) -> String {
    match selector.strip_suffix('}') {
        Some(open) => format!("{open},{matcher}}}"),
        None => format!("{selector}{{{matcher}}}"),
    }
}

/// All GPUs with their labels; the values are the times of their measurements.
#[must_use]
pub fn identity() -> String {
    let times: Vec<String> = identities().map(|name| format!("timestamp({name})")).collect();
    times.join(" or ")
}

/// When each GPU was measured, where it is and who holds it.
#[must_use]
pub fn times() -> String {
    format!("max by ({}, {}) ({})", KEYS.join(", "), TOLD.join(", "), identity())
}

/// The targets that the GPUs are measured through, with the labels that are the targets' own.
#[must_use]
pub fn targets() -> String {
    let names: Vec<&str> = identities().collect();
    format!("up and on (job, instance) ({})", names.join(" or "))
}

/// The raw samples of some GPUs in the last ten minutes, to see how far apart they are. Names that would need an escape
/// are left out.
#[must_use]
pub fn raw<'a>(key: &str, ids: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let ids: Vec<&str> = ids.into_iter().filter(is_plain).collect();
    (!ids.is_empty()).then(|| format!("{{{},{key}=~\"{}\"}}[10m]", named(), ids.join("|")))
}

/// How many GPUs there were in the last six hours.
#[must_use]
pub fn lately() -> String {
    format!("count(count by ({}) (last_over_time({{{}}}[6h])))", KEYS.join(", "), named())
}

/// Which other series of known exporters there are.
#[must_use]
pub fn others() -> String {
    // Names of AMD's exporter have no beginning of their own.
    let amd = rows().iter().filter(|row| row.exporter == Exporter::Amd).flat_map(|row| &row.names);
    let names: Vec<&str> = ["DCGM_.+", "xpum_.+"].into_iter().chain(amd.map(String::as_str)).collect();
    format!("count by (__name__) ({{__name__=~\"{}\"}})", names.join("|"))
}

fn named() -> String {
    let names: BTreeSet<&str> = identities().map(|name| name.split('{').next().unwrap_or(name)).collect();
    format!("__name__=~\"{}\"", names.into_iter().collect::<Vec<_>>().join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: &str) -> String {
        let exporters = BTreeSet::from([Exporter::Dcgm]);
        metric(Metric::by_id(id).unwrap(), &exporters).unwrap().replace(&KEYS.join(", "), "K")
    }

    #[test]
    fn a_value_is_in_our_unit_and_one_a_gpu() {
        assert_eq!(of("temp"), "max by (K) (DCGM_FI_DEV_GPU_TEMP)");
        assert_eq!(of("util"), "max by (K) (DCGM_FI_DEV_GPU_UTIL) * 0.01");
        assert_eq!(of("pcie-replays"), "max by (K) (increase(DCGM_FI_DEV_PCIE_REPLAY_COUNTER[10m]))");
        assert_eq!(of("slow-thermal"), "max by (K) (rate(DCGM_FI_DEV_THERMAL_VIOLATION[5m])) * 0.000000001");
        assert_eq!(
            of("nvlink"),
            "max by (K) (DCGM_FI_PROF_NVLINK_TX_BYTES) + max by (K) (DCGM_FI_PROF_NVLINK_RX_BYTES)"
        );
        assert_eq!(
            of("clock-reasons"),
            "max by (K) (DCGM_FI_DEV_CLOCKS_EVENT_REASONS) or max by (K) (DCGM_FI_DEV_CLOCK_THROTTLE_REASONS)"
        );
    }

    #[test]
    fn memory_of_instances_is_added_up_and_that_of_two_targets_is_not() {
        assert_eq!(
            of("memory"),
            "(sum by (K) (max by (K, GPU_I_ID) (DCGM_FI_DEV_FB_USED{GPU_I_ID!=\"\"})) or \
             max by (K) (DCGM_FI_DEV_FB_USED{GPU_I_ID=\"\"})) * 1048576"
        );
        assert_eq!(with("a{b='c'}", "d=\"\""), "a{b='c',d=\"\"}");
    }

    #[test]
    fn what_no_exporter_of_the_fleet_has_is_not_asked_for() {
        assert_eq!(metric(Metric::Xid, &BTreeSet::from([Exporter::Intel])), None);
        assert_eq!(metric(Metric::Xid, &BTreeSet::new()), None);
    }

    #[test]
    fn a_name_that_would_need_an_escape_is_not_put_into_a_query() {
        assert!(raw("UUID", ["GPU-1", "a\"} or vector(1)"]).unwrap().ends_with("UUID=~\"GPU-1\"}[10m]"));
        assert_eq!(raw("UUID", [".*"]), None);
        let exporters = BTreeSet::from([Exporter::Dcgm]);
        assert_eq!(together(Metric::Power, &exporters, "UUID", &["a\"".into()]), None);
    }

    #[test]
    fn the_past_of_some_gpus_is_theirs_together() {
        let exporters = BTreeSet::from([Exporter::Dcgm]);
        let of = |metric, gpus: &[&str]| {
            let gpus: Vec<SmolStr> = gpus.iter().map(SmolStr::new).collect();
            together(metric, &exporters, "uuid", &gpus).map(|query| query.replace(&KEYS.join(", "), "K"))
        };
        let power = of(Metric::Power, &["a", "b"]);
        assert_eq!(power.as_deref(), Some("sum(max by (K) (DCGM_FI_DEV_POWER_USAGE{uuid=~\"a|b\"}))"));
        let share = of(Metric::MemoryUse, &["a"]).unwrap();
        assert!(share.starts_with("avg(((sum by (K)") && share.contains(") / ("), "{share}");
        assert_eq!(of(Metric::Power, &[]), None);
    }
}

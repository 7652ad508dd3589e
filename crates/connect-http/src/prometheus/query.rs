//! The queries, as text. Each value is already in our unit, and one a GPU. Each selector has the connection's matchers.

use super::{
    catalogue::{Exporter, Kind, Parts, Row, identities, rows, rows_of},
    matchers::Matchers,
};
use pilothouse_wire::{Metric, SmolStr, clocks, metric::Over};
use std::{collections::BTreeSet, time::Duration};

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
pub fn metric(metric: Metric, exporters: &BTreeSet<Exporter>, among: &Matchers) -> Option<String> {
    metric_of(metric, exporters, among, "")
}

/// The same as it was before: `ago` stands behind each selector.
fn metric_of(metric: Metric, exporters: &BTreeSet<Exporter>, among: &Matchers, ago: &str) -> Option<String> {
    let rows: Vec<String> = rows_of(metric, exporters).map(|row| self::row(row, among, ago)).collect();
    (!rows.is_empty()).then(|| rows.join(" or "))
}

/// Asked at times so far apart: the value of each GPU where it tells of something that it did not tell of at the time
/// before; nothing for a metric that tells of no change. The server compares, so that what stays as it is is not in its
/// answer.
#[must_use]
pub fn came(metric: Metric, exporters: &BTreeSet<Exporter>, among: &Matchers, step: Duration) -> Option<String> {
    let now = metric_of(metric, exporters, among, "")?;
    let before = metric_of(metric, exporters, among, &format!(" offset {}s", step.as_secs()))?;
    match metric {
        Metric::Xid => Some(format!("(({now}) > 0) != ({before})")),
        Metric::ClockReasons => {
            Some(format!("({now}) and (({}) > 0) and (({}) == 0)", slow_bits(&now), slow_bits(&before)))
        }
        Metric::ThermalSlowdown => {
            let share = clocks::THERMAL_SHARE;
            Some(format!("(({now}) > {share}) and (({before}) <= {share})"))
        }
        _ => None,
    }
}

/// More than 0 where one of the bits is set by which a GPU is slowed ([`clocks::ALL`]). There are no bits in this language:
/// one stands alone, three stand side by side.
fn slow_bits(reading: &str) -> String {
    format!("floor(({reading}) / {}) % 2 + floor(({reading}) / {}) % 8", clocks::HARDWARE, clocks::HEAT_BY_DRIVER)
}

/// The value of a metric over these GPUs together, named by this label, or nothing where none of these exporters has it.
/// Names that would need an escape are left out.
#[must_use]
pub fn together(
    wanted: Metric,
    exporters: &BTreeSet<Exporter>,
    among: &Matchers,
    key: &str,
    gpus: &[SmolStr],
) -> Option<String> {
    let gpus: Vec<&str> = gpus.iter().map(SmolStr::as_str).filter(is_plain).collect();
    if gpus.is_empty() {
        return None;
    }
    let matcher = format!("{key}=~\"{}\"", gpus.join("|"));
    let of = |metric: Metric| {
        let some =
            |row: &Row| Row { names: row.names.iter().map(|name| with(name, &matcher)).collect(), ..row.clone() };
        let rows: Vec<String> = rows_of(metric, exporters).map(|row| self::row(&some(row), among, "")).collect();
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

fn row(row: &Row, among: &Matchers, ago: &str) -> String {
    let names: Vec<String> = row.names.iter().map(|name| of_name(&among.on(name), row, ago)).collect();
    let sum = names.join(" + ");
    match (row.factor.as_str(), names.len()) {
        ("1", _) => sum,
        (factor, 1) => format!("{sum} * {factor}"),
        (factor, _) => format!("({sum}) * {factor}"),
    }
}

/// Two targets may measure the same device: they are never added up.
fn of_name(name: &str, row: &Row, ago: &str) -> String {
    let keys = KEYS.join(", ");
    let value = |selector: &str| self::value(selector, &row.kind, ago);
    match &row.parts {
        Parts::Max => format!("max by ({keys}) ({})", value(name)),
        Parts::Sum(labels) => {
            let label = labels.join(", ");
            let parts = value(&with(name, &format!("{label}!=\"\"")));
            let whole = value(&with(name, &format!("{label}=\"\"")));
            format!("(sum by ({keys}) (max by ({keys}, {label}) ({parts})) or max by ({keys}) ({whole}))")
        }
    }
}

fn value(selector: &str, kind: &Kind, ago: &str) -> String {
    match kind {
        Kind::Gauge | Kind::Total => format!("{selector}{ago}"),
        Kind::Increase => format!("increase({selector}[{INCREASE}]{ago})"),
        Kind::Rate => format!("rate({selector}[{RATE}]{ago})"),
        // Of no GPU: the catalogue holds it.
        Kind::Median | Kind::P99 | Kind::Mean | Kind::Label(_) => format!("{selector}{ago}"),
    }
}

/// A selector with one matcher more.
pub(super) fn with(selector: &str, matcher: &str) -> String {
    match selector.strip_suffix('}') {
        Some(open) => format!("{open},{matcher}}}"),
        None => format!("{selector}{{{matcher}}}"),
    }
}

/// All GPUs with their labels; the values are the times of their measurements.
#[must_use]
pub fn identity(among: &Matchers) -> String {
    let times: Vec<String> = identities().map(|name| format!("timestamp({})", among.on(name))).collect();
    times.join(" or ")
}

/// When each GPU was measured, where it is and who holds it.
#[must_use]
pub fn times(among: &Matchers) -> String {
    format!("max by ({}, {}) ({})", KEYS.join(", "), TOLD.join(", "), identity(among))
}

/// The targets that the GPUs are measured through, with the labels that are the targets' own.
#[must_use]
pub fn targets(among: &Matchers) -> String {
    let names: Vec<String> = identities().map(|name| among.on(name)).collect();
    format!("{} and on (job, instance) ({})", among.on("up"), names.join(" or "))
}

/// The raw samples of some GPUs in the last ten minutes, to see how far apart they are. Names that would need an escape
/// are left out.
#[must_use]
pub fn raw<'a>(key: &str, ids: impl IntoIterator<Item = &'a str>, among: &Matchers) -> Option<String> {
    let ids: Vec<&str> = ids.into_iter().filter(is_plain).collect();
    let selector = || among.on(&format!("{{{},{key}=~\"{}\"}}", named(), ids.join("|")));
    (!ids.is_empty()).then(|| format!("{}[10m]", selector()))
}

/// How many GPUs there were in the last six hours.
#[must_use]
pub fn lately(among: &Matchers) -> String {
    let all = among.on(&format!("{{{}}}", named()));
    format!("count(count by ({}) (last_over_time({all}[6h])))", KEYS.join(", "))
}

/// Which other series of known exporters there are.
#[must_use]
pub fn others(among: &Matchers) -> String {
    // Names of AMD's exporter have no beginning of their own.
    let amd = rows().iter().filter(|row| row.exporter == Exporter::Amd).flat_map(|row| &row.names);
    let names: Vec<&str> = ["DCGM_.+", "xpum_.+"].into_iter().chain(amd.map(String::as_str)).collect();
    let all = among.on(&format!("{{__name__=~\"{}\"}}", names.join("|")));
    format!("count by (__name__) ({all})")
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
        metric(Metric::by_id(id).unwrap(), &exporters, &Matchers::default()).unwrap().replace(&KEYS.join(", "), "K")
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
    fn a_change_is_what_was_not_so_a_step_before_and_each_selector_is_asked_for_both() {
        let exporters = BTreeSet::from([Exporter::Dcgm]);
        let of = |metric| {
            let query = came(metric, &exporters, &Matchers::default(), Duration::from_secs(60));
            query.map(|query| query.replace(&KEYS.join(", "), "K"))
        };
        let xid = "((max by (K) (DCGM_FI_DEV_XID_ERRORS)) > 0) != (max by (K) (DCGM_FI_DEV_XID_ERRORS offset 60s))";
        assert_eq!(of(Metric::Xid).as_deref(), Some(xid));
        let heat = of(Metric::ThermalSlowdown).unwrap();
        assert!(
            heat.ends_with("<= 0.05)") && heat.contains("rate(DCGM_FI_DEV_THERMAL_VIOLATION[5m] offset 60s)"),
            "{heat}"
        );
        assert_eq!(of(Metric::Power), None, "what only moves is no change");
    }

    /// The language has no bits: what is reckoned instead says the same of all that NVML knows.
    #[test]
    fn what_is_reckoned_of_the_reasons_is_more_than_0_where_a_bit_of_a_slow_down_is_set() {
        let text = slow_bits("r");
        assert_eq!(text, "floor((r) / 8) % 2 + floor((r) / 32) % 8");
        for bits in 0_u32..1_024 {
            let reckoned = bits / clocks::HARDWARE % 2 + bits / clocks::HEAT_BY_DRIVER % 8;
            assert_eq!(reckoned > 0, bits & clocks::ALL != 0, "{bits:#x}");
        }
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
        assert_eq!(metric(Metric::Xid, &BTreeSet::from([Exporter::Intel]), &Matchers::default()), None);
        assert_eq!(metric(Metric::Xid, &BTreeSet::new(), &Matchers::default()), None);
    }

    #[test]
    fn a_name_that_would_need_an_escape_is_not_put_into_a_query() {
        assert!(
            raw("UUID", ["GPU-1", "a\"} or vector(1)"], &Matchers::default())
                .unwrap()
                .ends_with("UUID=~\"GPU-1\"}[10m]")
        );
        assert_eq!(raw("UUID", [".*"], &Matchers::default()), None);
        let exporters = BTreeSet::from([Exporter::Dcgm]);
        assert_eq!(together(Metric::Power, &exporters, &Matchers::default(), "UUID", &["a\"".into()]), None);
    }

    #[test]
    fn the_past_of_some_gpus_is_theirs_together() {
        let exporters = BTreeSet::from([Exporter::Dcgm]);
        let of = |metric, gpus: &[&str]| {
            let gpus: Vec<SmolStr> = gpus.iter().map(SmolStr::new).collect();
            together(metric, &exporters, &Matchers::default(), "uuid", &gpus)
                .map(|query| query.replace(&KEYS.join(", "), "K"))
        };
        let power = of(Metric::Power, &["a", "b"]);
        assert_eq!(power.as_deref(), Some("sum(max by (K) (DCGM_FI_DEV_POWER_USAGE{uuid=~\"a|b\"}))"));
        let share = of(Metric::MemoryUse, &["a"]).unwrap();
        assert!(share.starts_with("avg(((sum by (K)") && share.contains(") / ("), "{share}");
        assert_eq!(of(Metric::Power, &[]), None);
    }

    #[test]
    fn every_selector_has_the_matchers_of_the_connection() {
        let iad = Matchers::read("cluster=iad").unwrap();
        let exporters = BTreeSet::from([Exporter::Dcgm, Exporter::Amd, Exporter::Intel]);
        let minute = Duration::from_secs(60);
        let mut all = vec![identity(&iad), times(&iad), targets(&iad), lately(&iad), others(&iad)];
        all.extend(raw("UUID", ["a"], &iad));
        for of in Metric::ALL {
            all.extend(metric(*of, &exporters, &iad));
            all.extend(came(*of, &exporters, &iad, minute));
            all.extend(together(*of, &exporters, &iad, "UUID", &["a".into()]));
        }
        for query in all {
            // A selector begins with a name or a brace: without the matchers nothing is left that could be one.
            let names = rows().iter().flat_map(|row| &row.names).map(|name| name.split('{').next().unwrap_or(name));
            for name in names.chain(["up"]) {
                let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':' || c == '|' || c == '"';
                for (at, _) in query.match_indices(name) {
                    let (before, behind) = (&query[..at], &query[at + name.len()..]);
                    let whole = !before.ends_with(is_of_name) && !behind.starts_with(is_of_name);
                    let selector = behind.split_once('}').map_or("", |(selector, _)| selector);
                    assert!(
                        !whole || selector.starts_with('{') && selector.contains("cluster=\"iad\""),
                        "{name}: {query}"
                    );
                }
            }
            assert_eq!(query.matches('{').count(), query.matches("cluster=\"iad\"").count(), "{query}");
        }
    }
}

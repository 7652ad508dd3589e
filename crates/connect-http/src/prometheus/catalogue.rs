//! What exporters call the metrics of GPUs, and serving engines theirs, read out of `assets/metrics.csv`.

use pilothouse_wire::{Metric, ServingEngine, ServingMetric};
use std::{collections::BTreeSet, sync::LazyLock};

/// A name, or a sum of names, that an exporter `E` gives a metric `M`.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<M = Metric, E = Exporter> {
    /// The metric.
    pub metric: M,
    /// The exporter.
    pub exporter: E,
    /// Names of series, with a selector where only some of them are meant. Several are added up.
    pub names: Vec<String>,
    /// What kind of number it is.
    pub kind: Kind,
    /// Times this it is in our unit, as it stands in a query.
    pub factor: String,
    /// How parts of a device become one value.
    pub parts: Parts,
    /// Is it there for every GPU, or every pod with this engine?
    pub identity: bool,
    /// Is it on where nobody changed the exporter's settings?
    pub default_on: bool,
    /// The lines of the exporter's settings that turn it on, if there are such.
    pub enable: Option<String>,
    /// The project and the file that say so.
    pub source: String,
}

/// A name that a serving engine gives a metric.
pub type EngineRow = Row<ServingMetric, ServingEngine>;

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    /// Of GPUs.
    pub gpus: Vec<Row>,
    /// Of serving engines.
    pub engines: Vec<EngineRow>,
}

/// An exporter of GPU metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exporter {
    /// NVIDIA's dcgm-exporter.
    Dcgm,
    /// AMD's device-metrics-exporter.
    Amd,
    /// Intel's XPU Manager.
    Intel,
}

/// What kind of number a series holds, and so what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It goes up and down: as it is.
    Gauge,
    /// It only grows, and its size since the driver was loaded is what matters: as it is.
    Total,
    /// It only grows: how much in the last ten minutes.
    Increase,
    /// It only grows: how much a second, over the last minutes.
    Rate,
    /// A histogram: what half of the observations of the last minutes were below.
    Median,
    /// A histogram: what 99 of 100 observations of the last minutes were below.
    P99,
    /// A histogram: the mean of the observations of the last minutes. Of two names with a stroke between, how much the first
    /// grew by how much the second did.
    Mean,
    /// The number stands in this label; the value of the series says nothing.
    Label(String),
}

/// How values of parts (of a device: MIG instances, tiles; of an engine: ranks, models), and of several targets, become
/// one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parts {
    /// The largest.
    Max,
    /// The sum over the parts that these labels tell apart, else the largest. Of a device it is one label.
    Sum(Vec<String>),
}

impl Exporter {
    /// Its name, as its project calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dcgm => "dcgm-exporter",
            Self::Amd => "device-metrics-exporter",
            Self::Intel => "xpumanager",
        }
    }

    /// Where a line that turns a metric on is written.
    #[must_use]
    pub fn settings(self) -> &'static str {
        match self {
            Self::Dcgm => "the counters CSV of dcgm-exporter (the file that -f or DCGM_EXPORTER_COLLECTORS names)",
            Self::Amd => "the config.json of device-metrics-exporter",
            Self::Intel => "the settings of xpumanager",
        }
    }

    fn by_name(name: &str) -> Option<Self> {
        [Self::Dcgm, Self::Amd, Self::Intel].into_iter().find(|exporter| exporter.name() == name)
    }
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| parse(include_str!("../../../../assets/metrics.csv")).0);

/// All rows of GPUs, in the order of the file.
#[must_use]
pub fn rows() -> &'static [Row] {
    &CATALOGUE.gpus
}

/// All rows of serving engines, in the order of the file.
#[must_use]
pub fn engine_rows() -> &'static [EngineRow] {
    &CATALOGUE.engines
}

/// The rows of a metric in these exporters.
pub fn rows_of(metric: Metric, exporters: &BTreeSet<Exporter>) -> impl Iterator<Item = &'static Row> {
    rows().iter().filter(move |row| row.metric == metric && exporters.contains(&row.exporter))
}

/// Series that are there for every GPU.
pub fn identities() -> impl Iterator<Item = &'static str> {
    rows().iter().filter(|row| row.identity).flat_map(|row| row.names.iter().map(String::as_str))
}

/// Reads the file: its rows, and the lines that are none.
#[must_use]
pub fn parse(text: &str) -> (Catalogue, Vec<String>) {
    let (mut all, mut faults) = (Catalogue::default(), Vec::new());
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).skip(1) {
        let fields = fields(line);
        match (gpu_row(&fields), engine_row(&fields)) {
            (Some(row), _) => all.gpus.push(row),
            (None, Some(row)) => all.engines.push(row),
            (None, None) => faults.push(line.to_owned()),
        }
    }
    (all, faults)
}

fn gpu_row(fields: &[String]) -> Option<Row> {
    let row = row(fields, Metric::by_id, Exporter::by_name)?;
    let of_device = match &row.parts {
        Parts::Max => true,
        Parts::Sum(labels) => labels.len() == 1,
    };
    (of_device && row.kind.is_of_one_series()).then_some(row)
}

fn engine_row(fields: &[String]) -> Option<EngineRow> {
    let row = row(fields, ServingMetric::by_id, ServingEngine::by_id)?;
    // A sum of two names has no one name of buckets, and only a mean is of two.
    let one = row.names.len() == 1 && (row.kind == Kind::Mean || !row.names[0].contains('/'));
    (one && !matches!(row.kind, Kind::Total | Kind::Increase)).then_some(row)
}

fn row<M, E>(
    fields: &[String],
    metric_by_id: impl Fn(&str) -> Option<M>,
    exporter_by_name: impl Fn(&str) -> Option<E>,
) -> Option<Row<M, E>> {
    let [metric, exporter, name, kind, factor, parts, identity, default, enable, source] = fields else { return None };
    Some(Row {
        metric: metric_by_id(metric)?,
        exporter: exporter_by_name(exporter)?,
        names: name.split('+').map(str::to_owned).collect(),
        kind: match kind.as_str() {
            "gauge" => Kind::Gauge,
            "total" => Kind::Total,
            "increase" => Kind::Increase,
            "rate" => Kind::Rate,
            "p50" => Kind::Median,
            "p99" => Kind::P99,
            "mean" => Kind::Mean,
            kind => Kind::Label(kind.strip_prefix("label:").filter(|label| !label.is_empty())?.to_owned()),
        },
        factor: factor.parse::<f64>().is_ok_and(|factor| factor > 0.0 && factor.is_finite()).then(|| factor.clone())?,
        parts: match parts.split_once(':') {
            None if parts == "max" => Parts::Max,
            Some(("sum", labels)) => Parts::Sum(labels.split('+').map(str::to_owned).collect()),
            _ => return None,
        },
        identity: yes(identity, "yes", "no")?,
        default_on: yes(default, "on", "off")?,
        enable: (!enable.is_empty()).then(|| enable.replace("\\n", "\n")),
        source: (!source.is_empty()).then(|| source.clone())?,
    })
}

impl Kind {
    fn is_of_one_series(&self) -> bool {
        matches!(self, Self::Gauge | Self::Total | Self::Increase | Self::Rate)
    }
}

pub(crate) fn yes(field: &str, yes: &str, no: &str) -> Option<bool> {
    if field == yes { Some(true) } else { (field == no).then_some(false) }
}

/// Fields between commas; within quotes a comma is one, and two quotes are one.
pub(crate) fn fields(line: &str) -> Vec<String> {
    let (mut all, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => all.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    all.push(field);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read_and_every_metric_has_one() {
        let (Catalogue { gpus, engines }, faults) = parse(include_str!("../../../../assets/metrics.csv"));
        assert_eq!(faults, Vec::<String>::new());
        let of_gpus = Metric::ALL
            .iter()
            .filter(|metric| !gpus.iter().any(|row| row.metric == **metric))
            .map(|metric| metric.id());
        let of_engines = ServingMetric::ALL.iter().filter(|metric| !engines.iter().any(|row| row.metric == **metric));
        let without: Vec<&str> = of_gpus.chain(of_engines.map(|metric| metric.id())).collect();
        assert_eq!(without, Vec::<&str>::new());
        gpus.iter().for_each(is_whole);
        engines.iter().for_each(is_whole);
    }

    fn is_whole<M: std::fmt::Debug, E: std::fmt::Debug>(row: &Row<M, E>) {
        assert!(row.names.iter().all(|name| name.starts_with(|c: char| c.is_ascii_alphabetic())), "{row:?}");
        assert!(row.default_on || row.enable.is_some(), "off, and nothing says how to turn it on: {row:?}");
    }

    #[test]
    fn every_engine_has_series_that_tell_its_pods_and_no_name_is_there_twice_for_a_metric() {
        for engine in ServingEngine::ALL {
            assert!(engine_rows().iter().any(|row| row.exporter == *engine && row.identity), "{engine:?}");
        }
        let names: Vec<_> = engine_rows().iter().map(|row| (row.metric, &row.names)).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }

    #[test]
    fn a_row_that_is_none_is_found() {
        for wrong in [
            "util,dcgm-exporter,A,gauge,1,max,yes,on,",
            "watts,dcgm-exporter,A,gauge,1,max,yes,on,,x",
            "util,someone,A,gauge,1,max,yes,on,,x",
            "util,dcgm-exporter,A,summary,1,max,yes,on,,x",
            "util,dcgm-exporter,A,gauge,0,max,yes,on,,x",
            "util,dcgm-exporter,A,gauge,1,mean,yes,on,,x",
            "util,dcgm-exporter,A,gauge,1,max,maybe,on,,x",
            "util,dcgm-exporter,A,gauge,1,max,yes,on,,",
            "util,dcgm-exporter,A,p99,1,max,yes,on,,x",
            "util,dcgm-exporter,A,gauge,1,sum:a+b,yes,on,,x",
            "util,vllm,A,gauge,1,max,yes,on,,x",
            "waiting,dcgm-exporter,A,gauge,1,max,yes,on,,x",
            "waiting,vllm,A,total,1,max,yes,on,,x",
            "waiting,vllm,A+B,gauge,1,max,yes,on,,x",
            "waiting,vllm,A/B,gauge,1,max,yes,on,,x",
            "blocks,vllm,A,label:,1,max,no,on,,x",
            "util,dcgm-exporter,A,label:b,1,max,no,on,,x",
        ] {
            assert_eq!(parse(&format!("head\n{wrong}\n")).1, [wrong]);
        }
    }

    #[test]
    fn quotes_keep_commas_and_quotes() {
        assert_eq!(fields(r#"a,"b, ""c""",,d"#), ["a", "b, \"c\"", "", "d"]);
    }

    #[test]
    fn every_exporter_has_series_that_tell_its_gpus() {
        for exporter in [Exporter::Dcgm, Exporter::Amd, Exporter::Intel] {
            assert!(rows().iter().any(|row| row.exporter == exporter && row.identity), "{exporter:?}");
        }
    }
}

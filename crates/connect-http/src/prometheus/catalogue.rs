//! What exporters call the metrics of GPUs, read out of `assets/metrics.csv`.

use pilothouse_wire::Metric;
use std::{collections::BTreeSet, sync::LazyLock};

/// A name, or a sum of names, that an exporter gives a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The metric.
    pub metric: Metric,
    /// The exporter.
    pub exporter: Exporter,
    /// Names of series, with a selector where only some of them are meant. Several are added up.
    pub names: Vec<String>,
    /// What kind of number it is.
    pub kind: Kind,
    /// Times this it is in our unit, as it stands in a query.
    pub factor: String,
    /// How parts of a device become one value.
    pub parts: Parts,
    /// Is it there for every GPU?
    pub identity: bool,
    /// Is it on where nobody changed the exporter's settings?
    pub default_on: bool,
    /// The lines of the exporter's settings that turn it on, if there are such.
    pub enable: Option<String>,
    /// The project and the file that say so.
    pub source: String,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It goes up and down: as it is.
    Gauge,
    /// It only grows, and its size since the driver was loaded is what matters: as it is.
    Total,
    /// It only grows: how much in the last ten minutes.
    Increase,
    /// It only grows: how much a second, over the last five minutes.
    Rate,
}

/// How values of parts of a device (MIG instances, tiles), and of several targets, become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parts {
    /// The largest.
    Max,
    /// The sum over the parts that this label tells apart, else the largest.
    Sum(String),
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

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| parse(include_str!("../../../../assets/metrics.csv")).0);

/// All rows, in the order of the file.
#[must_use]
pub fn rows() -> &'static [Row] {
    &ROWS
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
pub fn parse(text: &str) -> (Vec<Row>, Vec<String>) {
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).skip(1) {
        match row(&fields(line)) {
            Some(row) => rows.push(row),
            None => faults.push(line.to_owned()),
        }
    }
    (rows, faults)
}

fn row(fields: &[String]) -> Option<Row> {
    let [metric, exporter, name, kind, factor, parts, identity, default, enable, source] = fields else { return None };
    Some(Row {
        metric: Metric::by_id(metric)?,
        exporter: Exporter::by_name(exporter)?,
        names: name.split('+').map(str::to_owned).collect(),
        kind: match kind.as_str() {
            "gauge" => Kind::Gauge,
            "total" => Kind::Total,
            "increase" => Kind::Increase,
            "rate" => Kind::Rate,
            _ => return None,
        },
        factor: factor.parse::<f64>().is_ok_and(|factor| factor > 0.0 && factor.is_finite()).then(|| factor.clone())?,
        parts: match parts.split_once(':') {
            None if parts == "max" => Parts::Max,
            Some(("sum", label)) => Parts::Sum(label.to_owned()),
            _ => return None,
        },
        identity: yes(identity, "yes", "no")?,
        default_on: yes(default, "on", "off")?,
        enable: (!enable.is_empty()).then(|| enable.replace("\\n", "\n")),
        source: (!source.is_empty()).then(|| source.clone())?,
    })
}

fn yes(field: &str, yes: &str, no: &str) -> Option<bool> {
    if field == yes { Some(true) } else { (field == no).then_some(false) }
}

/// Fields between commas; within quotes a comma is one, and two quotes are one.
fn fields(line: &str) -> Vec<String> {
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
        let (rows, faults) = parse(include_str!("../../../../assets/metrics.csv"));
        assert_eq!(faults, Vec::<String>::new());
        let without: Vec<&str> = Metric::ALL
            .iter()
            .filter(|metric| !rows.iter().any(|row| row.metric == **metric))
            .map(|metric| metric.id())
            .collect();
        assert_eq!(without, Vec::<&str>::new());
        for row in &rows {
            assert!(row.names.iter().all(|name| name.starts_with(|c: char| c.is_ascii_alphabetic())), "{row:?}");
            assert!(row.default_on || row.enable.is_some(), "off, and nothing says how to turn it on: {row:?}");
        }
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

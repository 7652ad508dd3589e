//! GPU workloads as lines, with what is measured of their GPUs together, and what their serving engines say.

use super::{
    Drawable, Listed, fleet,
    measured::Measured,
    serving::{self, ServingLine},
    status,
};
use crate::{
    columns::Column,
    picture::{FREE, HELD, bars},
    table::Cell,
};
use pilothouse_chart::{Bar, Sheet};
use pilothouse_wire::{
    Metric, ServingMetric, Stamp, View,
    filter::{Record, Value},
    units::{count, gpus},
    view::{WorkloadAt, WorkloadRow},
};
use serde::Serialize;
use std::borrow::Cow;

/// A workload with what is measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorkloadLine {
    #[serde(flatten)]
    row: WorkloadRow,
    /// What is measured of the GPUs that its pods hold alone, together.
    #[serde(flatten)]
    measured: Measured,
    /// What the serving engines of its pods say together; `null` where it has none that is measured.
    serving: Option<ServingLine>,
}

impl Listed for WorkloadLine {
    const WORD: &'static str = "workloads";
    const TITLE: &'static str = "GPU workloads";

    const COLUMNS: &'static [Column<Self>] = &[
        Column::usual("status", "STATUS", |line, _| status(line.row.status, &line.row.status_word)),
        Column::usual("name", "WORKLOAD", |line, _| Cell::text(&line.row.name)),
        Column::usual("kind", "KIND", |line, _| Cell::text(&line.row.kind)),
        Column::usual("cluster", "CLUSTER", |line, _| Cell::text(line.row.cluster().as_str())),
        Column::usual("namespace", "NAMESPACE", |line, _| Cell::text(&line.row.namespace)),
        Column::number("gpus", "GPUS", |line, _| Cell::text(gpus(line.row.gpus_held, line.row.shares_held))),
        Column::number("wanted", "WANTED", |line, _| Cell::text(gpus(line.row.gpus_wanted, line.row.shares_wanted))),
        Column::number("tensor", "TENSOR", |line, _| line.measured.show(Metric::TensorActive)),
        Column::roomy_number("util", "UTIL", |line, _| line.measured.show(Metric::Utilisation)),
        Column::roomy_number("power", "POWER", |line, _| line.measured.show(Metric::Power)),
        Column::roomy_number("temp", "MAX TEMP", |line, _| line.measured.show(Metric::Temperature)),
        Column::roomy("engine", "ENGINE", |line, _| serving::engine(&line.serving)),
        Column::roomy_number("waiting", "WAITING", |line, _| serving::show(&line.serving, ServingMetric::Waiting)),
        Column::roomy_number("kv", "KV", |line, _| serving::show(&line.serving, ServingMetric::KvUse)),
        Column::roomy_number("tokens", "TOKENS", |line, _| serving::show(&line.serving, ServingMetric::Generated)),
        Column::roomy_number("ttft", "TTFT", |line, _| serving::show(&line.serving, ServingMetric::FirstTokenMedian)),
        Column::number("ready", "READY", |line, _| Cell::text(format!("{}/{}", line.row.ready, line.row.pods))),
        Column::roomy_number("restarts", "RESTARTS", |line, _| Cell::text(line.row.restarts.to_string())),
        Column::roomy_number("created", "CREATED", |line, moment| moment.ago(line.row.created)),
        Column::roomy("team", "TEAM", |line, _| Cell::some(line.row.team.as_deref())),
        Column::more("measured", "MEASURED", |line, moment| moment.ago(line.measured.at())),
        Column::more("nodes", "NODES", |line, _| Cell::text(line.row.nodes.to_string())),
        Column::more("running", "RUNNING", |line, _| serving::show(&line.serving, ServingMetric::Running)),
        Column::more("ttft-p99", "TTFT P99", |line, _| serving::show(&line.serving, ServingMetric::FirstTokenP99)),
        Column::more("itl-p99", "ITL P99", |line, _| serving::show(&line.serving, ServingMetric::InterTokenP99)),
        Column::more("failed", "FAILED", |line, _| serving::show(&line.serving, ServingMetric::Failed)),
        Column::more("models", "MODELS", |line, _| serving::models(&line.serving)),
    ];

    fn is_whole(view: &View) -> bool {
        super::knows_gpus(view)
    }

    fn rows(view: &View, now: Stamp) -> Cow<'_, [Self]> {
        let Some(fleet) = fleet(view) else { return Cow::Borrowed(&[]) };
        let telemetry = &fleet.telemetry;
        let lines = fleet.workloads_at(now).map(|WorkloadAt { row, serving, at, .. }| Self {
            row: row.clone(),
            measured: Measured::new(
                telemetry.workloads.keys().map(|metric| (*metric, telemetry.read_workload(*metric, at))),
                telemetry.of_workloads.times.get(at),
                telemetry.workload_is_stale(at, now),
            ),
            serving: serving.map(|row| ServingLine::new(row, now)),
        });
        Cow::Owned(lines.collect())
    }
}

impl Drawable for WorkloadLine {
    /// GPUs held and wanted.
    #[allow(clippy::cast_precision_loss, reason = "GPUs")]
    fn draw(rows: &[&Self], _: &View, _: Stamp, mut sheet: Sheet) -> String {
        sheet.legend = vec![(HELD, "GPUs held".into()), (FREE, "GPUs wanted".into())];
        let bar = |line: &&Self| {
            let row = &line.row;
            let shares = if row.shares_held > 0 { format!(", {}", gpus(0, row.shares_held)) } else { String::new() };
            let wanted = match (row.gpus_wanted, row.shares_wanted) {
                (0, 0) => String::new(),
                (whole, shares) => format!(", {} wanted", gpus(whole, shares)),
            };
            let tensor = line.measured.fresh(Metric::TensorActive);
            let does = tensor.finite().map(|_| format!(", tensor {}", Metric::TensorActive.show(tensor)));
            Bar {
                label: format!("{} › {}/{}", row.cluster(), row.namespace, row.name),
                parts: vec![(row.gpus_held as f64, HELD), (row.gpus_wanted as f64, FREE)],
                value: format!("{} GPUs{shares}{wanted}{}", count(row.gpus_held), does.unwrap_or_default()),
            }
        };
        bars(rows.iter().map(bar).collect(), "GPUs", sheet)
    }
}

impl Record for WorkloadLine {
    const KEYS: &'static [&'static str] = WorkloadAt::KEYS;

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        serving::values(&self.row, &self.serving, key).or_else(|| self.measured.values(key))
    }
}

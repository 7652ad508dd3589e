//! Pods as lines, with what their serving engines say.

use super::{
    Listed, fleet,
    serving::{self, ServingLine},
    status,
};
use crate::{columns::Column, table::Cell};
use pilothouse_wire::{
    ObjectRef, ServingMetric, Stamp, View,
    filter::{Record, Value},
    units::{count, gpus},
    view::{Eviction, PodRow, Served},
};
use serde::Serialize;
use std::borrow::Cow;

/// A pod with what its engine says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PodLine {
    #[serde(flatten)]
    row: PodRow,
    /// What its serving engine says; `null` where it has none that is measured.
    serving: Option<ServingLine>,
}

impl Listed for PodLine {
    const WORD: &'static str = "pods";

    const COLUMNS: &'static [Column<Self>] = &[
        Column::usual("status", "STATUS", |Self { row, .. }, _| status(row.status, &row.status_word)),
        Column::usual("pod", "POD", |Self { row, .. }, _| Cell::text(&row.id.name)),
        Column::usual("namespace", "NAMESPACE", |Self { row, .. }, _| Cell::text(&row.id.namespace)),
        Column::usual("cluster", "CLUSTER", |Self { row, .. }, _| Cell::text(row.id.cluster.as_str())),
        Column::roomy("node", "NODE", |Self { row, .. }, _| Cell::some(row.node.as_deref())),
        Column::roomy("workload", "WORKLOAD", |Self { row, .. }, _| Cell::some(row.workload.as_deref())),
        Column::number("gpus", "GPUS", |Self { row, .. }, _| Cell::text(gpus(row.whole_gpus(), row.shares))),
        Column::roomy_number("ready", "READY", |Self { row, .. }, _| {
            Cell::text(format!("{}/{}", row.ready, row.containers))
        }),
        Column::roomy_number("restarts", "RESTARTS", |Self { row, .. }, _| Cell::text(count(u64::from(row.restarts)))),
        Column::number("age", "AGE", |Self { row, .. }, moment| moment.ago(row.created)),
        Column::roomy("engine", "ENGINE", |line, _| serving::engine(&line.serving)),
        Column::roomy_number("waiting", "WAITING", |line, _| serving::show(&line.serving, ServingMetric::Waiting)),
        Column::roomy_number("kv", "KV", |line, _| serving::show(&line.serving, ServingMetric::KvUse)),
        Column::roomy_number("tokens", "TOKENS", |line, _| serving::show(&line.serving, ServingMetric::Generated)),
        Column::more("team", "TEAM", |Self { row, .. }, _| Cell::some(row.team.as_deref())),
        Column::more("queue", "QUEUE", |Self { row, .. }, _| Cell::some(row.queue.as_deref())),
        Column::more("kind", "KIND", |Self { row, .. }, _| Cell::some(row.workload_kind.as_deref())),
        Column::more("owners", "OWNERS", |Self { row, .. }, _| Cell::text(row.owners.join(" "))),
        Column::more("requests", "REQUESTS", |Self { row, .. }, _| {
            let requests = row.requests.iter().map(|(key, number)| format!("{key}={number}"));
            Cell::text(requests.collect::<Vec<_>>().join(" "))
        }),
        Column::more("images", "IMAGES", |Self { row, .. }, _| Cell::text(row.images.join(" "))),
        Column::more("eviction", "EVICTION", |Self { row, .. }, _| match &row.eviction {
            Eviction::NotKnown => Cell::absent(),
            Eviction::May => Cell::text("may go"),
            Eviction::MayNot(budgets) => Cell::text(format!("held by {budgets}")),
        }),
        Column::more("started", "STARTED", |Self { row, .. }, moment| moment.ago(row.started)),
        Column::more("running", "RUNNING", |line, _| serving::show(&line.serving, ServingMetric::Running)),
        Column::more("ttft", "TTFT", |line, _| serving::show(&line.serving, ServingMetric::FirstTokenMedian)),
        Column::more("ttft-p99", "TTFT P99", |line, _| serving::show(&line.serving, ServingMetric::FirstTokenP99)),
        Column::more("itl-p99", "ITL P99", |line, _| serving::show(&line.serving, ServingMetric::InterTokenP99)),
        Column::more("failed", "FAILED", |line, _| serving::show(&line.serving, ServingMetric::Failed)),
        Column::more("models", "MODELS", |line, _| serving::models(&line.serving)),
        Column::more("seen", "SEEN", |Self { row, .. }, moment| moment.ago(Some(row.seen))),
    ];

    fn is_whole(view: &View) -> bool {
        super::knows_gpus(view)
    }

    fn tells(view: &View, column: &str) -> bool {
        column != "eviction" || super::knows_gpus_and_budgets(view)
    }

    fn rows(view: &View, now: Stamp) -> Cow<'_, [Self]> {
        let Some(fleet) = fleet(view) else { return Cow::Borrowed(&[]) };
        let lines = fleet.pods.rows().iter().map(|row| {
            let serving = fleet.serving.get(&ObjectRef::Pod(row.id.clone())).map(|row| ServingLine::new(row, now));
            Self { row: row.clone(), serving }
        });
        Cow::Owned(lines.collect())
    }
}

impl Record for PodLine {
    const KEYS: &'static [&'static str] = Served::<PodRow>::KEYS;

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        serving::values(&self.row, &self.serving, key)
    }
}

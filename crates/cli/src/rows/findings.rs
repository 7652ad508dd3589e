//! Findings as lines: what is wrong, whom it hits, the evidence, and what to do.

use super::{Listed, fleet, status};
use crate::{columns::Column, table::Cell};
use pilothouse_wire::{
    Stamp, View,
    filter::{Record, Value},
    units::count,
    view::Finding,
};
use serde::Serialize;
use std::borrow::Cow;

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FindingLine(Finding);

impl Listed for FindingLine {
    const WORD: &'static str = "findings";
    const NONE: Option<&'static str> = Some("Nothing is found to be wrong with nodes and their GPUs.");

    const COLUMNS: &'static [Column<Self>] = &[
        Column::usual("status", "STATUS", |Self(row), _| status(row.status, &row.word)),
        Column::usual("about", "ABOUT", |Self(row), _| {
            Cell::text(format!("{} {}", row.id.object.kind_word(), row.id.object.name()))
        }),
        Column::roomy("cluster", "CLUSTER", |Self(row), _| Cell::text(row.node.cluster.as_str())),
        Column::number("for", "FOR", |Self(row), moment| moment.ago(row.since)),
        Column::number("gpus", "GPUS", |Self(row), _| Cell::text(count(row.gpus.len() as u64))),
        Column::roomy("hits", "HITS", |Self(row), _| {
            let hit = row.workloads.iter().chain(&row.services).map(ToString::to_string);
            Cell::some(Some(hit.collect::<Vec<_>>().join(", ")).filter(|hit| !hit.is_empty()))
        }),
        Column::usual("evidence", "EVIDENCE", |Self(row), _| Cell::text(&row.evidence)),
        Column::usual("action", "WHAT TO DO", |Self(row), _| Cell::text(&row.action)),
        Column::more("claim", "CLAIM", |Self(row), _| Cell::text(&row.claim)),
        Column::more("command", "COMMAND", |Self(row), _| Cell::some(row.command.as_deref())),
        Column::more("rule", "RULE", |Self(row), _| Cell::text(&row.id.rule)),
        Column::more("node", "NODE", |Self(row), _| Cell::text(&row.node.name)),
        Column::more("pods", "PODS", |Self(row), _| {
            let pods = row.pods.iter().map(|pod| format!("{}/{}", pod.namespace, pod.name));
            Cell::text(pods.collect::<Vec<_>>().join(" "))
        }),
    ];

    fn is_whole(view: &View) -> bool {
        super::knows_gpus(view)
    }

    /// The worst first.
    fn rows(view: &View, _: Stamp) -> Cow<'_, [Self]> {
        let Some(fleet) = fleet(view) else { return Cow::Borrowed(&[]) };
        let mut rows: Vec<Self> = fleet.findings.rows().iter().cloned().map(Self).collect();
        rows.sort_by_key(|Self(row)| row.status);
        Cow::Owned(rows)
    }
}

impl Record for FindingLine {
    const KEYS: &'static [&'static str] = &[
        "status", "rule", "cluster", "node", "about", "gpus", "pod", "workload", "service", "claim", "evidence",
        "action",
    ];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        let Self(row) = self;
        Some(match key {
            "status" => vec![Value::text(&row.word), Value::text(row.status.alias())],
            "rule" => vec![Value::text(&row.id.rule)],
            "cluster" => vec![Value::text(row.node.cluster.as_str())],
            "node" => vec![Value::text(&row.node.name)],
            "about" => vec![Value::owned(row.id.object.name().to_string())],
            "gpus" => vec![Value::number(row.gpus.len())],
            "pod" => row.pods.iter().map(|pod| Value::text(&pod.name)).collect(),
            "workload" => row.workloads.iter().map(|name| Value::text(name)).collect(),
            "service" => row.services.iter().map(|name| Value::text(name)).collect(),
            "claim" => vec![Value::text(&row.claim)],
            "evidence" => vec![Value::text(&row.evidence)],
            "action" => vec![Value::text(&row.action)],
            _ => return None,
        })
    }
}

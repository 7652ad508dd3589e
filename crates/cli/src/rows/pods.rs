//! Pods as lines.

use super::{Listed, fleet, status};
use crate::{columns::Column, table::Cell};
use pilothouse_wire::{Stamp, View, units::count, view::PodRow};
use std::borrow::Cow;

impl Listed for PodRow {
    const WORD: &'static str = "pods";

    const COLUMNS: &'static [Column<Self>] = &[
        Column::usual("status", "STATUS", |row, _| status(row.status, &row.status_word)),
        Column::usual("pod", "POD", |row, _| Cell::text(&row.id.name)),
        Column::usual("namespace", "NAMESPACE", |row, _| Cell::text(&row.id.namespace)),
        Column::usual("cluster", "CLUSTER", |row, _| Cell::text(row.id.cluster.as_str())),
        Column::roomy("node", "NODE", |row, _| Cell::some(row.node.as_deref())),
        Column::roomy("workload", "WORKLOAD", |row, _| Cell::some(row.workload.as_deref())),
        Column::number("gpus", "GPUS", |row, _| Cell::text(count(row.gpus))),
        Column::roomy_number("ready", "READY", |row, _| Cell::text(format!("{}/{}", row.ready, row.containers))),
        Column::roomy_number("restarts", "RESTARTS", |row, _| Cell::text(count(u64::from(row.restarts)))),
        Column::number("age", "AGE", |row, moment| moment.ago(row.created)),
        Column::more("team", "TEAM", |row, _| Cell::some(row.team.as_deref())),
        Column::more("queue", "QUEUE", |row, _| Cell::some(row.queue.as_deref())),
        Column::more("kind", "KIND", |row, _| Cell::some(row.workload_kind.as_deref())),
        Column::more("owners", "OWNERS", |row, _| Cell::text(row.owners.join(" "))),
        Column::more("requests", "REQUESTS", |row, _| {
            let requests = row.requests.iter().map(|(key, number)| format!("{key}={number}"));
            Cell::text(requests.collect::<Vec<_>>().join(" "))
        }),
        Column::more("images", "IMAGES", |row, _| Cell::text(row.images.join(" "))),
        Column::more("started", "STARTED", |row, moment| moment.ago(row.started)),
        Column::more("seen", "SEEN", |row, moment| moment.ago(Some(row.seen))),
    ];

    fn rows(view: &View, _: Stamp) -> Cow<'_, [Self]> {
        fleet(view).map_or(Cow::Borrowed(&[]), |fleet| Cow::Borrowed(fleet.pods.rows()))
    }
}

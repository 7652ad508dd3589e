//! Clusters as lines. The fleet command shows them with their sources.

use crate::{
    columns::{Column, freshness},
    out::Tone,
    table::Cell,
};
use pilothouse_wire::{Freshness, units::sum, view::ClusterRow};

/// A cluster as a line.
pub struct ClusterLine;

impl ClusterLine {
    /// The columns of clusters.
    pub const COLUMNS: &'static [Column<ClusterRow>] = &[
        Column::usual("cluster", "CLUSTER", |row, _| Cell::text(row.id.as_str())),
        Column::usual("source", "SOURCE", |row, moment| {
            let source = moment.sources.iter().find(|source| source.id == row.id);
            source.map_or_else(Cell::absent, |source| {
                Cell::text(freshness(source, moment.now)).tone(freshness_tone(source.freshness))
            })
        }),
        Column::usual("version", "VERSION", |row, _| Cell::some(row.version.as_deref())),
        Column::number("nodes", "NODES", |row, _| Cell::text(sum(row.nodes))),
        Column::number("gpus", "GPUS", |row, _| Cell::text(sum(row.gpus))),
        Column::number("held", "HELD", |row, _| Cell::text(sum(row.gpus_held))),
        Column::number("pods", "PODS", |row, _| Cell::text(sum(row.pods))),
        Column::usual("note", "NOT VISIBLE", |row, _| Cell::text(row.not_visible.as_deref().unwrap_or_default())),
    ];
}

/// The colour of a freshness; its word says it, too.
pub fn freshness_tone(freshness: Freshness) -> Tone {
    match freshness {
        Freshness::Live => Tone::Good,
        Freshness::Starting => Tone::Progress,
        Freshness::Slow | Freshness::Partial | Freshness::Stale => Tone::Warn,
        Freshness::Lost => Tone::Bad,
        Freshness::Paused => Tone::Soft,
    }
}

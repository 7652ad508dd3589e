//! What can be listed: each kind of row with its columns and where it stands in a view.

mod alerts;
mod artifacts;
mod clusters;
mod connections;
pub mod delivery;
mod findings;
mod gpus;
mod measured;
mod models;
mod nodes;
mod pods;
pub mod room;
mod serving;
mod waste;
mod workloads;

pub use clusters::ClusterLine;
pub use connections::ConnectionLine;
pub use findings::FindingLine;
pub use gpus::GpuLine;
pub use nodes::NodeLine;
pub use pods::PodLine;
pub use serving::ServingLine;
pub use workloads::WorkloadLine;

use crate::{columns::Column, out::Tone, table::Cell};
use pilothouse_chart::Sheet;
use pilothouse_wire::{
    Stamp, View, ViewSpec,
    filter::Record,
    view::{ClusterRow, FleetSpec, FleetView, Status},
};
use serde::Serialize;
use std::borrow::Cow;

/// Rows that can be listed.
pub trait Listed: Record + Serialize + Clone + 'static {
    /// What they are called: the command, and the key in JSON.
    const WORD: &'static str;
    /// What a drawing of them is called.
    const TITLE: &'static str = Self::WORD;
    /// What is to be said where there are none at all.
    const NONE: Option<&'static str> = None;
    /// Their columns.
    const COLUMNS: &'static [Column<Self>];

    /// The view that they stand in.
    fn spec() -> ViewSpec {
        ViewSpec::Fleet(FleetSpec::default())
    }

    /// The rows of a view as of a time.
    fn rows(view: &View, now: Stamp) -> Cow<'_, [Self]>;

    /// Is all of it read that can be?
    fn is_whole(_: &View) -> bool {
        true
    }

    /// Is all of it read that this column tells, where somebody asks for it?
    fn tells(_: &View, _: &str) -> bool {
        true
    }

    /// What of the fleet has to be read before these are concluded from it.
    fn rests_on() -> Option<fn(&View) -> bool> {
        None
    }
}

/// Is it known of each cluster how many GPUs it has? Those that claims give out are read later than all else.
pub fn knows_gpus(view: &View) -> bool {
    let is_read = |row: &ClusterRow| row.gpus.exact().is_some() || row.nodes.exact().is_none();
    fleet(view).is_none_or(|fleet| fleet.clusters.rows().iter().all(is_read))
}

/// Is it known of each cluster, too, which pods disruption budgets let go, as far as it may be known?
pub fn knows_gpus_and_budgets(view: &View) -> bool {
    let is_told = |row: &ClusterRow| row.budgets_told || row.nodes.exact().is_none();
    knows_gpus(view) && fleet(view).is_none_or(|fleet| fleet.clusters.rows().iter().all(is_told))
}

/// Rows that can be drawn.
pub trait Drawable: Listed {
    /// Draws these rows of a view as of a time.
    fn draw(rows: &[&Self], view: &View, now: Stamp, sheet: Sheet) -> String;
}

fn fleet(view: &View) -> Option<&FleetView> {
    match view {
        View::Fleet(fleet) => Some(fleet),
        View::Connections(_)
        | View::Ribbon(_)
        | View::Object(_)
        | View::Room(_)
        | View::Waste(_)
        | View::Notices(_)
        | View::Actions(_)
        | View::Models(_)
        | View::Artifacts(_)
        | View::Delivery(_)
        | View::Rollout(_)
        | View::Lineage(_)
        | View::ArtifactServes(_)
        | View::Bench(_) => None,
    }
}

/// The colour of a status; its words say it, too.
pub fn tone(status: Status) -> Tone {
    match status {
        Status::Bad => Tone::Bad,
        Status::Warn => Tone::Warn,
        Status::Unknown => Tone::Soft,
        Status::Progress => Tone::Progress,
        Status::Good => Tone::Good,
    }
}

fn status(status: Status, word: &str) -> Cell {
    Cell::text(word).tone(tone(status))
}

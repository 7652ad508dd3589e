//! What the screens and the terminal show: rows and summaries, projected from the world by the engine.

pub mod connections;
pub mod fleet;
pub mod object;
pub mod ribbon;

pub use connections::{Attempt, ConnectionRow, ConnectionsView, OfferedContext, VaultState};
pub use fleet::{
    ClusterRow, Condition, FleetSpec, FleetSummary, FleetView, GpuCell, GpuResource, GpuState, NodeRow, PodRow, Status,
};
pub use object::{EventRow, FieldRow, FindingRow, ObjectView};
pub use ribbon::{Lane, Mark, MarkKind, RibbonView};

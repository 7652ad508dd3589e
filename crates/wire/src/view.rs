//! What the screens and the terminal show: rows and summaries, projected from the world by the engine.

pub mod alert;
pub mod artifacts;
pub mod cell;
pub mod connections;
pub mod delivery;
pub mod difference;
pub mod finding;
pub mod fleet;
pub mod funnel;
pub mod gpu;
pub mod lineage;
pub mod measured;
pub mod models;
mod node;
pub mod object;
pub mod ribbon;
pub mod room;
pub mod serving;
pub mod telemetry;
pub mod waste;
pub mod workload;

pub use alert::{AlertRow, AlertState};
pub use artifacts::{ArtifactServesRow, ArtifactServesView, ArtifactsView, RepositoryId, RepositoryRow, TagRow};
pub use cell::{GpuAt, GpuCell, GpuDevice, GpuState, Method};
pub use connections::{Attempt, ConnectionRow, ConnectionsView, OfferedContext, OfferedService, VaultState};
pub use delivery::{
    AnalysisPhase, AnalysisRow, AnalysisVerdict, DeliveryPhase, DeliveryRow, DeliveryView, Guard, MeasurementRow,
    MetricRow, Occasion, RolloutView, Step,
};
pub use difference::{Change, DifferKind, Difference, Differs, FieldChange};
pub use finding::{Finding, FindingId};
pub use fleet::{
    ClusterRow, Condition, Eviction, FleetSpec, FleetSummary, FleetView, GpuResource, NodeRow, PodRow, Status,
};
pub use funnel::{Funnel, FunnelKind, FunnelStep, Loss};
pub use gpu::GpuRow;
pub use lineage::{
    ContainerImage, ContainerStart, GoneStart, Lineage, LineageLink, LineageOf, LineageVerdict, LineageView, PodImages,
    PodStart, ServedRow, ServesRow, WorkloadImages, WorkloadStarts,
};
pub use measured::{NodeAt, WorkloadAt};
pub use models::{AliasRow, AliasStay, ModelRow, ModelsSpec, ModelsView, Readiness, VersionLine, VersionRow};
pub use object::{EventRow, FieldRow, FindingRow, MeasuredView, ObjectView, Past, Series};
pub use ribbon::{Lane, LaneKind, Mark, MarkKind, RibbonView};
pub use room::{
    Move, PartRoom, PendingPod, PendingWhy, PoolKind, PoolRoom, Relief, RoomView, Score, SizeRoom, Stranded,
    StrandedWhy,
};
pub use serving::{Served, ServingRow};
pub use telemetry::{Missing, TelemetryPatch, TelemetryView, Times, Together};
pub use waste::{Verdict, Waste, WasteId, WasteItem, WasteRule, WasteTally};
pub use workload::WorkloadRow;

//! The shape of each kind of change, around its middle: readable without colour.

use leptos::prelude::*;
use pilothouse_wire::{
    units::visible,
    view::{Mark, MarkKind, Status},
};

/// The class that colours a change.
#[must_use]
pub fn tone(mark: &Mark) -> &'static str {
    match mark.key.kind {
        MarkKind::Bookmark => "change note",
        MarkKind::Acted if mark.status == Status::Bad => "change bad",
        MarkKind::Acted if mark.status == Status::Warn => "change warn",
        MarkKind::Acted => "change note",
        MarkKind::Slowdown => "change warn",
        MarkKind::Config => "change",
        MarkKind::ConnectionLost | MarkKind::Fault => "change bad",
        MarkKind::Condition if mark.status == Status::Bad => "change bad",
        MarkKind::Alert if mark.status == Status::Bad => "change bad",
        MarkKind::Alert if mark.status != Status::Warn => "change quiet",
        MarkKind::Alert | MarkKind::Condition | MarkKind::Cordon => "change warn",
        MarkKind::ConnectionFound | MarkKind::AlertOver => "change good",
        MarkKind::Deploy | MarkKind::TagMoved | MarkKind::Weight | MarkKind::ModelAlias | MarkKind::ModelStage => {
            "change"
        }
        MarkKind::ModelVersion if mark.status == Status::Bad => "change bad",
        MarkKind::Scale
        | MarkKind::NodeCame
        | MarkKind::NodeWent
        | MarkKind::JobBegan
        | MarkKind::JobEnded
        | MarkKind::ModelVersion => "change quiet",
        MarkKind::Phase | MarkKind::Analysis if mark.status == Status::Bad => "change bad",
        MarkKind::Phase | MarkKind::Analysis if mark.status == Status::Warn => "change warn",
        MarkKind::Phase | MarkKind::Analysis if mark.status == Status::Good => "change good",
        MarkKind::Phase | MarkKind::Analysis | MarkKind::Step => "change quiet",
        MarkKind::PodPlaced | MarkKind::PodGone => "change tick",
    }
}

/// The class of a change's sign: its colour, and whether it was rebuilt, which is drawn dashed and hollow.
#[must_use]
pub fn class(mark: &Mark) -> String {
    format!("{}{}", tone(mark), if mark.rebuilt { " rebuilt" } else { "" })
}

/// What a kind of change is called.
#[must_use]
pub fn word(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Bookmark => "note",
        MarkKind::Acted => "done by a person",
        MarkKind::Slowdown => "slowed",
        MarkKind::Config => "settings changed",
        MarkKind::ConnectionLost => "connection lost",
        MarkKind::Fault => "fault",
        MarkKind::Alert => "alert",
        MarkKind::AlertOver => "alert over",
        MarkKind::Condition => "condition",
        MarkKind::ConnectionFound => "connection found",
        MarkKind::Cordon => "cordon or taint",
        MarkKind::Deploy => "new revision",
        MarkKind::Scale => "scale",
        MarkKind::NodeCame => "node came",
        MarkKind::NodeWent => "node went",
        MarkKind::PodPlaced => "pod placed",
        MarkKind::PodGone => "pod gone",
        MarkKind::JobBegan => "job began",
        MarkKind::JobEnded => "job done",
        MarkKind::ModelAlias => "alias moved",
        MarkKind::ModelVersion => "new model version",
        MarkKind::ModelStage => "stage changed",
        MarkKind::TagMoved => "tag moved",
        MarkKind::Weight => "traffic",
        MarkKind::Step => "step",
        MarkKind::Phase => "phase",
        MarkKind::Analysis => "analysis",
    }
}

/// The shape, to be moved to its place.
#[must_use]
pub fn shape(kind: MarkKind) -> AnyView {
    let path = |d: &'static str| view! { <path d=d fill="none" stroke="currentColor" stroke-width="1.5" /> };
    let filled = |d: &'static str| view! { <path d=d fill="currentColor" /> };
    match kind {
        MarkKind::ConnectionLost | MarkKind::Fault => view! {
            {filled("M-5-5H5V5H-5Z")}
            <path class="gap" d="m-2.2-2.2 4.4 4.4M2.2-2.2-2.2 2.2" fill="none" stroke-width="1.5" />
        }
        .into_any(),
        MarkKind::Bookmark => filled("M-4-6H-2.5V6H-4ZM-2.5-6H5L3-3 5 0H-2.5Z").into_any(),
        // A hand's tap: a ring around a point.
        MarkKind::Acted => view! {
            <circle r="5" fill="none" stroke="currentColor" stroke-width="1.5" />
            <circle r="2" fill="currentColor" />
        }
        .into_any(),
        // Two chevrons: on to more traffic; one for a step.
        MarkKind::Weight => path("M-4.5 0 0-4.5 4.5 0M-4.5 5 0 .5 4.5 5").into_any(),
        MarkKind::Step => path("M-4.5 2.5 0-2 4.500 2.500").into_any(),
        MarkKind::Phase => {
            path("M0-4.600A4.600 4.600 0 1 1 0 4.600 4.600 4.600 0 1 1 0-4.600M0-1.500V1.500").into_any()
        }
        MarkKind::Analysis | MarkKind::Condition | MarkKind::Slowdown => filled("M0-5 5.5 4.5H-5.5Z").into_any(),
        MarkKind::Config => path("M0-5 5 0 0 5-5 0Z").into_any(),
        MarkKind::Alert => path("M-4.6 3.4H4.6L3.4 1.2V-1.4A3.4 3.4 0 0 0-3.4-1.4V1.2ZM-1.4 5.4H1.4").into_any(),
        MarkKind::ConnectionFound | MarkKind::AlertOver => view! { <circle r="4.5" fill="currentColor" /> }.into_any(),
        MarkKind::Cordon => view! {
            <circle r="4.6" fill="none" stroke="currentColor" stroke-width="1.5" />
            {path("M-3.2 3.2 3.2-3.2")}
        }
        .into_any(),
        MarkKind::Deploy => filled("M0-5 5 4H-5Z").into_any(),
        MarkKind::Scale => path("M0-5V5M-3-2 0-5 3-2M-3 2 0 5 3 2").into_any(),
        MarkKind::NodeCame => path("M-4.5-4.5H4.5V4.5H-4.5ZM-2.5 0H2.5M0-2.5V2.5").into_any(),
        MarkKind::NodeWent => path("M-4.5-4.5H4.5V4.5H-4.5ZM-2.5 0H2.5").into_any(),
        // A bar, as of a run, with its beginning or its end.
        MarkKind::JobBegan => filled("M-5-5H-3.5V-2H6V2H-3.5V5H-5Z").into_any(),
        MarkKind::JobEnded => filled("M5-5H3.5V-2H-6V2H3.5V5H5Z").into_any(),
        // A tag with its hole: hollow for an alias, halved for a stage, filled for a version.
        MarkKind::ModelAlias => path("M-5.5 0-2-4.5H5V4.5H-2ZM-2-.5V.5").into_any(),
        MarkKind::ModelStage => path("M-5.5 0-2-4.5H5V4.5H-2ZM1.5-4.5V4.5").into_any(),
        MarkKind::ModelVersion => filled("M-5.5 0-2-4.5H5V4.5H-2Z").into_any(),
        // A sheet that lies over another.
        MarkKind::TagMoved => path("M-5-1.5H2V5.5H-5ZM-2-4.5H5V2.5").into_any(),
        MarkKind::PodPlaced | MarkKind::PodGone => {
            view! { <path d="M0-4V4" stroke="currentColor" stroke-width="1" /> }.into_any()
        }
    }
}

/// That nobody saw a change happen, beside it.
#[must_use]
pub fn rebuilt(mark: &Mark) -> Option<&'static str> {
    mark.rebuilt.then_some("rebuilt")
}

/// A change as one spoken line: what, about what, where, when.
#[must_use]
pub fn spoken(mark: &Mark) -> String {
    let detail = mark.detail.as_ref().map(|detail| format!(", {detail}")).unwrap_or_default();
    let object = &mark.key.object;
    let by = mark.by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
    let rebuilt = if mark.rebuilt { ", rebuilt from what the server keeps" } else { "" };
    visible(&format!(
        "{}, {}{detail}{by}{rebuilt}, {} {}, {}, {} UTC",
        word(mark.key.kind),
        mark.title,
        object.kind_word(),
        object.name(),
        object.connection(),
        mark.key.at.clock(),
    ))
}

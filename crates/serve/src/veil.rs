//! What a wall is not sent of the views that it shows: what persons wrote down for each other, notes on the ribbon and the
//! labels and runbooks of alerts, whose names and summaries are what they are sent round for; and what this machine said of
//! a gap of the record, whose reason is enough.

use pilothouse_wire::{
    Body, Frame, Patch, View,
    record::Gap,
    view::{AlertRow, Mark, MarkKind},
};
use std::{borrow::Cow, sync::Arc};

/// A frame as a wall may be sent it.
pub(crate) fn for_walls(frame: &Frame) -> Cow<'_, Frame> {
    if !has_private(&frame.body) {
        return Cow::Borrowed(frame);
    }
    let mut frame = frame.clone();
    match &mut frame.body {
        Body::Full(View::Ribbon(ribbon)) => {
            ribbon.marks = ribbon.marks.rows().iter().filter(|mark| !is_note(mark)).cloned().map(nameless).collect();
            ribbon.gaps.iter_mut().for_each(|gap| gap.detail.clear());
        }
        Body::Full(View::Fleet(fleet)) => {
            let alerts = fleet.alerts.rows().iter().cloned().map(bare).collect();
            Arc::make_mut(fleet).alerts = alerts;
        }
        Body::Patch { patch: Patch::Ribbon(patch), .. } => {
            patch.marks.set.retain(|mark| !is_note(mark));
            patch.marks.set = std::mem::take(&mut patch.marks.set).into_iter().map(nameless).collect();
            patch.gaps.iter_mut().flatten().for_each(|gap| gap.detail.clear());
        }
        Body::Patch { patch: Patch::Fleet(patch), .. } => {
            if let Some(alerts) = &mut patch.alerts {
                alerts.set = std::mem::take(&mut alerts.set).into_iter().map(bare).collect();
            }
        }
        Body::Full(_) | Body::Patch { .. } | Body::Same { .. } => {}
    }
    Cow::Owned(frame)
}

fn has_private(body: &Body) -> bool {
    match body {
        Body::Full(View::Ribbon(ribbon)) => ribbon.marks.rows().iter().any(is_persons) || has_detail(&ribbon.gaps),
        Body::Full(View::Fleet(fleet)) => !fleet.alerts.is_empty(),
        Body::Patch { patch: Patch::Ribbon(patch), .. } => {
            patch.marks.set.iter().any(is_persons) || patch.gaps.as_deref().is_some_and(has_detail)
        }
        Body::Patch { patch: Patch::Fleet(patch), .. } => patch.alerts.is_some(),
        Body::Full(_) | Body::Patch { .. } | Body::Same { .. } => false,
    }
}

fn has_detail(gaps: &[Gap]) -> bool {
    gaps.iter().any(|gap| !gap.detail.is_empty())
}

fn is_persons(mark: &Mark) -> bool {
    mark.key.kind.is_persons()
}

/// What somebody did is told; who it was, is not.
fn nameless(mark: Mark) -> Mark {
    if mark.key.kind == MarkKind::Acted { Mark { by: None, ..mark } } else { mark }
}

fn is_note(mark: &Mark) -> bool {
    mark.key.kind == MarkKind::Bookmark
}

fn bare(alert: AlertRow) -> AlertRow {
    AlertRow { labels: Vec::new(), runbook: None, ..alert }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        AlertId, ConnectionId, ObjectRef, Rev, Stamp, When,
        record::Missing,
        view::{AlertState, FleetView, RibbonView, Status, ribbon::MarkKey},
    };

    fn frame(body: Body) -> Frame {
        Frame { rev: Rev(2), as_of: Stamp(5), when: When::Now, sources: Vec::new(), dropped: 0, gap: None, body }
    }

    fn mark(kind: MarkKind) -> Mark {
        let object = ObjectRef::Connection(ConnectionId::slug("iad"));
        Mark { title: "canary".into(), ..Mark::of(MarkKey { at: Stamp(1), object, kind }) }
    }

    fn alert() -> AlertRow {
        AlertRow {
            id: AlertId { source: ConnectionId::slug("am"), name: "Slow".into(), fingerprint: "f".into() },
            severity: None,
            status: Status::Bad,
            state: AlertState::Firing,
            since: Stamp(1),
            summary: Some("It is slow.".into()),
            about: None,
            labels: vec![("team".into(), "canary".into())],
            runbook: Some("https://canary".into()),
        }
    }

    #[test]
    fn a_wall_is_sent_no_note_label_or_runbook_whole_or_in_a_patch() {
        let detail = "canary: the disk is full".into();
        let ribbon = RibbonView {
            marks: [mark(MarkKind::Bookmark), mark(MarkKind::Fault)].into_iter().collect(),
            gaps: vec![Gap { since: None, until: None, why: Missing::NotWritten, detail }],
            ..RibbonView::default()
        };
        let fleet = FleetView { alerts: [alert()].into_iter().collect(), ..FleetView::default() };
        let patches =
            [Patch::Ribbon(RibbonView::default().diff(&ribbon)), Patch::Fleet(FleetView::default().diff(&fleet))];
        let whole = [View::Ribbon(ribbon), View::Fleet(Arc::new(fleet))].map(Body::Full);
        let patched = patches.map(|patch| Body::Patch { base: Rev(1), patch });
        for body in whole.into_iter().chain(patched) {
            let frame = frame(body);
            let text = format!("{:?}", for_walls(&frame).body);
            // The fault has the same words: of the two marks it alone is there.
            assert!(
                text.matches("canary").count() <= 1 && !text.contains("Bookmark") && !text.contains("https"),
                "{text}"
            );
            assert!(text.contains("Fault") || text.contains("It is slow."), "{text}");
        }
    }

    #[test]
    fn what_has_nothing_of_it_is_not_copied() {
        let frame = frame(Body::Same { base: Rev(1) });
        assert!(matches!(for_walls(&frame), Cow::Borrowed(_)));
    }
}

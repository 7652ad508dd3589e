//! What a wall is not sent of the views that it shows: what persons wrote down for each other, notes on the ribbon and the
//! labels and runbooks of alerts, whose names and summaries are what they are sent round for; what this machine said of
//! a gap of the record, whose reason is enough; and names of Secrets, of which it is told that they are others.

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
    mark.key.kind.is_persons() || names_secret(&mark.title) || mark.detail.as_deref().is_some_and(names_secret)
}

fn names_secret(text: &str) -> bool {
    text.split(' ').any(|word| word == SECRET)
}

/// What somebody did is told; who it was, is not. Nor is which Secret a workload was given.
fn nameless(mark: Mark) -> Mark {
    let by = mark.by.filter(|_| mark.key.kind != MarkKind::Acted);
    Mark { by, title: without_secrets(&mark.title), detail: mark.detail.as_deref().map(without_secrets), ..mark }
}

/// The word behind which the name of a Secret stands in what changed (`world::template`).
const SECRET: &str = "Secret";

/// `chat Secret a → b, revision 2 → 3` without the names: `chat a Secret → another, revision 2 → 3`.
fn without_secrets(text: &str) -> String {
    let mut words = text.split(' ').peekable();
    let mut told: Vec<&str> = Vec::new();
    while let Some(word) = words.next() {
        told.push(if word == SECRET { "a Secret" } else { word });
        // The name, and behind an arrow the one that took its place. A comma belongs to the line.
        let mut last = words.next_if(|_| word == SECRET).unwrap_or_default();
        if word == SECRET && !last.ends_with(',') && words.next_if_eq(&"→").is_some() {
            told.push("→ another");
            last = words.next().unwrap_or_default();
        }
        if last.ends_with(',') {
            told.push(",");
        }
    }
    told.join(" ").replace(" ,", ",")
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
    fn of_a_secret_a_wall_is_told_that_it_is_another_one_and_not_its_name() {
        let of = |title: &str, detail: &str| Mark {
            title: title.into(),
            detail: Some(detail.into()),
            ..mark(MarkKind::Config)
        };
        let told = [
            (of("chat Secret canary-a → canary-b", "revision 2 → 3"), "chat a Secret → another", "revision 2 → 3"),
            (
                of("chat + Secret canary", "− Secret canary, revision 2 → 3"),
                "chat + a Secret",
                "− a Secret, revision 2 → 3",
            ),
            (
                of("chat v2", "x:1 → x:2, Secret canary → canary2, ConfigMap a → b, revision 1 → 2"),
                "chat v2",
                "x:1 → x:2, a Secret → another, ConfigMap a → b, revision 1 → 2",
            ),
        ];
        for (mark, title, detail) in told {
            let ribbon = RibbonView { marks: [mark].into_iter().collect(), ..RibbonView::default() };
            let patch = Patch::Ribbon(RibbonView::default().diff(&ribbon));
            for body in [Body::Full(View::Ribbon(ribbon)), Body::Patch { base: Rev(1), patch }] {
                let text = format!("{:?}", for_walls(&frame(body)).body);
                assert!(!text.contains("canary"), "{text}");
                assert!(text.contains(&format!("{title:?}")) && text.contains(&format!("{detail:?}")), "{text}");
            }
        }
        // What people call so is no Secret.
        assert_eq!(without_secrets("Secretary came, of secret-a"), "Secretary came, of secret-a");
    }

    #[test]
    fn what_has_nothing_of_it_is_not_copied() {
        let frame = frame(Body::Same { base: Rev(1) });
        assert!(matches!(for_walls(&frame), Cow::Borrowed(_)));
    }
}

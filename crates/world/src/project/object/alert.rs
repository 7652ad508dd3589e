//! An alert in the inspector.

use super::{Part, field, mono};
use crate::{World, alert};
use pilothouse_wire::{
    AlertId, ObjectRef,
    view::{AlertRow, FieldRow, FindingRow},
};

pub(super) fn part(world: &World, id: &AlertId) -> Option<Part> {
    let row = alert::find(world, id)?;
    let about = row.about.as_ref().map(|object| FieldRow {
        link: Some(object.clone()),
        ..field("About", Some(format!("{} {}", object.kind_word(), object.name())))
    });
    let mut identity = vec![
        field("Severity", row.severity.as_ref().map(ToString::to_string)),
        field("State", Some(row.state.word().to_owned())),
        field("Since", Some(row.since.to_string())),
        field("Summary", row.summary.clone()),
        about.unwrap_or_else(|| field("About", None)),
        mono("Runbook", row.runbook.clone()),
    ];
    identity.extend(row.labels.iter().map(|(name, value)| FieldRow {
        label: name.clone(),
        value: Some(value.to_string()),
        mono: true,
        link: None,
    }));
    Some(Part {
        status: row.status,
        status_word: row.state.word().into(),
        identity,
        findings: Vec::new(),
        holding: Vec::new(),
        regarding: None,
        around: row.about.into_iter().collect(),
    })
}

/// The alerts about an object, as claims about it, and as what its changes belong to.
pub(super) fn about(world: &World, object: &ObjectRef) -> (Vec<FindingRow>, Vec<ObjectRef>) {
    let all: Vec<AlertRow> = alert::rows(world).filter(|row| row.about.as_ref() == Some(object)).collect();
    // Of what nobody is told stands among the changes alone.
    let claims = all.iter().filter(|row| row.state.is_told()).map(claim).collect();
    (claims, all.into_iter().map(|row| ObjectRef::Alert(Box::new(row.id))).collect())
}

fn claim(row: &AlertRow) -> FindingRow {
    let severity = row.severity.as_ref().map(|severity| format!(", severity {severity}")).unwrap_or_default();
    FindingRow {
        status: row.status,
        claim: format!("Alert {}", row.id.name),
        since: Some(row.since),
        effect: row.summary.clone().unwrap_or_default(),
        evidence: format!("{} of {}{severity}", row.state.word(), row.id.source),
        command: None,
    }
}

//! What is wrong, as the findings, alerts, workloads and sources of a fleet say it: the same that every screen shows.

use pilothouse_wire::{
    ConnectionId, Freshness, ObjectRef, SmolStr,
    frame::SourceState,
    notice::NoticeKind,
    view::{AlertRow, Finding, FindingId, FleetView, Status, WorkloadRow},
};

use std::collections::HashMap;

/// A thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What tells it from others: the object, and what is wrong with it.
    pub id: FindingId,
    /// As what a person asks for it.
    pub kind: NoticeKind,
    /// How bad it is.
    pub status: Status,
    /// In a line, with where it is.
    pub title: String,
    /// A sentence.
    pub text: String,
}

/// All that is wrong and not of the demo fleet, which needs nobody.
#[must_use]
pub fn wrong(view: &FleetView, sources: &[SourceState]) -> Vec<Wrong> {
    let of: HashMap<&ConnectionId, &SourceState> = sources.iter().map(|source| (&source.id, source)).collect();
    let is_demo = |id: &ConnectionId| of.get(id).is_some_and(|source| source.demo);
    let is_lost = |object: &ObjectRef| match object {
        ObjectRef::Connection(id) => of.get(id).is_some_and(|source| status_of(source.freshness).is_some()),
        _ => false,
    };
    // That a source is lost says why it measures nothing.
    let findings = view.findings.rows().iter().filter(|finding| !is_lost(&finding.id.object)).map(of_finding);
    let alerts = view.alerts.rows().iter().filter(|alert| alert.state.is_told()).map(of_alert);
    let workloads = view.workloads.rows().iter().filter(|row| row.status == Status::Bad).map(of_workload);
    let lost = sources.iter().filter_map(of_source);
    let all = findings.chain(alerts).chain(workloads).chain(lost);
    all.filter(|what| !is_demo(what.id.object.connection())).collect()
}

fn of_finding(finding: &Finding) -> Wrong {
    let rule = finding.id.rule.as_str();
    let is_gpu = rule == "gpu-gone" || rule.starts_with("xid-");
    let hit = match finding.workloads.as_slice() {
        [] => String::new(),
        [one] => format!(" It hits {one}."),
        [first, rest @ ..] => format!(" It hits {first} and {} more.", rest.len()),
    };
    Wrong {
        id: finding.id.clone(),
        kind: if is_gpu { NoticeKind::Gpu } else { NoticeKind::Finding },
        status: finding.status,
        title: format!("{}: {}", finding.word, place(&finding.id.object)),
        text: format!("{}{hit}", finding.claim),
    }
}

fn of_alert(alert: &AlertRow) -> Wrong {
    let about = || alert.about.as_ref().map(|object| format!("It is about {}.", place(object)));
    Wrong {
        id: id(ObjectRef::Alert(Box::new(alert.id.clone())), "alert"),
        kind: NoticeKind::Alert,
        status: alert.status,
        title: format!("Alert: {}", alert.id.name),
        text: alert.summary.clone().or_else(about).unwrap_or_else(|| format!("{} says so.", alert.id.source)),
    }
}

fn of_workload(row: &WorkloadRow) -> Wrong {
    Wrong {
        id: id(row.id.clone(), "workload"),
        kind: NoticeKind::Workload,
        status: row.status,
        title: format!("Fails: {}", place(&row.id)),
        text: format!("{}.", row.status_word),
    }
}

fn of_source(source: &SourceState) -> Option<Wrong> {
    let status = status_of(source.freshness)?;
    Some(Wrong {
        id: id(ObjectRef::Connection(source.id.clone()), "lost"),
        kind: NoticeKind::Source,
        status,
        title: format!("{}: {}", if status == Status::Bad { "Lost" } else { "Stale" }, source.name),
        text: source.note.clone().unwrap_or_else(|| "It is not heard any more.".into()),
    })
}

fn status_of(freshness: Freshness) -> Option<Status> {
    match freshness {
        Freshness::Lost => Some(Status::Bad),
        Freshness::Stale => Some(Status::Warn),
        Freshness::Live | Freshness::Slow | Freshness::Starting | Freshness::Paused | Freshness::Partial => None,
    }
}

fn id(object: ObjectRef, rule: &'static str) -> FindingId {
    FindingId { object, rule: SmolStr::new_static(rule) }
}

/// "GPU h100-117 / 5, iad-prod".
fn place(object: &ObjectRef) -> String {
    match object {
        ObjectRef::Connection(id) => id.to_string(),
        other => format!("{} {}, {}", other.kind_word(), other.name(), other.connection()),
    }
}

//! A connection in the inspector.

use super::{Part, field, mono};
use crate::source::Source;
use pilothouse_wire::{
    Health,
    units::count,
    view::{FindingRow, Status},
};

pub(super) fn part(source: &Source) -> Part {
    let status = match source.health {
        Health::Well => Status::Good,
        Health::Starting { .. } => Status::Progress,
        Health::Partial(_) | Health::Slow(_) => Status::Warn,
        Health::Lost(_) => Status::Bad,
        Health::Idle | Health::Paused => Status::Unknown,
    };
    let text = |text: &Option<pilothouse_wire::SmolStr>| text.as_ref().map(ToString::to_string);
    let list = |list: &[pilothouse_wire::SmolStr]| (!list.is_empty()).then(|| list.join(", "));
    let finding = source.health.problem().map(|problem| FindingRow {
        status,
        claim: problem.what.clone(),
        since: None,
        effect: problem.why.clone().unwrap_or_default(),
        evidence: problem.next.clone().unwrap_or_default(),
        command: problem.remedy.clone(),
    });
    Part {
        status,
        status_word: source.health.word().into(),
        identity: vec![
            field("Kind", Some(source.about.kind.to_string())),
            mono("Address", text(&source.about.address)),
            field("Version", text(&source.probed.version)),
            field("Signed in as", text(&source.probed.identity)),
            field("May", list(&source.probed.may)),
            field("May not", list(&source.probed.may_not)),
            field("Facts", Some(count(source.facts))),
            field("Dropped", Some(count(source.dropped))),
        ],
        findings: finding.into_iter().collect(),
        holding: vec![
            field("Nodes", Some(count(source.nodes.len() as u64))),
            field("Pods", Some(count(source.pods.len() as u64))),
            field("Namespaces", Some(count(source.namespaces.len() as u64))),
        ],
        regarding: None,
        around: Vec::new(),
    }
}

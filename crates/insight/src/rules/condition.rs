//! Does the node hold a condition that it should not?

use crate::{
    answer::Answer,
    draft::{About, Cause, Draft, Witness, look_at},
    site::Site,
};
use pilothouse_wire::view::{Condition, Status};

/// Conditions that health checks of GPUs set, by the names of NVSentinel's checks, and which cause each speaks of. They
/// name no GPU: where a GPU is known to have the cause, they are only its witness.
const CHECKS: &[(&str, Witness)] = &[
    ("GpuXidError", Witness::OfXid),
    ("SysLogsXIDError", Witness::OfXid),
    ("SysLogsGPUFallenOff", Witness::Of(Cause::Bus)),
    ("GpuPcieWatch", Witness::Of(Cause::Bus)),
    ("SysLogsSXIDError", Witness::Of(Cause::Links)),
    ("GpuNvlinkWatch", Witness::Of(Cause::Links)),
    ("GpuNvswitchFatalWatch", Witness::Of(Cause::Links)),
    ("GpuNvswitchNonfatalWatch", Witness::Of(Cause::Links)),
    ("GpuMemWatch", Witness::Of(Cause::Memory)),
    ("GpuThermalWatch", Witness::Of(Cause::Slowdown)),
    ("GpuThermalMarginWatch", Witness::Of(Cause::Slowdown)),
    ("GpuPowerWatch", Witness::Of(Cause::Slowdown)),
    ("GpuDriverWatch", Witness::Of(Cause::Driver)),
];

/// Every condition but Ready that is as it should not be: Ready has a rule of its own.
pub(crate) fn look(site: Site<'_>) -> Answer<Vec<Draft>> {
    if site.node.conditions.is_empty() {
        return Answer::CannotTell("the node has no conditions");
    }
    let held = site.node.conditions.iter().filter(|condition| Condition::is_wrong(&condition.kind, &condition.status));
    let drafts: Vec<Draft> = held.map(|condition| draft(site, condition)).collect();
    if drafts.is_empty() { Answer::No } else { Answer::Yes(drafts) }
}

fn draft(site: Site<'_>, condition: &Condition) -> Draft {
    let (kind, status) = (&condition.kind, &condition.status);
    let what = if status == "False" { format!("{kind} is False") } else { kind.to_string() };
    let witness = CHECKS.iter().find(|(name, _)| name == kind).map(|(_, witness)| *witness);
    let reason = condition.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    Draft {
        rule: format!("condition-{kind}").into(),
        cause: match witness {
            Some(Witness::Of(cause)) => cause,
            Some(Witness::OfXid) => Cause::Driver,
            None => Cause::Node,
        },
        about: About::Node,
        witness,
        status: Status::Warn,
        word: what.as_str().into(),
        claim: match witness {
            Some(_) => format!("A health check of {} found something: {what}.", site.name()),
            None => format!("{} reports {what}.", site.name()),
        },
        since: condition.since,
        evidence: vec![format!("Condition {kind} is {status}{reason}.")],
        action: match witness {
            Some(_) => "Leave the node to the agent that set the condition, or read its log before you act.".into(),
            None => "Read the condition's message on the node.".into(),
        },
        command: look_at(site),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::Node, rules::tests::check};

    #[test]
    fn a_condition_that_is_true_is_found() {
        check(look, Node::called("a-1").condition("DiskPressure", "True"), "DiskPressure: a-1 reports DiskPressure.");
        check(
            look,
            Node::called("a-1").condition("GpuMemWatch", "True"),
            "GpuMemWatch: A health check of a-1 found something: GpuMemWatch.",
        );
    }

    #[test]
    fn a_condition_that_is_false_and_ready_itself_are_well() {
        check(look, Node::called("a-1").condition("DiskPressure", "False"), "no");
    }

    #[test]
    fn a_condition_that_says_that_a_part_is_ready_is_found_when_it_is_false() {
        let node = |status| Node::called("a-1").condition("KernelReady", "True").condition("StorageReady", status);
        check(look, node("True"), "no");
        check(look, node("False"), "StorageReady is False: a-1 reports StorageReady is False.");
    }

    #[test]
    fn a_node_without_conditions_cannot_be_told() {
        check(look, Node::called("a-1").without_conditions(), "cannot tell: the node has no conditions");
    }
}

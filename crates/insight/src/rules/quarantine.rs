//! Has NVSentinel taken the node for itself?

use crate::{
    answer::Answer,
    draft::{About, Cause, Draft, look_at},
    site::Site,
};
use pilothouse_wire::view::Status;

/// It says so by an annotation; only a cluster has such, and there a node has conditions.
pub(crate) fn look(site: Site<'_>) -> Answer<Vec<Draft>> {
    match &site.node.quarantine {
        Some(why) => Answer::Yes(vec![draft(site, why)]),
        None if site.node.conditions.is_empty() => Answer::CannotTell("the node has no conditions"),
        None => Answer::No,
    }
}

fn draft(site: Site<'_>, why: &str) -> Draft {
    Draft {
        rule: "quarantine".into(),
        cause: Cause::Node,
        about: About::Node,
        witness: None,
        status: Status::Warn,
        word: "Quarantined".into(),
        claim: format!("NVSentinel owns {}: it has quarantined the node.", site.name()),
        since: None,
        evidence: vec![format!("Its annotation quarantineHealthEvent: {why}.")],
        action:
            "Leave the node to it: it drains the node, has it mended and opens it again. Uncordoning it takes it out \
                 of these hands."
                .into(),
        command: look_at(site),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::Node, rules::tests::check};

    #[test]
    fn a_node_with_its_annotation_is_found_whatever_else_is_wrong() {
        let want = "Quarantined: NVSentinel owns a-1: it has quarantined the node.";
        check(look, Node::called("a-1").quarantined("GpuMemWatch"), want);
        check(look, Node::called("a-1").gpus(1).cordoned().quarantined("GpuMemWatch").without_conditions(), want);
    }

    #[test]
    fn a_cordon_of_somebody_else_is_no_quarantine() {
        check(look, Node::called("a-1").cordoned(), "no");
    }

    #[test]
    fn of_a_machine_that_is_in_no_cluster_nobody_can_tell() {
        check(look, Node::called("a-1").without_conditions(), "cannot tell: the node has no conditions");
    }
}

//! Is the node ready?

use crate::{
    answer::Answer,
    draft::{About, Cause, Draft, look_at},
    site::Site,
};
use pilothouse_wire::view::Status;

/// The condition Ready is not true.
pub(crate) fn look(site: Site<'_>) -> Answer<Vec<Draft>> {
    let Some(ready) = site.node.conditions.iter().find(|condition| condition.kind == "Ready") else {
        return Answer::CannotTell("the node says nothing of being ready");
    };
    if ready.status == "True" {
        return Answer::No;
    }
    let silent = ready.status != "False";
    let (name, all) = (site.name(), site.node.gpus.len());
    let gpus = if all == 1 { "its GPU is".into() } else { format!("what its {all} GPUs do is") };
    let reason = ready.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    Answer::Yes(vec![Draft {
        rule: "node-ready".into(),
        cause: Cause::Node,
        about: About::Node,
        witness: None,
        status: Status::Bad,
        word: if silent { "Lost" } else { "Not ready" }.into(),
        claim: match (silent, all) {
            (true, 0) => format!("{name} no longer answers its cluster."),
            (true, _) => format!("{name} no longer answers its cluster: {gpus} not known."),
            (false, _) => format!("{name} says that it is not ready: no new pod is placed there."),
        },
        since: ready.since,
        evidence: vec![format!("Condition Ready is {}{reason}.", ready.status)],
        action: if silent {
            "See whether the machine runs and reaches its cluster; then look at the log of the kubelet.".into()
        } else {
            "Read the reason and the log of the kubelet on the node.".into()
        },
        command: look_at(site),
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::Node, rules::tests::check};

    #[test]
    fn a_node_that_is_not_ready_or_silent_is_found() {
        check(
            look,
            Node::called("a-1").gpus(8).condition("Ready", "False"),
            "Not ready: a-1 says that it is not ready: no new pod is placed there.",
        );
        check(
            look,
            Node::called("a-1").gpus(8).condition("Ready", "Unknown"),
            "Lost: a-1 no longer answers its cluster: what its 8 GPUs do is not known.",
        );
    }

    #[test]
    fn a_node_that_is_ready_is_well() {
        check(look, Node::called("a-1").gpus(8), "no");
    }

    #[test]
    fn a_node_that_says_nothing_of_being_ready_cannot_be_told() {
        check(look, Node::called("a-1").without_conditions(), "cannot tell: the node says nothing of being ready");
    }
}

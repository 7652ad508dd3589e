//! Is a GPU of the node gone?

use crate::{
    answer::Answer,
    draft::{About, Cause, Draft, gpus_in_words, keep_away},
    site::Site,
};
use pilothouse_wire::view::Status;

/// The node has a place for it, and its other GPUs are measured, but it is not. Where the node is not ready, or nothing
/// of it is measured now, that says nothing.
pub(crate) fn look(site: Site<'_>) -> Answer<Vec<Draft>> {
    if site.ready() != Some(true) {
        return Answer::CannotTell("the node is not ready");
    }
    let is_measured = |slot| site.device(slot).is_some_and(|device| device.source.is_some());
    if !site.slots().any(|slot| is_measured(slot) && !site.is_stale(slot)) {
        return Answer::CannotTell("nobody measures the GPUs of the node now");
    }
    let gone: Vec<u16> = site.slots().filter(|slot| site.device(*slot).is_none()).collect();
    if gone.is_empty() { Answer::No } else { Answer::Yes(vec![draft(site, gone)]) }
}

fn draft(site: Site<'_>, gone: Vec<u16>) -> Draft {
    let all = site.node.gpus.len();
    let (word, are, it) = if gone.len() == 1 { ("GPU gone", "is", "it") } else { ("GPUs gone", "are", "them") };
    Draft {
        rule: "gpu-gone".into(),
        cause: Cause::Bus,
        witness: None,
        status: Status::Bad,
        word: word.into(),
        claim: format!("{} of {} {are} gone: the driver no longer sees {it}.", gpus_in_words(&gone, all), site.name()),
        since: None,
        evidence: vec![format!("The node has {all} GPUs; {} of them are measured.", all - gone.len())],
        action: "Look for XID 79 in the node's kernel log. Cordon and drain the node, and power-cycle the machine; if \
                 it stays away, have its slot and seat checked."
            .into(),
        command: keep_away(site),
        about: About::Gpus(gone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::Node, rules::tests::check};

    #[test]
    fn a_place_without_a_device_is_a_gpu_that_is_gone() {
        check(
            look,
            Node::called("a-1").gpus(8).gone(5),
            "GPU gone: GPU 5 of a-1 is gone: the driver no longer sees it.",
        );
        check(
            look,
            Node::called("a-1").gpus(8).gone(5).gone(6),
            "GPUs gone: GPUs 5 and 6 of a-1 are gone: the driver no longer sees them.",
        );
    }

    #[test]
    fn a_node_all_of_whose_gpus_are_measured_is_well() {
        check(look, Node::called("a-1").gpus(8), "no");
    }

    #[test]
    fn where_nothing_is_measured_or_the_node_is_not_ready_it_cannot_be_told() {
        check(look, Node::called("a-1").gpus(2).unmeasured(), "cannot tell: nobody measures the GPUs of the node now");
        check(
            look,
            Node::called("a-1").gpus(2).gone(0).stale(1),
            "cannot tell: nobody measures the GPUs of the node now",
        );
        check(
            look,
            Node::called("a-1").gpus(2).gone(0).condition("Ready", "Unknown"),
            "cannot tell: the node is not ready",
        );
    }
}

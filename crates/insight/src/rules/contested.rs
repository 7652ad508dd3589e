//! Do two pods seem to hold the whole of one GPU?

use crate::{
    answer::Answer,
    draft::{About, Cause, Draft, gpus_in_words, look_at},
    site::Site,
};
use pilothouse_wire::view::{Method, Status};

/// One of them is wrong, and it is not known which. MIG, time-slicing and shared claims are no contest.
pub(crate) fn look(site: Site<'_>) -> Answer<Vec<Draft>> {
    if !site.slots().any(|slot| site.device(slot).is_some()) {
        return Answer::CannotTell("nobody says which pod holds which GPU");
    }
    let contested = |slot: &u16| site.cell(*slot).is_some_and(|cell| cell.method == Method::Contested);
    let slots: Vec<u16> = site.slots().filter(contested).collect();
    if slots.is_empty() { Answer::No } else { Answer::Yes(vec![draft(site, slots)]) }
}

fn draft(site: Site<'_>, slots: Vec<u16>) -> Draft {
    let gpus = gpus_in_words(&slots, site.node.gpus.len());
    let (are, it) = if slots.len() == 1 { ("is", "it") } else { ("are", "them") };
    let most = slots.iter().filter_map(|slot| site.cell(*slot)).map(|cell| cell.sharers).max().unwrap_or(2);
    Draft {
        rule: "contested".into(),
        cause: Cause::Ownership,
        witness: None,
        status: Status::Warn,
        word: "Contested".into(),
        claim: format!(
            "{gpus} of {} {are} said to belong to {most} pods, each of which asked for the whole of {it}.",
            site.name()
        ),
        since: None,
        evidence: vec!["The exporter names more than one pod that is there now, and no share or slice.".into()],
        action: "Look at the processes on the node with nvidia-smi: a pod may have got the device past the device \
                 plug-in, or the exporter may still name one that is gone."
            .into(),
        command: look_at(site),
        about: About::Gpus(slots),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::Node, rules::tests::check};

    #[test]
    fn two_pods_on_one_whole_gpu_are_found() {
        check(
            look,
            Node::called("a-1").gpus(8).contested(4, &["x", "y"]),
            "Contested: GPU 4 of a-1 is said to belong to 2 pods, each of which asked for the whole of it.",
        );
    }

    #[test]
    fn one_pod_a_gpu_and_slices_are_no_contest() {
        check(look, Node::called("a-1").gpus(8).held(0..2, "x"), "no");
        check(look, Node::called("a-1").gpus(1).shared(0, &["x", "y"]), "no");
    }

    #[test]
    fn where_devices_are_not_known_it_cannot_be_told() {
        check(look, Node::called("a-1").gpus(8).unmeasured(), "cannot tell: nobody says which pod holds which GPU");
    }
}

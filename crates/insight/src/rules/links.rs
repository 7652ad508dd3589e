//! Does a GPU repeat transfers over NVLink?

use crate::{
    answer::Answer,
    draft::{About, Cause, Draft, gpus_in_words, look_at},
    limits::NVLINK_ERRORS,
    site::Site,
};
use pilothouse_wire::{Metric, view::Status};

const WHY_NOT: &str = "nobody measures NVLink errors now";

/// A link has two ends, and a switch many: one cause a node.
pub(crate) fn look(site: Site<'_>) -> Answer<Vec<Draft>> {
    let asked = |slot| Answer::of(site.fresh(Metric::NvlinkErrors, slot), |n| *n >= NVLINK_ERRORS, WHY_NOT);
    site.survey(WHY_NOT, asked).answer(|hit| {
        let most = hit.iter().map(|(_, n)| *n).fold(0.0, f32::max);
        let slots: Vec<u16> = hit.iter().map(|(slot, _)| *slot).collect();
        let gpus = gpus_in_words(&slots, site.node.gpus.len());
        let repeat = if slots.len() == 1 { "repeats" } else { "repeat" };
        vec![Draft {
            rule: "nvlink-errors".into(),
            cause: Cause::Links,
            witness: None,
            status: Status::Warn,
            word: "NVLink errors".into(),
            claim: format!("{gpus} of {} {repeat} transfers over NVLink.", site.name()),
            since: None,
            evidence: vec![format!("Up to {most:.0} in ten minutes; a good link needs none.")],
            action:
                "Read the link states with nvidia-smi nvlink --status. If the number rises, drain the node and reset \
                     its GPUs together."
                    .into(),
            command: look_at(site),
            about: About::Gpus(slots),
        }]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::Node, rules::tests::check};

    #[test]
    fn a_transfer_that_was_repeated_is_found() {
        let node = Node::called("a-1").gpus(2).reads(0, Metric::NvlinkErrors, 1.0).reads(1, Metric::NvlinkErrors, 7.0);
        check(look, node, "NVLink errors: All 2 GPUs of a-1 repeat transfers over NVLink.");
    }

    #[test]
    fn a_link_without_errors_is_well() {
        check(look, Node::called("a-1").gpus(1).reads(0, Metric::NvlinkErrors, 0.0), "no");
    }

    #[test]
    fn without_a_fresh_reading_it_cannot_be_told() {
        let want = "cannot tell: nobody measures NVLink errors now";
        check(look, Node::called("a-1").gpus(1), want);
        check(look, Node::called("a-1").gpus(1).reads(0, Metric::NvlinkErrors, 9.0).stale(0), want);
    }
}

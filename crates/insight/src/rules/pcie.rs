//! Does a GPU repeat many transfers over PCIe?

use crate::{
    answer::Answer,
    draft::{About, Cause, Draft, gpus_in_words, look_at},
    limits::PCIE_REPLAYS,
    site::Site,
};
use pilothouse_wire::{Metric, view::Status};

const WHY_NOT: &str = "nobody measures PCIe replays now";

/// Several GPUs of a node share risers and switches: one cause.
pub(crate) fn look(site: Site<'_>) -> Answer<Vec<Draft>> {
    let asked = |slot| Answer::of(site.fresh(Metric::PcieReplays, slot), |n| *n > PCIE_REPLAYS, WHY_NOT);
    site.survey(WHY_NOT, asked).answer(|hit| {
        let most = hit.iter().map(|(_, n)| *n).fold(0.0, f32::max);
        let slots: Vec<u16> = hit.iter().map(|(slot, _)| *slot).collect();
        let gpus = gpus_in_words(&slots, site.node.gpus.len());
        let repeat = if slots.len() == 1 { "repeats" } else { "repeat" };
        vec![Draft {
            rule: "pcie-replays".into(),
            cause: Cause::Bus,
            witness: None,
            status: Status::Warn,
            word: "PCIe replays".into(),
            claim: format!("{gpus} of {} {repeat} transfers over PCIe.", site.name()),
            since: None,
            evidence: vec![format!("Up to {most:.0} replays in ten minutes; {PCIE_REPLAYS:.0} are tolerable.")],
            action: "Have the seat of the GPU, its riser and its cable checked at the next chance.".into(),
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
    fn many_replays_are_found() {
        let node = Node::called("a-1").gpus(8).reads(1, Metric::PcieReplays, 400.0).reads(2, Metric::PcieReplays, 90.0);
        check(look, node, "PCIe replays: GPUs 1 and 2 of a-1 repeat transfers over PCIe.");
    }

    #[test]
    fn a_few_replays_are_well() {
        check(look, Node::called("a-1").gpus(1).reads(0, Metric::PcieReplays, 80.0), "no");
    }

    #[test]
    fn without_a_fresh_reading_it_cannot_be_told() {
        let want = "cannot tell: nobody measures PCIe replays now";
        check(look, Node::called("a-1").gpus(1), want);
        check(look, Node::called("a-1").gpus(1).reads(0, Metric::PcieReplays, 400.0).stale(0), want);
    }
}

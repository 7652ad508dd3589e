//! Does a GPU repeat many transfers over PCIe?

use super::repeated::Way;
use crate::{
    answer::Answer,
    draft::{Cause, Draft},
    limits::PCIE_REPLAYS,
    site::Site,
};
use pilothouse_wire::Metric;

/// Several GPUs of a node share risers and switches.
const PCIE: Way = Way {
    rule: "pcie-replays",
    cause: Cause::Bus,
    metric: Metric::PcieReplays,
    is_too_many: |n| n > PCIE_REPLAYS,
    word: "PCIe replays",
    name: "PCIe",
    limit: |most| format!("Up to {most:.0} replays in ten minutes; {PCIE_REPLAYS:.0} are tolerable."),
    action: "Have the seat of the GPU, its riser and its cable checked at the next chance.",
    why_not: "nobody measures PCIe replays now",
};

pub(crate) fn look(site: Site<'_>) -> Answer<Vec<Draft>> {
    PCIE.look(site)
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

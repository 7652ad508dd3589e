//! Does a GPU repeat transfers over NVLink?

use super::repeated::Way;
use crate::{
    answer::Answer,
    draft::{Cause, Draft},
    limits::NVLINK_ERRORS,
    site::Site,
};
use pilothouse_wire::Metric;

/// A link has two ends, and a switch many.
const NVLINK: Way = Way {
    rule: "nvlink-errors",
    cause: Cause::Links,
    metric: Metric::NvlinkErrors,
    is_too_many: |n| n >= NVLINK_ERRORS,
    word: "NVLink errors",
    name: "NVLink",
    limit: |most| format!("Up to {most:.0} in ten minutes; a good link needs none."),
    action: "Read the link states with nvidia-smi nvlink --status. If the number rises, drain the node and reset its \
             GPUs together.",
    why_not: "nobody measures NVLink errors now",
};

pub(crate) fn look(site: Site<'_>) -> Answer<Vec<Draft>> {
    NVLINK.look(site)
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

//! Did the replacement of a memory row fail? Then the GPU is to be exchanged.

use crate::{
    answer::Answer,
    draft::{About, Cause, Draft, keep_away},
    site::Site,
};
use pilothouse_wire::{Metric, view::Status};

const WHY_NOT: &str = "nobody measures whether rows could be replaced";

/// The flag stays until the GPU is exchanged, so an old reading still says it.
pub(crate) fn look(site: Site<'_>) -> Answer<Vec<Draft>> {
    let asked = |slot| Answer::of(site.last(Metric::RemapFailed, slot), |flag| *flag != 0.0, WHY_NOT);
    site.survey(WHY_NOT, asked).answer(|hit| hit.iter().map(|(slot, _)| draft(site, *slot)).collect())
}

fn draft(site: Site<'_>, slot: u16) -> Draft {
    Draft {
        rule: "row-remap".into(),
        cause: Cause::Memory,
        about: About::Gpus(vec![slot]),
        witness: None,
        status: Status::Bad,
        word: "Remap failed".into(),
        claim: format!("GPU {slot} of {} could not replace a broken row of its memory.", site.name()),
        since: None,
        evidence: vec!["Its driver reports that replacing a row failed: the spare rows are used up, or broken.".into()],
        action: "Cordon and drain the node, and have the GPU exchanged: a reset does not mend it.".into(),
        command: keep_away(site),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::Node, rules::tests::check};

    #[test]
    fn a_row_that_could_not_be_replaced_is_found_also_in_an_old_reading() {
        let node = Node::called("a-1").gpus(2).reads(1, Metric::RemapFailed, 1.0);
        let want = "Remap failed: GPU 1 of a-1 could not replace a broken row of its memory.";
        check(look, node.clone(), want);
        check(look, node.stale(1), want);
    }

    #[test]
    fn a_flag_that_is_down_is_well() {
        check(look, Node::called("a-1").gpus(2).reads(1, Metric::RemapFailed, 0.0), "no");
    }

    #[test]
    fn without_the_metric_it_cannot_be_told() {
        check(look, Node::called("a-1").gpus(2), "cannot tell: nobody measures whether rows could be replaced");
    }
}

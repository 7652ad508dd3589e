//! What the last XID of a GPU says.

use crate::{
    answer::Answer,
    draft::{About, Cause, Draft, gpus_in_words, keep_away, look_at},
    site::Site,
    xid::{Remedy, cause, in_words, lookup},
};
use pilothouse_wire::{Metric, view::Status};
use std::collections::BTreeMap;

const WHY_NOT: &str = "nobody measures XIDs";

/// A code that asks for something. One of a program or of a link on several GPUs has one cause; one of a GPU has one a
/// GPU.
///
/// The driver keeps the last code until it is loaded anew: an old reading still says it, and none says when it was.
pub(crate) fn look(site: Site<'_>) -> Answer<Vec<Draft>> {
    let asked = |slot| match site.last(Metric::Xid, slot).and_then(code) {
        None => Answer::CannotTell(WHY_NOT),
        Some(0) => Answer::No,
        Some(code) if lookup(code).is_some_and(|xid| xid.remedy == Remedy::Ignore) => Answer::No,
        Some(code) => Answer::Yes(code),
    };
    site.survey(WHY_NOT, asked).answer(|hit| {
        let mut causes: BTreeMap<(u32, Option<u16>), Vec<u16>> = BTreeMap::new();
        for (slot, code) in hit {
            let together = matches!(cause(code), Cause::Program | Cause::Links);
            causes.entry((code, (!together).then_some(slot))).or_default().push(slot);
        }
        causes.into_iter().map(|((code, _), slots)| draft(site, code, slots)).collect()
    })
}

/// A reading as a code: whole and not negative.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "codes are small and checked")]
fn code(reading: f32) -> Option<u32> {
    ((0.0..1e6).contains(&reading) && reading.fract() == 0.0).then_some(reading as u32)
}

fn draft(site: Site<'_>, code: u32, slots: Vec<u16>) -> Draft {
    let xid = lookup(code);
    let fatal = xid.is_some_and(|xid| xid.fatal);
    let name = xid.map(in_words).filter(|name| !name.is_empty());
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    let gpus = gpus_in_words(&slots, site.node.gpus.len());
    let kept = "The driver keeps the last code until it is loaded anew: who holds the GPU now may not be who met it.";
    let source = xid.map_or_else(
        || "The code is in no table that is known here.".into(),
        |xid| format!("What it asks for: {}.", xid.source),
    );
    Draft {
        rule: format!("xid-{code}").into(),
        cause: cause(code),
        witness: None,
        status: if fatal { Status::Bad } else { Status::Warn },
        word: format!("XID {code}").into(),
        claim: if fatal {
            format!("{gpus} of {} met XID {code}{name}, and cannot be relied on until that is mended.", site.name())
        } else {
            format!("{gpus} of {} met XID {code}{name}.", site.name())
        },
        since: None,
        evidence: vec![format!("The last XID is {code}."), source, kept.into()],
        action: xid.map_or(Remedy::AskVendor, |xid| xid.remedy).advice().into(),
        command: if fatal { keep_away(site) } else { look_at(site) },
        about: About::Gpus(slots),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::Node, rules::tests::check};

    #[test]
    fn a_code_that_asks_for_something_is_found() {
        let node = Node::called("a-1").gpus(8).reads(3, Metric::Xid, 79.0);
        let want = "XID 79: GPU 3 of a-1 met XID 79 (GPU has fallen off the bus), and cannot be relied on until that is mended.";
        check(look, node.clone(), want);
        check(look, node.stale(3), want);
        check(look, Node::called("a-1").gpus(1).reads(0, Metric::Xid, 4_711.0), "XID 4711: GPU 0 of a-1 met XID 4711.");
    }

    #[test]
    fn a_code_of_a_program_on_several_gpus_has_one_cause_and_one_of_their_memory_has_several() {
        let node = |code| Node::called("a-1").gpus(8).reads(1, Metric::Xid, code).reads(2, Metric::Xid, code);
        check(look, node(31.0), "XID 31: GPUs 1 and 2 of a-1 met XID 31 (fifo error mmu err flt).");
        check(
            look,
            node(94.0),
            "XID 94: GPU 1 of a-1 met XID 94 (contained error). | XID 94: GPU 2 of a-1 met XID 94 (contained error).",
        );
    }

    #[test]
    fn no_code_and_a_code_that_asks_for_nothing_are_well() {
        check(look, Node::called("a-1").gpus(2).reads(0, Metric::Xid, 0.0).reads(1, Metric::Xid, 43.0), "no");
    }

    #[test]
    fn without_the_metric_or_with_nonsense_it_cannot_be_told() {
        check(look, Node::called("a-1").gpus(2), "cannot tell: nobody measures XIDs");
        check(look, Node::called("a-1").gpus(1).reads(0, Metric::Xid, f32::NAN), "cannot tell: nobody measures XIDs");
    }
}

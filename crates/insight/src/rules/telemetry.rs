//! Has whoever measures fallen silent while the node is well?

use crate::{
    answer::Answer,
    draft::{About, Cause, Draft, gpus_in_words, look_at},
    site::{Site, sites},
};
use pilothouse_wire::{
    ConnectionId, Stamp, units,
    view::{FleetView, Status},
};
use std::collections::BTreeMap;

/// All GPUs of the node, or some of them, are no longer measured. Where the node is not ready, that is the cause.
pub(crate) fn look(site: Site<'_>) -> Answer<Vec<Draft>> {
    if site.ready() != Some(true) {
        return Answer::CannotTell("the node is not ready");
    }
    let measured: Vec<u16> =
        site.slots().filter(|slot| site.device(*slot).is_some() && site.measured_at(*slot).is_some()).collect();
    if measured.is_empty() {
        return Answer::CannotTell("its GPUs were never measured");
    }
    let silent: Vec<u16> = measured.iter().copied().filter(|slot| site.is_stale(*slot)).collect();
    if silent.is_empty() {
        return Answer::No;
    }
    Answer::Yes(vec![draft(site, silent.len() == measured.len(), silent)])
}

fn draft(site: Site<'_>, all: bool, silent: Vec<u16>) -> Draft {
    let name = site.name();
    let last = silent.iter().filter_map(|slot| site.measured_at(*slot)).max();
    let gpus = gpus_in_words(&silent, site.node.gpus.len());
    let are = if silent.len() == 1 { "is" } else { "are" };
    Draft {
        rule: "telemetry".into(),
        cause: Cause::Measuring,
        about: if all { About::Node } else { About::Gpus(silent) },
        witness: None,
        status: Status::Warn,
        word: "Stale".into(),
        claim: if all {
            format!("The GPUs of {name} are no longer measured, while the node is ready.")
        } else {
            format!("{gpus} of {name} {are} no longer measured, while others of the node are.")
        },
        since: last,
        evidence: last.map(|last| last_words(last, site.now)).into_iter().collect(),
        action: if all {
            "See whether the exporter's pod on the node runs and is scraped.".into()
        } else {
            "Look for an XID of this GPU in the node's kernel log; then restart the exporter's pod.".into()
        },
        command: look_at(site),
    }
}

fn last_words(last: Stamp, now: Stamp) -> String {
    format!("The last measurement is {} old.", units::age(now.since(last)))
}

/// Sources all of whose nodes are silent: the source is the cause, and not each node.
pub(crate) struct SilentSources(BTreeMap<ConnectionId, Tally>);

#[derive(Clone, Copy, Default)]
struct Tally {
    nodes: usize,
    silent: usize,
    last: Option<Stamp>,
}

/// Finds sources of several nodes of which none is measured now.
pub(crate) fn silent_sources(view: &FleetView, now: Stamp) -> SilentSources {
    let mut all: BTreeMap<ConnectionId, Tally> = BTreeMap::new();
    for site in sites(view, now) {
        let Some(source) = source_of(site) else { continue };
        let measured = || site.slots().filter(|slot| site.measured_at(*slot).is_some());
        if measured().next().is_none() {
            continue;
        }
        if !all.contains_key(source) {
            all.insert(source.clone(), Tally::default());
        }
        if let Some(tally) = all.get_mut(source) {
            tally.nodes += 1;
            tally.silent += usize::from(measured().all(|slot| site.is_stale(slot)));
            tally.last = tally.last.max(measured().filter_map(|slot| site.measured_at(slot)).max());
        }
    }
    all.retain(|_, tally| tally.nodes > 1 && tally.silent == tally.nodes);
    SilentSources(all)
}

fn source_of(site: Site<'_>) -> Option<&ConnectionId> {
    site.slots().find_map(|slot| site.device(slot)?.source.as_ref())
}

impl SilentSources {
    /// Is this the silence of a node whose source is silent?
    pub(crate) fn explain(&self, site: Site<'_>, draft: &Draft) -> bool {
        draft.cause == Cause::Measuring && source_of(site).is_some_and(|source| self.0.contains_key(source))
    }

    /// One draft a silent source, at its first node.
    pub(crate) fn drafts<'a>(&self, view: &'a FleetView, now: Stamp) -> Vec<(Site<'a>, Vec<Draft>)> {
        let mut left = self.0.clone();
        let mut drafts = Vec::new();
        for site in sites(view, now) {
            if left.is_empty() {
                break;
            }
            if let Some((source, tally)) = source_of(site).and_then(|source| left.remove_entry(source)) {
                drafts.push((site, vec![source_draft(source, tally, now)]));
            }
        }
        drafts
    }
}

fn source_draft(source: ConnectionId, tally: Tally, now: Stamp) -> Draft {
    Draft {
        rule: "telemetry".into(),
        cause: Cause::Measuring,
        witness: None,
        status: Status::Warn,
        word: "Stale".into(),
        claim: format!("{source} no longer measures any of its {} nodes.", units::count(tally.nodes as u64)),
        since: tally.last,
        evidence: tally.last.map(|last| last_words(last, now)).into_iter().collect(),
        action: "See how the connection is: what it measures, or the way to it, is down.".into(),
        command: None,
        about: About::Source(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::Node, rules::tests::check};

    #[test]
    fn a_node_that_is_ready_and_silent_is_found_and_so_is_one_gpu_of_it() {
        check(
            look,
            Node::called("a-1").gpus(2).stale(0).stale(1),
            "Stale: The GPUs of a-1 are no longer measured, while the node is ready.",
        );
        check(
            look,
            Node::called("a-1").gpus(2).stale(1),
            "Stale: GPU 1 of a-1 is no longer measured, while others of the node are.",
        );
    }

    #[test]
    fn a_node_that_is_measured_is_well() {
        check(look, Node::called("a-1").gpus(2), "no");
    }

    #[test]
    fn what_was_never_measured_and_what_is_not_ready_cannot_be_told() {
        check(look, Node::called("a-1").gpus(2).unmeasured(), "cannot tell: its GPUs were never measured");
        check(
            look,
            Node::called("a-1").gpus(1).stale(0).condition("Ready", "Unknown"),
            "cannot tell: the node is not ready",
        );
    }
}

//! A finding on its way: what a rule says, before it is known what else says the same.

use crate::{pods, pods::PodsOf, site::Site};
use pilothouse_wire::{
    ConnectionId, ObjectRef, SmolStr, Stamp,
    view::{Finding, FindingId, Status},
};

/// Kinds of cause. Signs of one kind at one place have one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// The node itself.
    Node,
    /// The GPU's way to its machine: PCIe, power, presence.
    Bus,
    /// Its memory.
    Memory,
    /// Its links to other GPUs.
    Links,
    /// What slows it: heat, power supply.
    Slowdown,
    /// Its firmware and driver.
    Driver,
    /// A program that ran on it.
    Program,
    /// Whoever measures.
    Measuring,
    /// Who holds it.
    Ownership,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum About {
    /// These GPUs of the node.
    Gpus(Vec<u16>),
    /// The node, with all that is on it.
    Node,
    /// Who measures the node, and others.
    Source(ConnectionId),
}

/// Of which cause something is only one more witness: it says that there is something, but not of which GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Witness {
    /// Of causes of this kind.
    Of(Cause),
    /// Of any XID.
    OfXid,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    /// The rule.
    pub rule: SmolStr,
    /// The kind of cause.
    pub cause: Cause,
    /// What it is about.
    pub about: About,
    /// Is it only a witness of what another rule may know better?
    pub witness: Option<Witness>,
    /// How bad it is.
    pub status: Status,
    /// The state in one or two words.
    pub word: SmolStr,
    /// The claim, a sentence.
    pub claim: String,
    /// Since when, where that is known.
    pub since: Option<Stamp>,
    /// The facts behind it, a sentence each.
    pub evidence: Vec<String>,
    /// What to do, a sentence or two.
    pub action: String,
    /// A command to copy.
    pub command: Option<String>,
}

impl Draft {
    /// Does it come of an XID?
    fn is_xid(&self) -> bool {
        self.rule.starts_with("xid-")
    }

    fn is_seen_by(&self, witness: Witness) -> bool {
        match witness {
            Witness::Of(cause) => self.cause == cause,
            Witness::OfXid => self.is_xid(),
        }
    }

    fn slots(&self) -> &[u16] {
        if let About::Gpus(slots) = &self.about { slots } else { &[] }
    }

    /// Reaches these GPUs too.
    fn reach(&mut self, more: Vec<u16>) {
        if let About::Gpus(slots) = &mut self.about {
            slots.extend(more);
            slots.sort_unstable();
        }
    }

    /// Takes in another sign of the same cause.
    fn take_in(&mut self, sign: &Self) {
        self.evidence.extend(sign.evidence.iter().cloned());
        self.since = match (self.since, sign.since) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// The finding, with who is hit.
    pub(crate) fn finish<'a>(self, site: Site<'a>, pods: &PodsOf<'a>) -> Finding {
        let node = site.node.id.clone();
        let (object, gpus, hit) = match &self.about {
            About::Gpus(slots) => {
                let object = match slots.as_slice() {
                    [slot] => ObjectRef::Gpu(node.clone(), *slot),
                    _ => ObjectRef::Node(node.clone()),
                };
                (object, slots.clone(), pods.holding(site, slots))
            }
            About::Node => (ObjectRef::Node(node.clone()), site.slots().collect(), pods.on(site)),
            About::Source(source) => (ObjectRef::Connection(source.clone()), site.slots().collect(), Vec::new()),
        };
        let mut evidence = self.evidence;
        if hit.is_empty() && gpus.iter().any(|slot| pods::is_unattributed(site, *slot)) {
            evidence.push("A pod holds it, but nobody says which.".into());
        }
        Finding {
            id: FindingId { object, rule: self.rule },
            status: self.status,
            word: self.word,
            claim: self.claim,
            since: self.since,
            evidence: evidence.join(" "),
            action: self.action,
            command: self.command,
            node,
            gpus,
            workloads: pods.workloads(&hit),
            // The view does not have them: whoever knows the traffic puts them in.
            services: Vec::new(),
            pods: hit,
        }
    }
}

/// Makes one of what has one cause: the worst sign stays, the others become its evidence.
pub(crate) fn one_a_cause(mut drafts: Vec<Draft>) -> Vec<Draft> {
    // Rules are asked in the order of how much they know: among equals the first stays.
    drafts.sort_by_key(|draft| (draft.witness.is_some(), draft.status));
    let mut kept: Vec<Draft> = Vec::with_capacity(drafts.len());
    for mut draft in drafts {
        if let Some(witness) = draft.witness {
            match kept.iter_mut().find(|other| other.is_seen_by(witness) && other.witness.is_none()) {
                Some(better) => better.take_in(&draft),
                None => kept.push(draft),
            }
            continue;
        }
        for other in kept.iter_mut().filter(|other| other.cause == draft.cause) {
            let (same, rest): (Vec<u16>, Vec<u16>) =
                draft.slots().iter().copied().partition(|slot| other.slots().contains(slot));
            if same.is_empty() {
                continue;
            }
            other.take_in(&draft);
            draft.about = if draft.cause == Cause::Links {
                // A link has two ends: what is at the other one has the same cause.
                other.reach(rest);
                About::Gpus(Vec::new())
            } else {
                About::Gpus(rest)
            };
        }
        if draft.about != About::Gpus(Vec::new()) {
            kept.push(draft);
        }
    }
    kept
}

/// A name as a word of a shell, if it is one whatever the shell.
fn plain(name: &str) -> Option<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!name.is_empty() && !name.starts_with('-') && name.chars().all(is_plain)).then_some(name)
}

/// The command that looks at the node.
pub(crate) fn look_at(site: Site<'_>) -> Option<String> {
    Some(format!("kubectl describe node {}", plain(site.name())?))
}

/// The command that keeps new pods away; where that is done, the one that says which pods a drain would move.
pub(crate) fn keep_away(site: Site<'_>) -> Option<String> {
    let name = plain(site.name())?;
    Some(if site.node.cordoned {
        format!("kubectl drain {name} --ignore-daemonsets --dry-run=client")
    } else {
        format!("kubectl cordon {name}")
    })
}

/// "GPU 3", "GPUs 1, 3 and 4", "all 8 GPUs".
pub(crate) fn gpus_in_words(slots: &[u16], all: usize) -> String {
    match slots {
        [slot] => format!("GPU {slot}"),
        slots if slots.len() == all => format!("All {all} GPUs"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(ToString::to_string).collect();
            format!("GPUs {} and {last}", first.join(", "))
        }
        [] => "No GPU".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(rule: &str, slots: &[u16], status: Status) -> Draft {
        Draft {
            rule: rule.into(),
            cause: Cause::Memory,
            about: About::Gpus(slots.to_vec()),
            witness: None,
            status,
            word: rule.into(),
            claim: String::new(),
            since: None,
            evidence: vec![rule.to_owned()],
            action: String::new(),
            command: None,
        }
    }

    #[track_caller]
    fn check(drafts: Vec<Draft>, want: &[&str]) {
        let left = one_a_cause(drafts);
        let left: Vec<String> =
            left.iter().map(|draft| format!("{:?} {}", draft.slots(), draft.evidence.join("+"))).collect();
        assert_eq!(left, want);
    }

    #[test]
    fn the_worst_sign_stays_and_takes_the_others_as_evidence() {
        check(vec![draft("ecc", &[2], Status::Warn), draft("remap", &[2], Status::Bad)], &["[2] remap+ecc"]);
    }

    #[test]
    fn what_another_gpu_has_is_another_cause() {
        check(
            vec![draft("ecc", &[1, 2], Status::Warn), draft("remap", &[2], Status::Bad)],
            &["[2] remap+ecc", "[1] ecc"],
        );
        let links = Draft { cause: Cause::Links, ..draft("links", &[2], Status::Warn) };
        check(vec![draft("ecc", &[2], Status::Warn), links], &["[2] ecc", "[2] links"]);
    }

    #[test]
    fn both_ends_of_a_link_have_one_cause() {
        let links = |rule: &str, slots: &[u16], status| Draft { cause: Cause::Links, ..draft(rule, slots, status) };
        let xid = links("xid-74", &[2], Status::Bad);
        check(vec![links("errors", &[1, 2], Status::Warn), xid], &["[1, 2] xid-74+errors"]);
    }

    #[test]
    fn a_witness_speaks_for_itself_only_where_nobody_knows_better() {
        let witness = Draft { witness: Some(Witness::Of(Cause::Memory)), ..draft("check", &[], Status::Bad) };
        let witness = Draft { about: About::Node, ..witness };
        check(vec![witness.clone(), draft("ecc", &[2], Status::Warn)], &["[2] ecc+check"]);
        check(vec![witness], &["[] check"]);
    }

    #[test]
    fn slots_read_as_words() {
        let words = [gpus_in_words(&[3], 8), gpus_in_words(&[1, 3, 4], 8), gpus_in_words(&[0, 1], 2)];
        assert_eq!(words, ["GPU 3", "GPUs 1, 3 and 4", "All 2 GPUs"]);
    }

    #[test]
    fn a_name_that_a_shell_would_read_otherwise_is_in_no_command() {
        assert_eq!([plain("a-1.x"), plain("a;reboot"), plain("--all"), plain("")], [Some("a-1.x"), None, None, None]);
    }
}

//! The rules: a file each, with a test for *yes*, *no* and *cannot tell*.

mod condition;
mod contested;
mod gone;
mod links;
mod memory;
mod node_ready;
mod pcie;
mod quarantine;
mod remap;
mod repeated;
mod slowdown;
pub(crate) mod telemetry;
mod xid;

use crate::{answer::Answer, draft::Draft, site::Site};

/// Asks one thing of a node.
pub(crate) type Rule = fn(Site<'_>) -> Answer<Vec<Draft>>;

/// All of them, each with how the word begins under which it tells. Of signs of one cause that are equally bad, the one of the
/// rule that comes first stays: those that know the cause come before those that know a symptom.
pub(crate) const ALL: &[(&str, Rule)] = &[
    ("node-ready", node_ready::look),
    ("row-remap", remap::look),
    ("xid-", xid::look),
    ("gpu-gone", gone::look),
    ("memory-errors", memory::look),
    ("nvlink-errors", links::look),
    ("pcie-replays", pcie::look),
    ("slowdown", slowdown::look),
    ("telemetry", telemetry::look),
    ("contested", contested::look),
    ("quarantine", quarantine::look),
    ("condition-", condition::look),
];

/// The rule that tells under a word.
pub(crate) fn of(word: &str) -> Option<Rule> {
    ALL.iter().find(|(begins, _)| word.starts_with(begins)).map(|(_, rule)| *rule)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        fixture::{NOW, Node},
        site::sites,
    };

    /// What a rule says of a node: each draft as "word: claim", "no", or "cannot tell: why".
    #[track_caller]
    pub(crate) fn check(rule: Rule, node: Node, want: &str) {
        let view = crate::fixture::view([node], []);
        let said = match sites(&view, NOW).next().map(rule) {
            Some(Answer::Yes(drafts)) => {
                for draft in &drafts {
                    assert!(of(&draft.rule).is_some_and(|found| std::ptr::fn_addr_eq(found, rule)), "{}", draft.rule);
                }
                drafts.iter().map(|draft| format!("{}: {}", draft.word, draft.claim)).collect::<Vec<_>>().join(" | ")
            }
            Some(Answer::No) => "no".into(),
            Some(Answer::CannotTell(why)) => format!("cannot tell: {why}"),
            None => "no node".into(),
        };
        assert_eq!(said, want);
    }
}

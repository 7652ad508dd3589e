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

/// All of them. Of signs of one cause that are equally bad, the one of the rule that comes first stays: those that know
/// the cause come before those that know a symptom.
pub(crate) const ALL: &[Rule] = &[
    node_ready::look,
    remap::look,
    xid::look,
    gone::look,
    memory::look,
    links::look,
    pcie::look,
    slowdown::look,
    telemetry::look,
    contested::look,
    quarantine::look,
    condition::look,
];

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
                drafts.iter().map(|draft| format!("{}: {}", draft.word, draft.claim)).collect::<Vec<_>>().join(" | ")
            }
            Some(Answer::No) => "no".into(),
            Some(Answer::CannotTell(why)) => format!("cannot tell: {why}"),
            None => "no node".into(),
        };
        assert_eq!(said, want);
    }
}

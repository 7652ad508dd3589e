//! The connections: how each is, why it is not well, and what could be connected.

use crate::{
    ConnectionId, Health, Keyed, KeyedPatch, Problem, Row, Stamp,
    form::{Draft, KindForm},
    plan::{CutAction, Hold, Operation},
    shell,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// All connections, and what there is to connect.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConnectionsView {
    /// Configured connections.
    pub rows: Keyed<ConnectionRow>,
    /// Places found by themselves; not contacted until chosen.
    pub offered: Vec<OfferedContext>,
    /// Servers found inside of connected clusters; not contacted until chosen.
    pub inside: Vec<OfferedService>,
    /// Is a cluster not looked through yet?
    pub looking: bool,
    /// Kinds of connection that can be added.
    pub kinds: Vec<KindForm>,
    /// Where secrets go.
    pub vault: VaultState,
    /// What could not be read while looking: a kubeconfig that is not YAML, say.
    pub problems: Vec<Problem>,
    /// Is everything read alone in this session?
    pub hold: Hold,
    /// Actions that were cut, and that nobody has closed.
    pub cut: Vec<CutAction>,
}

/// What turns one view of the connections into a later one. Everything but the rows changes rarely and goes whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConnectionsPatch {
    /// Changed rows.
    pub rows: KeyedPatch<ConnectionRow, ConnectionId>,
    /// Everything but the rows, if any of it changed.
    pub rest: Option<Box<Surroundings>>,
}

/// What stands around the connections.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Surroundings {
    /// As [`ConnectionsView::offered`].
    pub offered: Vec<OfferedContext>,
    /// As [`ConnectionsView::inside`].
    pub inside: Vec<OfferedService>,
    /// As [`ConnectionsView::looking`].
    pub looking: bool,
    /// As [`ConnectionsView::kinds`].
    pub kinds: Vec<KindForm>,
    /// As [`ConnectionsView::vault`].
    pub vault: VaultState,
    /// As [`ConnectionsView::problems`].
    pub problems: Vec<Problem>,
    /// As [`ConnectionsView::hold`].
    pub hold: Hold,
    /// As [`ConnectionsView::cut`].
    pub cut: Vec<CutAction>,
}

impl ConnectionsView {
    /// What turns `self` into `newer`.
    #[must_use]
    pub fn diff(&self, newer: &Self) -> ConnectionsPatch {
        let (old, new) = (self.surroundings(), newer.surroundings());
        ConnectionsPatch { rows: self.rows.diff(&newer.rows), rest: (old != new).then(|| Box::new(new)) }
    }

    /// Applies what [`ConnectionsView::diff`] found.
    pub fn apply(&mut self, patch: ConnectionsPatch) {
        self.rows.apply(patch.rows);
        if let Some(rest) = patch.rest {
            Surroundings {
                offered: self.offered,
                inside: self.inside,
                looking: self.looking,
                kinds: self.kinds,
                vault: self.vault,
                problems: self.problems,
                hold: self.hold,
                cut: self.cut,
            } = *rest;
        }
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            offered: self.offered.clone(),
            inside: self.inside.clone(),
            looking: self.looking,
            kinds: self.kinds.clone(),
            vault: self.vault.clone(),
            problems: self.problems.clone(),
            hold: self.hold,
            cut: self.cut.clone(),
        }
    }
}

impl ConnectionsPatch {
    /// Does this patch change nothing?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.rest.is_none()
    }
}

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionRow {
    /// The connection.
    pub id: ConnectionId,
    /// Id of its kind.
    pub kind: String,
    /// Name for people.
    pub name: String,
    /// Is it the demo?
    pub demo: bool,
    /// Is it a cluster, and not what stands beside clusters, such as their metrics or a registry?
    pub cluster: bool,
    /// How it is.
    pub health: Health,
    /// The server's version.
    pub version: Option<String>,
    /// Where it is: an address without credentials.
    pub address: Option<String>,
    /// Who we are there, as the server says.
    pub identity: Option<String>,
    /// What it may do: "list pods in all namespaces".
    pub may: Vec<String>,
    /// What it may not do or see.
    pub may_not: Vec<String>,
    /// When it was last heard, by our clock.
    pub heard: Option<Stamp>,
    /// How often it is expected to be heard.
    pub period: Duration,
    /// Facts read since it was connected.
    pub facts: u64,
    /// Facts read a second, over the last ten.
    pub facts_per_s: u32,
    /// Objects or parts of objects that could not be used, counted.
    pub dropped: u64,
    /// The last attempts to connect, newest last; eight at most.
    pub attempts: Vec<Attempt>,
    /// When it is tried again by itself.
    pub retry_at: Option<Stamp>,
    /// Non-secret settings, for the edit form.
    pub values: BTreeMap<String, String>,
    /// Secret fields that are set. Their values are never sent.
    pub secrets_set: Vec<String>,
    /// What may be done through it.
    pub operation: Operation,
}

/// One attempt to connect and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When, by our clock.
    pub at: Stamp,
    /// Did it work?
    pub worked: bool,
    /// In a few words: "refused, 2 ms".
    pub outcome: String,
}

/// A context of a kubeconfig that is offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedContext {
    /// The context's name.
    pub context: String,
    /// Server address without credentials.
    pub server: Option<String>,
    /// The file it comes from.
    pub file: String,
    /// How it signs in: "client certificate", "token", "plug-in aws".
    pub signs_in: String,
    /// Is it the file's current context?
    pub current: bool,
    /// The connection that already uses it.
    pub connected_as: Option<ConnectionId>,
    /// A plug-in that would be run on first contact and that nobody has confirmed: command, arguments, digest.
    pub plugin: Option<PluginNotice>,
}

/// A server inside of a connected cluster that is offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedService {
    /// The connection of the cluster that it is in.
    pub cluster: ConnectionId,
    /// Where it is there: namespace, name and port of its service.
    pub service: String,
    /// What it seems to be: "Thanos Query".
    pub what: String,
    /// The connection that it would become.
    pub draft: Draft,
    /// The connection that already leads there.
    pub connected_as: Option<ConnectionId>,
}

/// What a person has to see before a credential plug-in is first run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginNotice {
    /// The program, as found in the path.
    pub command: String,
    /// Its arguments and variables, secrets redacted.
    pub arguments: Vec<String>,
    /// SHA-256 of the program, where it was found.
    pub digest: Option<String>,
    /// SHA-256 of the whole command as it is, with what is not shown: consent is to this. `None` where an older
    /// Pilothouse kept a consent, which is to nothing.
    pub fingerprint: Option<String>,
}

impl PluginNotice {
    /// Is it one of those that a person confirmed?
    #[must_use]
    pub fn is_among(&self, confirmed: &[Self]) -> bool {
        self.fingerprint.is_some() && confirmed.iter().any(|one| one.fingerprint == self.fingerprint)
    }

    /// Its arguments as a line, each recognisable as one: what has spaces stands in quotes, as a shell would have it.
    #[must_use]
    pub fn line(&self) -> String {
        shell::join(self.arguments.iter().map(String::as_str))
    }

    /// How many parts of the command are not shown. One that has the sign of it in its own text counts too.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.arguments.iter().map(|argument| argument.matches('…').count()).sum()
    }
}

/// Where secrets are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum VaultState {
    /// Not looked at yet: nothing needed a secret.
    #[default]
    NotNeeded,
    /// The keyring of this desktop.
    Keyring,
    /// An encrypted file, open.
    FileOpen,
    /// An encrypted file that waits for its passphrase.
    FileLocked {
        /// Why there is no keyring.
        why: String,
        /// Is there a file already (else the passphrase makes one)?
        exists: bool,
    },
}

impl Row for ConnectionRow {
    type Key = ConnectionId;
    fn key(&self) -> &ConnectionId {
        &self.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_with_a_space_is_shown_as_one() {
        let line = |arguments: &[&str]| {
            let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            PluginNotice { command: "aws".into(), arguments, digest: None, fingerprint: None }.line()
        };
        assert_eq!(line(&["eks", "get-token", "--region=eu-1"]), "eks get-token --region=eu-1");
        assert_eq!(line(&["get token"]), "'get token'");
        assert_ne!(line(&["a b"]), line(&["a", "b"]));
        assert_eq!(line(&["", "x"]), "'' x");
    }
}

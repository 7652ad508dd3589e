//! All that can wake the engine.

use crate::{benches::News, deeds::Grounded, handle::Settled};
use pilothouse_connect::{Connector, Discovery, NoRelay};
use pilothouse_insight::History;
use pilothouse_wire::{
    Act, Acted, Answer, Ask, ConnectionId, Frame, Problem, SmolStr, ViewSpec,
    plan::{Action, CutAction},
    record::Gap,
    view::{Mark, VaultState},
};
use pilothouse_world::project::NodesPart;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// One thing that happened.
pub(crate) enum Input {
    /// A door asked.
    Ask(Ask, oneshot::Sender<Result<Answer, Problem>>),
    /// A door acts.
    Act(Act, oneshot::Sender<Result<Acted, Problem>>),
    /// A door wants to be told when everything is there or has failed.
    Settle(oneshot::Sender<Settled>),
    /// A door watches the live world.
    Watch(ViewSpec, mpsc::Sender<Arc<Frame>>),
    /// A connection was opened by its task.
    Opened(ConnectionId, u64, Arc<dyn Connector>),
    /// A connection was not opened by its task, and why.
    Shut(ConnectionId, u64, NoRelay),
    /// A connection is needed once it is open: another one leads by way of it, or load is sent by it.
    Open(ConnectionId, Asked),
    /// A door that may act wants a cluster as the ground of a benchmark.
    Ground(String, oneshot::Sender<Result<Grounded, Problem>>),
    /// Files were looked through for places that could be connected.
    Discovered(Discovery),
    /// An act that took its time in a task of its own has changed settings or the vault.
    Changed(Changed),
    /// Somebody needed the vault: this is known of it by now.
    Vault(VaultState),
    /// What earlier runs had on their ribbon.
    Recalled(Vec<Mark>),
    /// An action that a person confirmed is as follows, and who it was.
    Acting(Box<Action>, SmolStr),
    /// Of an action that was cut more is known by now.
    SeenSince(Box<CutAction>),
    /// An action that was cut was taken away by a person.
    ClosedCut(u64),
    /// Times of the last week that the record does not tell of.
    Gaps(Vec<Gap>),
    /// What the record tells of since when GPUs do nothing; and who waits for a view that follows from it.
    LookedBack(Box<History>, Option<(ViewSpec, oneshot::Sender<Result<Answer, Problem>>)>),
    /// A stretch of a cluster's nodes is wanted: behind this name, or from the first on.
    Nodes(ConnectionId, Option<SmolStr>, oneshot::Sender<NodesPart>),
    /// Something is heard of benchmarks.
    Bench(News),
    /// Everybody is to stop.
    Stop(oneshot::Sender<()>),
}

/// Where an open connection is handed out, or why it is not.
pub(crate) type Asked = oneshot::Sender<Result<Arc<dyn Connector>, NoRelay>>;

/// What an act changed, to be taken over by the engine.
pub(crate) enum Changed {
    /// Start this connection anew, or stop it if it is paused or gone.
    Restart(ConnectionId),
    /// It may now lead to another place: forget what the old one said, then start it anew.
    Moved(ConnectionId),
    /// The vault was opened: connections that waited for it start anew.
    Unlocked,
    /// A person wishes to be told of something else.
    Wishes,
    /// What may be done through a connection: it is read on as before.
    Operation,
}

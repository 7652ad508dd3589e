//! The words in which the story of a cluster is written down.

/// Which version of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// The one that it has at the start.
    Stable,
    /// The next one: each round of the story tries another.
    Candidate,
}

/// A turn of the story.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cue {
    /// A service gets as many pods.
    Scale(&'static str, usize),
    /// As many percent of a service's pods are to be of a release.
    Roll(&'static str, Release, usize),
    /// As many pods of a service's newest release begin to crash.
    Crash(&'static str, usize),
    /// A GPU of a node fails with this XID: the node says so, and what runs there crashes.
    Xid(&'static str, u32),
    /// A condition of a node becomes true: node, condition, reason, note.
    Condition(&'static str, &'static str, &'static str, &'static str),
    /// A condition of a node is over.
    Clear(&'static str, &'static str),
    /// A node is not heard any more.
    Lose(&'static str),
    /// A node is heard again.
    Revive(&'static str),
    /// A node is cordoned: node, by whom and why.
    Cordon(&'static str, &'static str),
    /// A node takes pods again.
    Uncordon(&'static str),
    /// The pods of a node are moved elsewhere.
    Drain(&'static str),
    /// The jobs of a line end.
    Finish(&'static str),
    /// The cluster answers nobody for as many seconds.
    Outage(u32),
}

/// A turn and when it comes, in seconds from the beginning of a round.
pub(crate) type Turn = (u32, Cue);

/// How long a round of the story is, in milliseconds.
pub(crate) const ROUND_MS: u64 = 1_200_000;

//! What a session is told beside its plans: whether anything may be done in it at all, and what an earlier one left behind.

use super::Intent;
use crate::{ObjectRef, Problem};
use serde::{Deserialize, Serialize};

/// Is everything read alone in this session, whatever its connections allow?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hold {
    /// What its connections allow may be done.
    #[default]
    No,
    /// Nothing is done: a person holds it, and may let go again.
    ByPerson,
    /// Nothing is done: the session was started so, and stays so until its end.
    ByEnvironment,
}

impl Hold {
    /// Is nothing done?
    #[must_use]
    pub fn is_on(self) -> bool {
        self != Self::No
    }

    /// Why nothing is done, and how that is changed; nothing where it is not held.
    #[must_use]
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::No => None,
            Self::ByPerson => Some("This session was switched to reading alone, whatever connections allow."),
            Self::ByEnvironment => Some("PILOTHOUSE_READ_ONLY is set, whatever connections allow."),
        }
    }
}

/// An action that was confirmed, and of which nobody knows whether it was done: the Pilothouse that sent it ended before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutAction {
    /// Its number in the audit book.
    pub id: u64,
    /// What is known of it, and what may be done.
    pub problem: Problem,
    /// What it was done to, where the book keeps its plan.
    pub object: Option<ObjectRef>,
    /// What would take it back, where something would and the book may keep it.
    pub undo: Option<Intent>,
}

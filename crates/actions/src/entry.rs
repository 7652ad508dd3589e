//! What stands in the audit book: who did what, where, when, and what became of it.

use crate::Confirmed;
use pilothouse_wire::{
    Problem, Stamp,
    plan::{ActionState, Plan, Planned},
};
use serde::{Deserialize, Deserializer, Serialize};

/// One line of the book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Stamp,
    /// The account of this machine.
    pub who: String,
    /// The program by which it was confirmed: `pilothouse`, `pilothouse-desktop`.
    pub door: String,
    /// The action: the place of its first entry in the book; none in that entry itself.
    pub action: Option<u64>,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    /// A plan was made and shown.
    Planned {
        /// The connection.
        connection: String,
        /// The object.
        object: String,
        /// The plan as a sentence.
        title: String,
        /// The digest of the plan.
        digest: String,
        /// Why it cannot be confirmed; empty where it can.
        blocked: Vec<String>,
    },
    /// A plan was confirmed: nothing is sent before this is written.
    Confirmed {
        /// The connection.
        connection: String,
        /// The object.
        object: String,
        /// The plan as a sentence.
        title: String,
        /// The digest of the plan.
        digest: String,
        /// What is going to be sent: method and path of each step.
        steps: Vec<String>,
        /// The plan as it was shown, so that it can be looked at if the action is cut; none in books of before, and where
        /// it has another form by now.
        #[serde(default, deserialize_with = "of_now", skip_serializing_if = "Option::is_none")]
        plan: Option<Box<Plan>>,
        /// Has the deed a secret in it? The plan is without.
        #[serde(default)]
        hidden: bool,
    },
    /// A confirmation was turned down.
    TurnedDown {
        /// The plan as a sentence.
        title: String,
        /// Why.
        why: String,
    },
    /// A step was sent, and the server took it.
    Sent {
        /// Which, from 0.
        step: u32,
    },
    /// A step was not taken, or nobody can say.
    NotSent {
        /// Which, from 0.
        step: u32,
        /// Why.
        why: String,
    },
    /// An action that was cut was looked at.
    Seen {
        /// Is it as it should be?
        verified: bool,
        /// How it is.
        words: String,
    },
    /// It is over.
    Ended {
        /// What became of it: the word for it.
        state: String,
        /// More of that.
        detail: String,
    },
}

/// A plan, if it still has the form of one: the book is read for years, and plans change with what they show.
fn of_now<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<Plan>>, D::Error> {
    let plan = Option::<serde_json::Value>::deserialize(from)?;
    Ok(plan.and_then(|plan| serde_json::from_value(plan).ok()).map(Box::new))
}

impl What {
    /// A plan was made and shown.
    #[must_use]
    pub fn planned(planned: &Planned) -> Self {
        let Planned { digest, plan } = planned;
        let object = &plan.intent.object;
        Self::Planned {
            connection: object.connection().to_string(),
            object: object.to_string(),
            title: plan.title.clone(),
            digest: digest.to_string(),
            blocked: plan.blocked.iter().map(|problem| problem.to_string()).collect(),
        }
    }

    /// Does it say what another one said? A plan that is made again has another digest, since it is of another time.
    #[must_use]
    pub fn repeats(&self, other: &Self) -> bool {
        let of = |what: &Self| match what {
            Self::Planned { connection, object, title, blocked, .. } => Self::Planned {
                connection: connection.clone(),
                object: object.clone(),
                title: title.clone(),
                digest: String::new(),
                blocked: blocked.clone(),
            },
            other => other.clone(),
        };
        of(self) == of(other)
    }

    /// A plan was confirmed.
    #[must_use]
    pub fn confirmed(confirmed: &Confirmed) -> Self {
        let plan = confirmed.plan();
        let object = &plan.intent.object;
        Self::Confirmed {
            connection: object.connection().to_string(),
            object: object.to_string(),
            title: plan.title.clone(),
            digest: confirmed.digest().to_string(),
            plan: Some(Box::new(plan.clone())),
            hidden: plan.intent != confirmed.sought().intent,
            steps: plan.steps.iter().map(|step| format!("{} {}", step.request.method, step.request.path)).collect(),
        }
    }

    /// A confirmation was turned down.
    #[must_use]
    pub fn turned_down(title: &str, problem: &Problem) -> Self {
        Self::TurnedDown { title: title.to_owned(), why: problem.to_string() }
    }

    /// It is over.
    #[must_use]
    pub fn ended(state: &ActionState) -> Self {
        let detail = match state {
            ActionState::Sending(text)
            | ActionState::Verifying(text)
            | ActionState::Verified(text)
            | ActionState::Unverified(text) => text.clone(),
            ActionState::Refused(problem) | ActionState::Partly(problem) | ActionState::Unknown(problem) => {
                problem.to_string()
            }
        };
        Self::Ended { state: state.word().to_owned(), detail }
    }
}

//! What stands in the audit book: who did what, where, when, and what became of it.

use crate::Confirmed;
use pilothouse_wire::{
    Problem, Stamp,
    plan::{ActionState, Digest, Plan, Planned},
};
use serde::{Deserialize, Deserializer, Serialize};
use std::time::Duration;

/// For so long what is planned again counts as the same plan looked at again.
const AGAIN: Duration = Duration::from_secs(3_600);
/// Each plan has an entry, up to so many of the same; from then on one in each of these spans has, so that nobody fills a book by
/// asking for one plan over and over.
pub const OFTEN: u32 = 60;
const SELDOM: Duration = Duration::from_secs(60);

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
        /// How often the same was planned by the same person in the same door within the hour, this time included: at least
        /// so often from [`OFTEN`] on.
        #[serde(default = "first", skip_serializing_if = "is_first")]
        times: u32,
        /// Since when that is counted; none where it is the first time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Stamp>,
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
        /// The connection; in books of before nobody says, as of all that follows.
        #[serde(default)]
        connection: String,
        /// The object.
        #[serde(default)]
        object: String,
        /// The plan as a sentence.
        title: String,
        /// The digest by which it was confirmed.
        #[serde(default)]
        digest: String,
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

fn first() -> u32 {
    1
}

fn is_first(times: &u32) -> bool {
    *times == 1
}

impl Entry {
    /// This entry of a plan behind others, the newest of them first: where the same was planned a short while ago, with how often and
    /// since when. None where it was planned so often that the newest of them tells of this one, too.
    #[must_use]
    pub fn behind<'a>(mut self, newest: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let of_same = |one: &&Self| {
            (&one.who, &one.door, one.action) == (&self.who, &self.door, self.action) && one.what.repeats(&self.what)
        };
        let Some(last) = newest.into_iter().find(of_same) else { return Some(self) };
        let (What::Planned { times: before, since: begun, .. }, What::Planned { times, since, .. }) =
            (&last.what, &mut self.what)
        else {
            return Some(self);
        };
        let begun = begun.unwrap_or(last.at);
        if self.at.since(begun) >= AGAIN {
            return Some(self);
        }
        if *before >= OFTEN && self.at.since(last.at) < SELDOM {
            return None;
        }
        (*times, *since) = (before.saturating_add(1), Some(begun));
        Some(self)
    }
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
            times: first(),
            since: None,
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
                times: first(),
                since: None,
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

    /// A confirmation was turned down; of a plan that is not known here there is the digest alone.
    #[must_use]
    pub fn turned_down(plan: Option<&Plan>, digest: &Digest, problem: &Problem) -> Self {
        let object = plan.map(|plan| &plan.intent.object);
        Self::TurnedDown {
            connection: object.map(|object| object.connection().to_string()).unwrap_or_default(),
            object: object.map(ToString::to_string).unwrap_or_default(),
            title: plan.map_or_else(|| "a plan that is not known here".to_owned(), |plan| plan.title.clone()),
            digest: digest.to_string(),
            why: problem.to_string(),
        }
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

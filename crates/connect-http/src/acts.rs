//! Doing something through a server that has neither a review of rights nor a dry run: what such plans have in common.
//!
//! Such a server holds no guards either. A step that only looks stands before the one that writes, and ends the action where
//! what the plan depends on is another by then.

use crate::{client::Client, failure::Failure, problems};
use pilothouse_connect::NotSent;
use pilothouse_wire::{
    Code, Problem, SmolStr, Stamp,
    plan::{Affected, Deed, DryRun, Expectation, FieldChange, Intent, Permission, Plan, Request, Risk, Step},
};
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;

/// How long a write may take to be answered.
pub const PATIENCE: Duration = Duration::from_secs(20);
const JSON: &str = "application/json";
/// The method of a step that only looks.
pub const LOOK: &str = "GET";

/// What is to be done, before what all such plans have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// It as a sentence.
    pub title: String,
    /// What is sent, in order.
    pub steps: Vec<Step>,
    /// What would be another.
    pub changes: Vec<FieldChange>,
    /// How much can go wrong, and why.
    pub risk: (Risk, String),
    /// What a person should know before.
    pub warnings: Vec<String>,
    /// What success will look like.
    pub success: Expectation,
    /// What would undo it.
    pub undo: Option<Deed>,
}

/// A step that writes JSON.
#[must_use]
pub fn step(client: &Client, words: &str, method: &str, path: &str, body: &Value) -> Step {
    let name = &client.place.name;
    Step {
        words: words.to_owned(),
        request: Request {
            method: SmolStr::new(method),
            path: path.to_owned(),
            media: SmolStr::new_static(JSON),
            body: body.to_string(),
        },
        guards: Vec::new(),
        permission: Permission::Unknown(format!("{name} has no way to ask.")),
        dry_run: DryRun::NotTried(format!("{name} has no way to try.")),
    }
}

/// The plan of a draft.
#[must_use]
pub fn plan(client: &Client, intent: &Intent, now: Stamp, draft: Draft) -> Plan {
    let writes = draft.steps.iter().find(|step| step.request.method != LOOK);
    let blocked = writes.and_then(|step| client.no_way_to_write(&step.request.path));
    Plan {
        intent: intent.clone(),
        title: draft.title,
        made: now,
        steps: draft.steps,
        changes: draft.changes,
        more_changes: 0,
        traffic: Vec::new(),
        affected: Affected::default(),
        risk: draft.risk.0,
        risk_why: draft.risk.1,
        warnings: draft.warnings,
        success: draft.success,
        undo: draft.undo.map(|deed| Intent { object: intent.object.clone(), deed }),
        type_name: None,
        blocked: blocked.into_iter().collect(),
    }
}

/// Nothing of this kind can be done here.
#[must_use]
pub fn not_offered(client: &Client, intent: &Intent) -> Problem {
    let (name, deed) = (&client.place.name, intent.deed.word());
    Problem::new(Code::NotOffered, format!("{name} cannot {deed} {} {}.", intent.object.kind_word(), intent.object))
}

/// It is so already.
#[must_use]
pub fn so_already(what: &str) -> Problem {
    Problem::new(Code::Exists, format!("{what} already.")).next("Nothing is to be done.")
}

/// What a step that only looks says where it is another by now.
#[must_use]
pub fn changed(what: &str) -> NotSent {
    NotSent::Refused(
        Problem::new(Code::Exists, "It has changed since it was planned.")
            .why(what)
            .next("Nothing was done. Plan it anew: the plan will be of how it is now."),
    )
}

/// Sends a step that writes. `problem` puts a failure into the words of its kind of server.
///
/// # Errors
/// Whether nothing was done, or nobody can say.
pub async fn send(client: &Client, request: &Request, problem: impl Fn(&Failure) -> Problem) -> Result<(), NotSent> {
    let method = match request.method.as_str() {
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        other => {
            return Err(NotSent::Refused(Problem::new(Code::Internal, format!("{other} is not sent."))));
        }
    };
    match client.write(method, &request.path, &request.body, PATIENCE).await {
        // Who wants people to sign in hands nothing on, and says so with a page that is no failure.
        Ok(answer) if answer.body.trim_ascii_start().starts_with(b"<") => Err(NotSent::Lost(problem(&Failure::Page))),
        Ok(_) => Ok(()),
        Err(failure) => {
            let told = problem(&failure);
            let told = match &failure {
                // Its own words are what a person needs.
                Failure::Refusal(refusal) if !refusal.message.is_empty() => {
                    Problem { why: Some(problems::sentence(&refusal.message)), ..told }
                }
                _ => told,
            };
            Err(if is_lost(&failure, &told) { NotSent::Lost(told) } else { NotSent::Refused(told) })
        }
    }
}

/// May it have been done all the same?
fn is_lost(failure: &Failure, told: &Problem) -> bool {
    match failure {
        Failure::Told(_) | Failure::OnTheWay(..) => false,
        Failure::Refusal(refusal) => refusal.status >= 500,
        // Nothing was sent where nobody was reached.
        Failure::Transport(_) => !matches!(
            told.code,
            Code::Refused | Code::NameNotFound | Code::TlsUntrusted | Code::TlsExpired | Code::TlsWrongName
        ),
        Failure::TimedOut(_) | Failure::Page | Failure::Unreadable(_) | Failure::TooLarge(_) => true,
    }
}

//! A plan that was shown, and whether it may be confirmed.

use crate::{Confirmed, Seal};
use pilothouse_wire::{
    Code, Problem, SmolStr, Stamp,
    plan::{Confirmation, Deed, Operation, Plan, Planned, Request},
};
use std::time::Duration;

/// A plan is of how things were: for so long it may be confirmed.
const FRESH: Duration = Duration::from_secs(15 * 60);

/// A plan that was shown to a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    planned: Planned,
    /// What is sent. A template in it has values of variables, which nobody is shown.
    requests: Vec<Request>,
    /// What is wanted. What is shown is without the values in it that are secrets.
    deed: Deed,
}

impl Proposal {
    /// What is shown: the plan, with what its connection asks of who confirms it, named by the session's `seal`. `hide` takes
    /// out of a deed what nobody is shown.
    #[must_use]
    pub fn new(
        mut plan: Plan,
        connection: &str,
        operation: Operation,
        seal: &Seal,
        hide: impl Fn(&Deed) -> Deed,
    ) -> Self {
        if !operation.operate {
            let what = format!("{connection} is read alone.");
            plan.blocked.push(
                Problem::new(Code::Denied, what)
                    .why("Nobody has switched on that something may be done through it.")
                    .next(format!("Switch it on: pilothouse connect operate {connection}")),
            );
        }
        if operation.production {
            plan.type_name = Some(plan.intent.object.name());
        }
        if plan.undo.as_ref().is_some_and(|undo| hide(&undo.deed) != undo.deed) {
            plan.undo = None;
            plan.warnings.push("What would take it back has a secret in it, which is not kept.".to_owned());
        }
        let digest = seal.digest(&plan);
        let requests = plan.steps.iter().map(|step| step.request.clone()).collect();
        plan.steps.iter_mut().for_each(|step| step.request.body.clear());
        let shown = hide(&plan.intent.deed);
        let deed = std::mem::replace(&mut plan.intent.deed, shown);
        Self { planned: Planned { digest, plan }, requests, deed }
    }

    /// What is shown.
    #[must_use]
    pub fn planned(&self) -> &Planned {
        &self.planned
    }

    /// Takes in a person's word. `operation` is how the connection is set now, which may be another than when it was planned.
    ///
    /// # Errors
    /// Why nothing is done.
    pub fn confirm(self, by: &Confirmation, operation: Operation, now: Stamp) -> Result<Confirmed, Problem> {
        let Planned { digest, plan } = self.planned;
        let refused = |code, what: &str| Problem::new(code, format!("\"{}\" is not done: {what}", plan.title));
        if digest != by.digest {
            return Err(refused(Code::BadInput, "another plan was confirmed."));
        }
        if let Some(problem) = plan.blocked.first() {
            return Err(problem.clone());
        }
        if !operation.operate {
            return Err(refused(Code::Denied, "the connection is read alone by now.").next("Switch it on again."));
        }
        if now.since(plan.made) > FRESH {
            return Err(refused(Code::BadInput, "it was planned too long ago.").next("Plan it anew."));
        }
        // What was marked since it was planned counts, too.
        let name = plan.type_name.clone().or_else(|| operation.production.then(|| plan.intent.object.name()));
        if let Some(name) = name
            && by.typed.as_deref().map(str::trim) != Some(name.as_str())
        {
            return Err(wrong_name(&name, by.typed.as_deref()));
        }
        Ok(Confirmed::new(plan, digest, self.requests, self.deed))
    }
}

fn wrong_name(name: &SmolStr, typed: Option<&str>) -> Problem {
    let why = match typed {
        Some(typed) => format!("\"{typed}\" was typed."),
        None => "Nothing was typed.".to_owned(),
    };
    Problem::new(Code::BadInput, "The name was not typed, so nothing is done.")
        .why(why)
        .next(format!("This is production: type \"{name}\" to confirm."))
}

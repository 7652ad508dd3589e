//! Deeds: plans that were shown, and what becomes of those that a person confirms.
//!
//! Nothing is sent before it stands in the audit book, and nothing is drawn before it was seen: what became of a deed is read
//! from its server.

pub(crate) mod book;
pub(crate) mod cut;
mod ground;
mod holding;
mod shown;
#[cfg(test)]
mod tests;

pub use ground::Grounded;
pub(crate) use holding::Holding;
pub(crate) use shown::Shown;

use crate::{
    asks,
    back::{Doubt, Outlook},
    input::Input,
};
use book::{Ledger, Signing};

use pilothouse_actions::{Confirmed, Course, Proposal, What};
use pilothouse_connect::{Clock, Connector, NotSent, Seen, redact_deed};
use pilothouse_vault::{Paths, Settings, Vault};
use pilothouse_wire::{
    Acted, Answer, Code, ConnectionId, Problem, SmolStr,
    plan::{Action, ActionState, ActionsView, Confirmation, Intent, Operation},
    rights::{Rights, RightsQuery},
    view::Status,
};
use pilothouse_world::{Fact, fact::ActedFact};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};

/// Actions that are shown.
const MOST_SHOWN: usize = 100;
/// How often it is looked whether a deed came to pass.
const LOOK: Duration = Duration::from_secs(1);
/// How long it is waited before something is sent again that the server did not take just then.
const AGAIN: Duration = Duration::from_secs(3);

/// Actions of this process of which no further step is to be sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Halted(Arc<Mutex<BTreeSet<u64>>>);

impl Halted {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends no further step of an action, once what is on its way is answered.
    pub(crate) fn halt(&self, action: u64) {
        self.lock().insert(action);
    }

    fn is_halted(&self, action: u64) -> bool {
        self.lock().contains(&action)
    }

    fn forget(&self, action: u64) {
        self.lock().remove(&action);
    }
}

/// What a deed works with.
#[derive(Clone)]
pub(crate) struct Bench {
    pub paths: Paths,
    pub vault: Arc<Vault>,
    pub clock: Clock,
    pub inputs: mpsc::Sender<Input>,
    pub shown: Shown,
    pub holding: Holding,
    pub halted: Halted,
    pub signing: Signing,
}

impl Bench {
    /// Makes a plan, and keeps it for who may confirm it. One to go back cannot be confirmed where its outlook is that this is
    /// not possible, unless a person wants it all the same: then it says so.
    pub(crate) async fn plan(
        self,
        connector: Option<Arc<dyn Connector>>,
        intent: Intent,
        outlook: Option<Outlook>,
    ) -> Result<Answer, Problem> {
        let id = intent.object.connection().clone();
        let connector = asks::connected(connector, &id, "What would be done is read from the server")?;
        let asked = format!("a plan to {} {}", intent.deed.word(), intent.object.name());
        let doubt = async {
            Ok::<_, Problem>(match outlook {
                Some(outlook) => outlook.doubt().await,
                None => None,
            })
        };
        let (mut plan, doubt) = tokio::try_join!(asks::within(&id, &asked, connector.plan(&intent)), doubt)?;
        match doubt {
            Some(Doubt::Closed(problem)) => plan.blocked.push(problem),
            Some(Doubt::Told(words)) => plan.warnings.push(words),
            None => {}
        }
        let mut operation = self.operation(&id).await?;
        if let Some(held) = self.holding.problem() {
            plan.blocked.push(held);
            // What keeps it is not the connection, whatever that allows.
            operation.operate = true;
        }
        let seal = self.shown.seal()?;
        let mut proposal = Proposal::new(plan.clone(), id.as_str(), operation, seal, redact_deed);
        let ledger = Ledger::of(&self.paths, self.clock.clone());
        match ledger.planned(What::planned(proposal.planned())).await {
            Ok(true) => self.signing.start(ledger, Arc::clone(&self.vault)),
            Ok(false) => {}
            // It may be looked at all the same; confirmed, it could not be written down either.
            Err(problem) => {
                plan.blocked.push(problem);
                proposal = Proposal::new(plan, id.as_str(), operation, seal, redact_deed);
            }
        }
        let planned = proposal.planned().clone();
        self.shown.keep(proposal);
        Ok(Answer::Plan(Box::new(planned)))
    }

    /// What we may do through a connection, and what a person allows there.
    pub(crate) async fn rights(
        self,
        connector: Option<Arc<dyn Connector>>,
        query: RightsQuery,
    ) -> Result<Answer, Problem> {
        let id = query.connection.clone();
        let connector = asks::connected(connector, &id, "What we may do is asked of the server")?;
        let rights = asks::within(&id, "what we may do", connector.rights(&query)).await?;
        let operation = self.operation(&id).await?;
        Ok(Answer::Rights(Box::new(Rights { operation, ..rights })))
    }

    /// Takes in a person's word: writes it down, answers, and does it behind the answer.
    pub(crate) async fn confirm(
        self,
        connector: Option<Arc<dyn Connector>>,
        by: Confirmation,
    ) -> Result<Acted, Problem> {
        let ledger = Ledger::of(&self.paths, self.clock.clone());
        let plan = self.shown.find(&by.digest);
        match self.confirmed(connector, &by).await {
            Ok((connector, confirmed)) => {
                let running = ledger.begin(What::confirmed(&confirmed)).await?;
                let id = running.id();
                running.sign(&self.vault);
                let course = Run { bench: self, connector, confirmed, running };
                course.tell(ActionState::Sending(String::new()), 0, None).await;
                tokio::spawn(course.run());
                Ok(Acted::Begun(id))
            }
            Err(problem) => {
                // That it cannot be written or signed changes nothing: nothing is done, and a check of the book says so.
                let what = What::turned_down(plan.as_ref(), &by.digest, &problem);
                if ledger.write(None, what).await.is_ok() {
                    let _ = ledger.signed(&self.vault).await;
                }
                Err(problem)
            }
        }
    }

    async fn confirmed(
        &self,
        connector: Option<Arc<dyn Connector>>,
        by: &Confirmation,
    ) -> Result<(Arc<dyn Connector>, Confirmed), Problem> {
        // It may be held since it was planned.
        if let Some(held) = self.holding.problem() {
            return Err(held);
        }
        let operation = match self.shown.connection(&by.digest) {
            Some(id) => self.operation(&id).await?,
            None => Operation::default(),
        };
        let confirmed = self.shown.confirm(by, operation, &self.clock)?;
        let id = confirmed.plan().intent.object.connection();
        Ok((asks::connected(connector, id, "Nothing is sent before")?, confirmed))
    }

    /// How a connection is set now, whoever set it.
    async fn operation(&self, id: &ConnectionId) -> Result<Operation, Problem> {
        let paths = self.paths.clone();
        let settings = tokio::task::spawn_blocking(move || Settings::load(&paths)).await;
        let settings = settings.map_err(|error| {
            Problem::new(Code::Internal, "The settings could not be read.").why(error.to_string())
        })??;
        Ok(settings.connection(id).map(|settings| settings.operation).unwrap_or_default())
    }
}

/// A deed on its way.
struct Run {
    bench: Bench,
    connector: Arc<dyn Connector>,
    confirmed: Confirmed,
    running: book::Running,
}

impl Run {
    async fn run(mut self) {
        let mut course = self.confirmed.course();
        let deadline = Instant::now() + self.confirmed.plan().success.within;
        let mut told = (0, String::new());
        while let Some((step, request)) = self.confirmed.next(&course) {
            if self.bench.halted.is_halted(self.running.id()) {
                course.refused(self.halted(&course));
                break;
            }
            if course.is_round() {
                if Instant::now() >= deadline {
                    course.refused(self.late(&course));
                    break;
                }
                tokio::time::sleep(AGAIN).await;
                course.again();
                continue;
            }
            let what = match self.connector.send(request).await {
                Ok(()) => {
                    course.took();
                    What::Sent { step }
                }
                Err(NotSent::Later { of, why }) => {
                    course.later(of, why);
                    self.tell_of(&course, &mut told).await;
                    continue;
                }
                Err(NotSent::Refused(problem)) => {
                    let what = What::NotSent { step, why: problem.to_string() };
                    course.refused(problem);
                    what
                }
                Err(NotSent::Lost(problem)) => {
                    let what = What::NotSent { step, why: format!("Its answer was lost. {problem}") };
                    course.lost(problem);
                    what
                }
            };
            let noted = self.running.note(what).await;
            if self.confirmed.next(&course).is_some() {
                // Nothing is done that cannot be written down.
                if let Err(problem) = noted {
                    course.refused(problem);
                    break;
                }
                self.tell_of(&course, &mut told).await;
            }
        }
        for (step, why) in course.held() {
            // It was tried, and its server did not take it: that it cannot be written changes nothing of that.
            let _ = self.running.note(What::NotSent { step, why: why.to_string() }).await;
        }
        let sent = course.sent();
        let seen = if course.is_to_be_verified() { self.verify(sent).await } else { Err(String::new()) };
        let state = course.end(seen);
        self.bench.halted.forget(self.running.id());
        let unsigned = self.running.end(What::ended(&state), &self.bench.vault).await;
        self.tell(state, sent, unsigned).await;
    }

    /// Why nothing more is sent: a person says so.
    fn halted(&self, course: &Course) -> Problem {
        let (sent, of) = (course.sent(), self.confirmed.plan().steps.len());
        let problem = Problem::new(Code::Cut, format!("A person stopped it after {sent} of {of} steps."))
            .next("What was done stays. Plan it anew to go on, or plan the way back.");
        with_what_waits(problem, course)
    }

    /// Why nothing more is sent: what is held was waited for long enough.
    fn late(&self, course: &Course) -> Problem {
        let plan = self.confirmed.plan();
        let (sent, of) = (course.sent(), plan.steps.len());
        let waited = pilothouse_wire::units::span(plan.success.within);
        let problem = Problem::new(Code::TimedOut, format!("After {waited} {sent} of {of} steps were taken."))
            .next("What was done stays. Plan it anew to go on once the others may go, or plan the way back.");
        with_what_waits(problem, course)
    }

    /// Tells how far it is and what it waits for, where that is another than was `told` last.
    async fn tell_of(&self, course: &Course, told: &mut (u32, String)) {
        let now = (course.sent(), course.waits());
        if now != *told {
            self.tell(ActionState::Sending(now.1.clone()), now.0, None).await;
            *told = now;
        }
    }

    /// Looks until what was wanted is so, will not be, or the time is over.
    async fn verify(&self, sent: u32) -> Result<String, String> {
        let plan = self.confirmed.plan();
        let (deadline, mut last) = (Instant::now() + plan.success.within, "nothing was seen yet".to_owned());
        self.tell(ActionState::Verifying(last.clone()), sent, None).await;
        loop {
            let now = match self.connector.look(self.confirmed.sought()).await {
                Ok(Seen::Met(words)) => return Ok(words),
                Ok(Seen::Never(why)) => return Err(why),
                Ok(Seen::NotYet(how)) => how,
                // A server that cannot be asked just now may be asked again.
                Err(problem) => problem.what,
            };
            if self.bench.halted.is_halted(self.running.id()) {
                return Err(format!("a person waited no longer: {now}"));
            }
            if Instant::now() >= deadline {
                let waited = pilothouse_wire::units::span(plan.success.within);
                return Err(format!("after {waited}: {now}"));
            }
            if now != last {
                last.clone_from(&now);
                self.tell(ActionState::Verifying(now), sent, None).await;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn tell(&self, state: ActionState, sent: u32, unsigned: Option<Problem>) {
        let action = Action {
            id: self.running.id(),
            plan: self.confirmed.plan().clone(),
            digest: self.confirmed.digest(),
            begun: self.running.begun(),
            sent,
            state,
            unsigned: unsigned.map(Box::new),
            at: self.bench.clock.now(),
        };
        let _ = self.bench.inputs.send(Input::Acting(Box::new(action), self.running.who().into())).await;
    }
}

/// A reason to stop, with what is held by then.
fn with_what_waits(problem: Problem, course: &Course) -> Problem {
    match course.waits() {
        waits if waits.is_empty() => problem,
        waits => problem.why(waits),
    }
}

/// What the ribbon tells of an action.
pub(crate) fn fact(action: &Action, who: SmolStr) -> Fact {
    let status = match &action.state {
        ActionState::Verified(_) => Status::Good,
        ActionState::Sending(_) | ActionState::Verifying(_) => Status::Unknown,
        ActionState::Unverified(_) | ActionState::Unknown(_) | ActionState::Refused(_) => Status::Warn,
        ActionState::Partly(_) => Status::Bad,
    };
    let outcome = match &action.state {
        ActionState::Verified(words) => format!("{}: {words}", action.state.word()),
        ActionState::Unverified(why) => format!("{}, {why}", action.state.word()),
        ActionState::Refused(problem) | ActionState::Partly(problem) | ActionState::Unknown(problem) => {
            format!("{}: {}", action.state.word(), problem.what)
        }
        ActionState::Sending(_) | ActionState::Verifying(_) => action.state.word().to_owned(),
    };
    let object = action.plan.intent.object.clone();
    let title = action.plan.title.clone();
    Fact::Acted(Box::new(ActedFact { at: action.begun, object, title, by: who, outcome, status }))
}

/// Takes in how an action is. Only so many of those that are over are kept.
pub(crate) fn note(view: &mut ActionsView, action: Action) {
    view.actions.set(action);
    let over = |view: &ActionsView| view.actions.rows().iter().find(|one| one.state.is_over()).map(|one| one.id);
    while view.actions.len() > MOST_SHOWN {
        let Some(oldest) = over(view) else { return };
        view.actions.remove(&oldest);
    }
}

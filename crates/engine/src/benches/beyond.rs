//! A run that is sent past this machine for a person at the window: who plans and confirms its Job as any action, and from then on
//! what belongs to it is done, its workers are heard out, and what comes of it is kept.

use super::{News, served::Waits};
use crate::{
    deeds::Grounded,
    handle::{Frames, Operator},
    input::Input,
};
use pilothouse_bench::{
    shown::{Course, Tick},
    store::Place,
    workers::{Begun, Errand, Hand, News as Told},
};
use pilothouse_connect::Clock;
use pilothouse_wire::{
    Act, Acted, Answer, Ask, Body, Code, ObjectRef, Problem, View, ViewSpec, When,
    bench::Going,
    plan::{Action, ActionState, Confirmation, Deed, Intent},
};
use std::time::Duration;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, MissedTickBehavior, interval, sleep},
};

/// How often it is told how far it is.
const PULSE: Duration = Duration::from_secs(1);
/// A plan that nobody confirms is waited for so long.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// What is to be run.
pub(super) struct Work {
    pub errand: Errand,
    pub course: Course,
    pub place: Place,
    pub clock: Clock,
    pub stopped: watch::Receiver<bool>,
    pub inputs: mpsc::Sender<Input>,
}

impl Work {
    /// Says what a person has to confirm, waits for that, and tells of it until it is over. What went wrong beside it, where it is
    /// kept; why it is not, if it is not.
    pub(super) async fn run(self, reply: oneshot::Sender<Result<Acted, Problem>>) -> Result<Option<Problem>, Problem> {
        let operator = Operator::new(self.inputs.clone());
        let opened = async {
            self.place.is_free()?;
            let ground = operator.ground(&self.errand.spec.cluster).await?;
            // Watched before anybody can confirm it: nothing is missed.
            Ok::<_, Problem>((ground, operator.reader().watch(ViewSpec::Actions, When::Now).await?))
        };
        let (Grounded { id, ground, .. }, frames) = match opened.await {
            Ok(opened) => opened,
            Err(problem) => {
                // Whoever waits for the answer is told; nothing has begun.
                drop(reply.send(Err(problem)));
                return Ok(None);
            }
        };
        let object = self.errand.object(id);
        let intent = Intent { object: object.clone(), deed: self.errand.deed() };
        if reply.send(Ok(Acted::Needs(Box::new(intent.clone())))).is_err() {
            return Ok(None);
        }
        let waits = Waits { id: self.place.id.clone(), inputs: self.inputs.clone() };
        waits.tell(format!("until the plan of Job {} is confirmed; nothing is sent before", self.errand.job)).await;
        let action = self.confirmed(frames, &intent).await?;
        let mut hand = OfJob { operator, object };
        match &action.state {
            ActionState::Verified(_) => {}
            ActionState::Refused(problem) => return Err((**problem).clone()),
            state => {
                let mut trouble = None;
                self.errand.end(&mut hand, &mut |told| note(&mut trouble, told)).await;
                let problem = self.errand.not_made(state);
                let why = problem.why.clone().into_iter().chain(trouble.map(|of: Problem| of.to_string()));
                return Err(Problem { why: Some(why.collect::<Vec<_>>().join(" ")), ..problem });
            }
        }
        let Self { errand, mut course, place, clock, stopped, inputs } = self;
        let (id, begun) = (place.id.clone(), Begun { place, asked: action.begun, clock });
        let (tell, told) = watch::channel((None, None));
        let heard = |news: Told| {
            tell.send_modify(|(last, trouble)| match news {
                Told::Trouble(problem) => *trouble = Some(problem),
                other => *last = Some(other),
            });
        };
        let mut running = std::pin::pin!(errand.run(ground, &mut hand, &begun, over(stopped.clone()), heard));
        let (begin, mut pulse) = (Instant::now(), interval(PULSE));
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let document = loop {
            tokio::select! {
                document = &mut running => break document?,
                _ = pulse.tick() => {}
            }
            let last = told.borrow().0.clone();
            match last {
                Some(Told::Sends(progress)) => {
                    course.take(Tick { at: begin.elapsed(), progress, blocks: 0 });
                    let stopping = *stopped.borrow();
                    let going = Going { id: id.clone(), card: course.card(stopping), stopping };
                    let _ = inputs.send(Input::Bench(News::Going(Box::new(going)))).await;
                }
                Some(Told::Waits(who)) => waits.tell(format!("for {who}")).await,
                Some(Told::Trouble(_)) | None => waits.tell("for the workers".into()).await,
            }
        };
        let trouble = told.borrow().1.clone();
        let silent = document.measures.is_none().then(|| {
            Problem::new(Code::ServerFailed, "Not one worker told what it measured.")
                .next(format!("See the page of {id}."))
        });
        Ok(silent.or(trouble))
    }

    /// What became of the plan that a person confirms; why nobody waits for that any more.
    async fn confirmed(&self, frames: Frames, intent: &Intent) -> Result<Action, Problem> {
        let nothing = |code, what: &str| Problem::new(code, what).why("Nothing was made, and nothing was sent.");
        tokio::select! {
            action = ended(frames, |action| action.plan.intent == *intent) => action,
            () = over(self.stopped.clone()) => Err(nothing(Code::Cut, "It was ended before its plan was confirmed.")),
            () = sleep(PATIENCE) => Err(nothing(Code::TimedOut, "Nobody confirmed its plan.")),
        }
    }
}

fn note(trouble: &mut Option<Problem>, told: Told) {
    if let Told::Trouble(problem) = told {
        *trouble = Some(problem);
    }
}

/// Once somebody ends it.
async fn over(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// The action that is meant, once it is over.
async fn ended(mut frames: Frames, is_it: impl Fn(&Action) -> bool) -> Result<Action, Problem> {
    while let Some(frame) = frames.next().await {
        let Body::Full(View::Actions(view)) = &frame.body else { continue };
        let action = view.actions.rows().iter().find(|action| is_it(action) && action.state.is_over());
        if let Some(action) = action {
            return Ok(action.clone());
        }
    }
    Err(Problem::new(Code::Cut, "The engine ended before it was known what became of it."))
}

/// What is done to the Job belongs to what a person confirmed.
struct OfJob {
    operator: Operator,
    object: ObjectRef,
}

impl Hand for OfJob {
    async fn does(&mut self, deed: Deed) -> Result<(), Problem> {
        let intent = Intent { object: self.object.clone(), deed };
        let Answer::Plan(planned) = self.operator.reader().ask(Ask::Plan(intent)).await? else {
            return Err(Problem::other_answer());
        };
        if let Some(problem) = planned.plan.blocked.first() {
            return Err(problem.clone());
        }
        let frames = self.operator.reader().watch(ViewSpec::Actions, When::Now).await?;
        // In production the name was typed once, for all that is done to this one Job.
        let typed = planned.plan.type_name.as_ref().map(ToString::to_string);
        let by = Confirmation { digest: planned.digest, typed };
        let Acted::Begun(id) = self.operator.act(Act::Confirm(by)).await? else {
            return Err(Problem::other_answer());
        };
        match ended(frames, |action| action.id == id).await?.state {
            ActionState::Refused(problem) | ActionState::Partly(problem) | ActionState::Unknown(problem) => {
                Err(*problem)
            }
            // That it was not seen in time is no word that it was not done: who was not told says so by not beginning.
            _ => Ok(()),
        }
    }
}

//! A plan in a dialog: what would be done, whether it can be, and, once it is confirmed, what became of it.
//!
//! Nothing here is drawn as done before the engine has read it from the server.

mod asked;
mod deeds;
mod rows;

pub use asked::Asked;
pub use deeds::{Deeds, deeds, is_of_demo, use_acts_on};

use crate::{
    keys::{Command, on_command},
    link::use_link,
    mirror::use_view,
    once::{effect, live},
    parts::{
        button::{Button, Weight},
        form::dialog::Titled,
        problem::ProblemRows,
        show::Show,
    },
    shell::{doing::use_doing, toast::use_toasts},
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    Act, Acted, Answer, Ask, Code, Freshness, ObjectRef, Problem, ViewSpec,
    plan::{Action, ActionState, Confirmation, Deed, Intent, Planned},
    units::{lower, visible},
};
use rows::{Became, PlanRows};
pub use rows::{detail, sentence, status_of};

/// Opens the dialog, on what is wanted or was begun, or on what is to be asked before.
#[derive(Clone, Copy)]
pub struct PlanDoor {
    wanted: RwSignal<Option<Wanted>>,
    asked: RwSignal<Option<(Asked, ObjectRef)>>,
}

/// What the dialog is opened on.
#[derive(Clone)]
enum Wanted {
    /// To be planned.
    Plan(Intent),
    /// What was confirmed before: under way, or over.
    Begun(Box<Action>),
}

/// The dialog's door.
#[must_use]
pub fn use_plan() -> PlanDoor {
    expect_context()
}

impl PlanDoor {
    /// Offers itself to everything below.
    pub fn provide() {
        provide_context(Self { wanted: RwSignal::new(None), asked: RwSignal::new(None) });
    }

    /// Plans this.
    pub fn open(self, intent: Intent) {
        self.wanted.set(Some(Wanted::Plan(intent)));
    }

    /// Shows again what was confirmed before, and what became of it.
    pub fn reopen(self, action: Action) {
        self.wanted.set(Some(Wanted::Begun(Box::new(action))));
    }

    /// Asks for what a plan needs, and plans what is answered.
    pub fn ask(self, asked: Asked, object: ObjectRef) {
        self.asked.set(Some((asked, object)));
    }
}

/// Is there while something is planned, or asked before.
#[component]
pub fn PlanDialog() -> impl IntoView {
    let door = use_plan();
    let on_close = Callback::new(move |()| door.wanted.set(None));
    let on_unasked = Callback::new(move |()| door.asked.set(None));
    from_address(door);
    view! {
        {move || door.asked.get().map(|(asked, object)| view! {
            <asked::Question asked=asked object=object on_close=on_unasked />
        })}
        {move || door.wanted.get().map(|wanted| view! { <Open wanted=wanted on_close=on_close /> })}
    }
}

/// Opens what an address wants to be planned, where something may be done, once its connection is open or is known not to be. It is
/// confirmed as any other, by a person.
fn from_address(door: PlanDoor) {
    let (state, connections) = (use_state(), use_view(Signal::stored(ViewSpec::Connections)));
    let wanted = Memo::new(move |_| {
        let (object, word) = state.planned()?;
        let sources = connections.sources();
        let source = sources.iter().find(|source| source.id == *object.connection());
        let is_known = source.is_some_and(|source| source.freshness != Freshness::Starting);
        (is_known && state.may_act()).then_some((object, word))
    });
    effect(move || {
        let Some((object, word)) = wanted.get() else { return };
        state.opened_plan();
        if let Some((.., deed)) = deeds(&object).into_iter().find(|(.., deed)| deed.word() == word) {
            door.open(Intent { object, deed });
        }
    });
}

/// How far it is.
#[derive(Clone, PartialEq)]
enum Stage {
    /// Being planned.
    Asked,
    /// Shown.
    Shown(Box<Planned>),
    /// Confirmed: being taken.
    Confirmed(Box<Planned>),
    /// Taken, under this number.
    Begun(Box<Planned>, u64),
    /// It could not be planned.
    Failed(Problem),
}

impl Stage {
    fn planned(&self) -> Option<&Planned> {
        match self {
            Self::Shown(planned) | Self::Confirmed(planned) | Self::Begun(planned, _) => Some(planned),
            Self::Asked | Self::Failed(_) => None,
        }
    }
}

#[component]
fn Open(wanted: Wanted, on_close: Callback<()>) -> impl IntoView {
    let (link, toasts, state, doing) = (use_link(), use_toasts(), use_state(), use_doing());
    let (intent, begun) = match wanted {
        Wanted::Plan(intent) => (intent, None),
        Wanted::Begun(action) => {
            let Action { id, plan, digest, .. } = *action;
            (plan.intent.clone(), Some(Stage::Begun(Box::new(Planned { digest, plan }), id)))
        }
    };
    let is_new = begun.is_none();
    let stage = RwSignal::new(begun.unwrap_or(Stage::Asked));
    let typed = RwSignal::new(String::new());
    let actions = use_view(Signal::stored(ViewSpec::Actions));
    let wanted = StoredValue::new(intent.clone());
    let plan = move || {
        let _ = stage.try_set(Stage::Asked);
        link.ask_then(Ask::Plan(wanted.get_value()), move |answer| {
            let _ = stage.try_set(match answer {
                Ok(Answer::Plan(planned)) => Stage::Shown(planned),
                Ok(_) => Stage::Failed(Problem::other_answer()),
                Err(problem) => Stage::Failed(problem),
            });
        });
    };
    if is_new {
        plan();
    }
    let action = Memo::new(move |_| match stage.get() {
        Stage::Begun(_, id) => actions.actions(|view| view.actions.get(&id).cloned()).flatten(),
        _ => None,
    });
    // Who has looked at what is kept apart from what is shown: this effect is the bridge, and writes no signal.
    effect(move || action.with(|action| action.iter().for_each(|action| doing.shows(action))));
    on_cleanup(move || doing.closed());
    let blocked = Signal::derive(move || blocked(&stage.get(), &typed.get()));
    let confirm = move || {
        let Stage::Shown(planned) = stage.get_untracked() else { return };
        if blocked.with_untracked(Option::is_some) {
            return;
        }
        let typed = planned.plan.type_name.is_some().then(|| typed.get_untracked());
        let by = Confirmation { digest: planned.digest, typed };
        stage.set(Stage::Confirmed(planned.clone()));
        link.act_then(Act::Confirm(by), move |acted| match acted {
            Ok(Acted::Begun(id)) => drop(stage.try_set(Stage::Begun(planned, id))),
            Ok(_) => {}
            // Nothing was done: the plan is shown again, and may be confirmed by another word.
            Err(problem) => {
                let _ = stage.try_set(Stage::Shown(planned));
                toasts.problem(&problem);
            }
        });
    };
    on_command(Command::Confirm, move || {
        confirm();
        true
    });
    let allow = move || {
        let id = wanted.with_value(|intent| intent.object.connection().clone());
        // What is marked as production stays so, also where somebody marked it since this was planned.
        link.act_then(Act::Operate { id, operate: true, production: None }, move |acted| match acted {
            Ok(_) => plan(),
            Err(problem) => toasts.problem(&problem),
        });
    };
    let read_alone = Memo::new(move |_| stage.with(|stage| stage.planned().is_some_and(is_read_alone)));
    let undo = Memo::new(move |_| action.with(|action| action.as_ref().and_then(undo_of)).filter(|_| state.may_act()));
    // Of one step there is nothing to be stopped once it is sent. Who looks at the past may stop what goes on now.
    let halts = Memo::new(move |_| {
        let is_far = |one: &Action| !one.state.is_over() && one.plan.steps.len() > 1;
        link.may_act() && action.with(|action| action.as_ref().is_some_and(is_far))
    });
    let halt = move || {
        let Some(id) = action.with_untracked(|action| action.as_ref().map(|action| action.id)) else { return };
        link.act_then(Act::Halt(id), move |acted| {
            if let Err(problem) = acted {
                toasts.problem(&problem);
            }
        });
    };
    let door = use_plan();
    let verb = words(&intent.deed);
    let title = Signal::derive(move || {
        stage.with(|stage| stage.planned().map_or_else(|| verb.to_owned(), |planned| visible(&planned.plan.title)))
    });
    let is_shown = Memo::new(move |_| stage.with(|stage| matches!(stage, Stage::Shown(_) | Stage::Confirmed(_))));
    view! {
        <Titled label="A plan" title=title on_close=on_close test="plan">
            <div class="dialog-body plan">
                {move || match stage.get() {
                    Stage::Asked => view! { <p class="soft" data-test="plan-asked">"Reading how it is, and asking the server to try…"</p> }.into_any(),
                    Stage::Failed(problem) => view! { <ProblemRows problem=problem /> }.into_any(),
                    Stage::Shown(planned) | Stage::Confirmed(planned) => view! { <PlanRows plan=planned.plan /> }.into_any(),
                    Stage::Begun(..) => view! { <Became action=action /> }.into_any(),
                }}
                <Show when=move || read_alone.get()>
                    <p class="plan-allow">
                        <Button label="Let something be done through it" on_press=allow test="plan-allow" />
                        <span class="small soft">"Each time it is planned, shown, confirmed and written down."</span>
                    </p>
                </Show>
            </div>
            <footer class="dialog-foot">
                <Typed stage=stage typed=typed on_enter=Callback::new(move |()| confirm()) />
                <span class="small faint mono">{move || stage.with(|stage| stage.planned().map(|planned| {
                    format!("plan {}", planned.digest.to_string().chars().take(8).collect::<String>())
                }))}</span>
                <span class="fill"></span>
                <Button label=move || if is_shown.get() { "Cancel" } else { "Close" }.to_owned() on_press=move || on_close.run(()) command=Command::Close test="plan-close" />
                <Show when=move || is_shown.get()>
                    <Button label=verb.to_owned() on_press=confirm weight=Weight::Primary blocked=blocked command=Command::Confirm test="plan-confirm" />
                </Show>
                <Show when=move || halts.get()>
                    <Button label="Stop: send no further step" on_press=halt weight=Weight::Danger test="plan-halt" />
                </Show>
                {move || undo.get().map(|undo| view! {
                    <Button label=format!("Plan the way back: {}", lower(words(&undo.deed))) on_press=move || door.open(undo.clone()) test="plan-undo" />
                })}
            </footer>
        </Titled>
    }
}

/// The name that has to be typed, where one has to be.
#[component]
fn Typed(stage: RwSignal<Stage>, typed: RwSignal<String>, on_enter: Callback<()>) -> impl IntoView {
    let name = Memo::new(move |_| match stage.get() {
        Stage::Shown(planned) => planned.plan.type_name,
        _ => None,
    });
    live(move || {
        name.get().map(|name| {
            view! {
                <label class="plan-type">
                    <span>"Type "<b class="mono">{visible(&name)}</b>" to do it"</span>
                    <input
                        class="field mono" type="text" autocomplete="off" spellcheck="false" data-focus data-test="plan-type"
                        prop:value=move || typed.get()
                        on:input:target=move |event| typed.set(event.target().value())
                        on:keydown=move |event| if event.key() == "Enter" && event.ctrl_key() { on_enter.run(()) }
                    />
                </label>
            }
        })
    })
}

/// Why it cannot be confirmed now.
fn blocked(stage: &Stage, typed: &str) -> Option<String> {
    match stage {
        Stage::Shown(planned) => match (planned.plan.blocked.first(), &planned.plan.type_name) {
            (Some(problem), _) => Some(problem.what.trim_end_matches('.').to_owned()),
            (None, Some(name)) if typed.trim() != name.as_str() => Some("type the name".to_owned()),
            (None, _) => None,
        },
        Stage::Asked => Some("it is being planned".to_owned()),
        Stage::Confirmed(_) => Some("it is on its way".to_owned()),
        Stage::Begun(..) | Stage::Failed(_) => Some("there is no plan".to_owned()),
    }
}

/// Is it only that nobody has allowed anything yet?
fn is_read_alone(planned: &Planned) -> bool {
    matches!(planned.plan.blocked.as_slice(), [one] if one.code == Code::Denied && one.what.ends_with("is read alone."))
}

/// What would take an action back, once it is over; of one of which nothing was done there is none.
fn undo_of(action: &Action) -> Option<Intent> {
    let is_done = action.state.is_over() && !matches!(action.state, ActionState::Refused(_));
    is_done.then(|| action.plan.undo.clone()).flatten()
}

/// What a deed is called on its button.
#[must_use]
pub fn words(deed: &Deed) -> &'static str {
    match deed {
        Deed::Scale(_) => "Scale",
        Deed::Restart => "Restart",
        Deed::Pause => "Pause",
        Deed::Resume => "Resume",
        Deed::Undo(_) => "Go back",
        Deed::SetImage { .. } => "Set the image",
        Deed::Cordon => "Cordon",
        Deed::Uncordon => "Uncordon",
        Deed::Drain => "Drain",
        Deed::Delete => "Delete",
        Deed::Promote => "Promote",
        Deed::PromoteFully => "Promote fully",
        Deed::Abort => "Abort",
        Deed::Retry => "Retry",
        Deed::Terminate => "Terminate",
        Deed::SetAlias { .. } => "Set the alias",
        Deed::RemoveAlias(_) => "Remove the alias",
        Deed::SetTag { .. } => "Set the tag",
        Deed::RemoveTag { .. } => "Remove the tag",
        Deed::Silence { .. } => "Silence",
        Deed::Unsilence => "Tell of it again",
        Deed::Canary(_) => "Set the share",
        Deed::Stop => "Stop",
        Deed::Start => "Start",
        Deed::SetModel(_) => "Set the model",
        Deed::SetWeights { .. } => "Set the weights",
        Deed::MemberWeight(_) => "Set the weight",
        Deed::RunWorkers(_) => "Run the workers",
        Deed::BeginWorkers { .. } => "Let them begin",
        Deed::EndWorkers => "End the workers",
    }
}

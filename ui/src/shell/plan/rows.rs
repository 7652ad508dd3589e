//! The rows of a plan, in the order in which a person decides; and what became of it.

use crate::{
    once::{CollectAny, live},
    parts::mark::Mark,
};
use leptos::prelude::*;
use pilothouse_wire::{
    plan::{Action, ActionState, Deed, DryRun, FieldChange, Permission, Plan, Risk, Share, Step},
    units::{count, span, visible},
    view::Status,
};

/// A plan.
#[component]
pub fn PlanRows(plan: Plan) -> impl IntoView {
    let risk = match plan.risk {
        Risk::Low => Status::Good,
        Risk::Medium => Status::Warn,
        Risk::High => Status::Bad,
    };
    let more = plan.more_changes;
    view! {
        <dl class="plan-rows">
            {(!plan.changes.is_empty()).then(|| view! {
                <dt>"Change"</dt>
                <dd class="plan-diff mono" data-test="plan-changes">
                    {plan.changes.into_iter().map(change).collect_any()}
                    {(more > 0).then(|| view! { <p class="soft">{format!("and {} more", count(more.into()))}</p> })}
                </dd>
            })}
            <dt>"Steps"</dt>
            <dd>{plan.steps.iter().enumerate().map(|(at, step)| sent(at + 1, step)).collect_any()}</dd>
            {(!plan.traffic.is_empty()).then(|| view! {
                <dt>"Traffic"</dt>
                <dd data-test="plan-traffic">{plan.traffic.into_iter().map(share).collect_any()}</dd>
            })}
            <dt>"Affected"</dt>
            <dd data-test="plan-affected">
                {affected(plan.affected.pods, plan.affected.gpus)}
                {plan.affected.revisions.into_iter().map(|one| side_by_side(&one.of, one.words())).collect_any()}
            </dd>
            <dt>"Permission"</dt>
            <dd data-test="plan-permission">{plan.steps.into_iter().map(may).collect_any()}</dd>
            <dt>"Risk"</dt>
            <dd>
                {said(risk, format!("{}. {}", sentence(plan.risk.word()), plan.risk_why))}
                {plan.warnings.into_iter().map(|warning| said(Status::Warn, warning)).collect_any()}
            </dd>
            <dt>"Proof"</dt>
            <dd>{format!("{}, within {}. After that it is shown as unverified, not as done.", sentence(&plan.success.words), span(plan.success.within))}</dd>
            <dt>"Way back"</dt>
            <dd>{match &plan.undo {
                Some(undo) => said(Status::Good, format!("\"{}\" is planned from here, once it is done.", back(&undo.deed))),
                None => said(Status::Unknown, "There is nothing to go back to.".to_owned()),
            }}</dd>
            {(!plan.blocked.is_empty()).then(|| view! {
                <dt>"Blocked"</dt>
                <dd data-test="plan-blocked">{plan.blocked.into_iter().map(|problem| {
                    let remedy = problem.remedy.clone();
                    view! {
                        {said(Status::Bad, problem.to_string())}
                        {remedy.map(|remedy| view! { <pre class="mono small">{visible(&remedy)}</pre> })}
                    }
                }).collect_any()}</dd>
            })}
        </dl>
    }
}

fn share(share: Share) -> AnyView {
    side_by_side(&share.of, share.words())
}

/// Whose it is, and what it is now and then.
fn side_by_side(of: &str, words: String) -> AnyView {
    view! { <p class="plan-share"><bdi>{visible(of)}</bdi><span class="mono">{words}</span></p> }.into_any()
}

/// What takes it back, with what that goes back to.
fn back(deed: &Deed) -> String {
    match deed {
        Deed::Undo(Some(revision)) => format!("undo to revision {revision}"),
        Deed::Scale(number) => format!("scale to {}", count((*number).into())),
        Deed::SetImage { image, .. } => format!("set image to {image}"),
        Deed::SetModel(uri) => format!("set model to {uri}"),
        other => other.word().to_owned(),
    }
}

/// How far a plan of several steps is, and what it waits for.
fn sending(action: &Action, waits: &str) -> String {
    let of = action.plan.steps.len();
    let far = if of > 1 { format!("{} of {of} steps.", action.sent) } else { String::new() };
    if waits.is_empty() { far } else { format!("{far} It waits: {waits}") }
}

fn change(change: FieldChange) -> impl IntoView {
    let line = |sign: &'static str, class: &'static str, text: String| {
        view! { <p class=class><span aria-hidden="true">{sign}</span>" "<bdi>{visible(&text)}</bdi></p> }
    };
    view! {
        <p class="soft"><bdi>{visible(&change.path)}</bdi></p>
        {change.from.map(|from| line("−", "plan-from", from))}
        {change.to.map(|to| line("+", "plan-to", to))}
    }
}

fn sent(number: usize, step: &Step) -> impl IntoView + use<> {
    let guards = step.guards.iter().map(|(path, value)| format!("{path} is {value}")).collect::<Vec<_>>().join(", ");
    let guards = (!guards.is_empty()).then(|| format!(", only if {guards}"));
    view! {
        <p dir="auto">
            {format!("{number}  ")}{visible(&step.words)}
            <span class="soft">{guards.map(|guards| visible(&guards))}</span>
        </p>
    }
}

fn may(step: Step) -> impl IntoView {
    let right = match step.permission {
        Permission::Granted => said(Status::Good, format!("{} {}", step.request.method, step.request.path)),
        Permission::Denied(problem) => said(Status::Bad, problem.what),
        Permission::Unknown(why) => said(Status::Unknown, format!("Nobody can say whether we may: {why}")),
    };
    let tried = match step.dry_run {
        DryRun::Passed => said(Status::Good, "The server tried it and would take it".to_owned()),
        DryRun::Refused(problem) => said(Status::Bad, problem.to_string()),
        DryRun::NotTried(why) => said(Status::Unknown, format!("Not tried: {why}")),
    };
    view! { {right} {tried} }
}

fn affected(pods: u32, gpus: u64) -> String {
    let of = |number: u64, one: &str| format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" });
    match (pods, gpus) {
        (0, _) => "No pod.".to_owned(),
        (pods, 0) => format!("{}.", of(pods.into(), "pod")),
        (pods, gpus) => format!("{} with {}.", of(pods.into(), "pod"), of(gpus, "GPU")),
    }
}

/// The mark of how an action is.
pub fn status_of(state: &ActionState) -> Status {
    match state {
        ActionState::Sending(_) | ActionState::Verifying(_) => Status::Progress,
        ActionState::Verified(_) => Status::Good,
        ActionState::Unverified(_) | ActionState::Refused(_) | ActionState::Unknown(_) => Status::Warn,
        ActionState::Partly(_) => Status::Bad,
    }
}

/// How far an action is, or what was seen of it.
pub fn detail(action: &Action) -> String {
    match &action.state {
        ActionState::Sending(waits) => sending(action, waits),
        ActionState::Verifying(words) | ActionState::Verified(words) | ActionState::Unverified(words) => words.clone(),
        ActionState::Refused(problem) | ActionState::Partly(problem) | ActionState::Unknown(problem) => {
            problem.to_string()
        }
    }
}

/// What became of it.
#[component]
pub fn Became(action: Memo<Option<Action>>) -> impl IntoView {
    live(move || match action.get() {
        None => view! { <p class="soft">"It is being sent…"</p> }.into_any(),
        Some(action) => {
            let (status, detail) = (status_of(&action.state), detail(&action));
            let is_over = action.state.is_over();
            let since = format!("Action {} of the audit book, confirmed at {} UTC.", action.id, action.begun.clock());
            view! {
                <div class="plan-became" data-test="plan-became" data-state=action.state.word()>
                    {said(status, format!("{}.", sentence(action.state.word())))}
                    <p dir="auto">{visible(&detail)}</p>
                    {action.unsigned.map(|problem| said(Status::Warn, problem.to_string()))}
                    <p class="small faint">{since}</p>
                    {(!is_over).then(|| view! {
                        <p class="small faint">"It goes on when this is closed: the sign in the top bar leads back to it."</p>
                    })}
                </div>
            }
            .into_any()
        }
    })
}

fn said(status: Status, text: String) -> AnyView {
    view! { <p class="plan-said"><Mark status=status /><span dir="auto">{visible(&text)}</span></p> }.into_any()
}

/// With a capital.
pub fn sentence(words: &str) -> String {
    let mut words = words.to_owned();
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

//! Can it go back: asked for by a press, since its server and its registries are asked; what each part of the answer rests on;
//! and the plan that takes it back.

use crate::{
    link::use_link,
    once::CollectAny,
    parts::{
        button::Button,
        loading::Outline,
        mark::{StatusWord, tone},
        problem::ProblemRows,
        show::Show,
    },
    shell::plan::{use_acts_on, use_plan},
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, ObjectRef, Problem,
    back::{Check, CheckState, Grade, WayBack},
    plan::Intent,
    units::visible,
    view::Status,
};

/// How far the question is.
#[derive(Clone, PartialEq)]
enum Stage {
    NotAsked,
    Asked,
    Said(Box<WayBack>),
    Failed(Problem),
}

/// The question and its answer. What is read from a server is of now: in the past it is not asked.
#[component]
pub fn Back(object: ObjectRef) -> impl IntoView {
    let (link, state) = (use_link(), use_state());
    let stage = RwSignal::new(Stage::NotAsked);
    let object = StoredValue::new(object);
    let ask = move || {
        stage.set(Stage::Asked);
        link.ask_then(Ask::WayBack(object.get_value(), None), move |answer| {
            let _ = stage.try_set(match answer {
                Ok(Answer::WayBack(way)) => Stage::Said(way),
                Ok(_) => Stage::Failed(Problem::other_answer()),
                Err(problem) => Stage::Failed(problem),
            });
        });
    };
    let again = Memo::new(move |_| stage.with(|stage| matches!(stage, Stage::Said(_) | Stage::Failed(_))));
    view! {
        <Show when=move || !state.is_past()>
            <section class="card table-card" aria-label="Can it go back?" data-test="back">
                <header class="card-head">
                    <h2>"Can it go back?"</h2>
                    <span class="fill"></span>
                    <Button
                        label=move || if again.get() { "Look again" } else { "Look" }.to_owned()
                        on_press=ask
                        blocked=Signal::derive(move || (stage.get() == Stage::Asked).then(|| "it is being looked at".to_owned()))
                        test="back-ask"
                    />
                </header>
                {move || match stage.get() {
                    Stage::NotAsked => ().into_any(),
                    Stage::Asked => view! { <p class="card-body" aria-busy="true"><Outline width=220 /></p> }.into_any(),
                    Stage::Failed(problem) => view! { <div class="card-body"><ProblemRows problem=problem /></div> }.into_any(),
                    Stage::Said(way) => view! { <Said way=*way /> }.into_any(),
                }}
            </section>
        </Show>
    }
}

#[component]
fn Said(way: WayBack) -> impl IntoView {
    let (may, door) = (use_acts_on(&way.object), use_plan());
    let WayBack { grade, took, checked_at, .. } = &way;
    let to = way.goal().map(|goal| format!("to {goal}: ")).unwrap_or_default();
    let words = format!("{to}{}", grade.word());
    let beside = format!("takes {}; as of {}", took.words(), checked_at.clock());
    let class = format!("rollout-phase {}", tone(of_grade(*grade)));
    let closed = Signal::stored(closed(&way));
    let intent = StoredValue::new(Intent { object: way.object.clone(), deed: way.deed.clone() });
    view! {
        <div class="card-body back-said" data-test="back-said" data-grade=grade.word() role="status">
            <span class=class>{visible(&words)}</span>
            <span class="soft" dir="auto">{visible(&beside)}</span>
            <span class="fill"></span>
            <Show when=move || may.get()>
                <Button label="Go back…" on_press=move || door.open(intent.get_value()) blocked=closed test="back-go" />
            </Show>
        </div>
        <table class="plain-table">
            <thead><tr><th>"How it is"</th><th>"What"</th><th>"In words"</th><th>"Known by"</th></tr></thead>
            <tbody>{way.checks.into_iter().map(row).collect_any()}</tbody>
        </table>
    }
}

/// Why it cannot be gone from here: what fails, or that nobody knows to what.
fn closed(way: &WayBack) -> Option<String> {
    let fails = way.checks.iter().filter(|check| check.state == CheckState::Fails);
    match way.grade {
        Grade::NotPossible => {
            let what: Vec<&str> = fails.map(|check| check.what.as_str()).collect();
            Some(format!("not possible: {}", what.join(", ")))
        }
        Grade::Ready | Grade::Slow | Grade::Unknown => {
            way.goal().is_none().then(|| "what it would go back to is not known".to_owned())
        }
    }
}

fn row(check: Check) -> impl IntoView {
    let Check { what, state, words, evidence } = check;
    let status = match state {
        CheckState::Holds => Status::Good,
        CheckState::Slow => Status::Warn,
        CheckState::Fails => Status::Bad,
        CheckState::Unknown | CheckState::Moot => Status::Unknown,
    };
    view! {
        <tr data-test="back-check" data-state=state.word()>
            <td><StatusWord status=Signal::stored(status) word=Signal::stored(state.word().to_owned()) /></td>
            <td class="clip" dir="auto" title=visible(&what)>{visible(&what)}</td>
            <td dir="auto">{visible(&words)}</td>
            <td class="soft" dir="auto">{visible(&evidence)}</td>
        </tr>
    }
}

fn of_grade(grade: Grade) -> Status {
    match grade {
        Grade::Ready => Status::Good,
        Grade::Slow => Status::Warn,
        Grade::NotPossible => Status::Bad,
        Grade::Unknown => Status::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{Stamp, back::Took, plan::Deed};

    #[test]
    fn what_is_not_possible_is_closed_with_what_fails_and_what_is_unknown_stays_open_where_it_leads_somewhere() {
        let check =
            |what: &str, state| Check { what: what.into(), state, words: String::new(), evidence: String::new() };
        let way = |grade, to, aim: Option<&str>| WayBack {
            object: "workload:iad/serving/Deployment/chat".parse().unwrap(),
            from: Some(3),
            to,
            aim: aim.map(str::to_owned),
            deed: Deed::Undo(to),
            grade,
            checks: vec![
                check("Revision", CheckState::Holds),
                check("Secret hf-token", CheckState::Fails),
                check("GPUs", CheckState::Fails),
            ],
            took: Took::Unknown(String::new()),
            checked_at: Stamp(0),
        };
        let of = |grade, to, aim| closed(&way(grade, to, aim));
        let fails = Some("not possible: Secret hf-token, GPUs");
        assert_eq!(of(Grade::NotPossible, Some(2), None).as_deref(), fails);
        for grade in [Grade::Ready, Grade::Slow, Grade::Unknown] {
            assert_eq!(of(grade, Some(2), None), None);
            assert_eq!(of(grade, None, Some("a 90 %")), None);
        }
        assert_eq!(of(Grade::Unknown, None, None).as_deref(), Some("what it would go back to is not known"));
    }
}

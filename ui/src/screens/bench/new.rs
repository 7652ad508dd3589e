//! A benchmark to begin: its form, and what it would send, as it is filled in.

use super::{cards, head};
use crate::{
    keys::{Command, on_command},
    link::use_link,
    mirror::Watched,
    parts::{
        button::{Button, Weight},
        form::{
            field::FieldInput,
            logic::{Filled, field_of},
        },
        problem::ProblemRows,
    },
    shell::plan::use_plan,
    state::use_state,
    once::effect,
};
use leptos::prelude::*;
use pilothouse_wire::{
    Act, Acted, Answer, Ask, Problem,
    bench::Page,
    form::{Field, KindForm},
    units::visible,
};

/// The form.
pub fn new(view: Watched) -> AnyView {
    let form = Memo::new(move |_| view.bench(|view| view.form.clone()).flatten());
    let state = use_state();
    let body = move || match form.get() {
        Some(form) if state.may_act() => filling(form),
        _ => view! {
            {head("Measure a target".into(), String::new(), ().into_any())}
            <p class="soft">"This page can only read: load is sent from the desktop window, or by pilothouse bench run."</p>
        }
        .into_any(),
    };
    body.into_any()
}

fn filling(form: KindForm) -> AnyView {
    let (link, state, door) = (use_link(), use_state(), use_plan());
    let mut first = Filled { name: form.id.clone(), ..Filled::default() };
    // An address may fill in some of it, and begins nothing.
    let given = state.filter().get_untracked();
    for (key, value) in given.split(';').filter_map(|part| part.split_once('=')) {
        first.values.insert(key.trim().to_owned(), value.trim().to_owned());
    }
    first.fit(&form);
    let filled = RwSignal::new(first);
    let form = StoredValue::new(form);
    let preview: RwSignal<Option<Result<Page, Problem>>> = RwSignal::new(None);
    let failed: RwSignal<Option<Problem>> = RwSignal::new(None);
    let draft = move |filled: &Filled| form.with_value(|form| filled.draft(form));
    effect(move || {
        let ask = Ask::BenchPreview(filled.with(draft));
        if link.is_open() {
            link.ask_then(ask, move |answer| {
                preview.set(Some(answer.and_then(|answer| match answer {
                    Answer::Bench(page) => Ok(*page),
                    _ => Err(Problem::other_answer()),
                })));
            });
        }
    });
    let why = move || preview.with(|preview| preview.as_ref().and_then(|page| page.as_ref().err().cloned()));
    let blocked = Signal::derive(move || why().map(|problem| problem.what));
    let start = move || {
        if blocked.get_untracked().is_some() {
            return;
        }
        let act = Act::BeginBench(filled.with_untracked(draft));
        link.act_then(act, move |acted| match acted {
            Ok(Acted::Measuring(_)) => state.go_screen("bench"),
            // Workers are made in a cluster: that is planned and confirmed as anything is.
            Ok(Acted::Needs(intent)) => {
                state.go_screen("bench");
                door.open(*intent);
            }
            Ok(_) => {}
            Err(problem) => drop(failed.try_set(Some(problem))),
        });
    };
    on_command(Command::Confirm, move || {
        start();
        true
    });
    // Of a field in which nothing stands yet nothing is said.
    let error = move |key: String| {
        Signal::derive(move || {
            let typed = filled.with(|filled| filled.values.get(&key).is_some_and(|text| !text.is_empty()));
            why().filter(|problem| typed && form.with_value(|form| field_of(form, problem) == Some(key.as_str()))).map(|of| of.what)
        })
    };
    let fields: Vec<Field> = form.with_value(|form| form.fields.clone());
    let fields: Vec<AnyView> = fields
        .into_iter()
        .map(|field| {
            let error = error(field.key.clone());
            view! { <FieldInput field=field filled=filled error=error /> }.into_any()
        })
        .collect();
    let shown = move || match preview.get() {
        Some(Ok(page)) => page.cards.into_iter().map(cards::card).collect::<Vec<_>>(),
        _ => vec![
            view! { <section class="card"><p class="card-body soft">"What would be sent, and when, stands here once enough is filled in."</p></section> }
                .into_any(),
        ],
    };
    let failure = move || {
        failed.get().map(|problem| view! { <div class="finding bad" role="alert" data-test="bench-problem"><ProblemRows problem=problem /></div> })
    };
    let from = filled.with_untracked(|filled| {
        let of = |key: &str| filled.values.get(key).map(String::as_str).filter(|text| !text.is_empty());
        let version = of("version")?;
        let files = of("source").map_or_else(|| "the registry does not say where its files are".to_owned(), |source| format!("its files are at {source}"));
        let serves = of("serves").map_or_else(|| "no pod that is read serves another version of it".to_owned(), ToOwned::to_owned);
        let said = format!("Candidate: {version}, {files}. Serves now: {serves}.");
        Some(view! {
            <p class="soft" data-test="bench-from">
                {visible(&said)}
                " Still asked for is what nobody tells: the port behind the last colon of an address (a service may be called otherwise \
                 than its workload), what the server calls the model, and where the candidate serves, or the command that serves it here."
            </p>
        })
    });
    let deeds = view! {
        <Button label="Start" weight=Weight::Primary on_press=start command=Command::Confirm blocked=blocked test="bench-start" />
    };
    view! {
        {head("Measure a target".into(), "from this machine or from workers in a cluster; nothing is sent before you start it".into(), deeds.into_any())}
        {move || failure()}
        {from}
        <div class="bench-new">
            <section class="card"><div class="card-body bench-form">{fields}</div></section>
            <div class="bench-preview" data-test="bench-preview">{move || shown()}</div>
        </div>
    }
    .into_any()
}

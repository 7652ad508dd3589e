//! All there is to say of one that is kept: asked for when it is shown, and again when its row in the list changed.

use super::{cards, going, head};
use crate::{
    keys::{Command, on_command},
    link::use_link,
    mirror::Watched,
    parts::{button::Button, problem::ProblemCard},
    shell::toast::use_toasts,
    once::effect,
};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, Problem,
    bench::{Form, Page},
    view::Status,
};

/// Its page.
pub fn page(view: Watched, id: String) -> AnyView {
    let link = use_link();
    let asked: RwSignal<Option<Result<Page, Problem>>> = RwSignal::new(None);
    let of = id.clone();
    let row = Memo::new(move |_| {
        let row = view.bench(|view| view.kept.as_ref()?.rows.iter().find(|row| row.leads == of).cloned());
        row.flatten()
    });
    let of = id.clone();
    effect(move || {
        row.track();
        if link.is_open() {
            link.ask_then(Ask::Bench(of.clone()), move |answer| {
                asked.set(Some(answer.and_then(|answer| match answer {
                    Answer::Bench(page) => Ok(*page),
                    _ => Err(Problem::other_answer()),
                })));
            });
        }
    });
    let about = Memo::new(move |_| {
        asked.with(|asked| asked.as_ref().and_then(|page| Some(page.as_ref().ok()?.about.clone())))
    });
    let title = id.clone();
    let body = move || match asked.get() {
        None => view! { <p class="faint" aria-busy="true">"It is being read."</p> }.into_any(),
        Some(Err(problem)) => view! { <ProblemCard title=id.clone() problem=problem /> }.into_any(),
        Some(Ok(page)) => {
            let cards: Vec<AnyView> = page.cards.into_iter().map(cards::card).collect();
            view! { <div class="bench-cards" data-test="bench-page">{cards}</div> }.into_any()
        }
    };
    let of = title.clone();
    let headed = move || head(of.clone(), about.get().unwrap_or_default(), reports(&of));
    view! { {move || headed()} {going(view, Some(title))} {move || body()} }.into_any()
}

/// The same as a file, for people who have no Pilothouse.
fn reports(id: &str) -> AnyView {
    let (link, toasts) = (use_link(), use_toasts());
    let of = StoredValue::new(id.to_owned());
    let write = move |form: Form, suffix: &'static str| {
        let id = of.get_value();
        let name = format!("{id}.{suffix}");
        link.ask_then(Ask::BenchReport(id, form), move |answer| match answer {
            Ok(Answer::BenchReport(text)) => link.save_then(name, text, move |saved| match saved {
                Ok(place) => toasts.say(Status::Good, "It is saved", place),
                Err(problem) => toasts.problem(&problem),
            }),
            Ok(_) => toasts.problem(&Problem::other_answer()),
            Err(problem) => toasts.problem(&problem),
        });
    };
    let save = move || write(Form::Html, "html");
    on_command(Command::BenchReport, move || {
        save();
        true
    });
    view! {
        <Button label="Save as HTML" on_press=save command=Command::BenchReport test="bench-html" />
        <Button label="Markdown" on_press=move || write(Form::Markdown, "md") test="bench-md" />
        <Button label="SVG" on_press=move || write(Form::Svg, "svg") test="bench-svg" />
        <Button label="JSON" on_press=move || write(Form::Json, "json") test="bench-json" />
        <Button label="CSV" on_press=move || write(Form::Csv, "csv") test="bench-csv" />
    }
    .into_any()
}

//! What a preflight says: the verdict, the checks with their reasons, and the sums line by line with both bounds.

use crate::{parts::mark::{StatusWord, tone}, once::CollectAny};
use leptos::prelude::*;
use pilothouse_wire::{
    preflight::{Check, Line, Report, Verdict},
    units::{ABSENT, count, visible},
    view::Status,
};

fn status(verdict: Verdict) -> Status {
    match verdict {
        Verdict::Fits => Status::Good,
        Verdict::DoesNot => Status::Bad,
        Verdict::CannotTell => Status::Unknown,
    }
}

/// Draws it.
#[component]
pub fn Sums(
    /// What it says.
    report: Report,
    /// The GPU that it is about.
    gpu: Option<String>,
    /// Did nothing say which engine it is?
    assumed: bool,
) -> impl IntoView {
    let Report { verdict, candidate, .. } = &report;
    let gpus = if candidate.gpus == 1 { "1 GPU".to_owned() } else { format!("{} GPUs", count(candidate.gpus)) };
    let product = gpu.map(|gpu| format!(", {}", visible(&gpu))).unwrap_or_default();
    let engine = if assumed { format!("{} (assumed)", candidate.engine.name()) } else { candidate.engine.name().to_owned() };
    let beside = format!("{engine} on {gpus}{product}");
    let class = format!("fits-verdict {}", tone(status(*verdict)));
    let (headline, word, ceiling) = (report.headline(), verdict.word(), candidate.ceiling());
    let has_sums = !candidate.sums.is_empty();
    view! {
        <p class="fits-said" role="status" data-test="fits-said" data-verdict=word>
            <span class=class>{headline}"."</span>" "<span class="soft" dir="auto">{beside}</span>
        </p>
        <table class="plain-table fits-checks">
            <thead><tr><th>"Check"</th><th>"Verdict"</th><th>"Why"</th></tr></thead>
            <tbody>{report.candidate.checks.into_iter().map(check).collect_any()}</tbody>
        </table>
        {has_sums.then(|| view! {
            <table class="plain-table fits-sums" data-test="fits-sums">
                <thead>
                    <tr><th>"On a GPU"</th><th class="number">"At least"</th><th class="number">"At most"</th><th>"From"</th></tr>
                </thead>
                <tbody>{report.candidate.sums.into_iter().map(sum).collect_any()}</tbody>
            </table>
        })}
        <p>{ceiling}</p>
    }
}

fn check(check: Check) -> impl IntoView {
    let Check { topic, verdict, why } = check;
    view! {
        <tr data-test="fits-check" data-key=topic.title() data-verdict=verdict.word()>
            <td>{topic.title()}</td>
            <td><StatusWord status=status(verdict) word=verdict.word().to_owned() /></td>
            <td dir="auto">{visible(&why)}</td>
        </tr>
    }
}

fn sum(line: Line) -> impl IntoView {
    let (low, high) = line.bounds();
    let class = if line.part { "fits-part" } else { "strong" };
    view! {
        <tr class=class>
            <td dir="auto">{visible(&line.what)}</td>
            <td class="number">{low}</td>
            <td class="number">{high.unwrap_or_else(|| ABSENT.to_owned())}</td>
            <td class="soft" dir="auto">{visible(&line.from)}</td>
        </tr>
    }
}

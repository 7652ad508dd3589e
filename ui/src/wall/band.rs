//! A wall in trouble: what is wrong and since when in a band; below it what changed before and who is hit.

use super::{Wall, gaps, head::Demo, panels::change, plan};
use crate::{
    once::{CollectAny, live},
    parts::mark::Mark,
    shell::ribbon::{lane, scale::Scale},
};
use leptos::prelude::*;
use pilothouse_wire::{
    When,
    frame::SourceState,
    units::{count, middle, visible},
    view::{Finding, Lane, RibbonView, Status},
};

/// The letters that have room: of a place, of a claim on two lines, and of the names of what is hit, together.
const PLACE: usize = 68;
const CLAIM: usize = 84;
const NAMES: usize = 112;
/// How wide the text of a change may be.
const CHANGE: u16 = 660;
/// Width and height of the series.
const SERIES: (f64, f64) = (860.0, 96.0);

/// The band.
#[component]
pub fn Band() -> impl IntoView {
    let wall: Wall = expect_context();
    live(move || {
        let (finding, of) = wall.trouble()?;
        let at = wall.trouble_turn.get().at + 1;
        let node = if finding.node.name.is_empty() { String::new() } else { format!(" / {}", finding.node.name) };
        let place = format!("{}{node}, {at} of {of}", finding.node.cluster);
        let claim = middle(&visible(finding.claim.trim_end_matches('.')), CLAIM);
        let (word, evidence) = (visible(&finding.word), visible(&finding.evidence));
        let size = claim_class(claim.chars().count());
        Some(view! {
            <header class="wall-band" data-test="wall-band" role="alert">
                <div class="wall-what">
                    <p class="wall-place">
                        <Mark status=Status::Bad size=36 />
                        <strong class="bad">"Trouble"</strong>
                        <span class="clip" dir="auto">{middle(&visible(&place), PLACE)}</span>
                        <Demo />
                    </p>
                    <h1 class=size dir="auto">{claim}</h1>
                    <p class="wall-value"><strong class="bad" dir="auto">{word}</strong><span dir="auto">{evidence}</span></p>
                </div>
                <Since finding=finding />
            </header>
        })
    })
}

/// A claim is as large as its length allows: the band has one height.
fn claim_class(letters: usize) -> &'static str {
    match letters {
        0..=28 => "claim-1",
        29..=42 => "claim-2",
        _ => "claim-3",
    }
}

#[component]
fn Since(finding: Finding) -> impl IntoView {
    let wall: Wall = expect_context();
    let since = finding.since;
    let words = move || match since {
        Some(since) => format!("since {} UTC", since.clock()),
        None => "since when is not known".to_owned(),
    };
    let passed = move || since.map(|since| plan::running(wall.clock.now().since(since)));
    view! {
        <div class="wall-since">
            <p>{move || words()}</p>
            <p class="wall-running" data-test="wall-running">{move || passed().map(|(text, _)| text)}</p>
            <p>{move || passed().map(|(_, unit)| unit)}</p>
        </div>
    }
}

/// What changed before the trouble, and who is hit by it.
#[component]
pub fn Hit() -> impl IntoView {
    let wall: Wall = expect_context();
    let finding = Memo::new(move |_| wall.trouble().map(|(finding, _)| finding));
    // Sources are heard each second, and where to look is seldom another place.
    let scope = Memo::new(move |_| finding.with(|of| of.as_ref().map(|of| wall.scope_of(of)).unwrap_or_default()));
    let changes = move || {
        let of = finding.get()?;
        if !wall.reaches.get() {
            return Some(
                view! { <p class="wall-none">"It began too long ago to tell what changed before it."</p> }.into_any(),
            );
        }
        let now = wall.clock.read();
        let (from, to) = plan::hour_before(&of, now);
        let told = wall.before.ribbon(|view| {
            let told = scope.with(|scope| plan::before(view.marks.rows(), &of, scope, now));
            (told.into_iter().cloned().collect::<Vec<_>>(), view.gaps.clone())
        });
        let (mut told, gaps) = told.unwrap_or_default();
        if told.is_empty() {
            let words = gaps::nothing("Nothing was seen to change here in the hour before", &gaps, from, to);
            return Some(view! { <p class="wall-none">{words}</p> }.into_any());
        }
        // What was not recorded was not seen: it is said with what was, and takes the room of the oldest.
        let missing = gaps::all_said(&gaps, from, to);
        if missing.is_some() && told.len() == plan::TOLD {
            told.remove(0);
        }
        let missing = missing.map(|words| gaps::line(words, CHANGE));
        let line = |mark: pilothouse_wire::view::Mark| view! { <li>{change(&mark, CHANGE)}</li> };
        let lines = told.into_iter().map(line).collect_any();
        Some(view! { <ul class="wall-changes">{lines}{missing}</ul> }.into_any())
    };
    let series = move || {
        let of = finding.get()?;
        let scale = Scale::ending(wall.clock.now(), super::SPAN, 0.0, SERIES.0);
        // Lanes are told apart by the name of their source.
        let is_its = |source: &&SourceState| source.id == of.node.cluster;
        let cluster = wall.sources.with(|all| all.iter().find(is_its).map(|source| source.name.clone()))?;
        wall.ribbon.ribbon(|view| series(view, &cluster, &of, &scale)).flatten()
    };
    let hit = move || finding.get().map(|of| hit_rows(&of).into_iter().map(row).collect_any());
    let action = move || finding.get().map(|of| visible(&of.action));
    view! {
        <section class="wall-before" data-test="wall-before">
            <h2>"What changed before it"</h2>
            {move || changes()}
            {move || series()}
            <h2>"What to do"</h2>
            <p class="wall-action" dir="auto">{move || action()}</p>
        </section>
        <section class="wall-hit" data-test="wall-hit">
            <h2>"Who is hit"</h2>
            {move || hit()}
        </section>
    }
}

/// The series of the last hour that is about the same cluster, with the time at which the trouble began.
fn series(view: &RibbonView, cluster: &str, of: &Finding, scale: &Scale) -> Option<impl IntoView + use<>> {
    let about = format!(", {cluster}");
    let lane = view.lanes.iter().find(|lane| lane.name.ends_with(&about) && spans_enough(lane))?;
    let (path, _) = lane::path(lane, scale, 8.0, SERIES.1 - 16.0);
    let since = of.since.filter(|since| scale.holds(*since));
    let since = since.map(|since| view! { <path class="since" d=format!("M{:.1} 0V{}", scale.x(since), SERIES.1) /> });
    let words = format!("{}, last hour: {}", visible(&lane.name), visible(&lane::present(lane, When::Now)));
    Some(view! {
        <p class="wall-none" dir="auto">{words}</p>
        <svg class="wall-series" width=SERIES.0 height=SERIES.1 aria-hidden="true">
            {since}
            <path class="series" d=path />
        </svg>
    })
}

/// Points of a few minutes are a dot on an hour.
fn spans_enough(lane: &Lane) -> bool {
    let ends = lane.points.first().zip(lane.points.last());
    ends.is_some_and(|(first, last)| last.0.since(first.0) >= super::SPAN / 6)
}

/// How many GPUs, pods and workloads, each with what they are.
fn hit_rows(of: &Finding) -> [(String, String); 3] {
    let names = |names: Vec<String>| {
        let more = names.len().saturating_sub(2);
        let room = NAMES / names.len().clamp(1, 2);
        let first = names.iter().take(2).map(|name| middle(name, room)).collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{first} and {more} more") } else { first }
    };
    let word = |n: usize, one: &str, many: &str| if n == 1 { one.to_owned() } else { many.to_owned() };
    let about = |word: String, names: String| if names.is_empty() { word } else { format!("{word}: {names}") };
    let n = |n: usize| count(n as u64);
    let workloads = names(of.workloads.iter().map(|name| visible(name)).collect());
    let pods = names(of.pods.iter().map(|pod| visible(&pod.name)).collect());
    let place = match of.node.name.as_str() {
        "" => String::new(),
        name => format!(" of {}", visible(name)),
    };
    [
        (n(of.gpus.len()), format!("{}{place}", word(of.gpus.len(), "GPU", "GPUs"))),
        (n(of.workloads.len()), about(word(of.workloads.len(), "workload", "workloads"), workloads)),
        (n(of.pods.len()), about(word(of.pods.len(), "pod", "pods"), pods)),
    ]
}

fn row((figure, words): (String, String)) -> impl IntoView {
    view! {
        <p class="wall-row"><span class="wall-figure">{figure}</span><span class="wall-names" dir="auto">{words}</span></p>
    }
}

//! What is measured of the selected object: present values, each with its last hour as a sparkline.

use crate::{
    link::use_link,
    mirror::Watched,
    once::{effect, live},
    parts::{
        age::Age,
        map::palette::parse,
        show::{Show, each},
    },
    state::use_state,
    theme::{token, use_theme},
};
use leptos::prelude::*;
use pilothouse_chart::Spark;
use pilothouse_wire::{
    Answer, Ask, ConnectionId, Metric, ObjectRef, Reading, Stamp, When,
    units::{ABSENT, visible},
    view::{MeasuredView, Past, Series},
};
use std::{collections::BTreeMap, time::Duration};

/// How far back sparklines go.
const SPAN: Duration = Duration::from_secs(3_600);
/// Their size in CSS pixels.
const SIZE: (u32, u32) = (140, 24);
/// What is shown first, as far as it is measured; the rest behind "all".
const FIRST: [Metric; 8] = [
    Metric::TensorActive,
    Metric::Utilisation,
    Metric::MemoryUsed,
    Metric::Power,
    Metric::Temperature,
    Metric::MemoryTemperature,
    Metric::SmClock,
    Metric::Nvlink,
];

/// A time that did not change for so long is read.
const REST: std::time::Duration = std::time::Duration::from_millis(300);

type Points = BTreeMap<Metric, Vec<(Stamp, Reading)>>;

/// Draws the section, where anything is measured.
#[component]
pub fn Measured(watched: Watched, object: ObjectRef) -> impl IntoView {
    let when = use_state().when();
    let rested = rested(when);
    // Series are long to read: they are there once the hand on the ribbon rests, and never those of another time.
    live(move || {
        let when = when.get();
        (rested.get() == when).then(|| view! { <Of watched=watched object=object.clone() when=when /> })
    })
}

/// The time that is shown, once it did not change for a moment.
fn rested(when: Memo<When>) -> RwSignal<When> {
    let rested = RwSignal::new(when.get_untracked());
    effect(move || {
        let now = when.get();
        let settle = move || {
            if when.try_get_untracked() == Some(now) {
                rested.try_set(now);
            }
        };
        set_timeout(settle, REST);
    });
    rested
}

#[component]
fn Of(watched: Watched, object: ObjectRef, when: When) -> impl IntoView {
    let view: Memo<Option<MeasuredView>> =
        Memo::new(move |_| watched.object(|object| object.and_then(|object| object.measured.clone())).flatten());
    let past = RwSignal::new(Points::new());
    let origin = RwSignal::new(Origin::default());
    ask_for_the_past(object, when, past, origin);
    // What arrives while the inspector is open goes on where the record ends.
    effect(move || {
        let Some(now) = view.get() else { return };
        let Some(at) = now.at else { return };
        past.update(|past| now.readings.iter().for_each(|(metric, reading)| append(past, *metric, at, *reading)));
    });
    let all = RwSignal::new(false);
    let shown = Memo::new(move |_| {
        let is_there = |metric: &Metric| {
            view.with(|view| view.as_ref().is_some_and(|view| view.readings.iter().any(|(one, _)| one == metric)))
        };
        let rest = Metric::ALL.iter().filter(|metric| !FIRST.contains(metric)).copied();
        let rest = rest.filter(|_| all.get());
        FIRST.into_iter().chain(rest).filter(is_there).collect::<Vec<Metric>>()
    });
    let more = move || {
        let n = view.with(|view| view.as_ref().map_or(0, |view| view.readings.len()));
        (!all.get() && n > shown.with(Vec::len)).then_some(n)
    };
    let head = move || {
        view.get().map(|view| {
            let class = if view.stale { "warn strong" } else { "" };
            let together = (view.gpus > 1).then(|| format!("{} GPUs together, ", view.gpus));
            view! { <span class=class>{together}{visible(view.source.as_str())}", "<Age of=Signal::stored(view.at) />" old"</span> }
        })
    };
    view! {
        <Show when=move || view.with(Option::is_some)>
            <div class="section" data-test="measured">
                <h3>"Last hour" {move || head()}</h3>
                <div class="gauges">
                    {each(move || shown.get(), Metric::clone, move |metric| {
                        view! { <Gauge metric=metric view=view past=past /> }.into_any()
                    })}
                </div>
                <p class="small faint" data-test="past-origin">{move || past.with(|past| origin.with(|origin| origin.words(past)))}</p>
                {move || more().map(|n| view! {
                    <button type="button" class="link small" on:click=move |_| all.set(true)>{format!("Show all {n} readings")}</button>
                })}
            </div>
        </Show>
    }
}

/// Where the points of the sparklines come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Origin {
    /// The server that keeps the older part, and its last time.
    older: Option<(ConnectionId, Stamp)>,
    /// When what is recorded here begins.
    recorded: Option<Stamp>,
    /// Why the older part is missing.
    missing: Option<String>,
}

impl Origin {
    fn words(&self, past: &Points) -> Option<String> {
        let older = self.older.as_ref().map(|(id, _)| visible(id.as_str()));
        let said = match (older, self.recorded) {
            (Some(id), Some(since)) => Some(format!("Before {} from {id}; from then on recorded here.", since.clock())),
            (Some(id), None) => Some(format!("From {id}; nothing is recorded here.")),
            (None, Some(since)) => Some(format!("Recorded here since {}.", since.clock())),
            (None, None) => None,
        };
        let missing = self.missing.as_ref().map(|why| format!("What was before is missing: {}", visible(why)));
        let all: Vec<String> = said.filter(|_| !past.is_empty()).into_iter().chain(missing).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }
}

/// Asks for what is recorded here, which is shown at once, and then the server for what was before it.
fn ask_for_the_past(object: ObjectRef, when: When, past: RwSignal<Points>, origin: RwSignal<Origin>) {
    let link = use_link();
    let recorded: RwSignal<Option<Option<Stamp>>> = RwSignal::new(None);
    link.ask_then(Ask::History { object: object.clone(), span: SPAN, when }, move |answer| {
        // Without a record there is only what comes from now on, and what the server has.
        let told = match answer {
            Ok(Answer::History(told)) => told,
            _ => Past::default(),
        };
        let began = told.ends().map(|(first, _)| first);
        past.update(|past| merge(past, told.series));
        origin.update(|origin| origin.recorded = began);
        recorded.set(Some(began));
    });
    effect(move || {
        let Some(before) = recorded.get() else { return };
        let older = Ask::Older { object: object.clone(), span: SPAN, when, before };
        link.ask_then(older, move |answer| match answer {
            Ok(Answer::History(told)) => {
                let end = told.ends().map(|(_, last)| last);
                origin.update(|origin| origin.older = told.from.clone().zip(end));
                past.update(|past| put_before(past, told.series));
            }
            Ok(_) => {}
            Err(problem) => origin.update(|origin| origin.missing = Some(problem.what)),
        });
    });
}

/// One value with its sparkline.
#[component]
fn Gauge(metric: Metric, view: Memo<Option<MeasuredView>>, past: RwSignal<Points>) -> impl IntoView {
    let theme = use_theme();
    let reading = Memo::new(move |_| {
        let read =
            |view: &MeasuredView| view.readings.iter().find(|(one, _)| *one == metric).map(|(_, reading)| *reading);
        view.with(|view| view.as_ref().and_then(read)).unwrap_or_default()
    });
    let value = move || {
        let text = metric.show(reading.get());
        match text.split_once(' ') {
            Some((number, unit)) if !reading.get().is_absent() => (number.to_owned(), format!(" {unit}")),
            _ if reading.get().is_absent() => (ABSENT.to_owned(), String::new()),
            _ => (text, String::new()),
        }
    };
    let svg = move || {
        let _ = theme.grounds();
        let line = parse(&token("tx2")).unwrap_or_default();
        past.with(|past| {
            let points = past.get(&metric).map(Vec::as_slice).unwrap_or_default();
            let to = past.values().filter_map(|points| points.last()).map(|point| point.0).max()?;
            let span = (to.minus(SPAN), to);
            // From zero where zero means something: a small tremble is not to look like a fall.
            let range = matches!(metric.unit(), pilothouse_wire::metric::Unit::Ratio).then_some((0.0, 1.0));
            (points.len() > 1).then(|| Spark { points, span, range, line }.svg(SIZE.0, SIZE.1))
        })
    };
    view! {
        <div class="gauge" title=metric.about() data-test="gauge" data-key=metric.id()>
            <span class="small soft">{metric.label()}</span>
            <span class="gauge-value"><b>{move || value().0}</b><span class="faint">{move || value().1}</span></span>
            // Numbers alone: plotters draws it, no text of anybody is in it.
            <span class="gauge-line" aria-hidden="true" inner_html=move || svg().unwrap_or_default()></span>
        </div>
    }
}

/// The record comes later than the first live values: it goes before them.
fn merge(past: &mut Points, series: Vec<Series>) {
    for Series { metric, mut points } in series {
        let live = past.entry(metric).or_default();
        let end = points.last().map(|point| point.0);
        points.extend(live.drain(..).filter(|point| end.is_none_or(|end| point.0 > end)));
        *live = points;
    }
}

/// What a server kept goes before what is known: where both tell, what was recorded here counts.
fn put_before(past: &mut Points, series: Vec<Series>) {
    for Series { metric, mut points } in series {
        let known = past.entry(metric).or_default();
        let first = known.first().map(|point| point.0);
        points.retain(|point| first.is_none_or(|first| point.0 < first));
        points.append(known);
        *known = points;
    }
}

/// Adds a live value; what is older than the span goes.
fn append(past: &mut Points, metric: Metric, at: Stamp, reading: Reading) {
    let points = past.entry(metric).or_default();
    if points.last().is_none_or(|last| last.0 < at) {
        points.push((at, reading));
    }
    let from = at.minus(SPAN);
    let old = points.partition_point(|point| point.0 < from);
    points.drain(..old);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_and_what_came_meanwhile_are_one_series() {
        let point = |s: i64| (Stamp(s * 1_000), Reading::of(1.0));
        let mut past = Points::new();
        for s in [20, 25, 25] {
            append(&mut past, Metric::Power, point(s).0, point(s).1);
        }
        merge(&mut past, vec![Series { metric: Metric::Power, points: vec![point(10), point(20)] }]);
        assert_eq!(past[&Metric::Power], [point(10), point(20), point(25)]);
        put_before(
            &mut past,
            vec![Series { metric: Metric::Power, points: vec![point(5), point(8), point(10), point(12)] }],
        );
        assert_eq!(past[&Metric::Power], [point(5), point(8), point(10), point(20), point(25)]);
        append(&mut past, Metric::Power, point(3_615).0, point(3_615).1);
        assert_eq!(past[&Metric::Power], [point(20), point(25), point(3_615)]);
    }

    #[test]
    fn where_points_come_from_is_said_and_why_some_are_missing() {
        let past = Points::from([(Metric::Power, vec![(Stamp(1), Reading::of(1.0))])]);
        let (prom, at) = (ConnectionId::slug("prom"), Stamp(3_600_000));
        let words = |origin: Origin| origin.words(&past).unwrap_or_default();
        let both = Origin { older: Some((prom.clone(), Stamp(1))), recorded: Some(at), missing: None };
        assert_eq!(words(both.clone()), "Before 01:00:00 from prom; from then on recorded here.");
        assert_eq!(words(Origin { recorded: None, ..both.clone() }), "From prom; nothing is recorded here.");
        let failed = Origin { older: None, missing: Some("prom did not answer.".into()), ..both };
        assert_eq!(words(failed), "Recorded here since 01:00:00. What was before is missing: prom did not answer.");
        assert_eq!(words(Origin::default()), "");
    }
}

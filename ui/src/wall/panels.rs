//! What a calm wall turns through: the fleet, its health, the last changes.

mod map;

use super::{Wall, alarm, gaps, plan};
use crate::{
    mirror::Part,
    once::CollectAny,
    parts::mark::{Mark, tone},
    shell::{ribbon::shape, text},
};
use leptos::prelude::*;
use pilothouse_wire::{
    Stamp, Sum,
    units::{age, count, middle, share_of, sum, visible},
    view::{Finding, FleetSummary, FleetView, Funnel, FunnelKind, Status},
};

/// Lines that a panel has room for.
const LINES: usize = 9;
/// How wide the text of a warning may be, and that of a change, in units.
const WARNING: u16 = 640;
const CHANGE: u16 = 1_180;
/// Letters of a line, in units.
const LETTERS: f64 = 34.0;

/// A figure with what it is, what is not in it, and its share.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    label: &'static str,
    beside: String,
    figure: String,
    share: String,
    /// Of 100; what is sure.
    bar: f64,
    useful: bool,
}

/// The map and the funnel.
#[component]
pub fn FleetPanel() -> impl IntoView {
    let wall: Wall = expect_context();
    let steps = Memo::new(move |_| {
        let steps = |view: &FleetView| steps(&view.summary, &view.funnel, !view.telemetry.columns.is_empty());
        wall.fleet.fleet_by(&[Part::Totals, Part::Telemetry], steps).unwrap_or_default()
    });
    let one = |step: Step| {
        view! {
            <div class="wall-step" class:useful=step.useful>
                <p><span>{step.label}</span><span class="wall-beside">{step.beside}</span></p>
                <p><span class="wall-figure">{step.figure}</span><span class="wall-share">{step.share}</span></p>
                <div class="wall-bar"><i style:width=format!("{:.1}%", step.bar)></i></div>
            </div>
        }
    };
    view! {
        <map::Map />
        <section class="wall-funnel" data-test="wall-funnel">
            {move || steps.get().into_iter().map(one).collect_any()}
        </section>
    }
}

/// From all GPUs down; where nobody measures them, what is held and what is free.
fn steps(summary: &FleetSummary, funnel: &Funnel, measured: bool) -> Vec<Step> {
    let whole = summary.gpus;
    let of = |label, figure: Sum, beside: String, useful| Step {
        label,
        beside,
        figure: sum(figure),
        share: share_of(figure, whole).unwrap_or_default(),
        bar: share(figure, whole),
        useful,
    };
    if measured && !funnel.steps.is_empty() {
        let step = |step: &pilothouse_wire::view::FunnelStep| {
            let lost: u64 = step.losses.iter().map(|loss| loss.gpus).sum();
            let first = step.losses.first().map(|loss| format!(" {}", short(&loss.reason))).unwrap_or_default();
            match step.kind {
                FunnelKind::Total => Step { share: String::new(), ..of("Total", step.gpus, "GPUs".into(), false) },
                kind => {
                    let beside = if lost > 0 { format!("−{}{first}", count(lost)) } else { String::new() };
                    let useful = kind == FunnelKind::Useful;
                    of(if useful { "Useful maths" } else { kind.word() }, step.gpus, beside, useful)
                }
            }
        };
        return funnel.steps.iter().map(step).collect();
    }
    let lost = |n: Sum| if n == Sum::Exact(0) { String::new() } else { format!("−{} lost", sum(n)) };
    vec![
        Step { share: String::new(), ..of("Total", whole, "GPUs".into(), false) },
        of("Healthy", summary.gpus_healthy, lost(summary.gpus_lost), false),
        of("Allocated", summary.gpus_held, String::new(), false),
        of("Free", summary.gpus_free, String::new(), true),
    ]
}

/// A reason that has room beside a figure: of `not known: not all pods are read` what it is, and of `active, tensor cores
/// idle` what is wrong.
fn short(reason: &str) -> &str {
    let reason = reason.split(':').next().unwrap_or_default();
    reason.rsplit(", ").next().unwrap_or_default()
}

/// A share in percent of what is sure.
#[allow(clippy::cast_precision_loss, reason = "counts of GPUs")]
fn share(part: Sum, whole: Sum) -> f64 {
    if whole.sure() == 0 { 0.0 } else { (part.sure() as f64 * 100.0 / whole.sure() as f64).min(100.0) }
}

/// What works and what does not: figures, and the warnings.
#[component]
pub fn HealthPanel() -> impl IntoView {
    let wall: Wall = expect_context();
    let figures = move || {
        let of = |view: &FleetView| figures(&view.summary).into_iter().map(figure).collect_any();
        wall.fleet.fleet_by(&[Part::Totals], of)
    };
    let warnings = Memo::new(move |_| {
        let of = |view: &FleetView| {
            let warns = |finding: &Finding| finding.status == Status::Warn;
            alarm::all(view).into_iter().filter(warns).collect::<Vec<_>>()
        };
        wall.fleet.fleet_by(&[Part::Findings, Part::Alerts], of).unwrap_or_default()
    });
    let line = move |finding: Finding| {
        let since = finding.since.map(|since| age(wall.clock.now().since(since))).unwrap_or_default();
        let claim = visible(&finding.claim);
        let (class, letters) = fit(&claim, WARNING);
        view! {
            <li>
                <Mark status=finding.status size=30 />
                <span class=class dir="auto">{middle(&claim, letters)}</span>
                <span class="faint">{since}</span>
            </li>
        }
    };
    let lines = move || {
        let all = warnings.get();
        let more = all.len().saturating_sub(LINES);
        match all.is_empty() {
            true => view! { <p class="wall-none">"No warnings."</p> }.into_any(),
            false => view! {
                <ul class="wall-lines">{all.into_iter().take(LINES).map(line).collect_any()}</ul>
                {(more > 0).then(|| view! { <p class="wall-none">{format!("and {} more", count(more as u64))}</p> })}
            }
            .into_any(),
        }
    };
    view! {
        <section class="wall-figures" data-test="wall-health">{move || figures()}</section>
        <section class="wall-list"><h2>"Warnings" <AsOf /></h2>{move || lines()}</section>
    }
}

/// What is counted: its status if there is any of it.
fn figures(of: &FleetSummary) -> [(&'static str, String, Status); 5] {
    let some = |n: Sum, status| if n == Sum::Exact(0) { Status::Good } else { status };
    let ready = if of.nodes_ready == of.nodes { Status::Good } else { Status::Warn };
    [
        ("nodes ready", format!("{} of {}", sum(of.nodes_ready), sum(of.nodes)), ready),
        ("GPUs lost", sum(of.gpus_lost), some(of.gpus_lost, Status::Bad)),
        ("GPUs cordoned", sum(of.gpus_cordoned), some(of.gpus_cordoned, Status::Warn)),
        ("pods wait", sum(of.pods_pending), some(of.pods_pending, Status::Warn)),
        ("GPUs they want", sum(of.gpus_wanted), some(of.gpus_wanted, Status::Warn)),
    ]
}

fn figure((label, figure, status): (&'static str, String, Status)) -> impl IntoView {
    let class = format!("wall-figure {}", if status == Status::Good { "" } else { tone(status) });
    view! {
        <p class="wall-row">
            <span class=class>{figure}</span>
            <span><Mark status=status size=26 />{label}</span>
        </p>
    }
}

/// What changed last, the newest first.
#[component]
pub fn ChangesPanel() -> impl IntoView {
    let wall: Wall = expect_context();
    let marks = Memo::new(move |_| {
        let (scope, since) = (wall.scope.get_value(), wall.as_of().minus(super::SPAN));
        let of = |view: &pilothouse_wire::view::RibbonView| {
            let shown = |mark: &&pilothouse_wire::view::Mark| mark.key.at >= since && plan::is_told(mark, &scope);
            view.marks.rows().iter().rev().filter(shown).take(LINES).cloned().collect::<Vec<_>>()
        };
        wall.ribbon.ribbon(of).unwrap_or_default()
    });
    let line = move |mark: pilothouse_wire::view::Mark| {
        view! {
            <li>
                {change(&mark, CHANGE)}
                <span class="faint clip" dir="auto">{visible(mark.key.object.connection().as_str())}</span>
                <span class="faint">{age(wall.clock.now().since(mark.key.at))}</span>
            </li>
        }
    };
    // What was not recorded was not seen: it is said with what was. It is told by the strip's clock, which has tens of seconds.
    let gaps = Memo::new(move |_| wall.gaps());
    let until = Memo::new(move |_| Stamp(wall.as_of().0.div_euclid(10_000) * 10_000));
    let lines = move || {
        let (to, gaps) = (until.get(), gaps.get());
        let from = to.minus(super::SPAN);
        if marks.with(Vec::is_empty) {
            let words = gaps::nothing("Nothing was seen to change in the last hour", &gaps, from, to);
            return view! { <p class="wall-none">{words}</p> }.into_any();
        }
        let missing = gaps::all_said(&gaps, from, to).map(|words| gaps::line(words, CHANGE));
        view! { <ul class="wall-lines">{marks.get().into_iter().map(line).collect_any()}{missing}</ul> }.into_any()
    };
    view! { <section class="wall-list wide" data-test="wall-changes"><h2>"Changes of the last hour" <AsOf /></h2>{move || lines()}</section> }
}

/// A change in a line: which, when, and what.
pub(super) fn change(mark: &pilothouse_wire::view::Mark, room: u16) -> impl IntoView + use<> {
    let title = visible(&mark.title);
    let detail = mark.detail.as_deref().map(|detail| visible(&format!(" {detail}"))).unwrap_or_default();
    let rebuilt = shape::rebuilt(mark).map(|word| format!(" · {word}")).unwrap_or_default();
    let (class, letters) = fit(&format!("{title}{detail}{rebuilt}"), room);
    let letters = letters.saturating_sub(rebuilt.chars().count());
    let title = middle(&title, letters);
    let detail = middle(&detail, letters.saturating_sub(title.chars().count()).max(24));
    view! {
        <svg class=shape::class(mark) width="34" height="34" viewBox="-7 -7 14 14" aria-hidden="true">
            {shape::shape(mark.key.kind)}
        </svg>
        <span class="soft">{mark.key.at.clock()}</span>
        <span class=class dir="auto">{title}<span class="soft">{detail}{rebuilt}</span></span>
    }
}

/// The class of a text in a room so wide, and the letters that can be read there: what is too long for a line takes two of
/// smaller letters, and past these its middle gives way.
pub(super) fn fit(text: &str, room: u16) -> (&'static str, usize) {
    if text::width(text) * LETTERS / 11.0 <= f64::from(room) {
        ("clip", usize::MAX)
    } else {
        ("wall-two", usize::from(room) / 8)
    }
}

/// The time that a panel is about.
#[component]
fn AsOf() -> impl IntoView {
    let wall: Wall = expect_context();
    // Before anything was heard there is no time to tell.
    let words = move || wall.fleet.as_of().map(|_| format!("as of {}", wall.as_of().clock()));
    view! { <span class="wall-as-of">{move || words()}</span> }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> FleetSummary {
        FleetSummary {
            gpus: Sum::Exact(4_096),
            gpus_healthy: Sum::Exact(4_092),
            gpus_held: Sum::AtLeast(3_741),
            gpus_free: Sum::AtMost(351),
            gpus_lost: Sum::Exact(4),
            nodes: Sum::Exact(512),
            nodes_ready: Sum::Exact(511),
            ..FleetSummary::default()
        }
    }

    #[test]
    fn without_measurements_the_funnel_is_what_is_held_and_what_is_free() {
        let words: Vec<_> = steps(&summary(), &Funnel::default(), false)
            .into_iter()
            .map(|step| format!("{} {} {} {}", step.label, step.figure, step.share, step.beside))
            .collect();
        let want = ["Total 4,096  GPUs", "Healthy 4,092 99.9 % −4 lost", "Allocated ≥ 3,741  ", "Free ≤ 351  "];
        assert_eq!(words, want);
    }

    #[test]
    fn a_reason_beside_a_figure_is_short() {
        let told = ["not known: not all pods are read", "active, tensor cores idle", "on nodes not ready"].map(short);
        assert_eq!(told, ["not known", "tensor cores idle", "on nodes not ready"]);
    }

    #[test]
    fn a_text_that_is_too_long_for_a_line_takes_two_and_gives_way_in_its_middle_only_past_them() {
        assert_eq!(fit("h100-117: GPU 5 is slowed by heat", WARNING), ("clip", usize::MAX));
        let name = "chat-llama-4-maverick-17b-128e-instruct-fp8-eu waits";
        let (class, letters) = fit(name, WARNING);
        assert_eq!((class, middle(name, letters).as_str()), ("wall-two", name));
        assert_eq!(middle(&name.repeat(3), fit(&name.repeat(3), WARNING).1).chars().count(), 80);
    }

    #[test]
    fn an_absent_sum_is_no_zero_and_a_bound_is_no_figure() {
        assert!((share(Sum::NotKnown, Sum::NotKnown) - 0.0).abs() < f64::EPSILON);
        let of = figures(&FleetSummary { gpus_lost: Sum::NotKnown, ..summary() });
        assert_eq!(of[0], ("nodes ready", "511 of 512".into(), Status::Warn));
        assert_eq!((of[1].1.as_str(), of[1].2), ("—", Status::Bad));
    }
}

//! A search in words: the bracket first, then what it rests on.

use super::{Document, Judged, Scale};
use crate::{
    page::{Head, Page, Table, Tone},
    result::State,
    served::Ended,
    told,
};
use pilothouse_wire::units::{ABSENT, count, number};

/// What there is to say of a search.
#[must_use]
pub fn page(document: &Document) -> Page {
    let mut page = Page { title: format!("Search {}", document.id), ..Page::default() };
    let state = match document.state {
        State::Running => "running, or killed",
        State::Whole => "whole",
        State::Interrupted => "interrupted: partial",
        State::GaveUp => "given up, nothing but failures: partial",
    };
    let tone = if document.state == State::Whole { Tone::Plain } else { Tone::Warn };
    page.toned("Search", format!("{}, {state}, began {}", document.id, document.began), tone);
    let target = &document.plan.target;
    match &document.arms[..] {
        [] => page.line("Target", format!("{} at {}", target.model, target.place())),
        arms => page.line("Targets", arms.join(", ")),
    }
    if let Some(through) = &target.through {
        page.line("", through.meaning());
    }
    page.line("Prompts", told::prompts(&document.plan));
    told::manner(&mut page, &document.plan);
    if let Some(probe) = document.probes.last() {
        page.line("Cost", probe.measures.cost_words().replacen("a million", "at the last probe a million", 1));
    }
    match &document.sweep {
        Some(_) => page.line(
            "Sweep",
            "each place once; a point is on the front unless another is as good in both and better in one",
        ),
        None => found(&mut page, document),
    }
    if let Some(why) = &document.not_kept {
        page.toned("Not kept", why.clone(), Tone::Bad);
    }
    let failed: u64 = document.probes.iter().map(|probe| probe.measures.requests.failed).sum();
    for server in &document.servers_ended {
        let arm = server.arm.and_then(|arm| document.arms.get(arm)).cloned().unwrap_or_default();
        page.toned("Server", Ended { arm, how: server.how.clone() }.words(), Tone::Bad);
    }
    if failed > 0 {
        page.toned(
            "Failed",
            format!("{} requests of all probes failed; they are good nowhere", count(failed)),
            Tone::Bad,
        );
    }
    page.tables.push(if document.sweep.is_some() { points(document) } else { probes(document) });
    page.definitions = document.definitions.iter().map(|(name, text)| (name.clone(), text.clone())).collect();
    page
}

fn found(page: &mut Page, document: &Document) {
    let unit = unit(document.scale);
    let wanted = document.wanted.map_or_else(|| ABSENT.to_owned(), percent);
    let limits = format!("{wanted} of requests keep {}", document.plan.slo);
    let words = match (document.keeps, document.fails) {
        (Some(keeps), Some(fails)) => {
            format!(
                "up to {} {unit} {limits}; at {} {unit} they do not, or it is not sure",
                figure(keeps),
                figure(fails)
            )
        }
        (Some(keeps), None) if document.state == State::Whole && document.limit.is_none() => {
            format!("at {} {unit}, the most that was tried, {limits}: the limit is higher", figure(keeps))
        }
        (Some(keeps), None) => format!("at {} {unit} {limits}; what is above was not reached", figure(keeps)),
        (None, Some(fails)) => {
            format!("not even at {} {unit}, the least that was tried, it is sure that {limits}", figure(fails))
        }
        (None, None) => format!("nothing is known: no place was probed twice ({limits})"),
    };
    let tone = if document.keeps.is_some() { Tone::Good } else { Tone::Bad };
    page.toned("Most", words, tone);
    if let Some(why) = &document.limit {
        page.toned("", format!("the client was the limit, so it ended there: {why}"), Tone::Warn);
    }
    let sure = percent(document.sure);
    page.line(
        "Sure",
        format!("{sure} at each place, by the exact interval of Clopper and Pearson over all of its probes"),
    );
    page.line("", "requests of a probe share its queue, so that the interval is narrower than it would be of single ones: each end was probed at least twice");
}

fn unit(scale: Scale) -> &'static str {
    match scale {
        Scale::Rate => "requests/s",
        Scale::Concurrency => "at a time",
    }
}

fn probes(document: &Document) -> Table {
    const HEADS: [Head; 8] = [
        Head::left("PROBE"),
        Head::right("AT"),
        Head::right("GOOD"),
        Head::right("OF"),
        Head::left("TRUE SHARE"),
        Head::right("TTFT P95 MS"),
        Head::right("$/GOOD MTOK"),
        Head::left("PLACE"),
    ];
    let row = |probe: &super::Probe| {
        let judged = match probe.judged {
            Judged::Keeps => "keeps the limits",
            Judged::Breaks => "does not",
            Judged::Unclear => "not sure yet",
        };
        vec![
            probe.run.clone(),
            figure(probe.at),
            count(probe.good),
            count(probe.of),
            format!("{} to {}", percent(probe.between.0), percent(probe.between.1)),
            told::millis(probe.measures.ttft.p95),
            paid(probe),
            if probe.state == State::Whole { judged.to_owned() } else { "partial".to_owned() },
        ]
    };
    Table { title: "Probes".into(), heads: HEADS.to_vec(), rows: document.probes.iter().map(row).collect() }
}

fn points(document: &Document) -> Table {
    let tokens = if document.gpus.is_some() { "TOKENS/S A GPU" } else { "TOKENS/S" };
    let is_of_several = !document.arms.is_empty();
    let mut heads = vec![
        Head::right("AT A TIME"),
        Head::right("TOKENS/S A USER"),
        Head::right(tokens),
        Head::right("TTFT P95 MS"),
        Head::right("$/GOOD MTOK"),
        Head::right("GOOD"),
        Head::right("FAILED"),
        Head::left("FRONT"),
    ];
    if is_of_several {
        heads.insert(0, Head::left("TARGET"));
    }
    let row = |probe: &super::Probe| {
        let is_its = |point: &&super::Point| (point.at - probe.at).abs() < f64::EPSILON && point.arm == probe.arm;
        let point = document.points.iter().find(is_its);
        let some = |value: Option<f64>| value.map_or_else(|| ABSENT.to_owned(), |value| number(value, 1));
        let good = probe.measures.goodput.as_ref();
        let own = vec![
            figure(probe.at),
            some(point.map(|point| point.per_user)),
            some(point.map(|point| point.tokens)),
            told::millis(probe.measures.ttft.p95),
            paid(probe),
            good.map_or_else(|| ABSENT.to_owned(), |good| pilothouse_wire::units::share(good.good, good.of)),
            count(probe.measures.requests.failed),
            match point.map(|point| (point.on_front, point.on_paid_front)) {
                Some((true, true)) => "on both fronts",
                Some((true, false)) => "on the front",
                Some((false, true)) => "on that of cost",
                _ => "",
            }
            .to_owned(),
        ];
        let arm = probe.arm.and_then(|arm| document.arms.get(arm)).map(String::as_str).unwrap_or_default();
        if is_of_several { std::iter::once(arm.to_owned()).chain(own).collect() } else { own }
    };
    Table { title: "Points".into(), heads, rows: document.probes.iter().map(row).collect() }
}

/// What a million good tokens cost at a probe.
fn paid(probe: &super::Probe) -> String {
    probe.measures.good_cost().map_or_else(|| ABSENT.to_owned(), crate::worth::dollars)
}

fn figure(value: f64) -> String {
    let text = number(value, 2);
    text.strip_suffix(".00").map_or(text.clone(), str::to_owned)
}

fn percent(share: f64) -> String {
    let text = number(share * 100.0, 1);
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

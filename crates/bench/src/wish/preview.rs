//! What a benchmark would send, and when, before it is begun.

use super::{Aim, Wish};
use crate::{
    page,
    plan::{Load, Plan},
    run,
    search::{self, Scale},
    told,
    workers::Spec,
};
use pilothouse_chart::drawn;
use pilothouse_connect::redact_arguments;
use pilothouse_wire::{
    bench::{Card, Cell, Page, Row},
    units::{count, number},
};

/// Steps of time of a preview.
const STEPS: usize = 90;
/// No more moments are drawn for a preview.
const MOST_DRAWN: usize = 500_000;

impl Wish {
    /// What it would send, and when.
    #[must_use]
    pub fn preview(&self) -> Page {
        let plan = self.plan();
        let mut rows = vec![
            row("Asks", format!("{} at {}", plan.target.model, plan.target.place())),
            row("Load", told::load(plan)),
            row("Prompts", told::prompts(plan)),
        ];
        if let Aim::Search(wanted) = &self.aim {
            rows.splice(1..2, searched(wanted));
        }
        if let Aim::Compare(compared) = &self.aim {
            let candidate = &compared.arms[1].plan.target;
            rows.insert(1, row("Against", format!("{} at {}", candidate.model, candidate.place())));
            let settings = compared.plan.settings();
            let ids: Vec<&str> = settings.metrics.iter().map(|metric| metric.label.as_str()).collect();
            let looks: Vec<String> = settings.looks.iter().map(u32::to_string).collect();
            let most = compared.plan.order().len();
            rows.push(row(
                "Blocks",
                format!("at most {most} of this load, in a drawn order; looks at {} pairs", looks.join(", ")),
            ));
            rows.push(row(
                "Judged by",
                format!("{}; the same within ±{} %", ids.join(", "), number(settings.margin * 100.0, 0)),
            ));
            if let Some(embed) = &compared.embed {
                rows.push(row("Meaning", format!("What both say is sent to {} at {}", embed.model, embed.url)));
            }
        }
        if let Some(spec) = &self.workers {
            let Spec { workers, namespace, cluster, .. } = spec;
            let by =
                format!("{workers} workers in {namespace} of {cluster}, a Job that is planned and confirmed first");
            rows.push(row("Sent by", by));
        }
        let mut words = page::Page::default();
        told::manner(&mut words, plan);
        rows.extend(words.lines.into_iter().map(|line| row(&line.name, line.text)));
        let limits = if plan.slo.is_empty() { "none: no goodput is told".to_owned() } else { plan.slo.to_string() };
        rows.push(row("Limits", limits));
        rows.extend(self.serves.iter().map(|serve| {
            let of = if serve.arm.is_empty() { "Starts".to_owned() } else { format!("Starts the {}", serve.arm) };
            row(&of, redact_arguments(&serve.command).join(" "))
        }));
        let (drawing, about) = sends(plan);
        let title =
            if matches!(self.aim, Aim::Search(_)) { "What the first probe would send" } else { "What would be sent" };
        let card = Card { title: title.into(), about, rows, drawing: Some(drawing), ..Card::default() };
        Page { title: String::new(), about: String::new(), cards: vec![card] }
    }
}

/// What a search varies, and when it ends.
fn searched(wanted: &search::Wanted) -> Vec<Row> {
    let what = match wanted.scale {
        Scale::Rate => "requests a second",
        Scale::Concurrency => "requests at a time",
    };
    let places = |places: &[f64]| places.iter().map(|at| number(*at, 0)).collect::<Vec<_>>().join(", ");
    let percent = |share: f64| number(share * 100.0, 0);
    match &wanted.sweep {
        Some(sweep) => vec![row("Sweeps", format!("{} {what}, each once", places(sweep)))],
        None => {
            let (least, most) = wanted.range;
            let over = format!("the most {what} from {} to {} that keep the limits", number(least, 1), number(most, 1));
            let sure = format!(
                "{} % of requests are to keep them, {} % sure; it ends within {} %",
                percent(wanted.good),
                percent(wanted.sure),
                percent(wanted.within - 1.0)
            );
            vec![row("Finds", over), row("Judged by", sure)]
        }
    }
}

fn row(name: &str, text: String) -> Row {
    Row { cells: vec![Cell::text(name), Cell::text(text)], ..Row::default() }
}

/// How many are at work in each step of a closed loop, on the way to so many where there is a ramp.
fn at_a_time(plan: &Plan, concurrency: u32) -> Vec<f64> {
    let Some(ramp) = plan.manner.ramp else { return vec![f64::from(concurrency); STEPS] };
    let people = ramp.people(concurrency);
    // Of a load that a number of requests ends it is not known how long it takes: the ramp is drawn, and as much behind it.
    let over = plan.until.seconds.unwrap_or(2.0 * ramp.seconds);
    #[allow(clippy::cast_precision_loss, reason = "a handful of steps and of people")]
    let there = |step: usize| {
        let at = over * (step as f64 + 0.5) / STEPS as f64;
        people.iter().filter(|(begins, leaves)| *begins <= at && leaves.is_none_or(|leaves| at < leaves)).count() as f64
    };
    (0..STEPS).map(there).collect()
}

/// The load over time: of an open loop the very moments that are drawn for it, of a closed one how many are under way.
fn sends(plan: &Plan) -> (pilothouse_wire::drawing::Drawing, String) {
    if let Load::Trace { file, speed, .. } = &plan.load {
        let about = format!("as {} says, {speed} times its speed: it is read once it begins", file.display());
        return (drawn::sends(&[], None, "a second", &about), about);
    }
    if let Load::Closed { concurrency } = plan.load {
        let each = at_a_time(plan, concurrency);
        let about = match (plan.until.seconds, plan.until.requests) {
            (Some(seconds), _) => format!("{} at a time for {} s", count(concurrency.into()), number(seconds, 0)),
            (None, requests) => {
                format!(
                    "{} at a time until {} are over",
                    count(concurrency.into()),
                    count(requests.unwrap_or_default())
                )
            }
        };
        return (drawn::sends(&each, plan.until.seconds, "at a time", &about), about);
    }
    let moments: Vec<f64> = run::schedule(plan, Vec::new()).take(MOST_DRAWN).map(|due| due.at.as_secs_f64()).collect();
    let last = moments.last().copied().unwrap_or(1.0);
    let seconds = plan.until.seconds.filter(|_| moments.len() < MOST_DRAWN).unwrap_or(last).max(1e-3);
    // Of few moments a step would have one or none, which says nothing.
    let steps = (moments.len() / 4).clamp(8, STEPS);
    #[allow(clippy::cast_precision_loss, reason = "a handful of steps")]
    let step = seconds / steps as f64;
    let mut each = vec![0.0; steps];
    for moment in &moments {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "held between the first and the last"
        )]
        let at = ((moment / step) as usize).min(steps - 1);
        each[at] += 1.0 / step;
    }
    let cut = if moments.len() == MOST_DRAWN { "the first " } else { "" };
    let about = format!("{cut}{} requests in {} s", count(moments.len() as u64), number(seconds, 0));
    (drawn::sends(&each, Some(seconds), "a second", &about), about)
}

//! What is wrong with a Prometheus, in words: what happened, why, what comes next.

use super::{
    catalogue::{Exporter, rows},
    kind,
};
use crate::{
    failure::{Failure, Refusal},
    place::Place,
    problems::{self, AGAIN, line, sentence},
};
use pilothouse_wire::{Code, Problem, Stamp, units};
use std::time::Duration;

/// Prefixes that servers of this API are known to have.
const PREFIXES: &str = "Mimir and Cortex have /prometheus, a VictoriaMetrics cluster /select/0/prometheus, Thanos has \
                        none on its querier, and a Prometheus behind a gateway has what --web.external-url says.";

/// A failure in words.
#[must_use]
pub fn problem(failure: &Failure, place: &Place) -> Problem {
    match failure {
        Failure::Refusal(refusal) => refused(refusal, failure, place),
        other => problems::problem(other, place),
    }
}

fn refused(refusal: &Refusal, failure: &Failure, place: &Place) -> Problem {
    let Place { name, host, path, .. } = place;
    let Refusal { status, message, .. } = refusal;
    let says = |word: &str| message.to_ascii_lowercase().contains(word);
    match status {
        404 | 405 => no_api(refusal, place),
        // Of VictoriaMetrics, of its vmauth, and of a cluster's vmselect where a prefix has no tenant.
        400 if ["unsupported path", "missing route", "accountid from"].iter().any(|word| says(word)) => {
            no_api(refusal, place)
        }
        401 if says("org id") => Problem::new(Code::Unauthenticated, format!("{name} wants to know the tenant."))
            .why(format!("401 of {host}: {}", sentence(message)))
            .next("Fill in the field \"Tenant\"."),
        400 | 422 => Problem::new(Code::BadInput, format!("{name} refused a query."))
            .why(format!("{status} of {host}{}: {}", path.as_deref().unwrap_or_default(), sentence(message)))
            .next(AGAIN),
        _ => problems::problem(failure, place),
    }
}

fn no_api(refusal: &Refusal, place: &Place) -> Problem {
    let Place { name, host, path, .. } = place;
    let at = match path {
        Some(path) => format!("under {path}"),
        None => "without a prefix".to_owned(),
    };
    Problem::new(Code::NotFound, format!("{name} has no query API at this address."))
        .why(format!("{} to {}: {host} answers, and has nothing there {at}.", refusal.status, refusal.path))
        .next(format!("Correct the prefix in the field \"{}\". {PREFIXES}", place.field()))
}

/// No series tells of a GPU. `lately`: so many did in the last six hours; `others`: other series of known exporters.
#[must_use]
pub fn nothing(place: &Place, lately: f64, mut others: Vec<String>) -> Problem {
    let name = &place.name;
    let problem = Problem::new(Code::NotFound, format!("{name} has no measurement of a GPU."));
    if lately > 0.0 {
        return problem.why(format!("In the last six hours it had some, of {lately} GPUs; now there is none.")).next(
            "See that the exporter runs and is scraped: its target is in Status → Targets, with its last error.",
        );
    }
    others.sort_unstable();
    if let Some(first) = others.first() {
        let exporter = match first.get(..4) {
            Some("gpu_") => Exporter::Amd,
            Some("xpum") => Exporter::Intel,
            _ => Exporter::Dcgm,
        };
        let line = rows().iter().filter(|row| row.identity && row.exporter == exporter);
        let line = line.filter_map(|row| row.enable.as_deref()).next().unwrap_or_default();
        let more = match others.len() - 1 {
            0 => String::new(),
            1 => " and another".to_owned(),
            n => format!(" and {n} others"),
        };
        let problem = problem
            .why(format!("It has {first}{more}, and none of the series that tell all GPUs apart."))
            .next(format!("Add a line to {}.", exporter.settings()));
        return if line.is_empty() { problem } else { problem.remedy(line) };
    }
    problem.why("There is no series of dcgm-exporter, device-metrics-exporter or xpumanager.").next(
        "Scrape one of them: with NVIDIA's GPU operator, set dcgmExporter.serviceMonitor.enabled. If another \
             Prometheus scrapes it, connect that one; if it has tenants, fill in the field \"Tenant\".",
    )
}

/// There are series, and none says of which GPU.
#[must_use]
pub fn nameless(place: &Place, series: usize) -> Problem {
    let n = units::count(u64::try_from(series).unwrap_or(u64::MAX));
    Problem::new(Code::NotFound, format!("{} does not say which GPU was measured.", place.name))
        .why(format!("{n} series of a GPU exporter have none of the labels UUID, uuid, gpu_uuid and serial_number."))
        .next("A rule of relabelling drops them: see metric_relabel_configs and labeldrop of the scrape job.")
}

/// All that is there is old.
#[must_use]
pub fn stale(place: &Place, age: Duration, interval: Duration) -> Problem {
    Problem::new(Code::NotFound, format!("{} has no new measurement of any GPU.", place.name))
        .why(format!("The newest is {} old; they came every {}.", units::span(age), units::span(interval)))
        .next("See that the exporter is scraped, and that what writes into this server (an agent, a remote write) keeps up.")
}

/// The server's clock and ours differ.
#[must_use]
pub fn skew(place: &Place, server: Stamp, ours: Stamp) -> Problem {
    let (ahead, by) = if server > ours { ("ahead of", server.since(ours)) } else { ("behind", ours.since(server)) };
    Problem::new(Code::ClockSkew, format!("The clock of {} is {} {ahead} ours.", place.name, units::span(by)))
        .why("Its queries are evaluated at another time than this machine's clock shows.")
        .next("Ages of measurements are off by as much. Set the clock that is wrong: mostly this machine's.")
}

/// The server warns of its own answer.
#[must_use]
pub fn warned(place: &Place, warning: &str) -> Problem {
    Problem::new(Code::ServerFailed, format!("{} answers in part.", place.name))
        .why(format!("It warns: {}", sentence(warning)))
        .next("What it left out is missing here. A store or a shard behind it may be down.")
}

/// It answers later than measurements come.
#[must_use]
pub fn late(place: &Place, took: Duration, every: Duration) -> Problem {
    Problem::new(Code::TooMany, format!("{} answers slowly.", place.name))
        .why(format!("All questions together took {}; they are asked every {}.", units::span(took), units::span(every)))
        .next("They are asked one after the other's end. A recording rule, or a server nearer by, would help.")
}

/// One metric, or one other thing of this name, cannot be asked for.
#[must_use]
pub fn question(place: &Place, what: &str, failure: &Failure) -> Problem {
    let problem = problem(failure, place);
    let why = problem.why.unwrap_or(problem.what);
    Problem::new(problem.code, format!("{} does not answer for \"{what}\".", place.name))
        .why(line(&why))
        .next("All else is read.")
}

/// YAML of a GPU.
#[must_use]
pub fn no_yaml(place: &Place) -> Problem {
    Problem::new(Code::NotOffered, format!("{} keeps no objects.", place.name))
        .why(format!("It is a {}: it has measurements alone.", kind::KIND.name))
}

//! One service for people: what it is, its steps, its revisions, what was measured, what happened.

use super::analyses;
use crate::{
    exit::Failed,
    out::{Style, Tone},
    rows::tone,
    table::{self, Cell, Head},
};
use pilothouse_wire::{
    Frame, ObjectRef, ServingMetric,
    units::{self, count, visible},
    view::{
        DeliveryRow, RolloutView, ServingRow,
        delivery::{CanaryRow, Keeper, RevisionRow, ServedRow, ShareRow, StatedRow, StepRow, StepState},
    },
};
use std::io::Write;

/// Events that are shown.
const MOST_EVENTS: usize = 10;

/// Writes it.
pub fn write(out: &mut impl Write, view: &RolloutView, frame: &Frame, style: Style) -> Result<(), Failed> {
    head(out, view, frame, style)?;
    if !view.row.shares.is_empty() {
        shares(out, &view.row, style)?;
    }
    if !view.steps.is_empty() {
        title(out, "Steps", style)?;
        let heads = [Head::left(""), Head::right("STEP"), Head::left("WHAT"), Head::left("RESULT")];
        let rows: Vec<Vec<Cell>> = view.steps.iter().enumerate().map(|(at, step)| step_cells(at, step)).collect();
        table::write(out, &heads, &rows, style, None)?;
    }
    if !view.revisions.is_empty() {
        title(out, "Revisions", style)?;
        revisions(out, view, frame, style)?;
    }
    if let Some(served) = view.served.as_ref().filter(|served| !served.conditions.is_empty()) {
        conditions(out, served, frame, style)?;
    }
    analyses::write(out, view, frame, style)?;
    if !view.experiments.is_empty() {
        title(out, "Experiments", style)?;
        let heads = [Head::left("PHASE"), Head::left("NAME"), Head::left("PODS AVAILABLE"), Head::left("WHY")];
        let cells = |row: &pilothouse_wire::view::delivery::ExperimentRow| {
            let phase = Cell::text(row.phase.word()).tone(tone(row.phase.status()));
            vec![phase, Cell::text(&row.name), Cell::text(row.pods_words()), Cell::some(row.message.as_deref())]
        };
        let rows: Vec<Vec<Cell>> = view.experiments.iter().map(cells).collect();
        table::write(out, &heads, &rows, style, None)?;
    }
    if !view.events.is_empty() {
        title(out, "Events", style)?;
        let heads = [Head::right("AGE"), Head::left("REASON"), Head::left("NOTE")];
        let cells = |event: &pilothouse_wire::view::EventRow| {
            let reason = Cell::text(&event.reason).tone(if event.warning { Tone::Warn } else { Tone::Plain });
            vec![Cell::text(units::age(frame.as_of.since(event.at))), reason, Cell::text(&event.note)]
        };
        let rows: Vec<Vec<Cell>> = view.events.iter().take(MOST_EVENTS).map(cells).collect();
        table::write(out, &heads, &rows, style, None)?;
    }
    Ok(())
}

pub(super) fn title(out: &mut impl Write, text: &str, style: Style) -> Result<(), Failed> {
    writeln!(out)?;
    writeln!(out, "{}", style.paint(Tone::Strong, text))?;
    Ok(())
}

fn head(out: &mut impl Write, view: &RolloutView, frame: &Frame, style: Style) -> Result<(), Failed> {
    let row = &view.row;
    let place = format!("{} {}/{} in {}", row.kind, row.namespace, row.name, row.cluster());
    writeln!(out, "{}", style.paint(Tone::Strong, &visible(&place)))?;
    let since = row.since.map(|since| format!(", for {}", units::age(frame.as_of.since(since)))).unwrap_or_default();
    let phase = style.paint(tone(row.status), row.phase.word()).to_string();
    let why = row.why.as_ref().map(|why| format!(": {}", visible(why))).unwrap_or_default();
    let mut line = |label: &str, text: String| writeln!(out, "{label:<11}{text}");
    line("Phase", format!("{phase}{why}{since}"))?;
    if let Some(old) = row.is_old(frame.as_of) {
        line("Old", style.paint(Tone::Warn, &old).to_string())?;
    }
    let router = row.router.as_ref().map(|router| format!(", traffic by {}", visible(router))).unwrap_or_default();
    line("Strategy", format!("{}{router}", visible(&row.strategy)))?;
    if let Some(step) = &row.step {
        let words = step.words.as_ref().map(|words| format!(": {}", visible(words))).unwrap_or_default();
        line("Step", format!("{} of {}{words}", step.done, step.of))?;
        line("Left", visible(&view.left.words()))?;
    }
    let traffic = row.traffic;
    if traffic.wanted.is_some() || traffic.actual.is_some() {
        line("Traffic", format!("wanted {}, actual {}", traffic.words(traffic.wanted), traffic.words(traffic.actual)))?;
    }
    if row.has_pods() {
        let wanted = row.wanted.map_or_else(|| units::ABSENT.to_owned(), count);
        line(
            "Pods",
            format!(
                "{} of {wanted} ready, {} available, {} of the new revision, {} GPUs",
                count(row.ready),
                count(row.available),
                count(row.updated),
                count(row.gpus)
            ),
        )?;
    }
    if let Some(served) = &view.served {
        served_lines(served, frame, style, &mut line)?;
    }
    if let Some(team) = &row.team {
        line("Team", visible(team))?;
    }
    if let Some(guard) = &row.guard {
        match &row.kept {
            Some(kept) => {
                line("Kept by", format!("{}: {}", visible(&guard.words()), visible(&kept.state())))?;
                line("Kept from", visible(&kept.place()))?;
                line("", kept.consequence().to_owned())?;
                if let Some(message) = &kept.message {
                    line("", style.paint(Tone::Warn, &visible(message)).to_string())?;
                }
            }
            None if guard.by == Keeper::Flagger => {
                line("Moved by", format!("{}: it decides which revision gets how much", visible(&guard.words())))?;
            }
            None => line("Kept by", format!("{}: it takes back what is changed by hand", visible(&guard.words())))?,
        }
    }
    Ok(())
}

/// What KServe says of it: by whom it is served, which model, how that loads.
fn served_lines(
    served: &ServedRow,
    frame: &Frame,
    style: Style,
    line: &mut impl FnMut(&str, String) -> std::io::Result<()>,
) -> Result<(), Failed> {
    let by = served.runtime.as_ref().map(|runtime| format!(", by {}", visible(runtime))).unwrap_or_default();
    let stopped = if served.stops { ", stopped by a person" } else { "" };
    line("Mode", format!("{}{by}{stopped}", served.mode.words()))?;
    let format = served.format.as_ref().map(|format| format!(" ({})", visible(format))).unwrap_or_default();
    let model = served.model.as_deref().map_or_else(|| units::ABSENT.to_owned(), visible);
    line("Model", format!("{model}{format}"))?;
    if let Some(load) = &served.load {
        line("Loaded", style.paint(tone(served.load_status), &visible(load)).to_string())?;
    }
    if let Some(failure) = &served.failure {
        let at = served.failed_at.map(|at| format!(", {} ago", units::age(frame.as_of.since(at)))).unwrap_or_default();
        line("Failed", format!("{}{at}", visible(failure)))?;
    }
    if let Some(url) = &served.url {
        line("Address", visible(url))?;
    }
    for canary in &served.canaries {
        line("Canary", style.paint(tone(canary.status()), &visible(&canary.words())).to_string())?;
    }
    if !served.canaries.is_empty() {
        line("", CanaryRow::NO_ROUTER.to_owned())?;
    }
    Ok(())
}

/// What its controller says, condition by condition.
fn conditions(out: &mut impl Write, served: &ServedRow, frame: &Frame, style: Style) -> Result<(), Failed> {
    title(out, "Conditions", style)?;
    let heads = [Head::left("CONDITION"), Head::left("HOLDS"), Head::right("FOR"), Head::left("WHY")];
    let cells = |row: &StatedRow| {
        vec![
            Cell::text(&row.kind),
            Cell::text(&row.holds).tone(tone(row.status)),
            Cell::some(row.since.map(|since| units::age(frame.as_of.since(since)))),
            Cell::some(row.why.as_deref()),
        ]
    };
    let rows: Vec<Vec<Cell>> = served.conditions.iter().map(cells).collect();
    table::write(out, &heads, &rows, style, None)?;
    Ok(())
}

/// Shares of traffic: what a route gives, or what comes to a service.
fn shares(out: &mut impl Write, row: &DeliveryRow, style: Style) -> Result<(), Failed> {
    title(out, if row.is_route() { "Backends" } else { "Traffic from routes" }, style)?;
    let heads = [
        Head::left(if row.is_route() { "RULE" } else { "ROUTE" }),
        Head::left("KIND"),
        Head::left("BACKEND"),
        Head::right("WEIGHT"),
        Head::right("WANTED"),
        Head::left("GOES TO"),
        Head::left("WHY"),
    ];
    let cells = |share: &ShareRow| {
        let rule = if share.rule_words.is_empty() { "all".to_owned() } else { share.rule_words.clone() };
        let to = |object: &ObjectRef| format!("{} {}", object.kind_word(), object.name());
        let to = share.to.iter().map(to).collect::<Vec<_>>().join(", ");
        let revision = share.revision.map(|number| format!(" revision {number}")).unwrap_or_default();
        vec![
            Cell::text(if row.is_route() { rule } else { from_route(share) }),
            Cell::text(&share.kind),
            Cell::text(share.place()),
            Cell::text(share.weight.to_string()),
            Cell::text(share.percent()),
            Cell::some((!to.is_empty()).then(|| format!("{to}{revision}"))),
            Cell::some(share.unknown.as_deref()).tone(Tone::Warn),
        ]
    };
    let rows: Vec<Vec<Cell>> = row.shares.iter().map(cells).collect();
    table::write(out, &heads, &rows, style, None)?;
    Ok(())
}

fn from_route(share: &ShareRow) -> String {
    format!("{} {}", share.route.kind_word(), share.route.name())
}

fn step_cells(at: usize, step: &StepRow) -> Vec<Cell> {
    let sign = match step.state {
        StepState::Done => "done",
        StepState::Now => "now",
        StepState::ToCome => "",
        StepState::NotReached => "not reached",
        StepState::Unknown => "unknown",
    };
    let soft = matches!(step.state, StepState::ToCome | StepState::NotReached | StepState::Unknown);
    let words = Cell::text(&step.words).tone(if soft { Tone::Soft } else { Tone::Plain });
    let result = match (&step.result, step.since) {
        (Some(result), _) => {
            Cell::text(result).tone(if step.state == StepState::Now { tone(step.status) } else { Tone::Plain })
        }
        (None, Some(since)) => Cell::text(format!("{} UTC", since.clock())),
        (None, None) => Cell::text(""),
    };
    vec![Cell::text(sign), Cell::text((at + 1).to_string()), words, result]
}

fn revisions(out: &mut impl Write, view: &RolloutView, frame: &Frame, style: Style) -> Result<(), Failed> {
    let heads = [
        Head::right("NUMBER"),
        Head::left("ROLE"),
        Head::right("WANTED"),
        Head::right("ACTUAL"),
        Head::right("READY"),
        Head::right("GPUS"),
        Head::right("RESTARTS"),
        Head::right("AGE"),
        Head::left("IMAGES"),
    ];
    let split = view.row.traffic;
    let cells = |row: &RevisionRow| {
        let ready = row.ready.zip(row.wanted).map(|(ready, wanted)| format!("{}/{}", count(ready), count(wanted)));
        let images: Vec<&str> = row.images.iter().map(|(_, image)| image.as_str()).collect();
        vec![
            Cell::text(numbered(row)),
            Cell::text(row.role.word()),
            Cell::text(split.words(row.weight_wanted)),
            Cell::text(split.words(row.weight_actual)),
            Cell::some(ready),
            Cell::text(count(row.gpus)),
            Cell::text(row.restarts.to_string()),
            Cell::some(row.created.map(|created| units::age(frame.as_of.since(created)))),
            Cell::text(images.join(" ")),
        ]
    };
    let rows: Vec<Vec<Cell>> = view.revisions.iter().map(cells).collect();
    table::write(out, &heads, &rows, style, None)?;
    if view.revisions_left_out > 0 {
        writeln!(out, "… and {} older", count(view.revisions_left_out.into()))?;
    }
    measured(out, view, frame, style)
}

/// Its number, and of a canary whose.
fn numbered(row: &RevisionRow) -> String {
    row.part.as_ref().map_or_else(|| row.number.to_string(), |part| format!("{part} {}", row.number))
}

/// What the serving engines of each revision say: a column a metric that one of them has.
fn measured(out: &mut impl Write, view: &RolloutView, frame: &Frame, style: Style) -> Result<(), Failed> {
    let told: Vec<(String, &ServingRow)> =
        view.revisions.iter().filter_map(|row| Some((numbered(row), row.serving.as_ref()?))).collect();
    if told.is_empty() {
        return Ok(());
    }
    title(out, "What their engines say", style)?;
    let is_told = |metric: &&ServingMetric| told.iter().any(|(_, serving)| !serving.read(**metric).is_absent());
    let metrics: Vec<ServingMetric> = ServingMetric::ALL.iter().filter(is_told).copied().collect();
    let own = [("NUMBER", true), ("ENGINE", false), ("PODS", true), ("AGE", true)];
    let own = own.map(|(head, right)| (head.to_owned(), right));
    let heads: Vec<(String, bool)> =
        own.into_iter().chain(metrics.iter().map(|metric| (metric.label().to_uppercase(), true))).collect();
    let cells = |(number, serving): &(String, &ServingRow)| {
        let silent = if serving.silent > 0 { format!(", {} silent", serving.silent) } else { String::new() };
        let age = Cell::some(serving.at.map(|at| units::age(frame.as_of.since(at))));
        let age = if serving.is_stale(frame.as_of) { age.tone(Tone::Warn) } else { age };
        let own =
            [Cell::text(number), Cell::text(serving.names()), Cell::text(format!("{}{silent}", serving.pods)), age];
        let readings = metrics.iter().map(|metric| Cell::text(metric.words(serving.read(*metric))));
        own.into_iter().chain(readings).collect()
    };
    let rows: Vec<Vec<Cell>> = told.iter().map(cells).collect();
    table::write_titled(out, &heads, &rows, style)?;
    Ok(())
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use pilothouse_wire::{
        Body, ObjectRef, Reading, Rev, ServingEngine, Stamp, View, When,
        view::{
            AnalysisPhase, AnalysisRow, AnalysisVerdict, DeliveryPhase, DeliveryRow, MeasurementRow, MetricRow,
            Occasion, Status, Step,
            delivery::{Compared, JudgedRow, Left, Role, Split, StepAt},
        },
    };

    /// A row of little.
    pub fn row(id: ObjectRef) -> DeliveryRow {
        DeliveryRow {
            status: Status::Warn,
            phase: DeliveryPhase::Paused,
            why: Some("CanaryPauseStep".into()),
            since: Some(Stamp(60_000)),
            strategy: "canary".into(),
            step: Some(StepAt { done: 1, of: 2, words: Some("Pause until promoted".into()) }),
            traffic: Split { wanted: Some(20), actual: Some(16), whole: 100 },
            revision: Some(2),
            stable: Some(1),
            revisions: 2,
            images: vec!["vllm:2".into()],
            wanted: Some(5),
            updated: 1,
            ready: 6,
            available: 6,
            gpus: 12,
            analysis: Some(AnalysisVerdict::NoData),
            disputed: true,
            ..DeliveryRow::of(id)
        }
    }

    #[test]
    fn a_service_is_said_with_its_values_against_their_conditions() {
        let step = |step: Step, state, result: Option<&str>| StepRow {
            words: step.words(100),
            step,
            state,
            status: Status::Warn,
            since: None,
            until: None,
            result: result.map(str::to_owned),
        };
        let measured = |compared: &Compared| MeasurementRow {
            phase: AnalysisPhase::Successful,
            value: Some(format!("[{}]", compared.value)),
            finished: Some(Stamp(90_000)),
            ..MeasurementRow::default()
        };
        let judged =
            |compared: &Compared| JudgedRow { verdict: AnalysisVerdict::Failed, compared: Some(compared.clone()) };
        let metric = |name: &str, verdict, compared: Option<Compared>| MetricRow {
            query: compared.as_ref().map(|_| format!("histogram_quantile(0.99,\n  {name})")),
            value: compared.as_ref().map(|compared| format!("[{}]", compared.value)),
            verdict,
            why: "why".into(),
            measurements: compared.iter().map(measured).collect(),
            judged: compared.iter().map(judged).collect(),
            left_out: 12,
            compared,
            ..analyses::tests::metric(name)
        };
        let compared = Compared { value: 1_142.25, sign: "<=".into(), limit: 800.0, holds: false, of_failure: false };
        let revision = |number, role, weight| RevisionRow {
            number,
            part: None,
            name: format!("chat-{number}").into(),
            hash: None,
            role,
            created: Some(Stamp(0)),
            images: vec![("server".into(), format!("vllm:{number}").into())],
            wanted: Some(1),
            ready: Some(1),
            available: Some(1),
            weight_wanted: weight,
            weight_actual: weight,
            gpus: 8,
            restarts: 0,
            pods: Vec::new(),
            pods_left_out: 0,
            goes_at: None,
            serving: Some(ServingRow {
                id: "workload:iad/serving/Rollout/chat".parse().unwrap(),
                source: pilothouse_wire::ConnectionId::slug("prom"),
                engines: vec![ServingEngine::Vllm],
                models: Vec::new(),
                pods: 1,
                silent: u32::try_from(number).unwrap() - 1,
                at: Some(Stamp(0)),
                patience_ms: 60_000,
                readings: vec![(ServingMetric::FirstTokenP99, Reading::of(if number == 2 { 3.5 } else { 0.75 }))],
            }),
        };
        let view = RolloutView {
            row: row("workload:iad/serving/Rollout/chat".parse().unwrap()),
            steps: vec![
                step(Step::Weight(20), StepState::Done, None),
                step(
                    Step::Pause(pilothouse_wire::view::delivery::Wait::ForPerson),
                    StepState::Now,
                    Some("since 1 min 00 s"),
                ),
            ],
            left: Left::Unknown("step 2 waits for a person".into()),
            revisions: vec![revision(2, Role::Canary, Some(20)), revision(1, Role::Stable, Some(80))],
            revisions_left_out: 3,
            analyses: vec![AnalysisRow {
                name: "chat-2-1".into(),
                occasion: Occasion::Step,
                step: Some(1),
                revision: Some(2),
                phase: AnalysisPhase::Successful,
                message: None,
                verdict: AnalysisVerdict::Failed,
                dispute: Some("The controller says Successful; its measurements say failed.".into()),
                ended_by_hand: false,
                started: None,
                ended: None,
                metrics: vec![
                    metric("ttft", AnalysisVerdict::Failed, Some(compared)),
                    metric("goodput", AnalysisVerdict::NoData, None),
                ],
            }],
            analyses_left_out: 0,
            experiments: vec![pilothouse_wire::view::delivery::ExperimentRow {
                name: "chat-2-3".into(),
                phase: AnalysisPhase::Running,
                message: None,
                created: Some(Stamp(0)),
                available: None,
                templates: vec![("baseline".into(), 1, 1), ("canary".into(), 1, 0)],
                owner: "workload:iad/serving/Rollout/chat".parse().unwrap(),
            }],
            weights: Vec::new(),
            events: Vec::new(),
            changes: Vec::new(),
            served: None,
        };
        let frame = Frame {
            rev: Rev(1),
            as_of: Stamp(120_000),
            when: When::Now,
            sources: Vec::new(),
            dropped: 0,
            gap: None,
            body: Body::Full(View::Rollout(None)),
        };
        let mut out = Vec::new();
        write(&mut out, &view, &frame, Style { colour: false, terminal: false, width: None, height: None }).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());

        // For programs the same in numbers, and with no digit that nobody measured.
        let mut view = view;
        if let Some(stable) = &mut view.revisions[1].serving {
            stable.readings = vec![(ServingMetric::FirstTokenP99, Reading::of(0.05))];
        }
        let written = super::super::written(&view, frame.as_of).unwrap();
        let told = |at: usize| written["revisions"][at]["serving"].to_string();
        assert!(
            told(0).contains("\"metrics\":{\"ttft-p99\":3.5}") && told(0).contains("\"engines\":[\"vllm\"]"),
            "{}",
            told(0)
        );
        assert!(
            told(1).contains("\"metrics\":{\"ttft-p99\":0.05}") && told(1).contains("\"stale\":true"),
            "{}",
            told(1)
        );
    }
}

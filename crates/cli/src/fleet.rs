//! The command that shows the whole fleet.

use crate::{
    args::FleetArgs,
    columns::Moment,
    exit::{Exit, Failed},
    json::{self, About, FleetDocument},
    out::{Style, Tone},
    page::{self, Page},
    rows::ClusterLine,
    start::other_answer,
    table::{self, Cell, Head},
};
use pilothouse_wire::{
    Frame, Sum, View, ViewSpec,
    filter::Filter,
    units::{count, share_of, sum},
    view::{ClusterRow, FleetSpec, FleetSummary, FleetView, Funnel},
};
use std::io::Write;

/// The fleet, and which clusters of it are wanted.
struct Fleet {
    filter: Filter,
}

/// Shows the fleet.
pub async fn run(arguments: &FleetArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let filter: Filter = arguments.filter.parse().map_err(Failed::filter)?;
    filter.check::<ClusterRow>().map_err(Failed::filter)?;
    page::show(&Fleet { filter }, (&arguments.source, &arguments.past), &arguments.form, false, out, err).await
}

impl Page for Fleet {
    fn spec(&self) -> ViewSpec {
        ViewSpec::Fleet(FleetSpec::default())
    }

    fn is_whole(&self, view: &View) -> bool {
        crate::rows::knows_gpus(view)
    }

    fn json(&self, out: &mut impl Write, about: About<'_>, view: &View, one_line: bool) -> Result<(), Failed> {
        let View::Fleet(fleet) = view else { return Err(other_answer()) };
        json::write(out, &FleetDocument::new(about, fleet, &self.filter), one_line)
    }

    fn text(&self, out: &mut impl Write, frame: &Frame, view: &View, style: Style) -> Result<(), Failed> {
        let View::Fleet(fleet) = view else { return Err(other_answer()) };
        draw(out, fleet, &self.filter, frame, style)
    }
}

fn draw(out: &mut impl Write, fleet: &FleetView, filter: &Filter, frame: &Frame, style: Style) -> Result<(), Failed> {
    totals(out, &fleet.summary, style)?;
    if !fleet.telemetry.columns.is_empty() {
        writeln!(out)?;
        steps(out, &fleet.funnel, style)?;
    }
    writeln!(out)?;
    let moment = Moment { now: frame.as_of, sources: &frame.sources };
    let columns = ClusterLine::COLUMNS;
    let heads: Vec<Head> = columns.iter().map(|column| column.head).collect();
    let cells = |row| columns.iter().map(|column| (column.cell)(row, &moment)).collect();
    let rows: Vec<Vec<Cell>> = fleet.clusters.rows().iter().filter(|row| filter.matches(*row)).map(cells).collect();
    table::write(out, &heads, &rows, style, None)?;
    Ok(())
}

/// Each total says itself whether it is a bound.
fn totals(out: &mut impl Write, of: &FleetSummary, style: Style) -> std::io::Result<()> {
    let strong = |n: Sum| style.paint(Tone::Strong, &format!("{:>9}", sum(n)));
    let shared = |n: Sum| match share_of(n, of.gpus) {
        Some(share) => format!("{} ({share})", sum(n)),
        None => sum(n),
    };
    let lost = style
        .paint(if of.gpus_lost.sure() > 0 { Tone::Bad } else { Tone::Plain }, &format!("{} lost", sum(of.gpus_lost)));
    writeln!(
        out,
        "GPUs  {}  {} healthy, {} held, {} free, {} cordoned, {lost}",
        strong(of.gpus),
        shared(of.gpus_healthy),
        shared(of.gpus_held),
        sum(of.gpus_free),
        sum(of.gpus_cordoned),
    )?;
    writeln!(out, "Nodes {}  {} ready", strong(of.nodes), sum(of.nodes_ready))?;
    let wanted =
        format!("{} GPU{} wanted", sum(of.gpus_wanted), if of.gpus_wanted == Sum::Exact(1) { "" } else { "s" });
    let waiting = match of.pods_pending {
        Sum::Exact(0) => "none waits for a node".to_owned(),
        Sum::Exact(1) => format!("1 waits for a node, {wanted}"),
        Sum::NotKnown => "how many wait for a node is not known".to_owned(),
        waiting => format!("{} wait for a node, {wanted}", sum(waiting)),
    };
    writeln!(out, "Pods  {}  {waiting}", strong(of.pods))?;
    if !of.partial.is_empty() {
        let names: Vec<&str> = of.partial.iter().map(pilothouse_wire::ConnectionId::as_str).collect();
        let text = format!("Not fresh or not whole: {}", names.join(", "));
        writeln!(out, "{}", style.paint(Tone::Warn, &text))?;
    }
    Ok(())
}

/// From the GPUs that exist to those that do useful maths: what is lost at each step and why, and what lists those GPUs.
fn steps(out: &mut impl Write, funnel: &Funnel, style: Style) -> Result<(), Failed> {
    let heads = [Head::left("STEP"), Head::right("GPUS"), Head::right("LOST"), Head::left("WHY"), Head::left("WHICH")];
    let rows: Vec<Vec<Cell>> = funnel
        .steps
        .iter()
        .map(|step| {
            let lost: u64 = step.losses.iter().map(|loss| loss.gpus).sum();
            let why: Vec<String> =
                step.losses.iter().map(|loss| format!("{} {}", count(loss.gpus), loss.reason)).collect();
            let filter = step.kind.lost().filter(|_| lost > 0);
            vec![
                Cell::text(step.kind.word()),
                Cell::text(sum(step.gpus)),
                if lost > 0 { Cell::text(count(lost)) } else { Cell::text("") },
                Cell::text(why.join(", ")),
                Cell::text(filter.map(|filter| format!("gpus --filter {filter}")).unwrap_or_default()),
            ]
        })
        .collect();
    table::write(out, &heads, &rows, style, None)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        ConnectionId,
        view::{FunnelKind, FunnelStep, Loss, Status},
    };

    const PLAIN: Style = Style { colour: false, terminal: false, width: None, height: None };

    #[track_caller]
    fn check(summary: &FleetSummary, want: &str) {
        let mut out = Vec::new();
        totals(&mut out, summary, PLAIN).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }

    #[test]
    fn each_step_says_what_it_loses_and_how_to_list_that() {
        let step = |kind, gpus, losses: &[(u64, &str)]| FunnelStep {
            kind,
            definition: String::new(),
            gpus,
            losses: losses
                .iter()
                .map(|(gpus, reason)| Loss { reason: (*reason).into(), gpus: *gpus, status: Status::Warn })
                .collect(),
        };
        let funnel = Funnel {
            steps: vec![
                step(FunnelKind::Total, Sum::Exact(1_100), &[]),
                step(FunnelKind::Active, Sum::AtLeast(90), &[(1_000, "held and idle"), (10, "not known")]),
                step(FunnelKind::Useful, Sum::AtLeast(90), &[]),
            ],
        };
        let mut out = Vec::new();
        steps(&mut out, &funnel, PLAIN).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "STEP     GPUS   LOST  WHY                                WHICH\n\
             Total   1,100\n\
             Active   ≥ 90  1,010  1,000 held and idle, 10 not known  gpus --filter lost=active\n\
             Useful   ≥ 90\n"
        );
    }

    #[test]
    fn totals_are_bounds_where_a_source_is_not_whole() {
        let mut summary = FleetSummary {
            gpus: Sum::Exact(4_096),
            gpus_healthy: Sum::Exact(4_071),
            gpus_held: Sum::Exact(3_612),
            gpus_free: Sum::Exact(459),
            gpus_cordoned: Sum::Exact(0),
            gpus_lost: Sum::Exact(8),
            nodes: Sum::Exact(512),
            nodes_ready: Sum::Exact(509),
            pods: Sum::Exact(1_204),
            pods_pending: Sum::Exact(2),
            gpus_wanted: Sum::Exact(24),
            partial: vec![],
        };
        check(
            &summary,
            "GPUs      4,096  4,071 (99.4 %) healthy, 3,612 (88.2 %) held, 459 free, 0 cordoned, 8 lost\n\
             Nodes       512  509 ready\nPods      1,204  2 wait for a node, 24 GPUs wanted\n",
        );
        (summary.pods, summary.pods_pending, summary.gpus_wanted) = (Sum::NotKnown, Sum::NotKnown, Sum::NotKnown);
        (summary.gpus_held, summary.gpus_free) = (Sum::AtLeast(3_612), Sum::AtMost(459));
        summary.partial = vec![ConnectionId::slug("ord-prod")];
        check(
            &summary,
            "GPUs      4,096  4,071 (99.4 %) healthy, ≥ 3,612 held, ≤ 459 free, 0 cordoned, 8 lost\n\
             Nodes       512  509 ready\nPods          —  how many wait for a node is not known\n\
             Not fresh or not whole: ord-prod\n",
        );
    }
}

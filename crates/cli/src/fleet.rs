//! The command that shows the whole fleet.

use crate::{
    args::FleetArgs,
    columns::Moment,
    exit::{Exit, Failed},
    json::{self, About, FleetDocument},
    out::{Style, Tone, stdout},
    problems,
    rows::ClusterLine,
    start::{Session, Troubles, other_answer},
    table::{self, Cell, Head},
    watch,
};
use pilothouse_wire::{
    Body, Frame, View, ViewSpec,
    units::{count, share},
    view::{FleetSpec, FleetSummary, FleetView},
};
use std::io::Write;

/// Shows the fleet.
pub async fn run(arguments: &FleetArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let session = Session::start(&arguments.source, false).await?;
    let exit = if arguments.form.watch {
        follow(&session, arguments.form.json, out).await
    } else {
        once(&session, arguments, out, err).await
    };
    session.end().await;
    exit
}

fn spec() -> ViewSpec {
    ViewSpec::Fleet(FleetSpec::default())
}

async fn once(session: &Session, arguments: &FleetArgs, style: Style, err: Style) -> Result<Exit, Failed> {
    let (frame, troubles) = session.frame(spec(), arguments.source.wait).await?;
    let Body::Full(View::Fleet(fleet)) = &frame.body else { return Err(other_answer()) };
    let mut out = stdout();
    if arguments.form.json {
        let about = About::new(session.demo, &frame, &troubles);
        json::write(&mut out, &FleetDocument::new(about, fleet), !style.terminal)?;
    } else {
        draw(&mut out, fleet, &frame, style)?;
        out.flush()?;
    }
    problems::tell_all(&troubles, err);
    Ok(if troubles.is_empty() { Exit::Ok } else { Exit::Partial })
}

async fn follow(session: &Session, json: bool, style: Style) -> Result<Exit, Failed> {
    let (demo, style) = (session.demo, watch::style(style, json));
    watch::run(session, spec(), style, move |out, frame, view| {
        let View::Fleet(fleet) = view else { return Err(other_answer()) };
        if json {
            let troubles = Troubles::default();
            return json::write(out, &FleetDocument::new(About::watching(demo, frame, &troubles), fleet), true);
        }
        draw(out, fleet, frame, style)
    })
    .await
}

fn draw(out: &mut impl Write, fleet: &FleetView, frame: &Frame, style: Style) -> Result<(), Failed> {
    totals(out, &fleet.summary, style)?;
    writeln!(out)?;
    let moment = Moment { now: frame.as_of, sources: &frame.sources };
    let columns = ClusterLine::COLUMNS;
    let heads: Vec<Head> = columns.iter().map(|column| column.head).collect();
    let cells = |row| columns.iter().map(|column| (column.cell)(row, &moment)).collect();
    let rows: Vec<Vec<Cell>> = fleet.clusters.rows().iter().map(cells).collect();
    table::write(out, &heads, &rows, style, None)?;
    Ok(())
}

/// Totals are bounds where a source is not read whole.
fn totals(out: &mut impl Write, of: &FleetSummary, style: Style) -> std::io::Result<()> {
    let bound = if of.partial.is_empty() { "" } else { "≥ " };
    let number = |n: u64| format!("{bound}{}", count(n));
    let strong = |n: u64| style.paint(Tone::Strong, &format!("{:>9}", number(n)));
    let shared = |n: u64| format!("{} ({})", number(n), share(n, of.gpus));
    let lost =
        style.paint(if of.gpus_lost > 0 { Tone::Bad } else { Tone::Plain }, &format!("{} lost", number(of.gpus_lost)));
    writeln!(
        out,
        "GPUs  {}  {} healthy, {} held, {} free, {} cordoned, {lost}",
        strong(of.gpus),
        shared(of.gpus_healthy),
        shared(of.gpus_held),
        number(of.gpus_free),
        number(of.gpus_cordoned),
    )?;
    writeln!(out, "Nodes {}  {} ready", strong(of.nodes), number(of.nodes_ready))?;
    let waiting = match of.pods_pending {
        0 => "none waits for a node".to_owned(),
        1 => format!("{} waits for a node, {} wanted", number(1), plural(of.gpus_wanted, "GPU")),
        waiting => format!("{} wait for a node, {} wanted", number(waiting), plural(of.gpus_wanted, "GPU")),
    };
    writeln!(out, "Pods  {}  {waiting}", strong(of.pods))?;
    if !of.partial.is_empty() {
        let names: Vec<&str> = of.partial.iter().map(pilothouse_wire::ConnectionId::as_str).collect();
        let text = format!("Not fresh or not whole: {}", names.join(", "));
        writeln!(out, "{}", style.paint(Tone::Warn, &text))?;
    }
    Ok(())
}

fn plural(n: u64, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{} {word}s", count(n)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::ConnectionId;

    const PLAIN: Style = Style { colour: false, terminal: false, width: None, height: None };

    #[track_caller]
    fn check(summary: &FleetSummary, want: &str) {
        let mut out = Vec::new();
        totals(&mut out, summary, PLAIN).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }

    #[test]
    fn totals_are_bounds_where_a_source_is_not_whole() {
        let mut summary = FleetSummary {
            gpus: 4_096,
            gpus_healthy: 4_071,
            gpus_held: 3_612,
            gpus_free: 459,
            gpus_lost: 8,
            nodes: 512,
            nodes_ready: 509,
            pods: 1_204,
            pods_pending: 2,
            gpus_wanted: 24,
            ..FleetSummary::default()
        };
        check(
            &summary,
            "GPUs      4,096  4,071 (99.4 %) healthy, 3,612 (88.2 %) held, 459 free, 0 cordoned, 8 lost\n\
             Nodes       512  509 ready\nPods      1,204  2 wait for a node, 24 GPUs wanted\n",
        );
        (summary.pods_pending, summary.partial) = (0, vec![ConnectionId::slug("ord-prod")]);
        check(
            &summary,
            "GPUs    ≥ 4,096  ≥ 4,071 (99.4 %) healthy, ≥ 3,612 (88.2 %) held, ≥ 459 free, ≥ 0 cordoned, ≥ 8 lost\n\
             Nodes     ≥ 512  ≥ 509 ready\nPods    ≥ 1,204  none waits for a node\n\
             Not fresh or not whole: ord-prod\n",
        );
    }
}

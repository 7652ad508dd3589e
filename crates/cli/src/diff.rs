//! The command that compares two times: each is now, or is read from the record.

use crate::{
    args::DiffArgs,
    exit::{Exit, Failed},
    json::{self, DifferenceDocument},
    out::{Style, Tone, note, stdout},
    past, problems,
    start::{Session, Troubles, other_answer},
};
use pilothouse_engine::{Clock, record::Opened};
use pilothouse_wire::{
    Answer, Ask, View, ViewSpec, When,
    filter::Filter,
    units::{count, visible},
    view::{Change, DifferKind, Difference, Differs, FleetSpec, Status},
};
use std::{io::Write, path::Path};

/// Compares, and prints what differs.
pub async fn run(arguments: &DiffArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let filter: Filter = arguments.filter.parse().map_err(Failed::filter)?;
    filter.check::<Differs>().map_err(Failed::filter)?;
    let Times { session, from, to, record: _record } = match &arguments.journal {
        Some(file) => in_record(file, arguments).await?,
        None => in_own(arguments).await?,
    };
    // Now is whole once every source is, and services are read last.
    let troubles = match [from, to].contains(&When::Now) {
        true => {
            let is_whole = |view: &View| matches!(view, View::Delivery(delivery) if delivery.reading.is_empty());
            session.frame_whole(ViewSpec::Delivery(FleetSpec::default()), arguments.source.wait, is_whole).await?.1
        }
        false => Troubles::default(),
    };
    let answer = session.reader().ask(Ask::Compare { scope: Vec::new(), from, to }).await;
    session.end().await;
    let Answer::Difference(difference) = answer? else { return Err(other_answer()) };
    let rows: Vec<&Differs> = difference.rows.iter().filter(|row| filter.matches(*row)).collect();
    // What a time in a gap was like nobody saw.
    let is_complete = troubles.is_empty() && difference.gaps.is_empty() && difference.left_out.is_empty();
    let mut stdout = stdout();
    if arguments.json {
        json::write(
            &mut stdout,
            &DifferenceDocument {
                from: difference.from,
                to: difference.to,
                complete: is_complete,
                gaps: json::gaps(&difference.gaps),
                reading: &difference.reading,
                left_out: &difference.left_out,
                rows,
            },
            false,
        )?;
    } else {
        text(&mut stdout, &difference, &rows, out)?;
    }
    stdout.flush()?;
    difference.gaps.iter().for_each(|gap| note(&visible(&gap.sentence())));
    difference.left_out.iter().for_each(|said| note(&visible(said)));
    troubles.0.iter().for_each(|(_, problem)| problems::tell(problem, err));
    Ok(if is_complete { Exit::Ok } else { Exit::Partial })
}

/// Two times, and where they are looked up.
struct Times {
    session: Session,
    from: When,
    to: When,
    /// What is looked into, for as long as it is.
    record: Option<Opened>,
}

/// Times of the record of this account, or now.
async fn in_own(arguments: &DiffArgs) -> Result<Times, Failed> {
    let now = Clock::system().now();
    let time = |name: &str, text: &str| {
        When::typed(text, now).map_err(|wrong| Failed::Usage(format!("--{name} cannot be used: {wrong}.")))
    };
    let (from, to) = (time("from", &arguments.from)?, time("to", &arguments.to)?);
    let (is_past, source) = (![from, to].contains(&When::Now), &arguments.source);
    // The past needs no server, unless somebody names one for this run.
    if is_past && source.context.is_none() && !source.demo {
        let record = past::own().await?;
        let session = Session::of_record(&record).await?;
        return Ok(Times { session, from, to, record: Some(record) });
    }
    Ok(Times { session: Session::start(source, false).await?, from, to, record: None })
}

/// Times of a record in a file.
async fn in_record(file: &Path, arguments: &DiffArgs) -> Result<Times, Failed> {
    let record = past::open(file.to_owned()).await?;
    let session = Session::of_record(&record).await?;
    let times = past::span(&session).await.and_then(|span| {
        let time = |name: &str, text: &str| past::time(name, text, span).map(When::At);
        Ok((time("from", &arguments.from)?, time("to", &arguments.to)?))
    });
    match times {
        Ok((from, to)) => Ok(Times { session, from, to, record: Some(record) }),
        Err(failed) => {
            session.end().await;
            Err(failed)
        }
    }
}

fn text(out: &mut impl Write, of: &Difference, rows: &[&Differs], style: Style) -> std::io::Result<()> {
    writeln!(out, "{}", style.paint(Tone::Soft, &format!("From {} to {}", of.from, of.to)))?;
    if rows.is_empty() {
        return writeln!(out, "Nothing differs.");
    }
    for kind in DifferKind::ALL {
        let group: Vec<&&Differs> = rows.iter().filter(|row| row.kind == kind).collect();
        if group.is_empty() {
            continue;
        }
        let head = format!("{} {}", kind.plural(), count(group.len() as u64));
        writeln!(out, "\n{}", style.paint(Tone::Strong, &head))?;
        group.into_iter().try_for_each(|row| line(out, row, style))?;
    }
    Ok(())
}

fn line(out: &mut impl Write, row: &Differs, style: Style) -> std::io::Result<()> {
    let object = &row.object;
    let place = match object.namespace() {
        Some(namespace) => format!("{}/{namespace}/", object.connection()),
        None => format!("{}/", object.connection()),
    };
    let what = if row.what.is_empty() { String::new() } else { format!(" {}", row.what) };
    let name = visible(&format!("{place}{}{what}", object.name()));
    let tone = match (row.change, row.status) {
        (_, Status::Bad) => Tone::Bad,
        (_, Status::Warn) => Tone::Warn,
        (Change::Went, _) => Tone::Soft,
        _ => Tone::Plain,
    };
    let fields = match row.change {
        Change::NotKnown => row.words(),
        _ => row.fields.iter().map(|field| format!("{} {}", field.label, field.shown())).collect::<Vec<_>>().join(", "),
    };
    writeln!(out, "{} {}  {}", row.change.sign(), style.paint(tone, &name), visible(&fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{ObjectRef, Stamp, view::FieldChange};

    #[test]
    fn what_differs_is_listed_by_kind_with_from_and_to() {
        let row = |kind, object: &str, change, field: Option<(&str, &str, &str)>| Differs {
            kind,
            object: object.parse::<ObjectRef>().unwrap(),
            change,
            what: "".into(),
            fields: field
                .map(|(label, from, to)| FieldChange {
                    label: label.into(),
                    from: Some(from.into()),
                    to: Some(to.into()),
                })
                .into_iter()
                .collect(),
            status: Status::Good,
            why: None,
        };
        let rows = [
            Differs {
                fields: vec![FieldChange { label: "claim".into(), from: None, to: Some("It met XID 79.".into()) }],
                what: "XID 79".into(),
                why: Some("Not known at 02:00: prom was not connected yet.".into()),
                ..row(DifferKind::Finding, "gpu:iad/h-1/3", Change::NotKnown, None)
            },
            row(DifferKind::Node, "node:iad/h-1", Change::Changed, Some(("cordoned", "no", "yes"))),
            row(DifferKind::Pod, "pod:iad/serving/chat-0", Change::Went, None),
        ];
        let difference = Difference { to: Stamp(60_000), rows: rows.to_vec(), ..Difference::default() };
        let plain = Style { colour: false, terminal: false, width: None, height: None };
        let mut out = Vec::new();
        text(&mut out, &difference, &rows.iter().collect::<Vec<_>>(), plain).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "From 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z\n\nFindings 1\n? iad/h-1 / 3 XID 79  claim It met XID 79. Not \
             known at 02:00: prom was not connected yet.\n\nNodes 1\n~ iad/h-1  cordoned no → yes\n\nPods 1\n− iad/serving/chat-0  \n"
        );
    }
}

//! The command that prints what a pod printed, or all pods of a workload together.

use crate::{
    args::LogsArgs,
    exit::{Exit, Failed},
    named::{Place, Typed},
    out::{Style, note, stdout},
    problems,
    start::{Session, Troubles, other_answer},
};
use pilothouse_wire::{
    Answer, Ask, Body, Code, ConnectionId, ObjectRef, Problem, View, ViewSpec,
    ask::{LogQuery, WorkloadLogQuery},
    units::{lower, visible},
    view::{FleetSpec, FleetView},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    time::Duration,
};

/// How often a log that is followed is read again.
const EVERY: Duration = Duration::from_secs(2);
/// The lines that are read then: more than the beginning, so that none is missed between.
const FOLLOWED: u32 = 1_000;

/// Prints a log.
pub async fn run(arguments: &LogsArgs, _: Style, err: Style) -> Result<Exit, Failed> {
    let session = Session::start(&arguments.source, false).await?;
    let exit = printed(&session, arguments, err).await;
    session.end().await;
    exit
}

async fn printed(session: &Session, arguments: &LogsArgs, err: Style) -> Result<Exit, Failed> {
    let (frame, troubles) = session.frame(ViewSpec::Fleet(FleetSpec::default()), arguments.source.wait).await?;
    let Body::Full(View::Fleet(fleet)) = &frame.body else { return Err(other_answer()) };
    let object = match meant(fleet, arguments) {
        Ok(object) => object,
        // What is not seen may be where nothing could be read.
        Err(problem) if problem.code == Code::NotFound && !troubles.is_empty() => {
            problems::tell_all(&troubles, err);
            return Err(problem.into());
        }
        Err(problem) => return Err(problem.into()),
    };
    let mut lines = read(session, arguments, &object, arguments.lines, err).await?;
    print(&lines, arguments)?;
    if !arguments.follow {
        return Ok(if troubles.is_empty() { Exit::Ok } else { Exit::Partial });
    }
    // Until somebody ends it, or it cannot be read any more.
    loop {
        tokio::time::sleep(EVERY).await;
        let newer = read(session, arguments, &object, FOLLOWED, err).await?;
        let (new, missed) = behind(&lines, &newer);
        if missed {
            note("Lines are missing here: more were printed than are read at a time.");
        }
        print(&newer[new..], arguments)?;
        lines = newer;
    }
}

/// The pod or the workload that is called as it was typed: a workload before a pod.
fn meant(fleet: &FleetView, arguments: &LogsArgs) -> Result<ObjectRef, Problem> {
    let typed = Typed::of(&arguments.name);
    let mut found: BTreeMap<Place, ObjectRef> = BTreeMap::new();
    let mut put = |object: ObjectRef, kind: &str, namespace: &str, name: &str| {
        let cluster = object.connection().as_str().to_owned();
        let of_kind = arguments.kind.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(kind));
        if of_kind && typed.is(&cluster, namespace, name) {
            let place =
                Place { cluster, namespace: namespace.to_owned(), name: name.to_owned(), kind: kind.to_owned() };
            found.insert(place, object);
        }
    };
    for pod in fleet.pods.rows() {
        put(ObjectRef::Pod(pod.id.clone()), "Pod", &pod.id.namespace, &pod.id.name);
        if let (Some(kind), Some(name)) = (&pod.workload_kind, &pod.workload) {
            let (cluster, namespace) = (pod.id.cluster.clone(), pod.id.namespace.clone());
            let object = ObjectRef::Workload(cluster, namespace, kind.clone(), name.clone());
            put(object, kind, &pod.id.namespace, name);
        }
    }
    if found.keys().any(|place| place.kind != "Pod") {
        found.retain(|place, _| place.kind != "Pod");
    }
    let places: BTreeSet<Place> = found.keys().cloned().collect();
    match (found.pop_first(), places.len()) {
        (Some((_, object)), 1) => Ok(object),
        (Some(_), _) => Err(typed.ambiguous(&places)),
        (None, _) => {
            let what =
                format!("No pod is seen that is called {}, and none of a workload of that name.", arguments.name);
            Err(Problem::new(Code::NotFound, what).next("\"pilothouse pods\" lists those that there are."))
        }
    }
}

/// The last lines. Those of several pods begin with the name of each.
async fn read(
    session: &Session,
    arguments: &LogsArgs,
    object: &ObjectRef,
    lines: u32,
    err: Style,
) -> Result<Vec<String>, Failed> {
    let (container, previous) = (arguments.container.as_deref().map(Into::into), arguments.previous);
    let ask = match object.clone() {
        ObjectRef::Pod(pod) => Ask::Logs(LogQuery { pod, container, previous, lines, after: None }),
        ObjectRef::Workload(cluster, namespace, kind, name) => {
            let after = Vec::new();
            Ask::WorkloadLogs(WorkloadLogQuery { cluster, namespace, kind, name, container, previous, lines, after })
        }
        _ => return Err(other_answer()),
    };
    match session.reader().ask(ask).await? {
        Answer::Logs(logs) => Ok(logs.lines),
        Answer::WorkloadLogs(logs) => {
            let unread = logs.pods.iter().filter_map(|pod| Some((pod.pod.cluster.clone(), pod.problem.clone()?)));
            let unread: Vec<(ConnectionId, Problem)> = unread.collect();
            if !unread.is_empty() {
                problems::tell_all(&Troubles(unread), err);
            }
            let name = |at: u16| logs.pods.get(usize::from(at)).map_or("", |pod| pod.pod.name.as_str());
            Ok(logs.lines.iter().map(|line| format!("{} {}", name(line.pod), line.text)).collect())
        }
        _ => Err(other_answer()),
    }
}

/// Where what is new begins in lines that were read again, and whether there may be some between that were never read. Each
/// line begins with its time to the nanosecond: no two are the same.
fn behind(before: &[String], lines: &[String]) -> (usize, bool) {
    let Some(last) = before.last() else { return (0, false) };
    // Lines of several pods may change places at the end: the newest that both have counts.
    let known: std::collections::HashSet<&String> = before.iter().collect();
    match lines.iter().rposition(|line| line == last).or_else(|| lines.iter().rposition(|line| known.contains(line))) {
        Some(at) => (at + 1, false),
        None => (0, !lines.is_empty()),
    }
}

fn print(lines: &[String], arguments: &LogsArgs) -> Result<(), Failed> {
    let mut out = stdout();
    let wanted = arguments.find.as_deref().map(lower);
    for line in lines.iter().filter(|line| wanted.as_ref().is_none_or(|wanted| lower(line).contains(wanted.as_str()))) {
        // Text of a program: it must not act on the terminal.
        writeln!(out, "{}", visible(line))?;
    }
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_log_that_is_read_again_only_what_is_new_is_printed_and_a_gap_is_said() {
        let lines = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (before, now, want) in [
            (lines(&[]), lines(&["1", "2"]), (0, false)),
            (lines(&["1", "2"]), lines(&["1", "2"]), (2, false)),
            (lines(&["1", "2"]), lines(&["1", "2", "3"]), (2, false)),
            (lines(&["1", "2"]), lines(&["2", "3"]), (1, false)),
            (lines(&["1", "2"]), lines(&["5", "6"]), (0, true)),
            (lines(&["1", "2"]), lines(&[]), (0, false)),
        ] {
            assert_eq!(behind(&before, &now), want, "{before:?} {now:?}");
        }
    }
}

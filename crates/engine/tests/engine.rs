//! The engine on the demo fleet: what doors see, live and in the past, and what acts do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

use pilothouse_engine::{Clock, Engine, Operator, Options, Paths};
use pilothouse_wire::{
    Act, Acted, Answer, Ask, Body, Code, ConnectionId, Frame, Freshness, ObjectRef, Sum, View, ViewSpec, When,
    ask::{LogQuery, WorkloadLogQuery},
    form::Draft,
    frame::Mirror,
    record::{Gap, Missing},
    view::{Change, ConnectionsView, DifferKind, FleetSpec, FleetView, Mark, MarkKind},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

async fn engine(home: &std::path::Path, demo: bool) -> Operator {
    let options = Options { paths: Paths::under(home), demo, only: None, record: true, clock: Clock::system() };
    let operator = Engine::start(options).await.unwrap();
    let settled = operator.reader().settled(Duration::from_secs(30)).await;
    assert!(settled.late.is_empty(), "{settled:?}");
    operator
}

fn fleet_spec() -> ViewSpec {
    ViewSpec::Fleet(FleetSpec::default())
}

async fn frame(operator: &Operator, spec: ViewSpec, when: When) -> Frame {
    match operator.reader().ask(Ask::Frame { spec, when }).await.unwrap() {
        Answer::Frame(frame) => *frame,
        other => panic!("not a frame: {other:?}"),
    }
}

fn fleet(frame: &Frame) -> &FleetView {
    match &frame.body {
        Body::Full(View::Fleet(view)) => view,
        other => panic!("not a full fleet: {other:?}"),
    }
}

async fn connections(operator: &Operator) -> ConnectionsView {
    match frame(operator, ViewSpec::Connections, When::Now).await.body {
        Body::Full(View::Connections(view)) => view,
        other => panic!("not the connections: {other:?}"),
    }
}

fn demo_draft(name: &str, cluster: &str) -> Draft {
    Draft {
        kind: "demo".into(),
        name: name.into(),
        values: BTreeMap::from([("cluster".to_owned(), cluster.to_owned())]),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nothing_configured_the_demo_fleet_is_there_and_says_so() {
    let home = tempfile::tempdir().unwrap();
    let operator = engine(home.path(), false).await;
    let frame = frame(&operator, fleet_spec(), When::Now).await;
    let view = fleet(&frame);
    assert_eq!((view.summary.gpus, view.clusters.len(), view.nodes.len()), (Sum::Exact(4_096), 3, 512));
    assert!(view.clusters.rows().iter().all(|cluster| cluster.demo));
    assert!(
        frame.sources.iter().all(|source| source.demo && source.freshness == Freshness::Live),
        "{:?}",
        frame.sources
    );
    operator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_add_up_to_what_is_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let operator = engine(home.path(), true).await;
    let mut frames = operator.reader().watch(fleet_spec(), When::Now).await.unwrap();
    let mut mirror = Mirror::default();
    let mut patches = 0;
    while patches < 3 {
        let frame = frames.next().await.unwrap();
        patches += u32::from(matches!(frame.body, Body::Patch { .. }));
        mirror.apply(frame.rev, frame.body.clone()).unwrap();
    }
    // The world may have moved on between the frame and the ask: follow until the two are of one time.
    let followed = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let asked = self::frame(&operator, fleet_spec(), When::Now).await;
            if mirror.view() == Some(&View::Fleet(Arc::new(fleet(&asked).clone()))) {
                return;
            }
            let frame = frames.next().await.unwrap();
            mirror.apply(frame.rev, frame.body.clone()).unwrap();
        }
    });
    followed.await.expect("the mirror never equalled the engine's own view");
    operator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_the_newest_full_frame_and_no_queue() {
    let home = tempfile::tempdir().unwrap();
    let operator = engine(home.path(), true).await;
    let mut slow = operator.reader().watch(fleet_spec(), When::Now).await.unwrap();
    let mut quick = operator.reader().watch(fleet_spec(), When::Now).await.unwrap();
    let mut last = 0;
    while last < 4 {
        last = quick.next().await.unwrap().rev.0;
    }
    let first = slow.next().await.unwrap();
    assert!(matches!(first.body, Body::Full(_)));
    let mut mirror = Mirror::default();
    mirror.apply(first.rev, first.body.clone()).unwrap();
    let second = slow.next().await.unwrap();
    assert!(second.rev.0 >= last, "skipped to {:?}, not one by one after {:?}", second.rev, first.rev);
    mirror.apply(second.rev, second.body.clone()).unwrap();
    operator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let operator = engine(home.path(), true).await;
    let then = frame(&operator, fleet_spec(), When::Now).await;
    let mut frames = operator.reader().watch(fleet_spec(), When::Now).await.unwrap();
    let mut patches = 0;
    while patches < 2 {
        patches += u32::from(matches!(frames.next().await.unwrap().body, Body::Patch { .. }));
    }
    let past = frame(&operator, fleet_spec(), When::At(then.as_of)).await;
    assert_eq!(fleet(&past), fleet(&then));
    let before = Ask::Frame { spec: fleet_spec(), when: When::At(then.as_of.minus(Duration::from_secs(86_400))) };
    assert_eq!(operator.reader().ask(before).await.unwrap_err().code, Code::NotFound);
    operator.shutdown().await;
}

/// A ribbon with the gaps of the record, as it comes to whoever watches.
async fn told_gaps(operator: &Operator) -> Vec<Gap> {
    let day = ViewSpec::Ribbon { span: Duration::from_secs(86_400), end: When::Now };
    let mut frames = operator.reader().watch(day, When::Now).await.unwrap();
    let mut mirror = Mirror::default();
    let told = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let frame = frames.next().await.unwrap();
            mirror.apply(frame.rev, frame.body.clone()).unwrap();
            match mirror.view() {
                Some(View::Ribbon(ribbon)) if !ribbon.gaps.is_empty() => return ribbon.gaps.clone(),
                _ => {}
            }
        }
    });
    told.await.expect("the ribbon never told of a gap")
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_program_was_away_is_a_gap_on_the_ribbon_and_said_by_whoever_shows_it() {
    let home = tempfile::tempdir().unwrap();
    let operator = engine(home.path(), true).await;
    let seen = frame(&operator, fleet_spec(), When::Now).await;
    assert_eq!(seen.gap, None);
    operator.shutdown().await;

    // The next run begins an hour later.
    let clock = Clock::of(|| Clock::system().now().plus(Duration::from_secs(3_600)));
    let options = Options { paths: Paths::under(home.path()), demo: true, only: None, record: true, clock };
    let operator = Engine::start(options).await.unwrap();
    operator.reader().settled(Duration::from_secs(30)).await;
    let gaps = told_gaps(&operator).await;
    assert_eq!(gaps.iter().map(|gap| gap.why).collect::<Vec<_>>(), [Missing::NotRecorded, Missing::NotRunning]);
    let away = &gaps[1];
    let (since, until) = (away.since.unwrap(), away.until.unwrap());
    assert!(since >= seen.as_of && until.since(since) > Duration::from_secs(3_000), "{away:?}");

    let between = When::At(since.plus(Duration::from_secs(1_800)));
    let shown = frame(&operator, fleet_spec(), between).await;
    assert_eq!(shown.gap.as_ref(), Some(away));
    assert!(shown.sources.iter().all(|source| source.freshness >= Freshness::Stale), "{:?}", shown.sources);
    let compare = Ask::Compare { scope: vec![], from: between, to: When::Now };
    let Answer::Difference(difference) = operator.reader().ask(compare).await.unwrap() else {
        panic!("not a difference")
    };
    assert_eq!(difference.gaps, std::slice::from_ref(away));
    operator.shutdown().await;
}

async fn notes(operator: &Operator) -> Vec<Mark> {
    let week = ViewSpec::Ribbon { span: Duration::from_secs(7 * 86_400), end: When::Now };
    let Body::Full(View::Ribbon(ribbon)) = frame(operator, week, When::Now).await.body else {
        panic!("not the ribbon")
    };
    ribbon.marks.rows().iter().filter(|mark| mark.key.kind == MarkKind::Bookmark).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_kept_over_runs_until_it_is_taken_away() {
    let home = tempfile::tempdir().unwrap();
    let operator = engine(home.path(), true).await;
    let at = frame(&operator, fleet_spec(), When::Now).await.as_of;
    let text = "here it began".to_owned();
    assert_eq!(operator.act(Act::Note { at, object: None, text }).await, Ok(Acted::Ok));
    let empty = Act::Note { at, object: None, text: " ".into() };
    assert_eq!(operator.act(empty).await.unwrap_err().code, Code::BadInput);
    assert_eq!(notes(&operator).await.iter().map(|note| note.title.as_str()).collect::<Vec<_>>(), ["here it began"]);
    operator.shutdown().await;

    let operator = engine(home.path(), true).await;
    let recalled = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let notes = notes(&operator).await;
            if !notes.is_empty() {
                return notes;
            }
            tokio::task::yield_now().await;
        }
    });
    let recalled = recalled.await.expect("a later run has the note of the earlier one");
    assert_eq!((recalled.len(), recalled[0].key.at), (1, at));
    assert_eq!(operator.act(Act::RemoveNote(recalled[0].key.clone())).await, Ok(Acted::Ok));
    assert_eq!(notes(&operator).await, []);
    operator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_times_are_compared_and_one_time_differs_in_nothing() {
    let home = tempfile::tempdir().unwrap();
    let operator = engine(home.path(), true).await;
    let then = frame(&operator, fleet_spec(), When::Now).await;
    let mut frames = operator.reader().watch(fleet_spec(), When::Now).await.unwrap();
    let pods_moved = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let now = frame(&operator, fleet_spec(), When::Now).await;
            let pods = |frame: &Frame| fleet(frame).pods.rows().iter().map(|pod| pod.id.clone()).collect::<Vec<_>>();
            if pods(&now) != pods(&then) {
                return;
            }
            frames.next().await.unwrap();
        }
    });
    pods_moved.await.expect("a pod of the demo comes or goes");
    let compared = async |from, to| match operator.reader().ask(Ask::Compare { scope: vec![], from, to }).await.unwrap()
    {
        Answer::Difference(difference) => *difference,
        other => panic!("not a difference: {other:?}"),
    };
    let at = When::At(then.as_of);
    let difference = compared(at, When::Now).await;
    assert_eq!(difference.from, then.as_of);
    assert!(difference.rows.iter().any(|row| row.kind == DifferKind::Pod && row.change != Change::Changed));
    assert_eq!(compared(at, at).await.rows, []);
    let Answer::Recorded(Some((begins, ends))) = operator.reader().ask(Ask::Recorded).await.unwrap() else {
        panic!("nothing is recorded")
    };
    assert!(begins <= then.as_of && then.as_of <= ends);
    operator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_added_paused_edited_and_removed() {
    let home = tempfile::tempdir().unwrap();
    let operator = engine(home.path(), false).await;
    let id = ConnectionId::slug("lab");
    let add = Act::AddConnection { draft: demo_draft("lab", "fra-train"), secrets: vec![] };
    assert_eq!(operator.act(add.clone()).await, Ok(Acted::Done(id.clone())));
    assert_eq!(operator.act(add).await.unwrap_err().code, Code::Exists);
    operator.reader().settled(Duration::from_secs(30)).await;
    let rows = connections(&operator).await.rows;
    assert_eq!(
        rows.rows().iter().map(|row| row.name.as_str()).collect::<Vec<_>>(),
        ["lab"],
        "the demo fleet makes room"
    );

    operator.act(Act::PauseConnection { id: id.clone(), paused: true }).await.unwrap();
    assert_eq!(connections(&operator).await.rows.rows().len(), 1);
    operator.act(Act::PauseConnection { id: id.clone(), paused: false }).await.unwrap();

    let edit = Act::EditConnection { id: id.clone(), draft: demo_draft("lab two", "ord-prod"), secrets: vec![] };
    assert_eq!(operator.act(edit).await, Ok(Acted::Done(id.clone())));
    operator.act(Act::RemoveConnection(id.clone())).await.unwrap();
    operator.reader().settled(Duration::from_secs(30)).await;
    let rows = connections(&operator).await.rows;
    assert_eq!(rows.len(), 4, "with nothing configured the demo fleet is back");
    assert_eq!(operator.act(Act::RemoveConnection(id)).await.unwrap_err().code, Code::NotFound);
    operator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_let_something_be_done_takes_no_mark_of_production_away() {
    let home = tempfile::tempdir().unwrap();
    let operator = engine(home.path(), false).await;
    let id = ConnectionId::slug("lab");
    operator.act(Act::AddConnection { draft: demo_draft("lab", "fra-train"), secrets: vec![] }).await.unwrap();
    let set = async |operate, production| {
        operator.act(Act::Operate { id: id.clone(), operate, production }).await.unwrap();
        let operation = connections(&operator).await.rows.rows()[0].operation;
        (operation.operate, operation.production)
    };
    // A colleague marks it, while somebody looks at a plan from before that.
    assert_eq!(set(false, Some(true)).await, (false, true));
    assert_eq!(set(true, None).await, (true, true));
    assert_eq!(set(false, None).await, (false, true));
    assert_eq!(set(true, Some(false)).await, (true, false));
    operator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_connected_is_refused_with_its_field() {
    let home = tempfile::tempdir().unwrap();
    let operator = engine(home.path(), false).await;
    let with = |kind: &str, name: &str, values: &[(&str, &str)]| Act::AddConnection {
        draft: Draft {
            kind: kind.into(),
            name: name.into(),
            values: values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        },
        secrets: vec![],
    };
    for (act, want) in [
        (with("kubernetes", "", &[]), "The connection has no name."),
        (with("teapot", "a", &[]), "There is no kind of connection called \"teapot\"."),
        (with("kubernetes", "a", &[]), "a: \"Context\" is not filled in."),
        (with("demo", "a", &[("colour", "red")]), "Demo fleet has no field \"colour\"."),
    ] {
        assert_eq!(operator.act(act).await.unwrap_err().what, want);
    }
    assert!(connections(&operator).await.rows.rows().iter().all(|row| row.demo), "nothing was half added");
    operator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_found_by_a_part_of_their_name() {
    let home = tempfile::tempdir().unwrap();
    let operator = engine(home.path(), true).await;
    let search = |text: &str| Ask::Search { text: text.into(), limit: 20, when: When::Now };
    let Answer::Hits(hits) = operator.reader().ask(search("chat70b")).await.unwrap() else { panic!("no hits") };
    assert!(hits.iter().any(|hit| matches!(hit.object, ObjectRef::Workload(..))), "{hits:?}");
    assert!(hits.iter().all(|hit| !hit.matched.is_empty()));
    assert_eq!(operator.reader().ask(search("  ")).await, Ok(Answer::Hits(vec![])));
    operator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_pod_names_its_container_and_one_of_nobody_is_said() {
    let home = tempfile::tempdir().unwrap();
    let operator = engine(home.path(), true).await;
    let reader = operator.reader();
    let search = Ask::Search { text: "chat70b".into(), limit: 50, when: When::Now };
    let Answer::Hits(hits) = reader.ask(search).await.unwrap() else { panic!("no hits") };
    let pod =
        hits.into_iter().find_map(|hit| if let ObjectRef::Pod(pod) = hit.object { Some(pod) } else { None }).unwrap();
    let query = |name: &str| LogQuery {
        pod: pilothouse_wire::PodId { name: name.into(), ..pod.clone() },
        container: None,
        previous: false,
        lines: 5,
        after: None,
    };
    let Answer::Logs(logs) = reader.ask(Ask::Logs(query(&pod.name))).await.unwrap() else { panic!("no log") };
    assert_eq!((logs.container.as_str(), logs.lines.len(), logs.more), ("server", 5, true));
    let nobody = reader.ask(Ask::Logs(query("nobody"))).await.unwrap_err();
    assert!(nobody.what.ends_with("has no log of nobody."), "{nobody}");
    operator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logs_of_a_workload_are_those_of_its_pods_in_the_order_of_time() {
    let home = tempfile::tempdir().unwrap();
    let operator = engine(home.path(), true).await;
    let reader = operator.reader();
    let search = Ask::Search { text: "chat70b".into(), limit: 50, when: When::Now };
    let Answer::Hits(hits) = reader.ask(search).await.unwrap() else { panic!("no hits") };
    let query = hits
        .into_iter()
        .find_map(|hit| match hit.object {
            ObjectRef::Workload(cluster, namespace, kind, name) => {
                let query = WorkloadLogQuery {
                    cluster,
                    namespace,
                    kind,
                    name,
                    container: None,
                    previous: false,
                    lines: 40,
                    after: Vec::new(),
                };
                Some(query)
            }
            _ => None,
        })
        .unwrap();
    let Answer::WorkloadLogs(logs) = reader.ask(Ask::WorkloadLogs(query.clone())).await.unwrap() else {
        panic!("no logs")
    };
    assert_eq!((logs.lines.len(), logs.more), (40, true));
    assert!(logs.pods.iter().all(|pod| pod.problem.is_none()), "{:?}", logs.pods);
    let time = |text: &str| text.split(' ').next().unwrap().parse::<pilothouse_wire::Stamp>().unwrap();
    let times: Vec<_> = logs.lines.iter().map(|line| time(&line.text)).collect();
    assert!(times.is_sorted(), "{times:?}");
    let read: std::collections::BTreeSet<u16> = logs.lines.iter().map(|line| line.pod).collect();
    assert!(read.len() > 1 || logs.all == 1, "the newest lines are of one of {} pods", logs.all);
    // What reads a server has nothing to tell of a fleet that is made up.
    assert_eq!(reader.ask(Ask::Kinds { scope: Vec::new() }).await, Ok(Answer::Kinds(Vec::new())));
    let nobody = WorkloadLogQuery { name: "nobody".into(), ..query };
    let problem = reader.ask(Ask::WorkloadLogs(nobody)).await.unwrap_err();
    assert!(problem.what.ends_with("nobody has no pods."), "{problem}");
    operator.shutdown().await;
}

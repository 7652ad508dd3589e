//! Turning, judging and wording of the wall, by tables.

use super::*;
use pilothouse_wire::{ConnectionId, NodeId, PodId, view::ribbon::MarkKey};

fn node(name: &str) -> NodeId {
    NodeId { cluster: ConnectionId::slug("iad"), name: name.into() }
}

fn finding(name: &str, gpus: u16, since: Option<i64>, status: Status) -> Finding {
    Finding {
        id: FindingId { object: ObjectRef::Node(node(name)), rule: "xid".into() },
        status,
        word: "XID 79".into(),
        claim: format!("{name} is broken."),
        since: since.map(Stamp),
        evidence: String::new(),
        action: String::new(),
        command: None,
        node: node(name),
        gpus: (0..gpus).collect(),
        pods: Vec::new(),
        workloads: vec!["Deployment serving/chat".into()],
        services: Vec::new(),
    }
}

fn source(name: &str, freshness: Freshness, heard_s: Option<i64>) -> SourceState {
    let heard = heard_s.map(|second| Stamp(second * 1_000));
    SourceState { id: ConnectionId::slug(name), name: name.into(), demo: false, freshness, heard, note: None }
}

fn mark(second: i64, object: &str, kind: MarkKind) -> Mark {
    let key = MarkKey { at: Stamp(second * 1_000), object: object.parse().unwrap(), kind };
    Mark { title: format!("{object} at {second}"), ..Mark::of(key) }
}

fn in_its_cluster(of: &Finding) -> Scope {
    Scope { sources: vec![of.node.cluster.clone()], ..Scope::default() }
}

#[test]
fn each_panel_stays_for_twenty_seconds_and_the_next_is_known() {
    let began = Stamp(5_000);
    let seen = |of, second: i64| {
        let turn = turn(of, began, Stamp(5_000 + second * 1_000));
        (turn.at, turn.next, turn.left_s)
    };
    assert_eq!([seen(3, 0), seen(3, 19), seen(3, 20), seen(3, 61)], [(0, 1, 20), (0, 1, 1), (1, 2, 20), (0, 1, 19)]);
    assert_eq!([seen(1, 45), seen(0, 45), seen(2, -9)], [(0, 0, 15), (0, 0, 15), (0, 1, 20)]);
}

#[test]
fn trouble_goes_before_what_is_not_seen_and_that_before_calm() {
    let live = source("iad", Freshness::Live, Some(1));
    let lost = source("ord", Freshness::Lost, Some(1));
    let coming = source("fra", Freshness::Starting, None);
    let paused = source("sin", Freshness::Paused, Some(1));
    for (heard, sources, troubles, want) in [
        (false, vec![], 0, Mood::Starting),
        (true, vec![live.clone(), lost.clone()], 2, Mood::Trouble),
        (true, vec![live.clone(), lost.clone()], 0, Mood::Blind),
        (true, vec![source("ord", Freshness::Stale, Some(1)), live.clone()], 0, Mood::Blind),
        (true, vec![], 0, Mood::Nothing),
        (true, vec![coming.clone()], 0, Mood::Starting),
        (true, vec![coming, live.clone()], 0, Mood::Blind),
        (true, vec![source("ord", Freshness::Partial, Some(1)), live.clone()], 0, Mood::Blind),
        (true, vec![paused.clone(), live.clone()], 0, Mood::Calm),
        (true, vec![paused.clone(), lost], 0, Mood::Blind),
        (true, vec![paused], 0, Mood::Blind),
        (true, vec![source("ord", Freshness::Slow, Some(1)), live], 0, Mood::Calm),
    ] {
        assert_eq!(mood(heard, &sources, troubles), want, "{sources:?}");
    }
}

#[test]
fn calm_counts_from_where_it_was_seen_to_begin() {
    let at = |second: i64| Stamp(second * 1_000);
    let first = Calm::then(None, &Mood::Calm, at(10));
    assert_eq!(first.words(at(70)).unwrap(), "calm, seen for 1 min 00 s");
    assert_eq!(Calm::then(Some(&first), &Mood::Calm, at(20)), first);
    let trouble = Calm::then(Some(&first), &Mood::Trouble, at(30));
    assert_eq!(trouble.words(at(31)), None);
    let again = Calm::then(Some(&trouble), &Mood::Calm, at(40));
    assert_eq!(again.words(at(100)).unwrap(), "calm for 1 min 00 s");
    // Nobody saw what happened behind a cut link.
    let cut = Calm::then(Some(&again), &Mood::Cut(None), at(50));
    let back = Calm::then(Some(&cut), &Mood::Calm, at(60));
    assert_eq!(back, Calm { since: Some(at(60)), seen: false });
}

#[test]
fn the_worst_trouble_is_first_and_warnings_are_none() {
    let findings = [
        finding("a", 1, Some(5), Status::Bad),
        finding("b", 8, Some(9), Status::Bad),
        finding("c", 8, Some(7), Status::Bad),
        finding("d", 8, None, Status::Bad),
        finding("e", 16, Some(1), Status::Warn),
    ];
    let names: Vec<_> = troubles(&findings).into_iter().map(|finding| finding.node.name.as_str()).collect();
    assert_eq!(names, ["c", "b", "d", "a"]);
}

#[test]
fn another_set_of_troubles_begins_with_its_worst() {
    let id = |name: &str| finding(name, 1, None, Status::Bad).id;
    let first = Shown::then(None, vec![id("a")], Stamp(1));
    assert_eq!(Shown::then(Some(&first), vec![id("a")], Stamp(9)), first);
    assert_eq!(Shown::then(Some(&first), vec![id("b"), id("a")], Stamp(9)).began, Stamp(9));
}

#[test]
fn the_ribbon_reaches_an_hour_behind_the_begin_of_a_trouble_however_old_that_is() {
    let minutes = |ago: u64| {
        let now = Stamp(40 * 86_400_000);
        reach(Some(now.minus(Duration::from_secs(60 * ago))), now).map(|span| span.as_secs() / 60)
    };
    assert_eq!([0, 1, 14, 15, 16, 40, 70].map(minutes), [60, 75, 75, 75, 90, 105, 135].map(Some));
    // It stands for a while, and is never less than an hour before.
    assert!((0..10_000).all(|ago| minutes(ago).is_none_or(|span| span >= ago + 60 && span < ago + 75)));
    assert_eq!([10_020, 10_021].map(minutes), [Some(10_080), None]);
    assert_eq!(reach(None, Stamp(0)), Some(Duration::from_secs(3_600)));
}

#[test]
fn the_room_is_told_no_note_and_no_pod_that_came_or_went() {
    let of = |kind| Mark::of(MarkKey { at: Stamp(1), object: "node:iad/h-1".parse().unwrap(), kind });
    let (iad, ord) = (ConnectionId::slug("iad"), ConnectionId::slug("ord"));
    let told = |kind| is_told(&of(kind), &[]);
    assert_eq!([MarkKind::Fault, MarkKind::Bookmark, MarkKind::PodPlaced].map(told), [true, false, false]);
    assert_eq!([[iad], [ord]].map(|scope| is_told(&of(MarkKind::Fault), &scope)), [true, false]);
}

#[test]
fn a_trouble_of_this_hour_is_told_by_the_ribbon_that_is_watched_in_any_case() {
    let (now, hour) = (Stamp(100 * 86_400_000), Duration::from_secs(3_600));
    let is_same = |minutes: u64| {
        let reach = reach(Some(now.minus(Duration::from_secs(60 * minutes))), now);
        watched(reach, 2 * hour) == 2 * hour
    };
    assert_eq!([0, 1, 30, 60, 61, 600].map(is_same), [true, true, true, true, false, false]);
    assert_eq!([None, Some(hour)].map(|reach| watched(reach, 2 * hour)), [2 * hour; 2]);
}

#[test]
fn what_changed_before_a_trouble_is_near_it_in_kind_place_and_time() {
    let of = finding("h-1", 1, Some(7_200_000), Status::Bad);
    let marks = [
        mark(10, "node:iad/h-1", MarkKind::Cordon),
        mark(7_000, "node:iad/h-9", MarkKind::Cordon),
        mark(6_000, "node:iad/h-1", MarkKind::Condition),
        mark(6_500, "workload:iad/serving/Deployment/chat", MarkKind::Deploy),
        mark(6_600, "workload:iad/serving/Deployment/other", MarkKind::Deploy),
        mark(6_700, "workload:iad/serving/Deployment/other", MarkKind::Scale),
        mark(6_800, "pod:iad/serving/chat-0", MarkKind::PodPlaced),
        mark(6_900, "node:ord/h-1", MarkKind::Fault),
        mark(7_201, "node:iad/h-1", MarkKind::Fault),
    ];
    let told = before(&marks, &of, &in_its_cluster(&of), Stamp(9_000_000));
    assert_eq!(told.into_iter().map(|mark| mark.key.at.0 / 1_000).collect::<Vec<_>>(), [6_000, 6_500, 6_600, 7_000]);
}

#[test]
fn what_is_told_before_a_trouble_is_neither_of_its_own_moment_nor_a_sign_of_it() {
    let of = finding("h-1", 2, Some(7_200_000), Status::Bad);
    let marks = [
        mark(6_000, "node:iad/h-1", MarkKind::Fault),
        mark(6_100, "gpu:iad/h-1/1", MarkKind::Fault),
        // Of another GPU, and of another node.
        mark(6_200, "gpu:iad/h-1/5", MarkKind::Fault),
        mark(6_300, "node:iad/h-2", MarkKind::Fault),
        mark(7_200, "node:iad/h-1", MarkKind::Condition),
        mark(7_199, "node:iad/h-1", MarkKind::Cordon),
    ];
    let told = before(&marks, &of, &in_its_cluster(&of), Stamp(9_000_000));
    assert_eq!(told.into_iter().map(|mark| mark.key.at.0 / 1_000).collect::<Vec<_>>(), [6_200, 6_300, 7_199]);
}

#[test]
fn each_source_has_its_age_and_one_that_is_lost_says_since_when() {
    let now = Stamp(11_500_000);
    let sources = [
        source("iad-prod", Freshness::Live, Some(11_499)),
        source("prom", Freshness::Stale, Some(11_248)),
        source("ord-prod", Freshness::Lost, Some(11_436)),
        source("new", Freshness::Starting, None),
        source("never", Freshness::Lost, None),
    ];
    let words = |linked| {
        let (shown, more) = foot(&sources, linked, now);
        assert_eq!(more, None);
        shown
            .into_iter()
            .map(|source| format!("{:?} {} {}", source.status, source.name, source.words))
            .collect::<Vec<_>>()
    };
    let linked = [
        "Good iad-prod 1 s",
        "Warn prom stale 4 min 12 s",
        "Bad ord-prod lost, as of 03:10:36",
        "Progress new connecting",
        "Bad never lost, never read",
    ];
    assert_eq!(words(true), linked);
    // Without a link the age of nothing goes on as if it were being heard.
    assert_eq!(words(false)[..2], ["Unknown iad-prod as of 03:11:39", "Unknown prom as of 03:07:28"]);
    assert_eq!(unseen(&sources, now).unwrap(), (Status::Bad, "ord-prod lost, as of 03:10:36 and 3 more".into()));
    assert_eq!(unseen(&sources[..1], now), None);
}

#[test]
fn what_is_paused_partial_or_on_its_way_is_said_in_words_and_shape() {
    let now = Stamp(11_500_000);
    let (live, paused) = (source("iad", Freshness::Live, Some(11_499)), source("sin", Freshness::Paused, Some(11_436)));
    let (part, coming) = (source("ord", Freshness::Partial, Some(11_497)), source("fra", Freshness::Starting, None));
    for (sources, want) in [
        (vec![live.clone(), paused.clone()], (Status::Unknown, "sin paused, as of 03:10:36")),
        (vec![live.clone(), part.clone()], (Status::Warn, "ord partial, 3 s")),
        (vec![live.clone(), coming.clone()], (Status::Progress, "fra connecting")),
        // Nobody but a person can end a pause, and one wished it: it is said last.
        (vec![paused, coming, live, part], (Status::Warn, "ord partial, 3 s and 2 more")),
    ] {
        let (status, words) = unseen(&sources, now).unwrap();
        assert_eq!((status, words.as_str()), want);
    }
}

#[test]
fn of_many_sources_the_worst_are_named_and_the_rest_is_counted() {
    let mut sources: Vec<_> = (0..9).map(|n| source(&format!("s{n}"), Freshness::Live, Some(1))).collect();
    sources[8].freshness = Freshness::Lost;
    let (shown, more) = foot(&sources, true, Stamp(2_000));
    assert_eq!((shown.len(), shown[0].name.as_str(), more.as_deref()), (5, "s8", Some("and 4 more, all live")));
}

#[test]
fn times_read_as_people_say_them() {
    assert_eq!(day("2026-11-24T03:12:44Z".parse().unwrap()), "Tue 24 Nov");
    assert_eq!(day(Stamp(0)), "Thu 1 Jan");
    let texts = [684, 60, 7_509, 90_000].map(|s| running(Duration::from_secs(s)));
    let want = [("11:24", "minutes"), ("1:00", "minute"), ("2:05:09", "hours"), ("1 d 01 h", "")];
    assert_eq!(texts.each_ref().map(|(text, unit)| (text.as_str(), *unit)), want);
}

#[test]
fn pods_are_told_by_what_they_belong_to() {
    let mut of = finding("h-1", 1, None, Status::Bad);
    let pod = PodId { cluster: ConnectionId::slug("iad"), namespace: "serving".into(), name: "chat-0".into() };
    of.pods = vec![pod];
    assert!(touches(&mark(1, "pod:iad/serving/chat-0", MarkKind::Fault), &of));
    assert!(!touches(&mark(1, "pod:iad/serving/chat-1", MarkKind::Fault), &of));
    assert!(!touches(&mark(1, "connection:iad", MarkKind::ConnectionLost), &of));
}

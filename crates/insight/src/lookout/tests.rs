//! What is told when, over time, and what is never told.

use super::*;
use crate::fixture::{NOW, Node, view};
use pilothouse_wire::{Metric, SmolStr, notice::NoticeKind};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn source(id: &str, freshness: Freshness) -> SourceState {
    SourceState { id: ConnectionId::slug(id), name: id.into(), demo: false, freshness, heard: None, note: None }
}

fn everything() -> Wishes {
    Wishes { kinds: NoticeKind::ALL.into(), warnings: true, quiet: None }
}

/// A GPU of the cluster with something wrong.
fn gpu(slot: u16, status: Status) -> Wrong {
    let object: ObjectRef = format!("gpu:iad/h-1/{slot}").parse().unwrap();
    Wrong {
        id: FindingId { object, rule: SmolStr::new_static("xid-79") },
        kind: NoticeKind::Gpu,
        status,
        title: format!("XID 79: GPU h-1 / {slot}, iad"),
        text: "It fell off the bus.".into(),
    }
}

fn kind(kind: NoticeKind) -> Wrong {
    Wrong { kind, ..gpu(0, Status::Bad) }
}

/// A lookout whose looks are a second apart.
struct Watch {
    lookout: Lookout,
    second: i64,
    wishes: Wishes,
    heard: Freshness,
}

impl Watch {
    fn new() -> Self {
        Self { lookout: Lookout::default(), second: 0, wishes: everything(), heard: Freshness::Live }
    }

    fn now(&self) -> Stamp {
        Stamp(NOW.0 + self.second * 1_000)
    }

    /// Looks once a second for so long, and answers what was told and after how many seconds from the start.
    fn see(&mut self, seconds: i64, wrong: &[Wrong], quiet: bool) -> Vec<(i64, String)> {
        let sources = [source("iad", self.heard)];
        let mut told = Vec::new();
        for _ in 0..seconds {
            let now = self.now();
            if let Some(call) = self.lookout.look(wrong.to_vec(), &sources, &self.wishes, quiet, now) {
                told.push((self.second, call.title));
            }
            self.second += 1;
        }
        told
    }

    #[track_caller]
    fn check(&mut self, seconds: i64, wrong: &[Wrong], want: &[(i64, &str)]) {
        let told = self.see(seconds, wrong, false);
        let told: Vec<(i64, &str)> = told.iter().map(|(at, title)| (*at, title.as_str())).collect();
        assert_eq!(told, want);
    }
}

#[test]
fn a_thing_is_told_once_for_as_long_as_it_is_so() {
    Watch::new().check(3_600, &[gpu(5, Status::Bad)], &[(5, "XID 79: GPU h-1 / 5, iad")]);
}

#[test]
fn what_comes_and_goes_is_told_once_and_what_comes_back_after_long_is_told_again() {
    let mut watch = Watch::new();
    watch.check(10, &[gpu(5, Status::Bad)], &[(5, "XID 79: GPU h-1 / 5, iad")]);
    watch.check(590, &[], &[]);
    watch.check(10, &[gpu(5, Status::Bad)], &[]);
    watch.check(601, &[], &[]);
    watch.check(10, &[gpu(5, Status::Bad)], &[(1_216, "XID 79: GPU h-1 / 5, iad")]);
}

#[test]
fn of_a_source_that_is_not_heard_nothing_ends() {
    for (heard, again) in
        [(Freshness::Live, true), (Freshness::Partial, true), (Freshness::Lost, false), (Freshness::Starting, false)]
    {
        let mut watch = Watch::new();
        watch.see(10, &[gpu(5, Status::Bad)], false);
        watch.heard = heard;
        watch.see(1_000, &[], false);
        assert_eq!(watch.see(10, &[gpu(5, Status::Bad)], false).len(), usize::from(again), "{heard:?}");
    }
}

#[test]
fn what_is_over_before_its_notice_is_not_told() {
    let mut watch = Watch::new();
    watch.check(4, &[gpu(5, Status::Bad)], &[]);
    watch.check(60, &[], &[]);
}

#[test]
fn what_comes_together_is_one_notice_that_says_how_many_and_the_worst() {
    let mut watch = Watch::new();
    let mut call = None;
    let all: Vec<Wrong> = (0..7).map(|slot| gpu(slot, if slot == 4 { Status::Bad } else { Status::Warn })).collect();
    for (at, some) in [&all[..2], &all[..5], &all[..7], &all[..7], &all[..7], &all[..7]].into_iter().enumerate() {
        let now = Stamp(NOW.0 + at as i64 * 1_000);
        call = call.or(watch.lookout.look(some.to_vec(), &[], &watch.wishes, false, now));
    }
    let call = call.unwrap();
    assert_eq!((call.title.as_str(), call.things, call.status), ("7 GPUs failed", 7, Status::Bad));
    assert_eq!(call.object.to_string(), "gpu:iad/h-1/4");
    let lines: Vec<&str> = call.text.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[3]), (4, "XID 79: GPU h-1 / 4, iad", "and 4 more"));
}

#[test]
fn a_fault_that_spreads_is_told_of_once_a_minute() {
    let mut watch = Watch::new();
    let mut told = Vec::new();
    for slot in 0..200 {
        told.extend(watch.see(1, &(0..=slot).map(|slot| gpu(slot, Status::Bad)).collect::<Vec<_>>(), false));
    }
    let at: Vec<i64> = told.iter().map(|(at, _)| *at).collect();
    assert_eq!(at, [5, 65, 125, 185]);
    assert_eq!(told[1].1, "60 GPUs failed");
}

#[test]
fn what_becomes_worse_is_told_again_and_what_becomes_better_is_not() {
    let mut watch = Watch::new();
    watch.check(60, &[gpu(5, Status::Warn)], &[(5, "XID 79: GPU h-1 / 5, iad")]);
    watch.check(60, &[gpu(5, Status::Bad)], &[(65, "XID 79: GPU h-1 / 5, iad")]);
    watch.check(60, &[gpu(5, Status::Warn)], &[]);
}

#[test]
fn only_what_was_asked_for_is_told() {
    for (kinds, warnings, wrong, want) in [
        (vec![NoticeKind::Gpu], true, gpu(0, Status::Warn), true),
        (vec![NoticeKind::Gpu], false, gpu(0, Status::Warn), false),
        (vec![NoticeKind::Gpu], false, gpu(0, Status::Bad), true),
        (vec![NoticeKind::Gpu], true, gpu(0, Status::Unknown), false),
        (vec![NoticeKind::Alert], true, gpu(0, Status::Bad), false),
        (vec![], true, gpu(0, Status::Bad), false),
    ] {
        let mut watch = Watch::new();
        watch.wishes = Wishes { kinds: kinds.into_iter().collect(), warnings, quiet: None };
        assert_eq!(
            !watch.see(100, std::slice::from_ref(&wrong), false).is_empty(),
            want,
            "{wrong:?} {:?}",
            watch.wishes
        );
    }
}

#[test]
fn what_may_pass_by_itself_is_given_time() {
    for (of, want) in [(NoticeKind::Source, 35), (NoticeKind::Workload, 35), (NoticeKind::Alert, 5)] {
        let told = Watch::new().see(100, &[kind(of)], false);
        assert_eq!(told.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [want], "{of:?}");
    }
}

#[test]
fn quiet_hours_hold_everything_and_end_with_one_summary_of_what_is_still_so() {
    let mut watch = Watch::new();
    let still = [gpu(1, Status::Bad), gpu(2, Status::Bad)];
    assert_eq!(watch.see(500, &[still[0].clone(), still[1].clone(), gpu(3, Status::Bad)], true), []);
    assert_eq!(watch.lookout.waiting(), 3);
    assert_eq!(watch.see(500, &still, true), []);
    watch.check(100, &still, &[(1_000, "Still so after the quiet hours: 2 GPUs failed")]);
    // What comes later is no summary.
    watch.check(70, &[gpu(9, Status::Bad)], &[(1_105, "XID 79: GPU h-1 / 9, iad")]);
}

#[test]
fn quiet_hours_in_which_everything_ended_end_in_silence() {
    let mut watch = Watch::new();
    watch.see(100, &[gpu(1, Status::Bad)], true);
    watch.see(100, &[], true);
    watch.check(10, &[], &[]);
    watch.check(10, &[gpu(2, Status::Bad)], &[(215, "XID 79: GPU h-1 / 2, iad")]);
}

#[test]
fn what_an_earlier_run_told_is_not_told_again() {
    let mut first = Watch::new();
    first.see(10, &[gpu(1, Status::Bad), gpu(2, Status::Warn)], false);
    let told: Vec<(FindingId, Status)> = first.lookout.told().map(|(id, status)| (id.clone(), status)).collect();
    assert_eq!(told.len(), 2);
    let mut second = Watch::new();
    second.lookout = Lookout::recalling(told, second.now());
    second.check(20, &[], &[]);
    let wrong = [gpu(1, Status::Bad), gpu(2, Status::Bad), gpu(3, Status::Bad)];
    second.check(60, &wrong, &[(25, "2 GPUs failed")]);
}

#[test]
fn a_page_of_text_and_signs_that_act_become_a_line() {
    let mut watch = Watch::new();
    let text = format!("a\nb\u{202e}{}", "x".repeat(5_000));
    let wrong = Wrong { title: text.clone(), text, ..gpu(1, Status::Bad) };
    let call = (0..10).find_map(|at| {
        let now = Stamp(NOW.0 + at * 1_000);
        watch.lookout.look(vec![wrong.clone()], &[], &watch.wishes, false, now)
    });
    let call = call.unwrap();
    assert_eq!((call.title.chars().count(), call.text.chars().count()), (100, 280));
    assert!(!call.text.contains(['\n', '\u{202e}']) && call.text.starts_with("a␊b"), "{}", call.text);
}

#[test]
fn findings_and_lost_sources_are_what_is_wrong_and_the_demo_is_not() {
    let node = Node::called("a-1").gpus(8).reads(1, Metric::Xid, 79.0).reads(3, Metric::ThermalSlowdown, 0.5);
    let mut fleet = view([node], []);
    fleet.findings = crate::findings(&fleet, NOW);
    let sources = [source("iad", Freshness::Live), source("ord", Freshness::Lost), source("sea", Freshness::Stale)];
    let lines = |sources: &[SourceState]| -> Vec<String> {
        let all = wrong(&fleet, sources).into_iter();
        all.map(|what| format!("{:?} {:?} {} {}", what.kind, what.status, what.id.rule, what.title)).collect()
    };
    let all = lines(&sources);
    assert_eq!(all.len(), 4, "{all:#?}");
    assert!(all[0].starts_with("Gpu Bad xid-79 XID 79: GPU a-1 / 1, iad"), "{all:#?}");
    assert!(all[1].starts_with("Finding Warn slowdown "), "{all:#?}");
    assert_eq!(all[2..], ["Source Bad lost Lost: ord", "Source Warn lost Stale: sea"]);
    let demo = sources.clone().map(|source| SourceState { demo: true, ..source });
    assert_eq!(lines(&demo), Vec::<String>::new());
}

/// What is wrong in one second: of eight GPUs, each well, warned of or bad.
fn seconds() -> impl Strategy<Value = Vec<(Vec<Option<Status>>, bool)>> {
    let gpu = prop_oneof![3 => Just(None), 1 => Just(Some(Status::Warn)), 1 => Just(Some(Status::Bad))];
    // States that last for a while, so that something comes of them.
    prop::collection::vec((prop::collection::vec(gpu, 8), prop::bool::weighted(0.2), 1_usize..90), 1..20).prop_map(
        |states| states.into_iter().flat_map(|(gpus, quiet, n)| std::iter::repeat_n((gpus, quiet), n)).collect(),
    )
}

proptest! {
    #[test]
    fn nothing_is_told_twice_nor_in_quiet_hours_nor_too_often(seconds in seconds()) {
        let (mut lookout, wishes, sources) = (Lookout::default(), everything(), [source("iad", Freshness::Live)]);
        let (mut told, mut last): (BTreeSet<FindingId>, Option<i64>) = (BTreeSet::new(), None);
        for (at, (gpus, quiet)) in seconds.iter().enumerate() {
            let at = at as i64;
            let wrong: Vec<Wrong> =
                gpus.iter().enumerate().filter_map(|(slot, status)| Some(gpu(slot as u16, (*status)?))).collect();
            let before: BTreeSet<FindingId> =
                lookout.told().filter(|(_, status)| *status == Status::Bad).map(|(id, _)| id.clone()).collect();
            let call = lookout.look(wrong.clone(), &sources, &wishes, *quiet, Stamp(NOW.0 + at * 1_000));
            let Some(call) = call else { continue };
            prop_assert!(!quiet);
            prop_assert!(last.is_none_or(|last| at - last >= 60), "{last:?} {at}");
            last = Some(at);
            // Only what is wrong now, and was not told as badly before.
            prop_assert!((1..=wrong.len() as u32).contains(&call.things));
            let now: BTreeSet<FindingId> = lookout.told().map(|(id, _)| id.clone()).collect();
            let worst = wrong.iter().find(|what| what.id.object == call.object);
            prop_assert!(worst.is_some_and(|what| what.status == call.status && !before.contains(&what.id)));
            told.extend(now);
        }
        prop_assert!(told.len() <= 8);
    }

    #[test]
    fn what_stays_wrong_is_told_within_two_minutes(seconds in seconds()) {
        let (mut lookout, wishes, sources) = (Lookout::default(), everything(), [source("iad", Freshness::Live)]);
        let mut at = 0;
        let mut look = |wrong: Vec<Wrong>, quiet| {
            at += 1_000;
            lookout.look(wrong, &sources, &wishes, quiet, Stamp(NOW.0 + at));
            lookout.told().map(|(id, status)| (id.clone(), status)).collect::<Vec<_>>()
        };
        for (gpus, quiet) in seconds {
            let all = gpus.iter().enumerate();
            look(all.filter_map(|(slot, status)| Some(gpu(slot as u16, (*status)?))).collect(), quiet);
        }
        let wrong: Vec<Wrong> = (0..8).map(|slot| gpu(slot, Status::Bad)).collect();
        let mut told = Vec::new();
        for _ in 0..120 {
            told = look(wrong.clone(), false);
        }
        prop_assert!(wrong.iter().all(|what| told.contains(&(what.id.clone(), Status::Bad))), "{told:?}");
    }
}

#[test]
fn it_keeps_a_bounded_number_of_things_in_mind() {
    let object = |n: usize| ObjectRef::Connection(ConnectionId::slug(&format!("n{n}")));
    let wrong: Vec<Wrong> = (0..MOST + 40)
        .map(|n| Wrong { id: FindingId { object: object(n), ..gpu(0, Status::Bad).id }, ..gpu(0, Status::Bad) })
        .collect();
    let (mut lookout, mut calls) = (Lookout::default(), 0);
    for second in [0, 5, 70, 140] {
        let now = Stamp(NOW.0 + second * 1_000);
        calls += usize::from(lookout.look(wrong.clone(), &[], &everything(), false, now).is_some());
        assert!(lookout.told().count() + lookout.waiting() <= MOST);
    }
    assert_eq!(calls, 1);
}

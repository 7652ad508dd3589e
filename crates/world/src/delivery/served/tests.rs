//! Tables of what a service of KServe says, and what follows from it.

use super::*;
use crate::{
    delivery::{self, Sizes},
    fact::{ControllerFact, FailureFact, LoadFact, SizeFact, TargetFact},
};

fn condition(kind: &str, status: &str, reason: Option<&str>) -> StatedFact {
    StatedFact {
        kind: kind.into(),
        status: status.into(),
        reason: reason.map(SmolStr::from),
        message: reason.map(|_| "in its own words".to_owned()),
        since: None,
    }
}

/// A service that is ready, with two pods that all have the newest revision.
fn service(mode: ServedMode, change: impl FnOnce(&mut DeliveryFact, &mut ServedFact)) -> DeliveryFact {
    let mut fact = DeliveryFact {
        conditions: vec![condition("PredictorReady", "True", None), condition("Ready", "True", None)],
        pods: PodsFact { all: 2, updated: 2, ready: 2, available: 2 },
        ..DeliveryFact::default()
    };
    let mut served = ServedFact { mode, ..ServedFact::default() };
    change(&mut fact, &mut served);
    DeliveryFact { strategy: StrategyFact::Served(Box::new(served)), ..fact }
}

#[track_caller]
fn check(fact: &DeliveryFact, want: &str) {
    let controller = ControllerFact { replicas: Some(2), ..ControllerFact::default() };
    let (phase, why) = delivery::phase(&controller, fact);
    assert_eq!(format!("{}: {why}", phase.word()).trim_end_matches(": "), want);
}

#[test]
fn what_its_conditions_say_is_its_phase() {
    let standard = |change: fn(&mut DeliveryFact, &mut ServedFact)| service(ServedMode::Standard, change);
    check(&standard(|_, _| ()), "Healthy");
    check(&standard(|fact, _| fact.conditions.clear()), "Progressing: no controller has said anything of it yet");
    check(
        &standard(|fact, _| {
            fact.conditions = vec![
                condition("IngressReady", "True", None),
                condition("PredictorReady", "False", Some("MinimumReplicasUnavailable")),
                condition("Ready", "False", Some("MinimumReplicasUnavailable")),
            ];
        }),
        "Progressing: PredictorReady: MinimumReplicasUnavailable: in its own words",
    );
    check(
        &standard(|fact, _| {
            fact.conditions =
                vec![condition("Ready", "False", None), condition("PredictorReady", "False", Some("RevisionFailed"))];
        }),
        "Degraded: PredictorReady: RevisionFailed: in its own words",
    );
    check(
        &standard(|fact, _| {
            fact.conditions = vec![condition("Ready", "Unknown", None), condition("IngressReady", "Unknown", None)];
        }),
        "Progressing: IngressReady",
    );
}

#[test]
fn a_model_that_does_not_load_is_a_failure_with_its_words() {
    let failed = |transition: &str| {
        service(ServedMode::Standard, |_, served| {
            served.load = LoadFact {
                transition: Some(transition.into()),
                failure: Some(FailureFact {
                    reason: Some("ModelLoadFailed".into()),
                    message: Some("no space left".into()),
                    exit_code: Some(1),
                    location: Some("chat-0".into()),
                    at: None,
                }),
                ..LoadFact::default()
            };
        })
    };
    check(
        &failed("BlockedByFailedLoad"),
        "Degraded: BlockedByFailedLoad: ModelLoadFailed: no space left (exit code 1, at chat-0)",
    );
    // The last failure stays also after a model has loaded: it is no failure of now.
    check(&failed("UpToDate"), "Healthy");
}

#[test]
fn stopped_and_started_are_told_by_what_is_wanted_and_what_is() {
    let stop = |wants: bool, is: &'static str| {
        service(ServedMode::Standard, move |fact, served| {
            served.stops = wants;
            fact.conditions = vec![condition("Stopped", is, None), condition("Ready", "False", Some("Stopped"))];
        })
    };
    check(&stop(true, "False"), "Progressing: it is being stopped");
    check(&stop(true, "True"), "Paused: stopped by a person");
    check(&stop(false, "True"), "Progressing: it is being started");
    check(
        &service(ServedMode::Standard, |fact, _| fact.conditions.push(condition("Stopped", "False", None))),
        "Healthy",
    );
}

#[test]
fn pods_that_are_replaced_are_on_their_way_though_the_service_is_ready() {
    let with = |pods| service(ServedMode::Standard, move |fact, _| fact.pods = pods);
    check(
        &with(PodsFact { all: 3, updated: 1, ready: 2, available: 2 }),
        "Progressing: 1 of 2 pods have the new revision",
    );
    check(&with(PodsFact { all: 3, updated: 2, ready: 2, available: 2 }), "Progressing: 1 old pods are still there");
    check(&with(PodsFact { all: 2, updated: 2, ready: 1, available: 1 }), "Progressing: 1 of 2 pods are available");
    // Whose revisions may not be read.
    check(&with(PodsFact::default()), "Healthy");
    let loads = service(ServedMode::Standard, |_, served| {
        (served.load.transition, served.load.target) = (Some("InProgress".into()), Some("Loading".into()));
    });
    check(&loads, "Progressing: its model is being loaded: Loading");
}

/// Revision 2 beside 1, of which the router gives these shares.
fn canary(percent: Option<u32>, shares: &[(&str, u32)], change: impl FnOnce(&mut ServedFact)) -> DeliveryFact {
    service(ServedMode::Knative, |_, served| {
        (served.created, served.ready) = (Some("chat-2".into()), Some("chat-2".into()));
        served.rolled_out = Some("chat-1".into());
        served.percent = percent;
        served.traffic =
            shares.iter().map(|(name, percent)| TargetFact { revision: (*name).into(), percent: *percent }).collect();
        change(served);
    })
}

#[track_caller]
fn splits(fact: &DeliveryFact, want: (Option<u32>, Option<u32>)) {
    let split = delivery::split(fact, &Sizes::new());
    assert_eq!((split.wanted, split.actual), want);
}

#[test]
fn a_canary_of_knative_is_as_its_router_has_it() {
    let ten = canary(Some(10), &[("chat-2", 10), ("chat-1", 90)], |_| ());
    splits(&ten, (Some(10), Some(10)));
    check(&ten, "Paused: a canary of 10 % waits for a person");
    let behind = canary(Some(50), &[("chat-2", 10), ("chat-1", 90)], |_| ());
    splits(&behind, (Some(50), Some(10)));
    check(&behind, "Progressing: its newest revision gets 10 %, and should get 50 %");
    let back = canary(Some(0), &[("chat-2", 0), ("chat-1", 100)], |_| ());
    splits(&back, (Some(0), Some(0)));
    check(&back, "Paused: its newest revision gets no traffic: it was rolled back, or waits");
    let promoted = canary(None, &[("chat-2", 100)], |served| {
        (served.rolled_out, served.before) = (Some("chat-2".into()), Some("chat-1".into()));
    });
    splits(&promoted, (Some(100), Some(100)));
    check(&promoted, "Healthy");
    // What is said of a split that nobody else is part of splits nothing: it is for the revision that comes next.
    let next = canary(Some(10), &[("chat-2", 100)], |served| served.rolled_out = Some("chat-2".into()));
    splits(&next, (Some(100), Some(100)));
    let unready = canary(Some(10), &[("chat-1", 100)], |served| served.ready = Some("chat-1".into()));
    splits(&unready, (Some(10), Some(0)));
    check(&unready, "Progressing: revision chat-2 is not ready; chat-1 answers");
    let silent = canary(Some(10), &[], |_| ());
    splits(&silent, (Some(10), None));
}

#[test]
fn the_revision_that_is_gone_back_to_is_the_other_one() {
    let of = |fact: &DeliveryFact| served(fact).and_then(ServedFact::stable).map(ToString::to_string);
    assert_eq!(of(&canary(Some(10), &[("chat-2", 10), ("chat-1", 90)], |_| ())).as_deref(), Some("chat-1"));
    assert_eq!(of(&canary(Some(10), &[], |_| ())).as_deref(), Some("chat-1"));
    let alone = canary(None, &[("chat-2", 100)], |served| served.rolled_out = Some("chat-2".into()));
    assert_eq!(of(&alone).as_deref(), Some("chat-2"));
    assert_eq!(of(&service(ServedMode::Standard, |_, _| ())), None);
}

#[test]
fn pods_are_counted_by_the_sizes_of_revisions() {
    let (new, old) = (SmolStr::from("b"), SmolStr::from("a"));
    let size = |all, available| SizeFact { all, ready: available, available, ..SizeFact::default() };
    let (of_new, of_old) = (size(1, 0), size(2, 2));
    let sizes = Sizes::from([(&new, &of_new), (&old, &of_old)]);
    assert_eq!(pods(Some(&new), &sizes), PodsFact { all: 3, updated: 1, ready: 2, available: 2 });
    assert_eq!(pods(None, &Sizes::new()), PodsFact::default());
}

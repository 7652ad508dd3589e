//! Who keeps a service where it is served from, and what comes of that: applications of Argo CD and their syncs, stages and
//! promotions of Kargo, canaries of Flagger.

use super::{BEGAN, Told, controller, workload};
use pilothouse_wire::{
    Stamp,
    view::{
        Mark, MarkKind, Status,
        delivery::{Guard, Keeper},
    },
};
use pilothouse_world::{
    Extent, Fact,
    fact::{
        ApplicationFact, DeliveryFact, FlaggerFact, Kind, OwnerFact, PromotionFact, RepositorySource, StageFact,
        StrategyFact, SyncedFact,
    },
};
use std::time::Duration;

fn application(history: Vec<SyncedFact>) -> Fact {
    let source = RepositorySource {
        repository: "https://git.example/m".into(),
        path: Some("prod".into()),
        revision: Some("main".into()),
        chart: None,
    };
    Fact::Application(Box::new(ApplicationFact {
        namespace: "argocd".into(),
        name: "serving".into(),
        sources: vec![source],
        automated: true,
        self_heal: true,
        sync: Some("Synced".into()),
        history,
        ..ApplicationFact::default()
    }))
}

fn guarded(by: Keeper, name: &str) -> Fact {
    let delivery = DeliveryFact { guard: Some(Guard { by, name: name.into() }), ..DeliveryFact::default() };
    Fact::Delivered(controller("Deployment", "chat"), Box::new(delivery))
}

#[test]
fn who_keeps_a_service_is_found_in_its_own_cluster_or_as_the_only_one_of_the_name() {
    let kept = |source: &[&str], by, name: &str| {
        let mut told = Told::new();
        told.tell(vec![guarded(by, name)]);
        source.iter().for_each(|source| told.of(source, Extent::Delta, vec![application(Vec::new())]));
        let row = told.row("Deployment", "chat");
        (row.guard.map(|guard| guard.by), row.kept.map(|kept| kept.application.to_string()))
    };
    let own = "object:iad/applications.v1alpha1.argoproj.io/Application/argocd/serving";
    let far = own.replace("iad", "hub");
    let argo = Some(Keeper::ArgoCd);
    assert_eq!(kept(&["iad"], Keeper::ArgoCd, "serving"), (argo, Some(own.to_owned())));
    assert_eq!(kept(&["iad"], Keeper::ArgoCd, "argocd_serving"), (argo, Some(own.to_owned())));
    assert_eq!(kept(&["iad"], Keeper::ArgoCd, "team_serving"), (argo, None));
    assert_eq!(kept(&["iad", "hub"], Keeper::ArgoCd, "serving"), (argo, Some(own.to_owned())));
    assert_eq!(kept(&["hub"], Keeper::ArgoCd, "serving"), (argo, Some(far)));
    assert_eq!(kept(&["hub", "spoke"], Keeper::ArgoCd, "serving"), (argo, None));
    // A label that everybody leaves is believed of an application beside it, and of no other.
    assert_eq!(kept(&["iad"], Keeper::ArgoCdPerhaps, "serving"), (argo, Some(own.to_owned())));
    assert_eq!(kept(&["hub"], Keeper::ArgoCdPerhaps, "serving"), (Some(Keeper::ArgoCdPerhaps), None));
    assert_eq!(kept(&["iad"], Keeper::FluxRelease, "serving"), (Some(Keeper::FluxRelease), None));
}

#[test]
fn what_a_promotion_told_of_is_not_told_again_by_its_stage() {
    let mut told = Told::new();
    let stage = |freight: &str| {
        Fact::Stage(Box::new(StageFact {
            namespace: "kargo".into(),
            name: "prod".into(),
            freight: vec![freight.into()],
            holds: vec![format!("chat:{freight}").into()],
            ..StageFact::default()
        }))
    };
    let promotion = PromotionFact {
        namespace: "kargo".into(),
        name: "p".into(),
        stage: "prod".into(),
        freight: "f1".into(),
        phase: Some("Succeeded".into()),
        finished: Some(Stamp(BEGAN)),
        ..PromotionFact::default()
    };
    told.tell(vec![stage("f0")]);
    told.tell(vec![Fact::Promotion(Box::new(promotion)), stage("f1")]);
    assert_eq!(told.marks(MarkKind::Config).len(), 0);
    told.tell(vec![stage("f2")]);
    assert_eq!(told.marks(MarkKind::Config)[0].title, "prod holds chat:f2");
}

#[test]
fn a_stage_that_is_not_well_any_more_is_told_and_so_is_one_that_is_again() {
    let mut told = Told::new();
    let stage = |health: &str, holds: &str| {
        Fact::Stage(Box::new(StageFact {
            namespace: "kargo".into(),
            name: "prod".into(),
            health: Some(health.into()),
            holds: vec![holds.into()],
            ..StageFact::default()
        }))
    };
    for (health, holds) in [
        ("Healthy", "chat:1"),
        ("Progressing", "chat:2"),
        ("Unhealthy", "chat:2"),
        ("Unhealthy", "chat:2"),
        ("Healthy", "chat:2"),
    ] {
        told.tell(vec![stage(health, holds)]);
    }
    let held = told.marks(MarkKind::Config);
    assert_eq!(
        held.iter().map(|mark| mark.detail.as_deref()).collect::<Vec<_>>(),
        [Some("its stage says Progressing")]
    );
    let mut turns: Vec<(String, Status)> =
        told.marks(MarkKind::Phase).into_iter().map(|mark| (mark.title, mark.status)).collect();
    turns.sort();
    assert_eq!(turns, [("prod Healthy".to_owned(), Status::Good), ("prod Unhealthy".to_owned(), Status::Bad)]);
}

#[test]
fn each_sync_is_a_change_once_and_a_canary_of_flagger_guards_its_target() {
    let mut told = Told::new();
    let synced = |id, revision: &str, at| SyncedFact { id, revision: Some(revision.into()), at: Some(at), by: None };
    let before = synced(0, &"a".repeat(40), Stamp(BEGAN - 3_600_000));
    told.list(Kind::Application, vec![application(vec![before.clone()])]);
    let after = synced(1, "v2", told.now.plus(Duration::from_secs(9)));
    told.tell(vec![application(vec![before.clone(), after.clone()])]);
    told.list(Kind::Application, vec![application(vec![before, after])]);
    let marks: Vec<(String, bool)> =
        told.marks(MarkKind::Deploy).into_iter().map(|mark| (mark.title, mark.rebuilt)).collect();
    let want = [("serving synced to aaaaaaaa", true), ("serving synced to v2", false)];
    let mut titles: Vec<(&str, bool)> = marks.iter().map(|(title, rebuilt)| (title.as_str(), *rebuilt)).collect();
    titles.sort_unstable();
    assert_eq!(titles, want);

    let flagger = FlaggerFact {
        target: OwnerFact { kind: "Deployment".into(), name: "chat".into() },
        phase: Some("Progressing".into()),
        weight: Some(25),
        weights: vec![10, 20, 30],
        ..FlaggerFact::default()
    };
    let delivery = DeliveryFact {
        strategy: StrategyFact::Flagger(Box::new(flagger)),
        observed: Some(0),
        ..DeliveryFact::default()
    };
    told.tell(vec![
        workload("Deployment", "chat", &[]),
        Fact::Delivered(controller("Canary", "chat"), Box::new(delivery)),
    ]);
    let row = told.row("Canary", "chat");
    assert_eq!((row.traffic.wanted, row.step_words().as_deref()), (Some(25), Some("2 of 3")));
    assert_eq!(told.row("Deployment", "chat").guard.map(|guard| guard.words()).as_deref(), Some("Flagger, chat"));

    let promotion = |phase: &str, finished| {
        Fact::Promotion(Box::new(PromotionFact {
            namespace: "kargo".into(),
            name: "p".into(),
            stage: "prod".into(),
            freight: "f1".into(),
            phase: Some(phase.into()),
            finished,
            ..PromotionFact::default()
        }))
    };
    let now = told.now.plus(Duration::from_secs(5));
    told.tell(vec![promotion("Running", None)]);
    told.tell(vec![promotion("Failed", Some(now))]);
    told.tell(vec![promotion("Failed", Some(now))]);
    let failed: Vec<Mark> =
        told.marks(MarkKind::Deploy).into_iter().filter(|mark| mark.title.contains("prod")).collect();
    assert_eq!((failed.len(), failed[0].title.as_str()), (1, "prod gets f1: Failed"));
}

//! Addresses of each kind, before and after what they lead to moved, and each way not to know.

use super::*;
use pilothouse_wire::{
    AddressPlace, ConnectionId,
    view::{AliasStay, Readiness},
};
use proptest::prelude::*;

fn version(number: u64, run: &str) -> VersionRow {
    VersionRow {
        number,
        created: Some(Stamp(1_000 * i64::try_from(number).unwrap())),
        updated: Some(Stamp(1_000)),
        stage: (number == 2).then(|| "Production".into()),
        readiness: Readiness::Ready,
        message: None,
        description: None,
        source: Some(format!("s3://bucket/{run}/model").into()),
        run: (!run.is_empty()).then(|| run.into()),
        model: Some(format!("m-{number}").into()),
        user: None,
        tags: Vec::new(),
    }
}

fn model(source: &str, name: &str, aliases: &[AliasRow], runs: &[&str]) -> ModelRow {
    let versions = runs.iter().zip(1..).map(|(run, number)| version(number, run));
    ModelRow {
        id: ModelId { source: ConnectionId::slug(source), name: name.into() },
        created: None,
        updated: None,
        description: None,
        tags: Vec::new(),
        aliases: aliases.to_vec(),
        versions: versions.collect::<Vec<_>>().into_iter().rev().collect(),
        more: 0,
    }
}

/// Chat has three versions, registered at 1, 2 and 3 seconds. `champion` was seen at 2 from 4 seconds on until 5, and at 3
/// since 6; `old` was there when it was first looked at, at 4.
pub(in crate::lineage) fn models() -> ModelsView {
    let at = |seconds: i64| Stamp(1_000 * seconds);
    let champion = AliasRow {
        name: "champion".into(),
        version: 3,
        since: Some(at(6)),
        seen: Some(at(6)),
        before: Some(AliasStay { version: 2, since: at(4), until: at(5) }),
    };
    let old = AliasRow { name: "old".into(), version: 1, seen: Some(at(4)), ..AliasRow::default() };
    let newer = AliasRow { name: "newer".into(), version: 3, seen: Some(at(4)), ..AliasRow::default() };
    let chat = model("main", "chat", &[champion, old, newer], &["r1", "r2", "r3"]);
    let twice = [model("main", "both", &[], &["r9"]), model("other", "both", &[], &["r9"])];
    let orphan = model("main", "orphan", &[], &[""]);
    ModelsView { models: [chat, orphan].into_iter().chain(twice).collect() }
}

fn of(text: &str, began: Option<i64>) -> Lineage {
    let address = ModelAddress { text: text.into(), place: AddressPlace::Variable("MODEL_URI".into()) };
    let start = ContainerStart {
        container: "server".into(),
        began: began.map(|seconds| Stamp(1_000 * seconds)),
        models: vec![address.clone()],
    };
    let lineage = lineage(&start, &address, &models());
    assert!(lineage.links.iter().all(|link| !link.evidence.is_empty()), "{lineage:?}");
    lineage
}

/// Version, aliases, run, verdict, of a container that began then.
#[track_caller]
fn check(text: &str, began: Option<i64>, want: &str) {
    let lineage = of(text, began);
    let values: Vec<&str> = lineage.links[1..].iter().map(|link| link.value.as_deref().unwrap_or("-")).collect();
    assert_eq!(format!("{}: {}", lineage.verdict.word(), values.join(", ")), want, "{text} {began:?}");
}

/// What it comes to.
#[track_caller]
fn says(text: &str, began: Option<i64>, want: &str) {
    assert_eq!(of(text, began).sentence, want, "{text} {began:?}");
}

#[test]
fn an_address_leads_to_a_version_its_aliases_and_its_run() {
    for (text, began, want) in [
        ("models:/chat/3", None, "pinned: chat/3 in main, champion, newer, r3"),
        ("models:/chat@champion", Some(6), "current: chat/3 in main, champion, newer, r3"),
        ("models:/chat@old", Some(4), "current: chat/1 in main, old, r1"),
        ("models:/chat/latest", Some(9), "current: chat/3 in main, champion, newer, r3"),
        ("models:/chat/Production", Some(9), "current: chat/2 in main, none, r2"),
        ("models:/m-2", None, "pinned: chat/2 in main, none, r2"),
        ("runs:/r2/model", None, "pinned: chat/2 in main, none, r2"),
        ("mlflow-artifacts:/1/r1/artifacts/model", None, "pinned: chat/1 in main, old, r1"),
        ("mlflow-artifacts://mlflow:5000/1/r1/artifacts/model", None, "pinned: chat/1 in main, old, r1"),
        ("s3://bucket/r3/model/", None, "pinned: chat/3 in main, champion, newer, r3"),
        ("models:/orphan/1", None, "pinned: orphan/1 in main, none, -"),
    ] {
        check(text, began, want);
    }
}

#[test]
fn what_moved_since_is_called_out_with_what_runs_where_that_was_seen() {
    check("models:/chat@champion", Some(5), "moved: chat/2 in main, none, r2");
    says(
        "models:/chat@champion",
        Some(5),
        "chat@champion moved 1 s after it began: it runs version 2, and one that starts anew gets version 3.",
    );
    check("models:/chat@champion", Some(3), "moved: -, -, -");
    says(
        "models:/chat@champion",
        Some(3),
        "chat@champion moved 3 s after it began: which version it runs is not known, and one that starts anew gets version 3.",
    );
    check("models:/chat/latest", Some(2), "moved: chat/2 in main, none, r2");
    says(
        "models:/chat/latest",
        Some(2),
        "Version 3 was registered since it began: it runs version 2, and one that starts anew gets version 3.",
    );
    // Nobody saw the alias move, but the version was not there yet.
    says(
        "models:/chat@newer",
        Some(2),
        "chat@newer moved since it began: which version it runs is not known, and one that starts anew gets version 3.",
    );
}

#[test]
fn what_is_not_known_says_why() {
    for (text, began, why) in [
        (
            "models:/chat@old",
            Some(3),
            "Alias old leads to version 1 now; whether it did when the container began was not seen.",
        ),
        (
            "models:/chat@champion",
            None,
            "The container does not run: what the address leads to is looked up as it begins.",
        ),
        ("models:/chat@none", Some(9), "main has no alias none of chat now."),
        ("models:/chat/Staging", Some(9), "No version of chat is in stage Staging now."),
        (
            "models:/chat/Production",
            Some(0),
            "Version 2 is in stage Production now; whether it was when the container began is not kept.",
        ),
        ("models:/chat/9", None, "main has no version 9 of chat now."),
        ("models:/other/1", None, "No registry that is connected has a model other."),
        ("models:/both/1", None, "It may be that of main or that of other: each has a model both."),
        (
            "models:/m-1",
            None,
            "It may be both/1 or chat/1 or orphan/1 or both/1: each was registered from the logged model m-1.",
        ),
        ("runs:/r7/model", None, "No version that is registered was made from run r7."),
        ("s3://bucket/r3", None, "No version that is registered was made from s3://bucket/r3."),
        ("org/chat-8b", None, "No version that is registered was made from org/chat-8b."),
    ] {
        check(text, began, "unknown: -, -, -");
        says(text, began, why);
    }
    let address = ModelAddress { text: "models:/chat/3".into(), place: AddressPlace::Argument };
    let none = ModelsView::default();
    let nothing = resolve(&address, None, &none);
    assert_eq!((nothing.version, nothing.evidence.as_str()), (None, "No registry of models is read."));
}

#[test]
fn each_link_says_what_it_rests_on() {
    let lineage = of("models:/chat@champion", Some(7));
    let evidence: Vec<&str> = lineage.links.iter().map(|link| link.evidence.as_str()).collect();
    assert_eq!(
        evidence,
        [
            "By variable MODEL_URI of the container.",
            "Alias champion leads to version 3, since 1970-01-01T00:00:06Z, and did before the container began.",
            "main says so of version 3.",
            "main says that version 3 was registered with it.",
        ]
    );
    assert_eq!(of("runs:/r2/model", None).links[3].evidence, "The address names it.");
}

proptest! {
    /// Whatever stands there, a version that is named is one that the registry has, and a verdict that is good has one.
    #[test]
    fn what_is_found_is_there(
        text in "(models:/|runs:/|mlflow-artifacts:/|s3://)?(chat|both|m-1|r1|x)?[a-z0-9@/-]{0,8}",
        began in proptest::option::of(0i64..9),
    ) {
        let models = models();
        let address = ModelAddress { text: text.into(), place: AddressPlace::Argument };
        let found = resolve(&address, began.map(|seconds| Stamp(1_000 * seconds)), &models);
        if let Some(number) = found.version {
            prop_assert!(found.model.is_some_and(|model| model.version(number).is_some()));
        }
        let good = matches!(found.verdict, LineageVerdict::Current | LineageVerdict::Pinned);
        prop_assert!(!good || found.version.is_some());
    }
}

//! The very bytes that a wall's socket sends: whatever servers and persons wrote, none of their sentences is in them, nor what a
//! workload is given by name; that something changed is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

mod common;

use common::{Door, next, options, say};
use pilothouse_engine::{Engine, Paths, record};
use pilothouse_journal::{Limits, Recorder};
use pilothouse_serve::{Book, Grade, serve};
use pilothouse_wire::{
    Answer, Ask, Code, ConnectionId, Health, Problem, Stamp, ViewSpec, When,
    codec::{self, ToEngine, ToPage},
    view::{AlertState, DeliveryPhase, FleetSpec, Status, alert::described},
};
use pilothouse_world::{
    Batch, Extent, Fact,
    fact::{
        ActedFact, AlertFact, AlertsFact, ApplicationFact, ContainerFact, ControllerFact, Covers, DeliveryFact,
        EventFact, Kind, MadeFact, NodeFact, NoteFact, OwnerFact, PodFact, PromotionFact, RepositorySource,
        RevisionFact, RolloutFact, SourceAbout, SourceFact, SyncedFact, TemplateFact,
    },
};
use std::{path::Path, time::Duration};
use tokio_tungstenite::tungstenite::Message;

const END: Stamp = Stamp(1_800_000_000_000);

fn ago(seconds: u64) -> Stamp {
    END.minus(Duration::from_secs(seconds))
}

/// What nobody who passes by should read, by where it comes from.
const PRIVATE: [&str; 15] = [
    "canary-config-map",
    "canary-secret",
    "canary-message",
    "canary-event",
    "canary-promotion",
    "canary-repository",
    "canary-note",
    "canary-outcome",
    "canary-person",
    "canary-label",
    "canary-runbook",
    "canary-lost",
    "canary-description",
    "canary-image",
    "canary-address",
];

/// What the ribbon tells all the same.
const TOLD: [&str; 12] = [
    "chat a ConfigMap → another",
    "a Secret → another, revision 1 → 2",
    "web v2",
    "roll Degraded",
    "web-0: BackOff",
    "prod gets v3: Failed",
    "site synced to v7",
    "Undo roll to revision 1",
    "It is slow.",
    "Hot",
    "Run another image in Deployment web",
    "Serve another model by Deployment chat",
];

fn revision(owner: (&str, &str), number: u64, image: &str, canary: &str) -> Fact {
    let made = MadeFact { name: "server".into(), ..MadeFact::default() };
    let revision = RevisionFact {
        namespace: "serving".into(),
        name: format!("{}-{number}", owner.1).into(),
        owner: OwnerFact { kind: owner.0.into(), name: owner.1.into() },
        number,
        created: Some(ago(900 - number)),
        images: vec![("server".into(), image.into())],
    };
    let template = TemplateFact {
        containers: vec![made],
        config_maps: vec![format!("canary-config-map-{canary}").into()],
        secrets: vec![format!("canary-secret-{canary}").into()],
        ..TemplateFact::default()
    };
    Fact::TemplatedRevision(Box::new(revision), None, Box::new(template))
}

fn rollout(phase: DeliveryPhase) -> Fact {
    let controller = ControllerFact {
        kind: "Rollout".into(),
        namespace: "serving".into(),
        name: "roll".into(),
        replicas: Some(1),
        ..ControllerFact::default()
    };
    let rollout = RolloutFact {
        phase: Some(phase.word().into()),
        message: Some("canary-message: of a controller".into()),
        ..RolloutFact::default()
    };
    let delivery = DeliveryFact {
        generation: 1,
        observed: Some(1),
        current: Some("a".into()),
        stable: Some("a".into()),
        rollout: Some(Box::new(rollout)),
        ..DeliveryFact::default()
    };
    Fact::Delivered(Box::new(controller), Box::new(delivery))
}

/// A record in which servers and persons said all sorts of things.
fn a_record(path: &Path) {
    let recorder = Recorder::open(path, Limits::default()).unwrap();
    let say = |source: &str, seen_at: Stamp, extent: Extent, facts: Vec<Fact>| {
        recorder.append(&Batch { source: ConnectionId::slug(source), seen_at, extent, facts });
    };
    let listed = |kind| Extent::Replace(Covers { kind, namespace: None });
    for (name, kind) in [("iad", "kubernetes"), ("am", "alertmanager"), ("gone", "kubernetes")] {
        let about = SourceAbout { name: name.into(), kind: kind.into(), period_ms: 60_000, ..SourceAbout::default() };
        let facts = [SourceFact::About(Box::new(about)), SourceFact::Health(Health::Well), SourceFact::Heard];
        say(name, ago(800), Extent::Delta, facts.map(Fact::Source).to_vec());
    }
    let node = NodeFact { name: "h-1".into(), ..NodeFact::default() };
    say("iad", ago(800), listed(Kind::Node), vec![Fact::Node(Box::new(node))]);
    let pod = PodFact {
        namespace: "serving".into(),
        name: "web-0".into(),
        containers: vec![ContainerFact { name: "server".into(), ..ContainerFact::default() }],
        ..PodFact::default()
    };
    say("iad", ago(800), listed(Kind::Pod), vec![Fact::Pod(Box::new(pod))]);
    let event = EventFact {
        uid: "1".into(),
        kind: "Pod".into(),
        namespace: Some("serving".into()),
        name: "web-0".into(),
        warning: true,
        reason: "BackOff".into(),
        note: "canary-event: of a kubelet".into(),
        count: 1,
        at: ago(850),
    };
    say("iad", ago(800), listed(Kind::Event), vec![Fact::Event(Box::new(event))]);
    let (chat, web) = (("Deployment", "chat"), ("Deployment", "web"));
    let first = vec![revision(chat, 1, "chat:v1", "a-1"), revision(web, 1, "web:v1", "a-1")];
    say("iad", ago(700), listed(Kind::ReplicaSet), first);
    let second = vec![revision(chat, 2, "chat:v1", "a-2"), revision(web, 2, "web:v2", "a-2")];
    say("iad", ago(600), Extent::Delta, second);
    say("iad", ago(550), Extent::Delta, vec![rollout(DeliveryPhase::Healthy)]);
    say("iad", ago(500), Extent::Delta, vec![rollout(DeliveryPhase::Degraded)]);
    let promotion = PromotionFact {
        namespace: "shop".into(),
        name: "p-1".into(),
        stage: "prod".into(),
        freight: "v3".into(),
        phase: Some("Failed".into()),
        message: Some("canary-promotion: of a controller".into()),
        by: Some("canary-person".into()),
        created: Some(ago(410)),
        finished: Some(ago(400)),
    };
    let application = |at: Option<Stamp>| {
        let synced =
            SyncedFact { revision: Some("v7".into()), at, by: Some("canary-person".into()), ..SyncedFact::default() };
        Fact::Application(Box::new(ApplicationFact {
            namespace: "argocd".into(),
            name: "site".into(),
            sources: vec![RepositorySource {
                repository: "https://canary-repository/x".into(),
                ..RepositorySource::default()
            }],
            history: at.map(|_| synced).into_iter().collect(),
            ..ApplicationFact::default()
        }))
    };
    say("iad", ago(410), Extent::Delta, vec![application(None)]);
    say("iad", ago(395), Extent::Delta, vec![Fact::Promotion(Box::new(promotion)), application(Some(ago(396)))]);
    let alert = AlertFact {
        fingerprint: "f".into(),
        name: "Slow".into(),
        state: AlertState::Firing,
        since: ago(350),
        summary: Some("It is slow.".into()),
        labels: vec![("team".into(), "canary-label".into())],
        runbook: Some("https://canary-runbook".into()),
        ..AlertFact::default()
    };
    let described = AlertFact {
        fingerprint: "g".into(),
        name: "Hot".into(),
        summary: Some(described("description", "the log says canary-description")),
        labels: vec![("namespace".into(), "serving".into())],
        ..alert.clone()
    };
    let alerts = |alerts| vec![Fact::Alerts(Box::new(AlertsFact { cluster: None, alerts }))];
    say("am", ago(360), Extent::Delta, alerts(Vec::new()));
    say("am", ago(350), Extent::Delta, alerts(vec![alert, described]));
    let lost = Problem::new(Code::Refused, "canary-lost refused the connection.");
    say("gone", ago(300), Extent::Delta, vec![Fact::Source(SourceFact::Health(Health::Lost(lost)))]);
    let object = NoteFact::about_nothing();
    let note = NoteFact { at: ago(250), object: object.clone(), text: "canary-note: of a person".into() };
    let acted = ActedFact {
        at: ago(200),
        object: "workload:iad/serving/Rollout/roll".parse().unwrap(),
        title: "Undo roll to revision 1".into(),
        by: "canary-person".into(),
        outcome: "refused: canary-outcome".into(),
        status: Status::Warn,
    };
    let done = |workload: &str, title: &str| {
        let object = format!("workload:iad/serving/Deployment/{workload}").parse().unwrap();
        Fact::Acted(Box::new(ActedFact { object, title: title.into(), ..acted.clone() }))
    };
    let facts = vec![
        Fact::Note(Box::new(note)),
        done("web", "Run canary-image.example/web:v3 in server of Deployment web"),
        done("chat", "Serve s3://canary-address/chat by Deployment chat"),
        Fact::Acted(Box::new(acted.clone())),
    ];
    say("pilothouse", ago(150), Extent::Delta, facts);
    say("iad", END, Extent::Delta, vec![Fact::Source(SourceFact::Heard)]);
    recorder.flush();
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[tokio::test]
async fn no_sentence_of_a_controller_and_no_name_of_a_secret_or_config_map_is_in_what_a_wall_is_sent() {
    let home = tempfile::tempdir().unwrap();
    let journal = home.path().join("journal.db");
    a_record(&journal);
    let opened = record::open(&journal).await.unwrap();
    let operator = Engine::open(&opened, Paths::under(home.path())).await.unwrap();
    let book = Some(Book::at(home.path().join("wall.json")));
    let wall = pilothouse_serve::ServeOptions { book, ..options("127.0.0.1:0", Grade::Wall) };
    let door = Door { serving: serve(operator.reader(), wall).await.unwrap(), operator, home };
    let mut socket = door.greeted(&door.cookie().await).await;

    let scope = FleetSpec::default;
    let ribbon = ViewSpec::Ribbon { span: Duration::from_secs(7 * 86_400), end: When::Now };
    let shown = [ribbon, ViewSpec::Fleet(scope()), ViewSpec::Room(scope()), ViewSpec::Waste(scope())];
    let (mut sent, mut kept) = (Vec::new(), String::new());
    for (number, spec) in (1..).zip(shown) {
        let Answer::Frame(frame) =
            door.operator.reader().ask(Ask::Frame { spec: spec.clone(), when: When::Now }).await.unwrap()
        else {
            panic!("another answer")
        };
        kept.push_str(&format!("{frame:?}"));
        say(&mut socket, &ToEngine::Watch(number, spec, When::Now)).await;
        let bytes = loop {
            if let Message::Binary(bytes) = next(&mut socket).await
                && matches!(codec::decode(&bytes).unwrap(), ToPage::Frame(of, _) if of == number)
            {
                break bytes;
            }
        };
        sent.extend_from_slice(&bytes);
    }
    // It was there to be sent.
    let missing: Vec<&str> = PRIVATE.into_iter().filter(|private| !kept.contains(private)).collect();
    assert!(missing.is_empty(), "{missing:?} is not told by anybody: {kept}");
    let leaked: Vec<&str> = PRIVATE.into_iter().filter(|private| holds(&sent, private)).collect();
    assert!(leaked.is_empty(), "{leaked:?}");
    let left_out: Vec<&str> = TOLD.into_iter().filter(|told| !holds(&sent, told)).collect();
    assert!(left_out.is_empty(), "{left_out:?} of {kept}");

    // Of services there is no screen: what their controllers say and where they are kept is not asked for.
    for spec in [ViewSpec::Delivery(scope()), ViewSpec::Rollout("workload:iad/serving/Rollout/roll".parse().unwrap())] {
        say(&mut socket, &ToEngine::Watch(9, spec, When::Now)).await;
        loop {
            match common::hear(&mut socket).await {
                ToPage::Refused(9, _) => break,
                ToPage::Frame(9, frame) => panic!("shown: {frame:?}"),
                _ => {}
            }
        }
    }
    door.end().await;
}

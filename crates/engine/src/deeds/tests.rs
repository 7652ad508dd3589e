//! Deeds over a registry that takes what it is sent: what is shown, framed and written down of them.

mod drain;

use super::*;
use async_trait::async_trait;
use pilothouse_connect::Sink;
use pilothouse_vault::{ConnectionSettings, Options};
use pilothouse_wire::{
    NodeId, ObjectRef, Stamp,
    ask::Tested,
    plan::{Affected, CutAction, Deed, Digest, DryRun, Expectation, Permission, Plan, Planned, Request, Risk, Step},
};
use pilothouse_world::fact::SourceAbout;

const AT: Stamp = Stamp(1_795_500_000_000);
const SECRET: &str = "hunter2";

/// Has what it was sent last.
#[derive(Default)]
struct Takes(Mutex<String>);

#[async_trait]
impl Connector for Takes {
    fn about(&self) -> SourceAbout {
        SourceAbout::default()
    }

    async fn probe(&self) -> Result<Tested, Problem> {
        Ok(Tested::default())
    }

    async fn watch(&self, _: Sink) {}

    async fn yaml(&self, _: &ObjectRef) -> Result<String, Problem> {
        Ok(String::new())
    }

    async fn plan(&self, intent: &Intent) -> Result<Plan, Problem> {
        let Deed::SetTag { key, value, .. } = &intent.deed else { panic!("another deed") };
        let request =
            Request { method: "POST".into(), path: "/tag".into(), media: "m".into(), body: value.to_string() };
        let (words, guards) = (format!("Set {key}"), Vec::new());
        Ok(Plan {
            intent: intent.clone(),
            title: format!("Set tag {key}"),
            made: AT,
            steps: vec![Step { words, request, guards, permission: Permission::Granted, dry_run: DryRun::Passed }],
            changes: Vec::new(),
            more_changes: 0,
            traffic: Vec::new(),
            affected: Affected::default(),
            risk: Risk::Low,
            risk_why: "A tag is read by people.".into(),
            warnings: Vec::new(),
            success: Expectation { words: "the tag is set".into(), within: Duration::from_secs(5) },
            undo: Some(Intent { deed: Deed::RemoveTag { version: None, key: key.clone() }, ..intent.clone() }),
            type_name: None,
            blocked: Vec::new(),
        })
    }

    async fn send(&self, request: &Request) -> Result<(), NotSent> {
        self.0.lock().unwrap().clone_from(&request.body);
        Ok(())
    }

    async fn look(&self, plan: &Plan) -> Result<Seen, Problem> {
        let Deed::SetTag { value, .. } = &plan.intent.deed else { panic!("another deed") };
        let held = self.0.lock().unwrap();
        Ok(if *held == value.as_str() { Seen::Met("it is set".into()) } else { Seen::NotYet("it is not".into()) })
    }
}

/// A bench whose vault nobody opened, and what it tells the loop.
struct Room {
    bench: Bench,
    told: mpsc::Receiver<Input>,
    registry: Arc<Takes>,
    _home: tempfile::TempDir,
}

impl Room {
    fn new(operation: Operation) -> Self {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::under(home.path());
        let settings = ConnectionSettings { operation, ..ConnectionSettings::new(id(), "mlflow", "lab", [].into()) };
        Settings::edit(&paths, |all| all.connections.push(settings)).unwrap();
        let options = Options { keyring: false, passphrase_file: None, work_factor: 2 };
        let (inputs, told) = mpsc::channel(64);
        let bench = Bench {
            vault: Arc::new(Vault::with(&paths, options)),
            paths,
            clock: Clock::of(|| AT),
            inputs,
            shown: Shown::default(),
            holding: Holding::default(),
            halted: Halted::default(),
            signing: Signing::default(),
        };
        Self { bench, told, registry: Arc::default(), _home: home }
    }

    fn connector(&self) -> Option<Arc<dyn Connector>> {
        Some(Arc::clone(&self.registry) as Arc<dyn Connector>)
    }

    async fn planned(&self) -> Result<Planned, Problem> {
        match self.bench.clone().plan(self.connector(), intent(), None).await? {
            Answer::Plan(planned) => Ok(*planned),
            other => panic!("another answer: {other:?}"),
        }
    }

    /// What an action came to, and every state on the way there.
    async fn over(&mut self) -> (Action, Vec<Action>) {
        let mut seen = Vec::new();
        while let Some(input) = self.told.recv().await {
            let Input::Acting(action, _) = input else { continue };
            seen.push((*action).clone());
            if action.state.is_over() {
                return (*action, seen);
            }
        }
        panic!("it never ended")
    }

    /// The book as it is written.
    fn book(&self) -> String {
        let entries = book::book(&self.bench.paths).newest(99).unwrap();
        entries.iter().map(|noted| serde_json::to_string(&noted.entry).unwrap() + "\n").collect()
    }
}

fn id() -> ConnectionId {
    ConnectionId::slug("lab")
}

fn intent() -> Intent {
    let object = ObjectRef::Node(NodeId { cluster: id(), name: "chat".into() });
    Intent { object, deed: Deed::SetTag { version: None, key: "hub_token".into(), value: SECRET.into() } }
}

#[tokio::test]
async fn a_secret_in_a_deed_is_sent_and_verified_and_neither_shown_framed_nor_written() {
    let mut room = Room::new(Operation { operate: true, production: false });
    let planned = room.planned().await.unwrap();
    assert!(!format!("{planned:?}").contains(SECRET), "{planned:?}");
    let by = Confirmation { digest: planned.digest, typed: None };
    room.bench.clone().confirm(room.connector(), by).await.unwrap();
    let (action, all) = room.over().await;
    assert_eq!(action.state, ActionState::Verified("it is set".into()));
    assert_eq!(*room.registry.0.lock().unwrap(), SECRET);
    assert!(!format!("{all:?}").contains(SECRET), "{all:?}");
    assert!(room.book().contains("Set tag hub_token") && !room.book().contains(SECRET), "{}", room.book());
    // Nobody opened the vault: what was done says that nothing of it is signed.
    assert!(action.unsigned.is_some_and(|problem| problem.what.contains("not signed")));
}

#[tokio::test]
async fn each_plan_stands_in_the_book_with_why_it_was_blocked_and_how_often_it_was_made() {
    let room = Room::new(Operation::default());
    let mut digests = Vec::new();
    for _ in 0..3 {
        let planned = room.planned().await.unwrap();
        assert_eq!(planned.plan.blocked.len(), 1);
        digests.push(planned.digest.to_string());
    }
    let told = || book::book(&room.bench.paths).newest(99).unwrap().into_iter().map(|noted| noted.entry.what);
    let all: Vec<_> = told()
        .map(|what| match what {
            What::Planned { blocked, digest, times, since, .. } => (blocked[0].clone(), digest, times, since),
            other => panic!("another entry: {other:?}"),
        })
        .collect();
    assert!(all.iter().all(|(why, ..)| why.contains("lab is read alone.")), "{all:?}");
    let rest: Vec<_> = all.into_iter().map(|(_, digest, times, since)| (digest, times, since)).collect();
    let want: Vec<_> = digests.into_iter().zip([(1, None), (2, Some(AT)), (3, Some(AT))]).collect();
    assert_eq!(rest, want.into_iter().map(|(digest, (times, since))| (digest, times, since)).collect::<Vec<_>>());
    // One that could be confirmed is another plan, and the first of its kind.
    Settings::edit(&room.bench.paths, |all| all.connections[0].operation.operate = true).unwrap();
    let planned = room.planned().await.unwrap();
    assert_eq!(told().next_back(), Some(What::planned(&planned)));
    assert_eq!(told().count(), 4);
    assert!(!room.book().contains(SECRET), "{}", room.book());
}

#[tokio::test]
async fn what_is_turned_down_is_told_with_its_object_and_digest_also_where_nobody_knows_the_plan() {
    let room = Room::new(Operation { operate: true, production: true });
    let planned = room.planned().await.unwrap();
    let other = Digest([9; 32]);
    for digest in [planned.digest, other] {
        let by = Confirmation { digest, typed: Some("another name".into()) };
        room.bench.clone().confirm(room.connector(), by).await.unwrap_err();
    }
    let entries = book::book(&room.bench.paths).newest(2).unwrap().into_iter().map(|noted| noted.entry.what);
    let told: Vec<_> = entries
        .map(|what| match what {
            What::TurnedDown { connection, object, title, digest, why } => (connection, object, title, digest, why),
            other => panic!("another entry: {other:?}"),
        })
        .collect();
    let (connection, object, title, digest, why) = &told[0];
    assert_eq!((connection.as_str(), object.as_str(), title.as_str()), ("lab", "node:lab/chat", "Set tag hub_token"));
    assert!(*digest == planned.digest.to_string() && why.contains("The name was not typed"), "{why}");
    let (connection, object, title, digest, why) = &told[1];
    assert_eq!((connection.as_str(), object.as_str(), title.as_str()), ("", "", "a plan that is not known here"));
    assert!(*digest == other.to_string() && why.contains("There is no such plan"), "{why}");
}

#[tokio::test]
async fn a_plan_that_cannot_be_written_down_is_shown_and_cannot_be_confirmed() {
    let room = Room::new(Operation { operate: true, production: false });
    std::fs::create_dir_all(book::book(&room.bench.paths).path()).unwrap();
    let plan = room.planned().await.unwrap().plan;
    assert!(plan.blocked[0].what.contains("The audit book"), "{:?}", plan.blocked);
}

/// Writes a confirmation into the book as a process does that ends behind it, and looks back at it.
async fn cut(room: &mut Room, key: &str) -> (u64, CutAction) {
    let Intent { object, .. } = intent();
    let wanted = Intent { object, deed: Deed::SetTag { version: None, key: key.into(), value: SECRET.into() } };
    let plan = room.registry.plan(&wanted).await.unwrap();
    let operation = Operation { operate: true, production: false };
    let seal = room.bench.shown.seal().unwrap();
    let proposal = Proposal::new(plan, "lab", operation, seal, redact_deed);
    let by = Confirmation { digest: proposal.planned().digest, typed: None };
    let confirmed = proposal.confirm(&by, operation, AT).unwrap();
    let ledger = Ledger::of(&room.bench.paths, room.bench.clock.clone());
    let (head, _) = ledger.write(None, What::confirmed(&confirmed)).await.unwrap();
    let noted = book::cut(&room.bench.paths).unwrap().pop().unwrap();
    assert!(noted.seq == head.seq && cut::is_of(&noted, &id()));
    room.bench.clone().look_back(room.connector().unwrap(), noted.clone()).await;
    let Some(Input::SeenSince(told)) = room.told.recv().await else { panic!("nothing was told") };
    assert_eq!((told.id, &told.undo), (noted.seq, &cut::told(&noted, None).unwrap().undo));
    (head.seq, *told)
}

#[tokio::test]
async fn an_action_that_was_cut_is_looked_at_and_its_way_back_is_named() {
    let mut room = Room::new(Operation { operate: true, production: false });
    let (first, told) = cut(&mut room, "team").await;
    assert!(told.problem.why.unwrap().ends_with("Seen since: unverified, it is not."));
    let next = told.problem.next.unwrap();
    assert!(next.contains("To take it back: pilothouse act remove-tag chat team --context lab."), "{next}");
    // The same as an intent, for who has buttons.
    let back = Deed::RemoveTag { version: None, key: "team".into() };
    assert_eq!(told.undo, Some(Intent { object: intent().object, deed: back }));
    assert_eq!(told.object, Some(intent().object));
    *room.registry.0.lock().unwrap() = SECRET.to_owned();
    let (second, told) = cut(&mut room, "team").await;
    assert!(told.problem.why.unwrap().ends_with("Seen since: verified, it is set."));
    // What the book does not keep cannot be compared, and is not called wrong.
    let (third, told) = cut(&mut room, "hub_token").await;
    assert!(told.problem.why.unwrap().contains("unverified, its value is a secret"));
    let entries = book::book(&room.bench.paths).newest(99).unwrap();
    let seen: Vec<_> = entries
        .into_iter()
        .filter_map(|noted| match noted.entry.what {
            What::Seen { verified, .. } => Some((noted.entry.action, verified)),
            _ => None,
        })
        .collect();
    assert_eq!(seen, [(Some(first), false), (Some(second), true), (Some(third), false)]);
    // Whoever closed one is told nothing of it any more, and closes it once.
    room.bench.clone().close_cut(first).await.unwrap();
    assert!(matches!(room.told.recv().await, Some(Input::ClosedCut(id)) if id == first));
    assert!(book::cut(&room.bench.paths).unwrap().iter().all(|noted| noted.seq != first));
    assert_eq!(room.bench.clone().close_cut(first).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn a_session_that_is_held_refuses_every_plan_with_the_reason_also_what_was_planned_before() {
    let mut room = Room::new(Operation { operate: true, production: false });
    let before = room.planned().await.unwrap();
    assert!(before.plan.blocked.is_empty());
    room.bench.holding.set(true).unwrap();
    let held = room.planned().await.unwrap();
    assert_eq!(held.plan.blocked.len(), 1, "{:?}", held.plan.blocked);
    assert!(held.plan.blocked[0].to_string().contains("switched to reading alone"), "{}", held.plan.blocked[0]);
    for digest in [before.digest, held.digest] {
        let refused = room.bench.clone().confirm(room.connector(), Confirmation { digest, typed: None }).await;
        assert!(refused.unwrap_err().what.contains("Nothing is done in this session"));
    }
    assert!(room.registry.0.lock().unwrap().is_empty());
    // Once it is let go, what was planned before may still be confirmed.
    room.bench.holding.set(false).unwrap();
    let by = Confirmation { digest: before.digest, typed: None };
    room.bench.clone().confirm(room.connector(), by).await.unwrap();
    assert_eq!(room.over().await.0.state, ActionState::Verified("it is set".into()));
}

#[tokio::test]
async fn a_plan_has_one_digest_in_a_session_and_another_in_another() {
    let [one, other] = [(), ()].map(|()| Room::new(Operation { operate: true, production: false }));
    let first = one.planned().await.unwrap();
    assert_eq!(first.digest, one.planned().await.unwrap().digest);
    let second = other.planned().await.unwrap();
    assert_eq!(first.plan, second.plan);
    assert_ne!(first.digest, second.digest);
    // What stands in the book cannot be found out by trying: it is no plain hash of the plan.
    assert!(one.book().contains(&first.digest.to_string()));
}

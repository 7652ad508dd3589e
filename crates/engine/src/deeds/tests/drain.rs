//! A drain passes by the pods that a budget holds, comes back to them, and says which are left.

use super::*;
use std::collections::BTreeMap;

const BUDGET: &str = "The disruption budget chat needs 2 healthy pods and has 2 currently";

/// A server that holds each of these pods so many times, and has what it was sent.
struct Holds {
    times: Mutex<BTreeMap<&'static str, u32>>,
    sent: Mutex<Vec<String>>,
}

impl Holds {
    fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().clone()
    }
}

fn step(name: &str) -> Step {
    let method = if name == "close" { "PATCH" } else { "POST" };
    let request = Request { method: method.into(), path: name.into(), media: "m".into(), body: "{}".into() };
    let (permission, dry_run) = (Permission::Granted, DryRun::Passed);
    Step { words: name.to_owned(), request, guards: Vec::new(), permission, dry_run }
}

#[async_trait]
impl Connector for Holds {
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
        let tag = Intent { deed: Deed::SetTag { version: None, key: "k".into(), value: "v".into() }, ..intent.clone() };
        let plan = Takes::default().plan(&tag).await?;
        Ok(Plan {
            intent: intent.clone(),
            steps: ["close", "a", "b", "c"].map(step).into(),
            success: Expectation { words: "it is empty".into(), within: Duration::from_secs(30) },
            undo: None,
            ..plan
        })
    }

    async fn send(&self, request: &Request) -> Result<(), NotSent> {
        self.sent.lock().unwrap().push(request.path.clone());
        match self.times.lock().unwrap().get_mut(request.path.as_str()).filter(|times| **times > 0) {
            Some(times) => {
                *times -= 1;
                let why = Problem::new(Code::TooMany, "lab asks us to be patient.").why(BUDGET);
                Err(NotSent::Later { of: format!("pod n/{}", request.path), why })
            }
            None => Ok(()),
        }
    }

    async fn look(&self, _: &Plan) -> Result<Seen, Problem> {
        Ok(Seen::Met("it is empty".into()))
    }
}

/// A drain of a node whose server holds these pods so many times, confirmed.
async fn begun(times: &[(&'static str, u32)]) -> (Room, Arc<Holds>, u64) {
    let room = Room::new(Operation { operate: true, production: false });
    let server = Arc::new(Holds { times: Mutex::new(times.iter().copied().collect()), sent: Mutex::default() });
    let connector = || Some(Arc::clone(&server) as Arc<dyn Connector>);
    let intent = Intent { deed: Deed::Drain, ..intent() };
    let Ok(Answer::Plan(planned)) = room.bench.clone().plan(connector(), intent, None).await else {
        panic!("it is not planned")
    };
    let by = Confirmation { digest: planned.digest, typed: None };
    let Ok(Acted::Begun(id)) = room.bench.clone().confirm(connector(), by).await else { panic!("it does not begin") };
    (room, server, id)
}

/// What the book tells of steps, in its order: those that were taken, and those that were not with why.
fn told(room: &Room) -> Vec<(u32, Option<String>)> {
    let entries = book::book(&room.bench.paths).newest(99).unwrap();
    let of = |what: What| match what {
        What::Sent { step } => Some((step, None)),
        What::NotSent { step, why } => Some((step, Some(why))),
        _ => None,
    };
    entries.into_iter().filter_map(|noted| of(noted.entry.what)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_held_keeps_no_other_on_the_node_and_goes_once_its_budget_lets_it() {
    let (mut room, server, _) = begun(&[("a", 2)]).await;
    let (action, all) = room.over().await;
    assert_eq!(action.state, ActionState::Verified("it is empty".into()));
    // Nobody whose eviction was taken is sent away again.
    assert_eq!(server.sent(), ["close", "a", "b", "c", "a", "a"]);
    assert_eq!(told(&room), [0, 2, 3, 1].map(|step| (step, None)));
    // Who is held by which budget is told at once, and while others go.
    let waits = format!("pod n/a: {BUDGET}");
    let waiting = all.iter().filter(|one| one.state == ActionState::Sending(waits.clone()));
    assert_eq!(waiting.map(|one| one.sent).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_until_the_time_is_over_is_named_and_the_drain_is_done_in_part() {
    let (mut room, server, _) = begun(&[("a", u32::MAX), ("c", u32::MAX)]).await;
    let (action, _) = room.over().await;
    let ActionState::Partly(problem) = &action.state else { panic!("{action:?}") };
    assert_eq!(problem.what, "After 30 s 2 of 4 steps were taken.");
    assert_eq!(problem.why, Some(format!("pod n/a, pod n/c: {BUDGET}")));
    let tried = |pod: &str| server.sent().iter().filter(|path| *path == pod).count();
    assert_eq!((tried("close"), tried("b")), (1, 1));
    assert!(tried("a") > 5 && tried("a") == tried("c"), "{:?}", server.sent());
    let book = told(&room);
    assert_eq!(book[..2], [(0, None), (2, None)]);
    assert_eq!(book[2..].iter().map(|(step, _)| *step).collect::<Vec<_>>(), [1, 3]);
    assert!(book[2..].iter().all(|(_, why)| why.as_ref().is_some_and(|why| why.contains(BUDGET))), "{book:?}");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_stopped_while_it_waits_names_what_is_held() {
    let (mut room, server, id) = begun(&[("b", u32::MAX)]).await;
    let waits = format!("pod n/b: {BUDGET}");
    loop {
        let Some(Input::Acting(action, _)) = room.told.recv().await else { panic!("nothing more is told") };
        if action.state == ActionState::Sending(waits.clone()) && action.sent == 3 {
            break;
        }
    }
    room.bench.halted.halt(id);
    let (action, _) = room.over().await;
    let ActionState::Partly(problem) = &action.state else { panic!("{action:?}") };
    assert_eq!((problem.what.as_str(), &problem.why), ("A person stopped it after 3 of 4 steps.", &Some(waits)));
    assert_eq!(server.sent().iter().filter(|path| *path == "b").count(), 1);
    assert_eq!(
        told(&room).iter().map(|(step, why)| (*step, why.is_some())).collect::<Vec<_>>(),
        [(0, false), (1, false), (3, false), (2, true)]
    );
}

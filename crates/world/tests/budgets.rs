//! Disruption budgets: which pods a cluster would evict now, and which of that is known.
#![allow(clippy::unwrap_used, reason = "tests")]

use pilothouse_wire::{
    ConnectionId, Keyed, ObjectRef, PodId, Stamp,
    view::{Eviction, FleetSpec},
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{
        BudgetFact, ConditionFact, Covers, Kind, Phase, PodFact, PodLabels, Probed, RequirementFact, SelectorFact,
        SourceFact,
    },
    project::{self, FleetProjection},
};

fn pod(name: &str) -> PodFact {
    PodFact {
        namespace: "n".into(),
        name: name.into(),
        uid: format!("{name}-uid").into(),
        node: Some("h-1".into()),
        phase: Phase::Running,
        gpus: vec![("nvidia.com/gpu".into(), 1)],
        conditions: vec![ConditionFact { kind: "Ready".into(), status: "True".into(), reason: None, since: None }],
        ..PodFact::default()
    }
}

fn chosen(pod: PodFact, app: &str) -> Fact {
    Fact::ChosenPod(Box::new(pod), PodLabels::default(), Vec::new(), vec![("app".into(), app.into())])
}

fn budget(name: &str, app: &str, allowed: u32) -> BudgetFact {
    let chooses = SelectorFact { labels: vec![("app".into(), app.into())], rules: Vec::new() };
    BudgetFact { namespace: "n".into(), name: name.into(), chooses: Some(chooses), allowed, unready_may: false }
}

fn said(budget: BudgetFact) -> Fact {
    Fact::Budget(Box::new(budget))
}

/// A world, and a view of it that follows each batch.
struct Told {
    world: World,
    view: FleetProjection,
}

impl Told {
    /// Pods `chat` and `rank` with a label each, and `bare` with none. Budgets are not listed yet.
    fn new() -> Self {
        let world = World::default();
        let view = FleetProjection::new(&world, FleetSpec::default());
        let mut told = Self { world, view };
        let bare = Fact::Pod(Box::new(pod("bare")));
        let pods = vec![chosen(pod("chat"), "chat"), chosen(pod("rank"), "rank"), bare];
        told.all(Kind::Pod, pods);
        told
    }

    fn tell(&mut self, extent: Extent, facts: Vec<Fact>) {
        let source = ConnectionId::slug("iad");
        let touched = self.world.apply(Batch { source, seen_at: Stamp(1_000), extent, facts });
        self.view.update(&self.world, &touched);
        let whole = FleetProjection::new(&self.world, FleetSpec::default());
        assert_eq!(self.view.view().pods, whole.view().pods);
        assert_eq!(self.view.view().clusters, whole.view().clusters);
    }

    fn say(&mut self, budget: BudgetFact) {
        self.tell(Extent::Delta, vec![said(budget)]);
    }

    fn all(&mut self, kind: Kind, facts: Vec<Fact>) {
        self.tell(Extent::Replace(Covers { kind, namespace: None }), facts);
    }

    /// What is said of each pod: `bare may, chat held by b, rank ?`.
    fn says(&self) -> String {
        let of = |eviction: &Eviction| match eviction {
            Eviction::NotKnown => "?".to_owned(),
            Eviction::May => "may".to_owned(),
            Eviction::MayNot(budgets) => format!("held by {budgets}"),
        };
        let pods = self.view.view().pods.rows().iter();
        pods.map(|pod| format!("{} {}", pod.id.name, of(&pod.eviction))).collect::<Vec<_>>().join(", ")
    }

    fn is_told(&self) -> bool {
        self.view.view().clusters.rows()[0].budgets_told
    }
}

#[test]
fn a_pod_may_not_go_while_its_budget_allows_none() {
    let mut told = Told::new();
    assert_eq!((told.says().as_str(), told.is_told()), ("bare ?, chat ?, rank ?", false));
    told.all(Kind::DisruptionBudget, vec![said(budget("b", "chat", 0))]);
    assert_eq!((told.says().as_str(), told.is_told()), ("bare may, chat held by b, rank may", true));
    let inspected = |told: &Told| {
        let pod = PodId { cluster: ConnectionId::slug("iad"), namespace: "n".into(), name: "chat".into() };
        let view = project::object(&told.world, &ObjectRef::Pod(pod), &Keyed::default(), Stamp(1_000)).unwrap();
        view.identity.iter().find(|field| field.label == "Eviction").and_then(|field| field.value.clone())
    };
    assert_eq!(inspected(&told).as_deref(), Some("held back by disruption budget b"));
    told.say(budget("b", "chat", 1));
    assert_eq!((told.says().as_str(), inspected(&told)), ("bare may, chat may, rank may", None));
    // It chooses others now.
    told.say(budget("b", "rank", 0));
    assert_eq!(told.says(), "bare may, chat may, rank held by b");
    // With two, a server evicts never, whatever they allow.
    told.say(budget("c", "rank", 5));
    assert_eq!(told.says(), "bare may, chat may, rank held by b, c");
    told.tell(Extent::Delta, vec![Fact::BudgetGone("n".into(), "b".into())]);
    assert_eq!(told.says(), "bare may, chat may, rank may");
    told.say(budget("c", "rank", 0));
    told.all(Kind::DisruptionBudget, Vec::new());
    assert_eq!(told.says(), "bare may, chat may, rank may");
}

#[test]
fn one_that_chooses_all_or_none_does_so() {
    let mut told = Told::new();
    let all = BudgetFact { chooses: Some(SelectorFact::default()), ..budget("b", "", 0) };
    told.all(Kind::DisruptionBudget, vec![said(all.clone())]);
    // The server looks for no budget of a pod without labels.
    assert_eq!(told.says(), "bare may, chat held by b, rank held by b");
    let rules = vec![RequirementFact { key: "app".into(), operator: "NotIn".into(), values: vec!["chat".into()] }];
    told.say(BudgetFact { chooses: Some(SelectorFact { rules, ..SelectorFact::default() }), ..all.clone() });
    assert_eq!(told.says(), "bare may, chat may, rank held by b");
    told.say(BudgetFact { chooses: None, ..all });
    assert_eq!(told.says(), "bare may, chat may, rank may");
    // Of another namespace.
    told.say(BudgetFact { namespace: "m".into(), ..budget("b", "chat", 0) });
    assert_eq!(told.says(), "bare may, chat may, rank may");
}

#[test]
fn pods_that_are_not_ready_or_end_go_as_the_server_lets_them() {
    let mut told = Told::new();
    told.all(Kind::DisruptionBudget, vec![said(budget("b", "chat", 0))]);
    let unready = || PodFact { conditions: Vec::new(), ..pod("chat") };
    told.tell(Extent::Delta, vec![chosen(unready(), "chat")]);
    assert_eq!(told.says(), "bare may, chat held by b, rank may");
    told.say(BudgetFact { unready_may: true, ..budget("b", "chat", 0) });
    assert_eq!(told.says(), "bare may, chat may, rank may");
    told.tell(Extent::Delta, vec![chosen(pod("chat"), "chat")]);
    assert_eq!(told.says(), "bare may, chat held by b, rank may");
    told.tell(Extent::Delta, vec![chosen(PodFact { deleting: Some(Stamp(1)), ..pod("chat") }, "chat")]);
    assert_eq!(told.says(), "bare may, chat may, rank may");
    told.tell(Extent::Delta, vec![chosen(PodFact { phase: Phase::Pending, ..pod("chat") }, "chat")]);
    assert_eq!(told.says(), "bare may, chat may, rank may");
}

#[test]
fn what_is_read_of_some_namespaces_is_known_of_those() {
    let mut told = Told::new();
    let other = PodFact { namespace: "m".into(), ..pod("zeta") };
    told.tell(Extent::Delta, vec![chosen(other, "chat")]);
    let mine = Covers { kind: Kind::DisruptionBudget, namespace: Some("n".into()) };
    told.tell(Extent::Replace(mine), vec![said(budget("b", "chat", 0))]);
    assert_eq!(told.says(), "zeta ?, bare may, chat held by b, rank may");
}

#[test]
fn who_may_not_read_budgets_is_not_kept_waiting_for_them() {
    let mut told = Told::new();
    assert!(!told.is_told());
    let refused = "list and watch poddisruptionbudgets: which pods disruption budgets let go is not told";
    let probed = Probed { may_not: vec![refused.into()], ..Probed::default() };
    told.tell(Extent::Delta, vec![Fact::Source(SourceFact::Probed(Box::new(probed)))]);
    assert_eq!((told.says().as_str(), told.is_told()), ("bare ?, chat ?, rank ?", true));
}

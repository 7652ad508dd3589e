//! The story of the demo fleet, folded into a world: what holds at every second, and what is to be seen in a round.
#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

use pilothouse_connect_demo::{Cluster, Script, Step};
use pilothouse_wire::{
    ConnectionId, Health, Stamp, When,
    view::{FleetSpec, FleetView, Mark, MarkKind},
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{Covers, Kind, SourceAbout, SourceFact},
    project::{FleetProjection, ribbon},
};
use std::{collections::BTreeMap, time::Duration};

/// 2026-11-24T03:12:44Z.
const START: Stamp = Stamp(1_795_489_964_000);
const ROUND: u64 = 1_200;

/// A cluster in play, and the world that its facts make.
struct Play {
    id: ConnectionId,
    script: Script,
    world: World,
    second: u64,
}

impl Play {
    fn new(cluster: Cluster, seed: u64) -> Self {
        let id = ConnectionId::slug(cluster.name());
        let mut play = Self { id, script: Script::new(cluster, seed, START), world: World::default(), second: 0 };
        let about = SourceAbout { name: cluster.name().into(), demo: true, ..SourceAbout::default() };
        play.say(Extent::Delta, vec![Fact::Source(SourceFact::About(Box::new(about)))]);
        play.list();
        play
    }

    fn now(&self) -> Stamp {
        START.plus(Duration::from_secs(self.second))
    }

    fn say(&mut self, extent: Extent, facts: Vec<Fact>) {
        self.world.apply(Batch { source: self.id.clone(), seen_at: self.now(), extent, facts });
    }

    fn list(&mut self) {
        let listing = self.script.listing();
        for (kind, facts) in [
            (Kind::Namespace, listing.namespaces),
            (Kind::Node, listing.nodes),
            (Kind::Pod, listing.pods),
            (Kind::Event, listing.events),
            (Kind::Deployment, listing.deployments),
            (Kind::StatefulSet, listing.stateful_sets),
            (Kind::Rollout, listing.rollouts),
            (Kind::ReplicaSet, listing.replica_sets),
            (Kind::Analysis, listing.analyses),
        ] {
            self.say(Extent::Replace(Covers { kind, namespace: None }), facts);
        }
        self.say(Extent::Delta, vec![Fact::Source(SourceFact::Health(Health::Well))]);
    }

    /// One second more; says whether anything was to be seen.
    fn tick(&mut self) -> bool {
        self.second += 1;
        match self.script.advance(Duration::from_secs(self.second)) {
            Step::Changed(facts) => {
                let seen = !facts.is_empty();
                self.say(Extent::Delta, facts);
                seen
            }
            Step::Lost(problem) => {
                self.say(Extent::Delta, vec![Fact::Source(SourceFact::Health(Health::Lost(problem)))]);
                true
            }
            Step::Back => {
                self.list();
                true
            }
        }
    }

    fn is_lost(&self) -> bool {
        self.world.source(&self.id).is_some_and(|source| matches!(source.health, Health::Lost(_)))
    }

    fn fleet(&self) -> FleetView {
        FleetProjection::new(&self.world, FleetSpec::default()).into_view()
    }

    fn marks(&self) -> Vec<Mark> {
        ribbon(&self.world, self.now().since(START), When::Now, self.now()).marks.rows().to_vec()
    }
}

/// What must hold at every moment of every story.
#[track_caller]
fn check_invariants(play: &Play) {
    let source = play.world.source(&play.id).unwrap();
    let mut asked: BTreeMap<&str, u64> = BTreeMap::new();
    for pod in source.pods.values().map(|pod| &pod.fact).filter(|pod| pod.holds()) {
        let node = pod.node.as_deref().unwrap();
        assert!(source.nodes.contains_key(node), "{}: {} is on {node}, which is not", play.second, pod.name);
        *asked.entry(node).or_default() += pod.gpus.iter().map(|(_, n)| n).sum::<u64>();
    }
    for (node, gpus) in asked {
        assert!(gpus <= 8, "{}: {gpus} GPUs are asked for on {node}", play.second);
    }
    // What the deltas made of the world is what a listing would say.
    assert_eq!(source.pods.len(), play.script.listing().pods.len(), "{}", play.second);
    assert_eq!(source.events.len(), play.script.listing().events.len(), "{}", play.second);
    assert!(source.pods.values().all(|pod| pod.fact.created <= Some(play.now())), "{}", play.second);
}

#[test]
fn the_same_seed_and_time_give_the_same_facts_however_time_is_cut() {
    for cluster in Cluster::ALL {
        let at = |steps: &[u64], seed| {
            let mut script = Script::new(cluster, seed, START);
            for second in steps {
                script.advance(Duration::from_secs(*second));
            }
            script.listing()
        };
        let fine: Vec<u64> = (1..=700).collect();
        assert_eq!(at(&fine, 7), at(&[700], 7));
        // In the middle of a way back, too.
        assert_eq!(at(&fine[..430], 7), at(&[430], 7));
        assert_ne!(at(&[700], 7).pods, at(&[700], 8).pods);
    }
}

#[test]
fn the_fleet_is_whole_and_busy_at_all_times() {
    for (seed, rounds) in [(4_096, 2), (1, 1)] {
        let mut plays = Cluster::ALL.map(|cluster| Play::new(cluster, seed));
        let mut waits = 0;
        for second in 0..=(rounds * ROUND) {
            if second % 40 == 0 {
                plays.iter().filter(|play| !play.is_lost()).for_each(check_invariants);
                let summaries = plays.each_ref().map(|play| play.fleet().summary);
                assert_eq!(summaries.iter().map(|summary| summary.gpus.sure()).sum::<u64>(), 4_096);
                assert_eq!(summaries.iter().map(|summary| summary.nodes.sure()).sum::<u64>(), 512);
                let held = summaries.iter().map(|summary| summary.gpus_held.sure()).sum::<u64>();
                assert!((3_400..3_750).contains(&held), "{held} GPUs are held at {second} s");
                waits += u64::from(summaries[0].pods_pending.sure() > 0);
                assert!(
                    summaries
                        .iter()
                        .all(|summary| summary.gpus_free.number() > Some(0) && summary.gpus_cordoned.sure() > 0)
                );
            }
            for play in &mut plays {
                play.tick();
            }
        }
        assert!(waits > 20 * rounds, "of {} looks, something waited for a node at {waits} only", 30 * rounds);
        let pods: usize = plays.iter().map(|play| play.fleet().pods.rows().len()).sum();
        assert!(pods < 1_800, "{pods} pods after {rounds} rounds: some are never cleared away");
    }
}

#[test]
fn a_listing_is_small() {
    for cluster in Cluster::ALL {
        let listing = Script::new(cluster, 4_096, START).listing();
        let bytes = postcard::to_stdvec(&(listing.nodes, listing.pods, listing.events)).unwrap().len();
        assert!(bytes < 3_000_000, "{cluster}: {bytes} bytes");
    }
}

#[test]
fn something_happens_within_five_seconds_and_every_twenty() {
    let mut plays = Cluster::ALL.map(|cluster| Play::new(cluster, 4_096));
    for _ in 0..5 {
        plays.iter_mut().for_each(|play| {
            play.tick();
        });
    }
    assert!(plays.iter().any(|play| !play.marks().is_empty()));
    let mut quiet = 0;
    for _ in 5..ROUND {
        let moved = plays.iter_mut().map(Play::tick).filter(|seen| *seen).count();
        quiet = if moved > 0 { 0 } else { quiet + 1 };
        assert!(quiet < 20, "nothing happened for 20 s until {} s", plays[0].second);
    }
}

/// The marks of one round that matter most, as lines.
fn told(cluster: Cluster) -> String {
    let mut play = Play::new(cluster, 4_096);
    for _ in 0..ROUND {
        play.tick();
    }
    let second = |mark: &Mark| (mark.key.at.0 - START.0) / 1_000;
    let matters = |mark: &Mark| {
        !matches!(mark.key.kind, MarkKind::PodPlaced | MarkKind::PodGone | MarkKind::Condition | MarkKind::Scale)
    };
    let lines = play.marks().into_iter().filter(matters);
    lines.map(|mark| format!("{} {:?}: {}\n", second(&mark), mark.key.kind, mark.title)).collect()
}

/// What the list of services says of one: phase, step, traffic wanted, verdict of its analyses.
fn service(play: &Play, name: &str) -> String {
    let view = pilothouse_world::project::delivery(&play.world, &FleetSpec::default());
    let row = view.rows.rows().iter().find(|row| row.name == name).unwrap();
    let step = row.step_words().unwrap_or_default();
    let wanted = row.traffic.wanted.unwrap_or_default();
    format!("{}, step {step}, {wanted} %, {:?}", row.phase.word(), row.analysis)
}

#[test]
fn a_canary_that_failed_is_there_at_first_and_another_goes_all_the_way_and_back() {
    let mut play = Play::new(Cluster::IadProd, 4_096);
    assert_eq!(service(&play, "rerank"), "Degraded, step 0 of 6, 0 %, Some(Failed)");
    let object = "workload:iad-prod/serving/Rollout/rerank".parse().unwrap();
    let view = pilothouse_world::project::rollout(&play.world, &object, play.now()).unwrap();
    let failed = &view.analyses[0].metrics[0];
    assert_eq!((failed.name.as_str(), failed.measurements.len()), ("ttft-p99", 4));
    // Our own reckoning says what its controller says.
    assert!(view.analyses.iter().all(|run| run.dispute.is_none()), "{:?}", view.analyses);
    assert_eq!(view.revisions.iter().map(|revision| revision.number).collect::<Vec<_>>(), [19, 18, 17]);
    let mut seen = Vec::new();
    for _ in 0..700 {
        play.tick();
        let now = service(&play, "chat-70b");
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    insta::assert_snapshot!(seen.join("\n"), @r"
    Healthy, step 6 of 6, 100 %, None
    Progressing, step 1 of 6, 5 %, None
    Paused, step 1 of 6, 5 %, None
    Progressing, step 3 of 6, 25 %, Some(Running)
    Progressing, step 3 of 6, 25 %, Some(Passed)
    Progressing, step 5 of 6, 50 %, Some(Running)
    Progressing, step 5 of 6, 50 %, Some(Passed)
    Progressing, step 6 of 6, 100 %, Some(Passed)
    Healthy, step 6 of 6, 100 %, Some(Passed)
    Progressing, step 6 of 6, 100 %, Some(Passed)
    Progressing, step 5 of 6, 50 %, None
    Progressing, step 6 of 6, 100 %, None
    Healthy, step 6 of 6, 100 %, None
    ");
}

#[test]
fn iad_prod_tells_of_a_canary_its_incident_and_the_way_back() {
    insta::assert_snapshot!(told(Cluster::IadProd), @r"
    60 Deploy: chat-70b v42
    60 Weight: chat-70b 0 % → 5 %
    60 Step: chat-70b step 2 of 6: Pause 1 min
    72 Phase: chat-70b Paused
    125 Weight: chat-70b 5 % → 25 %
    125 Step: chat-70b step 4 of 6: Analysis slo
    125 Phase: chat-70b Progressing
    175 Analysis: chat-70b analysis: passed
    185 Weight: chat-70b 25 % → 50 %
    185 Step: chat-70b step 6 of 6: Analysis slo
    235 Analysis: chat-70b analysis: passed
    245 Weight: chat-70b 50 % → 100 %
    278 Phase: chat-70b Healthy
    370 Fault: h100-131 not ready
    398 Cordon: h100-117 cordoned
    420 Deploy: chat-70b v41
    420 Weight: chat-70b 0 % → 50 %
    420 Step: chat-70b step 6 of 6: Analysis slo
    450 Weight: chat-70b 50 % → 100 %
    484 Phase: chat-70b Healthy
    600 Cordon: h100-117 uncordoned
    740 Deploy: rerank v19
    740 Step: rerank step 4 of 6: Analysis slo
    740 Phase: rerank Progressing
    790 Analysis: rerank analysis: passed
    800 Weight: rerank 25 % → 100 %
    ");
}

#[test]
fn ord_prod_is_lost_and_found() {
    insta::assert_snapshot!(told(Cluster::OrdProd), @r"
    90 Deploy: chat-70b-next v42
    158 Phase: chat-70b-next Healthy
    300 ConnectionLost: ord-prod lost
    331 ConnectionFound: ord-prod found again
    640 Fault: h200-144 not ready
    880 Deploy: vision-8b v10
    921 Phase: vision-8b Healthy
    1120 Deploy: rerank-next v20
    1141 Phase: rerank-next Healthy
    ");
}

#[test]
fn fra_train_drains_a_node() {
    insta::assert_snapshot!(told(Cluster::FraTrain), @r"
    180 Cordon: b200-071 cordoned
    430 Cordon: b200-071 uncordoned
    ");
    let mut play = Play::new(Cluster::FraTrain, 4_096);
    let on_node = |play: &Play| {
        let source = play.world.source(&play.id).unwrap();
        source.pods.values().filter(|pod| pod.fact.node.as_deref() == Some("b200-071")).count()
    };
    let before = on_node(&play);
    (0..230).for_each(|_| {
        play.tick();
    });
    // What runs on each node stays.
    assert!(before > 1 && on_node(&play) == 1, "{before} pods, then {}", on_node(&play));
}

#[test]
fn pods_of_the_canary_crash_and_are_gone_after_the_rollback() {
    let mut play = Play::new(Cluster::IadProd, 4_096);
    let crashing = |play: &Play| {
        let source = play.world.source(&play.id).unwrap();
        let restarts = source.pods.values().flat_map(|pod| &pod.fact.containers);
        restarts.filter(|container| container.reason.as_deref() == Some("CrashLoopBackOff")).count()
    };
    let mut most = 0;
    for _ in 0..520 {
        play.tick();
        most = most.max(crashing(&play));
    }
    assert!(most >= 8, "{most} pods crash at most");
    assert_eq!(crashing(&play), 0);
}

#[test]
fn a_second_round_tries_the_next_version() {
    let mut play = Play::new(Cluster::IadProd, 4_096);
    (0..ROUND + 400).for_each(|_| {
        play.tick();
    });
    let deploys: Vec<String> =
        play.marks().into_iter().filter(|mark| mark.key.kind == MarkKind::Deploy).map(|mark| mark.title).collect();
    assert_eq!(deploys, ["chat-70b v42", "chat-70b v41", "rerank v19", "chat-70b v43"]);
}

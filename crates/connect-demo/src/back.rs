//! What the demo keeps of a service and of the revision that it would go back to, as a cluster would tell it. Made up, as all of it.

use crate::{names, script::Script, stage::GPU};
use pilothouse_wire::{
    Code, ObjectRef, Problem, SmolStr,
    back::{BackQuery, Kept, Known, NamedObject, NodeImages, Placed, Replaces, Then, ThenImage, Without},
    plan::Deed,
};
use pilothouse_world::{
    Fact,
    fact::{ControllerFact, DeliveryFact, RevisionFact, SizeFact},
};

/// Nodes whose images are told.
const MOST_NODES: usize = 8;

/// What is kept of a service of the fleet.
pub(crate) fn back(script: &Script, query: &BackQuery) -> Result<Kept, Problem> {
    let ObjectRef::Workload(_, namespace, kind, name) = &query.object else { return Err(no_service(&query.object)) };
    let listing = script.listing();
    let told = [&listing.rollouts, &listing.deployments, &listing.stateful_sets].into_iter().flatten();
    let is_it = |of: &ControllerFact| (&of.kind, &of.namespace, &of.name) == (kind, namespace, name);
    let mut found = told.filter_map(|fact| match fact {
        Fact::Delivered(controller, delivery) if is_it(controller) => Some((controller, delivery)),
        _ => None,
    });
    let Some((controller, delivery)) = found.next() else { return Err(no_service(&query.object)) };
    let revisions: Vec<(&RevisionFact, &SizeFact)> = listing
        .replica_sets
        .iter()
        .filter_map(|fact| match fact {
            Fact::SizedRevision(revision, size) => Some((&**revision, size)),
            _ => None,
        })
        .filter(|(revision, _)| revision.namespace == *namespace && revision.owner.kind == *kind)
        .filter(|(revision, _)| revision.owner.name == *name)
        .collect();
    let wanted = controller.replicas.unwrap_or(1);
    let quarter = wanted.div_ceil(4);
    // Of a Deployment it is the one that was numbered last.
    let of_rollout = revisions.iter().find(|(_, size)| delivery.current.as_ref() == Some(&size.hash));
    let current = of_rollout.or_else(|| revisions.iter().max_by_key(|(revision, _)| revision.number));
    let kept = Kept {
        from: current.map(|(revision, _)| revision.number),
        deed: Deed::Undo(query.to),
        then: Err(none_kept(kind, name)),
        wanted,
        gpus: current.map_or(0, |(_, size)| size.gpus),
        workers: None,
        replaces: Replaces::Rolling { surge: quarter, unavailable: wanted / 4 },
        paused: false,
        stops: None,
        last: None,
        traffic: None,
    };
    let (midway, aborted) = midway(delivery, &revisions);
    let to = query.to.or(midway);
    let other = |number: u64| to.map_or(kept.from != Some(number), |to| to == number);
    let then = revisions.iter().filter(|(revision, _)| other(revision.number)).max_by_key(|(of, _)| of.number);
    Ok(match then {
        None => kept,
        Some((revision, _)) if kept.from == Some(revision.number) => {
            let what = format!("revision {} is what runs.", revision.number);
            Kept { then: Err(Problem::new(Code::Exists, what)), ..kept }
        }
        Some((revision, size)) => {
            let aborts = midway == Some(revision.number) && query.to.is_none() && !aborted;
            let deed = if aborts { Deed::Abort } else { Deed::Undo(Some(revision.number)) };
            Kept { deed, then: Ok(Box::new(of(script, query, kind, (revision, size)))), ..kept }
        }
    })
}

/// The revision that a Rollout came from, while it is between two; and whether it was stopped there.
fn midway(delivery: &DeliveryFact, revisions: &[(&RevisionFact, &SizeFact)]) -> (Option<u64>, bool) {
    let between = delivery.rollout.is_some() && delivery.stable != delivery.current;
    let stable = revisions.iter().find(|(_, size)| between && delivery.stable.as_ref() == Some(&size.hash));
    let aborted = delivery.rollout.as_ref().is_some_and(|rollout| rollout.aborted);
    (stable.map(|(revision, _)| revision.number), aborted)
}

fn of(script: &Script, query: &BackQuery, kind: &str, (revision, size): (&RevisionFact, &SizeFact)) -> Then {
    let image = |(container, image): &(SmolStr, SmolStr)| ThenImage {
        container: container.clone(),
        image: image.clone(),
        always_pulled: false,
    };
    // A node keeps for a while what it has run.
    let names = |image: &SmolStr| {
        let repository = image.rsplit_once(':').map_or(image.as_str(), |(repository, _)| repository);
        vec![image.clone(), SmolStr::from(format!("{repository}@{}", names::digest(image)))]
    };
    let node = |node: &SmolStr| NodeImages {
        node: node.clone(),
        images: revision.images.iter().map(|(_, image)| names(image)).collect(),
        whole: true,
    };
    let is_there = |node: &&SmolStr| script.node(node).is_some();
    Then {
        number: revision.number,
        kind: "ReplicaSet".into(),
        name: revision.name.clone(),
        there: size.ready,
        images: revision.images.iter().map(image).collect(),
        nodes: query.nodes.iter().filter(is_there).take(MOST_NODES).map(node).collect(),
        nodes_in_all: query.nodes.len() as u64,
        named: vec![NamedObject {
            kind: "Secret".into(),
            name: "hf-token".into(),
            by: "variable HF_TOKEN of server".to_owned(),
            without: Without::NoStart,
            there: Known::Yes,
        }],
        models: Vec::new(),
        gpus: if size.gpus == 0 { Vec::new() } else { vec![(GPU.into(), size.gpus)] },
        placed: Placed::default(),
        workers: None,
        api: (if kind == "Rollout" { "argoproj.io/v1alpha1" } else { "apps/v1" }.into(), Known::Yes),
    }
}

fn no_service(object: &ObjectRef) -> Problem {
    let what = format!("The demo fleet has no service {} {}.", object.kind_word(), object.name());
    Problem::new(Code::NotFound, what).why("It went, or it was never part of the demo fleet.")
}

fn none_kept(kind: &str, name: &str) -> Problem {
    Problem::new(Code::NotOffered, format!("No earlier revision of {kind} {name} is kept."))
        .why("The demo fleet makes up those of its Deployments and Rollouts.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Cluster;
    use pilothouse_wire::{ConnectionId, Stamp};
    use std::time::Duration;

    fn query(kind: &str, namespace: &str, name: &str, to: Option<u64>) -> BackQuery {
        let object = ObjectRef::Workload(ConnectionId::slug("iad-prod"), namespace.into(), kind.into(), name.into());
        BackQuery { object, to, nodes: Vec::new() }
    }

    fn script() -> Script {
        let mut script = Script::new(Cluster::IadProd, 4_096, Stamp(1_795_489_964_000));
        script.advance(Duration::from_secs(1));
        script
    }

    #[test]
    fn each_service_with_sets_has_a_revision_to_go_back_to() {
        let script = script();
        let listing = script.listing();
        let mut seen = 0;
        for fact in listing.rollouts.iter().chain(&listing.deployments) {
            let Fact::Delivered(of, _) = fact else { continue };
            let kept = back(&script, &query(&of.kind, &of.namespace, &of.name, None)).unwrap();
            let then = kept.then.unwrap_or_else(|problem| panic!("{} {}: {problem}", of.kind, of.name));
            assert!(kept.from.is_some_and(|from| from > then.number), "{}: {:?}", of.name, kept.from);
            assert!(!then.images.is_empty(), "{}", of.name);
            seen += 1;
        }
        assert!(seen > 2, "{seen}");
    }

    #[test]
    fn a_canary_that_failed_goes_back_to_its_stable_revision_and_what_runs_is_none() {
        let script = script();
        let rerank = script
            .listing()
            .rollouts
            .iter()
            .find_map(|fact| match fact {
                Fact::Delivered(of, _) if of.name == "rerank" => Some(of.namespace.clone()),
                _ => None,
            })
            .unwrap();
        let kept = back(&script, &query("Rollout", &rerank, "rerank", None)).unwrap();
        assert_eq!((kept.from, &kept.deed), (Some(19), &Deed::Undo(Some(18))));
        assert!(kept.then.is_ok_and(|then| then.there > 0));
        let own = back(&script, &query("Rollout", &rerank, "rerank", Some(19))).unwrap();
        assert_eq!(own.then.unwrap_err().code, Code::Exists);
        assert_eq!(back(&script, &query("Rollout", &rerank, "nobody", None)).unwrap_err().code, Code::NotFound);
    }
}

//! Routes and what stands behind them, into facts.

use super::{
    delivery::{HASHES, MOST_CONDITIONS, delivered, of_meta, stated},
    some, words,
};
use crate::slim::{
    Canary, Deployment, HttpRoute, InferenceModelRewrite, InferencePool, LeaderWorkerSet, PathMatch, Reference,
    Rollout, RouteMatch, SeenCondition, Service, StatefulSet, Template, WrittenMeta,
};
use pilothouse_wire::SmolStr;
use pilothouse_world::{
    Fact,
    fact::{
        BackendFact, DeliveryFact, FlaggerFact, LabelsFact, OwnerFact, ParentFact, RouteFact, RuleFact, ShareFact,
        StatedFact, StrategyFact,
    },
};
use std::collections::BTreeMap;

/// Parts of a route that are kept, at most: an API server takes no more rules than 16, and no more backends than 16.
const MOST: usize = 64;
/// The longest words of a match that are kept.
const MOST_MATCH: usize = 200;
/// All labels of a template are small; of more than these a Service chooses by none.
const MOST_LABELS: usize = 64;

/// What an HTTPRoute says; `None` for one without a name.
#[must_use]
pub fn facts_of_route(it: HttpRoute) -> Option<Fact> {
    let meta = it.metadata?;
    let place = |reference: &Reference| {
        let kind = if reference.kind.is_empty() { "Gateway" } else { reference.kind.as_str() };
        let of = OwnerFact { kind: SmolStr::new(kind), name: SmolStr::new(&reference.name) };
        (of, some(&reference.namespace).filter(|namespace| *namespace != meta.namespace))
    };
    let key = |reference: &Reference| (place(reference), reference.section_name.clone(), reference.port);
    let mut parents = Vec::new();
    for reference in it.spec.parent_refs.iter().take(MOST) {
        // Several controllers may take one parent; where none has, it stands there with nothing said.
        let said = it.status.parents.iter().filter(|said| key(&said.parent_ref) == key(reference));
        let said: Vec<ParentFact> = said
            .take(MOST)
            .map(|said| {
                let (of, namespace) = place(reference);
                ParentFact { of, namespace, by: some(&said.controller_name), conditions: conditions(&said.conditions) }
            })
            .collect();
        match said.is_empty() {
            true => {
                let (of, namespace) = place(reference);
                parents.push(ParentFact { of, namespace, ..ParentFact::default() });
            }
            false => parents.extend(said),
        }
    }
    let rules = it.spec.rules.iter().take(MOST).map(|rule| RuleFact {
        name: some(&rule.name),
        matches: rule.matches.iter().take(MOST).map(matched).collect(),
        backends: rule
            .backend_refs
            .iter()
            .take(MOST)
            .map(|backend| {
                let kind = if backend.to.kind.is_empty() { "Service" } else { backend.to.kind.as_str() };
                ShareFact {
                    to: OwnerFact { kind: SmolStr::new(kind), name: SmolStr::new(&backend.to.name) },
                    namespace: some(&backend.to.namespace).filter(|namespace| *namespace != meta.namespace),
                    port: backend.to.port,
                    weight: weight(backend.weight),
                }
            })
            .collect(),
    });
    let route = RouteFact {
        hosts: it.spec.hostnames.iter().take(MOST).map(SmolStr::new).collect(),
        parents,
        rules: rules.collect(),
    };
    let said = it.status.parents.iter().flat_map(|parent| &parent.conditions);
    routed("HTTPRoute", meta, route, observed(said))
}

/// What an InferenceModelRewrite says; `None` for one without a name. Its backends are models.
#[must_use]
pub fn facts_of_rewrite(it: InferenceModelRewrite) -> Option<Fact> {
    let meta = it.metadata?;
    let pool = it.spec.pool_ref;
    let kind = if pool.kind.is_empty() { "InferencePool" } else { pool.kind.as_str() };
    let parent = ParentFact {
        of: OwnerFact { kind: SmolStr::new(kind), name: SmolStr::new(&pool.name) },
        conditions: conditions(&it.status.conditions),
        ..ParentFact::default()
    };
    let rules = it.spec.rules.iter().take(MOST).map(|rule| RuleFact {
        name: None,
        matches: rule.matches.iter().take(MOST).map(|one| of_model(&one.model)).collect(),
        backends: rule
            .targets
            .iter()
            .take(MOST)
            .map(|target| ShareFact {
                to: OwnerFact { kind: SmolStr::new_static("Model"), name: SmolStr::new(&target.model_rewrite) },
                weight: weight(target.weight),
                ..ShareFact::default()
            })
            .collect(),
    });
    let route = RouteFact { hosts: Vec::new(), parents: vec![parent], rules: rules.collect() };
    routed("InferenceModelRewrite", meta, route, observed(&it.status.conditions))
}

fn routed(kind: &'static str, meta: WrittenMeta, route: RouteFact, observed: Observed) -> Option<Fact> {
    let delivery = DeliveryFact {
        // What a controller does not number is of the spec that is there.
        observed: match observed {
            Observed::Nothing => None,
            Observed::Unnumbered => Some(meta.generation),
            Observed::Of(generation) => Some(generation),
        },
        strategy: StrategyFact::Routed(Box::new(route)),
        ..of_meta(&meta, None)
    };
    delivered(kind, meta, None, delivery)
}

/// Of which spec all conditions are.
#[derive(Clone, Copy)]
enum Observed {
    Nothing,
    Unnumbered,
    Of(i64),
}

fn observed<'a>(conditions: impl IntoIterator<Item = &'a SeenCondition>) -> Observed {
    conditions.into_iter().fold(Observed::Nothing, |oldest, one| match (oldest, one.observed_generation) {
        (Observed::Of(oldest), Some(seen)) => Observed::Of(oldest.min(seen)),
        (_, Some(seen)) => Observed::Of(seen),
        (Observed::Nothing, None) => Observed::Unnumbered,
        (oldest, None) => oldest,
    })
}

fn conditions(all: &[SeenCondition]) -> Vec<StatedFact> {
    all.iter().take(MOST_CONDITIONS).map(|one| stated(one.condition.clone())).collect()
}

/// A weight that is not said is 1, and none is less than 0.
fn weight(weight: Option<i64>) -> u32 {
    weight.map_or(1, |weight| u32::try_from(weight.max(0)).unwrap_or(u32::MAX))
}

fn matched(it: &RouteMatch) -> SmolStr {
    let path = it.path.as_ref().map(|path| format!("{} {}", path_word(path), path.value));
    let method = some(&it.method).map(|method| method.to_string());
    let headers = it.headers.iter().map(|header| format!("header {}", header.name));
    let parameters = it.query_params.iter().map(|parameter| format!("parameter {}", parameter.name));
    let all: Vec<String> = method.into_iter().chain(path).chain(headers).chain(parameters).collect();
    cut(&all.join(" and "))
}

fn path_word(path: &PathMatch) -> &'static str {
    match path.r#type.as_str() {
        "Exact" => "path",
        "RegularExpression" => "paths like",
        _ => "paths below",
    }
}

fn of_model(model: &PathMatch) -> SmolStr {
    cut(&format!("model {}", model.value))
}

fn cut(text: &str) -> SmolStr {
    words(text, MOST_MATCH).map(SmolStr::from).unwrap_or_default()
}

/// What a Service says; `None` for one without a name.
#[must_use]
pub fn facts_of_service(it: Service) -> Option<BackendFact> {
    let (meta, spec) = (it.metadata?, it.spec.unwrap_or_default());
    let (selector, hash) = selector(&spec.selector);
    Some(BackendFact {
        of: OwnerFact { kind: SmolStr::new_static("Service"), name: some(&meta.name)? },
        namespace: SmolStr::new(&meta.namespace),
        selector,
        hash,
        wrong: Vec::new(),
    })
}

/// What an InferencePool says; `None` for one without a name.
#[must_use]
pub fn facts_of_pool(it: InferencePool) -> Option<BackendFact> {
    let meta = it.metadata?;
    let (selector, hash) = selector(&it.spec.selector.match_labels);
    let wanted = |one: &&SeenCondition| ["Accepted", "ResolvedRefs"].contains(&one.condition.r#type.as_str());
    let said = it.status.parents.iter().flat_map(|parent| &parent.conditions);
    let wrong = said.filter(wanted).filter(|one| one.condition.status == "False").take(MOST_CONDITIONS);
    Some(BackendFact {
        of: OwnerFact { kind: SmolStr::new_static("InferencePool"), name: some(&meta.name)? },
        namespace: SmolStr::new(&meta.namespace),
        selector,
        hash,
        wrong: wrong.map(|one| stated(one.condition.clone())).collect(),
    })
}

fn selector(all: &BTreeMap<String, String>) -> (LabelsFact, Option<SmolStr>) {
    let hash = HASHES.iter().find_map(|key| all.get(*key)).map(SmolStr::new);
    let rest = all.iter().filter(|(key, _)| !HASHES.contains(&key.as_str()));
    (rest.take(MOST_LABELS).map(|(key, value)| (SmolStr::new(key), SmolStr::new(value))).collect(), hash)
}

/// What a Canary of Flagger says; `None` for one without a name.
#[must_use]
pub fn facts_of_canary(it: Canary) -> Option<Fact> {
    let (meta, spec, status) = (it.metadata?, it.spec, it.status);
    let number = |n: i64| u32::try_from(n.max(0)).unwrap_or(u32::MAX);
    let analysis = spec.analysis;
    let weights: Vec<u32> = if analysis.step_weights.is_empty() {
        let (step, most) = (number(analysis.step_weight), number(analysis.max_weight).min(100));
        // Without a step there is one, or it is no share of traffic that grows.
        (1..).map(|n: u32| n.saturating_mul(step)).take_while(|weight| step > 0 && *weight <= most).take(MOST).collect()
    } else {
        analysis.step_weights.iter().take(MOST).map(|weight| number(*weight)).collect()
    };
    let flagger = FlaggerFact {
        target: OwnerFact {
            kind: some(&spec.target_ref.kind).unwrap_or(SmolStr::new_static("Deployment")),
            name: SmolStr::new(&spec.target_ref.name),
        },
        provider: some(&spec.provider),
        phase: some(&status.phase),
        weight: status.canary_weight.map(number),
        failed_checks: number(status.failed_checks),
        most_failed: number(analysis.threshold),
        weights,
    };
    let delivery = DeliveryFact {
        // Its controller numbers no spec: what it says is of the one that is there.
        observed: flagger.phase.as_ref().map(|_| meta.generation),
        conditions: status.conditions.into_iter().take(MOST_CONDITIONS).map(stated).collect(),
        strategy: StrategyFact::Flagger(Box::new(flagger)),
        ..of_meta(&meta, None)
    };
    delivered("Canary", meta, None, delivery)
}

/// Something that makes pods by a template.
pub trait Labelled {
    /// That template.
    fn template(&self) -> Option<&Template>;
}

impl Labelled for Deployment {
    fn template(&self) -> Option<&Template> {
        self.spec.as_ref()?.template.as_ref()
    }
}

impl Labelled for StatefulSet {
    fn template(&self) -> Option<&Template> {
        self.spec.as_ref()?.template.as_ref()
    }
}

impl Labelled for Rollout {
    fn template(&self) -> Option<&Template> {
        self.spec.template.as_ref()
    }
}

impl Labelled for LeaderWorkerSet {
    fn template(&self) -> Option<&Template> {
        let template = &self.spec.leader_worker_template;
        template.leader_template.as_ref().or(template.worker_template.as_ref())
    }
}

/// What an object says, with the labels that its pods get: by these a Service chooses them.
#[must_use]
pub fn with_labels<T: Labelled>(it: T, fact: impl Fn(T) -> Option<Fact>) -> Option<Fact> {
    let labels = it.template().and_then(|template| template.metadata.as_ref()).map(|meta| &meta.labels);
    let labels: LabelsFact = labels
        .into_iter()
        .flatten()
        .take(MOST_LABELS)
        .map(|(key, value)| (SmolStr::new(key), SmolStr::new(value)))
        .collect();
    Some(match fact(it)? {
        Fact::Delivered(controller, delivery) => Fact::Labelled(controller, delivery, labels),
        Fact::Part(controller, service, _) => Fact::Part(controller, service, labels),
        other => other,
    })
}

/// Takes out the labels that pods get: where no routes are served nothing is joined by them.
pub fn without_labels(fact: &mut Fact) {
    if let Fact::Labelled(_, _, labels) | Fact::Part(_, _, labels) = fact {
        labels.clear();
    }
}

#[cfg(test)]
mod tests;

//! What stands beside a service: shares of traffic that routes give it, joined by the labels of its pods; who moves its
//! traffic; from where it is kept.

use crate::{
    World,
    delivery::route,
    fact::{
        ApplicationFact, BackendFact, Kind, LabelsFact, ParentFact, RepositorySource, RouteFact, RuleFact, ShareFact,
        StrategyFact,
    },
    fold::application,
    source::{Source, WorkloadKey},
};
use pilothouse_wire::{
    ConnectionId, ObjectRef, SmolStr,
    view::{
        DeliveryRow, Finding, Guard,
        delivery::{Keeper, Kept, ShareRow},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// Labels that the controller of a LeaderWorkerSet gives its pods; which group and which place in it is no service's.
const GROUPS_OWN: &str = "leaderworkerset.sigs.k8s.io/";
const GROUPS_NAME: &str = "leaderworkerset.sigs.k8s.io/name";
/// The label of leaders by which Services choose them alone.
const GROUPS_LEADER: (&str, &str) = ("leaderworkerset.sigs.k8s.io/worker-index", "0");

/// All shares of one source: looked through once for all of its services.
pub(super) struct Traffic {
    shares: BTreeMap<WorkloadKey, Vec<ShareRow>>,
    movers: BTreeMap<WorkloadKey, SmolStr>,
}

/// A service with the labels of its pods.
type Labelled<'a> = (&'a WorkloadKey, &'a LabelsFact);

/// Services of one source by what backends choose them by: looked through once for all backends.
#[derive(Default)]
struct Chosen<'a> {
    /// By namespace, and a label of their pods.
    by_label: BTreeMap<(&'a SmolStr, &'a SmolStr, &'a SmolStr), Vec<Labelled<'a>>>,
    /// By namespace alone.
    all: BTreeMap<&'a SmolStr, Vec<Labelled<'a>>>,
}

impl Traffic {
    pub fn of(id: &ConnectionId, source: &Source) -> Self {
        let mut shares: BTreeMap<WorkloadKey, Vec<ShareRow>> = BTreeMap::new();
        let mut movers = BTreeMap::new();
        let mut chosen: Option<Chosen<'_>> = None;
        for (key, service) in &source.delivery.services {
            match &service.fact.strategy {
                StrategyFact::Routed(route) => {
                    let chosen = chosen.get_or_insert_with(|| Chosen::of(source));
                    for (row, to) in rows(id, source, chosen, key, route) {
                        for receiver in to {
                            shares.entry(receiver.clone()).or_default().push(row.clone());
                        }
                        shares.entry(key.clone()).or_default().push(row);
                    }
                }
                StrategyFact::Flagger(flagger) => {
                    let target = (flagger.target.kind.clone(), key.1.clone(), flagger.target.name.clone());
                    movers.insert(target, key.2.clone());
                }
                _ => {}
            }
        }
        Self { shares, movers }
    }

    /// A service with what stands beside it.
    pub fn beside(&self, applications: &Applications<'_>, id: &ConnectionId, mut row: DeliveryRow) -> DeliveryRow {
        let key: WorkloadKey = (row.kind.clone(), row.namespace.clone(), row.name.clone());
        row.shares = self.shares.get(&key).cloned().unwrap_or_default();
        if let Some(guard) = &mut row.guard
            && let Some(kept) = applications.kept(id, guard)
        {
            // The label is anybody's; the application says whose it is.
            guard.by = Keeper::ArgoCd;
            row.kept = Some(Box::new(kept));
        }
        if row.guard.is_none()
            && let Some(name) = self.movers.get(&key)
        {
            row.guard = Some(Guard { by: Keeper::Flagger, name: name.clone() });
        }
        row
    }
}

/// All applications by their names: looked up once for all services.
pub(super) struct Applications<'a>(BTreeMap<&'a str, Vec<(&'a ConnectionId, &'a ApplicationFact)>>);

impl<'a> Applications<'a> {
    pub fn of(world: &'a World) -> Self {
        let mut all: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (id, source) in world.sources() {
            for fact in source.delivery.applications.values() {
                all.entry(&fact.name).or_default().push((id, fact));
            }
        }
        Self(all)
    }

    /// The application that a guard names: of its own cluster, else the only one of this name, since Argo CD may keep other
    /// clusters than its own.
    fn kept(&self, id: &ConnectionId, guard: &Guard) -> Option<Kept> {
        // In other namespaces than Argo CD's own an application is called `namespace_name`; no name has that sign itself.
        let (namespace, name) = match guard.name.split_once('_') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, guard.name.as_str()),
        };
        let may_be_far = match guard.by {
            Keeper::ArgoCd => true,
            Keeper::ArgoCdPerhaps => false,
            _ => return None,
        };
        let called = self.0.get(name).into_iter().flatten();
        let called: Vec<_> =
            called.filter(|(_, fact)| namespace.is_none_or(|namespace| fact.namespace == namespace)).collect();
        let own: Vec<_> = called.iter().copied().filter(|(of, _)| *of == id).collect();
        let found = if own.is_empty() && may_be_far { called } else { own };
        let [(of, fact)] = found.as_slice() else { return None };
        Some(Kept {
            application: application(of, &fact.namespace, &fact.name),
            project: fact.project.clone(),
            repository: places(fact, |source| Some(&source.repository)).unwrap_or_default(),
            path: places(fact, |source| source.path.as_ref().or(source.chart.as_ref())),
            revision: places(fact, |source| source.revision.as_ref()),
            automated: fact.automated,
            self_heal: fact.self_heal,
            sync: fact.sync.clone(),
            health: fact.health.clone(),
            message: fact.message.clone(),
        })
    }
}

/// Of several places all are named, each once, since nobody says which one has this object.
fn places(fact: &ApplicationFact, read: impl Fn(&RepositorySource) -> Option<&SmolStr>) -> Option<SmolStr> {
    let mut texts: Vec<&str> = Vec::new();
    for text in fact.sources.iter().filter_map(read) {
        if !texts.contains(&text.as_str()) {
            texts.push(text);
        }
    }
    (!texts.is_empty()).then(|| SmolStr::from(texts.join(" and ")))
}

impl<'a> Chosen<'a> {
    fn of(source: &'a Source) -> Self {
        let mut chosen = Self::default();
        for key in source.delivery.services.keys() {
            let Some(labels) = labels_of(source, key) else { continue };
            chosen.all.entry(&key.1).or_default().push((key, labels));
            for (label, value) in labels {
                chosen.by_label.entry((&key.1, label, value)).or_default().push((key, labels));
            }
        }
        chosen
    }

    /// The services of a namespace whose pods a backend chooses, in the order of their keys.
    fn by(&self, backend: &BackendFact, namespace: &SmolStr) -> Vec<WorkloadKey> {
        // Labels of a group are known by its name, and need not stand in its template.
        let own = backend.selector.iter().filter(|(label, _)| !label.starts_with(GROUPS_OWN));
        let with = own.map(|(label, value)| {
            self.by_label.get(&(namespace, label, value)).map_or(&[] as &[Labelled<'_>], Vec::as_slice)
        });
        // Of several labels all have to be there: the services that have the rarest are the fewest to look at.
        let few = with.min_by_key(|some| some.len());
        let few = few.or_else(|| self.all.get(namespace).map(Vec::as_slice)).unwrap_or_default();
        few.iter().filter(|(key, labels)| chooses(backend, key, labels)).map(|(key, _)| (*key).clone()).collect()
    }
}

/// The labels of a workload's pods, where they are known. One that takes the template of another has its labels.
fn labels_of<'a>(source: &'a Source, key: &WorkloadKey) -> Option<&'a LabelsFact> {
    let labels = &source.delivery.labels;
    let lender = || {
        let of = source.delivery.services.get(key)?.fact.rollout.as_ref()?.template_of.as_ref()?;
        labels.get(&(of.kind.clone(), key.1.clone(), of.name.clone()))
    };
    labels.get(key).filter(|labels| !labels.is_empty()).or_else(lender)
}

/// The Services and pools behind which the pods of a finding stand, as `Kind namespace/name`. One of a revision alone is
/// not hit by what hits another.
pub fn services_hit(world: &World, finding: &Finding) -> Vec<SmolStr> {
    let Some(source) = world.source(&finding.node.cluster) else { return Vec::new() };
    let mut hit: BTreeMap<WorkloadKey, BTreeSet<Option<&SmolStr>>> = BTreeMap::new();
    let pods = finding.pods.iter().filter_map(|id| source.pods.get(&(id.namespace.clone(), id.name.clone())));
    for pod in pods.map(|pod| &pod.fact) {
        let Some(owner) = pod.workload() else { continue };
        hit.entry((owner.kind, pod.namespace.clone(), owner.name)).or_default().insert(pod.template_hash.as_ref());
    }
    let mut services = BTreeSet::new();
    for (key, hashes) in &hit {
        let Some(labels) = labels_of(source, key) else { continue };
        for kind in ["InferencePool", "Service"] {
            let first = (SmolStr::new_static(kind), key.1.clone(), SmolStr::default());
            let here = source.delivery.backends.range(first..).map(|(_, backend)| backend);
            let here = here.take_while(|backend| backend.of.kind == kind && backend.namespace == key.1);
            let before = here.filter(|backend| {
                let chooses_some = !backend.selector.is_empty() || backend.hash.is_some();
                let revision = backend.hash.is_none() || hashes.contains(&backend.hash.as_ref());
                chooses_some && revision && chooses(backend, key, labels)
            });
            services.extend(before.map(|backend| SmolStr::from(format!("{kind} {}/{}", key.1, backend.of.name))));
        }
    }
    services.into_iter().collect()
}

/// The shares of a route, each with the services behind it.
fn rows(
    id: &ConnectionId,
    source: &Source,
    chosen: &Chosen<'_>,
    key: &WorkloadKey,
    fact: &RouteFact,
) -> Vec<(ShareRow, Vec<WorkloadKey>)> {
    let object = |(kind, namespace, name): &WorkloadKey| {
        ObjectRef::Workload(id.clone(), namespace.clone(), kind.clone(), name.clone())
    };
    let mut rows = Vec::new();
    for (place, rule) in fact.rules.iter().enumerate() {
        for share in &rule.backends {
            let behind = behind(source, chosen, key, &fact.parents, share);
            let (to, hash, unknown) = match behind {
                Ok((to, backend)) => (to, backend.hash.clone(), wrong(backend)),
                Err(why) => (Vec::new(), None, Some(why)),
            };
            let revision = match (&hash, to.as_slice()) {
                (Some(hash), [only]) => super::revision(source, only, Some(hash)).map(|revision| revision.number),
                _ => None,
            };
            let row = ShareRow {
                route: object(key),
                rule: u32::try_from(place).unwrap_or(u32::MAX),
                rule_words: rule_words(fact, place, rule),
                kind: share.to.kind.clone(),
                backend: share.to.name.clone(),
                namespace: share.namespace.clone(),
                weight: share.weight,
                of: route::whole(rule),
                to: to.iter().map(object).collect(),
                revision,
                unknown,
            };
            rows.push((row, to));
        }
    }
    rows
}

fn rule_words(fact: &RouteFact, place: usize, rule: &RuleFact) -> String {
    let named = (fact.rules.len() > 1 || rule.name.is_some()).then(|| route::rule_words(fact, place));
    let hosts = (!fact.hosts.is_empty()).then(|| fact.hosts.join(", "));
    let matches = (!rule.matches.is_empty()).then(|| rule.matches.join(", or "));
    named.into_iter().chain(hosts).chain(matches).collect::<Vec<_>>().join(": ")
}

fn wrong(backend: &BackendFact) -> Option<String> {
    let first = backend.wrong.first()?;
    let words = [first.reason.as_ref().map(SmolStr::as_str), first.message.as_deref()];
    let why = words.into_iter().flatten().collect::<Vec<_>>().join(": ");
    Some(format!("{} {} says {} is {}: {why}", backend.of.kind, backend.of.name, first.kind, first.status))
}

/// The services whose pods a backend chooses, and the backend; else why they are not known.
fn behind<'a>(
    source: &'a Source,
    chosen: &Chosen<'_>,
    key: &WorkloadKey,
    parents: &[ParentFact],
    share: &ShareFact,
) -> Result<(Vec<WorkloadKey>, &'a BackendFact), String> {
    // A model is served by the pool of its rewrite.
    let (kind, name) = match (share.to.kind.as_str(), parents.first()) {
        ("Model", Some(pool)) => (&pool.of.kind, &pool.of.name),
        _ => (&share.to.kind, &share.to.name),
    };
    let namespace = share.namespace.as_ref().unwrap_or(&key.1);
    let listed = match kind.as_str() {
        "Service" => Kind::Service,
        "InferencePool" => Kind::InferencePool,
        _ => return Err(format!("who stands behind a {kind} is not looked into")),
    };
    let Some(backend) = source.delivery.backends.get(&(kind.clone(), namespace.clone(), name.clone())) else {
        return Err(match source.was_listed(listed, Some(namespace)) {
            true => format!("there is no {kind} {name} in {namespace}"),
            false => format!("{kind} {name} is not read here"),
        });
    };
    if backend.selector.is_empty() && backend.hash.is_none() {
        return Err(format!("{kind} {name} chooses its pods by no label"));
    }
    let mut to = chosen.by(backend, namespace);
    // Of a revision alone there is one who has it; its labels may be those of whoever lent the template.
    if let Some(hash) = &backend.hash
        && let Some(owner) = to.iter().find(|key| super::revision(source, key, Some(hash)).is_some())
    {
        to = vec![owner.clone()];
    }
    if to.is_empty() {
        let labels: Vec<String> = backend.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        return Err(format!("no service has pods with {}", labels.join(", ")));
    }
    Ok((to, backend))
}

/// Does a backend choose the pods that have these labels?
fn chooses(backend: &BackendFact, (kind, _, name): &WorkloadKey, labels: &LabelsFact) -> bool {
    backend.selector.iter().all(|(key, value)| {
        if kind == "LeaderWorkerSet" && key.starts_with(GROUPS_OWN) {
            return (key == GROUPS_NAME && value == name) || (key.as_str(), value.as_str()) == GROUPS_LEADER;
        }
        labels.iter().any(|(own, is)| own == key && is == value)
    })
}

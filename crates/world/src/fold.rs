//! The fold: one batch into the world. Cannot fail and reads no clock.

mod alerts;
mod budgets;
mod claims;
mod controllers;
mod delivery;
mod jobs;
mod lanes;
mod models;
mod nodes;
mod persons;
mod pods;
mod rebuilt;
mod registries;
mod repositories;
mod rest;
mod scales;
mod starts;
mod telemetry;
mod traffic;
mod written;

pub(crate) use repositories::application;

use crate::{
    fact::{Batch, Covers, Extent, Fact, Kind, LabelsFact, PodLabels, WrittenFact},
    source::{PodKey, Source},
    touched::Touched,
    world::World,
};
use pilothouse_wire::{
    ConnectionId, NodeId, ObjectRef, SmolStr, Stamp,
    view::{Mark, MarkKind},
};
use rebuilt::Rebuilt;
use std::collections::BTreeSet;

/// One batch on its way in: whose it is, when it was seen, and what it changes.
pub(crate) struct Fold<'a> {
    pub id: &'a ConnectionId,
    pub seen: Stamp,
    pub source: &'a mut Source,
    pub touched: Touched,
    pub marks: Vec<Mark>,
    /// Is this a complete listing?
    pub listing: bool,
    /// What was not seen as it happened.
    pub rebuilt: Rebuilt,
    /// When the source was last heard before.
    pub heard: Option<Stamp>,
}

pub(crate) fn apply(world: &mut World, batch: Batch) -> Touched {
    let Batch { source: id, seen_at, extent, facts } = batch;
    let (of_persons, facts): (Vec<Fact>, Vec<Fact>) = facts.into_iter().partition(persons::is_of_persons);
    let mut noted = persons::apply(world, of_persons, seen_at);
    if noted.ribbon && facts.is_empty() {
        // Whoever writes a note is no source.
        return noted;
    }
    let removed = facts.iter().any(|fact| matches!(fact, Fact::Source(crate::fact::SourceFact::Removed)));
    let source = world.sources.entry(id.clone()).or_default();
    let before = source.lane_point_last();
    let had_nodes = !source.nodes.is_empty();
    let heard = source.heard;
    let mut fold = Fold {
        id: &id,
        seen: seen_at,
        source,
        touched: Touched::default(),
        marks: Vec::new(),
        listing: matches!(extent, Extent::Replace(_)),
        rebuilt: Rebuilt::default(),
        heard,
    };
    fold.facts(extent, facts);
    fold.lanes(before);
    let Fold { mut touched, mut marks, source, rebuilt, .. } = fold;
    source.dropped = source.dropped.saturating_add(rebuilt.left_out());
    marks.extend(rebuilt.into_marks());
    if had_nodes == source.nodes.is_empty() {
        // What it measures is of its own nodes once it has some, and of others before.
        touched.devices.extend(source.telemetry.nodes().cloned());
        touched.serving = true;
    }
    touched.ribbon |= !marks.is_empty();
    touched.columns |= !touched.nodes.is_empty() || !touched.pods.is_empty();
    touched.merge(std::mem::take(&mut noted));
    for mut mark in marks {
        mark.heard = seen_at;
        if let ObjectRef::Gpu(node, _) = &mut mark.key.object {
            // Who measures need not be the cluster that has the node.
            node.cluster = world.cluster_measured_by(&id, &node.name);
        }
        world.mark(mark);
    }
    if removed {
        world.sources.remove(&id);
        world.marks.retain(|key, _| key.kind == MarkKind::Bookmark || *key.object.connection() != id);
        touched.all = true;
    }
    touched
}

impl Fold<'_> {
    fn facts(&mut self, extent: Extent, facts: Vec<Fact>) {
        let count = facts.iter().filter(|fact| !matches!(fact, Fact::Source(_))).count() as u64;
        self.source.facts = self.source.facts.saturating_add(count);
        if !facts.iter().all(|fact| matches!(fact, Fact::Source(_))) {
            self.source.heard = Some(self.seen);
        }
        if let Extent::Replace(covers) = &extent {
            self.source.heard = Some(self.seen);
            self.drop_unlisted(covers, &facts);
        }
        for fact in facts {
            self.fact(fact);
        }
        if let Extent::Replace(Covers {
            kind: Kind::Revision | Kind::ReplicaSet | Kind::ControllerRevision,
            namespace,
        }) = &extent
        {
            self.rebuild_revisions(namespace.as_ref());
        }
        if let Extent::Replace(Covers { kind: Kind::Event, namespace }) = &extent
            && !self.source.was_listed(Kind::Event, namespace.as_ref())
        {
            self.rebuild_scales(namespace.as_ref());
        }
        if let Extent::Replace(covers) = extent {
            self.touched.sources.insert(self.id.clone());
            let knows = |source: &Source| (source.knows_pods(), source.knows_claims());
            let knew = knows(self.source);
            // What is listed for the first time may be the last that was waited for.
            let (of_budgets, namespace) = (covers.kind == Kind::DisruptionBudget, covers.namespace.clone());
            let first = self.source.listed.insert(covers);
            self.touched.delivery |= first;
            if first && of_budgets {
                self.touch_budgeted(namespace.as_ref());
            }
            if knows(self.source) != knew {
                // Now it is known which GPUs nobody holds.
                let nodes: Vec<NodeId> = self.source.nodes.keys().map(|name| self.node_id(name)).collect();
                self.touched.nodes.extend(nodes);
            }
        }
    }

    fn fact(&mut self, fact: Fact) {
        match fact {
            Fact::Source(fact) => self.about(fact),
            Fact::Node(node) => self.node(*node, WrittenFact::default()),
            Fact::WrittenNode(node, written) => self.node(*node, written),
            Fact::NodeGone(name) => self.node_gone(&name),
            Fact::Pod(pod) => self.pod(*pod, PodLabels::default(), Vec::new(), LabelsFact::new()),
            Fact::LabelledPod(pod, labels) => self.pod(*pod, labels, Vec::new(), LabelsFact::new()),
            Fact::StartedPod(pod, labels, starts) => self.pod(*pod, labels, starts, LabelsFact::new()),
            Fact::ChosenPod(pod, labels, starts, all) => self.pod(*pod, labels, starts, all),
            Fact::PodGone(namespace, name) => self.pod_gone(&(namespace, name)),
            Fact::Namespace(namespace) => self.namespace(namespace, None),
            Fact::LabelledNamespace(namespace, team) => self.namespace(namespace, Some(team)),
            Fact::NamespaceGone(name) => self.namespace_gone(&name),
            Fact::Event(event) => self.event(*event),
            Fact::EventGone(uid) => self.event_gone(&uid),
            Fact::Devices(devices) => self.devices(*devices),
            Fact::Readings(readings) => self.readings(*readings),
            Fact::Silent(list, places) => self.silent(list, places),
            Fact::Paced(list, paces) => self.paced(list, paces),
            Fact::Before(before) => self.before(*before),
            Fact::Serving(serving) => self.serving(*serving),
            Fact::Alerts(alerts) => self.alerts(*alerts),
            Fact::Registry(registry) => self.registry(*registry),
            Fact::Controller(controller) => self.controller(*controller),
            Fact::ControllerGone(kind, namespace, name) => self.controller_gone(&(kind, namespace, name)),
            Fact::Revision(revision) => self.revision(*revision),
            Fact::Job(job) => self.job(*job),
            Fact::Model(model) => self.model(*model),
            Fact::ModelGone(name) => self.model_gone(&name),
            Fact::RevisionGone(namespace, name) => self.revision_gone(&namespace, &name),
            Fact::Delivered(controller, delivery) => self.delivered(*controller, *delivery),
            Fact::SizedRevision(revision, size) => self.sized_revision(*revision, size),
            Fact::TemplatedRevision(revision, size, template) => self.templated_revision(*revision, size, *template),
            Fact::Analysis(analysis) => self.analysis(*analysis),
            Fact::AnalysisGone(namespace, name) => self.analysis_gone(&(namespace, name)),
            Fact::Experiment(experiment) => self.experiment(*experiment),
            Fact::ExperimentGone(namespace, name) => self.experiment_gone(&(namespace, name)),
            Fact::Labelled(controller, delivery, labels) => self.labelled(*controller, *delivery, labels),
            Fact::Part(controller, service, labels) => self.part(*controller, service, labels),
            Fact::Backend(backend) => self.backend(*backend),
            Fact::BackendGone(kind, namespace, name) => self.backend_gone(&(kind, namespace, name)),
            Fact::Application(application) => self.application(*application),
            Fact::ApplicationGone(namespace, name) => self.application_gone(&(namespace, name)),
            Fact::Promotion(promotion) => self.promotion(*promotion),
            Fact::PromotionGone(namespace, name) => self.promotion_gone(&(namespace, name)),
            Fact::Stage(stage) => self.stage(*stage),
            Fact::StageGone(namespace, name) => self.stage_gone(&(namespace, name)),
            Fact::Slice(slice) => self.slice(*slice),
            Fact::SliceGone(name) => self.slice_gone(&name),
            Fact::Allocation(claim) => self.allocation(*claim),
            Fact::AllocationGone(namespace, name) => self.allocation_gone(&(namespace, name)),
            Fact::Host(host) => self.host(*host),
            Fact::Budget(budget) => self.budget(*budget),
            Fact::BudgetGone(namespace, name) => self.budget_gone(&namespace, &name),
            // They are no source's: taken in before.
            Fact::Note(_) | Fact::NoteGone(..) | Fact::Recalled(_) | Fact::Acted(_) => {}
        }
    }

    /// What a complete listing does not name is gone.
    fn drop_unlisted(&mut self, covers: &Covers, facts: &[Fact]) {
        match covers.kind {
            Kind::Node => {
                let named: BTreeSet<&SmolStr> = facts.iter().filter_map(Fact::node).map(|node| &node.name).collect();
                let gone: Vec<SmolStr> =
                    self.source.nodes.keys().filter(|name| !named.contains(name)).cloned().collect();
                gone.iter().for_each(|name| self.node_gone(name));
            }
            Kind::Pod => {
                let named: BTreeSet<(&SmolStr, &SmolStr)> =
                    facts.iter().filter_map(Fact::pod).map(|pod| (&pod.namespace, &pod.name)).collect();
                let gone: Vec<PodKey> = self
                    .source
                    .pods
                    .keys()
                    .filter(|(namespace, _)| covers.namespace.as_ref().is_none_or(|only| only == namespace))
                    .filter(|(namespace, name)| !named.contains(&(namespace, name)))
                    .cloned()
                    .collect();
                gone.iter().for_each(|key| self.pod_gone(key));
            }
            Kind::Namespace => {
                let named: BTreeSet<&SmolStr> =
                    facts.iter().filter_map(Fact::namespace).map(|namespace| &namespace.name).collect();
                let gone: Vec<SmolStr> =
                    self.source.namespaces.keys().filter(|name| !named.contains(name)).cloned().collect();
                gone.iter().for_each(|name| self.namespace_gone(name));
            }
            Kind::Event => {
                let named: BTreeSet<&SmolStr> = facts
                    .iter()
                    .filter_map(|fact| if let Fact::Event(event) = fact { Some(&event.uid) } else { None })
                    .collect();
                let gone: Vec<SmolStr> = self
                    .source
                    .events
                    .iter()
                    .filter(|(_, event)| covers.namespace.is_none() || covers.namespace == event.namespace)
                    .filter(|(uid, _)| !named.contains(uid))
                    .map(|(uid, _)| uid.clone())
                    .collect();
                gone.iter().for_each(|uid| self.event_gone(uid));
            }
            Kind::Deployment => self.drop_controllers("Deployment", covers.namespace.as_ref(), facts),
            Kind::StatefulSet => self.drop_controllers("StatefulSet", covers.namespace.as_ref(), facts),
            Kind::DaemonSet => self.drop_controllers("DaemonSet", covers.namespace.as_ref(), facts),
            Kind::Job => self.drop_controllers("Job", covers.namespace.as_ref(), facts),
            Kind::Rollout => self.drop_controllers("Rollout", covers.namespace.as_ref(), facts),
            Kind::LeaderWorkerSet => self.drop_controllers("LeaderWorkerSet", covers.namespace.as_ref(), facts),
            Kind::InferenceService => self.drop_controllers("InferenceService", covers.namespace.as_ref(), facts),
            Kind::LlmInferenceService => self.drop_controllers("LLMInferenceService", covers.namespace.as_ref(), facts),
            kind @ (Kind::Analysis | Kind::Experiment) => self.drop_analyses(kind, covers.namespace.as_ref(), facts),
            Kind::ReplicaSet => {
                self.drop_controllers("ReplicaSet", covers.namespace.as_ref(), facts);
                self.drop_revisions(controllers::OF_REPLICA_SETS, covers.namespace.as_ref(), facts);
            }
            Kind::ControllerRevision => {
                self.drop_revisions(controllers::OF_REVISIONS, covers.namespace.as_ref(), facts);
            }
            Kind::Model => self.drop_models(facts),
            Kind::HttpRoute => self.drop_controllers("HTTPRoute", covers.namespace.as_ref(), facts),
            Kind::ModelRewrite => self.drop_controllers("InferenceModelRewrite", covers.namespace.as_ref(), facts),
            Kind::Canary => self.drop_controllers("Canary", covers.namespace.as_ref(), facts),
            Kind::Service => self.drop_backends("Service", covers.namespace.as_ref(), facts),
            Kind::InferencePool => self.drop_backends("InferencePool", covers.namespace.as_ref(), facts),
            kind @ (Kind::Application | Kind::Promotion | Kind::Stage) => {
                self.drop_kept(kind, covers.namespace.as_ref(), facts);
            }
            Kind::ResourceSlice | Kind::ResourceClaim => self.drop_claims(covers, facts),
            Kind::DisruptionBudget => self.drop_budgets(covers.namespace.as_ref(), facts),
            // Each listing of several kinds told of a part: what was gone was said of each.
            Kind::Controller | Kind::Revision => {}
        }
    }
}

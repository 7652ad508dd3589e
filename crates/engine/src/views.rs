//! Each view as it is projected of a world, now or then: what it is made of, what it follows from, and what concerns it.

use crate::{lineage, registries::Registries, table};
use pilothouse_insight::History;
use pilothouse_wire::{
    ConnectionId, Keyed, ObjectRef, Stamp, View, ViewSpec,
    frame::SourceState,
    view::{ConnectionsView, Finding, FleetSpec, FleetView, ObjectView, fleet::FleetPatch},
};
use pilothouse_world::{
    Touched, World,
    project::{self, FleetProjection},
};
use std::{sync::Arc, time::Duration};

/// As far back as a ribbon reaches.
pub(crate) const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// Does this view follow from the fleet as a whole?
pub(crate) fn follows(spec: &ViewSpec) -> bool {
    matches!(spec, ViewSpec::Object(_) | ViewSpec::Room(_) | ViewSpec::Waste(_))
}

/// Can what was touched have changed this view?
pub(crate) fn concerns(spec: &ViewSpec, touched: &Touched) -> bool {
    if touched.all {
        return true;
    }
    match spec {
        // They know best themselves.
        ViewSpec::Fleet(_) | ViewSpec::Delivery(_) => true,
        ViewSpec::Connections => !touched.sources.is_empty(),
        ViewSpec::Ribbon { .. } => touched.ribbon,
        ViewSpec::Models(_) => touched.models,
        ViewSpec::Artifacts => touched.artifacts,
        ViewSpec::Lineage(_) => {
            touched.models || touched.delivery || !touched.services.is_empty() || !touched.pods.is_empty()
        }
        ViewSpec::ArtifactServes(_) => touched.artifacts || !touched.pods.is_empty(),
        ViewSpec::Rollout(object) => {
            let id = object.connection();
            touched.delivery
                || !touched.services.is_empty()
                || touched.ribbon
                || touched.events.contains(id)
                || touched.pods.iter().any(|pod| pod.cluster == *id)
        }
        // They are concluded once a second, not with each fact.
        ViewSpec::Room(_) | ViewSpec::Waste(_) | ViewSpec::Notices | ViewSpec::Actions | ViewSpec::Bench => false,
        ViewSpec::Object(object) => {
            let id = object.connection();
            touched.ribbon
                // Who measures its GPUs may be another source.
                || touched.readings
                || touched.serving
                // An alert names what it is about, whoever sends it.
                || touched.alerts
                || touched.models
                // A pod's tag stands in a registry.
                || touched.artifacts
                || !touched.devices.is_empty()
                || touched.sources.contains(id)
                || touched.events.contains(id)
                || touched.nodes.iter().any(|node| node.cluster == *id)
                || touched.pods.iter().any(|pod| pod.cluster == *id)
        }
    }
}

/// The sources behind a view.
pub(crate) fn sources_of(world: &World, spec: &ViewSpec, now: Stamp) -> Vec<SourceState> {
    if *spec == ViewSpec::Artifacts {
        let is_registry =
            |id: &ConnectionId| world.source(id).is_some_and(|source| table::is_registry(&source.about.kind));
        return project::sources(world, &[], now).into_iter().filter(|source| is_registry(&source.id)).collect();
    }
    let scope = match spec {
        ViewSpec::Fleet(spec) | ViewSpec::Room(spec) | ViewSpec::Waste(spec) | ViewSpec::Delivery(spec) => {
            spec.scope.as_slice()
        }
        ViewSpec::Models(spec) => spec.scope.as_slice(),
        _ => &[],
    };
    project::sources(world, scope, now)
}

/// What views are projected from.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub world: &'a World,
    /// What its registries hold.
    pub registries: &'a Registries,
}

/// Projects a view of the world alone. Of the connections it has the rows that the world knows.
pub(crate) fn project_plain(known: Known<'_>, spec: &ViewSpec, history: &History, now: Stamp) -> View {
    let Known { world, registries } = known;
    match spec {
        ViewSpec::Fleet(spec) => View::Fleet(concluded(world, spec.clone(), now)),
        ViewSpec::Connections => {
            View::Connections(ConnectionsView { rows: project::connection_rows(world), ..ConnectionsView::default() })
        }
        ViewSpec::Ribbon { span, end } => View::Ribbon(project::ribbon(world, (*span).min(WEEK), *end, now)),
        ViewSpec::Object(object) => {
            let scope = FleetSpec { scope: vec![object.connection().clone()] };
            object_view(known, object, &concluded(world, scope, now).findings, now)
        }
        ViewSpec::Room(spec) => View::Room(pilothouse_insight::room(&concluded(world, spec.clone(), now), now)),
        ViewSpec::Waste(spec) => {
            View::Waste(pilothouse_insight::waste(&concluded(world, spec.clone(), now), history, now))
        }
        ViewSpec::Models(spec) => View::Models(Box::new(project::models(world, spec))),
        ViewSpec::Artifacts => View::Artifacts(Box::new(registries.artifacts(world).as_ref().clone())),
        ViewSpec::Delivery(spec) => View::Delivery(Box::new(project::delivery(world, spec))),
        ViewSpec::Rollout(object) => View::Rollout(project::rollout(world, object, now).map(Box::new)),
        ViewSpec::Lineage(model) => View::Lineage(Box::new(lineage::serves(world, registries, model))),
        ViewSpec::ArtifactServes(repository) => {
            View::ArtifactServes(Box::new(lineage::holds(world, registries, repository)))
        }
        // They are of now: the world knows none.
        ViewSpec::Notices => View::Notices(Box::default()),
        ViewSpec::Actions => View::Actions(Box::default()),
        ViewSpec::Bench => View::Bench(Box::default()),
    }
}

/// An object with what is wrong with it, and where what it runs comes from.
pub(crate) fn object_view(known: Known<'_>, object: &ObjectRef, findings: &Keyed<Finding>, now: Stamp) -> View {
    let Known { world, registries } = known;
    let view = project::object(world, object, findings, now);
    View::Object(view.map(|view| Box::new(ObjectView { lineage: lineage::of(world, registries, object), ..view })))
}

/// A fleet view with what follows from it.
pub(crate) fn concluded(world: &World, spec: FleetSpec, now: Stamp) -> Arc<FleetView> {
    let mut projection = FleetProjection::new(world, spec);
    conclude(world, &mut projection, now);
    Arc::clone(projection.view())
}

/// Puts into a fleet view what follows from it. The funnel leaves out what a finding says is broken: findings first. Who
/// gets traffic through pods that are hit is in the world, and not in the view.
pub(crate) fn conclude(world: &World, projection: &mut FleetProjection, now: Stamp) -> FleetPatch {
    let findings = pilothouse_insight::findings(projection.view(), now);
    let before = |finding: &Finding| Finding { services: project::services_hit(world, finding), ..finding.clone() };
    let findings = projection.set_findings(findings.rows().iter().map(before).collect());
    let funnel = projection.set_funnel(pilothouse_insight::funnel(projection.view(), now));
    FleetPatch { findings, funnel, ..FleetPatch::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{ModelId, PodId};

    #[test]
    fn where_a_model_serves_is_renewed_by_models_pods_and_services_alone() {
        let chat = ViewSpec::Lineage(ModelId { source: ConnectionId::slug("registry"), name: "chat".into() });
        let pod = PodId { cluster: ConnectionId::slug("iad"), namespace: "serving".into(), name: "chat-0".into() };
        assert!(concerns(&chat, &Touched { models: true, ..Touched::default() }));
        assert!(concerns(&chat, &Touched { delivery: true, ..Touched::default() }));
        assert!(concerns(&chat, &Touched { pods: [pod].into(), ..Touched::default() }));
        assert!(!concerns(&chat, &Touched { readings: true, artifacts: true, ribbon: true, ..Touched::default() }));
    }

    #[test]
    fn an_object_is_renewed_when_another_source_measures_it() {
        let gpu = ViewSpec::Object("gpu:iad/h-1/3".parse().unwrap());
        assert!(concerns(&gpu, &Touched { readings: true, ..Touched::default() }));
        let pod = ViewSpec::Object("pod:iad/serving/chat-0".parse().unwrap());
        assert!(concerns(&pod, &Touched { serving: true, ..Touched::default() }));
        assert!(concerns(&gpu, &Touched { devices: ["h-1".into()].into(), ..Touched::default() }));
        assert!(!concerns(&gpu, &Touched::default()));
        let room = ViewSpec::Room(FleetSpec::default());
        assert!(!concerns(&room, &Touched { readings: true, ..Touched::default() }));
    }
}

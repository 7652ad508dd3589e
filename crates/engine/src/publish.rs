//! Frames to those who watch: what changed, or everything for one who missed some, at most ten a second.

use crate::{gaps::Gaps, lineage, notices::Notices, table};
use pilothouse_connect::TimeZone;
use pilothouse_insight::History;
use pilothouse_wire::{
    Body, ConnectionId, Frame, Keyed, ObjectRef, Patch, Rev, Stamp, View, ViewSpec, When,
    frame::SourceState,
    plan::ActionsView,
    view::{ConnectionsView, Finding, FleetSpec, FleetView, ObjectView, fleet::FleetPatch},
};
use pilothouse_world::{
    Touched, World,
    project::{self, FleetProjection},
};
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::sync::mpsc::{Sender, error::TrySendError};

/// For so long a whole frame may be sent again as it is, to who comes when nothing has changed since.
const WHOLE: Duration = Duration::from_secs(1);
/// Beats after which conclusions are drawn anew though no fact moved.
const QUIET_BEATS: u32 = 5;

/// All views that are watched.
#[derive(Default)]
pub(crate) struct Publisher {
    views: HashMap<ViewSpec, Published>,
    /// What is wrong with the whole fleet, as of the last conclusion.
    findings: Keyed<Finding>,
    /// Since when each GPU does nothing, as far as this run has seen.
    history: History,
    /// What a person is told of.
    notices: Notices,
    /// Conclusions that nobody but the notices waited for, and that were left out.
    rested: u32,
    /// Beats since the last conclusion, and whether anything was touched since.
    beats: u32,
    moved: bool,
}

/// What a projection may look at.
pub(crate) struct Scene<'a> {
    pub world: &'a World,
    pub connections: &'a dyn Fn() -> ConnectionsView,
    pub gaps: &'a Gaps,
    pub actions: &'a ActionsView,
    pub now: Stamp,
    pub dropped: u64,
    pub zone: TimeZone,
}

struct Published {
    content: Content,
    rev: Rev,
    sources: Vec<SourceState>,
    watchers: Vec<Watcher>,
    /// The whole as it was last sent, while somebody has it still: who asks again gets the same, and its bytes.
    whole: Weak<Frame>,
}

/// One who watches, and the revision that they have; none until the first frame.
struct Watcher {
    way: Sender<Arc<Frame>>,
    has: Option<Rev>,
}

enum Content {
    Fleet(Box<FleetProjection>),
    Plain(Box<View>),
}

impl Publisher {
    /// Somebody watches a view: they get a full frame at the next publication.
    pub(crate) fn watch(&mut self, spec: ViewSpec, way: Sender<Arc<Frame>>, scene: &Scene<'_>) {
        let so_far = SoFar { findings: &self.findings, history: &self.history, notices: &self.notices };
        let published = self.views.entry(spec.clone()).or_insert_with(|| Published {
            content: Content::new(&spec, so_far, scene),
            rev: Rev(1),
            sources: scene.sources(&spec),
            watchers: Vec::new(),
            whole: Weak::new(),
        });
        published.watchers.push(Watcher { way, has: None });
        published.catch_up(scene);
    }

    /// Renews what was touched and sends it out.
    pub(crate) fn publish(&mut self, touched: &Touched, scene: &Scene<'_>) {
        self.renew(touched, false, scene);
    }

    /// Renews what was touched, in each fleet with what follows from it if that is to be `concluded`: one frame for both.
    fn renew(&mut self, touched: &Touched, concluded: bool, scene: &Scene<'_>) {
        self.views.retain(|_, published| {
            published.watchers.retain(|watcher| !watcher.way.is_closed());
            !published.watchers.is_empty()
        });
        let so_far = SoFar { findings: &self.findings, history: &self.history, notices: &self.notices };
        for (spec, published) in &mut self.views {
            if let Some(change) = published.content.renew(spec, touched, concluded, so_far, scene) {
                published.renewed(spec, change, scene);
            }
            published.catch_up(scene);
        }
        self.moved |= !touched.is_empty();
    }

    /// Is it time to conclude what follows from what is seen? Once a second where facts moved; else now and then, since
    /// what is not heard of grows stale by itself.
    fn concludes(&mut self, touched: &Touched) -> bool {
        self.beats += 1;
        let due = self.moved || !touched.is_empty() || self.beats >= QUIET_BEATS;
        if due {
            self.beats = 0;
        }
        due
    }

    /// What stands beside the fleet and follows from the whole of it: objects, room, waste. Without a fleet that is
    /// watched, which is rare, it is projected for them.
    fn conclude_beside(&mut self, scene: &Scene<'_>) {
        let watched = self.views.iter().find_map(|(spec, published)| match (spec, &published.content) {
            (ViewSpec::Fleet(spec), Content::Fleet(projection)) if spec.scope.is_empty() => Some(projection.view()),
            _ => None,
        });
        if watched.is_none() && !self.is_watched(follows) {
            // For what is told alone, now and then is often enough.
            self.rested += 1;
            if !self.notices.is_told_here() || self.rested < QUIET_BEATS {
                return;
            }
        }
        self.rested = 0;
        let made = watched.is_none().then(|| concluded(scene.world, FleetSpec::default(), scene.now));
        let Some(whole) = watched.or(made.as_ref()) else { return };
        self.history.note(whole, scene.now);
        let moved = self.findings != whole.findings;
        self.findings = whole.findings.clone();
        let told = self.notices.is_told_here()
            && self.notices.look(whole, &scene.sources(&ViewSpec::Notices), scene.now, &scene.zone);
        self.renew_whole(scene, |spec| match spec {
            ViewSpec::Object(_) => moved,
            ViewSpec::Notices => told,
            other => follows(other),
        });
    }

    /// Renews the whole of these views and sends out those that changed.
    fn renew_whole(&mut self, scene: &Scene<'_>, which: impl Fn(&ViewSpec) -> bool) {
        let so_far = SoFar { findings: &self.findings, history: &self.history, notices: &self.notices };
        let all = Touched { all: true, ..Touched::default() };
        for (spec, published) in self.views.iter_mut().filter(|(spec, _)| which(spec)) {
            if let Some(change) = published.content.renew(spec, &all, false, so_far, scene) {
                published.renewed(spec, change, scene);
                published.catch_up(scene);
            }
        }
    }

    /// Once a second: renews what was touched, concludes what follows (what is wrong, and the funnel), and tells everybody
    /// how fresh their sources are, though nothing else changed.
    pub(crate) fn beat(&mut self, touched: &Touched, scene: &Scene<'_>) {
        let concluded = self.concludes(touched);
        self.renew(touched, concluded, scene);
        if concluded {
            self.moved = false;
            self.conclude_beside(scene);
        }
        for (spec, published) in &mut self.views {
            let sources = scene.sources(spec);
            if sources != published.sources {
                published.sources = sources;
                let base = published.rev;
                let frame = Arc::new(published.frame(scene, Body::Same { base }));
                for watcher in published.watchers.iter().filter(|watcher| watcher.has == Some(base)) {
                    // One who is behind learns it from their next full frame.
                    let _ = watcher.way.try_send(Arc::clone(&frame));
                }
            }
        }
    }

    /// Tells from now on by this.
    pub(crate) fn tell(&mut self, notices: Notices) {
        self.notices = notices;
    }

    /// What a person is told of.
    pub(crate) fn notices(&self) -> &Notices {
        &self.notices
    }

    /// What a person is told of, to be changed; [`Publisher::publish_notices`] says so.
    pub(crate) fn notices_mut(&mut self) -> &mut Notices {
        &mut self.notices
    }

    /// Sends out the notices, if they changed.
    pub(crate) fn publish_notices(&mut self, scene: &Scene<'_>) {
        self.renew_whole(scene, |spec| *spec == ViewSpec::Notices);
    }

    /// Sends out what is being done, if it changed.
    pub(crate) fn publish_actions(&mut self, scene: &Scene<'_>) {
        self.renew_whole(scene, |spec| *spec == ViewSpec::Actions);
    }

    /// Is there one who has not the newest revision?
    pub(crate) fn is_behind(&self) -> bool {
        self.views.values().any(|published| published.watchers.iter().any(|watcher| watcher.has != Some(published.rev)))
    }

    /// Since when each GPU does nothing.
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// Is a view of this kind watched?
    pub(crate) fn is_watched(&self, test: impl Fn(&ViewSpec) -> bool) -> bool {
        self.views.keys().any(test)
    }
}

/// What changed in a view: a patch, or so much that only the whole will do.
enum Change {
    Patch(Box<Patch>),
    Whole,
}

impl Published {
    /// Its content changed: counts that, and says it to those who have the revision before.
    fn renewed(&mut self, spec: &ViewSpec, change: Change, scene: &Scene<'_>) {
        let base = self.rev;
        self.rev = Rev(base.0 + 1);
        self.sources = scene.sources(spec);
        self.send(scene, base, change);
    }

    fn frame(&self, scene: &Scene<'_>, body: Body) -> Frame {
        Frame {
            rev: self.rev,
            as_of: scene.now,
            when: When::Now,
            sources: self.sources.clone(),
            dropped: scene.dropped,
            gap: None,
            body,
        }
    }

    /// Sends a change to those who have the revision before it.
    fn send(&mut self, scene: &Scene<'_>, base: Rev, change: Change) {
        let Change::Patch(patch) = change else { return };
        let frame = Arc::new(self.frame(scene, Body::Patch { base, patch: *patch }));
        let rev = self.rev;
        for watcher in self.watchers.iter_mut().filter(|watcher| watcher.has == Some(base)) {
            if watcher.way.try_send(Arc::clone(&frame)).is_ok() {
                watcher.has = Some(rev);
            }
        }
    }

    /// Sends the whole view to those who are behind and can take it.
    fn catch_up(&mut self, scene: &Scene<'_>) {
        let rev = self.rev;
        if self.watchers.iter().all(|watcher| watcher.has == Some(rev)) {
            return;
        }
        let is_fresh = |frame: &Arc<Frame>| frame.rev == rev && scene.now.since(frame.as_of) < WHOLE;
        let mut full: Option<Arc<Frame>> = self.whole.upgrade().filter(is_fresh);
        let mut watchers = std::mem::take(&mut self.watchers);
        for watcher in watchers.iter_mut().filter(|watcher| watcher.has != Some(rev) && watcher.way.capacity() > 0) {
            let frame = full.get_or_insert_with(|| Arc::new(self.frame(scene, Body::Full(self.content.view()))));
            match watcher.way.try_send(Arc::clone(frame)) {
                Ok(()) => watcher.has = Some(rev),
                Err(TrySendError::Full(_) | TrySendError::Closed(_)) => {}
            }
        }
        self.watchers = watchers;
        self.whole = full.as_ref().map(Arc::downgrade).unwrap_or_default();
    }
}

impl Content {
    fn new(spec: &ViewSpec, so_far: SoFar<'_>, scene: &Scene<'_>) -> Self {
        match spec {
            ViewSpec::Fleet(spec) => {
                let mut projection = FleetProjection::new(scene.world, spec.clone());
                conclude(&mut projection, scene.now);
                Self::Fleet(Box::new(projection))
            }
            other => Self::Plain(Box::new(scene.plain(other, so_far))),
        }
    }

    fn view(&self) -> View {
        match self {
            Self::Fleet(projection) => View::Fleet(Arc::clone(projection.view())),
            Self::Plain(view) => (**view).clone(),
        }
    }

    /// Brings the content up to date; answers what changed, if anything did.
    fn renew(
        &mut self,
        spec: &ViewSpec,
        touched: &Touched,
        concluded: bool,
        so_far: SoFar<'_>,
        scene: &Scene<'_>,
    ) -> Option<Change> {
        match self {
            Self::Fleet(projection) => {
                let mut patch = projection.update(scene.world, touched);
                if concluded {
                    let FleetPatch { findings, funnel, .. } = conclude(projection, scene.now);
                    (patch.findings, patch.funnel) = (findings, funnel);
                }
                (!patch.is_empty()).then(|| Change::Patch(Box::new(Patch::Fleet(patch))))
            }
            Self::Plain(view) => {
                if !concerns(spec, touched) {
                    return None;
                }
                let newer = scene.plain(spec, so_far);
                if **view == newer {
                    return None;
                }
                let patch = view.diff(&newer);
                **view = newer;
                Some(patch.map_or(Change::Whole, |patch| Change::Patch(Box::new(patch))))
            }
        }
    }
}

/// What was concluded so far.
#[derive(Clone, Copy)]
struct SoFar<'a> {
    findings: &'a Keyed<Finding>,
    history: &'a History,
    notices: &'a Notices,
}

/// Does this view follow from the fleet as a whole?
fn follows(spec: &ViewSpec) -> bool {
    matches!(spec, ViewSpec::Object(_) | ViewSpec::Room(_) | ViewSpec::Waste(_))
}

/// Can what was touched have changed this view?
fn concerns(spec: &ViewSpec, touched: &Touched) -> bool {
    if touched.all {
        return true;
    }
    match spec {
        ViewSpec::Fleet(_) => true,
        ViewSpec::Connections => !touched.sources.is_empty(),
        ViewSpec::Ribbon { .. } => touched.ribbon,
        ViewSpec::Models(_) => touched.models,
        ViewSpec::Artifacts => touched.artifacts,
        ViewSpec::Delivery(_) => touched.delivery || !touched.pods.is_empty(),
        ViewSpec::Lineage(_) => touched.models || touched.delivery || !touched.pods.is_empty(),
        ViewSpec::ArtifactServes(_) => touched.artifacts || !touched.pods.is_empty(),
        ViewSpec::Rollout(object) => {
            let id = object.connection();
            touched.delivery
                || touched.ribbon
                || touched.events.contains(id)
                || touched.pods.iter().any(|pod| pod.cluster == *id)
        }
        // They are concluded once a second, not with each fact.
        ViewSpec::Room(_) | ViewSpec::Waste(_) | ViewSpec::Notices | ViewSpec::Actions => false,
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

impl Scene<'_> {
    fn sources(&self, spec: &ViewSpec) -> Vec<SourceState> {
        sources_of(self.world, spec, self.now)
    }

    fn plain(&self, spec: &ViewSpec, so_far: SoFar<'_>) -> View {
        match spec {
            ViewSpec::Connections => View::Connections((self.connections)()),
            ViewSpec::Object(object) => object_view(self.world, object, so_far.findings, self.now),
            ViewSpec::Notices => View::Notices(Box::new(so_far.notices.view())),
            ViewSpec::Actions => View::Actions(Box::new(self.actions.clone())),
            other => self.gaps.told(project_plain(self.world, other, so_far.history, self.now), other, self.now),
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

/// Projects a view of the world alone. Of the connections it has the rows that the world knows.
pub(crate) fn project_plain(world: &World, spec: &ViewSpec, history: &History, now: Stamp) -> View {
    match spec {
        ViewSpec::Fleet(spec) => View::Fleet(concluded(world, spec.clone(), now)),
        ViewSpec::Connections => {
            View::Connections(ConnectionsView { rows: project::connection_rows(world), ..ConnectionsView::default() })
        }
        ViewSpec::Ribbon { span, end } => View::Ribbon(project::ribbon(world, (*span).min(WEEK), *end, now)),
        ViewSpec::Object(object) => {
            let scope = FleetSpec { scope: vec![object.connection().clone()] };
            object_view(world, object, &concluded(world, scope, now).findings, now)
        }
        ViewSpec::Room(spec) => View::Room(pilothouse_insight::room(&concluded(world, spec.clone(), now), now)),
        ViewSpec::Waste(spec) => {
            View::Waste(pilothouse_insight::waste(&concluded(world, spec.clone(), now), history, now))
        }
        ViewSpec::Models(spec) => View::Models(Box::new(project::models(world, spec))),
        ViewSpec::Artifacts => View::Artifacts(Box::new(project::artifacts(world))),
        ViewSpec::Delivery(spec) => View::Delivery(Box::new(project::delivery(world, spec))),
        ViewSpec::Rollout(object) => View::Rollout(project::rollout(world, object, now).map(Box::new)),
        ViewSpec::Lineage(model) => View::Lineage(Box::new(lineage::serves(world, model))),
        ViewSpec::ArtifactServes(repository) => View::ArtifactServes(Box::new(lineage::holds(world, repository))),
        // They are of now: the world knows none.
        ViewSpec::Notices => View::Notices(Box::default()),
        ViewSpec::Actions => View::Actions(Box::default()),
    }
}

fn object_view(world: &World, object: &ObjectRef, findings: &Keyed<Finding>, now: Stamp) -> View {
    let view = project::object(world, object, findings, now);
    View::Object(view.map(|view| Box::new(ObjectView { lineage: lineage::of(world, object), ..view })))
}

/// A fleet view with what follows from it.
fn concluded(world: &World, spec: FleetSpec, now: Stamp) -> Arc<FleetView> {
    let mut projection = FleetProjection::new(world, spec);
    conclude(&mut projection, now);
    Arc::clone(projection.view())
}

/// Puts into a fleet view what follows from it. The funnel leaves out what a finding says is broken: findings first.
pub(crate) fn conclude(projection: &mut FleetProjection, now: Stamp) -> FleetPatch {
    let findings = projection.set_findings(pilothouse_insight::findings(projection.view(), now));
    let funnel = projection.set_funnel(pilothouse_insight::funnel(projection.view(), now));
    FleetPatch { findings, funnel, ..FleetPatch::default() }
}

/// As far back as a ribbon reaches.
pub(crate) const WEEK: Duration = Duration::from_secs(7 * 86_400);

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

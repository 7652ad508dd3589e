//! Frames to those who watch: what changed, or everything for one who missed some, at most ten a second.

use crate::{
    gaps::Gaps,
    notices::Notices,
    registries::Registries,
    views::{Known, concerns, conclude, concluded, follows, object_view, project_plain, sources_of},
};
use pilothouse_connect::TimeZone;
use pilothouse_insight::History;
use pilothouse_wire::{
    Body, Frame, Keyed, Patch, Rev, Stamp, View, ViewSpec, When,
    bench::BenchView,
    frame::SourceState,
    plan::ActionsView,
    view::{ConnectionsView, Finding, FleetSpec, FleetView, fleet::FleetPatch},
};
use pilothouse_world::{
    Touched, World,
    project::{DeliveryProjection, FleetProjection},
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
    /// Since when each GPU does nothing, as far as this run has seen, or the record told when somebody asked.
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
    pub registries: &'a Registries,
    pub connections: &'a dyn Fn() -> ConnectionsView,
    pub gaps: &'a Gaps,
    pub actions: &'a ActionsView,
    pub benches: &'a BenchView,
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
    Delivery(Box<DeliveryProjection>),
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
        let watched = self.whole_fleet().cloned();
        if watched.is_none() && !self.is_watched(follows) {
            // For what is told alone, now and then is often enough.
            self.rested += 1;
            if !self.notices.is_told_here() || self.rested < QUIET_BEATS {
                return;
            }
        }
        self.rested = 0;
        let made = watched.is_none().then(|| concluded(scene.world, FleetSpec::default(), scene.now));
        let Some(whole) = watched.or(made) else { return };
        self.history.note(&whole, scene.now);
        let moved = self.findings != whole.findings;
        self.findings = whole.findings.clone();
        let told = self.notices.is_told_here()
            && self.notices.look(&whole, &scene.sources(&ViewSpec::Notices), scene.now, &scene.zone);
        self.renew_whole(scene, |spec| match spec {
            ViewSpec::Object(_) => moved,
            ViewSpec::Notices => told,
            other => follows(other),
        });
    }

    /// The whole fleet, while somebody watches it.
    pub(crate) fn whole_fleet(&self) -> Option<&Arc<FleetView>> {
        match &self.views.get(&ViewSpec::Fleet(FleetSpec::default()))?.content {
            Content::Fleet(projection) => Some(projection.view()),
            Content::Delivery(_) | Content::Plain(_) => None,
        }
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

    /// Sends out what is wasted, if it changed.
    pub(crate) fn publish_waste(&mut self, scene: &Scene<'_>) {
        self.renew_whole(scene, |spec| matches!(spec, ViewSpec::Waste(_)));
    }

    /// Sends out what is told of benchmarks, if it changed.
    pub(crate) fn publish_bench(&mut self, scene: &Scene<'_>) {
        self.renew_whole(scene, |spec| *spec == ViewSpec::Bench);
    }

    /// Is there one who has not the newest revision?
    pub(crate) fn is_behind(&self) -> bool {
        self.views.values().any(|published| published.watchers.iter().any(|watcher| watcher.has != Some(published.rev)))
    }

    /// Puts what the record tells before what this run has seen, which is as this fleet is now.
    pub(crate) fn put_before(&mut self, earlier: History, whole: &FleetView, now: Stamp) {
        self.history.note(whole, now);
        self.history.put_before(earlier);
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
                conclude(scene.world, &mut projection, scene.now);
                Self::Fleet(Box::new(projection))
            }
            ViewSpec::Delivery(spec) => Self::Delivery(Box::new(DeliveryProjection::new(scene.world, spec.clone()))),
            other => Self::Plain(Box::new(scene.plain(other, so_far))),
        }
    }

    fn view(&self) -> View {
        match self {
            Self::Fleet(projection) => View::Fleet(Arc::clone(projection.view())),
            Self::Delivery(projection) => View::Delivery(Box::new(projection.view().clone())),
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
                    let FleetPatch { findings, funnel, .. } = conclude(scene.world, projection, scene.now);
                    (patch.findings, patch.funnel) = (findings, funnel);
                }
                (!patch.is_empty()).then(|| Change::Patch(Box::new(Patch::Fleet(patch))))
            }
            Self::Delivery(projection) => {
                let patch = projection.update(scene.world, touched);
                (!patch.is_empty()).then(|| Change::Patch(Box::new(Patch::Delivery(patch))))
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

impl Scene<'_> {
    fn known(&self) -> Known<'_> {
        Known { world: self.world, registries: self.registries }
    }

    fn sources(&self, spec: &ViewSpec) -> Vec<SourceState> {
        sources_of(self.world, spec, self.now)
    }

    fn plain(&self, spec: &ViewSpec, so_far: SoFar<'_>) -> View {
        match spec {
            ViewSpec::Connections => View::Connections((self.connections)()),
            ViewSpec::Object(object) => object_view(self.known(), object, so_far.findings, self.now),
            ViewSpec::Notices => View::Notices(Box::new(so_far.notices.view())),
            ViewSpec::Actions => View::Actions(Box::new(self.actions.clone())),
            ViewSpec::Bench => View::Bench(Box::new(self.benches.clone())),
            other => self.gaps.told(project_plain(self.known(), other, so_far.history, self.now), other, self.now),
        }
    }
}

//! What a view that is watched says, by its kind.

use super::{
    Replica, Watched,
    part::{Part, Wakers},
};
use leptos::prelude::*;
use pilothouse_wire::{
    Problem, Stamp, View,
    bench::BenchView,
    frame::{Mirror, SourceState},
    notice::NoticesView,
    plan::ActionsView,
    record::Gap,
    view::{
        ArtifactServesView, ArtifactsView, ConnectionsView, DeliveryView, FleetView, LineageView, ModelsView,
        ObjectView, RibbonView, RolloutView, RoomView, Waste,
    },
};
use std::ops::Deref;

impl Watched {
    /// The view, by reference; `None` until its first frame.
    pub fn with<R>(self, read: impl FnOnce(Option<&View>) -> R) -> R {
        read(self.mirror().view())
    }

    /// What does not depend on who reads, and is compiled once.
    fn mirror(self) -> impl Deref<Target = Mirror> {
        self.0.get().0.content.read()
    }

    /// [`Watched::with`] for a fleet.
    pub fn fleet<R>(self, read: impl FnOnce(&FleetView) -> R) -> Option<R> {
        self.with(|view| match view {
            Some(View::Fleet(fleet)) => Some(read(fleet)),
            _ => None,
        })
    }

    /// [`Watched::fleet`] for what follows from some parts of it alone: the others must not be read here, since their
    /// changes wake nobody. What is read so is drawn first.
    pub fn fleet_by<R>(self, parts: &[Part], read: impl FnOnce(&FleetView) -> R) -> Option<R> {
        self.fleet_of(parts, |replica| &replica.parts, read)
    }

    /// [`Watched::fleet_by`] for what may be drawn a moment after the map.
    pub fn fleet_later<R>(self, parts: &[Part], read: impl FnOnce(&FleetView) -> R) -> Option<R> {
        self.fleet_of(parts, |replica| &replica.later, read)
    }

    fn fleet_of<R>(
        self,
        parts: &[Part],
        wakers: fn(&Replica) -> &Wakers,
        read: impl FnOnce(&FleetView) -> R,
    ) -> Option<R> {
        match self.mirror_by(parts, wakers).view() {
            Some(View::Fleet(fleet)) => Some(read(fleet)),
            _ => None,
        }
    }

    fn mirror_by(self, parts: &[Part], wakers: fn(&Replica) -> &Wakers) -> impl Deref<Target = Mirror> + use<> {
        let shared = self.0.get();
        wakers(&shared.0).track(parts);
        shared.0.content.read_untracked()
    }

    /// [`Watched::with`] for the connections.
    pub fn connections<R>(self, read: impl FnOnce(&ConnectionsView) -> R) -> Option<R> {
        self.with(|view| match view {
            Some(View::Connections(connections)) => Some(read(connections)),
            _ => None,
        })
    }

    /// [`Watched::with`] for the ribbon.
    pub fn ribbon<R>(self, read: impl FnOnce(&RibbonView) -> R) -> Option<R> {
        self.with(|view| match view {
            Some(View::Ribbon(ribbon)) => Some(read(ribbon)),
            _ => None,
        })
    }

    /// [`Watched::with`] for delivery.
    pub fn delivery<R>(self, read: impl FnOnce(&DeliveryView) -> R) -> Option<R> {
        self.with(|view| match view {
            Some(View::Delivery(delivery)) => Some(read(delivery)),
            _ => None,
        })
    }

    /// [`Watched::with`] for one service; the inner `None` if nothing is known of it.
    pub fn rollout<R>(self, read: impl FnOnce(Option<&RolloutView>) -> R) -> Option<R> {
        self.with(|view| match view {
            Some(View::Rollout(rollout)) => Some(read(rollout.as_deref())),
            _ => None,
        })
    }

    /// [`Watched::with`] for the room.
    pub fn room<R>(self, read: impl FnOnce(&RoomView) -> R) -> Option<R> {
        self.with(|view| match view {
            Some(View::Room(room)) => Some(read(room)),
            _ => None,
        })
    }

    /// [`Watched::with`] for the waste.
    pub fn waste<R>(self, read: impl FnOnce(&Waste) -> R) -> Option<R> {
        self.with(|view| match view {
            Some(View::Waste(waste)) => Some(read(waste)),
            _ => None,
        })
    }

    /// [`Watched::with`] for the registered models.
    pub fn models<R>(self, read: impl FnOnce(&ModelsView) -> R) -> Option<R> {
        self.with(|view| match view {
            Some(View::Models(models)) => Some(read(models)),
            _ => None,
        })
    }

    /// [`Watched::with`] for where the versions of a model serve.
    pub fn lineage<R>(self, read: impl FnOnce(&LineageView) -> R) -> Option<R> {
        self.with(|view| match view {
            Some(View::Lineage(lineage)) => Some(read(lineage)),
            _ => None,
        })
    }

    /// [`Watched::with`] for what registries hold.
    pub fn artifacts<R>(self, read: impl FnOnce(&ArtifactsView) -> R) -> Option<R> {
        self.with(|view| match view {
            Some(View::Artifacts(artifacts)) => Some(read(artifacts)),
            _ => None,
        })
    }

    /// [`Watched::with`] for where the artefacts of a repository serve.
    pub fn artifact_serves<R>(self, read: impl FnOnce(&ArtifactServesView) -> R) -> Option<R> {
        self.with(|view| match view {
            Some(View::ArtifactServes(serves)) => Some(read(serves)),
            _ => None,
        })
    }

    /// [`Watched::with`] for the notices.
    pub fn notices<R>(self, read: impl FnOnce(&NoticesView) -> R) -> Option<R> {
        self.with(|view| match view {
            Some(View::Notices(notices)) => Some(read(notices)),
            _ => None,
        })
    }

    /// [`Watched::with`] for what is done.
    pub fn actions<R>(self, read: impl FnOnce(&ActionsView) -> R) -> Option<R> {
        self.with(|view| match view {
            Some(View::Actions(actions)) => Some(read(actions)),
            _ => None,
        })
    }

    /// [`Watched::with`] for benchmarks.
    pub fn bench<R>(self, read: impl FnOnce(&BenchView) -> R) -> Option<R> {
        self.with(|view| match view {
            Some(View::Bench(bench)) => Some(read(bench)),
            _ => None,
        })
    }

    /// [`Watched::with`] for an object; the inner `None` means that nothing was ever known of it.
    pub fn object<R>(self, read: impl FnOnce(Option<&ObjectView>) -> R) -> Option<R> {
        self.with(|view| match view {
            Some(View::Object(object)) => Some(read(object.as_deref())),
            _ => None,
        })
    }

    /// Has a first frame come?
    #[must_use]
    pub fn loaded(self) -> bool {
        self.with(|view| view.is_some())
    }

    /// The time that the last frame is about.
    #[must_use]
    pub fn as_of(self) -> Option<Stamp> {
        self.0.get().0.as_of.get()
    }

    /// Every source behind the view, with its freshness.
    #[must_use]
    pub fn sources(self) -> Vec<SourceState> {
        self.0.get().0.sources.get()
    }

    /// Facts that could not be used or were not kept, since the start.
    #[must_use]
    pub fn dropped(self) -> u64 {
        self.0.get().0.dropped.get()
    }

    /// Why the record does not tell of the time that is shown, where the nearest that it tells of is shown instead.
    #[must_use]
    pub fn gap(self) -> Option<Gap> {
        self.0.get().0.gap.get()
    }

    /// Why the engine does not show this view, if it does not.
    #[must_use]
    pub fn problem(self) -> Option<Problem> {
        self.0.get().0.problem.get()
    }
}

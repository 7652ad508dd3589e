//! Views on their way to a door: what to project, the whole of it or what changed, and how fresh it is.

use crate::{
    ConnectionId, ModelId, ObjectRef, Stamp, When,
    bench::BenchView,
    health::Freshness,
    notice::NoticesView,
    plan::ActionsView,
    record,
    view::{
        ArtifactServesView, ArtifactsView, ConnectionsView, DeliveryView, FleetSpec, FleetView, LineageView,
        ModelsSpec, ModelsView, ObjectView, RepositoryId, RibbonView, RolloutView, RoomView, Waste,
        connections::ConnectionsPatch, delivery::DeliveryPatch, fleet::FleetPatch, models::ModelsPatch,
        ribbon::RibbonPatch,
    },
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// What a door wants to see.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ViewSpec {
    /// The fleet or a part of it.
    Fleet(FleetSpec),
    /// The connections.
    Connections,
    /// The ribbon, over this long.
    Ribbon {
        /// How long.
        span: Duration,
        /// Where it ends.
        end: When,
    },
    /// One object.
    Object(ObjectRef),
    /// Where GPUs are free, and why pods wait.
    Room(FleetSpec),
    /// GPUs that do nothing, or less than they could.
    Waste(FleetSpec),
    /// What a person asked to hear of, and was told.
    Notices,
    /// What is being done, and was.
    Actions,
    /// Registered models.
    Models(ModelsSpec),
    /// What registries hold, as far as it is watched.
    Artifacts,
    /// Services, and how each gets from revision to revision.
    Delivery(FleetSpec),
    /// One service in full: a workload.
    Rollout(ObjectRef),
    /// Where the versions of a registered model serve, and did.
    Lineage(ModelId),
    /// Where the artefacts of a repository serve.
    ArtifactServes(RepositoryId),
    /// Benchmarks of this machine: what is kept, and what runs.
    Bench,
}

impl ViewSpec {
    /// Is it live whatever time is shown? The ribbon holds both; what a person is told of and does is told and done now.
    #[must_use]
    pub const fn is_of_now(&self) -> bool {
        matches!(self, Self::Ribbon { .. } | Self::Notices | Self::Actions | Self::Bench)
    }

    /// May a screen show it that whoever passes by can read? Figures, states, names and ages may be shown; what somebody
    /// set up, wrote or asked for may not: of views that are shown the door leaves it out. Each view decides here, a new one too.
    #[must_use]
    pub const fn is_for_walls(&self) -> bool {
        match self {
            Self::Fleet(_) | Self::Ribbon { .. } | Self::Room(_) | Self::Waste(_) => true,
            // Of services no screen of a wall tells but by the ribbon: where they are kept, the hosts of their routes and the
            // queries of analyses are what somebody set up, and why they are as they are is said by their controllers.
            Self::Delivery(_)
            | Self::Connections
            | Self::Object(_)
            | Self::Notices
            | Self::Actions
            | Self::Models(_)
            | Self::Artifacts
            | Self::Rollout(_)
            | Self::Lineage(_)
            | Self::ArtifactServes(_)
            | Self::Bench => false,
        }
    }
}

/// A view, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum View {
    /// The fleet: large, and sent to several.
    Fleet(Arc<FleetView>),
    /// The connections.
    Connections(ConnectionsView),
    /// The ribbon.
    Ribbon(RibbonView),
    /// One object; `None` if nothing was ever known of it.
    Object(Option<Box<ObjectView>>),
    /// Room.
    Room(RoomView),
    /// Waste.
    Waste(Waste),
    /// Notices.
    Notices(Box<NoticesView>),
    /// Actions.
    Actions(Box<ActionsView>),
    /// Registered models.
    Models(Box<ModelsView>),
    /// What registries hold.
    Artifacts(Box<ArtifactsView>),
    /// Delivery.
    Delivery(Box<DeliveryView>),
    /// One service; `None` if nothing is known of it.
    Rollout(Option<Box<RolloutView>>),
    /// Where a model serves.
    Lineage(Box<LineageView>),
    /// Where the artefacts of a repository serve.
    ArtifactServes(Box<ArtifactServesView>),
    /// Benchmarks.
    Bench(Box<BenchView>),
}

/// What changed in a view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Patch {
    /// Of the fleet.
    Fleet(FleetPatch),
    /// Of the connections.
    Connections(ConnectionsPatch),
    /// Of the ribbon.
    Ribbon(RibbonPatch),
    /// Of the registered models.
    Models(ModelsPatch),
    /// Of delivery.
    Delivery(DeliveryPatch),
}

/// Counts the versions of one subscription's view, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rev(pub u64);

/// The whole view or a patch of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// The whole view.
    Full(View),
    /// What turns revision `base` into this one.
    Patch {
        /// The revision that the patch is for.
        base: Rev,
        /// The change.
        patch: Patch,
    },
    /// Nothing changed but the time and what is stale.
    Same {
        /// The revision that still holds.
        base: Rev,
    },
}

/// One message about a view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// This revision.
    pub rev: Rev,
    /// The time that the frame is about.
    pub as_of: Stamp,
    /// Live, or the past.
    pub when: When,
    /// Every source behind the view, with its freshness.
    pub sources: Vec<SourceState>,
    /// Facts that could not be used or were not kept, since the start.
    pub dropped: u64,
    /// Why the record does not tell of this time, where what is shown is the nearest that it tells of.
    pub gap: Option<record::Gap>,
    /// The content.
    pub body: Body,
}

/// A source of a frame: enough for its freshness chip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceState {
    /// The connection.
    pub id: ConnectionId,
    /// Name for people.
    pub name: String,
    /// Is it the demo?
    pub demo: bool,
    /// How fresh it is.
    pub freshness: Freshness,
    /// When it was last heard, by our clock.
    pub heard: Option<Stamp>,
    /// What it is doing, or why it is not well, in a few words.
    pub note: Option<String>,
}

/// A patch that does not fit what a mirror holds: it must ask for a full frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the patch is for another revision of this view")]
pub struct Gap;

impl View {
    /// What turns `self` into `newer`; `None` if only a full frame will do.
    #[must_use]
    pub fn diff(&self, newer: &Self) -> Option<Patch> {
        match (self, newer) {
            (Self::Fleet(old), Self::Fleet(new)) => Some(Patch::Fleet(old.diff(new))),
            (Self::Connections(old), Self::Connections(new)) => Some(Patch::Connections(old.diff(new))),
            (Self::Ribbon(old), Self::Ribbon(new)) => Some(Patch::Ribbon(old.diff(new))),
            (Self::Models(old), Self::Models(new)) => Some(Patch::Models(old.diff(new))),
            (Self::Delivery(old), Self::Delivery(new)) => Some(Patch::Delivery(old.diff(new))),
            _ => None,
        }
    }

    /// Applies a patch of the same kind of view.
    ///
    /// # Errors
    /// [`Gap`] if the patch is of another kind of view; `self` is then unchanged.
    pub fn apply(&mut self, patch: Patch) -> Result<(), Gap> {
        match (self, patch) {
            (Self::Fleet(view), Patch::Fleet(patch)) => Arc::make_mut(view).apply(patch),
            (Self::Connections(view), Patch::Connections(patch)) => view.apply(patch),
            (Self::Ribbon(view), Patch::Ribbon(patch)) => view.apply(patch),
            (Self::Models(view), Patch::Models(patch)) => view.apply(patch),
            (Self::Delivery(view), Patch::Delivery(patch)) => view.apply(patch),
            _ => return Err(Gap),
        }
        Ok(())
    }
}

/// A view put together again from frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mirror {
    rev: Rev,
    view: Option<View>,
}

impl Mirror {
    /// The view as of the last frame.
    #[must_use]
    pub fn view(&self) -> Option<&View> {
        self.view.as_ref()
    }

    /// Takes in a frame's body.
    ///
    /// # Errors
    /// [`Gap`] if frames were missed: the mirror keeps what it has, and must be given a full frame.
    pub fn apply(&mut self, rev: Rev, body: Body) -> Result<(), Gap> {
        match (body, &mut self.view) {
            (Body::Full(view), _) => self.view = Some(view),
            (Body::Patch { base, patch }, Some(view)) if base == self.rev => view.apply(patch)?,
            (Body::Same { base }, Some(_)) if base == self.rev => {}
            _ => return Err(Gap),
        }
        self.rev = rev;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_refuses_a_patch_for_another_revision() {
        let mut mirror = Mirror::default();
        let patch = |base| Body::Patch { base: Rev(base), patch: Patch::Fleet(FleetPatch::default()) };
        assert_eq!(mirror.apply(Rev(1), patch(0)), Err(Gap));
        assert_eq!(mirror.apply(Rev(1), Body::Full(View::Fleet(Arc::default()))), Ok(()));
        assert_eq!(mirror.apply(Rev(3), patch(2)), Err(Gap));
        assert_eq!(mirror.apply(Rev(2), patch(1)), Ok(()));
    }
}

//! The engine's views as this page holds them: the only writer of them, one watch for each distinct spec.
//!
//! [`use_view`] gives a [`Watched`]. Its views are read by reference and never cloned: `watched.fleet(|fleet| …)`.
//! Screens derive `Memo`s from it. A view that nobody uses is no longer sent. What is dear to derive from a fleet reads
//! [`Watched::fleet_by`] parts, so that it is not derived again for each measurement.

mod part;

pub use part::Part;

use crate::{
    clock::Clock,
    link::{Heard, Link},
};
use leptos::prelude::*;
use part::Wakers;
use pilothouse_wire::{
    Body, Frame, Problem, Stamp, View, ViewSpec, When,
    frame::{Mirror, SourceState},
    view::{ConnectionsView, FleetView, ObjectView, RibbonView, RoomView, Waste},
};
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

/// All views that the page holds.
#[derive(Clone, Copy)]
pub struct Views {
    held: StoredValue<Held, LocalStorage>,
    link: Link,
    clock: Clock,
}

#[derive(Default)]
struct Held {
    last: u32,
    by_number: HashMap<u32, Weak<Replica>>,
}

/// One view: shared by everybody who watches its spec; when the last of them goes, the engine is told.
struct Replica {
    number: u32,
    spec: ViewSpec,
    views: Views,
    content: ArcRwSignal<Mirror>,
    /// For those who read a fleet by parts.
    parts: Wakers,
    as_of: ArcRwSignal<Option<Stamp>>,
    sources: ArcRwSignal<Vec<SourceState>>,
    dropped: ArcRwSignal<u64>,
    problem: ArcRwSignal<Option<Problem>>,
}

/// A view that is kept up to date while its owner lives. Reads track.
#[derive(Clone, Copy)]
pub struct Watched(Memo<Shared>);

#[derive(Clone)]
struct Shared(Arc<Replica>);

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Watches a view for as long as the caller's owner lives. The spec may change: the watch then moves over.
#[must_use]
pub fn use_view(spec: impl Into<Signal<ViewSpec>>) -> Watched {
    let views: Views = expect_context();
    let spec = spec.into();
    Watched(Memo::new(move |_| Shared(views.hold(spec.get()))))
}

impl Views {
    /// Listens to the link and offers views to everything below.
    pub fn provide(link: Link, clock: Clock) -> Self {
        let views = Self { held: StoredValue::new_local(Held::default()), link, clock };
        provide_context(views);
        link.listen(move |heard| match heard {
            Heard::Opened => views.say_all_again(),
            Heard::Frame(number, frame) => views.take(number, *frame),
            Heard::Refused(number, problem) => {
                if let Some(replica) = views.find(number) {
                    replica.problem.set(Some(problem));
                }
            }
        });
        views
    }

    fn hold(self, spec: ViewSpec) -> Arc<Replica> {
        if let Some(replica) = self.all().into_iter().find(|replica| replica.spec == spec) {
            return replica;
        }
        let number = self.held.try_update_value(|held| {
            held.last += 1;
            held.last
        });
        let replica = Arc::new(Replica {
            number: number.unwrap_or_default(),
            spec,
            views: self,
            content: ArcRwSignal::default(),
            parts: Wakers::default(),
            as_of: ArcRwSignal::default(),
            sources: ArcRwSignal::default(),
            dropped: ArcRwSignal::default(),
            problem: ArcRwSignal::default(),
        });
        self.held.update_value(|held| {
            held.by_number.insert(replica.number, Arc::downgrade(&replica));
        });
        self.say(&replica);
        replica
    }

    fn all(self) -> Vec<Arc<Replica>> {
        self.held.with_value(|held| held.by_number.values().filter_map(Weak::upgrade).collect())
    }

    fn find(self, number: u32) -> Option<Arc<Replica>> {
        self.held.try_with_value(|held| held.by_number.get(&number).and_then(Weak::upgrade)).flatten()
    }

    fn say(self, replica: &Replica) {
        self.link.watch(replica.number, replica.spec.clone(), When::Now);
    }

    fn say_all_again(self) {
        for replica in self.all() {
            self.say(&replica);
        }
    }

    fn take(self, number: u32, frame: Frame) {
        let Some(replica) = self.find(number) else {
            // Its last user is gone and the frame was under way, or the window's calls overtook each other:
            // said again, the end of a watch does no harm.
            self.link.unwatch(number);
            return;
        };
        if frame.when == When::Now {
            self.clock.correct(frame.as_of);
        }
        if replica.take(frame) == Taken::Gap {
            self.say(&replica);
        }
    }

    fn forget(self, number: u32) {
        let known = self.held.try_update_value(|held| held.by_number.remove(&number).is_some());
        if known == Some(true) {
            self.link.unwatch(number);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    Whole,
    Gap,
}

impl Replica {
    fn take(&self, frame: Frame) -> Taken {
        let parts = part::changed(&frame.body);
        let fits = if matches!(frame.body, Body::Same { .. }) {
            // The content is the same: whoever reads it stays asleep.
            self.content.try_update_untracked(|mirror| mirror.apply(frame.rev, frame.body))
        } else {
            self.content.try_update(|mirror| mirror.apply(frame.rev, frame.body))
        };
        if fits != Some(Ok(())) {
            return Taken::Gap;
        }
        self.parts.wake(&parts);
        self.as_of.set(Some(frame.as_of));
        set_if_new(&self.sources, frame.sources);
        set_if_new(&self.dropped, frame.dropped);
        set_if_new(&self.problem, None);
        Taken::Whole
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.views.forget(self.number);
    }
}

fn set_if_new<T: PartialEq + Send + Sync + 'static>(signal: &ArcRwSignal<T>, value: T) {
    if signal.with_untracked(|old| *old != value) {
        signal.set(value);
    }
}

impl Watched {
    /// The view, by reference; `None` until its first frame.
    pub fn with<R>(self, read: impl FnOnce(Option<&View>) -> R) -> R {
        let shared = self.0.get();
        shared.0.content.with(|mirror| read(mirror.view()))
    }

    /// [`Watched::with`] for a fleet.
    pub fn fleet<R>(self, read: impl FnOnce(&FleetView) -> R) -> Option<R> {
        self.with(|view| match view {
            Some(View::Fleet(fleet)) => Some(read(fleet)),
            _ => None,
        })
    }

    /// [`Watched::fleet`] for what follows from some parts of it alone: the others must not be read here, since their
    /// changes wake nobody.
    pub fn fleet_by<R>(self, parts: &[Part], read: impl FnOnce(&FleetView) -> R) -> Option<R> {
        let shared = self.0.get();
        shared.0.parts.track(parts);
        shared.0.content.with_untracked(|mirror| match mirror.view() {
            Some(View::Fleet(fleet)) => Some(read(fleet)),
            _ => None,
        })
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

    /// Why the engine does not show this view, if it does not.
    #[must_use]
    pub fn problem(self) -> Option<Problem> {
        self.0.get().0.problem.get()
    }
}

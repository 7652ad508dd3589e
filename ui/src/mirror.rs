//! The engine's views as this page holds them: the only writer of them, one watch for each distinct spec.
//!
//! All views are of the time that the page shows: each that is watched moves over with it. Of the past one frame a view
//! is on its way at a time, and the next one is for the newest time that was asked for: a hand on the ribbon asks for many.
//! The ribbon alone is always live, since it holds both.
//!
//! [`use_view`] gives a [`Watched`]. Its views are read by reference and never cloned: `watched.fleet(|fleet| …)`.
//! Screens derive `Memo`s from it. A view that nobody uses is no longer sent. What is dear to derive from a fleet reads
//! parts of it, so that it is not derived again for each measurement.
//!
//! What changes in a fleet that is live is first drawn by the map, [`Watched::fleet_by`], and the next moment by
//! everything else: thousands of cells that change at once, and rows that are sorted by them, are two short works of the
//! page and not a long one.

mod later;
mod part;
mod turn;
mod watched;

pub use part::Part;

use crate::{
    clock::Clock,
    link::{Heard, Link},
    once::effect,
    timing,
};
use leptos::prelude::*;
use part::Wakers;
use pilothouse_wire::{
    Body, Frame, Problem, Stamp, ViewSpec, When,
    frame::{Mirror, SourceState},
    record::Gap,
};
use std::sync::{Arc, Weak};
use turn::Turn;

/// All views that the page holds.
#[derive(Clone, Copy)]
pub struct Views {
    held: StoredValue<Held, LocalStorage>,
    link: Link,
    clock: Clock,
    when: Memo<When>,
    /// Is a view of another time than the one that is shown on its way?
    turning: RwSignal<bool>,
}

#[derive(Default)]
struct Held {
    last: u32,
    by_number: Vec<(u32, Weak<Replica>)>,
}

/// One view: shared by everybody who watches its spec; when the last of them goes, the engine is told.
struct Replica {
    number: u32,
    spec: ViewSpec,
    views: Views,
    content: ArcRwSignal<Mirror>,
    /// For those who read a fleet by parts, at once.
    parts: Wakers,
    /// For those who read a fleet by parts, and let the map be drawn first.
    later: Wakers,
    /// The parts of which the latter, and those who read the whole, do not know yet.
    untold: ArcStoredValue<Vec<Part>>,
    /// Which time was asked for.
    turn: ArcRwSignal<Turn>,
    as_of: ArcRwSignal<Option<Stamp>>,
    sources: ArcRwSignal<Vec<SourceState>>,
    dropped: ArcRwSignal<u64>,
    gap: ArcRwSignal<Option<Gap>>,
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

/// All views of the page.
#[must_use]
pub fn use_views() -> Views {
    expect_context()
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
    pub fn provide(link: Link, clock: Clock, when: Memo<When>) -> Self {
        let held = StoredValue::new_local(Held::default());
        let views = Self { held, link, clock, when, turning: RwSignal::new(false) };
        provide_context(views);
        // The link is outside of Leptos: this effect is the bridge.
        effect(move || {
            when.track();
            views.turn_all();
        });
        link.listen(move |heard| match heard {
            Heard::Opened => views.say_all_again(),
            Heard::Frame(number, frame) => views.take(number, *frame),
            Heard::Refused(number, problem) => {
                if let Some(replica) = views.find(number) {
                    replica.refuse(problem);
                    views.turn(&replica);
                    views.note_turning();
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
        let turn = ArcRwSignal::new(Turn::first(self.when_of(&spec)));
        let replica = Arc::new(Replica {
            number: number.unwrap_or_default(),
            spec,
            views: self,
            content: ArcRwSignal::default(),
            parts: Wakers::default(),
            later: Wakers::default(),
            untold: ArcStoredValue::default(),
            turn,
            as_of: ArcRwSignal::default(),
            sources: ArcRwSignal::default(),
            dropped: ArcRwSignal::default(),
            gap: ArcRwSignal::default(),
            problem: ArcRwSignal::default(),
        });
        self.held.update_value(|held| {
            held.by_number.push((replica.number, Arc::downgrade(&replica)));
        });
        self.say(&replica);
        replica
    }

    fn all(self) -> Vec<Arc<Replica>> {
        self.held.with_value(|held| held.by_number.iter().filter_map(|(_, replica)| replica.upgrade()).collect())
    }

    fn find(self, number: u32) -> Option<Arc<Replica>> {
        let found = self.held.try_with_value(|held| {
            held.by_number.iter().find(|(of, _)| *of == number).and_then(|(_, replica)| replica.upgrade())
        });
        found.flatten()
    }

    /// The time of which a view is shown.
    fn when_of(self, spec: &ViewSpec) -> When {
        if spec.is_of_now() { When::Now } else { self.when.get_untracked() }
    }

    fn say(self, replica: &Replica) {
        let when = self.when_of(&replica.spec);
        replica.turn.update_untracked(|turn| *turn = Turn::first(when));
        self.link.watch(replica.number, replica.spec.clone(), when);
    }

    fn say_all_again(self) {
        for replica in self.all() {
            self.say(&replica);
        }
    }

    /// Moves a view over to the time that is shown, as soon as it may.
    fn turn(self, replica: &Replica) {
        let when = self.when_of(&replica.spec);
        if replica.turn.try_update_untracked(|turn| turn.to(when)) == Some(true) {
            self.link.watch(replica.number, replica.spec.clone(), when);
        }
    }

    fn turn_all(self) {
        for replica in self.all() {
            self.turn(&replica);
        }
        self.note_turning();
    }

    fn note_turning(self) {
        let on_its_way = self.all().iter().any(|replica| {
            let when = self.when_of(&replica.spec);
            when != When::Now && !replica.turn.with_untracked(|turn| turn.has_come(when))
        });
        if self.turning.try_get_untracked().is_some_and(|was| was != on_its_way) {
            self.turning.set(on_its_way);
        }
    }

    /// Is a view of the past on its way? Tracks.
    #[must_use]
    pub fn is_turning(self) -> bool {
        self.turning.get()
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
        let when = frame.when;
        if replica.turn.try_update_untracked(|turn| turn.came(when)) != Some(true) {
            // Of a time that was left meanwhile.
            return;
        }
        if replica.take(frame) == Taken::Gap {
            self.say(&replica);
        }
        if when != When::Now {
            self.turn(&replica);
            self.note_turning();
        }
    }

    fn forget(self, number: u32) {
        let known = self.held.try_update_value(|held| {
            let before = held.by_number.len();
            held.by_number.retain(|(of, _)| *of != number);
            held.by_number.len() != before
        });
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
    fn take(self: &Arc<Self>, frame: Frame) -> Taken {
        let parts = part::changed(&frame.body);
        let is_live_patch = frame.when == When::Now && matches!(frame.body, Body::Patch { .. });
        let fits = self.content.try_update_untracked(|mirror| mirror.apply(frame.rev, frame.body));
        if fits != Some(Ok(())) {
            return Taken::Gap;
        }
        self.wake(parts, is_live_patch);
        self.as_of.set(Some(frame.as_of));
        set_if_new(&self.sources, frame.sources);
        set_if_new(&self.dropped, frame.dropped);
        set_if_new(&self.gap, frame.gap);
        set_if_new(&self.problem, None);
        Taken::Whole
    }

    /// Wakes those who read these parts; if that `may_wait`, who need not draw at once is woken when the picture is there.
    fn wake(self: &Arc<Self>, parts: Vec<Part>, may_wait: bool) {
        if parts.is_empty() {
            // The content is the same: whoever reads it stays asleep.
            return;
        }
        self.parts.wake(&parts);
        let waits = self.untold.try_update_value(|untold| {
            let waits = !untold.is_empty();
            untold.extend(parts);
            waits
        });
        if !(may_wait && matches!(self.spec, ViewSpec::Fleet(_))) {
            self.wake_later();
        } else if waits == Some(false) {
            let replica = Arc::downgrade(self);
            later::after_drawing(move || {
                if let Some(replica) = replica.upgrade() {
                    timing::rest(|| replica.wake_later());
                }
            });
        }
    }

    fn wake_later(&self) {
        let untold = self.untold.try_update_value(std::mem::take).unwrap_or_default();
        if !untold.is_empty() {
            self.content.notify();
            self.later.wake(&untold);
        }
    }
}

impl Replica {
    /// The engine does not show it. Of another time nothing may stand there instead.
    fn refuse(&self, problem: Problem) {
        self.turn.update_untracked(Turn::refused);
        if self.turn.with_untracked(Turn::is_past) {
            self.content.set(Mirror::default());
            self.parts.wake(&Part::ALL);
            self.later.wake(&Part::ALL);
            set_if_new(&self.sources, Vec::new());
            set_if_new(&self.gap, None);
            self.as_of.set(None);
        }
        self.problem.set(Some(problem));
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

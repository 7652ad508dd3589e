//! Two times that are to be compared, as handles on the ribbon: drawn over the lanes with Shift held, or put there by a
//! key; each is taken hold of by the pointer, or moved by the arrows.

use super::{Picture, scale::Scale, window::Window};
use crate::{
    clock::use_clock,
    keys::{Command, on_command},
    parts::show::Show,
    shell::compare::use_compare,
    state::use_state,
};
use leptos::{
    ev::{KeyboardEvent, PointerEvent},
    html,
    prelude::*,
};
use pilothouse_wire::{Stamp, When};
use std::time::Duration;

/// Less is a hand that was not still.
const LEAST_PX: f64 = 4.0;

/// The two times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ends(pub [When; 2]);

impl Ends {
    /// The two in the order of time.
    #[must_use]
    pub fn ordered(self, now: Stamp) -> (When, When) {
        let [a, b] = self.0;
        if a.stamp(now) <= b.stamp(now) { (a, b) } else { (b, a) }
    }

    /// The same with one of them elsewhere.
    #[must_use]
    pub fn with(mut self, end: usize, when: When) -> Self {
        if let Some(place) = self.0.get_mut(end) {
            *place = when;
        }
        self
    }

    /// Are they so near that nobody meant two?
    #[must_use]
    pub fn are_one(self, scale: &Scale, now: Stamp) -> bool {
        let [a, b] = self.0.map(|when| scale.x(when.stamp(now)));
        (a - b).abs() < LEAST_PX
    }
}

/// The time at a pixel: at the right end of a ribbon that ends now it is now.
#[must_use]
pub fn when_at(picture: &Picture, x: f64) -> When {
    let ends_now = picture.scale.to >= picture.now;
    if ends_now && x >= picture.scale.right { When::Now } else { When::At(picture.scale.at(x)) }
}

/// What lies between them.
pub fn shade(picture: &Picture, ends: Option<Ends>) -> impl IntoView + use<> {
    let (from, to) = ends?.ordered(picture.now);
    let x = |when: When| picture.scale.x(when.stamp(picture.now)).clamp(picture.scale.left, picture.scale.right);
    let (from, to) = (x(from), x(to));
    Some(view! { <rect class="span-shade" x=from y="0" width=to - from height=picture.floor() /> })
}

/// The handles, and the key that puts them there.
#[component]
pub fn Handles(picture: Memo<Picture>, window: RwSignal<Window>, ends: RwSignal<Option<Ends>>) -> impl IntoView {
    let (state, clock, compare) = (use_state(), use_clock(), use_compare());
    let first = NodeRef::<html::Div>::new();
    on_command(Command::PickTimes, move || {
        if ends.with_untracked(Option::is_none) {
            let shown = state.when().get_untracked();
            let before = shown.stamp(clock.read_real()).minus(window.get_untracked().span() / 4);
            ends.set(Some(Ends([When::At(before), shown])));
        }
        // It is in the page a moment later.
        set_timeout(move || drop(first.get_untracked().map(|handle| handle.focus())), Duration::from_millis(20));
        true
    });
    on_command(Command::Close, move || ends.try_update(Option::take).flatten().is_some());
    let go = Callback::new(move |()| {
        if let Some(ends) = ends.get_untracked() {
            let (from, to) = ends.ordered(clock.read_real());
            compare.open(from, to);
        }
    });
    let handle = move |end: usize, node: NodeRef<html::Div>| view! { <Handle picture window ends end node go /> };
    view! {
        <Show when=move || ends.with(Option::is_some)>
            {handle(0, first)}
            {handle(1, NodeRef::new())}
        </Show>
    }
}

#[component]
fn Handle(
    picture: Memo<Picture>,
    window: RwSignal<Window>,
    ends: RwSignal<Option<Ends>>,
    end: usize,
    node: NodeRef<html::Div>,
    go: Callback<()>,
) -> impl IntoView {
    let clock = use_clock();
    let held = RwSignal::new(false);
    let when = move || ends.get().map_or(When::Now, |ends| ends.0[end]);
    let set = move |when: When| ends.update(|ends| *ends = ends.map(|ends| ends.with(end, when)));
    let x = move || {
        picture
            .with(|picture| picture.scale.x(when().stamp(picture.now)).clamp(picture.scale.left, picture.scale.right))
    };
    let down = move |event: PointerEvent| {
        if event.button() == 0
            && let Some(element) = node.get_untracked()
        {
            let _ = element.set_pointer_capture(event.pointer_id());
            held.set(true);
        }
    };
    let moved = move |event: PointerEvent| {
        if held.get_untracked() {
            set(picture.with_untracked(|picture| when_at(picture, f64::from(event.client_x()))));
        }
    };
    let up = move |_| {
        if held.get_untracked() {
            held.set(false);
            go.run(());
        }
    };
    let keydown = move |event: KeyboardEvent| {
        let steps = if event.shift_key() { 10 } else { 1 };
        let step = window.with_untracked(|window| window.step_ms()).saturating_mul(steps);
        let now = clock.read_real();
        let at = untrack(when).stamp(now);
        let to = |by: i64| {
            let to = Stamp(at.0.saturating_add(by));
            set(if to >= now { When::Now } else { When::At(to) });
        };
        match event.key().as_str() {
            "ArrowLeft" => to(-step),
            "ArrowRight" => to(step),
            "Enter" => go.run(()),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let spoken = move || match when() {
        When::Now => "now".to_owned(),
        When::At(at) => format!("{} UTC", at.clock()),
    };
    view! {
        <div
            node_ref=node
            class="ribbon-handle"
            data-test=format!("ribbon-handle-{end}")
            role="slider"
            tabindex="0"
            aria-label="A time to compare. Arrow keys move it, Enter compares the two, Escape takes them away."
            aria-valuetext=move || spoken()
            title=move || format!("{}: drag it, or press Enter to compare", spoken())
            style:left=move || format!("{:.1}px", x() - 12.0)
            on:pointerdown=down
            on:pointermove=moved
            on:pointerup=up
            on:pointercancel=move |_| held.set(false)
            on:keydown=keydown
        ></div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Stamp = Stamp(100_000);

    fn picture() -> Picture {
        let scale = Scale { from: Stamp(0), to: NOW, left: 100.0, right: 200.0 };
        Picture { scale, width: 300.0, height: 112.0, now: NOW, ..Picture::empty() }
    }

    #[test]
    fn two_handles_are_two_times_in_their_order_whichever_was_drawn_first() {
        let (early, late) = (When::At(Stamp(10_000)), When::At(Stamp(20_000)));
        assert_eq!(Ends([late, early]).ordered(NOW), (early, late));
        assert_eq!(Ends([When::Now, early]).ordered(NOW), (early, When::Now));
        assert_eq!(Ends([early, early]).with(1, late), Ends([early, late]));
    }

    #[test]
    fn a_hand_that_was_not_still_means_one_time() {
        let ends = |a: i64, b: i64| Ends([When::At(Stamp(a)), When::At(Stamp(b))]);
        assert!(ends(10_000, 13_000).are_one(&picture().scale, NOW));
        assert!(!ends(10_000, 15_000).are_one(&picture().scale, NOW));
    }

    #[test]
    fn the_right_end_is_now_only_where_the_ribbon_ends_now() {
        assert_eq!(when_at(&picture(), 200.0), When::Now);
        assert_eq!(when_at(&picture(), 150.0), When::At(Stamp(50_000)));
        let back = Picture { now: Stamp(900_000), ..picture() };
        assert_eq!(when_at(&back, 250.0), When::At(NOW));
    }
}

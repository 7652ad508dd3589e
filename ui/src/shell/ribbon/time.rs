//! Takes hold of time: a drag over the lanes moves it, with Shift it draws a span to be compared; a drag along the axis and
//! the wheel move and zoom what is shown, keys go step by step.

use super::{
    AXIS, MARKS, Picture, gap, known,
    span::{Ends, when_at},
    window::Window,
};
use crate::{
    clock::use_clock,
    keys::{Command, on_command},
    shell::compare::use_compare,
    state::use_state,
};
use leptos::{
    ev::{PointerEvent, WheelEvent},
    html,
    prelude::*,
};
use pilothouse_wire::{Stamp, When};

/// So much of a wheel's turn is one step of the zoom.
const TURN: f64 = 50.0;

#[derive(Clone, Copy, PartialEq)]
enum Held {
    /// The time that is shown goes with the pointer.
    Time,
    /// The axis goes with it: where it was last.
    Axis(f64),
    /// A span is drawn, from where Shift was held.
    Span,
}

/// The lanes and the axis, to be taken hold of.
#[component]
pub fn Time(
    picture: Memo<Picture>,
    window: RwSignal<Window>,
    /// Two times to be compared.
    ends: RwSignal<Option<Ends>>,
    /// Where the pointer rests on the lanes.
    pointed: RwSignal<Option<f64>>,
) -> impl IntoView {
    let (state, clock, compare) = (use_state(), use_clock(), use_compare());
    let node = NodeRef::<html::Div>::new();
    let held = RwSignal::new(None::<Held>);
    let to = move |x: f64| {
        let (at, at_end) = picture.with_untracked(|picture| (picture.scale.at(x), x >= picture.scale.right));
        let now = clock.read_real();
        let ends_now = at_end && window.get_untracked().end(now) == now;
        state.go_when(if ends_now { When::Now } else { When::At(at) });
    };
    let down = move |event: PointerEvent| {
        if event.button() != 0 {
            return;
        }
        let Some(element) = node.get_untracked() else { return };
        let _ = element.set_pointer_capture(event.pointer_id());
        let x = f64::from(event.client_x());
        let on_axis = f64::from(event.client_y()) > element.get_bounding_client_rect().bottom() - AXIS;
        // At the cursor the axis has its grip: that is time again.
        let on_grip = picture.with_untracked(|picture| picture.grip().is_some_and(|(from, to)| from <= x && x <= to));
        let holds = match event.shift_key() {
            true => Held::Span,
            false if on_axis && !on_grip => Held::Axis(x),
            false => Held::Time,
        };
        held.set(Some(holds));
        if holds == Held::Span {
            let from = picture.with_untracked(|picture| when_at(picture, x));
            ends.set(Some(Ends([from, from])));
        }
        if holds == Held::Time && !on_grip {
            to(x);
        }
    };
    let moved = move |event: PointerEvent| {
        let x = f64::from(event.client_x());
        match held.get_untracked() {
            Some(Held::Time) => to(x),
            Some(Held::Axis(from)) => {
                held.set(Some(Held::Axis(x)));
                let by = picture.with_untracked(|picture| picture.scale.at_ms(from - x));
                window.update(|window| *window = window.panned(by, clock.read_real()));
            }
            Some(Held::Span) => {
                let to = picture.with_untracked(|picture| when_at(picture, x));
                ends.update(|ends| *ends = ends.map(|ends| ends.with(1, to)));
            }
            None => {}
        }
        pointed.set(held.with_untracked(Option::is_none).then_some(x));
    };
    let up = move |_| {
        let was = held.try_update(Option::take).flatten();
        if was == Some(Held::Span)
            && let Some(drawn) = ends.get_untracked()
        {
            let now = clock.read_real();
            if picture.with_untracked(|picture| drawn.are_one(&picture.scale, now)) {
                ends.set(None);
            } else {
                let (from, to) = drawn.ordered(now);
                compare.open(from, to);
            }
        }
    };
    offer_keys(picture, window);
    let spoken = move || match state.when().get() {
        When::Now => "now".to_owned(),
        When::At(then) => {
            let gap = picture.with(|picture| gap::at(&picture.gaps, then).map(|gap| format!(". {gap}")));
            format!("{} UTC{}", then.clock(), gap.unwrap_or_default())
        }
    };
    view! {
        <div
            node_ref=node
            class="ribbon-time"
            data-test="ribbon-time"
            role="slider"
            tabindex="-1"
            aria-label="Time that is shown"
            aria-valuetext=move || spoken()
            style:top=format!("{MARKS}px")
            on:pointerdown=down
            on:pointermove=moved
            on:pointerup=up
            on:pointerleave=move |_| pointed.set(None)
            on:pointercancel=move |_| held.set(None)
        ></div>
    }
}

/// Zooms around the pointer, and pans where a wheel turns sideways.
pub fn on_wheel(picture: Memo<Picture>, window: RwSignal<Window>) -> impl Fn(WheelEvent) {
    let clock = use_clock();
    let turned = StoredValue::new(0.0_f64);
    move |event: WheelEvent| {
        event.prevent_default();
        let (dx, dy) = (event.delta_x(), event.delta_y());
        let now = clock.read_real();
        if dx.abs() > dy.abs() {
            let by = picture.with_untracked(|picture| picture.scale.at_ms(dx));
            window.update(|window| *window = window.panned(by, now));
            return;
        }
        // Wheels count in lines or pages, too.
        let unit = if event.delta_mode() == 0 { 1.0 } else { 20.0 };
        let sum = turned.get_value() + dy * unit;
        if sum.abs() < TURN {
            turned.set_value(sum);
            return;
        }
        turned.set_value(0.0);
        let around = picture.with_untracked(|picture| picture.scale.at(f64::from(event.client_x())));
        window.update(|window| *window = window.zoomed(if sum > 0.0 { 1 } else { -1 }, around, now));
    }
}

fn offer_keys(picture: Memo<Picture>, window: RwSignal<Window>) {
    let (state, clock) = (use_state(), use_clock());
    let go = move |when: When| {
        state.go_when(when);
        if let When::At(then) = when {
            window.update(|window| *window = window.holding(then, clock.read_real()));
        }
        true
    };
    for (command, steps) in
        [(Command::TimeBack, -1), (Command::TimeOn, 1), (Command::TimeFarBack, -10), (Command::TimeFarOn, 10)]
    {
        on_command(command, move || {
            let now = clock.read_real();
            let shown = state.when().get_untracked().stamp(now);
            let step = window.with_untracked(|window| window.step_ms()).saturating_mul(steps);
            go(When::At(Stamp(shown.0.saturating_add(step))))
        });
    }
    for (command, later) in [(Command::EarlierChange, false), (Command::LaterChange, true)] {
        on_command(command, move || {
            let now = clock.read_real();
            let when = state.when().get_untracked();
            let to = picture.with_untracked(|picture| known::neighbour(&picture.marks, when, now, later));
            to.is_some_and(go)
        });
    }
    let zoom = move |by: isize| {
        let now = clock.read_real();
        let around = state.when().get_untracked().stamp(window.with_untracked(|window| window.end(now)));
        window.update(|window| *window = window.zoomed(by, around.min(window.end(now)), now));
        true
    };
    on_command(Command::ZoomIn, move || zoom(-1));
    on_command(Command::ZoomOut, move || zoom(1));
}

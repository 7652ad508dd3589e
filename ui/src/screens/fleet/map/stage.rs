//! The canvas and what a person does on it: points, chooses, draws a box or a line around GPUs, zooms; by the keys alike.

use super::{MapState, area_of, device, marks};
use crate::{
    keys::{Command, on_command},
    parts::map::{
        canvas::MapCanvas,
        lasso::{Drawn, Line},
        layout::{Layout, Rect, Spot},
        moves::Towards,
        paint::Scene,
        zoom::{most_zoom, scrolled_to},
    },
    screens::fleet::{Fleet, picked::Picked},
    state::{State, use_state},
};
use leptos::{ev, html::Div, prelude::*};
use pilothouse_wire::{Area, units, view::FleetView};

/// So far a pointer moves before a press becomes a box, in CSS pixels.
const SLACK: f64 = 4.0;
/// So much of a wheel is one step. A pinch comes as many small turns, which count more.
const WHEEL: f64 = 60.0;
const PINCH: f64 = 8.0;

/// The canvas and what lies over it.
#[component]
pub fn Stage(map: MapState, scene: Memo<Scene>) -> impl IntoView {
    let (fleet, state): (Fleet, _) = (expect_context(), use_state());
    let stage = NodeRef::<Div>::new();
    let hand = Hand { map, fleet, state, stage, pressed: StoredValue::new(None), turned: StoredValue::new(0.0) };
    hand.offer_keys();
    let label = move || {
        let gpus = fleet.view.fleet(|view| view.summary.gpus).unwrap_or_default();
        format!(
            "Map of {} GPUs. Arrow keys move from GPU to GPU, Enter opens one, Shift with an arrow picks several.",
            units::sum(gpus)
        )
    };
    let css = move |length: fn(&Layout) -> u32| {
        map.layout.with(|layout| format!("{}px", f64::from(length(layout)) / layout.dpr.max(0.1)))
    };
    view! {
        <div
            class="map-stage"
            class:by-hand=move || map.by_hand.get()
            data-test="fleet-map"
            role="application"
            aria-label=move || label()
            tabindex="0"
            node_ref=stage
            style:width=move || css(|layout| layout.width)
            style:height=move || css(|layout| layout.height)
            on:pointerdown=move |event| hand.down(&event)
            on:pointermove=move |event| hand.moved(&event)
            on:pointerup=move |event| hand.up(&event)
            on:pointercancel=move |_| hand.let_go()
            on:pointerleave=move |_| map.hover.set(None)
            on:dblclick=move |_| hand.fit()
            on:wheel=move |event| hand.wheel(&event)
            on:keydown=move |event| hand.pressed(&event)
        >
            <MapCanvas layout=map.layout scene=scene window=map.window />
            <div class="map-over" aria-hidden="true">
                <marks::Headings map=map />
                <marks::Outlines map=map />
                <marks::Lasso map=map />
                <marks::Label map=map />
            </div>
        </div>
        <p class="unseen" aria-live="polite" data-test="map-spoken">{move || map.spoken.get()}</p>
    }
}

/// Where a press began, and what was picked before.
#[derive(Clone)]
struct Press {
    from: (f64, f64),
    /// What stays picked: what is drawn with Shift adds to it.
    kept: Area,
    /// A line, and no box?
    by_hand: bool,
}

/// A person's hand on the map. Copies are the same hand.
#[derive(Clone, Copy)]
struct Hand {
    map: MapState,
    fleet: Fleet,
    state: State,
    stage: NodeRef<Div>,
    pressed: StoredValue<Option<Press>>,
    /// What a wheel turned that is no step yet.
    turned: StoredValue<f64>,
}

impl Hand {
    /// Where on the map a pointer is, in CSS pixels.
    fn point(self, event: &ev::MouseEvent) -> (f64, f64) {
        let Some(stage) = self.stage.get_untracked() else { return (0.0, 0.0) };
        let rect = stage.get_bounding_client_rect();
        (f64::from(event.client_x()) - rect.left(), f64::from(event.client_y()) - rect.top())
    }

    fn spot(self, (x, y): (f64, f64)) -> Option<Spot> {
        self.map.layout.with_untracked(|layout| layout.hit(device(x, layout.dpr), device(y, layout.dpr)))
    }

    fn down(self, event: &ev::PointerEvent) {
        if event.button() != 0 {
            return;
        }
        let kept = if event.shift_key() { self.state.area().get_untracked() } else { Area::default() };
        let by_hand = event.alt_key() || self.map.by_hand.get_untracked();
        self.pressed.set_value(Some(Press { from: self.point(event), kept, by_hand }));
        if let Some(stage) = self.stage.get_untracked() {
            let _ = stage.set_pointer_capture(event.pointer_id());
        }
    }

    fn moved(self, event: &ev::PointerEvent) {
        let at = self.point(event);
        let from = self.pressed.with_value(|press| press.as_ref().map(|press| (press.from, press.by_hand)));
        let drawing = self.map.lasso.with_untracked(Option::is_some);
        if let Some((from, by_hand)) = from.filter(|(from, _)| drawing || far(*from, at)) {
            self.map.hover.set(None);
            self.map.lasso.update(|drawn| self.draw(drawn, from, at, by_hand));
            return;
        }
        let spot = self.spot(at);
        if self.map.hover.get_untracked() != spot {
            self.map.hover.set(spot);
        }
    }

    fn up(self, event: &ev::PointerEvent) {
        let Some(press) = self.pressed.try_update_value(Option::take).flatten() else { return };
        match self.map.lasso.try_update(Option::take).flatten() {
            mut drawn @ Some(_) => {
                self.draw(&mut drawn, press.from, self.point(event), press.by_hand);
                self.map.by_hand.set(false);
                if let Some(drawn) = drawn {
                    self.pick(&drawn, press.kept);
                }
            }
            None => {
                if let Some(object) = self.spot(press.from).and_then(|spot| self.map.object(self.fleet, spot)) {
                    self.state.select(Some(object));
                }
            }
        }
    }

    fn let_go(self) {
        self.pressed.set_value(None);
        self.map.lasso.set(None);
    }

    /// Draws on to where the pointer is, in places of the layout.
    fn draw(self, drawn: &mut Option<Drawn>, from: (f64, f64), to: (f64, f64), by_hand: bool) {
        let [from, to] = self.map.layout.with_untracked(|layout| {
            [from, to].map(|(x, y)| (device(x, layout.dpr).min(layout.width), device(y, layout.dpr).min(layout.height)))
        });
        match drawn {
            Some(Drawn::Line(line)) => line.draw_to(to),
            None if by_hand => *drawn = Some(Drawn::Line(Line::between(from, to))),
            _ => *drawn = Some(Drawn::Box(Rect::between(from, to))),
        }
    }

    /// Picks what is caught, beside what is kept.
    fn pick(self, drawn: &Drawn, mut kept: Area) {
        let caught = |view: &FleetView| self.map.layout.with_untracked(|layout| area_of(layout, view, drawn));
        let area = untrack(|| self.fleet.view.fleet(caught)).unwrap_or_default();
        kept.join(area);
        self.state.pick(kept);
        let words = self.fleet.picked.with_untracked(|picked| picked.as_ref().map(Picked::words));
        self.map.spoken.set(words.unwrap_or_else(|| "Nothing picked".into()));
    }

    fn wheel(self, event: &ev::WheelEvent) {
        // Sideways the box scrolls by itself.
        if event.delta_x().abs() > event.delta_y().abs() || event.shift_key() {
            return;
        }
        let pinched = event.ctrl_key();
        // Nothing is smaller than the whole map, but one that is too long scrolls.
        if !pinched && event.delta_y() > 0.0 && self.map.zoom.get_untracked() == 0 {
            return;
        }
        event.prevent_default();
        let lines = if event.delta_mode() == 0 { 1.0 } else { 20.0 };
        let one = if pinched { PINCH } else { WHEEL };
        let turned = self.turned.get_value() - event.delta_y() * lines / one;
        self.turned.set_value(turned.fract());
        if turned.abs() >= 1.0 {
            self.zoom(turned > 0.0, Some(self.point(event)));
        }
    }

    /// One step larger or smaller, around a point of the map in CSS pixels; around the middle of what is in sight if none
    /// is given.
    fn zoom(self, larger: bool, at: Option<(f64, f64)>) {
        let map = self.map;
        let (zoom, most) =
            map.layout.with_untracked(|layout| (map.zoom.get_untracked(), most_zoom(layout, map.zoom.get_untracked())));
        let to = if larger { (zoom + 1).min(most) } else { zoom.saturating_sub(1) };
        let Some(frame) = map.frame.get_untracked().filter(|_| to != zoom) else { return };
        let scroll = (f64::from(frame.scroll_left()), f64::from(frame.scroll_top()));
        let middle = (f64::from(frame.client_width()) / 2.0, f64::from(frame.client_height()) / 2.0);
        let at = at.unwrap_or((scroll.0 + middle.0, scroll.1 + middle.1));
        let spot = self.spot(at);
        let before = map.layout.with_untracked(|layout| anchor(layout, spot));
        self.state.set_look(|look| look.zoom = to);
        let after = map.layout.with_untracked(|layout| anchor(layout, spot));
        let grown = |at: f64, before: f64, after: f64| at * after / before.max(1.0);
        let now = (grown(at.0, before.0, after.0), grown(at.1, before.1, after.1));
        let to = scrolled_to(now, (at.0 - scroll.0, at.1 - scroll.1));
        // The box can scroll so far once the map has its new size.
        request_animation_frame(move || {
            frame.set_scroll_left(pixels(to.0));
            frame.set_scroll_top(pixels(to.1));
            map.scrolled();
        });
    }

    fn fit(self) {
        self.state.set_look(|look| look.zoom = 0);
    }

    fn offer_keys(self) {
        let with_caret = move |act: fn(Self)| {
            move || {
                let has = self.has_caret();
                if has {
                    act(self);
                }
                has
            }
        };
        on_command(Command::MapZoomIn, with_caret(|hand| hand.zoom(true, hand.under_keys())));
        on_command(Command::MapZoomOut, with_caret(|hand| hand.zoom(false, hand.under_keys())));
        on_command(Command::MapFit, with_caret(Self::fit));
        on_command(Command::MapLasso, move || {
            self.map.by_hand.update(|by_hand| *by_hand = !*by_hand);
            true
        });
        // Before what is picked goes, what is only begun does.
        on_command(Command::Close, move || self.map.by_hand.try_update(std::mem::take).unwrap_or_default());
        // Heard by the map itself, as the arrows are; named in the help.
        on_command(Command::MapPick, || false);
    }

    fn has_caret(self) -> bool {
        let active = document().active_element();
        self.stage.get_untracked().is_some_and(|stage| active.is_some_and(|active| stage.contains(Some(&active))))
    }

    /// Where the arrow keys have come to, in CSS pixels.
    fn under_keys(self) -> Option<(f64, f64)> {
        let spot = self.map.hover.get_untracked()?;
        let centre = |layout: &Layout| layout.cell(spot).map(|cell| middle(cell, layout.dpr));
        self.map.layout.with_untracked(centre)
    }

    /// The arrow keys and Enter, while the map has the caret.
    fn pressed(self, event: &ev::KeyboardEvent) {
        let (map, fleet, state) = (self.map, self.fleet, self.state);
        let towards = match event.key().as_str() {
            "ArrowLeft" => Towards::Left,
            "ArrowRight" => Towards::Right,
            "ArrowUp" => Towards::Up,
            "ArrowDown" => Towards::Down,
            "Enter" => {
                if let Some(object) = map.hover.get_untracked().and_then(|spot| map.object(fleet, spot)) {
                    event.prevent_default();
                    state.select(Some(object));
                }
                return;
            }
            _ => return,
        };
        event.prevent_default();
        let from = map.hover.get_untracked().or_else(|| untrack(|| marks::selected_spot(fleet, map.layout, state)));
        let to =
            map.layout.with_untracked(|layout| from.map_or(Spot { at: 0, gpu: 0 }, |from| layout.step(from, towards)));
        map.hover.set(Some(to));
        self.reveal(to);
        if event.shift_key() {
            self.stretch(from.unwrap_or(to), to);
            return;
        }
        map.anchor.set_value(None);
        map.spoken.set(untrack(|| map.layout.with(|layout| marks::spoken(fleet, layout, to))));
        // While the inspector is open it follows.
        if state.selected().with_untracked(Option::is_some) {
            state.select(map.object(fleet, to));
        }
    }

    /// Picks from where Shift was first held to where the arrows have come.
    fn stretch(self, from: Spot, to: Spot) {
        let from = self.map.anchor.get_value().unwrap_or(from);
        self.map.anchor.set_value(Some(from));
        let drawn = self.map.layout.with_untracked(|layout| Some(layout.cell(from)?.around(layout.cell(to)?)));
        if let Some(drawn) = drawn {
            self.pick(&Drawn::Box(drawn), Area::default());
        }
    }

    /// Scrolls so far that a cell is in sight.
    fn reveal(self, spot: Spot) {
        let Some(frame) = self.map.frame.get_untracked() else { return };
        let cell = self.map.layout.with_untracked(|layout| layout.cell(spot).map(|cell| middle(cell, layout.dpr)));
        let Some((x, y)) = cell else { return };
        let near = |at: f64, from: i32, size: i32| {
            let (from, size, edge) = (f64::from(from), f64::from(size), 24.0);
            from.min(at - edge).max(at + edge - size).max(0.0)
        };
        frame.set_scroll_left(pixels(near(x, frame.scroll_left(), frame.client_width())));
        frame.set_scroll_top(pixels(near(y, frame.scroll_top(), frame.client_height())));
    }
}

fn far(a: (f64, f64), b: (f64, f64)) -> bool {
    (a.0 - b.0).abs().max((a.1 - b.1).abs()) > SLACK
}

/// The centre of a rectangle, in CSS pixels.
fn middle(rect: Rect, dpr: f64) -> (f64, f64) {
    let css = |at: u32, length: u32| (f64::from(at) + f64::from(length) / 2.0) / dpr.max(0.1);
    (css(rect.x, rect.w), css(rect.y, rect.h))
}

/// What tells how much a layout has grown where a GPU is: its place, or else the size of the whole.
fn anchor(layout: &Layout, spot: Option<Spot>) -> (f64, f64) {
    let cell = spot.and_then(|spot| layout.cell(spot));
    cell.map_or((f64::from(layout.width), f64::from(layout.height)), |cell| middle(cell, 1.0))
}

#[allow(clippy::cast_possible_truncation, reason = "a place on a screen, far below 2^31")]
fn pixels(css: f64) -> i32 {
    css.round() as i32
}

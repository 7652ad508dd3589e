//! The signs of the ribbon and the ticks of pods below them: drawn in the picture, and hit and walked through above it.

use super::{
    Picture,
    place::{Sign, TICK, TO_LABEL, extent},
    shape,
};
use crate::{
    keys::{Command, on_command},
    link::use_link,
    once::{CollectAny, live},
    shell::toast::use_toasts,
    state::use_state,
};
use leptos::{
    ev::{KeyboardEvent, MouseEvent},
    prelude::*,
};
use pilothouse_wire::{
    Act, ConnectionId, ObjectRef,
    view::{Mark, MarkKind, Status, ribbon::MarkKey},
};

/// The middle of the row of signs.
const ROW: f64 = 12.0;
/// Where the row of ticks begins.
const LOW: i32 = 21;

/// Draws the signs with their labels and the lines that fall from them.
#[component]
pub fn Signs(picture: Memo<Picture>, signs: Memo<Vec<Sign>>, current: Current) -> impl IntoView {
    live(move || {
        let chosen = current.sign(signs, picture).map(|sign| sign.chief);
        picture.with(|picture| {
            let draw = |sign: &Sign| {
                let mark = picture.marks.get(sign.chief)?;
                let is_chosen = chosen == Some(sign.chief);
                if sign.low {
                    // All ticks are one path already: the one that is looked at stands out of it.
                    let d = format!("M{:.1} 22V35", picture.scale.x(mark.key.at));
                    return is_chosen.then(|| view! { <path class="tick-current" d=d /> }.into_any());
                }
                Some(drawn(sign, mark, picture.floor(), is_chosen).into_any())
            };
            signs.with(|signs| signs.iter().filter_map(draw).collect_any())
        })
    })
}

fn drawn(sign: &Sign, mark: &Mark, floor: f64, chosen: bool) -> impl IntoView + use<> {
    let drop = if shape::tone(mark) == "change bad" { "drop fault" } else { "drop" };
    let class = format!("{}{}", shape::class(mark), if chosen { " current" } else { "" });
    let label = sign.label.as_ref().map(|label| {
        let (x, anchor) = if label.after { (sign.x + TO_LABEL, "start") } else { (sign.x - TO_LABEL, "end") };
        view! { <text class="change-label" x=x y=ROW + 4.0 text-anchor=anchor>{label.text.clone()}</text> }
    });
    view! {
        {sign.drops.then(|| view! { <path class=drop d=format!("M{:.1} 20V{floor}", sign.x) /> })}
        <g class=class transform=format!("translate({:.1} {ROW})", sign.x)>
            <circle class="hit" r="9" />
            {shape::shape(mark.key.kind)}
        </g>
        {label}
    }
}

/// The change that a person looks at. By its key: signs join and part while time goes on.
#[derive(Clone, Copy)]
pub struct Current(RwSignal<Option<MarkKey>>);

impl Current {
    /// Nothing is looked at.
    pub fn none() -> Self {
        Self(RwSignal::new(None))
    }

    /// The sign that holds the change; tracks.
    pub fn sign(self, signs: Memo<Vec<Sign>>, picture: Memo<Picture>) -> Option<Sign> {
        self.index(signs, picture).and_then(|index| signs.with(|signs| signs.get(index).cloned()))
    }

    fn index(self, signs: Memo<Vec<Sign>>, picture: Memo<Picture>) -> Option<usize> {
        let key = self.0.get()?;
        picture.with(|picture| {
            let holds =
                |sign: &Sign| sign.members.iter().any(|at| picture.marks.get(*at).is_some_and(|m| m.key == key));
            signs.with(|signs| signs.iter().position(holds))
        })
    }

    fn set(self, index: Option<usize>, signs: Memo<Vec<Sign>>, picture: Memo<Picture>) {
        let chief = index.and_then(|index| signs.with_untracked(|signs| signs.get(index).map(|sign| sign.chief)));
        let key = |picture: &Picture| picture.marks.get(chief?).map(|mark| mark.key.clone());
        let key = picture.with_untracked(key);
        if self.0.with_untracked(|old| *old != key) {
            self.0.set(key);
        }
    }
}

/// Takes the pointer and the keys for the row of signs, and speaks the one that is current.
#[component]
pub fn Hits(picture: Memo<Picture>, signs: Memo<Vec<Sign>>, current: Current) -> impl IntoView {
    let state = use_state();
    let open = move || {
        let key = current.0.get_untracked();
        let found = key.is_some();
        // A note about no one thing leads nowhere.
        if let Some(key) = key.filter(|key| !is_about_nothing(key)) {
            state.show(key.object);
        }
        found
    };
    let (link, toasts) = (use_link(), use_toasts());
    let remove = move || {
        let note = current.0.get_untracked().filter(|key| key.kind == MarkKind::Bookmark && link.may_act());
        let found = note.is_some();
        if let Some(key) = note {
            link.act_then(Act::RemoveNote(key), move |acted| match acted {
                Ok(_) => toasts.say(Status::Good, "The note is gone", ""),
                Err(problem) => toasts.problem(&problem),
            });
        }
        found
    };
    let go = move |to: fn(&[Sign], Option<usize>, isize) -> Option<usize>, by: isize| {
        let at = untrack(|| current.index(signs, picture));
        let to = signs.with_untracked(|signs| to(signs, at, by));
        if to.is_some() {
            current.set(to, signs, picture);
        }
        to.is_some()
    };
    on_command(Command::Close, move || current.0.try_update(Option::take).flatten().is_some());
    let keydown = move |event: KeyboardEvent| {
        let done = match event.key().as_str() {
            "ArrowLeft" => go(walked, -1),
            "ArrowRight" => go(walked, 1),
            "ArrowUp" => go(crossed, -1),
            "ArrowDown" => go(crossed, 1),
            "Enter" => open(),
            "Delete" => remove(),
            _ => false,
        };
        if done {
            event.prevent_default();
            event.stop_propagation();
        }
    };
    let near = move |event: &MouseEvent| {
        let (x, low) = (f64::from(event.client_x()), event.offset_y() >= LOW);
        current.set(signs.with_untracked(|signs| under(signs, x, low)), signs, picture);
    };
    let spoken = move || {
        let chief = current.sign(signs, picture)?.chief;
        picture.with(|picture| picture.marks.get(chief).map(shape::spoken))
    };
    view! {
        <div
            class="ribbon-marks"
            tabindex="0"
            role="group"
            aria-label="Changes. Arrow keys go from one to the next, and down to pods, Enter opens it, Delete takes a note away."
            on:keydown=keydown
            on:pointermove=move |event| near(&event)
            on:pointerleave=move |_| current.set(None, signs, picture)
            on:click=move |event| {
                near(&event);
                open();
            }
        >
            <span class="unseen" aria-live="polite">{move || spoken()}</span>
        </div>
    }
}

/// Is it a note about no one thing?
fn is_about_nothing(key: &MarkKey) -> bool {
    key.kind == MarkKind::Bookmark && key.object == ObjectRef::Connection(ConnectionId::slug("pilothouse"))
}

/// The sign under the pointer: its picture or its label; on the lower row the tick that is near, before the sign above it.
fn under(signs: &[Sign], x: f64, low: bool) -> Option<usize> {
    let tick = nearest(signs, x, true).filter(|at| low && (signs[*at].x - x).abs() <= TICK);
    tick.or_else(|| {
        signs.iter().position(|sign| {
            let (from, to) = extent(sign.x, sign.label.as_ref());
            !sign.low && (from - 3.0..=to + 3.0).contains(&x)
        })
    })
}

/// The one of a row that is nearest to a place.
fn nearest(signs: &[Sign], x: f64, low: bool) -> Option<usize> {
    let away = |at: &usize| (signs[*at].x - x).abs();
    (0..signs.len()).filter(|at| signs[*at].low == low).min_by(|a, b| away(a).total_cmp(&away(b)))
}

/// One step along the row; the first step goes to the newest sign, or where there is none to the newest tick.
fn walked(signs: &[Sign], at: Option<usize>, by: isize) -> Option<usize> {
    let ticks = signs.iter().position(|sign| sign.low).unwrap_or(signs.len());
    let is_low = at.map_or(ticks == 0, |at| at >= ticks);
    let (first, end) = if is_low { (ticks, signs.len()) } else { (0, ticks) };
    let last = end.checked_sub(1)?;
    let to = at.map_or(last, |at| at.saturating_add_signed(by).clamp(first, last.max(first)));
    (to < end).then_some(to)
}

/// Down to the ticks, or up to the signs: to the nearest there, or first of all to the newest.
fn crossed(signs: &[Sign], at: Option<usize>, by: isize) -> Option<usize> {
    /// Right of all.
    const NEWEST: f64 = 1e9;
    nearest(signs, at.and_then(|at| signs.get(at)).map_or(NEWEST, |sign| sign.x), by > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(x: f64, low: bool) -> Sign {
        Sign { x, chief: 0, members: vec![0], left_out: 0, label: None, drops: false, low }
    }

    fn rows() -> Vec<Sign> {
        let upper = [100.0, 200.0, 300.0].map(|x| sign(x, false));
        upper.into_iter().chain([105.0, 111.0, 290.0].map(|x| sign(x, true))).collect()
    }

    #[test]
    fn steps_begin_at_the_newest_and_stop_at_the_ends_of_their_row() {
        let both = rows();
        assert_eq!(walked(&both, None, -1), Some(2));
        assert_eq!(walked(&both, Some(2), -1), Some(1));
        assert_eq!(walked(&both, Some(0), -1), Some(0));
        assert_eq!(walked(&both, Some(2), 1), Some(2));
        assert_eq!(walked(&both, Some(3), -1), Some(3));
        assert_eq!(walked(&both, Some(4), 1), Some(5));
        assert_eq!(walked(&both, Some(5), 1), Some(5));
        assert_eq!(walked(&both[3..], None, 1), Some(2), "pods alone");
        assert_eq!(walked(&both[..3], Some(7), 1), None, "it is gone");
        assert_eq!(walked(&[], None, 1), None);
    }

    #[test]
    fn up_and_down_go_to_what_is_nearest_on_the_other_row() {
        let both = rows();
        assert_eq!(crossed(&both, None, 1), Some(5));
        assert_eq!(crossed(&both, Some(0), 1), Some(3));
        assert_eq!(crossed(&both, Some(5), -1), Some(2));
        assert_eq!(crossed(&both[..3], Some(0), 1), None);
    }

    #[test]
    fn the_pointer_finds_the_tick_of_the_lower_row_and_above_it_the_sign() {
        let both = rows();
        assert_eq!(under(&both, 106.0, true), Some(3));
        assert_eq!(under(&both, 109.0, true), Some(4));
        assert_eq!(under(&both, 106.0, false), Some(0));
        assert_eq!(under(&both, 200.0, true), Some(1), "no pod is there");
        assert_eq!(under(&both, 250.0, true), None);
    }
}

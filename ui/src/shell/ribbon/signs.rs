//! The signs of the ribbon's upper row: drawn in the picture, and hit and walked through above it.

use super::{
    Picture,
    place::{Sign, TO_LABEL, extent},
    shape,
};
use crate::{
    keys::{Command, on_command},
    link::use_link,
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

/// Draws the signs with their labels and the lines that fall from them.
#[component]
pub fn Signs(picture: Memo<Picture>, signs: Memo<Vec<Sign>>, current: Current) -> impl IntoView {
    move || {
        let chosen = current.sign(signs, picture).map(|sign| sign.chief);
        picture.with(|picture| {
            let draw = |sign: &Sign| {
                let mark = picture.marks.get(sign.chief)?;
                Some(drawn(sign, mark, picture.floor(), chosen == Some(sign.chief)))
            };
            signs.with(|signs| signs.iter().filter_map(draw).collect_view())
        })
    }
}

fn drawn(sign: &Sign, mark: &Mark, floor: f64, chosen: bool) -> impl IntoView + use<> {
    let tone = shape::tone(mark);
    let drop = if tone == "change bad" { "drop fault" } else { "drop" };
    let rebuilt = if mark.rebuilt { " rebuilt" } else { "" };
    let class = format!("{tone}{rebuilt}{}", if chosen { " current" } else { "" });
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
    let walk = move |by: isize| {
        let count = signs.with_untracked(Vec::len);
        let at = untrack(|| current.index(signs, picture));
        current.set(walked(at, by, count), signs, picture);
        count > 0
    };
    on_command(Command::Close, move || current.0.try_update(Option::take).flatten().is_some());
    let keydown = move |event: KeyboardEvent| {
        let done = match event.key().as_str() {
            "ArrowLeft" => walk(-1),
            "ArrowRight" => walk(1),
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
        let x = f64::from(event.client_x());
        current.set(signs.with_untracked(|signs| nearest(signs, x)), signs, picture);
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
            aria-label="Changes. Arrow keys go from one to the next, Enter opens it, Delete takes a note away."
            on:keydown=keydown
            on:pointermove=move |event| near(&event)
            on:pointerleave=move |_| current.set(None, signs, picture)
            on:click=move |event| {
                near(&event);
                open();
            }
        >
            <span class="unseen" aria-live="polite">{spoken}</span>
        </div>
    }
}

/// Is it a note about no one thing?
fn is_about_nothing(key: &MarkKey) -> bool {
    key.kind == MarkKind::Bookmark && key.object == ObjectRef::Connection(ConnectionId::slug("pilothouse"))
}

/// The sign under the pointer: its picture or its label.
fn nearest(signs: &[Sign], x: f64) -> Option<usize> {
    signs.iter().position(|sign| {
        let (from, to) = extent(sign.x, sign.label.as_ref());
        (from - 3.0..=to + 3.0).contains(&x)
    })
}

/// One step from sign to sign; the first step goes to the newest.
fn walked(at: Option<usize>, by: isize, count: usize) -> Option<usize> {
    let last = count.checked_sub(1)?;
    Some(at.map_or(last, |at| at.saturating_add_signed(by).min(last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_begin_at_the_newest_and_stop_at_the_ends() {
        assert_eq!(walked(None, -1, 3), Some(2));
        assert_eq!(walked(Some(2), -1, 3), Some(1));
        assert_eq!(walked(Some(0), -1, 3), Some(0));
        assert_eq!(walked(Some(2), 1, 3), Some(2));
        assert_eq!(walked(Some(5), 1, 3), Some(2));
        assert_eq!(walked(None, 1, 0), None);
    }
}

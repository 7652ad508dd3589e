//! The signs of the ribbon's upper row: drawn in the picture, and hit and walked through above it.

use super::{Picture, place::Sign, shape};
use crate::{
    keys::{Command, on_command},
    state::use_state,
};
use leptos::{ev::KeyboardEvent, prelude::*};
use pilothouse_wire::units::visible;

/// The middle of the row of signs.
const ROW: f64 = 12.0;

/// Draws the signs with their labels and the lines that fall from them.
#[component]
pub fn Signs(picture: Memo<Picture>, signs: Memo<Vec<Sign>>, current: RwSignal<Option<usize>>) -> impl IntoView {
    move || {
        picture.with(|picture| {
            let floor = picture.floor();
            let drawn = signs.with(|signs| {
                let drawn = signs.iter().enumerate().filter_map(|(index, sign)| {
                    let mark = picture.marks.get(sign.chief)?;
                    let tone = shape::tone(mark);
                    let drop = if tone == "change bad" { "drop fault" } else { "drop" };
                    let label = sign.label.as_deref().map(visible);
                    let class = move || if current.get() == Some(index) { format!("{tone} current") } else { tone.into() };
                    Some(view! {
                        {sign.drops.then(|| view! { <path class=drop d=format!("M{:.1} 20V{floor}", sign.x) /> })}
                        <g class=class transform=format!("translate({:.1} {ROW})", sign.x)>
                            <circle class="hit" r="9" />
                            {shape::shape(mark.key.kind)}
                        </g>
                        <text class="change-label" x=sign.x + 9.0 y=ROW + 4.0>{label}</text>
                    })
                });
                drawn.collect::<Vec<_>>()
            });
            drawn.collect_view()
        })
    }
}

/// Takes the pointer and the keys for the row of signs, and speaks the one that is current.
#[component]
pub fn Hits(picture: Memo<Picture>, signs: Memo<Vec<Sign>>, current: RwSignal<Option<usize>>) -> impl IntoView {
    let state = use_state();
    let open = move |index: usize| {
        let object = signs.with_untracked(|signs| {
            let chief = signs.get(index)?.chief;
            picture.with_untracked(|picture| picture.marks.get(chief).map(|mark| mark.key.object.clone()))
        });
        if let Some(object) = object {
            state.select(Some(object));
        }
    };
    let walk = move |by: isize| {
        let count = signs.with_untracked(Vec::len);
        current.set(walked(current.get_untracked(), by, count));
        count > 0
    };
    on_command(Command::EarlierChange, move || walk(-1));
    on_command(Command::LaterChange, move || walk(1));
    on_command(Command::Close, move || current.try_update(Option::take).flatten().is_some());
    let keydown = move |event: KeyboardEvent| {
        let done = match event.key().as_str() {
            "ArrowLeft" => walk(-1),
            "ArrowRight" => walk(1),
            "Enter" => current.get_untracked().map(open).is_some(),
            _ => false,
        };
        if done {
            event.prevent_default();
            event.stop_propagation();
        }
    };
    let near = move |x: f64| signs.with_untracked(|signs| nearest(signs, x));
    let spoken = move || {
        let index = current.get()?;
        let chief = signs.with(|signs| signs.get(index).map(|sign| sign.chief))?;
        picture.with(|picture| picture.marks.get(chief).map(shape::spoken))
    };
    view! {
        <div
            class="ribbon-marks"
            tabindex="0"
            role="group"
            aria-label="Changes. Arrow keys go from one to the next, Enter opens it."
            on:keydown=keydown
            on:pointermove=move |event| current.set(near(f64::from(event.client_x())))
            on:pointerleave=move |_| current.set(None)
            on:click=move |event| {
                if let Some(index) = near(f64::from(event.client_x())) {
                    open(index);
                }
            }
        >
            <span class="unseen" aria-live="polite">{spoken}</span>
        </div>
    }
}

/// The sign under the pointer: its picture or its label.
fn nearest(signs: &[Sign], x: f64) -> Option<usize> {
    signs.iter().position(|sign| {
        let label = sign.label.as_deref().map_or(0.0, |label| 9.0 + crate::shell::text::width(label));
        (sign.x - 10.0..=sign.x + label.max(10.0)).contains(&x)
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

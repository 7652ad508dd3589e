//! What the current sign of the ribbon means: what, about what, where, when.

use super::{Picture, place::Sign, shape, signs::Current};
use crate::once::live;
use leptos::prelude::*;
use pilothouse_wire::{units::visible, view::Mark};

/// A change that was heard so much later was not known at its time.
const LATE: std::time::Duration = std::time::Duration::from_secs(60);
/// How many changes of a group are told.
const TOLD: usize = 6;

/// Stands above the current sign.
#[component]
pub fn Bubble(picture: Memo<Picture>, signs: Memo<Vec<Sign>>, current: Current) -> impl IntoView {
    live(move || {
        let sign = current.sign(signs, picture)?;
        picture.with(|picture| {
            let told = sign.members.iter().rev().take(TOLD).filter_map(|member| picture.marks.get(*member));
            let lines: Vec<_> = told.map(line).collect();
            let more = sign.count().saturating_sub(TOLD.min(sign.members.len()));
            // Near the right edge it grows to the left, so that it stays in the window.
            let (left, right) = if sign.x > picture.width / 2.0 {
                ("auto".to_owned(), format!("{}px", (picture.width - sign.x - 12.0).max(4.0)))
            } else {
                (format!("{}px", (sign.x - 12.0).max(4.0)), "auto".to_owned())
            };
            Some(view! {
                <div class="bubble" style:left=left style:right=right>
                    {lines}
                    {(more > 0).then(|| view! { <p class="faint">{format!("and {more} more")}</p> })}
                </div>
            })
        })
    })
}

fn line(mark: &Mark) -> impl IntoView + use<> {
    let object = &mark.key.object;
    let place =
        format!("{}, {} {}, {}", shape::word(mark.key.kind), object.kind_word(), object.name(), object.connection());
    let by = mark.by.as_deref().map(|by| visible(&format!(", by {by}")));
    let late = mark.heard.since(mark.key.at);
    let how = match mark.rebuilt {
        true => Some("Rebuilt from what the server keeps: nobody saw it happen.".to_owned()),
        false if late >= LATE => Some(format!("Heard {} later.", pilothouse_wire::units::span(late))),
        false => None,
    };
    let detail = mark.detail.as_deref().map(|detail| visible(&format!(" {detail}")));
    view! {
        <p dir="auto">
            <span class="faint">{mark.key.at.clock()}</span>
            " "
            <span class="strong">{visible(&mark.title)}</span>
            {detail}
            {by}
        </p>
        <p class="faint" dir="auto">{visible(&place)}</p>
        {how.map(|how| view! { <p class="faint">{how}</p> })}
    }
}

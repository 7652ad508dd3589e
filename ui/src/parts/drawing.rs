//! A drawing that was made beside its numbers: marks in pixels, whose inks are words that the style sheets colour.

use leptos::prelude::*;
use pilothouse_wire::{
    drawing::{Drawing, Mark, Shape},
    units::visible,
};

/// Draws it.
pub fn drawing(of: Drawing) -> AnyView {
    let (width, height) = (of.width.to_string(), of.height.to_string());
    let marks: Vec<AnyView> = of.marks.into_iter().map(mark).collect();
    view! {
        <svg class="drawing" role="img" aria-label=visible(&of.about) width=width.clone() height=height.clone() viewBox=format!("0 0 {width} {height}")>
            {marks}
        </svg>
    }
    .into_any()
}

fn mark(of: Mark) -> AnyView {
    match of.shape {
        Shape::Path(data, style) => {
            view! { <path class=format!("ink-{} {}", of.ink.word(), style.word()) d=data><title>{visible(&of.about)}</title></path> }
                .into_any()
        }
        Shape::Text { at: (x, y), anchor, text } => view! {
            <text class=format!("ink-{}", of.ink.word()) x=x.to_string() y=y.to_string() text-anchor=anchor.word()>{visible(&text)}</text>
        }
        .into_any(),
    }
}

//! The canvas of the map: paints when layout, scene or theme changed, once an animation frame at most.

use super::{
    layout::{Layout, Rect},
    paint::{Picture, Scene},
    palette::Palette,
};
use crate::{
    once::effect,
    theme::{Shown, token, use_theme},
    timing,
};
use leptos::{html::Canvas, prelude::*};
use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

/// Draws a scene. What it means is said by headings, hover label and table: the canvas itself is hidden from readers.
#[component]
pub fn MapCanvas(
    /// Where everything stands.
    #[prop(into)]
    layout: Signal<Layout>,
    /// What is drawn there.
    #[prop(into)]
    scene: Signal<Scene>,
    /// The part of it that is in sight.
    #[prop(into)]
    window: Signal<Rect>,
) -> impl IntoView {
    let theme = use_theme();
    let node = NodeRef::<Canvas>::new();
    let picture = StoredValue::new_local(Picture::default());
    let asked = StoredValue::new(false);
    let colours = StoredValue::new(Colours::default());
    let paint = move || {
        // The map may be gone by the time of the frame.
        if asked.try_set_value(false).is_some() {
            return;
        }
        let Some(Some(canvas)) = node.try_get_untracked() else { return };
        let Some(window) = window.try_get_untracked() else { return };
        let shown = untrack(|| theme.grounds());
        let draw = |layout: &Layout, scene: &Scene| {
            colours.update_value(|colours| {
                let palette = colours.of(shown, layout);
                picture.update_value(|picture| {
                    picture.draw(layout, scene, palette, window);
                    put(&canvas, picture);
                });
            });
        };
        timing::paint(|| {
            layout.try_with_untracked(|layout| scene.try_with_untracked(|scene| draw(layout, scene)));
        });
    };
    // A canvas is outside of Leptos: this effect is the bridge.
    effect(move || {
        layout.track();
        scene.track();
        window.track();
        let _ = (theme.grounds(), node.get());
        if !asked.get_value() {
            asked.set_value(true);
            request_animation_frame(paint);
        }
    });
    let css = move |length: fn(Rect) -> u32| {
        let dpr = layout.with(|layout| layout.dpr.max(0.1));
        format!("{}px", f64::from(length(window.get())) / dpr)
    };
    view! {
        <canvas
            node_ref=node
            aria-hidden="true"
            style:width=move || css(|window| window.w)
            style:height=move || css(|window| window.h)
        ></canvas>
    }
}

/// The colours as last read. Reading them makes the browser work out its styles, and that at each measurement: they are
/// read again with another theme or size, since a change of contrast shows at the latest then.
#[derive(Default)]
struct Colours {
    of: Option<((Shown, bool), u32, u32)>,
    palette: Palette,
}

impl Colours {
    fn of(&mut self, shown: (Shown, bool), layout: &Layout) -> &Palette {
        let of = Some((shown, layout.width, layout.height));
        if self.of != of {
            (self.of, self.palette) = (of, Palette::read(token));
        }
        &self.palette
    }
}

fn put(canvas: &HtmlCanvasElement, picture: &Picture) {
    if picture.width == 0 || picture.height == 0 {
        return;
    }
    // Setting a size clears the canvas, even if it is the same.
    if (canvas.width(), canvas.height()) != (picture.width, picture.height) {
        canvas.set_width(picture.width);
        canvas.set_height(picture.height);
    }
    let context = canvas.get_context("2d").ok().flatten();
    let Some(context) = context.and_then(|context| context.dyn_into::<CanvasRenderingContext2d>().ok()) else { return };
    let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&picture.rgba), picture.width, picture.height);
    if let Ok(image) = image {
        let _ = context.put_image_data(&image, 0.0, 0.0);
    }
}

//! The canvas of the map: paints when layout, scene or theme changed, once an animation frame at most.

use super::{
    layout::Layout,
    paint::{Picture, Scene},
    palette::Palette,
};
use crate::theme::{token, use_theme};
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
) -> impl IntoView {
    let theme = use_theme();
    let node = NodeRef::<Canvas>::new();
    let picture = StoredValue::new_local(Picture::default());
    let asked = StoredValue::new(false);
    let paint = move || {
        // The map may be gone by the time of the frame.
        if asked.try_set_value(false).is_some() {
            return;
        }
        let Some(Some(canvas)) = node.try_get_untracked() else { return };
        let palette = Palette::read(token);
        let (Some(layout), Some(scene)) = (layout.try_get_untracked(), scene.try_get_untracked()) else { return };
        picture.update_value(|picture| {
            picture.draw(&layout, &scene, &palette, layout.height);
            put(&canvas, picture);
        });
    };
    // A canvas is outside of Leptos: this effect is the bridge.
    Effect::new(move |_| {
        layout.track();
        scene.track();
        let _ = (theme.shown(), node.get());
        if !asked.get_value() {
            asked.set_value(true);
            request_animation_frame(paint);
        }
    });
    let css = move |length: fn(&Layout) -> u32| {
        layout.with(|layout| format!("{}px", f64::from(length(layout)) / layout.dpr.max(0.1)))
    };
    view! {
        <canvas
            node_ref=node
            aria-hidden="true"
            style:width=move || css(|layout| layout.width)
            style:height=move || css(|layout| layout.height)
        ></canvas>
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

//! The link inside the desktop window: two commands of Tauri, and nothing else of it.
//!
//! What `src-tauri` has to offer, exactly:
//!
//! - `call`: the request's body is the raw bytes of a [`ToDesktop`](pilothouse_wire::codec::ToDesktop)
//!   (`tauri::ipc::Request`, `InvokeBody::Raw`). Where the webview cannot use the `ipc:` scheme Tauri falls back to
//!   `postMessage`, and the same bytes arrive as `InvokeBody::Json` holding an array of numbers: accept both.
//!   The answer is `tauri::ipc::Response::new(bytes)` with a [`ToPage`](pilothouse_wire::codec::ToPage) for
//!   `Act` and `Read(Ask)`, and empty for `Read(Hello)`, `Read(Watch)` and `Read(Unwatch)`. A rejected promise
//!   counts as a fault of ours: problems travel inside of `ToPage`.
//! - `subscribe`: takes one argument `channel: tauri::ipc::Channel<tauri::ipc::Response>`, keeps it, and answers
//!   empty at once. Frames and refusals go over it as `channel.send(Response::new(bytes))`, one `ToPage` a message.
//!   It is called once a page; a page that was loaded again calls it again, and the old channel, with all watches
//!   made through it, is then dead.
//!
//! The page has no `@tauri-apps/api`; this is what its `Channel` does, done here. A callback is registered with
//! `__TAURI_INTERNALS__.transformCallback(callback, false)`, which answers its number; the argument of the command
//! is the text `__CHANNEL__:NUMBER`, which Tauri's `Channel` reads. Each message calls the callback with
//! `{ index, message }`, or `{ index, end: true }` once the Rust side is dropped. Small messages are evaluated
//! directly and large ones are first fetched (`plugin:__TAURI_CHANNEL__|fetch`) by Tauri's own script, so they can
//! overtake each other: [`InOrder`] sorts by index. The fetch needs no permission of the capability file, and a
//! content policy with `connect-src ipc: http://ipc.localhost`.

use super::{Link, order::InOrder};
use crate::timing;
use js_sys::{Array, ArrayBuffer, Function, Object, Promise, Reflect, Uint8Array};
use leptos::prelude::window;
use pilothouse_wire::{Code, Problem, Stamp};
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

const CALL: &str = "call";
const SUBSCRIBE: &str = "subscribe";

/// Is this page in the desktop window? Tauri's script runs before any of the page's.
pub fn is_here() -> bool {
    cfg!(target_arch = "wasm32") && internals().is_some()
}

/// Opens the channel; then the link is open for as long as the window.
pub async fn run(link: Link) {
    match subscribe(link).await {
        // The window and its engine are one program: there is no other build to meet.
        Ok(()) => link.opened(),
        Err(error) => {
            leptos::logging::error!("subscribe: {error:?}");
            link.lost(now(), None);
        }
    }
}

/// Sends a message; what comes back, if anything, is taken in like any other message.
pub async fn call(link: Link, message: Vec<u8>, number: Option<u32>) {
    let body = Uint8Array::from(message.as_slice());
    match invoke(CALL, &body.into()).await {
        Ok(answer) => match bytes_of(&answer) {
            Some(bytes) if !bytes.is_empty() => link.receive(&bytes),
            _ => {}
        },
        Err(error) => {
            let why = error.as_string().unwrap_or_else(|| format!("{error:?}"));
            if let Some(number) = number {
                link.failed(number, Problem::new(Code::Internal, "The window did not reach its engine.").why(why));
            } else {
                leptos::logging::error!("call: {why}");
            }
        }
    }
}

async fn subscribe(link: Link) -> Result<(), JsValue> {
    let order = RefCell::new(InOrder::default());
    let heard = Closure::<dyn Fn(JsValue)>::new(move |raw: JsValue| {
        timing::update_begins();
        let index = Reflect::get(&raw, &"index".into()).ok().and_then(|index| index.as_f64()).unwrap_or_default();
        if Reflect::has(&raw, &"end".into()).unwrap_or_default() {
            link.lost(now(), None);
            return;
        }
        let message = Reflect::get(&raw, &"message".into()).unwrap_or(JsValue::UNDEFINED);
        let bytes = bytes_of(&message).unwrap_or_default();
        // Taken out first: taking in a message may end in another call of this closure.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of messages")]
        let due = order.borrow_mut().take(index as u64, bytes);
        for bytes in due {
            link.receive(&bytes);
        }
    });
    let register: Function = member("transformCallback")?;
    let id = register.call2(&JsValue::UNDEFINED, heard.as_ref(), &JsValue::FALSE)?;
    // The channel lives as long as the page.
    heard.forget();
    let id = id.as_f64().ok_or("transformCallback answers a number")?;
    let arguments = Object::new();
    Reflect::set(&arguments, &"channel".into(), &format!("__CHANNEL__:{id}").into())?;
    invoke(SUBSCRIBE, &arguments.into()).await.map(|_| ())
}

async fn invoke(command: &str, arguments: &JsValue) -> Result<JsValue, JsValue> {
    let invoke: Function = member("invoke")?;
    let promise: Promise = invoke.call2(&JsValue::UNDEFINED, &command.into(), arguments)?.dyn_into()?;
    JsFuture::from(promise).await
}

fn internals() -> Option<JsValue> {
    let internals = Reflect::get(&window(), &"__TAURI_INTERNALS__".into()).ok()?;
    internals.is_object().then_some(internals)
}

fn member(name: &str) -> Result<Function, JsValue> {
    let internals = internals().ok_or("no __TAURI_INTERNALS__")?;
    Reflect::get(&internals, &name.into())?.dyn_into()
}

/// Raw bytes come as an `ArrayBuffer`; over the `postMessage` fallback they come as an array of numbers.
fn bytes_of(value: &JsValue) -> Option<Vec<u8>> {
    if let Some(buffer) = value.dyn_ref::<ArrayBuffer>() {
        return Some(Uint8Array::new(buffer).to_vec());
    }
    if let Some(bytes) = value.dyn_ref::<Uint8Array>() {
        return Some(bytes.to_vec());
    }
    value.dyn_ref::<Array>().map(|numbers| Uint8Array::new(numbers).to_vec())
}

#[allow(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
fn now() -> Stamp {
    Stamp(js_sys::Date::now() as i64)
}

//! The link inside a browser: a one-time code becomes a session, then a WebSocket that is opened again for ever.
//!
//! What `serve` has to offer: `POST /session` with the code as its body sets the cookie (any 2xx), and answers 401
//! for a code that is spent or wrong; a request for `/link` without a session is answered 401 before anything else,
//! also when it is a plain GET: a page cannot read the status of a refused WebSocket, so it asks once more without.
//! The first message on the socket is `Hello` from the page; the engine answers with its own.

use super::{Link, Phase, Transport, reload};
use crate::timing;
use futures::{
    channel::oneshot,
    future::{Either, select},
};
use js_sys::{ArrayBuffer, Uint8Array};
use leptos::prelude::{GetUntracked, Set, UpdateValue, set_timeout, window};
use pilothouse_wire::{Ask, Stamp, WIRE_HASH, codec::ToEngine};
use std::{cell::Cell, rc::Rc, time::Duration};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{BinaryType, MessageEvent, RequestInit, Response, WebSocket};

const LINK: &str = "/link";
const SESSION: &str = "/session";
const UNAUTHORIZED: u16 = 401;
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const ASK_EVERY: Duration = Duration::from_secs(5);
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// The same on a wall, where nobody is there to wonder: within five seconds it says that nothing is heard any more.
const ASK_EVERY_ON_WALL: Duration = Duration::from_secs(2);
const ANSWERED_WITHIN_ON_WALL: Duration = Duration::from_millis(2_500);
/// How long a page of another build waits before it is loaded once more: what keeps the old one may let it go.
const LOAD_AGAIN: Duration = Duration::from_secs(20);

/// A WebSocket, and the closures that it calls: they must live as long as it does.
pub struct Socket {
    socket: WebSocket,
    _message: Closure<dyn Fn(MessageEvent)>,
    _close: Closure<dyn FnMut()>,
    _open: Closure<dyn Fn()>,
}

/// Makes a session if the address has a code, then keeps the link open.
pub async fn run(link: Link) {
    if let Some(code) = take_code()
        && post_code(&code).await == Some(UNAUTHORIZED)
        && !has_session().await
    {
        link.phase.set(Phase::NoSession);
        if !on_wall() {
            return;
        }
    }
    let mut wait = FIRST_WAIT;
    let mut since = None;
    loop {
        if once(link).await {
            (wait, since) = (FIRST_WAIT, None);
        } else if !has_session().await {
            link.phase.set(Phase::NoSession);
            if !on_wall() {
                return;
            }
            // Nobody stands before it to load it again: it goes on asking.
            sleep(jittered(LONGEST_WAIT)).await;
            continue;
        }
        if link.phase.get_untracked() == Phase::Differs {
            if on_wall() {
                load_again().await;
            }
            return;
        }
        let lost = *since.get_or_insert_with(now);
        let pause = jittered(wait);
        link.lost(lost, Some(now().plus(pause)));
        sleep(pause).await;
        wait = longer(wait);
    }
}

/// Loads the page once more when its door answers: without one the browser would show a page that never comes back.
async fn load_again() {
    loop {
        sleep(jittered(LOAD_AGAIN)).await;
        // What stands before a door that is gone answers for it.
        if fetch(LINK, &RequestInit::new()).await.is_some_and(|status| status < 500) {
            return reload::again();
        }
    }
}

/// Opens the link once and waits until it closes. Was it open?
async fn once(link: Link) -> bool {
    let opened = Rc::new(Cell::new(false));
    let (close, closed) = oneshot::channel();
    let Ok(socket) = Socket::open(link, Rc::clone(&opened), close) else { return false };
    link.inner.update_value(|inner| inner.transport = Transport::Browser(Rc::new(socket)));
    select(closed, Box::pin(silent(link))).await;
    link.inner.update_value(|inner| inner.transport = Transport::None);
    opened.get()
}

/// Waits until the engine does not answer. A socket stays open while the other side hangs: its numbers would go on
/// looking like now.
async fn silent(link: Link) {
    let (every, within) =
        if on_wall() { (ASK_EVERY_ON_WALL, ANSWERED_WITHIN_ON_WALL) } else { (ASK_EVERY, ANSWERED_WITHIN) };
    loop {
        sleep(every).await;
        let answer = select(Box::pin(link.ask(Ask::About)), Box::pin(sleep(within))).await;
        if !matches!(answer, Either::Left((Ok(_), _))) {
            return;
        }
    }
}

impl Socket {
    fn open(link: Link, opened: Rc<Cell<bool>>, close: oneshot::Sender<()>) -> Result<Self, JsValue> {
        let socket = WebSocket::new(&address()?)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            timing::update_begins();
            if let Ok(buffer) = event.data().dyn_into::<ArrayBuffer>() {
                link.receive(&Uint8Array::new(&buffer).to_vec());
            }
        });
        let open = Closure::<dyn Fn()>::new(move || {
            opened.set(true);
            link.send(&ToEngine::Hello(WIRE_HASH.to_owned()));
        });
        let mut close = Some(close);
        let close = Closure::<dyn FnMut()>::new(move || drop(close.take()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onopen(Some(open.as_ref().unchecked_ref()));
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        Ok(Self { socket, _message: message, _close: close, _open: open })
    }

    /// Sends bytes. A socket that is closing loses them: the link is then opened again, and everything said anew.
    pub fn send(&self, bytes: &[u8]) {
        let _ = self.socket.send_with_u8_array(bytes);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onopen(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}

/// Is this page the wall? It stays, whatever happens.
fn on_wall() -> bool {
    window().location().pathname().is_ok_and(|path| path.trim_matches('/') == crate::wall::ROUTE)
}

fn address() -> Result<String, JsValue> {
    let location = window().location();
    let scheme = if location.protocol()? == "https:" { "wss" } else { "ws" };
    Ok(format!("{scheme}://{}{LINK}", location.host()?))
}

/// The one-time code of the address; it leaves the address and the history at once.
fn take_code() -> Option<String> {
    let location = window().location();
    let code = location.hash().ok()?.strip_prefix("#code=")?.to_owned();
    let clean = format!("{}{}", location.pathname().ok()?, location.search().ok()?);
    let history = window().history().ok()?;
    let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&clean));
    Some(code)
}

/// Answers the status; `None` if the engine does not answer at all.
async fn post_code(code: &str) -> Option<u16> {
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_body(&code.into());
    fetch(SESSION, &request).await
}

/// False only if the engine says so: one that is gone may come back with the session.
async fn has_session() -> bool {
    fetch(LINK, &RequestInit::new()).await != Some(UNAUTHORIZED)
}

async fn fetch(path: &str, request: &RequestInit) -> Option<u16> {
    let answer = JsFuture::from(window().fetch_with_str_and_init(path, request)).await.ok()?;
    answer.dyn_into::<Response>().ok().map(|response| response.status())
}

async fn sleep(span: Duration) {
    let (wake, woken) = oneshot::channel::<()>();
    let end = move || {
        let _ = wake.send(());
    };
    set_timeout(end, span);
    let _ = woken.await;
}

fn longer(wait: Duration) -> Duration {
    (wait * 2).min(LONGEST_WAIT)
}

/// Many pages of one engine must not all come back in the same instant.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.75 + js_sys::Math::random() / 2.0)
}

#[allow(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
fn now() -> Stamp {
    Stamp(js_sys::Date::now() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_its_limit() {
        let mut wait = FIRST_WAIT;
        for want_ms in [1_000, 2_000, 4_000, 8_000, 10_000, 10_000] {
            wait = longer(wait);
            assert_eq!(wait, Duration::from_millis(want_ms));
        }
    }
}

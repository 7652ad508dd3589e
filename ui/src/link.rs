//! The one connection of the page with the engine, over the desktop channel or a WebSocket, with the same bytes.
//!
//! `spawn_local` and `invoke` occur nowhere else in this crate. What the engine sends of views goes to the mirror,
//! answers go to whoever asked, and what the link itself is like is [`Link::phase`].

mod blob;
mod browser;
mod desktop;
mod order;
mod reload;

use futures::channel::oneshot;
use leptos::prelude::*;
use pilothouse_wire::{
    Act, Acted, Answer, Ask, Code, Frame, Problem, Stamp, ViewSpec, When,
    ask::{About, RecordShown},
    codec::{self, ToDesktop, ToEngine, ToPage},
    door::{DoorAct, WallDoor},
};
use std::{future::Future, pin::Pin, rc::Rc};

/// How the link is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// On the way, for the first time.
    Connecting,
    /// Open.
    Open,
    /// Cut; it is tried again for ever.
    Lost {
        /// Since when.
        since: Stamp,
        /// When it is tried again.
        retry_at: Option<Stamp>,
    },
    /// The engine does not know this page: it needs the printed address, once.
    NoSession,
    /// Page and engine are of different builds, and loading again did not help.
    Differs,
}

/// What the link tells the mirror.
pub(crate) enum Heard {
    /// The link is open, for the first time or again: every watch has to be said again.
    Opened,
    /// A frame of the view watched under this number.
    Frame(u32, Box<Frame>),
    /// The view watched under this number cannot be shown.
    Refused(u32, Problem),
}

/// The connection with the engine. A handle: copies are the same link.
#[derive(Clone, Copy)]
pub struct Link {
    inner: StoredValue<Inner, LocalStorage>,
    phase: RwSignal<Phase>,
    about: RwSignal<Option<About>>,
}

#[derive(Default)]
struct Inner {
    transport: Transport,
    last: u32,
    waiting: Vec<(u32, Waiter)>,
    listener: Option<Rc<dyn Fn(Heard)>>,
}

#[derive(Default)]
enum Transport {
    /// Not there yet, or a native build.
    #[default]
    None,
    Desktop,
    Browser(Rc<browser::Socket>),
}

/// Whoever waits for an outcome. In one type: what is done with it is compiled once, and not once for each of them.
type Then<T> = Box<dyn FnOnce(Result<T, Problem>)>;

enum Waiter {
    Ask(oneshot::Sender<Result<Answer, Problem>>),
    Act(oneshot::Sender<Result<Acted, Problem>>),
    Door(oneshot::Sender<Result<WallDoor, Problem>>),
    Save(oneshot::Sender<Result<String, Problem>>),
}

/// The link of this page.
#[must_use]
pub fn use_link() -> Link {
    expect_context()
}

/// Is this page in the desktop window?
#[must_use]
pub fn is_desktop() -> bool {
    desktop::is_here()
}

impl Link {
    /// Makes the link and offers it to everything below. Nothing is sent before [`Link::start`].
    pub fn provide() -> Self {
        let link = Self {
            inner: StoredValue::new_local(Inner::default()),
            phase: RwSignal::new(Phase::Connecting),
            about: RwSignal::new(None),
        };
        provide_context(link);
        link
    }

    /// Connects, and stays connected.
    pub fn start(self) {
        if is_desktop() {
            self.inner.update_value(|inner| inner.transport = Transport::Desktop);
            spawn(desktop::run(self));
        } else {
            spawn(browser::run(self));
        }
    }

    /// Asks; answers never change anything.
    ///
    /// # Errors
    /// The engine's problem, or one of [`Code::Cut`] if the link is not open or breaks before the answer.
    pub async fn ask(self, ask: Ask) -> Result<Answer, Problem> {
        let (answer, answered) = oneshot::channel();
        let id = self.wait(Waiter::Ask(answer))?;
        self.send(&ToEngine::Ask(id, ask));
        answered.await.unwrap_or_else(|_| Err(cut()))
    }

    /// Acts. Only the desktop window may.
    ///
    /// # Errors
    /// The engine's problem; [`Code::NotOffered`] in a browser; [`Code::Cut`] if the link breaks before the answer:
    /// what came of the act is then not known.
    pub async fn act(self, act: Act) -> Result<Acted, Problem> {
        if !untrack(|| self.may_act()) {
            return Err(Problem::new(Code::NotOffered, "This page can only read.")
                .why("The browser door cannot change anything.")
                .next("Use the desktop window or the terminal: pilothouse connect."));
        }
        let (acted, done) = oneshot::channel();
        let id = self.wait(Waiter::Act(acted))?;
        self.send_desktop(ToDesktop::Act(id, act));
        done.await.unwrap_or_else(|_| Err(cut()))
    }

    /// [`Link::ask`] for callers that are not async: `then` gets the answer if its owner still lives. When the owner goes
    /// before, the engine is told that nobody waits any more: what a server is still asked for is let go.
    pub fn ask_then(self, ask: Ask, then: impl FnOnce(Result<Answer, Problem>) + 'static) {
        self.ask_boxed(ask, Box::new(then));
    }

    fn ask_boxed(self, ask: Ask, then: Then<Answer>) {
        let (answer, answered) = oneshot::channel();
        let asked = self.wait(Waiter::Ask(answer)).inspect(|id| self.send(&ToEngine::Ask(*id, ask)));
        if let Ok(id) = asked {
            on_cleanup(move || self.leave(id));
        }
        let answer = async move {
            asked?;
            answered.await.unwrap_or_else(|_| Err(cut()))
        };
        spawn_scoped(answer, then);
    }

    /// Nobody waits for the answer to this question any more.
    fn leave(self, id: u32) {
        let waits = self.take(id).is_some();
        if waits && self.phase.try_with_untracked(|phase| *phase == Phase::Open) == Some(true) {
            self.send(&ToEngine::Leave(id));
        }
    }

    /// [`Link::act`] for callers that are not async. `then` is called even if the caller's owner is gone, since an
    /// outcome must be told: it may only touch what lives as long as the page (toasts, state).
    pub fn act_then(self, act: Act, then: impl FnOnce(Result<Acted, Problem>) + 'static) {
        self.act_boxed(act, Box::new(then));
    }

    fn act_boxed(self, act: Act, then: Then<Acted>) {
        spawn(async move { then(self.act(act).await) });
    }

    /// Does something with the wall door of this window; `then` gets how it is, if its owner still lives. A browser has none.
    pub fn door_then(self, act: DoorAct, then: impl FnOnce(Result<WallDoor, Problem>) + 'static) {
        self.door_boxed(act, Box::new(then));
    }

    fn door_boxed(self, act: DoorAct, then: Then<WallDoor>) {
        let (door, answered) = oneshot::channel();
        let sent = self.wait(Waiter::Door(door)).map(|id| self.send_desktop(ToDesktop::Door(id, act)));
        let answer = async move {
            sent?;
            answered.await.unwrap_or_else(|_| Err(cut()))
        };
        spawn_scoped(answer, then);
    }

    /// Saves a text as a file; `then` gets where it is, even if the caller's owner is gone: it may only touch what lives as
    /// long as the page (toasts). A browser saves by itself, the window is asked to.
    pub fn save_then(self, name: String, text: String, then: impl FnOnce(Result<String, Problem>) + 'static) {
        self.save_boxed(name, text, Box::new(then));
    }

    fn save_boxed(self, name: String, text: String, then: Then<String>) {
        if !is_desktop() {
            then(blob::save(&name, &text).then_some(name).ok_or_else(|| {
                Problem::new(Code::NotOffered, "It is not saved.").why("This page may not save files.")
            }));
            return;
        }
        let (saved, answered) = oneshot::channel();
        let sent = self.wait(Waiter::Save(saved)).map(|id| self.send_desktop(ToDesktop::Save(id, name, text)));
        spawn(async move {
            let saved = match sent {
                Ok(()) => answered.await.unwrap_or_else(|_| Err(cut())),
                Err(problem) => Err(problem),
            };
            then(saved);
        });
    }

    /// May this page act? Fixed by its door.
    #[must_use]
    pub fn may_act(self) -> bool {
        is_desktop() && self.record().is_none()
    }

    /// The record that is shown instead of anything live, if one is; tracks.
    #[must_use]
    pub fn record(self) -> Option<RecordShown> {
        self.about.with(|about| about.as_ref().and_then(|about| about.record.clone()))
    }

    /// How the link is; tracks.
    #[must_use]
    pub fn phase(self) -> Phase {
        self.phase.get()
    }

    /// Is it open? Tracks. While it is not, every value on the page counts as old.
    #[must_use]
    pub fn is_open(self) -> bool {
        self.phase.with(|phase| *phase == Phase::Open)
    }

    /// What the engine said of itself; tracks.
    #[must_use]
    pub fn about(self) -> Option<About> {
        self.about.get()
    }

    /// [`Link::about`], untracked.
    #[must_use]
    pub fn about_untracked(self) -> Option<About> {
        self.about.get_untracked()
    }

    /// Names the one listener to frames.
    pub(crate) fn listen(self, listener: impl Fn(Heard) + 'static) {
        self.inner.update_value(|inner| inner.listener = Some(Rc::new(listener)));
    }

    /// Starts to watch a view under a number, or asks for a full frame of it. For the mirror alone.
    pub(crate) fn watch(self, number: u32, spec: ViewSpec, when: When) {
        if self.phase.with_untracked(|phase| *phase == Phase::Open) {
            self.send(&ToEngine::Watch(number, spec, when));
        }
    }

    /// Stops watching. For the mirror alone.
    pub(crate) fn unwatch(self, number: u32) {
        if self.phase.try_with_untracked(|phase| *phase == Phase::Open) == Some(true) {
            self.send(&ToEngine::Unwatch(number));
        }
    }

    fn wait(self, waiter: Waiter) -> Result<u32, Problem> {
        if self.phase.with_untracked(|phase| *phase != Phase::Open) {
            return Err(cut());
        }
        Ok(self
            .inner
            .try_update_value(|inner| {
                inner.last = inner.last.wrapping_add(1);
                inner.waiting.push((inner.last, waiter));
                inner.last
            })
            .unwrap_or_default())
    }

    fn send(self, message: &ToEngine) {
        match self.inner.try_with_value(|inner| match &inner.transport {
            Transport::Browser(socket) => Some(Rc::clone(socket)),
            Transport::Desktop | Transport::None => None,
        }) {
            Some(Some(socket)) => socket.send(&codec::encode(message)),
            _ => self.send_desktop(ToDesktop::Read(message.clone())),
        }
    }

    fn send_desktop(self, message: ToDesktop) {
        if is_desktop() {
            let number = match &message {
                ToDesktop::Act(id, _)
                | ToDesktop::Door(id, _)
                | ToDesktop::Save(id, ..)
                | ToDesktop::Read(ToEngine::Ask(id, _)) => Some(*id),
                ToDesktop::Read(_) => None,
            };
            spawn(desktop::call(self, codec::encode(&message), number));
        }
    }

    /// Takes in one message of the engine.
    fn receive(self, bytes: &[u8]) {
        match codec::decode(bytes) {
            Ok(ToPage::Hello(hash)) => self.greeted(&hash),
            Ok(ToPage::Answer(id, answer)) => self.answered(id, answer),
            Ok(ToPage::Acted(id, acted)) => self.acted(id, acted),
            Ok(ToPage::Door(id, door)) => self.doored(id, door),
            Ok(ToPage::Saved(id, saved)) => self.saved(id, saved),
            Ok(ToPage::Frame(number, frame)) => self.tell(Heard::Frame(number, frame)),
            Ok(ToPage::Refused(number, problem)) => self.tell(Heard::Refused(number, problem)),
            Err(problem) => leptos::logging::warn!("{problem}"),
        }
    }

    fn greeted(self, hash: &str) {
        match reload::on_hello(hash) {
            reload::Verdict::Same => self.opened(),
            reload::Verdict::Reloading => {}
            reload::Verdict::Differs => self.phase.set(Phase::Differs),
        }
    }

    fn opened(self) {
        if self.phase.with_untracked(|phase| *phase == Phase::Open) {
            return;
        }
        self.phase.set(Phase::Open);
        self.tell(Heard::Opened);
        self.ask_then(Ask::About, move |answer| {
            if let Ok(Answer::About(about)) = answer {
                self.about.set(Some(about));
            }
        });
    }

    fn lost(self, since: Stamp, retry_at: Option<Stamp>) {
        self.phase.set(Phase::Lost { since, retry_at });
        // Whoever waits is told: dropping the senders ends their wait with a problem.
        let waiting = self.inner.try_update_value(|inner| std::mem::take(&mut inner.waiting));
        drop(waiting);
    }

    fn answered(self, id: u32, answer: Result<Answer, Problem>) {
        match self.take(id) {
            Some(Waiter::Ask(waiter)) => drop(waiter.send(answer)),
            Some(waiter) => self.put_back(id, waiter),
            None => {}
        }
    }

    fn acted(self, id: u32, acted: Result<Acted, Problem>) {
        match self.take(id) {
            Some(Waiter::Act(waiter)) => drop(waiter.send(acted)),
            Some(waiter) => self.put_back(id, waiter),
            None => {}
        }
    }

    fn doored(self, id: u32, door: Result<WallDoor, Problem>) {
        match self.take(id) {
            Some(Waiter::Door(waiter)) => drop(waiter.send(door)),
            Some(waiter) => self.put_back(id, waiter),
            None => {}
        }
    }

    fn saved(self, id: u32, saved: Result<String, Problem>) {
        match self.take(id) {
            Some(Waiter::Save(waiter)) => drop(waiter.send(saved)),
            Some(waiter) => self.put_back(id, waiter),
            None => {}
        }
    }

    fn failed(self, id: u32, problem: Problem) {
        match self.take(id) {
            Some(Waiter::Ask(waiter)) => drop(waiter.send(Err(problem))),
            Some(Waiter::Act(waiter)) => drop(waiter.send(Err(problem))),
            Some(Waiter::Door(waiter)) => drop(waiter.send(Err(problem))),
            Some(Waiter::Save(waiter)) => drop(waiter.send(Err(problem))),
            None => {}
        }
    }

    fn take(self, id: u32) -> Option<Waiter> {
        let taken = self.inner.try_update_value(|inner| {
            let at = inner.waiting.iter().position(|(waits, _)| *waits == id)?;
            Some(inner.waiting.swap_remove(at).1)
        });
        taken.flatten()
    }

    fn put_back(self, id: u32, waiter: Waiter) {
        self.inner.update_value(|inner| inner.waiting.push((id, waiter)));
    }

    fn tell(self, heard: Heard) {
        // The listener is cloned out first: it may use the link.
        if let Some(Some(listener)) = self.inner.try_with_value(|inner| inner.listener.clone()) {
            listener(heard);
        }
    }
}

fn cut() -> Problem {
    Problem::new(Code::Cut, "The link to the engine is cut.").next("It is tried again by itself.")
}

/// Runs a future on the page. The only place that does.
pub fn spawn(future: impl Future<Output = ()> + 'static) {
    spawn_boxed(Box::pin(future));
}

fn spawn_boxed(future: Pin<Box<dyn Future<Output = ()>>>) {
    wasm_bindgen_futures::spawn_local(future);
}

/// Runs a future and gives its outcome to `then`, unless the owner that asked is gone by then.
pub fn spawn_scoped<T: 'static>(future: impl Future<Output = T> + 'static, then: impl FnOnce(T) + 'static) {
    let alive = StoredValue::new_local(());
    spawn(async move {
        let outcome = future.await;
        if alive.try_get_value().is_some() {
            then(outcome);
        }
    });
}

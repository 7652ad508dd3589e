//! The wall door of this window: opened and closed here, for browsers of this machine.

use crate::{
    clock::use_clock,
    link::use_link,
    once::effect,
    parts::{
        button::{Button, CopyButton, Weight},
        mark::StatusWord,
        problem::ProblemRows,
    },
};
use leptos::{ev::KeyboardEvent, prelude::*};
use pilothouse_wire::{
    Code, Problem,
    door::{DoorAct, OneTimeCode, WallDoor},
    units::visible,
    view::Status,
};

/// Where it is opened unless somebody wants another port; as in the terminal.
const PORT: &str = "7447";

/// The card of the door.
#[component]
pub fn Door() -> impl IntoView {
    let (link, clock) = (use_link(), use_clock());
    let door = RwSignal::new(WallDoor::Closed);
    let problem = RwSignal::new(None::<Problem>);
    let act = Callback::new(move |act: DoorAct| {
        link.door_then(act, move |answer| match answer {
            Ok(now) => {
                if door.try_get_untracked().is_some_and(|old| old != now) {
                    door.set(now);
                }
                if act != DoorAct::Look {
                    problem.set(None);
                }
            }
            Err(why) => problem.set(Some(why)),
        });
    });
    // A screen that comes in uses up the code: looked at once a second while somebody looks here.
    effect(move || {
        let _second = clock.real();
        if link.is_open() {
            act.run(DoorAct::Look);
        }
    });
    let body = move || match door.get() {
        WallDoor::Closed => view! { <Closed act=act /> }.into_any(),
        WallDoor::Open { address, code } => view! { <Open address=address code=code act=act /> }.into_any(),
    };
    view! {
        <section class="card" data-test="wall-door">
            <header class="card-head"><h2>"From this window, to browsers of this machine"</h2></header>
            <div class="card-body walls-way">
                {move || body()}
                {move || problem.get().map(|problem| view! { <ProblemRows problem=problem /> })}
            </div>
        </section>
    }
}

#[component]
fn Closed(act: Callback<DoorAct>) -> impl IntoView {
    let typed = RwSignal::new(PORT.to_owned());
    let port = Memo::new(move |_| typed.with(|text| read(text)));
    let blocked = Signal::derive(move || port.with(|port| port.as_ref().err().map(|why| why.what.clone())));
    let open = move || {
        if let Ok(port) = port.get_untracked() {
            act.run(DoorAct::Open { port });
        }
    };
    let keydown = move |event: KeyboardEvent| {
        if event.key() == "Enter" && !event.is_composing() {
            event.prevent_default();
            open();
        }
    };
    view! {
        <p class="soft">
            "Open a door for the wall, and it can be shown by any browser here, on a second monitor say. It shows what is for walls, \
             and changes nothing. Other machines cannot reach it."
        </p>
        <p class="line">
            <label for="wall-port" class="soft">"Port"</label>
            <input
                id="wall-port" class="field walls-port" type="text" inputmode="numeric" maxlength="5" autocomplete="off"
                data-test="wall-port" prop:value=move || typed.get()
                on:input:target=move |event| typed.set(event.target().value()) on:keydown=keydown
            />
            <Button label="Open the wall door" on_press=open blocked=blocked test="wall-open" />
        </p>
    }
}

#[component]
fn Open(address: String, code: OneTimeCode, act: Callback<DoorAct>) -> impl IntoView {
    let (shown, words) = match &code {
        OneTimeCode::Fresh(code) => (
            format!("{address}#code={code}"),
            "Its address works once, in any browser here; the screen is then known for 30 days, over restarts too.",
        ),
        OneTimeCode::Used => (
            address.clone(),
            "A screen is let in, and finds its way back by this address. For another screen, close the door and open it again.",
        ),
        OneTimeCode::Void => (
            address.clone(),
            "Too many wrong codes were tried: the code is void. Close the door and open it again for a new one.",
        ),
    };
    let (status, word) = match code {
        OneTimeCode::Void => (Status::Warn, "Open, with no code"),
        OneTimeCode::Fresh(_) | OneTimeCode::Used => (Status::Good, "Open"),
    };
    view! {
        <p class="line"><StatusWord status=status word=word /><span class="soft">{words}</span></p>
        <p class="line">
            <code class="mono clip fill" data-test="wall-address" title=visible(&shown)>{visible(&shown)}</code>
            <CopyButton label="Copy the address" text=shown />
            <Button
                label="Close the wall door" weight=Weight::Danger on_press=move || act.run(DoorAct::Close) test="wall-close"
            />
        </p>
    }
}

/// A port as it is typed.
fn read(text: &str) -> Result<u16, Problem> {
    let wrong = || Problem::new(Code::BadInput, "a port is a number from 1024 to 65535");
    text.trim().parse().ok().filter(|port| *port >= 1024).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_one_that_anybody_may_open() {
        assert_eq!([read("7447").ok(), read(" 65535 ").ok()], [Some(7447), Some(65_535)]);
        assert!(["", "80", "65536", "-1", "http"].into_iter().all(|text| read(text).is_err()));
    }
}

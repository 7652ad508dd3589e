//! What this page may do, and the session's switch: on, nothing is done, whatever connections allow.

use crate::{
    link::{Link, use_link},
    mirror::use_view,
    once::live,
    parts::icon::{Icon, Sign},
    shell::toast::{Toaster, use_toasts},
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    Act, ViewSpec,
    plan::Hold,
    view::{ConnectionsView, Status},
};

/// Moves the session's switch, and says what came of it.
pub fn hold(on: bool, link: Link, toasts: Toaster) {
    link.act_then(Act::Hold(on), move |acted| match acted {
        Ok(_) if on => toasts.say(
            Status::Good,
            "Nothing is done in this session".to_owned(),
            "Every plan is refused, whatever connections allow. What was confirmed before goes on.",
        ),
        Ok(_) => toasts.say(
            Status::Good,
            "This session does something again".to_owned(),
            "As far as connections allow it; each time it is planned, shown and confirmed.",
        ),
        Err(problem) => toasts.problem(&problem),
    });
}

/// What a page may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The past is shown, or a record.
    Past,
    /// A browser: it reads.
    Browser,
    /// The session is held.
    Held(Hold),
    /// Something may be done through a connection.
    Operates,
    /// Nobody has allowed anything yet.
    ReadsAlone,
}

impl Mode {
    fn of(is_past: bool, may_act: bool, connections: Option<(Hold, bool)>) -> Self {
        let (hold, operates) = connections.unwrap_or_default();
        match (is_past, may_act, hold.is_on(), operates) {
            (true, ..) => Self::Past,
            (_, false, ..) => Self::Browser,
            (_, _, true, _) => Self::Held(hold),
            (_, _, _, true) => Self::Operates,
            _ => Self::ReadsAlone,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Past => "No actions",
            Self::Browser | Self::ReadsAlone => "Read only",
            Self::Held(_) => "Session read only",
            Self::Operates => "Operate",
        }
    }

    fn about(self) -> String {
        let press = "Press to do nothing in this session, whatever connections allow.";
        match self {
            Self::Past => "The past cannot be changed.".to_owned(),
            Self::Browser => "This page changes nothing on any server.".to_owned(),
            Self::Held(hold @ Hold::ByPerson) => {
                format!("{} Press to let something be done again.", hold.reason().unwrap_or_default())
            }
            Self::Held(hold) => format!("{} It stays so until the end.", hold.reason().unwrap_or_default()),
            Self::Operates => format!("Something may be done through a connection: planned, shown, confirmed. {press}"),
            Self::ReadsAlone => format!("No connection allows anything to be done. {press}"),
        }
    }

    /// What a press asks for; nothing where nobody can move the switch here.
    fn press(self) -> Option<bool> {
        match self {
            Self::Past | Self::Browser | Self::Held(Hold::ByEnvironment) => None,
            Self::Held(_) => Some(false),
            Self::Operates | Self::ReadsAlone => Some(true),
        }
    }
}

/// The sign in the bar; in the window it is the switch.
#[component]
pub fn ModeSign() -> impl IntoView {
    let (state, link, toasts) = (use_state(), use_link(), use_toasts());
    let connections = use_view(Signal::stored(ViewSpec::Connections));
    let mode = Memo::new(move |_| Mode::of(state.is_past(), state.may_act(), connections.connections(told)));
    live(move || {
        let mode = mode.get();
        let class = if matches!(mode, Mode::Held(_)) { "tag warn" } else { "tag" };
        let inside = view! { <Sign icon=Icon::Lock size=12 />{mode.word()} };
        match mode.press() {
            Some(on) => view! {
                <button
                    type="button" class=format!("{class} mode") data-test="mode" title=mode.about()
                    aria-label=format!("{}. {}", mode.word(), mode.about())
                    on:click=move |_| hold(on, link, toasts)
                >
                    {inside}
                </button>
            }
            .into_any(),
            None => view! { <span class=class data-test="mode" title=mode.about()>{inside}</span> }.into_any(),
        }
    })
}

fn told(view: &ConnectionsView) -> (Hold, bool) {
    (view.hold, view.rows.rows().iter().any(|row| row.operation.operate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_what_it_may_do_and_who_can_change_that() {
        let of = |past, may, hold, operates| {
            let mode = Mode::of(past, may, Some((hold, operates)));
            (mode.word(), mode.press())
        };
        assert_eq!(of(false, true, Hold::No, false), ("Read only", Some(true)));
        assert_eq!(of(false, true, Hold::No, true), ("Operate", Some(true)));
        assert_eq!(of(false, true, Hold::ByPerson, true), ("Session read only", Some(false)));
        assert_eq!(of(false, true, Hold::ByEnvironment, true), ("Session read only", None));
        // A browser moves no switch, and nobody acts in the past.
        assert_eq!(of(false, false, Hold::ByPerson, true), ("Read only", None));
        assert_eq!(of(true, false, Hold::No, true), ("No actions", None));
        assert_eq!(Mode::of(false, true, None).word(), "Read only");
        assert!(Mode::Held(Hold::ByEnvironment).about().contains("PILOTHOUSE_READ_ONLY"));
    }
}

//! Toasts: what came of something, with its proof. Good news leaves by itself, the rest waits to be closed.

use crate::{
    parts::show::each,
    parts::{button::IconButton, icon::Icon, mark::Mark},
};
use leptos::prelude::*;
use pilothouse_wire::{Problem, units::visible, view::Status};
use std::time::Duration;

/// How long good news stays.
const GOOD_STAYS: Duration = Duration::from_secs(6);
/// More than these would hide the screen: the oldest gives way.
const AT_MOST: usize = 4;

/// One toast.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Toast {
    id: u32,
    status: Status,
    title: String,
    detail: String,
    // The same said again is counted, not repeated.
    times: u32,
}

/// Where toasts are said.
#[derive(Clone, Copy)]
pub struct Toaster {
    toasts: RwSignal<Vec<Toast>>,
    last: StoredValue<u32>,
}

/// Where toasts are said.
#[must_use]
pub fn use_toasts() -> Toaster {
    expect_context()
}

impl Toaster {
    /// Offers itself to everything below.
    pub fn provide() -> Self {
        let toaster = Self { toasts: RwSignal::new(Vec::new()), last: StoredValue::new(0) };
        provide_context(toaster);
        toaster
    }

    /// Says an outcome and its proof.
    pub fn say(self, status: Status, title: impl Into<String>, detail: impl Into<String>) {
        let id = self.last.try_update_value(|last| {
            *last += 1;
            *last
        });
        let toast = Toast { id: id.unwrap_or_default(), status, title: title.into(), detail: detail.into(), times: 1 };
        let id = toast.id;
        self.toasts.update(|toasts| gather(toasts, toast));
        if status == Status::Good {
            set_timeout(move || self.close(id), GOOD_STAYS);
        }
    }

    /// Says a problem.
    pub fn problem(self, problem: &Problem) {
        let rest: Vec<&str> = [&problem.why, &problem.next].into_iter().flatten().map(String::as_str).collect();
        self.say(Status::Bad, problem.what.clone(), rest.join(" "));
    }

    fn close(self, id: u32) {
        self.toasts.try_update(|toasts| toasts.retain(|toast| toast.id != id));
    }
}

/// Adds a toast: one that says the same takes the place of the old one and counts.
fn gather(toasts: &mut Vec<Toast>, mut toast: Toast) {
    let same = |old: &Toast| old.status == toast.status && old.title == toast.title && old.detail == toast.detail;
    if let Some(at) = toasts.iter().position(same) {
        toast.times += toasts.remove(at).times;
    }
    toasts.push(toast);
    if toasts.len() > AT_MOST {
        toasts.remove(0);
    }
}

/// Draws the toasts.
#[component]
pub fn Toasts() -> impl IntoView {
    let toaster = use_toasts();
    view! {
        // Outcomes interrupt whoever listens: they answer to something that a person did, or are losses.
        <div class="toasts" role="log" aria-live="assertive" aria-label="Outcomes">
            {each(move || toaster.toasts.get(), |toast| (toast.id, toast.times), move |toast| one(toaster, &toast).into_any())}
        </div>
    }
}

fn one(toaster: Toaster, toast: &Toast) -> impl IntoView + use<> {
    let id = toast.id;
    view! {
        <div class="toast" data-test="toast">
            <Mark status=toast.status size=12 />
            <div class="toast-text">
                <p class="strong" dir="auto">
                    {visible(&toast.title)}
                    {(toast.times > 1).then(|| format!(" (×{})", toast.times))}
                </p>
                <p class="soft" dir="auto">{visible(&toast.detail)}</p>
            </div>
            <IconButton icon=Icon::Close label="Close" on_press=move || toaster.close(id) />
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toast(id: u32, title: &str) -> Toast {
        Toast { id, status: Status::Bad, title: title.into(), detail: String::new(), times: 1 }
    }

    #[test]
    fn the_same_said_again_is_counted_and_old_ones_give_way() {
        let mut toasts = Vec::new();
        gather(&mut toasts, toast(1, "a"));
        gather(&mut toasts, toast(2, "b"));
        gather(&mut toasts, toast(3, "a"));
        let seen: Vec<_> = toasts.iter().map(|toast| (toast.id, toast.times)).collect();
        assert_eq!(seen, [(2, 1), (3, 2)]);
        for id in 4..8 {
            gather(&mut toasts, toast(id, &id.to_string()));
        }
        assert_eq!(toasts.iter().map(|toast| toast.id).collect::<Vec<_>>(), [4, 5, 6, 7]);
    }
}

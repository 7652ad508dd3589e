//! Delivery: services over all clusters on their way to their next revision, and each of them in full.

mod analyses;
mod back;
mod experiments;
mod list;
mod revisions;
mod rollout;
mod rows;
mod served;
mod shares;
mod steps;
mod traffic;

use crate::{keys::Command, parts::icon::Icon, screens::Screen, state::use_state, once::live};
use leptos::prelude::*;
use pilothouse_wire::ObjectRef;

/// The catalog's row.
pub const SCREEN: Screen = Screen {
    route: "delivery",
    name: "Delivery",
    about: "Services on their way to their next revision: phase, step, traffic, what is measured.",
    icon: Icon::Delivery,
    go: Command::GoDelivery,
    scoped: true,
    view: || view! { <Delivery /> }.into_any(),
};

/// The word of the list in an address.
pub(super) const LIST: &str = "services";

/// The list, or the service that the address names.
#[component]
fn Delivery() -> impl IntoView {
    let state = use_state();
    let open =
        Memo::new(move |_| state.tab().with(|tab| tab.as_deref().and_then(|tab| tab.parse::<ObjectRef>().ok())));
    live(move || match open.get() {
        Some(object) => view! { <rollout::RolloutPage object=object /> }.into_any(),
        None => view! { <list::List /> }.into_any(),
    })
}

//! Settings: whether anything is done in this session, what a person is told of, what was told, and the record of this machine.

mod ask;
mod quiet;
mod record;
mod session;
mod told;

use crate::{keys::Command, mirror::use_view, parts::icon::Icon, screens::Screen};
use leptos::prelude::*;
use pilothouse_wire::ViewSpec;

/// The catalog's row.
pub const SCREEN: Screen = Screen {
    route: "settings",
    name: "Settings",
    about: "Whether this session does anything, what this desktop tells you, and how far the record reaches.",
    icon: Icon::Settings,
    go: Command::GoSettings,
    scoped: false,
    view: || view! { <Settings /> }.into_any(),
};

#[component]
fn Settings() -> impl IntoView {
    let view = use_view(ViewSpec::Notices);
    view! {
        <div class="page settings" data-test="settings">
            <h1 class="unseen">"Settings"</h1>
            <div class="settings-columns">
                <div class="settings-column">
                    <session::Session />
                    <ask::Asked view=view />
                    <told::Told view=view />
                </div>
                <record::Record />
            </div>
        </div>
    }
}

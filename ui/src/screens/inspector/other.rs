//! An object of any other kind: nobody watches it, so it is read from its server when it is looked at.

use super::{Announce, Head, describe, yaml};
use crate::{
    keys::{Command, on_command},
    parts::button::Button,
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::ObjectRef;

/// Draws it in words, with its YAML at hand.
#[component]
pub fn Other(object: ObjectRef) -> impl IntoView {
    let state = use_state();
    let read = describe::read(&object);
    let yaml = RwSignal::new(false);
    on_command(Command::Yaml, move || {
        yaml.set(true);
        true
    });
    let for_yaml = object.clone();
    view! {
        <div class="inspected" data-test="inspector" data-key=object.to_string()>
            <Head object=object.clone() />
            <div class="inspector-body described" tabindex="-1">
                <describe::Described read=read />
                <div class="section buttons">
                    <Button label="YAML" on_press=move || yaml.set(true) command=Command::Yaml test="inspector-yaml" />
                    <describe::CopyDescription read=read />
                </div>
            </div>
            <Show when=move || yaml.get()>
                <yaml::YamlDialog object=for_yaml.clone() on_close=Callback::new(move |()| yaml.set(false)) />
            </Show>
            <Announce state=state />
        </div>
    }
}

//! One field of a form: label, input, help, and what is wrong with it, tied together for readers.

use super::logic::Filled;
use crate::once::CollectAny;
use leptos::prelude::*;
use pilothouse_wire::{
    form::{Field, Input},
    units::visible,
};

/// Draws a field. Secrets go in and never come out: an input for one starts empty whatever is set.
#[component]
pub fn FieldInput(
    /// The field.
    field: Field,
    /// What is filled in.
    filled: RwSignal<Filled>,
    /// What is wrong with it.
    #[prop(into)]
    error: Signal<Option<String>>,
    /// Is it a secret that is set already?
    #[prop(optional)]
    is_set: bool,
) -> impl IntoView {
    let key = StoredValue::new(field.key.clone());
    let read = move || filled.with(|filled| key.with_value(|key| filled.values.get(key).cloned().unwrap_or_default()));
    let write = move |text: String| {
        filled.update(|filled| drop(filled.values.insert(key.get_value(), text)));
    };
    // A switch that is off has been answered.
    let optional = !field.required && field.input != Input::Toggle;
    let id = format!("field-{}", field.key);
    let hook = id.clone();
    let described = format!("{id}-help");
    let invalid = move || error.with(Option::is_some).then_some("true");
    let input = match field.input {
        Input::Text { example } => view! {
            <input
                id=id.clone() class="field" type="text" data-test=hook placeholder=example spellcheck="false"
                autocomplete="off" aria-describedby=described.clone() aria-invalid=move || invalid() aria-required=field.required.to_string()
                prop:value=move || read() on:input=move |event| write(event_target_value(&event))
            />
        }
        .into_any(),
        Input::Choice(choices) => view! {
            <select
                id=id.clone() class="field" data-test=hook aria-describedby=described.clone() aria-invalid=move || invalid()
                prop:value=move || read() on:change=move |event| write(event_target_value(&event))
            >
                {choices.into_iter().map(|choice| view! { <option value=choice.clone()>{choice.clone()}</option> }).collect_any()}
            </select>
        }
        .into_any(),
        Input::Toggle => view! {
            <span class="line">
                <input
                    id=id.clone() class="check" type="checkbox" data-test=hook aria-describedby=described.clone()
                    prop:checked=move || read() == "true"
                    on:change=move |event| write(if event_target_checked(&event) { "true".into() } else { String::new() })
                />
                <span class="soft">{move || if read() == "true" { "yes" } else { "no" }}</span>
            </span>
        }
        .into_any(),
        Input::Secret => view! {
            <input
                id=id.clone() class="field" type="password" data-test=hook autocomplete="new-password"
                placeholder=if is_set { "set; leave empty to keep it" } else { "" }
                aria-describedby=described.clone() aria-invalid=move || invalid() aria-required=field.required.to_string()
                on:input=move |event| {
                    let text = event_target_value(&event);
                    filled.update(|filled| drop(filled.secrets.insert(key.get_value(), text)));
                }
            />
        }
        .into_any(),
    };
    view! {
        <div class="form-field" class:wrong=move || error.with(Option::is_some)>
            <label for=id>{field.label} {optional.then(|| view! { <span class="faint">", optional"</span> })}</label>
            {input}
            <p id=described class="small faint">
                {move || match error.get() {
                    Some(error) => view! { <span class="bad" data-test="field-error" dir="auto">{visible(&error)}</span> }.into_any(),
                    None => view! { <span dir="auto">{field.help.clone()}</span> }.into_any(),
                }}
            </p>
        </div>
    }
}

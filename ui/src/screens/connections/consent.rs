//! What a person has to see before a credential plug-in is first run: command, arguments, fingerprint.

use super::acting::{Acting, Consent};
use crate::keys::{Command, on_command};
use crate::parts::{
    button::{Button, Weight},
    form::dialog::Titled,
};
use leptos::prelude::*;
use pilothouse_wire::units::visible;

/// Shows a plug-in and asks.
#[component]
pub fn ConsentDialog(consent: Consent) -> impl IntoView {
    let acting: Acting = expect_context();
    let plugin = consent.plugin.clone();
    let confirm = {
        let consent = consent.clone();
        move || acting.confirmed(consent.clone())
    };
    let by_key = confirm.clone();
    on_command(Command::Confirm, move || {
        by_key();
        true
    });
    let arguments = if plugin.arguments.is_empty() { "none".to_owned() } else { plugin.line() };
    let digest = plugin.digest.clone().map_or_else(
        || view! { <dd class="warn">"The program was not found: it cannot run."</dd> }.into_any(),
        |digest| view! { <dd class="mono">{visible(&digest)}</dd> }.into_any(),
    );
    let hidden = match plugin.hidden() {
        0 => "nothing".to_owned(),
        hidden => format!("{hidden}, each as …; the fingerprint covers them"),
    };
    let fingerprint = plugin.fingerprint.clone().unwrap_or_default();
    view! {
        <Titled label="Consent to a sign-in program" title=format!("Let {} run?", visible(&plugin.command)) on_close=Callback::new(move |()| acting.close()) test="consent">
            <div class="dialog-body stack">
                <p>
                    "This context signs in with a program on this machine. It runs with your rights, now and whenever the \
                     sign-in needs it. A command that changes is shown again, and so is what of it is not shown."
                </p>
                <dl class="facts">
                    <dt>"Program"</dt><dd class="mono" dir="auto">{visible(&plugin.command)}</dd>
                    <dt>"Arguments"</dt><dd class="mono" dir="auto">{visible(&arguments)}</dd>
                    <dt>"Not shown"</dt><dd>{hidden}</dd>
                    <dt>"SHA-256"</dt>{digest}
                    <dt>"Fingerprint"</dt><dd class="mono">{visible(&fingerprint)}</dd>
                </dl>
            </div>
            <footer class="dialog-foot">
                <Button label="Cancel" on_press=move || acting.close() command=Command::Close />
                <Button label="Run it and connect" on_press=confirm weight=Weight::Primary command=Command::Confirm test="consent-confirm" />
            </footer>
        </Titled>
    }
}

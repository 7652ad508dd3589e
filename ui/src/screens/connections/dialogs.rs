//! The dialog that is open: adding, changing, removing, a plug-in's consent, the passphrase of the secrets.

use super::{
    acting::{Acting, Dialog as Open},
    consent::ConsentDialog,
    edit::EditDialog,
    rights::RightsDialog,
};
use crate::{
    keys::{Command, on_command},
    mirror::Watched,
    parts::{
        button::{Button, Weight},
        form::dialog::Titled,
        show::Show,
    },
    shell::toast::use_toasts,
};
use leptos::prelude::*;
use pilothouse_wire::{
    Act, ConnectionId, Problem,
    form::SecretInput,
    units::visible,
    view::{Status, VaultState},
};

/// Draws the open dialog. Needs an [`Acting`].
#[component]
pub fn Dialogs(view: Watched) -> impl IntoView {
    let acting: Acting = expect_context();
    let open = move || {
        acting.dialog().map(|open| match open {
            Open::Add(kind) => view! { <EditDialog view=view kind=kind row=None /> }.into_any(),
            Open::Edit(row) => view! { <EditDialog view=view kind=Some(row.kind.clone()) row=Some(*row) /> }.into_any(),
            Open::Remove(id, name) => view! { <RemoveDialog id=id name=name /> }.into_any(),
            Open::Consent(consent) => view! { <ConsentDialog consent=*consent /> }.into_any(),
            Open::Rights(id, name) => view! { <RightsDialog view=view id=id name=name /> }.into_any(),
        })
    };
    view! {
        {open}
        <Show when=move || acting.is_unlocking()><UnlockDialog view=view /></Show>
    }
}

#[component]
fn RemoveDialog(id: ConnectionId, name: String) -> impl IntoView {
    let acting: Acting = expect_context();
    let typed = RwSignal::new(String::new());
    let wanted = name.clone();
    let blocked =
        Signal::derive(move || (typed.with(|typed| typed.trim() != wanted)).then(|| "type its name first".to_owned()));
    let remove = move || {
        if blocked.with_untracked(Option::is_none) {
            acting.remove(id.clone());
        }
    };
    let by_key = remove.clone();
    on_command(Command::Confirm, move || {
        by_key();
        true
    });
    view! {
        <Titled label="Remove a connection" title=format!("Remove {}", visible(&name)) on_close=Callback::new(move |()| acting.close()) test="remove-dialog">
            <div class="dialog-body stack">
                <p>"Its facts leave the screens, and its secrets leave the vault. The server itself is not touched."</p>
                <p class="soft">"Way back: add it again. Its secrets have to be given anew."</p>
                <div class="form-field">
                    <label for="remove-name">"Name of the connection: " <b dir="auto">{visible(&name)}</b></label>
                    <input
                        id="remove-name" autofocus class="field" type="text" autocomplete="off" data-test="remove-name"
                        on:input=move |event| typed.set(event_target_value(&event))
                    />
                </div>
            </div>
            <footer class="dialog-foot">
                <Button label="Cancel" on_press=move || acting.close() command=Command::Close />
                <Button label=format!("Remove {name}") on_press=remove weight=Weight::Danger blocked=blocked command=Command::Confirm test="remove-confirm" />
            </footer>
        </Titled>
    }
}

#[component]
fn UnlockDialog(view: Watched) -> impl IntoView {
    let (acting, toasts): (Acting, _) = (expect_context(), use_toasts());
    // Heard of by itself, beside the act that failed for it.
    let exists = Memo::new(move |_| {
        view.connections(|view| matches!(view.vault, VaultState::FileLocked { exists: true, .. })).unwrap_or_default()
    });
    let (first, second) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let problem = RwSignal::new(None::<Problem>);
    let blocked =
        Signal::derive(move || match (first.with(String::is_empty), exists.get(), first.get() == second.get()) {
            (true, ..) => Some("type a passphrase".to_owned()),
            (false, false, false) => Some("the two differ".to_owned()),
            _ => acting.busy(),
        });
    let unlock = move || {
        if blocked.with_untracked(Option::is_some) {
            return;
        }
        let act = Act::UnlockVault(SecretInput(first.get_untracked()));
        acting.send_and(act, "unlocking".into(), move |outcome| match outcome {
            Ok(_) => {
                acting.unlock(false);
                toasts.say(Status::Good, "The secrets are unlocked", "Connections that waited for them go on.");
            }
            Err(found) => drop(problem.try_set(Some(found))),
        });
    };
    on_command(Command::Confirm, move || {
        unlock();
        true
    });
    let title =
        Signal::derive(move || if exists.get() { "Unlock the secrets" } else { "Choose a passphrase" }.to_owned());
    let input = move |id: &'static str, label: &'static str, signal: RwSignal<String>| {
        view! {
            <div class="form-field">
                <label for=id>{label}</label>
                <input
                    id=id class="field" type="password" data-test=id
                    autocomplete=move || if exists.get() { "current-password" } else { "new-password" }
                    on:input=move |event| signal.set(event_target_value(&event))
                />
            </div>
        }
    };
    view! {
        <Titled label="Secrets" title=title on_close=Callback::new(move |()| acting.unlock(false)) test="unlock-dialog">
            <div class="dialog-body stack">
                <p>
                    {move || if exists.get() {
                        "The passphrase opens the encrypted file of secrets until Pilothouse ends. It is kept nowhere."
                    } else {
                        "No keyring was found, so secrets go into an encrypted file. Without its passphrase nobody can read it: \
                         it is kept nowhere."
                    }}
                </p>
                {input("vault-passphrase", "Passphrase", first)}
                {move || (!exists.get()).then(|| input("vault-again", "Again", second))}
                {move || problem.get().map(|problem| view! { <p class="bad" role="alert" dir="auto">{visible(&problem.to_string())}</p> })}
            </div>
            <footer class="dialog-foot">
                <Button label="Cancel" on_press=move || acting.unlock(false) command=Command::Close />
                <Button label=title on_press=unlock weight=Weight::Primary blocked=blocked command=Command::Confirm test="vault-confirm" />
            </footer>
        </Titled>
    }
}

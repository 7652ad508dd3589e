//! What a person does to connections: which dialog is open, what is sent, and what is said of the outcome.

use crate::{
    link::{Link, use_link},
    shell::toast::{Toaster, use_toasts},
};
use leptos::prelude::*;
use pilothouse_wire::{
    Act, Acted, Code, ConnectionId, Problem,
    form::{Draft, KindForm, SecretInput},
    view::{ConnectionRow, OfferedContext, Status, connections::PluginNotice},
};

/// Id of the kind that a kubeconfig's context is connected as.
pub(super) const KUBERNETES: &str = "kubernetes";

/// Id of the kind that shows the demo fleet.
const DEMO: &str = "demo";

/// The dialog that is open.
#[derive(Clone, Debug, PartialEq)]
pub enum Dialog {
    /// Adds a connection, of this kind if one was chosen.
    Add(Option<String>),
    /// Changes a connection.
    Edit(Box<ConnectionRow>),
    /// Removes a connection.
    Remove(ConnectionId, String),
    /// Shows a plug-in that would be run.
    Consent(Box<Consent>),
    /// Says what we may do.
    Rights(ConnectionId, String),
}

/// A plug-in that would be run, and what for.
#[derive(Clone, Debug, PartialEq)]
pub struct Consent {
    /// What would be run.
    pub plugin: PluginNotice,
    /// What happens once it is confirmed.
    pub then: Then,
}

/// What a confirmation leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    /// Adds this connection, then lets its plug-in run.
    Add(Draft),
    /// Lets the plug-in of this connection run.
    Trust(ConnectionId),
}

/// What a person does. Copies are the same.
#[derive(Clone, Copy)]
pub struct Acting {
    dialog: RwSignal<Option<Dialog>>,
    /// Is the passphrase of the secrets asked for? Over the dialog that needs it, which keeps what is filled in.
    unlocking: RwSignal<bool>,
    busy: RwSignal<Option<String>>,
    link: Link,
    toasts: Toaster,
}

impl Acting {
    /// Offers itself to everything below.
    pub fn provide() -> Self {
        let (dialog, unlocking, busy) = (RwSignal::new(None), RwSignal::new(false), RwSignal::new(None));
        let acting = Self { dialog, unlocking, busy, link: use_link(), toasts: use_toasts() };
        provide_context(acting);
        acting
    }

    /// The dialog that is open; tracks.
    #[must_use]
    pub fn dialog(self) -> Option<Dialog> {
        self.dialog.get()
    }

    /// Is the passphrase of the secrets asked for? Tracks.
    #[must_use]
    pub fn is_unlocking(self) -> bool {
        self.unlocking.get()
    }

    /// Why nothing else can be pressed now: something is under way. Tracks.
    #[must_use]
    pub fn busy(self) -> Option<String> {
        self.busy.get()
    }

    /// Where outcomes are said.
    #[must_use]
    pub fn toasts(self) -> Toaster {
        self.toasts
    }

    /// Closes the dialog.
    pub fn close(self) {
        self.dialog.try_set(None);
    }

    /// Opens the dialog that adds a connection.
    pub fn add(self, kind: Option<String>) {
        self.dialog.set(Some(Dialog::Add(kind)));
    }

    /// Opens the dialog that changes a connection.
    pub fn edit(self, row: ConnectionRow) {
        self.dialog.set(Some(Dialog::Edit(Box::new(row))));
    }

    /// Opens the dialog that removes a connection.
    pub fn ask_to_remove(self, id: ConnectionId, name: String) {
        self.dialog.set(Some(Dialog::Remove(id, name)));
    }

    /// Opens the dialog that says what we may do.
    pub fn show_rights(self, id: ConnectionId, name: String) {
        self.dialog.set(Some(Dialog::Rights(id, name)));
    }

    /// Opens the dialog that unlocks the secrets, or closes it.
    pub fn unlock(self, open: bool) {
        self.unlocking.try_set(open);
    }

    /// Shows what would be run for a connection.
    pub fn ask_consent(self, id: ConnectionId, plugin: PluginNotice) {
        self.dialog.set(Some(Dialog::Consent(Box::new(Consent { plugin, then: Then::Trust(id) }))));
    }

    /// Connects a context that was found. A plug-in is shown first and run only once it is confirmed.
    pub fn connect(self, offer: &OfferedContext, kinds: &[KindForm]) {
        let draft = draft_of(offer, kinds);
        match &offer.plugin {
            Some(plugin) => {
                let consent = Consent { plugin: plugin.clone(), then: Then::Add(draft) };
                self.dialog.set(Some(Dialog::Consent(Box::new(consent))));
            }
            None => self.send_new(draft, vec![], None),
        }
    }

    /// Opens the demo fleet.
    pub fn open_demo(self) {
        self.send_new(Draft { kind: DEMO.into(), name: DEMO.into(), ..Draft::default() }, vec![], None);
    }

    /// Goes on after a plug-in was confirmed.
    pub fn confirmed(self, consent: Consent) {
        self.close();
        match consent.then {
            Then::Add(draft) => self.send_new(draft, vec![], Some(consent.plugin)),
            Then::Trust(id) => self.trust(id, consent.plugin),
        }
    }

    /// Adds a connection. `confirmed` is the plug-in that a person has seen and allowed for it.
    pub fn send_new(self, draft: Draft, secrets: Vec<(String, SecretInput)>, confirmed: Option<PluginNotice>) {
        let name = draft.name.clone();
        self.send(Act::AddConnection { draft, secrets }, format!("adding {name}"), move |acted| match acted {
            Acted::NeedsConsent { id, plugin } if confirmed.as_ref() == Some(&plugin) => self.trust(id, plugin),
            Acted::NeedsConsent { id, plugin } => self.ask_consent(id, plugin),
            _ => {
                self.close();
                self.toasts.say(Status::Good, format!("{name} is added"), "It is being read now.");
            }
        });
    }

    fn trust(self, id: ConnectionId, plugin: PluginNotice) {
        let detail = format!("{} runs when the sign-in needs it.", plugin.command);
        self.send(Act::TrustPlugin { id: id.clone(), plugin }, format!("connecting {id}"), move |_| {
            self.toasts.say(Status::Good, format!("{id} may run its plug-in"), detail);
        });
    }

    /// Stops a connection, or lets it go on.
    pub fn pause(self, id: ConnectionId, paused: bool) {
        let said = if paused { format!("{id} is paused") } else { format!("{id} goes on") };
        let detail = if paused { "Its facts stay as they are." } else { "It is being read again." };
        self.send(Act::PauseConnection { id, paused }, "asking".into(), move |_| {
            self.toasts.say(Status::Good, said, detail)
        });
    }

    /// Tries a connection now.
    pub fn retry(self, id: ConnectionId) {
        self.send(Act::RetryConnection(id.clone()), format!("trying {id}"), |_| {});
    }

    /// Removes a connection.
    pub fn remove(self, id: ConnectionId) {
        self.close();
        self.send(Act::RemoveConnection(id.clone()), format!("removing {id}"), move |_| {
            self.toasts.say(Status::Good, format!("{id} is removed"), "Its facts and its secrets are gone.");
        });
    }

    /// Sends an act; `done` hears of its success, problems become toasts.
    pub fn send(self, act: Act, busy: String, done: impl FnOnce(Acted) + 'static) {
        self.send_and(act, busy, move |outcome| match outcome {
            Ok(acted) => done(acted),
            Err(problem) => self.failed(&problem),
        });
    }

    /// Sends an act; `then` hears what came of it. Nothing is sent while another is under way.
    pub fn send_and(self, act: Act, busy: String, then: impl FnOnce(Result<Acted, Problem>) + 'static) {
        if self.busy.get_untracked().is_some() {
            return;
        }
        self.busy.set(Some(busy));
        self.link.act_then(act, move |outcome| {
            // The screen may be gone by now: the outcome is told all the same.
            self.busy.try_set(None);
            then(outcome);
        });
    }

    /// Says a problem; one that a passphrase solves opens its dialog.
    pub fn failed(self, problem: &Problem) {
        self.toasts.problem(problem);
        if problem.code == Code::VaultLocked {
            self.unlock(true);
        }
    }
}

/// The connection that a context becomes. Its file is only given where the kind asks for one.
fn draft_of(offer: &OfferedContext, kinds: &[KindForm]) -> Draft {
    let form = kinds.iter().find(|form| form.id == KUBERNETES);
    let has = |key: &str| form.is_none_or(|form| form.fields.iter().any(|field| field.key == key));
    let mut draft =
        Draft { kind: KUBERNETES.into(), name: ConnectionId::slug(&offer.context).to_string(), ..Draft::default() };
    for (key, value) in [("context", &offer.context), ("kubeconfig", &offer.file)] {
        if has(key) {
            draft.values.insert(key.into(), value.clone());
        }
    }
    draft
}

/// Can the demo fleet be opened from here?
#[must_use]
pub fn has_demo(kinds: &[KindForm]) -> bool {
    kinds.iter().any(|form| form.id == DEMO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::form::{Field, Input};

    #[test]
    fn a_context_becomes_a_connection_of_the_fields_that_there_are() {
        let offer = OfferedContext {
            context: "admin@iad-prod".into(),
            server: None,
            file: "/home/a/.kube/config".into(),
            signs_in: "token".into(),
            current: true,
            connected_as: None,
            plugin: None,
        };
        let field = Field {
            key: "context".into(),
            label: "Context".into(),
            help: String::new(),
            input: Input::Text { example: String::new() },
            required: true,
        };
        let form = KindForm {
            id: "kubernetes".into(),
            name: "Kubernetes".into(),
            summary: String::new(),
            fields: vec![field],
            permissions: vec![],
        };
        let draft = draft_of(&offer, &[form]);
        assert_eq!((draft.name.as_str(), draft.values.len()), ("iad-prod", 1));
        assert_eq!(draft.values["context"], "admin@iad-prod");
        assert_eq!(draft_of(&offer, &[]).values.len(), 2);
        assert!(!has_demo(&[]));
    }
}

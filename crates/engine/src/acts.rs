//! Acts: each in a task of its own, since files, keyrings and servers take their time. Only the engine takes over what
//! they changed.

use crate::{
    connections::{self, Surroundings},
    input::{Changed, Input},
    table,
};
use pilothouse_connect::Connector;
use pilothouse_vault::{ConnectionSettings, Paths, Settings};
use pilothouse_wire::{
    Act, Acted, Code, ConnectionId, Problem,
    form::{Draft, SecretInput},
    plan::Operation,
    view::connections::PluginNotice,
};
use secrecy::SecretString;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// How long the test of a connection may take.
const TEST_LIMIT: Duration = Duration::from_secs(45);

/// What an act works with.
#[derive(Clone)]
pub(crate) struct Desk {
    pub paths: Paths,
    pub surroundings: Surroundings,
    /// Plug-ins that were confirmed for a connection that does not exist yet.
    pub confirmed_early: Arc<Mutex<BTreeMap<ConnectionId, Vec<PluginNotice>>>>,
}

impl Desk {
    /// Does what is wanted, and hands what changed to the engine.
    pub(crate) async fn act(self, act: Act) -> Result<Acted, Problem> {
        let surroundings = self.surroundings.clone();
        let done = self.done(act).await;
        // Also where nothing was done: it may be for a passphrase that somebody has to give.
        surroundings.tell_of_vault().await;
        done
    }

    async fn done(self, act: Act) -> Result<Acted, Problem> {
        match act {
            Act::AddConnection { draft, secrets } => self.add(draft, secrets).await,
            Act::TestConnection { of, draft, secrets } => self.test(of, draft, secrets).await,
            Act::EditConnection { id, draft, secrets } => self.edit(id, draft, secrets).await,
            Act::PauseConnection { id, paused } => {
                self.settings_of(id.clone(), move |settings| settings.paused = paused).await?;
                self.restart(id).await
            }
            Act::RemoveConnection(id) => self.remove(id).await,
            Act::RetryConnection(id) => self.restart(id).await,
            Act::TrustPlugin { id, plugin } => self.trust(id, plugin).await,
            Act::Operate { id, operate, production } => {
                let set = move |operation: &mut Operation| {
                    operation.operate = operate;
                    operation.production = production.unwrap_or(operation.production);
                };
                self.settings_of(id.clone(), move |settings| set(&mut settings.operation)).await?;
                self.changed(Changed::Operation).await?;
                Ok(Acted::Done(id))
            }
            Act::UnlockVault(passphrase) => {
                let vault = &self.surroundings.vault;
                vault.unlock(SecretString::from(passphrase.0)).await?;
                self.changed(Changed::Unlocked).await?;
                Ok(Acted::Ok)
            }
            Act::Wish(wishes) => {
                self.edit_settings(move |all| all.notices = wishes).await?;
                self.changed(Changed::Wishes).await?;
                Ok(Acted::Ok)
            }
            // They change no settings: the loop takes them in itself, or gives them to who sends.
            Act::Note { .. }
            | Act::RemoveNote(_)
            | Act::ShowNotices
            | Act::TryNotice
            | Act::SawNotices(_)
            | Act::DeliveredNotice(..)
            | Act::Confirm(_)
            | Act::Halt(_)
            | Act::Hold(_)
            | Act::CloseCut(_)
            | Act::BeginBench(_)
            | Act::EndBench => Ok(Acted::Ok),
        }
    }

    async fn add(self, draft: Draft, secrets: Vec<(String, SecretInput)>) -> Result<Acted, Problem> {
        let settings = self.drafted(draft, &secrets)?;
        let connector = connections::open(&settings, plain(&secrets), &self.surroundings)?;
        let (id, name) = (settings.id.clone(), settings.name.clone());
        let known = self.load().await?;
        if known.connections.iter().any(|other| other.id == id) {
            return Err(Problem::new(Code::Exists, format!("There is a connection \"{id}\" already."))
                .why(format!("\"{name}\" would have the same id."))
                .next("Give this one another name, or edit the other."));
        }
        let has_secrets = !secrets.is_empty();
        // Secrets first: settings that name a secret which is not there would be half a connection.
        self.store(&id, secrets).await?;
        let saved = self.edit_settings(move |all| all.connections.push(settings)).await;
        if let Err(problem) = saved {
            if has_secrets {
                let _ = self.surroundings.vault.remove_all(&id).await;
            }
            return Err(problem);
        }
        self.changed(Changed::Restart(id.clone())).await?;
        Ok(consent(&id, connector.as_ref()).unwrap_or(Acted::Done(id)))
    }

    async fn edit(self, id: ConnectionId, draft: Draft, secrets: Vec<(String, SecretInput)>) -> Result<Acted, Problem> {
        let (settings, all_secrets) = self.over(&id, draft, &secrets).await?;
        let connector = connections::open(&settings, all_secrets, &self.surroundings)?;
        self.store(&id, secrets).await?;
        let to = settings.clone();
        self.settings_of(id.clone(), move |settings| *settings = to).await?;
        self.changed(Changed::Moved(id.clone())).await?;
        Ok(consent(&id, connector.as_ref()).unwrap_or(Acted::Done(id)))
    }

    /// Makes the calls of a connection, of one that is kept with all that is kept of it.
    async fn test(
        self,
        of: Option<ConnectionId>,
        draft: Draft,
        secrets: Vec<(String, SecretInput)>,
    ) -> Result<Acted, Problem> {
        let (settings, all_secrets) = match of {
            Some(id) => self.over(&id, draft, &secrets).await?,
            None => (self.drafted(draft, &secrets)?, plain(&secrets)),
        };
        let connector = connections::open(&settings, all_secrets, &self.surroundings)?;
        if let Some(needs) = consent(&settings.id, connector.as_ref()) {
            return Ok(needs);
        }
        match tokio::time::timeout(TEST_LIMIT, connector.probe()).await {
            Ok(tested) => tested.map(Acted::Tested),
            Err(_) => Err(Problem::new(Code::TimedOut, format!("{} did not answer in 45 s.", settings.name))
                .next("Check the address, the proxy and the network, then test again.")),
        }
    }

    async fn remove(self, id: ConnectionId) -> Result<Acted, Problem> {
        let known = self.load().await?;
        let has_secrets = !find(&known, &id)?.secrets.is_empty();
        if has_secrets {
            self.surroundings.vault.remove_all(&id).await?;
        }
        let gone = id.clone();
        self.edit_settings(move |all| all.connections.retain(|settings| settings.id != gone)).await?;
        self.restart(id).await
    }

    async fn trust(self, id: ConnectionId, plugin: PluginNotice) -> Result<Acted, Problem> {
        let known = self.load().await?;
        if find(&known, &id).is_err() {
            if let Ok(mut early) = self.confirmed_early.lock() {
                early.entry(id.clone()).or_default().push(plugin);
            }
            return Ok(Acted::Done(id));
        }
        self.settings_of(id.clone(), move |settings| {
            // Those of an older Pilothouse are to nothing, and may hold what would not be kept now.
            settings.trusted_plugins.retain(|old| old.fingerprint.is_some());
            settings.trusted_plugins.push(plugin);
        })
        .await?;
        self.restart(id).await
    }

    async fn restart(&self, id: ConnectionId) -> Result<Acted, Problem> {
        self.changed(Changed::Restart(id.clone())).await?;
        Ok(Acted::Done(id))
    }

    /// The settings that a draft describes.
    fn drafted(&self, draft: Draft, secrets: &[(String, SecretInput)]) -> Result<ConnectionSettings, Problem> {
        if draft.name.trim().is_empty() {
            return Err(Problem::new(Code::BadInput, "The connection has no name.").next("Give it a name."));
        }
        let id = draft.id();
        if let Some(kind) = table::kind(&draft.kind) {
            let keys: Vec<&str> = kind.fields.iter().map(|field| field.key).collect();
            let given = draft.values.keys().chain(secrets.iter().map(|(key, _)| key));
            if let Some(unknown) = given.into_iter().find(|key| !keys.contains(&key.as_str())) {
                return Err(Problem::new(Code::BadInput, format!("{} has no field \"{unknown}\".", kind.name))
                    .next(format!("Its fields are: {}.", keys.join(", "))));
            }
        }
        let trusted = self.confirmed_early.lock().ok().and_then(|early| early.get(&id).cloned()).unwrap_or_default();
        Ok(ConnectionSettings {
            id,
            kind: draft.kind,
            name: draft.name.trim().to_owned(),
            values: draft.values.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect(),
            secrets: secrets.iter().map(|(key, _)| key.clone()).collect(),
            paused: false,
            operation: Operation::default(),
            trusted_plugins: trusted,
        })
    }

    /// A connection that is kept, as a draft would change it, with all of its secrets: those that are not given anew and the
    /// programs that were confirmed stay.
    async fn over(
        &self,
        id: &ConnectionId,
        draft: Draft,
        given: &[(String, SecretInput)],
    ) -> Result<(ConnectionSettings, BTreeMap<String, SecretString>), Problem> {
        let known = self.load().await?;
        let old = find(&known, id)?;
        let mut settings = self.drafted(draft, given)?;
        let kept = old.secrets.iter().filter(|field| !settings.secrets.contains(field)).cloned();
        settings.secrets = settings.secrets.iter().cloned().chain(kept.collect::<Vec<_>>()).collect();
        // The id stays: bookmarks, links and the journal know the connection by it.
        settings.id = id.clone();
        settings.paused = old.paused;
        settings.operation = old.operation;
        settings.trusted_plugins.extend(old.trusted_plugins.clone());
        let mut secrets = connections::secrets(old, &self.surroundings.vault).await?;
        secrets.extend(plain(given));
        Ok((settings, secrets))
    }

    async fn store(&self, id: &ConnectionId, secrets: Vec<(String, SecretInput)>) -> Result<(), Problem> {
        if secrets.is_empty() {
            return Ok(());
        }
        let secrets = secrets.into_iter().map(|(field, secret)| (field, SecretString::from(secret.0))).collect();
        self.surroundings.vault.set_all(id, secrets).await
    }

    async fn load(&self) -> Result<Settings, Problem> {
        let paths = self.paths.clone();
        blocking(move || Settings::load(&paths)).await
    }

    async fn edit_settings(&self, edit: impl FnOnce(&mut Settings) + Send + 'static) -> Result<(), Problem> {
        let paths = self.paths.clone();
        blocking(move || Settings::edit(&paths, edit)).await.map(|_| ())
    }

    async fn settings_of(
        &self,
        id: ConnectionId,
        edit: impl FnOnce(&mut ConnectionSettings) + Send + 'static,
    ) -> Result<(), Problem> {
        let known = self.load().await?;
        find(&known, &id)?;
        self.edit_settings(move |all| {
            if let Some(settings) = all.connections.iter_mut().find(|settings| settings.id == id) {
                edit(settings);
            }
        })
        .await
    }

    async fn changed(&self, changed: Changed) -> Result<(), Problem> {
        let sent = self.surroundings.inputs.send(Input::Changed(changed)).await;
        sent.map_err(|_| Problem::new(Code::Internal, "The engine has stopped."))
    }
}

fn plain(secrets: &[(String, SecretInput)]) -> BTreeMap<String, SecretString> {
    secrets.iter().map(|(key, secret)| (key.clone(), SecretString::from(secret.0.clone()))).collect()
}

fn find<'a>(settings: &'a Settings, id: &ConnectionId) -> Result<&'a ConnectionSettings, Problem> {
    settings.connections.iter().find(|settings| settings.id == *id).ok_or_else(|| {
        let known: Vec<&str> = settings.connections.iter().map(|settings| settings.id.as_str()).collect();
        let problem = Problem::new(Code::NotFound, format!("There is no connection \"{id}\"."));
        if known.is_empty() {
            problem.next("Nothing is configured: pilothouse connect add kubernetes --context CONTEXT")
        } else {
            problem.next(format!("There are: {}.", known.join(", ")))
        }
    })
}

fn consent(id: &ConnectionId, connector: &dyn Connector) -> Option<Acted> {
    let plugin = connector.unconfirmed_plugin()?;
    Some(Acted::NeedsConsent { id: id.clone(), plugin })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::new(Code::Internal, "The settings could not be read.").why(error.to_string()))?
}

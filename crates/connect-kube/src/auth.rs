//! Who we are to a cluster: a credential out of the kubeconfig, a file or a plug-in, renewed before it ends.
//!
//! Secrets live in here and in the headers of requests; no message, log or fact has one.

mod credential;
mod plugin;
pub(crate) mod printed;
mod program;
mod validity;

pub use credential::{Credential, Identity, pem};
pub use plugin::Plugin;
pub use program::notice;

use crate::{
    failure::Failure,
    kubeconfig::{Context, Placed, User},
    small_file,
};
use pilothouse_connect::Clock;
use pilothouse_wire::{Code, Problem, view::connections::PluginNotice};
use secrecy::SecretString;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::Mutex;

/// A credential is renewed this long before it ends.
const EARLY: Duration = Duration::from_secs(60);
/// No token, certificate or bundle of authorities is larger.
const LARGEST_MIB: u64 = 4;

/// The sign-in of one connection.
pub struct Auth {
    way: Way,
    /// Headers that act as somebody else, and the certificate of the kubeconfig.
    fixed: Credential,
    clock: Clock,
    /// What the plug-in printed last.
    printed: Mutex<Option<Arc<Credential>>>,
}

enum Way {
    /// The fixed part is all.
    Fixed,
    /// A token in a file, which others may rewrite.
    TokenFile(PathBuf),
    /// A plug-in, and those that a person confirmed.
    Plugin(Box<Plugin>, Vec<PluginNotice>),
}

/// How a user signs in, in a few words for people.
#[must_use]
pub fn signs_in(user: Option<&Placed<User>>) -> String {
    let Some(user) = user.map(|user| &user.it) else { return "nothing".to_owned() };
    if user.token_file.is_some() {
        "token file".to_owned()
    } else if user.token.is_some() {
        "token".to_owned()
    } else if user.username.is_some() {
        "password".to_owned()
    } else if let Some(exec) = &user.exec {
        let name = Path::new(&exec.command).file_name().unwrap_or_default();
        format!("plug-in {}", name.to_string_lossy())
    } else if user.client_certificate.is_some() || user.client_certificate_data.is_some() {
        "client certificate".to_owned()
    } else if let Some(provider) = &user.auth_provider {
        format!("auth-provider {}", provider.name)
    } else {
        "nothing".to_owned()
    }
}

impl Auth {
    /// The sign-in of a context. Reads the files of its certificate; runs nothing.
    ///
    /// # Errors
    /// If a file or a field cannot be used.
    pub fn new(context: &Context, trusted: &[PluginNotice], clock: Clock) -> Result<Self, Problem> {
        let mut auth = Self { way: Way::Fixed, fixed: Credential::default(), clock, printed: Mutex::default() };
        let Some(user) = &context.user else { return Ok(auth) };
        auth.fixed = Credential::of_user(user)?;
        let it = &user.it;
        if let Some(file) = it.token_file.as_deref().filter(|file| !file.is_empty()) {
            auth.way = Way::TokenFile(user.path(file));
        } else if auth.fixed.signs_in() {
            // A token or password in the kubeconfig comes before a plug-in, as in kubectl.
        } else if it.exec.is_some() {
            auth.way = Way::Plugin(Box::new(Plugin::new(context)?), trusted.to_vec());
        } else if let Some(provider) = &it.auth_provider {
            return Err(Problem::new(
                Code::BadInput,
                format!("The auth-provider \"{}\" of user \"{}\" is of the old kind.", provider.name, user.name),
            )
            .why("Kubernetes 1.26 removed these providers.")
            .next(format!(
                "Fetch the cluster's kubeconfig anew: it will name a plug-in. It stands in {}.",
                user.file.display()
            )));
        }
        Ok(auth)
    }

    /// The plug-in that would be run and that nobody has confirmed.
    #[must_use]
    pub fn unconfirmed(&self) -> Option<PluginNotice> {
        let Way::Plugin(plugin, trusted) = &self.way else { return None };
        let notice = plugin.notice();
        (!notice.is_among(trusted)).then_some(notice)
    }

    /// A credential that is valid now.
    ///
    /// # Errors
    /// If a file cannot be read, or the plug-in gives none.
    pub async fn credential(&self) -> Result<Arc<Credential>, Failure> {
        match &self.way {
            Way::Fixed => Ok(Arc::new(self.fixed.clone())),
            Way::TokenFile(file) => {
                let token = token(file).await.map_err(Failure::Told)?;
                Ok(Arc::new(self.fixed.clone().with_token(&token).map_err(Failure::Told)?))
            }
            Way::Plugin(plugin, trusted) => self.printed_by(plugin, trusted).await.map_err(Failure::Told),
        }
    }

    async fn printed_by(&self, plugin: &Plugin, trusted: &[PluginNotice]) -> Result<Arc<Credential>, Problem> {
        // Whoever comes while the plug-in runs waits for what it prints: it is never run twice at once.
        let mut printed = self.printed.lock().await;
        let soon = self.clock.now().plus(EARLY);
        if let Some(known) = printed.as_ref().filter(|known| known.ends.is_none_or(|ends| ends > soon)) {
            return Ok(Arc::clone(known));
        }
        let fresh = Arc::new(plugin.run(trusted, &self.fixed).await?);
        *printed = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// The server did not accept this credential: forgets it. Says whether another may be had.
    pub async fn refused(&self, credential: &Arc<Credential>) -> bool {
        match &self.way {
            Way::Fixed => false,
            Way::TokenFile(_) => self.credential().await.is_ok_and(|now| now.headers != credential.headers),
            Way::Plugin(..) => {
                let mut printed = self.printed.lock().await;
                if printed.as_ref().is_some_and(|known| Arc::ptr_eq(known, credential)) {
                    *printed = None;
                }
                true
            }
        }
    }
}

async fn token(file: &Path) -> Result<SecretString, Problem> {
    let cannot = |why: String| {
        Problem::new(Code::BadInput, format!("The token file {} cannot be used.", file.display()))
            .why(why)
            .next("It is read again at the next attempt.")
    };
    let path = file.to_owned();
    let read = tokio::task::spawn_blocking(move || small_file::read(&path, LARGEST_MIB)).await;
    let text = read.unwrap_or_else(|error| Err(std::io::Error::from(error).into()));
    let text = text.map_err(|why| cannot(why.reason()))?;
    let token = text.trim();
    if token.is_empty() { Err(cannot("It is empty.".to_owned())) } else { Ok(SecretString::from(token)) }
}

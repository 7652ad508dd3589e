//! What messages need to know of a connection: its name, where it is, whose file describes it, who we are there.

use crate::kubeconfig::Context;
use pilothouse_connect::redact_url;
use std::sync::{Arc, OnceLock};

/// A connection as messages name it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The connection's name for people.
    pub name: String,
    /// Address without credentials.
    pub address: String,
    /// Host and port.
    pub host: String,
    /// Host and port of the proxy on the way, if there is one.
    pub proxy: Option<String>,
    /// The kubeconfig that describes it.
    pub file: String,
    /// The user of the kubeconfig, and how it signs in.
    pub user: String,
    /// Does the kubeconfig name authorities, or are those of this machine asked?
    pub own_authority: bool,
    /// Who the server says that we are; known after the first probe.
    pub identity: Arc<OnceLock<String>>,
}

impl Place {
    /// What is known from the settings alone.
    #[must_use]
    pub fn of(name: &str, context: &Context, signs_in: &str) -> Self {
        let address = redact_url(context.cluster.it.server.as_deref().unwrap_or_default());
        let cluster = &context.cluster.it;
        let user = context.user.as_ref().map_or("nobody", |user| user.name.as_str());
        Self {
            name: name.to_owned(),
            host: host(&address),
            proxy: None,
            address,
            file: context.file.display().to_string(),
            user: format!("\"{user}\" ({signs_in})"),
            own_authority: cluster.certificate_authority.is_some() || cluster.certificate_authority_data.is_some(),
            identity: Arc::default(),
        }
    }

    /// Who we are, as far as known.
    #[must_use]
    pub fn who(&self) -> &str {
        self.identity.get().map_or("this account", String::as_str)
    }
}

/// `host:port` of an address.
pub(crate) fn host(address: &str) -> String {
    let Ok(uri) = address.parse::<http::Uri>() else { return address.to_owned() };
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
    uri.host().map_or_else(|| address.to_owned(), |host| format!("{host}:{port}"))
}

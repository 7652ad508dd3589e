//! Where a cluster is and how the way there is secured, as the HTTP client takes it.

use crate::{
    auth::{Identity, pem},
    kubeconfig::Context,
    place::{Place, host},
};
use base64::Engine;
use hyper_util::client::proxy::matcher::Matcher;
use kube::client::ConfigExt;
use pilothouse_connect::redact_url;
use pilothouse_wire::{Code, Problem};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use secrecy::ExposeSecret;
use std::time::Duration;

/// How long the way to the server may take, with its handshake.
const CONNECT: Duration = Duration::from_secs(4);

/// The way to a cluster.
#[derive(Clone)]
pub struct Target {
    server: http::Uri,
    authorities: Option<Vec<Vec<u8>>>,
    insecure: bool,
    server_name: Option<String>,
    proxy: Option<http::Uri>,
}

impl Target {
    /// The way to a context's cluster. Reads the file of its authorities; contacts nobody.
    ///
    /// # Errors
    /// If an address or a certificate cannot be used.
    pub fn new(context: &Context, insecure: bool) -> Result<Self, Problem> {
        let cluster = &context.cluster.it;
        let file = context.cluster.file.display();
        let server =
            uri(cluster.server.as_deref().unwrap_or_default(), "server", &context.cluster.name, &file.to_string())?;
        let insecure = insecure || cluster.insecure_skip_tls_verify.unwrap_or(false);
        let proxy = match cluster.proxy_url.as_deref().filter(|proxy| !proxy.is_empty()) {
            Some(proxy) => Some(proxy_uri(proxy, &context.cluster.name, &file.to_string())?),
            None => proxy_of_environment(&server),
        };
        let authorities = if insecure { None } else { authorities(context)? };
        Ok(Self {
            server,
            authorities,
            insecure,
            server_name: cluster.tls_server_name.clone().filter(|name| !name.is_empty()),
            proxy,
        })
    }

    /// Is the server's certificate not checked?
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        self.insecure && self.server.scheme_str() != Some("http")
    }

    /// Host and port of the proxy on the way.
    #[must_use]
    pub fn proxy_host(&self) -> Option<String> {
        self.proxy.as_ref().map(|proxy| host(&redact_url(&proxy.to_string())))
    }

    /// A client with this identity.
    ///
    /// # Errors
    /// If the certificate or its key cannot be used.
    pub fn client(&self, identity: Option<&Identity>, place: &Place) -> Result<kube::Client, Problem> {
        kube::Client::try_from(self.config(identity)).map_err(|error| unusable(place, &error.to_string()))
    }

    /// The address of the server, TLS to it with this identity, and the name that its certificate is of, for a client that is not
    /// ours.
    ///
    /// # Errors
    /// If the certificate or its key cannot be used, or a proxy is on the way.
    pub fn direct(&self, identity: Option<&Identity>, place: &Place) -> Result<Direct, Problem> {
        if let Some(proxy) = self.proxy_host() {
            return Err(Problem::new(
                Code::NotOffered,
                format!("No load is sent to {} by way of a proxy.", place.name),
            )
            .why(format!("The way there leads through {proxy}, which would be measured, too."))
            .next("Send it from a machine that reaches the API server without one."));
        }
        let tls = self.config(identity).rustls_client_config();
        let tls = tls.map_err(|error| unusable(place, &error.to_string()))?;
        Ok(Direct { server: self.server.clone(), tls, server_name: self.server_name.clone() })
    }

    fn config(&self, identity: Option<&Identity>) -> kube::Config {
        // Whoever came first has installed one already; any is the same, since only ring is built in.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut config = kube::Config::new(self.server.clone());
        config.root_cert.clone_from(&self.authorities);
        config.accept_invalid_certs = self.insecure;
        config.tls_server_name.clone_from(&self.server_name);
        config.proxy_url.clone_from(&self.proxy);
        config.connect_timeout = Some(CONNECT);
        config.read_timeout = None;
        // How to retry is decided here, where health is told: the client's own retries would hide a 429.
        config.default_retry = false;
        if let Some(identity) = identity {
            let encode = |pem: &str| base64::engine::general_purpose::STANDARD.encode(pem);
            config.auth_info.client_certificate_data = Some(encode(&identity.certificate));
            config.auth_info.client_key_data = Some(encode(identity.key.expose_secret()).into());
        }
        config
    }
}

/// Where a server is, for a client that is not ours.
pub struct Direct {
    /// Its address.
    pub server: http::Uri,
    /// TLS to it.
    pub tls: rustls::ClientConfig,
    /// The name that its certificate is of, where that is not the one in the address.
    pub server_name: Option<String>,
}

/// The library's text is about the form of the PEM, never its content.
fn unusable(place: &Place, text: &str) -> Problem {
    let what = format!("The client certificate or the authority of {} cannot be used.", place.name);
    Problem::new(Code::BadInput, what)
        .why(format!("{}: {}.", place.file, crate::problems::line(text)))
        .next("Correct the file; it is read again at the next attempt.")
}

fn uri(text: &str, field: &str, cluster: &str, file: &str) -> Result<http::Uri, Problem> {
    let shown = redact_url(text);
    let bad = |why: &str| {
        Problem::new(Code::BadInput, format!("The {field} \"{shown}\" of cluster \"{cluster}\" is no address."))
            .why(why)
            .next(format!("Correct {file}; it is read again at the next attempt."))
    };
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let uri: http::Uri = whole.parse().map_err(|_| bad("It cannot be read as one."))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(bad("It begins with neither https:// nor http://."));
    }
    if uri.host().is_none_or(str::is_empty) { Err(bad("It names no host.")) } else { Ok(uri) }
}

fn proxy_uri(text: &str, cluster: &str, file: &str) -> Result<http::Uri, Problem> {
    // socks5h differs in who looks the name up; the client here leaves that to the proxy in both.
    let text = text.replacen("socks5h://", "socks5://", 1);
    let uri: Option<http::Uri> = text.parse().ok();
    uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https" | "socks5")) && uri.host().is_some()).ok_or_else(
        || {
            Problem::new(
                Code::BadInput,
                format!("The proxy-url \"{}\" of cluster \"{cluster}\" cannot be used.", redact_url(&text)),
            )
            .why("It begins with none of http://, https:// and socks5://.")
            .next(format!("Correct {file}; it is read again at the next attempt."))
        },
    )
}

/// `HTTPS_PROXY` and `NO_PROXY`, as kubectl takes them; what is on this machine needs no proxy.
fn proxy_of_environment(server: &http::Uri) -> Option<http::Uri> {
    let host = server.host()?.trim_matches(['[', ']']);
    let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if here { None } else { Matcher::from_env().intercept(server).map(|proxy| proxy.uri().clone()) }
}

fn authorities(context: &Context) -> Result<Option<Vec<Vec<u8>>>, Problem> {
    let cluster = &context.cluster;
    let data = cluster.it.certificate_authority_data.as_deref();
    let Some(text) = pem(cluster, "certificate-authority", data, cluster.it.certificate_authority.as_deref())? else {
        return Ok(None);
    };
    let found: Result<Vec<CertificateDer<'_>>, _> =
        CertificateDer::pem_slice_iter(text.expose_secret().as_bytes()).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(Some(found.iter().map(|der| der.to_vec()).collect())),
        _ => Err(Problem::new(
            Code::BadInput,
            format!("The certificate-authority of cluster \"{}\" has no certificate in it.", cluster.name),
        )
        .next(format!("Correct {}; it is read again at the next attempt.", cluster.file.display()))),
    }
}

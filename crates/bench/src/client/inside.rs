//! What is another thing where an API server is on the way: the address, whom TLS is with, and who may have said no.

use http::Uri;
use hyper_rustls::FixedServerNameResolver;
use pilothouse_connect::Entrance;
use pilothouse_wire::{Code, Problem};
use rustls::{ClientConfig, pki_types::ServerName};
use serde::Deserialize;

/// The address by which the API server passes on to a path of the server.
///
/// # Errors
/// If both make none.
pub(super) fn behind(base: &Uri, of: &Uri) -> Result<Uri, Problem> {
    let path = of.path_and_query().map_or("/", |path| path.as_str());
    let whole = format!("{}{path}", base.to_string().trim_end_matches('/'));
    let none = |_| Problem::new(Code::BadInput, format!("{path} cannot be asked by way of an API server."));
    whole.parse().map_err(none)
}

/// TLS to the API server, for one protocol that the builder of connections names.
pub(super) fn tls(entrance: &Entrance) -> ClientConfig {
    let mut tls = entrance.tls.clone();
    tls.alpn_protocols.clear();
    tls
}

/// The name that the certificate is of.
///
/// # Errors
/// If it can be none.
pub(super) fn name(name: &str) -> Result<FixedServerNameResolver, Problem> {
    let read = ServerName::try_from(name.to_owned());
    let none = |_| Problem::new(Code::BadInput, format!("tls-server-name \"{name}\" is no name of a server."));
    read.map(FixedServerNameResolver::new).map_err(none)
}

/// What an API server says in the place of the server behind it, in an object that others do not have.
pub(super) fn own_words(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        kind: String,
        api_version: String,
        #[serde(default)]
        message: String,
    }
    let status: Status = serde_json::from_slice(body).ok()?;
    let is_own = status.kind == "Status" && status.api_version == "v1";
    is_own.then(|| format!("the API server says: {}", status.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stands_behind_that_of_the_api_server() {
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        let proxy = "/api/v1/namespaces/a/services/chat:8000/proxy";
        for (root, of, want) in [
            ("https://h:6443", "http://chat.a.svc:8000/v1/chat/completions", "/v1/chat/completions"),
            ("https://h:6443/", "http://chat.a.svc/v1/x?y=z", "/v1/x?y=z"),
            ("https://h/k8s/clusters/c-1", "http://chat.a.svc/v1", "/v1"),
        ] {
            let base = format!("{}{proxy}", root.trim_end_matches('/'));
            assert_eq!(behind(&uri(&base), &uri(of)).unwrap(), uri(&format!("{base}{want}")));
        }
    }

    #[test]
    fn who_said_no_is_told_apart() {
        let own = br#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no endpoints","code":503}"#;
        assert_eq!(own_words(own).as_deref(), Some("the API server says: no endpoints"));
        for other in [&b"{\"error\":{\"message\":\"busy\"}}"[..], b"no", b"{\"kind\":\"Status\"}"] {
            assert_eq!(own_words(other), None);
        }
    }
}

//! The address of a server inside of a cluster: one port of a service, and a path at it.

use std::fmt;

/// A server inside of a cluster: one port of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The namespace of the service.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// A port of it, by number or by name.
    pub port: String,
    /// Does the server speak TLS on that port?
    pub tls: bool,
}

impl Service {
    /// Reads `namespace/name:port`, or `namespace/https:name:port`, and what stands behind it: a path that begins with
    /// `/` and does not end with one, or nothing.
    ///
    /// # Errors
    /// Why it is none, as a sentence.
    pub fn parse(text: &str) -> Result<(Self, String), &'static str> {
        if text.contains("://") {
            return Err("It is an address, and a service is namespace/name:port.");
        }
        let (namespace, rest) = text.split_once('/').ok_or("There is no / in it: it is namespace/name:port.")?;
        let (server, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (server, tls) = match (server.strip_prefix("https:"), server.strip_prefix("http:")) {
            (Some(bare), _) => (bare, true),
            (None, bare) => (bare.unwrap_or(server), false),
        };
        let (name, port) = server.split_once(':').ok_or("It names no port: it is namespace/name:port.")?;
        if !is_name(namespace, 63) || !is_name(name, 63) {
            return Err("Names of namespaces and services are made of a-z, 0-9 and dashes.");
        }
        if !is_port(port) {
            return Err("What stands behind the : is neither a number nor a name of a port.");
        }
        let path = path.trim_end_matches('/');
        if !is_path(path) {
            return Err("The path behind the port may have letters, digits and - . _ ~ in it, and no .. part.");
        }
        let service = Self { namespace: namespace.to_owned(), name: name.to_owned(), port: port.to_owned(), tls };
        Ok((service, path.to_owned()))
    }

    /// How an API server names it in paths and in `resourceNames` of a role.
    #[must_use]
    pub fn segment(&self) -> String {
        let Self { name, port, tls, .. } = self;
        let scheme = if *tls { "https:" } else { "" };
        format!("{scheme}{name}:{port}")
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.segment())
    }
}

/// As DNS and so Kubernetes has it.
fn is_name(text: &str, longest: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=longest).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_port(text: &str) -> bool {
    match text.parse::<u16>() {
        Ok(number) => number > 0,
        Err(_) => is_name(text, 15) && text.bytes().any(|byte| byte.is_ascii_lowercase()),
    }
}

/// It becomes part of the path of a call with our credential for the cluster: it must not lead out of the service.
fn is_path(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    text.bytes().all(plain) && text.split('/').all(|part| part != "." && part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_service_is_read_with_its_port_scheme_and_path() {
        for (text, segment, path) in [
            ("monitoring/prometheus-operated:9090", "prometheus-operated:9090", ""),
            ("monitoring/prometheus-operated:http-web/", "prometheus-operated:http-web", ""),
            ("monitoring/http:prometheus:9090", "prometheus:9090", ""),
            ("openshift-monitoring/https:thanos-querier:9091", "https:thanos-querier:9091", ""),
            ("mimir/mimir-query-frontend:8080/prometheus", "mimir-query-frontend:8080", "/prometheus"),
            ("vm/vmselect:8481/select/0/prometheus/", "vmselect:8481", "/select/0/prometheus"),
        ] {
            let (service, found) = Service::parse(text).unwrap();
            assert_eq!((service.segment().as_str(), found.as_str()), (segment, path), "{text}");
            assert_eq!(service.namespace, text.split('/').next().unwrap());
        }
    }

    #[test]
    fn what_is_no_service_is_told() {
        for (text, why) in [
            ("prometheus:9090", "There is no /"),
            ("monitoring/prometheus", "names no port"),
            ("https://prometheus:9090", "It is an address"),
            ("Monitoring/prometheus:9090", "Names of namespaces"),
            ("monitoring/-p:9090", "Names of namespaces"),
            ("monitoring/p:0", "neither a number"),
            ("monitoring/p:99999", "neither a number"),
            ("monitoring/p:9090?x=1", "neither a number"),
            ("monitoring/p:9090/a/../../b", "The path"),
            ("monitoring/p:9090/a?b", "The path"),
            ("monitoring/p:9090/%2e%2e", "The path"),
        ] {
            let told = Service::parse(text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
    }

    proptest! {
        /// What is taken is read again as the same, and cannot leave its place in the path of a call.
        #[test]
        fn what_is_taken_stays_in_its_place(text in "[a-z0-9-]{0,6}/(https:)?[a-z0-9:/.%?#-]{0,20}") {
            if let Ok((service, path)) = Service::parse(&text) {
                let (again, same) = Service::parse(&format!("{service}{path}")).unwrap();
                prop_assert_eq!((&again, &same), (&service, &path));
                let segment = service.segment();
                prop_assert!(!segment.contains(['/', '?', '#', '%']) && !path.contains(['?', '#', '%']), "{}", text);
                prop_assert!(!path.contains("/../") && !path.ends_with("/.."));
            }
        }
    }
}

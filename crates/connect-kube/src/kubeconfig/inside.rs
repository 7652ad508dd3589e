//! The service account of the pod that we run in, as a context like any other: its token is a file that the kubelet
//! rewrites, and is read anew for each request.

use super::{Cluster, Merged, Placed, User, form::Context};
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

/// What the context is called.
pub const NAME: &str = "in-cluster";
/// Where the kubelet puts token and authorities.
const FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Another such folder, where a pod mounts a token of its own making.
const VARIABLE: &str = "PILOTHOUSE_SERVICE_ACCOUNT";

/// A pod's way to its own cluster.
#[derive(Debug)]
pub(super) struct Inside {
    server: String,
    folder: PathBuf,
}

impl Inside {
    /// That of this process; `None` outside of a pod, and in one without a token.
    pub fn of_env() -> Option<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let folder = variable(VARIABLE).unwrap_or_else(|| FOLDER.to_owned());
        Self::new(&variable("KUBERNETES_SERVICE_HOST")?, &variable("KUBERNETES_SERVICE_PORT")?, Path::new(&folder))
    }

    fn new(host: &str, port: &str, folder: &Path) -> Option<Self> {
        let host = match host.parse::<IpAddr>() {
            Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
            _ => host.to_owned(),
        };
        let port: u16 = port.parse().ok()?;
        folder
            .join("token")
            .is_file()
            .then(|| Self { server: format!("https://{host}:{port}"), folder: folder.to_owned() })
    }
}

impl Merged {
    /// Adds it behind all others. Not if anything is called like it: the token must not go to another's cluster.
    pub(super) fn add_inside(&mut self, inside: Inside) {
        let is_taken = self.contexts.iter().any(|context| context.name == NAME)
            || self.clusters.iter().any(|cluster| cluster.name == NAME)
            || self.users.iter().any(|user| user.name == NAME);
        if is_taken {
            return;
        }
        let namespace = std::fs::read_to_string(inside.folder.join("namespace")).ok();
        let (cluster, user) = (
            Cluster {
                server: Some(inside.server),
                certificate_authority: Some("ca.crt".to_owned()),
                ..Cluster::default()
            },
            User { token_file: Some("token".to_owned()), ..User::default() },
        );
        let context = Context {
            cluster: NAME.to_owned(),
            user: Some(NAME.to_owned()),
            namespace: namespace.map(|name| name.trim().to_owned()),
        };
        let file = inside.folder.join("token");
        if self.contexts.is_empty() {
            self.current = Some(NAME.to_owned());
        }
        self.contexts.push(placed(&file, context));
        self.clusters.push(placed(&file, cluster));
        self.users.push(placed(&file, user));
    }
}

fn placed<T>(file: &Path, it: T) -> Placed<T> {
    Placed { name: NAME.to_owned(), file: file.to_owned(), it }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubeconfig::{merged, merged_text};

    fn mounted() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("token", "eyJ"), ("ca.crt", "PEM"), ("namespace", "pilothouse\n")] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn a_pod_has_a_context_of_its_own_service_account() {
        let folder = mounted();
        let mut known = merged(Vec::new());
        known.add_inside(Inside::new("fd00::1", "443", folder.path()).unwrap());
        let context = known.context(NAME).unwrap();
        assert_eq!(context.cluster.it.server.as_deref(), Some("https://[fd00::1]:443"));
        assert_eq!((context.namespace.as_deref(), known.current.as_deref()), (Some("pilothouse"), Some(NAME)));
        let (cluster, user) = (context.cluster, context.user.unwrap());
        assert_eq!(cluster.path(&cluster.it.certificate_authority.clone().unwrap()), folder.path().join("ca.crt"));
        assert_eq!(user.path(&user.it.token_file.clone().unwrap()), folder.path().join("token"));
    }

    #[test]
    fn there_is_none_outside_of_a_pod() {
        let folder = mounted();
        for (host, port, folder) in [
            ("10.0.0.1", "", folder.path()),
            ("10.0.0.1", "https", folder.path()),
            ("10.0.0.1", "443", Path::new("/nowhere")),
        ] {
            assert!(Inside::new(host, port, folder).is_none(), "{host}:{port} {}", folder.display());
        }
    }

    #[test]
    fn its_token_goes_to_no_cluster_that_a_file_calls_like_it() {
        let folder = mounted();
        for text in [
            "clusters: [{name: in-cluster, cluster: {server: 'https://elsewhere'}}]",
            "users: [{name: in-cluster, user: {token: t}}]",
            "contexts: [{name: in-cluster, context: {cluster: c}}]",
        ] {
            let mut known = merged_text(Path::new("config"), text);
            known.add_inside(Inside::new("10.0.0.1", "443", folder.path()).unwrap());
            assert!(known.context(NAME).is_err(), "{text}");
        }
        let other = "current-context: a\ncontexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: 'https://a'}}]";
        let mut known = merged_text(Path::new("config"), other);
        known.add_inside(Inside::new("10.0.0.1", "443", folder.path()).unwrap());
        assert!(known.context(NAME).is_ok() && known.current.as_deref() == Some("a"));
    }
}

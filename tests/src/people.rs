//! Who may log in to a control plane, and what each may do.

use serde_json::{Value, json};

use crate::certs::Validity;
use crate::control_plane::ControlPlane;
use crate::failure::{Failure, Result};
use crate::login::Login;

/// The group that may do everything.
pub const ADMINS: &str = "system:masters";

/// A person with a static token. The API server reads these once, at its start: give them in
/// [`Options`](crate::control_plane::Options). For a running (shared) control plane use
/// [`ControlPlane::service_account`] or [`ControlPlane::certificate`].
#[derive(Clone)]
pub struct User {
    /// The name that RBAC sees.
    pub name: String,
    /// The bearer token.
    pub token: String,
    /// The group, if any.
    pub group: Option<String>,
}

impl User {
    /// A person in no group, who may do nothing until granted.
    pub fn new(name: &str, token: &str) -> Self {
        Self { name: name.to_owned(), token: token.to_owned(), group: None }
    }

    /// The same person, in a group.
    pub fn in_group(mut self, group: &str) -> Self {
        self.group = Some(group.to_owned());
        self
    }

    /// The person's line in the file of tokens: token, name, uid, group.
    pub(crate) fn token_line(&self) -> String {
        let group = self.group.as_deref().unwrap_or("");
        format!("{},{},{},\"{group}\"\n", self.token, self.name, self.name)
    }
}

/// A token that nobody guesses.
pub(crate) fn new_token() -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}

/// One who is granted something.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A user of a token or certificate.
    User(String),
    /// A service account.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl Subject {
    fn reference(&self) -> Value {
        match self {
            Subject::User(name) => {
                json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name })
            }
            Subject::ServiceAccount { namespace, name } => {
                json!({ "kind": "ServiceAccount", "namespace": namespace, "name": name })
            }
        }
    }
}

/// Verbs on resources of one API group; the group of the core is "".
#[derive(Clone, Debug)]
pub struct Rule(Value);

impl Rule {
    /// For example `Rule::new("apps", &["deployments"], &["get", "list", "watch"])`.
    pub fn new(group: &str, resources: &[&str], verbs: &[&str]) -> Self {
        Self(json!({ "apiGroups": [group], "resources": resources, "verbs": verbs }))
    }
}

impl ControlPlane {
    /// Makes a service account; returns who it is and a token for an hour.
    pub async fn service_account(&self, namespace: &str, name: &str) -> Result<(Subject, String)> {
        let api = self.api()?;
        let accounts = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
        let object = json!({ "metadata": { "name": name } });
        api.create(&accounts, &object).await?;
        let request = json!({ "spec": { "expirationSeconds": 3600 } });
        let answer = api.create(&format!("{accounts}/{name}/token"), &request).await?;
        let Some(token) = answer["status"]["token"].as_str() else {
            return Err(Failure::new("the server gave no token for the service account"));
        };
        let subject = Subject::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() };
        Ok((subject, token.to_owned()))
    }

    /// Makes a client certificate for a user; usable at once.
    pub fn certificate(&self, user: &str, group: Option<&str>, validity: Validity) -> Result<Login> {
        let pair = self.authority.client(user, group, validity)?;
        let number = self.next_number();
        Ok(Login::Certificate {
            cert: self.write(&format!("client-{number}.crt"), &pair.cert_pem)?,
            key: self.write(&format!("client-{number}.key"), &pair.key_pem)?,
        })
    }

    /// Grants rules in one namespace, or in the whole cluster where there is none.
    pub async fn grant(&self, subject: &Subject, namespace: Option<&str>, rules: &[Rule]) -> Result<()> {
        let (kind, place) = match namespace {
            Some(namespace) => ("Role", format!("namespaces/{namespace}/")),
            None => ("ClusterRole", String::new()),
        };
        let base = format!("/apis/rbac.authorization.k8s.io/v1/{place}{}", kind.to_lowercase());
        let name = format!("granted-{}", self.next_number());
        let rules: Vec<&Value> = rules.iter().map(|rule| &rule.0).collect();
        let role = json!({ "metadata": { "name": name }, "rules": rules });
        let binding = json!({
            "metadata": { "name": name },
            "subjects": [subject.reference()],
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name },
        });
        let api = self.api()?;
        api.create(&format!("{base}s"), &role).await?;
        api.create(&format!("{base}bindings"), &binding).await?;
        Ok(())
    }
}

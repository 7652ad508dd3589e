//! What an API server was asked for, by the audit log that it writes itself.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::control_plane::{ControlPlane, Options};
use crate::failure::{Context, Result};

/// The audit log of an API server, which has no line for the beginning of a request. It goes with this.
pub struct Asked {
    folder: tempfile::TempDir,
}

impl Asked {
    /// Starts a control plane whose API server writes down who asked for what.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start(options: Options) -> Result<(Self, ControlPlane)> {
        Self::by(&json!([{ "level": "Metadata" }]), options).await
    }

    /// The same, of these requests alone: rules of a policy.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn by(rules: &Value, options: Options) -> Result<(Self, ControlPlane)> {
        let asked = Self { folder: tempfile::tempdir().could_not("make a folder")? };
        let policy = asked.folder.path().join("policy.yaml");
        let text = json!({
            "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": rules,
        });
        fs::write(&policy, text.to_string()).could_not("write a policy")?;
        let own = [
            format!("--audit-policy-file={}", policy.display()),
            format!("--audit-log-path={}", asked.log().display()),
        ];
        let api_server_args = options.api_server_args.into_iter().chain(own).collect();
        let plane = ControlPlane::start(Options { api_server_args, ..options }).await?;
        Ok((asked, plane))
    }

    /// The file: an event a line, as JSON.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("audit.log")
    }

    /// The objects of a kind that a person asked to be written, by name, one for each time and in order, whatever came of it. What
    /// is only tried is not among them; what is asked of a part of an object, as an eviction is, is of that object.
    pub fn written(&self, user: &str, plural: &str) -> Vec<String> {
        written(&fs::read_to_string(self.log()).unwrap_or_default(), user, plural)
    }
}

fn written(log: &str, user: &str, plural: &str) -> Vec<String> {
    let is_one = |event: &Value| {
        event["user"]["username"] == user
            && event["objectRef"]["resource"] == plural
            && event["verb"].as_str().is_some_and(|verb| ["create", "update", "patch", "delete"].contains(&verb))
            && event["requestURI"].as_str().is_some_and(|uri| !uri.contains("dryRun="))
    };
    // The last line may be on its way still.
    let events = log.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(is_one);
    events.map(|event: Value| event["objectRef"]["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(user: &str, verb: &str, name: &str, uri: &str, code: u16) -> String {
        json!({
            "verb": verb, "requestURI": uri, "user": { "username": user }, "responseStatus": { "code": code },
            "objectRef": { "resource": "deployments", "name": name },
        })
        .to_string()
    }

    #[test]
    fn a_write_is_counted_each_time_it_is_asked_for_and_a_try_never() {
        let uri = "/apis/apps/v1/namespaces/a/deployments/chat";
        let log = [
            event("ada", "get", "chat", uri, 200),
            event("ada", "patch", "chat", &format!("{uri}?dryRun=All"), 200),
            event("ada", "patch", "chat", uri, 200),
            event("ada", "patch", "chat", uri, 422),
            event("bob", "patch", "chat", uri, 200),
            event("ada", "delete", "other", uri, 200),
            "{ \"verb\": \"pat".to_owned(),
        ];
        let log = log.join("\n");
        assert_eq!(written(&log, "ada", "deployments"), ["chat", "chat", "other"]);
        assert_eq!(written(&log, "bob", "deployments"), ["chat"]);
        assert!(written(&log, "ada", "pods").is_empty());
    }
}

//! Contexts that could be connected, found by reading kubeconfig files and where a pod has its account. Contacts nobody,
//! runs nothing.

use crate::{
    auth,
    kubeconfig::{self, Merged},
};
use pilothouse_connect::{Discovery, redact_url};
use pilothouse_wire::{form::Draft, view::OfferedContext};
use std::collections::BTreeMap;

/// Looks where kubectl would.
pub(crate) fn discover() -> Discovery {
    let files = kubeconfig::files(None);
    // Where nobody has named a file, its absence is the usual state and no problem.
    let named = std::env::var_os("KUBECONFIG").is_some_and(|list| !list.is_empty());
    let files = if named { files } else { files.into_iter().filter(|file| file.exists()).collect() };
    offers(kubeconfig::known(files, false))
}

/// What these files offer.
pub(crate) fn offers(merged: Merged) -> Discovery {
    let mut found = Discovery::default();
    for context in &merged.contexts {
        match offer(&merged, &context.name) {
            Ok(offered) => found.offered.push(offered),
            Err(problem) => found.problems.push(problem),
        }
    }
    found.problems.extend(merged.problems);
    found
}

fn offer(merged: &Merged, name: &str) -> Result<(OfferedContext, Draft), pilothouse_wire::Problem> {
    let context = merged.context(name)?;
    let offered = OfferedContext {
        context: name.to_owned(),
        server: context.cluster.it.server.as_deref().map(redact_url),
        file: kubeconfig::shown(&context.file),
        signs_in: auth::signs_in(context.user.as_ref()),
        current: merged.current.as_deref() == Some(name),
        connected_as: None,
        plugin: auth::notice(&context),
    };
    let draft = Draft {
        kind: crate::KIND.id.to_owned(),
        name: pilothouse_wire::ConnectionId::slug(name).to_string(),
        values: BTreeMap::from([("context".to_owned(), name.to_owned())]),
    };
    Ok((offered, draft))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_are_offered_with_what_a_person_has_to_know_and_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        let text = r#"
current-context: prod
contexts:
- { name: prod, context: { cluster: c, user: token } }
- { name: "arn:aws:eks:eu-west-1:1:cluster/Train", context: { cluster: c, user: plugin } }
- { name: torn, context: { cluster: nowhere } }
clusters:
- { name: c, cluster: { server: "https://me:hunter2@10.41.0.10:6443" } }
users:
- { name: token, user: { token: hunter2 } }
- { name: plugin, user: { exec: { apiVersion: client.authentication.k8s.io/v1, command: ./sign-in, args: [--token, hunter2] } } }
"#;
        std::fs::write(&first, text).unwrap();
        std::fs::write(folder.path().join("sign-in"), "#!/bin/sh\n").unwrap();
        std::fs::write(&second, "not: [closed").unwrap();
        let found = offers(kubeconfig::merged(vec![first, second]));
        let text = format!("{found:#?}").replace(&folder.path().display().to_string(), "FOLDER");
        // It covers the folder's name too.
        let fingerprints = found.offered.iter().filter_map(|(offer, _)| offer.plugin.as_ref()?.fingerprint.as_deref());
        let text = fingerprints.fold(text, |text, fingerprint| text.replace(fingerprint, "FINGERPRINT"));
        assert!(!text.contains("hunter2"), "{text}");
        insta::assert_snapshot!(text);
    }
}

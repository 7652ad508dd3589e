//! Contexts that could be connected, found by reading kubeconfig files. Contacts nobody, runs nothing.

use crate::{
    auth,
    kubeconfig::{self, Merged},
};
use pilothouse_connect::{Discovery, redact_url};
use pilothouse_wire::{form::Draft, view::OfferedContext};
use std::{collections::BTreeMap, path::PathBuf};

/// Looks where kubectl would.
pub(crate) fn discover() -> Discovery {
    let files = kubeconfig::files(None);
    // Where nobody has named a file, its absence is the usual state and no problem.
    let named = std::env::var_os("KUBECONFIG").is_some_and(|list| !list.is_empty());
    let files = if named { files } else { files.into_iter().filter(|file| file.exists()).collect() };
    discover_in(files)
}

/// Looks in these files.
pub(crate) fn discover_in(files: Vec<PathBuf>) -> Discovery {
    let merged = kubeconfig::merged(files);
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
        file: context.file.display().to_string(),
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

//! Parsers of this crate as the targets in `fuzz/` call them. Not for anybody else.

use crate::{
    auth::{Credential, printed},
    client, describe, discover,
    failure::{Call, Refusal},
    kinds,
    kubeconfig::{self, Merged},
    lines::Lines,
    scrub, tables, yaml,
};
use bytes::Bytes;
use pilothouse_connect::Discovery;
use pilothouse_wire::{
    ConnectionId, KindId, ObjectRef, Stamp,
    describe::Description,
    kinds::{KindRow, ObjectTable},
};
use serde_json::Value;
use std::path::Path;

/// A kubeconfig of this text.
#[must_use]
pub fn kubeconfig(text: &str) -> Merged {
    kubeconfig::merged_text(Path::new("kubeconfig"), text)
}

/// What a kubeconfig offers.
#[must_use]
pub fn offers(merged: Merged) -> Discovery {
    discover::offers(merged)
}

/// What a credential plug-in printed.
///
/// # Errors
/// If it is no credential.
pub fn printed(bytes: &[u8], version: &str) -> Result<Credential, String> {
    printed::read(bytes, version, &Credential::default())
}

/// The last line of what a plug-in complained.
#[must_use]
pub fn last_line(bytes: &[u8]) -> Option<String> {
    printed::last_line(bytes, &[])
}

/// A stream in these parts, as lines.
#[must_use]
pub fn lines<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<Bytes> {
    let (mut lines, mut all) = (Lines::default(), Vec::new());
    for part in parts {
        if lines.push(part).is_err() {
            break;
        }
        all.extend(std::iter::from_fn(|| lines.next_line()));
        lines.shrink();
    }
    all
}

/// An answer that says no.
#[must_use]
pub fn refused(status: u16, retry_after: Option<&str>, body: &[u8]) -> Refusal {
    client::refused(&Call::path("/version"), status, retry_after, body)
}

/// A `Date` header.
#[must_use]
pub fn date(text: &str) -> Option<Stamp> {
    client::time(text)
}

/// Takes secrets out of an object.
pub fn scrub(object: &mut Value) {
    scrub::scrub(object);
}

/// An object as YAML.
#[must_use]
pub fn yaml(object: &Value) -> Option<String> {
    yaml::print(object)
}

/// An object in words, as one of this kind.
#[must_use]
pub fn described(object: &ObjectRef, kind: KindId, read: Value) -> Description {
    describe::described(object, kind, read)
}

/// A server's table, and from where it goes on.
#[must_use]
pub fn table(body: &[u8], kind: &KindId) -> Option<(ObjectTable, String)> {
    tables::read(body, &ConnectionId::slug("test"), kind, true)
}

/// The kinds of an aggregated discovery document.
#[must_use]
pub fn kinds(body: &[u8]) -> Option<Vec<KindRow>> {
    kinds::aggregated(body)
}

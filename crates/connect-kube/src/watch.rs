//! One watch: from a version on, what is added, changed and gone, until the stream ends.

use crate::{
    client::{Client, JSON, next},
    failure::{Failure, Refusal},
    lines::Lines,
    owned::TeamRule,
    resource::{Resource, Scope, fact},
    slim::{Meta, Status},
};
use futures::FutureExt;
use kube::client::Body;
use pilothouse_world::Fact;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;

/// The server ends a watch after about this long; it is then resumed.
const LASTS: Duration = Duration::from_secs(290);
/// The server sends at least a bookmark each minute. Silence for longer means that the way there is dead.
const SILENCE: Duration = Duration::from_secs(150);
/// Changes that are handed on at once.
const MOST_AT_ONCE: usize = 500;

/// An open watch.
pub struct Watch<T> {
    body: Body,
    lines: Lines,
    /// Up to where everything was handed on.
    version: String,
    scope: Scope,
    rule: TeamRule,
    /// Why it ended, while changes from before that are still to be handed on.
    ended: Option<Failure>,
    kind: std::marker::PhantomData<fn() -> T>,
}

/// Changes that came together.
#[derive(Debug, Default)]
pub struct Changes {
    /// What changed, in order.
    pub facts: Vec<Fact>,
    /// Objects that could not be used.
    pub dropped: u64,
}

/// A line of a watch.
#[derive(Deserialize)]
struct Line<'a> {
    r#type: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OnlyMeta {
    metadata: Meta,
}

/// What a line came to.
#[derive(Debug)]
pub enum Said {
    /// A change, and the version that it leads to.
    Fact(Box<Fact>, String),
    /// Nothing but a version.
    Version(String),
    /// Something that cannot be used, and its version if that much can be read.
    Unusable(String),
    /// The server ends the watch, and says why.
    Error(Status),
}

impl<T: Resource> Watch<T> {
    /// Opens a watch from a version on.
    ///
    /// # Errors
    /// If it is refused or does not begin.
    pub async fn open(client: &Client, scope: &Scope, version: &str) -> Result<Self, Failure> {
        // Versions are decimal numbers; one that is not came from a server that is none.
        if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Failure::Unreadable("Its listing has no usable resourceVersion".to_owned()));
        }
        let path = format!(
            "{}?watch=1&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={}",
            scope.path::<T>(),
            LASTS.as_secs(),
        );
        let (_, body) = client.stream(&scope.call::<T>("watch"), &path, JSON).await?;
        Ok(Self {
            body,
            lines: Lines::default(),
            version: version.to_owned(),
            scope: scope.clone(),
            rule: client.rule.clone(),
            ended: None,
            kind: std::marker::PhantomData,
        })
    }

    /// Where to resume: up to here everything was handed on.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Waits for changes and takes all that have come; `None` at the end of the stream.
    ///
    /// # Errors
    /// If the stream breaks or the server ends it with a reason. What came before is handed on first, and
    /// [`Watch::version`] says where to go on.
    pub async fn changes(&mut self) -> Result<Option<Changes>, Failure> {
        let mut changes = Changes::default();
        loop {
            let full = self.take_lines(&mut changes);
            let some = !changes.facts.is_empty() || changes.dropped > 0;
            if some && (full || self.ended.is_some()) {
                return Ok(Some(changes));
            }
            if let Some(failure) = self.ended.take() {
                return Err(failure);
            }
            let part = if some {
                // Whatever is on its way is for the next round: a change is shown at once. So is a break.
                match next(&mut self.body, SILENCE).now_or_never() {
                    Some(Ok(Some(part))) => part,
                    Some(Err(failure)) => {
                        self.ended = Some(failure);
                        return Ok(Some(changes));
                    }
                    None | Some(Ok(None)) => return Ok(Some(changes)),
                }
            } else {
                match next(&mut self.body, SILENCE).await {
                    Ok(Some(part)) => part,
                    // Silence is no failure where the server sends no bookmarks: the watch is opened anew.
                    Ok(None) | Err(Failure::TimedOut(_)) => return Ok(None),
                    Err(failure) => return Err(failure),
                }
            };
            if self.lines.push(&part).is_err() {
                self.ended = Some(Failure::TooLarge);
            }
        }
    }

    /// Takes whole lines; says whether there are so many that they are to be handed on at once.
    fn take_lines(&mut self, changes: &mut Changes) -> bool {
        while self.ended.is_none() {
            if changes.facts.len() >= MOST_AT_ONCE {
                return true;
            }
            let Some(line) = self.lines.next_line() else { break };
            if !line.iter().all(u8::is_ascii_whitespace) {
                self.take(&line, changes);
            }
        }
        self.lines.shrink();
        false
    }

    fn take(&mut self, line: &[u8], changes: &mut Changes) {
        match read::<T>(line, &self.rule) {
            Said::Fact(fact, version) => {
                changes.facts.push(*fact);
                self.at(version);
            }
            Said::Version(version) => self.at(version),
            Said::Unusable(version) => {
                changes.dropped += 1;
                self.at(version);
            }
            Said::Error(status) => {
                self.ended = Some(Failure::Refusal(Box::new(Refusal {
                    call: self.scope.call::<T>("watch"),
                    status: u16::try_from(status.code).ok().filter(|code| *code != 0).unwrap_or(500),
                    reason: status.reason,
                    message: status.message,
                    retry_after: None,
                    ended: None,
                })));
            }
        }
    }

    fn at(&mut self, version: String) {
        if !version.is_empty() {
            self.version = version;
        }
    }
}

/// Reads a line of a watch.
#[must_use]
pub fn read<T: Resource>(line: &[u8], rule: &TeamRule) -> Said {
    let Ok(line) = serde_json::from_slice::<Line<'_>>(line) else { return Said::Unusable(String::new()) };
    let object = line.object.get();
    match line.r#type {
        "ADDED" | "MODIFIED" => {
            let Ok(object) = serde_json::from_str::<T>(object) else { return Said::Unusable(version(object)) };
            let version = object.version();
            match fact(object, rule) {
                Some(fact) => Said::Fact(Box::new(fact), version),
                None => Said::Unusable(version),
            }
        }
        "DELETED" => match serde_json::from_str::<OnlyMeta>(object) {
            Ok(OnlyMeta { metadata }) if !metadata.name.is_empty() => {
                Said::Fact(Box::new(T::gone(&metadata)), metadata.resource_version)
            }
            _ => Said::Unusable(version(object)),
        },
        "BOOKMARK" => Said::Version(version(object)),
        "ERROR" => Said::Error(serde_json::from_str(object).unwrap_or_default()),
        _ => Said::Unusable(version(object)),
    }
}

fn version(object: &str) -> String {
    serde_json::from_str::<OnlyMeta>(object).map(|only| only.metadata.resource_version).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slim::Pod;
    use proptest::prelude::*;

    #[track_caller]
    fn check(line: &str, want: &str) {
        let said = match read::<Pod>(line.as_bytes(), &TeamRule::default()) {
            Said::Fact(fact, version) => match *fact {
                Fact::Pod(pod) => format!("pod {} {version}", pod.name),
                Fact::PodGone(namespace, name) => format!("gone {namespace}/{name} {version}"),
                other => format!("{other:?}"),
            },
            Said::Version(version) => format!("version {version}"),
            Said::Unusable(version) => format!("unusable {version}"),
            Said::Error(status) => format!("error {} {}", status.code, status.reason),
        };
        assert_eq!(said.trim(), want);
    }

    #[test]
    fn lines_of_a_watch_are_told_apart() {
        let meta = r#"{"metadata":{"name":"a","namespace":"n","resourceVersion":"7"}}"#;
        check(&format!(r#"{{"type":"ADDED","object":{meta}}}"#), "pod a 7");
        check(&format!(r#"{{"object":{meta},"type":"MODIFIED","more":[1]}}"#), "pod a 7");
        check(&format!(r#"{{"type":"DELETED","object":{meta}}}"#), "gone n/a 7");
        check(r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}"#, "version 9");
        check(r#"{"type":"ERROR","object":{"code":410,"reason":"Expired"}}"#, "error 410 Expired");
        check(r#"{"type":"ERROR","object":[]}"#, "error 0");
        // What cannot be used still says how far the stream is.
        check(r#"{"type":"ADDED","object":{"metadata":{"resourceVersion":"8"},"spec":7}}"#, "unusable 8");
        check(r#"{"type":"ADDED","object":{"metadata":{"resourceVersion":"8"}}}"#, "unusable 8");
        check(&format!(r#"{{"type":"LATER","object":{meta}}}"#), "unusable 7");
        check("{", "unusable");
        check("7", "unusable");
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in r#"[{}\[\]":,a-zA-Z0-9 ]{0,200}"#, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (read::<Pod>(line.as_bytes(), &TeamRule::default()), read::<Pod>(&bytes, &TeamRule::default()));
            let _ = read::<Pod>(format!(r#"{{"type":"ADDED","object":{line}}}"#).as_bytes(), &TeamRule::default());
        }
    }
}

//! What is told when a server is lost, and the wait until it is tried again.

use crate::{Closed, Sink};
use pilothouse_wire::{Code, Health, units};
use pilothouse_world::fact::SourceFact;
use std::time::Duration;

/// Tells that an attempt failed after it `took` so long, how the connection is now, and when it is tried again; then
/// waits until then.
///
/// # Errors
/// [`Closed`] as soon as nobody listens.
pub async fn lost(sink: &Sink, health: Health, took: Duration, wait: Duration) -> Result<(), Closed> {
    let word = health.problem().map_or("failed", |problem| outcome(problem.code));
    let took = match took {
        took if took < Duration::from_secs(2) => format!("{} ms", took.as_millis()),
        took => units::span(took),
    };
    sink.attempt(false, format!("{word}, {took}")).await?;
    sink.health(health).await?;
    sink.source(SourceFact::RetryAt(Some(sink.now().plus(wait)))).await?;
    tokio::select! {
        () = tokio::time::sleep(wait) => Ok(()),
        () = sink.closed() => Err(Closed),
    }
}

/// What came of an attempt, in a few words.
fn outcome(code: Code) -> &'static str {
    match code {
        Code::NameNotFound => "name not found",
        Code::Refused => "refused",
        Code::TimedOut => "no answer",
        Code::Cut => "cut",
        Code::TlsUntrusted => "certificate not trusted",
        Code::TlsExpired => "certificate expired",
        Code::TlsWrongName => "certificate for another name",
        Code::Unauthenticated => "401",
        Code::Denied => "403",
        Code::NotFound | Code::ApiAbsent => "404",
        Code::TooMany => "429",
        Code::ServerFailed => "server failed",
        Code::NotOffered => "no way there",
        Code::PluginFailed => "plug-in failed",
        Code::PluginUntrusted => "plug-in not confirmed",
        _ => "settings cannot be used",
    }
}

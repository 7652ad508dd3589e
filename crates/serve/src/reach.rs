//! Where a door may listen: on this machine, or for others too if somebody said so in so many words.

use crate::{
    ServeOptions,
    book::{Book, OfWall},
    grade::Grade,
    tls::Identity,
};
use pilothouse_wire::{Code, Problem, Stamp};
use std::net::SocketAddr;

/// Refuses a door that others could reach without what keeps it safe.
///
/// # Errors
/// What is missing, and how to get it.
pub(crate) async fn may_listen(options: &ServeOptions, now: Stamp) -> Result<(), Problem> {
    if options.address.ip().is_loopback() {
        return Ok(());
    }
    let what = far(options.address);
    if options.grade == Grade::Own {
        return Err(Problem::new(Code::NotOffered, what)
            .why("Other machines are shown the wall alone: no YAML, no settings, no search.")
            .next("Add --wall, or leave --listen out."));
    }
    is_private(options.address, options.identity.as_ref(), options.plain)?;
    if !lets_in(options.book.as_ref(), now).await? {
        return Err(Problem::new(Code::NotOffered, what)
            .why("Screens of other machines are let in by a token, and there is none.")
            .next("Make one: pilothouse serve token new."));
    }
    Ok(())
}

/// Refuses a door that others could reach and everybody on the way could listen to, unless somebody said so.
///
/// # Errors
/// What is missing.
pub(crate) fn is_private(address: SocketAddr, identity: Option<&Identity>, plain: bool) -> Result<(), Problem> {
    if address.ip().is_loopback() || identity.is_some() || plain {
        return Ok(());
    }
    Err(Problem::new(Code::NotOffered, far(address))
        .why("What is sent there, and the token by which somebody is let in, would not be encrypted.")
        .next("Give a certificate with --cert and --key. In a network that only you can listen to, add --plain."))
}

fn far(address: SocketAddr) -> String {
    format!("{address} can be reached from other machines.")
}

async fn lets_in(book: Option<&Book<OfWall>>, now: Stamp) -> Result<bool, Problem> {
    let Some(book) = book.cloned() else { return Ok(false) };
    let read = tokio::task::spawn_blocking(move || book.read());
    match read.await {
        Ok(kept) => Ok(kept?.lets_in(now)),
        Err(_) => Ok(false),
    }
}

/// The address as a browser would call it: by the name that was given for it, else by a number.
pub(crate) fn shown(address: SocketAddr, names: &[String]) -> String {
    let port = address.port();
    match names.first() {
        Some(name) => format!("{name}:{port}"),
        None if address.ip().is_unspecified() && address.is_ipv4() => format!("127.0.0.1:{port}"),
        None if address.ip().is_unspecified() => format!("[::1]:{port}"),
        None => address.to_string(),
    }
}

/// That an address is not to be had.
pub(crate) fn taken(address: SocketAddr, error: &std::io::Error) -> Problem {
    Problem::new(Code::BadInput, format!("Cannot listen on {address}."))
        .why(format!("{error}."))
        .next("Choose another port with --port.")
}

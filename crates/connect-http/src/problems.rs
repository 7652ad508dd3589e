//! Failures before there was an answer, and such as every server has, in words: what happened, why, what comes next.

mod inside;

pub(crate) use inside::{no_way, on_the_way};

use crate::{failure::Failure, place::Place};
use pilothouse_connect::{Cause, Insecure};
use pilothouse_wire::{Code, Problem, units};
use std::time::Duration;

/// What stands at the end of most: nobody has to do anything for it.
pub const AGAIN: &str = "It is tried again by itself.";

/// The failure in words that fit any server.
#[must_use]
pub fn problem(failure: &Failure, place: &Place) -> Problem {
    let Place { name, host, kind, .. } = place;
    match failure {
        Failure::Told(problem) | Failure::OnTheWay(problem, _) => (**problem).clone(),
        Failure::Transport(error) => of_cause(Cause::of(error.as_ref()), place),
        Failure::TimedOut(limit) if place.by_way.is_some() => inside::silent(*limit, place),
        Failure::TimedOut(limit) => {
            Problem::new(Code::TimedOut, format!("{name} did not answer within {} s.", limit.as_secs()))
                .why(format!("{host} took the request and then said nothing."))
                .next(format!("{AGAIN} It is overloaded or hangs; the network is not the cause."))
        }
        Failure::Refusal(refusal) => refused(refusal, place),
        Failure::Page => Problem::new(Code::BadInput, format!("{name} answers with a page for people."))
            .why(format!("{host} sent HTML where {kind} sends JSON: mostly a gateway that wants a sign-in first."))
            .next("Give the credential that the gateway wants, or an address behind it."),
        Failure::Unreadable(why) => Problem::new(Code::BadInput, format!("What {name} answered cannot be read."))
            .why(sentence(why))
            .next(format!("{AGAIN} Check that {host} is {kind}, and no proxy in front of it.")),
        Failure::TooLarge(bytes) => {
            let most = units::bytes(u64::try_from(*bytes).unwrap_or(u64::MAX));
            Problem::new(Code::BadInput, format!("An answer of {name} is too large."))
                .why(format!("It has more than {most}, which is the most that is taken in."))
                .next(AGAIN)
        }
    }
}

/// An answer that says no.
fn refused(refusal: &crate::failure::Refusal, place: &Place) -> Problem {
    let Place { name, host, .. } = place;
    let path = &refusal.path;
    let said = format!("{} to {path}: {}", refusal.status, sentence(&refusal.message));
    match refusal.status {
        300..=399 => {
            let to = refusal.elsewhere.as_deref().unwrap_or("another path");
            Problem::new(Code::BadInput, format!("{name} sends us elsewhere."))
                .why(format!(
                    "{} to {path}: {host} says to ask {to}. We do not follow, since our credential is for \
                     this address alone.",
                    refusal.status
                ))
                .next(format!(
                    "If that is the right server, correct the field \"{}\". If it is a page to sign in, give the \
                     credential that it wants.",
                    place.field()
                ))
        }
        401 | 403 if place.by_way.is_some() => inside::refused_there(refusal, place),
        401 => {
            let who = place.who.as_ref().map_or_else(|| "us".to_owned(), |who| format!("user {who}"));
            Problem::new(Code::Unauthenticated, format!("{name} does not know who we are."))
                .why(format!("401 for {who}: the credential is missing, wrong, or no longer valid."))
                .next("Fill in \"Token\", or \"User name\" and \"Password\". It is tried again now and then.")
        }
        403 => Problem::new(Code::Denied, format!("{name} knows us, and says no."))
            .why(said)
            .next(format!("Ask an administrator of {name} for the right to read {path}.")),
        404 => Problem::new(Code::NotFound, format!("{name} has no {path}.")).why(said),
        429 => Problem::new(Code::TooMany, format!("{name} asks us to be patient."))
            .why(format!("429 to {path}: it has too many requests.{}", patience(refusal.retry_after)))
            .next("It is asked again after that wait, by itself."),
        500.. => Problem::new(Code::ServerFailed, format!("{name} failed to answer."))
            .why(format!("{said}{}", patience(refusal.retry_after)))
            .next(AGAIN),
        _ => Problem::new(Code::BadInput, format!("{name} refused a request.")).why(said).next(AGAIN),
    }
}

fn patience(asked: Option<Duration>) -> String {
    asked.map_or_else(String::new, |wait| format!(" It asks us to wait {}.", units::span(wait)))
}

fn of_cause(cause: Cause, place: &Place) -> Problem {
    let Place { name, host, .. } = place;
    match cause {
        Cause::NameNotFound => {
            let bare = host.rsplit_once(':').map_or(host.as_str(), |(bare, _)| bare);
            Problem::new(Code::NameNotFound, format!("{name} is not found: {bare} leads to no address."))
                .why("The resolver of this machine does not know the name.")
                .next(format!("{AGAIN} Check the VPN, and the host in the field \"Address\"."))
        }
        Cause::Refused => Problem::new(Code::Refused, format!("{name} refused the connection."))
            .why(format!("Nothing listens on {host}. The host answers, the port does not: it is down or restarting."))
            .next(format!("{AGAIN} Check the port in the field \"Address\", and a port-forward if there is one.")),
        Cause::TimedOut => Problem::new(Code::TimedOut, format!("{name} does not answer."))
            .why(format!("No connection to {host} came about: the host is off, or a firewall drops it."))
            .next(format!("{AGAIN} Check the VPN, the firewall and the proxy.")),
        Cause::NoWay => Problem::new(Code::TimedOut, format!("There is no way to {name}."))
            .why(format!("This machine has no route to {host}."))
            .next(format!("{AGAIN} Check the network and the VPN.")),
        Cause::Cut => Problem::new(Code::Cut, format!("{name} cut the connection."))
            .why(format!("{host} closed it before the answer was whole."))
            .next(AGAIN),
        Cause::Proxy(text) => {
            Problem::new(Code::Refused, format!("The proxy on the way to {name} did not let us through."))
                .why(format!("It was asked for {host}: {}.", line(&text)))
                .next(format!("{AGAIN} Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY."))
        }
        Cause::Tls(tls) => of_tls(tls, place),
        Cause::Other(text) => Problem::new(Code::Cut, format!("{name} cannot be read."))
            .why(format!("{host}: {}.", line(&text)))
            .next(AGAIN),
    }
}

fn of_tls(tls: Insecure, place: &Place) -> Problem {
    let Place { name, host, ca, .. } = place;
    match tls {
        Insecure::Untrusted => {
            let why = match ca {
                Some(file) => format!("It is signed by none of the authorities in {file}."),
                None => "It is signed by nobody that this machine trusts, and no file of authorities is named.".into(),
            };
            Problem::new(Code::TlsUntrusted, format!("The certificate of {name} is not trusted."))
                .why(format!("{why} It was shown by {host}."))
                .next(
                    "Put the file of its authority into the field \"Authority file\". If nothing was changed there, \
                     somebody else answers at this address.",
                )
        }
        Insecure::Ended(when) => {
            let when = when.map_or_else(String::new, |when| format!(" on {when}"));
            Problem::new(Code::TlsExpired, format!("The certificate of {name} ended{when}."))
                .why(format!("It is the server's own certificate, shown by {host}."))
                .next(format!("{AGAIN} An administrator of {name} has to renew it."))
        }
        Insecure::NotYet(when) => {
            let from = when.map_or_else(|| " yet".to_owned(), |when| format!(" before {when}"));
            Problem::new(Code::TlsExpired, format!("The certificate of {name} is not valid{from}."))
                .why(format!("It is the server's own certificate, shown by {host}."))
                .next("Check this machine's clock: it may be behind.")
        }
        Insecure::OtherName { asked, names } => {
            let why = match asked {
                None => format!("{host} shows a certificate for other names."),
                Some(asked) => {
                    format!("{host} was asked for {asked}; its certificate is for {}.", line(&names.join(", ")))
                }
            };
            Problem::new(Code::TlsWrongName, format!("The certificate of {name} is for another name."))
                .why(why)
                .next("Use an address that it names.")
        }
        Insecure::OursRefused(alert) => {
            Problem::new(Code::Unauthenticated, format!("{name} wants a certificate of ours."))
                .why(format!("{host} answered {alert}; there is no client certificate in this kind of connection."))
                .next("Use an address of it that signs in otherwise.")
        }
        Insecure::Alert(alert) => Problem::new(Code::Cut, format!("{name} ended the secure connection."))
            .why(format!("{host} answered {alert}."))
            .next(AGAIN),
        Insecure::NoTls => Problem::new(Code::BadInput, format!("{name} does not speak TLS."))
            .why(format!("What {host} answered is no TLS."))
            .next("Check the port in the field \"Address\", and whether it begins with http://."),
        Insecure::Other(text) => {
            Problem::new(Code::TlsUntrusted, format!("No secure connection to {name} came about."))
                .why(format!("{host}: {}.", line(&text)))
                .next(AGAIN)
        }
    }
}

/// TLS is not checked: a person is to be reminded as long as it is so.
#[must_use]
pub fn insecure(place: &Place) -> Problem {
    let Place { name, host, .. } = place;
    Problem::new(Code::TlsUntrusted, format!("The certificate of {name} is not checked."))
        .why(format!("TLS verification is off: whoever answers at {host} is believed, and is sent our credential."))
        .next("Name the file of its authority, and turn verification on.")
}

/// A question that is posted does not get into a cluster.
pub(crate) fn gets_alone(place: &Place, path: &str) -> Problem {
    let Place { name, host, .. } = place;
    Problem::new(Code::BadInput, format!("{name} cannot be asked that by way of a cluster."))
        .why(format!(
            "{path} of {host} is asked by another method than GET, and an API server hands on nothing else with a right to read."
        ))
        .next("Connect it by an address of its own: a port-forward or an ingress.")
}

/// A server's own words as a sentence.
#[must_use]
pub fn sentence(text: &str) -> String {
    let text = line(text);
    match text.chars().last() {
        None => "it gives no reason.".to_owned(),
        Some('.' | '!' | '?' | '…') => text,
        Some(_) => format!("{text}."),
    }
}

/// A server's own words, as one line of bearable length.
#[must_use]
pub fn line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    match line.char_indices().nth(240) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

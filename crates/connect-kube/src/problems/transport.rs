//! Failures before there was an answer: names, routes, ports, certificates, cut connections.

use super::AGAIN;
use crate::place::Place;
use pilothouse_connect::{Cause, Insecure};
use pilothouse_wire::{Code, Problem, Stamp};
use std::error::Error;

pub(super) fn problem(error: &(dyn Error + Send + Sync + 'static), place: &Place) -> Problem {
    let Place { name, host, proxy, .. } = place;
    match (Cause::of(error), proxy) {
        (Cause::Tls(tls), _) => of_tls(tls, place),
        (Cause::NameNotFound, _) => name_not_found(place),
        (Cause::Refused, Some(proxy)) => {
            before_proxy(Code::Refused, "refused the connection", &format!("Nothing listens on {proxy}."), place)
        }
        (Cause::TimedOut, Some(proxy)) => {
            let why = format!("No connection by way of {proxy} came about in the time allowed.");
            before_proxy(Code::TimedOut, "does not answer", &why, place)
        }
        (Cause::Refused, None) => Problem::new(Code::Refused, format!("{name} refused the connection."))
            .why(format!(
                "Nothing listens on {host}. The host answers, the port does not: the API server is down or restarting."
            ))
            .next(format!("{AGAIN} Your network and credentials are not the cause.")),
        (Cause::TimedOut, None) => Problem::new(Code::TimedOut, format!("{name} does not answer."))
            .why(format!(
                "No connection to {host} came about: the host is off, a firewall drops it, or the server hangs."
            ))
            .next(format!("{AGAIN} Check the VPN, the firewall and the proxy.")),
        (Cause::NoWay, _) => Problem::new(Code::TimedOut, format!("There is no way to {name}."))
            .why(format!("This machine has no route to {host}."))
            .next(format!("{AGAIN} Check the network and the VPN.")),
        (Cause::Cut, _) => Problem::new(Code::Cut, format!("{name} cut the connection."))
            .why(format!("{host} closed it before the answer was whole."))
            .next(AGAIN),
        (Cause::Proxy(text), _) => {
            Problem::new(Code::Refused, format!("The proxy on the way to {name} did not let us through."))
                .why(format!("It was asked for {host}: {}.", super::line(&text)))
                .next(format!("{AGAIN} Check proxy-url in {}.", place.file))
        }
        (Cause::Other(text), _) => Problem::new(Code::Cut, format!("{name} cannot be read."))
            .why(format!("{host}: {}.", super::line(&text)))
            .next(AGAIN),
    }
}

/// With a proxy, it is the proxy that is connected to: what fails beyond it, it tells itself.
fn before_proxy(code: Code, what: &str, why: &str, place: &Place) -> Problem {
    let Place { name, host, file, .. } = place;
    Problem::new(code, format!("The proxy on the way to {name} {what}."))
        .why(format!("{why} {host} itself was not asked."))
        .next(format!("{AGAIN} Check the proxy, and proxy-url in {file} or HTTPS_PROXY."))
}

fn name_not_found(place: &Place) -> Problem {
    let asked = place.proxy.as_ref().unwrap_or(&place.host);
    let host = asked.rsplit_once(':').map_or(asked.as_str(), |(host, _)| host);
    Problem::new(Code::NameNotFound, format!("{} is not found: {host} leads to no address.", place.name))
        .why("The resolver of this machine does not know the name.")
        .next(format!("{AGAIN} Check the VPN, and the server's name in {}.", place.file))
}

fn of_tls(error: Insecure, place: &Place) -> Problem {
    let Place { name, host, user, file, .. } = place;
    match error {
        Insecure::Untrusted => untrusted(place),
        Insecure::Ended(when) => ended(place, when),
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
                    format!("{host} was asked for {asked}; its certificate is for {}.", super::line(&names.join(", ")))
                }
            };
            Problem::new(Code::TlsWrongName, format!("The certificate of {name} is for another name."))
                .why(why)
                .next(format!("Use an address that it names, or set tls-server-name in {file}."))
        }
        Insecure::OursRefused(alert) => {
            Problem::new(Code::Unauthenticated, format!("{name} does not accept our client certificate."))
                .why(format!("{host} answered {alert} to user {user} of {file}."))
                .next("Sign in again, or fetch the cluster's kubeconfig anew. The file is read again at each attempt.")
        }
        Insecure::Alert(alert) => Problem::new(Code::Cut, format!("{name} ended the secure connection."))
            .why(format!("{host} answered {alert}."))
            .next(AGAIN),
        Insecure::NoTls => Problem::new(Code::BadInput, format!("{name} does not speak TLS."))
            .why(format!("What {host} answered is no TLS."))
            .next(format!("Check the server's address in {file}: its port, and whether it begins with http.")),
        Insecure::Other(text) => {
            Problem::new(Code::TlsUntrusted, format!("No secure connection to {name} came about."))
                .why(format!("{host}: {}.", super::line(&text)))
                .next(AGAIN)
        }
    }
}

fn untrusted(place: &Place) -> Problem {
    let Place { name, host, file, .. } = place;
    let whose = if place.own_authority {
        format!("It is signed by another authority than the one that {file} names.")
    } else {
        format!("It is signed by nobody that this machine trusts, and {file} names no authority.")
    };
    Problem::new(Code::TlsUntrusted, format!("The certificate of {name} is not trusted."))
        .why(format!("{whose} It was shown by {host}."))
        .next(format!(
            "Fetch the cluster's kubeconfig anew, or put its authority into {file}. If nothing was changed there, \
             somebody else answers at this address."
        ))
}

fn ended(place: &Place, when: Option<Stamp>) -> Problem {
    let Place { name, host, .. } = place;
    let when = when.map_or_else(String::new, |when| format!(" on {when}"));
    Problem::new(Code::TlsExpired, format!("The certificate of {name} ended{when}."))
        .why(format!("It is the server's own certificate, shown by {host}; yours is not the cause."))
        .next(format!("{AGAIN} An administrator of {name} has to renew it."))
}

//! Failures before there was an answer: names, routes, ports, certificates, cut connections.

use super::AGAIN;
use crate::place::Place;
use pilothouse_wire::{Code, Problem, Stamp};
use rustls::{AlertDescription, CertificateError, pki_types::UnixTime};
use std::{error::Error, io};

/// All errors of a chain. An I/O error hides the one inside it from `source`, so it is asked for that one itself.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut all = vec![error];
    let mut at = 0;
    while at < all.len() && all.len() < 32 {
        let inner = all[at].downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        all.extend(inner.map(|inner| inner as &(dyn Error + 'static)));
        all.extend(all[at].source());
        at += 1;
    }
    all
}

pub(super) fn problem(error: &(dyn Error + Send + Sync + 'static), place: &Place) -> Problem {
    let chain = chain(error);
    if let Some(tls) = chain.iter().find_map(|error| error.downcast_ref::<rustls::Error>()) {
        return of_tls(tls, place);
    }
    // The resolver's error has no kind and no type that could be asked: only its text tells it from others.
    if chain.iter().any(|error| error.to_string().contains("dns error")) {
        return name_not_found(place);
    }
    let kinds: Vec<io::ErrorKind> =
        chain.iter().filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind).collect();
    if let Some(proxy) = &place.proxy
        && let Some(problem) = kinds.iter().find_map(|kind| before_proxy(*kind, proxy, place))
    {
        return problem;
    }
    if let Some(problem) = kinds.iter().find_map(|kind| of_io(*kind, place)) {
        return problem;
    }
    if let Some(problem) = of_proxy(&chain, place) {
        return problem;
    }
    let cut = chain.iter().filter_map(|error| error.downcast_ref::<hyper::Error>()).any(|error| {
        error.is_incomplete_message() || error.is_closed() || error.is_canceled() || error.is_body_write_aborted()
    });
    if cut {
        return cut_short(place);
    }
    let root = chain.last().map(|error| super::line(&error.to_string())).unwrap_or_default();
    Problem::new(Code::Cut, format!("{} cannot be read.", place.name))
        .why(format!("{}: {root}.", place.host))
        .next(AGAIN)
}

/// With a proxy, it is the proxy that is connected to: what fails beyond it, it tells itself.
fn before_proxy(kind: io::ErrorKind, proxy: &str, place: &Place) -> Option<Problem> {
    let (code, what, why) = match kind {
        io::ErrorKind::ConnectionRefused => {
            (Code::Refused, "refused the connection", format!("Nothing listens on {proxy}."))
        }
        io::ErrorKind::TimedOut => (
            Code::TimedOut,
            "does not answer",
            format!("No connection by way of {proxy} came about in the time allowed."),
        ),
        _ => return None,
    };
    let Place { name, host, file, .. } = place;
    Some(
        Problem::new(code, format!("The proxy on the way to {name} {what}."))
            .why(format!("{why} {host} itself was not asked."))
            .next(format!("{AGAIN} Check the proxy, and proxy-url in {file} or HTTPS_PROXY.")),
    )
}

fn name_not_found(place: &Place) -> Problem {
    let asked = place.proxy.as_ref().unwrap_or(&place.host);
    let host = asked.rsplit_once(':').map_or(asked.as_str(), |(host, _)| host);
    Problem::new(Code::NameNotFound, format!("{} is not found: {host} leads to no address.", place.name))
        .why("The resolver of this machine does not know the name.")
        .next(format!("{AGAIN} Check the VPN, and the server's name in {}.", place.file))
}

fn of_io(kind: io::ErrorKind, place: &Place) -> Option<Problem> {
    let Place { name, host, .. } = place;
    Some(match kind {
        io::ErrorKind::ConnectionRefused => Problem::new(Code::Refused, format!("{name} refused the connection."))
            .why(format!(
                "Nothing listens on {host}. The host answers, the port does not: the API server is down or restarting."
            ))
            .next(format!("{AGAIN} Your network and credentials are not the cause.")),
        io::ErrorKind::TimedOut => Problem::new(Code::TimedOut, format!("{name} does not answer."))
            .why(format!(
                "No connection to {host} came about: the host is off, a firewall drops it, or the server hangs."
            ))
            .next(format!("{AGAIN} Check the VPN, the firewall and the proxy.")),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            Problem::new(Code::TimedOut, format!("There is no way to {name}."))
                .why(format!("This machine has no route to {host}."))
                .next(format!("{AGAIN} Check the network and the VPN."))
        }
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => cut_short(place),
        _ => return None,
    })
}

fn cut_short(place: &Place) -> Problem {
    Problem::new(Code::Cut, format!("{} cut the connection.", place.name))
        .why(format!("{} closed it before the answer was whole.", place.host))
        .next(AGAIN)
}

fn of_proxy(chain: &[&(dyn Error + 'static)], place: &Place) -> Option<Problem> {
    let text =
        chain.iter().map(|error| error.to_string()).find(|text| text.contains("tunnel") || text.contains("SOCKS"))?;
    Some(
        Problem::new(Code::Refused, format!("The proxy on the way to {} did not let us through.", place.name))
            .why(format!("It was asked for {}: {}.", place.host, super::line(&text)))
            .next(format!("{AGAIN} Check proxy-url in {}.", place.file)),
    )
}

fn of_tls(error: &rustls::Error, place: &Place) -> Problem {
    match error {
        rustls::Error::InvalidCertificate(certificate) => of_certificate(certificate, place),
        rustls::Error::AlertReceived(alert) => of_alert(*alert, place),
        rustls::Error::InvalidMessage(_) => Problem::new(Code::BadInput, format!("{} does not speak TLS.", place.name))
            .why(format!("What {} answered is no TLS.", place.host))
            .next(format!("Check the server's address in {}: its port, and whether it begins with http.", place.file)),
        other => Problem::new(Code::TlsUntrusted, format!("No secure connection to {} came about.", place.name))
            .why(format!("{}: {}.", place.host, super::line(&other.to_string())))
            .next(AGAIN),
    }
}

fn of_certificate(error: &CertificateError, place: &Place) -> Problem {
    let Place { name, host, file, .. } = place;
    match error {
        CertificateError::Expired => expired(place, None),
        CertificateError::ExpiredContext { not_after, .. } => expired(place, Some(*not_after)),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            let from = match error {
                CertificateError::NotValidYetContext { not_before, .. } => format!(" before {}", stamp(*not_before)),
                _ => " yet".to_owned(),
            };
            Problem::new(Code::TlsExpired, format!("The certificate of {name} is not valid{from}."))
                .why(format!("It is the server's own certificate, shown by {host}."))
                .next("Check this machine's clock: it may be behind.")
        }
        CertificateError::NotValidForName => wrong_name(place, None),
        CertificateError::NotValidForNameContext { expected, presented } => {
            wrong_name(place, Some((expected.to_str().into_owned(), presented)))
        }
        _ => {
            let whose = if place.own_authority {
                format!("It is signed by another authority than the one that {file} names.")
            } else {
                format!("It is signed by nobody that this machine trusts, and {file} names no authority.")
            };
            Problem::new(Code::TlsUntrusted, format!("The certificate of {name} is not trusted."))
                .why(format!("{whose} It was shown by {host}."))
                .next(format!(
                    "Fetch the cluster's kubeconfig anew, or put its authority into {file}. If nothing was changed \
                     there, somebody else answers at this address."
                ))
        }
    }
}

fn expired(place: &Place, ended: Option<UnixTime>) -> Problem {
    let Place { name, host, .. } = place;
    let when = ended.map_or_else(String::new, |ended| format!(" on {}", stamp(ended)));
    Problem::new(Code::TlsExpired, format!("The certificate of {name} ended{when}."))
        .why(format!("It is the server's own certificate, shown by {host}; yours is not the cause."))
        .next(format!("{AGAIN} An administrator of {name} has to renew it."))
}

fn wrong_name(place: &Place, names: Option<(String, &Vec<String>)>) -> Problem {
    let Place { name, host, file, .. } = place;
    let why = match names {
        None => format!("{host} shows a certificate for other names."),
        Some((asked, names)) => {
            let names: Vec<String> = names.iter().map(|name| plain_name(name)).collect();
            format!("{host} was asked for {asked}; its certificate is for {}.", super::line(&names.join(", ")))
        }
    };
    Problem::new(Code::TlsWrongName, format!("The certificate of {name} is for another name."))
        .why(why)
        .next(format!("Use an address that it names, or set tls-server-name in {file}."))
}

/// rustls writes names as in its own types: `DnsName("a.example")`, `IpAddress(127.0.0.1)`.
fn plain_name(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.trim_matches('"').to_owned()
}

fn of_alert(alert: AlertDescription, place: &Place) -> Problem {
    let Place { name, host, user, file, .. } = place;
    let ours = matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::AccessDenied
    );
    if ours {
        return Problem::new(Code::Unauthenticated, format!("{name} does not accept our client certificate."))
            .why(format!("{host} answered {alert:?} to user {user} of {file}."))
            .next("Sign in again, or fetch the cluster's kubeconfig anew. The file is read again at each attempt.");
    }
    Problem::new(Code::Cut, format!("{name} ended the secure connection."))
        .why(format!("{host} answered {alert:?}."))
        .next(AGAIN)
}

fn stamp(time: UnixTime) -> Stamp {
    Stamp(i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000))
}

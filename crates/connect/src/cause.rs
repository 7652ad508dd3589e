//! Why there was no answer, read out of the chain of errors of an HTTP client: for whoever puts it into words.

use pilothouse_wire::Stamp;
use rustls::{AlertDescription, CertificateError, pki_types::UnixTime};
use std::{error::Error, io};

/// So many errors of a chain are looked at.
const LONGEST: usize = 32;

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No resolver knows the name.
    NameNotFound,
    /// Nothing listens there.
    Refused,
    /// No connection came about in time.
    TimedOut,
    /// This machine has no way there.
    NoWay,
    /// The connection broke before the answer was whole.
    Cut,
    /// A proxy did not let us through; its words.
    Proxy(String),
    /// No secure connection came about.
    Tls(Insecure),
    /// Something else; the words of the innermost error.
    Other(String),
}

/// Why no secure connection came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Insecure {
    /// The certificate is signed by nobody that is trusted.
    Untrusted,
    /// The certificate has ended, and when.
    Ended(Option<Stamp>),
    /// The certificate is not valid yet, and from when it is.
    NotYet(Option<Stamp>),
    /// The certificate is for other names than the one that was asked for.
    OtherName {
        /// The name that was asked for.
        asked: Option<String>,
        /// The names that it is for.
        names: Vec<String>,
    },
    /// The server does not accept our own certificate, or wants one; its word for it.
    OursRefused(String),
    /// The server ended it; its word for it.
    Alert(String),
    /// What answers does not speak TLS.
    NoTls,
    /// Something else, in the library's words.
    Other(String),
}

impl Cause {
    /// Reads it out of an error and all that stand behind it.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let chain = chain(error);
        if let Some(tls) = chain.iter().find_map(|error| error.downcast_ref::<rustls::Error>()) {
            return Self::Tls(of_tls(tls));
        }
        // The resolver's error has no kind and no type that could be asked: only its text tells it from others.
        if chain.iter().any(|error| error.to_string().contains("dns error")) {
            return Self::NameNotFound;
        }
        let kinds = chain.iter().filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
        if let Some(cause) = kinds.into_iter().find_map(of_io) {
            return cause;
        }
        let texts = || chain.iter().map(|error| error.to_string());
        if let Some(text) = texts().find(|text| text.contains("tunnel") || text.contains("SOCKS")) {
            return Self::Proxy(text);
        }
        let is_cut = |error: &hyper::Error| {
            error.is_incomplete_message() || error.is_closed() || error.is_canceled() || error.is_body_write_aborted()
        };
        if chain.iter().filter_map(|error| error.downcast_ref::<hyper::Error>()).any(is_cut) {
            return Self::Cut;
        }
        Self::Other(texts().next_back().unwrap_or_default())
    }
}

/// All errors of a chain. An I/O error hides the one inside it from `source`, so it is asked for that one itself.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut all = vec![error];
    let mut at = 0;
    while at < all.len() && all.len() < LONGEST {
        let inner = all[at].downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        all.extend(inner.map(|inner| inner as &(dyn Error + 'static)));
        all.extend(all[at].source());
        at += 1;
    }
    all
}

fn of_io(kind: io::ErrorKind) -> Option<Cause> {
    Some(match kind {
        io::ErrorKind::ConnectionRefused => Cause::Refused,
        io::ErrorKind::TimedOut => Cause::TimedOut,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => Cause::NoWay,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Cause::Cut,
        _ => return None,
    })
}

fn of_tls(error: &rustls::Error) -> Insecure {
    match error {
        rustls::Error::InvalidCertificate(certificate) => of_certificate(certificate),
        rustls::Error::AlertReceived(alert) => of_alert(*alert),
        rustls::Error::InvalidMessage(_) => Insecure::NoTls,
        other => Insecure::Other(other.to_string()),
    }
}

fn of_certificate(error: &CertificateError) -> Insecure {
    match error {
        CertificateError::Expired => Insecure::Ended(None),
        CertificateError::ExpiredContext { not_after, .. } => Insecure::Ended(Some(stamp(*not_after))),
        CertificateError::NotValidYet => Insecure::NotYet(None),
        CertificateError::NotValidYetContext { not_before, .. } => Insecure::NotYet(Some(stamp(*not_before))),
        CertificateError::NotValidForName => Insecure::OtherName { asked: None, names: Vec::new() },
        CertificateError::NotValidForNameContext { expected, presented } => Insecure::OtherName {
            asked: Some(expected.to_str().into_owned()),
            names: presented.iter().map(|name| plain_name(name)).collect(),
        },
        _ => Insecure::Untrusted,
    }
}

/// rustls writes names as in its own types: `DnsName("a.example")`, `IpAddress(127.0.0.1)`.
fn plain_name(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.trim_matches('"').to_owned()
}

fn of_alert(alert: AlertDescription) -> Insecure {
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
    let word = format!("{alert:?}");
    if ours { Insecure::OursRefused(word) } else { Insecure::Alert(word) }
}

fn stamp(time: UnixTime) -> Stamp {
    Stamp(i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_found_however_deep_it_is() {
        let wrapped = |inner: rustls::Error| io::Error::other(io::Error::other(inner));
        for (error, want) in [
            (io::Error::other(io::Error::from(io::ErrorKind::ConnectionRefused)), Cause::Refused),
            (io::Error::other("dns error: no such host"), Cause::NameNotFound),
            (io::Error::other("unsuccessful tunnel"), Cause::Proxy("unsuccessful tunnel".to_owned())),
            (io::Error::from(io::ErrorKind::UnexpectedEof), Cause::Cut),
            (wrapped(CertificateError::UnknownIssuer.into()), Cause::Tls(Insecure::Untrusted)),
            (wrapped(CertificateError::Expired.into()), Cause::Tls(Insecure::Ended(None))),
            (io::Error::other("words"), Cause::Other("words".to_owned())),
        ] {
            assert_eq!(Cause::of(&error), want);
        }
    }
}

//! The address that a person filled in: scheme, host and path, and no credential in it.

use crate::fields::Fields;
use pilothouse_connect::{FieldSpec, InputSpec};
use pilothouse_wire::Problem;
use reqwest::Url;

/// Key of the field.
pub const URL: &str = "url";
/// Its label.
pub const LABEL: &str = "Address";

/// The field of an address, with its help and an example.
#[must_use]
pub const fn field(help: &'static str, example: &'static str) -> FieldSpec {
    FieldSpec { key: URL, label: LABEL, help, input: InputSpec::Text(example), required: false }
}

/// Why a text is no address that we ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAddress {
    /// It does not read as one.
    Unreadable,
    /// It is for neither HTTP nor HTTPS.
    Scheme,
    /// There is a user name or a password in it.
    Credential,
    /// It goes on behind its path.
    More,
    /// It names no host.
    Host,
}

/// Where a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address without a `/` at its end; paths of the API are appended.
    base: String,
    /// Host and port.
    pub host: String,
    /// Is the way secured by TLS?
    pub tls: bool,
    /// Is it this machine? Then no proxy is asked.
    pub here: bool,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// If it is none, or says more than scheme, host and path.
    pub fn parse(text: &str) -> Result<Self, NoAddress> {
        let url = Url::parse(text).map_err(|_| NoAddress::Unreadable)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(NoAddress::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NoAddress::Credential);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(NoAddress::More);
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(NoAddress::Host)?;
        let bare = host.trim_matches(['[', ']']);
        Ok(Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            host: format!("{host}:{}", url.port_or_known_default().unwrap_or_default()),
            tls: url.scheme() == "https",
            here: bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        })
    }

    /// The address that was filled in.
    ///
    /// # Errors
    /// As [`Address::parse`]. It is not repeated then: there may be a credential in it.
    pub fn of(fields: &Fields<'_>) -> Result<Self, Problem> {
        Self::parse(fields.required(URL)?).map_err(|why| {
            fields.bad(
                URL,
                match why {
                    NoAddress::Unreadable => "It is no address: write it as https://host:port/path.",
                    NoAddress::Scheme => "It begins with neither https:// nor http://.",
                    NoAddress::Credential => {
                        "It has a user name or a password in it, and addresses are shown and logged. Both have fields of \
                         their own."
                    }
                    NoAddress::More => "It goes on behind a ? or a #. Only scheme, host, port and path are wanted.",
                    NoAddress::Host => "It names no host.",
                },
            )
        })
    }

    /// The address of a path of the API, which begins with `/`.
    #[must_use]
    pub fn with(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The address for people.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.base
    }

    /// Its path, if it has one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        let (_, rest) = self.base.split_once("://")?;
        rest.find('/').map(|at| &rest[at..])
    }
}

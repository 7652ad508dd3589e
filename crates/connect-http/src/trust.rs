//! Whose certificates are believed: those that this machine trusts, those of a file, or, loudly, anybody's.

use crate::{address::Address, fields::Fields};
use pilothouse_connect::{FieldSpec, InputSpec};
use pilothouse_wire::Problem;
use reqwest::Certificate;
use std::{fs::File, io::Read, path::Path};

const CA: &str = "ca";
const INSECURE: &str = "insecure";

/// No file of authorities is larger.
const LARGEST: u64 = 4 << 20;

/// A file of authorities.
pub const CA_FIELD: FieldSpec = FieldSpec {
    key: CA,
    label: "Authority file",
    help: "A file of certificates in PEM: only what they signed is believed. Empty: what this machine trusts.",
    input: InputSpec::Text("/etc/ssl/monitoring-ca.pem"),
    required: false,
};

/// Certificates are not checked.
pub const INSECURE_FIELD: FieldSpec = FieldSpec {
    key: INSECURE,
    label: "Do not check the server's certificate",
    help: "Whoever answers at the address is believed and is sent the credential. Never for production.",
    input: InputSpec::Toggle,
    required: false,
};

/// Whose certificates are believed.
#[derive(Clone, Default)]
pub struct Trust {
    /// Those of the file, if one is named.
    pub authorities: Vec<Certificate>,
    /// The file.
    pub file: Option<String>,
    /// Is nothing checked, though there is something to check?
    pub insecure: bool,
}

impl Trust {
    /// What was filled in; reads the file.
    ///
    /// # Errors
    /// If the file cannot be read, or has no certificate in it.
    pub fn of(fields: &Fields<'_>, address: &Address) -> Result<Self, Problem> {
        let insecure = fields.is_set(INSECURE) && address.tls;
        let Some(file) = fields.text(CA) else { return Ok(Self { insecure, ..Self::default() }) };
        let authorities = authorities(Path::new(file)).map_err(|why| fields.bad(CA, format!("{file}: {why}.")))?;
        Ok(Self { authorities, file: Some(file.to_owned()), insecure })
    }
}

/// The certificates in a file of PEM. Blocks.
///
/// # Errors
/// Why there is none.
pub fn authorities(file: &Path) -> Result<Vec<Certificate>, String> {
    let mut pem = Vec::new();
    let read = File::open(file).and_then(|opened| opened.take(LARGEST).read_to_end(&mut pem));
    read.map_err(|error| error.to_string())?;
    let found = Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if found.is_empty() { Err("there is no certificate in it".into()) } else { Ok(found) }
}

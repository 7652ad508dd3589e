//! Bytes held against their digest: what a registry sends is believed no further than that.

use pilothouse_wire::SmolStr;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// Why bytes are not taken for what a digest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// They are other bytes; the digest that they have.
    Other(SmolStr),
    /// By an algorithm that we do not know.
    Unknown(SmolStr),
}

/// The digest of bytes, by SHA-256.
#[must_use]
pub fn of(bytes: &[u8]) -> SmolStr {
    format!("sha256:{}", hex(&Sha256::digest(bytes))).into()
}

/// Holds bytes against a digest.
///
/// # Errors
/// If they do not fit, or nobody here can tell.
pub fn check(digest: &str, bytes: &[u8]) -> Result<(), Unproven> {
    let (algorithm, _) = digest.split_once(':').unwrap_or((digest, ""));
    let actual = match algorithm {
        "sha256" => hex(&Sha256::digest(bytes)),
        "sha384" => hex(&Sha384::digest(bytes)),
        "sha512" => hex(&Sha512::digest(bytes)),
        other => return Err(Unproven::Unknown(other.into())),
    };
    let actual = format!("{algorithm}:{actual}");
    if actual == digest { Ok(()) } else { Err(Unproven::Other(actual.into())) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_what_their_digest_says_or_not() {
        // The empty JSON object, whose digest the OCI specification names.
        let empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        assert_eq!(of(b"{}"), empty);
        assert_eq!(check(empty, b"{}"), Ok(()));
        assert_eq!(check(empty, b"[]"), Err(Unproven::Other(of(b"[]"))));
        assert_eq!(check(&empty.to_uppercase(), b"{}"), Err(Unproven::Unknown("SHA256".into())));
        assert_eq!(check("md5:77", b"{}"), Err(Unproven::Unknown("md5".into())));
        let long = format!("sha512:{}", hex(&Sha512::digest(b"{}")));
        assert_eq!(check(&long, b"{}"), Ok(()));
    }
}

//! The certificate by which a door shows who it is, from files that its owner gives.

use pilothouse_wire::{Code, Problem};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{fmt, path::Path, sync::Arc};

/// A certificate with its key, ready to be shown.
#[derive(Clone)]
pub struct Identity(Arc<ServerConfig>);

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}

impl Identity {
    /// Reads the certificate, with those that vouch for it behind it, and its key: both PEM.
    ///
    /// # Errors
    /// A file cannot be read, or the two do not belong together; never with anything of the key.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, Problem> {
        let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = chain.map_err(|error| unreadable("certificate", certificate, &error.to_string()))?;
        if chain.is_empty() {
            return Err(unreadable("certificate", certificate, "it has no certificate in PEM"));
        }
        // What is wrong with a key is not said in the words of its parser, which might hold some of it.
        let secret = PrivateKeyDer::from_pem_file(key)
            .map_err(|_| unreadable("key", key, "it is not there, may not be read, or holds no key in PEM"))?;
        // The provider is named here, and not left to the process: a door must not depend on who started it.
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret));
        let mut config = config.map_err(|error| {
            Problem::new(Code::BadInput, "The certificate and the key cannot be used together.")
                .why(format!("{error}."))
                .next("Give the certificate that was made for this key.")
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn acceptor(&self) -> tokio_rustls::TlsAcceptor {
        tokio_rustls::TlsAcceptor::from(Arc::clone(&self.0))
    }
}

fn unreadable(what: &str, path: &Path, why: &str) -> Problem {
    Problem::new(Code::BadInput, format!("The {what} {} cannot be used.", path.display()))
        .why(format!("{why}."))
        .next("Give files in PEM with --cert and --key.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_pair_that_belongs_together_is_read_and_all_else_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let made = |name: &str| rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let (own, other) = (made("wall.example"), made("other.example"));
        let certificate = file("cert.pem", &own.cert.pem());
        let key = file("key.pem", &own.signing_key.serialize_pem());
        let others = file("other.pem", &other.signing_key.serialize_pem());
        let (empty, missing) = (file("empty.pem", ""), folder.path().join("missing.pem"));
        assert!(Identity::read(&certificate, &key).is_ok());
        for (certificate, key, named) in [
            (&missing, &key, "missing.pem"),
            (&empty, &key, "empty.pem"),
            (&certificate, &empty, "empty.pem"),
            (&certificate, &certificate, "cert.pem"),
            (&certificate, &others, "used together"),
        ] {
            let problem = Identity::read(certificate, key).unwrap_err();
            assert!(problem.what.contains(named), "{problem}");
            assert!(!problem.to_string().contains("PRIVATE"), "{problem}");
        }
    }
}

//! Certificates that are not to be believed, and one that is, shown by a server of ours.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use common::open;
use pilothouse_connect::Clock;
use pilothouse_wire::Code;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

/// An authority, and its certificate in a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: tempfile::NamedTempFile,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), issuer.pem()).unwrap();
        Self { issuer, file }
    }

    fn path(&self) -> String {
        self.file.path().display().to_string()
    }

    /// A server with a certificate of this authority, for a name and until a year. It says 401 to all.
    async fn serve(&self, name: &str, until: i32) -> (String, JoinSet<()>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(until, 2, 3);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = TlsAcceptor::from(Arc::new(config.clone())).accept(stream).await else { continue };
                let _ = stream.read(&mut [0; 4_096]).await;
                let _ = stream.write_all(b"HTTP/1.1 401 X\r\ncontent-length: 0\r\n\r\n").await;
            }
        });
        (url, tasks)
    }
}

async fn code(fields: &[(&str, &str)]) -> (Code, String) {
    let problem = open(fields, Clock::system()).unwrap().probe().await.unwrap_err();
    (problem.code, problem.to_string())
}

#[tokio::test]
async fn a_certificate_is_believed_if_its_authority_is() {
    let (own, other) = (Authority::new(), Authority::new());
    let (url, _server) = own.serve("127.0.0.1", 2_090).await;
    let url = ("url", url.as_str());
    // Believed: the server itself is heard, and says 401.
    assert_eq!(code(&[url, ("ca", &own.path())]).await.0, Code::Unauthenticated);
    assert_eq!(code(&[url, ("insecure", "true")]).await.0, Code::Unauthenticated);
    let (untrusted, said) = code(&[url, ("ca", &other.path())]).await;
    assert!(untrusted == Code::TlsUntrusted && said.contains(&other.path()), "{said}");
    assert_eq!(code(&[url]).await.0, Code::TlsUntrusted);
}

#[tokio::test]
async fn a_certificate_that_ended_or_is_for_another_name_is_told_as_that() {
    let own = Authority::new();
    let ca = own.path();
    let (url, _old) = own.serve("127.0.0.1", 2_020).await;
    let (ended, said) = code(&[("url", &url), ("ca", &ca)]).await;
    assert!(ended == Code::TlsExpired && said.contains("2020-02-03"), "{said}");
    let (url, _elsewhere) = own.serve("prom.example.org", 2_090).await;
    let (named, said) = code(&[("url", &url), ("ca", &ca)]).await;
    assert!(named == Code::TlsWrongName && said.contains("prom.example.org"), "{said}");
}

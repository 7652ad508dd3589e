//! Certificates of the tests: an authority of our own, and what it signs, good or expired.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::failure::{Context, Result};

/// A certificate and its private key, as PEM.
pub struct Pair {
    /// The certificate.
    pub cert_pem: String,
    /// The private key that belongs to it (PKCS#8, ECDSA P-256).
    pub key_pem: String,
}

/// Whether a certificate is valid today.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// Valid for the lifetime of this project.
    Good,
    /// Ended in 2021.
    Expired,
}

/// A certificate authority. Make a second one to get certificates that a client must refuse.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// A new authority with a key of its own.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = params(name, None, &[], Validity::Good)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let issuer = CertifiedIssuer::self_signed(params, key()?).could_not("sign an authority")?;
        Ok(Self { issuer })
    }

    /// The authority's own certificate, for those who are to trust it.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A server's certificate for host names and addresses.
    pub fn server(&self, hosts: &[&str], validity: Validity) -> Result<Pair> {
        let name = hosts.first().copied().unwrap_or("server");
        let mut params = params(name, None, hosts, validity)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    /// A client's certificate: Kubernetes reads the user from the common name and a group
    /// from the organization.
    pub fn client(&self, user: &str, group: Option<&str>, validity: Validity) -> Result<Pair> {
        let mut params = params(user, group, &[], validity)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    fn sign(&self, mut params: CertificateParams) -> Result<Pair> {
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = key()?;
        let cert = params.signed_by(&key, &self.issuer).could_not("sign a certificate")?;
        Ok(Pair { cert_pem: cert.pem(), key_pem: key.serialize_pem() })
    }
}

/// A private key and its public half as PEM, with no certificate: what signs and checks the
/// tokens of service accounts.
pub(crate) fn signing_keys() -> Result<(String, String)> {
    let key = key()?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

fn key() -> Result<KeyPair> {
    KeyPair::generate().could_not("make a key")
}

fn params(name: &str, group: Option<&str>, hosts: &[&str], validity: Validity) -> Result<CertificateParams> {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).could_not("name a certificate's hosts")?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(group) = group {
        params.distinguished_name.push(DnType::OrganizationName, group);
    }
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = match validity {
        Validity::Good => date_time_ymd(2120, 1, 1),
        Validity::Expired => date_time_ymd(2021, 1, 1),
    };
    Ok(params)
}

//! A credential: headers to send, and a certificate to show.

use super::LARGEST_MIB;
use crate::{
    kubeconfig::{Placed, User},
    small_file,
};
use base64::Engine;
use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use pilothouse_connect::GONE;
use pilothouse_wire::{Code, Problem, Stamp};
use secrecy::{ExposeSecret, SecretString};
use std::{path::PathBuf, sync::Arc};

/// What is sent and shown to be known.
#[derive(Clone, Debug, Default)]
pub struct Credential {
    /// Headers; those with secrets are marked sensitive, so that nothing prints them.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The client certificate. Another one means another client: connections are made with it.
    pub identity: Option<Arc<Identity>>,
    /// When it ends, if it says.
    pub ends: Option<Stamp>,
}

/// A client certificate with its key, as PEM.
#[derive(Debug)]
pub struct Identity {
    /// The certificate and those that it leads to.
    pub certificate: String,
    /// The private key.
    pub key: SecretString,
}

impl Identity {
    /// When the certificate ends, if that can be read.
    #[must_use]
    pub fn ends(&self) -> Option<Stamp> {
        super::validity::ends(&self.certificate)
    }
}

impl Credential {
    /// What stands in the kubeconfig itself.
    pub(super) fn of_user(user: &Placed<User>) -> Result<Self, Problem> {
        let it = &user.it;
        let mut credential = Self { identity: identity(user)?.map(Arc::new), ..Self::default() };
        if let Some(token) = it.token.as_ref().filter(|token| !token.expose_secret().is_empty()) {
            credential = credential.with_token(token)?;
        } else if let (Some(name), Some(password)) = (&it.username, &it.password) {
            let pair = SecretString::from(format!("{name}:{}", password.expose_secret()));
            let encoded = base64::engine::general_purpose::STANDARD.encode(pair.expose_secret());
            credential.headers.push((AUTHORIZATION, secret_header(&format!("Basic {encoded}"))?));
        }
        if let Some(whom) = it.act_as.as_ref().filter(|whom| !whom.is_empty()) {
            credential.headers.push((HeaderName::from_static("impersonate-user"), plain_header(whom)?));
            for group in it.as_groups.iter().flatten() {
                credential.headers.push((HeaderName::from_static("impersonate-group"), plain_header(group)?));
            }
        }
        Ok(credential)
    }

    /// The same with a bearer token.
    pub(super) fn with_token(mut self, token: &SecretString) -> Result<Self, Problem> {
        self.headers.retain(|(name, _)| *name != AUTHORIZATION);
        self.headers.push((AUTHORIZATION, secret_header(&format!("Bearer {}", token.expose_secret()))?));
        Ok(self)
    }

    /// Does it say who we are by a header?
    pub(super) fn signs_in(&self) -> bool {
        self.headers.iter().any(|(name, _)| *name == AUTHORIZATION)
    }

    /// A text of the server without what was sent to it: some servers and proxies repeat a credential as they refuse it.
    #[must_use]
    pub fn taken_out_of(&self, mut text: String) -> String {
        for (_, value) in self.headers.iter().filter(|(_, value)| value.is_sensitive()) {
            let Some((scheme, sent)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else { continue };
            let password = if scheme == "Basic" { password(sent) } else { None };
            // Shorter ones are no secrets, and parts of words.
            for secret in [Some(sent.to_owned()), password].into_iter().flatten().filter(|secret| secret.len() >= 6) {
                text = text.replace(&secret, GONE);
            }
        }
        text
    }

    /// Puts the headers into a request.
    pub fn apply(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
    }
}

/// The password of a pair in base64.
fn password(pair: &str) -> Option<String> {
    let pair = base64::engine::general_purpose::STANDARD.decode(pair).ok()?;
    String::from_utf8(pair).ok()?.split_once(':').map(|(_, password)| password.to_owned())
}

fn secret_header(text: &str) -> Result<HeaderValue, Problem> {
    let mut value = plain_header(text)?;
    value.set_sensitive(true);
    Ok(value)
}

fn plain_header(text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(text).map_err(|_| {
        Problem::new(Code::BadInput, "A token or name of the kubeconfig has a character that cannot be sent.")
            .why("It contains a line break or another control character.")
            .next("Correct it; it is read again at the next attempt.")
    })
}

fn identity(user: &Placed<User>) -> Result<Option<Identity>, Problem> {
    let it = &user.it;
    let certificate =
        pem(user, "client-certificate", it.client_certificate_data.as_deref(), it.client_certificate.as_deref())?;
    let key = pem(
        user,
        "client-key",
        it.client_key_data.as_ref().map(ExposeSecret::expose_secret),
        it.client_key.as_deref(),
    )?;
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            Ok(Some(Identity { certificate: certificate.expose_secret().to_owned(), key }))
        }
        (has, _) => {
            let (here, absent) =
                if has.is_some() { ("client-certificate", "client-key") } else { ("client-key", "client-certificate") };
            Err(Problem::new(Code::BadInput, format!("User \"{}\" has a {here} but no {absent}.", user.name))
                .next(format!("Add {absent} to {}.", user.file.display())))
        }
    }
}

/// PEM out of base64, or out of a file.
pub fn pem<T>(
    of: &Placed<T>,
    field: &str,
    data: Option<&str>,
    file: Option<&str>,
) -> Result<Option<SecretString>, Problem> {
    let cannot = |what: String, why: String| {
        Problem::new(Code::BadInput, what).why(why).next("Correct it; it is read again at the next attempt.")
    };
    let text = if let Some(data) = data.filter(|data| !data.is_empty()) {
        let compact: String = data.split_ascii_whitespace().collect();
        let what = || format!("{field}-data of \"{}\" in {} cannot be used.", of.name, of.file.display());
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(compact)
            .map_err(|_| cannot(what(), "It is not base64.".to_owned()))?;
        String::from_utf8(bytes).map_err(|_| cannot(what(), "It is not PEM.".to_owned()))?
    } else if let Some(file) = file.filter(|file| !file.is_empty()) {
        let path: PathBuf = of.path(file);
        small_file::read(&path, LARGEST_MIB)
            .map_err(|why| cannot(format!("{} cannot be used as {field}.", path.display()), why.reason()))?
    } else {
        return Ok(None);
    };
    Ok(Some(SecretString::from(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_taken_out_of_what_the_server_says() {
        let token = Credential::default().with_token(&SecretString::from("s3cret-token")).unwrap();
        let said = |text: &str| token.taken_out_of(text.to_owned());
        assert_eq!(said("Bearer s3cret-token is unknown: s3cret-token"), "Bearer … is unknown: …");
        let pair = base64::engine::general_purpose::STANDARD.encode("ann:hunter22");
        let basic = Credential {
            headers: vec![(AUTHORIZATION, secret_header(&format!("Basic {pair}")).unwrap())],
            ..Credential::default()
        };
        assert_eq!(basic.taken_out_of(format!("no {pair}, ann has not hunter22")), "no …, ann has not …");
        let short = Credential::default().with_token(&SecretString::from("t")).unwrap();
        assert_eq!(short.taken_out_of("that".to_owned()), "that");
    }
}

//! What a plug-in prints: an ExecCredential, and complaints of which one line is kept.

use super::credential::{Credential, Identity};
use pilothouse_connect::{GONE, redact_words};
use pilothouse_wire::Stamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential {
    kind: String,
    #[serde(default)]
    api_version: String,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<String>,
    token: Option<SecretString>,
    client_certificate_data: Option<String>,
    client_key_data: Option<SecretString>,
}

/// Reads a printed credential. The reasons are sentences that quote nothing of it.
pub(crate) fn read(printed: &[u8], version: &str, fixed: &Credential) -> Result<Credential, String> {
    if printed.iter().all(u8::is_ascii_whitespace) {
        return Err("It ended well and printed nothing.".to_owned());
    }
    let read: ExecCredential =
        serde_json::from_slice(printed).map_err(|_| "What it printed is no ExecCredential in JSON.".to_owned())?;
    if read.kind != "ExecCredential" {
        return Err("What it printed is JSON, but no ExecCredential.".to_owned());
    }
    if read.api_version != version {
        return Err("It printed another apiVersion than the kubeconfig asks for.".to_owned());
    }
    let status = read.status.ok_or("Its ExecCredential has no status, and so no credential.")?;
    let mut credential = fixed.clone();
    credential.ends = match status.expiration_timestamp {
        None => None,
        Some(text) => Some(text.parse::<Stamp>().map_err(|_| "Its expirationTimestamp is no time.")?),
    };
    let token = status.token.filter(|token| !token.expose_secret().is_empty());
    let pair = match (status.client_certificate_data, status.client_key_data) {
        (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
        (None, None) => None,
        _ => {
            return Err(
                "Its ExecCredential has a certificate without a key, or a key without a certificate.".to_owned()
            );
        }
    };
    if token.is_none() && pair.is_none() {
        return Err("Its ExecCredential has neither a token nor a certificate.".to_owned());
    }
    if let Some(token) = token {
        credential = credential.with_token(&token).map_err(|_| "Its token has a character that cannot be sent.")?;
    }
    if let Some(pair) = pair {
        credential.identity = Some(Arc::new(pair));
    }
    Ok(credential)
}

/// The last line of what it complained, with anything that may be a secret taken out, and what it was given in secret.
pub(crate) fn last_line(complaint: &[u8], given: &[&str]) -> Option<String> {
    let text = String::from_utf8_lossy(complaint);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    let line = given.iter().fold(line.to_owned(), |line, secret| line.replace(secret, GONE));
    Some(crate::problems::line(&redact_words(&line))).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const V1: &str = "client.authentication.k8s.io/v1";

    #[track_caller]
    fn check(printed: &str, want: Result<&str, &str>) {
        let got = read(printed.as_bytes(), V1, &Credential::default()).map(|credential| {
            let header = credential.headers.first().and_then(|(_, value)| value.to_str().ok());
            let ends = credential.ends.map_or_else(|| "never".to_owned(), |ends| ends.to_string());
            format!("{}, {}, {ends}", header.unwrap_or("no token"), credential.identity.map_or("", |_| "certificate"))
        });
        assert_eq!(got.as_deref().map_err(String::as_str), want);
    }

    #[test]
    fn a_printed_credential_is_read() {
        let credential = |status: &str| format!(r#"{{"kind":"ExecCredential","apiVersion":"{V1}","status":{status}}}"#);
        check(&credential(r#"{"token":"t"}"#), Ok("Bearer t, , never"));
        check(
            &credential(r#"{"token":"t","expirationTimestamp":"2026-11-24T03:12:44Z"}"#),
            Ok("Bearer t, , 2026-11-24T03:12:44Z"),
        );
        check(&credential(r#"{"clientCertificateData":"c","clientKeyData":"k"}"#), Ok("no token, certificate, never"));
        check(
            &credential(r#"{"clientCertificateData":"c"}"#),
            Err("Its ExecCredential has a certificate without a key, or a key without a certificate."),
        );
        check(&credential("{}"), Err("Its ExecCredential has neither a token nor a certificate."));
        check(&credential("null"), Err("Its ExecCredential has no status, and so no credential."));
        check(&credential(r#"{"token":"a\nb"}"#), Err("Its token has a character that cannot be sent."));
        check(&credential(r#"{"token":"t","expirationTimestamp":"soon"}"#), Err("Its expirationTimestamp is no time."));
        check(" \n", Err("It ended well and printed nothing."));
        check("please log in", Err("What it printed is no ExecCredential in JSON."));
        check(r#"{"kind":"Pod"}"#, Err("What it printed is JSON, but no ExecCredential."));
        check(
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"t"}}"#,
            Err("It printed another apiVersion than the kubeconfig asks for."),
        );
    }

    #[test]
    fn the_last_words_have_no_secret() {
        for (complaint, want) in [
            ("", None),
            ("one\ntwo\n\n", Some("two")),
            ("error: --token hunter2 is no good", Some("error: --token … is no good")),
            (
                "cannot sign in: s3cret, password: \"hunter2\" (see -p hunter2)",
                Some("cannot sign in: …, password: \"…\" (see -p …)"),
            ),
            ("getting credentials: exec: aws failed", Some("getting credentials: exec: aws failed")),
            ("bad token eyJhbGciOiJSUzI1NiIsImtpZCI6IjEyMyJ9.e30.abc", Some("bad token …")),
            ("see https://me:hunter2@sso.example/x?token=abc", Some("see https://sso.example/x?token=…")),
            (
                "cannot open /usr/local/share/some-tool/configuration.yaml",
                Some("cannot open /usr/local/share/some-tool/configuration.yaml"),
            ),
            ("\u{1b}[31mred\u{1b}[0m", Some("[31mred[0m")),
        ] {
            assert_eq!(last_line(complaint.as_bytes(), &["s3cret"]).as_deref(), want, "{complaint}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = (read(&bytes, V1, &Credential::default()), last_line(&bytes, &[]));
        }
    }
}

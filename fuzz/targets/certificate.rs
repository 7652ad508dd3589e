//! Client certificates, of which one date is read.
#![no_main]

use pilothouse_connect_kube::auth::Identity;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // As PEM with anything around it, and as the DER in it.
    let text = String::from_utf8_lossy(bytes).into_owned();
    let der = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64(bytes));
    for certificate in [text, der] {
        if let Some(ends) = (Identity { certificate, key: String::new().into() }).ends() {
            assert_eq!(ends.to_string().parse(), Ok(ends));
        }
    }
});

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(part.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            text.push(if at > part.len() { '=' } else { char::from(LETTERS[bits >> (18 - 6 * at) & 63]) });
        }
    }
    text
}

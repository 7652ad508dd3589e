//! The status of a call of gRPC, as a failure. Codes are counted as what HTTP has for them, by the mapping in
//! `google/rpc/code.proto` of `googleapis/googleapis`; the code itself is in the words.

use crate::{
    failure::{Failure, Kind},
    hearing::short,
};
use http::HeaderMap;

/// The codes, by their numbers: the name, and the status of HTTP.
const CODES: [(&str, u16); 17] = [
    ("OK", 200),
    ("CANCELLED", 499),
    ("UNKNOWN", 500),
    ("INVALID_ARGUMENT", 400),
    ("DEADLINE_EXCEEDED", 504),
    ("NOT_FOUND", 404),
    ("ALREADY_EXISTS", 409),
    ("PERMISSION_DENIED", 403),
    ("RESOURCE_EXHAUSTED", 429),
    ("FAILED_PRECONDITION", 400),
    ("ABORTED", 409),
    ("OUT_OF_RANGE", 400),
    ("UNIMPLEMENTED", 501),
    ("INTERNAL", 500),
    ("UNAVAILABLE", 503),
    ("DATA_LOSS", 500),
    ("UNAUTHENTICATED", 401),
];

/// What these headers say of a call, those in front of the answer or those behind it; none where they say nothing.
pub fn of(headers: &HeaderMap) -> Option<Result<(), Failure>> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let code = text("grpc-status")?;
    let known = code.parse::<usize>().ok().and_then(|code| CODES.get(code).map(|of| (code, of)));
    let words = short(&decoded(text("grpc-message").unwrap_or_default()));
    let Some((number, (name, status))) = known else {
        return Some(Err(Failure::new(Kind::Other, format!("gRPC status {}: {words}", short(code)))));
    };
    let kind = match *name {
        "OK" => return Some(Ok(())),
        "DEADLINE_EXCEEDED" => Kind::TimedOut,
        "CANCELLED" => Kind::Cut,
        _ => Kind::of_status(*status),
    };
    Some(Err(Failure::new(kind, format!("{name} ({number}): {words}").trim_end_matches(": "))))
}

/// Is it that the server does not have this method?
pub fn is_unimplemented(failure: &Failure) -> bool {
    failure.detail.starts_with("UNIMPLEMENTED")
}

/// A message is percent-encoded; what is no such code stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let code = (*first == b'%').then(|| more.get(..2)).flatten();
        // A sign is no digit, though a number may have one.
        let code = code.filter(|code| code.iter().all(u8::is_ascii_hexdigit));
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &more[2..] } else { more };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn headers(code: &str, message: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from_str(code).unwrap());
        headers.insert("grpc-message", HeaderValue::from_str(message).unwrap());
        headers
    }

    #[test]
    fn a_status_is_counted_as_what_http_has_for_it() {
        for (code, kind, want) in [
            ("3", Kind::Rejected, "INVALID_ARGUMENT (3): x has shape [1, 4]"),
            ("4", Kind::TimedOut, "DEADLINE_EXCEEDED (4)"),
            ("5", Kind::NotFound, "NOT_FOUND (5)"),
            ("7", Kind::Denied, "PERMISSION_DENIED (7)"),
            ("8", Kind::TooMany, "RESOURCE_EXHAUSTED (8)"),
            ("12", Kind::ServerFailed, "UNIMPLEMENTED (12)"),
            ("14", Kind::ServerFailed, "UNAVAILABLE (14)"),
            ("16", Kind::Unauthenticated, "UNAUTHENTICATED (16)"),
            ("17", Kind::Other, "gRPC status 17"),
            ("-1", Kind::Other, "gRPC status -1"),
            ("no", Kind::Other, "gRPC status no"),
        ] {
            let failure = of(&headers(code, "x has shape %5B1, 4%5D")).unwrap().unwrap_err();
            assert!(failure.kind == kind && failure.detail.starts_with(want), "{code}: {failure:?}");
            assert!(failure.detail.ends_with("x has shape [1, 4]"), "{failure:?}");
        }
        assert_eq!(of(&headers("0", "")), Some(Ok(())));
        assert_eq!(of(&HeaderMap::new()), None);
        assert_eq!(of(&headers("5", "")).unwrap().unwrap_err().detail, "NOT_FOUND (5)");
    }

    #[test]
    fn a_message_is_decoded_and_what_is_no_code_stays() {
        for (text, want) in [
            ("a%20b", "a b"),
            ("100%", "100%"),
            ("%zz", "%zz"),
            ("%+1", "%+1"),
            ("%E2%82%AC", "€"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(decoded(text), want);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_read(text in ".{0,40}") {
            let _ = decoded(&text);
        }
    }
}

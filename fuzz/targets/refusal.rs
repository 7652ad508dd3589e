//! Answers that say no: their Status, their `Retry-After`, and every other header that is read.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_connect::{Backoff, Service};
use pilothouse_connect_kube::{failure::Failure, fuzzing, place::Place, problems};
use std::{sync::Arc, time::Duration};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    // The status, then the header up to the end of its line, then the body.
    let [first, second, rest @ ..] = bytes else { return Corpus::Reject };
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (header, body) = (std::str::from_utf8(&rest[..end]).ok(), rest.get(end + 1..).unwrap_or_default());
    let refusal = fuzzing::refused(u16::from_be_bytes([*first, *second]), header, body);
    assert!(Backoff::default().wait(refusal.retry_after) <= Duration::from_secs(300));
    let (service, _) = Service::parse("monitoring/prometheus:9090").expect("it is one");
    let beyond = problems::beyond(&refusal, &service, &place());
    assert!(beyond.why.as_ref().is_none_or(|why| why.chars().count() < 400), "{beyond}");
    let problem = Failure::Refusal(Box::new(refusal)).problem(&place());
    assert!(!problem.what.is_empty() && problem.why.as_ref().is_none_or(|why| why.chars().count() < 400), "{problem}");
    if let Some(date) = header.and_then(fuzzing::date) {
        assert_eq!(date.to_string().parse(), Ok(date));
    }
    Corpus::Keep
});

fn place() -> Place {
    Place {
        name: "iad".to_owned(),
        address: "https://a".to_owned(),
        host: "a:443".to_owned(),
        proxy: None,
        file: "kubeconfig".to_owned(),
        user: "nobody".to_owned(),
        own_authority: false,
        identity: Arc::default(),
    }
}

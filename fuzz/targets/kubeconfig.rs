//! Kubeconfig files, up to where something is contacted: whatever is in them, there is an answer in words.
#![no_main]

use pilothouse_connect::Clock;
use pilothouse_connect_kube::{
    auth::{self, Auth},
    fuzzing,
    kubeconfig::{Context, User},
    place::Place,
    target::Target,
};
use pilothouse_wire::Stamp;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let merged = fuzzing::kubeconfig(text);
    for context in &merged.contexts {
        if let Ok(context) = merged.context(&context.name) {
            open(&context);
        }
    }
    let contexts = merged.contexts.len();
    let offers = fuzzing::offers(merged);
    assert!(offers.offered.len() + offers.problems.len() >= contexts, "a context is neither offered nor told of");
    for (offered, _) in &offers.offered {
        let server = offered.server.as_deref().unwrap_or_default();
        assert!(!server.contains("://") || !authority(server).contains('@'), "credentials are offered: {server}");
    }
});

/// As a connection does when it begins, unless the file leads to other files: of those there are none here.
fn open(context: &Context) {
    let way = auth::signs_in(context.user.as_ref());
    let _ = Place::of("iad", context, &way);
    if context.cluster.it.certificate_authority.is_none() {
        let _ = Target::new(context, false).map(|target| (target.is_insecure(), target.proxy_host()));
    }
    let files = |user: &User| user.client_certificate.is_some() || user.client_key.is_some();
    if !context.user.as_ref().is_some_and(|user| files(&user.it)) {
        let _ = Auth::new(context, &[], Clock::of(|| Stamp(0))).map(|auth| auth.unconfirmed());
    }
}

fn authority(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

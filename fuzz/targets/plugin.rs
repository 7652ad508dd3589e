//! What credential plug-ins print and complain.
#![no_main]

use pilothouse_connect_kube::fuzzing;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for version in ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"] {
        match fuzzing::printed(bytes, version) {
            Ok(credential) => {
                assert!(credential.identity.is_some() || !credential.headers.is_empty(), "it lets nobody in");
                for (name, value) in &credential.headers {
                    assert!(value.is_sensitive(), "{name} would be printed");
                }
                let _ = credential.identity.map(|identity| identity.ends());
            }
            Err(why) => assert!(why.len() < 200 && !why.contains('\n'), "{why}"),
        }
    }
    if let Some(line) = fuzzing::last_line(bytes) {
        assert!(!line.is_empty() && line.chars().count() <= 201 && !line.contains(char::is_control), "{line}");
    }
});

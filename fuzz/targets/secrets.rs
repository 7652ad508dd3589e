//! Secrets at rest, once they are decrypted.
#![no_main]

use pilothouse_vault::fuzzing;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some(text) = fuzzing::secrets(bytes) {
        let again = fuzzing::secrets(&text).expect("what is written reads back");
        assert!(*again == *text, "it reads back as something else");
    }
});

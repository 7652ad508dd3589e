//! Quantities: a thousandth is a thousandth of the whole.
#![no_main]

use pilothouse_connect_kube::facts::{milli, whole};

libfuzzer_sys::fuzz_target!(|text: &str| {
    assert_eq!(whole(text).is_some(), milli(text).is_some());
    if let (Some(whole), Some(milli)) = (whole(text), milli(text))
        && milli < u64::MAX
    {
        assert_eq!(milli.div_ceil(1_000), whole);
    }
    if let Ok(number) = text.parse::<u64>() {
        assert_eq!(whole(text), Some(number));
    }
});

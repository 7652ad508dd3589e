//! Conditions of analyses, and values that are held against them: what is not understood is not told, and never guessed.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_world::delivery::condition::{Value, compared, holds};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    // A line is the condition, and what follows it the value.
    let Ok(text) = std::str::from_utf8(bytes) else { return Corpus::Reject };
    let Some((condition, value)) = text.split_once('\n') else { return Corpus::Reject };
    let Some(value) = Value::read(value) else { return Corpus::Keep };
    let told = holds(condition, &value);
    if let Some(compared) = compared(condition, &value, false) {
        // The only comparison of a condition is the condition.
        let is_alone =
            !condition.contains(['&', '|', '!', '(']) && !condition.contains("not") && !condition.contains("and");
        if is_alone && !condition.contains("or") {
            assert_eq!(told, Some(compared.holds));
        }
    }
    // What holds does not hold turned around.
    let turned = holds(&format!("!({condition})"), &value);
    if let (Some(told), Some(turned)) = (told, turned) {
        assert_ne!(told, turned);
    }
    Corpus::Keep
});

//! Filters: what is read prints as something that reads the same.
#![no_main]

use pilothouse_wire::filter::Filter;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(filter) = text.parse::<Filter>() else { return };
    let again = filter.to_string().parse::<Filter>();
    assert_eq!(again.as_ref(), Ok(&filter), "printed as {filter}");
    assert_eq!(filter.is_empty(), text.trim().is_empty());
});

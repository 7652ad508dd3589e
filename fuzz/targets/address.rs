//! Addresses of the interface, names of objects and times: what is read prints as something that reads the same.
#![no_main]

use pilothouse_wire::{ConnectionId, ObjectRef, Stamp, When, address::Address, units};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(address) = text.parse::<Address>();
    assert_eq!(address.to_string().parse(), Ok(address));
    if let Ok(object) = text.parse::<ObjectRef>() {
        assert_eq!(object.to_string().parse().as_ref(), Ok(&object));
        let address = Address { selected: Some(object), when: When::At(Stamp(0)), ..Address::default() };
        assert_eq!(address.to_string().parse(), Ok(address));
    }
    if let Ok(stamp) = text.parse::<Stamp>() {
        assert_eq!(stamp.to_string().parse(), Ok(stamp));
        let _ = stamp.clock();
    }
    let slug = ConnectionId::slug(text);
    assert_eq!(ConnectionId::slug(slug.as_str()), slug);
    // What is shown in a terminal has no power over it.
    assert!(!units::visible(text).contains(char::is_control));
    assert!(units::middle(text, 11).chars().count() <= 11);
});

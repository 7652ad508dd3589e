//! Addresses of the interface, services of clusters, names of objects and times: what is read prints as something that reads the same.
#![no_main]

use pilothouse_connect::Service;
use pilothouse_wire::{Area, ConnectionId, ObjectRef, Stamp, When, address::Address, units};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(address) = text.parse::<Address>();
    assert_eq!(address.to_string().parse(), Ok(address));
    if let Ok(object) = text.parse::<ObjectRef>() {
        assert_eq!(object.to_string().parse().as_ref(), Ok(&object));
        let address = Address { selected: Some(object), when: When::At(Stamp(0)), ..Address::default() };
        assert_eq!(address.to_string().parse(), Ok(address));
    }
    if let Ok(area) = text.parse::<Area>() {
        assert_eq!(area.to_string().parse().as_ref(), Ok(&area));
        let address = Address { area, ..Address::default() };
        assert_eq!(address.to_string().parse(), Ok(address));
    }
    if let Ok(stamp) = text.parse::<Stamp>() {
        assert_eq!(stamp.to_string().parse(), Ok(stamp));
        let _ = stamp.clock();
    }
    if let Ok((service, path)) = Service::parse(text) {
        assert_eq!(Service::parse(&format!("{service}{path}")), Ok((service.clone(), path.clone())));
        // It becomes a part of a path that is called with our credential.
        assert!(!service.segment().contains(['/', '?', '#', '%']) && !path.contains(['?', '#', '%']));
        assert!(path.split('/').all(|part| part != ".."));
    }
    let slug = ConnectionId::slug(text);
    assert_eq!(ConnectionId::slug(slug.as_str()), slug);
    // What is shown in a terminal has no power over it.
    assert!(!units::visible(text).contains(char::is_control));
    assert!(units::middle(text, 11).chars().count() <= 11);
});

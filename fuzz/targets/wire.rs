//! Messages of pages and of the engine: whatever is read is written as it was read.
#![no_main]

use pilothouse_fuzz::same_bytes;
use pilothouse_wire::{
    Frame,
    codec::{ToDesktop, ToEngine, ToPage, decode},
    frame::Mirror,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = decode::<ToEngine>(bytes) {
        same_bytes(&message);
    }
    if let Ok(message) = decode::<ToDesktop>(bytes) {
        same_bytes(&message);
    }
    if let Ok(message) = decode::<ToPage>(bytes) {
        same_bytes(&message);
    }
    // A page takes frames one after the other; one that does not fit is a gap, and changes nothing.
    let (mut mirror, mut rest) = (Mirror::default(), bytes);
    while let Ok((frame, after)) = postcard::take_from_bytes::<Frame>(rest) {
        let before = mirror.clone();
        if mirror.apply(frame.rev, frame.body).is_err() {
            assert!(format!("{mirror:?}") == format!("{before:?}"), "a refused frame changed something");
        }
        rest = after;
    }
});

//! What a worker of a benchmark says stands in the log of its pod, beside whatever else its container prints: no line is taken for
//! more than it is, and a document that was handed over is whole or is said not to be.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pilothouse_bench::workers::{End, Frame, Heard, Order};

fuzz_target!(|text: &str| {
    let mut heard = Heard::default();
    heard.take(text.lines(), "bench-a", 1);
    if let Some(End::Document(document)) = heard.end() {
        assert_eq!(document.format, pilothouse_bench::result::FORMAT);
    }
    // A log is read again and again: nothing changes by it.
    let before = heard.clone();
    heard.take(text.lines(), "bench-a", 1);
    assert_eq!(heard.end(), before.end());
    for frame in text.lines().filter_map(|line| Frame::read(line, "bench-a", 1)) {
        let line = frame.line("bench-a", 1);
        assert_eq!(Frame::read(&line, "bench-a", 1), Some(frame), "{line}");
        assert_eq!(Frame::read(&line, "bench-a", 2), None);
    }
    if let Ok(order) = Order::read(text) {
        let _ = order.plan_of(0);
    }
});

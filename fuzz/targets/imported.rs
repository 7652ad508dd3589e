//! Files of other tools, and of this one by somebody else: whatever is read of them can be said, and no figure is one that
//! nothing measures.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_bench::{import, kept::Kept, report};
use pilothouse_wire::Stamp;
use std::path::Path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    if let Ok(kept) = Kept::read(bytes) {
        said(&kept);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Corpus::Reject };
    for document in import::read(text, Path::new("f.json"), Stamp(0)).into_iter().flatten() {
        let figures = document.figures.values().chain(document.others.values());
        assert!(figures.clone().all(|value| value.is_finite() && *value >= 0.0), "{document:?}");
        let kept = Kept::Imported(Box::new(document));
        said(&kept);
        let again = serde_json::to_vec(&kept).expect("it was read");
        assert_eq!(Kept::read(&again).expect("it was written").id(), kept.id());
    }
    Corpus::Keep
});

fn said(kept: &Kept) {
    let page = kept.page();
    let html = report::html(&page);
    assert!(!html.contains("<script") && !html.contains("src=\"") && !html.contains("href=\""), "{html}");
    assert!(report::markdown(&page).starts_with("## "));
    let mut rows = Vec::new();
    report::csv(kept, &mut rows).expect("it can be written");
}

//! One bit of a journal's file that has fallen: `verify` finds it, or nothing that is told is another for it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod story;

use pilothouse_journal::Reader;
use pilothouse_wire::{ConnectionId, Stamp};
use std::{fs, path::Path};
use story::{START, WHOLE, recorded};

/// Bits that fall, one at a time, over all of the file.
const FALLEN: usize = 240;

/// All that is told of a record: worlds, times that are missing, what was measured. What is refused is told as that.
fn told(path: &Path) -> Vec<String> {
    let reader = Reader::new(path);
    let mut all = vec![
        format!("{:?}", reader.span().map_err(|_| "refused")),
        format!("{:?}", reader.gaps(Stamp(0), Stamp(i64::MAX)).map_err(|_| "refused")),
    ];
    for number in (0..900).step_by(53) {
        let world = reader.world_at(Stamp(START + number * 10_000 + 5));
        all.push(format!("{:?}", world.map_err(|_| "refused")));
    }
    let gpus: Vec<_> = (0..story::GPUS).map(|gpu| format!("GPU-{gpu}").into()).collect();
    let series = reader.series(&ConnectionId::slug("iad"), &gpus, Stamp(START), Stamp(START + 9_000_000));
    all.push(format!("{:?}", series.map_err(|_| "refused")));
    all
}

#[test]
fn a_fallen_bit_is_found_or_changes_nothing_that_is_told() {
    let record = recorded(WHOLE);
    let whole = fs::read(&record.path).unwrap();
    let want = told(&record.path);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (bits, mut missed) = (whole.len() * 8, Vec::new());
    // The golden section strews them evenly.
    let places = (1..=FALLEN).map(|number| (number as f64 * 0.618_033_988_749_894_9).fract() * bits as f64);
    for bit in places.map(|place| place as usize) {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, bytes).unwrap();
        let found = Reader::new(&path).verify().map_or(true, |wrong| !wrong.is_empty());
        if !found && told(&path) != want {
            missed.push(format!("page {} at {}, bit {}", bit / 8 / 4_096 + 1, bit / 8 % 4_096, bit % 8));
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}

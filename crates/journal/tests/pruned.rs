//! Pruning by hand: what is older than a time goes, what stays can be sought, and what went is said.
#![allow(clippy::unwrap_used, reason = "tests")]

mod story;

use pilothouse_journal::{Limits, Reader, Recorder, prune_before};
use pilothouse_wire::{Code, Stamp, record::Missing};
use story::{START, is_right_or_refused, recorded};

const HOUR: i64 = 3_600_000;

#[test]
fn what_is_older_goes_and_what_stays_is_as_it_was() {
    let told = recorded(Limits { thin: None, ..Limits::default() });
    let before = Reader::new(&told.path).span().unwrap().unwrap();
    let pruned = |reader: &Reader| {
        let gaps = reader.gaps(Stamp(START), Stamp(START + 2 * HOUR)).unwrap();
        gaps.into_iter().filter(|gap| gap.why == Missing::Pruned).collect::<Vec<_>>()
    };
    // Nothing is that old: nothing goes, and nothing is said to be missing.
    prune_before(&told.path, Stamp(START)).unwrap();
    let reader = Reader::new(&told.path);
    assert_eq!((reader.span().unwrap(), pruned(&reader)), (Some(before), vec![]));

    assert!(prune_before(&told.path, Stamp(START + HOUR)).unwrap() > 0);
    let reader = Reader::new(&told.path);
    let (begins, ends) = reader.span().unwrap().unwrap();
    // A world is kept every five minutes.
    assert!((Stamp(START + HOUR - 300_000)..=Stamp(START + HOUR + 10_000)).contains(&begins), "{begins}");
    assert_eq!(ends, before.1);
    assert_eq!(pruned(&reader).len(), 1);
    assert_eq!(reader.verify().unwrap(), Vec::<String>::new());
    let (right, refused) = is_right_or_refused(&reader, &told.then);
    assert!(right > 15 && refused > 5, "{right} right, {refused} refused");
}

#[test]
fn nothing_goes_while_somebody_records() {
    let told = recorded(Limits::default());
    let recorder = Recorder::open(&told.path, Limits::default()).unwrap();
    let problem = prune_before(&told.path, Stamp(START + HOUR)).unwrap_err();
    assert_eq!(problem.code, Code::Exists);
    assert!(problem.next.is_some_and(|next| next.starts_with("End it first")));
    drop(recorder);
    assert!(prune_before(&told.path, Stamp(START + HOUR)).is_ok());
}

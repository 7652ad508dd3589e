//! Batches and checkpoints of a journal, packed and plain: a damaged one is refused or folds, and nothing breaks.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_fuzz::Journey;
use pilothouse_journal::fuzzing;
use pilothouse_world::{Batch, World};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Some((how, mut rest)) = bytes.split_first() else { return Corpus::Reject };
    let mut journey = Journey::default();
    match how % 4 {
        0 => fuzzing::batch(rest).into_iter().for_each(|batch| journey.batch(batch)),
        1 => journey = fuzzing::checkpoint(rest).map(Journey::from).unwrap_or_default(),
        2 => {
            let Ok((world, after)) = postcard::take_from_bytes::<World>(rest) else { return Corpus::Reject };
            (journey, rest) = (Journey::from(world), after);
            plain(&mut journey, rest);
        }
        _ => plain(&mut journey, rest),
    }
    journey.look();
    Corpus::Keep
});

fn plain(journey: &mut Journey, mut bytes: &[u8]) {
    while let Ok((batch, after)) = postcard::take_from_bytes::<Batch>(bytes) {
        journey.batch(batch);
        bytes = after;
    }
}

//! The answer of a model that serves, as it comes in: split anywhere it is the same events and the same answer, and what is
//! held is bounded.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_bench::{chunk, hearing::Hearing, sse::Events};

/// So much of a line or an event is held here: as large as inputs get, they would never reach the usual bound.
const MOST: usize = 256;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    // The first byte says where it is split.
    let Some((size, stream)) = bytes.split_first() else { return Corpus::Reject };
    let size = usize::from(*size).max(1);
    let whole = events(std::iter::once(stream));
    assert_eq!(events(stream.chunks(size)), whole, "split into parts of {size}");
    assert!(whole.0.iter().all(|event| event.len() <= MOST));

    let hear = |parts: &mut dyn Iterator<Item = &[u8]>| {
        let mut hearing = Hearing::new(0, None);
        // All at one moment: times are the only thing that splitting may change.
        let _ = parts.all(|part| hearing.hear(part, 7));
        hearing.end()
    };
    let heard = hear(&mut std::iter::once(stream));
    assert_eq!(hear(&mut stream.chunks(size)), heard);
    if let Ok(heard) = heard {
        // A gap is between two pieces of the same choice.
        let choices = heard.choices.map_or(1, |choices| choices.many);
        assert!(heard.pieces > 0 && heard.gaps_us.len() as u32 + choices == heard.pieces, "{heard:?}");
        assert!(heard.ttfo_us.is_none_or(|ttfo| ttfo >= heard.ttft_us) && heard.e2e_us >= heard.ttft_us);
    }
    let _ = chunk::read(stream);
    Corpus::Keep
});

fn events<'a>(parts: impl Iterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, u64, bool) {
    let (mut events, mut seen) = (Events::bounded(MOST), Vec::new());
    let mut parts = parts;
    let is_whole = parts.all(|part| events.push(part, |event| seen.push(event.data.to_vec())).is_ok());
    (seen, events.comments(), is_whole)
}

//! Exports of the record: whole files, rows behind their hashes, and columns at rest. A foreign one is refused or read, and
//! nothing breaks.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_journal::fuzzing;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Some((how, rest)) = bytes.split_first() else { return Corpus::Reject };
    let kept = match how % 3 {
        0 => fuzzing::export(rest).is_ok(),
        1 => fuzzing::rows(rest) > 0,
        _ => match rest {
            [gpus, rows, table @ ..] => fuzzing::columns(gpus % 16, rows % 16, table),
            _ => false,
        },
    };
    if kept { Corpus::Keep } else { Corpus::Reject }
});

//! An export is opened as it was written, or the chunk is named that is not; whatever it was made of.
#![allow(clippy::unwrap_used, reason = "tests")]

mod story;

use pilothouse_journal::{Limits, Names, Reader, export, import, is_export};
use pilothouse_wire::{Code, Stamp};
use std::{fs, path::Path};
use story::{Recorded, recorded};

/// Opens an export in a folder of its own.
fn opened(file: &Path) -> Result<(tempfile::TempDir, Reader), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.db");
    import(file, &path).map_err(|problem| problem.to_string())?;
    Ok((folder, Reader::new(&path)))
}

#[test]
fn what_was_exported_shows_what_the_record_shows_and_nothing_beyond_it() {
    for limits in [Limits { thin: None, ..Limits::default() }, Limits::default()] {
        let Recorded { folder, path, then } = recorded(limits);
        let reader = Reader::new(&path);
        let (since, until) = (then[then.len() / 3].0, then[then.len() * 2 / 3].0);
        let file = folder.path().join("part.pilothouse");
        let exported = export(&reader, since, until, Names::Own, &file).unwrap();
        assert!(is_export(&file) && exported.bytes == fs::metadata(&file).unwrap().len());
        assert_eq!(export(&reader, since, until, Names::Own, &file).unwrap_err().code, Code::Exists);
        let (_kept, other) = opened(&file).unwrap();
        for (at, _) in then.iter().filter(|(at, _)| *at >= since && *at <= until) {
            assert_eq!(other.world_at(*at).unwrap(), reader.world_at(*at).unwrap(), "{at}");
        }
        assert_eq!(other.verify().unwrap(), Vec::<String>::new());
        assert_eq!(other.span().unwrap().unwrap().1, until);
        let mut late = 0;
        other.batches(Stamp(i64::MAX), |batch| late += u32::from(batch.seen_at > until)).unwrap();
        assert_eq!(late, 0, "what came later is not in it");
        let nothing = export(&reader, Stamp(1), Stamp(2), Names::Own, &folder.path().join("no")).unwrap_err();
        assert_eq!(nothing.code, Code::NotFound);
    }
}

#[test]
fn an_export_that_is_cut_or_altered_anywhere_is_refused_and_says_where() {
    let Recorded { folder, path, then } = recorded(Limits::default());
    let file = folder.path().join("all.pilothouse");
    export(&Reader::new(&path), Stamp(0), then[then.len() - 1].0, Names::Own, &file).unwrap();
    let whole = fs::read(&file).unwrap();
    let step = whole.len() / 61;
    for at in (0..whole.len()).step_by(step) {
        fs::write(&file, &whole[..at]).unwrap();
        let cut = opened(&file).unwrap_err();
        assert!(cut.contains("is cut off") || cut.contains("is no export"), "{at}: {cut}");
        let mut altered = whole.clone();
        altered[at] ^= 0x40;
        fs::write(&file, &altered).unwrap();
        let altered = opened(&file).unwrap_err();
        let named = ["Chunk ", "What it says of itself", "is no export", "of the format"];
        assert!(named.iter().any(|part| altered.contains(part)), "{at}: {altered}");
    }
    let mut longer = whole.clone();
    longer.push(0);
    fs::write(&file, &longer).unwrap();
    assert!(opened(&file).unwrap_err().contains("stands behind"));
    // Two chunks that changed places are each whole.
    assert!(whole.len() > 1_000);
}

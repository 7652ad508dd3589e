//! An export is opened as it was written, or the chunk is named that is not; whatever it was made of.
#![allow(clippy::unwrap_used, reason = "tests")]

mod story;

use pilothouse_journal::{Limits, Names, Reader, Recorder, export, import, is_export};
use pilothouse_wire::{
    Code, Stamp, When,
    view::{Mark, MarkKind, ribbon::MarkKey},
};
use pilothouse_world::{Batch, Extent, Fact, World, fact::NoteFact, project::ribbon};
use std::{fs, path::Path, time::Duration};
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
}

/// The frames of an export as they lie in it, with length and hash; what it says of itself is the first.
fn frames(export: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut all, mut at) = (Vec::new(), 10);
    while at < export.len() {
        let bytes = u32::from_le_bytes(export[at..at + 4].try_into().unwrap()) as usize;
        all.push(at..at + 36 + bytes);
        at += 36 + bytes;
    }
    all
}

#[test]
fn chunks_that_changed_places_are_each_whole_and_the_first_of_them_is_named() {
    let Recorded { folder, path, then } = recorded(Limits::default());
    let file = folder.path().join("all.pilothouse");
    export(&Reader::new(&path), Stamp(0), then[then.len() - 1].0, Names::Own, &file).unwrap();
    let whole = fs::read(&file).unwrap();
    let all = frames(&whole);
    let last = all.len() - 1;
    assert!(last > 2, "{last} chunks are too few to change places");
    for (one, other) in [(1, 2), (last - 1, last), (1, last)] {
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.swap(one, other);
        let swapped = order.iter().flat_map(|frame| whole[all[*frame].clone()].iter().copied());
        fs::write(&file, whole[..10].iter().copied().chain(swapped).collect::<Vec<u8>>()).unwrap();
        let why = opened(&file).unwrap_err();
        assert!(why.contains(&format!("Chunk {one} of {last}, ")), "{one} and {other}: {why}");
        assert!(why.contains("is not the one that belongs there."), "{one} and {other}: {why}");
    }
}

#[test]
fn what_a_person_wrote_is_carried_with_the_time_that_it_is_about() {
    let Recorded { folder, path, then } = recorded(Limits::default());
    let recorder = Recorder::open(&path, Limits::default()).unwrap();
    let (written, about) = (then[then.len() - 1].0.plus(Duration::from_secs(60)), then[700].0);
    let text = "here it began".to_owned();
    let note = NoteFact { at: about, object: "node:iad/n1".parse().unwrap(), text: text.clone() };
    let facts = vec![Fact::Note(Box::new(note))];
    recorder.append(&Batch { source: NoteFact::source(), seen_at: written, extent: Extent::Delta, facts });
    recorder.flush();
    let file = folder.path().join("part.pilothouse");
    export(&Reader::new(&path), then[600].0, written, Names::Own, &file).unwrap();
    let (_kept, other) = opened(&file).unwrap();
    let marks = |at: Stamp| {
        let week = Duration::from_secs(7 * 86_400);
        let ribbon = ribbon(&other.world_at(at).unwrap(), week, When::At(at), at);
        let notes = ribbon.marks.rows().iter().filter(|mark| mark.key.kind == MarkKind::Bookmark);
        notes.map(|mark| (mark.key.at, mark.title.clone())).collect::<Vec<_>>()
    };
    assert_eq!((marks(then[800].0), marks(written)), (vec![], vec![(about, text)]));
}

#[test]
fn a_note_goes_along_with_the_time_that_it_is_about_whenever_it_was_written() {
    let Recorded { folder, path, then } = recorded(Limits::default());
    let recorder = Recorder::open(&path, Limits::default()).unwrap();
    let (since, until, end) = (then[600].0, then[800].0, then[then.len() - 1].0);
    let texts = [("before it", then[500].0), ("in it", then[700].0), ("and here", until), ("after it", then[850].0)];
    for ((text, at), n) in texts.into_iter().zip(1_u64..) {
        let note = NoteFact { at, object: NoteFact::about_nothing(), text: text.into() };
        let (seen_at, facts) = (end.plus(Duration::from_secs(60 * n)), vec![Fact::Note(Box::new(note))]);
        recorder.append(&Batch { source: NoteFact::source(), seen_at, extent: Extent::Delta, facts });
    }
    // One that was taken away again is gone.
    let gone = NoteFact { at: then[650].0, object: NoteFact::about_nothing(), text: "no".into() };
    let facts = vec![Fact::NoteGone(gone.at, gone.object.clone())];
    for (minute, facts) in [(10, vec![Fact::Note(Box::new(gone))]), (11, facts)] {
        let seen_at = end.plus(Duration::from_secs(60 * minute));
        recorder.append(&Batch { source: NoteFact::source(), seen_at, extent: Extent::Delta, facts });
    }
    recorder.flush();
    for names in [Names::Own, Names::Pseudonyms] {
        let file = folder.path().join(format!("{names:?}.pilothouse"));
        export(&Reader::new(&path), since, until, names, &file).unwrap();
        let (_kept, other) = opened(&file).unwrap();
        assert_eq!((other.verify().unwrap(), other.span().unwrap().unwrap().1), (Vec::<String>::new(), until));
        let world = other.world_at(until).unwrap();
        let notes = world.worth_recalling(until, 0);
        let told: Vec<(Stamp, Stamp)> = notes.iter().map(|mark| (mark.key.at, mark.heard)).collect();
        // Who reads it is told when it was written.
        let wrote = |minute: u64| end.plus(Duration::from_secs(60 * minute));
        assert_eq!(told, [(then[700].0, wrote(2)), (until, wrote(3))]);
        if names == Names::Own {
            assert_eq!(notes.iter().map(|mark| mark.title.as_str()).collect::<Vec<_>>(), ["in it", "and here"]);
        }
        // What servers said by then is what it was.
        let just_before = then[799].0;
        assert_eq!(other.world_at(just_before).unwrap().worth_recalling(until, 0), []);
    }
}

/// Notes of a record: one that stays, one that is taken away once the span of the export is over, one that is taken away in it,
/// and one that is taken away and put there again in other words.
fn noted(path: &Path) -> (Stamp, Stamp) {
    let (recorder, mut world) = (Recorder::open(path, Limits::default()).unwrap(), World::default());
    let at = |second: u64| Stamp(story::START).plus(Duration::from_secs(second));
    let note = |second, text: &str| {
        Fact::Note(Box::new(NoteFact { at: at(second), object: NoteFact::about_nothing(), text: text.into() }))
    };
    let gone = |second| Fact::NoteGone(at(second), NoteFact::about_nothing());
    let mut says = |second: u64, facts: Vec<Fact>| {
        let batch = Batch { source: NoteFact::source(), seen_at: at(second), extent: Extent::Delta, facts };
        recorder.append(&batch);
        drop(world.apply(batch));
        // What is behind a checkpoint is packed, what is not stands as it was said.
        if second.is_multiple_of(100) {
            recorder.checkpoint(&world, at(second));
            recorder.flush();
        }
    };
    says(0, vec![]);
    says(10, vec![note(10, "it stays")]);
    says(20, vec![note(20, "canary of later")]);
    says(30, vec![note(30, "canary within")]);
    says(40, vec![note(40, "canary of the first words")]);
    says(100, vec![]);
    // As a run does that begins anew.
    let recalled = vec![(20, "canary of later"), (10, "it stays")].into_iter().map(|(second, text)| {
        let key = MarkKey { at: at(second), object: NoteFact::about_nothing(), kind: MarkKind::Bookmark };
        Mark { title: text.into(), heard: at(second), ..Mark::of(key) }
    });
    says(110, vec![Fact::Recalled(recalled.collect())]);
    says(120, vec![gone(30)]);
    says(130, vec![gone(40)]);
    says(140, vec![note(40, "in other words")]);
    says(200, vec![]);
    says(210, vec![note(210, "canary of the end")]);
    says(300, vec![]);
    says(400, vec![gone(20)]);
    says(410, vec![gone(210)]);
    recorder.flush();
    (at(0), at(300))
}

#[test]
fn a_note_that_was_taken_away_again_is_in_no_export_and_stays_in_the_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (since, until) = noted(&path);
    let reader = Reader::new(&path);
    let words = |reader: &Reader, at: Stamp| -> Vec<String> {
        let notes = reader.world_at(at).unwrap().worth_recalling(at, 0);
        notes.into_iter().map(|mark| mark.title).collect()
    };
    let seconds = || (0..=300).step_by(10).map(|second| since.plus(Duration::from_secs(second)));
    for names in [Names::Own, Names::Pseudonyms] {
        let file = folder.path().join(format!("{names:?}.pilothouse"));
        export(&reader, since, until, names, &file).unwrap();
        let (_kept, other) = opened(&file).unwrap();
        assert_eq!(other.verify().unwrap(), Vec::<String>::new());
        for at in seconds() {
            let told = words(&other, at);
            let passed = at.since(since).as_secs();
            let want = usize::from(passed >= 10) + usize::from(passed >= 140);
            assert_eq!(told.len(), want, "{names:?} after {passed} s: {told:?}");
            assert!(names != Names::Own || !told.concat().contains("canary"), "{told:?}");
        }
        // Nor is it in a batch that nobody looks at.
        let mut said = String::new();
        other.batches(Stamp(i64::MAX), |batch| said.push_str(&format!("{batch:?}"))).unwrap();
        assert!(!said.contains("canary"), "{said}");
        if names == Names::Own {
            assert_eq!(words(&other, until), ["it stays", "in other words"]);
        }
    }
    // The record tells what was there then.
    assert!(words(&reader, since.plus(Duration::from_secs(50))).concat().contains("canary of later"));
    assert_eq!(reader.verify().unwrap(), Vec::<String>::new());
}

//! The chain shows what was altered or taken away, and what was cut is found.

use super::*;
use pilothouse_wire::Stamp;

fn entry(action: Option<u64>, what: What) -> Entry {
    Entry { at: Stamp(1_795_500_000_000), who: "ada".into(), door: "pilothouse".into(), action, what }
}

fn confirmed(title: &str) -> Entry {
    let what = What::Confirmed {
        connection: "iad".into(),
        object: "node:iad/h-1".into(),
        title: title.into(),
        digest: "00".into(),
        steps: vec!["PATCH /api/v1/nodes/h-1".into()],
        plan: None,
        hidden: false,
    };
    entry(None, what)
}

fn ended(action: u64) -> Entry {
    entry(Some(action), What::Ended { state: "verified".into(), detail: "it is cordoned".into() })
}

fn book() -> (tempfile::TempDir, Book) {
    let home = tempfile::tempdir().unwrap();
    let book = Book::at(&home.path().join("data").join("audit.db"));
    (home, book)
}

fn altered(book: &Book, text: &str) {
    Connection::open(book.path()).unwrap().execute_batch(text).unwrap();
}

#[test]
fn entries_read_back_in_order_and_what_is_not_over_is_known() {
    let (_home, book) = book();
    assert_eq!((book.newest(9), book.verify(None, None)), (Ok(Vec::new()), Ok(Checked::default())));
    let first = book.append(&confirmed("Cordon node h-1")).unwrap();
    assert_eq!(first.seq, 1);
    book.append(&entry(Some(1), What::Sent { step: 0 })).unwrap();
    assert_eq!(book.unfinished().unwrap().iter().map(|noted| noted.seq).collect::<Vec<_>>(), [1]);
    book.append(&ended(1)).unwrap();
    book.append(&confirmed("Cordon node h-2")).unwrap();
    assert_eq!(book.unfinished().unwrap().iter().map(|noted| noted.seq).collect::<Vec<_>>(), [4]);
    let noted = book.newest(2).unwrap();
    assert_eq!(noted.iter().map(|noted| noted.seq).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(noted[0].entry, ended(1));
    assert_eq!(book.verify(None, None).unwrap(), Checked { entries: 4, ..Checked::default() });
}

#[test]
fn what_was_altered_taken_out_cut_off_or_written_anew_is_found() {
    let key = Key::random().unwrap();
    let with = |change: &str| {
        let (home, book) = book();
        for number in 0..4 {
            book.append(&confirmed(&format!("Cordon node h-{number}"))).unwrap();
        }
        let head = book.sign(&key, None).unwrap();
        book.append(&ended(4)).unwrap();
        altered(&book, change);
        let found = book.verify(Some(&key), head).unwrap();
        drop(home);
        found
    };
    assert_eq!(with(""), Checked { entries: 5, signed: 4, wrong: Vec::new() });
    for (change, said) in [
        ("UPDATE entry SET text = replace(text, 'h-1', 'h-7') WHERE seq = 2", "Entry 2 was altered"),
        ("UPDATE entry SET hash = zeroblob(32) WHERE seq = 2", "Entry 2 was altered"),
        ("DELETE FROM entry WHERE seq = 2", "Entries 2 to 2 are gone"),
        ("DELETE FROM entry WHERE seq > 2", "It was cut: entries 3 to 4 are gone"),
        ("DELETE FROM entry; DELETE FROM head", "The book is gone: it had 4 entries"),
        ("UPDATE head SET sign = zeroblob(32)", "The signature at entry 4 does not fit"),
    ] {
        let wrong = with(change).wrong;
        assert!(wrong.iter().any(|wrong| wrong.contains(said)), "{change}: {wrong:?}");
    }
    // A whole new book, without the key.
    let (_home, other) = book();
    (0..4).for_each(|_| drop(other.append(&confirmed("Nothing"))));
    let (_home, own) = book();
    (0..4).for_each(|_| drop(own.append(&confirmed("Cordon node h-1"))));
    let head = own.sign(&key, None).unwrap();
    let wrong = other.verify(Some(&key), head).unwrap().wrong;
    assert!(wrong.iter().any(|wrong| wrong.contains("another one than was signed")), "{wrong:?}");
}

#[test]
fn a_book_that_was_cut_is_not_signed_over() {
    let key = Key::random().unwrap();
    let (_home, book) = book();
    (0..4).for_each(|_| drop(book.append(&confirmed("Cordon node h-1"))));
    let kept = book.sign(&key, None).unwrap();
    assert_eq!(book.sign(&key, kept).unwrap(), kept);
    altered(&book, "DELETE FROM entry WHERE seq > 2; DELETE FROM head");
    assert!(book.sign(&key, kept).unwrap_err().what.contains("signed up to entry 4"));
    // Nor once it is longer again than it was.
    (0..4).for_each(|_| drop(book.append(&confirmed("Nothing"))));
    assert!(book.sign(&key, kept).unwrap_err().why.unwrap().contains("another one"));
    assert_eq!(book.verify(Some(&key), kept).unwrap().signed, 0);
}

#[test]
fn several_write_into_one_chain() {
    let (_home, book) = book();
    std::thread::scope(|scope| {
        for of in 0..4 {
            let book = book.clone();
            scope.spawn(move || {
                for at in 0..10 {
                    book.append(&confirmed(&format!("{of}/{at}"))).unwrap();
                }
            });
        }
    });
    assert_eq!(book.verify(None, None).unwrap(), Checked { entries: 40, ..Checked::default() });
}

#[test]
fn a_book_that_another_process_is_just_beginning_has_no_entries_yet() {
    let (_home, book) = book();
    std::fs::create_dir_all(book.path().parent().unwrap()).unwrap();
    // The file is made before its tables are.
    std::fs::write(book.path(), "").unwrap();
    assert_eq!((book.newest(9), book.verify(None, None)), (Ok(Vec::new()), Ok(Checked::default())));
    assert_eq!(book.unfinished(), Ok(Vec::new()));
    assert_eq!(book.append(&confirmed("Cordon node h-1")).unwrap().seq, 1);
}

#[test]
fn an_action_that_was_cut_is_found_however_much_was_written_since() {
    let (_home, book) = book();
    book.append(&confirmed("Cordon node h-1")).unwrap();
    book.append(&entry(Some(1), What::Sent { step: 0 })).unwrap();
    let many = "WITH RECURSIVE c(n) AS (SELECT 3 UNION ALL SELECT n + 1 FROM c WHERE n < 2000) \
        INSERT INTO entry SELECT n, text, hash FROM c, (SELECT text, hash FROM entry WHERE seq = 2)";
    altered(&book, many);
    assert_eq!(book.unfinished().unwrap().iter().map(|noted| noted.seq).collect::<Vec<_>>(), [1]);
}

#[test]
fn an_entry_of_an_earlier_pilothouse_reads() {
    let (_home, book) = book();
    book.append(&confirmed("Cordon node h-1")).unwrap();
    altered(&book, "UPDATE entry SET text = replace(text, ',\"hidden\":false', '')");
    assert_eq!(book.newest(1).unwrap()[0].entry, confirmed("Cordon node h-1"));
    // One that keeps a plan as plans were then.
    altered(&book, "UPDATE entry SET text = replace(text, '\"steps\"', '\"plan\":{\"intent\":7},\"steps\"')");
    assert_eq!(book.newest(1).unwrap()[0].entry, confirmed("Cordon node h-1"));
}

#[test]
fn what_is_said_already_is_not_written_again() {
    let (_home, book) = book();
    let one = confirmed("Cordon node h-1");
    let written = || {
        let make = |newest: &[Entry]| (!newest.contains(&one)).then(|| one.clone());
        book.append_behind(2, make).unwrap().map(|head| head.seq)
    };
    assert_eq!([written(), written()], [Some(1), None]);
    (0..2).for_each(|_| drop(book.append(&ended(1))));
    assert_eq!(written(), Some(4));
    assert_eq!(book.verify(None, None).unwrap(), Checked { entries: 4, ..Checked::default() });
}

#[test]
fn a_book_of_the_future_and_a_file_that_is_none_are_said() {
    let (_home, book) = book();
    book.append(&confirmed("Cordon node h-1")).unwrap();
    altered(&book, "PRAGMA user_version = 9");
    assert!(book.newest(1).unwrap_err().what.contains("newer Pilothouse"));
    std::fs::write(book.path(), "this is no database, and is long enough to be seen as none by whoever opens it")
        .unwrap();
    assert!(book.append(&confirmed("x")).is_err() && book.newest(1).is_err());
}

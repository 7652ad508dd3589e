//! What a server says of any kind of object: which kinds there are, its table of objects, and an object in words. No path
//! leads elsewhere, an object's address reads back, and nothing acts in what is shown.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_connect_kube::fuzzing;
use pilothouse_wire::{KindId, ObjectRef, Stamp, units::acts};

/// An object's place says which parts it has.
const PLURALS: [&str; 5] = ["pods", "nodes", "deployments", "configmaps", "secrets"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Some((how, body)) = bytes.split_first() else { return Corpus::Reject };
    let plural = PLURALS[usize::from(*how / 3) % PLURALS.len()];
    let kind = KindId { group: "".into(), version: "v1".into(), plural: plural.into(), kind: "Kind".into() };
    match how % 3 {
        0 => {
            for row in fuzzing::kinds(body).into_iter().flatten() {
                let path = format!("{}{}{}", row.id.group, row.id.version, row.id.plural);
                assert!(!path.contains(['/', '?', '#', '%', ' ']), "{path}");
                assert!(row.is_called(&row.id.plural), "{row:?}");
            }
        }
        1 => {
            let Some((table, _)) = fuzzing::table(body, &kind) else { return Corpus::Reject };
            for row in &table.rows {
                assert_eq!(row.cells.len(), table.columns.len());
            }
        }
        _ => {
            let Ok(read) = serde_json::from_slice(body) else { return Corpus::Reject };
            let object: ObjectRef = "pod:test/serving/chat".parse().expect("it is an address");
            let text = fuzzing::described(&object, kind, read).text(Stamp(0));
            assert!(!text.chars().any(|c| c != '\n' && acts(c)), "{text}");
        }
    }
    Corpus::Keep
});

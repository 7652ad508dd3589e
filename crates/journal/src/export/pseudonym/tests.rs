//! No name is left, and all that fitted together still does.

mod claimed;
mod delivered;
mod said;
#[path = "../../../tests/story/mod.rs"]
mod story;

use super::*;
use crate::{
    Limits, Manifest, Reader, Recorder, body,
    export::{import, write::prepare_under},
    grid::round_readings,
};
use pilothouse_wire::{AddressPlace, ModelAddress, Stamp};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{Covers, Kind, MadeFact, OwnerFact, PodLabels, RevisionFact, StartFact, TemplateFact},
};
use proptest::prelude::*;
use rusqlite::Connection;
use said::{canary, cluster, devices, event, facts, node, pod};
use std::{io::Read, path::Path};

const AT: Stamp = Stamp(1_795_500_000_000);

#[test]
fn an_address_of_a_model_says_still_what_it_is() {
    let veil = Pseudonyms::new().unwrap();
    let began = |text: &str| StartFact {
        container: "c".into(),
        began: None,
        models: vec![ModelAddress { text: text.into(), place: AddressPlace::Argument }],
    };
    let all = ["models:/chat@champion", "models:/chat/3", "mlflow-artifacts:/1/r/artifacts/model"].map(began);
    let fact = Fact::StartedPod(Box::new(pod()), PodLabels::default(), all.to_vec());
    let back: Batch = postcard::from_bytes(&veil.encode(&batch(Extent::Delta, vec![fact]))).unwrap();
    let Fact::StartedPod(_, _, starts) = &back.facts[0] else { panic!("{back:?}") };
    let texts: Vec<&str> = starts.iter().map(|start| start.models[0].text.as_str()).collect();
    let (chat, champion) = (veil.name("chat"), veil.name("champion"));
    assert_eq!(texts[0], format!("models:/{chat}@{champion}"));
    assert_eq!(texts[1], format!("models:/{chat}/3"));
    assert!(texts[2].starts_with("mlflow-artifacts:/1/") && texts[2].contains("/artifacts/"), "{texts:?}");
}

fn batch(extent: Extent, facts: Vec<Fact>) -> Batch {
    Batch { source: cluster(), seen_at: AT, extent, facts }
}

/// Fails where a name of somebody's is.
#[track_caller]
fn has_none(bytes: &[u8], what: &str) {
    let found = bytes.windows(6).position(|six| six.eq_ignore_ascii_case(b"canary"));
    let around =
        |at: usize| String::from_utf8_lossy(&bytes[at.saturating_sub(60)..(at + 60).min(bytes.len())]).into_owned();
    assert!(found.is_none(), "{what}: {:?}", found.map(around));
}

#[test]
fn no_fact_and_no_world_keeps_a_name_and_all_of_them_read_back() {
    let veil = Pseudonyms::new().unwrap();
    let mut world = World::default();
    for fact in facts() {
        let extent = Extent::Replace(Covers { kind: Kind::Pod, namespace: Some(canary("namespace")) });
        let one = batch(extent, vec![fact.clone()]);
        let bytes = veil.encode(&one);
        has_none(&bytes, &format!("{fact:?}"));
        let back: Batch = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(std::mem::discriminant(&back.facts[0]), std::mem::discriminant(&fact));
        world.apply(batch(Extent::Delta, vec![fact]));
        has_none(&veil.encode(&world), "the world");
        postcard::from_bytes::<World>(&veil.encode(&world)).unwrap();
    }
}

#[test]
fn kinds_products_numbers_and_times_stay() {
    let veil = Pseudonyms::new().unwrap();
    let all = vec![Fact::Node(Box::new(node())), Fact::Event(Box::new(event())), Fact::Devices(Box::new(devices()))];
    let back: Batch = postcard::from_bytes(&veil.encode(&batch(Extent::Delta, all))).unwrap();
    let [Fact::Node(node), Fact::Event(event), Fact::Devices(devices)] = &back.facts[..] else { panic!("{back:?}") };
    assert_eq!((back.seen_at, node.label("nvidia.com/gpu.product").unwrap().as_str()), (AT, "NVIDIA-H100-80GB-HBM3"));
    assert_eq!(node.label("pool").unwrap().as_str(), veil.name(&canary("pool")));
    assert!(
        node.taints[0].ends_with(":NoSchedule") && node.taints[1] == "node.kubernetes.io/not-ready:NoExecute",
        "{:?}",
        node.taints
    );
    assert_eq!((node.capacity[0].0.as_str(), node.conditions[0].kind.as_str()), ("nvidia.com/gpu", "Ready"));
    assert_eq!((event.kind.as_str(), event.reason.as_str(), event.count), ("Pod", "FailedScheduling", 4));
    assert!(event.note.starts_with("0/12 nodes are available: "), "{}", event.note);
    let device = &devices.devices[0];
    assert_eq!((device.product.as_deref(), device.node.as_deref()), (Some("NVIDIA H100"), Some(node.name.as_str())));
}

/// What every table of a journal holds, unpacked.
fn contents(path: &Path) -> Vec<(String, Vec<u8>)> {
    let db = Connection::open(path).unwrap();
    let mut all = Vec::new();
    let base = |seq: Option<i64>| -> Option<Vec<u8>> {
        let text = "SELECT body FROM checkpoint WHERE seq = ?1";
        seq.map(|seq| body::unpack(&db.query_row(text, [seq], |row| row.get::<_, Vec<u8>>(0)).unwrap(), None).unwrap())
    };
    for (table, columns) in [
        ("checkpoint", "base, body, state"),
        ("block", "NULL, body"),
        ("batch", "NULL, body, readings, source"),
        ("shape", "NULL, body, print"),
        ("chunk", "NULL, head, source"),
        ("gap", "NULL, why, detail"),
        ("stretch", "NULL, why"),
    ] {
        let mut query = db.prepare(&format!("SELECT {columns} FROM {table}")).unwrap();
        let count = query.column_count();
        let mut rows = query.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let base = base(row.get(0).unwrap());
            for column in 1..count {
                let bytes = match row.get_ref(column).unwrap() {
                    rusqlite::types::ValueRef::Blob(bytes) => {
                        body::unpack(bytes, base.as_deref()).unwrap_or_else(|| bytes.to_vec())
                    }
                    rusqlite::types::ValueRef::Text(text) => text.to_vec(),
                    _ => Vec::new(),
                };
                all.push((format!("{table}, column {column}"), bytes));
            }
        }
    }
    all
}

/// Exports a whole journal under these pseudonyms, and opens that.
fn exported(journal: &Path, veil: Pseudonyms) -> (tempfile::TempDir, Manifest, Reader) {
    let (reader, folder) = (Reader::new(journal), tempfile::tempdir().unwrap());
    let prepared = prepare_under(&reader, Stamp(0), Stamp(i64::MAX), Some(veil), folder.path()).unwrap();
    let (file, path) = (folder.path().join("file"), folder.path().join("other.db"));
    let mut bytes = Vec::new();
    prepared.into_bytes().read_to_end(&mut bytes).unwrap();
    has_none(&bytes, "the file");
    std::fs::write(&file, bytes).unwrap();
    let manifest = import(&file, &path).unwrap();
    (folder, manifest, Reader::new(&path))
}

#[test]
fn a_file_with_pseudonyms_has_no_name_in_it_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("canary.db");
    let recorder = Recorder::open(&path, Limits::default()).unwrap();
    let mut world = World::default();
    recorder.checkpoint(&world, AT);
    for round in 0..3_i64 {
        for fact in facts() {
            let mut batch = Batch { seen_at: Stamp(AT.0 + round * 60_000), ..batch(Extent::Delta, vec![fact]) };
            round_readings(&mut batch);
            recorder.append(&batch);
            world.apply(batch);
        }
        // One that is packed against another, blocks and columns; and rows behind the last.
        if round < 2 {
            recorder.checkpoint(&world, Stamp(AT.0 + round * 60_000));
            recorder.flush();
        }
    }
    drop(recorder);
    let (_kept, manifest, other) = exported(&path, Pseudonyms::new().unwrap());
    has_none(format!("{manifest:?}").as_bytes(), "the manifest");
    let contents = contents(other.path());
    for table in ["checkpoint", "block", "batch", "shape", "chunk"] {
        assert!(contents.iter().any(|(what, bytes)| what.starts_with(table) && !bytes.is_empty()), "{table} is empty");
    }
    for (what, bytes) in contents {
        has_none(&bytes, &what);
    }
    assert_eq!(other.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn what_is_folded_of_other_names_is_the_world_with_other_names() {
    let story::Recorded { path, then, folder: _folder } = story::recorded(Limits::default());
    let (veil, same) = {
        let veil = Pseudonyms::new().unwrap();
        (Pseudonyms { key: veil.key }, veil)
    };
    let (_kept, _, other) = exported(&path, veil);
    // Without what was measured, which has no name in it.
    let bare = |world: &World| postcard::to_stdvec(world).unwrap();
    let marks = |world: &World| format!("{:#?}", world.worth_recalling(Stamp(0), usize::MAX));
    for (at, world) in then.iter().step_by(97) {
        let wanted: World = postcard::from_bytes(&same.encode(world)).unwrap();
        let found = other.world_at(*at).unwrap();
        assert_eq!(marks(&found), marks(&wanted), "{at}");
        assert!(bare(&found) == bare(&wanted), "{at}:\n{found:#?}\n{wanted:#?}");
        let (source, found) = found.sources().next().unwrap();
        assert_eq!(source.as_str(), same.whole("iad"));
        // As thinned as the record itself.
        let own = Reader::new(&path).world_at(*at).unwrap();
        let (_, own) = own.sources().next().unwrap();
        assert_eq!(found.telemetry.latest(), own.telemetry.latest(), "{at}");
    }
}

#[test]
fn a_change_of_settings_under_other_names_is_told_as_it_was() {
    let veil = Pseudonyms::new().unwrap();
    let of = |number: u64, cpu: &str, pool: &str, map: &str| {
        let revision = RevisionFact {
            namespace: "serving".into(),
            name: format!("chat-{number}").into(),
            owner: OwnerFact { kind: "Deployment".into(), name: "chat".into() },
            number,
            created: Some(AT),
            ..RevisionFact::default()
        };
        let server = MadeFact {
            name: "server".into(),
            requests: vec![("cpu".into(), cpu.into()), ("acme.com/fpga".into(), "64Gi".into())],
            variables: vec![("MODE".into(), number)],
            ..MadeFact::default()
        };
        let template = TemplateFact {
            containers: vec![server],
            selector: vec![("pool".into(), pool.into())],
            config_maps: vec![map.into()],
            ..TemplateFact::default()
        };
        batch(Extent::Delta, vec![Fact::TemplatedRevision(Box::new(revision), None, Box::new(template))])
    };
    let said = [of(1, "2", "a100", "routes-1"), of(2, "500m", "h100", "routes-2")];
    let (mut world, mut other) = (World::default(), World::default());
    for batch in said {
        other.apply(postcard::from_bytes(&veil.encode(&batch)).unwrap());
        world.apply(batch);
    }
    let marks = |world: &World| world.worth_recalling(Stamp(0), usize::MAX);
    let under_others: World = postcard::from_bytes(&veil.encode(&world)).unwrap();
    assert_eq!(marks(&other), marks(&under_others));
    let detail = marks(&other)[0].detail.clone().unwrap_or_default();
    assert_eq!(marks(&other)[0].title, format!("{} request of cpu 2 → 500m", veil.name("chat")));
    assert!(detail.starts_with("variable "), "{detail}");
    assert!(detail.contains(&format!(
        "node selector {} {} → {}",
        veil.name("pool"),
        veil.name("a100"),
        veil.name("h100")
    )));
    assert!(detail.contains(&format!("ConfigMap {} → {}", veil.name("routes-1"), veil.name("routes-2"))), "{detail}");
}

#[test]
fn the_same_name_has_the_same_pseudonym_and_another_key_gives_another() {
    let (one, two) = (Pseudonyms::new().unwrap(), Pseudonyms::new().unwrap());
    assert_eq!(one.name("chat-7d9f"), one.name("chat-7d9f"));
    assert_ne!(one.name("chat-7d9f"), two.name("chat-7d9f"));
    assert_ne!(one.name("chat"), one.name("Chat"));
    assert_eq!((one.name(OURS), one.whole(OURS), one.name("")), (OURS.into(), OURS.into(), String::new()));
    assert_eq!(format!("{one:?}"), "Pseudonyms(…)");
}

#[test]
fn a_text_keeps_its_sense_and_loses_its_names() {
    let veil = Pseudonyms::new().unwrap();
    let text = "0/12 nodes are available: 3 Insufficient nvidia.com/gpu. (node gpu-node-7, 10.0.12.7, ann@acme.com)";
    let other = veil.text(text);
    assert!(other.starts_with("0/12 nodes are available: 3 Insufficient nvidia.com/gpu. (node "), "{other}");
    for name in ["gpu-node-7", "node-7", "10.0", "12.7", "ann", "acme"] {
        assert!(!other.contains(name), "{name}: {other}");
    }
    assert!(other.contains(&veil.name("gpu-node-7")) && other.contains(&veil.name("10.0.12.7")));
}

proptest! {
    /// Whatever is joined to a name, or cut off it, at a sign is so of its pseudonym.
    #[test]
    fn pseudonyms_fit_together_as_names_do(a in "[a-z0-9]{1,8}", b in "[a-zA-Z0-9._/-]{0,20}", sign in "[-./:@_=]") {
        let veil = Pseudonyms::new().unwrap();
        let joined = format!("{a}{sign}{b}");
        prop_assert_eq!(veil.name(&joined), format!("{}{sign}{}", veil.name(&a), veil.name(&b)));
        prop_assert!(!veil.name(&joined).contains(&a) || a.bytes().all(|letter| LETTERS.contains(&letter)));
    }
}

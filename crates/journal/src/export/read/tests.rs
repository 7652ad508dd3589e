//! An export that was made to do harm is refused before it does any.

use super::*;
use crate::export::Frame;
use pilothouse_wire::Stamp;

/// An export of these frames, each with its right hash.
fn export(frames: &[&[u8]]) -> Vec<u8> {
    let hash = |bytes: &[u8]| -> [u8; 32] { Sha256::digest(bytes).into() };
    let told = |bytes: &&[u8]| Frame { what: "readings".into(), bytes: bytes.len() as u32, hash: hash(bytes) };
    let manifest = Manifest {
        facts: FACT_VERSION,
        schema: schema::SCHEMA,
        since: Stamp(1),
        until: Stamp(2),
        sources: Vec::new(),
        batches: 0,
        frames: frames.iter().map(told).collect(),
    };
    let head = body::pack(&postcard::to_stdvec(&manifest).unwrap(), 1);
    let mut all = [&MAGIC[..], &VERSION.to_le_bytes()].concat();
    for frame in [&&head[..]].into_iter().chain(frames) {
        all.extend((frame.len() as u32).to_le_bytes());
        all.extend(hash(frame));
        all.extend_from_slice(frame);
    }
    all
}

fn refused(export: &[u8]) -> String {
    read(&mut &export[..], &mut |_| panic!("rows of it were taken in")).unwrap_err()
}

#[test]
fn a_bomb_is_refused_by_what_it_unpacks_to() {
    let bomb = body::pack(&vec![0; MOST_PLAIN as usize + 1], 1);
    assert!(bomb.len() < 1 << 20, "it is small: {}", bomb.len());
    let why = refused(&export(&[&bomb]));
    assert_eq!(why, "Chunk 1 of 1, readings, does not unpack, or is too large when it does.");
}

#[test]
fn what_is_left_of_all_bounds_each_chunk() {
    let chunk = body::pack(&[0; 1_000], 1);
    let mut left = 1_500;
    assert_eq!(plain(&chunk, &mut left).map(|plain| plain.len()), Some(1_000));
    assert_eq!((plain(&chunk, &mut left), left), (None, 500));
}

#[test]
fn a_chunk_that_says_it_is_longer_than_any_may_be_is_not_read() {
    let mut export = export(&[&body::pack(&[0; 10], 1)]);
    let first = MAGIC.len() + 2;
    let head = u32::from_le_bytes(export[first..first + 4].try_into().unwrap()) as usize;
    let second = first + 36 + head;
    export[second..second + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(refused(&export).contains("has 4294967295 bytes; 67108864 are the most"));
}

//! Pages of a listing, in both encodings, and what their facts do to the world.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_connect_kube::{
    list,
    resource::{Resource, Scope},
    slim::{CoreEvent, Event, Namespace, Node, Pod},
};
use pilothouse_fuzz::Journey;
use pilothouse_world::Extent;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    // The first byte says of what, and how it is written.
    let Some((how, body)) = bytes.split_first() else { return Corpus::Reject };
    match how % 5 {
        0 => page::<Pod>(how / 5, body),
        1 => page::<Node>(how / 5, body),
        2 => page::<Namespace>(how / 5, body),
        3 => page::<Event>(how / 5, body),
        _ => page::<CoreEvent>(how / 5, body),
    }
    Corpus::Keep
});

fn page<T: Resource>(how: u8, body: &[u8]) {
    let read = match how % 3 {
        0 => list::read::<T>("application/json", body),
        1 => list::read::<T>("application/vnd.kubernetes.protobuf", &[b"k8s\0", body].concat()),
        // Without the envelope: one object after the other, each a good part of the input.
        _ => list::read::<T>("application/vnd.kubernetes.protobuf", &wrapped(body)),
    };
    let Ok(page) = read else { return };
    let mut journey = Journey::default();
    journey.facts(Extent::Replace(Scope { namespace: None }.covers::<T>()), page.facts);
    journey.look();
    // The same objects are gone again, whoever they were.
    journey.facts(Extent::Replace(Scope { namespace: None }.covers::<T>()), Vec::new());
    journey.look();
}

/// A page of objects, each with its length in one byte before it.
fn wrapped(mut body: &[u8]) -> Vec<u8> {
    let mut list = Vec::new();
    while let Some((length, rest)) = body.split_first() {
        let (object, rest) = rest.split_at(rest.len().min(usize::from(*length) * 4));
        field(&mut list, 2, object);
        body = rest;
    }
    let mut page = b"k8s\0".to_vec();
    field(&mut page, 2, &list);
    page
}

/// Appends a field of protobuf that has a length.
fn field(to: &mut Vec<u8>, tag: u8, content: &[u8]) {
    to.push(tag << 3 | 2);
    let mut length = content.len();
    while length > 0x7f {
        to.push(length as u8 | 0x80);
        length >>= 7;
    }
    to.push(length as u8);
    to.extend(content);
}

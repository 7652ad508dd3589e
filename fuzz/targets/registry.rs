//! Answers of a registry: how it wants to be signed in to, where its next page is, lists, manifests, configurations; and what
//! their facts do to the world.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_connect_oci::{
    challenge::{self, Challenge},
    fuzzing, link, names,
};
use pilothouse_fuzz::Journey;
use pilothouse_world::{Extent, Fact};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Some(Challenge::Bearer { realm, .. }) = challenge::read(text) {
            assert!(!realm.is_empty());
        }
        if let Some(query) = link::next(text) {
            assert!(link::is_query(&query) && !query.contains(['#', ' ', '?', '\r', '\n']));
        }
        for wish in names::wishes(text).unwrap_or_default() {
            assert!(names::is_repository(&wish.repository) && wish.tag.is_none_or(|tag| names::is_tag(&tag)));
        }
    }
    for says in fuzzing::says(bytes) {
        assert!(says.rows.iter().all(|row| row.value.chars().count() <= 256 && !row.value.is_empty()));
    }
    let Some(registry) = fuzzing::facts(bytes) else { return Corpus::Keep };
    for tag in registry.repositories.iter().flat_map(|repository| &repository.tags) {
        assert!(names::is_tag(&tag.name) && tag.parts.iter().all(|part| names::is_digest(part)));
    }
    let mut journey = Journey::default();
    journey.facts(Extent::Delta, vec![Fact::Registry(Box::new(registry))]);
    journey.look();
    Corpus::Keep
});

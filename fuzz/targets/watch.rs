//! Streams of a watch: how they are cut makes no difference, and no line breaks the world.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_connect_kube::{
    fuzzing,
    owned::TeamRule,
    resource::Resource,
    slim::{CoreEvent, Event, Namespace, Node, Pod},
    watch::{Said, read},
};
use pilothouse_fuzz::Journey;
use pilothouse_world::Extent;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    // The first byte says of what, the second how the rest is cut.
    let [kind, cut, stream @ ..] = bytes else { return Corpus::Reject };
    let lines = fuzzing::lines([stream]);
    assert_eq!(fuzzing::lines(stream.chunks(usize::from(*cut).max(1))), lines);
    let mut journey = Journey::default();
    for line in &lines {
        match kind % 5 {
            0 => take::<Pod>(&mut journey, line),
            1 => take::<Node>(&mut journey, line),
            2 => take::<Namespace>(&mut journey, line),
            3 => take::<Event>(&mut journey, line),
            _ => take::<CoreEvent>(&mut journey, line),
        }
    }
    journey.look();
    Corpus::Keep
});

fn take<T: Resource>(journey: &mut Journey, line: &[u8]) {
    if let Said::Fact(fact, _) = read::<T>(line, &TeamRule::default()) {
        journey.facts(Extent::Delta, vec![*fact]);
    }
}

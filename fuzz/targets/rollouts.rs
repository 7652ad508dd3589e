//! Objects of Argo Rollouts, of LeaderWorkerSet and of KServe, and what their facts do to the world and to its views.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_connect_kube::{
    owned::TeamRule,
    resource::Resource,
    slim::{
        AnalysisRun, Experiment, InferenceService, LeaderWorkerSet, LlmInferenceService, ReplicaSet, Rollout,
    },
    watch::{Said, read},
};
use pilothouse_fuzz::Journey;
use pilothouse_world::{Extent, Fact, fact::MOST_MEASUREMENTS};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    // Objects a line; the first byte of each says of what.
    let mut journey = Journey::default();
    for line in bytes.split(|byte| *byte == b'\n').take(64) {
        let [kind, object @ ..] = line else { continue };
        match (kind, kind % 5) {
            (b'i', _) => take::<InferenceService>(&mut journey, object),
            (b'l', _) => take::<LlmInferenceService>(&mut journey, object),
            (_, 0) => take::<Rollout>(&mut journey, object),
            (_, 1) => take::<AnalysisRun>(&mut journey, object),
            (_, 2) => take::<Experiment>(&mut journey, object),
            (_, 3) => take::<LeaderWorkerSet>(&mut journey, object),
            _ => take::<ReplicaSet>(&mut journey, object),
        }
    }
    journey.look();
    Corpus::Keep
});

fn take<T: Resource>(journey: &mut Journey, object: &[u8]) {
    let line = [br#"{"type":"ADDED","object":"#, object, b"}"].concat();
    if let Said::Fact(fact, _) = read::<T>(&line, &TeamRule::default()) {
        if let Fact::Analysis(analysis) = &*fact {
            assert!(analysis.metrics.len() <= 100);
            assert!(analysis.metrics.iter().all(|metric| metric.measurements.len() <= MOST_MEASUREMENTS));
        }
        journey.facts(Extent::Delta, vec![*fact]);
    }
}

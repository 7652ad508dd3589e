//! Objects of Argo Rollouts, of LeaderWorkerSet and of KServe, of routes and of what keeps services, devices with the claims to
//! them and disruption budgets with their pods, and what their facts do to the world and to its views.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_connect_kube::{
    owned::TeamRule,
    resource::Resource,
    slim::{
        AnalysisRun, Application, BasicSlice, Canary, DisruptionBudget, Experiment, HttpRoute, InferenceModelRewrite,
        InferencePool, InferenceService, LeaderWorkerSet, LlmInferenceService, Pod, Promotion, ReplicaSet,
        ResourceClaim, ResourceSlice, Rollout, Service, Stage,
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
        match kind % 20 {
            0 => take::<Rollout>(&mut journey, object),
            1 => take::<AnalysisRun>(&mut journey, object),
            2 => take::<Experiment>(&mut journey, object),
            3 => take::<LeaderWorkerSet>(&mut journey, object),
            5 => take::<HttpRoute>(&mut journey, object),
            6 => take::<Service>(&mut journey, object),
            7 => take::<InferencePool>(&mut journey, object),
            8 => take::<InferenceModelRewrite>(&mut journey, object),
            9 => take::<Application>(&mut journey, object),
            10 => take::<Canary>(&mut journey, object),
            11 => take::<Promotion>(&mut journey, object),
            12 => take::<Stage>(&mut journey, object),
            13 => take::<InferenceService>(&mut journey, object),
            14 => take::<LlmInferenceService>(&mut journey, object),
            15 => take::<DisruptionBudget>(&mut journey, object),
            16 => take::<ResourceSlice>(&mut journey, object),
            17 => take::<ResourceClaim>(&mut journey, object),
            18 => take::<BasicSlice>(&mut journey, object),
            19 => take::<Pod>(&mut journey, object),
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

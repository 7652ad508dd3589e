//! What an MLflow answers: models and versions as facts, runs, histories, and the file beside a model's weights.
#![no_main]

use pilothouse_connect_mlflow::fuzzing::{facts, file, runs, signature, steps};
use pilothouse_fuzz::{Journey, same_bytes};
use pilothouse_world::{
    Extent,
    fact::{Covers, Kind},
};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let facts = facts(body);
    if !facts.is_empty() {
        let mut journey = Journey::default();
        // All of them, the first of them alone, and all again: what comes, goes and moves.
        let all = Extent::Replace(Covers { kind: Kind::Model, namespace: None });
        journey.facts(all.clone(), facts.clone());
        journey.facts(all.clone(), facts.iter().take(1).cloned().collect());
        journey.facts(all, facts);
        journey.look();
    }
    let (run, found, left, logged) = runs(body);
    same_bytes(&run);
    same_bytes(&found);
    same_bytes(&left);
    same_bytes(&logged);
    for most in [2, 7] {
        let steps = steps(body, most);
        assert!(steps.len() <= most, "more points than are wanted");
        assert!(steps.is_sorted(), "steps go back");
    }
    same_bytes(&signature(body));
    if let Ok(text) = std::str::from_utf8(body)
        && let Some(path) = file(text)
    {
        assert!(path.starts_with("/api/2.0/mlflow-artifacts/artifacts/"), "a file is elsewhere: {path}");
        assert!(!path.contains("/../") && !path.contains(['?', '#', ' ']), "a path breaks out: {path}");
    }
});

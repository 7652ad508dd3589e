//! How far a canary gets from each step at which it may stand, and from behind the last of them.

use super::{
    Deed, Draft, made,
    rollouts::{canary, kept, shares},
    workload,
};
use serde_json::{Value, json};

/// Paused by a person at this step, from 0; its controller waits for nothing.
fn at(step: u64) -> Value {
    canary(|object| {
        object["spec"]["paused"] = json!(true);
        object["status"]["currentStepIndex"] = json!(step);
        object["status"].as_object_mut().unwrap().remove("pauseConditions");
    })
}

fn drafted(deed: Deed, step: u64) -> Draft {
    made(&workload("Rollout"), deed, &at(step), &kept()).unwrap()
}

#[test]
fn what_follows_is_told_from_the_step_at_which_it_stands_and_from_behind_the_last() {
    let waits = |step: u32, weight: u32| format!("at step {step} of 4, at a weight of {weight} %.");
    let whole = || "No step keeps it from all of the traffic.".to_owned();
    // The steps are 20 %, a pause until a person goes on, 60 %, a pause that ends by itself.
    for (step, resumed, promoted) in [
        (0, (20, waits(2, 20)), (20, waits(2, 20))),
        (1, (20, waits(2, 20)), (60, waits(4, 60))),
        (2, (60, waits(4, 60)), (60, waits(4, 60))),
        (3, (60, waits(4, 60)), (100, whole())),
        (4, (100, whole()), (100, whole())),
        // One that has fewer steps by now is behind the last of them.
        (9, (100, whole()), (100, whole())),
    ] {
        // Its controller gives it all traffic once it is behind the last.
        let now = if step < 4 { 20 } else { 100 };
        for (deed, (weight, words)) in [(Deed::Resume, resumed), (Deed::Promote, promoted)] {
            let draft = drafted(deed.clone(), step);
            assert_eq!(draft.traffic, shares((now, weight)), "{deed:?} at {step}");
            assert!(draft.risk.1.ends_with(&words), "{deed:?} at {step}: {}", draft.risk.1);
        }
    }
}

#[test]
fn behind_the_last_step_there_is_nothing_to_skip_and_nothing_left_to_abort() {
    let draft = drafted(Deed::Promote, 4);
    assert_eq!(draft.title, "Promote Rollout serving/chat: go on");
    // The pause of a person is all that is taken away.
    assert_eq!((draft.steps.len(), draft.undo), (1, Some(Deed::Undo(Some(1)))));
    assert_eq!(drafted(Deed::Promote, 0).undo, Some(Deed::Abort), "it waits for a person at step 2");
}

//! Rollouts on their way: what a script does to one, station by station, and what the plugin of Argo says of each. Between the
//! states that rest there are those in which pods are not ready yet, an analysis runs, a person has paused it, or its time is over.

use std::time::Duration;

use serde_json::{Value, json};

use crate::control_plane::ControlPlane;
use crate::failure::{Failure, Result};
use crate::rollouts::{Rollouts, rollout};
use crate::wait::until;

const LIMIT: Duration = Duration::from_secs(90);
/// Pods count as available so many seconds after they are ready: long enough to be looked at on the way.
const AVAILABLE_AFTER: u32 = 6;
/// Without progress for so many seconds it is degraded.
const DEADLINE: u32 = 12;
/// The analysis of the script, which is under way until somebody ends it.
const ANALYSIS: &str = "never-asked";

/// What is done to a Rollout.
#[derive(Clone, Debug)]
pub enum Does {
    /// Nothing: it goes on by itself.
    Nothing,
    /// It is given this image.
    Image(&'static str),
    /// The plugin is told this, its name, and this.
    Plugin(&'static [&'static str], &'static [&'static str]),
    /// It is patched.
    Patch(Value),
}

/// A station, and by which values of which labels the plugin shows that it is reached.
#[derive(Clone, Debug)]
pub struct Station {
    does: Does,
    shows: Vec<(&'static str, &'static str)>,
}

impl Station {
    fn new(does: Does, shows: &[(&'static str, &'static str)]) -> Self {
        Self { does, shows: shows.to_vec() }
    }

    /// What the plugin says of it then.
    #[must_use]
    pub fn phase(&self) -> &str {
        self.said("Status")
    }

    fn said(&self, label: &str) -> &str {
        self.shows.iter().find(|(of, _)| *of == label).map_or("", |(_, value)| value)
    }

    /// Is it still that station? `step` as the plugin writes it.
    #[must_use]
    pub fn is(&self, phase: &str, step: &str) -> bool {
        self.phase() == phase && ["", step].contains(&self.said("Step"))
    }

    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{:?}, {:?}", self.does, self.shows)
    }

    /// Goes there.
    ///
    /// # Errors
    ///
    /// If it is refused, or the plugin does not show it in time.
    pub async fn reach(&self, plane: &ControlPlane, rollouts: &Rollouts<'_>, at: (&str, &str)) -> Result<()> {
        let (namespace, name) = at;
        match &self.does {
            Does::Nothing => {}
            Does::Image(tag) => rollouts.set_image(namespace, name, tag).await?,
            Does::Plugin(verb, more) => {
                let words = [*verb, &[name, "--namespace", namespace][..], *more].concat();
                rollouts.plugin(&words).await?;
            }
            Does::Patch(patch) => {
                let patch = patch.to_string();
                plane.kubectl(&["patch", "rollout", name, "-n", namespace, "--type", "merge", "-p", &patch]).await?;
            }
        }
        let mut last = None;
        let reached = until(&format!("{name} is at {}", self.words()), LIMIT, async || {
            let said = rollouts.get(namespace, name).await?;
            let is_there = self.shows.iter().all(|(label, value)| said.of(label) == *value);
            last = Some(said);
            Ok(is_there.then_some(()))
        })
        .await;
        reached.map_err(|failure| Failure::new(format!("{failure}\nThe plugin says: {last:?}")))
    }
}

/// The objects of a canary whose way has all of that in it: an analysis that asks nobody, and a Rollout of this name.
#[must_use]
pub fn canary(namespace: &str, name: &str) -> Vec<Value> {
    // It waits an hour before it measures anything: until then the run is under way.
    let metric = json!({
        "name": "later", "initialDelay": "1h", "count": 1, "successCondition": "true",
        "provider": { "prometheus": { "address": "http://127.0.0.1:9", "query": "up" } },
    });
    let template = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate",
        "metadata": { "name": ANALYSIS, "namespace": namespace }, "spec": { "metrics": [metric] },
    });
    let steps = json!([
        { "setWeight": 20 }, { "pause": {} }, { "analysis": { "templates": [{ "templateName": ANALYSIS }] } },
        { "setWeight": 60 }, { "pause": {} }, { "setWeight": 80 }, { "pause": { "duration": "20s" } },
    ]);
    let mut rollout = rollout(namespace, name, &json!({ "canary": { "steps": steps } }));
    rollout["spec"]["minReadySeconds"] = json!(AVAILABLE_AFTER);
    vec![template, rollout]
}

/// Pods of this image come nowhere, and it has little time.
fn stuck(tag: &str) -> Does {
    let image = format!("registry.invalid/models/server:{tag}");
    patch(&json!({ "nodeSelector": { "nowhere": "true" }, "image": image }), DEADLINE)
}

/// They may be anywhere, and it has all the time.
fn freed(tag: &str) -> Does {
    let image = format!("registry.invalid/models/server:{tag}");
    patch(&json!({ "nodeSelector": null, "image": image }), 600)
}

fn patch(of: &Value, deadline: u32) -> Does {
    // A merge patch takes a list as a whole.
    let container = json!({
        "name": "server", "image": of["image"], "resources": { "limits": { "nvidia.com/gpu": "1" } },
    });
    Does::Patch(json!({ "spec": {
        "progressDeadlineSeconds": deadline,
        "template": { "spec": { "nodeSelector": of["nodeSelector"], "containers": [container] } },
    } }))
}

/// The way of [`canary`].
#[must_use]
pub fn of_canary() -> Vec<Station> {
    let at = |does: Does, status: &'static str, step: &'static str| {
        Station::new(does, &[("Status", status), ("Step", step)])
    };
    let says = |does: Does, status: &'static str, message: &'static str| {
        Station::new(does, &[("Status", status), ("Message", message)])
    };
    let skip = || Does::Plugin(&["promote"], &["--skip-current-step"]);
    let promote = || Does::Plugin(&["promote"], &[]);
    vec![
        at(Does::Nothing, "Healthy", "7/7"),
        // On its way: its pods are there and do not count yet.
        at(Does::Image("2.0.0"), "Progressing", "0/7"),
        at(Does::Nothing, "Paused", "1/7"),
        says(Does::Plugin(&["pause"], &[]), "Paused", "manually paused"),
        says(Does::Patch(json!({ "spec": { "paused": false } })), "Paused", "CanaryPauseStep"),
        // Its analysis is under way.
        at(promote(), "Progressing", "2/7"),
        at(skip(), "Progressing", "3/7"),
        // At 60 % until a person goes on.
        at(Does::Nothing, "Paused", "4/7"),
        // Its pods come nowhere, until its time is over.
        at(stuck("3.0.0"), "Progressing", "0/7"),
        at(Does::Nothing, "Degraded", "0/7"),
        at(freed("3.0.0"), "Paused", "1/7"),
        at(Does::Plugin(&["abort"], &[]), "Degraded", "0/7"),
        at(Does::Plugin(&["retry", "rollout"], &[]), "Progressing", "0/7"),
        at(Does::Nothing, "Paused", "1/7"),
        at(Does::Plugin(&["promote"], &["--full"]), "Progressing", "7/7"),
        at(Does::Nothing, "Healthy", "7/7"),
        // Once more, up to a pause that ends by itself.
        at(Does::Image("4.0.0"), "Paused", "1/7"),
        at(promote(), "Progressing", "2/7"),
        at(skip(), "Paused", "4/7"),
        at(promote(), "Paused", "6/7"),
        at(Does::Nothing, "Healthy", "7/7"),
        at(Does::Patch(json!({ "spec": { "replicas": 7 } })), "Progressing", "7/7"),
        at(Does::Nothing, "Healthy", "7/7"),
        at(Does::Plugin(&["pause"], &[]), "Paused", "7/7"),
    ]
}

/// What stands between the states of a blue-green Rollout that is paused: pods that come nowhere, with which it stays Progressing past
/// its deadline.
#[must_use]
pub fn of_blue_green() -> Vec<Station> {
    let at = |does: Does, status: &'static str| Station::new(does, &[("Status", status)]);
    vec![at(stuck("5.0.0"), "Progressing"), at(freed("5.0.0"), "Paused")]
}

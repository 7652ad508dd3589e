//! The object that something is to be done to, and what every draft says of it.

use super::{Guard, Present, ROLLOUT};
use pilothouse_wire::{
    Code, Problem,
    plan::{Affected, Expectation, Intent},
};
use pilothouse_world::gpu;
use serde_json::Value;
use std::time::Duration;

pub(in crate::acts) struct About<'a> {
    pub kind: &'a str,
    /// With its namespace.
    pub name: String,
    pub object: &'a Value,
    /// Who has the template of its pods: the object, or the workload that it takes it from.
    pub holder: &'a Value,
    /// Is the template another object's?
    pub borrowed: bool,
}

impl<'a> About<'a> {
    pub fn new(intent: &'a Intent, present: &Present<'a>) -> Self {
        let name = intent.object.name();
        let name = match intent.object.namespace() {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.to_string(),
        };
        Self {
            kind: intent.object.kind_word(),
            name,
            object: present.object,
            holder: present.template.unwrap_or(present.object),
            borrowed: present.template.is_some(),
        }
    }

    pub fn is_rollout(&self) -> bool {
        self.kind == "Rollout"
    }

    /// Is it a service of KServe?
    pub fn is_served(&self) -> bool {
        self.kind == crate::acts::kserve::KIND
    }

    /// Are its replicas groups of pods?
    pub fn is_groups(&self) -> bool {
        self.kind == "LeaderWorkerSet"
    }

    pub fn not_offered(&self, deed: &str) -> Problem {
        Problem::new(Code::NotOffered, format!("{} {} cannot be {deed}.", self.kind, self.name))
    }

    pub fn so_already(&self, how: &str) -> Problem {
        Problem::new(Code::Exists, format!("{} {} is {how} already.", self.kind, self.name))
            .next("Nothing is to be done.")
    }

    /// Only these kinds.
    pub fn of(&self, kinds: &[&str], deed: &str) -> Result<(), Problem> {
        if kinds.contains(&self.kind) {
            return Ok(());
        }
        Err(self.not_offered(deed).why(format!("That is for {}.", kinds.join(", "))))
    }

    /// What changes its template reaches no pod while it is paused.
    pub fn not_paused(&self) -> Result<(), Problem> {
        // A Rollout that is paused takes a new template up, and waits with it.
        if self.object["spec"]["paused"] == true && !self.is_rollout() {
            return Err(Problem::new(Code::BadInput, format!("{} {} is paused.", self.kind, self.name))
                .why("Nothing that is changed now would reach its pods.")
                .next("Resume it first."));
        }
        Ok(())
    }

    pub fn replicas(&self) -> u32 {
        let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        match self.kind {
            "DaemonSet" => number(&self.object["status"]["desiredNumberScheduled"]).unwrap_or(0),
            // What is not said is one.
            _ => number(&self.object["spec"]["replicas"]).unwrap_or(1),
        }
    }

    /// The template of its pods.
    pub fn template(&self) -> &'a Value {
        &self.holder["spec"]["template"]
    }

    pub fn affected(&self, pods: u32) -> Affected {
        if self.is_groups() {
            return super::groups::affected(self.object, pods);
        }
        Affected::new(pods, gpus(&self.template()["spec"]) * u64::from(pods))
    }

    /// The template of its pods is as it was read, whoever has moved the number of them meanwhile.
    pub fn same_template(&self) -> Guard {
        Guard::new("/spec/template", self.template().clone())
    }

    /// The whole of the settings is as it was read.
    pub fn generation(&self) -> Guard {
        Guard::new("/metadata/generation", self.holder["metadata"]["generation"].clone())
    }

    /// How long its pods may take, by its own word.
    pub fn rollout(&self) -> Duration {
        let own = self.object["spec"]["progressDeadlineSeconds"].as_u64().map(Duration::from_secs);
        own.filter(|own| *own < Duration::from_secs(86_400)).unwrap_or(ROLLOUT)
    }

    pub fn success(&self, pods: u32) -> Expectation {
        let words = match self.is_rollout() {
            true => format!(
                "{pods} of {pods} pods are ready and of the newest revision, or it waits at a step of its canary"
            ),
            false => format!("{pods} of {pods} pods are ready and of the newest revision"),
        };
        Expectation { words, within: self.rollout() }
    }
}

/// GPUs that a pod asks for.
pub(super) fn gpus(pod: &Value) -> u64 {
    let containers = pod["containers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let amount = |of: &Value| of.as_str().and_then(|text| text.parse().ok()).or(of.as_u64()).unwrap_or(0_u64);
    let asked = |container: &Value, list: &str| {
        let all = container["resources"][list].as_object();
        all.into_iter().flatten().filter(|(key, _)| gpu::is_gpu_key(key)).map(|(_, of)| amount(of)).sum::<u64>()
    };
    containers.iter().map(|one| asked(one, "limits").max(asked(one, "requests"))).sum()
}

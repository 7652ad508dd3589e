//! What a revision makes pods of, beside its images: what its containers ask for, where its pods may run, and the names of
//! what they refer to.

use crate::slim::{
    Container, ControllerRevision, EnvVar, Named, Quantities, ReplicaSet, TemplateSpec, Toleration, VolumeSource,
};
use pilothouse_wire::SmolStr;
use pilothouse_world::fact::{MadeFact, TemplateFact};
use std::{
    collections::BTreeSet,
    hash::{BuildHasher, Hash, RandomState},
    sync::LazyLock,
};

/// Of what a template may have any number of, so many are kept of each.
const MOST: usize = 100;

/// Under what digests are made: random bits that this process alone has, so that whoever reads a record cannot find out by
/// trying which value a digest is of.
static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Of a ReplicaSet; `None` where it says nothing of what it makes.
#[must_use]
pub fn template_of_replica_set(set: &ReplicaSet) -> Option<TemplateFact> {
    let template = set.spec.as_ref()?.template.as_ref()?;
    template.spec.as_ref().map(self::template)
}

/// Of a ControllerRevision; `None` where its data has no template that we know.
#[must_use]
pub fn template_of_revision(revision: &ControllerRevision) -> Option<TemplateFact> {
    super::controller::template_in(revision)?.spec.as_ref().map(template)
}

fn template(pod: &TemplateSpec) -> TemplateFact {
    let containers = || pod.init_containers.iter().chain(&pod.containers);
    let mut names = Names::default();
    containers().for_each(|container| names.of_variables(container));
    pod.volumes.iter().filter_map(|volume| volume.source.as_ref()).for_each(|source| names.of_volume(source));
    let all = |names: BTreeSet<&str>| names.into_iter().take(MOST).map(SmolStr::new).collect();
    let text = |(key, value): (&String, &String)| (SmolStr::new(key), SmolStr::new(value));
    TemplateFact {
        containers: containers().take(MOST).map(made).collect(),
        selector: pod.node_selector.iter().take(MOST).map(text).collect(),
        tolerations: pod.tolerations.iter().take(MOST).map(toleration).collect(),
        config_maps: all(names.config_maps),
        secrets: all(names.secrets),
        claims: all(names.claims),
    }
}

fn made(container: &Container) -> MadeFact {
    let amounts = |all: &Quantities| -> Vec<(SmolStr, SmolStr)> {
        all.iter().take(MOST).map(|(key, amount)| (SmolStr::new(key), SmolStr::new(&amount.string))).collect()
    };
    let resources = container.resources.clone().unwrap_or_default();
    MadeFact {
        name: SmolStr::new(&container.name),
        requests: amounts(&resources.requests),
        limits: amounts(&resources.limits),
        variables: container.env.iter().take(MOST).map(variable).collect(),
        arguments: digest(&(&container.command, &container.args)),
    }
}

/// Which ConfigMap or Secret it is from is told apart from this.
fn variable(it: &EnvVar) -> (SmolStr, u64) {
    let from = it.value_from.as_ref();
    let from = from.map(|from| (from.config_map_key_ref.is_some(), from.secret_key_ref.is_some()));
    (SmolStr::new(&it.name), digest(&(&it.value, from)))
}

fn digest(of: &impl Hash) -> u64 {
    KEY.hash_one(of)
}

/// As taints are written.
fn toleration(it: &Toleration) -> SmolStr {
    let key = if it.key.is_empty() { "*" } else { &it.key };
    let value = if it.value.is_empty() { String::new() } else { format!("={}", it.value) };
    let effect = if it.effect.is_empty() { String::new() } else { format!(":{}", it.effect) };
    SmolStr::new(format!("{key}{value}{effect}"))
}

/// Names of what a template refers to.
#[derive(Default)]
struct Names<'a> {
    config_maps: BTreeSet<&'a str>,
    secrets: BTreeSet<&'a str>,
    claims: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    fn of_variables(&mut self, container: &'a Container) {
        for from in container.env.iter().filter_map(|variable| variable.value_from.as_ref()) {
            self.add(from.config_map_key_ref.as_ref(), from.secret_key_ref.as_ref());
        }
        for from in &container.env_from {
            self.add(from.config_map_ref.as_ref(), from.secret_ref.as_ref());
        }
    }

    fn of_volume(&mut self, source: &'a VolumeSource) {
        self.add(source.config_map.as_ref(), None);
        let secret = source.secret.as_ref().map(|secret| secret.secret_name.as_str());
        self.secrets.extend(secret.filter(|name| !name.is_empty()));
        let claim = source.persistent_volume_claim.as_ref().map(|claim| claim.claim_name.as_str());
        self.claims.extend(claim.filter(|name| !name.is_empty()));
        for from in source.projected.iter().flat_map(|projected| &projected.sources) {
            self.add(from.config_map.as_ref(), from.secret.as_ref());
        }
    }

    fn add(&mut self, config_map: Option<&'a Named>, secret: Option<&'a Named>) {
        self.config_maps.extend(config_map.and_then(Named::name));
        self.secrets.extend(secret.and_then(Named::name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slim::Volume;
    use prost::Message;
    use serde_json::{Value, json};

    const CANARY: &str = "canary-5b1f";

    fn spec(value: Value) -> TemplateSpec {
        serde_json::from_value(value).unwrap()
    }

    fn chat() -> TemplateSpec {
        spec(json!({
            "nodeSelector": { "pool": "h100" },
            "tolerations": [
                { "key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule" }, { "operator": "Exists" },
                { "key": "team", "value": "a", "effect": "NoExecute", "tolerationSeconds": 5 },
            ],
            "containers": [{
                "name": "server", "image": "vllm:v2", "args": ["--api-key", CANARY],
                "env": [
                    { "name": "TOKEN", "value": CANARY },
                    { "name": "KEY", "valueFrom": { "secretKeyRef": { "name": "keys", "key": CANARY } } },
                    { "name": "MODE", "valueFrom": { "configMapKeyRef": { "name": "modes", "key": "mode" } } },
                    { "name": "NODE", "valueFrom": { "fieldRef": { "fieldPath": "spec.nodeName" } } },
                ],
                "envFrom": [{ "configMapRef": { "name": "settings" } }, { "secretRef": { "name": "login" } }],
                "resources": { "limits": { "nvidia.com/gpu": "2", "memory": "64Gi" }, "requests": { "cpu": "4" } },
            }],
            "volumes": [
                { "name": "a", "secret": { "secretName": "tls" } }, { "name": "b", "configMap": { "name": "routes" } },
                { "name": "c", "emptyDir": {} }, { "name": "e", "persistentVolumeClaim": { "claimName": "weights" } },
                { "name": "d", "projected": { "sources": [
                    { "configMap": { "name": "kube-root-ca.crt" } }, { "secret": { "name": "pull" } },
                    { "serviceAccountToken": { "path": "token" } },
                ] } },
            ],
        }))
    }

    #[test]
    fn a_template_is_told_by_names_and_amounts_and_no_value_of_it_is_kept() {
        let fact = template(&chat());
        assert_eq!(fact.selector, [("pool".into(), "h100".into())]);
        assert_eq!(fact.tolerations, ["nvidia.com/gpu:NoSchedule", "*", "team=a:NoExecute"]);
        assert_eq!(fact.config_maps, ["kube-root-ca.crt", "modes", "routes", "settings"]);
        assert_eq!(
            (fact.secrets, fact.claims),
            (["keys", "login", "pull", "tls"].map(SmolStr::from).to_vec(), vec!["weights".into()])
        );
        let [made] = &fact.containers[..] else { panic!("{:?}", fact.containers) };
        assert_eq!(made.limits, [("memory".into(), "64Gi".into()), ("nvidia.com/gpu".into(), "2".into())]);
        assert_eq!(made.requests, [("cpu".into(), "4".into())]);
        let names: Vec<&str> = made.variables.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["TOKEN", "KEY", "MODE", "NODE"]);
        assert!(!format!("{:?}", template(&chat())).contains(CANARY));
    }

    #[test]
    fn a_digest_is_another_one_where_what_it_is_of_is_and_only_there() {
        let fact = || template(&chat()).containers.remove(0);
        assert_eq!(fact(), fact());
        let mut other = chat();
        other.containers[0].args.push("--max-model-len=8192".into());
        other.containers[0].env[0].value = "another".into();
        let other = template(&other).containers.remove(0);
        assert_ne!(other.arguments, fact().arguments);
        let differ = other.variables.iter().zip(&fact().variables).map(|(one, two)| one != two).collect::<Vec<_>>();
        assert_eq!(differ, [true, false, false, false]);
        // Where an argument ends is a part of it.
        let of = |args: &[&str]| {
            made(&Container { args: args.iter().map(|arg| (*arg).to_owned()).collect(), ..Container::default() })
        };
        assert_ne!(of(&["ab", "c"]).arguments, of(&["a", "bc"]).arguments);
    }

    #[test]
    fn protobuf_and_json_say_the_same() {
        let bytes = chat().encode_to_vec();
        assert_eq!(TemplateSpec::decode(bytes.as_slice()).unwrap(), chat());
        // Tag 2 is the source, 6 in it the secret, 1 its name.
        let volume: Volume = serde_json::from_value(json!({ "name": "a", "secret": { "secretName": "tls" } })).unwrap();
        assert_eq!(volume.encode_to_vec(), [0x12, 7, 0x32, 5, 0x0a, 3, b't', b'l', b's']);
    }

    #[test]
    fn of_what_there_is_any_number_of_a_part_is_kept() {
        let env: Vec<Value> = (0..500).map(|n| json!({ "name": format!("V{n}"), "value": "x" })).collect();
        let fact = template(&spec(json!({ "containers": [{ "name": "a", "env": env }] })));
        assert_eq!(fact.containers[0].variables.len(), MOST);
        let none: ReplicaSet = serde_json::from_value(json!({ "spec": { "replicas": 1 } })).unwrap();
        assert_eq!(template_of_replica_set(&none), None);
    }
}

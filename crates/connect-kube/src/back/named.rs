//! What pods of a template name besides their images: objects of the namespace, and registered models. Pure.
//!
//! Source: `v1.PodSpec`. That an object has the keys which are named of it is not looked at: its content is not read.

use pilothouse_wire::{
    SmolStr,
    back::{Known, NamedObject, Without},
};
use serde_json::Value;

/// Schemes of addresses that a registry of models resolves. Nothing else of an argument or a variable leaves this module.
const MODELS: [&str; 3] = ["models:/", "runs:/", "mlflow-artifacts:/"];

/// The resource of each kind that pods name.
const PLURALS: [(&str, &str); 4] = [
    ("ConfigMap", "configmaps"),
    ("Secret", "secrets"),
    ("ServiceAccount", "serviceaccounts"),
    ("PersistentVolumeClaim", "persistentvolumeclaims"),
];

/// The resource of a kind that pods name.
pub(super) fn plural(kind: &str) -> Option<&'static str> {
    PLURALS.iter().find(|(word, _)| *word == kind).map(|(_, plural)| *plural)
}

/// All containers of a pod's spec.
pub(super) fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers"].into_iter().flat_map(|list| spec[list].as_array().into_iter().flatten())
}

/// The objects that the specs of pods name, each once, with the strictest of its needs.
pub(super) fn named(specs: &[&Value]) -> Vec<NamedObject> {
    let mut all = All::default();
    specs.iter().for_each(|spec| all.of(spec));
    all.0
}

#[derive(Default)]
struct All(Vec<NamedObject>);

impl All {
    fn of(&mut self, spec: &Value) {
        for volume in list(&spec["volumes"]) {
            let by = format!("volume {}", text(&volume["name"]));
            self.config_map(&volume["configMap"], "name", &by);
            self.secret(&volume["secret"], "secretName", &by);
            for source in list(&volume["projected"]["sources"]) {
                self.config_map(&source["configMap"], "name", &by);
                self.secret(&source["secret"], "name", &by);
            }
            self.add("PersistentVolumeClaim", &volume["persistentVolumeClaim"]["claimName"], Without::NoStart, by);
        }
        for container in containers(spec) {
            let of = text(&container["name"]);
            for variable in list(&container["env"]) {
                let by = format!("variable {} of {of}", text(&variable["name"]));
                self.config_map(&variable["valueFrom"]["configMapKeyRef"], "name", &by);
                self.secret(&variable["valueFrom"]["secretKeyRef"], "name", &by);
            }
            for from in list(&container["envFrom"]) {
                let by = format!("variables of {of}");
                self.config_map(&from["configMapRef"], "name", &by);
                self.secret(&from["secretRef"], "name", &by);
            }
        }
        for secret in list(&spec["imagePullSecrets"]) {
            self.add("Secret", &secret["name"], Without::PerhapsNoImage, "pulling its images".to_owned());
        }
        let account = &spec["serviceAccountName"];
        // Every namespace has that one.
        if *account != "default" {
            self.add("ServiceAccount", account, Without::NoStart, "the account of its pods".to_owned());
        }
    }

    fn config_map(&mut self, source: &Value, key: &str, by: &str) {
        self.add("ConfigMap", &source[key], needed(source), by.to_owned());
    }

    fn secret(&mut self, source: &Value, key: &str, by: &str) {
        self.add("Secret", &source[key], needed(source), by.to_owned());
    }

    fn add(&mut self, kind: &'static str, name: &Value, without: Without, by: String) {
        let Some(name) = name.as_str().filter(|name| !name.is_empty()) else { return };
        match self.0.iter_mut().find(|known| known.kind == kind && known.name == name) {
            Some(known) => {
                known.without = stricter(known.without, without);
                // A leader and its workers may name it in the same words.
                if known.by.split(", ").all(|told| told != by) {
                    known.by = format!("{}, {by}", known.by);
                }
            }
            None => self.0.push(NamedObject {
                kind: SmolStr::new_static(kind),
                name: name.into(),
                by,
                without,
                there: Known::NotAsked,
            }),
        }
    }
}

fn needed(source: &Value) -> Without {
    if source["optional"] == true { Without::Nothing } else { Without::NoStart }
}

fn stricter(a: Without, b: Without) -> Without {
    let rank = |without: Without| match without {
        Without::NoStart => 2,
        Without::PerhapsNoImage => 1,
        Without::Nothing => 0,
    };
    if rank(b) > rank(a) { b } else { a }
}

/// Addresses of registered models among arguments and variables, each with where it stands.
pub(super) fn models(specs: &[&Value]) -> Vec<(String, SmolStr)> {
    let mut all: Vec<(String, SmolStr)> = Vec::new();
    let mut add = |place: &str, words: &str| {
        let apart = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '=' | ';' | '`' | '(' | ')');
        for word in words.split(apart).filter(|word| MODELS.iter().any(|scheme| word.starts_with(scheme))) {
            if all.iter().all(|(_, known)| known != word) {
                all.push((place.to_owned(), word.into()));
            }
        }
    };
    for container in specs.iter().flat_map(|spec| containers(spec)) {
        let of = text(&container["name"]);
        for argument in list(&container["command"]).iter().chain(list(&container["args"])) {
            add(&format!("an argument of {of}"), text(argument));
        }
        for variable in list(&container["env"]) {
            add(&format!("variable {} of {of}", text(&variable["name"])), text(&variable["value"]));
        }
    }
    all
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

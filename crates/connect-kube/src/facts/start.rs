//! What the containers of a pod are started with: addresses of models, and nothing else of commands, arguments and variables.

use super::{some, stamp};
use crate::slim::{Container, ContainerState, ContainerStatus, Pod, PodStatus};
use pilothouse_connect::redact_arguments;
use pilothouse_wire::{AddressPlace, ModelAddress, ModelUri, SmolStr, Stamp};
use pilothouse_world::fact::StartFact;

/// Flags whose value is a model, also where it lies in a store or on a hub. Sources: the arguments of vLLM, SGLang, text
/// generation inference, Triton, `mlflow models serve`.
const FLAGS: [&str; 11] = [
    "--model",
    "--model-id",
    "--model_id",
    "--model-path",
    "--model_path",
    "--model-uri",
    "--model_uri",
    "--model-name-or-path",
    "--model_name_or_path",
    "--model-repository",
    "--model-store",
];

/// Variables likewise. Sources: text generation inference, KServe, Seldon, MLflow.
const VARIABLES: [&str; 8] = [
    "MODEL_URI",
    "MODEL_ID",
    "MODEL_PATH",
    "MODEL",
    "STORAGE_URI",
    "HF_MODEL_ID",
    "MLFLOW_MODEL_URI",
    "MODEL_NAME_OR_PATH",
];

/// By which KServe tells its storage initializer what to fetch. Source: `pkg/constants` of KServe.
const SOURCE: &str = "internal.serving.kserve.io/storage-initializer-sourceuri";
/// The container that fetches it: its first argument is the address.
const FETCHES: &str = "storage-initializer";
/// Addresses of one container that are kept.
const MOST: usize = 8;
/// Characters of one.
const LONGEST: usize = 512;

/// Those containers of a pod that are started with models.
#[must_use]
pub fn starts_of_pod(pod: &Pod) -> Vec<StartFact> {
    let Some(spec) = &pod.spec else { return Vec::new() };
    let none = PodStatus::default();
    let status = pod.status.as_ref().unwrap_or(&none);
    let init = spec.init_containers.iter().map(|container| (container, &status.init_container_statuses));
    let main = spec.containers.iter().map(|container| (container, &status.container_statuses));
    let mut all: Vec<StartFact> = init.chain(main).filter_map(|(container, all)| start(container, all)).collect();
    let annotated = pod.metadata.as_ref().and_then(|meta| meta.annotations.get(SOURCE));
    if let Some(text) = annotated.and_then(|text| address(None, text, true))
        && all.iter().flat_map(|start| &start.models).all(|known| known.text != text)
    {
        let place = AddressPlace::Annotation(SmolStr::new_static(SOURCE));
        let container = spec.containers.first().and_then(|container| some(&container.name)).unwrap_or_default();
        let models = vec![ModelAddress { text, place }];
        all.push(StartFact { container, began: stamp(status.start_time), models });
    }
    all
}

fn start(container: &Container, statuses: &[ContainerStatus]) -> Option<StartFact> {
    let models = addresses(container);
    if models.is_empty() {
        return None;
    }
    let status = statuses.iter().find(|status| status.name == container.name);
    let began = status.and_then(|status| status.state.as_ref()).and_then(began);
    Some(StartFact { container: SmolStr::new(&container.name), began, models })
}

/// One that is over fetched what others run, or runs no more: its facts say so beside this.
fn began(state: &ContainerState) -> Option<Stamp> {
    let running = state.running.as_ref().and_then(|running| running.started_at);
    stamp(running.or_else(|| state.terminated.as_ref().and_then(|ended| ended.started_at)))
}

/// Addresses of models in what a container is started with, each once, in their order.
fn addresses(container: &Container) -> Vec<ModelAddress> {
    let mut all: Vec<ModelAddress> = Vec::new();
    let mut add = |found: Option<SmolStr>, place: AddressPlace| {
        if let Some(text) = found
            && all.len() < MOST
            && all.iter().all(|known| known.text != text)
        {
            all.push(ModelAddress { text, place });
        }
    };
    let fetches = container.name == FETCHES;
    let (mut flag, mut before): (Option<&str>, [&str; 2]) = (None, ["", ""]);
    for word in container.command.iter().chain(&container.args).flat_map(|argument| words(argument)) {
        let pending = flag.take();
        let (name, value) = match word.split_once('=').filter(|(name, _)| is_name(name)) {
            Some((name, value)) => (Some(name), value),
            None if word.starts_with('-') => {
                flag = Some(word);
                before = [before[1], word];
                continue;
            }
            None => (pending, word),
        };
        // `vllm serve MODEL`.
        let is_served = before[1] == "serve" && before[0].rsplit('/').next() == Some("vllm");
        let (known, place) = match name {
            Some(name) if name.starts_with('-') => (FLAGS.contains(&name), AddressPlace::Flag(name.into())),
            Some(name) => (VARIABLES.contains(&name), AddressPlace::Variable(name.into())),
            None => (is_served || fetches, AddressPlace::Argument),
        };
        add(address(name, value, known), place);
        before = [before[1], word];
    }
    for variable in &container.env {
        let known = VARIABLES.contains(&variable.name.as_str());
        add(
            address(Some(&variable.name), &variable.value, known),
            AddressPlace::Variable(SmolStr::new(&variable.name)),
        );
    }
    all
}

/// The words of an argument, which may be a script of a shell.
fn words(argument: &str) -> impl Iterator<Item = &str> {
    let between =
        |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | ';' | '`' | '(' | ')' | '|' | '&' | '<' | '>');
    // `M='models:/chat/3'` is cut behind its sign.
    argument.split(between).filter(|word| !word.is_empty())
}

/// A flag, or a variable that a shell is told.
fn is_name(text: &str) -> bool {
    let name = text.trim_start_matches('-');
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// An address of a model, without credentials and parameters. One of a tracking server is taken wherever it stands; one of a
/// store or a hub only where a model is `known` to stand.
fn address(name: Option<&str>, text: &str, known: bool) -> Option<SmolStr> {
    let text = text.trim().split(['?', '#']).next().unwrap_or_default();
    if text.len() > LONGEST || !(ModelUri::parse(text).is_some() || is_of_hub(text)) {
        return None;
    }
    // Beside its name, since that may say that it is a secret.
    let beside = name.map_or_else(|| text.to_owned(), |name| format!("{name}={text}"));
    let shown = redact_arguments(&[beside]).pop()?;
    let text = name.map_or(Some(shown.as_str()), |name| shown.strip_prefix(name)?.strip_prefix('='))?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/@:+,%".contains(c);
    let is_kept = match ModelUri::parse(text) {
        Some(uri) => known || uri.is_of_registry(),
        None => known && is_of_hub(text),
    };
    (is_kept && text.chars().all(is_plain)).then(|| SmolStr::new(text))
}

/// An address of a model in a field that is for one: as [`address`], where a model is known to stand.
pub(super) fn of_store(text: &str) -> Option<SmolStr> {
    address(None, text, true)
}

/// `org/name`, as hubs write it.
fn is_of_hub(text: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    text.len() <= 96 && text.split_once('/').is_some_and(|(org, name)| is_part(org) && is_part(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn starts(value: Value) -> Vec<StartFact> {
        starts_of_pod(&serde_json::from_value(value).unwrap())
    }

    #[track_caller]
    fn check(command: &[&str], env: &[(&str, &str)], want: &[&str]) {
        let env: Vec<Value> = env.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let all = starts(json!({
            "metadata": { "name": "p" },
            "spec": { "containers": [{ "name": "server", "args": command, "env": env }] }
        }));
        let found = all.iter().flat_map(|start| &start.models);
        let found: Vec<String> = found.map(|model| format!("{} in {}", model.text, model.place.words())).collect();
        assert_eq!(found, want);
    }

    #[test]
    fn addresses_are_found_where_people_write_them() {
        check(&["--model-uri", "models:/chat/3", "--port", "80"], &[], &["models:/chat/3 in argument --model-uri"]);
        check(&["--model=models:/chat@champion"], &[], &["models:/chat@champion in argument --model"]);
        check(&["serve", "runs:/ab/model"], &[], &["runs:/ab/model in an argument"]);
        check(
            &["-c", "export M='models:/chat/3'; exec serve --uri=models:/chat@b"],
            &[],
            &["models:/chat/3 in an argument", "models:/chat@b in argument --uri"],
        );
        check(&["-c", "M=models:/chat/3 exec serve"], &[], &["models:/chat/3 in variable M"]);
        check(
            &["--a", "models:/chat/3"],
            &[("MODEL_URI", " models:/chat/3 "), ("OTHER", "runs:/r/m")],
            &["models:/chat/3 in argument --a", "runs:/r/m in variable OTHER"],
        );
        check(&["--model", "s3://b/chat/"], &[], &["s3://b/chat/ in argument --model"]);
        check(&["--model", "org/chat-8b", "--tokenizer", "org/t"], &[], &["org/chat-8b in argument --model"]);
        check(&["/usr/bin/vllm", "serve", "org/chat-8b"], &[], &["org/chat-8b in an argument"]);
        check(&[], &[("HF_MODEL_ID", "org/chat-8b")], &["org/chat-8b in variable HF_MODEL_ID"]);
        check(&[], &[("STORAGE_URI", "oci://reg:5000/chat:v1")], &["oci://reg:5000/chat:v1 in variable STORAGE_URI"]);
        check(&["--model", "/mnt/models", "--served-model-name", "org/chat"], &[], &[]);
        check(&["--data", "s3://b/data", "serve", "org/x"], &[("CACHE", "s3://b/c"), ("HOME_OF", "org/y")], &[]);
    }

    #[test]
    fn nothing_but_addresses_is_kept_and_none_with_a_secret() {
        check(&["--api-key", "hunter2", "--model", "hunter2", "hunter2"], &[("MODEL_URI", "hunter2")], &[]);
        check(
            &["--model", "s3://AKIA:hunter2@b/chat?X-Amz-Signature=hunter2#hunter2"],
            &[("MODEL_ID", "mlflow-artifacts://me:hunter2@host/1/r/artifacts/m")],
            &["s3://b/chat in argument --model", "mlflow-artifacts://host/1/r/artifacts/m in variable MODEL_ID"],
        );
        // What is called a secret is none of ours, whatever it looks like.
        check(&["--password=models:/hunter2/1"], &[("API_TOKEN", "models:/hunter2/1")], &[]);
        check(&["--model", "https://x/m?sig=hunter2", "--model", "s3://b/\u{202e}x", "--model", "a/b/c"], &[], &[]);
        check(&["--model", &format!("s3://{}", "x".repeat(600))], &[], &[]);
        let many: Vec<String> = (0..20).map(|n| format!("models:/chat/{n}")).collect();
        let all = starts(json!({ "spec": { "containers": [{ "name": "c", "command": many }] } }));
        assert_eq!(all[0].models.len(), MOST);
    }

    #[test]
    fn a_variable_out_of_a_secret_has_no_value_and_is_none() {
        let all = starts(json!({ "spec": { "containers": [{ "name": "c", "env": [
            { "name": "MODEL_URI", "valueFrom": { "secretKeyRef": { "name": "hunter2", "key": "models:/chat/3" } } }
        ] }] } }));
        assert_eq!(all, []);
    }

    #[test]
    fn a_container_began_when_its_status_says_so_and_what_kserve_fetches_with_the_pod() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().map(|at| Stamp(at.as_millisecond())).unwrap();
        let kserve = json!({ SOURCE: "s3://b/chat" });
        let spec = json!({
            "initContainers": [{ "name": "fetch", "args": ["--model", "hf://org/base"] }],
            "containers": [
                { "name": "kserve-container", "image": "i" },
                { "name": "side", "env": [{ "name": "MODEL", "value": "models:/chat@b" }] }
            ]
        });
        let status = json!({
            "startTime": "2026-11-24T03:00:00Z",
            "initContainerStatuses": [{ "name": "fetch", "state": { "terminated": {
                "exitCode": 0, "startedAt": "2026-11-24T03:00:01Z", "finishedAt": "2026-11-24T03:00:09Z" } } }],
            "containerStatuses": [{ "name": "side", "state": { "running": { "startedAt": "2026-11-24T03:00:10Z" } } }]
        });
        let pod = json!({ "metadata": { "name": "p", "annotations": kserve }, "spec": spec, "status": status });
        let all = starts(pod);
        let of: Vec<(&str, &str, Option<Stamp>)> =
            all.iter().map(|start| (start.container.as_str(), start.models[0].text.as_str(), start.began)).collect();
        assert_eq!(
            of,
            [
                ("fetch", "hf://org/base", Some(at("2026-11-24T03:00:01Z"))),
                ("side", "models:/chat@b", Some(at("2026-11-24T03:00:10Z"))),
                ("kserve-container", "s3://b/chat", Some(at("2026-11-24T03:00:00Z"))),
            ]
        );
        assert_eq!(all[2].models[0].place.words(), format!("annotation {SOURCE}"));
        // The initializer has it in its arguments: then it says when it fetched it.
        let all = starts(json!({
            "metadata": { "name": "p", "annotations": { SOURCE: "s3://b/chat" } },
            "spec": { "initContainers": [{ "name": "storage-initializer", "args": ["s3://b/chat", "/mnt/models"] }] }
        }));
        assert_eq!((all.len(), all[0].container.as_str()), (1, "storage-initializer"));
    }

    proptest! {
        /// Whatever stands there: what is kept is an address in plain letters without parameters, and not many of them.
        #[test]
        fn what_is_kept_is_an_address_and_nothing_else(
            words in proptest::collection::vec("(--model|--model=|--api-key|MODEL_URI=|serve|-c|'|)?(s3://|models:/|runs:/|hf://|://)?[a-z0-9@:/?#=%&*. -]{0,12}", 0..12),
            value in "\\PC{0,40}",
        ) {
            let env = json!([{ "name": "MODEL_URI", "value": value }, { "name": "TOKEN", "value": words.first() }]);
            let all = starts(json!({ "spec": { "containers": [{ "name": "c", "args": words, "env": env }] } }));
            let models: Vec<&ModelAddress> = all.iter().flat_map(|start| &start.models).collect();
            prop_assert!(models.len() <= MOST);
            for model in models {
                prop_assert!(ModelUri::parse(&model.text).is_some() || is_of_hub(&model.text), "{model:?}");
                prop_assert!(!model.text.contains(['?', '#', '*', '&', '=', ' ']), "{model:?}");
                prop_assert!(model.place != AddressPlace::Variable("TOKEN".into()));
            }
        }
    }
}

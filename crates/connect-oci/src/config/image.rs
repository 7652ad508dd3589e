//! The configuration of a container image. Source: image-spec `config.md`.

use super::{Says, cut, rows, said};
use pilothouse_connect::redact_arguments;
use pilothouse_wire::artifact::ArtifactKind;
use serde_json::Value;

/// Where KServe mounts the model that an image carries.
const MODELS: &str = "/models";
/// Labels that say what an image is: those of the OCI annotations.
const LABELS: &[(&str, &str)] = &[
    ("Title", "org.opencontainers.image.title"),
    ("Version", "org.opencontainers.image.version"),
    ("Revision", "org.opencontainers.image.revision"),
    ("Source", "org.opencontainers.image.source"),
    ("Licences", "org.opencontainers.image.licenses"),
];

/// What an image says of itself. One that a step of its build gives models to is a modelcar.
pub(super) fn read(config: &Value) -> Says {
    let mut all = rows(config, &[("Made", "/created")]);
    let parts = ["/os", "/architecture", "/variant"].map(|path| config.pointer(path).and_then(Value::as_str));
    let platform: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    all.extend(cut(&platform.join("/")).map(|platform| said("Platform", platform)));
    all.extend(rows(config, &[("User", "/config/User"), ("Folder", "/config/WorkingDir")]));
    for (label, path) in [("Entry point", "/config/Entrypoint"), ("Arguments", "/config/Cmd")] {
        let words: Vec<&str> =
            config.pointer(path).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        all.extend(cut(&redact_arguments(&words).join(" ")).map(|words| said(label, words)));
    }
    let labels = config.pointer("/config/Labels");
    let label = |(label, name): &(&str, &str)| Some(said(label, super::text(labels?.get(name)?)?));
    all.extend(LABELS.iter().filter_map(label));
    let step = built_with_models(config);
    let kind = step.is_some().then_some(ArtifactKind::Modelcar);
    all.extend(step.map(|step| said("Models by", step)));
    Says { rows: all, kind }
}

/// The step of the build that puts something below `/models`, if there is one.
fn built_with_models(config: &Value) -> Option<String> {
    let steps = config.pointer("/history").and_then(Value::as_array).into_iter().flatten();
    let commands = steps.filter_map(|step| step.get("created_by").and_then(Value::as_str));
    let copies = |command: &&str| {
        let copies = ["COPY", "ADD"].iter().any(|word| command.split_whitespace().any(|part| part == *word));
        let there = |part: &str| part == MODELS || part.strip_prefix(MODELS).is_some_and(|rest| rest.starts_with('/'));
        copies && command.split_whitespace().any(there)
    };
    let step = commands.into_iter().find(copies)?;
    let words: Vec<&str> = step.split_whitespace().collect();
    cut(&redact_arguments(&words).join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{read, tests::check};
    use serde_json::json;

    #[test]
    fn an_image_says_what_it_is_and_no_variable() {
        let config = json!({
            "created": "2026-11-24T03:12:00Z", "os": "linux", "architecture": "amd64",
            "config": {
                "User": "1000", "Env": ["TOKEN=hunter2"], "Entrypoint": ["python3", "-m", "server"],
                "Cmd": ["--api-key", "hunter2", "--port", "8000"],
                "Labels": { "org.opencontainers.image.revision": "9f8d111", "secret": "hunter2" }
            },
            "history": [{ "created_by": "RUN ls /models" }]
        });
        check(
            ArtifactKind::Image,
            &config,
            "Made: 2026-11-24T03:12:00Z\nPlatform: linux/amd64\nUser: 1000\nEntry point: python3 -m server\n\
             Arguments: --api-key … --port 8000\nRevision: 9f8d111",
        );
        assert_eq!(read(ArtifactKind::Image, &config).kind, None);
    }

    #[test]
    fn an_image_that_was_given_models_is_a_modelcar() {
        let of = |step: &str| read(ArtifactKind::Image, &json!({ "history": [{ "created_by": step }] })).kind;
        assert_eq!(of("COPY chat-70b /models # buildkit"), Some(ArtifactKind::Modelcar));
        assert_eq!(of("/bin/sh -c #(nop) COPY file:77 in /models/chat"), Some(ArtifactKind::Modelcar));
        assert_eq!(of("COPY a /modelserver"), None);
        assert_eq!(of("RUN mkdir /models"), None);
    }
}

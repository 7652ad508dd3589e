//! Configurations of models: CNCF ModelPack, Docker, KitOps, Ollama; and of charts.

use super::{Says, rows, said, text};
use serde_json::Value;

/// Ends of keys of a GGUF file's head that say what a model needs. Others may hold a whole template.
const GGUF: &[&str] = &[
    ".context_length",
    ".embedding_length",
    ".block_count",
    ".attention.head_count",
    ".attention.head_count_kv",
    ".feed_forward_length",
    ".expert_count",
    ".expert_used_count",
    "general.architecture",
    "general.name",
    "general.size_label",
    "general.license",
    "general.quantization_version",
];

/// `application/vnd.cncf.model.config.v1+json`. Source: model-spec `docs/config.md`.
pub(super) fn pack(config: &Value) -> Says {
    plain(rows(
        config,
        &[
            ("Name", "/descriptor/name"),
            ("Version", "/descriptor/version"),
            ("Family", "/descriptor/family"),
            ("Title", "/descriptor/title"),
            ("Vendor", "/descriptor/vendor"),
            ("Authors", "/descriptor/authors"),
            ("Licences", "/descriptor/licenses"),
            ("Made", "/descriptor/createdAt"),
            ("Source", "/descriptor/sourceURL"),
            ("Revision", "/descriptor/revision"),
            ("Architecture", "/config/architecture"),
            ("Format", "/config/format"),
            ("Parameters", "/config/paramSize"),
            ("Precision", "/config/precision"),
            ("Quantisation", "/config/quantization"),
            ("Takes", "/config/capabilities/inputTypes"),
            ("Gives", "/config/capabilities/outputTypes"),
            ("Reasoning", "/config/capabilities/reasoning"),
            ("Tools", "/config/capabilities/toolUsage"),
        ],
    ))
}

/// `application/vnd.docker.ai.model.config.v0.1+json`. Source: model-spec of Docker.
pub(super) fn docker(config: &Value) -> Says {
    let mut all = rows(
        config,
        &[
            ("Made", "/descriptor/created"),
            ("Format", "/config/format"),
            ("Format version", "/config/format_version"),
            ("Architecture", "/config/architecture"),
            ("Parameters", "/config/parameters"),
            ("Quantisation", "/config/quantization"),
            ("Size", "/config/size"),
            ("Context", "/config/context_size"),
        ],
    );
    let head = config.pointer("/config/gguf").and_then(Value::as_object);
    let kept = head.into_iter().flatten().filter(|(key, _)| GGUF.iter().any(|end| key.ends_with(end)));
    all.extend(kept.filter_map(|(key, value)| Some(said(key, text(value)?))));
    plain(all)
}

/// `application/vnd.kitops.modelkit.config.v1+json`: a Kitfile. Source: kitops `docs/src/docs/kitfile/format.md`.
pub(super) fn kit(config: &Value) -> Says {
    let mut all = rows(
        config,
        &[
            ("Name", "/package/name"),
            ("Version", "/package/version"),
            ("Authors", "/package/authors"),
            ("Licence", "/package/license"),
            ("Description", "/package/description"),
            ("Model", "/model/name"),
            ("Model version", "/model/version"),
            ("Framework", "/model/framework"),
            ("Model licence", "/model/license"),
            ("Path", "/model/path"),
        ],
    );
    for (label, path) in [("Model parts", "/model/parts"), ("Data sets", "/datasets"), ("Code", "/code")] {
        let list = config.pointer(path).and_then(Value::as_array).filter(|list| !list.is_empty());
        all.extend(list.map(|list| said(label, list.len().to_string())));
    }
    plain(all)
}

/// The configuration of a model of Ollama. Source: ollama `server/images.go`.
pub(super) fn ollama(config: &Value) -> Says {
    plain(rows(
        config,
        &[
            ("Format", "/model_format"),
            ("Family", "/model_family"),
            ("Families", "/model_families"),
            ("Parameters", "/model_type"),
            ("Quantisation", "/file_type"),
        ],
    ))
}

/// `application/vnd.cncf.helm.config.v1+json`.
pub(super) fn chart(config: &Value) -> Says {
    plain(rows(
        config,
        &[("Name", "/name"), ("Version", "/version"), ("App version", "/appVersion"), ("Description", "/description")],
    ))
}

fn plain(rows: Vec<pilothouse_wire::artifact::Said>) -> Says {
    Says { rows, kind: None }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use pilothouse_wire::artifact::ArtifactKind as Kind;
    use serde_json::json;

    #[test]
    fn a_model_pack_says_what_it_is() {
        let config = json!({
            "descriptor": {
                "name": "chat-70b", "version": "2.1", "family": "llama3", "createdAt": "2026-11-24T03:12:00Z",
                "licenses": ["Apache-2.0"], "authors": ["search team"], "sourceURL": "https://me:hunter2@git.example/chat"
            },
            "config": {
                "architecture": "transformer", "format": "safetensors", "paramSize": "70b", "precision": "bf16",
                "capabilities": { "inputTypes": ["text", "image"], "toolUsage": true }
            },
            "modelfs": { "type": "layers", "diffIds": ["sha256:77"] }
        });
        check(
            Kind::ModelPack,
            &config,
            "Name: chat-70b\nVersion: 2.1\nFamily: llama3\nAuthors: search team\nLicences: Apache-2.0\n\
             Made: 2026-11-24T03:12:00Z\nSource: https://git.example/chat\nArchitecture: transformer\nFormat: safetensors\n\
             Parameters: 70b\nPrecision: bf16\nTakes: text, image\nTools: yes",
        );
    }

    #[test]
    fn a_docker_model_says_what_its_gguf_head_does_and_no_template() {
        let config = json!({
            "config": {
                "format": "gguf", "architecture": "llama", "parameters": "8.03 B", "quantization": "Q4_K_M",
                "gguf": {
                    "llama.context_length": "131072", "llama.attention.head_count_kv": 8,
                    "tokenizer.chat_template": "{{ long }}"
                }
            }
        });
        check(
            Kind::DockerModel,
            &config,
            "Format: gguf\nArchitecture: llama\nParameters: 8.03 B\nQuantisation: Q4_K_M\nllama.context_length: 131072\n\
             llama.attention.head_count_kv: 8",
        );
    }

    #[test]
    fn a_model_kit_and_a_model_of_ollama_say_what_they_are() {
        let kit = json!({
            "manifestVersion": "1.0.0",
            "package": { "name": "chat", "version": "1", "authors": ["a", "b"] },
            "model": { "name": "chat-8b", "framework": "pytorch", "parts": [{ "path": "a" }, { "path": "b" }] },
            "datasets": [{ "name": "d" }]
        });
        check(
            Kind::ModelKit,
            &kit,
            "Name: chat\nVersion: 1\nAuthors: a, b\nModel: chat-8b\nFramework: pytorch\nModel parts: 2\nData sets: 1",
        );
        let ollama = json!({
            "model_format": "gguf", "model_family": "llama", "model_families": ["llama"], "model_type": "8.0B",
            "file_type": "Q4_0", "os": "linux"
        });
        check(
            Kind::Ollama,
            &ollama,
            "Format: gguf\nFamily: llama\nFamilies: llama\nParameters: 8.0B\nQuantisation: Q4_0",
        );
    }
}

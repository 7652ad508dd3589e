//! What is pushed: images, models in each format, statements.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The media type of a manifest.
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Bytes of a media type.
#[derive(Clone, Debug)]
pub struct Descriptor {
    /// What they are.
    pub media_type: String,
    /// They.
    pub bytes: Vec<u8>,
    /// The name of the file that they are.
    pub title: Option<String>,
}

impl Descriptor {
    /// Bytes of a media type.
    pub fn new(media_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { media_type: media_type.to_owned(), bytes: bytes.into(), title: None }
    }

    /// The same, as a file.
    pub fn file(media_type: &str, title: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { title: Some(title.to_owned()), ..Self::new(media_type, bytes) }
    }

    /// Their digest.
    pub fn digest(&self) -> String {
        digest_of(&self.bytes)
    }

    fn json(&self) -> Value {
        let mut part = json!({ "mediaType": self.media_type, "digest": self.digest(), "size": self.bytes.len() });
        if let Some(title) = &self.title {
            part["annotations"] = json!({ "org.opencontainers.image.title": title });
        }
        part
    }
}

/// The digest of bytes.
pub fn digest_of(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// An artefact.
#[derive(Clone, Debug)]
pub struct Content {
    /// `artifactType`.
    pub artifact_type: Option<String>,
    /// Its configuration.
    pub config: Descriptor,
    /// Its layers.
    pub layers: Vec<Descriptor>,
    /// Its annotations.
    pub annotations: Value,
    subject: Option<Value>,
}

impl Content {
    /// An artefact with a configuration.
    pub fn new(config_type: &str, config: &Value) -> Self {
        Self {
            artifact_type: None,
            config: Descriptor::new(config_type, config.to_string()),
            layers: Vec::new(),
            annotations: json!({}),
            subject: None,
        }
    }

    /// With a layer more.
    pub fn layer(mut self, layer: Descriptor) -> Self {
        self.layers.push(layer);
        self
    }

    /// A container image whose one layer has this text in it: another text, another digest.
    pub fn image(text: &str) -> Self {
        let config = json!({
            "os": "linux", "architecture": "amd64", "created": "2026-11-24T03:12:00Z",
            "config": { "Env": ["TOKEN=canary-of-an-image"], "Entrypoint": ["serve", "--api-key", "canary-of-an-argument"] },
            "rootfs": { "type": "layers", "diff_ids": [digest_of(text.as_bytes())] }
        });
        Self::new("application/vnd.oci.image.config.v1+json", &config)
            .layer(Descriptor::new("application/vnd.oci.image.layer.v1.tar", text))
    }

    /// A model as the CNCF packs it, of a precision, with these weights.
    pub fn model_pack(precision: &str, weights: &str) -> Self {
        let config = json!({
            "descriptor": { "name": "chat-8b", "version": "2.1", "family": "llama3", "licenses": ["Apache-2.0"] },
            "config": { "architecture": "transformer", "format": "safetensors", "paramSize": "8b", "precision": precision },
            "modelfs": { "type": "layers", "diffIds": [digest_of(weights.as_bytes())] }
        });
        let mut pack = Self::new("application/vnd.cncf.model.config.v1+json", &config)
            .layer(Descriptor::file("application/vnd.cncf.model.weight.v1.raw", "model.safetensors", weights))
            .layer(Descriptor::file("application/vnd.cncf.model.weight.config.v1.raw", "tokenizer.json", "{}"));
        pack.artifact_type = Some("application/vnd.cncf.model.manifest.v1+json".to_owned());
        pack.annotations = json!({ "org.opencontainers.image.created": "2026-11-24T03:12:00Z" });
        pack
    }

    /// A model as Docker Model Runner keeps it.
    pub fn docker_model() -> Self {
        let config = json!({ "config": { "format": "gguf", "parameters": "8.03 B", "quantization": "Q4_K_M" } });
        Self::new("application/vnd.docker.ai.model.config.v0.1+json", &config)
            .layer(Descriptor::new("application/vnd.docker.ai.gguf.v3", "GGUF weights"))
    }

    /// A ModelKit of KitOps.
    pub fn model_kit() -> Self {
        let config = json!({ "package": { "name": "chat" }, "model": { "name": "chat-8b", "framework": "pytorch" } });
        Self::new("application/vnd.kitops.modelkit.config.v1+json", &config)
            .layer(Descriptor::new("application/vnd.kitops.modelkit.model.v1.tar", "kit weights"))
    }

    /// A model of Ollama.
    pub fn ollama() -> Self {
        let config =
            json!({ "model_format": "gguf", "model_family": "llama", "model_type": "8.0B", "file_type": "Q4_0" });
        Self::new("application/vnd.docker.container.image.v1+json", &config)
            .layer(Descriptor::new("application/vnd.ollama.image.model", "ollama weights"))
            .layer(Descriptor::new("application/vnd.ollama.image.params", "{\"stop\":[]}"))
    }

    /// An image that carries a model below `/models`.
    pub fn modelcar() -> Self {
        let config = json!({
            "os": "linux", "architecture": "amd64",
            "history": [{ "created_by": "COPY chat-8b /models # buildkit" }]
        });
        Self::new("application/vnd.oci.image.config.v1+json", &config)
            .layer(Descriptor::new("application/vnd.oci.image.layer.v1.tar", "modelcar"))
    }

    /// Something of a type that nobody knows.
    pub fn unknown() -> Self {
        let mut content = Self::new("application/vnd.acme.rocket.config.v1+json", &json!({ "secret": "canary" }))
            .layer(Descriptor::new("application/vnd.acme.rocket.stage.v1", "stage one"));
        content.artifact_type = Some("application/vnd.acme.rocket.v1".to_owned());
        content
    }

    /// Something that says something of a subject.
    pub(super) fn statement(kind: &str, subject: Value) -> Self {
        let mut content = Self::new("application/vnd.oci.empty.v1+json", &json!({}));
        content.artifact_type = Some(kind.to_owned());
        content.subject = Some(subject);
        content.layers = vec![Descriptor::new(kind, format!("{kind} says so"))];
        content
    }

    /// Its manifest.
    pub fn manifest(&self) -> Value {
        let layers: Vec<Value> = self.layers.iter().map(Descriptor::json).collect();
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": self.config.json(), "layers": layers,
            "annotations": self.annotations
        });
        if let Some(kind) = &self.artifact_type {
            manifest["artifactType"] = json!(kind);
        }
        if let Some(subject) = &self.subject {
            manifest["subject"] = subject.clone();
        }
        manifest
    }
}

//! Manifests and indexes: what an artefact is made of, and by its media types what it is.
//!
//! One form for those of OCI and of Docker, which differ in their media types alone.

use crate::{answer::json, names::is_digest};
use jiff::Timestamp;
use pilothouse_connect_http::failure::Failure;
use pilothouse_wire::{
    SmolStr, Stamp,
    artifact::{ArtifactKind, Part, Referrer},
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What is accepted for a manifest: those that we read, and anything else rather than nothing.
pub const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json, */*;q=0.1";
/// What is accepted for a list of referrers.
pub const ACCEPT_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// No manifest is larger: registries themselves take no larger ones.
pub const LARGEST: usize = 4 << 20;
/// Parts of a manifest that are kept.
const MOST_PARTS: usize = 2_000;

const TITLES: [&str; 2] = ["org.cncf.model.filepath", "org.opencontainers.image.title"];
const CREATED: &str = "org.opencontainers.image.created";

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    media_type: Option<SmolStr>,
    artifact_type: Option<SmolStr>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    annotations: Option<BTreeMap<SmolStr, String>>,
}

/// A descriptor, as far as it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Media type of what it points to.
    #[serde(default)]
    pub media_type: SmolStr,
    /// Its digest.
    pub digest: SmolStr,
    /// Its size in bytes.
    pub size: u64,
    /// Of a manifest of an index.
    platform: Option<Platform>,
    artifact_type: Option<SmolStr>,
    annotations: Option<BTreeMap<SmolStr, String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct Platform {
    #[serde(default)]
    os: SmolStr,
    #[serde(default)]
    architecture: SmolStr,
    variant: Option<SmolStr>,
}

/// A manifest, or an index of manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Its media type.
    pub media_type: SmolStr,
    /// `artifactType`.
    pub artifact_type: Option<SmolStr>,
    /// Its configuration; an index has none.
    pub config: Option<Descriptor>,
    /// Its layers; the manifests of an index.
    pub parts: Vec<Descriptor>,
    /// Is it an index?
    pub index: bool,
    /// What it says something of.
    pub subject: Option<Descriptor>,
    /// Its annotations.
    pub annotations: BTreeMap<SmolStr, String>,
}

impl Manifest {
    /// Reads a manifest. `content_type` is what the server said that it is, should it not say so itself.
    ///
    /// # Errors
    /// If it is none that we know.
    pub fn read(body: &[u8], content_type: Option<&str>) -> Result<Self, Failure> {
        let raw: Raw = json(body)?;
        let index = raw.manifests.is_some();
        let media_type = raw.media_type.or_else(|| content_type.map(bare)).unwrap_or_default();
        let parts = match (raw.manifests, raw.layers) {
            (Some(parts), _) | (None, Some(parts)) => parts,
            // An artefact without layers is one; a manifest of schema 1, or something else, is not.
            (None, None) if raw.config.is_some() => Vec::new(),
            (None, None) => return Err(Failure::Unreadable(format!("a manifest of the type \"{media_type}\""))),
        };
        let all = raw.config.iter().chain(&parts).chain(&raw.subject);
        if let Some(wrong) = all.into_iter().find(|part| !is_digest(&part.digest)) {
            let what = if wrong.media_type.is_empty() { "a part" } else { wrong.media_type.as_str() };
            return Err(Failure::Unreadable(format!("the digest of {what} is none")));
        }
        Ok(Self {
            media_type,
            artifact_type: raw.artifact_type.filter(|kind| !kind.is_empty()),
            config: raw.config,
            parts: parts.into_iter().take(MOST_PARTS).collect(),
            index,
            subject: raw.subject,
            annotations: raw.annotations.unwrap_or_default(),
        })
    }

    /// What it is, by its media types alone.
    #[must_use]
    pub fn kind(&self) -> ArtifactKind {
        if self.index {
            return ArtifactKind::Index;
        }
        let config = self.config.as_ref().map_or("", |config| config.media_type.as_str());
        let own = [self.artifact_type.as_deref().unwrap_or_default(), config];
        let begins = |with: &str| own.iter().any(|kind| kind.starts_with(with));
        let has_layer = |with: &str| self.parts.iter().any(|layer| layer.media_type.starts_with(with));
        let says = |words: &[&str]| own.iter().any(|kind| words.iter().any(|word| kind.contains(word)));
        if begins("application/vnd.cncf.model.") {
            ArtifactKind::ModelPack
        } else if begins("application/vnd.docker.ai.") {
            ArtifactKind::DockerModel
        } else if begins("application/vnd.kitops.modelkit.") {
            ArtifactKind::ModelKit
        } else if has_layer("application/vnd.ollama.image.") {
            ArtifactKind::Ollama
        } else if begins("application/vnd.cncf.helm.config.") {
            ArtifactKind::Chart
        } else if self.subject.is_some()
            || says(&["cosign", "sigstore", "in-toto", "spdx", "cyclonedx", "notary", "vnd.dsse"])
            || has_layer("application/vnd.dev.cosign.")
            || has_layer("application/vnd.in-toto")
        {
            ArtifactKind::Statement
        } else if matches!(
            config,
            "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json"
        ) {
            ArtifactKind::Image
        } else {
            ArtifactKind::Other
        }
    }

    /// Bytes of all layers and the configuration; those of an index are not known.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        let parts = self.config.iter().chain(&self.parts);
        (!self.index).then(|| parts.fold(0, |sum: u64, part| sum.saturating_add(part.size)))
    }

    /// Bytes of the layers that are weights; `None` where none is by its media type.
    #[must_use]
    pub fn weights(&self) -> Option<u64> {
        let weights = self.parts.iter().filter(|part| !self.index && is_weight(&part.media_type));
        weights.map(|part| part.size).reduce(u64::saturating_add)
    }

    /// When it was made, by its annotation.
    #[must_use]
    pub fn created(&self) -> Option<Stamp> {
        let at: Timestamp = self.annotations.get(CREATED)?.trim().parse().ok()?;
        Some(Stamp(at.as_millisecond()))
    }

    /// What refers to something, if it is a list of that.
    #[must_use]
    pub fn referrers(&self) -> Vec<Referrer> {
        let referrer = |part: &Descriptor| Referrer {
            digest: part.digest.clone(),
            kind: part.artifact_type.clone().unwrap_or_else(|| part.media_type.clone()),
            size: part.size,
        };
        self.parts.iter().filter(|_| self.index).map(referrer).collect()
    }
}

/// Are layers of this media type weights?
pub(crate) fn is_weight(media_type: &str) -> bool {
    let of = |start: &str| media_type.strip_prefix(start);
    if let Some(rest) = of("application/vnd.cncf.model.weight.") {
        return !rest.starts_with("config.");
    }
    if let Some(rest) = of("application/vnd.docker.ai.") {
        return ["gguf.", "safetensors", "mmproj", "lora"].iter().any(|word| rest.starts_with(word));
    }
    if let Some(rest) = of("application/vnd.kitops.modelkit.") {
        return rest.starts_with("model.") || rest.starts_with("modelpart.");
    }
    of("application/vnd.ollama.image.").is_some_and(|rest| matches!(rest, "model" | "projector" | "adapter"))
}

impl Descriptor {
    /// The name of the file that it is, as its annotations say.
    pub(crate) fn title(&self) -> Option<&str> {
        let note = |name: &&str| self.annotations.as_ref()?.get(*name).filter(|text| !text.trim().is_empty());
        TITLES.iter().find_map(note).map(String::as_str)
    }

    /// It as a part that is shown.
    #[must_use]
    pub fn part(&self) -> Part {
        let titled = self.title().map(cut);
        let platform = self.platform.as_ref().filter(|platform| !platform.os.is_empty()).map(|platform| {
            let parts = [Some(&platform.os), Some(&platform.architecture), platform.variant.as_ref()];
            let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
            cut(&parts.map(SmolStr::as_str).collect::<Vec<_>>().join("/"))
        });
        Part {
            media_type: cut(&self.media_type),
            digest: self.digest.clone(),
            size: self.size,
            what: titled.or(platform),
        }
    }
}

fn bare(content_type: &str) -> SmolStr {
    content_type.split(';').next().unwrap_or_default().trim().into()
}

fn cut(text: &str) -> SmolStr {
    text.chars().take(256).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    fn part(media_type: &str, size: u64) -> Value {
        json!({ "mediaType": media_type, "digest": DIGEST, "size": size })
    }

    fn read(value: &Value) -> Manifest {
        Manifest::read(value.to_string().as_bytes(), None).unwrap()
    }

    #[track_caller]
    fn check(config: &str, artifact_type: Option<&str>, layers: &[&str], want: (ArtifactKind, Option<u64>)) {
        let layers: Vec<Value> = (1..).zip(layers).map(|(size, kind)| part(kind, size * 100)).collect();
        let manifest = read(&json!({
            "schemaVersion": 2, "artifactType": artifact_type, "config": part(config, 2), "layers": layers
        }));
        assert_eq!((manifest.kind(), manifest.weights()), want);
    }

    #[test]
    fn an_artefact_is_what_its_media_types_say() {
        use ArtifactKind as Kind;
        let image = "application/vnd.oci.image.config.v1+json";
        let layer = "application/vnd.oci.image.layer.v1.tar+gzip";
        check(image, None, &[layer], (Kind::Image, None));
        check("application/vnd.docker.container.image.v1+json", None, &[layer], (Kind::Image, None));
        check(
            "application/vnd.cncf.model.config.v1+json",
            Some("application/vnd.cncf.model.manifest.v1+json"),
            &[
                "application/vnd.cncf.model.weight.v1.safetensors",
                "application/vnd.cncf.model.weight.config.v1.raw",
                "application/vnd.cncf.model.doc.v1.raw",
                "application/vnd.cncf.model.weight.v1.tar+gzip",
            ],
            (Kind::ModelPack, Some(500)),
        );
        check(
            "application/vnd.docker.ai.model.config.v0.1+json",
            None,
            &["application/vnd.docker.ai.gguf.v3", "application/vnd.docker.ai.license"],
            (Kind::DockerModel, Some(100)),
        );
        check(
            "application/vnd.kitops.modelkit.config.v1+json",
            None,
            &["application/vnd.kitops.modelkit.code.v1.tar", "application/vnd.kitops.modelkit.model.v1.tar+gzip"],
            (Kind::ModelKit, Some(200)),
        );
        check(
            "application/vnd.docker.container.image.v1+json",
            None,
            &["application/vnd.ollama.image.model", "application/vnd.ollama.image.params"],
            (Kind::Ollama, Some(100)),
        );
        check("application/vnd.cncf.helm.config.v1+json", None, &[], (Kind::Chart, None));
        check("application/vnd.oci.empty.v1+json", Some("application/spdx+json"), &[], (Kind::Statement, None));
        check(image, None, &["application/vnd.dev.cosign.simplesigning.v1+json"], (Kind::Statement, None));
        check(
            "application/vnd.acme.rocket.v1+json",
            Some("application/vnd.acme.rocket"),
            &["x/y"],
            (Kind::Other, None),
        );
    }

    #[test]
    fn an_index_tells_its_platforms_and_no_size() {
        let mut one = part("application/vnd.oci.image.manifest.v1+json", 7);
        one["platform"] = json!({ "os": "linux", "architecture": "arm64", "variant": "v8" });
        let index = read(&json!({ "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [one] }));
        assert_eq!((index.kind(), index.size(), index.weights()), (ArtifactKind::Index, None, None));
        assert_eq!(index.parts[0].part().what.as_deref(), Some("linux/arm64/v8"));
    }

    #[test]
    fn what_it_says_of_itself_is_read_and_sizes_are_added_up() {
        let mut layer = part("x/y", u64::MAX);
        layer["annotations"] = json!({ "org.opencontainers.image.title": "model.gguf" });
        let manifest = read(&json!({
            "config": part("a/b", 5), "layers": [layer],
            "annotations": { "org.opencontainers.image.created": "2026-11-24T03:12:00Z" }
        }));
        assert_eq!(manifest.size(), Some(u64::MAX));
        assert_eq!(manifest.created(), Some(Stamp(1_795_489_920_000)));
        assert_eq!(manifest.parts[0].part().what.as_deref(), Some("model.gguf"));
    }

    #[test]
    fn what_is_no_manifest_is_said_and_not_repeated() {
        let unreadable = |body: &[u8]| match Manifest::read(body, Some("text/plain; charset=utf-8")) {
            Err(Failure::Unreadable(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(unreadable(br#"{"schemaVersion":1,"fsLayers":[]}"#), "a manifest of the type \"text/plain\"");
        assert!(!unreadable(br#"{"layers":[{"digest":"hunter2","size":1}]}"#).contains("hunter2"));
        assert!(unreadable(br#"{"layers":[{"digest":"sha256:77","size":-1}]}"#).contains("line 1"));
        assert!(unreadable(br#"{"config":{"mediaType":"a/b""#).contains("line 1"));
        assert!(matches!(Manifest::read(b"<html>", None), Err(Failure::Page)));
    }
}

//! What of a model decides whether it fits a GPU: its `config.json`, a small layer of its own, and the sizes of its weights,
//! which are never read.

use crate::{
    client::Registry,
    manifest::{Descriptor, Manifest, is_weight},
    names::{is_reference, is_repository},
    problems,
};
use pilothouse_connect::{LARGEST_CONFIG, ModelFiles, TEMPLATE, TOKENIZERS};
use pilothouse_connect_http::failure::Failure;
use pilothouse_wire::{
    Code, Problem,
    artifact::{ArtifactKind, ArtifactRef, short_digest},
};

const CONFIG: &str = "config.json";

/// Reads it.
///
/// # Errors
/// Why nobody can tell, in words.
pub(crate) async fn files(registry: &Registry, of: &ArtifactRef) -> Result<ModelFiles, Problem> {
    let (name, reference) = (&of.repository, &of.reference);
    if !is_repository(name) {
        return Err(problems::bad_name("repository", name));
    }
    if !is_reference(reference) {
        return Err(problems::bad_name("tag or digest", reference));
    }
    let told = |failure: Failure| problems::problem(&failure, &registry.place);
    let proven = registry.manifest(name, reference).await.map_err(told)?;
    let found = config_of(&proven.manifest).map_err(|why| {
        Problem::new(
            Code::NotOffered,
            format!("{} has no configuration of a model that can be read alone.", of.shown()),
        )
        .why(why)
        .next("Name the file on this machine: pilothouse preflight --config FILE.")
    })?;
    let body = registry.blob(name, &found.digest, LARGEST_CONFIG).await.map_err(told)?;
    let config = String::from_utf8(body.to_vec()).map_err(|_| told(Failure::Unreadable("it is no text".into())))?;
    let digest = |wanted: &[&str]| {
        let layer =
            proven.manifest.parts.iter().find(|layer| file_name(layer).is_some_and(|name| wanted.contains(&name)));
        layer.map(|layer| short_digest(&layer.digest).to_owned())
    };
    Ok(ModelFiles {
        config,
        place: format!("{CONFIG} in {}", of.shown()),
        weights: proven.manifest.weights(),
        template: digest(&[TEMPLATE]),
        tokenizer: digest(&TOKENIZERS),
    })
}

/// The layer that is the model's configuration, or why there is none that is read.
fn config_of(manifest: &Manifest) -> Result<&Descriptor, String> {
    let kind = manifest.kind();
    let in_gguf = |layer: &Descriptor| {
        layer.media_type.contains("gguf") || file_name(layer).is_some_and(|name| name.ends_with(".gguf"))
    };
    match kind {
        ArtifactKind::Index => {
            return Err("It is an index of several manifests: choose the one that is meant by its digest.".to_owned());
        }
        ArtifactKind::DockerModel | ArtifactKind::Ollama => {
            return Err(format!(
                "It is a {}: its weights are GGUF, and no sums for that are known here.",
                kind.words()
            ));
        }
        _ if manifest.parts.iter().any(in_gguf) => {
            return Err("Its weights are GGUF, and no sums for that are known here.".to_owned());
        }
        _ => {}
    }
    let named = manifest.parts.iter().find(|layer| file_name(layer) == Some(CONFIG));
    let Some(layer) = named.filter(|layer| !is_weight(&layer.media_type)) else {
        return Err(match kind {
            ArtifactKind::Image | ArtifactKind::Modelcar => {
                format!(
                    "It is a {}: a {CONFIG} would be among the files of its layers, which are not unpacked.",
                    kind.words()
                )
            }
            _ => format!("None of its layers is called {CONFIG}."),
        });
    };
    if layer.media_type.contains("tar") {
        return Err(format!("Its {CONFIG} lies in an archive, which is not unpacked."));
    }
    if layer.size > LARGEST_CONFIG as u64 {
        return Err(format!("Its {CONFIG} is longer than {} MiB.", LARGEST_CONFIG >> 20));
    }
    Ok(layer)
}

/// The name of the file that a layer is, without its folder.
fn file_name(layer: &Descriptor) -> Option<&str> {
    layer.title().map(|title| title.rsplit('/').next().unwrap_or(title))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    fn layer(media_type: &str, title: &str, size: u64) -> Value {
        json!({
            "mediaType": media_type, "digest": DIGEST, "size": size,
            "annotations": { "org.opencontainers.image.title": title }
        })
    }

    #[track_caller]
    fn check(config: &str, layers: Vec<Value>, want: Result<u64, &str>) {
        let manifest = json!({ "config": { "mediaType": config, "digest": DIGEST, "size": 2 }, "layers": layers });
        let manifest = Manifest::read(manifest.to_string().as_bytes(), None).unwrap();
        let found = config_of(&manifest).map(|layer| layer.size);
        match (found, want) {
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
            (found, want) => assert_eq!(found.as_ref().map_err(String::as_str), want.as_ref().map_err(|why| *why)),
        }
    }

    #[test]
    fn the_configuration_is_a_small_layer_of_its_own_or_is_not_read() {
        let pack = "application/vnd.cncf.model.config.v1+json";
        let file = "application/vnd.cncf.model.weight.config.v1.raw";
        let weight = "application/vnd.cncf.model.weight.v1.raw";
        check(pack, vec![layer(weight, "model.safetensors", 9), layer(file, "config.json", 7)], Ok(7));
        check(pack, vec![layer(file, "chat-8b/config.json", 7)], Ok(7));
        check(pack, vec![layer(file, "tokenizer_config.json", 7)], Err("None of its layers"));
        check(pack, vec![layer(weight, "config.json", 7)], Err("None of its layers"));
        check(pack, vec![layer(file, "config.json", 2 << 20)], Err("longer than 1 MiB"));
        check(
            pack,
            vec![layer("application/vnd.cncf.model.weight.config.v1.tar", "config.json", 7)],
            Err("an archive"),
        );
        check(pack, vec![layer(weight, "model-q4.gguf", 9), layer(file, "config.json", 7)], Err("GGUF"));
        check("application/vnd.docker.ai.model.config.v0.1+json", Vec::new(), Err("Docker model"));
        check("application/vnd.oci.image.config.v1+json", Vec::new(), Err("not unpacked"));
        let index = Manifest::read(br#"{"manifests":[]}"#, None).unwrap();
        assert!(config_of(&index).unwrap_err().contains("index"));
    }
}

//! Media types of registries in words, for who does not know them by heart.

/// Beginnings of media types with what they are: of two that fit the longer one counts. Sources: the image, distribution and
/// runtime types of OCI; model-spec of the CNCF; model-spec of Docker; KitOps; Ollama; Helm; cosign, in-toto, SPDX, CycloneDX.
const WORDS: &[(&str, &str)] = &[
    ("application/vnd.oci.image.manifest.v1", "OCI manifest"),
    ("application/vnd.oci.image.index.v1", "OCI index"),
    ("application/vnd.oci.image.config.v1", "configuration of an image"),
    ("application/vnd.oci.image.layer.v1.tar", "layer of an image"),
    ("application/vnd.oci.image.layer.nondistributable.v1.tar", "layer of an image that is not passed on"),
    ("application/vnd.oci.empty.v1", "nothing"),
    ("application/vnd.docker.distribution.manifest.v2", "Docker manifest"),
    ("application/vnd.docker.distribution.manifest.list.v2", "Docker manifest list"),
    ("application/vnd.docker.container.image.v1", "configuration of an image"),
    ("application/vnd.docker.image.rootfs.diff.tar", "layer of an image"),
    ("application/vnd.docker.image.rootfs.foreign.diff.tar", "layer of an image that is not passed on"),
    ("application/vnd.cncf.model.manifest.v1", "ModelPack"),
    ("application/vnd.cncf.model.config.v1", "configuration of a ModelPack"),
    ("application/vnd.cncf.model.weight.v1", "weights"),
    ("application/vnd.cncf.model.weight.v1.safetensors", "weights, safetensors"),
    ("application/vnd.cncf.model.weight.v1.gguf", "weights, GGUF"),
    ("application/vnd.cncf.model.weight.config.v1", "file beside the weights"),
    ("application/vnd.cncf.model.doc.v1", "documentation"),
    ("application/vnd.cncf.model.code.v1", "code"),
    ("application/vnd.cncf.model.dataset.v1", "data set"),
    ("application/vnd.docker.ai.model.config.", "configuration of a Docker model"),
    ("application/vnd.docker.ai.gguf.", "weights, GGUF"),
    ("application/vnd.docker.ai.safetensors", "weights, safetensors"),
    ("application/vnd.docker.ai.mmproj", "projector"),
    ("application/vnd.docker.ai.lora", "adapter"),
    ("application/vnd.docker.ai.license", "licence"),
    ("application/vnd.docker.ai.chat.template", "chat template"),
    ("application/vnd.kitops.modelkit.config.", "Kitfile"),
    ("application/vnd.kitops.modelkit.model.", "weights"),
    ("application/vnd.kitops.modelkit.modelpart.", "part of a model"),
    ("application/vnd.kitops.modelkit.code.", "code"),
    ("application/vnd.kitops.modelkit.dataset.", "data set"),
    ("application/vnd.kitops.modelkit.docs.", "documentation"),
    ("application/vnd.ollama.image.model", "weights"),
    ("application/vnd.ollama.image.projector", "projector"),
    ("application/vnd.ollama.image.adapter", "adapter"),
    ("application/vnd.ollama.image.template", "chat template"),
    ("application/vnd.ollama.image.system", "system prompt"),
    ("application/vnd.ollama.image.params", "parameters"),
    ("application/vnd.ollama.image.messages", "messages"),
    ("application/vnd.ollama.image.license", "licence"),
    ("application/vnd.cncf.helm.config.v1", "configuration of a Helm chart"),
    ("application/vnd.cncf.helm.chart.content.v1", "Helm chart"),
    ("application/vnd.cncf.helm.chart.provenance.v1", "provenance of a Helm chart"),
    ("application/vnd.dev.cosign.simplesigning.v1", "cosign signature"),
    ("application/vnd.dev.cosign.artifact.sig.v1", "cosign signature"),
    ("application/vnd.dev.cosign.artifact.sbom.v1", "cosign SBOM"),
    ("application/vnd.dev.sigstore.bundle", "Sigstore bundle"),
    ("application/vnd.dsse.envelope.v1", "signed envelope"),
    ("application/vnd.in-toto", "attestation"),
    ("application/vnd.cncf.notary.signature", "Notary signature"),
    ("application/spdx", "SBOM, SPDX"),
    ("text/spdx", "SBOM, SPDX"),
    ("application/vnd.cyclonedx", "SBOM, CycloneDX"),
];

/// What a media type is; `None` of one that is not known here.
#[must_use]
pub fn words(media_type: &str) -> Option<&'static str> {
    let fits = WORDS.iter().filter(|(begins, _)| media_type.starts_with(begins));
    fits.max_by_key(|(begins, _)| begins.len()).map(|(_, words)| *words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_beginning_says_what_a_media_type_is() {
        for (media_type, want) in [
            ("application/vnd.oci.image.manifest.v1+json", Some("OCI manifest")),
            ("application/vnd.oci.image.layer.v1.tar+gzip", Some("layer of an image")),
            ("application/vnd.cncf.model.weight.v1.raw", Some("weights")),
            ("application/vnd.cncf.model.weight.v1.safetensors", Some("weights, safetensors")),
            ("application/vnd.cncf.model.weight.config.v1.raw", Some("file beside the weights")),
            ("application/vnd.docker.ai.gguf.v3", Some("weights, GGUF")),
            ("application/vnd.acme.rocket.stage.v1", None),
            ("", None),
        ] {
            assert_eq!(words(media_type), want, "{media_type}");
        }
    }

    #[test]
    fn no_beginning_is_there_twice() {
        for (at, (begins, _)) in WORDS.iter().enumerate() {
            assert!(WORDS[at + 1..].iter().all(|(other, _)| other != begins), "{begins}");
        }
    }
}

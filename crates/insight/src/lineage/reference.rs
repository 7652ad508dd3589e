//! The image that a pod names, read as a container runtime reads it.

use pilothouse_wire::{SmolStr, artifact::split_reference};

/// What an image names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The registry's host, with its port if one is named.
    pub host: SmolStr,
    /// The repository there.
    pub repository: SmolStr,
    /// The tag; `latest` where neither a tag nor a digest is named.
    pub tag: Option<SmolStr>,
    /// The digest, where one is named: then it decides, and the tag says nothing.
    pub digest: Option<SmolStr>,
}

impl Reference {
    /// Reads an image. Any text names something: what names nothing is found nowhere.
    pub(crate) fn read(image: &str) -> Self {
        let (image, digest) = match image.split_once('@') {
            Some((image, digest)) => (image, Some(digest)),
            None => (image, None),
        };
        let (name, tag) = split_reference(image);
        let (host, repository) = match name.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest.to_owned()),
            _ => ("docker.io", name.to_owned()),
        };
        let host = if host == "index.docker.io" { "docker.io" } else { host };
        let repository = match host == "docker.io" && !repository.contains('/') {
            true => format!("library/{repository}"),
            false => repository,
        };
        let tag = tag.or_else(|| digest.is_none().then_some("latest"));
        Self {
            host: host.into(),
            repository: repository.into(),
            tag: tag.map(SmolStr::new),
            digest: digest.map(SmolStr::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_names_what_a_runtime_takes_it_for() {
        for (image, want) in [
            ("nginx", ("docker.io", "library/nginx", Some("latest"), None)),
            ("vllm/vllm-openai:v0.11", ("docker.io", "vllm/vllm-openai", Some("v0.11"), None)),
            ("index.docker.io/a/b", ("docker.io", "a/b", Some("latest"), None)),
            ("ghcr.io/team/chat:prod", ("ghcr.io", "team/chat", Some("prod"), None)),
            ("localhost/chat", ("localhost", "chat", Some("latest"), None)),
            ("registry:5000/chat", ("registry:5000", "chat", Some("latest"), None)),
            ("ghcr.io/a@sha256:77d0", ("ghcr.io", "a", None, Some("sha256:77d0"))),
            ("ghcr.io/a:v1@sha256:77d0", ("ghcr.io", "a", Some("v1"), Some("sha256:77d0"))),
        ] {
            let read = Reference::read(image);
            assert_eq!(
                (read.host.as_str(), read.repository.as_str(), read.tag.as_deref(), read.digest.as_deref()),
                want
            );
        }
    }
}

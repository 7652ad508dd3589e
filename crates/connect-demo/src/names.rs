//! Names, uids and digests as a cluster would make them up, out of the seed alone.

use crate::dice::{hash, letters};
use pilothouse_wire::SmolStr;

/// A uid that is the same whenever the same thing is made of the same seed.
pub(crate) fn uid(seed: u64, of: &str) -> SmolStr {
    let (a, b) = (hash(seed, of), hash(seed.wrapping_add(1), of));
    SmolStr::from(format!(
        "{:08x}-{:04x}-4{:03x}-9{:03x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    ))
}

/// The hash of a template, as in the name of a ReplicaSet: one for each version of a service.
pub(crate) fn template_hash(service: &str, version: u32) -> SmolStr {
    letters(hash(u64::from(version), service), 10)
}

/// The image of a version.
pub(crate) fn image(repository: &str, version: u32) -> SmolStr {
    SmolStr::from(format!("registry.example/{repository}:v{version}"))
}

/// The digest of an image.
pub(crate) fn digest(image: &str) -> SmolStr {
    let part = |n| hash(n, image);
    SmolStr::from(format!("sha256:{:016x}{:016x}{:016x}{:016x}", part(1), part(2), part(3), part(4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_names_have_the_forms_of_real_ones() {
        assert_eq!(uid(7, "node/h100-117").len(), 36);
        assert_ne!(uid(7, "node/h100-117"), uid(7, "node/h100-118"));
        assert_eq!(template_hash("chat-70b", 41).len(), 10);
        assert_ne!(template_hash("chat-70b", 41), template_hash("chat-70b", 42));
        assert_eq!(image("serving/chat-70b", 41), "registry.example/serving/chat-70b:v41");
        assert_eq!(digest("a").len(), 71);
    }
}

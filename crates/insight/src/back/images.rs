//! The images of the revision: does their registry still have them, at the digest that ran?
//!
//! Which digest ran is known where the image names it, where a pod of the revision runs, or where a node has the image still.

use super::{Around, check};
use crate::lineage::Reference;
use pilothouse_wire::{
    Code, ConnectionId, Problem, SmolStr,
    artifact::{Artifact, ArtifactRef, short_digest},
    back::{Check, CheckState, Then, ThenImage},
    units,
    view::{ArtifactsView, ContainerImage},
};

/// The manifests that registries are to be asked for, each once.
#[must_use]
pub fn sought(then: &Then, artifacts: &ArtifactsView) -> Vec<ArtifactRef> {
    let mut all: Vec<ArtifactRef> =
        then.images.iter().filter_map(|image| asked(&Reference::read(&image.image), artifacts)).collect();
    all.sort();
    all.dedup();
    all
}

/// As which manifest an image is asked for, of the registry that is called so.
fn asked(reference: &Reference, artifacts: &ArtifactsView) -> Option<ArtifactRef> {
    let source = source(reference, artifacts)?.clone();
    let by = reference.digest.as_ref().or(reference.tag.as_ref())?;
    Some(ArtifactRef { source, repository: reference.repository.clone(), reference: by.clone() })
}

/// The connection to a registry; the one that knows the repository, of several.
fn source<'a>(reference: &Reference, artifacts: &'a ArtifactsView) -> Option<&'a ConnectionId> {
    let here = || artifacts.repositories.rows().iter().filter(|row| row.hosts.contains(&reference.host));
    let known = here().find(|row| row.id.name == reference.repository);
    known.or_else(|| here().next()).map(|row| &row.id.source)
}

/// A check for each image, and one for images that several containers run.
pub(super) fn images(then: &Then, around: &Around<'_>) -> Vec<Check> {
    if then.images.is_empty() {
        let words = "Which images its pods run is not known.".to_owned();
        return vec![check("Image", CheckState::Unknown, words, "its template names none")];
    }
    let mut checks: Vec<(&SmolStr, Check)> = Vec::new();
    for image in &then.images {
        if checks.iter().all(|(known, _)| **known != image.image) {
            checks.push((&image.image, one(image, then, around)));
        }
    }
    checks.into_iter().map(|(_, check)| check).collect()
}

fn one(image: &ThenImage, then: &Then, around: &Around<'_>) -> Check {
    let reference = Reference::read(&image.image);
    let had = Had::of(image, &reference, then, around.seen);
    let what = format!("Image {}", image.image);
    let Some(of) = asked(&reference, around.artifacts) else {
        let words =
            format!("No registry that is connected is called {}: nobody says whether it has it.", reference.host);
        return check(what, CheckState::Unknown, words, had.words());
    };
    let said = around.said.iter().find(|(asked, _)| *asked == of).map(|(_, said)| said);
    let (state, words) = match said {
        None => (CheckState::Unknown, format!("{} was not asked.", of.source)),
        Some(Ok(artifact)) => present(&reference, artifact, &of, &had),
        Some(Err(problem)) => absent(problem, image, &of, &had),
    };
    check(what, state, words, had.words())
}

fn present(reference: &Reference, artifact: &Artifact, of: &ArtifactRef, had: &Had) -> (CheckState, String) {
    let (source, now) = (&of.source, short_digest(&artifact.digest));
    let is_it =
        |digest: &SmolStr| artifact.digest == *digest || artifact.parts.iter().any(|part| part.digest == *digest);
    let words = match (&reference.digest, &had.digest) {
        (Some(_), _) => format!("{source} has it by its digest."),
        (None, Some((ran, _))) if is_it(ran) => format!("{source} has it at the digest that ran: {now}."),
        (None, Some((ran, _))) => {
            let ran = short_digest(ran);
            let words =
                format!("Its tag stands at {now} in {source} now, and {ran} ran: going back would run another image.");
            return (CheckState::Unknown, words);
        }
        // A tag can be moved: that it is there does not say that it leads to what ran.
        (None, None) => {
            let words = format!("{source} has its tag, at {now}; which digest ran then is not known.");
            return (CheckState::Unknown, words);
        }
    };
    match had.fetched() {
        Some(who) => {
            let size = artifact.size.map(|size| format!(": {}", units::bytes(size))).unwrap_or_default();
            (CheckState::Slow, format!("{words} {who}{size}."))
        }
        None => (CheckState::Holds, words),
    }
}

fn absent(problem: &Problem, image: &ThenImage, of: &ArtifactRef, had: &Had) -> (CheckState, String) {
    let source = &of.source;
    if problem.code != Code::NotFound {
        return (CheckState::Unknown, format!("{source} does not say: {}", problem.what));
    }
    let everywhere = !had.on.is_empty() && had.lacking.is_empty() && had.unsaid == 0;
    if everywhere && !image.always_pulled {
        let nodes = match had.unlooked {
            0 => "the nodes of its pods".to_owned(),
            _ => format!("the {} nodes of its pods that were looked at", units::count(had.on.len() as u64)),
        };
        let words = format!("{source} has no {} any more; {nodes} have it still, and no other could.", of.shown());
        return (CheckState::Unknown, words);
    }
    (CheckState::Fails, format!("{source} has no {} any more.", of.shown()))
}

/// What is known of an image beside its registry.
struct Had {
    /// The digest that ran, and who says so.
    digest: Option<(SmolStr, String)>,
    /// Nodes that have it.
    on: Vec<SmolStr>,
    /// Nodes that tell of all that they have, and not of it.
    lacking: Vec<SmolStr>,
    /// Nodes that were looked at, may have it, and do not say.
    unsaid: usize,
    /// Nodes of its pods that nobody looked at.
    unlooked: u64,
}

impl Had {
    fn of(image: &ThenImage, reference: &Reference, then: &Then, seen: &[ContainerImage]) -> Self {
        let unlooked = then.nodes_in_all.saturating_sub(then.nodes.len() as u64);
        let mut had = Self { digest: None, on: Vec::new(), lacking: Vec::new(), unsaid: 0, unlooked };
        let mut digests: Vec<SmolStr> = Vec::new();
        for node in &then.nodes {
            match node.images.iter().find(|names| names.iter().any(|name| is_same(&Reference::read(name), reference))) {
                Some(names) => {
                    had.on.push(node.node.clone());
                    let of_it = names.iter().map(|name| Reference::read(name));
                    let of_it = of_it.filter(|name| is_beside(name, reference)).find_map(|name| name.digest);
                    digests.extend(of_it);
                }
                None if node.whole => had.lacking.push(node.node.clone()),
                None => had.unsaid += 1,
            }
        }
        digests.sort();
        digests.dedup();
        let ran = seen.iter().find(|one| one.container == image.container && one.image == image.image);
        let by_pod = ran.and_then(|one| one.digest.clone()).map(|digest| (digest, "a pod of it runs".to_owned()));
        // Nodes that differ do not say which of theirs ran.
        let by_node = match digests.as_slice() {
            [only] => Some((only.clone(), format!("{} has it", had.on.join(", ")))),
            _ => None,
        };
        had.digest = by_pod.or(by_node);
        had
    }

    /// Who has to fetch it, or may have to; none where all nodes of its pods have it.
    fn fetched(&self) -> Option<String> {
        let (lacking, unsaid) = (self.lacking.len() as u64, (self.unsaid as u64).saturating_add(self.unlooked));
        let all = (self.on.len() as u64).saturating_add(lacking).saturating_add(unsaid);
        let of = |nodes: u64| match all {
            1 => "The node of its pods".to_owned(),
            _ if nodes == all => "All nodes of its pods".to_owned(),
            _ => format!("{} of {} nodes of its pods", units::count(nodes), units::count(all)),
        };
        let has = if lacking == 1 { "has" } else { "have" };
        match (lacking, unsaid) {
            (0, 0) => None,
            (0, unsaid) => Some(format!("{} may have to fetch it", of(unsaid))),
            (lacking, 0) => Some(format!("{} {has} to fetch it", of(lacking))),
            (lacking, unsaid) => {
                let unsaid = units::count(unsaid);
                Some(format!("{} {has} to fetch it, {unsaid} more may have to", of(lacking)))
            }
        }
    }

    fn words(&self) -> String {
        let mut parts = Vec::new();
        match &self.digest {
            Some((digest, who)) => parts.push(format!("{who} at {}", short_digest(digest))),
            None if !self.on.is_empty() => parts.push(format!("{} has it", self.on.join(", "))),
            None => {}
        }
        if !self.lacking.is_empty() {
            parts.push(format!("{} has it not", self.lacking.join(", ")));
        }
        if parts.is_empty() {
            parts.push("no node says whether it has it".to_owned());
        }
        if self.unlooked > 0 {
            let looked = (self.on.len() + self.lacking.len() + self.unsaid) as u64;
            let all = units::count(looked.saturating_add(self.unlooked));
            parts.push(format!("{} of {all} nodes of its pods were looked at", units::count(looked)));
        }
        parts.join("; ")
    }
}

/// Do both name the same image?
fn is_same(a: &Reference, b: &Reference) -> bool {
    let by = match &b.digest {
        Some(digest) => a.digest.as_ref() == Some(digest),
        None => a.tag.is_some() && a.tag == b.tag,
    };
    is_beside(a, b) && by
}

/// Are both of one repository?
fn is_beside(a: &Reference, b: &Reference) -> bool {
    a.host == b.host && a.repository == b.repository
}

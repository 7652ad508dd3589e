//! What a pod really runs, and back. From the image that it names, by the digest that its node pulled, to what the registry
//! has now; from the model that it is started with to its version, aliases and run; from a version or an artefact to
//! where it serves.
//!
//! Each step says how it is known. Where one is missing it is unknown: two digests are never taken for the same, nor a tag
//! for moved, nor an alias for where it leads now, because something else would be likely.

mod holds;
mod image;
mod leads;
mod model;
mod reference;
mod serves;
mod verdict;

pub use holds::artifact_serves;
pub(crate) use leads::{Leads, leads};
pub(crate) use reference::Reference;
pub use serves::serves;

use pilothouse_wire::{
    SmolStr,
    artifact::short_digest,
    describe::{Grid, Section},
    view::{ArtifactsView, ContainerImage, ContainerStart, Lineage, LineageLink, ModelsView},
};

/// Where what the containers of a pod run comes from: of each its image, then the models that it is started with; last the
/// models of containers that are over.
#[must_use]
pub fn lineage(
    (images, starts): (&[ContainerImage], &[ContainerStart]),
    artifacts: &ArtifactsView,
    models: &ModelsView,
) -> Vec<Lineage> {
    let of = |start: &ContainerStart| -> Vec<Lineage> {
        start.models.iter().map(|address| model::lineage(start, address, models)).collect()
    };
    let mut all = Vec::new();
    for image in images {
        all.push(image::lineage(image, artifacts));
        all.extend(starts.iter().filter(|start| start.container == image.container).flat_map(of));
    }
    let is_over = |start: &&ContainerStart| images.iter().all(|image| image.container != start.container);
    all.extend(starts.iter().filter(is_over).flat_map(of));
    all
}

fn link(label: &'static str, value: Option<String>, evidence: String) -> LineageLink {
    LineageLink { label: SmolStr::new_static(label), value, evidence, at: None, object: None }
}

/// It as a part of a description; nothing where there is none.
#[must_use]
pub fn section(all: &[Lineage]) -> Option<Section> {
    if all.is_empty() {
        return None;
    }
    let short = |value: &String| {
        let is_digest = value.contains(':') && !value.contains(['/', ' ', ',']);
        if is_digest { short_digest(value).to_owned() } else { value.clone() }
    };
    let rows = |of: &Lineage| {
        let row = |step: &str, leads_to: String, known_by: &str| {
            [of.container.to_string(), step.to_owned(), leads_to, known_by.to_owned()].map(Some).to_vec()
        };
        let steps = of.links.iter().map(|link| {
            let leads_to = link.value.as_ref().map_or_else(|| "unknown".to_owned(), short);
            row(&link.label, leads_to, &link.evidence)
        });
        let verdict = row("Comes to", of.verdict.word().to_owned(), &of.sentence);
        steps.chain([verdict]).collect::<Vec<_>>()
    };
    let heads = ["Container", "Step", "Leads to", "Known by"].map(SmolStr::new_static);
    let table = Grid { heads: heads.into(), rows: all.iter().flat_map(rows).collect() };
    Some(Section { title: "Where what it runs comes from".to_owned(), table: Some(table), ..Section::default() })
}

#[cfg(test)]
mod tests;

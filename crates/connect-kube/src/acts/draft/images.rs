//! Images of containers: which there are, and another one for one of them. Pure.

use super::{About, Draft, Guard, controllers, course::Coming, groups, rollouts};
use crate::acts::revision::{Revision, Running};
use pilothouse_wire::{Code, Problem, plan::Deed};
use serde_json::{Value, json};

const WITH_TEMPLATE: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "Rollout", "LeaderWorkerSet"];
const TEMPLATE: &[&str] = &["/spec/template"];
/// Leaders first. A set without a template for its leaders makes them as it makes workers.
const OF_GROUPS: &[&str] = &["/spec/leaderWorkerTemplate/leaderTemplate", "/spec/leaderWorkerTemplate/workerTemplate"];
const LISTS: [&str; 2] = ["containers", "initContainers"];

/// A container of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::acts) struct Place<'a> {
    /// Where its image stands in the object, as a pointer.
    pub path: String,
    pub name: &'a str,
    pub image: &'a str,
}

/// The containers of what makes pods, in the order of its templates. `holder` has the template.
pub(in crate::acts) fn places<'a>(kind: &str, holder: &'a Value) -> Vec<Place<'a>> {
    let roots = if kind == "LeaderWorkerSet" { OF_GROUPS } else { TEMPLATE };
    let lists = roots.iter().flat_map(|root| LISTS.map(|list| format!("{root}/spec/{list}")));
    let all = lists.filter_map(|list| Some((holder.pointer(&list)?.as_array()?, list)));
    all.flat_map(|(containers, list)| {
        containers.iter().enumerate().filter_map(move |(at, one)| {
            let image = one["image"].as_str().unwrap_or_default();
            Some(Place { path: format!("{list}/{at}/image"), name: one["name"].as_str()?, image })
        })
    })
    .collect()
}

/// Does every container of this name have this image?
pub(in crate::acts) fn runs(kind: &str, holder: &Value, container: &str, image: &str) -> bool {
    let mut all = places(kind, holder).into_iter().filter(|place| place.name == container).peekable();
    all.peek().is_some() && all.all(|place| place.image == image)
}

/// Another image for a container. Leaders and workers of a group whose containers have one name get it both.
pub(super) fn set(about: &About<'_>, container: &str, image: &str, revisions: &[Revision]) -> Result<Draft, Problem> {
    about.of(WITH_TEMPLATE, "given an image")?;
    about.not_paused()?;
    let all = places(about.kind, about.holder);
    let ours: Vec<&Place<'_>> = all.iter().filter(|place| place.name == container).collect();
    let Some(first) = ours.first() else {
        let mut names: Vec<&str> = all.iter().map(|place| place.name).collect();
        names.dedup();
        let what = format!("{} {} has no container {container}.", about.kind, about.name);
        return Err(Problem::new(Code::NotFound, what).next(format!("It has {}.", names.join(", "))));
    };
    if image.is_empty() || image.chars().any(|sign| sign.is_whitespace() || sign.is_control()) {
        return Err(
            Problem::new(Code::BadInput, format!("\"{image}\" is no image.")).next("Such as registry/name:tag.")
        );
    }
    let other: Vec<&&Place<'_>> = ours.iter().filter(|place| place.image != image).collect();
    if other.is_empty() {
        return Err(about.so_already(&format!("at {image}")));
    }
    let guards = other.iter().flat_map(|place| {
        let named = format!("{}name", place.path.trim_end_matches("image"));
        [Guard::new(&named, json!(place.name)), Guard::new(&place.path, json!(place.image))]
    });
    let guards = guards.collect();
    let puts = other.iter().map(|place| json!({ "op": "replace", "path": place.path, "value": image })).collect();
    // One press takes back one image alone.
    let was_one = ours.iter().all(|place| place.image == first.image);
    let undo = was_one.then(|| Deed::SetImage { container: container.into(), image: first.image.into() });
    let words = format!("Set the image of {container}");
    let mut draft = match about.is_groups() {
        true => groups::anew(about, &words, (guards, puts), undo),
        false => {
            let draft = controllers::anew(about, &words, (guards, puts), undo);
            let coming = kept(about, container, image, revisions).map_or(Coming::Made, Coming::Kept);
            rollouts::given(about, coming, revisions, draft)
        }
    };
    if !was_one {
        let images: Vec<&str> = ours.iter().map(|place| place.image).collect();
        draft.warnings.push(format!(
            "Leaders and workers have other images now ({}): no single step takes that back.",
            images.join(", ")
        ));
    }
    Ok(Draft { title: format!("Run {image} in {container} of {} {}", about.kind, about.name), ..draft })
}

/// The revision that a Rollout makes its pods by already, or did, with this image: it is taken up again, whatever its number. It is
/// looked for among the templates of revisions alone, since a server fills in what these leave out.
fn kept<'a>(about: &About<'_>, container: &str, image: &str, revisions: &'a [Revision]) -> Option<&'a Revision> {
    let running = Running::Hash(about.object["status"]["currentPodHash"].as_str()?);
    let mut template = revisions.iter().find(|revision| running.is(revision))?.template.clone();
    for list in LISTS {
        let all = template.pointer_mut(&format!("/spec/{list}")).and_then(Value::as_array_mut);
        for one in all.into_iter().flatten().filter(|one| one["name"] == container) {
            one["image"] = json!(image);
        }
    }
    revisions.iter().find(|revision| !running.is(revision) && Running::Template(&template).is(revision))
}

//! Can a service go back: what its server keeps, joined with the fleet, the registries and the record, beside the loop.

#[cfg(test)]
mod tests;

use crate::{
    artifacts,
    asks::{connected, together, within},
    connections::Connectors,
    past::Worlds,
    views::Known,
};
use pilothouse_connect::Connector;
use pilothouse_insight::back::{Around, Given, sought, way_back};
use pilothouse_journal::Reader as JournalReader;
use pilothouse_wire::{
    Answer, ConnectionId, ObjectRef, Problem, SmolStr, Stamp,
    artifact::{Artifact, ArtifactRef},
    back::{BackQuery, Kept, KeptTraffic, WayBack},
    plan::{Deed, Intent},
    view::{ArtifactsView, ContainerImage, FleetSpec, FleetView, ModelsView},
};
use pilothouse_world::project::{self, FleetProjection};
use std::{sync::Arc, time::Duration};

/// A plan to go back waits so long for whether that can be: registries that hang keep nobody from it.
const SOON: Duration = Duration::from_secs(3);

/// What is known here of a service, as of now.
pub(crate) struct Scene {
    object: ObjectRef,
    fleet: Arc<FleetView>,
    artifacts: Arc<ArtifactsView>,
    models: Arc<ModelsView>,
    /// The nodes on which its pods are.
    nodes: Vec<SmolStr>,
    /// Images of its pods, by the number of their revision.
    images: Vec<(u64, ContainerImage)>,
    /// How long its changes took that were seen in this run.
    took: Vec<u64>,
    /// When shares of a route were heard to move last in this run.
    weighed: Option<Stamp>,
    now: Stamp,
}

impl Scene {
    /// Takes what is known of a service out of the world.
    pub(crate) fn of(known: Known<'_>, object: ObjectRef, now: Stamp) -> Self {
        let Known { world, registries } = known;
        let scope = FleetSpec { scope: vec![object.connection().clone()] };
        let service = project::rollout(world, &object, now);
        let revisions = service.iter().flat_map(|service| &service.revisions);
        let images = revisions.flat_map(|revision| {
            let pods = revision.pods.iter().map(|pod| ObjectRef::Pod(pod.id.clone()));
            pods.flat_map(|pod| project::images(world, &pod)).map(|image| (revision.number, image))
        });
        Self {
            images: images.collect(),
            fleet: Arc::clone(FleetProjection::new(world, scope).view()),
            artifacts: Arc::clone(registries.artifacts(world)),
            models: Arc::clone(registries.models(world)),
            took: project::took(world, &object),
            weighed: project::weighed(world, &object),
            nodes: project::nodes_of(world, &object).into_iter().collect(),
            object,
            now,
        }
    }
}

/// The record, as far as there is one.
pub(crate) type Record = (Worlds, Option<JournalReader>);

/// Asks its server and the registries of its images, and grades what they say.
pub(crate) async fn answer(
    scene: Scene,
    to: Option<u64>,
    connectors: Connectors,
    record: Record,
) -> Result<Answer, Problem> {
    let way = graded(&scene, to, &connectors, Some(record)).await?;
    Ok(Answer::WayBack(Box::new(way)))
}

/// The same; without a record, how long it takes and what a route gave to whom are not looked for there.
async fn graded(
    scene: &Scene,
    to: Option<u64>,
    connectors: &Connectors,
    record: Option<Record>,
) -> Result<WayBack, Problem> {
    let id = scene.object.connection();
    let find = |id: &ConnectionId| connectors.get(id).cloned();
    let connector = connected(find(id), id, "What is kept of earlier revisions is read from the server")?;
    let query = BackQuery { object: scene.object.clone(), to, nodes: scene.nodes.clone() };
    let asked = format!("the revisions of {}", scene.object.name());
    let kept = within(id, &asked, connector.back(&query)).await?;
    let wanted = kept.then.as_ref().map(|then| sought(then, &scene.artifacts)).unwrap_or_default();
    let said = together(wanted.into_iter().map(|of| read(find(&of.source), of))).await;
    let said: Vec<_> = said.into_iter().flatten().collect();
    let is_route = matches!(kept.traffic.as_deref(), Some(KeptTraffic::Route { .. }));
    let given = if is_route { given(scene, record.as_ref()).await } else { Err(String::new()) };
    let took = match (scene.took.as_slice(), record) {
        ([], Some(record)) if kept.traffic.is_none() => recorded(scene, record).await,
        (seen, _) => seen.to_vec(),
    };
    let seen = images_of(scene, &kept);
    let around = Around {
        fleet: &scene.fleet,
        artifacts: &scene.artifacts,
        models: &scene.models,
        said: &said,
        seen: &seen,
        took: &took,
        given: given.as_ref().map_err(String::as_str),
    };
    Ok(way_back(&scene.object, &kept, &around, scene.now))
}

/// Whether a plan to go back leads anywhere: looked at while it is made.
pub(crate) struct Outlook {
    scene: Scene,
    to: Option<u64>,
    /// What is typed to take it all the same.
    anyway: String,
    connectors: Connectors,
}

/// What keeps a plan to go back from being confirmed, or a person from being sure of it.
pub(crate) enum Doubt {
    /// It is not possible.
    Closed(Problem),
    /// It was not found out in time, in words.
    Late(String),
}

impl Outlook {
    /// Of what is wanted; nothing of what is no way back. What stops something is none, and never held up. Nor is a DaemonSet: it
    /// is no service that `rollback` could take all the same, and its plan says by itself which pods stay.
    pub(crate) fn of(intent: &Intent, known: Known<'_>, connectors: Connectors, now: Stamp) -> Option<Self> {
        let Deed::Undo(to) = intent.deed else { return None };
        let object = &intent.object;
        if object.kind_word() == "DaemonSet" {
            return None;
        }
        Some(Self { scene: Scene::of(known, object.clone(), now), to, anyway: anyway(object, to), connectors })
    }

    /// Looks. What cannot be asked says so in the plan itself.
    pub(crate) async fn doubt(self) -> Option<Doubt> {
        let looked = tokio::time::timeout(SOON, graded(&self.scene, self.to, &self.connectors, None)).await;
        let Ok(way) = looked else {
            let words = format!("Whether it can go back was not found out within {} s.", SOON.as_secs());
            return Some(Doubt::Late(words));
        };
        // Of what is on its way another deed takes it back, and is graded by itself.
        let way = way.ok().filter(|way| matches!(way.deed, Deed::Undo(_)))?;
        let next = format!("Make good what is missing, and plan it anew. \"{}\" takes it all the same.", self.anyway);
        way.closed().map(|closed| Doubt::Closed(closed.next(next)))
    }
}

/// The line that takes this one service to this revision, whatever is missing. Names of Kubernetes need no quotes.
fn anyway(object: &ObjectRef, to: Option<u64>) -> String {
    let place = object.namespace().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let to = to.map(|to| format!(" --to {to}")).unwrap_or_default();
    let (name, kind, context) = (object.name(), object.kind_word(), object.connection());
    format!("pilothouse rollback {place}{name} --kind {kind} --context {context}{to} --anyway")
}

async fn read(connector: Option<Arc<dyn Connector>>, of: ArtifactRef) -> (ArtifactRef, Result<Artifact, Problem>) {
    let said = artifacts::read(connector, &of).await;
    (of, said)
}

/// Images of pods that are of the revision which is gone back to.
fn images_of(scene: &Scene, kept: &Kept) -> Vec<ContainerImage> {
    let Ok(then) = &kept.then else { return Vec::new() };
    let of_it = scene.images.iter().filter(|(number, _)| *number == then.number);
    of_it.map(|(_, image)| image.clone()).collect()
}

/// How long changes took by the record, which another run of Pilothouse may keep. What cannot be read tells of none.
async fn recorded(scene: &Scene, (worlds, journal): Record) -> Vec<u64> {
    if journal.is_none() {
        return Vec::new();
    }
    let then = worlds.at(journal, scene.now, scene.now).await;
    then.map(|then| project::took(&then.world, &scene.object)).unwrap_or_default()
}

/// What a route gave to whom before its shares moved last, by the record; else why nobody knows, as a clause.
async fn given(scene: &Scene, record: Option<&Record>) -> Result<Given, String> {
    let Some((worlds, Some(journal))) = record else { return Err("there is no record of it here".to_owned()) };
    let at = async |t: Stamp| {
        let then = worlds.at(Some(journal.clone()), t, scene.now).await;
        then.map_err(|problem| format!("the record cannot be read: {}", problem.what.trim_end_matches('.')))
    };
    let moved = match scene.weighed {
        // Another run of Pilothouse may have seen it.
        None => project::weighed(&at(scene.now).await?.world, &scene.object),
        seen => seen,
    };
    let Some(until) = moved else { return Err("nobody saw its shares move".to_owned()) };
    let before = until.minus(Duration::from_millis(1));
    let then = at(before).await?;
    if then.gap.is_some() {
        return Err(format!("the record does not tell of the time before {until}"));
    }
    let shares = project::rollout(&then.world, &scene.object, before).map(|view| view.row.shares).unwrap_or_default();
    match shares.is_empty() {
        true => Err(format!("the record has nothing of it from before {until}")),
        false => Ok(Given { until, shares }),
    }
}

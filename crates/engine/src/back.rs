//! Can a service go back: what its server keeps, joined with the fleet, the registries and the record, beside the loop.

#[cfg(test)]
mod tests;

use crate::{
    artifacts,
    asks::{connected, together, within},
    connections::Connectors,
    input::Input,
    past::Worlds,
    views::Known,
};
use pilothouse_connect::Connector;
use pilothouse_insight::back::{Around, Given, asks_for_room, sought, unlisted, way_back};
use pilothouse_journal::Reader as JournalReader;
use pilothouse_wire::{
    Answer, Code, ConnectionId, ObjectRef, Problem, SmolStr, Stamp,
    artifact::{Artifact, ArtifactRef},
    back::{BackQuery, Kept, KeptTraffic, WayBack},
    plan::{Deed, Intent},
    runs::VersionId,
    view::{ArtifactsView, ContainerImage, ModelsView, NodeRow, PodRow},
};
use pilothouse_world::project;
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// Nodes that are looked at in one go: so long the loop waits, however many there are.
pub(crate) const MOST_NODES: usize = 100;
/// A plan to go back waits so long for whether that can be: registries that hang keep nobody from it.
const SOON: Duration = Duration::from_secs(3);

/// What is known here of a service, as of now.
pub(crate) struct Scene {
    object: ObjectRef,
    pods: Vec<PodRow>,
    /// Where nodes are asked for, part by part: all of them at once would keep the loop for as long as a cluster is large.
    inputs: mpsc::Sender<Input>,
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
    /// Takes what is known of a service out of the world, and nothing of the rest of its cluster.
    pub(crate) fn of(known: Known<'_>, object: ObjectRef, inputs: mpsc::Sender<Input>, now: Stamp) -> Self {
        let Known { world, registries } = known;
        let service = project::rollout(world, &object, now);
        let revisions = service.iter().flat_map(|service| &service.revisions);
        let images = revisions.flat_map(|revision| {
            let pods = revision.pods.iter().map(|pod| ObjectRef::Pod(pod.id.clone()));
            pods.flat_map(|pod| project::images(world, &pod)).map(|image| (revision.number, image))
        });
        Self {
            images: images.collect(),
            pods: project::pods_of(world, &object),
            inputs,
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

/// The nodes of a cluster that have GPUs, part by part; none where not all of its nodes are read.
async fn nodes(cluster: &ConnectionId, inputs: &mpsc::Sender<Input>) -> Option<Vec<NodeRow>> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let (reply, answer) = oneshot::channel();
        inputs.send(Input::Nodes(cluster.clone(), after, reply)).await.ok()?;
        let part = answer.await.ok().filter(|part| part.whole)?;
        rows.extend(part.rows);
        match part.next {
            Some(next) => after = Some(next),
            None => return Some(rows),
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
    let images = kept.then.as_ref().map(|then| sought(then, &scene.artifacts)).unwrap_or_default();
    let models = kept.then.as_ref().map(|then| unlisted(then, &scene.models)).unwrap_or_default();
    let (said, versions, nodes) = tokio::join!(
        together(images.into_iter().map(|of| read(find(&of.source), of))),
        together(models.into_iter().map(|of| has(find(of.source()), of))),
        async { if asks_for_room(&kept) { nodes(id, &scene.inputs).await } else { None } },
    );
    let said: Vec<_> = said.into_iter().flatten().collect();
    let versions: Vec<_> = versions.into_iter().flatten().collect();
    let is_route = matches!(kept.traffic.as_deref(), Some(KeptTraffic::Route { .. }));
    let given = if is_route { given(scene, record.as_ref()).await } else { Err(String::new()) };
    let took = match (scene.took.as_slice(), record) {
        ([], Some(record)) if kept.traffic.is_none() => recorded(scene, record).await,
        (seen, _) => seen.to_vec(),
    };
    let seen = images_of(scene, &kept);
    let around = Around {
        nodes: nodes.as_deref(),
        pods: &scene.pods,
        artifacts: &scene.artifacts,
        models: &scene.models,
        versions: &versions,
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
    /// What is typed to take it all the same; none where that was said.
    anyway: Option<String>,
    connectors: Connectors,
}

/// What keeps a plan to go back from being confirmed, or a person from being sure of it.
pub(crate) enum Doubt {
    /// It is not possible.
    Closed(Problem),
    /// It was not found out in time, or is wanted though it is not possible: in words.
    Told(String),
}

impl Outlook {
    /// Of what is wanted; nothing of what is no way back. What stops something is none, and never held up. Nor is a DaemonSet: it
    /// is no service that `rollback` could take all the same, and its plan says by itself which pods stay. Where a person wants it
    /// `all_the_same`, it is looked at and told, and holds nothing up.
    pub(crate) fn of(
        intent: &Intent,
        all_the_same: bool,
        known: Known<'_>,
        (connectors, inputs): (Connectors, mpsc::Sender<Input>),
        now: Stamp,
    ) -> Option<Self> {
        let Deed::Undo(to) = intent.deed else { return None };
        let object = &intent.object;
        if object.kind_word() == "DaemonSet" {
            return None;
        }
        let anyway = (!all_the_same).then(|| anyway(object, to));
        Some(Self { scene: Scene::of(known, object.clone(), inputs, now), to, anyway, connectors })
    }

    /// Looks. What cannot be asked says so in the plan itself.
    pub(crate) async fn doubt(self) -> Option<Doubt> {
        let looked = tokio::time::timeout(SOON, graded(&self.scene, self.to, &self.connectors, None)).await;
        let Ok(way) = looked else {
            let words = format!("Whether it can go back was not found out within {} s.", SOON.as_secs());
            return Some(Doubt::Told(words));
        };
        // Of what is on its way another deed takes it back, and is graded by itself.
        let way = way.ok().filter(|way| matches!(way.deed, Deed::Undo(_)))?;
        let closed = way.closed()?;
        Some(match self.anyway {
            Some(line) => {
                let next = format!("Make good what is missing, and plan it anew. \"{line}\" takes it all the same.");
                Doubt::Closed(closed.next(next))
            }
            None => Doubt::Told(format!("{closed} It is planned all the same.")),
        })
    }
}

/// The line that takes this one service to this revision, whatever is missing. Names of Kubernetes need no quotes.
fn anyway(object: &ObjectRef, to: Option<u64>) -> String {
    let place = object.namespace().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let to = to.map(|to| format!(" --to {to}")).unwrap_or_default();
    let (name, kind, context) = (object.name(), object.kind_word(), object.connection());
    format!("pilothouse rollback {place}{name} --kind {kind} --context {context}{to} --anyway")
}

/// What its registry says of an image. One that is not connected says nothing, and not that it has none.
async fn read(connector: Option<Arc<dyn Connector>>, of: ArtifactRef) -> (ArtifactRef, Result<Artifact, Problem>) {
    let said = match connector {
        None => Err(Problem::new(Code::NotOffered, format!("{} is not connected.", of.source))),
        open => artifacts::read(open, &of).await,
    };
    (of, said)
}

/// Has its registry a version? It is asked for it now.
async fn has(connector: Option<Arc<dyn Connector>>, of: VersionId) -> (VersionId, Result<bool, Problem>) {
    let has = async {
        let connector = connected(connector, of.source(), "Versions of models are asked for of their registry")?;
        within(of.source(), &format!("version {of}"), connector.has_version(&of)).await
    };
    let has = has.await;
    (of, has)
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

//! Would a model of a registry fit its GPUs: its configuration out of the registry, arguments, GPU and room of who serves it
//! now, and sums by `insight`.

use crate::{
    asks::{connected, within},
    connections::Connectors,
    views::Known,
};
use pilothouse_connect::{Connector, ModelFiles};
use pilothouse_insight::{
    lineage,
    preflight::{Engine, Flags, Gpu, Machine, ModelConfig, Running, Surge, Version, pods_of, preflight, telling},
    room,
};
use pilothouse_wire::{
    Answer, Code, ConnectionId, ObjectRef, Problem, SmolStr, Stamp,
    artifact::ArtifactRef,
    preflight::{ModelSubject, Preflight, PreflightQuery},
    runs::VersionId,
    view::{
        ArtifactServesRow, ArtifactsView, FleetSpec, FleetView, ModelsView, RepositoryId, RoomView, ServesRow, TagRow,
        WorkloadImages, WorkloadStarts,
    },
};
use pilothouse_world::project::{self, FleetProjection};
use serde_json::Value;
use std::{collections::BTreeSet, sync::Arc};

/// Workloads beside the first that are named as serving the model, too.
const MOST_OTHERS: usize = 20;

/// What is known here, as of now: taken out of the world on the loop, and looked into beside it.
pub(crate) struct Scene {
    query: PreflightQuery,
    fleet: Arc<FleetView>,
    started: Started,
    now: Stamp,
}

/// By what it is told which workloads serve the model.
enum Started {
    /// A version of a registered model.
    Version(VersionId, Vec<WorkloadStarts>, Arc<ModelsView>),
    /// An artefact of a registry.
    Artifact(ArtifactRef, Vec<WorkloadImages>, Arc<ArtifactsView>),
}

impl Scene {
    /// Takes what is known of the model and the fleet out of the world. A fleet that somebody watches is there already.
    pub(crate) fn of(known: Known<'_>, watched: Option<&Arc<FleetView>>, query: PreflightQuery, now: Stamp) -> Self {
        let Known { world, registries } = known;
        let whole = || Arc::clone(FleetProjection::new(world, FleetSpec::default()).view());
        let started = match &query.of {
            ModelSubject::Version(version) => {
                let models = Arc::clone(registries.models(world));
                Started::Version(version.clone(), project::workload_starts(world), models)
            }
            ModelSubject::Artifact(artifact) => {
                let images = project::workload_images(world, &artifact.repository);
                Started::Artifact(artifact.clone(), images, Arc::clone(registries.artifacts(world)))
            }
        };
        Self { fleet: watched.map_or_else(whole, Arc::clone), started, query, now }
    }

    /// What follows from it.
    fn looked_into(self) -> Seen {
        let Self { query, fleet, started, now } = self;
        Seen { room: room(&fleet, now), serves: started.serves(), query, fleet }
    }
}

/// What is known here, and what follows from it.
struct Seen {
    query: PreflightQuery,
    fleet: Arc<FleetView>,
    room: RoomView,
    /// Workloads that serve the model, those of this version and with the most pods first.
    serves: Vec<ObjectRef>,
}

impl Seen {
    /// The workload whose arguments, GPU and room are taken.
    fn service(&self) -> Option<&ObjectRef> {
        self.query.service.as_ref().or_else(|| self.serves.first())
    }
}

impl Started {
    fn serves(self) -> Vec<ObjectRef> {
        match self {
            Self::Version(version, starts, models) => {
                let mut rows = lineage::serves(&version.model, &starts, &models).now;
                let far = |row: &ServesRow| (row.version != Some(version.number), u64::MAX - row.pods);
                rows.sort_by_key(far);
                rows.into_iter().map(|row| row.workload).collect()
            }
            Self::Artifact(artifact, images, artifacts) => {
                let repository = RepositoryId { source: artifact.source.clone(), name: artifact.repository.clone() };
                let is_it = |row: &&TagRow| {
                    row.id.source == repository.source
                        && row.id.repository == repository.name
                        && row.id.tag == artifact.reference
                };
                let digest = artifacts.tags.rows().iter().find(is_it).map_or(&artifact.reference, |row| &row.digest);
                let mut rows = lineage::artifact_serves(&repository, &images, &artifacts).rows;
                let far = |row: &ArtifactServesRow| (row.digest.as_ref() != Some(digest), u64::MAX - row.pods);
                rows.sort_by_key(far);
                rows.into_iter().map(|row| row.workload).collect()
            }
        }
    }
}

/// Reads the configuration and the service, and reckons.
pub(crate) async fn answer(scene: Scene, connectors: Connectors) -> Result<Answer, Problem> {
    let of = scene.query.of.clone();
    let find = |id: &ConnectionId| connectors.get(id).cloned();
    let registry = connected(find(of.source()), of.source(), "The configuration of a model is read from its registry")?;
    let seen = scene.looked_into();
    let cluster = seen.service().and_then(|service| find(service.connection()));
    let asked = format!("the configuration of {}", of.shown());
    let files = within(of.source(), &asked, registry.model_files(&of));
    let (files, running) = tokio::join!(files, running(&seen, cluster));
    Ok(Answer::Preflight(Box::new(reckon(seen, &files?, running)?)))
}

/// The service, as its cluster has it now; nothing where there is none.
async fn running(seen: &Seen, cluster: Option<Arc<dyn Connector>>) -> Result<Option<Running>, Problem> {
    let Some(service) = seen.service() else { return Ok(None) };
    let pods = pods_of(&seen.fleet, service);
    let Some(pod) = telling(&pods) else {
        return Err(Problem::new(Code::NotFound, format!("No pod of {service} holds a GPU."))
            .next("Say the GPU and the arguments, or choose another service."));
    };
    let (id, object) = (&pod.id.cluster, ObjectRef::Pod(pod.id.clone()));
    let cluster = connected(cluster, id, "What its engine is asked for is read from its cluster")?;
    let yaml = within(id, &format!("the pod {}", pod.id.name), cluster.yaml(&object)).await?;
    let value: Value = serde_saphyr::from_str(&yaml).unwrap_or_default();
    Running::of(&pods, (pod, &value), &seen.fleet, &seen.room).map(Some).ok_or_else(|| {
        Problem::new(Code::BadInput, format!("No container of {} is known to serve a model.", pod.id))
            .why("Neither image nor command nor arguments name vLLM, SGLang or TGI, and it has several containers.")
            .next("Say the arguments and the engine.")
    })
}

fn reckon(seen: Seen, files: &ModelFiles, running: Result<Option<Running>, Problem>) -> Result<Preflight, Problem> {
    let service = seen.service().cloned();
    let Seen { query, fleet, serves, .. } = seen;
    let (running, missing) = match running {
        Ok(running) => (running, None),
        Err(problem) => (None, Some(problem)),
    };
    let value: Value = serde_json::from_str(&files.config).map_err(|error| unread(files, &format!("{error}.")))?;
    if !value.is_object() {
        return Err(unread(files, "It holds no object."));
    }
    let config = ModelConfig::read(&value);
    let of_running = running.as_ref().map(|running| running.arguments.clone()).unwrap_or_default();
    let arguments = query.arguments.unwrap_or(of_running);
    let named = query.engine.or_else(|| Engine::in_words(arguments.iter().map(String::as_str)));
    let engine = named.or_else(|| running.as_ref().and_then(|running| running.engine));
    let flags = Flags::read(engine.unwrap_or(Engine::Vllm), &arguments);
    let of_service = running.as_ref().map(|running| running.product.clone());
    let is_other = query.gpu.is_some() && query.gpu.as_ref() != of_service.as_ref().and_then(|of| of.as_ref().ok());
    let product =
        query.gpu.clone().map(Ok).or(of_service).unwrap_or_else(|| Err("nothing says which it is".to_owned()));
    let gpus_a_node = query.gpus_a_node.or_else(|| running.as_ref()?.gpus_a_node.filter(|_| !is_other));
    let machine = Machine { gpu: product.clone().and_then(|product| Gpu::of_product(&product)), gpus_a_node };
    let candidate = Version {
        config: &config,
        flags: &flags,
        weights: files.weights,
        template: files.template.as_deref(),
        tokenizer: files.tokenizer.as_deref(),
    };
    // Room is that of the service's own GPUs: of others nobody asked.
    let surge = match running.as_ref().filter(|_| !is_other) {
        None => Surge::NotAsked,
        Some(running) => running.surge(preflight(candidate, None, &machine, &Surge::NotAsked).candidate.gpus),
    };
    let report = preflight(candidate, None, &machine, &surge);
    let mut others: Vec<ObjectRef> = Vec::new();
    for workload in serves {
        if Some(&workload) != service.as_ref() && !others.contains(&workload) {
            others.push(workload);
        }
    }
    others.truncate(MOST_OTHERS);
    let products: BTreeSet<SmolStr> = fleet.nodes.rows().iter().filter_map(|node| node.product.clone()).collect();
    Ok(Preflight {
        report,
        config: files.place.clone(),
        service,
        others,
        missing,
        arguments,
        engine_assumed: engine.is_none(),
        gpu: product.ok(),
        gpus_a_node,
        products: products.into_iter().collect(),
    })
}

fn unread(files: &ModelFiles, why: &str) -> Problem {
    Problem::new(Code::BadInput, format!("{} is no configuration of a model.", files.place)).why(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{ModelId, preflight::Verdict};

    const LLAMA: &str = r#"{
        "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "torch_dtype": "bfloat16",
        "max_position_embeddings": 8192, "tie_word_embeddings": false
    }"#;

    fn seen(gpu: Option<&str>, arguments: Option<&str>) -> Seen {
        let model = ModelId { source: ConnectionId::slug("registry"), name: "chat".into() };
        let query = PreflightQuery {
            of: ModelSubject::Version(VersionId { model, number: 1 }),
            service: None,
            gpu: gpu.map(str::to_owned),
            gpus_a_node: Some(8),
            arguments: arguments.map(|text| text.split(' ').map(str::to_owned).collect()),
            engine: None,
        };
        Seen { query, fleet: Arc::default(), room: RoomView::default(), serves: Vec::new() }
    }

    fn files(config: &str) -> ModelFiles {
        ModelFiles { config: config.to_owned(), place: "config.json of chat/1".to_owned(), ..ModelFiles::default() }
    }

    #[test]
    fn what_nothing_says_is_assumed_or_not_told() {
        let said = reckon(seen(Some("NVIDIA-H100-80GB-HBM3"), None), &files(LLAMA), Ok(None)).unwrap();
        assert_eq!((said.report.verdict, said.engine_assumed), (Verdict::Fits, true));
        let on_none = reckon(seen(None, Some("vllm serve")), &files(LLAMA), Ok(None)).unwrap();
        assert_eq!((on_none.report.verdict, on_none.engine_assumed), (Verdict::CannotTell, false));
        let small = reckon(seen(Some("Tesla T4"), Some("vllm serve --dtype half")), &files(LLAMA), Ok(None)).unwrap();
        assert_eq!(small.report.verdict, Verdict::DoesNot);
    }

    #[test]
    fn what_is_no_configuration_is_told_with_its_place() {
        for (text, why) in [("[]", "It holds no object."), ("{\"hidden", "line 1")] {
            let problem = reckon(seen(None, None), &files(text), Ok(None)).unwrap_err();
            assert_eq!(problem.what, "config.json of chat/1 is no configuration of a model.");
            assert!(problem.why.unwrap().contains(why));
        }
    }

    #[test]
    fn a_service_that_cannot_be_read_is_told_and_the_rest_is_reckoned() {
        let lost = Problem::new(Code::Cut, "iad refused the connection.");
        let said = reckon(seen(Some("NVIDIA-H100-80GB-HBM3"), None), &files(LLAMA), Err(lost.clone())).unwrap();
        assert_eq!((said.missing, said.report.verdict), (Some(lost), Verdict::Fits));
    }
}

//! Kinds that a cluster may serve and need not: rollouts and analyses of Argo, groups with a leader, services of KServe; routes
//! with their backends; who keeps objects out of a repository, or moves traffic by himself; GPUs that are given by claims;
//! disruption budgets. They are discovered, and nothing is missing where they are not.

use crate::{
    claimed::{self, VERSIONS},
    client::{Client, JSON, PATIENCE},
    facts::{
        facts_of_analysis, facts_of_application, facts_of_budget, facts_of_canary, facts_of_experiment,
        facts_of_groups, facts_of_inference, facts_of_llm, facts_of_pool, facts_of_promotion, facts_of_rewrite,
        facts_of_rollout, facts_of_route, facts_of_service, facts_of_stage, with_labels,
    },
    failure::Call,
    resource::{EVERYWHERE, Resource},
    slim::{
        AnalysisRun, Application, Canary, DisruptionBudget, Experiment, HttpRoute, InferenceModelRewrite,
        InferencePool, InferenceService, LeaderWorkerSet, LlmInferenceService, Meta, Promotion, ResourceClaim,
        ResourceSlice, Rollout, Service, Stage,
    },
    written::{Written, version},
};
use pilothouse_connect::Closed;
use pilothouse_wire::SmolStr;
use pilothouse_world::{Fact, fact::Kind};
use serde::Deserialize;
use std::collections::BTreeSet;
use tokio::task::JoinSet;

/// The groups that are looked for.
pub(crate) const GROUPS: &[Group] = &[
    Group::ArgoRollouts,
    Group::LeaderWorkerSet,
    Group::InferenceService,
    Group::LlmInferenceService,
    Group::GatewayApi,
    Group::InferencePools,
    Group::ModelRewrites,
    Group::ArgoCd,
    Group::Flagger,
    Group::Kargo,
    Group::Claims,
    Group::Budgets,
];

/// A group of kinds that come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    ArgoRollouts,
    LeaderWorkerSet,
    InferenceService,
    LlmInferenceService,
    /// With the Services that routes name.
    GatewayApi,
    InferencePools,
    ModelRewrites,
    ArgoCd,
    Flagger,
    Kargo,
    /// Dynamic resource allocation: devices that drivers publish, and claims to them.
    Claims,
    /// Disruption budgets: each cluster serves them, and not everybody may read them.
    Budgets,
}

/// `v1.APIResourceList`.
#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
}

/// What a cluster serves of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Served {
    /// The version in which it is read; empty where the group is absent.
    pub version: &'static str,
    /// The kinds of it that there are; none where it is absent.
    kinds: BTreeSet<String>,
}

impl Served {
    /// Is it absent?
    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    fn has<T: Resource>(&self) -> bool {
        self.kinds.contains(T::PLURAL)
    }
}

impl Group {
    /// Its name, and the versions in which it is read, the first one first.
    fn api(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::ArgoRollouts => (Rollout::GROUP, &[Rollout::VERSION]),
            Self::LeaderWorkerSet => (LeaderWorkerSet::GROUP, &[LeaderWorkerSet::VERSION]),
            Self::InferenceService => (InferenceService::GROUP, &[InferenceService::VERSION]),
            Self::LlmInferenceService => (LlmInferenceService::GROUP, &[LlmInferenceService::VERSION]),
            Self::GatewayApi => (HttpRoute::GROUP, &[HttpRoute::VERSION]),
            Self::InferencePools => (InferencePool::GROUP, &[InferencePool::VERSION]),
            Self::ModelRewrites => (InferenceModelRewrite::GROUP, &[InferenceModelRewrite::VERSION]),
            Self::ArgoCd => (Application::GROUP, &[Application::VERSION]),
            Self::Flagger => (Canary::GROUP, &[Canary::VERSION]),
            Self::Kargo => (Stage::GROUP, &[Stage::VERSION]),
            Self::Claims => (ResourceClaim::GROUP, VERSIONS),
            Self::Budgets => (DisruptionBudget::GROUP, &[DisruptionBudget::VERSION]),
        }
    }

    /// The first of its kinds: without it the others mean nothing.
    fn chief(self) -> &'static str {
        match self {
            Self::ArgoRollouts => Rollout::PLURAL,
            Self::LeaderWorkerSet => LeaderWorkerSet::PLURAL,
            Self::InferenceService => InferenceService::PLURAL,
            Self::LlmInferenceService => LlmInferenceService::PLURAL,
            Self::GatewayApi => HttpRoute::PLURAL,
            Self::InferencePools => InferencePool::PLURAL,
            Self::ModelRewrites => InferenceModelRewrite::PLURAL,
            Self::ArgoCd => Application::PLURAL,
            Self::Flagger => Canary::PLURAL,
            Self::Kargo => Stage::PLURAL,
            Self::Claims => ResourceClaim::PLURAL,
            Self::Budgets => DisruptionBudget::PLURAL,
        }
    }

    /// What of it is served: nothing where it is absent. `None` where nobody says so now.
    pub(crate) async fn served(self, client: &Client) -> Option<Served> {
        let (group, versions) = self.api();
        for version in versions.iter().copied() {
            let path = format!("/apis/{group}/{version}");
            let list: ResourceList = match client.get(&Call::path(&path), &path, JSON, PATIENCE).await {
                Ok(answer) => serde_json::from_slice(&answer.body).ok()?,
                Err(failure) if failure.status() == Some(404) => continue,
                Err(_) => return None,
            };
            let kinds: BTreeSet<String> = list.resources.into_iter().map(|kind| kind.name).collect();
            if kinds.contains(self.chief()) {
                return Some(Served { version, kinds });
            }
        }
        Some(Served::default())
    }

    /// Tells that there is none of it.
    pub(crate) async fn is_absent(self, written: &Written) -> Result<(), Closed> {
        for scope in &written.scopes {
            match self {
                Self::ArgoRollouts => {
                    written.sink.replace(scope.covers::<Rollout>(), Vec::new()).await?;
                    written.sink.replace(scope.covers::<AnalysisRun>(), Vec::new()).await?;
                    written.sink.replace(scope.covers::<Experiment>(), Vec::new()).await?;
                }
                Self::LeaderWorkerSet => written.sink.replace(scope.covers::<LeaderWorkerSet>(), Vec::new()).await?,
                Self::InferenceService => written.sink.replace(scope.covers::<InferenceService>(), Vec::new()).await?,
                Self::LlmInferenceService => {
                    written.sink.replace(scope.covers::<LlmInferenceService>(), Vec::new()).await?;
                }
                Self::GatewayApi => {
                    written.sink.replace(scope.covers::<HttpRoute>(), Vec::new()).await?;
                    written.sink.replace(scope.covers::<Service>(), Vec::new()).await?;
                }
                Self::InferencePools => written.sink.replace(scope.covers::<InferencePool>(), Vec::new()).await?,
                Self::ModelRewrites => {
                    written.sink.replace(scope.covers::<InferenceModelRewrite>(), Vec::new()).await?;
                }
                Self::ArgoCd => written.sink.replace(scope.covers::<Application>(), Vec::new()).await?,
                Self::Flagger => written.sink.replace(scope.covers::<Canary>(), Vec::new()).await?,
                Self::Kargo => {
                    written.sink.replace(scope.covers::<Promotion>(), Vec::new()).await?;
                    written.sink.replace(scope.covers::<Stage>(), Vec::new()).await?;
                }
                Self::Claims => {
                    written.sink.replace(EVERYWHERE.covers::<ResourceSlice>(), Vec::new()).await?;
                    written.sink.replace(scope.covers::<ResourceClaim>(), Vec::new()).await?;
                }
                Self::Budgets => written.sink.replace(scope.covers::<DisruptionBudget>(), Vec::new()).await?,
            }
        }
        Ok(())
    }

    /// What is not told where it may not be read.
    pub(crate) fn untold(self) -> &'static str {
        match self {
            Self::Claims => "which pod has which GPU by a claim is not told",
            Self::Budgets => "which pods disruption budgets let go is not told",
            _ => "how services get to their next revision is not told",
        }
    }

    /// Has it routes, which get to services by the labels of their pods?
    pub(crate) fn routes(self) -> bool {
        matches!(self, Self::GatewayApi | Self::ModelRewrites)
    }

    /// Follows those of its kinds that are served.
    pub(crate) async fn start(
        self,
        written: &Written,
        served: &Served,
        followers: &mut JoinSet<()>,
        not: &mut Vec<String>,
    ) {
        match self {
            Self::ArgoRollouts => {
                written.start::<Rollout>(followers, not).await;
                if served.has::<AnalysisRun>() {
                    written.start::<AnalysisRun>(followers, not).await;
                }
                if served.has::<Experiment>() {
                    written.start::<Experiment>(followers, not).await;
                }
            }
            Self::LeaderWorkerSet => written.start::<LeaderWorkerSet>(followers, not).await,
            Self::InferenceService => written.start::<InferenceService>(followers, not).await,
            Self::LlmInferenceService => written.start::<LlmInferenceService>(followers, not).await,
            Self::GatewayApi => {
                written.start::<HttpRoute>(followers, not).await;
                written.start::<Service>(followers, not).await;
            }
            Self::InferencePools => written.start::<InferencePool>(followers, not).await,
            Self::ModelRewrites => written.start::<InferenceModelRewrite>(followers, not).await,
            Self::ArgoCd => written.start::<Application>(followers, not).await,
            Self::Flagger => written.start::<Canary>(followers, not).await,
            Self::Kargo => {
                if served.has::<Promotion>() {
                    written.start::<Promotion>(followers, not).await;
                }
                written.start::<Stage>(followers, not).await;
            }
            Self::Claims => claimed::start(served.version, written, followers, not).await,
            Self::Budgets => written.start::<DisruptionBudget>(followers, not).await,
        }
    }
}

/// Are routes served? Where nobody says so now, they may be.
pub(crate) async fn has_routes(client: &Client) -> bool {
    for group in GROUPS.iter().filter(|group| group.routes()) {
        if group.served(client).await.is_none_or(|served| !served.is_empty()) {
            return true;
        }
    }
    false
}

macro_rules! offered {
    ($($kind:ident as $as:ident, $group:literal $version:literal $plural:literal, $fact:expr, $gone:expr;)+) => {$(
        impl Resource for $kind {
            const KIND: Kind = Kind::$as;
            const GROUP: &'static str = $group;
            const VERSION: &'static str = $version;
            const PLURAL: &'static str = $plural;

            fn meta(&self) -> Option<&Meta> {
                None
            }

            fn version(&self) -> String {
                version(self.metadata.as_ref())
            }

            fn fact(self) -> Option<Fact> {
                $fact(self)
            }

            fn gone(meta: &Meta) -> Fact {
                $gone(SmolStr::new(&meta.namespace), SmolStr::new(&meta.name))
            }
        }
    )+};
}

offered! {
    Rollout as Rollout, "argoproj.io" "v1alpha1" "rollouts", |it| with_labels(it, facts_of_rollout),
        |namespace, name| Fact::ControllerGone(SmolStr::new_static("Rollout"), namespace, name);
    AnalysisRun as Analysis, "argoproj.io" "v1alpha1" "analysisruns",
        |run| facts_of_analysis(run).map(|fact| Fact::Analysis(Box::new(fact))), Fact::AnalysisGone;
    Experiment as Experiment, "argoproj.io" "v1alpha1" "experiments",
        |it| facts_of_experiment(it).map(|fact| Fact::Experiment(Box::new(fact))), Fact::ExperimentGone;
    LeaderWorkerSet as LeaderWorkerSet, "leaderworkerset.x-k8s.io" "v1" "leaderworkersets",
        |it| with_labels(it, facts_of_groups),
        |namespace, name| Fact::ControllerGone(SmolStr::new_static("LeaderWorkerSet"), namespace, name);
    InferenceService as InferenceService, "serving.kserve.io" "v1beta1" "inferenceservices", facts_of_inference,
        |namespace, name| Fact::ControllerGone(SmolStr::new_static("InferenceService"), namespace, name);
    LlmInferenceService as LlmInferenceService, "serving.kserve.io" "v1alpha1" "llminferenceservices", facts_of_llm,
        |namespace, name| Fact::ControllerGone(SmolStr::new_static("LLMInferenceService"), namespace, name);
    HttpRoute as HttpRoute, "gateway.networking.k8s.io" "v1" "httproutes", facts_of_route,
        |namespace, name| Fact::ControllerGone(SmolStr::new_static("HTTPRoute"), namespace, name);
    InferencePool as InferencePool, "inference.networking.k8s.io" "v1" "inferencepools",
        |it| facts_of_pool(it).map(|fact| Fact::Backend(Box::new(fact))),
        |namespace, name| Fact::BackendGone(SmolStr::new_static("InferencePool"), namespace, name);
    InferenceModelRewrite as ModelRewrite, "llm-d.ai" "v1alpha2" "inferencemodelrewrites", facts_of_rewrite,
        |namespace, name| Fact::ControllerGone(SmolStr::new_static("InferenceModelRewrite"), namespace, name);
    Application as Application, "argoproj.io" "v1alpha1" "applications",
        |it| facts_of_application(it).map(|fact| Fact::Application(Box::new(fact))), Fact::ApplicationGone;
    Canary as Canary, "flagger.app" "v1beta1" "canaries", facts_of_canary,
        |namespace, name| Fact::ControllerGone(SmolStr::new_static("Canary"), namespace, name);
    Promotion as Promotion, "kargo.akuity.io" "v1alpha1" "promotions",
        |it| facts_of_promotion(it).map(|fact| Fact::Promotion(Box::new(fact))), Fact::PromotionGone;
    Stage as Stage, "kargo.akuity.io" "v1alpha1" "stages",
        |it| facts_of_stage(it).map(|fact| Fact::Stage(Box::new(fact))), Fact::StageGone;
    DisruptionBudget as DisruptionBudget, "policy" "v1" "poddisruptionbudgets",
        |it| facts_of_budget(it).map(|fact| Fact::Budget(Box::new(fact))), Fact::BudgetGone;
}

impl Resource for Service {
    const KIND: Kind = Kind::Service;
    const GROUP: &'static str = "";
    const PLURAL: &'static str = "services";

    fn meta(&self) -> Option<&Meta> {
        self.metadata.as_ref()
    }

    fn fact(self) -> Option<Fact> {
        facts_of_service(self).map(|fact| Fact::Backend(Box::new(fact)))
    }

    fn gone(meta: &Meta) -> Fact {
        Fact::BackendGone(SmolStr::new_static("Service"), SmolStr::new(&meta.namespace), SmolStr::new(&meta.name))
    }
}

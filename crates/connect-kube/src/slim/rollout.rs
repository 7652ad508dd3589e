//! Objects of Argo Rollouts and of LeaderWorkerSet. They are custom resources: servers send them as JSON alone.

use super::{
    controller::{Template, WrittenMeta},
    meta::{Time, or_default, time},
    pod::Container,
};
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::{Map, Value};

/// `argoproj.io/v1alpha1.Rollout`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rollout {
    /// `metadata`.
    pub metadata: Option<WrittenMeta>,
    /// `spec`.
    #[serde(deserialize_with = "or_default")]
    pub spec: RolloutSpec,
    /// `status`.
    #[serde(deserialize_with = "or_default")]
    pub status: RolloutStatus,
}

/// `RolloutSpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RolloutSpec {
    /// `replicas`.
    pub replicas: Option<i32>,
    /// `paused`.
    #[serde(deserialize_with = "or_default")]
    pub paused: bool,
    /// `restartAt`.
    #[serde(deserialize_with = "time")]
    pub restart_at: Option<Time>,
    /// `workloadRef`.
    pub workload_ref: Option<Named>,
    /// `template`.
    pub template: Option<Template>,
    /// `strategy`.
    #[serde(deserialize_with = "or_default")]
    pub strategy: RolloutStrategy,
}

/// A kind with a name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Named {
    /// `kind`.
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    /// `name`.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
}

/// `RolloutStrategy`: one of the two.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RolloutStrategy {
    /// `canary`.
    pub canary: Option<Canary>,
    /// `blueGreen`.
    pub blue_green: Option<BlueGreen>,
}

/// `CanaryStrategy`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Canary {
    /// `steps`: each has one key.
    #[serde(deserialize_with = "or_default")]
    pub steps: Vec<Map<String, Value>>,
    /// `trafficRouting`.
    pub traffic_routing: Option<Map<String, Value>>,
}

/// `BlueGreenStrategy`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BlueGreen {
    /// `autoPromotionEnabled`.
    pub auto_promotion_enabled: Option<bool>,
    /// `postPromotionAnalysis`.
    pub post_promotion_analysis: Option<IgnoredAny>,
}

/// `RolloutStatus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RolloutStatus {
    /// `phase`.
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// `message`.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// `observedGeneration`: a text.
    #[serde(deserialize_with = "text")]
    pub observed_generation: String,
    /// `workloadObservedGeneration`: a text.
    #[serde(deserialize_with = "text")]
    pub workload_observed_generation: String,
    /// `abort`.
    #[serde(deserialize_with = "or_default")]
    pub abort: bool,
    /// `promoteFull`.
    #[serde(deserialize_with = "or_default")]
    pub promote_full: bool,
    /// `controllerPause`.
    #[serde(deserialize_with = "or_default")]
    pub controller_pause: bool,
    /// `pauseConditions`.
    #[serde(deserialize_with = "or_default")]
    pub pause_conditions: Vec<Paused>,
    /// `currentPodHash`.
    #[serde(deserialize_with = "or_default")]
    pub current_pod_hash: String,
    /// `stableRS`.
    #[serde(rename = "stableRS", deserialize_with = "or_default")]
    pub stable: String,
    /// `currentStepIndex`.
    pub current_step_index: Option<i64>,
    /// `restartedAt`.
    #[serde(deserialize_with = "time")]
    pub restarted_at: Option<Time>,
    /// `replicas`.
    #[serde(deserialize_with = "or_default")]
    pub replicas: i64,
    /// `updatedReplicas`.
    #[serde(deserialize_with = "or_default")]
    pub updated_replicas: i64,
    /// `readyReplicas`.
    #[serde(deserialize_with = "or_default")]
    pub ready_replicas: i64,
    /// `availableReplicas`.
    #[serde(deserialize_with = "or_default")]
    pub available_replicas: i64,
    /// `conditions`.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<Condition>,
    /// `canary`.
    #[serde(deserialize_with = "or_default")]
    pub canary: CanaryStatus,
    /// `blueGreen`.
    #[serde(deserialize_with = "or_default")]
    pub blue_green: BlueGreenStatus,
}

/// `PauseCondition`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Paused {
    /// `reason`.
    #[serde(deserialize_with = "or_default")]
    pub reason: String,
    /// `startTime`.
    #[serde(deserialize_with = "time")]
    pub start_time: Option<Time>,
}

/// A condition with its message.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Condition {
    /// `type`.
    #[serde(deserialize_with = "or_default")]
    pub r#type: String,
    /// `status`.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    /// `reason`.
    #[serde(deserialize_with = "or_default")]
    pub reason: String,
    /// `message`.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// `lastTransitionTime`.
    #[serde(deserialize_with = "time")]
    pub last_transition_time: Option<Time>,
}

/// `CanaryStatus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CanaryStatus {
    /// `weights`.
    pub weights: Option<Weights>,
}

/// `TrafficWeights`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Weights {
    /// `canary`.
    #[serde(deserialize_with = "or_default")]
    pub canary: Weight,
}

/// `WeightDestination`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Weight {
    /// `weight`.
    #[serde(deserialize_with = "or_default")]
    pub weight: i64,
}

/// `BlueGreenStatus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BlueGreenStatus {
    /// `activeSelector`.
    #[serde(deserialize_with = "or_default")]
    pub active_selector: String,
    /// `previewSelector`.
    #[serde(deserialize_with = "or_default")]
    pub preview_selector: String,
    /// `postPromotionAnalysisRunStatus`.
    #[serde(deserialize_with = "or_default")]
    pub post_promotion_analysis_run_status: RunStatus,
}

/// `RolloutAnalysisRunStatus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RunStatus {
    /// `status`.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
}

/// `argoproj.io/v1alpha1.Experiment`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Experiment {
    /// `metadata`.
    pub metadata: Option<WrittenMeta>,
    /// `status`.
    #[serde(deserialize_with = "or_default")]
    pub status: ExperimentStatus,
}

/// `ExperimentStatus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExperimentStatus {
    /// `phase`.
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// `message`.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// `availableAt`.
    #[serde(deserialize_with = "time")]
    pub available_at: Option<Time>,
    /// `templateStatuses`.
    #[serde(deserialize_with = "or_default")]
    pub template_statuses: Vec<TemplateStatus>,
}

/// `TemplateStatus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TemplateStatus {
    /// `name`.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// `replicas`.
    #[serde(deserialize_with = "or_default")]
    pub replicas: i64,
    /// `availableReplicas`.
    #[serde(deserialize_with = "or_default")]
    pub available_replicas: i64,
}

/// `leaderworkerset.x-k8s.io/v1.LeaderWorkerSet`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LeaderWorkerSet {
    /// `metadata`.
    pub metadata: Option<WrittenMeta>,
    /// `spec`.
    #[serde(deserialize_with = "or_default")]
    pub spec: GroupsSpec,
    /// `status`.
    #[serde(deserialize_with = "or_default")]
    pub status: GroupsStatus,
}

/// `LeaderWorkerSetSpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GroupsSpec {
    /// `replicas`: groups.
    pub replicas: Option<i32>,
    /// `leaderWorkerTemplate`.
    #[serde(deserialize_with = "or_default")]
    pub leader_worker_template: GroupTemplate,
    /// `rolloutStrategy`.
    #[serde(deserialize_with = "or_default")]
    pub rollout_strategy: GroupsStrategy,
}

/// `LeaderWorkerTemplate`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GroupTemplate {
    /// `leaderTemplate`; the workers' own where there is none.
    pub leader_template: Option<Template>,
    /// `workerTemplate`.
    pub worker_template: Option<Template>,
}

impl GroupTemplate {
    /// What a whole group is made of, as one template: what is the workers' is told apart from what is the leader's by its
    /// name, `worker/NAME`, where both have templates.
    #[must_use]
    pub fn whole(self) -> Option<Template> {
        let (mut whole, workers) = match (self.leader_template, self.worker_template) {
            (Some(leader), Some(workers)) => (leader, workers),
            (one, other) => return one.or(other),
        };
        let (spec, workers) = (whole.spec.get_or_insert_default(), workers.spec.unwrap_or_default());
        let named = |name: String| format!("worker/{name}");
        let own = |container: Container| Container { name: named(container.name), ..container };
        spec.containers.extend(workers.containers.into_iter().map(own));
        spec.init_containers.extend(workers.init_containers.into_iter().map(own));
        spec.node_selector.extend(workers.node_selector.into_iter().map(|(key, value)| (named(key), value)));
        for toleration in workers.tolerations {
            if !spec.tolerations.contains(&toleration) {
                spec.tolerations.push(toleration);
            }
        }
        spec.volumes.extend(workers.volumes);
        Some(whole)
    }
}

/// `RolloutStrategy` of a LeaderWorkerSet.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GroupsStrategy {
    /// `rollingUpdateConfiguration`.
    #[serde(deserialize_with = "or_default")]
    pub rolling_update_configuration: GroupsRolling,
}

/// `RollingUpdateConfiguration`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GroupsRolling {
    /// `partition`.
    pub partition: Option<i64>,
}

/// `LeaderWorkerSetStatus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GroupsStatus {
    /// `replicas`.
    #[serde(deserialize_with = "or_default")]
    pub replicas: i64,
    /// `readyReplicas`.
    #[serde(deserialize_with = "or_default")]
    pub ready_replicas: i64,
    /// `updatedReplicas`.
    #[serde(deserialize_with = "or_default")]
    pub updated_replicas: i64,
    /// `observedGeneration`: newer versions have it.
    pub observed_generation: Option<i64>,
    /// `conditions`.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<Condition>,
}

/// A text, or a number that stands for one.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(match Option::<Value>::deserialize(from)? {
        Some(Value::String(text)) => text,
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    })
}

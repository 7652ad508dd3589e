//! Facts of traffic: routes that give shares of it to backends, what stands behind a backend, and who splits by himself.

use super::{OwnerFact, StatedFact};
use pilothouse_wire::SmolStr;
use serde::{Deserialize, Serialize};

/// Labels as pairs, in the order of their keys.
pub type LabelsFact = Vec<(SmolStr, SmolStr)>;

/// How a route splits traffic. Sources: `gateway.networking.k8s.io/v1.HTTPRoute`; `llm-d.ai/v1alpha2.InferenceModelRewrite`,
/// whose backends are models of one pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteFact {
    /// `spec.hostnames`.
    pub hosts: Vec<SmolStr>,
    /// `spec.parentRefs` with `status.parents`; `spec.poolRef` with `status.conditions`.
    pub parents: Vec<ParentFact>,
    /// `spec.rules`.
    pub rules: Vec<RuleFact>,
}

/// What a route hangs on, and what its controller says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentFact {
    /// `kind` and `name`: a Gateway, a Service of a mesh, a pool.
    pub of: OwnerFact,
    /// `namespace`, where it is another than the route's.
    pub namespace: Option<SmolStr>,
    /// `controllerName`; absent where nobody has said anything.
    pub by: Option<SmolStr>,
    /// `conditions`.
    pub conditions: Vec<StatedFact>,
}

/// A rule of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFact {
    /// `name`.
    pub name: Option<SmolStr>,
    /// `matches`, in words: paths, methods, names of headers and parameters, never their values; models.
    pub matches: Vec<SmolStr>,
    /// `backendRefs`, `targets`.
    pub backends: Vec<ShareFact>,
}

/// A backend of a rule, and its share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareFact {
    /// `kind` and `name`: a Service, an InferencePool; of a rewrite `Model`, and the model's name.
    pub to: OwnerFact,
    /// `namespace`, where it is another than the route's.
    pub namespace: Option<SmolStr>,
    /// `port`.
    pub port: Option<u16>,
    /// `weight`; 1 where it is not said.
    pub weight: u32,
}

/// What a backend leads to. Sources: `v1.Service`; `inference.networking.k8s.io/v1.InferencePool`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendFact {
    /// `Service` or `InferencePool`, and `metadata.name`.
    pub of: OwnerFact,
    /// `metadata.namespace`.
    pub namespace: SmolStr,
    /// `spec.selector`, `spec.selector.matchLabels`, without the hash of a revision.
    pub selector: LabelsFact,
    /// The value of `rollouts-pod-template-hash` or `pod-template-hash` in the selector: only pods of this revision.
    pub hash: Option<SmolStr>,
    /// `status.parents[].conditions` of a pool that are not as they should be.
    pub wrong: Vec<StatedFact>,
}

/// Who moves traffic of a workload by itself. Source: `flagger.app/v1beta1.Canary`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlaggerFact {
    /// `spec.targetRef`.
    pub target: OwnerFact,
    /// `spec.provider`: `istio`, `gatewayapi:v1`; absent where Flagger's own setting holds.
    pub provider: Option<SmolStr>,
    /// `status.phase`.
    pub phase: Option<SmolStr>,
    /// `status.canaryWeight`, in percent.
    pub weight: Option<u32>,
    /// `status.failedChecks`.
    pub failed_checks: u32,
    /// `spec.analysis.threshold`: so many failed checks take it back.
    pub most_failed: u32,
    /// `spec.analysis.stepWeights`, or those that follow from `stepWeight` and `maxWeight`, in percent.
    pub weights: Vec<u32>,
}

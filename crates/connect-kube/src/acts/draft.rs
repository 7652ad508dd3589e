//! What is sent for a deed, out of the object as it is: pure.
//!
//! Patches are JSON patches (RFC 6902): their `test` operations are the guards, which the server holds in the same moment as
//! it writes. Guards are the fields that the plan depends on, never the whole version of the object: an annotation that
//! somebody else touches must not keep anybody from going back.

mod about;
mod canaries;
mod controllers;
mod course;
mod groups;
mod held;
mod images;
mod kserve;
mod member;
mod nodes;
mod rollouts;
mod routes;

pub(super) use held::{Guard, as_sent, shown};
pub(super) use images::{places, runs};
pub(super) use nodes::leaves;
pub(super) use rollouts::moved_on;
pub(super) use routes::has_weights;

use super::{revision::Revision, workers};
use crate::facts;
pub(super) use about::About;
use pilothouse_wire::{
    Code, Problem,
    plan::{Affected, Deed, Expectation, Intent, Risk, Share},
    view::delivery::Keeper,
};
use serde_json::Value;
use std::time::Duration;

/// The most that a weight may be, by the Gateway API and by KServe.
const HEAVIEST: u32 = 1_000_000;
/// How long a field takes that a controller only has to see, and a pod to be gone beyond its grace.
const SOON: Duration = Duration::from_secs(30);
/// How long pods may take to be ready, where the object names no time.
const ROLLOUT: Duration = Duration::from_secs(600);

/// What is to be sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    pub title: String,
    pub steps: Vec<Part>,
    pub traffic: Vec<Share>,
    pub affected: Affected,
    pub risk: (Risk, String),
    pub warnings: Vec<String>,
    pub success: Expectation,
    pub undo: Option<Deed>,
}

/// One thing that is to be sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub words: String,
    pub to: Target,
    pub body: Body,
    pub guards: Vec<Guard>,
}

/// Where it is sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    /// The object.
    Object,
    /// What its controller says of it.
    Status,
    /// The workload whose template a Rollout takes.
    Template,
    /// A pod of a node, to be evicted: namespace and name.
    Pod(String, String),
    /// A pod itself, likewise.
    Itself(String, String),
}

/// What is sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    /// A JSON patch, behind its guards.
    Patch(Vec<Value>),
    /// A merge patch: what stops something needs no guard, and takes nothing away that came meanwhile.
    Merge(Value),
    /// The object is to go, if it is the one of this `metadata.uid`.
    Delete(String),
    /// The object of this `metadata.uid` is to go, and its pods with it.
    DeleteWithPods(String),
    /// The pod of this `metadata.uid` is to go, where its disruption budget allows it.
    Evict(String),
}

impl Part {
    /// One that changes a field.
    fn patch(words: impl Into<String>, guards: Vec<Guard>, put: Value) -> Self {
        Self { words: words.into(), to: Target::Object, body: Body::Patch(vec![put]), guards }
    }

    fn of(mut self, to: Target) -> Self {
        self.to = to;
        self
    }
}

/// What a plan is made from.
#[derive(Clone, Copy)]
pub(super) struct Present<'a> {
    /// The object as its server has it.
    pub object: &'a Value,
    /// The workload whose template a Rollout takes, where it takes another's.
    pub template: Option<&'a Value>,
    /// The revisions that are kept of it, the newest first.
    pub revisions: &'a [Revision],
    /// Autoscalers that keep its number of pods.
    pub autoscalers: &'a [String],
    /// Pods of a node.
    pub pods: &'a [Value],
    /// What is to be known of backends that get traffic.
    pub backends: &'a [String],
    /// Who keeps it out of a repository, where that was found out in full.
    pub keeper: Option<&'a str>,
    /// The time, as RFC 3339.
    pub now: &'a str,
}

/// Makes the draft.
///
/// # Errors
/// If it cannot be done to such an object, or is so already.
pub(super) fn draft(intent: &Intent, present: &Present<'_>) -> Result<Draft, Problem> {
    let about = About::new(intent, present);
    let drafted = match &intent.deed {
        Deed::Scale(to) => controllers::scale(&about, *to, present.autoscalers),
        Deed::Restart if about.is_rollout() => rollouts::restart(&about, present.now),
        Deed::Restart => controllers::restart(&about, present.now),
        Deed::Pause => controllers::pause(&about),
        Deed::Resume if about.is_rollout() && !controllers::is_paused(&about) => {
            rollouts::promote(&about, present.revisions)
        }
        Deed::Resume => controllers::resume(&about).map(|draft| rollouts::resume(&about, present.revisions, draft)),
        Deed::Promote | Deed::PromoteFully if about.is_served() => kserve::promote(&about),
        Deed::Abort if about.is_served() => kserve::abort(&about),
        Deed::Undo(_) if about.is_served() => kserve::undo(&about),
        Deed::Canary(to) => kserve::canary(&about, *to),
        Deed::MemberWeight(to) => member::weigh(&about, *to),
        Deed::Stop => kserve::stop(&about),
        Deed::Start => kserve::start(&about),
        Deed::SetModel(uri) => kserve::set_model(&about, uri),
        Deed::Promote => rollouts::promote(&about, present.revisions),
        Deed::PromoteFully => rollouts::promote_fully(&about, present.revisions),
        Deed::Abort => rollouts::abort(&about, present.revisions),
        Deed::Retry => rollouts::retry(&about, present.revisions),
        Deed::Terminate => rollouts::terminate(&about),
        Deed::Undo(to) => controllers::undo(&about, *to, present.revisions),
        Deed::SetImage { container, image } => images::set(&about, container, image, present.revisions),
        Deed::Cordon => nodes::cordon(&about),
        Deed::Uncordon => nodes::uncordon(&about),
        Deed::Drain => nodes::drain(&about, present.pods),
        Deed::Delete => nodes::delete(&about),
        Deed::BeginWorkers { at, said } => workers::begin(&about, *at, *said, present.pods),
        Deed::EndWorkers => workers::end(&about),
        Deed::SetWeights { rule, mark, weights } => {
            routes::weigh(&about, (*rule, mark.as_deref()), weights, present.backends)
        }
        Deed::SetAlias { .. }
        | Deed::RemoveAlias(_)
        | Deed::SetTag { .. }
        | Deed::RemoveTag { .. }
        | Deed::Silence { .. }
        | Deed::Unsilence
        | Deed::RunWorkers(_) => {
            let what = format!("Nothing in a cluster can be done to {} by \"{}\".", about.name, intent.deed.word());
            return Err(Problem::new(Code::NotOffered, what));
        }
    };
    drafted.map(|mut draft| {
        draft.warnings.extend(present.keeper.map(str::to_owned).or_else(|| owner(present.object)));
        draft
    })
}

/// Who applies the object out of a repository, and would take back what is done here. Sources: the tracking marks of
/// [Argo CD](https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/) and the labels of
/// [Flux](https://fluxcd.io/flux/components/).
fn owner(object: &Value) -> Option<String> {
    let who = match facts::guard_of(object)?.by {
        Keeper::ArgoCd => "Argo CD",
        Keeper::FluxKustomization | Keeper::FluxRelease => "Flux",
        _ => return None,
    };
    Some(format!(
        "{who} applies this object out of a repository and may take this back. Better: change it there, or suspend the syncing first."
    ))
}

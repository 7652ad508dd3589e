//! What a person wants done to an object of a connection: planned, shown, confirmed, sent, verified.
//!
//! A plan is made by reading alone. It is confirmed by its digest: one confirms what one saw.

mod command;
mod session;
mod workers;

pub use session::{CutAction, Hold};
pub use workers::WorkersWanted;

use crate::{
    ObjectRef, Problem, SmolStr, Stamp,
    keyed::{Keyed, Row},
    units::count,
    view::delivery::percent,
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// What is wanted of which object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Intent {
    /// The object.
    pub object: ObjectRef,
    /// What is to be done.
    pub deed: Deed,
}

/// What can be done to an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Deed {
    /// A controller of pods is to have so many.
    Scale(u32),
    /// A controller is to make its pods anew, a few at a time.
    Restart,
    /// A Deployment or a Rollout is to change no pods for now.
    Pause,
    /// A Deployment or a Rollout is to go on.
    Resume,
    /// A Rollout is to go on behind the step at which it is; an InferenceService is to give its newest revision all traffic.
    Promote,
    /// A Rollout is to give all traffic to its newest revision, without the steps that are left.
    PromoteFully,
    /// A Rollout or an InferenceService is to give all traffic back to its stable revision.
    Abort,
    /// A Rollout that was aborted is to try its newest revision again.
    Retry,
    /// An analysis or an experiment is to end.
    Terminate,
    /// A controller is to go back to a revision; to the one before, if none is named.
    Undo(Option<u64>),
    /// A container of a controller's pods is to run this image.
    SetImage {
        /// The container.
        container: SmolStr,
        /// The image.
        image: SmolStr,
    },
    /// A node is to get no more pods.
    Cordon,
    /// A node is to get pods again.
    Uncordon,
    /// A node is to get no more pods, and to lose those that it has.
    Drain,
    /// A pod is to end: its controller makes another.
    Delete,
    /// An alias of a registered model is to lead to a version.
    SetAlias {
        /// The alias.
        alias: SmolStr,
        /// The version.
        version: u64,
    },
    /// An alias of a registered model is to lead nowhere.
    RemoveAlias(SmolStr),
    /// A registered model, or one of its versions, is to have a tag.
    SetTag {
        /// The version; the model itself without.
        version: Option<u64>,
        /// The tag.
        key: SmolStr,
        /// Its value.
        value: SmolStr,
    },
    /// A registered model, or one of its versions, is to lose a tag.
    RemoveTag {
        /// The version; the model itself without.
        version: Option<u64>,
        /// The tag.
        key: SmolStr,
    },
    /// Nobody is to be told of an alert for a while.
    Silence {
        /// For so long.
        long: Duration,
        /// Why, as others read it at the silence.
        comment: Option<SmolStr>,
    },
    /// What keeps people from being told of an alert is to end, where it is about this alert alone.
    Unsilence,
    /// The newest revision of a service is to get this share of its traffic, in percent.
    Canary(u32),
    /// A service is to have no pods, and to keep its settings.
    Stop,
    /// A service that was stopped is to have its pods again.
    Start,
    /// A service is to serve the model at this address.
    SetModel(SmolStr),
    /// Backends of a route's rule are to have these weights; the others keep theirs.
    SetWeights {
        /// The rule, from 0; the only one that has these backends, if none is named.
        rule: Option<u32>,
        /// By what the rule is known, wherever it stands by now: a digest of what it is for and of its backends, without their
        /// weights. Where it is given, `rule` only says where it stood. Books of before have none.
        #[serde(default)]
        mark: Option<SmolStr>,
        /// Backends by their names, and their weights.
        weights: Vec<(SmolStr, u32)>,
    },
    /// A member of a routing group is to have this weight, beside those of the other members.
    MemberWeight(u32),
    /// Workers of a benchmark are to run: a Job of this name is to be made.
    RunWorkers(Box<WorkersWanted>),
    /// Workers that wait are to begin together.
    BeginWorkers {
        /// When, each by its own clock.
        at: Stamp,
        /// When that was said, by ours.
        said: Stamp,
    },
    /// Workers are to end, and their Job is to go.
    EndWorkers,
}

impl Deed {
    /// The word for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Scale(_) => "scale",
            Self::Restart => "restart",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Promote => "promote",
            Self::PromoteFully => "promote fully",
            Self::Abort => "abort",
            Self::Retry => "retry",
            Self::Terminate => "terminate",
            Self::Undo(_) => "undo",
            Self::SetImage { .. } => "set image",
            Self::Cordon => "cordon",
            Self::Uncordon => "uncordon",
            Self::Drain => "drain",
            Self::Delete => "delete",
            Self::SetAlias { .. } => "set alias",
            Self::RemoveAlias(_) => "remove alias",
            Self::SetTag { .. } => "set tag",
            Self::RemoveTag { .. } => "remove tag",
            Self::Silence { .. } => "silence",
            Self::Unsilence => "unsilence",
            Self::Canary(_) => "canary",
            Self::Stop => "stop",
            Self::Start => "start",
            Self::SetModel(_) => "set model",
            Self::SetWeights { .. } => "weight",
            Self::MemberWeight(_) => "member weight",
            Self::RunWorkers(_) => "run workers",
            Self::BeginWorkers { .. } => "begin workers",
            Self::EndWorkers => "end workers",
        }
    }
}

/// What would be done, and what is known before it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What is wanted.
    pub intent: Intent,
    /// It as a sentence: "Scale Deployment serving/chat from 4 to 6 pods".
    pub title: String,
    /// When the present state was read.
    pub made: Stamp,
    /// What is sent, in order.
    pub steps: Vec<Step>,
    /// The fields of the object that would be others; the first ones.
    pub changes: Vec<FieldChange>,
    /// How many more there are.
    pub more_changes: u32,
    /// How traffic is split, and how it would be; empty where the object splits none.
    pub traffic: Vec<Share>,
    /// Whom it concerns.
    pub affected: Affected,
    /// How much can go wrong.
    pub risk: Risk,
    /// Why so much.
    pub risk_why: String,
    /// What a person should know before.
    pub warnings: Vec<String>,
    /// What success will look like.
    pub success: Expectation,
    /// What would undo it.
    pub undo: Option<Intent>,
    /// The name that has to be typed to confirm it.
    pub type_name: Option<SmolStr>,
    /// Why it cannot be confirmed.
    pub blocked: Vec<Problem>,
}

/// One thing that is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// In words.
    pub words: String,
    /// What is sent.
    pub request: Request,
    /// The fields that have to be as they were read, or else nothing is done: path and value.
    pub guards: Vec<(String, String)>,
    /// May we?
    pub permission: Permission,
    /// What the server said when it was asked to try.
    pub dry_run: DryRun,
}

/// A request to a server, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The method: `PATCH`, `DELETE`, `POST`.
    pub method: SmolStr,
    /// The path on the server.
    pub path: String,
    /// The type of its body.
    pub media: SmolStr,
    /// Its body; empty in what is shown, since a template has values that are not for everybody's eyes.
    pub body: String,
}

/// What a review of our rights said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Permission {
    /// Yes.
    Granted,
    /// No: what is missing, and what would give it.
    Denied(Box<Problem>),
    /// Nobody can say.
    Unknown(String),
}

/// What the server said when it was asked to try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DryRun {
    /// It would do it.
    Passed,
    /// It would not, in its own words.
    Refused(Box<Problem>),
    /// It was not asked, and why.
    NotTried(String),
}

/// A field that would be another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Its path: `/spec/replicas`.
    pub path: String,
    /// What is there; `None` where nothing is.
    pub from: Option<String>,
    /// What would be there.
    pub to: Option<String>,
}

/// The share of the traffic that a revision or a backend gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Whose: "revision 4, canary".
    pub of: String,
    /// How much it gets.
    pub now: Portion,
    /// How much it would get: where the deed alone leads to, before any further step.
    pub then: Portion,
}

impl Share {
    /// A share that is known in percent.
    #[must_use]
    pub fn in_percent(of: impl Into<String>, now: u32, then: u32) -> Self {
        let [now, then] = [now, then].map(|part| Portion { part, whole: 100 });
        Self { of: of.into(), now, then }
    }

    /// Now and then: `10 % → 50 %`.
    #[must_use]
    pub fn words(&self) -> String {
        let [now, then] = [self.now, self.then].map(|portion| percent(portion.part, portion.whole));
        format!("{now} → {then}")
    }
}

/// A weight, and what it is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Portion {
    /// The weight.
    pub part: u32,
    /// All weights together.
    pub whole: u64,
}

/// Whom it concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// Pods that begin, end or are made anew.
    pub pods: u32,
    /// GPUs that these ask for.
    pub gpus: u64,
    /// Which revisions get more or fewer pods, where it is not about all pods of an object. Books of before have none.
    #[serde(default)]
    pub revisions: Vec<Resized>,
}

impl Affected {
    /// So many pods of one object, with so many GPUs.
    #[must_use]
    pub fn new(pods: u32, gpus: u64) -> Self {
        Self { pods, gpus, revisions: Vec::new() }
    }
}

/// A revision with another number of pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resized {
    /// Which: "revision 4, newest".
    pub of: String,
    /// Pods that it has.
    pub now: u32,
    /// Pods that it would have: where the deed alone leads to, before any further step.
    pub then: u32,
}

impl Resized {
    /// Now and then: `1 → 3 pods`.
    #[must_use]
    pub fn words(&self) -> String {
        let pods = if self.then == 1 { "pod" } else { "pods" };
        format!("{} → {} {pods}", count(u64::from(self.now)), count(u64::from(self.then)))
    }
}

/// How much can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Risk {
    /// Nothing that runs is touched.
    Low,
    /// Some of what runs is touched, or for a while.
    Medium,
    /// All of it is, or there is no way back.
    High,
}

impl Risk {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What success will look like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// In words: "6 of 6 pods ready".
    pub words: String,
    /// How long it is waited for.
    pub within: Duration,
}

/// A plan, and by what it is confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// Over the whole plan.
    pub digest: Digest,
    /// The plan.
    pub plan: Plan,
}

/// By what a plan is named: only the session that made it can make it, and it says nothing of what is in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A person confirms a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The plan that was shown.
    pub digest: Digest,
    /// The name that was typed, where one has to be.
    pub typed: Option<String>,
}

/// What was done since the engine began, and what is being done; the newest last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActionsView {
    /// Each action.
    pub actions: Keyed<Action>,
}

/// A plan that was confirmed, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Its number in the audit book.
    pub id: u64,
    /// The plan.
    pub plan: Plan,
    /// By what it was confirmed.
    pub digest: Digest,
    /// When it was confirmed.
    pub begun: Stamp,
    /// Steps that the server accepted.
    pub sent: u32,
    /// What became of it.
    pub state: ActionState,
    /// Why the audit book is not signed up to its end; nothing while it is under way, or where it is.
    pub unsigned: Option<Box<Problem>>,
    /// When that was.
    pub at: Stamp,
}

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActionState {
    /// It is being sent: what it waits for, or nothing.
    Sending(String),
    /// All is sent; what success looks like is not seen yet, but this is.
    Verifying(String),
    /// Success was seen: what.
    Verified(String),
    /// All was sent, and success was not seen: why.
    Unverified(String),
    /// Nothing was changed, and why.
    Refused(Box<Problem>),
    /// Some steps were sent and one was not, and why.
    Partly(Box<Problem>),
    /// Nobody can say whether the last step was done: the answer was lost.
    Unknown(Box<Problem>),
}

impl ActionState {
    /// Is there nothing more to come?
    #[must_use]
    pub fn is_over(&self) -> bool {
        !matches!(self, Self::Sending(_) | Self::Verifying(_))
    }

    /// The word for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Sending(_) => "being sent",
            Self::Verifying(_) => "sent, being verified",
            Self::Verified(_) => "verified",
            Self::Unverified(_) => "unverified",
            Self::Refused(_) => "not done",
            Self::Partly(_) => "partly done",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl Row for Action {
    type Key = u64;

    fn key(&self) -> &u64 {
        &self.id
    }
}

/// May anything be done through a connection?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// A person switched it on: without, a connection is read alone.
    pub operate: bool,
    /// It is what users depend on: the name has to be typed.
    pub production: bool,
}

//! Can a service go back to an earlier revision: what its server keeps of that, what was checked, and how it was graded.
//!
//! A connector reads what is kept ([`Kept`]); what follows from it beside the fleet and the registries is a [`WayBack`].

mod traffic;

pub use traffic::{Answers, Backend, KeptTraffic, Mover, SetBy};

use crate::{Code, ObjectRef, Problem, SmolStr, Stamp, plan::Deed, units};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Whether a service can go back, as of a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WayBack {
    /// The service.
    pub object: ObjectRef,
    /// The revision that runs, where its server keeps it.
    pub from: Option<u64>,
    /// The revision that is gone back to, where there is one.
    pub to: Option<u64>,
    /// What is gone back to where that is no revision, in words: `chat-stable 90 %, chat-canary 10 %`.
    pub aim: Option<String>,
    /// What takes it back.
    pub deed: Deed,
    /// What follows from the checks.
    pub grade: Grade,
    /// What was checked.
    pub checks: Vec<Check>,
    /// How long it should take.
    pub took: Took,
    /// When it was checked.
    pub checked_at: Stamp,
}

impl WayBack {
    /// What is gone back to, in words; nothing where nobody knows, and so nothing can be taken.
    #[must_use]
    pub fn goal(&self) -> Option<String> {
        self.to.map(|to| format!("revision {to}")).or_else(|| self.aim.clone())
    }

    /// Why it is closed: all that fails of what it needs. Nothing where nothing fails.
    #[must_use]
    pub fn closed(&self) -> Option<Problem> {
        let fails = self.checks.iter().filter(|check| check.state == CheckState::Fails);
        let why: Vec<String> = fails.map(|check| format!("{}: {}", check.what, check.words)).collect();
        let what = format!("{} {} cannot go back as it is.", self.object.kind_word(), self.object.name());
        (self.grade == Grade::NotPossible).then(|| Problem::new(Code::NotFound, what).why(why.join(" ")))
    }
}

/// How it stands with a way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Grade {
    /// All of what it needs is there, and there is room.
    Ready,
    /// It can be gone, and not at once: an image is fetched first, or pods end before others can begin.
    Slow,
    /// Something that it needs is not there: it would be begun, and not end.
    NotPossible,
    /// Something that it needs could not be looked at.
    Unknown,
}

impl Grade {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Slow => "slow",
            Self::NotPossible => "not possible",
            Self::Unknown => "unknown",
        }
    }

    /// What follows from the checks: nothing is possible where one fails, nothing known where one is not.
    #[must_use]
    pub fn of(checks: &[Check]) -> Self {
        let any = |state: CheckState| checks.iter().any(|check| check.state == state);
        if any(CheckState::Fails) {
            Self::NotPossible
        } else if checks.is_empty() || any(CheckState::Unknown) {
            Self::Unknown
        } else if any(CheckState::Slow) {
            Self::Slow
        } else {
            Self::Ready
        }
    }
}

/// One thing that a way back needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What: `Revision`, `Image engine`, `Secret hf-token`.
    pub what: SmolStr,
    /// How it is.
    pub state: CheckState,
    /// The same as a sentence.
    pub words: String,
    /// How that is known.
    pub evidence: String,
}

/// How something is that a way back needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CheckState {
    /// It is not there.
    Fails,
    /// It could not be looked at.
    Unknown,
    /// It is there, and takes its time.
    Slow,
    /// It is there.
    Holds,
    /// It is not needed now, however it is: no pod has to start.
    Moot,
}

impl CheckState {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fails => "fails",
            Self::Unknown => "unknown",
            Self::Slow => "slow",
            Self::Holds => "holds",
            Self::Moot => "moot",
        }
    }
}

/// How long a way back should take, by what earlier changes of the same service took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Took {
    /// Between these, in milliseconds.
    Between {
        /// The least.
        least_ms: u64,
        /// The most.
        most_ms: u64,
        /// How that is known: "3 changes that were seen".
        evidence: String,
    },
    /// Nobody can tell: why, as a sentence.
    Unknown(String),
}

impl Took {
    /// In words: `4 s … 9 s`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Unknown(why) => format!("unknown: {why}"),
            Self::Between { least_ms, most_ms, evidence } => {
                let [least, most] = [least_ms, most_ms].map(|ms| units::age(Duration::from_millis(*ms)));
                let range = if least == most { format!("about {least}") } else { format!("{least} … {most}") };
                format!("{range}, by {evidence}")
            }
        }
    }
}

/// What is asked of a server about a way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackQuery {
    /// The service.
    pub object: ObjectRef,
    /// To this revision; to the one before, if none is named.
    pub to: Option<u64>,
    /// Nodes on which its pods are: what images they have.
    pub nodes: Vec<SmolStr>,
}

/// What a server keeps of a service and of the revision that it would go back to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The revision that runs, where it is kept.
    pub from: Option<u64>,
    /// What takes the service back.
    pub deed: Deed,
    /// The revision that is gone back to, or why there is none.
    pub then: Result<Box<Then>, Problem>,
    /// Pods that are wanted; groups, where pods stand in groups.
    pub wanted: u64,
    /// The GPUs that a pod of the revision that runs asks for; of a group its leader.
    pub gpus: u64,
    /// Workers beside the leader of a group of the revision that runs, and the GPUs that each asks for; none where pods
    /// stand alone.
    pub workers: Option<(u64, u64)>,
    /// How pods are replaced.
    pub replaces: Replaces,
    /// Is it paused by a person: nothing would reach its pods?
    pub paused: bool,
    /// What it waits for on its way, as a sentence: steps of its strategy, a person. Nothing, where it goes straight.
    pub stops: Option<String>,
    /// From when to when its last change took, where its server keeps both.
    pub last: Option<(Stamp, Stamp)>,
    /// What there is of it where it has no pods of its own, and moves traffic alone.
    pub traffic: Option<Box<KeptTraffic>>,
}

/// How a controller replaces pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Replaces {
    /// A few at a time.
    Rolling {
        /// So many pods may be there beyond those that are wanted.
        surge: u64,
        /// So many of them may be missing.
        unavailable: u64,
    },
    /// A pod, or a group, ends, and another of its name comes in its place.
    InPlace {
        /// Those of a lower number keep the revision that they have.
        partition: u64,
    },
    /// All end, then all come.
    AllAtOnce,
    /// A pod is replaced when somebody deletes it.
    OnDelete,
    /// A whole set comes beside the one that serves.
    BesideIt,
}

/// A revision that is kept, and what its pods need.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Then {
    /// Its number.
    pub number: u64,
    /// As what it is kept: `ReplicaSet`, `ControllerRevision`.
    pub kind: SmolStr,
    /// The name of that.
    pub name: SmolStr,
    /// Pods of it that are ready.
    pub there: u64,
    /// The images of its containers.
    pub images: Vec<ThenImage>,
    /// What nodes have of images, for those that were asked for and could be read.
    pub nodes: Vec<NodeImages>,
    /// Nodes that hold its pods, whether their images were looked at or not.
    pub nodes_in_all: u64,
    /// Objects that its pods name.
    pub named: Vec<NamedObject>,
    /// Addresses of registered models that its containers are started with, each with where it stands.
    pub models: Vec<(String, SmolStr)>,
    /// GPUs that one of its pods asks for, by vendor key; of a group its leader.
    pub gpus: Vec<(SmolStr, u64)>,
    /// Where its pods may be placed.
    pub placed: Placed,
    /// The workers of a group, all of which come and end with their leader; none where pods stand alone.
    pub workers: Option<Workers>,
    /// The API that its controller is of, and whether that is still served.
    pub api: (SmolStr, Known),
}

impl Then {
    /// All GPUs that one of its pods asks for; of a group its leader.
    #[must_use]
    pub fn gpus_of_a_pod(&self) -> u64 {
        all_of(&self.gpus)
    }

    /// All GPUs of what comes and ends as one: of a pod, or of a group with all its workers.
    #[must_use]
    pub fn gpus_of_one(&self) -> u64 {
        let workers = self.workers.as_ref().map_or(0, |workers| workers.pods.saturating_mul(workers.gpus_of_a_pod()));
        self.gpus_of_a_pod().saturating_add(workers)
    }
}

/// The workers of a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Workers {
    /// How many stand beside a leader.
    pub pods: u64,
    /// GPUs that each asks for, by vendor key.
    pub gpus: Vec<(SmolStr, u64)>,
    /// Where they may be placed.
    pub placed: Placed,
}

impl Workers {
    /// All GPUs that one of them asks for.
    #[must_use]
    pub fn gpus_of_a_pod(&self) -> u64 {
        all_of(&self.gpus)
    }
}

fn all_of(gpus: &[(SmolStr, u64)]) -> u64 {
    gpus.iter().fold(0, |sum, (_, gpus)| sum.saturating_add(*gpus))
}

/// An image of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThenImage {
    /// The container.
    pub container: SmolStr,
    /// The image.
    pub image: SmolStr,
    /// Does a node ask the registry though it has the image?
    pub always_pulled: bool,
}

/// The images that a node has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeImages {
    /// The node.
    pub node: SmolStr,
    /// Each image with its names: by tag, by digest.
    pub images: Vec<Vec<SmolStr>>,
    /// Does the node tell of all that it has? A kubelet tells of the largest ones only.
    pub whole: bool,
}

/// An object that pods name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamedObject {
    /// Its kind: `ConfigMap`, `Secret`, `ServiceAccount`, `PersistentVolumeClaim`.
    pub kind: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// Where it is named: "volume tokens".
    pub by: String,
    /// What comes of it where it is not there.
    pub without: Without,
    /// Is it there?
    pub there: Known,
}

/// What comes of an object that pods name and that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Without {
    /// Pods do not start.
    NoStart,
    /// Images are pulled without it, which may be refused.
    PerhapsNoImage,
    /// Nothing: it is optional.
    Nothing,
}

/// Is something so?
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Known {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Nobody looked.
    #[default]
    NotAsked,
    /// It could not be looked at.
    Unknown(Box<Problem>),
}

/// Where pods may be placed, as far as it is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// Only on these nodes; anywhere, where there are none named.
    pub on: Option<Vec<SmolStr>>,
    /// Which taints they tolerate.
    pub tolerates: Vec<Toleration>,
    /// What else says where they may be, and is not read: "required node affinity".
    pub unread: Vec<SmolStr>,
}

/// A toleration. What is not named is every one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toleration {
    /// Taints of this key.
    pub key: Option<SmolStr>,
    /// With this value.
    pub value: Option<SmolStr>,
    /// Of this effect.
    pub effect: Option<SmolStr>,
}

impl Toleration {
    /// Does it tolerate a taint, written as `key=value:Effect`?
    #[must_use]
    pub fn tolerates(&self, taint: &str) -> bool {
        let (rest, effect) = taint.rsplit_once(':').unwrap_or((taint, ""));
        let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
        let is = |own: &Option<SmolStr>, it: &str| own.as_ref().is_none_or(|own| own == it);
        is(&self.key, key) && is(&self.value, value) && is(&self.effect, effect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn graded(states: &[CheckState], want: Grade) {
        let check = |state: &CheckState| Check {
            what: "x".into(),
            state: *state,
            words: String::new(),
            evidence: String::new(),
        };
        assert_eq!(Grade::of(&states.iter().map(check).collect::<Vec<_>>()), want, "{states:?}");
    }

    #[test]
    fn the_worst_check_decides_and_no_check_is_no_pass() {
        use CheckState::{Fails, Holds, Moot, Slow, Unknown};
        graded(&[], Grade::Unknown);
        graded(&[Holds, Moot], Grade::Ready);
        graded(&[Holds, Holds], Grade::Ready);
        graded(&[Holds, Slow], Grade::Slow);
        graded(&[Slow, Unknown, Holds], Grade::Unknown);
        graded(&[Unknown, Fails, Slow], Grade::NotPossible);
    }

    #[test]
    fn only_what_is_not_possible_is_closed_and_by_what_fails() {
        let check = |what: &str, state, words: &str| Check {
            what: what.into(),
            state,
            words: words.to_owned(),
            evidence: String::new(),
        };
        let way = |grade, checks| WayBack {
            object: "workload:iad/serving/Deployment/chat".parse().unwrap(),
            from: Some(3),
            to: Some(2),
            aim: None,
            deed: Deed::Undo(Some(2)),
            grade,
            checks,
            took: Took::Unknown(String::new()),
            checked_at: Stamp(0),
        };
        let holds = check("API", CheckState::Holds, "It is served.");
        let fails = check("Secret hf-token", CheckState::Fails, "It is not there.");
        let not = way(Grade::NotPossible, vec![holds.clone(), fails]);
        let closed = not.closed().unwrap();
        assert_eq!(closed.what, "Deployment chat cannot go back as it is.");
        assert_eq!(closed.why.as_deref(), Some("Secret hf-token: It is not there."));
        assert_eq!(way(Grade::Ready, vec![holds.clone()]).closed(), None);
        assert_eq!(way(Grade::Unknown, vec![check("Image", CheckState::Unknown, "Nobody looked.")]).closed(), None);
        assert_eq!(not.goal().as_deref(), Some("revision 2"));
        let aim = Some("chat-stable 90 %".to_owned());
        assert_eq!(WayBack { to: None, aim: aim.clone(), ..not.clone() }.goal(), aim);
        assert_eq!(WayBack { to: None, ..not }.goal(), None);
    }

    #[test]
    fn a_taint_is_tolerated_by_key_value_and_effect() {
        let of = |key: Option<&str>, value: Option<&str>, effect: Option<&str>| Toleration {
            key: key.map(SmolStr::new),
            value: value.map(SmolStr::new),
            effect: effect.map(SmolStr::new),
        };
        let taint = "nvidia.com/gpu=present:NoSchedule";
        for (toleration, want) in [
            (of(None, None, None), true),
            (of(Some("nvidia.com/gpu"), None, None), true),
            (of(Some("nvidia.com/gpu"), Some("present"), Some("NoSchedule")), true),
            (of(Some("nvidia.com/gpu"), Some("absent"), None), false),
            (of(Some("nvidia.com/gpu"), None, Some("NoExecute")), false),
            (of(Some("team"), None, None), false),
        ] {
            assert_eq!(toleration.tolerates(taint), want, "{toleration:?}");
        }
    }

    #[test]
    fn a_time_is_a_range_with_what_it_rests_on() {
        let took = |least_ms, most_ms| Took::Between { least_ms, most_ms, evidence: "2 changes".to_owned() };
        assert_eq!(took(4_000, 9_000).words(), "4 s … 9 s, by 2 changes");
        assert_eq!(took(4_000, 4_100).words(), "about 4 s, by 2 changes");
        assert_eq!(Took::Unknown("nobody looked".into()).words(), "unknown: nobody looked");
    }
}

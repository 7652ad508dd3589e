//! What may be typed behind `act` and `audit`.

use crate::args::SourceArgs;
use clap::{Args, Subcommand};
use pilothouse_wire::{SmolStr, plan::Deed, units};
use std::{path::PathBuf, time::Duration};

/// Of what is done to objects.
#[derive(Args, Debug)]
pub struct ActArgs {
    /// The command.
    #[command(subcommand)]
    pub verb: ActVerb,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum ActVerb {
    /// Give a controller another number of pods
    Scale {
        #[command(flatten)]
        object: OneObject,
        /// How many
        #[arg(long, value_name = "PODS")]
        to: u32,
    },
    /// Make the pods of a controller anew, a few at a time
    Restart(OneObject),
    /// Let a Deployment or a Rollout change no pods for now
    Pause(OneObject),
    /// Let a Deployment or a Rollout that is paused go on
    Resume(OneObject),
    /// Let a Rollout go on behind the step at which it waits, or an InferenceService give its newest revision all traffic
    Promote {
        #[command(flatten)]
        object: OneObject,
        /// All the way: without the steps, pauses and analyses that are left
        #[arg(long)]
        full: bool,
    },
    /// Give all traffic of a Rollout, or of an InferenceService, back to its stable revision
    Abort(OneObject),
    /// Let a Rollout that was aborted try its newest revision again
    Retry(OneObject),
    /// End an AnalysisRun or an Experiment
    Terminate(OneObject),
    /// Take a controller back to an earlier revision
    Undo {
        #[command(flatten)]
        object: OneObject,
        /// The revision [default: the one before]
        #[arg(long, value_name = "REVISION")]
        to: Option<u64>,
    },
    /// Let a container of a controller's pods run another image
    SetImage {
        #[command(flatten)]
        object: OneObject,
        /// The container
        #[arg(long, value_name = "NAME")]
        container: String,
        /// The image
        #[arg(long, value_name = "IMAGE")]
        image: String,
    },
    /// Give the newest revision of an InferenceService a share of its traffic, or the canary beside it a share of its pods
    Canary {
        #[command(flatten)]
        object: OneObject,
        /// The share, in percent
        #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
        to: u32,
    },
    /// Give an LLMInferenceService a weight among the members of its routing group
    MemberWeight {
        #[command(flatten)]
        object: OneObject,
        /// The weight, in proportion to those of the other members; 0 sends it nothing
        #[arg(long, value_name = "WEIGHT", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
        to: u32,
    },
    /// Let a service of KServe have no pods, and keep its settings
    Stop(OneObject),
    /// Let a service of KServe that was stopped have its pods again
    Start(OneObject),
    /// Let a service of KServe serve another model
    SetModel {
        #[command(flatten)]
        object: OneObject,
        /// Its address: s3://bucket/folder, hf://org/name
        #[arg(long, value_name = "ADDRESS")]
        uri: String,
    },
    /// Give backends of a route, an HTTPRoute or an InferenceModelRewrite, other weights
    Weight {
        #[command(flatten)]
        object: OneObject,
        /// A backend and its weight; once for each that changes
        #[arg(long, value_name = "BACKEND=WEIGHT", required = true, value_parser = backend)]
        to: Vec<(String, u32)>,
        /// The rule, counted from 1, with the mark behind an @ by which a plan knows it wherever it stands by then [default: the
        /// only one that has these backends]
        #[arg(long, value_name = "NUMBER[@MARK]", value_parser = rule)]
        rule: Option<RuleNamed>,
    },
    /// Let no more pods come to a node
    Cordon(OneNode),
    /// Let pods come to a node again
    Uncordon(OneNode),
    /// Let no more pods come to a node, and evict those that it has, as their disruption budgets allow it
    Drain(OneNode),
    /// End a pod: its controller makes another
    Delete(OnePod),
    /// End the workers of a benchmark: their Job goes, with its pods and their logs
    EndWorkers(OneJob),
    /// Let an alias of a registered model lead to a version
    SetAlias {
        /// The model
        model: String,
        /// The alias
        alias: String,
        /// The version
        #[arg(long, value_name = "NUMBER")]
        version: u64,
        #[command(flatten)]
        how: How,
    },
    /// Take an alias of a registered model away
    RemoveAlias {
        /// The model
        model: String,
        /// The alias
        alias: String,
        #[command(flatten)]
        how: How,
    },
    /// Give a registered model, or one of its versions, a tag
    SetTag {
        #[command(flatten)]
        tag: OneTag,
        /// Its value
        #[arg(long, value_name = "TEXT")]
        value: String,
        #[command(flatten)]
        how: How,
    },
    /// Take a tag of a registered model, or of one of its versions, away
    RemoveTag {
        #[command(flatten)]
        tag: OneTag,
        #[command(flatten)]
        how: How,
    },
    /// Tell nobody of an alert for a while
    Silence {
        /// The alert: its name, or its fingerprint where several have the name
        alert: String,
        /// For how long: 30m, 2h, 1d
        #[arg(long = "for", value_name = "TIME", value_parser = units::span_typed)]
        long: Duration,
        /// Why, for others: it stands at the silence
        #[arg(long, value_name = "TEXT")]
        comment: Option<String>,
        #[command(flatten)]
        how: How,
    },
    /// Let people be told of an alert again that was silenced here
    Unsilence {
        /// The alert: its name, or its fingerprint where several have the name
        alert: String,
        #[command(flatten)]
        how: How,
    },
}

/// What something is done to, as it is named.
#[derive(Clone, Debug)]
pub enum Named {
    /// An object of a cluster.
    Object(Box<OneObject>),
    /// A registered model.
    Model(String),
    /// An alert, by its name or fingerprint.
    Alert(String),
}

/// A tag of a model.
#[derive(Args, Clone, Debug)]
pub struct OneTag {
    /// The model
    pub model: String,
    /// The tag
    pub key: String,
    /// The version [default: the model itself]
    #[arg(long, value_name = "NUMBER")]
    pub version: Option<u64>,
}

/// An object by its kind and name.
#[derive(Args, Clone, Debug)]
pub struct OneObject {
    /// The kind: plural, singular or short name, or NAME.GROUP
    pub kind: String,
    /// Its name
    pub name: String,
    /// Its namespace [default: the only one that has an object of this name]
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<String>,
    #[command(flatten)]
    pub how: How,
}

/// A node by its name.
#[derive(Args, Clone, Debug)]
pub struct OneNode {
    /// Its name
    pub name: String,
    #[command(flatten)]
    pub how: How,
}

/// A pod by its name.
#[derive(Args, Clone, Debug)]
pub struct OnePod {
    /// Its name
    pub name: String,
    /// Its namespace [default: the only one that has a pod of this name]
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<String>,
    #[command(flatten)]
    pub how: How,
}

/// A Job of workers by its name.
#[derive(Args, Clone, Debug)]
pub struct OneJob {
    /// Its name
    pub name: String,
    /// Its namespace [default: the only one that has a Job of this name]
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<String>,
    #[command(flatten)]
    pub how: How,
}

/// How it is confirmed and shown.
#[derive(Args, Clone, Debug)]
pub struct How {
    #[command(flatten)]
    pub source: SourceArgs,
    /// Show what would be done, and do nothing
    #[arg(long, conflicts_with = "yes")]
    pub plan: bool,
    /// Do it without asking
    #[arg(long)]
    pub yes: bool,
    /// Of a production connection: the name of the object, typed once more
    #[arg(long, value_name = "NAME")]
    pub typed: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// A deed, what it is done to, and how it is confirmed and shown.
#[derive(Clone, Debug)]
pub struct Meant {
    /// What it is done to.
    pub named: Named,
    /// The deed.
    pub deed: Deed,
    /// How.
    pub how: How,
}

impl ActVerb {
    /// What is meant.
    pub fn meant(&self) -> Meant {
        let object = |object: &OneObject, deed| Meant {
            how: object.how.clone(),
            named: Named::Object(Box::new(object.clone())),
            deed,
        };
        let model =
            |model: &str, how: &How, deed| Meant { named: Named::Model(model.to_owned()), deed, how: how.clone() };
        let alert =
            |alert: &str, how: &How, deed| Meant { named: Named::Alert(alert.to_owned()), deed, how: how.clone() };
        match self {
            Self::Scale { object: of, to } => object(of, Deed::Scale(*to)),
            Self::Restart(of) => object(of, Deed::Restart),
            Self::Pause(of) => object(of, Deed::Pause),
            Self::Resume(of) => object(of, Deed::Resume),
            Self::Promote { object: of, full } => object(of, if *full { Deed::PromoteFully } else { Deed::Promote }),
            Self::Abort(of) => object(of, Deed::Abort),
            Self::Retry(of) => object(of, Deed::Retry),
            Self::Terminate(of) => object(of, Deed::Terminate),
            Self::Undo { object: of, to } => object(of, Deed::Undo(*to)),
            Self::SetImage { object: of, container, image } => {
                object(of, Deed::SetImage { container: container.into(), image: image.into() })
            }
            Self::Canary { object: of, to } => object(of, Deed::Canary(*to)),
            Self::MemberWeight { object: of, to } => object(of, Deed::MemberWeight(*to)),
            Self::Stop(of) => object(of, Deed::Stop),
            Self::Start(of) => object(of, Deed::Start),
            Self::SetModel { object: of, uri } => object(of, Deed::SetModel(uri.into())),
            Self::Weight { object: of, to, rule } => {
                let weights = to.iter().map(|(name, weight)| (name.into(), *weight)).collect();
                let (rule, mark) = match rule.clone() {
                    Some(RuleNamed { place, mark }) => (Some(place), mark),
                    None => (None, None),
                };
                object(of, Deed::SetWeights { rule, mark, weights })
            }
            Self::Cordon(node) => object(&node.object(), Deed::Cordon),
            Self::Uncordon(node) => object(&node.object(), Deed::Uncordon),
            Self::Drain(node) => object(&node.object(), Deed::Drain),
            Self::Delete(pod) => {
                let OnePod { name, namespace, how } = pod.clone();
                object(&OneObject { kind: "pods".into(), name, namespace, how }, Deed::Delete)
            }
            Self::EndWorkers(job) => {
                let OneJob { name, namespace, how } = job.clone();
                object(&OneObject { kind: "jobs".into(), name, namespace, how }, Deed::EndWorkers)
            }
            Self::SetAlias { model: of, alias, version, how } => {
                model(of, how, Deed::SetAlias { alias: alias.into(), version: *version })
            }
            Self::RemoveAlias { model: of, alias, how } => model(of, how, Deed::RemoveAlias(alias.into())),
            Self::SetTag { tag, value, how } => {
                let OneTag { model: of, key, version } = tag;
                model(of, how, Deed::SetTag { version: *version, key: key.into(), value: value.into() })
            }
            Self::RemoveTag { tag, how } => {
                let OneTag { model: of, key, version } = tag;
                model(of, how, Deed::RemoveTag { version: *version, key: key.into() })
            }
            Self::Silence { alert: of, long, comment, how } => {
                let comment = comment.as_deref().map(Into::into);
                alert(of, how, Deed::Silence { long: *long, comment })
            }
            Self::Unsilence { alert: of, how } => alert(of, how, Deed::Unsilence),
        }
    }
}

/// A rule of a route, as a plan names it.
#[derive(Clone, Debug)]
pub struct RuleNamed {
    /// Where it stood, from 0.
    place: u32,
    /// By what it is known.
    mark: Option<SmolStr>,
}

/// A rule, counted from 1, and its mark where there is one: `2`, `2@0a1b2c3d4e5f`.
fn rule(text: &str) -> Result<RuleNamed, String> {
    let (number, mark) = match text.split_once('@') {
        Some((number, mark)) => (number, Some(mark)),
        None => (text, None),
    };
    let place = number.parse::<u32>().ok().and_then(|number| number.checked_sub(1));
    let is_mark = |mark: &str| !mark.is_empty() && mark.bytes().all(|byte| byte.is_ascii_hexdigit());
    match place.filter(|_| mark.is_none_or(is_mark)) {
        Some(place) => Ok(RuleNamed { place, mark: mark.map(SmolStr::new) }),
        None => Err("give a number from 1 on, such as 2, or a rule as a plan named it".to_owned()),
    }
}

/// A backend and its weight: `chat-canary=10`.
fn backend(text: &str) -> Result<(String, u32), String> {
    let pair = text.rsplit_once('=').and_then(|(name, weight)| Some((name.trim(), weight.trim().parse().ok()?)));
    let pair = pair.filter(|(name, _)| !name.is_empty());
    let wrong = || "give a backend and a whole number that is not below 0, such as chat-canary=10".to_owned();
    pair.map(|(name, weight)| (name.to_owned(), weight)).ok_or_else(wrong)
}

impl OneNode {
    fn object(&self) -> OneObject {
        let Self { name, how } = self.clone();
        OneObject { kind: "nodes".into(), name, namespace: None, how }
    }
}

/// Of the audit book.
#[derive(Args, Debug)]
pub struct AuditArgs {
    /// The command.
    #[command(subcommand)]
    pub verb: AuditVerb,
}

/// What can be done with the audit book.
#[derive(Debug, Subcommand)]
pub enum AuditVerb {
    /// What was done, by whom, and what became of it; the newest last
    List {
        /// So many entries at most
        #[arg(long, value_name = "ENTRIES", default_value_t = 50)]
        most: u64,
        /// As JSON, one entry a line
        #[arg(long)]
        json: bool,
    },
    /// Was anything altered or taken away? Reads all of it; ends with 3 where nobody can tell
    Verify,
    /// All of it as JSON, one entry a line
    Export {
        /// Into this file, which is not there yet
        file: PathBuf,
    },
    /// Take away an action that was cut in the middle, after looking what became of it
    Close {
        /// Its number
        action: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_stands_behind_its_backend() {
        assert_eq!(backend("chat-canary=10"), Ok(("chat-canary".to_owned(), 10)));
        assert_eq!(backend(" a = 0 "), Ok(("a".to_owned(), 0)));
        for text in ["", "chat", "=1", "chat=", "chat=-1", "chat=ten", "chat=99999999999"] {
            assert!(backend(text).is_err(), "{text}");
        }
    }
}

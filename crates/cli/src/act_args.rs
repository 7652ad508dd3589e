//! What may be typed behind `act` and `audit`.

use crate::args::SourceArgs;
use clap::{Args, Subcommand};
use pilothouse_wire::plan::Deed;
use std::path::PathBuf;

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
    /// Let a Deployment change no pods for now
    Pause(OneObject),
    /// Let a paused Deployment go on
    Resume(OneObject),
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
    /// Let no more pods come to a node
    Cordon(OneNode),
    /// Let pods come to a node again
    Uncordon(OneNode),
    /// End a pod: its controller makes another
    Delete(OnePod),
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

impl ActVerb {
    /// The object, what is to be done to it, and how.
    pub fn parts(&self) -> (OneObject, Deed) {
        match self {
            Self::Scale { object, to } => (object.clone(), Deed::Scale(*to)),
            Self::Restart(object) => (object.clone(), Deed::Restart),
            Self::Pause(object) => (object.clone(), Deed::Pause),
            Self::Resume(object) => (object.clone(), Deed::Resume),
            Self::Undo { object, to } => (object.clone(), Deed::Undo(*to)),
            Self::SetImage { object, container, image } => {
                (object.clone(), Deed::SetImage { container: container.into(), image: image.into() })
            }
            Self::Cordon(node) => (node.object(), Deed::Cordon),
            Self::Uncordon(node) => (node.object(), Deed::Uncordon),
            Self::Delete(pod) => {
                let OnePod { name, namespace, how } = pod.clone();
                (OneObject { kind: "pods".into(), name, namespace, how }, Deed::Delete)
            }
        }
    }
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
    /// Was anything altered or taken away? Reads all of it
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

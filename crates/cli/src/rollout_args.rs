//! What may be typed behind `rollout`.

use crate::args::{FormArgs, ListArgs, PastArgs, SourceArgs};
use clap::{Args, Subcommand};

/// Of services and their revisions.
#[derive(Args, Debug)]
pub struct RolloutArgs {
    /// The command.
    #[command(subcommand)]
    pub verb: RolloutVerb,
}

/// What can be asked of services.
#[derive(Debug, Subcommand)]
pub enum RolloutVerb {
    /// Services of all clusters: phase, step, traffic, replicas, analysis
    List(ListArgs),
    /// One service: its steps, revisions, analyses with values against conditions, events
    Get(GetRolloutArgs),
    /// Follow one service, or all of them
    Watch(WatchRolloutArgs),
}

/// Of one service.
#[derive(Args, Debug)]
pub struct GetRolloutArgs {
    #[command(flatten)]
    pub of: Service,
    #[command(flatten)]
    pub past: PastArgs,
    #[command(flatten)]
    pub form: FormArgs,
}

/// Of what is followed.
#[derive(Args, Debug)]
pub struct WatchRolloutArgs {
    /// [[CLUSTER/]NAMESPACE/]NAME, as much of it as only one service is called [default: all]
    pub name: Option<String>,
    /// Only of this kind: Rollout, Deployment, StatefulSet, LeaderWorkerSet, InferenceService
    #[arg(long, requires = "name")]
    pub kind: Option<String>,
    #[command(flatten)]
    pub source: SourceArgs,
    /// One object a line, as JSON
    #[arg(long)]
    pub json: bool,
    /// Of all, only rows that fit: words, key=value, key~part, key!=value, key>number, -word
    #[arg(long, value_name = "EXPR", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub filter: String,
}

/// Which service.
#[derive(Args, Clone, Debug)]
pub struct Service {
    /// [[CLUSTER/]NAMESPACE/]NAME, as much of it as only one service is called
    pub name: String,
    /// Only of this kind: Rollout, Deployment, StatefulSet, LeaderWorkerSet, InferenceService
    #[arg(long)]
    pub kind: Option<String>,
    #[command(flatten)]
    pub source: SourceArgs,
}

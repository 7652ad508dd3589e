//! What may be typed behind `rollback`.

use crate::{act_args::How, rollout_args::Service};
use clap::Args;

/// Of a service that is taken back.
#[derive(Args, Clone, Debug)]
pub struct RollbackArgs {
    /// [[CLUSTER/]NAMESPACE/]NAME, as much of it as only one service is called
    pub name: String,
    /// Its namespace [default: the only one that has a service of this name]
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Only of this kind: Rollout, Deployment, StatefulSet, LeaderWorkerSet, InferenceService, HTTPRoute
    #[arg(long)]
    pub kind: Option<String>,
    /// The revision [default: the one before]
    #[arg(long, value_name = "REVISION")]
    pub to: Option<u64>,
    /// Only say whether it can go back: 0 for ready and slow, 3 for unknown, 1 for not possible
    #[arg(long, conflicts_with_all = ["plan", "yes", "anyway"])]
    pub check: bool,
    /// Take it though the check says that it is not possible
    #[arg(long)]
    pub anyway: bool,
    #[command(flatten)]
    pub how: How,
}

impl RollbackArgs {
    /// The service that is meant.
    pub fn service(&self) -> Service {
        let name = match &self.namespace {
            Some(namespace) if !self.name.contains('/') => format!("{namespace}/{}", self.name),
            _ => self.name.clone(),
        };
        Service { name, kind: self.kind.clone(), source: self.how.source.clone() }
    }
}

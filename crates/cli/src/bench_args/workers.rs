//! What is said of workers past this machine, and what a worker is told.

use clap::Args;
use std::path::PathBuf;

/// Workers that send the load, from inside of a cluster.
#[derive(Args, Clone, Debug)]
pub struct WorkersArgs {
    /// Send the load from workers in a cluster: an Indexed Job of this program in this namespace of this connection, planned and
    /// confirmed as any action. A service of that cluster they ask directly
    #[arg(
        long,
        value_name = "CONNECTION/NAMESPACE",
        requires = "workers",
        conflicts_with_all = ["serve", "pid", "metrics", "nvml", "key_env", "key_file"]
    )]
    pub on: Option<String>,
    /// How many; they deal out the load of one machine
    #[arg(long, value_name = "N", requires = "on")]
    pub workers: Option<u32>,
    /// Their image, of this version [default: as deploy/Containerfile calls it]
    #[arg(long, value_name = "IMAGE", requires = "on")]
    pub image: Option<String>,
    /// The Secret of their namespace that the API key is in
    #[arg(long, value_name = "NAME/KEY", requires = "on")]
    pub key_secret: Option<String>,
    /// Seconds until all have to be there, or none begins
    #[arg(long, value_name = "S", default_value_t = 300.0, requires = "on", allow_hyphen_values = true)]
    pub come_within: f64,
    /// How many seconds a clock may be from that of this machine: further, and none begins
    #[arg(long, value_name = "S", default_value_t = 1.0, requires = "on", allow_hyphen_values = true)]
    pub clocks_within: f64,
    /// What the Job is called [default: by the time]
    #[arg(long, value_name = "NAME", requires = "on")]
    pub job: Option<String>,
    /// Show what would be done, and do nothing
    #[arg(long, requires = "on", conflicts_with = "yes")]
    pub plan: bool,
    /// Do it without asking
    #[arg(long, requires = "on")]
    pub yes: bool,
}

/// What a worker is told by its Job.
#[derive(Args, Debug)]
pub struct WorkerArgs {
    /// What all are told
    #[arg(long, env = "PILOTHOUSE_BENCH_ORDER", hide_env_values = true)]
    pub order: String,
    /// Which it is
    #[arg(long, env = "JOB_COMPLETION_INDEX")]
    pub index: u32,
    /// Where it is told when to begin
    #[arg(long, env = "PILOTHOUSE_BENCH_BARRIER")]
    pub barrier: PathBuf,
    /// A folder for what it measures
    #[arg(long, env = "PILOTHOUSE_BENCH_FOLDER")]
    pub folder: PathBuf,
}

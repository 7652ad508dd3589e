//! What may be typed.

use crate::{
    act_args::{ActArgs, AuditArgs},
    bench_args::BenchArgs,
    connect_args::ConnectArgs,
    exit::CODES,
    journal_args::{JournalArgs, OpenArgs, RecordArgs},
    model_args::{ModelsArgs, RunsArgs},
    preflight_args::PreflightArgs,
    rollback_args::RollbackArgs,
    rollout_args::RolloutArgs,
    serve_args::ServeArgs,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{path::PathBuf, time::Duration};

/// The control plane of GPU fleets, in the terminal.
#[derive(Debug, Parser)]
#[command(name = "pilothouse", version, max_term_width = 100, after_help = CODES, disable_help_subcommand = true)]
pub struct Arguments {
    /// When to colour: auto, always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        display_order = 900
    )]
    pub color: Colour,
    /// The same as --color never
    #[arg(long, global = true, display_order = 901)]
    pub no_color: bool,
    /// The command.
    #[command(subcommand)]
    pub verb: Verb,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    // Without doc comments: clap would print them at length in every help.
    #[allow(missing_docs, reason = "the words are the meaning; auto: on a terminal, unless NO_COLOR is set")]
    Auto,
    #[allow(missing_docs, reason = "the words are the meaning")]
    Always,
    #[allow(missing_docs, reason = "the words are the meaning")]
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The whole fleet: totals, clusters and where they come from
    Fleet(FleetArgs),
    /// Nodes with their GPUs
    Nodes(Drawn<ListArgs>),
    /// GPUs, one a line: who holds each, and what is measured of it
    Gpus(Drawn<ListArgs>),
    /// GPU workloads: pods rolled up to the controller that keeps them
    Workloads(Drawn<ListArgs>),
    /// Pods
    Pods(ListArgs),
    /// Where GPUs are free, how many pods of 1, 2, 4 and 8 fit, and why pods wait
    Room(Drawn<FleetArgs>),
    /// GPUs that are held and do nothing, and whose they are
    Waste(Drawn<ListArgs>),
    /// What is wrong, one line a cause: whom it hits, the evidence, what to do
    Findings(ListArgs),
    /// What a pod printed, or all pods of a workload together, read from their cluster now
    Logs(LogsArgs),
    /// What fires, as Alertmanagers say: since when, about what, silenced or not
    Alerts(ListArgs),
    /// Registered models with their aliases, the versions of one, where one serves, and two versions side by side
    Models(ModelsArgs),
    /// Runs behind models: search over experiments, or one with its metrics, parameters and artefacts
    Runs(RunsArgs),
    /// Registries: tags that are watched; with a name the tags of a repository, or one artefact in full
    Artifacts(ArtifactsArgs),
    /// Services on their way to their next revision: Rollouts, Deployments and their kin
    Rollout(RolloutArgs),
    /// Will a version of a model fit its GPUs? By sums from its configuration and the arguments of its engine
    Preflight(PreflightArgs),
    /// Benchmark a model that serves: load at stated times, what came of it, and the runs that are kept
    Bench(BenchArgs),
    /// Objects of any kind, in the columns of their server; without a kind, which there are
    Get(GetArgs),
    /// One object in words, with its events
    Describe(DescribeArgs),
    /// What differs between two times, by kind: findings, alerts, services, models, workloads, nodes, conditions, GPUs, pods
    Diff(DiffArgs),
    /// Connections and how each is
    Connections(ListArgs),
    /// Add, change, test and remove connections
    Connect(ConnectArgs),
    /// Do something to an object: shown as a plan, confirmed, sent, verified, written down
    Act(ActArgs),
    /// What we may do to objects of each cluster, and the role that would give what is missing
    Can(CanArgs),
    /// Take a service back to an earlier revision: first whether it can go back is checked and shown
    Rollback(RollbackArgs),
    /// The audit book: what was done, by whom, and what became of it
    Audit(AuditArgs),
    /// Open the browser door: the interface on this machine, which can only read
    Serve(ServeArgs),
    /// Record what is seen, without a window, until it is ended
    Record(RecordArgs),
    /// The record: what is in it, a part of it as a file, whether it is whole, less of it
    Journal(JournalArgs),
    /// Open an export or a copied journal in the browser, read-only; no server is contacted
    Open(OpenArgs),
    /// What works here, what is missing, and how to get it
    Doctor,
    /// Print what a shell completes by
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// Where the answer comes from.
#[derive(Args, Clone, Debug, Default)]
pub struct SourceArgs {
    /// Only this connection, by id or name; or a context of the kubeconfig, for this run alone
    #[arg(long, value_name = "NAME", alias = "connection")]
    pub context: Option<String>,
    /// The demo fleet, though connections are configured
    #[arg(long)]
    pub demo: bool,
    /// How long to wait for the first complete listing
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub wait: Duration,
}

/// As it was, out of a record; no server is asked.
#[derive(Args, Clone, Debug, Default)]
pub struct PastArgs {
    /// As it was then, in UTC: -30m before the end of the record, 02:41, "2026-11-24 02:41" or 2026-11-24T02:41:30Z
    #[arg(
        long,
        value_name = "TIME",
        allow_hyphen_values = true,
        conflicts_with_all = ["context", "demo", "watch"]
    )]
    pub at: Option<String>,
    /// Out of this record: an export or a copied journal [default with --at: that of this account]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["context", "demo", "watch"])]
    pub journal: Option<PathBuf>,
}

/// How the answer is given.
#[derive(Args, Clone, Debug, Default)]
pub struct FormArgs {
    /// Go on, and show every change
    #[arg(long)]
    pub watch: bool,
    /// As JSON; with --watch one object a line
    #[arg(long)]
    pub json: bool,
}

/// Of the whole fleet.
#[derive(Args, Clone, Debug)]
pub struct FleetArgs {
    #[command(flatten)]
    pub source: SourceArgs,
    #[command(flatten)]
    pub past: PastArgs,
    #[command(flatten)]
    pub form: FormArgs,
    /// Only clusters that fit, and what is in them: words, key=value, key~part, key!=value, key>number, -word. Totals
    /// are of all
    #[arg(long, value_name = "EXPR", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub filter: String,
}

/// Of a list.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    pub source: SourceArgs,
    #[command(flatten)]
    pub past: PastArgs,
    #[command(flatten)]
    pub form: FormArgs,
    /// Only rows that fit: words, key=value, key~part, key!=value, key>number, -word
    #[arg(long, value_name = "EXPR", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub filter: String,
    /// These columns, in this order; "all" for all of them
    #[arg(long, value_name = "A,B", value_delimiter = ',', conflicts_with = "json")]
    pub columns: Vec<String>,
    /// In the order of this key of the filter; -KEY from the greatest down
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// As comma-separated values: the columns shown, numbers without units
    #[arg(long, conflicts_with_all = ["watch", "json"])]
    pub csv: bool,
}

/// Of what can be drawn, too.
#[derive(Args, Clone, Debug)]
pub struct Drawn<A: Args> {
    /// All but that.
    #[command(flatten)]
    pub of: A,
    /// As a drawing, SVG, to be kept or sent
    #[arg(long, conflicts_with_all = ["watch", "json"])]
    pub svg: bool,
}

/// Of registries.
#[derive(Args, Clone, Debug)]
pub struct ArtifactsArgs {
    /// A repository: its tags; with :TAG or @DIGEST that artefact in full, without its layers
    #[arg(value_name = "REPOSITORY[:TAG]")]
    pub named: Option<String>,
    /// Beside another artefact: what differs of configuration, sizes, layers and annotations; a tag alone is of the same
    /// repository
    #[arg(long, value_name = "[REPOSITORY:]TAG")]
    pub with: Option<String>,
    /// In this registry, by id or name [default: the one that has the repository]
    #[arg(long, value_name = "NAME")]
    pub registry: Option<String>,
    #[command(flatten)]
    pub source: SourceArgs,
    #[command(flatten)]
    pub past: PastArgs,
    #[command(flatten)]
    pub form: FormArgs,
    /// Only tags that fit: words, key=value, key~part, key!=value, key>number, -word
    #[arg(long, value_name = "EXPR", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub filter: String,
    /// These columns, in this order; "all" for all of them
    #[arg(long, value_name = "A,B", value_delimiter = ',', conflicts_with = "json")]
    pub columns: Vec<String>,
    /// So many tags of a repository at most
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub most: u32,
}

/// Of two times.
#[derive(Args, Clone, Debug)]
pub struct DiffArgs {
    /// The first time, in UTC: -30m, 02:41, "2026-11-24 02:41" or 2026-11-24T02:41:30Z
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub from: String,
    /// The second time, likewise, or now
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    pub to: String,
    /// Both out of this record, an export or a copied journal; no server is asked. Now is its end
    #[arg(long, value_name = "FILE", conflicts_with_all = ["context", "demo"])]
    pub journal: Option<PathBuf>,
    #[command(flatten)]
    pub source: SourceArgs,
    /// Only what fits: words, kind=node (or alert, service, model, ...), change=went, name~part, cluster=, status=, what=,
    /// -word
    #[arg(long, value_name = "EXPR", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub filter: String,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Of objects of a kind.
#[derive(Args, Clone, Debug, Default)]
pub struct GetArgs {
    /// The kind: plural, singular or short name, or NAME.GROUP
    pub kind: Option<String>,
    /// Only the object of this name
    pub name: Option<String>,
    #[command(flatten)]
    pub source: SourceArgs,
    /// Only in this namespace [default: all]
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<String>,
    /// All columns that the server has
    #[arg(long)]
    pub wide: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Of one object.
#[derive(Args, Clone, Debug)]
pub struct DescribeArgs {
    /// The kind: plural, singular or short name, or NAME.GROUP
    pub kind: String,
    /// Its name
    pub name: String,
    #[command(flatten)]
    pub source: SourceArgs,
    /// Its namespace [default: the only one that has an object of this name]
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Of logs.
#[derive(Args, Clone, Debug)]
pub struct LogsArgs {
    /// The pod, or the workload: [[CLUSTER/]NAMESPACE/]NAME
    pub name: String,
    #[command(flatten)]
    pub source: SourceArgs,
    /// Of this kind: Pod, Deployment, StatefulSet, ... [default: whichever has this name, a workload before a pod]
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Of this container [default: the first of each pod]
    #[arg(long, short, value_name = "NAME")]
    pub container: Option<String>,
    /// Of the containers before their last restart
    #[arg(long, conflicts_with = "follow")]
    pub previous: bool,
    /// Go on with what is printed from now on
    #[arg(long, short)]
    pub follow: bool,
    /// The last lines
    #[arg(long, value_name = "N", default_value = "200", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub lines: u32,
    /// Only lines in which this occurs
    #[arg(long, value_name = "TEXT")]
    pub find: Option<String>,
}

/// Of what we may do.
#[derive(Args, Clone, Debug)]
pub struct CanArgs {
    #[command(flatten)]
    pub source: SourceArgs,
    /// In this namespace [default: everywhere]
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Print only the role that would give what is missing, as YAML
    #[arg(long, conflicts_with = "json")]
    pub role: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "give a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }
}

//! What may be typed about models and runs.

use crate::args::{ListArgs, SourceArgs};
use clap::Args;
use pilothouse_wire::runs::MOST_RUNS;

/// Of registered models.
#[derive(Args, Clone, Debug)]
pub struct ModelsArgs {
    /// The versions of this model, * for anything; without it, all models
    pub name: Option<String>,
    /// One version of it, by its number or an alias: where it serves now, and did before
    #[arg(conflicts_with_all = ["compare", "columns", "filter"])]
    pub version: Option<String>,
    /// Two versions of it side by side, each by its number or an alias
    #[arg(
        long,
        num_args = 2,
        value_names = ["VERSION", "VERSION"],
        requires = "name",
        conflicts_with_all = ["watch", "columns", "filter", "at", "journal"]
    )]
    pub compare: Vec<String>,
    /// What these words are found in, over all registries: models, versions, aliases, tags, runs by their names,
    /// repositories; and what was looked through
    #[arg(
        long,
        value_name = "WORDS",
        conflicts_with_all = ["name", "compare", "watch", "columns", "filter", "at", "journal"]
    )]
    pub search: Option<String>,
    #[command(flatten)]
    pub list: ListArgs,
}

/// Of runs.
#[derive(Args, Clone, Debug)]
pub struct RunsArgs {
    /// This run in full, by its id; without it, those that fit
    pub run: Option<String>,
    /// Only of experiments of this name or id, * for anything; may be given again
    #[arg(long, value_name = "NAME", conflicts_with = "run")]
    pub experiment: Vec<String>,
    /// Only those that fit, in the server's words: "metrics.loss < 0.4 and params.base = '8b'"
    #[arg(long, value_name = "EXPR", default_value = "", hide_default_value = true, conflicts_with = "run")]
    pub filter: String,
    /// In this order, in the server's words: "metrics.loss ASC" [default: the newest first]
    #[arg(long, value_name = "ORDER", conflicts_with = "run")]
    pub order: Option<String>,
    /// The most runs
    #[arg(
        long,
        value_name = "N",
        default_value_t = 50,
        conflicts_with = "run",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_RUNS))
    )]
    pub limit: u32,
    /// Of one run: the values of this metric step by step; may be given again
    #[arg(long, value_name = "METRIC", requires = "run")]
    pub history: Vec<String>,
    /// The run beside this one, of whichever experiment; may be given again
    #[arg(long, value_name = "RUN", requires = "run", conflicts_with_all = ["history", "artefacts"])]
    pub with: Vec<String>,
    /// Of one run: what it left in this folder
    #[arg(long, value_name = "FOLDER", requires = "run", conflicts_with = "history")]
    pub artefacts: Option<String>,
    #[command(flatten)]
    pub source: SourceArgs,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

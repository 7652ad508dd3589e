//! What may be typed behind `bench`.

mod compare;
mod load;
mod local;
mod manner;
mod search;
mod workers;

pub use compare::{CompareArgs, FailIf};
pub use load::{LoadArgs, ServeArgs, WayArgs};
pub use local::{Local, LocalArgs, is_file};
pub use manner::MannerArgs;
pub use search::SearchArgs;
pub use workers::{WorkerArgs, WorkersArgs};

use crate::{act_args::How, exit::Failed};
use clap::{Args, Subcommand};
use pilothouse_bench::plan::Plan;
use std::path::PathBuf;

/// Of benchmarks.
#[derive(Args, Debug)]
pub struct BenchArgs {
    /// What about them
    #[command(subcommand)]
    pub verb: BenchVerb,
}

/// What is done.
#[derive(Debug, Subcommand)]
pub enum BenchVerb {
    /// Put load on a server that answers in pieces, measure each, and keep the run as one file
    Run(Box<RunArgs>),
    /// Say which of two or more targets is better: blocks of the same load in a drawn order, judged at planned looks; or put
    /// two kept runs side by side, without a verdict
    Compare(Box<CompareArgs>),
    /// Find the most load that keeps the limits: probes between what surely keeps them and what does not; or sweep over how
    /// many are served at a time, with the points that no other one beats
    Search(Box<SearchArgs>),
    /// What is kept of one: verdicts or measures, with what each of them is
    Show {
        /// The run or comparison, by its name or the begin of it, or its file
        #[arg(value_name = "ID")]
        run: String,
        /// As JSON, with everything that is kept of it
        #[arg(long)]
        json: bool,
    },
    /// What is kept, the newest first
    List {
        /// As JSON, an object a line, without histograms
        #[arg(long)]
        json: bool,
    },
    /// Log one on the version of a registered model that was measured: a tag with its figures, planned and confirmed like any
    /// action
    Log {
        /// The run or comparison, by its name or the begin of it, or its file
        #[arg(value_name = "ID")]
        run: String,
        /// The version
        #[arg(long, value_name = "MODEL/NUMBER")]
        to: String,
        #[command(flatten)]
        how: Box<How>,
    },
    /// One of them for people without Pilothouse: an HTML file that loads nothing, Markdown, or its chart
    Report(ReportArgs),
    /// One of them for other programs: JSON, CSV with a value a row, or JSON with a request a line
    Export(ExportArgs),
    /// Take in what another tool measured: AIPerf, GuideLLM, vLLM's bench serve, llama-bench
    Import {
        /// Its file: profile_export_aiperf.json, benchmarks.json, a saved result, the output of llama-bench -o json
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// As JSON, an object a line
        #[arg(long)]
        json: bool,
    },
    /// A worker of a run that is sent past one machine: its Job starts it, and a person has no use for it
    #[command(hide = true)]
    Worker(WorkerArgs),
}

/// Of one run.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// The server: http://HOST:PORT, with or without /v1, or the whole address that is posted to; or
    /// service:NAMESPACE/NAME:PORT@CONNECTION (or pod:…), through the API server of that connection, which is then part of every
    /// time
    #[arg(value_name = "ADDRESS")]
    pub address: Option<String>,
    /// The model, as the server calls it; or without an address a file, which is loaded and served to be measured: a .gguf or a
    /// .onnx, with options behind it where that is wanted (model.gguf?threads=4&batch=512)
    #[arg(long, value_name = "NAME|FILE")]
    pub model: String,
    /// The way to it.
    #[command(flatten)]
    pub way: WayArgs,
    /// What is started to be measured.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// The load on it.
    #[command(flatten)]
    pub load: LoadArgs,
    /// Where it is sent from.
    #[command(flatten)]
    pub workers: WorkersArgs,
    /// Keep the run in this file, and its requests beside it [default: in the data of this account]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// As JSON, with everything that is kept of it
    #[arg(long)]
    pub json: bool,
    /// Of a model out of a file.
    #[command(flatten)]
    pub local: LocalArgs,
}

/// Of a report.
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// The run or comparison, by its name or the begin of it, or its file
    #[arg(value_name = "ID")]
    pub run: String,
    /// One HTML file, with its chart in it [default]
    #[arg(long, group = "kind")]
    pub html: bool,
    /// Markdown
    #[arg(long, group = "kind")]
    pub md: bool,
    /// The chart of a comparison, the front of a sweep, or how times of a run are spread, as SVG
    #[arg(long, group = "kind")]
    pub svg: bool,
    /// Into this file [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Of an export.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// The run or comparison, by its name or the begin of it, or its file
    #[arg(value_name = "ID")]
    pub run: String,
    /// The whole document [default]
    #[arg(long, group = "kind")]
    pub json: bool,
    /// A value a row
    #[arg(long, group = "kind")]
    pub csv: bool,
    /// A request a line, of a comparison with its arm and block
    #[arg(long, group = "kind")]
    pub jsonl: bool,
    /// Into this file [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

impl RunArgs {
    /// What is to be run, and the model out of a file that is to be served for it.
    ///
    /// # Errors
    /// If no load is said, or the file is none of a model.
    pub fn plan(&self) -> Result<(Plan, Option<Local>), Failed> {
        let at_a_time = self.load.concurrency.or(self.load.max_concurrency);
        let (target, local) =
            self.local.or_server(self.address.as_deref(), &self.model, &self.way, (at_a_time, self.load.seed))?;
        Ok((self.load.plan(target)?, local))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, Verb};
    use clap::Parser;
    use pilothouse_bench::{
        arrivals::Arrivals,
        plan::{Cache, Cancel, KeyFrom, Load, Pause, Ramp, WarmUp},
    };

    fn plan(typed: &str) -> Plan {
        let words = ["pilothouse", "bench", "run", "http://h:8000", "--model", "m"].into_iter().chain(typed.split(' '));
        match Arguments::try_parse_from(words).unwrap().verb {
            Verb::Bench(BenchArgs { verb: BenchVerb::Run(run) }) => run.plan().unwrap().0,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_typed_is_what_is_run() {
        let closed = plan("--concurrency 8 --requests 100 --warm-up 5 --slo ttft=1s --extra {\"temperature\":0}");
        assert_eq!((closed.load, closed.until.requests), (Load::Closed { concurrency: 8 }, Some(100)));
        assert_eq!(
            (closed.target.url.as_str(), closed.warm_up),
            ("http://h:8000/v1/chat/completions", WarmUp::Requests(5))
        );
        assert_eq!((closed.slo.ttft_us, closed.output.extra["temperature"].as_u64()), (Some(1_000_000), Some(0)));
        let open = plan("--rate 2.5 --arrivals gamma:0.5 --max-concurrency 9 --seconds 3 --api completions");
        assert_eq!(open.load, Load::Open { rate: 2.5, arrivals: Arrivals::Gamma(0.5), max_concurrency: Some(9) });
        assert_eq!(open.target.url, "http://h:8000/v1/completions");
        let like = plan(
            "--concurrency 8 --requests 100 --ramp-from 2 --ramp-seconds 30 --ramp-steps 4 --think exp:2s --cancel 5 \
             --cancel-after 500ms --turns 3 --mix base --mix sql=3 --cache cold",
        );
        assert_eq!(like.manner.ramp, Some(Ramp { from: 2.0, seconds: 30.0, steps: Some(4) }));
        assert_eq!((like.manner.think, like.manner.turns), (Some(Pause::Exponential(2_000_000)), Some(3)));
        assert_eq!(like.manner.cancel, Some(Cancel { share: 0.05, after: Pause::Constant(500_000) }));
        assert_eq!((like.manner.mix[1].weight, like.manner.cache), (3.0, Cache::Cold));
        like.check().unwrap();
        let trace = plan("--trace a.csv --speed 10 --key-env KEY");
        assert_eq!(trace.load, Load::Trace { file: "a.csv".into(), speed: 10.0, max_concurrency: None });
        assert_eq!(trace.target.key, KeyFrom::Variable("KEY".into()));
    }
}

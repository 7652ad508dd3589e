//! What may be typed behind `bench compare`.

use super::{LoadArgs, Local, LocalArgs, ServeArgs, WayArgs, is_file};
use crate::exit::Failed;
use clap::{Args, ValueEnum};
use pilothouse_bench::{
    compare::{Arm, LATE_US, Quantity, usual},
    plan::Through,
    plan::{Api, KeyFrom, Target},
    report::Fail,
    slo,
};
use pilothouse_insight::verdict::{Plan, Settings, check_pairs, looks_to};
use pilothouse_wire::{Code, Problem, SmolStr};
use std::path::PathBuf;

/// A name of an arm is no longer, in letters.
const LONGEST: usize = 32;

/// Of a comparison.
#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub struct CompareArgs {
    /// Two or more targets, the baseline first: http://HOST:PORT or NAME=http://HOST:PORT; inside of a cluster
    /// service:NAMESPACE/NAME:PORT@CONNECTION, through its API server; a model out of a file NAME=model.gguf?threads=4&batch=512,
    /// which is loaded and served. Or two kept runs, by name or file
    #[arg(value_name = "TARGET", num_args = 2.., required = true)]
    pub targets: Vec<String>,
    /// The model, as the servers call it: once for all, or once a target in their order
    #[arg(long, value_name = "NAME")]
    pub model: Vec<String>,
    /// The way to them.
    #[command(flatten)]
    pub way: WayArgs,
    /// What is started to be measured.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// The load of a block.
    #[command(flatten)]
    pub load: LoadArgs,
    /// What is compared, said before the first block: ttft-p95, itl-gap-p99, tpot-p50, e2e-mean, tokens-out, answers, goodput …
    /// [default: ttft-p95, tpot-p50, and goodput where --slo is given, else tokens-out in a closed loop]
    #[arg(long, value_name = "METRIC", value_delimiter = ',')]
    pub metric: Vec<Quantity>,
    /// The most pairs of blocks, even, at least 6; after 6, 8, 12, 16, 24 … it is looked at, and ends once all is decided
    #[arg(long, value_name = "N", default_value_t = 24)]
    pub pairs: u32,
    /// Targets are the same if they differ by less than so many percent
    #[arg(long, value_name = "PERCENT", default_value_t = 3.0)]
    pub margin: f64,
    /// The smallest difference worth finding, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    pub effect: f64,
    /// The chance with which that is to be found, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 80.0)]
    pub power: f64,
    /// The chance of any false "better" or "worse" that is allowed, over all metrics and looks, in percent; and as much again of
    /// any false "the same"
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    pub alpha: f64,
    /// A client that is later than this once in a hundred times was the limit, and the comparison is invalid [default: 5ms]
    #[arg(long, value_name = "TIME", value_parser = slo::micros)]
    pub most_late: Option<u64>,
    /// Ask each target so many fixed prompts, 16 at most, at temperature 0 and compare what they say; 0 for none
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub answers: u32,
    /// A target whose words overlap by less with the baseline's, in percent, is worse, however quick
    #[arg(long, value_name = "PERCENT")]
    pub least_overlap: Option<f64>,
    /// Also tell how near answers are in meaning, by the cosine of their vectors: a server of embeddings (OpenAI's interface),
    /// http://HOST:PORT, with or without /v1. What the targets say is sent to it
    #[arg(long, value_name = "ADDRESS", requires = "embed_model")]
    pub embed: Option<String>,
    /// Its model, as it calls it
    #[arg(long, value_name = "NAME", requires = "embed")]
    pub embed_model: Option<String>,
    /// The variable that its API key is in; that of the targets is not sent to it
    #[arg(long, value_name = "VARIABLE", requires = "embed")]
    pub embed_key_env: Option<String>,
    /// Exit with 5 if any candidate is so
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub fail_if: Vec<FailIf>,
    /// Write the verdicts as JUnit into this file
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Add the report as Markdown to this file [default: that of a GitHub job, where GITHUB_STEP_SUMMARY names one]
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
    /// Keep the comparison in this file, and its blocks beside it [default: in the data of this account]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// As JSON, with everything that is kept of it
    #[arg(long)]
    pub json: bool,
    /// Of a model out of a file.
    #[command(flatten)]
    pub local: LocalArgs,
}

const AFTER: &str = "\
Exit codes:
  0  it ran to its end, whatever the verdict, unless --fail-if says otherwise
  1  a problem; nothing is said of the targets
  3  it was ended early, or given up: what was measured is kept, and the block that was cut is not judged
  5  --fail-if: a candidate is worse, is not better, or the comparison is invalid, as was asked for
  6  --fail-if without \"invalid\": the comparison is invalid, so nobody can tell";

/// What fails a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailIf {
    /// A candidate is worse
    Worse,
    /// A candidate is not better: worse, the same, not decided or invalid
    NotBetter,
    /// Nothing may be said of what was measured
    Invalid,
}

impl FailIf {
    /// As the report knows it.
    pub fn fail(self) -> Fail {
        match self {
            Self::Worse => Fail::Worse,
            Self::NotBetter => Fail::NotBetter,
            Self::Invalid => Fail::Invalid,
        }
    }
}

impl CompareArgs {
    /// Are they kept runs, and not targets?
    ///
    /// # Errors
    /// If some are and some are not.
    pub fn are_kept(&self) -> Result<bool, Failed> {
        let is_address = |typed: &str| typed.contains("://") || is_file(typed) || Through::read(typed).is_some();
        let behind_name = |typed: &str| typed.split_once('=').is_some_and(|(_, rest)| is_address(rest));
        let addresses = self.targets.iter().filter(|typed| is_address(typed) || behind_name(typed)).count();
        match addresses {
            0 if self.targets.len() == 2 => Ok(true),
            0 => Err(Failed::Usage("Two kept runs can be put side by side, not more.".into())),
            all if all == self.targets.len() => Ok(false),
            _ => Err(Failed::Usage("Some are targets and some are kept runs: give either.".into())),
        }
    }

    /// Who is compared, the baseline first, each with the model out of a file that is to be served for it, where it is one.
    ///
    /// # Errors
    /// If names, models or the load do not make sense.
    pub fn arms(&self) -> Result<(Vec<Arm>, Vec<Option<Local>>), Failed> {
        let (mut arms, mut locals) = (Vec::new(), Vec::new());
        let at_a_time = self.load.concurrency.or(self.load.max_concurrency);
        for (at, typed) in self.targets.iter().enumerate() {
            let (name, address) = named(typed, at)?;
            if is_file(address) {
                let local = self.local.read(address, at_a_time, self.load.seed)?;
                let plan = self.load.plan(local.target(&self.way)?)?;
                arms.push(Arm { name, plan, server: None });
                locals.push(Some(local));
                continue;
            }
            let model = match (&self.model[..], self.model.get(at)) {
                ([], _) => return Err(Failed::Usage("No model is said: give --model.".into())),
                ([one], _) => one,
                (_, Some(model)) if self.model.len() == self.targets.len() => model,
                _ => return Err(Failed::Usage("Give --model once for all targets, or once for each.".into())),
            };
            let target = self.way.target(address, model)?;
            arms.push(Arm { name, plan: self.load.plan(target)?, server: None });
            locals.push(None);
        }
        Ok((arms, locals))
    }

    /// Looks, metrics and errors.
    ///
    /// # Errors
    /// If something in it makes no sense, by its name.
    pub fn plan(&self, arms: &[Arm]) -> Result<Plan, Failed> {
        let Some(first) = arms.first() else { return Err(Failed::Usage("There is no target.".into())) };
        let metrics = if self.metric.is_empty() { usual(&first.plan) } else { self.metric.clone() };
        for metric in &metrics {
            metric.check(&first.plan)?;
        }
        check_pairs(self.pairs)?;
        if let Some(percent) = self.least_overlap.filter(|percent| !(0.0..=100.0).contains(percent)) {
            let what = format!("least-overlap cannot be {percent}.");
            return Err(Problem::new(Code::BadInput, what)
                .why("It is a share in percent.")
                .next("Give 0 to 100.")
                .into());
        }
        let names: Vec<SmolStr> = arms.iter().map(|arm| arm.name.clone()).collect();
        let settings = Settings {
            margin: self.margin / 100.0,
            effect: self.effect / 100.0,
            power: self.power / 100.0,
            alpha: self.alpha / 100.0,
            looks: looks_to(self.pairs),
            ..Settings::new(names, metrics.into_iter().map(Quantity::metric).collect(), self.load.seed)
        };
        Ok(Plan::new(settings)?)
    }

    /// Who tells how near answers are in meaning, if anybody is named.
    ///
    /// # Errors
    /// If there is nothing that it could be told of.
    pub fn embed(&self) -> Result<Option<Target>, Failed> {
        let (Some(address), Some(model)) = (&self.embed, &self.embed_model) else { return Ok(None) };
        if self.answers == 0 {
            return Err(Failed::Usage("With --answers 0 there are no answers to compare: leave out --embed.".into()));
        }
        let api = Api::Embeddings;
        let key = self.embed_key_env.clone().map_or(KeyFrom::None, KeyFrom::Variable);
        let (url, model, authorities) = (api.address(address, model), model.clone(), self.way.ca.clone());
        Ok(Some(Target { api, url, model, key, authorities, template: None, through: None }))
    }

    /// How late a client may be, in microseconds.
    pub fn most_late_us(&self) -> u64 {
        self.most_late.unwrap_or(LATE_US)
    }
}

/// A target with its name, its own or by its place.
fn named(typed: &str, at: usize) -> Result<(SmolStr, &str), Failed> {
    let usual = || match at {
        0 => SmolStr::new_static("baseline"),
        1 => SmolStr::new_static("candidate"),
        more => SmolStr::from(format!("candidate-{more}")),
    };
    // An address has its first = behind a /, and a file behind a ?.
    let Some((name, address)) = typed.split_once('=').filter(|(name, _)| !name.contains(['/', '?'])) else {
        return Ok((usual(), typed));
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_name = !name.is_empty() && name.len() <= LONGEST && name.chars().all(is_plain) && !name.starts_with('.');
    match is_name {
        true => Ok((name.into(), address)),
        false => {
            let why = format!("It is 1 to {LONGEST} letters, digits, - and _, and stands in names of files.");
            Err(Problem::new(Code::BadInput, format!("A target cannot be called {name:?}.")).why(why).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        args::{Arguments, Verb},
        bench_args::{BenchArgs, BenchVerb},
    };
    use clap::Parser;

    fn typed(words: &str) -> CompareArgs {
        let words = ["pilothouse", "bench", "compare"].into_iter().chain(words.split(' '));
        match Arguments::try_parse_from(words).unwrap().verb {
            Verb::Bench(BenchArgs { verb: BenchVerb::Compare(of) }) => *of,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn targets_have_names_and_models_in_their_order() {
        let of = typed("now=http://a:1 http://b:2/v1?x=y --model one --model two --concurrency 4 --requests 60");
        let (arms, locals) = of.arms().unwrap();
        assert_eq!(locals, [None, None]);
        let names: Vec<_> = arms.iter().map(|arm| (arm.name.as_str(), arm.plan.target.model.as_str())).collect();
        assert_eq!(names, [("now", "one"), ("candidate", "two")]);
        assert_eq!(arms[1].plan.target.url, "http://b:2/v1/chat/completions?x=y");
        let plan = of.plan(&arms).unwrap();
        assert_eq!((plan.settings().looks.as_slice(), plan.settings().margin), (&[6, 8, 12, 16, 24][..], 0.03));
        let ids: Vec<_> = plan.settings().metrics.iter().map(|metric| metric.id.as_str()).collect();
        assert_eq!(ids, ["ttft-p95", "tpot-p50", "tokens-out"]);
    }

    #[test]
    fn a_server_of_embeddings_is_named_with_its_model_and_a_key_of_its_own() {
        let own = "http://a http://b --model m --key-env THEIRS --concurrency 1 --requests 30";
        let of =
            typed(&format!("{own} --embed http://e:1 --embed-model e --embed-key-env OURS")).embed().unwrap().unwrap();
        assert_eq!((of.url.as_str(), of.model.as_str()), ("http://e:1/v1/embeddings", "e"));
        assert_eq!(of.key, KeyFrom::Variable("OURS".into()));
        assert_eq!(typed(own).embed().unwrap(), None);
        let none = typed(&format!("{own} --embed http://e:1 --embed-model e --answers 0")).embed();
        assert!(matches!(none, Err(Failed::Usage(said)) if said.contains("--answers 0")));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (words, want) in [
            ("http://a http://b --concurrency 1 --requests 9", "No model is said"),
            ("http://a http://b --model m", "No load is said"),
            ("http://a http://b http://c --model m --model n --rate 1 --requests 9", "once for all targets"),
            ("../x=http://a http://b --model m --rate 1 --requests 9", "unknown"),
            ("a!=http://a http://b --model m --rate 1 --requests 9", "cannot be called"),
        ] {
            let said = match typed(words).arms() {
                Ok(arms) => format!("unknown {arms:?}"),
                Err(Failed::Usage(said)) => said,
                Err(other) => format!("{other:?}"),
            };
            assert!(said.contains(want), "{words}: {said}");
        }
        let odd = typed("http://a http://b --model m --concurrency 1 --requests 30 --pairs 7");
        assert!(
            matches!(odd.plan(&odd.arms().unwrap().0), Err(Failed::Problem(problem)) if problem.what == "pairs cannot be 7.")
        );
        assert!(typed("a b").are_kept().unwrap());
        assert!(!typed("service:a/b:1@x new=pod:a/c:1@x").are_kept().unwrap());
        assert!(typed("http://a b").are_kept().is_err());
    }
}

//! What is to be run, as it is kept with its results: with the same plan the same load is made again.

mod manner;
mod target;
mod through;

pub use manner::{Cache, Cancel, Manner, Pause, Ramp, Weighted};
pub use target::{Api, KeyFrom, Target};
pub use through::{Through, Way as ThroughWay};

use crate::{arrivals::Arrivals, sizes::Sizes, slo::Slo, trace};
use pilothouse_connect::{looks_secret, names_a_secret};
use pilothouse_wire::{Code, Problem};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{path::PathBuf, time::Duration};

/// More at a time need more ports than one address has.
pub const MOST_AT_A_TIME: u32 = 28_000;
/// More a second no client sends from one machine.
const MOST_RATE: f64 = 1e6;
/// A longer run is none of a benchmark.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);
/// More requests would not fit into memory.
const MOST_REQUESTS: u64 = 50_000_000;

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Who is asked.
    pub target: Target,
    /// How many requests, and when.
    pub load: Load,
    /// How those behave who send it.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub manner: Manner,
    /// What is asked.
    pub prompts: Prompts,
    /// What is asked for.
    pub output: Output,
    /// When no more requests are sent.
    pub until: Until,
    /// What an answer has to keep to be a good one.
    pub slo: Slo,
    /// What is left out of the measures at the begin.
    pub warm_up: WarmUp,
    /// What all that is drawn begins with.
    pub seed: u64,
    /// Seconds after which a request has failed.
    pub timeout_s: f64,
    /// Seconds that requests under way are given once no more are sent.
    pub drain_s: f64,
}

/// How many requests, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// So many at a time: the next is sent when one is answered. Queues of the server are hidden by it.
    Closed {
        /// At a time.
        concurrency: u32,
    },
    /// So many a second, whether the server keeps up or not.
    Open {
        /// A second.
        rate: f64,
        /// How times between them are spread.
        arrivals: Arrivals,
        /// No more than so many at a time; what waits for that counts into its latencies.
        max_concurrency: Option<u32>,
    },
    /// As they came once, by a trace.
    Trace {
        /// The file.
        file: PathBuf,
        /// How many times quicker than they came.
        speed: f64,
        /// No more than so many at a time.
        max_concurrency: Option<u32>,
    },
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompts {
    /// Words that mean nothing, each prompt another, a word counted as a token.
    Synthetic {
        /// Tokens of a prompt; of a trace its own are taken.
        input: Sizes,
        /// Tokens at the begin that are the same in all.
        shared_prefix: u32,
    },
    /// One after the other and again from the begin: lines of JSON, `{"prompt": …}` or `{"messages": […]}`; of a file `.txt` a
    /// prompt a line; of a file `.json` conversations of ShareGPT, of each what the person said first, or with turns all of it.
    File(PathBuf),
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// The most tokens of an answer; of a trace its own are taken. None: what the server does by itself.
    pub tokens: Option<Sizes>,
    /// Is the server asked to go on to the most, whatever the model says (`ignore_eos`, `min_tokens`)?
    pub ignore_eos: bool,
    /// Is the server asked to count (`stream_options.include_usage`)?
    pub usage: bool,
    /// More fields of each request.
    pub extra: Map<String, Value>,
}

/// When no more requests are sent: at whichever comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Until {
    /// So many were sent.
    pub requests: Option<u64>,
    /// So many seconds have passed.
    pub seconds: Option<f64>,
}

/// What is left out of the measures at the begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarmUp {
    /// What MSER-5 finds.
    Mser5,
    /// So many requests.
    Requests(u64),
    /// Nothing.
    None,
}

impl Load {
    /// No more than so many at a time, where that is said.
    #[must_use]
    pub fn at_a_time(&self) -> Option<u32> {
        match self {
            Self::Closed { concurrency } => Some(*concurrency),
            Self::Open { max_concurrency, .. } | Self::Trace { max_concurrency, .. } => *max_concurrency,
        }
    }
}

fn is_usual(manner: &Manner) -> bool {
    *manner == Manner::default()
}

impl Plan {
    /// No more than so many at a time, where that is said; where a ramp begins higher, as many as there.
    #[must_use]
    pub fn at_a_time(&self) -> Option<u32> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats saturates")]
        let first = self.manner.ramp.map_or(0, |ramp| ramp.from.ceil() as u32);
        match self.load {
            Load::Closed { concurrency } => Some(concurrency.max(first)),
            _ => self.load.at_a_time(),
        }
    }

    /// Can it be run as it is? Reads no file and asks nobody.
    ///
    /// # Errors
    /// Which field cannot be used, and why.
    pub fn check(&self) -> Result<(), Problem> {
        self.target.check()?;
        if self.output.ignore_eos && !self.target.api.streams() {
            let why = "An answer that comes whole has no end to be ignored.";
            return Err(bad("ignore-eos", "used", why, "Leave it out"));
        }
        let at_a_time = |field: &str, number: u32| match number {
            0 => Err(bad(field, "0", "Nothing would be sent.", "Give 1 or more")),
            1..=MOST_AT_A_TIME => Ok(()),
            more => Err(bad(
                field,
                &more.to_string(),
                "An address has no more ports for connections from one machine.",
                &format!("Give {MOST_AT_A_TIME} at most"),
            )),
        };
        match &self.load {
            Load::Closed { concurrency } => at_a_time("concurrency", *concurrency)?,
            Load::Open { rate, arrivals, max_concurrency } => {
                positive("rate", *rate, MOST_RATE)?;
                if let Arrivals::Gamma(shape) = arrivals {
                    positive("burstiness", *shape, 1e6)?;
                }
                max_concurrency.map_or(Ok(()), |number| at_a_time("max-concurrency", number))?;
            }
            Load::Trace { speed, max_concurrency, .. } => {
                positive("speed", *speed, 1e6)?;
                max_concurrency.map_or(Ok(()), |number| at_a_time("max-concurrency", number))?;
            }
        }
        self.until.check(&self.load)?;
        if let Prompts::Synthetic { input, shared_prefix } = &self.prompts
            && *shared_prefix > input.most()
            && !matches!(self.load, Load::Trace { .. })
        {
            let why = format!("A prompt has {} tokens at most.", input.most());
            return Err(bad("shared-prefix", &shared_prefix.to_string(), &why, "Give less, or longer prompts"));
        }
        self.manner.check(self)?;
        self.output.check(&self.load)?;
        positive("timeout", self.timeout_s, LONGEST.as_secs_f64())?;
        match self.drain_s.is_finite() && (0.0..=LONGEST.as_secs_f64()).contains(&self.drain_s) {
            true => Ok(()),
            false => Err(bad("drain", &self.drain_s.to_string(), "It is no time to wait.", "Give seconds, 0 or more")),
        }
    }
}

impl Until {
    fn check(self, load: &Load) -> Result<(), Problem> {
        if let Some(seconds) = self.seconds {
            positive("seconds", seconds, LONGEST.as_secs_f64())?;
        }
        match self.requests {
            Some(0) => return Err(bad("requests", "0", "Nothing would be sent.", "Give 1 or more")),
            Some(more) if more > MOST_REQUESTS => {
                let next = format!("Give {MOST_REQUESTS} at most");
                return Err(bad("requests", &more.to_string(), "Their times would not fit into memory.", &next));
            }
            _ => {}
        }
        if self == Self::default() && !matches!(load, Load::Trace { .. }) {
            return Err(Problem::new(Code::BadInput, "The run has no end.")
                .why("Neither requests nor seconds are given.")
                .next("Give --requests, --seconds, or both: the first that is reached ends it."));
        }
        Ok(())
    }
}

impl Output {
    fn check(&self, load: &Load) -> Result<(), Problem> {
        if self.ignore_eos && self.tokens.is_none() && !matches!(load, Load::Trace { .. }) {
            return Err(Problem::new(Code::BadInput, "ignore-eos needs output-tokens.")
                .why("Without a most the answers would not end.")
                .next("Give --output-tokens."));
        }
        const OURS: [&str; 8] =
            ["model", "messages", "prompt", "stream", "stream_options", "max_tokens", "min_tokens", "ignore_eos"];
        if let Some(name) = self.extra.keys().find(|name| OURS.contains(&name.as_str())) {
            return Err(bad("extra", name, "It is set by the run.", "Leave it out"));
        }
        let is_secret = |(name, value): &(&String, &Value)| is_secret(name) || value.as_str().is_some_and(looks_secret);
        match self.extra.iter().find(is_secret) {
            Some((name, _)) => {
                Err(bad("extra", name, "It would be kept with the results.", "Give the key by --key-env or --key-file"))
            }
            None => Ok(()),
        }
    }
}

/// Numbers of tokens are called like secrets.
fn is_secret(name: &str) -> bool {
    names_a_secret(name) && !name.to_ascii_lowercase().contains("tokens")
}

fn positive(field: &str, number: f64, most: f64) -> Result<(), Problem> {
    match number > 0.0 && number <= most {
        true => Ok(()),
        false => Err(bad(
            field,
            &number.to_string(),
            "It is not what can be run.",
            &format!("Give more than 0, {most} at most"),
        )),
    }
}

fn bad(field: &str, value: &str, why: &str, next: &str) -> Problem {
    Problem::new(Code::BadInput, format!("{field} cannot be {value}.")).why(why).next(format!("{next}."))
}

/// What a load is made of that has times of its own.
///
/// # Errors
/// If its file cannot be read.
pub fn past(load: &Load) -> Result<Vec<trace::Past>, Problem> {
    match load {
        Load::Trace { file, .. } => trace::open(file),
        Load::Closed { .. } | Load::Open { .. } => Ok(Vec::new()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A plan that can be run.
    pub fn plan() -> Plan {
        Plan {
            target: Target {
                api: Api::Chat,
                url: "http://127.0.0.1:1/v1/chat/completions".into(),
                model: "chat".into(),
                key: KeyFrom::None,
                authorities: None,
                template: None,
                through: None,
            },
            load: Load::Closed { concurrency: 4 },
            manner: Manner::default(),
            prompts: Prompts::Synthetic { input: Sizes::Fixed(16), shared_prefix: 0 },
            output: Output { tokens: Some(Sizes::Fixed(8)), ignore_eos: false, usage: true, extra: Map::new() },
            until: Until { requests: Some(10), seconds: None },
            slo: Slo::default(),
            warm_up: WarmUp::None,
            seed: 1,
            timeout_s: 10.0,
            drain_s: 1.0,
        }
    }

    #[test]
    fn an_address_is_made_whole() {
        for (typed, want) in [
            ("http://h:8000", "http://h:8000/v1/chat/completions"),
            ("http://h:8000/", "http://h:8000/v1/chat/completions"),
            ("https://h/v1", "https://h/v1/chat/completions"),
            ("https://h/v1/chat/completions", "https://h/v1/chat/completions"),
            ("https://h/deployments/x?api-version=1", "https://h/deployments/x/chat/completions?api-version=1"),
        ] {
            assert_eq!(Api::Chat.address(typed, "m"), want);
        }
        assert_eq!(Api::Completions.address("http://h", "m"), "http://h/v1/completions");
    }

    #[test]
    fn a_plan_reads_back_as_it_is_kept() {
        let open = Load::Open { rate: 2.5, arrivals: Arrivals::Gamma(0.5), max_concurrency: Some(9) };
        let plan = Plan { load: open, ..plan() };
        plan.check().unwrap();
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan, "{text}");
    }

    type Change = Box<dyn Fn(&mut Plan)>;

    #[test]
    fn what_cannot_be_run_names_its_field() {
        let wrong: Vec<(&str, Change)> = vec![
            ("concurrency cannot be 0.", Box::new(|plan| plan.load = Load::Closed { concurrency: 0 })),
            ("concurrency cannot be 4000000.", Box::new(|plan| plan.load = Load::Closed { concurrency: 4_000_000 })),
            ("rate cannot be NaN.", Box::new(|plan| plan.load = open(f64::NAN, Arrivals::Poisson))),
            ("rate cannot be 0.", Box::new(|plan| plan.load = open(0.0, Arrivals::Poisson))),
            ("burstiness cannot be -1.", Box::new(|plan| plan.load = open(1.0, Arrivals::Gamma(-1.0)))),
            ("requests cannot be 0.", Box::new(|plan| plan.until.requests = Some(0))),
            ("seconds cannot be inf.", Box::new(|plan| plan.until.seconds = Some(f64::INFINITY))),
            ("The run has no end.", Box::new(|plan| plan.until = Until::default())),
            ("address cannot be ftp://h/x.", Box::new(|plan| plan.target.url = "ftp://h/x".into())),
            ("address cannot be nothing.", Box::new(|plan| plan.target.url = "nothing".into())),
            ("model cannot be  .", Box::new(|plan| plan.target.model = " ".into())),
            (
                "The address http://h/v1 has a secret in it.",
                Box::new(|plan| plan.target.url = "http://u:p@h/v1".into()),
            ),
            (
                "ignore-eos needs output-tokens.",
                Box::new(|plan| {
                    plan.output.ignore_eos = true;
                    plan.output.tokens = None;
                }),
            ),
            ("extra cannot be api_key.", Box::new(|plan| drop(plan.output.extra.insert("api_key".into(), "x".into())))),
            (
                "extra cannot be note.",
                Box::new(|plan| {
                    plan.output.extra.insert("note".into(), "sk-proj-abcdefgh".into());
                }),
            ),
            ("extra cannot be stream.", Box::new(|plan| drop(plan.output.extra.insert("stream".into(), false.into())))),
            (
                "shared-prefix cannot be 17.",
                Box::new(|plan| {
                    plan.prompts = Prompts::Synthetic { input: Sizes::Fixed(16), shared_prefix: 17 };
                }),
            ),
            ("timeout cannot be 0.", Box::new(|plan| plan.timeout_s = 0.0)),
            ("drain cannot be -1.", Box::new(|plan| plan.drain_s = -1.0)),
        ];
        for (want, change) in wrong {
            let mut plan = plan();
            change(&mut plan);
            assert_eq!(plan.check().unwrap_err().what, want);
        }
        let mut fine = plan();
        fine.output.extra.insert("max_completion_tokens".into(), 5.into());
        assert!(fine.check().is_ok());
    }

    fn open(rate: f64, arrivals: Arrivals) -> Load {
        Load::Open { rate, arrivals, max_concurrency: None }
    }
}

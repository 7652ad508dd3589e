//! What is said of a load and of the way to a target: the same of a run, of a comparison and of a search.

use super::MannerArgs;
use crate::exit::Failed;
use clap::{Args, ValueEnum};
use pilothouse_bench::{
    arrivals::Arrivals,
    oip::{Shape, Shapes},
    plan::{Api, KeyFrom, Load, Output, Plan, Prompts, Target, Through, Until, WarmUp},
    sizes::Sizes,
    slo::Slo,
    template::{Method, Template},
    worth::{Dollars, Price},
};
use pilothouse_wire::{Code, Problem};
use serde_json::{Map, Value};
use std::{path::PathBuf, str::FromStr};

/// The way to a target.
#[derive(Args, Clone, Debug)]
pub struct WayArgs {
    /// What it speaks: chat, completions or embeddings of OpenAI; infer and infer-grpc (Open Inference Protocol v2 over REST and
    /// over gRPC: tensors by the model's metadata); http (what --method and --body say) [default: chat; of a model out of a file
    /// completions, or infer]
    #[arg(long, value_name = "NAME", hide_possible_values = true)]
    pub api: Option<ApiName>,
    /// How infer and http ask: POST, PUT or GET
    #[arg(long, value_name = "METHOD", value_parser = method)]
    pub method: Option<Method>,
    /// The body of infer and http, or @FILE: {{prompt}}, {{model}}, {{max_tokens}} and {{n}} are filled in
    #[arg(long, value_name = "TEXT")]
    pub body: Option<String>,
    /// Where the text of an answer is, as a JSON pointer: /outputs/0/data/0
    #[arg(long, value_name = "POINTER")]
    pub answer: Option<String>,
    /// The shape of an input of infer and infer-grpc, where the model's metadata leaves it open: image=8x3x224x224, once for
    /// each; a first dimension that is open is 1
    #[arg(long, value_name = "INPUT=SIZES", value_parser = shape)]
    pub shape: Vec<(String, Shape)>,
    /// The variable that the API key is in
    #[arg(long, value_name = "VARIABLE", conflicts_with = "key_file")]
    pub key_env: Option<String>,
    /// The file that the API key is in
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Certificates in PEM: only what they signed is believed [default: what this machine trusts]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Of a server inside of a production cluster: its name, typed once more
    #[arg(long, value_name = "NAME")]
    pub typed: Option<String>,
}

/// A command that serves what is to be measured.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Start this command first, wait until it is ready, and stop it with all its children at the end; its words are kept
    /// beside the run. Of several targets NAME=COMMAND, once for each
    #[arg(long, value_name = "COMMAND")]
    pub serve: Vec<String>,
    /// Where it says that it is ready, by any success, likewise [default: /health at its address, of infer
    /// /v2/health/ready, of infer-grpc a call of ServerReady]
    #[arg(long, value_name = "URL", requires = "serve")]
    pub ready_url: Vec<String>,
    /// Seconds until it, or a model out of a file, has to be ready
    #[arg(long, value_name = "S", default_value_t = 600.0, allow_hyphen_values = true)]
    pub ready_within: f64,
    /// Read beside the load what this process of this machine and its children take, and the GPUs; with --serve it is known. Of
    /// several targets NAME=N, once for each
    #[arg(long, value_name = "N")]
    pub pid: Vec<String>,
    /// Read before and after the load what the server counts, likewise [default: /metrics at its address, with --serve or --pid]
    #[arg(long, value_name = "URL")]
    pub metrics: Vec<String>,
    /// Read the GPUs of this machine by this library of the driver [default: the usual one, with --serve or --pid]
    #[arg(long, value_name = "FILE")]
    pub nvml: Option<String>,
    /// What a GPU costs an hour, in dollars: 2.50. What a million tokens cost follows from it; without it there is no price
    #[arg(long, value_name = "DOLLARS")]
    pub gpu_hour: Option<Dollars>,
    /// So many GPUs serve it: tokens a second are told for each [default: those on which something ran, where GPUs are read]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub gpus: Option<u32>,
}

impl ServeArgs {
    /// What is said of what serves.
    pub fn price(&self) -> Price {
        Price { gpu_hour: self.gpu_hour, gpus: self.gpus }
    }
}

/// A load, and what is asked.
#[derive(Args, Clone, Debug)]
pub struct LoadArgs {
    /// Closed loop: so many at a time, the next when one is answered. It hides the server's queues
    #[arg(long, value_name = "N", conflicts_with_all = ["rate", "trace"])]
    pub concurrency: Option<u32>,
    /// Open loop: so many requests a second, whether the server keeps up or not
    #[arg(long, value_name = "N", conflicts_with = "trace", allow_hyphen_values = true)]
    pub rate: Option<f64>,
    /// How times between requests of an open loop are spread: constant, poisson, or gamma:SHAPE (1 is poisson, less comes
    /// in bursts)
    #[arg(long, value_name = "KIND", default_value = "poisson", value_parser = arrivals, requires = "rate")]
    pub arrivals: Arrivals,
    /// Replay: requests at the times and with the sizes of a trace: Azure's of 2023 or BurstGPT's, a CSV, or Mooncake's, lines of
    /// JSON, whose hash_ids say which blocks of prompts are the same
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// So many times quicker than the trace
    #[arg(long, value_name = "X", default_value_t = 1.0, requires = "trace", allow_hyphen_values = true)]
    pub speed: f64,
    /// No more than so many at a time; what waits for that counts into its latencies
    #[arg(long, value_name = "N", conflicts_with = "concurrency")]
    pub max_concurrency: Option<u32>,
    /// End after so many requests
    #[arg(long, value_name = "N")]
    pub requests: Option<u64>,
    /// Send none after so many seconds
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    pub seconds: Option<f64>,
    /// Tokens of a prompt: 512, 256..1024, or 512~128 (mean and standard deviation). A word is counted as a token; what the
    /// server counts is shown beside it
    #[arg(long, value_name = "SIZES", default_value = "256", conflicts_with_all = ["prompts", "trace"])]
    pub input_tokens: Sizes,
    /// So many tokens at the begin of each prompt are the same in all, for a cache of prefixes
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "prompts")]
    pub shared_prefix: u32,
    /// Prompts of a file, a JSON object a line: {"prompt": "…"} or {"messages": […]}; of a .txt a prompt a line; of a .json
    /// conversations of ShareGPT, of each the first words, with --turns all that the person says
    #[arg(long, value_name = "FILE", conflicts_with = "trace")]
    pub prompts: Option<PathBuf>,
    /// The most tokens of an answer, likewise as sizes [default: what the server does by itself]
    #[arg(long, value_name = "SIZES", conflicts_with = "trace")]
    pub output_tokens: Option<Sizes>,
    /// Ask the server to go on to the most (ignore_eos, min_tokens): else runs are over different numbers of tokens. Not
    /// every server takes it
    #[arg(long)]
    pub ignore_eos: bool,
    /// Do not ask the server to count (stream_options.include_usage): each piece is counted as a token
    #[arg(long)]
    pub no_usage: bool,
    /// More fields of each request, as a JSON object: {"temperature": 0}
    #[arg(long, value_name = "JSON", value_parser = object)]
    pub extra: Option<Extra>,
    /// What an answer has to keep to be a good one: ttft=500ms,tpot=50ms,e2e=10s (or e2el)
    #[arg(long, value_name = "LIMITS", default_value = "", hide_default_value = true)]
    pub slo: Slo,
    /// How those behave who send it.
    #[command(flatten)]
    pub manner: MannerArgs,
    /// What is left out of the measures at the begin: mser5, none, or a number of requests
    #[arg(long, value_name = "RULE", default_value = "mser5", value_parser = warm_up)]
    pub warm_up: WarmUp,
    /// What all that is drawn begins with: the same again is the same load again
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Seconds after which a request has failed
    #[arg(long, value_name = "S", default_value_t = 600.0, allow_hyphen_values = true)]
    pub timeout: f64,
    /// Seconds that requests under way are given once --seconds are over
    #[arg(long, value_name = "S", default_value_t = 30.0, allow_hyphen_values = true)]
    pub drain: f64,
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ApiName {
    // Without doc comments: clap would print them at length in every help.
    #[allow(missing_docs, reason = "the words are the meaning")]
    Chat,
    #[allow(missing_docs, reason = "the words are the meaning")]
    Completions,
    #[allow(missing_docs, reason = "the words are the meaning")]
    Embeddings,
    #[allow(missing_docs, reason = "the words are the meaning")]
    Infer,
    #[allow(missing_docs, reason = "the words are the meaning")]
    InferGrpc,
    #[allow(missing_docs, reason = "the words are the meaning")]
    Http,
}

/// Fields of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Extra(pub Map<String, Value>);

impl WayArgs {
    /// A target by its address and its model.
    ///
    /// # Errors
    /// If the file of a body cannot be read, or the address is none.
    pub fn target(&self, address: &str, model: &str) -> Result<Target, Failed> {
        let api = match self.api.unwrap_or(ApiName::Chat) {
            ApiName::Chat => Api::Chat,
            ApiName::Completions => Api::Completions,
            ApiName::Embeddings => Api::Embeddings,
            ApiName::Infer => Api::Infer,
            ApiName::InferGrpc => Api::InferGrpc,
            ApiName::Http => Api::Http,
        };
        let body = self.body.as_deref().map(body).transpose()?;
        let shapes: Shapes = self.shape.iter().cloned().collect();
        let is_worded = body.is_some() || self.method.is_some() || self.answer.is_some() || !shapes.is_empty();
        let (method, answer) = (self.method.unwrap_or_default(), self.answer.clone());
        let template = is_worded.then_some(Template { method, body, answer, shapes, model: None });
        let key = match (&self.key_env, &self.key_file) {
            (Some(name), _) => KeyFrom::Variable(name.clone()),
            (None, Some(file)) => KeyFrom::File(file.clone()),
            (None, None) => KeyFrom::None,
        };
        let (address, through) = Through::or_address(address)?;
        let (url, model, authorities) = (api.address(&address, model), model.to_owned(), self.ca.clone());
        Ok(Target { api, url, model, key, authorities, template, through })
    }
}

impl LoadArgs {
    /// What is to be run on a target.
    ///
    /// # Errors
    /// If no load is said.
    pub fn plan(&self, target: Target) -> Result<Plan, Failed> {
        let max_concurrency = self.max_concurrency;
        let load = match (&self.trace, self.rate, self.concurrency) {
            (Some(file), ..) => Load::Trace { file: file.clone(), speed: self.speed, max_concurrency },
            (None, Some(rate), _) => Load::Open { rate, arrivals: self.arrivals, max_concurrency },
            (None, None, Some(concurrency)) => Load::Closed { concurrency },
            (None, None, None) => {
                return Err(Failed::Usage("No load is said: give --concurrency, --rate or --trace.".into()));
            }
        };
        let prompts = match &self.prompts {
            Some(file) => Prompts::File(file.clone()),
            None => Prompts::Synthetic { input: self.input_tokens, shared_prefix: self.shared_prefix },
        };
        Ok(Plan {
            target,
            load,
            manner: self.manner.manner(),
            prompts,
            output: Output {
                tokens: self.output_tokens,
                ignore_eos: self.ignore_eos,
                usage: !self.no_usage,
                extra: self.extra.clone().map(|extra| extra.0).unwrap_or_default(),
            },
            until: Until { requests: self.requests, seconds: self.seconds },
            slo: self.slo,
            warm_up: self.warm_up,
            seed: self.seed,
            timeout_s: self.timeout,
            drain_s: self.drain,
        })
    }
}

fn shape(text: &str) -> Result<(String, Shape), String> {
    match text.split_once('=') {
        Some((name, sizes)) if !name.is_empty() => Ok((name.to_owned(), sizes.parse()?)),
        _ => Err("write INPUT=1x3x224x224".into()),
    }
}

fn method(text: &str) -> Result<Method, String> {
    match text.to_ascii_uppercase().as_str() {
        "POST" => Ok(Method::Post),
        "PUT" => Ok(Method::Put),
        "GET" => Ok(Method::Get),
        _ => Err("give POST, PUT or GET".into()),
    }
}

/// A text, or that of a file.
fn body(typed: &str) -> Result<String, Failed> {
    let Some(file) = typed.strip_prefix('@') else { return Ok(typed.to_owned()) };
    std::fs::read_to_string(file).map_err(|error| {
        Problem::new(Code::BadInput, format!("The body of {file} cannot be used.")).why(format!("{error}.")).into()
    })
}

fn arrivals(text: &str) -> Result<Arrivals, String> {
    match text.split_once(':') {
        None if text == "constant" => Ok(Arrivals::Constant),
        None if text == "poisson" => Ok(Arrivals::Poisson),
        Some(("gamma", shape)) => shape.parse().map(Arrivals::Gamma).map_err(|_| format!("\"{shape}\" is no number")),
        _ => Err("give constant, poisson or gamma:SHAPE".into()),
    }
}

fn warm_up(text: &str) -> Result<WarmUp, String> {
    match text {
        "mser5" => Ok(WarmUp::Mser5),
        "none" => Ok(WarmUp::None),
        number => {
            u64::from_str(number).map(WarmUp::Requests).map_err(|_| "give mser5, none or a number of requests".into())
        }
    }
}

fn object(text: &str) -> Result<Extra, String> {
    serde_json::from_str(text).map(Extra).map_err(|error| format!("it is no JSON object: {error}"))
}

//! What was filled in, read.

use super::{
    Serve,
    form::{INPUT, label},
};
use crate::{
    arrivals::Arrivals,
    beside::Given,
    oip::Shapes,
    plan::{Api, Cancel, KeyFrom, Load, Manner, Output, Plan, Prompts, Ramp, Target, Through, Until, WarmUp},
    search::{self, Scale},
    server,
    template::Template,
    workers::{self, Spec},
    worth::Price,
};
use pilothouse_wire::{Code, Problem, SmolStr, form::Draft};
use serde_json::Map;
use std::str::FromStr;

const TIMEOUT_S: f64 = 600.0;
const DRAIN_S: f64 = 30.0;
/// The share of requests that is to keep the limits, and how sure a place of a search is to be.
const MOSTLY: f64 = 0.95;
/// A search ends once what does not keep the limits is no more than so many times what does.
const WITHIN: f64 = 1.1;

/// Of the name of a version so much is in that of its arm, in letters.
const LONGEST_NAME: usize = 32;

/// What was filled in.
pub(super) struct Filled<'a>(pub &'a Draft);

impl Filled<'_> {
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.values.get(key).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    fn needed(&self, key: &str) -> Result<&str, Problem> {
        self.text(key).ok_or_else(|| Problem::new(Code::BadInput, format!("{} is needed.", label(key))))
    }

    fn read<T>(&self, key: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(key) else { return Ok(None) };
        read(text).map(Some).map_err(|why| {
            Problem::new(Code::BadInput, format!("{} cannot be {text}.", label(key))).why(format!("{why}."))
        })
    }

    pub fn number<T: FromStr>(&self, key: &str) -> Result<Option<T>, Problem> {
        self.read(key, |text| text.replace(',', "").parse().map_err(|_| "It is no such number".to_owned()))
    }

    /// The command that serves a target, if one is to be started.
    pub fn serve(&self, key: &str, arm: &str, target: &Target) -> Result<Option<Serve>, Problem> {
        let Some(typed) = self.text(key) else { return Ok(None) };
        if let Some(through) = &target.through {
            return Err(Problem::new(Code::BadInput, format!("{} cannot be started.", label(key)))
                .why(format!("What it starts is on this machine, and {} is what is asked.", through.place()))
                .next("Leave it out, or give an address of this machine."));
        }
        let command = server::split(typed)
            .map_err(|problem| Problem { what: format!("{} cannot be started.", label(key)), ..problem })?;
        Ok(Some(Serve { arm: arm.into(), command, target: target.clone() }))
    }

    /// The server of embeddings by which answers are compared, if one is named.
    pub fn embed(&self) -> Result<Option<Target>, Problem> {
        let Some(address) = self.text("embed") else {
            return match ["embed_model", "embed_key_file"].into_iter().find(|key| self.text(key).is_some()) {
                Some(alone) => Err(Problem::new(Code::BadInput, format!("{} is needed.", label("embed")))
                    .why(format!("{} is of a server that is not named.", label(alone)))),
                None => Ok(None),
            };
        };
        if self.text("against").is_none() {
            return Err(Problem::new(Code::BadInput, format!("{} is of no comparison.", label("embed")))
                .why("Answers are compared with those of another target.")
                .next(format!("Give {}, or leave it out.", label("against"))));
        }
        let model = self.needed("embed_model")?;
        let target = Target {
            api: Api::Embeddings,
            url: Api::Embeddings.address(address, model),
            model: model.to_owned(),
            key: self.text("embed_key_file").map_or(KeyFrom::None, |file| KeyFrom::File(file.into())),
            authorities: None,
            template: None,
            through: None,
        };
        target.check().map_err(|problem| of_address(problem, "embed"))?;
        Ok(Some(target))
    }

    /// The workers that are to send it, if any are.
    pub fn workers(&self) -> Result<Option<Spec>, Problem> {
        let Some(on) = self.text("on") else {
            return match ["workers", "image", "key_secret"].into_iter().find(|key| self.text(key).is_some()) {
                Some(alone) => Err(Problem::new(Code::BadInput, format!("{} is needed.", label("on")))
                    .why(format!("{} is of workers, and nobody says where they run.", label(alone)))),
                None => Ok(None),
            };
        };
        for (key, why) in [
            ("against", "Blocks of a comparison are sent by one machine."),
            ("find", "A search is sent by one machine."),
            ("serve", "What it starts is on this machine, and workers do not reach it."),
            ("key_file", "It is on this machine, and stands in no manifest."),
        ] {
            if self.text(key).is_some() {
                let what = format!("{} and {} are both given.", label("on"), label(key));
                return Err(Problem::new(Code::BadInput, what).why(why).next("Leave out one of both."));
            }
        }
        let place = |typed: &str| {
            let place = workers::place(typed).map(|(cluster, namespace)| (cluster.to_owned(), namespace.to_owned()));
            place.ok_or_else(|| "It is CONNECTION/NAMESPACE".to_owned())
        };
        let key = self.read("key_secret", |typed| match typed.split_once('/') {
            Some((name, key)) if !name.is_empty() && !key.is_empty() => Ok((name.into(), key.into())),
            _ => Err("It is NAME/KEY of a Secret".to_owned()),
        })?;
        let (cluster, namespace) = self.read("on", place)?.unwrap_or_else(|| (on.to_owned(), String::new()));
        let many = self.number("workers")?;
        let many = many.ok_or_else(|| Problem::new(Code::BadInput, format!("{} is needed.", label("workers"))))?;
        let image = self.text("image").map(str::to_owned);
        Ok(Some(Spec { image, key, ..Spec::usual(&cluster, &namespace, many) }))
    }

    /// What is looked for, if a limit is.
    pub fn find(&self) -> Result<Option<Found>, Problem> {
        self.read("find", str::parse)
    }

    fn scale(&self, found: &Found) -> Scale {
        match found {
            Found::Between(..) if self.text("find_over") != Some("concurrency") => Scale::Rate,
            _ => Scale::Concurrency,
        }
    }

    pub fn search(&self, plan: Plan, found: Found) -> Result<search::Wanted, Problem> {
        if self.text("against").is_some() {
            return Err(Problem::new(Code::BadInput, "Find the limit and the candidate's address are both given.")
                .why("A search is of one target.")
                .next("Find the limit of each, or compare both at one load."));
        }
        let scale = self.scale(&found);
        let (range, sweep) = match found {
            Found::Between(least, most) => ((least, most), None),
            Found::Each(places) => {
                let ends = places.iter().fold((f64::INFINITY, 0.0_f64), |ends, at| (ends.0.min(*at), ends.1.max(*at)));
                (ends, Some(places))
            }
        };
        let wanted = search::Wanted {
            plan,
            given: Given::default(),
            scale,
            range,
            sweep,
            good: MOSTLY,
            sure: MOSTLY,
            within: WITHIN,
            arms: Vec::new(),
            most_late_us: None,
            gpus: self.price()?.gpus,
        };
        wanted.check().map_err(|problem| match problem.what.as_str() {
            "slo cannot be empty." => Problem::new(Code::BadInput, format!("{} is needed.", label("limits")))
                .why("Without limits there is none to keep.")
                .next("Say what an answer has to keep, such as ttft=500ms,tpot=50ms."),
            what => match what.strip_prefix("the range") {
                Some(rest) => Problem { what: format!("{}{rest}", label("find")), ..problem },
                None => problem,
            },
        })?;
        Ok(wanted)
    }

    /// The load, of a search that of its first probe.
    fn load(&self) -> Result<Load, Problem> {
        let constant = self.text("arrivals") == Some("constant");
        let arrivals = if constant { Arrivals::Constant } else { Arrivals::Poisson };
        if let Some(file) = self.text("trace") {
            let alone = ["concurrency", "rate", "find"].into_iter().find(|key| self.text(key).is_some());
            return match alone {
                Some(key) => {
                    Err(Problem::new(Code::BadInput, format!("{} and {} are both given.", label("trace"), label(key)))
                        .why("A trace has times of its own.")
                        .next("Leave out one of both."))
                }
                None => Ok(Load::Trace {
                    file: file.into(),
                    speed: self.number("speed")?.unwrap_or(1.0),
                    max_concurrency: None,
                }),
            };
        }
        match (self.number("concurrency")?, self.number("rate")?, self.find()?) {
            (Some(concurrency), None, None) => Ok(Load::Closed { concurrency }),
            (None, Some(rate), None) => Ok(Load::Open { rate, arrivals, max_concurrency: None }),
            (None, None, Some(found)) => Ok(match (self.scale(&found), found) {
                (Scale::Rate, Found::Between(rate, _)) => Load::Open { rate, arrivals, max_concurrency: None },
                _ => Load::Closed { concurrency: 1 },
            }),
            (None, None, None) => Err(Problem::new(Code::BadInput, "No load is said.")
                .why("A loop is closed, with so many at a time, or open, with so many a second.")
                .next("Give concurrency, rate, or what is to be found.")),
            (_, _, Some(_)) => Err(Problem::new(Code::BadInput, "A load and a search for it are both given.")
                .why("A search varies the load by itself.")
                .next("Leave out concurrency and rate, or what is to be found.")),
            (Some(_), Some(_), None) => Err(Problem::new(Code::BadInput, "Concurrency and rate are both given.")
                .why("A loop is closed, with so many at a time, or open, with so many a second.")
                .next("Give either concurrency or rate.")),
        }
    }

    /// What the candidate is called: after its version, where that is said. Files are called so.
    pub fn candidate(&self) -> SmolStr {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let named: String = self.text("version").unwrap_or_default().chars().map(plain).take(LONGEST_NAME).collect();
        match named.trim_matches(['-', '.']) {
            "" | "baseline" => SmolStr::new_static("candidate"),
            named => named.into(),
        }
    }

    /// Nothing is said of a candidate without where it is: a person who wanted a comparison would get a run.
    pub fn no_candidate(&self) -> Result<(), Problem> {
        match ["against_model", "against_serve", "version"].into_iter().find(|key| self.text(key).is_some()) {
            Some(alone) => Err(Problem::new(Code::BadInput, format!("{} is needed.", label("against")))
                .why(format!("{} is of a candidate, and nobody says where that is.", label(alone)))
                .next("Say where it serves, or where its command will; or leave both out.")),
            None => Ok(()),
        }
    }

    /// What is said of what serves.
    pub fn price(&self) -> Result<Price, Problem> {
        Ok(Price { gpu_hour: self.read("gpu_hour", str::parse)?, gpus: self.number("gpus")?.filter(|gpus| *gpus > 0) })
    }

    /// How those behave who send it.
    fn manner(&self) -> Result<Manner, Problem> {
        let alone = |key: &str| {
            Problem::new(Code::BadInput, format!("{} is needed.", label(key)))
                .why("It goes with what is given beside it.")
                .next("Give both, or none.")
        };
        let ramp = match (self.number("ramp_from")?, self.number("ramp_seconds")?) {
            (Some(from), Some(seconds)) => Some(Ramp { from, seconds, steps: self.number("ramp_steps")? }),
            (None, None) => None,
            (Some(_), None) => return Err(alone("ramp_seconds")),
            (None, Some(_)) => return Err(alone("ramp_from")),
        };
        let cancel = match (self.number::<f64>("cancel")?, self.read("cancel_after", str::parse)?) {
            (Some(percent), Some(after)) => Some(Cancel { share: percent / 100.0, after }),
            (None, None) => None,
            (Some(_), None) => return Err(alone("cancel_after")),
            (None, Some(_)) => return Err(alone("cancel")),
        };
        let mix = self.read("mix", |typed| typed.split_whitespace().map(str::parse).collect())?.unwrap_or_default();
        let cache = self.read("cache", str::parse)?.unwrap_or_default();
        Ok(Manner { ramp, think: self.read("think", str::parse)?, cancel, turns: self.number("turns")?, mix, cache })
    }

    pub fn plan(&self, url: &str, model: &str) -> Result<Plan, Problem> {
        let api = match self.text("api") {
            Some("completions") => Api::Completions,
            Some("embeddings") => Api::Embeddings,
            Some("infer") => Api::Infer,
            Some("infer-grpc") => Api::InferGrpc,
            _ => Api::Chat,
        };
        let template = self.read("shape", shapes)?.map(|shapes| Template { shapes, ..Template::default() });
        let model = self.needed(model)?;
        let named = |problem: Problem| of_address(problem, url);
        let (address, through) = Through::or_address(self.needed(url)?).map_err(named)?;
        let target = Target {
            api,
            url: api.address(&address, model),
            model: model.to_owned(),
            key: self.text("key_file").map_or(KeyFrom::None, |file| KeyFrom::File(file.into())),
            authorities: None,
            template,
            through,
        };
        let load = self.load()?;
        let tokens = self.read("output", str::parse)?;
        let input = self.read("input", str::parse)?;
        let prompts = match self.text("prompts") {
            Some(file) => Prompts::File(file.into()),
            None => Prompts::Synthetic {
                input: input
                    .map_or_else(|| INPUT.parse(), Ok)
                    .map_err(|why: String| Problem::new(Code::Internal, why))?,
                shared_prefix: self.number("shared_prefix")?.unwrap_or(0),
            },
        };
        let plan = Plan {
            target,
            load,
            manner: self.manner()?,
            prompts,
            output: Output { tokens, ignore_eos: false, usage: api.streams(), extra: Map::new() },
            until: Until { requests: self.number("requests")?, seconds: self.number("seconds")? },
            slo: self.read("limits", str::parse)?.unwrap_or_default(),
            warm_up: WarmUp::Mser5,
            seed: 1,
            timeout_s: TIMEOUT_S,
            drain_s: DRAIN_S,
        };
        if plan.until == Until::default() && !matches!(plan.load, Load::Trace { .. }) {
            return Err(Problem::new(Code::BadInput, "The run has no end.")
                .why("Neither requests nor seconds are given.")
                .next("Give requests, seconds, or both: the first that is reached ends it."));
        }
        plan.check().map_err(named)?;
        Ok(plan)
    }
}

/// Said of the field that an address was typed in, or of that of shapes, which alone words a request here.
fn of_address(problem: Problem, key: &str) -> Problem {
    let (address, worded) = (problem.what.strip_prefix("address"), problem.what.strip_prefix("body"));
    match (address, worded) {
        (Some(rest), _) => Problem { what: format!("{}{rest}", label(key)), ..problem },
        (None, Some(rest)) => Problem { what: format!("{}{rest}", label("shape")), ..problem },
        (None, None) => problem,
    }
}

/// Shapes of inputs, a blank between two.
fn shapes(typed: &str) -> Result<Shapes, String> {
    let one = |typed: &str| match typed.split_once('=') {
        Some((name, sizes)) if !name.is_empty() => Ok((name.to_owned(), sizes.parse()?)),
        _ => Err("Write INPUT=1x3x224x224".to_owned()),
    };
    typed.split_whitespace().map(one).collect()
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    /// The highest place from the least to the most.
    Between(f64, f64),
    /// Each of these places.
    Each(Vec<f64>),
}

impl FromStr for Found {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((least, most)) = text.split_once("..") {
            let number = |text: &str| text.trim().parse().map_err(|_| format!("\"{text}\" is no number"));
            return Ok(Self::Between(number(least)?, number(most)?));
        }
        let place = |text: &str| {
            let place: Option<u32> = text.trim().parse().ok().filter(|place| *place > 0);
            place.map(f64::from).ok_or_else(|| format!("\"{text}\" is no number of requests at a time"))
        };
        let places: Vec<f64> = text.split(',').map(place).collect::<Result<_, _>>()?;
        if places.len() < 2 {
            Err("One place is no sweep: write LOW..HIGH, or 1,2,4,8".into())
        } else {
            Ok(Self::Each(places))
        }
    }
}

//! The bodies of requests. Seeded by the number of the request: request 17 asks the same whatever came before it, but for what
//! was said before in its conversation.

mod file;

use self::file::Line;
use crate::{
    oip::Fill,
    plan::{Api, Cache, Manner, Output, Plan, Prompts},
    sizes::Sizes,
    template::{self, Filling, Method},
    trace::{BLOCK, Past},
    words::WORDS,
};
use bytes::Bytes;
use pilothouse_wire::{Code, Problem};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Of the words that all prompts begin with.
const SHARED: u64 = 0x5aa5;
/// Of the words of a block of a trace, beside its number.
const BLOCKS: u64 = 0xb10c;

/// A request, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Its body.
    pub body: Bytes,
    /// Tokens of its prompt, by the estimate of a word a token.
    pub wanted_input: u32,
    /// The most tokens of its answer, where that is said.
    pub wanted_output: Option<u32>,
}

/// Makes the requests of a run.
pub struct Maker {
    api: Api,
    model: String,
    output: Output,
    prompts: Made,
    body: Option<String>,
    /// Tensors, where a request is made of them.
    fill: Option<Fill>,
    seed: u64,
    manner: Manner,
    /// What the blocks of each prompt of a trace are; empty where it does not tell.
    blocks: Vec<Arc<[u64]>>,
    /// What words are drawn by, where no run before may have sent them.
    salt: u64,
}

/// A place in a conversation.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// Which conversation.
    pub of: u64,
    /// What is said in it now, from 0.
    pub at: u32,
    /// What was said in it before, as messages.
    pub before: &'a [Value],
}

enum Made {
    Synthetic { input: Sizes, prefix: String, prefix_words: u32 },
    Lines(Vec<Line>),
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Messages<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<&'a str>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignore_eos: Option<bool>,
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Messages<'a> {
    One([Message<'a>; 1]),
    Many(&'a [Value]),
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

/// A request of embeddings.
#[derive(Serialize)]
struct Embedded<'a> {
    model: &'a str,
    input: &'a str,
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl Maker {
    /// Of a plan; reads its file of prompts.
    ///
    /// # Errors
    /// If that cannot be read, or a line of it is no prompt.
    pub fn of(plan: &Plan) -> Result<Self, Problem> {
        let prompts = match &plan.prompts {
            Prompts::Synthetic { input, shared_prefix } => {
                let mut dice = SmallRng::seed_from_u64(plan.seed ^ SHARED);
                let prefix = words(*shared_prefix, &mut dice);
                Made::Synthetic { input: *input, prefix, prefix_words: *shared_prefix }
            }
            Prompts::File(file) => Made::Lines(file::open(file, plan.target.api, plan.manner.turns.is_some())?),
        };
        let Plan { target, output, seed, manner, .. } = plan;
        let template = target.template.as_ref();
        Ok(Self {
            api: target.api,
            model: target.model.clone(),
            output: output.clone(),
            prompts,
            body: template.and_then(|template| template.body.clone()),
            fill: fill(plan)?,
            seed: *seed,
            manner: manner.clone(),
            blocks: Vec::new(),
            salt: 0,
        })
    }

    /// The same for requests of a trace, which may say what of their prompts is alike.
    #[must_use]
    pub fn replaying(mut self, past: &[Past]) -> Self {
        if past.iter().any(|of| !of.blocks.is_empty()) {
            self.blocks = past.iter().map(|of| Arc::clone(&of.blocks)).collect();
        }
        self
    }

    /// The same for a run of this name and begin, where no run before may have sent its words.
    #[must_use]
    pub fn of_run(mut self, run: &str) -> Self {
        if self.manner.cache == Cache::Cold {
            // FNV-1a: the same name gives the same words on every machine.
            self.salt = run
                .bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        }
        self
    }

    /// How those behave who send it.
    #[must_use]
    pub fn manner(&self) -> &Manner {
        &self.manner
    }

    /// How many different prompts a file has; none where they are made.
    #[must_use]
    pub fn lines(&self) -> Option<u64> {
        match &self.prompts {
            Made::Synthetic { .. } => None,
            Made::Lines(lines) => Some(lines.len() as u64),
        }
    }

    /// The request of this number for an answer of one token: what puts its prompt into a cache.
    #[must_use]
    pub fn first(&self, n: u64, sizes: Option<(u32, u32)>) -> Ready {
        let tokens = Output { tokens: Some(Sizes::Fixed(1)), ..self.output.clone() };
        self.with(n, sizes, &tokens)
    }

    /// What all prompts begin with, as a request of its own for one token; none where they begin with nothing alike.
    #[must_use]
    pub fn prefix(&self) -> Option<Ready> {
        match &self.prompts {
            Made::Synthetic { prefix, .. } if !prefix.is_empty() => Some(self.say(prefix, 1)),
            _ => None,
        }
    }

    /// The request of this number within a conversation, and what is said in it by who asks; none where that is over.
    #[must_use]
    pub fn turn(&self, n: u64, turn: Turn<'_>) -> Option<(Ready, String)> {
        let mut dice = self.dice(n);
        let drawn = self.output.tokens.map(|tokens| tokens.draw(&mut dice));
        let (said, output) = match &self.prompts {
            Made::Synthetic { input, .. } => (self.words_of(n, input.draw(&mut dice), &mut dice), drawn),
            Made::Lines(lines) => {
                let at = usize::try_from(turn.of % lines.len().max(1) as u64).unwrap_or_default();
                (lines[at].said(turn.at)?.to_owned(), lines[at].output_tokens.or(drawn))
            }
        };
        let mut messages = turn.before.to_vec();
        messages.push(json!({ "role": "user", "content": said }));
        let wanted = count_words(&messages);
        Some((self.ready(n, None, Some(&messages), wanted, output), said))
    }

    /// The request of this number; `sizes` are those of a trace, of prompt and answer.
    #[must_use]
    pub fn make(&self, n: u64, sizes: Option<(u32, u32)>) -> Ready {
        self.with(n, sizes, &self.output)
    }

    fn with(&self, n: u64, sizes: Option<(u32, u32)>, output: &Output) -> Ready {
        let mut dice = self.dice(n);
        let drawn = output.tokens.map(|tokens| tokens.draw(&mut dice));
        let of_plan = sizes.map(|(_, output)| output).or(drawn);
        match &self.prompts {
            Made::Synthetic { input, prefix_words, .. } => {
                let wanted = sizes.map_or_else(|| input.draw(&mut dice), |(input, _)| input);
                let prompt = self.words_of(n, wanted, &mut dice);
                self.ready(n, Some(&prompt), None, wanted.max(*prefix_words), of_plan)
            }
            Made::Lines(lines) => {
                let at = usize::try_from(n % lines.len().max(1) as u64).unwrap_or_default();
                let line = &lines[at];
                let output = sizes.map(|(_, output)| output).or(line.output_tokens).or(drawn);
                let prompt = line.prompt.as_deref().map_or(0, count_text);
                let wanted = prompt.saturating_add(count_words(line.messages.as_deref().unwrap_or_default()));
                self.ready(n, line.prompt.as_deref(), line.messages.as_deref(), wanted, output)
            }
        }
    }

    /// A request with this prompt.
    #[must_use]
    pub fn say(&self, prompt: &str, tokens: u32) -> Ready {
        self.ready(0, Some(prompt), None, count_text(prompt), Some(tokens))
    }

    /// Neighbouring seeds give unlike draws only if they are far from each other.
    fn dice(&self, n: u64) -> SmallRng {
        SmallRng::seed_from_u64(self.seed ^ n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// So many words for a request: what all begin with, what the trace says of its blocks, and its own.
    fn words_of(&self, n: u64, wanted: u32, dice: &mut SmallRng) -> String {
        let Made::Synthetic { prefix, prefix_words, .. } = &self.prompts else { return String::new() };
        let mut text = prefix.clone();
        let mut add = |more: &str| {
            if !text.is_empty() && !more.is_empty() {
                text.push(' ');
            }
            text.push_str(more);
        };
        let mut left = wanted.saturating_sub(*prefix_words);
        let known = usize::try_from(n).ok().and_then(|n| self.blocks.get(n));
        for block in known.iter().flat_map(|blocks| blocks.iter()) {
            let mut dice =
                SmallRng::seed_from_u64(self.seed ^ self.salt ^ BLOCKS ^ block.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let here = left.min(BLOCK);
            add(&words(here, &mut dice));
            left -= here;
        }
        if self.salt == 0 {
            add(&words(left, dice));
        } else {
            add(&words(left, &mut SmallRng::seed_from_u64(self.salt ^ dice.random::<u64>())));
        }
        text
    }

    fn model(&self, n: u64) -> &str {
        let of_mix = self.manner.model(self.seed, n).and_then(|at| self.manner.mix.get(at));
        of_mix.map_or(&self.model, |of| &of.model)
    }

    fn ready(
        &self,
        n: u64,
        prompt: Option<&str>,
        messages: Option<&[Value]>,
        wanted_input: u32,
        wanted_output: Option<u32>,
    ) -> Ready {
        if let Some(fill) = &self.fill {
            let wanted_input = if fill.says() { wanted_input } else { 0 };
            return Ready { body: fill.body(n, prompt.unwrap_or_default()), wanted_input, wanted_output };
        }
        let body = match self.api {
            Api::Chat | Api::Completions => self.streamed(n, prompt, messages, wanted_output),
            Api::Embeddings => {
                let input = prompt.unwrap_or_default();
                // Texts and what was read as JSON: there is nothing in it that could not be written.
                serde_json::to_vec(&Embedded { model: self.model(n), input, extra: &self.output.extra })
                    .unwrap_or_default()
            }
            Api::Infer | Api::InferGrpc | Api::Http => self.worded(n, prompt.unwrap_or_default(), wanted_output),
        };
        Ready { body: body.into(), wanted_input, wanted_output }
    }

    /// By a person's own words; a request that is a GET has none.
    fn worded(&self, n: u64, prompt: &str, max_tokens: Option<u32>) -> Vec<u8> {
        let body = self.body.as_deref().unwrap_or_default();
        template::fill(body, Filling { prompt, model: &self.model, max_tokens, n }).into_bytes()
    }

    fn streamed(
        &self,
        n: u64,
        prompt: Option<&str>,
        messages: Option<&[Value]>,
        wanted_output: Option<u32>,
    ) -> Vec<u8> {
        let said = |content| Messages::One([Message { role: "user", content }]);
        let (messages, prompt) = match (self.api, prompt) {
            (Api::Chat, Some(prompt)) => (Some(said(prompt)), None),
            (Api::Chat, None) => (messages.map(Messages::Many), None),
            (_, prompt) => (None, prompt),
        };
        let pinned = self.output.ignore_eos;
        let body = Body {
            model: self.model(n),
            messages,
            prompt,
            stream: true,
            stream_options: self.output.usage.then_some(StreamOptions { include_usage: true }),
            max_tokens: wanted_output,
            min_tokens: wanted_output.filter(|_| pinned),
            ignore_eos: pinned.then_some(true),
            extra: &self.output.extra,
        };
        // Texts, numbers and what was read as JSON: there is nothing in it that could not be written.
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// What fills tensors, where requests of a plan are made of them.
fn fill(plan: &Plan) -> Result<Option<Fill>, Problem> {
    let Plan { target, seed, .. } = plan;
    let template = target.template.as_ref();
    let is_worded = template.is_some_and(|template| template.body.is_some() || template.method == Method::Get);
    let is_grpc = target.api == Api::InferGrpc;
    if !is_grpc && (target.api != Api::Infer || is_worded) {
        return Ok(None);
    }
    match template.and_then(|template| template.model.as_ref()) {
        Some(model) => Ok(Some(Fill::new(&target.model, model, is_grpc, *seed))),
        None => Err(Problem::new(Code::BadInput, format!("What {} takes is not known.", target.model))
            .why("Its server was not asked for its metadata.")
            .next("Start it by pilothouse bench, which asks; or give the request by --body (over REST).")),
    }
}

/// Words of a text, each counted as a token.
fn count_text(text: &str) -> u32 {
    u32::try_from(text.split_whitespace().count()).unwrap_or(u32::MAX)
}

/// The same of messages.
fn count_words(messages: &[Value]) -> u32 {
    let each = messages.iter().filter_map(|message| message["content"].as_str()).map(count_text);
    each.fold(0, u32::saturating_add)
}

fn words(count: u32, dice: &mut SmallRng) -> String {
    let mut text = String::with_capacity(count as usize * 5);
    for n in 0..count {
        if n > 0 {
            text.push(' ');
        }
        text.push_str(WORDS[dice.random_range(0..WORDS.len())]);
    }
    text
}

#[cfg(test)]
mod tests;

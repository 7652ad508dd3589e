//! The bodies of requests. Seeded by the number of the request: request 17 asks the same whatever came before it.

use crate::{
    oip::Fill,
    plan::{Api, Output, Plan, Prompts},
    sizes::Sizes,
    template::{self, Filling, Method},
    words::WORDS,
};
use bytes::Bytes;
use pilothouse_wire::{Code, Problem};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// A file of prompts is no larger.
const LARGEST: u64 = 1 << 30;
/// Of the words that all prompts begin with.
const SHARED: u64 = 0x5aa5;

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
}

enum Made {
    Synthetic { input: Sizes, prefix: String, prefix_words: u32 },
    Lines(Vec<Line>),
}

/// A prompt of a file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Line {
    prompt: Option<String>,
    messages: Option<Vec<Value>>,
    /// The most tokens of its answer; what the plan says is for those without.
    #[serde(alias = "max_tokens")]
    output_tokens: Option<u32>,
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
            Prompts::File(file) => Made::Lines(open(file, plan.target.api)?),
        };
        let Plan { target, output, seed, .. } = plan;
        let template = target.template.as_ref();
        Ok(Self {
            api: target.api,
            model: target.model.clone(),
            output: output.clone(),
            prompts,
            body: template.and_then(|template| template.body.clone()),
            fill: fill(plan)?,
            seed: *seed,
        })
    }

    /// The request of this number; `sizes` are those of a trace, of prompt and answer.
    #[must_use]
    pub fn make(&self, n: u64, sizes: Option<(u32, u32)>) -> Ready {
        // Neighbouring seeds give unlike draws only if they are far from each other.
        let mut dice = SmallRng::seed_from_u64(self.seed ^ n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let drawn = self.output.tokens.map(|tokens| tokens.draw(&mut dice));
        let of_plan = sizes.map(|(_, output)| output).or(drawn);
        match &self.prompts {
            Made::Synthetic { input, prefix, prefix_words } => {
                let wanted = sizes.map_or_else(|| input.draw(&mut dice), |(input, _)| input);
                let own = words(wanted.saturating_sub(*prefix_words), &mut dice);
                let separator = if prefix.is_empty() || own.is_empty() { "" } else { " " };
                let prompt = format!("{prefix}{separator}{own}");
                self.ready(n, Some(&prompt), None, wanted.max(*prefix_words), of_plan)
            }
            Made::Lines(lines) => {
                let at = usize::try_from(n % lines.len().max(1) as u64).unwrap_or_default();
                let line = &lines[at];
                let output = sizes.map(|(_, output)| output).or(line.output_tokens).or(drawn);
                let texts = || line.messages.iter().flatten().filter_map(|message| message["content"].as_str());
                let count: usize =
                    texts().chain(line.prompt.as_deref()).map(|text| text.split_whitespace().count()).sum();
                let wanted = u32::try_from(count).unwrap_or(u32::MAX);
                self.ready(n, line.prompt.as_deref(), line.messages.as_deref(), wanted, output)
            }
        }
    }

    /// A request with this prompt.
    #[must_use]
    pub fn say(&self, prompt: &str, tokens: u32) -> Ready {
        let words = u32::try_from(prompt.split_whitespace().count()).unwrap_or(u32::MAX);
        self.ready(0, Some(prompt), None, words, Some(tokens))
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
            Api::Chat | Api::Completions => self.streamed(prompt, messages, wanted_output),
            Api::Embeddings => {
                let input = prompt.unwrap_or_default();
                // Texts and what was read as JSON: there is nothing in it that could not be written.
                serde_json::to_vec(&Embedded { model: &self.model, input, extra: &self.output.extra })
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

    fn streamed(&self, prompt: Option<&str>, messages: Option<&[Value]>, wanted_output: Option<u32>) -> Vec<u8> {
        let said = |content| Messages::One([Message { role: "user", content }]);
        let (messages, prompt) = match (self.api, prompt) {
            (Api::Chat, Some(prompt)) => (Some(said(prompt)), None),
            (Api::Chat, None) => (messages.map(Messages::Many), None),
            (_, prompt) => (None, prompt),
        };
        let pinned = self.output.ignore_eos;
        let body = Body {
            model: &self.model,
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

fn open(file: &Path, api: Api) -> Result<Vec<Line>, Problem> {
    let unusable = |why: String| {
        Problem::new(Code::BadInput, format!("The prompts of {} cannot be used.", file.display()))
            .why(why)
            .next("Give a JSON object a line: {\"prompt\": \"…\"} or {\"messages\": […]}.")
    };
    let opened = std::fs::File::open(file).map_err(|error| unusable(format!("{error}.")))?;
    read(opened.take(LARGEST), api).map_err(unusable)
}

fn read(from: impl Read, api: Api) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for (number, text) in BufReader::new(from).lines().enumerate() {
        let number = number + 1;
        let text = text.map_err(|error| format!("Line {number}: {error}."))?;
        if text.trim().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_str(&text).map_err(|error| format!("Line {number}: {error}."))?;
        match (&line.prompt, &line.messages, api) {
            (Some(prompt), None, _) if !prompt.is_empty() => {}
            (None, Some(messages), Api::Chat) if !messages.is_empty() => {}
            (None, Some(_), api) if api != Api::Chat => {
                return Err(format!("Line {number}: {} have a prompt, not messages.", api.name()));
            }
            _ => return Err(format!("Line {number}: it has neither a prompt nor messages, or both.")),
        }
        if line.output_tokens == Some(0) {
            return Err(format!("Line {number}: output_tokens cannot be 0."));
        }
        lines.push(line);
    }
    if lines.is_empty() { Err("There is no prompt in it.".into()) } else { Ok(lines) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        oip::{Datatype, Model, Shape, Tensor},
        plan::{Target, tests::plan},
    };

    fn maker(input: Sizes, shared_prefix: u32) -> Maker {
        Maker::of(&Plan { prompts: Prompts::Synthetic { input, shared_prefix }, ..plan() }).unwrap()
    }

    fn json(ready: &Ready) -> Value {
        serde_json::from_slice(&ready.body).unwrap()
    }

    fn prompt(ready: &Ready) -> Vec<String> {
        let text = json(ready)["messages"][0]["content"].as_str().unwrap().to_owned();
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_request_is_the_same_again_and_another_one_is_not() {
        let maker = maker(Sizes::Between(10, 40), 0);
        assert_eq!(maker.make(17, None), maker.make(17, None));
        let ready: Vec<Ready> = (0..50).map(|n| maker.make(n, None)).collect();
        let sizes: std::collections::BTreeSet<u32> = ready.iter().map(|ready| ready.wanted_input).collect();
        assert!(sizes.len() > 10, "{sizes:?}");
        assert!(ready.iter().all(|ready| prompt(ready).len() == ready.wanted_input as usize));
        assert_ne!(prompt(&ready[0])[..10], prompt(&ready[1])[..10]);
    }

    #[test]
    fn a_shared_prefix_is_the_same_in_all_and_counts() {
        let maker = maker(Sizes::Fixed(24), 16);
        let (one, other) = (prompt(&maker.make(0, None)), prompt(&maker.make(1, None)));
        assert_eq!((one.len(), &one[..16]), (24, &other[..16]));
        assert_ne!(one[16..], other[16..]);
    }

    #[test]
    fn what_is_pinned_is_said() {
        let mut plan = plan();
        let body = json(&Maker::of(&plan).unwrap().make(0, None));
        assert_eq!((body["max_tokens"].as_u64(), body["stream"].as_bool()), (Some(8), Some(true)));
        assert!(body["min_tokens"].is_null());
        assert_eq!(body["stream_options"]["include_usage"], true);
        plan.output.ignore_eos = true;
        plan.output.usage = false;
        plan.output.extra.insert("temperature".into(), 0.into());
        plan.target.api = Api::Completions;
        let ready = Maker::of(&plan).unwrap().make(0, Some((3, 5)));
        let body = json(&ready);
        assert_eq!((body["min_tokens"].as_u64(), body["ignore_eos"].as_bool()), (Some(5), Some(true)));
        assert_eq!(body["temperature"].as_u64(), Some(0));
        assert!(body["stream_options"].is_null() && body["messages"].is_null());
        assert_eq!(body["prompt"].as_str().unwrap().split(' ').count(), 3);
        assert_eq!((ready.wanted_input, ready.wanted_output), (3, Some(5)));
    }

    #[test]
    fn of_drawn_numbers_no_token_is_wanted() {
        let numbers = Tensor { name: "x".into(), datatype: Datatype::Fp32, shape: Shape(vec![1, 3]) };
        let model = Model { inputs: vec![numbers], ..Model::default() };
        let template = template::Template { model: Some(model), ..template::Template::default() };
        for api in [Api::Infer, Api::InferGrpc] {
            let target = Target { api, template: Some(template.clone()), ..plan().target };
            let ready = Maker::of(&Plan { target, ..plan() }).unwrap().make(0, None);
            assert!(ready.wanted_input == 0 && !ready.body.is_empty());
        }
    }

    #[test]
    fn each_interface_is_asked_in_its_own_words() {
        let mut plan = Plan { prompts: Prompts::Synthetic { input: Sizes::Fixed(3), shared_prefix: 0 }, ..plan() };
        let body = |plan: &Plan| json(&Maker::of(plan).unwrap().make(4, None));
        plan.target.api = Api::Embeddings;
        let embedded = body(&plan);
        assert_eq!(embedded["input"].as_str().map(|text| text.split(' ').count()), Some(3));
        assert!(embedded["stream"].is_null() && embedded["max_tokens"].is_null(), "{embedded}");
        plan.target.api = Api::Infer;
        let unknown = Maker::of(&plan).err().map(|problem| problem.what);
        assert_eq!(unknown.as_deref(), Some("What chat takes is not known."));
        let text = Tensor { name: "text_input".into(), datatype: Datatype::Bytes, shape: Shape(vec![1]) };
        let model = Model { inputs: vec![text], ..Model::default() };
        plan.target.template = Some(template::Template { model: Some(model), ..template::Template::default() });
        let inferred = body(&plan);
        assert_eq!(inferred.pointer("/inputs/0/data/0"), embedded.get("input"));
        plan.target.api = Api::Http;
        let own = r#"{"q":"{{prompt}}","most":{{max_tokens}},"n":{{n}}}"#.to_owned();
        plan.target.template = Some(template::Template { body: Some(own), ..template::Template::default() });
        let worded = body(&plan);
        assert_eq!(
            (worded.get("q"), worded["most"].as_u64(), worded["n"].as_u64()),
            (embedded.get("input"), Some(8), Some(4))
        );
    }

    #[test]
    fn prompts_of_a_file_are_taken_in_order_and_again() {
        let text = "{\"prompt\":\"say one\"}\n\n{\"messages\":[{\"role\":\"user\",\"content\":\"two of them\"}],\"max_tokens\":3}\n";
        let lines = read(text.as_bytes(), Api::Chat).unwrap();
        let maker = Maker { prompts: Made::Lines(lines), ..maker(Sizes::Fixed(1), 0) };
        let contents =
            [0, 1, 2].map(|n| json(&maker.make(n, None))["messages"][0]["content"].as_str().unwrap().to_owned());
        assert_eq!(contents, ["say one", "two of them", "say one"]);
        let ready = [0, 1].map(|n| maker.make(n, None)).map(|ready| (ready.wanted_input, ready.wanted_output));
        assert_eq!(ready, [(2, Some(8)), (3, Some(3))]);
    }

    #[test]
    fn what_is_no_prompt_says_where() {
        for (text, api, want) in [
            ("", Api::Chat, "There is no prompt in it."),
            ("{\"prompt\":\"a\"}\n{}", Api::Chat, "Line 2: it has neither a prompt nor messages, or both."),
            ("{\"messages\":[{}]}", Api::Completions, "Line 1: completions have a prompt, not messages."),
            ("{\"prompt\":\"a\",\"output_tokens\":0}", Api::Chat, "Line 1: output_tokens cannot be 0."),
        ] {
            assert_eq!(read(text.as_bytes(), api), Err(want.to_owned()));
        }
        assert!(read("nonsense".as_bytes(), Api::Chat).unwrap_err().starts_with("Line 1: "));
    }
}

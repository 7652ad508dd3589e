//! A benchmark as a person fills it in: a form, what it says, and what would be sent when. Nothing is sent here.

use crate::{
    arrivals::Arrivals,
    compare::{self, Arm},
    plan::{Api, KeyFrom, Load, Output, Plan, Prompts, Target, Until, WarmUp},
    run, told,
};
use pilothouse_chart::drawn;
use pilothouse_insight::verdict::{self, Settings, looks_to};
use pilothouse_wire::{
    Code, Problem, SmolStr,
    bench::{Card, Cell, Page, Row},
    form::{Draft, Field, Input, KindForm},
    units::{count, number},
};
use serde_json::Map;
use std::str::FromStr;

/// What a form of it calls itself.
pub const KIND: &str = "bench";
/// Steps of time of a preview.
const STEPS: usize = 90;
/// No more moments are drawn for a preview.
const MOST_DRAWN: usize = 500_000;
const PAIRS: u32 = 24;
const INPUT: &str = "256";
const TIMEOUT_S: f64 = 600.0;
const DRAIN_S: f64 = 30.0;

/// What a person wants.
#[derive(Clone, Debug)]
pub enum Wish {
    /// One target.
    Run(Box<Plan>),
    /// Two, the first being what serves now.
    Compare(Box<Compared>),
}

/// Two targets.
#[derive(Clone, Debug)]
pub struct Compared {
    /// They, the baseline first.
    pub arms: Vec<Arm>,
    /// When they are judged, and by what.
    pub plan: verdict::Plan,
}

/// What is to be filled in.
#[must_use]
pub fn form() -> KindForm {
    let field = |key: &str, label: &str, help: &str, example: &str, required| Field {
        key: key.into(),
        label: label.into(),
        help: help.into(),
        input: Input::Text { example: example.into() },
        required,
    };
    let choice = |key: &str, label: &str, help: &str, of: &[&str]| Field {
        key: key.into(),
        label: label.into(),
        help: help.into(),
        input: Input::Choice(of.iter().map(|one| (*one).to_owned()).collect()),
        required: true,
    };
    let fields = vec![
        field("url", "Target's address", "Where it is asked, with or without /v1.", "http://127.0.0.1:8000", true),
        field("model", "Target's model", "As the server calls it.", "chat", true),
        choice("api", "Speaks", "What the server speaks.", &["chat", "completions", "embeddings"]),
        field(
            "key_file",
            "Key file",
            "The file that an API key is in. The key is never kept.",
            "/run/secrets/key",
            false,
        ),
        field(
            "against",
            "Candidate's address",
            "A second target: the two are compared in blocks.",
            "http://127.0.0.1:8001",
            false,
        ),
        field("against_model", "Candidate's model", "If it has another name there.", "chat", false),
        field(
            "concurrency",
            "Concurrency",
            "Closed loop: so many at a time. It hides the server's queues.",
            "8",
            false,
        ),
        field("rate", "Rate", "Open loop: so many a second, whether the server keeps up or not.", "2.5", false),
        choice(
            "arrivals",
            "Arrivals",
            "How times between requests of an open loop are spread.",
            &["poisson", "constant"],
        ),
        field("requests", "Requests", "It ends after so many; of a comparison each block.", "200", false),
        field("seconds", "Seconds", "Or once so many have passed; of a comparison each block.", "60", false),
        field("input", "Prompt tokens", "512, 256..1024, or 512~128: mean and deviation.", INPUT, false),
        field(
            "output",
            "Answer tokens",
            "The most of an answer, likewise; else what the server does by itself.",
            "128",
            false,
        ),
        field("limits", "Limits", "What an answer has to keep to be a good one.", "ttft=500ms,tpot=50ms", false),
        field("pairs", "Pairs", "The most pairs of blocks of a comparison: 6, 8, 12, 16, 24.", "24", false),
    ];
    KindForm {
        id: KIND.into(),
        name: "Benchmark".into(),
        summary: "Sends load from this machine and keeps what comes of it.".into(),
        fields,
        permissions: vec![],
    }
}

impl Wish {
    /// What a filled-in form says.
    ///
    /// # Errors
    /// Which field cannot be used, and why.
    pub fn read(draft: &Draft) -> Result<Self, Problem> {
        let filled = Filled(draft);
        let plan = filled.plan("url", "model")?;
        let Some(_) = filled.text("against") else { return Ok(Self::Run(Box::new(plan))) };
        let model = if filled.text("against_model").is_some() { "against_model" } else { "model" };
        let candidate = filled.plan("against", model)?;
        let metrics = compare::usual(&plan).into_iter().map(compare::Quantity::metric).collect();
        let names = [SmolStr::new_static("baseline"), SmolStr::new_static("candidate")];
        let pairs = filled.number("pairs")?.unwrap_or(PAIRS);
        let settings = Settings { looks: looks_to(pairs), ..Settings::new(names.to_vec(), metrics, plan.seed) };
        let of = |name: &SmolStr, plan: Plan| Arm { name: name.clone(), plan, server: None };
        let arms = vec![of(&names[0], plan), of(&names[1], candidate)];
        Ok(Self::Compare(Box::new(Compared { arms, plan: verdict::Plan::new(settings)? })))
    }

    /// The load of it, of a comparison that of a block of the baseline.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        match self {
            Self::Run(plan) => plan,
            Self::Compare(compared) => &compared.arms[0].plan,
        }
    }

    /// What it would be called on the way.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Run(plan) => plan.target.model.clone(),
            Self::Compare(_) => "baseline-candidate".to_owned(),
        }
    }

    /// What it would send, and when.
    #[must_use]
    pub fn preview(&self) -> Page {
        let plan = self.plan();
        let mut rows = vec![
            row("Asks", format!("{} at {}", plan.target.model, plan.target.url)),
            row("Load", told::load(plan)),
            row("Prompts", told::prompts(plan)),
        ];
        if let Self::Compare(compared) = self {
            let candidate = &compared.arms[1].plan.target;
            rows.insert(1, row("Against", format!("{} at {}", candidate.model, candidate.url)));
            let settings = compared.plan.settings();
            let ids: Vec<&str> = settings.metrics.iter().map(|metric| metric.label.as_str()).collect();
            let looks: Vec<String> = settings.looks.iter().map(u32::to_string).collect();
            let most = compared.plan.order().len();
            rows.push(row(
                "Blocks",
                format!("at most {most} of this load, in a drawn order; looks at {} pairs", looks.join(", ")),
            ));
            rows.push(row(
                "Judged by",
                format!("{}; the same within ±{} %", ids.join(", "), number(settings.margin * 100.0, 0)),
            ));
        }
        let limits = if plan.slo.is_empty() { "none: no goodput is told".to_owned() } else { plan.slo.to_string() };
        rows.push(row("Limits", limits));
        let (drawing, about) = sends(plan);
        let card = Card { title: "What would be sent".into(), about, rows, drawing: Some(drawing), ..Card::default() };
        Page { title: String::new(), about: String::new(), cards: vec![card] }
    }
}

fn row(name: &str, text: String) -> Row {
    Row { cells: vec![Cell::text(name), Cell::text(text)], ..Row::default() }
}

/// The load over time: of an open loop the very moments that are drawn for it, of a closed one how many are under way.
fn sends(plan: &Plan) -> (pilothouse_wire::drawing::Drawing, String) {
    if let Load::Closed { concurrency } = plan.load {
        let each = vec![f64::from(concurrency); STEPS];
        let about = match (plan.until.seconds, plan.until.requests) {
            (Some(seconds), _) => format!("{} at a time for {} s", count(concurrency.into()), number(seconds, 0)),
            (None, requests) => {
                format!(
                    "{} at a time until {} are over",
                    count(concurrency.into()),
                    count(requests.unwrap_or_default())
                )
            }
        };
        return (drawn::sends(&each, plan.until.seconds, "at a time", &about), about);
    }
    let moments: Vec<f64> = run::schedule(plan, Vec::new()).take(MOST_DRAWN).map(|due| due.at.as_secs_f64()).collect();
    let last = moments.last().copied().unwrap_or(1.0);
    let seconds = plan.until.seconds.filter(|_| moments.len() < MOST_DRAWN).unwrap_or(last).max(1e-3);
    // Of few moments a step would have one or none, which says nothing.
    let steps = (moments.len() / 4).clamp(8, STEPS);
    #[allow(clippy::cast_precision_loss, reason = "a handful of steps")]
    let step = seconds / steps as f64;
    let mut each = vec![0.0; steps];
    for moment in &moments {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "held between the first and the last"
        )]
        let at = ((moment / step) as usize).min(steps - 1);
        each[at] += 1.0 / step;
    }
    let cut = if moments.len() == MOST_DRAWN { "the first " } else { "" };
    let about = format!("{cut}{} requests in {} s", count(moments.len() as u64), number(seconds, 0));
    (drawn::sends(&each, Some(seconds), "a second", &about), about)
}

/// What was filled in.
struct Filled<'a>(&'a Draft);

impl Filled<'_> {
    fn text(&self, key: &str) -> Option<&str> {
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

    fn number<T: FromStr>(&self, key: &str) -> Result<Option<T>, Problem> {
        self.read(key, |text| text.replace(',', "").parse().map_err(|_| "It is no such number".to_owned()))
    }

    fn plan(&self, url: &str, model: &str) -> Result<Plan, Problem> {
        let api = match self.text("api") {
            Some("completions") => Api::Completions,
            Some("embeddings") => Api::Embeddings,
            _ => Api::Chat,
        };
        let model = self.needed(model)?;
        let target = Target {
            api,
            url: api.address(self.needed(url)?, model),
            model: model.to_owned(),
            key: self.text("key_file").map_or(KeyFrom::None, |file| KeyFrom::File(file.into())),
            authorities: None,
            template: None,
            through: None,
        };
        let load = match (self.number("concurrency")?, self.number("rate")?) {
            (Some(concurrency), None) => Load::Closed { concurrency },
            (None, Some(rate)) => {
                let constant = self.text("arrivals") == Some("constant");
                let arrivals = if constant { Arrivals::Constant } else { Arrivals::Poisson };
                Load::Open { rate, arrivals, max_concurrency: None }
            }
            (one, _) => {
                let what = if one.is_some() { "Concurrency and rate are both given." } else { "No load is said." };
                return Err(Problem::new(Code::BadInput, what)
                    .why("A loop is closed, with so many at a time, or open, with so many a second.")
                    .next("Give either concurrency or rate."));
            }
        };
        let tokens = self.read("output", str::parse)?;
        let input = self.read("input", str::parse)?;
        let plan = Plan {
            target,
            load,
            prompts: Prompts::Synthetic {
                input: input
                    .map_or_else(|| INPUT.parse(), Ok)
                    .map_err(|why: String| Problem::new(Code::Internal, why))?,
                shared_prefix: 0,
            },
            output: Output { tokens, ignore_eos: false, usage: api.streams(), extra: Map::new() },
            until: Until { requests: self.number("requests")?, seconds: self.number("seconds")? },
            slo: self.read("limits", str::parse)?.unwrap_or_default(),
            warm_up: WarmUp::Mser5,
            seed: 1,
            timeout_s: TIMEOUT_S,
            drain_s: DRAIN_S,
        };
        if plan.until == Until::default() {
            return Err(Problem::new(Code::BadInput, "The run has no end.")
                .why("Neither requests nor seconds are given.")
                .next("Give requests, seconds, or both: the first that is reached ends it."));
        }
        plan.check().map_err(|problem| match problem.what.strip_prefix("address") {
            Some(rest) => Problem { what: format!("{}{rest}", label(url)), ..problem },
            None => problem,
        })?;
        Ok(plan)
    }
}

fn label(key: &str) -> String {
    form().fields.into_iter().find(|field| field.key == key).map_or_else(|| key.to_owned(), |field| field.label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::drawing::Ink;

    fn draft(values: &[(&str, &str)]) -> Draft {
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Draft { kind: KIND.into(), name: String::new(), values }
    }

    const RUN: [(&str, &str); 4] =
        [("url", "http://h:1"), ("model", "chat"), ("concurrency", " 4 "), ("requests", "1,000")];

    #[test]
    fn a_form_says_what_the_terminal_says() {
        let Wish::Run(plan) = Wish::read(&draft(&RUN)).unwrap() else { panic!("one target") };
        assert_eq!(plan.target.url, "http://h:1/v1/chat/completions");
        assert_eq!((plan.load.clone(), plan.until.requests), (Load::Closed { concurrency: 4 }, Some(1_000)));
        let more = [("against", "http://h:2"), ("pairs", "8"), ("limits", "ttft=1s")];
        let Wish::Compare(compared) = Wish::read(&draft(&[&RUN[..], &more[..]].concat())).unwrap() else {
            panic!("two targets")
        };
        assert_eq!(compared.plan.settings().looks, [6, 8]);
        assert_eq!(compared.arms[1].plan.target.model, "chat");
        let ids: Vec<&str> = compared.plan.settings().metrics.iter().map(|metric| metric.id.as_str()).collect();
        assert_eq!(ids, ["ttft-p95", "tpot-p50", "goodput"]);
    }

    #[test]
    fn what_cannot_be_used_is_named_by_its_label() {
        for (more, want) in [
            (("model", ""), "Target's model is needed."),
            (("requests", "many"), "Requests cannot be many."),
            (("requests", ""), "The run has no end."),
            (("rate", "3"), "Concurrency and rate are both given."),
            (("concurrency", ""), "No load is said."),
            (("concurrency", "0"), "concurrency cannot be 0."),
            (("url", "ftp://h"), "Target's address cannot be ftp://h/v1/chat"),
            (("limits", "ttft=fast"), "Limits cannot be ttft=fast."),
            (("input", "x"), "Prompt tokens cannot be x."),
            (("against", "nowhere"), "Candidate's address cannot be nowhere"),
        ] {
            let what = Wish::read(&draft(&[&RUN[..], &[more]].concat())).unwrap_err().what;
            assert!(what.starts_with(want), "{more:?}: {what}");
        }
    }

    #[test]
    fn a_preview_draws_the_moments_that_would_be_used() {
        let open =
            [("url", "http://h:1"), ("model", "chat"), ("rate", "20"), ("arrivals", "constant"), ("seconds", "9")];
        let page = Wish::read(&draft(&open)).unwrap().preview();
        let card = &page.cards[0];
        assert_eq!(card.about, "180 requests in 9 s");
        let columns = card.drawing.as_ref().unwrap().marks.iter().filter(|mark| mark.ink == Ink::Quantity).count();
        assert_eq!(columns, 45);
        let closed = Wish::read(&draft(&RUN)).unwrap().preview();
        assert_eq!(closed.cards[0].about, "4 at a time until 1,000 are over");
        let compared = Wish::read(&draft(&[&RUN[..], &[("against", "http://h:2")]].concat())).unwrap();
        let Wish::Compare(of) = &compared else { panic!("two targets") };
        let blocks = format!("at most {} of this load", of.plan.order().len());
        let card = &compared.preview().cards[0];
        assert!(card.rows.iter().any(|row| row.cells[1].text.starts_with(&blocks)), "{blocks}: {card:?}");
    }

    #[test]
    fn every_field_of_the_form_is_read() {
        // A field that nobody reads would promise what is not done.
        let source = include_str!("wish.rs");
        for field in form().fields {
            assert!(source.matches(&format!("\"{}\"", field.key)).count() > 1, "{}", field.key);
        }
    }
}

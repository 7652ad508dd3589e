//! A run in words: what was run, what came of it, and what each number is.

use crate::{
    arrivals::Arrivals,
    beside,
    measures::{Counts, Cut, Failures, Goodput, Measures, Tokens},
    page::{Head, Page, Table, Tone},
    plan::{Load, Plan, Prompts, WarmUp},
    result::{ClientLoad, Document, OfModel, State},
    run::Prepared,
    server::Started,
    spread::Spread,
    workers,
};
use pilothouse_insight::verdict::mser::WarmUp as Found;
use pilothouse_wire::units::{ABSENT, bytes, count, number, share};

/// What there is to say of a run.
#[must_use]
pub fn page(document: &Document) -> Page {
    let Document { plan, measures, client, environment, .. } = document;
    let mut page = Page { title: format!("Benchmark {}", document.id), ..Page::default() };
    let tone = if document.state == State::Whole { Tone::Plain } else { Tone::Warn };
    page.toned("Run", format!("{}, {}", document.id, state(document)), tone);
    page.line("Target", format!("{} at {}", plan.target.model, plan.target.place()));
    if let Some(through) = &plan.target.through {
        page.line("", through.meaning());
    }
    if let Some(server) = &document.server {
        page.line("Server", self::server(server));
        ended(&mut page, server);
    }
    page.line("Load", load(plan));
    page.line("Prompts", prompts(plan));
    manner(&mut page, plan);
    repeated(&mut page, document);
    for (at, (text, tone)) in document.workers.iter().flat_map(workers::lines).enumerate() {
        page.toned(if at == 0 { "Workers" } else { "" }, text, tone);
    }
    let Some(measures) = measures else {
        page.line("Requests", "its measures were not reached; what had ended is in the file of requests");
        return page;
    };
    page.line("Requests", requests(&measures.requests, document.left_open()));
    if document.left_open() > 0 {
        page.toned("", left_open(document, &measures.requests), Tone::Bad);
    }
    for failures in &measures.failures {
        page.toned("", failures_line(failures), Tone::Bad);
    }
    page.line("Warm-up", warm_up(&measures.warm_up));
    page.line("Tokens", tokens(&measures.tokens, measures.kept));
    if measures.without_done > 0 {
        page.line("", format!("{} answers ended without [DONE]", count(measures.without_done)));
    }
    let seconds = micros(measures.span_us) / 1e6;
    page.line("Rates", rates(measures, seconds));
    if let Some(good) = &measures.goodput {
        page.line("Goodput", goodput(good));
    }
    if plan.target.api.streams() {
        page.line("Cost", measures.cost_words());
        measures.gpu_words().into_iter().for_each(|words| page.line("", words));
    }
    if let Some(client) = client {
        page.line(
            "Client",
            match &document.workers {
                Some(workers) => workers::client(client, workers.each.len() - workers.lost().count()),
                None => client_line(client, environment.cores),
            },
        );
        client.passed().into_iter().for_each(|words| page.toned("", words, Tone::Warn));
        if client.saturated {
            let late = "the client was late: times are bounds from above, and the server may do better";
            page.toned("", late, Tone::Warn);
        }
    }
    if let Some(beside) = &document.beside {
        let lines = beside::lines(beside, measures);
        lines.into_iter().enumerate().for_each(|(at, line)| page.line(if at == 0 { "Beside" } else { "" }, line));
    }
    if let Some(why) = &document.not_kept {
        page.toned("Not kept", why.clone(), Tone::Bad);
    }
    page.tables.push(spreads(measures));
    page.tables.extend(mix(document));
    page.tables.extend(document.workers.as_ref().map(workers::table));
    page.definitions = document.definitions.iter().map(|(name, text)| (name.clone(), text.clone())).collect();
    page
}

/// How those behave who send it, a line each.
pub fn manner(page: &mut Page, plan: &Plan) {
    let manner = &plan.manner;
    if let Some(words) = manner.cache.words() {
        page.line("Cache", words);
    }
    let mut lines = Vec::new();
    if let Some(ramp) = manner.ramp {
        lines.push(format!("the load rises or falls {ramp}"));
    }
    if let Some(think) = manner.think {
        lines.push(format!("{think} of thinking between an answer and the next request"));
    }
    if let Some(turns) = manner.turns {
        lines.push(format!("conversations of {} turns, the server's answers in the next prompt", count(turns.into())));
    }
    if let Some(cancel) = manner.cancel {
        let share = number(cancel.share * 100.0, 1);
        lines.push(format!("{share} % of requests are given up {} after they were sent", cancel.after));
    }
    if !manner.mix.is_empty() {
        let mix: Vec<String> = manner.mix.iter().map(ToString::to_string).collect();
        lines.push(format!("models by weight: {}", mix.join(", ")));
    }
    lines.into_iter().enumerate().for_each(|(at, line)| page.line(if at == 0 { "Manner" } else { "" }, line));
}

/// What was done for the cache, and what else has to be the same for it to be repeated.
fn repeated(page: &mut Page, document: &Document) {
    if let Some(Prepared { answered, failed }) = document.prepared.filter(|of| of.answered + of.failed > 0) {
        let tone = if failed > 0 { Tone::Warn } else { Tone::Plain };
        let missed = if failed > 0 { format!(", {} were not answered", count(failed)) } else { String::new() };
        page.toned(
            "Prepared",
            format!("{} requests were sent before the load{missed}", count(answered + failed)),
            tone,
        );
    }
    if let Some(engine) = &document.repeat.engine {
        page.line("Engine", format!("{engine}, as the server tells it"));
    }
    for (at, of) in document.repeat.files.iter().enumerate() {
        let words = format!("{}, {} bytes, SHA-256 {}", of.file.display(), count(of.bytes), of.sha256);
        page.line(if at == 0 { "Files" } else { "" }, words);
    }
}

/// Each model of a mix.
fn mix(document: &Document) -> Option<Table> {
    const HEADS: [Head; 5] = [
        Head::left("MODEL"),
        Head::right("ANSWERED"),
        Head::right("FAILED"),
        Head::right("TTFT P95 MS"),
        Head::right("TPOT P95 MS"),
    ];
    let row = |of: &OfModel| {
        vec![of.model.clone(), count(of.answered), count(of.failed), millis(of.ttft.p95), millis(of.tpot.p95)]
    };
    let rows: Vec<_> = document.mix.iter().map(row).collect();
    (!rows.is_empty()).then(|| Table { title: "Models".into(), heads: HEADS.to_vec(), rows })
}

/// What was started to be measured, in words.
#[must_use]
pub fn server(of: &Started) -> String {
    if let Some(model) = &of.model {
        let after = number(of.ready_after_s, 1);
        return format!(
            "{}; loaded in {after} s by {}, whose words are in {}",
            model.words(),
            of.command.join(" "),
            of.log
        );
    }
    format!(
        "started as {}, ready after {} s; its words are in {}",
        of.command.join(" "),
        number(of.ready_after_s, 1),
        of.log
    )
}

/// That it ended by itself while it was measured, where it did.
pub fn ended(page: &mut Page, of: &Started) {
    if let Some(how) = &of.ended {
        page.toned("", format!("it ended while it was measured, {how}"), Tone::Bad);
    }
}

fn rates(measures: &Measures, seconds: f64) -> String {
    let rates = &measures.rates;
    let input = rates.input_tokens_per_s.map_or_else(|| ABSENT.to_owned(), |rate| number(rate, 1));
    format!(
        "{} answers/s, {} tokens/s out, {input} tokens/s in, over {} s",
        number(rates.requests_per_s, 2),
        number(rates.output_tokens_per_s, 1),
        number(seconds, 1)
    )
}

/// Failures of a kind, in words.
#[must_use]
pub fn failures(of: &Failures) -> String {
    let example = if of.example.is_empty() { String::new() } else { format!(" ({})", of.example) };
    format!("{} × {}{example}", count(of.count), of.kind.words())
}

fn failures_line(of: &Failures) -> String {
    format!("failed: {}", failures(of))
}

fn state(document: &Document) -> String {
    if let Some(workers) = document.workers.as_ref().filter(|workers| workers.lost().next().is_some()) {
        let (all, lost) = (workers.each.len(), workers.lost().count());
        return format!("partial: {} of {all} workers, began {}", all - lost, document.began);
    }
    let word = match document.state {
        State::Running => "running, or killed",
        State::Whole => "whole",
        State::Interrupted => "interrupted: partial",
        State::GaveUp => "given up, nothing but failures: partial",
    };
    format!("{word}, began {}", document.began)
}

/// The load of a plan, in words.
#[must_use]
pub fn load(plan: &Plan) -> String {
    let most = |most: &Option<u32>| {
        most.map_or_else(String::new, |most| format!(", {} at a time at most", count(most.into())))
    };
    let shape = match &plan.load {
        Load::Closed { concurrency } => format!("closed loop, {} at a time", count(u64::from(*concurrency))),
        Load::Open { rate, arrivals, max_concurrency } => {
            let spread = match arrivals {
                Arrivals::Constant => "evenly".to_owned(),
                Arrivals::Poisson => "Poisson".to_owned(),
                Arrivals::Gamma(shape) => format!("gamma of shape {shape}"),
            };
            format!("open loop, {rate} a second, {spread}{}", most(max_concurrency))
        }
        Load::Trace { file, speed, max_concurrency } => {
            format!("replay of {}, {speed} times its speed{}", file.display(), most(max_concurrency))
        }
    };
    let requests = plan.until.requests.map(|requests| format!("{} requests", count(requests)));
    let seconds = plan.until.seconds.map(|seconds| format!("{seconds} s"));
    let ends: Vec<String> = requests.into_iter().chain(seconds).collect();
    let ends = if ends.is_empty() { String::new() } else { format!(", for {}", ends.join(" or ")) };
    format!("{shape}{ends}; seed {}", plan.seed)
}

/// The prompts of a plan, in words.
#[must_use]
pub fn prompts(plan: &Plan) -> String {
    let api = plan.target.api.name();
    let model = plan.target.template.as_ref().and_then(|template| template.model.as_ref());
    let tensors = model.map_or_else(String::new, |model| {
        let inputs: Vec<String> = model.inputs.iter().map(ToString::to_string).collect();
        format!("{}, filled by the seed", inputs.join(", "))
    });
    if model.is_some_and(|model| !model.says()) {
        return format!("{api}; {tensors}");
    }
    let api = if tensors.is_empty() { api.to_owned() } else { format!("{api}; {tensors}, texts") };
    let prompts = match (&plan.prompts, &plan.load) {
        (Prompts::File(file), _) => {
            let part = match file.extension().and_then(|end| end.to_str()) {
                Some("txt") => ", a prompt a line",
                Some("json") if plan.manner.turns.is_some() => ", conversations of ShareGPT",
                Some("json") => ", the first words of conversations of ShareGPT",
                _ => "",
            };
            format!("{}{part}, in order", file.display())
        }
        (Prompts::Synthetic { shared_prefix, .. }, Load::Trace { .. }) => {
            format!("synthetic, sizes of the trace by a word a token{}", shared(*shared_prefix))
        }
        (Prompts::Synthetic { input, shared_prefix }, _) => {
            format!("synthetic, {input} tokens by a word a token{}", shared(*shared_prefix))
        }
    };
    let output = plan.output.tokens.map_or_else(String::new, |tokens| format!(", answers of {tokens} tokens at most"));
    let pinned = if plan.output.ignore_eos { ", pinned (ignore_eos)" } else { "" };
    format!("{api}; {prompts}{output}{pinned}")
}

fn shared(prefix: u32) -> String {
    match prefix {
        0 => ", each another from its first word on".to_owned(),
        prefix => format!(", the first {} the same in all", count(prefix.into())),
    }
}

/// What had its time and was no answer then.
fn left_open(document: &Document, counts: &Counts) -> String {
    let (open, of) = (document.left_open(), counts.answered + counts.failed + document.left_open());
    format!(
        "{} of {} ({}) were open still {} s after the last was sent (--drain): none of them is good",
        count(open),
        count(of),
        share(open, of),
        document.plan.drain_s
    )
}

fn requests(counts: &Counts, left_open: u64) -> String {
    let Counts { answered, failed, unfinished, cancelled } = *counts;
    let all = answered + failed;
    let failed = if failed == 0 {
        "none failed".to_owned()
    } else {
        format!("{} failed ({})", count(failed), share(failed, all))
    };
    let unfinished = match unfinished.saturating_sub(left_open) {
        0 => String::new(),
        unfinished => format!(", {} under way when it was ended", count(unfinished)),
    };
    let cancelled = match cancelled {
        0 => String::new(),
        cancelled => format!(", {} given up by who asked, as planned", count(cancelled)),
    };
    format!("{} answered, {failed}{cancelled}{unfinished}", count(answered))
}

fn warm_up(cut: &Cut) -> String {
    let requests = match cut.requests {
        0 => "nothing is left out".to_owned(),
        more => format!("the first {} requests are left out of what follows", count(more)),
    };
    let rule = match (cut.rule, cut.found) {
        (WarmUp::None, _) => "as asked for".to_owned(),
        (WarmUp::Requests(_), _) => "by number".to_owned(),
        (WarmUp::Mser5, Some(Found::NeverSettled { .. })) => {
            "by MSER-5: it never came to rest, a longer run would tell more".to_owned()
        }
        (WarmUp::Mser5, Some(Found::TooFew { needed, .. })) => format!("by MSER-5: it needs {needed} answers to tell"),
        (WarmUp::Mser5, _) => "by MSER-5 over e2e".to_owned(),
    };
    format!("{requests} ({rule})")
}

fn tokens(tokens: &Tokens, kept: Counts) -> String {
    let who = match tokens.counted_by_server {
        0 => "each piece counted as one",
        all if all == kept.answered => "counted by the server",
        _ => "counted by the server in part, else each piece as one",
    };
    let input = match tokens.input {
        Some(input) => format!("{} of prompts ({} meant)", count(input), count(tokens.input_wanted)),
        None => format!("{ABSENT} of prompts ({} meant)", count(tokens.input_wanted)),
    };
    let cached = tokens.cached.map_or_else(String::new, |cached| format!(", {} of them cached", count(cached)));
    let spread = match (tokens.output_least, tokens.output_most) {
        (least, most) if least == most => format!("{} each", count(most.into())),
        (least, most) => format!("{} to {} each", count(least.into()), count(most.into())),
    };
    let unlike = match tokens.not_as_wanted {
        0 => String::new(),
        more => format!("; {} answers have another number than asked for", count(more)),
    };
    format!("{who}: {input}{cached}, {} of answers, {spread}{unlike}", count(tokens.output))
}

fn goodput(good: &Goodput) -> String {
    format!(
        "{} answers/s and {} tokens/s keep {}: {} of {} ({})",
        number(good.requests_per_s, 2),
        number(good.output_tokens_per_s, 1),
        good.slo,
        count(good.good),
        count(good.of),
        share(good.good, good.of)
    )
}

/// The thread that sends is what may be too slow; whatever else its process does, such as show a window, is not.
fn client_line(client: &ClientLoad, cores: u64) -> String {
    let time = match (client.sending_s, client.of_core(), client.processor_s) {
        (Some(time), Some(of_core), _) => format!(
            "{} s of processor time of the thread that sends, {} % of one of {cores} cores",
            number(time, 2),
            number(100.0 * of_core, 0)
        ),
        (_, _, Some(time)) => format!("{} s of processor time of its process", number(time, 2)),
        _ => ABSENT.to_owned(),
    };
    let memory = client.peak_memory_bytes.map_or_else(|| ABSENT.to_owned(), bytes);
    let late = client.lateness.p99.or(client.lateness.max);
    format!("{time}; {memory} of memory; woken {} ms late (p99)", millis(late))
}

fn spreads(measures: &Measures) -> Table {
    const HEADS: [Head; 9] = [
        Head::left("MEASURE"),
        Head::left("UNIT"),
        Head::right("P50"),
        Head::right("P90"),
        Head::right("P95"),
        Head::right("P99"),
        Head::right("MAX"),
        Head::right("MEAN"),
        Head::right("VALUES"),
    ];
    let rows = [
        ("ttft", &measures.ttft, "ms"),
        ("ttfo", &measures.ttfo, "ms"),
        ("itl_gap", &measures.itl_gap, "ms"),
        ("itl", &measures.itl, "ms"),
        ("tpot", &measures.tpot, "ms"),
        ("e2e", &measures.e2e, "ms"),
        ("per_user", &measures.per_user, "tokens/s"),
        ("lag", &measures.lag, "ms"),
    ];
    // Thinking is shown apart only where somebody thinks.
    let is_shown = |name: &str| name != "ttfo" || measures.ttfo.counts != measures.ttft.counts;
    let rows = rows.iter().filter(|(name, ..)| is_shown(name)).map(|(name, spread, unit)| row(name, unit, spread));
    Table { title: String::new(), heads: HEADS.to_vec(), rows: rows.collect() }
}

fn row(name: &str, unit: &str, spread: &Spread) -> Vec<String> {
    let mean = spread.mean.map_or_else(|| ABSENT.to_owned(), thousandths);
    let values = [spread.p50, spread.p90, spread.p95, spread.p99, spread.max];
    let mut cells = vec![name.to_owned(), unit.to_owned()];
    cells.extend(values.map(millis));
    cells.extend([mean, count(spread.count)]);
    cells
}

/// A thousandth of it: microseconds as milliseconds.
#[must_use]
pub fn millis(value: Option<u64>) -> String {
    value.map_or_else(|| ABSENT.to_owned(), |value| thousandths(micros(value)))
}

fn thousandths(value: f64) -> String {
    let value = value / 1e3;
    number(value, if value < 10.0 { 2 } else { 1 })
}

#[allow(clippy::cast_precision_loss, reason = "times of a run stay far below 2^53 microseconds")]
fn micros(value: u64) -> f64 {
    value as f64
}

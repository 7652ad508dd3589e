//! A comparison in words, and as a chart: verdicts first, then what they rest on.

use super::{Answers, BlockRun, Document, metric::Quantity};
use crate::{
    page::{Head, Page, Table, Tone},
    result::State,
    told,
};
use pilothouse_chart::{Ends, Sheet, Span, Spans, paper};
use pilothouse_insight::verdict::{Better, Candidate, Found, Verdict};
use pilothouse_wire::units::{ABSENT, count, number, share};

/// What there is to say of a comparison.
#[must_use]
pub fn page(document: &Document) -> Page {
    let names: Vec<&str> = document.arms.iter().map(|arm| arm.name.as_str()).collect();
    let mut page = Page { title: format!("Comparison {}", names.join(" and ")), ..Page::default() };
    let tone = if document.state == State::Whole { Tone::Plain } else { Tone::Warn };
    page.toned("Comparison", format!("{}, {}", document.id, state(document)), tone);
    for (at, arm) in document.arms.iter().enumerate() {
        let role = if at == 0 { "Baseline" } else { "Candidate" };
        page.line(role, format!("{}: {} at {}", arm.name, arm.plan.target.model, arm.plan.target.place()));
        if let Some(through) = &arm.plan.target.through {
            page.line("", through.meaning());
        }
        if let Some(server) = &arm.server {
            page.line("", told::server(server));
            told::ended(&mut page, server);
        }
    }
    if let Some(first) = document.arms.first() {
        page.line("Load", format!("{}, a block", told::load(&first.plan)));
        page.line("Prompts", told::prompts(&first.plan));
        told::manner(&mut page, &first.plan);
        costs(&mut page, document);
    }
    for candidate in &document.comparison.candidates {
        verdicts(&mut page, document, candidate);
    }
    page.line("Blocks", blocks(document));
    page.line("Stated", stated(document));
    before(&mut page, document);
    failures(&mut page, document);
    for limited in document.blocks.iter().filter_map(|block| Some((&block.run, block.limit.as_ref()?))).take(3) {
        page.toned("", format!("the client was the limit in block {}: {}", limited.0, limited.1), Tone::Warn);
    }
    for (run, words) in
        document.blocks.iter().flat_map(|block| block.client.passed().into_iter().map(|of| (&block.run, of)))
    {
        page.toned("", format!("block {run}: {words}"), Tone::Warn);
    }
    if let Some(answers) = &document.answers {
        agreements(&mut page, answers);
    }
    if let Some(why) = &document.not_kept {
        page.toned("Not kept", why.clone(), Tone::Bad);
    }
    page.tables = vec![found(document), arms(document)];
    page.definitions = definitions(document);
    page.chart = Some(chart(document));
    page
}

/// What each arm costs, and what it takes for a token: the median of its whole blocks. The price is that which was said.
fn costs(page: &mut Page, document: &Document) {
    const WORTH: [(Quantity, &str); 4] = [
        (Quantity::Cost, "$ a million tokens"),
        (Quantity::GoodCost, "$ a million good ones"),
        (Quantity::TokensGpu, "tokens/s a GPU"),
        (Quantity::Energy, "J a token"),
    ];
    let of = |arm: usize, quantity: Quantity| {
        let blocks = document.blocks.iter().filter(|block| block.slot.arm == arm && block.state == State::Whole);
        let mut values: Vec<f64> = blocks.filter_map(|block| quantity.value(&block.measures)).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let mut lines = Vec::new();
    for (at, arm) in document.arms.iter().enumerate() {
        let told = WORTH.iter().filter_map(|(quantity, words)| {
            let value = of(at, *quantity)?;
            Some(format!("{} {words}", number(value, if value < 10.0 { 4 } else { 1 })))
        });
        let told: Vec<String> = told.collect();
        if !told.is_empty() {
            lines.push(format!("{}: {}", arm.name, told.join(", ")));
        }
    }
    let price = document.blocks.first().map(|block| block.measures.cost_words());
    if let Some(price) = price.filter(|words| words.starts_with("no price")) {
        lines.push(price);
    }
    lines.into_iter().enumerate().for_each(|(at, line)| page.line(if at == 0 { "Cost" } else { "" }, line));
}

/// What is said of a candidate in all, guard included.
#[must_use]
pub fn outcome(document: &Document, candidate: &Candidate) -> Verdict {
    let guard =
        |of: fn(&Answers, &str) -> bool| document.answers.as_ref().is_some_and(|answers| of(answers, &candidate.arm));
    match &candidate.verdict {
        Verdict::Invalid { .. } => candidate.verdict.clone(),
        _ if guard(Answers::is_broken_by) => Verdict::Worse,
        // A guard that nobody can tell is not one that was passed.
        _ if guard(Answers::is_untold) => Verdict::Invalid {
            why: "an overlap of answers is asked for, and no fixed prompt was answered with a word".into(),
        },
        verdict => verdict.clone(),
    }
}

fn state(document: &Document) -> String {
    let word = match document.state {
        State::Running => "running, or killed",
        State::Whole => "whole",
        State::Interrupted => "interrupted: partial, its last block is not judged",
        State::GaveUp => "given up, nothing but failures: partial",
    };
    format!("{word}, began {}", document.began)
}

/// What is said of a candidate in all, in a sentence without its end.
pub(crate) fn sentence(document: &Document, candidate: &Candidate) -> String {
    let outcome = outcome(document, candidate);
    let broken = outcome == Verdict::Worse && outcome != candidate.verdict;
    let baseline = document.arms.first().map_or("", |arm| arm.name.as_str());
    let why = if broken { ": its answers have less in common with the baseline's than is allowed" } else { "" };
    let words = format!("{} than {baseline} in all: {}{why}", candidate.arm, outcome.words());
    match outcome {
        Verdict::Better | Verdict::Worse if !broken => {
            format!("{} is {} than {baseline}", candidate.arm, outcome.word())
        }
        Verdict::Same { .. } => format!("{} is {} as {baseline}", candidate.arm, outcome.words()),
        Verdict::Worse => format!("{} is worse than {baseline}{why}", candidate.arm),
        Verdict::NotEnough { .. } | Verdict::Invalid { .. } => {
            words.replace(&format!(" than {baseline} in all"), &format!(" beside {baseline}"))
        }
        Verdict::Better => words,
    }
}

fn verdicts(page: &mut Page, document: &Document, candidate: &Candidate) {
    page.toned("Verdict", sentence(document, candidate), tone(&outcome(document, candidate)));
    for metric in &candidate.metrics {
        page.toned("", metric.sentence(), tone(&metric.verdict));
    }
    if let Some(words) = candidate.not_checked() {
        page.line("", words);
    }
}

fn tone(verdict: &Verdict) -> Tone {
    match verdict {
        Verdict::Better => Tone::Good,
        Verdict::Worse => Tone::Bad,
        Verdict::Same { .. } => Tone::Plain,
        Verdict::NotEnough { .. } | Verdict::Invalid { .. } => Tone::Warn,
    }
}

fn blocks(document: &Document) -> String {
    let whole = document.blocks.iter().filter(|block| block.state == State::Whole).count();
    let cut = document.blocks.len() - whole;
    let cut = if cut == 0 { String::new() } else { format!(" and {} that was cut", count(cut as u64)) };
    format!("{} whole{cut}. {}", count(whole as u64), document.comparison.next())
}

fn stated(document: &Document) -> String {
    let settings = &document.settings;
    let looks: Vec<String> = settings.looks.iter().map(u32::to_string).collect();
    let ids: Vec<&str> = settings.metrics.iter().map(|metric| metric.id.as_str()).collect();
    let (margin, alpha) = (percent(settings.margin), percent(settings.alpha));
    format!(
        "{} before the first block; the same within ±{margin}; looks at {} pairs; any false \"better\" or \"worse\" at most {alpha} \
         (Holm over all), and any false \"the same\" at most {alpha}; seed {}",
        ids.join(", "),
        looks.join(", "),
        settings.seed
    )
}

fn before(page: &mut Page, document: &Document) {
    let Some(before) = &document.before else {
        page.line(
            "Detectable",
            format!("{ABSENT} before: neither an earlier comparison nor a whole round tells the noise"),
        );
        return;
    };
    let from = before.earlier.as_ref().map_or_else(|| "the first round".to_owned(), |id| format!("comparison {id}"));
    let metrics: Vec<String> = before
        .metrics
        .iter()
        .map(|of| {
            format!("{} {} (blocks of an arm differ by {})", of.metric, percent(of.detectable), percent(of.noise))
        })
        .collect();
    let power = percent(document.settings.power);
    page.line("Detectable", format!("as {from} lets expect, with a power of {power}: {}", metrics.join(", ")));
}

/// Failures are a guard: they are said, whatever the medians are.
fn failures(page: &mut Page, document: &Document) {
    for (at, arm) in document.arms.iter().enumerate() {
        let own = || document.blocks.iter().filter(|block| block.slot.arm == at);
        let failed: u64 = own().map(|block| block.measures.requests.failed).sum();
        let open: u64 = own().map(BlockRun::left_open).sum();
        let all: u64 = own().map(|block| block.measures.requests.answered).sum::<u64>() + failed + open;
        if open > 0 {
            let (of, part, drain) = (count(all), share(open, all), arm.plan.drain_s);
            let text = format!(
                "{}: {} of {of} requests were open still {drain} s after the end ({part})",
                arm.name,
                count(open)
            );
            page.toned("Left open", text, Tone::Bad);
        }
        if failed > 0 {
            let text =
                format!("{}: {} of {} requests failed ({})", arm.name, count(failed), count(all), share(failed, all));
            page.toned("Failed", text, Tone::Bad);
            let kinds = own().flat_map(|block| &block.measures.failures).take(2);
            kinds.for_each(|of| page.toned("", told::failures(of), Tone::Bad));
        }
    }
}

fn agreements(page: &mut Page, answers: &Answers) {
    for (at, agreement) in answers.arms.iter().enumerate() {
        let who = if at == 0 { format!("{} asked again", agreement.arm) } else { agreement.arm.to_string() };
        let shares = [agreement.exact, agreement.overlap].map(|of| of.map_or_else(|| ABSENT.to_owned(), percent));
        let near = match &answers.meaning {
            Some(_) => {
                let cosine = agreement.similarity.map_or_else(|| ABSENT.to_owned(), |of| number(of, 3));
                format!(", {cosine} near in meaning")
            }
            None => String::new(),
        };
        let failed = agreement.failed.as_ref().map_or_else(String::new, |why| format!("; not answered: {why}"));
        let text = format!(
            "{who}: {} of {} the same to the letter, words overlap by {}{near}{failed}",
            shares[0],
            count(agreement.answered.into()),
            shares[1]
        );
        let broken = at > 0 && answers.is_broken_by(&agreement.arm);
        page.toned(if at == 0 { "Answers" } else { "" }, text, if broken { Tone::Bad } else { Tone::Plain });
    }
    match &answers.meaning {
        None => page.line("", "near in meaning: not told, no server of embeddings is named (--embed)"),
        Some(meaning) => match &meaning.failed {
            None => page.line("", format!("near in meaning: by {} at {}", meaning.by.model, meaning.by.url)),
            Some(why) => {
                let text = format!("near in meaning: not told, {} at {}: {why}", meaning.by.model, meaning.by.url);
                page.toned("", text, Tone::Warn);
            }
        },
    }
}

/// A row a candidate and metric: both values, the change, how sure, and what would be found.
fn found(document: &Document) -> Table {
    const HEADS: [Head; 8] = [
        Head::left("CANDIDATE"),
        Head::left("METRIC"),
        Head::left("UNIT"),
        Head::right("BASELINE"),
        Head::right("CANDIDATE"),
        Head::right("CHANGE"),
        Head::right("DETECTABLE"),
        Head::left("VERDICT"),
    ];
    let mut rows = Vec::new();
    for (at, candidate) in document.comparison.candidates.iter().enumerate() {
        for (metric, found) in candidate.metrics.iter().enumerate() {
            let unit = found.metric.id.parse::<Quantity>().map_or("", Quantity::unit);
            let middle = |arm: usize| middle(document, arm, metric).map_or_else(|| ABSENT.to_owned(), figure);
            let change = found.estimate.map_or_else(|| ABSENT.to_owned(), |of| signed(found.metric.change(of.gain)));
            rows.push(vec![
                candidate.arm.to_string(),
                found.metric.label.to_string(),
                unit.to_owned(),
                middle(0),
                middle(at + 1),
                change,
                found.detectable.map_or_else(|| ABSENT.to_owned(), percent),
                found.verdict.word().to_owned(),
            ]);
        }
    }
    Table { title: "Found".into(), heads: HEADS.to_vec(), rows }
}

/// A row a block.
fn arms(document: &Document) -> Table {
    const HEADS: [Head; 7] = [
        Head::left("BLOCK"),
        Head::left("STATE"),
        Head::right("ANSWERED"),
        Head::right("FAILED"),
        Head::right("LEFT OPEN"),
        Head::left("VALUES"),
        Head::left("CLIENT"),
    ];
    let row = |block: &super::BlockRun| {
        let values: Vec<String> = block
            .values
            .iter()
            .zip(&document.settings.metrics)
            .map(|(value, metric)| format!("{} {}", metric.id, value.map_or_else(|| ABSENT.to_owned(), figure)))
            .collect();
        vec![
            block.run.clone(),
            if block.state == State::Whole { "whole" } else { "partial" }.to_owned(),
            count(block.measures.requests.answered),
            count(block.measures.requests.failed),
            count(block.left_open()),
            values.join(", "),
            block.limit.clone().unwrap_or_else(|| "kept up".to_owned()),
        ]
    };
    Table { title: "Blocks".into(), heads: HEADS.to_vec(), rows: document.blocks.iter().map(row).collect() }
}

/// The geometric mean of an arm's whole blocks: what gains are differences of.
pub(crate) fn middle(document: &Document, arm: usize, metric: usize) -> Option<f64> {
    let whole = document.blocks.iter().filter(|block| block.slot.arm == arm && block.state == State::Whole);
    let logs: Option<Vec<f64>> = whole.map(|block| Some((*block.values.get(metric)?)?.ln())).collect();
    let logs = logs.filter(|logs| !logs.is_empty())?;
    #[allow(clippy::cast_precision_loss, reason = "blocks of a comparison")]
    Some((logs.iter().sum::<f64>() / logs.len() as f64).exp())
}

fn definitions(document: &Document) -> Vec<(String, String)> {
    let own = [
        ("baseline, candidate", "the geometric mean of the values of an arm's whole blocks"),
        (
            "change",
            "how much more or less of it the candidate has: the mean of the logarithms of the ratios of its pairs",
        ),
        ("detectable", "the smallest difference that so many rounds find with the stated power"),
        (
            "verdict",
            "Student's t over rounds of mirrored pairs, at planned looks alone, Holm over candidates and metrics",
        ),
    ];
    let guard = [
        (
            "the same to the letter",
            "the share of fixed prompts that both answered with the same text at temperature 0; an answer of which no word is said, but only thought, is none",
        ),
        (
            "words overlap",
            "twice the words that are in both answers over those of either (F1 of bags of words), the mean",
        ),
        (
            "near in meaning",
            "the cosine of the vectors of both answers by the server of embeddings named, the mean: 1 the same, 0 nothing in common",
        ),
    ];
    let guard = guard.into_iter().filter(|_| document.answers.is_some());
    let own = own.into_iter().chain(guard).map(|(name, text)| (name.to_owned(), text.to_owned()));
    own.chain(document.definitions.iter().map(|(name, text)| (name.clone(), text.clone()))).collect()
}

fn chart(document: &Document) -> Spans {
    let settings = &document.settings;
    let baseline = document.arms.first().map_or("", |arm| arm.name.as_str());
    let one = document.comparison.candidates.len() == 1;
    let span = |candidate: &Candidate, found: &Found| {
        let label =
            if one { found.metric.label.to_string() } else { format!("{} · {}", candidate.arm, found.metric.label) };
        let change = found.estimate.map(|of| signed(found.metric.change(of.gain)));
        Span {
            label,
            at: found.estimate.map(|of| of.gain),
            between: found.interval().map(|interval| (interval.low, interval.high)),
            value: [change.unwrap_or_default(), found.verdict.word().to_owned()].join(" ").trim().to_owned(),
            ink: match tone(&found.verdict) {
                Tone::Good | Tone::Plain => paper::HELD,
                Tone::Bad => paper::BAD,
                Tone::Warn => paper::WARN,
            },
        }
    };
    let candidates = document.comparison.candidates.iter();
    let rows = candidates.flat_map(|candidate| candidate.metrics.iter().map(move |found| span(candidate, found)));
    let about = vec![
        format!(
            "{}, {} pairs of blocks. A line is where the true change lies at the stated error.",
            document.began, document.comparison.pairs
        ),
        format!("The band is ±{}: within it arms are the same.", percent(settings.margin)),
    ];
    let names: Vec<&str> = document.arms.iter().skip(1).map(|arm| arm.name.as_str()).collect();
    let sheet = Sheet { title: format!("{} beside {baseline}", names.join(", ")), about, ..Sheet::default() };
    let ends = Ends { left: "worse".into(), right: "better".into() };
    Spans { sheet, margin: settings.margin.ln_1p(), rows: rows.collect(), ends }
}

/// Which way of a metric is better, in a word.
#[must_use]
pub(crate) fn direction(better: Better) -> &'static str {
    match better {
        Better::Higher => "more is better",
        Better::Lower => "less is better",
    }
}

/// Three digits of a value.
pub(crate) fn figure(value: f64) -> String {
    let decimals = match value.abs() {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        _ => 2,
    };
    number(value, decimals)
}

/// A change as a share with its sign.
pub(crate) fn signed(change: f64) -> String {
    let sign = if change < 0.0 { "−" } else { "+" };
    format!("{sign}{} %", number(change.abs() * 100.0, 1))
}

fn percent(share: f64) -> String {
    let text = number(share * 100.0, 1);
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compare::{Agreement, Meaning, tests::document},
        plan::{Api, Target, tests::plan},
    };

    fn said(document: &Document) -> String {
        let page = page(document);
        let lines = page.lines.iter().map(|line| format!("{}: {}\n", line.name, line.text));
        let rows = page.tables.iter().flat_map(|table| &table.rows).map(|row| row.join(" | ") + "\n");
        lines.chain(rows).collect()
    }

    #[allow(clippy::cast_precision_loss)]
    fn slower() -> Document {
        document(12, |arm, at| (100.0 + 30.0 * arm as f64) * (1.0 + 0.002 * (at % 3) as f64))
    }

    #[test]
    fn the_verdict_is_said_first_with_what_it_rests_on() {
        let said = said(&slower());
        for want in [
            "Verdict: next is worse than now",
            "p95 TTFT: worse; +30",
            "ttft-p95, tpot-p50, tokens-out before the first block; the same within ±3 %",
            "as the first round lets expect",
            "next | p95 TTFT | ms | 100 | 130 | +30",
            "Not measured in each block, so not compared: clocks, power caps, temperatures.",
            "any false \"better\" or \"worse\" at most 5 % (Holm over all), and any false \"the same\" at most 5 %; seed",
        ] {
            // The first round is only looked at by a run.
            let is_run = want.starts_with("as the first");
            assert_eq!(said.contains(want), !is_run, "{want}: {said}");
        }
        let svg = page(&slower()).chart.unwrap().svg();
        assert!(svg.contains("p95 TTFT") && svg.contains("next beside now") && svg.contains("<circle"), "{svg}");
    }

    #[test]
    fn answers_that_differ_make_worse_what_is_quicker() {
        let mut quicker =
            document(12, |arm, at| if arm == 1 { 60.0 } else { 100.0 } + f64::from(u8::from(at % 2 == 0)));
        let agreement = |arm: &str, overlap: f64| Agreement {
            arm: arm.into(),
            answered: 8,
            exact: Some(overlap),
            overlap: Some(overlap),
            each: Vec::new(),
            failed: None,
            similarity: None,
            similarities: Vec::new(),
        };
        let arms = vec![agreement("now", 1.0), agreement("next", 0.25)];
        quicker.answers = Some(Answers { prompts: 8, least_overlap: Some(0.8), meaning: None, arms });
        let words = said(&quicker);
        assert!(words.contains("near in meaning: not told, no server of embeddings is named"), "{words}");
        let mut told = quicker.clone();
        let answers = told.answers.as_mut().unwrap();
        answers.arms[1] = answers.arms[1].clone().with_similarities(vec![Some(0.9), Some(0.8), None]);
        let by = Target { api: Api::Embeddings, url: "http://e/v1/embeddings".into(), ..plan().target };
        answers.meaning = Some(Meaning { by, failed: None });
        let words = said(&told);
        assert!(words.contains("words overlap by 25 %, 0.850 near in meaning"), "{words}");
        assert!(words.contains("near in meaning: by chat at http://e/v1/embeddings"), "{words}");
        let defined = page(&told).definitions.into_iter().find(|(name, _)| name == "near in meaning");
        assert!(defined.is_some_and(|(_, text)| text.contains("cosine")));
        told.answers.as_mut().unwrap().meaning.as_mut().unwrap().failed = Some("nobody listens".into());
        assert!(said(&told).contains("not told, chat at http://e/v1/embeddings: nobody listens"));
        let said = said(&quicker);
        assert!(said.contains("next is worse than now: its answers have less in common"), "{said}");
        assert!(said.contains("next: 25 % of 8 the same to the letter, words overlap by 25 %"), "{said}");
        quicker.answers.as_mut().unwrap().least_overlap = None;
        assert!(matches!(
            outcome(&quicker, &quicker.comparison.candidates[0]),
            Verdict::Better | Verdict::NotEnough { .. }
        ));
    }

    #[test]
    fn failures_are_said_whatever_the_medians_are() {
        let mut document = slower();
        document.blocks[0].measures.requests.failed = 3;
        document.blocks[1].measures.requests.unfinished = 20;
        let words = said(&document);
        assert!(words.contains("Failed: ") && words.contains(" 3 of "), "{words}");
        assert!(
            words.contains("Left open: ")
                && words.contains("20 of ")
                && words.contains("requests were open still 1 s after the end"),
            "{words}"
        );
        // What a person cut off is not left open by a server.
        document.blocks[1].state = State::Interrupted;
        assert!(!said(&document).contains("Left open: "));
    }

    #[test]
    fn how_time_passed_and_what_is_not_kept_is_said() {
        let mut document = slower();
        document.blocks[3].client.stepped_s = Some(-3_600.0);
        document.not_kept = Some("block 9 is not there: the disk is full".into());
        let said = said(&document);
        assert!(said.contains("its clock was set back by 3,600.0 s meanwhile"), "{said}");
        assert!(said.contains("Not kept: block 9 is not there"), "{said}");
        assert!(document.kept().unwrap_err().why.unwrap().contains("the disk is full"));
    }

    #[test]
    fn a_guard_that_nobody_can_tell_is_not_passed() {
        let mut quicker =
            document(12, |arm, at| if arm == 1 { 60.0 } else { 100.0 } + f64::from(u8::from(at % 2 == 0)));
        let silent = |arm: &str| Agreement {
            arm: arm.into(),
            answered: 0,
            exact: None,
            overlap: None,
            each: vec![None; 8],
            failed: Some("no token was said within 64".into()),
            similarity: None,
            similarities: Vec::new(),
        };
        let arms = vec![silent("now"), silent("next")];
        quicker.answers = Some(Answers { prompts: 8, least_overlap: Some(0.8), meaning: None, arms });
        let words = said(&quicker);
        assert!(
            words.contains("next is invalid") || words.contains("next beside now: invalid: an overlap of answers"),
            "{words}"
        );
        assert!(words.contains("— of 0 the same to the letter, words overlap by —; not answered: no token"), "{words}");
        quicker.answers.as_mut().unwrap().least_overlap = None;
        assert!(!matches!(outcome(&quicker, &quicker.comparison.candidates[0]), Verdict::Invalid { .. }));
    }
}

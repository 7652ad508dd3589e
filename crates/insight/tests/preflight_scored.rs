//! Preflights of published models against what is known of them: by vendors and engines, and by reports of their users.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

use pilothouse_insight::preflight::{
    Engine, Flags, Gpu, Machine, ModelConfig, Report, Surge, Verdict, Version, preflight,
};
use serde_json::Value;

const MODELS: &str = include_str!("preflight/models.json");
const CASES: &str = include_str!("preflight/cases.csv");
const MEASURED: &str = include_str!("preflight/measured.csv");

fn rows<const N: usize>(table: &'static str) -> Vec<[&'static str; N]> {
    let lines = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    lines.map(|line| line.splitn(N, ',').collect::<Vec<_>>().try_into().unwrap()).collect()
}

fn model(name: &str) -> ModelConfig {
    let models: Value = serde_json::from_str(MODELS).unwrap();
    assert!(models[name]["from"].is_string(), "{name} has no source");
    ModelConfig::read(&models[name]["config"])
}

fn report(name: &str, gpu: &str, engine: &str, arguments: &str) -> Report {
    let engine = Engine::in_words([engine]).unwrap();
    let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    let (config, flags) = (model(name), Flags::read(engine, &arguments));
    let machine = Machine { gpu: Gpu::of_product(gpu), gpus_a_node: Some(8) };
    let version = Version { config: &config, flags: &flags, weights: None, template: None, tokenizer: None };
    preflight(version, None, &machine, &Surge::NotAsked)
}

fn verdict(report: &Report, about: &str) -> (Verdict, String) {
    let checks = &report.candidate.checks;
    let of = |check: &&pilothouse_insight::preflight::Check| serde_json::to_value(check.topic).unwrap() == about;
    match checks.iter().find(of) {
        Some(check) => (check.verdict, check.why.clone()),
        None => {
            let deciding = checks.iter().find(|check| check.verdict == report.verdict);
            (report.verdict, deciding.map(|check| check.why.clone()).unwrap_or_default())
        }
    }
}

#[test]
fn of_published_fits_four_of_five_are_answered_and_none_is_wrong() {
    let cases = rows::<7>(CASES);
    assert!(cases.len() >= 20, "only {} cases", cases.len());
    let (mut answered, mut wrong, mut open) = (0, Vec::new(), Vec::new());
    for [name, gpu, engine, arguments, about, known, source] in &cases {
        let known = match *known {
            "fits" => Verdict::Fits,
            "does-not" => Verdict::DoesNot,
            other => panic!("{other} is nothing that is known"),
        };
        let (got, why) = verdict(&report(name, gpu, engine, arguments), about);
        let line = format!("{name} on {gpu} by {engine} {arguments}: {}; {why} ({source})", got.word());
        if got == known {
            answered += 1;
        } else if got == Verdict::CannotTell {
            open.push(line);
        } else {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "wrong:\n{}", wrong.join("\n"));
    println!("{answered} of {} answered. Not answered:\n{}", cases.len(), open.join("\n"));
    assert!(answered * 5 >= cases.len() * 4, "{answered} of {}:\n{}", cases.len(), open.join("\n"));
}

#[test]
fn what_engines_measured_lies_between_the_bounds() {
    let mut outside = Vec::new();
    for [name, gpu, engine, arguments, tokens, source] in rows::<6>(MEASURED) {
        let tokens: u64 = tokens.parse().unwrap();
        let report = report(name, gpu, engine, arguments);
        let bounds = report.candidate.tokens.unwrap();
        if tokens < bounds.low || bounds.high.is_some_and(|high| tokens > high) {
            outside.push(format!(
                "{name} on {gpu}: {tokens} is not in {bounds:?} ({source}): {:#?}",
                report.candidate.sums
            ));
        }
    }
    assert!(outside.is_empty(), "{}", outside.join("\n"));
}

/// What vLLM says that a sequence takes of the cache, in MiB.
#[test]
fn a_sequence_takes_what_the_engine_says() {
    for (name, mib) in [("qwen3-coder-480b", 62 * 1024), ("qwen3-30b-a3b", 24 * 1024)] {
        let report = report(name, "NVIDIA H200", "vllm", "");
        let line = report.candidate.sums.iter().find(|line| line.what == "A sequence of full length").unwrap();
        assert_eq!(line.bytes.exact(), Some(mib << 20), "{name}");
    }
}

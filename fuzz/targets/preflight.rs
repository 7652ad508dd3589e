//! The configuration of a model and the arguments of its engine, and what a preflight makes of them: a line of arguments, and
//! behind it the configuration.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_insight::preflight::{Engine, Flags, Gpu, Machine, ModelConfig, Surge, Verdict, Version, preflight};

libfuzzer_sys::fuzz_target!(|text: &str| -> Corpus {
    let Some((typed, config)) = text.split_once('\n') else { return Corpus::Reject };
    let Ok(value) = serde_json::from_str(config) else { return Corpus::Reject };
    let typed: Vec<String> = typed.split(' ').map(str::to_owned).collect();
    let config = ModelConfig::read(&value);
    for engine in [Engine::Vllm, Engine::Sglang, Engine::Tgi] {
        let flags = Flags::read(engine, &typed);
        let version = Version { config: &config, flags: &flags, weights: None, template: None, tokenizer: None };
        for product in ["NVIDIA L4", "NVIDIA B200"] {
            let machine = Machine { gpu: Gpu::of_product(product), gpus_a_node: Some(8) };
            let report = preflight(version, Some(version), &machine, &Surge::Free(8));
            let side = &report.candidate;
            for line in &side.sums {
                assert!(line.bytes.high.is_none_or(|high| line.bytes.low <= high), "{line:?}");
            }
            assert_eq!(report.verdict, Verdict::of_all(side.checks.iter().map(|check| check.verdict)));
            assert!(side.checks.iter().all(|check| !check.why.is_empty()));
        }
    }
    let files = Version {
        weights: Some(u64::MAX),
        config: &config,
        flags: &Flags::read(Engine::Vllm, &typed),
        template: None,
        tokenizer: None,
    };
    preflight(files, None, &Machine { gpu: Gpu::of_product("NVIDIA H200"), gpus_a_node: None }, &Surge::NotAsked);
    Corpus::Keep
});

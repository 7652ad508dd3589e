//! Preflights of models: counts of weights, what is missing, what is asked for, and what must always hold.

use super::{params::Params, *};
use proptest::prelude::*;
use serde_json::{Value, json};

fn words(typed: &str) -> Vec<String> {
    typed.split_whitespace().map(str::to_owned).collect()
}

fn llama() -> Value {
    json!({
        "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
        "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 131072,
        "tie_word_embeddings": false, "torch_dtype": "bfloat16"
    })
}

fn with(mut config: Value, change: &Value) -> Value {
    for (key, value) in change.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

fn on(product: &str) -> Machine {
    Machine { gpu: Gpu::of_product(product), gpus_a_node: Some(8) }
}

fn report(config: &Value, typed: &str, machine: &Machine) -> Report {
    let (config, flags) = (ModelConfig::read(config), Flags::read(Engine::Vllm, &words(typed)));
    let version = Version { config: &config, flags: &flags, weights: None, template: None, tokenizer: None };
    preflight(version, None, machine, &Surge::NotAsked)
}

#[track_caller]
fn check(config: &Value, typed: &str, product: &str, topic: Topic, verdict: Verdict, part: &str) {
    let report = report(config, typed, &on(product));
    let check = report.candidate.checks.iter().find(|check| check.topic == topic).unwrap();
    assert_eq!(check.verdict, verdict, "{}", check.why);
    assert!(check.why.contains(part), "{}", check.why);
}

fn bytes_of(report: &Report, what: &str) -> Between {
    report.candidate.sums.iter().find(|line| line.what == what).unwrap().bytes
}

/// Published numbers of parameters: Hugging Face's count of the tensors of each.
#[test]
fn dimensions_come_to_the_published_numbers_of_weights() {
    let llama = llama();
    for (change, published) in [
        (json!({}), 8_030_261_248_u64),
        (
            json!({ "hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80, "num_attention_heads": 64 }),
            70_553_706_496,
        ),
        (
            json!({ "vocab_size": 32000, "hidden_size": 5120, "intermediate_size": 13824, "num_hidden_layers": 40, "num_attention_heads": 40, "num_key_value_heads": 40 }),
            13_015_864_320,
        ),
        (json!({ "model_type": "mistral", "vocab_size": 32000 }), 7_241_732_096),
        (
            json!({ "model_type": "mixtral", "vocab_size": 32000, "num_local_experts": 8, "num_experts_per_tok": 2 }),
            46_702_792_704,
        ),
        (
            json!({ "hidden_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 24, "intermediate_size": 8192, "tie_word_embeddings": true }),
            3_212_749_824,
        ),
        (
            json!({ "model_type": "minimax_m2", "hidden_size": 3072, "intermediate_size": 1536, "num_hidden_layers": 62, "num_attention_heads": 48, "head_dim": 128, "num_local_experts": 256, "num_experts_per_tok": 8, "vocab_size": 200064 }),
            228_703_644_928,
        ),
        (
            json!({ "model_type": "gpt_oss", "hidden_size": 2880, "intermediate_size": 2880, "num_hidden_layers": 24, "num_attention_heads": 64, "head_dim": 64, "num_local_experts": 32, "num_experts_per_tok": 4, "vocab_size": 201088 }),
            20_910_000_000,
        ),
        (
            json!({ "model_type": "deepseek_v3", "hidden_size": 7168, "intermediate_size": 18432, "moe_intermediate_size": 2048, "num_hidden_layers": 61, "num_attention_heads": 128, "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8, "first_k_dense_replace": 3, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128, "vocab_size": 129280 }),
            671_000_000_000,
        ),
    ] {
        let config = with(llama.clone(), &change);
        let total = Params::of(&ModelConfig::read(&config)).unwrap().total();
        assert!(total.abs_diff(published) * 1_000 <= published, "{change}: {total} is not {published}");
    }
}

#[test]
fn where_a_field_that_decides_is_missing_that_cannot_be_told_and_says_which() {
    for (field, topic) in [
        ("num_hidden_layers", Topic::Memory),
        ("hidden_size", Topic::Memory),
        ("vocab_size", Topic::Memory),
        ("intermediate_size", Topic::Memory),
        ("model_type", Topic::Memory),
        ("torch_dtype", Topic::Quantisation),
        ("num_hidden_layers", Topic::Context),
    ] {
        let mut config = llama();
        config.as_object_mut().unwrap().remove(field);
        check(&config, "", "NVIDIA H200", topic, Verdict::CannotTell, field);
    }
    let nothing = report(&json!(null), "", &on("NVIDIA H200"));
    assert_eq!(nothing.verdict, Verdict::CannotTell);
    check(&llama(), "-tp 0", "NVIDIA H200", Topic::Memory, Verdict::CannotTell, "Not all arguments can be read");
    check(&llama(), "", "Quadro P400", Topic::Memory, Verdict::CannotTell, "does not have Quadro P400");
}

#[test]
fn what_keeps_more_than_keys_and_values_is_not_reckoned() {
    let hybrid = with(llama(), &json!({ "layer_types": ["full_attention", "linear_attention"] }));
    check(&hybrid, "", "NVIDIA H200", Topic::Context, Verdict::CannotTell, "layer_types");
    let sees = with(llama(), &json!({ "vision_config": { "depth": 32 } }));
    check(&sees, "", "NVIDIA H200", Topic::Memory, Verdict::CannotTell, "vision_config says");
    check(&sees, "--language-model-only", "NVIDIA H200", Topic::Memory, Verdict::Fits, "");
}

#[test]
fn heads_blocks_formats_and_nodes_are_held_against_the_flags() {
    let fp8 = with(
        llama(),
        &json!({ "intermediate_size": 14080, "quantization_config": { "quant_method": "fp8", "weight_block_size": [128, 128] } }),
    );
    for (config, typed, product, topic, verdict, part) in [
        (
            llama(),
            "-tp 3",
            "NVIDIA H200",
            Topic::Parallelism,
            Verdict::DoesNot,
            "32 attention heads cannot be parted among 3",
        ),
        (llama(), "-tp 16", "NVIDIA H200", Topic::Parallelism, Verdict::Fits, ""),
        (llama(), "-pp 64", "NVIDIA H200", Topic::Parallelism, Verdict::DoesNot, "64 stages"),
        (fp8.clone(), "-tp 4", "NVIDIA H200", Topic::Parallelism, Verdict::DoesNot, "no multiple of the 128"),
        (fp8.clone(), "", "NVIDIA H200", Topic::Quantisation, Verdict::Fits, "computes in it"),
        (fp8.clone(), "", "NVIDIA A100-SXM4-80GB", Topic::Quantisation, Verdict::Fits, "computes in 16 bits"),
        (fp8.clone(), "", "Tesla V100-SXM2-16GB", Topic::Quantisation, Verdict::DoesNot, "does not take it"),
        (fp8, "--quantization awq", "NVIDIA H200", Topic::Quantisation, Verdict::CannotTell, "asks for awq"),
        (llama(), "--quantization awq", "NVIDIA H200", Topic::Quantisation, Verdict::DoesNot, "takes a checkpoint"),
        (llama(), "", "Tesla T4", Topic::Quantisation, Verdict::CannotTell, "older ones refuse"),
        (llama(), "--dtype bfloat16", "Tesla T4", Topic::Quantisation, Verdict::DoesNot, "7.5"),
        (llama(), "--dtype half", "Tesla T4", Topic::Quantisation, Verdict::Fits, ""),
        (llama(), "-tp 16", "NVIDIA H200", Topic::Node, Verdict::CannotTell, "several nodes"),
        (llama(), "-tp 16 --nnodes 2", "NVIDIA H200", Topic::Node, Verdict::Fits, ""),
        (llama(), "--max-model-len 200k", "NVIDIA H200", Topic::Context, Verdict::DoesNot, "the model takes 131,072"),
        (llama(), "--max-model-len auto", "NVIDIA L4", Topic::Context, Verdict::Fits, "as there is memory for"),
    ] {
        check(&config, typed, product, topic, verdict, part);
    }
}

#[test]
fn arguments_that_cannot_be_read_leave_nothing_told() {
    let report = report(&llama(), "--tensor-parallel-size ${TP} --gpu-memory-utilization 0.01", &on("NVIDIA L4"));
    assert_eq!(report.verdict, Verdict::CannotTell);
    let why = &report.candidate.checks[0].why;
    assert!(why.contains("--tensor-parallel-size ${TP}"), "{why}");
}

#[test]
fn a_latent_cache_is_on_each_gpu_whole() {
    let latent = json!({
        "model_type": "deepseek_v3", "hidden_size": 7168, "intermediate_size": 18432, "moe_intermediate_size": 2048,
        "num_hidden_layers": 61, "num_attention_heads": 128, "n_routed_experts": 256, "n_shared_experts": 1,
        "num_experts_per_tok": 8, "first_k_dense_replace": 3, "q_lora_rank": 1536, "kv_lora_rank": 512,
        "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128, "vocab_size": 129280,
        "max_position_embeddings": 163840, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
        "quantization_config": { "quant_method": "fp8", "weight_block_size": [128, 128] }
    });
    for tensor in [1, 8] {
        let report = report(&latent, &format!("-tp {tensor}"), &on("NVIDIA H200"));
        assert_eq!(bytes_of(&report, "A token in the cache"), Between::exactly(61 * 576 * 2));
    }
}

#[test]
fn layers_with_a_window_keep_no_more_than_all_and_no_less_than_the_window() {
    let config = with(llama(), &json!({ "model_type": "gemma2", "sliding_window": 4096 }));
    let report = report(&config, "--max-model-len 131072", &on("NVIDIA H200"));
    let layer = 2 * 8 * 128 * 2;
    let need = bytes_of(&report, "A sequence of full length");
    assert_eq!(need, Between::new(16 * layer * (131_072 + 4_096), 32 * layer * 131_072));
}

#[test]
fn the_size_of_the_files_counts_before_dimensions() {
    let (config, flags) = (ModelConfig::read(&llama()), Flags::read(Engine::Vllm, &words("-tp 2")));
    let of = |weights| {
        let version = Version { config: &config, flags: &flags, weights, template: None, tokenizer: None };
        bytes_of(&preflight(version, None, &on("NVIDIA L4"), &Surge::NotAsked), "Weights")
    };
    let (by_dimensions, by_files) = (of(None), of(Some(16_060_522_496)));
    assert!(by_files.low.abs_diff(by_dimensions.low) < by_files.low / 100, "{by_files:?} {by_dimensions:?}");
    assert!(of(Some(32_000_000_000)).high > by_files.high);
    let unknown = ModelConfig::read(&with(llama(), &json!({ "model_type": "new" })));
    let version = Version { config: &unknown, flags: &flags, weights: Some(1_000), template: None, tokenizer: None };
    let report = preflight(version, None, &on("NVIDIA L4"), &Surge::NotAsked);
    assert_eq!(bytes_of(&report, "Weights"), Between::new(500, 1_015));
}

#[test]
fn the_surge_is_held_against_what_is_free() {
    let (config, flags) = (ModelConfig::read(&llama()), Flags::read(Engine::Vllm, &words("-tp 2")));
    let version = Version { config: &config, flags: &flags, weights: None, template: None, tokenizer: None };
    let of = |surge| preflight(version, None, &on("NVIDIA H200"), &surge).verdict;
    assert_eq!(of(Surge::Free(2)), Verdict::Fits);
    assert_eq!(of(Surge::Free(1)), Verdict::DoesNot);
    assert_eq!(of(Surge::Unknown("pods are not read".into())), Verdict::CannotTell);
}

#[test]
fn files_that_hold_less_than_the_dimensions_never_make_it_fit() {
    let (config, flags) = (ModelConfig::read(&llama()), Flags::read(Engine::Vllm, &words("")));
    let of = |weights| {
        let version = Version { config: &config, flags: &flags, weights, template: None, tokenizer: None };
        bytes_of(&preflight(version, None, &on("NVIDIA H200"), &Surge::NotAsked), "Weights")
    };
    let (dimensions, whole, part) = (of(None), of(Some(16_060_522_496)), of(Some(1_000)));
    assert!(whole.low.abs_diff(dimensions.low) < dimensions.low / 1_000, "{whole:?}, {dimensions:?}");
    assert!(part.low < 2_000 && part.high == dimensions.high, "{part:?}, {dimensions:?}");
}

#[test]
fn what_changed_says_more_less_and_other() {
    let (config, flags) = (ModelConfig::read(&llama()), Flags::read(Engine::Vllm, &words("")));
    let wide = ModelConfig::read(&with(llama(), &json!({ "num_key_value_heads": 32 })));
    let was = Version { config: &config, flags: &flags, weights: None, template: Some("a"), tokenizer: Some("t") };
    let now = Version { config: &wide, template: Some("b"), ..was };
    let report = preflight(now, Some(was), &on("NVIDIA H200"), &Surge::NotAsked);
    let how = |what| report.changes.iter().find(|change| change.what == what).unwrap().how;
    assert_eq!(how("A token in the cache"), Changed::More);
    assert_eq!(how("Tokens that the cache holds"), Changed::Less);
    assert_eq!(
        [how("Context"), how("Chat template"), how("Tokenizer")],
        [Changed::Same, Changed::Other, Changed::Same]
    );
}

/// Numbers as somebody may write them, and worse.
fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0_u64..100_000).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!("8")),
        Just(json!([])),
    ]
}

const KEYS: &[&str] = &[
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "intermediate_size",
    "vocab_size",
    "num_experts",
    "moe_intermediate_size",
    "num_experts_per_tok",
    "n_shared_experts",
    "kv_lora_rank",
    "qk_rope_head_dim",
    "q_lora_rank",
    "sliding_window",
    "sliding_window_pattern",
    "decoder_sparse_step",
    "first_k_dense_replace",
    "max_position_embeddings",
    "num_nextn_predict_layers",
    "moe_layer_start_index",
    "moe_layer_end_index",
];

proptest! {
    #[test]
    fn nothing_that_a_configuration_may_say_is_too_much(
        values in proptest::collection::vec(number(), KEYS.len()),
        family in prop_oneof![Just("llama"), Just("qwen3_moe"), Just("deepseek_v3"), Just("gpt_oss"), Just("other")],
        sizes in proptest::array::uniform4(0_u64..u64::MAX),
        weights in proptest::option::of(any::<u64>()),
    ) {
        let mut config = json!({ "model_type": family });
        for (key, value) in KEYS.iter().zip(values) {
            config[*key] = value;
        }
        let typed = format!("-tp {} -pp {} -dp {} --max-num-seqs {}", sizes[0], sizes[1], sizes[2], sizes[3]);
        for engine in [Engine::Vllm, Engine::Sglang, Engine::Tgi] {
            let (config, flags) = (ModelConfig::read(&config), Flags::read(engine, &words(&typed)));
            let version = Version { config: &config, flags: &flags, weights, template: None, tokenizer: None };
            let report = preflight(version, Some(version), &on("NVIDIA H200"), &Surge::Free(1));
            for line in &report.candidate.sums {
                prop_assert!(line.bytes.high.is_none_or(|high| high >= line.bytes.low), "{:?}", line);
            }
        }
    }

    #[test]
    fn more_context_never_takes_less(a in 1_u64..200_000, b in 1_u64..200_000, window in prop_oneof![Just(None), (1_u64..9_000).prop_map(Some)]) {
        let config = with(llama(), &json!({ "sliding_window": window, "sliding_window_pattern": 6 }));
        let need = |n: u64| bytes_of(&report(&config, &format!("--max-model-len {n}"), &on("NVIDIA H200")), "A sequence of full length");
        let longest = 131_072;
        let (less, more) = (need(a.min(b).min(longest)), need(a.max(b).min(longest)));
        prop_assert!(more.low >= less.low && more.high >= less.high);
    }

    #[test]
    fn more_gpus_never_take_more_of_each(power in 0_u32..4, fp8 in any::<bool>()) {
        let mut config = llama();
        if fp8 {
            config["quantization_config"] = json!({ "quant_method": "fp8" });
        }
        let (few, many) = (1_u64 << power, 2_u64 << power);
        for flag in ["-tp", "-pp"] {
            let of = |n: u64, what: &str| bytes_of(&report(&config, &format!("{flag} {n}"), &on("NVIDIA H200")), what);
            for what in ["Weights", "A token in the cache", "Work of a step"] {
                let (before, after) = (of(few, what), of(many, what));
                // A head that is the table is on the first and on the last stage.
                prop_assert!(after.low <= before.low, "{flag} {many}: {what} {after:?} after {before:?}");
                prop_assert!(after.high <= before.high, "{flag} {many}: {what} {after:?} after {before:?}");
            }
        }
    }
}

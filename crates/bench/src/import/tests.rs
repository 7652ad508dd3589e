//! Files as the tools write them, by their documented fields, and what is said of those that are wrong.

use super::*;
use proptest::prelude::*;

fn one(text: &str) -> Document {
    let mut all = read(text, Path::new("imports/result.json"), Stamp(5)).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[track_caller]
fn check(document: &Document, want: &[(&str, f64)]) {
    let got: Vec<(&str, f64)> = document.figures.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(got, want);
}

const AIPERF: &str = r#"{"aiperf_version":"0.5.0","request_count":{"unit":"requests","avg":95.0},
 "error_request_count":{"unit":"requests","avg":5.0},"request_throughput":{"unit":"requests/sec","avg":9.5},
 "time_to_first_token":{"unit":"ms","avg":90.0,"p50":80.0,"p95":150.0,"p99":250.0,"std":3.0},
 "inter_token_latency":{"unit":"ms","avg":20.0,"p50":19.0},"request_latency":{"unit":"sec","avg":1.5},
 "output_token_throughput":{"unit":"tokens/sec","avg":620.0},"goodput":null,
 "input_config":{"endpoint":{"model_names":["chat"]},"loadgen":{"concurrency":10}}}"#;

const GUIDELLM: &str = r#"{"benchmarks":[{"config":{"backend":{"model":"chat"},"strategy":{"type_":"concurrent","streams":8}},
 "metrics":{"requests_per_second":{"successful":{"mean":2.0}},"output_tokens_per_second":{"successful":{"mean":123.0}},
 "time_to_first_token_ms":{"successful":{"mean":12.0,"median":11.0,"percentiles":{"p50":11.0,"p99":30.0}}},
 "time_per_output_token_ms":{"successful":{"mean":8.0}},"inter_token_latency_ms":{"successful":{"mean":7.0}},
 "request_latency":{"successful":{"mean":1.25}},"request_totals":{"successful":56,"errored":1,"incomplete":2,"total":59}}},
 {"metrics":{"time_to_first_token_ms":{"successful":{"mean":13.0}}},"run_stats":{"requests_made":{"successful":3,"errored":0}}}]}"#;

const VLLM: &str = r#"{"date":"20261101-120000","backend":"openai-chat","model_id":"chat","num_prompts":100,"request_rate":"inf",
 "burstiness":1.0,"max_concurrency":32,"duration":10.0,"completed":98,"failed":2,"request_throughput":9.8,"request_goodput":null,
 "output_throughput":627.2,"mean_ttft_ms":40.0,"median_ttft_ms":38.0,"std_ttft_ms":2.0,"p99_ttft_ms":66.0,"mean_tpot_ms":11.0,
 "median_itl_ms":10.5,"p99_e2el_ms":900.0}"#;

const LLAMA: &str = r#"[{"build_commit":"8cf427ff","model_filename":"/home/ada/qwen.gguf","model_type":"qwen2 7B Q4_K","n_threads":8,
 "n_prompt":512,"n_gen":0,"n_depth":0,"avg_ts":7100.0,"stddev_ts":140.3,"samples_ts":[6863.1,7147.5]},
 {"model_filename":"/home/ada/qwen.gguf","n_prompt":0,"n_gen":128,"n_depth":512,"avg_ts":118.5}]"#;

#[test]
fn aiperf_is_read_with_its_latency_of_tokens_as_our_tpot() {
    let document = one(AIPERF);
    assert_eq!((document.tool, document.answered, document.failed), (Tool::Aiperf, Some(95), Some(5)));
    assert_eq!((document.model.as_deref(), document.load.as_deref()), (Some("chat"), Some("10 at a time")));
    check(
        &document,
        &[
            ("answers", 9.5),
            ("e2e-mean", 1_500.0),
            ("tokens-out", 620.0),
            ("tpot-mean", 20.0),
            ("tpot-p50", 19.0),
            ("ttft-mean", 90.0),
            ("ttft-p50", 80.0),
            ("ttft-p95", 150.0),
            ("ttft-p99", 250.0),
        ],
    );
    // Errors as a list, where there is no count of them.
    let listed = r#"{"request_count":{"avg":4},"error_summary":[{"count":2},{"count":3}]}"#;
    assert_eq!(one(listed).failed, Some(5));
    assert_eq!(one(r#"{"request_count":{"avg":4}}"#).failed, None);
}

#[test]
fn guidellm_has_a_measurement_an_item_and_its_own_tpot_stays_its_own() {
    let all = read(GUIDELLM, Path::new("benchmarks.json"), Stamp(5)).unwrap();
    assert_eq!(all.iter().map(|document| document.part).collect::<Vec<_>>(), [Some(1), Some(2)]);
    assert_eq!((all[0].answered, all[0].failed, all[1].failed), (Some(56), Some(1), Some(0)));
    assert_eq!((all[0].model.as_deref(), all[0].load.as_deref()), (Some("chat"), Some("concurrent 8")));
    check(
        &all[0],
        &[
            ("answers", 2.0),
            ("e2e-mean", 1_250.0),
            ("tokens-out", 123.0),
            ("tpot-mean", 7.0),
            ("ttft-mean", 12.0),
            ("ttft-p50", 11.0),
            ("ttft-p99", 30.0),
        ],
    );
    assert_eq!(all[0].others["time_per_output_token_ms mean"], 8.0);
}

#[test]
fn vllm_has_its_gaps_as_gaps() {
    let document = one(VLLM);
    assert_eq!((document.tool, document.answered, document.failed), (Tool::Vllm, Some(98), Some(2)));
    assert_eq!(document.load.as_deref(), Some("inf requests/s, 32 at a time at most"));
    check(
        &document,
        &[
            ("answers", 9.8),
            ("e2e-p99", 900.0),
            ("itl-gap-p50", 10.5),
            ("tokens-out", 627.2),
            ("tpot-mean", 11.0),
            ("ttft-mean", 40.0),
            ("ttft-p50", 38.0),
            ("ttft-p99", 66.0),
        ],
    );
    // Earlier versions say how many were asked.
    assert_eq!(one(&VLLM.replace("\"failed\":2,", "")).failed, Some(2));
}

#[test]
fn llama_bench_is_read_as_a_list_and_by_lines() {
    let all = read(LLAMA, Path::new("llama.json"), Stamp(5)).unwrap();
    assert_eq!((all.len(), all[0].tool), (2, Tool::LlamaBench));
    assert_eq!(all[0].others["pp512 tokens/s"], 7_100.0);
    assert_eq!((all[1].figures["tokens-out"], all[1].model.as_deref()), (118.5, Some("qwen.gguf")));
    assert_eq!(all[1].load.as_deref(), Some("tg128 @ d512"));
    let value: Vec<Value> = serde_json::from_str(LLAMA).unwrap();
    let lines: String = value.iter().map(|item| format!("{item}\n")).collect();
    assert_eq!(read(&lines, Path::new("llama.json"), Stamp(5)).unwrap(), all);
}

#[test]
fn what_is_wrong_is_named_by_its_field() {
    for (text, want) in [
        ("", "It is no JSON"),
        ("{", "It is no JSON: EOF"),
        ("{\"a\":1}", "Its fields are those of none of the tools."),
        ("[]", "llama-bench: there is no measurement in it."),
        ("{\"benchmarks\":{}}", "GuideLLM: benchmarks is no list."),
        ("{\"benchmarks\":[{}]}", "GuideLLM: benchmarks[0].metrics is missing."),
        (&AIPERF.replace("80.0", "\"x\""), "AIPerf: time_to_first_token.p50 is no number."),
        (&AIPERF.replace("80.0", "-1"), "AIPerf: time_to_first_token.p50 is -1, which nothing measures."),
        (&AIPERF.replace("\"sec\"", "\"weeks\""), "AIPerf: request_latency.unit is a unit that is not known."),
        (&VLLM.replace("\"completed\":98", "\"completed\":9.5"), "vLLM bench serve: completed is 9.5"),
        (&LLAMA.replace("118.5", "null"), "llama-bench: [1].avg_ts is missing."),
        ("{\"avg_ts\":1,\"n_gen\":4}\n{\"avg_ts\":1,", "Line 2, column 12"),
    ] {
        let problem = read(text, Path::new("f.json"), Stamp(5)).unwrap_err();
        assert_eq!(problem.what, "f.json cannot be imported.");
        assert!(problem.why.as_deref().is_some_and(|why| why.starts_with(want)), "{want}: {problem:?}");
    }
}

#[test]
fn it_is_said_with_its_own_caution() {
    let mut document = one(VLLM);
    document.id = "v".into();
    let page = page(&document);
    let said: String = page.lines.iter().map(|line| format!("{}: {}\n", line.name, line.text)).collect();
    assert!(said.contains("98 answered, 2 failed") && said.contains("from when a request was sent"), "{said}");
    assert!(page.tables[0].rows.contains(&["ttft-p99", "ms", "66.00"].map(str::to_owned).to_vec()), "{page:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is broken in a file: no panic, and no figure that nothing measures.
    #[test]
    fn a_file_with_a_piece_replaced_is_read_or_refused(
        which in 0..4usize,
        at in 0.0..1.0f64,
        with in prop::sample::select(vec!["", "null", "-1", "1e400", "[]", "{}", "\"\"", "NaN", "}", ",", "\u{0}"]),
        much in 1..12usize,
    ) {
        let text = [AIPERF, GUIDELLM, VLLM, LLAMA][which];
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let from = (at * text.len() as f64) as usize;
        let end = (from + much).min(text.len());
        prop_assume!(text.is_char_boundary(from) && text.is_char_boundary(end));
        let broken = format!("{}{with}{}", &text[..from], &text[end..]);
        if let Ok(all) = read(&broken, Path::new("f.json"), Stamp(5)) {
            for value in all.iter().flat_map(|document| document.figures.values().chain(document.others.values())) {
                prop_assert!(value.is_finite() && *value >= 0.0, "{value}");
            }
        }
    }
}

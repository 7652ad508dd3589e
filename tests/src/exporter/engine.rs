//! What serving engines say of themselves, name for name: vLLM and SGLang.

use super::page::{Numbers, Page};

/// When the engine started, as Python's client says it of each counter.
const CREATED: f64 = 1_795_489_964.25;

const TTFT_BOUNDS: [f64; 22] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2_560.0,
];
const TOKEN_BOUNDS: [f64; 18] =
    [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0];
/// These begin at 0.3 s: below it nothing can be told.
const REQUEST_BOUNDS: [f64; 21] = [
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0,
    1_920.0, 7_680.0,
];

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// vLLM, on port 8000.
    Vllm,
    /// SGLang with `--enable-metrics`, on port 30000.
    Sglang,
}

/// An engine of one pod. It names no pod: Prometheus does, by its target.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Which one.
    pub kind: EngineKind,
    /// `model_name`.
    pub model: String,
    /// Requests that run.
    pub running: f64,
    /// Requests that wait.
    pub waiting: f64,
    /// Share of the key-value cache in use.
    pub kv_use: f64,
    /// Tokens read so far.
    pub prompt_tokens: f64,
    /// Tokens written so far.
    pub generated_tokens: f64,
    /// Requests that were put aside for want of memory, so far.
    pub preemptions: f64,
    /// How long first tokens took, in seconds.
    pub first_tokens: Vec<f64>,
    /// How long each further token took, in seconds.
    pub further_tokens: Vec<f64>,
    /// How long requests took, in seconds.
    pub requests: Vec<f64>,
}

impl Engine {
    /// An engine that has just started.
    pub fn new(kind: EngineKind, model: &str) -> Self {
        Self {
            kind,
            model: model.to_owned(),
            running: 0.0,
            waiting: 0.0,
            kv_use: 0.0,
            prompt_tokens: 0.0,
            generated_tokens: 0.0,
            preemptions: 0.0,
            first_tokens: Vec::new(),
            further_tokens: Vec::new(),
            requests: Vec::new(),
        }
    }

    pub(super) fn page(&self) -> String {
        match self.kind {
            EngineKind::Vllm => self.vllm(),
            EngineKind::Sglang => self.sglang(),
        }
    }

    fn vllm(&self) -> String {
        let mut page = Page::new(Numbers::Python);
        // Python's client sorts the names of labels, `le` among them.
        let own = [("engine", "0"), ("model_name", self.model.as_str())];
        let gauges = [
            ("vllm:num_requests_running", "Number of requests in model execution batches.", self.running),
            ("vllm:num_requests_waiting", "Number of requests waiting to be processed.", self.waiting),
            ("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", self.kv_use),
        ];
        for (name, help, value) in gauges {
            page.family(name, "gauge", help);
            page.sample(name, &own, value);
        }
        let counters = [
            ("vllm:num_preemptions", "Cumulative number of preemption from the engine.", self.preemptions),
            ("vllm:prompt_tokens", "Number of prefill tokens processed.", self.prompt_tokens),
            ("vllm:generation_tokens", "Number of generation tokens processed.", self.generated_tokens),
        ];
        for (name, help, value) in counters {
            let total = format!("{name}_total");
            page.family(&total, "counter", help);
            page.sample(&total, &own, value);
            created(&mut page, name, help, &own);
        }
        let (success, help) = ("vllm:request_success", "Count of successfully processed requests.");
        let total = format!("{success}_total");
        page.family(&total, "counter", help);
        for (reason, count) in [("stop", self.requests.len()), ("length", 0), ("abort", 0)] {
            page.sample(&total, &[own[0], ("finished_reason", reason), own[1]], count as f64);
        }
        let histograms: [(&str, &str, &[f64], &[f64]); 3] = [
            (
                "vllm:time_to_first_token_seconds",
                "Histogram of time to first token in seconds.",
                &TTFT_BOUNDS,
                &self.first_tokens,
            ),
            (
                "vllm:inter_token_latency_seconds",
                "Histogram of inter-token latency in seconds.",
                &TOKEN_BOUNDS,
                &self.further_tokens,
            ),
            (
                "vllm:e2e_request_latency_seconds",
                "Histogram of e2e request latency in seconds.",
                &REQUEST_BOUNDS,
                &self.requests,
            ),
        ];
        for (name, help, bounds, values) in histograms {
            page.family(name, "histogram", help);
            histogram(&mut page, name, bounds, values, &own);
            created(&mut page, name, help, &own);
        }
        page.family("vllm:cache_config_info", "gauge", "Information of the LLMEngine CacheConfig");
        let config =
            [("block_size", "16"), ("enable_prefix_caching", "True"), ("engine", "0"), ("num_gpu_blocks", "27464")];
        page.sample("vllm:cache_config_info", &config, 1.0);
        page.into_text()
    }

    fn sglang(&self) -> String {
        let mut page = Page::new(Numbers::Python);
        let own = [("engine_type", "unified"), ("model_name", self.model.as_str()), ("pp_rank", "0"), ("tp_rank", "0")];
        let gauges = [
            ("sglang:num_running_reqs", "The number of running requests.", self.running),
            ("sglang:num_queue_reqs", "The number of requests in the waiting queue.", self.waiting),
            ("sglang:token_usage", "The token usage.", self.kv_use),
            ("sglang:cache_hit_rate", "The prefix cache hit rate.", 0.0),
        ];
        for (name, help, value) in gauges {
            page.family(name, "gauge", help);
            page.sample(name, &own, value);
        }
        // Of the part that takes requests in: it knows no rank. Several processes write, so nothing is said of when
        // a counter was made.
        let own = [("model_name", self.model.as_str())];
        let counters = [
            ("sglang:prompt_tokens_total", "Number of prefill tokens processed.", self.prompt_tokens),
            ("sglang:generation_tokens_total", "Number of generation tokens processed.", self.generated_tokens),
            ("sglang:num_requests_total", "Number of requests processed.", self.requests.len() as f64),
        ];
        for (name, help, value) in counters {
            page.family(name, "counter", help);
            page.sample(name, &own, value);
        }
        let histograms: [(&str, &str, &[f64], &[f64]); 3] = [
            (
                "sglang:time_to_first_token_seconds",
                "Histogram of time to first token in seconds.",
                &TTFT_BOUNDS,
                &self.first_tokens,
            ),
            (
                "sglang:inter_token_latency_seconds",
                "Histogram of inter-token latency in seconds.",
                &TOKEN_BOUNDS,
                &self.further_tokens,
            ),
            (
                "sglang:e2e_request_latency_seconds",
                "Histogram of End-to-end request latency in seconds",
                &REQUEST_BOUNDS,
                &self.requests,
            ),
        ];
        for (name, help, bounds, values) in histograms {
            page.family(name, "histogram", help);
            histogram(&mut page, name, bounds, values, &own);
        }
        page.into_text()
    }
}

fn created(page: &mut Page, name: &str, help: &str, labels: &[(&str, &str)]) {
    let name = format!("{name}_created");
    page.family(&name, "gauge", help);
    page.sample(&name, labels, CREATED);
}

/// Buckets, count and sum.
fn histogram(page: &mut Page, name: &str, bounds: &[f64], values: &[f64], own: &[(&str, &str)]) {
    let bucket = format!("{name}_bucket");
    for bound in bounds.iter().copied().chain([f64::INFINITY]) {
        let within = values.iter().filter(|value| **value <= bound).count();
        let le = Numbers::Python.write(bound);
        let mut labels = [own, &[("le", le.as_str())]].concat();
        labels.sort_unstable();
        page.sample(&bucket, &labels, within as f64);
    }
    page.sample(&format!("{name}_count"), own, values.len() as f64);
    page.sample(&format!("{name}_sum"), own, values.iter().sum());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vllm_says_its_model_and_counts_into_buckets() {
        let mut engine = Engine::new(EngineKind::Vllm, "llama");
        engine.waiting = 3.0;
        engine.first_tokens = vec![0.03, 0.2, 3_000.0];
        let page = engine.page();
        for line in [
            "vllm:num_requests_waiting{engine=\"0\",model_name=\"llama\"} 3.0",
            "vllm:time_to_first_token_seconds_bucket{engine=\"0\",le=\"0.04\",model_name=\"llama\"} 1.0",
            "vllm:time_to_first_token_seconds_bucket{engine=\"0\",le=\"2560.0\",model_name=\"llama\"} 2.0",
            "vllm:time_to_first_token_seconds_bucket{engine=\"0\",le=\"+Inf\",model_name=\"llama\"} 3.0",
            "vllm:time_to_first_token_seconds_count{engine=\"0\",model_name=\"llama\"} 3.0",
            "vllm:prompt_tokens_total{engine=\"0\",model_name=\"llama\"} 0.0",
        ] {
            assert!(page.lines().any(|own| own == line), "{line}\nis not in\n{page}");
        }
    }

    #[test]
    fn sglang_says_other_names() {
        let mut engine = Engine::new(EngineKind::Sglang, "qwen");
        engine.kv_use = 0.5;
        let page = engine.page();
        let usage = "sglang:token_usage{engine_type=\"unified\",model_name=\"qwen\",pp_rank=\"0\",tp_rank=\"0\"} 0.5";
        assert!(page.contains(usage) && !page.contains("_created") && !page.contains("vllm"));
    }
}

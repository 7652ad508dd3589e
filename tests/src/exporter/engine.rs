//! What serving engines say of themselves, name for name: vLLM and SGLang; the others in `others`.

mod others;

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
    /// Hugging Face's text-generation-inference, on port 80.
    Tgi,
    /// TensorRT-LLM's `trtllm-serve`, under `/prometheus/metrics`.
    TrtLlm,
    /// Triton with the backend of TensorRT-LLM, on port 8002.
    Triton,
    /// The frontend of Dynamo, on port 8000.
    DynamoFrontend,
    /// A worker of Dynamo, on its system port.
    DynamoWorker,
}

/// How an engine names its series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// As builds of late do.
    #[default]
    Usual,
    /// vLLM of version 0: `vllm:gpu_cache_usage_perc`, `vllm:time_per_output_token_seconds`.
    Old,
    /// With an underscore for the colon: `sglang_num_running_reqs`.
    Underscore,
}

/// An engine of one pod. It names no pod: Prometheus does, by its target.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Which one.
    pub kind: EngineKind,
    /// `model_name`.
    pub model: String,
    /// How it names its series.
    pub naming: Naming,
    /// vLLM's data-parallel ranks: each says the same.
    pub ranks: usize,
    /// Requests that wait though there is room, where it tells why they wait: they are among those that wait.
    pub deferred: Option<f64>,
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
    /// Requests that failed, so far.
    pub failures: f64,
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
            naming: Naming::Usual,
            ranks: 1,
            deferred: None,
            running: 0.0,
            waiting: 0.0,
            kv_use: 0.0,
            prompt_tokens: 0.0,
            generated_tokens: 0.0,
            preemptions: 0.0,
            failures: 0.0,
            first_tokens: Vec::new(),
            further_tokens: Vec::new(),
            requests: Vec::new(),
        }
    }

    pub(super) fn page(&self) -> String {
        let page = match self.kind {
            EngineKind::Vllm => self.vllm(),
            EngineKind::Sglang => self.sglang(),
            EngineKind::Tgi => self.tgi(),
            EngineKind::TrtLlm => self.trtllm(),
            EngineKind::Triton => self.triton(),
            EngineKind::DynamoFrontend => self.dynamo_frontend(),
            EngineKind::DynamoWorker => self.dynamo_worker(),
        };
        match self.naming {
            Naming::Underscore => page.replace("sglang:", "sglang_").replace("vllm:", "vllm_"),
            Naming::Usual | Naming::Old => page,
        }
    }

    fn vllm(&self) -> String {
        let mut page = Page::new(Numbers::Python);
        let old = self.naming == Naming::Old;
        let numbers: Vec<String> = (0..self.ranks).map(|rank| rank.to_string()).collect();
        // Python's client sorts the names of labels, `le` among them.
        let of = |rank: &String| [("engine", rank.clone()), ("model_name", self.model.clone())];
        let ranks: Vec<[(&str, String); 2]> = numbers.iter().map(of).collect();
        let cache = if old { "vllm:gpu_cache_usage_perc" } else { "vllm:kv_cache_usage_perc" };
        let gauges = [
            ("vllm:num_requests_running", "Number of requests in model execution batches.", self.running),
            ("vllm:num_requests_waiting", "Number of requests waiting to be processed.", self.waiting),
            (cache, "KV-cache usage. 1 means 100 percent usage.", self.kv_use),
        ];
        for (name, help, value) in gauges {
            page.family(name, "gauge", help);
            ranks.iter().for_each(|own| page.sample(name, &borrowed(own), value));
        }
        if let Some(deferred) = self.deferred {
            let name = "vllm:num_requests_waiting_by_reason";
            page.family(name, "gauge", "Number of requests waiting to be processed, by reason.");
            for (reason, value) in [("capacity", self.waiting - deferred), ("deferred", deferred)] {
                for own in &ranks {
                    page.sample(name, &[&borrowed(own)[..], &[("reason", reason)]].concat(), value);
                }
            }
        }
        let counters = [
            ("vllm:num_preemptions", "Cumulative number of preemption from the engine.", self.preemptions),
            ("vllm:prompt_tokens", "Number of prefill tokens processed.", self.prompt_tokens),
            ("vllm:generation_tokens", "Number of generation tokens processed.", self.generated_tokens),
        ];
        for (name, help, value) in counters {
            let total = format!("{name}_total");
            page.family(&total, "counter", help);
            ranks.iter().for_each(|own| page.sample(&total, &borrowed(own), value));
            ranks.iter().for_each(|own| created(&mut page, name, help, &borrowed(own)));
        }
        let (success, help) = ("vllm:request_success", "Count of successfully processed requests.");
        let total = format!("{success}_total");
        page.family(&total, "counter", help);
        for (reason, count) in [("stop", self.requests.len()), ("length", 0), ("abort", 0)] {
            for own in &ranks {
                let [engine, model] = borrowed(own);
                page.sample(&total, &[engine, ("finished_reason", reason), model], count as f64);
            }
        }
        let between = if old { "vllm:time_per_output_token_seconds" } else { "vllm:inter_token_latency_seconds" };
        let histograms: [(&str, &str, &[f64], &[f64]); 3] = [
            (
                "vllm:time_to_first_token_seconds",
                "Histogram of time to first token in seconds.",
                &TTFT_BOUNDS,
                &self.first_tokens,
            ),
            (between, "Histogram of inter-token latency in seconds.", &TOKEN_BOUNDS, &self.further_tokens),
            (
                "vllm:e2e_request_latency_seconds",
                "Histogram of e2e request latency in seconds.",
                &REQUEST_BOUNDS,
                &self.requests,
            ),
        ];
        for (name, help, bounds, values) in histograms {
            page.family(name, "histogram", help);
            for own in &ranks {
                histogram(&mut page, name, bounds, values, &borrowed(own));
            }
            ranks.iter().for_each(|own| created(&mut page, name, help, &borrowed(own)));
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

fn borrowed<'a>(labels: &'a [(&'a str, String); 2]) -> [(&'a str, &'a str); 2] {
    [(labels[0].0, labels[0].1.as_str()), (labels[1].0, labels[1].1.as_str())]
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
        let le = page.number(bound);
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
    fn an_old_vllm_has_other_names_and_ranks_say_the_same_each() {
        let engine = Engine { naming: Naming::Old, ranks: 2, ..Engine::new(EngineKind::Vllm, "llama") };
        let page = engine.page();
        assert!(page.contains("vllm:gpu_cache_usage_perc{engine=\"1\",model_name=\"llama\"} 0.0"), "{page}");
        assert!(page.contains("vllm:time_per_output_token_seconds_bucket") && !page.contains("kv_cache_usage"));
        let told = Engine { waiting: 5.0, deferred: Some(3.0), ..Engine::new(EngineKind::Vllm, "llama") }.page();
        let line = "vllm:num_requests_waiting_by_reason{engine=\"0\",model_name=\"llama\",reason=\"capacity\"} 2.0";
        assert!(told.contains(line), "{told}");
    }

    #[test]
    fn sglang_says_other_names() {
        let mut engine = Engine::new(EngineKind::Sglang, "qwen");
        engine.kv_use = 0.5;
        let page = engine.page();
        let usage = "sglang:token_usage{engine_type=\"unified\",model_name=\"qwen\",pp_rank=\"0\",tp_rank=\"0\"} 0.5";
        assert!(page.contains(usage) && !page.contains("_created") && !page.contains("vllm"));
        engine.naming = Naming::Underscore;
        assert!(engine.page().contains("sglang_token_usage{") && !engine.page().contains("sglang:"));
    }
}

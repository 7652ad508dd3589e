//! What further engines say of themselves, name for name: TGI, TensorRT-LLM, Triton, Dynamo.
//!
//! Sources: TGI `docs/source/reference/metrics.md` and `router/src`; TensorRT-LLM `tensorrt_llm/metrics/collector.py`; Triton
//! `docs/user_guide/metrics.md` and the README of its TensorRT-LLM backend; Dynamo `docs/observability/metrics.md`.

use super::{Engine, TOKEN_BOUNDS, TTFT_BOUNDS, histogram};
use crate::exporter::page::{Numbers, Page};

impl Engine {
    /// Rust's exporter: kinds without help, and no label of the model. Its counters have no ending.
    pub(super) fn tgi(&self) -> String {
        let mut page = Page::new(Numbers::Plain);
        for (name, value) in [
            ("tgi_batch_current_size", self.running),
            ("tgi_queue_size", self.waiting),
            ("tgi_batch_current_max_tokens", 8_192.0),
        ] {
            page.kind(name, "gauge");
            page.sample(name, &[], value);
        }
        page.kind("tgi_request_success", "counter");
        page.sample("tgi_request_success", &[], self.requests.len() as f64);
        page.kind("tgi_request_failure", "counter");
        for error in ["overloaded", "validation"] {
            page.sample("tgi_request_failure", &[("err", error)], self.failures);
        }
        // Tokens are told by histograms of lengths: all of one request here.
        for (name, tokens) in
            [("tgi_request_input_length", self.prompt_tokens), ("tgi_request_generated_tokens", self.generated_tokens)]
        {
            page.kind(name, "histogram");
            histogram(&mut page, name, &[512.0, 4_096.0], &[tokens], &[]);
        }
        let name = "tgi_request_mean_time_per_token_duration";
        page.kind(name, "histogram");
        histogram(&mut page, name, &TOKEN_BOUNDS, &self.further_tokens, &[]);
        page.into_text()
    }

    pub(super) fn trtllm(&self) -> String {
        let mut page = Page::new(Numbers::Python);
        let own = [("engine_type", "trtllm"), ("model_name", self.model.as_str())];
        for (name, kind, help, value) in [
            ("trtllm_num_requests_running", "gauge", "Number of requests that run.", self.running),
            ("trtllm_num_requests_waiting", "gauge", "Number of requests that wait.", self.waiting),
            ("trtllm_kv_cache_utilization", "gauge", "KV cache utilization.", self.kv_use),
            ("trtllm_prompt_tokens_total", "counter", "Number of prefill tokens processed.", self.prompt_tokens),
            (
                "trtllm_generation_tokens_total",
                "counter",
                "Number of generation tokens processed.",
                self.generated_tokens,
            ),
        ] {
            page.family(name, kind, help);
            page.sample(name, &own, value);
        }
        for (name, bounds, values) in [
            ("trtllm_time_to_first_token_seconds", &TTFT_BOUNDS[..], &self.first_tokens),
            ("trtllm_time_per_output_token_seconds", &TOKEN_BOUNDS[..], &self.further_tokens),
        ] {
            page.family(name, "histogram", "Histogram in seconds.");
            histogram(&mut page, name, bounds, values, &own);
        }
        page.into_text()
    }

    pub(super) fn triton(&self) -> String {
        let mut page = Page::new(Numbers::Plain);
        let own = [("model", self.model.as_str()), ("version", "1")];
        let name = "nv_inference_request_success";
        page.family(name, "counter", "Number of successful inference requests, all batch sizes");
        page.sample(name, &own, self.requests.len() as f64);
        let name = "nv_inference_request_failure";
        page.family(name, "counter", "Number of failed inference requests, all batch sizes");
        for reason in ["BACKEND", "CANCELED", "OTHER", "REJECTED"] {
            page.sample(name, &[own[0], ("reason", reason), own[1]], self.failures);
        }
        let name = "nv_inference_pending_request_count";
        page.family(name, "gauge", "Instantaneous number of pending requests awaiting execution per-model");
        page.sample(name, &own, 0.0);
        let name = "nv_trt_llm_request_metrics";
        page.family(name, "gauge", "TRT LLM request metrics");
        for (kind, value) in [
            ("waiting", self.waiting),
            ("context", 1.0),
            ("scheduled", self.running),
            ("max", 512.0),
            ("active", self.running + self.waiting),
        ] {
            page.sample(name, &[own[0], ("request_type", kind), own[1]], value);
        }
        let name = "nv_trt_llm_kv_cache_block_metrics";
        page.family(name, "gauge", "TRT LLM KV cache block metrics");
        for (kind, value) in [("fraction", self.kv_use), ("tokens_per", 64.0), ("used", 100.0), ("free", 6_139.0)] {
            page.sample(name, &[("kv_cache_block_type", kind), own[0], own[1]], value);
        }
        page.into_text()
    }

    pub(super) fn dynamo_frontend(&self) -> String {
        let mut page = Page::new(Numbers::Plain);
        let own = [("model", self.model.as_str())];
        for (name, kind, help, value) in [
            ("dynamo_frontend_inflight_requests", "gauge", "Number of inflight requests", self.running),
            (
                "dynamo_frontend_queued_requests",
                "gauge",
                "Number of requests that wait for their first token",
                self.waiting,
            ),
            ("dynamo_frontend_output_tokens_total", "counter", "Total number of output tokens", self.generated_tokens),
        ] {
            page.family(name, kind, help);
            page.sample(name, &own, value);
        }
        let name = "dynamo_frontend_requests_total";
        page.family(name, "counter", "Total number of LLM requests processed");
        for (status, error, value) in [
            ("success", "", self.requests.len() as f64),
            ("error", "internal", self.failures),
            // Who hung up was not failed.
            ("error", "cancelled", 1_000.0),
        ] {
            let labels = [
                ("endpoint", "chat_completions"),
                ("error_type", error),
                own[0],
                ("request_type", "stream"),
                ("status", status),
            ];
            page.sample(name, &labels, value);
        }
        for (name, bounds, values) in [
            ("dynamo_frontend_input_sequence_tokens", &[512.0, 4_096.0][..], &vec![self.prompt_tokens]),
            ("dynamo_frontend_time_to_first_token_seconds", &TTFT_BOUNDS[..], &self.first_tokens),
            ("dynamo_frontend_inter_token_latency_seconds", &TOKEN_BOUNDS[..], &self.further_tokens),
        ] {
            page.family(name, "histogram", "A histogram of the frontend");
            histogram(&mut page, name, bounds, values, &own);
        }
        page.into_text()
    }

    pub(super) fn dynamo_worker(&self) -> String {
        let mut page = Page::new(Numbers::Plain);
        let own = [
            ("dynamo_component", "backend"),
            ("dynamo_endpoint", "generate"),
            ("dynamo_namespace", "dynamo"),
            ("model", self.model.as_str()),
        ];
        for (name, help, value) in [
            ("dynamo_component_inflight_requests", "Number of requests that the endpoint works on", self.running),
            ("dynamo_component_kvstats_gpu_cache_usage_percent", "GPU cache usage (0.0-1.0)", self.kv_use),
        ] {
            page.family(name, "gauge", help);
            page.sample(name, &own, value);
        }
        page.into_text()
    }
}

#[cfg(test)]
mod tests {
    use crate::exporter::{Engine, EngineKind};

    #[test]
    fn each_says_its_own_names() {
        for (kind, line) in [
            (EngineKind::Tgi, "tgi_queue_size{} 3"),
            (EngineKind::Tgi, "tgi_request_generated_tokens_sum{} 400"),
            (EngineKind::TrtLlm, "trtllm_num_requests_waiting{engine_type=\"trtllm\",model_name=\"m\"} 3.0"),
            (EngineKind::Triton, "nv_trt_llm_request_metrics{model=\"m\",request_type=\"waiting\",version=\"1\"} 3"),
            (EngineKind::DynamoFrontend, "dynamo_frontend_queued_requests{model=\"m\"} 3"),
        ] {
            let engine = Engine { waiting: 3.0, generated_tokens: 400.0, ..Engine::new(kind, "m") };
            let page = engine.page();
            assert!(page.lines().any(|own| own == line), "{line}\nis not in\n{page}");
        }
        let worker = Engine { kv_use: 0.5, ..Engine::new(EngineKind::DynamoWorker, "m") }.page();
        assert!(worker.contains("dynamo_component_kvstats_gpu_cache_usage_percent{") && worker.contains("} 0.5\n"));
    }
}

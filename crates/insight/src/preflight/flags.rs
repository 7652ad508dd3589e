//! What the arguments of a container ask of its engine, as far as memory follows from it.

use super::{
    Engine,
    words::{Given, Words},
};

const GIB: u64 = 1 << 30;

/// How long a sequence may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Given(u64),
    /// As long as there is memory for.
    AsFits,
    /// As the model says.
    OfModel,
}

/// What the arguments of a container ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flags {
    /// The engine.
    pub engine: Engine,
    pub(super) tensor: u64,
    pub(super) pipeline: u64,
    pub(super) data: u64,
    /// Copies share the GPUs of tensor parallelism.
    pub(super) data_inside: bool,
    pub(super) whole_experts: bool,
    pub(super) length: Length,
    /// The share of memory that the engine takes, in millionths.
    pub(super) share: Option<u64>,
    /// Sequences at once.
    pub(super) requests: Option<u64>,
    /// Tokens of a step.
    pub(super) tokens: Option<u64>,
    pub(super) dtype: Option<String>,
    pub(super) quantisation: Option<String>,
    pub(super) cache: Option<String>,
    /// Without CUDA graphs.
    pub(super) eager: bool,
    /// Bytes of weights that stay in the memory of the machine, on each GPU.
    pub(super) offload: u64,
    /// It is started on several nodes.
    pub(super) nodes: bool,
    /// It neither sees nor hears, whatever the model can.
    pub(super) text_only: bool,
    /// Weights beside those of the model: a draft, adapters.
    pub(super) more_weights: Option<String>,
    /// It predicts further tokens with layers of its own.
    pub(super) predicts: bool,
    /// The configuration of the model is changed.
    pub(super) overrides: Option<String>,
    /// What decides and cannot be read.
    pub(super) unreadable: Vec<String>,
}

impl Flags {
    /// Reads the arguments of a container.
    #[must_use]
    pub fn read(engine: Engine, arguments: &[String]) -> Self {
        let words = Words::of(arguments);
        match engine {
            Engine::Vllm => vllm(&words),
            Engine::Sglang => sglang(&words),
            Engine::Tgi => tgi(&words),
        }
    }

    fn plain(engine: Engine) -> Self {
        Self {
            engine,
            tensor: 1,
            pipeline: 1,
            data: 1,
            data_inside: false,
            whole_experts: false,
            length: Length::OfModel,
            share: None,
            requests: None,
            tokens: None,
            dtype: None,
            quantisation: None,
            cache: None,
            eager: false,
            offload: 0,
            nodes: false,
            text_only: false,
            more_weights: None,
            predicts: false,
            overrides: None,
            unreadable: Vec::new(),
        }
    }

    /// A value, or that it cannot be read.
    fn take<T>(&mut self, given: Given<T>) -> Option<T> {
        if let Given::Unreadable(what) = &given {
            self.unreadable.push(what.clone());
        }
        given.value()
    }

    fn size(&mut self, words: &Words, names: &[&str]) -> u64 {
        self.take(words.some(names)).unwrap_or(1)
    }

    fn offload(&mut self, words: &Words) {
        let millionths = self.take(words.millionths(&["cpu-offload-gb"], 1e6)).unwrap_or_default();
        self.offload =
            (GIB / 1_000_000).saturating_mul(millionths).saturating_add(GIB % 1_000_000 * millionths / 1_000_000);
    }

    /// Flags that change what nothing here reckons.
    fn beyond(&mut self, words: &Words, names: &[&str]) {
        let found = names.iter().filter(|name| words.has(&[name]));
        self.unreadable.extend(found.map(|name| format!("--{name}")));
    }
}

/// Source: docs.vllm.ai, `vllm serve`.
fn vllm(words: &Words) -> Flags {
    let mut it = Flags::plain(Engine::Vllm);
    it.tensor = it.size(words, &["tensor-parallel-size", "tp"]);
    it.pipeline = it.size(words, &["pipeline-parallel-size", "pp"]);
    it.data = it.size(words, &["data-parallel-size", "dp"]);
    it.whole_experts = words.has(&["enable-expert-parallel", "ep"]);
    it.length = match words.text(&["max-model-len"]) {
        Given::Value(text) if text == "auto" || text == "-1" => Length::AsFits,
        _ => it.take(words.tokens(&["max-model-len"])).map_or(Length::OfModel, Length::Given),
    };
    it.share = it.take(words.millionths(&["gpu-memory-utilization"], 1.0));
    it.requests = it.take(words.tokens(&["max-num-seqs"]));
    it.tokens = it.take(words.tokens(&["max-num-batched-tokens"]));
    it.dtype = it.take(words.text(&["dtype"]));
    it.quantisation = it.take(words.text(&["quantization", "q"]));
    it.cache = it.take(words.text(&["kv-cache-dtype"]));
    it.eager = words.has(&["enforce-eager"]);
    it.offload(words);
    it.nodes = words.has(&["nnodes", "node-rank", "headless", "data-parallel-address"])
        || words.text(&["distributed-executor-backend"]).value().is_some_and(|backend| backend == "ray");
    it.text_only = words.has(&["language-model-only"]);
    if words.has(&["enable-lora", "lora-modules"]) {
        it.more_weights = Some("--enable-lora: adapters".into());
    }
    let speculative = words.by_key("speculative-config").map(Given::Value);
    match speculative.unwrap_or_else(|| words.text(&["speculative-config", "sc"])) {
        Given::Absent => {}
        Given::Value(text) if text.contains("mtp") => it.predicts = true,
        Given::Value(_) | Given::Unreadable(_) => it.more_weights = Some("--speculative-config: a draft model".into()),
    }
    let mut overrides = ["hf-overrides", "rope-scaling", "hf-config-path"].into_iter();
    it.overrides = overrides.find(|name| words.has(&[name]) || words.by_key(name).is_some()).map(flagged);
    it.beyond(
        words,
        &[
            "config",
            "kv-cache-memory-bytes",
            "num-gpu-blocks-override",
            "decode-context-parallel-size",
            "prefill-context-parallel-size",
        ],
    );
    it
}

/// Source: docs.sglang.io, server arguments.
fn sglang(words: &Words) -> Flags {
    let mut it = Flags::plain(Engine::Sglang);
    it.tensor = it.size(words, &["tp-size", "tp", "tensor-parallel-size"]);
    it.pipeline = it.size(words, &["pp-size", "pp", "pipeline-parallel-size"]);
    it.data = it.size(words, &["dp-size", "dp", "data-parallel-size"]);
    it.data_inside = words.has(&["enable-dp-attention"]);
    it.whole_experts = words.has(&["ep-size", "ep", "expert-parallel-size", "enable-ep-moe"]);
    it.length = it.take(words.some(&["context-length"])).map_or(Length::OfModel, Length::Given);
    it.share = it.take(words.millionths(&["mem-fraction-static"], 1.0));
    it.requests = it.take(words.some(&["max-running-requests"]));
    it.tokens = it.take(words.number(&["chunked-prefill-size"]));
    it.dtype = it.take(words.text(&["dtype"]));
    it.quantisation = it.take(words.text(&["quantization"]));
    it.cache = it.take(words.text(&["kv-cache-dtype"]));
    it.eager = words.has(&["disable-cuda-graph"]);
    it.offload(words);
    it.nodes = words.has(&["nnodes"]);
    if words.has(&["enable-lora", "lora-paths"]) {
        it.more_weights = Some("--lora-paths: adapters".into());
    }
    if words.has(&["speculative-draft-model-path", "speculative-draft"]) {
        it.more_weights = Some("--speculative-draft-model-path: a draft model".into());
    } else {
        it.predicts = words.has(&["speculative-algorithm"]);
    }
    it.overrides = words.has(&["json-model-override-args"]).then(|| flagged("json-model-override-args"));
    it.beyond(words, &["config", "max-total-tokens"]);
    it
}

/// Source: huggingface.co/docs/text-generation-inference, launcher arguments.
fn tgi(words: &Words) -> Flags {
    let mut it = Flags::plain(Engine::Tgi);
    it.tensor = it.size(words, &["num-shard"]);
    it.length = it.take(words.some(&["max-total-tokens"])).map_or(Length::AsFits, Length::Given);
    it.share = it.take(words.millionths(&["cuda-memory-fraction"], 1.0));
    it.tokens = it.take(words.some(&["max-batch-prefill-tokens"]));
    it.dtype = it.take(words.text(&["dtype"]));
    it.quantisation = it.take(words.text(&["quantize"]));
    it.cache = it.take(words.text(&["kv-cache-dtype"]));
    if words.has(&["lora-adapters", "speculate"]) {
        it.more_weights = Some("--lora-adapters or --speculate: adapters, or a draft model".into());
    }
    it.overrides = words.has(&["rope-scaling"]).then(|| flagged("rope-scaling"));
    it
}

fn flagged(name: &str) -> String {
    format!("--{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(engine: Engine, typed: &str) -> Flags {
        Flags::read(engine, &typed.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn each_engine_has_its_own_words_for_the_same() {
        let vllm =
            read(Engine::Vllm, "serve m -tp 8 --max-model-len 32k --gpu-memory-utilization 0.95 --kv-cache-dtype fp8");
        let sglang = read(
            Engine::Sglang,
            "-m sglang.launch_server --tp 8 --context-length 32000 --mem-fraction-static 0.95 --kv-cache-dtype fp8",
        );
        let tgi = read(
            Engine::Tgi,
            "--model-id m --num-shard 8 --max-total-tokens 32000 --cuda-memory-fraction 0.95 --kv-cache-dtype fp8",
        );
        for it in [&vllm, &sglang, &tgi] {
            assert_eq!((it.tensor, it.length, it.share), (8, Length::Given(32_000), Some(950_000)), "{:?}", it.engine);
            assert_eq!((it.cache.as_deref(), it.unreadable.len()), (Some("fp8"), 0), "{:?}", it.engine);
        }
    }

    #[test]
    fn what_decides_and_is_not_reckoned_is_named() {
        let it = read(Engine::Vllm, "--config /etc/vllm.yaml --tensor-parallel-size $TP");
        assert_eq!(it.unreadable, ["--tensor-parallel-size $TP", "--config"]);
        // None of something that there must be is no smaller engine: it would not start.
        for (engine, typed, flag) in [
            (Engine::Vllm, "--tensor-parallel-size 0", "--tensor-parallel-size 0"),
            (Engine::Vllm, "-pp 0 --max-model-len 0", "--pipeline-parallel-size 0"),
            (Engine::Sglang, "--dp 0 --context-length 0", "--dp-size 0"),
            (Engine::Tgi, "--num-shard 0", "--num-shard 0"),
        ] {
            assert_eq!(read(engine, typed).unreadable.first().map(String::as_str), Some(flag), "{engine:?} {typed}");
        }
        let it = read(Engine::Vllm, "--speculative-config {\"method\":\"mtp\"} --cpu-offload-gb 16");
        assert_eq!((it.predicts, it.more_weights, it.offload), (true, None, 16 << 30));
        let it = read(Engine::Vllm, "--speculative-config.num_speculative_tokens 1 --speculative-config.method mtp");
        assert_eq!((it.predicts, it.more_weights), (true, None));
        assert!(read(Engine::Vllm, "--speculative-config.model a/draft").more_weights.is_some());
        assert!(read(Engine::Vllm, "--hf-overrides.max_position_embeddings 9").overrides.is_some());
        assert!(read(Engine::Vllm, "--enable-lora").more_weights.is_some());
    }

    #[test]
    fn the_engine_is_known_by_its_words() {
        let of = |word| Engine::in_words([word]);
        assert_eq!(of("vllm/vllm-openai:v0.11.2"), Some(Engine::Vllm));
        assert_eq!(of("lmsysorg/sglang:latest"), Some(Engine::Sglang));
        assert_eq!(of("ghcr.io/huggingface/text-generation-inference:3"), Some(Engine::Tgi));
        assert_eq!(of("nginx"), None);
    }
}

//! What a serving engine says of itself: the closed lists of engines and of their metrics.

use crate::metric::{Over, Reading, Unit, metrics};
use serde::{Deserialize, Serialize};

/// A program that serves models. Of several in one pod the first of this list names the pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ServingEngine {
    /// vLLM.
    Vllm,
    /// SGLang.
    Sglang,
    /// Hugging Face's text-generation-inference.
    Tgi,
    /// TensorRT-LLM's own server, `trtllm-serve`.
    TrtLlm,
    /// NVIDIA's Triton, with any of its backends.
    Triton,
    /// NVIDIA's Dynamo: its frontend, or a worker of it.
    Dynamo,
}

impl ServingEngine {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Vllm, Self::Sglang, Self::Tgi, Self::TrtLlm, Self::Triton, Self::Dynamo];

    /// Its stable id: in the catalogue and in `--json`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Vllm => "vllm",
            Self::Sglang => "sglang",
            Self::Tgi => "tgi",
            Self::TrtLlm => "trtllm-serve",
            Self::Triton => "triton",
            Self::Dynamo => "dynamo",
        }
    }

    /// Its name, as its project writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vllm => "vLLM",
            Self::Sglang => "SGLang",
            Self::Tgi => "TGI",
            Self::TrtLlm => "TensorRT-LLM",
            Self::Triton => "Triton",
            Self::Dynamo => "Dynamo",
        }
    }

    /// The engine with this id.
    #[must_use]
    pub fn by_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|engine| engine.id() == id)
    }
}

metrics! {
    /// A metric of a pod's serving engine. The names that engines give it are in `assets/metrics.csv`.
    ServingMetric;
    /// Requests that it works on.
    Running = "running", "Running", Count;
    /// Requests that wait for room in it. Where it tells why they wait, only those that wait for capacity.
    Waiting = "waiting", "Waiting", Count;
    /// Share of its cache of keys and values that is in use. At 1 it puts requests aside.
    KvUse = "kv", "KV cache in use", Ratio;
    /// Tokens written a second, over the last minute or more.
    Generated = "tokens", "Tokens out", PerSecond;
    /// Tokens of prompts taken in a second, over the last minute or more.
    Prompt = "prompt-tokens", "Tokens in", PerSecond;
    /// Time to first token: half of the requests of the last five minutes waited less.
    FirstTokenMedian = "ttft-p50", "TTFT, median", Seconds;
    /// Time to first token: 99 of 100 requests of the last five minutes waited less.
    FirstTokenP99 = "ttft-p99", "TTFT, p99", Seconds;
    /// Time to first token: the mean over the last five minutes.
    FirstTokenMean = "ttft-mean", "TTFT, mean", Seconds;
    /// Inter-token latency, from one token to the next: 99 of 100 tokens of the last five minutes took less.
    InterTokenP99 = "itl-p99", "ITL, p99", Seconds;
    /// Time per output token of a request, its mean over the request: 99 of 100 requests of the last five minutes had less.
    OutputTokenP99 = "tpot-p99", "TPOT, p99", Seconds;
    /// Requests that failed a second, over the last minute or more.
    Failed = "failed", "Failed", PerSecond;
    /// Requests put aside a second for want of memory, over the last minute or more.
    Preemptions = "preemptions", "Preemptions", PerSecond;
    /// Requests that ended well a second, over the last minute or more; SGLang counts all that ended.
    Done = "done", "Finished", PerSecond;
    /// From a request's arrival to its last token: 99 of 100 requests of the last five minutes took less. None where all that
    /// is known is that they were in the first of its buckets.
    WholeP99 = "e2e-p99", "Whole request, p99", Seconds;
    /// From a request's arrival to its last token: the mean over the last five minutes.
    WholeMean = "e2e-mean", "Whole request, mean", Seconds;
    /// How long requests waited before they were begun: the mean over the last five minutes.
    QueueMean = "queue-mean", "Queue, mean", Seconds;
    /// Share of the tokens of prompts of the last five minutes that were in its cache already.
    PrefixHits = "prefix", "Prefix cache hits", Ratio;
    /// Blocks of its cache of keys and values.
    Blocks = "blocks", "KV cache, blocks", Count;
    /// Tokens that a block of it takes.
    BlockTokens = "block-tokens", "KV cache, tokens a block", Count;
    /// Tokens that the whole cache takes, where the engine says so itself.
    CacheTokens = "kv-tokens", "KV cache, tokens", Count;
}

impl ServingMetric {
    /// How readings of the pods of a workload become one: requests, rates and sizes are added up; shares that are good to have
    /// are their mean; of the use of caches and of quantiles and means, which no sum or mean of pods gives, the greatest counts.
    #[must_use]
    pub fn over(self) -> Over {
        match self {
            Self::Running
            | Self::Waiting
            | Self::Generated
            | Self::Prompt
            | Self::Failed
            | Self::Preemptions
            | Self::Done
            | Self::Blocks
            | Self::CacheTokens => Over::Sum,
            Self::PrefixHits => Over::Mean,
            Self::WholeP99
            | Self::WholeMean
            | Self::QueueMean
            | Self::BlockTokens
            | Self::KvUse
            | Self::FirstTokenMedian
            | Self::FirstTokenP99
            | Self::FirstTokenMean
            | Self::InterTokenP99
            | Self::OutputTokenP99 => Over::Most,
        }
    }

    /// How many observations make it worth saying, by the share that lies beyond it: twenty of those. `None` for what
    /// is no quantile.
    #[must_use]
    pub fn least_observations(self) -> Option<u32> {
        match self {
            Self::FirstTokenMedian => Some(40),
            Self::FirstTokenP99 | Self::InterTokenP99 | Self::OutputTokenP99 | Self::WholeP99 => Some(2_000),
            _ => None,
        }
    }

    /// The number of a reading as people filter and sort by it: per cent for shares, milliseconds for latencies; of one that
    /// is only known to be more than a number, that one.
    #[must_use]
    pub fn plain(self, reading: Reading) -> Option<f64> {
        let value = f64::from(reading.least()?);
        Some(match self.unit() {
            Unit::Ratio => value * 100.0,
            Unit::Seconds => value * 1_000.0,
            _ => value,
        })
    }

    /// A reading for people. A quantile or mean that is no number had too few requests to be one.
    #[must_use]
    pub fn words(self, reading: Reading) -> String {
        let is_none = reading.bound().is_none() && reading.measured().is_some_and(f32::is_nan);
        let too_few = is_none && self.is_over_requests();
        if too_few { "too few requests".into() } else { self.show(reading) }
    }

    fn is_over_requests(self) -> bool {
        let is_mean = matches!(self, Self::FirstTokenMean | Self::WholeMean | Self::QueueMean | Self::PrefixHits);
        is_mean || self.least_observations().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_and_none_is_that_of_a_gpus_metric() {
        for metric in ServingMetric::ALL {
            assert_eq!(ServingMetric::by_id(metric.id()), Some(*metric));
            assert_eq!(crate::Metric::by_id(metric.id()), None);
        }
        for engine in ServingEngine::ALL {
            assert_eq!(ServingEngine::by_id(engine.id()), Some(*engine));
        }
    }

    #[test]
    fn pods_are_added_up_or_the_greatest_counts() {
        let two = |metric: ServingMetric| metric.together([Reading::of(0.5), Reading::of(0.25)].into_iter());
        assert_eq!(two(ServingMetric::Waiting), Reading::of(0.75));
        assert_eq!([ServingMetric::KvUse, ServingMetric::FirstTokenP99].map(two), [Reading::of(0.5); 2]);
    }

    #[test]
    fn a_quantile_above_all_bounds_is_a_lower_bound_and_says_so() {
        let more = Reading::more_than(Reading::of(2_560.0));
        assert_eq!(ServingMetric::FirstTokenP99.words(more), "> 2,560 s");
        assert_eq!(ServingMetric::FirstTokenP99.plain(more), Some(2_560_000.0));
        assert_eq!((more.finite(), more.bound(), more.is_absent()), (None, Some(2_560.0), false));
        // The worst of pods is at least that of the one that is known, and more than the one that is not.
        let worst =
            |value| ServingMetric::FirstTokenP99.together([more, Reading::of(value), Reading::ABSENT].into_iter());
        assert_eq!([0.5, 5_120.0].map(worst).map(Reading::bound), [Some(2_560.0), Some(5_120.0)]);
        for value in [0.04, 7.5, 640.0, 1e-9] {
            let bound = Reading::more_than(Reading::of(value)).bound().unwrap();
            assert!(bound <= value && bound > value * 0.999, "{bound} of {value}");
        }
        for none in [Reading::ABSENT, Reading::of(f32::NAN), Reading::of(-f32::NAN), Reading::of(f32::NEG_INFINITY)] {
            assert_eq!((none.bound(), Reading::more_than(none)), (None, none));
        }
    }

    #[test]
    fn a_quantile_of_too_few_requests_says_so_and_is_not_absent() {
        let nan = Reading::of(f32::NAN);
        assert_eq!(ServingMetric::FirstTokenP99.words(nan), "too few requests");
        assert_eq!(ServingMetric::KvUse.words(nan), "not a number");
        assert_eq!(ServingMetric::FirstTokenP99.words(Reading::ABSENT), "—");
        assert_eq!(ServingMetric::FirstTokenP99.words(Reading::of(0.2)), "200 ms");
        assert_eq!(ServingMetric::FirstTokenP99.plain(nan), None);
        assert_eq!(ServingMetric::FirstTokenP99.plain(Reading::of(0.25)), Some(250.0));
        assert_eq!(ServingMetric::KvUse.plain(Reading::of(0.5)), Some(50.0));
    }
}

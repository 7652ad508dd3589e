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
}

impl ServingMetric {
    /// How readings of the pods of a workload become one: requests and rates are added up; of the use of caches and of
    /// quantiles and means, which no sum or mean of pods gives, the greatest counts.
    #[must_use]
    pub fn over(self) -> Over {
        match self {
            Self::Running | Self::Waiting | Self::Generated | Self::Prompt | Self::Failed | Self::Preemptions => {
                Over::Sum
            }
            Self::KvUse
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
            Self::FirstTokenP99 | Self::InterTokenP99 | Self::OutputTokenP99 => Some(2_000),
            _ => None,
        }
    }

    /// The number of a reading as people filter and sort by it: per cent for shares, milliseconds for latencies.
    #[must_use]
    pub fn plain(self, reading: Reading) -> Option<f64> {
        let value = f64::from(reading.finite()?);
        Some(match self.unit() {
            Unit::Ratio => value * 100.0,
            Unit::Seconds => value * 1_000.0,
            _ => value,
        })
    }

    /// A reading for people. A quantile or mean that is no number had too few requests to be one.
    #[must_use]
    pub fn words(self, reading: Reading) -> String {
        let too_few = reading.measured().is_some_and(f32::is_nan) && self.is_over_requests();
        if too_few { "too few requests".into() } else { self.show(reading) }
    }

    fn is_over_requests(self) -> bool {
        self.least_observations().is_some() || self == Self::FirstTokenMean
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

//! What is counted while it serves, as `/metrics` tells it: beside what a client measures stands what was really done.

use std::sync::atomic::{AtomicU64, Ordering};

/// Sums since it began to serve.
#[derive(Debug, Default)]
pub struct Counted {
    requests: AtomicU64,
    prompt_tokens: AtomicU64,
    tokens: AtomicU64,
    steps: AtomicU64,
    computing_us: AtomicU64,
}

impl Counted {
    /// A request was taken up, with so many tokens in its prompt.
    pub fn taken(&self, prompt_tokens: u64) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.prompt_tokens.fetch_add(prompt_tokens, Ordering::Relaxed);
    }

    /// The model was computed once, and gave so many tokens.
    pub fn computed(&self, tokens: u64, microseconds: u64) {
        self.steps.fetch_add(1, Ordering::Relaxed);
        self.tokens.fetch_add(tokens, Ordering::Relaxed);
        self.computing_us.fetch_add(microseconds, Ordering::Relaxed);
    }

    /// In the text format of Prometheus.
    pub fn exposition(&self) -> String {
        #[allow(clippy::cast_precision_loss, reason = "a run is days at most, far below 2^53 microseconds")]
        let seconds = self.computing_us.load(Ordering::Relaxed) as f64 / 1e6;
        let sum = |sum: &AtomicU64| sum.load(Ordering::Relaxed).to_string();
        let lines = [
            ("requests_total", "Requests that were taken up.", sum(&self.requests)),
            ("prompt_tokens_total", "Tokens of their prompts.", sum(&self.prompt_tokens)),
            ("tokens_total", "Tokens that were generated.", sum(&self.tokens)),
            ("steps_total", "Times that the model was computed.", sum(&self.steps)),
            ("computing_seconds_total", "Seconds that this took.", seconds.to_string()),
        ];
        let line = |(name, help, value): (&str, &str, String)| {
            let name = format!("pilothouse_model_{name}");
            format!("# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}\n")
        };
        lines.map(line).concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told_as_counters() {
        let counted = Counted::default();
        counted.taken(12);
        counted.computed(0, 250_000);
        counted.computed(2, 250_000);
        let text = counted.exposition();
        for want in ["requests_total 1\n", "prompt_tokens_total 12\n", "_tokens_total 2\n", "seconds_total 0.5\n"] {
            assert!(text.contains(want), "{want}: {text}");
        }
        assert_eq!(text.matches(" counter\n").count(), 5);
    }
}

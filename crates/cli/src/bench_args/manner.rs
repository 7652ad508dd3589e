//! How those behave who send a load.

use clap::Args;
use pilothouse_bench::plan::{Cache, Cancel, Manner, Pause, Ramp, Weighted};

/// How those behave who send a load.
#[derive(Args, Clone, Debug)]
pub struct MannerArgs {
    /// Begin at so many requests a second, or at a time, and come to --rate or --concurrency
    #[arg(long, value_name = "N", requires = "ramp_seconds", allow_hyphen_values = true)]
    pub ramp_from: Option<f64>,
    /// Within so many seconds
    #[arg(long, value_name = "S", requires = "ramp_from", allow_hyphen_values = true)]
    pub ramp_seconds: Option<f64>,
    /// In so many equal steps [default: evenly]
    #[arg(long, value_name = "N", requires = "ramp_from")]
    pub ramp_steps: Option<u32>,
    /// How long somebody of a closed loop thinks between an answer and the next request: 2s, or exp:2s (exponential, by its
    /// mean)
    #[arg(long, value_name = "TIME", requires = "concurrency")]
    pub think: Option<Pause>,
    /// So many percent of requests are given up by who asked: counted apart, neither failed nor good
    #[arg(long, value_name = "PERCENT", requires = "cancel_after", allow_hyphen_values = true)]
    pub cancel: Option<f64>,
    /// So long after they were sent: 500ms, or exp:2s; what is answered before is an answer
    #[arg(long, value_name = "TIME", requires = "cancel")]
    pub cancel_after: Option<Pause>,
    /// Conversations of so many turns: the server's answers go back with the next prompt (chat, closed loop)
    #[arg(long, value_name = "N", requires = "concurrency")]
    pub turns: Option<u32>,
    /// Ask this model with this weight, in the place of --model; once for each of several, such as adapters of LoRA
    #[arg(long, value_name = "NAME=WEIGHT")]
    pub mix: Vec<Weighted>,
    /// What the server's cache of prefixes is to hold when the load begins, and what is done for it: cold (words that no run
    /// sent before), warm (each prompt is sent once before), shared (what all begin with is sent once before) [default: not
    /// stated]
    #[arg(long, value_name = "STATE")]
    pub cache: Option<Cache>,
}

impl MannerArgs {
    /// As a plan knows it.
    pub fn manner(&self) -> Manner {
        let ramp = self.ramp_from.zip(self.ramp_seconds);
        Manner {
            ramp: ramp.map(|(from, seconds)| Ramp { from, seconds, steps: self.ramp_steps }),
            think: self.think,
            cancel: self.cancel.zip(self.cancel_after).map(|(percent, after)| Cancel { share: percent / 100.0, after }),
            turns: self.turns,
            mix: self.mix.clone(),
            cache: self.cache.unwrap_or_default(),
        }
    }
}

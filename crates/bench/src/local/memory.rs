//! How much memory a model takes, said before it is loaded. What is not known exactly is reckoned from below and from above:
//! a model is refused only where it does not fit even by the lower one.

use super::{Model, Options};
use pilothouse_connect_local::beside::{Gpus, Now};
use pilothouse_wire::{
    Code, Metric, Problem,
    units::{bytes, count},
};
use sysinfo::System;

/// llama.cpp makes room for so many tokens at a time.
const PADDING: u64 = 256;
/// Bytes of a number of a key or a value: half a float.
const HALF: u64 = 2;
/// Bytes of what is reckoned for a token of the vocabulary.
const LOGIT: u64 = 4;

/// Bytes, from below and from above.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Between {
    /// It is not less.
    pub low: u64,
    /// It is not more.
    pub high: u64,
}

/// What a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Its weights.
    pub weights: u64,
    /// Keys and values of what was read and said, with the tokens of one request and how many are answered at a time; none
    /// where its head does not tell.
    pub cache: Option<(Between, u64, u64)>,
    /// What a step reckons of each token of the vocabulary.
    pub logits: Between,
}

/// What is free, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Free {
    /// Memory of the machine.
    pub memory: u64,
    /// Memory of its GPUs, all of them together; none where no layer is computed there.
    pub gpus: Option<u64>,
}

/// Bytes that are free on the GPUs of this machine, by their driver; none of them where there is no driver to ask.
#[must_use]
pub fn free_on_gpus() -> u64 {
    let read = Gpus::open(None).map(|mut gpus| gpus.read()).unwrap_or_default();
    let free =
        |gpu: &Now| Some(gpu.values.get(&Metric::MemoryTotal)? - gpu.values.get(&Metric::MemoryUsed).unwrap_or(&0.0));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats saturates")]
    read.iter().filter_map(free).map(|free| free as u64).fold(0, u64::saturating_add)
}

/// Bytes of memory that a new process of this machine can have.
#[must_use]
pub fn available() -> u64 {
    let mut system = System::new();
    system.refresh_memory();
    let all = system.available_memory();
    // A container may have less than its machine.
    system.cgroup_limits().map_or(all, |limits| limits.total_memory.min(all))
}

impl Needs {
    /// Of a model with these options.
    #[must_use]
    pub fn of(model: &Model, options: &Options) -> Self {
        let Some(header) = &model.header else {
            return Self { weights: model.bytes, cache: None, logits: Between::default() };
        };
        let context = u64::from(options.context()).next_multiple_of(PADDING);
        let parallel = u64::from(options.parallel());
        let heads = match &header.kv_heads[..] {
            [] => None,
            [all] => header.layers.map(|layers| layers.saturating_mul(*all)),
            each => Some(each.iter().fold(0_u64, |sum, heads| sum.saturating_add(*heads))),
        };
        let a_head = header.head.map(|(key, value)| key.saturating_add(value).saturating_mul(HALF));
        let cache = heads.zip(a_head).map(|(heads, a_head)| {
            let of =
                |heads: u64, tokens: u64| heads.saturating_mul(a_head).saturating_mul(tokens).saturating_mul(parallel);
            // Which layers have a window, and which look back at everything, is not told alike by all kinds: one does at least.
            let window = header.window.map_or(context, |window| window.min(context));
            let one = header.kv_heads.iter().copied().filter(|one| *one > 0).min().unwrap_or(0).min(heads);
            let low = of(heads, window).saturating_add(of(one, context - window));
            (Between { low: low.min(of(heads, context)), high: of(heads, context) }, context, parallel)
        });
        let row = header.vocabulary.unwrap_or(0).saturating_mul(LOGIT);
        let step = u64::from(options.ubatch());
        let logits = Between { low: row.saturating_mul(parallel.min(step)), high: row.saturating_mul(step) };
        Self { weights: header.weights, cache, logits }
    }

    /// The least that it takes.
    #[must_use]
    pub fn low(&self) -> u64 {
        self.sum(|between| between.low)
    }

    /// The most that it takes, but for small things.
    #[must_use]
    pub fn high(&self) -> u64 {
        self.sum(|between| between.high)
    }

    fn sum(&self, end: impl Fn(&Between) -> u64) -> u64 {
        let cache = self.cache.as_ref().map_or(0, |(cache, ..)| end(cache));
        self.weights.saturating_add(cache).saturating_add(end(&self.logits))
    }

    /// What it takes, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let range = |of: &Between| match of.low == of.high {
            true => bytes(of.high),
            false => format!("{} to {}", bytes(of.low), bytes(of.high)),
        };
        let mut parts = vec![format!("its weights {}", bytes(self.weights))];
        match &self.cache {
            Some((cache, context, parallel)) => parts.push(format!(
                "keys and values {} ({} tokens, {} at a time)",
                range(cache),
                count(*context),
                count(*parallel)
            )),
            None if self.logits.high > 0 => parts.push("keys and values that its head does not tell of".into()),
            None => {}
        }
        if self.logits.high > 0 {
            parts.push(format!("what is reckoned in a step {}", range(&self.logits)));
        }
        let all = Between { low: self.low(), high: self.high() };
        if parts.len() == 1 { parts.concat() } else { format!("{}: {} in all", parts.join(", "), range(&all)) }
    }

    /// Does it fit into what is free, that of GPUs too where layers of it are computed there? How much of a layer is where is not
    /// known, so that it is refused where all of both is too little. What is to be said before it is loaded.
    ///
    /// # Errors
    /// If it does not, with the sums.
    pub fn check(&self, model: &Model, free: Free) -> Result<String, Problem> {
        let available = free.memory.saturating_add(free.gpus.unwrap_or(0));
        let where_free = match free.gpus {
            None => format!("{} are free", bytes(available)),
            Some(gpus) => format!("{} are free, {} of that on GPUs", bytes(available), bytes(gpus)),
        };
        let words = format!("{} takes {}; {where_free}.", model.name(), self.words());
        if self.low() > available {
            let what = format!("The model {} is too big for this machine.", model.file.display());
            return Err(Problem::new(Code::BadInput, what)
                .why(format!("It takes {}; {where_free}.", self.words()))
                .next("Give less --context, fewer --parallel, a smaller quantisation, or free some memory."));
        }
        Ok(if self.high() > available { format!("{words} It may not fit.") } else { words })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::{Format, gguf::Header};

    /// gemma-3-270m in Q4_K_M, by its head: 18 layers with one head of 256 each, and a window of 512.
    fn gemma() -> Model {
        let header = Header {
            layers: Some(18),
            kv_heads: vec![1],
            head: Some((256, 256)),
            window: Some(512),
            vocabulary: Some(262_144),
            tensors: 236,
            weights: 246_587_904,
            ..Header::default()
        };
        Model { file: "gemma.gguf".into(), format: Format::Gguf, bytes: 253_113_024, header: Some(header) }
    }

    #[test]
    fn what_is_known_is_summed_and_what_is_not_is_a_range() {
        let needs = Needs::of(&gemma(), &Options::default());
        // 18 layers × 512 numbers × 2 bytes a token; 4,096 tokens, or the 512 of the window in all layers but one.
        let low = 18_432 * 512 + 1_024 * (4_096 - 512);
        assert_eq!(needs.cache, Some((Between { low, high: 18_432 * 4_096 }, 4_096, 1)));
        assert_eq!(needs.logits, Between { low: 1_048_576, high: 1_048_576 * 512 });
        assert_eq!(needs.high(), 246_587_904 + 75_497_472 + 536_870_912);
        let text = needs.words();
        assert!(text.contains("its weights 247 MB") && text.contains("(4,096 tokens, 1 at a time)"), "{text}");
        let four = Options { parallel: Some(4), context: Some(1_000), ..Options::default() };
        assert_eq!(Needs::of(&gemma(), &four).cache.map(|of| (of.0.high, of.1)), Some((18_432 * 1_024 * 4, 1_024)));
    }

    #[test]
    fn heads_may_differ_from_layer_to_layer() {
        let mut model = gemma();
        if let Some(header) = &mut model.header {
            (header.kv_heads, header.window) = (vec![1, 0, 3], None);
        }
        let cache = Needs::of(&model, &Options::default()).cache.unwrap().0;
        assert_eq!(cache, Between { low: 4 * 512 * 2 * 4_096, high: 4 * 512 * 2 * 4_096 });
    }

    #[test]
    fn only_what_cannot_fit_is_refused() {
        let needs = Needs::of(&gemma(), &Options::default());
        let check = |memory: u64| needs.check(&gemma(), Free { memory, gpus: None });
        assert!(!check(16 << 30).unwrap().contains("may not fit"));
        assert!(check(needs.high() - 1).unwrap().contains("It may not fit."));
        let problem = check(needs.low() - 1).unwrap_err();
        assert!(problem.what.contains("gemma.gguf is too big"), "{problem:?}");
        assert!(problem.why.unwrap_or_default().contains("in all; 261 MB are free"));
        let most =
            Options { context: Some(u32::MAX), parallel: Some(u32::MAX), ubatch: Some(u32::MAX), ..Options::default() };
        assert_eq!(Needs::of(&gemma(), &most).low(), u64::MAX);
    }

    #[test]
    fn what_does_not_fit_on_gpus_either_is_refused() {
        let needs = Needs::of(&gemma(), &Options::default());
        let check = |memory: u64, gpus: u64| needs.check(&gemma(), Free { memory, gpus: Some(gpus) });
        let text = check(1 << 30, 80 << 30).unwrap();
        assert!(text.contains("87.0 GB are free, 85.9 GB of that on GPUs."), "{text}");
        let problem = check(1 << 20, needs.low() - (1 << 20) - 1).unwrap_err();
        assert!(problem.what.contains("gemma.gguf is too big") && problem.why.unwrap_or_default().contains("on GPUs"));
        // Where no driver tells of GPUs there is only the machine.
        assert!(check(needs.low() - 1, 0).is_err() && check(needs.low(), 0).is_ok());
    }

    #[test]
    fn an_onnx_takes_its_file_and_unknown_heads_are_said() {
        let onnx = Model { file: "a.onnx".into(), format: Format::Onnx, bytes: 3_000_000, header: None };
        assert_eq!(Needs::of(&onnx, &Options::default()).words(), "its weights 3.00 MB");
        let mut model = gemma();
        model.header.as_mut().unwrap().kv_heads.clear();
        assert!(Needs::of(&model, &Options::default()).words().contains("does not tell of"));
        assert!(available() > 0);
    }
}

//! Which token is next.

use llama_cpp_2::{
    context::LlamaContext,
    sampling::LlamaSampler,
    token::{LlamaToken, logit_bias::LlamaLogitBias},
};

/// How the next token of a request is chosen.
pub enum Pick {
    /// The likeliest.
    Likeliest,
    /// Drawn by how likely each is.
    Drawn {
        /// Among all.
        all: Box<LlamaSampler>,
        /// Among those that do not end an answer.
        going_on: Box<LlamaSampler>,
    },
}

impl Pick {
    /// For a request. `ends` are the tokens that end an answer, in their order, out of so many.
    pub fn new(temperature: f32, seed: u32, ends: &[LlamaToken], of: i32) -> Self {
        if temperature <= 0.0 {
            return Self::Likeliest;
        }
        let drawn = || [LlamaSampler::temp(temperature), LlamaSampler::dist(seed)];
        let never: Vec<LlamaLogitBias> = ends.iter().map(|end| LlamaLogitBias::new(*end, f32::NEG_INFINITY)).collect();
        let bias = LlamaSampler::logit_bias(of, &never);
        Self::Drawn {
            all: Box::new(LlamaSampler::chain_simple(drawn())),
            going_on: Box::new(LlamaSampler::chain_simple(std::iter::once(bias).chain(drawn()))),
        }
    }

    /// The next token, of what was computed for the place `row` of a batch.
    pub fn next(&mut self, context: &LlamaContext<'_>, row: i32, may_end: bool, ends: &[LlamaToken]) -> LlamaToken {
        match self {
            Self::Likeliest => likeliest(context.get_logits_ith(row), if may_end { &[] } else { ends }),
            Self::Drawn { all, .. } if may_end => all.sample(context, row),
            Self::Drawn { going_on, .. } => going_on.sample(context, row),
        }
    }
}

/// The first of those with the highest value, without `but`, which are in order. llama.cpp's own chooser makes a list of all
/// tokens first: of a large vocabulary that takes a tenth as long as a small model itself.
fn likeliest(logits: &[f32], but: &[LlamaToken]) -> LlamaToken {
    let (mut best, mut highest, mut from) = (0, f32::NEG_INFINITY, 0);
    let ends = but.iter().filter_map(|token| usize::try_from(token.0).ok()).filter(|end| *end < logits.len());
    for end in ends.chain(std::iter::once(logits.len())) {
        if let Some((at, value)) = logits.get(from..end).and_then(highest_of)
            && value > highest
        {
            (best, highest) = (from + at, value);
        }
        from = end + 1;
    }
    LlamaToken(i32::try_from(best).unwrap_or_default())
}

/// The first place with the highest value, and the value. First the value, by eights, which a processor does at once.
fn highest_of(logits: &[f32]) -> Option<(usize, f32)> {
    let (eights, rest) = logits.as_chunks::<8>();
    let mut lanes = [f32::NEG_INFINITY; 8];
    for eight in eights {
        for (lane, value) in lanes.iter_mut().zip(eight) {
            *lane = if *value > *lane { *value } else { *lane };
        }
    }
    let highest =
        lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |high, value| if *value > high { *value } else { high });
    // Of values that are no numbers none is the highest.
    logits.iter().position(|value| *value == highest).map(|at| (at, highest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(numbers: &[i32]) -> Vec<LlamaToken> {
        numbers.iter().map(|number| LlamaToken(*number)).collect()
    }

    #[test]
    fn the_likeliest_is_the_first_of_the_highest() {
        let mut logits = vec![0.0_f32; 1_003];
        (logits[700], logits[701], logits[1_002]) = (3.0, 3.0, 2.0);
        assert_eq!(likeliest(&logits, &[]), LlamaToken(700));
        assert_eq!(likeliest(&logits, &tokens(&[700])), LlamaToken(701));
        assert_eq!(likeliest(&logits, &tokens(&[0, 700, 701])), LlamaToken(1_002));
        assert_eq!(likeliest(&logits, &tokens(&[700, 701, 1_002, 5_000])), LlamaToken(0));
    }

    #[test]
    fn what_is_no_number_is_never_taken_and_nothing_breaks() {
        let logits = [f32::NAN, -1.0, f32::NAN, 4.0, f32::NEG_INFINITY, 1.0, 2.0, 3.0, 4.0, f32::NAN];
        assert_eq!(likeliest(&logits, &[]), LlamaToken(3));
        assert_eq!(likeliest(&logits, &tokens(&[3])), LlamaToken(8));
        assert_eq!(likeliest(&[f32::NAN; 9], &[]), LlamaToken(0));
        assert_eq!(likeliest(&[], &[]), LlamaToken(0));
    }

    #[test]
    fn it_is_what_looking_at_each_gives() {
        // A walk through numbers without a pattern.
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 1e4
        };
        for size in [1, 7, 8, 9, 64, 1_000] {
            let logits: Vec<f32> = (0..size).map(|_| next()).collect();
            let slow = logits.iter().enumerate().fold(
                (0, f32::MIN),
                |best, (at, value)| {
                    if *value > best.1 { (at, *value) } else { best }
                },
            );
            assert_eq!(likeliest(&logits, &[]).0, i32::try_from(slow.0).unwrap());
        }
    }
}

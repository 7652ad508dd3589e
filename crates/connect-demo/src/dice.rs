//! Dice that fall the same way for the same seed, in every build and on every machine.

use pilothouse_wire::SmolStr;

/// The letters of names that Kubernetes makes up.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A splitmix64 generator: its numbers are fixed by its definition, which those of a library are not.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice for one purpose under a seed.
    pub fn new(seed: u64, purpose: &str) -> Self {
        Self(hash(seed, purpose))
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number from `low` to below `high`; `low` where there is none between.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        let span = high.saturating_sub(low);
        if span == 0 { low } else { low + self.roll() % span }
    }

    /// So many letters of a made-up name.
    pub fn letters(&mut self, n: usize) -> SmolStr {
        letters(self.roll(), n)
    }
}

/// The same number for the same seed and text.
pub(crate) fn hash(seed: u64, text: &str) -> u64 {
    let fold = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    mix(text.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325 ^ mix(seed), fold))
}

/// Spreads a number over all numbers, so that neighbours have nothing in common.
pub(crate) fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// So many letters out of a number; 13 are in it.
pub(crate) fn letters(mut number: u64, n: usize) -> SmolStr {
    let letter = || {
        let letter = LETTERS[usize::try_from(number % 27).unwrap_or(0)];
        number /= 27;
        char::from(letter)
    };
    std::iter::repeat_with(letter).take(n).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_falls_the_same_way() {
        let throw = |seed, purpose| {
            let mut dice = Dice::new(seed, purpose);
            (dice.between(0, 1_000_000), dice.letters(5))
        };
        assert_eq!(throw(7, "iad-prod"), throw(7, "iad-prod"));
        assert_ne!(throw(7, "iad-prod"), throw(8, "iad-prod"));
        assert_ne!(throw(7, "iad-prod"), throw(7, "ord-prod"));
    }

    #[test]
    fn numbers_stay_in_their_bounds() {
        let mut dice = Dice::new(1, "");
        assert!((0..1_000).all(|_| (3..9).contains(&dice.between(3, 9))));
        assert_eq!(dice.between(4, 4), 4);
    }
}

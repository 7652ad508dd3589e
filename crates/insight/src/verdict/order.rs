//! In which order the blocks of a comparison run: rounds, each a line of the arms and then the same backwards.
//!
//! Of two arms a round is ABBA or BAAB, so that what drifts evenly (heat, a cache that fills) weighs on both alike. A coin
//! says which for every first of two rounds, of more arms a random line; the second of them is the other way round. So what
//! a place in a round does (the inner blocks follow no change of arms, say) is once for an arm and once against it, and
//! cannot look like a difference by having fallen the same way three times; and no rhythm of the machine can follow an order
//! that nobody knows before.

use serde::{Deserialize, Serialize};

/// One block: one arm under load for a while, and what it is measured as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// Its round, from 0.
    pub round: usize,
    /// Its half of the round, 0 or 1: with the blocks of other arms in the same half it makes pairs.
    pub half: usize,
    /// Its arm, from 0.
    pub arm: usize,
}

/// The blocks of so many rounds in the order in which they run. The same seed gives the same order, on each machine and
/// in each version; more rounds of a seed begin with the fewer, so that a comparison can go on.
#[must_use]
pub fn order(arms: usize, rounds: usize, seed: u64) -> Vec<Slot> {
    let mut chance = SplitMix(seed);
    let mut slots = Vec::with_capacity(arms * rounds * 2);
    let mut line: Vec<usize> = (0..arms).collect();
    for round in 0..rounds {
        match round % 2 {
            0 => (1..arms).rev().for_each(|at| line.swap(at, chance.below(at + 1))),
            _ => line.reverse(),
        }
        slots.extend(line.iter().map(|arm| Slot { round, half: 0, arm: *arm }));
        slots.extend(line.iter().rev().map(|arm| Slot { round, half: 1, arm: *arm }));
    }
    slots
}

/// G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. A result file keeps
/// the seed alone: a library's generator may become another one with its next version.
pub(super) struct SplitMix(pub(super) u64);

impl SplitMix {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let n = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    }

    /// A number below `end`, each as likely: what would make the first ones likelier is drawn again.
    fn below(&mut self, end: usize) -> usize {
        let end = end.max(1) as u64;
        let whole = u64::MAX - u64::MAX % end;
        loop {
            let drawn = self.next();
            if drawn < whole {
                return (drawn % end) as usize;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// The first numbers of the reference implementation under seed 1234567.
    #[test]
    fn the_generator_is_the_published_one() {
        let mut chance = SplitMix(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| chance.next()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn two_arms_go_abba_and_baab_and_a_fair_coin_says_which_is_first() {
        let slots = order(2, 20_000, 7);
        let mut seen: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        for rounds in slots.chunks(8) {
            *seen.entry(rounds.iter().map(|slot| slot.arm).collect()).or_default() += 1;
        }
        let both = [vec![0, 1, 1, 0, 1, 0, 0, 1], vec![1, 0, 0, 1, 0, 1, 1, 0]];
        assert_eq!(seen.keys().cloned().collect::<Vec<_>>(), both);
        // Six standard deviations of 10,000 throws.
        assert!(seen.values().all(|many| many.abs_diff(5_000) < 300), "{seen:?}");
    }

    #[test]
    fn of_three_arms_each_line_comes_as_often() {
        let mut seen: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        for rounds in order(3, 24_000, 7).chunks(12) {
            *seen.entry(rounds[..3].iter().map(|slot| slot.arm).collect()).or_default() += 1;
        }
        assert_eq!(seen.len(), 6);
        assert!(seen.values().all(|many| many.abs_diff(2_000) < 250), "{seen:?}");
    }

    proptest! {
        #[test]
        fn each_round_has_each_arm_in_each_half_and_runs_back(arms in 2..6usize, rounds in 1..20usize, seed: u64) {
            let slots = order(arms, rounds, seed);
            for two in slots.chunks_exact(4 * arms) {
                let [first, second] = [&two[..arms], &two[arms * 2..arms * 3]];
                prop_assert!(first.iter().zip(second.iter().rev()).all(|(one, other)| one.arm == other.arm));
            }
            for (at, round) in slots.chunks(2 * arms).enumerate() {
                prop_assert!(round.iter().all(|slot| slot.round == at));
                let line: Vec<usize> = round.iter().map(|slot| slot.arm).collect();
                let back: Vec<usize> = line.iter().rev().copied().collect();
                prop_assert_eq!(&line, &back);
                let mut half = line[..arms].to_vec();
                half.sort_unstable();
                prop_assert_eq!(half, (0..arms).collect::<Vec<_>>());
            }
        }

        #[test]
        fn more_rounds_begin_with_the_fewer(arms in 2..5usize, fewer in 1..10usize, more in 0..10usize, seed: u64) {
            let long = order(arms, fewer + more, seed);
            let short = order(arms, fewer, seed);
            prop_assert_eq!(&long[..short.len()], &short[..]);
        }
    }
}

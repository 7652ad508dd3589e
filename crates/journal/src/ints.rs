//! Columns of numbers, packed: most are noise around something, many are one number throughout.

use crate::body::here;
use pco::{ChunkConfig, DeltaSpec, standalone};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The level of packing: more takes longer and gains next to nothing.
const LEVEL: usize = 8;

/// A column of numbers. How many there are is known to who reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ints<'a> {
    /// All of them are this one.
    Same(i64),
    /// Packed by pco.
    Packed(#[serde(with = "here", borrow)] Cow<'a, [u8]>),
    /// In lines of so many: how far each is from the middle of its line.
    Around {
        line: u32,
        #[serde(borrow)]
        middles: Box<Ints<'a>>,
        #[serde(borrow)]
        rest: Box<Ints<'a>>,
    },
}

impl Ints<'_> {
    pub(crate) fn of(numbers: &[i64]) -> Self {
        let first = numbers.first().copied().unwrap_or(0);
        if numbers.iter().all(|number| *number == first) {
            return Self::Same(first);
        }
        Self::packed(numbers, DeltaSpec::Auto)
    }

    /// Numbers in lines, such as those of one GPU over time. What is noise is packed closer as a distance from the middle of
    /// its line, what drifts as a distance from the one before.
    pub(crate) fn of_lines(numbers: &[i64], line: usize) -> Self {
        let first = numbers.first().copied().unwrap_or(0);
        if line < 4 || numbers.iter().all(|number| *number == first) {
            return Self::of(numbers);
        }
        let (mut middles, mut rest, mut sorted) = (Vec::new(), Vec::with_capacity(numbers.len()), Vec::new());
        let (mut apart, mut steps) = (0, 0);
        for of_line in numbers.chunks(line) {
            sorted.clear();
            sorted.extend_from_slice(of_line);
            sorted.sort_unstable();
            let middle = sorted[sorted.len() / 2];
            middles.push(middle);
            for (at, number) in of_line.iter().enumerate() {
                let distance = number.wrapping_sub(middle);
                apart += bits(distance);
                steps += bits(number.wrapping_sub(of_line[at.saturating_sub(1)]));
                rest.push(distance);
            }
        }
        if steps < apart {
            return Self::packed(numbers, DeltaSpec::Auto);
        }
        let rest = match rest.iter().all(|distance| *distance == 0) {
            true => Self::Same(0),
            false => Self::packed(&rest, DeltaSpec::NoOp),
        };
        Self::Around { line: line as u32, middles: Box::new(Self::of(&middles)), rest: Box::new(rest) }
    }

    fn packed(numbers: &[i64], delta: DeltaSpec) -> Self {
        let config = ChunkConfig::default().with_compression_level(LEVEL).with_delta_spec(delta);
        // It fails on a wrong setting alone.
        Self::Packed(Cow::Owned(standalone::simple_compress(numbers, &config).unwrap_or_default()))
    }

    /// The numbers; `None` if these are not so many. What is read decides nothing on how much memory is taken.
    pub(crate) fn read(&self, count: usize) -> Option<Vec<i64>> {
        let mut numbers = Vec::new();
        self.read_into(count, &mut numbers)?;
        Some(numbers)
    }

    /// The same, into room that was used before.
    pub(crate) fn read_into(&self, count: usize, numbers: &mut Vec<i64>) -> Option<()> {
        match self {
            Self::Same(number) => {
                numbers.clear();
                numbers.resize(count, *number);
            }
            Self::Packed(bytes) => {
                // Room for one more, so that one too many is seen.
                numbers.resize(count + 1, 0);
                let progress = standalone::simple_decompress_into(bytes, numbers).ok()?;
                numbers.truncate(count);
                return (progress.n_processed == count).then_some(());
            }
            Self::Around { line, middles, rest } => {
                // Lines are not within lines: what somebody nested is not followed down.
                let flat = |of: &Self| !matches!(of, Self::Around { .. });
                let line = (*line as usize).max(1);
                if !flat(middles) || !flat(rest) {
                    return None;
                }
                let middles = middles.read(count.div_ceil(line))?;
                rest.read_into(count, numbers)?;
                for (middle, of_line) in middles.iter().zip(numbers.chunks_mut(line)) {
                    of_line.iter_mut().for_each(|number| *number = number.wrapping_add(*middle));
                }
            }
        }
        Some(())
    }
}

/// About how many bits a distance takes.
fn bits(distance: i64) -> u64 {
    u64::from(64 - distance.unsigned_abs().leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_and_no_others() {
        let many: Vec<i64> = (0..4_000_i64).map(|n| n * n % 977 - 400).collect();
        for numbers in [vec![], vec![7; 300], many, vec![i64::MIN, 0, i64::MAX]] {
            let packed = Ints::of(&numbers);
            assert_eq!(packed.read(numbers.len()), Some(numbers.clone()));
            for line in [1, 7, 100] {
                assert_eq!(Ints::of_lines(&numbers, line).read(numbers.len()), Some(numbers.clone()));
            }
            if matches!(packed, Ints::Packed(_)) {
                assert_eq!([packed.read(numbers.len() + 1), packed.read(numbers.len() - 1)], [None, None]);
            }
            // What stood in the room before is gone.
            for before in [0, 3, 5_000] {
                let mut room = vec![77; before];
                assert_eq!(packed.read_into(numbers.len(), &mut room), Some(()));
                assert_eq!(room, numbers);
            }
        }
        assert_eq!(Ints::Packed(Cow::Borrowed(b"no numbers")).read(3), None);
    }
}

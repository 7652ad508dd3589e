//! Columns of numbers, packed: most are noise around something, many are one number throughout.

use crate::body::bytes;
use pco::{ChunkConfig, standalone};
use serde::{Deserialize, Serialize};

/// The level of packing: more takes longer and gains next to nothing.
const LEVEL: usize = 8;

/// A column of numbers. How many there are is known to who reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ints {
    /// All of them are this one.
    Same(i64),
    /// Packed by pco.
    Packed(#[serde(with = "bytes")] Vec<u8>),
}

impl Ints {
    pub(crate) fn of(numbers: &[i64]) -> Self {
        let first = numbers.first().copied().unwrap_or(0);
        if numbers.iter().all(|number| *number == first) {
            return Self::Same(first);
        }
        let config = ChunkConfig::default().with_compression_level(LEVEL);
        // It fails on a wrong setting alone.
        Self::Packed(standalone::simple_compress(numbers, &config).unwrap_or_default())
    }

    /// The numbers; `None` if these are not so many. What is read decides nothing on how much memory is taken.
    pub(crate) fn read(&self, count: usize) -> Option<Vec<i64>> {
        match self {
            Self::Same(number) => Some(vec![*number; count]),
            Self::Packed(bytes) => {
                // Room for one more, so that one too many is seen.
                let mut numbers = vec![0; count + 1];
                let progress = standalone::simple_decompress_into(bytes, &mut numbers).ok()?;
                numbers.truncate(count);
                (progress.n_processed == count).then_some(numbers)
            }
        }
    }
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
            if matches!(packed, Ints::Packed(_)) {
                assert_eq!([packed.read(numbers.len() + 1), packed.read(numbers.len() - 1)], [None, None]);
            }
        }
        assert_eq!(Ints::Packed(b"no numbers".to_vec()).read(3), None);
    }
}

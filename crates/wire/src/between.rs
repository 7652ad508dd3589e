//! A number that is known between two bounds.

use serde::{Deserialize, Serialize};

/// A number between two bounds; without an upper one where nothing says how much it may be.
///
/// Sums stop at the largest number instead of going over it: sizes come from files of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Between {
    /// At least this.
    pub low: u64,
    /// At most this, if there is a bound.
    pub high: Option<u64>,
}

impl Default for Between {
    fn default() -> Self {
        Self::ZERO
    }
}

impl Between {
    /// Nothing.
    pub const ZERO: Self = Self::exactly(0);

    /// Exactly this.
    #[must_use]
    pub const fn exactly(n: u64) -> Self {
        Self { low: n, high: Some(n) }
    }

    /// From one bound to the other, in whichever order they come.
    #[must_use]
    pub fn new(a: u64, b: u64) -> Self {
        Self { low: a.min(b), high: Some(a.max(b)) }
    }

    /// This at least, and nobody knows how much at most.
    #[must_use]
    pub const fn at_least(n: u64) -> Self {
        Self { low: n, high: None }
    }

    /// Is it known exactly?
    #[must_use]
    pub fn exact(self) -> Option<u64> {
        self.high.filter(|high| *high == self.low)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let high = self.high.zip(other.high).map(|(a, b)| a.saturating_add(b));
        Self { low: self.low.saturating_add(other.low), high }
    }

    /// So many of it.
    #[must_use]
    pub fn times(self, n: u64) -> Self {
        self.map(|bound| bound.saturating_mul(n))
    }

    /// One of so many equal parts: rounded down below, and up above.
    #[must_use]
    pub fn parted(self, parts: u64) -> Self {
        let parts = parts.max(1);
        Self { low: self.low / parts, high: self.high.map(|high| high.div_ceil(parts)) }
    }

    /// Without so much of it, and never less than nothing.
    #[must_use]
    pub fn without(self, n: u64) -> Self {
        self.map(|bound| bound.saturating_sub(n))
    }

    /// The lower bound of the one, the upper one of the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.zip(other.high).map(|(a, b)| a.max(b)) }
    }

    /// In words, each bound by these: "3 to 5", "3 at least".
    #[must_use]
    pub fn words(self, shown: impl Fn(u64) -> String) -> String {
        match (self.exact(), self.high) {
            (Some(exact), _) => shown(exact),
            (None, Some(high)) => format!("{} to {}", shown(self.low), shown(high)),
            (None, None) => format!("{} at least", shown(self.low)),
        }
    }

    fn map(self, bound: impl Fn(u64) -> u64) -> Self {
        Self { low: bound(self.low), high: self.high.map(bound) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_bound_keeps_none_and_nothing_goes_over() {
        let sum = Between::new(7, 3).plus(Between::at_least(1));
        assert_eq!(sum, Between::at_least(4));
        assert_eq!(Between::exactly(u64::MAX).plus(Between::exactly(1)).times(2), Between::exactly(u64::MAX));
        assert_eq!(Between::exactly(7).parted(2), Between::new(3, 4));
        assert_eq!(Between::exactly(7).parted(0), Between::exactly(7));
        assert_eq!(Between::new(1, 9).without(4), Between::new(0, 5));
        assert_eq!(Between::new(1, 9).or(Between::exactly(0)), Between::new(0, 9));
        assert_eq!((Between::exactly(2).exact(), Between::new(1, 2).exact()), (Some(2), None));
    }
}

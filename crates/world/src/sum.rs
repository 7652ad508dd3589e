//! Sums of numbers that others said: the largest number there is, where the sum does not fit.

use crate::fact::PodFact;

/// The sum of amounts.
pub(crate) fn total<'a>(amounts: impl IntoIterator<Item = &'a u64>) -> u64 {
    amounts.into_iter().fold(0, |sum, n| sum.saturating_add(*n))
}

impl PodFact {
    /// What it asks for, over all GPU keys.
    pub(crate) fn gpu_count(&self) -> u64 {
        total(self.gpus.iter().map(|(_, n)| n))
    }

    /// The restarts of its containers.
    pub(crate) fn restarts(&self) -> u32 {
        self.containers.iter().fold(0, |sum, container| sum.saturating_add(container.restarts))
    }
}

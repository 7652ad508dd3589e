//! Formats of weights against GPUs: computed in, kept only, or neither.

use super::gpu::capability;
use std::sync::OnceLock;

/// Formats with their source on each row.
const TABLE: &str = include_str!("../../../../assets/formats.csv");

/// A format of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub name: &'static str,
    native: (u16, u16),
    until: Option<(u16, u16)>,
    weights: Option<(u16, u16)>,
    pub source: &'static str,
}

/// How a GPU takes a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// It computes in it.
    Natively,
    /// It keeps the weights so, and computes in 16 bits.
    AsWeights,
    /// It does not.
    Not,
}

impl Format {
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        formats().iter().find(|format| format.name == name)
    }

    pub(super) fn on(self, capability: (u16, u16)) -> Takes {
        if capability >= self.native && self.until.is_none_or(|until| capability < until) {
            Takes::Natively
        } else if self.weights.is_some_and(|from| capability >= from) {
            Takes::AsWeights
        } else {
            Takes::Not
        }
    }
}

fn formats() -> &'static [Format] {
    static FORMATS: OnceLock<Vec<Format>> = OnceLock::new();
    FORMATS.get_or_init(|| TABLE.lines().filter(|line| !line.starts_with('#')).skip(1).filter_map(read).collect())
}

fn read(line: &'static str) -> Option<Format> {
    let mut cells = line.splitn(5, ',');
    let name = cells.next()?;
    let native = capability(cells.next()?)?;
    let (until, weights) = (capability(cells.next()?), capability(cells.next()?));
    Some(Format { name, native, until, weights, source: cells.next()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_can_be_read() {
        assert_eq!(formats().len(), TABLE.lines().filter(|line| !line.starts_with('#')).count() - 1);
        assert!(formats().iter().all(|format| !format.source.is_empty()));
    }

    #[test]
    fn formats_stand_against_gpus_as_the_engine_says() {
        let on = |name: &str, capability| Format::named(name).unwrap().on(capability);
        let (v100, t4, a100, ada, hopper, blackwell) = ((7, 0), (7, 5), (8, 0), (8, 9), (9, 0), (10, 0));
        assert_eq!(
            [v100, t4, a100, ada].map(|gpu| on("fp8", gpu)),
            [Takes::Not, Takes::AsWeights, Takes::AsWeights, Takes::Natively]
        );
        assert_eq!([t4, hopper, blackwell].map(|gpu| on("int8", gpu)), [Takes::Natively, Takes::Natively, Takes::Not]);
        assert_eq!(
            [t4, hopper, blackwell].map(|gpu| on("nvfp4", gpu)),
            [Takes::Not, Takes::AsWeights, Takes::Natively]
        );
        assert_eq!([t4, a100].map(|gpu| on("bf16", gpu)), [Takes::Not, Takes::Natively]);
    }
}

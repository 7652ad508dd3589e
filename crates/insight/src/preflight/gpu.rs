//! GPUs by the names of their products: how much memory, which compute capability.

use super::Between;
use std::sync::OnceLock;

/// Products with their source on each row.
const TABLE: &str = include_str!("../../../../assets/gpus.csv");

const MIB: u64 = 1 << 20;
/// What a program sees is so much less than what nvidia-smi shows. Reports of vLLM and PyTorch beside nvidia-smi of the
/// same product: 15.77 of 16 GiB (V100), 14.58 of 15 (T4), 23.55 of 23.99 (RTX 4090), 39.50 of 40 (A100), 79.10 of 79.65
/// (H100), 139.8 of 140.4 (H200), 178.36 of 179.06 (B200).
const UNSEEN: Between = Between { low: MIB / 5 * 1024, high: Some(MIB / 5 * 4 * 1024) };
/// Words of a product that say nothing of it.
const MAKERS: &[&str] = &["NVIDIA", "TESLA", "GEFORCE"];

/// A GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// The name by which it was asked for.
    pub name: String,
    /// The memory that a program sees, in bytes.
    pub memory: Between,
    /// Compute capability: `(9, 0)`.
    pub capability: Option<(u16, u16)>,
    /// Where that is from.
    pub source: &'static str,
}

impl Gpu {
    /// The GPU of a product, as its driver or the label of a node names it: `NVIDIA H100 80GB HBM3`,
    /// `NVIDIA-A100-SXM4-40GB`.
    ///
    /// # Errors
    ///
    /// Why nobody can tell what it is: a part of a device, a product that comes in several sizes, or one that the table
    /// does not have.
    pub fn of_product(product: &str) -> Result<Self, String> {
        let name = normal(product);
        let words: Vec<&str> = name.split(' ').collect();
        if words.contains(&"MIG") {
            return Err(format!("{product} is a part of a device: how much of its memory is not in the name"));
        }
        if let Some(row) = rows().iter().find(|row| row.names.contains(&name.as_str())) {
            let memory = row.mib.saturating_mul(MIB);
            return Ok(Self {
                name: product.to_owned(),
                memory: Between {
                    low: memory.saturating_sub(UNSEEN.high.unwrap_or_default()),
                    high: Some(memory.saturating_sub(UNSEEN.low)),
                },
                capability: row.capability,
                source: row.source,
            });
        }
        let alike: Vec<&str> =
            rows().iter().flat_map(|row| &row.names).filter(|known| begins(known, &words)).copied().collect();
        Err(match alike.as_slice() {
            [] => format!("the table of GPUs does not have {product}"),
            _ => format!("{product} may be {}", alike.join(" or ")),
        })
    }
}

fn begins(known: &str, words: &[&str]) -> bool {
    known.split(' ').zip(words).filter(|(a, b)| a == *b).count() == words.len()
}

/// The name in the form of the table.
fn normal(product: &str) -> String {
    let upper = product.to_uppercase().replace(['-', '_'], " ");
    let words = upper.split_whitespace().filter(|word| !MAKERS.contains(word) && *word != "SHARED");
    words.collect::<Vec<_>>().join(" ")
}

struct Row {
    names: Vec<&'static str>,
    mib: u64,
    capability: Option<(u16, u16)>,
    source: &'static str,
}

fn rows() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| TABLE.lines().filter(|line| !line.starts_with('#')).skip(1).filter_map(Row::read).collect())
}

impl Row {
    fn read(line: &'static str) -> Option<Self> {
        let mut cells = line.splitn(4, ',');
        let names = cells.next()?.split('|').collect();
        let mib = cells.next()?.parse().ok()?;
        let capability = capability(cells.next()?);
        Some(Self { names, mib, capability, source: cells.next()? })
    }
}

/// `9.0` as `(9, 0)`.
pub(super) fn capability(text: &str) -> Option<(u16, u16)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_can_be_read_and_says_where_it_is_from() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count() - 1;
        assert_eq!(rows().len(), lines);
        let mut all: Vec<&str> = rows().iter().flat_map(|row| row.names.clone()).collect();
        for row in rows() {
            assert!(!row.source.is_empty() && row.mib > 10_000, "{:?}", row.names);
            assert!(row.names.iter().all(|name| normal(name) == **name), "{:?}", row.names);
        }
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count, "a product stands there twice");
    }

    #[test]
    fn a_product_is_known_by_the_names_of_driver_label_and_exporter() {
        for (product, gib, capability) in [
            ("NVIDIA H100 80GB HBM3", 79, (9, 0)),
            ("NVIDIA-H100-80GB-HBM3", 79, (9, 0)),
            ("NVIDIA-A100-SXM4-40GB", 39, (8, 0)),
            ("Tesla T4", 14, (7, 5)),
            ("Tesla-T4-SHARED", 14, (7, 5)),
            ("NVIDIA GeForce RTX 4090", 23, (8, 9)),
            ("nvidia h200", 140, (9, 0)),
            ("NVIDIA H20-3e", 140, (9, 0)),
        ] {
            let gpu = Gpu::of_product(product).unwrap();
            assert_eq!((gpu.memory.high.unwrap() >> 30, gpu.capability), (gib, Some(capability)), "{product}");
        }
    }

    #[test]
    fn what_may_be_several_is_none() {
        let why = |product| Gpu::of_product(product).unwrap_err();
        assert_eq!(why("H100"), "H100 may be H100 80GB HBM3 or H100 PCIE or H100 NVL");
        assert_eq!(why("Quadro P400"), "the table of GPUs does not have Quadro P400");
        assert!(why("NVIDIA-H100-80GB-HBM3-MIG-1g.10gb").contains("a part of a device"));
    }

    /// What programs reported, in hundredths of a GiB, lies between the bounds.
    #[test]
    fn the_memory_that_programs_reported_lies_between_the_bounds() {
        for (product, seen) in [
            ("V100 SXM2 16GB", 1577),
            ("T4", 1474),
            ("RTX 4090", 2355),
            ("RTX 3090", 2357),
            ("A30", 2350),
            ("A100 SXM4 40GB", 3950),
            ("RTX 6000 ADA GENERATION", 4750),
            ("A100 SXM4 80GB", 7933),
            ("H100 80GB HBM3", 7910),
            ("H200", 13980),
            ("B200", 17836),
        ] {
            let memory = Gpu::of_product(product).unwrap().memory;
            let seen = (seen << 30) / 100;
            assert!(memory.low <= seen && Some(seen) <= memory.high, "{product}: {memory:?}, seen {seen}");
        }
    }
}

//! What is wrong with GPUs: read off the story's own words, so that events and measurements tell the same.

use crate::dice::hash;
use pilothouse_wire::SmolStr;
use std::collections::BTreeMap;

/// What is wrong with a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The driver said this XID.
    Xid(u32),
    /// It is too hot.
    Heat,
    /// So many rows of its memory failed.
    Rows(u32),
    /// So many rows of its memory were replaced.
    Remapped(u32),
    /// A link to the others is down.
    Link,
}

/// A fault of a GPU, or of all GPUs of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ailment {
    /// The number of the GPU; all of the node if none is named.
    pub gpu: Option<usize>,
    /// What it has.
    pub fault: Fault,
}

/// What is wrong where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ailments(BTreeMap<SmolStr, Vec<Ailment>>);

impl Ailments {
    /// What is wrong on a node.
    pub fn of(&self, node: &str) -> &[Ailment] {
        self.0.get(node).map(Vec::as_slice).unwrap_or_default()
    }

    /// A condition of a node came to be true.
    pub(super) fn begin(&mut self, node: &str, kind: &str, reason: &str, note: &str) {
        let fault = match kind {
            "GpuXidError" => number_after(reason, "Xid").map(Fault::Xid),
            "GpuThermalSlowdown" => Some(Fault::Heat),
            "GpuEccError" => Some(Fault::Rows(number_after(note, "has ").unwrap_or(1))),
            "NvlinkDegraded" => Some(Fault::Link),
            _ => None,
        };
        if let Some(fault) = fault {
            let gpu = number_after(note, "GPU ").and_then(|gpu| usize::try_from(gpu).ok());
            self.add(node, Ailment { gpu, fault });
        }
    }

    /// A condition of a node is over. Rows that were replaced are counted for ever.
    pub(super) fn end(&mut self, node: &str, kind: &str) {
        let Some(all) = self.0.get_mut(node) else { return };
        for ailment in all.iter_mut() {
            if let (Fault::Rows(rows), "GpuEccError") = (ailment.fault, kind) {
                ailment.fault = Fault::Remapped(rows);
            }
        }
        all.retain(|ailment| {
            !matches!(
                (ailment.fault, kind),
                (Fault::Xid(_), "GpuXidError") | (Fault::Heat, "GpuThermalSlowdown") | (Fault::Link, "NvlinkDegraded")
            )
        });
    }

    /// Somebody cordoned a node because of an XID, of which nothing else tells.
    pub(super) fn cordoned(&mut self, node: &str, why: &str) {
        let has_xid = self.of(node).iter().any(|ailment| matches!(ailment.fault, Fault::Xid(_)));
        if let Some(xid) = number_after(why, "XID ").filter(|_| !has_xid) {
            let gpu = usize::try_from(hash(u64::from(xid), node) % 8).ok();
            self.add(node, Ailment { gpu, fault: Fault::Xid(xid) });
        }
    }

    fn add(&mut self, node: &str, ailment: Ailment) {
        let all = self.0.entry(node.into()).or_default();
        all.retain(|old| *old != ailment);
        all.push(ailment);
    }
}

fn number_after(text: &str, word: &str) -> Option<u32> {
    let (_, rest) = text.split_once(word)?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_event_says_is_what_is_measured() {
        let mut ailments = Ailments::default();
        ailments.begin("n", "GpuXidError", "Xid79", "XID 79: GPU 3 has fallen off the bus.");
        ailments.cordoned("n", "nvsentinel: XID 79, the GPU is to be reset");
        ailments.begin("n", "GpuEccError", "UncorrectableRows", "GPU 1 has 3 uncorrectable rows; a reset remaps them.");
        ailments.begin("n", "MemoryPressure", "", "Less than 100 MiB are available.");
        let all = |ailments: &Ailments| ailments.of("n").iter().map(|a| (a.gpu, a.fault)).collect::<Vec<_>>();
        assert_eq!(all(&ailments), [(Some(3), Fault::Xid(79)), (Some(1), Fault::Rows(3))]);
        ailments.end("n", "GpuXidError");
        ailments.end("n", "GpuEccError");
        assert_eq!(all(&ailments), [(Some(1), Fault::Remapped(3))]);
    }

    #[test]
    fn a_cordon_that_names_an_xid_tells_of_one_gpu() {
        let mut ailments = Ailments::default();
        ailments.cordoned("n", "on-call: new fans on Thursday");
        assert!(ailments.of("n").is_empty());
        ailments.cordoned("n", "nvsentinel: XID 63, a row is to be remapped");
        assert!(matches!(ailments.of("n"), [Ailment { gpu: Some(0..8), fault: Fault::Xid(63) }]));
    }
}

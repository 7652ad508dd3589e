//! GPUs that a person picked out on the map, as a short text that stands in an address.
//!
//! `iad-prod:h100-[009-021],h100-030/0-3.6;fra:b200-004`: clusters are separated by `;`, nodes by `,`. `[009-021]` stands
//! for numbers that follow each other, each written with as many digits. Behind a `/` stand the GPUs of a node; without
//! them all of its GPUs are meant. What else occurs in a name than letters, digits, dots and dashes is written `%2C`.

use crate::{ConnectionId, NodeId, SmolStr};
use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    str::FromStr,
};

/// More nodes than this are no picking but a mistake, or meant to keep the page busy.
const MOST_NODES: usize = 100_000;
/// No node has more GPUs, or shares of GPUs.
const MOST_GPUS: u16 = 1_024;

/// Some GPUs of some nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Area(BTreeMap<NodeId, Gpus>);

/// GPUs of a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gpus {
    All,
    /// In order, each once.
    These(Vec<u16>),
}

/// A text that is no [`Area`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadArea {
    /// A cluster or a node cannot be read.
    #[error("\"{0}\" names no GPUs; write cluster:node,node/0-3")]
    Unread(String),
    /// Too many nodes.
    #[error("more than {MOST_NODES} nodes are named")]
    TooMany,
}

impl Area {
    /// Is nothing picked?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Picks a node with all of its GPUs.
    pub fn pick_node(&mut self, node: NodeId) {
        self.0.insert(node, Gpus::All);
    }

    /// Picks a GPU by its slot.
    pub fn pick(&mut self, node: NodeId, slot: u16) {
        if let Gpus::These(slots) = self.0.entry(node).or_insert_with(|| Gpus::These(Vec::new()))
            && let Err(at) = slots.binary_search(&slot)
        {
            slots.insert(at, slot);
        }
    }

    /// Picks all that another area holds, too.
    pub fn join(&mut self, other: Self) {
        for (node, gpus) in other.0 {
            match gpus {
                Gpus::All => self.pick_node(node),
                Gpus::These(slots) => slots.into_iter().for_each(|slot| self.pick(node.clone(), slot)),
            }
        }
    }

    /// Is a GPU of this node picked?
    #[must_use]
    pub fn holds_node(&self, node: &NodeId) -> bool {
        self.0.contains_key(node)
    }

    /// Is this GPU picked?
    #[must_use]
    pub fn holds(&self, node: &NodeId, slot: u16) -> bool {
        self.0.get(node).is_some_and(|gpus| match gpus {
            Gpus::All => true,
            Gpus::These(slots) => slots.binary_search(&slot).is_ok(),
        })
    }

    fn add(&mut self, node: NodeId, gpus: &Gpus) -> Result<(), BadArea> {
        match gpus {
            Gpus::All => self.pick_node(node),
            Gpus::These(slots) => slots.iter().for_each(|slot| self.pick(node.clone(), *slot)),
        }
        if self.0.len() > MOST_NODES { Err(BadArea::TooMany) } else { Ok(()) }
    }
}

/// A name around its number: what is before it, what is behind it, and how many digits it has.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Around<'a> {
    before: &'a str,
    behind: &'a str,
    digits: usize,
}

/// Takes a name apart at the last number of its first part: `h100-017.east` is 17, and `h100-` and `.east` around it.
fn apart(name: &str) -> Option<(Around<'_>, u64)> {
    let host = name.split('.').next().unwrap_or_default();
    let end = host.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = host[..end].rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| {
        // Behind the last letter, which may be of more than one byte.
        at + host[at..].chars().next().map_or(1, char::len_utf8)
    });
    let number = name[start..end].parse().ok().filter(|_| end - start <= 18)?;
    Some((Around { before: &name[..start], behind: &name[end..], digits: end - start }, number))
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nodes of like names and the same GPUs, by their numbers.
        let mut alike: BTreeMap<(&ConnectionId, Around<'_>, &Gpus), Vec<u64>> = BTreeMap::new();
        let mut items: BTreeMap<&ConnectionId, Vec<String>> = BTreeMap::new();
        for (node, gpus) in &self.0 {
            match apart(&node.name) {
                Some((around, number)) => alike.entry((&node.cluster, around, gpus)).or_default().push(number),
                None => {
                    let item = format!("{}{}", escaped(&node.name), Behind(gpus));
                    items.entry(&node.cluster).or_default().push(item);
                }
            }
        }
        for ((cluster, around, gpus), numbers) in &alike {
            let (before, behind, width) = (escaped(around.before), escaped(around.behind), around.digits);
            for (from, to) in runs(numbers) {
                let numbers =
                    if from == to { format!("{from:0width$}") } else { format!("[{from:0width$}-{to:0width$}]") };
                let item = format!("{before}{numbers}{behind}{}", Behind(gpus));
                items.entry(cluster).or_default().push(item);
            }
        }
        for (at, (cluster, items)) in items.iter().enumerate() {
            write!(f, "{}{cluster}:{}", if at > 0 { ";" } else { "" }, items.join(","))?;
        }
        Ok(())
    }
}

/// The GPUs behind the name of a node.
struct Behind<'a>(&'a Gpus);

impl fmt::Display for Behind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Gpus::These(slots) = self.0 else { return Ok(()) };
        let slots: Vec<u64> = slots.iter().map(|slot| u64::from(*slot)).collect();
        for (at, (from, to)) in runs(&slots).into_iter().enumerate() {
            f.write_char(if at > 0 { '.' } else { '/' })?;
            if from == to { write!(f, "{from}")? } else { write!(f, "{from}-{to}")? }
        }
        Ok(())
    }
}

/// Numbers in order as runs of such as follow each other.
fn runs(numbers: &[u64]) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, to)) if *to + 1 == *number => *to = *number,
            _ => runs.push((*number, *number)),
        }
    }
    runs
}

impl FromStr for Area {
    type Err = BadArea;

    fn from_str(text: &str) -> Result<Self, BadArea> {
        let mut area = Self::default();
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let unread = || BadArea::Unread(part.to_owned());
            let (cluster, items) = part.split_once(':').ok_or_else(unread)?;
            let cluster = ConnectionId::slug(cluster);
            for item in items.split(',') {
                read(&mut area, &cluster, item)?.ok_or_else(|| BadArea::Unread(item.to_owned()))?;
            }
        }
        Ok(area)
    }
}

/// Takes in nodes of one item; the inner `None` if it cannot be read.
fn read(area: &mut Area, cluster: &ConnectionId, item: &str) -> Result<Option<()>, BadArea> {
    let (name, gpus) = match item.split_once('/') {
        None => (item, Some(Gpus::All)),
        Some((name, slots)) => (name, slots_of(slots).map(Gpus::These)),
    };
    let Some(gpus) = gpus else { return Ok(None) };
    let node = |name: String| NodeId { cluster: cluster.clone(), name: SmolStr::from(name) };
    let Some((before, rest)) = name.split_once('[') else {
        let Some(name) = unescaped(name).filter(|name| !name.is_empty()) else { return Ok(None) };
        return area.add(node(name), &gpus).map(Some);
    };
    let numbers = rest.split_once(']').and_then(|(numbers, behind)| Some((numbers.split_once('-')?, behind)));
    let Some(((from, to), behind)) = numbers else { return Ok(None) };
    let is_number = |text: &str| text.len() <= 18 && !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let (Some(before), Some(behind)) = (unescaped(before), unescaped(behind)) else { return Ok(None) };
    if !is_number(from) || !is_number(to) || from.len() != to.len() {
        return Ok(None);
    }
    let width = from.len();
    let (Ok(from), Ok(to)) = (from.parse::<u64>(), to.parse::<u64>()) else { return Ok(None) };
    for number in from..=to {
        area.add(node(format!("{before}{number:0width$}{behind}")), &gpus)?;
    }
    Ok((from <= to).then_some(()))
}

/// `0-3.6`: GPUs in order.
fn slots_of(text: &str) -> Option<Vec<u16>> {
    let mut slots = Vec::new();
    for part in text.split('.') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to): (u16, u16) = (from.parse().ok()?, to.parse().ok()?);
        if from > to || to >= MOST_GPUS {
            return None;
        }
        slots.extend(from..=to);
    }
    crate::sort::sort(&mut slots);
    slots.dedup();
    Some(slots)
}

fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => text.push(char::from(byte)),
            // Writing to a text cannot fail.
            byte => drop(write!(text, "%{byte:02X}")),
        }
    }
    text
}

fn unescaped(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((plain, escape)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        bytes.push(u8::from_str_radix(escape.get(..2)?, 16).ok()?);
        rest = &escape[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn node(cluster: &str, name: &str) -> NodeId {
        NodeId { cluster: ConnectionId::slug(cluster), name: name.into() }
    }

    #[test]
    fn nodes_of_like_names_are_said_together() {
        let mut area = Area::default();
        for number in (9..=21).chain([30]) {
            area.pick_node(node("iad", &format!("h100-{number:03}")));
        }
        for slot in [6, 0, 1, 2, 3] {
            area.pick(node("iad", "h100-031"), slot);
        }
        for name in ["ip-10-0-3-9.ec2.internal", "ip-10-0-3-10.ec2.internal", "ip-10-0-3-11.ec2.internal", "a,b"] {
            area.pick_node(node("fra", name));
        }
        let text = area.to_string();
        assert_eq!(
            text,
            "fra:a%2Cb,ip-10-0-3-9.ec2.internal,ip-10-0-3-[10-11].ec2.internal;iad:h100-[009-021],h100-030,h100-031/0-3.6"
        );
        assert_eq!(text.parse(), Ok(area.clone()));
        assert!(area.holds(&node("iad", "h100-015"), 7) && area.holds(&node("iad", "h100-031"), 6));
        assert!(!area.holds(&node("iad", "h100-031"), 4) && area.holds_node(&node("iad", "h100-031")));
        assert!(!area.holds_node(&node("fra", "h100-015")));
    }

    #[test]
    fn what_names_no_gpus_is_refused() {
        for text in
            ["h100-001", "iad:", "iad:a,,b", "iad:a/", "iad:a/3-1", "iad:a/9999", "iad:[1-x]", "iad:[9-10]", "iad:%zz"]
        {
            assert!(matches!(text.parse::<Area>(), Err(BadArea::Unread(_))), "{text}");
        }
        assert_eq!("iad:[000000-999999]".parse::<Area>(), Err(BadArea::TooMany));
        assert_eq!("".parse(), Ok(Area::default()));
    }

    proptest! {
        #[test]
        fn any_picking_reads_back_from_its_text(
            picked in prop::collection::vec(("[a-b]", "(h|é9|n-)?[0-9]{0,3}[.,a%]?[0-9]?", prop::option::of(0u16..12)), 0..40)
        ) {
            let mut area = Area::default();
            for (cluster, name, slot) in picked {
                let node = node(&cluster, if name.is_empty() { "x" } else { &name });
                match slot {
                    Some(slot) => area.pick(node, slot),
                    None => area.pick_node(node),
                }
            }
            prop_assert_eq!(area.to_string().parse(), Ok(area));
        }

        #[test]
        fn any_text_is_read_or_refused_and_reads_back(text in "[a-b0-9:;,/%\\[\\]. -]{0,24}") {
            if let Ok(area) = text.parse::<Area>() {
                prop_assert_eq!(area.to_string().parse(), Ok(area));
            }
        }
    }
}

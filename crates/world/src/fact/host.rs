//! A fact of the machine that a node is, beside its GPUs.

use pilothouse_wire::SmolStr;
use serde::{Deserialize, Serialize};

/// A machine by its own word, and what uses its GPUs. Sources: its operating system; NVML.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFact {
    /// The node that it is.
    pub node: SmolStr,
    /// Logical cores.
    pub cores: u32,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// What its processor is called.
    pub processor: Option<SmolStr>,
    /// The system and its version.
    pub system: Option<SmolStr>,
    /// UUIDs of its GPUs, and how many processes use each now. Of one whose driver does not say it is not here; names of
    /// processes are not read.
    pub processes: Vec<(SmolStr, u32)>,
}

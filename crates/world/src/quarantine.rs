//! Nodes that NVSentinel, the agent that mends nodes with broken GPUs, has taken for itself.

use crate::fact::NodeFact;
use pilothouse_wire::SmolStr;

/// The annotation of a node that it has quarantined. A fact keeps it beside the labels, under this key and in our words:
/// of no label is this the key.
pub const QUARANTINE: &str = "quarantineHealthEvent";

/// The label by which it says how far it is: `quarantined`, `draining`, `remediating`, `remediation-failed`, …
pub(crate) const STATE: &str = "dgxc.nvidia.com/nvsentinel-state";

impl NodeFact {
    /// Why NVSentinel has quarantined the node, and how far it is; `None` where it has not.
    #[must_use]
    pub fn quarantine(&self) -> Option<SmolStr> {
        let why = self.label(QUARANTINE)?;
        Some(match self.label(STATE) {
            Some(state) => format!("{why}; it is {state}").into(),
            None => why.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_without_a_quarantine_is_of_one_that_is_over() {
        let node = |labels: &[(&str, &str)]| NodeFact {
            labels: labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            ..NodeFact::default()
        };
        let (why, state) = ((QUARANTINE, "GpuMemWatch"), (STATE, "draining"));
        assert_eq!(node(&[why, state]).quarantine().as_deref(), Some("GpuMemWatch; it is draining"));
        assert_eq!(node(&[why]).quarantine().as_deref(), Some("GpuMemWatch"));
        assert_eq!(node(&[state]).quarantine(), None);
    }
}

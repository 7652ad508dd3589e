//! What happens to nodes: conditions, faults, cordons, drains, and nodes that are not heard.

use super::{Stage, pods};
use crate::agenda::Due;
use pilothouse_world::fact::Phase;

const UNREACHABLE: &str = "node.kubernetes.io/unreachable:NoExecute";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable:NoSchedule";

impl Stage {
    pub(crate) fn set_condition(&mut self, node: &str, kind: &str, reason: &str, note: &str) {
        self.turn(node, kind, "True", reason);
        self.ailments.begin(node, kind, reason, note);
        self.say_of_node(node, true, reason, note);
    }

    pub(super) fn clear_condition(&mut self, node: &str, kind: &str) {
        self.turn(node, kind, "False", "Over");
        self.ailments.end(node, kind);
        self.say_of_node(node, false, &format!("{kind}Over"), &format!("{kind} is over."));
    }

    fn turn(&mut self, node: &str, kind: &str, status: &str, reason: &str) {
        let now = self.now;
        let Some(fact) = self.nodes.get_mut(node) else { return };
        pods::set(&mut fact.conditions, pods::condition(kind, status, Some(reason), now));
        self.changed.nodes.insert(node.into());
    }

    pub(super) fn xid(&mut self, node: &str, xid: u32) {
        let what = match xid {
            95 => "uncontained ECC error",
            79 => "the GPU has fallen off the bus",
            _ => "GPU fault",
        };
        let note = format!("XID {xid} on GPU 5: {what}.");
        self.set_condition(node, "GpuXidError", &format!("Xid{xid}"), &note);
        for (n, no) in self.guests(node).into_iter().enumerate() {
            self.agenda.after(self.now, 1_500 + n as u64 * 900, Due::Crash(no));
        }
    }

    /// A node is not heard any more; what ran there cannot be asked.
    pub(crate) fn lose(&mut self, node: &str) {
        for kind in ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"] {
            self.turn(node, kind, "Unknown", "NodeStatusUnknown");
        }
        let now = self.now;
        if let Some(fact) = self.nodes.get_mut(node) {
            fact.taints.push(UNREACHABLE.into());
        }
        self.say_of_node(node, true, "NodeNotReady", &format!("Node {node} status is now: NodeNotReady"));
        for no in self.guests(node) {
            if let Some(player) = self.players.get_mut(&no) {
                let lost = pods::condition("Ready", "False", Some("NodeLost"), now);
                pods::set(&mut player.fact.conditions, lost);
            }
            self.changed.pods.insert(no);
        }
    }

    /// A node is heard again; pods that were terminating there are gone, those that stayed are ready.
    pub(super) fn revive(&mut self, node: &str) {
        for kind in ["MemoryPressure", "DiskPressure", "PIDPressure"] {
            self.turn(node, kind, "False", "KubeletHasNoPressure");
        }
        self.turn(node, "Ready", "True", "KubeletReady");
        if let Some(fact) = self.nodes.get_mut(node) {
            fact.taints.retain(|taint| taint != UNREACHABLE);
        }
        self.room_changed = true;
        self.say_of_node(node, false, "NodeReady", &format!("Node {node} status is now: NodeReady"));
        for no in self.guests(node) {
            let Some(fact) = self.players.get(&no).map(|player| &player.fact) else { continue };
            let due = match fact.phase {
                _ if fact.deleting.is_some() => Due::Gone(no),
                Phase::Pending => Due::Start(no),
                Phase::Running => Due::Ready(no),
                _ => Due::Gone(no),
            };
            let wait = self.dice.between(500, 2_500);
            self.agenda.after(self.now, wait, due);
        }
    }

    /// Cordons a node, saying why, or takes the cordon off.
    pub(crate) fn cordon(&mut self, node: &str, why: Option<&str>) {
        let Some(fact) = self.nodes.get_mut(node) else { return };
        fact.cordoned = why.is_some();
        fact.taints.retain(|taint| taint != UNSCHEDULABLE);
        if why.is_some() {
            fact.taints.push(UNSCHEDULABLE.into());
        }
        self.changed.nodes.insert(node.into());
        self.room_changed = true;
        match why {
            Some(why) => {
                self.ailments.cordoned(node, why);
                self.say_of_node(node, false, "NodeNotSchedulable", &format!("Node {node} was cordoned. {why}."));
            }
            None => self.say_of_node(node, false, "NodeSchedulable", &format!("Node {node} takes pods again.")),
        }
    }

    /// Moves the pods of a node elsewhere, one after the other.
    pub(super) fn drain(&mut self, node: &str) {
        self.say_of_node(node, false, "Draining", &format!("The pods of {node} are moved to other nodes."));
        for no in self.guests(node) {
            if self.players.get(&no).is_some_and(|player| player.fact.phase != Phase::Succeeded) {
                self.leave(no, true);
            }
        }
    }
}

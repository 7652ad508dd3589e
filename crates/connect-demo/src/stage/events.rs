//! Events, and how long a server keeps them.

use super::Stage;
use crate::{agenda::Due, names};
use pilothouse_wire::SmolStr;
use pilothouse_world::fact::{EventFact, PodFact};
use std::time::Duration;

/// How long an event is kept: shorter than the hour of a real server, so that a round does not pile them up.
const KEPT_MS: u64 = 1_800_000;

impl Stage {
    /// Says an event about a node.
    pub fn say_of_node(&mut self, node: &str, warning: bool, reason: &str, note: &str) {
        self.say("Node", None, node.into(), warning, reason, note.into());
    }

    /// Says an event about a pod.
    pub fn say_of_pod(&mut self, pod: &PodFact, warning: bool, reason: &str, note: String) {
        self.say("Pod", Some(pod.namespace.clone()), pod.name.clone(), warning, reason, note);
    }

    /// Says an event. The same again of the same object is counted, as a server does.
    pub fn say(
        &mut self,
        kind: &str,
        namespace: Option<SmolStr>,
        name: SmolStr,
        warning: bool,
        reason: &str,
        note: String,
    ) {
        let place = namespace.as_deref().unwrap_or_default();
        let uid = names::uid(self.seed, &format!("event/{kind}/{place}/{name}/{reason}"));
        let count = self.events.get(&uid).map_or(0, |event| event.count) + 1;
        let event = EventFact {
            uid: uid.clone(),
            kind: kind.into(),
            namespace,
            name,
            warning,
            reason: reason.into(),
            note,
            count,
            at: self.now,
        };
        self.events.insert(uid.clone(), event);
        self.changed.events_gone.remove(&uid);
        self.changed.events.insert(uid.clone());
        if count == 1 {
            self.agenda.after(self.now, KEPT_MS, Due::Forget(uid));
        }
    }

    /// Drops an event, unless it happened again meanwhile.
    pub(super) fn forget(&mut self, uid: SmolStr) {
        let Some(event) = self.events.get(&uid) else { return };
        let until = event.at.plus(Duration::from_millis(KEPT_MS));
        if until > self.now {
            self.agenda.put(until, Due::Forget(uid));
            return;
        }
        self.events.remove(&uid);
        self.changed.events.remove(&uid);
        self.changed.events_gone.insert(uid);
    }
}

//! Whose an object is and which queue it came through, by labels that people agree on. No other label is kept.

use pilothouse_wire::SmolStr;
use pilothouse_world::fact::PodLabels;
use std::collections::BTreeMap;

/// Labels that name a team where the settings name none, by the part behind the prefix.
const USUAL: [&str; 3] = ["team", "squad", "owner"];

/// Labels that name a queue. Sources: Kueue, "Run a Plain Pod"; Volcano, labels of the pods of a vcjob.
const QUEUES: [&str; 2] = ["kueue.x-k8s.io/queue-name", "volcano.sh/queue-name"];

/// The rule by which labels say whose an object is: the first of these that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamRule(Vec<String>);

impl TeamRule {
    /// Of a person's list, parted by commas; the usual labels for an empty one. A key without a prefix is found under
    /// any.
    #[must_use]
    pub fn new(keys: &str) -> Self {
        let keys: Vec<String> =
            keys.split([',', ' ']).map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned).collect();
        Self(if keys.is_empty() { USUAL.map(str::to_owned).to_vec() } else { keys })
    }

    /// The team that these labels name.
    #[must_use]
    pub fn team(&self, labels: &BTreeMap<String, String>) -> Option<SmolStr> {
        let named = |key: &String| {
            let is_it = |label: &str| label == key || label.rsplit_once('/').is_some_and(|(_, name)| name == key);
            labels.iter().find(|(label, value)| is_it(label) && !value.is_empty()).map(|(_, value)| SmolStr::new(value))
        };
        self.0.iter().find_map(named)
    }

    /// What these labels of a pod say.
    #[must_use]
    pub fn of_pod(&self, labels: &BTreeMap<String, String>) -> PodLabels {
        let queue = QUEUES.iter().find_map(|key| labels.get(*key)).filter(|queue| !queue.is_empty());
        PodLabels { team: self.team(labels), queue: queue.map(SmolStr::new) }
    }
}

impl Default for TeamRule {
    fn default() -> Self {
        Self::new("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: &str, labels: &[(&str, &str)], want: Option<&str>) {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        assert_eq!(TeamRule::new(rule).team(&labels).as_deref(), want);
    }

    #[test]
    fn the_first_label_of_the_rule_names_the_team() {
        check("", &[("app", "chat"), ("acme.com/team", "search")], Some("search"));
        check("", &[("owner", "ann"), ("team", "search")], Some("search"));
        check("", &[("team", ""), ("owner", "ann")], Some("ann"));
        check("", &[("steam", "no"), ("team/name", "no")], None);
        check("cost-center, team", &[("team", "search"), ("cost-center", "4711")], Some("4711"));
        check("acme.com/team", &[("team", "search"), ("acme.com/team", "ads")], Some("ads"));
        check("acme.com/team", &[("team", "search")], None);
    }

    #[test]
    fn a_queue_is_named_by_kueue_or_volcano() {
        let of = |key: &str| {
            TeamRule::default()
                .of_pod(&BTreeMap::from([(key.to_owned(), "research".to_owned())]))
                .queue
                .map(String::from)
        };
        assert_eq!(of("kueue.x-k8s.io/queue-name").as_deref(), Some("research"));
        assert_eq!(of("volcano.sh/queue-name").as_deref(), Some("research"));
        assert_eq!(of("queue"), None);
    }
}

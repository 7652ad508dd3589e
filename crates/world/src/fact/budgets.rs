//! Facts of disruption budgets: which pods they choose, and whether one of them may be evicted.

use super::LabelsFact;
use pilothouse_wire::SmolStr;
use serde::{Deserialize, Serialize};

/// A disruption budget. Source: `policy/v1.PodDisruptionBudget`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetFact {
    /// `metadata.namespace`; of its pods, too.
    pub namespace: SmolStr,
    /// `metadata.name`.
    pub name: SmolStr,
    /// `spec.selector`; absent where there is none, which chooses no pod.
    pub chooses: Option<SelectorFact>,
    /// `status.disruptionsAllowed`; 0 where the status is of an earlier `metadata.generation`: nothing is evicted then.
    pub allowed: u32,
    /// May a pod that is not ready go whatever is allowed? By `spec.unhealthyPodEvictionPolicy`, and where that does not say
    /// always, as long as `status.currentHealthy` reaches `status.desiredHealthy`, and that is not 0.
    pub unready_may: bool,
}

/// What chooses objects by their labels. Source: `meta/v1.LabelSelector`. One that asks for nothing chooses all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectorFact {
    /// `matchLabels`.
    pub labels: LabelsFact,
    /// `matchExpressions`.
    pub rules: Vec<RequirementFact>,
}

/// What a label has to be. Source: `meta/v1.LabelSelectorRequirement`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequirementFact {
    /// `key`.
    pub key: SmolStr,
    /// `operator`: `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: SmolStr,
    /// `values`.
    pub values: Vec<SmolStr>,
}

impl SelectorFact {
    /// Does it choose what has these labels? What asks in words that nobody knows chooses nothing, as the server has it.
    #[must_use]
    pub fn chooses(&self, labels: &LabelsFact) -> bool {
        let value = |key: &SmolStr| labels.iter().find(|(label, _)| label == key).map(|(_, value)| value);
        let fits = |rule: &RequirementFact| match (rule.operator.as_str(), value(&rule.key)) {
            ("In", Some(value)) => rule.values.contains(value),
            ("NotIn", Some(value)) => !rule.values.contains(value),
            ("NotIn" | "DoesNotExist", None) | ("Exists", Some(_)) => true,
            _ => false,
        };
        self.labels.iter().all(|(key, wanted)| value(key) == Some(wanted)) && self.rules.iter().all(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(key: &str, operator: &str, values: &[&str]) -> RequirementFact {
        let values = values.iter().map(SmolStr::new).collect();
        RequirementFact { key: key.into(), operator: operator.into(), values }
    }

    #[test]
    fn a_selector_chooses_as_a_server_does() {
        let labels: LabelsFact = vec![("app".into(), "chat".into()), ("tier".into(), "gold".into())];
        let none = LabelsFact::new();
        for (selector, chooses, chooses_bare) in [
            (SelectorFact::default(), true, true),
            (SelectorFact { labels: vec![("app".into(), "chat".into())], rules: vec![] }, true, false),
            (SelectorFact { labels: vec![("app".into(), "rank".into())], rules: vec![] }, false, false),
            (SelectorFact { labels: vec![], rules: vec![rule("tier", "In", &["gold", "lead"])] }, true, false),
            (SelectorFact { labels: vec![], rules: vec![rule("tier", "NotIn", &["gold"])] }, false, true),
            (SelectorFact { labels: vec![], rules: vec![rule("tier", "Exists", &[])] }, true, false),
            (SelectorFact { labels: vec![], rules: vec![rule("tier", "DoesNotExist", &[])] }, false, true),
            (SelectorFact { labels: vec![], rules: vec![rule("tier", "Like", &["g"])] }, false, false),
        ] {
            let rows = (selector.chooses(&labels), selector.chooses(&none));
            assert_eq!(rows, (chooses, chooses_bare), "{selector:?}");
        }
        let both =
            SelectorFact { labels: vec![("app".into(), "chat".into())], rules: vec![rule("tier", "In", &["lead"])] };
        assert!(!both.chooses(&labels), "all of it has to fit");
    }
}

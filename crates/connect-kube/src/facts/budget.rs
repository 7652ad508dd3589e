//! Disruption budgets into facts.

use super::{count, some};
use crate::slim::{DisruptionBudget, LabelSelector};
use pilothouse_wire::SmolStr;
use pilothouse_world::fact::{BudgetFact, RequirementFact, SelectorFact};

/// What a disruption budget says; `None` for one without a name.
#[must_use]
pub fn facts_of_budget(budget: DisruptionBudget) -> Option<BudgetFact> {
    let meta = budget.metadata?;
    let (spec, status) = (budget.spec.unwrap_or_default(), budget.status.unwrap_or_default());
    let always = spec.unhealthy_pod_eviction_policy.as_deref() == Some("AlwaysAllow");
    let enough = status.desired_healthy > 0 && status.current_healthy >= status.desired_healthy;
    let is_current = status.observed_generation >= meta.generation;
    let allowed = u32::try_from(count(status.disruptions_allowed)).unwrap_or(u32::MAX);
    Some(BudgetFact {
        namespace: SmolStr::new(&meta.namespace),
        name: some(&meta.name)?,
        chooses: spec.selector.map(selector),
        allowed: if is_current { allowed } else { 0 },
        unready_may: always || enough,
    })
}

fn selector(of: LabelSelector) -> SelectorFact {
    let rules = of.match_expressions.into_iter().map(|rule| RequirementFact {
        key: rule.key.into(),
        operator: rule.operator.into(),
        values: rule.values.into_iter().map(SmolStr::from).collect(),
    });
    SelectorFact {
        labels: of.match_labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
        rules: rules.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn budget(value: Value) -> Option<BudgetFact> {
        facts_of_budget(serde_json::from_value(value).unwrap())
    }

    fn of(spec: Value, status: Value) -> BudgetFact {
        let meta = json!({ "namespace": "serving", "name": "chat", "generation": 2, "resourceVersion": "7" });
        budget(json!({ "metadata": meta, "spec": spec, "status": status })).unwrap()
    }

    #[test]
    fn a_budget_tells_whom_it_chooses_and_how_many_may_go() {
        let spec = json!({
            "minAvailable": "50%",
            "selector": {
                "matchLabels": { "app": "chat" },
                "matchExpressions": [{ "key": "tier", "operator": "In", "values": ["gold", "lead"] }],
            },
        });
        let status = json!({
            "observedGeneration": 2, "disruptionsAllowed": 3, "currentHealthy": 6, "desiredHealthy": 3, "expectedPods": 6,
            "conditions": [{ "type": "DisruptionAllowed", "status": "True" }],
        });
        let rule =
            RequirementFact { key: "tier".into(), operator: "In".into(), values: vec!["gold".into(), "lead".into()] };
        let want = BudgetFact {
            namespace: "serving".into(),
            name: "chat".into(),
            chooses: Some(SelectorFact { labels: vec![("app".into(), "chat".into())], rules: vec![rule] }),
            allowed: 3,
            unready_may: true,
        };
        assert_eq!(of(spec, status), want);
    }

    #[test]
    fn what_is_said_of_an_earlier_generation_lets_nothing_go() {
        let status =
            json!({ "observedGeneration": 1, "disruptionsAllowed": 3, "currentHealthy": 1, "desiredHealthy": 2 });
        let fact = of(json!({ "selector": {} }), status);
        assert_eq!((fact.allowed, fact.unready_may), (0, false));
        assert_eq!(fact.chooses, Some(SelectorFact::default()), "one that asks for nothing chooses all");
        assert_eq!(of(json!(null), json!(null)).chooses, None, "none chooses none");
    }

    #[test]
    fn pods_that_are_not_ready_go_as_the_policy_says() {
        for (policy, current, desired, want) in [
            (json!(null), 2, 2, true),
            (json!(null), 1, 2, false),
            (json!(null), 0, 0, false),
            (json!("IfHealthyBudget"), 1, 2, false),
            (json!("AlwaysAllow"), 1, 2, true),
        ] {
            let spec = json!({ "unhealthyPodEvictionPolicy": policy });
            let status = json!({ "observedGeneration": 2, "currentHealthy": current, "desiredHealthy": desired });
            assert_eq!(of(spec, status).unready_may, want, "{policy} {current} {desired}");
        }
        assert_eq!(budget(json!({ "metadata": { "namespace": "n" } })), None);
        assert_eq!(budget(json!({})), None);
    }
}

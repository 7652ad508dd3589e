//! Routes: whether their gateways took them, and which shares moved from one to the next.

use crate::fact::{DeliveryFact, ParentFact, RouteFact, RuleFact, ShareFact, StatedFact};
use pilothouse_wire::view::{
    DeliveryPhase::{self, Degraded, Healthy, Progressing},
    delivery::percent,
};

/// What has to hold of a route at each of its parents.
const WANTED: [&str; 2] = ["Accepted", "ResolvedRefs"];

/// Where a route is, and why: as its gateways say, once they have seen it as it is.
pub(super) fn phase(fact: &DeliveryFact, route: &RouteFact) -> (DeliveryPhase, String) {
    let Some(observed) = fact.observed else {
        return (Progressing, "no controller has said anything of it yet".to_owned());
    };
    if observed < fact.generation {
        return (Progressing, "waiting for the spec to be taken up".to_owned());
    }
    let conditions = || route.parents.iter().flat_map(|parent| parent.conditions.iter().map(move |one| (parent, one)));
    let wanted = |one: &StatedFact| WANTED.contains(&one.kind.as_str());
    if let Some((parent, bad)) = conditions().find(|(_, one)| wanted(one) && one.status == "False") {
        return (Degraded, stated(parent, bad));
    }
    if let Some(place) = route.rules.iter().position(sends_nowhere) {
        return (Degraded, format!("{} sends traffic nowhere: each of its weights is 0", rule_words(route, place)));
    }
    if let Some((parent, open)) = conditions().find(|(_, one)| wanted(one) && one.status != "True") {
        return (Progressing, stated(parent, open));
    }
    if let Some(silent) = route.parents.iter().find(|parent| parent.conditions.is_empty()) {
        return (Progressing, format!("{} has said nothing of it yet", parent_words(silent)));
    }
    (Healthy, String::new())
}

fn sends_nowhere(rule: &RuleFact) -> bool {
    !rule.backends.is_empty() && rule.backends.iter().all(|backend| backend.weight == 0)
}

fn stated(parent: &ParentFact, condition: &StatedFact) -> String {
    let reason = condition.reason.as_ref().map(|reason| format!(", {reason}")).unwrap_or_default();
    let message = condition.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    format!("{} says {} is {}{reason}{message}", parent_words(parent), condition.kind, condition.status)
}

/// What a route hangs on, in words.
fn parent_words(parent: &ParentFact) -> String {
    let place = parent.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    format!("{} {place}{}", parent.of.kind, parent.of.name)
}

/// A rule in words: by its name, or its number where there are several.
pub(crate) fn rule_words(route: &RouteFact, place: usize) -> String {
    match route.rules.get(place).and_then(|rule| rule.name.as_ref()) {
        Some(name) => format!("rule {name}"),
        None if route.rules.len() == 1 => "its rule".to_owned(),
        None => format!("rule {}", place + 1),
    }
}

/// All weights of a rule.
pub(crate) fn whole(rule: &RuleFact) -> u64 {
    rule.backends.iter().map(|backend| u64::from(backend.weight)).sum()
}

/// Which shares moved from one route to its next: each rule with words. Rules are told apart by their place.
pub(crate) fn moved(from: &RouteFact, to: &RouteFact) -> Vec<String> {
    let pairs = from.rules.iter().zip(&to.rules).enumerate();
    pairs
        .filter_map(|(place, (from, now))| {
            let moved: Vec<String> = now.backends.iter().filter_map(|backend| moved_to(from, now, backend)).collect();
            let of = if to.rules.len() > 1 { format!("{}: ", rule_words(to, place)) } else { String::new() };
            (!moved.is_empty()).then(|| format!("{of}{}", moved.join(", ")))
        })
        .collect()
}

fn moved_to(from: &RuleFact, now: &RuleFact, backend: &ShareFact) -> Option<String> {
    let is_it = |other: &&ShareFact| {
        other.to == backend.to && other.namespace == backend.namespace && other.port == backend.port
    };
    let before = from.backends.iter().find(is_it).map_or(0, |before| before.weight);
    let share = |weight: u32, rule: &RuleFact| percent(weight, whole(rule));
    let (was, is) = (share(before, from), share(backend.weight, now));
    (was != is).then(|| format!("{} {was} → {is}", backend.to.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::OwnerFact;

    fn backend(name: &str, weight: u32) -> ShareFact {
        let to = OwnerFact { kind: "Service".into(), name: name.into() };
        ShareFact { to, weight, ..ShareFact::default() }
    }

    fn rule(weights: &[(&str, u32)]) -> RuleFact {
        RuleFact {
            backends: weights.iter().map(|(name, weight)| backend(name, *weight)).collect(),
            ..RuleFact::default()
        }
    }

    fn route(conditions: &[(&str, &str, &str)], rules: Vec<RuleFact>) -> RouteFact {
        let condition = |(kind, status, reason): &(&str, &str, &str)| StatedFact {
            kind: (*kind).into(),
            status: (*status).into(),
            reason: Some((*reason).into()),
            message: (*status == "False").then(|| "in its words".to_owned()),
            since: None,
        };
        let of = OwnerFact { kind: "Gateway".into(), name: "front".into() };
        let conditions = conditions.iter().map(condition).collect();
        let parent = ParentFact { of, namespace: Some("infra".into()), by: Some("x/y".into()), conditions };
        RouteFact { parents: vec![parent], rules, ..RouteFact::default() }
    }

    #[track_caller]
    fn check(observed: Option<i64>, route: &RouteFact, want: &str) {
        let fact = DeliveryFact { generation: 3, observed, ..DeliveryFact::default() };
        let (phase, why) = phase(&fact, route);
        assert_eq!(format!("{}: {why}", phase.word()).trim_end_matches(": "), want);
    }

    #[test]
    fn a_gateway_is_believed_of_a_route_that_it_has_seen() {
        let good = [("Accepted", "True", "Accepted"), ("ResolvedRefs", "True", "ResolvedRefs")];
        let rules = || vec![rule(&[("stable", 90), ("canary", 10)])];
        check(Some(3), &route(&good, rules()), "Healthy");
        check(Some(2), &route(&good, rules()), "Progressing: waiting for the spec to be taken up");
        check(None, &route(&[], rules()), "Progressing: no controller has said anything of it yet");
        check(Some(3), &route(&[], rules()), "Progressing: Gateway infra/front has said nothing of it yet");
        let refused = [("Accepted", "True", "Accepted"), ("ResolvedRefs", "False", "BackendNotFound")];
        let words = "Degraded: Gateway infra/front says ResolvedRefs is False, BackendNotFound: in its words";
        check(Some(3), &route(&refused, rules()), words);
        let open = [("Accepted", "Unknown", "Pending")];
        check(Some(3), &route(&open, rules()), "Progressing: Gateway infra/front says Accepted is Unknown, Pending");
        // What only turns away has no backend; what has some and weighs none of them answers nobody.
        check(Some(3), &route(&good, vec![rule(&[])]), "Healthy");
        let nowhere = "Degraded: rule 2 sends traffic nowhere: each of its weights is 0";
        check(Some(3), &route(&good, vec![rule(&[("a", 1)]), rule(&[("a", 0), ("b", 0)])]), nowhere);
    }

    #[test]
    fn what_moved_is_told_in_percent_rule_by_rule() {
        let of = |rules| RouteFact { rules, ..RouteFact::default() };
        let before = of(vec![rule(&[("stable", 90), ("canary", 10)])]);
        let after = of(vec![rule(&[("stable", 1), ("canary", 1)])]);
        assert_eq!(moved(&before, &after), ["stable 90 % → 50 %, canary 10 % → 50 %"]);
        // The same shares by other weights are no change of traffic.
        assert!(moved(&before, &of(vec![rule(&[("stable", 9), ("canary", 1)])])).is_empty());
        let two = |canary| of(vec![rule(&[("a", 1)]), rule(&[("a", 1), ("canary", canary)])]);
        assert_eq!(moved(&two(0), &two(3)), ["rule 2: a 100 % → 25 %, canary 0 % → 75 %"]);
        assert_eq!(moved(&of(vec![rule(&[("a", 0)])]), &of(vec![rule(&[("a", 1)])])), ["a nothing → 100 %"]);
    }
}

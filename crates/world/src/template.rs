//! What differs between what two revisions make pods of: from what to what, in words.

use crate::fact::{MadeFact, TemplateFact};
use pilothouse_wire::{SmolStr, units::ABSENT};

/// The most differences that are told of one change.
const MOST: usize = 8;

/// Each thing that differs beside images: what containers ask for, and where pods may run, from → to; what is referred to that
/// came or went; and of what is known by its digest alone that it is another one.
pub(crate) fn changes(from: &TemplateFact, to: &TemplateFact) -> Vec<String> {
    let mut all = containers(&from.containers, &to.containers);
    let selector = pairs(&from.selector, &to.selector).into_iter();
    all.extend(selector.map(|(key, change)| format!("node selector {key} {change}")));
    all.extend(names("toleration", &from.tolerations, &to.tolerations));
    all.extend(names("ConfigMap", &from.config_maps, &to.config_maps));
    all.extend(names("Secret", &from.secrets, &to.secrets));
    all.extend(names("claim", &from.claims, &to.claims));
    let more = all.len().saturating_sub(MOST);
    all.truncate(MOST);
    all.extend((more > 0).then(|| format!("{more} more")));
    all
}

fn containers(from: &[MadeFact], to: &[MadeFact]) -> Vec<String> {
    let mut all = Vec::new();
    // Whose it is needs saying where there are several.
    let is_one = from.len() < 2 && to.len() < 2;
    for after in to {
        let Some(before) = from.iter().find(|before| before.name == after.name) else {
            all.push(format!("+ container {}", after.name));
            continue;
        };
        let whose = if is_one { String::new() } else { format!("{}: ", after.name) };
        all.extend(container(before, after).into_iter().map(|change| format!("{whose}{change}")));
    }
    let went = from.iter().filter(|before| to.iter().all(|after| after.name != before.name));
    all.extend(went.map(|before| format!("− container {}", before.name)));
    all
}

fn container(from: &MadeFact, to: &MadeFact) -> Vec<String> {
    let mut all = Vec::new();
    let (limits, requests) = (pairs(&from.limits, &to.limits), pairs(&from.requests, &to.requests));
    // A limit without a request is the request, too: what both say is said once.
    for both in &limits {
        let word = if requests.contains(both) { "" } else { "limit of " };
        all.push(format!("{word}{} {}", both.0, both.1));
    }
    let is_told = |one: &&(SmolStr, String)| !limits.contains(one);
    all.extend(requests.iter().filter(is_told).map(|(key, change)| format!("request of {key} {change}")));
    if from.arguments != to.arguments {
        all.push("arguments changed".to_owned());
    }
    all.extend(keys(&from.variables, &to.variables).filter_map(|name| {
        match (value(&from.variables, name), value(&to.variables, name)) {
            (None, _) => Some(format!("+ variable {name}")),
            (_, None) => Some(format!("− variable {name}")),
            (before, after) => (before != after).then(|| format!("variable {name} changed")),
        }
    }));
    all
}

/// What differs, by key, from → to: GPUs and their like first, then what every pod has. In the order in which it stands there,
/// which is the same under other names.
fn pairs(from: &[(SmolStr, SmolStr)], to: &[(SmolStr, SmolStr)]) -> Vec<(SmolStr, String)> {
    let words = |of: Option<&SmolStr>| of.map_or(ABSENT, SmolStr::as_str).to_owned();
    let mut all: Vec<(SmolStr, String)> = keys(from, to)
        .map(|key| (key, value(from, key), value(to, key)))
        .filter(|(_, before, after)| before != after)
        .map(|(key, before, after)| (key.clone(), format!("{} → {}", words(before), words(after))))
        .collect();
    all.sort_by_key(|(key, _)| !key.contains('/'));
    all
}

/// The keys of both, each once.
fn keys<'a, T>(from: &'a [(SmolStr, T)], to: &'a [(SmolStr, T)]) -> impl Iterator<Item = &'a SmolStr> {
    let went = from.iter().map(|(key, _)| key).filter(move |key| value(to, key).is_none());
    to.iter().map(|(key, _)| key).chain(went)
}

fn value<'a, T>(all: &'a [(SmolStr, T)], key: &SmolStr) -> Option<&'a T> {
    all.iter().find(|(other, _)| other == key).map(|(_, value)| value)
}

/// What is referred to by name. One that takes the place of another, by its name or because there is but one, is said so: tools
/// put a hash of what is in a ConfigMap behind its name.
fn names(kind: &str, from: &[SmolStr], to: &[SmolStr]) -> Vec<String> {
    let without = |all: &[SmolStr], others: &[SmolStr]| -> Vec<SmolStr> {
        all.iter().filter(|name| !others.contains(name)).cloned().collect()
    };
    let (went, mut came) = (without(from, to), without(to, from));
    let stem = |name: &SmolStr| name.rsplit_once('-').map(|(stem, _)| SmolStr::new(stem));
    let is_one = went.len() == 1 && came.len() == 1;
    let mut all = Vec::new();
    for before in &went {
        let follows = |after: &SmolStr| is_one || (stem(after).is_some() && stem(after) == stem(before));
        match came.iter().position(follows) {
            Some(place) => all.push(format!("{kind} {before} → {}", came.remove(place))),
            None => all.push(format!("− {kind} {before}")),
        }
    }
    all.extend(came.iter().map(|name| format!("+ {kind} {name}")));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(all: &[(&str, &str)]) -> Vec<(SmolStr, SmolStr)> {
        all.iter().map(|(key, amount)| ((*key).into(), (*amount).into())).collect()
    }

    fn made(name: &str, limits: &[(&str, &str)], requests: &[(&str, &str)]) -> MadeFact {
        MadeFact { name: name.into(), limits: texts(limits), requests: texts(requests), ..MadeFact::default() }
    }

    fn of(containers: Vec<MadeFact>) -> TemplateFact {
        TemplateFact { containers, ..TemplateFact::default() }
    }

    #[track_caller]
    fn check(from: &TemplateFact, to: &TemplateFact, want: &[&str]) {
        assert_eq!(changes(from, to), want);
        assert_eq!(changes(from, from), Vec::<String>::new());
    }

    #[test]
    fn amounts_are_told_from_what_to_what_gpus_first_and_what_is_limit_and_request_once() {
        let from =
            made("server", &[("nvidia.com/gpu", "1"), ("memory", "64Gi")], &[("nvidia.com/gpu", "1"), ("cpu", "4")]);
        let to =
            made("server", &[("nvidia.com/gpu", "2"), ("memory", "96Gi")], &[("nvidia.com/gpu", "2"), ("cpu", "8")]);
        let want = ["nvidia.com/gpu 1 → 2", "limit of memory 64Gi → 96Gi", "request of cpu 4 → 8"];
        check(&of(vec![from.clone()]), &of(vec![to.clone()]), &want);
        // Of several it is said whose it is, and one that came or went as a whole.
        let (proxy, sidecar) = (made("proxy", &[("cpu", "1")], &[]), made("sidecar", &[("cpu", "1")], &[]));
        let want = [
            "server: nvidia.com/gpu 1 → 2",
            "server: limit of memory 64Gi → 96Gi",
            "server: request of cpu 4 → 8",
            "+ container sidecar",
            "− container proxy",
        ];
        check(&of(vec![proxy, from]), &of(vec![to, sidecar]), &want);
        check(&of(vec![made("a", &[], &[])]), &of(vec![made("a", &[("cpu", "1")], &[])]), &["limit of cpu — → 1"]);
    }

    #[test]
    fn what_is_referred_to_and_where_pods_may_run_is_told_by_name() {
        let of = |maps: &[&str], secrets: &[&str], selector: &[(&str, &str)], tolerations: &[&str]| {
            let all = |names: &[&str]| names.iter().map(|name| SmolStr::from(*name)).collect();
            TemplateFact {
                selector: texts(selector),
                tolerations: all(tolerations),
                config_maps: all(maps),
                secrets: all(secrets),
                ..TemplateFact::default()
            }
        };
        let from = of(&["routes-5b1f", "modes-aa11", "same"], &["old"], &[("pool", "a100")], &["gpu:NoSchedule"]);
        let to = of(&["modes-bb22", "routes-77aa", "same"], &["new"], &[("pool", "h100"), ("zone", "a")], &[]);
        let want = [
            "node selector pool a100 → h100",
            "node selector zone — → a",
            "− toleration gpu:NoSchedule",
            "ConfigMap routes-5b1f → routes-77aa",
            "ConfigMap modes-aa11 → modes-bb22",
            "Secret old → new",
        ];
        check(&from, &to, &want);
        // Nobody knows which of two took the place of which.
        check(
            &of(&["a", "b"], &[], &[], &[]),
            &of(&["c"], &[], &[], &[]),
            &["− ConfigMap a", "− ConfigMap b", "+ ConfigMap c"],
        );
    }

    #[test]
    fn of_variables_and_arguments_it_is_told_that_they_are_others() {
        let made = |variables: &[(&str, u64)], arguments| MadeFact {
            variables: variables.iter().map(|(name, digest)| ((*name).into(), *digest)).collect(),
            arguments,
            ..MadeFact::default()
        };
        let (from, to) = (made(&[("A", 1), ("B", 2), ("C", 3)], 7), made(&[("A", 1), ("B", 5), ("D", 3)], 8));
        let want = ["arguments changed", "variable B changed", "+ variable D", "− variable C"];
        check(&of(vec![from]), &of(vec![to]), &want);
    }

    #[test]
    fn of_very_many_the_first_are_told_and_the_others_counted() {
        let names = |n: usize| (0..n).map(|at| SmolStr::from(format!("m{at}"))).collect();
        let to = TemplateFact { config_maps: names(11), ..TemplateFact::default() };
        let told = changes(&TemplateFact::default(), &to);
        assert_eq!((told.len(), told[8].as_str()), (9, "3 more"));
    }
}

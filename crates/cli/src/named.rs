//! Services by the names that people type: `[[CLUSTER/]NAMESPACE/]NAME`.

use pilothouse_wire::{Code, Problem, units::count};
use std::collections::BTreeSet;

/// Services that are named where several are meant.
const MOST_NAMED: usize = 8;

/// A name that was typed, in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typed<'a> {
    whole: &'a str,
    cluster: Option<&'a str>,
    namespace: Option<&'a str>,
    name: &'a str,
}

/// A service that is called as it was typed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The connection of its cluster.
    pub cluster: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
}

impl<'a> Typed<'a> {
    /// What was typed.
    pub fn of(whole: &'a str) -> Self {
        let mut parts = whole.rsplitn(3, '/');
        let name = parts.next().unwrap_or_default();
        let (namespace, cluster) = (parts.next(), parts.next());
        Self { whole, cluster, namespace, name }
    }

    /// Is a service called so?
    pub fn is(&self, cluster: &str, namespace: &str, name: &str) -> bool {
        self.name == name
            && self.namespace.is_none_or(|typed| typed == namespace)
            && self.cluster.is_none_or(|typed| typed == cluster)
    }

    /// Which services are called so, and what to type for each.
    pub fn ambiguous(&self, all: &BTreeSet<Place>) -> Problem {
        let told = |Place { cluster, namespace, name, kind }: &Place| format!("{kind} {namespace}/{name} in {cluster}");
        let typed = |Place { cluster, namespace, name, .. }: &Place| format!("{cluster}/{namespace}/{name}");
        let names: BTreeSet<String> = all.iter().map(typed).collect();
        let kinds: BTreeSet<String> = all.iter().map(|place| format!("--kind {}", place.kind)).collect();
        // Of one name in one place there may be several kinds.
        let mut ways = Vec::new();
        if names.len() > 1 {
            ways.push(listed(names.iter().cloned(), " or "));
        }
        if names.len() < all.len() {
            ways.push(listed(kinds.iter().cloned(), " or "));
        }
        Problem::new(Code::BadInput, format!("{} services are called {}.", count(all.len() as u64), self.whole))
            .why(format!("{}.", listed(all.iter().map(told), ", ")))
            .next(format!("Say which: {}.", ways.join(", with ")))
    }
}

/// The first of many, and how many more there are.
fn listed(all: impl ExactSizeIterator<Item = String>, between: &str) -> String {
    let more = all.len().saturating_sub(MOST_NAMED) as u64;
    let some = all.take(MOST_NAMED).collect::<Vec<_>>().join(between);
    if more == 0 { some } else { format!("{some}{between}{} more", count(more)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(cluster: &str, kind: &str) -> Place {
        Place { cluster: cluster.into(), namespace: "serving".into(), name: "chat".into(), kind: kind.into() }
    }

    #[test]
    fn a_name_has_a_namespace_and_a_cluster_before_it_where_they_are_typed() {
        for (typed, cluster, namespace, name, want) in [
            ("chat", "iad", "serving", "chat", true),
            ("serving/chat", "iad", "serving", "chat", true),
            ("serving/chat", "iad", "test", "chat", false),
            ("iad/serving/chat", "iad", "serving", "chat", true),
            ("iad/serving/chat", "fra", "serving", "chat", false),
            ("a/iad/serving/chat", "iad", "serving", "chat", false),
            ("", "iad", "serving", "chat", false),
        ] {
            assert_eq!(Typed::of(typed).is(cluster, namespace, name), want, "{typed}");
        }
    }

    #[test]
    fn where_several_are_meant_what_is_advised_names_one() {
        let advised = |typed: &str, all: &[Place]| {
            let problem = Typed::of(typed).ambiguous(&all.iter().cloned().collect());
            (problem.what, problem.next.unwrap())
        };
        let (what, next) = advised("chat", &[place("iad", "Rollout"), place("ord", "Rollout")]);
        assert_eq!(what, "2 services are called chat.");
        assert_eq!(next, "Say which: iad/serving/chat or ord/serving/chat.");
        for name in ["iad/serving/chat", "ord/serving/chat"] {
            let meant = ["iad", "ord"].iter().filter(|cluster| Typed::of(name).is(cluster, "serving", "chat"));
            assert_eq!(meant.count(), 1, "{name}");
        }
        let (_, next) = advised("chat", &[place("iad", "Deployment"), place("iad", "Rollout")]);
        assert_eq!(next, "Say which: --kind Deployment or --kind Rollout.");
        let three = [place("iad", "Deployment"), place("iad", "Rollout"), place("ord", "Rollout")];
        let want = "Say which: iad/serving/chat or ord/serving/chat, with --kind Deployment or --kind Rollout.";
        assert_eq!(advised("chat", &three).1, want);
        let many: Vec<Place> = (0..20).map(|n| place(&format!("c{n:02}"), "Rollout")).collect();
        assert!(advised("chat", &many).1.ends_with("c07/serving/chat or 12 more."));
    }
}

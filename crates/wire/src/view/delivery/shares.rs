//! Shares of traffic: what a route gives to each of its backends, and who stands behind one.

use crate::{ObjectRef, SmolStr, units};
use serde::{Deserialize, Serialize};

/// A share of traffic that a route gives to a backend. The row of the route has all of its own; that of a service those
/// that come to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareRow {
    /// Who gives it: an HTTPRoute, an InferenceModelRewrite.
    pub route: ObjectRef,
    /// By which of its rules, from 0.
    pub rule: u32,
    /// What that rule is for, in words: its name, the hosts of the route, its paths; empty for everything.
    pub rule_words: String,
    /// To a backend of this kind: `Service`, `InferencePool`, `Model`.
    pub kind: SmolStr,
    /// To this one.
    pub backend: SmolStr,
    /// In this namespace, where that is another than the route's.
    pub namespace: Option<SmolStr>,
    /// Its weight.
    pub weight: u32,
    /// The weights of all backends of the rule.
    pub of: u64,
    /// The services that stand behind the backend.
    pub to: Vec<ObjectRef>,
    /// The revision of that service that the backend is for; absent where it is for all.
    pub revision: Option<u64>,
    /// Why it is not known who stands behind it, or what is wrong with it.
    pub unknown: Option<String>,
}

impl ShareRow {
    /// The backend with its namespace, where that is another than the route's.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.backend),
            None => self.backend.to_string(),
        }
    }

    /// How much it is, in percent; absent where no weight of its rule is more than 0.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss, reason = "weights are at most a million, and a rule has few")]
        (self.of > 0).then(|| f64::from(self.weight) * 100.0 / self.of as f64)
    }

    /// How much it is, in words: `12.5 %`.
    #[must_use]
    pub fn percent(&self) -> String {
        percent(self.weight, self.of)
    }

    /// As the route says it: `chat-canary 10 %`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} {}", self.place(), self.percent())
    }

    /// As the one says it who gets it: `10 % of HTTPRoute chat`.
    #[must_use]
    pub fn words_of_receiver(&self) -> String {
        let revision = self.revision.map(|number| format!(" for revision {number}")).unwrap_or_default();
        format!("{} of {} {}{revision}", self.percent(), self.route.kind_word(), self.route.name())
    }
}

/// A share in percent, with one digit where it is no whole number; `nothing` where no weight is more than 0.
#[must_use]
pub fn percent(weight: u32, of: u64) -> String {
    if of == 0 {
        return "nothing".to_owned();
    }
    // In tenths of a percent: weights are at most a million, and rules have few backends.
    let tenths = (u128::from(weight) * 1_000 + u128::from(of) / 2) / u128::from(of);
    match (tenths, tenths % 10) {
        (0, _) if weight > 0 => "under 0.1 %".to_owned(),
        (_, 0) => format!("{} %", tenths / 10),
        (_, digit) => format!("{}.{digit} %", tenths / 10),
    }
}

/// Who keeps a service as it stands in a repository, and what follows from it for whoever changes it by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The application of Argo CD.
    pub application: ObjectRef,
    /// The project of Argo CD that it is of, which says what it may change where.
    pub project: Option<SmolStr>,
    /// From this repository, without credentials.
    pub repository: SmolStr,
    /// From this path or chart in it.
    pub path: Option<SmolStr>,
    /// At this revision: a branch, a tag, a commit.
    pub revision: Option<SmolStr>,
    /// Does it sync by itself?
    pub automated: bool,
    /// Does it take back what is changed by hand?
    pub self_heal: bool,
    /// `Synced`, `OutOfSync`.
    pub sync: Option<SmolStr>,
    /// `Healthy`, `Degraded`.
    pub health: Option<SmolStr>,
    /// What went wrong with it, in its words.
    pub message: Option<String>,
}

impl Kept {
    /// Where a change is better made.
    #[must_use]
    pub fn place(&self) -> String {
        let path = self.path.as_ref().map(|path| format!("{path} in ")).unwrap_or_default();
        let revision = self.revision.as_ref().map(|revision| format!(" at {revision}")).unwrap_or_default();
        format!("{path}{}{revision}", self.repository)
    }

    /// How it stands with its application, and of which project that is: `Synced, Healthy, project models`.
    #[must_use]
    pub fn state(&self) -> String {
        let words = [&self.sync, &self.health].map(|word| word.as_ref().map(SmolStr::as_str));
        let words: Vec<&str> = words.into_iter().flatten().collect();
        let state = if words.is_empty() { units::ABSENT.to_owned() } else { words.join(", ") };
        self.project.as_ref().map_or_else(|| state.clone(), |project| format!("{state}, project {project}"))
    }

    /// What becomes of a change by hand, as a sentence.
    #[must_use]
    pub fn consequence(&self) -> &'static str {
        match (self.automated, self.self_heal) {
            (true, true) => "It heals itself: what is changed by hand is taken back within minutes.",
            (true, false) => "It does not heal itself: what is changed by hand stays until the repository changes.",
            (false, _) => "It syncs when somebody asks for it: what is changed by hand stays until then.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exact_to_a_tenth_of_a_percent() {
        for (weight, of, want) in [
            (10, 100, "10 %"),
            (1, 3, "33.3 %"),
            (2, 3, "66.7 %"),
            (1, 8, "12.5 %"),
            (0, 8, "0 %"),
            (0, 0, "nothing"),
            (1, 1_000_000, "under 0.1 %"),
            (u32::MAX, u64::from(u32::MAX), "100 %"),
        ] {
            assert_eq!(percent(weight, of), want, "{weight} of {of}");
        }
    }

    #[test]
    fn who_keeps_it_says_where_to_change_it_and_what_becomes_of_a_hand() {
        let mut kept = Kept {
            application: "object:iad/applications.v1alpha1.argoproj.io/Application/argocd/chat".parse().unwrap(),
            project: None,
            repository: "https://git.example/models".into(),
            path: Some("prod/chat".into()),
            revision: Some("main".into()),
            automated: true,
            self_heal: true,
            sync: Some("Synced".into()),
            health: None,
            message: None,
        };
        assert_eq!(kept.place(), "prod/chat in https://git.example/models at main");
        assert_eq!(kept.state(), "Synced");
        kept.project = Some("models".into());
        assert_eq!(kept.state(), "Synced, project models");
        assert!(kept.consequence().contains("taken back within minutes"));
        kept.self_heal = false;
        assert!(kept.consequence().contains("until the repository changes"));
        kept.automated = false;
        assert!(kept.consequence().contains("when somebody asks"));
    }
}

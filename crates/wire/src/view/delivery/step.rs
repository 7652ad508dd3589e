//! The steps of a canary.

use crate::{SmolStr, units};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One step. Source: `spec.strategy.canary.steps` of a Rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// `setWeight`: the new revision gets this share.
    Weight(u32),
    /// `pause`.
    Pause(Wait),
    /// `analysis`: the names of its templates.
    Analysis(Vec<SmolStr>),
    /// `experiment`.
    Experiment,
    /// `setCanaryScale`, in words.
    Scale(SmolStr),
    /// `setHeaderRoute` or `setMirrorRoute`: its name.
    Route(SmolStr),
    /// `plugin`: its name.
    Plugin(SmolStr),
    /// Another one: its key.
    Other(SmolStr),
}

/// How long a pause is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wait {
    /// Until a person goes on.
    ForPerson,
    /// So many milliseconds.
    For(u64),
    /// A duration that cannot be read, as it is written.
    Unread(SmolStr),
}

impl Step {
    /// In a few words: `Weight 20 %`, `Pause 10 min`.
    #[must_use]
    pub fn words(&self, whole: u32) -> SmolStr {
        match self {
            Self::Weight(weight) if whole == 100 => format!("Weight {weight} %"),
            Self::Weight(weight) => format!("Weight {weight} of {whole}"),
            Self::Pause(Wait::ForPerson) => "Pause until promoted".to_owned(),
            Self::Pause(Wait::For(ms)) => format!("Pause {}", short(Duration::from_millis(*ms))),
            Self::Pause(Wait::Unread(text)) => format!("Pause {text}"),
            Self::Analysis(templates) if templates.is_empty() => "Analysis".to_owned(),
            Self::Analysis(templates) => format!("Analysis {}", templates.join(", ")),
            Self::Experiment => "Experiment".to_owned(),
            Self::Scale(words) => format!("Scale to {words}"),
            Self::Route(name) => format!("Route {name}"),
            Self::Plugin(name) => format!("Plug-in {name}"),
            Self::Other(key) => key.to_string(),
        }
        .into()
    }
}

/// A span without a second unit that is zero: `10 min`.
fn short(span: Duration) -> String {
    let text = units::span(span);
    [" 00 s", " 00 min", " 00 h"]
        .into_iter()
        .find_map(|zero| text.strip_suffix(zero))
        .map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_said_in_a_few_words() {
        for (step, want) in [
            (Step::Weight(20), "Weight 20 %"),
            (Step::Pause(Wait::ForPerson), "Pause until promoted"),
            (Step::Pause(Wait::For(600_000)), "Pause 10 min"),
            (Step::Pause(Wait::For(90_000)), "Pause 1 min 30 s"),
            (Step::Pause(Wait::For(3_600_000)), "Pause 1 h"),
            (Step::Pause(Wait::Unread("soon".into())), "Pause soon"),
            (Step::Analysis(vec!["ttft".into(), "errors".into()]), "Analysis ttft, errors"),
            (Step::Scale("25 %".into()), "Scale to 25 %"),
            (Step::Other("newStep".into()), "newStep"),
        ] {
            assert_eq!(step.words(100), want);
        }
        assert_eq!(Step::Weight(20).words(1_000), "Weight 20 of 1000");
    }
}

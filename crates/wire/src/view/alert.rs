//! Alerts as an Alertmanager has them: what fires, since when, about what, and whether somebody silenced it.

use crate::{
    AlertId, Keyed, ObjectRef, Row, SmolStr, Stamp,
    filter::{Record, Value},
    view::fleet::Status,
};
use serde::{Deserialize, Serialize};

/// Whether an alert reaches people. Source: `status.state` of Alertmanager's API v2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AlertState {
    /// It fires, and its receivers are told.
    #[default]
    Firing,
    /// It came just now: whether it is silenced is not known yet.
    New,
    /// It fires, and somebody silenced it.
    Silenced,
    /// It fires, and another alert that says more keeps it back.
    Inhibited,
}

impl AlertState {
    /// The state as a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::New => "new",
            Self::Silenced => "silenced",
            Self::Inhibited => "inhibited",
        }
    }

    /// Is anybody told of it?
    #[must_use]
    pub fn is_told(self) -> bool {
        matches!(self, Self::Firing | Self::New)
    }
}

/// How bad an alert is, by its label `severity`: a convention, with other words in other houses. What is not labelled, or by
/// a word that nobody knows, counts as a warning.
#[must_use]
pub fn status_of(severity: Option<&str>) -> Status {
    match severity.unwrap_or_default().to_ascii_lowercase().as_str() {
        "critical" | "page" | "error" | "emergency" | "fatal" | "p1" | "sev1" => Status::Bad,
        "info" | "none" | "debug" | "informational" => Status::Unknown,
        _ => Status::Warn,
    }
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertRow {
    /// Who says so, its name, and what tells it from others of that name.
    pub id: AlertId,
    /// Label `severity`, as it was written.
    pub severity: Option<SmolStr>,
    /// How bad it is: [`status_of`] its severity; [`Status::Unknown`] where nobody is told of it.
    pub status: Status,
    /// Whether it reaches people.
    pub state: AlertState,
    /// Since when it fires, by its server's clock.
    pub since: Stamp,
    /// Annotation `summary`; where there is none `description` or `message`, which [`is_summary`] tells apart.
    pub summary: Option<String>,
    /// What it is about, where its labels name something that is seen here.
    pub about: Option<ObjectRef>,
    /// The labels that are kept, by name.
    pub labels: Vec<(SmolStr, SmolStr)>,
    /// Annotation `runbook_url`, without credentials.
    pub runbook: Option<String>,
}

impl Row for AlertRow {
    type Key = AlertId;
    fn key(&self) -> &AlertId {
        &self.id
    }
}

impl AlertRow {
    /// A label that was kept.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&SmolStr> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value)
    }
}

/// Annotations that are no summaries, but what somebody wrote of an alert, of any length: with addresses, and what logs say.
pub const DESCRIBED: [&str; 2] = ["description", "message"];

/// What is told of an alert that has no summary: which annotation it is, and what that says.
#[must_use]
pub fn described(annotation: &str, text: &str) -> String {
    format!("{annotation}: {text}")
}

/// Is what is told of an alert its summary? Of what says that it is another annotation nobody knows.
#[must_use]
pub fn is_summary(text: &str) -> bool {
    !DESCRIBED.iter().any(|annotation| text.strip_prefix(annotation).is_some_and(|rest| rest.starts_with(": ")))
}

/// The alerts that people are told of, the worst first, of these the longest.
#[must_use]
pub fn worst_first(alerts: &Keyed<AlertRow>) -> Vec<&AlertRow> {
    let mut told: Vec<&AlertRow> = alerts.rows().iter().filter(|alert| alert.state.is_told()).collect();
    crate::sort::by(&mut told, |a, b| (a.status, a.since, &a.id).cmp(&(b.status, b.since, &b.id)));
    told
}

impl Record for AlertRow {
    const KEYS: &'static [&'static str] =
        &["name", "source", "severity", "status", "state", "about", "namespace", "node", "pod", "label"];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        let label = |name: &str| self.label(name).map(|value| Value::text(value)).into_iter().collect();
        Some(match key {
            "name" | "alert" => vec![Value::text(&self.id.name)],
            "source" => vec![Value::text(self.id.source.as_str())],
            "severity" => self.severity.iter().map(|word| Value::text(word)).collect(),
            "status" => vec![Value::text(self.status.alias())],
            "state" => vec![Value::text(self.state.word())],
            "about" => self.about.iter().map(|object| Value::Text(object.name().to_string().into())).collect(),
            "namespace" | "ns" => label("namespace"),
            "node" => label("node"),
            "pod" => label("pod"),
            "label" => self.labels.iter().map(|(name, value)| Value::Text(format!("{name}={value}").into())).collect(),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ConnectionId;

    #[test]
    fn a_severity_is_a_status_and_an_unknown_word_is_a_warning() {
        let of = status_of;
        assert_eq!([of(Some("critical")), of(Some("Page"))], [Status::Bad; 2]);
        assert_eq!([of(Some("warning")), of(Some("ticket")), of(None)], [Status::Warn; 3]);
        assert_eq!(of(Some("info")), Status::Unknown);
    }

    #[test]
    fn the_worst_stand_first_and_what_is_silenced_does_not() {
        let row = |name: &str, status, since, state| AlertRow {
            id: AlertId { source: ConnectionId::slug("am"), name: name.into(), fingerprint: "f".into() },
            severity: None,
            status,
            state,
            since: Stamp(since),
            summary: None,
            about: None,
            labels: vec![],
            runbook: None,
        };
        let all: Keyed<AlertRow> = [
            row("a", Status::Warn, 1, AlertState::Firing),
            row("b", Status::Bad, 9, AlertState::Firing),
            row("c", Status::Bad, 3, AlertState::New),
            row("d", Status::Unknown, 0, AlertState::Silenced),
        ]
        .into_iter()
        .collect();
        let names: Vec<&str> = worst_first(&all).into_iter().map(|alert| alert.id.name.as_str()).collect();
        assert_eq!(names, ["c", "b", "a"]);
    }
}

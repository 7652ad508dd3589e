//! What an Alertmanager answers, as facts. Source: `api/v2/openapi.yaml` of prometheus/alertmanager.

use crate::failure::Failure;
use jiff::Timestamp;
use pilothouse_connect::{redact_url, redact_words};
use pilothouse_wire::{
    SmolStr, Stamp,
    view::{
        AlertState,
        alert::{DESCRIBED, described},
    },
};
use pilothouse_world::{alert::is_kept_label, fact::AlertFact};
use serde::Deserialize;
use std::collections::BTreeMap;

/// As much of a summary is kept, in characters.
const LONGEST_SUMMARY: usize = 1_024;
/// As much of a label's value is kept.
const LONGEST_LABEL: usize = 256;
/// Alerts that are kept: with more of them something else is wrong.
const MOST: usize = 5_000;

/// `gettableAlert`, as far as it is used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    fingerprint: SmolStr,
    starts_at: String,
    status: Status,
    #[serde(default)]
    labels: BTreeMap<SmolStr, String>,
    #[serde(default)]
    annotations: BTreeMap<SmolStr, String>,
}

/// `alertStatus`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    state: SmolStr,
    #[serde(default)]
    silenced_by: Vec<SmolStr>,
}

/// What of a list could be read, and how much could not or was too much.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// The alerts.
    pub alerts: Vec<AlertFact>,
    /// Alerts that could not be used, or were not kept.
    pub dropped: u64,
}

/// Reads the answer to `GET /api/v2/alerts`.
///
/// # Errors
/// If it is no list. Single alerts that cannot be read are counted.
pub fn alerts(body: &[u8]) -> Result<Read, Failure> {
    let list: Vec<serde_json::Value> = read(body)?;
    let mut all = Read::default();
    for value in list {
        match serde_json::from_value::<Alert>(value).ok().and_then(fact).filter(|_| all.alerts.len() < MOST) {
            Some(alert) => all.alerts.push(alert),
            None => all.dropped += 1,
        }
    }
    Ok(all)
}

fn fact(alert: Alert) -> Option<AlertFact> {
    let Alert { fingerprint, starts_at, status, labels, annotations } = alert;
    let since: Timestamp = starts_at.parse().ok()?;
    let text = |name: &str| annotations.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let kept = labels.iter().filter(|(name, _)| is_kept_label(name));
    let state = match (status.state.as_str(), status.silenced_by.is_empty()) {
        ("active", _) => AlertState::Firing,
        ("suppressed", false) => AlertState::Silenced,
        ("suppressed", true) => AlertState::Inhibited,
        _ => AlertState::New,
    };
    Some(AlertFact {
        name: labels
            .get("alertname")
            .map_or_else(|| SmolStr::new_static("unnamed"), |name| cut(name, LONGEST_LABEL).into()),
        severity: labels.get("severity").map(|word| SmolStr::from(cut(word, LONGEST_LABEL))),
        state,
        since: Stamp(since.as_millisecond()),
        summary: text("summary")
            .map(redact_words)
            .or_else(|| DESCRIBED.into_iter().find_map(|name| Some(described(name, &redact_words(text(name)?)))))
            .map(|text| cut(&text, LONGEST_SUMMARY)),
        labels: kept
            .map(|(name, value)| (name.clone(), SmolStr::from(cut(&redact_words(value), LONGEST_LABEL))))
            .collect(),
        runbook: text("runbook_url").map(|url| cut(&redact_url(url), LONGEST_SUMMARY)),
        fingerprint,
    })
}

/// The first characters of a text.
fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    #[serde(default)]
    version_info: VersionInfo,
}

#[derive(Default, Deserialize)]
struct VersionInfo {
    #[serde(default)]
    version: Option<String>,
}

/// Reads the version out of the answer to `GET /api/v2/status`. Its configuration stands there as well, with secrets: it
/// is not read.
///
/// # Errors
/// If it is no status.
pub fn version(body: &[u8]) -> Result<Option<String>, Failure> {
    Ok(read::<About>(body)?.version_info.version.map(|version| cut(&version, 64)))
}

/// Reads an answer in JSON.
///
/// # Errors
/// If it is a page for people, or of another form.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    if body.trim_ascii_start().starts_with(b"<") {
        return Err(Failure::Page);
    }
    serde_json::from_slice(body).map_err(|error| {
        // What stood there is not repeated: the place tells enough.
        Failure::Unreadable(format!("line {}, column {}", error.line(), error.column()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(alert: serde_json::Value) -> Read {
        alerts(&serde_json::to_vec(&json!([alert])).unwrap()).unwrap()
    }

    fn alert(state: &str, silenced: &[&str]) -> serde_json::Value {
        json!({
            "annotations": { "summary": " Throughput of chat-70b fell ", "runbook_url": "https://me:secret@wiki/x?token=abc" },
            "endsAt": "2026-11-24T03:22:00.000Z",
            "fingerprint": "6b4f1c5a",
            "receivers": [{ "name": "team" }],
            "startsAt": "2026-11-24T03:12:00.500Z",
            "status": { "inhibitedBy": [], "silencedBy": silenced, "state": state },
            "updatedAt": "2026-11-24T03:17:00.000Z",
            "generatorURL": "http://prometheus:9090/graph?g0.expr=x",
            "labels": { "alertname": "Slow", "severity": "critical", "namespace": "serving", "secret": "s3cret" }
        })
    }

    #[test]
    fn an_alert_is_what_it_says_and_nothing_more() {
        let Read { alerts, dropped } = one(alert("active", &[]));
        let fact = &alerts[0];
        assert_eq!((fact.name.as_str(), fact.severity.as_deref(), dropped), ("Slow", Some("critical"), 0));
        assert_eq!((fact.since, fact.state), (Stamp(1_795_489_920_500), AlertState::Firing));
        assert_eq!(fact.summary.as_deref(), Some("Throughput of chat-70b fell"));
        assert_eq!(fact.labels, [("namespace".into(), "serving".into())]);
        let runbook = fact.runbook.as_deref().unwrap();
        assert!(runbook.contains("wiki/x") && !runbook.contains("secret") && !runbook.contains("abc"), "{runbook}");
    }

    #[test]
    fn what_is_no_summary_says_what_it_is() {
        let said = |annotations: serde_json::Value| {
            let mut alert = alert("active", &[]);
            alert["annotations"] = annotations;
            one(alert).alerts[0].summary.clone()
        };
        let all = json!({ "message": "c", "description": " b ", "summary": "a" });
        assert_eq!(said(all).as_deref(), Some("a"));
        assert_eq!(
            said(json!({ "message": "c", "description": "b", "summary": " " })).as_deref(),
            Some("description: b")
        );
        assert_eq!(said(json!({ "message": "c" })).as_deref(), Some("message: c"));
        assert_eq!(said(json!({ "other": "d" })), None);
    }

    #[test]
    fn what_holds_an_alert_back_is_told_apart() {
        let state = |state: &str, silenced: &[&str]| one(alert(state, silenced)).alerts[0].state;
        assert_eq!(state("suppressed", &["a"]), AlertState::Silenced);
        assert_eq!(state("suppressed", &[]), AlertState::Inhibited);
        assert_eq!(state("unprocessed", &[]), AlertState::New);
    }

    #[test]
    fn an_alert_that_cannot_be_read_is_counted_and_the_others_stay() {
        let mut broken = alert("active", &[]);
        broken["startsAt"] = json!("yesterday");
        let body = serde_json::to_vec(&json!([broken, { "x": 1 }, alert("active", &[])])).unwrap();
        let read = alerts(&body).unwrap();
        assert_eq!((read.alerts.len(), read.dropped), (1, 2));
    }

    #[test]
    fn what_is_no_list_is_a_failure_that_repeats_nothing() {
        assert!(matches!(alerts(b" <html>sign in</html>"), Err(Failure::Page)));
        let Err(Failure::Unreadable(why)) = alerts(b"{\"password\": \"hunter2\"}") else { panic!("it can be read") };
        assert!(!why.contains("hunter2"), "{why}");
    }

    #[test]
    fn the_version_is_read_and_the_configuration_is_not() {
        let body = br#"{"cluster":{"status":"ready"},"config":{"original":"password: x"},"uptime":"2026","versionInfo":{"version":"0.25.0"}}"#;
        assert_eq!(version(body).unwrap().as_deref(), Some("0.25.0"));
        assert_eq!(version(b"{}").unwrap(), None);
    }
}

//! Why NVSentinel has quarantined a node, by the annotation that it leaves there.

use super::words;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// So many events are named; the others are counted.
const NAMED: usize = 3;
/// Characters of one word of somebody else.
const LONGEST: usize = 64;

/// What it saw. Source: `HealthEvent` of NVSentinel's `data-models/protobufs/health_event.proto`, as Go writes it in JSON.
/// Its message is free text of a log, and is not read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct HealthEvent {
    check_name: Option<String>,
    error_code: Option<Vec<String>>,
    /// The number of an enum, or its name.
    recommended_action: Value,
}

/// One in the first versions, later all that are open.
#[derive(Deserialize)]
#[serde(untagged)]
enum Events {
    All(Vec<HealthEvent>),
    One(HealthEvent),
}

/// The annotation in words: checks with their codes, and what is to be done: "SysLogsXIDError 79 (RESTART_BM)".
pub(crate) fn in_words(annotation: &str) -> String {
    let events = match serde_json::from_str(annotation) {
        Ok(Events::All(events)) => events,
        Ok(Events::One(event)) => vec![event],
        Err(_) => Vec::new(),
    };
    let events: BTreeSet<String> = events.iter().filter_map(HealthEvent::words).collect();
    let rest = events.len().saturating_sub(NAMED);
    let named: Vec<String> = events.into_iter().take(NAMED).collect();
    match (named.is_empty(), rest) {
        (true, _) => "an event that is not understood here".to_owned(),
        (false, 0) => named.join(", "),
        (false, rest) => format!("{} and {rest} more", named.join(", ")),
    }
}

impl HealthEvent {
    fn words(&self) -> Option<String> {
        let check = words(self.check_name.as_deref()?, LONGEST)?;
        let codes = self.error_code.iter().flatten().filter_map(|code| words(code, LONGEST)).take(NAMED);
        let action = self.action().map(|action| format!("({action})"));
        Some(std::iter::once(check).chain(codes).chain(action).collect::<Vec<_>>().join(" "))
    }

    /// The name of its `RecommendedAction`; nothing for none, and for one that is not known.
    fn action(&self) -> Option<String> {
        let name = match (&self.recommended_action, self.recommended_action.as_u64()) {
            (Value::String(name), _) => name.as_str(),
            (_, Some(2)) => "COMPONENT_RESET",
            (_, Some(5)) => "CONTACT_SUPPORT",
            (_, Some(6)) => "RUN_FIELDDIAG",
            (_, Some(15)) => "RESTART_VM",
            (_, Some(24)) => "RESTART_BM",
            (_, Some(25)) => "REPLACE_VM",
            (_, Some(26)) => "RUN_DCGMEUD",
            (_, Some(39)) => "RESTART_APP",
            _ => return None,
        };
        words(name, LONGEST).filter(|name| name != "NONE" && name != "UNKNOWN")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(check: &str, codes: &[&str], action: Value) -> Value {
        json!({
            "version": 1, "agent": "syslog-health-monitor", "componentClass": "GPU", "checkName": check, "isFatal": true,
            "message": "password=hunter2", "recommendedAction": action, "errorCode": codes,
            "entitiesImpacted": [{ "entityType": "PCI", "entityValue": "0000:8a:00" }],
            "generatedTimestamp": { "seconds": 1_795_489_203, "nanos": 5 }, "nodeName": "h100-117",
        })
    }

    #[track_caller]
    fn check(annotation: &Value, want: &str) {
        assert_eq!(in_words(&annotation.to_string()), want);
    }

    #[test]
    fn each_check_is_named_once_with_its_codes_and_what_is_to_be_done() {
        let xid = event("SysLogsXIDError", &["79"], json!(24));
        check(&xid, "SysLogsXIDError 79 (RESTART_BM)");
        check(&json!([xid, xid]), "SysLogsXIDError 79 (RESTART_BM)");
        let memory = event("GpuMemWatch", &["DCGM_FR_VOLATILE_DBE_DETECTED"], json!("COMPONENT_RESET"));
        check(
            &json!([xid, memory]),
            "GpuMemWatch DCGM_FR_VOLATILE_DBE_DETECTED (COMPONENT_RESET), SysLogsXIDError 79 (RESTART_BM)",
        );
        let many: Vec<Value> = ["a", "b", "c", "d", "e"].map(|name| event(name, &[], json!(0))).into();
        check(&json!(many), "a, b, c and 2 more");
    }

    #[test]
    fn what_is_none_is_a_quarantine_all_the_same() {
        for odd in [json!("True"), json!([]), json!(null), json!({ "checkName": "" }), json!([{ "errorCode": null }])] {
            check(&odd, "an event that is not understood here");
        }
        assert_eq!(in_words("{"), "an event that is not understood here");
    }

    #[test]
    fn words_of_others_are_short() {
        let long = event(&"x".repeat(5_000), &["y"; 500], json!(99));
        assert!(in_words(&long.to_string()).len() < 100);
    }
}

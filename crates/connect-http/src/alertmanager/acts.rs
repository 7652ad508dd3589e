//! Silences: nobody is told of one alert for a while. Source: `api/v2/openapi.yaml` of prometheus/alertmanager.

use super::{answer, problems};
use crate::{
    acts::{self, Draft},
    client::Client,
    failure::Failure,
};
use pilothouse_connect::Seen;
use pilothouse_wire::{
    AlertId, Code, ObjectRef, Problem, Stamp,
    plan::{Deed, Expectation, FieldChange, Intent, Plan, Risk},
    units::span,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// How long an answer may take to begin: a person waits.
const PATIENCE: Duration = Duration::from_secs(12);
/// Alertmanager looks again which alerts are silenced as they are asked for.
const SOON: Duration = Duration::from_secs(30);
/// The longest silence: what lasts longer is a rule to be changed.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);
/// Who made a silence, as the server keeps it.
const OWN: &str = "pilothouse";
/// What stands at a silence of which nobody says why.
const COMMENT: &str = "Silenced in Pilothouse.";
/// The most signs of a comment: it is read in a list.
const LONGEST_COMMENT: usize = 280;
const SILENCES: &str = "/api/v2/silences";
const ALERTS: &str = "/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true";

/// An alert with all of its labels, by which it is silenced. They stay here: only some are facts.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
struct Alert {
    fingerprint: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    status: Status,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    silenced_by: Vec<String>,
}

/// A silence, as far as it is used.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
struct Silence {
    id: String,
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    matchers: Vec<Matcher>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
struct Matcher {
    name: String,
    value: String,
    #[serde(default)]
    is_regex: bool,
    // Servers before 0.22 have none but these.
    #[serde(default = "yes")]
    is_equal: bool,
}

fn yes() -> bool {
    true
}

/// Is this silence about this alert alone, and ours?
fn is_own(silence: &Silence, alert: &Alert) -> bool {
    let exact = |matcher: &Matcher| {
        !matcher.is_regex && matcher.is_equal && alert.labels.get(&matcher.name) == Some(&matcher.value)
    };
    silence.created_by == OWN && silence.matchers.len() == alert.labels.len() && silence.matchers.iter().all(exact)
}

async fn alert(client: &Client, id: &AlertId) -> Result<Option<Alert>, Failure> {
    let list: Vec<Value> = answer::read(&client.get(ALERTS, PATIENCE).await?.body)?;
    let mut own = list.into_iter().filter(|alert| alert["fingerprint"] == id.fingerprint.as_str());
    Ok(own.next().and_then(|alert| serde_json::from_value(alert).ok()))
}

async fn silence(client: &Client, id: &str) -> Result<Silence, Failure> {
    answer::read(&client.get(&format!("/api/v2/silence/{id}"), PATIENCE).await?.body)
}

fn alert_of<'a>(client: &Client, intent: &'a Intent) -> Result<&'a AlertId, Problem> {
    match (&intent.object, &intent.deed) {
        (ObjectRef::Alert(id), Deed::Silence { .. } | Deed::Unsilence) => Ok(id),
        _ => Err(acts::not_offered(client, intent)),
    }
}

/// What would be done. Reads alone.
pub async fn plan(client: &Client, intent: &Intent, now: Stamp) -> Result<Plan, Problem> {
    let id = alert_of(client, intent)?;
    let told = |failure: Failure| problems::problem(&failure, &client.place);
    let Some(alert) = alert(client, id).await.map_err(told)? else {
        return Err(Problem::new(Code::NotFound, format!("{} has no alert {} any more.", client.place.name, id.name))
            .why("It is over, or its labels are others by now."));
    };
    let draft = match &intent.deed {
        Deed::Silence { long, comment } => silenced(client, id, &alert, (*long, comment.as_deref()), now)?,
        _ => {
            let mut silences = Vec::new();
            for id in &alert.status.silenced_by {
                silences.push(silence(client, id).await.map_err(told)?);
            }
            told_again(client, id, &alert, &silences)?
        }
    };
    Ok(acts::plan(client, intent, now, draft))
}

fn silenced(
    client: &Client,
    id: &AlertId,
    alert: &Alert,
    (long, comment): (Duration, Option<&str>),
    now: Stamp,
) -> Result<Draft, Problem> {
    if long.is_zero() || long > LONGEST {
        return Err(Problem::new(Code::BadInput, format!("An alert is not silenced for {}.", span(long)))
            .next(format!("From a second to {}.", span(LONGEST))));
    }
    // Alertmanager takes none without a comment.
    let comment = comment.map(str::trim).filter(|comment| !comment.is_empty()).unwrap_or(COMMENT);
    if comment.chars().count() > LONGEST_COMMENT {
        return Err(Problem::new(Code::BadInput, "The comment is too long.")
            .why(format!("It has {} signs.", comment.chars().count()))
            .next(format!("Say it in {LONGEST_COMMENT}.")));
    }
    if !alert.status.silenced_by.is_empty() {
        return Err(acts::so_already(&format!("{} is silenced", id.name)));
    }
    let matchers = alert
        .labels
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value, "isRegex": false, "isEqual": true }));
    let until = Stamp(now.0.saturating_add(i64::try_from(long.as_millis()).unwrap_or(i64::MAX)));
    let body = json!({
        "matchers": matchers.collect::<Vec<_>>(), "startsAt": now.to_string(), "endsAt": until.to_string(),
        "createdBy": OWN, "comment": comment,
    });
    let to = format!("silenced until {until}");
    Ok(Draft {
        title: format!("Silence {} for {}", id.name, span(long)),
        steps: vec![acts::step(client, "Make a silence of all labels of this alert", "POST", SILENCES, &body)],
        changes: vec![
            FieldChange { path: "/status/state".to_owned(), from: Some("active".to_owned()), to: Some(to) },
            FieldChange { path: "/comment".to_owned(), from: None, to: Some(comment.to_owned()) },
        ],
        risk: (Risk::Low, "Nobody is told of this alert meanwhile; it still fires, and others are told of.".to_owned()),
        warnings: Vec::new(),
        success: Expectation { words: format!("nobody is told of {}", id.name), within: SOON },
        undo: Some(Deed::Unsilence),
    })
}

fn told_again(client: &Client, id: &AlertId, alert: &Alert, silences: &[Silence]) -> Result<Draft, Problem> {
    let (own, others): (Vec<&Silence>, Vec<&Silence>) = silences.iter().partition(|silence| is_own(silence, alert));
    if own.is_empty() {
        let problem = Problem::new(Code::NotOffered, format!("No silence of {} is of Pilothouse.", id.name));
        return Err(match others.len() {
            0 => problem.why("Nobody silenced it.").next("Nothing is to be done."),
            many => problem
                .why(format!("{many} silences of others hold it back, and may be about more than this alert."))
                .next("End them where they were made: in Alertmanager."),
        });
    }
    let step = |silence: &&Silence| {
        let path = format!("/api/v2/silence/{}", silence.id);
        acts::step(client, &format!("End silence {}", silence.id), "DELETE", &path, &json!({}))
    };
    let more =
        (!others.is_empty()).then(|| format!("{} silences of others stay, and hold it back still.", others.len()));
    Ok(Draft {
        title: format!("Let people be told of {} again", id.name),
        steps: own.iter().map(step).collect(),
        changes: vec![FieldChange {
            path: "/status/state".to_owned(),
            from: Some("silenced".to_owned()),
            to: Some(if others.is_empty() { "active" } else { "silenced by others" }.to_owned()),
        }],
        risk: (Risk::Low, "People are told of it, if it still fires.".to_owned()),
        warnings: more.into_iter().collect(),
        success: Expectation { words: "no silence of Pilothouse holds it back".to_owned(), within: SOON },
        undo: None,
    })
}

/// Is what was planned so?
pub async fn look(client: &Client, plan: &Plan) -> Result<Seen, Problem> {
    let id = alert_of(client, &plan.intent)?;
    let told = |failure: Failure| problems::problem(&failure, &client.place);
    let Some(alert) = alert(client, id).await.map_err(told)? else {
        return Ok(Seen::Met("it is over: nobody is told of it".to_owned()));
    };
    let ended = |silence: &String| {
        plan.steps.iter().any(|step| step.request.path.strip_prefix("/api/v2/silence/") == Some(silence))
    };
    let met = match plan.intent.deed {
        Deed::Silence { .. } => !alert.status.silenced_by.is_empty(),
        _ => !alert.status.silenced_by.iter().any(ended),
    };
    let words = &plan.success.words;
    Ok(if met { Seen::Met(words.clone()) } else { Seen::NotYet(format!("not yet so: {words}")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_silence_of_our_own_about_this_alert_alone_is_ended() {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let alert = Alert {
            fingerprint: "6b".into(),
            labels: [("alertname", "Slow"), ("namespace", "serving")].map(pair).into(),
            status: Status::default(),
        };
        let matcher = |name: &str, value: &str| Matcher {
            name: name.into(),
            value: value.into(),
            is_regex: false,
            is_equal: true,
        };
        let all = vec![matcher("alertname", "Slow"), matcher("namespace", "serving")];
        let silence = |by: &str, matchers: &[Matcher]| Silence {
            id: "s".into(),
            created_by: by.into(),
            matchers: matchers.to_vec(),
        };
        assert!(is_own(&silence(OWN, &all), &alert));
        assert!(!is_own(&silence("oncall", &all), &alert));
        // One that holds back other alerts as well.
        assert!(!is_own(&silence(OWN, &all[..1]), &alert));
        let wider = Matcher { is_regex: true, ..all[1].clone() };
        assert!(!is_own(&silence(OWN, &[all[0].clone(), wider]), &alert));
        let other = Matcher { is_equal: false, ..all[1].clone() };
        assert!(!is_own(&silence(OWN, &[all[0].clone(), other]), &alert));
    }
}

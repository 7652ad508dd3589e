//! Aliases and tags: set, moved, taken away. MLflow holds no conditions, so a step that looks stands before the one that writes.

use crate::{
    answer::{Pair, int, object},
    paths::api,
    problems,
};
use pilothouse_connect::{NotSent, Seen, redact_named};
use pilothouse_connect_http::{
    acts::{self, Draft, LOOK},
    client::Client,
    failure::Failure,
};
use pilothouse_wire::{
    ModelId, ObjectRef, Problem, SmolStr, Stamp,
    plan::{Deed, Expectation, FieldChange, Intent, Plan, Request, Risk},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// How long an answer may take to begin: a person waits.
const PATIENCE: Duration = Duration::from_secs(12);
/// A write is seen as soon as it is read again.
const SOON: Duration = Duration::from_secs(15);

/// What a deed is about: a place of a model, and what is to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Alias(SmolStr),
    Tag(Option<u64>, SmolStr),
}

fn place(deed: &Deed) -> Option<(Place, Option<SmolStr>)> {
    Some(match deed {
        Deed::SetAlias { alias, version } => (Place::Alias(alias.clone()), Some(SmolStr::new(version.to_string()))),
        Deed::RemoveAlias(alias) => (Place::Alias(alias.clone()), None),
        Deed::SetTag { version, key, value } => (Place::Tag(*version, key.clone()), Some(value.clone())),
        Deed::RemoveTag { version, key } => (Place::Tag(*version, key.clone()), None),
        _ => return None,
    })
}

impl Place {
    /// The deed that would put this there.
    fn deed(&self, value: Option<&str>) -> Option<Deed> {
        Some(match (self, value) {
            (Self::Alias(alias), Some(version)) => {
                Deed::SetAlias { alias: alias.clone(), version: version.parse().ok()? }
            }
            (Self::Alias(alias), None) => Deed::RemoveAlias(alias.clone()),
            (Self::Tag(version, key), Some(value)) => {
                Deed::SetTag { version: *version, key: key.clone(), value: value.into() }
            }
            (Self::Tag(version, key), None) => Deed::RemoveTag { version: *version, key: key.clone() },
        })
    }

    /// As a path for people.
    fn path(&self) -> String {
        match self {
            Self::Alias(alias) => format!("/aliases/{alias}"),
            Self::Tag(None, key) => format!("/tags/{key}"),
            Self::Tag(Some(version), key) => format!("/versions/{version}/tags/{key}"),
        }
    }

    /// As words for people, who are not shown what is a secret.
    fn words(&self, value: Option<&str>) -> String {
        match (self, value) {
            (Self::Alias(alias), Some(version)) => format!("alias {alias} leads to version {version}"),
            (Self::Alias(alias), None) => format!("there is no alias {alias}"),
            (Self::Tag(version, key), Some(value)) => {
                format!("tag {key}{} is \"{}\"", of(*version), redact_named(key, value))
            }
            (Self::Tag(version, key), None) => format!("there is no tag {key}{}", of(*version)),
        }
    }

    /// The version that is named, which has to be there.
    fn version(&self, value: Option<&str>) -> Option<u64> {
        match self {
            Self::Alias(_) => value?.parse().ok(),
            Self::Tag(version, _) => *version,
        }
    }
}

fn of(version: Option<u64>) -> String {
    version.map(|version| format!(" of version {version}")).unwrap_or_default()
}

#[derive(Deserialize)]
struct Registered {
    #[serde(default)]
    aliases: Vec<Alias>,
    #[serde(default)]
    tags: Vec<Pair>,
}

#[derive(Deserialize)]
struct Alias {
    alias: SmolStr,
    #[serde(deserialize_with = "int")]
    version: Option<i64>,
}

/// What is at a place now.
async fn held(client: &Client, model: &str, place: &Place) -> Result<Option<String>, Failure> {
    let tag = |tags: Vec<Pair>, key: &str| tags.into_iter().find(|pair| pair.key == key).map(|pair| pair.value);
    Ok(match place {
        Place::Alias(alias) => {
            let found = registered(client, model).await?.aliases.into_iter().find(|one| one.alias == *alias);
            found.and_then(|one| one.version).map(|version| version.to_string())
        }
        Place::Tag(None, key) => tag(registered(client, model).await?.tags, key),
        Place::Tag(Some(number), key) => tag(version(client, model, *number).await?.tags, key),
    })
}

async fn registered(client: &Client, model: &str) -> Result<Registered, Failure> {
    read(client, &api("registered-models/get", &[("name", model)]), "registered_model").await
}

async fn version(client: &Client, model: &str, number: u64) -> Result<Registered, Failure> {
    let path = api("model-versions/get", &[("name", model), ("version", &number.to_string())]);
    read(client, &path, "model_version").await
}

/// Of a model its aliases and tags; of a version its tags, since its aliases have another form.
async fn read(client: &Client, path: &str, key: &str) -> Result<Registered, Failure> {
    let mut answer = object(&client.get(path, PATIENCE).await?.body)?;
    let mut found = answer[key].take();
    if key == "model_version" {
        found.as_object_mut().map(|fields| fields.remove("aliases"));
    }
    serde_json::from_value(found).map_err(|_| Failure::Unreadable(format!("it has no {key}")))
}

fn model<'a>(client: &Client, intent: &'a Intent) -> Result<(&'a ModelId, Place, Option<SmolStr>), Problem> {
    match (&intent.object, place(&intent.deed)) {
        (ObjectRef::Model(id), Some((place, wanted))) => Ok((id, place, wanted)),
        _ => Err(acts::not_offered(client, intent)),
    }
}

/// What would be done. Reads alone.
pub(crate) async fn plan(client: &Client, intent: &Intent, now: Stamp) -> Result<Plan, Problem> {
    let (id, place, wanted) = model(client, intent)?;
    let told = |what: String| move |failure: Failure| problems::of_question(&failure, &client.place, &what);
    let name = id.name.as_str();
    if let Some(number) = place.version(wanted.as_deref()) {
        version(client, name, number).await.map_err(told(format!("version {number} of {name}")))?;
    }
    let is = held(client, name, &place).await.map_err(told(format!("model {name}")))?;
    if is.as_deref() == wanted.as_deref() {
        return Err(acts::so_already(&format!("Of {name} {}", place.words(wanted.as_deref()))));
    }
    Ok(acts::plan(client, intent, now, draft(client, name, &place, wanted.as_deref(), is.as_deref())))
}

fn draft(client: &Client, model: &str, place: &Place, wanted: Option<&str>, is: Option<&str>) -> Draft {
    let look = json!({ "value": is });
    let look_path = look_path(model, place);
    let key = match place {
        Place::Alias(_) => "",
        Place::Tag(_, key) => key,
    };
    let clear = |value: Option<&str>| value.map(|value| redact_named(key, value));
    let (from, to) = (clear(is), clear(wanted));
    let hidden = from.as_deref() != is;
    let (method, path, body) = write(model, place, wanted);
    let verb = if wanted.is_some() { "Set" } else { "Take away" };
    let what = match place {
        Place::Alias(alias) => format!("alias {alias}"),
        Place::Tag(version, key) => format!("tag {key}{}", of(*version)),
    };
    let mut warnings = vec![format!(
        "{} holds no conditions: what somebody writes between the look and the write is overwritten.",
        client.place.name
    )];
    if hidden {
        warnings.push(
            "What is there now is not shown, since its name is that of a secret: it cannot be put back.".to_owned(),
        );
    }
    let title = match (place, is, wanted) {
        (Place::Alias(alias), Some(is), Some(to)) => format!("Move alias {alias} of {model} from version {is} to {to}"),
        (Place::Alias(alias), None, Some(to)) => format!("Set alias {alias} of {model} to version {to}"),
        _ => format!("{verb} {what} of {model}"),
    };
    Draft {
        title,
        steps: vec![
            acts::step(
                client,
                &format!("Look whether {} still", place.words(from.as_deref())),
                LOOK,
                &look_path,
                &look,
            ),
            acts::step(client, &format!("{verb} {what}"), method, &path, &body),
        ],
        changes: vec![FieldChange { path: place.path(), from, to: to.clone() }],
        risk: match place {
            Place::Alias(alias) => {
                (Risk::Medium, format!("Who loads models:/{model}@{alias} gets another version from then on."))
            }
            Place::Tag(..) => (Risk::Low, "Nothing is served by a tag, but by who reads it.".to_owned()),
        },
        warnings,
        success: Expectation { words: place.words(to.as_deref()), within: SOON },
        undo: if hidden { None } else { place.deed(is) },
    }
}

fn write(model: &str, place: &Place, wanted: Option<&str>) -> (&'static str, String, Value) {
    let call = |call: &str| api(call, &[]);
    match (place, wanted) {
        (Place::Alias(alias), Some(version)) => {
            ("POST", call("registered-models/alias"), json!({ "name": model, "alias": alias, "version": version }))
        }
        (Place::Alias(alias), None) => {
            ("DELETE", call("registered-models/alias"), json!({ "name": model, "alias": alias }))
        }
        (Place::Tag(None, key), Some(value)) => {
            ("POST", call("registered-models/set-tag"), json!({ "name": model, "key": key, "value": value }))
        }
        (Place::Tag(None, key), None) => {
            ("DELETE", call("registered-models/delete-tag"), json!({ "name": model, "key": key }))
        }
        (Place::Tag(Some(version), key), Some(value)) => {
            let version = version.to_string();
            let body = json!({ "name": model, "version": version, "key": key, "value": value });
            ("POST", call("model-versions/set-tag"), body)
        }
        (Place::Tag(Some(version), key), None) => {
            let version = version.to_string();
            ("DELETE", call("model-versions/delete-tag"), json!({ "name": model, "version": version, "key": key }))
        }
    }
}

/// Sends a step of a plan.
pub(crate) async fn send(client: &Client, request: &Request) -> Result<(), NotSent> {
    if request.method == LOOK {
        return still(client, request).await;
    }
    acts::send(client, request, |failure| problems::problem(failure, &client.place)).await
}

/// Is what the plan depends on as it was?
async fn still(client: &Client, request: &Request) -> Result<(), NotSent> {
    let unread =
        || NotSent::Refused(Problem::new(pilothouse_wire::Code::Internal, "A step of the plan does not read."));
    let (path, body) = (request.path.as_str(), &request.body);
    let (model, place) = looked_for(path).ok_or_else(unread)?;
    let was: Value = serde_json::from_str(body).map_err(|_| unread())?;
    let is = held(client, &model, &place)
        .await
        .map_err(|failure| NotSent::Refused(problems::problem(&failure, &client.place)))?;
    if is.as_deref() == was["value"].as_str() {
        Ok(())
    } else {
        Err(acts::changed(&format!("Now {}.", place.words(is.as_deref()))))
    }
}

/// The path of a step that looks: the place stands behind it, where no server sees it.
fn look_path(model: &str, place: &Place) -> String {
    format!("{}#{}", api("registered-models/get", &[("name", model)]), place.path())
}

/// The model and the place that a step looks at.
fn looked_for(path: &str) -> Option<(String, Place)> {
    let (path, place) = path.split_once('#')?;
    let query = path.split_once('?')?.1;
    let model = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "name")?.1.into_owned();
    let place = if let Some(alias) = place.strip_prefix("/aliases/") {
        Place::Alias(alias.into())
    } else if let Some(key) = place.strip_prefix("/tags/") {
        Place::Tag(None, key.into())
    } else {
        let (version, key) = place.strip_prefix("/versions/")?.split_once("/tags/")?;
        Place::Tag(Some(version.parse().ok()?), key.into())
    };
    Some((model, place))
}

/// Is what was planned so?
pub(crate) async fn look(client: &Client, plan: &Plan) -> Result<Seen, Problem> {
    let (id, place, wanted) = model(client, &plan.intent)?;
    let is = held(client, &id.name, &place).await.map_err(|failure| problems::problem(&failure, &client.place))?;
    let words = &plan.success.words;
    Ok(if is.as_deref() == wanted.as_deref() {
        Seen::Met(words.clone())
    } else {
        Seen::NotYet(format!("not yet so: {words}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_has_a_place_what_is_there_and_what_puts_it_back() {
        let set = Deed::SetAlias { alias: "champion".into(), version: 3 };
        let (alias, wanted) = place(&set).unwrap();
        assert_eq!(
            (alias.words(wanted.as_deref()), alias.version(wanted.as_deref())),
            ("alias champion leads to version 3".into(), Some(3))
        );
        assert_eq!(alias.deed(Some("2")), Some(Deed::SetAlias { alias: "champion".into(), version: 2 }));
        assert_eq!(alias.deed(None), Some(Deed::RemoveAlias("champion".into())));
        let tag = Deed::SetTag { version: Some(4), key: "team".into(), value: "chat".into() };
        let (place_of_tag, value) = place(&tag).unwrap();
        assert_eq!(place_of_tag.deed(value.as_deref()), Some(tag));
        assert_eq!(place_of_tag.deed(None), Some(Deed::RemoveTag { version: Some(4), key: "team".into() }));
        assert!(place(&Deed::Cordon).is_none());
        // Also where it is said that somebody else wrote another value meanwhile.
        let secret = Place::Tag(None, "hub_token".into());
        assert_eq!(secret.words(Some("hunter2")), "tag hub_token is \"…\"");
    }

    #[test]
    fn the_step_that_looks_knows_its_place_whatever_names_are_like() {
        for (model, place) in [
            ("chat", Place::Alias("champion".into())),
            ("a b/c?d&e#f", Place::Alias("champion".into())),
            ("chat", Place::Tag(None, "team/x#y".into())),
            ("chat", Place::Tag(Some(12), "a/tags/b".into())),
        ] {
            let step = look_path(model, &place);
            assert_eq!(looked_for(&step), Some((model.to_owned(), place)), "{step}");
        }
        assert_eq!(looked_for("/api"), None);
    }

    #[test]
    fn each_write_is_the_call_that_mlflow_documents() {
        let check = |place: &Place, wanted: Option<&str>, call: &str, sent: Value| {
            let (method, path, body) = write("chat", place, wanted);
            assert_eq!(format!("{method} {}", path.trim_start_matches("/api/2.0/mlflow/")), call);
            assert_eq!(body, sent, "{call}");
        };
        let alias = Place::Alias("champion".into());
        let tag = Place::Tag(Some(2), "team".into());
        let set = json!({ "name": "chat", "alias": "champion", "version": "3" });
        check(&alias, Some("3"), "POST registered-models/alias", set);
        let removed = json!({ "name": "chat", "alias": "champion" });
        check(&alias, None, "DELETE registered-models/alias", removed);
        let set = json!({ "name": "chat", "version": "2", "key": "team", "value": "x" });
        check(&tag, Some("x"), "POST model-versions/set-tag", set);
        let removed = json!({ "name": "chat", "version": "2", "key": "team" });
        check(&tag, None, "DELETE model-versions/delete-tag", removed);
    }
}

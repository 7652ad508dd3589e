//! What stands beside an object that something is to be done to: who keeps it as it is, who moves its traffic by himself, and
//! whether a backend that is to get traffic can answer. Reads alone; what cannot be read is said.

use crate::{
    client::{Client, JSON, PATIENCE},
    facts,
    failure::{Call, Failure},
    list::encoded,
    read::Spot,
    slim::Application,
};
use pilothouse_wire::{SmolStr, plan::Deed, view::delivery::Keeper};
use pilothouse_world::fact::ApplicationFact;
use serde_json::Value;

/// Kinds that a Canary of Flagger may target.
const TARGETS: [&str; 2] = ["Deployment", "DaemonSet"];
/// Kinds that something may keep or make. Nodes and pods are nobody's in this way.
const NOT_KEPT: [&str; 3] = ["Node", "Pod", "Namespace"];

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Who keeps the object out of a repository, in full; takes the place of what its marks alone say.
    pub keeper: Option<String>,
    /// Who else will have a say in it.
    pub warnings: Vec<String>,
    /// What is to be known of backends that get traffic.
    pub backends: Vec<String>,
}

/// Looks around an object.
pub(super) async fn beside(client: &Client, spot: &Spot, object: &Value, deed: &Deed) -> Beside {
    let kind = spot.kind.kind.as_str();
    if NOT_KEPT.contains(&kind) {
        return Beside::default();
    }
    let (keeper, flagger, rollouts, backends) = tokio::join!(
        keeper(client, object),
        flagger(client, spot),
        rollouts(client, spot),
        backends(client, spot, object, deed),
    );
    let routes = ["HTTPRoute", "InferenceModelRewrite"].contains(&kind);
    let made = maker(object).filter(|_| routes);
    let mut warnings: Vec<String> = made.into_iter().chain(rollouts).chain(flagger).collect();
    let (keeper, unknown) = match keeper {
        Ok(keeper) => (keeper, None),
        Err(failure) => (None, Some(not_known(client, "What Argo CD does about it", &failure))),
    };
    warnings.extend(unknown);
    Beside { keeper, warnings, backends }
}

fn not_known(client: &Client, what: &str, failure: &Failure) -> String {
    let problem = Failure::problem(failure, &client.place);
    format!("{what} is not known: {}", problem.what)
}

/// The controller that made the object, and sets it again.
pub(crate) fn maker(object: &Value) -> Option<String> {
    let owner = controller(object)?;
    let (kind, name) = (owner["kind"].as_str()?, owner["name"].as_str()?);
    Some(format!("{kind} {name} made this object and sets it again as it likes. Better: change it there."))
}

/// The owner that makes and unmakes an object. Source: `metav1.GetControllerOf`.
pub(super) fn controller(object: &Value) -> Option<&Value> {
    object["metadata"]["ownerReferences"].as_array()?.iter().find(|owner| owner["controller"] == true)
}

/// Who keeps the object, if that is an Application of Argo CD that can be read.
async fn keeper(client: &Client, object: &Value) -> Result<Option<String>, Failure> {
    let Some(guard) = facts::guard_of(object) else { return Ok(None) };
    if !matches!(guard.by, Keeper::ArgoCd | Keeper::ArgoCdPerhaps) {
        return Ok(None);
    }
    // In other namespaces than Argo CD's own an application is called `namespace_name`.
    let (namespace, name) =
        guard.name.split_once('_').map_or((None, guard.name.as_str()), |(of, name)| (Some(of), name));
    // Argo CD may live in another cluster.
    if !is_offered(client, ("argoproj.io", "v1alpha1", "applications")).await? {
        return Ok(None);
    }
    let call = Call { verb: "list", group: "argoproj.io".into(), resource: "applications".into(), namespace: None };
    let path =
        format!("/apis/argoproj.io/v1alpha1/applications?fieldSelector={}", encoded(&format!("metadata.name={name}")));
    let list = match read(client, &call, &path).await {
        Ok(list) => list,
        // The label is anybody's.
        Err(_) if guard.by == Keeper::ArgoCdPerhaps => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let found = items(&list).iter().filter_map(|item| serde_json::from_value::<Application>(item.clone()).ok());
    let found = found.filter_map(facts::facts_of_application);
    let found: Vec<_> = found.filter(|found| namespace.is_none_or(|namespace| found.namespace == namespace)).collect();
    // Of several of one name nobody can tell which.
    Ok(if let [only] = found.as_slice() { Some(keeps(only)) } else { None })
}

/// Who keeps it, what becomes of a change, and what is better.
fn keeps(application: &ApplicationFact) -> String {
    let places: Vec<String> = application
        .sources
        .iter()
        .map(|source| {
            let path = source.path.as_ref().or(source.chart.as_ref());
            let path = path.map(|path| format!("{path} in ")).unwrap_or_default();
            let at = source.revision.as_ref().map(|revision| format!(" at {revision}")).unwrap_or_default();
            format!("{path}{}{at}", source.repository)
        })
        .collect();
    let place = if places.is_empty() { "a repository".to_owned() } else { places.join(" and ") };
    let becomes = match (application.automated, application.self_heal) {
        (true, true) => {
            "It heals itself: this is taken back within minutes. Better: change it there, or suspend its automated sync first."
        }
        (true, false) => {
            "It does not heal itself: this stays until the repository changes, and is taken back then. Better: change it there as well."
        }
        (false, _) => {
            "It syncs when somebody asks for it: this stays until then, and is taken back by it. Better: change it there as well."
        }
    };
    format!(
        "Application {}/{} of Argo CD keeps this object as it stands in {place}. {becomes}",
        application.namespace, application.name
    )
}

/// A Canary of Flagger that targets the object.
async fn flagger(client: &Client, spot: &Spot) -> Option<String> {
    if !TARGETS.contains(&spot.kind.kind.as_str()) {
        return None;
    }
    let list = match in_namespace(client, spot, ("flagger.app", "v1beta1", "canaries")).await {
        Ok(Some(list)) => list,
        Ok(None) => return None,
        Err(failure) => return Some(not_known(client, "Whether Flagger moves its traffic", &failure)),
    };
    let targets = |item: &&Value| {
        let target = &item["spec"]["targetRef"];
        target["kind"] == spot.kind.kind.as_str() && target["name"] == spot.name.as_str()
    };
    let canary = items(&list).iter().find(targets)?;
    let name = canary["metadata"]["name"].as_str().unwrap_or_default();
    let phase = canary["status"]["phase"].as_str().filter(|phase| !phase.is_empty());
    let phase = phase.map(|phase| format!(" ({phase})")).unwrap_or_default();
    Some(format!(
        "Canary {name} of Flagger{phase} targets this object: a change of its template begins an analysis, traffic stays with {}-primary until that has passed, and Flagger sets its number of pods.",
        spot.name
    ))
}

/// Rollouts whose steps set the weights of a route, in words.
async fn rollouts(client: &Client, spot: &Spot) -> Vec<String> {
    match setters(client, spot).await {
        Ok(names) => names.iter().map(|name| sets_again(name)).collect(),
        Err(failure) => vec![not_known(client, "Whether a Rollout sets its weights", &failure)],
    }
}

pub(crate) fn sets_again(rollout: &str) -> String {
    format!(
        "Rollout {rollout} sets the weights of this route by its steps, and will set them again. Better: promote or abort it."
    )
}

/// Rollouts whose steps set the weights of a route.
pub(crate) async fn setters(client: &Client, spot: &Spot) -> Result<Vec<String>, Failure> {
    if spot.kind.kind != "HTTPRoute" {
        return Ok(Vec::new());
    }
    let Some(list) = in_namespace(client, spot, ("argoproj.io", "v1alpha1", "rollouts")).await? else {
        return Ok(Vec::new());
    };
    let sets = |item: &&Value| sets_route(&item["spec"]["strategy"]["canary"]["trafficRouting"]["plugins"], &spot.name);
    let names = items(&list).iter().filter(sets).filter_map(|item| item["metadata"]["name"].as_str());
    Ok(names.map(str::to_owned).collect())
}

/// Does a plugin of traffic routing name this route? Source: the settings of Argo's plugin for the Gateway API.
fn sets_route(plugins: &Value, name: &str) -> bool {
    plugins.as_object().into_iter().flatten().any(|(_, plugin)| {
        let several = plugin["httpRoutes"].as_array().into_iter().flatten();
        plugin["httpRoute"] == name || several.into_iter().any(|route| route["name"] == name)
    })
}

/// Can the backends answer that are to get traffic?
async fn backends(client: &Client, spot: &Spot, object: &Value, deed: &Deed) -> Vec<String> {
    let Deed::SetWeights { weights, .. } = deed else { return Vec::new() };
    let mut words = Vec::new();
    for (name, _) in weights.iter().filter(|(_, weight)| *weight > 0) {
        let named = |one: &&Value| one["name"] == name.as_str();
        let lists = object["spec"]["rules"].as_array().into_iter().flatten();
        let Some(backend) = lists.filter_map(|rule| rule["backendRefs"].as_array()).flatten().find(named) else {
            continue;
        };
        if backend["kind"].as_str().unwrap_or("Service") != "Service" {
            continue;
        }
        let namespace = backend["namespace"].as_str().map(SmolStr::new).or_else(|| spot.namespace.clone());
        words.extend(service(client, &namespace.unwrap_or_default(), name).await);
    }
    words
}

/// Why what is sent to a Service would not be answered, if so.
async fn service(client: &Client, namespace: &str, name: &str) -> Option<String> {
    if !crate::yaml::is_segment(namespace) || !crate::yaml::is_segment(name) {
        return None;
    }
    let path = format!("/api/v1/namespaces/{namespace}/services/{name}");
    let namespaced = Some(namespace.to_owned());
    let call = Call { verb: "get", group: "".into(), resource: "services".to_owned(), namespace: namespaced };
    match read(client, &call, &path).await {
        Err(failure) if failure.status() == Some(404) => {
            return Some(format!(
                "There is no Service {name} in {namespace}: what it should get is answered with an error."
            ));
        }
        Err(failure) => return Some(not_known(client, &format!("Whether Service {name} is there"), &failure)),
        Ok(_) => {}
    }
    match ready_endpoints(client, namespace, name).await {
        Ok(0) => {
            Some(format!("Service {name} has no pod that is ready: what it should get is answered with an error."))
        }
        Ok(_) => None,
        Err(failure) => Some(not_known(client, &format!("Whether Service {name} has pods that are ready"), &failure)),
    }
}

/// Endpoints of a Service that are ready.
pub(crate) async fn ready_endpoints(client: &Client, namespace: &str, name: &str) -> Result<usize, Failure> {
    let selector = encoded(&format!("kubernetes.io/service-name={name}"));
    let path = format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices?labelSelector={selector}");
    let (group, resource) = ("discovery.k8s.io".into(), "endpointslices".to_owned());
    let call = Call { verb: "list", group, resource, namespace: Some(namespace.to_owned()) };
    read(client, &call, &path).await.map(|slices| ready(&slices))
}

/// Endpoints that are ready; one that says nothing is.
fn ready(slices: &Value) -> usize {
    let endpoints = items(slices).iter().flat_map(|slice| slice["endpoints"].as_array().into_iter().flatten());
    endpoints.filter(|endpoint| endpoint["conditions"]["ready"] != false).count()
}

/// A kind by its group, version and plural.
type Plural = (&'static str, &'static str, &'static str);

/// All objects of a kind in the namespace of an object; none where the kind is not served.
async fn in_namespace(client: &Client, spot: &Spot, of: Plural) -> Result<Option<Value>, Failure> {
    if !is_offered(client, of).await? {
        return Ok(None);
    }
    super::list(client, spot, &format!("/apis/{}/{}", of.0, of.1), of.2).await.map(Some)
}

/// Is a kind served? Whoever may not read it is told so whether it is there or not: discovery is open to all.
async fn is_offered(client: &Client, (group, version, plural): Plural) -> Result<bool, Failure> {
    let path = format!("/apis/{group}/{version}");
    match read(client, &Call::path(&path), &path).await {
        Ok(list) => {
            let kinds = list["resources"].as_array().into_iter().flatten();
            Ok(kinds.into_iter().any(|kind| kind["name"] == plural))
        }
        Err(failure) if failure.status() == Some(404) => Ok(false),
        Err(failure) => Err(failure),
    }
}

async fn read(client: &Client, call: &Call, path: &str) -> Result<Value, Failure> {
    let answer = client.get(call, path, JSON, PATIENCE).await?;
    serde_json::from_slice(&answer.body).map_err(|_| Failure::Unreadable("It is nothing in JSON".to_owned()))
}

fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_better_way_names_the_application_its_repository_path_and_revision() {
        let of = |policy: Value| {
            let it = json!({
                "metadata": { "name": "chat", "namespace": "argocd" },
                "spec": {
                    "source": { "repoURL": "https://bot:hunter2@git.example/m", "path": "prod", "targetRevision": "main" },
                    "syncPolicy": policy,
                },
            });
            keeps(&facts::facts_of_application(serde_json::from_value(it).unwrap()).unwrap())
        };
        let heals = of(json!({ "automated": { "selfHeal": true } }));
        let start = "Application argocd/chat of Argo CD keeps this object as it stands in prod in https://git.example/m at main. ";
        assert!(heals.starts_with(start) && heals.contains("taken back within minutes"), "{heals}");
        assert!(of(json!({ "automated": {} })).contains("stays until the repository changes"));
        assert!(of(json!({})).contains("syncs when somebody asks"));
    }

    #[test]
    fn a_mark_that_others_leave_too_is_no_mark_of_argo_cd_alone() {
        let of = |metadata: Value| {
            let object = json!({ "metadata": metadata });
            facts::guard_of(&object).map(|guard| (guard.name.to_string(), guard.by))
        };
        let tracked =
            json!({ "annotations": { "argocd.argoproj.io/tracking-id": "team_chat:apps/Deployment:serving/chat" } });
        assert_eq!(of(tracked), Some(("team_chat".into(), Keeper::ArgoCd)));
        let label = json!({ "labels": { "app.kubernetes.io/instance": "chat" } });
        assert_eq!(of(label), Some(("chat".into(), Keeper::ArgoCdPerhaps)));
        let helm =
            json!({ "labels": { "app.kubernetes.io/instance": "chat", "app.kubernetes.io/managed-by": "Helm" } });
        assert_eq!(of(helm), None);
    }

    #[test]
    fn a_plugin_names_its_routes_in_two_ways_and_a_silent_endpoint_is_ready() {
        let plugin = |settings: Value| json!({ "argoproj-labs/gatewayAPI": settings });
        assert!(sets_route(&plugin(json!({ "httpRoute": "chat" })), "chat"));
        assert!(sets_route(&plugin(json!({ "httpRoutes": [{ "name": "a" }, { "name": "chat" }] })), "chat"));
        assert!(!sets_route(&plugin(json!({ "httpRoute": "other" })), "chat"));
        assert!(!sets_route(&Value::Null, "chat"));
        let slices = json!({ "items": [
            { "endpoints": [{ "conditions": { "ready": false } }, { "conditions": {} }] }, { "endpoints": null },
        ] });
        assert_eq!(ready(&slices), 1);
        let made = json!({ "metadata": { "ownerReferences": [{ "kind": "LLMInferenceService", "name": "chat", "controller": true }] } });
        assert!(maker(&made).is_some_and(|words| words.contains("LLMInferenceService chat made this object")));
    }
}

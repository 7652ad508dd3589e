//! How a service of KServe stands, read by the same rules as what is shown of it, and whether it is as it should be after a deed.

use super::{member, seen::rolled};
use crate::{
    client::{Client, JSON, PATIENCE},
    facts,
    failure::{Call, Failure},
    read::Spot,
};
use pilothouse_connect::Seen;
use pilothouse_wire::{
    SmolStr,
    plan::{Deed, Plan},
    view::{DeliveryPhase, delivery::ServedMode},
};
use pilothouse_world::{
    Fact, delivery,
    fact::{CanariesFact, ControllerFact, DeliveryFact, ServedFact},
};
use serde_json::Value;

/// The kind whose traffic and model are acted on.
pub(super) const KIND: &str = "InferenceService";

/// Is it a kind that is stopped and started?
pub(super) fn is_service(kind: &str) -> bool {
    kind == KIND || kind == member::KIND
}

/// The name of the canary that a plan is about. Source: `CanarySpec` of KServe v0.20.
pub(super) const CANARY: &str = "/spec/canary/0/predictor/name";

/// By which the controller of an InferenceService tells its pods what to fetch.
pub(crate) const SOURCE: &str = "internal.serving.kserve.io/storage-initializer-sourceuri";
/// The container that fetches a model before an LLMInferenceService starts: its first argument is where from.
const FETCHES: &str = "storage-initializer";
/// Where an LLMInferenceService names its model.
const LLM_MODEL: &str = "/spec/model/uri";
/// Of workloads of an LLMInferenceService those whose pods answer, with the model in them: not its scheduler.
const ENGINES: &str = "llminferenceservice-workload";

/// A service as its controller says.
pub(crate) struct Standing {
    pub controller: ControllerFact,
    pub served: ServedFact,
    /// The canaries beside its predictor.
    pub canaries: Option<CanariesFact>,
    fact: DeliveryFact,
}

impl Standing {
    /// Out of the object; none where it is no service that is known.
    pub fn of(object: &Value) -> Option<Self> {
        let fact = match object["kind"].as_str() {
            Some(member::KIND) => facts::facts_of_llm(serde_json::from_value(object.clone()).ok()?),
            _ => facts::facts_of_inference(serde_json::from_value(object.clone()).ok()?),
        };
        let Some(Fact::Delivered(controller, fact)) = fact else { return None };
        let canaries = delivery::canaries(&fact).cloned();
        Some(Self { controller: *controller, served: delivery::served(&fact)?.clone(), canaries, fact: *fact })
    }

    pub fn phase(&self) -> (DeliveryPhase, String) {
        delivery::phase(&self.controller, &self.fact)
    }

    /// The revision beside the newest one to which traffic can go: the one that shares it, else the one that had all of it
    /// before.
    pub fn other(&self) -> Option<&str> {
        let newest = self.served.created.as_ref();
        let other = self.served.stable().filter(|name| Some(*name) != newest);
        other.or(self.served.before.as_ref().filter(|name| Some(*name) != newest)).map(SmolStr::as_str)
    }
}

/// Where the address of its model stands, as a JSON pointer, and what stands there: at `model`, or at the framework that its
/// predictor names.
pub(crate) fn model(object: &Value) -> Option<(String, &str)> {
    if let Some(uri) = object.pointer(LLM_MODEL).and_then(Value::as_str) {
        return Some((LLM_MODEL.to_owned(), uri));
    }
    let predictor = object["spec"]["predictor"].as_object()?;
    let at =
        |key: &str| Some((format!("/spec/predictor/{key}/storageUri"), predictor.get(key)?["storageUri"].as_str()?));
    if predictor.contains_key("model") {
        return at("model");
    }
    predictor.keys().find_map(|key| at(key))
}

/// What pods of a template fetch before they start. Sources: `addStorageInitializerAnnotations`, and `attachStorageInitializer` of
/// LLMInferenceServices, of KServe v0.20. Of several models, as adapters are fetched with, it is none.
pub(crate) fn fetched(template: &Value) -> Option<&str> {
    if let Some(uri) = template["metadata"]["annotations"][SOURCE].as_str() {
        return Some(uri);
    }
    let all = template["spec"]["initContainers"].as_array()?;
    match all.iter().find(|one| one["name"] == FETCHES)?["args"].as_array()?.as_slice() {
        [uri, _] => uri.as_str(),
        _ => None,
    }
}

/// A template without what its pods fetch.
pub(crate) fn without_fetched(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(annotations) = template.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(SOURCE);
    }
    let all = template.pointer_mut("/spec/initContainers").and_then(Value::as_array_mut);
    let fetching = all.into_iter().flatten().filter(|one| one["name"] == FETCHES);
    for uri in fetching.filter_map(|one| one.pointer_mut("/args/0")) {
        *uri = Value::Null;
    }
    template
}

/// Do pods of a template get this model? Without being fetched first it may be an image, or on a volume.
fn gets(template: &Value, uri: &str) -> bool {
    let (scheme, rest) = uri.split_once("://").unwrap_or(("", uri));
    let spec = &template["spec"];
    let any = |lists: &[&str], is: &dyn Fn(&Value) -> bool| {
        lists.iter().flat_map(|list| spec[*list].as_array().into_iter().flatten()).any(is)
    };
    match (fetched(template), scheme) {
        (Some(now), _) => now == uri,
        (None, "oci") => {
            any(&["initContainers", "containers"], &|one| one["image"] == rest)
                || any(&["volumes"], &|one| one["image"]["reference"] == rest)
        }
        (None, "pvc") => {
            let claim = rest.split('/').next().unwrap_or_default();
            any(&["volumes"], &|one| one["persistentVolumeClaim"]["claimName"] == claim)
        }
        (None, _) => false,
    }
}

/// Is it a Deployment of pods that answer, with the model in them? An LLMInferenceService has others beside.
pub(crate) fn is_engine(workload: &Value) -> bool {
    let labels = &workload["metadata"]["labels"];
    let part = labels["app.kubernetes.io/component"].as_str().unwrap_or_default();
    labels["app.kubernetes.io/part-of"] != "llminferenceservice" || part.starts_with(ENGINES)
}

/// The Deployments of its predictor, or of its engines; of another kind none.
pub(crate) async fn workloads(client: &Client, spot: &Spot) -> Result<Vec<Value>, Failure> {
    let labels = match spot.kind.kind.as_str() {
        KIND => format!("{}={},component=predictor", facts::SERVICE, spot.name),
        member::KIND => format!("app.kubernetes.io/part-of=llminferenceservice,app.kubernetes.io/name={}", spot.name),
        _ => return Ok(Vec::new()),
    };
    let namespace = spot.namespace.as_deref().unwrap_or_default();
    let call = Call {
        verb: "list",
        group: "apps".into(),
        resource: "deployments".to_owned(),
        namespace: Some(namespace.to_owned()),
    };
    let selector = crate::list::encoded(&labels);
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments?labelSelector={selector}");
    let answer = client.get(&call, &path, JSON, PATIENCE).await?;
    let mut list: Value =
        serde_json::from_slice(&answer.body).map_err(|_| Failure::Unreadable("It is no list in JSON".to_owned()))?;
    match list["items"].take() {
        Value::Array(items) => Ok(items),
        _ => Ok(Vec::new()),
    }
}

/// Is it as it should be? `workloads` are the Deployments that its controller has made of it.
pub(super) fn seen(plan: &Plan, object: &Value, workloads: &[Value]) -> Seen {
    let Some(standing) = Standing::of(object) else { return Seen::NotYet("it does not read".to_owned()) };
    let percent = standing.served.percent;
    let shares = matches!(plan.intent.deed, Deed::Canary(_) | Deed::Promote | Deed::PromoteFully | Deed::Abort);
    if let Some(canary) = beside(plan).filter(|_| shares) {
        return match plan.intent.deed {
            Deed::Canary(to) => at_share(object, &standing, (canary, to), workloads),
            Deed::Abort => at_share(object, &standing, (canary, 0), workloads),
            _ => promoted(object, &standing, canary, workloads),
        };
    }
    match &plan.intent.deed {
        Deed::Canary(to) if percent != Some(*to) => Seen::Never("somebody set another share since".to_owned()),
        Deed::Canary(to) => shared(&standing, *to),
        Deed::Promote | Deed::PromoteFully if percent.is_some_and(|percent| percent < 100) => {
            Seen::Never("somebody set another share since".to_owned())
        }
        Deed::Promote | Deed::PromoteFully => shared(&standing, 100),
        Deed::Abort if percent != Some(0) => Seen::Never("somebody set another share since".to_owned()),
        Deed::Abort => shared(&standing, 0),
        Deed::Stop if !standing.served.stops => Seen::Never("somebody started it since".to_owned()),
        Deed::Stop => match standing.phase() {
            (DeliveryPhase::Paused, _) if workloads.is_empty() => {
                Seen::Met("it is stopped, and has no pods".to_owned())
            }
            (DeliveryPhase::Paused, _) => Seen::NotYet("its pods are ending".to_owned()),
            (_, why) => Seen::NotYet(why),
        },
        Deed::Start if standing.served.stops => Seen::Never("somebody stopped it since".to_owned()),
        Deed::Start => ready(&standing, "it is ready"),
        Deed::SetModel(uri) => serves(plan, object, &standing, (uri.as_str(), workloads)),
        _ => Seen::NotYet("it is not known how that would look".to_owned()),
    }
}

/// Does the newest revision get this share, as its router says?
fn shared(standing: &Standing, share: u32) -> Seen {
    let newest = standing.served.created.as_deref().unwrap_or("its newest revision");
    let Some(other) = standing.other().filter(|_| share < 100) else {
        return match standing.served.share() {
            Some(100) if share < 100 => {
                Seen::Met(format!("{newest} is alone: the next revision gets {share} % at first"))
            }
            Some(100) => Seen::Met(format!("all traffic is at {newest}")),
            Some(now) => Seen::NotYet(format!("{newest} gets {now} %")),
            None => Seen::NotYet("its router says nothing".to_owned()),
        };
    };
    match standing.served.share() {
        Some(0) if share == 0 => Seen::Met(format!("all traffic is at {other}")),
        Some(now) if now == share => Seen::Met(format!("{newest} gets {share} %, {other} the rest")),
        Some(now) => Seen::NotYet(format!("{newest} gets {now} %")),
        None => Seen::NotYet("its router says nothing".to_owned()),
    }
}

/// The canary that stood beside its predictor when this was planned.
fn beside(plan: &Plan) -> Option<&str> {
    let mut guards = plan.steps.iter().flat_map(|step| &step.guards);
    guards.find(|(path, _)| path == CANARY).map(|(_, name)| name.trim_matches('"'))
}

/// Has its controller taken the share of a canary up, and are the pods of both as that wants them?
fn at_share(object: &Value, standing: &Standing, (name, to): (&str, u32), workloads: &[Value]) -> Seen {
    let mut canaries = standing.canaries.iter().flat_map(|of| &of.canaries);
    let Some(canary) = canaries.find(|canary| canary.name == name) else {
        return Seen::Never(format!("canary {name} is not beside it any more"));
    };
    if canary.percent != to {
        return Seen::Never("somebody set another share since".to_owned());
    }
    let mut said = object["status"]["canaryStatuses"].as_array().into_iter().flatten();
    if !said.any(|said| said["name"] == name && said["trafficPercent"] == to) {
        return Seen::NotYet("its controller has not taken the share up yet".to_owned());
    }
    let Some(own) = workloads.iter().find(|one| one["metadata"]["name"] == canary.deployment.as_str()) else {
        return Seen::NotYet(format!("its controller has made no pods of canary {name} yet"));
    };
    match workloads.iter().map(|one| rolled("Deployment", one)).find(|seen| !matches!(seen, Seen::Met(_))) {
        Some(seen) => seen,
        None => {
            let ready = own["status"]["availableReplicas"].as_u64().unwrap_or(0);
            Seen::Met(format!("canary {name} has its share of {to} %, and {ready} of the pods"))
        }
    }
}

/// Is the predictor that of the canary, and are its pods all there are?
fn promoted(object: &Value, standing: &Standing, name: &str, workloads: &[Value]) -> Seen {
    match (object["spec"]["predictor"]["name"] == name, &standing.canaries) {
        (true, None) => {}
        (true, Some(_)) => return Seen::Never("somebody put a canary beside it since".to_owned()),
        (false, Some(_)) => {
            return Seen::NotYet("it is as it was: nothing was written, or it was taken back".to_owned());
        }
        (false, None) => return Seen::Never("its predictor was given another name since".to_owned()),
    }
    let own = format!("{}-{name}-predictor", object["metadata"]["name"].as_str().unwrap_or_default());
    let (own, others): (Vec<&Value>, Vec<&Value>) =
        workloads.iter().partition(|one| one["metadata"]["name"] == own.as_str());
    match own.first().map(|own| rolled("Deployment", own)) {
        None => Seen::NotYet("its controller has made no pods of it yet".to_owned()),
        Some(Seen::Met(_)) if !others.is_empty() => Seen::NotYet("the pods of before are still there".to_owned()),
        Some(Seen::Met(_)) => ready(standing, &format!("its predictor is {name}, and all its pods are ready")),
        Some(seen) => seen,
    }
}

fn ready(standing: &Standing, words: &str) -> Seen {
    match standing.phase() {
        (DeliveryPhase::Healthy, _) => Seen::Met(words.to_owned()),
        (DeliveryPhase::Paused, why) => Seen::Met(format!("{words}; {why}")),
        // What failed may be the state of before: whoever waits is told what is seen.
        (_, why) => Seen::NotYet(if why.is_empty() { "it is not ready".to_owned() } else { why }),
    }
}

/// Does it serve this model?
fn serves(plan: &Plan, object: &Value, standing: &Standing, (uri, workloads): (&str, &[Value])) -> Seen {
    if model(object).is_none_or(|(_, now)| now != uri) {
        return Seen::Never("it was given another model since".to_owned());
    }
    if standing.served.mode == ServedMode::Knative {
        return revised(plan, standing);
    }
    // Canaries keep their own.
    let is_own =
        |one: &&Value| standing.canaries.as_ref().is_none_or(|of| one["metadata"]["name"] == of.stable.as_str());
    let workloads: Vec<&Value> = workloads.iter().filter(|one| is_engine(one)).filter(is_own).collect();
    if workloads.is_empty() {
        return Seen::NotYet("its controller has made no pods of it yet".to_owned());
    }
    if !workloads.iter().all(|one| gets(&one["spec"]["template"], uri)) {
        return Seen::NotYet("its controller has not taken the model up yet".to_owned());
    }
    match workloads.iter().map(|one| rolled("Deployment", one)).find(|seen| !matches!(seen, Seen::Met(_))) {
        Some(seen) => seen,
        None => ready(standing, "its pods are ready with the model"),
    }
}

/// Is there another revision than when it was planned, and is it ready?
fn revised(plan: &Plan, standing: &Standing) -> Seen {
    let mut guards = plan.steps.iter().flat_map(|step| &step.guards);
    let was = guards.find(|(path, _)| path.ends_with("/latestCreatedRevision")).map(|(_, name)| name.trim_matches('"'));
    let (created, is_ready) = (standing.served.created.as_deref(), standing.served.ready.as_deref());
    match created {
        Some(created) if Some(created) == was => Seen::NotYet("its router has made no new revision yet".to_owned()),
        Some(created) if Some(created) == is_ready => {
            let share = standing.served.share().map(|share| format!(", and gets {share} %")).unwrap_or_default();
            Seen::Met(format!("revision {created} is ready{share}"))
        }
        Some(created) => Seen::NotYet(format!("revision {created} is not ready yet")),
        None => Seen::NotYet("its controller names no revision yet".to_owned()),
    }
}

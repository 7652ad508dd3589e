//! What we may read of a cluster: asked of the server, so that a person is told before something is missing.

mod can;

pub(crate) use can::can;

use crate::{
    client::Client,
    failure::{Call, Failure},
    list::list,
    place::Place,
    problems,
    resource::{Resource, Scope},
    slim::{CoreEvent, Event, Namespace, Node, Pod},
};
use futures::{StreamExt, stream};
use pilothouse_wire::{Code, Problem};
use pilothouse_world::Fact;
use serde_json::json;

/// Reviews that are under way at once.
const AT_ONCE: usize = 8;
/// Namespaces that are read one by one at most: each costs two watches.
pub const MOST_NAMESPACES: usize = 200;

/// What is read of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Nodes.
    pub nodes: bool,
    /// Namespaces.
    pub namespaces: bool,
    /// Pods: everywhere, or in some namespaces.
    pub pods: Vec<Scope>,
    /// Events: likewise.
    pub events: Vec<Scope>,
}

/// What came of asking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Who the server says that we are; `None` where it cannot say.
    pub identity: Option<String>,
    /// What is read.
    pub plan: Plan,
    /// What we may do.
    pub may: Vec<String>,
    /// What we may not.
    pub may_not: Vec<String>,
    /// What is not visible, as a sentence.
    pub not_visible: Option<String>,
    /// What is missing and what would give it.
    pub problem: Option<Problem>,
}

/// Who the server says that we are; `None` where it cannot say.
pub(crate) async fn identity(client: &Client) -> Result<Option<String>, Failure> {
    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let call = review_call("authentication.k8s.io", "selfsubjectreviews");
    match client.post(&call, "/apis/authentication.k8s.io/v1/selfsubjectreviews", &review).await {
        Ok(answer) => {
            let name = answer["status"]["userInfo"]["username"].as_str().map(problems::line);
            if let Some(name) = &name {
                // Said once: a session is with one person.
                let _ = client.place.identity.set(name.clone());
            }
            Ok(name)
        }
        // Servers before 1.28 have no such review, and some forbid it.
        Err(failure) if matches!(failure.status(), Some(403..=405)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn review_call(group: &'static str, resource: &str) -> Call {
    Call { verb: "create", group: group.into(), resource: resource.to_owned(), namespace: None }
}

/// Asks who we are, and what may be read, everywhere and, where that is not allowed, in each of some namespaces.
///
/// # Errors
/// If the server does not answer.
pub async fn review(client: &Client, limited_to: &[String], begins_in: Option<&str>) -> Result<Rights, Failure> {
    let everywhere = Scope { namespace: None };
    let (identity, nodes, namespaces, pods, events) = futures::try_join!(
        identity(client),
        may_read::<Node>(client, &everywhere),
        may_read::<Namespace>(client, &everywhere),
        may_read::<Pod>(client, &everywhere),
        may_read_events(client, &everywhere),
    )?;
    let mut found = Found { identity, nodes, namespaces, limited: !limited_to.is_empty(), ..Found::default() };
    if pods && events && limited_to.is_empty() {
        (found.pods, found.events) = (vec![everywhere.clone()], vec![everywhere]);
        return Ok(found.rights(&client.place));
    }
    let (candidates, left_out) = candidates(client, limited_to, begins_in, namespaces).await?;
    found.left_out = left_out;
    found.asked.clone_from(&candidates);
    let in_each = |all: bool| if all && limited_to.is_empty() { Vec::new() } else { candidates.clone() };
    (found.pods, found.events) = futures::try_join!(
        readable(client, in_each(pods), Asked::Pods),
        readable(client, in_each(events), Asked::Events),
    )?;
    if limited_to.is_empty() && pods {
        found.pods = vec![everywhere.clone()];
    }
    if limited_to.is_empty() && events {
        found.events = vec![everywhere];
    }
    Ok(found.rights(&client.place))
}

/// Events are the same in both groups, and many roles allow the older one only.
async fn may_read_events(client: &Client, scope: &Scope) -> Result<bool, Failure> {
    Ok(may_read::<Event>(client, scope).await? || may_read::<CoreEvent>(client, scope).await?)
}

/// May we list and watch this? One after the other: each call at once would cost a connection of its own.
pub(crate) async fn may_read<T: Resource>(client: &Client, scope: &Scope) -> Result<bool, Failure> {
    Ok(may::<T>(client, scope, "list").await? && may::<T>(client, scope, "watch").await?)
}

async fn may<T: Resource>(client: &Client, scope: &Scope, verb: &'static str) -> Result<bool, Failure> {
    is_allowed(client, scope, T::GROUP, T::PLURAL, verb).await
}

/// May we list this, which is not watched?
///
/// # Errors
/// If the server does not answer.
pub(crate) async fn may_list(client: &Client, scope: &Scope, group: &str, resource: &str) -> Result<bool, Failure> {
    is_allowed(client, scope, group, resource, "list").await
}

async fn is_allowed(
    client: &Client,
    scope: &Scope,
    group: &str,
    resource: &str,
    verb: &'static str,
) -> Result<bool, Failure> {
    let namespace = scope.namespace.clone();
    let call = Call { verb, group: group.to_owned().into(), resource: resource.to_owned(), namespace };
    match is_granted(client, &call, None).await {
        // Nobody can say: the listing itself will.
        Err(failure) if matches!(failure.status(), Some(403..=405)) => Ok(true),
        other => other,
    }
}

/// May we make this call, to the object of this name? By a `SelfSubjectAccessReview`; a subresource stands behind a slash,
/// as in a role.
///
/// # Errors
/// If the server does not answer, or cannot say.
pub(crate) async fn is_granted(client: &Client, call: &Call, name: Option<&str>) -> Result<bool, Failure> {
    let (resource, subresource) = call.resource.split_once('/').unwrap_or((&call.resource, ""));
    let mut asked = json!({ "verb": call.verb, "group": call.group, "resource": resource });
    let parts = [("subresource", Some(subresource)), ("namespace", call.namespace.as_deref()), ("name", name)];
    for (key, value) in parts {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            asked[key] = value.into();
        }
    }
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": asked },
    });
    let own = review_call("authorization.k8s.io", "selfsubjectaccessreviews");
    let answer = client.post(&own, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review).await?;
    let allowed = answer["status"]["allowed"].as_bool();
    allowed.ok_or_else(|| Failure::Unreadable("Its review of our rights has no result".to_owned()))
}

/// Namespaces to ask about one by one, and how many there are besides.
async fn candidates(
    client: &Client,
    limited_to: &[String],
    begins_in: Option<&str>,
    listable: bool,
) -> Result<(Vec<String>, usize), Failure> {
    let mut names = limited_to.to_vec();
    if names.is_empty() {
        names.extend(begins_in.map(str::to_owned));
        if listable {
            let everything = Scope { namespace: None };
            let listed = list::<Namespace>(client, &everything, usize::MAX, |_, _| ()).await?;
            names.extend(listed.facts.into_iter().filter_map(|fact| match fact {
                Fact::Namespace(namespace) => Some(namespace.name.to_string()),
                _ => None,
            }));
        }
        if names.is_empty() {
            names.push("default".to_owned());
        }
    }
    names.sort_unstable();
    names.dedup();
    let left_out = names.len().saturating_sub(MOST_NAMESPACES);
    names.truncate(MOST_NAMESPACES);
    Ok((names, left_out))
}

/// What is asked about namespaces.
#[derive(Clone, Copy)]
enum Asked {
    Pods,
    Events,
}

async fn readable(client: &Client, namespaces: Vec<String>, asked: Asked) -> Result<Vec<Scope>, Failure> {
    let answers: Vec<Result<Option<Scope>, Failure>> = stream::iter(namespaces)
        .map(|namespace| async move {
            let scope = Scope { namespace: Some(namespace) };
            let may = match asked {
                Asked::Pods => may_read::<Pod>(client, &scope).await?,
                Asked::Events => may_read_events(client, &scope).await?,
            };
            Ok(may.then_some(scope))
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    answers.into_iter().filter_map(Result::transpose).collect()
}

/// What is allowed, before it is put into words.
#[derive(Default)]
struct Found {
    identity: Option<String>,
    nodes: bool,
    namespaces: bool,
    pods: Vec<Scope>,
    events: Vec<Scope>,
    /// Did a person choose the namespaces?
    limited: bool,
    /// Namespaces that were asked about.
    asked: Vec<String>,
    left_out: usize,
}

impl Found {
    fn rights(self, place: &Place) -> Rights {
        let everywhere = Scope { namespace: None };
        let (mut may, mut may_not, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        for (allowed, needed, call) in [
            (self.nodes, true, everywhere.call::<Node>("list and watch")),
            // Who reads chosen namespaces only has no need of the list of all.
            (self.namespaces, !self.limited, everywhere.call::<Namespace>("list and watch")),
        ] {
            match (allowed, needed) {
                (true, _) => may.push(words(&call)),
                (false, true) => missing.push(call),
                (false, false) => {}
            }
        }
        self.spread::<Pod>(&self.pods, &mut may, &mut missing);
        self.spread::<Event>(&self.events, &mut may, &mut missing);
        may_not.extend(missing.iter().map(words));
        let not_visible = self.not_visible();
        let problem = (!missing.is_empty()).then(|| {
            let mut problem = problems::denied(place, &missing);
            if may.is_empty() {
                problem.what = format!("Nothing of {} can be read.", place.name);
            }
            if let (Some(hidden), Some(why)) = (&not_visible, &mut problem.why) {
                *why = format!("{hidden} {why}");
            }
            debug_assert_eq!(problem.code, Code::Denied);
            problem
        });
        let plan = Plan { nodes: self.nodes, namespaces: self.namespaces, pods: self.pods, events: self.events };
        Rights { identity: self.identity, plan, may, may_not, not_visible, problem }
    }

    /// What may be read of a kind that is in namespaces, and what may not.
    fn spread<T: Resource>(&self, scopes: &[Scope], may: &mut Vec<String>, missing: &mut Vec<Call>) {
        if !scopes.is_empty() {
            may.push(in_words::<T>(scopes));
        }
        if scopes.iter().any(|scope| scope.namespace.is_none()) {
            return;
        }
        if self.limited {
            let refused = self.asked.iter().filter(|name| !scopes.iter().any(|s| s.namespace.as_ref() == Some(*name)));
            missing.extend(refused.map(|name| Scope { namespace: Some(name.clone()) }.call::<T>("list and watch")));
        } else {
            missing.push(Scope { namespace: None }.call::<T>("list and watch"));
        }
    }

    fn not_visible(&self) -> Option<String> {
        let mut parts = Vec::new();
        if !self.nodes {
            parts.push("Nodes cannot be listed, so GPUs without a pod are not visible.".to_owned());
        }
        if self.pods.is_empty() {
            parts.push("No pods can be listed, so nobody knows who holds the GPUs.".to_owned());
        } else if self.pods.iter().all(|scope| scope.namespace.is_some()) {
            let names: Vec<&str> = self.pods.iter().filter_map(|scope| scope.namespace.as_deref()).collect();
            parts.push(format!("Pods of other namespaces than {} are not visible.", some(&names)));
        }
        if self.left_out > 0 {
            parts.push(format!(
                "{} more namespaces are not read: at most {MOST_NAMESPACES} are, one by one.",
                self.left_out
            ));
        }
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

fn words(call: &Call) -> String {
    match (&call.namespace, call.resource.as_str()) {
        (Some(namespace), resource) => format!("{} {resource} in {namespace}", call.verb),
        (None, resource @ ("nodes" | "namespaces")) => format!("{} {resource}", call.verb),
        (None, resource) => format!("{} {resource} in all namespaces", call.verb),
    }
}

fn in_words<T: Resource>(scopes: &[Scope]) -> String {
    let names: Vec<&str> = scopes.iter().filter_map(|scope| scope.namespace.as_deref()).collect();
    if names.len() < scopes.len() {
        format!("list and watch {} in all namespaces", T::PLURAL)
    } else {
        format!("list and watch {} in {}", T::PLURAL, some(&names))
    }
}

/// The first few of many names.
fn some(names: &[&str]) -> String {
    const SHOWN: usize = 5;
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{} and {more} more", names[..SHOWN].join(", ")),
        _ => names.join(", "),
    }
}

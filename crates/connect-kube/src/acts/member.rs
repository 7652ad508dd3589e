//! LLMInferenceServices that share the traffic of a routing group: which weights they have, by their own specs and by what their
//! controller says of each. Source: `GatewayRoutesSpec` and `GroupStatus` of `serving.kserve.io/v1alpha2`.

use super::list;
use crate::{client::Client, failure::Failure, read::Spot};
use pilothouse_connect::Seen;
use pilothouse_wire::{SmolStr, plan::Plan};
use serde_json::Value;

/// The kind that is a member.
pub(super) const KIND: &str = "LLMInferenceService";
/// Its own weight.
pub(super) const WEIGHT: &str = "/spec/router/route/weight";
/// The group that it is in.
pub(super) const GROUP: &str = "/spec/router/route/group";
/// What its controller says of all members.
pub(super) const MEMBERS: &str = "/status/router/group/members";

/// A member, as the controller of one of them says.
pub(crate) struct Member<'a> {
    pub name: &'a str,
    /// What it gets: nothing while it is stopped.
    pub weight: u32,
    pub stopped: bool,
}

/// The group that a service is in.
pub(crate) fn group(object: &Value) -> Option<&str> {
    object.pointer(GROUP)?.as_str()
}

/// The weight that its spec asks for.
pub(super) fn weight(object: &Value) -> Option<u32> {
    number(object.pointer(WEIGHT)?)
}

/// The members of its group, as its controller says: those that are ready, and those that are stopped.
pub(crate) fn members(object: &Value) -> Vec<Member<'_>> {
    let all = object.pointer(MEMBERS).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let member = |one| -> Option<Member<'_>> {
        let one: &Value = one;
        let stopped = one["stopped"] == true;
        let weight = if stopped { 0 } else { number(&one["weight"])? };
        Some(Member { name: one["name"].as_str()?, weight, stopped })
    };
    all.iter().filter_map(member).collect()
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|weight| u32::try_from(weight).ok())
}

/// All services of its group: each has a route of its own, with the weights of all of them.
pub(super) async fn of_group(client: &Client, spot: &Spot, object: &Value) -> Result<Vec<Value>, Failure> {
    let Some(group) = group(object) else { return Ok(Vec::new()) };
    let root = format!("/apis/{}/{}", spot.kind.group, spot.kind.version);
    let mut all = list(client, spot, &root, &spot.kind.plural).await?;
    let Value::Array(mut all) = all["items"].take() else { return Ok(Vec::new()) };
    all.retain(|one| one.pointer(GROUP).and_then(Value::as_str) == Some(group));
    Ok(all)
}

/// Does it have the weight, and does each member's route send it so much?
pub(super) fn seen(plan: &Plan, object: &Value, to: u32, group: &[Value]) -> Seen {
    if weight(object) != Some(to) {
        return Seen::Never("somebody set another weight since".to_owned());
    }
    let name = plan.intent.object.name();
    let knows =
        |of: &Value| members(of).iter().any(|member| member.name == name && (member.weight == to || member.stopped));
    let known = members(object);
    // One that is not ready has no route that anybody follows, and one that is stopped has none at all.
    let routed = |of: &&Value| {
        let of = of["metadata"]["name"].as_str().unwrap_or_default();
        of == name || known.iter().any(|member| member.name == of && !member.stopped)
    };
    let behind: Vec<SmolStr> = group
        .iter()
        .filter(routed)
        .filter(|of| !knows(of))
        .filter_map(|of| of["metadata"]["name"].as_str().map(SmolStr::new))
        .collect();
    if !knows(object) {
        return Seen::NotYet("its controller has not taken the weight up yet".to_owned());
    }
    // While a route changes and is not taken up again, its member is none for the others.
    let left = plan.traffic.iter().find(|share| known.iter().all(|member| member.name != share.of));
    if let Some(left) = left {
        return Seen::NotYet(format!("{} is out of the group for now: its route is not taken up", left.of));
    }
    if let [first, more @ ..] = behind.as_slice() {
        let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        return Seen::NotYet(format!("the route of {first}{more} still has the weights of before"));
    }
    let routes =
        object["status"]["conditions"].as_array().into_iter().flatten().find(|one| one["type"] == "RouterReady");
    if let Some(routes) = routes.filter(|one| one["status"] != "True") {
        let why = routes["message"].as_str().or(routes["reason"].as_str()).unwrap_or("it does not say why");
        return Seen::NotYet(format!("its routes are not taken up: {why}"));
    }
    let whole: u64 = known.iter().map(|member| u64::from(member.weight)).sum();
    let it = known.iter().find(|member| member.name == name);
    Seen::Met(match it {
        Some(it) if it.stopped => format!("it weighs {to}, and is stopped: nothing is sent to it"),
        _ => format!("it weighs {to} of {whole} in its group"),
    })
}

//! A member of a routing group of LLMInferenceServices: how much of the group's traffic it gets. Pure.

use super::{About, Draft, Guard, HEAVIEST, Part, SOON};
use crate::acts::member::{GROUP, KIND, MEMBERS, Member, WEIGHT, group, members, weight};
use pilothouse_wire::{
    Code, Problem,
    plan::{Affected, Deed, Expectation, Portion, Risk, Share},
};
use serde_json::json;

/// Another weight for the member.
pub(super) fn weigh(about: &About<'_>, to: u32) -> Result<Draft, Problem> {
    about.of(&[KIND], "given a weight")?;
    if to > HEAVIEST {
        return Err(Problem::new(Code::BadInput, format!("{to} is too heavy.")).next(format!("Give 0 to {HEAVIEST}.")));
    }
    let Some(group) = group(about.object) else {
        return Err(about
            .not_offered("given a weight")
            .why("It is in no routing group: no other service shares traffic with it.")
            .next("Put both services into one group first (spec.router.route.group, with a weight each)."));
    };
    let from = weight(about.object);
    if from == Some(to) {
        return Err(about.so_already(&format!("weighed {to}")));
    }
    let name = about.object["metadata"]["name"].as_str().unwrap_or_default();
    let known = members(about.object);
    let then = |member: &Member<'_>| if member.name == name && !member.stopped { to } else { member.weight };
    let mut guards = vec![Guard::new(GROUP, json!(group))];
    // Sending it nothing depends on no weight: it is never held up because its own or that of another changed meanwhile.
    if to > 0 {
        guards.extend(from.map(|from| Guard::new(WEIGHT, json!(from))));
        guards.extend(about.object.pointer(MEMBERS).map(|all| Guard::new(MEMBERS, all.clone())));
    }
    let put = json!({ "op": "add", "path": WEIGHT, "value": to });
    let was = from.map(|from| format!(" from {from}")).unwrap_or_default();
    Ok(Draft {
        title: format!("Weigh {KIND} {}{was} to {to} in group {group}", about.name),
        steps: vec![Part::patch(format!("Set its weight{was} to {to}"), guards, put)],
        traffic: shares(&known, then),
        // Traffic moves between pods that run: none is made anew.
        affected: Affected::default(),
        risk: risk(&known, then, name),
        warnings: warnings(&known, name),
        success: Expectation {
            words: format!("the routes of all members of {group} send it {to} parts, and are taken up"),
            within: SOON,
        },
        undo: from.map(Deed::MemberWeight),
    })
}

/// What becomes of the traffic of a group as one of its members is stopped or started, and how much that is.
pub(super) struct GroupTraffic {
    pub traffic: Vec<Share>,
    pub risk: (Risk, String),
    pub warnings: Vec<String>,
}

/// The member is stopped: the others share what it got. None where it shares traffic with nobody.
pub(super) fn stopped(about: &About<'_>) -> Option<GroupTraffic> {
    let group = group(about.object)?;
    let known = members(about.object);
    let name = about.object["metadata"]["name"].as_str().unwrap_or_default();
    let is_other = |member: &&Member<'_>| member.name != name && member.weight > 0;
    let risk = match known.iter().find(is_other) {
        Some(_) => format!(
            "All its pods end; the other members of group {group} get its traffic, with the pods that they have."
        ),
        None => format!(
            "All its pods end, and no other member of group {group} gets traffic: each request is answered with an error."
        ),
    };
    Some(weighed(&known, name, 0, (Risk::High, risk)))
}

/// The member is started: it gets its weight again. None where it shares traffic with nobody, or has no weight of its own.
pub(super) fn started(about: &About<'_>) -> Option<GroupTraffic> {
    let (group, to) = (group(about.object)?, weight(about.object)?);
    let known = members(about.object);
    let name = about.object["metadata"]["name"].as_str().unwrap_or_default();
    let risk = match to {
        0 => format!(
            "Its pods ask for their GPUs anew: where none is free they wait. In group {group} it weighs 0: it gets no traffic."
        ),
        to => format!(
            "Its pods ask for their GPUs anew: where none is free they wait. Once they are ready it gets its {to} parts in group {group}."
        ),
    };
    Some(weighed(&known, name, to, (if to == 0 { Risk::Low } else { Risk::Medium }, risk)))
}

/// The group with this weight for one of its members; one that its controller does not name is warned of.
fn weighed(known: &[Member<'_>], name: &str, to: u32, risk: (Risk, String)) -> GroupTraffic {
    let then = |member: &Member<'_>| if member.name == name { to } else { member.weight };
    let of_nobody = known.iter().all(|member| member.name != name);
    let warnings = if of_nobody { warnings(known, name) } else { Vec::new() };
    GroupTraffic { traffic: shares(known, then), risk, warnings }
}

fn shares(known: &[Member<'_>], then: impl Fn(&Member<'_>) -> u32) -> Vec<Share> {
    let whole = |of: &dyn Fn(&Member<'_>) -> u32| known.iter().map(|member| u64::from(of(member))).sum::<u64>();
    let (now_whole, then_whole) = (whole(&|member| member.weight), whole(&then));
    let share = |member: &Member<'_>| Share {
        of: member.name.to_owned(),
        now: Portion { part: member.weight, whole: now_whole },
        then: Portion { part: then(member), whole: then_whole },
    };
    known.iter().map(share).collect()
}

fn risk(known: &[Member<'_>], then: impl Fn(&Member<'_>) -> u32, name: &str) -> (Risk, String) {
    if !known.is_empty() && known.iter().all(|member| then(member) == 0) {
        return (Risk::High, "No member of the group gets traffic: each request is answered with an error.".to_owned());
    }
    match known.iter().find(|member| member.name == name) {
        None => (Risk::Low, "No traffic moves: it gets none before it is ready.".to_owned()),
        Some(it) if it.weight == 0 && then(it) > 0 => {
            (Risk::Medium, "It gets traffic, which it had none of. No pod is touched.".to_owned())
        }
        Some(_) => (Risk::Medium, "Traffic moves at once. No pod is touched.".to_owned()),
    }
}

fn warnings(known: &[Member<'_>], name: &str) -> Vec<String> {
    let of = |words: &str| vec![words.to_owned()];
    match known.iter().find(|member| member.name == name) {
        None => of(
            "Its controller does not name it among the members that get traffic: it is not ready, or nobody has looked yet.",
        ),
        Some(it) if it.stopped => of("It is stopped: nothing is sent to it until it is started."),
        Some(_) if known.len() < 2 => {
            of("It is the only member of its group that gets traffic: all of it stays where it is.")
        }
        Some(_) => Vec::new(),
    }
}

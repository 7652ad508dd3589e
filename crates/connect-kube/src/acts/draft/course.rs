//! Where a Rollout goes by itself, and what that makes of the traffic and of the pods of each revision. Pure.
//!
//! Sources, of Argo Rollouts v1.10: `CalculateReplicaCountsForBasicCanary`, `CalculateReplicaCountsForTrafficRoutedCanary`,
//! `UseSetCanaryScale`, `needsBlueGreenControllerPause`; which revisions wait for no step stands in [`rollout::fast`].

use super::{About, about::gpus, controllers::is_paused};
use crate::acts::{
    revision::Revision,
    rollout::{self, Fast, Standing},
};
use pilothouse_wire::{
    SmolStr,
    plan::{Affected, Resized, Share},
    units::span,
    view::{
        Step,
        delivery::{Wait, percent},
    },
};
use pilothouse_world::delivery;
use serde_json::Value;
use std::time::Duration;

/// The revision that is to get traffic.
#[derive(Clone, Copy)]
pub(super) enum Coming<'a> {
    /// The newest one.
    Newest,
    /// One that is kept, and becomes the newest.
    Kept(&'a Revision),
    /// One that is still to be made.
    Made,
}

/// Where it stops by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// At this step, from 0, with this weight for the revision that comes.
    Step(usize, u32),
    /// Beside the stable revision and without traffic, until it turns.
    Beside,
    /// Nowhere: the revision that comes has all traffic, for good.
    Whole,
    /// Back: the stable revision has all traffic.
    Back,
    /// Where it is: a person has paused it.
    Held,
}

/// A Rollout between its revisions.
pub(super) struct Course<'a> {
    about: &'a About<'a>,
    standing: &'a Standing,
    revisions: &'a [Revision],
}

/// A revision that has or gets traffic.
struct Row<'a> {
    name: String,
    revision: Option<&'a Revision>,
    hash: Option<&'a SmolStr>,
    comes: bool,
    stable: bool,
}

impl<'a> Course<'a> {
    pub fn new(about: &'a About<'a>, standing: &'a Standing, revisions: &'a [Revision]) -> Self {
        Self { about, standing, revisions }
    }

    fn of_hash(&self, hash: Option<&SmolStr>) -> Option<&'a Revision> {
        self.revisions.iter().find(|revision| hash.is_some() && revision.hash.as_ref() == hash)
    }

    pub fn stable(&self) -> Option<&'a Revision> {
        self.of_hash(self.standing.fact.stable.as_ref())
    }

    fn newest(&self) -> Option<&'a Revision> {
        self.of_hash(self.standing.fact.current.as_ref())
    }

    fn strategy(&self) -> &'a Value {
        &self.about.object["spec"]["strategy"]
    }

    fn blue_green(&self) -> Option<&'a Value> {
        rollout::blue_green(self.about.object)
    }

    fn is_routed(&self) -> bool {
        delivery::router(&self.standing.fact).is_some()
    }

    /// Where it gets from this step on, up to the next that waits.
    pub fn ahead(&self, from: usize) -> Reached {
        let steps = self.standing.steps();
        let waits =
            |step: &Step| matches!(step, Step::Pause(_) | Step::Analysis(_) | Step::Experiment | Step::Plugin(_));
        let set = |step: &Step| if let Step::Weight(weight) = step { Some(*weight) } else { None };
        match steps.iter().enumerate().skip(from).find(|(_, step)| waits(step)) {
            Some((at, _)) => Reached::Step(at, steps[..at].iter().rev().find_map(set).unwrap_or(0)),
            None => Reached::Whole,
        }
    }

    /// Where it gets once a revision begins.
    pub fn begins(&self, coming: Coming<'_>) -> Reached {
        match is_paused(self.about) && self.fast(coming) != Some(Fast::Stable) {
            true => Reached::Held,
            false => self.goes_on(coming, 0),
        }
    }

    /// Where it gets from this step on, once nobody has it paused.
    pub fn goes_on(&self, coming: Coming<'_>, from: usize) -> Reached {
        // The first revision of all is given everything.
        if self.standing.fact.stable.is_none() || self.fast(coming).is_some() {
            return Reached::Whole;
        }
        let turns_by_itself = |of: &Value| {
            let waits = of["autoPromotionSeconds"].as_u64().is_some_and(|seconds| seconds > 0);
            of["autoPromotionEnabled"] != false && !waits && of["prePromotionAnalysis"].is_null()
        };
        match self.blue_green() {
            Some(of) if !turns_by_itself(of) => Reached::Beside,
            Some(_) => Reached::Whole,
            None => self.ahead(from),
        }
    }

    /// Are its revisions known? Of one that is not made yet nothing is kept, but of the others.
    fn is_known(&self) -> bool {
        !self.revisions.is_empty()
    }

    /// Why a revision waits for no step, where it does not.
    pub fn fast(&self, coming: Coming<'_>) -> Option<Fast> {
        let revision = match coming {
            Coming::Newest => self.newest()?,
            Coming::Kept(revision) => revision,
            Coming::Made => return None,
        };
        rollout::fast(self.about.object, self.revisions, revision)
    }

    /// The revisions that have or get traffic: the one that comes, the newest so far, the stable one.
    fn rows(&self, coming: Coming<'a>) -> Vec<Row<'a>> {
        let (current, stable) = (self.standing.fact.current.as_ref(), self.standing.fact.stable.as_ref());
        let hash = match coming {
            Coming::Newest => current,
            Coming::Kept(revision) => revision.hash.as_ref(),
            Coming::Made => None,
        };
        let row = |hash: Option<&'a SmolStr>, role: &str, comes: bool| {
            let revision = self.of_hash(hash);
            let name = revision.map_or_else(|| role.to_owned(), |of| format!("revision {}, {role}", of.number));
            Row { name, revision, hash, comes, stable: hash.is_some() && hash == stable }
        };
        let mut rows = Vec::new();
        match coming {
            Coming::Made => {
                let name = "the revision that comes".to_owned();
                rows.push(Row { name, revision: None, hash: None, comes: true, stable: false });
            }
            Coming::Kept(_) if hash != stable && hash != current => rows.push(row(hash, "coming", true)),
            Coming::Newest | Coming::Kept(_) => {}
        }
        if current.is_some() && current != stable {
            rows.push(row(current, "newest", current == hash));
        }
        if stable.is_some() {
            rows.push(row(stable, "stable", stable == hash));
        }
        rows
    }

    /// The shares of its revisions, now and there; nothing where nobody can tell how they are now.
    pub fn traffic(&self, coming: Coming<'a>, reached: Reached) -> Vec<Share> {
        let fact = &self.standing.fact;
        let current = if fact.stable.is_none() || self.standing.is_whole() {
            Some(100)
        } else if self.is_routed() || self.blue_green().is_some() || self.is_known() {
            self.standing.actual(self.revisions).map(|now| self.in_percent(now))
        } else {
            None
        };
        let Some(current) = current else { return Vec::new() };
        let now = |row: &Row<'_>| match row.hash {
            None => 0,
            hash if hash == fact.current.as_ref() => current,
            _ if row.stable => 100 - current,
            _ => 0,
        };
        let part = match reached {
            Reached::Step(_, weight) => self.share(weight),
            Reached::Whole => 100,
            Reached::Beside | Reached::Back | Reached::Held => 0,
        };
        let then = |row: &Row<'_>| match (reached, row.comes, row.stable) {
            // A router sends nothing to a revision without pods, whoever has paused it.
            (Reached::Held, _, stable) if self.is_routed() => u32::from(stable) * 100,
            (Reached::Held, ..) => now(row),
            (_, true, true) => 100,
            (_, true, false) => part,
            (_, false, true) if self.has_come(coming) => 0,
            (_, false, true) => 100 - part,
            (_, false, false) => 0,
        };
        self.rows(coming).iter().map(|row| Share::in_percent(row.name.as_str(), now(row), then(row))).collect()
    }

    /// Is the one that comes the stable one?
    fn has_come(&self, coming: Coming<'_>) -> bool {
        self.fast(coming) == Some(Fast::Stable)
    }

    /// What a weight comes to, in percent: without a router traffic goes where pods are.
    fn share(&self, weight: u32) -> u32 {
        match self.is_routed() {
            true => self.in_percent(weight),
            false => {
                let (comes, stays) = self.by_pods(weight);
                let all = comes.saturating_add(stays).max(1);
                u32::try_from(u64::from(comes) * 100 / u64::from(all)).unwrap_or(100)
            }
        }
    }

    fn by_pods(&self, weight: u32) -> (u32, u32) {
        let all = self.about.replicas();
        by_pods(all, weight, surge(&self.strategy()["canary"]["maxSurge"], all))
    }

    fn in_percent(&self, weight: u32) -> u32 {
        let whole = u64::from(self.standing.whole().max(1));
        u32::try_from(u64::from(weight) * 100 / whole).unwrap_or(100).min(100)
    }

    /// The pods that begin or end on the way there, by revision. Where sizes of revisions are not known it is about all pods.
    pub fn affected(&self, coming: Coming<'a>, reached: Reached) -> Affected {
        if reached == Reached::Held {
            return Affected::default();
        }
        if !self.is_known() {
            return self.about.affected(self.about.replicas());
        }
        let rows = self.rows(coming);
        let (comes, stays) = self.pods(reached);
        let then = |row: &Row<'_>| match (row.comes, row.stable) {
            (true, _) => comes.unwrap_or_else(|| pods_of(row)),
            (false, true) => stays,
            (false, false) => 0,
        };
        let is_told = |one: &Revision| rows.iter().any(|row| row.revision.is_some_and(|of| of.hash == one.hash));
        let others = self.revisions.iter().filter(|one| one.pods > 0 && !is_told(one));
        let others = others.map(|one| (format!("revision {}", one.number), Some(one), one.pods, 0));
        let all = rows.iter().map(|row| (row.name.clone(), row.revision, pods_of(row), then(row))).chain(others);
        let mut affected = Affected::default();
        for (of, revision, now, then) in all.filter(|(.., now, then)| now != then) {
            let template = revision.map_or_else(|| self.about.template(), |revision| &revision.template);
            affected.pods = affected.pods.saturating_add(now.abs_diff(then));
            affected.gpus += gpus(&template["spec"]) * u64::from(now.abs_diff(then));
            affected.revisions.push(Resized { of, now, then });
        }
        affected
    }

    /// Pods of the revision that comes, and of the stable one; none for the first where it keeps those that it has.
    fn pods(&self, reached: Reached) -> (Option<u32>, u32) {
        let all = self.about.replicas();
        let number = |of: &Value| of.as_u64().and_then(|number| u32::try_from(number).ok());
        match reached {
            Reached::Whole => (Some(all), 0),
            Reached::Beside => {
                let preview = self.blue_green().and_then(|of| number(&of["previewReplicaCount"]));
                (Some(preview.unwrap_or(all)), all)
            }
            Reached::Back => {
                // Half a minute later, if not told otherwise; with 0 they stay.
                let of = self.blue_green().unwrap_or(&self.strategy()["canary"]);
                let stay = of["abortScaleDownDelaySeconds"] == 0 && (self.is_routed() || self.blue_green().is_some());
                ((!stay).then_some(0), all)
            }
            Reached::Held => (None, all),
            Reached::Step(at, weight) if self.is_routed() => {
                let (comes, stays) = self.routed(at, weight, all);
                (Some(comes), stays)
            }
            Reached::Step(_, weight) => {
                let (comes, stays) = self.by_pods(weight);
                (Some(comes), stays)
            }
        }
    }

    /// Where a router splits traffic the stable revision keeps its pods, unless it is told to shrink as the other one grows.
    fn routed(&self, at: usize, weight: u32, all: u32) -> (u32, u32) {
        let canary = &self.strategy()["canary"];
        let number = |of: &Value| of.as_u64().and_then(|number| u32::try_from(number).ok());
        let whole = self.standing.whole().max(1);
        let least = |pods: u32| match (pods, number(&canary["minPodsPerReplicaSet"])) {
            (0, _) | (_, None) => pods,
            (pods, Some(least)) => pods.max(least),
        };
        let of = |part: u32| {
            u32::try_from((u64::from(all) * u64::from(part)).div_ceil(u64::from(whole))).unwrap_or(u32::MAX)
        };
        let steps = canary["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
        let scale = steps.iter().take(at + 1).rev().map(|step| &step["setCanaryScale"]).find(|scale| scale.is_object());
        let scale = scale.filter(|scale| scale["matchTrafficWeight"] != true);
        let (pods, share) = scale.map_or((None, None), |of| (number(&of["replicas"]), number(&of["weight"])));
        let meant = match pods {
            Some(_) => 0,
            None => share.unwrap_or(weight),
        };
        let comes = pods.unwrap_or_else(|| least(of(meant)));
        if canary["dynamicStableScale"] != true {
            return (comes, all);
        }
        (comes, least(of(whole.saturating_sub(meant)).max(of(whole.saturating_sub(weight)))))
    }

    /// Where it stops, as a sentence.
    pub fn words(&self, reached: Reached) -> String {
        let steps = self.standing.steps();
        match reached {
            Reached::Step(at, weight) => {
                let waits = match steps.get(at) {
                    Some(Step::Pause(Wait::ForPerson)) => "for a person".to_owned(),
                    Some(Step::Pause(Wait::For(ms))) => format!("{} long", span(Duration::from_millis(*ms))),
                    Some(Step::Pause(Wait::Unread(text))) => format!("for {text}"),
                    Some(Step::Analysis(_)) => "for its analysis".to_owned(),
                    Some(Step::Experiment) => "for its experiment".to_owned(),
                    Some(Step::Plugin(name)) => format!("for plug-in {name}"),
                    _ => "for something that is not known".to_owned(),
                };
                let wanted = percent(weight, self.standing.whole().into());
                let nearest = percent(self.share(weight), 100);
                let near = match self.is_routed() || wanted == nearest {
                    true => String::new(),
                    false => format!(" Without a router its pods come no nearer to that than {nearest}."),
                };
                format!("It waits {waits} at step {} of {}, at a weight of {wanted}.{near}", at + 1, steps.len())
            }
            Reached::Beside => {
                let of = self.blue_green().unwrap_or(&Value::Null);
                let until = match (of["autoPromotionEnabled"] == false, of["autoPromotionSeconds"].as_u64()) {
                    (_, Some(seconds)) if seconds > 0 => format!("for {}", span(Duration::from_secs(seconds))),
                    (true, _) => "until a person promotes it".to_owned(),
                    (false, _) => "until its analysis has passed".to_owned(),
                };
                format!("It stands beside the stable revision without traffic {until}.")
            }
            Reached::Whole => "No step keeps it from all of the traffic.".to_owned(),
            Reached::Back => String::new(),
            Reached::Held => "It is paused by a person: no pod changes until it is resumed.".to_owned(),
        }
    }
}

fn pods_of(row: &Row<'_>) -> u32 {
    row.revision.map_or(0, |revision| revision.pods)
}

/// Pods that may come beyond those that are wanted: a number, or a share of them, rounded up.
fn surge(value: &Value, all: u32) -> u64 {
    let text = value.as_str().unwrap_or("25%");
    let share = text.strip_suffix('%').and_then(|share| share.parse::<u64>().ok());
    let share = share.map(|share| share.saturating_mul(all.into()).div_ceil(100));
    value.as_u64().or(share).or_else(|| text.parse().ok()).unwrap_or(0)
}

/// Where pods alone split traffic: as many of the one that comes, and of the stable one, as come nearest to a weight in percent, and
/// at least one of each. Source: `approximateWeightedCanaryStableReplicaCounts`.
fn by_pods(all: u32, weight: u32, surge: u64) -> (u32, u32) {
    if all == 0 {
        return (0, 0);
    }
    let (wide, weight) = (u64::from(all), u64::from(weight.min(100)));
    let (up, down) = ((wide * weight).div_ceil(100), wide * weight / 100);
    let may_be_none = weight == 0 || weight == 100 || (all == 1 && surge == 0);
    let is_tied = |total: u64| total * weight % 100 == 50;
    let mut options = Vec::new();
    options.extend((up < wide || may_be_none).then_some((up, wide)));
    options.extend((!is_tied(wide) && (down > 0 || may_be_none)).then_some((down, wide)));
    if surge > 0 {
        options.push((up, wide + 1));
        options.extend((!is_tied(wide + 1) && (down > 0 || may_be_none)).then_some((down, wide + 1)));
    }
    // How far it is from the weight, times both totals: whole numbers compare exactly. The first of the nearest is taken.
    let far = |(pods, total): (u64, u64)| (pods * 100).abs_diff(weight * total);
    let nearer = |best: (u64, u64), next: (u64, u64)| {
        if far(next) * best.1 < far(best) * next.1 { next } else { best }
    };
    let (comes, total) = options.into_iter().reduce(nearer).unwrap_or((0, wide));
    let [comes, stays] = [comes, total.saturating_sub(comes)].map(|pods| u32::try_from(pods).unwrap_or(u32::MAX));
    (comes, stays)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The cases of Argo's own test of it, and those that people have measured.
    #[test]
    fn pods_come_as_near_to_a_weight_as_whole_pods_can() {
        for (all, weight, surge, want) in [
            (10, 0, 1, (0, 10)),
            (10, 1, 1, (1, 10)),
            (10, 18, 1, (2, 9)),
            (10, 19, 1, (2, 9)),
            (10, 20, 1, (2, 8)),
            (10, 23, 1, (2, 8)),
            (10, 24, 1, (3, 8)),
            (10, 25, 1, (3, 8)),
            (10, 99, 1, (10, 1)),
            (10, 100, 1, (10, 0)),
            (4, 10, 1, (1, 4)),
            (5, 10, 2, (1, 5)),
            (5, 20, 2, (1, 4)),
            (5, 60, 2, (3, 2)),
            (3, 50, 0, (2, 1)),
            (1, 50, 0, (1, 0)),
            (0, 50, 1, (0, 0)),
        ] {
            assert_eq!(by_pods(all, weight, surge), want, "{weight} % of {all} with {surge} more");
        }
        assert_eq!([surge(&json!("25%"), 5), surge(&Value::Null, 10), surge(&json!(1), 9)], [2, 3, 1]);
        assert_eq!(surge(&json!("0"), 9), 0);
    }
}

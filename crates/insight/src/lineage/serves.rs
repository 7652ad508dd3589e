//! From a registered model to the workloads that serve its versions, and did.

use super::model::{Resolved, resolve};
use pilothouse_wire::{
    ModelId, ObjectRef, SmolStr, Stamp,
    view::{
        GoneStart, LineageVerdict, LineageView, ModelsView, PodStart, ServedRow, ServesRow, WorkloadStarts,
        delivery::Split,
    },
};
use std::{cmp::Reverse, collections::BTreeMap};

/// Places where it served before that are shown.
const MOST_BEFORE: usize = 100;

/// Where the versions of a model serve, and did, by what containers are started with.
#[must_use]
pub fn serves(model: &ModelId, starts: &[WorkloadStarts], models: &ModelsView) -> LineageView {
    let mut now: Vec<ServesRow> = starts.iter().flat_map(|workload| rows(model, workload, models)).collect();
    // The newest first, and last what is not known.
    now.sort_by(|a, b| (Reverse(a.version), &a.workload).cmp(&(Reverse(b.version), &b.workload)));
    let is_still =
        |row: &ServedRow| now.iter().any(|other| other.workload == row.workload && other.version == row.version);
    let mut before: Vec<ServedRow> = starts.iter().flat_map(|workload| past(model, workload, models)).collect();
    before.retain(|row| !is_still(row));
    before.sort_by(|a, b| (Reverse(a.until), &a.workload).cmp(&(Reverse(b.until), &b.workload)));
    before.truncate(MOST_BEFORE);
    LineageView { model: model.clone(), now, before }
}

/// What a pod runs of a model.
struct Runs {
    version: Option<u64>,
    began: Stamp,
    verdict: LineageVerdict,
    evidence: String,
}

/// What a pod runs of a model, each version once. What does not run serves nothing.
fn of_pod(model: &ModelId, pod: &PodStart, models: &ModelsView) -> Vec<Runs> {
    let mut all: Vec<Runs> = Vec::new();
    for start in &pod.starts {
        let Some(began) = start.began else { continue };
        for address in &start.models {
            let Resolved { model: found, version, verdict, evidence, .. } = resolve(address, Some(began), models);
            let is_it = found.is_some_and(|found| found.id == *model);
            if is_it && all.iter().all(|known| known.version != version) {
                all.push(Runs { version, began, verdict, evidence });
            }
        }
    }
    all
}

fn rows(model: &ModelId, workload: &WorkloadStarts, models: &ModelsView) -> Vec<ServesRow> {
    let runs: Vec<Vec<Runs>> = workload.pods.iter().map(|pod| of_pod(model, pod, models)).collect();
    let mut by_version: BTreeMap<Option<u64>, ServesRow> = BTreeMap::new();
    for (pod, runs) in workload.pods.iter().zip(&runs) {
        for Runs { version, began, verdict, evidence } in runs {
            let row = by_version.entry(*version).or_insert_with(|| ServesRow {
                version: *version,
                workload: workload.workload.clone(),
                pods: 0,
                ready: 0,
                gpus: 0,
                traffic: Split::default(),
                share: String::new(),
                since: None,
                verdict: LineageVerdict::Pinned,
                evidence: evidence.clone(),
            });
            row.pods += 1;
            row.ready += u64::from(pod.ready);
            row.gpus = row.gpus.saturating_add(pod.gpus);
            row.since = row.since.map_or(Some(*began), |since| Some(since.min(*began)));
            // The worst of them is told.
            if *verdict < row.verdict {
                (row.verdict, row.evidence) = (*verdict, evidence.clone());
            }
        }
    }
    by_version.into_values().map(|row| with_share(row, workload, &runs)).collect()
}

fn with_share(row: ServesRow, workload: &WorkloadStarts, runs: &[Vec<Runs>]) -> ServesRow {
    let runs_it = |at: usize| runs[at].iter().any(|runs| runs.version == row.version);
    let (traffic, share) = match share(workload, runs_it) {
        Ok((traffic, share)) => (traffic, share),
        Err(why) => (Split { whole: 100, ..Split::default() }, why.to_owned()),
    };
    ServesRow { traffic, share, ..row }
}

/// The share of a workload's traffic that those of its pods get which run something, and how that is known; or why it is not.
fn share(workload: &WorkloadStarts, runs_it: impl Fn(usize) -> bool) -> Result<(Split, String), &'static str> {
    let Some((split, router)) = &workload.split else {
        return Err("Nothing is read that splits traffic between its pods.");
    };
    let of = |part: u32| Split { wanted: None, actual: Some(part), whole: split.whole };
    let all: Vec<usize> = (0..workload.pods.len()).collect();
    if all.iter().all(|at| runs_it(*at)) {
        return Ok((of(split.whole), "All of its pods run it.".to_owned()));
    }
    let newest = split.actual.ok_or("How its traffic is split is not told.")?;
    if workload.pods.iter().any(|pod| pod.current.is_none()) {
        return Err("Its pods do not say of which revision they are.");
    }
    let mut part = 0;
    for (is_current, weight) in [(true, newest), (false, split.whole.saturating_sub(newest))] {
        let pods: Vec<usize> =
            all.iter().copied().filter(|at| workload.pods[*at].current == Some(is_current)).collect();
        match pods.iter().filter(|at| runs_it(**at)).count() {
            0 => {}
            n if n == pods.len() => part += weight,
            _ => return Err("Only some pods of a revision run it."),
        }
    }
    Ok((of(part), by(router.as_ref())))
}

fn by(router: Option<&SmolStr>) -> String {
    match router {
        Some(router) => format!("Its traffic is split by {router}."),
        None => "By its share of the pods that are available.".to_owned(),
    }
}

fn past(model: &ModelId, workload: &WorkloadStarts, models: &ModelsView) -> Vec<ServedRow> {
    let mut by_version: BTreeMap<Option<u64>, ServedRow> = BTreeMap::new();
    for GoneStart { start, pods, until } in &workload.gone {
        for address in &start.models {
            let Resolved { model: found, version, evidence, .. } = resolve(address, start.began, models);
            if found.is_none_or(|found| found.id != *model) {
                continue;
            }
            let workload: &ObjectRef = &workload.workload;
            let row = by_version.entry(version).or_insert_with(|| ServedRow {
                version,
                workload: workload.clone(),
                pods: 0,
                since: start.began,
                until: *until,
                evidence,
            });
            row.pods = row.pods.saturating_add(*pods);
            row.since = row.since.min(start.began);
            row.until = row.until.max(*until);
        }
    }
    by_version.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::{super::model::tests::models, *};
    use pilothouse_wire::{AddressPlace, ConnectionId, ModelAddress, view::ContainerStart};

    fn started(text: &str, began: i64) -> ContainerStart {
        ContainerStart {
            container: "server".into(),
            began: Some(Stamp(1_000 * began)),
            models: vec![ModelAddress { text: text.into(), place: AddressPlace::Argument }],
        }
    }

    fn pod(text: &str, began: i64, current: Option<bool>) -> PodStart {
        PodStart { current, ready: true, gpus: 8, starts: vec![started(text, began)] }
    }

    fn workload(name: &str, split: Option<(Option<u32>, Option<&str>)>, pods: Vec<PodStart>) -> WorkloadStarts {
        let split = split.map(|(actual, router)| (Split { wanted: None, actual, whole: 100 }, router.map(Into::into)));
        let workload = format!("workload:iad/serving/Rollout/{name}").parse().unwrap();
        WorkloadStarts { workload, split, pods, gone: Vec::new() }
    }

    fn of(starts: &[WorkloadStarts]) -> LineageView {
        serves(&ModelId { source: ConnectionId::slug("main"), name: "chat".into() }, starts, &models())
    }

    /// Version, workload, pods, GPUs, share, since, verdict.
    #[track_caller]
    fn check(starts: &[WorkloadStarts], want: &[&str]) {
        let line = |row: &ServesRow| {
            let version = row.version.map_or_else(|| "?".to_owned(), |version| version.to_string());
            let (name, share) = (row.workload.name(), row.traffic.words(row.traffic.actual));
            let (since, verdict) = (row.since.map_or(0, |since| since.0 / 1_000), row.verdict.word());
            assert!(!row.share.is_empty() && !row.evidence.is_empty(), "{row:?}");
            format!("{version} {name} {} pods {} GPUs {share} since {since} {verdict}", row.pods, row.gpus)
        };
        assert_eq!(of(starts).now.iter().map(line).collect::<Vec<_>>(), want);
    }

    #[test]
    fn a_version_serves_where_pods_are_started_with_it() {
        let (new, old) = ("models:/chat/3", "runs:/r1/model");
        let canary = |router| {
            let pods = vec![pod(new, 8, Some(true)), pod(old, 5, Some(false)), pod(old, 4, Some(false))];
            [workload("chat", Some((Some(20), router)), pods)]
        };
        let want = ["3 chat 1 pods 8 GPUs 20 % since 8 pinned", "1 chat 2 pods 16 GPUs 80 % since 4 pinned"];
        check(&canary(Some("istio")), &want);
        check(&canary(None), &want);
        assert_eq!(of(&canary(Some("istio"))).now[0].share, "Its traffic is split by istio.");
        let all = workload("chat", Some((None, None)), vec![pod(new, 8, None), pod("models:/chat@champion", 7, None)]);
        // By whatever address: the better known does not hide the less known.
        check(&[all], &["3 chat 2 pods 16 GPUs 100 % since 7 current"]);
        check(&[workload("x", None, vec![pod("models:/orphan/1", 1, None), pod("s3://b/c", 1, None)])], &[]);
        let waits = PodStart { starts: vec![ContainerStart { began: None, ..started(new, 1) }], ..PodStart::default() };
        check(&[workload("x", None, vec![waits])], &[]);
    }

    #[test]
    fn the_share_is_unknown_where_nothing_tells_it() {
        let (new, old) = ("models:/chat/3", "models:/chat/1");
        for (split, pods, why) in [
            (None, vec![pod(new, 8, None)], "Nothing is read that splits traffic between its pods."),
            (
                Some((None, None)),
                vec![pod(new, 8, Some(true)), pod(old, 8, Some(false))],
                "How its traffic is split is not told.",
            ),
            (
                Some((Some(20), None)),
                vec![pod(new, 8, None), pod(old, 8, None)],
                "Its pods do not say of which revision they are.",
            ),
            (
                Some((Some(20), None)),
                vec![pod(new, 8, Some(true)), PodStart { current: Some(true), ..PodStart::default() }],
                "Only some pods of a revision run it.",
            ),
        ] {
            let view = of(&[workload("chat", split, pods)]);
            assert_eq!((view.now[0].traffic.actual, view.now[0].share.as_str()), (None, why));
        }
    }

    #[test]
    fn what_moved_since_is_told_with_the_version_that_runs_and_what_is_not_known_comes_last() {
        let pods = vec![pod("models:/chat@champion", 5, None), pod("models:/chat@champion", 3, None)];
        let all = [workload("chat", None, pods), workload("b", None, vec![pod("models:/chat@champion", 6, None)])];
        check(
            &all,
            &[
                "3 b 1 pods 8 GPUs — since 6 current",
                "2 chat 1 pods 8 GPUs — since 5 moved",
                "? chat 1 pods 8 GPUs — since 3 moved",
            ],
        );
        assert_eq!(of(&all).of_version(2).count(), 2);
    }

    #[test]
    fn where_it_served_before_is_told_once_a_workload_and_not_where_it_still_does() {
        let gone = |text: &str, began, until: i64| GoneStart {
            start: started(text, began),
            pods: 1,
            until: Stamp(1_000 * until),
        };
        let mut chat = workload("chat", None, vec![pod("models:/chat/3", 8, None)]);
        chat.gone = vec![
            gone("models:/chat/1", 1, 7),
            gone("models:/chat/1", 2, 8),
            gone("models:/chat/3", 4, 8),
            gone("models:/chat@champion", 5, 9),
            gone("models:/orphan/1", 5, 9),
        ];
        let view = of(&[chat]);
        let line = |row: &ServedRow| {
            let since = row.since.map_or(0, |since| since.0 / 1_000);
            format!("{:?} {} pods {since} to {}", row.version, row.pods, row.until.0 / 1_000)
        };
        let before: Vec<String> = view.before.iter().map(line).collect();
        assert_eq!(before, ["Some(2) 1 pods 5 to 9", "Some(1) 2 pods 1 to 8"]);
        assert_eq!(view.before_of(1).count(), 1);
    }
}

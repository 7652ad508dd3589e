//! From a repository of a registry to the workloads that run its artefacts, by what their nodes say that they pulled.

use super::{image, reference::Reference};
use pilothouse_wire::{
    SmolStr, Stamp,
    view::{
        ArtifactServesRow, ArtifactServesView, ArtifactsView, LineageVerdict, PodImages, RepositoryId, WorkloadImages,
    },
};
use std::{cmp::Reverse, collections::BTreeMap};

/// Rows of one repository that are shown.
const MOST: usize = 500;

/// Where the artefacts of a repository serve.
#[must_use]
pub fn artifact_serves(
    repository: &RepositoryId,
    workloads: &[WorkloadImages],
    artifacts: &ArtifactsView,
) -> ArtifactServesView {
    let hosts = artifacts.repositories.get(repository).map(|row| row.hosts.as_slice()).unwrap_or_default();
    let is_it = |reference: &Reference| hosts.contains(&reference.host) && reference.repository == repository.name;
    let mut rows: Vec<ArtifactServesRow> =
        workloads.iter().flat_map(|workload| of_workload(workload, artifacts, &is_it)).collect();
    rows.sort_by(|a, b| {
        let key = |row: &ArtifactServesRow| (row.digest.is_none(), Reverse(row.pods));
        (key(a), &a.workload, &a.digest, &a.named).cmp(&(key(b), &b.workload, &b.digest, &b.named))
    });
    rows.truncate(MOST);
    ArtifactServesView { repository: repository.clone(), rows }
}

/// What one pod runs of it.
struct Runs {
    digest: Option<SmolStr>,
    named: SmolStr,
    since: Option<Stamp>,
    verdict: LineageVerdict,
    evidence: String,
}

fn of_workload(
    workload: &WorkloadImages,
    artifacts: &ArtifactsView,
    is_it: &impl Fn(&Reference) -> bool,
) -> Vec<ArtifactServesRow> {
    let mut all: BTreeMap<(Option<SmolStr>, SmolStr), ArtifactServesRow> = BTreeMap::new();
    for pod in &workload.pods {
        for Runs { digest, named, since, verdict, evidence } in of_pod(pod, artifacts, is_it) {
            let row = all.entry((digest.clone(), named.clone())).or_insert_with(|| ArtifactServesRow {
                digest,
                named,
                workload: workload.workload.clone(),
                pods: 0,
                ready: 0,
                gpus: 0,
                since: None,
                verdict,
                evidence: evidence.clone(),
            });
            row.pods += 1;
            row.ready += u64::from(pod.ready);
            row.gpus = row.gpus.saturating_add(pod.gpus);
            row.since = [row.since, since].into_iter().flatten().min();
            // The worst of them is told.
            if verdict < row.verdict {
                (row.verdict, row.evidence) = (verdict, evidence);
            }
        }
    }
    all.into_values().collect()
}

/// What a pod runs of a repository, each digest under each name once.
fn of_pod(pod: &PodImages, artifacts: &ArtifactsView, is_it: &impl Fn(&Reference) -> bool) -> Vec<Runs> {
    let mut all: Vec<Runs> = Vec::new();
    for image in &pod.images {
        let reference = Reference::read(&image.image);
        if is_it(&reference) {
            let lineage = image::lineage(image, artifacts);
            all.push(Runs {
                digest: image.digest.clone(),
                named: named(&reference),
                since: image.started,
                verdict: lineage.verdict,
                evidence: lineage.sentence,
            });
        }
    }
    for (address, since) in &pod.addresses {
        let reference = Reference::read(address);
        if is_it(&reference) {
            let (verdict, evidence) = match &reference.digest {
                Some(_) => {
                    (LineageVerdict::Pinned, "It is started with this address, which names the digest.".to_owned())
                }
                None => (
                    LineageVerdict::Unknown,
                    format!("It is started with oci://{address}; which digest was fetched then nobody tells."),
                ),
            };
            let named = named(&reference);
            all.push(Runs { digest: reference.digest, named, since: *since, verdict, evidence });
        }
    }
    let mut seen = Vec::new();
    all.retain(|runs| {
        let key = (runs.digest.clone(), runs.named.clone());
        let is_new = !seen.contains(&key);
        seen.push(key);
        is_new
    });
    all
}

fn named(reference: &Reference) -> SmolStr {
    reference.digest.clone().or_else(|| reference.tag.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        ConnectionId, TagId,
        artifact::ArtifactKind,
        view::{ContainerImage, RepositoryRow, TagRow},
    };

    fn repository(name: &str) -> RepositoryId {
        RepositoryId { source: ConnectionId::slug("models"), name: name.into() }
    }

    fn artifacts() -> ArtifactsView {
        let row =
            RepositoryRow { id: repository("team/chat"), hosts: vec!["reg.example".into()], watched: 1, more: false };
        let tag = TagRow {
            id: TagId { source: ConnectionId::slug("models"), repository: "team/chat".into(), tag: "prod".into() },
            digest: "sha256:2".into(),
            since: Stamp(5_000),
            from: Some("sha256:1".into()),
            kind: ArtifactKind::Image,
            size: Some(1),
            created: None,
            parts: Vec::new(),
        };
        ArtifactsView { repositories: [row].into_iter().collect(), tags: [tag].into_iter().collect() }
    }

    fn pod(image: &str, digest: Option<&str>, addresses: &[&str]) -> PodImages {
        let image = ContainerImage {
            container: "server".into(),
            image: image.into(),
            digest: digest.map(Into::into),
            started: Some(Stamp(1_000)),
        };
        let addresses = addresses.iter().map(|text| ((*text).into(), Some(Stamp(2_000)))).collect();
        PodImages { ready: true, gpus: 4, images: vec![image], addresses }
    }

    #[track_caller]
    fn check(pods: Vec<PodImages>, want: &[&str]) {
        let workload = "workload:iad/serving/Deployment/chat".parse().unwrap();
        let view = artifact_serves(&repository("team/chat"), &[WorkloadImages { workload, pods }], &artifacts());
        let line = |row: &ArtifactServesRow| {
            assert!(!row.evidence.is_empty());
            let digest = row.digest.as_deref().unwrap_or("?");
            format!("{digest} by {}: {} pods {} GPUs {}", row.named, row.pods, row.gpus, row.verdict.word())
        };
        assert_eq!(view.rows.iter().map(line).collect::<Vec<_>>(), want);
    }

    #[test]
    fn an_artefact_serves_where_nodes_pulled_its_digest() {
        let (old, new) = (Some("sha256:1"), Some("sha256:2"));
        let image = "reg.example/team/chat:prod";
        check(
            vec![pod(image, new, &[]), pod(image, old, &[]), pod(image, old, &[]), pod(image, None, &[])],
            &[
                "sha256:1 by prod: 2 pods 8 GPUs moved",
                "sha256:2 by prod: 1 pods 4 GPUs current",
                "? by prod: 1 pods 4 GPUs unknown",
            ],
        );
        check(vec![pod("reg.example/team/chat@sha256:2", new, &[])], &["sha256:2 by sha256:2: 1 pods 4 GPUs pinned"]);
    }

    #[test]
    fn of_another_registry_or_repository_nothing_is_taken_and_a_model_by_its_address_is() {
        check(vec![pod("other.example/team/chat:prod", Some("sha256:1"), &[])], &[]);
        check(vec![pod("reg.example/team/chat-next:prod", Some("sha256:1"), &[])], &[]);
        let addresses = ["reg.example/team/chat:v1", "reg.example/team/chat@sha256:1"];
        check(
            vec![pod("vllm/vllm-openai:v1", None, &addresses)],
            &["sha256:1 by sha256:1: 1 pods 4 GPUs pinned", "? by v1: 1 pods 4 GPUs unknown"],
        );
    }

    #[test]
    fn the_rows_of_an_index_are_those_of_its_manifests_and_of_none() {
        let image = "reg.example/team/chat:prod";
        let workload = "workload:iad/serving/Deployment/chat".parse().unwrap();
        let pods = vec![pod(image, Some("sha256:1"), &[]), pod(image, Some("sha256:2"), &[]), pod(image, None, &[])];
        let view = artifact_serves(&repository("team/chat"), &[WorkloadImages { workload, pods }], &artifacts());
        let of = |digest: &str, parts: &[SmolStr]| view.of(digest, parts).count();
        assert_eq!((of("sha256:1", &[]), of("sha256:9", &["sha256:1".into(), "sha256:2".into()])), (2, 3));
    }
}

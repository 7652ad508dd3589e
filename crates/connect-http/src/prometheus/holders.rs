//! Who holds a GPU, by the labels of its series. Nobody is taken for a holder who is only the exporter itself.
//!
//! A scrape adds the labels of its target to every series. Where a target has `pod` and `namespace` (a ServiceMonitor
//! gives it both), these are the exporter's own pod, and what the exporter said is renamed to `exported_pod`, unless
//! `honorLabels` is set; and the series of a GPU that nobody holds carry the exporter's pod in both cases. The targets'
//! own labels stand on `up`, so that the two can be told apart.

use super::answer::{Labels, Sample};
use pilothouse_wire::SmolStr;
use pilothouse_world::fact::DeviceClaim;
use std::collections::{BTreeMap, BTreeSet};

/// A target: job and instance.
type Target = (SmolStr, SmolStr);
/// A pod: namespace and name.
type Pod = (SmolStr, SmolStr);

/// What is known of the targets that GPUs are measured through.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Pods that the targets themselves are. A target without a pod has none here, but is known.
    own: BTreeMap<Target, BTreeSet<Pod>>,
    /// Jobs in which labels of the exporter were renamed: there a bare `pod` is the target's.
    renaming: BTreeSet<SmolStr>,
}

impl Targets {
    /// By the series `up` of the targets, and by those of the GPUs.
    #[must_use]
    pub fn of(up: &[Sample], series: &[Sample]) -> Self {
        let mut targets = Self::default();
        for sample in up {
            let pods = targets.own.entry(target(&sample.labels)).or_default();
            pods.extend(pod(&sample.labels, "namespace", "pod"));
        }
        let renamed = series.iter().filter(|sample| sample.labels.get("exported_pod").is_some());
        targets.renaming = renamed.map(|sample| target(&sample.labels).0).collect();
        targets
    }

    /// Who holds the device of this series, or the part of it, if the series says so.
    #[must_use]
    pub fn claim(&self, labels: &Labels) -> Option<DeviceClaim> {
        let (namespace, pod) = self.holder(labels)?;
        let claimed_in = || labels.get("dra_claim_namespace").unwrap_or(&namespace);
        let dra = labels.get("dra_claim_name").map(|name| SmolStr::from(format!("{}/{name}", claimed_in())));
        Some(DeviceClaim { slice: slice(labels), dra, namespace, pod })
    }

    fn holder(&self, labels: &Labels) -> Option<Pod> {
        let renamed = pod(labels, "exported_namespace", "exported_pod");
        // Intel's exporter.
        let plain = || pod(labels, "kube_namespace", "kube_pod");
        renamed.or_else(plain).or_else(|| self.theirs(labels, "namespace", "pod", "container")).or_else(|| {
            // dcgm-exporter with the names of its first versions. No target has these: nothing renames them.
            let found = pod(labels, "pod_namespace", "pod_name")?;
            let is_own = self.own.get(&target(labels)).map_or(is_exporter(&found.1), |own| own.contains(&found));
            (!is_own && !labels.get("container_name").is_some_and(is_exporter)).then_some(found)
        })
    }

    /// A pod that is not the target's own.
    fn theirs(&self, labels: &Labels, namespace: &str, name: &str, container: &str) -> Option<Pod> {
        let found = pod(labels, namespace, name)?;
        (!self.is_own(labels, &found) && !labels.get(container).is_some_and(is_exporter)).then_some(found)
    }

    /// Is this pod the exporter that says it?
    #[must_use]
    pub fn is_own(&self, labels: &Labels, pod: &Pod) -> bool {
        let target = target(labels);
        match self.own.get(&target) {
            Some(own) => own.contains(pod) || (!own.is_empty() && self.renaming.contains(&target.0)),
            None => self.renaming.contains(&target.0) || is_exporter(&pod.1) || begins_with(&pod.1, &target.0),
        }
    }

    /// Is this host name only that of the exporter's pod?
    #[must_use]
    pub fn is_own_name(&self, labels: &Labels, host: &str) -> bool {
        let own = self.own.get(&target(labels));
        own.is_some_and(|pods| pods.iter().any(|(_, pod)| pod == host)) || is_exporter(host)
    }
}

fn target(labels: &Labels) -> Target {
    let label = |name| labels.get(name).cloned().unwrap_or_default();
    (label("job"), label("instance"))
}

fn pod(labels: &Labels, namespace: &str, name: &str) -> Option<Pod> {
    Some((labels.get(namespace)?.clone(), labels.get(name)?.clone()))
}

fn begins_with(pod: &str, job: &str) -> bool {
    !job.is_empty() && pod.strip_prefix(job).is_some_and(|rest| rest.starts_with('-'))
}

/// By its name, where nothing better is known.
fn is_exporter(name: impl AsRef<str>) -> bool {
    ["dcgm-exporter", "device-metrics-exporter", "xpumanager"].iter().any(|known| name.as_ref().contains(known))
}

/// The part of the device: a MIG instance with its profile, or a partition of an AMD device with its mode.
fn slice(labels: &Labels) -> Option<SmolStr> {
    let mode = labels.get("gpu_compute_partition_type").filter(|mode| !mode.eq_ignore_ascii_case("spx"));
    let (kind, id) = match (labels.get("GPU_I_ID"), mode) {
        (Some(id), _) => (labels.get("GPU_I_PROFILE"), id),
        (None, Some(mode)) => (Some(mode), labels.get("gpu_partition_id")?),
        (None, None) => return None,
    };
    Some(kind.map_or_else(|| id.clone(), |kind| format!("{kind}/{id}").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let target = [("job", "gpus"), ("instance", "10.0.0.7:9400")];
        target.iter().chain(pairs).copied().collect()
    }

    fn sample(pairs: &[(&str, &str)]) -> Sample {
        Sample { labels: labels(pairs), value: 1.0 }
    }

    const OWN: [(&str, &str); 3] = [("namespace", "gpu-operator"), ("pod", "nv-x7k2p"), ("container", "nv")];
    const BUSY: [(&str, &str); 3] = [("namespace", "serving"), ("pod", "chat-0"), ("container", "server")];
    const RENAMED: [(&str, &str); 3] =
        [("exported_namespace", "serving"), ("exported_pod", "chat-0"), ("exported_container", "server")];

    /// Two GPUs of one target, one of them idle: the holder of each.
    #[track_caller]
    fn check(up: Option<&[(&str, &str)]>, busy: &[(&str, &str)], idle: &[(&str, &str)]) {
        let series = [sample(busy), sample(idle)];
        let up: Vec<Sample> = up.into_iter().map(sample).collect();
        let targets = Targets::of(&up, &series);
        let held = series
            .map(|sample| targets.claim(&sample.labels).map(|claim| format!("{}/{}", claim.namespace, claim.pod)));
        assert_eq!(held, [Some("serving/chat-0".to_owned()), None]);
    }

    #[test]
    fn with_renamed_labels_the_bare_pod_is_the_exporter() {
        check(Some(&OWN), &[OWN, RENAMED].concat(), &OWN);
        // Without `up`, which a remote store may lack, the renamed labels of a neighbour tell as much.
        check(None, &[OWN, RENAMED].concat(), &OWN);
    }

    #[test]
    fn with_honoured_labels_an_idle_gpu_carries_the_exporters_pod() {
        check(Some(&OWN), &BUSY, &OWN);
    }

    #[test]
    fn without_a_pod_on_the_target_the_bare_pod_is_the_holder() {
        check(Some(&[]), &BUSY, &[]);
        check(None, &BUSY, &[]);
    }

    #[test]
    fn without_up_an_exporter_is_known_by_its_names() {
        let named = |pod, container| [("namespace", "gpu-operator"), ("pod", pod), ("container", container)];
        check(None, &BUSY, &named("nvidia-dcgm-exporter-x7k2p", ""));
        check(None, &BUSY, &named("x7k2p", "nvidia-dcgm-exporter"));
        check(None, &BUSY, &named("gpus-x7k2p", "main"));
    }

    #[test]
    fn a_neighbour_of_a_later_version_hides_no_names_of_the_first() {
        let old = [("pod_namespace", "serving"), ("pod_name", "chat-0"), ("container_name", "server")];
        let (old, late) = (sample(&[OWN, old].concat()), sample(&[OWN, RENAMED].concat()));
        for up in [vec![sample(&OWN)], Vec::new()] {
            let targets = Targets::of(&up, &[old.clone(), late.clone()]);
            assert_eq!(targets.claim(&old.labels), targets.claim(&late.labels));
        }
    }

    #[test]
    fn names_of_the_first_versions_are_read_too() {
        let old = [("pod_namespace", "serving"), ("pod_name", "chat-0"), ("container_name", "server")];
        check(Some(&OWN), &[OWN, old].concat(), &OWN);
        check(None, &old, &[]);
    }

    #[test]
    fn one_pod_may_hold_every_gpu_of_a_node() {
        let targets = Targets::of(&[sample(&OWN)], &[sample(&BUSY), sample(&BUSY)]);
        assert!(targets.claim(&labels(&BUSY)).is_some());
    }

    #[test]
    fn an_instance_and_a_claim_are_named() {
        let more = [("GPU_I_PROFILE", "1g.10gb"), ("GPU_I_ID", "7"), ("dra_claim_name", "chat-0-gpu")];
        let claim = Targets::default().claim(&labels(&[&BUSY[..], &more].concat())).unwrap();
        assert_eq!(claim.slice.as_deref(), Some("1g.10gb/7"));
        assert_eq!(claim.dra.as_deref(), Some("serving/chat-0-gpu"));
    }

    #[test]
    fn a_partition_is_a_part_and_an_undivided_device_is_none() {
        let of = |mode| {
            let more = [("gpu_compute_partition_type", mode), ("gpu_partition_id", "3")];
            Targets::default().claim(&labels(&[&BUSY[..], &more].concat())).and_then(|claim| claim.slice)
        };
        assert_eq!((of("cpx").as_deref(), of("spx")), (Some("cpx/3"), None));
    }

    #[test]
    fn a_pod_without_its_namespace_is_nobody() {
        assert_eq!(Targets::default().claim(&labels(&[("pod", "chat-0")])), None);
    }
}

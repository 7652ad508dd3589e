//! Which GPUs there are: series, one a device or a part of it, joined to devices.

use super::{
    answer::{Labels, Sample, time},
    catalogue::Exporter,
    holders::Targets,
    interval,
    query::{KEYS, TOLD},
};
use pilothouse_wire::{SmolStr, Stamp};
use pilothouse_world::fact::DeviceFact;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A series whose newest sample is older by this than another of its device says what was, not what is: after a pod has
/// gone, its series is answered for minutes where no staleness is marked.
const OUTDATED: Duration = Duration::from_secs(60);

/// The GPUs that series tell of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Each GPU, and when it was measured.
    pub devices: Vec<(DeviceFact, Stamp)>,
    /// What they are told by: [`told`] of each series.
    pub told: BTreeSet<Labels>,
    /// So many series name no device.
    pub nameless: usize,
    /// Who exports them.
    pub exporters: BTreeSet<Exporter>,
    /// The label that most devices are named by.
    pub key: &'static str,
    /// The jobs by which each device is measured, in the order of the devices.
    pub jobs: Vec<BTreeSet<SmolStr>>,
    /// Some devices of each job, by the label that names them: enough to see how often it scrapes.
    pub samples: BTreeMap<&'static str, BTreeSet<SmolStr>>,
}

/// So many devices of each job are looked at: targets of one job may be scraped differently, and one may just have come.
const OF_A_JOB: usize = 3;
/// So many of all jobs together.
const OF_ALL_JOBS: usize = 60;

/// The id of the device of a series: the surest label that it has.
#[must_use]
pub fn key(labels: &Labels) -> Option<&SmolStr> {
    labels.first(KEYS)
}

/// What the labels of a series say of a device: which it is, where it is, who holds it.
#[must_use]
pub fn told(labels: &Labels) -> Labels {
    let names = KEYS.iter().chain(TOLD);
    names.filter_map(|name| Some((*name, labels.get(name)?.clone()))).collect()
}

/// The same, of all series that tell of a device.
pub fn all_told(series: &[Sample]) -> BTreeSet<Labels> {
    let tells = |sample: &&Sample| key(&sample.labels).is_some() && time(sample.value).is_some();
    series.iter().filter(tells).map(|sample| told(&sample.labels)).collect()
}

/// Joins series whose values are the times of their measurements.
#[must_use]
pub fn devices(series: &[Sample], targets: &Targets) -> Seen {
    let mut seen = Seen { key: KEYS[0], told: all_told(series), ..Seen::default() };
    let mut by_device: BTreeMap<&SmolStr, Vec<(&Labels, Stamp)>> = BTreeMap::new();
    let mut by_key = [0_usize; KEYS.len()];
    let mut sampled: BTreeMap<SmolStr, BTreeSet<(usize, &SmolStr)>> = BTreeMap::new();
    for sample in series {
        let Some(id) = key(&sample.labels) else {
            seen.nameless += 1;
            continue;
        };
        // A time that is none is no measurement.
        let Some(at) = time(sample.value) else { continue };
        seen.exporters.insert(exporter(&sample.labels));
        if let Some(place) = KEYS.iter().position(|key| sample.labels.get(key).is_some()) {
            by_key[place] += 1;
            let job = interval::job(&sample.labels);
            let of_job = sampled.entry(job).or_default();
            if of_job.len() < OF_A_JOB {
                of_job.insert((place, id));
            }
        }
        by_device.entry(id).or_default().push((&sample.labels, at));
    }
    // Of equals the surer.
    seen.key = KEYS.iter().zip(by_key).rev().max_by_key(|(_, n)| *n).map_or(KEYS[0], |(key, _)| key);
    // Of each job one, before any has a second.
    for turn in 0..OF_A_JOB {
        for (place, id) in sampled.values().filter_map(|of_job| of_job.iter().nth(turn)) {
            if seen.samples.values().map(BTreeSet::len).sum::<usize>() < OF_ALL_JOBS {
                seen.samples.entry(KEYS[*place]).or_default().insert((*id).clone());
            }
        }
    }
    let jobs = |series: &Vec<(&Labels, Stamp)>| series.iter().map(|(labels, _)| interval::job(labels)).collect();
    seen.jobs = by_device.values().map(jobs).collect();
    seen.devices = by_device.into_iter().map(|(id, series)| device(id, series, targets)).collect();
    seen
}

fn device(id: &SmolStr, mut series: Vec<(&Labels, Stamp)>, targets: &Targets) -> (DeviceFact, Stamp) {
    // The newest first; of equals always in the same order, so that the same answer makes the same list.
    series.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let newest = series.first().map_or(Stamp(0), |(_, at)| *at);
    series.retain(|(_, at)| newest.since(*at) < OUTDATED);
    let first = |names: &[&str]| series.iter().find_map(|(labels, _)| labels.first(names)).cloned();
    let claims: BTreeSet<_> = series.iter().filter_map(|(labels, _)| targets.claim(labels)).collect();
    let device = DeviceFact {
        uuid: id.clone(),
        node: series.iter().find_map(|(labels, _)| node(labels, targets)),
        index: first(&["gpu", "GPU", "gpu_id"]).and_then(|number| number.parse().ok()),
        pci: first(&["pci_bus_id", "pci_bdf"]),
        product: first(&["modelName", "model_name", "card_series", "card_model", "dev_name"]),
        driver: first(&["DCGM_FI_DRIVER_VERSION", "driver_version"]),
        claims: claims.into_iter().collect(),
    };
    (device, newest)
}

/// The node: as the exporter calls its host, unless that is only its pod; else as the scrape calls it.
fn node(labels: &Labels, targets: &Targets) -> Option<SmolStr> {
    let own = ["Hostname", "hostname"].iter().find_map(|name| labels.get(name));
    let own = own.filter(|host| !targets.is_own_name(labels, host));
    own.or_else(|| labels.first(&["node", "kubernetes_node"])).cloned().or_else(|| {
        let instance = labels.get("instance")?;
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        let host =
            instance.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(instance.as_str(), |(host, _)| host);
        Some(host.into())
    })
}

/// Who exports a series, by the labels that only they have.
fn exporter(labels: &Labels) -> Exporter {
    if labels.first(&["UUID", "modelName", "DCGM_FI_DRIVER_VERSION"]).is_some() {
        Exporter::Dcgm
    } else if labels.first(&["pci_bdf", "dev_name"]).is_some() {
        Exporter::Intel
    } else if labels.first(&["gpu_uuid", "serial_number", "card_model"]).is_some() {
        Exporter::Amd
    } else {
        Exporter::Dcgm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: f64, pairs: &[(&str, &str)]) -> Sample {
        Sample { labels: pairs.iter().copied().collect(), value: at }
    }

    fn one(series: &[Sample]) -> DeviceFact {
        let seen = devices(series, &Targets::of(&[], series));
        assert_eq!(seen.devices.len(), 1, "{seen:?}");
        seen.devices[0].0.clone()
    }

    #[test]
    fn both_spellings_of_the_labels_are_read() {
        let new = one(&[sample(
            9.0,
            &[
                ("UUID", "GPU-a"),
                ("gpu", "3"),
                ("hostname", "ord-gpu-1"),
                ("modelName", "NVIDIA H100 80GB HBM3"),
                ("pci_bus_id", "00000000:1B:00.0"),
                ("device", "nvidia3"),
                ("DCGM_FI_DRIVER_VERSION", "580.95.05"),
            ],
        )]);
        let old = one(&[sample(
            9.0,
            &[
                ("uuid", "GPU-a"),
                ("GPU", "3"),
                ("Hostname", "ord-gpu-1"),
                ("model_name", "NVIDIA H100 80GB HBM3"),
                ("pci_bus_id", "00000000:1B:00.0"),
                ("driver_version", "580.95.05"),
            ],
        )]);
        assert_eq!(new, old);
        assert_eq!((new.index, new.node.as_deref()), (Some(3), Some("ord-gpu-1")));
        assert_eq!(new.product.as_deref(), Some("NVIDIA H100 80GB HBM3"));
    }

    #[test]
    fn instances_are_parts_of_one_device_and_each_may_be_held() {
        let part = |id, pod| {
            sample(
                9.0,
                &[
                    ("UUID", "GPU-a"),
                    ("GPU_I_PROFILE", "1g.10gb"),
                    ("GPU_I_ID", id),
                    ("exported_namespace", "serving"),
                    ("exported_pod", pod),
                ],
            )
        };
        let device = one(&[part("8", "b"), part("7", "a"), sample(9.0, &[("UUID", "GPU-a")])]);
        let claims: Vec<String> = device
            .claims
            .iter()
            .map(|claim| format!("{} {}", claim.pod, claim.slice.as_deref().unwrap_or("–")))
            .collect();
        assert_eq!(claims, ["a 1g.10gb/7", "b 1g.10gb/8"]);
    }

    #[test]
    fn who_held_it_a_while_ago_holds_it_no_more() {
        let by = |at, pod| sample(at, &[("UUID", "GPU-a"), ("exported_namespace", "n"), ("exported_pod", pod)]);
        let device = one(&[by(1_000.0, "old"), by(1_120.0, "new")]);
        assert_eq!(device.claims.iter().map(|claim| claim.pod.as_str()).collect::<Vec<_>>(), ["new"]);
    }

    #[test]
    fn two_targets_of_one_device_are_one_device() {
        let of = |job| sample(9.0, &[("UUID", "GPU-a"), ("job", job), ("instance", "10.0.0.7:9400"), ("gpu", "0")]);
        let device = one(&[of("a"), of("b")]);
        assert_eq!((device.index, device.node.as_deref()), (Some(0), Some("10.0.0.7")));
    }

    #[test]
    fn a_host_that_is_the_exporters_pod_is_no_node() {
        let target = [("job", "gpus"), ("instance", "10.0.0.7:9400")];
        let own = [("namespace", "gpu-operator"), ("pod", "nv-x7k2p")];
        let up = sample(1.0, &[target, own].concat());
        let labels = [("UUID", "GPU-a"), ("Hostname", "nv-x7k2p"), ("node", "ord-gpu-1")];
        let series = [sample(9.0, &[&labels[..], &target, &own].concat())];
        let seen = devices(&series, &Targets::of(&[up], &series));
        assert_eq!(seen.devices[0].0.node.as_deref(), Some("ord-gpu-1"));
        let pod = one(&[sample(
            9.0,
            &[("UUID", "GPU-a"), ("Hostname", "nvidia-dcgm-exporter-x"), ("instance", "[::1]:9400")],
        )]);
        assert_eq!(pod.node.as_deref(), Some("[::1]"));
    }

    #[test]
    fn other_exporters_are_known_by_their_labels() {
        let series = [
            sample(9.0, &[("serial_number", "692432002889"), ("gpu_id", "1"), ("card_model", "0x74a1")]),
            sample(9.0, &[("uuid", "00000000-0000-001b"), ("pci_bdf", "0000:1b:00.0"), ("dev_name", "Max 1550")]),
            sample(9.0, &[("gpu", "0")]),
            sample(f64::NAN, &[("UUID", "GPU-a")]),
        ];
        let seen = devices(&series, &Targets::default());
        assert_eq!(seen.exporters, BTreeSet::from([Exporter::Amd, Exporter::Intel]));
        assert_eq!((seen.devices.len(), seen.nameless), (2, 1));
    }
}

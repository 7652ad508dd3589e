//! Devices of dynamic resource allocation and claims to them, into facts: those of drivers of GPUs.
//!
//! Attributes are each driver's own. Sources: `cmd/gpu-kubelet-plugin/deviceinfo.go` of NVIDIA's driver (`uuid`,
//! `parentUUID`, `profile`, `productName`, `driverVersion`, `pcieBusID` and, later, `resource.kubernetes.io/pciBusID`); AMD's
//! driver says `pciAddr`, Intel's `pciAddress`; the example driver of Kubernetes says `index`.

use super::some;
use crate::slim::{Attribute, ClaimSpec, Device, OwnerReference, Request, ResourceClaim, ResourceSlice};
use pilothouse_wire::SmolStr;
use pilothouse_world::fact::{AllocatedFact, AllocationFact, OfferedFact, ReservedFact, SliceFact};

/// Attributes that tell where on the bus a device is, in the order in which they are believed.
const PLACES: &[&str] = &["resource.kubernetes.io/pciBusID", "pcieBusID", "pciAddr", "pciAddress"];

/// Is it a driver of GPUs or accelerators? Others publish network cards, cores, and domains of many GPUs.
fn is_of_gpus(driver: &str) -> bool {
    driver.starts_with("gpu.") || ["gaudi.intel.com", "tpu.google.com", "neuron.aws.com"].contains(&driver)
}

/// The GPUs that a slice publishes, none for one of other devices; `None` for one without a name.
#[must_use]
pub fn facts_of_slice(slice: ResourceSlice) -> Option<SliceFact> {
    let name = some(&slice.metadata?.name)?;
    let spec = slice.spec.unwrap_or_default();
    let pool = spec.pool.unwrap_or_default();
    let devices = if is_of_gpus(&spec.driver) { spec.devices } else { Vec::new() };
    Some(SliceFact {
        name,
        driver: SmolStr::new(&spec.driver),
        pool: SmolStr::new(&pool.name),
        generation: super::count(pool.generation),
        node: spec.node_name.and_then(|node| some(&node)),
        devices: devices.iter().filter_map(offered).collect(),
    })
}

fn offered(device: &Device) -> Option<OfferedFact> {
    let attribute = |key: &str| device.attributes.get(key);
    let text = |key: &str| attribute(key).and_then(text_of);
    // What is given to a virtual machine as a whole is the same device under another name.
    if text("type").is_some_and(|kind| kind == "vfio") {
        return None;
    }
    Some(OfferedFact {
        name: some(&device.name)?,
        uuid: text("uuid"),
        parent: text("parentUUID"),
        profile: text("profile"),
        index: attribute("index").and_then(|index| u16::try_from(index.int?).ok()),
        pci: PLACES.iter().find_map(|key| text(key)),
        product: text("productName"),
        driver: text("driverVersion"),
    })
}

fn text_of(attribute: &Attribute) -> Option<SmolStr> {
    attribute.string.as_deref().or(attribute.version.as_deref()).and_then(some)
}

/// Is it a class of GPUs, by its name? Drivers bring one that is called like them, NVIDIA's one more for parts; others are
/// called by who made them.
fn is_class_of_gpus(class: &str) -> bool {
    is_of_gpus(class) || class == "mig.nvidia.com" || class.split(['.', '-']).any(|word| word == "gpu")
}

/// More of one class are no claim of a pod.
const MOST_WANTED: u64 = 1_024;

/// What a claim that has nothing yet asks for: each as a device of which only the class is known. Of several that would do,
/// the first.
fn wanted(spec: ClaimSpec) -> Vec<AllocatedFact> {
    let asks = |request: Request| match (request.exactly, request.first_available.into_iter().next()) {
        // Whoever only watches over a device does not hold it.
        (Some(of), _) => (of.admin_access != Some(true)).then_some((of.device_class_name, of.count)),
        (None, first) => first.map(|of| (of.device_class_name, of.count)),
    };
    let requests = spec.devices.unwrap_or_default().requests.into_iter().filter_map(asks);
    let of_gpus = requests.filter(|(class, _)| is_class_of_gpus(class));
    of_gpus
        .flat_map(|(class, count)| {
            let many = usize::try_from(super::count(count).clamp(1, MOST_WANTED)).unwrap_or(1);
            std::iter::repeat_n(AllocatedFact { driver: class.into(), ..AllocatedFact::default() }, many)
        })
        .collect()
}

/// What a claim has of GPUs, and for which pods; what one asks for that was made for a pod and has nothing yet. Nothing for one
/// that has and asks for none; `None` for one without a name.
#[must_use]
pub fn facts_of_claim(claim: ResourceClaim) -> Option<AllocationFact> {
    let meta = claim.metadata?;
    let status = claim.status.unwrap_or_default();
    if status.allocation.is_none() {
        let made_for = |of: &&OwnerReference| of.kind == "Pod" && of.controller == Some(true);
        let pod = meta.owner_references.iter().find(made_for);
        return Some(AllocationFact {
            name: some(&meta.name)?,
            namespace: SmolStr::new(&meta.namespace),
            devices: claim.spec.filter(|_| pod.is_some()).map(wanted).unwrap_or_default(),
            pods: pod
                .map(|of| ReservedFact { name: SmolStr::new(&of.name), uid: SmolStr::new(&of.uid) })
                .into_iter()
                .collect(),
        });
    }
    let results = status.allocation.and_then(|allocation| allocation.devices).unwrap_or_default().results;
    let held = results.into_iter().filter(|of| is_of_gpus(&of.driver) && of.admin_access != Some(true));
    let pods = status.reserved_for.iter().filter(|of| of.resource == "pods" && of.api_group.is_empty());
    Some(AllocationFact {
        name: some(&meta.name)?,
        namespace: SmolStr::new(&meta.namespace),
        devices: held
            .map(|of| AllocatedFact { driver: of.driver.into(), pool: of.pool.into(), device: of.device.into() })
            .collect(),
        pods: pods.map(|of| ReservedFact { name: SmolStr::new(&of.name), uid: SmolStr::new(&of.uid) }).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn slice(value: Value) -> Option<SliceFact> {
        facts_of_slice(serde_json::from_value(value).unwrap())
    }

    fn claim(value: Value) -> Option<AllocationFact> {
        facts_of_claim(serde_json::from_value(value).unwrap())
    }

    /// As NVIDIA's driver publishes it: a whole GPU, a part of another one, and that one for a virtual machine.
    fn published(driver: &str) -> Value {
        json!({
            "metadata": { "name": "h-1-gpu.nvidia.com-7cbz2", "resourceVersion": "7" },
            "spec": {
                "driver": driver,
                "nodeName": "h-1",
                "pool": { "name": "h-1", "generation": 2, "resourceSliceCount": 1 },
                "devices": [
                    {
                        "name": "gpu-1",
                        "attributes": {
                            "addressingMode": { "string": "HMM" },
                            "driverVersion": { "version": "580.105.8" },
                            "productName": { "string": "NVIDIA H100 80GB HBM3" },
                            "resource.kubernetes.io/pciBusID": { "string": "0000:64:00.0" },
                            "type": { "string": "gpu" },
                            "uuid": { "string": "GPU-bc5610b9" },
                        },
                        "capacity": { "memory": { "value": "81559Mi" } },
                    },
                    {
                        "name": "gpu-0-mig-1g10gb-19-0",
                        "attributes": {
                            "type": { "string": "mig" },
                            "uuid": { "string": "MIG-4e" },
                            "parentUUID": { "string": "GPU-0e" },
                            "profile": { "string": "1g.10gb" },
                            "pcieBusID": { "string": "0000:3b:00.0" },
                        },
                    },
                    { "name": "gpu-vfio-0", "attributes": { "type": { "string": "vfio" } } },
                ],
            },
        })
    }

    #[test]
    fn a_slice_tells_which_gpus_its_driver_has_on_a_node() {
        let fact = slice(published("gpu.nvidia.com")).unwrap();
        let whole = OfferedFact {
            name: "gpu-1".into(),
            uuid: Some("GPU-bc5610b9".into()),
            pci: Some("0000:64:00.0".into()),
            product: Some("NVIDIA H100 80GB HBM3".into()),
            driver: Some("580.105.8".into()),
            ..OfferedFact::default()
        };
        let part = OfferedFact {
            name: "gpu-0-mig-1g10gb-19-0".into(),
            uuid: Some("MIG-4e".into()),
            parent: Some("GPU-0e".into()),
            profile: Some("1g.10gb".into()),
            pci: Some("0000:3b:00.0".into()),
            ..OfferedFact::default()
        };
        assert_eq!(fact.devices, [whole, part]);
        assert_eq!((fact.pool.as_str(), fact.generation, fact.node.as_deref()), ("h-1", 2, Some("h-1")));
    }

    #[test]
    fn drivers_of_other_vendors_say_the_same_in_their_words() {
        for (driver, attributes, want) in [
            ("gpu.amd.com", json!({ "pciAddr": { "string": "0000:c1:00.0" } }), (Some("0000:c1:00.0"), None)),
            ("gpu.intel.com", json!({ "pciAddress": { "string": "0000:b5:00.0" } }), (Some("0000:b5:00.0"), None)),
            ("gpu.example.com", json!({ "index": { "int": 3 }, "model": { "string": "X" } }), (None, Some(3))),
            ("gpu.example.com", json!({ "index": { "int": -1 } }), (None, None)),
        ] {
            let devices = json!([{ "name": "gpu-0", "attributes": attributes }]);
            let fact = slice(json!({ "metadata": { "name": "s" }, "spec": { "driver": driver, "devices": devices } }))
                .unwrap();
            assert_eq!((fact.devices[0].pci.as_deref(), fact.devices[0].index), want, "{driver}");
        }
    }

    #[test]
    fn of_other_devices_nothing_is_kept() {
        for driver in ["dra.net", "compute-domain.nvidia.com", "dra.cpu", ""] {
            assert_eq!(slice(published(driver)).unwrap().devices, [], "{driver}");
        }
        assert_eq!(slice(json!({ "spec": null })), None);
        assert_eq!(slice(json!({ "metadata": { "name": "s" }, "spec": { "devices": null } })).unwrap().devices, []);
    }

    #[test]
    fn a_claim_tells_what_it_has_and_for_whom() {
        let result = |driver: &str, device: &str, admin: Option<bool>| json!({ "request": "gpu", "driver": driver, "pool": "h-1", "device": device, "adminAccess": admin });
        let fact = claim(json!({
            "metadata": { "namespace": "serving", "name": "chat-gpu" },
            "spec": { "devices": { "config": [{ "opaque": { "driver": "gpu.nvidia.com", "parameters": {} } }] } },
            "status": {
                "allocation": { "devices": { "results": [
                    result("gpu.nvidia.com", "gpu-1", None),
                    // Whoever only watches over a device does not hold it.
                    result("gpu.nvidia.com", "gpu-2", Some(true)),
                    result("dra.net", "nic-0", None),
                ] } },
                "reservedFor": [
                    { "resource": "pods", "name": "chat-0", "uid": "u-0" },
                    { "apiGroup": "example.com", "resource": "podgroups", "name": "all", "uid": "u-1" },
                ],
            },
        }));
        let fact = fact.unwrap();
        let device = AllocatedFact { driver: "gpu.nvidia.com".into(), pool: "h-1".into(), device: "gpu-1".into() };
        assert_eq!(fact.devices, [device]);
        assert_eq!(fact.pods, [ReservedFact { name: "chat-0".into(), uid: "u-0".into() }]);
    }

    #[test]
    fn a_claim_that_waits_has_nothing() {
        for status in [json!(null), json!({}), json!({ "allocation": null, "reservedFor": null })] {
            let fact = claim(json!({ "metadata": { "namespace": "n", "name": "c" }, "status": status })).unwrap();
            assert_eq!((fact.devices, fact.pods), (Vec::new(), Vec::new()));
        }
        assert_eq!(claim(json!({ "status": {} })), None);
    }

    #[test]
    fn a_claim_that_was_made_for_a_pod_and_waits_tells_what_the_pod_asks_for() {
        let claim = |owner: &str, requests: Value| {
            let owners = json!([{ "kind": owner, "name": "chat-0", "uid": "u-0", "controller": true }]);
            claim(json!({
                "metadata": { "namespace": "n", "name": "c", "ownerReferences": owners },
                "spec": { "devices": { "requests": requests } },
                "status": {},
            }))
            .unwrap()
        };
        let exactly =
            |class: &str, count: u64| json!({ "name": "r", "exactly": { "deviceClassName": class, "count": count } });
        let first = json!({ "name": "r", "firstAvailable": [{ "name": "a", "deviceClassName": "mig.nvidia.com" }] });
        let watches = json!({ "name": "r", "exactly": { "deviceClassName": "gpu.nvidia.com", "adminAccess": true } });
        let asked = json!([exactly("gpu.nvidia.com", 2), exactly("dra.net", 1), first, watches]);
        let fact = claim("Pod", asked.clone());
        let classes: Vec<&str> = fact.devices.iter().map(|of| of.driver.as_str()).collect();
        assert_eq!(classes, ["gpu.nvidia.com", "gpu.nvidia.com", "mig.nvidia.com"]);
        assert!(fact.devices.iter().all(AllocatedFact::is_wanted), "{fact:?}");
        assert_eq!(fact.pods, [ReservedFact { name: "chat-0".into(), uid: "u-0".into() }]);
        // Whose a claim of somebody else is, it does not say.
        assert_eq!(claim("Job", asked).devices, []);
    }
}

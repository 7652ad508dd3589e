//! Which pod holds which device, by claims.

use super::*;
use crate::fact::ReservedFact;

const NODE: &str = "h-1";

/// A device `gpu-N`, whose UUID is `GPU-N`; `gpu-N/1g` is a part of it.
fn offered(name: &str) -> OfferedFact {
    let (whole, profile) = name.split_once('/').map_or((name, None), |(whole, part)| (whole, Some(part)));
    let uuid: SmolStr = whole.to_uppercase().into();
    OfferedFact {
        name: name.replace('/', "-").into(),
        uuid: Some(if profile.is_some() { format!("MIG-{name}").into() } else { uuid.clone() }),
        parent: profile.map(|_| uuid),
        profile: profile.map(SmolStr::new),
        product: Some("NVIDIA H100 80GB HBM3".into()),
        ..OfferedFact::default()
    }
}

fn slice(name: &str, generation: u64, devices: &[&str]) -> SliceFact {
    SliceFact {
        name: name.into(),
        driver: "gpu.nvidia.com".into(),
        pool: NODE.into(),
        generation,
        node: Some(NODE.into()),
        devices: devices.iter().map(|name| offered(name)).collect(),
    }
}

fn claim(name: &str, devices: &[&str], pods: &[&str]) -> AllocationFact {
    let device = |name: &&str| AllocatedFact {
        driver: "gpu.nvidia.com".into(),
        pool: NODE.into(),
        device: name.replace('/', "-").into(),
    };
    let pod = |name: &&str| ReservedFact { name: (*name).into(), uid: format!("{name}-uid").into() };
    AllocationFact {
        namespace: "n".into(),
        name: name.into(),
        devices: devices.iter().map(device).collect(),
        pods: pods.iter().map(pod).collect(),
    }
}

fn all(slices: Vec<SliceFact>, claimed: Vec<AllocationFact>) -> Claims {
    let mut claims = Claims::default();
    for slice in slices {
        claims.publish(&slice.name.clone(), Some(slice));
    }
    for claim in claimed {
        claims.allocate(&(claim.namespace.clone(), claim.name.clone()), Some(claim));
    }
    claims
}

/// Each device of the node as `GPU-0=pod(claim)[part]`.
fn told(devices: &[DeviceFact]) -> Vec<String> {
    let of = |device: &DeviceFact| {
        let claims = device.claims.iter().map(|claim| {
            let part = claim.slice.as_ref().map(|slice| format!("[{slice}]")).unwrap_or_default();
            format!("{}({}){part}", claim.pod, claim.dra.as_deref().unwrap_or("-"))
        });
        format!("{}={}", device.uuid, claims.collect::<Vec<_>>().join("+"))
    };
    devices.iter().map(of).collect()
}

fn here(_: &SmolStr, name: &SmolStr, uid: &SmolStr) -> bool {
    *uid == format!("{name}-uid") && name != "elsewhere"
}

#[test]
fn a_device_is_held_by_the_pods_its_claim_is_reserved_for_and_which_are_on_its_node() {
    let claims = all(
        vec![slice("s", 1, &["gpu-0", "gpu-1", "gpu-2"])],
        vec![claim("a", &["gpu-0"], &["chat"]), claim("b", &["gpu-2"], &["embed", "rank", "elsewhere"])],
    );
    let want = ["GPU-0=chat(n/a)", "GPU-1=", "GPU-2=embed(n/b)+rank(n/b)"];
    assert_eq!(told(&claims.of_node(NODE, &here)), want);
    assert_eq!(claims.of_node("h-2", &here), Vec::new());
    let nobody = |_: &SmolStr, _: &SmolStr, uid: &SmolStr| uid == "another-uid";
    assert_eq!(told(&claims.of_node(NODE, &nobody)), ["GPU-0=", "GPU-1=", "GPU-2="]);
}

#[test]
fn a_part_is_told_of_its_device() {
    let claims = all(
        vec![slice("s", 1, &["gpu-0", "gpu-0/1g.10gb", "gpu-1/2g.20gb"])],
        vec![claim("a", &["gpu-0/1g.10gb"], &["chat"]), claim("b", &["gpu-1/2g.20gb"], &["embed"])],
    );
    let want = ["GPU-0=chat(n/a)[1g.10gb]", "GPU-1=embed(n/b)[2g.20gb]"];
    assert_eq!(told(&claims.of_node(NODE, &here)), want);
}

#[test]
fn of_a_pool_only_the_newest_generation_counts() {
    let claims = all(vec![slice("old", 1, &["gpu-0", "gpu-1"]), slice("new", 2, &["gpu-0"])], Vec::new());
    assert_eq!(told(&claims.of_node(NODE, &here)), ["GPU-0="]);
}

#[test]
fn what_changed_is_said_and_what_is_gone_leaves_nothing() {
    let mut claims = all(vec![slice("s", 1, &["gpu-0"])], vec![claim("a", &["gpu-0"], &["chat"])]);
    let (key, before) = (("n".into(), "a".into()), claims.clone());
    assert_eq!(claims.publish(&"s".into(), Some(slice("s", 1, &["gpu-0"]))).len(), 0, "it is as it was");
    assert_eq!(claims.allocate(&key, Some(claim("a", &["gpu-0"], &["chat"]))).len(), 0, "it is as it was");
    assert_eq!(claims, before);
    let pod = |uid: &str| PodFact { namespace: "n".into(), name: "chat".into(), uid: uid.into(), ..PodFact::default() };
    assert_eq!((claims.count(&pod("chat-uid")), claims.count(&pod("later-uid"))), (1, 0));
    let changed = claims.allocate(&key, Some(claim("a", &["gpu-0"], &["embed"])));
    assert_eq!(changed, [("n".into(), "chat".into()), ("n".into(), "embed".into())].into());
    assert_eq!(told(&claims.of_node(NODE, &here)), ["GPU-0=embed(n/a)"]);
    // A claim that has nothing any more, and one that is gone, are the same.
    claims.allocate(&key, Some(claim("a", &[], &[])));
    assert_eq!(claims.publish(&"s".into(), None), [NODE.into()].into());
    assert_eq!(claims, Claims::default());
}

#[test]
fn a_listing_tells_which_are_gone() {
    let claims = all(vec![slice("s", 1, &["gpu-0"])], vec![claim("a", &["gpu-0"], &["chat"])]);
    assert_eq!(claims.not_published(&BTreeSet::from([&"s".into()])), Vec::<SmolStr>::new());
    assert_eq!(claims.not_published(&BTreeSet::new()), ["s"]);
    let none = BTreeSet::new();
    assert_eq!(claims.not_claimed(Some(&"other".into()), &none), Vec::new());
    assert_eq!(claims.not_claimed(None, &none), [("n".into(), "a".into())]);
    assert_eq!(claims.not_claimed(None, &BTreeSet::from([(&"n".into(), &"a".into())])), Vec::new());
}

fn measured(uuid: &str, pci: &str, pods: &[&str]) -> DeviceFact {
    let told = |pod: &&str| DeviceClaim { namespace: "n".into(), pod: (*pod).into(), slice: None, dra: None };
    DeviceFact {
        uuid: uuid.into(),
        pci: Some(pci.into()),
        claims: pods.iter().map(told).collect(),
        ..DeviceFact::default()
    }
}

#[test]
fn measured_devices_are_joined_by_their_uuid_and_what_nobody_measures_stands_beside() {
    let claims = all(
        vec![slice("s", 1, &["gpu-0", "gpu-1", "gpu-2"])],
        vec![claim("a", &["gpu-0"], &["chat"]), claim("b", &["gpu-1"], &["embed"])],
    );
    let devices = [measured("GPU-1", "", &[]), measured("GPU-0", "", &["chat"])];
    let (all, each) = joined(devices.iter(), claims.of_node(NODE, &here));
    assert_eq!(told(&all), ["GPU-1=embed(n/b)", "GPU-0=chat(n/a)", "GPU-2="]);
    assert!(each);
    let devices = [measured("GPU-0", "", &[]), measured("GPU-9", "", &[])];
    assert!(!joined(devices.iter(), claims.of_node(NODE, &here)).1, "of one of them claims tell nothing");
    let devices = [measured("card0", "", &[])];
    let (all, each) = joined(devices.iter(), claims.of_node(NODE, &here));
    assert_eq!(
        (told(&all), each),
        (vec!["card0=".to_owned()], false),
        "they speak of other devices, or in other words"
    );
}

#[test]
fn where_a_driver_tells_no_uuid_the_place_on_the_bus_does() {
    let mut of_amd = slice("s", 1, &["gpu-0"]);
    of_amd.devices[0] = OfferedFact { uuid: None, pci: Some("0000:3b:00.0".into()), ..offered("gpu-0") };
    let claims = all(vec![of_amd], vec![claim("a", &["gpu-0"], &["chat"])]);
    let devices = [measured("GPU-7", "00000000:3B:00.0", &[]), measured("GPU-8", "00000000:5E:00.0", &[])];
    let (all, _) = joined(devices.iter(), claims.of_node(NODE, &here));
    assert_eq!(told(&all), ["GPU-7=chat(n/a)", "GPU-8="]);
}

//! Devices of dynamic resource allocation and claims to them, in each version of their API that servers have: `v1` since
//! Kubernetes 1.34, `v1beta2` since 1.33, `v1beta1` since 1.32. What was allocated is said alike in all of them; what a driver
//! publishes is one level deeper in the oldest, and what a claim asks for one level higher.

use crate::{
    facts::{facts_of_claim, facts_of_slice},
    resource::{Decode, Resource},
    slim::{BasicClaim, BasicSlice, Meta, ResourceClaim, ResourceSlice},
    written::Written,
};
use bytes::Bytes;
use pilothouse_wire::SmolStr;
use pilothouse_world::{Fact, fact::Kind};
use serde::Deserialize;
use tokio::task::JoinSet;

/// The versions, the newest first.
pub(crate) const VERSIONS: &[&str] = &["v1", "v1beta2", "v1beta1"];

/// Follows devices and claims in a version.
pub(crate) async fn start(version: &str, written: &Written, followers: &mut JoinSet<()>, not: &mut Vec<String>) {
    match version {
        "v1beta1" => follow::<BasicSlice, BasicClaim>(written, followers, not).await,
        "v1beta2" => follow::<Beta2<ResourceSlice>, Beta2<ResourceClaim>>(written, followers, not).await,
        _ => follow::<ResourceSlice, ResourceClaim>(written, followers, not).await,
    }
}

async fn follow<S: Resource, C: Resource>(written: &Written, followers: &mut JoinSet<()>, not: &mut Vec<String>) {
    written.start_everywhere::<S>(followers, not).await;
    written.start::<C>(followers, not).await;
}

impl Resource for ResourceSlice {
    const KIND: Kind = Kind::ResourceSlice;
    const GROUP: &'static str = "resource.k8s.io";
    const PLURAL: &'static str = "resourceslices";

    fn meta(&self) -> Option<&Meta> {
        self.metadata.as_ref()
    }

    fn fact(self) -> Option<Fact> {
        facts_of_slice(self).map(|fact| Fact::Slice(Box::new(fact)))
    }

    fn gone(meta: &Meta) -> Fact {
        Fact::SliceGone(SmolStr::new(&meta.name))
    }
}

impl Resource for BasicSlice {
    const KIND: Kind = ResourceSlice::KIND;
    const GROUP: &'static str = ResourceSlice::GROUP;
    const VERSION: &'static str = "v1beta1";
    const PLURAL: &'static str = ResourceSlice::PLURAL;

    fn meta(&self) -> Option<&Meta> {
        self.metadata.as_ref()
    }

    fn fact(self) -> Option<Fact> {
        ResourceSlice::from(self).fact()
    }

    fn gone(meta: &Meta) -> Fact {
        ResourceSlice::gone(meta)
    }
}

impl Resource for ResourceClaim {
    const KIND: Kind = Kind::ResourceClaim;
    const GROUP: &'static str = "resource.k8s.io";
    const PLURAL: &'static str = "resourceclaims";

    fn meta(&self) -> Option<&Meta> {
        self.metadata.as_ref()
    }

    fn fact(self) -> Option<Fact> {
        facts_of_claim(self).map(|fact| Fact::Allocation(Box::new(fact)))
    }

    fn gone(meta: &Meta) -> Fact {
        Fact::AllocationGone(SmolStr::new(&meta.namespace), SmolStr::new(&meta.name))
    }
}

impl Resource for BasicClaim {
    const KIND: Kind = ResourceClaim::KIND;
    const GROUP: &'static str = ResourceClaim::GROUP;
    const VERSION: &'static str = "v1beta1";
    const PLURAL: &'static str = ResourceClaim::PLURAL;

    fn meta(&self) -> Option<&Meta> {
        self.metadata.as_ref()
    }

    fn fact(self) -> Option<Fact> {
        ResourceClaim::from(self).fact()
    }

    fn gone(meta: &Meta) -> Fact {
        ResourceClaim::gone(meta)
    }
}

/// The same object in an earlier version, in which it says what we read of it alike.
macro_rules! alike {
    ($($name:ident $version:literal),+) => {$(
        #[doc = concat!("An object as `", $version, "` has it.")]
        #[derive(Default, Deserialize)]
        #[serde(transparent)]
        struct $name<T>(T);

        impl<T: Decode> Decode for $name<T> {
            fn decoded(bytes: Bytes) -> Option<Self> {
                T::decoded(bytes).map(Self)
            }
        }

        impl<T: Resource> Resource for $name<T> {
            const KIND: Kind = T::KIND;
            const GROUP: &'static str = T::GROUP;
            const VERSION: &'static str = $version;
            const PLURAL: &'static str = T::PLURAL;

            fn meta(&self) -> Option<&Meta> {
                self.0.meta()
            }

            fn version(&self) -> String {
                self.0.version()
            }

            fn fact(self) -> Option<Fact> {
                self.0.fact()
            }

            fn gone(meta: &Meta) -> Fact {
                T::gone(meta)
            }
        }
    )+};
}

alike!(Beta2 "v1beta2");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{EVERYWHERE, Scope};
    use prost::Message;
    use serde_json::{Value, json};

    fn published(devices: &Value) -> Value {
        let pool = json!({ "name": "h-1", "generation": 2, "resourceSliceCount": 1 });
        let spec = json!({ "driver": "gpu.nvidia.com", "nodeName": "h-1", "pool": pool, "devices": devices });
        json!({ "metadata": { "name": "s", "resourceVersion": "7" }, "spec": spec })
    }

    fn attributes() -> Value {
        json!({ "uuid": { "string": "GPU-1" }, "index": { "int": 3 }, "driverVersion": { "version": "580.95.5" } })
    }

    /// The oldest version has what tells of a device in a field of its own: in JSON, and in protobuf under a number that means
    /// something else since.
    #[test]
    fn a_slice_says_the_same_in_every_version() {
        let now = published(&json!([{ "name": "gpu-1", "attributes": attributes() }]));
        let before = published(&json!([{ "name": "gpu-1", "basic": { "attributes": attributes(), "capacity": {} } }]));
        let new: ResourceSlice = serde_json::from_value(now.clone()).unwrap();
        let old: BasicSlice = serde_json::from_value(before).unwrap();
        let told = new.clone().fact();
        let Some(Fact::Slice(slice)) = &told else { panic!("{told:?}") };
        assert_eq!((slice.devices[0].uuid.as_deref(), slice.devices[0].index), (Some("GPU-1"), Some(3)));
        assert_eq!(serde_json::from_value::<Beta2<ResourceSlice>>(now).unwrap().fact(), told);
        assert_eq!(Beta2::<ResourceSlice>::decoded(new.encode_to_vec().into()).unwrap().fact(), told);
        assert_eq!(old.clone().fact(), told);
        assert_eq!(BasicSlice::decoded(old.encode_to_vec().into()).unwrap().fact(), told);
        // A device of which nothing is told.
        let bare: BasicSlice = serde_json::from_value(published(&json!([{ "name": "x" }]))).unwrap();
        let Some(Fact::Slice(slice)) = bare.fact() else { panic!("it has a name") };
        assert_eq!((slice.devices.len(), slice.devices[0].uuid.as_deref()), (1, None));
    }

    #[test]
    fn a_claim_says_the_same_in_every_version_and_each_is_asked_for_by_its_path() {
        let result = json!({ "request": "gpu", "driver": "gpu.nvidia.com", "pool": "h-1", "device": "gpu-1" });
        let status = json!({
            "allocation": { "devices": { "results": [result] } },
            "reservedFor": [{ "resource": "pods", "name": "chat-0", "uid": "u-0" }],
        });
        let claim = json!({
            "metadata": { "namespace": "n", "name": "c" },
            "spec": { "devices": { "requests": [{ "name": "gpu", "deviceClassName": "gpu.nvidia.com" }] } },
            "status": status,
        });
        let new: ResourceClaim = serde_json::from_value(claim.clone()).unwrap();
        let told = new.clone().fact();
        let Some(Fact::Allocation(of)) = &told else { panic!("{told:?}") };
        assert_eq!((of.devices[0].device.as_str(), of.pods[0].name.as_str()), ("gpu-1", "chat-0"));
        let old: BasicClaim = serde_json::from_value(claim).unwrap();
        assert_eq!(old.clone().fact(), told);
        assert_eq!(BasicClaim::decoded(old.encode_to_vec().into()).unwrap().fact(), told);
        assert_eq!(Beta2::<ResourceClaim>::decoded(new.encode_to_vec().into()).unwrap().fact(), told);
        assert_eq!(EVERYWHERE.path::<BasicClaim>(), "/apis/resource.k8s.io/v1beta1/resourceclaims");
        let scope = Scope { namespace: Some("n".to_owned()) };
        let path = "/apis/resource.k8s.io/v1beta2/namespaces/n/resourceclaims";
        assert_eq!(scope.path::<Beta2<ResourceClaim>>(), path);
        assert_eq!(EVERYWHERE.path::<BasicSlice>(), "/apis/resource.k8s.io/v1beta1/resourceslices");
    }

    /// What a claim asks for is one level higher in the oldest version: in JSON, and in protobuf under numbers that mean
    /// something else since.
    #[test]
    fn a_claim_that_waits_asks_for_the_same_in_every_version() {
        let of = |request: Value| {
            let owner = json!([{ "kind": "Pod", "name": "chat-0", "uid": "u-0", "controller": true }]);
            let meta = json!({ "namespace": "n", "name": "c", "ownerReferences": owner });
            json!({ "metadata": meta, "spec": { "devices": { "requests": [request] } } })
        };
        let new: ResourceClaim = serde_json::from_value(of(
            json!({ "name": "g", "exactly": { "deviceClassName": "gpu.nvidia.com", "count": 2 } }),
        ))
        .unwrap();
        let old: BasicClaim =
            serde_json::from_value(of(json!({ "name": "g", "deviceClassName": "gpu.nvidia.com", "count": 2 })))
                .unwrap();
        let told = new.clone().fact();
        let Some(Fact::Allocation(of)) = &told else { panic!("{told:?}") };
        assert_eq!((of.devices.len(), of.pods.len()), (2, 1));
        assert_eq!(ResourceClaim::decoded(new.encode_to_vec().into()).unwrap().fact(), told);
        assert_eq!(old.clone().fact(), told);
        assert_eq!(BasicClaim::decoded(old.encode_to_vec().into()).unwrap().fact(), told);
    }
}

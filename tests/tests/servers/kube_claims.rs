//! Claims to devices on real API servers that serve earlier versions of dynamic resource allocation alone. Who allocates speaks the
//! newest of them, so that what was allocated is written by the test.

use crate::kube_support::{LIMIT, Settings, Watched};
use acceptance::{Api, ControlPlane, Failure, GpuNodes, Options, Result, until};
use serde_json::{Value, json};

const DRIVER: &str = "gpu.nvidia.com";

/// A slice of a node with these devices, as a version has it.
fn slice(version: &str, node: &str, name: &str, devices: &[&str]) -> Value {
    let device = |name: &&str| {
        let attributes = json!({
            "type": { "string": "gpu" },
            "uuid": { "string": format!("GPU-{name}") },
            "productName": { "string": "NVIDIA H100 80GB HBM3" },
            "driverVersion": { "version": "580.95.5" },
        });
        let capacity = json!({ "memory": { "value": "81559Mi" } });
        if version == "v1beta1" {
            json!({ "name": name, "basic": { "attributes": attributes, "capacity": capacity } })
        } else {
            json!({ "name": name, "attributes": attributes, "capacity": capacity })
        }
    };
    json!({
        "metadata": { "name": name },
        "spec": {
            "driver": DRIVER,
            "nodeName": node,
            "pool": { "name": name, "generation": 1, "resourceSliceCount": 1 },
            "devices": devices.iter().map(device).collect::<Vec<_>>(),
        },
    })
}

/// A pod on a node, and a claim that has this device for it.
async fn claimed(api: &Api, version: &str, node: &str, (slice, device): (&str, &str), name: &str) -> Result<()> {
    let pod = json!({
        "metadata": { "name": name },
        "spec": { "nodeName": node, "containers": [{ "name": "server", "image": "registry.invalid/server:1" }] },
    });
    let pod = api.create("/api/v1/namespaces/default/pods", &pod).await?;
    let request = if version == "v1beta1" {
        json!({ "name": "gpu", "deviceClassName": "gpu" })
    } else {
        json!({ "name": "gpu", "exactly": { "deviceClassName": "gpu" } })
    };
    let path = format!("/apis/resource.k8s.io/{version}/namespaces/default/resourceclaims");
    let claim = json!({ "metadata": { "name": name }, "spec": { "devices": { "requests": [request] } } });
    api.create(&path, &claim).await?;
    let result = json!({ "request": "gpu", "driver": DRIVER, "pool": slice, "device": device });
    let status = json!({
        "allocation": { "devices": { "results": [result] } },
        "reservedFor": [{ "resource": "pods", "name": name, "uid": pod["metadata"]["uid"] }],
    });
    api.patch(&format!("{path}/{name}/status"), &json!({ "status": status })).await.map(drop)
}

/// A pod that waits, and a claim that was made for it and asks for two devices.
async fn waits(api: &Api, version: &str, name: &str) -> Result<()> {
    let containers = json!([{ "name": "server", "image": "registry.invalid/server:1" }]);
    let pod = json!({ "metadata": { "name": name }, "spec": { "containers": containers } });
    let pod = api.create("/api/v1/namespaces/default/pods", &pod).await?;
    let exactly = json!({ "deviceClassName": "gpu", "count": 2 });
    let request = if version == "v1beta1" {
        json!({ "name": "gpu", "deviceClassName": "gpu", "count": 2 })
    } else {
        json!({ "name": "gpu", "exactly": exactly })
    };
    let owner = json!([{
        "apiVersion": "v1", "kind": "Pod", "name": name, "uid": pod["metadata"]["uid"], "controller": true,
    }]);
    let meta = json!({ "name": name, "ownerReferences": owner });
    let claim = json!({ "metadata": meta, "spec": { "devices": { "requests": [request] } } });
    let path = format!("/apis/resource.k8s.io/{version}/namespaces/default/resourceclaims");
    api.create(&path, &claim).await.map(drop)
}

/// Who has which device, by the fleet: `gpu-0 free, gpu-1 chat/claim`.
fn who(watched: &Watched) -> String {
    let fleet = watched.fleet();
    let cell = |row: pilothouse_wire::view::GpuRow<'_>| {
        let uuid = row.gpu.device().map(|device| device.uuid.trim_start_matches("GPU-")).unwrap_or_default();
        match row.holder {
            Some(pod) => format!("{uuid} {}/{}", pod.name, row.gpu.cell().method.word()),
            None => format!("{uuid} {}", row.gpu.cell().state.word()),
        }
    };
    fleet.gpu_rows().map(cell).collect::<Vec<_>>().join(", ")
}

async fn are_read(version: &str) -> Result<()> {
    let off = ["v1", "v1beta1", "v1beta2"].map(|of| format!("resource.k8s.io/{of}={}", of == version)).join(",");
    // The authorizer of nodes waits for the newest version for ever; these nodes are played, and ask as an administrator.
    let args = vec![format!("--runtime-config={off}"), "--authorization-mode=RBAC".to_owned()];
    let plane = ControlPlane::start(Options { api_server_args: args, ..Options::default() }).await?;
    let api = plane.api()?;
    let newest = api.call(reqwest::Method::GET, "/apis/resource.k8s.io/v1/resourceclaims", None).await?;
    assert_eq!(newest.status, 404, "it serves the newest");
    let nodes = GpuNodes::new("dra", 1, 0);
    plane.add_gpu_nodes(&nodes, LIMIT).await?;
    let node = nodes.name(0);
    let slices = format!("/apis/resource.k8s.io/{version}/resourceslices");
    api.create(&slices, &slice(version, &node, "first", &["gpu-0", "gpu-1"])).await?;
    claimed(&api, version, &node, ("first", "gpu-1"), "chat").await?;

    // By the listing, which is in protobuf.
    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    let they_are = async |want: &str| {
        let mut told = String::new();
        let same = until(want, LIMIT, async || {
            told = who(&watched);
            Ok((told == want).then_some(()))
        });
        same.await.map_err(|failure| Failure::new(format!("{failure}; it is {told}")))
    };
    they_are("gpu-0 free, gpu-1 chat/claim").await?;
    // By the watch, which is in JSON.
    claimed(&api, version, &node, ("first", "gpu-0"), "embed").await?;
    they_are("gpu-0 embed/claim, gpu-1 chat/claim").await?;
    api.create(&slices, &slice(version, &node, "second", &["gpu-2"])).await?;
    they_are("gpu-0 embed/claim, gpu-1 chat/claim, gpu-2 free").await?;
    api.delete(&format!("/apis/resource.k8s.io/{version}/namespaces/default/resourceclaims/chat")).await?;
    they_are("gpu-0 embed/claim, gpu-1 free, gpu-2 free").await?;
    waits(&api, version, "train").await?;
    let asks = async || {
        let fleet = watched.fleet();
        let row = fleet.pods.rows().iter().find(|row| row.id.name == "train");
        Ok(row.filter(|row| row.gpus == 2 && row.requests == [("gpu".into(), 2)]).map(|_| ()))
    };
    until("what train asks for by its claim", LIMIT, asks).await?;
    watched.until_well().await
}

#[tokio::test]
async fn claims_are_read_of_a_server_of_the_first_version() -> Result<()> {
    are_read("v1beta1").await
}

#[tokio::test]
async fn claims_are_read_of_a_server_of_the_second_version() -> Result<()> {
    are_read("v1beta2").await
}

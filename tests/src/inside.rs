//! A server of this machine as one inside of a cluster: a service whose one endpoint leads to it.

use std::net::{IpAddr, UdpSocket};

use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::control_plane::ControlPlane;
use crate::failure::{Context, Failure, Result};

/// A service, and the way from its endpoint to the server. The way ends when this is dropped; the service stays.
pub struct Inside {
    /// Namespace, name and port, as a connection names it.
    pub service: String,
    path: String,
    endpoints: String,
    _way: JoinSet<()>,
}

impl ControlPlane {
    /// Puts the server at a port of the loopback address behind port 9090 (`web`) of a new service with these labels.
    pub async fn put_inside(&self, namespace: &str, name: &str, labels: &Value, port: u16) -> Result<Inside> {
        // Neither the loopback address nor a local one may be an endpoint.
        let listener = TcpListener::bind((own_address()?, 0)).await.could_not("listen at this machine's address")?;
        let address = listener.local_addr().could_not("listen at this machine's address")?;
        let api = self.api()?;
        let services = format!("/api/v1/namespaces/{namespace}/services");
        let service = json!({
            "metadata": { "name": name, "labels": labels },
            "spec": { "ports": [{ "name": "web", "port": 9090, "targetPort": address.port() }] },
        });
        api.create(&services, &service).await?;
        self.put_pod(namespace, name, address.ip()).await?;
        let endpoints = json!({
            "metadata": { "name": name },
            "subsets": [{
                "addresses": [{
                    "ip": address.ip().to_string(),
                    "targetRef": { "kind": "Pod", "namespace": namespace, "name": name },
                }],
                "ports": [{ "name": "web", "port": address.port() }],
            }],
        });
        let all = format!("/api/v1/namespaces/{namespace}/endpoints");
        api.create(&all, &endpoints).await?;
        let mut way = JoinSet::new();
        way.spawn(async move {
            let mut calls = JoinSet::new();
            while let Ok((mut from, _)) = listener.accept().await {
                calls.spawn(async move {
                    // Who goes away ends this one connection.
                    if let Ok(mut to) = TcpStream::connect(("127.0.0.1", port)).await {
                        let _ = copy_bidirectional(&mut from, &mut to).await;
                    }
                });
            }
        });
        let (path, endpoints) = (format!("{services}/{name}"), format!("{all}/{name}"));
        Ok(Inside { service: format!("{namespace}/{name}:9090"), path, endpoints, _way: way })
    }

    /// A pod that has this machine's address: the API server connects to addresses of pods alone. No node runs it.
    async fn put_pod(&self, namespace: &str, name: &str, address: IpAddr) -> Result<()> {
        let api = self.api()?;
        let pods = format!("/api/v1/namespaces/{namespace}/pods");
        let pod = json!({
            "metadata": { "name": name },
            "spec": { "schedulerName": "nobody", "containers": [{ "name": "server", "image": "server" }] },
        });
        api.create(&pods, &pod).await?;
        let ip = address.to_string();
        let status = json!({ "status": { "phase": "Running", "podIP": ip, "podIPs": [{ "ip": ip }] } });
        api.patch(&format!("{pods}/{name}/status"), &status).await.map(drop)
    }

    /// Takes away what the service leads to.
    pub async fn empty(&self, inside: &Inside) -> Result<()> {
        self.api()?.patch(&inside.endpoints, &json!({ "subsets": [] })).await.map(drop)
    }

    /// Deletes the service.
    pub async fn remove(&self, inside: &Inside) -> Result<()> {
        self.api()?.delete(&inside.path).await.map(drop)
    }
}

/// The address by which this machine would be reached from others. Nothing is sent to learn it.
fn own_address() -> Result<IpAddr> {
    let what = "learn this machine's own address";
    let socket = UdpSocket::bind("0.0.0.0:0").could_not(what)?;
    socket.connect("203.0.113.1:9").could_not(what)?;
    let address = socket.local_addr().could_not(what)?.ip();
    if address.is_loopback() {
        return Err(Failure::new(
            "this machine has no address but the loopback one, which Kubernetes takes for no endpoint.\n\
             Next: give it one, such as `ip address add 10.99.0.1/32 dev lo` and a route by it.",
        ));
    }
    Ok(address)
}

//! The harness itself: what a test may rely on when it asks for a control plane.
//! All servers are real; the pods are played by kwok.

use std::process::Stdio;
use std::time::Duration;

use acceptance::certs::Validity;
use acceptance::{
    APP_LABEL, Context, ControlPlane, Failure, GPU, GpuNodes, GpuPods, Options, Part, Result, Rule, until,
};
use acceptance::{Subject, User, api};
use reqwest::Method;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test]
async fn nodes_have_gpus_and_a_deployment_runs_on_them() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("serving").await?;
    plane.add_gpu_nodes(&GpuNodes::new("deploy", 3, 8), LIMIT).await?;
    let pods = GpuPods::new(&namespace, "llama", 6, 4).on("deploy");
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;

    let labels = serde_json::json!({ "metadata": { "labels": { "patched": "yes" } } });
    plane.api()?.patch("/api/v1/nodes/deploy-0001", &labels).await?;
    let node = plane.api()?.get("/api/v1/nodes/deploy-0001").await?;
    assert_eq!(node["metadata"]["labels"]["patched"], "yes");
    assert_eq!(node["status"]["allocatable"][GPU], "8");
    assert_eq!(node["metadata"]["labels"]["nvidia.com/gpu.memory"], "81559");
    assert_eq!(node["metadata"]["labels"]["topology.kubernetes.io/zone"], "eu-west-1b");

    let path = format!("/api/v1/namespaces/{namespace}/pods");
    let list = plane.api()?.get(&path).await?;
    let owners: Vec<_> =
        api::items(&list).iter().map(|pod| pod["metadata"]["ownerReferences"][0]["kind"].as_str()).collect();
    assert_eq!(owners, [Some("ReplicaSet"); 6]);
    Ok(())
}

#[tokio::test]
async fn pods_that_do_not_fit_stay_pending() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("batch").await?;
    plane.add_gpu_nodes(&GpuNodes::new("full", 1, 8), LIMIT).await?;
    let fits = GpuPods::new(&namespace, "fits", 2, 4).on("full");
    plane.add_gpu_pods(&fits).await?;
    plane.wait_running(&fits, LIMIT).await?;

    let waits = GpuPods::new(&namespace, "waits", 1, 1).on("full");
    plane.add_gpu_pods(&waits).await?;
    let path = format!("/api/v1/namespaces/{namespace}/pods/waits-0");
    let api = plane.api()?;
    let reason = acceptance::until("the scheduler has looked", LIMIT, async || {
        let pod = api.get(&path).await?;
        Ok(pod["status"]["conditions"][0]["message"].as_str().map(str::to_owned))
    })
    .await?;
    assert!(reason.contains("Insufficient nvidia.com/gpu"), "{reason}");
    Ok(())
}

#[tokio::test]
async fn kubectl_applies_reads_logs_and_runs_commands() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("shell").await?;
    plane.add_gpu_nodes(&GpuNodes::new("shell", 1, 1), LIMIT).await?;
    let pods = GpuPods::new(&namespace, "one", 1, 1).on("shell");
    plane.add_gpu_pods(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;

    let config = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: notes, namespace: {namespace} }}\ndata: {{ a: b }}\n"
    );
    plane.apply(&config).await?;
    let read = ["get", "configmap", "notes", "-n", &namespace, "-o", "jsonpath={.data.a}"];
    assert_eq!(plane.kubectl(&read).await?, "b");

    let logs = plane.kubectl(&["logs", "one-0", "-n", &namespace]).await?;
    assert_eq!(logs, "a line of a pod\n");
    let exec = ["exec", "one-0", "-n", &namespace, "--", "echo", "hello"];
    assert_eq!(plane.kubectl(&exec).await?, "hello\n");
    Ok(())
}

#[tokio::test]
async fn a_port_of_a_pod_is_forwarded() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("forward").await?;
    plane.add_gpu_nodes(&GpuNodes::new("forward", 1, 1), LIMIT).await?;
    let pods = GpuPods::new(&namespace, "one", 1, 1).on("forward");
    plane.add_gpu_pods(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;

    // Port 0: kubectl takes a free one and says which. It goes on until it is dropped.
    let mut kubectl = plane.kubectl_command(&["port-forward", "-n", &namespace, "pod/one-0", ":8000"]);
    let mut child = kubectl.stdout(Stdio::piped()).spawn().could_not("start kubectl")?;
    let output = child.stdout.take().ok_or_else(|| Failure::new("kubectl has no output"))?;
    // Kept open: kubectl prints a line at each connection, and ends if it cannot.
    let mut lines = BufReader::new(output).lines();
    let line = lines.next_line().await.could_not("read kubectl")?;
    let line = line.unwrap_or_default();
    let address = line.split(' ').nth(2).unwrap_or_default();

    // kwok's own server is what every forwarded port leads to.
    let mut pod = TcpStream::connect(address).await.could_not(&line)?;
    pod.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").await.could_not("ask the pod")?;
    // kwok leaves the connection open after its answer.
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(LIMIT, pod.read(&mut answer)).await.could_not("wait for the pod")?;
    answer.truncate(read.could_not("read the pod's answer")?);
    assert!(answer.starts_with(b"HTTP/1.0 200 OK"), "{}", String::from_utf8_lossy(&answer));
    Ok(())
}

#[tokio::test]
async fn people_may_do_only_what_they_were_granted() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("team").await?;
    let (account, token) = plane.service_account(&namespace, "viewer").await?;
    let rules = [Rule::new("", &["pods"], &["get", "list", "watch"])];
    plane.grant(&account, Some(&namespace), &rules).await?;

    let viewer = plane.api_for(&token)?;
    viewer.get(&format!("/api/v1/namespaces/{namespace}/pods")).await?;
    let refused = viewer.call(Method::GET, "/api/v1/nodes", None).await?;
    assert_eq!(refused.status, 403);

    let unknown = plane.api_for("nobody")?;
    assert_eq!(unknown.call(Method::GET, "/api/v1/nodes", None).await?.status, 401);
    Ok(())
}

#[tokio::test]
async fn a_certificate_is_a_login_until_it_expires() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let ann = Subject::User("ann".to_owned());
    let rules = [Rule::new("", &["nodes"], &["list"])];
    plane.grant(&ann, None, &rules).await?;

    let can = async |validity| {
        let login = plane.certificate("ann", None, validity)?;
        let path = plane.kubeconfig_with(&login)?;
        let file = path.to_string_lossy().into_owned();
        plane.kubectl(&["--kubeconfig", &file, "get", "nodes"]).await
    };
    can(Validity::Good).await?;
    let refused = can(Validity::Expired).await;
    assert!(
        refused.is_err_and(|e| e.to_string().contains("Unauthorized") || e.to_string().contains("must be logged in"))
    );
    Ok(())
}

#[tokio::test]
async fn a_restarted_server_has_the_same_objects_and_users() -> Result<()> {
    let options = Options { users: vec![User::new("bob", "bobs-token")], ..Options::default() };
    let mut plane = ControlPlane::start(options).await?;
    plane.add_gpu_nodes(&GpuNodes::new("stays", 3, 8), LIMIT).await?;
    let pods = GpuPods::new("default", "server", 3, 8);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    let url = plane.url();
    let path = format!("/api/v1/pods?labelSelector={APP_LABEL}=server");
    let uids = async |plane: &ControlPlane| -> Result<Vec<String>> {
        let list = plane.api()?.get(&path).await?;
        let uids = api::items(&list).iter().map(|pod| pod["metadata"]["uid"].to_string());
        Ok(uids.collect())
    };
    let before = uids(&plane).await?;

    plane.stop_apiserver();
    assert!(plane.api()?.call(Method::GET, "/readyz", None).await.is_err());
    plane.start_apiserver().await?;

    assert_eq!(plane.url(), url);
    assert_eq!(uids(&plane).await?, before);
    let bob = plane.api_for("bobs-token")?;
    assert_eq!(bob.call(Method::GET, "/api/v1/nodes", None).await?.status, 403);

    // A frozen server keeps its connections and says nothing.
    plane.pause(Part::ApiServer)?;
    let api = plane.api()?;
    // Its threads are not all frozen at once.
    until("the server says nothing", LIMIT, async || {
        let answer = api.call(Method::GET, "/readyz", None);
        Ok(tokio::time::timeout(Duration::from_millis(500), answer).await.is_err().then_some(()))
    })
    .await?;
    plane.resume(Part::ApiServer)?;
    plane.api()?.get("/api/v1/nodes").await?;
    Ok(())
}

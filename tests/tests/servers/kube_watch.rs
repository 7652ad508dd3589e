//! The Kubernetes connector against a real API server: the world is what the server lists, whatever happens between.

use std::time::Duration;

use crate::kube_relay::{Kind, Relay};
use crate::kube_scripted::kubeconfig;
use crate::kube_support::{LIMIT, Settings, Watched, id};
use acceptance::{ControlPlane, Failure, GpuNodes, GpuPods, Options, Result, Rule};
use pilothouse_connect::{Clock, Signature};
use pilothouse_connect_kube::{
    auth::Auth,
    client::{Client, JSON, PATIENCE, PROTOBUF},
    kubeconfig::merged,
    list,
    owned::TeamRule,
    place::Place,
    resource::{Resource, Scope},
    slim::{Event, Namespace, Node, Pod},
    target::Target,
};
use pilothouse_wire::{NodeId, ObjectRef, PodId, SmolStr, ask::LogQuery};
use pilothouse_world::Source;
use serde_json::json;

#[tokio::test]
async fn pods_that_come_and_go_are_seen_as_listed() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("come", 3, 8), LIMIT).await?;
    plane.add_gpu_deployment(&GpuPods::new("default", "before", 4, 2)).await?;
    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    watched.until_well().await?;
    let api = plane.api()?;
    watched.until_as_listed(&api).await?;

    plane.add_gpu_deployment(&GpuPods::new("default", "after", 4, 2)).await?;
    plane.wait_running(&GpuPods::new("default", "after", 4, 2), LIMIT).await?;
    watched.until_as_listed(&api).await?;
    watched.until("the events are seen", |source| (!source.events.is_empty()).then_some(())).await?;

    api.delete("/apis/apps/v1/namespaces/default/deployments/before").await?;
    watched.until("the deleted pods are gone", |source| (source.pods.len() == 4).then_some(())).await?;
    watched.until_as_listed(&api).await?;
    assert_eq!(watched.words(), ["Connecting", "Well"]);
    Ok(())
}

#[tokio::test]
async fn whose_a_pod_is_follows_its_labels_and_those_of_its_namespace() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("own", 1, 8), LIMIT).await?;
    let namespace = plane.namespace("owned").await?;
    plane.add_gpu_pods(&GpuPods::new(&namespace, "chat", 1, 1)).await?;
    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    watched.until_well().await?;
    let labels = |source: &Source| {
        let pod = source.pods.get(&(namespace.as_str().into(), "chat-0".into()))?;
        let text = |label: Option<&SmolStr>| label.map_or("none", SmolStr::as_str).to_owned();
        let team = source.teams.get(namespace.as_str());
        Some([text(pod.labels.team.as_ref()), text(pod.labels.queue.as_ref()), text(team)].join(" "))
    };
    let until =
        async |want: &str| watched.until(want, |source| labels(source).filter(|labels| labels == want).map(drop)).await;
    until("none none none").await?;
    plane.kubectl(&["label", "namespace", &namespace, "acme.com/team=ads"]).await?;
    until("none none ads").await?;
    let pod = ["label", "pod", "chat-0", "-n", &namespace, "team=search", "kueue.x-k8s.io/queue-name=gold"];
    plane.kubectl(&pod).await?;
    until("search gold ads").await?;
    plane.kubectl(&["label", "pod", "chat-0", "-n", &namespace, "team-", "kueue.x-k8s.io/queue-name-"]).await?;
    until("none none ads").await
}

#[tokio::test]
async fn servers_inside_are_told_of_until_they_are_gone() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let sought = vec![Signature {
        kind: "metrics".to_owned(),
        id: "metrics".to_owned(),
        labels: vec![("app".to_owned(), "metrics".to_owned())],
        ports: vec!["web".to_owned()],
        fallback: false,
    }];
    let api = plane.api()?;
    let services = "/api/v1/namespaces/default/services";
    for (name, label) in [("mine", "metrics"), ("other", "web")] {
        let ports = json!([{ "name": "web", "port": 9090 }]);
        let object = json!({ "metadata": { "name": name, "labels": { "app": label } }, "spec": { "ports": ports } });
        api.create(services, &object).await?;
    }
    let watched = Watched::start(&Settings { sought: sought.leak(), ..Settings::new(&plane.kubeconfig()) })?;
    let names = |source: &Source| -> Option<Vec<String>> {
        Some(source.inside.as_ref()?.iter().map(|one| format!("{}/{}:{}", one.namespace, one.name, one.port)).collect())
    };
    let found = watched.until("it is found", |source| names(source).filter(|names| !names.is_empty())).await?;
    assert_eq!(found, ["default/mine:9090"]);
    api.delete(&format!("{services}/mine")).await?;
    watched.until("it is gone", |source| names(source).filter(Vec::is_empty)).await?;
    assert_eq!(watched.words().last(), Some(&"Well"));
    Ok(())
}

#[tokio::test]
async fn a_killed_server_comes_back_and_so_does_the_truth() -> Result<()> {
    let mut plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("kill", 2, 8), LIMIT).await?;
    plane.add_gpu_pods(&GpuPods::new("default", "stays", 3, 1)).await?;
    plane.add_gpu_pods(&GpuPods::new("default", "goes", 3, 1)).await?;
    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    watched.until_well().await?;
    watched.until_as_listed(&plane.api()?).await?;

    plane.stop_apiserver();
    watched.until_problem("Lost").await?;
    assert_eq!(watched.see(|source| source.pods.len()), Some(6), "what was known stays while the server is away");
    plane.start_apiserver().await?;
    // Deleted and added while the connector has not come back yet, or lists anew.
    let api = plane.api()?;
    for pod in ["goes-0", "goes-1", "goes-2"] {
        api.delete(&format!("/api/v1/namespaces/default/pods/{pod}?gracePeriodSeconds=0")).await?;
    }
    plane.add_gpu_pods(&GpuPods::new("default", "comes", 2, 1)).await?;
    watched.until_well().await?;
    watched.until_as_listed(&api).await?;
    assert_eq!(watched.see(|source| source.pods.len()), Some(5));
    Ok(())
}

#[tokio::test]
async fn cut_watches_go_on_where_they_were() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("cut").await?;
    plane.add_gpu_nodes(&GpuNodes::new("cut", 1, 8), LIMIT).await?;
    let relay = Relay::start(Kind::Plain, &plane.url()).await?;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.crt");
    std::fs::write(&ca, plane.ca_pem()).unwrap();
    let cluster = json!({ "server": format!("https://{}", relay.address), "certificate-authority": ca });
    let file = kubeconfig(folder.path(), cluster, json!({ "token": plane.admin_token() }))?;
    let watched = Watched::start(&Settings::new(&file).with("namespaces", &namespace))?;
    watched.until_well().await?;
    for round in 0..4 {
        relay.cut();
        plane.add_gpu_pods(&GpuPods::new(&namespace, &format!("round{round}"), 2, 1).on("cut")).await?;
        let seen = 2 * (round + 1);
        watched.until("all pods are seen", |source| (source.pods.len() == seen).then_some(())).await?;
    }
    assert!(!watched.words().contains(&"Lost"), "{:?}", watched.words());
    Ok(())
}

#[tokio::test]
async fn proxies_are_gone_through() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.crt");
    std::fs::write(&ca, plane.ca_pem()).unwrap();
    for (kind, scheme) in [(Kind::Http, "http"), (Kind::Socks, "socks5")] {
        let relay = Relay::start(kind, &plane.url()).await?;
        let proxy = format!("{scheme}://{}", relay.address);
        // The port is one that nobody could reach without the proxy.
        let cluster = json!({ "server": plane.url(), "certificate-authority": ca, "proxy-url": proxy });
        let file = kubeconfig(folder.path(), cluster, json!({ "token": plane.admin_token() }))?;
        let watched = Watched::start(&Settings::new(&file))?;
        watched.until_well().await?;
        drop(relay);
        watched.until_problem("Lost").await?;
    }
    Ok(())
}

#[tokio::test]
async fn who_may_read_some_namespaces_sees_those_and_is_told() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let (mine, other) = (plane.namespace("mine").await?, plane.namespace("other").await?);
    plane.add_gpu_nodes(&GpuNodes::new("some", 1, 8), LIMIT).await?;
    for namespace in [&mine, &other] {
        plane.add_gpu_pods(&GpuPods::new(namespace, "pod", 2, 1).on("some")).await?;
    }
    let (account, token) = plane.service_account(&mine, "viewer").await?;
    // As the built-in role `view` has it: events of the core group only.
    plane.grant(&account, Some(&mine), &[Rule::new("", &["pods", "events"], &["get", "list", "watch"])]).await?;
    let settings = Settings::new(&plane.kubeconfig_for(&token)?).with("namespaces", &format!("{mine}, {other}"));
    let watched = Watched::start(&settings)?;
    let problem = watched.until_problem("Partial").await?;
    watched.until("the pods are seen", |source| (source.pods.len() == 2).then_some(())).await?;
    watched.until("the events are seen", |source| (!source.events.is_empty()).then_some(())).await?;
    // What tells of changes comes last, and behind it what a cluster may serve.
    let last =
        |source: &Source| source.probed.may_not.iter().any(|what| what.contains("poddisruptionbudgets")).then_some(());
    watched.until("all that is missing is told", last).await?;
    let told = watched.see(|source| {
        let probed = &source.probed;
        // Kinds that other tests have defined here are said, too, where they were found in time.
        let always = |what: &&SmolStr| !what.contains("how services get to their next revision");
        let may_not: Vec<&SmolStr> = probed.may_not.iter().filter(always).collect();
        format!("may {:?}\nmay not {may_not:?}\nnot visible {:?}", probed.may, probed.not_visible)
    });
    let told = format!("{}\n{}\n{}", told.unwrap_or_default(), problem, problem.remedy.as_deref().unwrap_or_default());
    insta::assert_snapshot!("some_namespaces", told.replace(&mine, "MINE").replace(&other, "OTHER"));

    api_delete(plane, &mine, "pod-0").await?;
    watched.until("the deleted pod is gone", |source| (source.pods.len() == 1).then_some(())).await?;
    Ok(())
}

#[tokio::test]
async fn namespaces_are_found_where_they_may_be_listed() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let (mine, own) = (plane.namespace("found").await?, plane.namespace("own").await?);
    plane.add_gpu_nodes(&GpuNodes::new("found", 1, 8), LIMIT).await?;
    for namespace in [&mine, &own] {
        plane.add_gpu_pods(&GpuPods::new(namespace, "pod", 1, 1).on("found")).await?;
    }
    let (account, token) = plane.service_account(&own, "lister").await?;
    let pods = [Rule::new("", &["pods"], &["get", "list", "watch"])];
    plane.grant(&account, Some(&mine), &pods).await?;
    plane.grant(&account, Some(&own), &pods).await?;

    // Without the right to list namespaces, the context's own is all that can be tried.
    let file = plane.kubeconfig_for(&token)?;
    let text = std::fs::read_to_string(&file).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
    config["contexts"][0]["context"]["namespace"] = json!(own);
    std::fs::write(&file, config.to_string()).unwrap();
    let seen = |source: &pilothouse_world::Source| {
        source.pods.keys().map(|(namespace, _)| namespace.to_string()).collect::<std::collections::BTreeSet<_>>()
    };
    let watched = Watched::start(&Settings::new(&file))?;
    watched.until_problem("Partial").await?;
    assert_eq!(watched.see(seen), Some([own.clone()].into()));

    plane.grant(&account, None, &[Rule::new("", &["namespaces", "nodes"], &["list", "watch"])]).await?;
    let watched = Watched::start(&Settings::new(&file))?;
    watched.until_problem("Partial").await?;
    assert_eq!(watched.see(seen), Some([mine, own].into()));
    Ok(())
}

#[tokio::test]
async fn a_connection_ends_when_nobody_listens() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let nobody = kubeconfig_of_nobody(plane)?;
    for settings in [Settings::new(&plane.kubeconfig()), Settings::new(&nobody)] {
        let connector = settings.open().map_err(|problem| Failure::new(problem.to_string()))?;
        let (way, mut batches) = tokio::sync::mpsc::channel(64);
        let sink = pilothouse_connect::Sink::new(id(), way, Clock::system());
        let watching = tokio::spawn(async move { connector.watch(sink).await });
        // Long enough to be in the middle of it: well, or waiting for another attempt.
        let listening = async { while batches.recv().await.is_some() {} };
        assert!(tokio::time::timeout(Duration::from_secs(3), listening).await.is_err());
        drop(batches);
        let ended = tokio::time::timeout(Duration::from_secs(8), watching).await;
        assert!(ended.is_ok(), "it goes on");
    }
    Ok(())
}

fn kubeconfig_of_nobody(plane: &ControlPlane) -> Result<std::path::PathBuf> {
    plane.kubeconfig_for("nobody-knows-this-token")
}

async fn api_delete(plane: &ControlPlane, namespace: &str, pod: &str) -> Result<()> {
    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}?gracePeriodSeconds=0");
    plane.api()?.delete(&path).await.map(drop)
}

#[tokio::test]
async fn events_of_the_older_group_are_read_where_the_newer_is_absent() -> Result<()> {
    let args = vec!["--runtime-config=events.k8s.io/v1=false".to_owned()];
    let plane = ControlPlane::start(Options { api_server_args: args, ..Options::default() }).await?;
    let absent = plane.api()?.call(reqwest::Method::GET, "/apis/events.k8s.io/v1/events", None).await?;
    assert_eq!(absent.status, 404);
    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    watched.until_well().await?;
    plane.add_gpu_pods(&GpuPods::new("default", "waits", 1, 8)).await?;
    watched
        .until("the event is seen", |source| {
            source.events.values().find(|event| event.reason == "FailedScheduling" && event.name == "waits-0").map(drop)
        })
        .await?;
    watched.until_well().await
}

#[tokio::test]
async fn a_token_in_a_file_is_read_again_when_it_changes() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let folder = tempfile::tempdir().unwrap();
    let (ca, token) = (folder.path().join("ca.crt"), folder.path().join("token"));
    std::fs::write(&ca, plane.ca_pem()).unwrap();
    std::fs::write(&token, "no longer valid\n").unwrap();
    let cluster = json!({ "server": plane.url(), "certificate-authority": ca });
    let file = kubeconfig(folder.path(), cluster, json!({ "tokenFile": "token" }))?;
    let watched = Watched::start(&Settings::new(&file))?;
    watched.until_problem("Lost").await?;
    std::fs::write(&token, format!("{}\n", plane.admin_token())).unwrap();
    watched.until_well().await
}

#[tokio::test]
async fn both_encodings_say_the_same() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("encodings").await?;
    plane.add_gpu_nodes(&GpuNodes::new("encodings", 2, 8), LIMIT).await?;
    let pods = GpuPods::new(&namespace, "both", 5, 2).on("encodings");
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    plane
        .apply(&format!("apiVersion: v1\nkind: Pod\nmetadata: {{ name: rich, namespace: {namespace} }}\n{RICH}"))
        .await?;

    let client = client(plane)?;
    let within = Scope { namespace: Some(namespace) };
    let everywhere = Scope { namespace: None };
    compare::<Pod>(&client, &within, 6).await?;
    compare::<Event>(&client, &within, 5).await?;
    compare::<Node>(&client, &everywhere, 2).await?;
    compare::<Namespace>(&client, &everywhere, 5).await
}

/// A pod in which every part that becomes facts is used.
const RICH: &str = r#"
spec:
  initContainers:
  - { name: weights, image: a, resources: { limits: { nvidia.com/gpu: 1 } } }
  - { name: beside, image: b, restartPolicy: Always, resources: { requests: { cpu: 250m, memory: 1500Ki } } }
  containers:
  - { name: one, image: c, env: [{ name: A, value: b }], resources: { limits: { nvidia.com/gpu: 2, cpu: "1.5" } } }
  - { name: two, image: d }
"#;

fn client(plane: &ControlPlane) -> Result<Client> {
    let say = |problem: pilothouse_wire::Problem| Failure::new(problem.to_string());
    let context = merged(vec![plane.kubeconfig()]).context("admin").map_err(say)?;
    let place = Place::of("test", &context, "token");
    let target = Target::new(&context, false).map_err(say)?;
    let auth = Auth::new(&context, &[], Clock::system()).map_err(say)?;
    Ok(Client::new(place, target, auth, TeamRule::default(), Clock::system()))
}

/// Lists in both encodings until nothing changed between the two.
async fn compare<T: Resource>(client: &Client, scope: &Scope, at_least: usize) -> Result<()> {
    let page = async |accept| {
        let answer = client.get(&scope.call::<T>("list"), &scope.path::<T>(), accept, PATIENCE).await;
        let answer = answer.map_err(|failure| Failure::new(format!("{failure:?}")))?;
        let page = list::read::<T>(&answer.content_type, &answer.body);
        Ok::<_, Failure>((answer.content_type, page.map_err(|failure| Failure::new(format!("{failure:?}")))?))
    };
    let mut differs = String::new();
    let same = acceptance::until("both say the same", Duration::from_secs(20), async || {
        let ((json_type, json), (proto_type, proto)) = (page(JSON).await?, page(PROTOBUF).await?);
        assert!(json_type.starts_with("application/json"), "{json_type}");
        assert!(proto_type.starts_with("application/vnd.kubernetes.protobuf"), "{proto_type}");
        assert!(json.facts.len() >= at_least, "{} {}", T::PLURAL, json.facts.len());
        assert_eq!((json.dropped, proto.dropped), (0, 0));
        let pairs = json.facts.iter().zip(&proto.facts);
        differs = pairs.into_iter().find(|(a, b)| a != b).map(|pair| format!("{pair:?}")).unwrap_or_default();
        Ok((json.facts == proto.facts).then_some(()))
    });
    same.await.map_err(|failure| Failure::new(format!("{failure} ({}): {differs}", T::PLURAL)))
}

#[tokio::test]
async fn secrets_of_pods_are_in_no_fact_and_no_yaml() -> Result<()> {
    const CANARY: &str = "canary-7f3a9b";
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("canary").await?;
    let long = "x".repeat(250_000);
    let yaml = format!(
        r#"
apiVersion: v1
kind: ConfigMap
metadata: {{ name: settings, namespace: {namespace} }}
data: {{ password: {CANARY} }}
---
apiVersion: v1
kind: Secret
metadata: {{ name: keys, namespace: {namespace} }}
stringData: {{ token: {CANARY} }}
---
apiVersion: v1
kind: Pod
metadata:
  name: quiet
  namespace: {namespace}
  annotations: {{ "example.org/api-token": "{CANARY}", "example.org/dsn": "postgres://me:{CANARY}@db/x", "example.org/long": "{long}" }}
spec:
  initContainers:
  - {{ name: i, image: a, env: [{{ name: PASSWORD, value: "{CANARY}" }}] }}
  containers:
  - name: server
    image: registry.invalid/server
    command: [serve, --api-key, "{CANARY}"]
    args: ["--token={CANARY}", "--url=https://me:{CANARY}@h/x"]
    env:
    - {{ name: PLAIN, value: "{CANARY}" }}
    - {{ name: FROM, valueFrom: {{ secretKeyRef: {{ name: keys, key: token }} }} }}
    livenessProbe: {{ httpGet: {{ port: 80, httpHeaders: [{{ name: Authorization, value: "{CANARY}" }}] }} }}
---
apiVersion: v1
kind: Pod
metadata: {{ name: bare, namespace: {namespace} }}
spec: {{ containers: [{{ name: only, image: a }}] }}
"#
    );
    let settings = Settings::new(&plane.kubeconfig()).with("namespaces", &namespace);
    let watched = Watched::start(&settings)?;
    watched.until_well().await?;
    plane.kubectl(&["get", "namespace", &namespace]).await?;
    plane.apply(&yaml).await?;
    // Client-side apply writes the whole object into an annotation.
    let applied = format!("kubectl.kubernetes.io/last-applied-configuration={{\"env\":\"{CANARY}\"}}");
    plane.kubectl(&["annotate", "pod", "bare", "-n", &namespace, &applied]).await?;
    watched.until("both pods are seen", |source| (source.pods.len() == 2).then_some(())).await?;
    // The same by a listing.
    let listed = Watched::start(&settings)?;
    listed.until_well().await?;
    assert_eq!(listed.see(|source| source.pods.len()), Some(2));
    for said in [watched.said(), listed.said()] {
        assert!(said.contains("quiet") && !said.contains(CANARY));
        assert!(said.len() < 100_000, "the long annotation is not kept: {}", said.len());
    }
    for pod in ["quiet", "bare"] {
        let object = ObjectRef::Pod(PodId { cluster: id(), namespace: namespace.as_str().into(), name: pod.into() });
        let text = watched.connector.yaml(&object).await.map_err(|problem| Failure::new(problem.to_string()))?;
        assert!(text.contains(&format!("name: {pod}")) && !text.contains(CANARY), "{text}");
        assert!(!text.contains("managedFields") && !text.contains("last-applied"), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn nodes_and_namespaces_are_shown_as_yaml_and_what_is_not_there_is_said() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    plane.add_gpu_nodes(&GpuNodes::new("yaml", 1, 8), LIMIT).await?;
    let connector = Settings::new(&plane.kubeconfig()).open().map_err(|problem| Failure::new(problem.to_string()))?;
    let node = |name: &str| NodeId { cluster: id(), name: name.into() };
    for (object, want) in [
        (ObjectRef::Node(node("yaml-0000")), "nvidia.com/gpu: \"8\""),
        (ObjectRef::Gpu(node("yaml-0000"), 3), "kind: Node"),
        (ObjectRef::Namespace(id(), "default".into()), "kind: Namespace"),
    ] {
        let text = connector.yaml(&object).await.map_err(|problem| Failure::new(problem.to_string()))?;
        assert!(text.contains(want), "{text}");
    }
    let gone = connector.yaml(&ObjectRef::Node(node("nowhere"))).await.err().map(|problem| problem.to_string());
    assert_eq!(
        gone.as_deref(),
        Some("ord-prod has no node nowhere. It was deleted, or another of its name has taken its place.")
    );
    let odd = connector.yaml(&ObjectRef::Node(node("../secrets"))).await.err().map(|problem| problem.to_string());
    assert_eq!(odd.as_deref(), Some("\"../secrets\" names nothing in Kubernetes."));
    Ok(())
}

#[tokio::test]
async fn a_pods_log_is_read_and_one_that_is_not_there_is_said() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    plane.add_gpu_nodes(&GpuNodes::new("logs", 1, 8), LIMIT).await?;
    let pods = GpuPods::new("default", "talks", 1, 1);
    plane.add_gpu_pods(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    plane.set_pod_log("first\nsecond\n\u{1b}[31mthird\n")?;
    let connector = Settings::new(&plane.kubeconfig()).open().map_err(|problem| Failure::new(problem.to_string()))?;
    let query = |name: &str, lines| LogQuery {
        pod: PodId { cluster: id(), namespace: "default".into(), name: name.into() },
        container: None,
        previous: false,
        lines,
        after: None,
    };
    let read =
        async |name: &str, lines| connector.logs(&query(name, lines)).await.map_err(|problem| problem.to_string());
    let lines = read("talks-0", 100).await.map_err(Failure::new)?;
    let texts: Vec<&str> = lines.iter().map(|line| line.split_once(' ').map_or("", |(_, text)| text)).collect();
    assert_eq!(texts, ["first", "second", "\u{1b}[31mthird"]);
    assert_eq!(
        read("nobody", 100).await,
        Err("ord-prod has no pod nobody. It was deleted, or another of its name has taken its place.".to_owned())
    );
    assert_eq!(read("../x", 1).await, Err("\"../x\" names nothing in Kubernetes.".to_owned()));
    Ok(())
}

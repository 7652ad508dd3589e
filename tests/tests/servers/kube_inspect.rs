//! Any kind of object of a real API server: which there are, how they are listed, and how one is described, each beside
//! what kubectl says of the same cluster.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::kube_scripted::{Reply, Scripted, kubeconfig};
use crate::kube_support::{LIMIT, Settings, id};
use acceptance::{ControlPlane, Failure, GpuNodes, GpuPods, Result, Rule, until};
use pilothouse_connect::Connector;
use pilothouse_wire::{
    Code, NodeId, ObjectRef, PodId, Problem, Stamp,
    describe::Description,
    kinds::{KindRow, Listing, ObjectTable, called},
};
use serde_json::json;

const SERVICES: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: inferenceservices.serving.kserve.io }
spec:
  group: serving.kserve.io
  scope: Namespaced
  names: { plural: inferenceservices, singular: inferenceservice, kind: InferenceService, shortNames: [isvc] }
  versions:
  - name: v1beta1
    served: true
    storage: true
    subresources: { status: {} }
    additionalPrinterColumns:
    - { name: URL, type: string, jsonPath: .spec.url }
    - { name: Replicas, type: integer, jsonPath: .spec.replicas }
    - { name: Runtime, type: string, priority: 1, jsonPath: .spec.predictor.runtime }
    - { name: Age, type: date, jsonPath: .metadata.creationTimestamp }
    schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
";

fn told(problem: Problem) -> Failure {
    Failure::new(problem.to_string())
}

fn open(plane: &ControlPlane) -> Result<Arc<dyn Connector>> {
    Settings::new(&plane.kubeconfig()).open().map_err(told)
}

/// The shared cluster, once it serves InferenceServices.
async fn with_services() -> Result<&'static ControlPlane> {
    let plane = ControlPlane::shared().await?;
    plane.apply(SERVICES).await?;
    let api = plane.api()?;
    until("the kind is served", LIMIT, async || {
        let path = "/apis/serving.kserve.io/v1beta1/inferenceservices";
        Ok((api.call(reqwest::Method::GET, path, None).await?.status == 200).then_some(()))
    })
    .await?;
    Ok(plane)
}

async fn kinds(connector: &Arc<dyn Connector>) -> Result<Vec<KindRow>> {
    Ok(connector.kinds().await.map_err(told)?.kinds)
}

/// The kind of a name, once discovery tells of it: the server takes a moment to publish a new one.
async fn kind(connector: &Arc<dyn Connector>, word: &str) -> Result<KindRow> {
    until(&format!("{word} is offered"), LIMIT, async || Ok(called(&kinds(connector).await?, word).cloned())).await
}

fn listing(kind: &KindRow, namespace: Option<&str>) -> Listing {
    Listing {
        cluster: id(),
        kind: kind.id.clone(),
        namespaced: kind.namespaced,
        namespace: namespace.map(Into::into),
        name: None,
        most: 1_000,
    }
}

async fn list(connector: &Arc<dyn Connector>, word: &str, namespace: Option<&str>) -> Result<ObjectTable> {
    let kind = kind(connector, word).await?;
    connector.objects(&listing(&kind, namespace)).await.map_err(told)
}

/// A table as kubectl prints it, without the column of ages, which move: titles, then rows.
fn printed(table: &ObjectTable) -> Vec<Vec<String>> {
    let used: Vec<usize> = (0..table.columns.len())
        .filter(|at| !table.columns[*at].wide && !table.columns[*at].name.eq_ignore_ascii_case("age"))
        .collect();
    let titles = used.iter().map(|at| table.columns[*at].name.to_uppercase()).collect();
    let rows = table
        .rows
        .iter()
        .map(|row| used.iter().map(|at| row.cells[*at].clone().unwrap_or_else(|| "<none>".to_owned())).collect());
    std::iter::once(titles).chain(rows).collect()
}

/// The same of what kubectl printed.
fn of_kubectl(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().map(|line| {
        let cells: Vec<String> =
            line.split("   ").map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty()).collect();
        cells
    });
    let rows: Vec<Vec<String>> = lines.collect();
    let age = rows[0].iter().position(|title| title == "AGE");
    rows.into_iter()
        .map(|row| row.into_iter().enumerate().filter(|(at, _)| Some(*at) != age).map(|(_, cell)| cell).collect())
        .collect()
}

#[tokio::test]
async fn the_kinds_are_those_that_kubectl_names_and_so_are_tables_of_objects() -> Result<()> {
    let plane = with_services().await?;
    let connector = open(plane)?;
    kind(&connector, "isvc").await?;
    let names: BTreeSet<String> = kinds(&connector)
        .await?
        .iter()
        .map(|row| {
            if row.id.group.is_empty() {
                row.id.plural.to_string()
            } else {
                format!("{}.{}", row.id.plural, row.id.group)
            }
        })
        .collect();
    let theirs = plane.kubectl(&["api-resources", "--verbs=list,get", "-o", "name"]).await?;
    let theirs: BTreeSet<String> = theirs.lines().map(str::to_owned).collect();
    assert_eq!(names, theirs);

    let namespace = plane.namespace("listed").await?;
    for (name, replicas) in [("chat", 3), ("embed", 0)] {
        let object = json!({
            "apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": { "name": name },
            "spec": { "url": format!("http://{name}"), "replicas": replicas, "predictor": { "runtime": "vllm" } },
        });
        let path = format!("/apis/serving.kserve.io/v1beta1/namespaces/{namespace}/inferenceservices");
        plane.api()?.create(&path, &object).await?;
    }
    plane
        .kubectl(&["-n", &namespace, "create", "deployment", "web", "--image=registry.invalid/web", "--replicas=0"])
        .await?;
    for word in ["inferenceservices", "deployments", "serviceaccounts"] {
        let ours = list(&connector, word, Some(&namespace)).await?;
        let theirs = plane.kubectl(&["-n", &namespace, "get", word]).await?;
        assert_eq!(printed(&ours), of_kubectl(&theirs), "{word}\n{theirs}");
    }
    let services = list(&connector, "isvc", None).await?;
    let wide: Vec<&str> =
        services.columns.iter().filter(|column| column.wide).map(|column| column.name.as_str()).collect();
    assert_eq!(wide, ["Runtime"]);
    let first = &services
        .rows
        .iter()
        .find(|row| row.object.namespace().is_some_and(|n| n == namespace.as_str()))
        .unwrap()
        .object;
    assert_eq!(
        first.to_string(),
        format!("object:ord-prod/inferenceservices.v1beta1.serving.kserve.io/InferenceService/{namespace}/chat")
    );
    Ok(())
}

#[tokio::test]
async fn many_objects_come_in_pages_and_no_more_than_were_asked_for() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("many").await?;
    let maps = (0..620).map(|n| json!({ "metadata": { "name": format!("map-{n:04}") } }));
    plane.api()?.create_all(&format!("/api/v1/namespaces/{namespace}/configmaps"), maps).await?;
    let connector = open(plane)?;
    let kind = kind(&connector, "cm").await?;
    let all = listing(&kind, Some(&namespace));
    let read = async |listing: &Listing| connector.objects(listing).await.map_err(told);
    // The server puts one of its own into each namespace.
    let table = read(&all).await?;
    let own = table.rows.iter().filter(|row| row.object.name().starts_with("map-")).count();
    assert_eq!((own, table.more), (620, false));
    let some = read(&Listing { most: 550, ..all.clone() }).await?;
    assert_eq!((some.rows.len(), some.more), (550, true));
    let one = read(&Listing { name: Some("map-0007".into()), ..all }).await?;
    assert_eq!(one.rows.iter().map(|row| row.object.name().to_string()).collect::<Vec<_>>(), ["map-0007"]);
    Ok(())
}

#[tokio::test]
async fn what_may_not_be_listed_is_said_with_the_right_that_is_missing() -> Result<()> {
    let plane = with_services().await?;
    let namespace = plane.namespace("barred").await?;
    let (subject, token) = plane.service_account(&namespace, "reader").await?;
    plane.grant(&subject, Some(&namespace), &[Rule::new("apps", &["deployments"], &["list", "get"])]).await?;
    let connector = Settings::new(&plane.kubeconfig_for(&token)?).open().map_err(told)?;
    // Who may read nothing may still see which kinds there are.
    let services = kind(&connector, "isvc").await?;
    let problem = connector.objects(&listing(&services, None)).await.unwrap_err();
    assert_eq!(problem.code, Code::Denied);
    let why = problem.why.unwrap_or_default();
    assert!(why.contains("may not list inferenceservices at cluster scope"), "{why}");
    let remedy = problem.remedy.unwrap_or_default();
    assert!(remedy.contains("apiGroups: [\"serving.kserve.io\"], resources: [inferenceservices]"), "{remedy}");
    let deployments = kind(&connector, "deploy").await?;
    assert!(connector.objects(&listing(&deployments, Some(&namespace))).await.is_ok());
    // A connection that is limited to namespaces lists in those.
    let limited = Settings::new(&plane.kubeconfig_for(&token)?).with("namespaces", &namespace).open().map_err(told)?;
    assert_eq!(limited.objects(&listing(&deployments, None)).await.map_err(told)?.rows.len(), 0);
    // Events may not be read: the object is described all the same, and that is said.
    plane
        .kubectl(&["-n", &namespace, "create", "deployment", "web", "--image=registry.invalid/web", "--replicas=0"])
        .await?;
    let web = ObjectRef::listed(id(), &deployments.id, Some(namespace.as_str().into()), "web".into());
    let described = connector.describe(&web).await.map_err(told)?;
    assert!(said(&described).contains("registry.invalid/web"));
    let problem = described.events_problem.unwrap();
    assert!(problem.why.unwrap_or_default().contains(&format!("may not list events in {namespace}")));
    Ok(())
}

#[tokio::test]
async fn a_secret_is_listed_and_described_and_never_read() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("hidden").await?;
    let value = "aHVudGVyMg==";
    // As a person would: kubectl keeps a copy of all of it in an annotation.
    let object = json!({
        "metadata": { "name": "keys", "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": format!("{{\"data\":{{\"key\":\"{value}\"}}}}") } },
        "data": { "key": value },
    });
    plane.api()?.create(&format!("/api/v1/namespaces/{namespace}/secrets"), &object).await?;
    let map = json!({ "metadata": { "name": "settings" }, "data": { "app.yaml": "hunter2" } });
    plane.api()?.create(&format!("/api/v1/namespaces/{namespace}/configmaps"), &map).await?;
    let connector = open(plane)?;
    let table = list(&connector, "secrets", Some(&namespace)).await?;
    let keys = table.rows.iter().find(|row| row.object.name() == "keys").unwrap().object.clone();
    let yaml = connector.yaml(&keys).await.map_err(told)?;
    let described = connector.describe(&keys).await.map_err(told)?;
    assert!(yaml.contains("name: keys") && yaml.contains("PartialObjectMetadata"), "{yaml}");
    assert!(said(&described).contains("Values of secrets are not read"));
    let settings = list(&connector, "configmaps", Some(&namespace)).await?;
    let settings = settings.rows.iter().find(|row| row.object.name() == "settings").unwrap().object.clone();
    let map = connector.describe(&settings).await.map_err(told)?;
    assert!(said(&map).contains("app.yaml"), "{}", said(&map));
    let everything =
        format!("{table:?} {yaml} {described:?} {map:?} {}", connector.yaml(&settings).await.map_err(told)?);
    for gone in [value, "hunter2"] {
        assert!(!everything.contains(gone), "{everything}");
    }
    Ok(())
}

fn said(description: &Description) -> String {
    description.text(description.read_at)
}

/// Each of these is in both texts.
#[track_caller]
fn both(ours: &str, theirs: &str, facts: &[&str]) {
    for fact in facts {
        assert!(theirs.contains(fact), "kubectl does not say {fact}:\n{theirs}");
        assert!(ours.contains(fact), "we do not say {fact}:\n{ours}");
    }
}

#[tokio::test]
async fn a_pod_its_node_and_its_deployment_are_described_as_kubectl_does() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    plane.add_gpu_nodes(&GpuNodes::new("words", 1, 8), LIMIT).await?;
    let namespace = plane.namespace("words").await?;
    let pods = GpuPods::new(&namespace, "chat", 1, 5).on("words");
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    let connector = open(plane)?;
    let running = list(&connector, "pods", Some(&namespace)).await?;
    let pod = running.rows[0].object.clone();
    let name = pod.name();

    // The scheduler's event is written a moment after the pod is placed.
    let described = until("the pod's events are read", LIMIT, async || {
        let described = connector.describe(&pod).await.map_err(told)?;
        Ok(described.events.iter().any(|event| event.reason == "Scheduled").then_some(described))
    })
    .await?;
    let theirs = plane.kubectl(&["-n", &namespace, "describe", "pod", &name]).await?;
    let facts = [
        name.as_str(),
        "words-0000",
        "registry.invalid/models/server:1.0.0",
        "nvidia.com/gpu",
        "PodScheduled",
        "Successfully assigned",
        "node.kubernetes.io/not-ready:NoExecute op=Exists for 300",
        "ReplicaSet",
    ];
    both(&said(&described), &theirs, &facts);
    // Whose it is in the end, which kubectl leaves to the reader.
    let owners: Vec<String> = described.sections[0]
        .rows
        .iter()
        .filter(|row| row.label == "Controlled by")
        .map(|row| row.value.clone().unwrap_or_default())
        .collect();
    assert_eq!(owners.len(), 2, "{owners:?}");
    assert!(owners[0].starts_with("ReplicaSet chat-") && owners[1] == "Deployment chat", "{owners:?}");
    let shell = described.commands.iter().find(|command| command.line.contains(" exec -it ")).unwrap();
    assert!(shell.line.contains(&format!(" -n {namespace} exec -it {name} -- sh")), "{}", shell.line);

    let deployment = ObjectRef::Workload(id(), namespace.as_str().into(), "Deployment".into(), "chat".into());
    let described = connector.describe(&deployment).await.map_err(told)?;
    let theirs = plane.kubectl(&["-n", &namespace, "describe", "deployment", "chat"]).await?;
    let facts = [
        "RollingUpdate",
        "Available",
        "MinimumReplicasAvailable",
        "registry.invalid/models/server:1.0.0",
        "ScalingReplicaSet",
    ];
    both(&said(&described), &theirs, &facts);
    assert!(connector.yaml(&deployment).await.map_err(told)?.contains("kind: Deployment"));

    let node = ObjectRef::Node(NodeId { cluster: id(), name: "words-0000".into() });
    let described = connector.describe(&node).await.map_err(told)?;
    let theirs = plane.kubectl(&["describe", "node", "words-0000"]).await?;
    both(&said(&described), &theirs, &["nvidia.com/gpu", "Ready", "amd64", name.as_str(), &namespace]);
    let resources = described.sections.iter().find(|section| section.title == "Resources").unwrap();
    let rows = &resources.table.as_ref().unwrap().rows;
    let gpus: Vec<String> = rows
        .iter()
        .find(|row| row[0].as_deref() == Some("nvidia.com/gpu"))
        .unwrap()
        .iter()
        .map(|cell| cell.clone().unwrap_or_default())
        .collect();
    assert_eq!(gpus, ["nvidia.com/gpu", "8", "8", "5", "62.5 %"]);

    let gone = ObjectRef::Pod(PodId { cluster: id(), namespace: namespace.as_str().into(), name: "nobody".into() });
    let problem = connector.describe(&gone).await.unwrap_err();
    assert_eq!(problem.what, "ord-prod has no pod nobody.");
    Ok(())
}

#[tokio::test]
async fn an_object_of_a_kind_that_nobody_here_knows_is_described_by_its_fields_and_its_own_events() -> Result<()> {
    let plane = with_services().await?;
    let namespace = plane.namespace("unknown").await?;
    let path = format!("/apis/serving.kserve.io/v1beta1/namespaces/{namespace}/inferenceservices");
    let object = json!({
        "apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
        "metadata": { "name": "chat" },
        "spec": { "predictor": { "runtime": "vllm", "password": "hunter2" } },
    });
    let api = plane.api()?;
    let made = api.create(&path, &object).await?;
    let status = json!({ "status": { "conditions": [{ "type": "Ready", "status": "False", "reason": "NoRuntime" }] } });
    api.patch(&format!("{path}/chat/status"), &status).await?;
    let about = |uid: &str, message: &str, at: &str, count: u32| {
        json!({
            "metadata": { "generateName": "e-" }, "type": "Warning", "reason": "NoRuntime", "message": message,
            "involvedObject": { "kind": "InferenceService", "namespace": namespace, "name": "chat", "uid": uid },
            "firstTimestamp": at, "lastTimestamp": at, "count": count,
        })
    };
    let uid = made["metadata"]["uid"].as_str().unwrap();
    let events = format!("/api/v1/namespaces/{namespace}/events");
    for event in [
        about(uid, "first", "2026-11-24T03:00:00Z", 1),
        about(uid, "last", "2026-11-24T03:09:00Z", 12),
        about("of-an-earlier-one", "not ours", "2026-11-24T03:10:00Z", 1),
    ] {
        api.create(&events, &event).await?;
    }
    let connector = open(plane)?;
    let kind = kind(&connector, "isvc").await?;
    let chat = ObjectRef::listed(id(), &kind.id, Some(namespace.as_str().into()), "chat".into());
    let described = connector.describe(&chat).await.map_err(told)?;
    let text = described.text("2026-11-24T03:10:00Z".parse::<Stamp>().unwrap());
    assert!(text.contains("predictor.runtime:") && text.contains("vllm"), "{text}");
    assert!(text.contains("NoRuntime") && !text.contains("hunter2"), "{text}");
    let notes: Vec<(&str, u32)> = described.events.iter().map(|event| (event.note.as_str(), event.count)).collect();
    assert_eq!(notes, [("last", 12), ("first", 1)]);
    let yaml = connector.yaml(&chat).await.map_err(told)?;
    assert!(yaml.contains("runtime: vllm") && !yaml.contains("hunter2"), "{yaml}");
    Ok(())
}

/// A server before 1.26 knows no aggregated discovery; the real one of the tests cannot be made to forget it.
#[tokio::test]
async fn an_older_servers_kinds_are_read_group_by_group_and_a_group_that_fails_is_named() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let resource = |name: &str, kind: &str| json!({ "name": name, "kind": kind, "namespaced": true, "singularName": "", "verbs": ["get", "list"] });
    let server = Scripted::start(move |path, _| {
        let body = match path {
            "/api" => json!({ "kind": "APIVersions", "versions": ["v1"] }),
            "/apis" => json!({ "kind": "APIGroupList", "groups": [
                { "name": "apps", "versions": [{ "version": "v1" }], "preferredVersion": { "version": "v1" } },
                { "name": "gone.io", "versions": [{ "version": "v1" }] },
            ] }),
            "/api/v1" => json!({ "kind": "APIResourceList", "resources": [resource("pods", "Pod"), resource("pods/log", "Pod")] }),
            "/apis/apps/v1" => json!({ "kind": "APIResourceList", "resources": [resource("deployments", "Deployment")] }),
            "/apis/gone.io/v1" => return Some(Reply::Json(503, "", json!({ "message": "no endpoints" }))),
            _ => return None,
        };
        Some(Reply::Json(200, "", body))
    })
    .await?;
    let config = kubeconfig(folder.path(), json!({ "server": server.url }), json!({ "token": "x" }))?;
    let connector = Settings::new(&config).open().map_err(told)?;
    let offered = connector.kinds().await.map_err(told)?;
    let names: Vec<String> = offered.kinds.iter().map(|kind| kind.id.to_string()).collect();
    assert_eq!(names, ["pods.v1", "deployments.v1.apps"]);
    assert!(offered.problem.unwrap().to_string().contains("gone.io/v1"));
    Ok(())
}

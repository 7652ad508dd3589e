//! What the tests of the way back share: a Deployment that came from `v1` to `v2` in a real cluster, its images in a real
//! registry, and what the terminal says of its way back.

use acceptance::{
    Context, ControlPlane, Failure, GPU, GpuNodes, POOL_LABEL, Registry, Result, Rule, Said, Subject, Terminal,
    api::items, registry::Content, until,
};
use pilothouse_engine::Operator;
use pilothouse_wire::{Answer, Ask, ConnectionId, ObjectRef, back::WayBack};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

pub const LIMIT: Duration = Duration::from_secs(90);
const SECRET: &str = "hf-token";
const FLAGS: &str = "engine-flags";

/// What pods of `v1` name, and those of `v2` do not.
#[derive(Clone, Copy)]
pub enum Named {
    /// Mounted.
    Secret,
    /// Variables.
    ConfigMap,
}

impl Named {
    fn kind(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Secret => SECRET,
            Self::ConfigMap => FLAGS,
        }
    }

    /// Whether a pod names it, in the language of policies.
    fn is_named(self) -> String {
        match self {
            Self::Secret => format!(
                "has(object.spec.volumes) && object.spec.volumes.exists(v, has(v.secret) && v.secret.secretName == '{SECRET}')"
            ),
            Self::ConfigMap => format!(
                "object.spec.containers.exists(c, has(c.envFrom) && \
                 c.envFrom.exists(e, has(e.configMapRef) && e.configMapRef.name == '{FLAGS}'))"
            ),
        }
    }
}

/// What a pod has by which it names all of that.
fn naming() -> (Value, Value) {
    let volumes = json!([{ "name": "token", "secret": { "secretName": SECRET } }]);
    (volumes, json!([{ "configMapRef": { "name": FLAGS } }]))
}

/// A Deployment of two pods with two GPUs each, on a pool of its own, that came from `v1` to `v2`; only `v1` mounts a Secret, and
/// has its variables from a ConfigMap.
pub struct Site {
    pub plane: &'static ControlPlane,
    pub registry: Registry,
    pub terminal: Terminal,
    pub namespace: String,
    pub pool: String,
    /// The digest of `v1`.
    pub first: String,
    /// The digest of `v2`.
    pub second: String,
}

/// How the pods of a site are replaced.
pub struct Wish {
    /// GPUs of the pool's one node.
    pub gpus: u32,
    pub surge: u32,
    pub unavailable: u32,
    /// The account of the pods of `v1`.
    pub account: &'static str,
}

impl Wish {
    pub fn new(gpus: u32, surge: u32, unavailable: u32) -> Self {
        Self { gpus, surge, unavailable, account: "default" }
    }
}

impl Site {
    pub async fn start(name: &str, wish: Wish) -> Result<Self> {
        let plane = ControlPlane::shared().await?;
        let namespace = plane.namespace(name).await?;
        plane.add_gpu_nodes(&GpuNodes::new(&namespace, 1, wish.gpus), LIMIT).await?;
        let registry = Registry::start().await?;
        let first = registry.push("team/chat", "v1", &Content::image("first")).await?;
        let second = registry.push("team/chat", "v2", &Content::image("second")).await?;
        let terminal = connected(&plane.kubeconfig(), "admin", Some(&registry)).await?;
        let site = Self { plane, registry, terminal, pool: namespace.clone(), namespace, first, second };
        let secret = json!({ "metadata": { "name": SECRET }, "stringData": { "token": "canary-of-a-secret" } });
        site.create("/api/v1", "secrets", &secret).await?;
        let flags = json!({ "metadata": { "name": FLAGS }, "data": { "DTYPE": "canary-of-a-flag" } });
        site.create("/api/v1", "configmaps", &flags).await?;
        if wish.account != "default" {
            site.create("/api/v1", "serviceaccounts", &json!({ "metadata": { "name": wish.account } })).await?;
        }
        site.create("/apis/apps/v1", "deployments", &site.chat(&wish)).await?;
        site.complete().await?;
        site.to_v2().await?;
        site.node_has(&[("v1", &site.first)]).await?;
        Ok(site)
    }

    pub fn image(&self, tag: &str) -> String {
        format!("{}/team/chat:{tag}", self.registry.host())
    }

    pub fn chat(&self, wish: &Wish) -> Value {
        let (limits, (volumes, variables)) = (json!({ "cpu": "1", "memory": "1Gi", GPU: "2" }), naming());
        let container = json!({
            "name": "server", "image": self.image("v1"), "envFrom": variables, "resources": { "limits": limits },
        });
        let pod = json!({
            "serviceAccountName": wish.account,
            "terminationGracePeriodSeconds": 0,
            "nodeSelector": { POOL_LABEL: self.pool },
            "volumes": volumes,
            "containers": [container],
        });
        let rolling = json!({ "maxSurge": wish.surge, "maxUnavailable": wish.unavailable });
        json!({
            "metadata": { "name": "chat" },
            "spec": {
                "replicas": 2, "progressDeadlineSeconds": 20,
                "selector": { "matchLabels": { "app": "chat" } },
                "strategy": { "type": "RollingUpdate", "rollingUpdate": rolling },
                "template": { "metadata": { "labels": { "app": "chat" } }, "spec": pod },
            },
        })
    }

    /// The second revision: another image, and nothing of what the first one needs.
    pub async fn to_v2(&self) -> Result<()> {
        let container = json!({ "name": "server", "image": self.image("v2"), "resources": { "limits": { GPU: "2" } } });
        let spec =
            json!({ "volumes": null, "serviceAccountName": null, "serviceAccount": null, "containers": [container] });
        let change = json!({ "spec": { "template": { "spec": spec } } });
        self.plane.api()?.patch(&self.path("/apis/apps/v1", "deployments/chat"), &change).await?;
        self.complete().await
    }

    pub fn path(&self, root: &str, of: &str) -> String {
        format!("{root}/namespaces/{}/{of}", self.namespace)
    }

    pub async fn create(&self, root: &str, plural: &str, object: &Value) -> Result<()> {
        self.plane.api()?.create(&self.path(root, plural), object).await.map(drop)
    }

    pub async fn kubectl(&self, words: &[&str]) -> Result<String> {
        self.plane.kubectl(&[words, &["-n", &self.namespace]].concat()).await
    }

    pub async fn complete(&self) -> Result<()> {
        self.kubectl(&["rollout", "status", "deployment/chat", "--timeout=90s"]).await?;
        // Pods of before that are ending hold their GPUs still.
        until("only its two pods are there", LIMIT, async || {
            let names = self.kubectl(&["get", "pods", "-l", "app=chat", "-o", "name"]).await?;
            Ok((names.lines().count() == 2).then_some(()))
        })
        .await
    }

    /// Lets the node tell of the images that it has, as its kubelet would, each by its tag and its digest.
    pub async fn node_has(&self, images: &[(&str, &str)]) -> Result<()> {
        let repository = format!("{}/team/chat", self.registry.host());
        node_has(self.plane, &format!("{}-0000", self.pool), &repository, images).await
    }

    pub async fn running(&self) -> Result<String> {
        self.kubectl(&["get", "deployment", "chat", "-o", "jsonpath={.spec.template.spec.containers[0].image}"]).await
    }

    pub async fn rollback(&self, more: &[&str]) -> Result<Said> {
        rollback(&self.terminal, &self.namespace, more).await
    }

    /// The check alone, with the code that it ends with.
    pub async fn check(&self) -> Result<Checked> {
        checked(&self.terminal, &self.namespace).await
    }

    /// Takes the way back, and says what became of it.
    pub async fn taken(&self, more: &[&str]) -> Result<(i32, String)> {
        taken(&self.terminal, &self.namespace, more).await
    }

    /// From now on no pod that names it comes while there is none.
    async fn stand_for_the_kubelet(&self, named: Named) -> Result<()> {
        let (namespace, kind, name) = (&self.namespace, named.kind(), named.name());
        let (own, expression) = (format!("kubelet-{namespace}-{name}"), named.is_named());
        let policy = format!(
            "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{ name: {own} }}
spec:
  failurePolicy: Fail
  paramKind: {{ apiVersion: v1, kind: {kind} }}
  matchConstraints:
    resourceRules:
    - {{ apiGroups: [\"\"], apiVersions: [v1], operations: [CREATE], resources: [pods] }}
  matchConditions:
  - name: names-it
    expression: \"{expression}\"
  validations:
  - {{ expression: \"true\" }}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{ name: {own} }}
spec:
  policyName: {own}
  validationActions: [Deny]
  paramRef: {{ name: {name}, namespace: {namespace}, parameterNotFoundAction: Deny }}
  matchResources:
    namespaceSelector: {{ matchLabels: {{ kubernetes.io/metadata.name: {namespace} }} }}
"
        );
        self.plane.apply(&policy).await
    }

    /// Takes away what pods of `v1` name, and returns once none of them comes.
    pub async fn without(&self, named: Named) -> Result<()> {
        self.stand_for_the_kubelet(named).await?;
        self.kubectl(&["delete", &named.kind().to_lowercase(), named.name()]).await?;
        let (api, (volumes, variables)) = (self.plane.api()?, naming());
        let pod = json!({ "metadata": { "name": "probe" }, "spec": {
            "volumes": volumes, "containers": [{ "name": "server", "image": "x", "envFrom": variables }],
        } });
        until("no pod comes without it", LIMIT, async || {
            let path = self.path("/api/v1", "pods?dryRun=All");
            let answer = api.call(reqwest::Method::POST, &path, Some(&pod)).await?;
            Ok((answer.status >= 400).then_some(()))
        })
        .await
    }

    /// A terminal of who is called at night, who may take a service back, and this beside it.
    pub async fn on_call(&self, more: &[Rule]) -> Result<Terminal> {
        let (person, token) = self.plane.service_account(&self.namespace, "oncall").await?;
        allow(self.plane, &person).await?;
        if !more.is_empty() {
            self.plane.grant(&person, None, more).await?;
        }
        let file = self.plane.kubeconfig_for(&token)?;
        let context = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        connected(&file, &context, Some(&self.registry)).await
    }
}

/// Lets the ReplicaSet of a revision name its owner by another version, as if it had been made while that was served.
pub async fn kept_as(plane: &ControlPlane, namespace: &str, (key, number): (&str, &str), version: &str) -> Result<()> {
    let (api, sets) = (plane.api()?, format!("/apis/apps/v1/namespaces/{namespace}/replicasets"));
    let list = api.get(&sets).await?;
    let set = items(&list).iter().find(|set| set["metadata"]["annotations"][key] == number);
    let set = set.ok_or_else(|| Failure::new(format!("no ReplicaSet has {key} {number}: {list:#}")))?;
    let mut owners = set["metadata"]["ownerReferences"].clone();
    owners[0]["apiVersion"] = json!(version);
    let name = set["metadata"]["name"].as_str().unwrap_or_default();
    let change = json!({ "metadata": { "ownerReferences": owners } });
    api.patch(&format!("{sets}/{name}"), &change).await.map(drop)
}

/// Lets a node tell of images of a repository, as its kubelet would, each by its tag and its digest.
pub async fn node_has(plane: &ControlPlane, node: &str, repository: &str, images: &[(&str, &str)]) -> Result<()> {
    let image = |(tag, digest): &(&str, &str)| {
        let names = [format!("{repository}:{tag}"), format!("{repository}@{digest}")];
        json!({ "names": names, "sizeBytes": 9 })
    };
    let images: Vec<Value> = images.iter().map(image).collect();
    let status = json!({ "status": { "images": images } });
    plane.api()?.patch(&format!("/api/v1/nodes/{node}/status"), &status).await.map(drop)
}

/// What a check said.
#[derive(Debug)]
pub struct Checked {
    pub code: i32,
    pub grade: String,
    pub takes: String,
    /// Each check as `state what: words`.
    pub checks: Vec<String>,
}

impl Checked {
    #[track_caller]
    pub fn says(&self, grade: &str, code: i32, line: &str) {
        assert_eq!((self.grade.as_str(), self.code), (grade, code), "{self:#?}");
        assert!(self.checks.iter().any(|check| check.starts_with(line)), "{line}: {self:#?}");
    }
}

pub async fn connected(kubeconfig: &Path, context: &str, registry: Option<&Registry>) -> Result<Terminal> {
    let terminal = Terminal::new(kubeconfig)?;
    terminal.good(&["connect", "add", "kubernetes", "--context", context, "--name", "cluster"]).await?;
    terminal.good(&["connect", "operate", "cluster"]).await?;
    if let Some(registry) = registry {
        let watch = "watch=team/chat:v1, team/chat:v2";
        terminal.good(&["connect", "add", "oci", "--name", "models", "--url", &registry.url(), "--set", watch]).await?;
    }
    Ok(terminal)
}

pub async fn rollback(terminal: &Terminal, namespace: &str, more: &[&str]) -> Result<Said> {
    terminal.call(&[&["rollback", "chat", "-n", namespace], more].concat()).await
}

pub async fn checked(terminal: &Terminal, namespace: &str) -> Result<Checked> {
    let said = rollback(terminal, namespace, &["--check", "--json"]).await?;
    assert!(!said.out.contains("canary"), "no value of a Secret: {said:?}");
    let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let way = &document["way_back"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |check: &Value| format!("{} {}: {}", text(&check["state"]), text(&check["what"]), text(&check["words"]));
    Ok(Checked {
        code: said.code,
        grade: text(&way["grade"]),
        takes: text(&way["takes"]),
        checks: way["detail"]["checks"].as_array().into_iter().flatten().map(line).collect(),
    })
}

pub async fn taken(terminal: &Terminal, namespace: &str, more: &[&str]) -> Result<(i32, String)> {
    let said = rollback(terminal, namespace, &[&["--yes", "--json"], more].concat()).await?;
    let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    Ok((said.code, document["action"]["state"].as_str().unwrap_or_default().to_owned()))
}

/// The same question, to an engine that goes on: what it has seen itself.
pub async fn asked(operator: &Operator, namespace: &str) -> Result<WayBack> {
    let cluster = ConnectionId::slug("cluster");
    let object = ObjectRef::Workload(cluster, namespace.into(), "Deployment".into(), "chat".into());
    match operator.reader().ask(Ask::WayBack(object, None)).await.could_not("ask for the way back")? {
        Answer::WayBack(way) => Ok(*way),
        other => panic!("not a way back: {other:?}"),
    }
}

/// All that an on-call person needs to take a service back, but for a look at what its pods name.
async fn allow(plane: &ControlPlane, person: &Subject) -> Result<()> {
    let rules = [
        Rule::new("", &["nodes", "pods", "namespaces", "events"], &["get", "list", "watch"]),
        Rule::new("events.k8s.io", &["events"], &["get", "list", "watch"]),
        Rule::new(
            "apps",
            &["deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions"],
            &["get", "list", "watch", "patch"],
        ),
        Rule::new("batch", &["jobs"], &["get", "list", "watch"]),
    ];
    plane.grant(person, None, &rules).await
}

//! The recorder as a service, by the files of `deploy/` as they are: a Deployment with the rights that it names and no
//! others, and a unit of systemd with the folders that it would give. Real API server, real programs.

use acceptance::certs::{Authority, Validity};
use acceptance::{
    Asked, Context, ControlPlane, Failure, GpuNodes, GpuPods, Options, Result, Terminal, program, repository, until,
};
use pilothouse_journal::Reader;
use pilothouse_wire::Stamp;
use pilothouse_world::Fact;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub const LIMIT: Duration = Duration::from_secs(120);
pub const NAME: &str = "pilothouse-recorder";
const PLACE: &str = "/apis/apps/v1/namespaces/pilothouse/deployments/pilothouse-recorder";
const ACCOUNT: &str = "/api/v1/namespaces/pilothouse/serviceaccounts/pilothouse-recorder";

pub fn file(name: &str) -> Result<String> {
    let path = repository().join("deploy").join(name);
    fs::read_to_string(&path).could_not(format!("read {}", path.display()))
}

/// Nodes, pods of a deployment that is changed, and so controllers and events.
pub async fn something_happens(plane: &ControlPlane) -> Result<()> {
    plane.add_gpu_nodes(&GpuNodes::new("units", 2, 8), LIMIT).await?;
    let namespace = plane.namespace("serving").await?;
    let pods = GpuPods::new(&namespace, "chat", 2, 4).on("units");
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await
}

/// A program that ends with the test, and what it says.
pub struct Running {
    child: Child,
    said: PathBuf,
}

impl Running {
    pub fn start(mut command: Command, said: PathBuf) -> Result<Self> {
        let log = || fs::File::options().create(true).append(true).open(&said).could_not("open a log");
        command.stdin(Stdio::null()).stdout(log()?).stderr(log()?);
        Ok(Self { child: command.spawn().could_not("start the recorder")?, said })
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// Waits until it has said so, at least so often.
    pub async fn says(&mut self, what: &str, times: usize) -> Result<()> {
        until(&format!("the recorder says {what:?}"), LIMIT, async || {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Failure::new(format!("it ended: {status}\n{}", self.said())));
            }
            Ok((self.said().matches(what).count() >= times).then_some(()))
        })
        .await
        .map_err(|failure| Failure::new(format!("{failure}\n{}", self.said())))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already, if it fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Kinds of facts in a journal.
fn kinds(journal: &Path) -> BTreeSet<&'static str> {
    let mut kinds = BTreeSet::new();
    let read = Reader::new(journal).batches(Stamp(i64::MAX), |batch| {
        kinds.extend(batch.facts.iter().filter_map(|fact| match fact {
            Fact::Node(_) | Fact::WrittenNode(..) => Some("node"),
            Fact::Namespace(_) => Some("namespace"),
            Fact::Pod(_) | Fact::LabelledPod(..) | Fact::StartedPod(..) | Fact::ChosenPod(..) => Some("pod"),
            Fact::Event(_) => Some("event"),
            Fact::Controller(_) | Fact::Delivered(..) | Fact::Labelled(..) | Fact::Part(..) => Some("controller"),
            Fact::Revision(_) | Fact::SizedRevision(..) | Fact::TemplatedRevision(..) => Some("revision"),
            _ => None,
        }));
    });
    if read.is_ok() { kinds } else { BTreeSet::new() }
}

async fn is_recorded(journal: &Path) -> Result<()> {
    let wanted = BTreeSet::from(["node", "namespace", "pod", "event", "controller", "revision"]);
    until("every kind is in the journal", LIMIT, async || Ok(kinds(journal).is_superset(&wanted).then_some(())))
        .await
        .map_err(|failure| Failure::new(format!("{failure}: {:?}", kinds(journal))))
}

/// Rights as lines: verb, group, resource.
pub type Rights = BTreeSet<(String, String, String)>;

/// What a role grants, each thing apart.
pub fn granted(role: &Value) -> Rights {
    let words = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect()
    };
    let mut all = Rights::new();
    for rule in role["rules"].as_array().into_iter().flatten() {
        for group in words(&rule["apiGroups"]) {
            for resource in words(&rule["resources"]) {
                all.extend(words(&rule["verbs"]).into_iter().map(|verb| (verb, group.clone(), resource.clone())));
            }
        }
    }
    all
}

/// What the account asked for and got, and what it was refused, by the server's own book.
pub fn asked(log: &Path) -> (Rights, Vec<String>) {
    let (mut got, mut refused) = (Rights::new(), Vec::new());
    for line in fs::read_to_string(log).unwrap_or_default().lines() {
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        if event["user"]["username"] != format!("system:serviceaccount:pilothouse:{NAME}") {
            continue;
        }
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (verb, of) = (word(&event["verb"]), &event["objectRef"]);
        let (group, resource) = (word(&of["apiGroup"]), word(&of["resource"]));
        if event["responseStatus"]["code"] == 403 {
            refused.push(format!("{verb} {group}/{resource}"));
        } else if !resource.is_empty()
            && !group.ends_with("authorization.k8s.io")
            && !group.starts_with("authentication")
        {
            // Reviews of one's own rights are everybody's.
            got.insert((verb, group, resource));
        }
    }
    (got, refused)
}

/// What the kubelet does for the Deployment's pod: volumes in their places, a token, the environment.
pub struct Kubelet {
    folder: tempfile::TempDir,
    pod: Value,
}

impl Kubelet {
    pub async fn new(plane: &ControlPlane) -> Result<Self> {
        let folder = tempfile::tempdir().could_not("make a folder")?;
        let pod = plane.api()?.get(PLACE).await?["spec"]["template"]["spec"].clone();
        let kubelet = Self { folder, pod };
        kubelet.mount(plane).await?;
        kubelet.renew_token(plane).await?;
        Ok(kubelet)
    }

    /// Where what the pod sees at a path is.
    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.trim_start_matches('/'))
    }

    /// Makes the pod's volumes, with what their Secrets hold now.
    async fn mount(&self, plane: &ControlPlane) -> Result<()> {
        for mount in self.pod["containers"][0]["volumeMounts"].as_array().into_iter().flatten() {
            let path = self.at(mount["mountPath"].as_str().unwrap_or_default());
            fs::create_dir_all(&path).could_not("make a volume")?;
            let mut volumes = self.pod["volumes"].as_array().into_iter().flatten();
            let volume = volumes.find(|volume| volume["name"] == mount["name"]);
            let Some(secret) = volume.and_then(|volume| volume["secret"]["secretName"].as_str()) else { continue };
            for key in ["tls.crt", "tls.key", "record.json"] {
                let dotted = key.replace('.', "\\.");
                let read = format!("go-template={{{{index .data \"{key}\" | base64decode}}}}");
                let exists = format!("jsonpath={{.data.{dotted}}}");
                let get = |how: &str| {
                    let words = ["get", "secret", secret, "-n", "pilothouse", "-o"].map(str::to_owned);
                    [words.as_slice(), &[how.to_owned()]].concat()
                };
                let run = async |how: &str| {
                    let words = get(how);
                    plane.kubectl(&words.iter().map(String::as_str).collect::<Vec<_>>()).await
                };
                if !run(&exists).await?.is_empty() {
                    fs::write(path.join(key), run(&read).await?).could_not("write a secret")?;
                }
            }
        }
        Ok(())
    }

    /// A token of the account, as it is now, and the authority of the cluster.
    async fn renew_token(&self, plane: &ControlPlane) -> Result<()> {
        let folder = self.at("/account");
        fs::create_dir_all(&folder).could_not("make a folder")?;
        let request = json!({ "spec": { "expirationSeconds": 3600 } });
        let answer = plane.api()?.create(&format!("{ACCOUNT}/token"), &request).await?;
        let token = answer["status"]["token"].as_str().unwrap_or_default();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).could_not("write the account");
        write("ca.crt", &plane.ca_pem())?;
        write("namespace", "pilothouse")?;
        // In one step, as the kubelet does.
        write("token.new", token)?;
        fs::rename(folder.join("token.new"), folder.join("token")).could_not("renew the token")
    }

    /// The container's command and arguments, with the pod's own paths where they are here.
    pub fn command(&self, plane: &ControlPlane, port: u16) -> Result<Command> {
        let container = &self.pod["containers"][0];
        assert_eq!(container["command"], json!(["/usr/bin/pilothouse"]));
        let here = |text: &str| {
            let text = text.replace("/etc/pilothouse", &self.at("/etc/pilothouse").display().to_string());
            text.replace("--port=7448", &format!("--port={port}"))
        };
        let mut command = Command::new(program("pilothouse")?);
        let arguments = container["args"].as_array().into_iter().flatten().filter_map(Value::as_str);
        command.args(arguments.map(here)).env_clear();
        for variable in container["env"].as_array().into_iter().flatten() {
            let (name, value) =
                (variable["name"].as_str().unwrap_or_default(), variable["value"].as_str().unwrap_or_default());
            command.env(name, self.at(value));
        }
        let url = plane.url();
        let (_, api) = url.rsplit_once(':').ok_or_else(|| Failure::new("the server has no port"))?;
        command.env("KUBERNETES_SERVICE_HOST", "127.0.0.1").env("KUBERNETES_SERVICE_PORT", api);
        command.env("PILOTHOUSE_SERVICE_ACCOUNT", self.at("/account")).env("PILOTHOUSE_LOG", "warn");
        Ok(command)
    }
}

/// Puts the manifests into the cluster, as a person would.
pub async fn apply(plane: &ControlPlane, authority: &Authority) -> Result<()> {
    for name in ["pilothouse", "monitoring"] {
        plane.kubectl(&["create", "namespace", name]).await?;
    }
    let pair = authority.server(&["127.0.0.1", "pilothouse-recorder.pilothouse.svc"], Validity::Good)?;
    let folder = tempfile::tempdir().could_not("make a folder")?;
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    fs::write(&cert, pair.cert_pem).and_then(|()| fs::write(&key, pair.key_pem)).could_not("write a certificate")?;
    let (cert, key) = (format!("--cert={}", cert.display()), format!("--key={}", key.display()));
    plane.kubectl(&["create", "secret", "tls", NAME, "-n", "pilothouse", &cert, &key]).await?;
    plane.apply(&file("kubernetes/tokens.yaml")?).await?;
    plane.apply(&file("kubernetes/recorder.yaml")?).await
}

/// The pod is let into its namespace, which takes none that could do harm.
pub async fn the_pod_is_admitted(plane: &ControlPlane) -> Result<()> {
    let api = plane.api()?;
    until("the Deployment has its pod", LIMIT, async || {
        Ok((api.get(PLACE).await?["status"]["replicas"] == 1).then_some(()))
    })
    .await
}

/// Makes a token as the manifest says, and puts its hash into the cluster.
async fn let_a_laptop_in(plane: &ControlPlane, laptop: &Terminal) -> Result<String> {
    let book = laptop.home().join("record.json");
    let book = book.to_str().ok_or_else(|| Failure::new("a path that is no text"))?;
    let token = laptop.good(&["record", "token", "--tokens", book, "new", "laptop", "--expires", "30d"]).await?;
    let from = format!("--from-file=record.json={book}");
    let words = [
        "create",
        "secret",
        "generic",
        "pilothouse-recorder-tokens",
        "-n",
        "pilothouse",
        &from,
        "--dry-run=client",
        "-o",
        "yaml",
    ];
    plane.kubectl(&["delete", "secret", "pilothouse-recorder-tokens", "-n", "pilothouse"]).await?;
    let made = plane.kubectl(&words).await?;
    plane.apply(&made).await?;
    Ok(token.trim().to_owned())
}

#[tokio::test]
async fn the_deployment_records_with_exactly_the_rights_that_it_names_and_is_read_from_a_laptop() -> Result<()> {
    let (asked_for, plane) = Asked::start(Options::default()).await?;
    let authority = Authority::new("recorders")?;
    apply(&plane, &authority).await?;
    the_pod_is_admitted(&plane).await?;
    something_happens(&plane).await?;

    let (kubelet, port) = (Kubelet::new(&plane).await?, acceptance::free_port()?);
    let mut recorder = Running::start(kubelet.command(&plane, port)?, kubelet.at("/said"))?;
    recorder.says("in-cluster: live", 1).await?;
    let journal = kubelet.at("/var/lib/pilothouse/data/journal.db");
    is_recorded(&journal).await?;
    let said = recorder.said();
    assert!(!said.to_lowercase().contains("forbidden") && !said.contains("partial"), "{said}");

    // Nothing was refused, and nothing is granted that is not used.
    let role = plane.api()?.get(&format!("/apis/rbac.authorization.k8s.io/v1/clusterroles/{NAME}")).await?;
    let log = asked_for.log();
    // Controllers and their revisions are followed last.
    let all = until("it uses every right", LIMIT, async || Ok((asked(&log).0 == granted(&role)).then_some(()))).await;
    let (got, refused) = asked(&log);
    assert_eq!((refused, got), (Vec::<String>::new(), granted(&role)));
    all?;

    // Its token is renewed: the old one ends with the account, and the role is that of the new one.
    plane.api()?.delete(ACCOUNT).await?;
    plane.apply(&file("kubernetes/recorder.yaml")?).await?;
    kubelet.renew_token(&plane).await?;
    let account = plane.api()?.get(ACCOUNT).await?;
    until("it asks by its new token", LIMIT, async || {
        let log = fs::read_to_string(asked_for.log()).unwrap_or_default();
        let by_new = |line: &str| {
            let event: Value = serde_json::from_str(line).unwrap_or_default();
            event["user"]["uid"] == account["metadata"]["uid"] && event["responseStatus"]["code"] == 200
        };
        Ok(log.lines().any(by_new).then_some(()))
    })
    .await?;
    assert!(!recorder.said().contains("lost"), "{}", recorder.said());
    let token = fs::read_to_string(kubelet.at("/account/token")).could_not("read the token")?;
    for (path, status) in [("/api/v1/nodes?limit=1", 200), ("/api/v1/secrets", 403), ("/api/v1/configmaps", 403)] {
        assert_eq!(plane.api_for(&token)?.call(Method::GET, path, None).await?.status, status, "{path}");
    }

    // A laptop that nobody let in is told so, and is let in without a restart.
    let laptop = Terminal::new(Path::new(""))?;
    let (ca, url, part) =
        (laptop.home().join("ca.pem"), format!("https://127.0.0.1:{port}/"), laptop.home().join("part"));
    fs::write(&ca, authority.pem()).could_not("write the authority")?;
    let words = [
        "journal",
        "--journal",
        &url,
        "export",
        "--from",
        "1h",
        "--ca",
        &ca.display().to_string(),
        &part.display().to_string(),
    ]
    .map(str::to_owned);
    let export = async |token: &str| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output =
            laptop.command(&words)?.env("PILOTHOUSE_TOKEN", token).output().await.could_not("start pilothouse")?;
        Ok::<_, Failure>((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
    };
    let token = let_a_laptop_in(&plane, &laptop).await?;
    let (good, said) = export(&token).await?;
    assert!(!good && said.contains("does not know this token"), "{said}");
    kubelet.mount(&plane).await?;
    let (good, said) = export(&token).await?;
    assert!(good, "{said}");
    let part = part.display().to_string();
    let fleet = laptop.json(&["fleet", "--journal", &part, "--json"]).await?;
    assert_eq!(
        (fleet["nodes"].as_array().map(Vec::len), &fleet["clusters"][0]["id"]),
        (Some(2), &json!("in-cluster")),
        "{fleet}"
    );
    Ok(())
}

#[tokio::test]
async fn the_optional_rights_reach_the_named_services_and_no_others() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    plane.kubectl(&["create", "namespace", "monitoring"]).await?;
    plane.apply(&file("kubernetes/recorder.yaml")?).await?;
    plane.apply(&file("kubernetes/inside.yaml")?).await?;
    let request = json!({ "spec": { "expirationSeconds": 3600 } });
    let answer = plane.api()?.create(&format!("{ACCOUNT}/token"), &request).await?;
    let api = plane.api_for(answer["status"]["token"].as_str().unwrap_or_default())?;
    let status = async |path: &str| Ok::<_, Failure>(api.call(Method::GET, path, None).await?.status);
    assert_eq!(status("/api/v1/services").await?, 200);
    let proxy = "/api/v1/namespaces/monitoring/services";
    // There is no such Service here: whoever may ask for it is told that, and others that they may not.
    assert_ne!(status(&format!("{proxy}/prometheus-operated:9090/proxy/api/v1/query")).await?, 403);
    for path in [
        format!("{proxy}/grafana:3000/proxy/"),
        "/api/v1/namespaces/default/services/prometheus-operated:9090/proxy/".to_owned(),
        "/api/v1/secrets".to_owned(),
        "/api/v1/configmaps".to_owned(),
    ] {
        assert_eq!(status(&path).await?, 403, "{path}");
    }
    Ok(())
}

/// The lines of a unit, as key and value.
fn settings<'a>(unit: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    unit.lines().filter_map(move |line| line.strip_prefix(key)?.strip_prefix('='))
}

#[test]
fn the_unit_is_one_that_systemd_understands_and_can_do_little() -> Result<()> {
    // systemd's own tool, which needs none that runs. A machine without it has checked nothing, and says so.
    let analyze = Path::new("/usr/bin/systemd-analyze");
    if !analyze.exists() {
        return Err(Failure::new("there is no systemd-analyze here: cargo xtask setup installs it"));
    }
    let folder = tempfile::tempdir().could_not("make a folder")?;
    let unit = folder.path().join("pilothouse-record.service");
    // It wants the program to be there.
    let program = program("pilothouse")?.display().to_string();
    fs::write(&unit, file("systemd/pilothouse-record.service")?.replace("/usr/bin/pilothouse", &program))
        .could_not("write the unit")?;
    for words in [&["verify"][..], &["security", "--offline=true", "--threshold=20"]] {
        let output = Command::new(analyze).args(words).arg(&unit).output().could_not("start systemd-analyze")?;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{words:?}: {said}");
        assert!(words != ["verify"] || output.stderr.is_empty(), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn the_unit_records_with_what_systemd_gives_it() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    something_happens(plane).await?;
    let unit = file("systemd/pilothouse-record.service")?;
    let folder = tempfile::tempdir().could_not("make a folder")?;
    let (etc, credentials, state) =
        (folder.path().join("etc"), folder.path().join("credentials"), folder.path().join("state"));
    for folder in [&etc, &credentials, &state] {
        fs::create_dir(folder).could_not("make a folder")?;
    }
    // What the unit's head asks its owner for.
    let authority = Authority::new("recorders")?;
    let pair = authority.server(&["127.0.0.1"], Validity::Good)?;
    let laptop = Terminal::new(Path::new(""))?;
    let book = etc.join("record.json").display().to_string();
    let token = laptop.good(&["record", "token", "--tokens", &book, "new", "laptop"]).await?;
    fs::copy(plane.kubeconfig(), etc.join("kubeconfig")).could_not("copy the kubeconfig")?;
    for (name, text) in [("recorder.env", "CONTEXT=admin\n"), ("tls.crt", &pair.cert_pem), ("tls.key", &pair.key_pem)] {
        fs::write(etc.join(name), text).could_not("write what the unit needs")?;
    }
    // What systemd does before it starts the program.
    for credential in settings(&unit, "LoadCredential") {
        let (name, from) = credential.split_once(':').ok_or_else(|| Failure::new("a credential without a file"))?;
        let from = etc.join(from.trim_start_matches("/etc/pilothouse/"));
        fs::copy(from, credentials.join(name)).could_not(format!("load the credential {name}"))?;
    }
    assert_eq!(settings(&unit, "StateDirectory").collect::<Vec<_>>(), ["pilothouse"]);
    let variables = fs::read_to_string(etc.join("recorder.env")).could_not("read the variables")?;
    let context = settings(&variables, "CONTEXT").next().unwrap_or_default().to_owned();
    let given = |text: &str| {
        let text = text.replace("%d", &credentials.display().to_string()).replace("%S", &state.display().to_string());
        text.replace("${CONTEXT}", &context)
    };
    let start = given(settings(&unit, "ExecStart").next().unwrap_or_default());
    let mut words = start.split_whitespace();
    assert_eq!(words.next(), Some("/usr/bin/pilothouse"));
    let port = acceptance::free_port()?;
    let mut command = Command::new(program("pilothouse")?);
    command.args(words).args(["--port", &port.to_string()]).env_clear();
    for pair in settings(&unit, "Environment").flat_map(str::split_whitespace) {
        let (name, value) = pair.split_once('=').ok_or_else(|| Failure::new("a variable without a value"))?;
        command.env(name, given(value));
    }
    let mut recorder = Running::start(command, folder.path().join("said"))?;
    recorder.says("admin: live", 1).await?;
    is_recorded(&state.join("pilothouse/data/journal.db")).await?;

    let (ca, part) = (laptop.home().join("ca.pem"), laptop.home().join("part").display().to_string());
    fs::write(&ca, authority.pem()).could_not("write the authority")?;
    let (ca, url) = (ca.display().to_string(), format!("https://127.0.0.1:{port}/"));
    let words = ["journal", "--journal", &url, "export", "--from", "1h", "--ca", &ca, &part];
    let output =
        laptop.command(&words)?.env("PILOTHOUSE_TOKEN", token.trim()).output().await.could_not("start pilothouse")?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(laptop.json(&["nodes", "--journal", &part, "--json"]).await?.to_string().contains("units-0001"));
    Ok(())
}

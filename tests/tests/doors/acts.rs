//! Doing things to a real cluster: planned, confirmed, verified and written down, by the terminal and by the engine; and what
//! keeps something from being done, in the words of who keeps it.

use crate::acts_terminal;
use acceptance::acting::{self, confirmed, planned};
use acceptance::{
    Context, ControlPlane, Failure, GpuNodes, GpuPods, Options, Result, Rule, Said, Subject, Terminal, User, until,
};
use pilothouse_engine::Operator;
use pilothouse_wire::{
    Act, Acted, Answer, Ask, Body, Code, ConnectionId, ObjectRef, View, ViewSpec, When,
    plan::{ActionState, Confirmation, Deed},
};
use serde_json::Value;
use std::time::Duration;

pub const LIMIT: Duration = Duration::from_secs(60);
const PERSON: &str = "acts-token-1";
const CONNECTION: &str = "admin";

/// A cluster with a Deployment of two pods, and a terminal that is connected to it.
pub struct Site {
    pub plane: ControlPlane,
    pub terminal: Terminal,
    pub namespace: String,
}

impl Site {
    async fn start() -> Result<Self> {
        let users = vec![User::new("person", PERSON)];
        let plane = ControlPlane::start(Options { users, ..Options::default() }).await?;
        plane.add_gpu_nodes(&GpuNodes::new("acts", 2, 8), LIMIT).await?;
        let namespace = plane.namespace("serving").await?;
        let pods = GpuPods::new(&namespace, "chat", 2, 1);
        plane.add_gpu_deployment(&pods).await?;
        plane.wait_running(&pods, LIMIT).await?;
        let terminal = Terminal::new(&plane.kubeconfig())?;
        terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
        Ok(Self { plane, terminal, namespace })
    }

    pub async fn operated() -> Result<Self> {
        let site = Self::start().await?;
        site.terminal.good(&["connect", "operate", CONNECTION]).await?;
        Ok(site)
    }

    /// Does something to the Deployment.
    pub async fn chat(&self, verb: &str, more: &[&str]) -> Result<Said> {
        self.terminal.call(&[&["act", verb, "deployment", "chat", "-n", &self.namespace], more].concat()).await
    }

    pub async fn read(&self, path: &str) -> Result<String> {
        let path = format!("jsonpath={{{path}}}");
        self.plane.kubectl(&["get", "deployment", "chat", "-n", &self.namespace, "-o", &path]).await
    }

    /// An engine of its own, as the window has one.
    async fn engine(&self) -> Result<Operator> {
        // It reads the kubeconfig that the settings name, whatever this process has in its environment.
        let edit = format!("kubeconfig={}", self.plane.kubeconfig().display());
        self.terminal.good(&["connect", "edit", CONNECTION, "--set", &edit]).await?;
        acting::engine(&self.terminal).await
    }

    fn chat_object(&self) -> ObjectRef {
        let namespace = self.namespace.as_str().into();
        ObjectRef::Workload(ConnectionId::slug(CONNECTION), namespace, "Deployment".into(), "chat".into())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wanted_is_shown_done_verified_undone_and_written_down() -> Result<()> {
    let site = Site::start().await?;
    // A connection is read alone until somebody says otherwise.
    let said = site.chat("scale", &["--to", "3", "--yes"]).await?;
    assert!(said.code == 1 && said.err.contains("is read alone"), "{said:?}");
    site.terminal.good(&["connect", "operate", CONNECTION]).await?;

    let plan = site.chat("scale", &["--to", "3", "--plan"]).await?;
    assert_eq!(plan.code, 0, "{plan:?}");
    for part in ["from 2 to 3 pods", "1 pod, 1 GPU", "/spec/replicas is 2", "/spec/replicas: 2 → 3", "would take it"]
    {
        assert!(plan.out.contains(part), "{part}: {}", plan.out);
    }
    assert_eq!(site.read(".spec.replicas").await?, "2");
    let nobody = site.chat("scale", &["--to", "3"]).await?;
    assert!(nobody.code == 1 && nobody.err.contains("nobody was asked"), "{nobody:?}");

    let scale = ["act", "scale", "deployment", "chat", "-n", &site.namespace, "--to", "3", "--yes"];
    let mut command = site.terminal.command(&scale)?;
    let output = command.env("PILOTHOUSE_READ_ONLY", "1").output().await.could_not("run pilothouse")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("Nothing is done in this session") && !said.contains("connect operate"), "{said}");
    assert_eq!(site.read(".spec.replicas").await?, "2");

    let done = site.chat("scale", &["--to", "3", "--yes"]).await?;
    assert!(done.code == 0 && done.err.contains("verified: 3 of 3 pods are ready"), "{done:?}");
    assert!(done.err.contains("To take it back: pilothouse act scale deployment chat"), "{done:?}");
    assert_eq!(site.read(".status.availableReplicas").await?, "3");

    let image = ["--container", "server", "--image", "registry.invalid/models/server:2.0.0", "--yes", "--json"];
    let done = site.chat("set-image", &image).await?;
    let document: Value = serde_json::from_str(&done.out).could_not(format!("read {done:?}"))?;
    assert_eq!(document["action"]["state"], "verified", "{document}");
    assert_eq!(document["plan"]["changes"][0]["to"], "registry.invalid/models/server:2.0.0", "{document}");
    // A template has values of variables: they are sent, and shown to nobody.
    let set = ["set", "env", "deployment/chat", "-n", &site.namespace, "PASSWORD=canary-in-template"];
    site.plane.kubectl(&set).await?;
    let shown = site.chat("undo", &["--plan", "--json"]).await?;
    assert!(shown.code == 0 && !shown.out.contains("canary-in-template"), "{shown:?}");
    site.plane.kubectl(&["set", "env", "deployment/chat", "-n", &site.namespace, "PASSWORD-"]).await?;
    let done = site.chat("undo", &["--to", "1", "--yes"]).await?;
    assert!(done.code == 0 && done.out.contains("back to revision 1"), "{done:?}");
    assert!(site.read(".spec.template.spec.containers[0].image").await?.ends_with(":1.0.0"));
    assert_eq!(site.read(".status.updatedReplicas").await?, "3");
    let done = site.chat("restart", &["--yes"]).await?;
    assert_eq!(done.code, 0, "{done:?}");
    acts_terminal::paused_and_resumed(&site).await?;

    for (verb, wanted) in [("cordon", "true"), ("uncordon", "")] {
        site.terminal.good(&["act", verb, "acts-0000", "--yes"]).await?;
        let path = ["get", "node", "acts-0000", "-o", "jsonpath={.spec.unschedulable}"];
        assert_eq!(site.plane.kubectl(&path).await?, wanted);
    }
    let pods = ["get", "pods", "-n", &site.namespace, "-o", "jsonpath={.items[*].metadata.name}"];
    // Those of before the restart may be ending still.
    let pod = until("the pods are three", LIMIT, async || {
        let names = site.plane.kubectl(&pods).await?;
        let first = names.split(' ').next().unwrap_or_default().to_owned();
        Ok((names.split(' ').count() == 3).then_some(first))
    })
    .await?;
    // What is only planned changes nothing, though the server is asked to try.
    let uid = ["get", "pod", &pod, "-n", &site.namespace, "-o", "jsonpath={.metadata.deletionTimestamp}"];
    site.terminal.good(&["act", "delete", &pod, "-n", &site.namespace, "--plan"]).await?;
    assert_eq!(site.plane.kubectl(&uid).await?, "");
    site.terminal.good(&["act", "delete", &pod, "-n", &site.namespace, "--yes"]).await?;
    assert!(!site.plane.kubectl(&pods).await?.contains(&pod));

    let book = site.terminal.good(&["audit", "list"]).await?;
    // Also what was not done, and why not.
    for part in [
        "Scale Deployment",
        "verified: 3 of 3 pods",
        "Cordon node acts-0000",
        "planned, and blocked: Scale Deployment",
        // Once to look at it, and once to do it.
        "planned, 2 times since",
        "admin is read alone.",
        "Nothing is done in this session.",
    ] {
        assert!(book.contains(part), "{part}: {book}");
    }
    // Where no vault keeps a key nothing is signed: the action says so, and nobody can tell whether the book is whole.
    assert!(done.err.contains("not signed") && document["action"]["unsigned"]["what"].is_string(), "{document}");
    let unsigned = site.terminal.call(&["audit", "verify"]).await?;
    assert!(unsigned.code == 3 && unsigned.out.contains("None is signed: nobody can tell"), "{unsigned:?}");
    let passphrase = site.terminal.home().join("passphrase");
    std::fs::write(&passphrase, "correct horse").could_not("write a passphrase")?;
    let with_vault = async |arguments: &[&str]| {
        let mut command = site.terminal.command(arguments)?;
        let output = command.env("PILOTHOUSE_PASSPHRASE_FILE", &passphrase).output().await;
        let output = output.could_not("run pilothouse")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok::<_, Failure>((output.status.code(), text(&output.stdout), text(&output.stderr)))
    };
    let signed = with_vault(&["act", "cordon", "acts-0000", "--yes"]).await?;
    assert!(signed.0 == Some(0) && !signed.2.contains("not signed"), "{signed:?}");
    let whole = with_vault(&["audit", "verify"]).await?;
    assert!(whole.0 == Some(0) && whole.1.contains("each as it was written"), "{whole:?}");
    let entries = whole.1.split(' ').next().and_then(|number| number.parse().ok());
    the_book_is_exported(&site.terminal, entries.unwrap_or_default()).await
}

/// All entries leave as lines that other programs read, and never in place of a file that is there.
async fn the_book_is_exported(terminal: &Terminal, entries: usize) -> Result<()> {
    let file = terminal.home().join("book.jsonl");
    let typed = ["audit", "export", &file.display().to_string()];
    terminal.good(&typed).await?;
    let text = std::fs::read_to_string(&file).could_not("read what was exported")?;
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut numbers: Vec<u64> = lines.iter().filter_map(|line| line["entry"].as_u64()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=entries as u64).collect::<Vec<_>>());
    assert!(lines.iter().all(|line| line["at"].is_string() && line["who"].is_string() && line["door"] == "pilothouse"));
    // What was shown is what was confirmed: by its digest, also where the same had been planned before; and what became of it, by
    // the number of its action.
    let of = |what: &'static str| lines.iter().filter(move |line| line["what"] == what);
    let is_shown = |line: &&Value| of("planned").any(|planned| planned["digest"] == line["digest"]);
    assert!(of("confirmed").all(|line| is_shown(&line)), "{text}");
    let cordon = |line: &&Value| line["title"] == "Cordon node acts-0000" && line["digest"].is_string();
    let confirmed = of("confirmed").filter(cordon).find(is_shown).unwrap();
    let ended = lines.iter().find(|line| line["what"] == "ended" && line["action"] == confirmed["entry"]).unwrap();
    assert_eq!(ended["state"], "verified");
    let again = terminal.call(&typed).await?;
    assert!(again.code == 1 && again.err.contains("cannot be made"), "{again:?}");
    assert_eq!(std::fs::read_to_string(&file).could_not("read it again")?, text);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_since_it_was_planned_is_not_done_and_a_plan_is_confirmed_once() -> Result<()> {
    let site = Site::operated().await?;
    let operator = site.engine().await?;
    let plan = planned(&operator, &site.chat_object(), Deed::Scale(3)).await?;
    site.plane.kubectl(&["scale", "deployment", "chat", "-n", &site.namespace, "--replicas", "1"]).await?;
    let action = confirmed(&operator, &plan).await?;
    let ActionState::Refused(problem) = &action.state else { return Err(Failure::new(format!("{action:?}"))) };
    assert!(problem.what.contains("changed since it was planned"), "{problem}");
    assert_eq!(site.read(".spec.replicas").await?, "1");
    let again = operator.act(Act::Confirm(Confirmation { digest: plan.digest, typed: None })).await;
    assert_eq!(again.map_err(|problem| problem.code), Err(Code::NotFound));

    // An annotation that somebody touches keeps nobody from anything.
    let plan = planned(&operator, &site.chat_object(), Deed::Scale(2)).await?;
    site.plane.kubectl(&["annotate", "deployment", "chat", "-n", &site.namespace, "a=b"]).await?;
    let action = confirmed(&operator, &plan).await?;
    assert!(matches!(action.state, ActionState::Verified(_)), "{action:?}");

    // Production wants the name; a wrong one may be put right.
    site.terminal.good(&["connect", "operate", CONNECTION, "--production", "yes"]).await?;
    let plan = planned(&operator, &site.chat_object(), Deed::Scale(1)).await?;
    assert_eq!(plan.plan.type_name.as_deref(), Some("chat"));
    let typed = |name: &str| Act::Confirm(Confirmation { digest: plan.digest, typed: Some(name.to_owned()) });
    let wrong = operator.act(typed("chta")).await.unwrap_err();
    assert!(wrong.next.is_some_and(|next| next.contains("type \"chat\"")));
    assert!(matches!(operator.act(typed("chat")).await, Ok(Acted::Begun(_))));
    operator.shutdown().await;
    acts_terminal::named(&site).await?;
    let book = site.terminal.good(&["audit", "list"]).await?;
    assert!(book.contains("turned down: Scale Deployment") && book.contains("changed since it was planned"), "{book}");
    Ok(())
}

/// The ribbon tells of what was done, with who and what became of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_on_the_ribbon() -> Result<()> {
    let site = Site::operated().await?;
    let operator = site.engine().await?;
    let node: ObjectRef = format!("node:{CONNECTION}/acts-0001").parse().could_not("name a node")?;
    let plan = planned(&operator, &node, Deed::Cordon).await?;
    confirmed(&operator, &plan).await?;
    let spec = ViewSpec::Ribbon { span: Duration::from_secs(600), end: When::Now };
    until("the ribbon tells of it", LIMIT, async || {
        let ask = Ask::Frame { spec: spec.clone(), when: When::Now };
        let Answer::Frame(frame) = operator.reader().ask(ask).await.could_not("ask")? else { return Ok(None) };
        let Body::Full(View::Ribbon(ribbon)) = frame.body else { return Ok(None) };
        let told = ribbon.marks.rows().iter().find(|mark| mark.title == "Cordon node acts-0001");
        Ok(told
            .filter(|mark| mark.by.is_some() && mark.detail.as_deref() == Some("verified: it is cordoned"))
            .map(drop))
    })
    .await?;
    operator.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_missing_is_named_and_the_role_that_is_shown_gives_it() -> Result<()> {
    let site = Site::operated().await?;
    let person = Subject::User("person".to_owned());
    let read = [
        Rule::new("", &["nodes", "pods", "namespaces", "events"], &["get", "list", "watch"]),
        Rule::new("events.k8s.io", &["events"], &["get", "list", "watch"]),
        Rule::new("apps", &["deployments", "replicasets"], &["get", "list", "watch"]),
    ];
    site.plane.grant(&person, None, &read).await?;
    let file = site.plane.kubeconfig_for(PERSON)?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let terminal = Terminal::new(&file)?;
    terminal.good(&["connect", "add", "kubernetes", "--context", &name, "--name", "own"]).await?;
    terminal.good(&["connect", "operate", "own"]).await?;
    let act = async |more: &str| {
        terminal.call(&["act", "scale", "deployment", "chat", "-n", &site.namespace, "--to", "3", more]).await
    };
    let said = act("--plan").await?;
    assert!(said.out.contains("We may not patch deployments"), "{said:?}");
    // An autoscaler that nobody may look for is said, too.
    assert!(said.out.contains("autoscaler"), "{said:?}");
    let role = said.out.split_once("apiVersion:").map(|(_, role)| format!("apiVersion:{role}")).unwrap_or_default();
    let refused = act("--yes").await?;
    assert!(refused.code == 1 && site.read(".spec.replicas").await? == "2", "{refused:?}");
    site.plane.apply(&role).await?;
    let done = act("--yes").await?;
    assert!(done.code == 0 && done.err.contains("verified"), "{done:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_no_is_heard_in_its_own_words() -> Result<()> {
    let site = Site::operated().await?;
    let policy = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: few }
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - { apiGroups: [apps], apiVersions: [v1], operations: [UPDATE], resources: [deployments] }
  validations:
  - { expression: \"object.spec.replicas <= 5\", message: \"five pods are enough for anybody\" }
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: few }
spec: { policyName: few, validationActions: [Deny] }
";
    site.plane.apply(policy).await?;
    // A policy holds once the server has heard of it.
    until("the policy holds", LIMIT, async || {
        let said = site.chat("scale", &["--to", "9", "--plan"]).await?;
        Ok(said.out.contains("five pods are enough for anybody").then_some(()))
    })
    .await?;
    let said = site.chat("scale", &["--to", "9", "--yes"]).await?;
    assert!(said.code == 1 && said.err.contains("five pods are enough for anybody"), "{said:?}");
    assert_eq!(site.read(".spec.replicas").await?, "2");
    Ok(())
}

/// A budget lets one pod go at a time: a drain waits for it, and is stopped by a person.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_drained_as_budgets_allow_it_and_stopped_where_they_do_not() -> Result<()> {
    let site = Site::operated().await?;
    let budget = |least: u32| {
        serde_json::json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": { "name": "chat", "namespace": site.namespace },
            "spec": { "minAvailable": least, "selector": { "matchLabels": { "app.kubernetes.io/name": "chat" } } },
        })
        .to_string()
    };
    site.plane.apply(&budget(1)).await?;
    let allowed = ["get", "pdb", "chat", "-n", &site.namespace, "-o", "jsonpath={.status.disruptionsAllowed}"];
    let allows = async |number: &str| {
        until("the budget is reckoned", LIMIT, async || {
            Ok((site.plane.kubectl(&allowed).await? == number).then_some(()))
        })
        .await
    };
    allows("1").await?;
    // Both pods on one node: the other is closed while they come.
    site.terminal.good(&["act", "cordon", "acts-0001", "--yes"]).await?;
    site.terminal.good(&["act", "scale", "deployment", "chat", "-n", &site.namespace, "--to", "1", "--yes"]).await?;
    site.terminal.call(&["act", "restart", "deployment", "chat", "-n", &site.namespace, "--yes"]).await?;
    site.terminal.good(&["act", "scale", "deployment", "chat", "-n", &site.namespace, "--to", "2", "--yes"]).await?;
    site.terminal.good(&["act", "uncordon", "acts-0001", "--yes"]).await?;
    allows("1").await?;
    let done = site.terminal.call(&["act", "drain", "acts-0000", "--yes"]).await?;
    assert!(done.code == 0 && done.err.contains("verified: it is cordoned, and its pods are gone"), "{done:?}");
    assert!(done.out.contains("2 pods leave it"), "{done:?}");
    let there = ["get", "pods", "-n", &site.namespace, "-o", "jsonpath={.items[*].spec.nodeName}"];
    assert_eq!(site.plane.kubectl(&there).await?, "acts-0001 acts-0001");

    // Where none may go, it waits until a person stops it: the node stays closed, and the pods stay.
    site.plane.apply(&budget(2)).await?;
    allows("0").await?;
    acts_terminal::drain_is_left(&site).await?;
    assert_eq!(site.plane.kubectl(&there).await?, "acts-0001 acts-0001");
    site.terminal.good(&["act", "uncordon", "acts-0001", "--yes"]).await?;
    let operator = site.engine().await?;
    let node: ObjectRef = format!("node:{CONNECTION}/acts-0001").parse().could_not("name a node")?;
    let plan = planned(&operator, &node, Deed::Drain).await?;
    let mut frames = operator.reader().watch(ViewSpec::Actions, When::Now).await.could_not("watch")?;
    let by = Confirmation { digest: plan.digest, typed: None };
    let Acted::Begun(id) = operator.act(Act::Confirm(by)).await.could_not("confirm")? else {
        return Err(Failure::new("it did not begin"));
    };
    let mut halted = false;
    let action = loop {
        let frame = frames.next().await.ok_or_else(|| Failure::new("the engine ended"))?;
        let Body::Full(View::Actions(view)) = &frame.body else { continue };
        let Some(action) = view.actions.get(&id) else { continue };
        match &action.state {
            ActionState::Sending(waits) if waits.contains("disruption budget") && !halted => {
                halted = true;
                operator.act(Act::Halt(id)).await.could_not("stop it")?;
            }
            state if state.is_over() => break action.clone(),
            _ => {}
        }
    };
    let ActionState::Partly(problem) = &action.state else { return Err(Failure::new(format!("{action:?}"))) };
    assert!(problem.what.contains("A person stopped it after 1 of 3 steps"), "{problem}");
    assert_eq!(site.plane.kubectl(&there).await?, "acts-0001 acts-0001");
    let over = operator.act(Act::Halt(id)).await.unwrap_err();
    assert_eq!(over.code, Code::NotFound);
    operator.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_is_cut_is_found_and_not_done_again_by_itself() -> Result<()> {
    let mut site = Site::operated().await?;
    // Without kwok no pod becomes ready, so that it stays unverified for long.
    site.plane.pause(acceptance::Part::Kwok)?;
    let mut command =
        site.terminal.command(&["act", "scale", "deployment", "chat", "-n", &site.namespace, "--to", "4", "--yes"])?;
    let mut child = command.spawn().could_not("start pilothouse")?;
    until("it is being verified", LIMIT, async || {
        let book = site.terminal.good(&["audit", "list"]).await?;
        Ok(book.contains("sent step 1").then_some(()))
    })
    .await?;
    // While it runs it is not cut.
    let book = site.terminal.good(&["audit", "list"]).await?;
    assert!(!book.contains("cut in the middle"), "{book}");
    it_is_told_of_a_cut(&site, None).await?;
    child.kill().await.could_not("kill it")?;
    let book = site.terminal.good(&["audit", "list"]).await?;
    assert!(book.contains("cut in the middle, nobody knows whether it was sent"), "{book}");
    site.plane.resume(acceptance::Part::Kwok)?;
    site.plane.kubectl(&["scale", "deployment", "chat", "-n", &site.namespace, "--replicas", "2"]).await?;
    let entries = site.terminal.good(&["audit", "list", "--json"]).await?;
    let begun = entries.lines().find(|line| line.contains("\"what\":\"confirmed\"")).unwrap_or_default();
    let begun: Value = serde_json::from_str(begun).could_not("read the book")?;
    let number = begun["entry"].to_string();
    it_is_told_of_a_cut(&site, Some(&number)).await?;
    site.terminal.good(&["audit", "close", &number]).await?;
    it_is_told_of_a_cut(&site, None).await?;
    let book = site.terminal.good(&["audit", "list"]).await?;
    assert!(!book.contains("nobody knows") && book.contains("Somebody looked"), "{book}");
    assert_eq!(site.read(".spec.replicas").await?, "2");
    acting::book_fits(&site.terminal).await
}

/// Where a person acts, or looks what became of that, one line says which action was cut and what comes next; none does while
/// there is none.
async fn it_is_told_of_a_cut(site: &Site, number: Option<&str>) -> Result<()> {
    let words: [&[&str]; 6] = [
        &["rollout", "list"],
        &["rollout", "get", "chat"],
        &["act", "restart", "deployment", "chat", "-n", &site.namespace, "--plan"],
        &["rollback", "chat", "-n", &site.namespace, "--check"],
        &["connections"],
        &["doctor"],
    ];
    for words in words {
        let said = site.terminal.call(words).await?;
        let told: Vec<&str> = said.err.lines().filter(|line| line.contains("was cut in the middle")).collect();
        let is_so = match (number, &told[..]) {
            (None, []) => true,
            (Some(number), [line]) => {
                line.contains("/chat from 2 to 4 pods\" was cut")
                    && line.contains(&format!("pilothouse audit close {number} takes it away"))
            }
            _ => false,
        };
        assert!(is_so, "{words:?}, {number:?}: {said:?}");
    }
    Ok(())
}

/// What we may do is said before anything is planned, and the role that is printed gives what is missing.
#[tokio::test(flavor = "multi_thread")]
async fn what_we_may_do_is_said_with_the_role_that_gives_the_rest() -> Result<()> {
    let site = Site::operated().await?;
    let all = site.terminal.good(&["can"]).await?;
    assert!(all.contains("admin everywhere") && all.contains("patch deployments.apps"), "{all}");
    // Without the controller of Argo there is nothing to promote.
    assert!(all.contains("not served") && !all.contains("  no  "), "{all}");

    let person = Subject::User("person".to_owned());
    let read = [
        Rule::new("", &["nodes", "pods", "namespaces", "events"], &["get", "list", "watch"]),
        Rule::new("apps", &["deployments"], &["get", "list", "watch", "patch"]),
    ];
    site.plane.grant(&person, None, &read).await?;
    let file = site.plane.kubeconfig_for(PERSON)?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let terminal = Terminal::new(&file)?;
    terminal.good(&["connect", "add", "kubernetes", "--context", &name, "--name", "own"]).await?;
    let held = async || {
        let said: Value = terminal.json(&["can", "-n", &site.namespace, "--json"]).await?;
        let rights = said[0]["rights"].as_array().cloned().unwrap_or_default();
        let held = |needs: &str| {
            rights
                .iter()
                .find(|right| right["needs"] == needs)
                .map(|right| right["held"].to_string())
                .unwrap_or_default()
        };
        Ok::<_, Failure>(["patch deployments.apps", "patch nodes", "delete pods", "create pods/eviction"].map(held))
    };
    assert_eq!(held().await?, ["\"Yes\"", "\"No\"", "\"No\"", "\"No\""]);
    let role = terminal.good(&["can", "-n", &site.namespace, "--role"]).await?;
    site.plane.apply(&role).await?;
    assert_eq!(held().await?, ["\"Yes\"", "\"Yes\"", "\"Yes\"", "\"Yes\""]);
    assert_eq!(terminal.good(&["can", "-n", &site.namespace, "--role"]).await?, "");
    Ok(())
}

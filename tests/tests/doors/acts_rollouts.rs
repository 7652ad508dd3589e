//! Rollouts of the real controller of Argo, acted on from the terminal: each step is seen by its own plugin for kubectl too.

use acceptance::{ControlPlane, GpuNodes, Options, Page, Result, Rollouts, Said, Terminal, acting, until};
use serde_json::{Value, json};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const NAMESPACE: &str = "default";

fn template(name: &str) -> Value {
    let container = json!({
        "name": "server", "image": "registry.invalid/models/server:1.0.0",
        "resources": { "limits": { "nvidia.com/gpu": "1" } },
    });
    json!({
        "metadata": { "labels": { "app": name } },
        "spec": { "terminationGracePeriodSeconds": 0, "containers": [container] },
    })
}

fn rollout(name: &str, strategy: &Value, more: &Value) -> String {
    let mut spec = json!({
        "replicas": 5, "progressDeadlineSeconds": 60, "strategy": strategy, "selector": { "matchLabels": { "app": name } },
    });
    let (fields, more) = (spec.as_object_mut(), more.as_object().cloned().unwrap_or_default());
    fields.into_iter().for_each(|fields| fields.extend(more.clone()));
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": { "name": name, "namespace": NAMESPACE }, "spec": spec,
    })
    .to_string()
}

/// What a deed to the rollout says.
async fn act(terminal: &Terminal, verb: &str, name: &str, more: &[&str]) -> Result<Said> {
    terminal.call(&[&["act", verb, "rollout", name, "-n", NAMESPACE], more].concat()).await
}

/// Does it, and wants this to be seen.
#[track_caller]
fn seen(said: &Said, words: &str) {
    assert!(said.code == 0 && said.err.contains(&format!("verified: {words}")), "{words}: {said:?}");
}

async fn image(terminal: &Terminal, name: &str, tag: &str) -> Result<Said> {
    image_by(terminal, name, tag, "--yes").await
}

async fn image_by(terminal: &Terminal, name: &str, tag: &str, how: &str) -> Result<Said> {
    let image = format!("registry.invalid/models/server:{tag}");
    act(terminal, "set-image", name, &["--container", "server", "--image", &image, how]).await
}

/// Plans it, and wants the plan to say all of this.
#[track_caller]
fn says(plan: &Said, parts: &[&str]) {
    for part in parts {
        assert!(plan.out.contains(part), "{part}: {}", plan.out);
    }
}

async fn with_nodes(nodes: usize) -> Result<ControlPlane> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("acts", nodes, 8), LIMIT).await?;
    Ok(plane)
}

/// A Rollout whose canary waits for a person at 20 % and at 60 %.
async fn with_canary(plane: &ControlPlane) -> Result<Rollouts<'_>> {
    let rollouts = Rollouts::start(plane).await?;
    let steps = json!([{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 60 }, { "pause": {} }]);
    let chat = rollout("chat", &json!({ "canary": { "steps": steps } }), &json!({ "template": template("chat") }));
    plane.apply(&chat).await?;
    rollouts.until(NAMESPACE, "chat", "Status", "Healthy").await?;
    Ok(rollouts)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_goes_on_all_the_way_and_back_and_each_end_is_seen() -> Result<()> {
    let plane = with_nodes(4).await?;
    let rollouts = with_canary(&plane).await?;
    let terminal = acting::terminal(&plane).await?;

    // What its first steps come to is said before anything is sent, in traffic and in pods.
    says(
        &image_by(&terminal, "chat", "2.0.0", "--plan").await?,
        &[
            "the revision that comes: 0 % → 20 %",
            "revision 1, stable: 100 % → 80 %",
            "Concerns  2 pods, 2 GPUs",
            "the revision that comes: 0 → 1 pod",
            "revision 1, stable: 5 → 4 pods",
            "It waits for a person at step 2 of 4, at a weight of 20 %",
        ],
    );
    let said = image(&terminal, "chat", "2.0.0").await?;
    seen(&said, "it waits at step 2 of 4");
    assert!(said.out.contains("containers/0/image: registry.invalid/models/server:1.0.0 → "), "{said:?}");
    let pods =
        ["get", "pods", "-n", NAMESPACE, "-l", "app=chat", "-o", "jsonpath={.items[*].spec.containers[0].image}"];
    let images = plane.kubectl(&pods).await?;
    let of = |tag: &str| images.split(' ').filter(|image| image.ends_with(tag)).count();
    assert_eq!((of(":1.0.0"), of(":2.0.0")), (4, 1), "{images}");
    let plan = act(&terminal, "promote", "chat", &["--plan"]).await?;
    let moves =
        ["go on behind the pause of step 2 of 4", "revision 2, newest: 20 % → 60 %", "revision 1, stable: 80 % → 40 %"];
    says(&plan, &moves);
    says(&plan, &["Concerns  4 pods, 4 GPUs", "revision 2, newest: 1 → 3 pods", "revision 1, stable: 4 → 2 pods"]);
    assert!(plan.out.contains("rollouts/chat/status") && plan.out.contains("would take it"), "{}", plan.out);
    let said = act(&terminal, "promote", "chat", &["--yes"]).await?;
    assert!(said.code == 0 && said.err.contains("at step"), "{said:?}");
    rollouts.until(NAMESPACE, "chat", "Step", "3/4").await?;
    rollouts.until(NAMESPACE, "chat", "Status", "Paused").await?;
    // As many pods of each as the plan said.
    let images = plane.kubectl(&pods).await?;
    let of = |tag: &str| images.split(' ').filter(|image| image.ends_with(tag)).count();
    assert_eq!((of(":1.0.0"), of(":2.0.0")), (2, 3), "{images}");

    // Back while it is under way, and again.
    let back = act(&terminal, "abort", "chat", &["--plan"]).await?;
    says(&back, &["Concerns  6 pods, 6 GPUs", "revision 2, newest: 3 → 0 pods", "revision 1, stable: 2 → 5 pods"]);
    let said = act(&terminal, "abort", "chat", &["--yes"]).await?;
    seen(&said, "all traffic is at the stable revision, 5 of 5 pods are ready");
    assert!(said.err.contains("To take it back: pilothouse act retry rollout chat"), "{said:?}");
    let after = rollouts.until(NAMESPACE, "chat", "Status", "Degraded").await?;
    assert_eq!((after.of("SetWeight"), after.of("ActualWeight")), ("0", "0"));
    let again = act(&terminal, "abort", "chat", &["--yes"]).await?;
    assert!(again.code == 1 && again.err.contains("aborted already"), "{again:?}");
    let said = act(&terminal, "retry", "chat", &["--yes"]).await?;
    assert!(said.code == 0 && said.err.contains("verified: it "), "{said:?}");
    says(&said, &["revision 2, newest: 0 % → 20 %", "revision 1, stable: 100 % → 80 %", "Concerns  2 pods, 2 GPUs"]);
    rollouts.until(NAMESPACE, "chat", "Status", "Paused").await?;

    // To the revision before, without the steps, since it is the stable one.
    let said = act(&terminal, "undo", "chat", &["--yes"]).await?;
    seen(&said, "5 of 5 pods are ready");
    assert!(said.out.contains("It is its stable revision"), "{said:?}");
    rollouts.until(NAMESPACE, "chat", "Status", "Healthy").await?;
    let running =
        ["get", "rollout", "chat", "-n", NAMESPACE, "-o", "jsonpath={.spec.template.spec.containers[0].image}"];
    assert!(plane.kubectl(&running).await?.ends_with(":1.0.0"));

    // A pause of a person, and on behind it: the step that it is at waits all the same.
    seen(&image(&terminal, "chat", "3.0.0").await?, "it waits at step 2 of 4");
    let paused = ["get", "rollout", "chat", "-n", NAMESPACE, "-o", "jsonpath={.spec.paused}"];
    let said = act(&terminal, "pause", "chat", &["--yes"]).await?;
    seen(&said, "it is paused");
    assert!(said.err.contains("To take it back: pilothouse act resume rollout chat"), "{said:?}");
    assert_eq!(plane.kubectl(&paused).await?, "true");
    let said = act(&terminal, "resume", "chat", &["--yes"]).await?;
    seen(&said, "it waits at step 2 of 4");
    assert!(plane.kubectl(&paused).await? != "true", "{said:?}");
    rollouts.until(NAMESPACE, "chat", "Status", "Paused").await?;
    // Where no person holds it, it goes on behind the step at which it waits.
    let said = act(&terminal, "resume", "chat", &["--yes"]).await?;
    assert!(said.code == 0 && said.out.contains("go on behind the pause of step 2 of 4"), "{said:?}");
    rollouts.until(NAMESPACE, "chat", "Step", "3/4").await?;
    rollouts.until(NAMESPACE, "chat", "Status", "Paused").await?;
    // While a person has it paused no pod of a revision comes: resumed, it does.
    seen(&act(&terminal, "pause", "chat", &["--yes"]).await?, "it is paused");
    let said = image(&terminal, "chat", "4.0.0").await?;
    seen(&said, "its template is the new one, and it stays paused");
    says(&said, &["Concerns  no pod", "the revision that comes: 0 % → 0 %", "It stays paused"]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!plane.kubectl(&pods).await?.contains(":4.0.0"));
    let said = act(&terminal, "resume", "chat", &["--yes"]).await?;
    assert!(said.code == 0 && said.err.contains("verified: it "), "{said:?}");
    until("its canary comes", LIMIT, async || Ok(plane.kubectl(&pods).await?.contains(":4.0.0").then_some(()))).await?;
    rollouts.until(NAMESPACE, "chat", "Status", "Paused").await?;

    // All the way at once, through a pause of a person.
    seen(&act(&terminal, "pause", "chat", &["--yes"]).await?, "it is paused");
    seen(&act(&terminal, "promote", "chat", &["--full", "--yes"]).await?, "5 of 5 pods are ready");
    let after = rollouts.until(NAMESPACE, "chat", "Status", "Healthy").await?;
    assert_eq!(after.of("ActualWeight"), "100");
    seen(&act(&terminal, "restart", "chat", &["--yes"]).await?, "5 of 5 pods are ready");
    let none = act(&terminal, "promote", "chat", &["--yes"]).await?;
    assert!(none.code == 1 && none.err.contains("with all traffic already"), "{none:?}");

    // To any revision that is kept: by the steps of its strategy, since it is not the stable one.
    let said = act(&terminal, "undo", "chat", &["--to", "2", "--yes"]).await?;
    seen(&said, "it waits at step 2 of 4");
    says(&said, &["back to revision 2", "revision 2, coming: 0 % → 20 %", "by the steps of its strategy"]);
    assert!(plane.kubectl(&running).await?.ends_with(":2.0.0"));
    seen(&act(&terminal, "abort", "chat", &["--yes"]).await?, "all traffic is at the stable revision");

    let book = terminal.good(&["audit", "list", "--most", "200"]).await?;
    for part in
        ["Abort Rollout default/chat: give all traffic back to revision 1", "Promote Rollout default/chat fully"]
    {
        assert!(book.contains(part), "{part}: {book}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn blue_turns_green_an_analysis_ends_and_the_template_of_another_is_changed_there() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("acts", 4, 8), LIMIT).await?;
    let rollouts = Rollouts::start(&plane).await?;
    let terminal = acting::terminal(&plane).await?;
    let service = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "name": name, "namespace": NAMESPACE },
            "spec": { "selector": { "app": "turn" }, "ports": [{ "port": 80 }] },
        })
    };
    plane.apply(&service("active").to_string()).await?;
    plane.apply(&service("preview").to_string()).await?;
    let turn = json!({ "blueGreen": {
        "activeService": "active", "previewService": "preview", "autoPromotionEnabled": false,
    } });
    plane.apply(&rollout("turn", &turn, &json!({ "template": template("turn") }))).await?;
    rollouts.until(NAMESPACE, "turn", "Status", "Healthy").await?;
    let said = image(&terminal, "turn", "2.0.0").await?;
    assert!(said.code == 0 && said.err.contains("it waits: BlueGreenPause"), "{said:?}");
    // A whole set beside the other, and no traffic for it.
    says(&said, &["the revision that comes: 0 % → 0 %", "the revision that comes: 0 → 5 pods", "Concerns  5 pods"]);
    // Back before it has turned, and again.
    let said = act(&terminal, "abort", "turn", &["--yes"]).await?;
    assert!(said.code == 0 && said.err.contains("verified: all traffic is at the stable revision"), "{said:?}");
    rollouts.until(NAMESPACE, "turn", "Status", "Degraded").await?;
    let said = act(&terminal, "retry", "turn", &["--yes"]).await?;
    assert!(said.code == 0 && said.err.contains("verified: it "), "{said:?}");
    rollouts.until(NAMESPACE, "turn", "Status", "Paused").await?;
    let plan = act(&terminal, "promote", "turn", &["--plan"]).await?;
    assert!(plan.out.contains("revision 2, newest: 0 % → 100 %"), "{}", plan.out);
    let said = act(&terminal, "promote", "turn", &["--yes"]).await?;
    assert_eq!(said.code, 0, "{said:?}");
    rollouts.until(NAMESPACE, "turn", "Status", "Healthy").await?;

    // The pods of this one are made by the template of a Deployment, which has none of its own.
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "lent", "namespace": NAMESPACE },
        "spec": { "replicas": 0, "selector": { "matchLabels": { "app": "lent" } }, "template": template("lent") },
    });
    plane.apply(&deployment.to_string()).await?;
    let of = json!({ "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "lent" } });
    plane
        .apply(&rollout("lent", &json!({ "canary": { "steps": [{ "setWeight": 20 }, { "pause": {} }] } }), &of))
        .await?;
    rollouts.until(NAMESPACE, "lent", "Status", "Healthy").await?;
    let said = image(&terminal, "lent", "2.0.0").await?;
    seen(&said, "it waits at step 2 of 2");
    assert!(said.out.contains("PATCH /apis/apps/v1/namespaces/default/deployments/lent"), "{said:?}");
    seen(&act(&terminal, "undo", "lent", &["--yes"]).await?, "5 of 5 pods are ready");

    let metric = json!({
        "name": "slow", "interval": "10m", "count": 9, "consecutiveErrorLimit": 99,
        "provider": { "web": { "url": "http://127.0.0.1:9/", "jsonPath": "{$.x}" } }, "successCondition": "result > 0",
    });
    let run = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun",
        "metadata": { "name": "slow", "namespace": NAMESPACE }, "spec": { "metrics": [metric] },
    });
    plane.apply(&run.to_string()).await?;
    let phase = ["get", "analysisrun", "slow", "-n", NAMESPACE, "-o", "jsonpath={.status.phase}"];
    until("the analysis runs", LIMIT, async || Ok((plane.kubectl(&phase).await? == "Running").then_some(()))).await?;
    let ended = terminal.call(&["act", "terminate", "analysisrun", "slow", "-n", NAMESPACE, "--yes"]).await?;
    seen(&ended, "it is over");
    says(&ended, &["counts as passed"]);
    // And so it is: nothing of it was measured.
    assert_eq!(plane.kubectl(&phase).await?, "Successful");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_experiment_stands_beside_its_service_with_what_it_measures_and_is_ended() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("acts", 4, 8), LIMIT).await?;
    let rollouts = Rollouts::start(&plane).await?;
    // It measures nothing but that nobody answers, and would do so for an hour and a half.
    let metric = json!({
        "name": "slow", "interval": "10m", "count": 9, "consecutiveErrorLimit": 99,
        "provider": { "web": { "url": "http://127.0.0.1:9/", "jsonPath": "{$.x}" } }, "successCondition": "result > 0",
    });
    let measured = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate",
        "metadata": { "name": "slow", "namespace": NAMESPACE }, "spec": { "metrics": [metric] },
    });
    plane.apply(&measured.to_string()).await?;
    let beside = json!({
        "duration": "90m", "analyses": [{ "name": "slow", "templateName": "slow" }],
        "templates": [{ "name": "baseline", "specRef": "stable" }, { "name": "candidate", "specRef": "canary" }],
    });
    let steps = json!([{ "setWeight": 20 }, { "experiment": beside }, { "pause": {} }]);
    plane
        .apply(&rollout("chat", &json!({ "canary": { "steps": steps } }), &json!({ "template": template("chat") })))
        .await?;
    rollouts.until(NAMESPACE, "chat", "Status", "Healthy").await?;
    let terminal = acting::terminal(&plane).await?;
    // Followed from before it begins, an object a line.
    let mut followed = terminal.follow(&["rollout", "watch", "chat", "--json"])?;
    let healthy = |line: &Value| (line["service"]["row"]["phase"] == "Healthy").then_some(());
    followed.until("it is healthy", LIMIT, healthy).await?;
    rollouts.set_image(NAMESPACE, "chat", "2.0.0").await?;
    let runs = |line: &Value| {
        let experiment = line["service"]["experiments"].get(0)?;
        let is_there = experiment["templates"] == json!([["baseline", 1, 1], ["candidate", 1, 1]]);
        let measures = line["service"]["analyses"].get(0).is_some_and(|run| run["phase"] == "Running");
        let name = experiment["name"].as_str().map(str::to_owned);
        name.filter(|_| experiment["phase"] == "Running" && is_there && measures)
    };
    let name = followed.until("its experiment runs, and is measured", LIMIT, runs).await?;
    drop(followed);
    let told = terminal.good(&["rollout", "get", "chat"]).await?;
    for words in [name.as_str(), "baseline 1 of 1, candidate 1 of 1", "Step       1 of 3: Experiment"] {
        assert!(told.contains(words), "{words}: {told}");
    }

    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.find_by("[data-test='chip-admin'][data-state='live']").await?;
    page.press("rail-delivery").await?;
    page.press_by("[data-test='row'][data-key='workload:admin/default/Rollout/chat']").await?;
    let row = format!("[data-test='experiment'][data-key='{name}']");
    let beside = |text: &str| text.contains("Running") && text.contains("baseline 1 of 1, candidate 1 of 1");
    page.reads_as(&row, beside, "says its phase and its pods").await?;
    page.find("analysis").await?;

    // What is measured is ended from where it is shown. That it then counts as passed is said before.
    page.press_by("[data-test='analysis'] [data-test='measured-terminate']").await?;
    let said = |text: &str| text.contains("Terminate AnalysisRun") && text.contains("counts as passed");
    page.reads_as("[data-test='plan']", said, "says what follows").await?;
    page.press("plan-confirm").await?;
    page.find_by("[data-test='plan-became'][data-state='verified']").await?;
    page.press("plan-close").await?;
    page.gone("[data-test='plan']").await?;
    page.reads_as("[data-test='analysis']", |text| text.contains("ended by hand"), "says that it was ended").await?;
    page.gone("[data-test='analysis'] [data-test='measured-terminate']").await?;
    // The experiment goes on, and is ended likewise.
    page.find_by(&format!("{row} [data-test='measured-terminate']")).await?;

    // Ended by hand: its step is over, and the service goes on to the next.
    let typed = ["act", "terminate", "experiment", &name, "-n", NAMESPACE, "--yes"];
    seen(&terminal.call(&typed).await?, "it is over");
    page.reads_as(&row, |text| !text.contains("Running"), "says that it is over").await?;
    rollouts.until(NAMESPACE, "chat", "Step", "2/3").await?;
    let again = terminal.call(&typed).await?;
    assert!(again.code == 1 && again.err.contains("over"), "{again:?}");
    page.close().await
}

/// The number of the revision that is stable.
async fn stable_number(plane: &ControlPlane) -> Result<String> {
    let hash = plane.kubectl(&["get", "rollout", "chat", "-n", NAMESPACE, "-o", "jsonpath={.status.stableRS}"]).await?;
    let set = format!("rollouts-pod-template-hash={hash}");
    let number = r"jsonpath={.items[0].metadata.annotations.rollout\.argoproj\.io/revision}";
    plane.kubectl(&["get", "replicaset", "-n", NAMESPACE, "-l", &set, "-o", number]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pause_of_a_person_does_not_hold_up_what_goes_back() -> Result<()> {
    let plane = with_nodes(2).await?;
    let rollouts = with_canary(&plane).await?;
    let terminal = acting::terminal(&plane).await?;
    let paused = ["get", "rollout", "chat", "-n", NAMESPACE, "-o", "jsonpath={.spec.paused}"];
    let stable = "all traffic is at the stable revision, 5 of 5 pods are ready";
    let ready = "5 of 5 pods are ready";
    for (verb, tag, words, named) in
        [("abort", "2.0.0", stable, false), ("undo", "3.0.0", ready, false), ("undo", "4.0.0", ready, true)]
    {
        seen(&image(&terminal, "chat", tag).await?, "it waits at step 2 of 4");
        // Whoever was alarmed has paused it first: while it is, its controller gives no revision more or fewer pods.
        seen(&act(&terminal, "pause", "chat", &["--yes"]).await?, "it is paused");
        // The window names the revision.
        let number = if named { Some(stable_number(&plane).await?) } else { None };
        let to = number.iter().flat_map(|number| ["--to", number]);
        let said = act(&terminal, verb, "chat", &to.chain(["--yes"]).collect::<Vec<_>>()).await?;
        says(&said, &["Take the pause of a person away", "newest: 20 % → 0 %", "newest: 1 → 0 pods"]);
        seen(&said, words);
        assert_ne!(plane.kubectl(&paused).await?, "true", "{verb}");
    }
    rollouts.until(NAMESPACE, "chat", "Status", "Healthy").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_controller_an_abort_is_sent_and_not_said_to_be_done() -> Result<()> {
    let plane = with_nodes(2).await?;
    let mut rollouts = with_canary(&plane).await?;
    let terminal = acting::terminal(&plane).await?;
    seen(&image(&terminal, "chat", "2.0.0").await?, "it waits at step 2 of 4");

    rollouts.stop_controller();
    let said = act(&terminal, "abort", "chat", &["--yes"]).await?;
    // Nothing is drawn by hope: without its controller an abort is not seen to have come to pass.
    assert!(said.code != 0 && said.err.contains("unverified"), "{said:?}");
    rollouts.start_controller().await?;
    rollouts.until(NAMESPACE, "chat", "Status", "Degraded").await?;
    Ok(())
}

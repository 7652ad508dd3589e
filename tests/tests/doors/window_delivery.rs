//! Delivery, from end to end: a canary of the real controller, as a person follows it in the window and in the terminal.

use std::time::Duration;

use crate::acts_routes::{Site, gateway};
use acceptance::{
    Context, ControlPlane, GpuNodes, Options, Page, Result, Rollouts, Terminal, definitions::APPLICATION, until,
};
use serde_json::{Value, json};
use thirtyfour::Key;

const LIMIT: Duration = Duration::from_secs(120);
const SERVICE: &str = "workload:admin/default/Rollout/chat";

fn rollout(tag: &str) -> Value {
    let container = json!({
        "name": "server", "image": format!("registry.invalid/models/server:{tag}"),
        "resources": { "limits": { "nvidia.com/gpu": "2" } },
    });
    let steps = json!([{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 60 }, { "pause": {} }]);
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": "chat", "namespace": "default" },
        "spec": {
            "replicas": 5, "selector": { "matchLabels": { "app": "chat" } }, "strategy": { "canary": { "steps": steps } },
            "template": {
                "metadata": { "labels": { "app": "chat", "team": "assistant" } },
                "spec": { "terminationGracePeriodSeconds": 0, "containers": [container] },
            },
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_follows_a_canary_from_the_list_to_its_steps_and_revisions() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("delivery", 2, 8), LIMIT).await?;
    let mut rollouts = Rollouts::start(&plane).await?;
    plane.apply(&rollout("1.0.0").to_string()).await?;
    rollouts.until("default", "chat", "Status", "Healthy").await?;
    plane.apply(&rollout("2.0.0").to_string()).await?;
    rollouts.until("default", "chat", "Status", "Paused").await?;

    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    the_terminal_tells_it(&terminal).await?;

    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.find_by("[data-test='chip-admin'][data-state='live']").await?;
    the_list_has_it(&page).await?;
    the_page_tells_all_of_it(&page).await?;
    it_says_whether_it_can_go_back(&page).await?;

    let then = terminal.json(&["rollout", "get", "chat", "--json"]).await?["as_of"].as_str().map(str::to_owned);
    let then = then.unwrap_or_default();

    // It goes on, and the page with it.
    rollouts.plugin(&["promote", "chat", "--namespace", "default"]).await?;
    page.find_by("[data-test='step']:nth-child(4)[data-state='now']").await?;
    page.reads_as("[data-test='rollout-traffic']", |text| text.contains("wanted 60 %"), "says the new weight").await?;
    // A revision is gone back to from where it stands; the one that comes has no such button.
    page.gone("[data-test='revision-back'][data-key='2'] button").await?;
    page.press_by("[data-test='revision-back'][data-key='1'] button").await?;
    page.reads_as("[data-test='plan']", |text| text.contains("back to revision 1"), "plans that one").await?;
    page.reads_as("[data-test='plan-blocked']", |text| text.contains("is read alone"), "says why not").await?;
    page.press("plan-close").await?;
    page.gone("[data-test='plan']").await?;
    rollouts.plugin(&["abort", "chat", "--namespace", "default"]).await?;
    page.reads_as("[data-test='rollout-head']", |text| text.contains("Degraded"), "says that it was stopped").await?;
    its_pods_are_on_the_map(&page).await?;
    it_says_when_nobody_looks_after_it(&page, &mut rollouts).await?;
    page.key(Key::Escape + "").await?;
    page.find("delivery").await?;
    page.close().await?;

    // What the window saw is in the record: it is shown as it was.
    let was = terminal.json(&["rollout", "get", "default/chat", "--at", &then, "--json"]).await?;
    assert_eq!(
        (&was["service"]["row"]["phase"], &was["service"]["row"]["traffic"]["wanted"]),
        (&json!("Paused"), &json!(20))
    );
    Ok(())
}

async fn the_terminal_tells_it(terminal: &Terminal) -> Result<()> {
    let listed = terminal.good(&["rollout", "list", "--filter", "kind=Rollout"]).await?;
    let line = listed.lines().nth(1).unwrap_or_default();
    for word in ["Paused", "chat", "canary", "1 of 4", "20 %", "assistant"] {
        assert!(line.contains(word), "{word}: {listed}");
    }
    let json = terminal.json(&["rollout", "get", "default/chat", "--json"]).await?;
    assert_eq!(json["service"]["row"]["traffic"]["wanted"], 20, "{json}");
    assert_eq!(json["service"]["revisions"].as_array().map(Vec::len), Some(2), "{json}");
    let text = terminal.good(&["rollout", "get", "chat"]).await?;
    for line in ["Step       1 of 4: Pause until promoted", "Left       unknown: step 2 waits for a person"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let none = terminal.call(&["rollout", "get", "nobody"]).await?;
    assert_eq!((none.code, none.err.contains("There is no service nobody.")), (1, true), "{none:?}");
    Ok(())
}

async fn the_list_has_it(page: &Page) -> Result<()> {
    // By keyboard: to the screen, to the row, into it.
    page.key("gd").await?;
    let row = format!("[data-test='row'][data-key='{SERVICE}']");
    page.reads_as(&row, |text| text.contains("Paused") && text.contains("canary"), "says its phase").await?;
    // From which revision to which, how many there are, and how old it is, each under its head.
    let under = |head: &str| {
        format!(
            "const heads = [...document.querySelectorAll('.table [role=columnheader]')].map(head => head.innerText.trim()); \
             const row = document.querySelector(\"{row}\"); \
             return row?.children[heads.indexOf('{head}')]?.innerText ?? null"
        )
    };
    until("the list says of which revisions it is and how old", LIMIT, async || {
        let revision = page.ask(&under("Revision")).await? == json!("1 → 2");
        let kept = page.ask(&under("Revisions")).await? == json!("2");
        let age = page.ask(&under("Age")).await?;
        let is_age = age.as_str().is_some_and(|age| age.ends_with(" s") || age.contains(" min"));
        Ok((revision && kept && is_age).then_some(()))
    })
    .await?;
    page.fill("delivery-filter", "phase=Paused").await?;
    page.reads_as("[data-test='delivery-count']", |text| text.contains("1"), "counts it").await?;
    page.key(Key::Down + "").await?;
    page.key(Key::Enter + "").await?;
    page.find_by(&format!("[data-test='rollout'][data-key='{SERVICE}']")).await?;
    // By pointer: back, and into it again.
    page.press("rollout-back").await?;
    page.press_by(&row).await
}

/// A press on a pod of a revision leads to it on the map, and back to the page of its service.
async fn its_pods_are_on_the_map(page: &Page) -> Result<()> {
    // While pods come and go, the one that is pressed may be gone before it is looked at.
    let settled = |text: &str| text.contains("0 of 0") && text.contains("5 of 5");
    page.reads_as("[data-test='revisions']", settled, "has its pods back").await?;
    let pod = "[data-test='revisions'] .pods-of button";
    page.reads_as(pod, |text| text.starts_with("chat-"), "is a pod").await?;
    page.press_by(pod).await?;
    let of_it = |text: &str| text.contains("chat-") && text.contains("Rollout chat");
    page.reads_as("[data-test='inspector'][data-key^='pod:admin/default/chat-']", of_it, "is of the service").await?;
    page.find("fleet-map").await?;
    page.key("gd").await?;
    page.press_by(&format!("[data-test='row'][data-key='{SERVICE}']")).await?;
    // What its controller said of it stands there, too.
    page.reads_as("[data-test='rollout-events']", |text| text.contains("Rollout"), "has its events").await.map(drop)
}

/// Without its controller nobody has taken its spec up: what is shown is of before, and says so.
async fn it_says_when_nobody_looks_after_it(page: &Page, rollouts: &mut Rollouts<'_>) -> Result<()> {
    page.gone("[data-test='rollout-old']").await?;
    rollouts.stop_controller();
    rollouts.set_image("default", "chat", "3.0.0").await?;
    let old = |text: &str| {
        text.contains("No controller has taken its spec up") && text.contains("what is shown is of before")
    };
    page.reads_as("[data-test='rollout-old']", old, "says that it is old").await?;
    rollouts.start_controller().await?;
    page.gone("[data-test='rollout-old']").await
}

/// Asked for by a press. Of the image nobody can say anything, since no registry is connected; the rest is looked at.
async fn it_says_whether_it_can_go_back(page: &Page) -> Result<()> {
    page.press("back-ask").await?;
    let said = "[data-test='back-said'][data-grade='unknown']";
    page.reads_as(said, |text| text.contains("to revision 1: unknown") && text.contains("takes"), "is graded").await?;
    let none = |text: &str| text.contains("No registry that is connected is called registry.invalid");
    page.reads_as("[data-test='back-check'][data-state='unknown']", none, "says what is not known").await?;
    let kept = |text: &str| text.contains("Revision 1 is kept. 4 of its pods are ready.");
    page.reads_as("[data-test='back-check'][data-state='holds']", kept, "says what is there").await.map(drop)
}

async fn the_page_tells_all_of_it(page: &Page) -> Result<()> {
    let head = "[data-test='rollout-head']";
    page.reads_as(head, |text| text.contains("Paused") && text.contains("team assistant"), "says its phase and team")
        .await?;
    page.reads_as("[data-test='rollout-left']", |text| text.contains("waits for a person"), "says what is left")
        .await?;
    page.find_by("[data-test='step']:nth-child(1)[data-state='done']").await?;
    page.find_by("[data-test='step']:nth-child(2)[data-state='now']").await?;
    let revisions = "[data-test='revisions']";
    let both = |text: &str| text.contains("Revision 2") && text.contains("Revision 1") && text.contains("server:2.0.0");
    page.reads_as(revisions, both, "has its revisions side by side").await?;
    page.reads_as(revisions, |text| text.contains("20 %") && text.contains("80 %"), "has their shares").await.map(drop)
}

/// A route that a repository keeps is weighed in the window: what is typed is planned, sent, and seen to be taken up.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_weighs_a_route_and_sees_who_keeps_it() -> Result<()> {
    let site = Site::start().await?;
    let kept = json!({
        "apiVersion": APPLICATION.api_version(), "kind": APPLICATION.kind,
        "metadata": { "name": "serving", "namespace": "argocd" },
        "spec": {
            "project": "default", "destination": { "namespace": "default" },
            "source": { "repoURL": "https://git.example/models", "path": "prod/chat", "targetRevision": "main" },
            "syncPolicy": { "automated": { "selfHeal": true } },
        },
        "status": { "sync": { "status": "Synced" }, "health": { "status": "Healthy" } },
    });
    site.plane.kubectl(&["create", "namespace", "argocd"]).await?;
    site.plane.apply(&kept.to_string()).await?;
    let page = Page::window((1440, 900), &site.terminal.environment()).await?;
    page.press("rail-delivery").await?;
    page.press_by("[data-test='row'][data-key='workload:admin/default/HTTPRoute/chat']").await?;
    page.reads_as("[data-test='rollout-guard']", |text| text.contains("kept by Argo CD"), "says who keeps it").await?;
    let from = |text: &str| text.contains("prod/chat in https://git.example/models") && text.contains("Synced");
    page.reads_as("[data-test='rollout-kept']", from, "says from where").await?;
    let share = |name: &str| format!("[data-test='share'][data-key='{name}'] [data-test='share-wanted']");
    page.reads_as(&share("chat-stable"), |text| text == "90 %", "is what is wanted").await?;
    page.reads_as(&share("chat-canary"), |text| text == "10 %", "is what is wanted").await?;

    page.press("weigh").await?;
    page.reads_as("[data-test='weigh-plan']", |text| text.contains("nothing is another one"), "wants another").await?;
    weighs(&page, [("chat-stable", "60"), ("chat-canary", "40")]).await?;
    let traffic = |text: &str| text.contains("90 % → 60 %") && text.contains("10 % → 40 %");
    page.reads_as("[data-test='plan-traffic']", traffic, "says which traffic moves").await?;
    page.reads_as("[data-test='plan-permission']", |text| text.contains("would take it"), "says that it can").await?;
    page.reads_as(
        "[data-test='plan']",
        |text| text.contains("Argo CD keeps this object as it stands in prod/chat"),
        "warns",
    )
    .await?;
    assert_eq!(site.weights().await?, "90 10 0");
    let taken = async {
        page.press("plan-confirm").await?;
        page.find_by("[data-test='plan-became'][data-state='verified']").await?;
        page.press("plan-close").await?;
        page.reads_as(&share("chat-canary"), |text| text == "40 %", "is what is wanted now").await
    };
    tokio::select! {
        taken = taken => drop(taken?),
        failed = gateway(&site.plane) => return Err(failed),
    }
    assert_eq!(site.weights().await?, "60 40 0");

    // Nobody takes the next one up: that is said in amber, with the way back at hand, and is not said to be done.
    page.press("weigh").await?;
    weighs(&page, [("chat-stable", "70"), ("chat-canary", "30")]).await?;
    page.reads_as("[data-test='plan-permission']", |text| text.contains("would take it"), "says that it can").await?;
    page.press("plan-confirm").await?;
    page.find_by("[data-test='plan-became'][data-state='unverified'] .mark.warn").await?;
    page.reads_as("[data-test='plan-became']", |text| text.contains("taken up"), "says what is missing").await?;
    page.gone("[data-test='plan-became'] .mark.good").await?;
    page.press("plan-undo").await?;
    let back = |text: &str| text.contains("30 % → 40 %");
    page.reads_as("[data-test='plan-traffic']", back, "plans the way back").await?;
    page.close().await
}

/// Types weights of backends, and has them planned.
async fn weighs(page: &Page, weights: [(&str, &str); 2]) -> Result<()> {
    for (name, weight) in weights {
        let field = page.find_by(&format!("[data-test='weigh-field'][data-key='{name}']")).await?;
        field.send_keys(Key::Control + "a").await.could_not("select a weight")?;
        field.send_keys(weight).await.could_not("type a weight")?;
    }
    page.press("weigh-plan").await
}

//! A Prometheus inside of a cluster, reached through the cluster's API server: both are real, and so is what is refused.

use std::time::Duration;

use crate::telemetry_site::{LIMIT, Plan, Site, measured, nearly};
use acceptance::{Context, Failure, Inside, Page, Result, Rule, Terminal, until};
use serde_json::{Value, json};

const ONE: Plan = Plan { nodes: 1, pods: Vec::new(), jobs: &["dcgm"] };

/// Puts the site's Prometheus into its cluster.
async fn inside(site: &Site, name: &str) -> Result<Inside> {
    let labels = json!({ "app.kubernetes.io/name": "prometheus" });
    let port = site.prometheus.port();
    let inside = site.plane.put_inside(&site.namespace, name, &labels, port).await?;
    let api = site.plane.api()?;
    let (namespace, own) = (&site.namespace, format!("{name}:9090"));
    let ready = format!("/api/v1/namespaces/{namespace}/services/{own}/proxy/-/ready");
    let mut last = None;
    let reached = until("the API server reaches it", LIMIT, async || {
        let answer = api.call(reqwest::Method::GET, &ready, None).await?;
        let there = answer.status == 200;
        last = Some(answer);
        Ok(there.then_some(()))
    });
    reached.await.map_err(|failure| Failure::new(format!("{failure}: {last:?}")))?;
    Ok(inside)
}

/// The health that the program tells of a connection that is not well, once it is this code.
async fn problem(site: &Site, id: &str, code: &str) -> Result<Value> {
    let mut last = Value::Null;
    let found = until(&format!("{id} is {code}"), Duration::from_secs(45), async || {
        let health = site.connection(id).await?["health"].clone();
        let of = |word: &str| health.get(word).filter(|problem| problem["code"] == code).cloned();
        let found = of("Lost").or_else(|| of("Slow"));
        last = health;
        Ok(found)
    })
    .await;
    found.map_err(|failure| Failure::new(format!("{failure}: {last:#}")))
}

fn text(problem: &Value) -> String {
    let part = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
    format!("{} {} {}", part("what"), part("why"), part("next"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gpus_do_comes_through_the_api_server_of_their_cluster() -> Result<()> {
    let plan = Plan { pods: vec![("train", 1, 8), ("llama", 1, 4)], nodes: 2, ..ONE };
    let site = Site::unconnected("inside", &plan).await?;
    let inside = inside(&site, "prometheus").await?;
    let terminal = &site.terminal;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    let named = ["connect", "add", "prometheus", "--name", "metrics", "--cluster", "admin", "--service"];
    // It is made of the cluster's connection, which may just be beginning.
    let tested = terminal.good(&[&named[..], &[&inside.service, "--dry-run"]].concat()).await?;
    assert!(tested.contains("read 16 GPUs on 2 nodes"), "{tested}");
    terminal.good(&[&named[..], &[&inside.service]].concat()).await?;

    let mut watch = site.watch()?;
    site.until_owned(&mut watch, "the pods are known by their GPUs").await?;
    let rows = site.gpus().await?;
    assert_eq!((rows.len(), site.held().len()), (16, 12));
    for row in &rows {
        let busy = if row["state"] == "Held" { 0.83 } else { 0.0 };
        assert!(nearly(measured(row, "util"), busy), "{row:#}");
    }
    let row = site.connection("metrics").await?;
    assert_eq!(row["health"], "Well", "{row:#}");
    assert_eq!(row["address"], format!("{} by way of admin", inside.service), "{row:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_missing_is_named_and_the_rule_that_is_shown_gives_it() -> Result<()> {
    let mut site = Site::unconnected("rule", &ONE).await?;
    let inside = inside(&site, "prometheus").await?;
    let (subject, token) = site.plane.service_account(&site.namespace, "viewer").await?;
    let read = Rule::new("", &["nodes", "pods", "namespaces"], &["get", "list", "watch"]);
    let events = Rule::new("events.k8s.io", &["events"], &["list", "watch"]);
    site.plane.grant(&subject, None, &[read, events]).await?;
    site.terminal = Terminal::new(&site.plane.kubeconfig_for(&token)?)?;
    let context = site.terminal.json(&["connect", "contexts", "--json"]).await?[0]["context"].clone();
    let context = context.as_str().unwrap();
    site.terminal.good(&["connect", "add", "kubernetes", "--name", "here", "--context", context]).await?;
    let add = ["connect", "add", "prometheus", "--name", "metrics", "--via", "here", "--service", &inside.service];
    // Added, and at once told to be not well.
    assert_eq!(site.terminal.call(&add).await?.code, 3);

    let denied = problem(&site, "metrics", "Denied").await?;
    let said = text(&denied);
    let who = format!("system:serviceaccount:{}:viewer", site.namespace);
    let right = format!("may not get services/proxy \"prometheus:9090\" in {}", site.namespace);
    assert!(said.contains("by way of \"here\"") && said.contains(&who) && said.contains(&right), "{said}");
    assert!(!said.contains(&token), "{said}");

    // What is shown to be copied is all that it takes, and no more than one service.
    site.plane.apply(denied["remedy"].as_str().unwrap()).await?;
    let mut watch = site.terminal.watch(&["connections"])?;
    watch
        .until("the rule works", LIMIT, |said| {
            let rows = said["connections"].as_array()?;
            rows.iter().any(|row| row["id"] == "metrics" && row["health"] == "Well").then_some(())
        })
        .await?;
    // Who may not list services is offered none, and is well all the same.
    assert_eq!(site.terminal.json(&["connect", "services", "--json"]).await?, json!([]));
    let other = site.plane.api_for(&token)?;
    let elsewhere = format!("/api/v1/namespaces/{}/services/other:9090/proxy/", site.namespace);
    assert_eq!(other.call(reqwest::Method::GET, &elsewhere, None).await?.status, 403);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_no_on_the_way_is_told_apart() -> Result<()> {
    let site = Site::unconnected("apart", &ONE).await?;
    let inside = inside(&site, "prometheus").await?;
    let terminal = &site.terminal;
    let (via, service) = (["--via", "admin"], inside.service.clone());
    let add = ["connect", "add", "prometheus", "--name", "metrics", "--service", &service];
    assert_eq!(terminal.call(&[&add[..], &via].concat()).await?.code, 3);
    let unknown = text(&problem(&site, "metrics", "BadInput").await?);
    assert!(unknown.contains("there is no such connection") && unknown.contains("By way of"), "{unknown}");
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    terminal.good(&["connect", "pause", "admin"]).await?;
    let paused = text(&problem(&site, "metrics", "NotOffered").await?);
    assert!(paused.contains("which is paused"), "{paused}");
    terminal.good(&["connect", "resume", "admin"]).await?;

    // The server behind it, and not the API server: with a prefix that it has not, and locked.
    let wrong = format!("service={service}/prometheus");
    assert_eq!(terminal.call(&["connect", "edit", "metrics", "--set", &wrong]).await?.code, 3);
    let prefix = text(&problem(&site, "metrics", "NotFound").await?);
    assert!(prefix.contains("no query API") && prefix.contains("under /prometheus"), "{prefix}");
    assert!(prefix.contains("the field \"Service\""), "{prefix}");
    terminal.good(&["connect", "edit", "metrics", "--set", &format!("service={service}")]).await?;
    site.prometheus.lock()?;
    let locked = text(&problem(&site, "metrics", "Unauthenticated").await?);
    assert!(locked.contains("wants a sign-in of its own") && locked.contains("401"), "{locked}");
    site.prometheus.unlock()?;

    let other = format!("service={}", service.replace("9090", "9091"));
    assert_eq!(terminal.call(&["connect", "edit", "metrics", "--set", &other]).await?.code, 3);
    let port = text(&problem(&site, "metrics", "NotFound").await?);
    assert!(port.contains("has no port 9091"), "{port}");
    terminal.good(&["connect", "edit", "metrics", "--set", &format!("service={service}")]).await?;
    site.plane.empty(&inside).await?;
    let empty = text(&problem(&site, "metrics", "ServerFailed").await?);
    assert!(empty.contains("Nothing runs behind the service") && empty.contains("endpointslices"), "{empty}");
    site.plane.remove(&inside).await?;
    let gone = text(&problem(&site, "metrics", "NotFound").await?);
    assert!(gone.contains(&format!("no service {}/prometheus", site.namespace)), "{gone}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_inside_is_offered_with_the_command_that_connects_it() -> Result<()> {
    let site = Site::unconnected("offer", &ONE).await?;
    let inside = inside(&site, "prometheus-k8s").await?;
    let terminal = &site.terminal;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    let mine = async || -> Result<Vec<Value>> {
        // Not every connection has to be well for it.
        let all = terminal.call(&["connect", "services", "--json"]).await?.out;
        let all: Vec<Value> = serde_json::from_str(&all).could_not("read what was found")?;
        let of = format!("{}/", site.namespace);
        Ok(all.into_iter().filter(|one| one["service"].as_str().is_some_and(|name| name.starts_with(&of))).collect())
    };
    let offered = mine().await?;
    let [offer] = offered.as_slice() else { panic!("{offered:#?}") };
    assert_eq!((&offer["service"], &offer["cluster"]), (&json!(inside.service), &json!("admin")));
    assert_eq!((&offer["what"], &offer["connected_as"]), (&json!("Prometheus"), &Value::Null));

    let table = terminal.good(&["connect", "services"]).await?;
    let line = table.lines().find(|line| line.starts_with("pilothouse ") && line.contains(&inside.service)).unwrap();
    let command: Vec<&str> = line.split_whitespace().skip(1).collect();
    let said = terminal.good(&command).await?;
    assert!(said.contains("Well"), "{said}");
    let name = format!("admin-{}-prometheus-k8s", site.namespace);
    assert_eq!(mine().await?[0]["connected_as"], json!(name));
    let row = site.connection(&name).await?;
    assert_eq!(row["values"]["cluster"], "admin", "{row:#}");

    site.plane.remove(&inside).await?;
    assert_eq!(mine().await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_press_connects_a_server_that_was_found_inside() -> Result<()> {
    let site = Site::unconnected("press", &ONE).await?;
    let inside = inside(&site, "prometheus-k8s").await?;
    site.terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    let page = Page::window((1440, 900), &site.terminal.environment()).await?;
    page.connect_inside(&format!("admin-{}-prometheus-k8s", site.namespace), &inside.service).await?;
    page.close().await
}

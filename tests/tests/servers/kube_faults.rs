//! What the real API server does not do on demand, by script: 410, 429, 500, slow and cut answers, broken objects.

use std::time::Duration;

use crate::kube_scripted::{Reply, Scripted, Then, kubeconfig, line, pod, pods, status};
use crate::kube_support::{Settings, Watched};
use acceptance::Result;
use serde_json::json;

const SOON: Duration = Duration::from_millis(20);

fn is_list(path: &str) -> bool {
    path.starts_with("/api/v1/pods?limit")
}

fn is_watch(path: &str) -> bool {
    path.starts_with("/api/v1/pods?watch")
}

async fn start(script: impl Fn(&str, usize) -> Option<Reply> + Send + Sync + 'static) -> Result<(Scripted, Watched)> {
    let server = Scripted::start(script).await?;
    let folder = tempfile::tempdir().unwrap();
    let file = kubeconfig(folder.path(), json!({ "server": server.url }), json!({ "token": "t" }))?;
    // The connector reads the file again at each session; these tests have one.
    let watched = Watched::start(&Settings::new(&file))?;
    watched.until("it has begun", |source| (!source.attempts.is_empty()).then_some(())).await?;
    Ok((server, watched))
}

async fn until_pods(watched: &Watched, want: &[&str]) -> Result<()> {
    watched
        .until(&format!("the pods are {want:?}"), |source| {
            source.pods.keys().map(|(_, name)| name.as_str()).eq(want.iter().copied()).then_some(())
        })
        .await
}

#[tokio::test]
async fn an_expired_version_is_listed_anew() -> Result<()> {
    let expired = |path: &str, before: usize| {
        if is_list(path) {
            let items = if before == 0 { vec![pod("a", 5), pod("b", 5)] } else { vec![pod("b", 9), pod("c", 9)] };
            return Some(Reply::Json(200, "", pods(if before == 0 { 5 } else { 9 }, &items)));
        }
        (is_watch(path) && path.contains("resourceVersion=5")).then(|| {
            let gone = line("ERROR", &status(410, "Expired", "too old resource version"));
            Reply::Stream(vec![(Duration::from_millis(300), gone)], Then::End)
        })
    };
    let (server, watched) = start(expired).await?;
    until_pods(&watched, &["b", "c"]).await?;
    watched.until_well().await?;
    let lists = server.asked().iter().filter(|asked| asked.contains("/pods?limit")).count();
    assert_eq!(lists, 2, "once at first, once after the 410");
    Ok(())
}

#[tokio::test]
async fn a_watch_that_is_refused_as_expired_is_listed_anew() -> Result<()> {
    let refused = |path: &str, before: usize| {
        if is_list(path) {
            let version = if before == 0 { 5 } else { 9 };
            return Some(Reply::Json(200, "", pods(version, &[pod("a", version)])));
        }
        (is_watch(path) && path.contains("resourceVersion=5"))
            .then(|| Reply::Json(410, "", status(410, "Expired", "too old")))
    };
    let (server, watched) = start(refused).await?;
    watched.until_well().await?;
    acceptance::until("it watches from 9", Duration::from_secs(10), async || {
        Ok(server
            .asked()
            .iter()
            .any(|asked| asked.contains("watch=1") && asked.contains("resourceVersion=9"))
            .then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_listing_whose_place_was_forgotten_begins_again_and_nobody_sees_half() -> Result<()> {
    let forgets = |path: &str, before: usize| {
        if !is_list(path) {
            return None;
        }
        if path.contains("continue=") {
            return Some(match before {
                1 => Reply::Json(410, "", status(410, "Expired", "The provided continue parameter is too old")),
                _ => Reply::Json(200, "", pods(7, &[pod("c", 7)])),
            });
        }
        let mut page = pods(7, &[pod(if before == 0 { "gone" } else { "b" }, 7)]);
        page["metadata"]["continue"] = json!("a/b+c=");
        page["metadata"]["remainingItemCount"] = json!(1);
        Some(Reply::Json(200, "", page))
    };
    let (server, watched) = start(forgets).await?;
    until_pods(&watched, &["b", "c"]).await?;
    assert!(!watched.said().contains("\"gone\""), "the first page of the broken listing became facts");
    assert!(server.asked().iter().any(|asked| asked.ends_with("&continue=a%2Fb%2Bc%3D")), "{:?}", server.asked());
    Ok(())
}

#[tokio::test]
async fn failures_of_the_server_heal_with_it() -> Result<()> {
    let failing = |path: &str, before: usize| {
        let failed = || Some(Reply::Json(500, "", status(500, "InternalError", "etcd is not there")));
        if is_list(path) && before < 2 {
            return failed();
        }
        if is_list(path) {
            return Some(Reply::Json(200, "", pods(5, &[pod("a", 5)])));
        }
        match (is_watch(path), before) {
            (true, 0) => failed(),
            (true, 1) => Some(Reply::Stream(vec![(SOON, line("ADDED", &pod("b", 6)))], Then::Hold)),
            _ => None,
        }
    };
    let (server, watched) = start(failing).await?;
    watched.until_problem("Slow").await?;
    until_pods(&watched, &["a", "b"]).await?;
    watched.until_well().await?;
    // Waits grow: no storm.
    let asked = server.asked().iter().filter(|asked| asked.contains("/pods?")).count();
    assert_eq!(asked, 5, "{:?}", server.asked());
    Ok(())
}

#[tokio::test]
async fn a_line_that_is_cut_in_the_middle_loses_nothing() -> Result<()> {
    let cuts = |path: &str, before: usize| {
        if is_list(path) {
            return Some(Reply::Json(200, "", pods(5, &[pod("a", 5)])));
        }
        if !is_watch(path) {
            return None;
        }
        let (b, c) = (line("ADDED", &pod("b", 6)), line("ADDED", &pod("c", 7)));
        Some(match before {
            // Half of c, and the connection breaks.
            0 => Reply::Stream(vec![(SOON, b), (SOON, c[..c.len() / 2].to_owned())], Then::Cut),
            // Whole, in three parts; and the stream ends as it should.
            1 => {
                assert!(path.contains("resourceVersion=6"), "it goes on after b: {path}");
                let parts = [&c[..10], &c[10..60], &c[60..]].map(|part| (SOON, part.to_owned()));
                Reply::Stream(parts.into(), Then::End)
            }
            _ => {
                assert!(path.contains("resourceVersion=7"), "it goes on after c: {path}");
                Reply::Stream(Vec::new(), Then::Hold)
            }
        })
    };
    let (server, watched) = start(cuts).await?;
    until_pods(&watched, &["a", "b", "c"]).await?;
    acceptance::until("it watches again", Duration::from_secs(10), async || {
        Ok(server
            .asked()
            .iter()
            .any(|asked| asked.contains("watch=1") && asked.contains("resourceVersion=7"))
            .then_some(()))
    })
    .await?;
    let lists = server.asked().iter().filter(|asked| asked.contains("/pods?limit")).count();
    assert_eq!(lists, 1, "a cut is resumed, not listed anew");
    assert_eq!(watched.see(|source| source.dropped), Some(0));
    Ok(())
}

#[tokio::test]
async fn bookmarks_move_the_place_to_go_on_from() -> Result<()> {
    let marks = |path: &str, before: usize| {
        (is_watch(path) && before == 0).then(|| {
            let mark = json!({ "kind": "Pod", "apiVersion": "v1", "metadata": { "resourceVersion": "77" } });
            Reply::Stream(vec![(SOON, line("BOOKMARK", &mark))], Then::End)
        })
    };
    let (server, _watched) = start(marks).await?;
    acceptance::until("it goes on from the bookmark", Duration::from_secs(10), async || {
        Ok(server
            .asked()
            .iter()
            .any(|asked| asked.contains("/pods?watch=1") && asked.contains("resourceVersion=77"))
            .then_some(()))
    })
    .await
}

#[tokio::test]
async fn an_object_that_cannot_be_read_is_counted_and_stops_nothing() -> Result<()> {
    let broken = |path: &str, before: usize| {
        if is_list(path) {
            let no_name = json!({ "metadata": { "namespace": "serving" } });
            let wrong = json!({ "metadata": { "name": "x", "labels": 7 } });
            return Some(Reply::Json(200, "", pods(5, &[pod("a", 5), no_name, wrong])));
        }
        (is_watch(path) && before == 0).then(|| {
            let mut long = pod("long", 8);
            long["metadata"]["annotations"] = json!({ "x": "y".repeat(1 << 20) });
            let lines = [
                "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":7}}}\n".to_owned(),
                "no json at all\n".to_owned(),
                "\n".to_owned(),
                line("NEW", &pod("z", 7)),
                line("ADDED", &long),
                line("ADDED", &pod("b", 9)),
                line("DELETED", &pod("a", 10)),
            ];
            Reply::Stream(vec![(SOON, lines.concat())], Then::Hold)
        })
    };
    let (_server, watched) = start(broken).await?;
    until_pods(&watched, &["b", "long"]).await?;
    watched.until_well().await?;
    assert_eq!(watched.see(|source| source.dropped), Some(5));
    assert!(watched.said().len() < 100_000, "the long annotation is kept");
    Ok(())
}

#[tokio::test]
async fn a_slow_body_is_waited_for() -> Result<()> {
    let slow = |path: &str, _| {
        is_list(path).then(|| {
            let text = pods(5, &[pod("a", 5), pod("b", 5)]).to_string();
            let middle = text.len() / 2;
            let parts = [&text[..middle], &text[middle..]].map(|part| (Duration::from_secs(2), part.to_owned()));
            Reply::Stream(parts.into(), Then::End)
        })
    };
    let (_server, watched) = start(slow).await?;
    until_pods(&watched, &["a", "b"]).await?;
    watched.until_well().await
}

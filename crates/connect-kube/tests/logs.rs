//! The log of a container as it is asked for, and what is said where there is none: the run before the last restart, another
//! container, one that may not be read. A scripted server, since no kubelet that restarts containers is there in tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use pilothouse_connect::{
    Clock, Connector, Opening, Relays,
    conformance::{
        Place, now,
        scripted::{Reply, Scripted},
    },
};
use pilothouse_connect_kube::stand::{STAND, status, usual};
use pilothouse_wire::{Code, ConnectionId, PodId, ask::LogQuery};
use std::sync::Arc;

/// A server of one pod with two containers, one of which restarted once; and a connection to it.
async fn server() -> (Scripted, Arc<dyn Connector>, tempfile::TempDir) {
    let script = |path: &str, _: usize| match path.split_once("/log?") {
        Some(("/api/v1/namespaces/serving/pods/chat-0", query)) => {
            let has = |part: &str| query.split('&').any(|own| own == part);
            match (has("container=server"), has("previous=true")) {
                (true, false) => said("2026-11-30T18:00:01Z serving\n"),
                (true, true) => said("2026-11-30T17:59:58Z loading\n2026-11-30T17:59:59Z out of memory\n"),
                (false, false) => said(""),
                (false, true) => {
                    refused(400, "BadRequest", "previous terminated container \"sidecar\" in pod \"chat-0\" not found")
                }
            }
        }
        Some(("/api/v1/namespaces/serving/pods/hidden-0", _)) => refused(
            403,
            "Forbidden",
            "pods \"hidden-0\" is forbidden: User \"oncall\" cannot get resource \"pods/log\"",
        ),
        Some(_) => refused(404, "NotFound", "pods \"nobody\" not found"),
        None => usual(path),
    };
    let server = Scripted::start(script).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let given = (STAND.fill)(&Place { url: &server.url, secret: "t", folder: folder.path() });
    let opening = Opening {
        id: ConnectionId::slug("iad"),
        name: "iad".to_owned(),
        values: given.values.into_iter().collect(),
        secrets: given.secrets,
        trusted: Vec::new(),
        clock: Clock::of(now),
        relays: Relays::none(),
        sought: &[],
    };
    let connector = (STAND.kind.open)(opening).unwrap();
    (server, connector, folder)
}

fn refused(code: u16, reason: &str, message: &str) -> Reply {
    Reply::Json(code, "", status(code, reason, message))
}

fn said(text: &str) -> Reply {
    Reply::Text(200, "content-type: text/plain\r\n", text.to_owned())
}

fn query(pod: &str, container: Option<&str>, previous: bool, lines: u32) -> LogQuery {
    let pod = PodId { cluster: ConnectionId::slug("iad"), namespace: "serving".into(), name: pod.into() };
    LogQuery { pod, container: container.map(Into::into), previous, lines, after: None }
}

#[tokio::test]
async fn the_run_before_the_last_restart_and_each_container_are_read_by_themselves() {
    let (server, connector, _folder) = server().await;
    let read = async |container, previous| connector.logs(&query("chat-0", Some(container), previous, 100)).await;
    assert_eq!(read("server", false).await.unwrap(), ["2026-11-30T18:00:01Z serving"]);
    let before = read("server", true).await.unwrap();
    assert_eq!(before, ["2026-11-30T17:59:58Z loading", "2026-11-30T17:59:59Z out of memory"]);
    assert_eq!(read("sidecar", false).await.unwrap(), Vec::<String>::new());
    let none = read("sidecar", true).await.unwrap_err();
    assert_eq!(none.code, Code::NotFound);
    assert_eq!(none.what, "chat-0 has no earlier run of this container.");

    // So many lines and bytes at most, whatever is wanted; each line with its time, by which several pods are merged.
    connector.logs(&query("chat-0", Some("server"), false, u32::MAX)).await.unwrap();
    let asked = server.asked();
    let last = asked.iter().rfind(|path| path.contains("/log?")).unwrap();
    for part in ["timestamps=true", "tailLines=5000", "limitBytes=4194304", "container=server"] {
        assert!(last.contains(part), "{part} is not in {last}");
    }
    // What was printed behind a line: from its second on, however many lines that are.
    let after = Some("2026-11-30T18:00:01.987654321Z serving".to_owned());
    connector.logs(&LogQuery { after, ..query("chat-0", Some("server"), false, 10) }).await.unwrap();
    let asked = server.asked();
    let last = asked.iter().rfind(|path| path.contains("/log?")).unwrap();
    assert!(
        last.contains("sinceTime=2026-11-30T18:00:01Z&limitBytes=4194304") && !last.contains("tailLines"),
        "{last}"
    );
    // A line that has no time tells nothing.
    let after = Some("no time".to_owned());
    connector.logs(&LogQuery { after, ..query("chat-0", Some("server"), false, 10) }).await.unwrap();
    assert!(server.asked().iter().rfind(|path| path.contains("/log?")).unwrap().contains("tailLines=10"));
}

#[tokio::test]
async fn a_log_that_cannot_be_read_says_why_and_odd_names_are_asked_of_nobody() {
    let (server, connector, _folder) = server().await;
    let denied = connector.logs(&query("hidden-0", Some("server"), false, 10)).await.unwrap_err();
    assert_eq!(denied.code, Code::Denied, "{denied}");
    assert!(denied.to_string().contains("pods/log"), "{denied}");
    let gone = connector.logs(&query("nobody", None, false, 10)).await.unwrap_err();
    assert_eq!((gone.code, gone.what.as_str()), (Code::NotFound, "iad has no pod nobody."));
    let before = server.asked().len();
    for (pod, container) in [("../secrets", None), ("chat-0", Some("a&previous=true"))] {
        let odd = connector.logs(&query(pod, container, false, 10)).await.unwrap_err();
        assert_eq!(odd.code, Code::NotFound, "{odd}");
    }
    assert_eq!(server.asked().len(), before, "nothing was asked");
}

//! The suite against a connector that does everything wrong: each case has to say so.

use super::{
    Given, Paged, Part, Server, Stand, a_closed_sink_ends_it, a_cut_page_is_no_half_world, a_missing_field_is_named,
    a_refusal_is_no_storm, a_server_that_fails_is_given_time, each, no_secret_is_said, patience_is_given,
    scripted::Reply, the_test_makes_the_calls,
};
use crate::{Connector, FieldSpec, InputSpec, Kind, Opening, Sink};
use async_trait::async_trait;
use pilothouse_wire::{Code, Health, ObjectRef, Problem, ask::Tested};
use pilothouse_world::fact::{Covers, Kind as Listed, SourceAbout};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const CARELESS: Stand = Stand {
    kind: Kind {
        id: "careless",
        name: "Careless",
        summary: "Does everything wrong.",
        fields: &[FieldSpec { key: "url", label: "Address", help: "", input: InputSpec::Text(""), required: true }],
        permissions: &[],
        demo: false,
        nodes: true,
        open: |opening| Ok(Arc::new(Careless(opening))),
        discover: None,
        inside: None,
    },
    fill: |place| {
        let values = [("url", place.url), ("token", place.secret)];
        Given { values: values.map(|(key, value)| (key.to_owned(), value.to_owned())).into(), ..Given::default() }
    },
    server: Some(Server {
        well: |_| Reply::Json(200, "", json!({ "items": ["a", "b"] })),
        listing: |path| path.starts_with("/list").then_some(Part::First),
        paged: Some(Paged { kind: Listed::Node, whole: 3 }),
    }),
};

struct Careless(Opening);

impl Careless {
    /// Whatever comes of a call, as text.
    async fn call(&self, path: &str) -> String {
        let url = self.0.values.get("url").map_or("", |url| url.trim_start_matches("http://"));
        let mut answer = String::new();
        if let Ok(mut stream) = TcpStream::connect(url).await {
            let _ = stream.write_all(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes()).await;
            let mut part = [0; 4_096];
            if let Ok(Ok(n)) = tokio::time::timeout(Duration::from_millis(100), stream.read(&mut part)).await {
                answer = String::from_utf8_lossy(&part[..n]).into_owned();
            }
        }
        answer
    }
}

#[async_trait]
impl Connector for Careless {
    fn about(&self) -> SourceAbout {
        SourceAbout::default()
    }

    async fn probe(&self) -> Result<Tested, Problem> {
        self.call("/ping").await;
        Ok(Tested { version: None, identity: None, may: Vec::new(), problem: None })
    }

    async fn watch(&self, sink: Sink) {
        loop {
            let answer = self.call("/list").await;
            // Nobody listens? It goes on.
            let _ = sink.replace(Covers { kind: Listed::Node, namespace: None }, Vec::new()).await;
            let _ = match answer.contains(" 200 ") {
                true => sink.health(Health::Well).await,
                false => sink.health(Health::Lost(Problem::new(Code::Internal, answer))).await,
            };
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn yaml(&self, _: &ObjectRef) -> Result<String, Problem> {
        Ok(format!("{:?}", self.0.values))
    }
}

#[tokio::test(start_paused = true)]
async fn each_case_finds_its_fault() {
    let all = &[CARELESS];
    for (outcome, fault) in [
        (each(all, a_missing_field_is_named).await, "opens without the field \"Address\""),
        (each(all, a_refusal_is_no_storm).await, "finds nothing wrong"),
        (each(all, a_server_that_fails_is_given_time).await, "is told as Some(Internal)"),
        (each(all, patience_is_given).await, "asks for two minutes"),
        (each(all, a_cut_page_is_no_half_world).await, "cut in its First page is told"),
        (each(all, a_closed_sink_ends_it).await, "goes on"),
        (each(all, the_test_makes_the_calls).await, "only the test calls [\"/ping\"]"),
        (each(all, no_secret_is_said).await, "its answer to a question"),
    ] {
        let said = outcome.err().unwrap_or_default();
        assert!(said.starts_with("careless: ") && said.contains(fault), "{said:?} says nothing of {fault:?}");
    }
}

//! `pilothouse bench` on a real server of the Open Inference Protocol v2 (MLServer), over REST and over gRPC: what its models
//! take is asked for, tensors are filled, and what goes wrong is said in the server's words.

use crate::bench_desk::{Desk, kept};
use acceptance::mlserver::{SLOW_MS, Unstarted};
use acceptance::{MlServer, Result, Said};
use serde_json::{Value, json};
use std::time::Duration;

const REQUESTS: u64 = 24;

struct Stand {
    server: MlServer,
    desk: Desk,
}

impl Stand {
    fn of(server: MlServer) -> Result<Self> {
        Ok(Self { server, desk: Desk::new()? })
    }

    /// Both ways to the server: what it speaks there, and where.
    fn ways(&self) -> [(&'static str, String); 2] {
        [("infer", self.server.rest()), ("infer-grpc", self.server.grpc())]
    }

    /// Runs on a model, and gives what it said with the document that is kept, where one is.
    async fn run(&self, api: &str, url: &str, model: &str, more: &str) -> Result<(Said, Option<Value>)> {
        let requests = REQUESTS.to_string();
        let own = ["run", url, "--api", api, "--model", model, "--concurrency", "3", "--requests", &requests];
        let rest = ["--warm-up", "none", "--input-tokens", "5"];
        let words: Vec<&str> = own.into_iter().chain(rest).chain(more.split_whitespace()).collect();
        self.desk.bench("run", &words).await
    }
}

#[tokio::test]
async fn models_are_asked_for_what_they_take_and_measured_over_both_ways() -> Result<()> {
    let stand = Stand::of(MlServer::start().await?)?;
    for (api, url) in stand.ways() {
        for (model, more, input, told) in [
            (
                "sum",
                "",
                json!({ "name": "x", "datatype": "FP32", "shape": [1, 3] }),
                "x FP32 [1, 3], filled by the seed",
            ),
            ("sum", "--shape x=8x3", json!({ "name": "x", "datatype": "FP32", "shape": [8, 3] }), "x FP32 [8, 3]"),
            ("open", "--shape x=2x3", json!({ "name": "x", "datatype": "FP64", "shape": [2, 3] }), "x FP64 [2, 3]"),
            // Over gRPC it goes as bytes.
            ("half", "", json!({ "name": "x", "datatype": "FP16", "shape": [1, 3] }), "x FP16 [1, 3]"),
            (
                "capitals",
                "",
                json!({ "name": "x", "datatype": "BYTES", "shape": [1] }),
                "x BYTES [1], filled by the seed, texts",
            ),
        ] {
            let before = stand.server.answered(model).await?;
            let (said, document) = kept(stand.run(api, &url, model, more).await?)?;
            let measures = &document["measures"];
            assert_eq!(
                (said.code, measures["requests"]["answered"].as_u64()),
                (0, Some(REQUESTS)),
                "{api} {model}: {said:?}"
            );
            assert!(said.out.contains(&format!("{api}; {told}")), "{told}: {}", said.out);
            // The server counts as many, and what it was asked with is kept, so that it can be asked again.
            assert_eq!(stand.server.answered(model).await? - before, REQUESTS, "{api} {model}");
            let kept = &document["plan"]["target"]["template"]["model"];
            assert_eq!((&kept["inputs"][0], kept["platform"].as_str()), (&input, Some("tests")), "{api} {model}");
            assert!(measures["e2e"]["p50"].as_u64() > Some(0) && measures["tpot"]["p50"].is_null(), "{measures}");
            assert_eq!(measures["requests"]["failed"], 0);
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_has_the_time_that_it_takes_and_connections_are_used_again() -> Result<()> {
    let stand = Stand::of(MlServer::start().await?)?;
    for (api, url) in stand.ways() {
        let (_, document) = kept(stand.run(api, &url, "slow", "").await?)?;
        let e2e = &document["measures"]["e2e"];
        // No answer is there before the model has slept; how much later depends on who else is busy here.
        assert!(e2e["min"].as_u64() >= Some(SLOW_MS * 1_000), "{api}: {e2e}");
        assert!(e2e["p50"].as_u64() < Some(SLOW_MS * 1_000 * 20), "{api}: {e2e}");
        let requests = stand.desk.requests("run")?;
        let new = |request: &&Value| !request["end"]["answered"]["connect_us"].is_null();
        // Three at a time need three connections.
        assert_eq!(requests.iter().filter(new).count(), 3, "{api}: {requests:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_model_that_is_not_there_and_shapes_that_do_not_fit_are_said_before_any_load() -> Result<()> {
    let stand = Stand::of(MlServer::start().await?)?;
    for (api, url) in stand.ways() {
        for (model, more, want) in [
            ("nope", "", ["The server has no model nope.", "not found"]),
            ("sum", "--shape x=1x4", ["x cannot have the shape [1, 4].", "[-1, 3]"]),
            ("sum", "--shape y=1x3", ["The model has no input y.", "has x"]),
            ("open", "", ["The shape of x is not known.", "--shape x=NxN"]),
        ] {
            let (said, document) = stand.run(api, &url, model, more).await?;
            assert!(
                said.code == 1 && want.iter().all(|want| said.err.contains(want)),
                "{api} {model} {more}: {said:?}"
            );
            assert_eq!(document, None, "{api} {model}");
        }
        // What its metadata leaves open only the server knows: its words are told.
        let (said, document) = kept(stand.run(api, &url, "open", "--shape x=1x4").await?)?;
        assert_eq!(said.code, 1, "{said:?}");
        let failures = &document["measures"]["failures"][0];
        assert_eq!(failures["kind"], "rejected", "{api}: {failures}");
        assert!(said.err.contains("x has shape [1, 4], not [-1, 3]"), "{api}: {said:?}");
        assert_eq!(document["state"], "gave_up");
    }
    let (said, _) = stand.run("infer-grpc", &stand.server.grpc(), "sum", "--body {}").await?;
    assert!(said.code == 1 && said.err.contains("body cannot be used."), "{said:?}");
    let (said, _) = stand.run("infer", &stand.server.rest(), "sum", "--shape x=1x0").await?;
    assert!(said.code == 2 && said.err.contains("is no size of a dimension"), "{said:?}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_ready_or_not_there_is_said() -> Result<()> {
    let stand = Stand::of(MlServer::closed().await?)?;
    for (api, url) in stand.ways() {
        let (said, document) = stand.run(api, &url, "capitals", "").await?;
        assert!(said.code == 1 && said.err.contains("The server is not ready."), "{api}: {said:?}");
        assert_eq!(document, None);
    }
    stand.server.open().await?;
    for (api, url) in stand.ways() {
        let (said, _) = stand.run(api, &url, "sum", "").await?;
        assert_eq!(said.code, 0, "{api}: {said:?}");
    }
    // The port of the other interface, and one where nobody is.
    let nowhere = format!("http://127.0.0.1:{}", acceptance::free_port()?);
    let (rest, grpc) = (stand.server.rest(), stand.server.grpc().replace("grpc://", "http://"));
    for (api, url) in [("infer-grpc", &rest), ("infer", &grpc), ("infer", &nowhere), ("infer-grpc", &nowhere)] {
        let (said, document) = stand.run(api, url, "sum", "").await?;
        assert!(said.code == 1 && said.err.contains("cannot be asked what its model takes"), "{api} {url}: {said:?}");
        assert_eq!(document, None);
    }
    Ok(())
}

#[tokio::test]
async fn two_models_are_compared_over_grpc_and_what_they_say_is_compared_where_they_say_something() -> Result<()> {
    let stand = Stand::of(MlServer::start().await?)?;
    let grpc = stand.server.grpc();
    let compare = async |models: [&str; 2], more: &str| {
        let [now, next] = ["now", "next"].map(|name| format!("{name}={grpc}"));
        let own = ["bench", "compare", &now, &next, "--api", "infer-grpc", "--model", models[0], "--model", models[1]];
        let load =
            "--concurrency 2 --requests 12 --warm-up none --most-late 2s --pairs 6 --margin 50 --metric e2e-p50 --json";
        let words: Vec<&str> = own.into_iter().chain(load.split(' ')).chain(more.split_whitespace()).collect();
        stand.desk.terminal.json(&words).await
    };
    let said = compare(["capitals", "capitals"], "--answers 2 --input-tokens 3").await?;
    assert_eq!(said["answers"]["arms"][1]["exact"].as_f64(), Some(1.0), "{}", said["answers"]);
    let slower = compare(["sum", "slow"], "").await?;
    assert_eq!(slower["comparison"]["candidates"][0]["verdict"], "worse", "{}", slower["comparison"]);
    assert!(slower["answers"].is_null(), "numbers of drawn numbers say nothing");
    assert_eq!(slower["arms"][1]["plan"]["target"]["template"]["model"]["inputs"][0]["datatype"], "INT64");
    Ok(())
}

#[tokio::test]
async fn a_server_of_grpc_that_is_started_is_waited_for_until_it_says_by_a_call_that_it_is_ready() -> Result<()> {
    let (desk, unstarted) = (Desk::new()?, Unstarted::laid()?);
    let (url, command) = (unstarted.grpc(), unstarted.command());
    // It listens long before its model is loaded: until the gate opens it says that it is not ready.
    let opening = async {
        unstarted.listens().await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        unstarted.open()
    };
    let load = ["run", &url, "--api", "infer-grpc", "--model", "sum", "--concurrency", "2", "--requests", "8"];
    let words = [&load[..], &["--serve", &command]].concat();
    let (ran, opened) = tokio::join!(desk.bench("run", &words), opening);
    let (said, document) = kept(ran?)?;
    opened?;
    assert_eq!((said.code, document["measures"]["requests"]["answered"].as_u64()), (0, Some(8)), "{said:?}");
    let server = &document["server"];
    let at = url.replacen("grpc://", "http://", 1);
    assert_eq!(server["ready_url"], format!("{at}/inference.GRPCInferenceService/ServerReady"), "{server}");
    assert!(server["ready_after_s"].as_f64() > Some(3.0), "{server}");
    // A port of gRPC tells nothing else, and nobody asked it for what it counts.
    assert_eq!(document["beside"]["metrics"], json!({}), "{}", document["beside"]);
    assert_eq!(
        document["beside"]["missing"].as_array().map(|all| all.iter().any(|why| why.to_string().contains("metrics"))),
        Some(false)
    );
    Ok(())
}

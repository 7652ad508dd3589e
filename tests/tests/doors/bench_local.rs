//! `pilothouse bench` on models out of files: real ones, loaded by our own program and measured like any other server. What is
//! no model, is not whole or too big is said before anything is started; what a library refuses, in its words.

use crate::bench_desk::{Desk, kept};
use acceptance::{Context, Failure, Result, Said, model, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

const GGUF: &str = "gemma-3-270m-q4_k_m.gguf";
const LIMIT: Duration = Duration::from_secs(120);

/// Runs a model, and gives what it said with the document that is kept, where one is.
async fn run(desk: &Desk, file: &Path, more: &str) -> Result<(Said, Option<Value>)> {
    let file = file.to_string_lossy();
    let own = ["run", "--model", &file, "--warm-up", "none"];
    desk.bench("run", &own.into_iter().chain(more.split_whitespace()).collect::<Vec<_>>()).await
}

/// Does anybody listen where a document says that it was measured?
fn is_served(document: &Value) -> bool {
    let url = document["plan"]["target"]["url"].as_str().unwrap_or_default();
    let at = url.split('/').nth(2).unwrap_or_default();
    assert!(at.starts_with("127.0.0.1:"), "{url}");
    std::net::TcpStream::connect(at).is_ok()
}

#[tokio::test]
async fn a_gguf_is_loaded_measured_to_the_token_and_ended() -> Result<()> {
    let desk = Desk::new()?;
    let load =
        "--concurrency 2 --requests 8 --input-tokens 12..20 --output-tokens 6 --ignore-eos --threads 1 --context 256";
    let (said, document) = kept(run(&desk, &model(GGUF)?, load).await?)?;
    let measures = &document["measures"];
    assert_eq!((said.code, measures["requests"]["answered"].as_u64()), (0, Some(8)), "{said:?}");
    // Each answer has as many tokens as it was to have, the library's own sums say the same, and each came as a piece.
    let tokens = &measures["tokens"];
    assert_eq!((tokens["output"].as_u64(), tokens["counted_by_server"].as_u64()), (Some(48), Some(8)));
    let counted = |name: &str| document["beside"]["metrics"][format!("pilothouse_model_{name}")].clone();
    assert_eq!(counted("requests_total"), json!([0.0, 8.0]));
    assert_eq!(counted("tokens_total"), json!([0.0, 48.0]));
    assert_eq!(counted("prompt_tokens_total")[1].as_f64(), tokens["input"].as_f64());
    assert!(tokens["input"].as_u64() >= tokens["input_wanted"].as_u64(), "{tokens}");
    assert!(measures["ttft"]["p50"].as_u64() > Some(0) && measures["tpot"]["p50"].as_u64() > Some(0), "{measures}");
    // What it was is kept, with what it takes to repeat it.
    let served = &document["server"]["model"];
    for (name, want) in [
        ("format", json!("gguf")),
        ("architecture", json!("gemma3")),
        ("model", json!("gemma-3-270m-q4_k_m")),
        ("threads", json!(1)),
        ("parallel", json!(2)),
        ("context", json!(256)),
        ("chat", json!(false)),
    ] {
        assert_eq!(served[name], want, "{name}: {served}");
    }
    assert!(served["library"].as_str().is_some_and(|library| library.contains("llama-cpp-2 ")), "{served}");
    assert!(document["beside"]["server"]["memory_bytes"]["high"].as_f64() > Some(1e8), "{}", document["beside"]);
    assert!(said.err.contains("its weights 247 MB, keys and values"), "{said:?}");
    assert!(said.out.contains("Gemma 3 270m (gemma3)") && said.out.contains("parameters in"), "{said:?}");
    assert!(!is_served(&document), "it is still served");
    Ok(())
}

#[tokio::test]
async fn what_is_no_model_or_not_whole_or_too_big_is_said_before_anything_is_started() -> Result<()> {
    let desk = Desk::new()?;
    let real = model(GGUF)?;
    // The head of a real one is 6.5 MB long.
    let mut head = vec![0; 8 << 20];
    File::open(&real).and_then(|mut file| file.read_exact(&mut head)).could_not("read the head of the model")?;
    let cut = |name: &str, keep: usize, length: u64| -> Result<PathBuf> {
        let file = desk.file(name);
        let made = File::create(&file).and_then(|mut to| to.write_all(&head[..keep]).and_then(|()| to.set_len(length)));
        made.could_not("write a part of the model").map(|()| file)
    };
    let within = cut("within.gguf", 1 << 20, 1 << 20)?;
    let behind = cut("behind.gguf", 8 << 20, 200_000_000)?;
    let page = desk.file("page.gguf");
    std::fs::write(&page, "<!DOCTYPE html><title>404</title>").could_not("write a page")?;
    let onnx = desk.file("cut.onnx");
    let whole = std::fs::read(model("magika.onnx")?).could_not("read the ONNX")?;
    std::fs::write(&onnx, &whole[..whole.len() / 2]).could_not("write half of the ONNX")?;
    for (file, more, want) in [
        (&within, "", "It is cut off: It ends within its head. It has 1.05 MB."),
        (&behind, "", "It is cut off: its tensors need 253 MB. It has 200 MB."),
        (&page, "", "It is a page of HTML or XML"),
        (&onnx, "", "It is cut off: it says that it has"),
        (&desk.file("none.gguf"), "", "No such file"),
        (&real, "--context 4000000000", "is too big for this machine."),
        (&real, "--threads 0", "threads cannot be 0."),
        (&real, "--model-program /no/such/program", "There is no program /no/such/program."),
    ] {
        let (said, document) = run(&desk, file, &format!("--concurrency 1 --requests 1 {more}")).await?;
        assert_eq!((said.code, document), (1, None), "{said:?}");
        assert!(said.err.contains(want), "{want}: {said:?}");
        if more.is_empty() {
            assert!(said.err.contains(&*file.to_string_lossy()), "{said:?}");
        }
        assert!(!desk.file("run.server.log").exists(), "something was started: {said:?}");
    }
    let (said, _) = run(&desk, &real, "--concurrency 1 --requests 1 --context 4000000000").await?;
    assert!(said.err.contains("keys and values") && said.err.contains(" are free."), "{said:?}");
    let (said, _) = run(&desk, &real, "--concurrency 1 --requests 1 --api embeddings").await?;
    assert!(said.code == 2 && said.err.contains("--api completions or chat"), "{said:?}");
    let said =
        desk.terminal.call(&["bench", "run", "--model", "chat-70b", "--concurrency", "1", "--requests", "1"]).await?;
    assert!(said.code == 2 && said.err.contains("give the address of a server"), "{said:?}");
    Ok(())
}

#[tokio::test]
async fn what_the_library_refuses_is_told_in_its_words() -> Result<()> {
    let desk = Desk::new()?;
    // A head that is whole and right, of a kind of model that there is none of.
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let mut odd = [b"GGUF".as_slice(), &3_u32.to_le_bytes(), &0_u64.to_le_bytes(), &1_u64.to_le_bytes()].concat();
    odd.extend([text("general.architecture"), 8_u32.to_le_bytes().to_vec(), text("nonsuch")].concat());
    odd.resize(1_024, 0);
    let file = desk.file("odd.gguf");
    std::fs::write(&file, odd).could_not("write a model")?;
    let load = "--concurrency 1 --requests 2 --output-tokens 2";
    let (said, document) = run(&desk, &file, load).await?;
    assert_eq!((said.code, document), (1, None), "{said:?}");
    assert!(said.err.contains("odd.gguf is not served") && said.err.contains("nonsuch"), "{said:?}");
    // This model was never taught to chat.
    let (said, document) = kept(run(&desk, &model(GGUF)?, &format!("{load} --api chat --context 256")).await?)?;
    assert_eq!((said.code, document["measures"]["requests"]["failed"].as_u64()), (1, Some(2)), "{said:?}");
    assert!(said.err.contains("has no chat template"), "{said:?}");
    // An answer that is to be longer than there is room for is no answer, and not a shorter one.
    let long = "--concurrency 1 --requests 1 --input-tokens 8 --output-tokens 400 --ignore-eos --context 256";
    let (said, _) = run(&desk, &model(GGUF)?, long).await?;
    assert!(said.code == 1 && said.err.contains("do not go into 256"), "{said:?}");
    // Without its library nothing is computed, and what would help is said.
    let onnx = model("magika.onnx")?;
    let (said, document) = run(&desk, &onnx, "--concurrency 1 --requests 1 --onnxruntime /no/such/library.so").await?;
    assert_eq!((said.code, document), (1, None), "{said:?}");
    assert!(said.err.contains("ONNX Runtime cannot be loaded from /no/such/library.so"), "{said:?}");
    Ok(())
}

#[tokio::test]
async fn an_onnx_is_computed_by_the_library_that_is_named() -> Result<()> {
    let desk = Desk::new()?;
    let library = model("libonnxruntime.so")?;
    let load = format!("--concurrency 2 --requests 20 --threads 1 --onnxruntime {}", library.display());
    let (said, document) = kept(run(&desk, &model("magika.onnx")?, &load).await?)?;
    let measures = &document["measures"];
    assert_eq!((said.code, measures["requests"]["answered"].as_u64()), (0, Some(20)), "{said:?}");
    assert!(measures["e2e"]["p50"].as_u64() > Some(0), "{measures}");
    let served = &document["server"]["model"];
    assert_eq!(served["inputs"], json!([{"name": "bytes", "datatype": "INT32", "shape": [-1, 2_048]}]), "{served}");
    assert!(served["library"].as_str().is_some_and(|library| library.contains("ONNX Runtime")), "{served}");
    assert_eq!(document["beside"]["metrics"]["pilothouse_model_steps_total"], json!([0.0, 20.0]));
    let body = document["plan"]["target"]["template"]["body"].as_str().unwrap_or_default();
    assert!(body.contains("\"shape\":[1,2048]"), "{body:.200}");
    assert!(!is_served(&document), "it is still served");
    // What a person words goes as it is, and what does not fit is a failure with the library's reason.
    let wrong = desk.file("wrong.json");
    let text = r#"{"inputs":[{"name":"bytes","shape":[1,3],"datatype":"INT32","data":[1,2,3]}]}"#;
    std::fs::write(&wrong, text).could_not("write a request")?;
    let (said, document) =
        kept(run(&desk, &model("magika.onnx")?, &format!("{load} --body @{}", wrong.display())).await?)?;
    assert_eq!((said.code, document["measures"]["requests"]["answered"].as_u64()), (1, Some(0)), "{said:?}");
    assert!(said.err.contains("bytes"), "{said:?}");
    Ok(())
}

#[tokio::test]
async fn options_of_one_file_are_arms_of_a_comparison() -> Result<()> {
    let desk = Desk::new()?;
    let (file, out) = (model(GGUF)?, desk.file("cmp.json").to_string_lossy().into_owned());
    let arms =
        ["one", "two"].map(|name| format!("{name}={}?threads={}", file.display(), if name == "one" { 1 } else { 2 }));
    let load = "--concurrency 1 --requests 20 --input-tokens 4 --output-tokens 2 --ignore-eos --context 256 --batch 64";
    let more = "--pairs 6 --answers 2 --most-late 2s --margin 50 --metric e2e-p50 --warm-up none";
    let own = ["bench", "compare", &arms[0], &arms[1], "--out", &out];
    let words: Vec<&str> = own.into_iter().chain(load.split(' ')).chain(more.split(' ')).collect();
    let said = desk.terminal.call(&words).await?;
    assert_eq!(said.code, 0, "{said:?}");
    // The same model says the same at temperature 0, however many threads compute it.
    assert!(said.out.contains("two: 100 % of 2 the same to the letter"), "{said:?}");
    let text = std::fs::read(desk.file("cmp.json")).could_not("read the comparison")?;
    let document: Value = serde_json::from_slice(&text).could_not("read the comparison")?;
    for (at, threads) in [(0, 1), (1, 2)] {
        let served = &document["arms"][at]["server"]["model"];
        assert_eq!((&served["threads"], &served["batch"]), (&json!(threads), &json!(64)), "{served}");
        assert!(!is_served(&document["arms"][at]), "it is still served");
    }
    assert!(desk.file("cmp.one.server.log").exists() && desk.file("cmp.two.server.log").exists());
    Ok(())
}

#[tokio::test]
async fn options_of_one_file_are_swept_over_with_one_front() -> Result<()> {
    let desk = Desk::new()?;
    let (file, out) = (model(GGUF)?, desk.file("sweep.json").to_string_lossy().into_owned());
    let models = ["threads=1", "threads=2&batch=64"].map(|options| format!("{}?{options}", file.display()));
    let load = "--sweep 1,2 --requests 4 --input-tokens 4 --output-tokens 4 --ignore-eos --context 256 --warm-up none";
    let own = ["bench", "search", "--model", &models[0], "--model", &models[1], "--out", &out, "--most-late", "2s"];
    let said = desk.terminal.call(&own.into_iter().chain(load.split(' ')).collect::<Vec<&str>>()).await?;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("gemma-3-270m-q4_k_m.gguf?threads=2&batch=64") && said.out.contains("on the front"));
    let text = std::fs::read(desk.file("sweep.json")).could_not("read the sweep")?;
    let document: Value = serde_json::from_slice(&text).could_not("read the sweep")?;
    let probes = document["probes"].as_array().cloned().unwrap_or_default();
    let places: Vec<_> = probes.iter().map(|probe| (probe["at"].as_f64(), probe["arm"].as_u64())).collect();
    assert_eq!(places, [(Some(1.0), Some(0)), (Some(1.0), Some(1)), (Some(2.0), Some(0)), (Some(2.0), Some(1))]);
    assert!(document["points"].as_array().is_some_and(|points| points.len() == 4), "{}", document["points"]);
    // Each probe was of the model that was computed as it says.
    for (run, threads) in [("001", 1), ("002", 2)] {
        let probe = desk.file("sweep.probes").join(format!("{run}.json"));
        let probe: Value =
            serde_json::from_slice(&std::fs::read(probe).could_not("read a probe")?).could_not("read a probe")?;
        assert_eq!(probe["server"]["model"]["threads"], json!(threads), "{}", probe["server"]);
        assert!(!is_served(&probe), "it is still served");
    }
    Ok(())
}

#[tokio::test]
async fn a_model_ends_with_whoever_loaded_it_however_that_ends() -> Result<()> {
    let desk = Desk::new()?;
    let (file, out) = (model(GGUF)?.to_string_lossy().into_owned(), desk.file("run.json"));
    let out_text = out.to_string_lossy();
    let load = "--concurrency 1 --requests 100000 --input-tokens 4 --output-tokens 4 --context 256 --threads 1";
    let own = ["bench", "run", "--model", &file, "--out", &out_text];
    let words: Vec<&str> = own.into_iter().chain(load.split(' ')).collect();
    let running = desk.terminal.command(&words)?.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut running = running.could_not("start pilothouse")?;
    let requests = desk.file("run.requests.jsonl");
    until("some are answered", LIMIT, async || {
        Ok(std::fs::read_to_string(&requests).ok().filter(|text| text.lines().count() > 2).map(drop))
    })
    .await?;
    let log = std::fs::read_to_string(desk.file("run.server.log")).could_not("read its words")?;
    let line = log.lines().find(|line| line.starts_with("{\"serving\":")).unwrap_or_default();
    let served: Value = serde_json::from_str(line).could_not("read where it is served")?;
    let at = served["serving"].as_str().and_then(|url| url.strip_prefix("http://")).unwrap_or_default().to_owned();
    assert!(std::net::TcpStream::connect(&at).is_ok(), "{served}");
    // Killed outright, so that it can stop nothing itself.
    let id = running.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    kill_process(id.ok_or_else(|| Failure::new("it has ended"))?, Signal::KILL).could_not("kill it")?;
    running.wait().await.could_not("wait for its end")?;
    until("the model is not served any more", LIMIT, async || {
        Ok(std::net::TcpStream::connect(&at).is_err().then_some(()))
    })
    .await
}

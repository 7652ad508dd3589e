//! Registered models as a person meets them: in the terminal, and in headless Chromium, both before a real MLflow.

use std::path::Path;
use std::time::Duration;

use acceptance::mlflow::Trained;
use acceptance::{Context, Mlflow, Page, Result, Terminal, until};
use serde_json::{Value, json};
use thirtyfour::Key;

const LIMIT: Duration = Duration::from_secs(90);
const MLMODEL: &str = "artifact_path: model\nflavors:\n  python_function:\n    loader_module: x\nsignature:\n  \
                       inputs: '[{\"type\": \"string\", \"name\": \"text\", \"required\": true}]'\n";

/// Dimensions that published models of eight billion weights have.
const LLAMA: &str = r#"{
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
    "intermediate_size": 14336, "vocab_size": 128256, "torch_dtype": "bfloat16", "max_position_embeddings": 8192,
    "tie_word_embeddings": false
}"#;

/// A registry with a model of two versions, and a home that is connected to it.
struct Site {
    server: Mlflow,
    terminal: Terminal,
    runs: [String; 2],
    /// A run of another experiment, of which nothing is registered.
    other: String,
}

impl Site {
    async fn start() -> Result<Self> {
        let server = Mlflow::start().await?;
        let experiment = server.experiment("chat-tuning").await?;
        let loss: Vec<f64> = (0..200).map(|step| 2.0 / f64::from(step + 1)).collect();
        let first = Trained {
            name: "patient-owl",
            params: &[("lr", "0.001"), ("base", "8b")],
            metrics: &[("loss", &loss), ("auc", &[0.7, 0.8])],
            tags: &[],
        };
        let second = Trained {
            name: "brisk-fox",
            params: &[("lr", "0.0005"), ("base", "8b")],
            metrics: &[("loss", &[1.0, 0.5, 0.25]), ("auc", &[0.75, 0.84])],
            tags: &[],
        };
        let runs = [server.run(&experiment, first).await?, server.run(&experiment, second).await?];
        server.artefact(&experiment, &runs[1], "model/MLmodel", MLMODEL).await?;
        server.artefact(&experiment, &runs[1], "model/config.json", LLAMA).await?;
        server.artefact(&experiment, &runs[0], "model/data/more.bin", &"x".repeat(5_000)).await?;
        let logged = json!({ "experiment_id": experiment, "name": "chat-8b", "source_run_id": runs[1] });
        server.post("logged-models", &logged).await?;
        let larger = server.experiment("eval-large").await?;
        let third = Trained {
            name: "calm-elk",
            params: &[("lr", "0.0005"), ("base", "70b")],
            metrics: &[("auc", &[0.9])],
            tags: &[],
        };
        let other = server.run(&larger, third).await?;
        server.model("chat").await?;
        server.model("idle").await?;
        for run in &runs {
            server.version("chat", &experiment, run).await?;
        }
        server.alias("chat", "champion", "1").await?;
        let terminal = Terminal::new(Path::new(""))?;
        let url = server.url();
        terminal.good(&["connect", "add", "mlflow", "--name", "registry", "--url", &url]).await?;
        Ok(Self { server, terminal, runs, other })
    }
}

fn rows<'a>(answer: &'a Value, key: &str) -> &'a [Value] {
    answer[key].as_array().map_or(&[], Vec::as_slice)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_finds_a_model_its_run_and_what_changed_between_two_versions() -> Result<()> {
    let site = Site::start().await?;
    the_terminal_lists_compares_and_searches(&site).await?;

    let (door, address) = site.terminal.serve(&[]).await?;
    let page = Page::browser((1_440, 900), &address).await?;
    page.press("rail-models").await?;
    page.reads_as(
        "[data-test='model'][data-key='registry/chat']",
        |text| text.contains("@champion 1"),
        "has its alias",
    )
    .await?;
    // Walked by keys, found by a filter.
    page.fill("models-filter", "alias=champion").await?;
    page.gone("[data-test='model'][data-key='registry/idle']").await?;
    page.press_by("[data-test='model'][data-key='registry/chat']").await?;
    the_newest_version_has_its_run(&page, &site).await?;
    it_is_reckoned_whether_it_fits(&page).await?;
    a_word_is_found_wherever_it_stands(&page).await?;
    runs_of_all_experiments_stand_side_by_side(&page, &site).await?;

    let whole = "const name = document.querySelector(\"[data-test='runs-of'] .name\"); \
                 return [name.innerText, name.scrollWidth <= name.clientWidth]";
    assert_eq!(page.ask(whole).await?, json!(["All runs of registry", true]), "what leads to all runs is read whole");
    page.press_by("[data-test='compare-with'][data-key='1']").await?;
    let compared = "[data-test='compared'][data-key='lr']";
    page.reads_as(
        compared,
        |text| text.contains("0.001") && text.contains("0.0005") && text.contains("−50.0 %"),
        "differs",
    )
    .await?;
    page.reads_as("[data-test='compared'][data-key='auc']", |text| text.contains("+0.04 (+5.0 %)"), "says by how much")
        .await?;
    // By their files: how large they are, and the settings that differ.
    let sizes = |text: &str| text.contains("5.00 kB in 1 file") && text.contains("in 2 files");
    page.reads_as("[data-test='compared'][data-key='files']", sizes, "says how large both are").await?;
    let layers = |text: &str| text.contains("—") && text.contains("32");
    page.reads_as("[data-test='compared'][data-key='num_hidden_layers']", layers, "is a setting of one alone").await?;
    page.gone("[data-test='compared'][data-key='base']").await?;
    page.press("compare-all").await?;
    page.find_by("[data-test='compared'][data-key='base']").await?;
    page.find_by("[data-test='compared'][data-key='input text']").await?;

    // The address leads back to it, and an alias that moves is seen where it stands and on the ribbon.
    page.reload().await?;
    page.find_by(compared).await?;
    site.server.alias("chat", "champion", "2").await?;
    page.reads_as("[data-test='version'][data-key='2']", |text| text.contains("@champion for"), "has the alias now")
        .await?;
    until("the ribbon tells it", LIMIT, async || {
        // From sign to sign, back from the newest: each is spoken.
        page.find_by(".ribbon-marks").await?.send_keys(Key::Left).await.could_not("walk along the ribbon")?;
        let spoken = page.ask("return document.querySelector('.ribbon-marks .unseen').textContent").await?;
        Ok(spoken.as_str().is_some_and(|spoken| spoken.contains("chat@champion 1 → 2")).then_some(()))
    })
    .await?;
    drop(door);
    page.close().await
}

async fn the_newest_version_has_its_run(page: &Page, site: &Site) -> Result<()> {
    page.reads_as("[data-test='version'][data-key='1']", |text| text.contains("@champion"), "has the alias").await?;
    page.reads_as("[data-test='version-page']", |text| text.contains(&site.runs[1]), "names its run").await?;
    let run = "[data-test='run']";
    page.reads_as(run, |text| text.contains("brisk-fox") && text.contains("chat-tuning"), "is read from its server")
        .await?;
    page.reads_as("[data-test='params']", |text| text.contains("lr") && text.contains("0.0005"), "has parameters")
        .await?;
    page.reads_as("[data-test='artefacts']", |text| text.contains("model/"), "lists what was left").await?;
    page.press("artefacts-open").await?;
    page.reads_as("[data-test='artefacts']", |text| text.contains("model/config.json"), "opens a folder").await?;
    page.press("artefacts-up").await?;
    page.gone("[data-test='artefacts-up']").await?;
    page.reads_as(
        "[data-test='logged']",
        |text| text.contains("chat-8b") && text.contains("pending"),
        "logged a model",
    )
    .await?;
    page.reads_as(
        "[data-test='chart'][data-key='loss']",
        |text| text.contains("0.25 to 1, steps 0 to 2"),
        "has a history",
    )
    .await?;
    page.find_by("[data-test='chart'][data-key='loss'] svg polyline").await?;
    Ok(())
}

/// From a run to others, by what was given to them and what came of them, whichever experiment they are of.
async fn runs_of_all_experiments_stand_side_by_side(page: &Page, site: &Site) -> Result<()> {
    let row = |run: &str| format!("[data-test='runs-row'][data-key='{run}']");
    page.press("run-beside").await?;
    page.reads_as("[data-test='runs-told']", |text| text.contains("3 runs of 3 experiments"), "finds all").await?;
    page.reads_as(&row(&site.other), |text| text.contains("eval-large") && text.contains("0.9"), "is of another")
        .await?;
    page.fill("runs-filter", "metrics.auc > 0.82").await?;
    page.fill("runs-order", "metrics.auc DESC").await?;
    page.press("runs-search").await?;
    page.gone(&row(&site.runs[0])).await?;
    page.fill("runs-experiments", "chat-t*").await?;
    page.press("runs-search").await?;
    page.gone(&row(&site.other)).await?;
    page.reads_as("[data-test='runs-told']", |text| text.contains("1 run of 1 experiment."), "narrows").await?;
    // What the server does not understand is said in its words.
    page.fill("runs-filter", "metrics.auc >").await?;
    page.press("runs-search").await?;
    page.reads_as("[data-test='runs']", |text| text.contains("Invalid"), "says what is wrong").await?;
    page.fill("runs-experiments", "").await?;
    page.fill("runs-filter", "").await?;
    page.press("runs-search").await?;

    // The one that led here is chosen already; the others are, by a press.
    for run in [&site.other, &site.runs[0]] {
        page.press_by(&format!("{} [data-test='runs-pick']", row(run))).await?;
    }
    page.reads_as("[data-test='runs-compare']", |text| text.contains("Compare 3"), "counts them").await?;
    page.press("runs-compare").await?;
    let compared = |key: &str| format!("[data-test='runs-compared'][data-key='{key}']");
    let auc =
        |text: &str| ["0.84", "0.9", "+0.06 (+7.1 %)", "0.8", "−0.04 (−4.8 %)"].iter().all(|part| text.contains(part));
    page.reads_as(&compared("auc"), auc, "says by how much").await?;
    page.reads_as(
        &compared("experiment"),
        |text| text.contains("eval-large") && text.contains("chat-tuning"),
        "differs",
    )
    .await?;
    page.reads_as(&compared("loss"), |text| text.contains("—"), "is absent of one").await?;
    page.gone(&compared("user")).await?;
    page.press("runs-all").await?;
    page.find_by(&compared("status")).await?;
    // The address leads back to it.
    page.reload().await?;
    page.find_by(&compared("auc")).await?;
    page.press("runs-back").await?;
    page.find_by(&row(&site.other)).await?;
    page.press_by("[data-test='model'][data-key='registry/chat']").await.map(drop)
}

/// No service serves it: the GPU is said by a person.
async fn it_is_reckoned_whether_it_fits(page: &Page) -> Result<()> {
    page.press("fits-ask").await?;
    let said = "[data-test='fits-said']";
    page.reads_as(said, |text| text.contains("Nobody can tell"), "misses the GPU").await?;
    page.fill("fits-gpu", "NVIDIA-H100-80GB-HBM3").await?;
    page.fill("fits-arguments", "vllm serve --max-model-len 8192").await?;
    page.press("fits-again").await?;
    page.reads_as(said, |text| text.contains("It fits") && text.contains("vLLM on 1 GPU"), "says that it fits").await?;
    page.reads_as(
        "[data-test='fits-sums']",
        |text| text.contains("Weights") && text.contains("Left for the cache"),
        "shows its sums",
    )
    .await?;
    page.fill("fits-gpu", "Tesla T4").await?;
    page.fill("fits-arguments", "vllm serve --dtype half").await?;
    page.press("fits-again").await?;
    page.reads_as(said, |text| text.contains("It does not fit"), "says that it does not fit").await?;
    // The other version has no configuration: that is said, and not guessed.
    page.press_by("[data-test='version'][data-key='1']").await?;
    page.press("fits-ask").await?;
    page.reads_as("[data-test='fits']", |text| text.contains("chat/1 has no configuration"), "says what is missing")
        .await?;
    page.press_by("[data-test='version'][data-key='2']").await.map(drop)
}

/// By its name, which is known to the server alone, and walked to by keys from the field.
async fn a_word_is_found_wherever_it_stands(page: &Page) -> Result<()> {
    page.fill("models-filter", "patient").await?;
    let found = "[data-test='found'][data-key='registry/chat/1']";
    page.reads_as(found, |text| text.contains("patient-owl") && text.contains("registry"), "is found by its run")
        .await?;
    let through = |text: &str| text.contains("registry: 2 models with 2 versions, and runs by their names");
    page.reads_as("[data-test='searched']", through, "says what was looked through").await?;
    let at = page.driver().active_element().await.could_not("find the caret")?;
    at.send_keys(Key::Down + Key::Enter).await.could_not("walk to it")?;
    page.reads_as("[data-test='version-page']", |text| text.contains("Version 1"), "is opened by keys").await?;
    page.fill("models-filter", "champ").await?;
    page.reads_as("[data-test='found']", |text| text.contains("@champion"), "is found by its alias").await?;
    page.fill("models-filter", "alias=champion").await?;
    page.gone("[data-test='found']").await?;
    page.press_by("[data-test='version'][data-key='2']").await.map(drop)
}

async fn the_terminal_lists_compares_and_searches(site: &Site) -> Result<()> {
    let terminal = &site.terminal;
    let models = terminal.json(&["models", "--json"]).await?;
    let chat = rows(&models, "models").iter().find(|model| model["id"]["name"] == "chat").cloned().unwrap_or_default();
    let champion = &chat["aliases"][0];
    assert_eq!((&champion["name"], &champion["version"]), (&json!("champion"), &json!(1)), "{chat:#}");
    assert_eq!((&champion["since"], &champion["before"]), (&Value::Null, &Value::Null), "{chat:#}");
    assert_eq!(rows(&models, "models").len(), 2);
    let versions = terminal.good(&["models", "chat"]).await?;
    let lines: Vec<Vec<&str>> = versions.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1][..3], ["ready", "chat", "2"], "{versions}");
    assert!(lines[2].contains(&"@champion") && lines[2].contains(&site.runs[0].as_str()), "{versions}");

    let compared = terminal.good(&["models", "chat", "--compare", "champion", "2"]).await?;
    assert!(compared.contains("CHAT/1") && compared.contains("−0.0005 (−50.0 %)"), "{compared}");
    // A run's number may have any two signs in it.
    let words = |wanted: &str| compared.split_whitespace().any(|word| word == wanted);
    assert!(!words("8b"), "what is the same is not shown: {compared}");
    let absent = terminal.call(&["models", "chat", "--compare", "2", "nobody"]).await?;
    assert!(absent.code == 1 && absent.err.contains("no version and no alias nobody"), "{absent:?}");

    let found = terminal.json(&["runs", "--experiment", "chat*", "--filter", "metrics.auc > 0.82", "--json"]).await?;
    let runs = rows(&found["found"][0], "runs");
    assert_eq!((runs.len(), &runs[0]["name"]), (1, &json!("brisk-fox")), "{found:#}");
    let run = terminal.good(&["runs", &site.runs[1], "--history", "loss"]).await?;
    assert!(run.contains("brisk-fox") && run.contains("0.0005") && run.contains("model/"), "{run}");
    let beside = terminal.good(&["runs", &site.runs[1], "--with", &site.other]).await?;
    for part in ["BRISK-FOX", "CALM-ELK", "70b", "+0.06 (+7.1 %)", "eval-large"] {
        assert!(beside.contains(part), "{part}: {beside}");
    }
    let three =
        terminal.json(&["runs", &site.runs[0], "--with", &site.runs[1], "--with", &site.other, "--json"]).await?;
    assert_eq!((rows(&three, "runs").len(), rows(&three, "problems").len()), (3, 0), "{three:#}");
    let nobody = terminal.call(&["runs", &site.runs[0], "--with", "deadbeef"]).await?;
    assert!(nobody.code == 1 && nobody.err.contains("deadbeef"), "{nobody:?}");
    let left = terminal.good(&["runs", &site.runs[1], "--artefacts", "model/"]).await?;
    assert!(left.contains("model/MLmodel"), "{left}");
    let searched = terminal.json(&["models", "--search", "OWL", "--json"]).await?;
    let row = &searched["rows"][0];
    assert_eq!((&row["kind"], &row["name"]), (&json!("Run"), &json!("patient-owl")), "{searched:#}");
    assert_eq!(row["at"]["Version"]["number"], 1, "{searched:#}");
    let nothing = terminal.call(&["models", "--search", "nobody"]).await?;
    assert!(nothing.code == 0 && nothing.out.contains("Nothing that is known"), "{nothing:?}");
    assert!(nothing.err.contains("Looked through registry: 2 models"), "{nothing:?}");
    let fits = ["preflight", "--model", "chat/2", "--gpu", "NVIDIA-H100-80GB-HBM3", "--", "vllm", "serve"];
    let fits = terminal.good(&fits).await?;
    assert!(fits.starts_with("It fits: vLLM on 1 GPU"), "{fits}");
    let wrong = terminal.call(&["runs", "--filter", "metrics.auc >"]).await?;
    assert!(wrong.code == 1 && wrong.err.contains("Invalid"), "{wrong:?}");

    let mut watch = terminal.watch(&["models"])?;
    watch.until("it is followed", LIMIT, |said| (rows(said, "models").len() == 2).then_some(())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_registry_the_screen_says_what_it_would_show_and_one_that_is_lost_says_so() -> Result<()> {
    let site = Site::start().await?;
    let empty = Terminal::new(Path::new(""))?;
    // A server that is not there: its registry is not known.
    empty.call(&["connect", "add", "mlflow", "--name", "gone", "--url", "http://127.0.0.1:9"]).await?;
    let (door, address) = empty.serve(&[]).await?;
    let page = Page::browser((1_440, 900), &address).await?;
    page.press("rail-models").await?;
    page.reads_as("[data-test='empty']", |text| text.contains("No registered models"), "says what stands here").await?;
    page.press("models-connect").await?;
    page.reads_as("[data-test='connections']", |text| text.contains("gone refused the connection"), "says why").await?;
    drop(door);
    page.close().await?;

    let Site { mut server, terminal, .. } = site;
    let (door, address) = terminal.serve(&[]).await?;
    let page = Page::browser((1_440, 900), &address).await?;
    page.press("rail-models").await?;
    page.press_by("[data-test='model'][data-key='registry/chat']").await?;
    page.find("metrics").await?;
    server.kill();
    let lost = |text: &str| text.contains("lost");
    page.reads_as("[data-test='model-page'] .card-head", lost, "says that its registry is lost").await?;
    // What it said last stays; what is asked of it now says why there is no answer.
    page.press_by("[data-test='version'][data-key='1']").await?;
    page.reads_as("[data-test='run']", |text| text.contains("refused the connection"), "says why").await?;
    drop(door);
    page.close().await
}

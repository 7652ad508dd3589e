//! From a candidate in the registry to a comparison with what serves now, by one press: what is known is filled in, what nobody
//! tells is asked for by its name, and the comparison runs.

use acceptance::mlflow::Trained;
use acceptance::truth::{Script, Times};
use acceptance::{ControlPlane, GpuNodes, Mlflow, Options, Page, Result, Terminal, Truth};
use serde_json::json;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

fn deployment() -> String {
    let container = json!({
        "name": "server", "image": "registry.invalid/models/server:1",
        "env": [{ "name": "MODEL_URI", "value": "models:/chat/1" }],
        "resources": { "limits": { "nvidia.com/gpu": "1" } },
    });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "chat", "namespace": "default" },
        "spec": {
            "replicas": 1, "selector": { "matchLabels": { "app": "chat" } },
            "template": {
                "metadata": { "labels": { "app": "chat" } },
                "spec": { "terminationGracePeriodSeconds": 0, "containers": [container] },
            },
        },
    })
    .to_string()
}

async fn typed(page: &Page, field: &str) -> Result<String> {
    let value = page.ask(&format!("return document.querySelector(\"[data-test='field-{field}']\").value")).await?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_leads_from_a_version_to_its_comparison_with_what_serves() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("candidate", 1, 8), LIMIT).await?;
    plane.apply(&deployment()).await?;
    plane.kubectl(&["wait", "--for=condition=Available", "deployment/chat", "--timeout=90s"]).await?;
    let server = Mlflow::start().await?;
    let experiment = server.experiment("chat").await?;
    server.model("chat").await?;
    for name in ["first", "second"] {
        let run = server.run(&experiment, Trained { name, ..Trained::default() }).await?;
        server.version("chat", &experiment, &run).await?;
    }
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    terminal.good(&["connect", "add", "mlflow", "--name", "registry", "--url", &server.url()]).await?;

    let page = Page::window((1_440, 900), &terminal.environment()).await?;
    page.press("rail-models").await?;
    page.press_by("[data-test='model'][data-key='registry/chat']").await?;
    // It serves as version 1; the newest, 2, is the candidate.
    page.press_by("[data-test='version'][data-key='1'] td:first-child").await?;
    page.reads_as("[data-test='serves']", |text| text.contains("chat"), "says where it serves").await?;
    page.press_by("[data-test='version'][data-key='2'] td:first-child").await?;
    page.reads_as("[data-test='serves']", |text| text.contains("No pod that is read"), "is no longer asked for")
        .await?;
    page.press("version-bench").await?;

    let said = |text: &str| {
        text.contains("Candidate: chat/2, its files are at") && text.contains("version 1, 1 of 1 pods ready")
    };
    page.reads_as("[data-test='bench-from']", said, "says who is compared").await?;
    assert_eq!(typed(&page, "version").await?, "chat/2");
    assert_eq!(typed(&page, "url").await?, "service:default/chat:@admin");
    // The model's name in the registry is none that a server surely goes by.
    assert_eq!(typed(&page, "model").await?, "");
    let start = "[data-test='bench-start']";
    page.reads_as(start, |text| text.contains("Target's model is needed"), "asks for the model").await?;
    page.fill("field-model", "chat").await?;
    page.reads_as(
        start,
        |text| text.contains("Target's address cannot be service:default/chat:@admin"),
        "asks for a port",
    )
    .await?;

    // No container of this cluster runs, so that servers of ours stand in for both.
    let quick = Times::Fixed(Duration::from_millis(5));
    let now = Truth::start(Script { ttft: quick, ..Script::quick() }).await?;
    let next = Truth::start(Script { ttft: quick, ..Script::quick() }).await?;
    for (field, text) in [("url", now.url()), ("concurrency", "2".into()), ("requests", "20".into())] {
        page.fill(&format!("field-{field}"), &text).await?;
    }
    page.reads_as(start, |text| text.contains("Candidate's address is needed"), "never runs one alone").await?;
    for (field, text) in [("against", next.url()), ("output", "2".into()), ("pairs", "6".into())] {
        page.fill(&format!("field-{field}"), &text).await?;
    }
    page.press_by("[data-test='bench-start'][aria-disabled='false']").await?;
    page.reads_as("[data-test='bench-kept'] tbody tr", |text| text.contains("chat-2"), "is named after the version")
        .await?;
    page.gone("[data-test='bench-going']").await?;

    // What is kept is narrowed by words, and handed on as it is.
    page.fill("bench-filter", "nothing-like-it").await?;
    page.gone("[data-test='bench-kept'] tbody tr").await?;
    page.fill("bench-filter", "chat-2").await?;
    page.press_by("[data-test='bench-kept'] tbody tr button").await?;
    page.reads_as("[data-test='bench-page']", |text| text.contains("chat-2"), "is its page").await?;
    for (button, suffix) in [("bench-svg", ".svg"), ("bench-csv", ".csv"), ("bench-json", ".json")] {
        page.press(button).await?;
        page.reads_as(".toasts", |text| text.contains(suffix) && text.contains("saved"), "is saved").await?;
    }
    page.key("e").await?;
    page.reads_as(".toasts", |text| text.contains(".html"), "is saved by a key").await?;
    page.close().await
}

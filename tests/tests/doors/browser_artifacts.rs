//! Repositories, tags and artefacts as a person meets them in headless Chromium, with one search over them and over registered
//! models; before a real registry and a real MLflow. What the terminal says of the same stands beside it.

use std::path::Path;

use acceptance::mlflow::Trained;
use acceptance::registry::{Content, Descriptor, tag};
use acceptance::{Context, Mlflow, Page, Registry, Result, Terminal};
use thirtyfour::Key;

/// Tags of a repository: more than are watched, and more than two pages.
const MANY: usize = 230;
const CHAT: &str = "[data-test='repository'][data-key='repository:models/models%2Fchat']";
/// Dimensions that published models of eight billion weights have.
const LLAMA: &str = r#"{
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
    "intermediate_size": 14336, "vocab_size": 128256, "torch_dtype": "bfloat16", "max_position_embeddings": 8192,
    "tie_word_embeddings": false
}"#;

fn pack(precision: &str, weights: &str) -> Content {
    let config = Descriptor::file("application/vnd.cncf.model.weight.config.v1.raw", "config.json", LLAMA);
    Content::model_pack(precision, weights).layer(config)
}

/// Both registries, and a home that is connected to them.
struct Site {
    registry: Registry,
    _models: Mlflow,
    terminal: Terminal,
    /// The digests of `v1` and `v2`.
    digests: [String; 2],
}

impl Site {
    async fn start() -> Result<Self> {
        let (registry, models) = (Registry::start().await?, Mlflow::start().await?);
        let first = registry.push("models/chat", "v1", &pack("bf16", "weights of one")).await?;
        let second = registry.push("models/chat", "v2", &pack("fp8", "weights of two")).await?;
        registry.refer("models/chat", &first, "application/spdx+json").await?;
        registry.push_index("models/chat", "both", &[(&first, "amd64"), (&second, "arm64")]).await?;
        registry.push_tags("team/many", MANY).await?;
        let experiment = models.experiment("chat-tuning").await?;
        let run = models.run(&experiment, Trained { name: "brisk-fox", ..Trained::default() }).await?;
        models.model("chat").await?;
        models.version("chat", &experiment, &run).await?;
        let terminal = Terminal::new(Path::new(""))?;
        let add = async |kind: &str, name: &str, url: &str| {
            terminal.good(&["connect", "add", kind, "--name", name, "--url", url]).await
        };
        add("oci", "models", &registry.url()).await?;
        add("mlflow", "registry", &models.url()).await?;
        Ok(Self { registry, _models: models, terminal, digests: [first, second] })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_looks_through_repositories_and_finds_a_word_in_all_registries() -> Result<()> {
    let mut site = Site::start().await?;
    let (door, address) = site.terminal.serve(&[]).await?;
    let page = Page::browser((1_440, 900), &address).await?;
    page.press("rail-models").await?;
    page.find_by("[data-test='model'][data-key='registry/chat']").await?;
    page.press_by(CHAT).await?;
    let short = &site.digests[0][..19];
    page.reads_as(
        "[data-test='tag'][data-key='v1']",
        |text| text.contains(short) && text.contains("ModelPack"),
        "stands at its digest",
    )
    .await?;
    page.reads_as("[data-test='serves']", |text| text.contains("No pod that is read"), "says that nothing runs it")
        .await?;
    page.press_by("[data-test='tag'][data-key='v1']").await?;
    an_artefact_is_told_in_full(&page, &site).await?;
    two_are_compared(&page).await?;
    tags_come_page_by_page(&page).await?;
    one_search_is_over_all(&page).await?;
    the_terminal_says_the_same(&site.terminal).await?;

    // What its registry said last stays, and what is asked of it now says why there is no answer.
    page.fill("models-filter", "").await?;
    page.press_by(CHAT).await?;
    site.registry.kill();
    page.reads_as("[data-test='model-page'] .card-head", |text| text.contains("lost"), "says that it is lost").await?;
    page.press_by("[data-test='tag'][data-key='v2']").await?;
    page.reads_as("[data-test='problem']", |text| text.contains("models refused the connection"), "says why").await?;
    drop(door);
    page.close().await
}

async fn an_artefact_is_told_in_full(page: &Page, site: &Site) -> Result<()> {
    let field = |label: &str| format!("[data-test='artifact-field'][data-key='{label}']");
    page.reads_as(&field("Digest"), |text| text.contains(&site.digests[0]), "has its digest").await?;
    let pull = format!("{}/models/chat:v1", site.registry.host());
    page.reads_as(&field("Pull by tag"), |text| text.contains(&pull), "can be pulled").await?;
    page.reads_as(&field("Manifest"), |text| text.starts_with("OCI manifest"), "is told in words").await?;
    page.reads_as("[data-test='artifact-config']", |text| text.contains("bf16") && text.contains("llama3"), "is read")
        .await?;
    // What is shown in words or digits can be read and copied whole.
    page.find_by("[data-test='artifact-config'] [data-test='said'] .icon-button").await?;
    page.find_by("[data-test='artifact-field'][data-key='Size'] [title$=' B']").await?;
    page.find_by("[data-test='layer'] [title='Copy the type']").await?;
    page.reads_as(
        "[data-test='layers']",
        |text| text.contains("model.safetensors") && text.contains("weights") && text.contains("config.json"),
        "has layers in words",
    )
    .await?;
    page.reads_as(
        "[data-test='referrers']",
        |text| text.contains("SBOM, SPDX") && text.contains("no API of referrers"),
        "says what refers to it, and how that is known",
    )
    .await?;
    // Would it fit? Nothing serves it, so that a person says where.
    page.press("fits-ask").await?;
    page.fill("fits-gpu", "NVIDIA-H100-80GB-HBM3").await?;
    page.press("fits-again").await?;
    page.reads_as("[data-test='fits-said']", |text| text.contains("It fits"), "says that it fits").await?;
    page.reads_as("[data-test='fits-rests']", |text| text.contains("config.json in models/chat:v1"), "says by what")
        .await?;
    // An index leads to its manifests.
    page.press("artifact-repository").await?;
    page.press_by("[data-test='tag'][data-key='both']").await?;
    page.reads_as("[data-test='layers']", |text| text.contains("linux/amd64"), "has its platforms").await?;
    page.press_by(&format!("[data-test='layer'][data-key='{}'] [data-test='part-open']", site.digests[0])).await?;
    page.find_by(&format!("[data-test='artifact-page'][data-key='{}']", site.digests[0])).await.map(drop)
}

async fn two_are_compared(page: &Page) -> Result<()> {
    page.press_by("[data-test='compare-with'][data-key='v2']").await?;
    page.reads_as(
        "[data-test='compared'][data-key='Precision']",
        |text| text.contains("fp8") && text.contains("bf16"),
        "differ",
    )
    .await?;
    page.reads_as("[data-test='shared']", |text| text.contains("of layers are in both"), "says what is shared").await?;
    // The address leads back to it.
    page.reload().await?;
    page.find_by("[data-test='compared'][data-key='Precision']").await.map(drop)
}

async fn tags_come_page_by_page(page: &Page) -> Result<()> {
    page.press_by("[data-test='repository'][data-key='repository:models/team%2Fmany']").await?;
    let one = |number: usize| format!("[data-test='tag'][data-key='{}']", tag(number));
    page.reads_as("[data-test='tags-told']", |text| text.contains("The first 100 tags."), "says how many").await?;
    page.find_by(&one(99)).await?;
    page.gone(&one(100)).await?;
    for _ in 0..2 {
        page.press("tags-more").await?;
    }
    page.reads_as("[data-test='tags-told']", |text| text.contains("230 tags: these are all."), "says that it is all")
        .await?;
    page.find_by(&one(MANY - 1)).await?;
    page.gone("[data-test='tags-more']").await
}

async fn one_search_is_over_all(page: &Page) -> Result<()> {
    page.fill("models-filter", "v2").await?;
    let found = |place: &str| format!("[data-test='found'][data-key='{place}']");
    let artefact = found("artifact:models/models%2Fchat/v2");
    page.reads_as(&artefact, |text| text.contains("models/chat:v2") && text.contains("ModelPack"), "is found").await?;
    let not = |text: &str| text.contains("Not all tags of team/many are watched.");
    page.reads_as("[data-test='searched']", not, "says what was not looked through").await?;
    page.fill("models-filter", "fox").await?;
    page.reads_as(&found("registry/chat/1"), |text| text.contains("brisk-fox"), "is found in the other registry")
        .await?;
    page.gone(&artefact).await?;
    let at = page.driver().active_element().await.could_not("find the caret")?;
    // The page that is open is not in the list any more: what is opened is what stands there.
    at.send_keys(Key::Enter).await.could_not("open it")?;
    page.reads_as("[data-test='version-page']", |text| text.contains("Version 1"), "is opened by keys").await.map(drop)
}

async fn the_terminal_says_the_same(terminal: &Terminal) -> Result<()> {
    let found = terminal.call(&["models", "--search", "v2"]).await?;
    assert!(found.code == 0 && found.out.contains("models/chat:v2"), "{found:?}");
    assert!(found.err.contains("Not all tags of team/many are watched."), "{found:?}");
    let gpu = ["--gpu", "NVIDIA-H100-80GB-HBM3", "--gpus-a-node", "8"];
    let fits =
        [&["preflight", "--artifact", "models/chat:v1"][..], &gpu, &["--", "vllm", "serve", "-tp", "2"]].concat();
    let fits = terminal.call(&fits).await?;
    assert!(fits.code == 0 && fits.out.starts_with("It fits: vLLM on 2 GPUs"), "{fits:?}");
    let many = terminal.call(&["preflight", "--artifact", "team/many:v00000"]).await?;
    assert!(many.code == 1 && many.err.contains("no configuration of a model that can be read alone"), "{many:?}");
    Ok(())
}

//! What a GPU does, seen in both doors that have a picture: a real cluster, exporters whose GPUs follow its pods, a real
//! Prometheus. One story for the window and for headless Chromium: a person sees the same in both.

use crate::telemetry_site::{Plan, Site};
use acceptance::exporter::{Engine, EngineKind};
use acceptance::{Context, Page, Result, until};
use std::time::Duration;
use thirtyfour::Key;

const SIZE: (u32, u32) = (1440, 900);
const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_person_finds_a_gpu_with_an_xid_its_pod_and_what_to_do_and_hands_the_address_on() -> Result<()> {
    let story = Story::begin("seen").await?;
    // The ribbon draws an hour in steps of twelve seconds: some of them have to lie before this door.
    until("there is a past", LIMIT, async || {
        let long = story.site.prometheus.query("count_over_time(DCGM_FI_DEV_GPU_TEMP[5m]) >= 40").await?;
        Ok((!long.is_empty()).then_some(()))
    })
    .await?;
    let (door, address) = story.site.terminal.serve(&[]).await?;
    let page = Page::browser(SIZE, &address).await?;
    story.the_gpu_is_found(&page).await?;

    // The address is all that another person needs.
    let driver = page.driver();
    let there = driver.current_url().await.could_not("read the address")?;
    driver.goto("about:blank").await.could_not("leave")?;
    driver.goto(there.as_str()).await.could_not("open the address")?;
    story.is_told(&page).await?;
    story.the_funnel_leads_to_gpus(&page).await?;

    // How busy GPUs were before this door was there is a line of its own before that of now.
    page.find_by("[data-test='lane-rebuilt']").await?;
    page.find_by(".lane-name[title^='GPU activity, metrics. Dashed: reconstructed']").await?;
    drop(door);
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_tells_the_same_and_an_address_that_is_copied_there_opens_in_the_browser() -> Result<()> {
    let story = Story::begin("window").await?;
    let window = Page::window(SIZE, &story.site.terminal.environment()).await?;
    story.the_gpu_is_found(&window).await?;
    let copied = copied(&window).await?;
    assert!(copied.starts_with("pilothouse:/fleet?"), "{copied}");

    let (door, address) = story.site.terminal.serve(&[]).await?;
    let browser = Page::browser(SIZE, &address).await?;
    browser.find("funnel").await?;
    paste(&browser, &copied).await?;
    story.is_told(&browser).await?;

    // And back: the window opens what the browser copied.
    let copied = self::copied(&browser).await?;
    assert!(copied.starts_with("http://127.0.0.1:"), "{copied}");
    window.press("inspector-close").await?;
    window.gone("[data-test='inspector']").await?;
    paste(&window, &copied).await?;
    story.is_told(&window).await?;
    story.the_funnel_leads_to_gpus(&window).await?;
    drop(door);
    browser.close().await?;
    window.close().await
}

/// A GPU that is hot and has an XID, and the pod that holds it and serves a model.
struct Story {
    site: Site,
    key: String,
    pod: String,
}

impl Story {
    async fn begin(pool: &str) -> Result<Self> {
        let plan = Plan { nodes: 2, pods: vec![("chat", 1, 8)], jobs: &["dcgm", "engines"] };
        let site = Site::start(pool, &plan).await?;
        let ((node, gpu), pod) = site.held().into_iter().next().unwrap();
        let number = (0..2).find(|number| site.node(*number) == node).unwrap();
        let index = usize::try_from(gpu).unwrap();
        let faults = [("DCGM_FI_DEV_XID_ERRORS", 79.0), ("DCGM_FI_DEV_GPU_TEMP", 93.0)];
        site.change_gpu(number, index, |gpu| gpu.values.extend(faults.map(|(name, value)| (name.to_owned(), value))));
        let engine = Engine { running: 7.0, ..Engine::new(EngineKind::Vllm, "llama-70b") };
        site.exporters.change(|pages| pages.engines.insert(pod.clone(), engine));
        site.prometheus.set_targets("engines", &[site.exporters.engine_target(&site.namespace, &pod)])?;
        Ok(Self { site, key: format!("gpu:admin/{node}/{gpu}"), pod })
    }

    /// A filter leads to the GPU; it is chosen, and the inspector tells of it.
    async fn the_gpu_is_found(&self, page: &Page) -> Result<()> {
        page.press("tab-gpus").await?;
        page.fill("table-filter", "xid=79 temp>90").await?;
        let row = format!("[data-test='row'][data-key='{}']", self.key);
        page.press_by(&row).await?;
        self.is_told(page).await?;
        self.its_pod_serves(page).await?;
        page.press_by(&row).await?;
        self.is_told(page).await
    }

    /// From the GPU to its pod, and what that one's engine says.
    async fn its_pod_serves(&self, page: &Page) -> Result<()> {
        let press = format!(
            "const links = [...document.querySelectorAll('.inspector .fields .link')];
             const pod = links.find(link => link.title.startsWith('{}'));
             if (pod) pod.click();
             return Boolean(pod)",
            self.pod
        );
        assert_eq!(page.ask(&press).await?, true, "its pod is no link");
        let pod = format!("pod:admin/{}/{}", self.site.namespace, self.pod);
        page.find_by(&format!("[data-test='inspector'][data-key='{pod}']")).await?;
        let engine = |text: &str| text.contains("vLLM") && text.contains("llama-70b");
        page.reads_as("[data-test='serving']", engine, "names the engine and the model").await?;
        page.reads_as("[data-test='serving-value'][data-key='running']", |text| text == "7", "says what it does")
            .await?;
        Ok(())
    }

    /// The inspector tells what is wrong, who is hit, what to do, and what is measured.
    async fn is_told(&self, page: &Page) -> Result<()> {
        page.find_by(&format!("[data-test='inspector'][data-key='{}']", self.key)).await?;
        let told = |text: &str| {
            text.contains("met XID 79 (GPU has fallen off the bus)")
                && text.contains("It hits 1 GPU and 1 pod")
                && text.contains("Cordon and drain the node, then power-cycle the machine.")
        };
        page.reads_as("[data-test='finding']", told, "names the XID, who is hit, and what to do").await?;
        page.reads_as(".finding-command", |text| text.contains("kubectl"), "has a command for it").await?;
        // What is wrong stands above what is only around it.
        let above = "const of = selector => document.querySelector(selector)?.getBoundingClientRect();
            const beside = [...document.querySelectorAll('.inspector h3')].find(head => head.innerText === 'Beside it');
            const finding = of(\"[data-test='finding']\");
            return Boolean(beside && finding && finding.bottom <= beside.getBoundingClientRect().top)";
        assert_eq!(page.ask(above).await?, true, "the finding stands below the neighbours");
        page.reads_as("[data-test='inspector']", |text| text.contains(&self.pod), "names the pod").await?;
        page.reads_as("[data-test='gauge'][data-key='tensor']", |text| text.contains("34"), "says what it does")
            .await?;
        Ok(())
    }

    /// The funnel leads to the GPUs that nobody holds.
    async fn the_funnel_leads_to_gpus(&self, page: &Page) -> Result<()> {
        page.press_by(".funnel-column:nth-of-type(3)").await?;
        page.reads_as("[data-test='table-count']", |text| text.contains(" of "), "counts the GPUs").await?;
        page.find_by("[data-test='row'][data-key^='gpu:']").await?;
        Ok(())
    }
}

/// Presses the key that copies the address, and reads what was copied by pasting it into a field.
async fn copied(page: &Page) -> Result<String> {
    // While the caret is in the table or nowhere, the key copies the row.
    page.find_by(".inspector-body").await?.focus().await.could_not("give the inspector the caret")?;
    page.chord("c").await?;
    page.press("search").await?;
    let field = page.find("palette-input").await?;
    field.send_keys(Key::Control + "v").await.could_not("paste into a field")?;
    let copied = field.prop("value").await.could_not("read a field")?.unwrap_or_default();
    page.key(Key::Escape).await?;
    page.gone("[data-test='palette-input']").await?;
    Ok(copied)
}

/// Pastes a text on the page, as a person does who has it on the clipboard.
async fn paste(page: &Page, text: &str) -> Result<()> {
    page.press("search").await?;
    page.fill("palette-input", text).await?;
    let field = page.find("palette-input").await?;
    field.send_keys(Key::Control + "a").await.could_not("select a field's text")?;
    field.send_keys(Key::Control + "x").await.could_not("cut a field's text")?;
    page.key(Key::Escape).await?;
    page.gone("[data-test='palette-input']").await?;
    page.chord("v").await
}

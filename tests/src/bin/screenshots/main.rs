//! Pictures of the built program for the README: `cargo xtask screenshots`. The browser door on the demo fleet.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use acceptance::{Context, Failure, Page, Process, Result, Terminal};
use serde_json::{Value, json};
use thirtyfour::Key;

/// GPUs of the demo fleet, as they are written.
const ALL: &str = "4,096";
const WIDE: (u32, u32) = (1440, 900);
const NARROW: (u32, u32) = (1024, 700);
const WALL: (u32, u32) = (1920, 1080);
/// Larger pictures make a repository that nobody likes to clone.
const LARGEST: u64 = 250_000;

#[tokio::main]
async fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("docs/screenshots"), PathBuf::from);
    match Album::open(&folder).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "{failure}");
            ExitCode::FAILURE
        }
    }
}

/// The pictures, and the page that they are of.
struct Album<'a> {
    page: Page,
    folder: &'a Path,
}

impl<'a> Album<'a> {
    async fn open(folder: &'a Path) -> Result<()> {
        std::fs::create_dir_all(folder).could_not(format!("make {}", folder.display()))?;
        let terminal = Terminal::holding(&contexts().to_string())?;
        let (_door, address): (Process, String) = terminal.serve(&["--demo"]).await?;
        let album = Self { page: Page::browser(WIDE, &address).await?, folder };
        album.page.resize(WIDE).await?;
        // Keys are heard once the interface is there.
        album.whole_fleet().await?;
        album.theme("dark").await?;
        album.fleet().await?;
        album.inspector().await?;
        album.pending().await?;
        album.palette().await?;
        album.delivery().await?;
        album.models().await?;
        album.settings().await?;
        album.connections().await?;
        album.theme("light").await?;
        album.page.press("rail-fleet").await?;
        album.whole_fleet().await?;
        album.take("fleet-light").await?;
        album.theme("dark").await?;
        album.past().await?;
        album.page.resize(NARROW).await?;
        album.take("fleet-1024").await?;
        let (_wall, address): (Process, String) = terminal.serve(&["--demo", "--wall"]).await?;
        album.wall(&address).await?;
        album.page.close().await
    }

    /// A wall that is calm, and one that is not.
    async fn wall(&self, address: &str) -> Result<()> {
        let (wall, code) = address.split_once('#').ok_or_else(|| Failure::new("an address without a code"))?;
        for (scope, state, name) in [("fra-train", "calm", "wall-calm"), ("ord-prod", "trouble", "wall-trouble")] {
            let pinned = format!("{wall}?scope={scope}#{code}");
            self.page.driver().goto(&pinned).await.could_not("open the wall")?;
            self.page.resize(WALL).await?;
            self.page.find_by(&format!("[data-test='wall'][data-state='{state}']")).await?;
            self.take(name).await?;
        }
        Ok(())
    }

    async fn fleet(&self) -> Result<()> {
        self.whole_fleet().await?;
        self.take("fleet-dark").await
    }

    /// A GPU that is not well has most to tell.
    async fn inspector(&self) -> Result<()> {
        self.page.press("tab-gpus").await?;
        self.page.fill("table-filter", "state=held status!=ok power>0").await?;
        self.page.press_by("[data-test='row'][data-key^='gpu:']").await?;
        self.page.find("inspector").await?;
        self.page.find("measured").await?;
        self.take("inspector").await?;
        self.page.fill("table-filter", "").await?;
        self.page.press("tab-nodes").await?;
        self.page.press("inspector-close").await?;
        self.page.gone("[data-test='inspector']").await
    }

    /// Why pods wait.
    async fn pending(&self) -> Result<()> {
        self.page.press("tab-pending").await?;
        self.page.find_by("[data-test='row'][data-key^='pod:']").await?;
        self.take("pending").await?;
        self.page.press("tab-nodes").await
    }

    async fn palette(&self) -> Result<()> {
        self.key(Key::Control + "k").await?;
        self.page.fill("palette-input", "chat").await?;
        self.page.find("palette-row").await?;
        self.take("palette").await?;
        self.key(Key::Escape + "").await
    }

    /// Services on their way, and the page of one whose canary failed.
    async fn delivery(&self) -> Result<()> {
        self.page.press("rail-delivery").await?;
        let row = "[data-test='row'][data-key='workload:iad-prod/serving/Rollout/rerank']";
        self.page.find_by(row).await?;
        self.take("delivery").await?;
        self.page.press_by(row).await?;
        self.page.find("rollout-head").await?;
        self.take("rollout").await
    }

    /// A model of the demo's registry, with where its newest version serves and whether it fits.
    async fn models(&self) -> Result<()> {
        self.page.press("rail-models").await?;
        self.page.press_by("[data-test='model'][data-key='model-registry/chat-70b']").await?;
        self.page.press_by("[data-test='version'][data-key='41']").await?;
        self.page.find("serves-row").await?;
        self.page.find("metrics").await?;
        self.take("models").await
    }

    async fn settings(&self) -> Result<()> {
        self.page.press("rail-settings").await?;
        self.take("settings").await
    }

    async fn connections(&self) -> Result<()> {
        self.page.press("rail-connections").await?;
        self.page.find("connections").await?;
        self.take("connections").await
    }

    /// A time that was recorded since the door was opened.
    async fn past(&self) -> Result<()> {
        self.key(Key::Control + "k").await?;
        self.page.fill("palette-input", ":-6s").await?;
        self.key(Key::Enter + "").await?;
        self.page.find("past").await?;
        self.page.gone("[data-test='past'][data-turning]").await?;
        for _ in 0..4 {
            self.key("+").await?;
        }
        self.whole_fleet().await?;
        self.take("fleet-past-dark").await?;
        self.key("n").await?;
        self.page.gone("[data-test='past']").await
    }

    async fn whole_fleet(&self) -> Result<()> {
        self.page.reads_as("[data-test='funnel']", |text| text.contains(ALL), "counts all GPUs").await.map(drop)
    }

    /// Presses a key on the page, wherever the caret is.
    async fn key(&self, keys: impl Into<thirtyfour::TypingData>) -> Result<()> {
        let at = self.page.driver().active_element().await.could_not("find where the caret is")?;
        at.send_keys(keys).await.could_not("press a key")
    }

    /// Turns the theme with its key until it is the wanted one.
    async fn theme(&self, wanted: &str) -> Result<()> {
        for _ in 0..2 {
            if self.page.ask("return document.documentElement.dataset.theme").await? == wanted {
                return Ok(());
            }
            self.key(Key::Control + Key::Shift + "t").await?;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        Err(Failure::new(format!("the theme does not turn {wanted}")))
    }

    async fn take(&self, name: &str) -> Result<()> {
        // Transitions end, and canvases are drawn.
        tokio::time::sleep(Duration::from_millis(800)).await;
        let path = self.folder.join(format!("{name}.png"));
        self.page.picture(&path).await?;
        let size = path.metadata().could_not(format!("read {}", path.display()))?.len();
        let note = if size > LARGEST { "; larger than is good for a repository" } else { "" };
        let _ = writeln!(std::io::stdout(), "{} ({} kB{note})", path.display(), size / 1_000);
        Ok(())
    }
}

/// A kubeconfig as people have it: contexts that are found, and that nobody contacts.
fn contexts() -> Value {
    let names = ["lab", "staging-eu"];
    let clusters = names.map(|name| {
        let server = format!("https://{name}.example.com:6443");
        json!({ "name": name, "cluster": { "server": server } })
    });
    let users = names.map(|name| json!({ "name": name, "user": { "token": "none" } }));
    let contexts = names.map(|name| json!({ "name": name, "context": { "cluster": name, "user": name } }));
    json!({ "apiVersion": "v1", "kind": "Config", "clusters": clusters, "users": users, "contexts": contexts })
}

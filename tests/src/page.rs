//! A real window or a real browser, driven over WebDriver: what a person would find, press and read.

use crate::api::plain;
use crate::desktop::Desktop;
use crate::failure::{Context, Failure, Result};
use crate::process::{Den, Process};
use crate::{ports, until};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use thirtyfour::prelude::{By, WebDriver, WebElement};
use thirtyfour::{Capabilities, Key, TypingData};

/// How long anything on a page may take to be there.
const LIMIT: Duration = Duration::from_secs(60);

/// A page of Pilothouse, in its window or in a browser.
pub struct Page {
    driver: WebDriver,
    /// The port of its driver.
    port: u16,
    den: Arc<Den>,
    processes: Vec<Process>,
}

/// The programs that were built for this run.
///
/// # Errors
/// If they are not where the run says.
pub fn program(name: &str) -> Result<PathBuf> {
    let folder = std::env::var_os("PILOTHOUSE_BIN")
        .map(PathBuf::from)
        .or_else(|| Some(std::env::current_exe().ok()?.parent()?.parent()?.to_owned()))
        .ok_or_else(|| Failure::new("there is no folder with the built programs"))?;
    let path = folder.join(name);
    if path.is_file() { Ok(path) } else { Err(Failure::new(format!("{} is not built; run ./test", path.display()))) }
}

impl Page {
    /// Opens the window under a display of its own, with a session bus of its own.
    ///
    /// # Errors
    /// If the display, the driver or the window cannot start.
    pub async fn window(size: (u32, u32), environment: &[(&str, &Path)]) -> Result<Self> {
        Self::window_with(size, environment, &[]).await
    }

    /// The same, called with these arguments.
    ///
    /// # Errors
    /// As [`Page::window`].
    pub async fn window_with(size: (u32, u32), environment: &[(&str, &Path)], arguments: &[&str]) -> Result<Self> {
        let den = Den::new()?;
        let (display, xvfb) = display(&den, size).await?;
        let mut command = Command::new("dbus-run-session");
        command.args(["--", "WebKitWebDriver"]).env("DISPLAY", &display);
        let mut page = Self::driven(den, command, environment, arguments).await?;
        page.processes.push(xvfb);
        Ok(page)
    }

    /// Opens the window on a desktop that is there.
    ///
    /// # Errors
    /// If the driver or the window cannot start.
    pub async fn window_on(desktop: &Desktop, environment: &[(&str, &Path)]) -> Result<Self> {
        let mut command = Command::new("WebKitWebDriver");
        command.envs(desktop.environment());
        Self::driven(Den::new()?, command, environment, &[]).await
    }

    /// Opens the window by a driver that is started with this command.
    async fn driven(
        den: Arc<Den>,
        mut command: Command,
        environment: &[(&str, &Path)],
        arguments: &[&str],
    ) -> Result<Self> {
        let port = ports::free()?;
        command.arg(format!("--port={port}"));
        // Without these two the driver never gets a session out of the program.
        command.env("TAURI_AUTOMATION", "true").env("TAURI_WEBVIEW_AUTOMATION", "true");
        command.env("GDK_BACKEND", "x11").envs(environment.iter().copied());
        command.env("HOME", den.folder()).env_remove("WAYLAND_DISPLAY");
        let driver_process = Process::start(&den, "webkit-driver", command)?;
        let app = program("pilothouse-desktop")?;
        let options = serde_json::json!({ "webkitgtk:browserOptions": { "binary": app, "args": arguments } });
        let driver = session(port, options, &driver_process).await?;
        Ok(Self { driver, port, den, processes: vec![driver_process] })
    }

    /// Connects a server that was found inside of a cluster, by one press on the Connections screen, and waits until it is
    /// live.
    ///
    /// # Errors
    /// If it is not offered there with where it is, or does not become live.
    pub async fn connect_inside(&self, name: &str, service: &str) -> Result<()> {
        self.press("rail-connections").await?;
        let offer = format!("[data-test='inside-{name}']");
        self.reads_as(&offer, |text| text.contains(service), "says where it is").await?;
        self.press_by(&format!("{offer} button")).await?;
        self.find(&format!("connection-row-{name}")).await?;
        self.gone(&offer).await?;
        self.press("rail-fleet").await?;
        self.find_by(&format!("[data-test='chip-{name}'][data-state='live']")).await.map(drop)
    }

    /// Opens an address in headless Chromium.
    ///
    /// # Errors
    /// If the browser cannot start or the address cannot be opened.
    pub async fn browser(size: (u32, u32), address: &str) -> Result<Self> {
        let den = Den::new()?;
        let port = ports::free()?;
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).env("HOME", den.folder());
        let driver_process = Process::start(&den, "chromedriver", command)?;
        let profile = format!("--user-data-dir={}", den.folder().join("profile").display());
        let window = format!("--window-size={},{}", size.0, size.1);
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            &profile,
            &window,
        ];
        let options = serde_json::json!({
            "goog:chromeOptions": { "args": arguments, "binary": "/usr/bin/chromium" },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let driver = session(port, options, &driver_process).await?;
        driver.goto(address).await.could_not("open the address")?;
        Ok(Self { driver, port, den, processes: vec![driver_process] })
    }

    /// The driver itself, for what has no word here.
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// The element with this `data-test` hook, once it is there.
    ///
    /// # Errors
    /// If it does not come; the page's text is in the message.
    pub async fn find(&self, hook: &str) -> Result<WebElement> {
        self.find_by(&format!("[data-test='{hook}']")).await
    }

    /// The first element that a CSS selector finds, once it is there.
    ///
    /// # Errors
    /// If it does not come; the page's text is in the message.
    pub async fn find_by(&self, css: &str) -> Result<WebElement> {
        let what = format!("{css} is on the page");
        let found = until(&what, LIMIT, async || Ok(self.driver.find(By::Css(css)).await.ok()));
        match found.await {
            Ok(element) => Ok(element),
            Err(failure) => Err(Failure::new(format!("{failure}\nThe page reads:\n{}", self.reads().await))),
        }
    }

    /// Presses the element with this hook, once it can be pressed.
    ///
    /// # Errors
    /// If it does not come or cannot be pressed.
    pub async fn press(&self, hook: &str) -> Result<()> {
        self.press_by(&format!("[data-test='{hook}']")).await
    }

    /// Presses the first element that a CSS selector finds, once it can be pressed.
    ///
    /// # Errors
    /// If it does not come or cannot be pressed.
    pub async fn press_by(&self, css: &str) -> Result<()> {
        let (what, mut last) = (format!("{css} can be pressed"), String::new());
        let pressed = until(&what, LIMIT, async || {
            // An element may be drawn anew between being found and being pressed.
            let outcome = match self.driver.find(By::Css(css)).await {
                Ok(element) => element.click().await,
                Err(error) => Err(error),
            };
            last = outcome.as_ref().err().map(ToString::to_string).unwrap_or_default();
            Ok(outcome.ok())
        });
        match pressed.await {
            Ok(()) => Ok(()),
            Err(failure) => Err(Failure::new(format!("{failure}\n{last}\nThe page reads:\n{}", self.reads().await))),
        }
    }

    /// Unfolds what is behind the first element with this hook. What comes above it while it is pressed moves it from under the
    /// pointer, and the press hits nothing: a person sees that and presses again.
    ///
    /// # Errors
    /// If it cannot be pressed, or does not unfold.
    pub async fn unfold(&self, hook: &str) -> Result<()> {
        let (css, what) = (format!("[data-test='{hook}']"), format!("{hook} unfolds"));
        until(&what, LIMIT, async || {
            let shows = match self.driver.find(By::Css(&css)).await {
                Ok(element) => element.attr("aria-expanded").await.ok().flatten(),
                Err(_) => None,
            };
            if shows.as_deref() == Some("true") {
                return Ok(Some(()));
            }
            self.press_by(&css).await?;
            Ok(None)
        })
        .await
    }

    /// Presses the first element with this hook until something that a CSS selector finds has come of it: as people do where the
    /// page moves under the pointer.
    ///
    /// # Errors
    /// If it cannot be pressed, or nothing comes of it.
    pub async fn press_until(&self, hook: &str, comes: &str) -> Result<()> {
        let (css, what) = (format!("[data-test='{hook}']"), format!("{comes} comes of {hook}"));
        until(&what, LIMIT, async || {
            if self.driver.find(By::Css(comes)).await.is_ok() {
                return Ok(Some(()));
            }
            self.press_by(&css).await?;
            Ok(None)
        })
        .await
    }

    /// Moves the pointer onto the first element that a CSS selector finds.
    ///
    /// # Errors
    /// If it does not come.
    pub async fn point_at(&self, css: &str) -> Result<()> {
        let element = self.find_by(css).await?;
        let chain = self.driver.action_chain().move_to_element_center(&element);
        chain.perform().await.could_not(format!("point at {css}"))
    }

    /// Types into the element with this hook, in place of what it held.
    ///
    /// # Errors
    /// If it does not come.
    pub async fn fill(&self, hook: &str, text: &str) -> Result<()> {
        let field = self.find(hook).await?;
        field.send_keys(Key::Control + "a").await.could_not(format!("select the text of {hook}"))?;
        let typed = if text.is_empty() { field.send_keys(Key::Delete + "").await } else { field.send_keys(text).await };
        typed.could_not(format!("type into {hook}"))
    }

    /// Presses a key, or types letters, wherever the focus is.
    ///
    /// # Errors
    /// If the driver refuses.
    pub async fn key(&self, keys: impl Into<TypingData>) -> Result<()> {
        self.driver.action_chain().send_keys(keys).perform().await.could_not("press a key")
    }

    /// Loads the page anew.
    ///
    /// # Errors
    /// If the driver refuses.
    pub async fn reload(&self) -> Result<()> {
        self.driver.refresh().await.could_not("load the page anew")
    }

    /// Presses a letter with Ctrl, wherever the focus is.
    ///
    /// # Errors
    /// If the driver cannot.
    pub async fn chord(&self, letter: &str) -> Result<()> {
        let chain = self.driver.action_chain().key_down(Key::Control).send_keys(letter).key_up(Key::Control);
        chain.perform().await.could_not("press two keys")
    }

    /// Waits until the first element that a CSS selector finds reads as `wanted` says.
    ///
    /// # Errors
    /// If it never does; the last text is in the message.
    pub async fn reads_as(&self, css: &str, wanted: impl Fn(&str) -> bool, what: &str) -> Result<String> {
        let (what, mut last) = (format!("{css} {what}"), String::new());
        let read = until(&what, LIMIT, async || {
            let text = match self.driver.find(By::Css(css)).await {
                Ok(element) => rendered(&element).await,
                Err(_) => String::new(),
            };
            last.clone_from(&text);
            Ok(wanted(&text).then_some(text))
        });
        match read.await {
            Ok(text) => Ok(text),
            Err(failure) => {
                Err(Failure::new(format!("{failure}\nIt read: {last}\nThe page reads:\n{}", self.reads().await)))
            }
        }
    }

    /// Waits until no element fits a CSS selector.
    ///
    /// # Errors
    /// If one stays.
    pub async fn gone(&self, css: &str) -> Result<()> {
        until(&format!("{css} is gone"), LIMIT, async || {
            Ok(self.driver.find(By::Css(css)).await.is_err().then_some(()))
        })
        .await
    }

    /// Makes the page itself of this size; the window around it is larger.
    ///
    /// # Errors
    /// If it never is.
    pub async fn resize(&self, (width, height): (u32, u32)) -> Result<()> {
        let (mut outer_width, mut outer_height) = (width, height);
        until(&format!("the page is {width} × {height}"), LIMIT, async || {
            let set = self.driver.set_window_rect(0, 0, outer_width, outer_height).await;
            set.could_not("set the size of the window")?;
            // The page learns of it some time after its driver has answered.
            tokio::time::sleep(Duration::from_millis(200)).await;
            let inner = self.ask("return [window.innerWidth, window.innerHeight]").await?;
            let inner = |at: usize| inner[at].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or_default();
            if (inner(0), inner(1)) == (width, height) {
                return Ok(Some(()));
            }
            outer_width = outer_width.saturating_add(width).saturating_sub(inner(0));
            outer_height = outer_height.saturating_add(height).saturating_sub(inner(1));
            Ok(None)
        })
        .await
    }

    /// What a script answers on the page.
    ///
    /// # Errors
    /// If the driver refuses, or the script fails.
    pub async fn ask(&self, script: &str) -> Result<serde_json::Value> {
        let answer = self.driver.execute(script, Vec::new()).await.could_not("ask the page")?;
        Ok(answer.json().clone())
    }

    /// What was written into the console of a browser as an error since this was asked last, faults of loading among it.
    ///
    /// # Errors
    /// If its driver does not tell.
    pub async fn faults(&self) -> Result<Vec<String>> {
        let url = format!("http://127.0.0.1:{}/session/{}/se/log", self.port, self.driver.session_id());
        let asked = plain(LIMIT)?.post(url).body(serde_json::json!({ "type": "browser" }).to_string()).send().await;
        let bytes = asked.could_not("ask for the console")?.bytes().await.could_not("ask for the console")?;
        let answer: serde_json::Value = serde_json::from_slice(&bytes).could_not("read the console")?;
        let lines = answer["value"].as_array().ok_or_else(|| Failure::new(format!("there is no console: {answer}")))?;
        let faults = lines.iter().filter(|line| line["level"] == "SEVERE").map(|line| line["message"].to_string());
        Ok(faults.collect())
    }

    /// Saves a picture of the page.
    ///
    /// # Errors
    /// If it cannot be taken or written.
    pub async fn picture(&self, path: &Path) -> Result<()> {
        self.driver.screenshot(path).await.could_not("take a picture of the page")
    }

    /// What the page reads, for the message of a failure.
    async fn reads(&self) -> String {
        match self.driver.find(By::Css("body")).await {
            Ok(body) => rendered(&body).await,
            Err(error) => error.to_string(),
        }
    }

    /// Closes the page and everything started for it.
    ///
    /// # Errors
    /// If a server of the page had ended by itself.
    pub async fn close(self) -> Result<()> {
        // A window that is closed through its driver takes the driver's session with it.
        let _ = self.driver.quit().await;
        drop(self.processes);
        drop(self.den);
        Ok(())
    }
}

/// What an element shows, as the engine renders it. The driver's own notion of text leaves out what it believes to be
/// cut off, and WebKit's and Chromium's drivers believe differently.
async fn rendered(element: &WebElement) -> String {
    element.prop("innerText").await.ok().flatten().unwrap_or_default()
}

/// A display of its own: Xvfb says which number it took.
pub(crate) async fn display(den: &Arc<Den>, (width, height): (u32, u32)) -> Result<(String, Process)> {
    let mut command = Command::new("Xvfb");
    command.args(["-displayfd", "1", "-screen", "0", &format!("{width}x{height}x24"), "-nolisten", "tcp"]);
    let xvfb = Process::start(den, "xvfb", command)?;
    let number = until("Xvfb tells its number", LIMIT, async || {
        xvfb.check()?;
        let said = xvfb.last_lines(5);
        Ok(said.lines().find_map(|line| line.trim().parse::<u32>().ok()))
    })
    .await?;
    Ok((format!(":{number}"), xvfb))
}

async fn session(port: u16, options: serde_json::Value, driver: &Process) -> Result<WebDriver> {
    let capabilities = Capabilities::from(options.as_object().cloned().unwrap_or_default());
    // The driver's client wants a TLS provider, though it speaks plain HTTP here. A second installation changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = format!("http://127.0.0.1:{port}");
    let mut last = String::new();
    let found = until("the driver gives a session", LIMIT, async || {
        driver.check()?;
        match WebDriver::new(&address, capabilities.clone()).await {
            Ok(session) => Ok(Some(session)),
            Err(error) => {
                last = error.to_string();
                Ok(None)
            }
        }
    });
    found.await.map_err(|failure| Failure::new(format!("{failure}: {last}\n{}", driver.last_lines(15))))
}

//! The window a second time: it opens as large as it was left, and a second program brings the first to the front instead.

use acceptance::{Context, Desktop, Failure, Page, Result, Terminal, program, until};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// The program of the window with this home.
fn running(home: &Path) -> Result<Pid> {
    let wanted = format!("PILOTHOUSE_HOME={}", home.display());
    let (app, mut found) = (program("pilothouse-desktop")?, Vec::new());
    for entry in std::fs::read_dir("/proc").could_not("look for the window")?.flatten() {
        let folder = entry.path();
        let is_app = std::fs::read_link(folder.join("exe")).is_ok_and(|exe| exe == app);
        let environment = std::fs::read(folder.join("environ")).unwrap_or_default();
        if is_app && environment.split(|byte| *byte == 0).any(|line| line == wanted.as_bytes()) {
            found.extend(entry.file_name().to_string_lossy().parse().ok().and_then(Pid::from_raw));
        }
    }
    match found.as_slice() {
        [one] => Ok(*one),
        other => Err(Failure::new(format!("{} windows run with this home, not one", other.len()))),
    }
}

/// Ends the window as a session that ends does: it may put away what it has to.
async fn end(page: Page, home: &Path) -> Result<()> {
    let app = running(home)?;
    kill_process(app, Signal::TERM).could_not("end the window")?;
    until("the window has ended", LIMIT, async || Ok(test_kill_process(app).is_err().then_some(()))).await?;
    page.close().await
}

async fn size(page: &Page) -> Result<(u64, u64)> {
    let size = page.ask("return [window.innerWidth, window.innerHeight]").await?;
    Ok((size[0].as_u64().unwrap_or_default(), size[1].as_u64().unwrap_or_default()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_opens_as_large_as_it_was_left() -> Result<()> {
    let (desktop, terminal) = (Desktop::start((1_600, 1_000)).await?, Terminal::new(Path::new(""))?);
    let page = Page::window_on(&desktop, &terminal.environment()).await?;
    page.find("demo").await?;
    let first = size(&page).await?;
    page.resize((1_200, 760)).await?;
    assert_ne!(first, (1_200, 760), "it is another size than that with which it begins");
    end(page, terminal.home()).await?;

    let page = Page::window_on(&desktop, &terminal.environment()).await?;
    page.find("demo").await?;
    let what = "it is as large as it was left";
    let mut last = (0, 0);
    let is_same = until(what, LIMIT, async || {
        last = size(&page).await?;
        Ok((last == (1_200, 760)).then_some(()))
    });
    is_same.await.map_err(|failure| Failure::new(format!("{failure}: it is {last:?}, and began with {first:?}")))?;
    end(page, terminal.home()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_program_opens_its_address_in_the_window_that_is_there_and_ends() -> Result<()> {
    let (desktop, terminal) = (Desktop::start((1_440, 900)).await?, Terminal::new(Path::new(""))?);
    let page = Page::window_on(&desktop, &terminal.environment()).await?;
    page.find("demo").await?;
    page.find_by("[data-test='rail-fleet'][aria-current='page']").await?;
    let first = running(terminal.home())?;

    let mut second = tokio::process::Command::new(program("pilothouse-desktop")?);
    second.arg("pilothouse://connections").envs(desktop.environment()).envs(terminal.environment());
    second.env("GDK_BACKEND", "x11").env("HOME", terminal.home()).env_remove("WAYLAND_DISPLAY");
    let second = second.stdin(Stdio::null()).kill_on_drop(true).output();
    let ended = tokio::time::timeout(LIMIT, second).await.could_not("see the second program end")?;
    let ended = ended.could_not("start the second program")?;
    assert!(ended.status.success(), "{ended:?}");
    page.find_by("[data-test='rail-connections'][aria-current='page']").await?;
    assert_eq!(running(terminal.home())?, first, "the first is the only one, and goes on");
    page.close().await
}

//! A record that was sent, opened by a double click: the window shows it and says what it is, asks no server, records
//! nothing, and lets nobody act.

use acceptance::{Context, Page, Result, Terminal, repository, until};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const SIZE: (u32, u32) = (1440, 900);
const LIMIT: Duration = Duration::from_secs(120);

fn repo(name: &str) -> PathBuf {
    repository().join(name)
}

/// A part of a record of the demo fleet, and the fleet at its end as the terminal has it.
async fn sent(sender: &Terminal) -> Result<(PathBuf, Value)> {
    let mut recorder = sender.command(&["record", "--demo"])?.spawn().could_not("start the recorder")?;
    until("the demo fleet is recorded", LIMIT, async || {
        let said = sender.call(&["fleet", "--at", "now", "--json"]).await?;
        let fleet: Value = serde_json::from_str(&said.out).unwrap_or_default();
        Ok((fleet["complete"] == true && fleet["clusters"].as_array().is_some_and(|all| all.len() == 3)).then_some(()))
    })
    .await?;
    let file = sender.home().join("incident of tonight.pilothouse");
    let name = file.display().to_string();
    sender.good(&["journal", "export", "--from", "1h", &name]).await?;
    recorder.kill().await.could_not("end the recorder")?;
    let fleet = sender.json(&["fleet", "--journal", &name, "--json"]).await?;
    Ok((file, fleet))
}

#[tokio::test]
async fn a_file_opens_in_a_window_that_says_what_it_is_and_can_only_be_looked_at() -> Result<()> {
    let (sender, reader) = (Terminal::new(Path::new(""))?, Terminal::new(Path::new("/nowhere/kubeconfig"))?);
    let (file, fleet) = sent(&sender).await?;
    // As a desktop calls it for what was clicked.
    let clicked = format!("file://{}", file.display().to_string().replace(' ', "%20"));
    let page = Page::window_with(SIZE, &reader.environment(), &[&clicked]).await?;

    page.reads_as("[data-test='record']", |text| text.contains("A record"), "says what it is").await?;
    page.reads_as("[data-test='record-name']", |text| text == "incident of tonight.pilothouse", "says which").await?;
    page.reads_as(
        "[data-test='record-said']",
        |text| text.contains("No server is asked, and nothing is recorded"),
        "says how",
    )
    .await?;
    page.find_by("html[data-past]").await?;
    page.reads_as("[data-test='mode']", |text| text.contains("No actions"), "offers none").await?;
    page.find("demo").await?;
    let nodes = pilothouse_wire::units::count(fleet["nodes"].as_array().map_or(0, Vec::len) as u64);
    page.press("tab-nodes").await?;
    page.fill("table-filter", "gpus>0").await?;
    page.reads_as(
        "[data-test='table-count']",
        |text| text.ends_with(&format!("of {nodes}")),
        "counts what the terminal counts",
    )
    .await?;

    // It is scrubbed like what is live: a key goes back in it, and another to its end.
    page.press_by(".table-head").await?;
    page.key("[").await?;
    page.reads_as("[data-test='past']", |text| text.contains("A record, the past"), "says where it is").await?;
    page.key("n").await?;
    page.find("record").await?;

    // Its settings offer nothing that could be done, and no place to connect.
    page.press("rail-connections").await?;
    page.find("read-only").await?;
    page.gone("[data-test='connections-add']").await?;
    // Neither a journal nor settings.
    let home = reader.home();
    assert!(!home.join("data/journal.db").exists() && !home.join("settings.toml").exists());
    assert!(fs::metadata(&file).could_not("look at the file")?.len() > 0);
    page.close().await
}

#[tokio::test]
async fn a_file_that_is_no_record_is_said_in_the_window() -> Result<()> {
    let reader = Terminal::new(Path::new(""))?;
    let file = reader.home().join("letter.pilothouse");
    fs::write(&file, "Dear reader").could_not("write a letter")?;
    let page = Page::window_with(SIZE, &reader.environment(), &[&file.display().to_string()]).await?;
    page.reads_as("body", |text| text.contains("letter.pilothouse"), "names the file").await?;
    page.close().await
}

#[test]
fn desktops_know_the_file_by_its_name_and_by_its_first_bytes() -> Result<()> {
    let read = |name: &str| fs::read_to_string(repo(name)).could_not(format!("read {name}"));
    let kind = pilothouse_engine::record::far::MIME;
    let (about, desktop) = (read("src-tauri/pilothouse-record.xml")?, read("src-tauri/pilothouse.desktop")?);
    assert!(about.contains(&format!("type=\"{kind}\"")) && desktop.contains(&format!("{kind};")));
    let conf: Value = serde_json::from_str(&read("tauri.conf.json")?).could_not("read tauri.conf.json")?;
    let association = &conf["bundle"]["fileAssociations"][0];
    assert_eq!((&association["mimeType"], &association["ext"][0]), (&Value::from(kind), &Value::from("pilothouse")));
    let packed = conf["bundle"]["linux"]["deb"]["files"]["/usr/share/mime/packages/pilothouse-record.xml"].as_str();
    assert_eq!(packed, Some("src-tauri/pilothouse-record.xml"));

    let (update, gio) = (Path::new("/usr/bin/update-mime-database"), Path::new("/usr/bin/gio"));
    if !update.exists() || !gio.exists() {
        println!("not asked of a desktop: shared-mime-info or gio is not here");
        return Ok(());
    }
    let home = tempfile::tempdir().could_not("make a home")?;
    let mime = home.path().join("mime");
    fs::create_dir_all(mime.join("packages")).could_not("make a folder")?;
    fs::write(mime.join("packages/pilothouse-record.xml"), &about).could_not("install the kind")?;
    let output = Command::new(update).arg(&mime).output().could_not("update the kinds")?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (name, bytes) in
        [("night.pilothouse", &b"cut off"[..]), ("no-name-that-helps", b"\x89PLTH\r\n\x1a\x01\x00\x00\x00")]
    {
        let file = home.path().join(name);
        fs::write(&file, bytes).could_not("write a file")?;
        let mut command = Command::new(gio);
        command.args(["info", "-a", "standard::content-type"]).arg(&file);
        command.env("XDG_DATA_HOME", home.path()).env("HOME", home.path());
        let output = command.output().could_not("ask gio")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(kind), "{name}: {said}");
    }
    Ok(())
}

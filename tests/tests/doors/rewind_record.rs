//! A record that was sent, opened by a double click: the window shows it and says what it is, asks no server, records
//! nothing, and lets nobody act.

use acceptance::{Context, Failure, Page, Result, Terminal, repository, until};
use pilothouse_connect::Clock;
use pilothouse_journal::{Limits, Recorder};
use pilothouse_wire::{ConnectionId, Health, Stamp};
use pilothouse_world::fact::{Covers, Kind, NodeFact, NoteFact, OwnerFact, Phase, PodFact, SourceAbout, SourceFact};
use pilothouse_world::{Batch, Extent, Fact};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use thirtyfour::Key;
use tokio::io::{AsyncBufReadExt, BufReader};

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

/// A program of desktops. A machine without it has checked nothing, and says so.
fn tool(path: &str) -> Result<&Path> {
    let path = Path::new(path);
    match path.exists() {
        true => Ok(path),
        false => Err(Failure::new(format!("there is no {} here: cargo xtask setup installs it", path.display()))),
    }
}

#[test]
fn a_machine_without_a_program_of_desktops_passes_nothing() {
    let said = tool("/nonexistent/gio").map_err(|failure| failure.to_string());
    assert_eq!(said, Err("there is no /nonexistent/gio here: cargo xtask setup installs it".to_owned()));
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

    let (update, gio) = (tool("/usr/bin/update-mime-database")?, tool("/usr/bin/gio")?);
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

/// Minutes of a small cluster with three notes, of which two are taken away later, one of them behind the end of what is sent; and
/// with a pod that came and went within a quarter of a minute.
fn noted(path: &Path, end: Stamp) -> Result<()> {
    let recorder = Recorder::open(path, Limits::default()).map_err(|problem| Failure::new(problem.to_string()))?;
    let ago = |seconds: u64| end.minus(Duration::from_secs(seconds));
    let say = |source: ConnectionId, seen_at: Stamp, extent: Extent, facts: Vec<Fact>| {
        recorder.append(&Batch { source, seen_at, extent, facts });
    };
    let about =
        SourceAbout { name: "iad".into(), kind: "kubernetes".into(), period_ms: 60_000, ..SourceAbout::default() };
    let facts = [SourceFact::About(Box::new(about)), SourceFact::Health(Health::Well)].map(Fact::Source);
    let (iad, listed) = (|| ConnectionId::slug("iad"), |kind| Extent::Replace(Covers { kind, namespace: None }));
    say(iad(), ago(600), Extent::Delta, facts.to_vec());
    let gpu = || vec![("nvidia.com/gpu".into(), 1)];
    let node = NodeFact { name: "h-1".into(), capacity: gpu(), allocatable: gpu(), ..NodeFact::default() };
    say(iad(), ago(600), listed(Kind::Node), vec![Fact::Node(Box::new(node))]);
    say(iad(), ago(600), listed(Kind::Pod), Vec::new());
    let note = |at: Stamp, text: &str| {
        Fact::Note(Box::new(NoteFact { at, object: NoteFact::about_nothing(), text: text.into() }))
    };
    let gone = |at: Stamp| Fact::NoteGone(at, NoteFact::about_nothing());
    let pod = PodFact {
        namespace: "serving".into(),
        name: "chat-0".into(),
        node: Some("h-1".into()),
        phase: Phase::Running,
        owners: vec![OwnerFact { kind: "StatefulSet".into(), name: "chat".into() }],
        gpus: gpu(),
        ..PodFact::default()
    };
    for (source, seconds, fact) in [
        (NoteFact::source(), 500, note(ago(500), "it began here")),
        (NoteFact::source(), 450, note(ago(450), "canary one")),
        (NoteFact::source(), 400, note(ago(400), "canary two")),
        (NoteFact::source(), 350, gone(ago(450))),
        (iad(), 230, Fact::Pod(Box::new(pod))),
        (iad(), 215, Fact::PodGone("serving".into(), "chat-0".into())),
        (NoteFact::source(), 60, gone(ago(400))),
    ] {
        say(source, ago(seconds), Extent::Delta, vec![fact]);
    }
    recorder.flush();
    Ok(())
}

/// A part of that record, opened in a browser by `pilothouse open`. It ends a minute before the last note is taken away.
async fn opened(terminal: &Terminal) -> Result<(tokio::process::Child, Page)> {
    let [journal, file] = ["kept.db", "part.pilothouse"].map(|name| terminal.home().join(name).display().to_string());
    let end = Clock::system().now().minus(Duration::from_secs(60));
    noted(Path::new(&journal), end)?;
    let until = end.minus(Duration::from_secs(200)).to_string();
    terminal.good(&["journal", "--journal", &journal, "export", "--from", "1h", "--to", &until, &file]).await?;
    let mut command = terminal.command(&["open", &file, "--port", "0"])?;
    let mut door = command.stdout(Stdio::piped()).spawn().could_not("open the file")?;
    let out = door.stdout.take().ok_or_else(|| Failure::new("it says nothing"))?;
    let mut lines = BufReader::new(out).lines();
    let address = loop {
        let line = tokio::time::timeout(LIMIT, lines.next_line()).await.could_not("hear where it is")?;
        let line = line.could_not("read")?.ok_or_else(|| Failure::new("it ended without an address"))?;
        if let Some(address) = line.split_whitespace().find(|word| word.contains("#code=")) {
            break address.to_owned();
        }
    };
    Ok((door, Page::browser(SIZE, &address).await?))
}

#[tokio::test]
async fn a_note_that_was_taken_away_is_not_in_the_file_that_is_sent_and_not_on_its_ribbon() -> Result<()> {
    let terminal = Terminal::new(Path::new("/nowhere/kubeconfig"))?;
    let (mut door, page) = opened(&terminal).await?;
    let shown = async || page.ask("return document.body.textContent").await.map(|text| text.to_string());
    until("the note that stayed is shown", LIMIT, async || Ok(shown().await?.contains("it began here").then_some(())))
        .await?;
    assert!(!shown().await?.contains("canary"), "{}", shown().await?);
    // Nor at a time at which it was there.
    page.key("[").await?;
    page.reads_as("[data-test='past']", |text| text.contains("A record, the past"), "says where it is").await?;
    assert!(!shown().await?.contains("canary"), "{}", shown().await?);
    page.close().await?;
    door.kill().await.could_not("close the file")
}

#[tokio::test]
async fn a_pod_of_another_time_says_so_and_is_shown_at_the_time_at_which_it_was() -> Result<()> {
    let terminal = Terminal::new(Path::new("/nowhere/kubeconfig"))?;
    let (mut door, page) = opened(&terminal).await?;
    page.find("record").await?;
    let open = async || {
        page.ask("document.querySelector('.ribbon-marks').focus()").await?;
        page.key(Key::Down + "").await?;
        page.key(Key::Enter + "").await
    };
    let inspector = "[data-test='inspector']";
    // At the end it is gone.
    open().await?;
    let gone = |text: &str| text.contains("Gone") && text.contains("It is not there any more");
    page.reads_as(inspector, gone, "says that it is gone").await?;
    page.press("inspector-as-it-was").await?;
    page.reads_as(inspector, |text| text.contains("StatefulSet chat"), "is shown as it was").await?;
    // A minute before it was not there yet.
    page.key("n").await?;
    page.key("[").await?;
    page.find("inspector-not-then").await?;
    page.press("inspector-as-it-was").await?;
    page.reads_as(inspector, |text| text.contains("StatefulSet chat"), "is shown as it was").await?;
    page.close().await?;
    door.kill().await.could_not("close the file")
}

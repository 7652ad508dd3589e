//! The record in the terminal, as a person uses it: recorded without a window, looked into, sent, opened.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

fn command(home: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    command.args(words).env_clear().env("HOME", home).env("PILOTHOUSE_HOME", home.join("pilothouse"));
    command.env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    command
}

fn run(home: &Path, words: &[&str]) -> Output {
    command(home, words).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Asks a program to end as a service manager does, and answers its exit code.
fn end(mut child: Child) -> Option<i32> {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    child.wait().unwrap().code()
}

/// Records the demo until each of its clusters is there.
fn recorded(home: &Path) {
    let mut child = command(home, &["record", "--demo"]).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(child.stderr.take().unwrap()).lines();
    let live = said.map_while(Result::ok).filter(|line| line.ends_with(": live")).take(3).count();
    assert_eq!(live, 3, "it ended before its sources were there");
    let again = run(home, &["record", "--demo"]);
    assert!(!again.status.success() && text(&again).contains("Another Pilothouse records already"), "{}", text(&again));
    assert_eq!(end(child), Some(0));
}

#[test]
fn a_record_is_made_without_a_window_looked_into_sent_and_opened_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let nothing = run(home, &["journal", "info"]);
    assert!(!nothing.status.success() && text(&nothing).contains("There is no record"), "{}", text(&nothing));
    recorded(home);

    let info: Value = serde_json::from_slice(&run(home, &["journal", "info", "--json"]).stdout).unwrap();
    assert_eq!((&info["runs"], info["gaps"].as_array().unwrap().len()), (&1.into(), 0));
    assert!(info["batch_bytes"].as_u64() > Some(10_000), "{info}");
    let whole = run(home, &["journal", "verify"]);
    assert!(whole.status.success() && text(&whole).contains("is whole"), "{}", text(&whole));

    let file = home.join("part.pilothouse");
    let name = file.to_str().unwrap();
    let sent = run(home, &["journal", "export", "--from", "1h", name]);
    assert!(sent.status.success() && text(&sent).contains("4 connections"), "{}", text(&sent));
    let other = tempfile::tempdir().unwrap();
    let words = ["open", name, "--port", "0"];
    let mut door = command(other.path(), &words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut address = String::new();
    BufReader::new(door.stdout.take().unwrap()).read_line(&mut address).unwrap();
    assert!(address.starts_with("http://127.0.0.1:"), "{address}");
    assert_eq!(end(door), Some(0));
    assert!(!other.path().join("pilothouse/data/journal.db").exists(), "who looks records nothing");

    let mut altered = std::fs::read(&file).unwrap();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    std::fs::write(&file, altered).unwrap();
    for words in [&["open", name][..], &["journal", "verify", name]] {
        let refused = run(other.path(), words);
        assert!(!refused.status.success() && text(&refused).contains("was altered"), "{}", text(&refused));
    }
}

/// The counts of a fleet, and every name in it that is longer than a few letters.
fn counted(home: &Path, file: &str) -> (Value, Vec<String>) {
    let fleet: Value = serde_json::from_slice(&run(home, &["fleet", "--journal", file, "--json"]).stdout).unwrap();
    let of = |rows: &str| fleet[rows].as_array().unwrap().iter().map(|row| row["id"].to_string()).collect::<Vec<_>>();
    let mut summary = fleet["summary"].clone();
    summary.as_object_mut().unwrap().remove("partial");
    (summary, [of("clusters"), of("nodes"), of("pods")].concat())
}

#[test]
fn an_export_with_pseudonyms_shows_the_same_fleet_under_other_names() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    recorded(home);
    let (own, other) = (home.join("own.pilothouse"), home.join("other.pilothouse"));
    let (own, other) = (own.to_str().unwrap(), other.to_str().unwrap());
    assert!(run(home, &["journal", "export", "--from", "1h", own]).status.success());
    let sent = run(home, &["journal", "export", "--from", "1h", "--pseudonyms", other]);
    assert!(sent.status.success() && text(&sent).contains("nobody can take that back"), "{}", text(&sent));
    let ((fleet, names), (veiled, pseudonyms)) = (counted(home, own), counted(home, other));
    assert_eq!(veiled, fleet);
    assert_eq!(pseudonyms.len(), names.len());
    assert!(names.len() > 20 && names.iter().all(|name| !pseudonyms.contains(name)));
    let shown = text(&run(home, &["pods", "--journal", other, "--columns", "all"]));
    for name in ["iad-prod", "h100", "serving", "training"] {
        assert!(!shown.contains(name), "{name}: {shown}");
    }
    let whole = run(home, &["journal", "verify", other]);
    assert!(whole.status.success(), "{}", text(&whole));
}

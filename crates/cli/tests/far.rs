//! A recorder on one machine, and a laptop that opens its record by address and token: two homes, real programs.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// A person's machine: a home, and a folder for what is kept for a while.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("tmp")).unwrap();
        Self(home)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
        command.args(words).env_clear().env("HOME", self.0.path()).env("PILOTHOUSE_HOME", self.file("pilothouse"));
        command.env("PATH", "/usr/bin:/bin").env("TMPDIR", self.file("tmp")).stdin(Stdio::null());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// What it prints, which must be good.
    fn good(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// With a token, which must not help; answers what is said.
    fn refused(&self, token: &str, words: &[&str]) -> String {
        let output = self.command(words).env("PILOTHOUSE_TOKEN", token).output().unwrap();
        assert!(!output.status.success(), "{words:?}: {}", text(&output));
        assert_eq!(self.left(), 0, "{words:?}: something is left");
        let said = text(&output);
        assert!(token.len() < 10 || !said.contains(token), "{said}");
        said
    }

    /// How much stands where things are kept for a while.
    fn left(&self) -> usize {
        fs::read_dir(self.file("tmp")).unwrap().count()
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Asks a program to end as a service manager does, and answers its exit code.
fn end(mut child: Child) -> Option<i32> {
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    child.wait().unwrap().code()
}

/// A recorder of the demo with a door; once it has recorded each cluster.
struct Recorder {
    machine: Machine,
    child: Child,
    url: String,
    said: std::thread::JoinHandle<String>,
}

impl Recorder {
    fn start() -> Self {
        let machine = Machine::new();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (cert, key) = (machine.file("cert.pem"), machine.file("key.pem"));
        fs::write(&cert, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
        let words = [
            "record",
            "--demo",
            "--listen",
            "127.0.0.1",
            "--port",
            "0",
            "--cert",
            cert,
            "--key",
            key,
            "--name",
            "localhost",
        ];
        let mut child = machine.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let printed = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok).take(2);
        let url = printed.last().unwrap();
        assert!(url.starts_with("https://localhost:"), "{url}");
        let (live, all) = std::sync::mpsc::sync_channel(16);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let said = std::thread::spawn(move || {
            let mut said = String::new();
            for line in stderr.lines().map_while(Result::ok) {
                if line.ends_with(": live") {
                    let _ = live.try_send(());
                }
                said += &line;
                said.push('\n');
            }
            said
        });
        (0..3).for_each(|_| all.recv().unwrap());
        // What was heard last is a moment on its way into the file.
        let whole = || {
            let fleet = machine.run(&["fleet", "--at", "now", "--json"]).stdout;
            let fleet: serde_json::Value = serde_json::from_slice(&fleet).unwrap_or_default();
            fleet["complete"] == true && fleet["clusters"].as_array().is_some_and(|all| all.len() == 3)
        };
        assert!((0..100).any(|_| whole()), "it does not record what it sees");
        Self { machine, child, url, said }
    }

    fn ca(&self) -> String {
        self.machine.file("cert.pem").to_str().unwrap().to_owned()
    }

    /// Ends it; answers what it said, and its machine.
    fn end(self) -> (String, Machine) {
        assert_eq!(end(self.child), Some(0));
        (self.said.join().unwrap(), self.machine)
    }
}

#[test]
fn a_laptop_opens_the_record_of_a_recorder_and_shows_the_same_fleet_at_the_same_time() {
    let (recorder, laptop) = (Recorder::start(), Machine::new());
    let token = recorder.machine.good(&["record", "token", "new", "laptop"]);
    let (token, url, ca) = (token.trim(), recorder.url.as_str(), recorder.ca());
    let kept = laptop.file("token");
    fs::write(&kept, token).unwrap();

    // Into a file, by a token that is in a file.
    let part = laptop.file("part.pilothouse");
    let (part, kept) = (part.to_str().unwrap(), kept.to_str().unwrap());
    let words = ["journal", "--journal", url, "export", "--from", "1h", "--ca", &ca, "--token-file", kept, part];
    assert!(laptop.good(&words).contains("whole"));
    let again = laptop.run(&words);
    assert!(!again.status.success() && text(&again).contains("is there already"), "{}", text(&again));
    assert!(Path::new(part).exists(), "what was there stays");

    let here = laptop.good(&["fleet", "--journal", part, "--json"]);
    let fleet: serde_json::Value = serde_json::from_str(&here).unwrap();
    let then = fleet["as_of"].as_str().unwrap();
    assert!(fleet["demo"] == true && fleet["nodes"].as_array().unwrap().len() > 10, "{here}");
    assert_eq!(recorder.machine.good(&["fleet", "--at", then, "--json"]), here);
    let table = laptop.good(&["fleet", "--journal", part, "--at", then]);
    assert_eq!(recorder.machine.good(&["fleet", "--at", then]), table);
    assert!(laptop.good(&["nodes", "--journal", part]).lines().count() > 10);
    let never = laptop.run(&["fleet", "--journal", part, "--at", "2001-01-01T00:00:00Z"]);
    assert!(!never.status.success() && text(&never).contains("The record tells of"), "{}", text(&never));

    // At once into the interface; what was fetched goes with it.
    let mut open = laptop.command(&["open", url, "--ca", &ca, "--from", "1h", "--port", "0"]);
    let mut open = open.env("PILOTHOUSE_TOKEN", token).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut address = String::new();
    BufReader::new(open.stdout.take().unwrap()).read_line(&mut address).unwrap();
    assert!(address.starts_with("http://127.0.0.1:"), "{address}");
    assert_eq!(laptop.left(), 1);
    assert_eq!((end(open), laptop.left()), (Some(0), 0));
    assert!(!laptop.file("pilothouse/data/journal.db").exists(), "who looks records nothing");

    let (said, _machine) = recorder.end();
    assert_eq!(said.matches("was sent to 127.0.0.1 by token \"laptop\"").count(), 2, "{said}");
    assert!(!said.contains(token), "{said}");
}

#[test]
fn whatever_is_wrong_on_the_way_is_said_and_leaves_nothing() {
    let (recorder, laptop) = (Recorder::start(), Machine::new());
    let (url, ca) = (recorder.url.clone(), recorder.ca());
    let new = |words: &[&str]| recorder.machine.good(words).trim().to_owned();
    let (good, wall) = (new(&["record", "token", "new", "laptop"]), new(&["serve", "token", "new", "lobby"]));
    let revoked = new(&["record", "token", "new", "lost"]);
    assert!(recorder.machine.good(&["record", "token", "list"]).lines().count() == 2);
    recorder.machine.good(&["record", "token", "revoke", "2"]);

    let open = ["open", &url, "--ca", &ca, "--from", "1h", "--port", "0"];
    let check = |token: &str, words: &[&str], wanted: &[&str]| {
        let said = laptop.refused(token, words);
        for word in wanted {
            assert!(said.contains(word), "{word}: {said}");
        }
    };
    check("", &open, &["no value for the secret", "pipe it in"]);
    check("phr_guess", &open, &["does not know this token", "record token new"]);
    check(&wall, &open, &["for the wall", "record token new"]);
    check(&revoked, &open, &["was revoked", "record token new"]);
    check(&good, &["open", &url, "--from", "1h"], &["is not trusted", "--ca"]);
    let other = laptop.file("other.pem");
    fs::write(&other, rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap().cert.pem()).unwrap();
    let other = other.to_str().unwrap();
    check(&good, &["open", &url, "--ca", other], &["is not trusted", "other.pem", "somebody else answers"]);
    let numbered = url.replace("localhost", "127.0.0.1");
    check(&good, &["open", &numbered, "--ca", &ca], &["for another name", "localhost"]);
    check(&good, &["open", "http://recorder.invalid:7448/"], &["in the clear", "--plain"]);
    check(
        &good,
        &["open", &url, "--ca", &ca, "--from", "2001-01-01T00:00:00Z", "--to", "2001-01-02T00:00:00Z"],
        &["Nothing is recorded", "The record tells of"],
    );
    check(&good, &["open", &url.replace("https", "http")], &["localhost"]);
    let in_url = laptop.run(&["open", &url.replace("https://", &format!("https://{good}@"))]);
    assert!(in_url.status.code() == Some(2) && text(&in_url).contains("the token is asked for apart"));
    let file = laptop.run(&["open", "no-such-file", "--from", "1h"]);
    assert!(file.status.code() == Some(2) && text(&file).contains("are of an address"), "{}", text(&file));
    let machine = recorder.end();
    check(&good, &open, &["refused the connection", "--listen"]);
    drop(machine);
}

/// Answers one request with these bytes, and ends.
fn answering(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).unwrap();
        stream.write_all(&bytes).unwrap();
    });
    url
}

#[test]
fn what_comes_is_cut_altered_a_bomb_or_no_record() {
    let laptop = Machine::new();
    let reply = |length: u64, body: &[u8]| {
        [format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").as_bytes(), body].concat()
    };
    for (bytes, wanted) in [
        (reply(1_000_000, &[7; 5_000]), "was cut off after 5.00 kB of 1.00 MB"),
        (reply(5, b"hello"), "It is no export of Pilothouse"),
        (reply(u64::from(u32::MAX) << 8, b""), "is too large"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello".to_vec(), "is no recorder of Pilothouse"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n".to_vec(),
            "sends us elsewhere",
        ),
        (b"HTTP/1.1 401 No\r\nContent-Length: 6\r\n\r\n<html>".to_vec(), "is no recorder of Pilothouse"),
        (b"SSH-2.0-OpenSSH_9\r\n".to_vec(), "127.0.0.1:"),
    ] {
        let said = laptop.refused("phr_canary-of-the-token", &["open", &answering(bytes), "--port", "0"]);
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
}

#[test]
fn who_is_interrupted_while_it_comes_keeps_nothing_of_it() {
    let (laptop, listener) = (Machine::new(), TcpListener::bind("127.0.0.1:0").unwrap());
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut open = laptop.command(&["open", &url, "--port", "0"]);
    let open = open.env("PILOTHOUSE_TOKEN", "phr_x").stderr(Stdio::piped()).spawn().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let _ = stream.read(&mut [0; 4096]).unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n half of it").unwrap();
    while laptop.left() == 0 {
        std::thread::yield_now();
    }
    assert_eq!((end(open), laptop.left()), (Some(1), 0));
}

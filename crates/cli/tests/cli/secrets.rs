//! A secret on its way: from who types it to the server that wants it, over restarts, and to nobody else.

use super::{Home, Ran};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Stdio,
};

const TOKEN: &str = "open-sesame-5b1e";
const WRONG: &str = "shut-sesame-90c4";
const PASSPHRASE: &str = "several words of a test";

/// A registry without models that answers whoever brings the token. Only a script says which header it was given.
fn registry() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    url
}

/// Answers one request, and closes.
fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let asked = lines.next().transpose()?.unwrap_or_default();
    let mut known = false;
    while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
        let is_ours = |(name, value): (&str, &str)| name.eq_ignore_ascii_case("authorization") && value == bearer();
        known |= line.split_once(": ").is_some_and(is_ours);
    }
    let (status, body) = match (known, asked.contains("/version ")) {
        (false, _) => ("401 Unauthorized", "{}"),
        (true, true) => ("200 OK", "3.17.2"),
        (true, false) => ("200 OK", "{}"),
    };
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

fn bearer() -> String {
    format!("Bearer {TOKEN}")
}

/// A home whose secrets are in an encrypted file, and its passphrase in another.
struct Locked {
    home: Home,
    passphrase: PathBuf,
}

impl Locked {
    fn new() -> Self {
        let home = Home::new();
        // Not among what is looked through for secrets.
        let passphrase = home.path().join("passphrase");
        fs::write(&passphrase, PASSPHRASE).unwrap();
        Self { home, passphrase }
    }

    /// Runs it with what is piped in.
    fn run(&self, typed: &str, piped: &str) -> Ran {
        let mut command = self.home.command(typed);
        command.env("PILOTHOUSE_KEYRING", "off").env("PILOTHOUSE_PASSPHRASE_FILE", &self.passphrase);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // One that asks for nothing may have ended.
        let _ = child.stdin.take().unwrap().write_all(piped.as_bytes());
        let output = child.wait_with_output().unwrap();
        let ran = Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        for secret in [TOKEN, WRONG, PASSPHRASE] {
            assert!(!ran.all().contains(secret), "it says {secret}: {}", ran.all());
            kept(&self.home.path().join("pilothouse"), secret);
        }
        ran
    }

    fn settings(&self) -> String {
        fs::read_to_string(self.home.path().join("pilothouse/settings.toml")).unwrap()
    }
}

/// No file of a folder holds this.
fn kept(folder: &Path, secret: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            kept(&path, secret);
        } else if let Ok(bytes) = fs::read(&path) {
            assert!(!bytes.windows(secret.len()).any(|at| at == secret.as_bytes()), "{} is in {path:?}", secret);
        }
    }
}

#[test]
fn a_secret_reaches_its_server_in_each_run_and_leaves_with_its_connection() {
    let (home, url) = (Locked::new(), registry());
    let add = format!("connect add mlflow --name registry --url {url}");
    // Tried before it is kept: nothing is.
    let tried = home.run(&format!("{add} --secret token --dry-run"), &format!("{TOKEN}\n"));
    assert!(tried.code == 0 && tried.stdout.contains("3.17.2"), "{}", tried.all());
    assert_eq!(home.run("connect list --json", "").stdout, "[]\n");
    let empty = home.run(&format!("{add} --secret token"), "");
    assert!(empty.code == 1 && empty.stderr.contains("no value for the secret \"token\""), "{}", empty.all());

    let added = home.run(&format!("{add} --secret token"), &format!("{TOKEN}\n"));
    assert!(added.code == 0 && added.stdout.contains("Well, 3.17.2"), "{}", added.all());
    assert!(home.settings().contains("secrets = [\"token\"]"), "{}", home.settings());
    let listed = home.run("connect list --json", "").json();
    assert_eq!(listed[0]["secrets_set"][0], "token");

    // Another process, and a test of what is kept: both bring the secret.
    let connections = home.run("connections", "");
    assert!(connections.code == 0 && connections.stdout.contains("Well"), "{}", connections.all());
    let tested = home.run("connect test registry", "");
    assert!(tested.code == 0 && tested.stdout.contains("Version  3.17.2"), "{}", tested.all());

    // An edit without it keeps it, also under another name.
    let edited = home.run("connect edit registry --name models", "");
    assert!(edited.code == 0 && edited.stdout.contains("Well"), "{}", edited.all());
    assert_eq!(home.run("connect test registry", "").code, 0);
    // Another one takes its place.
    let wrong = home.run("connect edit registry --secret token", &format!("{WRONG}\n"));
    assert!(wrong.code == 3 && wrong.stderr.contains("401"), "{}", wrong.all());
    let tested = home.run("connect test registry", "");
    assert!(tested.code == 1 && tested.stderr.contains("401"), "{}", tested.all());
    let right = home.run("connect edit registry --secret token", &format!("{TOKEN}\n"));
    assert_eq!(right.code, 0, "{}", right.all());

    // It goes with its connection: one of the same name has none.
    assert_eq!(home.run("connect remove registry --yes", "").code, 0);
    assert!(!home.settings().contains("token"), "{}", home.settings());
    let again = home.run(&add, "");
    assert!(again.code == 3 && again.stderr.contains("401"), "{}", again.all());
    // Also where its settings are given the secret's name by hand: the vault has nothing under it.
    let named = "name = \"registry\"";
    let settings = home.settings().replace(named, &format!("{named}\nsecrets = [\"token\"]"));
    assert!(settings.contains("[\"token\"]"), "{settings}");
    fs::write(home.home.path().join("pilothouse/settings.toml"), settings).unwrap();
    let named = home.run("connect test registry", "");
    assert!(named.code == 1 && named.stderr.contains("401"), "{}", named.all());
}

#[test]
fn what_needs_a_passphrase_says_so_where_nobody_can_be_asked() {
    let (home, url) = (Locked::new(), registry());
    let add = format!("connect add mlflow --name registry --url {url} --secret token");
    assert_eq!(home.run(&add, &format!("{TOKEN}\n")).code, 0);
    fs::write(&home.passphrase, "").unwrap();
    let empty = home.run("connect test registry", "");
    assert!(empty.code == 1 && empty.stderr.contains("The passphrase is empty"), "{}", empty.all());
    fs::write(&home.passphrase, "other words").unwrap();
    let other = home.run("connect test registry", "");
    assert!(other.code == 1 && other.stderr.contains("passphrase does not open"), "{}", other.all());
}

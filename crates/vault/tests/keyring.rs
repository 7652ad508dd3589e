//! Real sessions: a bus with an open keyring, one with a locked keyring, and none at all.
//!
//! Each test runs itself again inside such a session. `dbus-run-session` and `gnome-keyring-daemon` are needed
//! (Debian: `apt-get install dbus gnome-keyring`); without them the tests fail, since skipping would hide it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "what is not there fails the test")]

use pilothouse_vault::{Options, Paths, Vault};
use pilothouse_wire::{Code, ConnectionId, view::VaultState};
use secrecy::ExposeSecret;
use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Names the home to a test that runs inside a session.
const INSIDE: &str = "PILOTHOUSE_TEST_HOME";
const SECRET: &str = "s3cret-tok3n";

/// Starts the keyring, open or locked, and runs the rest of the arguments once it has its name on the bus.
const SESSION: &str = r#"
case "$KEYRING" in
    open) printf 'session password\n' | gnome-keyring-daemon --unlock --components=secrets > /dev/null ;;
    locked) gnome-keyring-daemon --start --components=secrets > /dev/null ;;
esac
for _ in $(seq 100); do
    dbus-send --session --print-reply --dest=org.freedesktop.DBus / \
        org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets | grep -q true && break
    sleep 0.1
done
"$@"
"#;

/// A home, and the kinds of session in which a test can run itself again.
struct Home {
    folder: tempfile::TempDir,
    test: &'static str,
}

impl Home {
    fn new(test: &'static str) -> Self {
        for program in ["dbus-run-session", "gnome-keyring-daemon", "dbus-send"] {
            let found = env::split_paths(&env::var_os("PATH").unwrap()).any(|folder| folder.join(program).is_file());
            assert!(found, "{program} is not installed: apt-get install dbus gnome-keyring");
        }
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        fs::create_dir(&run).unwrap();
        fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).unwrap();
        Self { folder, test }
    }

    /// Runs the test again on a bus whose keyring is `open` or `locked`.
    fn with_keyring(&self, keyring: &str, part: &str) {
        // The time-out ends the whole group: a bus that is killed alone leaves its children behind.
        let mut command = Command::new("timeout");
        command.args(["-k", "5", "90", "dbus-run-session", "--", "bash", "-c", SESSION, "session"]);
        self.run(command.env("KEYRING", keyring).arg(env::current_exe().unwrap()), part);
    }

    /// Runs the test again where there is no bus.
    fn without_bus(&self, part: &str) {
        let mut command = Command::new("timeout");
        command.args(["-k", "5", "90"]).arg(env::current_exe().unwrap());
        self.run(command.env_remove("DBUS_SESSION_BUS_ADDRESS"), part);
    }

    fn run(&self, command: &mut Command, part: &str) {
        let home = self.folder.path();
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "SSH_AUTH_SOCK"] {
            command.env_remove(name);
        }
        command.env("HOME", home).env("XDG_RUNTIME_DIR", home.join("run")).env("XDG_DATA_HOME", home.join("share"));
        command.env(INSIDE, home).env("PART", part).args(["--exact", self.test, "--nocapture"]);
        let output = command.output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{part} of {}: {}\n{out}\n{err}", self.test, output.status);
        assert!(out.contains("1 passed"), "{part} of {} ran no test:\n{out}", self.test);
    }

    /// Does any file of this home hold the text?
    fn holds(&self, text: &str) -> Option<PathBuf> {
        find(self.folder.path(), text.as_bytes())
    }
}

fn find(folder: &Path, text: &[u8]) -> Option<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find_map(|path| {
        if path.is_dir() {
            return find(&path, text);
        }
        // Sockets cannot be read, and hold nothing.
        let bytes = fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text).then_some(path)
    })
}

/// The part of a test that this process is to do, and the home that it does it in.
fn inside() -> Option<(Paths, String)> {
    let home = env::var_os(INSIDE)?;
    Some((Paths::under(&PathBuf::from(home).join("pilothouse")), env::var("PART").unwrap()))
}

fn vault(paths: &Paths) -> Vault {
    Vault::with(paths, Options { keyring: true, passphrase_file: None, work_factor: 2 })
}

fn id(name: &str) -> ConnectionId {
    ConnectionId::slug(name)
}

async fn get(vault: &Vault, connection: &str, field: &str) -> Result<Option<String>, Code> {
    let secret = vault.get(&id(connection), field).await.map_err(|problem| problem.code)?;
    Ok(secret.map(|secret| secret.expose_secret().to_owned()))
}

fn why_locked(state: VaultState) -> String {
    let VaultState::FileLocked { why, exists: false } = state else { panic!("{state:?}") };
    why
}

#[tokio::test]
async fn an_open_keyring_keeps_secrets_over_sessions() {
    let Some((paths, part)) = inside() else {
        let home = Home::new("an_open_keyring_keeps_secrets_over_sessions");
        home.with_keyring("open", "set");
        home.with_keyring("open", "get");
        assert_eq!(home.holds(SECRET), None);
        return;
    };
    let vault = vault(&paths);
    assert_eq!(vault.state().await, VaultState::NotNeeded);
    if part == "set" {
        assert_eq!(get(&vault, "iad-prod", "token").await, Ok(None));
        vault.set(&id("iad-prod"), "token", SECRET.into()).await.unwrap();
        vault.set(&id("iad-prod"), "key", "two\nlines é".into()).await.unwrap();
        vault.set(&id("ord-prod"), "token", "other".into()).await.unwrap();
        vault.set(&id("iad-prod"), "gone", "x".into()).await.unwrap();
        vault.remove(&id("iad-prod"), "gone").await.unwrap();
    } else {
        assert_eq!(get(&vault, "iad-prod", "token").await, Ok(Some(SECRET.into())));
        assert_eq!(get(&vault, "iad-prod", "key").await, Ok(Some("two\nlines é".into())));
        assert_eq!(vault.list(&id("iad-prod")).await, Ok(vec!["key".into(), "token".into()]));
        vault.remove_all(&id("iad-prod")).await.unwrap();
        assert_eq!(vault.list(&id("iad-prod")).await, Ok(Vec::new()));
        assert_eq!(get(&vault, "ord-prod", "token").await, Ok(Some("other".into())));
    }
    assert_eq!(vault.state().await, VaultState::Keyring);
    assert!(!paths.secrets().exists(), "a file where there is a keyring");
}

#[tokio::test]
async fn a_locked_keyring_is_not_taken_for_an_empty_one() {
    let Some((paths, part)) = inside() else {
        let home = Home::new("a_locked_keyring_is_not_taken_for_an_empty_one");
        home.with_keyring("open", "set");
        home.with_keyring("locked", "locked");
        return;
    };
    let vault = vault(&paths);
    if part == "set" {
        return vault.set(&id("iad-prod"), "token", SECRET.into()).await.unwrap();
    }
    let problem = vault.set(&id("iad-prod"), "token", "new".into()).await.unwrap_err();
    assert_eq!(problem.code, Code::VaultLocked);
    let why = why_locked(vault.state().await);
    assert!(why.starts_with("The keyring is locked: "), "{why}");
    assert_eq!(problem.why.as_ref(), Some(&why));
    // The file takes its place, once somebody says so.
    vault.unlock("passphrase".into()).await.unwrap();
    vault.set(&id("iad-prod"), "token", "new".into()).await.unwrap();
    assert_eq!(get(&vault, "iad-prod", "token").await, Ok(Some("new".into())));
    assert_eq!(vault.state().await, VaultState::FileOpen);
}

#[tokio::test]
async fn without_a_bus_the_file_is_offered_and_its_secrets_are_found_in_a_session_later() {
    let Some((paths, part)) = inside() else {
        let home = Home::new("without_a_bus_the_file_is_offered_and_its_secrets_are_found_in_a_session_later");
        home.without_bus("headless");
        home.with_keyring("open", "desktop");
        assert_eq!(home.holds(SECRET), None);
        return;
    };
    let vault = vault(&paths);
    if part == "headless" {
        assert_eq!(get(&vault, "iad-prod", "token").await, Ok(None));
        let why = why_locked(vault.state().await);
        assert!(why.starts_with("No keyring answers: "), "{why}");
        vault.unlock("passphrase".into()).await.unwrap();
        return vault.set(&id("iad-prod"), "token", SECRET.into()).await.unwrap();
    }
    vault.set(&id("ord-prod"), "token", "in the keyring".into()).await.unwrap();
    assert_eq!(vault.state().await, VaultState::Keyring);
    assert_eq!(get(&vault, "iad-prod", "token").await, Err(Code::VaultLocked));
    assert!(matches!(vault.state().await, VaultState::FileLocked { exists: true, .. }));
    assert_eq!(get(&vault, "ord-prod", "token").await, Ok(Some("in the keyring".into())));
    vault.unlock("passphrase".into()).await.unwrap();
    assert_eq!(get(&vault, "iad-prod", "token").await, Ok(Some(SECRET.into())));
    assert_eq!(vault.state().await, VaultState::Keyring);
    vault.remove_all(&id("iad-prod")).await.unwrap();
    assert_eq!(get(&vault, "iad-prod", "token").await, Ok(None));
}

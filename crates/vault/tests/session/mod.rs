//! Sessions of a desktop for tests: a bus with an open keyring, one with a locked keyring, and none at all.
//!
//! Each test runs itself again inside such a session. `dbus-run-session` and `gnome-keyring-daemon` are needed
//! (Debian: `apt-get install dbus gnome-keyring`); without them the tests fail, since skipping would hide it.

use pilothouse_vault::Paths;
use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Names the home to a test that runs inside a session.
const INSIDE: &str = "PILOTHOUSE_TEST_HOME";

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
pub struct Home {
    folder: tempfile::TempDir,
    test: &'static str,
}

impl Home {
    pub fn new(test: &'static str) -> Self {
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
    pub fn with_keyring(&self, keyring: &str, part: &str) {
        // The time-out ends the whole group: a bus that is killed alone leaves its children behind.
        let mut command = Command::new("timeout");
        command.args(["-k", "5", "90", "dbus-run-session", "--", "bash", "-c", SESSION, "session"]);
        self.run(command.env("KEYRING", keyring).arg(env::current_exe().unwrap()), part);
    }

    /// Runs the test again where there is no bus.
    pub fn without_bus(&self, part: &str) {
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
    pub fn holds(&self, text: &str) -> Option<PathBuf> {
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
pub fn inside() -> Option<(Paths, String)> {
    let home = env::var_os(INSIDE)?;
    Some((Paths::under(&PathBuf::from(home).join("pilothouse")), env::var("PART").unwrap()))
}

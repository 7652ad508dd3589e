//! What works on this machine, what is missing, and how to get it. Contacts nobody.

use crate::{
    exit::{Exit, Failed},
    out::{Style, Tone, stdout},
    table::{self, Cell, Head},
};
use pilothouse_engine::{KINDS, Options, Paths, checks};
use pilothouse_wire::Problem;
use std::{env, fs, io::Write, path::Path};

/// One thing that was looked at.
struct Check {
    what: &'static str,
    state: State,
    detail: String,
    next: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Works,
    /// Something cannot be used; the rest can.
    Missing,
    /// Pilothouse cannot work like this.
    Broken,
}

/// Looks at everything.
pub async fn run(style: Style) -> Result<Exit, Failed> {
    let options = Options::from_env();
    let mut checks = vec![display(), webkit(), browser(), keyring(), interface()];
    checks.extend(contexts());
    match &options {
        Ok(options) => checks.extend([settings(&options.paths), journal(&options.paths)]),
        Err(problem) => checks.push(Check::broken("Settings", problem)),
    }
    let heads = ["", "WHAT", "FOUND", "NEXT"].map(Head::left);
    let rows: Vec<Vec<Cell>> = checks.iter().map(Check::cells).collect();
    let mut out = stdout();
    table::write(&mut out, &heads, &rows, Style { width: None, ..style }, None)?;
    out.flush()?;
    Ok(if checks.iter().any(|check| check.state == State::Broken) { Exit::Partial } else { Exit::Ok })
}

impl Check {
    fn new(what: &'static str, found: Result<String, (String, &str)>) -> Self {
        match found {
            Ok(detail) => Self { what, state: State::Works, detail, next: String::new() },
            Err((detail, next)) => Self { what, state: State::Missing, detail, next: next.to_owned() },
        }
    }

    fn broken(what: &'static str, problem: &Problem) -> Self {
        let detail = problem.why.iter().fold(problem.what.clone(), |what, why| format!("{what} {why}"));
        Self { what, state: State::Broken, detail, next: problem.next.clone().unwrap_or_default() }
    }

    fn cells(&self) -> Vec<Cell> {
        let (word, tone) = match self.state {
            State::Works => ("works", Tone::Good),
            State::Missing => ("missing", Tone::Warn),
            State::Broken => ("broken", Tone::Bad),
        };
        vec![Cell::text(word).tone(tone), Cell::text(self.what), Cell::text(&self.detail), Cell::text(&self.next)]
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn display() -> Check {
    let found = ["WAYLAND_DISPLAY", "DISPLAY"].into_iter().find_map(|name| Some(format!("{name}={}", variable(name)?)));
    let next = "the window needs one; without it use pilothouse serve";
    Check::new("Display", found.ok_or(("neither WAYLAND_DISPLAY nor DISPLAY is set".into(), next)))
}

fn webkit() -> Check {
    const LIBRARY: &str = "libwebkit2gtk-4.1.so.0";
    let folders = ["/usr/lib", "/usr/lib64", "/lib", "/usr/local/lib"];
    let below = folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    let nested = below.map(|entry| entry.path().join(LIBRARY));
    let found = folders.iter().map(|folder| Path::new(folder).join(LIBRARY)).chain(nested).find(|path| path.exists());
    let found = found.map(|path| path.display().to_string());
    Check::new("WebKit", found.ok_or((format!("{LIBRARY} is not installed"), "apt install libwebkit2gtk-4.1-0")))
}

fn browser() -> Check {
    let programs = ["xdg-open", "chromium", "google-chrome", "firefox", "open"];
    let found = programs.into_iter().find_map(in_path);
    let next = "pilothouse serve works with any; open its address by hand";
    Check::new("Browser", found.ok_or(("no program that opens one is in the path".into(), next)))
}

fn in_path(program: &str) -> Option<String> {
    let path = env::var_os("PATH")?;
    let found = env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())?;
    Some(found.display().to_string())
}

fn keyring() -> Check {
    let socket = variable("XDG_RUNTIME_DIR").map(|folder| Path::new(&folder).join("bus")).filter(|bus| bus.exists());
    let found = variable("DBUS_SESSION_BUS_ADDRESS").or(socket.map(|bus| bus.display().to_string()));
    let found = found.map(|bus| format!("session bus at {bus}"));
    let next = "secrets go into an encrypted file with a passphrase";
    Check::new("Keyring", found.ok_or(("there is no session bus, so no keyring".into(), next)))
}

fn interface() -> Check {
    let found = pilothouse_serve::is_built_in().then(|| "built in".to_owned());
    Check::new("Interface", found.ok_or(("not built in".into(), "cargo xtask ui, then build this program again")))
}

fn contexts() -> Vec<Check> {
    let mut checks = Vec::new();
    for kind in KINDS {
        let Some(discover) = kind.discover else { continue };
        let found = discover();
        let names: Vec<&str> = found.offered.iter().map(|(context, _)| context.context.as_str()).collect();
        let offered = match names.as_slice() {
            [] => Err(("nothing found to connect".to_owned(), "pilothouse connect add --help")),
            [first, rest @ ..] if rest.len() > 2 => Ok(format!("{first} and {} more", rest.len())),
            names => Ok(names.join(", ")),
        };
        checks.push(Check::new(kind.name, offered));
        checks.extend(found.problems.into_iter().map(|problem| Check {
            what: kind.name,
            state: State::Missing,
            detail: problem.what,
            next: problem.next.unwrap_or_default(),
        }));
    }
    checks
}

/// Can the settings be read, and written?
fn settings(paths: &Paths) -> Check {
    match (checks::settings(paths), folder("Settings", paths.config())) {
        (Err(problem), _) => Check::broken("Settings", &problem),
        (Ok(n), check) if check.state == State::Works => {
            let connections = format!("{n} connection{}", if n == 1 { "" } else { "s" });
            Check { detail: format!("{}, {connections}", check.detail), ..check }
        }
        (Ok(_), check) => check,
    }
}

/// Can what was recorded be read, and more be written?
fn journal(paths: &Paths) -> Check {
    match (checks::journal(paths), folder("Journal", paths.data())) {
        (Err(problem), _) => Check::broken("Journal", &problem),
        (Ok(Some((first, last))), check) if check.state == State::Works => {
            Check { detail: format!("{}, from {first} to {last}", check.detail), ..check }
        }
        (Ok(_), check) => check,
    }
}

/// Can something be written there? What does not exist yet is made when it is first needed.
fn folder(what: &'static str, folder: &Path) -> Check {
    let exists = folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder);
    let probe = exists.join(format!(".pilothouse-{}", std::process::id()));
    let written = fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe));
    match written {
        Ok(()) => Check::new(what, Ok(folder.display().to_string())),
        Err(error) => Check {
            what,
            state: State::Broken,
            detail: format!("{}: {error}", folder.display()),
            next: "make it writable, or set PILOTHOUSE_HOME to another folder".into(),
        },
    }
}

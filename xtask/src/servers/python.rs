//! Servers that come from PyPI, and the peers that a figure is measured beside: a virtual environment for each content of a
//! requirements file, kept in the cache beside the servers that are compiled.
//!
//! `<cache>/servers/<server>-<hash of requirements.txt>-py<version>/` is the environment itself. Its manifest says how
//! long each file is: what was cut or removed is found without reading hundreds of megabytes. An environment is made
//! under another name and renamed when it is whole, so its programs are called as modules: the first lines of its
//! scripts name the folder that it was made in.

use super::{UNFINISHED, cannot, hex, lock, prune, remove, say, spoken, wait};
use crate::command::exists;
use crate::repo;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const MANIFEST: &str = "SIZES";
/// The oldest Python for which all of the pinned packages are made.
const OLDEST: (u32, u32) = (3, 11);
/// Where one may be, the likeliest first.
pub(super) const PYTHONS: &[&str] = &["python3", "python3.13", "python3.12", "python3.11"];

/// A folder with a `requirements.txt`.
struct Server {
    name: &'static str,
    /// Where that folder is.
    of: &'static str,
    takes: &'static str,
    /// What has to be there to call it whole.
    module: &'static str,
}

const SERVERS: &[Server] = &[
    Server { name: "mlflow", of: "tests/servers", takes: "a minute the first time, 360 MB", module: "mlflow" },
    Server { name: "mlserver", of: "tests/servers", takes: "a minute the first time, 330 MB", module: "mlserver" },
];
/// Other clients that put load on a server: only the figure that stands beside them needs them.
const PEERS: &[Server] = &[
    Server { name: "aiperf", of: "tests/peers", takes: "two minutes the first time, 1.2 GB", module: "aiperf" },
    Server { name: "guidellm", of: "tests/peers", takes: "some minutes the first time, 6 GB", module: "guidellm" },
];

/// Makes sure that every server is in the cache, whole.
pub fn build_in(cache: &Path) -> Result<(), String> {
    build_each(cache, SERVERS)
}

/// Makes sure that every peer is in the cache, whole.
pub fn build_peers_in(cache: &Path) -> Result<(), String> {
    build_each(cache, PEERS)
}

fn build_each(cache: &Path, servers: &[Server]) -> Result<(), String> {
    let python = Python::find(PYTHONS)?;
    let _lock = lock(cache)?;
    servers.iter().try_for_each(|server| build(cache, server, &python, &requirements(server), exists("uv")))
}

fn build(cache: &Path, server: &Server, python: &Python, wanted: &Path, by_uv: bool) -> Result<(), String> {
    let folder = cache.join(format!("{}-{}-{}", server.name, hash_of(wanted)?, python.tag()));
    match check(&folder) {
        Ok(()) => say(&format!("{} is installed", server.name)),
        Err(reason) => {
            if folder.exists() {
                say(&format!("{} is damaged ({reason}): making it anew", server.name));
                remove(&folder)?;
            }
            install(server, python, wanted, &folder, by_uv)?;
        }
    }
    prune(cache, server.name, &folder)
}

#[expect(clippy::disallowed_methods, reason = "a person waits for it and is told how long it took")]
fn install(server: &Server, python: &Python, wanted: &Path, folder: &Path, by_uv: bool) -> Result<(), String> {
    say(&format!("installing {}, {}", server.name, server.takes));
    let start = Instant::now();
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = folder.with_file_name(format!("{UNFINISHED}{name}"));
    remove(&unfinished)?;
    let inside = unfinished.join("bin/python");
    let (mut make, mut fill) = if by_uv {
        let (mut make, mut fill) = (Command::new("uv"), Command::new("uv"));
        make.args(["venv", "--quiet", "--python", &python.program]).arg(&unfinished);
        fill.args(["pip", "install", "--no-deps", "--compile-bytecode", "--python"]).arg(&inside);
        (make, fill)
    } else {
        let (mut make, mut fill) = (Command::new(&python.program), Command::new(&inside));
        make.args(["-m", "venv"]).arg(&unfinished);
        fill.args(["-m", "pip", "install", "--no-deps", "--no-input", "--disable-pip-version-check"]);
        (make, fill)
    };
    step(&mut make, start, "make a virtual environment (Debian has it in python3-venv)")?;
    // Only what is named, in exactly that version: nothing is resolved.
    step(fill.arg("--requirement").arg(wanted), start, &format!("install {} from PyPI", server.name))?;
    let module = format!("import importlib.util as u; raise SystemExit(u.find_spec('{}') is None)", server.module);
    step(Command::new(&inside).args(["-c", &module]), start, &format!("find {} in what was installed", server.name))?;
    write_manifest(&unfinished)?;
    fs::rename(&unfinished, folder).map_err(|error| cannot("rename", &unfinished, &error))?;
    say(&format!("installed {} in {}", server.name, spoken(start.elapsed())));
    Ok(())
}

pub(super) fn step(command: &mut Command, start: Instant, what: &str) -> Result<(), String> {
    let failed =
        |why: String| format!("servers: could not {what}: {why}.\nNext: mend what the lines above say, and repeat.");
    let mut child = command.stdin(Stdio::null()).spawn().map_err(|error| failed(error.to_string()))?;
    let status = wait(&mut child, start).map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(format!("it ended with {status}"))) }
}

/// An interpreter.
pub(super) struct Python {
    pub(super) program: String,
    version: (u32, u32),
}

impl Python {
    /// The first of these that is new enough.
    pub(super) fn find(programs: &[&str]) -> Result<Self, String> {
        let of = |program: &&str| {
            let version = version_of(program)?;
            (version >= OLDEST).then(|| Self { program: (*program).to_owned(), version })
        };
        programs.iter().find_map(of).ok_or_else(|| {
            let (major, minor) = OLDEST;
            format!(
                "servers: there is no Python {major}.{minor} or newer.\n\
                 Why: a real MLflow is one of the servers that the tests ask, and it is a program in Python, as others are.\n\
                 Next: install python3 and python3-venv; all other tests run without it."
            )
        })
    }

    fn tag(&self) -> String {
        let (major, minor) = self.version;
        format!("py{major}.{minor}")
    }
}

fn version_of(program: &str) -> Option<(u32, u32)> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut parts = text.strip_prefix("Python ")?.trim().split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn requirements(server: &Server) -> PathBuf {
    repo::root().join(server.of).join(server.name).join("requirements.txt")
}

/// The first 16 hex digits of the SHA-256 of the file. `tests/src/cache.rs` computes the same.
pub(super) fn hash_of(wanted: &Path) -> Result<String, String> {
    let content = fs::read(wanted).map_err(|error| cannot("read", wanted, &error))?;
    Ok(hex(&Sha256::digest(content))[..16].to_owned())
}

fn write_manifest(folder: &Path) -> Result<(), String> {
    let mut lines: Vec<String> = files(folder, Path::new(""))?
        .into_iter()
        .filter_map(|file| Some(format!("{} {}\n", fs::metadata(folder.join(&file)).ok()?.len(), file.display())))
        .collect();
    lines.sort();
    let path = folder.join(MANIFEST);
    fs::write(&path, lines.concat()).map_err(|error| cannot("write", &path, &error))
}

/// All files below a folder, but what Python compiles by itself.
fn files(folder: &Path, below: &Path) -> Result<Vec<PathBuf>, String> {
    let here = folder.join(below);
    let mut all = Vec::new();
    for entry in fs::read_dir(&here).map_err(|error| cannot("read", &here, &error))?.flatten() {
        let path = below.join(entry.file_name());
        // A link is what it leads to.
        match fs::metadata(entry.path()) {
            Ok(meta) if meta.is_dir() && entry.file_name() != "__pycache__" && !entry.path().is_symlink() => {
                all.extend(files(folder, &path)?);
            }
            Ok(meta) if meta.is_file() => all.push(path),
            _ => {}
        }
    }
    Ok(all)
}

/// Says why the environment is not what its manifest promises.
fn check(folder: &Path) -> Result<(), String> {
    let manifest = fs::read_to_string(folder.join(MANIFEST)).map_err(|error| error.to_string())?;
    if manifest.is_empty() {
        return Err("its list of files is empty".to_owned());
    }
    for line in manifest.lines() {
        let promised = line.split_once(' ').and_then(|(size, file)| Some((size.parse::<u64>().ok()?, file)));
        let Some((size, file)) = promised else { return Err("its list of files cannot be read".to_owned()) };
        match fs::metadata(folder.join(file)) {
            Ok(meta) if meta.len() == size => {}
            Ok(_) => return Err(format!("{file} has another length")),
            Err(error) => return Err(format!("{file}: {error}")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An interpreter that makes an environment with one file, whose own interpreter installs nothing and counts that.
    const FAKE: &str = r#"
if [ "$1" = --version ]; then echo "Python 3.12.1"; exit; fi
mkdir -p "$3/bin" && echo whole > "$3/module.py"
printf '#!/bin/sh\n[ "$2" = pip ] && echo once >> %s\nexit 0\n' "$(dirname "$0")/installed" > "$3/bin/python"
chmod +x "$3/bin/python"
"#;

    struct Bench(PathBuf);

    impl Bench {
        fn new(test: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("pilothouse-xtask-python-{}-{test}", std::process::id()));
            fs::create_dir_all(folder.join("cache")).unwrap();
            let program = folder.join("python");
            fs::write(&program, format!("#!/bin/sh\n{FAKE}")).unwrap();
            assert!(Command::new("chmod").arg("+x").arg(&program).status().unwrap().success());
            Self(folder)
        }

        /// Builds for these requirements; how often anything was installed until now.
        fn build(&self, wanted: &str) -> usize {
            let file = self.0.join("requirements.txt");
            fs::write(&file, wanted).unwrap();
            let python = Python::find(&[self.0.join("python").to_str().unwrap()]).unwrap();
            build(&self.0.join("cache"), &SERVERS[0], &python, &file, false).unwrap();
            fs::read_to_string(self.0.join("installed")).unwrap_or_default().lines().count()
        }

        fn folders(&self) -> Vec<PathBuf> {
            let entries = fs::read_dir(self.0.join("cache")).unwrap().flatten().map(|entry| entry.path());
            entries.filter(|path| path.is_dir()).collect()
        }
    }

    impl Drop for Bench {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn an_environment_is_made_once_for_each_content_and_heals_itself() {
        let bench = Bench::new("heals");
        assert_eq!((bench.build("a==1\n"), bench.build("a==1\n")), (1, 1));
        let folder = bench.folders().remove(0);
        assert!(folder.to_string_lossy().ends_with("-py3.12"), "{}", folder.display());
        fs::write(folder.join("module.py"), "").unwrap();
        assert_eq!(bench.build("a==1\n"), 2);
        fs::remove_file(folder.join("module.py")).unwrap();
        assert_eq!(bench.build("a==1\n"), 3);
        fs::write(folder.join(MANIFEST), "").unwrap();
        assert_eq!(bench.build("a==1\n"), 4);
        assert_eq!((bench.build("a==2\n"), bench.folders().len()), (5, 2));
    }

    #[test]
    fn a_machine_without_python_is_told_what_to_do() {
        let told = Python::find(&["no-such-python"]).err().unwrap();
        assert!(told.contains("Next: install python3"), "{told}");
    }
}

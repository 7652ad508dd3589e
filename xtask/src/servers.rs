//! Builds the real servers that the tests start, once for each content of `tests/servers`.
//! Knows how they are compiled and kept, not how they are started (that is `tests/src`).
//!
//! The cache: `<cache>/servers/<server>-<hash of the sources>-<Go version>/` holds the binary and
//! `SHA256SUMS`; servers from PyPI stand beside ([`python`]). A folder is made under another name and renamed when it is whole, so that a
//! build that was stopped leaves nothing that looks finished.

mod list;
mod models;
mod python;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use crate::repo;
use sha2::{Digest, Sha256};

use list::{SERVERS, Server, file_name};

const MANIFEST: &str = "SHA256SUMS";
/// In front of the name of a folder that is being made.
const UNFINISHED: &str = ".unfinished-";
/// Folders kept for each server: today's and the one of the branch before.
const KEPT: usize = 2;

/// Makes sure that every server is in the cache, whole, and returns the folder that holds them.
pub fn build() -> Result<PathBuf, String> {
    let cache = cache_folder()?.join("servers");
    build_in(&cache, &["go"])?;
    python::build_in(&cache)?;
    models::build_in(&cache)?;
    Ok(cache)
}

/// Makes sure that the peers of a figure are in the cache, whole: other clients, from PyPI.
pub fn build_peers() -> Result<(), String> {
    let cache = cache_folder()?.join("servers");
    fs::create_dir_all(&cache).map_err(|e| cannot("make the folder", &cache, &e))?;
    python::build_peers_in(&cache)
}

/// `go` is the compiler's command line, so that the tests can put something quicker there.
fn build_in(cache: &Path, go: &[&str]) -> Result<(), String> {
    let version = go_version(go)?;
    fs::create_dir_all(cache).map_err(|e| cannot("make the folder", cache, &e))?;
    let _lock = lock(cache)?;
    for server in SERVERS {
        let sources = source_folder(server);
        let key = format!("{}-{}-{version}", server.name, source_hash(&sources)?);
        let folder = cache.join(key);
        match check(&folder, server) {
            Ok(()) => say(&format!("{} is built", server.name)),
            Err(reason) => {
                if folder.exists() {
                    say(&format!("{} is damaged ({reason}): making it anew", server.name));
                    remove(&folder)?;
                }
                compile(go, server, &sources, &folder)?;
            }
        }
        prune(cache, server.name, &folder)?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a person waits for the build and is told how long it took")]
fn compile(go: &[&str], server: &Server, sources: &Path, folder: &Path) -> Result<(), String> {
    say(&format!("building {}, {}", server.name, server.takes));
    let start = Instant::now();
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = folder.with_file_name(format!("{UNFINISHED}{name}"));
    remove(&unfinished)?;
    fs::create_dir_all(&unfinished).map_err(|e| cannot("make the folder", &unfinished, &e))?;
    for (program, package) in server.programs {
        compile_one(go, server, package, (sources, &unfinished.join(program)), start)?;
    }
    copy_files(go, server, sources, &unfinished)?;
    write_manifest(&unfinished, server)?;
    fs::rename(&unfinished, folder).map_err(|e| cannot("rename", &unfinished, &e))?;
    say(&format!("built {} in {}", server.name, spoken(start.elapsed())));
    Ok(())
}

fn compile_one(
    go: &[&str],
    server: &Server,
    package: &str,
    (sources, binary): (&Path, &Path),
    start: Instant,
) -> Result<(), String> {
    let mut build = command(go)
        // -mod=readonly: a build never changes go.mod or go.sum. -p 2: the linker alone takes
        // 2.5 GiB, and the compilers as much together.
        .args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-p", "2"])
        .args(["-ldflags", server.ldflags, "-o"])
        .arg(binary)
        .arg(package)
        .current_dir(sources)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .spawn()
        .map_err(|e| no_go(&e))?;
    let status = wait(&mut build, start).map_err(|e| format!("servers: lost the Go build: {e}"))?;
    if !status.success() {
        return Err(format!(
            "servers: could not build {}: go build ended with {status}.\n\
             Why: see the lines above; with no network, the modules cannot be fetched.\n\
             Next: mend it and repeat; what was compiled is kept by Go.",
            server.name
        ));
    }
    Ok(())
}

/// Copies what stands in modules beside their packages: the definitions of their custom resources.
fn copy_files(go: &[&str], server: &Server, sources: &Path, to: &Path) -> Result<(), String> {
    server.files.iter().try_for_each(|(module, paths)| copy_of(go, module, paths, (sources, to)))
}

fn copy_of(go: &[&str], module: &str, paths: &[&str], (sources, to): (&Path, &Path)) -> Result<(), String> {
    let output = command(go)
        .args(["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module])
        .current_dir(sources)
        .env("GOWORK", "off")
        .output()
        .map_err(|e| no_go(&e))?;
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if !output.status.success() || folder.as_os_str().is_empty() {
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("servers: Go does not say where {module} is.\nWhy: {why}\nNext: repeat with a network."));
    }
    for path in paths {
        let from = folder.join(path);
        let to = to.join(file_name(path));
        // Written anew: files of a module may not be written to, and a copy would take that over.
        let content = fs::read(&from).map_err(|e| cannot("read", &from, &e))?;
        fs::write(&to, content).map_err(|e| cannot("write", &to, &e))?;
    }
    Ok(())
}

/// Waits for the build and says each minute that it is still alive.
#[expect(clippy::disallowed_methods, reason = "a child process is waited for, and there is no runtime to block")]
fn wait(build: &mut Child, start: Instant) -> io::Result<ExitStatus> {
    let mut said = 0;
    loop {
        if let Some(status) = build.try_wait()? {
            return Ok(status);
        }
        let minutes = start.elapsed().as_secs() / 60;
        if minutes > said {
            said = minutes;
            say(&format!("still building, {minutes} min"));
        }
        sleep(Duration::from_millis(200));
    }
}

fn command(line: &[&str]) -> Command {
    let mut command = Command::new(line[0]);
    command.args(&line[1..]);
    command
}

fn go_version(go: &[&str]) -> Result<String, String> {
    let output = command(go)
        .args(["env", "GOVERSION"])
        .current_dir(source_folder(&SERVERS[0]))
        .output()
        .map_err(|e| no_go(&e))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !version.is_empty() {
        return Ok(version);
    }
    Err(format!(
        "servers: Go does not say its version.\nWhy: {}\nNext: install Go 1.26 or newer.",
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}

fn no_go(error: &io::Error) -> String {
    format!(
        "servers: could not run `go` ({error}).\n\
         Why: the tests use real servers, which are written in Go and compiled from their sources.\n\
         Next: install Go 1.26 or newer and put it on the PATH; all other tests run without it."
    )
}

/// One build at a time: a second one waits, and then finds the work done.
fn lock(cache: &Path) -> Result<File, String> {
    let path = cache.join("lock");
    let file = File::create(&path).map_err(|e| cannot("make the lock", &path, &e))?;
    if file.try_lock().is_err() {
        say("another build is running; waiting for it");
        file.lock().map_err(|e| cannot("lock", &path, &e))?;
    }
    Ok(file)
}

fn cache_folder() -> Result<PathBuf, String> {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    from("PILOTHOUSE_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|folder| folder.join("pilothouse")))
        .or_else(|| from("HOME").map(|folder| folder.join(".cache/pilothouse")))
        .ok_or_else(|| {
            "servers: there is no cache folder.\n\
             Why: none of PILOTHOUSE_CACHE, XDG_CACHE_HOME and HOME is set.\n\
             Next: set PILOTHOUSE_CACHE to a folder."
                .to_owned()
        })
}

fn source_folder(server: &Server) -> PathBuf {
    repo::root().join("tests/servers").join(server.name)
}

/// The first 16 hex digits of the SHA-256 over the names and bytes of go.mod, go.sum and *.go.
/// `tests/src/cache.rs` computes the same to find the binary without Go.
fn source_hash(sources: &Path) -> Result<String, String> {
    let entries = fs::read_dir(sources).map_err(|e| cannot("read", sources, &e))?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name == "go.mod" || name == "go.sum" || name.ends_with(".go"))
        .collect();
    names.sort();
    let mut hash = Sha256::new();
    for name in names {
        let path = sources.join(&name);
        let content = fs::read(&path).map_err(|e| cannot("read", &path, &e))?;
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(content);
    }
    Ok(hex(&hash.finalize())[..16].to_owned())
}

fn write_manifest(folder: &Path, server: &Server) -> Result<(), String> {
    let line = |name: &str| Ok(format!("{}  {name}\n", sum_of(&folder.join(name))?));
    let lines = server.parts().map(line).collect::<Result<String, String>>()?;
    let path = folder.join(MANIFEST);
    fs::write(&path, lines).map_err(|e| cannot("write", &path, &e))
}

/// Says why what is in the folder is not what the manifest promises.
fn check(folder: &Path, server: &Server) -> Result<(), String> {
    let manifest = fs::read_to_string(folder.join(MANIFEST)).map_err(|e| e.to_string())?;
    for name in server.parts() {
        let actual = format!("{}  {name}", sum_of(&folder.join(name))?);
        if !manifest.lines().any(|line| line == actual) {
            return Err(format!("the checksum of {name} is another"));
        }
    }
    Ok(())
}

fn sum_of(path: &Path) -> Result<String, String> {
    let mut file = File::open(path).map_err(|e| cannot("open", path, &e))?;
    let mut hash = Sha256::new();
    io::copy(&mut file, &mut hash).map_err(|e| cannot("read", path, &e))?;
    Ok(hex(&hash.finalize()))
}

/// Removes what is left of stopped builds, and all but the newest folders of a server.
fn prune(cache: &Path, name: &str, current: &Path) -> Result<(), String> {
    let entries = fs::read_dir(cache).map_err(|e| cannot("read", cache, &e))?;
    let mut others: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in entries.flatten() {
        let file_name = entry.file_name().to_string_lossy().into_owned();
        if file_name.starts_with(&format!("{UNFINISHED}{name}-")) {
            remove(&entry.path())?;
        } else if file_name.starts_with(&format!("{name}-")) && entry.path() != current {
            let changed = entry.metadata().and_then(|meta| meta.modified());
            others.push((changed.unwrap_or(SystemTime::UNIX_EPOCH), entry.path()));
        }
    }
    others.sort();
    // The current one is kept and is not among them.
    others.truncate((others.len() + 1).saturating_sub(KEPT));
    others.iter().try_for_each(|(_, path)| remove(path))
}

fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(cannot("remove", folder, &e)),
        _ => Ok(()),
    }
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> String {
    format!("servers: could not {what} {}: {error}", path.display())
}

fn say(line: &str) {
    eprintln!("servers: {line}");
}

fn spoken(time: Duration) -> String {
    format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A compiler that knows its version, writes one line where a binary should be, and has a module of one line a file.
    const FAKE_GO: &str = r#"
if [ "$1" = env ]; then echo "$VERSION"; exit; fi
if [ "$1" = list ]; then
    folder=$(dirname "$0")/module
    for path in $PATHS; do
        mkdir -p "$folder/$(dirname "$path")"
        echo "of $path" > "$folder/$path"
    done
    echo "$folder"
    exit
fi
while [ "$1" != -o ]; do shift; done
echo compiled > "$2"
echo once >> "$(dirname "$0")/compiled"
"#;

    /// How many programs all servers are.
    fn programs() -> usize {
        SERVERS.iter().map(|server| server.programs.len()).sum()
    }

    struct Bench {
        folder: PathBuf,
    }

    impl Bench {
        fn new(test: &str) -> Self {
            let name = format!("pilothouse-xtask-{}-{test}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder).unwrap();
            Self { folder }
        }

        /// Builds with a fake Go of this version; returns how many programs it has compiled until now.
        fn build(&self, version: &str) -> usize {
            let go = self.folder.join("go");
            let paths: Vec<&str> =
                SERVERS.iter().flat_map(|server| server.files).flat_map(|(_, paths)| *paths).copied().collect();
            fs::write(&go, format!("VERSION={version}\nPATHS='{}'\n{FAKE_GO}", paths.join(" "))).unwrap();
            build_in(&self.folder.join("cache"), &["sh", go.to_str().unwrap()]).unwrap();
            let log = fs::read_to_string(self.folder.join("compiled"));
            log.unwrap_or_default().lines().count()
        }

        /// The folders of a server in the cache, oldest version first.
        fn folders(&self, server: &str) -> Vec<PathBuf> {
            let entries = fs::read_dir(self.folder.join("cache")).unwrap().flatten();
            let is_its = |path: &PathBuf| {
                path.is_dir() && path.file_name().is_some_and(|name| name.to_string_lossy().contains(server))
            };
            let mut all: Vec<PathBuf> = entries.map(|e| e.path()).filter(is_its).collect();
            all.sort();
            all
        }
    }

    impl Drop for Bench {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }

    #[test]
    fn a_second_build_finds_the_first() {
        let bench = Bench::new("second");
        assert_eq!(bench.build("go1.0"), programs());
        assert_eq!(bench.build("go1.0"), programs());
    }

    #[test]
    fn a_damaged_cache_heals_itself() {
        let bench = Bench::new("damaged");
        bench.build("go1.0");
        let binary = bench.folders("controlplane")[0].join("controlplane");
        fs::write(&binary, "c0mpiled\n").unwrap();
        assert_eq!(bench.build("go1.0"), programs() + 1);
        assert_eq!(fs::read_to_string(&binary).unwrap(), "compiled\n");
        fs::remove_file(&binary).unwrap();
        assert_eq!(bench.build("go1.0"), programs() + 2);
    }

    #[test]
    fn files_of_a_module_are_kept_beside_its_programs_and_are_mended_with_them() {
        let bench = Bench::new("files");
        bench.build("go1.0");
        let file = bench.folders("rollouts")[0].join("rollout-crd.yaml");
        assert_eq!(fs::read_to_string(&file).unwrap(), "of manifests/crds/rollout-crd.yaml\n");
        fs::write(&file, "of something else\n").unwrap();
        // Its two programs with it, and nothing of the other server.
        assert_eq!(bench.build("go1.0"), programs() + 2);
        assert_eq!(fs::read_to_string(&file).unwrap(), "of manifests/crds/rollout-crd.yaml\n");
    }

    #[test]
    fn two_keys_are_kept_and_no_unfinished_build() {
        let bench = Bench::new("prune");
        let stopped = bench.folder.join("cache/.unfinished-controlplane-0-go1.0");
        fs::create_dir_all(&stopped).unwrap();
        for version in ["go1.0", "go1.1", "go1.2"] {
            bench.build(version);
        }
        let all = bench.folders("controlplane");
        let names: Vec<String> = all.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
        assert!(names[0].ends_with("-go1.1") && names[1].ends_with("-go1.2"), "{names:?}");
    }

    #[test]
    fn no_go_says_what_to_do() {
        let cache = std::env::temp_dir();
        let message = build_in(&cache, &["no-such-compiler"]).unwrap_err();
        assert!(message.contains("Next: install Go"), "{message}");
    }
}

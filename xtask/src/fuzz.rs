//! `cargo xtask fuzz`: gives the parsers of foreign bytes inputs that nobody thought of. Works with the same stable Rust
//! as everything else: the compiler counts what is reached, libFuzzer makes inputs that reach more.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::stopwatch::Stopwatch;
use crate::{Outcome, command, heal, repo};

/// Which targets, and for how long.
#[derive(clap::Args)]
pub struct Options {
    /// The targets: files of fuzz/targets; all of them if none is given
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// How long each target is run
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,
}

/// Counters at each edge, and the values of comparisons, as libFuzzer reads them.
const COVERAGE: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];

/// Bytes of one input: more makes them slower, not better.
const LONGEST: usize = 4_096;
/// Seconds that one input may take.
const SLOWEST: u64 = 10;
/// Lines of a target's output that are shown when it fails.
const LAST_LINES: usize = 40;
/// Seconds between two lines of progress.
const PULSE: u64 = 10;

/// The verb.
pub fn run(options: &Options) -> Outcome {
    let all = targets()?;
    if let Some(unknown) = options.targets.iter().find(|name| !all.contains(name)) {
        return Err(format!("There is no target {unknown}. There are: {}.", all.join(", ")));
    }
    let wanted = if options.targets.is_empty() { &all } else { &options.targets };
    let programs = build(wanted)?;
    let failed: Vec<String> =
        wanted.iter().filter_map(|name| fuzz(name, &programs.join(name), options.seconds).err()).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n\n")) }
}

fn folder() -> PathBuf {
    repo::root().join("fuzz")
}

fn targets() -> Result<Vec<String>, String> {
    let folder = folder().join("targets");
    let files = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let name = |file: PathBuf| Some(file.file_stem()?.to_str()?.to_owned());
    let mut names: Vec<String> = files.flatten().filter_map(|file| name(file.path())).collect();
    names.sort();
    Ok(names)
}

/// Builds the targets; the folder that their programs are in.
fn build(names: &[String]) -> Result<PathBuf, String> {
    let target = repo::cache().join("target").join("fuzz");
    adopt_versions(&target)?;
    let host = host()?;
    let mut cargo = command::program("cargo");
    // With its target named, the flags are not for build scripts and macros, which nobody fuzzes.
    cargo.args(["build", "--release", "--target", &host, "--manifest-path", "fuzz/Cargo.toml"]);
    cargo.args(names.iter().flat_map(|name| ["--bin", name]));
    cargo.env("CARGO_TARGET_DIR", &target).env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}"));
    println!("Building {} targets; the first time takes minutes.", names.len());
    heal::cargo(&mut cargo, &target, "release")?;
    Ok(target.join(host).join("release"))
}

/// What is fuzzed is what is shipped: the targets begin with the workspace's versions, whenever those change.
fn adopt_versions(target: &Path) -> Outcome {
    let (ours, theirs, adopted) =
        (repo::root().join("Cargo.lock"), folder().join("Cargo.lock"), target.join("adopted.lock"));
    let failed = |file: &Path, error: &std::io::Error| format!("{}: {error}", file.display());
    let lock = fs::read(&ours).map_err(|error| failed(&ours, &error))?;
    if theirs.exists() && fs::read(&adopted).is_ok_and(|adopted| adopted == lock) {
        return Ok(());
    }
    fs::create_dir_all(target).map_err(|error| failed(target, &error))?;
    for copy in [&theirs, &adopted] {
        fs::write(copy, &lock).map_err(|error| failed(copy, &error))?;
    }
    Ok(())
}

fn host() -> Result<String, String> {
    let about = command::quiet(Command::new("rustc").arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc -vV names no host.".to_owned())
}

/// Runs a target; `Err` says what it found and where the input is kept.
fn fuzz(name: &str, program: &Path, seconds: u64) -> Outcome {
    let kept = repo::cache().join("fuzz");
    let (corpus, found) = (kept.join("corpus").join(name), kept.join("found").join(name));
    for folder in [&corpus, &found] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut fuzzer = command::program(program);
    // What reaches something new is kept in the first folder; the seeds are only read.
    fuzzer.arg(&corpus).args(Some(folder().join("seeds").join(name)).filter(|seeds| seeds.is_dir()));
    fuzzer.arg(format!("-artifact_prefix={}/", found.display())).arg(format!("-max_total_time={seconds}"));
    fuzzer.arg(format!("-max_len={LONGEST}")).arg(format!("-timeout={SLOWEST}"));
    // Whoever wants to know the way to it runs it again; the last lines are to say what does not hold.
    fuzzer.env("RUST_BACKTRACE", "0");
    println!("\n── {name}, for {seconds} s");
    let (report, ended) = watch(&mut fuzzer)?;
    if ended.is_ok() {
        println!("   {}; nothing found.", report.line());
        return Ok(());
    }
    let input = report.input.as_ref().map_or_else(|| found.display().to_string(), Clone::clone);
    let again = format!("{} {input}", program.display());
    Err(format!(
        "{}\n{name} found something, after {}.\nThe input is kept in {input}\nAgain: {again}\nNext: a failing test, the \
         correction, and the input as a seed in fuzz/seeds/{name}/.",
        report.last.iter().map(String::as_str).collect::<Vec<_>>().join("\n"),
        report.line(),
    ))
}

/// What a run says of itself.
#[derive(Default)]
struct Report {
    runs: u64,
    edges: u64,
    inputs: u64,
    /// Where it wrote the input that it stumbled over.
    input: Option<String>,
    last: VecDeque<String>,
}

impl Report {
    /// Takes a line of libFuzzer: `#4096 pulse cov: 231 ft: 612 corp: 88/1204b …`.
    fn take(&mut self, line: &str) {
        if let Some(count) = line.strip_prefix('#') {
            let number = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok();
            let after = |word: &str| line.split_once(word).and_then(|(_, rest)| number(rest));
            self.runs = number(count).unwrap_or(self.runs);
            self.edges = after("cov: ").unwrap_or(self.edges);
            self.inputs = after("corp: ").unwrap_or(self.inputs);
            return;
        }
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.input = Some(path.trim().to_owned());
        }
        self.last.push_back(line.to_owned());
        if self.last.len() > LAST_LINES {
            self.last.pop_front();
        }
    }

    fn line(&self) -> String {
        format!("{} runs, {} edges reached, {} inputs kept", self.runs, self.edges, self.inputs)
    }
}

/// Runs the fuzzer and shows how far it is. How it ended is the second part.
fn watch(fuzzer: &mut Command) -> Result<(Report, Outcome), String> {
    let shown = command::line(fuzzer);
    let failed = |error: std::io::Error| format!("`{shown}`: {error}.");
    let mut child = fuzzer.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    let (mut report, since) = (Report::default(), Stopwatch::start());
    let mut next = PULSE;
    for line in child.stderr.take().map(BufReader::new).into_iter().flat_map(|lines| lines.split(b'\n')) {
        report.take(&String::from_utf8_lossy(&line.map_err(failed)?));
        if since.elapsed().as_secs() >= next {
            println!("   {:>4} s: {}", since.elapsed().as_secs(), report.line());
            next = since.elapsed().as_secs() + PULSE;
        }
    }
    let status = child.wait().map_err(failed)?;
    Ok((report, if status.success() { Ok(()) } else { Err(status.to_string()) }))
}

#[cfg(test)]
mod tests {
    use super::Report;

    #[test]
    fn a_report_is_read_out_of_what_the_fuzzer_says() {
        let mut report = Report::default();
        report.take("INFO: Seed: 1");
        report.take("#4096\tpulse  cov: 231 ft: 612 corp: 88/1204b lim: 43 exec/s: 2048 rss: 40Mb");
        assert_eq!(report.line(), "4096 runs, 231 edges reached, 88 inputs kept");
        report.take("artifact_prefix='x/'; Test unit written to x/crash-1");
        assert_eq!(report.input.as_deref(), Some("x/crash-1"));
    }
}

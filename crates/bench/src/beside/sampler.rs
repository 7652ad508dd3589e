//! The thread that reads beside a load.

use super::{
    Beside, EVERY, Gpus, Watched, exposition,
    gpus::{Course, Gpu},
    tree::Tree,
};
use crate::{
    client::{Client, Way},
    plan::{Api, Target},
};
use pilothouse_connect_local::beside;
use std::{
    collections::BTreeMap,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// How long a server may take to tell what it counts.
const PATIENCE: Duration = Duration::from_secs(5);

/// What reads, while it does.
pub struct Sampler {
    stop: SyncSender<()>,
    thread: Option<JoinHandle<Read>>,
    metrics: Option<Counted>,
    missing: Vec<String>,
}

/// What was read, and the power of each of its GPUs as it went.
#[derive(Debug, Default)]
pub struct Read {
    beside: Beside,
    courses: Vec<Course>,
}

impl Read {
    /// What was read, with the power that was taken between these moments, which are those that are measured.
    #[must_use]
    pub fn over(self, from: Instant, to: Instant) -> Beside {
        let mut beside = self.beside;
        for (gpu, course) in beside.gpus.iter_mut().zip(self.courses) {
            gpu.measured_w = course.over(from, to);
        }
        beside
    }
}

/// What a server counts.
struct Counted {
    client: Client,
    before: BTreeMap<String, f64>,
}

impl Sampler {
    /// Begins to read; none where there is nothing to. What the server counts is asked for here, before the load.
    #[must_use]
    pub fn start(watched: &Watched, target: &Target, runtime: &Runtime) -> Option<Self> {
        if watched.is_nothing() {
            return None;
        }
        let mut missing = Vec::new();
        let metrics = watched.metrics.as_deref().and_then(|url| match asked(url, target, runtime) {
            Ok(counted) => Some(counted),
            Err(why) => {
                missing.push(format!("{url}: {why}"));
                None
            }
        });
        let (stop, stopped) = sync_channel(1);
        let watched = watched.clone();
        let thread = thread::Builder::new().name("bench-beside".into()).spawn(move || read(&watched, &stopped));
        let thread = thread.map_err(|error| missing.push(format!("this system gives no thread: {error}"))).ok();
        Some(Self { stop, thread, metrics, missing })
    }

    /// Ends it. What the server counts is asked for once more.
    #[must_use]
    pub fn end(self, runtime: &Runtime) -> Read {
        drop(self.stop);
        let mut read = self.thread.and_then(|thread| thread.join().ok()).unwrap_or_default();
        let beside = &mut read.beside;
        beside.missing.extend(self.missing);
        if let Some(Counted { client, before }) = self.metrics {
            match get(&client, runtime) {
                Ok(after) => {
                    let both = before
                        .into_iter()
                        .filter_map(|(name, before)| Some((name.clone(), (before, *after.get(&name)?))));
                    beside.metrics = both.collect();
                }
                Err(why) => beside.missing.push(format!("what the server counts, after the load: {why}")),
            }
        }
        read
    }
}

fn asked(url: &str, target: &Target, runtime: &Runtime) -> Result<Counted, String> {
    let key = crate::client::key(&target.key).map_err(|problem| problem.what)?;
    let target = Target { url: url.to_owned(), api: Api::Http, ..target.clone() };
    let way = Way::new(&target, key).map_err(|problem| problem.what)?;
    let client = runtime.block_on(async { way.begin(tokio::time::Instant::now()) });
    let before = get(&client, runtime)?;
    Ok(Counted { client, before })
}

fn get(client: &Client, runtime: &Runtime) -> Result<BTreeMap<String, f64>, String> {
    let got = runtime.block_on(async { tokio::time::timeout(PATIENCE, client.get()).await });
    let got = got.map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?;
    let body = got.map_err(|failure| format!("{} {}", failure.kind.words(), failure.detail).trim().to_owned())?;
    Ok(exposition::read(&String::from_utf8_lossy(&body)))
}

#[allow(clippy::disallowed_methods, reason = "the thread that measures reads the clock that never goes back")]
fn now() -> Instant {
    Instant::now()
}

fn read(watched: &Watched, stopped: &Receiver<()>) -> Read {
    let mut beside = Beside { every_ms: u64::try_from(EVERY.as_millis()).unwrap_or(u64::MAX), ..Beside::default() };
    let mut tree = watched.process.and_then(|process| {
        let tree = Tree::new(process, now());
        if tree.is_none() {
            beside.missing.push(format!("there is no process {process} on this machine"));
        }
        tree
    });
    let library = match &watched.gpus {
        Gpus::No => None,
        Gpus::Usual => Some(None),
        Gpus::Library(file) => Some(Some(file.as_str())),
    };
    let mut driver = library.and_then(|library| match beside::Gpus::open(library) {
        Ok(driver) => Some(driver),
        Err(why) => {
            beside.missing.push(format!("GPUs: {why}"));
            None
        }
    });
    beside.driver = driver.as_ref().and_then(|driver| driver.driver()).map(str::to_owned);
    let mut gpus: BTreeMap<String, Gpu> = BTreeMap::new();
    let mut due = now();
    loop {
        let at = now();
        beside.readings += 1;
        if let Some(tree) = &mut tree {
            tree.read(at);
        }
        let own = tree.as_ref().map(Tree::processes);
        for one in driver.iter_mut().flat_map(beside::Gpus::read) {
            gpus.entry(one.uuid.to_string()).or_default().take(&one, at, own.as_deref());
        }
        // What took longer than a tenth of a second is not made up for.
        due = (due + EVERY).max(now());
        match stopped.recv_timeout(due.saturating_duration_since(now())) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    beside.server = tree.as_ref().and_then(Tree::end);
    let mut gpus: Vec<_> = gpus.into_values().map(Gpu::end).collect();
    gpus.sort_by_key(|(gpu, _)| gpu.index);
    let courses;
    (beside.gpus, courses) = gpus.into_iter().unzip();
    Read { beside, courses }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::plan;

    #[test]
    fn what_is_there_is_read_and_what_is_not_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let library = pilothouse_connect_local::stub::build(folder.path(), &[]).unwrap();
        std::fs::write(
            folder.path().join("libnvml-mock.so.conf"),
            format!("gpus 1\nutil 40\nheat 61\ncap 650000\nreasons 4\npid {}\n", std::process::id()),
        )
        .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let watched = Watched {
            process: Some(std::process::id()),
            metrics: Some("http://127.0.0.1:1/metrics".into()),
            gpus: Gpus::Library(library.display().to_string()),
            ..Watched::default()
        };
        let beside = Sampler::start(&watched, &plan().target, &runtime).unwrap().end(&runtime).beside;
        assert!(beside.readings >= 1 && beside.server.is_some_and(|of| of.processes >= 1), "{beside:?}");
        let gpu = &beside.gpus[0];
        assert_eq!((beside.gpus.len(), gpu.product.as_deref()), (1, Some("NVIDIA H100 80GB HBM3")));
        assert_eq!((gpu.temperature_c.map(|of| of.high), gpu.power_cap_w.map(|of| of.low)), (Some(61.0), Some(650.0)));
        assert_eq!((gpu.slowed.get("software power cap"), gpu.is_used), (Some(&1.0), Some(true)));
        assert!(beside.driver.is_some() && gpu.series.is_some(), "{beside:?}");
        assert_eq!(beside.missing.len(), 1, "{:?}", beside.missing);
        assert!(beside.missing[0].starts_with("http://127.0.0.1:1/metrics: nobody listens"), "{:?}", beside.missing);
        let nothing =
            Watched { process: Some(u32::MAX - 1), gpus: Gpus::Library("/no/such.so".into()), ..Watched::default() };
        let beside = Sampler::start(&nothing, &plan().target, &runtime).unwrap().end(&runtime).beside;
        assert_eq!((beside.server, beside.gpus.len(), beside.missing.len()), (None, 0, 2), "{:?}", beside.missing);
        assert!(Sampler::start(&Watched::default(), &plan().target, &runtime).is_none());
    }
}

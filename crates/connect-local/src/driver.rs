//! The driver's library: loaded in a thread of its own, since loading it may hang.

use nvml_wrapper::{Nvml, error::NvmlError};
use std::{
    ffi::OsString,
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread,
    time::Duration,
};

/// The library that NVIDIA's driver brings on Linux.
pub const USUAL: &str = "libnvidia-ml.so.1";
/// Loading wakes each GPU that no other program keeps awake: seconds each, on a board of eight.
const PATIENCE: Duration = Duration::from_secs(30);

/// The loaded library.
#[derive(Debug)]
pub struct Driver {
    pub nvml: Arc<Nvml>,
    /// Version of the driver. Source: `nvmlSystemGetDriverVersion`.
    pub version: Option<String>,
    /// How many GPUs the driver has. Source: `nvmlDeviceGetCount`.
    pub gpus: u32,
}

/// Why there is no driver to ask.
#[derive(Debug)]
pub enum Failure {
    /// The library or its driver says so.
    Said(NvmlError),
    /// It does not come back.
    Hangs(Duration),
    /// The operating system gives us no thread.
    NoThread(String),
}

/// Loads one library. A load that hangs is waited for again, and not begun a second time: its thread cannot be ended.
#[derive(Debug)]
pub struct Loader {
    library: OsString,
    pending: Option<Receiver<Result<Driver, NvmlError>>>,
}

impl Loader {
    /// Of the library that a person named, or the usual one.
    pub fn new(named: Option<&str>) -> Self {
        let home = std::env::home_dir();
        let library = match named {
            None => OsString::from(USUAL),
            Some(named) => match (named.strip_prefix("~/"), home) {
                (Some(rest), Some(home)) => home.join(rest).into_os_string(),
                _ => OsString::from(named),
            },
        };
        Self { library, pending: None }
    }

    /// Another one, of the same library.
    pub fn named(&self) -> Self {
        Self { library: self.library.clone(), pending: None }
    }

    /// Loads it. Blocks, but not for ever.
    ///
    /// # Errors
    /// Why it is not there.
    pub fn load(&mut self) -> Result<Driver, Failure> {
        let pending = match self.pending.take() {
            Some(pending) => pending,
            None => begin(self.library.clone()).map_err(|error| Failure::NoThread(error.to_string()))?,
        };
        match pending.recv_timeout(PATIENCE) {
            Ok(loaded) => loaded.map_err(Failure::Said),
            Err(RecvTimeoutError::Timeout) => {
                self.pending = Some(pending);
                Err(Failure::Hangs(PATIENCE))
            }
            Err(RecvTimeoutError::Disconnected) => Err(Failure::Said(NvmlError::Unknown)),
        }
    }

    /// The library as people write it.
    pub fn shown(&self) -> String {
        redacted(&Path::new(&self.library).display().to_string())
    }
}

fn begin(library: OsString) -> std::io::Result<Receiver<Result<Driver, NvmlError>>> {
    let (answer, pending) = sync_channel(1);
    thread::Builder::new().name("nvml-load".to_owned()).spawn(move || {
        // Nobody waits for it any more: then it is unloaded again.
        let _ = answer.send(load(&library));
    })?;
    Ok(pending)
}

fn load(library: &OsString) -> Result<Driver, NvmlError> {
    let nvml = Nvml::builder().lib_path(library).init()?;
    let gpus = nvml.device_count()?;
    let version = nvml.sys_driver_version().ok().filter(|version| !version.is_empty());
    Ok(Driver { nvml: Arc::new(nvml), version, gpus })
}

/// Words of the loader without the name of the person whose home a path is in.
pub fn redacted(words: &str) -> String {
    let home = std::env::home_dir().map(|home| home.display().to_string());
    match home.filter(|home| home.len() > 1) {
        Some(home) => words.replace(&home, "~"),
        None => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_at_home_is_shown_without_the_name_of_its_home() {
        assert_eq!(Loader::new(None).shown(), USUAL);
        assert_eq!(Loader::new(Some("/opt/nvml.so")).shown(), "/opt/nvml.so");
        if std::env::home_dir().is_some_and(|home| home.parent().is_some()) {
            assert_eq!(Loader::new(Some("~/nvml.so")).shown(), "~/nvml.so");
        }
    }
}

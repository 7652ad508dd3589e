//! Where a run was made: what has to be the same for it to be compared, and what the client took of it.

use pilothouse_connect_local::host::Host;
use serde::{Deserialize, Serialize};
use std::{fs, time::Duration};

/// The machine of the client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// The name that it calls itself.
    pub host: Option<String>,
    /// The system and its version.
    pub system: Option<String>,
    /// The version of its kernel.
    pub kernel: Option<String>,
    /// What its processor is called.
    pub processor: Option<String>,
    /// Logical cores.
    pub cores: u64,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// Who measured.
    pub made_by: String,
}

impl Environment {
    /// Asks the operating system.
    #[must_use]
    pub fn read() -> Self {
        let Host { name, cores, memory, system, kernel, processor } = Host::read();
        Self {
            host: Some(name.to_string()),
            system,
            kernel,
            processor,
            cores: cores as u64,
            memory_bytes: memory,
            made_by: format!("pilothouse {} {}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH),
        }
    }
}

/// The processor time of this process so far, where the system tells it.
#[must_use]
pub fn processor_time() -> Option<Duration> {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
    }
    #[cfg(not(unix))]
    {
        None
    }
}

/// The processor time of the thread that asks so far, where the system tells it.
#[must_use]
pub fn thread_time() -> Option<Duration> {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
    }
    #[cfg(not(unix))]
    {
        None
    }
}

/// The most memory that this process had at a time, in bytes, where the system tells it.
#[must_use]
pub fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1_024)
}

/// Sees to it that this many files may be open, connections among them: how many may be, where the system tells it.
pub fn allow_files(wanted: u64) -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        if limit.current.is_some_and(|now| now < wanted) {
            limit.current = Some(limit.maximum.map_or(wanted, |most| most.min(wanted)));
            // Where it is not allowed the limit stays, and is told below.
            let _ = setrlimit(Resource::Nofile, limit);
        }
        getrlimit(Resource::Nofile).current
    }
    #[cfg(not(unix))]
    {
        let _ = wanted;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_told() {
        let environment = Environment::read();
        assert!(environment.cores > 0 && environment.memory_bytes > 0, "{environment:?}");
        assert!(environment.made_by.starts_with("pilothouse "));
        if cfg!(target_os = "linux") {
            assert!(processor_time().is_some() && peak_memory() > Some(100_000));
            assert!(thread_time() <= processor_time() && thread_time().is_some());
            assert!(allow_files(64).is_some_and(|files| files >= 64));
        }
    }
}

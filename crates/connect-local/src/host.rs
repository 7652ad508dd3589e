//! What is known of this machine without a driver: its name, its cores, its memory.

use pilothouse_wire::{SmolStr, units};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// This machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The name that it calls itself.
    pub name: SmolStr,
    /// Logical cores.
    cores: usize,
    /// Memory, in bytes.
    memory: u64,
}

impl Host {
    /// Asks the operating system.
    pub fn read() -> Self {
        let memory = MemoryRefreshKind::nothing().with_ram();
        let wanted = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()).with_memory(memory);
        let system = System::new_with_specifics(wanted);
        let name = System::host_name().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        Self {
            name: name.map_or(SmolStr::new_static("localhost"), SmolStr::from),
            cores: system.cpus().len(),
            memory: system.total_memory(),
        }
    }

    /// Its cores and memory in words: facts have no field for them.
    pub fn words(&self) -> String {
        let Self { name, cores, memory } = self;
        format!("see {name}: {cores} cores, {} of memory", units::bytes(*memory))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_a_name_and_cores_and_memory() {
        let host = Host::read();
        assert!(!host.name.is_empty() && host.cores > 0 && host.memory > 0, "{host:?}");
    }

    #[test]
    fn cores_and_memory_are_told_in_words() {
        let host = Host { name: "gpu-7".into(), cores: 16, memory: 128_000_000_000 };
        assert_eq!(host.words(), "see gpu-7: 16 cores, 128 GB of memory");
    }
}

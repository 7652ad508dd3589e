//! What is known of this machine without a driver: its name, its cores, its memory.

use pilothouse_wire::{SmolStr, units};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// This machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The name that it calls itself.
    pub name: SmolStr,
    /// Logical cores.
    pub cores: usize,
    /// Memory, in bytes.
    pub memory: u64,
    /// The system and its version.
    pub system: Option<String>,
    /// The version of its kernel.
    pub kernel: Option<String>,
    /// What its processor is called.
    pub processor: Option<String>,
}

impl Host {
    /// Asks the operating system.
    #[must_use]
    pub fn read() -> Self {
        let memory = MemoryRefreshKind::nothing().with_ram();
        let wanted = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()).with_memory(memory);
        let system = System::new_with_specifics(wanted);
        let some = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Self {
            name: System::host_name().and_then(some).map_or(SmolStr::new_static("localhost"), SmolStr::from),
            cores: system.cpus().len(),
            memory: system.total_memory(),
            system: System::long_os_version().and_then(some),
            kernel: System::kernel_version().and_then(some),
            processor: system.cpus().first().and_then(|cpu| some(cpu.brand().to_owned())),
        }
    }

    /// Its cores and memory in words, for who asks what can be read here.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { name, cores, memory, .. } = self;
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
        let host = Host { name: "gpu-7".into(), cores: 16, memory: 128_000_000_000, ..Host::read() };
        assert_eq!(host.words(), "see gpu-7: 16 cores, 128 GB of memory");
    }
}

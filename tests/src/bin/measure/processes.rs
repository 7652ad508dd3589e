//! Processes as the kernel tells of them in /proc: who is whose child, when each began, what memory each has.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use acceptance::{Context, Failure, Result};

/// The kernel counts the beginnings of processes in hundredths of a second, on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// The process of a program that was started with this home; other people may run the same program.
pub fn find(program: &Path, home: &Path) -> Option<u32> {
    let wanted = format!("PILOTHOUSE_HOME={}", home.display());
    all().into_iter().find(|id| {
        let is_it = fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|exe| exe == program);
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        is_it && environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
    })
}

/// How long ago a process began.
pub fn age(id: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).could_not("read when a process began")?;
    let uptime = fs::read_to_string("/proc/uptime").could_not("read how long this machine is up")?;
    // The name of the program stands in brackets and may hold anything; the beginning is the 20th word after it.
    let began = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(19)).and_then(|word| word.parse().ok());
    let up = uptime.split(' ').next().and_then(|word| word.parse().ok());
    match (began, up.map(Duration::from_secs_f64)) {
        (Some(began), Some(up)) => Ok(up.saturating_sub(TICK * began)),
        _ => Err(Failure::new("the kernel tells the beginning of a process in another form")),
    }
}

/// A process and all below it.
pub fn tree(root: u32) -> BTreeSet<u32> {
    let parents: Vec<(u32, u32)> = all().into_iter().filter_map(|id| Some((id, number(id, "PPid")? as u32))).collect();
    let mut found = BTreeSet::from([root]);
    loop {
        let more = parents.iter().filter(|(id, parent)| found.contains(parent) && !found.contains(id));
        let more: Vec<u32> = more.map(|(id, _)| *id).collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// A kind of memory of a process, in MB: `VmRSS`, `VmHWM`.
pub fn memory_mb(id: u32, kind: &str) -> Option<f64> {
    number(id, kind).map(|kib| kib as f64 * 1_024.0 / 1e6)
}

/// The memory of a process in MB, with what it shares divided among those who share it.
pub fn shared_fairly_mb(id: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
    field(&text, "Pss").map(|kib| kib as f64 * 1_024.0 / 1e6)
}

/// The processor time of this process so far, to a hundredth of a second.
pub fn processor_time() -> Result<Duration> {
    processor_time_of(std::process::id())
}

/// The processor time of a process so far, to a hundredth of a second.
pub fn processor_time_of(id: u32) -> Result<Duration> {
    // Of its own and of the kernel for it: the 12th and the 13th word after the name.
    ticks(id, 11)
}

/// The processor time so far of the threads of a process that are called so, of those that have not ended.
pub fn processor_time_of_threads(id: u32, name: &str) -> Result<Duration> {
    let all = fs::read_dir(format!("/proc/{id}/task")).could_not("read the threads of a process")?;
    let is_called = |task: &Path| fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim() == name);
    let spent = |task: &Path| {
        let text = fs::read_to_string(task.join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    };
    Ok(all.flatten().map(|task| task.path()).filter(|task| is_called(task)).filter_map(|task| spent(&task)).sum())
}

/// The processor time of those that this process has waited for, and of those that they have waited for.
pub fn processor_time_of_children() -> Result<Duration> {
    ticks(std::process::id(), 13)
}

/// The sum of two neighbouring times of a process, the first so many words after its name.
fn ticks(id: u32, skipped: usize) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).could_not("read the processor time")?;
    let words = stat.rsplit(") ").next().map(|rest| rest.split(' ').skip(skipped).take(2)).into_iter().flatten();
    let ticks = words.filter_map(|word| word.parse::<u32>().ok()).collect::<Vec<_>>();
    match ticks[..] {
        [own, kernel] => Ok(TICK * own.saturating_add(kernel)),
        _ => Err(Failure::new("the kernel tells processor time in another form")),
    }
}

fn number(id: u32, name: &str) -> Option<u64> {
    field(&fs::read_to_string(format!("/proc/{id}/status")).ok()?, name)
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

fn all() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_known_to_the_kernel() -> Result<()> {
        let id = std::process::id();
        assert!(age(id)? < Duration::from_secs(3_600));
        assert!(tree(id).contains(&id));
        // In this order: between the two it may grow.
        let now = memory_mb(id, "VmRSS");
        assert!(now > Some(0.1));
        assert!(memory_mb(id, "VmHWM") >= now);
        Ok(())
    }
}

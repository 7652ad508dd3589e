//! What is wrong with the GPUs of this machine, in words: what happened, why, what comes next.

use crate::{
    driver::{Failure, redacted},
    gpu::Seen,
};
use nvml_wrapper::error::NvmlError;
use pilothouse_wire::{Code, Health, Problem, units};

/// There is no driver that can be asked. `library` is what was looked for.
pub fn no_driver(failure: &Failure, library: &str) -> Problem {
    let own = |code, what: &str| Problem::new(code, format!("This machine has {what}"));
    match failure {
        Failure::Said(NvmlError::LibloadingError(error)) => {
            own(Code::NotFound, "no NVIDIA driver that Pilothouse can use.")
                .why(format!("{library} was looked for, and cannot be loaded: {}", sentence(&error.to_string())))
                .next(
                    "Install NVIDIA's driver, or fill in the field \"Library\" if its library is elsewhere. Without a \
                     GPU of NVIDIA's there is nothing to do: cores and memory are shown.",
                )
        }
        Failure::Said(NvmlError::FailedToLoadSymbol(words)) => {
            own(Code::BadInput, "a library in place of NVIDIA's that is not NVML.")
                .why(format!("{library} was loaded: {}", sentence(words)))
                .next("Correct the field \"Library\", or leave it empty.")
        }
        Failure::Said(NvmlError::DriverNotLoaded) => own(Code::ServerFailed, "an NVIDIA driver that is not loaded.")
            .why(format!("{library} is there; the kernel has no module nvidia."))
            .next("Load it, as root: modprobe nvidia. After an update of the kernel it may have to be built anew."),
        Failure::Said(NvmlError::LibRmVersionMismatch) => own(Code::ServerFailed, "an NVIDIA driver of two versions.")
            .why(format!("{library} is of another version than the module in the kernel: it was updated meanwhile."))
            .next("Restart the machine, or unload the module nvidia and load it again."),
        Failure::Said(NvmlError::NoPermission) => own(Code::Denied, "an NVIDIA driver that does not let us in.")
            .why(format!("{library} says that this user has no permission."))
            .next("Give this user access to /dev/nvidiactl and /dev/nvidia*."),
        Failure::Said(error) => own(Code::ServerFailed, "an NVIDIA driver that does not work.")
            .why(format!("{library} says: {}", sentence(&error.to_string())))
            .next("See what nvidia-smi says, and the kernel's log: dmesg, lines with NVRM. It is tried again."),
        Failure::Hangs(limit) => own(Code::TimedOut, "an NVIDIA driver that does not answer.")
            .why(format!("{library} was loaded, and did not come back in {}.", units::span(*limit)))
            .next("A GPU may hang: see the kernel's log, lines with NVRM and Xid. It is waited for."),
        Failure::NoThread(words) => Problem::new(Code::Internal, "Pilothouse could not start a thread for the driver.")
            .why(sentence(words))
            .next("A limit of processes may be reached: see ulimit -u. It is tried again."),
    }
}

/// How the connection is, by what was seen of each GPU, in the order of their numbers. The worst is told.
pub fn health(name: &str, seen: &[Seen]) -> Health {
    let those = |is: fn(&Seen) -> bool| -> Vec<usize> { (0..seen.len()).filter(|at| is(&seen[*at])).collect() };
    let lost = those(|seen| *seen == Seen::Lost);
    let silent = those(|seen| *seen == Seen::Silent);
    let failed = those(|seen| matches!(seen, Seen::Failed(_)));
    let problem = if seen.is_empty() {
        Problem::new(Code::NotFound, format!("{name} has a driver, and no GPU."))
            .why("NVML counts none.")
            .next("See that the GPU sits well, and what the kernel's log says: dmesg, lines with NVRM.")
    } else if !lost.is_empty() {
        Problem::new(Code::ServerFailed, format!("{} of {name} {} lost.", gpus(&lost), is(&lost)))
            .why("The driver cannot reach it: it has fallen off its bus, or is otherwise inaccessible (XID 79).")
            .next(
                "What runs on it has ended. Restart the machine; if it comes again, have the GPU and its seat checked.",
            )
    } else if !silent.is_empty() {
        let verb = if silent.len() == 1 { "gives" } else { "give" };
        Problem::new(Code::TimedOut, format!("{} of {name} {verb} no answer.", gpus(&silent)))
            .why("A call into the driver does not come back. Values are as they were last measured.")
            .next("It is waited for. If it lasts, see the kernel's log: dmesg, lines with NVRM and Xid.")
    } else if let Some(Seen::Failed(words)) = failed.first().map(|at| &seen[*at]) {
        Problem::new(Code::ServerFailed, format!("{} of {name} cannot be read.", gpus(&failed)))
            .why(format!("NVML says: {}", sentence(words)))
            .next("See what nvidia-smi says of it. It is tried again every two seconds.")
    } else {
        return Health::Well;
    };
    Health::Partial(problem)
}

/// A thread of ours broke.
pub fn broken(words: &str) -> Problem {
    Problem::new(Code::Internal, "Pilothouse's own reading of the GPUs broke.")
        .why(sentence(words))
        .next("It is tried again.")
}

/// This machine keeps no objects.
pub fn no_yaml(name: &str) -> Problem {
    Problem::new(Code::NotOffered, format!("{name} keeps no objects.")).why("It is this machine, and no cluster.")
}

/// `GPU 3`, `GPUs 1 and 3`, `GPUs 0, 1 and 3`.
fn gpus(numbers: &[usize]) -> String {
    match numbers {
        [] => String::new(),
        [one] => format!("GPU {one}"),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(ToString::to_string).collect();
            format!("GPUs {} and {last}", most.join(", "))
        }
    }
}

fn is(numbers: &[usize]) -> &'static str {
    if numbers.len() == 1 { "is" } else { "are" }
}

/// Somebody's words as a sentence, on one line, without the name of a home.
fn sentence(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = redacted(&line).chars().take(400).collect();
    format!("{}.", line.trim_end_matches('.'))
}

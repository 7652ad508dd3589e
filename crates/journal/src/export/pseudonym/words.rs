//! Words of texts that are everybody's: those of Kubernetes' own messages and of ours. Nothing that somebody calls theirs.

/// They stay in texts, and in texts alone: a thing that is called like one of them gets another name everywhere else.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    // Ours, on the ribbon.
    "placed", "gone", "over", "changed", "settings", "revision", "slowed", "by", "heat", "XID", "cordoned",
    "uncordoned", "tainted", "lost", "found", "again", "came", "went", "back", "gives", "began",
    "analysis", "step", "traffic", "promoted", "Weight", "Pause", "Analysis", "Experiment", "passed", "inconclusive",
    "done", "after", "ready", "not", "what", "was", "there", "before", "is", "kept", "→", "×", "−", "+",
    "limit", "request", "variable", "arguments", "selector", "toleration", "claim", "ConfigMap", "Secret", "looked",
    "version", "alias", "stage", "registered", "run", "Staging", "Production", "Archived", "labelled", "latest", "writer",
    "only", "last",
    // The scheduler's, the kubelet's and the controllers'.
    "nodes", "node", "are", "available", "Insufficient", "cpu", "memory", "nvidia.com/gpu", "amd.com/gpu",
    "ephemeral-storage", "didn't", "match", "Pod's", "affinity/selector", "had", "untolerated", "taint", "were",
    "unschedulable", "preemption", "Preemption", "victims", "incoming", "helpful", "scheduling", "Successfully",
    "assigned", "to", "Pulling", "Pulled", "image", "Created", "Started", "Stopping", "container", "containers",
    "Killing", "Back-off", "restarting", "failed", "Failed", "Error", "error", "probe", "Readiness", "Liveness",
    "Startup", "HTTP", "statuscode", "status", "now", "Scaled", "up", "down", "replica", "set", "from", "deleted",
    "created", "pod", "pods", "GPU", "GPUs", "Xid", "fell", "off", "bus", "ECC", "uncorrectable", "correctable",
    "temperature", "throttled", "power", "driver",
    // Conditions and reasons.
    "Ready", "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable", "FailedScheduling",
    "Scheduled", "BackOff", "Unhealthy", "FailedMount", "FailedAttachVolume", "FailedCreate",
    "FailedCreatePodSandBox", "Evicted", "Preempted", "Preempting", "NodeReady", "NodeNotReady",
    "NodeHasSufficientMemory", "NodeHasDiskPressure", "Rebooted", "OOMKilled", "OOMKilling", "CrashLoopBackOff",
    "ImagePullBackOff", "ErrImagePull", "ScalingReplicaSet", "SuccessfulCreate", "SuccessfulDelete",
    "TaintManagerEviction", "PodScheduled", "Initialized", "ContainersReady", "PodReadyToStartContainers",
    "DisruptionTarget", "KernelDeadlock", "ReadonlyFilesystem", "Available", "Progressing", "ReplicaFailure", "Complete",
    "Suspended", "FailureTarget", "SuccessCriteriaMet", "KubeletReady", "KubeletNotReady", "NodeStatusUnknown",
    "NodeStatusNeverUpdated", "KubeletHasSufficientMemory", "KubeletHasInsufficientMemory", "KubeletHasNoDiskPressure",
    "KubeletHasDiskPressure", "KubeletHasSufficientPID", "KubeletHasInsufficientPID", "Completed", "ContainerCreating",
    "PodInitializing", "ContainerCannotRun", "ContainerStatusUnknown", "CreateContainerConfigError",
    "CreateContainerError", "RunContainerError", "InvalidImageName", "ErrImageNeverPull", "DeadlineExceeded",
    "BackoffLimitExceeded", "NodeLost", "NodeAffinity", "UnexpectedAdmissionError", "Terminated", "Unschedulable",
    "SchedulingGated", "PreemptionByScheduler", "DeletionByTaintManager", "EvictionByEvictionAPI",
    "TerminationByKubelet", "NewReplicaSetAvailable", "MinimumReplicasAvailable", "MinimumReplicasUnavailable",
    "ProgressDeadlineExceeded", "ReplicaSetUpdated", "FoundNewReplicaSet",
    // Of rollouts, and of the conditions of what is measured.
    "Healthy", "Degraded", "Paused", "CanaryPauseStep", "BlueGreenPause", "InconclusiveAnalysisRun", "RolloutAborted",
    "RolloutPaused", "RolloutResumed", "RolloutCompleted", "AnalysisRunFailed", "ReplicaSetNotAvailable", "InvalidSpec",
    "aborted", "Rollout", "Metric", "assessed", "due", "failureLimit", "consecutiveErrorLimit", "inconclusiveLimit",
    "result", "result[0", "len(result", "isNaN(result[0", "<", "<=", ">", ">=", "==", "!=", "&&", "||",
    // Of services of KServe.
    "InferenceService", "Stopped", "PredictorReady", "IngressReady", "RoutesReady", "LatestDeploymentReady", "UpToDate",
    "InProgress", "BlockedByFailedLoad", "ModelLoadFailed", "NoSupportingRuntime", "Loaded", "Loading", "FailedToLoad",
    "stopped", "person", "started",
    // Severities of alerts.
    "critical", "warning", "info", "page", "none",
    // Of problems.
    "certificate", "connection", "refused", "does", "answer", "answered", "tried", "read", "cannot", "server",
    "know", "who", "Check", "token", "right", "rights", "list", "watch", "Listing", "Signing", "forbidden",
    // Of the language.
    "The", "the", "a", "an", "and", "at", "be", "because", "been", "can", "could", "for", "has", "have", "in",
    "it", "its", "itself", "less", "more", "no", "new", "of", "on", "or", "out", "than", "that", "this", "time",
    "until", "we", "with", "within", "seconds", "minutes", "hours", "s", "ms",
];

/// Signs that stand around words.
const AROUND: [char; 14] = ['(', ')', '[', ']', '{', '}', '"', '\'', ',', '.', ';', ':', '!', '?'];

/// Pieces of a text: words, and what stands between and around them.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(char::is_whitespace).flat_map(|part| {
        let bare = part.trim_end_matches(char::is_whitespace);
        let word = bare.trim_matches(AROUND);
        let at = if word.is_empty() { bare.len() } else { bare.len() - bare.trim_start_matches(AROUND).len() };
        [&part[..at], &part[at..at + word.len()], &part[at + word.len()..]]
            .into_iter()
            .filter(|piece| !piece.is_empty())
    })
}

/// May it stay: a word of everybody, a number that is part of no name, or no word at all?
pub(super) fn is_common(word: &str) -> bool {
    COMMON.contains(&word) || !word.contains(char::is_alphanumeric) || is_number(word) || is_amount(word)
}

/// `500m`, `64Gi`: an amount as Kubernetes writes it.
fn is_amount(word: &str) -> bool {
    let digits = ["m", "Ki", "Mi", "Gi", "Ti"].iter().find_map(|unit| word.strip_suffix(unit));
    digits.is_some_and(|digits| !digits.contains(['%', '/']) && is_number(digits))
}

/// `3`, `0/12`, `97%`: of few digits, since a long one may be somebody's number.
fn is_number(word: &str) -> bool {
    let word = word.strip_suffix('%').unwrap_or(word);
    let mut parts = word.split('/');
    let is_short = |part: &str| (1..=6).contains(&part.len()) && part.bytes().all(|digit| digit.is_ascii_digit());
    parts.clone().count() <= 2 && parts.all(is_short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_without_loss() {
        for text in ["", " ", "a", "(a), b.  c\n", "\"", "…", "é:è", "  x", "a.b:c", "((("] {
            assert_eq!(split(text).collect::<String>(), text, "{text:?}");
        }
        assert_eq!(split("(node gpu-7:").collect::<Vec<_>>(), ["(", "node", " ", "gpu-7", ":"]);
    }

    #[test]
    fn numbers_stay_and_addresses_do_not() {
        for (word, want) in [
            ("3", true),
            ("0/12", true),
            ("97%", true),
            ("—", true),
            ("10.0.0.1", false),
            ("10-0-0-1", false),
            ("1/2/3", false),
            ("491512345678", false),
            ("7b", false),
            ("500m", true),
            ("64Gi", true),
            ("Gi", false),
            ("gpu-64Gi", false),
        ] {
            assert_eq!(is_common(word), want, "{word}");
        }
    }
}

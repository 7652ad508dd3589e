//! The settings files of the parts that flags do not reach.

use crate::parts::Layout;

/// The scheduler's settings: it may ask as often as it likes, and need not elect a leader.
pub(crate) fn scheduler(layout: &Layout) -> String {
    let kubeconfig = layout.file("scheduler.kubeconfig");
    format!(
        "apiVersion: kubescheduler.config.k8s.io/v1\n\
         kind: KubeSchedulerConfiguration\n\
         leaderElection: {{ leaderElect: false }}\n\
         clientConnection: {{ kubeconfig: {kubeconfig:?}, qps: 2000, burst: 4000 }}\n"
    )
}

/// kwok's settings, then `stages`. A file given to it replaces its defaults, so all that matters
/// is said. A pod's log is the file `pod.log` in the folder, exec runs on this machine, and every
/// forwarded port leads to kwok's own server.
pub(crate) fn kwok(layout: &Layout, stages: &str) -> String {
    let log = layout.file("pod.log");
    let port = layout.kwok_port;
    format!(
        "apiVersion: config.kwok.x-k8s.io/v1alpha1\n\
         kind: KwokConfiguration\n\
         metadata: {{ name: kwok }}\n\
         options:\n\
         \x20 enableDebuggingHandlers: true\n\
         \x20 enablePodsOnNodeSyncListPager: false\n\
         \x20 enablePodsOnNodeSyncStreamWatch: true\n\
         \x20 nodeLeaseDurationSeconds: 40\n\
         \x20 nodeLeaseParallelism: 4\n\
         \x20 nodePlayStageParallelism: 16\n\
         \x20 podPlayStageParallelism: 16\n\
         \x20 podsOnNodeSyncParallelism: 1\n\
         ---\n\
         apiVersion: kwok.x-k8s.io/v1alpha1\n\
         kind: ClusterLogs\n\
         metadata: {{ name: logs }}\n\
         spec: {{ logs: [{{ logsFile: {log:?}, follow: true }}] }}\n\
         ---\n\
         apiVersion: kwok.x-k8s.io/v1alpha1\n\
         kind: ClusterExec\n\
         metadata: {{ name: exec }}\n\
         spec: {{ execs: [{{ local: {{ workDir: /tmp }} }}] }}\n\
         ---\n\
         apiVersion: kwok.x-k8s.io/v1alpha1\n\
         kind: ClusterPortForward\n\
         metadata: {{ name: forward }}\n\
         spec: {{ forwards: [{{ target: {{ address: 127.0.0.1, port: {port} }} }}] }}\n\
         ---\n\
         {stages}\n"
    )
}

/// The lines of a log in the form in which container runtimes keep them, and kwok reads them.
pub(crate) fn pod_log(text: &str) -> String {
    text.lines().map(|line| format!("2026-01-02T03:04:05.000000000Z stdout F {line}\n")).collect()
}

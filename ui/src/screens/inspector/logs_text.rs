//! A log as lines to show: of one pod, or of several with each line's pod before it. Pure.

use pilothouse_wire::{
    SmolStr,
    ask::{Logs, WorkloadLogs},
    sort,
    units::{count, lower, visible},
};

/// A log that was read, of a pod or of a workload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// The containers that there are.
    pub containers: Vec<SmolStr>,
    /// The lines, the newest last; of several pods, each begun by the short name of its own.
    pub lines: Vec<String>,
    /// How many pods these are of: "12 of 40 pods"; nothing for one pod.
    pub pods: Option<String>,
    /// Pods whose log could not be read, each with the reason.
    pub unread: Vec<String>,
}

impl From<Logs> for Shown {
    fn from(logs: Logs) -> Self {
        Self { containers: logs.containers, lines: logs.lines, ..Self::default() }
    }
}

impl From<WorkloadLogs> for Shown {
    fn from(logs: WorkloadLogs) -> Self {
        let names: Vec<&str> = logs.pods.iter().map(|pod| pod.pod.name.as_str()).collect();
        let short = short(&names);
        let width = short.iter().map(|name| name.chars().count()).max().unwrap_or_default();
        let begin = |pod: u16| short.get(usize::from(pod)).map_or("?", String::as_str);
        let lines = logs.lines.iter().map(|line| format!("{:width$} │ {}", begin(line.pod), line.text)).collect();
        let (read, all) = (logs.pods.len() as u64, u64::from(logs.all));
        let pods = match (read, all) {
            (1, 1) => "1 pod".to_owned(),
            (read, all) if read == all => format!("{} pods", count(all)),
            (read, all) => format!("{} of {} pods", count(read), count(all)),
        };
        let unread = logs.pods.iter().zip(&short).filter_map(|(pod, short)| {
            let problem = pod.problem.as_ref()?;
            Some(visible(&format!("{short}: {problem}")))
        });
        Self { containers: logs.containers, lines, pods: Some(pods), unread: unread.collect() }
    }
}

impl Shown {
    /// The lines that hold a text, whatever the case of its letters.
    pub fn hits<'a>(&'a self, find: &str) -> impl Iterator<Item = &'a str> {
        let find = lower(find);
        self.lines.iter().map(String::as_str).filter(move |line| find.is_empty() || lower(line).contains(&find))
    }
}

/// The shortest ends of names, cut at a dash, that still tell them apart: `x2k8q` of `chat-70b-7c9f4d-x2k8q`.
fn short(names: &[&str]) -> Vec<String> {
    let most = names.iter().map(|name| name.split('-').count()).max().unwrap_or_default();
    for parts in 1..most {
        let ends: Vec<String> = names.iter().map(|name| end(name, parts)).collect();
        let mut sorted: Vec<&String> = ends.iter().collect();
        sort::sort(&mut sorted);
        sorted.dedup();
        if sorted.len() == names.len() {
            return ends;
        }
    }
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn end(name: &str, parts: usize) -> String {
    let all: Vec<&str> = name.split('-').collect();
    all[all.len().saturating_sub(parts)..].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        Code, ConnectionId, PodId, Problem,
        ask::{PodLine, PodLog},
    };

    #[test]
    fn only_lines_with_the_text_are_shown() {
        let lines = ["INFO ready", "ERROR out of memory", "info again"].map(str::to_owned).to_vec();
        let logs = Shown { lines, ..Shown::default() };
        assert_eq!(logs.hits("info").collect::<Vec<_>>(), ["INFO ready", "info again"]);
        assert_eq!(logs.hits("").count(), 3);
    }

    #[test]
    fn a_pod_is_named_by_the_end_that_tells_it_from_others() {
        for (names, want) in [
            (vec!["chat-7c9f-x2k8q", "chat-7c9f-aaaaa"], vec!["x2k8q", "aaaaa"]),
            (vec!["chat-1-x", "chat-2-x"], vec!["1-x", "2-x"]),
            (vec!["cache-0", "cache-10"], vec!["0", "10"]),
            (vec!["alone"], vec!["alone"]),
            (vec!["a-x", "x"], vec!["a-x", "x"]),
            (vec![], vec![]),
        ] {
            assert_eq!(short(&names), want, "{names:?}");
        }
    }

    fn logs(all: u32) -> WorkloadLogs {
        let pod = |name: &str, problem| PodLog {
            pod: PodId { cluster: ConnectionId::slug("iad"), namespace: "s".into(), name: name.into() },
            problem,
        };
        let line = |pod, text: &str| PodLine { pod, text: text.into() };
        WorkloadLogs {
            pods: vec![pod("chat-a-long", Some(Problem::new(Code::Denied, "403."))), pod("chat-b-b", None)],
            all,
            containers: vec!["engine".into()],
            lines: vec![line(1, "one"), line(0, "two"), line(9, "three")],
            more: false,
        }
    }

    #[test]
    fn each_line_says_whose_it_is_and_what_is_left_out_is_counted() {
        let shown = Shown::from(logs(40));
        assert_eq!(shown.lines, ["b    │ one", "long │ two", "?    │ three"]);
        assert_eq!(shown.pods.as_deref(), Some("2 of 40 pods"));
        assert_eq!(shown.unread, ["long: 403."]);
        assert_eq!(Shown::from(logs(2)).pods.as_deref(), Some("2 pods"));
    }
}

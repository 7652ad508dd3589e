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
    /// The last line of each pod, as it was read, by the pod's name; of one pod without its name.
    pub last: Vec<(SmolStr, String)>,
    /// So many lines were read before these, and are no longer kept.
    pub hidden: usize,
    /// Are some missing before these?
    pub gap: bool,
    /// Was so much printed that not all of it was read yet?
    pub newer: bool,
}

/// The most lines that are kept.
const MOST: usize = 5_000;
/// What stands where lines are missing.
const MISSING: &str =
    "… lines are missing here: they were printed faster than they could be read, or their file is gone …";

impl From<Logs> for Shown {
    fn from(logs: Logs) -> Self {
        let Logs { containers, lines, gap, newer, .. } = logs;
        let last = lines.last().map(|line| (SmolStr::default(), line.clone())).into_iter().collect();
        Self { containers, lines, last, gap, newer, ..Self::default() }
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
        let mut last: Vec<(SmolStr, String)> = Vec::new();
        for line in logs.lines.iter().rev() {
            let Some(pod) = logs.pods.get(usize::from(line.pod)) else { continue };
            if !last.iter().any(|(name, _)| *name == pod.pod.name) {
                last.push((pod.pod.name.clone(), line.text.clone()));
            }
        }
        let (pods, unread) = (Some(pods), unread.collect());
        let (gap, newer) = (logs.gap, logs.newer);
        Self { containers: logs.containers, lines, pods, unread, last, gap, newer, ..Self::default() }
    }
}

impl Shown {
    /// What was printed behind these lines, put behind them; of all the last are kept, and the others counted.
    pub fn follow(&mut self, newer: Self) {
        let Self { containers, lines, pods, unread, last, gap, newer, .. } = newer;
        if gap {
            self.lines.push(MISSING.to_owned());
        }
        self.lines.extend(lines);
        let over = self.lines.len().saturating_sub(MOST);
        self.lines.drain(..over);
        self.hidden += over;
        for (name, line) in last {
            match self.last.iter_mut().find(|(known, _)| *known == name) {
                Some(known) => known.1 = line,
                None => self.last.push((name, line)),
            }
        }
        (self.containers, self.pods, self.unread) = (containers, pods, unread);
        (self.gap, self.newer) = (gap, newer);
    }

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
            gap: false,
            newer: false,
        }
    }

    #[test]
    fn what_is_followed_is_put_behind_and_what_is_missing_or_no_longer_kept_is_said() {
        let read = |from: usize, n: usize, gap| {
            let lines = (from..from + n).map(|n| n.to_string()).collect();
            Shown::from(Logs { lines, gap, ..Logs::default() })
        };
        let mut shown = read(0, 1_000, false);
        assert_eq!(shown.last, [(SmolStr::default(), "999".to_owned())]);
        shown.follow(read(1_000, 3_000, false));
        shown.follow(read(4_000, 0, false));
        assert_eq!((shown.lines.len(), shown.hidden, shown.last[0].1.as_str()), (4_000, 0, "3999"));
        shown.follow(read(9_000, 1_500, true));
        assert_eq!((shown.lines.len(), shown.hidden, shown.gap), (5_000, 501, true));
        let at = shown.lines.iter().position(|line| line == MISSING).unwrap();
        assert_eq!((shown.lines[at - 1].as_str(), shown.lines[at + 1].as_str()), ("3999", "9000"));
        // Of several pods each goes on behind its own line.
        let mut shown = Shown::from(logs(2));
        assert_eq!(shown.last, [("chat-a-long".into(), "two".into()), ("chat-b-b".into(), "one".into())]);
        shown.follow(Shown::from(WorkloadLogs { lines: vec![PodLine { pod: 1, text: "four".into() }], ..logs(2) }));
        assert_eq!(shown.last, [("chat-a-long".into(), "two".into()), ("chat-b-b".into(), "four".into())]);
        assert_eq!(shown.lines.last().map(String::as_str), Some("b    │ four"));
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

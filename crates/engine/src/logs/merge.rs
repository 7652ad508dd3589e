//! Lines of several pods in the order of their times. Pure.

use jiff::Timestamp;
use pilothouse_wire::ask::PodLine;

/// The newest `most` lines of all pods, the newest last. Lines of one pod stay in its own order, whatever its clock did;
/// a line without a time belongs to the one before it.
pub(super) fn merge(pods: Vec<Vec<String>>, most: usize) -> Vec<PodLine> {
    let mut all: Vec<(Timestamp, PodLine)> = Vec::with_capacity(pods.iter().map(Vec::len).sum());
    for (pod, lines) in pods.into_iter().enumerate() {
        let pod = u16::try_from(pod).unwrap_or(u16::MAX);
        // What stands before the first time is as old as it.
        let mut latest = lines.iter().find_map(|line| time(line)).unwrap_or(Timestamp::MIN);
        for text in lines {
            latest = time(&text).map_or(latest, |at| at.max(latest));
            all.push((latest, PodLine { pod, text }));
        }
    }
    // Stable: of equal times, pods stand in their order and lines in theirs.
    all.sort_by_key(|(at, _)| *at);
    let first = all.len().saturating_sub(most);
    all.drain(..first);
    all.into_iter().map(|(_, line)| line).collect()
}

/// The time that begins a line.
pub(super) fn time(line: &str) -> Option<Timestamp> {
    line.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn merged(pods: &[&[&str]], most: usize) -> Vec<String> {
        let pods = pods.iter().map(|lines| lines.iter().map(|line| (*line).to_owned()).collect()).collect();
        merge(pods, most).into_iter().map(|line| format!("{} {}", line.pod, line.text)).collect()
    }

    #[test]
    fn lines_stand_by_time_to_the_nanosecond_and_in_any_offset() {
        let a = ["2026-11-24T03:00:01Z a1", "2026-11-24T03:00:01.5Z a2", "no time", "2026-11-24T03:00:09Z a3"];
        let b = ["2026-11-24T04:00:01.000000001+01:00 b1", "2026-11-24T03:00:02Z b2"];
        assert_eq!(
            merged(&[&a, &b], 10),
            [
                "0 2026-11-24T03:00:01Z a1",
                "1 2026-11-24T04:00:01.000000001+01:00 b1",
                "0 2026-11-24T03:00:01.5Z a2",
                "0 no time",
                "1 2026-11-24T03:00:02Z b2",
                "0 2026-11-24T03:00:09Z a3",
            ]
        );
        assert_eq!(merged(&[&a, &b], 2), ["1 2026-11-24T03:00:02Z b2", "0 2026-11-24T03:00:09Z a3"]);
    }

    #[test]
    fn a_clock_that_went_back_does_not_turn_a_pods_lines_round() {
        let back = ["2026-11-24T03:00:09Z first", "2026-11-24T03:00:01Z second"];
        assert_eq!(merged(&[&back], 10), ["0 2026-11-24T03:00:09Z first", "0 2026-11-24T03:00:01Z second"]);
    }

    /// Logs of a few pods, some lines of which have no time.
    fn logs() -> impl Strategy<Value = Vec<Vec<String>>> {
        let line = (prop::option::weighted(0.8, 0_i64..50), 0_u8..4).prop_map(|(at, text)| match at {
            Some(at) => format!("{} {text}", Timestamp::from_millisecond(at * 250).unwrap()),
            None => format!("text {text}"),
        });
        prop::collection::vec(prop::collection::vec(line, 0..12), 0..5)
    }

    proptest! {
        #[test]
        fn no_line_is_lost_and_each_pods_lines_keep_their_order(pods in logs()) {
            let merged = merge(pods.clone(), usize::MAX);
            for (at, lines) in pods.iter().enumerate() {
                let own: Vec<&String> =
                    merged.iter().filter(|line| usize::from(line.pod) == at).map(|line| &line.text).collect();
                prop_assert_eq!(own, lines.iter().collect::<Vec<_>>());
            }
        }

        #[test]
        fn lines_of_clocks_that_only_go_on_stand_in_the_order_of_time(mut pods in logs()) {
            for lines in &mut pods {
                lines.retain(|line| time(line).is_some());
                lines.sort_by_key(|line| time(line));
            }
            let times: Vec<_> = merge(pods, usize::MAX).iter().map(|line| time(&line.text)).collect();
            prop_assert!(times.is_sorted(), "{times:?}");
        }

        #[test]
        fn a_bound_keeps_the_newest(pods in logs(), most in 0_usize..30) {
            let all = merge(pods.clone(), usize::MAX);
            prop_assert_eq!(merge(pods, most), all[all.len().saturating_sub(most)..].to_vec());
        }
    }
}

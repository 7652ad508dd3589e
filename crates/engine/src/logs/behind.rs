//! What was printed behind a line: of lines from its second on, those that are new. Pure.

use super::merge::time;

/// So many bytes are about as many as are read at once: there may be more behind.
const NEARLY_ALL: usize = 3 * 1024 * 1024;

/// Lines that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    /// The lines, the newest last.
    pub lines: Vec<String>,
    /// Are some missing before the first of them?
    pub gap: bool,
    /// May there be some behind the last of them that were not read?
    pub newer: bool,
}

/// The lines behind this one, out of all that were read; all, where there is none. The server knows whole seconds: those of
/// its second that came before it are left out. Where it is not found, its file is gone, with what stood behind it there.
pub(super) fn behind(mut lines: Vec<String>, after: Option<&str>) -> Read {
    let Some(last) = after else { return Read { lines, ..Read::default() } };
    let newer = lines.iter().map(|line| line.len() + 1).sum::<usize>() >= NEARLY_ALL;
    match lines.iter().rposition(|line| line == last) {
        Some(at) => Read { lines: lines.split_off(at + 1), gap: false, newer },
        None => {
            let since = time(last);
            lines.retain(|line| time(line) > since);
            Read { gap: !lines.is_empty(), lines, newer }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    const A: &str = "2026-11-24T03:00:01.1Z a";
    const B: &str = "2026-11-24T03:00:01.2Z b";
    const C: &str = "2026-11-24T03:00:02Z c";

    #[test]
    fn what_is_new_begins_behind_the_last_line_that_was_read() {
        for (read, after, want, gap) in [
            (&[A, B, C][..], Some(A), &[B, C][..], false),
            (&[A, B, C], Some(C), &[], false),
            (&[A, B], None, &[A, B], false),
            (&[], Some(A), &[], false),
            // The node began a new file, or the container a new run.
            (&[C], Some(A), &[C], true),
            // Of its second, and older: it was read before.
            (&[A, C], Some(B), &[C], true),
            (&[A], Some(B), &[], false),
        ] {
            let found = behind(lines(read), after);
            assert_eq!((found.lines, found.gap, found.newer), (lines(want), gap, false), "{read:?} behind {after:?}");
        }
    }

    #[test]
    fn much_at_once_may_have_more_behind_it() {
        let many = |n: usize| (0..n).map(|n| format!("2026-11-24T03:00:01.{n:09}Z {}", "x".repeat(1_000))).collect();
        let last = "2026-11-24T03:00:01.000000000Z";
        let all: Vec<String> = many(4_000);
        let found = behind(all.clone(), Some(&all[0]));
        assert!(found.newer && !found.gap && found.lines.len() == 3_999);
        assert!(!behind(many(10), Some(last)).newer);
    }
}

//! Times that the record does not tell of, as a wall says them: on its strip, and beside the changes that it could not see.

use super::panels::fit;
use crate::{
    parts::mark::Mark,
    shell::{
        ribbon::{gap_place, scale::Scale},
        text,
    },
};
use leptos::prelude::*;
use pilothouse_wire::{
    Stamp,
    record::{Gap, Missing},
    sort,
    view::Status,
};

/// Between the words of two gaps; and for the number of those that have no room for theirs.
const AIR: f64 = 12.0;
const MORE: f64 = 24.0;

/// A gap on the strip.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// From where to where it is hatched.
    pub span: (f64, f64),
    /// Is nothing of it to be known, as of what is damaged?
    pub hides: bool,
    /// Where its words begin, if they have room.
    pub words: Option<(f64, String)>,
}

/// The gaps of the strip, the newest first: it is the one that has room for its words in any case. Those that have none are
/// counted with the words that have.
#[must_use]
pub fn placed(gaps: &[Gap], scale: &Scale, now: Stamp) -> Vec<Placed> {
    let mut order: Vec<&Gap> = gaps.iter().collect();
    sort::by_key(&mut order, |gap| std::cmp::Reverse(gap.since));
    let mut all: Vec<Placed> = Vec::new();
    let (mut right, mut last, mut more) = (scale.right, None, 0);
    for gap in order {
        let Some(span) = gap_place(gap, scale, now) else { continue };
        let words = said(gap, scale.from, now);
        let begin = span.0.min(right - text::width(&words) - MORE);
        let words = (begin >= scale.left).then_some((begin, words));
        if words.is_some() {
            (right, last) = (begin - AIR, Some(all.len()));
        } else {
            more += 1;
        }
        all.push(Placed { span, hides: gap.why.hides(), words });
    }
    if more > 0
        && let Some((_, words)) = last.and_then(|at: usize| all.get_mut(at)?.words.as_mut())
    {
        *words += &format!(" +{more}");
    }
    all
}

/// What is said of a gap where a span is told of: `not recorded from 02:10:00 to 02:25:13: Pilothouse was not running`.
#[must_use]
pub fn said(gap: &Gap, from: Stamp, to: Stamp) -> String {
    let (what, why) = match gap.why {
        Missing::NotRecorded => ("not recorded", ""),
        Missing::NotRunning => ("not recorded", "Pilothouse was not running"),
        Missing::Ended => ("not recorded", "Pilothouse ended without a word"),
        Missing::Pruned => ("no longer recorded", "the record is bounded"),
        Missing::Damaged => ("not known", "the record is damaged"),
        Missing::Twice => ("recorded twice", "the clock was set back"),
        why => ("not recorded", why.word()),
    };
    let when = match (gap.since.filter(|since| *since > from), gap.until.filter(|until| *until < to)) {
        (Some(since), Some(until)) => format!("from {} to {}", since.clock(), until.clock()),
        (Some(since), None) => format!("since {}", since.clock()),
        (None, Some(until)) => format!("until {}", until.clock()),
        (None, None) => "in all this time".to_owned(),
    };
    if why.is_empty() { format!("{what} {when}") } else { format!("{what} {when}: {why}") }
}

/// The same of all gaps of a span: of the longest, and how many more there are; `None` where there is none.
#[must_use]
pub fn all_said(gaps: &[Gap], from: Stamp, to: Stamp) -> Option<String> {
    let long = |gap: &Gap| gap.until.unwrap_or(to).min(to).since(gap.since.unwrap_or(from).max(from));
    let touching = || gaps.iter().filter(|gap| gap.touches(from, to));
    let longest = touching().max_by_key(|gap| long(gap))?;
    let more = match touching().count() - 1 {
        0 => "",
        1 => ", and at one more time",
        _ => ", and at more times",
    };
    Some(said(longest, from, to) + more)
}

/// That nothing was seen to change, as far as that is known: where all of the time is a gap, nobody looked.
#[must_use]
pub fn nothing(words: &str, gaps: &[Gap], from: Stamp, to: Stamp) -> String {
    let holds_all =
        |gap: &Gap| gap.since.is_none_or(|since| since <= from) && gap.until.is_none_or(|until| until >= to);
    match all_said(gaps, from, to) {
        None => format!("{words}."),
        Some(said) if gaps.iter().any(holds_all) => {
            let mut letters = said.chars();
            letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
        }
        Some(said) => format!("{words}; {said}."),
    }
}

/// A line among changes that says it, in so much room.
pub fn line(words: String, room: u16) -> impl IntoView + use<> {
    let (class, _) = fit(&words, room);
    view! {
        <li data-test="wall-gap">
            <Mark status=Status::Unknown size=30 />
            <span class=format!("{class} soft")>{words}</span>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(since: Option<i64>, until: Option<i64>, why: Missing) -> Gap {
        Gap { since: since.map(Stamp), until: until.map(Stamp), why, detail: String::new() }
    }

    const MINUTE: i64 = 60_000;

    #[test]
    fn a_gap_is_said_with_its_reason_and_only_as_far_as_it_is_seen() {
        let said = |since, until, why| said(&gap(since, until, why), Stamp(60 * MINUTE), Stamp(120 * MINUTE));
        let (at, then) = (Some(70 * MINUTE), Some(85 * MINUTE));
        for (words, want) in [
            (said(at, then, Missing::NotRunning), "not recorded from 01:10:00 to 01:25:00: Pilothouse was not running"),
            (said(at, None, Missing::NotWritten), "not recorded since 01:10:00: not written"),
            (said(None, then, Missing::NotRecorded), "not recorded until 01:25:00"),
            (said(Some(0), then, Missing::Ended), "not recorded until 01:25:00: Pilothouse ended without a word"),
            (said(Some(0), None, Missing::Damaged), "not known in all this time: the record is damaged"),
            (said(at, then, Missing::Twice), "recorded twice from 01:10:00 to 01:25:00: the clock was set back"),
        ] {
            assert_eq!(words, want);
        }
    }

    #[test]
    fn nothing_is_said_to_have_been_seen_only_as_far_as_somebody_looked() {
        let of = |gaps: &[Gap]| nothing("Nothing was seen to change", gaps, Stamp(60 * MINUTE), Stamp(120 * MINUTE));
        let away = gap(Some(70 * MINUTE), Some(85 * MINUTE), Missing::NotRunning);
        let short = gap(Some(110 * MINUTE), Some(111 * MINUTE), Missing::Damaged);
        let before = gap(None, Some(60 * MINUTE), Missing::NotRecorded);
        let all = gap(None, Some(120 * MINUTE), Missing::NotRecorded);
        assert_eq!(of(std::slice::from_ref(&before)), "Nothing was seen to change.");
        let want = "Nothing was seen to change; not recorded from 01:10:00 to 01:25:00: Pilothouse was not running";
        assert_eq!(of(&[before, away.clone()]), format!("{want}."));
        assert_eq!(of(&[short, away]), format!("{want}, and at one more time."));
        assert_eq!(of(&[all]), "Not recorded in all this time.");
    }

    #[test]
    fn each_gap_is_hatched_and_the_newest_has_its_words_in_any_case() {
        let scale = Scale { from: Stamp(0), to: Stamp(60 * MINUTE), left: 20.0, right: 860.0 };
        let minutes = |from: i64, to: i64| gap(Some(from * MINUTE), Some(to * MINUTE), Missing::NotRunning);
        let gaps = [
            gap(None, Some(MINUTE), Missing::NotRecorded),
            minutes(5, 6),
            minutes(30, 31),
            gap(Some(58 * MINUTE), None, Missing::NotWritten),
            gap(None, Some(Stamp(0).0), Missing::NotRecorded),
        ];
        let told = placed(&gaps, &scale, Stamp(60 * MINUTE));
        assert_eq!(told.len(), 4, "what is out of sight is not there");
        assert_eq!(told[0].span, (832.0, 860.0));
        assert!(told[0].hides && !told[1].hides);
        let words: Vec<_> = told.iter().filter_map(|placed| placed.words.as_ref()).collect();
        assert_eq!(words[0].1, "not recorded since 00:58:00: not written");
        // They stand side by side, within the strip.
        let ends = words.iter().map(|(x, said)| x + text::width(said));
        assert!(
            words.iter().zip(ends.clone()).all(|((x, _), end)| *x >= scale.left && end <= scale.right),
            "{words:?}"
        );
        assert!(
            words[1..].iter().zip(&words).zip(ends.skip(1)).all(|((_, (right, _)), end)| end < *right),
            "{words:?}"
        );
        // Those without room are counted.
        let untold = told.iter().filter(|placed| placed.words.is_none()).count();
        let last = &words[words.len() - 1].1;
        assert!(untold > 0 && last.ends_with(&format!(" +{untold}")), "{last}");
    }
}

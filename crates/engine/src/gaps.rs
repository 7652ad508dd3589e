//! Times that the record does not tell of, for the ribbon: read beside the loop while somebody looks at one.

use crate::{input::Input, past, views::WEEK};
use pilothouse_journal::Reader as JournalReader;
use pilothouse_wire::{Stamp, View, ViewSpec, record::Gap};
use tokio::{sync::mpsc, task::JoinHandle};

/// Beats after which they are read again: what is damaged is found by and by.
const EVERY: u32 = 10;

/// What is known of them.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    known: Vec<Gap>,
    /// Beats until they are read again.
    left: u32,
    /// What could not be kept when they were read last.
    lost: u64,
    /// What reads them. On a disk that is too slow reads must not pile up.
    reading: Option<JoinHandle<()>>,
}

impl Gaps {
    /// Reads them if it is time, or if more was lost since.
    pub(crate) fn beat(&mut self, past: Option<&JournalReader>, lost: u64, now: Stamp, inputs: &mpsc::Sender<Input>) {
        self.left = self.left.saturating_sub(1);
        if self.left > 0 && self.lost == lost {
            return;
        }
        let Some(past) = past.cloned() else { return };
        if self.reading.as_ref().is_some_and(|reading| !reading.is_finished()) {
            return;
        }
        (self.left, self.lost) = (EVERY, lost);
        let inputs = inputs.clone();
        self.reading = Some(tokio::spawn(async move {
            // What cannot be read now is read at the next beat that it is time.
            if let Ok(Ok(gaps)) = past::apart(move || past.gaps(now.minus(WEEK), now)).await {
                let _ = inputs.send(Input::Gaps(gaps)).await;
            }
        }));
    }

    /// Takes in what was read. Answers whether it is news.
    pub(crate) fn take(&mut self, gaps: Vec<Gap>) -> bool {
        let is_new = self.known != gaps;
        self.known = gaps;
        is_new
    }

    /// Puts them onto a ribbon: those that touch its span.
    pub(crate) fn told(&self, mut view: View, spec: &ViewSpec, now: Stamp) -> View {
        if let (View::Ribbon(ribbon), ViewSpec::Ribbon { span, end }) = (&mut view, spec) {
            let end = end.stamp(now);
            ribbon.gaps = self.known.iter().filter(|gap| gap.touches(end.minus(*span), end)).cloned().collect();
        }
        view
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{When, record::Missing, view::RibbonView};
    use std::time::Duration;

    #[test]
    fn a_ribbon_has_the_gaps_of_its_span_and_no_other_view_has_any() {
        let gap = |since, until| Gap { since, until, why: Missing::Damaged, detail: String::new() };
        let mut gaps = Gaps::default();
        let at = |second: i64| Some(Stamp(second * 1_000));
        let all = vec![gap(None, at(10)), gap(at(20), at(30)), gap(at(70), None)];
        assert!(gaps.take(all.clone()) && !gaps.take(all.clone()));
        for (span, end, want) in [
            (100, When::Now, &all[..]),
            (40, When::Now, &all[2..]),
            (15, When::At(Stamp(30_000)), &all[1..2]),
            (6, When::At(Stamp(15_000)), &all[..1]),
        ] {
            let spec = ViewSpec::Ribbon { span: Duration::from_secs(span), end };
            let View::Ribbon(told) = gaps.told(View::Ribbon(RibbonView::default()), &spec, Stamp(90_000)) else {
                unreachable!()
            };
            assert_eq!(told.gaps, want, "{spec:?}");
        }
        assert_eq!(gaps.told(View::Object(None), &ViewSpec::Connections, Stamp(5)), View::Object(None));
    }
}

//! Alerts into the world, and the marks that they leave.

use super::Fold;
use crate::{alert, fact::AlertsFact};
use pilothouse_wire::view::{Mark, MarkKind, Status, ribbon::MarkKey};

impl Fold<'_> {
    pub(super) fn alerts(&mut self, fact: AlertsFact) {
        let Some(news) = self.source.alerts.take(fact) else { return };
        self.touched.alerts = true;
        for alert in news.came {
            // It stands where it began, also if that was before anybody looked.
            let key = MarkKey { at: alert.since, object: alert::object(self.id, &alert), kind: MarkKind::Alert };
            let (title, status) = (alert.name.to_string(), alert::status(&alert));
            let mark = Mark { title, detail: alert.summary, status, ..Mark::of(key) };
            if news.before { self.rebuild(mark) } else { self.marks.push(mark) }
        }
        for alert in news.gone {
            let key = MarkKey { at: self.seen, object: alert::object(self.id, &alert), kind: MarkKind::AlertOver };
            let title = format!("{} over", alert.name);
            let status = Status::Good;
            self.marks.push(Mark { title, detail: alert.summary, status, ..Mark::of(key) });
        }
    }
}

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
            let status = alert::status(&alert);
            self.marks.push(Mark { key, title: alert.name.to_string(), detail: alert.summary, status });
        }
        for alert in news.gone {
            let key = MarkKey { at: self.seen, object: alert::object(self.id, &alert), kind: MarkKind::AlertOver };
            let title = format!("{} over", alert.name);
            self.marks.push(Mark { key, title, detail: alert.summary, status: Status::Good });
        }
    }
}

//! What a person is told of: what is wrong with the fleet goes in, notices for the desktop come out.

pub(crate) mod memory;

use pilothouse_connect::TimeZone;
use pilothouse_insight::{Call, Lookout, quiet_until, wrong};
use pilothouse_wire::{
    Problem, Stamp, When,
    frame::SourceState,
    notice::{Delivery, Notice, NoticesView, Wishes},
    view::{FindingId, FleetView, Status},
};
use std::collections::VecDeque;

/// A thing that was told, and how bad it was.
pub(crate) type Told = (FindingId, Status);

/// Notices that can be read again: the last ones.
const KEPT: usize = 50;

/// What is to be told, and what was.
#[derive(Default)]
pub(crate) struct Notices {
    lookout: Lookout,
    /// Is there a record, so that a notice can open its moment?
    recorded: bool,
    seen: u32,
    /// Has what is kept in mind changed since it was last taken?
    changed: bool,
    view: NoticesView,
    notices: VecDeque<Notice>,
}

impl Notices {
    /// One that tells what is wished for, and keeps in mind what earlier runs told.
    pub(crate) fn new(wishes: Wishes, told: Vec<Told>, recorded: bool, now: Stamp) -> Self {
        let view = NoticesView { wishes, ..NoticesView::default() };
        Self { lookout: Lookout::recalling(told, now), recorded, view, ..Self::default() }
    }

    /// A door shows them from now on.
    pub(crate) fn show_here(&mut self) {
        self.view.told_here = true;
    }

    /// Is there a door that shows them? What nobody is shown would count as told.
    pub(crate) fn is_told_here(&self) -> bool {
        self.view.told_here
    }

    /// Takes in what is wrong now. Answers whether the view of the notices is another one.
    pub(crate) fn look(&mut self, fleet: &FleetView, sources: &[SourceState], now: Stamp, zone: &TimeZone) -> bool {
        let before = (self.view.quiet_until, self.view.held);
        let wishes = &self.view.wishes;
        self.view.quiet_until = wishes.quiet.and_then(|hours| quiet_until(hours, now, zone));
        let (quiet, kept) = (self.view.quiet_until.is_some(), self.lookout.told_count());
        let call = self.lookout.look(wrong(fleet, sources), sources, wishes, quiet, now);
        self.changed |= call.is_some() || self.lookout.told_count() != kept;
        self.view.held = if quiet { u32::try_from(self.lookout.waiting()).unwrap_or(u32::MAX) } else { 0 };
        let told = call.is_some();
        if let Some(call) = call {
            self.tell(call, now);
        }
        told || before != (self.view.quiet_until, self.view.held)
    }

    /// Tells something at once, whatever was asked for.
    pub(crate) fn try_one(&mut self, now: Stamp) {
        self.push(Notice {
            number: 0,
            at: now,
            status: Status::Good,
            title: "Pilothouse can tell you here".into(),
            text: "Somebody tried this in the settings. Nothing is wrong.".into(),
            things: 0,
            object: None,
            when: When::Now,
            delivery: Delivery::Waiting,
        });
    }

    /// Somebody wishes something else.
    pub(crate) fn wish(&mut self, wishes: Wishes) {
        self.view.wishes = wishes;
    }

    /// Somebody has seen the notices up to this one.
    pub(crate) fn saw(&mut self, number: u32) {
        // Nothing is seen before it is told.
        let last = self.notices.front().map_or(0, |last| last.number);
        self.seen = self.seen.max(number.min(last));
    }

    /// The desktop took a notice, or did not.
    pub(crate) fn delivered(&mut self, number: u32, outcome: Result<(), Problem>) {
        if let Some(notice) = self.notices.iter_mut().find(|notice| notice.number == number) {
            notice.delivery = outcome.map_or_else(Delivery::NotShown, |()| Delivery::Shown);
        }
    }

    /// What doors show of it.
    pub(crate) fn view(&self) -> NoticesView {
        let unseen = self.notices.iter().filter(|notice| notice.number > self.seen).map(|notice| notice.things);
        NoticesView { unseen: unseen.sum(), notices: self.notices.iter().cloned().collect(), ..self.view.clone() }
    }

    /// What is kept in mind, if that changed since it was last taken.
    pub(crate) fn take_changed(&mut self) -> Option<Vec<Told>> {
        let told = self.lookout.told().map(|(id, status)| (id.clone(), status));
        std::mem::take(&mut self.changed).then(|| told.collect())
    }

    fn tell(&mut self, call: Call, now: Stamp) {
        self.push(Notice {
            number: 0,
            at: now,
            status: call.status,
            title: call.title,
            text: call.text,
            things: call.things,
            object: Some(call.object),
            when: if self.recorded { When::At(now) } else { When::Now },
            delivery: Delivery::Waiting,
        });
    }

    /// Gives it its number, and lets go of the oldest.
    fn push(&mut self, notice: Notice) {
        let number = self.notices.front().map_or(1, |last| last.number.saturating_add(1));
        self.notices.push_front(Notice { number, ..notice });
        self.notices.truncate(KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{ConnectionId, Freshness};

    const NOON: Stamp = Stamp(1_800_014_400_000);

    fn lost(id: &str) -> SourceState {
        SourceState {
            id: ConnectionId::slug(id),
            name: id.into(),
            demo: false,
            freshness: Freshness::Lost,
            heard: None,
            note: Some("Nothing listens there.".into()),
        }
    }

    /// Looks once a second for so long.
    fn look(notices: &mut Notices, sources: &[SourceState], from: Stamp, seconds: i64) {
        for second in 0..seconds {
            notices.look(&FleetView::default(), sources, Stamp(from.0 + second * 1_000), &TimeZone::UTC);
        }
    }

    #[test]
    fn what_is_told_is_counted_until_somebody_sees_it_and_opens_its_moment_where_that_is_recorded() {
        for recorded in [true, false] {
            let mut notices = Notices::new(Wishes::default(), Vec::new(), recorded, NOON);
            look(&mut notices, &[lost("iad"), lost("ord")], NOON, 60);
            let view = notices.view();
            assert_eq!((view.unseen, view.notices.len(), view.notices[0].number), (2, 1, 1));
            assert_eq!(view.notices[0].when, if recorded { When::At(view.notices[0].at) } else { When::Now });
            notices.saw(1);
            assert_eq!(notices.view().unseen, 0);
        }
    }

    #[test]
    fn quiet_hours_hold_back_and_say_until_when() {
        let quiet = pilothouse_wire::notice::QuietHours::new("11:00".parse().unwrap(), "12:30".parse().unwrap());
        let mut notices = Notices::new(Wishes { quiet, ..Wishes::default() }, Vec::new(), true, NOON);
        look(&mut notices, &[lost("iad")], NOON, 100);
        let view = notices.view();
        assert_eq!((view.held, view.quiet_until, view.notices.len()), (1, Some(Stamp(NOON.0 + 1_800_000)), 0));
        look(&mut notices, &[lost("iad")], Stamp(NOON.0 + 1_800_000), 10);
        let view = notices.view();
        assert_eq!((view.held, view.quiet_until), (0, None));
        assert_eq!(view.notices[0].title, "Still so after the quiet hours: Lost: iad");
    }

    #[test]
    fn what_is_kept_in_mind_is_handed_out_when_it_changed_and_is_recalled_by_the_next_run() {
        let mut first = Notices::new(Wishes::default(), Vec::new(), true, NOON);
        look(&mut first, &[lost("iad")], NOON, 10);
        assert_eq!(first.take_changed(), None);
        look(&mut first, &[lost("iad")], NOON, 60);
        let told = first.take_changed().unwrap();
        assert_eq!((told.len(), first.take_changed()), (1, None));
        let mut second = Notices::new(Wishes::default(), told, true, NOON);
        look(&mut second, &[lost("iad")], NOON, 100);
        assert!(second.view().notices.is_empty());
    }

    #[test]
    fn the_list_is_bounded_its_numbers_go_on_and_a_try_counts_as_nothing() {
        let mut notices = Notices::default();
        (0..KEPT + 10).for_each(|_| notices.try_one(NOON));
        let problem = Problem::new(pilothouse_wire::Code::NotOffered, "no bus");
        notices.delivered(60, Err(problem.clone()));
        notices.delivered(1, Ok(()));
        let view = notices.view();
        assert_eq!((view.notices.len(), view.notices[0].number, view.unseen), (KEPT, 60, 0));
        assert_eq!(view.notices[0].delivery, Delivery::NotShown(problem));
    }
}

//! Since when each GPU does nothing, as the record tells it: of a time of the past, and of before this run.

use crate::past;
use pilothouse_insight::History;
use pilothouse_journal::Reader as JournalReader;
use pilothouse_wire::{Stamp, view::FleetSpec};
use pilothouse_world::project::FleetProjection;
use std::time::Duration;

/// The record is looked through as one who watches is shown it: once a second.
const EVERY: Duration = Duration::from_secs(1);

/// What one who watched for as long as waste is judged over knows at a time. Of what cannot be read nothing is known. Blocks,
/// for long.
pub(crate) fn until(journal: &JournalReader, t: Stamp) -> History {
    let since = t.minus(History::ENOUGH);
    let (mut history, mut last) = (History::beginning(since), None::<FleetProjection>);
    let looked = journal.worlds(since, t, EVERY, |at, world, touched| {
        let fleet = match last.take() {
            Some(mut fleet) if !touched.all => {
                drop(fleet.update(world, touched));
                fleet
            }
            _ => FleetProjection::new(world, FleetSpec::default()),
        };
        history.note(fleet.view(), at);
        last = Some(fleet);
    });
    looked.map_or_else(|_| History::default(), |()| history)
}

/// The same, beside the event loop.
pub(crate) async fn beside(journal: JournalReader, t: Stamp) -> History {
    past::apart(move || until(&journal, t)).await.unwrap_or_default()
}

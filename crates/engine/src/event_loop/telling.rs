//! The loop's part in notices: acts about them, and what was told in a file.

use super::Loop;
use crate::notices::{Notices, Told, memory::Memory};
use pilothouse_vault::Paths;
use pilothouse_wire::{Act, Acted, Problem};

/// The file of what was told, and what is in it.
type Remembered = (Memory, Result<Vec<Told>, Problem>);

/// What earlier runs told. Whoever tells keeps it, also while another process holds the record.
pub(super) async fn remembered(paths: &Paths) -> Option<Remembered> {
    let memory = Memory::of(paths);
    let read = tokio::task::spawn_blocking(move || {
        let told = memory.read();
        (memory, told)
    });
    read.await.ok()
}

impl Loop {
    /// Begins to tell what is wished for, without what an earlier run told.
    pub(super) fn begin_telling(&mut self, memory: Option<Remembered>) {
        let (wishes, now) = (self.settings.notices.clone(), self.options.clock.now());
        let told = match memory {
            Some((memory, told)) => {
                self.memory = Some(memory);
                told.unwrap_or_else(|problem| {
                    self.notices.push(problem);
                    Vec::new()
                })
            }
            None => Vec::new(),
        };
        self.publisher.tell(Notices::new(wishes, told, self.recorder.is_some(), now));
    }

    /// Takes in an act about notices; any other is answered by nothing. They change no settings.
    pub(super) fn told(&mut self, act: &Act) -> Option<Acted> {
        let now = self.options.clock.now();
        let notices = self.publisher.notices_mut();
        match act {
            Act::ShowNotices => notices.show_here(),
            Act::TryNotice => notices.try_one(now),
            Act::SawNotices(number) => notices.saw(*number),
            Act::DeliveredNotice(number, outcome) => notices.delivered(*number, outcome.clone()),
            _ => return None,
        }
        self.with_scene(|publisher, scene| publisher.publish_notices(scene));
        Some(Acted::Ok)
    }

    /// Takes over what the settings wish for now.
    pub(super) fn wished(&mut self) {
        let wishes = self.settings.notices.clone();
        self.publisher.notices_mut().wish(wishes);
        self.with_scene(|publisher, scene| publisher.publish_notices(scene));
    }

    /// Writes down what was told and is not written yet.
    pub(super) async fn end_telling(&mut self) {
        self.remember();
        if let Some(memory) = self.memory.take() {
            memory.end().await;
        }
    }

    /// Keeps in mind what was told.
    pub(super) fn remember(&mut self) {
        let told = self.publisher.notices_mut().take_changed();
        if let Some(memory) = &mut self.memory {
            memory.keep(told);
        }
    }
}

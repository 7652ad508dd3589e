//! What containers were started with, once they are gone.

use super::Fold;
use crate::{
    fact::{PodFact, StartFact},
    source::PodKey,
};

impl Fold<'_> {
    /// A pod is said anew: containers of it that began again, or whose pod was replaced, are gone.
    pub(super) fn restarted(&mut self, key: &PodKey, now: &PodFact, starts: &[StartFact]) {
        let Some(old) = self.source.pods.get(key).filter(|old| !old.starts.is_empty()) else { return };
        let goes_on = |start: &StartFact| {
            let is_it = |now: &&StartFact| now.container == start.container && now.models == start.models;
            starts.iter().find(is_it).is_some_and(|now| start.began.is_none() || now.began == start.began)
        };
        let gone = old.starts.iter().filter(|start| old.fact.uid != now.uid || !goes_on(start)).cloned().collect();
        let fact = old.fact.clone();
        self.served(&fact, gone);
    }

    /// Containers of a pod are gone that were started with models.
    pub(super) fn served(&mut self, fact: &PodFact, starts: Vec<StartFact>) {
        if starts.is_empty() {
            return;
        }
        let key = fact.told_under();
        let until = fact.deleting.map_or(self.seen, |at| at.min(self.seen));
        for StartFact { container, began, models } in starts {
            // What never began served nothing.
            let Some(began) = began else { continue };
            for model in models {
                self.source.gone.add(key.clone(), container.clone(), model, (began, until));
            }
        }
    }
}

//! Reads kinds and their objects for the palette: the kinds once, the objects when a kind is named.

use super::kinds::{Asked, Read, asked, meant};
use crate::{link::use_link, once::effect, state::use_state};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, ConnectionId, KindId, Problem,
    kinds::{KindRow, Listing, Offered},
    sort,
};
use std::time::Duration;

/// No kind is listed while somebody still types its name.
const DEBOUNCE: Duration = Duration::from_millis(250);
/// Objects of a cluster at most.
const MOST: u32 = 1_000;

/// What is known of kinds while the palette is open.
#[derive(Clone, Copy)]
pub struct Browse {
    /// What clusters offer; `None` until they have answered.
    pub offered: RwSignal<Option<Result<Vec<Offered>, Problem>>>,
    /// The objects of the kind that was named.
    pub read: RwSignal<Vec<Read>>,
    /// Clusters that have not answered yet.
    pub waiting: RwSignal<usize>,
    /// The kind that `read` is about.
    of: RwSignal<Vec<(ConnectionId, KindId)>>,
}

impl Browse {
    /// Follows what is typed.
    pub fn follow(typed: RwSignal<String>) -> Self {
        let browse = Self {
            offered: RwSignal::new(None),
            read: RwSignal::new(Vec::new()),
            waiting: RwSignal::new(0),
            of: RwSignal::new(Vec::new()),
        };
        let (link, scope) = (use_link(), use_state().scope());
        let wants = Memo::new(move |_| typed.with(|typed| matches!(asked(typed), Asked::Kind(..))));
        effect(move || {
            if wants.get() && browse.offered.with_untracked(Option::is_none) {
                link.ask_then(Ask::Kinds { scope: scope.get_untracked() }, move |answer| {
                    browse.offered.set(Some(match answer {
                        Ok(Answer::Kinds(offered)) => Ok(offered),
                        Ok(_) => Ok(Vec::new()),
                        Err(problem) => Err(problem),
                    }));
                });
            }
        });
        let named = Memo::new(move |_| {
            typed.with(|typed| match asked(typed) {
                Asked::Kind(word, _) => browse.with_offered(|offered| meant(offered, word)),
                Asked::Fleet | Asked::Time(_) => Vec::new(),
            })
        });
        effect(move || {
            let kinds = named.get();
            let of: Vec<_> = kinds.iter().map(|(cluster, kind)| (cluster.clone(), kind.id.clone())).collect();
            browse.of.set(of.clone());
            browse.read.set(Vec::new());
            browse.waiting.set(kinds.len());
            let still = move |of: &Vec<_>| browse.of.try_with_untracked(|now| now == of) == Some(true);
            set_timeout(
                move || {
                    if still(&of) {
                        kinds.into_iter().for_each(|(cluster, kind)| browse.list(link, cluster, &kind, of.clone()));
                    }
                },
                DEBOUNCE,
            );
        });
        browse
    }

    /// What clusters offer, as far as they answered; tracks.
    pub fn with_offered<R>(self, read: impl FnOnce(&[Offered]) -> R) -> R {
        self.offered.with(|offered| match offered {
            Some(Ok(offered)) => read(offered),
            _ => read(&[]),
        })
    }

    fn list(self, link: crate::link::Link, cluster: ConnectionId, kind: &KindRow, of: Vec<(ConnectionId, KindId)>) {
        let listing = Listing {
            cluster: cluster.clone(),
            kind: kind.id.clone(),
            namespaced: kind.namespaced,
            namespace: None,
            name: None,
            most: MOST,
        };
        // Not scoped to an owner: a timer has none. The kind that is named now does the same.
        link.ask_then(Ask::Objects(listing), move |answer| {
            if self.of.try_with_untracked(|now| *now == of) != Some(true) {
                return;
            }
            let table = match answer {
                Ok(Answer::Objects(table)) => Ok(table),
                Ok(_) => Ok(pilothouse_wire::kinds::ObjectTable::default()),
                Err(problem) => Err(problem),
            };
            self.waiting.update(|waiting| *waiting = waiting.saturating_sub(1));
            self.read.update(|read| {
                read.push(Read { cluster, table });
                // In the order of the clusters, whoever answered first.
                sort::by(read, |a, b| a.cluster.cmp(&b.cluster));
            });
        });
    }
}

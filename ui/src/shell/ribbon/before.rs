//! The lanes from before this run: asked once for each stretch of the ribbon, of the servers that measure.

use super::window::Window;
use crate::{link::use_link, mirror::Watched, once::effect};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, ConnectionId, ViewSpec, sort,
    view::{Lane, LaneKind},
};
use std::time::Duration;

/// A hand on the axis asks for nothing until it rests: servers are asked for ranges.
const REST: Duration = Duration::from_millis(300);

/// A server that did not answer is asked once more.
const LATER: Duration = Duration::from_secs(30);

/// What servers keep of before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Before {
    /// The lanes that are kept.
    pub lanes: Vec<Lane>,
    /// Why some are missing.
    pub missing: Option<String>,
}

/// Asks whenever another stretch is shown, or somebody begins to measure.
pub fn lanes(watched: Watched, window: RwSignal<Window>) -> RwSignal<Before> {
    let link = use_link();
    let older = RwSignal::new(Before::default());
    let spec = Memo::new(move |_| window.get().spec());
    let measured = Memo::new(move |_| watched.ribbon(|view| measured(&view.lanes)).unwrap_or_default());
    // An answer to what is no longer asked says nothing.
    let asked = StoredValue::new(0_u32);
    let again = Trigger::new();
    // The link is outside of Leptos: this effect is the bridge.
    effect(move || {
        let ViewSpec::Ribbon { span, end } = spec.get() else { return };
        again.track();
        let number = asked.get_value().wrapping_add(1);
        asked.set_value(number);
        if measured.with(Vec::is_empty) {
            older.set(Before::default());
            return;
        }
        if !link.is_open() {
            return;
        }
        let taken = move |answer| {
            if asked.try_get_value() != Some(number) {
                return;
            }
            let (lanes, problem) = match answer {
                Ok(Answer::Lanes { lanes, problems }) => (lanes, problems.into_iter().next()),
                Ok(_) => return,
                Err(problem) => (Vec::new(), Some(problem)),
            };
            if problem.is_some() {
                set_timeout(move || again.notify(), LATER);
            }
            older.set(Before { lanes, missing: problem.map(|problem| problem.what) });
        };
        let ask = move || {
            if asked.try_get_value() == Some(number) {
                link.ask_then(Ask::Lanes { span, end }, taken);
            }
        };
        set_timeout(ask, REST);
    });
    older
}

/// Who measures what, in an order that does not change as lanes move.
fn measured(lanes: &[Lane]) -> Vec<(LaneKind, Option<ConnectionId>)> {
    let mut all: Vec<_> = lanes
        .iter()
        .filter(|lane| LaneKind::MEASURED.contains(&lane.kind))
        .map(|lane| (lane.kind, lane.source.clone()))
        .collect();
    sort::sort(&mut all);
    all
}

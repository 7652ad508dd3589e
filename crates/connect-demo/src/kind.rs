//! The demo fleet as a kind of connection: one connection is one of its clusters.

use crate::{
    connector::Demo,
    fleet::Cluster,
    registry::{self, Registry},
};
use pilothouse_connect::{Connector, FieldSpec, InputSpec, Kind, Opening};
use pilothouse_wire::{Code, Problem};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The seed of a fleet for which nobody chose one.
const SEED: u64 = 4_096;

/// The parts of the demo fleet, each of which is a connection.
const PARTS: [&str; 4] = [Cluster::NAMES[0], Cluster::NAMES[1], Cluster::NAMES[2], registry::NAME];

/// The demo fleet.
pub const KIND: Kind = Kind {
    id: "demo",
    name: "Demo fleet",
    summary: "A made-up cluster that runs in this process, to see Pilothouse at work without one of your own.",
    fields: &[
        FieldSpec {
            key: "cluster",
            label: "Part",
            help: "Which cluster of the demo fleet this is, or its registry of models. iad-prod, if left out.",
            input: InputSpec::Choice(&PARTS),
            required: false,
        },
        FieldSpec {
            key: "seed",
            label: "Seed",
            help: "A whole number. The same seed gives the same fleet and the same story.",
            input: InputSpec::Text("4096"),
            required: false,
        },
        FieldSpec {
            key: "interval",
            label: "Measured every, in seconds",
            help: "How often its GPUs are measured: a whole number of seconds from 1. 5, if left out.",
            input: InputSpec::Text("5"),
            required: false,
        },
    ],
    permissions: &[],
    demo: true,
    nodes: true,
    open,
    discover: None,
    inside: None,
};

/// The four connections that make up the demo fleet: their names, and the values of their fields.
#[must_use]
pub fn default_connections() -> Vec<(String, BTreeMap<String, String>)> {
    let named = |name: &str| (name.to_owned(), BTreeMap::from([("cluster".to_owned(), name.to_owned())]));
    PARTS.into_iter().map(named).collect()
}

fn open(opening: Opening) -> Result<Arc<dyn Connector>, Problem> {
    let part = filled(&opening.values, "cluster");
    let cluster = match part {
        None | Some(registry::NAME) => Cluster::IadProd,
        Some(text) => text.parse().map_err(|_| {
            bad("cluster", text, "The demo fleet has no cluster of that name.")
                .next(format!("Choose one of {}.", PARTS.join(", ")))
        })?,
    };
    let seed = match filled(&opening.values, "seed") {
        None => SEED,
        Some(text) => text.parse().map_err(|_| {
            bad("seed", text, "A seed is a whole number from 0.").next("Write a number such as 4096, or leave it out.")
        })?,
    };
    if part == Some(registry::NAME) {
        return Ok(Arc::new(Registry::new(opening.name, seed)));
    }
    let interval = match filled(&opening.values, "interval") {
        None => None,
        Some(text) => Some(seconds(text).ok_or_else(|| {
            bad("interval", text, "GPUs are measured every so many seconds, a whole number from 1 to 3600.")
                .next("Write a number such as 5, or leave it out.")
        })?),
    };
    Ok(Arc::new(Demo::new(opening.name, cluster, seed, interval)))
}

/// A span of whole seconds, from one to an hour.
fn seconds(text: &str) -> Option<Duration> {
    text.parse().ok().filter(|seconds| (1..=3_600).contains(seconds)).map(Duration::from_secs)
}

fn filled<'a>(values: &'a BTreeMap<String, String>, key: &str) -> Option<&'a str> {
    values.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
}

fn bad(field: &str, value: &str, why: &str) -> Problem {
    Problem::new(Code::BadInput, format!("The field {field} of the demo fleet is \"{value}\".")).why(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_connect::{Clock, Relays};
    use pilothouse_wire::{ConnectionId, Stamp};

    fn opened(values: &[(&str, &str)]) -> Result<Arc<dyn Connector>, Problem> {
        (KIND.open)(Opening {
            id: ConnectionId::slug("demo"),
            name: "demo".into(),
            values: values.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            secrets: BTreeMap::new(),
            trusted: Vec::new(),
            clock: Clock::of(|| Stamp(0)),
            relays: Relays::none(),
            sought: &[],
        })
    }

    #[test]
    fn nothing_is_required() {
        assert!(KIND.fields.iter().all(|field| !field.required));
        assert!(opened(&[]).is_ok_and(|demo| demo.about().demo));
        assert!(opened(&[("cluster", " "), ("seed", ""), ("interval", "1")]).is_ok());
    }

    #[test]
    fn the_four_defaults_open() {
        let defaults = default_connections();
        assert_eq!(defaults.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), PARTS);
        for (_, values) in defaults {
            let values: Vec<_> = values.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            assert!(opened(&values).is_ok());
        }
    }

    #[test]
    fn a_value_that_cannot_be_used_is_named_with_its_field() {
        for (key, value) in
            [("cluster", "sfo-prod"), ("seed", "many"), ("seed", "-1"), ("interval", "0"), ("interval", "0.5")]
        {
            let problem = opened(&[(key, value)]).err().map(|problem| (problem.code, problem.what));
            let what = format!("The field {key} of the demo fleet is \"{value}\".");
            assert_eq!(problem, Some((Code::BadInput, what)));
        }
    }
}

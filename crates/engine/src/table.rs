//! The one table of connectors: nobody else names them.

#[cfg(feature = "conformance")]
use pilothouse_connect::conformance::Stand;
use pilothouse_connect::{Discovery, Inside, Kind, Signature};
use pilothouse_world::Source;
use std::{collections::BTreeMap, sync::LazyLock};

/// One word for each connector: the module that holds its `KIND` and, for the suite, its `STAND`.
macro_rules! connectors {
    ($($($part:ident)::+),+ $(,)?) => {
        /// Every kind of connection.
        pub const KINDS: &[Kind] = &[$($($part)::+::KIND),+];

        /// The stand of each, in the suite that all of them have to pass.
        #[cfg(feature = "conformance")]
        pub const STANDS: &[Stand] = &[$($($part)::+::STAND),+];
    };
}

connectors![
    pilothouse_connect_kube,
    pilothouse_connect_http::prometheus,
    pilothouse_connect_http::alertmanager,
    pilothouse_connect_oci,
    pilothouse_connect_local,
    pilothouse_connect_mlflow,
    pilothouse_connect_demo
];

/// A kind by its id.
pub(crate) fn kind(id: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.id == id)
}

/// Is a connection of this kind one to a registry, which has tags and artefacts?
pub(crate) fn is_registry(kind: &str) -> bool {
    kind == pilothouse_connect_oci::KIND.id
}

/// Does a connection keep runs, that can be searched? Of the demo fleet its registry does, and none of its clusters.
pub(crate) fn keeps_runs(source: &Source) -> bool {
    let kind = &source.about.kind;
    *kind == pilothouse_connect_mlflow::KIND.id
        || (*kind == pilothouse_connect_demo::KIND.id && !source.models.is_empty())
}

/// What all kinds look for inside of clusters.
pub(crate) fn sought() -> &'static [Signature] {
    static ALL: LazyLock<Vec<Signature>> =
        LazyLock::new(|| insides().flat_map(|(_, inside)| (inside.signatures)()).cloned().collect());
    &ALL
}

/// The kinds that look for something inside of clusters.
pub(crate) fn insides() -> impl Iterator<Item = (&'static Kind, Inside)> {
    KINDS.iter().filter_map(|kind| Some((kind, kind.inside?)))
}

/// The demo fleet: kind, name and settings of each of its connections.
pub(crate) fn demo_fleet() -> Vec<(&'static str, String, BTreeMap<String, String>)> {
    let kind = pilothouse_connect_demo::KIND.id;
    pilothouse_connect_demo::default_connections().into_iter().map(|(name, values)| (kind, name, values)).collect()
}

/// Places that could be connected, found by reading files.
pub(crate) fn discover() -> Discovery {
    let mut all = Discovery::default();
    for discover in KINDS.iter().filter_map(|kind| kind.discover) {
        let found = discover();
        all.offered.extend(found.offered);
        all.problems.extend(found.problems);
    }
    all
}

//! What a connection to a registry is and asks for, as data.

use crate::connector;
use pilothouse_connect::{FieldSpec, InputSpec, Kind};
use pilothouse_connect_http::{access, address, trust};

/// What is watched.
pub(crate) const WATCH: &str = "watch";
/// Names by which images say the registry.
pub(crate) const HOSTS: &str = "hosts";

/// The connector to OCI registries.
pub const KIND: Kind = Kind {
    id: "oci",
    name: "OCI registry",
    summary: "Which tags stand at which digests, what models and images are made of, and what moved.",
    fields: FIELDS,
    permissions: &["pull the repositories that are watched", "read /v2/_catalog, where none is named"],
    demo: false,
    nodes: false,
    open: connector::open,
    discover: None,
    inside: None,
};

const FIELDS: &[FieldSpec] = &[
    FieldSpec { required: true, ..address::field("The registry's address, mostly its host alone.", "https://ghcr.io") },
    FieldSpec {
        key: WATCH,
        label: "Watch",
        help: "Repositories and tags whose digests are followed: team/chat:prod, team/embed. Of a repository without a tag, \
               its first tags. Empty: what the registry lists.",
        input: InputSpec::Text("team/chat:prod, team/embed"),
        required: false,
    },
    FieldSpec {
        key: HOSTS,
        label: "Also called",
        help: "Other names by which the images of pods say this registry, such as a mirror's: registry.internal:5000.",
        input: InputSpec::Text("registry.internal:5000"),
        required: false,
    },
    access::USER_FIELD,
    access::PASSWORD_FIELD,
    access::TOKEN_FIELD,
    access::HEADER_FIELD,
    trust::CA_FIELD,
    trust::INSECURE_FIELD,
];

//! What a connection to an Alertmanager is and asks for, as data.

use super::connector;
use crate::{
    access, address, destination,
    offered::{self, CLUSTER},
    trust,
};
use pilothouse_connect::{FieldSpec, InputSpec, Inside, Kind};

/// Its id, as in the settings file.
const ID: &str = "alertmanager";

/// The Alertmanager connector.
pub const KIND: Kind = Kind {
    id: ID,
    name: "Alertmanager",
    summary: "Which alerts fire, since when, about what, and whether somebody silenced them.",
    fields: FIELDS,
    permissions: &[
        "read /api/v2/alerts",
        "read /api/v2/status",
        "inside of a cluster: get services/proxy of its service",
    ],
    demo: false,
    nodes: false,
    open: connector::open,
    discover: None,
    inside: Some(Inside {
        signatures: || offered::signatures(ID),
        offer: |cluster, fact| offered::offer(ID, cluster, fact),
        leads: offered::leads,
    }),
};

const FIELDS: &[FieldSpec] = &[
    address::field(
        "Where its API is, with the prefix if it has one: /alertmanager for Mimir, what --web.route-prefix says.",
        "https://alertmanager.example.com",
    ),
    destination::SERVICE_FIELD,
    FieldSpec {
        key: CLUSTER,
        label: "Cluster",
        help: "The connection of the cluster that its alerts are about. Empty: their labels tell, as far as only one \
               cluster has what they name.",
        input: InputSpec::Text("prod-eu"),
        required: false,
    },
    destination::VIA_FIELD,
    access::TENANT_FIELD,
    access::USER_FIELD,
    access::PASSWORD_FIELD,
    access::TOKEN_FIELD,
    access::HEADER_FIELD,
    trust::CA_FIELD,
    trust::INSECURE_FIELD,
];

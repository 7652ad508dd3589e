//! What a connection to a Prometheus is and asks for, as data.

use super::connector;
use crate::{
    access, address, destination,
    offered::{self, CLUSTER},
    trust,
};
use pilothouse_connect::{FieldSpec, InputSpec, Inside, Kind};

/// Its id, as in the settings file.
const ID: &str = "prometheus";

/// The Prometheus connector.
pub const KIND: Kind = Kind {
    id: ID,
    name: "Prometheus",
    summary: "What each GPU does, as dcgm-exporter and its like measure it: load, memory, power, heat, errors.",
    fields: FIELDS,
    permissions: &[
        "read /api/v1/query",
        "read /api/v1/status/buildinfo, if it has one",
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

/// The key of the field of matchers.
pub const MATCHERS: &str = "matchers";

const FIELDS: &[FieldSpec] = &[
    address::field(
        "Where its API is, with the prefix if it has one: /prometheus for Mimir, /select/0/prometheus for a \
         VictoriaMetrics cluster.",
        "https://prometheus.example.com",
    ),
    destination::SERVICE_FIELD,
    FieldSpec {
        key: CLUSTER,
        label: "Cluster",
        help: "The connection of the cluster whose GPUs it measures. Empty: names of nodes tell, as far as only one \
               cluster has them.",
        input: InputSpec::Text("prod-eu"),
        required: false,
    },
    FieldSpec {
        key: MATCHERS,
        label: "Only series with",
        help: "Labels that every series that is asked for has to have, where one Thanos, Mimir or VictoriaMetrics holds those \
               of several clusters: a connection for each cluster, with the label that tells it. Several stand between \
               commas, with =, !=, =~ or !~.",
        input: InputSpec::Text("cluster=\"iad-prod\""),
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

//! What a connection to MLflow is and asks for, as data.

use crate::connector;
use pilothouse_connect::{FieldSpec, InputSpec, Kind};
use pilothouse_connect_http::{access, address, destination, trust};

/// Key of the field that names a workspace.
pub(crate) const WORKSPACE: &str = "workspace";

/// The MLflow connector.
pub const KIND: Kind = Kind {
    id: "mlflow",
    name: "MLflow",
    summary: "Registered models with their versions and aliases, and the run behind each version.",
    fields: FIELDS,
    permissions: &[
        "read /api/2.0/mlflow/registered-models/search",
        "read /api/2.0/mlflow/model-versions/search",
        "for runs: read runs, metrics, artifacts and experiments",
        "inside of a cluster: get services/proxy of its service",
    ],
    demo: false,
    nodes: false,
    open: connector::open,
    discover: None,
    inside: None,
};

const FIELDS: &[FieldSpec] = &[
    address::field(
        "Where its tracking server is, with the prefix if it has one: what --static-prefix says.",
        "https://mlflow.example.com",
    ),
    FieldSpec { input: InputSpec::Text("mlops/mlflow:5000"), ..destination::SERVICE_FIELD },
    FieldSpec { help: "The connection of the cluster that has the service.", ..destination::VIA_FIELD },
    FieldSpec {
        key: WORKSPACE,
        label: "Workspace",
        help: "Sent as X-MLFLOW-WORKSPACE, to a server that has several. Empty: its default.",
        input: InputSpec::Text("team-a"),
        required: false,
    },
    access::USER_FIELD,
    access::PASSWORD_FIELD,
    access::TOKEN_FIELD,
    access::HEADER_FIELD,
    trust::CA_FIELD,
    trust::INSECURE_FIELD,
];

//! Where a server is, as a person filled it in: at an address of its own, or inside of a cluster that is connected.

use crate::{
    access::{self, Access},
    address::{Address, LABEL, URL},
    fields::Fields,
    trust,
};
use pilothouse_connect::{FieldSpec, InputSpec, Service, is_claimed};
use pilothouse_wire::{ConnectionId, Problem};

const SERVICE: &str = "service";
const VIA: &str = "via";

/// The service of a server that has no address of its own.
pub const SERVICE_FIELD: FieldSpec = FieldSpec {
    key: SERVICE,
    label: "Service",
    help: "Instead of an address: its service inside of a cluster, as namespace/name:port, or namespace/https:name:port \
           if it speaks TLS, with its prefix behind that. It is asked through the cluster's API server.",
    input: InputSpec::Text("monitoring/prometheus-operated:9090"),
    required: false,
};

/// The connection that leads there.
pub const VIA_FIELD: FieldSpec = FieldSpec {
    key: VIA,
    label: "By way of",
    help: "The connection of the cluster that has the service. Empty: the one in the field \"Cluster\".",
    input: InputSpec::Text("prod-eu"),
    required: false,
};

/// Where a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// At an address of its own.
    Address(Address),
    /// Behind a service of a cluster.
    Inside(Inside),
}

/// A server inside of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inside {
    /// The connection to the cluster.
    pub via: ConnectionId,
    /// The service.
    pub service: Service,
    /// What stands before each path of its API: empty, or `/prometheus`.
    pub prefix: String,
}

impl Destination {
    /// What was filled in. `cluster` is the key of the field that names the cluster which the server is about.
    ///
    /// # Errors
    /// If there is neither an address nor a service, or both, or one that cannot be used.
    pub(crate) fn of(fields: &Fields<'_>, cluster: &str) -> Result<Self, Problem> {
        let Some(text) = fields.text(SERVICE) else {
            if fields.text(VIA).is_some() {
                return Err(fields.bad(VIA, "It is the way to a service, and no service is named."));
            }
            return Address::of(fields).map(Self::Address).map_err(|problem| match fields.text(URL) {
                None => problem
                    .next(format!("Fill in \"{LABEL}\", or \"{}\" if it is inside of a cluster.", SERVICE_FIELD.label)),
                Some(_) => problem,
            });
        };
        if fields.text(URL).is_some() {
            return Err(fields.bad(SERVICE, "There is an address as well: one of the two."));
        }
        let Some(via) = fields.text(VIA).or_else(|| fields.text(cluster)) else {
            return Err(fields.bad(VIA, "A service is named, and no connection to the cluster that has it."));
        };
        let via = ConnectionId::slug(via);
        if via == *fields.id() {
            return Err(fields.bad(VIA, "It names this connection itself."));
        }
        for key in [trust::CA_FIELD.key, trust::INSECURE_FIELD.key] {
            if fields.text(key).is_some_and(|value| value != "false") {
                return Err(fields.bad(key, format!("The way to the cluster is secured by its connection, \"{via}\".")));
            }
        }
        let (service, prefix) = Service::parse(text).map_err(|why| fields.bad(SERVICE, why))?;
        Ok(Self::Inside(Inside { via, service, prefix }))
    }

    /// What is wrong with a credential on this way.
    ///
    /// # Errors
    /// If it would be taken by the API server on the way as a credential for itself.
    pub(crate) fn check(&self, access: &Access, fields: &Fields<'_>) -> Result<(), Problem> {
        let Self::Inside(inside) = self else { return Ok(()) };
        if !access.headers.keys().any(is_claimed) {
            return Ok(());
        }
        let via = &inside.via;
        Err(fields.bad(
            access::filled(fields),
            format!(
                "It would go to the API server of \"{via}\", which takes it as a credential for itself and does not hand \
                 it on. By way of a cluster only a tenant and other headers get through."
            ),
        ))
    }
}

impl Inside {
    /// What it is, for people.
    #[must_use]
    pub fn shown(&self) -> String {
        let Self { via, service, prefix } = self;
        format!("{service}{prefix} by way of {via}")
    }
}

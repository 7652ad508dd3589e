//! What messages need to know of a connection.

use crate::{address, destination};

/// A connection as messages name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The connection's name for people.
    pub name: String,
    /// Host and port; of a server inside of a cluster, the service and the connection that leads to it.
    pub host: String,
    /// The connection whose cluster it is inside of, if we go that way.
    pub by_way: Option<String>,
    /// The path of the address, if it has one.
    pub path: Option<String>,
    /// Who we sign in as, if by name.
    pub who: Option<String>,
    /// The file of authorities, if one is named.
    pub ca: Option<String>,
    /// What kind of server it should be: "a Prometheus".
    pub kind: &'static str,
}

impl Place {
    /// The field that says where it is, by its label.
    #[must_use]
    pub fn field(&self) -> &'static str {
        if self.by_way.is_some() { destination::SERVICE_FIELD.label } else { address::LABEL }
    }
}

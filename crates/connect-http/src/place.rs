//! What messages need to know of a connection.

/// A connection as messages name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The connection's name for people.
    pub name: String,
    /// Host and port.
    pub host: String,
    /// The path of the address, if it has one.
    pub path: Option<String>,
    /// Who we sign in as, if by name.
    pub who: Option<String>,
    /// The file of authorities, if one is named.
    pub ca: Option<String>,
    /// What kind of server it should be: "a Prometheus".
    pub kind: &'static str,
}

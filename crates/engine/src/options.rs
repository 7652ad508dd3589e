//! What an engine is started with.

use pilothouse_connect::Clock;
pub use pilothouse_vault::Paths;
use pilothouse_wire::Problem;

/// What an engine is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where settings and data are.
    pub paths: Paths,
    /// Show the demo fleet even if connections are configured.
    pub demo: bool,
    /// Only this connection, by id or name; or a context of the kubeconfig, for this run only.
    pub only: Option<String>,
    /// Write batches into the journal. A short-lived door does not.
    pub record: bool,
    /// The clock.
    pub clock: Clock,
}

impl Options {
    /// Options for a door that stays: it records.
    ///
    /// # Errors
    /// If there is no home folder to keep settings in.
    pub fn from_env() -> Result<Self, Problem> {
        Ok(Self { paths: Paths::from_env()?, demo: false, only: None, record: true, clock: Clock::system() })
    }
}

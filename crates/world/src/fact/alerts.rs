//! Facts of alerts.

use pilothouse_wire::{ConnectionId, SmolStr, Stamp, view::AlertState};
use serde::{Deserialize, Serialize};

/// All alerts that a source has. Which is not named fires no more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertsFact {
    /// The cluster that they are about, where the source knows it. Otherwise names tell, if only one cluster has them.
    pub cluster: Option<ConnectionId>,
    /// The alerts.
    pub alerts: Vec<AlertFact>,
}

/// An alert. Source: `GET /api/v2/alerts` of an Alertmanager.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertFact {
    /// `fingerprint`.
    pub fingerprint: SmolStr,
    /// Label `alertname`.
    pub name: SmolStr,
    /// Label `severity`.
    pub severity: Option<SmolStr>,
    /// `status.state`, and by what it is kept back.
    pub state: AlertState,
    /// `startsAt`.
    pub since: Stamp,
    /// Annotation `summary`, cut at 1,024 characters; where there is none `description` or `message`, with that word before it
    /// ([`pilothouse_wire::view::alert::described`]).
    pub summary: Option<String>,
    /// The labels that we use (see [`crate::alert::is_kept_label`]).
    pub labels: Vec<(SmolStr, SmolStr)>,
    /// Annotation `runbook_url`, without credentials.
    pub runbook: Option<String>,
}

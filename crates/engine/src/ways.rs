//! The ways by other connections, as a connector is given them: the engine owns the connections, so it is asked.

use crate::input::Input;
use pilothouse_connect::{Connector, FindRelay, Ground, NoRelay, Relay};
use pilothouse_wire::ConnectionId;
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// So long a connection that is being opened is waited for: reading a file, a keyring or a vault takes less.
const OPENING: Duration = Duration::from_secs(10);

/// Asks the engine.
pub(crate) struct Ways(pub mpsc::Sender<Input>);

impl Ways {
    async fn open(&self, id: &ConnectionId) -> Result<Arc<dyn Connector>, NoRelay> {
        let (asked, open) = oneshot::channel();
        let told = async {
            self.0.send(Input::Open(id.clone(), asked)).await.ok()?;
            open.await.ok()
        };
        // Without an answer the engine is ending, or the connection has just begun anew.
        tokio::time::timeout(OPENING, told).await.ok().flatten().unwrap_or(Err(NoRelay::NotYet))
    }

    /// What a connection leads to as the ground of a benchmark.
    ///
    /// # Errors
    /// Why there is none now.
    pub(crate) async fn ground(&self, id: &ConnectionId) -> Result<Arc<dyn Ground>, NoRelay> {
        self.open(id).await?.ground().ok_or(NoRelay::Unfit)
    }
}

#[async_trait::async_trait]
impl FindRelay for Ways {
    async fn find(&self, id: &ConnectionId) -> Result<Arc<dyn Relay>, NoRelay> {
        self.open(id).await?.relay().ok_or(NoRelay::Unfit)
    }
}

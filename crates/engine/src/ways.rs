//! The ways by other connections, as a connector is given them: the engine owns the connections, so it is asked.

use crate::input::Input;
use pilothouse_connect::{FindRelay, NoRelay, Relay};
use pilothouse_wire::ConnectionId;
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// So long a connection that is being opened is waited for: reading a file, a keyring or a vault takes less.
const OPENING: Duration = Duration::from_secs(10);

/// Asks the engine.
pub(crate) struct Ways(pub mpsc::Sender<Input>);

#[async_trait::async_trait]
impl FindRelay for Ways {
    async fn find(&self, id: &ConnectionId) -> Result<Arc<dyn Relay>, NoRelay> {
        let (asked, way) = oneshot::channel();
        let told = async {
            self.0.send(Input::Relay(id.clone(), asked)).await.ok()?;
            way.await.ok()
        };
        // Without an answer the engine is ending, or the connection has just begun anew.
        tokio::time::timeout(OPENING, told).await.ok().flatten().unwrap_or(Err(NoRelay::NotYet))
    }
}

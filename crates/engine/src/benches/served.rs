//! What is started to be measured at the window: whoever looks is told what is waited for.

use super::News;
use crate::input::Input;
use pilothouse_bench::{
    served::{self, Served},
    store::Place,
    wish::Serve,
};
use pilothouse_wire::{
    Problem,
    bench::{Card, Going},
    view::Status,
};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How long a server may take until it is ready: large weights are read from a slow disk.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// Tells whoever looks what a benchmark waits for. A type, since the future of an async closure is not known to be `Send`.
#[derive(Clone)]
pub(super) struct Waits {
    pub id: String,
    pub inputs: mpsc::Sender<Input>,
}

impl Waits {
    /// Tells it.
    pub(super) async fn tell(&self, what: String) {
        let card = Card { title: "Waiting".into(), about: what, status: Some(Status::Progress), ..Card::default() };
        let going = Going { id: self.id.clone(), card, stopping: false };
        // An engine that has stopped shows nothing.
        let _ = self.inputs.send(Input::Bench(News::Going(Box::new(going)))).await;
    }
}

/// Starts servers one after the other, and waits until each is ready; `waits` is told for which.
///
/// # Errors
/// If one does not serve, or is not waited for any more; those before it are stopped.
pub(super) async fn start(
    serves: Vec<Serve>,
    place: &Place,
    stopped: &watch::Receiver<bool>,
    waits: &Waits,
) -> Result<Served, Problem> {
    let mut servers = Served::default();
    for Serve { arm, command, target } in serves {
        let mut stopped = stopped.clone();
        let over = async {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        let started = match served::wanted(&arm, command, None, PATIENCE, &target, place) {
            Ok(wanted) => {
                waits.tell(wanted.words()).await;
                servers.start(&arm, &wanted, &target, over).await
            }
            Err(problem) => Err(problem),
        };
        if let Err(problem) = started {
            servers.stop().await;
            return Err(problem);
        }
    }
    Ok(servers)
}

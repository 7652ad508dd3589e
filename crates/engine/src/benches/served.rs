//! What is started to be measured, for as long as a benchmark takes.

use super::News;
use crate::input::Input;
use pilothouse_bench::{
    beside::{Given, Gpus, Watched},
    plan::Target,
    server::{self, GRACE, Server, Wanted},
    store::Place,
    wish::Serve,
};
use pilothouse_wire::{
    Problem, SmolStr,
    bench::{Card, Going},
    view::Status,
};
use std::{path::PathBuf, time::Duration};
use tokio::sync::{mpsc, watch};

/// How long a server may take until it is ready: large weights are read from a slow disk.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// Tells whoever looks what a benchmark waits for. A type, since the future of an async closure is not known to be `Send`.
pub(super) struct Waits {
    pub id: String,
    pub inputs: mpsc::Sender<Input>,
}

impl Waits {
    async fn tell(&self, what: String) {
        let card = Card { title: "Waiting".into(), about: what, status: Some(Status::Progress), ..Card::default() };
        let going = Going { id: self.id.clone(), card, stopping: false };
        // An engine that has stopped shows nothing.
        let _ = self.inputs.send(Input::Bench(News::Going(Box::new(going)))).await;
    }
}

/// Servers that were started; where none was wanted there are none. Killed where this is dropped.
#[derive(Default)]
pub(super) struct Servers(Vec<(SmolStr, Server)>);

impl Servers {
    /// Starts them one after the other, and waits until each is ready; `waits` is told for which.
    ///
    /// # Errors
    /// If one does not serve, or is not waited for any more; those before it are stopped.
    pub(super) async fn start(
        serves: Vec<Serve>,
        place: &Place,
        stopped: &watch::Receiver<bool>,
        waits: &Waits,
    ) -> Result<Self, Problem> {
        let mut servers = Self::default();
        for Serve { arm, command, target } in serves {
            let ready_url = server::usual_ready_url(&target);
            let wanted = Wanted { command, ready_url, limit: PATIENCE, grace: GRACE, log: log(place, &arm) };
            waits.tell(format!("until {} is ready; its words go to {}", wanted.ready_url, wanted.log.display())).await;
            let mut stopped = stopped.clone();
            let over = async {
                let _ = stopped.wait_for(|stopped| *stopped).await;
            };
            match server::start(&wanted, &target, over).await {
                Ok(server) => servers.0.push((arm, server)),
                Err(problem) => {
                    servers.stop().await;
                    return Err(problem);
                }
            }
        }
        Ok(servers)
    }

    /// What a run on the target of this arm is given: what was started, and what is read beside it.
    pub(super) fn given(&self, arm: &str, target: &Target) -> Given {
        let Some((_, server)) = self.0.iter().find(|(of, _)| of == arm) else { return Given::default() };
        let watched =
            Watched { process: Some(server.id()), metrics: Some(server::usual_metrics_url(target)), gpus: Gpus::Usual };
        Given { server: Some(server.started().clone()), watched }
    }

    /// Stops them with all that they have started. Of those that ended by themselves it says which, with their last words.
    pub(super) async fn stop(self) -> Vec<String> {
        let mut ended = Vec::new();
        for (arm, mut server) in self.0 {
            if let Some(status) = server.ended() {
                let of = if arm.is_empty() { String::new() } else { format!(" of the {arm}") };
                ended.push(format!("The server{of} ended while it was measured, {status}. {}", server.last_words()));
            }
            server.stop().await;
        }
        ended
    }
}

/// The file with the words of a server, beside what is kept.
fn log(place: &Place, arm: &str) -> PathBuf {
    let dotted = if arm.is_empty() { String::new() } else { format!(".{arm}") };
    place.document.with_file_name(format!("{}{dotted}.server.log", place.id))
}

//! A cluster as the ground of a benchmark: load through a connection is sent where something may be done by it, and nowhere else.

use super::Bench;
use crate::ways::Ways;
use pilothouse_connect::{Ground, NoRelay};
use pilothouse_vault::Settings;
use pilothouse_wire::{Code, ConnectionId, Problem, plan::Operation};
use std::sync::Arc;

/// A cluster that load may be sent into.
#[derive(Clone)]
pub struct Grounded {
    /// Its connection.
    pub id: ConnectionId,
    /// The way.
    pub ground: Arc<dyn Ground>,
    /// Is it what users depend on? Then who sends load types what it is sent to.
    pub production: bool,
}

impl Bench {
    /// Hands it out, if this session and its connection allow that something is done.
    pub(crate) async fn ground(self, named: &str, is_record: bool) -> Result<Grounded, Problem> {
        if is_record {
            return Err(Problem::new(Code::NotOffered, "Behind a record there is no server to measure."));
        }
        if let Some(held) = self.holding.problem() {
            return Err(held);
        }
        let paths = self.paths.clone();
        let settings = tokio::task::spawn_blocking(move || Settings::load(&paths)).await;
        let settings = settings.map_err(|error| {
            Problem::new(Code::Internal, "The settings could not be read.").why(error.to_string())
        })??;
        let fits = settings.connections.iter().find(|one| one.id.as_str() == named || one.name == named);
        let Some(id) = fits.map(|one| one.id.clone()) else {
            return Err(Problem::new(Code::NotFound, format!("There is no connection \"{named}\"."))
                .why("Load is sent by way of a connection that somebody has allowed to act.")
                .next(format!("Add it first: pilothouse connect add kubernetes --context {named}")));
        };
        let Operation { operate, production } = self.operation(&id).await?;
        if !operate {
            return Err(Problem::new(Code::Denied, format!("{id} is read alone."))
                .why("Load through it is work for its API server and for what is behind it.")
                .next(format!("Switch on that something may be done: pilothouse connect operate {id}")));
        }
        let ground = Ways(self.inputs.clone()).ground(&id).await.map_err(|why| told(&id, why))?;
        Ok(Grounded { id, ground, production })
    }
}

fn told(id: &ConnectionId, why: NoRelay) -> Problem {
    match why {
        NoRelay::Shut(problem) => *problem,
        NoRelay::Unknown(_) => Problem::new(Code::NotFound, format!("{id} is not open in this session.")),
        NoRelay::Unfit => Problem::new(Code::BadInput, format!("{id} leads into no cluster."))
            .next("Name a connection to Kubernetes."),
        NoRelay::Paused => Problem::new(Code::NotOffered, format!("{id} is paused."))
            .next(format!("Let it go on: pilothouse connect resume {id}")),
        NoRelay::NotYet => Problem::new(Code::TimedOut, format!("{id} was not open in time.")).next("Try it again."),
    }
}

//! The way to targets inside of clusters, for a benchmark that a person begins at the window.

use crate::{deeds::Grounded, input::Input};
use pilothouse_bench::{
    plan::{Target, ThroughWay},
    wish::Wish,
};
use pilothouse_wire::{Code, Problem};
use tokio::sync::{mpsc, oneshot};

/// Opens the way to each target of a wish that is inside of a cluster.
pub(super) async fn open(wish: &mut Wish, inputs: &mpsc::Sender<Input>) -> Result<(), Problem> {
    for target in wish.targets() {
        one(target, inputs).await?;
    }
    Ok(())
}

async fn one(target: &mut Target, inputs: &mpsc::Sender<Input>) -> Result<(), Problem> {
    let Some(through) = &mut target.through else { return Ok(()) };
    let stopped = || Problem::new(Code::Internal, "The engine has stopped.");
    let (reply, ground) = oneshot::channel();
    inputs.send(Input::Ground(through.connection.clone(), reply)).await.map_err(|_| stopped())?;
    let Grounded { id, ground, production } = ground.await.map_err(|_| stopped())??;
    let server = through.service()?;
    if production {
        return Err(Problem::new(Code::Denied, format!("{id} is production."))
            .why("Load on what users depend on is sent where its name is typed.")
            .next(format!("In a terminal: pilothouse bench run … --typed {}", server.name)));
    }
    through.way = ThroughWay::open(ground.entrance(through.behind, &server).await?);
    Ok(())
}

//! The way to targets inside of clusters: opened before a load begins, by the connection that they name, and read by nobody else.

use crate::{args::SourceArgs, exit::Failed, start::Session};
use pilothouse_bench::plan::{Target, Through, ThroughWay};
use pilothouse_connect::Entrance;
use pilothouse_engine::Grounded;
use pilothouse_wire::{Code, Problem};
use std::time::Duration;

/// Opens the way to each of these targets that is inside of a cluster. `typed` is what was typed for a production cluster.
///
/// # Errors
/// If there is none, or nothing may be done by it.
pub async fn open(targets: impl IntoIterator<Item = &mut Target>, typed: Option<&str>) -> Result<(), Failed> {
    for through in targets.into_iter().filter_map(|target| target.through.as_mut()) {
        // An engine that goes on would read the cluster beside the load.
        let only = SourceArgs { context: Some(through.connection.clone()), demo: false, wait: Duration::ZERO };
        let session = Session::start_quietly(&only, false).await?;
        let entrance = entrance(&session, through, typed).await;
        session.end().await;
        through.way = ThroughWay::open(entrance?);
    }
    Ok(())
}

async fn entrance(session: &Session, through: &Through, typed: Option<&str>) -> Result<Entrance, Failed> {
    let server = through.service()?;
    let Grounded { id, ground, production } = session.operator().ground(&through.connection).await?;
    if production && typed != Some(server.name.as_str()) {
        return Err(Problem::new(Code::BadInput, "The name was not typed, so nothing is sent.")
            .why(format!("{id} is production, and the load would be on {}.", through.place()))
            .next(format!("Add --typed {}", server.name))
            .into());
    }
    Ok(ground.entrance(through.behind, &server).await?)
}

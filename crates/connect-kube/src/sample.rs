//! The listings of a watch that decide how it is, each asked for one object: what the test of a connection adds to asking
//! what we may.

use crate::{
    client::Client,
    failure::Failure,
    list::first,
    resource::Scope,
    rights::Plan,
    slim::{CoreEvent, Event, Namespace, Node, Pod},
};
use futures::future::try_join_all;

/// Asks for one object of each. What tells of changes has no say in how a cluster is: nothing of it is asked for.
///
/// # Errors
/// Why the first that cannot be read cannot.
pub async fn sample(client: &Client, plan: &Plan) -> Result<(), Failure> {
    let everywhere = Scope { namespace: None };
    if plan.nodes {
        first::<Node>(client, &everywhere).await?;
    }
    if plan.namespaces {
        first::<Namespace>(client, &everywhere).await?;
    }
    try_join_all(plan.pods.iter().map(|scope| first::<Pod>(client, scope))).await?;
    try_join_all(plan.events.iter().map(|scope| events(client, scope))).await?;
    Ok(())
}

/// In the newer group, or else in the older: many roles allow only that.
async fn events(client: &Client, scope: &Scope) -> Result<(), Failure> {
    match first::<Event>(client, scope).await {
        Err(failure) if matches!(failure.status(), Some(403 | 404)) => first::<CoreEvent>(client, scope).await,
        outcome => outcome,
    }
}

//! The listings of a watch, each asked for one object: what the test of a connection adds to asking what we may.

use crate::{
    client::Client,
    failure::Failure,
    list::first,
    resource::Scope,
    rights::Plan,
    slim::{
        ControllerRevision, CoreEvent, DaemonSet, Deployment, Event, Namespace, Node, Pod, ReplicaSet, StatefulSet,
    },
    written,
};
use futures::future::{join_all, try_join_all};

/// Asks for one object of all that would be read.
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
    join_all(written::scopes(&plan.pods).iter().map(|scope| written(client, scope))).await;
    Ok(())
}

/// What tells of changes. Who may not read it has a cluster that is as well as any other.
async fn written(client: &Client, scope: &Scope) {
    let _ = first::<Deployment>(client, scope).await;
    let _ = first::<StatefulSet>(client, scope).await;
    let _ = first::<DaemonSet>(client, scope).await;
    let _ = first::<ReplicaSet>(client, scope).await;
    let _ = first::<ControllerRevision>(client, scope).await;
}

/// In the newer group, or else in the older: many roles allow only that.
async fn events(client: &Client, scope: &Scope) -> Result<(), Failure> {
    match first::<Event>(client, scope).await {
        Err(failure) if matches!(failure.status(), Some(403 | 404)) => first::<CoreEvent>(client, scope).await,
        outcome => outcome,
    }
}

//! The way to servers inside of the cluster: through the API server's proxy to services.
//!
//! Source: `connectGetNamespacedServiceProxyWithPath` of the Kubernetes API. Reading by it needs `get` on
//! `services/proxy`; other methods would need rights to write.

use crate::{
    client::Client,
    failure::{Call, Failure},
    problems, rights,
};
use pilothouse_connect::{Cause, Question, RelayAnswer, RelayFailure};

/// Asks a server inside of the cluster.
///
/// # Errors
/// If the API server is not reached, or answers in that server's place.
pub(crate) async fn get(client: &Client, mut question: Question) -> Result<RelayAnswer, RelayFailure> {
    let service = question.service.clone();
    let (namespace, segment) = (&service.namespace, service.segment());
    question.path = format!("/api/v1/namespaces/{namespace}/services/{segment}/proxy{}", question.path);
    let call = Call {
        verb: "get",
        group: "".into(),
        resource: "services/proxy".to_owned(),
        namespace: Some(service.namespace.clone()),
    };
    let mut outcome = client.beyond(&call, &question).await;
    if matches!(&outcome, Err(Failure::Transport(error)) if Cause::of(error.as_ref()) == Cause::Cut) {
        // A kept connection may have been closed just now: that is not the server's end.
        outcome = client.beyond(&call, &question).await;
    }
    if matches!(&outcome, Err(failure) if failure.status() == Some(403)) && client.place.identity.get().is_none() {
        // The role that is shown has to be for somebody; the session may not have asked yet.
        let _ = rights::identity(client).await;
    }
    outcome.map_err(|failure| match failure {
        Failure::TimedOut(limit) => RelayFailure::TimedOut(limit),
        Failure::TooLarge => RelayFailure::TooLarge,
        Failure::Refusal(refusal) => {
            let problem = problems::beyond(&refusal, &service, &client.place);
            RelayFailure::Told(Box::new(problem), refusal.retry_after)
        }
        other => RelayFailure::Told(Box::new(other.problem(&client.place)), None),
    })
}

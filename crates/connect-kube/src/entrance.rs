//! A way for load to what runs inside of the cluster: through the API server's proxy to services and pods.
//!
//! Source: `connectPostNamespacedServiceProxyWithPath` and `connectPostNamespacedPodProxyWithPath` of the Kubernetes API. Asking by
//! `POST` through it needs `create` on `services/proxy` or `pods/proxy`.

use crate::{
    auth::Credential,
    client::Client,
    failure::{Call, Failure},
    problems, rights,
};
use async_trait::async_trait;
use http::HeaderMap;
use pilothouse_connect::{Badge, Behind, Entrance, Service};
use pilothouse_wire::{Code, Problem};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// A credential is looked for again after so long: reading a file for each of thousands of requests would be measured with them.
/// One of a plug-in is renewed a minute before it ends.
const RENEWED: Duration = Duration::from_secs(30);

/// Opens it.
///
/// # Errors
/// If we may not, or nobody is reached.
pub(crate) async fn entrance(client: Arc<Client>, behind: Behind, server: &Service) -> Result<Entrance, Problem> {
    let call = Call {
        verb: "create",
        group: "".into(),
        resource: format!("{}/proxy", behind.plural()),
        namespace: Some(server.namespace.clone()),
    };
    match rights::is_granted(&client, &call, Some(&server.segment())).await {
        // Where nobody can say, the first request will.
        Ok(true) => {}
        Ok(false) => {
            // The role that is shown has to be for somebody; the session may not have asked yet.
            let _ = rights::identity(&client).await;
            return Err(problems::may_not(&client.place, &call));
        }
        Err(failure) if matches!(failure.status(), Some(403..=405)) => {}
        Err(failure) => return Err(failure.problem(&client.place)),
    }
    let credential = client.credential().await.map_err(|failure| failure.problem(&client.place))?;
    let direct = client.direct(&credential)?;
    let root = direct.server.to_string();
    let path = format!("/api/v1/namespaces/{}/{}/{}/proxy", server.namespace, behind.plural(), server.segment());
    let base = format!("{}{path}", root.trim_end_matches('/')).parse().map_err(|_| {
        Problem::new(Code::BadInput, format!("The address of {} leads nowhere.", client.place.name))
            .why(format!("{} with {path} is no address.", client.place.address))
    })?;
    let worn = Worn { last: Mutex::new((Instant::now(), credential)), client };
    Ok(Entrance { base, tls: direct.tls, server_name: direct.server_name, badge: Arc::new(worn) })
}

/// The sign-in of the connection, looked for again now and then.
struct Worn {
    client: Arc<Client>,
    last: Mutex<(Instant, Arc<Credential>)>,
}

impl Worn {
    /// The last one, and whether it is time to look for another. Who is told so is the only one for a while: the others go on
    /// with what there is.
    fn last(&self) -> (Arc<Credential>, bool) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.0.elapsed() >= RENEWED;
        if is_due {
            last.0 = Instant::now();
        }
        (Arc::clone(&last.1), is_due)
    }
}

#[async_trait]
impl Badge for Worn {
    async fn headers(&self) -> Result<HeaderMap, Problem> {
        let (mut credential, is_due) = self.last();
        if is_due {
            let told = |failure: Failure| failure.problem(&self.client.place);
            credential = self.client.credential().await.map_err(told)?;
            self.last.lock().unwrap_or_else(PoisonError::into_inner).1 = Arc::clone(&credential);
        }
        let mut headers = HeaderMap::new();
        credential.apply(&mut headers);
        Ok(headers)
    }

    fn hidden(&self, text: String) -> String {
        let credential = Arc::clone(&self.last.lock().unwrap_or_else(PoisonError::into_inner).1);
        credential.taken_out_of(text)
    }
}

//! Whether a server is ready: where it usually says so, and how it is asked.

use crate::{
    client::{Client, Way},
    oip::{self, READY},
    plan::{Api, Target},
};
use pilothouse_wire::Problem;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long one such question may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a server of this kind usually says that it is ready.
#[must_use]
pub fn usual_ready_url(target: &Target) -> String {
    let origin = origin(target);
    match target.api {
        Api::Infer => format!("{origin}/v2/health/ready"),
        Api::InferGrpc => format!("{origin}{READY}"),
        _ => format!("{origin}/health"),
    }
}

/// Where a server usually tells what it counts; none where it is asked by gRPC, whose port tells nothing else.
#[must_use]
pub fn usual_metrics_url(target: &Target) -> Option<String> {
    (target.api != Api::InferGrpc).then(|| format!("{}/metrics", origin(target)))
}

pub(crate) fn origin(target: &Target) -> String {
    target.url.split_once("://").map_or_else(
        || target.url.clone(),
        |(scheme, rest)| format!("{scheme}://{}", rest.split(['/', '?']).next().unwrap_or_default()),
    )
}

/// Who asks whether it is ready.
pub(super) struct Asking {
    client: Client,
    /// By a call of gRPC, and not by a GET?
    calls: bool,
}

impl Asking {
    pub(super) fn new(target: &Target, url: &str) -> Result<Self, Problem> {
        let calls = url.ends_with(READY);
        // A place of another kind may say so, too: it is asked as any is.
        let api = if calls || target.api != Api::InferGrpc { target.api } else { Api::Http };
        // No key: a place that says whether somebody is ready asks for none.
        let target = Target { api, url: url.to_owned(), ..target.clone() };
        Ok(Self { client: Way::new(&target, None)?.begin(Instant::now()), calls })
    }

    pub(super) async fn is_ready(&self) -> bool {
        let asked = async {
            match self.calls {
                true => oip::says_ready(&self.client).await,
                false => self.client.get().await.is_ok(),
            }
        };
        timeout(PATIENCE, asked).await.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::plan;

    #[test]
    fn where_it_says_so_follows_from_the_target() {
        let mut target = plan().target;
        assert_eq!(usual_ready_url(&target), "http://127.0.0.1:1/health");
        assert_eq!(usual_metrics_url(&target).as_deref(), Some("http://127.0.0.1:1/metrics"));
        target.api = Api::Infer;
        assert_eq!(usual_ready_url(&target), "http://127.0.0.1:1/v2/health/ready");
        target.api = Api::InferGrpc;
        assert_eq!(usual_ready_url(&target), "http://127.0.0.1:1/inference.GRPCInferenceService/ServerReady");
        assert_eq!(usual_metrics_url(&target), None);
    }
}

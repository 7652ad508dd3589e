//! Custom resources whose own definitions and controllers are not built here: the right group, version and kind with an open
//! schema, served by the real API server. What a controller would write into a status a test writes, and says so.

use serde_json::json;
use std::time::Duration;

use crate::cache;
use crate::control_plane::ControlPlane;
use crate::failure::{Failure, Result};
use crate::wait::until;

const LIMIT: Duration = Duration::from_secs(60);

/// A kind.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Its group.
    pub group: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its resource.
    pub plural: &'static str,
    /// Its kind.
    pub kind: &'static str,
    /// Is its status a resource below it, as its own definition has it?
    pub status: bool,
}

/// The Gateway API's route.
pub const HTTP_ROUTE: Definition = Definition {
    group: "gateway.networking.k8s.io",
    version: "v1",
    plural: "httproutes",
    kind: "HTTPRoute",
    status: true,
};
/// The pool of serving engines behind an endpoint picker.
pub const INFERENCE_POOL: Definition = Definition {
    group: "inference.networking.k8s.io",
    version: "v1",
    plural: "inferencepools",
    kind: "InferencePool",
    status: true,
};
/// llm-d's split between models of a pool.
pub const MODEL_REWRITE: Definition = Definition {
    group: "llm-d.ai",
    version: "v1alpha2",
    plural: "inferencemodelrewrites",
    kind: "InferenceModelRewrite",
    status: true,
};
/// What Argo CD keeps; its status is no resource of its own.
pub const APPLICATION: Definition = Definition {
    group: "argoproj.io",
    version: "v1alpha1",
    plural: "applications",
    kind: "Application",
    status: false,
};
/// What Flagger moves.
pub const CANARY: Definition =
    Definition { group: "flagger.app", version: "v1beta1", plural: "canaries", kind: "Canary", status: true };
/// A step of Kargo.
pub const PROMOTION: Definition =
    Definition { group: "kargo.akuity.io", version: "v1alpha1", plural: "promotions", kind: "Promotion", status: true };
/// Where Kargo delivers to.
pub const STAGE: Definition =
    Definition { group: "kargo.akuity.io", version: "v1alpha1", plural: "stages", kind: "Stage", status: true };
/// Groups of pods with a leader.
pub const LEADER_WORKER_SET: Definition = Definition {
    group: "leaderworkerset.x-k8s.io",
    version: "v1",
    plural: "leaderworkersets",
    kind: "LeaderWorkerSet",
    status: true,
};

impl Definition {
    /// The `apiVersion` of its objects.
    #[must_use]
    pub fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// The path of an object, or of its collection for an empty name.
    #[must_use]
    pub fn path(&self, namespace: &str, name: &str) -> String {
        let path = format!("/apis/{}/{}/namespaces/{namespace}/{}", self.group, self.version, self.plural);
        if name.is_empty() { path } else { format!("{path}/{name}") }
    }
}

impl ControlPlane {
    /// Defines kinds with an open schema, and returns when they are served.
    pub async fn define(&self, kinds: &[Definition]) -> Result<()> {
        for kind in kinds {
            let open = json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
            let below = if kind.status { json!({ "status": {} }) } else { json!({}) };
            let version =
                json!({ "name": kind.version, "served": true, "storage": true, "schema": open, "subresources": below });
            let name = format!("{}.{}", kind.plural, kind.group);
            let mut object = json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": { "name": name },
                "spec": {
                    "group": kind.group, "scope": "Namespaced", "versions": [version],
                    "names": { "plural": kind.plural, "singular": kind.kind.to_lowercase(), "kind": kind.kind },
                },
            });
            // A group of Kubernetes itself wants to know who has let it in.
            if kind.group.ends_with(".k8s.io") {
                object["metadata"]["annotations"] =
                    json!({ "api-approved.kubernetes.io": "unapproved, a definition of a test" });
            }
            self.apply(&object.to_string()).await?;
            self.served(&format!("/apis/{}/{}/{}", kind.group, kind.version, kind.plural)).await?;
        }
        Ok(())
    }

    /// Defines the kinds of a server of `tests/servers` by its own files beside it: each file, and the collection that it
    /// makes. Returns when all of them are served.
    pub(crate) async fn define_for(
        &self,
        server: &str,
        all: impl Iterator<Item = (String, String)> + Clone,
    ) -> Result<()> {
        for (file, _) in all.clone() {
            let path = cache::part(server, &file)?;
            let path = path.to_str().ok_or_else(|| Failure::new("the cache has a name that is no text"))?;
            self.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", path]).await?;
        }
        for (_, collection) in all {
            self.served(&collection).await?;
        }
        Ok(())
    }

    /// Waits until a collection is served.
    async fn served(&self, collection: &str) -> Result<()> {
        let (api, path) = (self.api()?, format!("{collection}?limit=1"));
        until("the custom resources are served", LIMIT, async || {
            let answer = api.call(reqwest::Method::GET, &path, None).await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await
    }
}

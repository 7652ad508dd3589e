//! The connector: opens a connection, tests it, watches it, and asks what somebody wants to know of runs.

use crate::{
    acts, files,
    kind::{KIND, WORKSPACE},
    model, problems,
    registry::{self, Registry},
    runs, session,
};
use async_trait::async_trait;
use pilothouse_connect::{Connector, ModelFiles, NotSent, Opening, Seen, Sink, VersionFiles};
use pilothouse_connect_http::{
    client::Client,
    failure::Failure,
    fields::Fields,
    server::{self, End, Server},
};
use pilothouse_wire::{
    Code, ObjectRef, Problem,
    ask::Tested,
    plan::{Intent, Plan, Request},
    preflight::ModelSubject,
    runs::{RunAnswer, RunAsk, VersionId},
};
use pilothouse_world::fact::SourceAbout;
use reqwest::header::{HeaderName, HeaderValue};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// No field says which cluster it is about: it is about none.
const NO_CLUSTER: &str = "cluster";
const HEADER: HeaderName = HeaderName::from_static("x-mlflow-workspace");

/// An open connection.
struct Mlflow {
    server: Server,
    workspace: Option<HeaderValue>,
    /// Was something sent since the last look? A tag of a version is written down nowhere else.
    wrote: AtomicBool,
}

/// Opens a connection; reads the file of authorities, contacts nobody.
pub(crate) fn open(opening: Opening) -> Result<Arc<dyn Connector>, Problem> {
    let fields = Fields::of(&opening, &KIND);
    let no_header = || fields.bad(WORKSPACE, "There are characters in it that no header may have.");
    let header = |text: &str| HeaderValue::from_str(text).map_err(|_| no_header());
    let workspace = fields.text(WORKSPACE).map(header).transpose()?;
    let server = Server::of(opening, &KIND, NO_CLUSTER, "an MLflow")?;
    Ok(Arc::new(Mlflow { server, workspace, wrote: AtomicBool::new(false) }))
}

impl Mlflow {
    fn client(&self) -> Result<Client, Problem> {
        let client = self.server.client()?;
        Ok(match &self.workspace {
            Some(workspace) => client.saying(HEADER, workspace.clone()),
            None => client,
        })
    }
}

#[async_trait]
impl Connector for Mlflow {
    fn about(&self) -> SourceAbout {
        self.server.about(session::PERIOD)
    }

    async fn probe(&self) -> Result<Tested, Problem> {
        let client = self.client()?;
        let calls = async { Ok((session::version(&client).await?, Registry::default().look(&client).await?)) };
        let (version, news) = calls.await.map_err(|failure| problems::problem(&failure, &self.server.place))?;
        Ok(Tested {
            problem: session::shortcoming(&client, version.as_deref(), &news),
            version,
            identity: self.server.place.who.clone(),
            may: vec![session::MAY.to_owned()],
        })
    }

    async fn watch(&self, sink: Sink) {
        let session = || async {
            match self.client() {
                Ok(client) => session::run(&client, &sink, &self.wrote).await,
                Err(problem) => End::Lost(Failure::Told(Box::new(problem))),
            }
        };
        server::keep(&sink, |failure| problems::problem(failure, &self.server.place), session).await;
    }

    async fn yaml(&self, _: &ObjectRef) -> Result<String, Problem> {
        Err(problems::no_yaml(&self.server.place))
    }

    async fn plan(&self, intent: &Intent) -> Result<Plan, Problem> {
        acts::plan(&self.client()?, intent, self.server.opening.clock.now()).await
    }

    async fn send(&self, request: &Request) -> Result<(), NotSent> {
        let sent = acts::send(&self.client().map_err(NotSent::Refused)?, request).await;
        // Also where it was not: an answer may be lost behind a write that was done.
        self.wrote.store(true, Ordering::Release);
        sent
    }

    async fn look(&self, plan: &Plan) -> Result<Seen, Problem> {
        acts::look(&self.client()?, plan).await
    }

    async fn runs(&self, ask: &RunAsk) -> Result<RunAnswer, Problem> {
        runs::answer(&self.client()?, ask).await
    }

    async fn has_version(&self, of: &VersionId) -> Result<bool, Problem> {
        registry::has_version(&self.client()?, of).await
    }

    async fn version_files(&self, of: &VersionId, run: Option<&str>) -> Result<VersionFiles, Problem> {
        files::files(&self.client()?, of, run).await
    }

    async fn model_files(&self, of: &ModelSubject) -> Result<ModelFiles, Problem> {
        match of {
            ModelSubject::Version(of) => model::files(&self.client()?, of).await,
            ModelSubject::Artifact(_) => {
                Err(Problem::new(Code::NotOffered, format!("{} keeps no artefacts of OCI.", self.server.place.name)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_connect::{
        Clock, Relays,
        conformance::scripted::{Reply, Scripted},
    };
    use pilothouse_wire::{ConnectionId, ModelId};
    use serde_json::json;

    /// What is known of version 7 of a model by an MLflow that answers so.
    async fn asked(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (Result<bool, Problem>, Vec<String>) {
        let server = Scripted::start(move |_, _| reply()).await.unwrap();
        let opening = Opening {
            id: ConnectionId::slug("main"),
            name: "main".to_owned(),
            values: [("url".to_owned(), server.url.clone())].into(),
            secrets: Default::default(),
            trusted: Vec::new(),
            clock: Clock::system(),
            relays: Relays::none(),
            sought: &[],
        };
        let model = ModelId { source: ConnectionId::slug("main"), name: "chat".into() };
        let has = open(opening).unwrap().has_version(&VersionId { model, number: 7 }).await;
        (has, server.asked())
    }

    fn refused(code: &str, message: &str) -> Reply {
        Reply::Json(404, "", json!({ "error_code": code, "message": message }))
    }

    #[tokio::test]
    async fn a_version_is_there_or_not_by_mlflows_own_word_and_else_nobody_knows() {
        let there = || Reply::Json(200, "", json!({ "model_version": { "name": "chat", "version": "7" } }));
        let (has, asked_for) = asked(there).await;
        assert_eq!(has, Ok(true));
        assert_eq!(asked_for, ["GET /api/2.0/mlflow/model-versions/get?name=chat&version=7"]);
        // As MLflow 2 and 3 say it.
        let none = || refused("RESOURCE_DOES_NOT_EXIST", "Model Version (name=chat, version=7) not found");
        assert_eq!(asked(none).await.0, Ok(false));
        let no_model = asked(|| refused("RESOURCE_DOES_NOT_EXIST", "Registered Model with name=chat not found")).await;
        let why = no_model.0.unwrap_err();
        assert_eq!(why.what, "main does not say whether it has version 7 of chat.");
        assert!(why.why.is_some_and(|why| why.contains("Registered Model with name=chat not found")));
        let proxy = asked(|| Reply::Text(404, "content-type: text/plain\r\n", "404 page not found".to_owned())).await;
        assert!(proxy.0.is_err());
        let other =
            asked(|| Reply::Json(200, "", json!({ "model_version": { "name": "chat", "version": "8" } }))).await;
        assert!(other.0.is_err(), "an answer to another question");
        assert!(asked(|| Reply::Json(200, "", json!({}))).await.0.is_err());
    }
}

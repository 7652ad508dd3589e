//! What a kind of connection is, as data, and what an open connection can do.

use crate::{Clock, Inside, KeptLane, LanesQuery, ModelFiles, PastQuery, Relay, Relays, Signature, Sink, VersionFiles};
use async_trait::async_trait;
use pilothouse_wire::{
    Code, ConnectionId, ObjectRef, Problem, SmolStr,
    artifact::{Artifact, ArtifactRef, TagPage, TagsQuery},
    ask::{LogQuery, Tested},
    back::{BackQuery, Kept},
    describe::Description,
    form::{Draft, Field, Input, KindForm},
    kinds::{Listing, ObjectTable, Offered},
    plan::{Intent, Plan, Request},
    preflight::ModelSubject,
    rights::{Rights, RightsQuery},
    runs::{RunAnswer, RunAsk, VersionId},
    view::{OfferedContext, Series, connections::PluginNotice},
};
use pilothouse_world::fact::SourceAbout;
use secrecy::SecretString;
use std::{collections::BTreeMap, sync::Arc};

/// A kind of connection. Dialogs, flags, documents and secret slots are drawn from it.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Stable id, as in the settings file.
    pub id: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// One sentence: what connecting it gives.
    pub summary: &'static str,
    /// What to fill in.
    pub fields: &'static [FieldSpec],
    /// The least rights that make it well, as lines for people.
    pub permissions: &'static [&'static str],
    /// Is it the demo?
    pub demo: bool,
    /// Does it tell of nodes? What does not stands beside clusters: metrics, alerts, registries.
    pub nodes: bool,
    /// Opens a connection; contacts nobody. Fails for settings that cannot be used: field, file or line named.
    pub open: fn(Opening) -> Result<Arc<dyn Connector>, Problem>,
    /// Finds places that could be connected, by reading files only. Contacts nobody, runs nothing.
    pub discover: Option<fn() -> Discovery>,
    /// What is looked for inside of clusters, and offered as a connection of this kind.
    pub inside: Option<Inside>,
}

/// One thing to fill in.
#[derive(Clone, Copy)]
pub struct FieldSpec {
    /// Key in the settings file and as a flag.
    pub key: &'static str,
    /// Label for people.
    pub label: &'static str,
    /// One sentence of help.
    pub help: &'static str,
    /// What it takes.
    pub input: InputSpec,
    /// Must it be filled in?
    pub required: bool,
}

/// The form of an input.
#[derive(Clone, Copy)]
pub enum InputSpec {
    /// A line of text, with an example.
    Text(&'static str),
    /// One of these.
    Choice(&'static [&'static str]),
    /// Yes or no.
    Toggle,
    /// A secret.
    Secret,
}

/// All that a connection is opened with.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Its id.
    pub id: ConnectionId,
    /// Its name for people.
    pub name: String,
    /// Values of the kind's fields that are no secrets.
    pub values: BTreeMap<String, String>,
    /// Values of the kind's secret fields.
    pub secrets: BTreeMap<String, SecretString>,
    /// Credential plug-ins that a person confirmed for this connection, exactly as shown.
    pub trusted: Vec<PluginNotice>,
    /// The clock.
    pub clock: Clock,
    /// The other connections, as far as they lead into a cluster.
    pub relays: Relays,
    /// What others look for inside of clusters: for who has an inside.
    pub sought: &'static [Signature],
}

/// Places that could be connected, and what could not be read while looking.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Discovery {
    /// Offered, not contacted.
    pub offered: Vec<(OfferedContext, Draft)>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Why a step of a plan was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// The server said no, or was not reached: nothing was changed.
    Refused(Problem),
    /// The server said not now: nothing was changed, and it may be tried again.
    Later {
        /// What it holds, in words: `pod serving/chat-1`.
        of: String,
        /// Why, in its own words.
        why: Problem,
    },
    /// It was sent, and its answer was lost: nobody can say.
    Lost(Problem),
}

/// What is seen of what was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is as it should be.
    Met(String),
    /// Not yet: how it is.
    NotYet(String),
    /// It will not be, by what the server says.
    Never(String),
}

/// An open connection. Dropping the future of [`Connector::watch`] ends everything that it started.
#[async_trait]
pub trait Connector: Send + Sync {
    /// What is known of it without asking.
    fn about(&self) -> SourceAbout;

    /// A credential plug-in that it would run and that nobody confirmed yet. Nothing is run until somebody does.
    fn unconfirmed_plugin(&self) -> Option<PluginNotice> {
        None
    }

    /// The way to servers inside of what it is connected to, if it is one that has an inside.
    fn relay(self: Arc<Self>) -> Option<Arc<dyn Relay>> {
        None
    }

    /// What it is connected to as the ground of a benchmark, if it is one that has an inside.
    #[cfg(feature = "transport")]
    fn ground(self: Arc<Self>) -> Option<Arc<dyn crate::Ground>> {
        None
    }

    /// Makes the calls that watching will make, once, and says what came of them.
    ///
    /// # Errors
    /// Why it cannot be used, in the words that its health would use.
    async fn probe(&self) -> Result<Tested, Problem>;

    /// Says facts until the sink is closed. Never ends by itself: it tells its health, backs off, and tries again.
    async fn watch(&self, sink: Sink);

    /// An object as YAML, read from the server now, without values of secrets.
    ///
    /// # Errors
    /// Why it cannot be read.
    async fn yaml(&self, object: &ObjectRef) -> Result<String, Problem>;

    /// The last lines of a log, the newest last, each begun by its time. The query names a container.
    ///
    /// # Errors
    /// Why it cannot be read; by default that this kind of connection has no logs.
    async fn logs(&self, query: &LogQuery) -> Result<Vec<String>, Problem> {
        Err(Problem::new(Code::NotOffered, format!("{} has no logs.", query.pod.cluster))
            .next("Logs are read from the cluster that runs the pod."))
    }

    /// What was measured of GPUs in the past, one series a metric that the server keeps. By default nothing: most
    /// servers know only how things are.
    ///
    /// # Errors
    /// Why it cannot be read.
    async fn past(&self, _: &PastQuery) -> Result<Vec<Series>, Problem> {
        Ok(Vec::new())
    }

    /// What was measured in the past of everything together, one series a lane of the ribbon that the server keeps. By
    /// default nothing.
    ///
    /// # Errors
    /// Why it cannot be read.
    async fn lanes(&self, _: &LanesQuery) -> Result<Vec<KeptLane>, Problem> {
        Ok(Vec::new())
    }

    /// The kinds of objects that the server offers to list, read now. Kinds that could not be read are said beside
    /// those that could.
    ///
    /// # Errors
    /// Why none can be read; by default that this kind of connection has none ([`Code::NotOffered`]).
    async fn kinds(&self) -> Result<Offered, Problem> {
        Err(Problem::new(Code::NotOffered, format!("{} has no kinds of objects.", self.about().name))
            .next("Clusters of Kubernetes have."))
    }

    /// The objects of a kind, read from the server now: names and what the server's table shows of them.
    ///
    /// # Errors
    /// Why they cannot be listed, with the right that is missing.
    async fn objects(&self, listing: &Listing) -> Result<ObjectTable, Problem> {
        Err(Problem::new(Code::NotOffered, format!("{} lists no {}.", self.about().name, listing.kind))
            .next("Clusters of Kubernetes list objects."))
    }

    /// What would be done: reads the present state, asks whether we may, and asks the server to try where it can. Nothing
    /// is changed.
    ///
    /// # Errors
    /// Why it cannot be planned; by default that nothing can be done here.
    async fn plan(&self, intent: &Intent) -> Result<Plan, Problem> {
        let what = format!("Nothing can be done to {} {} here.", intent.object.kind_word(), intent.object.name());
        Err(Problem::new(Code::NotOffered, what).why(format!("{} is read alone.", self.about().name)))
    }

    /// The names and images of the containers of what makes pods, as its template has them now.
    ///
    /// # Errors
    /// Why they cannot be read; by default that nothing here makes pods.
    async fn containers(&self, object: &ObjectRef) -> Result<Vec<(SmolStr, SmolStr)>, Problem> {
        let what = format!("{} {} has no containers here.", object.kind_word(), object.name());
        Err(Problem::new(Code::NotOffered, what).next("Controllers of pods in Kubernetes have."))
    }

    /// What we may do, and the role that would give what is missing.
    ///
    /// # Errors
    /// Why nobody can say; by default that this kind of connection has no way to ask.
    async fn rights(&self, _: &RightsQuery) -> Result<Rights, Problem> {
        Err(Problem::new(Code::NotOffered, format!("{} has no way to ask what we may do.", self.about().name))
            .next("Clusters of Kubernetes have. Elsewhere it is said when something is sent."))
    }

    /// Sends one step of a plan.
    ///
    /// # Errors
    /// Whether nothing was done, or nobody can say.
    async fn send(&self, _: &Request) -> Result<(), NotSent> {
        let problem = Problem::new(Code::NotOffered, "Nothing can be done here.");
        Err(NotSent::Refused(problem.why(format!("{} is read alone.", self.about().name))))
    }

    /// Is what was planned as it should be? Reads it from the server now.
    ///
    /// # Errors
    /// Why it cannot be read.
    async fn look(&self, plan: &Plan) -> Result<Seen, Problem> {
        Err(Problem::new(Code::NotOffered, format!("{} cannot be looked at.", plan.intent.object)))
    }

    /// What is kept of a service and of the revision that it would go back to, read from the server now. Nothing is changed.
    ///
    /// # Errors
    /// Why it cannot be read; by default that nothing here has revisions.
    async fn back(&self, query: &BackQuery) -> Result<Kept, Problem> {
        let what = format!("{} {} has no revisions here.", query.object.kind_word(), query.object.name());
        Err(Problem::new(Code::NotOffered, what).next("Services of Kubernetes have."))
    }

    /// Runs of models, read from the server now.
    ///
    /// # Errors
    /// Why they cannot be read; by default that this kind of connection keeps none.
    async fn runs(&self, _: &RunAsk) -> Result<RunAnswer, Problem> {
        Err(Problem::new(Code::NotOffered, format!("{} keeps no runs.", self.about().name))
            .next("Runs are kept by a tracking server: connect an MLflow."))
    }

    /// A page of a repository's tags, read from the registry now.
    ///
    /// # Errors
    /// Why it cannot be read; by default that this kind of connection is no registry.
    async fn tags(&self, _: &TagsQuery) -> Result<TagPage, Problem> {
        Err(no_registry(&self.about().name))
    }

    /// An artefact in full without its layers, read from the registry now.
    ///
    /// # Errors
    /// Why it cannot be read; by default that this kind of connection is no registry.
    async fn artifact(&self, _: &ArtifactRef) -> Result<Artifact, Problem> {
        Err(no_registry(&self.about().name))
    }

    /// Does a registry of models have this version? It is asked for by its number, now.
    ///
    /// # Errors
    /// Why nobody can say; by default that this kind of connection has no versions.
    async fn has_version(&self, of: &VersionId) -> Result<bool, Problem> {
        Err(Problem::new(Code::NotOffered, format!("{} has no {of}.", self.about().name))
            .next("Versions of models are kept by a registry: connect an MLflow."))
    }

    /// How large a version of a model is, and what its files say of it, read now, without its weights. `run` is the one that
    /// made it, where the registry names one.
    ///
    /// # Errors
    /// If nothing of it can be read; by default that this kind of connection has no versions.
    async fn version_files(&self, of: &VersionId, _run: Option<&str>) -> Result<VersionFiles, Problem> {
        Err(Problem::new(Code::NotOffered, format!("{} has no files of {of}.", self.about().name))
            .next("Versions of models are kept by a registry: connect an MLflow."))
    }

    /// What decides whether a model fits a GPU, read from the registry now, without its weights.
    ///
    /// # Errors
    /// Why it cannot be read; by default that this kind of connection has no models.
    async fn model_files(&self, _: &ModelSubject) -> Result<ModelFiles, Problem> {
        Err(Problem::new(Code::NotOffered, format!("{} has no models.", self.about().name))
            .next("Models are kept by a registry: connect an MLflow or an OCI registry."))
    }

    /// An object in words with its events, read from the server now, without values of secrets.
    ///
    /// # Errors
    /// Why it cannot be read; events that cannot be read are said in the description.
    async fn describe(&self, object: &ObjectRef) -> Result<Description, Problem> {
        Err(Problem::new(Code::NotOffered, format!("{} describes no {}.", self.about().name, object.kind_word()))
            .next("Objects are described by the cluster that they are in."))
    }
}

fn no_registry(name: &str) -> Problem {
    Problem::new(Code::NotOffered, format!("{name} is no registry.")).next("OCI registries have tags and artefacts.")
}

impl Kind {
    /// The kind as it goes over the wire.
    #[must_use]
    pub fn form(&self) -> KindForm {
        KindForm {
            id: self.id.into(),
            name: self.name.into(),
            summary: self.summary.into(),
            fields: self.fields.iter().map(FieldSpec::field).collect(),
            permissions: self.permissions.iter().map(|line| (*line).into()).collect(),
        }
    }
}

impl FieldSpec {
    fn field(&self) -> Field {
        Field {
            key: self.key.into(),
            label: self.label.into(),
            help: self.help.into(),
            input: match self.input {
                InputSpec::Text(example) => Input::Text { example: example.into() },
                InputSpec::Choice(choices) => Input::Choice(choices.iter().map(|choice| (*choice).into()).collect()),
                InputSpec::Toggle => Input::Toggle,
                InputSpec::Secret => Input::Secret,
            },
            required: self.required,
        }
    }
}

//! The connector: opens a connection, probes it, watches it, reads an object.

use crate::{
    auth::{self, Auth},
    client::Client,
    describe::{Access, describe},
    kubeconfig::{self, Context},
    owned::TeamRule,
    place::Place,
    sample::sample,
    session::{self, End, Wish},
    target::Target,
};
use async_trait::async_trait;
use pilothouse_connect::{
    Backoff, Behind, Connector, Entrance, Ground, NotSent, Opening, Question, Relay, RelayAnswer, RelayFailure, Seen,
    Service, Sink, WorkerPod, lost,
};
use pilothouse_wire::{
    Code, Health, ObjectRef, Problem, SmolStr,
    ask::{LogQuery, Tested},
    back::{BackQuery, Kept},
    describe::Description,
    kinds::{Listing, ObjectTable, Offered},
    plan::{Intent, Plan, Request},
    rights::{Rights, RightsQuery},
    view::connections::PluginNotice,
};
use pilothouse_world::fact::SourceAbout;
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{sync::Mutex, time::Instant};

/// An open connection to a cluster.
pub(crate) struct Kube {
    opening: Opening,
    about: SourceAbout,
    wish: Wish,
    /// The client, and the state of the files that it was made of.
    client: Mutex<Option<(Vec<FileState>, Arc<Client>)>>,
}

/// Enough to see that a file was written.
type FileState = (PathBuf, Option<(SystemTime, u64)>);

/// Opens a connection; reads files, contacts nobody.
pub(crate) fn open(opening: Opening) -> Result<Arc<dyn Connector>, Problem> {
    let context = context(&opening)?;
    let place = place(&opening, &context);
    let namespaces = opening.values.get("namespaces").map_or("", String::as_str);
    let namespaces: Vec<String> =
        namespaces.split([',', ' ']).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if let Some(bad) = namespaces.iter().find(|name| !is_name(name)) {
        return Err(Problem::new(Code::BadInput, format!("\"{bad}\" is no name of a namespace."))
            .why("Namespaces are made of a-z, 0-9 and dashes.")
            .next("Correct the field \"Namespaces\"."));
    }
    let about = SourceAbout {
        name: SmolStr::new(&opening.name),
        kind: SmolStr::new_static(crate::KIND.id),
        demo: false,
        address: Some(SmolStr::new(&place.address)),
        period_ms: u64::try_from(session::HEARTBEAT.as_millis()).unwrap_or(u64::MAX),
    };
    let wish = Wish { namespaces, begins_in: context.namespace, sought: opening.sought };
    Ok(Arc::new(Kube { opening, about, wish, client: Mutex::default() }))
}

fn is_name(name: &str) -> bool {
    name.len() <= 63 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The context that the settings name, read from its files now.
fn context(opening: &Opening) -> Result<Context, Problem> {
    let value = |key: &str| opening.values.get(key).map(String::as_str).filter(|value| !value.trim().is_empty());
    let Some(name) = value("context") else {
        return Err(
            Problem::new(Code::BadInput, "The connection names no context.").next("Fill in the field \"Context\".")
        );
    };
    let named = value("kubeconfig");
    let files = kubeconfig::files(named);
    let nowhere = files.is_empty();
    let known = kubeconfig::known(files, named.is_some());
    if nowhere && known.contexts.is_empty() {
        return Err(Problem::new(Code::BadInput, "There is no place to look for a kubeconfig.")
            .why("KUBECONFIG is not set, and this account has no home folder.")
            .next("Fill in the field \"Kubeconfig\"."));
    }
    known.context(name)
}

fn place(opening: &Opening, context: &Context) -> Place {
    Place::of(&opening.name, context, &auth::signs_in(context.user.as_ref()))
}

impl Kube {
    fn is_set(&self, key: &str) -> bool {
        self.opening.values.get(key).is_some_and(|value| value == "true")
    }

    /// The client, made anew if a file that it was made of has changed.
    async fn client(&self) -> Result<Arc<Client>, Problem> {
        let mut kept = self.client.lock().await;
        let context = context(&self.opening)?;
        let files = states(&context, kubeconfig::files(self.opening.values.get("kubeconfig").map(String::as_str)));
        if let Some((known, client)) = kept.as_ref()
            && *known == files
        {
            return Ok(Arc::clone(client));
        }
        let target = Target::new(&context, self.is_set("insecure"))?;
        let place = Place { proxy: target.proxy_host(), ..place(&self.opening, &context) };
        let auth = Auth::new(&context, &self.opening.trusted, self.opening.clock.clone())?;
        let rule = TeamRule::new(self.opening.values.get("team-labels").map_or("", String::as_str));
        let client = Arc::new(Client::new(place, target, auth, rule, self.opening.clock.clone()));
        *kept = Some((files, Arc::clone(&client)));
        Ok(client)
    }

    /// Forgets the client where another one, from the same files, might fare better.
    async fn forget(&self, code: Code) {
        if matches!(code, Code::Unauthenticated | Code::TlsUntrusted | Code::TlsExpired | Code::TlsWrongName) {
            *self.client.lock().await = None;
        }
    }

    async fn session(&self, sink: &Sink) -> End {
        match self.client().await {
            Ok(client) => session::run(&client, sink, &self.wish).await,
            Err(problem) => End::Lost(Box::new(problem), None),
        }
    }
}

fn states(context: &Context, mut files: Vec<PathBuf>) -> Vec<FileState> {
    let cluster = &context.cluster;
    files.extend(cluster.it.certificate_authority.iter().map(|file| cluster.path(file)));
    if let Some(user) = &context.user {
        files.extend(user.it.client_certificate.iter().chain(&user.it.client_key).map(|file| user.path(file)));
    }
    let state = |file: PathBuf| {
        let about = file.metadata().ok();
        let state = about.and_then(|about| Some((about.modified().ok()?, about.len())));
        (file, state)
    };
    files.into_iter().map(state).collect()
}

#[async_trait]
impl Connector for Kube {
    fn about(&self) -> SourceAbout {
        self.about.clone()
    }

    fn unconfirmed_plugin(&self) -> Option<PluginNotice> {
        let notice = auth::notice(&context(&self.opening).ok()?)?;
        (!notice.is_among(&self.opening.trusted)).then_some(notice)
    }

    async fn probe(&self) -> Result<Tested, Problem> {
        let client = self.client().await?;
        match session::meet(&client, &self.wish).await {
            // What may be read is not yet what can be read.
            Ok(met) => Ok(Tested {
                version: Some(met.version),
                identity: met.rights.identity,
                may: met.rights.may,
                problem: match met.rights.problem {
                    None => sample(&client, &met.rights.plan).await.err().map(|failure| failure.problem(&client.place)),
                    some => some,
                },
            }),
            Err(failure) => {
                let problem = failure.problem(&client.place);
                self.forget(problem.code).await;
                Err(problem)
            }
        }
    }

    async fn watch(&self, sink: Sink) {
        let mut backoff = Backoff::default();
        if sink.health(session::connecting()).await.is_err() {
            return;
        }
        loop {
            let began = Instant::now();
            let end = self.session(&sink).await;
            let (problem, asked) = match end {
                End::Closed => return,
                End::Again => continue,
                End::Lost(problem, asked) => (*problem, asked),
            };
            // A session that lasted was well: the next attempt is made soon.
            if began.elapsed() > Duration::from_secs(60) {
                backoff.worked();
            }
            self.forget(problem.code).await;
            if lost(&sink, Health::Lost(problem), began.elapsed(), backoff.wait(asked)).await.is_err() {
                return;
            }
        }
    }

    fn relay(self: Arc<Self>) -> Option<Arc<dyn Relay>> {
        Some(self)
    }

    fn ground(self: Arc<Self>) -> Option<Arc<dyn Ground>> {
        Some(self)
    }

    async fn yaml(&self, object: &ObjectRef) -> Result<String, Problem> {
        let client = self.client().await?;
        crate::yaml::yaml(&client, object).await
    }

    async fn kinds(&self) -> Result<Offered, Problem> {
        let client = self.client().await?;
        crate::kinds::offered(&client, &self.opening.id).await
    }

    async fn objects(&self, listing: &Listing) -> Result<ObjectTable, Problem> {
        let client = self.client().await?;
        crate::tables::objects(&client, listing, &self.wish.namespaces).await
    }

    async fn describe(&self, object: &ObjectRef) -> Result<Description, Problem> {
        let client = self.client().await?;
        let value =
            |key: &str| self.opening.values.get(key).map(String::as_str).filter(|value| !value.trim().is_empty());
        let access = Access { context: value("context"), kubeconfig: value("kubeconfig") };
        describe(&client, object, &access, self.opening.clock.now()).await
    }

    async fn plan(&self, intent: &Intent) -> Result<Plan, Problem> {
        let client = self.client().await?;
        crate::acts::plan(&client, intent, self.opening.clock.now()).await
    }

    async fn containers(&self, object: &ObjectRef) -> Result<Vec<(SmolStr, SmolStr)>, Problem> {
        let client = self.client().await?;
        crate::acts::containers(&client, object).await
    }

    async fn rights(&self, query: &RightsQuery) -> Result<Rights, Problem> {
        let client = self.client().await?;
        crate::rights::can(&client, query).await
    }

    async fn send(&self, request: &Request) -> Result<(), NotSent> {
        let client = self.client().await.map_err(NotSent::Refused)?;
        crate::acts::send(&client, request).await
    }

    async fn look(&self, plan: &Plan) -> Result<Seen, Problem> {
        let client = self.client().await?;
        crate::acts::look(&client, plan).await
    }

    async fn back(&self, query: &BackQuery) -> Result<Kept, Problem> {
        let client = self.client().await?;
        crate::back::back(&client, query).await
    }

    async fn logs(&self, query: &LogQuery) -> Result<Vec<String>, Problem> {
        let client = self.client().await?;
        crate::logs::logs(&client, query).await
    }
}

#[async_trait]
impl Relay for Kube {
    async fn get(&self, question: Question) -> Result<RelayAnswer, RelayFailure> {
        let client = self.client().await.map_err(|problem| RelayFailure::Told(Box::new(problem), None))?;
        crate::relay::get(&client, question).await
    }
}

#[async_trait]
impl Ground for Kube {
    async fn entrance(&self, behind: Behind, server: &Service) -> Result<Entrance, Problem> {
        let client = self.client().await?;
        crate::entrance::entrance(client, behind, server).await
    }

    async fn workers(&self, namespace: &str, job: &str) -> Result<Vec<WorkerPod>, Problem> {
        let client = self.client().await?;
        crate::workers::workers(&client, namespace, job).await
    }

    async fn said(&self, namespace: &str, pod: &str, lines: u32) -> Result<Vec<String>, Problem> {
        let client = self.client().await?;
        crate::workers::said(&client, namespace, pod, lines).await
    }
}

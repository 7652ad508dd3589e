//! What tells of changes beside pods: controllers and their revisions. They are followed last, and a cluster that does
//! not let us is as well as any other: it only has less of a past.

use crate::{
    client::Client,
    facts::{
        facts_of_controller, facts_of_deployment, facts_of_job, facts_of_replica_set, facts_of_revision,
        facts_of_stateful_set, size_of, template_of_replica_set, template_of_revision, with_labels,
    },
    follow::{ASK_AGAIN, Follower, Told},
    offered,
    resource::{EVERYWHERE, Resource, Scope},
    rights,
    slim::{ControllerRevision, DaemonSet, Deployment, Job, Meta, ReplicaSet, StatefulSet, WrittenMeta},
};
use futures::{StreamExt, stream};
use pilothouse_connect::{Closed, Sink};
use pilothouse_wire::SmolStr;
use pilothouse_world::{
    Fact,
    fact::{Kind, Probed},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::{sync::mpsc, task::JoinSet};

/// Who reads namespaces one by one would need six watches for each: of so many at most they are followed.
const MOST_SCOPES: usize = 20;
/// Questions at once that cost a connection each.
const AT_ONCE: usize = 5;

/// Where it is followed: where pods are read, unless that is in too many places.
fn scopes(pods: &[Scope]) -> &[Scope] {
    if pods.len() > MOST_SCOPES { &[] } else { pods }
}

pub(crate) fn version(meta: Option<&WrittenMeta>) -> String {
    meta.map(|meta| meta.resource_version.clone()).unwrap_or_default()
}

macro_rules! controllers {
    ($($kind:ident $plural:literal, $fact:expr;)+) => {$(
        impl Resource for $kind {
            const KIND: Kind = Kind::$kind;
            const GROUP: &'static str = "apps";
            const PLURAL: &'static str = $plural;

            fn meta(&self) -> Option<&Meta> {
                None
            }

            fn version(&self) -> String {
                version(self.metadata.as_ref())
            }

            fn fact(self) -> Option<Fact> {
                let fact: fn(Self) -> Option<Fact> = $fact;
                fact(self)
            }

            fn gone(meta: &Meta) -> Fact {
                let (namespace, name) = (SmolStr::new(&meta.namespace), SmolStr::new(&meta.name));
                Fact::ControllerGone(SmolStr::new_static(stringify!($kind)), namespace, name)
            }
        }
    )+};
}

controllers! {
    Deployment "deployments", |it| with_labels(it, facts_of_deployment);
    StatefulSet "statefulsets", |it| with_labels(it, facts_of_stateful_set);
    DaemonSet "daemonsets", |it| {
        Some(Fact::Controller(Box::new(facts_of_controller("DaemonSet", it.metadata?, None)?)))
    };
}

impl Resource for ReplicaSet {
    const KIND: Kind = Kind::ReplicaSet;
    const GROUP: &'static str = "apps";
    const PLURAL: &'static str = "replicasets";

    fn meta(&self) -> Option<&Meta> {
        None
    }

    fn version(&self) -> String {
        version(self.metadata.as_ref())
    }

    fn fact(self) -> Option<Fact> {
        if let Some(revision) = facts_of_replica_set(&self) {
            let (revision, size) = (Box::new(revision), size_of(&self));
            return Some(match template_of_replica_set(&self) {
                Some(template) => Fact::TemplatedRevision(revision, Some(size), Box::new(template)),
                None => Fact::SizedRevision(revision, size),
            });
        }
        // One that nobody owns keeps pods by itself.
        let replicas = self.spec.as_ref().and_then(|spec| spec.replicas);
        let fact = facts_of_controller("ReplicaSet", self.metadata?, replicas)?;
        Some(Fact::Controller(Box::new(fact)))
    }

    fn gone(meta: &Meta) -> Fact {
        Fact::RevisionGone(SmolStr::new(&meta.namespace), SmolStr::new(&meta.name))
    }
}

impl Resource for ControllerRevision {
    const KIND: Kind = Kind::ControllerRevision;
    const GROUP: &'static str = "apps";
    const PLURAL: &'static str = "controllerrevisions";

    fn meta(&self) -> Option<&Meta> {
        None
    }

    fn version(&self) -> String {
        version(self.metadata.as_ref())
    }

    fn fact(self) -> Option<Fact> {
        let revision = Box::new(facts_of_revision(&self)?);
        Some(match template_of_revision(&self) {
            Some(template) => Fact::TemplatedRevision(revision, None, Box::new(template)),
            None => Fact::Revision(revision),
        })
    }

    fn gone(meta: &Meta) -> Fact {
        Fact::RevisionGone(SmolStr::new(&meta.namespace), SmolStr::new(&meta.name))
    }
}

impl Resource for Job {
    const KIND: Kind = Kind::Job;
    const GROUP: &'static str = "batch";
    const PLURAL: &'static str = "jobs";

    fn meta(&self) -> Option<&Meta> {
        None
    }

    fn version(&self) -> String {
        version(self.metadata.as_ref())
    }

    fn fact(self) -> Option<Fact> {
        facts_of_job(self).map(|job| Fact::Job(Box::new(job)))
    }

    fn gone(meta: &Meta) -> Fact {
        Fact::ControllerGone(SmolStr::new_static("Job"), SmolStr::new(&meta.namespace), SmolStr::new(&meta.name))
    }
}

/// Follows all of it, as far as it may be read, and says what may not.
pub struct Written {
    /// The way to the server.
    pub client: Arc<Client>,
    /// Where pods are read.
    pub scopes: Vec<Scope>,
    /// Where facts go.
    pub sink: Sink,
    /// Where the session listens.
    pub tell: mpsc::Sender<(usize, Told)>,
    /// What the server told of itself: what may not be read is added to it.
    pub probed: Probed,
    /// Are routes served? Without them nothing is joined by the labels of templates, and these are not kept.
    pub routed: bool,
}

/// Where a kind may be read, and where not.
#[derive(Default)]
struct Readable {
    may: Vec<Scope>,
    may_not: Vec<Scope>,
}

/// Routes are served now, and were not when following began.
struct RoutesCame;

impl Written {
    /// Follows until nobody listens.
    pub async fn follow(mut self) {
        if scopes(&self.scopes).is_empty() {
            let scopes = self.scopes.len();
            let _ = self.say_not(&format!("changes of workloads, since {scopes} namespaces are read one by one")).await;
            return;
        }
        let probed = self.probed.clone();
        loop {
            if !matches!(self.follow_all().await, Err(RoutesCame)) {
                return;
            }
            // All is listed again, with the labels that were left out.
            self.probed = probed.clone();
        }
    }

    async fn follow_all(&mut self) -> Result<(), RoutesCame> {
        let mut followers = JoinSet::new();
        // Asked side by side, on connections that the followers need all the same.
        let (routed, deployments, stateful_sets, daemon_sets, replica_sets, revisions, jobs) = futures::join!(
            offered::has_routes(&self.client),
            self.readable::<Deployment>(),
            self.readable::<StatefulSet>(),
            self.readable::<DaemonSet>(),
            self.readable::<ReplicaSet>(),
            self.readable::<ControllerRevision>(),
            self.readable::<Job>(),
        );
        self.routed = routed;
        // Who wrote comes first, so that a revision already knows by whom it is.
        let mut not = Vec::new();
        self.begin::<Deployment>(deployments, &mut followers, &mut not);
        self.begin::<StatefulSet>(stateful_sets, &mut followers, &mut not);
        self.begin::<DaemonSet>(daemon_sets, &mut followers, &mut not);
        self.begin::<ReplicaSet>(replica_sets, &mut followers, &mut not);
        self.begin::<ControllerRevision>(revisions, &mut followers, &mut not);
        self.begin::<Job>(jobs, &mut followers, &mut not);
        if !not.is_empty() {
            let what = format!("list and watch {}: what changed before Pilothouse came is not rebuilt", not.join(", "));
            let _ = self.say_not(&what).await;
        }
        self.follow_offered(&mut followers).await?;
        while followers.join_next().await.is_some() {}
        Ok(())
    }

    /// What a cluster may offer and need not: looked for again until all of it is there.
    async fn follow_offered(&mut self, followers: &mut JoinSet<()>) -> Result<(), RoutesCame> {
        let mut waiting = offered::GROUPS.to_vec();
        let mut told = false;
        loop {
            let (mut absent, mut not) = (Vec::new(), BTreeMap::<&str, Vec<String>>::new());
            let asked = waiting.iter().copied().map(|group| group.served(&self.client));
            let answers: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
            for (group, served) in waiting.into_iter().zip(answers) {
                match served {
                    Some(served) if !served.is_empty() && group.routes() && !self.routed => return Err(RoutesCame),
                    Some(served) if !served.is_empty() => {
                        group.start(self, &served, followers, not.entry(group.untold()).or_default()).await;
                    }
                    known => {
                        // Of a kind that is not served there is none.
                        if known.is_some() && !told && group.is_absent(self).await.is_err() {
                            return Ok(());
                        }
                        absent.push(group);
                    }
                }
            }
            for (untold, not) in not.into_iter().filter(|(_, not)| !not.is_empty()) {
                if self.say_not(&format!("list and watch {}: {untold}", not.join(", "))).await.is_err() {
                    return Ok(());
                }
            }
            if absent.is_empty() {
                return Ok(());
            }
            (waiting, told) = (absent, true);
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// Follows one kind in each scope in which it may be read.
    pub(crate) async fn start<T: Resource>(&self, followers: &mut JoinSet<()>, not: &mut Vec<String>) {
        let readable = self.readable::<T>().await;
        self.begin::<T>(readable, followers, not);
    }

    /// Follows one kind that belongs to the whole cluster.
    pub(crate) async fn start_everywhere<T: Resource>(&self, followers: &mut JoinSet<()>, not: &mut Vec<String>) {
        let may = rights::may_read::<T>(&self.client, &EVERYWHERE).await.unwrap_or(true);
        let readable = Readable { may: may.then_some(EVERYWHERE).into_iter().collect(), may_not: Vec::new() };
        self.begin::<T>(readable, followers, not);
    }

    /// In which scopes a kind may be read. Who cannot be asked now is asked again by whoever follows.
    async fn readable<T: Resource>(&self) -> Readable {
        let mut readable = Readable::default();
        for scope in &self.scopes {
            let may = rights::may_read::<T>(&self.client, scope).await.unwrap_or(true);
            if may { &mut readable.may } else { &mut readable.may_not }.push(scope.clone());
        }
        readable
    }

    fn begin<T: Resource>(&self, readable: Readable, followers: &mut JoinSet<()>, not: &mut Vec<String>) {
        let Readable { may, may_not } = readable;
        let nowhere = may.is_empty();
        for scope in may {
            let follower = Follower {
                client: Arc::clone(&self.client),
                scope,
                sink: self.sink.clone(),
                labels: self.routed,
                // No slot of the session's: how this is does not change how the cluster is.
                slot: usize::MAX,
                tell: self.tell.clone(),
            };
            followers.spawn(follower.follow::<T>(None));
        }
        if nowhere {
            not.push(T::PLURAL.to_owned());
        } else if !may_not.is_empty() {
            let namespaces: Vec<&str> = may_not.iter().filter_map(|scope| scope.namespace.as_deref()).collect();
            not.push(format!("{} in {}", T::PLURAL, namespaces.join(", ")));
        }
    }

    async fn say_not(&mut self, what: &str) -> Result<(), Closed> {
        self.probed.may_not.push(SmolStr::new(what));
        self.sink.probed(self.probed.clone()).await
    }
}

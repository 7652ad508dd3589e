//! One session with a server: who we are, what we may, all listings and watches, and a heartbeat, until it breaks.

use crate::{
    board::{Board, Slot},
    client::{Client, JSON},
    early::{Early, Listing},
    failure::{Call, Failure},
    follow::{ASK_AGAIN, Follower, Told},
    inside, problems,
    resource::{Resource, Scope},
    rights::{self, Rights},
    slim::{Event, Namespace, Node, Pod},
    written::Written,
};
use pilothouse_connect::{Closed, Signature, Sink};
use pilothouse_wire::{Health, Problem, SmolStr};
use pilothouse_world::fact::{Probed, SourceFact};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at},
};

/// How often it is told at least that the server was heard.
pub const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often the server is asked whether it lives.
const PULSE: Duration = Duration::from_secs(2);
/// How long it may take to say so: with the pulse, that a server hangs is said within four seconds.
const PULSE_LIMIT: Duration = Duration::from_secs(2);
/// One that is silent for so long is given up, with all that it was asked for. Before, it may only be busy: a large cluster
/// is not listed anew for that.
const SILENT: Duration = Duration::from_secs(6);
/// How long the first answer may take.
const FIRST_LIMIT: Duration = Duration::from_secs(8);
/// How long after all else events are listed: a server has hands full then, and whoever asked once is gone by then.
const EVENTS_LATER: Duration = Duration::from_millis(500);
/// Messages of followers that wait for the session.
const WAITING: usize = 64;

/// Why a session ended.
#[derive(Debug)]
pub enum End {
    /// Nobody listens.
    Closed,
    /// The server is lost; and the patience that it asked for.
    Lost(Box<Problem>, Option<Duration>),
    /// What may be read has changed: it begins again at once.
    Again,
}

impl From<Closed> for End {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

/// What is read of the server, as a person set it.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Only these namespaces; all if none.
    pub namespaces: Vec<String>,
    /// The context's namespace.
    pub begins_in: Option<String>,
    /// What is looked for inside of the cluster, for others.
    pub sought: &'static [Signature],
}

/// What the server tells of itself.
#[derive(Clone, Debug, Default)]
pub struct Met {
    /// Its version.
    pub version: String,
    /// Who we are there, and what we may.
    pub rights: Rights,
}

/// Meets the server: what it is, and what we may there.
///
/// # Errors
/// If it does not answer, or does not know us.
pub async fn meet(client: &Client, wish: &Wish) -> Result<Met, Failure> {
    let version = version(client).await?;
    let rights = rights::review(client, &wish.namespaces, wish.begins_in.as_deref()).await?;
    Ok(Met { version, rights })
}

/// The first call: it shows whether there is a server at all, and costs that one nothing.
async fn version(client: &Client) -> Result<String, Failure> {
    let answer = client.get(&Call::path("/version"), "/version", JSON, FIRST_LIMIT).await?;
    let about: serde_json::Value =
        serde_json::from_slice(&answer.body).map_err(|_| Failure::Unreadable("/version is no JSON".to_owned()))?;
    let version = about["gitVersion"].as_str().map(problems::line);
    version.ok_or_else(|| Failure::Unreadable("/version says no version of Kubernetes".to_owned()))
}

/// One session.
pub struct Session<'a> {
    client: Arc<Client>,
    sink: &'a Sink,
    wish: &'a Wish,
    board: Board,
    /// Ended with the session, since it holds them.
    followers: JoinSet<()>,
    rights: Rights,
    probed: Probed,
    /// Listings that are under way already.
    early: Early,
    /// Events that are not followed yet.
    events: Vec<Scope>,
    /// Is what comes last under way?
    all_begun: bool,
    /// When it was told last that the server was heard, and since when it is silent.
    heard: Option<Instant>,
    silent: Option<Instant>,
}

/// Runs a session until it ends.
pub async fn run(client: &Arc<Client>, sink: &Sink, wish: &Wish) -> End {
    let began = Instant::now();
    let met = async {
        let version = version(client).await?;
        let early = Early::begin(client, &wish.namespaces);
        let rights = rights::review(client, &wish.namespaces, wish.begins_in.as_deref()).await?;
        Ok((Met { version, rights }, early))
    };
    let (met, early) = match met.await {
        Ok(met) => met,
        Err(failure) => return lost(client, &failure),
    };
    let mut session = Session {
        client: Arc::clone(client),
        sink,
        wish,
        board: Board::default(),
        followers: JoinSet::new(),
        early,
        events: met.rights.plan.events.clone(),
        all_begun: false,
        heard: None,
        silent: None,
        probed: Probed::default(),
        rights: met.rights.clone(),
    };
    match session.tell_of(met, began).await {
        Ok(()) => session.go_on().await,
        Err(Closed) => End::Closed,
    }
}

fn lost(client: &Client, failure: &Failure) -> End {
    End::Lost(Box::new(failure.problem(&client.place)), failure.retry_after())
}

impl Session<'_> {
    async fn tell_of(&mut self, met: Met, began: Instant) -> Result<(), Closed> {
        let Rights { identity, may, may_not, not_visible, problem, .. } = met.rights;
        let texts = |texts: Vec<String>| texts.into_iter().map(SmolStr::from).collect();
        self.board.rights = problem;
        self.board.insecure = self.client.is_insecure().then(|| problems::insecure(&self.client.place));
        let unchecked = if self.board.insecure.is_some() { ", TLS not checked" } else { "" };
        self.sink.source(SourceFact::RetryAt(None)).await?;
        self.sink.attempt(true, format!("connected in {} ms{unchecked}", began.elapsed().as_millis())).await?;
        self.probed = Probed {
            version: Some(met.version.into()),
            identity: identity.map(SmolStr::from),
            may: texts(may),
            may_not: texts(may_not),
            not_visible,
        };
        self.sink.probed(self.probed.clone()).await
    }

    async fn go_on(&mut self) -> End {
        let (tell, mut told) = mpsc::channel(WAITING);
        self.start_followers(&tell);
        let mut heartbeat = interval_at(Instant::now() + PULSE, PULSE);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        if self.board.rights.is_some() {
            let asks = ask_again(Arc::clone(&self.client), self.wish.clone(), self.rights.clone(), tell.clone());
            self.followers.spawn(asks);
        }
        let mut settled_at = None;
        loop {
            if settled_at.is_none() && self.board.is_settled() {
                settled_at = Some(Instant::now());
                self.start_written(&tell);
            }
            let events_at = settled_at.filter(|_| !self.all_begun).map(|at| at + EVENTS_LATER);
            self.board.skew =
                self.client.skew().map(|(server, ours)| problems::clock_skew(&self.client.place, server, ours));
            let step = async {
                if let Some(health) = self.board.changed() {
                    self.sink.health(health).await?;
                }
                tokio::select! {
                    Some((slot, told)) = told.recv() => match told {
                        Told::Broke => {
                            heartbeat.reset();
                            self.beat().await
                        }
                        Told::Unknown(problem) => Err(End::Lost(Box::new(problem), None)),
                        Told::OtherRights => Err(End::Again),
                        told => {
                            self.note(slot, told);
                            Ok(())
                        }
                    },
                    () = until(events_at) => {
                        self.start_events(&tell);
                        self.start_looking();
                        self.all_begun = true;
                        Ok(())
                    }
                    _ = heartbeat.tick() => self.beat().await,
                }
            };
            if let Err(end) = step.await {
                return end;
            }
        }
    }

    fn start_followers(&mut self, tell: &mpsc::Sender<(usize, Told)>) {
        let plan = self.rights.plan.clone();
        let everywhere = Scope { namespace: None };
        let mut early = std::mem::take(&mut self.early);
        if plan.nodes {
            self.start::<Node>(everywhere.clone(), early.nodes.take(), tell);
        }
        if plan.namespaces {
            self.start::<Namespace>(everywhere, early.namespaces.take(), tell);
        }
        for scope in plan.pods {
            let early = early.pods.take().filter(|_| scope.namespace.is_none());
            self.start::<Pod>(scope, early, tell);
        }
    }

    /// Events come after what they are about: they do not hold up the first picture.
    fn start_events(&mut self, tell: &mpsc::Sender<(usize, Told)>) {
        for scope in std::mem::take(&mut self.events) {
            let follower = self.slot::<Event>(scope, tell);
            self.followers.spawn(follower.follow_events());
        }
    }

    /// What tells of changes comes after what they are about, and at once then: who asks for services waits for it.
    fn start_written(&mut self, tell: &mpsc::Sender<(usize, Told)>) {
        let scopes = self.rights.plan.pods.clone();
        if scopes.is_empty() {
            return;
        }
        let (client, sink, tell) = (Arc::clone(&self.client), self.sink.clone(), tell.clone());
        let written = Written { client, scopes, sink, tell, probed: self.probed.clone(), routed: false };
        self.followers.spawn(written.follow());
    }

    /// Servers inside are looked for last: nobody waits for an offer.
    fn start_looking(&mut self) {
        let Wish { namespaces, sought, .. } = self.wish;
        if sought.is_empty() {
            return;
        }
        let chosen = namespaces.iter().map(|name| Scope { namespace: Some(name.clone()) });
        let mut scopes: Vec<Scope> = chosen.collect();
        if scopes.is_empty() {
            // Who may not list those of all namespaces may do so in some.
            scopes.push(Scope { namespace: None });
            scopes.extend(self.rights.plan.pods.iter().filter(|scope| scope.namespace.is_some()).cloned());
        }
        self.followers.spawn(inside::look(Arc::clone(&self.client), scopes, sought, self.sink.clone()));
    }

    fn start<T: Resource>(&mut self, scope: Scope, early: Option<Listing>, tell: &mpsc::Sender<(usize, Told)>) {
        let follower = self.slot::<T>(scope, tell);
        self.followers.spawn(follower.follow::<T>(early));
    }

    fn slot<T: Resource>(&mut self, scope: Scope, tell: &mpsc::Sender<(usize, Told)>) -> Follower {
        let slot = self.board.slots.len();
        // Nobody waits for events.
        let awaited = T::KIND != pilothouse_world::fact::Kind::Event;
        self.board.slots.push(Slot { what: T::PLURAL, awaited, settled: false, progress: None, trouble: None });
        let (client, sink, tell) = (Arc::clone(&self.client), self.sink.clone(), tell.clone());
        Follower { client, scope, sink, labels: true, slot, tell }
    }

    fn note(&mut self, slot: usize, told: Told) {
        let Some(slot) = self.board.slots.get_mut(slot) else { return };
        match told {
            Told::Progress(read, all) => slot.progress = Some((read, all)),
            Told::Settled => slot.settled = true,
            Told::Trouble(trouble) => slot.trouble = trouble,
            Told::Broke | Told::Unknown(_) | Told::OtherRights => {}
        }
    }

    /// Asks the server whether it lives. Any answer at all is a sign of life.
    async fn beat(&mut self) -> Result<(), End> {
        let asked = Instant::now();
        let mut answer = self.ask_livez().await;
        if matches!(answer, Err(Failure::Transport(_))) {
            // A kept connection may have been closed just now: that is not the server's end.
            answer = self.ask_livez().await;
        }
        if let Err(failure @ Failure::TimedOut(_)) = &answer {
            let problem = failure.problem(&self.client.place);
            if self.silent.get_or_insert(asked).elapsed() >= SILENT {
                return Err(End::Lost(Box::new(problem), None));
            }
            self.board.silent = Some(problem);
            return Ok(());
        }
        (self.silent, self.board.silent) = (None, None);
        self.board.livez = match answer {
            Ok(()) => None,
            Err(failure) => {
                let problem = failure.problem(&self.client.place);
                match failure.status() {
                    Some(401) => return Err(End::Lost(Box::new(problem), None)),
                    Some(429 | 500..) => Some(problem),
                    Some(_) => None,
                    None => return Err(End::Lost(Box::new(problem), None)),
                }
            }
        };
        // The next one would come too late.
        if self.heard.is_none_or(|heard| heard.elapsed() + PULSE > HEARTBEAT) {
            self.heard = Some(Instant::now());
            self.sink.heard().await?;
        }
        Ok(())
    }

    async fn ask_livez(&self) -> Result<(), Failure> {
        self.client.get(&Call::path("/livez"), "/livez", JSON, PULSE_LIMIT).await.map(drop)
    }
}

/// A time that may never come.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Asks now and then whether more may be read by now. Beside the session, so that no answer holds the heartbeat up.
async fn ask_again(client: Arc<Client>, wish: Wish, known: Rights, tell: mpsc::Sender<(usize, Told)>) {
    loop {
        tokio::time::sleep(ASK_AGAIN).await;
        // The heartbeat tells of a server that does not answer.
        let now = rights::review(&client, &wish.namespaces, wish.begins_in.as_deref()).await;
        if now.is_ok_and(|now| now != known) && tell.send((usize::MAX, Told::OtherRights)).await.is_err() {
            return;
        }
    }
}

/// What health is while the first answer is waited for.
#[must_use]
pub fn connecting() -> Health {
    Health::Starting { doing: "Connecting".to_owned(), progress: None }
}

//! The door of the record: a part of it for whoever has a token that was made for that, and nothing else.
//!
//! It is given no way to ask an engine for a view: it knows where the journal is, and whether it is written. A part is made
//! beside the journal, in a file without a name, then sent piece by piece: what is in memory does not grow with it.

mod refuse;
mod send;

use crate::{
    accept::{self, HangUp, Host, Peer},
    book::{Book, OfRecord, Watched},
    guard::{Gate, Names, Shut},
    limits::{Limits, Rates},
    places::{Place, Places},
    reach::{is_private, shown, taken},
    serve::Serving,
    tls::Identity,
};
use axum::{
    Extension, Router,
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use pilothouse_engine::{
    Clock, Reader,
    record::{self, Moment, far},
};
use pilothouse_wire::{Ask, Code, Problem, Stamp};
use refuse::Refused;
use serde::Deserialize;
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};

/// How long one connection may stay: a stalled one is ended long before.
const LONGEST: Duration = Duration::from_secs(4 * 3_600);
/// A token of ours has 47 letters.
const MAX_TOKEN: usize = 256;

/// How the door of the record is opened.
#[derive(Clone, Debug)]
pub struct RecordOptions {
    /// The journal.
    pub journal: PathBuf,
    /// Where it listens. Anything but loopback needs an identity or [`RecordOptions::plain`].
    pub address: SocketAddr,
    /// The certificate; without one nothing is encrypted.
    pub identity: Option<Identity>,
    /// May other machines be spoken to without encryption?
    pub plain: bool,
    /// Tokens that open it.
    pub book: Book<OfRecord>,
    /// Names of this machine under which other machines call it; addresses need no name.
    pub names: Vec<String>,
    /// What who asks may use.
    pub limits: Limits,
    /// The clock by which tokens run out.
    pub clock: Clock,
}

/// A part of the record left by the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// To this address.
    pub to: IpAddr,
    /// What the token is called by which it was asked for.
    pub token: String,
    /// From when it tells.
    pub since: Stamp,
    /// Until when.
    pub until: Stamp,
    /// Its length.
    pub bytes: u64,
    /// Did it leave whole?
    pub whole: bool,
}

struct Door {
    /// Says whether it is well.
    engine: Reader,
    journal: PathBuf,
    gate: Gate,
    exports: Places,
    book: Arc<Watched<OfRecord>>,
    limits: Limits,
    clock: Clock,
    sent: mpsc::Sender<Sent>,
}

/// Which part is asked for.
#[derive(Debug, Deserialize)]
struct Part {
    from: String,
    to: Option<String>,
}

/// Opens the door of a record that is being written.
///
/// # Errors
/// An address that is not loopback without what keeps it safe, or one that cannot be listened on.
pub async fn serve_record(engine: Reader, options: RecordOptions) -> Result<Serving<Sent>, Problem> {
    is_private(options.address, options.identity.as_ref(), options.plain)?;
    let listener = TcpListener::bind(options.address).await.map_err(|error| taken(options.address, &error))?;
    let local_addr = listener.local_addr().map_err(|error| taken(options.address, &error))?;
    let (stop, stopped) = watch::channel(false);
    let (sent, notices) = mpsc::channel(16);
    let names = Names::new(local_addr, options.identity.is_some(), &options.names).at_any_port();
    let url = format!("{}://{}/", names.scheme(), shown(local_addr, &options.names));
    let limits = options.limits;
    let door = Arc::new(Door {
        engine,
        journal: options.journal,
        gate: Gate { names, rates: Rates::new(&limits) },
        exports: Places::new(limits.exports, limits.exports_of_one),
        book: Arc::new(Watched::new(options.book)),
        limits: limits.clone(),
        clock: options.clock,
        sent,
    });
    let tls = options.identity.map(|identity| identity.acceptor());
    let host = Host { router: router(door), tls, head: limits.head, longest: LONGEST, stop: stopped };
    let done = tokio::spawn(async move { accept::run(listener, host, &limits).await });
    Ok(Serving { url, local_addr, notices, done, stop })
}

fn router(door: Arc<Door>) -> Router {
    Router::new()
        .route(far::PATH, get(part))
        .route("/healthz", get(health))
        .layer(middleware::from_fn_with_state(Arc::clone(&door), guarded))
        .with_state(door)
}

async fn guarded(
    State(door): State<Arc<Door>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let say = |why| match why {
        Shut::TooOften => Refused::too_many("This address asks too often.", Duration::from_secs(1)).into_response(),
        Shut::NotOurs => Refused::other_name().into_response(),
    };
    door.gate.pass(peer, request, next, say).await
}

/// Is it recorded? For whoever looks after the recorder, and says nothing else.
async fn health(State(door): State<Arc<Door>>) -> StatusCode {
    let lives = door.engine.ask(Ask::About).await.is_ok();
    match lives && door.engine.settled(Duration::ZERO).await.not_recorded.is_none() {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn part(
    State(door): State<Arc<Door>>,
    Extension(Peer(peer)): Extension<Peer>,
    Extension(hang_up): Extension<HangUp>,
    method: Method,
    headers: HeaderMap,
    query: Result<Query<Part>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Refused> {
    if method != Method::GET {
        return Ok(StatusCode::METHOD_NOT_ALLOWED.into_response());
    }
    if !door.gate.rates.may_try(peer) {
        return Err(Refused::too_many("Too many tokens were tried.", door.limits.code_every));
    }
    let (word, name) = door.let_in(&headers).await?;
    let (from, to) = asked(query.ok())?;
    let Some(place) = door.exports.take(peer) else {
        return Err(Refused::too_many("Others are being sent the record just now.", Duration::from_secs(5)));
    };
    let (prepared, place) = door.prepare(from, to, place).await?;
    let (since, until, bytes) = (prepared.manifest().since, prepared.manifest().until, prepared.bytes());
    let sent = Sent { to: peer, token: name, since, until, bytes, whole: false };
    let body = send::body(prepared, place, send::Way { door, word, sent, hang_up });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(far::MIME)),
        (header::CONTENT_LENGTH, HeaderValue::from(bytes)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"record.pilothouse\"")),
    ];
    Ok((headers, body).into_response())
}

fn asked(part: Option<Query<Part>>) -> Result<(Moment, Option<Moment>), Refused> {
    let read = |name: &str, text: &str| text.parse::<Moment>().map_err(|why| Refused::time(&format!("{name}: {why}")));
    let Some(Query(part)) = part else { return Err(Refused::time("from is not given")) };
    Ok((read("from", &part.from)?, part.to.as_deref().map(|to| read("to", to)).transpose()?))
}

impl Door {
    /// Answers the token's word and what it is called.
    async fn let_in(&self, headers: &HeaderMap) -> Result<(Vec<u8>, String), Refused> {
        let shown = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let word = shown.and_then(|shown| shown.split_first_chunk::<7>());
        let word =
            word.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer ")).map(|(_, word)| word.trim_ascii());
        let word = word.filter(|word| !word.is_empty() && word.len() <= MAX_TOKEN).ok_or_else(Refused::no_token)?;
        let kept = self.book.kept().await;
        let (id, _) = kept.token::<OfRecord>(word, self.clock.now()).map_err(Refused::token)?;
        Ok((word.to_vec(), kept.name_of(id).to_owned()))
    }

    /// Makes the part, off the event loop's threads. Its place is taken until it is made, also where who asked is gone.
    async fn prepare(
        &self,
        from: Moment,
        to: Option<Moment>,
        place: Place,
    ) -> Result<(record::Prepared, Place), Refused> {
        let journal = self.journal.clone();
        let make = move || record::part(&record::reader(&journal)?, from, to).map(|part| (part, place));
        let made = tokio::task::spawn_blocking(make);
        let made = made.await.unwrap_or_else(|error| {
            Err(Problem::new(Code::Internal, "The record could not be read.").why(error.to_string()))
        });
        made.map_err(Refused::from)
    }
}

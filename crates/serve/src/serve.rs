//! Opens the door: what is served where, to whom.

use crate::{
    accept::{self, Host, Peer},
    book::{Book, OfWall},
    fanout::Encoder,
    files::Dist,
    grade::Grade,
    guard::{self, Gate, Names, Shut},
    limits::{Limits, Rates},
    link::{self, Linked},
    places::{Kinds, Places},
    reach::{may_listen, shown, taken},
    secret::Secret,
    session::{Known, Notice, Redeemed, Sessions},
    tls::Identity,
};
use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    extract::{FromRequestParts, Request, State, ws::WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{any, get, post},
};
use pilothouse_engine::{Clock, Reader};
use pilothouse_wire::{Problem, Stamp, codec::MAX_FROM_PAGE};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};

/// A code is 43 letters, a token 47.
const MAX_CODE: usize = 256;
/// How long a connection may be there that loads files.
const LOADING: Duration = Duration::from_secs(300);
/// Different views that a wall's screens may watch: each is worked out anew when something changes.
pub(crate) const MAX_VIEWS: usize = 64;
/// The page of a wall.
const WALL: &str = "/wall";

/// How the door is opened.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where it listens. Anything but loopback needs [`Grade::Wall`], a token in the book, and an identity or
    /// [`ServeOptions::plain`].
    pub address: SocketAddr,
    /// What pages may see.
    pub grade: Grade,
    /// The certificate; without one nothing is encrypted.
    pub identity: Option<Identity>,
    /// May other machines be spoken to without encryption?
    pub plain: bool,
    /// Where tokens and the sessions of screens are kept over restarts. A door of [`Grade::Own`] keeps none.
    pub book: Option<Book<OfWall>>,
    /// Names of this machine under which other machines call it; addresses need no name.
    pub names: Vec<String>,
    /// The interface.
    pub dist: Dist,
    /// What pages may use.
    pub limits: Limits,
    /// The clock by which tokens run out.
    pub clock: Clock,
}

/// An open door. It closes when this is dropped.
#[derive(Debug)]
pub struct Serving<N = Notice> {
    /// The address to open, with a one-time code in its fragment: shown to one person, never logged. For other machines the
    /// code stands for the newest token, and works for a quarter of an hour; a token behind `#code=` works there, too.
    pub url: String,
    /// Where it listens.
    pub local_addr: SocketAddr,
    /// What whoever opened it should be told.
    pub notices: mpsc::Receiver<N>,
    /// Ends when the door is closed.
    pub done: JoinHandle<()>,
    pub(crate) stop: watch::Sender<bool>,
}

impl<N> Serving<N> {
    /// Closes the door: pages are told.
    pub fn close(&self) {
        self.stop.send_replace(true);
    }
}

struct Door {
    dist: Dist,
    gate: Gate,
    cookie: String,
    links: Places,
    linked: Linked,
}

/// Opens the door for pages that may read.
///
/// # Errors
/// An address that is not loopback without what keeps it safe, or one that cannot be listened on.
pub async fn serve(reader: Reader, options: ServeOptions) -> Result<Serving, Problem> {
    may_listen(&options, options.clock.now()).await?;
    let listener = TcpListener::bind(options.address).await.map_err(|error| taken(options.address, &error))?;
    let local_addr = listener.local_addr().map_err(|error| taken(options.address, &error))?;
    let code = if local_addr.ip().is_loopback() { Some(Secret::new()?) } else { None };
    let book = options.book.filter(|_| options.grade == Grade::Wall);
    let shown_code = match (&code, &book) {
        (Some(code), _) => Some(code.reveal().to_owned()),
        // Whoever stands before another machine is let in as by a token, and so only for as long as that is not revoked.
        (None, Some(book)) => code_of(book.clone(), options.clock.now()).await,
        (None, None) => None,
    };
    let (sessions, notices) = Sessions::new(code.as_ref(), book, options.clock);
    let (stop, stopped) = watch::channel(false);
    let names = Names::new(local_addr, options.identity.is_some(), &options.names);
    let path = if options.grade == Grade::Wall { WALL } else { "/" };
    let fragment = shown_code.map(|code| format!("#code={code}")).unwrap_or_default();
    let url = format!("{}://{}{path}{fragment}", names.scheme(), shown(local_addr, &options.names));
    let limits = options.limits;
    let door = Arc::new(Door {
        dist: options.dist,
        // Cookies do not know ports: two doors of one machine must not take each other's.
        cookie: format!("pilothouse_{}", local_addr.port()),
        gate: Gate { names, rates: Rates::new(&limits) },
        links: Places::new(limits.links, limits.links_of_one),
        linked: Linked {
            reader,
            grade: options.grade,
            limits: limits.clone(),
            sessions: Arc::new(sessions),
            encoder: Encoder::new(options.grade),
            views: Kinds::new(if options.grade == Grade::Wall { MAX_VIEWS } else { usize::MAX }),
            stop: stopped.clone(),
        },
    });
    let tls = options.identity.map(|identity| identity.acceptor());
    let host = Host { router: router(door), tls, head: limits.head, longest: LOADING, stop: stopped };
    let done = tokio::spawn(async move { accept::run(listener, host, &limits).await });
    Ok(Serving { url, local_addr, notices, done, stop })
}

/// A one-time code of the newest token. Without one the door is open all the same: a token lets in, too.
async fn code_of(book: Book<OfWall>, now: Stamp) -> Option<String> {
    let made = tokio::task::spawn_blocking(move || book.make_code(None, now)).await.ok()?;
    made.inspect_err(|problem| tracing::warn!(%problem, "the address has no code")).ok()?.map(|row| row.code)
}

fn router(door: Arc<Door>) -> Router {
    Router::new()
        .route("/session", post(session))
        .route("/link", any(link))
        .fallback(get(file))
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
        Shut::TooOften => wait("This address asks too often.", Duration::from_secs(1)),
        Shut::NotOurs => StatusCode::FORBIDDEN.into_response(),
    };
    door.gate.pass(peer, request, next, say).await
}

async fn file(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (path, grade) = (request.uri().path(), door.linked.grade);
    if grade == Grade::Wall && path != WALL && door.dist.is_page(path, request.headers()).await {
        return Redirect::to(&to_wall(request.uri())).into_response();
    }
    door.dist.answer(path, request.headers()).await
}

/// The wall's page, with what the address asked of it. A browser takes the fragment along by itself.
fn to_wall(asked: &Uri) -> String {
    asked.query().map_or_else(|| WALL.to_owned(), |query| format!("{WALL}?{query}"))
}

async fn session(State(door): State<Arc<Door>>, Extension(Peer(peer)): Extension<Peer>, body: Body) -> Response {
    let limits = &door.linked.limits;
    if !door.gate.rates.may_try(peer) {
        return wait("Too many codes were tried.", limits.code_every);
    }
    let code = match timeout(limits.head, to_bytes(body, MAX_CODE)).await {
        Ok(Ok(code)) => code,
        Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    match door.linked.sessions.redeem(code.trim_ascii()).await {
        Ok(Redeemed::Session { secret, lasts }) => match door.cookie(&secret, lasts) {
            Some(cookie) => (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response(),
            None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        Ok(Redeemed::No) => StatusCode::UNAUTHORIZED.into_response(),
        Err(problem) => {
            tracing::error!(%problem, "no session");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn link(State(door): State<Arc<Door>>, Extension(Peer(peer)): Extension<Peer>, request: Request) -> Response {
    let Some(known) = door.session(request.headers()).await else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let (mut parts, _) = request.into_parts();
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(refused) => return refused.into_response(),
    };
    if !guard::has_origin(&parts.headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Some(place) = door.links.take(peer) else {
        let words = "Too many pages are open at this door. Close some, or try again later.\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], words).into_response();
    };
    let linked = door.linked.clone();
    // Twice ours: a message a little too large is refused by us, in words, and a huge one is never read.
    upgrade.max_message_size(2 * MAX_FROM_PAGE).max_frame_size(2 * MAX_FROM_PAGE).on_upgrade(async move |socket| {
        link::run(socket, linked, known).await;
        drop(place);
    })
}

fn wait(why: &'static str, how_long: Duration) -> Response {
    let seconds = how_long.as_secs().max(1);
    let words = format!("{why} Try again in {seconds} s.\n");
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())], words).into_response()
}

impl Door {
    fn cookie(&self, secret: &Secret, lasts: Option<Duration>) -> Option<HeaderValue> {
        let secure = if self.gate.names.scheme() == "https" { "; Secure" } else { "" };
        let age = lasts.map(|lasts| format!("; Max-Age={}", lasts.as_secs())).unwrap_or_default();
        let cookie = format!("{}={}; HttpOnly; SameSite=Strict; Path=/{secure}{age}", self.cookie, secret.reveal());
        let mut cookie = HeaderValue::from_str(&cookie).ok()?;
        cookie.set_sensitive(true);
        Some(cookie)
    }

    async fn session(&self, headers: &HeaderMap) -> Option<Known> {
        for header in headers.get_all(header::COOKIE) {
            for pair in header.as_bytes().split(|byte| *byte == b';') {
                let word = pair.trim_ascii().strip_prefix(self.cookie.as_bytes()).and_then(|w| w.strip_prefix(b"="));
                if let Some(word) = word
                    && let Some(known) = self.linked.sessions.find(word).await
                {
                    return Some(known);
                }
            }
        }
        None
    }
}

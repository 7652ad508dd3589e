//! Opens the door: what is served where, to whom.

use crate::{
    files::Dist,
    grade::Grade,
    guard::{self, Names},
    link,
    session::{Notice, Redeemed, Sessions},
};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequestParts, Request, State, ws::WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use pilothouse_engine::Reader;
use pilothouse_wire::{Code, Problem, codec::MAX_FROM_PAGE};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc, watch},
    task::JoinHandle,
};

/// Pages that may be connected at the same time.
const MAX_LINKS: usize = 64;
/// A code is 43 letters.
const MAX_CODE: usize = 256;

/// How the door is opened.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where it listens. Anything but loopback needs [`ServeOptions::allow_remote`] and [`Grade::Wall`].
    pub address: SocketAddr,
    /// What pages may see.
    pub grade: Grade,
    /// May other machines connect?
    pub allow_remote: bool,
    /// Names of this machine under which other machines call it; addresses need no name.
    pub names: Vec<String>,
    /// The interface.
    pub dist: Dist,
}

/// An open door. It closes when this is dropped.
#[derive(Debug)]
pub struct Serving {
    /// The address with the one-time code in its fragment. Shown to one person, never logged.
    pub url_with_code: String,
    /// Where it listens.
    pub local_addr: SocketAddr,
    /// What whoever opened it should be told.
    pub notices: mpsc::Receiver<Notice>,
    /// Ends when the door is closed.
    pub done: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Serving {
    /// Closes the door: pages are told.
    pub fn close(&self) {
        self.stop.send_replace(true);
    }
}

struct Door {
    reader: Reader,
    grade: Grade,
    dist: Dist,
    names: Names,
    sessions: Sessions,
    cookie: String,
    links: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

/// Opens the door for pages that may read.
///
/// # Errors
/// An address that is not loopback without leave, or one that cannot be listened on.
pub async fn serve(reader: Reader, options: ServeOptions) -> Result<Serving, Problem> {
    may_listen(&options)?;
    let listener = TcpListener::bind(options.address).await.map_err(|error| taken(options.address, &error))?;
    let local_addr = listener.local_addr().map_err(|error| taken(options.address, &error))?;
    let (sessions, code, notices) = Sessions::new()?;
    let (stop, stopped) = watch::channel(false);
    let door = Arc::new(Door {
        reader,
        grade: options.grade,
        dist: options.dist,
        names: Names::new(local_addr, &options.names),
        sessions,
        // Cookies do not know ports: two doors of one machine must not take each other's.
        cookie: format!("pilothouse_{}", local_addr.port()),
        links: Arc::new(Semaphore::new(MAX_LINKS)),
        stop: stopped.clone(),
    });
    let url_with_code = format!("http://{}/#code={}", shown(local_addr), code.reveal());
    let done = tokio::spawn(run(listener, router(door), stopped));
    Ok(Serving { url_with_code, local_addr, notices, done, stop })
}

async fn run(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let stop = async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stop).await {
        tracing::error!(%error, "the browser door stopped");
    }
}

fn may_listen(options: &ServeOptions) -> Result<(), Problem> {
    if options.address.ip().is_loopback() {
        return Ok(());
    }
    let what = format!("{} can be reached from other machines.", options.address);
    if !options.allow_remote {
        return Err(Problem::new(Code::NotOffered, what)
            .why("The browser door listens on this machine alone unless told otherwise.")
            .next("Use 127.0.0.1, or add --allow-remote --wall."));
    }
    match options.grade {
        Grade::Wall => Ok(()),
        Grade::Own => Err(Problem::new(Code::NotOffered, what)
            .why("Other machines are shown the wall alone: no YAML, no settings, no search.")
            .next("Add --wall.")),
    }
}

fn taken(address: SocketAddr, error: &std::io::Error) -> Problem {
    Problem::new(Code::BadInput, format!("Cannot listen on {address}."))
        .why(format!("{error}."))
        .next("Choose another port with --port.")
}

/// The address as a browser on this machine would call it.
fn shown(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback = if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
        address.set_ip(loopback);
    }
    address
}

fn router(door: Arc<Door>) -> Router {
    Router::new()
        .route("/session", post(session))
        .route("/link", any(link))
        .fallback(get(file))
        .layer(DefaultBodyLimit::max(MAX_CODE))
        .layer(middleware::from_fn_with_state(Arc::clone(&door), guarded))
        .with_state(door)
}

async fn guarded(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let mut response = if door.names.admit(request.headers()) {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    };
    guard::harden(response.headers_mut());
    response
}

async fn file(State(door): State<Arc<Door>>, request: Request) -> Response {
    door.dist.answer(request.uri().path(), request.headers()).await
}

async fn session(State(door): State<Arc<Door>>, code: Bytes) -> Response {
    match door.sessions.redeem(code.trim_ascii()).await {
        Ok(Redeemed::Session(secret)) => {
            let cookie = format!("{}={}; HttpOnly; SameSite=Strict; Path=/", door.cookie, secret.reveal());
            match HeaderValue::from_str(&cookie) {
                Ok(mut cookie) => {
                    cookie.set_sensitive(true);
                    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
                }
                Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        }
        Ok(Redeemed::No) => StatusCode::UNAUTHORIZED.into_response(),
        Err(problem) => {
            tracing::error!(%problem, "no session");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn link(State(door): State<Arc<Door>>, request: Request) -> Response {
    if !door.has_session(request.headers()).await {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let (mut parts, _) = request.into_parts();
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(refused) => return refused.into_response(),
    };
    if !guard::has_origin(&parts.headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Ok(place) = Arc::clone(&door.links).try_acquire_owned() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let (reader, grade, stop) = (door.reader.clone(), door.grade, door.stop.clone());
    // Twice ours: a message a little too large is refused by us, in words, and a huge one is never read.
    upgrade.max_message_size(2 * MAX_FROM_PAGE).max_frame_size(2 * MAX_FROM_PAGE).on_upgrade(async move |socket| {
        link::run(socket, reader, grade, stop).await;
        drop(place);
    })
}

impl Door {
    async fn has_session(&self, headers: &HeaderMap) -> bool {
        for header in headers.get_all(header::COOKIE) {
            for pair in header.as_bytes().split(|byte| *byte == b';') {
                let word = pair.trim_ascii().strip_prefix(self.cookie.as_bytes()).and_then(|w| w.strip_prefix(b"="));
                if let Some(word) = word
                    && self.sessions.knows(word).await
                {
                    return true;
                }
            }
        }
        false
    }
}

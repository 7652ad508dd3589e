//! Takes connections: so many at a time, each with its time to say what it wants, encrypted where there is a certificate.

use crate::{
    limits::Limits,
    places::{Place, Places},
};
use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// What a request's head may hold, in bytes: a cookie and what browsers say of themselves.
const MAX_HEAD: usize = 32 * 1024;
/// How long connections may take to end once the door is closed.
const END: Duration = Duration::from_secs(3);
/// After the system refused a connection, for want of files perhaps.
const PAUSE: Duration = Duration::from_millis(200);
/// What one is told for whom there is no room; a browser shows it.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Retry-After: 5\r\nConnection: close\r\n\r\nToo many connections at once. Try again in some seconds.\n";

/// The address that a request came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub IpAddr);

/// Ends the connection that a request came by.
#[derive(Clone, Debug, Default)]
pub(crate) struct HangUp(Arc<Notify>);

impl HangUp {
    /// Ends it, whatever it still waits for.
    pub fn now(&self) {
        self.0.notify_one();
    }
}

/// How connections are served.
#[derive(Clone)]
pub(crate) struct Host {
    pub router: Router,
    pub tls: Option<TlsAcceptor>,
    pub head: Duration,
    /// How long a connection may be there; that of a page becomes a link long before.
    pub longest: Duration,
    pub stop: watch::Receiver<bool>,
}

/// Takes connections until the door is closed, then waits a little for those that are under way.
pub(crate) async fn run(listener: TcpListener, host: Host, limits: &Limits) {
    let places = Places::new(limits.connections, limits.connections_of_one);
    let (mut connections, mut stop) = (JoinSet::new(), host.stop.clone());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, peer)) => match places.take(peer.ip()) {
                Some(place) => drop(connections.spawn(one(stream, peer, host.clone(), place))),
                None => refuse(&stream, host.tls.is_some()),
            },
            Err(error) => {
                tracing::warn!(%error, "a connection was not taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    let _ = timeout(END, async { while connections.join_next().await.is_some() {} }).await;
}

/// Says in words that there is no room, if that costs no time. Whoever expects encryption would not understand it.
fn refuse(stream: &TcpStream, encrypted: bool) {
    if !encrypted {
        let _ = stream.try_write(FULL);
    }
}

async fn one(stream: TcpStream, peer: SocketAddr, host: Host, place: Place) {
    // Frames are small and must not wait for more.
    let _ = stream.set_nodelay(true);
    let ended = match &host.tls {
        None => http(stream, peer, host).await,
        Some(acceptor) => match timeout(host.head, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => http(stream, peer, host).await,
            Ok(Err(error)) => Err(Box::new(error) as Box<dyn std::error::Error + Send + Sync>),
            Err(_) => Err(Box::new(io::Error::from(io::ErrorKind::TimedOut)) as _),
        },
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection ends");
    }
    drop(place);
}

async fn http<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: SocketAddr,
    host: Host,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (router, mut stop, hang_up) = (host.router, host.stop, HangUp::default());
    let hung_up = hang_up.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        request.extensions_mut().insert(hang_up.clone());
        router.clone().oneshot(request.map(Body::new))
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(host.head).max_buf_size(MAX_HEAD);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    tokio::select! {
        ended = connection.as_mut() => return Ok(ended?),
        () = hung_up.0.notified() => return Err(Box::new(io::Error::from(io::ErrorKind::ConnectionAborted))),
        // A page's link is no longer of it: whoever still loads files by now reads none.
        () = tokio::time::sleep(host.longest) => return Err(Box::new(io::Error::from(io::ErrorKind::TimedOut))),
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    Ok(connection.await?)
}

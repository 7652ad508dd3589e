//! A connection that notes when bytes came in: the time of a piece is that of the read that brought it, and not that of the
//! task that looks at it later.

use crate::rush;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use std::{
    error::Error,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};
use tokio::time::Instant;
use tower_service::Service;

/// When a connection stood and when it last brought something, in microseconds from the begin of the run.
#[derive(Clone)]
pub struct Marks {
    /// When it stood.
    pub stood: u64,
    read: Arc<AtomicU64>,
}

impl Marks {
    /// When it last brought something.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

/// Microseconds from the begin of the run.
pub fn since(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Makes such connections.
#[derive(Clone)]
pub struct Connector {
    /// What makes the plain ones.
    pub inner: HttpsConnector<HttpConnector>,
    /// The begin of the run.
    pub begin: Instant,
}

type Inner = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
type Refused = Box<dyn Error + Send + Sync>;

impl Service<Uri> for Connector {
    type Response = Stamped;
    type Error = Refused;
    type Future = Pin<Box<dyn Future<Output = Result<Stamped, Refused>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, begin) = (self.inner.call(uri), self.begin);
        Box::pin(async move {
            let inner = connecting.await?;
            let stood = since(begin);
            Ok(Stamped { inner, begin, marks: Marks { stood, read: Arc::new(AtomicU64::new(stood)) } })
        })
    }
}

/// The connection.
pub struct Stamped {
    inner: Inner,
    begin: Instant,
    marks: Marks,
}

impl Stamped {
    /// When it stood and when it last brought something, also later.
    pub fn marks(&self) -> Marks {
        self.marks.clone()
    }
}

impl Read for Stamped {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.inner).poll_read(context, into));
        let now = since(self.begin);
        rush::piece(now);
        self.marks.read.store(now, Ordering::Relaxed);
        Poll::Ready(read)
    }
}

impl Write for Stamped {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, bytes)
    }
}

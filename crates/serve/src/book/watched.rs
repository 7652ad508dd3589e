//! A book as it is now: it is read again where it has changed.

use super::{Book, Kept, Purpose};
use std::{sync::Arc, time::SystemTime};
use tokio::sync::Mutex;

/// What tells one content of a file from the next.
type Version = Option<(SystemTime, u64)>;

/// A book with what was read of it last.
#[derive(Debug)]
pub(crate) struct Watched<P> {
    book: Book<P>,
    /// The version that was read, and what it held.
    read: Mutex<(Version, Arc<Kept>)>,
}

impl<P: Purpose> Watched<P> {
    /// Not read yet.
    pub fn new(book: Book<P>) -> Self {
        Self { book, read: Mutex::default() }
    }

    /// The book itself.
    pub fn book(&self) -> &Book<P> {
        &self.book
    }

    /// What it holds now. One that cannot be read lets nobody in.
    pub async fn kept(&self) -> Arc<Kept> {
        let mut last = self.read.lock().await;
        let (book, before) = (self.book.clone(), last.0);
        let read = tokio::task::spawn_blocking(move || {
            let version = book.version();
            (version.is_none() || version != before).then(|| (version, book.read()))
        });
        match read.await {
            Ok(None) => {}
            Ok(Some((version, Ok(kept)))) => *last = (version, Arc::new(kept)),
            Ok(Some((_, Err(problem)))) => {
                tracing::error!(%problem, "nobody is let in");
                *last = (None, Arc::default());
            }
            Err(_) => *last = (None, Arc::default()),
        }
        Arc::clone(&last.1)
    }
}

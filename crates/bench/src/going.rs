//! What runs several loads one after another, on its way: a comparison, a search.

use pilothouse_wire::{Code, Problem};
use tokio::{sync::watch, task::JoinHandle};

/// Something that has begun: `P` says how far it is, `D` is what is kept of it.
pub struct Running<P, D> {
    /// How far it is.
    pub progress: watch::Receiver<P>,
    stop: watch::Sender<bool>,
    end: JoinHandle<Result<D, Problem>>,
    /// What it is, as a sentence begins.
    what: &'static str,
}

impl<P, D: Send + 'static> Running<P, D> {
    /// Begins the work, in the runtime of the caller; it listens at the other end of `stop`.
    pub(crate) fn begin(
        what: &'static str,
        progress: watch::Receiver<P>,
        stop: watch::Sender<bool>,
        work: impl Future<Output = Result<D, Problem>> + Send + 'static,
    ) -> Self {
        Self { progress, stop, end: tokio::spawn(work), what }
    }

    /// Ends it: the load under way is cut, and what was measured is kept.
    pub fn interrupt(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until it is over and kept.
    ///
    /// # Errors
    /// If it could not be run or kept.
    pub async fn end(&mut self) -> Result<D, Problem> {
        let what = self.what;
        let lost = |error: tokio::task::JoinError| {
            Problem::new(Code::Internal, format!("{what} ended without a word.")).why(format!("{error}."))
        };
        (&mut self.end).await.map_err(lost)?
    }
}

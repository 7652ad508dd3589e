//! The engine behind the window: started beside it, so that the window is there at once, and ended with it.

use pilothouse_engine::{Engine, Operator, Options};
use pilothouse_wire::{Code, Problem};
use std::time::Duration;
use tokio::sync::watch;

/// How long the journal may take to be written out at the end.
const END_LIMIT: Duration = Duration::from_secs(5);

type Start = Option<Result<Operator, Problem>>;

/// The engine, or why there is none; waits while it starts.
#[derive(Clone, Debug)]
pub struct Starting(watch::Receiver<Start>);

impl Starting {
    /// Starts an engine in the background.
    pub fn begin(demo: bool) -> Self {
        let (started, start) = watch::channel(None);
        tauri::async_runtime::spawn(async move {
            let operator = match Options::from_env() {
                Ok(options) => Engine::start(Options { demo, ..options }).await,
                Err(problem) => Err(problem),
            };
            if let Err(problem) = &operator {
                tracing::error!(%problem, "the engine does not start");
            }
            started.send_replace(Some(operator));
        });
        Self(start)
    }

    /// The engine.
    ///
    /// # Errors
    /// Why it does not start: the page shows it.
    pub async fn operator(&self) -> Result<Operator, Problem> {
        let mut start = self.0.clone();
        match start.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(operator)) => operator.clone(),
            Ok(None) | Err(_) => {
                Err(Problem::new(Code::Internal, "The engine did not start.").next("Start Pilothouse again."))
            }
        }
    }

    /// Ends the engine, if it runs.
    pub async fn end(&self) {
        let started = self.0.borrow().clone();
        if let Some(Ok(operator)) = started
            && tokio::time::timeout(END_LIMIT, operator.shutdown()).await.is_err()
        {
            tracing::warn!("the engine did not end in {} s", END_LIMIT.as_secs());
        }
    }
}

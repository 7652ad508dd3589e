//! The engine behind the window: started beside it, so that the window is there at once, and ended with it.

use pilothouse_engine::{
    Engine, Operator, Options, Paths,
    record::{self, Opened},
};
use pilothouse_wire::{Code, Problem};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::watch;

/// How long the journal may take to be written out at the end.
const END_LIMIT: Duration = Duration::from_secs(5);

type Start = Option<Result<Running, Problem>>;

/// An engine, and the record that it shows: what that was unpacked into goes with it.
#[derive(Clone, Debug)]
struct Running {
    operator: Operator,
    record: Option<Arc<Opened>>,
}

/// The engine, or why there is none; waits while it starts.
#[derive(Clone, Debug)]
pub struct Starting(Arc<watch::Sender<Start>>);

/// What the window shows.
#[derive(Clone, Debug)]
pub enum Shows {
    /// What is configured, or the demo fleet.
    Live {
        /// The demo fleet, whatever is configured.
        demo: bool,
    },
    /// A record in a file: no server is contacted, and nothing is recorded.
    Record(PathBuf),
}

impl Starting {
    /// Starts an engine in the background.
    pub fn begin(shows: Shows) -> Self {
        let starting = Self(Arc::new(watch::Sender::new(None)));
        let started = starting.clone();
        tauri::async_runtime::spawn(async move {
            let running = match shows {
                Shows::Live { demo } => live(demo).await,
                Shows::Record(file) => of_record(file).await,
            };
            if let Err(problem) = &running {
                tracing::error!(%problem, "the engine does not start");
            }
            started.0.send_replace(Some(running));
        });
        starting
    }

    /// The engine.
    ///
    /// # Errors
    /// Why it does not start: the page shows it.
    pub async fn operator(&self) -> Result<Operator, Problem> {
        let mut start = self.0.subscribe();
        match start.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(running)) => running.as_ref().map(|running| running.operator.clone()).map_err(Problem::clone),
            Ok(None) | Err(_) => {
                Err(Problem::new(Code::Internal, "The engine did not start.").next("Start Pilothouse again."))
            }
        }
    }

    /// Ends the engine, if it runs.
    pub async fn end(&self) {
        let Some(Ok(Running { operator, record })) = self.0.send_replace(None) else { return };
        if tokio::time::timeout(END_LIMIT, operator.shutdown()).await.is_err() {
            tracing::warn!("the engine did not end in {} s", END_LIMIT.as_secs());
        }
        drop(record);
    }
}

async fn live(demo: bool) -> Result<Running, Problem> {
    let operator = Engine::start(Options { demo, ..Options::from_env()? }).await?;
    Ok(Running { operator, record: None })
}

async fn of_record(file: PathBuf) -> Result<Running, Problem> {
    let opened = record::open(&file).await?;
    let operator = Engine::open(&opened, Paths::from_env()?).await?;
    Ok(Running { operator, record: Some(Arc::new(opened)) })
}

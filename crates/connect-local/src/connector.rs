//! The connector: opens this machine, tests it, watches it.

use crate::{
    book::Book,
    driver::Loader,
    host::Host,
    kind::{KIND, LIBRARY},
    problems,
    session::{self, End},
};
use async_trait::async_trait;
use pilothouse_connect::{Closed, Connector, Opening, Sink};
use pilothouse_wire::{Health, ObjectRef, Problem, SmolStr, ask::Tested};
use pilothouse_world::{
    Fact,
    fact::{SourceAbout, SourceFact},
};
use std::{sync::Arc, time::Duration};

/// How often a driver that is not there is looked for again: to look is quick, and somebody may install one.
const RETRY: Duration = Duration::from_secs(60);

/// This machine, opened.
struct Local {
    opening: Opening,
}

/// Opens it; loads nothing.
///
/// # Errors
/// None: every setting may be left out, and a library that cannot be used is told when it is loaded.
pub fn open(opening: Opening) -> Result<Arc<dyn Connector>, Problem> {
    Ok(Arc::new(Local { opening }))
}

impl Local {
    fn loader(&self) -> Loader {
        let library = self.opening.values.get(LIBRARY).map(|library| library.trim());
        Loader::new(library.filter(|library| !library.is_empty()))
    }

    async fn go_on(&self, sink: &Sink) -> Result<std::convert::Infallible, Closed> {
        let host = Host::read();
        let mut book = Book::new(self.opening.id.clone(), self.opening.name.clone(), host.clone());
        let mut loader = self.loader();
        sink.health(Health::Starting { doing: "Loading the driver's library".to_owned(), progress: None }).await?;
        loop {
            let (again, end) = session::run(loader, sink, &self.opening.clock, &mut book, &host).await;
            loader = again;
            match end {
                End::Closed => return Err(Closed),
                End::Worn => {}
                End::NoDriver(problem) => without_driver(sink, &mut book, &host, *problem).await?,
            }
        }
    }
}

/// Shows the machine without its GPUs, until it is time to look for a driver again.
async fn without_driver(sink: &Sink, book: &mut Book, host: &Host, problem: Problem) -> Result<(), Closed> {
    sink.attempt(false, "no driver").await?;
    session::tell_host(sink, None, session::may(host, &[])).await?;
    session::list(sink, book).await?;
    let machine = book.machine_if_changed(&[]).map(|host| Fact::Host(Box::new(host)));
    sink.delta(machine.into_iter().collect()).await?;
    sink.health(Health::Partial(problem)).await?;
    sink.source(SourceFact::RetryAt(Some(sink.now().plus(RETRY)))).await?;
    let mut left = RETRY;
    while !left.is_zero() {
        tokio::time::sleep(session::PERIOD.min(left)).await;
        left = left.saturating_sub(session::PERIOD);
        // The machine is there, as little as there is to say.
        sink.heard().await?;
    }
    Ok(())
}

#[async_trait]
impl Connector for Local {
    fn about(&self) -> SourceAbout {
        SourceAbout {
            name: SmolStr::new(&self.opening.name),
            kind: SmolStr::new_static(KIND.id),
            demo: false,
            address: Some(SmolStr::new_static("this machine")),
            period_ms: u64::try_from(session::PERIOD.as_millis()).unwrap_or(u64::MAX),
        }
    }

    async fn probe(&self) -> Result<Tested, Problem> {
        let host = Host::read();
        let (_, met) = session::met(self.loader(), self.opening.clock.clone()).await;
        Ok(match met {
            Ok(met) => Tested {
                version: session::version(&met.panel),
                identity: None,
                may: session::may(&host, &met.seen),
                problem: problems::health(&self.opening.name, &met.seen).problem().cloned(),
            },
            Err(problem) => {
                Tested { version: None, identity: None, may: session::may(&host, &[]), problem: Some(problem) }
            }
        })
    }

    async fn watch(&self, sink: Sink) {
        // Who waits for the driver is to end as well once nobody listens.
        tokio::select! {
            // Nobody listens any more: that is the one way in which it ends.
            _ = self.go_on(&sink) => {}
            () = sink.closed() => {}
        }
    }

    async fn yaml(&self, _: &ObjectRef) -> Result<String, Problem> {
        Err(problems::no_yaml(&self.opening.name))
    }
}

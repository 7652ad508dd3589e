//! What is sent before a load, so that the server's cache of prefixes holds what was stated. None of it is measured.

use super::Stop;
use crate::{
    client::{Client, Way},
    plan::{Cache, Plan},
    prompts::{Maker, Ready},
    trace::Past,
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};

/// So many at a time, where the load has more: they are not to be the load.
const MOST_AT_A_TIME: u32 = 16;

/// What was sent before the load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// Requests that were answered.
    pub answered: u64,
    /// Requests that were not: what they were to put into the cache may not be there.
    pub failed: u64,
}

/// Sends what the state of the cache needs.
pub(super) async fn prepare(
    way: Way,
    maker: &Maker,
    plan: &Plan,
    past: &[Past],
    mut stopped: watch::Receiver<Option<Stop>>,
) -> Prepared {
    let all: Box<dyn Iterator<Item = Ready> + Send> = match plan.manner.cache {
        Cache::Unstated | Cache::Cold => return Prepared::default(),
        Cache::Shared => Box::new(maker.prefix().into_iter()),
        Cache::Warm => {
            let many = maker.lines().or(plan.until.requests).unwrap_or(past.len() as u64);
            let sizes = |n: u64| usize::try_from(n).ok().and_then(|n| past.get(n)).map(|past| (past.input, 1));
            Box::new((0..many).map(move |n| maker.first(n, sizes(n))))
        }
    };
    let client = Arc::new(way.begin(Instant::now()));
    let limit = Duration::from_secs_f64(plan.timeout_s);
    let at_a_time = plan.at_a_time().unwrap_or(MOST_AT_A_TIME).min(MOST_AT_A_TIME) as usize;
    let (mut under_way, mut prepared) = (JoinSet::new(), Prepared::default());
    let mut count = |answered: bool| if answered { prepared.answered += 1 } else { prepared.failed += 1 };
    for ready in all {
        if stopped.borrow().is_some() {
            break;
        }
        if under_way.len() >= at_a_time
            && let Some(over) = under_way.join_next().await
        {
            count(over.unwrap_or(false));
        }
        under_way.spawn(one(Arc::clone(&client), ready, limit));
    }
    loop {
        tokio::select! {
            over = under_way.join_next() => match over {
                Some(over) => count(over.unwrap_or(false)),
                None => break,
            },
            _ = stopped.wait_for(Option::is_some) => break,
        }
    }
    prepared
}

/// Was it answered?
async fn one(client: Arc<Client>, ready: Ready, limit: Duration) -> bool {
    timeout(limit, client.ask("before", &ready, 0, 0)).await.is_ok_and(|answer| answer.is_ok())
}

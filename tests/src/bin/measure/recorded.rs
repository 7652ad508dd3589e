//! What the real server says, kept as bytes: its version, its listings, and one line of a watch for each of many pods.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::time::Duration;

use acceptance::{Failure, Result};
use futures::{TryStreamExt, stream};
use tokio::time::timeout;

use crate::plain::Plain;
use crate::stand::Stand;
use crate::ticks;

/// Pods that are recorded: each then changes about twice a second.
const PODS: usize = 2_000;
/// The numbers of the recorded changes begin here: no pod has one of them already, so that each is a change.
const FROM: usize = 900_000;
const AT_ONCE: usize = 16;
const LISTS: [&str; 4] = ["/api/v1/nodes", "/api/v1/namespaces", "/api/v1/pods", "/apis/events.k8s.io/v1/events"];
const LIMIT: Duration = Duration::from_secs(300);

/// All that a connector asks for.
pub struct Recorded {
    /// Answers by path.
    pub answers: BTreeMap<String, Vec<u8>>,
    /// Lines of the watch of pods, each of another pod.
    pub lines: Vec<Line>,
}

/// A line of a watch.
pub struct Line {
    /// As it came, with its end.
    bytes: Vec<u8>,
    /// Where its number stands.
    number: Range<usize>,
}

impl Line {
    /// Appends the line to `to` with this number in place of its own.
    pub fn write(&self, number: usize, to: &mut Vec<u8>) {
        let begins = to.len();
        to.extend_from_slice(&self.bytes);
        let digits = ticks::word(number);
        let place = begins + self.number.start..begins + self.number.end;
        to[place].copy_from_slice(&digits.as_bytes()[digits.len() - self.number.len()..]);
    }

    /// How long it is.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// Records from the real servers.
pub async fn record(stand: &Stand) -> Result<Recorded> {
    let plain = Plain::new(&stand.plane)?;
    let mut answers = BTreeMap::new();
    for path in LISTS.into_iter().chain(["/version"]) {
        answers.insert(path.to_owned(), plain.get(path).await?);
    }
    let mut pods = stand.pod_names().await?;
    pods.truncate(PODS);
    let lines = timeout(LIMIT, lines(stand, &plain, &pods)).await;
    let lines = lines.map_err(|_| Failure::new("the server did not tell of all changes"))??;
    Ok(Recorded { answers, lines })
}

async fn lines(stand: &Stand, plain: &Plain, pods: &[(String, String)]) -> Result<Vec<Line>> {
    let version = stand.plane.api()?.get("/api/v1/pods?limit=1").await?;
    let mut watch =
        plain.watch("/api/v1/pods", version["metadata"]["resourceVersion"].as_str().unwrap_or_default()).await?;
    let changes = stream::iter(pods.iter().enumerate().map(Ok::<_, Failure>));
    let change = changes.try_for_each_concurrent(AT_ONCE, |(number, pod)| async move {
        plain.change(pod, &ticks::word(FROM + number)).await
    });
    let hear = async {
        let (mut lines, mut heard) = (Vec::new(), HashSet::new());
        while lines.len() < pods.len() {
            let line = watch.next().await?;
            let Some(number) = ticks::place(line) else { continue };
            if ticks::in_line(line).is_some_and(|number| number >= FROM && heard.insert(number)) {
                let bytes = [line, b"\n"].concat();
                lines.push(Line { bytes, number });
            }
        }
        Ok(lines)
    };
    let ((), lines) = futures::try_join!(change, hear)?;
    Ok(lines)
}

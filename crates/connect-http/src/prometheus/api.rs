//! The calls of the query API that we make, each a question of which the answer is read.

use super::{
    answer::{self, Line, Vector},
    matchers::Matchers,
};
use crate::{
    client::{Answer, Client},
    failure::Failure,
};
use futures::{StreamExt, TryStreamExt, stream};
use pilothouse_connect::{Cause, Clock};
use pilothouse_wire::Stamp;
use std::{
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    time::Duration,
};

const READY: &str = "/-/ready";
const BUILD: &str = "/api/v1/status/buildinfo";
const QUERY: &str = "/api/v1/query";
const RANGE: &str = "/api/v1/query_range";

/// How long an answer may take to begin.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the server itself may work on a query.
const TIMEOUT: &str = "9s";
/// So many questions are under way at once.
pub const AT_ONCE: usize = 4;

/// What came of several questions: the answers, and the questions that the server will not answer.
pub type Answers<M> = (Vec<(M, Vector)>, Vec<(M, Failure)>);

/// The points of each series of a range.
pub type Points = Vec<Vec<(Stamp, f64)>>;

/// One server's query API.
pub struct Api {
    /// The way there.
    pub client: Client,
    /// Which of its series are meant.
    pub matchers: Matchers,
    clock: Clock,
    /// Did it answer before? Then a connection that is cut may only have been kept for too long.
    answered: AtomicBool,
    /// How far the server's clock was ahead at the last answer, in milliseconds.
    ahead: AtomicI64,
}

impl Api {
    /// The query API at the end of this way.
    pub fn new(client: Client, matchers: Matchers, clock: Clock) -> Self {
        Self { client, matchers, clock, answered: AtomicBool::new(false), ahead: AtomicI64::new(0) }
    }

    /// Asks for what costs it nothing: does it answer?
    pub async fn lives(&self) -> Result<(), Failure> {
        self.client.get(READY, PATIENCE).await.map(drop)
    }

    /// The server's version; `None` if it does not say.
    pub async fn version(&self) -> Result<Option<String>, Failure> {
        match self.client.get(BUILD, PATIENCE).await {
            Ok(answer) => {
                self.compare_clocks(answer.date, &answer);
                answer::version(&answer.body).map_err(|failure| self.without_secrets(failure))
            }
            // Not every server of this API has it. A wrong prefix shows at the first query.
            Err(failure) if matches!(failure.status(), Some(400 | 404 | 405 | 501)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// An instant query, evaluated at the server's own time.
    pub async fn vector(&self, query: &str) -> Result<Vector, Failure> {
        let answer = self.query(query).await?;
        let mut vector = answer::vector(&answer.body).map_err(|failure| self.without_secrets(failure))?;
        vector.warnings = vector.warnings.iter().map(|warning| self.client.taken_out_of(warning)).collect();
        self.compare_clocks(vector.evaluated.or(answer.date), &answer);
        self.answered.store(true, Ordering::Relaxed);
        Ok(vector)
    }

    /// Raw samples, each series with its labels.
    pub async fn raw(&self, query: &str) -> Result<Vec<Line>, Failure> {
        answer::lines(&self.query(query).await?.body).map_err(|failure| self.without_secrets(failure))
    }

    /// A query at many times: from the first to the last, so far apart. The points of each series.
    pub async fn range(&self, query: &str, ends: (Stamp, Stamp), step: Duration) -> Result<Points, Failure> {
        Ok(self.lines(query, ends, step).await?.into_iter().map(|(_, points)| points).collect())
    }

    /// The same, each series with its labels.
    pub async fn lines(
        &self,
        query: &str,
        (first, last): (Stamp, Stamp),
        step: Duration,
    ) -> Result<Vec<Line>, Failure> {
        let seconds = |at: Stamp| format!("{}.{:03}", at.0.div_euclid(1_000), at.0.rem_euclid(1_000));
        let (first, last, step) = (seconds(first), seconds(last), step.as_secs().max(1).to_string());
        let form = [("query", query), ("start", &first), ("end", &last), ("step", &step), ("timeout", TIMEOUT)];
        let answer = self.client.post(RANGE, &form, PATIENCE).await?;
        answer::lines(&answer.body).map_err(|failure| self.without_secrets(failure))
    }

    /// Several instant queries, a few at a time. What fails for all fails here.
    pub async fn vectors<M>(&self, queries: Vec<(M, String)>) -> Result<Answers<M>, Failure> {
        let asked = stream::iter(queries).map(|(metric, query)| async move {
            match self.vector(&query).await {
                Ok(vector) => Ok((metric, Ok(vector))),
                Err(failure) if failure.is_of_the_question() => Ok((metric, Err(failure))),
                Err(failure) => Err(failure),
            }
        });
        let all: Vec<_> = asked.buffered(AT_ONCE).try_collect().await?;
        let (mut answers, mut failures) = (Vec::new(), Vec::new());
        for (metric, outcome) in all {
            match outcome {
                Ok(vector) => answers.push((metric, vector)),
                Err(failure) => failures.push((metric, failure)),
            }
        }
        Ok((answers, failures))
    }

    /// The server's time and ours, if they differ by more than this.
    pub fn skew(&self, most: Duration) -> Option<(Stamp, Stamp)> {
        let ahead = self.ahead.load(Ordering::Relaxed);
        let ours = self.clock.now();
        (u128::from(ahead.unsigned_abs()) > most.as_millis()).then(|| (Stamp(ours.0.saturating_add(ahead)), ours))
    }

    async fn query(&self, query: &str) -> Result<Answer, Failure> {
        // VictoriaMetrics answers with what was half a minute ago, unless it is told not to cache; others do not know
        // the word and do as ever.
        let form = [("query", query), ("timeout", TIMEOUT), ("nocache", "1")];
        match self.client.post(QUERY, &form, PATIENCE).await {
            Err(Failure::Transport(error))
                if self.answered.swap(false, Ordering::Relaxed) && Cause::of(error.as_ref()) == Cause::Cut =>
            {
                self.client.post(QUERY, &form, PATIENCE).await
            }
            outcome => outcome,
        }
    }

    /// An answer that cannot be read may say why, and repeat what it was given.
    fn without_secrets(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Unreadable(why) => Failure::Unreadable(self.client.taken_out_of(&why)),
            other => other,
        }
    }

    /// The server's time lies between our question and its answer; what is within these tells nothing.
    fn compare_clocks(&self, theirs: Option<Stamp>, answer: &Answer) {
        let Some(theirs) = theirs else { return };
        let ahead = if theirs > answer.came {
            theirs.0.saturating_sub(answer.came.0)
        } else {
            theirs.0.saturating_sub(answer.asked.0).min(0)
        };
        self.ahead.store(ahead, Ordering::Relaxed);
    }
}

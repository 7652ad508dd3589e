//! The way to a server inside of a cluster, by the connection to that cluster. It is looked up for each question, so that
//! it is always the connection as it is now.

use crate::{destination::Inside, failure::Failure, place::Place, problems};
use pilothouse_connect::{Question, RelayAnswer, RelayFailure, Relays};
use reqwest::{Url, header::HeaderMap};
use std::time::Duration;

/// The way to one server.
pub(crate) struct Way {
    inside: Inside,
    relays: Relays,
}

impl Way {
    /// The way there by these connections.
    pub(crate) fn new(inside: Inside, relays: Relays) -> Self {
        Self { inside, relays }
    }

    /// Reads a path of the API, with a form as its query: what is posted needs a right to write.
    ///
    /// # Errors
    /// If the server did not get the question, or did not answer in time. A refusal of its own is an answer.
    pub(crate) async fn get(
        &self,
        place: &Place,
        path: &str,
        form: &[(&str, &str)],
        headers: HeaderMap,
        limit: Duration,
        largest: usize,
    ) -> Result<RelayAnswer, Failure> {
        let Inside { via, service, prefix } = &self.inside;
        let relay = self.relays.find(via).await.map_err(|no| Failure::Told(Box::new(problems::no_way(&no, place))))?;
        let path = format!("{prefix}{path}{}", query(form));
        let question = Question { service: service.clone(), path, headers, limit, largest };
        relay.get(question).await.map_err(|failure| match failure {
            RelayFailure::TimedOut(limit) => Failure::TimedOut(limit),
            RelayFailure::TooLarge => Failure::TooLarge(largest),
            RelayFailure::Told(problem, patience) => {
                Failure::OnTheWay(Box::new(problems::on_the_way(*problem, place)), patience)
            }
        })
    }
}

fn query(form: &[(&str, &str)]) -> String {
    let url = Url::parse_with_params("http://any", form).ok();
    let query = url.as_ref().and_then(Url::query).filter(|query| !query.is_empty());
    query.map_or_else(String::new, |query| format!("?{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_a_query_that_nothing_can_break_out_of() {
        assert_eq!(query(&[]), "");
        assert_eq!(
            query(&[("query", "up{a=\"b&c\"} + 1 #"), ("n", "1")]),
            "?query=up%7Ba%3D%22b%26c%22%7D+%2B+1+%23&n=1"
        );
    }
}

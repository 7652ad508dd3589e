//! Which kind somebody means by a word, in each cluster that has one of that name.

use crate::{
    exit::Failed,
    start::{Session, Troubles, other_answer},
};
use pilothouse_wire::{
    Answer, Ask, Code, ConnectionId, Problem,
    kinds::{KindRow, Offered, called},
};
use std::time::Duration;

/// What each cluster offers, and what could not be read of it.
pub async fn offered(session: &Session, wait: Duration) -> Result<(Vec<Offered>, Troubles), Failed> {
    // A connection is open once it has begun to list, or has failed to.
    let settled = session.reader().settled(wait).await;
    let Answer::Kinds(offered) = session.reader().ask(Ask::Kinds { scope: Vec::new() }).await? else {
        return Err(other_answer());
    };
    let mut troubles = Troubles::default();
    for one in &offered {
        // Why a connection is down says more than that it did not answer.
        let down = settled.troubled.iter().find(|(id, _)| *id == one.cluster && one.kinds.is_empty());
        let problem = down.map(|(_, problem)| problem).or(one.problem.as_ref());
        troubles.0.extend(problem.map(|problem| (one.cluster.clone(), problem.clone())));
    }
    Ok((offered, troubles))
}

/// The kind that a word means in each cluster that has one.
pub fn meant(offered: &[Offered], troubles: &Troubles, word: &str) -> Result<Vec<(ConnectionId, KindRow)>, Failed> {
    let found: Vec<(ConnectionId, KindRow)> =
        offered.iter().filter_map(|one| Some((one.cluster.clone(), called(&one.kinds, word)?.clone()))).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    if let Some((_, problem)) = troubles.0.first().filter(|_| offered.iter().all(|one| one.kinds.is_empty())) {
        return Err(problem.clone().into());
    }
    if offered.is_empty() {
        return Err(Problem::new(Code::NotOffered, "No connection offers kinds of objects.")
            .why("Clusters of Kubernetes do; the demo fleet and servers of metrics do not.")
            .next("Connect a cluster: pilothouse connect add kubernetes.")
            .into());
    }
    let places: Vec<&str> = offered.iter().map(|one| one.cluster.as_str()).collect();
    Err(Problem::new(Code::NotFound, format!("{} has no kind called \"{word}\".", places.join(", ")))
        .next("\"pilothouse get\" lists the kinds that there are.")
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::KindId;

    fn offered(cluster: &str, plural: &str) -> Offered {
        let id = KindId { group: "".into(), version: "v1".into(), plural: plural.into(), kind: "Thing".into() };
        let kind = KindRow { id, singular: "thing".into(), short: Vec::new(), namespaced: true };
        Offered { cluster: ConnectionId::slug(cluster), kinds: vec![kind], problem: None }
    }

    fn why(outcome: Result<Vec<(ConnectionId, KindRow)>, Failed>) -> String {
        match outcome {
            Err(Failed::Problem(problem)) => problem.what,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_word_is_looked_up_in_each_cluster() {
        let two = [offered("iad", "things"), offered("ord", "others")];
        let found = meant(&two, &Troubles::default(), "things").unwrap_or_default();
        assert_eq!(found.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["iad"]);
        assert_eq!(meant(&two, &Troubles::default(), "thing").map(|found| found.len()).unwrap_or_default(), 2);
        assert_eq!(why(meant(&two, &Troubles::default(), "stars")), "iad, ord has no kind called \"stars\".");
        assert_eq!(why(meant(&[], &Troubles::default(), "stars")), "No connection offers kinds of objects.");
    }

    #[test]
    fn a_cluster_that_is_down_has_not_no_such_kind() {
        let down = Offered { kinds: Vec::new(), ..offered("iad", "things") };
        let troubles = Troubles(vec![(down.cluster.clone(), Problem::new(Code::Refused, "iad refused."))]);
        assert_eq!(why(meant(&[down], &troubles, "things")), "iad refused.");
    }
}

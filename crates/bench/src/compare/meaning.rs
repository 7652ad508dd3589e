//! How near two answers are in meaning: the cosine of their vectors, by a server of embeddings that a person names. It is sent
//! what the arms said; vectors are compared and not kept.

use super::answers::Said;
use crate::{
    client::{self, Client, Way},
    failure::{Failure, Kind},
    hearing::short,
    plan::Target,
    prompts::Ready,
};
use pilothouse_wire::Problem;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// An answer to all texts of an arm takes no longer.
const LIMIT: Duration = Duration::from_secs(120);

/// Who told how near answers are in meaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meaning {
    /// The server of embeddings, and its model.
    pub by: Target,
    /// Why it did not tell; none where it did.
    pub failed: Option<String>,
}

/// The vectors of what an arm said to each prompt: none of what it did not answer, an empty one of an empty text.
type Vectors = Vec<Option<Vec<f64>>>;

/// What came of it.
pub(super) struct Compared {
    pub meaning: Meaning,
    /// A list an arm, in the order in which they were given: how near each answer is to the baseline's, none where one of the
    /// two did not answer. No list where the server failed.
    pub each: Vec<Vec<Option<f64>>>,
}

/// Compares what all have said with what the first has.
///
/// # Errors
/// If the server cannot be asked as it is named. One that fails is told in what comes back.
pub(super) async fn compare(by: &Target, said: &[&Said]) -> Result<Compared, Problem> {
    let client = Way::new(by, client::key(&by.key)?)?.begin(Instant::now());
    let mut vectors: Vec<Vectors> = Vec::new();
    for said in said {
        match embed(&client, &by.model, said).await {
            Ok(own) => vectors.push(own),
            Err(failure) => {
                let failed = [failure.kind.words(), &failure.detail].join(" ").trim().to_owned();
                return Ok(Compared { meaning: Meaning { by: by.clone(), failed: Some(failed) }, each: Vec::new() });
            }
        }
    }
    let baseline = vectors.first().cloned().unwrap_or_default();
    let each = vectors.iter().map(|own| baseline.iter().zip(own).map(similarity).collect()).collect();
    Ok(Compared { meaning: Meaning { by: by.clone(), failed: None }, each })
}

async fn embed(client: &Client, model: &str, said: &Said) -> Result<Vectors, Failure> {
    let texts: Vec<&str> = said.iter().flatten().map(String::as_str).filter(|text| !text.trim().is_empty()).collect();
    let mut vectors = Vec::new();
    if !texts.is_empty() {
        // As numbers: others have another order of bytes.
        let body = json!({ "model": model, "input": texts, "encoding_format": "float" }).to_string();
        let ready = Ready { body: body.into(), wanted_input: 0, wanted_output: None };
        let answer = timeout(LIMIT, client.bytes(&ready)).await;
        vectors = read(&answer.unwrap_or_else(|_| Err(Failure::new(Kind::TimedOut, "")))?, texts.len())?;
    }
    let mut vectors = vectors.into_iter();
    let of = |said: &Result<String, Failure>| match said {
        Ok(text) if text.trim().is_empty() => Some(Vec::new()),
        Ok(_) => vectors.next(),
        Err(_) => None,
    };
    Ok(said.iter().map(of).collect())
}

/// The vectors of so many texts, in the order of the texts.
fn read(answer: &[u8], wanted: usize) -> Result<Vec<Vec<f64>>, Failure> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        data: Vec<Item>,
        error: Option<Value>,
    }
    #[derive(Deserialize)]
    struct Item {
        index: Option<usize>,
        embedding: Vec<f64>,
    }
    let malformed = |why: String| Failure::new(Kind::Malformed, why);
    let Answer { mut data, error } =
        serde_json::from_slice(answer).map_err(|error| malformed(short(&error.to_string())))?;
    if let Some(error) = error {
        let words = error["message"].as_str().map_or_else(|| error.to_string(), str::to_owned);
        return Err(Failure::new(Kind::SaidError, short(&words)));
    }
    if data.len() != wanted {
        return Err(malformed(format!("{} vectors for {wanted} texts", data.len())));
    }
    // Who numbers none gives them in the order of the texts.
    data.sort_by_key(|item| item.index);
    let length = data.first().map_or(0, |item| item.embedding.len());
    let is_fit = |item: &Item| item.embedding.len() == length && item.embedding.iter().all(|number| number.is_finite());
    match length > 0 && data.iter().all(is_fit) {
        true => Ok(data.into_iter().map(|item| item.embedding).collect()),
        false => Err(malformed("vectors of different lengths, or of none".into())),
    }
}

/// The cosine of two vectors. An empty text has none: beside another empty one it is the same, beside a text it is nothing of
/// it. A vector of zeros leads nowhere, and nothing can be told.
fn similarity((one, other): (&Option<Vec<f64>>, &Option<Vec<f64>>)) -> Option<f64> {
    let (one, other) = (one.as_ref()?, other.as_ref()?);
    if one.is_empty() || other.is_empty() {
        return Some(f64::from(u8::from(one.is_empty() && other.is_empty())));
    }
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let cosine = product(one, other) / (product(one, one).sqrt() * product(other, other).sqrt());
    (one.len() == other.len() && cosine.is_finite()).then(|| cosine.clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cosine_is_of_directions() {
        let of = |one: &[f64], other: &[f64]| similarity((&Some(one.to_vec()), &Some(other.to_vec())));
        for (one, other, want) in [
            (&[1.0, 0.0][..], &[5.0, 0.0][..], Some(1.0)),
            (&[1.0, 0.0], &[0.0, 2.0], Some(0.0)),
            (&[1.0, 1.0], &[-1.0, -1.0], Some(-1.0)),
            (&[3.0, 4.0], &[4.0, 3.0], Some(0.96)),
            (&[0.0, 0.0], &[1.0, 0.0], None),
            (&[1.0], &[1.0, 0.0], None),
            (&[], &[1.0], Some(0.0)),
            (&[], &[], Some(1.0)),
        ] {
            let got = of(one, other);
            assert!(got.zip(want).is_none_or(|(got, want)| (got - want).abs() < 1e-12), "{one:?} {other:?}: {got:?}");
            assert_eq!(got.is_some(), want.is_some(), "{one:?} {other:?}");
        }
        assert_eq!(similarity((&None, &Some(vec![1.0]))), None);
    }

    #[test]
    fn vectors_are_read_by_their_number_and_what_is_none_is_told() {
        let body = r#"{"data":[{"index":1,"embedding":[0.0,1.0]},{"index":0,"embedding":[1.0,0.0]}]}"#;
        assert_eq!(read(body.as_bytes(), 2).unwrap(), [[1.0, 0.0], [0.0, 1.0]]);
        let body = r#"{"data":[{"embedding":[2.0]},{"embedding":[3.0]}]}"#;
        assert_eq!(read(body.as_bytes(), 2).unwrap(), [[2.0], [3.0]]);
        for (body, kind, want) in [
            (r#"{"data":[]}"#, Kind::Malformed, "0 vectors for 2 texts"),
            (r#"{"data":[{"embedding":[1.0]},{"embedding":[1.0,2.0]}]}"#, Kind::Malformed, "different lengths"),
            (r#"{"data":[{"embedding":[]},{"embedding":[]}]}"#, Kind::Malformed, "of none"),
            (r#"{"data":[{"embedding":"AACAPw=="}]}"#, Kind::Malformed, "invalid type"),
            (r#"{"error":{"message":"no such model"}}"#, Kind::SaidError, "no such model"),
            ("<html>", Kind::Malformed, "expected value"),
        ] {
            let failure = read(body.as_bytes(), 2).unwrap_err();
            assert!(failure.kind == kind && failure.detail.contains(want), "{body}: {failure:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(read(&body, 1).is_err());
        }

        #[test]
        fn a_cosine_is_the_same_both_ways(one in proptest::collection::vec(-9.0..9.0, 3), other in proptest::collection::vec(-9.0..9.0, 3)) {
            let (one, other) = (Some(one), Some(other));
            let there = similarity((&one, &other));
            prop_assert!(there.is_none_or(|cosine| (-1.0..=1.0).contains(&cosine)));
            prop_assert_eq!(there, similarity((&other, &one)));
        }
    }
}

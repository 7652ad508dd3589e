//! What is kept, as one short line: for the tag of a registry, beside the model that was measured.

use crate::{compare, kept::Kept, measures::Measures, result::State};
use serde_json::{Map, Value, json};

/// The tag under which it stands.
pub const TAG: &str = "pilothouse.bench";

/// Its figures as one line of JSON: what it is of, how it ended, how many failed, and what was measured. Absent is null.
#[must_use]
pub fn logged(kept: &Kept) -> String {
    let mut line = Map::new();
    line.insert("id".into(), json!(kept.id()));
    line.insert("kind".into(), json!(kept.kind()));
    line.insert("began".into(), json!(kept.began()));
    match kept {
        Kept::Run(document) => {
            line.insert("state".into(), json!(document.state));
            line.insert("load".into(), json!(crate::told::load(&document.plan)));
            line.insert("prompts".into(), json!(crate::told::prompts(&document.plan)));
            line.insert("machine".into(), json!(document.environment.host));
            line.extend(document.measures.iter().flat_map(figures));
        }
        Kept::Comparison(document) => {
            line.insert("state".into(), json!(document.state));
            line.extend(document.arms.first().map(|arm| ("load".to_owned(), json!(crate::told::load(&arm.plan)))));
            let said = |of: &pilothouse_insight::verdict::Candidate| {
                let verdict = compare::outcome(document, of);
                (of.arm.to_string(), json!(verdict.words()))
            };
            let verdicts: Map<String, Value> = document.comparison.candidates.iter().map(said).collect();
            line.insert("against".into(), json!(document.arms.first().map(|arm| &arm.name)));
            line.insert("verdicts".into(), Value::Object(verdicts));
        }
        Kept::Search(document) => {
            line.insert("state".into(), json!(document.state));
            line.insert("limits".into(), json!(document.plan.slo.to_string()));
            line.insert("keeps".into(), json!(document.keeps));
            line.insert("fails".into(), json!(document.fails));
        }
        Kept::Imported(document) => {
            line.insert("state".into(), json!(State::Whole));
            line.insert("tool".into(), json!(document.tool));
            line.insert("failed".into(), json!(document.failed));
            line.extend(document.figures.iter().map(|(name, value)| (name.clone(), json!(value))));
        }
    }
    Value::Object(line).to_string()
}

fn figures(of: &Measures) -> Vec<(String, Value)> {
    let wanted = ["ttft-p50", "ttft-p95", "tpot-p50", "tpot-p95", "e2e-p95", "answers", "tokens-out", "goodput"];
    let figure = |name: &str| {
        let value = name.parse::<compare::Quantity>().ok().and_then(|quantity| quantity.value(of));
        // Three decimals are more than a machine repeats.
        (name.to_owned(), json!(value.map(|value| (value * 1e3).round() / 1e3)))
    };
    let counted = [("answered", of.requests.answered), ("failed", of.requests.failed)];
    let counted = counted.into_iter().map(|(name, many)| (name.to_owned(), json!(many)));
    let slo = of.goodput.as_ref().map(|good| ("limits".to_owned(), json!(good.slo)));
    counted.chain(slo).chain(wanted.map(figure)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_it_is_of_and_hides_no_failure() {
        let run = Kept::Run(Box::new(crate::shown::tests::run()));
        let line: Value = serde_json::from_str(&logged(&run)).unwrap();
        assert_eq!(
            (line["id"].as_str(), line["kind"].as_str(), line["state"].as_str()),
            (Some("a"), Some("run"), Some("whole"))
        );
        assert_eq!((line["answered"].as_u64(), line["failed"].as_u64()), (Some(99), Some(3)));
        assert!(line["ttft-p95"].as_f64().is_some_and(|ms| (10.0..12.0).contains(&ms)), "{line}");
        assert_eq!(line["limits"].as_str(), Some("e2e=40ms"));
        let comparison = compare::tests::document(12, |arm, _| if arm == 0 { 100.0 } else { 140.0 });
        let line: Value = serde_json::from_str(&logged(&Kept::Comparison(Box::new(comparison)))).unwrap();
        assert_eq!((line["against"].as_str(), line["verdicts"]["next"].as_str()), (Some("now"), Some("worse")));
        // The registry takes tags of 5,000 characters.
        assert!(logged(&run).len() < 2_000);
    }
}

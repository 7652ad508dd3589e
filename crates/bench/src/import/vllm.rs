//! The file of `vllm bench serve --save-result`: a field a figure. Its TPOT is ours; its ITL is of each gap.

use super::{
    Read,
    field::{Field, Wrong},
};

const MEASURES: [(&str, &str); 4] = [("ttft", "ttft"), ("tpot", "tpot"), ("itl", "itl-gap"), ("e2el", "e2e")];
const POINTS: [(&str, &str); 5] = [("mean", "mean"), ("median", "p50"), ("p90", "p90"), ("p95", "p95"), ("p99", "p99")];
const RATES: [(&str, &str); 3] =
    [("request_throughput", "answers"), ("output_throughput", "tokens-out"), ("request_goodput", "goodput")];

pub fn read(root: Field<'_>) -> Result<Read, Wrong> {
    let mut read = Read { answered: Some(root.need("completed")?.count()?), ..Read::default() };
    read.failed = match root.get("failed") {
        Some(failed) => Some(failed.count()?),
        None => unanswered(&root, read.answered)?,
    };
    for (theirs, ours) in MEASURES {
        for (statistic, point) in POINTS {
            if let Some(value) = root.get(&format!("{statistic}_{theirs}_ms")) {
                read.figures.insert(format!("{ours}-{point}"), value.number()?);
            }
        }
    }
    for (theirs, ours) in RATES {
        // Without limits its goodput is null, and in some versions the text "None".
        if let Some(value) = root.get(theirs).filter(|value| value.text().is_none()) {
            read.figures.insert(ours.to_owned(), value.number()?);
        }
    }
    read.model = root.get("model_id").and_then(|model| model.text());
    let rate = root
        .get("request_rate")
        .map(|rate| rate.text().unwrap_or_else(|| rate.number().map_or_else(|_| "?".into(), |n| n.to_string())));
    let most = root.get("max_concurrency").and_then(|most| most.number().ok());
    let parts = [rate.map(|rate| format!("{rate} requests/s")), most.map(|most| format!("{most} at a time at most"))];
    read.load = Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", ")).filter(|load| !load.is_empty());
    match read.figures.is_empty() {
        true => Err(root.wrong("has none of the metrics")),
        false => Ok(read),
    }
}

/// Those that were asked and not completed, where it says how many were asked.
fn unanswered(root: &Field<'_>, answered: Option<u64>) -> Result<Option<u64>, Wrong> {
    let asked = root.get("num_prompts").map(|asked| asked.count()).transpose()?;
    Ok(asked.zip(answered).and_then(|(asked, answered)| asked.checked_sub(answered)))
}

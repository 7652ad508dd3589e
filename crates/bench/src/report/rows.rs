//! What is kept, as rows of other programs: CSV with a value a row, JSON with a request a line.

use crate::{compare, kept::Kept, measures::Measures, result, search, spread::Spread};
use pilothouse_wire::{Code, Problem};
use serde_json::{Map, Value};
use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::Path,
};

/// Writes a value a row: what it is of, which block, the metric, the statistic, the value, its unit.
///
/// # Errors
/// If it cannot be written.
pub fn csv(kept: &Kept, out: &mut impl Write) -> Result<(), Problem> {
    let unwritable =
        |error: csv::Error| Problem::new(Code::Internal, "The rows cannot be written.").why(format!("{error}."));
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(["id", "arm", "block", "metric", "statistic", "value", "unit"]).map_err(unwritable)?;
    for [id, arm, block, metric, statistic, value, unit] in values(kept) {
        rows.write_record([
            &harmless(id),
            &harmless(arm),
            &harmless(block),
            &harmless(metric),
            &statistic,
            &value,
            &unit,
        ])
        .map_err(unwritable)?;
    }
    rows.flush().map_err(|error| unwritable(error.into()))
}

/// A spreadsheet takes what begins like a formula for one.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

fn values(kept: &Kept) -> Vec<[String; 7]> {
    match kept {
        Kept::Run(document) => document.measures.iter().flat_map(|of| measured(&document.id, "", "", of)).collect(),
        Kept::Comparison(document) => {
            let block = |block: &compare::BlockRun| {
                let arm = document.arms.get(block.slot.arm).map_or("", |arm| arm.name.as_str());
                measured(&document.id, arm, &block.run, &block.measures)
            };
            document.blocks.iter().flat_map(block).collect()
        }
        Kept::Search(document) => {
            let probe =
                |probe: &search::Probe| measured(&document.id, &probe.at.to_string(), &probe.run, &probe.measures);
            document.probes.iter().flat_map(probe).collect()
        }
        Kept::Imported(document) => {
            let ours = document.figures.iter().map(|(name, value)| {
                let unit = name.parse::<compare::Quantity>().map_or("", compare::Quantity::unit);
                let (metric, statistic) = name.rsplit_once('-').unwrap_or((name, ""));
                row(&document.id, "", "", metric, statistic, *value, unit)
            });
            let theirs = document.others.iter().map(|(name, value)| row(&document.id, "", "", name, "", *value, ""));
            ours.chain(theirs).collect()
        }
    }
}

fn row(id: &str, arm: &str, block: &str, metric: &str, statistic: &str, value: f64, unit: &str) -> [String; 7] {
    [id, arm, block, metric, statistic, &value.to_string(), unit].map(str::to_owned)
}

#[allow(clippy::cast_precision_loss, reason = "counts and times of a run stay far below 2^53")]
fn measured(id: &str, arm: &str, block: &str, of: &Measures) -> Vec<[String; 7]> {
    let mut rows = Vec::new();
    let mut add = |metric: &str, statistic: &str, value: f64, unit: &str| {
        rows.push(row(id, arm, block, metric, statistic, value, unit));
    };
    let counts = of.requests;
    for (name, count) in [
        ("answered", counts.answered),
        ("failed", counts.failed),
        ("unfinished", counts.unfinished),
        ("cancelled", counts.cancelled),
    ] {
        add("requests", name, count as f64, "");
    }
    add("answers", "rate", of.rates.requests_per_s, "answers/s");
    add("tokens-out", "rate", of.rates.output_tokens_per_s, "tokens/s");
    if let Some(rate) = of.rates.input_tokens_per_s {
        add("tokens-in", "rate", rate, "tokens/s");
    }
    if let Some(good) = &of.goodput {
        add("goodput", "rate", good.requests_per_s, "answers/s");
    }
    let spreads: [(&str, &Spread, &str); 8] = [
        ("ttft", &of.ttft, "ms"),
        ("ttfo", &of.ttfo, "ms"),
        ("itl-gap", &of.itl_gap, "ms"),
        ("itl", &of.itl, "ms"),
        ("tpot", &of.tpot, "ms"),
        ("e2e", &of.e2e, "ms"),
        ("per-user", &of.per_user, "tokens/s"),
        ("lag", &of.lag, "ms"),
    ];
    for (name, spread, unit) in spreads {
        let values =
            [("p50", spread.p50), ("p90", spread.p90), ("p95", spread.p95), ("p99", spread.p99), ("max", spread.max)];
        let values = values.map(|(statistic, value)| (statistic, value.map(|value| value as f64)));
        for (statistic, value) in std::iter::once(("mean", spread.mean)).chain(values) {
            if let Some(value) = value {
                add(name, statistic, value / 1e3, unit);
            }
        }
    }
    rows
}

/// Writes a request a line, as they are kept beside the document; of a comparison with arm and block in front.
///
/// # Errors
/// If they are not there any more, or cannot be read or written.
pub fn jsonl(kept: &Kept, folder: &Path, out: &mut impl Write) -> Result<(), Problem> {
    match kept {
        Kept::Run(document) if document.workers.is_some() && document.requests_file.is_empty() => {
            Err(Problem::new(Code::NotFound, "The requests of this run are not here.")
                .why("Its workers sent them, and no line of them came.")
                .next("--csv and --json give what is kept of it."))
        }
        Kept::Run(document) => copy(&folder.join(requests_of(document)), None, out),
        Kept::Comparison(document) => {
            let blocks = folder.join(&document.blocks_folder);
            for block in &document.blocks {
                let arm = document.arms.get(block.slot.arm).map_or("", |arm| arm.name.as_str());
                copy(&blocks.join(format!("{}.requests.jsonl", block.run)), Some((arm, &block.run)), out)?;
            }
            Ok(())
        }
        Kept::Search(document) => {
            let probes = folder.join(&document.probes_folder);
            for probe in &document.probes {
                let file = probes.join(format!("{}.requests.jsonl", probe.run));
                copy(&file, Some((&probe.at.to_string(), &probe.run)), out)?;
            }
            Ok(())
        }
        Kept::Imported(_) => Err(Problem::new(Code::BadInput, "There are no requests of what another tool measured.")
            .next("--csv and --json give what is kept of it.")),
    }
}

fn requests_of(document: &result::Document) -> String {
    // A name alone: a file of somebody else leads nowhere.
    document.requests_file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
}

fn copy(file: &Path, of: Option<(&str, &str)>, out: &mut impl Write) -> Result<(), Problem> {
    let problem = |why: String| {
        Problem::new(Code::NotFound, format!("The requests of {} cannot be given.", file.display())).why(why)
    };
    let opened = File::open(file).map_err(|error| problem(format!("{error}.")))?;
    for line in BufReader::new(opened).lines() {
        let line = line.map_err(|error| problem(format!("{error}.")))?;
        let line = match of {
            None => line,
            Some((arm, block)) => {
                let request: Map<String, Value> =
                    serde_json::from_str(&line).map_err(|error| problem(format!("{error}.")))?;
                let mut whole = Map::from_iter([("arm".to_owned(), arm.into()), ("block".to_owned(), block.into())]);
                whole.extend(request);
                Value::Object(whole).to_string()
            }
        };
        writeln!(out, "{line}").map_err(|error| problem(format!("{error}.")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::document;

    #[test]
    fn a_comparison_is_a_value_a_row_and_no_formula() {
        let mut document = document(6, |_, _| 100.0);
        document.id = "=cmd()".into();
        let mut out = Vec::new();
        csv(&Kept::Comparison(Box::new(document.clone())), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("id,arm,block,metric,statistic,value,unit\n'=cmd(),"), "{text}");
        let p50 = text.lines().filter(|line| line.contains(",ttft,p50,100")).count();
        assert_eq!(p50, document.blocks.len(), "{text}");
    }

    #[test]
    fn requests_of_blocks_say_whose_they_are() {
        let home = tempfile::tempdir().unwrap();
        let mut document = document(6, |_, _| 100.0);
        document.blocks.truncate(1);
        let blocks = home.path().join(&document.blocks_folder);
        std::fs::create_dir(&blocks).unwrap();
        let file = blocks.join(format!("{}.requests.jsonl", document.blocks[0].run));
        std::fs::write(file, "{\"n\":0}\n{\"n\":1}\n").unwrap();
        let mut out = Vec::new();
        let arm = document.arms[document.blocks[0].slot.arm].name.clone();
        let run = document.blocks[0].run.clone();
        let kept = Kept::Comparison(Box::new(document));
        jsonl(&kept, home.path(), &mut out).unwrap();
        let first = format!("{{\"arm\":\"{arm}\",\"block\":\"{run}\",\"n\":0}}\n");
        assert!(String::from_utf8(out).unwrap().starts_with(&first));
        assert_eq!(jsonl(&kept, Path::new("/none"), &mut Vec::new()).unwrap_err().code, Code::NotFound);
    }
}

//! What other tools measured, read from the files that they write: AIPerf, GuideLLM, vLLM's `bench serve` and llama-bench.
//! Their figures are kept by our words where they mean the same, and by their own where they do not; nothing is reckoned.

mod aiperf;
mod field;
mod guidellm;
mod llama;
mod vllm;

use crate::page::{Head, Page, Table, Tone};
use field::{Field, Wrong};
use pilothouse_wire::{Code, Problem, Stamp, units};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

/// What such a document calls itself.
pub const FORMAT: &str = "pilothouse-bench-import";
/// The version that is written, and the newest that is read.
pub const VERSION: u32 = 1;
/// A file of another tool is no larger, in bytes.
pub const LARGEST: u64 = 512 << 20;
/// More in one file is no file of a benchmark.
const MOST: usize = 1_000;
/// So much of a foreign text is kept, in characters.
const LONGEST: usize = 200;

/// What another tool measured once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Always [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// What it is called.
    pub id: String,
    /// When it was taken in.
    pub imported: Stamp,
    /// The tool.
    pub tool: Tool,
    /// The name of its file.
    pub file: String,
    /// Which of several in the file, from 1; none where it is the only one.
    pub part: Option<u32>,
    /// The model, as the tool says.
    pub model: Option<String>,
    /// The load, as the tool says.
    pub load: Option<String>,
    /// Requests that were answered.
    pub answered: Option<u64>,
    /// Requests that failed.
    pub failed: Option<u64>,
    /// Figures by our words (`ttft-p95`), in milliseconds or a second, where the tool means the same by its.
    pub figures: BTreeMap<String, f64>,
    /// Figures by the tool's own words.
    pub others: BTreeMap<String, f64>,
}

/// A tool whose files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// NVIDIA's AIPerf: `profile_export_aiperf.json`.
    Aiperf,
    /// GuideLLM: `benchmarks.json`.
    Guidellm,
    /// vLLM's `bench serve --save-result`.
    Vllm,
    /// llama.cpp's `llama-bench -o json` or `-o jsonl`.
    LlamaBench,
}

impl Tool {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aiperf => "AIPerf",
            Self::Guidellm => "GuideLLM",
            Self::Vllm => "vLLM bench serve",
            Self::LlamaBench => "llama-bench",
        }
    }

    /// From when it counts, where that is not as we do.
    fn caution(self) -> &'static str {
        match self {
            Self::LlamaBench => {
                "measured in the process of the model, without a server: not comparable with a served one"
            }
            _ => "its times are from when a request was sent, not from when it was meant to be",
        }
    }
}

/// What was read of one measurement.
#[derive(Clone, Debug, Default, PartialEq)]
struct Read {
    model: Option<String>,
    load: Option<String>,
    answered: Option<u64>,
    failed: Option<u64>,
    figures: BTreeMap<String, f64>,
    others: BTreeMap<String, f64>,
}

/// Reads a file of one of the tools; which one is told by its fields.
///
/// # Errors
/// If it is none of them, or a field of it cannot be used: which, and where.
pub fn read(text: &str, file: &Path, now: Stamp) -> Result<Vec<Document>, Problem> {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let unusable = |why: String| {
        Problem::new(Code::BadInput, format!("{} cannot be imported.", file.display())).why(why).next(
            "Give profile_export_aiperf.json of AIPerf, benchmarks.json of GuideLLM, a result of vllm bench serve \
                   --save-result, or the output of llama-bench -o json.",
        )
    };
    let (tool, parts) = parts(text).map_err(unusable)?;
    let many = parts.len() > 1;
    let documents = (1..).zip(parts).map(|(part, read)| {
        let Read { model, load, answered, failed, figures, others } = read;
        Document {
            format: FORMAT.into(),
            version: VERSION,
            id: String::new(),
            imported: now,
            tool,
            file: name.clone(),
            part: many.then_some(part),
            model,
            load,
            answered,
            failed,
            figures,
            others,
        }
    });
    Ok(documents.collect())
}

/// The tool and what it measured, or why the text cannot be used.
fn parts(text: &str) -> Result<(Tool, Vec<Read>), String> {
    let value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => lines(text).map_err(|other| other.unwrap_or_else(|| format!("It is no JSON: {error}.")))?,
    };
    let root = Field::root(&value);
    let (tool, parts) = match &value {
        Value::Array(_) => (Tool::LlamaBench, llama::read(root)),
        Value::Object(object) if object.contains_key("benchmarks") => (Tool::Guidellm, guidellm::read(root)),
        Value::Object(object)
            if object.contains_key("mean_ttft_ms")
                || object.contains_key("request_throughput") && object.contains_key("completed") =>
        {
            (Tool::Vllm, vllm::read(root).map(|read| vec![read]))
        }
        Value::Object(object)
            if ["request_latency", "time_to_first_token", "records", "request_count"]
                .iter()
                .any(|name| object.contains_key(*name)) =>
        {
            (Tool::Aiperf, aiperf::read(root).map(|read| vec![read]))
        }
        Value::Object(object) if object.contains_key("avg_ts") => {
            (Tool::LlamaBench, llama::read_one(root).map(|read| vec![read]))
        }
        _ => return Err("Its fields are those of none of the tools.".into()),
    };
    let parts = parts.map_err(|Wrong { path, why }| format!("{}: {path} {why}.", tool.name()))?;
    match parts.len() {
        0 => Err(format!("{}: there is no measurement in it.", tool.name())),
        many if many > MOST => {
            Err(format!("{}: there are {many} measurements in it, at most {MOST} are read.", tool.name()))
        }
        _ => Ok((tool, parts)),
    }
}

/// A JSON object a line, as a list; what is wrong with a line, if the first of them is one.
fn lines(text: &str) -> Result<Value, Option<String>> {
    let mut all = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str::<Value>(line) {
            Ok(value) if value.is_object() => all.push(value),
            Ok(_) => return Err((number > 1).then(|| format!("Line {number}: it is no object."))),
            Err(error) => {
                return Err((!all.is_empty()).then(|| format!("Line {number}, column {}: {error}.", error.column())));
            }
        }
    }
    if all.is_empty() { Err(None) } else { Ok(Value::Array(all)) }
}

/// What there is to say of it.
#[must_use]
pub fn page(document: &Document) -> Page {
    let mut page = Page { title: format!("Imported {}", document.id), ..Page::default() };
    let part = document.part.map_or_else(String::new, |part| format!(", measurement {part}"));
    page.line("Imported", format!("{}, from {} of {}{part}", document.id, document.file, document.tool.name()));
    page.line("Model", document.model.clone().unwrap_or_else(|| units::ABSENT.to_owned()));
    page.line("Load", document.load.clone().unwrap_or_else(|| units::ABSENT.to_owned()));
    let number = |number: Option<u64>| number.map_or_else(|| units::ABSENT.to_owned(), units::count);
    let tone = if document.failed.unwrap_or(0) > 0 { Tone::Bad } else { Tone::Plain };
    page.toned("Requests", format!("{} answered, {} failed", number(document.answered), number(document.failed)), tone);
    page.toned("Caution", document.tool.caution(), Tone::Warn);
    const HEADS: [Head; 3] = [Head::left("METRIC"), Head::left("UNIT"), Head::right("VALUE")];
    let ours = document.figures.iter().map(|(name, value)| {
        let unit = name.parse::<crate::compare::Quantity>().map_or("", crate::compare::Quantity::unit);
        vec![name.clone(), unit.to_owned(), units::number(*value, 2)]
    });
    let theirs =
        document.others.iter().map(|(name, value)| vec![name.clone(), String::new(), units::number(*value, 2)]);
    page.tables.push(Table { title: String::new(), heads: HEADS.to_vec(), rows: ours.chain(theirs).collect() });
    page
}

#[cfg(test)]
mod tests;

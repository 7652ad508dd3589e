//! Runs that a tracking server keeps: asked for when somebody looks, never watched.

use crate::{ConnectionId, ModelId, Problem, SmolStr, Stamp};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

/// A question about runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunAsk {
    /// One run: what it was given, what came of it, what it left.
    Run(SmolStr),
    /// The values of some metrics of a run, step by step.
    Metrics {
        /// The run.
        run: SmolStr,
        /// The metrics; of more than [`MOST_HISTORIES`] the first are answered.
        keys: Vec<SmolStr>,
    },
    /// Files and folders in a folder that a run left.
    Artefacts {
        /// The run.
        run: SmolStr,
        /// The folder; the topmost if empty.
        path: String,
    },
    /// Runs of some experiments that fit.
    Search(RunQuery),
    /// What a version of a model takes and gives.
    Signature {
        /// The model's name.
        model: SmolStr,
        /// The version.
        version: u64,
    },
}

/// Which runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunQuery {
    /// Of experiments whose names these are, `*` standing for anything; of all, if empty.
    pub experiments: Vec<String>,
    /// In the server's own words: `metrics.loss < 0.4 and params.quantisation = 'fp8'`. All, if empty.
    pub filter: String,
    /// In which order, in the server's own words: `metrics.loss ASC`. The newest first, if empty.
    pub order: Option<String>,
    /// The most runs.
    pub most: u32,
}

/// The most metrics of which the history is answered at once.
pub const MOST_HISTORIES: usize = 24;
/// The most points of one history: the server thins out what is longer.
pub const MOST_POINTS: usize = 1_000;
/// The most runs that are answered at once.
pub const MOST_RUNS: u32 = 1_000;

/// The answer to a [`RunAsk`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RunAnswer {
    /// To [`RunAsk::Run`].
    Run(Box<Run>),
    /// To [`RunAsk::Metrics`], in the order of the question.
    Metrics(Vec<MetricHistory>),
    /// To [`RunAsk::Artefacts`].
    Artefacts(Artefacts),
    /// To [`RunAsk::Search`].
    Found(RunPage),
    /// To [`RunAsk::Signature`]; `None` where its files hold none.
    Signature(Option<Signature>),
}

/// A number as a run logged it: it may be none.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Number(pub f64);

impl PartialEq for Number {
    /// The same bits: what is no number is equal to itself.
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Number {}

impl Serialize for Number {
    /// JSON has no word for what is no number: a text then, as MLflow writes it.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            value if value.is_finite() || !to.is_human_readable() => to.serialize_f64(value),
            _ => to.collect_str(self),
        }
    }
}

impl std::fmt::Display for Number {
    /// As many digits as tell it from its neighbours at a glance: six.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = self.0;
        if value.is_nan() {
            return f.write_str("NaN");
        }
        if value.is_infinite() {
            return f.write_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
        }
        if value == 0.0 {
            return f.write_str("0");
        }
        let size = value.abs();
        if !(1e-4..1e9).contains(&size) {
            let text = format!("{value:.5e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            return write!(f, "{}e{exponent}", trimmed(mantissa));
        }
        #[allow(clippy::cast_possible_truncation, reason = "between -4 and 9")]
        let before = size.log10().floor() as i32;
        let decimals = usize::try_from((5 - before).max(0)).unwrap_or(0);
        f.write_str(trimmed(&format!("{value:.decimals$}")))
    }
}

fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The same as of a search.
    pub about: RunRow,
    /// Its tags, by key; those of MLflow itself begin with `mlflow.`.
    pub tags: Vec<(SmolStr, String)>,
    /// What it left at the top.
    pub artefacts: Artefacts,
    /// The models that it logged, since MLflow 3.
    pub models: Vec<LoggedModel>,
    /// Parts of it that could not be read, and why.
    pub problems: Vec<Problem>,
}

/// A run as a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    /// Its id.
    pub id: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// Its experiment: id, and name where it could be read.
    pub experiment: (SmolStr, Option<SmolStr>),
    /// Who started it.
    pub user: Option<SmolStr>,
    /// `RUNNING`, `SCHEDULED`, `FINISHED`, `FAILED`, `KILLED`.
    pub status: SmolStr,
    /// When it began, by the clock of who logged it.
    pub began: Option<Stamp>,
    /// When it ended.
    pub ended: Option<Stamp>,
    /// Its parameters, by key.
    pub params: Vec<(SmolStr, String)>,
    /// The last value of each metric, by key.
    pub metrics: Vec<LastMetric>,
}

/// The last value of a metric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastMetric {
    /// The metric.
    pub key: SmolStr,
    /// Its value.
    pub value: Number,
    /// At which step.
    pub step: i64,
    /// When, by the clock of who logged it.
    pub at: Stamp,
}

/// The values of a metric over a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricHistory {
    /// The metric.
    pub key: SmolStr,
    /// Step, time and value, in the order of steps.
    pub points: Vec<(i64, Stamp, Number)>,
    /// Were there more, of which some are left out?
    pub thinned: bool,
    /// Why it could not be read.
    pub problem: Option<Problem>,
}

/// How large the files of a version are together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesSize {
    /// Files that were counted.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Are these all? A server is not asked for ever so many folders.
    pub whole: bool,
}

/// What a run left in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefacts {
    /// Where they are, as the run says: `mlflow-artifacts:/1/…`, `s3://…`.
    pub root: Option<String>,
    /// Files and folders, by name.
    pub entries: Vec<Artefact>,
    /// Are there more?
    pub more: bool,
}

/// A file or a folder that a run left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefact {
    /// Its path from the root.
    pub path: String,
    /// Its size in bytes; `None` for a folder.
    pub bytes: Option<u64>,
}

/// A model that a run logged. Source: `LoggedModel` of MLflow 3.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedModel {
    /// Its id: `m-…`.
    pub id: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// `READY`, `PENDING`, `UPLOAD_FAILED`.
    pub status: SmolStr,
    /// What somebody called its kind.
    pub kind: Option<SmolStr>,
    /// When it was made.
    pub created: Option<Stamp>,
}

/// Runs that a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPage {
    /// The runs, in the order that was asked for.
    pub runs: Vec<RunRow>,
    /// Are there more that fit?
    pub more: bool,
    /// How many experiments were looked through.
    pub experiments: u32,
}

/// What a model takes and gives. Source: `signature` of an `MLmodel` file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// What goes in, one line a column or tensor.
    pub inputs: Vec<String>,
    /// What comes out.
    pub outputs: Vec<String>,
    /// What may be set beside.
    pub params: Vec<String>,
    /// Kinds in which it was saved, with their versions: `sklearn 1.5.2`.
    pub flavours: Vec<String>,
}

/// A version of a registered model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VersionId {
    /// The registry and the model.
    pub model: ModelId,
    /// The version.
    pub number: u64,
}

impl VersionId {
    /// The connection that it is seen through.
    #[must_use]
    pub fn source(&self) -> &ConnectionId {
        &self.model.source
    }
}

impl std::fmt::Display for VersionId {
    /// `chat/3`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.model.name, self.number)
    }
}

/// Two versions side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The one.
    pub a: VersionId,
    /// The other.
    pub b: VersionId,
    /// All that is said of either, part by part.
    pub rows: Vec<ComparedRow>,
    /// What could not be read of either, and so is not compared.
    pub problems: Vec<Problem>,
}

/// A run of a server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId {
    /// The connection that it is seen through.
    pub source: ConnectionId,
    /// Its id there.
    pub run: SmolStr,
}

/// The most runs that are compared at once.
pub const MOST_COMPARED: usize = 8;

/// Runs side by side, of whichever experiments they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunsCompared {
    /// The runs that could be read, in the order in which they were asked for, each with its name.
    pub runs: Vec<(RunId, SmolStr)>,
    /// All that is said of any of them, part by part.
    pub rows: Vec<RunsRow>,
    /// Why the others could not be read.
    pub problems: Vec<Problem>,
}

/// One thing that is said of some of the runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunsRow {
    /// What kind of thing.
    pub part: ComparedPart,
    /// Which one.
    pub key: SmolStr,
    /// Of each run; `None` is absent.
    pub values: Vec<Option<String>>,
    /// Of numbers: from that of the first run to that of each, as [`ComparedRow::change`].
    pub changes: Vec<Option<String>>,
}

impl RunsRow {
    /// Is it another thing of one run than of another?
    #[must_use]
    pub fn differs(&self) -> bool {
        self.values.iter().any(|value| Some(value) != self.values.first())
    }
}

/// The metrics that most of these runs have, by name where that is the same: those that have a column of their own.
#[must_use]
pub fn common_metrics<'a>(runs: impl IntoIterator<Item = &'a RunRow>, most: usize) -> Vec<SmolStr> {
    let mut all: BTreeMap<&SmolStr, usize> = BTreeMap::new();
    runs.into_iter().flat_map(|run| &run.metrics).for_each(|metric| *all.entry(&metric.key).or_default() += 1);
    let mut all: Vec<(&SmolStr, usize)> = all.into_iter().collect();
    crate::sort::by(&mut all, |one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    all.into_iter().take(most).map(|(key, _)| key.clone()).collect()
}

/// One thing that is said of either version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedRow {
    /// What kind of thing.
    pub part: ComparedPart,
    /// Which one.
    pub key: SmolStr,
    /// Of the one; `None` is absent.
    pub a: Option<String>,
    /// Of the other.
    pub b: Option<String>,
    /// Of two numbers: from the one to the other, with its sign and its share: `+0.012 (+1.5 %)`.
    pub change: Option<String>,
}

impl ComparedRow {
    /// Is it another thing of the one than of the other?
    #[must_use]
    pub fn differs(&self) -> bool {
        self.a != self.b
    }
}

/// Kinds of things that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ComparedPart {
    /// What the registry says of the version.
    Version,
    /// The last values of metrics of its run.
    Metric,
    /// Parameters of its run.
    Param,
    /// Tags of the version.
    Tag,
    /// How large its files are.
    Size,
    /// What its files say of it: its `config.json`, and the flavours of its `MLmodel`.
    Config,
    /// What it takes and gives.
    Signature,
    /// What its server says of a run.
    Run,
}

impl ComparedPart {
    /// All, in the order in which they are shown: what it does first, what always differs last.
    pub const ALL: [Self; 8] =
        [Self::Metric, Self::Param, Self::Size, Self::Config, Self::Signature, Self::Tag, Self::Version, Self::Run];

    /// Its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Version => "Version",
            Self::Metric => "Metrics",
            Self::Param => "Parameters",
            Self::Tag => "Tags",
            Self::Size => "Size",
            Self::Config => "Configuration",
            Self::Signature => "Signature",
            Self::Run => "Run",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_with_six_digits_and_what_is_none_as_mlflow_writes_it() {
        for (value, want) in [
            (0.0, "0"),
            (0.834_000_000_000_000_1, "0.834"),
            (1.0, "1"),
            (1_234.567_89, "1234.57"),
            (123_456_789.0, "123456789"),
            (-2.5, "-2.5"),
            (0.000_12, "0.00012"),
            (1e-5, "1e-5"),
            (1.234_567e12, "1.23457e12"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (999_999.96, "1000000"),
        ] {
            assert_eq!(Number(value).to_string(), want);
        }
    }

    #[test]
    fn no_number_is_a_text_in_json_and_itself_on_the_wire() {
        let bytes = crate::codec::encode(&Number(f64::NAN));
        assert_eq!(crate::codec::decode::<Number>(&bytes).unwrap(), Number(f64::NAN));
    }
}

//! Two versions of registered models side by side, with the runs that made them.

use pilothouse_wire::{
    SmolStr,
    runs::{ComparedPart, ComparedRow, FilesSize, Number, Run, Signature},
    units::{ABSENT, bytes, count},
    view::VersionLine,
};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

/// A version with all that its server says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionDetail {
    /// What the registry says.
    pub line: VersionLine,
    /// The run that made it, where it could be read.
    pub run: Option<Run>,
    /// What it takes and gives, where it could be read.
    pub signature: Option<Signature>,
    /// How large its files are.
    pub size: Told<FilesSize>,
    /// What its files say of it, setting by setting.
    pub config: Told<Vec<(SmolStr, String)>>,
}

/// What was read of a version. That there is none is known; that it could not be read is another thing, and is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Told<T> {
    /// It is this.
    Is(T),
    /// It has none.
    None,
    /// Nobody can say.
    #[default]
    Unknown,
}

/// The word for what could not be read.
const UNKNOWN: &str = "unknown";

/// One thing of one version: how it is shown, and the number that it is.
type Said = (String, Option<f64>);
/// What is said under each key.
pub(super) type Sayings = BTreeMap<SmolStr, Said>;

/// All that is said of either, part by part, in the order of the keys; of the signature, line by line.
#[must_use]
pub fn compare_versions(a: &VersionDetail, b: &VersionDetail) -> Vec<ComparedRow> {
    let part = |part: ComparedPart| match part {
        ComparedPart::Size => vec![size_row(&a.size, &b.size)],
        ComparedPart::Config => config_rows(&a.config, &b.config),
        part => rows(part, of(a, part), of(b, part)).collect(),
    };
    ComparedPart::ALL.into_iter().flat_map(part).collect()
}

fn size_row(a: &Told<FilesSize>, b: &Told<FilesSize>) -> ComparedRow {
    let words = |size: &FilesSize| {
        let bound = if size.whole { "" } else { "≥ " };
        let files = if size.files == 1 { "1 file".to_owned() } else { format!("{} files", count(size.files)) };
        format!("{bound}{} in {files}", bytes(size.bytes))
    };
    let said = |told: &Told<FilesSize>| match told {
        Told::Is(size) => Some(words(size)),
        Told::None => None,
        Told::Unknown => Some(UNKNOWN.to_owned()),
    };
    let change = match (a, b) {
        // Of a bound nobody knows by how much it is another.
        (Told::Is(a), Told::Is(b)) if a.whole && b.whole => grown(a.bytes, b.bytes),
        _ => None,
    };
    ComparedRow { part: ComparedPart::Size, key: "files".into(), a: said(a), b: said(b), change }
}

/// From one size to another: `+1.20 GB (+8.3 %)`.
fn grown(from: u64, to: u64) -> Option<String> {
    let sign = match to.cmp(&from) {
        Ordering::Less => "−",
        Ordering::Equal => return None,
        Ordering::Greater => "+",
    };
    let by = to.abs_diff(from);
    #[allow(clippy::cast_precision_loss, reason = "a share with one decimal")]
    let share = match from {
        0 => ABSENT.to_owned(),
        from => format!("{sign}{:.1} %", by as f64 / from as f64 * 100.0),
    };
    Some(format!("{sign}{} ({share})", bytes(by)))
}

/// Settings of either, in the order of their keys. Where one could not be read, that is said at each.
fn config_rows(a: &Told<Vec<(SmolStr, String)>>, b: &Told<Vec<(SmolStr, String)>>) -> Vec<ComparedRow> {
    let unread = |told: &Told<_>| *told == Told::Unknown;
    let of = |told: &Told<Vec<(SmolStr, String)>>, keys: &BTreeSet<SmolStr>| -> Sayings {
        match told {
            Told::Is(lines) => {
                lines.iter().map(|(key, value)| (key.clone(), (value.clone(), value.parse().ok()))).collect()
            }
            Told::None => Sayings::new(),
            Told::Unknown => keys.iter().map(|key| (key.clone(), (UNKNOWN.to_owned(), None))).collect(),
        }
    };
    let mut keys: BTreeSet<SmolStr> = [a, b]
        .into_iter()
        .filter_map(|told| if let Told::Is(lines) = told { Some(lines) } else { None })
        .flat_map(|lines| lines.iter().map(|(key, _)| key.clone()))
        .collect();
    if keys.is_empty() && (unread(a) || unread(b)) {
        keys.insert("configuration".into());
    }
    rows(ComparedPart::Config, of(a, &keys), of(b, &keys)).collect()
}

fn of(detail: &VersionDetail, part: ComparedPart) -> Sayings {
    match part {
        ComparedPart::Version => version(detail),
        ComparedPart::Metric => detail.run.as_ref().map(metrics).unwrap_or_default(),
        ComparedPart::Param => detail.run.as_ref().map(params).unwrap_or_default(),
        ComparedPart::Tag => {
            let tags = detail.line.version.tags.iter();
            tags.map(|(key, value)| (key.clone(), (value.to_string(), None))).collect()
        }
        ComparedPart::Signature => detail.signature.as_ref().map(signature).unwrap_or_default(),
        // The first two have rows of their own: what could not be read is said in them. A run stands with its version.
        ComparedPart::Size | ComparedPart::Config | ComparedPart::Run => Sayings::new(),
    }
}

/// The last value of each metric of a run.
pub(super) fn metrics(run: &Run) -> Sayings {
    let said = run.about.metrics.iter();
    said.map(|metric| (metric.key.clone(), (metric.value.to_string(), Some(metric.value.0)))).collect()
}

/// The parameters of a run.
pub(super) fn params(run: &Run) -> Sayings {
    run.about.params.iter().map(|(key, value)| (key.clone(), (value.clone(), value.parse().ok()))).collect()
}

fn version(detail: &VersionDetail) -> Sayings {
    let VersionLine { model, aliases, version } = &detail.line;
    let aliases: Vec<&str> = aliases.iter().map(|alias| alias.name.as_str()).collect();
    let run = detail.run.as_ref().map(|run| &run.about);
    let said = [
        ("model", Some(model.name.to_string())),
        ("version", Some(version.number.to_string())),
        ("aliases", (!aliases.is_empty()).then(|| aliases.join(", "))),
        ("stage", version.stage.as_ref().map(ToString::to_string)),
        ("status", Some(version.readiness.word().to_owned())),
        ("registered", version.created.map(|at| at.to_string())),
        ("run", version.run.as_ref().map(ToString::to_string)),
        ("run name", run.map(|run| run.name.to_string())),
        ("experiment", run.and_then(|run| run.experiment.1.as_ref()).map(ToString::to_string)),
        ("source", version.source.as_ref().map(ToString::to_string)),
        ("description", version.description.clone()),
    ];
    let present = said.into_iter().filter_map(|(key, value)| Some((SmolStr::new_static(key), (value?, None))));
    present.collect()
}

fn signature(signature: &Signature) -> Sayings {
    let sides = [
        ("input", &signature.inputs),
        ("output", &signature.outputs),
        ("param", &signature.params),
        ("flavour", &signature.flavours),
    ];
    let lines = sides.into_iter().flat_map(|(side, lines)| {
        lines.iter().enumerate().map(move |(place, line)| {
            // Columns and flavours are known by their names; tensors without one by their place.
            let name = line.split([':', ' ']).next().filter(|name| !name.is_empty() && !name.contains('('));
            let key = name.map_or_else(|| format!("{side} {}", place + 1), |name| format!("{side} {name}"));
            (SmolStr::from(key), (line.clone(), None))
        })
    });
    lines.collect()
}

fn rows(part: ComparedPart, a: Sayings, b: Sayings) -> impl Iterator<Item = ComparedRow> {
    let keys: BTreeSet<SmolStr> = a.keys().chain(b.keys()).cloned().collect();
    keys.into_iter().map(move |key| {
        let (of_a, of_b) = (a.get(&key), b.get(&key));
        let numbers = of_a.and_then(|said| said.1).zip(of_b.and_then(|said| said.1));
        ComparedRow {
            part,
            a: of_a.map(|said| said.0.clone()),
            b: of_b.map(|said| said.0.clone()),
            change: numbers.and_then(|(from, to)| change(from, to)),
            key,
        }
    })
}

/// From one number to another: `+0.012 (+1.5 %)`; `None` where nothing changed or one of them is none.
pub(super) fn change(from: f64, to: f64) -> Option<String> {
    let by = to - from;
    if !by.is_finite() || by == 0.0 {
        return None;
    }
    let signed = |number: f64, shown: String| format!("{}{shown}", if number < 0.0 { "−" } else { "+" });
    let share = by / from.abs() * 100.0;
    let share = if share.is_finite() && share.abs() < 10_000.0 {
        format!("{} %", signed(share, format!("{:.1}", share.abs())))
    } else {
        ABSENT.to_owned()
    };
    Some(format!("{} ({share})", signed(by, Number(by.abs()).to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        ConnectionId, ModelId, Stamp,
        runs::{LastMetric, RunRow},
        view::{AliasRow, Readiness, VersionRow},
    };
    use proptest::prelude::*;

    fn detail(number: u64, params: &[(&str, &str)], metrics: &[(&str, f64)], inputs: &[&str]) -> VersionDetail {
        let version = VersionRow {
            number,
            readiness: Readiness::Ready,
            run: Some("r".into()),
            tags: vec![("quantisation".into(), format!("q{number}").into())],
            ..VersionRow::default()
        };
        let metric = |(key, value): &(&str, f64)| LastMetric {
            key: (*key).into(),
            value: Number(*value),
            step: 1,
            at: Stamp(0),
        };
        let about = RunRow {
            params: params.iter().map(|(key, value)| ((*key).into(), (*value).to_owned())).collect(),
            metrics: metrics.iter().map(metric).collect(),
            ..RunRow::default()
        };
        let signature =
            Signature { inputs: inputs.iter().map(|line| (*line).to_owned()).collect(), ..Signature::default() };
        VersionDetail {
            line: VersionLine {
                model: ModelId { source: ConnectionId::slug("registry"), name: "chat".into() },
                aliases: vec![AliasRow { name: "champion".into(), version: number, ..AliasRow::default() }],
                version,
            },
            run: Some(Run { about, ..Run::default() }),
            signature: (!inputs.is_empty()).then_some(signature),
            size: Told::Is(FilesSize { files: 3, bytes: 1_200, whole: true }),
            config: Told::None,
        }
    }

    fn config(lines: &[(&str, &str)]) -> Told<Vec<(SmolStr, String)>> {
        Told::Is(lines.iter().map(|(key, value)| ((*key).into(), (*value).to_owned())).collect())
    }

    #[test]
    fn sizes_and_settings_stand_side_by_side_and_what_could_not_be_read_is_unknown() {
        let of = |size: Told<FilesSize>, config| VersionDetail { size, config, ..detail(1, &[], &[], &[]) };
        let sized = |bytes, whole| Told::Is(FilesSize { files: 12, bytes, whole });
        let old = of(
            sized(16_000_000_000, true),
            config(&[("dtype", "bfloat16"), ("layers", "32"), ("model_type", "llama")]),
        );
        let new =
            of(sized(8_400_000_000, true), config(&[("dtype", "fp8"), ("layers", "36"), ("model_type", "llama")]));
        assert_eq!(
            differing(&old, &new),
            [
                "Size files: 16.0 GB in 12 files → 8.40 GB in 12 files −7.60 GB (−47.5 %)",
                "Configuration dtype: bfloat16 → fp8 ",
                "Configuration layers: 32 → 36 +4 (+12.5 %)",
            ]
        );
        let unread = of(Told::Unknown, Told::Unknown);
        assert_eq!(
            differing(&new, &unread),
            [
                "Size files: 8.40 GB in 12 files → unknown ",
                "Configuration dtype: fp8 → unknown ",
                "Configuration layers: 36 → unknown ",
                "Configuration model_type: llama → unknown ",
            ]
        );
        // A version without a configuration is not one whose configuration nobody could read.
        let none = of(sized(8_400_000_000, false), Told::None);
        assert_eq!(
            differing(&none, &new)[..2],
            ["Size files: ≥ 8.40 GB in 12 files → 8.40 GB in 12 files ", "Configuration dtype: — → fp8 ",]
        );
        assert_eq!(differing(&none, &unread)[1], "Configuration configuration: — → unknown ");
        assert_eq!(differing(&unread, &unread), Vec::<String>::new());
    }

    /// A line for each row that differs, but what the registry says of the version.
    fn differing(a: &VersionDetail, b: &VersionDetail) -> Vec<String> {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| ABSENT.into());
        let rows = compare_versions(a, b).into_iter().filter(|row| row.differs() && row.part != ComparedPart::Version);
        rows.map(|row| {
            format!(
                "{} {}: {} → {} {}",
                row.part.title(),
                row.key,
                shown(&row.a),
                shown(&row.b),
                row.change.unwrap_or_default()
            )
        })
        .collect()
    }

    #[test]
    fn what_differs_stands_side_by_side_and_numbers_say_by_how_much() {
        let a = detail(2, &[("lr", "0.1"), ("optimiser", "adam")], &[("auc", 0.8), ("loss", 0.5)], &["text: string"]);
        let b = detail(
            3,
            &[("lr", "0.05"), ("seed", "7")],
            &[("auc", 0.812), ("loss", f64::NAN)],
            &["text: string", "limit?: long"],
        );
        assert_eq!(
            differing(&a, &b),
            [
                "Metrics auc: 0.8 → 0.812 +0.012 (+1.5 %)",
                "Metrics loss: 0.5 → NaN ",
                "Parameters lr: 0.1 → 0.05 −0.05 (−50.0 %)",
                "Parameters optimiser: adam → — ",
                "Parameters seed: — → 7 ",
                "Signature input limit?: — → limit?: long ",
                "Tags quantisation: q2 → q3 ",
            ]
        );
        let version = compare_versions(&a, &b);
        let of = |key: &str| version.iter().find(|row| row.key == key).unwrap();
        assert_eq!((of("version").a.as_deref(), of("version").b.as_deref()), (Some("2"), Some("3")));
        assert!(!of("aliases").differs());
    }

    #[test]
    fn what_could_not_be_read_is_absent_and_never_equal_to_what_was() {
        let a = detail(1, &[("lr", "0.1")], &[], &["x: long"]);
        let b = VersionDetail { run: None, signature: None, ..detail(1, &[], &[], &[]) };
        assert_eq!(differing(&a, &b), ["Parameters lr: 0.1 → — ", "Signature input x: x: long → — "]);
        assert_eq!(differing(&a, &a), Vec::<String>::new());
    }

    #[test]
    fn a_share_of_nothing_is_not_told() {
        assert_eq!(change(0.0, 2.0).as_deref(), Some("+2 (—)"));
        assert_eq!(change(-2.0, -1.0).as_deref(), Some("+1 (+50.0 %)"));
        assert_eq!((change(1.0, 1.0), change(f64::NAN, 1.0), change(1.0, f64::INFINITY)), (None, None, None));
    }

    proptest! {
        /// Seen from the other side, the same rows differ.
        #[test]
        fn it_has_two_sides(a in prop::collection::vec(("[a-d]", -3.0..3.0f64), 0..5), b in prop::collection::vec(("[a-d]", -3.0..3.0f64), 0..5)) {
            let of = |metrics: &[(String, f64)]| {
                let metrics: Vec<(&str, f64)> = metrics.iter().map(|(key, value)| (key.as_str(), *value)).collect();
                detail(1, &[], &metrics, &[])
            };
            let (a, b) = (of(&a), of(&b));
            let (there, back) = (compare_versions(&a, &b), compare_versions(&b, &a));
            prop_assert_eq!(there.len(), back.len());
            for (there, back) in there.iter().zip(&back) {
                prop_assert_eq!((&there.key, &there.a, &there.b), (&back.key, &back.b, &back.a));
                prop_assert_eq!(there.change.is_some(), back.change.is_some());
            }
        }
    }
}

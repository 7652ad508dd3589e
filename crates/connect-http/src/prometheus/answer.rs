//! Answers of the query API, read into samples. Foreign bytes: nothing in them is believed before it is looked at.

use crate::failure::Failure;
use pilothouse_wire::{SmolStr, Stamp};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use std::fmt;

/// Labels of a series.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labels(Vec<(SmolStr, SmolStr)>);

/// A series with one value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its labels.
    pub labels: Labels,
    /// The value: NaN and the infinities are what the server really said.
    pub value: f64,
}

/// What came of an instant query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vector {
    /// Its series.
    pub samples: Vec<Sample>,
    /// When it was evaluated, by the server's clock. This is no time of a measurement.
    pub evaluated: Option<Stamp>,
    /// What the server warns of: parts that did not answer, say.
    pub warnings: Vec<String>,
    /// So many series could not be used: histograms, values that are no numbers.
    pub dropped: u64,
}

impl Labels {
    /// A label's value. An empty label is the same as none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&SmolStr> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value).filter(|value| !value.is_empty())
    }

    /// The first of these labels that is there.
    #[must_use]
    pub fn first(&self, names: &[&str]) -> Option<&SmolStr> {
        names.iter().find_map(|name| self.get(name))
    }
}

impl<N: Into<SmolStr>, V: Into<SmolStr>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(labels: I) -> Self {
        Self(labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Labels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("labels")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut labels = Vec::new();
                while let Some(label) = map.next_entry()? {
                    labels.push(label);
                }
                Ok(Labels(labels))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// What stands around every answer.
#[derive(Deserialize)]
#[serde(bound = "D: DeserializeOwned", rename_all = "camelCase")]
struct Envelope<D> {
    status: String,
    data: Option<D>,
    error: Option<String>,
    warnings: Option<Vec<String>>,
    /// VictoriaMetrics says so where others warn.
    is_partial: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<S> {
    result_type: String,
    result: Vec<S>,
}

#[derive(Deserialize)]
struct Instant {
    metric: Labels,
    value: Option<(f64, String)>,
}

#[derive(Deserialize)]
struct Range {
    #[serde(default)]
    metric: Labels,
    values: Option<Vec<(f64, String)>>,
}

/// A series of a range: its labels and its points, in order.
pub type Line = (Labels, Vec<(Stamp, f64)>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Build {
    application: Option<String>,
    version: Option<String>,
    revision: Option<String>,
    go_version: Option<String>,
}

/// Reads the answer to an instant query.
///
/// # Errors
/// If it is none.
pub fn vector(body: &[u8]) -> Result<Vector, Failure> {
    let (data, warnings) = data::<Data<Instant>>(body)?;
    if data.result_type != "vector" {
        return Err(Failure::Unreadable(format!("A vector was asked for, and a {} came", data.result_type)));
    }
    let mut vector = Vector { warnings, ..Vector::default() };
    for series in data.result {
        let Some((value, evaluated)) = series.value.and_then(|(at, value)| Some((value.parse().ok()?, at))) else {
            vector.dropped += 1;
            continue;
        };
        vector.evaluated = vector.evaluated.or_else(|| time(evaluated));
        vector.samples.push(Sample { labels: series.metric, value });
    }
    Ok(vector)
}

/// Reads the answer to a query for raw samples: the times of each series, in order.
///
/// # Errors
/// If it is none.
pub fn times(body: &[u8]) -> Result<Vec<Vec<Stamp>>, Failure> {
    let of_series = |points: Vec<(Stamp, f64)>| points.into_iter().map(|(at, _)| at).collect();
    Ok(matrix(body)?.into_iter().map(of_series).collect())
}

/// Reads the answer to a range query, or to one for raw samples: the points of each series, in order. What is no number
/// or no time is left out.
///
/// # Errors
/// If it is none.
pub fn matrix(body: &[u8]) -> Result<Vec<Vec<(Stamp, f64)>>, Failure> {
    Ok(lines(body)?.into_iter().map(|(_, points)| points).collect())
}

/// The same, each series with its labels.
///
/// # Errors
/// If it is none.
pub fn lines(body: &[u8]) -> Result<Vec<Line>, Failure> {
    let (data, _) = data::<Data<Range>>(body)?;
    if data.result_type != "matrix" {
        return Err(Failure::Unreadable(format!("A matrix was asked for, and a {} came", data.result_type)));
    }
    let point = |(at, value): (f64, String)| Some((time(at)?, value.parse().ok()?));
    let points = |values: Option<Vec<_>>| values.unwrap_or_default().into_iter().filter_map(point).collect();
    Ok(data.result.into_iter().map(|series: Range| (series.metric, points(series.values))).collect())
}

/// What VictoriaMetrics says for the sake of who reads versions of Prometheus: it is not its own.
const NOT_ITS_OWN: &str = "2.24.0";
/// What a version begins with of which Prometheus had no such page yet: it is Thanos, which is built from its sources.
const BEFORE: &str = "0.";

/// Reads the version out of `/api/v1/status/buildinfo`, with the name of who it is of, where that is no Prometheus. Mimir
/// names itself. VictoriaMetrics says nothing here, or a version of Prometheus alone.
///
/// # Errors
/// If it is no answer of this API.
pub fn version(body: &[u8]) -> Result<Option<String>, Failure> {
    let (Build { application, version, revision, go_version }, _) = data(body)?;
    let is_built = revision.is_some() || go_version.is_some();
    let version = match (application, version) {
        (Some(name), version) => Some(format!("{name} {}", version.unwrap_or_default()).trim_end().to_owned()),
        (None, None) if !is_built => Some("VictoriaMetrics".to_owned()),
        (None, Some(version)) if !is_built && version == NOT_ITS_OWN => Some("VictoriaMetrics".to_owned()),
        (None, Some(version)) if is_built && version.starts_with(BEFORE) => Some(format!("Thanos {version}")),
        (None, version) => version,
    };
    Ok(version.map(|version| crate::problems::line(&version)))
}

/// Seconds since 1970, as the API and `timestamp()` say times.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "the range is looked at first")]
pub fn time(seconds: f64) -> Option<Stamp> {
    (seconds > 0.0 && seconds < 1e11).then(|| Stamp((seconds * 1_000.0).round() as i64))
}

fn data<D: DeserializeOwned>(body: &[u8]) -> Result<(D, Vec<String>), Failure> {
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<') {
        return Err(Failure::Page);
    }
    let answer: Envelope<D> = serde_json::from_slice(body)
        .map_err(|error| Failure::Unreadable(format!("It is no answer of the query API: {}", fault(&error))))?;
    match (answer.status.as_str(), answer.data) {
        ("success", Some(data)) => {
            let mut warnings = answer.warnings.unwrap_or_default();
            if answer.is_partial == Some(true) {
                warnings.push("isPartial: not every vmstorage behind it answered".to_owned());
            }
            Ok((data, warnings))
        }
        ("success", None) => Err(Failure::Unreadable("It says success, and has no data".to_owned())),
        _ => Err(Failure::Unreadable(format!("It says: {}", answer.error.unwrap_or(answer.status)))),
    }
}

/// Where it cannot be read. The library's text may repeat what it found there; its place does not.
fn fault(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax => "it is no JSON",
        _ => "a field is missing or of another kind",
    };
    format!("{what}, at line {} column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(result: &str) -> Vec<u8> {
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{result}]}}}}"#).into_bytes()
    }

    #[test]
    fn not_a_number_the_infinities_and_zero_stay_apart() {
        let values = ["NaN", "+Inf", "-Inf", "0", "-0", "1e3"];
        let series = values.map(|value| format!(r#"{{"metric":{{"UUID":"a"}},"value":[1795489964.5,"{value}"]}}"#));
        let vector = vector(&of(&series.join(","))).unwrap();
        let read: Vec<String> = vector.samples.iter().map(|sample| sample.value.to_string()).collect();
        assert_eq!(read, ["NaN", "inf", "-inf", "0", "-0", "1000"]);
        assert_eq!(vector.evaluated, Some(Stamp(1_795_489_964_500)));
    }

    #[test]
    fn a_histogram_and_a_value_that_is_no_number_are_counted_as_dropped() {
        let body =
            of(r#"{"metric":{},"histogram":[1,{}]},{"metric":{},"value":[1,"x"]},{"metric":{},"value":[1,"2"]}"#);
        let vector = vector(&body).unwrap();
        assert_eq!((vector.samples.len(), vector.dropped), (1, 2));
    }

    #[test]
    fn warnings_are_kept_and_an_empty_label_is_none() {
        let body = br#"{"status":"success","warnings":["store b did not answer"],"infos":["x"],
            "data":{"resultType":"vector","result":[{"metric":{"a":"","b":"1"},"value":[1,"2"]}]}}"#;
        let vector = vector(body).unwrap();
        assert_eq!(vector.warnings, ["store b did not answer"]);
        assert_eq!(vector.samples[0].labels.first(&["a", "b"]).map(SmolStr::as_str), Some("1"));
    }

    #[test]
    fn what_is_no_answer_is_told_as_what_it_is() {
        let check = |body: &str, want: &str| match vector(body.as_bytes()) {
            Err(Failure::Page) => assert_eq!(want, "page"),
            Err(Failure::Unreadable(why)) => assert!(why.contains(want), "{why}"),
            other => panic!("{other:?}"),
        };
        check("  <!doctype html><title>Sign in</title>", "page");
        check("", "ends too early");
        check("grafana", "no JSON");
        check(r#"{"ok":true}"#, "a field is missing");
        check(r#"{"status":"success"}"#, "no data");
        check(r#"{"status":"error","errorType":"execution","error":"out of memory"}"#, "out of memory");
        check(r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#, "a matrix came");
    }

    #[test]
    fn an_answer_in_part_is_one_by_whichever_word() {
        let body = |is: bool| {
            let data = r#""data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]}"#;
            format!(r#"{{"status":"success","isPartial":{is},{data}}}"#)
        };
        let warnings = |is: bool| vector(body(is).as_bytes()).unwrap().warnings;
        assert!(warnings(false).is_empty());
        assert!(matches!(&warnings(true)[..], [one] if one.contains("vmstorage")));
    }

    #[test]
    fn who_it_is_is_told_by_what_its_build_says() {
        for (data, want) in [
            (r#"{"version":"2.42.0","revision":"225c","goVersion":"go1.19"}"#, Some("2.42.0")),
            (r#"{"version":"2.24.0","revision":"02e9","goVersion":"go1.15"}"#, Some("2.24.0")),
            (
                r#"{"application":"Grafana Mimir","version":"2.15.0","goVersion":"go1.23"}"#,
                Some("Grafana Mimir 2.15.0"),
            ),
            (r#"{"version":"0.36.1","revision":"f2c0","goVersion":"go1.22"}"#, Some("Thanos 0.36.1")),
            // Debian's 1.79, and later ones.
            ("{}", Some("VictoriaMetrics")),
            (r#"{"version":"2.24.0"}"#, Some("VictoriaMetrics")),
            (r#"{"version":"1.17.1"}"#, Some("1.17.1")),
            (r#"{"revision":"f2c0"}"#, None),
        ] {
            let body = format!(r#"{{"status":"success","data":{data}}}"#);
            assert_eq!(version(body.as_bytes()).unwrap().as_deref(), want, "{data}");
        }
    }

    #[test]
    fn raw_samples_give_their_times() {
        let body = br#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{},"values":[[1,"1"],[16.001,"2"],[-1,"3"]]},{"metric":{},"histograms":[]}]}}"#;
        assert_eq!(times(body).unwrap(), [vec![Stamp(1_000), Stamp(16_001)], vec![]]);
        assert_eq!(matrix(body).unwrap(), [vec![(Stamp(1_000), 1.0), (Stamp(16_001), 2.0)], vec![]]);
    }
}

//! What the server keeps of the past: one range a metric, of few points, whatever the span.

use super::{
    api::{AT_ONCE, Api, Points},
    catalogue::Exporter,
    engines, interval,
    matchers::Matchers,
    query,
};
use crate::failure::Failure;
use futures::{StreamExt, stream};
use pilothouse_connect::{KeptLane, LanesQuery, PastQuery};
use pilothouse_wire::{
    Metric, Reading, ServingEngine, ServingMetric, Stamp,
    view::{LaneKind, Series},
};
use std::{collections::BTreeSet, time::Duration};

/// A server that has a lower limit of points than others is asked for fewer, so often, each time for a quarter.
const WIDENED: u32 = 3;

/// What a watch found out, and who asks for the past has to know.
#[derive(Clone, Debug)]
pub struct Known {
    /// Who exports the GPUs.
    pub exporters: BTreeSet<Exporter>,
    /// The label that most GPUs are named by.
    pub key: &'static str,
    /// How often they are measured.
    pub interval: Duration,
}

impl Default for Known {
    fn default() -> Self {
        Self { exporters: BTreeSet::new(), key: query::KEYS[0], interval: interval::USUAL }
    }
}

/// Asks for the past of GPUs. What one metric lacks leaves the others.
///
/// # Errors
/// If the server answers no question.
pub async fn past(api: &Api, known: &Known, wanted: &PastQuery) -> Result<Vec<Series>, Failure> {
    let step = step((wanted.since, wanted.until), wanted.most_points, known.interval);
    let of = |metric: &Metric| {
        Some((*metric, query::together(*metric, &known.exporters, &api.matchers, known.key, &wanted.gpus)?))
    };
    let asked =
        wanted.metrics.iter().filter_map(of).map(|(metric, query)| async move {
            (metric, range(api, &query, (wanted.since, wanted.until), step).await)
        });
    let all: Vec<(Metric, Result<Points, Failure>)> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    let (mut series, mut failure) = (Vec::new(), None);
    for (metric, outcome) in all {
        match outcome {
            Ok(points) => series.extend(one(metric, points)),
            Err(why) => failure = failure.or(Some(why)),
        }
    }
    match failure {
        Some(why) if series.is_empty() => Err(why),
        _ => Ok(series),
    }
}

/// Asks for the past of all GPUs, and of all serving engines, together. What one lane lacks leaves the others.
///
/// # Errors
/// If the server answers no question.
pub async fn lanes(api: &Api, known: &Known, wanted: &LanesQuery) -> Result<Vec<KeptLane>, Failure> {
    let ends = (wanted.since, wanted.until);
    let step = step(ends, wanted.most_points, known.interval);
    let of = |kind: &LaneKind| Some((*kind, of_lane(*kind, known, &api.matchers)?));
    let asked = wanted.kinds.iter().filter_map(of).map(|(kind, (query, factor))| async move {
        let points = range(api, &query, ends, step).await;
        (kind, points.map(|all| all.into_iter().next().unwrap_or_default()), factor)
    });
    let all: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    let (mut lanes, mut failure) = (Vec::new(), None);
    for (kind, outcome, factor) in all {
        match outcome {
            Ok(points) => lanes.push((kind, points.into_iter().map(|(at, value)| (at, value * factor)).collect())),
            Err(why) => failure = failure.or(Some(why)),
        }
    }
    match failure {
        Some(why) if lanes.is_empty() => Err(why),
        _ => Ok(lanes),
    }
}

/// The query of a lane, and what makes its unit of ours. The same that a poll asks of each, put together.
fn of_lane(kind: LaneKind, known: &Known, among: &Matchers) -> Option<(String, f64)> {
    let served = |metric| {
        let all = ServingEngine::ALL.iter().copied().collect();
        engines::query::metric(metric, &all, among, known.interval)
    };
    match kind {
        LaneKind::Activity => {
            Some((format!("avg({})", query::metric(Metric::Utilisation, &known.exporters, among)?), 100.0))
        }
        LaneKind::Tokens => Some((format!("sum({})", served(ServingMetric::Generated)?), 1.0)),
        LaneKind::FirstToken =>
        // What is above all bounds of its buckets comes with a minus.
        {
            Some((format!("max(abs({}))", served(ServingMetric::FirstTokenP99)?), 1_000.0))
        }
        LaneKind::Held | LaneKind::Pending => None,
    }
}

/// How far apart points are: never more of them than are wanted, and none between two measurements.
fn step((since, until): (Stamp, Stamp), most: u32, interval: Duration) -> Duration {
    let span = until.since(since).as_millis();
    let most = u128::from(most.max(1));
    let seconds = span.div_ceil(most).div_ceil(1_000);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)).max(interval)
}

/// One range; where the server has a lower limit of points, with fewer.
async fn range(api: &Api, query: &str, ends: (Stamp, Stamp), mut step: Duration) -> Result<Points, Failure> {
    let mut left = WIDENED;
    loop {
        match api.range(query, ends, step).await {
            Err(failure) if left > 0 && is_of_points(&failure) => {
                (left, step) = (left - 1, step.saturating_mul(4));
            }
            outcome => return outcome,
        }
    }
}

/// Is it refused for its points? Prometheus and what descends from it speak of a resolution, VictoriaMetrics of points.
fn is_of_points(failure: &Failure) -> bool {
    let Failure::Refusal(refusal) = failure else { return false };
    let says = refusal.message.to_ascii_lowercase();
    says.contains("maximum resolution") || says.contains("too many points")
}

/// The one series of a metric, if the server has any of it.
fn one(metric: Metric, points: Points) -> Option<Series> {
    let points = points.into_iter().next()?;
    let points: Vec<_> = points.into_iter().map(|(at, value)| (at, Reading::of_f64(value))).collect();
    (!points.is_empty()).then_some(Series { metric, points })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_what_a_poll_asks_of_each_put_together() {
        let known = Known { exporters: BTreeSet::from([Exporter::Dcgm]), ..Known::default() };
        let of = |kind, known: &Known| of_lane(kind, known, &Matchers::default());
        let (query, factor) = of(LaneKind::Activity, &known).unwrap();
        assert!(
            query.starts_with("avg(max by (") && query.contains("DCGM_FI_DEV_GPU_UTIL") && factor == 100.0,
            "{query}"
        );
        let (query, _) = of(LaneKind::Tokens, &known).unwrap();
        assert!(query.starts_with("sum(") && query.contains("vllm:generation_tokens_total"), "{query}");
        let (query, factor) = of(LaneKind::FirstToken, &known).unwrap();
        assert!(query.starts_with("max(") && query.contains("histogram_quantile(0.99") && factor == 1_000.0, "{query}");
        assert_eq!(of(LaneKind::Activity, &Known::default()), None, "nobody knows who exports");
        assert_eq!(of(LaneKind::Held, &known), None);
    }

    #[test]
    fn a_span_of_any_length_has_no_more_points_than_wanted_and_none_between_measurements() {
        for (span_s, interval_s, want_s) in
            [(60, 15, 15), (3_600, 15, 15), (3_600, 5, 12), (86_400, 15, 288), (31_536_000, 15, 105_120), (0, 30, 30)]
        {
            let until = Stamp(span_s * 1_000);
            let step = step((Stamp(0), until), 300, Duration::from_secs(interval_s));
            assert_eq!(step, Duration::from_secs(want_s), "{span_s} s");
            assert!(until.since(Stamp(0)).as_secs() / step.as_secs() <= 300);
        }
    }
}

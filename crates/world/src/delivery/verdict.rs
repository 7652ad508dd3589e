//! What follows from the measurements of an analysis themselves, beside what its controller made of them.
//!
//! The limits are those of the controller (`assessMetricStatus` of Argo Rollouts v1.10), with one difference: without a
//! measurement that passed nothing passes, and no series is no pass. The controller calls such an analysis Successful.

use super::condition::{Value, compared, holds};
use crate::fact::{AnalysisFact, CountsFact, MetricFact};
use pilothouse_wire::view::{
    AnalysisPhase, AnalysisRow, AnalysisVerdict,
    AnalysisVerdict::{Error, Failed, Inconclusive, NoData, Passed, Running},
    MeasurementRow, MetricRow,
    delivery::JudgedRow,
};

/// An analysis with what follows from it.
#[must_use]
pub fn analysis(fact: &AnalysisFact, revision: Option<u64>) -> AnalysisRow {
    let metrics: Vec<MetricRow> =
        fact.metrics.iter().map(|metric| self::metric(metric, fact.phase.is_over())).collect();
    let verdict = over(fact, &metrics);
    AnalysisRow {
        name: fact.name.clone(),
        occasion: fact.occasion,
        step: fact.step,
        revision,
        phase: fact.phase,
        message: fact.message.clone(),
        verdict,
        dispute: dispute(fact.phase, verdict),
        ended_by_hand: fact.ended_by_hand,
        started: fact.started.or(fact.created),
        ended: fact.ended,
        metrics,
    }
}

/// The verdict of an analysis alone.
#[must_use]
pub fn of(fact: &AnalysisFact) -> AnalysisVerdict {
    analysis(fact, None).verdict
}

/// The worst of its metrics that decide.
fn over(fact: &AnalysisFact, metrics: &[MetricRow]) -> AnalysisVerdict {
    let worst = metrics.iter().filter(|metric| !metric.dry).map(|metric| metric.verdict).min();
    match worst {
        // All that decide nothing, or nothing at all: what is over has shown nothing.
        None if fact.phase.is_over() => NoData,
        None => Running,
        // One that was stopped is not under way.
        Some(Running) if fact.phase.is_over() => NoData,
        Some(worst) => worst,
    }
}

fn dispute(phase: AnalysisPhase, verdict: AnalysisVerdict) -> Option<String> {
    let agrees = match phase {
        AnalysisPhase::Successful => verdict == Passed,
        AnalysisPhase::Failed => verdict == Failed,
        // Which of the two it is, is a matter of words: neither passed.
        AnalysisPhase::Error | AnalysisPhase::Inconclusive => verdict != Passed,
        AnalysisPhase::Unknown | AnalysisPhase::Pending | AnalysisPhase::Running => true,
    };
    (!agrees).then(|| {
        let found = match verdict {
            NoData => "no measurement passed: that is not a pass".to_owned(),
            verdict => format!("its measurements say {}", verdict.word().to_lowercase()),
        };
        format!("The controller says {}; {found}.", phase.word())
    })
}

fn metric(fact: &MetricFact, over: bool) -> MetricRow {
    let judged: Vec<Judged> = fact.measurements.iter().map(|measurement| judge(fact, measurement)).collect();
    let kept = count(&judged);
    // What is not kept was counted by the controller alone.
    let left_out = fact.counted.all().saturating_sub(kept.all());
    let counts = if left_out > 0 { with_what_is_left_out(fact.counted, kept, &fact.measurements) } else { kept };
    let no_data = judged.iter().filter(|one| **one == Judged::NoData).count() as u64;
    let (verdict, why) = verdict(fact, counts, no_data, &judged, over);
    let with_value = fact.measurements.iter().rev().find_map(|measurement| {
        let text = measurement.value.as_deref().filter(|text| !text.is_empty())?;
        Some((text, Value::read(text)))
    });
    let against = |value: &Value| {
        let success = fact.success.as_deref().and_then(|condition| compared(condition, value, false));
        success.or_else(|| fact.failure.as_deref().and_then(|condition| compared(condition, value, true)))
    };
    let shows = |(judged, measurement): (&Judged, &MeasurementRow)| {
        let value = measurement.value.as_deref().and_then(Value::read);
        JudgedRow { verdict: judged.verdict(), compared: value.as_ref().and_then(against) }
    };
    MetricRow {
        judged: judged.iter().zip(&fact.measurements).map(shows).collect(),
        name: fact.name.clone(),
        provider: fact.provider.clone(),
        query: fact.query.clone(),
        success: fact.success.clone(),
        failure: fact.failure.clone(),
        value: with_value.as_ref().map(|(text, _)| (*text).to_owned()),
        compared: with_value.and_then(|(_, value)| against(&value?)),
        phase: fact.phase,
        message: fact.message.clone(),
        verdict,
        why,
        dispute: dispute(fact.phase, verdict),
        dry: fact.dry,
        passed: counts.passed,
        failed: counts.failed,
        inconclusive: counts.inconclusive,
        errors: counts.errors,
        most_failed: fact.most_failed,
        no_data,
        measurements: fact.measurements.clone(),
        left_out,
    }
}

/// What a measurement shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    Passed,
    Failed,
    Inconclusive,
    Error,
    /// It came out without a value, or with none that says anything.
    NoData,
    UnderWay,
}

impl Judged {
    fn verdict(self) -> AnalysisVerdict {
        match self {
            Self::Passed => Passed,
            Self::Failed => Failed,
            Self::Inconclusive => Inconclusive,
            Self::Error => Error,
            Self::NoData => NoData,
            Self::UnderWay => Running,
        }
    }
}

fn judge(metric: &MetricFact, measurement: &MeasurementRow) -> Judged {
    let by_controller = match measurement.phase {
        AnalysisPhase::Successful => Judged::Passed,
        AnalysisPhase::Failed => Judged::Failed,
        AnalysisPhase::Inconclusive => Judged::Inconclusive,
        AnalysisPhase::Error => return Judged::Error,
        AnalysisPhase::Unknown | AnalysisPhase::Pending | AnalysisPhase::Running => return Judged::UnderWay,
    };
    if metric.success.is_none() && metric.failure.is_none() {
        // A job says how it ended, and no number.
        return by_controller;
    }
    let Some(text) = &measurement.value else { return Judged::NoData };
    let Some(value) = Value::read(text) else { return by_controller };
    if !value.has_data() && by_controller == Judged::Passed {
        return Judged::NoData;
    }
    // As `evaluate.EvaluateResult` does: with both conditions, neither of them is inconclusive.
    let held = |condition: &Option<String>| match condition {
        None => Some(None),
        Some(condition) => holds(condition, &value).map(Some),
    };
    match (held(&metric.success), held(&metric.failure)) {
        (Some(Some(true)), Some(None | Some(false))) | (Some(None), Some(Some(false))) => Judged::Passed,
        (_, Some(Some(true))) | (Some(Some(false)), Some(None)) => Judged::Failed,
        (Some(Some(false)), Some(Some(false))) => Judged::Inconclusive,
        // One of them cannot be told: the controller could.
        _ => by_controller,
    }
}

fn count(judged: &[Judged]) -> CountsFact {
    let of = |which: Judged| judged.iter().filter(|one| **one == which).count() as u64;
    CountsFact {
        passed: of(Judged::Passed),
        failed: of(Judged::Failed),
        inconclusive: of(Judged::Inconclusive),
        // What says nothing is as good as what could not be measured, and counted apart.
        errors: of(Judged::Error) + of(Judged::NoData),
    }
}

/// The controller's counts, with what is kept as we judge it in place of what it made of that.
fn with_what_is_left_out(counted: CountsFact, kept: CountsFact, measurements: &[MeasurementRow]) -> CountsFact {
    let said = |phase: AnalysisPhase| measurements.iter().filter(|one| one.phase == phase).count() as u64;
    let rest = |counted: u64, phase, kept: u64| counted.saturating_sub(said(phase)).saturating_add(kept);
    CountsFact {
        passed: rest(counted.passed, AnalysisPhase::Successful, kept.passed),
        failed: rest(counted.failed, AnalysisPhase::Failed, kept.failed),
        inconclusive: rest(counted.inconclusive, AnalysisPhase::Inconclusive, kept.inconclusive),
        errors: rest(counted.errors, AnalysisPhase::Error, kept.errors),
    }
}

fn verdict(
    fact: &MetricFact,
    counts: CountsFact,
    no_data: u64,
    judged: &[Judged],
    over: bool,
) -> (AnalysisVerdict, String) {
    let over = over || fact.phase.is_over();
    let above = |n: u64, limit: i64| limit >= 0 && i64::try_from(n).unwrap_or(i64::MAX) > limit;
    let in_a_row = judged.iter().rev().filter(|one| **one != Judged::UnderWay);
    let errors_in_a_row = in_a_row.take_while(|one| matches!(one, Judged::Error | Judged::NoData)).count() as u64;
    if above(counts.failed, fact.most_failed) {
        return (Failed, format!("{} failed, and {} may", counts.failed, fact.most_failed.max(0)));
    }
    if above(counts.inconclusive, fact.most_inconclusive) {
        return (
            Inconclusive,
            format!("{} were inconclusive, and {} may be", counts.inconclusive, fact.most_inconclusive),
        );
    }
    let measured = counts.all();
    if !over {
        if above(errors_in_a_row, fact.most_errors) && no_data < errors_in_a_row {
            return (Error, format!("{errors_in_a_row} in a row could not be measured, and {} may", fact.most_errors));
        }
        return (Running, format!("{measured} measured so far"));
    }
    if counts.passed > 0 {
        return match above(errors_in_a_row, fact.most_errors) {
            true => (Error, format!("{errors_in_a_row} in a row could not be measured, and {} may", fact.most_errors)),
            false => (Passed, format!("{} of {measured} passed", counts.passed)),
        };
    }
    match (measured, counts.failed) {
        (0, _) => (NoData, "nothing was measured".to_owned()),
        (_, 0) if no_data > 0 => (NoData, format!("{no_data} of {measured} measurements gave no value")),
        (_, 0) if counts.inconclusive > 0 => (Inconclusive, format!("none of {measured} passed")),
        (_, 0) => (Error, format!("none of {measured} could be measured")),
        (_, failed) => (Failed, format!("{failed} of {measured} failed, and none passed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn measured(phase: AnalysisPhase, value: Option<&str>) -> MeasurementRow {
        MeasurementRow { phase, value: value.map(str::to_owned), ..MeasurementRow::default() }
    }

    fn fact(phase: AnalysisPhase, measurements: Vec<MeasurementRow>) -> MetricFact {
        let of = |which| measurements.iter().filter(|one| one.phase == which).count() as u64;
        MetricFact {
            name: "ttft".into(),
            success: Some("result[0] <= 800".into()),
            most_errors: 4,
            phase,
            counted: CountsFact {
                passed: of(AnalysisPhase::Successful),
                failed: of(AnalysisPhase::Failed),
                inconclusive: of(AnalysisPhase::Inconclusive),
                errors: of(AnalysisPhase::Error),
            },
            measurements,
            ..MetricFact::default()
        }
    }

    #[track_caller]
    fn check(metric: MetricFact, phase: AnalysisPhase, want: AnalysisVerdict, disputed: bool) -> AnalysisRow {
        let row = analysis(&AnalysisFact { phase, metrics: vec![metric], ..AnalysisFact::default() }, None);
        assert_eq!((row.verdict, row.dispute.is_some()), (want, disputed), "{row:?}");
        row
    }

    use AnalysisPhase as P;

    #[test]
    fn a_value_is_held_against_its_condition() {
        let row = check(
            fact(P::Failed, vec![measured(P::Failed, Some("[1142]"))]),
            P::Failed,
            AnalysisVerdict::Failed,
            false,
        );
        let compared = row.metrics[0].compared.clone().unwrap();
        assert_eq!((compared.value, compared.limit, compared.holds), (1_142.0, 800.0, false));
        assert_eq!(row.metrics[0].why, "1 failed, and 0 may");
        assert_eq!(row.metrics[0].judged, [JudgedRow { verdict: Failed, compared: Some(compared) }]);
        check(fact(P::Successful, vec![measured(P::Successful, Some("[612]"))]), P::Successful, Passed, false);
    }

    #[test]
    fn what_its_controller_calls_successful_with_every_measurement_failed_is_no_pass() {
        // argo-rollouts#4479
        let all_failed = || (0..3).map(|_| measured(P::Failed, Some("[1142]"))).collect::<Vec<_>>();
        let lenient = MetricFact { most_failed: 5, ..fact(P::Successful, all_failed()) };
        let row = check(lenient, P::Successful, AnalysisVerdict::Failed, true);
        assert_eq!(row.dispute.as_deref(), Some("The controller says Successful; its measurements say failed."));
        let errors = (0..3).map(|_| measured(P::Error, None)).collect();
        check(fact(P::Successful, errors), P::Successful, AnalysisVerdict::Error, true);
    }

    #[test]
    fn no_series_is_no_pass_even_where_the_condition_lets_it() {
        let mut metric = fact(P::Successful, vec![measured(P::Successful, Some("[]"))]);
        metric.success = Some("len(result) == 0 || result[0] >= 0.95".into());
        let row = check(metric, P::Successful, NoData, true);
        assert_eq!(row.metrics[0].no_data, 1);
        assert_eq!(row.metrics[0].judged, [JudgedRow { verdict: NoData, compared: None }]);
        assert_eq!(
            row.dispute.as_deref(),
            Some("The controller says Successful; no measurement passed: that is not a pass.")
        );
        check(fact(P::Successful, vec![measured(P::Successful, Some("[NaN]"))]), P::Successful, NoData, true);
        check(fact(P::Successful, Vec::new()), P::Successful, NoData, true);
    }

    #[test]
    fn a_measurement_that_was_judged_wrongly_is_judged_anew() {
        check(
            fact(P::Successful, vec![measured(P::Successful, Some("[900]"))]),
            P::Successful,
            AnalysisVerdict::Failed,
            true,
        );
    }

    #[test]
    fn what_cannot_be_read_is_left_to_the_controller() {
        let mut metric = fact(P::Successful, vec![measured(P::Successful, Some("{\"ok\":true}"))]);
        metric.success = Some("result.ok".into());
        check(metric, P::Successful, Passed, false);
        // A job has neither value nor condition.
        let job = MetricFact { success: None, ..fact(P::Successful, vec![measured(P::Successful, None)]) };
        check(job, P::Successful, Passed, false);
    }

    #[test]
    fn what_is_under_way_is_not_judged() {
        check(fact(P::Running, vec![measured(P::Successful, Some("[1]"))]), P::Running, Running, false);
        check(fact(P::Pending, Vec::new()), P::Pending, Running, false);
    }

    #[test]
    fn measurements_that_are_not_kept_count_as_the_controller_counted_them() {
        let mut metric = fact(P::Successful, vec![measured(P::Error, None)]);
        metric.counted = CountsFact { passed: 30, errors: 1, ..CountsFact::default() };
        let row = check(metric, P::Successful, Passed, false);
        assert_eq!((row.metrics[0].left_out, row.metrics[0].passed), (30, 30));
    }

    #[test]
    fn a_dry_metric_decides_nothing() {
        let dry = MetricFact { dry: true, ..fact(P::Failed, vec![measured(P::Failed, Some("[1142]"))]) };
        let good = fact(P::Successful, vec![measured(P::Successful, Some("[1]"))]);
        let run = AnalysisFact { phase: P::Successful, metrics: vec![dry, good], ..AnalysisFact::default() };
        let row = analysis(&run, None);
        assert_eq!((row.verdict, row.dispute), (Passed, None));
    }

    proptest! {
        /// Whatever is measured, nothing passes without a measurement that passed.
        #[test]
        fn a_pass_needs_a_measurement_that_passed(
            phases in prop::collection::vec(0_u8..5, 0..12), limit in 0_i64..20, success in any::<bool>(),
        ) {
            let phase = |n: &u8| [P::Failed, P::Error, P::Inconclusive, P::Running, P::Failed][usize::from(*n)];
            let measurements = phases.iter().map(|n| measured(phase(n), None)).collect();
            let mut metric = fact(P::Successful, measurements);
            (metric.most_failed, metric.most_inconclusive, metric.most_errors) = (limit, limit, limit);
            if !success {
                metric.success = None;
            }
            let run = AnalysisFact { phase: P::Successful, metrics: vec![metric], ..AnalysisFact::default() };
            let row = analysis(&run, None);
            prop_assert!(row.verdict != Passed && row.dispute.is_some());
        }
    }
}

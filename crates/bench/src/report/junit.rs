//! Whether a comparison fails a job, and the same as JUnit: a case a metric of each candidate.

use crate::compare::{Document, outcome};
use pilothouse_insight::verdict::{Candidate, Verdict};
use pilothouse_wire::{Code, Problem};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

/// What a job fails for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fail {
    /// A candidate is worse.
    Worse,
    /// A candidate is not better.
    NotBetter,
    /// Nothing may be said of what was measured.
    Invalid,
}

impl Fail {
    fn is(self, verdict: &Verdict) -> bool {
        match self {
            Self::Worse => *verdict == Verdict::Worse,
            Self::NotBetter => *verdict != Verdict::Better,
            Self::Invalid => matches!(verdict, Verdict::Invalid { .. }),
        }
    }
}

/// Does the comparison fail for one of these?
#[must_use]
pub fn failed(document: &Document, for_what: &[Fail]) -> bool {
    let outcomes: Vec<Verdict> =
        document.comparison.candidates.iter().map(|candidate| outcome(document, candidate)).collect();
    for_what.iter().any(|fail| outcomes.iter().any(|verdict| fail.is(verdict)))
}

/// As JUnit: what fails the job is a failure, what is invalid an error, and what is not decided is skipped.
///
/// # Errors
/// If it cannot be written, which nothing is known to cause.
pub fn junit(document: &Document, for_what: &[Fail]) -> Result<String, Problem> {
    let mut report = Report::new("pilothouse bench compare");
    for candidate in &document.comparison.candidates {
        let mut suite = TestSuite::new(format!("{}: {}", document.id, candidate.arm));
        for found in &candidate.metrics {
            let case = case(found.metric.id.as_str(), &found.verdict, &found.sentence(), for_what);
            suite.add_test_case(case);
        }
        if document.answers.as_ref().is_some_and(|answers| answers.least_overlap.is_some()) {
            suite.add_test_case(guard(document, candidate));
        }
        report.add_test_suite(suite);
    }
    report
        .to_string()
        .map_err(|error| Problem::new(Code::Internal, "JUnit cannot be written.").why(format!("{error}.")))
}

fn case(name: &str, verdict: &Verdict, sentence: &str, for_what: &[Fail]) -> TestCase {
    // Without a wish what is worse fails: whoever reads the file asks for nothing else.
    let wishes = if for_what.is_empty() { &[Fail::Worse][..] } else { for_what };
    let fails = wishes.iter().any(|fail| *fail != Fail::NotBetter && fail.is(verdict))
        || wishes.contains(&Fail::NotBetter) && *verdict == Verdict::Worse;
    let mut status = match verdict {
        _ if fails => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Invalid { .. } => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::NotEnough { .. } => TestCaseStatus::skipped(),
        Verdict::Better | Verdict::Worse | Verdict::Same { .. } => TestCaseStatus::success(),
    };
    status.set_message(sentence);
    let mut case = TestCase::new(name, status);
    case.set_classname("pilothouse.bench");
    case.set_system_out(sentence);
    case
}

fn guard(document: &Document, candidate: &Candidate) -> TestCase {
    let broken = document.answers.as_ref().is_some_and(|answers| answers.is_broken_by(&candidate.arm));
    let mut status =
        if broken { TestCaseStatus::non_success(NonSuccessKind::Failure) } else { TestCaseStatus::success() };
    status.set_message("words of its answers beside the baseline's");
    let mut case = TestCase::new("answers", status);
    case.set_classname("pilothouse.bench");
    case
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::document;

    #[allow(clippy::cast_precision_loss)]
    fn slower() -> Document {
        document(12, |arm, at| (100.0 + 40.0 * arm as f64) * (1.0 + 0.002 * (at % 3) as f64))
    }

    #[test]
    fn what_is_asked_for_fails_and_nothing_else() {
        let (slower, mut invalid) = (slower(), document(6, |_, _| 100.0));
        invalid.comparison.candidates[0].verdict = Verdict::Invalid { why: "late".into() };
        for (document, fail, want) in [
            (&slower, Fail::Worse, true),
            (&slower, Fail::NotBetter, true),
            (&slower, Fail::Invalid, false),
            (&invalid, Fail::Worse, false),
            (&invalid, Fail::NotBetter, true),
            (&invalid, Fail::Invalid, true),
        ] {
            assert_eq!(failed(document, &[fail]), want, "{fail:?}");
        }
        assert!(!failed(&slower, &[]));
    }

    #[test]
    fn junit_has_a_case_a_metric() {
        let text = junit(&slower(), &[Fail::Worse]).unwrap();
        assert!(text.contains("<testsuite name=\"cmp: next\" tests=\"3\""), "{text}");
        assert!(text.contains("name=\"ttft-p95\"") && text.contains("<failure message=\"p95 TTFT: worse"), "{text}");
    }
}

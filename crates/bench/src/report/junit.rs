//! Whether a comparison fails a job, and the same as JUnit: a case for each candidate in all, which fails where the job does, and
//! one a metric.

use crate::{
    compare::{Document, outcome, sentence},
    result::State,
};
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

/// As JUnit: what fails the job is a failure. What is invalid, given up or ended early is an error, and what is not decided is
/// skipped, unless the job fails by it.
///
/// # Errors
/// If it cannot be written, which nothing is known to cause.
pub fn junit(document: &Document, for_what: &[Fail]) -> Result<String, Problem> {
    let mut report = Report::new("pilothouse bench compare");
    for candidate in &document.comparison.candidates {
        let mut suite = TestSuite::new(format!("{}: {}", document.id, candidate.arm));
        suite.add_test_case(in_all(document, candidate, for_what));
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

/// Without a wish what is worse fails: whoever reads the file asks for nothing else.
fn wishes(for_what: &[Fail]) -> &[Fail] {
    if for_what.is_empty() { &[Fail::Worse] } else { for_what }
}

/// What decides over the job: it fails where the exit code says so.
fn in_all(document: &Document, candidate: &Candidate, for_what: &[Fail]) -> TestCase {
    let verdict = outcome(document, candidate);
    let (fails, sentence) = (wishes(for_what).iter().any(|fail| fail.is(&verdict)), sentence(document, candidate));
    let (kind, words) = match (&document.state, &verdict) {
        _ if fails => (Some(NonSuccessKind::Failure), sentence),
        (State::GaveUp, _) => {
            (Some(NonSuccessKind::Error), format!("nothing was answered, and it was given up: {sentence}"))
        }
        (State::Interrupted | State::Running, _) => {
            (Some(NonSuccessKind::Error), format!("it was ended early: {sentence}"))
        }
        (State::Whole, Verdict::Invalid { .. }) => (Some(NonSuccessKind::Error), sentence),
        (State::Whole, _) => (None, sentence),
    };
    let status = match (kind, &verdict) {
        (Some(kind), _) => TestCaseStatus::non_success(kind),
        (None, Verdict::NotEnough { .. }) => TestCaseStatus::skipped(),
        (None, _) => TestCaseStatus::success(),
    };
    told("in all", status, &words)
}

fn told(name: &str, mut status: TestCaseStatus, words: &str) -> TestCase {
    status.set_message(words);
    let mut case = TestCase::new(name, status);
    case.set_classname("pilothouse.bench");
    case.set_system_out(words);
    case
}

fn case(name: &str, verdict: &Verdict, sentence: &str, for_what: &[Fail]) -> TestCase {
    let wishes = wishes(for_what);
    // Of one metric the same is no fault: that nothing is better is a matter of all of them.
    let fails = wishes.iter().any(|fail| *fail != Fail::NotBetter && fail.is(verdict))
        || wishes.contains(&Fail::NotBetter) && *verdict == Verdict::Worse;
    let status = match verdict {
        _ if fails => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Invalid { .. } => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::NotEnough { .. } => TestCaseStatus::skipped(),
        Verdict::Better | Verdict::Worse | Verdict::Same { .. } => TestCaseStatus::success(),
    };
    told(name, status, sentence)
}

fn guard(document: &Document, candidate: &Candidate) -> TestCase {
    let (broken, untold) = document
        .answers
        .as_ref()
        .map_or((false, true), |answers| (answers.is_broken_by(&candidate.arm), answers.is_untold(&candidate.arm)));
    let (status, words) = match (broken, untold) {
        (true, _) => (NonSuccessKind::Failure, "its answers have less in common with the baseline's than is allowed"),
        (_, true) => (NonSuccessKind::Error, "answered nothing: no fixed prompt was answered with a word"),
        _ => return told("answers", TestCaseStatus::success(), "words of its answers beside the baseline's"),
    };
    told("answers", TestCaseStatus::non_success(status), words)
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

    /// How many failures, errors and skipped ones a file has.
    fn counts(document: &Document, for_what: &[Fail]) -> [usize; 3] {
        let text = junit(document, for_what).unwrap();
        ["<failure", "<error", "<skipped"].map(|what| text.matches(what).count())
    }

    /// Whatever the job fails by is a failure in the file, and nothing else is one.
    #[test]
    fn what_fails_the_job_is_a_failure_in_the_file() {
        let same = document(12, |_, at| 100.0 + 0.001 * f64::from(u8::from(at % 2 == 0)));
        assert!(matches!(same.comparison.candidates[0].verdict, Verdict::Same { .. } | Verdict::NotEnough { .. }));
        let mut invalid = document(6, |_, _| 100.0);
        invalid.comparison.candidates[0].verdict = Verdict::Invalid { why: "late".into() };
        for document in [&slower(), &same, &invalid] {
            for for_what in
                [vec![Fail::Worse], vec![Fail::NotBetter], vec![Fail::Invalid], vec![Fail::Worse, Fail::Invalid]]
            {
                let [failures, ..] = counts(document, &for_what);
                assert_eq!(failures > 0, failed(document, &for_what), "{for_what:?}: {}", document.comparison.next());
            }
        }
        // Without a wish what is invalid is an error and not a success.
        assert!(counts(&invalid, &[])[1] > 0);
    }

    #[test]
    fn a_candidate_that_answered_nothing_is_an_error() {
        let mut mute = document(6, |_, _| 100.0);
        mute.blocks.truncate(1);
        mute.comparison = mute.judged(&mute.plan().unwrap());
        for state in [State::GaveUp, State::Interrupted] {
            mute.state = state;
            let text = junit(&mute, &[Fail::Worse]).unwrap();
            assert_eq!(text.matches("<error").count(), 1, "{text}");
        }
        let silent = |arm: &str| crate::compare::Agreement {
            arm: arm.into(),
            answered: 0,
            exact: None,
            overlap: None,
            each: Vec::new(),
            failed: None,
            similarity: None,
            similarities: Vec::new(),
        };
        let arms = vec![silent("now"), silent("next")];
        mute.answers = Some(crate::compare::Answers { prompts: 8, least_overlap: Some(0.5), meaning: None, arms });
        assert!(junit(&mute, &[Fail::Worse]).unwrap().contains("answered nothing: no fixed prompt"));
    }

    #[test]
    fn junit_has_a_case_a_metric() {
        let text = junit(&slower(), &[Fail::Worse]).unwrap();
        assert!(
            text.contains("<testsuite name=\"cmp: next\" tests=\"4\"") && text.contains("name=\"in all\""),
            "{text}"
        );
        assert!(text.contains("name=\"ttft-p95\"") && text.contains("<failure message=\"p95 TTFT: worse"), "{text}");
    }
}

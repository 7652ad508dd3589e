//! What the arms say to the same prompts at temperature 0: a guard beside the figures, since a model that says something
//! else may well be quicker. Texts are compared and not kept.

use super::Meaning;
use crate::{
    client::{self, Way},
    failure::{Failure, Kind},
    plan::{Output, Plan},
    prompts::Maker,
    sizes::Sizes,
};
use pilothouse_wire::{Problem, SmolStr};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, timeout};

/// What is asked. Each has an answer that a model which knows it says in much the same words again.
pub const FIXED: [&str; 16] = [
    "Name the seven days of the week in order, beginning with Monday.",
    "What is 17 times 23? Say the number alone.",
    "Translate into French: The train leaves at nine in the morning.",
    "Write a Python function that returns the factorial of n.",
    "List the first ten prime numbers.",
    "Summarise in one sentence why the sky is blue.",
    "Which planet is the largest of the solar system? One word.",
    "Spell the word 'necessary' backwards.",
    "Give the chemical formulas of water, table salt and carbon dioxide.",
    "Sort these numbers from small to large: 42, 7, 19, 3, 88.",
    "Who wrote Romeo and Juliet, and in which century?",
    "Convert 100 degrees Celsius to Fahrenheit and show the formula.",
    "Complete the sentence: The quick brown fox",
    "Write a SQL query that counts the rows of a table called orders.",
    "Name three differences between TCP and UDP.",
    "Is 221 a prime number? Explain briefly.",
];
/// The most tokens of an answer.
const TOKENS: u32 = 64;

/// What was compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    /// Prompts that each arm was asked.
    pub prompts: u32,
    /// The least overlap that is allowed, as a share; none where it is only shown.
    pub least_overlap: Option<f64>,
    /// Who told how near they are in meaning; none where nobody was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<Meaning>,
    /// Each arm beside the baseline; the first is the baseline asked once more, which tells how far it agrees with itself.
    pub arms: Vec<Agreement>,
}

/// How far an arm says what the baseline says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// The arm.
    pub arm: SmolStr,
    /// Prompts that were compared: both answered, or one of them did and the other without a word that is said.
    pub answered: u32,
    /// The share of them whose answers are the same to the letter; none where both answered none.
    pub exact: Option<f64>,
    /// The mean overlap of words: twice those in both, by their number, over those of either (F1 of bags of words).
    pub overlap: Option<f64>,
    /// Each prompt: its overlap, or none where one of them did not answer.
    pub each: Vec<Option<f64>>,
    /// What was said of the first that was not answered.
    pub failed: Option<String>,
    /// The mean of how near they are in meaning, by the cosine of their vectors; none where nobody told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f64>,
    /// The same of each prompt: its cosine, or none where one of them did not answer. Empty where nobody told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub similarities: Vec<Option<f64>>,
}

impl Agreement {
    /// The same with how near each answer is in meaning.
    #[must_use]
    pub(super) fn with_similarities(self, each: Vec<Option<f64>>) -> Self {
        let told: Vec<f64> = each.iter().flatten().copied().collect();
        let similarity = (!told.is_empty()).then(|| told.iter().sum::<f64>() / count(told.len()));
        Self { similarity, similarities: each, ..self }
    }
}

impl Answers {
    /// Has this arm less overlap than is allowed?
    #[must_use]
    pub fn is_broken_by(&self, arm: &str) -> bool {
        // Whoever answered nothing agrees with nobody.
        let overlap = self.of(arm).filter(|_| !self.is_untold(arm)).map(|own| own.overlap.unwrap_or(0.0));
        self.least_overlap.zip(overlap).is_some_and(|(least, overlap)| overlap < least)
    }

    /// Is an overlap asked for that nobody can tell, since neither the baseline nor this arm answered a prompt with a word?
    #[must_use]
    pub fn is_untold(&self, arm: &str) -> bool {
        let any = self.arms.first().into_iter().chain(self.of(arm)).any(|agreement| agreement.answered > 0);
        self.least_overlap.is_some() && !any
    }

    fn of(&self, arm: &str) -> Option<&Agreement> {
        self.arms.iter().skip(1).find(|agreement| agreement.arm == arm)
    }
}

/// What one arm said to each prompt.
pub(super) type Said = Vec<Result<String, Failure>>;

/// Asks one after the other: an empty server says what it says to anybody.
///
/// # Errors
/// If the target cannot be used as it is.
pub(super) async fn ask(plan: &Plan, many: u32) -> Result<Said, Problem> {
    let mut extra = plan.output.extra.clone();
    extra.insert("temperature".into(), 0.into());
    let output = Output { tokens: Some(Sizes::Fixed(TOKENS)), ignore_eos: false, usage: false, extra };
    let plan = Plan { output, ..plan.clone() };
    let maker = Maker::of(&plan)?;
    let key = client::key(&plan.target.key)?;
    let client = Way::new(&plan.target, key)?.begin(Instant::now());
    let limit = Duration::from_secs_f64(plan.timeout_s.min(120.0));
    let mut said = Vec::new();
    for prompt in FIXED.iter().take(many as usize) {
        let asked = timeout(limit, client.text(&maker.say(prompt, TOKENS))).await;
        said.push(asked.unwrap_or_else(|_| Err(Failure::new(Kind::TimedOut, ""))).and_then(worded));
    }
    Ok(said)
}

/// An answer of which no word is said is none: who only thought has not come to it within so few tokens, and two who say
/// nothing do not say the same.
fn worded(text: String) -> Result<String, Failure> {
    match text.split_whitespace().next() {
        Some(_) => Ok(text),
        None => {
            Err(Failure::new(Kind::Empty, format!("was said within {TOKENS}; what is only thought is not compared")))
        }
    }
}

/// How far one agrees with the baseline.
pub(super) fn agreement(arm: &SmolStr, baseline: &Said, said: &Said) -> Agreement {
    let is_silent = |failure: &Failure| failure.kind == Kind::Empty;
    let both = |pair: (&Result<String, Failure>, &Result<String, Failure>)| match pair {
        (Ok(one), Ok(other)) => Some((one == other, overlap(one, other))),
        // Who says nothing where the other says something has nothing in common with it; who could not be asked is left out.
        (Ok(_), Err(failure)) | (Err(failure), Ok(_)) if is_silent(failure) => Some((false, 0.0)),
        _ => None,
    };
    let pairs: Vec<Option<(bool, f64)>> = baseline.iter().zip(said).map(both).collect();
    let answered = pairs.iter().flatten().count();
    let share = |sum: f64| (answered > 0).then(|| sum / count(answered));
    let failed = baseline.iter().chain(said).find_map(|said| said.as_ref().err());
    Agreement {
        arm: arm.clone(),
        answered: u32::try_from(answered).unwrap_or(u32::MAX),
        exact: share(pairs.iter().flatten().map(|(exact, _)| f64::from(u8::from(*exact))).sum()),
        overlap: share(pairs.iter().flatten().map(|(_, overlap)| overlap).sum()),
        each: pairs.iter().map(|pair| pair.map(|(_, overlap)| overlap)).collect(),
        failed: failed.map(|failure| [failure.kind.words(), &failure.detail].join(" ").trim().to_owned()),
        similarity: None,
        similarities: Vec::new(),
    }
}

/// Twice the words that are in both over those of either.
fn overlap(one: &str, other: &str) -> f64 {
    let mut bag: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut all, mut shared) = (0, 0);
    for word in one.split_whitespace() {
        *bag.entry(word).or_default() += 1;
        all += 1;
    }
    for word in other.split_whitespace() {
        all += 1;
        if let Some(left) = bag.get_mut(word).filter(|left| **left > 0) {
            *left -= 1;
            shared += 1;
        }
    }
    if all == 0 { 1.0 } else { 2.0 * count(shared) / count(all) }
}

#[allow(clippy::cast_precision_loss, reason = "words of an answer")]
fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_overlap_by_their_number() {
        for (one, other, want) in [
            ("a b c", "a b c", 1.0),
            ("a b c", "c b a", 1.0),
            ("a a a", "a", 0.5),
            ("a b", "c d", 0.0),
            ("a b c d", "a b x y", 0.5),
            ("", "", 1.0),
            ("a", "", 0.0),
        ] {
            assert!((overlap(one, other) - want).abs() < 1e-12, "{one} | {other}");
        }
    }

    #[test]
    fn what_one_did_not_answer_is_left_out_and_said() {
        let no = || Err(Failure::new(Kind::TooMany, "429"));
        let said = |text: &str| Ok(text.to_owned());
        let baseline = vec![said("a b"), said("c"), said("d")];
        let of = agreement(&"next".into(), &baseline, &vec![said("a b"), said("x"), no()]);
        assert_eq!((of.answered, of.exact, of.overlap), (2, Some(0.5), Some(0.5)));
        assert_eq!(of.each, [Some(1.0), Some(0.0), None]);
        assert_eq!(of.failed.as_deref(), Some("429, too many 429"));
        let none = agreement(&"next".into(), &baseline, &vec![no(), no(), no()]);
        assert_eq!((none.answered, none.exact, none.overlap), (0, None, None));
        let own = agreement(&"now".into(), &baseline, &baseline);
        for (least, want) in [(None, [false, false]), (Some(0.5), [false, true]), (Some(0.4), [false, true])] {
            let answers = Answers {
                prompts: 3,
                least_overlap: least,
                meaning: None,
                arms: vec![own.clone(), of.clone(), Agreement { arm: "mute".into(), ..none.clone() }],
            };
            assert_eq!([answers.is_broken_by("next"), answers.is_broken_by("mute")], want, "{least:?}");
            assert!(!answers.is_broken_by("now"));
        }
    }

    #[test]
    fn who_says_nothing_has_not_answered_and_a_guard_that_nobody_can_tell_is_not_passed() {
        assert_eq!(worded(" Mars\n".into()).unwrap(), " Mars\n");
        let thought = |many: usize| -> Said { (0..many).map(|_| worded(" \n".into())).collect() };
        let said = |text: &str| worded(text.into());
        assert_eq!(thought(1)[0].as_ref().unwrap_err().kind, Kind::Empty);
        // All of them only think: nothing is the same, and nothing is shown to be.
        let none = agreement(&"next".into(), &thought(3), &thought(3));
        assert_eq!((none.answered, none.exact, none.overlap), (0, None, None));
        assert!(none.failed.as_ref().is_some_and(|why| why.contains("no token was said within 64")), "{none:?}");
        let of = |baseline: &Said, next: &Said| {
            let arms = vec![agreement(&"now".into(), baseline, baseline), agreement(&"next".into(), baseline, next)];
            let answers = Answers { prompts: 3, least_overlap: Some(0.8), meaning: None, arms };
            (answers.is_broken_by("next"), answers.is_untold("next"))
        };
        assert_eq!(of(&thought(3), &thought(3)), (false, true));
        let baseline = vec![said("a"), said("b"), said("c")];
        assert_eq!(of(&baseline, &baseline), (false, false));
        // One that thinks for longer than it is given is not as the baseline, and no less so where it comes to one answer.
        assert_eq!(of(&baseline, &thought(3)), (true, false));
        assert_eq!(of(&baseline, &vec![said("a"), worded(String::new()), worded(String::new())]), (true, false));
    }

    #[test]
    fn the_mean_of_what_is_near_is_of_those_that_were_told() {
        let said = vec![Ok("a".to_owned()), Ok("b".to_owned()), Ok("c".to_owned())];
        let own = agreement(&"now".into(), &said, &said);
        assert_eq!((own.similarity, own.similarities.len()), (None, 0));
        let told = own.clone().with_similarities(vec![Some(1.0), None, Some(0.5)]);
        assert_eq!((told.similarity, told.similarities.len()), (Some(0.75), 3));
        assert_eq!(own.clone().with_similarities(vec![None, None]).similarity, None);
        // What was kept before there was such a measure is read as well.
        let mut kept = serde_json::to_value(&own).unwrap();
        assert!(kept.as_object_mut().is_some_and(|fields| !fields.contains_key("similarity")));
        assert_eq!(serde_json::from_value::<Agreement>(kept).unwrap(), own);
    }

    proptest! {
        #[test]
        fn overlap_is_a_share_and_the_same_both_ways(one in "[ab ]{0,12}", other in "[abc ]{0,12}") {
            let there = overlap(&one, &other);
            prop_assert!((0.0..=1.0).contains(&there));
            prop_assert!((there - overlap(&other, &one)).abs() < 1e-12);
            prop_assert!((overlap(&one, &one) - 1.0).abs() < 1e-12);
        }
    }
}

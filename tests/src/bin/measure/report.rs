//! What was measured, as a table for people or as one JSON object a line.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value, json};

/// How it is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A table.
    Table,
    /// One object a line.
    Json,
}

/// What a figure has to reach.
#[derive(Clone, Copy)]
enum Goal {
    /// It may be no more.
    AtMost(f64),
    /// It may be no less.
    AtLeast(f64),
}

impl Goal {
    fn is_kept_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::AtMost(_) => "≤",
            Self::AtLeast(_) => "≥",
        }
    }

    fn number(self) -> f64 {
        match self {
            Self::AtMost(goal) | Self::AtLeast(goal) => goal,
        }
    }
}

/// One figure.
pub struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    goal: Option<Goal>,
    /// What it stands beside, measured in the same run.
    reference: Option<(&'static str, f64, &'static str)>,
}

impl Figure {
    /// A figure without a goal.
    pub fn new(name: &'static str, value: f64, unit: &'static str) -> Self {
        Self { name, value, unit, goal: None, reference: None }
    }

    /// The most that it may be.
    pub fn at_most(mut self, goal: f64) -> Self {
        self.goal = Some(Goal::AtMost(goal));
        self
    }

    /// The least that it may be.
    pub fn at_least(mut self, goal: f64) -> Self {
        self.goal = Some(Goal::AtLeast(goal));
        self
    }

    /// What it stands beside: what, how much, of which unit.
    pub fn beside(mut self, what: &'static str, value: f64, unit: &'static str) -> Self {
        self.reference = Some((what, value, unit));
        self
    }

    fn holds(&self) -> Option<bool> {
        self.goal.map(|goal| goal.is_kept_by(self.value))
    }

    fn json(&self) -> Value {
        let reference = self.reference.map(|(what, value, unit)| json!({ "what": what, "value": value, "unit": unit }));
        json!({
            "figure": self.name,
            "value": self.value,
            "unit": self.unit,
            "goal": self.goal.map(Goal::number),
            "goal_is": self.goal.map(Goal::sign),
            "holds": self.holds(),
            "reference": reference,
        })
    }

    fn row(&self) -> String {
        let goal = self.goal.map(|goal| format!("{} {}", goal.sign(), number(goal.number()))).unwrap_or_default();
        let holds = match self.holds() {
            Some(true) => "holds",
            Some(false) => "MISSED",
            None => "",
        };
        let beside = self.reference.map(|(what, value, unit)| format!("{what}: {} {unit}", number(value)));
        let (value, beside) = (number(self.value), beside.unwrap_or_default());
        format!("{:<28}{value:>10} {:<6}{goal:>10}  {holds:<7} {beside}", self.name, self.unit).trim_end().to_owned()
    }
}

/// All figures of a run.
pub struct Report {
    form: Form,
    figures: Vec<Figure>,
}

impl Report {
    /// An empty one.
    pub fn new(form: Form) -> Self {
        Self { form, figures: Vec::new() }
    }

    /// Takes a figure; as JSON it is told at once.
    pub fn add(&mut self, figure: Figure) {
        if self.form == Form::Json {
            tell(&figure.json().to_string());
        }
        self.figures.push(figure);
    }

    /// Tells all of it. Fails where a goal is missed.
    pub fn end(self) -> ExitCode {
        if self.form == Form::Table {
            let heads = format!("{:<28}{:>10} {:<6}{:>10}", "Figure", "Value", "", "Goal");
            let rows = self.figures.iter().map(Figure::row);
            std::iter::once(heads).chain(rows).for_each(|line| tell(&line));
        }
        let missed = self.figures.iter().any(|figure| figure.holds() == Some(false));
        if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

/// Digits that mean something: three of them, and all before the point.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Tells a line on the output.
pub fn tell(line: &str) {
    // Nobody reads it: then it need not be said.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Says what is going on, beside the figures.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_the_most_or_the_least_that_a_figure_may_be() {
        let least = |value| Figure::new("ratio", value, "×").at_least(20.0);
        assert_eq!((least(20.0).holds(), least(19.9).holds()), (Some(true), Some(false)));
        assert_eq!(
            (least(30.0).json()["goal"].as_f64(), least(30.0).json()["goal_is"].as_str()),
            (Some(20.0), Some("≥"))
        );
        assert!(least(30.0).row().contains("≥ 20.0  holds"), "{}", least(30.0).row());
        let figure = |value| Figure::new("ratio", value, "×").at_most(0.6);
        assert_eq!((figure(0.6).holds(), figure(0.61).holds()), (Some(true), Some(false)));
        let figure = figure(0.5).beside("curl", 1234.56, "ms");
        assert_eq!(figure.row(), "ratio                            0.500 ×        ≤ 0.600  holds   curl: 1235 ms");
        assert_eq!(figure.json()["reference"]["what"], "curl");
        assert_eq!(Figure::new("rate", 1.0, "/s").json()["holds"], Value::Null);
    }
}

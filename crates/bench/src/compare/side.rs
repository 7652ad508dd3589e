//! Two runs that are kept, side by side. They ran one after the other, each once: how far they would differ by chance is not
//! known, so that no verdict is given.

use super::{
    metric::Quantity,
    words::{direction, figure, signed},
};
use crate::{
    kept::Kept,
    page::{Head, Page, Table, Tone},
    plan::Plan,
    told,
};
use pilothouse_wire::units::ABSENT;
use serde::Serialize;

/// Why two runs give no verdict.
const WHY: &str = "Two single runs give no verdict: each ran once, at another time and not in pairs, so that nobody can tell a \
                   difference from chance. pilothouse bench compare with two targets runs them in blocks and gives one.";

/// What is looked at of a run.
const LOOKED_AT: [&str; 13] = [
    "ttft-mean",
    "ttft-p50",
    "ttft-p95",
    "ttft-p99",
    "itl-gap-p50",
    "itl-gap-p99",
    "tpot-mean",
    "tpot-p50",
    "e2e-p50",
    "e2e-p99",
    "answers",
    "tokens-out",
    "goodput",
];

/// Two runs side by side.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// What they are called.
    pub runs: [String; 2],
    /// Always none.
    pub verdict: Option<String>,
    /// Why.
    pub why: &'static str,
    /// In what they differ besides what is measured.
    pub unlike: Vec<String>,
    /// Requests of each that failed or were left open, where they are known, of how many.
    pub failed: [Option<(u64, u64)>; 2],
    /// What both or one of them has.
    pub rows: Vec<Row>,
}

/// One measure of both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The measure: `ttft-p95`.
    pub metric: String,
    /// Its unit.
    pub unit: &'static str,
    /// Of each.
    pub values: [Option<f64>; 2],
    /// How much more the second has, as a share of the first.
    pub difference: Option<f64>,
}

/// Puts them side by side.
#[must_use]
pub fn side_by_side(one: &Kept, other: &Kept) -> Side {
    let both = [one, other];
    let of = |quantity: Quantity| both.map(|kept| value(kept, quantity));
    let rows = LOOKED_AT.iter().filter_map(|word| word.parse::<Quantity>().ok()).map(|quantity| {
        let values = of(quantity);
        let difference = values[0].zip(values[1]).filter(|(one, _)| *one > 0.0).map(|(one, other)| other / one - 1.0);
        Row { metric: quantity.to_string(), unit: quantity.unit(), values, difference }
    });
    Side {
        runs: both.map(|kept| kept.id().to_owned()),
        verdict: None,
        why: WHY,
        unlike: unlike(one, other),
        failed: both.map(failed),
        rows: rows.filter(|row| row.values.iter().any(Option::is_some)).collect(),
    }
}

fn value(kept: &Kept, quantity: Quantity) -> Option<f64> {
    match kept {
        Kept::Run(document) => quantity.value(document.measures.as_ref()?),
        Kept::Imported(document) => document.figures.get(&quantity.to_string()).copied(),
        Kept::Comparison(_) | Kept::Search(_) => None,
    }
}

fn failed(kept: &Kept) -> Option<(u64, u64)> {
    match kept {
        Kept::Run(document) => {
            let requests = document.measures.as_ref()?.requests;
            let failed = requests.failed + document.left_open();
            Some((failed, failed + requests.answered))
        }
        Kept::Imported(document) => {
            document.failed.zip(document.answered).map(|(failed, answered)| (failed, failed + answered))
        }
        Kept::Comparison(_) | Kept::Search(_) => None,
    }
}

/// A part of a plan, in words.
type Said = fn(&Plan) -> String;

fn unlike(one: &Kept, other: &Kept) -> Vec<String> {
    let (Kept::Run(one), Kept::Run(other)) = (one, other) else {
        return vec!["at least one of them is from another tool: its load and its definitions are its own".to_owned()];
    };
    let said = |name: &str, one: String, other: String| (one != other).then(|| format!("{name}: {one} | {other}"));
    let of = |read: Said| [read(&one.plan), read(&other.plan)];
    let parts: [(&str, Said); 5] = [
        ("load", told::load),
        ("prompts", told::prompts),
        ("limits", |plan| plan.slo.to_string()),
        ("model", |plan| plan.target.model.clone()),
        ("address", |plan| plan.target.place()),
    ];
    let parts = parts.into_iter().filter_map(|(name, read)| {
        let [one, other] = of(read);
        said(name, one, other)
    });
    let host = |document: &crate::result::Document| document.environment.host.clone().unwrap_or_default();
    let hosts = said("client's machine", host(one), host(other));
    let state = said("state", format!("{:?}", one.state), format!("{:?}", other.state));
    parts.chain(hosts).chain(state).collect()
}

impl Side {
    /// What there is to say of them.
    #[must_use]
    pub fn page(&self) -> Page {
        const HEADS: [Head; 6] = [
            Head::left("METRIC"),
            Head::left("UNIT"),
            Head::right("FIRST"),
            Head::right("SECOND"),
            Head::right("DIFFERENCE"),
            Head::left(""),
        ];
        let mut page = Page { title: format!("{} beside {}", self.runs[1], self.runs[0]), ..Page::default() };
        page.line("First", self.runs[0].clone());
        page.line("Second", self.runs[1].clone());
        page.toned("Verdict", format!("none. {}", self.why), Tone::Warn);
        for (at, unlike) in self.unlike.iter().enumerate() {
            page.line(if at == 0 { "Unlike" } else { "" }, unlike.clone());
        }
        for (run, failed) in self.runs.iter().zip(self.failed) {
            if let Some((failed, all)) = failed.filter(|(failed, _)| *failed > 0) {
                page.toned("Failed", format!("{run}: {failed} of {all} requests were not answered"), Tone::Bad);
            }
        }
        let cell = |value: Option<f64>| value.map_or_else(|| ABSENT.to_owned(), figure);
        let row = |row: &Row| {
            let better = row.metric.parse::<Quantity>().map(|quantity| direction(quantity.better()));
            let difference = row.difference.map_or_else(|| ABSENT.to_owned(), signed);
            let [one, other] = row.values.map(cell);
            vec![row.metric.clone(), row.unit.to_owned(), one, other, difference, better.unwrap_or_default().to_owned()]
        };
        page.tables.push(Table {
            title: String::new(),
            heads: HEADS.to_vec(),
            rows: self.rows.iter().map(row).collect(),
        });
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compare::tests::block, environment::Environment, plan::tests::plan, result::Document};
    use pilothouse_wire::Stamp;

    fn run(id: &str, ttft_ms: f64, failed: u64) -> Kept {
        let mut document = Document::begun(id.into(), plan(), Environment::default(), Stamp(0), String::new());
        let mut measures = block(0, ttft_ms).measures;
        measures.requests.failed = failed;
        document.measures = Some(measures);
        Kept::Run(Box::new(document))
    }

    #[test]
    fn two_runs_stand_side_by_side_without_a_verdict() {
        let side = side_by_side(&run("one", 100.0, 0), &run("two", 80.0, 2));
        assert_eq!(side.verdict, None);
        let row = side.rows.iter().find(|row| row.metric == "ttft-p50").unwrap();
        assert!(row.difference.is_some_and(|of| (of + 0.2).abs() < 0.01), "{row:?}");
        assert!(side.unlike.is_empty(), "{:?}", side.unlike);
        let page = side.page();
        let said: String = page.lines.iter().map(|line| format!("{}\n", line.text)).collect();
        assert!(said.contains("none. Two single runs give no verdict") && said.contains("two: 2 of 42"), "{said}");
        // Too few for a p99, so it is not there, and not 0.
        assert!(side.rows.iter().all(|row| row.metric != "ttft-p99"));
    }

    #[test]
    fn what_differs_besides_is_said() {
        let (one, mut other) = (run("one", 100.0, 0), run("two", 100.0, 0));
        let Kept::Run(document) = &mut other else { unreachable!() };
        document.plan.load = crate::plan::Load::Closed { concurrency: 9 };
        let side = side_by_side(&one, &other);
        assert!(side.unlike.iter().any(|of| of.starts_with("load: closed loop, 4 at a time")), "{:?}", side.unlike);
    }
}

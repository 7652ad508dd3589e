//! An object in words: sections of labels with values and small tables, and its events. The same in every door.

use crate::{
    ObjectRef, Problem, SmolStr, Stamp,
    units::{self, ABSENT, visible},
    view::{EventRow, FieldRow},
};
use serde::{Deserialize, Serialize};

/// An object in words, as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The object.
    pub object: ObjectRef,
    /// When it was read, by our clock.
    pub read_at: Stamp,
    /// What it is, in the order to be read.
    pub sections: Vec<Section>,
    /// Lines for a terminal of what Pilothouse itself does not do to it.
    pub commands: Vec<Command>,
    /// Events about it, newest first.
    pub events: Vec<EventRow>,
    /// Are there more events than these?
    pub more_events: bool,
    /// Why its events could not be read.
    pub events_problem: Option<Problem>,
}

/// A line to copy into a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// What it does.
    pub label: String,
    /// The line, its words quoted for a shell.
    pub line: String,
}

/// A part of a description.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// Labels with values.
    pub rows: Vec<FieldRow>,
    /// A small table below them.
    pub table: Option<Grid>,
    /// A sentence on what is not here, and why.
    pub note: Option<String>,
}

/// A small table: heads, and as many cells in each row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    /// Heads.
    pub heads: Vec<SmolStr>,
    /// Rows of cells; `None` is absent.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Section {
    /// Has it anything to show?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.table.as_ref().is_none_or(|table| table.rows.is_empty()) && self.note.is_none()
    }
}

impl Description {
    /// The whole of it as text, harmless where it is shown. Ages of events are up to `now`.
    #[must_use]
    pub fn text(&self, now: Stamp) -> String {
        let mut lines = vec![visible(&format!("{} {}", self.object.kind_word(), self.object.name()))];
        for section in self.sections.iter().filter(|section| !section.is_empty()) {
            lines.extend([String::new(), visible(&section.title)]);
            lines.extend(fields(&section.rows));
            lines.extend(section.table.iter().flat_map(|table| aligned(&table.heads, &table.rows)));
            lines.extend(section.note.iter().map(|note| format!("  {}", visible(note))));
        }
        if !self.commands.is_empty() {
            lines.extend([String::new(), "In a terminal".to_owned()]);
            let row = |Command { label, line }: &Command| format!("  {}: {}", visible(label), visible(line));
            lines.extend(self.commands.iter().map(row));
        }
        lines.extend([String::new(), "Events".to_owned()]);
        lines.extend(self.events_text(now));
        lines.join("\n") + "\n"
    }

    fn events_text(&self, now: Stamp) -> Vec<String> {
        if let Some(problem) = &self.events_problem {
            return vec![format!("  {}", visible(&problem.to_string()))];
        }
        if self.events.is_empty() {
            return vec!["  None are kept.".to_owned()];
        }
        let heads = ["Age", "Times", "Type", "Reason", "Message"].map(SmolStr::new_static);
        let row = |event: &EventRow| {
            let kind = if event.warning { "Warning" } else { "Normal" };
            let age = units::age(now.since(event.at));
            [age, units::count(u64::from(event.count)), kind.into(), event.reason.to_string(), event.note.clone()]
                .map(Some)
                .to_vec()
        };
        let mut lines = aligned(&heads, &self.events.iter().map(row).collect::<Vec<_>>());
        if self.more_events {
            lines.push("  There are older ones.".to_owned());
        }
        lines
    }
}

fn fields(rows: &[FieldRow]) -> Vec<String> {
    let width = rows.iter().map(|row| row.label.chars().count()).max().unwrap_or_default() + 1;
    rows.iter()
        .map(|row| {
            let label = format!("{}:", visible(&row.label));
            format!("  {label:width$}  {}", row.value.as_deref().map_or(ABSENT.into(), visible))
        })
        .collect()
}

fn aligned(heads: &[SmolStr], rows: &[Vec<Option<String>>]) -> Vec<String> {
    let shown = |cell: &Option<String>| cell.as_deref().map_or(ABSENT.into(), visible);
    let head: Vec<String> = heads.iter().map(|head| visible(head).to_ascii_uppercase()).collect();
    let all: Vec<Vec<String>> =
        std::iter::once(head).chain(rows.iter().map(|row| row.iter().map(shown).collect())).collect();
    let width = |at: usize| all.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..heads.len()).map(|at| width(at).unwrap_or_default()).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("  {cell:width$}"));
        cells.collect::<String>().trim_end().to_owned()
    };
    all.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    fn row(label: &'static str, value: Option<&str>) -> FieldRow {
        FieldRow { label: label.into(), value: value.map(str::to_owned), mono: false, link: None }
    }

    fn described() -> Description {
        let table = Grid {
            heads: vec!["Type".into(), "Status".into()],
            rows: vec![vec![Some("Ready".into()), Some("True".into())], vec![Some("Disk\u{1b}[31m".into()), None]],
        };
        Description {
            object: "pod:iad/serving/chat".parse().unwrap(),
            read_at: Stamp(100_000),
            sections: vec![
                Section {
                    title: "Pod".into(),
                    rows: vec![row("Node", Some("h100-1")), row("Priority", None)],
                    ..Section::default()
                },
                Section::default(),
                Section { title: "Conditions".into(), table: Some(table), ..Section::default() },
            ],
            commands: vec![Command { label: "A shell".into(), line: "kubectl exec chat -- sh".into() }],
            events: vec![EventRow {
                at: Stamp(40_000),
                warning: true,
                reason: "BackOff".into(),
                note: "Back-off restarting\nfailed container".into(),
                count: 1_204,
            }],
            more_events: true,
            events_problem: None,
        }
    }

    #[test]
    fn it_reads_as_text_in_which_nothing_acts() {
        let want = "\
pod chat

Pod
  Node:      h100-1
  Priority:  —

Conditions
  TYPE       STATUS
  Ready      True
  Disk␛[31m  —

In a terminal
  A shell: kubectl exec chat -- sh

Events
  AGE         TIMES  TYPE     REASON   MESSAGE
  1 min 00 s  1,204  Warning  BackOff  Back-off restarting␊failed container
  There are older ones.
";
        assert_eq!(described().text(Stamp(100_000)), want);
    }

    #[test]
    fn events_that_cannot_be_read_are_not_events_that_are_not_there() {
        let denied = Problem::new(Code::Denied, "403 for events.");
        let denied = Description { events: Vec::new(), events_problem: Some(denied), ..described() };
        assert!(denied.text(Stamp(0)).ends_with("Events\n  403 for events.\n"));
        let none = Description { events: Vec::new(), more_events: false, ..described() };
        assert!(none.text(Stamp(0)).ends_with("Events\n  None are kept.\n"));
    }
}

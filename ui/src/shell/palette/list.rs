//! What the palette lists for what was typed: objects that the engine found, then deeds whose words match.

use super::deed::Deed;
use crate::parts::icon::Icon;
use pilothouse_wire::{
    ObjectRef,
    ask::Hit,
    sort,
    units::{lower, visible},
};

/// The heading under which an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What can be planned for what is shown or selected.
    Subject,
    /// Objects of the fleet.
    Objects,
    /// What its person keeps: saved views and pins.
    Saved,
    /// Objects of a kind, as their server lists them.
    Listed,
    /// Kinds of objects.
    Kinds,
    /// Screens.
    GoTo,
    /// What can be done.
    Actions,
}

impl Section {
    /// The heading's words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Subject => "Plan, for what is shown",
            Self::Objects => "Objects",
            Self::Saved => "Saved",
            Self::Listed => "Listed by the server",
            Self::Kinds => "Kinds",
            Self::GoTo => "Go to",
            Self::Actions => "Actions",
        }
    }
}

/// What an entry leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Selects an object.
    Object(ObjectRef),
    /// Names a kind in the field: its objects are listed.
    Kind(String),
    /// Does something.
    Do(Deed),
}

/// One line of the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub section: Section,
    /// Its sign.
    pub icon: Icon,
    /// Its name, made safe to show.
    pub name: String,
    /// Characters of the name that matched, by position.
    pub matched: Vec<u16>,
    /// What it is or does, in few words.
    pub about: String,
    /// What its server's table shows of it besides.
    pub cells: Vec<String>,
    /// The key that does the same.
    pub chord: Option<&'static str>,
    /// What it leads to.
    pub target: Target,
}

/// The lines for what was typed. `>` asks for deeds alone.
pub fn entries(typed: &str, hits: &[Hit], deeds: &[Entry]) -> Vec<Entry> {
    let (objects, words) = match typed.trim().strip_prefix('>') {
        Some(rest) => (&[][..], rest),
        None => (hits, typed),
    };
    let words: Vec<String> = words.split_whitespace().map(lower).collect();
    let deeds = deeds.iter().filter_map(|deed| matching(deed, &words));
    objects.iter().map(object).chain(deeds).collect()
}

fn object(hit: &Hit) -> Entry {
    Entry {
        section: Section::Objects,
        icon: Icon::of(&hit.object),
        // `visible` gives one character for one, so that the positions stay right.
        name: visible(&hit.object.name()),
        matched: hit.matched.clone(),
        about: visible(&format!("{}, {}", hit.object.kind_word(), hit.place)),
        cells: Vec::new(),
        chord: None,
        target: Target::Object(hit.object.clone()),
    }
}

/// The deed with the places that matched, if every word occurs in its name or in what it is about.
fn matching(deed: &Entry, words: &[String]) -> Option<Entry> {
    let name: Vec<char> = lower(&deed.name).chars().collect();
    let about = lower(&deed.about);
    let mut matched = Vec::new();
    for word in words {
        let letters: Vec<char> = word.chars().collect();
        match name.windows(letters.len()).position(|window| window == letters) {
            Some(at) => matched.extend((at..at + letters.len()).filter_map(|at| u16::try_from(at).ok())),
            None if about.contains(word) => {}
            None => return None,
        }
    }
    sort::sort(&mut matched);
    matched.dedup();
    Some(Entry { matched, ..deed.clone() })
}

/// A name cut into runs, each with whether it matched.
pub fn runs(name: &str, matched: &[u16]) -> Vec<(String, bool)> {
    let mut runs: Vec<(String, bool)> = Vec::new();
    for (at, c) in name.chars().enumerate() {
        let hit = u16::try_from(at).is_ok_and(|at| matched.contains(&at));
        match runs.last_mut() {
            Some((run, was)) if *was == hit => run.push(c),
            _ => runs.push((c.to_string(), hit)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deed(name: &str) -> Entry {
        Entry {
            section: Section::Actions,
            icon: Icon::Theme,
            name: name.into(),
            matched: Vec::new(),
            about: "colours of this page".into(),
            cells: Vec::new(),
            chord: None,
            target: Target::Do(Deed::CopyAddress),
        }
    }

    fn hit(text: &str) -> Hit {
        Hit { object: text.parse().unwrap(), place: "iad".into(), matched: vec![0, 1] }
    }

    fn names(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.name.as_str()).collect()
    }

    #[test]
    fn objects_come_first_and_a_mark_asks_for_deeds_alone() {
        let (hits, deeds) = ([hit("node:iad/light-7")], [deed("Use the light theme"), deed("Copy the address")]);
        assert_eq!(names(&entries("light", &hits, &deeds)), ["light-7", "Use the light theme"]);
        assert_eq!(names(&entries("> theme use", &hits, &deeds)), ["Use the light theme"]);
        assert_eq!(entries("> colours", &hits, &deeds).len(), 2);
        assert_eq!(entries(">", &hits, &deeds).len(), 2);
    }

    #[test]
    fn what_matched_is_marked() {
        let entry = matching(&deed("Use the light theme"), &["light".into()]).unwrap();
        let shown = runs(&entry.name, &entry.matched);
        assert_eq!(shown, [("Use the ".into(), false), ("light".into(), true), (" theme".into(), false)]);
    }
}

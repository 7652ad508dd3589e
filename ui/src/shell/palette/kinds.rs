//! Kinds of objects in the palette: what `:` asks for, and its lines. Pure.

use super::list::{Entry, Section, Target};
use crate::parts::icon::Icon;
use pilothouse_wire::{
    ConnectionId, Problem,
    kinds::{KindRow, ObjectColumn, ObjectTable, Offered},
    sort,
    units::{ABSENT, count, lower, visible},
};

/// Lines that are drawn at most: typing on finds the rest.
const SHOWN: usize = 200;
/// Columns of a table besides the name.
pub const COLUMNS: usize = 5;

/// What was typed behind a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// No colon: objects of the fleet, and deeds.
    Fleet,
    /// A colon and a number or a sign: a time. No kind is called so.
    Time(&'a str),
    /// A colon: a kind, and words that its objects must have.
    Kind(&'a str, &'a str),
}

/// What is asked for. `:` with a digit or a sign behind it is a time, anything else a kind.
pub fn asked(typed: &str) -> Asked<'_> {
    let Some(rest) = typed.trim_start().strip_prefix(':') else { return Asked::Fleet };
    let rest = rest.trim_start();
    if rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '−')) {
        return Asked::Time(rest.trim_end());
    }
    let (word, words) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Asked::Kind(word, words.trim())
}

/// The kind that a word names, in each cluster that has it.
pub fn meant(offered: &[Offered], word: &str) -> Vec<(ConnectionId, KindRow)> {
    let named = |one: &Offered| Some((one.cluster.clone(), pilothouse_wire::kinds::called(&one.kinds, word)?.clone()));
    offered.iter().filter_map(named).collect()
}

/// Lines for the kinds that a word is a part of, one for each kind whatever clusters have it.
pub fn kinds(offered: &[Offered], word: &str) -> Vec<Entry> {
    let word = lower(word);
    let fits = |kind: &KindRow| {
        let id = &kind.id;
        id.to_string().contains(&word)
            || lower(&id.kind).contains(&word)
            || kind.short.iter().any(|short| short.contains(&word))
    };
    let mut all: Vec<(&KindRow, usize)> = Vec::new();
    for kind in offered.iter().flat_map(|one| one.kinds.iter().filter(|kind| fits(kind))) {
        match all.iter_mut().find(|(row, _)| row.id.group == kind.id.group && row.id.plural == kind.id.plural) {
            Some((_, clusters)) => *clusters += 1,
            None => all.push((kind, 1)),
        }
    }
    // What begins with the word is meant more often than what has it inside.
    sort::by_key(&mut all, |(kind, _)| {
        !(kind.id.plural.starts_with(&*word) || kind.short.iter().any(|one| *one == word))
    });
    all.truncate(SHOWN);
    let taken = |kind: &KindRow| all.iter().filter(|(other, _)| other.id.plural == kind.id.plural).count() > 1;
    all.iter().map(|(kind, clusters)| line(kind, *clusters, offered.len(), taken(kind))).collect()
}

fn line(kind: &KindRow, clusters: usize, of: usize, taken: bool) -> Entry {
    let id = &kind.id;
    let short = kind.short.iter().map(|short| format!(", {short}")).collect::<String>();
    let group = if id.group.is_empty() { "core" } else { id.group.as_str() };
    let place = if clusters < of { format!(", in {clusters} of {of} clusters") } else { String::new() };
    // Two groups may have a kind of one name: the group says which.
    let word =
        if taken && !id.group.is_empty() { format!("{}.{}", id.plural, id.group) } else { id.plural.to_string() };
    let name = visible(&id.plural);
    Entry {
        section: Section::Kinds,
        icon: Icon::Code,
        matched: Vec::new(),
        about: visible(&format!("{}, {group}/{}{short}{place}", id.kind, id.version)),
        name,
        cells: Vec::new(),
        chord: None,
        target: Target::Kind(word),
    }
}

/// What was read of one cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The cluster.
    pub cluster: ConnectionId,
    /// Its objects, or why they cannot be listed.
    pub table: Result<ObjectTable, Problem>,
}

/// The columns that are drawn besides the name: the first ones and the last, which is mostly the age.
fn columns(columns: &[ObjectColumn]) -> Vec<usize> {
    let mut used: Vec<usize> =
        (0..columns.len()).filter(|at| !columns[*at].wide && !columns[*at].name.eq_ignore_ascii_case("name")).collect();
    while used.len() > COLUMNS {
        used.remove(COLUMNS - 1);
    }
    used
}

/// The heads of those columns, of the first table that there is.
pub fn heads(read: &[Read]) -> Vec<String> {
    let table = read.iter().find_map(|one| one.table.as_ref().ok());
    table.map_or_else(Vec::new, |table| {
        columns(&table.columns).into_iter().map(|at| visible(&table.columns[at].name)).collect()
    })
}

/// Lines for the objects that have all of these words in their name, place or cells.
pub fn objects(read: &[Read], words: &str) -> Vec<Entry> {
    let words: Vec<String> = words.split_whitespace().map(lower).collect();
    let rows = read.iter().flat_map(|one| {
        let table = one.table.as_ref().ok();
        let used = table.map_or_else(Vec::new, |table| columns(&table.columns));
        table.into_iter().flat_map(|table| &table.rows).map(move |row| {
            let cell =
                |at: &usize| row.cells.get(*at).cloned().flatten().map_or(ABSENT.to_owned(), |cell| visible(&cell));
            let place = match row.object.namespace() {
                Some(namespace) => format!("{} / {namespace}", one.cluster),
                None => one.cluster.to_string(),
            };
            Entry {
                section: Section::Listed,
                icon: Icon::Code,
                name: visible(&row.object.name()),
                matched: Vec::new(),
                about: visible(&place),
                cells: used.iter().map(cell).collect(),
                chord: None,
                target: Target::Object(row.object.clone()),
            }
        })
    });
    let fits = |entry: &Entry| {
        let text = lower(&format!("{} {} {}", entry.name, entry.about, entry.cells.join(" ")));
        words.iter().all(|word| text.contains(word))
    };
    rows.filter(fits).take(SHOWN).collect()
}

/// What is to be said of it: what cannot be listed, and what is not shown.
pub fn notes(offered: &[Offered], read: &[Read], shown: usize) -> Vec<String> {
    let mut notes: Vec<String> =
        offered.iter().filter_map(|one| one.problem.as_ref()).map(ToString::to_string).collect();
    notes.extend(read.iter().filter_map(|one| one.table.as_ref().err()).map(ToString::to_string));
    let more = read.iter().filter_map(|one| one.table.as_ref().ok()).any(|table| table.more);
    if shown >= SHOWN {
        notes.push(format!("The first {} are shown: a word behind the kind finds others.", count(SHOWN as u64)));
    } else if more {
        notes.push("Not all objects were listed: \"pilothouse get\" lists more.".to_owned());
    }
    notes.iter().map(|note| visible(note)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{Code, KindId, ObjectRef, kinds::ObjectLine};

    fn row(plural: &str, group: &str, short: &[&str]) -> KindRow {
        let id = KindId { group: group.into(), version: "v1".into(), plural: plural.into(), kind: "Thing".into() };
        KindRow { id, singular: "".into(), short: short.iter().map(|word| (*word).into()).collect(), namespaced: true }
    }

    fn offered(cluster: &str, kinds: Vec<KindRow>) -> Offered {
        Offered { cluster: ConnectionId::slug(cluster), kinds, problem: None }
    }

    #[test]
    fn a_number_behind_the_colon_is_a_time_and_a_word_is_a_kind() {
        for (typed, want) in [
            ("pods", Asked::Fleet),
            (">theme", Asked::Fleet),
            (":", Asked::Kind("", "")),
            (": isvc", Asked::Kind("isvc", "")),
            (":pods chat  70b ", Asked::Kind("pods", "chat  70b")),
            (":02:41", Asked::Time("02:41")),
            (":-15m", Asked::Time("-15m")),
            (":2026-11-24T02:41:29Z", Asked::Time("2026-11-24T02:41:29Z")),
        ] {
            assert_eq!(asked(typed), want, "{typed}");
        }
    }

    #[test]
    fn a_kind_is_one_line_whatever_clusters_have_it() {
        let both = [
            offered("iad", vec![row("events", "", &["ev"]), row("deployments", "apps", &["deploy"])]),
            offered("ord", vec![row("events", "", &["ev"]), row("events", "events.k8s.io", &[])]),
        ];
        let lines = kinds(&both, "ev");
        let told: Vec<(String, Target)> = lines.into_iter().map(|line| (line.about, line.target)).collect();
        assert_eq!(
            told,
            [
                ("Thing, core/v1, ev".to_owned(), Target::Kind("events".into())),
                ("Thing, events.k8s.io/v1, in 1 of 2 clusters".to_owned(), Target::Kind("events.events.k8s.io".into())),
            ]
        );
        assert_eq!(kinds(&both, "").len(), 3);
        assert_eq!(meant(&both, "deploy").len(), 1);
        assert_eq!(meant(&both, "ev").len(), 2);
    }

    fn read(cluster: &str) -> Read {
        let kind = row("things", "", &[]).id;
        let cluster = ConnectionId::slug(cluster);
        let line = |name: &str, status: Option<&str>| ObjectLine {
            object: ObjectRef::listed(cluster.clone(), &kind, Some("serving".into()), name.into()),
            cells: vec![Some(name.to_owned()), status.map(str::to_owned), Some("x".into())],
        };
        let column = |name: &str, wide| ObjectColumn { name: name.into(), wide, number: false };
        let table = ObjectTable {
            columns: vec![column("Name", false), column("Status", false), column("Wide", true)],
            rows: vec![line("chat", Some("Ready\u{1b}[31m")), line("embed", None)],
            more: false,
        };
        Read { cluster: cluster.clone(), table: Ok(table) }
    }

    #[test]
    fn objects_say_where_they_are_and_are_found_by_any_of_their_words() {
        let read = [read("iad"), read("ord")];
        assert_eq!(heads(&read), ["Status"]);
        let all = objects(&read, "");
        assert_eq!(all.len(), 4);
        assert_eq!((all[0].about.as_str(), all[0].cells.as_slice()), ("iad / serving", &["Ready␛[31m".to_owned()][..]));
        assert_eq!(all[1].cells, [ABSENT]);
        assert_eq!(objects(&read, "ORD ready").len(), 1);
    }

    #[test]
    fn a_refusal_is_said_beside_what_could_be_listed() {
        let denied = Problem::new(Code::Denied, "ord is readable in part.").why("403: may not list things.");
        let refused = Read { cluster: ConnectionId::slug("ord"), table: Err(denied) };
        let read = [read("iad"), refused];
        assert_eq!(objects(&read, "").len(), 2);
        assert_eq!(notes(&[], &read, 2), ["ord is readable in part. 403: may not list things."]);
    }

    #[test]
    fn of_many_columns_the_first_and_the_last_are_drawn() {
        let all: Vec<ObjectColumn> = ["Name", "a", "b", "c", "d", "e", "f", "Age"]
            .iter()
            .map(|name| ObjectColumn { name: (*name).into(), wide: false, number: false })
            .collect();
        assert_eq!(columns(&all), [1, 2, 3, 4, 7]);
    }
}

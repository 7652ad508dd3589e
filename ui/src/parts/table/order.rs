//! Which rows a table shows and in which order: filtered, sorted, and held still under the pointer.

use pilothouse_wire::{
    SmolStr,
    filter::{BadFilter, Filter, Record},
    sort,
};
use std::{
    cmp::Ordering,
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

/// What a row is sorted by in one column.
#[derive(Clone, Debug, PartialEq)]
pub enum SortKey<'a> {
    /// A number: counts, ages, ranks.
    Number(f64),
    /// A text; numbers in it count as numbers, so that h100-2 is before h100-10.
    Text(&'a str),
}

impl SortKey<'_> {
    /// A count.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "counts of things stay far below 2^53")]
    pub fn count(n: u64) -> Self {
        Self::Number(n as f64)
    }
}

/// By which column, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// Key of the column.
    pub column: &'static str,
    /// From the greatest to the least?
    pub falling: bool,
}

impl Sort {
    /// From the least to the greatest.
    #[must_use]
    pub const fn rising(column: &'static str) -> Self {
        Self { column, falling: false }
    }

    /// What a click on the head of a column makes of it.
    #[must_use]
    pub fn click(self, column: &'static str) -> Self {
        if self.column == column { Self { column, falling: !self.falling } } else { Self::rising(column) }
    }
}

/// One row in its place: where it is in the view, and what tells it from others while the view changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index in the view of this revision.
    pub at: u32,
    /// Hash of the row's key.
    pub id: u64,
}

/// The rows of a table in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ordered {
    /// The rows that pass the filter.
    pub rows: Vec<Place>,
    /// How many there are without the filter.
    pub total: usize,
    /// Why the filter as typed cannot be used, in words; the last one that could be is then still in force.
    pub bad: Option<String>,
    asked: Option<(String, Sort)>,
}

impl Default for Sort {
    fn default() -> Self {
        Self::rising("status")
    }
}

/// What a person asks of a table.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The filter as typed.
    pub filter: String,
    /// The order.
    pub sort: Sort,
    /// Keep rows where they are, since the pointer is over them?
    pub still: bool,
}

/// Filters and orders rows. `before` is what was shown last.
pub fn order<'a, R: Record + 'a>(
    rows: impl ExactSizeIterator<Item = &'a R>,
    wanted: &Wanted,
    before: Option<&Ordered>,
    key: impl Fn(&R, &'static str) -> Key,
    id: impl Fn(&R) -> u64,
) -> Ordered {
    order_kept(rows, |_| true, wanted, before, key, id)
}

/// [`order`] of those rows that `keep` keeps; the others count as filtered out.
pub fn order_kept<'a, R: Record + 'a>(
    rows: impl ExactSizeIterator<Item = &'a R>,
    keep: impl Fn(&R) -> bool,
    wanted: &Wanted,
    before: Option<&Ordered>,
    key: impl Fn(&R, &'static str) -> Key,
    id: impl Fn(&R) -> u64,
) -> Ordered {
    let total = rows.len();
    let (filter, bad) = match read::<R>(&wanted.filter) {
        Ok(filter) => (filter, None),
        Err(bad) => (Filter::default(), Some(sentence(&bad))),
    };
    let mut found: Vec<(Key, Place)> = Vec::with_capacity(if filter.is_empty() { total } else { 64 });
    for (at, row) in (0u32..).zip(rows) {
        if keep(row) && filter.matches(row) {
            found.push((key(row, wanted.sort.column), Place { at, id: id(row) }));
        }
    }
    ordered(found, total, bad, wanted, before)
}

/// What does not depend on what a row is, and is compiled once for all tables.
fn ordered(
    mut found: Vec<(Key, Place)>,
    total: usize,
    bad: Option<String>,
    wanted: &Wanted,
    before: Option<&Ordered>,
) -> Ordered {
    if let Some(before) = before {
        as_before(&before.rows, &mut found);
    }
    // Equals stand as in the view, wherever they stood before.
    sort::by(&mut found, |a, b| a.0.compare(&b.0, wanted.sort.falling).then(a.1.at.cmp(&b.1.at)));
    let mut rows: Vec<Place> = found.into_iter().map(|(_, place)| place).collect();
    let asked = Some((wanted.filter.clone(), wanted.sort));
    if let Some(before) = before.filter(|before| wanted.still && before.asked == asked) {
        rows = hold(&before.rows, rows);
    }
    Ordered { rows, total, bad, asked }
}

/// An owned [`SortKey`]: what rows are compared by while they are sorted.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// A number.
    Number(f64),
    /// A text, with what to compare first.
    Text(f64, SmolStr),
    /// Nothing: last, whichever way the table is sorted.
    Absent,
}

impl From<SortKey<'_>> for Key {
    fn from(key: SortKey<'_>) -> Self {
        match key {
            SortKey::Number(n) => Self::Number(n),
            SortKey::Text(text) => Self::Text(0.0, text.into()),
        }
    }
}

impl Key {
    /// A rank first, a text among equals: statuses by how bad they are, then by name.
    #[must_use]
    pub fn ranked(rank: f64, text: &str) -> Self {
        Self::Text(rank, text.into())
    }

    fn compare(&self, other: &Self, falling: bool) -> Ordering {
        let turn = |order: Ordering| if falling { order.reverse() } else { order };
        match (self, other) {
            (Self::Absent, Self::Absent) => Ordering::Equal,
            (Self::Absent, _) => Ordering::Greater,
            (_, Self::Absent) => Ordering::Less,
            (Self::Number(a), Self::Number(b)) => turn(a.total_cmp(b)),
            (Self::Text(a, x), Self::Text(b, y)) => turn(a.total_cmp(b)).then_with(|| {
                // Among equals of a rank names rise, whichever way the ranks go.
                if *a == 0.0 && *b == 0.0 { turn(natural(x, y)) } else { natural(x, y) }
            }),
            (Self::Number(_), Self::Text(..)) => Ordering::Less,
            (Self::Text(..), Self::Number(_)) => Ordering::Greater,
        }
    }
}

fn read<R: Record>(text: &str) -> Result<Filter, BadFilter> {
    let filter: Filter = text.parse()?;
    filter.check::<R>()?;
    Ok(filter)
}

fn sentence(bad: &BadFilter) -> String {
    let mut text = bad.to_string();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text.push('.');
    text
}

/// Puts rows where they were last time, new ones at the end: little has moved since, and what is nearly in order is sorted
/// in one pass. Comparing names as people read them is what sorting takes its time for.
fn as_before(before: &[Place], found: &mut [(Key, Place)]) {
    let places: HashMap<u64, usize> = before.iter().enumerate().map(|(at, place)| (place.id, at)).collect();
    let was: Vec<usize> = found.iter().map(|(_, place)| places.get(&place.id).copied().unwrap_or(usize::MAX)).collect();
    sort::put(found, sort::order(was.len(), &mut |one, other| was[one].cmp(&was[other])));
}

/// Rows where they were, without those that went; new ones at the end.
fn hold(before: &[Place], fresh: Vec<Place>) -> Vec<Place> {
    let mut by_id: HashMap<u64, u32> = fresh.iter().map(|place| (place.id, place.at)).collect();
    let kept = before.iter().filter_map(|place| by_id.remove(&place.id).map(|at| Place { at, id: place.id }));
    let mut rows: Vec<Place> = kept.collect();
    rows.extend(fresh.into_iter().filter(|place| by_id.contains_key(&place.id)));
    rows
}

/// The hash that tells a row from the others of its table.
#[must_use]
pub fn id_of(key: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// Compares texts as people read them: runs of digits by their value.
#[must_use]
pub fn natural(a: &str, b: &str) -> Ordering {
    // Letters of either case alike, unless nothing else tells the two apart.
    alike(a.as_bytes(), b.as_bytes()).then_with(|| a.cmp(b).reverse())
}

fn alike(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let (Some(x), Some(y)) = (a.first(), b.first()) else { return a.len().cmp(&b.len()) };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (m, n) = (digits(a), digits(b));
            let order = m.0.len().cmp(&n.0.len()).then_with(|| m.0.cmp(n.0)).then_with(|| m.1.cmp(&n.1));
            if order.is_ne() {
                return order;
            }
            (a, b) = (&a[m.1..], &b[n.1..]);
        } else {
            let order = x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase());
            if order.is_ne() {
                return order;
            }
            (a, b) = (&a[1..], &b[1..]);
        }
    }
}

/// A run of digits without the zeros before it, and how long it was with them.
fn digits(text: &[u8]) -> (&[u8], usize) {
    let end = text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len());
    let zeros = text[..end].iter().position(|c| *c != b'0').unwrap_or(end);
    (&text[zeros..end], end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::filter::Value;

    struct Item(&'static str, Option<f64>);

    impl Record for Item {
        const KEYS: &'static [&'static str] = &["name"];
        fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
            (key == "name").then(|| vec![Value::text(self.0)])
        }
    }

    fn shown(rows: &[Item], filter: &str, sort: Sort, still: bool, before: Option<&Ordered>) -> (String, Ordered) {
        let wanted = Wanted { filter: filter.into(), sort, still };
        let key = |row: &Item, column: &'static str| match column {
            "name" => SortKey::Text(row.0).into(),
            _ => row.1.map_or(Key::Absent, Key::Number),
        };
        let ordered = order(rows.iter(), &wanted, before, key, |row| id_of(&row.0));
        let names: Vec<&str> = ordered.rows.iter().map(|place| rows[place.at as usize].0).collect();
        (names.join(" "), ordered)
    }

    const ROWS: [Item; 5] =
        [Item("n10", Some(1.0)), Item("n2", None), Item("n1", Some(1.0)), Item("x", Some(3.0)), Item("N2", Some(1.0))];

    #[test]
    fn names_sort_as_people_read_them() {
        assert_eq!(shown(&ROWS, "", Sort::rising("name"), false, None).0, "n1 n2 N2 n10 x");
        assert_eq!(natural("h100-2", "h100-010"), Ordering::Less);
        assert_eq!(natural("a", "a"), Ordering::Equal);
        assert_eq!(natural("a1", "a"), Ordering::Greater);
        assert_eq!(natural("007", "7"), Ordering::Greater);
    }

    #[test]
    fn equal_rows_keep_their_order_and_absent_ones_come_last_either_way() {
        let by_number = Sort::rising("n");
        assert_eq!(shown(&ROWS, "", by_number, false, None).0, "n10 n1 N2 x n2");
        assert_eq!(shown(&ROWS, "", by_number.click("n"), false, None).0, "x n10 n1 N2 n2");
        // Also after they stood in another order.
        let (_, before) = shown(&ROWS, "", Sort::rising("name"), false, None);
        assert_eq!(shown(&ROWS, "", by_number, false, Some(&before)).0, "n10 n1 N2 x n2");
    }

    #[test]
    fn a_filter_narrows_and_a_bad_one_says_why_and_hides_nothing() {
        let (names, ordered) = shown(&ROWS, "name=n*", Sort::rising("name"), false, None);
        assert_eq!((names.as_str(), ordered.total), ("n1 n2 N2 n10", 5));
        let (names, ordered) = shown(&ROWS, "colour=red", Sort::rising("name"), false, None);
        assert_eq!(names.split(' ').count(), 5);
        assert_eq!(ordered.bad.as_deref(), Some("There is no \"colour\" here; the keys are name."));
    }

    #[test]
    fn rows_stay_still_under_the_pointer_until_something_else_is_asked_for() {
        let sort = Sort::rising("n");
        let (_, before) = shown(&ROWS, "", sort, false, None);
        let changed = [Item("n1", Some(9.0)), Item("n10", Some(5.0)), Item("x", Some(0.0)), Item("new", Some(0.5))];
        assert_eq!(shown(&changed, "", sort, true, Some(&before)).0, "n10 n1 x new");
        assert_eq!(shown(&changed, "", sort, false, Some(&before)).0, "x new n10 n1");
        assert_eq!(shown(&changed, "name=n*", sort, true, Some(&before)).0, "new n10 n1");
        assert_eq!(shown(&changed, "", sort.click("n"), true, Some(&before)).0, "n1 n10 new x");
    }

    #[test]
    fn ranks_turn_and_names_among_equals_do_not() {
        let (a, b, c) = (Key::ranked(1.0, "b"), Key::ranked(2.0, "a"), Key::ranked(1.0, "a"));
        assert_eq!(a.compare(&b, false), Ordering::Less);
        assert_eq!(a.compare(&b, true), Ordering::Greater);
        assert_eq!((a.compare(&c, false), a.compare(&c, true)), (Ordering::Greater, Ordering::Greater));
    }
}

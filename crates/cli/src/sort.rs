//! The order of rows by one of the keys that they are filtered by.

use crate::exit::Failed;
use pilothouse_wire::filter::{Record, Value};
use std::cmp::Ordering;

/// By which key, and which way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    key: String,
    falling: bool,
}

impl Sort {
    /// Reads `KEY`, or `-KEY` from the greatest down.
    ///
    /// # Errors
    /// A key that these rows do not have.
    pub fn read<R: Record>(text: &str) -> Result<Self, Failed> {
        let (falling, key) = text.strip_prefix('-').map_or((false, text), |key| (true, key));
        let key = key.trim().to_lowercase();
        if R::KEYS.contains(&key.as_str()) {
            return Ok(Self { key, falling });
        }
        Err(Failed::Usage(format!("There is no \"{key}\" to sort by. The keys are {}.", R::KEYS.join(", "))))
    }

    /// Puts rows into this order; equals stay as they stand, and what has no value stands last, whichever the way.
    pub fn order<R: Record>(&self, rows: &mut [&R]) {
        rows.sort_by(|a, b| self.compare(a.values(&self.key), b.values(&self.key)));
    }

    fn compare(&self, a: Option<Vec<Value<'_>>>, b: Option<Vec<Value<'_>>>) -> Ordering {
        let order = match (first(a), first(b)) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Greater,
            (Some(_), None) => return Ordering::Less,
            (Some(Value::Number(a)), Some(Value::Number(b))) => a.total_cmp(&b),
            (Some(Value::Text(a)), Some(Value::Text(b))) => natural(&a, &b),
            (Some(Value::Number(_)), Some(Value::Text(_))) => Ordering::Less,
            (Some(Value::Text(_)), Some(Value::Number(_))) => Ordering::Greater,
        };
        if self.falling { order.reverse() } else { order }
    }
}

fn first(values: Option<Vec<Value<'_>>>) -> Option<Value<'_>> {
    values.and_then(|values| values.into_iter().next())
}

/// As people read names: numbers in them count as numbers, so that h100-9 is before h100-10.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (x, y) = (part(a), part(b));
        if x.is_empty() || y.is_empty() {
            return x.len().cmp(&y.len());
        }
        let number = |text: &str| text.parse::<u64>().ok();
        let order = match (number(x), number(y)) {
            (Some(m), Some(n)) => m.cmp(&n).then_with(|| x.cmp(y)),
            _ => x.cmp(y),
        };
        if order.is_ne() {
            return order;
        }
        (a, b) = (&a[x.len()..], &b[y.len()..]);
    }
}

/// The digits at the beginning, or what stands before the first.
fn part(text: &str) -> &str {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(&'static str, Option<f64>);

    impl Record for Row {
        const KEYS: &'static [&'static str] = &["name", "util"];
        fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
            Some(match key {
                "name" => vec![Value::text(self.0)],
                "util" => self.1.map(Value::Number).into_iter().collect(),
                _ => return None,
            })
        }
    }

    #[track_caller]
    fn check(by: &str, want: [&str; 4]) {
        let rows = [Row("h-10", Some(5.0)), Row("h-9", None), Row("a", Some(90.0)), Row("h-9b", Some(40.0))];
        let mut rows: Vec<&Row> = rows.iter().collect();
        Sort::read::<Row>(by).unwrap().order(&mut rows);
        assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), want, "{by}");
    }

    #[test]
    fn rows_stand_by_numbers_and_names_and_what_has_no_value_stands_last() {
        check("name", ["a", "h-9", "h-9b", "h-10"]);
        check("-name", ["h-10", "h-9b", "h-9", "a"]);
        check("util", ["h-10", "h-9b", "a", "h-9"]);
        check("-UTIL", ["a", "h-9b", "h-10", "h-9"]);
        assert!(matches!(Sort::read::<Row>("colour"), Err(Failed::Usage(_))));
    }
}

//! Rows with keys, and the one generic difference between two lists of them.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// So many new rows are inserted one by one.
const FEW: usize = 8;

/// A row of a view: its key is stable while the row's other values change.
pub trait Row: Clone + PartialEq {
    /// What tells this row from the others of its list.
    type Key: Ord + Clone;
    /// The row's key.
    fn key(&self) -> &Self::Key;
}

/// Rows in the order of their keys, each key once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Keyed<R>(Vec<R>);

impl<R> Default for Keyed<R> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// What turns one list of rows into another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyedPatch<R, K> {
    /// Keys of rows that are gone.
    pub gone: Vec<K>,
    /// Rows that are new or differ, whole.
    pub set: Vec<R>,
}

impl<R, K> Default for KeyedPatch<R, K> {
    fn default() -> Self {
        Self { gone: Vec::new(), set: Vec::new() }
    }
}

impl<R, K> KeyedPatch<R, K> {
    /// Does this patch change nothing?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.set.is_empty()
    }
}

impl<R: Row> FromIterator<R> for Keyed<R> {
    fn from_iter<I: IntoIterator<Item = R>>(rows: I) -> Self {
        let mut rows: Vec<R> = rows.into_iter().collect();
        rows.sort_by(|a, b| a.key().cmp(b.key()));
        rows.dedup_by(|later, earlier| later.key() == earlier.key());
        Self(rows)
    }
}

impl<R: Row> Keyed<R> {
    /// The rows, in the order of their keys.
    #[must_use]
    pub fn rows(&self) -> &[R] {
        &self.0
    }

    /// The row with this key.
    #[must_use]
    pub fn get(&self, key: &R::Key) -> Option<&R> {
        self.find(key).ok().map(|at| &self.0[at])
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Is there no row?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes room for the first rows of a list, where it is known how many come: growing step by step would leave as much again.
    pub fn reserve(&mut self, rows: usize) {
        if self.0.is_empty() {
            self.0.reserve_exact(rows);
        }
    }

    /// Puts a row in its place; answers whether anything changed.
    pub fn set(&mut self, row: R) -> bool {
        match self.find(row.key()) {
            Ok(at) if self.0[at] == row => false,
            Ok(at) => {
                self.0[at] = row;
                true
            }
            Err(at) => {
                self.0.insert(at, row);
                true
            }
        }
    }

    /// Takes a row away; answers whether it was there.
    pub fn remove(&mut self, key: &R::Key) -> bool {
        self.find(key).map(|at| self.0.remove(at)).is_ok()
    }

    /// What turns `self` into `newer`.
    #[must_use]
    pub fn diff(&self, newer: &Self) -> KeyedPatch<R, R::Key> {
        let mut patch = KeyedPatch::default();
        let (mut old, mut new) = (self.0.iter().peekable(), newer.0.iter().peekable());
        loop {
            let order = match (old.peek(), new.peek()) {
                (None, None) => return patch,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => a.key().cmp(b.key()),
            };
            let a = if order.is_le() { old.next() } else { None };
            let b = if order.is_ge() { new.next() } else { None };
            match (a, b) {
                (Some(a), None) => patch.gone.push(a.key().clone()),
                (a, Some(b)) if a != Some(b) => patch.set.push(b.clone()),
                _ => {}
            }
        }
    }

    /// The same, apart from the patch that it is a part of; `None` if nothing changed.
    #[must_use]
    pub fn changes(&self, newer: &Self) -> Option<Box<KeyedPatch<R, R::Key>>> {
        let patch = self.diff(newer);
        (!patch.is_empty()).then(|| Box::new(patch))
    }

    /// Applies what [`Keyed::diff`] found, in whose order nothing has to be sorted.
    pub fn apply(&mut self, patch: KeyedPatch<R, R::Key>) {
        let KeyedPatch { gone, set } = patch;
        if !gone.is_empty() {
            let in_order = gone.is_sorted();
            let is_gone = |key: &R::Key| if in_order { gone.binary_search(key).is_ok() } else { gone.contains(key) };
            self.0.retain(|row| !is_gone(row.key()));
        }
        let (known, new): (Vec<R>, Vec<R>) = set.into_iter().partition(|row| self.find(row.key()).is_ok());
        for row in known {
            self.set(row);
        }
        // Many at once are merged in one pass: inserting each would be quadratic.
        if new.len() > FEW && new.is_sorted_by(|a, b| a.key() < b.key()) {
            self.merge(new);
        } else {
            for row in new {
                self.set(row);
            }
        }
    }

    /// Puts rows in between, in the order of their keys, none of which is there.
    fn merge(&mut self, new: Vec<R>) {
        let merged = Vec::with_capacity(self.0.len() + new.len());
        let old = std::mem::replace(&mut self.0, merged);
        let mut new = new.into_iter().peekable();
        for row in old {
            while let Some(before) = new.next_if(|one| one.key() < row.key()) {
                self.0.push(before);
            }
            self.0.push(row);
        }
        self.0.extend(new);
    }

    fn find(&self, key: &R::Key) -> Result<usize, usize> {
        self.0.binary_search_by(|row| row.key().cmp(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Cell(u8, u8);

    impl Row for Cell {
        type Key = u8;
        fn key(&self) -> &u8 {
            &self.0
        }
    }

    fn list() -> impl Strategy<Value = Keyed<Cell>> {
        prop::collection::vec((0u8..40, 0u8..3), 0..40)
            .prop_map(|cells| cells.into_iter().map(|(key, value)| Cell(key, value)).collect())
    }

    proptest! {
        #[test]
        fn a_patch_turns_the_old_list_into_the_new(old in list(), new in list()) {
            let patch = old.diff(&new);
            prop_assert_eq!(patch.is_empty(), old == new);
            let mut patched = old;
            patched.apply(patch);
            prop_assert_eq!(patched, new);
        }

        #[test]
        fn a_patch_in_another_order_does_the_same(old in list(), new in list()) {
            let mut patch = old.diff(&new);
            patch.gone.reverse();
            patch.set.reverse();
            let mut patched = old;
            patched.apply(patch);
            prop_assert_eq!(patched, new);
        }
    }
}

//! Sorting that is compiled once for all types. The standard library's is compiled anew for each type and each order: four
//! kilobytes a time, which every page loads.
//!
//! Places are sorted, and what stands at them is moved once. Whoever sorts thousands in the engine takes the library's own.

use std::cmp::Ordering;

/// Sorts by an order; equals stay as they stand.
pub fn by<T>(items: &mut [T], mut compare: impl FnMut(&T, &T) -> Ordering) {
    let places = order(items.len(), &mut |one, other| compare(&items[one], &items[other]));
    put(items, places);
}

/// Sorts by a key; equals stay as they stand.
pub fn by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    by(items, |one, other| key(one).cmp(&key(other)));
}

/// Sorts by what the items are; equals stay as they stand.
pub fn sort<T: Ord>(items: &mut [T]) {
    by(items, T::cmp);
}

/// The places of so many items in an order that compares them by their places.
#[must_use]
pub fn order(count: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by(|one, other| compare(*one, *other));
    places
}

/// Puts items where an order of theirs wants them.
pub fn put<T>(items: &mut [T], mut places: Vec<usize>) {
    for start in 0..places.len() {
        // Around the ring of those that take each other's places; who is there already is a ring of one.
        let mut at = start;
        while places[at] != start {
            let next = places[at];
            items.swap(at, next);
            places[at] = at;
            at = next;
        }
        places[at] = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_sorts_as_the_standard_library_does(items in prop::collection::vec((0u8..20, 0u8..4), 0..60)) {
            let (mut ours, mut theirs) = (items.clone(), items.clone());
            sort(&mut ours);
            theirs.sort();
            prop_assert_eq!(ours, theirs);
            let (mut ours, mut theirs) = (items.clone(), items.clone());
            by_key(&mut ours, |item| item.1);
            theirs.sort_by_key(|item| item.1);
            prop_assert_eq!(ours, theirs);
            let (mut ours, mut theirs) = (items.clone(), items);
            by(&mut ours, |one, other| other.0.cmp(&one.0));
            theirs.sort_by_key(|item| std::cmp::Reverse(item.0));
            prop_assert_eq!(ours, theirs);
        }
    }
}

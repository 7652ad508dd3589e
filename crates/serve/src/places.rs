//! So many at the same time, in all and for each address: a place is taken, and given back when it is dropped.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Places that can be taken.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    in_all: usize,
    of_one: usize,
}

/// A place that is taken.
#[derive(Debug)]
pub(crate) struct Place {
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    by: IpAddr,
}

impl Places {
    /// So many in all, so many for one address.
    pub fn new(in_all: usize, of_one: usize) -> Self {
        Self { taken: Arc::default(), in_all, of_one }
    }

    /// Takes a place; `None` if there is none.
    pub fn take(&self, by: IpAddr) -> Option<Place> {
        let by = neighbourhood(by);
        let mut taken = lock(&self.taken);
        // Few addresses have places at the same time: no more than there are places.
        if taken.values().sum::<usize>() >= self.in_all {
            return None;
        }
        let own = taken.entry(by).or_default();
        if *own >= self.of_one {
            return None;
        }
        *own += 1;
        Some(Place { taken: Arc::clone(&self.taken), by })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(own) = taken.get_mut(&self.by) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.by);
            }
        }
    }
}

fn lock(taken: &Mutex<HashMap<IpAddr, usize>>) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Things of which only so many different ones may be in use: a thing that is in use already takes no further room.
#[derive(Clone, Debug)]
pub(crate) struct Kinds<K> {
    used: Arc<Mutex<HashMap<K, usize>>>,
    most: usize,
}

/// A thing in use.
#[derive(Debug)]
pub(crate) struct Use<K: Eq + Hash> {
    used: Arc<Mutex<HashMap<K, usize>>>,
    of: K,
}

impl<K: Eq + Hash + Clone> Kinds<K> {
    /// So many different ones.
    pub fn new(most: usize) -> Self {
        Self { used: Arc::default(), most }
    }

    /// Begins to use a thing; `None` if too many others are in use.
    pub fn begin(&self, of: K) -> Option<Use<K>> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if !used.contains_key(&of) && used.len() >= self.most {
            return None;
        }
        *used.entry(of.clone()).or_default() += 1;
        Some(Use { used: Arc::clone(&self.used), of })
    }
}

impl<K: Eq + Hash> Drop for Use<K> {
    fn drop(&mut self) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(uses) = used.get_mut(&self.of) {
            *uses -= 1;
            if *uses == 0 {
                used.remove(&self.of);
            }
        }
    }
}

/// Whom an address stands for: of IPv6 one subscriber has 2^64 of them.
pub(crate) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_bounded_for_one_and_for_all_and_come_back() {
        let places = Places::new(3, 2);
        let (a, b) = (ip("10.0.0.1"), ip("10.0.0.2"));
        let first = places.take(a).unwrap();
        let _second = places.take(ip("::ffff:10.0.0.1")).unwrap();
        assert!(places.take(a).is_none());
        let _third = places.take(b).unwrap();
        assert!(places.take(b).is_none());
        drop(first);
        assert!(places.take(b).is_some());
    }

    #[test]
    fn nothing_is_kept_of_those_who_went() {
        let places = Places::new(10, 10);
        for n in 0..=255 {
            drop(places.take(IpAddr::from([10, 0, 0, n])));
        }
        assert!(lock(&places.taken).is_empty());
    }

    #[test]
    fn many_may_use_the_same_and_few_may_use_others() {
        let kinds = Kinds::new(2);
        let (first, again, other) = (kinds.begin("a"), kinds.begin("a"), kinds.begin("b"));
        assert!(first.is_some() && again.is_some() && other.is_some() && kinds.begin("c").is_none());
        drop(first);
        assert!(kinds.begin("c").is_none());
        drop(again);
        assert!(kinds.begin("c").is_some());
    }

    #[test]
    fn one_subscriber_of_ipv6_is_one_address() {
        assert_eq!(neighbourhood(ip("2001:db8:1:2:3:4:5:6")), neighbourhood(ip("2001:db8:1:2:ffff::1")));
        assert_ne!(neighbourhood(ip("2001:db8:1:2::1")), neighbourhood(ip("2001:db8:1:3::1")));
    }
}

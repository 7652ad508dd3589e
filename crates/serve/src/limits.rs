//! How much of this machine pages may use: how many, how often, how long.

use crate::places::neighbourhood;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::{net::IpAddr, num::NonZeroU32, time::Duration};

/// Addresses whose rates are known at the same time; those who have been quiet are forgotten then.
const MAX_ADDRESSES: usize = 10_000;

/// What pages may use. Each has a default that suits a room full of screens.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections that have not become links, in all.
    pub connections: usize,
    /// The same, for one address.
    pub connections_of_one: usize,
    /// Pages that are linked at the same time, in all.
    pub links: usize,
    /// The same, for one address.
    pub links_of_one: usize,
    /// Parts of the record that are made and sent at the same time, in all.
    pub exports: usize,
    /// The same, for one address.
    pub exports_of_one: usize,
    /// A connection that has not said within this what it wants is closed; so is one that has nothing to ask.
    pub head: Duration,
    /// Who takes nothing for so long is gone.
    pub send: Duration,
    /// How often it is asked whether a session or a token is still let in.
    pub check: Duration,
    /// Requests a second that one address may make for ever.
    pub requests: NonZeroU32,
    /// Requests that it may make at once.
    pub requests_at_once: NonZeroU32,
    /// Codes and tokens that one address may try at once; then one in [`Limits::code_every`].
    pub codes_at_once: NonZeroU32,
    /// Codes and tokens that all together may try at once; then one in a tenth of [`Limits::code_every`].
    pub codes_of_all: NonZeroU32,
    /// When one address may try the next code.
    pub code_every: Duration,
}

const fn some(n: u32) -> NonZeroU32 {
    match NonZeroU32::new(n) {
        Some(n) => n,
        None => NonZeroU32::MIN,
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            connections_of_one: 256,
            links: 1_000,
            links_of_one: 128,
            exports: 2,
            exports_of_one: 2,
            head: Duration::from_secs(10),
            send: Duration::from_secs(10),
            check: Duration::from_secs(5),
            requests: some(50),
            requests_at_once: some(400),
            codes_at_once: some(20),
            codes_of_all: some(200),
            code_every: Duration::from_secs(10),
        }
    }
}

/// How often each address asked lately.
#[derive(Debug)]
pub(crate) struct Rates {
    requests: DefaultKeyedRateLimiter<IpAddr>,
    codes: DefaultKeyedRateLimiter<IpAddr>,
    codes_of_all: governor::DefaultDirectRateLimiter,
}

impl Rates {
    /// None has asked yet.
    pub fn new(limits: &Limits) -> Self {
        let each = |every: Duration, at_once: NonZeroU32| {
            // A span of zero is no quota: then one a nanosecond is as good as any number.
            let every = every.max(Duration::from_nanos(1));
            Quota::with_period(every).unwrap_or(Quota::per_second(NonZeroU32::MAX)).allow_burst(at_once)
        };
        Self {
            requests: RateLimiter::keyed(Quota::per_second(limits.requests).allow_burst(limits.requests_at_once)),
            codes: RateLimiter::keyed(each(limits.code_every, limits.codes_at_once)),
            codes_of_all: RateLimiter::direct(each(limits.code_every / 10, limits.codes_of_all)),
        }
    }

    /// May this address ask again? Counts it.
    pub fn may_ask(&self, by: IpAddr) -> bool {
        count(&self.requests, by)
    }

    /// May this address try a code? Counts it.
    pub fn may_try(&self, by: IpAddr) -> bool {
        count(&self.codes, by) && self.codes_of_all.check().is_ok()
    }
}

fn count(rate: &DefaultKeyedRateLimiter<IpAddr>, by: IpAddr) -> bool {
    if rate.len() > MAX_ADDRESSES {
        rate.retain_recent();
    }
    rate.check_key(&neighbourhood(by)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_counted_for_one_address_and_for_all() {
        let hour = Duration::from_secs(36_000);
        let limits = Limits { codes_at_once: some(3), codes_of_all: some(5), code_every: hour, ..Limits::default() };
        let rates = Rates::new(&limits);
        let tries = |address: &str| {
            let address = address.parse().unwrap();
            (0..9).filter(|_| rates.may_try(address)).count()
        };
        assert_eq!([tries("10.0.0.1"), tries("10.0.0.2"), tries("10.0.0.3")], [3, 2, 0]);
    }

    #[test]
    fn who_asks_too_often_is_told_to_wait_and_others_are_not() {
        let limits = Limits { requests: some(1), requests_at_once: some(4), ..Limits::default() };
        let rates = Rates::new(&limits);
        let (a, b) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        assert!((0..50).filter(|_| rates.may_ask(a)).count() < 10);
        assert!(rates.may_ask(b));
    }
}

//! Free ports for servers that cannot be told "any port" and asked later which one they took.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::failure::{Failure, Result};

// Below the range from which the system takes the ports of outgoing connections: what is free
// here stays free until the server listens, unless another test run draws the same number.
const RANGE: Range<u16> = 18_000..32_000;

static TAKEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// A port on the loopback address that nobody listens on; never the same twice in a process.
pub fn free() -> Result<u16> {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let taken = taken.get_or_insert_default();
    for _ in 0..200 {
        let port = RANGE.start + random() % (RANGE.end - RANGE.start);
        if !taken.contains(&port) && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            taken.insert(port);
            return Ok(port);
        }
    }
    Err(Failure::new(format!("found no free port in {}-{}", RANGE.start, RANGE.end)))
}

// Each RandomState has keys of its own; an empty hash of it is as random as we need.
fn random() -> u16 {
    RandomState::new().build_hasher().finish() as u16
}

//! How often a server was called: is that patience, or a storm?

use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

/// Calls in ten minutes to one path. Waits of half a minute make twenty; the first ones are shorter, and each attempt
/// may begin with a call more than the next.
const MOST: usize = 50;
/// As often as that it is tried again, or nobody would notice that the server is back.
const LEAST: usize = 10;
/// Whoever waits longer is found to be gone.
const LONGEST: Duration = Duration::from_secs(60);
/// What waits have to have grown to in the end.
const GROWN: Duration = Duration::from_secs(8);

/// Looks at ten minutes of calls, path by path: they go on, and they become rarer.
pub fn patient(asked: &[(String, Instant)]) -> Result<(), String> {
    let mut by_path: BTreeMap<&str, Vec<Instant>> = BTreeMap::new();
    for (path, at) in asked {
        by_path.entry(path).or_default().push(*at);
    }
    if !by_path.values().any(|times| times.len() >= LEAST) {
        return Err(format!("it is hardly tried again in ten minutes: {} calls", asked.len()));
    }
    for (path, times) in by_path {
        if times.len() > MOST {
            return Err(format!("a storm: {path} is called {} times in ten minutes", times.len()));
        }
        let waits: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let longest = waits.iter().max().copied().unwrap_or_default();
        if longest > LONGEST {
            return Err(format!("{path} is left alone for {longest:?}"));
        }
        if times.len() >= LEAST && longest < GROWN {
            return Err(format!("the waits between calls of {path} do not grow: {longest:?} at most"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(waits: &[u64], want: Option<&str>) {
        let mut at = Instant::now();
        let mut asked = vec![("/a".to_owned(), at)];
        for wait in waits {
            at += Duration::from_secs(*wait);
            asked.push(("/a".to_owned(), at));
        }
        let said = patient(&asked).err();
        assert_eq!(said.is_some(), want.is_some(), "{said:?}");
        assert!(said.unwrap_or_default().contains(want.unwrap_or_default()));
    }

    #[tokio::test(start_paused = true)]
    async fn patience_is_told_from_storms_and_from_giving_up() {
        let growing: Vec<u64> = [1, 2, 4, 8, 16].into_iter().chain([30; 19]).collect();
        check(&growing, None);
        check(&[5; 120], Some("a storm"));
        check(&[6; 45], Some("do not grow"));
        check(&[1, 2], Some("hardly"));
        check(&[&growing[..], &[90]].concat(), Some("left alone"));
    }
}

//! The health of a session, made of what its parts say of themselves.

use pilothouse_wire::{Health, Problem, units};

/// How bad a trouble is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It answers, but late or not always.
    Slow,
    /// Some of it is not read.
    Partial,
}

/// One listing with the watch after it.
#[derive(Debug)]
pub struct Slot {
    /// What is listed, for people: "pods".
    pub what: &'static str,
    /// Is the session not well before this is listed?
    pub awaited: bool,
    /// Was it listed, or is it known that it cannot be?
    pub settled: bool,
    /// Read so far, and about how many there are where that is known.
    pub progress: Option<(u64, Option<u64>)>,
    /// What is wrong with it.
    pub trouble: Option<(Weight, Problem)>,
}

/// All that health is made of.
#[derive(Debug, Default)]
pub struct Board {
    /// Listings.
    pub slots: Vec<Slot>,
    /// It does not say whether it lives, but it may only be busy.
    pub silent: Option<Problem>,
    /// What the server says of itself when asked how it is.
    pub livez: Option<Problem>,
    /// Differing clocks.
    pub skew: Option<Problem>,
    /// Missing rights.
    pub rights: Option<Problem>,
    /// TLS is not checked: said whenever nothing worse is.
    pub insecure: Option<Problem>,
    shown: Option<Health>,
}

impl Board {
    /// The health, if it is another than when last asked.
    pub fn changed(&mut self) -> Option<Health> {
        let health = self.health();
        if self.shown.as_ref() == Some(&health) {
            return None;
        }
        self.shown = Some(health.clone());
        Some(health)
    }

    /// Is all that is awaited listed, or known to be troubled?
    pub fn is_settled(&self) -> bool {
        self.slots.iter().filter(|slot| slot.awaited).all(|slot| slot.settled || slot.trouble.is_some())
    }

    fn health(&self) -> Health {
        if let Some(problem) = &self.silent {
            return Health::Lost(problem.clone());
        }
        if let Some(starting) = self.starting() {
            return starting;
        }
        let of = |weight: Weight| {
            let troubles = self.slots.iter().filter_map(|slot| slot.trouble.as_ref());
            troubles.filter(move |(own, _)| *own == weight).map(|(_, problem)| problem)
        };
        let slow = self.livez.iter().chain(of(Weight::Slow)).chain(&self.skew).next();
        let partial = self.rights.iter().chain(of(Weight::Partial)).chain(&self.insecure).next();
        match (slow, partial) {
            (Some(problem), _) => Health::Slow(problem.clone()),
            (None, Some(problem)) => Health::Partial(problem.clone()),
            (None, None) => Health::Well,
        }
    }

    /// What is still waited for: the largest of it, since that is what takes the time.
    fn starting(&self) -> Option<Health> {
        let waiting = self.slots.iter().filter(|slot| slot.awaited && !slot.settled);
        // What fails while it is waited for is worth more than that it is waited for.
        if waiting.clone().any(|slot| slot.trouble.is_some()) {
            return None;
        }
        let slot = waiting.max_by_key(|slot| slot.progress.map_or(0, |(read, all)| all.unwrap_or(read)))?;
        let listing = format!("Listing {}", slot.what);
        Some(match slot.progress {
            Some((read, Some(all))) => Health::Starting { doing: listing, progress: Some((read, all)) },
            Some((read, None)) => {
                Health::Starting { doing: format!("{listing}, {} so far", units::count(read)), progress: None }
            }
            None => Health::Starting { doing: listing, progress: None },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::Code;

    fn slot(what: &'static str, awaited: bool) -> Slot {
        Slot { what, awaited, settled: false, progress: None, trouble: None }
    }

    #[test]
    fn it_is_well_once_all_that_is_awaited_is_listed_and_nothing_is_wrong() {
        let problem = |code| Problem::new(code, format!("{code:?}"));
        let mut board =
            Board { slots: vec![slot("nodes", true), slot("pods", true), slot("events", false)], ..Board::default() };
        let mut words = Vec::new();
        let mut say = |board: &mut Board| {
            words.extend(board.changed().map(|health| match &health {
                Health::Starting { doing, progress } => format!("{doing} {progress:?}"),
                other => format!("{} {}", other.word(), other.problem().map_or("", |problem| &problem.what)),
            }));
        };
        board.slots[1].progress = Some((1_500, None));
        say(&mut board);
        board.slots[1].progress = Some((10_000, Some(25_000)));
        say(&mut board);
        say(&mut board);
        board.slots[1].trouble = Some((Weight::Slow, problem(Code::ServerFailed)));
        say(&mut board);
        board.slots[1].trouble = None;
        board.slots[1].settled = true;
        say(&mut board);
        board.slots[0].settled = true;
        say(&mut board);
        board.insecure = Some(problem(Code::TlsUntrusted));
        say(&mut board);
        board.slots[2].trouble = Some((Weight::Partial, problem(Code::ApiAbsent)));
        say(&mut board);
        board.rights = Some(problem(Code::Denied));
        say(&mut board);
        board.skew = Some(problem(Code::ClockSkew));
        say(&mut board);
        board.slots[1].trouble = Some((Weight::Slow, problem(Code::TooMany)));
        say(&mut board);
        assert_eq!(
            words,
            [
                "Listing pods, 1,500 so far None",
                "Listing pods Some((10000, 25000))",
                "Slow ServerFailed",
                "Listing nodes None",
                "Well ",
                "Partial TlsUntrusted",
                "Partial ApiAbsent",
                "Partial Denied",
                "Slow ClockSkew",
                "Slow TooMany"
            ]
        );
    }
}

//! Whether this session does anything at all: one switch for all its doors, whatever connections allow.

use pilothouse_wire::{Code, Problem, plan::Hold};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Set, it holds a session from its beginning to its end.
const VARIABLE: &str = "PILOTHOUSE_READ_ONLY";

/// Where the session stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holding {
    by_environment: bool,
    by_person: Arc<AtomicBool>,
}

impl Holding {
    /// As the environment says.
    pub(crate) fn of_environment() -> Self {
        Self::begun(std::env::var_os(VARIABLE).is_some_and(|value| !value.is_empty() && value != "0"))
    }

    /// One that is held from the beginning, or is not.
    pub(crate) fn begun(by_environment: bool) -> Self {
        Self { by_environment, by_person: Arc::default() }
    }

    /// Where it stands.
    pub(crate) fn now(&self) -> Hold {
        match (self.by_environment, self.by_person.load(Ordering::SeqCst)) {
            (true, _) => Hold::ByEnvironment,
            (false, true) => Hold::ByPerson,
            (false, false) => Hold::No,
        }
    }

    /// A person holds it, or lets go.
    ///
    /// # Errors
    /// If the environment holds it: nobody lets go of that.
    pub(crate) fn set(&self, on: bool) -> Result<(), Problem> {
        if self.by_environment && !on {
            return Err(Problem::new(Code::Denied, "This session stays read only until its end.")
                .why(format!("{VARIABLE} was set when it was started."))
                .next("Start Pilothouse without it."));
        }
        self.by_person.store(on, Ordering::SeqCst);
        Ok(())
    }

    /// What keeps anything from being done, if anything does.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let hold = self.now();
        let next = match hold {
            Hold::No | Hold::ByPerson => "Switch it off again: in the bar above, in the settings, or by Ctrl K.",
            Hold::ByEnvironment => "Start Pilothouse without it.",
        };
        let problem = |why: &str| Problem::new(Code::Denied, "Nothing is done in this session.").why(why).next(next);
        hold.reason().map(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_holds_a_session_and_lets_go_and_nobody_lets_go_of_what_the_environment_holds() {
        let own = Holding::begun(false);
        assert_eq!((own.now(), own.problem()), (Hold::No, None));
        own.set(true).unwrap();
        assert_eq!(own.clone().now(), Hold::ByPerson);
        assert!(own.problem().unwrap().to_string().contains("Switch it off again"));
        own.set(false).unwrap();
        assert_eq!(own.now(), Hold::No);

        let held = Holding::begun(true);
        assert!(held.set(false).unwrap_err().to_string().contains("PILOTHOUSE_READ_ONLY"));
        held.set(true).unwrap();
        assert_eq!(held.now(), Hold::ByEnvironment);
        assert!(held.problem().unwrap().to_string().contains("Start Pilothouse without it"));
    }
}

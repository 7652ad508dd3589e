//! A page of another build than its engine loads itself again, once.

use leptos::prelude::window;
use pilothouse_wire::WIRE_HASH;

const STORED_AS: &str = "pilothouse.reloaded-for";

/// What to do about the engine's build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The builds are the same.
    Same,
    /// The page is being loaded again.
    Reloading,
    /// It was loaded again for this very engine, and still differs.
    Differs,
}

/// Compares builds, and loads the page again if that may help.
pub fn on_hello(engine: &str) -> Verdict {
    let storage = window().session_storage().ok().flatten();
    let before = storage.as_ref().and_then(|storage| storage.get_item(STORED_AS).ok().flatten());
    let verdict = judge(engine, before.as_deref());
    if let Some(storage) = storage {
        // Without storage there is no guard against a loop, so no reload either.
        let _ = match verdict {
            Verdict::Same => storage.remove_item(STORED_AS),
            Verdict::Reloading => storage.set_item(STORED_AS, engine),
            Verdict::Differs => Ok(()),
        };
        if verdict == Verdict::Reloading {
            let _ = window().location().reload();
        }
        return verdict;
    }
    if verdict == Verdict::Reloading { Verdict::Differs } else { verdict }
}

/// Loads the page once more, though it did not help before.
pub fn again() {
    if let Some(storage) = window().session_storage().ok().flatten() {
        let _ = storage.remove_item(STORED_AS);
    }
    let _ = window().location().reload();
}

fn judge(engine: &str, reloaded_for: Option<&str>) -> Verdict {
    // As text, and not as numbers within the code: so a test can make another build of this one.
    if engine == std::hint::black_box(WIRE_HASH) {
        Verdict::Same
    } else if reloaded_for == Some(engine) {
        Verdict::Differs
    } else {
        Verdict::Reloading
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_loads_itself_again_once_for_each_engine() {
        assert_eq!(judge(WIRE_HASH, None), Verdict::Same);
        assert_eq!(judge("other", None), Verdict::Reloading);
        assert_eq!(judge("other", Some("other")), Verdict::Differs);
        assert_eq!(judge("third", Some("other")), Verdict::Reloading);
    }
}

//! Which freshness chips are shown in full when there is not room for all: the worst come first, the healthy fold.

use super::text;
use pilothouse_wire::{Freshness, frame::SourceState, sort};

/// Mark, paddings and gaps of a chip.
const CHROME: f64 = 36.0;
/// The widest age: "stale 59 min 59 s".
const AGE: f64 = 100.0;
/// The folded chip: "12 sources, 3 stale".
const FOLDED: f64 = 130.0;

/// What the top bar shows of the sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Chips in full, worst first.
    pub full: Vec<SourceState>,
    /// Chips folded into one, worst first.
    pub folded: Vec<SourceState>,
}

/// Shows as many chips in full as fit into `room` pixels.
#[must_use]
pub fn fold(mut sources: Vec<SourceState>, room: f64) -> Shown {
    // `Freshness` is ordered from live to lost; names keep chips of one kind where they are.
    sort::by(&mut sources, |a, b| b.freshness.cmp(&a.freshness).then_with(|| a.name.cmp(&b.name)));
    let all: f64 = sources.iter().map(wide).sum();
    if all <= room {
        return Shown { full: sources, folded: Vec::new() };
    }
    let mut left = room - FOLDED;
    let fits = |source: &&SourceState| {
        left -= wide(source);
        left >= 0.0
    };
    let full = sources.iter().take_while(fits).count();
    let folded = sources.split_off(full);
    Shown { full: sources, folded }
}

/// The words of the folded chip: how many there are, and the worst of them.
#[must_use]
pub fn summary(shown: &Shown) -> String {
    let count = shown.folded.len();
    let more = if shown.full.is_empty() { "" } else { "more " };
    let noun = if count == 1 { "source" } else { "sources" };
    let Some(worst) = shown.folded.first().map(|source| source.freshness) else { return String::new() };
    let same = shown.folded.iter().filter(|source| source.freshness == worst).count();
    if worst == Freshness::Live {
        return format!("{count} {more}{noun}, all live");
    }
    format!("{count} {more}{noun}, {same} {}", worst.word())
}

fn wide(source: &SourceState) -> f64 {
    let age = match source.freshness {
        Freshness::Live | Freshness::Slow => 34.0,
        Freshness::Partial | Freshness::Paused => 44.0,
        Freshness::Starting | Freshness::Stale | Freshness::Lost => AGE,
    };
    text::width(&source.name).min(180.0) + CHROME + age
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::ConnectionId;

    fn source(name: &str, freshness: Freshness) -> SourceState {
        let id = ConnectionId::slug(name);
        SourceState { id, name: name.into(), demo: false, freshness, heard: None, note: None }
    }

    fn names(sources: &[SourceState]) -> Vec<&str> {
        sources.iter().map(|source| source.name.as_str()).collect()
    }

    fn five() -> Vec<SourceState> {
        vec![
            source("iad-prod", Freshness::Live),
            source("ord-prod", Freshness::Stale),
            source("fra-train", Freshness::Live),
            source("eks-lab", Freshness::Lost),
            source("dev", Freshness::Slow),
        ]
    }

    #[test]
    fn with_room_all_are_shown_worst_first() {
        let shown = fold(five(), 2_000.0);
        assert_eq!(names(&shown.full), ["eks-lab", "ord-prod", "dev", "fra-train", "iad-prod"]);
        assert!(shown.folded.is_empty());
    }

    #[test]
    fn the_healthy_fold_first() {
        let shown = fold(five(), 560.0);
        assert_eq!(names(&shown.full), ["eks-lab", "ord-prod"]);
        assert_eq!(summary(&shown), "3 more sources, 1 slow");
    }

    #[test]
    fn without_room_one_chip_says_the_worst() {
        let shown = fold(five(), 100.0);
        assert!(shown.full.is_empty());
        assert_eq!(summary(&shown), "5 sources, 1 lost");
        assert_eq!(summary(&fold(vec![source("a", Freshness::Live); 3], 0.0)), "3 sources, all live");
    }
}

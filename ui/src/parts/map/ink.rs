//! What each GPU is drawn as, in each of the map's colours, and the legend of what is drawn.

use super::palette::HELD_STEP;
use pilothouse_wire::{
    Keyed, Stamp, Sum,
    view::{GpuState, NodeRow, PodRow, Status},
};
use std::collections::BTreeSet;

/// What the map's colour means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Who asked for it.
    #[default]
    Allocation,
    /// Is it well?
    Health,
    /// For how long its pod has held it.
    HeldFor,
}

impl Mode {
    /// All of them, in the order in which `m` goes through them.
    pub const ALL: [Self; 3] = [Self::Allocation, Self::Health, Self::HeldFor];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allocation => "Allocation",
            Self::Health => "Health",
            Self::HeldFor => "Held for",
        }
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Allocation => Self::Health,
            Self::Health => Self::HeldFor,
            Self::HeldFor => Self::Allocation,
        }
    }
}

/// How a cell is drawn. The order is that of the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ink {
    /// A step of the scale.
    Scale(u8),
    /// Held whole.
    Held,
    /// Held in part; no split is claimed.
    Shared,
    /// Nobody asked for it.
    Free,
    /// Well, drawn quietly.
    Well,
    /// Not known.
    NoData,
    /// Its node has it but does not offer it.
    Withheld,
    /// Slowed, or its node is under pressure.
    Slowed,
    /// Lost.
    Lost,
}

impl Ink {
    /// Its word in the legend; `None` for steps of the scale, which have their own.
    #[must_use]
    pub fn word(self) -> Option<&'static str> {
        Some(match self {
            Self::Scale(_) => return None,
            Self::Held => "held",
            Self::Shared => "shared",
            Self::Free => "free",
            Self::Well => "well",
            Self::NoData => "no data",
            Self::Withheld => "withheld",
            Self::Slowed => "warning",
            Self::Lost => "lost",
        })
    }
}

/// Ages at which the next step of the scale begins, and the words of its ends.
const STEPS_S: [u64; 8] = [600, 3_600, 3 * 3_600, 12 * 3_600, 86_400, 3 * 86_400, 7 * 86_400, 30 * 86_400];

/// The words at the two ends of the scale of ages.
pub const SCALE_ENDS: (&str, &str) = ("under 10 min", "30 d and over");

/// The step of the scale for an age.
#[must_use]
pub fn age_step(seconds: u64) -> u8 {
    u8::try_from(STEPS_S.partition_point(|from| *from <= seconds)).unwrap_or(8)
}

/// How one GPU of a node is drawn.
#[must_use]
pub fn ink(mode: Mode, node: &NodeRow, gpu: usize, pods: &Keyed<PodRow>, now: Stamp) -> Ink {
    let Some(cell) = node.gpus.get(gpu) else { return Ink::NoData };
    match (cell.state, mode) {
        (GpuState::Lost, _) => Ink::Lost,
        (GpuState::Withheld, _) => Ink::Withheld,
        (_, Mode::Health) => match node.status {
            Status::Good | Status::Progress => Ink::Well,
            // A cordon is drawn around the node: its GPUs are well.
            Status::Warn if node.cordoned && !pressed(node) => Ink::Well,
            Status::Warn | Status::Bad => Ink::Slowed,
            Status::Unknown => Ink::NoData,
        },
        (GpuState::Free, _) => Ink::Free,
        (GpuState::Unknown, _) => Ink::NoData,
        (GpuState::Held, Mode::Allocation) => Ink::Held,
        (GpuState::Shared, Mode::Allocation) => Ink::Shared,
        (GpuState::Held | GpuState::Shared, Mode::HeldFor) => {
            let holder = cell.holder.and_then(|at| node.holders.get(usize::from(at)));
            let since = holder.and_then(|id| pods.get(id)).and_then(|pod| pod.started.or(pod.created));
            since.map_or(Ink::NoData, |since| Ink::Scale(age_step(now.since(since).as_secs())))
        }
    }
}

/// Does a condition other than Ready say that something is wrong?
fn pressed(node: &NodeRow) -> bool {
    node.conditions.iter().any(|condition| condition.kind != "Ready" && condition.status == "True")
}

/// One cell for a whole node, where cells would be too small: its worst state, else the share that is held.
#[must_use]
pub fn ink_of_node(mode: Mode, node: &NodeRow, pods: &Keyed<PodRow>, now: Stamp) -> Ink {
    let inks = || (0..node.gpus.len()).map(|gpu| ink(mode, node, gpu, pods, now));
    let worst = inks().max().unwrap_or(Ink::NoData);
    if worst > Ink::Well || mode != Mode::Allocation {
        return worst;
    }
    match node.gpus_held() {
        Sum::Exact(0) => Ink::Free,
        Sum::Exact(held) => Ink::Scale(u8::try_from(held * 8 / (node.gpus.len() as u64).max(1)).unwrap_or(8)),
        Sum::AtLeast(_) | Sum::AtMost(_) | Sum::NotKnown => Ink::NoData,
    }
}

/// What the legend lists: exactly what is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Legend {
    /// Is the scale drawn?
    pub scale: bool,
    /// States, in order.
    pub states: Vec<Ink>,
    /// Is a cordoned node drawn?
    pub cordoned: bool,
    /// Is a stale cluster drawn?
    pub stale: bool,
}

impl Legend {
    /// The legend of these cells.
    #[must_use]
    pub fn of(inks: &[Ink], cordoned: bool, stale: bool) -> Self {
        let drawn: BTreeSet<Ink> = inks.iter().copied().collect();
        Self {
            scale: drawn.iter().any(|ink| matches!(ink, Ink::Scale(_))),
            states: drawn.into_iter().filter(|ink| ink.word().is_some()).collect(),
            cordoned,
            stale,
        }
    }
}

/// The step of the scale that an ink is filled with.
#[must_use]
pub fn step_of(ink: Ink) -> usize {
    match ink {
        Ink::Scale(step) => usize::from(step.min(8)),
        _ => HELD_STEP,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_of_ages_rises_with_the_age() {
        let steps: Vec<u8> = [0, 599, 600, 3_600, 86_400, 40 * 86_400].into_iter().map(age_step).collect();
        assert_eq!(steps, [0, 0, 1, 2, 5, 8]);
    }

    #[test]
    fn the_legend_lists_what_is_drawn_and_nothing_else() {
        let legend = Legend::of(&[Ink::Lost, Ink::Free, Ink::Held, Ink::Free], true, false);
        assert_eq!(legend.states, [Ink::Held, Ink::Free, Ink::Lost]);
        assert!(!legend.scale && legend.cordoned && !legend.stale);
        assert!(Legend::of(&[Ink::Scale(3)], false, false).scale);
        assert_eq!(Legend::of(&[], false, false), Legend::default());
    }

    #[test]
    fn the_key_goes_through_all_colours() {
        let mut mode = Mode::default();
        for _ in Mode::ALL {
            mode = mode.next();
        }
        assert_eq!(mode, Mode::default());
    }
}

//! What each GPU is drawn as, in each of the map's colours, and the legend of what is drawn.

use crate::{Fill, paper};
use pilothouse_wire::{
    Metric, Reading, Readings, Stamp, Sum,
    view::{
        Condition, FleetView, GpuAt, GpuRow, GpuState, NodeRow, Status,
        gpu::{Hit, Worst},
    },
};

/// The step of the scale that means "held", as in the bars of tables: 62.5 %.
const HELD_STEP: usize = 5;

/// What the map's colour means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A metric, on the scale.
    Measured(Gauge),
    /// Who asked for it.
    #[default]
    Allocation,
    /// Is it well?
    Health,
    /// For how long its pod has held it.
    HeldFor,
    /// How old its last measurement is.
    Age,
}

/// A metric that the map can show, with the ends of its scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gauge {
    /// Tensor activity.
    Tensor,
    /// Utilisation.
    Utilisation,
    /// Share of memory in use.
    Memory,
    /// Power.
    Power,
    /// Temperature.
    Temperature,
}

impl Gauge {
    /// Its metric.
    #[must_use]
    pub fn metric(self) -> Metric {
        match self {
            Self::Tensor => Metric::TensorActive,
            Self::Utilisation => Metric::Utilisation,
            Self::Memory => Metric::MemoryUse,
            Self::Power => Metric::Power,
            Self::Temperature => Metric::Temperature,
        }
    }

    /// The readings at the two ends of the scale. Fixed, so that a colour means the same on every day.
    #[must_use]
    pub fn ends(self) -> (f32, f32) {
        match self {
            Self::Tensor | Self::Utilisation | Self::Memory => (0.0, 1.0),
            Self::Power => (0.0, 1_000.0),
            Self::Temperature => (20.0, 100.0),
        }
    }

    /// The nearest of the nine steps; `None` for what is no number.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 8")]
    pub fn step(self, reading: Reading) -> Option<u8> {
        let ((low, high), value) = (self.ends(), reading.finite()?);
        Some(((value - low) / (high - low) * 8.0).round().clamp(0.0, 8.0) as u8)
    }
}

impl Mode {
    /// All of them, in the order in which `m` goes through them.
    pub const ALL: [Self; 9] = [
        Self::Measured(Gauge::Tensor),
        Self::Measured(Gauge::Utilisation),
        Self::Measured(Gauge::Memory),
        Self::Measured(Gauge::Power),
        Self::Measured(Gauge::Temperature),
        Self::Health,
        Self::Allocation,
        Self::HeldFor,
        Self::Age,
    ];

    /// What is shown until a person chooses: what GPUs do, where that is measured, else who has them.
    #[must_use]
    pub fn first(view: &FleetView) -> Self {
        let columns = &view.telemetry.columns;
        let known = [Gauge::Tensor, Gauge::Utilisation].into_iter().find(|gauge| columns.contains_key(&gauge.metric()));
        known.map_or(Self::Allocation, Self::Measured)
    }

    /// The metric that it shows, if it shows one.
    #[must_use]
    pub fn metric(self) -> Option<Metric> {
        match self {
            Self::Measured(gauge) => Some(gauge.metric()),
            Self::Allocation | Self::Health | Self::HeldFor | Self::Age => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Measured(Gauge::Tensor) => "Tensor activity",
            Self::Measured(Gauge::Utilisation) => "Utilisation",
            Self::Measured(Gauge::Memory) => "Memory in use",
            Self::Measured(Gauge::Power) => "Power",
            Self::Measured(Gauge::Temperature) => "Temperature",
            Self::Allocation => "Allocation",
            Self::Health => "Health",
            Self::HeldFor => "Held for",
            Self::Age => "Age of data",
        }
    }

    /// Its word in addresses.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Measured(gauge) => gauge.metric().id(),
            Self::Allocation => "allocation",
            Self::Health => "health",
            Self::HeldFor => "held",
            Self::Age => "age",
        }
    }

    /// The one of this word.
    #[must_use]
    pub fn by_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.id() == id)
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|mode| *mode == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// The words at the two ends of its scale.
    #[must_use]
    pub fn scale_ends(self) -> (String, String) {
        match self {
            Self::Measured(gauge) => {
                let (low, high) = gauge.ends();
                let show = |value| gauge.metric().show(Reading::of(value));
                (show(low), show(high))
            }
            Self::HeldFor => ("under 10 min".into(), "30 d and over".into()),
            Self::Age => ("under 5 s".into(), "10 min and over".into()),
            // Where a node is one cell, its share of held GPUs is on the scale.
            Self::Allocation | Self::Health => ("0 % of a node held".into(), "100 %".into()),
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
    /// It was measured, and is no longer.
    Stale,
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
            Self::Stale => "stale",
            Self::Withheld => "withheld",
            Self::Slowed => "warning",
            Self::Lost => "lost",
        })
    }
}

impl Ink {
    /// How it is drawn on paper.
    #[must_use]
    pub fn fill(self) -> Fill {
        match self {
            Self::Scale(_) | Self::Held => Fill::Solid(paper::SCALE[step_of(self)]),
            Self::Shared => Fill::Solid(paper::SCALE[2]),
            Self::Free => Fill::Outline(paper::FREE),
            Self::Well => Fill::Solid(paper::TRACK),
            Self::NoData => Fill::Dot(paper::SOFT),
            Self::Stale => Fill::Stroke(paper::SOFT),
            Self::Withheld => Fill::Outline(paper::WARN),
            Self::Slowed => Fill::Triangle(paper::WARN),
            Self::Lost => Fill::Cross(paper::BAD),
        }
    }
}

/// Spans for which a GPU is held at which the next step of the scale begins, in seconds.
const HELD_S: [u64; 8] = [600, 3_600, 3 * 3_600, 12 * 3_600, 86_400, 3 * 86_400, 7 * 86_400, 30 * 86_400];

/// Ages of a measurement at which the next step of the scale begins, in seconds.
const AGES_S: [u64; 8] = [5, 15, 30, 45, 60, 120, 300, 600];

fn step_in(steps: &[u64; 8], seconds: u64) -> u8 {
    u8::try_from(steps.partition_point(|from| *from <= seconds)).unwrap_or(8)
}

/// How the GPUs of a view are drawn in one colour: what is the same for all of them is looked up once.
pub struct Inks<'a> {
    mode: Mode,
    view: &'a FleetView,
    now: Stamp,
    /// The column of the metric that is shown.
    column: Option<&'a Readings>,
    worst: Worst<'a>,
}

impl<'a> Inks<'a> {
    /// Of a view, as of a time.
    #[must_use]
    pub fn new(mode: Mode, view: &'a FleetView, now: Stamp) -> Self {
        let column = mode.metric().and_then(|metric| view.telemetry.columns.get(&metric));
        Self { mode, view, now, column, worst: Worst::of(view) }
    }

    /// What findings say of a node.
    #[must_use]
    pub fn hit(&self, node: &NodeRow) -> Option<&Hit> {
        self.worst.on(&node.id)
    }

    /// How one GPU is drawn. `hit` is [`Inks::hit`] of its node: asked once a node, not for each GPU.
    #[must_use]
    pub fn of(&self, gpu: GpuAt<'a>, hit: Option<&Hit>) -> Ink {
        let (cell, telemetry) = (gpu.cell(), &self.view.telemetry);
        let worst = hit.and_then(|hit| hit.gpu(gpu.slot));
        match (cell.state, self.mode) {
            (GpuState::Lost, _) => Ink::Lost,
            (GpuState::Withheld, _) => Ink::Withheld,
            (_, Mode::Health) => health(gpu.node, worst),
            (_, Mode::Measured(_) | Mode::Age) if worst == Some(Status::Bad) => Ink::Lost,
            (_, Mode::Measured(_)) if telemetry.is_stale(gpu.at, self.now) => Ink::Stale,
            (_, Mode::Measured(gauge)) => {
                let reading = self.column.map_or(Reading::ABSENT, |column| column.get(gpu.at));
                match gauge.step(reading) {
                    // What is wrong with it is told by its shape; how much it does can be read beside it.
                    Some(_) if worst == Some(Status::Warn) => Ink::Slowed,
                    // That it does nothing is known, and drawn quietly.
                    Some(_) if cell.state == GpuState::Free => Ink::Free,
                    step => step.map_or(Ink::NoData, Ink::Scale),
                }
            }
            (_, Mode::Age) => telemetry.times.get(gpu.at).map_or(Ink::NoData, |at| self.since(&AGES_S, at)),
            (GpuState::Free, _) => Ink::Free,
            (GpuState::Unknown, _) => Ink::NoData,
            (GpuState::Held, Mode::Allocation) => Ink::Held,
            (GpuState::Shared, Mode::Allocation) => Ink::Shared,
            (GpuState::Held | GpuState::Shared, Mode::HeldFor) => {
                GpuRow::new(self.view, gpu).held_since().map_or(Ink::NoData, |since| self.since(&HELD_S, since))
            }
        }
    }

    fn since(&self, steps: &[u64; 8], then: Stamp) -> Ink {
        Ink::Scale(step_in(steps, self.now.since(then).as_secs()))
    }

    /// One cell for a whole node, where cells would be too small: its worst state, else its GPUs together. `at` is the
    /// node's place in the view, `first` that of its first GPU.
    #[must_use]
    pub fn of_node(&self, at: usize, first: usize) -> Ink {
        let Some(node) = self.view.nodes.rows().get(at) else { return Ink::NoData };
        let hit = self.hit(node);
        let all = (0..node.gpus.len()).map(|slot| self.of(GpuAt { node, slot, at: first + slot }, hit));
        let (least, worst) = all.fold((Ink::Lost, None), |(least, worst), ink| (ink.min(least), Some(ink).max(worst)));
        let worst = worst.unwrap_or(Ink::NoData);
        match self.mode {
            // What the node's GPUs come to together is as old as they are.
            Mode::Measured(_) if worst == Ink::Stale && least > Ink::Scale(u8::MAX) => Ink::Stale,
            Mode::Measured(gauge) if worst < Ink::Withheld => {
                let empty = if worst == Ink::Free { Ink::Free } else { Ink::NoData };
                let together = self.view.telemetry.read_node(gauge.metric(), at);
                gauge.step(of_one(gauge, node, together)).map_or(empty, Ink::Scale)
            }
            Mode::Allocation if worst <= Ink::Well => match node.gpus_held() {
                Sum::Exact(0) => Ink::Free,
                Sum::Exact(held) => Ink::Scale(u8::try_from(held * 8 / (node.gpus.len() as u64).max(1)).unwrap_or(8)),
                Sum::AtLeast(_) | Sum::AtMost(_) | Sum::NotKnown => Ink::NoData,
            },
            _ => worst,
        }
    }
}

fn health(node: &NodeRow, worst: Option<Status>) -> Ink {
    if let Some(worst) = worst {
        return if worst == Status::Bad { Ink::Lost } else { Ink::Slowed };
    }
    match node.status {
        Status::Good | Status::Progress => Ink::Well,
        // A cordon is drawn around the node: its GPUs are well.
        Status::Warn if node.cordoned && !pressed(node) => Ink::Well,
        Status::Warn | Status::Bad => Ink::Slowed,
        Status::Unknown => Ink::NoData,
    }
}

/// Does a condition other than Ready say that something is wrong?
fn pressed(node: &NodeRow) -> bool {
    node.conditions.iter().any(|condition| Condition::is_wrong(&condition.kind, &condition.status))
}

/// Power of a node is a sum: on the scale stands what that is for one GPU.
fn of_one(gauge: Gauge, node: &NodeRow, reading: Reading) -> Reading {
    let gpus = u16::try_from(node.gpus.len()).unwrap_or(u16::MAX).max(1);
    match (gauge, reading.finite()) {
        (Gauge::Power, Some(watts)) => Reading::of(watts / f32::from(gpus)),
        _ => reading,
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
    /// It as it stands on paper: the ends and the middle of the scale, then the states.
    #[must_use]
    pub fn on_paper(&self, mode: Mode) -> Vec<(Fill, String)> {
        let (low, high) = mode.scale_ends();
        let scale = [(0, low), (4, String::from("to")), (8, high)];
        let scale = scale.into_iter().filter(|_| self.scale).map(|(step, word)| (Ink::Scale(step).fill(), word));
        let states = self.states.iter().filter_map(|ink| Some((ink.fill(), ink.word()?.to_owned())));
        scale.chain(states).collect()
    }

    /// The legend of these cells.
    #[must_use]
    pub fn of(inks: &[Ink], cordoned: bool, stale: bool) -> Self {
        let mut states: Vec<Ink> = Vec::new();
        // Ten at most: looked through sooner than a set is searched, for each of thousands of cells.
        for ink in inks {
            if !matches!(ink, Ink::Scale(_)) && !states.contains(ink) {
                states.push(*ink);
            }
        }
        pilothouse_wire::sort::sort(&mut states);
        Self { scale: inks.iter().any(|ink| matches!(ink, Ink::Scale(_))), states, cordoned, stale }
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
    use pilothouse_wire::{
        ConnectionId, NodeId,
        view::{GpuCell, Method, TelemetryView},
    };

    /// A node of two GPUs that a pod holds each, last measured so many seconds ago, and what it is drawn as: each of its
    /// GPUs, and as one.
    fn drawn(ages: [Option<i64>; 2]) -> (Vec<Ink>, Ink) {
        drawn_as(GpuCell::slot(GpuState::Held, Some(0)), ages)
    }

    fn drawn_as(cell: GpuCell, ages: [Option<i64>; 2]) -> (Vec<Ink>, Ink) {
        let id = NodeId { cluster: ConnectionId::slug("iad"), name: "a".into() };
        let node = NodeRow { gpus: vec![cell; 2], ..NodeRow::ready(id, Stamp(0)) };
        let now = Stamp(1_000_000);
        let half = |n: usize| std::iter::repeat_n(Reading::of(0.5), n).collect::<Readings>();
        let read = |age: &Option<i64>| age.map_or(Reading::ABSENT, |_| Reading::of(0.5));
        let view = FleetView {
            nodes: [node].into_iter().collect(),
            telemetry: TelemetryView {
                times: ages.iter().map(|age| age.map(|age| Stamp(now.0 - age * 1_000))).collect(),
                columns: [(Metric::Utilisation, ages.iter().map(read).collect())].into(),
                nodes: [(Metric::Utilisation, half(1))].into(),
                patience_ms: 30_000,
                ..TelemetryView::default()
            },
            ..FleetView::default()
        };
        let inks = Inks::new(Mode::Measured(Gauge::Utilisation), &view, now);
        let node = &view.nodes.rows()[0];
        let each = (0..2).map(|slot| inks.of(GpuAt { node, slot, at: slot }, None)).collect();
        (each, inks.of_node(0, 0))
    }

    #[test]
    fn a_node_whose_gpus_nobody_says_who_holds_is_not_drawn_as_free() {
        let id = NodeId { cluster: ConnectionId::slug("iad"), name: "a".into() };
        let held = GpuCell { method: Method::Unattributed, ..GpuCell::slot(GpuState::Held, None) };
        let node = NodeRow { gpus: vec![held; 2], ..NodeRow::ready(id, Stamp(0)) };
        let view = FleetView { nodes: [node].into_iter().collect(), ..FleetView::default() };
        assert_eq!(Inks::new(Mode::Allocation, &view, Stamp(1)).of_node(0, 0), Ink::Scale(8));
    }

    #[test]
    fn a_gpu_that_is_free_and_not_measured_is_not_drawn_as_free() {
        let free = |ages| drawn_as(GpuCell::slot(GpuState::Free, None), ages).0;
        assert_eq!(free([Some(10), Some(10)]), [Ink::Free; 2]);
        assert_eq!(free([Some(40), None]), [Ink::Stale, Ink::NoData]);
    }

    #[test]
    fn a_colour_reads_back_from_its_word() {
        assert!(Mode::ALL.into_iter().all(|mode| Mode::by_id(mode.id()) == Some(mode)));
    }

    #[test]
    fn what_is_no_longer_measured_is_not_drawn_as_what_never_was() {
        assert_eq!(drawn([Some(40), None]), (vec![Ink::Stale, Ink::NoData], Ink::Stale));
        assert_eq!(drawn([Some(10), Some(40)]), (vec![Ink::Scale(4), Ink::Stale], Ink::Scale(4)));
        let (stale, no_data) = (Ink::Stale.fill(), Ink::NoData.fill());
        assert_ne!(std::mem::discriminant(&stale), std::mem::discriminant(&no_data), "it has a shape of its own");
        let legend = Legend::of(&[Ink::Stale, Ink::NoData], false, false).on_paper(Mode::Health);
        assert_eq!(legend, [(no_data, "no data".to_owned()), (stale, "stale".to_owned())]);
    }

    #[test]
    fn the_scale_of_ages_rises_with_the_age() {
        let held: Vec<u8> =
            [0, 599, 600, 3_600, 86_400, 40 * 86_400].into_iter().map(|s| step_in(&HELD_S, s)).collect();
        assert_eq!(held, [0, 0, 1, 2, 5, 8]);
        assert_eq!([0, 4, 5, 29, 3_600].map(|s| step_in(&AGES_S, s)), [0, 0, 1, 2, 8]);
    }

    #[test]
    fn a_reading_takes_the_nearest_of_nine_steps_and_no_number_takes_none() {
        let step = |gauge: Gauge, value| gauge.step(Reading::of(value));
        assert_eq!([0.0, 0.06, 0.07, 0.5, 1.0, 1.7].map(|v| step(Gauge::Tensor, v)), [0, 0, 1, 4, 8, 8].map(Some));
        assert_eq!([0.0, 20.0, 60.0, 104.0].map(|v| step(Gauge::Temperature, v)), [0, 0, 4, 8].map(Some));
        assert_eq!([Gauge::Power.step(Reading::ABSENT), step(Gauge::Power, f32::NAN)], [None, None]);
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

//! What a box, or a line, that is drawn over the map catches.

use super::layout::{Layout, Rect, Spot};

/// GPUs of one node that were caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caught {
    /// Index into [`Layout::nodes`].
    pub at: usize,
    /// The slots; `None` for all of the node's.
    pub slots: Option<Vec<u16>>,
}

/// What is drawn over the map, in places of the layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// A box: it catches what it touches.
    Box(Rect),
    /// A line by hand: it catches the cells whose middle it goes around.
    Line(Line),
}

/// A line as a hand drew it, closed from its end to its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(Vec<(u32, u32)>);

/// Points that are nearer to the one before tell nothing of a hand.
const NEAR: u32 = 3;
/// More points of a line are none that a hand meant: every second one goes.
const MOST: usize = 512;

impl Line {
    /// A line from one point to another.
    #[must_use]
    pub fn between(from: (u32, u32), to: (u32, u32)) -> Self {
        let mut line = Self(vec![from]);
        line.draw_to(to);
        line
    }

    /// Draws it on.
    pub fn draw_to(&mut self, at: (u32, u32)) {
        let far = |last: &(u32, u32)| last.0.abs_diff(at.0).max(last.1.abs_diff(at.1)) >= NEAR;
        if !self.0.last().is_none_or(far) {
            return;
        }
        if self.0.len() >= MOST {
            let mut odd = false;
            self.0.retain(|_| {
                odd = !odd;
                odd
            });
        }
        self.0.push(at);
    }

    /// Its points.
    #[must_use]
    pub fn points(&self) -> &[(u32, u32)] {
        &self.0
    }

    /// Does it go around a point? By the rule of even and odd: what it goes around twice is outside, as a hand means that
    /// draws a hole. In halves of a place, so that the middle of a cell is one.
    fn holds(&self, (x, y): (i64, i64)) -> bool {
        let half = |(x, y): (u32, u32)| (i64::from(x) * 2, i64::from(y) * 2);
        let ends = self.0.iter().cycle().skip(1);
        let crossed = self.0.iter().zip(ends).filter(|(a, b)| {
            let (a, b) = (half(**a), half(**b));
            let (upper, lower) = if a.1 < b.1 { (a, b) } else { (b, a) };
            // To the right of the point, as a product: a quotient would be rounded.
            let right = (x - upper.0) * (lower.1 - upper.1) < (y - upper.1) * (lower.0 - upper.0);
            (a.1 > y) != (b.1 > y) && right
        });
        crossed.count() % 2 == 1
    }

    /// The least rectangle around it.
    fn bounds(&self) -> Rect {
        let point = |at: &(u32, u32)| Rect::between(*at, *at);
        self.0.iter().map(point).reduce(Rect::around).unwrap_or_default()
    }
}

impl Drawn {
    fn bounds(&self) -> Rect {
        match self {
            Self::Box(area) => *area,
            Self::Line(line) => line.bounds(),
        }
    }

    fn catches(&self, cell: Rect) -> bool {
        let middle = |at: u32, length: u32| i64::from(at) * 2 + i64::from(length);
        match self {
            Self::Box(area) => cell.meets(*area),
            Self::Line(line) => line.holds((middle(cell.x, cell.w), middle(cell.y, cell.h))),
        }
    }
}

impl Rect {
    /// The least rectangle around two points: a box is drawn from any corner to any other.
    #[must_use]
    pub fn between(a: (u32, u32), b: (u32, u32)) -> Self {
        let (x, y) = (a.0.min(b.0), a.1.min(b.1));
        Self { x, y, w: a.0.max(b.0) - x + 1, h: a.1.max(b.1) - y + 1 }
    }

    /// The least rectangle around two.
    #[must_use]
    pub fn around(self, other: Self) -> Self {
        let end = |rect: Self| ((rect.x + rect.w).max(1) - 1, (rect.y + rect.h).max(1) - 1);
        let (a, b) = (end(self), end(other));
        Self::between((self.x.min(other.x), self.y.min(other.y)), (a.0.max(b.0), a.1.max(b.1)))
    }

    /// Have the two a point in common?
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self.x < other.x + other.w
            && other.x < self.x + self.w
            && self.y < other.y + other.h
            && other.y < self.y + self.h
    }
}

impl Layout {
    /// All GPUs whose cells are caught by what is drawn, node by node.
    #[must_use]
    pub fn caught(&self, drawn: &Drawn) -> Vec<Caught> {
        let bounds = drawn.bounds();
        let near = self.nodes.iter().enumerate().filter(|(_, node)| node.rect.meets(bounds));
        near.filter_map(|(at, node)| {
            if self.node_is_cell {
                return drawn.catches(node.rect).then_some(Caught { at, slots: None });
            }
            let is_in = |gpu: &u16| self.cell(Spot { at, gpu: *gpu }).is_some_and(|cell| drawn.catches(cell));
            let slots: Vec<u16> = (0..node.gpus).filter(is_in).collect();
            let all = slots.len() == usize::from(node.gpus);
            (all || !slots.is_empty()).then(|| Caught { at, slots: (!all).then_some(slots) })
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::{ClusterPlan, PoolPlan, lay_out};
    use super::*;

    fn layout(nodes: u32) -> Layout {
        let pool = PoolPlan::new((0..nodes).map(|node| (node, 8)).collect());
        lay_out(&[ClusterPlan { pools: vec![pool], ghost: false, heading: 10 }], 600, 300, 1.0)
    }

    #[test]
    fn a_box_catches_what_it_touches_and_nothing_else() {
        let layout = layout(12);
        let cell = |at, gpu| layout.cell(Spot { at, gpu }).unwrap();
        // From within GPU 1 of the first node to within GPU 5 of the second: drawn from below, to the left.
        let (a, b) = (cell(0, 1), cell(1, 5));
        let drawn = Rect::between((b.x + 1, b.y + 1), (a.x + 1, a.y + 1));
        assert_eq!(
            layout.caught(&Drawn::Box(drawn)),
            [Caught { at: 0, slots: Some(vec![1, 2, 3, 5, 6, 7]) }, Caught { at: 1, slots: Some(vec![0, 1, 4, 5]) }]
        );
        let caught = |x, y, w, h| layout.caught(&Drawn::Box(Rect { x, y, w, h }));
        assert_eq!(caught(a.x + 1, a.y + 1, 1, 1).len(), 1);
        assert!(caught(599, 299, 1, 1).is_empty());
        let everything = caught(0, 0, 600, 300);
        assert!(everything.len() == 12 && everything.iter().all(|caught| caught.slots.is_none()));
    }

    #[test]
    fn where_nodes_are_cells_whole_nodes_are_caught() {
        let layout = layout(20_000);
        assert!(layout.node_is_cell);
        let area = layout.nodes[0].rect.around(layout.nodes[2].rect);
        let of = |drawn| layout.caught(&drawn).iter().map(|one| (one.at, one.slots.is_none())).collect::<Vec<_>>();
        assert_eq!(of(Drawn::Box(area)), [(0, true), (1, true), (2, true)]);
        let end = (area.x + area.w, area.y + area.h);
        assert_eq!(of(line(&[(area.x, area.y), (end.0, area.y), end, (area.x, end.1)])), of(Drawn::Box(area)));
    }

    fn line(points: &[(u32, u32)]) -> Drawn {
        let mut line = Line::between(points[0], points[0]);
        points.iter().for_each(|at| line.draw_to(*at));
        Drawn::Line(line)
    }

    #[test]
    fn a_line_catches_the_cells_whose_middle_it_goes_around() {
        let layout = layout(12);
        let cell = |at, gpu| layout.cell(Spot { at, gpu }).unwrap();
        // Around GPU 0 alone, and a little of the others beside and below it.
        let (first, beside, below) = (cell(0, 0), cell(0, 1), cell(0, 4));
        let around = line(&[
            (first.x - 1, first.y - 1),
            (beside.x + 1, first.y - 1),
            (beside.x + 1, below.y + 1),
            (first.x - 1, below.y + 1),
        ]);
        assert_eq!(layout.caught(&around), [Caught { at: 0, slots: Some(vec![0]) }]);
        // Its upper left half, from corner to corner: what is below the line stays.
        let last = cell(0, 7);
        let corners =
            [(first.x - 1, first.y - 1), (last.x + last.w + 1, first.y - 1), (first.x - 1, last.y + last.h + 1)];
        let [Caught { at: 0, slots: Some(slots) }] = &layout.caught(&line(&corners))[..] else { panic!("{corners:?}") };
        assert!(slots.contains(&0) && !slots.contains(&7), "{slots:?}");
        // Either way around is the same; a line back and forth goes around nothing.
        let mut turned = corners;
        turned.reverse();
        assert_eq!(layout.caught(&line(&turned)), layout.caught(&line(&corners)));
        let (from, to) = ((first.x, first.y + 2), (last.x + last.w, last.y + 2));
        assert!(layout.caught(&line(&[from, to, from])).is_empty() && layout.caught(&line(&[from])).is_empty());
    }

    #[test]
    fn what_a_line_goes_around_twice_is_outside() {
        let square = |from: u32, to: u32| [(from, from), (to, from), (to, to), (from, to), (from, from)];
        let Drawn::Line(ring) = line(&[square(0, 100), square(30, 70)].concat()) else { panic!("no line") };
        let holds = |x: i64, y: i64| ring.holds((2 * x, 2 * y));
        assert!(holds(15, 50) && holds(50, 85) && !holds(50, 50) && !holds(-1, 50) && !holds(150, 50));
    }

    #[test]
    fn a_long_line_keeps_its_shape_with_few_points() {
        // Round and round, as nobody draws: 5,000 points of a circle.
        let mut line = Line::between((900, 500), (900, 500));
        for step in 0..5_000_u32 {
            let turn = f64::from(step) * std::f64::consts::TAU / 5_000.0;
            let at = |middle: f64| (500.0 + 400.0 * middle).round() as u32;
            line.draw_to((at(turn.cos()), at(turn.sin())));
        }
        assert!(line.points().len() <= MOST, "{}", line.points().len());
        for point in [(500, 500), (500, 115), (885, 500), (230, 230)] {
            assert!(line.holds((2 * point.0, 2 * point.1)), "{point:?}");
        }
        for point in [(500, 85), (205, 205), (915, 500)] {
            assert!(!line.holds((2 * point.0, 2 * point.1)), "{point:?}");
        }
    }
}

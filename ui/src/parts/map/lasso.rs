//! What a box that is drawn over the map catches.

use super::layout::{Layout, Rect, Spot};

/// GPUs of one node that were caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caught {
    /// Index into [`Layout::nodes`].
    pub at: usize,
    /// The slots; `None` for all of the node's.
    pub slots: Option<Vec<u16>>,
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
    /// All GPUs whose cells a box touches, node by node.
    #[must_use]
    pub fn caught(&self, area: Rect) -> Vec<Caught> {
        let touched = self.nodes.iter().enumerate().filter(|(_, node)| node.rect.meets(area));
        touched
            .filter_map(|(at, node)| {
                let is_in = |gpu: &u16| self.cell(Spot { at, gpu: *gpu }).is_some_and(|cell| cell.meets(area));
                let slots: Vec<u16> = (0..node.gpus).filter(is_in).collect();
                let all = self.node_is_cell || slots.len() == usize::from(node.gpus);
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
            layout.caught(drawn),
            [Caught { at: 0, slots: Some(vec![1, 2, 3, 5, 6, 7]) }, Caught { at: 1, slots: Some(vec![0, 1, 4, 5]) }]
        );
        assert_eq!(layout.caught(Rect { x: a.x + 1, y: a.y + 1, w: 1, h: 1 }).len(), 1);
        assert!(layout.caught(Rect { x: 599, y: 299, w: 1, h: 1 }).is_empty());
        let everything = layout.caught(Rect { x: 0, y: 0, w: 600, h: 300 });
        assert!(everything.len() == 12 && everything.iter().all(|caught| caught.slots.is_none()));
    }

    #[test]
    fn where_nodes_are_cells_whole_nodes_are_caught() {
        let layout = layout(20_000);
        assert!(layout.node_is_cell);
        let area = layout.nodes[0].rect.around(layout.nodes[2].rect);
        let caught = layout.caught(area);
        assert_eq!(
            caught.iter().map(|caught| (caught.at, caught.slots.is_none())).collect::<Vec<_>>(),
            [(0, true), (1, true), (2, true)]
        );
    }
}

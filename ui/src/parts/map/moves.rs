//! From a point to a GPU and from a GPU to its neighbour: what the pointer and the arrow keys mean on the map.

use super::layout::{Layout, Rect, Spot};

/// A direction of the arrow keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Towards {
    /// Left.
    Left,
    /// Right.
    Right,
    /// Up.
    Up,
    /// Down.
    Down,
}

impl Layout {
    /// The place of one GPU.
    #[must_use]
    pub fn cell(&self, spot: Spot) -> Option<Rect> {
        let node = self.nodes.get(spot.at)?;
        if self.node_is_cell {
            return Some(node.rect);
        }
        let (m, gpu) = (self.measure, u32::from(spot.gpu));
        let pitch = m.cell + m.gap;
        let (x, y) = (node.rect.x + gpu % node.columns * pitch, node.rect.y + gpu / node.columns * pitch);
        Some(Rect { x, y, w: m.cell, h: m.cell })
    }

    /// The GPU under a point in device pixels. Between the cells of a node the nearer one counts, between nodes none.
    #[must_use]
    pub fn hit(&self, x: u32, y: u32) -> Option<Spot> {
        let pool = self.pools.iter().find(|pool| pool.body.holds(x, y))?;
        let (column, row) = ((x - pool.body.x) / pool.pitch.0, (y - pool.body.y) / pool.pitch.1);
        if column >= pool.columns {
            return None;
        }
        let index = usize::try_from(row * pool.columns + column).ok()?;
        let at = pool.first + index;
        let node = self.nodes.get(at).filter(|_| index < pool.len)?;
        if !node.rect.holds(x, y) {
            return None;
        }
        if self.node_is_cell {
            return Some(Spot { at, gpu: 0 });
        }
        let pitch = self.measure.cell + self.measure.gap;
        let gpu = (y - node.rect.y) / pitch * node.columns + ((x - node.rect.x) / pitch).min(node.columns - 1);
        let gpu = u16::try_from(gpu).ok().filter(|gpu| *gpu < node.gpus)?;
        Some(Spot { at, gpu })
    }

    /// The next GPU in a direction: in the node, then in the nearest node that way; the same one at the edge.
    #[must_use]
    pub fn step(&self, from: Spot, towards: Towards) -> Spot {
        let Some(node) = self.nodes.get(from.at) else { return Spot { at: 0, gpu: 0 } };
        if !self.node_is_cell
            && let Some(gpu) = within(from.gpu, node.gpus, u16::try_from(node.columns).unwrap_or(1), towards)
        {
            return Spot { at: from.at, gpu };
        }
        let Some(here) = self.cell(from) else { return from };
        let (x, y) = centre(here);
        let next = (0..self.nodes.len())
            .filter(|at| *at != from.at)
            .filter_map(|at| distance((x, y), self.nodes[at].rect, towards).map(|cost| (cost, at)))
            .min();
        let Some((_, at)) = next else { return from };
        let nearest = |spot: &Spot| {
            let (cx, cy) = self.cell(*spot).map_or((0, 0), centre);
            (cx - x).abs() + (cy - y).abs()
        };
        let gpus = if self.node_is_cell { 1 } else { self.nodes[at].gpus };
        (0..gpus).map(|gpu| Spot { at, gpu }).min_by_key(nearest).unwrap_or(from)
    }
}

fn within(gpu: u16, gpus: u16, columns: u16, towards: Towards) -> Option<u16> {
    match towards {
        Towards::Left => (!gpu.is_multiple_of(columns)).then(|| gpu - 1),
        Towards::Right => (gpu % columns + 1 < columns && gpu + 1 < gpus).then_some(gpu + 1),
        Towards::Up => gpu.checked_sub(columns),
        Towards::Down => (gpu + columns < gpus).then_some(gpu + columns),
    }
}

fn centre(rect: Rect) -> (i64, i64) {
    (i64::from(rect.x) + i64::from(rect.w / 2), i64::from(rect.y) + i64::from(rect.h / 2))
}

/// How far a box is in a direction; what stands aside counts fourfold, what stands behind not at all.
fn distance(from: (i64, i64), to: Rect, towards: Towards) -> Option<i64> {
    let (left, top) = (i64::from(to.x), i64::from(to.y));
    let (right, bottom) = (left + i64::from(to.w), top + i64::from(to.h));
    let aside_y = (top - from.1).max(from.1 - bottom).max(0);
    let aside_x = (left - from.0).max(from.0 - right).max(0);
    let (ahead, aside) = match towards {
        Towards::Left => (from.0 - right, aside_y),
        Towards::Right => (left - from.0, aside_y),
        Towards::Up => (from.1 - bottom, aside_x),
        Towards::Down => (top - from.1, aside_x),
    };
    (ahead > 0).then_some(ahead + 4 * aside)
}

#[cfg(test)]
mod tests {
    use super::super::layout::{ClusterPlan, PoolPlan, lay_out};
    use super::*;

    fn fleet(clusters: &[&[(usize, u16)]]) -> Vec<ClusterPlan> {
        let mut numbers = 0u32..;
        let mut pool = |&(nodes, gpus): &(usize, u16)| {
            PoolPlan::new(numbers.by_ref().take(nodes).map(|node| (node, gpus)).collect())
        };
        clusters
            .iter()
            .map(|pools| ClusterPlan { pools: pools.iter().map(&mut pool).collect(), ghost: false, heading: 20 })
            .collect()
    }

    fn sample() -> Vec<ClusterPlan> {
        fleet(&[&[(160, 8), (64, 8), (32, 8)], &[(120, 8), (40, 8)], &[(96, 8)]])
    }

    #[test]
    fn the_fleet_of_the_picture_gets_the_cells_of_the_picture() {
        let layout = lay_out(&sample(), 1_004, 388, 1.0);
        assert_eq!((layout.measure.cell, layout.measure.gap, layout.node_is_cell), (6, 1, false));
        assert!(layout.height <= 388, "{}", layout.height);
        assert_eq!(layout.nodes.len(), 512);
    }

    #[test]
    fn ten_thousand_gpus_find_room_and_more_become_one_cell_a_node() {
        let ten_thousand = fleet(&[&[(600, 8)], &[(400, 8)], &[(250, 8)]]);
        let layout = lay_out(&ten_thousand, 998, 390, 1.0);
        assert!(layout.measure.cell >= 3 && !layout.node_is_cell && layout.height <= 390);
        let huge = lay_out(&fleet(&[&[(20_000, 8)]]), 998, 390, 1.0);
        assert!(huge.node_is_cell);
    }

    #[test]
    fn nothing_overlaps_and_nothing_leaves_the_map() {
        for (plans, width, height, dpr) in [
            (sample(), 998, 390, 1.0),
            (sample(), 1_247, 488, 1.25),
            (fleet(&[&[(3, 1), (2, 16), (1, 72)], &[(5, 4)], &[(1, 8)]]), 600, 300, 2.0),
            (fleet(&[&[(9, 8)][..]; 17]), 700, 400, 1.0),
        ] {
            let layout = lay_out(&plans, width, height, dpr);
            for (i, a) in layout.nodes.iter().enumerate() {
                assert!(a.rect.x + a.rect.w <= width && a.rect.y + a.rect.h <= layout.height, "{a:?}");
                for b in &layout.nodes[i + 1..] {
                    let apart = a.rect.x + a.rect.w <= b.rect.x
                        || b.rect.x + b.rect.w <= a.rect.x
                        || a.rect.y + a.rect.h <= b.rect.y
                        || b.rect.y + b.rect.h <= a.rect.y;
                    assert!(apart, "{a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn every_cell_is_hit_at_each_of_its_corners() {
        for plans in [sample(), fleet(&[&[(3, 1), (2, 16), (1, 72)], &[(5, 3)]])] {
            let layout = lay_out(&plans, 1_497, 585, 1.5);
            for (at, node) in layout.nodes.iter().enumerate() {
                for gpu in 0..node.gpus {
                    let spot = Spot { at, gpu };
                    let cell = layout.cell(spot).unwrap();
                    for (x, y) in [(cell.x, cell.y), (cell.x + cell.w - 1, cell.y + cell.h - 1)] {
                        assert_eq!(layout.hit(x, y), Some(spot));
                    }
                }
            }
            assert_eq!(layout.hit(5_000, 5_000), None);
        }
    }

    #[test]
    fn arrows_walk_through_a_node_and_on_to_the_next() {
        let layout = lay_out(&sample(), 998, 390, 1.0);
        let from = Spot { at: 0, gpu: 3 };
        assert_eq!(layout.step(from, Towards::Left), Spot { at: 0, gpu: 2 });
        assert_eq!(layout.step(from, Towards::Down), Spot { at: 0, gpu: 7 });
        assert_eq!(layout.step(from, Towards::Right), Spot { at: 1, gpu: 0 });
        assert_eq!(layout.step(Spot { at: 0, gpu: 0 }, Towards::Left), Spot { at: 0, gpu: 0 });
        let columns = usize::try_from(layout.pools[0].columns).unwrap();
        assert_eq!(layout.step(Spot { at: 0, gpu: 4 }, Towards::Down), Spot { at: columns, gpu: 0 });
        // Over the gap between clusters, to the one at the right.
        let edge = layout.step(Spot { at: columns - 1, gpu: 3 }, Towards::Right);
        assert_eq!(layout.nodes[edge.at].cluster, 1);
    }

    #[test]
    fn every_gpu_can_be_reached_by_the_arrows() {
        let layout = lay_out(&fleet(&[&[(7, 8), (3, 4)], &[(2, 1)], &[(5, 16)]]), 400, 300, 1.0);
        let mut seen = std::collections::BTreeSet::from([(0, 0)]);
        let mut open = vec![Spot { at: 0, gpu: 0 }];
        while let Some(spot) = open.pop() {
            for towards in [Towards::Left, Towards::Right, Towards::Up, Towards::Down] {
                let next = layout.step(spot, towards);
                if seen.insert((next.at, next.gpu)) {
                    open.push(next);
                }
            }
        }
        let all: usize = layout.nodes.iter().map(|node| usize::from(node.gpus)).sum();
        assert_eq!(seen.len(), all);
    }
}

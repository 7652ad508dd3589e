//! Zoom: the same map with larger cells, of which the screen shows a part; and which part that is.

use super::layout::{ClusterPlan, Layout, Rect, lay_out, lay_out_at};

/// Edges of cells that one can zoom to, in CSS pixels: each step about a fifth larger than the one before.
const SCALES: [u32; 13] = [3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 24, 28];

/// Lays clusters out as they fit, and from there so many steps larger. What stands side by side stays so: the map is as
/// much wider as its nodes are.
#[must_use]
pub fn lay_out_zoomed(plans: &[ClusterPlan], width: u32, height: u32, dpr: f64, zoom: u32) -> Layout {
    let fit = lay_out(plans, width, height, dpr);
    let (Some(scale), Some(before)) = (scale_at(&fit, zoom), fit.pitch()) else { return fit };
    let after = lay_out_at(plans, (width, height), dpr, scale);
    let Some(pitch) = after.pitch() else { return fit };
    let grown = |length: u32, by: (u32, u32)| {
        let length = u64::from(length) * u64::from(by.1) / u64::from(by.0.max(1));
        u32::try_from(length).unwrap_or(u32::MAX)
    };
    let within = (grown(width, (before.0, pitch.0)), grown(height, (before.1, pitch.1)));
    lay_out_at(plans, (within.0.max(width), within.1.max(height)), dpr, scale)
}

/// The size of cells so many steps beyond what fits; `None` without a step.
fn scale_at(fit: &Layout, zoom: u32) -> Option<u32> {
    let larger = SCALES.iter().copied().filter(|scale| fit.node_is_cell || *scale > fit.measure.scale);
    let steps = larger.take(usize::try_from(zoom).ok()?);
    steps.last()
}

/// How many steps there are beyond what fits: one as it fits has cells of `scale` CSS pixels.
#[must_use]
pub fn most_zoom(layout: &Layout, zoom: u32) -> u32 {
    let left = if layout.node_is_cell {
        SCALES.len()
    } else {
        SCALES.iter().filter(|scale| **scale > layout.measure.scale).count()
    };
    zoom.saturating_add(u32::try_from(left).unwrap_or(0))
}

/// The part of a layout that is in sight, in device pixels: `from` and `size` of the box that it scrolls in.
#[must_use]
pub fn in_sight(layout: &Layout, from: (u32, u32), size: (u32, u32)) -> Rect {
    let part = |from: u32, size: u32, whole: u32| {
        let size = size.min(whole);
        (from.min(whole - size), size)
    };
    let ((x, w), (y, h)) = (part(from.0, size.0, layout.width), part(from.1, size.1, layout.height));
    Rect { x, y, w, h }
}

/// Where to scroll to, so that a point of the map stays under the pointer while the map grows: the point `at`, at which
/// the pointer was, is now at `now`; the pointer is so far into the box. In CSS pixels.
#[must_use]
pub fn scrolled_to(now: (f64, f64), pointer: (f64, f64)) -> (f64, f64) {
    ((now.0 - pointer.0).max(0.0), (now.1 - pointer.1).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::super::layout::PoolPlan;
    use super::*;

    fn plans(nodes: u32) -> Vec<ClusterPlan> {
        let pool = |from: u32, to: u32| PoolPlan::new((from..to).map(|node| (node, 8)).collect());
        vec![
            ClusterPlan { pools: vec![pool(0, nodes / 2)], ghost: false, heading: 20 },
            ClusterPlan { pools: vec![pool(nodes / 2, nodes)], ghost: false, heading: 20 },
        ]
    }

    #[test]
    fn each_step_is_larger_and_the_last_one_ends() {
        for nodes in [40, 512, 1_250, 20_000] {
            let plans = plans(nodes);
            let fit = lay_out(&plans, 1_400, 500, 1.0);
            assert_eq!(lay_out_zoomed(&plans, 1_400, 500, 1.0, 0), fit);
            let most = most_zoom(&fit, 0);
            let mut before = fit;
            for zoom in 1..=most {
                let layout = lay_out_zoomed(&plans, 1_400, 500, 1.0, zoom);
                assert_eq!(layout.nodes.len(), before.nodes.len());
                assert!(layout.width >= before.width && !layout.node_is_cell, "{nodes} nodes, {zoom}");
                assert!(before.node_is_cell || layout.measure.cell > before.measure.cell, "{nodes} nodes, {zoom}");
                assert_eq!(most_zoom(&layout, zoom), most);
                before = layout;
            }
            assert_eq!(lay_out_zoomed(&plans, 1_400, 500, 1.0, most + 3), before);
        }
    }

    #[test]
    fn the_map_keeps_its_arrangement_while_it_grows() {
        let plans = plans(1_250);
        let fit = lay_out(&plans, 1_400, 500, 1.0);
        for zoom in 1..=4 {
            let layout = lay_out_zoomed(&plans, 1_400, 500, 1.0, zoom);
            let (a, b) = (f64::from(fit.pools[0].columns), f64::from(layout.pools[0].columns));
            assert!((a - b).abs() / a < 0.15, "{a} columns became {b}");
        }
    }

    #[test]
    fn what_is_in_sight_lies_on_the_map() {
        let layout = lay_out_zoomed(&plans(512), 1_000, 400, 1.0, 3);
        for from in [(0, 0), (200, 100), (u32::MAX, u32::MAX)] {
            let seen = in_sight(&layout, from, (1_000, 400));
            assert!(seen.x + seen.w <= layout.width && seen.y + seen.h <= layout.height);
            assert_eq!((seen.w, seen.h), (1_000, 400));
        }
        let small = Layout { width: 300, height: 90, ..Layout::default() };
        assert_eq!(in_sight(&small, (7, 9), (1_000, 400)), Rect { x: 0, y: 0, w: 300, h: 90 });
    }
}

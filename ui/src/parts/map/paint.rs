//! Draws the map into plain pixels. Knows layout, inks and palette; no browser, so that it is tested on the host.

use super::{
    ink::{Ink, step_of},
    layout::{Layout, Rect, Spot},
    palette::{Palette, Pixel, blend},
};
use std::sync::Arc;

/// What is drawn on a layout.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// One ink a cell, node by node in the order of the layout; one a node where a node is one cell.
    pub inks: Vec<Ink>,
    /// Whether the node is cordoned, for each node of the layout.
    pub cordoned: Vec<bool>,
    /// Whether the cluster is stale, for each cluster of the layout.
    pub stale: Vec<bool>,
    /// Whether each cell was picked, in the order of `inks`: the others are faded. Empty where nothing is picked.
    pub picked: Arc<[bool]>,
}

/// A picture: rows of red, green, blue, alpha.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The pixels.
    pub rgba: Vec<u8>,
    /// Where on the layout it begins: left, top. All that is drawn is given in places of the layout.
    from: (u32, u32),
}

impl Picture {
    /// Draws the part of a scene that lies in `window`, reusing the memory of the last one.
    pub fn draw(&mut self, layout: &Layout, scene: &Scene, palette: &Palette, window: Rect) {
        (self.width, self.height, self.from) = (window.w, window.h, (window.x, window.y));
        self.clear(palette.ground);
        let px = layout.measure.px;
        let mut first = 0;
        for (at, node) in layout.nodes.iter().enumerate() {
            let cells = if layout.node_is_cell { 1 } else { node.gpus };
            let from = first;
            first += usize::from(cells);
            // Marks reach over the edge of what they stand for.
            if !grow(node.rect, 3 * px).meets(window) {
                continue;
            }
            let stale = scene.stale.get(node.cluster).copied().unwrap_or(false);
            for gpu in 0..cells {
                let place = from + usize::from(gpu);
                let Some(ink) = scene.inks.get(place) else { return };
                if let Some(rect) = layout.cell(Spot { at, gpu }) {
                    let faded = !scene.picked.is_empty() && !scene.picked.get(place).copied().unwrap_or(false);
                    self.cell(rect, *ink, palette, px, stale);
                    if faded {
                        self.fade(grow(rect, px), palette.ground);
                    }
                }
            }
            if scene.cordoned.get(at).copied().unwrap_or(false) && !layout.node_is_cell {
                self.dashed(grow(node.rect, 2 * px), palette.warn, px);
            }
        }
        for ghost in &layout.ghosts {
            self.outline(*ghost, palette.line, px);
        }
        for pool in &layout.pools {
            if scene.stale.get(pool.cluster).copied().unwrap_or(false) {
                self.hatch(pool.body, palette.ground, px);
            }
        }
    }

    fn clear(&mut self, ground: Pixel) {
        let pixels = usize::try_from(u64::from(self.width) * u64::from(self.height)).unwrap_or(0);
        self.rgba.resize(pixels * 4, u8::MAX);
        let row = self.width as usize * 4;
        let Some(first) = self.rgba.get_mut(..row) else { return };
        dye(first, ground);
        // Whole rows at once: there are more pixels of ground than of all cells.
        for at in 1..self.height as usize {
            self.rgba.copy_within(..row, at * row);
        }
    }

    /// Where in the pixels a place of the layout is; `None` outside of the picture.
    fn at(&self, x: u32, y: u32) -> Option<usize> {
        let (x, y) = (x.checked_sub(self.from.0)?, y.checked_sub(self.from.1)?);
        (x < self.width && y < self.height).then(|| (y as usize * self.width as usize + x as usize) * 4)
    }

    fn set(&mut self, x: u32, y: u32, colour: Pixel) {
        if let Some(at) = self.at(x, y) {
            self.rgba[at..at + 3].copy_from_slice(&colour);
        }
    }

    /// The colour at a place of the layout.
    #[must_use]
    pub fn get(&self, x: u32, y: u32) -> Pixel {
        let pixel = self.at(x, y).and_then(|at| self.rgba.get(at..at + 3));
        pixel.map_or([0; 3], |pixel| [pixel[0], pixel[1], pixel[2]])
    }

    fn fill(&mut self, rect: Rect, colour: Pixel) {
        self.rows(rect, |row| dye(row, colour));
    }

    /// Lets the ground through: what was not picked steps back.
    fn fade(&mut self, rect: Rect, ground: Pixel) {
        self.rows(rect, |row| {
            for pixel in row.chunks_exact_mut(4) {
                let colour = blend(ground, [pixel[0], pixel[1], pixel[2]], 180);
                pixel[..3].copy_from_slice(&colour);
            }
        });
    }

    /// The rows of pixels of a rectangle, as far as it lies in the picture.
    fn rows(&mut self, rect: Rect, mut each: impl FnMut(&mut [u8])) {
        let inside = |at: u32, from: u32, length: u32| at.saturating_sub(from).min(length);
        let (left, right) = (inside(rect.x, self.from.0, self.width), inside(rect.x + rect.w, self.from.0, self.width));
        let (top, bottom) =
            (inside(rect.y, self.from.1, self.height), inside(rect.y + rect.h, self.from.1, self.height));
        for y in top..bottom {
            let row = y as usize * self.width as usize;
            each(&mut self.rgba[(row + left as usize) * 4..(row + right as usize) * 4]);
        }
    }

    fn outline(&mut self, rect: Rect, colour: Pixel, px: u32) {
        if rect.w == 0 || rect.h == 0 {
            return;
        }
        let px = px.min(rect.w / 2).min(rect.h / 2).max(1);
        let Rect { x, y, w, h } = rect;
        self.fill(Rect { x, y, w, h: px }, colour);
        self.fill(Rect { x, y: y + h - px, w, h: px }, colour);
        self.fill(Rect { x, y, w: px, h }, colour);
        self.fill(Rect { x: x + w - px, y, w: px, h }, colour);
    }

    fn cell(&mut self, rect: Rect, ink: Ink, palette: &Palette, px: u32, stale: bool) {
        // 78 % of the colour over the ground: what is stale is paler, its marks are not.
        let pale = |colour| if stale { blend(colour, palette.ground, 200) } else { colour };
        let value = pale(palette.scale[step_of(ink)]);
        match ink {
            Ink::Scale(_) | Ink::Held => self.fill(rect, value),
            Ink::Shared => {
                self.outline(rect, value, px);
                let half = rect.h / 2;
                self.fill(Rect { y: rect.y + half, h: rect.h - half, ..rect }, value);
            }
            Ink::Free => self.outline(rect, pale(palette.free), px),
            Ink::Well => self.fill(rect, pale(palette.well)),
            Ink::NoData => {
                self.fill(rect, palette.quiet);
                let dot = (rect.w / 3).max(px);
                let at = (rect.w - dot) / 2;
                self.fill(Rect { x: rect.x + at, y: rect.y + at, w: dot, h: dot }, palette.dot);
            }
            Ink::Stale => {
                self.fill(rect, palette.quiet);
                self.stroke(rect, palette.dot, px, true);
            }
            Ink::Withheld => {
                self.fill(rect, palette.quiet);
                self.outline(rect, palette.warn, px);
                self.stroke(rect, palette.warn, px, false);
            }
            Ink::Slowed => {
                self.fill(rect, palette.quiet);
                self.triangle(rect, palette.warn);
            }
            Ink::Lost => {
                self.fill(grow(rect, px), palette.bad);
                let thick = (rect.w / 4).max(px);
                let cut = if rect.w > 4 * px { shrink(rect, px) } else { rect };
                self.stroke(cut, palette.ground, thick, false);
                self.stroke(cut, palette.ground, thick, true);
            }
        }
    }

    /// A diagonal of a square, `thick` pixels wide; rising from the left or falling.
    fn stroke(&mut self, rect: Rect, colour: Pixel, thick: u32, falling: bool) {
        for y in 0..rect.h {
            for x in 0..rect.w {
                let along = if falling { x } else { rect.w - 1 - x };
                if along.abs_diff(y) * 2 < thick {
                    self.set(rect.x + x, rect.y + y, colour);
                }
            }
        }
    }

    fn triangle(&mut self, rect: Rect, colour: Pixel) {
        for y in 0..rect.h {
            let half = (y + 1) * rect.w / rect.h / 2;
            let (from, to) = ((rect.w / 2).saturating_sub(half), (rect.w.div_ceil(2) + half).min(rect.w));
            for x in from..to {
                self.set(rect.x + x, rect.y + y, colour);
            }
        }
    }

    fn dashed(&mut self, rect: Rect, colour: Pixel, px: u32) {
        let dash = |n: u32| (n / (2 * px)).is_multiple_of(2);
        let Rect { x, y, w, h } = rect;
        for n in (0..w).filter(|n| dash(*n)) {
            for thick in 0..px {
                self.set(x + n, y + thick, colour);
                self.set(x + n, y + h - 1 - thick, colour);
            }
        }
        for n in (0..h).filter(|n| dash(*n)) {
            for thick in 0..px {
                self.set(x + thick, y + n, colour);
                self.set(x + w - 1 - thick, y + n, colour);
            }
        }
    }

    /// Ground-coloured stripes over what is drawn, one pixel and a half in six.
    fn hatch(&mut self, rect: Rect, ground: Pixel, px: u32) {
        let Rect { x, y, w, h } = rect;
        let (left, top) = (x.max(self.from.0), y.max(self.from.1));
        let (right, bottom) = ((x + w).min(self.from.0 + self.width), (y + h).min(self.from.1 + self.height));
        for y in top..bottom {
            for x in left..right {
                if (x + y) % (6 * px) < 2 * px {
                    self.set(x, y, blend(ground, self.get(x, y), 150));
                }
            }
        }
    }
}

/// Gives all these pixels one colour.
fn dye(pixels: &mut [u8], colour: Pixel) {
    let colour = [colour[0], colour[1], colour[2], u8::MAX];
    pixels.chunks_exact_mut(4).for_each(|pixel| pixel.copy_from_slice(&colour));
}

fn shrink(rect: Rect, by: u32) -> Rect {
    let Rect { x, y, w, h } = rect;
    Rect { x: x + by, y: y + by, w: w.saturating_sub(2 * by), h: h.saturating_sub(2 * by) }
}

fn grow(rect: Rect, by: u32) -> Rect {
    let (left, top) = (rect.x.min(by), rect.y.min(by));
    Rect { x: rect.x - left, y: rect.y - top, w: rect.w + left + by, h: rect.h + top + by }
}

#[cfg(test)]
mod tests {
    use super::super::layout::{ClusterPlan, PoolPlan, lay_out};
    use super::*;

    const PALETTE: Palette = Palette {
        ground: [0, 0, 0],
        quiet: [1, 1, 1],
        well: [2, 2, 2],
        line: [3, 3, 3],
        free: [4, 4, 4],
        dot: [5, 5, 5],
        warn: [6, 6, 6],
        bad: [7, 7, 7],
        scale: [
            [8, 8, 8],
            [9, 9, 9],
            [10, 10, 10],
            [11, 11, 11],
            [12, 12, 12],
            [250, 250, 250],
            [14, 14, 14],
            [15, 15, 15],
            [16, 16, 16],
        ],
    };

    fn draw(inks: &[Ink], stale: bool) -> (Layout, Picture) {
        let node = (0, u16::try_from(inks.len()).unwrap());
        let plan = ClusterPlan { pools: vec![PoolPlan::new(vec![node])], ghost: false, heading: 1 };
        let layout = lay_out(&[plan], 300, 100, 1.0);
        let mut picture = Picture::default();
        let scene = Scene { inks: inks.to_vec(), cordoned: vec![true], stale: vec![stale], ..Scene::default() };
        picture.draw(&layout, &scene, &PALETTE, Rect { x: 0, y: 0, w: 300, h: 100 });
        (layout, picture)
    }

    fn colours(layout: &Layout, picture: &Picture, gpu: u16) -> Vec<u8> {
        let cell = layout.cell(Spot { at: 0, gpu }).unwrap();
        let middle = picture.get(cell.x + cell.w / 2, cell.y + cell.h * 2 / 5);
        let corner = picture.get(cell.x, cell.y);
        let low = picture.get(cell.x + cell.w / 2, cell.y + cell.h - 2);
        vec![middle[0], corner[0], low[0]]
    }

    #[test]
    fn every_state_has_a_shape_of_its_own() {
        let inks = [
            Ink::Held,
            Ink::Free,
            Ink::Shared,
            Ink::Withheld,
            Ink::Lost,
            Ink::NoData,
            Ink::Slowed,
            Ink::Well,
            Ink::Stale,
        ];
        let (layout, picture) = draw(&inks, false);
        let seen: Vec<Vec<u8>> = (0..9).map(|gpu| colours(&layout, &picture, gpu)).collect();
        for (i, a) in seen.iter().enumerate() {
            for b in &seen[i + 1..] {
                assert_ne!(a, b, "{seen:?}");
            }
        }
        assert_eq!(seen[0], [250, 250, 250]);
        assert_eq!(seen[1], [0, 4, 0]);
        assert_eq!(seen[2][2], 250);
    }

    #[test]
    fn a_cordon_is_drawn_around_the_node_and_stale_is_paler() {
        let (layout, picture) = draw(&[Ink::Held], false);
        let cell = layout.cell(Spot { at: 0, gpu: 0 }).unwrap();
        assert_eq!(picture.get(cell.x - 2, cell.y - 2), PALETTE.warn);
        let (_, stale) = draw(&[Ink::Held], true);
        assert!(stale.get(cell.x + 3, cell.y + 3)[0] < 250);
        assert_ne!(stale.rgba, picture.rgba);
    }

    #[test]
    fn a_map_without_a_size_draws_nothing() {
        let plan = ClusterPlan { pools: vec![PoolPlan::new(vec![(0, 8)])], ghost: true, heading: 1 };
        for (width, height, dpr) in [(0, 0, 0.0), (1, 1, 1.0), (9, 400, 0.5)] {
            let layout = lay_out(std::slice::from_ref(&plan), width, height, dpr);
            let scene = Scene { inks: vec![Ink::Lost; 8], cordoned: vec![true], stale: vec![true], ..Scene::default() };
            let whole = Rect { x: 0, y: 0, w: layout.width, h: layout.height };
            Picture::default().draw(&layout, &scene, &PALETTE, whole);
        }
    }

    #[test]
    fn a_map_that_is_cut_off_does_not_draw_outside() {
        let plan =
            ClusterPlan { pools: vec![PoolPlan::new((0..500).map(|i| (i, 8)).collect())], ghost: true, heading: 1 };
        let layout = lay_out(&[plan], 40, 20, 2.0);
        let mut picture = Picture::default();
        let cordoned = vec![true; 500];
        let scene = Scene { inks: vec![Ink::Lost; 4_000], cordoned, stale: vec![true], ..Scene::default() };
        picture.draw(&layout, &scene, &PALETTE, Rect { x: 0, y: 0, w: 40, h: 20 });
        assert_eq!(picture.rgba.len(), 40 * 20 * 4);
    }

    #[test]
    fn a_part_of_a_map_is_drawn_as_it_is_drawn_in_the_whole() {
        let pool = PoolPlan::new((0..60).map(|i| (i, 8)).collect());
        let layout = lay_out(&[ClusterPlan { pools: vec![pool], ghost: false, heading: 1 }], 300, 200, 1.0);
        let inks = [Ink::Held, Ink::Lost, Ink::Free, Ink::Slowed, Ink::Shared, Ink::NoData, Ink::Withheld];
        let scene = Scene {
            inks: inks.into_iter().cycle().take(480).collect(),
            cordoned: (0..60).map(|node| node % 3 == 0).collect(),
            stale: vec![true],
            picked: (0..480).map(|cell| cell % 5 < 3).collect(),
        };
        let (mut whole, mut part) = (Picture::default(), Picture::default());
        whole.draw(&layout, &scene, &PALETTE, Rect { x: 0, y: 0, w: layout.width, h: layout.height });
        let window = Rect { x: 37, y: 29, w: 111, h: 83 };
        part.draw(&layout, &scene, &PALETTE, window);
        assert_eq!(part.rgba.len(), 111 * 83 * 4);
        for y in window.y..window.y + window.h {
            for x in window.x..window.x + window.w {
                assert_eq!(part.get(x, y), whole.get(x, y), "{x}, {y}");
            }
        }
    }

    #[test]
    fn what_was_not_picked_steps_back() {
        let (layout, picture) = draw(&[Ink::Held, Ink::Held], false);
        let scene = Scene { inks: vec![Ink::Held; 2], picked: Arc::new([true, false]), ..Scene::default() };
        let mut faded = Picture::default();
        faded.draw(&layout, &scene, &PALETTE, Rect { x: 0, y: 0, w: 300, h: 100 });
        let middle = |picture: &Picture, gpu| {
            let cell = layout.cell(Spot { at: 0, gpu }).unwrap();
            picture.get(cell.x + cell.w / 2, cell.y + cell.h / 2)[0]
        };
        assert_eq!([middle(&picture, 1), middle(&faded, 0)], [250, 250]);
        assert!(middle(&faded, 1) < 100);
    }
}

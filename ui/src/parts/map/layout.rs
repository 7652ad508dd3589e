//! Where each GPU stands on the map: sizes, columns and rows in device pixels. Knows no colour and no browser.

/// One cluster to lay out: its pools in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterPlan {
    /// Pools in order.
    pub pools: Vec<PoolPlan>,
    /// Is it still being listed, so that nothing is known of its size? It then gets outlines of nodes.
    pub ghost: bool,
    /// Characters of its heading, for the least width.
    pub heading: usize,
}

/// A pool: nodes of one shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolPlan {
    nodes: Vec<(u32, u16)>,
    /// GPUs of the largest node: asked for often.
    most: u16,
}

impl PoolPlan {
    /// A pool of these nodes: an index that the caller understands, and how many GPUs each has.
    #[must_use]
    pub fn new(nodes: Vec<(u32, u16)>) -> Self {
        let most = nodes.iter().map(|node| node.1).max().unwrap_or(1);
        Self { nodes, most }
    }

    /// Columns and rows of cells that hold the largest node: four columns, as many rows as it takes.
    fn shape(&self) -> (u32, u32) {
        let most = u32::from(self.most).max(1);
        // Beyond 32 GPUs (an NVL72 rack seen as one node) four columns would make a tower.
        let columns = if most > 32 { 12 } else { most.min(4) };
        (columns, most.div_ceil(columns))
    }
}

/// Sizes at one scale, in device pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// Edge of a cell in CSS pixels: the scale.
    pub scale: u32,
    /// Edge of a cell.
    pub cell: u32,
    /// Between two cells.
    pub gap: u32,
    /// Between two nodes of a row.
    pub node_gap: u32,
    /// Between two rows of nodes.
    pub row_gap: u32,
    /// Height of a cluster's heading.
    pub heading: u32,
    /// Height of a pool's heading.
    pub pool_heading: u32,
    /// Under a pool.
    pub pool_gap: u32,
    /// Between two clusters.
    pub cluster_gap: u32,
    /// Least width of a cluster, for its words.
    pub least: u32,
    /// One CSS pixel.
    pub px: u32,
}

impl Measure {
    /// The sizes for cells of `cell` CSS pixels on a screen with `dpr` device pixels to one of CSS.
    #[must_use]
    pub fn new(cell: u32, dpr: f64) -> Self {
        let px = |css: f64| round((css * dpr).max(1.0));
        let c = f64::from(cell);
        Self {
            scale: cell,
            cell: px(c),
            gap: px(if cell >= 10 { 2.0 } else { 1.0 }),
            node_gap: px((c / 2.0).max(2.0)),
            row_gap: px((c * 0.8).max(3.0)),
            heading: px(20.0),
            pool_heading: px(18.0),
            pool_gap: px(4.0),
            cluster_gap: px(20.0),
            least: px(132.0),
            px: px(1.0),
        }
    }

    /// Width of `n` cells side by side.
    fn run(self, n: u32) -> u32 {
        (n * (self.cell + self.gap)).saturating_sub(self.gap)
    }
}

/// The map, laid out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// Device pixels to one of CSS.
    pub dpr: f64,
    /// The sizes that fit.
    pub measure: Measure,
    /// Is a node one cell, since cells would be under 3 px?
    pub node_is_cell: bool,
    /// Width in device pixels.
    pub width: u32,
    /// Height in device pixels; more than was offered if the map must scroll.
    pub height: u32,
    /// Clusters, in the order of their plans.
    pub clusters: Vec<Rect>,
    /// Pools, with the cluster each is in and its own index there.
    pub pools: Vec<PoolBox>,
    /// Nodes, pool by pool.
    pub nodes: Vec<NodeBox>,
    /// Outlines of nodes that are not listed yet.
    pub ghosts: Vec<Rect>,
}

/// A rectangle in device pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    /// Left.
    pub x: u32,
    /// Top.
    pub y: u32,
    /// Width.
    pub w: u32,
    /// Height.
    pub h: u32,
}

impl Rect {
    /// Is the point inside?
    #[must_use]
    pub fn holds(self, x: u32, y: u32) -> bool {
        x >= self.x && y >= self.y && x < self.x + self.w && y < self.y + self.h
    }
}

/// A pool's place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolBox {
    /// Index of its cluster.
    pub cluster: usize,
    /// Its index in the cluster.
    pub pool: usize,
    /// Where its heading begins.
    pub top: u32,
    /// Where its nodes stand.
    pub body: Rect,
    /// Index of its first node in [`Layout::nodes`], and how many it has.
    pub first: usize,
    /// How many nodes it has.
    pub len: usize,
    /// Nodes in a row.
    pub columns: u32,
    /// From one node to the next, right and down.
    pub pitch: (u32, u32),
}

/// A node's place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeBox {
    /// The caller's index.
    pub node: u32,
    /// GPUs.
    pub gpus: u16,
    /// Index of its cluster.
    pub cluster: usize,
    /// Columns of cells.
    pub columns: u32,
    /// Where it stands.
    pub rect: Rect,
}

/// A place on the map that can be selected: a node's box, and a GPU of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Index into [`Layout::nodes`].
    pub at: usize,
    /// GPU of the node, from 0.
    pub gpu: u16,
}

/// Least and greatest edge of a cell, in CSS pixels.
const CELLS: std::ops::RangeInclusive<u32> = 3..=14;

/// Around the map, in CSS pixels.
pub const MARGIN: f64 = 4.0;

/// Lays clusters out in `width` × `height` device pixels with the largest cells that fit.
#[must_use]
pub fn lay_out(plans: &[ClusterPlan], width: u32, height: u32, dpr: f64) -> Layout {
    // Before the page has measured itself there is nothing to lay out.
    if width == 0 || height == 0 || dpr <= 0.0 {
        return Layout::default();
    }
    let margin = round(MARGIN * dpr);
    let (inner_width, inner_height) = (width.saturating_sub(2 * margin), height.saturating_sub(2 * margin));
    for node_is_cell in [false, true] {
        for cell in CELLS.rev() {
            let layout = place(plans, (inner_width, inner_height), dpr, cell, node_is_cell);
            let last = node_is_cell && cell == *CELLS.start();
            if layout.height <= inner_height || last {
                return layout.within(margin, width);
            }
        }
    }
    Layout::default()
}

/// Lays the same clusters out with cells of `cell` CSS pixels, `within` an area in device pixels that is larger or
/// smaller than the screen.
pub(super) fn lay_out_at(plans: &[ClusterPlan], within: (u32, u32), dpr: f64, cell: u32) -> Layout {
    let margin = round(MARGIN * dpr);
    let inner = (within.0.saturating_sub(2 * margin), within.1.saturating_sub(2 * margin));
    place(plans, inner, dpr, cell, false).within(margin, within.0)
}

fn place(plans: &[ClusterPlan], (width, height): (u32, u32), dpr: f64, cell: u32, node_is_cell: bool) -> Layout {
    Try { plans, width, dpr, measure: Measure::new(cell, dpr), node_is_cell }.place(height)
}

impl Layout {
    /// From one node to the next, right and down, where nodes are of the first pool's kind.
    pub(super) fn pitch(&self) -> Option<(u32, u32)> {
        self.pools.first().map(|pool| pool.pitch)
    }

    /// Moves everything in by a margin: outlines and lost cells reach over the edge of what they stand for.
    fn within(mut self, margin: u32, width: u32) -> Self {
        let nodes = self.nodes.iter_mut().map(|node| &mut node.rect);
        let bodies = self.pools.iter_mut().map(|pool| {
            pool.top += margin;
            &mut pool.body
        });
        for rect in self.clusters.iter_mut().chain(&mut self.ghosts).chain(nodes).chain(bodies) {
            rect.x += margin;
            rect.y += margin;
        }
        self.width = width;
        self.height += 2 * margin;
        self
    }
}

/// One attempt with cells of one size.
struct Try<'a> {
    plans: &'a [ClusterPlan],
    width: u32,
    dpr: f64,
    measure: Measure,
    node_is_cell: bool,
}

impl Try<'_> {
    fn shape(&self, pool: &PoolPlan) -> (u32, u32) {
        if self.node_is_cell { (1, 1) } else { pool.shape() }
    }

    fn pitch(&self, pool: &PoolPlan) -> (u32, u32) {
        let (columns, rows) = self.shape(pool);
        let m = self.measure;
        if self.node_is_cell {
            return (m.cell + m.gap, m.cell + m.gap);
        }
        (m.run(columns) + m.node_gap, m.run(rows) + m.row_gap)
    }

    fn columns(&self, pool: &PoolPlan, width: u32) -> u32 {
        ((width + self.measure.node_gap) / self.pitch(pool).0).max(1)
    }

    fn height_of(&self, plan: &ClusterPlan, width: u32) -> u32 {
        let m = self.measure;
        let pools = plan.pools.iter().map(|pool| {
            let rows = u32::try_from(pool.nodes.len()).unwrap_or(u32::MAX).div_ceil(self.columns(pool, width));
            m.pool_heading + rows * self.pitch(pool).1 + m.pool_gap
        });
        m.heading + pools.sum::<u32>()
    }

    /// Width beyond which a cluster gets no shorter.
    fn useful(&self, plan: &ClusterPlan) -> u32 {
        let widest = plan.pools.iter().map(|pool| {
            let nodes = u32::try_from(pool.nodes.len()).unwrap_or(u32::MAX);
            nodes.saturating_mul(self.pitch(pool).0).saturating_sub(self.measure.node_gap)
        });
        widest.max().unwrap_or(0).max(self.least(plan))
    }

    /// What a cluster is widened by: one node of its widest kind.
    fn widening(&self, plan: &ClusterPlan) -> u32 {
        plan.pools.iter().map(|pool| self.pitch(pool).0).max().unwrap_or(self.measure.cell)
    }

    /// Least width of a cluster: its words, in whole nodes.
    fn least(&self, plan: &ClusterPlan) -> u32 {
        let words = round(f64::from(u32::try_from(plan.heading).unwrap_or(0)) * 6.2 * self.dpr);
        let (words, step) = (self.measure.least.max(words), self.widening(plan));
        ((words + self.measure.node_gap).div_ceil(step) * step - self.measure.node_gap).min(self.width)
    }

    /// Widths that make the tallest cluster of a band as short as can be: the tallest is widened until no room is left.
    fn widths(&self, band: &[ClusterPlan]) -> Vec<u32> {
        let gaps = self.measure.cluster_gap * u32::try_from(band.len().saturating_sub(1)).unwrap_or(0);
        let mut widths: Vec<u32> = band.iter().map(|plan| self.least(plan)).collect();
        let mut left = self.width.saturating_sub(gaps + widths.iter().sum::<u32>());
        loop {
            let open = band.iter().enumerate().filter(|(i, plan)| widths[*i] < self.useful(plan));
            let Some((i, plan)) = open.max_by_key(|(i, plan)| self.height_of(plan, widths[*i])) else { break };
            let step = self.widening(plan);
            if step > left {
                break;
            }
            widths[i] += step;
            left -= step;
        }
        widths
    }

    /// Places all clusters: side by side if they find room, else in as few bands as it takes.
    fn place(&self, height: u32) -> Layout {
        let mut best: Option<Layout> = None;
        for bands in 1..=self.plans.len().max(1) {
            let in_band = self.plans.len().div_ceil(bands).max(1);
            let room = self.plans.chunks(in_band).all(|band| {
                let gaps = self.measure.cluster_gap * u32::try_from(band.len() - 1).unwrap_or(0);
                band.iter().map(|plan| self.least(plan)).sum::<u32>() + gaps <= self.width
            });
            if !room && bands < self.plans.len() {
                continue;
            }
            let layout = self.place_in_bands(in_band, height);
            let fits = layout.height <= height;
            if best.as_ref().is_none_or(|best| layout.height < best.height) {
                best = Some(layout);
            }
            if fits {
                break;
            }
        }
        best.unwrap_or_default()
    }

    fn place_in_bands(&self, in_band: usize, height: u32) -> Layout {
        let m = self.measure;
        let mut layout = Layout {
            dpr: self.dpr,
            measure: m,
            node_is_cell: self.node_is_cell,
            width: self.width,
            ..Layout::default()
        };
        let mut top = 0;
        for band in self.plans.chunks(in_band) {
            let widths = self.widths(band);
            let tallest = band.iter().zip(&widths).map(|(plan, width)| self.height_of(plan, *width)).max().unwrap_or(0);
            let mut x = 0;
            for (plan, width) in band.iter().zip(&widths) {
                self.place_cluster(&mut layout, plan, Rect { x, y: top, w: *width, h: tallest }, height);
                x += width + m.cluster_gap;
            }
            top += tallest + m.pool_gap;
        }
        layout.height = top.saturating_sub(m.pool_gap);
        layout
    }

    fn place_cluster(&self, layout: &mut Layout, plan: &ClusterPlan, rect: Rect, height: u32) {
        let m = self.measure;
        let cluster = layout.clusters.len();
        layout.clusters.push(rect);
        let mut y = rect.y + m.heading;
        for (index, pool) in plan.pools.iter().enumerate() {
            let (pitch, columns) = (self.pitch(pool), self.columns(pool, rect.w));
            let body_top = y + m.pool_heading;
            let first = layout.nodes.len();
            for (i, (node, gpus)) in (0u32..).zip(&pool.nodes) {
                let (x, y) = (rect.x + i % columns * pitch.0, body_top + i / columns * pitch.1);
                let (cols, _) = self.shape(pool);
                let rows = if self.node_is_cell { 1 } else { u32::from(*gpus).div_ceil(cols).max(1) };
                let rect = Rect { x, y, w: m.run(cols), h: m.run(rows) };
                layout.nodes.push(NodeBox { node: *node, gpus: *gpus, cluster, columns: cols, rect });
            }
            let len = pool.nodes.len();
            let rows = u32::try_from(len).unwrap_or(0).div_ceil(columns);
            let body = Rect { x: rect.x, y: body_top, w: columns * pitch.0, h: rows * pitch.1 };
            layout.pools.push(PoolBox { cluster, pool: index, top: y, body, first, len, columns, pitch });
            y = body_top + body.h + m.pool_gap;
        }
        if plan.ghost && plan.pools.is_empty() {
            self.place_ghosts(layout, rect, height);
        }
    }

    fn place_ghosts(&self, layout: &mut Layout, rect: Rect, height: u32) {
        let m = self.measure;
        let (w, h) = (m.run(4).max(3), m.run(2).max(3));
        let mut y = rect.y + m.heading + m.px * 4;
        while y + h <= height.min(rect.y + m.heading + 12 * (h + m.row_gap)) {
            let mut x = rect.x;
            while x + w <= rect.x + rect.w {
                layout.ghosts.push(Rect { x, y, w, h });
                x += w + m.node_gap;
            }
            y += h + m.row_gap;
        }
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "screen sizes: small and not negative")]
fn round(value: f64) -> u32 {
    value.round().max(0.0) as u32
}

//! The silhouette under the funnel: on true scale from zero, what is lost hatched above it. Pure.

/// The chain of the funnel as shares of its first figure, and two shares that stand beside the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shares {
    /// Healthy.
    pub healthy: f64,
    /// Held.
    pub held: f64,
    /// Free.
    pub free: f64,
    /// Wanted by pods that wait; cut at the whole.
    pub wanted: f64,
}

/// The chain of a measured fleet, each a share of all GPUs: healthy, allocated, active, useful.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "counts of things stay far below 2^53")]
pub fn chain([total, rest @ ..]: [u64; 5], width: f64, base: f64) -> Paths {
    let share = |n: u64| if total == 0 { 0.0 } else { (n as f64 / total as f64).min(1.0) };
    let levels: Vec<f64> = std::iter::once(1.0).chain(rest.into_iter().map(share)).collect();
    let column = width / 5.0;
    let edge = edge(&levels, column, base);
    // Only useful maths is filled.
    Paths {
        body: format!("{edge}V{base:.1}H0Z"),
        edge,
        free: block(column, base, (4.0, 5.0), levels[4]),
        wanted: String::new(),
    }
}

/// The upper edge: level through each column, falling to the next before its end.
fn edge(levels: &[f64], column: f64, base: f64) -> String {
    let y = |share: f64| base - share * HEIGHT;
    let mut edge = format!("M0 {:.1}", y(levels.first().copied().unwrap_or(1.0)));
    let mut right = 0.0;
    for pair in levels.windows(2) {
        right += column;
        let before = right - SLOPE.min(column / 2.0);
        edge.push_str(&format!("L{before:.1} {:.1}L{right:.1} {:.1}", y(pair[0]), y(pair[1])));
    }
    edge.push_str(&format!("H{:.1}", right + column));
    edge
}

fn block(column: f64, base: f64, (from, to): (f64, f64), share: f64) -> String {
    if share <= 0.0 {
        return String::new();
    }
    let top = (base - share * HEIGHT).round() + 0.5;
    format!("M{:.1} {base:.1}V{top:.1}H{:.1}V{base:.1}", column * from + 0.5, column * to - 0.5)
}

/// The paths of the silhouette.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Paths {
    /// The body of the chain.
    pub body: String,
    /// Its upper edge.
    pub edge: String,
    /// Free GPUs.
    pub free: String,
    /// Wanted GPUs.
    pub wanted: String,
}

/// How tall the whole is.
pub const HEIGHT: f64 = 30.0;

/// How far from the next column the edge begins to fall.
const SLOPE: f64 = 32.0;

impl Shares {
    /// The shares of these counts: total, healthy, held, free, wanted.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "counts of things stay far below 2^53")]
    pub fn of([total, healthy, held, free, wanted]: [u64; 5]) -> Self {
        let share = |n: u64| if total == 0 { 0.0 } else { (n as f64 / total as f64).min(1.0) };
        Self { healthy: share(healthy), held: share(held), free: share(free), wanted: share(wanted) }
    }

    /// Draws them in five columns over `width`, standing on `base`.
    #[must_use]
    pub fn paths(self, width: f64, base: f64) -> Paths {
        let column = width / 5.0;
        let edge = edge(&[1.0, self.healthy, self.held], column, base);
        let body = format!("{edge}V{base:.1}H0Z");
        let block = |from: f64, to: f64, share: f64| block(column, base, (from, to), share);
        Paths { edge, body, free: block(3.0, 4.0, self.free), wanted: block(4.0, 5.0, self.wanted) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_silhouette_stands_on_zero_and_is_on_true_scale() {
        let paths = Shares::of([100, 50, 25, 10, 200]).paths(500.0, 100.0);
        assert_eq!(paths.edge, "M0 70.0L68.0 70.0L100.0 85.0L168.0 85.0L200.0 92.5H300.0");
        assert!(paths.body.ends_with("V100.0H0Z"));
        assert!(paths.free.contains("V97.5"), "{}", paths.free);
        assert!(paths.wanted.contains("V70.5"), "{}", paths.wanted);
    }

    #[test]
    fn a_measured_fleet_falls_from_step_to_step_and_only_useful_maths_is_filled() {
        let paths = chain([100, 100, 50, 50, 25], 500.0, 100.0);
        assert_eq!(
            paths.edge,
            "M0 70.0L68.0 70.0L100.0 70.0L168.0 70.0L200.0 85.0L268.0 85.0L300.0 85.0L368.0 85.0L400.0 92.5H500.0"
        );
        assert!(paths.free.starts_with("M400.5 100.0V93.5"), "{}", paths.free);
    }

    #[test]
    fn an_empty_fleet_has_no_shares_and_nothing_that_is_no_number() {
        let paths = Shares::of([0, 0, 0, 0, 3]).paths(0.0, 100.0);
        assert!(paths.free.is_empty() && !format!("{paths:?}").contains("NaN"));
    }
}

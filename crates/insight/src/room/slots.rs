//! The arithmetic of room: slots, fragmentation, and the score. After ome-projects/ome,
//! oeps/0008-alfred-gpu-cluster-caretaker, and Weng et al., USENIX ATC'23.

/// Sizes of pods for which room is counted, in GPUs.
pub(crate) const LADDER: [u64; 4] = [1, 2, 4, 8];

/// What is asked for where nobody asks, by size: large pods are the ones that fragmentation hits.
const PRIOR: [f64; 4] = [0.1, 0.1, 0.2, 0.6];

/// How much the prior weighs beside what is really asked for.
const LAMBDA: f64 = 0.3;

/// Minutes in which the urgency of a waiting pod grows to 63 %.
const PATIENCE_MIN: f64 = 30.0;

/// A node with free GPUs, as far as room goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    /// Free GPUs.
    pub free: u64,
    /// All its GPUs.
    pub size: u64,
}

/// Free GPUs of all holes.
pub(crate) fn total(holes: &[Hole]) -> u64 {
    holes.iter().map(|hole| hole.free).sum()
}

/// How many pods of a size have room at once. Above the largest node a pod is a gang of whole nodes of that shape.
pub(crate) fn slots(holes: &[Hole], largest: u64, size: u64) -> u64 {
    if size == 0 || largest == 0 {
        return 0;
    }
    if size <= largest {
        return holes.iter().map(|hole| hole.free / size).sum();
    }
    let whole = holes.iter().filter(|hole| hole.size == largest && hole.free == largest).count() as u64;
    whole / size.div_ceil(largest)
}

/// Share of the free GPUs that pods of a size cannot use. 0 where nothing is free: that is full, not fragmented.
pub(crate) fn frag(holes: &[Hole], largest: u64, size: u64) -> f64 {
    match total(holes) {
        0 => 0.0,
        free => 1.0 - ratio(slots(holes, largest, size) * size, free),
    }
}

/// The rung of the ladder on which a pod of this size stands: the next one up.
pub(crate) fn rung(size: u64) -> usize {
    LADDER.iter().position(|rung| size <= *rung).unwrap_or(LADDER.len() - 1)
}

/// How much each size weighs, by the GPUs that pods of that size ask for.
pub(crate) fn weights(demand: [u64; 4]) -> [f64; 4] {
    let all: u64 = demand.iter().sum();
    std::array::from_fn(|at| {
        let share = if all == 0 { 0.0 } else { ratio(demand[at], all) };
        (1.0 - LAMBDA) * share + LAMBDA * PRIOR[at]
    })
}

/// Fragmentation over all sizes.
pub(crate) fn weighed(holes: &[Hole], largest: u64, weights: [f64; 4]) -> f64 {
    LADDER.iter().zip(weights).map(|(size, weight)| weight * frag(holes, largest, *size)).sum()
}

/// Pressure of pods that wait, by how many minutes they do.
pub(crate) fn pressure(minutes: impl Iterator<Item = f64>) -> f64 {
    1.0 - minutes.map(|minutes| (-minutes.max(0.0) / PATIENCE_MIN).exp()).product::<f64>()
}

/// The score of what a repack would mend and of how long pods wait for it.
pub(crate) fn score(reclaimable: f64, pressure: f64) -> f64 {
    1.0 - (1.0 - reclaimable) * (1.0 - pressure)
}

#[allow(clippy::cast_precision_loss, reason = "counts of GPUs stay far below 2^53")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(holes: &[Hole], size: u64, slots_want: u64, frag_want: f64) {
        let largest = holes.iter().map(|hole| hole.size).max().unwrap_or(0);
        assert_eq!(slots(holes, largest, size), slots_want);
        let is = frag(holes, largest, size);
        assert!((is - frag_want).abs() < 5e-5, "{is} is not {frag_want}");
    }

    #[test]
    fn ten_nodes_of_eight_with_seven_free_each_have_no_room_for_eight() {
        let holes = [Hole { free: 7, size: 8 }; 10];
        check(&holes, 8, 0, 1.0);
        check(&holes, 4, 10, 0.4286);
        check(&holes, 2, 30, 0.1429);
        check(&holes, 1, 70, 0.0);
    }

    #[test]
    fn a_full_and_an_empty_cluster_are_not_fragmented() {
        check(&[Hole { free: 0, size: 8 }; 10], 8, 0, 0.0);
        check(&[Hole { free: 8, size: 8 }; 10], 8, 10, 0.0);
        check(&[], 8, 0, 0.0);
    }

    #[test]
    fn above_the_largest_node_only_whole_nodes_of_that_shape_count() {
        let holes = [Hole { free: 4, size: 4 }, Hole { free: 4, size: 4 }, Hole { free: 2, size: 2 }];
        check(&holes, 8, 1, 0.2);
    }

    #[test]
    fn weights_follow_what_is_asked_for_and_the_prior() {
        let close = |a: [f64; 4], b: [f64; 4]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(close(weights([0, 0, 0, 16]), [0.03, 0.03, 0.06, 0.88]));
        assert!(close(weights([0; 4]), [0.03, 0.03, 0.06, 0.18]));
        assert_eq!([1, 2, 3, 5, 16].map(rung), [0, 1, 2, 3, 3]);
    }

    #[test]
    fn a_pod_that_waits_half_an_hour_presses_with_63_percent() {
        assert!((pressure([30.0].into_iter()) - 0.632).abs() < 1e-3);
        assert!(pressure([].into_iter()).abs() < 1e-12);
        assert!((score(0.5, 0.5) - 0.75).abs() < 1e-12);
    }

    fn holes() -> impl Strategy<Value = Vec<Hole>> {
        let hole = (1_u64..=16).prop_flat_map(|size| (0..=size).prop_map(move |free| Hole { free, size }));
        prop::collection::vec(hole, 0..24)
    }

    proptest! {
        #[test]
        fn fragmentation_is_a_share(holes in holes(), size in 1_u64..=32, demand in prop::array::uniform4(0_u64..99)) {
            let largest = holes.iter().map(|hole| hole.size).max().unwrap_or(0);
            prop_assert!((0.0..=1.0).contains(&frag(&holes, largest, size)));
            prop_assert!((0.0..=1.0).contains(&weighed(&holes, largest, weights(demand))));
        }

        #[test]
        fn larger_pods_never_have_more_room(holes in holes(), size in 1_u64..=32) {
            let largest = holes.iter().map(|hole| hole.size).max().unwrap_or(0);
            prop_assert!(slots(&holes, largest, size) >= slots(&holes, largest, size + 1));
        }

        #[test]
        fn a_gpu_that_becomes_free_never_takes_room(holes in holes(), size in 1_u64..=32, at in 0_usize..24) {
            let largest = holes.iter().map(|hole| hole.size).max().unwrap_or(0);
            let mut more = holes.clone();
            if let Some(hole) = more.get_mut(at) {
                hole.free = (hole.free + 1).min(hole.size);
            }
            prop_assert!(slots(&more, largest, size) >= slots(&holes, largest, size));
        }
    }
}

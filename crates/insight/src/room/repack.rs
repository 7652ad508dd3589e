//! What free GPUs would look like if all pods that can be moved were placed anew: first fit, largest first.

use std::collections::BTreeMap;

/// A node as a bin: its free GPUs, and the sizes of the pods on it that can be moved.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bin {
    /// Free GPUs.
    pub free: u64,
    /// GPUs of each pod that can be moved.
    pub movable: Vec<u64>,
}

/// Free GPUs of each node after the repack, in the order of the nodes; `None` where it does not seat every pod: first fit
/// is no proof that it cannot be done, but nothing is claimed then.
///
/// Nodes of which least can be had are filled first, so that whole nodes become free.
pub(crate) fn repack(bins: &[Bin]) -> Option<Vec<u64>> {
    let mut left: Vec<u64> = bins.iter().map(|bin| bin.free + bin.movable.iter().sum::<u64>()).collect();
    let mut order: Vec<usize> = (0..bins.len()).collect();
    order.sort_by_key(|at| left[*at]);
    let mut sizes: BTreeMap<u64, u64> = BTreeMap::new();
    for size in bins.iter().flat_map(|bin| &bin.movable).filter(|size| **size > 0) {
        *sizes.entry(*size).or_default() += 1;
    }
    for (size, mut count) in sizes.into_iter().rev() {
        // Bins only get fuller: what had no room for this size has none for the next pod of it.
        for at in &order {
            let fit = (left[*at] / size).min(count);
            left[*at] -= fit * size;
            count -= fit;
        }
        if count > 0 {
            return None;
        }
    }
    Some(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bin(free: u64, movable: &[u64]) -> Bin {
        Bin { free, movable: movable.to_vec() }
    }

    #[test]
    fn pods_come_together_and_whole_nodes_become_free() {
        assert_eq!(repack(&[bin(7, &[1]), bin(7, &[1]), bin(7, &[1])]), Some(vec![5, 8, 8]));
    }

    #[test]
    fn what_cannot_be_moved_stays_and_its_node_is_filled_first() {
        assert_eq!(repack(&[bin(7, &[1]), bin(2, &[])]), Some(vec![8, 1]));
    }

    #[test]
    fn where_first_fit_seats_not_every_pod_nothing_is_claimed() {
        // 6 = 3 + 3 and 7 = 4 + 3 fill both nodes; first fit puts 4 into the first.
        assert_eq!(repack(&[bin(0, &[3, 3]), bin(0, &[4, 3])]), None);
    }

    proptest! {
        #[test]
        fn a_repack_never_loses_free_gpus(
            bins in prop::collection::vec((0_u64..=8, prop::collection::vec(1_u64..=8, 0..4)), 0..24),
        ) {
            let bins: Vec<Bin> = bins.into_iter().map(|(free, movable)| Bin { free, movable }).collect();
            if let Some(after) = repack(&bins) {
                prop_assert_eq!(after.iter().sum::<u64>(), bins.iter().map(|bin| bin.free).sum::<u64>());
                let most = |bin: &Bin| bin.free + bin.movable.iter().sum::<u64>();
                prop_assert!(after.iter().zip(&bins).all(|(free, bin)| *free <= most(bin)));
            }
        }
    }
}

//! Groups with a leader: what ends and comes is a whole group, and each of its pods has to find room.

use super::{Case, check};
use crate::fixture::{Node, view};
use pilothouse_wire::{
    SmolStr,
    back::{CheckState, Grade, Placed, Replaces, Workers},
};

const KEY: &str = "nvidia.com/gpu";

fn asks(gpus: u64) -> Vec<(SmolStr, u64)> {
    if gpus == 0 { Vec::new() } else { vec![(KEY.into(), gpus)] }
}

/// Two groups, each of a leader and so many workers, on free nodes of these sizes; one more may be there.
fn groups(leader: u64, (pods, worker): (u64, u64), nodes: &[u16]) -> impl Fn(&mut Case) {
    let nodes = nodes.to_vec();
    move |case: &mut Case| {
        case.kept.gpus = leader;
        case.kept.workers = Some((pods, worker));
        case.then.gpus = asks(leader);
        case.then.workers = Some(Workers { pods, gpus: asks(worker), placed: Placed::default() });
        case.kept.replaces = Replaces::Rolling { surge: 1, unavailable: 0 };
        let node = |(at, gpus): (usize, &u16)| Node::called(&format!("h-{at}")).gpus(*gpus);
        case.fleet = view(nodes.iter().enumerate().map(node).collect::<Vec<_>>(), []);
    }
}

#[test]
fn a_group_fits_where_each_of_its_pods_does() {
    use CheckState::{Fails, Holds, Unknown};
    let four_on_each = groups(4, (3, 4), &[4, 4, 8]);
    check(four_on_each, "GPUs", Holds, "1 group of 16 GPUs fits beside those that run; 1 comes", Grade::Ready);
    // As many GPUs in all, and none of them has room for a pod.
    let scattered = groups(4, (3, 4), &[3, 3, 3, 3, 3, 3]);
    check(scattered, "GPUs", Fails, "No group of 16 GPUs fits, and no group may end", Grade::NotPossible);
    // A leader without a GPU is anywhere.
    check(groups(0, (2, 8), &[8, 8]), "GPUs", Holds, "1 group of 16 GPUs fits", Grade::Ready);
    check(groups(8, (3, 0), &[8, 8]), "GPUs", Holds, "2 groups of 8 GPUs fit", Grade::Ready);
    check(groups(0, (2, 0), &[8]), "GPUs", Holds, "Its groups ask for no GPU", Grade::Ready);
    // A leader that asks for something else: packed, the larger ones first.
    check(groups(2, (1, 6), &[8]), "GPUs", Holds, "1 group of 8 GPUs fits", Grade::Ready);
    check(groups(2, (1, 8), &[8]), "GPUs", Unknown, "How many GPUs are free is not known: leaders", Grade::Unknown);
    check(groups(2, (1, 9), &[8]), "GPUs", Fails, "No group of 11 GPUs fits", Grade::NotPossible);
    let elsewhere = |case: &mut Case| {
        groups(4, (1, 4), &[8, 8])(case);
        let workers = case.then.workers.get_or_insert_default();
        workers.placed.on = Some(vec!["h-9".into()]);
    };
    check(elsewhere, "GPUs", Fails, "No group of 8 GPUs fits", Grade::NotPossible);
    let unread = |case: &mut Case| {
        groups(4, (1, 4), &[8])(case);
        case.then.placed.unread = vec!["a topology of its own for each group".into()];
    };
    check(unread, "GPUs", Unknown, "1 group of 8 GPUs fits, and a topology of its own", Grade::Unknown);
}

#[test]
fn a_group_ends_whole_and_frees_what_the_one_in_its_place_takes_where_no_pod_grew() {
    use CheckState::{Fails, Holds, Slow, Unknown};
    let in_place = |partition: u64, leader: u64, workers: (u64, u64)| {
        move |case: &mut Case| {
            groups(2, (3, 2), &[])(case);
            case.fleet = view([Node::called("h-1").gpus(1)], []);
            case.kept.replaces = Replaces::InPlace { partition };
            case.then.gpus = asks(leader);
            case.then.workers = Some(Workers { pods: workers.0, gpus: asks(workers.1), placed: Placed::default() });
        }
    };
    check(in_place(0, 2, (3, 2)), "GPUs", Holds, "A group that ends frees the 8 GPUs", Grade::Slow);
    check(in_place(0, 2, (3, 2)), "Moves", Slow, "Each group ends before the one in its place", Grade::Slow);
    check(in_place(1, 2, (3, 2)), "Moves", Fails, "Its groups below number 1 stay", Grade::NotPossible);
    check(in_place(2, 2, (3, 2)), "Moves", Fails, "None of its groups goes back", Grade::NotPossible);
    // As many GPUs, in pods that are larger: whether what ends makes room for them on their nodes nobody can tell.
    let larger = "No group of 8 GPUs fits, and one that ends frees 8: whether that makes room";
    check(in_place(0, 2, (2, 3)), "GPUs", Unknown, larger, Grade::Unknown);
    check(in_place(0, 4, (2, 2)), "GPUs", Unknown, larger, Grade::Unknown);
}

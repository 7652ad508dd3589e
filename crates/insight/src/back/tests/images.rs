//! Images of a way back: at which digest they ran, who has them, who has to fetch them.

use super::*;
use crate::back::sought;

#[test]
fn an_image_is_looked_for_by_the_digest_that_ran_wherever_that_is_known() {
    use CheckState::{Fails, Holds, Unknown};
    let what = format!("Image {IMAGE}");
    let node = |names: &[&str], whole: bool| NodeImages {
        node: "h-1".into(),
        images: vec![names.iter().map(SmolStr::new).collect()],
        whole,
    };
    let has = |digest: &str| node(&[IMAGE, &format!("ghcr.io/team/chat@{digest}")], true);
    // A node has the image still, and says at which digest.
    let by_nodes = |nodes: Vec<NodeImages>| {
        move |case: &mut Case| {
            case.seen.clear();
            case.then.nodes_in_all = nodes.len() as u64;
            case.then.nodes = nodes;
        }
    };
    let told = by_nodes(vec![has("sha256:aa")]);
    check(told, &what, Holds, "ghcr has it at the digest that ran: sha256:aa", Grade::Ready);
    let moved = by_nodes(vec![has("sha256:bb")]);
    check(moved, &what, Unknown, "Its tag stands at sha256:aa in ghcr now, and sha256:bb ran", Grade::Unknown);
    // The digest of a platform's manifest stands in the index.
    let index = |case: &mut Case| {
        by_nodes(vec![has("sha256:bb")])(case);
        let part = pilothouse_wire::artifact::Part { digest: "sha256:bb".into(), ..Default::default() };
        case.said = vec![(asked("v1"), Ok(Artifact { parts: vec![part], ..artifact("sha256:aa") }))];
    };
    check(index, &what, Holds, "ghcr has it at the digest that ran", Grade::Ready);
    // A tag can be moved: of one alone nobody knows whether it leads to what ran.
    let tag = "ghcr has its tag, at sha256:aa; which digest ran then is not known";
    let differ = by_nodes(vec![has("sha256:aa"), has("sha256:bb")]);
    check(differ, &what, Unknown, tag, Grade::Unknown);
    check(|case| case.seen.clear(), &what, Unknown, tag, Grade::Unknown);
    check(by_nodes(vec![node(&["other/image:1"], true)]), &what, Unknown, tag, Grade::Unknown);
    // A pod of it knows best.
    let pod = |case: &mut Case| {
        case.then.nodes = vec![has("sha256:bb")];
        case.seen = vec![runs("sha256:aa")];
    };
    check(pod, &what, Holds, "ghcr has it at the digest that ran", Grade::Ready);

    let deleted = |case: &mut Case| case.said = vec![(asked("v1"), Err(gone()))];
    check(deleted, &what, Fails, "ghcr has no team/chat:v1 any more.", Grade::NotPossible);
    let cached = |case: &mut Case| {
        deleted(case);
        case.then.nodes = vec![has("sha256:aa")];
    };
    check(
        cached,
        &what,
        Unknown,
        "ghcr has no team/chat:v1 any more; the nodes of its pods have it still",
        Grade::Unknown,
    );
    let always = |case: &mut Case| {
        cached(case);
        case.then.images[0].always_pulled = true;
    };
    check(always, &what, Fails, "ghcr has no team/chat:v1", Grade::NotPossible);

    let silent =
        |case: &mut Case| case.said = vec![(asked("v1"), Err(Problem::new(Code::TimedOut, "ghcr is silent.")))];
    check(silent, &what, Unknown, "ghcr does not say: ghcr is silent.", Grade::Unknown);
    let elsewhere = |case: &mut Case| case.artifacts = ArtifactsView::default();
    check(elsewhere, &what, Unknown, "No registry that is connected is called ghcr.io", Grade::Unknown);

    let pinned = |case: &mut Case| {
        case.then.images[0].image = "ghcr.io/team/chat@sha256:aa".into();
        case.said = vec![(asked("sha256:aa"), Ok(artifact("sha256:aa")))];
    };
    check(pinned, "Image ghcr.io/team/chat@sha256:aa", Holds, "ghcr has it by its digest.", Grade::Ready);
    let case = Case::with(pinned);
    assert_eq!(sought(&case.then, &case.artifacts), [asked("sha256:aa")]);
}

#[test]
fn an_image_is_slow_where_one_node_of_its_pods_has_to_fetch_it_or_may_have_to() {
    use CheckState::{Holds, Slow, Unknown};
    let what = format!("Image {IMAGE}");
    let node = |name: &str, names: &[&str], whole: bool| NodeImages {
        node: name.into(),
        images: vec![names.iter().map(SmolStr::new).collect()],
        whole,
    };
    let has = |name: &str| node(name, &[IMAGE, "ghcr.io/team/chat@sha256:aa"], true);
    let lacks = |name: &str| node(name, &["other/image:1"], true);
    let of = |nodes: Vec<NodeImages>, nodes_in_all: u64| {
        move |case: &mut Case| (case.then.nodes, case.then.nodes_in_all) = (nodes, nodes_in_all)
    };
    let slow = |case, words: &str| {
        let words = format!("ghcr has it at the digest that ran: sha256:aa. {words}");
        check(case, &what, Slow, &words, Grade::Slow);
    };
    check(of(vec![has("a"), has("b")], 2), &what, Holds, "ghcr has it at the digest that ran", Grade::Ready);
    slow(of(vec![lacks("a")], 1), "The node of its pods has to fetch it: 12.0 GB.");
    slow(of(vec![lacks("a"), lacks("b")], 2), "All nodes of its pods have to fetch it: 12.0 GB.");
    // One that has it does not help another.
    slow(of(vec![has("a"), lacks("b"), lacks("c")], 3), "2 of 3 nodes of its pods have to fetch it: 12.0 GB.");
    slow(of(vec![has("a"), lacks("b")], 2), "1 of 2 nodes of its pods has to fetch it: 12.0 GB.");
    // One that does not tell of all that it has, and those that nobody looked at.
    let cut = node("b", &["other/image:1"], false);
    slow(of(vec![has("a"), cut.clone()], 2), "1 of 2 nodes of its pods may have to fetch it: 12.0 GB.");
    slow(of(vec![has("a"), has("b")], 20), "18 of 20 nodes of its pods may have to fetch it: 12.0 GB.");
    let words = "1 of 20 nodes of its pods has to fetch it, 18 more may have to: 12.0 GB.";
    slow(of(vec![has("a"), lacks("b")], 20), words);

    let way = Case::with(of(vec![has("a"), has("b")], 20)).way();
    let image = way.checks.iter().find(|check| check.what == what).unwrap();
    assert!(image.evidence.ends_with("2 of 20 nodes of its pods were looked at"), "{image:?}");
    let gone = |case: &mut Case| {
        of(vec![has("a"), has("b")], 20)(case);
        case.said = vec![(asked("v1"), Err(gone()))];
    };
    let words = "ghcr has no team/chat:v1 any more; the 2 nodes of its pods that were looked at have it still";
    check(gone, &what, Unknown, words, Grade::Unknown);
}

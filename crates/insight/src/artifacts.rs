//! Two artefacts side by side: what they are, what their configurations say, layers, annotations, referrers.

use pilothouse_wire::{
    SmolStr,
    artifact::{
        Artifact, ArtifactArea as Area, ArtifactDifference, ArtifactDiffers, Part, Referrer, Said, short_digest,
    },
    units::{bytes, count},
};
use std::collections::BTreeMap;

/// Compares two artefacts.
#[must_use]
pub fn compare_artifacts(from: Artifact, to: Artifact) -> ArtifactDifference {
    let mut rows = Vec::new();
    identity(&from, &to, &mut rows);
    said(Area::Config, &from.says, &to.says, &mut rows);
    let shared = layers(&from.parts, &to.parts, &mut rows);
    said(Area::Annotation, &from.annotations, &to.annotations, &mut rows);
    referrers(&from.referrers, &to.referrers, &mut rows);
    ArtifactDifference { from, to, rows, shared }
}

fn put(
    rows: &mut Vec<ArtifactDiffers>,
    area: Area,
    label: impl Into<SmolStr>,
    from: Option<String>,
    to: Option<String>,
) {
    if from != to {
        rows.push(ArtifactDiffers { area, label: label.into(), from, to });
    }
}

fn identity(from: &Artifact, to: &Artifact, rows: &mut Vec<ArtifactDiffers>) {
    let mut one = |label: &'static str, of: &dyn Fn(&Artifact) -> Option<String>| {
        put(rows, Area::Identity, SmolStr::new_static(label), of(from), of(to));
    };
    one("Digest", &|of| Some(of.digest.to_string()));
    one("Kind", &|of| Some(of.kind.words().to_owned()));
    one("Media type", &|of| Some(of.media_type.to_string()));
    one("Artefact type", &|of| of.artifact_type.as_ref().map(ToString::to_string));
    one("Size", &|of| of.size.map(bytes));
    one("Weights", &|of| of.weights.map(bytes));
    one("Parts", &|of| Some(count(of.parts.len() as u64)));
    one("Says something of", &|of| of.subject.as_ref().map(ToString::to_string));
}

/// What stands under a label in both, in the order of the first, then of the second.
fn said(area: Area, from: &[Said], to: &[Said], rows: &mut Vec<ArtifactDiffers>) {
    let value =
        |all: &[Said], label: &SmolStr| all.iter().find(|said| said.label == *label).map(|said| said.value.clone());
    let labels = from.iter().chain(to.iter().filter(|new| value(from, &new.label).is_none())).map(|said| &said.label);
    for label in labels {
        put(rows, area, label.clone(), value(from, label), value(to, label));
    }
}

/// Layers that one of them has alone; bytes of those that both have. A layer of the same name is one that changed.
fn layers(from: &[Part], to: &[Part], rows: &mut Vec<ArtifactDiffers>) -> u64 {
    let mut left: Vec<Option<&Part>> = to.iter().map(Some).collect();
    let mut shared = 0_u64;
    let mut gone = Vec::new();
    for part in from {
        match left.iter_mut().find(|other| other.is_some_and(|other| other.digest == part.digest)) {
            Some(other) => {
                shared = shared.saturating_add(part.size);
                *other = None;
            }
            None => gone.push(part),
        }
    }
    for part in gone {
        let same = |other: &Option<&Part>| part.what.is_some() && other.is_some_and(|other| other.what == part.what);
        let changed = left.iter().position(same).and_then(|at| left[at].take());
        put(rows, Area::Layer, name(part), Some(told(part)), changed.map(told));
    }
    for part in left.into_iter().flatten() {
        put(rows, Area::Layer, name(part), None, Some(told(part)));
    }
    shared
}

fn name(part: &Part) -> SmolStr {
    part.what.clone().unwrap_or_else(|| part.media_type.clone())
}

fn told(part: &Part) -> String {
    format!("{}, {}", bytes(part.size), short_digest(&part.digest))
}

/// What refers to them are always others: how many there are of each kind is compared.
fn referrers(from: &[Referrer], to: &[Referrer], rows: &mut Vec<ArtifactDiffers>) {
    let counted = |all: &[Referrer]| {
        let mut kinds: BTreeMap<SmolStr, u64> = BTreeMap::new();
        all.iter().for_each(|one| *kinds.entry(one.kind.clone()).or_default() += 1);
        kinds
    };
    let (old, new) = (counted(from), counted(to));
    let kinds: std::collections::BTreeSet<&SmolStr> = old.keys().chain(new.keys()).collect();
    for kind in kinds {
        put(rows, Area::Referrer, kind.clone(), old.get(kind).map(|n| count(*n)), new.get(kind).map(|n| count(*n)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        ConnectionId, Stamp,
        artifact::{ArtifactKind, ArtifactRef, ReferrersBy},
    };

    fn part(digit: char, size: u64, what: Option<&str>) -> Part {
        let digest = format!("sha256:{}", digit.to_string().repeat(64)).into();
        Part { media_type: "application/x".into(), digest, size, what: what.map(Into::into) }
    }

    fn artifact(parts: Vec<Part>, says: &[(&str, &str)]) -> Artifact {
        let row = |(label, value): &(&str, &str)| Said { label: (*label).into(), value: (*value).to_owned() };
        Artifact {
            id: ArtifactRef { source: ConnectionId::slug("r"), repository: "a".into(), reference: "t".into() },
            host: "r".into(),
            digest: "sha256:77".into(),
            media_type: "m".into(),
            artifact_type: None,
            kind: ArtifactKind::ModelPack,
            size: Some(parts.iter().map(|part| part.size).sum()),
            weights: None,
            config: None,
            says: says.iter().map(row).collect(),
            parts,
            annotations: Vec::new(),
            subject: None,
            referrers: Vec::new(),
            referrers_by: ReferrersBy::Api,
            problems: Vec::new(),
            read_at: Stamp(0),
        }
    }

    #[track_caller]
    fn check(from: Artifact, to: Artifact, shared: u64, want: &[&str]) {
        let difference = compare_artifacts(from, to);
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "—".to_owned());
        let rows: Vec<String> = difference
            .rows
            .iter()
            .map(|row| format!("{} {}: {} → {}", row.area.heading(), row.label, shown(&row.from), shown(&row.to)))
            .collect();
        assert_eq!(rows, want);
        assert_eq!(difference.shared, shared);
    }

    #[test]
    fn one_and_the_same_differs_in_nothing() {
        let one = || artifact(vec![part('a', 10, None), part('a', 10, None)], &[("Format", "gguf")]);
        check(one(), one(), 20, &[]);
    }

    #[test]
    fn a_layer_of_the_same_name_changed_and_others_came_and_went() {
        let from = artifact(
            vec![part('a', 10, Some("w")), part('b', 5, None), part('c', 1, Some("x"))],
            &[("P", "bf16"), ("Q", "1")],
        );
        let to = artifact(vec![part('b', 5, None), part('d', 20, Some("w"))], &[("P", "fp8"), ("R", "2")]);
        check(
            from,
            to,
            5,
            &[
                "Artefact Size: 16 B → 25 B",
                "Artefact Parts: 3 → 2",
                "Configuration P: bf16 → fp8",
                "Configuration Q: 1 → —",
                "Configuration R: — → 2",
                "Layers w: 10 B, sha256:aaaaaaaaaaaa → 20 B, sha256:dddddddddddd",
                "Layers x: 1 B, sha256:cccccccccccc → —",
            ],
        );
    }

    #[test]
    fn referrers_are_counted_by_their_kind() {
        let signed = |n: usize| {
            let referrers =
                (0..n).map(|at| Referrer { digest: format!("sha256:{at}").into(), kind: "sig".into(), size: 1 });
            Artifact { referrers: referrers.collect(), ..artifact(Vec::new(), &[]) }
        };
        check(signed(1), signed(1), 0, &[]);
        check(signed(0), signed(2), 0, &["Referrers sig: — → 2"]);
    }
}

//! Artefacts for people: one in full, two side by side, a page of tags.

use crate::out::{Style, Tone};
use crate::table::{self, Cell, Head};
use pilothouse_wire::{
    SmolStr,
    artifact::{Artifact, ArtifactArea, ArtifactDifference, Part, ReferrersBy, Said, short_digest},
    units::{ABSENT, bytes, count, visible},
};
use std::io::{self, Write};

/// One tag a line.
pub fn tags(out: &mut impl Write, tags: &[SmolStr]) -> io::Result<()> {
    tags.iter().try_for_each(|tag| writeln!(out, "{}", visible(tag)))
}

/// An artefact in full.
pub fn artifact(out: &mut impl Write, of: &Artifact, style: Style) -> io::Result<()> {
    writeln!(out, "{}", style.paint(Tone::Strong, &visible(&format!("{}/{}", of.host, of.id.shown()))))?;
    let own = [
        ("Digest", Some(of.digest.to_string())),
        ("Kind", Some(of.kind.words().to_owned())),
        ("Media type", Some(of.media_type.to_string()).filter(|kind| !kind.is_empty())),
        ("Artefact type", of.artifact_type.as_ref().map(ToString::to_string)),
        ("Size", of.size.map(bytes)),
        ("Weights", of.weights.map(bytes)),
        ("Says something of", of.subject.as_ref().map(ToString::to_string)),
    ];
    // What is absent is shown where it could be there; types and subjects mostly are not.
    let shown = own.into_iter().filter(|(label, value)| value.is_some() || *label == "Size");
    fields(out, shown.map(|(label, value)| (label.to_owned(), value)))?;
    group(out, ArtifactArea::Config, &of.says, style)?;
    parts(out, of, style)?;
    group(out, ArtifactArea::Annotation, &of.annotations, style)?;
    writeln!(out, "\n{}", style.paint(Tone::Strong, &format!("Referrers, {}", by(of.referrers_by))))?;
    if of.referrers.is_empty() {
        let none = if of.referrers_by == ReferrersBy::NotKnown { "Not known." } else { "None." };
        writeln!(out, "  {none}")?;
    }
    for referrer in &of.referrers {
        writeln!(out, "  {}", visible(&format!("{}  {}", short_digest(&referrer.digest), referrer.kind)))?;
    }
    for problem in &of.problems {
        writeln!(out, "\n{}", style.paint(Tone::Warn, &visible(&problem.to_string())))?;
    }
    Ok(())
}

fn by(how: ReferrersBy) -> &'static str {
    match how {
        ReferrersBy::Api => "by the registry's API",
        ReferrersBy::Tag => "by the tags that stand for the API",
        ReferrersBy::Neither => "of which this registry knows nothing",
        ReferrersBy::NotKnown => "of which this registry did not tell",
    }
}

fn fields(out: &mut impl Write, rows: impl Iterator<Item = (String, Option<String>)>) -> io::Result<()> {
    let rows: Vec<(String, Option<String>)> = rows.collect();
    let width = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or_default() + 1;
    rows.iter().try_for_each(|(label, value)| {
        let label = format!("{}:", visible(label));
        writeln!(out, "  {label:width$}  {}", value.as_deref().map_or(ABSENT.into(), visible))
    })
}

fn group(out: &mut impl Write, area: ArtifactArea, said: &[Said], style: Style) -> io::Result<()> {
    if said.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", style.paint(Tone::Strong, area.heading()))?;
    fields(out, said.iter().map(|said| (said.label.to_string(), Some(said.value.clone()))))
}

fn parts(out: &mut impl Write, of: &Artifact, style: Style) -> io::Result<()> {
    if of.parts.is_empty() {
        return Ok(());
    }
    let heading = if of.size.is_none() { "Manifests" } else { ArtifactArea::Layer.heading() };
    writeln!(out, "\n{} {}", style.paint(Tone::Strong, heading), count(of.parts.len() as u64))?;
    let heads = [Head::left("DIGEST"), Head::right("SIZE"), Head::left("WHAT"), Head::left("MEDIA TYPE")];
    let row = |part: &Part| {
        vec![
            Cell::text(short_digest(&part.digest)),
            Cell::text(bytes(part.size)),
            Cell::some(part.what.as_deref()),
            Cell::text(&part.media_type),
        ]
    };
    table::write(out, &heads, &of.parts.iter().map(row).collect::<Vec<_>>(), style, None)
}

/// Two artefacts side by side.
pub fn difference(out: &mut impl Write, of: &ArtifactDifference, style: Style) -> io::Result<()> {
    let head = format!("From {} to {}", of.from.id.shown(), of.to.id.shown());
    writeln!(out, "{}", style.paint(Tone::Soft, &visible(&head)))?;
    if of.rows.is_empty() {
        writeln!(out, "Nothing differs.")?;
    }
    for area in ArtifactArea::ALL {
        let rows: Vec<_> = of.rows.iter().filter(|row| row.area == area).collect();
        if rows.is_empty() {
            continue;
        }
        writeln!(out, "\n{}", style.paint(Tone::Strong, area.heading()))?;
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| ABSENT.to_owned());
        fields(
            out,
            rows.into_iter()
                .map(|row| (row.label.to_string(), Some(format!("{} → {}", shown(&row.from), shown(&row.to))))),
        )?;
    }
    if of.shared > 0 {
        writeln!(out, "\n{} of layers are in both.", bytes(of.shared))?;
    }
    for problem in of.from.problems.iter().chain(&of.to.problems) {
        writeln!(out, "\n{}", style.paint(Tone::Warn, &visible(&problem.to_string())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        ConnectionId, Stamp,
        artifact::{ArtifactDiffers, ArtifactKind, ArtifactRef, Referrer},
    };

    const PLAIN: Style = Style { colour: false, terminal: false, width: None, height: None };

    fn sample() -> Artifact {
        let digest = |digit: &str| SmolStr::from(format!("sha256:{}", digit.repeat(64)));
        Artifact {
            id: ArtifactRef {
                source: ConnectionId::slug("reg"),
                repository: "team/chat".into(),
                reference: "v2".into(),
            },
            host: "reg.example".into(),
            digest: digest("a"),
            media_type: "application/vnd.oci.image.manifest.v1+json".into(),
            artifact_type: None,
            kind: ArtifactKind::ModelPack,
            size: Some(4_200),
            weights: Some(4_000),
            config: None,
            says: vec![Said { label: "Precision".into(), value: "bf16\u{1b}[31m".into() }],
            parts: vec![Part {
                media_type: "application/vnd.cncf.model.weight.v1.raw".into(),
                digest: digest("b"),
                size: 4_000,
                what: Some("model.safetensors".into()),
            }],
            annotations: Vec::new(),
            subject: None,
            referrers: vec![Referrer { digest: digest("c"), kind: "cosign signature".into(), size: 1 }],
            referrers_by: ReferrersBy::Tag,
            problems: Vec::new(),
            read_at: Stamp(0),
        }
    }

    fn printed(draw: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        draw(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_artefact_is_told_in_full_and_its_text_does_nothing() {
        let text = printed(|out| artifact(out, &sample(), PLAIN));
        assert!(text.starts_with("reg.example/team/chat:v2\n  Digest:      sha256:aaaa"), "{text}");
        assert!(text.contains("\nConfiguration\n  Precision:  bf16") && !text.contains('\u{1b}'), "{text}");
        assert!(text.contains("\nLayers 1\nDIGEST"), "{text}");
        assert!(
            text.ends_with(
                "\nReferrers, by the tags that stand for the API\n  sha256:cccccccccccc  cosign signature\n"
            )
        );
    }

    #[test]
    fn what_differs_stands_by_its_part() {
        let row = ArtifactDiffers {
            area: ArtifactArea::Config,
            label: "Precision".into(),
            from: Some("bf16".into()),
            to: None,
        };
        let of = ArtifactDifference { from: sample(), to: sample(), rows: vec![row], shared: 4_000 };
        assert_eq!(
            printed(|out| difference(out, &of, PLAIN)),
            "From team/chat:v2 to team/chat:v2\n\nConfiguration\n  Precision:  bf16 → —\n\n4.00 kB of layers are in both.\n"
        );
        let same = ArtifactDifference { rows: Vec::new(), shared: 0, ..of };
        assert_eq!(
            printed(|out| difference(out, &same, PLAIN)),
            "From team/chat:v2 to team/chat:v2\nNothing differs.\n"
        );
    }
}

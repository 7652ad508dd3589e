//! An artefact in full, without its layers: read from its registry when it is shown, and so of now.

use super::{
    Here, Known,
    holds::Holds,
    page::Card,
    place::Spot,
    preflight::Fits,
};
use crate::{
    link::use_link,
    parts::{
        age::Age,
        button::{IconButton, copy},
        icon::Icon,
        problem::ProblemRows,
        show::Show,
    },
    shell::toast::use_toasts,
    state::use_state,
    once::{CollectAny, effect},
};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, Problem, SmolStr, Stamp,
    artifact::{Artifact, ArtifactKind, ArtifactRef, Part, Referrer, ReferrersBy, Said, short_digest},
    media,
    preflight::ModelSubject,
    units::{ABSENT, bytes, count, visible},
    view::{RepositoryId, TagRow},
};

/// Layers that are drawn at first.
const LAYERS: usize = 40;
/// Tags that are offered to be compared with.
const OFFERED: usize = 6;

/// Asks for an artefact and draws it.
#[component]
pub fn ArtifactPage(known: Known, of: ArtifactRef) -> impl IntoView {
    let (link, state) = (use_link(), use_state());
    let asked: RwSignal<Option<Result<Artifact, Problem>>> = RwSignal::new(None);
    let watched = {
        let of = of.clone();
        // A tag that moves is read again.
        Memo::new(move |_| {
            let is_it = |tag: &&TagRow| {
                tag.id.source == of.source && tag.id.repository == of.repository && tag.id.tag == of.reference
            };
            known.artifacts.artifacts(|view| view.tags.rows().iter().find(is_it).map(|tag| tag.digest.clone())).flatten()
        })
    };
    let wanted = of.clone();
    effect(move || {
        watched.track();
        if !link.is_open() || state.is_past() {
            return;
        }
        link.ask_then(Ask::Artifact(wanted.clone()), move |answer| {
            asked.set(Some(answer.and_then(|answer| match answer {
                Answer::Artifact(artifact) => Ok(*artifact),
                _ => Err(Problem::other_answer()),
            })));
        });
    });
    let body = move || {
        if state.is_past() {
            return view! {
                <p class="section soft">"An artefact is read from its registry, and so is of now: it is not shown of the past."</p>
            }
            .into_any();
        }
        match asked.get() {
            None => view! {
                <p class="section faint" aria-busy="true">"The manifest is being read from its registry, and held against its digest."</p>
            }
            .into_any(),
            Some(Err(problem)) => view! { <div class="section"><ProblemRows problem=problem /></div> }.into_any(),
            Some(Ok(artifact)) => view! { <Whole known=known artifact=artifact /> }.into_any(),
        }
    };
    let (source, title) = (of.source.clone(), of.shown());
    view! { <Card known=known source=source title=title label="Artefact">{move || body()}</Card> }
}

#[component]
fn Whole(known: Known, artifact: Artifact) -> impl IntoView {
    let here: Here = expect_context();
    let of = artifact.id.clone();
    let id = RepositoryId { source: of.source.clone(), name: of.repository.clone() };
    let (digest, is_index) = (artifact.digest.clone(), artifact.kind == ArtifactKind::Index);
    let parts: Vec<SmolStr> =
        if is_index { artifact.parts.iter().map(|part| part.digest.clone()).collect() } else { Vec::new() };
    let repository = Spot::Repository(id.clone());
    let repository_name = visible(&id.name);
    let problems = artifact.problems.clone().into_iter().map(|problem| view! { <ProblemRows problem=problem /> });
    let problems = problems.collect_any();
    let has_problems = !artifact.problems.is_empty();
    let model = artifact.kind.is_model() || artifact.weights.is_some();
    let subject = ModelSubject::Artifact(of.clone());
    view! {
        <div class="section" data-test="artifact-page" data-key=digest.to_string()>
            <h3>
                <span>
                    {artifact.kind.words()}" in "
                    <button type="button" class="link" dir="auto" data-test="artifact-repository" on:click=move |_| here.go(&repository)>
                        {repository_name}
                    </button>
                    <With known=known of=of.clone() digest=digest.clone() />
                </span>
            </h3>
            <dl class="fields">{fields(&artifact).collect_any()}</dl>
            <p class="small faint">"Read "<Age of=Signal::stored(Some(artifact.read_at)) />" ago; its bytes were held against the digest."</p>
        </div>
        {has_problems.then(|| view! { <div class="section">{problems}</div> })}
        <Sayings title="Configuration" test="artifact-config" of=artifact.says />
        <Holds id=id of=Some((digest.clone(), parts)) />
        {model.then(|| view! { <Fits of=subject /> })}
        <Layers of=of.clone() parts=artifact.parts is_index=is_index />
        <Referrers of=of subject=artifact.subject all=artifact.referrers by=artifact.referrers_by />
        <Sayings title="Annotations" test="artifact-annotations" of=artifact.annotations />
    }
}

/// What it is, each with its label; what can be pulled by it can be copied.
fn fields(of: &Artifact) -> impl Iterator<Item = AnyView> + use<> {
    let pull = |reference: &str, sign: char| format!("{}/{}{sign}{reference}", of.host, of.id.repository);
    let by_tag = (!of.id.is_pinned()).then(|| pull(&of.id.reference, ':'));
    let config = of.config.as_ref().map(|config| format!("{}, {}", typed(&config.media_type), bytes(config.size)));
    let said: [(&str, Option<String>, How); 8] = [
        ("Digest", Some(of.digest.to_string()), How::Typed),
        ("Pull by tag", by_tag, How::Typed),
        ("Pull by digest", Some(pull(&of.digest, '@')), How::Typed),
        ("Manifest", Some(typed(&of.media_type)), How::Words(of.media_type.to_string())),
        ("Artefact type", of.artifact_type.as_deref().map(typed), How::Words(of.artifact_type.as_deref().unwrap_or_default().to_owned())),
        ("Size", Some(of.size.map_or_else(|| format!("{ABSENT} (of an index nobody says)"), bytes)), How::Size(of.size)),
        ("Weights", of.weights.map(bytes), How::Size(of.weights)),
        ("Configured by", config, How::Words(of.config.as_ref().map(|config| config.media_type.to_string()).unwrap_or_default())),
    ];
    said.into_iter().filter_map(|(label, value, how)| Some((label, value?, how))).map(|(label, value, how)| {
        let (class, title, copied) = match how {
            How::Typed => ("mono", value.clone(), Some(value.clone())),
            How::Words(exact) => ("", exact.clone(), Some(exact).filter(|exact| !exact.is_empty())),
            How::Size(size) => ("", size.map(exactly).unwrap_or_default(), None),
        };
        view! {
            <dt>{label}</dt>
            <dd data-test="artifact-field" data-key=label>
                <span class=class dir="auto" title=visible(&title)>{visible(&value)}</span>
                {copied.map(|text| view! { <CopyOf text=text label="Copy" /> })}
            </dd>
        }
        .into_any()
    })
}

/// How a value is read and copied.
enum How {
    /// As it is typed.
    Typed,
    /// In words, of this text.
    Words(String),
    /// As a size in few digits, of so many bytes.
    Size(Option<u64>),
}

/// A size to the byte.
fn exactly(size: u64) -> String {
    format!("{} B", count(size))
}

/// Copies a text.
#[component]
fn CopyOf(text: String, label: &'static str) -> impl IntoView {
    let toasts = use_toasts();
    view! { <IconButton icon=Icon::Copy label=label on_press=move || copy(text.clone(), toasts) /> }
}

/// A media type with what it is.
fn typed(media_type: &str) -> String {
    match media::words(media_type) {
        _ if media_type.is_empty() => "not said".to_owned(),
        Some(words) => format!("{words} ({media_type})"),
        None => media_type.to_owned(),
    }
}

/// What it can be compared with: other tags of its repository that are watched.
#[component]
fn With(known: Known, of: ArtifactRef, digest: SmolStr) -> impl IntoView {
    let here: Here = expect_context();
    let others = {
        let of = of.clone();
        Memo::new(move |_| known.artifacts.artifacts(|view| offered(view.tags.rows(), &of, &digest)).unwrap_or_default())
    };
    let links = move || {
        let of = of.clone();
        let offer = move |tag: SmolStr| {
            let (shown, key) = (visible(&tag), tag.to_string());
            // What is compared with stands at the left: it was there before.
            let spot = Spot::Artifacts(ArtifactRef { reference: tag, ..of.clone() }, of.clone());
            view! {
                <button type="button" class="link" data-test="compare-with" data-key=key dir="auto" on:click=move |_| here.go(&spot)>
                    {shown}
                </button>
            }
        };
        let others = others.get();
        (!others.is_empty()).then(|| {
            view! { <span class="compare-with">"; compare with "{others.into_iter().map(offer).collect_any()}</span> }
        })
    };
    view! { {move || links()} }
}

/// Tags that stand at another digest, those that were made last first.
fn offered(tags: &[TagRow], of: &ArtifactRef, digest: &str) -> Vec<SmolStr> {
    let is_its = |tag: &&TagRow| tag.id.source == of.source && tag.id.repository == of.repository && tag.digest != digest;
    let mut all: Vec<&TagRow> = tags.iter().filter(is_its).collect();
    pilothouse_wire::sort::by_key(&mut all, |tag| std::cmp::Reverse(tag.created.unwrap_or(Stamp(0))));
    all.into_iter().take(OFFERED).map(|tag| tag.id.tag.clone()).collect()
}

/// Labels with values, in two columns.
#[component]
fn Sayings(title: &'static str, test: &'static str, of: Vec<Said>) -> impl IntoView {
    (!of.is_empty()).then(|| {
        let row = |said: Said| {
            let (label, value) = (visible(&said.label), visible(&said.value));
            view! {
                <dt dir="auto" title=label.clone()>{label.clone()}</dt>
                <dd data-test="said" data-key=label>
                    <span dir="auto" title=value.clone()>{value.clone()}</span>
                    <CopyOf text=said.value label="Copy" />
                </dd>
            }
        };
        view! {
            <div class="section" data-test=test>
                <h3>{title}</h3>
                <dl class="fields model-pairs">{of.into_iter().map(row).collect_any()}</dl>
            </div>
        }
    })
}

/// The layers with their sizes; of an index its manifests, each of which can be opened.
#[component]
fn Layers(of: ArtifactRef, parts: Vec<Part>, is_index: bool) -> impl IntoView {
    let all = RwSignal::new(false);
    let total = parts.len();
    let title = if is_index { "Manifests" } else { "Layers" };
    let rows = move || {
        let most = if all.get() { total } else { LAYERS };
        parts.iter().take(most).cloned().map(|part| view! { <Layer of=of.clone() part=part is_index=is_index /> }).collect_any()
    };
    view! {
        <div class="section models-versions" data-test="layers">
            <h3>{title}<span>{count(total as u64)}</span></h3>
            <table class="plain-table">
                <thead><tr><th>"Digest"</th><th>"What"</th><th>"Type"</th><th class="number">"Size"</th></tr></thead>
                <tbody>{move || rows()}</tbody>
            </table>
            <Show when=move || (total > LAYERS) && !all.get()>
                <button type="button" class="link small" on:click=move |_| all.set(true)>
                    {format!("Show all {}", count(total as u64))}
                </button>
            </Show>
        </div>
    }
}

#[component]
fn Layer(of: ArtifactRef, part: Part, is_index: bool) -> impl IntoView {
    let here: Here = expect_context();
    let Part { media_type, digest, size, what } = part;
    let (short, whole, key) = (visible(short_digest(&digest)), visible(&digest), digest.to_string());
    let text = digest.to_string();
    let name = if is_index {
        let spot = Spot::Artifact(ArtifactRef { reference: digest, ..of });
        view! { <button type="button" class="link mono" data-test="part-open" on:click=move |_| here.go(&spot)>{short}</button> }
            .into_any()
    } else {
        view! { <span class="mono">{short}</span> }.into_any()
    };
    let what = what.map_or_else(|| ABSENT.to_owned(), |what| visible(&what));
    let exact = visible(&media_type);
    let words = media::words(&media_type).map_or_else(|| visible(&media_type), str::to_owned);
    view! {
        <tr data-test="layer" data-key=key>
            <td title=whole><span class="copied">{name}<CopyOf text=text label="Copy the digest" /></span></td>
            <td dir="auto" title=what.clone()>{what.clone()}</td>
            <td class="soft" title=exact>
                <span class="copied">
                    <span class="clip" dir="auto">{words}</span>
                    <CopyOf text=media_type.to_string() label="Copy the type" />
                </span>
            </td>
            <td class="number" title=exactly(size)>{bytes(size)}</td>
        </tr>
    }
}

/// What refers to it, how that is known, and what it says something of itself.
#[component]
fn Referrers(of: ArtifactRef, subject: Option<SmolStr>, all: Vec<Referrer>, by: ReferrersBy) -> impl IntoView {
    let here: Here = expect_context();
    let how = match by {
        ReferrersBy::Api => "By the registry's API of referrers.",
        ReferrersBy::Tag => "The registry has no API of referrers: by the tags that stand for it.",
        ReferrersBy::Neither => "The registry has no API of referrers, and no tag stands for it: nothing that clients would find.",
        ReferrersBy::NotKnown => "The registry did not tell: whether anything refers to it is not known.",
    };
    let link = move |digest: SmolStr, test: &'static str| {
        let short = visible(short_digest(&digest));
        let whole = visible(&digest);
        let spot = Spot::Artifact(ArtifactRef { reference: digest, ..of.clone() });
        view! {
            <button type="button" class="link mono" title=whole data-test=test on:click=move |_| here.go(&spot)>{short}</button>
        }
    };
    let row = {
        let link = link.clone();
        move |referrer: Referrer| {
            let Referrer { digest, kind, size } = referrer;
            let words = media::words(&kind).map_or_else(|| visible(&kind), str::to_owned);
            view! {
                <tr data-test="referrer">
                    <td><span class="copied">{link(digest.clone(), "referrer-open")}<CopyOf text=digest.to_string() label="Copy the digest" /></span></td>
                    <td title=visible(&kind)>
                        <span class="copied"><span class="clip" dir="auto">{words}</span><CopyOf text=kind.to_string() label="Copy the type" /></span>
                    </td>
                    <td class="number" title=exactly(size)>{bytes(size)}</td>
                </tr>
            }
        }
    };
    let none = all.is_empty();
    view! {
        <div class="section" data-test="referrers">
            <h3>"Referrers"<span>{count(all.len() as u64)}</span></h3>
            {subject.map(|subject| view! { <p>"It says something of "{link(subject, "subject-open")}"."</p> })}
            {(!none).then(|| view! {
                <table class="plain-table">
                    <thead><tr><th>"Digest"</th><th>"What"</th><th class="number">"Size"</th></tr></thead>
                    <tbody>{all.into_iter().map(row).collect_any()}</tbody>
                </table>
            })}
            {(none && by != ReferrersBy::NotKnown).then(|| view! { <p class="soft">"Nothing refers to it."</p> })}
            <p class="small faint">{how}</p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{ConnectionId, TagId};

    #[test]
    fn an_artefact_is_compared_with_other_tags_that_stand_elsewhere_the_newest_first() {
        let tag = |repository: &str, tag: &str, digest: &str, made: i64| TagRow {
            id: TagId { source: ConnectionId::slug("r"), repository: repository.into(), tag: tag.into() },
            digest: digest.into(),
            since: Stamp(0),
            from: None,
            kind: ArtifactKind::ModelPack,
            size: None,
            created: Some(Stamp(made)),
            parts: Vec::new(),
        };
        let of = ArtifactRef { source: ConnectionId::slug("r"), repository: "a".into(), reference: "v2".into() };
        let tags = [tag("a", "v1", "d1", 1), tag("a", "v2", "d2", 2), tag("a", "prod", "d2", 2), tag("a", "v3", "d3", 3), tag("b", "x", "d9", 9)];
        assert_eq!(offered(&tags, &of, "d2"), ["v3", "v1"]);
    }

    #[test]
    fn a_size_is_told_to_the_byte_beside_its_three_digits() {
        assert_eq!((bytes(16_060_556_376).as_str(), exactly(16_060_556_376).as_str()), ("16.1 GB", "16,060,556,376 B"));
    }

    #[test]
    fn a_media_type_is_told_with_its_word_and_one_that_is_not_known_as_it_is() {
        assert_eq!(typed("application/vnd.oci.empty.v1+json"), "nothing (application/vnd.oci.empty.v1+json)");
        assert_eq!((typed("a/b").as_str(), typed("").as_str()), ("a/b", "not said"));
    }
}

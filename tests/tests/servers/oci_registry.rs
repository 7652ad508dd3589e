//! A real registry (distribution), and what the connector makes of it: tags and their digests, artefacts in full by their
//! media types, referrers, pages of many tags, and what is told where something is wrong.

use crate::oci_support::{Settings, Watched, id};
use acceptance::registry::{Content, tag};
use acceptance::{Registry, Result};
use pilothouse_connect::Connector;
use pilothouse_wire::artifact::{Artifact, ArtifactKind, ArtifactRef, ReferrersBy, TagPage, TagsQuery};
use pilothouse_wire::view::MarkKind;
use pilothouse_wire::{Code, Health, Problem};

async fn read(connector: &dyn Connector, repository: &str, reference: &str) -> std::result::Result<Artifact, Problem> {
    let of = ArtifactRef { source: id(), repository: repository.into(), reference: reference.into() };
    connector.artifact(&of).await
}

/// What a configuration said, as `Label: value`.
fn says(artifact: &Artifact) -> Vec<String> {
    artifact.says.iter().map(|said| format!("{}: {}", said.label, said.value)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_stands_at_its_digest_and_one_that_moves_is_a_change() -> Result<()> {
    let registry = Registry::start().await?;
    let first = registry.push("team/chat", "prod", &Content::image("first")).await?;
    let canary = registry.push("team/chat", "canary", &Content::image("canary")).await?;
    let watched = Watched::start(&Settings::new(&registry, "team/chat:prod, team/chat:canary"))?;
    let row = watched.stands("team/chat", "prod", &first).await?;
    assert_eq!((row.kind, row.from), (ArtifactKind::Image, None));
    assert!(row.size.is_some_and(|size| size > 0));
    assert!(watched.marks().is_empty(), "where it stood before anybody looked is no change");

    let second = registry.push("team/chat", "prod", &Content::image("second")).await?;
    let row = watched.stands("team/chat", "prod", &second).await?;
    assert_eq!(row.from.as_deref(), Some(first.as_str()));
    let marks = watched.marks();
    let [moved] = marks.as_slice() else { panic!("{marks:?}") };
    assert_eq!((moved.key.kind, moved.title.as_str()), (MarkKind::TagMoved, "team/chat:prod moved"));
    assert_eq!(moved.key.object.to_string(), "tag:registry/team%2Fchat/prod");
    let detail = moved.detail.clone().unwrap_or_default();
    assert_eq!(detail, format!("{} → {}", &first[..19], &second[..19]));
    watched.stands("team/chat", "canary", &canary).await?;
    assert_eq!(watched.health(), Health::Well);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_names_what_the_registry_lists_is_watched_and_an_index_tells_its_parts() -> Result<()> {
    let registry = Registry::start().await?;
    let amd = registry.push("team/multi", "amd", &Content::image("amd")).await?;
    let arm = registry.push("team/multi", "arm", &Content::image("arm")).await?;
    let index = registry.push_index("team/multi", "v1", &[(&amd, "amd64"), (&arm, "arm64")]).await?;
    let model = registry.push("models/chat", "v1", &Content::model_pack("bf16", "weights")).await?;
    let watched = Watched::start(&Settings::new(&registry, ""))?;
    let row = watched.stands("team/multi", "v1", &index).await?;
    assert_eq!((row.kind, row.size), (ArtifactKind::Index, None));
    assert_eq!(row.parts, [amd.as_str(), arm.as_str()]);
    let row = watched.stands("models/chat", "v1", &model).await?;
    assert_eq!(row.kind, ArtifactKind::ModelPack);
    assert_eq!(row.created.map(|at| at.to_string()).as_deref(), Some("2026-11-24T03:12:00Z"));
    let names: Vec<String> =
        watched.artifacts().repositories.rows().iter().map(|row| row.id.name.to_string()).collect();
    assert_eq!(names, ["models/chat", "team/multi"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_model_format_is_known_by_its_media_types_and_its_configuration_is_read() -> Result<()> {
    let registry = Registry::start().await?;
    let open = Settings::new(&registry, "models/pack:v1").open()?;
    for (name, content, kind, weights, said) in [
        ("pack", Content::model_pack("bf16", "weights"), ArtifactKind::ModelPack, Some(7), "Precision: bf16"),
        ("docker", Content::docker_model(), ArtifactKind::DockerModel, Some(12), "Quantisation: Q4_K_M"),
        ("kit", Content::model_kit(), ArtifactKind::ModelKit, Some(11), "Framework: pytorch"),
        ("ollama", Content::ollama(), ArtifactKind::Ollama, Some(14), "Parameters: 8.0B"),
        ("car", Content::modelcar(), ArtifactKind::Modelcar, None, "Platform: linux/amd64"),
        ("image", Content::image("x"), ArtifactKind::Image, None, "Entry point: serve --api-key …"),
    ] {
        let repository = format!("models/{name}");
        let digest = registry.push(&repository, "v1", &content).await?;
        let artifact = read(&*open, &repository, "v1").await.unwrap();
        assert_eq!((artifact.kind, artifact.weights, artifact.digest.as_str()), (kind, weights, digest.as_str()));
        assert!(says(&artifact).iter().any(|line| line == said), "{name}: {:?}", says(&artifact));
        assert!(!format!("{artifact:?}").contains("canary"), "{artifact:?}");
        assert_eq!(artifact.problems, []);
    }
    // The same by its digest, which names it for good.
    let digest = registry.push("models/pack", "v2", &Content::model_pack("fp8", "other weights")).await?;
    let pinned = read(&*open, "models/pack", &digest).await.unwrap();
    assert_eq!(pinned.digest, digest.as_str());
    assert_eq!(pinned.parts[0].what.as_deref(), Some("model.safetensors"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_refers_to_an_artefact_is_found_by_the_tag_where_there_is_no_api() -> Result<()> {
    let registry = Registry::start().await?;
    let open = Settings::new(&registry, "team/chat:prod").open()?;
    let subject = registry.push("team/chat", "prod", &Content::image("signed")).await?;
    let bare = read(&*open, "team/chat", "prod").await.unwrap();
    assert_eq!((bare.referrers.len(), bare.referrers_by), (0, ReferrersBy::Neither));
    let sbom = registry.refer("team/chat", &subject, "application/spdx+json").await?;
    let signature =
        registry.push("team/chat", &format!("{}.sig", subject.replace(':', "-")), &Content::image("sig")).await?;
    let told = read(&*open, "team/chat", "prod").await.unwrap();
    assert_eq!(told.referrers_by, ReferrersBy::Tag);
    let found: Vec<(&str, &str)> = told.referrers.iter().map(|one| (one.digest.as_str(), one.kind.as_str())).collect();
    assert_eq!(found, [(sbom.as_str(), "application/spdx+json"), (signature.as_str(), "cosign signature")]);
    let own = read(&*open, "team/chat", &sbom).await.unwrap();
    assert_eq!((own.kind, own.subject.as_deref()), (ArtifactKind::Statement, Some(subject.as_str())));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_refers_to_an_artefact_is_told_by_the_api_where_a_registry_has_one() -> Result<()> {
    let registry = Registry::with_referrers().await?;
    let open = Settings::new(&registry, "team/chat:prod").open()?;
    let subject = registry.push("team/chat", "prod", &Content::image("signed")).await?;
    let other = registry.push("team/chat", "other", &Content::image("another")).await?;
    let bare = read(&*open, "team/chat", "prod").await.unwrap();
    assert_eq!((bare.referrers.len(), bare.referrers_by), (0, ReferrersBy::Api));
    // No tag stands for it: the API alone knows it.
    let (sbom, size) = registry.say("team/chat", &subject, "application/spdx+json").await?;
    let told = read(&*open, "team/chat", "prod").await.unwrap();
    assert_eq!((told.referrers_by, told.problems.len()), (ReferrersBy::Api, 0));
    let [found] = told.referrers.as_slice() else { panic!("{:?}", told.referrers) };
    assert_eq!((found.digest.as_str(), found.size), (sbom.as_str(), size as u64));
    let of_other = read(&*open, "team/chat", &other).await.unwrap();
    assert_eq!((of_other.referrers.len(), of_other.referrers_by), (0, ReferrersBy::Api));
    // What cosign lays beside it is told with it.
    let tag = format!("{}.sig", subject.replace(':', "-"));
    let signature = registry.push("team/chat", &tag, &Content::image("sig")).await?;
    let told = read(&*open, "team/chat", "prod").await.unwrap();
    let digests: Vec<&str> = told.referrers.iter().map(|one| one.digest.as_str()).collect();
    assert_eq!((digests, told.referrers_by), (vec![sbom.as_str(), signature.as_str()], ReferrersBy::Api));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tags_come_page_by_page_and_only_as_far_as_somebody_looks() -> Result<()> {
    const MANY: usize = 1_250;
    let registry = Registry::start().await?;
    registry.push_tags("team/many", MANY).await?;
    let open = Settings::new(&registry, "team/many:v00000").open()?;
    let (mut after, mut seen, mut pages) = (None, Vec::new(), 0);
    loop {
        let query = TagsQuery { source: id(), repository: "team/many".into(), after: after.take(), limit: 500 };
        let TagPage { tags, next } = open.tags(&query).await.unwrap();
        assert!(tags.len() <= 500);
        seen.extend(tags);
        pages += 1;
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let want: Vec<String> = (0..MANY).map(tag).collect();
    assert!(seen.iter().map(|tag| tag.as_str()).eq(want.iter().map(String::as_str)), "{} tags", seen.len());
    assert!((3..=4).contains(&pages), "{pages} pages");
    // What leads elsewhere than to a page of this list is not asked for.
    let steal =
        TagsQuery { source: id(), repository: "team/many".into(), after: Some("n=1 HTTP/1.1".into()), limit: 1 };
    assert_eq!(open.tags(&steal).await.unwrap_err().code, Code::BadInput);

    // Watched without a tag, a repository gives its first ones, and says that there are more.
    let watched = Watched::start(&Settings::new(&registry, "team/many"))?;
    let row =
        watched.until("the repository is watched", |watched| watched.artifacts().repositories.rows().first().cloned());
    let row = row.await?;
    assert_eq!((row.watched, row.more), (50, true));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_or_cut_or_unknown_is_said_and_nothing_of_it_shown() -> Result<()> {
    let registry = Registry::start().await?;
    let open = Settings::new(&registry, "models/pack:v1").open()?;
    let pack = Content::model_pack("bf16", "weights");
    let digest = registry.push("models/pack", "v1", &pack).await?;

    // Another word in the configuration, of the same length: it is still JSON, and not what was pushed.
    registry.damage(&pack.config.digest(), "bf16", "fp16")?;
    let told = read(&*open, "models/pack", "v1").await.unwrap();
    let [problem] = told.problems.as_slice() else { panic!("{:?}", told.problems) };
    assert!(problem.what.contains("other bytes") && problem.what.contains(&pack.config.digest()[..19]), "{problem}");
    assert!(says(&told).is_empty() && told.kind == ArtifactKind::ModelPack && told.weights == Some(7));

    registry.cut(&pack.config.digest())?;
    let told = read(&*open, "models/pack", "v1").await.unwrap();
    assert_eq!(told.problems.len(), 1, "{:?}", told.problems);

    // The manifest itself: by its tag and by its digest alike.
    registry.damage(&digest, "model.safetensors", "model.safetensorz")?;
    for reference in ["v1", digest.as_str()] {
        let problem = read(&*open, "models/pack", reference).await.unwrap_err();
        assert!(problem.what.contains("other bytes") && problem.next.is_some(), "{problem}");
    }
    registry.push("odd/rocket", "v1", &Content::unknown()).await?;
    let told = read(&*open, "odd/rocket", "v1").await.unwrap();
    assert_eq!(
        (told.kind, told.artifact_type.as_deref()),
        (ArtifactKind::Other, Some("application/vnd.acme.rocket.v1"))
    );
    assert!(told.says.is_empty() && told.problems.is_empty(), "{told:?}");

    let absent = read(&*open, "models/pack", "v9").await.unwrap_err();
    assert_eq!((absent.code, absent.what.as_str()), (Code::NotFound, "models/pack has no v9 in registry."));
    // Of a repository that it does not know otherwise nobody can tell what it has: it may not be for us to see.
    let unsaid = read(&*open, "models/none", "v1").await.unwrap_err();
    assert!(unsaid.code == Code::Denied && unsaid.what.ends_with("not be for us to see."), "{unsaid}");
    for (repository, reference) in [("../etc", "v1"), ("models/pack", "v1?x"), ("Models", "v1"), ("models/pack", "a/b")]
    {
        assert_eq!(read(&*open, repository, reference).await.unwrap_err().code, Code::BadInput);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_repository_that_is_not_there_keeps_nobody_elses_tags_and_a_registry_that_is_lost_is_found_again()
-> Result<()> {
    let mut registry = Registry::start().await?;
    let digest = registry.push("team/chat", "prod", &Content::image("x")).await?;
    let watched = Watched::start(&Settings::new(&registry, "team/chat:prod, team/none, team/chat:none"))?;
    watched.stands("team/chat", "prod", &digest).await?;
    let problem = watched.until("what is missing is said", Watched::problem).await?;
    assert!(matches!(watched.health(), Health::Partial(_)));
    assert!(problem.what.contains("none") && problem.next.unwrap_or_default().contains("1 more"), "{:?}", problem.what);

    registry.kill();
    let lost = watched.until("it is lost", |watched| watched.problem().filter(|problem| problem.code == Code::Refused));
    assert!(lost.await?.what.contains("refused"));
    assert_eq!(watched.artifacts().tags.rows().len(), 1, "what was known stays");
    registry.start_again().await?;
    watched.until("it is found again", |watched| matches!(watched.health(), Health::Partial(_)).then_some(())).await
}

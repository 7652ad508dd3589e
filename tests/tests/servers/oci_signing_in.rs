//! Each way to sign in to a real registry: anonymous, with a password, through a token service; what is told where it fails;
//! and that neither a password nor a token is said anywhere. Pages of HTML and pleas for patience are of a scripted server,
//! since distribution has neither.

use crate::oci_support::{Settings, Watched, id};
use acceptance::registry::{Content, Door, PASSWORD, TokenService, USER};
use acceptance::{Registry, Result};
use pilothouse_connect::conformance::scripted::{Reply, Scripted};
use pilothouse_wire::artifact::{ArtifactRef, TagsQuery};
use pilothouse_wire::{Code, Health};
use serde_json::json;

fn tags(repository: &str) -> TagsQuery {
    TagsQuery { source: id(), repository: repository.into(), after: None, limit: 100 }
}

fn artifact(repository: &str) -> ArtifactRef {
    ArtifactRef { source: id(), repository: repository.into(), reference: "v1".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_opens_a_registry_and_a_wrong_one_is_told_as_that() -> Result<()> {
    let registry = Registry::behind(Door::Password).await?;
    let digest = registry.push("team/chat", "v1", &Content::model_pack("bf16", "w")).await?;
    let watched = Watched::start(&Settings::new(&registry, "team/chat").signed_in(USER, PASSWORD))?;
    watched.stands("team/chat", "v1", &digest).await?;
    let read = watched.connector.artifact(&artifact("team/chat")).await.unwrap();
    assert!(read.problems.is_empty() && !read.says.is_empty());
    assert!(!watched.said().contains(PASSWORD) && !format!("{read:?}").contains(PASSWORD));

    for settings in
        [Settings::new(&registry, "team/chat").signed_in(USER, "canary-wrong"), Settings::new(&registry, "team/chat")]
    {
        let problem = settings.open()?.probe().await.unwrap_err();
        assert_eq!(problem.code, Code::Unauthenticated, "{problem}");
        assert!(!format!("{problem:?}").contains("canary"), "{problem}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_fetched_once_for_a_repository_and_used_until_it_ends() -> Result<()> {
    let registry = Registry::behind(Door::Tokens(TokenService::start(300).await?)).await?;
    let digest = registry.push("team/chat", "v1", &Content::model_pack("bf16", "w")).await?;
    let given = || registry.tokens().map_or(0, TokenService::given);
    let watched = Watched::start(&Settings::new(&registry, "team/chat").signed_in(USER, PASSWORD))?;
    watched.stands("team/chat", "v1", &digest).await?;
    // One for the registry as a whole, and one for the repository.
    assert_eq!(given(), 2);
    for _ in 0..5 {
        assert_eq!(watched.connector.tags(&tags("team/chat")).await.unwrap().tags, ["v1"]);
    }
    let read = watched.connector.artifact(&artifact("team/chat")).await.unwrap();
    assert_eq!((read.digest.as_str(), read.problems.len()), (digest.as_str(), 0));
    assert_eq!(given(), 2, "those that were fetched are good for all of it");
    let said = format!("{}{read:?}", watched.said());
    // Every token of the service begins so.
    assert!(!said.contains(PASSWORD) && !said.contains("eyJ"), "a credential is said");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_password_a_token_service_gives_what_is_public_and_the_rest_is_refused_in_words() -> Result<()> {
    let registry = Registry::behind(Door::Tokens(TokenService::start(300).await?)).await?;
    let digest = registry.push("public/chat", "v1", &Content::image("x")).await?;
    registry.push("team/chat", "v1", &Content::image("y")).await?;
    let watched = Watched::start(&Settings::new(&registry, "public/chat, team/chat"))?;
    watched.stands("public/chat", "v1", &digest).await?;
    let problem = watched.until("what is refused is said", Watched::problem).await?;
    assert!(matches!(watched.health(), Health::Partial(_)));
    assert_eq!(problem.code, Code::Unauthenticated, "{problem}");

    let wrong = Settings::new(&registry, "team/chat").signed_in(USER, "canary-wrong");
    let problem = wrong.open()?.probe().await.unwrap_err();
    assert_eq!(problem.code, Code::Unauthenticated);
    assert!(problem.what.contains("token service") && !format!("{problem:?}").contains("canary"), "{problem:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_ended_is_fetched_anew() -> Result<()> {
    // Shorter than what is waited between two looks.
    let registry = Registry::behind(Door::Tokens(TokenService::start(2).await?)).await?;
    let first = registry.push("team/chat", "v1", &Content::image("x")).await?;
    let watched = Watched::start(&Settings::new(&registry, "team/chat").signed_in(USER, PASSWORD))?;
    watched.stands("team/chat", "v1", &first).await?;
    let before = registry.tokens().map_or(0, TokenService::given);
    let second = registry.push("team/chat", "v1", &Content::image("y")).await?;
    watched.stands("team/chat", "v1", &second).await?;
    assert!(registry.tokens().map_or(0, TokenService::given) > before);
    assert_eq!(watched.health(), Health::Well);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_for_people_and_pleas_for_patience_are_told_as_such() -> Result<()> {
    let page =
        Scripted::start(|_, _| Reply::Text(200, "content-type: text/html\r\n", "<html>canary</html>".to_owned()));
    let page = page.await.map_err(|error| acceptance::Failure::new(error.to_string()))?;
    let problem = Settings::at(&page.url, "team/chat").open()?.probe().await.unwrap_err();
    assert!(problem.what.contains("page for people") && !format!("{problem:?}").contains("canary"), "{problem}");

    let busy = Scripted::start(|path, _| match path {
        "/v2/" => Reply::Json(200, "", json!({})),
        _ => Reply::Json(
            429,
            "retry-after: 120\r\n",
            json!({ "errors": [{ "code": "TOOMANYREQUESTS", "message": "pull rate limit", "detail": {} }] }),
        ),
    });
    let busy = busy.await.map_err(|error| acceptance::Failure::new(error.to_string()))?;
    let watched = Watched::start(&Settings::at(&busy.url, "team/chat"))?;
    let problem = watched.until("it asks for patience", Watched::problem).await?;
    assert_eq!(problem.code, Code::TooMany);
    assert!(matches!(watched.health(), Health::Slow(_)) && problem.why.unwrap_or_default().contains("wait 2 min"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_service_that_is_named_without_encryption_is_asked_by_a_plain_registry_alone() -> Result<()> {
    // A registry that names something that is no address at all.
    let odd = Scripted::start(|_, _| {
        Reply::Json(401, "www-authenticate: Bearer realm=\"ftp://tokens.example/\"\r\n", json!({ "errors": [] }))
    });
    let odd = odd.await.map_err(|error| acceptance::Failure::new(error.to_string()))?;
    let settings = Settings::at(&odd.url, "team/chat").signed_in(USER, "canary-password");
    let problem = settings.open()?.probe().await.unwrap_err();
    assert_eq!(problem.code, Code::BadInput);
    assert!(problem.what.contains("token service") && !format!("{problem:?}").contains("canary"), "{problem:?}");
    Ok(())
}

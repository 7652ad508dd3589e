//! The connector: opens a connection, tests it, watches it, reads from it when somebody looks.

use crate::{
    client::Registry,
    kind::{HOSTS, KIND, WATCH},
    model,
    names::{Wish, wishes},
    problems, read,
    round::{self, Seen},
    session::{self, Watched},
};
use async_trait::async_trait;
use pilothouse_connect::{Connector, ModelFiles, Opening, Sink};
use pilothouse_connect_http::{
    access::Access,
    address::Address,
    failure::Failure,
    fields::Fields,
    place::Place,
    server::{self, End},
    trust::Trust,
};
use pilothouse_wire::{
    Code, ObjectRef, Problem, SmolStr,
    artifact::{Artifact, ArtifactRef, TagPage, TagsQuery},
    ask::Tested,
    preflight::ModelSubject,
};
use pilothouse_world::fact::SourceAbout;
use std::sync::{Arc, Mutex, PoisonError};

/// Hosts of Docker Hub, which images call by another name.
const DOCKER_HUB: [&str; 3] = ["registry-1.docker.io", "index.docker.io", "registry.hub.docker.com"];

/// An open connection.
struct Oci {
    opening: Opening,
    place: Place,
    hosts: Vec<SmolStr>,
    wishes: Vec<Wish>,
    shown: SmolStr,
    /// The way to it that the newest session made: who looks goes the same way, with the tokens that it has.
    newest: Mutex<Option<Arc<Registry>>>,
}

/// Opens a connection; reads the file of authorities, contacts nobody.
pub fn open(opening: Opening) -> Result<Arc<dyn Connector>, Problem> {
    let fields = Fields::of(&opening, &KIND);
    let address = Address::of(&fields)?;
    let access = Access::of(&fields)?;
    let ca = Trust::of(&fields, &address)?.file;
    let watch = fields.text(WATCH).unwrap_or_default();
    let wishes = wishes(watch).map_err(|word| {
        let word: String = word.chars().take(80).collect();
        fields.bad(
            WATCH,
            format!("\"{word}\" is no repository and no tag of one: write it as team/chat or team/chat:prod."),
        )
    })?;
    let mut hosts = names(&address);
    let more = fields.text(HOSTS).unwrap_or_default();
    hosts.extend(more.split([',', ' ']).map(str::trim).filter(|host| !host.is_empty()).map(SmolStr::new));
    let place = Place {
        name: opening.name.clone(),
        host: address.host.clone(),
        path: address.path().map(str::to_owned),
        who: access.who.clone(),
        ca,
        kind: "an OCI registry",
        ..Place::default()
    };
    let shown = SmolStr::new(address.shown());
    Ok(Arc::new(Oci { place, hosts, wishes, shown, newest: Mutex::default(), opening }))
}

/// The names by which images say a registry: with its port, and without where it is the usual one.
fn names(address: &Address) -> Vec<SmolStr> {
    let host = address.host.as_str();
    let usual = if address.tls { ":443" } else { ":80" };
    let bare = host.strip_suffix(usual);
    let hub = bare.filter(|bare| DOCKER_HUB.contains(bare)).map(|_| "docker.io");
    bare.into_iter().chain([host]).chain(hub).map(SmolStr::new).collect()
}

impl Oci {
    /// A way to it, made anew: the file of authorities may have changed.
    fn registry(&self) -> Result<Arc<Registry>, Problem> {
        let fields = Fields::of(&self.opening, &KIND);
        let address = Address::of(&fields)?;
        let (access, trust) = (Access::of(&fields)?, Trust::of(&fields, &address)?);
        Registry::new(self.place.clone(), address, access, trust, self.opening.clock.clone()).map(Arc::new)
    }

    fn begun(&self) -> Result<Arc<Registry>, Problem> {
        let registry = self.registry()?;
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&registry));
        Ok(registry)
    }

    /// The way that who looks takes.
    fn way(&self) -> Result<Arc<Registry>, Problem> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        newest.map_or_else(|| self.begun(), Ok)
    }

    fn watched(&self) -> Watched<'_> {
        Watched { hosts: &self.hosts, wishes: &self.wishes }
    }
}

#[async_trait]
impl Connector for Oci {
    fn about(&self) -> SourceAbout {
        SourceAbout {
            name: SmolStr::new(&self.opening.name),
            kind: SmolStr::new_static(KIND.id),
            demo: false,
            address: Some(self.shown.clone()),
            period_ms: u64::try_from(session::PERIOD.as_millis()).unwrap_or(u64::MAX),
        }
    }

    async fn probe(&self) -> Result<Tested, Problem> {
        let registry = self.registry()?;
        let Watched { hosts, wishes } = self.watched();
        let calls = async {
            let version = registry.ping().await?;
            Ok::<_, Failure>((version, round::look(&registry, hosts, wishes, &mut Seen::default()).await?))
        };
        let (version, round) = calls.await.map_err(|failure| problems::problem(&failure, &self.place))?;
        Ok(Tested {
            version,
            identity: self.place.who.clone(),
            may: session::may(&round),
            problem: session::wrong(&registry, &round),
        })
    }

    async fn watch(&self, sink: Sink) {
        let session = || async {
            match self.begun() {
                Ok(registry) => session::run(&registry, &sink, &self.watched()).await,
                Err(problem) => End::Lost(Failure::Told(Box::new(problem))),
            }
        };
        server::keep(&sink, |failure| problems::problem(failure, &self.place), session).await;
    }

    async fn yaml(&self, _: &ObjectRef) -> Result<String, Problem> {
        Err(problems::no_yaml(&self.place))
    }

    async fn tags(&self, query: &TagsQuery) -> Result<TagPage, Problem> {
        read::tags(&*self.way()?, query).await
    }

    async fn artifact(&self, of: &ArtifactRef) -> Result<Artifact, Problem> {
        let host = self.hosts.first().cloned().unwrap_or_default();
        read::artifact(&*self.way()?, &host, of, self.opening.clock.now()).await
    }

    async fn model_files(&self, of: &ModelSubject) -> Result<ModelFiles, Problem> {
        match of {
            ModelSubject::Artifact(of) => model::files(&*self.way()?, of).await,
            ModelSubject::Version(_) => {
                Err(Problem::new(Code::NotOffered, format!("{} has no registered models.", self.place.name)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_connect::{
        Clock, Relays,
        conformance::scripted::{Reply, Scripted},
    };
    use pilothouse_wire::{
        ConnectionId,
        artifact::{Artifact, ArtifactRef, ReferrersBy},
    };
    use serde_json::json;

    fn opened(values: &[(&str, &str)]) -> Result<(), Problem> {
        connected(values).map(drop)
    }

    fn connected(values: &[(&str, &str)]) -> Result<Arc<dyn Connector>, Problem> {
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        open(Opening {
            id: ConnectionId::slug("r"),
            name: "r".to_owned(),
            values: values.collect(),
            secrets: Default::default(),
            trusted: Vec::new(),
            clock: Clock::system(),
            relays: Relays::none(),
            sought: &[],
        })
    }

    /// What an artefact is told to be by a registry without the API of referrers that answers so to a look for a signature,
    /// with nothing in the body.
    async fn read_where_a_signature_is_answered_by(status: u16, headers: &'static str) -> Artifact {
        let registry = Scripted::start(move |path, _| match path {
            "/v2/team/chat/manifests/v1" => Reply::Json(200, "", json!({ "schemaVersion": 2, "layers": [] })),
            path if path.ends_with(".sig") => Reply::Text(status, headers, String::new()),
            _ => Reply::Json(404, "", json!({ "errors": [] })),
        });
        let registry = registry.await.unwrap();
        let connector = connected(&[("url", &registry.url), ("watch", "team/chat:v1")]).unwrap();
        let of =
            ArtifactRef { source: ConnectionId::slug("r"), repository: "team/chat".into(), reference: "v1".into() };
        connector.artifact(&of).await.unwrap()
    }

    #[tokio::test]
    async fn only_an_artefact_of_which_the_registry_has_no_signature_has_none() {
        let read = read_where_a_signature_is_answered_by;
        let none = read(404, "").await;
        assert_eq!((none.referrers.len(), none.referrers_by, none.problems.len()), (0, ReferrersBy::Neither, 0));
        for (status, code) in [(403, Code::Denied), (429, Code::TooMany), (500, Code::ServerFailed)] {
            let not_told = read(status, "").await;
            assert_eq!((not_told.referrers.len(), not_told.referrers_by), (0, ReferrersBy::NotKnown), "{status}");
            assert_eq!(not_told.problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), [code], "{status}");
        }
        let signed = read(200, "docker-content-digest: sha256:aa\r\n").await;
        assert_eq!((signed.referrers.len(), signed.referrers_by), (1, ReferrersBy::Tag));
        // One that does not say at which digest has it all the same.
        assert_eq!(read(200, "").await.referrers.len(), 1);
    }

    /// Why a manifest is not read by a registry that answers so to who asks for it, and for the tags of its repository.
    async fn not_read(manifest: (u16, &'static str), tags: (u16, &'static str)) -> Problem {
        let said = |(status, body): (u16, &str)| match body {
            "tags" => Reply::Json(status, "", json!({ "name": "team/chat", "tags": null })),
            code if code.contains(' ') => Reply::Text(status, "content-type: text/plain\r\n", code.to_owned()),
            code => Reply::Json(status, "", json!({ "errors": [{ "code": code, "message": "unknown" }] })),
        };
        let registry = Scripted::start(move |path, _| match path {
            path if path.starts_with("/v2/team/chat/tags/") => said(tags),
            _ => said(manifest),
        });
        let registry = registry.await.unwrap();
        let connector = connected(&[("url", &registry.url), ("watch", "team/chat:v1")]).unwrap();
        let of =
            ArtifactRef { source: ConnectionId::slug("r"), repository: "team/chat".into(), reference: "v1".into() };
        connector.artifact(&of).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_manifest_is_gone_only_where_the_registry_says_so_of_a_repository_that_it_knows() {
        let (unknown, known) = ((404, "MANIFEST_UNKNOWN"), (200, "tags"));
        let gone = not_read(unknown, known).await;
        assert_eq!((gone.code, gone.what.as_str()), (Code::NotFound, "team/chat has no v1 in r."));
        let hidden = "It may also be there, and not be for us to see.";
        for (manifest, tags) in [
            // What one may not look at is called unknown by many.
            ((404, "NAME_UNKNOWN"), known),
            (unknown, (404, "NAME_UNKNOWN")),
            (unknown, (403, "DENIED")),
            (unknown, (401, "UNAUTHORIZED")),
            (unknown, (200, "a page")),
            // No registry says that, but something in front of it.
            ((404, "404 page not found"), known),
            ((404, "NOT_FOUND"), known),
            ((404, "BLOB_UNKNOWN"), known),
        ] {
            let problem = not_read(manifest, tags).await;
            assert!(
                problem.code == Code::Denied && problem.what.ends_with(hidden),
                "{manifest:?}, {tags:?}: {problem}"
            );
        }
        assert_eq!(not_read((403, "DENIED"), known).await.code, Code::Denied);
        assert_eq!(not_read((500, "UNKNOWN"), known).await.code, Code::ServerFailed);
    }

    #[test]
    fn what_cannot_be_watched_is_told_by_its_field() {
        assert_eq!(opened(&[("url", "https://r.example"), ("watch", "team/chat:prod")]), Ok(()));
        let problem = opened(&[("url", "https://r.example"), ("watch", "Team/chat")]).unwrap_err();
        assert_eq!(problem.code, Code::BadInput);
        assert!(problem.to_string().contains("\"Watch\"") && problem.to_string().contains("Team/chat"), "{problem}");
        assert_eq!(opened(&[("watch", "a")]).unwrap_err().code, Code::BadInput);
    }

    #[test]
    fn a_registry_has_the_names_by_which_images_say_it() {
        let of = |url: &str| names(&Address::parse(url).unwrap()).join(" ");
        assert_eq!(of("https://ghcr.io"), "ghcr.io ghcr.io:443");
        assert_eq!(of("http://127.0.0.1:5000"), "127.0.0.1:5000");
        assert_eq!(of("https://registry-1.docker.io"), "registry-1.docker.io registry-1.docker.io:443 docker.io");
    }
}

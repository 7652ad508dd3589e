//! Questions to one registry: signed in as it wants, redirected to where blobs are, bounded.

use crate::{
    challenge::{self, Challenge},
    digest::{self, Unproven},
    link, manifest,
    manifest::Manifest,
    problems,
    token::{self, Tokens, Wanted},
};
use bytes::Bytes;
use pilothouse_connect::Clock;
use pilothouse_connect_http::{
    access::Access,
    address::Address,
    client::{self, Call, Client, Heard},
    failure::Failure,
    place::Place,
    trust::Trust,
};
use pilothouse_wire::{Problem, SmolStr};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LINK, LOCATION, WWW_AUTHENTICATE};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long each part of an answer may take to come.
const PATIENCE: Duration = Duration::from_secs(12);
/// Redirects of a blob that are followed.
const MOST_HOPS: usize = 3;
/// No list of names is larger: 50,000 tags of 128 characters.
const LARGEST_LIST: usize = 8 << 20;
const JSON: &str = "application/json";
const ANYTHING: &str = "*/*";
const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A registry.
pub(crate) struct Registry {
    /// What messages need to know.
    pub place: Place,
    http: Client,
    credential: Option<Credential>,
    plain: bool,
    trust: Trust,
    clock: Clock,
    known: Mutex<Known>,
}

/// How we could sign in.
enum Credential {
    /// With a user and a password: to the registry, or to its token service.
    Basic(HeaderValue),
    /// With a token that a person has.
    Bearer(HeaderValue),
}

/// What was learnt of how it wants to be signed in to.
#[derive(Default)]
struct Known {
    tokens: Tokens,
    wants_basic: bool,
}

/// What a token has to be good for: a repository, or the registry as a whole.
#[derive(Clone, Copy)]
pub(crate) enum Of<'a> {
    Registry,
    Repository(&'a str),
}

impl Of<'_> {
    fn key(&self) -> &str {
        match self {
            Self::Registry => "",
            Self::Repository(name) => name,
        }
    }
}

/// A manifest, held against its digest.
pub(crate) struct Proven {
    pub digest: SmolStr,
    pub manifest: Manifest,
}

impl Registry {
    /// A registry; contacts nobody.
    pub(crate) fn new(
        place: Place,
        address: Address,
        mut access: Access,
        trust: Trust,
        clock: Clock,
    ) -> Result<Self, Problem> {
        let own = access.headers.remove(AUTHORIZATION);
        let is_basic = |value: &HeaderValue| value.as_bytes().starts_with(b"Basic ");
        let credential =
            own.map(|value| if is_basic(&value) { Credential::Basic(value) } else { Credential::Bearer(value) });
        let plain = !address.tls;
        let http = Client::new(place.clone(), address, access, trust.clone(), clock.clone())?;
        Ok(Self { place, http, credential, plain, trust, clock, known: Mutex::default() })
    }

    /// Is the server's certificate not checked?
    pub(crate) fn is_insecure(&self) -> bool {
        self.http.is_insecure()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does it speak this API, and with us? Answers what it calls its version.
    pub(crate) async fn ping(&self) -> Result<Option<String>, Failure> {
        let heard = self.good(Of::Registry, call("/v2/", JSON, LARGEST_LIST)).await?;
        if heard.body.trim_ascii_start().starts_with(b"<") {
            return Err(Failure::Page);
        }
        Ok(text(&heard.headers, &HeaderName::from_static("docker-distribution-api-version")).map(str::to_owned))
    }

    /// A list of names, and the query of its next page.
    pub(crate) async fn list(&self, of: Of<'_>, path: &str) -> Result<(Bytes, Option<String>), Failure> {
        let heard = self.good(of, call(path, JSON, LARGEST_LIST)).await?;
        let next = text(&heard.headers, &LINK).and_then(link::next);
        Ok((heard.body, next))
    }

    /// At which digest a tag stands; a registry that does not say so is asked for the manifest.
    pub(crate) async fn resolve(&self, repository: &str, tag: &str) -> Result<SmolStr, Failure> {
        let path = format!("/v2/{repository}/manifests/{tag}");
        let head = Call { head: true, ..call(&path, manifest::ACCEPT, manifest::LARGEST) };
        let heard = match self.ask(Of::Repository(repository), head).await? {
            heard if heard.status == 200 => heard,
            // What it refuses without a body it may explain with one.
            _ => return self.manifest(repository, tag).await.map(|proven| proven.digest),
        };
        match text(&heard.headers, &DIGEST).filter(|digest| crate::names::is_digest(digest)) {
            Some(digest) => Ok(digest.into()),
            None => self.manifest(repository, tag).await.map(|proven| proven.digest),
        }
    }

    /// A manifest by a tag or a digest: its bytes are held against the digest.
    pub(crate) async fn manifest(&self, repository: &str, reference: &str) -> Result<Proven, Failure> {
        let path = format!("/v2/{repository}/manifests/{reference}");
        self.manifest_at(repository, &path, reference, manifest::ACCEPT).await
    }

    /// The answer of a path that is a manifest.
    pub(crate) async fn manifest_at(
        &self,
        repository: &str,
        path: &str,
        reference: &str,
        accept: &str,
    ) -> Result<Proven, Failure> {
        let heard = self.good(Of::Repository(repository), call(path, accept, manifest::LARGEST)).await?;
        let said = text(&heard.headers, &DIGEST).filter(|digest| crate::names::is_digest(digest));
        let pinned = Some(reference).filter(|reference| reference.contains(':'));
        // What was asked for decides; what the server adds must fit as well.
        let digest = match pinned.or(said) {
            Some(digest) => {
                self.prove(digest, &heard.body, repository)?;
                SmolStr::new(digest)
            }
            None => digest::of(&heard.body),
        };
        let content_type = text(&heard.headers, &reqwest::header::CONTENT_TYPE);
        Ok(Proven { digest, manifest: Manifest::read(&heard.body, content_type)? })
    }

    /// A list of referrers, which has no digest of its own.
    pub(crate) async fn referrers(&self, repository: &str, path: &str) -> Result<Manifest, Failure> {
        let of = Of::Repository(repository);
        let heard = self.good(of, call(path, manifest::ACCEPT_INDEX, manifest::LARGEST)).await?;
        Manifest::read(&heard.body, None)
    }

    /// Is there such a manifest? Its digest and size; none where the registry says that it has none, and nothing else is that.
    pub(crate) async fn exists(&self, repository: &str, tag: &str) -> Result<Option<(SmolStr, u64)>, Failure> {
        let path = format!("/v2/{repository}/manifests/{tag}");
        let head = Call { head: true, ..call(&path, manifest::ACCEPT, manifest::LARGEST) };
        let heard = self.ask(Of::Repository(repository), head).await?;
        let length = || text(&heard.headers, &reqwest::header::CONTENT_LENGTH)?.parse().ok();
        match (heard.status, text(&heard.headers, &DIGEST)) {
            (404, _) => Ok(None),
            (200, Some(digest)) => Ok(Some((SmolStr::new(digest), length().unwrap_or_default()))),
            // What it refuses, or does not say, without a body it may tell with one.
            _ => {
                let heard =
                    self.ask(Of::Repository(repository), call(&path, manifest::ACCEPT, manifest::LARGEST)).await?;
                match heard.status {
                    404 => Ok(None),
                    200 => Ok(Some((digest::of(&heard.body), heard.body.len() as u64))),
                    _ => Err(self.http.refused(&path, &heard)),
                }
            }
        }
    }

    /// A blob, no larger than this, held against its digest. Registries keep blobs elsewhere: a redirect is followed without
    /// our credential, and what comes is believed by its digest alone.
    pub(crate) async fn blob(&self, repository: &str, digest: &str, largest: usize) -> Result<Bytes, Failure> {
        let path = format!("/v2/{repository}/blobs/{digest}");
        let mut heard = self.ask(Of::Repository(repository), call(&path, ANYTHING, largest)).await?;
        for _ in 0..MOST_HOPS {
            if !matches!(heard.status, 301 | 302 | 303 | 307 | 308) {
                break;
            }
            heard = self.elsewhere(&heard, largest).await?;
        }
        if heard.status != 200 {
            return Err(self.http.refused(&path, &heard));
        }
        self.prove(digest, &heard.body, repository)?;
        Ok(heard.body)
    }

    async fn elsewhere(&self, heard: &Heard, largest: usize) -> Result<Heard, Failure> {
        let no_way = |why| Failure::Told(Box::new(problems::bad_redirect(&self.place, why)));
        let to = text(&heard.headers, &LOCATION).ok_or_else(|| no_way("it does not say where to"))?;
        let url = reqwest::Url::parse(to).map_err(|_| no_way("it leads to no address"))?;
        if url.scheme() != "https" && !(self.plain && url.scheme() == "http") {
            return Err(no_way("it is not encrypted, though the registry is"));
        }
        let bare = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let bare = format!("{}://{}{bare}", url.scheme(), url.host_str().unwrap_or_default());
        let address = Address::parse(&bare).map_err(|_| no_way("it names no host"))?;
        let http = client::http(&address, self.trust.clone()).map_err(|_| no_way("the way there cannot be secured"))?;
        client::heard(http.get(url), PATIENCE, largest).await
    }

    fn prove(&self, digest: &str, body: &[u8], repository: &str) -> Result<(), Failure> {
        digest::check(digest, body).map_err(|why| {
            Failure::Told(Box::new(match why {
                Unproven::Other(actual) => problems::other_bytes(&self.place, repository, digest, &actual),
                Unproven::Unknown(algorithm) => problems::unknown_algorithm(&self.place, &algorithm),
            }))
        })
    }

    /// An answer that says yes.
    async fn good(&self, of: Of<'_>, call: Call<'_>) -> Result<Heard, Failure> {
        let path = call.path;
        let heard = self.ask(of, call).await?;
        if heard.status == 200 { Ok(heard) } else { Err(self.http.refused(path, &heard)) }
    }

    /// Asks as we are known, and once more as the registry wants to be signed in to.
    async fn ask(&self, of: Of<'_>, call: Call<'_>) -> Result<Heard, Failure> {
        let known = self.authorization(of);
        let tried = known.clone();
        let heard = self.http.call(Call { authorization: known, ..call.clone() }).await?;
        if heard.status != 401 {
            return Ok(heard);
        }
        let all = heard.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let challenge = all.into_iter().find_map(challenge::read);
        let next = match (challenge, &self.credential) {
            (_, Some(Credential::Bearer(token))) => Some(token.clone()),
            (Some(Challenge::Basic), Some(Credential::Basic(pair))) => {
                self.known().wants_basic = true;
                Some(pair.clone())
            }
            (Some(Challenge::Bearer { realm, service, scope }), credential) => {
                self.known().tokens.forget(of.key());
                let wanted = Wanted { realm: &realm, service: service.as_deref(), scope: scope.as_deref() };
                let basic = match credential {
                    Some(Credential::Basic(pair)) => Some(pair),
                    _ => None,
                };
                let way = (self.plain, self.trust.clone());
                let times = (PATIENCE, self.clock.now());
                let token = token::fetch(&wanted, basic, way, &self.place, times).await?;
                let value = token.value.clone();
                self.known().tokens.put(of.key(), token);
                Some(value)
            }
            (Some(Challenge::Basic) | None, _) => None,
        };
        match next {
            // What was refused once is not tried again.
            Some(next) if tried.as_ref() != Some(&next) => {
                self.http.call(Call { authorization: Some(next), ..call }).await
            }
            _ => Ok(heard),
        }
    }

    /// What it is to be sent by what is known of it.
    fn authorization(&self, of: Of<'_>) -> Option<HeaderValue> {
        let mut known = self.known();
        match &self.credential {
            Some(Credential::Bearer(token)) => Some(token.clone()),
            Some(Credential::Basic(pair)) if known.wants_basic => Some(pair.clone()),
            _ => known.tokens.get(of.key()),
        }
    }
}

fn call<'a>(path: &'a str, accept: &'a str, largest: usize) -> Call<'a> {
    Call { head: false, path, accept, authorization: None, limit: PATIENCE, largest }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

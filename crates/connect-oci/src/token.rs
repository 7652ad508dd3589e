//! Tokens of a token service: fetched when a registry wants one, kept until they end, said nowhere.

use pilothouse_connect_http::{
    address::Address,
    client::{self, Heard},
    failure::{Failure, retry_after},
    place::Place,
    problems,
    trust::Trust,
};
use pilothouse_wire::{Code, Problem, SmolStr, Stamp};
use reqwest::{
    Url,
    header::{ACCEPT, AUTHORIZATION, HeaderValue, RETRY_AFTER},
};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

/// What a token is good for where nobody says it: the specification's own word.
const USUAL: Duration = Duration::from_secs(60);
/// No token is kept for longer, whatever its service says.
const LONGEST: Duration = Duration::from_secs(3_600);
/// A token that ends this soon is not used any more: it is to live until its answer comes.
const MARGIN: Duration = Duration::from_secs(10);
/// No token is larger.
const LARGEST: usize = 64 << 10;
/// Tokens that are kept: one a repository that somebody looks at.
const MOST: usize = 500;

/// A token, and until when it is used.
#[derive(Clone)]
pub(crate) struct Token {
    pub value: HeaderValue,
    until: Instant,
}

/// Tokens by what they are good for.
#[derive(Default)]
pub(crate) struct Tokens(BTreeMap<SmolStr, Token>);

impl Tokens {
    pub(crate) fn get(&mut self, of: &str) -> Option<HeaderValue> {
        let token = self.0.get(of)?;
        if token.until <= Instant::now() {
            self.0.remove(of);
            return None;
        }
        Some(token.value.clone())
    }

    pub(crate) fn put(&mut self, of: &str, token: Token) {
        if self.0.len() >= MOST {
            let now = Instant::now();
            self.0.retain(|_, token| token.until > now);
            // All of them are good: whoever has waited longest is fetched again.
            if self.0.len() >= MOST {
                let oldest = self.0.iter().min_by_key(|(_, token)| token.until).map(|(of, _)| of.clone());
                oldest.map(|of| self.0.remove(&of));
            }
        }
        self.0.insert(of.into(), token);
    }

    pub(crate) fn forget(&mut self, of: &str) {
        self.0.remove(of);
    }
}

/// What is asked for.
pub(crate) struct Wanted<'a> {
    pub realm: &'a str,
    pub service: Option<&'a str>,
    pub scope: Option<&'a str>,
}

/// Fetches a token, with a password if there is one. `plain` says that the registry itself is asked without TLS: then a
/// token service may be, too.
pub(crate) async fn fetch(
    wanted: &Wanted<'_>,
    basic: Option<&HeaderValue>,
    (plain, trust): (bool, Trust),
    place: &Place,
    (limit, now): (Duration, Stamp),
) -> Result<Token, Failure> {
    let (url, address) = realm(wanted, plain).map_err(|why| told(bad_realm(place, why)))?;
    let host = address.host.clone();
    let http = client::http(&address, trust).map_err(|_| told(bad_realm(place, "the way there cannot be secured")))?;
    let mut request = http.get(url).header(ACCEPT, "application/json");
    if let Some(basic) = basic {
        request = request.header(AUTHORIZATION, basic.clone());
    }
    let heard = client::heard(request, limit, LARGEST).await;
    let heard = heard.map_err(|failure| {
        // Of the token service: its host is to be named, not the registry's.
        let there = Place { host: host.clone(), ..place.clone() };
        told(problems::problem(&failure, &there).next(format!("It is the token service of {}.", place.name)))
    })?;
    if heard.status != 200 {
        return Err(refused(&heard, &host, place, now));
    }
    read(&heard.body).ok_or_else(|| {
        told(
            Problem::new(Code::BadInput, format!("The token service of {} gave no token.", place.name))
                .why(format!("What {host} answered is no token that can be sent."))
                .next("Check that it is a token service of a registry."),
        )
    })
}

fn told(problem: Problem) -> Failure {
    Failure::Told(Box::new(problem))
}

/// The address with what is asked for, and where it leads.
fn realm(wanted: &Wanted<'_>, plain: bool) -> Result<(Url, Address), &'static str> {
    let mut url = Url::parse(wanted.realm).map_err(|_| "it is no address")?;
    match url.scheme() {
        "https" => {}
        "http" if plain => {}
        "http" => return Err("it is not encrypted, though the registry is: a token would be sent in the clear"),
        _ => return Err("it is for neither HTTP nor HTTPS"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("there is a credential in it");
    }
    let bare = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
    let bare = url.port().map_or(bare.clone(), |port| format!("{bare}:{port}"));
    let address = Address::parse(&bare).map_err(|_| "it names no host")?;
    {
        let mut query = url.query_pairs_mut();
        query.extend_pairs(wanted.service.map(|service| ("service", service)));
        // One pair a scope: several stand side by side.
        query.extend_pairs(wanted.scope.into_iter().flat_map(str::split_whitespace).map(|scope| ("scope", scope)));
    }
    Ok((url, address))
}

fn bad_realm(place: &Place, why: &str) -> Problem {
    Problem::new(Code::BadInput, format!("The token service that {} names cannot be used.", place.name))
        .why(format!("It wants a token of it, and of its address: {why}."))
        .next("Whoever runs the registry can correct the realm that it names.")
}

fn refused(heard: &Heard, host: &str, place: &Place, now: Stamp) -> Failure {
    let name = &place.name;
    let patience = heard.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let patience = patience.and_then(|text| retry_after(text, now));
    let problem = match heard.status {
        401 | 403 => {
            let who = place.who.as_ref().map_or_else(|| "nobody".to_owned(), |who| format!("user {who}"));
            Problem::new(Code::Unauthenticated, format!("The token service of {name} gives us no token."))
                .why(format!(
                    "{} of {host}, for {who}: the password is missing, wrong, or no longer valid.",
                    heard.status
                ))
                .next("Fill in \"User name\" and \"Password\".")
        }
        429 => Problem::new(Code::TooMany, format!("The token service of {name} asks us to be patient."))
            .why(format!("429 of {host}: it has too many requests."))
            .next("It is asked again after that wait, by itself."),
        status @ 500.. => Problem::new(Code::ServerFailed, format!("The token service of {name} failed."))
            .why(format!("{status} of {host}."))
            .next(problems::AGAIN),
        status => Problem::new(Code::BadInput, format!("The token service of {name} refused to give a token."))
            .why(format!("{status} of {host}."))
            .next(problems::AGAIN),
    };
    Failure::OnTheWay(Box::new(problem), patience)
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

/// Reads the answer of a token service.
fn read(body: &[u8]) -> Option<Token> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let text = answer.token.or(answer.access_token).filter(|token| !token.is_empty())?;
    let mut value = HeaderValue::try_from(format!("Bearer {text}")).ok()?;
    value.set_sensitive(true);
    let lives = answer.expires_in.map_or(USUAL, Duration::from_secs).min(LONGEST);
    // A short one is used for half of its life at least, or each question would fetch its own.
    let used = lives.saturating_sub(MARGIN).max(lives / 2);
    Some(Token { value, until: Instant::now() + used })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_is_used_until_shortly_before_its_end() {
        let mut tokens = Tokens::default();
        for (body, used) in [
            (&br#"{"token":"a","expires_in":300}"#[..], 290),
            (br#"{"access_token":"a"}"#, 50),
            (br#"{"token":"a","expires_in":4}"#, 2),
            (br#"{"token":"a","expires_in":99999999}"#, 3_590),
        ] {
            tokens.put("x", read(body).unwrap());
            tokio::time::advance(Duration::from_secs(used - 1)).await;
            assert!(tokens.get("x").is_some_and(|value| value.is_sensitive() && value == "Bearer a"));
            tokio::time::advance(Duration::from_secs(1)).await;
            assert!(tokens.get("x").is_none());
        }
        for body in [&b"{}"[..], br#"{"token":""}"#, b"<html>", br#"{"token":"a\nb"}"#] {
            assert!(read(body).is_none());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_tokens_are_kept_than_have_room() {
        let mut tokens = Tokens::default();
        for n in 0..MOST + 10 {
            tokens.put(&format!("r{n}"), read(br#"{"token":"a","expires_in":300}"#).unwrap());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(tokens.0.len(), MOST);
        assert!(tokens.get("r0").is_none() && tokens.get(&format!("r{}", MOST + 9)).is_some());
    }

    #[test]
    fn a_token_is_fetched_over_tls_unless_the_registry_itself_is_plain() {
        let to = |text: &str, plain: bool| {
            let wanted =
                Wanted { realm: text, service: Some("reg & co"), scope: Some("repository:a:pull repository:b:pull") };
            realm(&wanted, plain).map(|(url, address)| (url.to_string(), address.host))
        };
        let want =
            "https://auth.example/token?x=1&service=reg+%26+co&scope=repository%3Aa%3Apull&scope=repository%3Ab%3Apull";
        assert_eq!(to("https://auth.example/token?x=1", false), Ok((want.to_owned(), "auth.example:443".to_owned())));
        assert!(to("http://127.0.0.1:5001/token", false).is_err_and(|why| why.contains("clear")));
        assert!(to("http://127.0.0.1:5001/token", true).is_ok_and(|(_, host)| host == "127.0.0.1:5001"));
        for realm in ["https://me:pw@a/t", "file:///etc/passwd", "", "auth.example"] {
            assert!(to(realm, true).is_err(), "{realm}");
        }
    }
}

//! A record of another machine, by the address of its door and a token. What comes is foreign bytes until it was verified.

mod words;

use super::{Moment, Opened};
use pilothouse_wire::{Code, Problem, form::SecretInput};
use reqwest::{
    Certificate, Response, Url,
    header::{AUTHORIZATION, HeaderValue},
    redirect,
};
use std::{
    fmt,
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};
use tokio::time::timeout;

/// Where the door has the record.
pub const PATH: &str = "/record";
/// What an export is called among types of media.
pub const MIME: &str = "application/vnd.pilothouse.record";

/// How long the way there may take, with its handshake.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the door may take to make the part.
const MAKING: Duration = Duration::from_secs(300);
/// How long nothing may come.
const SILENT: Duration = Duration::from_secs(30);
/// Bytes that are taken at most.
const MOST: u64 = 16 << 30;
/// Bytes of a refusal that are read.
const MOST_WORDS: usize = 64 << 10;
/// No file of authorities is larger.
const MOST_PEM: u64 = 4 << 20;

/// Where a record's door is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    url: Url,
    /// Host and port, for people.
    host: String,
    /// Is it this machine? Then no proxy is asked, and nobody listens on the way.
    here: bool,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|_| "it is no address: write it as https://host:port/")?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it begins with neither https:// nor http://".into());
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err("only scheme, host, port and path are wanted; the token is asked for apart".into());
        }
        let name = url.host_str().filter(|host| !host.is_empty()).ok_or("it names no host")?;
        let bare = name.trim_matches(['[', ']']);
        let here = bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let host = format!("{name}:{}", url.port_or_known_default().unwrap_or_default());
        Ok(Self { host, here, url })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

/// How somebody goes there.
#[derive(Clone, Debug)]
pub struct Trust {
    /// A file of certificates in PEM: only what they signed is believed. Without it: what this machine trusts.
    pub authorities: Option<PathBuf>,
    /// May the token go to another machine without encryption?
    pub plain: bool,
}

/// Fetches a part of a record and opens it: what came is held against its hashes, and is gone with what is answered here.
/// `came` is told how many bytes are there, of how many.
///
/// # Errors
/// Why it is not given, or does not come whole.
pub async fn open(
    address: &Address,
    trust: &Trust,
    token: &SecretInput,
    from: Moment,
    to: Option<Moment>,
    came: impl FnMut(u64, u64),
) -> Result<Opened, Problem> {
    let folder = super::folder()?;
    let file = folder.path().join("record.pilothouse");
    fetch(address, trust, token, (from, to), &file, came).await?;
    let name = address.host.clone();
    let opened = tokio::task::spawn_blocking(move || super::unpack(&file, name, folder));
    opened.await.map_err(|error| super::unusable(&error))?
}

/// Fetches a part of a record into a new file that only this person may read.
///
/// # Errors
/// Why it is not given, does not come whole, or cannot be written. No file is left then.
pub async fn fetch(
    address: &Address,
    trust: &Trust,
    token: &SecretInput,
    (from, to): (Moment, Option<Moment>),
    into: &Path,
    came: impl FnMut(u64, u64),
) -> Result<(), Problem> {
    // Before anything is asked: whoever has such a file already need not wait to be told.
    let file = super::private(into)?;
    let taken = async { take(ask(address, trust, token, from, to).await?, address, file, into, came).await }.await;
    if taken.is_err() {
        let _ = std::fs::remove_file(into);
    }
    taken
}

async fn ask(
    address: &Address,
    trust: &Trust,
    token: &SecretInput,
    from: Moment,
    to: Option<Moment>,
) -> Result<Response, Problem> {
    if address.url.scheme() == "http" && !address.here && !trust.plain {
        return Err(words::in_the_clear(&address.host));
    }
    let client = client(address, trust)?;
    let mut url = address.url.clone();
    url.set_path(&format!("{}{PATH}", url.path().trim_end_matches('/').trim_end_matches(PATH)));
    url.query_pairs_mut().append_pair("from", &from.to_string());
    if let Some(to) = to {
        url.query_pairs_mut().append_pair("to", &to.to_string());
    }
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.0.trim())).map_err(|_| {
        Problem::new(Code::BadInput, "The token cannot be used.")
            .why("It has characters in it that no token has.")
            .next("Copy it again, whole: it begins with phr_.")
    })?;
    bearer.set_sensitive(true);
    let answer = timeout(MAKING, client.get(url).header(AUTHORIZATION, bearer).send()).await;
    let response = answer.map_err(|_| words::silent(&address.host, MAKING))?;
    let response = response.map_err(|error| words::no_answer(address, trust, &error))?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status().as_u16();
    Err(words::refused(&address.host, status, &body(response).await))
}

fn client(address: &Address, trust: &Trust) -> Result<reqwest::Client, Problem> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        // Who sends us elsewhere would be sent the token there.
        .redirect(redirect::Policy::none())
        .user_agent(concat!("pilothouse/", env!("CARGO_PKG_VERSION")));
    if address.here {
        builder = builder.no_proxy();
    }
    if let Some(file) = &trust.authorities {
        builder = builder.tls_certs_only(authorities(file)?);
    } else if address.url.scheme() == "http" {
        // Without TLS there is nothing to check, and the authorities of this machine need not be read.
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    builder.build().map_err(|error| {
        Problem::new(Code::BadInput, "The way there cannot be secured.")
            .why(format!("{error}."))
            .next("Check the authorities of this machine, or name a file of them with --ca.")
    })
}

fn authorities(file: &Path) -> Result<Vec<Certificate>, Problem> {
    let unusable = |why: String| {
        Problem::new(Code::BadInput, format!("The authorities in {} cannot be used.", file.display()))
            .why(format!("{why}."))
            .next("Give a file of certificates in PEM with --ca.")
    };
    let mut pem = Vec::new();
    let read = File::open(file).and_then(|opened| opened.take(MOST_PEM).read_to_end(&mut pem));
    read.map_err(|error| unusable(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if found.is_empty() { Err(unusable("There is no certificate in it".into())) } else { Ok(found) }
}

async fn take(
    mut response: Response,
    address: &Address,
    file: File,
    into: &Path,
    mut came: impl FnMut(u64, u64),
) -> Result<(), Problem> {
    let host = &address.host;
    let all = response.content_length().ok_or_else(|| words::no_recorder(host))?;
    if all > MOST {
        return Err(words::too_large(host, all, MOST));
    }
    let (mut there, mut file) = (0, file);
    came(there, all);
    loop {
        let piece = timeout(SILENT, response.chunk()).await.map_err(|_| words::silent(host, SILENT))?;
        let Some(piece) = piece.map_err(|error| words::cut(host, there, all, &error))? else { break };
        there += piece.len() as u64;
        let written = tokio::task::spawn_blocking(move || file.write_all(&piece).map(|()| file)).await;
        let written = written.map_err(|error| super::unusable(&error))?;
        file = written.map_err(|error| super::not_written(into, &error))?;
        came(there, all);
    }
    Ok(())
}

/// The words of a refusal, no longer than is bearable.
async fn body(mut response: Response) -> Vec<u8> {
    let mut all = Vec::new();
    while let Ok(Ok(Some(piece))) = timeout(SILENT, response.chunk()).await {
        all.extend_from_slice(&piece);
        if all.len() > MOST_WORDS {
            all.clear();
            break;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_door_and_no_credential() {
        for (text, want) in [
            ("https://gpu-recorder.example:7448/", Ok(("gpu-recorder.example:7448", false))),
            ("https://recorder.example", Ok(("recorder.example:443", false))),
            ("http://127.0.0.1:7448", Ok(("127.0.0.1:7448", true))),
            ("http://[::1]:7448/", Ok(("[::1]:7448", true))),
            ("ftp://a/", Err("neither")),
            ("https://user:word@a/", Err("asked for apart")),
            ("https://a/?token=phr_x", Err("asked for apart")),
            ("https://a/#code=x", Err("asked for apart")),
            ("recorder.example:7448", Err("neither")),
            ("", Err("no address")),
        ] {
            match (text.parse::<Address>(), want) {
                (Ok(address), Ok((host, here))) => assert_eq!((address.host.as_str(), address.here), (host, here)),
                (Err(why), Err(part)) => assert!(why.contains(part), "{text}: {why}"),
                (read, _) => assert!(read.is_err() && want.is_err(), "{text}: {read:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_token_does_not_go_to_another_machine_in_the_clear() {
        let address = "http://recorder.invalid:7448/".parse().unwrap();
        let trust = Trust { authorities: None, plain: false };
        let token = SecretInput("phr_canary".into());
        let refused = ask(&address, &trust, &token, Moment::Before(Duration::from_secs(1)), None).await.unwrap_err();
        assert!(refused.next.as_ref().is_some_and(|next| next.contains("--plain")), "{refused}");
        assert!(!refused.to_string().contains("canary"));
    }
}

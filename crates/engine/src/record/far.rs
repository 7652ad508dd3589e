//! A record of another machine, by the address of its door and a token. What comes is foreign bytes until it was verified.

mod words;

use super::{Moment, Opened};
use crate::past;
use pilothouse_connect_http::{
    address::{self, NoAddress},
    client, trust,
};
use pilothouse_wire::{Code, Problem, form::SecretInput};
use reqwest::{
    Response, Url,
    header::{AUTHORIZATION, HeaderValue},
};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};
use tempfile::NamedTempFile;
use tokio::{fs::File, io::AsyncWriteExt, time::timeout};

/// Where the door has the record.
pub const PATH: &str = "/record";
/// What an export is called among types of media.
pub const MIME: &str = "application/vnd.pilothouse.record";

/// How long the door may take to make the part.
const MAKING: Duration = Duration::from_secs(300);
/// How long nothing may come.
const SILENT: Duration = Duration::from_secs(30);
/// Bytes that are taken at most.
const MOST: u64 = 16 << 30;
/// Bytes of a refusal that are read.
const MOST_WORDS: usize = 64 << 10;

/// Where a record's door is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(address::Address);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let why = |why| match why {
            NoAddress::Unreadable => "it is no address: write it as https://host:port/",
            NoAddress::Scheme => "it begins with neither https:// nor http://",
            NoAddress::Credential | NoAddress::More => {
                "only scheme, host, port and path are wanted; the token is asked for apart"
            }
            NoAddress::Host => "it names no host",
        };
        address::Address::parse(text).map(Self).map_err(|no| why(no).into())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.shown())
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
    let came = bring(address, trust, token, (from, to), folder.path(), came).await?;
    super::unpack(came.path().to_owned(), address.0.host.clone(), folder).await
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
    let exists = || {
        Problem::new(Code::Exists, format!("{} is there already.", into.display()))
            .next("Give another name, or move it away.")
    };
    // Before anything is asked: whoever has such a file already need not wait to be told.
    if into.exists() {
        return Err(exists());
    }
    let folder = into.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = bring(address, trust, token, (from, to), folder, came).await?;
    let path = file.path().to_owned();
    let checked = past::apart(move || pilothouse_journal::check(&path)).await.flatten();
    checked.map_err(|problem| Problem { what: format!("What {} sent cannot be used.", address.0.host), ..problem })?;
    file.persist_noclobber(into).map(drop).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => exists(),
        _ => not_written(into, &error.error),
    })
}

/// Fetches a part of a record into a file in a folder, which goes unless somebody keeps it.
async fn bring(
    address: &Address,
    trust: &Trust,
    token: &SecretInput,
    (from, to): (Moment, Option<Moment>),
    folder: &Path,
    came: impl FnMut(u64, u64),
) -> Result<NamedTempFile, Problem> {
    let unwritten = |error: io::Error| not_written(folder, &error);
    let file = tempfile::Builder::new().prefix(".pilothouse-").tempfile_in(folder).map_err(unwritten)?;
    let into = File::from_std(file.reopen().map_err(unwritten)?);
    take(ask(address, trust, token, from, to).await?, address, into, came).await.map(|()| file)
}

fn not_written(path: &Path, error: &io::Error) -> Problem {
    Problem::new(Code::Internal, format!("{} cannot be written.", path.display()))
        .why(format!("{error}."))
        .next("Free space there, or give this person the right to write it.")
}

async fn ask(
    address: &Address,
    trust: &Trust,
    token: &SecretInput,
    from: Moment,
    to: Option<Moment>,
) -> Result<Response, Problem> {
    let host = &address.0.host;
    if !address.0.tls && !address.0.here && !trust.plain {
        return Err(words::in_the_clear(host));
    }
    let client = client(address, trust)?;
    let base = address.0.shown();
    let asked = [("from", Some(from)), ("to", to)].map(|(name, time)| time.map(|time| (name, time.to_string())));
    let url = format!("{}{PATH}", base.strip_suffix(PATH).unwrap_or(base));
    let url = Url::parse_with_params(&url, asked.into_iter().flatten())
        .map_err(|error| Problem::new(Code::BadInput, format!("{url} cannot be asked.")).why(format!("{error}.")))?;
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.0.trim())).map_err(|_| {
        Problem::new(Code::BadInput, "The token cannot be used.")
            .why("It has characters in it that no token has.")
            .next("Copy it again, whole: it begins with phr_.")
    })?;
    bearer.set_sensitive(true);
    let answer = timeout(MAKING, client.get(url).header(AUTHORIZATION, bearer).send()).await;
    let response = answer.map_err(|_| words::silent(host, MAKING))?;
    let response = response.map_err(|error| words::no_answer(host, trust, &error))?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status().as_u16();
    Err(words::refused(host, status, &body(response).await))
}

fn client(address: &Address, trust: &Trust) -> Result<reqwest::Client, Problem> {
    let unusable = |file: &Path, why: String| {
        Problem::new(Code::BadInput, format!("The authorities in {} cannot be used.", file.display()))
            .why(format!("{why}."))
            .next("Give a file of certificates in PEM with --ca.")
    };
    let file = trust.authorities.as_deref().filter(|_| address.0.tls);
    let authorities = file.map(|file| trust::authorities(file).map_err(|why| unusable(file, why))).transpose()?;
    let trust = trust::Trust { authorities: authorities.unwrap_or_default(), ..trust::Trust::default() };
    client::http(&address.0, trust).map_err(|error| {
        Problem::new(Code::BadInput, "The way there cannot be secured.")
            .why(format!("{error}."))
            .next("Check the authorities of this machine, or name a file of them with --ca.")
    })
}

async fn take(
    mut response: Response,
    address: &Address,
    mut file: File,
    mut came: impl FnMut(u64, u64),
) -> Result<(), Problem> {
    let host = &address.0.host;
    let all = response.content_length().ok_or_else(|| words::no_recorder(host))?;
    if all > MOST {
        return Err(words::too_large(host, all, MOST));
    }
    let unwritten = |error: io::Error| {
        Problem::new(Code::Internal, format!("What {host} sends cannot be written."))
            .why(format!("{error}."))
            .next("Free space where it is written to.")
    };
    let mut there = 0;
    came(there, all);
    loop {
        let piece = timeout(SILENT, response.chunk()).await.map_err(|_| words::silent(host, SILENT))?;
        let Some(piece) = piece.map_err(|error| words::cut(host, there, all, &error))? else { break };
        there += piece.len() as u64;
        file.write_all(&piece).await.map_err(unwritten)?;
        came(there, all);
    }
    file.flush().await.map_err(unwritten)
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
                (Ok(address), Ok((host, here))) => assert_eq!((address.0.host.as_str(), address.0.here), (host, here)),
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

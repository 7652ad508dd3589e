//! What else has to be the same for a run to be repeated: the files that it read, the engine that answered, the driver.

use crate::{
    client::Way,
    plan::{Api, Load, Plan, Prompts, Target},
};
use pilothouse_connect::redact_words;
use pilothouse_wire::{Code, Problem};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    runtime::Runtime,
    time::{Instant, timeout},
};

/// How long a server may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(2);
/// Of what it says so much is kept, in letters.
const LONGEST: usize = 80;

/// What has to be the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeat {
    /// Files that were read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Read256>,
    /// The engine with its version, as the server tells it; none where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read256 {
    /// Where it was.
    pub file: PathBuf,
    /// How long it is.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Files of prompts and of traces, with what was in them.
///
/// # Errors
/// If one cannot be read.
pub fn files(plan: &Plan) -> Result<Vec<Read256>, Problem> {
    let prompts = match &plan.prompts {
        Prompts::File(file) => Some(file),
        Prompts::Synthetic { .. } => None,
    };
    let trace = match &plan.load {
        Load::Trace { file, .. } => Some(file),
        Load::Closed { .. } | Load::Open { .. } => None,
    };
    prompts.into_iter().chain(trace).map(|file| digest(file)).collect()
}

fn digest(file: &Path) -> Result<Read256, Problem> {
    let unreadable = |error: std::io::Error| {
        Problem::new(Code::BadInput, format!("{} cannot be read.", file.display())).why(format!("{error}."))
    };
    let (mut opened, mut hash) = (File::open(file).map_err(unreadable)?, Sha256::new());
    let (mut buffer, mut bytes) = (vec![0; 64 << 10], 0);
    loop {
        let read = opened.read(&mut buffer).map_err(unreadable)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Read256 { file: file.to_owned(), bytes, sha256 })
}

/// Asks a server what it is: `/version` of vLLM and what speaks like it, `/v2` of the Open Inference Protocol.
pub(crate) fn engine(target: &Target, runtime: &Runtime) -> Option<String> {
    let (path, api) = match target.api {
        Api::Chat | Api::Completions | Api::Embeddings => ("/version", Api::Http),
        Api::Infer => ("/v2", Api::Http),
        Api::InferGrpc | Api::Http => return None,
    };
    let key = crate::client::key(&target.key).ok()?;
    let target = Target { url: format!("{}{path}", crate::server::origin(target)), api, ..target.clone() };
    let way = Way::new(&target, key).ok()?;
    let got = runtime.block_on(async {
        let client = way.begin(Instant::now());
        timeout(PATIENCE, client.get()).await
    });
    said(&got.ok()?.ok()?)
}

fn said(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Said {
        name: Option<String>,
        version: String,
    }
    let Said { name, version } = serde_json::from_slice(body).ok()?;
    let words = name.into_iter().chain([version]).collect::<Vec<_>>().join(" ");
    let words: String = redact_words(words.trim()).chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::plan;

    #[test]
    fn a_file_is_known_by_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.jsonl");
        std::fs::write(&file, "abc").unwrap();
        let plan = Plan { prompts: Prompts::File(file.clone()), ..plan() };
        let read = files(&plan).unwrap();
        // The example of FIPS 180-2.
        assert_eq!(read[0].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!((read.len(), read[0].bytes), (1, 3));
        std::fs::write(&file, "abd").unwrap();
        assert_ne!(files(&plan).unwrap(), read);
        std::fs::remove_file(&file).unwrap();
        assert!(files(&plan).is_err());
    }

    #[test]
    fn an_engine_is_what_it_calls_itself() {
        for (body, want) in [
            (r#"{"version":"0.9.2"}"#, Some("0.9.2")),
            (r#"{"name":"mlserver","version":"1.7.1","extensions":[]}"#, Some("mlserver 1.7.1")),
            (r#"{"version":7}"#, None),
            ("Not Found", None),
            (r#"{"version":" "}"#, None),
        ] {
            assert_eq!(said(body.as_bytes()).as_deref(), want, "{body}");
        }
    }
}

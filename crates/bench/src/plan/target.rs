//! Who is asked: where, in which interface, with which key.

use super::{Through, bad};
use crate::{
    oip::{Model, proto::INFER},
    template::{Method, Template},
};
use http::Uri;
use pilothouse_connect::redact_url;
use pilothouse_wire::{Code, Problem};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// What it speaks.
    pub api: Api,
    /// Where it is, with the path that is posted to.
    pub url: String,
    /// The model, as the server calls it.
    pub model: String,
    /// Where the key is from. The key itself is never kept.
    pub key: KeyFrom,
    /// Certificates in PEM that alone are believed; none for those that this machine trusts.
    pub authorities: Option<PathBuf>,
    /// How a request is worded, where its interface leaves that open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Template>,
    /// The way to it, where it is inside of a cluster; none where it is asked at its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Through>,
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// OpenAI's `/v1/chat/completions`, answered as a stream.
    Chat,
    /// OpenAI's `/v1/completions`, answered as a stream.
    Completions,
    /// OpenAI's `/v1/embeddings`, answered whole.
    Embeddings,
    /// `/v2/models/NAME/infer` of the Open Inference Protocol over REST, answered whole.
    Infer,
    /// The same over gRPC: `ModelInfer` of `inference.GRPCInferenceService`.
    InferGrpc,
    /// Whatever a person's own words ask for, answered whole.
    Http,
}

/// Where a key is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyFrom {
    /// There is none.
    None,
    /// A variable of the environment, by its name.
    Variable(String),
    /// A file.
    File(PathBuf),
}

impl Api {
    /// Is an answer read piece by piece?
    #[must_use]
    pub fn streams(self) -> bool {
        matches!(self, Self::Chat | Self::Completions)
    }

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Infer => "infer",
            Self::InferGrpc => "infer-grpc",
            Self::Http => "http",
        }
    }

    /// The whole address from what a person types: that of the server, with or without `/v1`, or the whole one. What has words
    /// of its own is asked where it is said.
    #[must_use]
    pub fn address(self, typed: &str, model: &str) -> String {
        let path = match self {
            Self::Chat => "/chat/completions",
            Self::Completions => "/completions",
            Self::Embeddings => "/embeddings",
            Self::Infer => return infer(typed, model),
            Self::InferGrpc => return infer_grpc(typed),
            Self::Http => return typed.to_owned(),
        };
        let (base, query) = typed.split_at(typed.find('?').unwrap_or(typed.len()));
        let base = base.trim_end_matches('/');
        let behind = base.split_once("://").map_or(base, |(_, rest)| rest);
        match behind.split_once('/') {
            None => format!("{base}/v1{path}{query}"),
            Some(_) if base.ends_with(path) => format!("{base}{query}"),
            Some(_) => format!("{base}{path}{query}"),
        }
    }
}

/// `/v2/models/NAME/infer`, unless it is there already.
fn infer(typed: &str, model: &str) -> String {
    let (base, query) = typed.split_at(typed.find('?').unwrap_or(typed.len()));
    let base = base.trim_end_matches('/');
    if base.ends_with("/infer") {
        return typed.to_owned();
    }
    let base = base.strip_suffix("/v2").unwrap_or(base);
    // A name is one part of the path, whatever is in it.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    let mut name = String::new();
    for c in model.chars() {
        let mut bytes = [0; 4];
        match plain(c) {
            true => name.push(c),
            false => c.encode_utf8(&mut bytes).bytes().for_each(|byte| name.push_str(&format!("%{byte:02X}"))),
        }
    }
    format!("{base}/v2/models/{name}/infer{query}")
}

/// `/inference.GRPCInferenceService/ModelInfer`, unless it is there already; `grpc://` is HTTP/2 without TLS, `grpcs://` with.
fn infer_grpc(typed: &str) -> String {
    let base = match typed.split_once("://") {
        Some(("grpc", rest)) => format!("http://{rest}"),
        Some(("grpcs", rest)) => format!("https://{rest}"),
        _ => typed.to_owned(),
    };
    let base = base.trim_end_matches('/');
    if base.ends_with(INFER) { base.to_owned() } else { format!("{base}{INFER}") }
}

impl Target {
    /// Does it say something in words, so that answers can be compared? A vector says nothing, and numbers from drawn numbers
    /// say nothing either.
    #[must_use]
    pub fn says(&self) -> bool {
        let model = self.template.as_ref().and_then(|template| template.model.as_ref());
        self.api != Api::Embeddings && model.is_none_or(Model::says)
    }

    /// Where it is and by which way it is reached, in words.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.through {
            Some(through) => format!("{}, {}", self.url, through.place()),
            None => self.url.clone(),
        }
    }

    /// Can it be asked?
    ///
    /// # Errors
    /// Which field cannot be used, and why.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        if redact_url(&self.url) != self.url {
            return Err(Problem::new(
                Code::BadInput,
                format!("The address {} has a secret in it.", redact_url(&self.url)),
            )
            .why("It would be kept with the results.")
            .next("Give the key by --key-env or --key-file, and the address without it."));
        }
        let uri = self.url.parse::<Uri>().ok();
        let usable = uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
        if !usable {
            let next = "Give http:// or https://, a host and a port: http://127.0.0.1:8000";
            return Err(bad("address", &self.url, "It is no address of a server.", next));
        }
        if let Some(through) = &self.through {
            if self.api == Api::InferGrpc {
                return Err(bad(
                    "api",
                    "infer-grpc",
                    "An API server passes on HTTP/1.1 alone.",
                    "Give --api infer, or an address that is reached without it",
                ));
            }
            through.service()?;
            self.check_through()?;
        }
        if let Some(template) = &self.template {
            if self.api.streams() || self.api == Api::Embeddings {
                return Err(bad(
                    "body",
                    "used",
                    "Its interface says what a request is.",
                    "Give it with --api infer or http",
                ));
            }
            let worded = template.body.is_some() || template.method != Method::Post || template.answer.is_some();
            if self.api == Api::InferGrpc && worded {
                return Err(bad("body", "used", "A request of gRPC is none in words.", "Give --shape, or --api infer"));
            }
            if self.api == Api::Http && !template.shapes.is_empty() {
                return Err(bad("shape", "used", "It is of tensors.", "Give it with --api infer or infer-grpc"));
            }
            template.check()?;
        } else if self.api == Api::Http {
            return Err(bad("body", "left out", "Nobody knows what to ask.", "Give --body, or --method GET"));
        }
        match self.model.trim().is_empty() {
            true => Err(bad("model", &self.model, "The server has to be told which.", "Give the name that it serves")),
            false => Ok(()),
        }
    }
}

impl Target {
    /// Of what is reached through an API server nothing is asked that it would take for its own.
    fn check_through(&self) -> Result<(), Problem> {
        if self.key != KeyFrom::None {
            return Err(bad(
                "key",
                "used",
                "The API server on the way takes it for its own sign-in, and passes none on.",
                "Measure a server that asks for none, or one at an address of its own",
            ));
        }
        match self.authorities {
            Some(_) => Err(bad("ca", "used", "The kubeconfig says whom the API server is signed by.", "Leave it out")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_made_whole() {
        for (api, typed, want) in [
            (Api::Embeddings, "http://h:1", "http://h:1/v1/embeddings"),
            (Api::Infer, "http://h:1", "http://h:1/v2/models/a%2Fb%20c/infer"),
            (Api::Infer, "http://h:1/v2/", "http://h:1/v2/models/a%2Fb%20c/infer"),
            (Api::Infer, "http://h:1/v2/models/x/infer", "http://h:1/v2/models/x/infer"),
            (Api::InferGrpc, "http://h:1", "http://h:1/inference.GRPCInferenceService/ModelInfer"),
            (Api::InferGrpc, "grpc://h:1/", "http://h:1/inference.GRPCInferenceService/ModelInfer"),
            (Api::InferGrpc, "grpcs://h", "https://h/inference.GRPCInferenceService/ModelInfer"),
            (
                Api::InferGrpc,
                "http://h:1/inference.GRPCInferenceService/ModelInfer",
                "http://h:1/inference.GRPCInferenceService/ModelInfer",
            ),
            (Api::Http, "http://h:1/generate?a=b", "http://h:1/generate?a=b"),
        ] {
            assert_eq!(api.address(typed, "a/b c"), want);
        }
    }
}

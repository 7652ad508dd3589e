//! What is read of an answer that comes whole and not in pieces: is there something in it, what the server counted, what it
//! says, or why it is none.

use crate::{
    chunk,
    failure::{Failure, Kind},
    hearing::short,
    oip::proto::{ModelInferResponse, first_element},
    plan::{Api, Target},
};
use prost::Message;
use serde_json::Value;

/// An answer is no larger, in bytes.
pub const LARGEST: usize = 64 << 20;

/// How whole answers of a target are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whole {
    /// OpenAI's embeddings: a list `data` with a vector each.
    Embeddings,
    /// Open Inference Protocol: a list `outputs` of tensors.
    Tensors,
    /// The same over gRPC: a message.
    Message,
    /// Anything, or what a JSON pointer leads to.
    Anything(Option<String>),
}

/// What an answer tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// What it says, where it says something.
    pub text: String,
    /// Tokens of the prompt, as the server counted.
    pub input_tokens: Option<u32>,
}

impl Whole {
    /// How answers of a target are read; none where they come in pieces.
    #[must_use]
    pub fn of(target: &Target) -> Option<Self> {
        match target.api {
            Api::Chat | Api::Completions => None,
            Api::Embeddings => Some(Self::Embeddings),
            Api::Infer => Some(Self::Tensors),
            Api::InferGrpc => Some(Self::Message),
            Api::Http => Some(Self::Anything(target.template.as_ref().and_then(|template| template.answer.clone()))),
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// If it is no answer.
    pub fn read(&self, body: &[u8]) -> Result<Told, Failure> {
        if *self == Self::Anything(None) {
            return match body.is_empty() {
                true => Err(Failure::new(Kind::Empty, "")),
                false => Ok(Told { text: String::from_utf8_lossy(body).into_owned(), input_tokens: None }),
            };
        }
        if *self == Self::Message {
            return message(body);
        }
        let value: Value =
            serde_json::from_slice(body).map_err(|error| Failure::new(Kind::Malformed, error.to_string()))?;
        if let Some(words) = error(&value) {
            return Err(Failure::new(Kind::SaidError, short(&words)));
        }
        let found = match self {
            Self::Embeddings => {
                value["data"].as_array().is_some_and(|data| data.iter().all(is_vector) && !data.is_empty())
            }
            Self::Tensors | Self::Message => value["outputs"].as_array().is_some_and(|outputs| !outputs.is_empty()),
            Self::Anything(pointer) => {
                pointer.as_ref().is_none_or(|pointer| value.pointer(pointer).is_some_and(is_something))
            }
        };
        if !found {
            return Err(Failure::new(Kind::Empty, self.missing()));
        }
        Ok(Told { text: self.text(&value), input_tokens: counted(&value) })
    }

    fn missing(&self) -> String {
        match self {
            Self::Embeddings => "no data with a vector".into(),
            Self::Tensors | Self::Message => "no outputs".into(),
            Self::Anything(pointer) => format!("nothing at {}", pointer.as_deref().unwrap_or("/")),
        }
    }

    /// What it says; a vector says nothing in words.
    fn text(&self, value: &Value) -> String {
        let said = match self {
            Self::Embeddings => None,
            Self::Tensors | Self::Message => value.pointer("/outputs/0/data/0"),
            Self::Anything(pointer) => pointer.as_ref().and_then(|pointer| value.pointer(pointer)),
        };
        match said {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }
}

/// A message of gRPC.
fn message(body: &[u8]) -> Result<Told, Failure> {
    let read = ModelInferResponse::decode(body);
    let answer = read.map_err(|error| Failure::new(Kind::Malformed, short(&error.to_string())))?;
    match answer.outputs.is_empty() {
        true => Err(Failure::new(Kind::Empty, "no outputs")),
        false => Ok(Told { text: first_element(&answer), input_tokens: None }),
    }
}

/// An error in an answer that calls itself a success.
fn error(value: &Value) -> Option<String> {
    let error = value.get("error").filter(|error| !error.is_null())?;
    chunk::read(value.to_string().as_bytes()).ok().and_then(|piece| piece.error).or_else(|| Some(error.to_string()))
}

fn is_vector(item: &Value) -> bool {
    match &item["embedding"] {
        Value::Array(vector) => !vector.is_empty(),
        // Asked for as base64.
        Value::String(text) => !text.is_empty(),
        _ => false,
    }
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn counted(value: &Value) -> Option<u32> {
    u32::try_from(value.pointer("/usage/prompt_tokens")?.as_u64()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_an_answer_and_what_is_none() {
        let at = |pointer: &str| Whole::Anything(Some(pointer.to_owned()));
        for (whole, body, want) in [
            (Whole::Embeddings, r#"{"data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":7}}"#, Ok(("", Some(7)))),
            (Whole::Embeddings, r#"{"data":[]}"#, Err(Kind::Empty)),
            (Whole::Embeddings, r#"{"data":[{"embedding":[]}]}"#, Err(Kind::Empty)),
            (Whole::Embeddings, r#"{"error":{"message":"too long"}}"#, Err(Kind::SaidError)),
            (Whole::Embeddings, "<html>", Err(Kind::Malformed)),
            (Whole::Tensors, r#"{"outputs":[{"name":"o","data":["yes"]}]}"#, Ok(("yes", None))),
            (Whole::Tensors, r#"{"outputs":[{"name":"o","data":[1.5]}]}"#, Ok(("1.5", None))),
            (Whole::Tensors, r#"{"error":"no such model"}"#, Err(Kind::SaidError)),
            (Whole::Tensors, r#"{"outputs":[]}"#, Err(Kind::Empty)),
            (at("/a/0/t"), r#"{"a":[{"t":"hi"}]}"#, Ok(("hi", None))),
            (at("/a/0/t"), r#"{"a":[{"t":""}]}"#, Err(Kind::Empty)),
            (at("/b"), r#"{"a":1}"#, Err(Kind::Empty)),
            (Whole::Anything(None), "plain", Ok(("plain", None))),
            (Whole::Anything(None), "", Err(Kind::Empty)),
        ] {
            let got = whole.read(body.as_bytes());
            let got = got.as_ref().map(|told| (told.text.as_str(), told.input_tokens)).map_err(|failure| failure.kind);
            assert_eq!(got, want, "{body}");
        }
        let said = Whole::Tensors.read(br#"{"error":"no such model"}"#).unwrap_err();
        assert_eq!(said.detail, "no such model");
    }

    #[test]
    fn a_message_without_an_output_is_no_answer() {
        assert_eq!(Whole::Message.read(b"").unwrap_err().kind, Kind::Empty);
        assert_eq!(Whole::Message.read(b"\xff\xff").unwrap_err().kind, Kind::Malformed);
        let output = crate::oip::proto::InferTensor { name: "y".into(), ..Default::default() };
        let answer = ModelInferResponse { outputs: vec![output], ..Default::default() };
        assert_eq!(Whole::Message.read(&answer.encode_to_vec()), Ok(Told::default()));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            for whole in [Whole::Embeddings, Whole::Tensors, Whole::Anything(Some("/a".into()))] {
                prop_assert!(whole.read(&body).is_err() || serde_json::from_slice::<Value>(&body).is_ok());
            }
        }
    }
}

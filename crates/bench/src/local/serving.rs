//! What the program says of the model that it serves, and what that model is asked.

use pilothouse_wire::{
    Code, Problem,
    units::{bytes, count},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What its line begins with.
pub(super) const SIGN: &str = "{\"serving\":";
/// More numbers are not made up for a request, in all.
const MOST: u64 = 1 << 22;

/// A model that is served: what it is, by which library, and how it is computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Serving {
    /// Where.
    pub serving: String,
    /// What it is called.
    pub model: String,
    /// What its file is: `gguf` or `onnx`.
    pub format: String,
    /// Who computes it, with its version.
    pub library: String,
    /// The kind of model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// What its makers call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Bytes of its weights.
    pub bytes: u64,
    /// Numbers that it has learnt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<u64>,
    /// Threads that compute.
    pub threads: u32,
    /// Layers that are computed by GPUs.
    pub gpu_layers: u32,
    /// Tokens that one request has room for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u32>,
    /// The most tokens of a step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
    /// Of those so many at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ubatch: Option<u32>,
    /// Requests that are answered at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u32>,
    /// What drawing tokens begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
    /// Does it know how a chat is written?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<bool>,
    /// What goes into it, where that is tensors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
}

/// A tensor that goes into a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// What it is called.
    pub name: String,
    /// What it is made of; none where the protocol has no word for that.
    pub datatype: Option<String>,
    /// Its dimensions; −1 for one that is open.
    pub shape: Vec<i64>,
}

impl Serving {
    /// Out of the line that the program writes.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn read(line: &str) -> Result<Self, Problem> {
        serde_json::from_str(line).map_err(|error| {
            Problem::new(Code::Internal, "The program that loads models says something else than this one understands.")
                .why(format!("{error}."))
                .next("Build both from the same sources: cargo xtask model.")
        })
    }

    /// What it is, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        let kind = self.architecture.as_ref().map_or_else(String::new, |kind| format!(" ({kind})"));
        parts.push(format!("{}{kind}", self.title.as_ref().unwrap_or(&self.model)));
        let parameters = self.parameters.map_or_else(String::new, |all| format!("{} parameters in ", count(all)));
        parts.push(format!("{parameters}{}", bytes(self.bytes)));
        parts.push(if self.threads == 1 { "1 thread".into() } else { format!("{} threads", self.threads) });
        let of = |value: Option<u32>| value.map(|value| count(u64::from(value)));
        parts.extend(of(self.context).map(|tokens| format!("{tokens} tokens of context")));
        parts.extend(
            of(self.batch).zip(of(self.ubatch)).map(|(all, once)| format!("steps of {all} tokens, {once} at once")),
        );
        parts.extend(of(self.parallel).map(|all| format!("{all} at a time")));
        if self.gpu_layers > 0 {
            parts.push(format!("{} layers by GPUs", self.gpu_layers));
        }
        format!("{}; by {}", parts.join(", "), self.library)
    }

    /// A request for a model of tensors, where a person words none: each open dimension is 1, and numbers are all alike. What
    /// is reckoned does not depend on them.
    ///
    /// # Errors
    /// If one cannot be made up, and how to word it.
    pub fn body(&self) -> Result<String, Problem> {
        let inputs: Result<Vec<Value>, Problem> = self.inputs.iter().map(Input::filled).collect();
        Ok(json!({ "inputs": inputs? }).to_string())
    }
}

impl Input {
    fn filled(&self) -> Result<Value, Problem> {
        let Self { name, datatype, shape } = self;
        let cannot = |why: String| {
            Problem::new(Code::BadInput, format!("Nobody can make up the input {name} of the model."))
                .why(why)
                .next("Give the whole request by --body, as the Open Inference Protocol has it.")
        };
        let shape: Vec<u64> = shape.iter().map(|size| u64::try_from(*size).unwrap_or(1)).collect();
        let elements = shape.iter().try_fold(1_u64, |all, size| all.checked_mul(*size));
        let elements = elements
            .filter(|all| *all <= MOST)
            .ok_or_else(|| cannot(format!("It has more than {} elements.", count(MOST))))?;
        let one = match datatype.as_deref() {
            Some("BYTES") => json!("{{prompt}}"),
            Some("BOOL") => json!(true),
            Some("FP32" | "FP64") => json!(0.5),
            Some(whole) if whole.starts_with("INT") || whole.starts_with("UINT") => json!(1),
            other => return Err(cannot(format!("Its elements are {}.", other.unwrap_or("of no kind that JSON has")))),
        };
        let data = vec![one; usize::try_from(elements).unwrap_or(0)];
        Ok(json!({ "name": name, "shape": shape, "datatype": datatype, "data": data }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{Filling, Template, fill};

    const ONNX: &str = r#"{"serving":"http://127.0.0.1:9","model":"m","threads":2,"gpu_layers":0,"format":"onnx",
        "library":"ONNX Runtime 1.32","bytes":3163737,"inputs":[{"name":"bytes","datatype":"INT32","shape":[-1,4]},
        {"name":"text","datatype":"BYTES","shape":[1]},{"name":"rate","datatype":"FP32","shape":[]}]}"#;

    #[test]
    fn a_request_is_made_up_of_what_goes_in() {
        let serving = Serving::read(ONNX).unwrap();
        let body = serving.body().unwrap();
        let template = Template { body: Some(body.clone()), ..Template::default() };
        assert_eq!(template.check(), Ok(()));
        let filled = fill(&body, Filling { prompt: "a \"b\"", model: "m", max_tokens: None, n: 0 });
        let value: Value = serde_json::from_str(&filled).unwrap();
        assert_eq!(
            value["inputs"][0],
            json!({"name": "bytes", "shape": [1, 4], "datatype": "INT32", "data": [1, 1, 1, 1]})
        );
        assert_eq!(
            (value["inputs"][1]["data"][0].as_str(), &value["inputs"][2]["data"]),
            (Some("a \"b\""), &json!([0.5]))
        );
        assert_eq!(serving.words(), "m, 3.16 MB, 2 threads; by ONNX Runtime 1.32");
    }

    #[test]
    fn what_cannot_be_made_up_is_said() {
        let of = |datatype: Option<&str>, shape: Vec<i64>| {
            let input = Input { name: "x".into(), datatype: datatype.map(str::to_owned), shape };
            input.filled().unwrap_err().why.unwrap_or_default()
        };
        assert_eq!(of(Some("FP32"), vec![1 << 40, 1 << 40]), "It has more than 4,194,304 elements.");
        assert_eq!(of(Some("FP16"), vec![1]), "Its elements are FP16.");
        assert_eq!(of(None, vec![1]), "Its elements are of no kind that JSON has.");
        assert!(Serving::read("{\"serving\":1}").is_err());
    }

    #[test]
    fn a_model_of_language_says_how_it_is_computed() {
        let text = r#"{"serving":"http://127.0.0.1:9","model":"m","threads":2,"gpu_layers":3,"format":"gguf",
            "library":"llama.cpp","architecture":"gemma3","title":"Gemma 3 270m","bytes":246587904,"parameters":268098176,
            "context":4096,"batch":2048,"ubatch":512,"parallel":1,"seed":1,"chat":false}"#;
        let serving = Serving::read(text).unwrap();
        assert_eq!(
            serving.words(),
            "Gemma 3 270m (gemma3), 268,098,176 parameters in 247 MB, 2 threads, 4,096 tokens of context, steps of 2,048 \
             tokens, 512 at once, 1 at a time, 3 layers by GPUs; by llama.cpp"
        );
        let again: Serving = serde_json::from_str(&serde_json::to_string(&serving).unwrap()).unwrap();
        assert_eq!(again, serving);
    }
}

//! Requests of the protocol: tensors of their shapes, filled. What is filled is drawn by the number of the request: numbers
//! from 0 to 99, parts of 1 with a step of 1/1024, truths; a text is the prompt.

use super::{
    proto::{InferTensor, InferTensorContents, ModelInferRequest, framed},
    tensor::{Datatype, Model, Tensor},
};
use bytes::Bytes;
use rand::{Rng, SeedableRng, rngs::SmallRng};
use serde::{Serialize, ser::SerializeSeq};

/// So many requests without a text are made before a run, and sent in turn: to write large tensors takes a client longer than
/// many a server takes to answer.
const MADE: u64 = 16;
/// Of which all together hold no more elements than this, but for a single one.
const MADE_ELEMENTS: u64 = 1 << 22;
/// Whole numbers are below this: each type of the protocol holds them.
const WHOLE: u32 = 100;
/// Parts of 1: each type with a point holds them exactly.
const PARTS: u16 = 1_024;

/// Fills requests.
pub struct Fill {
    name: String,
    model: Model,
    is_grpc: bool,
    seed: u64,
    /// Those that are made already; none where a text is filled in.
    made: Vec<Bytes>,
}

/// What a tensor is filled with.
enum Values<'a> {
    Truths(Vec<bool>),
    Whole(Vec<u32>),
    /// Of [`PARTS`].
    Parts(Vec<u16>),
    Text(&'a str, u64),
}

impl Fill {
    /// Of what a model of this name takes.
    pub fn new(name: &str, model: &Model, is_grpc: bool, seed: u64) -> Self {
        let mut fill = Self { name: name.to_owned(), model: model.clone(), is_grpc, seed, made: Vec::new() };
        if !fill.says() {
            let elements: u64 = model.inputs.iter().filter_map(|input| input.shape.elements()).sum();
            let many = (MADE_ELEMENTS / elements.max(1)).clamp(1, MADE);
            fill.made = (0..many).map(|n| fill.make(n, "")).collect();
        }
        fill
    }

    /// Is a text among what is filled in?
    pub fn says(&self) -> bool {
        self.model.says()
    }

    /// The request of this number, with this prompt.
    pub fn body(&self, n: u64, prompt: &str) -> Bytes {
        let at = n.checked_rem(self.made.len() as u64).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.made.get(at).cloned()).unwrap_or_else(|| self.make(n, prompt))
    }

    fn make(&self, n: u64, prompt: &str) -> Bytes {
        // Neighbouring seeds give unlike draws only if they are far from each other.
        let mut dice = SmallRng::seed_from_u64(self.seed ^ n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let filled: Vec<(&Tensor, Values<'_>)> =
            self.model.inputs.iter().map(|input| (input, Values::draw(input, prompt, &mut dice))).collect();
        match self.is_grpc {
            true => framed(&self.message(&filled)),
            // Names, numbers and texts: there is nothing in it that could not be written.
            false => serde_json::to_vec(&Rest { inputs: filled.iter().map(RestTensor::of).collect() })
                .unwrap_or_default()
                .into(),
        }
    }

    fn message(&self, filled: &[(&Tensor, Values<'_>)]) -> ModelInferRequest {
        // Half precision has no list, and raw bytes are of all tensors or of none.
        let is_raw = self.model.inputs.iter().any(|input| input.datatype == Datatype::Fp16);
        let tensor = |(input, values): &(&Tensor, Values<'_>)| InferTensor {
            name: input.name.clone(),
            datatype: input.datatype.name().to_owned(),
            shape: input.shape.0.iter().map(|size| i64::try_from(*size).unwrap_or(i64::MAX)).collect(),
            contents: (!is_raw).then(|| values.contents(input.datatype)),
        };
        let raw = |(input, values): &(&Tensor, Values<'_>)| Bytes::from(values.raw(input.datatype));
        ModelInferRequest {
            model_name: self.name.clone(),
            id: String::new(),
            inputs: filled.iter().map(tensor).collect(),
            raw_input_contents: if is_raw { filled.iter().map(raw).collect() } else { Vec::new() },
        }
    }
}

impl<'a> Values<'a> {
    fn draw(input: &Tensor, prompt: &'a str, dice: &mut SmallRng) -> Self {
        // One that is too large is no input.
        let elements = input.shape.elements().unwrap_or_default();
        match input.datatype {
            Datatype::Bytes => Self::Text(prompt, elements),
            Datatype::Bool => Self::Truths((0..elements).map(|_| dice.random()).collect()),
            Datatype::Fp16 | Datatype::Fp32 | Datatype::Fp64 => {
                Self::Parts((0..elements).map(|_| dice.random_range(0..PARTS)).collect())
            }
            _ => Self::Whole((0..elements).map(|_| dice.random_range(0..WHOLE)).collect()),
        }
    }

    #[allow(clippy::cast_possible_wrap, reason = "whole numbers are below a hundred")]
    fn contents(&self, datatype: Datatype) -> InferTensorContents {
        let mut of = InferTensorContents::default();
        match self {
            Self::Truths(all) => of.bool_contents.clone_from(all),
            Self::Text(text, times) => of.bytes_contents = (0..*times).map(|_| text.as_bytes().to_vec()).collect(),
            Self::Parts(all) => match datatype {
                Datatype::Fp64 => of.fp64_contents = all.iter().map(|part| f64::from(share(*part))).collect(),
                _ => of.fp32_contents = all.iter().map(|part| share(*part)).collect(),
            },
            Self::Whole(all) => match datatype {
                Datatype::Int64 => of.int64_contents = all.iter().map(|n| i64::from(*n)).collect(),
                Datatype::Uint64 => of.uint64_contents = all.iter().map(|n| u64::from(*n)).collect(),
                Datatype::Uint8 | Datatype::Uint16 | Datatype::Uint32 => of.uint_contents.clone_from(all),
                _ => of.int_contents = all.iter().map(|n| *n as i32).collect(),
            },
        }
        of
    }

    /// Each element as its bytes, the least first; before a text its length as four bytes.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "whole numbers are below a hundred, and a prompt is no gigabyte"
    )]
    fn raw(&self, datatype: Datatype) -> Vec<u8> {
        match self {
            Self::Truths(all) => all.iter().map(|truth| u8::from(*truth)).collect(),
            Self::Text(text, times) => {
                let one = [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
                one.repeat(usize::try_from(*times).unwrap_or_default())
            }
            Self::Parts(all) => match datatype {
                Datatype::Fp16 => all.iter().flat_map(|part| half(*part).to_le_bytes()).collect(),
                Datatype::Fp64 => all.iter().flat_map(|part| f64::from(share(*part)).to_le_bytes()).collect(),
                _ => all.iter().flat_map(|part| share(*part).to_le_bytes()).collect(),
            },
            // Of numbers that are no less than 0 those with and those without a sign have the same bytes.
            Self::Whole(all) => match datatype {
                Datatype::Int8 | Datatype::Uint8 => all.iter().map(|n| *n as u8).collect(),
                Datatype::Int16 | Datatype::Uint16 => all.iter().flat_map(|n| (*n as u16).to_le_bytes()).collect(),
                Datatype::Int64 | Datatype::Uint64 => all.iter().flat_map(|n| u64::from(*n).to_le_bytes()).collect(),
                _ => all.iter().flat_map(|n| n.to_le_bytes()).collect(),
            },
        }
    }
}

fn share(part: u16) -> f32 {
    f32::from(part) / f32::from(PARTS)
}

/// Half precision of so many [`PARTS`], exactly: a bit for the sign, five for the power of two (15 is none), ten behind the
/// point.
fn half(part: u16) -> u16 {
    let Some(power) = part.checked_ilog2() else { return 0 };
    #[allow(clippy::cast_possible_truncation, reason = "it is below 10, since a part is below 1,024")]
    let power = power as u16;
    ((power + 5) << 10) | ((part << (10 - power)) & 0x3ff)
}

/// A request over REST.
#[derive(Serialize)]
struct Rest<'a> {
    inputs: Vec<RestTensor<'a>>,
}

#[derive(Serialize)]
struct RestTensor<'a> {
    name: &'a str,
    shape: &'a [u64],
    datatype: &'static str,
    data: &'a Values<'a>,
}

impl<'a> RestTensor<'a> {
    fn of((input, data): &'a (&'a Tensor, Values<'a>)) -> Self {
        Self { name: &input.name, shape: &input.shape.0, datatype: input.datatype.name(), data }
    }
}

impl Serialize for Values<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Truths(all) => all.serialize(serializer),
            Self::Whole(all) => all.serialize(serializer),
            Self::Parts(all) => serializer.collect_seq(all.iter().map(|part| share(*part))),
            Self::Text(text, times) => {
                let mut list = serializer.serialize_seq(usize::try_from(*times).ok())?;
                for _ in 0..*times {
                    list.serialize_element(text)?;
                }
                list.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oip::{Shape, proto};
    use prost::Message;
    use serde_json::Value;

    fn model(inputs: &[(&str, Datatype, &[u64])]) -> Model {
        let input = |(name, datatype, shape): &(&str, Datatype, &[u64])| Tensor {
            name: (*name).to_owned(),
            datatype: *datatype,
            shape: Shape(shape.to_vec()),
        };
        Model { inputs: inputs.iter().map(input).collect(), ..Model::default() }
    }

    fn rest(fill: &Fill, n: u64, prompt: &str) -> Value {
        serde_json::from_slice(&fill.body(n, prompt)).unwrap()
    }

    fn grpc(fill: &Fill, n: u64, prompt: &str) -> ModelInferRequest {
        let frame = fill.body(n, prompt);
        ModelInferRequest::decode(proto::unframed(&frame).unwrap()).unwrap()
    }

    #[test]
    fn a_request_has_as_many_elements_as_its_shape() {
        let of = model(&[("x", Datatype::Fp32, &[2, 3]), ("ids", Datatype::Int64, &[4]), ("on", Datatype::Bool, &[])]);
        let body = rest(&Fill::new("m", &of, false, 1), 0, "");
        let inputs = body["inputs"].as_array().unwrap();
        let of_input =
            |at: usize| (inputs[at]["datatype"].as_str().unwrap(), inputs[at]["data"].as_array().unwrap().len());
        assert_eq!([of_input(0), of_input(1), of_input(2)], [("FP32", 6), ("INT64", 4), ("BOOL", 1)]);
        assert_eq!(inputs[0]["shape"], serde_json::json!([2, 3]));
        let numbers: Vec<f64> = inputs[0]["data"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)) && numbers.len() == 6, "{numbers:?}");
        let message = grpc(&Fill::new("m", &of, true, 1), 0, "");
        let contents = |at: usize| message.inputs[at].contents.clone().unwrap();
        assert_eq!((message.model_name.as_str(), contents(1).int64_contents.len()), ("m", 4));
        // What is drawn is the same over both ways.
        let texts = contents(0).fp32_contents.into_iter().map(|number| number.to_string());
        let floats: Vec<f64> = texts.map(|text| text.parse().unwrap()).collect();
        assert_eq!(floats, numbers);
    }

    #[test]
    fn a_text_is_the_prompt_and_each_request_another() {
        let of = model(&[("text", Datatype::Bytes, &[2])]);
        let fill = Fill::new("m", &of, false, 1);
        assert_eq!(rest(&fill, 3, "say \"a\"")["inputs"][0]["data"], serde_json::json!(["say \"a\"", "say \"a\""]));
        let message = grpc(&Fill::new("m", &of, true, 1), 3, "hé");
        assert_eq!(message.inputs[0].contents.as_ref().unwrap().bytes_contents, ["hé".as_bytes(), "hé".as_bytes()]);
        let numbers = Fill::new("m", &model(&[("x", Datatype::Uint8, &[64])]), false, 1);
        assert!(!numbers.says() && fill.says());
        assert_ne!(rest(&numbers, 0, ""), rest(&numbers, 1, ""));
        assert_eq!(rest(&numbers, 0, ""), rest(&numbers, MADE, ""));
        let other = Fill::new("m", &model(&[("x", Datatype::Uint8, &[64])]), false, 2);
        assert_ne!(rest(&numbers, 0, ""), rest(&other, 0, ""));
    }

    #[test]
    fn half_precision_goes_as_bytes_and_all_with_it() {
        // 0, the least, a third of the way, a half, and the most, by IEEE 754.
        for (part, bits) in [(0, 0x0000), (1, 0x1400), (341, 0x3554), (512, 0x3800), (1_023, 0x3bfe)] {
            assert_eq!(half(part), bits, "{part}");
        }
        let of = model(&[
            ("h", Datatype::Fp16, &[3]),
            ("t", Datatype::Bytes, &[2]),
            ("n", Datatype::Int32, &[2]),
            ("d", Datatype::Fp64, &[1]),
            ("b", Datatype::Bool, &[5]),
            ("s", Datatype::Int16, &[1]),
            ("u", Datatype::Uint64, &[1]),
            ("c", Datatype::Uint8, &[7]),
        ]);
        let message = grpc(&Fill::new("m", &of, true, 1), 0, "ab");
        let lengths: Vec<usize> = message.raw_input_contents.iter().map(Bytes::len).collect();
        assert_eq!(lengths, [6, 12, 8, 8, 5, 2, 8, 7]);
        assert_eq!(&message.raw_input_contents[1][..6], b"\x02\0\0\0ab");
        assert!(message.inputs.iter().all(|input| input.contents.is_none()));
    }

    #[test]
    fn of_large_tensors_few_are_made() {
        let of = |side: u64| Fill::new("m", &model(&[("x", Datatype::Uint8, &[side, side])]), true, 1).made.len();
        assert_eq!([of(8), of(1_024), of(4_096)], [16, 4, 1]);
    }
}

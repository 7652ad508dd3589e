//! Messages of the gRPC service `inference.GRPCInferenceService`, with the fields that we use (no version is asked for: the
//! server chooses one). The source of names and numbers
//! is the published schema: `specification/protocol/open_inference_grpc.proto` of `open-inference/open-inference-protocol`,
//! held against that of MLServer 1.7.1 (`dataplane.proto`). A frame of gRPC is a byte (0: not compressed), the length of the
//! message as four bytes, and the message.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

/// Where an inference is called for: the service and its method, as a path.
pub const INFER: &str = "/inference.GRPCInferenceService/ModelInfer";
/// Where it is asked whether the server is ready, likewise.
pub const READY: &str = "/inference.GRPCInferenceService/ServerReady";
/// Of a frame before its message.
pub const HEAD: usize = 5;

/// Is the server ready?
#[derive(Clone, PartialEq, Message)]
pub struct ServerReadyRequest {}

/// Is a model ready?
#[derive(Clone, PartialEq, Message)]
pub struct ModelReadyRequest {
    #[prost(string, tag = "1")]
    pub name: String,
}

/// It is, or not. That of the server is the same.
#[derive(Clone, PartialEq, Message)]
pub struct ModelReadyResponse {
    #[prost(bool, tag = "1")]
    pub ready: bool,
}

/// What does a model take?
#[derive(Clone, PartialEq, Message)]
pub struct ModelMetadataRequest {
    #[prost(string, tag = "1")]
    pub name: String,
}

/// What it takes.
#[derive(Clone, PartialEq, Message)]
pub struct ModelMetadataResponse {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, repeated, tag = "2")]
    pub versions: Vec<String>,
    #[prost(string, tag = "3")]
    pub platform: String,
    #[prost(message, repeated, tag = "4")]
    pub inputs: Vec<TensorMetadata>,
}

/// An input as it is declared.
#[derive(Clone, PartialEq, Message)]
pub struct TensorMetadata {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub datatype: String,
    #[prost(int64, repeated, tag = "3")]
    pub shape: Vec<i64>,
}

/// An inference.
#[derive(Clone, PartialEq, Message)]
pub struct ModelInferRequest {
    #[prost(string, tag = "1")]
    pub model_name: String,
    #[prost(string, tag = "3")]
    pub id: String,
    #[prost(message, repeated, tag = "5")]
    pub inputs: Vec<InferTensor>,
    /// Each input as bytes, the least first; of all of them or of none.
    #[prost(bytes = "bytes", repeated, tag = "7")]
    pub raw_input_contents: Vec<Bytes>,
}

/// What came of it.
#[derive(Clone, PartialEq, Message)]
pub struct ModelInferResponse {
    #[prost(string, tag = "1")]
    pub model_name: String,
    #[prost(message, repeated, tag = "5")]
    pub outputs: Vec<InferTensor>,
    #[prost(bytes = "bytes", repeated, tag = "6")]
    pub raw_output_contents: Vec<Bytes>,
}

/// An input or an output: `InferInputTensor` and `InferOutputTensor` are the same.
#[derive(Clone, PartialEq, Message)]
pub struct InferTensor {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub datatype: String,
    #[prost(int64, repeated, tag = "3")]
    pub shape: Vec<i64>,
    #[prost(message, optional, tag = "5")]
    pub contents: Option<InferTensorContents>,
}

/// What a tensor holds: the list of its datatype. Half precision has none, and goes as bytes.
#[derive(Clone, PartialEq, Message)]
pub struct InferTensorContents {
    #[prost(bool, repeated, tag = "1")]
    pub bool_contents: Vec<bool>,
    /// Of 8, 16 and 32 bits.
    #[prost(int32, repeated, tag = "2")]
    pub int_contents: Vec<i32>,
    #[prost(int64, repeated, tag = "3")]
    pub int64_contents: Vec<i64>,
    /// Of 8, 16 and 32 bits.
    #[prost(uint32, repeated, tag = "4")]
    pub uint_contents: Vec<u32>,
    #[prost(uint64, repeated, tag = "5")]
    pub uint64_contents: Vec<u64>,
    #[prost(float, repeated, tag = "6")]
    pub fp32_contents: Vec<f32>,
    #[prost(double, repeated, tag = "7")]
    pub fp64_contents: Vec<f64>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub bytes_contents: Vec<Vec<u8>>,
}

/// A message in its frame.
#[must_use]
pub fn framed(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(HEAD + length);
    frame.put_u8(0);
    // A request of four gigabytes is refused before it is made.
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    // It has as much room as the message wants.
    let _ = message.encode(&mut frame);
    frame.freeze()
}

/// The message of the only frame of an answer; why it is none.
pub fn unframed(frame: &[u8]) -> Result<&[u8], String> {
    let Some((head, message)) = frame.split_first_chunk::<HEAD>() else {
        return Err(format!("{} bytes are no frame of gRPC", frame.len()));
    };
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    match head[0] {
        0 if usize::try_from(length) == Ok(message.len()) => Ok(message),
        0 => Err(format!("a message of {length} bytes came with {}", message.len())),
        _ => Err("it is compressed, though nobody asked for that".into()),
    }
}

/// The first element of the first output, as a text: what is compared where answers are.
#[must_use]
pub fn first_element(answer: &ModelInferResponse) -> String {
    let Some(output) = answer.outputs.first() else { return String::new() };
    if let Some(raw) = answer.raw_output_contents.first() {
        return first_of_raw(&output.datatype, raw);
    }
    let Some(of) = &output.contents else { return String::new() };
    let texts = [
        of.bytes_contents.first().map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
        of.fp32_contents.first().map(f32::to_string),
        of.fp64_contents.first().map(f64::to_string),
        of.int_contents.first().map(i32::to_string),
        of.int64_contents.first().map(i64::to_string),
        of.uint_contents.first().map(u32::to_string),
        of.uint64_contents.first().map(u64::to_string),
        of.bool_contents.first().map(bool::to_string),
    ];
    texts.into_iter().flatten().next().unwrap_or_default()
}

/// Of what goes as bytes only texts and single precision are read; the rest is there, and that is all that is told of it.
fn first_of_raw(datatype: &str, raw: &[u8]) -> String {
    let Some((head, rest)) = raw.split_first_chunk::<4>() else { return String::new() };
    match datatype {
        "FP32" => f32::from_le_bytes(*head).to_string(),
        "BYTES" => {
            let length = usize::try_from(u32::from_le_bytes(*head)).unwrap_or(usize::MAX);
            String::from_utf8_lossy(&rest[..length.min(rest.len())]).into_owned()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bytes that Google's own library made of the published schema, by MLServer's `dataplane_pb2`.
    #[test]
    fn messages_are_those_of_the_published_schema() {
        let contents = InferTensorContents { fp32_contents: vec![1.0, 2.0, 3.0], ..InferTensorContents::default() };
        let input =
            InferTensor { name: "x".into(), datatype: "FP32".into(), shape: vec![1, 3], contents: Some(contents) };
        let request =
            ModelInferRequest { model_name: "sum".into(), inputs: vec![input], ..ModelInferRequest::default() };
        let hex: String = request.encode_to_vec().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, REQUEST);
        let answer = ModelInferResponse::decode(&*bytes(RESPONSE)).unwrap();
        assert_eq!((answer.outputs[0].shape.as_slice(), first_element(&answer).as_str()), (&[1, 1][..], "6"));
        let metadata = ModelMetadataResponse::decode(&*bytes(METADATA)).unwrap();
        assert_eq!((metadata.platform.as_str(), metadata.inputs[0].shape.as_slice()), ("numpy", &[-1, 3][..]));
        let raw = ModelInferResponse::decode(&*bytes(RAW)).unwrap();
        assert_eq!(first_element(&raw), "HELLO");
    }

    const REQUEST: &str = "0a0373756d2a1d0a01781204465033321a0201032a0e320c0000803f0000004000004040";
    const RESPONSE: &str =
        "0a0373756d2a2b0a01791204465033321a02010122140a0c636f6e74656e745f7479706512041a026e702a0632040000c040";
    const METADATA: &str = "0a0373756d1a056e756d707922160a01781204465033321a0bffffffffffffffffff01032a160a01791204465033321a0bffffffffffffffffff0101";
    const RAW: &str = "0a046563686f2a0d0a0174120542595445531a010132090500000048454c4c4f";

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn a_frame_is_read_as_it_is_written_and_nothing_else_is_one() {
        let message = ModelReadyResponse { ready: true };
        let frame = framed(&message);
        assert_eq!(unframed(&frame), Ok(message.encode_to_vec().as_slice()));
        for (frame, want) in [
            (&frame[..4], "no frame"),
            (&frame[..6], "a message of 2 bytes came with 1"),
            (&[1, 0, 0, 0, 0][..], "compressed"),
            (&[], "0 bytes"),
        ] {
            assert!(unframed(frame).unwrap_err().contains(want), "{frame:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(frame in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(message) = unframed(&frame)
                && let Ok(answer) = ModelInferResponse::decode(message)
            {
                let _ = first_element(&answer);
            }
        }
    }
}

//! Tensors as the Open Inference Protocol v2 writes them in JSON: a name, a datatype, a shape, and numbers in their order.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request.
#[derive(Clone, Debug, Deserialize)]
pub struct Asked {
    inputs: Vec<Input>,
}

#[derive(Clone, Debug, Deserialize)]
struct Input {
    name: String,
    shape: Vec<i64>,
    datatype: String,
    data: Value,
}

/// A tensor that goes in.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The input that it is for.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<i64>,
    /// What is in it.
    pub data: Data,
}

/// Elements in their order.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the words are those of the protocol")]
pub enum Data {
    Fp32(Vec<f32>),
    Fp64(Vec<f64>),
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Uint8(Vec<u8>),
    Uint16(Vec<u16>),
    Uint32(Vec<u32>),
    Uint64(Vec<u64>),
    Bool(Vec<bool>),
    Bytes(Vec<String>),
}

/// A tensor that comes out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Output {
    /// What the model calls it.
    pub name: String,
    /// What its elements are.
    pub datatype: &'static str,
    /// Its dimensions.
    pub shape: Vec<i64>,
    /// Its elements in their order; what is no number is null.
    pub data: Vec<Value>,
}

impl Asked {
    /// Its tensors.
    ///
    /// # Errors
    /// Which of them is none, and why.
    pub fn tensors(self) -> Result<Vec<Tensor>, String> {
        self.inputs.into_iter().map(Input::tensor).collect()
    }
}

impl Input {
    fn tensor(self) -> Result<Tensor, String> {
        let Self { name, shape, datatype, data } = self;
        let mut flat = Vec::new();
        flatten(data, &mut flat);
        let elements = shape.iter().try_fold(1_usize, |all, size| all.checked_mul(usize::try_from(*size).ok()?));
        match elements {
            None => return Err(format!("{name}: {shape:?} is no shape")),
            Some(elements) if elements != flat.len() => {
                return Err(format!(
                    "{name}: a shape of {shape:?} has {elements} elements, and there are {}",
                    flat.len()
                ));
            }
            Some(_) => {}
        }
        let data = data_of(&datatype, flat).map_err(|why| format!("{name}: {why}"))?;
        Ok(Tensor { name, shape, data })
    }
}

/// Rows of rows as one row.
fn flatten(value: Value, into: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.into_iter().for_each(|item| flatten(item, into)),
        other => into.push(other),
    }
}

fn data_of(datatype: &str, flat: Vec<Value>) -> Result<Data, String> {
    Ok(match datatype {
        "FP32" => Data::Fp32(all(datatype, flat)?),
        "FP64" => Data::Fp64(all(datatype, flat)?),
        "INT8" => Data::Int8(all(datatype, flat)?),
        "INT16" => Data::Int16(all(datatype, flat)?),
        "INT32" => Data::Int32(all(datatype, flat)?),
        "INT64" => Data::Int64(all(datatype, flat)?),
        "UINT8" => Data::Uint8(all(datatype, flat)?),
        "UINT16" => Data::Uint16(all(datatype, flat)?),
        "UINT32" => Data::Uint32(all(datatype, flat)?),
        "UINT64" => Data::Uint64(all(datatype, flat)?),
        "BOOL" => Data::Bool(all(datatype, flat)?),
        "BYTES" => Data::Bytes(all(datatype, flat)?),
        other => return Err(format!("elements of {other} cannot be given as JSON here")),
    })
}

fn all<T: for<'a> Deserialize<'a>>(datatype: &str, flat: Vec<Value>) -> Result<Vec<T>, String> {
    let one = |value: Value| {
        let shown = value.to_string();
        serde_json::from_value(value).map_err(|_| format!("{shown} is no {datatype}"))
    };
    flat.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<Tensor>, String> {
        serde_json::from_str::<Asked>(text).unwrap().tensors()
    }

    #[test]
    fn a_tensor_is_the_same_flat_and_in_rows() {
        let flat = of(r#"{"inputs":[{"name":"a","shape":[2,2],"datatype":"INT32","data":[1,2,3,4]}]}"#).unwrap();
        let rows = of(r#"{"inputs":[{"name":"a","shape":[2,2],"datatype":"INT32","data":[[1,2],[3,4]]}]}"#).unwrap();
        assert_eq!(flat, rows);
        assert_eq!(flat[0].data, Data::Int32(vec![1, 2, 3, 4]));
        let scalar = of(r#"{"inputs":[{"name":"sr","shape":[],"datatype":"INT64","data":[16000]}]}"#).unwrap();
        assert_eq!((scalar[0].shape.len(), scalar[0].data.clone()), (0, Data::Int64(vec![16_000])));
        let text = of(r#"{"inputs":[{"name":"t","shape":[1],"datatype":"BYTES","data":["a"]}]}"#).unwrap();
        assert_eq!(text[0].data, Data::Bytes(vec!["a".into()]));
    }

    #[test]
    fn what_is_no_tensor_says_which_and_why() {
        for (shape, datatype, data, want) in [
            ("[3]", "FP32", "[1,2]", "x: a shape of [3] has 3 elements, and there are 2"),
            ("[-1]", "FP32", "[1]", "x: [-1] is no shape"),
            ("[9223372036854775807,9]", "FP32", "[1]", "x: [9223372036854775807, 9] is no shape"),
            ("[1]", "UINT8", "[300]", "x: 300 is no UINT8"),
            ("[1]", "BOOL", "[1]", "x: 1 is no BOOL"),
            ("[1]", "FP16", "[1]", "x: elements of FP16 cannot be given as JSON here"),
        ] {
            let text =
                format!(r#"{{"inputs":[{{"name":"x","shape":{shape},"datatype":"{datatype}","data":{data}}}]}}"#);
            assert_eq!(of(&text), Err(want.to_owned()));
        }
    }
}

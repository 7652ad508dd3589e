//! What a model takes: tensors, by name, with what they hold and which shape they have.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// More elements are in no request.
pub(super) const MOST: u64 = 1 << 24;
/// More texts are in no request: each is the whole prompt.
pub(super) const MOST_TEXTS: u64 = 1 << 12;

/// What a server says of a model, with each input in the one shape in which it is filled: kept with a run, so that the same
/// requests are made again without asking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// What it runs on, in the server's words; empty where it says nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub platform: String,
    /// Its versions, as far as the server tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// What it takes.
    pub inputs: Vec<Tensor>,
}

impl Model {
    /// Is a text among what it takes?
    #[must_use]
    pub fn says(&self) -> bool {
        self.inputs.iter().any(|input| input.datatype == Datatype::Bytes)
    }
}

/// An input, as it is filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub datatype: Datatype,
    /// How many of it along each dimension.
    pub shape: Shape,
}

/// What a tensor holds, by the names of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Datatype {
    /// Truths.
    Bool,
    /// 8 bits without a sign.
    Uint8,
    /// 16 bits without a sign.
    Uint16,
    /// 32 bits without a sign.
    Uint32,
    /// 64 bits without a sign.
    Uint64,
    /// 8 bits.
    Int8,
    /// 16 bits.
    Int16,
    /// 32 bits.
    Int32,
    /// 64 bits.
    Int64,
    /// Half precision.
    Fp16,
    /// Single precision.
    Fp32,
    /// Double precision.
    Fp64,
    /// Bytes: here always texts.
    Bytes,
}

impl Datatype {
    const ALL: [(Self, &'static str); 13] = [
        (Self::Bool, "BOOL"),
        (Self::Uint8, "UINT8"),
        (Self::Uint16, "UINT16"),
        (Self::Uint32, "UINT32"),
        (Self::Uint64, "UINT64"),
        (Self::Int8, "INT8"),
        (Self::Int16, "INT16"),
        (Self::Int32, "INT32"),
        (Self::Int64, "INT64"),
        (Self::Fp16, "FP16"),
        (Self::Fp32, "FP32"),
        (Self::Fp64, "FP64"),
        (Self::Bytes, "BYTES"),
    ];

    /// By the protocol's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(one, _)| *one == self).map_or("", |(_, name)| name)
    }

    /// The one of this name; none of another.
    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, own)| *own == name).map(|(one, _)| *one)
    }
}

/// How many along each dimension; of none, a single one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape(pub Vec<u64>);

impl Shape {
    /// How many in all; none where that is more than a request can hold.
    #[must_use]
    pub fn elements(&self) -> Option<u64> {
        self.0.iter().try_fold(1_u64, |all, more| all.checked_mul(*more)).filter(|all| *all <= MOST)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<String> = self.0.iter().map(u64::to_string).collect();
        write!(f, "[{}]", sizes.join(", "))
    }
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.datatype.name(), self.shape)
    }
}

/// Shapes that a person states, by the names of inputs.
pub type Shapes = BTreeMap<String, Shape>;

impl FromStr for Shape {
    type Err = String;

    /// `1x3x224x224`.
    fn from_str(text: &str) -> Result<Self, String> {
        let size = |part: &str| match part.parse() {
            Ok(0) | Err(_) => Err(format!("\"{part}\" is no size of a dimension: write 1x3x224x224")),
            Ok(size) => Ok(size),
        };
        let shape = Self(text.split('x').map(size).collect::<Result<_, _>>()?);
        match shape.elements() {
            Some(_) => Ok(shape),
            None => Err(format!("a tensor of this shape has more than {MOST} elements")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_read_as_it_is_typed_and_no_other() {
        assert_eq!("1x3x224x224".parse(), Ok(Shape(vec![1, 3, 224, 224])));
        assert_eq!("7".parse::<Shape>().map(|shape| shape.to_string()), Ok("[7]".to_owned()));
        for (text, want) in [
            ("", "no size"),
            ("1x", "no size"),
            ("1x0", "no size"),
            ("-1x3", "no size"),
            ("1,3", "no size"),
            ("65536x65536", "more than"),
            ("18446744073709551615x3", "more than"),
        ] {
            let why = text.parse::<Shape>().unwrap_err();
            assert!(why.contains(want), "{text}: {why}");
        }
        assert_eq!(Shape::default().elements(), Some(1));
    }

    #[test]
    fn a_datatype_is_kept_by_the_name_of_the_protocol() {
        for (datatype, name) in Datatype::ALL {
            assert_eq!((Datatype::of(name), datatype.name()), (Some(datatype), name));
            assert_eq!(serde_json::to_value(datatype).unwrap(), name);
        }
        assert_eq!(Datatype::of("FP8"), None);
    }
}

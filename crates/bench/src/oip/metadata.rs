//! The metadata of a model, as a server gives it, and the inputs that follow from it and from what a person states.

use super::{
    proto::ModelMetadataResponse,
    tensor::{Datatype, MOST, MOST_TEXTS, Model, Shape, Shapes, Tensor},
};
use crate::hearing::short;
use pilothouse_wire::{Code, Problem};
use prost::Message;
use serde::Deserialize;

/// A model that describes more inputs, or an input of more dimensions, is none that is measured: what a server answers may be
/// anything.
const MOST_INPUTS: usize = 256;
const MOST_DIMENSIONS: usize = 32;
/// So many names are said.
const NAMED: usize = 10;

/// What a model takes, by what its server answers over REST and by the shapes that a person states.
///
/// # Errors
/// If that cannot be read, or it does not say how inputs are filled.
pub fn of_rest(answer: &[u8], stated: &Shapes) -> Result<Model, Problem> {
    let read: Result<Metadata, _> = serde_json::from_slice(answer);
    read.map_err(|error| unreadable(&error.to_string()))?.model(stated)
}

/// The same by the message of an answer over gRPC.
///
/// # Errors
/// As [`of_rest`].
pub fn of_grpc(message: &[u8], stated: &Shapes) -> Result<Model, Problem> {
    let read = ModelMetadataResponse::decode(message);
    Metadata::from(read.map_err(|error| unreadable(&error.to_string()))?).model(stated)
}

fn unreadable(why: &str) -> Problem {
    Problem::new(Code::ServerFailed, "What the model takes cannot be read.")
        .why(format!("{why}."))
        .next("Check that the address is that of a server of the Open Inference Protocol v2.")
}

/// What a server says of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct Metadata {
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    versions: Option<Vec<String>>,
    #[serde(default)]
    inputs: Vec<Declared>,
}

/// An input as it is declared.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Declared {
    name: String,
    datatype: String,
    /// Of a dimension that may have any size: something below 0.
    #[serde(default)]
    shape: Vec<i64>,
}

impl From<ModelMetadataResponse> for Metadata {
    fn from(of: ModelMetadataResponse) -> Self {
        let input = |input: super::proto::TensorMetadata| Declared {
            name: input.name,
            datatype: input.datatype,
            shape: input.shape,
        };
        Self {
            platform: Some(of.platform),
            versions: Some(of.versions),
            inputs: of.inputs.into_iter().map(input).collect(),
        }
    }
}

impl Metadata {
    /// The inputs as they are filled. Where a first dimension may have any size, which is that of a batch, it is 1 unless it is
    /// stated; every other such dimension has to be stated.
    ///
    /// # Errors
    /// If a shape is not known, or what is stated is of no input or of another shape than its input may have.
    fn model(self, stated: &Shapes) -> Result<Model, Problem> {
        let names = || {
            let some = self.inputs.iter().take(NAMED).map(|input| short(&input.name));
            let more = self.inputs.len().checked_sub(NAMED).filter(|more| *more > 0);
            some.chain(more.map(|more| format!("{more} more"))).collect::<Vec<_>>().join(", ")
        };
        if self.inputs.len() > MOST_INPUTS || self.inputs.iter().any(|input| input.shape.len() > MOST_DIMENSIONS) {
            return Err(Problem::new(
                Code::BadInput,
                "The inputs of the model are too many, or have too many dimensions.",
            )
            .why(format!(
                "Its metadata has {} inputs; {MOST_INPUTS} of {MOST_DIMENSIONS} dimensions can be filled.",
                self.inputs.len()
            ))
            .next("Give the request by --body (over REST)."));
        }
        if self.inputs.is_empty() {
            return Err(Problem::new(Code::BadInput, "The model describes no inputs.")
                .why("Its metadata has none, so that nobody knows what to fill.")
                .next(
                    "Give the request by --body (over REST), or describe the inputs where the model is configured.",
                ));
        }
        if let Some(unknown) = stated.keys().find(|name| !self.inputs.iter().any(|input| input.name == **name)) {
            return Err(Problem::new(Code::BadInput, format!("The model has no input {unknown}."))
                .why(format!("Its metadata has {}.", names()))
                .next("Give --shape with one of these."));
        }
        let inputs: Result<Vec<Tensor>, Problem> =
            self.inputs.iter().map(|input| input.tensor(stated.get(&input.name))).collect();
        let inputs = inputs?;
        let all: u64 = inputs.iter().filter_map(|input| input.shape.elements()).sum();
        if all > MOST {
            return Err(Problem::new(Code::BadInput, "The inputs of the model are too large together.")
                .why(format!("They have {all} elements, and a request has {MOST} at most."))
                .next("Measure with smaller shapes."));
        }
        Ok(Model {
            inputs,
            platform: short(&self.platform.unwrap_or_default()),
            versions: self.versions.unwrap_or_default().iter().take(NAMED).map(|version| short(version)).collect(),
        })
    }
}

impl Declared {
    fn tensor(&self, stated: Option<&Shape>) -> Result<Tensor, Problem> {
        let (name, datatype) = (short(&self.name), short(&self.datatype));
        if name.len() < self.name.trim().len() {
            return Err(Problem::new(Code::BadInput, "The name of an input is too long.")
                .why(format!("It begins with {name}."))
                .next("Give the request by --body (over REST)."));
        }
        let Some(known) = Datatype::of(&self.datatype) else {
            return Err(Problem::new(Code::BadInput, format!("The input {name} cannot be filled."))
                .why(format!("Nobody knows what {datatype} is."))
                .next("Give the request by --body (over REST)."));
        };
        let declared = format!("Its metadata says {:?}.", self.shape);
        let shape = match stated {
            Some(shape) if self.allows(shape) => shape.clone(),
            Some(shape) => {
                return Err(Problem::new(Code::BadInput, format!("{name} cannot have the shape {shape}."))
                    .why(declared)
                    .next(format!(
                        "Give --shape {name}=…, with as many dimensions, and its own sizes where it has them."
                    )));
            }
            None => self.usual().ok_or_else(|| {
                let wanted: Vec<String> =
                    self.shape.iter().map(|size| if *size < 0 { "N".to_owned() } else { size.to_string() }).collect();
                Problem::new(Code::BadInput, format!("The shape of {name} is not known."))
                    .why(declared)
                    .next(format!("Give --shape {name}={}, with a number for each N.", wanted.join("x")))
            })?,
        };
        let most = if known == Datatype::Bytes { MOST_TEXTS } else { MOST };
        match shape.elements().filter(|elements| *elements <= most) {
            Some(_) => Ok(Tensor { name: self.name.clone(), datatype: known, shape }),
            None => Err(Problem::new(Code::BadInput, format!("{name} is too large."))
                .why(format!("{shape} has more than {most} elements."))
                .next("Measure with a smaller shape.")),
        }
    }

    /// May it have this shape? One that declares none may have any.
    fn allows(&self, shape: &Shape) -> bool {
        let is_fit = |(declared, stated): (&i64, &u64)| *declared < 0 || u64::try_from(*declared) == Ok(*stated);
        self.shape.is_empty() || (self.shape.len() == shape.0.len() && self.shape.iter().zip(&shape.0).all(is_fit))
    }

    /// Its shape where nothing is stated.
    fn usual(&self) -> Option<Shape> {
        let size = |(at, size): (usize, &i64)| match u64::try_from(*size) {
            Ok(size) => Some(size),
            Err(_) => (at == 0).then_some(1),
        };
        self.shape.iter().enumerate().map(size).collect::<Option<Vec<u64>>>().map(Shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn metadata(shape: &[i64], datatype: &str) -> Metadata {
        let input = Declared { name: "x".into(), datatype: datatype.into(), shape: shape.to_vec() };
        Metadata { inputs: vec![input], ..Metadata::default() }
    }

    fn shapes(stated: &[(&str, &str)]) -> Shapes {
        stated.iter().map(|(name, shape)| ((*name).to_owned(), shape.parse().unwrap())).collect()
    }

    #[test]
    fn what_is_declared_and_what_is_stated_make_one_shape() {
        for (declared, stated, want) in [
            (&[1, 3][..], &[][..], "[1, 3]"),
            (&[-1, 3], &[], "[1, 3]"),
            (&[-1, 3], &[("x", "8x3")], "[8, 3]"),
            (&[-1, -1], &[("x", "2x5")], "[2, 5]"),
            (&[], &[("x", "4")], "[4]"),
            (&[], &[], "[]"),
        ] {
            let model = metadata(declared, "FP32").model(&shapes(stated)).unwrap();
            assert_eq!(model.inputs[0].shape.to_string(), want, "{declared:?}");
        }
    }

    #[test]
    fn what_does_not_fit_names_the_input_and_what_would() {
        for (of, stated, what, more) in [
            (metadata(&[-1, 3], "FP32"), &[("x", "1x4")][..], "x cannot have the shape [1, 4].", "[-1, 3]"),
            (metadata(&[-1, 3], "FP32"), &[("x", "3")], "x cannot have the shape [3].", "[-1, 3]"),
            (metadata(&[-1, 3], "FP32"), &[("y", "3")], "The model has no input y.", "has x"),
            (metadata(&[-1, -1, 3], "FP32"), &[], "The shape of x is not known.", "--shape x=NxNx3"),
            (metadata(&[1], "FP8"), &[], "The input x cannot be filled.", "FP8"),
            (metadata(&[100_000, 100_000], "FP32"), &[], "x is too large.", "more than"),
            // Each of them is the whole prompt.
            (metadata(&[5_000], "BYTES"), &[], "x is too large.", "more than 4096"),
            (
                metadata(&[1; 33], "FP32"),
                &[],
                "The inputs of the model are too many, or have too many dimensions.",
                "32 dimensions",
            ),
            (Metadata::default(), &[], "The model describes no inputs.", "--body"),
        ] {
            let problem = of.model(&shapes(stated)).unwrap_err();
            assert_eq!(problem.what, what);
            assert!(format!("{problem:?}").contains(more), "{more}: {problem:?}");
        }
    }

    #[test]
    fn what_no_request_could_hold_is_refused_before_it_is_made() {
        let named = |name: String| Declared { name, datatype: "FP32".into(), shape: vec![1 << 23] };
        let of = |inputs: Vec<Declared>| Metadata { inputs, ..Metadata::default() }.model(&Shapes::default());
        assert!(of((0..2).map(|n| named(format!("x{n}"))).collect()).is_ok());
        let large = of((0..3).map(|n| named(format!("x{n}"))).collect()).unwrap_err();
        assert_eq!(large.what, "The inputs of the model are too large together.");
        let many = of((0..300).map(|n| named(format!("x{n}"))).collect()).unwrap_err();
        assert!(many.what.contains("too many") && many.to_string().contains("300 inputs"), "{many}");
        let long = of(vec![named("x".repeat(1 << 20))]).unwrap_err();
        assert!(long.what.contains("too long") && long.to_string().len() < 1_000, "{}", long.to_string().len());
        // Of many names some are said.
        let inputs = (0..40).map(|n| Declared { shape: vec![1], ..named(format!("x{n}")) }).collect();
        let unknown = Metadata { inputs, ..Metadata::default() }.model(&shapes(&[("y", "1")])).unwrap_err();
        assert!(unknown.to_string().contains("x9, 30 more"), "{unknown}");
    }

    #[test]
    fn it_is_read_as_real_servers_write_it() {
        let mlserver = r#"{"name":"sum","versions":[],"platform":"numpy","inputs":[{"name":"x","datatype":"FP32","shape":[-1,3]}],
            "outputs":[{"name":"y","datatype":"FP32","shape":[-1,1]}],"parameters":{}}"#;
        let read: Metadata = serde_json::from_str(mlserver).unwrap();
        assert_eq!((read.platform.as_deref(), read.inputs[0].shape.as_slice()), (Some("numpy"), &[-1, 3][..]));
        let bare: Metadata = serde_json::from_str(r#"{"name":"m","versions":null,"platform":""}"#).unwrap();
        assert!(bare.inputs.is_empty());
    }

    proptest! {
        #[test]
        fn whatever_is_declared_is_filled_or_refused(shape in proptest::collection::vec(any::<i64>(), 0..4)) {
            if let Ok(model) = metadata(&shape, "INT8").model(&Shapes::default()) {
                prop_assert!(model.inputs[0].shape.elements().is_some());
            }
        }
    }
}

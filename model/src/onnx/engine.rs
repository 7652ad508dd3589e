//! Who computes: one thread with the session.

use super::tensor::{Data, Output, Tensor};
use crate::{args::Arguments, counted::Counted};
use ort::{
    environment::Environment,
    session::{Session, SessionInputValue},
    value::{DynValue, Outlet, Tensor as Value, TensorElementType, ValueType},
};
use serde_json::{Value as Json, json};
use std::{
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    thread,
    time::Instant,
};
use tokio::sync::oneshot;

/// What the model is given, as the Open Inference Protocol tells it: name, datatype, and shape with −1 for what is open.
pub type Inputs = Vec<Json>;

/// A request, ready to be computed.
pub struct Job {
    /// What goes in.
    pub inputs: Vec<Tensor>,
    /// Who waits for what comes out, or why nothing does.
    pub answer: oneshot::Sender<Result<Vec<Output>, String>>,
}

/// Begins to compute what comes as jobs, until nobody can send one any more.
///
/// # Errors
/// If the model cannot be loaded, and why.
pub fn start(
    of: &Arguments,
    environment: Environment,
    jobs: Receiver<Job>,
    counted: Arc<Counted>,
) -> Result<Inputs, String> {
    let (of, (ready, when)) = (of.clone(), sync_channel(1));
    let work = move || match session(&of, &environment) {
        Ok(mut session) => {
            let _ = ready.send(Ok(session.inputs().iter().map(about).collect()));
            while let Ok(job) = jobs.recv() {
                // Whoever has gone while it waited is not answered.
                if !job.answer.is_closed() {
                    let _ = job.answer.send(run(&mut session, job.inputs, &counted));
                }
            }
        }
        Err(why) => drop(ready.send(Err(why))),
    };
    let begun = thread::Builder::new().name("onnx".into()).spawn(work);
    begun.map_err(|error| format!("This system gives no thread: {error}."))?;
    when.recv().unwrap_or_else(|_| Err("ONNX Runtime ended while it loaded the model.".into()))
}

fn session(of: &Arguments, environment: &Environment) -> Result<Session, String> {
    let failed = |why: String| format!("ONNX Runtime does not load {}: {why}.", of.file.display());
    let builder = Session::builder(environment).map_err(|error| failed(error.to_string()))?;
    let builder = builder.with_intra_threads(of.threads() as usize).map_err(|error| failed(error.to_string()))?;
    #[cfg(feature = "cuda")]
    let builder = match of.gpu_layers {
        0 => builder,
        _ => {
            let gpu = ort::ep::CUDA::default().build().error_on_failure();
            builder.with_execution_providers([gpu]).map_err(|error| failed(error.to_string()))?
        }
    };
    let mut builder = builder;
    builder.commit_from_file(&of.file).map_err(|error| failed(error.to_string()))
}

fn about(input: &Outlet) -> Json {
    let (datatype, shape) = match input.dtype() {
        ValueType::Tensor { ty, shape, .. } => (name_of(*ty), shape.to_vec()),
        _ => (None, Vec::new()),
    };
    json!({ "name": input.name(), "datatype": datatype, "shape": shape })
}

/// What the protocol calls elements of a type; none where it knows none of them.
fn name_of(ty: TensorElementType) -> Option<&'static str> {
    Some(match ty {
        TensorElementType::Float32 => "FP32",
        TensorElementType::Float64 => "FP64",
        TensorElementType::Float16 => "FP16",
        TensorElementType::Int8 => "INT8",
        TensorElementType::Int16 => "INT16",
        TensorElementType::Int32 => "INT32",
        TensorElementType::Int64 => "INT64",
        TensorElementType::Uint8 => "UINT8",
        TensorElementType::Uint16 => "UINT16",
        TensorElementType::Uint32 => "UINT32",
        TensorElementType::Uint64 => "UINT64",
        TensorElementType::Bool => "BOOL",
        TensorElementType::String => "BYTES",
        _ => return None,
    })
}

#[expect(clippy::disallowed_methods, reason = "how long it computes is counted, and decides nothing")]
fn run(session: &mut Session, inputs: Vec<Tensor>, counted: &Counted) -> Result<Vec<Output>, String> {
    let words = |error: ort::Error| error.to_string();
    let mut given: Vec<(String, SessionInputValue<'static>)> = Vec::new();
    for tensor in inputs {
        let name = tensor.name.clone();
        given.push((name, value_of(tensor).map_err(words)?));
    }
    counted.taken(0);
    let begun = Instant::now();
    let outputs = session.run(given).map_err(words)?;
    counted.computed(0, u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
    outputs.iter().map(|(name, value)| output_of(name, &value)).collect()
}

fn value_of(tensor: Tensor) -> ort::Result<SessionInputValue<'static>> {
    let Tensor { shape, data, .. } = tensor;
    Ok(match data {
        Data::Fp32(data) => Value::from_array((shape, data))?.into(),
        Data::Fp64(data) => Value::from_array((shape, data))?.into(),
        Data::Int8(data) => Value::from_array((shape, data))?.into(),
        Data::Int16(data) => Value::from_array((shape, data))?.into(),
        Data::Int32(data) => Value::from_array((shape, data))?.into(),
        Data::Int64(data) => Value::from_array((shape, data))?.into(),
        Data::Uint8(data) => Value::from_array((shape, data))?.into(),
        Data::Uint16(data) => Value::from_array((shape, data))?.into(),
        Data::Uint32(data) => Value::from_array((shape, data))?.into(),
        Data::Uint64(data) => Value::from_array((shape, data))?.into(),
        Data::Bool(data) => Value::from_array((shape, data))?.into(),
        Data::Bytes(data) => Value::from_string_array((shape, &data[..]))?.into(),
    })
}

fn output_of(name: &str, value: &DynValue) -> Result<Output, String> {
    let unknown = || format!("the output {name} is of a kind that cannot be told as JSON here");
    let ValueType::Tensor { ty, shape, .. } = value.dtype() else { return Err(unknown()) };
    let words = |error: ort::Error| error.to_string();
    macro_rules! elements {
        ($type:ty) => {
            value.try_extract_tensor::<$type>().map_err(words)?.1.iter().map(|one| json!(one)).collect()
        };
    }
    let data: Vec<Json> = match ty {
        TensorElementType::Float32 => elements!(f32),
        TensorElementType::Float64 => elements!(f64),
        TensorElementType::Int8 => elements!(i8),
        TensorElementType::Int16 => elements!(i16),
        TensorElementType::Int32 => elements!(i32),
        TensorElementType::Int64 => elements!(i64),
        TensorElementType::Uint8 => elements!(u8),
        TensorElementType::Uint16 => elements!(u16),
        TensorElementType::Uint32 => elements!(u32),
        TensorElementType::Uint64 => elements!(u64),
        TensorElementType::Bool => elements!(bool),
        TensorElementType::String => {
            value.try_extract_strings().map_err(words)?.1.into_iter().map(Json::from).collect()
        }
        _ => return Err(unknown()),
    };
    let datatype = name_of(*ty).ok_or_else(unknown)?;
    Ok(Output { name: name.to_owned(), datatype, shape: shape.to_vec(), data })
}

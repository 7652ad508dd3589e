//! An ONNX file, loaded by ONNX Runtime and computed on a thread of its own, one request after the other.

mod engine;
mod tensor;

use crate::{args::Arguments, counted::Counted, http::Refusal};
use engine::{Inputs, Job};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    mpsc::{SyncSender, TrySendError, sync_channel},
};
use tensor::Asked;
use tokio::sync::oneshot;

/// Requests that may wait for their turn.
const WAITING: usize = 65_536;
/// What the library is called where nobody says where it is.
const USUAL: &str = if cfg!(target_os = "windows") {
    "onnxruntime.dll"
} else if cfg!(target_os = "macos") {
    "libonnxruntime.dylib"
} else {
    "libonnxruntime.so"
};

/// A model that is loaded, and who computes it.
pub struct Loaded {
    name: String,
    bytes: u64,
    library: String,
    inputs: Inputs,
    jobs: SyncSender<Job>,
    counted: Arc<Counted>,
}

/// Loads ONNX Runtime and by it a model.
///
/// # Errors
/// If either cannot be loaded, and why.
pub fn load(of: &Arguments) -> Result<Loaded, String> {
    if of.gpu_layers > 0 && !cfg!(feature = "cuda") {
        return Err(
            "Nothing can be computed by a GPU: this program was built without them. Leave out --gpu-layers, or \
                    build it with --features cuda."
                .into(),
        );
    }
    let bytes = std::fs::metadata(&of.file).map(|meta| meta.len());
    let bytes = bytes.map_err(|error| format!("{} cannot be read: {error}.", of.file.display()))?;
    let library = of.onnxruntime.clone().unwrap_or_else(|| USUAL.into());
    let environment = ort::init_from(&library).map_err(|error| {
        format!(
            "ONNX Runtime cannot be loaded from {}: {error}. Give --onnxruntime or PILOTHOUSE_ONNXRUNTIME: the \
             libonnxruntime of a release, or of the Python package onnxruntime (its folder capi).",
            library.display()
        )
    })?;
    let environment = environment.build().map_err(|error| format!("ONNX Runtime does not begin: {error}."))?;
    let counted = Arc::new(Counted::default());
    let (jobs, taken) = sync_channel(WAITING);
    let inputs = engine::start(of, environment, taken, Arc::clone(&counted))?;
    // Branch and commit; behind them stand the flags of its compiler.
    let built = ort::info().trim_start_matches("ORT Build Info: ").split(", ").take(2).collect::<Vec<_>>().join(", ");
    let library = format!("ONNX Runtime (ort {}, {built})", crate::served::version_of("ort"));
    Ok(Loaded { name: of.name(), bytes, library, inputs, jobs, counted })
}

impl Loaded {
    /// What it counted.
    pub fn counted(&self) -> &Counted {
        &self.counted
    }

    /// What it is, for the line that says where it is served.
    pub fn about(&self) -> Value {
        json!({ "format": "onnx", "library": self.library, "bytes": self.bytes, "inputs": self.inputs })
    }

    /// What it is, as the Open Inference Protocol has it.
    pub fn metadata(&self) -> Value {
        json!({ "name": self.name, "versions": [], "platform": "onnxruntime_onnx", "inputs": self.inputs, "outputs": [] })
    }

    /// Computes a request of the Open Inference Protocol.
    ///
    /// # Errors
    /// If it cannot be computed as it is, or the library fails.
    pub async fn infer(&self, body: &[u8]) -> Result<Value, Refusal> {
        let asked: Asked = serde_json::from_slice(body)
            .map_err(|error| Refusal::bad(format!("the request cannot be read: {error}")))?;
        let inputs = asked.tensors().map_err(Refusal::bad)?;
        let (answer, answered) = oneshot::channel();
        match self.jobs.try_send(Job { inputs, answer }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(Refusal::full()),
            Err(TrySendError::Disconnected(_)) => return Err(Refusal::broken("ONNX Runtime has ended")),
        }
        let outputs = answered.await.map_err(|_| Refusal::broken("ONNX Runtime has ended"))?;
        let outputs = outputs.map_err(Refusal::bad)?;
        Ok(json!({ "model_name": self.name, "outputs": outputs }))
    }
}

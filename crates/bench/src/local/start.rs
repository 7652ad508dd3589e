//! Starts the program with a model, and waits until that is loaded and served.

use super::{Model, Options, Serving, serving::SIGN};
use crate::server::{self, GRACE, Server};
use pilothouse_wire::Problem;
use std::{path::PathBuf, time::Duration};

/// A model that is to be served.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The model; it was looked at.
    pub model: Model,
    /// How it is computed.
    pub options: Options,
    /// The program that loads it.
    pub program: PathBuf,
    /// ONNX Runtime as a library, where somebody says where it is.
    pub onnxruntime: Option<PathBuf>,
    /// How long loading may take.
    pub limit: Duration,
    /// The file that the words of program and library go to.
    pub log: PathBuf,
}

impl Wanted {
    fn command(&self) -> Vec<String> {
        let word = |path: &PathBuf| path.to_string_lossy().into_owned();
        let mut command = vec![word(&self.program), word(&self.model.file)];
        command.extend(self.options.words());
        command.extend(self.onnxruntime.iter().flat_map(|library| ["--onnxruntime".to_owned(), word(library)]));
        command
    }
}

/// Loads and serves it; `over` ends the waiting. It ends where what is given back is dropped, and with this program however
/// that ends: it holds the other end of its input.
///
/// # Errors
/// If it cannot be started, does not load the model, or not in time: with its last words.
pub async fn start(wanted: &Wanted, over: impl Future<Output = ()>) -> Result<(Server, Serving), Problem> {
    let server = server::Wanted {
        command: wanted.command(),
        ready_url: String::new(),
        limit: wanted.limit,
        grace: GRACE,
        log: wanted.log.clone(),
    };
    let what = format!("The model {} is not served.", wanted.model.file.display());
    let started = server::start_saying(&server, SIGN, over).await;
    let (mut server, line) = started.map_err(|problem| Problem { what, ..problem })?;
    let serving = Serving::read(&line)?;
    server.is_model(serving.clone());
    Ok((server, serving))
}

//! The program `pilothouse-model`: loads a model from a file and serves it on this machine alone, for `pilothouse bench` to
//! measure. It says on its output where, in one line, and ends once its input ends: whoever started it has gone then, however.
//!
//! GGUF files are served as OpenAI's `/v1/completions` and `/v1/chat/completions`, always in pieces, a piece a token; ONNX files
//! as the Open Inference Protocol v2 over REST. Nothing is kept of a prompt for the next one: equal requests do equal work.

mod args;
mod counted;
mod gguf;
mod http;
mod onnx;
mod served;

use args::{Arguments, Format};
use clap::Parser;
use served::Served;
use std::{
    io::{Read, Write},
    process::ExitCode,
    sync::Arc,
};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match serve(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "{why}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(of: &Arguments) -> Result<(), String> {
    // Before minutes are spent on loading: whoever waits may give up meanwhile.
    end_with_input()?;
    let served = match of.format()? {
        Format::Gguf => Served::Gguf(gguf::load(of)?),
        Format::Onnx => Served::Onnx(onnx::load(of)?),
    };
    let listener = TcpListener::bind(("127.0.0.1", of.port)).await;
    let listener = listener.map_err(|error| format!("No port of this machine can be listened at: {error}."))?;
    let at = listener.local_addr().map_err(|error| format!("This machine does not say where it listens: {error}."))?;
    let line = served.line(of, &format!("http://{at}"));
    let said = writeln!(std::io::stdout(), "{line}").and_then(|()| std::io::stdout().flush());
    said.map_err(|error| format!("Nobody hears where it is served: {error}."))?;
    http::serve(listener, Arc::new(served)).await
}

/// Ends this program once nobody holds the other end of its input.
fn end_with_input() -> Result<(), String> {
    let wait = || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    };
    let begun = std::thread::Builder::new().name("input".into()).spawn(wait);
    begun.map(drop).map_err(|error| format!("This system gives no thread: {error}."))
}

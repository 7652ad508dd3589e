//! The scripted server that benchmarks are held against, by itself: `truth TTFT_MS GAP_MS SIGMA LOG [PORT]`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    acceptance::truth::program(&words).await
}

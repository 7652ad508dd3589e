//! The desktop door: one window with one engine behind it. Two commands, and no decision.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod door;
mod engine;
mod link;
mod menu;
mod notices;
mod page;
mod picture;
mod saved;
mod wall;
mod window;

use std::{io::IsTerminal, process::ExitCode};

fn main() -> ExitCode {
    log();
    picture::fit();
    // The one TLS provider of this process. Only a second call could fail.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match window::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the window cannot be opened");
            ExitCode::FAILURE
        }
    }
}

/// Logs to stderr: what went wrong, or more if somebody asks for it with `PILOTHOUSE_LOG=debug`.
fn log() {
    let wanted = std::env::var("PILOTHOUSE_LOG").unwrap_or_else(|_| "warn".to_owned());
    let ansi = std::io::stderr().is_terminal();
    let filter = tracing_subscriber::EnvFilter::new(wanted);
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi).try_init();
}

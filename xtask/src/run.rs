//! `./run`: builds the program and opens its window; where there is no display, starts the browser
//! door on loopback.

use std::env;
use std::path::PathBuf;

use crate::setup::{Purpose, prepare};
use crate::{Outcome, command, heal, repo, sources, ui};

/// What is opened.
#[derive(clap::Args)]
pub struct Options {
    /// The browser door, though there is a display
    #[arg(long)]
    browser: bool,
    /// Build quickly; the program itself is slower
    #[arg(long)]
    dev: bool,
    /// Build all programs, say where they are, and open none
    #[arg(long)]
    build: bool,
    /// Passed on to the program
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// A program, and how it is started.
struct Door {
    package: &'static str,
    program: &'static str,
    features: &'static [&'static str],
    arguments: &'static [&'static str],
}

const WINDOW: Door = Door {
    package: "pilothouse-desktop",
    program: "pilothouse-desktop",
    features: &["custom-protocol"],
    arguments: &[],
};

const BROWSER: Door = Door { package: "pilothouse-cli", program: "pilothouse", features: &[], arguments: &["serve"] };

/// The verb.
pub fn run(options: &Options) -> Outcome {
    prepare(Purpose::Run)?;
    ui::run(&ui::RELEASE)?;
    if options.build {
        for door in [&BROWSER, &WINDOW] {
            println!("Built: {}", build(door, options.dev)?.display());
        }
        return Ok(());
    }
    let door = if options.browser || !has_display() { &BROWSER } else { &WINDOW };
    let program = build(door, options.dev)?;
    if door.program == BROWSER.program && !options.browser {
        println!("There is no display here, so Pilothouse opens in a browser on this machine.");
    }
    // The program may be ended by a signal, and we with it.
    sources::confirm();
    let mut program = command::program(program);
    program.args(door.arguments).args(&options.arguments);
    command::show(&mut program)
}

fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| env::var_os(name).is_some_and(|v| !v.is_empty()))
}

fn build(door: &Door, dev: bool) -> Result<PathBuf, String> {
    let (profile, folder) = if dev { ("dev", "debug") } else { ("release", "release") };
    println!("Building {} ({profile}); the first time takes minutes.", door.program);
    let mut cargo = command::cargo();
    cargo.args(["build", "--package", door.package, "--bin", door.program, "--profile", profile]);
    for feature in door.features {
        cargo.args(["--features", feature]);
    }
    heal::cargo(&mut cargo, &repo::host_target(), folder)?;
    Ok(repo::host_target().join(folder).join(door.program))
}

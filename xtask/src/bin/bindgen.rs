//! The wasm-bindgen step of `cargo xtask ui`: `bindgen IN.wasm OUT_DIR NAME [debug]`.

use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, folder, name, rest @ ..] = arguments.as_slice() else {
        eprintln!("usage: bindgen IN.wasm OUT_DIR NAME [debug]");
        return ExitCode::from(2);
    };
    match generate(input, folder, name, rest.iter().any(|word| word == "debug")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wasm-bindgen: {error:#}");
            ExitCode::FAILURE
        }
    }
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn generate(input: &str, folder: &str, name: &str, debug: bool) -> Outcome {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(input).out_name(name).typescript(false);
    bindgen.web(true).map_err(|error| format!("{error:#}"))?;
    bindgen.debug(debug).keep_debug(false).remove_name_section(!debug);
    bindgen.generate(folder).map_err(|error| format!("{error:#}"))?;
    Ok(())
}

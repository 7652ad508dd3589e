//! Where the program is that loads models.

use pilothouse_wire::{Code, Problem};
use std::path::{Path, PathBuf};

/// The variable that says where it is.
pub const VARIABLE: &str = "PILOTHOUSE_MODEL";
/// What it is called.
const NAME: &str = if cfg!(windows) { "pilothouse-model.exe" } else { "pilothouse-model" };

/// Finds it: where somebody says, beside this program, or on the path.
///
/// # Errors
/// If it is nowhere, and how to get one.
pub fn find(said: Option<&Path>) -> Result<PathBuf, Problem> {
    let missing = |what: String, why: &str| {
        Problem::new(Code::NotFound, what)
            .why(why.to_owned())
            .next("Build it once, from the sources of Pilothouse: cargo xtask model. It takes minutes, for llama.cpp.")
    };
    let named = said
        .map(Path::to_path_buf)
        .or_else(|| std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from));
    if let Some(program) = named {
        let what = format!("There is no program {}.", program.display());
        return if program.is_file() { Ok(program) } else { Err(missing(what, "It was named to load models.")) };
    }
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(NAME)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = beside.into_iter().chain(std::env::split_paths(&path).map(|folder| folder.join(NAME)));
    places.into_iter().find(|place| place.is_file()).ok_or_else(|| {
        missing(
            format!("The program {NAME} is not there."),
            "It loads models out of files, and is neither beside this program nor on the path.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_taken_and_what_is_nowhere_says_how_to_get_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own");
        std::fs::write(&file, "").unwrap();
        assert_eq!(find(Some(&file)).unwrap(), file);
        let problem = find(Some(&folder.path().join("none"))).unwrap_err();
        assert!(problem.next.unwrap_or_default().contains("cargo xtask model"));
    }
}

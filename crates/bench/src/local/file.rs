//! A file of a model, looked at: is it there, what is it, is all of it there. Nothing of its weights is read.

use super::{gguf, onnx};
use pilothouse_wire::{Code, Problem, units::bytes};
use std::{
    fs::File,
    io::{BufReader, Read, Seek},
    path::{Path, PathBuf},
};

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Of llama.cpp.
    Gguf,
    /// Of ONNX.
    Onnx,
}

/// A file of a model that is whole, as far as its own words go.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Where it is.
    pub file: PathBuf,
    /// What it is.
    pub format: Format,
    /// How long it is.
    pub bytes: u64,
    /// What a GGUF tells of itself.
    pub header: Option<gguf::Header>,
}

/// Is this the name of a file of a model?
#[must_use]
pub fn is_called_like_one(typed: &str) -> bool {
    format(Path::new(typed)).is_some() && !typed.contains("://")
}

fn format(file: &Path) -> Option<Format> {
    match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "gguf" => Some(Format::Gguf),
        "onnx" => Some(Format::Onnx),
        _ => None,
    }
}

impl Model {
    /// What it is called: the name of its file.
    #[must_use]
    pub fn name(&self) -> String {
        self.file.file_stem().map_or_else(|| "model".to_owned(), |stem| stem.to_string_lossy().into_owned())
    }
}

/// Looks at a file.
///
/// # Errors
/// If it is not there, is no model, or is not whole; each with the file.
pub fn look(file: &Path) -> Result<Model, Problem> {
    let unusable = |why: String, next: &str| {
        Problem::new(Code::BadInput, format!("The model {} cannot be loaded.", file.display())).why(why).next(next)
    };
    const GIVE: &str = "Give the file of a model: a .gguf of llama.cpp, or a .onnx.";
    let Some(format) = format(file) else {
        return Err(unusable("It is called neither .gguf nor .onnx.".into(), GIVE));
    };
    let meta = std::fs::metadata(file).map_err(|error| unusable(format!("{error}."), GIVE))?;
    if !meta.is_file() {
        return Err(unusable("It is no file.".into(), GIVE));
    }
    let length = meta.len();
    let mut opened = File::open(file).map_err(|error| unusable(format!("{error}."), "Check its rights."))?;
    let mut first = [0; FIRST];
    let read = opened.read(&mut first).and_then(|read| opened.rewind().map(|()| read));
    let first = &first[..read.map_err(|error| unusable(format!("{error}."), "Check its rights."))?];
    if let Some(other) = another(first) {
        return Err(unusable(format!("It is {other}."), GIVE));
    }
    let header = match format {
        Format::Gguf => gguf::read(BufReader::new(opened), length).map(Some).map_err(|wrong| wrong.to_string()),
        Format::Onnx => onnx::read(BufReader::new(opened), length).map(|_| None).map_err(|wrong| wrong.to_string()),
    };
    let next = "Fetch it once more, and compare its length and its check sum with those where it is from.";
    let header = header.map_err(|why| unusable(format!("{why} It has {}.", bytes(length)), next))?;
    Ok(Model { file: file.to_owned(), format, bytes: length, header })
}

/// As many bytes say what a file is instead.
const FIRST: usize = 64;

/// What a file is that is often taken for a model.
fn another(first: &[u8]) -> Option<&'static str> {
    let text = first.trim_ascii_start();
    Some(match first {
        [] => "empty",
        _ if text.starts_with(b"version https://git-lfs") => {
            "a pointer of Git LFS, and not the file that it stands for: git lfs pull fetches that"
        }
        _ if text.starts_with(b"<") => "a page of HTML or XML: whoever fetched it was refused",
        _ if text.starts_with(b"{") => "JSON",
        [b'P', b'K', 3, 4, ..] => "a ZIP archive, as PyTorch saves models",
        [0x1f, 0x8b, ..] => "packed by gzip",
        [0x80, 2..=5, ..] => "a pickle of Python",
        [_, _, _, _, _, 0, 0, 0, b'{', ..] => "a model of safetensors",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, content: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        let problem = look(&file).unwrap_err();
        assert!(problem.what.contains(name) && problem.next.is_some(), "{problem:?}");
        problem.why.unwrap_or_default()
    }

    #[test]
    fn what_is_no_model_says_what_it_is() {
        for (name, content, want) in [
            ("a.gguf", &b""[..], "It is empty."),
            ("a.onnx", b"<!DOCTYPE html>", "a page of HTML"),
            ("a.gguf", b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS"),
            ("a.gguf", b"PK\x03\x04rest", "a ZIP archive"),
            ("a.gguf", b"\x40\x01\x00\x00\x00\x00\x00\x00{\"__metadata__\":{}}", "safetensors"),
            ("a.onnx", b"\x80\x04\x95rest", "a pickle"),
            ("a.gguf", b"nothing at all", "It does not begin with GGUF"),
            ("a.gguf", b"GGUF\x03\x00\x00\x00", "It ends within its head"),
            ("a.onnx", b"nothing at all", "It is no model of ONNX"),
            ("a.bin", b"GGUF", "neither .gguf nor .onnx"),
        ] {
            let why = refused(name, content);
            assert!(why.contains(want), "{name}: {why}");
        }
        let folder = tempfile::tempdir().unwrap();
        let none = look(&folder.path().join("none.gguf")).unwrap_err();
        assert!(none.what.contains("none.gguf") && none.why.unwrap_or_default().contains("No such file"));
        let within = folder.path().join("folder.gguf");
        std::fs::create_dir(&within).unwrap();
        assert_eq!(look(&within).unwrap_err().why.as_deref(), Some("It is no file."));
    }

    #[test]
    fn a_file_of_a_model_is_known_by_its_name() {
        for (typed, want) in [
            ("a.gguf", true),
            ("b/C.ONNX", true),
            ("http://h/a.gguf", false),
            ("chat-70b", false),
            ("a.gguf.txt", false),
        ] {
            assert_eq!(is_called_like_one(typed), want, "{typed}");
        }
    }
}

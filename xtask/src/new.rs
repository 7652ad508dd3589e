//! `cargo xtask new connector NAME` and `new screen NAME`: the file, the word in the catalog, and a
//! test that fails until the thing is real.

mod templates;

use std::fs;
use std::path::Path;

use crate::{Outcome, repo};

/// What is started.
#[derive(clap::Subcommand)]
pub enum What {
    /// A connector: a source of facts
    Connector {
        /// Its name, as a module: prometheus, model_registry
        name: String,
        /// The crate of its transport, below crates/: connect-kube for what is listed and watched there
        #[arg(long = "in", value_name = "CRATE")]
        home: String,
    },
    /// A screen of the interface
    Screen {
        /// Its name, as a module: fleet, cost
        name: String,
    },
}

/// The verb.
pub fn run(what: &What) -> Outcome {
    match what {
        What::Connector { name, home } => connector(name, home),
        What::Screen { name } => screen(name),
    }
}

fn connector(name: &str, home: &str) -> Outcome {
    must_be_a_module(name)?;
    let source = repo::root().join("crates").join(home).join("src");
    if !source.is_dir() {
        let crates = crates_that_connect().join(", ");
        return Err(format!("There is no crates/{home}. Next: --in one of {crates}."));
    }
    create(&source.join(name).with_extension("rs"), &fill(templates::CONNECTOR, name))?;
    edit(&source.join("lib.rs"), |text| Some(with_module(text, name)))?;
    let word = format!("pilothouse_{}::{name}", home.replace('-', "_"));
    edit(&repo::root().join("crates/engine/src/table.rs"), |text| with_word(text, "connectors![", &word))?;
    println!("Next: cargo test --package pilothouse-{home} {name}");
    Ok(())
}

fn screen(name: &str) -> Outcome {
    must_be_a_module(name)?;
    let ui = repo::root().join("ui");
    create(&ui.join("src/screens").join(name).with_extension("rs"), &fill(templates::SCREEN, name))?;
    edit(&ui.join("src/screens.rs"), |text| with_word(text, "screens![", name))?;
    println!("Next: cargo test --package pilothouse-ui screens");
    Ok(())
}

fn must_be_a_module(name: &str) -> Outcome {
    let mut letters = name.chars();
    let starts = letters.next().is_some_and(|first| first.is_ascii_lowercase());
    let is_word = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if starts && letters.all(is_word) {
        return Ok(());
    }
    Err(format!("{name:?} is no name for a module: small letters, digits and _ only."))
}

fn crates_that_connect() -> Vec<String> {
    let crates = fs::read_dir(repo::root().join("crates")).into_iter().flatten().flatten();
    let names = crates.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("connect-")).collect()
}

fn create(file: &Path, text: &str) -> Outcome {
    if file.exists() {
        return Err(format!("{} is there already.", shown(file)));
    }
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    println!("new      {}", shown(file));
    Ok(())
}

fn edit(file: &Path, change: impl Fn(&str) -> Option<String>) -> Outcome {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let changed = change(&text).ok_or_else(|| format!("{} has no catalog to add a word to.", shown(file)))?;
    fs::write(file, changed).map_err(|error| format!("{}: {error}", file.display()))?;
    println!("changed  {}", shown(file));
    Ok(())
}

/// The text with one more word at the end of the list that `opening` begins.
fn with_word(text: &str, opening: &str, word: &str) -> Option<String> {
    let start = text.rfind(opening)? + opening.len();
    let end = start + text[start..].find(']')?;
    let list = text[start..end].trim_end().trim_end_matches(',');
    let separator = if list.is_empty() { "" } else { ", " };
    Some(format!("{}{list}{separator}{word}{}", &text[..start], &text[end..]))
}

/// The text with one more module, after the others.
fn with_module(text: &str, name: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let is_module = |line: &String| line.starts_with("mod ") || line.starts_with("pub mod ");
    match lines.iter().rposition(is_module) {
        Some(last) => lines.insert(last + 1, format!("pub mod {name};")),
        None => lines.extend([String::new(), format!("pub mod {name};")]),
    }
    lines.join("\n") + "\n"
}

/// A template with the name as a module (`cost_model`) and for people (`Cost model`).
fn fill(template: &str, name: &str) -> String {
    let words = name.replace('_', " ");
    let title = words[..1].to_uppercase() + &words[1..];
    template.replace("NAME", name).replace("TITLE", &title)
}

fn shown(file: &Path) -> String {
    file.strip_prefix(repo::root()).unwrap_or(file).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::{fill, must_be_a_module, templates, with_module, with_word};
    use crate::repo;

    /// A field that the template lacks is a template that does not compile: nobody builds one in every test.
    #[test]
    fn templates_have_every_field_of_what_they_fill() -> std::io::Result<()> {
        for (file, of, template) in [
            ("ui/src/screens.rs", "pub struct Screen {", templates::SCREEN),
            ("crates/connect/src/kind.rs", "pub struct Kind {", templates::CONNECTOR),
            ("crates/connect/src/kind.rs", "pub struct FieldSpec {", templates::CONNECTOR),
        ] {
            let text = std::fs::read_to_string(repo::root().join(file))?;
            let body = text.split_once(of).and_then(|(_, rest)| rest.split_once("\n}")).map(|(body, _)| body);
            let fields = body.unwrap_or_default().lines().filter_map(|line| line.trim().strip_prefix("pub "));
            let names: Vec<&str> = fields.filter_map(|field| Some(field.split_once(':')?.0)).collect();
            assert!(!names.is_empty(), "{of}");
            let lacks = |name: &&str| {
                let is = |line: &str| line.trim() == format!("{name},") || line.trim().starts_with(&format!("{name}:"));
                !template.lines().any(is)
            };
            assert_eq!(names.iter().find(|name| lacks(name)), None, "{of}");
        }
        Ok(())
    }

    #[test]
    fn a_word_goes_to_the_end_of_the_list() {
        let text = "macro_rules! screens { [$x] => {} }\nscreens![fleet, connections];\n";
        let want = "macro_rules! screens { [$x] => {} }\nscreens![fleet, connections, cost];\n";
        assert_eq!(with_word(text, "screens![", "cost").as_deref(), Some(want));
        assert_eq!(
            with_word("connectors![];", "connectors![", "a::mlflow").as_deref(),
            Some("connectors![a::mlflow];")
        );
        assert_eq!(with_word("nothing", "connectors![", "mlflow"), None);
    }

    #[test]
    fn a_module_goes_after_the_others() {
        assert_eq!(with_module("//! A.\n\nmod b;\nuse b::B;\n", "c"), "//! A.\n\nmod b;\npub mod c;\nuse b::B;\n");
        assert_eq!(with_module("//! A.\n", "c"), "//! A.\n\npub mod c;\n");
    }

    #[test]
    fn names_are_modules() {
        assert!(must_be_a_module("model_registry").is_ok());
        assert!(must_be_a_module("../x").is_err() && must_be_a_module("Cost").is_err());
        assert_eq!(fill("NAME: TITLE", "cost_model"), "cost_model: Cost model");
    }
}

//! `cargo xtask tidy`: house rules that no other tool checks. Each fault says what to do.

use std::fs;

use crate::{Outcome, command, repo};

/// Lines after which a file is mentioned, and after which it fails.
const LONG: usize = 500;
const TOO_LONG: usize = 800;

/// Files that may be longer, each with the reason.
const MAY_BE_LONG: &[(&str, &str)] = &[];

/// Folders of one machine. Written in halves, so that this file does not find itself.
const MACHINE_PATHS: &[&str] = &[concat!("/ro", "ot/"), concat!("/wo", "rk/")];

/// The kinds of file that people write here.
const SOURCES: &[&str] = &[".rs", ".go", ".css", ".toml", ".sh", ".html", ".js"];

/// What `lib.rs` is not for.
const ITEMS: &[&str] = &["fn ", "async fn ", "struct ", "enum ", "trait ", "impl ", "impl<", "const ", "static "];

/// The verb.
pub fn run() -> Outcome {
    let tree = Tree::read()?;
    let rules = [first_lines, lengths, module_files, lib_files, todos, machine_paths, types_twice];
    let mut faults: Vec<String> = rules.iter().flat_map(|rule| rule(&tree)).collect();
    faults.extend(architecture()?);
    if faults.is_empty() {
        println!("{} files are tidy.", tree.files.len());
        return Ok(());
    }
    Err(faults.join("\n"))
}

/// The text files of the repository, also those that are not committed yet.
struct Tree {
    files: Vec<(String, String)>,
}

impl Tree {
    fn read() -> Result<Tree, String> {
        let mut git = command::program("git");
        git.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
        let names = command::quiet(&mut git)?;
        let text = |name: &str| {
            // Not text, or just removed: nothing to read.
            let text = fs::read_to_string(repo::root().join(name)).ok()?;
            Some((name.to_owned(), text))
        };
        Ok(Tree { files: names.split_terminator('\0').filter_map(text).collect() })
    }

    fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.with_end(&[".rs"])
    }

    fn with_end(&self, ends: &'static [&str]) -> impl Iterator<Item = (&str, &str)> {
        let fits = move |name: &str| ends.iter().any(|end| name.ends_with(end));
        let all = self.files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        all.filter(move |(name, _)| fits(name))
    }
}

fn first_lines(tree: &Tree) -> Vec<String> {
    let bare = tree.rust().filter(|(_, text)| !text.starts_with("//!"));
    bare.map(|(name, _)| format!("{name}: the first line is a //! sentence: what is this for?")).collect()
}

fn lengths(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, text) in tree.rust() {
        let lines = text.lines().count();
        let listed = MAY_BE_LONG.iter().any(|(path, _)| *path == name);
        if lines > TOO_LONG && !listed {
            faults.push(format!("{name}: {lines} lines, {TOO_LONG} at most: split it by purpose"));
        } else if lines > LONG {
            println!("  {name}: {lines} lines; over {LONG} is worth a split");
        }
    }
    faults
}

fn module_files(tree: &Tree) -> Vec<String> {
    // Cargo wants the shared code of integration tests in a mod.rs.
    let old = tree.rust().filter(|(name, _)| name.ends_with("/mod.rs") && !name.contains("tests/"));
    old.map(|(name, _)| format!("{name}: name the file after the module, beside its folder")).collect()
}

fn lib_files(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, text) in tree.rust().filter(|(name, _)| name.ends_with("src/lib.rs")) {
        let is_item = |line: &str| {
            let line = line.strip_prefix("pub ").unwrap_or(line);
            ITEMS.iter().any(|item| line.starts_with(item))
        };
        if let Some((number, line)) = text.lines().enumerate().find(|(_, line)| is_item(line)) {
            let number = number + 1;
            faults.push(format!("{name}:{number}: lib.rs holds docs and modules only, not `{line}`"));
        }
    }
    faults
}

fn todos(tree: &Tree) -> Vec<String> {
    let word = concat!("TO", "DO");
    let named =
        |line: &str| line.split('#').skip(1).any(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()));
    faulty_lines(tree, SOURCES, |line| line.contains(word) && !named(line), "names no issue (#12)")
}

fn machine_paths(tree: &Tree) -> Vec<String> {
    let is_start =
        |before: Option<char>| !before.is_some_and(|letter| letter.is_alphanumeric() || "._-~}".contains(letter));
    let has = |line: &str| {
        MACHINE_PATHS
            .iter()
            .any(|path| line.match_indices(path).any(|(at, _)| is_start(line[..at].chars().next_back())))
    };
    faulty_lines(tree, &[""], has, "is a path of one machine")
}

fn types_twice(tree: &Tree) -> Vec<String> {
    let word = "Deserialize";
    let ui = tree.rust().filter(|(name, text)| name.starts_with("ui/") && text.contains(word));
    ui.map(|(name, _)| format!("{name}: types that cross the wire live in crates/wire")).collect()
}

fn faulty_lines(tree: &Tree, ends: &'static [&str], is_fault: impl Fn(&str) -> bool, why: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, text) in tree.with_end(ends) {
        let lines = text.lines().enumerate().filter(|(_, line)| is_fault(line));
        faults.extend(lines.map(|(number, line)| format!("{name}:{}: {why}: {}", number + 1, line.trim())));
    }
    faults
}

/// Each package has a row in a table of ARCHITECTURE.md.
fn architecture() -> Result<Vec<String>, String> {
    let Ok(text) = fs::read_to_string(repo::root().join("ARCHITECTURE.md")) else {
        return Ok(Vec::new());
    };
    let metadata = repo::metadata()?;
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    let mut faults = Vec::new();
    for package in repo::packages(&metadata) {
        let name = package["name"].as_str().unwrap_or_default();
        let short = name.strip_prefix("pilothouse-").unwrap_or(name);
        let words = [format!("`{name}`"), format!("`{short}`"), format!("`crates/{short}`")];
        if !rows.iter().any(|row| words.iter().any(|word| row.contains(word))) {
            faults.push(format!("ARCHITECTURE.md: {name} has no row in a table"));
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::{Tree, lib_files, machine_paths, todos};

    fn tree(name: &str, text: &str) -> Tree {
        Tree { files: vec![(name.to_owned(), text.to_owned())] }
    }

    #[test]
    fn a_path_of_this_machine_is_found_and_an_address_is_not() {
        let path = concat!("/ro", "ot/x");
        assert_eq!(machine_paths(&tree("a.toml", &format!("at = \"{path}\""))).len(), 1);
        assert_eq!(machine_paths(&tree("a.md", &format!("http://host{path}"))).len(), 0);
    }

    #[test]
    fn what_is_left_to_do_names_its_issue() {
        let word = concat!("TO", "DO");
        assert_eq!(todos(&tree("a.rs", &format!("// {word}: later"))).len(), 1);
        assert_eq!(todos(&tree("a.rs", &format!("// {word}(#12): later"))).len(), 0);
    }

    #[test]
    fn lib_holds_modules_only() {
        assert_eq!(lib_files(&tree("crates/a/src/lib.rs", "//! A.\npub mod b;\npub use b::C;")).len(), 0);
        assert_eq!(lib_files(&tree("crates/a/src/lib.rs", "//! A.\npub fn b() {}")).len(), 1);
    }
}

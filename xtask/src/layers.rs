//! `cargo xtask layers`: a crate uses only crates of lower layers. The table is here; ARCHITECTURE.md
//! explains it.

use serde_json::Value;

use crate::{Outcome, repo};

/// Each layer from the lowest, with the packages in it. `*` stands for the rest of a name.
const LAYERS: &[&[&str]] = &[
    &["wire"],
    &["world", "chart", "vault"],
    &["insight", "actions", "connect"],
    &["journal", "connect-*"],
    &["bench"],
    &["engine"],
    &["desktop", "serve", "cli"],
    &["acceptance"],
];

/// Arrows within one layer that are allowed.
const ACROSS: &[(&str, &str, &str)] = &[
    ("cli", "serve", "`pilothouse serve` opens the browser door"),
    ("desktop", "serve", "the window opens a wall"),
    ("connect-mlflow", "connect-http", "the client, the trust and the words of all servers that are asked over HTTP"),
    ("connect-oci", "connect-http", "a registry is asked by the client of all that is asked over HTTP"),
];

/// Packages that may use only these, though lower layers hold more.
const NARROW: &[(&str, &[&str], &str)] =
    &[("ui", &["wire", "chart"], "the interface draws frames of the wire and decides nothing")];

/// Packages that only these may use.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("connect-demo", &["engine"], "nothing but the engine's table of connectors may name the demo"),
    ("ui", &[], "the interface is loaded by a web view, never linked"),
    ("xtask", &[], "the product does not need the developer's tools"),
    ("acceptance", &[], "the product does not need its tests"),
];

/// The verb.
pub fn run() -> Outcome {
    let metadata = repo::metadata()?;
    let packages = repo::packages(&metadata);
    let arrows: Vec<Arrow> = packages.iter().flat_map(|package| arrows(package)).collect();
    let mut wrong: Vec<String> = arrows.iter().filter_map(Arrow::fault).collect();
    let unplaced = packages.iter().map(|package| short(text(&package["name"])));
    let unplaced = unplaced.filter(|name| !["ui", "xtask"].contains(name) && layer(name).is_none());
    wrong.extend(unplaced.map(|name| format!("{name} has no layer: give it one in {}", file!())));
    if wrong.is_empty() {
        let all = packages.len();
        println!("{all} packages, {} arrows between them, all of them down.", arrows.len());
        return Ok(());
    }
    Err(wrong.join("\n"))
}

/// One package's use of another of ours.
struct Arrow {
    from: String,
    to: String,
    dev: bool,
}

impl Arrow {
    /// Why this arrow may not be, if it may not.
    fn fault(&self) -> Option<String> {
        let Arrow { from, to, .. } = self;
        self.reason().map(|why| format!("{from} → {to}: {why}"))
    }

    fn reason(&self) -> Option<String> {
        let (from, to) = (self.from.as_str(), self.to.as_str());
        let narrow = NARROW.iter().find(|(name, ..)| *name == from);
        if let Some((_, only, why)) = narrow {
            return (!only.contains(&to)).then(|| format!("{why}; it may use {}", only.join(", ")));
        }
        let reserved = RESERVED.iter().find(|(name, ..)| *name == to);
        if let Some((_, by, why)) = reserved.filter(|_| !self.dev)
            && !by.contains(&from)
        {
            return Some((*why).to_owned());
        }
        if ACROSS.iter().any(|(high, low, _)| (*high, *low) == (from, to)) {
            return None;
        }
        let (high, low) = (layer(from)?, layer(to)?);
        let equal_is_fine = self.dev && high == low;
        (low >= high && !equal_is_fine)
            .then(|| format!("layer {high} may use only what is below it, and {to} is in layer {low}"))
    }
}

fn arrows(package: &Value) -> Vec<Arrow> {
    let from = short(text(&package["name"]));
    let all = package["dependencies"].as_array().into_iter().flatten();
    let ours = all.filter(|dependency| dependency["path"].is_string());
    let arrow = |dependency: &Value| Arrow {
        from: from.to_owned(),
        to: short(text(&dependency["name"])).to_owned(),
        dev: dependency["kind"] == "dev",
    };
    ours.map(arrow).collect()
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| {
        layer.iter().any(|word| match word.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => *word == name,
        })
    })
}

fn short(name: &str) -> &str {
    name.strip_prefix("pilothouse-").unwrap_or(name)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Arrow;

    #[track_caller]
    fn check(from: &str, to: &str, dev: bool, allowed: bool) {
        let arrow = Arrow { from: from.to_owned(), to: to.to_owned(), dev };
        assert_eq!(arrow.fault().is_none(), allowed, "{:?}", arrow.fault());
    }

    #[test]
    fn down_is_allowed() {
        check("world", "wire", false, true);
        check("engine", "connect-demo", false, true);
        check("acceptance", "serve", false, true);
    }

    #[test]
    fn up_and_across_are_not() {
        check("wire", "world", false, false);
        check("world", "vault", false, false);
        check("connect-kube", "connect-http", false, false);
        check("serve", "cli", false, false);
        check("cli", "serve", false, true);
    }

    #[test]
    fn tests_may_look_across_but_not_up() {
        check("connect-http", "connect-kube", true, true);
        check("connect", "engine", true, false);
    }

    #[test]
    fn the_interface_uses_wire_and_chart_only() {
        check("ui", "wire", false, true);
        check("ui", "chart", false, true);
        check("ui", "world", false, false);
    }

    #[test]
    fn only_the_engine_names_the_demo() {
        check("serve", "connect-demo", false, false);
        check("bench", "connect-demo", false, false);
    }
}

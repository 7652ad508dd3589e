//! Finding and reading the files.

use super::{Merged, Placed, form::File, inside::Inside};
use crate::small_file::{self, Unread};
use pilothouse_wire::{Code, Problem};
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// No kubeconfig that people write is larger; what is larger is something else.
const LARGEST_MIB: u64 = 16;

/// The files that kubectl would read: the list in `KUBECONFIG`, else `~/.kube/config`. A file that is named is used
/// instead of both.
#[must_use]
pub fn files(named: Option<&str>) -> Vec<PathBuf> {
    let home = std::env::home_dir();
    if let Some(named) = named.filter(|named| !named.trim().is_empty()) {
        return vec![expand(named.trim(), home.as_deref())];
    }
    let listed: Vec<PathBuf> = std::env::var_os("KUBECONFIG")
        .map(|list| std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    if listed.is_empty() { home.map(|home| home.join(".kube").join("config")).into_iter().collect() } else { listed }
}

/// A path as people write it: what is in the home folder begins with `~`.
#[must_use]
pub fn shown(path: &Path) -> String {
    shown_from(path, std::env::home_dir().as_deref())
}

fn shown_from(path: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => Path::new("~").join(rest).display().to_string(),
        None => path.display().to_string(),
    }
}

fn expand(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

/// Reads files and makes one of them. What cannot be read is a problem among the rest, not the end.
#[must_use]
pub fn merged(files: Vec<PathBuf>) -> Merged {
    let mut merged = Merged::default();
    for file in &files {
        merged.add(file, read(file));
    }
    merged.files = files;
    merged
}

/// What there is to connect by: these files, and behind them the service account of the pod that we run in, if we do. A
/// file that is `named` stands for itself.
#[must_use]
pub fn known(files: Vec<PathBuf>, named: bool) -> Merged {
    let mut merged = merged(files);
    if let Some(inside) = Inside::of_env().filter(|_| !named) {
        merged.add_inside(inside);
    }
    merged
}

/// As [`merged`], of one file with this text.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn merged_text(file: &Path, text: &str) -> Merged {
    let mut merged = Merged { files: vec![file.to_owned()], ..Merged::default() };
    merged.add(file, parse(file, text));
    merged
}

impl Merged {
    fn add(&mut self, file: &Path, read: Result<File, Problem>) {
        match read {
            Ok(form) => self.take(file, form),
            Err(problem) => self.problems.push(problem),
        }
    }

    fn take(&mut self, file: &Path, form: File) {
        let place = |name: String| (name, file.to_owned());
        for named in form.contexts.unwrap_or_default() {
            let (name, file) = place(named.name);
            add(&mut self.contexts, Placed { name, file, it: named.context.unwrap_or_default() });
        }
        for named in form.clusters.unwrap_or_default() {
            let (name, file) = place(named.name);
            add(&mut self.clusters, Placed { name, file, it: named.cluster.unwrap_or_default() });
        }
        for named in form.users.unwrap_or_default() {
            let (name, file) = place(named.name);
            add(&mut self.users, Placed { name, file, it: named.user.unwrap_or_default() });
        }
        self.current = self.current.take().or(form.current_context.filter(|current| !current.is_empty()));
    }
}

/// The first of a name is believed.
fn add<T>(list: &mut Vec<Placed<T>>, placed: Placed<T>) {
    if !list.iter().any(|known| known.name == placed.name) {
        list.push(placed);
    }
}

fn read(file: &Path) -> Result<File, Problem> {
    let text = text(file)?;
    parse(file, &text)
}

fn parse(file: &Path, text: &str) -> Result<File, Problem> {
    let shown = file.display();
    if text.trim().is_empty() {
        return Err(Problem::new(Code::BadInput, format!("{shown} is empty."))
            .next("Write a kubeconfig there, or name another file."));
    }
    serde_saphyr::from_str(text).map_err(|error| {
        // The library's own text may quote the file, and so a secret: only the place and the sort of fault are told.
        let at =
            error.location().map_or_else(String::new, |at| format!(" at line {}, column {}", at.line(), at.column()));
        let first = text.trim_start().chars().next();
        let why = if first.is_some_and(|c| c == '<' || c.is_control()) {
            "It is no YAML, and begins like something else."
        } else {
            "It is not the YAML of a kubeconfig there."
        };
        Problem::new(Code::BadInput, format!("{shown} cannot be read{at}."))
            .why(why)
            .next("Correct the file; it is read again at the next attempt.")
    })
}

fn text(file: &Path) -> Result<String, Problem> {
    let shown = file.display();
    small_file::read(file, LARGEST_MIB).map_err(|why| {
        let cannot = |what: &str| Problem::new(Code::BadInput, format!("{shown} {what}."));
        match &why {
            Unread::NotAFile => cannot("is not a file").next("Name the file itself."),
            Unread::TooLarge(mib) => cannot(&format!("is larger than {mib} MiB"))
                .why("A kubeconfig is a few thousand bytes.")
                .next("Name the right file."),
            Unread::NotText => cannot("is not text").next("Name the file of the kubeconfig."),
            Unread::System(error) if error.kind() == ErrorKind::NotFound => {
                cannot("does not exist").next("Name another file, or set KUBECONFIG.")
            }
            Unread::System(_) => {
                cannot("cannot be read").why(why.reason()).next("Name another file, or set KUBECONFIG.")
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_folder_is_not_spelt_out() {
        let shown = |path: &str| shown_from(Path::new(path), Some(Path::new("/home/ann")));
        assert_eq!(shown("/home/ann/.kube/config"), "~/.kube/config");
        assert_eq!(shown("/home/anna/.kube/config"), "/home/anna/.kube/config");
        assert_eq!(shown_from(Path::new("a"), None), "a");
    }

    fn kubeconfig(contexts: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncontexts: [{contexts}]\nclusters: [{{name: c, cluster: {{server: 'https://a'}}}}]\n"
        )
    }

    #[track_caller]
    fn check(texts: &[&str], context: &str, want: Result<&str, &str>) {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> = (0..texts.len()).map(|i| folder.path().join(format!("{i}.yaml"))).collect();
        for (file, text) in files.iter().zip(texts) {
            if *text != "absent" {
                std::fs::write(file, text).unwrap();
            }
        }
        let found = merged(files).context(context).map(|context| context.cluster.it.server.unwrap_or_default());
        let place = format!("{}/", folder.path().display());
        let found = found.map_err(|problem| problem.to_string().replace(&place, ""));
        assert_eq!(found.as_deref().map_err(String::as_str), want);
    }

    #[test]
    fn the_first_file_that_names_a_thing_is_believed() {
        let first = kubeconfig("{name: a, context: {cluster: c}}");
        let second = "contexts: [{name: a, context: {cluster: d}}, {name: b, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: 'https://b'}}]";
        check(&[&first, second], "a", Ok("https://a"));
        check(&[&first, second], "b", Ok("https://a"));
        check(&[second, &first], "b", Ok("https://b"));
    }

    #[test]
    fn what_is_wrong_names_the_file_and_the_line() {
        let good = kubeconfig("{name: a, context: {cluster: c}}");
        check(&["absent"], "a", Err("0.yaml does not exist. Name another file, or set KUBECONFIG."));
        check(&["  \n"], "a", Err("0.yaml is empty. Write a kubeconfig there, or name another file."));
        check(
            &["contexts:\n- name: a\n  context: {cluster: [\ntoken: hunter2"],
            "a",
            Err(
                "0.yaml cannot be read at line 3, column 22. It is not the YAML of a kubeconfig there. Correct the file; it is read again at the next attempt.",
            ),
        );
        check(
            &["contexts: hunter2\n"],
            "a",
            Err(
                "0.yaml cannot be read at line 1, column 11. It is not the YAML of a kubeconfig there. Correct the file; it is read again at the next attempt.",
            ),
        );
        check(
            &["<html>no</html>"],
            "a",
            Err(
                "0.yaml cannot be read at line 1, column 1. It is no YAML, and begins like something else. Correct the file; it is read again at the next attempt.",
            ),
        );
        check(
            &[&good],
            "nowhere",
            Err(
                "The kubeconfig has no context \"nowhere\". Looked in 0.yaml. It has: a. Edit the connection and choose a context that exists.",
            ),
        );
        check(&["absent", &good], "a", Ok("https://a"));
        check(
            &["contexts: [{name: a, context: {cluster: gone}}]"],
            "a",
            Err(
                "The context \"a\" names the cluster \"gone\", which is nowhere. Looked in 0.yaml. Add the cluster to 0.yaml, or choose another context.",
            ),
        );
    }

    #[test]
    fn a_file_of_fifty_megabytes_is_refused_without_being_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("large.yaml");
        std::fs::File::create(&file).unwrap().set_len(50 << 20).unwrap();
        let problem = read(&file).unwrap_err();
        assert!(problem.what.ends_with("large.yaml is larger than 16 MiB."), "{problem}");
    }

    #[test]
    fn a_folder_and_bytes_that_are_no_text_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap_err().what.ends_with("is not a file."));
        let file = folder.path().join("bytes");
        std::fs::write(&file, [0xff, 0xfe, 0x00]).unwrap();
        assert!(read(&file).unwrap_err().what.ends_with("is not text."));
    }
}

//! Kubeconfig files: where they are, what is in them, and how several become one, with the account of a pod behind them.
//!
//! Reads files only. An error names the file and, for YAML, the line; never what stands there, which may be a secret.

mod form;
mod inside;
mod read;

pub use form::{Cluster, Exec, ExecEnv, InteractiveMode, User};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use read::merged_text;
pub use read::{files, known, merged, shown};

use pilothouse_wire::{Code, Problem};
use std::path::PathBuf;

/// Several files as one: the first that names a thing is believed, as kubectl does.
#[derive(Debug, Default)]
pub struct Merged {
    /// Contexts, in the order of the files.
    pub contexts: Vec<Placed<form::Context>>,
    clusters: Vec<Placed<Cluster>>,
    users: Vec<Placed<User>>,
    /// The context that kubectl would use.
    pub current: Option<String>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Files that were looked for.
    pub files: Vec<PathBuf>,
}

/// Something named, and the file it stands in: paths in it begin at that file's folder.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    /// Its name.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// The thing.
    pub it: T,
}

/// A context with its cluster and user.
#[derive(Clone, Debug)]
pub struct Context {
    /// Its name.
    pub name: String,
    /// The file that the context stands in.
    pub file: PathBuf,
    /// The namespace to begin in.
    pub namespace: Option<String>,
    /// The cluster.
    pub cluster: Placed<Cluster>,
    /// Who signs in; nobody if the context names none.
    pub user: Option<Placed<User>>,
}

impl Merged {
    /// A context by its name.
    ///
    /// # Errors
    /// If there is none, or if what it names is not there.
    pub fn context(&self, name: &str) -> Result<Context, Problem> {
        let Some(context) = self.contexts.iter().find(|context| context.name == name) else {
            return Err(self.unknown(name));
        };
        let Some(cluster) = find(&self.clusters, &context.it.cluster) else {
            return Err(self.dangling(context, "cluster", &context.it.cluster));
        };
        let user = match &context.it.user {
            None => None,
            Some(user) if user.is_empty() => None,
            Some(user) => Some(find(&self.users, user).ok_or_else(|| self.dangling(context, "user", user))?),
        };
        Ok(Context {
            name: name.to_owned(),
            file: context.file.clone(),
            namespace: context.it.namespace.clone().filter(|namespace| !namespace.is_empty()),
            cluster: cluster.clone(),
            user: user.cloned(),
        })
    }

    fn unknown(&self, name: &str) -> Problem {
        // A file that cannot be read is the likelier cause than a wrong name.
        if let (Some(problem), true) = (self.problems.first(), self.contexts.is_empty()) {
            return problem.clone();
        }
        let problem = Problem::new(Code::BadInput, format!("The kubeconfig has no context \"{name}\"."));
        let problem = if self.contexts.is_empty() {
            problem.why(format!("Looked in {}: there is no context at all.", self.looked_in()))
        } else {
            let known: Vec<&str> = self.contexts.iter().map(|context| context.name.as_str()).take(8).collect();
            let more = if self.contexts.len() > known.len() { " …" } else { "" };
            problem.why(format!("Looked in {}. It has: {}{more}.", self.looked_in(), known.join(", ")))
        };
        let problem = match self.problems.first() {
            Some(other) => {
                let why = problem.why.clone().unwrap_or_default();
                problem.why(format!("{why} {}", other.what))
            }
            None => problem,
        };
        problem.next("Edit the connection and choose a context that exists.")
    }

    fn looked_in(&self) -> String {
        let files: Vec<String> = self.files.iter().map(|file| file.display().to_string()).collect();
        files.join(", ")
    }

    fn dangling(&self, context: &Placed<form::Context>, what: &str, name: &str) -> Problem {
        Problem::new(
            Code::BadInput,
            format!("The context \"{}\" names the {what} \"{name}\", which is nowhere.", context.name),
        )
        .why(format!("Looked in {}.", self.looked_in()))
        .next(format!("Add the {what} to {}, or choose another context.", context.file.display()))
    }
}

fn find<'a, T>(list: &'a [Placed<T>], name: &str) -> Option<&'a Placed<T>> {
    list.iter().find(|placed| placed.name == name)
}

impl<T> Placed<T> {
    /// A path that stands in this file: relative ones begin at the file's folder.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        self.file.parent().map_or_else(|| PathBuf::from(path), |folder| folder.join(path))
    }
}

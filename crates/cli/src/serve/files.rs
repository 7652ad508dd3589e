//! How many files this process may have open: each page that is linked is one.

/// Raises what is allowed to what the system allows at most. Where it does not, there are fewer pages.
#[cfg(unix)]
pub fn allow_as_many_as_the_system_does() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

#[cfg(not(unix))]
pub fn allow_as_many_as_the_system_does() {}

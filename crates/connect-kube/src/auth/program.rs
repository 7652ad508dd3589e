//! The program of a plug-in: where it is found, and what a person sees before it is first run.

use crate::kubeconfig::{Context, Exec, Placed, User};
use pilothouse_connect::redact_arguments;
use pilothouse_wire::view::connections::PluginNotice;
use sha2::{Digest, Sha256};
use std::{
    io::Read,
    path::{Path, PathBuf},
};

/// A program that is larger is no credential plug-in; reading all of it would take too long.
const LARGEST_PROGRAM: u64 = 512 << 20;

/// What a person has to see before the plug-in of this context is run; `None` if it has none, or does not need it.
#[must_use]
pub fn notice(context: &Context) -> Option<PluginNotice> {
    let user = context.user.as_ref()?;
    // Another way to sign in comes first: the plug-in would not be run.
    if user.it.token.is_some() || user.it.token_file.is_some() || user.it.username.is_some() {
        return None;
    }
    user.it.exec.as_ref().map(|exec| of_exec(user, exec))
}

/// As [`notice`], of a plug-in that is known.
pub(super) fn of_exec(user: &Placed<User>, exec: &Exec) -> PluginNotice {
    let found = find(user, &exec.command);
    let mut arguments = redact_arguments(exec.args.as_deref().unwrap_or_default());
    // Variables can change what a program does as much as arguments: they are part of what is confirmed.
    let variables: Vec<String> =
        exec.env.iter().flatten().map(|variable| format!("{}={}", variable.name, variable.value)).collect();
    arguments.extend(redact_arguments(&variables).into_iter().map(|variable| format!("env {variable}")));
    PluginNotice {
        digest: found.as_deref().and_then(digest),
        command: found.map_or_else(|| exec.command.clone(), |found| found.display().to_string()),
        arguments,
    }
}

/// A name is looked up in the path; a relative path begins at the kubeconfig's folder, as in kubectl.
pub(super) fn find<T>(of: &Placed<T>, command: &str) -> Option<PathBuf> {
    if command.is_empty() {
        return None;
    }
    if command.contains(['/', std::path::MAIN_SEPARATOR]) {
        // Without the "." of "./program": the path is shown to a person.
        return Some(of.path(command).components().collect()).filter(|path: &PathBuf| path.is_file());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).flat_map(|folder| candidates(&folder, command)).find(|file| is_program(file))
}

fn candidates(folder: &Path, command: &str) -> Vec<PathBuf> {
    let plain = folder.join(command);
    if cfg!(windows) {
        let ends = ["exe", "cmd", "bat"].map(|end| folder.join(format!("{command}.{end}")));
        std::iter::once(plain).chain(ends).collect()
    } else {
        vec![plain]
    }
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

fn digest(file: &Path) -> Option<String> {
    let mut file = std::fs::File::open(file).ok()?.take(LARGEST_PROGRAM + 1);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    let mut read = 0_u64;
    loop {
        let n = file.read(&mut buffer).ok()?;
        if n == 0 {
            break;
        }
        read += n as u64;
        hash.update(&buffer[..n]);
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    (read <= LARGEST_PROGRAM).then(|| hex(&hash.finalize()))
}

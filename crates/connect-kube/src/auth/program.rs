//! The program of a plug-in: where it is found, and what a person sees before it is first run.

use crate::kubeconfig::{Context, Exec, Placed, User};
use pilothouse_connect::{GONE, is_shown, redact_sign_in, redact_variable};
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
    of_program(find(user, &exec.command).as_deref(), exec)
}

/// As [`notice`], of a plug-in whose program was looked for.
pub(super) fn of_program(found: Option<&Path>, exec: &Exec) -> PluginNotice {
    let digest = found.and_then(digest);
    let mut arguments = redact_sign_in(exec.args.as_deref().unwrap_or_default());
    // Variables can change what a program does as much as arguments: they are part of what is confirmed.
    let variables = exec.env.iter().flatten().map(|variable| redact_variable(&variable.name, &variable.value));
    arguments.extend(variables.map(|variable| format!("env {variable}")));
    PluginNotice {
        fingerprint: Some(fingerprint(found, digest.as_deref(), exec)),
        digest,
        command: found.map_or_else(|| exec.command.clone(), |found| found.display().to_string()),
        arguments,
    }
}

/// What a plug-in is given that is not shown: it may repeat it where it complains.
pub(super) fn given_in_secret(exec: &Exec) -> Vec<&str> {
    /// What is shorter stands in other words too.
    const SHORTEST: usize = 4;
    let arguments = exec.args.as_deref().unwrap_or_default();
    let hidden = redact_sign_in(arguments);
    let arguments = arguments.iter().zip(&hidden).filter_map(|(argument, shown)| {
        // What stands where the sign of it stands.
        let (before, after) = shown.split_once(GONE)?;
        argument.strip_prefix(before)?.strip_suffix(after)
    });
    let variables = exec.env.iter().flatten().filter(|variable| !is_shown(&variable.name));
    let given = arguments.chain(variables.map(|variable| variable.value.as_str()));
    given.filter(|secret| secret.len() >= SHORTEST).collect()
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
    (read <= LARGEST_PROGRAM).then(|| hex(&hash.finalize()))
}

/// Of everything that decides what is run, secrets with it: what is shown leaves them out, and they may hold commands.
/// Each part has its length before it, so that no two commands have the same parts behind one another.
fn fingerprint(found: Option<&Path>, digest: Option<&str>, exec: &Exec) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(digest.unwrap_or_default().as_bytes());
    part(found.map_or(exec.command.as_bytes(), |found| found.as_os_str().as_encoded_bytes()));
    let arguments = exec.args.as_deref().unwrap_or_default();
    part(&(arguments.len() as u64).to_le_bytes());
    arguments.iter().for_each(|argument| part(argument.as_bytes()));
    for variable in exec.env.iter().flatten() {
        part(variable.name.as_bytes());
        part(variable.value.as_bytes());
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

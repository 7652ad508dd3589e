//! The encrypted file of secrets: what it keeps, what it tells, and what it costs to open it.
#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

use pilothouse_vault::{Options, Paths, Vault};
use pilothouse_wire::{Code, ConnectionId, Problem, view::VaultState};
use secrecy::ExposeSecret;
use std::{fs, path::PathBuf};
use tempfile::TempDir;

const SECRET: &str = "s3cret-tok3n";

fn home() -> (TempDir, Paths) {
    let home = tempfile::tempdir().unwrap();
    let paths = Paths::under(home.path());
    (home, paths)
}

/// No keyring, and passphrases that cost next to nothing.
fn options() -> Options {
    Options { keyring: false, passphrase_file: None, work_factor: 2 }
}

fn vault(paths: &Paths) -> Vault {
    Vault::with(paths, options())
}

fn id(name: &str) -> ConnectionId {
    ConnectionId::slug(name)
}

async fn get(vault: &Vault, connection: &str, field: &str) -> Result<Option<String>, Problem> {
    Ok(vault.get(&id(connection), field).await?.map(|secret| secret.expose_secret().to_owned()))
}

fn told(problem: Problem, home: &TempDir) -> String {
    let told = [Some(format!("{:?}: {}", problem.code, problem.what)), problem.why, problem.next].into_iter().flatten();
    told.collect::<Vec<_>>().join("\n").replace(home.path().to_str().unwrap(), "~")
}

#[tokio::test]
async fn a_secret_reads_back_after_a_restart_and_is_nowhere_in_plain() {
    let (home, paths) = home();
    let first = vault(&paths);
    assert_eq!(first.state().await, VaultState::NotNeeded);
    first.unlock("correct horse".into()).await.unwrap();
    assert_eq!(first.state().await, VaultState::FileOpen);
    first.set(&id("iad-prod"), "token", SECRET.into()).await.unwrap();
    first.set_all(&id("ord-prod"), vec![("a".into(), "1".into()), ("b".into(), "2".into())]).await.unwrap();

    let second = vault(&paths);
    assert_eq!(get(&second, "iad-prod", "token").await.map_err(|problem| problem.code), Err(Code::VaultLocked));
    second.unlock("correct horse".into()).await.unwrap();
    assert_eq!(get(&second, "iad-prod", "token").await, Ok(Some(SECRET.into())));
    assert_eq!(get(&second, "iad-prod", "other").await, Ok(None));
    assert_eq!(second.list(&id("ord-prod")).await, Ok(vec!["a".into(), "b".into()]));

    for entry in fs::read_dir(home.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!has(SECRET) && !has("correct horse") && !has("iad-prod"));
    }
    let shown = format!("{first:?} {second:?}");
    assert!(!shown.contains(SECRET) && !shown.contains("horse"), "{shown}");
}

#[tokio::test]
async fn nothing_is_made_and_nobody_is_asked_before_a_secret_is_needed() {
    let (home, paths) = home();
    let vault = vault(&paths);
    assert_eq!(get(&vault, "iad-prod", "token").await, Ok(None));
    assert_eq!(vault.list(&id("iad-prod")).await, Ok(Vec::new()));
    vault.set_all(&id("iad-prod"), Vec::new()).await.unwrap();
    vault.remove_all(&id("iad-prod")).await.unwrap();
    let why = "The keyring is switched off by PILOTHOUSE_KEYRING.".to_owned();
    assert_eq!(vault.state().await, VaultState::FileLocked { why, exists: false });
    assert!(!paths.secrets().exists());
    let problem = vault.set(&id("iad-prod"), "token", SECRET.into()).await.unwrap_err();
    insta::assert_snapshot!(told(problem, &home), @r"
    VaultLocked: There is no place for secrets yet: no keyring, and no ~/secrets.age.
    The keyring is switched off by PILOTHOUSE_KEYRING.
    Choose a passphrase: secrets then go to a file that is encrypted with it. Or unlock a keyring and start Pilothouse again.
    ");
}

#[tokio::test]
async fn a_wrong_passphrase_is_told_and_changes_nothing() {
    let (home, paths) = home();
    vault(&paths).unlock("right".into()).await.unwrap();
    let before = fs::read(paths.secrets()).unwrap();
    let vault = vault(&paths);
    let problem = vault.unlock("wrong".into()).await.unwrap_err();
    insta::assert_snapshot!(told(problem, &home), @r"
    VaultLocked: The passphrase does not open ~/secrets.age.
    It is another one than the file was encrypted with, or the file is damaged.
    Enter that one. If it is lost, move the file away and enter each secret anew.
    ");
    assert!(matches!(vault.state().await, VaultState::FileLocked { exists: true, .. }));
    let problem = vault.get(&id("iad-prod"), "token").await.unwrap_err();
    insta::assert_snapshot!(told(problem, &home), @r"
    VaultLocked: ~/secrets.age is locked.
    The keyring is switched off by PILOTHOUSE_KEYRING.
    Enter its passphrase, or name a file that holds it in PILOTHOUSE_PASSPHRASE_FILE.
    ");
    let problem = vault.unlock("".into()).await.unwrap_err();
    insta::assert_snapshot!(told(problem, &home), @r"
    BadInput: The passphrase is empty.
    Enter one of several words: whoever has the file can try passphrases without end.
    ");
    assert_eq!(fs::read(paths.secrets()).unwrap(), before);
    vault.unlock("right".into()).await.unwrap();
    assert_eq!(vault.state().await, VaultState::FileOpen);
}

#[tokio::test]
async fn what_is_removed_is_gone_and_the_rest_stays() {
    let (_home, paths) = home();
    let vault = vault(&paths);
    vault.unlock("p".into()).await.unwrap();
    vault.set_all(&id("a"), vec![("x".into(), "1".into()), ("y".into(), "2".into())]).await.unwrap();
    vault.set(&id("b"), "x", "3".into()).await.unwrap();
    vault.remove(&id("a"), "x").await.unwrap();
    assert_eq!(vault.list(&id("a")).await, Ok(vec!["y".into()]));
    vault.remove_all(&id("a")).await.unwrap();
    assert_eq!(vault.list(&id("a")).await, Ok(Vec::new()));
    assert_eq!(get(&vault, "b", "x").await, Ok(Some("3".into())));
}

#[tokio::test]
async fn two_processes_see_and_keep_what_each_other_sets() {
    let (_home, paths) = home();
    let (desktop, terminal) = (vault(&paths), vault(&paths));
    desktop.unlock("p".into()).await.unwrap();
    terminal.unlock("p".into()).await.unwrap();
    desktop.set(&id("a"), "x", "1".into()).await.unwrap();
    terminal.set(&id("a"), "y", "2".into()).await.unwrap();
    assert_eq!(get(&desktop, "a", "y").await, Ok(Some("2".into())));
    assert_eq!(get(&terminal, "a", "x").await, Ok(Some("1".into())));
    // The file was moved away meanwhile, and made anew with another passphrase.
    fs::remove_file(paths.secrets()).unwrap();
    assert_eq!(get(&terminal, "a", "x").await, Ok(None));
    vault(&paths).unlock("q".into()).await.unwrap();
    assert_eq!(get(&terminal, "a", "x").await.map_err(|problem| problem.code), Err(Code::VaultLocked));
}

#[tokio::test]
async fn a_passphrase_can_come_from_a_file() {
    let (home, paths) = home();
    let file = home.path().join("passphrase");
    fs::write(&file, "correct horse\n").unwrap();
    let headless = |file: PathBuf| Vault::with(&paths, Options { passphrase_file: Some(file), ..options() });
    headless(file.clone()).set(&id("a"), "x", SECRET.into()).await.unwrap();
    assert_eq!(get(&headless(file.clone()), "a", "x").await, Ok(Some(SECRET.into())));
    let typed = vault(&paths);
    typed.unlock("correct horse".into()).await.unwrap();
    assert_eq!(get(&typed, "a", "x").await, Ok(Some(SECRET.into())));

    fs::write(&file, "wrong\n").unwrap();
    assert_eq!(get(&headless(file.clone()), "a", "x").await.map_err(|problem| problem.code), Err(Code::VaultLocked));
    fs::write(&file, "\n").unwrap();
    assert_eq!(get(&headless(file), "a", "x").await.map_err(|problem| problem.code), Err(Code::BadInput));
    let problem = get(&headless(home.path().join("none")), "a", "x").await.unwrap_err();
    assert_eq!((problem.code, problem.what.contains("none")), (Code::BadInput, true));
}

/// A file in the place of the secrets, and what is said of it.
async fn of(bytes: &[u8]) -> String {
    let (home, paths) = home();
    fs::write(paths.secrets(), bytes).unwrap();
    let problem = vault(&paths).unlock("p".into()).await.unwrap_err();
    assert_eq!(fs::read(paths.secrets()).unwrap(), bytes, "what cannot be read is left as it is");
    told(problem, &home)
}

#[tokio::test]
async fn a_file_that_is_no_file_of_secrets_is_told_and_left() {
    let mut costly = age::scrypt::Recipient::new("p".into());
    costly.set_work_factor(2);
    let other = age::encrypt(&costly, b"[\"s3cret-tok3n\"]").unwrap();
    let mut cut = other.clone();
    cut.truncate(other.len() - 4);
    let header = other.iter().position(|byte| *byte == b'\n').unwrap();
    let mut greedy = other[..=header].to_vec();
    // The last word alone is the work: the salt before it may begin with the same figure.
    let scrypt = String::from_utf8_lossy(&other).lines().nth(1).unwrap().to_owned();
    let text = format!("{} 40", scrypt.strip_suffix(" 2").unwrap());
    greedy.extend_from_slice(text.as_bytes());
    greedy.extend_from_slice(&other[header + 1 + text.len() - 1..]);
    let mut told = String::new();
    for bytes in [b"".as_slice(), b"not age", &other, &cut, &greedy] {
        told += &format!("{}\n\n", of(bytes).await);
    }
    assert!(!told.contains(SECRET));
    insta::assert_snapshot!(told, @r"
    BadInput: ~/secrets.age is no file of secrets that can be read.
    age says: Incomplete header.
    Put back a copy of it, or move it away and enter each secret anew. It is left as it is.

    BadInput: ~/secrets.age is no file of secrets that can be read.
    age says: Header is invalid.
    Put back a copy of it, or move it away and enter each secret anew. It is left as it is.

    BadInput: ~/secrets.age is no file of secrets that can be read.
    It opens, but what it holds is not as Pilothouse writes it, at column 0.
    Put back a copy of it, or move it away and enter each secret anew. It is left as it is.

    BadInput: ~/secrets.age is no file of secrets that can be read.
    age says: decryption error.
    Put back a copy of it, or move it away and enter each secret anew. It is left as it is.

    BadInput: ~/secrets.age is no file of secrets that can be read.
    It asks for 2^40 steps of work for each try; at most 2^20 are done.
    Put back a copy of it, or move it away and enter each secret anew. It is left as it is.
    ");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let (_home, paths) = home();
    let vault = vault(&paths);
    vault.unlock("p".into()).await.unwrap();
    fs::set_permissions(paths.secrets(), fs::Permissions::from_mode(0o644)).unwrap();
    vault.set(&id("a"), "x", "1".into()).await.unwrap();
    assert_eq!(fs::metadata(paths.secrets()).unwrap().permissions().mode() & 0o777, 0o600);
}

//! Secrets in real sessions: a bus with an open keyring, one with a locked keyring, and none at all.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "what is not there fails the test")]

mod session;

use pilothouse_vault::{Options, Paths, Vault};
use pilothouse_wire::{Code, ConnectionId, view::VaultState};
use secrecy::ExposeSecret;
use session::{Home, inside};

const SECRET: &str = "s3cret-tok3n";

fn vault(paths: &Paths) -> Vault {
    Vault::with(paths, Options { keyring: true, passphrase_file: None, work_factor: 2 })
}

fn id(name: &str) -> ConnectionId {
    ConnectionId::slug(name)
}

async fn get(vault: &Vault, connection: &str, field: &str) -> Result<Option<String>, Code> {
    let secret = vault.get(&id(connection), field).await.map_err(|problem| problem.code)?;
    Ok(secret.map(|secret| secret.expose_secret().to_owned()))
}

fn why_locked(state: VaultState) -> String {
    let VaultState::FileLocked { why, exists: false } = state else { panic!("{state:?}") };
    why
}

#[tokio::test]
async fn an_open_keyring_keeps_secrets_over_sessions() {
    let Some((paths, part)) = inside() else {
        let home = Home::new("an_open_keyring_keeps_secrets_over_sessions");
        home.with_keyring("open", "set");
        home.with_keyring("open", "get");
        assert_eq!(home.holds(SECRET), None);
        return;
    };
    let vault = vault(&paths);
    assert_eq!(vault.state().await, VaultState::NotNeeded);
    if part == "set" {
        assert_eq!(get(&vault, "iad-prod", "token").await, Ok(None));
        vault.set(&id("iad-prod"), "token", SECRET.into()).await.unwrap();
        vault.set(&id("iad-prod"), "key", "two\nlines é".into()).await.unwrap();
        vault.set(&id("ord-prod"), "token", "other".into()).await.unwrap();
        vault.set(&id("iad-prod"), "gone", "x".into()).await.unwrap();
        vault.remove(&id("iad-prod"), "gone").await.unwrap();
    } else {
        assert_eq!(get(&vault, "iad-prod", "token").await, Ok(Some(SECRET.into())));
        assert_eq!(get(&vault, "iad-prod", "key").await, Ok(Some("two\nlines é".into())));
        assert_eq!(vault.list(&id("iad-prod")).await, Ok(vec!["key".into(), "token".into()]));
        vault.remove_all(&id("iad-prod")).await.unwrap();
        assert_eq!(vault.list(&id("iad-prod")).await, Ok(Vec::new()));
        assert_eq!(get(&vault, "ord-prod", "token").await, Ok(Some("other".into())));
    }
    assert_eq!(vault.state().await, VaultState::Keyring);
    assert!(!paths.secrets().exists(), "a file where there is a keyring");
}

#[tokio::test]
async fn a_locked_keyring_is_not_taken_for_an_empty_one() {
    let Some((paths, part)) = inside() else {
        let home = Home::new("a_locked_keyring_is_not_taken_for_an_empty_one");
        home.with_keyring("open", "set");
        home.with_keyring("locked", "locked");
        return;
    };
    let vault = vault(&paths);
    if part == "set" {
        return vault.set(&id("iad-prod"), "token", SECRET.into()).await.unwrap();
    }
    // Who asks would else go on without a secret that is set.
    assert_eq!(get(&vault, "iad-prod", "token").await, Err(Code::VaultLocked));
    let problem = vault.set(&id("iad-prod"), "token", "new".into()).await.unwrap_err();
    assert_eq!(problem.code, Code::VaultLocked);
    let why = why_locked(vault.state().await);
    assert!(why.starts_with("The keyring is locked: "), "{why}");
    assert_eq!(problem.why.as_ref(), Some(&why));
    // The file takes its place, once somebody says so.
    vault.unlock("passphrase".into()).await.unwrap();
    vault.set(&id("iad-prod"), "token", "new".into()).await.unwrap();
    assert_eq!(get(&vault, "iad-prod", "token").await, Ok(Some("new".into())));
    assert_eq!(vault.state().await, VaultState::FileOpen);
}

#[tokio::test]
async fn without_a_bus_the_file_is_offered_and_its_secrets_are_found_in_a_session_later() {
    let Some((paths, part)) = inside() else {
        let home = Home::new("without_a_bus_the_file_is_offered_and_its_secrets_are_found_in_a_session_later");
        home.without_bus("headless");
        home.with_keyring("open", "desktop");
        assert_eq!(home.holds(SECRET), None);
        return;
    };
    let vault = vault(&paths);
    if part == "headless" {
        assert_eq!(get(&vault, "iad-prod", "token").await, Ok(None));
        let why = why_locked(vault.state().await);
        assert!(why.starts_with("No keyring answers: "), "{why}");
        vault.unlock("passphrase".into()).await.unwrap();
        return vault.set(&id("iad-prod"), "token", SECRET.into()).await.unwrap();
    }
    vault.set(&id("ord-prod"), "token", "in the keyring".into()).await.unwrap();
    assert_eq!(vault.state().await, VaultState::Keyring);
    assert_eq!(get(&vault, "iad-prod", "token").await, Err(Code::VaultLocked));
    assert!(matches!(vault.state().await, VaultState::FileLocked { exists: true, .. }));
    assert_eq!(get(&vault, "ord-prod", "token").await, Ok(Some("in the keyring".into())));
    vault.unlock("passphrase".into()).await.unwrap();
    assert_eq!(get(&vault, "iad-prod", "token").await, Ok(Some(SECRET.into())));
    assert_eq!(vault.state().await, VaultState::Keyring);
    vault.remove_all(&id("iad-prod")).await.unwrap();
    assert_eq!(get(&vault, "iad-prod", "token").await, Ok(None));
}

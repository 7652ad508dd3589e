//! The book is signed by one key, by several processes one after the other, and what could not be signed is said.

#[cfg(target_os = "linux")]
mod keyring;
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "the vault's own tests use all of it")]
#[path = "../../../../vault/tests/session/mod.rs"]
mod session;

use super::*;
use pilothouse_vault::Options;
use tempfile::TempDir;

const AT: Stamp = Stamp(1_795_500_000_000);

/// An installation whose vault is a file that opens by itself.
fn home() -> (TempDir, Paths, Options) {
    let home = tempfile::tempdir().unwrap();
    let passphrase = home.path().join("passphrase");
    std::fs::write(&passphrase, "correct horse\n").unwrap();
    let options = Options { keyring: false, passphrase_file: Some(passphrase), work_factor: 2 };
    let paths = Paths::under(&home.path().join("own"));
    (home, paths, options)
}

fn ledger(paths: &Paths) -> Ledger {
    Ledger::of(paths, Clock::of(|| AT))
}

fn turned_down() -> What {
    let why = Problem::new(Code::BadInput, "no");
    What::turned_down(None, &pilothouse_wire::plan::Digest([7; 32]), &why)
}

async fn checked(paths: &Paths, options: &Options) -> (u64, u64, Vec<String>, Option<Problem>) {
    let (checked, unsigned) = verify(paths, &Vault::with(paths, options.clone())).await.unwrap();
    (checked.entries, checked.signed, checked.wrong, unsigned)
}

/// Each has a vault of its own, as processes have.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_that_sign_at_once_make_one_key_and_never_keep_an_older_head() {
    for _ in 0..4 {
        let (_home, paths, options) = home();
        let writers: Vec<_> = (0..3)
            .map(|_| {
                let (ledger, vault) = (ledger(&paths), Vault::with(&paths, options.clone()));
                tokio::spawn(async move {
                    for _ in 0..5 {
                        ledger.write(None, turned_down()).await.unwrap();
                        sign(&ledger.book, &vault).await.unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        assert_eq!(checked(&paths, &options).await, (15, 15, Vec::new(), None));
        let kept = kept(&Vault::with(&paths, options)).await.unwrap().unwrap();
        assert_eq!(kept.head.map(|head| head.seq), Some(15));
    }
}

#[tokio::test]
async fn what_cannot_be_signed_is_said_and_leaves_no_signature_that_nobody_can_check() {
    let (_home, paths, options) = home();
    let locked = Vault::with(&paths, Options { passphrase_file: None, ..options.clone() });
    ledger(&paths).write(None, turned_down()).await.unwrap();
    let said = ledger(&paths).signed(&locked).await.unwrap();
    assert!(said.code == Code::VaultLocked && said.what.contains("not signed"), "{said}");
    assert_eq!(checked(&paths, &options).await, (1, 0, Vec::new(), None));
    // Once the vault is open the next signature is for all of it.
    ledger(&paths).write(None, turned_down()).await.unwrap();
    assert_eq!(ledger(&paths).signed(&Vault::with(&paths, options.clone())).await, None);
    assert_eq!(checked(&paths, &options).await, (2, 2, Vec::new(), None));
}

#[tokio::test]
async fn a_book_that_was_begun_anew_is_not_signed_over_the_one_that_is_gone() {
    let (_home, paths, options) = home();
    let vault = Vault::with(&paths, options.clone());
    for _ in 0..3 {
        ledger(&paths).write(None, turned_down()).await.unwrap();
    }
    assert_eq!(ledger(&paths).signed(&vault).await, None);
    std::fs::remove_file(book(&paths).path()).unwrap();
    for step in 0..4 {
        ledger(&paths).write(None, What::Sent { step }).await.unwrap();
    }
    let said = ledger(&paths).signed(&vault).await.unwrap();
    assert!(said.why.unwrap().contains("not the book that was signed up to entry 3"));
    let (entries, signed, wrong, _) = checked(&paths, &options).await;
    assert!((entries, signed) == (4, 0) && wrong[0].contains("another one than was signed"), "{wrong:?}");
}

//! The book is signed by a key in a real keyring, over sessions; what is written while that is locked is said to be unsigned.

use super::super::{FIELD, OWNER, PATIENCE, sign};
use super::{
    checked, ledger,
    session::{Home, inside},
    turned_down,
};
use pilothouse_vault::{Options, Vault};
use pilothouse_wire::{Code, ConnectionId, view::VaultState};

const OWN_NAME: &str =
    "deeds::book::tests::keyring::a_real_keyring_signs_the_book_over_sessions_and_a_locked_one_does_not";

#[tokio::test]
async fn a_real_keyring_signs_the_book_over_sessions_and_a_locked_one_does_not() {
    let Some((paths, part)) = inside() else {
        let home = Home::new(OWN_NAME);
        for (keyring, part) in [("open", "first"), ("open", "again"), ("locked", "locked"), ("open", "after")] {
            home.with_keyring(keyring, part);
        }
        return;
    };
    let options = Options { keyring: true, passphrase_file: None, work_factor: 2 };
    let vault = Vault::with(&paths, options.clone());
    let ledger = ledger(&paths);
    ledger.write(None, turned_down()).await.unwrap();
    if part == "locked" {
        // Nobody is waited for longer than an action may be held up; what is written stays, and is not called whole.
        let limit = PATIENCE + std::time::Duration::from_secs(7);
        let said = tokio::time::timeout(limit, ledger.signed(&vault)).await.unwrap().unwrap();
        assert!(said.code == Code::VaultLocked && said.what.contains("not signed"), "{said}");
        let (entries, signed, wrong, unsigned) = checked(&paths, &options).await;
        assert!((entries, signed, wrong.len()) == (3, 0, 0) && unsigned.is_some(), "{entries} {signed} {wrong:?}");
        assert!(!paths.secrets().exists(), "a key in a file, which the keyring of the next session would not be");
        return;
    }
    // Without the patience of an action: the keyring of a machine that is busy takes its time.
    sign(&ledger.book, &vault).await.unwrap();
    let all = match part.as_str() {
        "first" => 1,
        "again" => 2,
        _ => 4,
    };
    assert_eq!(checked(&paths, &options).await, (all, all, Vec::new(), None), "{part}");
    assert_eq!(vault.state().await, VaultState::Keyring);
    assert_eq!(vault.list(&ConnectionId::slug(OWNER)).await, Ok(vec![FIELD.to_owned()]));
    assert!(!paths.secrets().exists(), "a file where there is a keyring");
}

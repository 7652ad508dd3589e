//! A connection with a secret in the window, before a real MLflow that asks for a password: filled in, tested, kept in an
//! encrypted file, tested again with what is kept, paused, removed; and the next start, which needs the passphrase.

use acceptance::{
    Context, Mlflow, Page, Result, Terminal,
    mlflow::{PASSWORD, USER},
};
use std::path::{Path, PathBuf};

const PASSPHRASE: &str = "several words of a test";
const ROW: &str = "[data-test='connection-row-registry']";
const LIVE: &str = "[data-test='chip-registry'][data-state='live']";
const PROBLEM: &str = "[data-test='form-problem']";

/// A window whose secrets go into an encrypted file, on its screen of connections.
async fn window(terminal: &Terminal) -> Result<Page> {
    let [home, kubeconfig] = terminal.environment();
    let page = Page::window((1440, 900), &[home, kubeconfig, ("PILOTHOUSE_KEYRING", Path::new("off"))]).await?;
    page.press("rail-connections").await?;
    Ok(page)
}

/// Presses *Test*, which must find that the server does not know who we are.
async fn is_refused(page: &Page) -> Result<()> {
    page.press("form-test").await?;
    page.reads_as(PROBLEM, |text| text.contains("401"), "says that we are not known").await.map(drop)
}

/// Presses *Test*, which must find the server well.
async fn is_well(page: &Page) -> Result<()> {
    page.press("form-test").await?;
    page.reads_as("[data-test='form-tested']", |text| text.contains("It answers."), "says that it is well").await?;
    page.gone(PROBLEM).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_typed_kept_used_by_the_test_and_removed() -> Result<()> {
    let server = Mlflow::locked().await?;
    let terminal = Terminal::new(Path::new(""))?;
    let page = window(&terminal).await?;

    // What is missing is said at its field, and nothing is sent.
    page.press("connections-add").await?;
    page.press("kind-mlflow").await?;
    page.press("form-submit").await?;
    page.reads_as("[data-test='field-error']", |text| text.contains("needs a name"), "says what is missing").await?;
    page.fill("field-name", "registry").await?;
    page.fill("field-url", &server.url()).await?;
    is_refused(&page).await?;
    page.fill("field-username", USER).await?;
    page.fill("field-password", PASSWORD).await?;
    is_well(&page).await?;

    // There is no place for the password yet. The form waits under the question, with what is filled in.
    page.press("form-submit").await?;
    page.find("unlock-dialog").await?;
    page.fill("vault-passphrase", PASSPHRASE).await?;
    page.reads_as("[data-test='vault-confirm']", |text| text.contains("the two differ"), "says what is wrong").await?;
    page.fill("vault-again", PASSPHRASE).await?;
    page.press("vault-confirm").await?;
    page.gone("[data-test='unlock-dialog']").await?;
    page.press("form-submit").await?;
    page.gone("[data-test='connection-form']").await?;
    page.find_by(LIVE).await?;
    page.reads_as(ROW, |text| text.contains("Well"), "is well").await?;

    // What is kept is tested with its password, which is shown nowhere; another one is tested in its place, and not kept.
    page.press("connection-edit").await?;
    let shown = page.ask("return document.querySelector(\"[data-test='field-password']\").value").await?;
    assert_eq!(shown, "");
    is_well(&page).await?;
    page.fill("field-password", "another").await?;
    is_refused(&page).await?;
    page.fill("field-password", "").await?;
    page.press("form-submit").await?;
    page.gone("[data-test='connection-form']").await?;
    page.find_by(LIVE).await?;

    page.press("connection-pause").await?;
    page.reads_as(ROW, |text| text.contains("Paused"), "is paused").await?;
    page.press("connection-resume").await?;
    page.reads_as(ROW, |text| text.contains("Well"), "goes on").await?;
    page.close().await?;
    nothing_is_in_the_clear(terminal.home())?;

    // The next start has no passphrase: what waits says so, and goes on with it.
    let page = window(&terminal).await?;
    page.reads_as("[data-test='vault']", |text| text.contains("wait for their passphrase"), "says what waits").await?;
    page.press("vault-unlock").await?;
    page.reads_as("[data-test='unlock-dialog']", |text| !text.contains("Again"), "asks for that one").await?;
    page.fill("vault-passphrase", "other words").await?;
    page.press("vault-confirm").await?;
    let told = |text: &str| text.contains("passphrase does not open");
    page.reads_as("[data-test='unlock-dialog']", told, "says that it is another").await?;
    page.fill("vault-passphrase", PASSPHRASE).await?;
    page.press("vault-confirm").await?;
    page.find_by(LIVE).await?;
    page.gone("[data-test='vault']").await?;

    // The terminal reads the same file: its test brings the password, too.
    let passphrase = terminal.home().join("passphrase");
    std::fs::write(&passphrase, PASSPHRASE).could_not("write the passphrase")?;
    let mut command = terminal.command(&["connect", "test", "registry"])?;
    let tested = command.env("PILOTHOUSE_PASSPHRASE_FILE", &passphrase).output().await.could_not("test it")?;
    assert!(tested.status.success(), "{tested:?}");

    page.press("connection-remove").await?;
    page.fill("remove-name", "registry").await?;
    page.press("remove-confirm").await?;
    page.gone(ROW).await?;
    assert_eq!(terminal.good(&["connect", "list", "--json"]).await?, "[]\n");
    page.close().await
}

/// No file of the home holds the password or the passphrase.
fn nothing_is_in_the_clear(folder: &Path) -> Result<()> {
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).could_not("look through the home")?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).could_not("read a file of the home")?;
            for secret in [PASSWORD, PASSPHRASE] {
                let found = bytes.windows(secret.len()).any(|at| at == secret.as_bytes());
                assert!(!found, "{secret} is in {}", path.display());
            }
        }
    }
    Ok(())
}

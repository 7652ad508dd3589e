//! The vault as the engine uses it: asks that wait, and a state that can be read at any time.

use crate::{Paths, age_file::WORK_FACTOR, keeper::Keeper, secrets::Fields, trouble::Trouble};
use pilothouse_wire::{ConnectionId, Problem, view::VaultState};
use secrecy::SecretString;
use std::{
    env, fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        mpsc::{RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// How long an ask waits: a person may have to find the keyring's password first.
const PATIENCE: Duration = Duration::from_secs(120);
/// Asks that may wait behind one another.
const QUEUE: usize = 32;

/// How a vault is to behave. [`Options::from_env`] is for programs; tests say what they want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// May the keyring be used? `PILOTHOUSE_KEYRING=off` says no.
    pub keyring: bool,
    /// A file whose first line is the passphrase of the encrypted file, for machines where nobody can be asked.
    pub passphrase_file: Option<PathBuf>,
    /// The work that a passphrase costs whoever tries it, as a power of two.
    pub work_factor: u8,
}

impl Options {
    /// What `PILOTHOUSE_KEYRING` (`off`, or anything else) and `PILOTHOUSE_PASSPHRASE_FILE` (a path) say.
    #[must_use]
    pub fn from_env() -> Self {
        Self {
            keyring: env::var("PILOTHOUSE_KEYRING").map_or(true, |value| value.trim() != "off"),
            passphrase_file: env::var_os("PILOTHOUSE_PASSPHRASE_FILE").filter(|path| !path.is_empty()).map(Into::into),
            work_factor: WORK_FACTOR,
        }
    }
}

/// Keeps secrets: in the keyring of the desktop, or, where there is none, in an encrypted file.
///
/// Nothing is touched until a secret is needed. The work is done on a thread of its own, one ask after the other, so
/// that a keyring that waits for a person holds up neither the engine nor the end of the process; after two minutes it
/// is told that nobody answered.
pub struct Vault {
    paths: Paths,
    options: Options,
    patience: Duration,
    state: Arc<Mutex<VaultState>>,
    thread: OnceLock<Option<mpsc::Sender<Errand>>>,
}

/// Something for the keeper to do.
struct Errand {
    /// Does it and answers.
    job: Box<dyn FnOnce(&mut Keeper) + Send>,
    /// Answers that it takes too long.
    late: Box<dyn FnOnce() + Send>,
}

impl Vault {
    /// The vault of an installation, as the environment says.
    #[must_use]
    pub fn new(paths: &Paths) -> Self {
        Self::with(paths, Options::from_env())
    }

    /// The vault of an installation.
    #[must_use]
    pub fn with(paths: &Paths, options: Options) -> Self {
        Self {
            paths: paths.clone(),
            options,
            patience: PATIENCE,
            state: Arc::new(Mutex::new(VaultState::NotNeeded)),
            thread: OnceLock::new(),
        }
    }

    /// A secret of a connection, if it is set.
    ///
    /// # Errors
    /// [`pilothouse_wire::Code::VaultLocked`] while the vault is locked and may have it.
    pub async fn get(&self, connection: &ConnectionId, field: &str) -> Result<Option<SecretString>, Problem> {
        let (connection, field) = (connection.to_string(), field.to_owned());
        self.ask(move |keeper| keeper.get(&connection, &field)).await
    }

    /// Keeps a secret of a connection.
    ///
    /// # Errors
    /// [`pilothouse_wire::Code::VaultLocked`] while there is no place for it.
    pub async fn set(&self, connection: &ConnectionId, field: &str, secret: SecretString) -> Result<(), Problem> {
        self.set_all(connection, vec![(field.to_owned(), secret)]).await
    }

    /// Keeps secrets of a connection, all of them or none. Others that it has stay.
    ///
    /// # Errors
    /// As [`Vault::set`].
    pub async fn set_all(
        &self,
        connection: &ConnectionId,
        secrets: Vec<(String, SecretString)>,
    ) -> Result<(), Problem> {
        if secrets.is_empty() {
            return Ok(());
        }
        let (connection, fields) = (connection.to_string(), Fields::from_iter(secrets));
        self.ask(move |keeper| keeper.set(&connection, fields)).await
    }

    /// Puts another secret in the place of one, while no other process can: `change` is told what is there, and says what is
    /// to be there. It is called on the thread of the vault, and once at most; after it failed what was there stays.
    ///
    /// # Errors
    /// As [`Vault::set`], or what `change` answers.
    pub async fn change(
        &self,
        connection: &ConnectionId,
        field: &str,
        change: impl FnOnce(Option<SecretString>) -> Result<SecretString, Problem> + Send + 'static,
    ) -> Result<(), Problem> {
        let (connection, field) = (connection.to_string(), field.to_owned());
        self.ask(move |keeper| keeper.change(&connection, &field, change)).await?
    }

    /// Removes a secret of a connection.
    ///
    /// # Errors
    /// [`pilothouse_wire::Code::VaultLocked`] while the vault is locked and may have it.
    pub async fn remove(&self, connection: &ConnectionId, field: &str) -> Result<(), Problem> {
        let (connection, field) = (connection.to_string(), field.to_owned());
        self.ask(move |keeper| keeper.remove(&connection, |own| own == field)).await
    }

    /// Removes all secrets of a connection.
    ///
    /// # Errors
    /// As [`Vault::remove`].
    pub async fn remove_all(&self, connection: &ConnectionId) -> Result<(), Problem> {
        let connection = connection.to_string();
        self.ask(move |keeper| keeper.remove(&connection, |_| true)).await
    }

    /// The names of the secrets that a connection has.
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub async fn list(&self, connection: &ConnectionId) -> Result<Vec<String>, Problem> {
        let connection = connection.to_string();
        self.ask(move |keeper| keeper.list(&connection)).await
    }

    /// Opens the encrypted file, or makes it where there is neither it nor a keyring.
    ///
    /// # Errors
    /// [`pilothouse_wire::Code::VaultLocked`] for a wrong passphrase, [`pilothouse_wire::Code::BadInput`] for an empty
    /// one.
    pub async fn unlock(&self, passphrase: SecretString) -> Result<(), Problem> {
        self.ask(move |keeper| keeper.unlock(passphrase)).await
    }

    /// Where secrets are, as far as is known. Asks nobody and never waits.
    #[allow(clippy::unused_async, reason = "all of the vault is asked in one way")]
    pub async fn state(&self) -> VaultState {
        held(&self.state).clone()
    }

    /// May the next answer wait for a person? A keyring asks for its password in a window of its own; the encrypted file
    /// asks nobody, and takes its time where the machine is busy.
    #[must_use]
    pub fn may_ask_a_person(&self) -> bool {
        let is_file = matches!(*held(&self.state), VaultState::FileOpen | VaultState::FileLocked { .. });
        self.options.keyring && !is_file
    }

    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Keeper) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Problem> {
        let (tell, answer) = oneshot::channel::<Result<T, Trouble>>();
        let tell = Arc::new(Mutex::new(Some(tell)));
        // Whoever is first answers. Whoever asked may have gone: what was done stays done.
        let answer_once = |tell: &Mutex<Option<oneshot::Sender<_>>>, outcome| {
            if let Some(tell) = held(tell).take() {
                let _ = tell.send(outcome);
            }
        };
        let (state, late_tell, patience) = (Arc::clone(&self.state), Arc::clone(&tell), self.patience);
        let errand = Errand {
            job: Box::new(move |keeper| {
                let outcome = work(keeper);
                *held(&state) = keeper.state();
                answer_once(&tell, outcome);
            }),
            late: Box::new(move || answer_once(&late_tell, Err(Trouble::NoAnswer(patience)))),
        };
        let start = || start(&self.paths, &self.options, self.patience);
        let way = self.thread.get_or_init(start).as_ref().ok_or(Trouble::Ended)?;
        way.send(errand).await.map_err(|_| Trouble::Ended)?;
        Ok(answer.await.map_err(|_| Trouble::Ended)??)
    }
}

fn held<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread of the keeper, and one that loses patience with it. They end when the vault is dropped.
///
/// Patience is of the machine's own clock: a prompt waits for a person, also where a test has paused the runtime's.
/// The process does not wait for these threads at its end, as it would for tasks that block: a prompt may be open.
fn start(paths: &Paths, options: &Options, patience: Duration) -> Option<mpsc::Sender<Errand>> {
    let (way, mut errands) = mpsc::channel::<Errand>(QUEUE);
    let (keeper_way, jobs) = sync_channel::<(Box<dyn FnOnce(&mut Keeper) + Send>, SyncSender<()>)>(QUEUE);
    let mut keeper = Keeper::new(paths.clone(), options.clone());
    let keep = move || {
        for (job, done) in jobs {
            job(&mut keeper);
            // Nobody waits for this any more if it took too long.
            let _ = done.send(());
        }
    };
    let wait = move || {
        while let Some(Errand { job, late }) = errands.blocking_recv() {
            let (done, finished) = sync_channel(1);
            let taken = match keeper_way.try_send((job, done)) {
                Ok(()) => finished.recv_timeout(patience),
                Err(TrySendError::Full(_)) => Err(RecvTimeoutError::Timeout),
                Err(TrySendError::Disconnected(_)) => Err(RecvTimeoutError::Disconnected),
            };
            // A keeper that is gone will not answer; dropping the errand tells so.
            if taken == Err(RecvTimeoutError::Timeout) {
                late();
            }
        }
    };
    thread::Builder::new().name("vault-keeper".into()).spawn(keep).ok()?;
    thread::Builder::new().name("vault".into()).spawn(wait).ok().map(|_| way)
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("paths", &self.paths).field("options", &self.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::Code;
    use std::path::Path;

    fn vault(patience: Duration) -> Vault {
        let options = Options { keyring: false, passphrase_file: None, work_factor: 1 };
        Vault { patience, ..Vault::with(&Paths::under(Path::new("nowhere")), options) }
    }

    #[tokio::test]
    async fn a_keyring_that_waits_for_a_person_holds_nobody_up_for_ever() {
        let vault = vault(Duration::from_millis(50));
        let (answer, prompt) = sync_channel::<()>(0);
        let asked = vault.ask(move |_| prompt.recv().map_err(|_| Trouble::NoPassphrase)).await;
        assert_eq!(asked.map_err(|problem| problem.code), Err(Code::VaultLocked));
        assert_eq!(vault.state().await, VaultState::NotNeeded);
        answer.send(()).unwrap();
        drop(vault);
    }

    #[tokio::test]
    async fn only_a_keyring_may_ask_a_person() {
        assert!(!vault(PATIENCE).may_ask_a_person());
        let options = Options { keyring: true, passphrase_file: None, work_factor: 1 };
        let vault = Vault::with(&Paths::under(Path::new("nowhere")), options);
        assert!(vault.may_ask_a_person());
        *held(&vault.state) = VaultState::FileOpen;
        assert!(!vault.may_ask_a_person());
    }

    #[tokio::test]
    async fn a_keeper_that_fell_over_is_told() {
        let vault = vault(PATIENCE);
        let asked = vault.ask::<()>(|_| panic!("a fault of ours")).await;
        assert_eq!(asked.map_err(|problem| problem.code), Err(Code::Internal));
        assert_eq!(vault.ask(|_| Ok(())).await.map_err(|problem| problem.code), Err(Code::Internal));
    }
}

//! The audit book as the engine writes it: beside the loop, signed where the vault is open.

use pilothouse_actions::{Entry, What};
use pilothouse_connect::Clock;
use pilothouse_journal::audit::{Book, Head, Key, Noted};
use pilothouse_vault::{Paths, Vault};
use pilothouse_wire::{Code, ConnectionId, Problem, Stamp};
use secrecy::{ExposeSecret, SecretString};
use std::{fs::File, path::PathBuf, sync::Arc, time::Duration};

#[cfg(test)]
mod tests;

/// Whose secret the key of the book is.
const OWNER: &str = "pilothouse-audit";
/// The key, and the newest head that was signed by it.
const FIELD: &str = "book";
/// A vault that asks a person first is not waited for: the next action signs what this one leaves.
const PATIENCE: Duration = Duration::from_secs(3);
/// A file's passphrase is stretched several times for a signature, each time half a second of a machine that does
/// nothing else.
const PATIENCE_WITH_A_FILE: Duration = Duration::from_secs(30);
/// What was seen of an action that was cut stands once within this time in the book, however often it is looked at.
const REPEATED: Duration = Duration::from_secs(3_600);
/// So many of the newest entries are looked at for what is said again.
const TAIL: u64 = 64;

/// The book of an installation.
pub fn book(paths: &Paths) -> Book {
    Book::at(&paths.data().join("audit.db"))
}

/// Writes into the book.
#[derive(Clone)]
pub(crate) struct Ledger {
    book: Book,
    /// Where a file stands for each action that runs: locked by who runs it.
    running: PathBuf,
    clock: Clock,
}

impl Ledger {
    pub(crate) fn of(paths: &Paths, clock: Clock) -> Self {
        Self { book: book(paths), running: paths.data().join("running"), clock }
    }

    /// Writes an entry.
    pub(crate) async fn write(&self, action: Option<u64>, what: What) -> Result<(Head, Stamp), Problem> {
        let entry = Entry { at: self.clock.now(), who: who(), door: door(), action, what };
        let (book, at) = (self.book.clone(), entry.at);
        blocking(move || book.append(&entry)).await.map(|head| (head, at))
    }

    /// Writes that a plan was made, with how often the same was planned a short while ago. Answers whether it was written.
    pub(crate) async fn planned(&self, what: What) -> Result<bool, Problem> {
        let entry = Entry { at: self.clock.now(), who: who(), door: door(), action: None, what };
        let book = self.book.clone();
        blocking(move || book.append_behind(TAIL, |newest| entry.behind(newest))).await.map(|head| head.is_some())
    }

    /// Writes an entry, unless it was written a short while ago. Answers whether it was written now.
    pub(crate) async fn once(&self, action: Option<u64>, what: What) -> Result<bool, Problem> {
        let entry = Entry { at: self.clock.now(), who: who(), door: door(), action, what };
        let book = self.book.clone();
        let says_it = move |own: &Entry, other: &Entry| {
            let is_recent = own.at.since(other.at) < REPEATED;
            is_recent
                && (&own.who, &own.door, own.action) == (&other.who, &other.door, other.action)
                && own.what.repeats(&other.what)
        };
        let unsaid = move |newest: &[Entry]| (!newest.iter().any(|other| says_it(&entry, other))).then_some(entry);
        blocking(move || book.append_behind(TAIL, unsaid)).await.map(|head| head.is_some())
    }

    /// Signs what is written, and says why it could not be.
    pub(crate) async fn signed(&self, vault: &Vault) -> Option<Problem> {
        let why = match tokio::time::timeout(patience(vault), sign(&self.book, vault)).await {
            Ok(Ok(())) => return None,
            Ok(Err(problem)) => problem,
            Err(_) => silent(),
        };
        let words = [Some(why.what), why.why].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let problem = Problem::new(why.code, "It is written in the audit book, and not signed.").why(words);
        Some(problem.next("Until it is, nobody can tell whether its newest entries were altered or taken away."))
    }

    /// Writes that an action was confirmed. Until it is over others see that somebody runs it.
    pub(crate) async fn begin(self, what: What) -> Result<Running, Problem> {
        let entry = Entry { at: self.clock.now(), who: who(), door: door(), action: None, what };
        let (book, running, begun) = (self.book.clone(), self.running.clone(), entry.at);
        let (id, lock) = blocking(move || {
            // Who looks for actions that were cut sees none between its entry and its lock.
            let _door = turn(&running);
            let id = book.append(&entry)?.seq;
            let path = running.join(id.to_string());
            Ok((id, locked(&path).map(|file| (file, path))))
        })
        .await?;
        Ok(Running { ledger: self, id, begun, lock, who: who() })
    }
}

/// Signatures for which nobody waits, but the end of the program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signing(Arc<tokio::sync::RwLock<()>>);

impl Signing {
    /// Signs what is written, beside all else.
    pub(crate) fn start(&self, ledger: Ledger, vault: Arc<Vault>) {
        // Who ends waits for no new one.
        let Ok(held) = Arc::clone(&self.0).try_read_owned() else { return };
        tokio::spawn(async move {
            let _held = held;
            ledger.signed(&vault).await
        });
    }

    /// Waits for those that are under way, each of which takes a few seconds at most.
    pub(crate) async fn end(&self) {
        drop(self.0.write().await);
    }
}

/// An action that is written down and not over.
pub(crate) struct Running {
    ledger: Ledger,
    id: u64,
    begun: Stamp,
    lock: Option<(File, PathBuf)>,
    who: String,
}

impl Running {
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn begun(&self) -> Stamp {
        self.begun
    }

    pub(crate) fn who(&self) -> &str {
        &self.who
    }

    /// Writes what happened. What is sent is sent: that it cannot be written is found at the next start.
    ///
    /// # Errors
    /// Why it cannot: nothing more may be sent then.
    pub(crate) async fn note(&self, what: What) -> Result<(), Problem> {
        self.ledger.write(Some(self.id), what).await.map(drop)
    }

    /// Signs what stands there by now, beside what is being sent: the end is signed once more, and waits for this.
    pub(crate) fn sign(&self, vault: &Arc<Vault>) {
        let (ledger, vault) = (self.ledger.clone(), Arc::clone(vault));
        tokio::spawn(async move { ledger.signed(&vault).await });
    }

    /// Writes how it ended, and signs. Answers why it could not be signed.
    pub(crate) async fn end(&mut self, what: What, vault: &Vault) -> Option<Problem> {
        // What is not written there is found to be cut at the next start.
        let _ = self.note(what).await;
        if let Some((file, path)) = self.lock.take() {
            drop(file);
            let _ = std::fs::remove_file(path);
        }
        self.ledger.signed(vault).await
    }
}

/// Held while an action begins, and while it is looked which of them nobody runs; none where it cannot be had.
fn turn(running: &std::path::Path) -> Option<File> {
    std::fs::create_dir_all(running).ok()?;
    let file = File::options().append(true).create(true).open(running.join("begin")).ok()?;
    file.lock().ok()?;
    Some(file)
}

fn locked(path: &std::path::Path) -> Option<File> {
    std::fs::create_dir_all(path.parent()?).ok()?;
    let file = File::options().append(true).create(true).open(path).ok()?;
    file.try_lock().ok()?;
    Some(file)
}

/// Actions that were cut: confirmed, not over, and run by nobody. Blocks.
///
/// # Errors
/// If the book cannot be read.
pub fn cut(paths: &Paths) -> Result<Vec<Noted>, Problem> {
    let folder = paths.data().join("running");
    let _door = folder.is_dir().then(|| turn(&folder));
    let is_run = |noted: &Noted| {
        let path = folder.join(noted.seq.to_string());
        path.exists() && locked(&path).is_none()
    };
    Ok(book(paths).unfinished()?.into_iter().filter(|noted| !is_run(noted)).collect())
}

/// Takes away an action that was cut: somebody looked. Blocks.
///
/// # Errors
/// If there is no such action, or the book cannot be written.
pub fn close(paths: &Paths, action: u64, clock: &Clock) -> Result<(), Problem> {
    if !cut(paths)?.iter().any(|noted| noted.seq == action) {
        return Err(Problem::new(Code::NotFound, format!("There is no action {action} that was cut."))
            .next("pilothouse audit list says which there are."));
    }
    let what = What::Ended { state: "cut".to_owned(), detail: "Somebody looked, and took it away.".to_owned() };
    let entry = Entry { at: clock.now(), who: who(), door: door(), action: Some(action), what };
    book(paths).append(&entry).map(drop)
}

/// Signs what is written by now, and says why it could not be.
pub async fn seal(paths: &Paths, vault: &Vault) -> Option<Problem> {
    Ledger::of(paths, Clock::system()).signed(vault).await
}

/// What the vault keeps of the book.
struct Kept {
    key: Key,
    head: Option<Head>,
}

impl Kept {
    fn read(secret: &SecretString) -> Option<Self> {
        let mut parts = secret.expose_secret().split(':');
        let key = parts.next().and_then(unhex).map(Key::new)?;
        let seq = parts.next().and_then(|seq| seq.parse().ok());
        let head = seq.zip(parts.next().and_then(unhex)).map(|(seq, hash)| Head { seq, hash });
        Some(Self { key, head })
    }

    fn written(&self) -> SecretString {
        let head = self.head.map(|head| format!(":{}:{}", head.seq, hex(&head.hash))).unwrap_or_default();
        format!("{}{head}", hex(&self.key.bytes())).into()
    }
}

/// Signs the newest head, and keeps it where the book is not. Of several processes one does it after the other: what the
/// vault keeps is read, signed by and replaced under the vault's lock.
async fn sign(book: &Book, vault: &Vault) -> Result<(), Problem> {
    let owner = ConnectionId::slug(OWNER);
    if kept(vault).await?.is_none() {
        // Kept before anything is signed: a key that is lost signs nothing that anybody could check.
        let made = |held: Option<SecretString>| match held.filter(|held| Kept::read(held).is_some()) {
            Some(of_another) => Ok(of_another),
            None => Ok(Kept { key: Key::random().ok_or_else(no_chance)?, head: None }.written()),
        };
        vault.change(&owner, FIELD, made).await?;
    }
    let book = book.clone();
    let signed = move |held: Option<SecretString>| {
        let kept = held.as_ref().and_then(Kept::read).ok_or_else(no_key)?;
        let head = book.sign(&kept.key, kept.head)?;
        Ok(Kept { key: kept.key, head: head.or(kept.head) }.written())
    };
    vault.change(&owner, FIELD, signed).await
}

fn patience(vault: &Vault) -> Duration {
    if vault.may_ask_a_person() { PATIENCE } else { PATIENCE_WITH_A_FILE }
}

fn no_chance() -> Problem {
    Problem::new(Code::Internal, "This system gives no chance for a key.")
}

fn no_key() -> Problem {
    Problem::new(Code::NotFound, "The key of the audit book was taken out of the vault just now.")
}

fn silent() -> Problem {
    Problem::new(Code::VaultLocked, "The vault does not answer.")
}

async fn kept(vault: &Vault) -> Result<Option<Kept>, Problem> {
    Ok(vault.get(&ConnectionId::slug(OWNER), FIELD).await?.as_ref().and_then(Kept::read))
}

/// Checks the book against what the vault keeps of it; without the vault, the chain alone.
///
/// # Errors
/// If the book cannot be read.
pub async fn verify(
    paths: &Paths,
    vault: &Vault,
) -> Result<(pilothouse_journal::audit::Checked, Option<Problem>), Problem> {
    let (kept, unsigned) = match tokio::time::timeout(patience(vault), kept(vault)).await {
        Ok(Ok(kept)) => (kept, None),
        Ok(Err(problem)) => (None, Some(problem)),
        Err(_) => (None, Some(silent())),
    };
    let book = book(paths);
    let (key, head) = kept.map(|kept| (kept.key, kept.head)).unzip();
    let checked = blocking(move || book.verify(key.as_ref(), head.flatten())).await?;
    Ok((checked, unsigned))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// The account that this process runs under.
fn who() -> String {
    whoami::fallible::username().unwrap_or_else(|_| "unknown".to_owned())
}

/// The program that a person confirmed in.
fn door() -> String {
    let program = std::env::current_exe().ok();
    program.and_then(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).unwrap_or_default()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::new(Code::Internal, "The audit book could not be written.").why(error.to_string()))?
}

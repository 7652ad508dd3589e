//! Actions that are killed: at each point that the audit book names, and at any other. After each kill a recorder is opened, which
//! finds what was cut and takes it up. Each is found, none is done again by itself, and what reached the server stands in the book.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use acceptance::acting::{book_fits, interrupt};
use acceptance::{
    ADMINS, Asked, Context, ControlPlane, Failure, GpuNodes, GpuPods, Options, Result, Terminal, User, until,
};
use pilothouse_engine::Paths;
use pilothouse_engine::audit::{Book, Noted, What};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::Instant;

use crate::chance::Chance;
use crate::report::{Figure, Report, say};
use crate::stand::Size;

const KILLS: usize = 100;
const FEW: usize = 10;
const LIMIT: Duration = Duration::from_secs(60);
/// Later than this an action is over mostly.
const LATEST_MS: usize = 1_500;
/// Entries of an action, in order, behind the one of its plan: what is named behind each of them.
const POINTS: [usize; 3] = [2, 3, 4];
/// More entries than an action has.
const MOST: u64 = 50;
/// Who acts, as the server knows them.
const PERSON: &str = "admin";
/// As whom what is opened after a kill comes to the server: what it writes nobody has confirmed.
const NEXT: &str = "next";
const TOKEN: &str = "act-crash-token-1";

/// Measures it.
pub async fn measure(size: Size, report: &mut Report) -> Result<()> {
    let kills = if size.is_small() { FEW } else { KILLS };
    say(&format!("act-crash: {kills} actions are killed."));
    let users = vec![User::new(NEXT, TOKEN).in_group(ADMINS)];
    let (asked, plane) = Asked::by(&rules(), Options { users, ..Options::default() }).await?;
    plane.add_gpu_nodes(&GpuNodes::new("acts", 2, 8), LIMIT).await?;
    let namespace = plane.namespace("serving").await?;
    let pods = GpuPods::new(&namespace, "chat", 2, 1);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    terminal.good(&["connect", "operate", "admin"]).await?;
    let next = terminal.with(&kubeconfig_of_next(&plane, &terminal)?);
    let site = Site { asked, terminal, next, namespace };
    site.what_nobody_confirmed_is_counted(&plane).await?;
    let (mut chance, mut found) = (Chance::new(7), Found::default());
    for number in 0..kills {
        let point = POINTS.get(number % (POINTS.len() + 1)).copied();
        let after = match point {
            Some(entries) => Kill::Behind(entries),
            None => Kill::At(Duration::from_millis(chance.below(LATEST_MS) as u64)),
        };
        site.killed(after, 1 + number % 3, &mut found).await?;
    }
    found.gaps += usize::from(book_fits(&site.terminal).await.is_err());
    say(&format!(
        "  {} were written down, {} of them over, {} cut and looked at by who came next; {} reached the server.",
        found.confirmed, found.over, found.cut, found.written
    ));
    report.add(Figure::new("act-crash.kills", kills as f64, ""));
    report.add(Figure::new("act-crash.cut", found.cut as f64, ""));
    report.add(Figure::new("act-crash.audit_gaps", found.gaps as f64, "").at_most(0.0));
    report.add(Figure::new("act-crash.repeated", found.repeated as f64, "").at_most(0.0));
    Ok(())
}

/// What the server writes down: who asked for Deployments to be written.
fn rules() -> Value {
    let written = json!({
        "level": "Metadata", "verbs": ["create", "update", "patch", "delete"],
        "resources": [{ "group": "apps", "resources": ["deployments", "deployments/*"] }],
    });
    json!([written, { "level": "None" }])
}

/// The kubeconfig of the person with another token in it: the same context is another account.
fn kubeconfig_of_next(plane: &ControlPlane, terminal: &Terminal) -> Result<std::path::PathBuf> {
    let text = fs::read_to_string(plane.kubeconfig()).could_not("read the kubeconfig")?;
    let path = terminal.home().join("next.kubeconfig");
    fs::write(&path, text.replace(plane.admin_token(), TOKEN)).could_not("write a kubeconfig")?;
    Ok(path)
}

/// When an action is killed.
#[derive(Clone, Copy)]
enum Kill {
    /// Once it has written so many entries.
    Behind(usize),
    /// After so long.
    At(Duration),
}

#[derive(Default)]
struct Found {
    confirmed: usize,
    over: usize,
    /// Actions that were cut, told of as cut, and looked at by the recorder that came next.
    cut: usize,
    written: usize,
    /// Writes without an entry before them, and actions that were cut and are not found.
    gaps: usize,
    /// Writes that nobody asked for.
    repeated: usize,
}

struct Site {
    asked: Asked,
    terminal: Terminal,
    /// The same home, as it is opened after a kill.
    next: Terminal,
    namespace: String,
}

impl Site {
    fn book(&self) -> Book {
        Book::at(&Paths::under(self.terminal.home()).data().join("audit.db"))
    }

    /// How often the server was asked to write the Deployment: by who acts, and by what was opened after a kill.
    fn writes(&self) -> [usize; 2] {
        [PERSON, NEXT].map(|who| self.asked.writes(who, "deployments", "chat"))
    }

    fn entries(&self) -> Result<usize> {
        let entries = self.book().verify(None, None).could_not("read the book")?.entries;
        usize::try_from(entries).could_not("count the entries")
    }

    /// What stands in the book behind so many entries.
    fn since(&self, entries: usize) -> Result<Vec<Noted>> {
        let newest = self.book().newest(MOST).could_not("read the book")?;
        Ok(newest.into_iter().filter(|noted| noted.seq > entries as u64).collect())
    }

    /// A write as whoever comes next is counted, also one that changes nothing: else nothing would ever be called repeated.
    async fn what_nobody_confirmed_is_counted(&self, plane: &ControlPlane) -> Result<()> {
        let path = format!("/apis/apps/v1/namespaces/{}/deployments/chat", self.namespace);
        let same = json!({ "spec": { "replicas": 2 } });
        plane.api_for(TOKEN)?.patch(&path, &same).await?;
        until("such a write is counted", LIMIT, async || Ok((self.writes()[1] == 1).then_some(()))).await
    }

    async fn killed(&self, kill: Kill, pods: usize, found: &mut Found) -> Result<()> {
        let (before, entries) = (self.writes(), self.entries()?);
        let to = pods.to_string();
        let arguments = ["act", "scale", "deployment", "chat", "-n", &self.namespace, "--to", &to, "--yes", "--json"];
        let mut command = self.terminal.command(&arguments)?;
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().could_not("start pilothouse")?;
        let began = Instant::now();
        loop {
            let is_time = match kill {
                Kill::Behind(more) => self.entries()? >= entries + more,
                Kill::At(after) => began.elapsed() >= after,
            };
            let is_over = child.try_wait().could_not("look whether it runs")?.is_some();
            if is_time || is_over || began.elapsed() > LIMIT {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        child.kill().await.could_not("kill it")?;

        let own = self.since(entries)?;
        let begun = own.iter().find(|noted| matches!(noted.entry.what, What::Confirmed { .. })).map(|noted| noted.seq);
        let over = own.iter().any(|noted| matches!(noted.entry.what, What::Ended { .. }));
        found.confirmed += usize::from(begun.is_some());
        found.over += usize::from(over);
        let cut = begun.filter(|_| !over);
        if cut.is_some() {
            let text = self.terminal.good(&["audit", "list"]).await?;
            found.gaps += usize::from(!text.contains("cut in the middle"));
        }
        self.opened_next(entries, cut).await?;
        if let Some(action) = cut {
            found.cut += 1;
            self.terminal.good(&["audit", "close", &action.to_string()]).await?;
        }
        let now = self.writes();
        let [by_person, by_next] = [0, 1].map(|at| now[at] - before[at]);
        found.written += usize::from(by_person > 0);
        found.gaps += usize::from(by_person > 0 && begun.is_none());
        // One was confirmed, and whoever came next was asked for nothing.
        found.repeated += by_person.saturating_sub(1) + by_next;
        Ok(())
    }

    /// Opens a recorder, as a person would next, until it is connected and has looked at what was cut; and asks beside it how it all
    /// is, by which it has time to do what it should not.
    async fn opened_next(&self, entries: usize, cut: Option<u64>) -> Result<()> {
        let mut command = self.next.command(&["record"])?;
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().could_not("start the recorder")?;
        let said = child.stderr.take().ok_or_else(|| Failure::new("the recorder says nothing"))?;
        let mut lines = BufReader::new(said).lines();
        let connected = async {
            while let Some(line) = lines.next_line().await.could_not("hear the recorder")? {
                if line.contains("admin: live") {
                    return Ok(());
                }
            }
            Err(Failure::new("the recorder ended by itself"))
        };
        tokio::time::timeout(LIMIT, connected).await.could_not("wait for the recorder")??;
        if let Some(action) = cut {
            until("what was cut was looked at", LIMIT, async || {
                let is_it =
                    |noted: &Noted| noted.entry.action == Some(action) && matches!(noted.entry.what, What::Seen { .. });
                Ok(self.since(entries)?.iter().any(is_it).then_some(()))
            })
            .await?;
        }
        self.next.good(&["rollout", "list"]).await?;
        interrupt(child).await.map(drop)
    }
}

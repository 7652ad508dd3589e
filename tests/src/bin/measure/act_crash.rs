//! Actions that are killed: at each point that the audit book names, and at any other. Each is found, none is done again by
//! itself, and what reached the server stands in the book.

use std::time::Duration;

use acceptance::acting::book_fits;
use acceptance::{Api, Context, ControlPlane, Failure, GpuNodes, GpuPods, Options, Result, Terminal};
use pilothouse_engine::Paths;
use pilothouse_journal::audit::Book;
use serde_json::Value;
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

/// Measures it.
pub async fn measure(size: Size, report: &mut Report) -> Result<()> {
    let kills = if size.is_small() { FEW } else { KILLS };
    say(&format!("act-crash: {kills} actions are killed."));
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("acts", 2, 8), LIMIT).await?;
    let namespace = plane.namespace("serving").await?;
    let pods = GpuPods::new(&namespace, "chat", 2, 1);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    terminal.good(&["connect", "operate", "admin"]).await?;
    let site = Site { api: plane.api()?, terminal, namespace };
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
        "  {} were written down, {} of them over, {} cut; {} reached the server.",
        found.confirmed, found.over, found.cut, found.written
    ));
    report.add(Figure::new("act-crash.kills", kills as f64, ""));
    report.add(Figure::new("act-crash.cut", found.cut as f64, ""));
    report.add(Figure::new("act-crash.audit_gaps", found.gaps as f64, "").at_most(0.0));
    report.add(Figure::new("act-crash.repeated", found.repeated as f64, "").at_most(0.0));
    Ok(())
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
    cut: usize,
    written: usize,
    /// Writes without an entry before them, and actions that were cut and are not found.
    gaps: usize,
    /// Writes that nobody asked for.
    repeated: usize,
}

struct Site {
    api: Api,
    terminal: Terminal,
    namespace: String,
}

impl Site {
    fn book(&self) -> Book {
        Book::at(&Paths::under(self.terminal.home()).data().join("audit.db"))
    }

    /// The generation of the Deployment: each write of its settings is one more.
    async fn generation(&self) -> Result<u64> {
        let path = format!("/apis/apps/v1/namespaces/{}/deployments/chat", self.namespace);
        let object = self.api.get(&path).await?;
        object["metadata"]["generation"].as_u64().ok_or_else(|| Failure::new("it has no generation"))
    }

    fn entries(&self) -> Result<usize> {
        let entries = self.book().verify(None, None).could_not("read the book")?.entries;
        usize::try_from(entries).could_not("count the entries")
    }

    async fn killed(&self, kill: Kill, pods: usize, found: &mut Found) -> Result<()> {
        let (before, entries) = (self.generation().await?, self.entries()?);
        let to = pods.to_string();
        let arguments = ["act", "scale", "deployment", "chat", "-n", &self.namespace, "--to", &to, "--yes", "--json"];
        let mut command = self.terminal.command(&arguments)?;
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
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
        // What was on its way when it was killed.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let written = self.generation().await? - before;
        // The next start: it finds what was cut, and sends nothing.
        let list = self.terminal.good(&["audit", "list", "--json"]).await?;
        self.terminal.good(&["connections"]).await?;
        let later = self.generation().await? - before;
        found.repeated += usize::try_from(later - written.min(1)).could_not("count writes")?;
        let lines: Vec<Value> = list.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let own: Vec<&Value> =
            lines.iter().filter(|line| line["entry"].as_u64().is_some_and(|entry| entry > entries as u64)).collect();
        let is = |what: &str| own.iter().any(|line| line["what"] == what);
        let (confirmed, over) = (is("confirmed"), is("ended"));
        found.written += usize::from(written > 0);
        found.confirmed += usize::from(confirmed);
        found.over += usize::from(over);
        found.gaps += usize::from(written > 0 && !confirmed);
        if confirmed && !over {
            let text = self.terminal.good(&["audit", "list"]).await?;
            let is_found = text.contains("cut in the middle");
            found.cut += usize::from(is_found);
            found.gaps += usize::from(!is_found);
            let begun = own.iter().find(|line| line["what"] == "confirmed");
            let number = begun.map(|line| line["entry"].to_string()).unwrap_or_default();
            self.terminal.good(&["audit", "close", &number]).await?;
        }
        Ok(())
    }
}

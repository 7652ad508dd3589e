//! Actions that are killed: at each point that the audit book names, and at any other. Some are of one step (a Deployment gets
//! another number of pods), some of several (a node is drained, a pod a step), which are killed behind step k of n. After each kill
//! a recorder is opened, which finds what was cut and takes it up. Each is found, none is done again by itself, no step that was
//! left is sent, and what reached the server stands in the book.

use std::collections::BTreeSet;
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
/// Of so many actions this many are of several steps.
const OF: usize = 5;
const SEVERAL: usize = 2;
/// Entries of an action, in order, behind the one of its plan: what is named behind each of them. Of one of several steps each step
/// has its own.
const POINTS: [usize; 3] = [2, 3, 4];
const STEPS: [usize; 5] = [2, 3, 4, 5, 6];
/// Pods that are drained: more than one on one of two nodes, and with those of the Deployment they fit on the other.
const DRAINED: usize = 4;
/// What an action writes.
const KINDS: [&str; 3] = ["deployments", "nodes", "pods"];
/// More entries than an action has.
const MOST: u64 = 50;
/// Who acts, as the server knows them.
const PERSON: &str = "admin";
/// As whom what is opened after a kill comes to the server: what it writes nobody has confirmed.
const NEXT: &str = "next";
const TOKEN: &str = "act-crash-token-1";
/// As whom nodes are opened again between actions.
const TIDY: &str = "tidy";
const TIDY_TOKEN: &str = "act-crash-token-2";

/// Measures it.
pub async fn measure(size: Size, report: &mut Report) -> Result<()> {
    let kills = if size.is_small() { FEW } else { KILLS };
    say(&format!("act-crash: {kills} actions are killed."));
    let users = [(NEXT, TOKEN), (TIDY, TIDY_TOKEN)].map(|(name, token)| User::new(name, token).in_group(ADMINS)).into();
    let (asked, plane) = Asked::by(&rules(), Options { users, ..Options::default() }).await?;
    plane.add_gpu_nodes(&GpuNodes::new("acts", 2, 8), LIMIT).await?;
    let namespace = plane.namespace("serving").await?;
    let pods = GpuPods::new(&namespace, "chat", 2, 1);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    let many = GpuPods::new(&namespace, "many", DRAINED, 1);
    plane.add_gpu_deployment(&many).await?;
    plane.wait_running(&many, LIMIT).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    terminal.good(&["connect", "operate", "admin"]).await?;
    let next = terminal.with(&kubeconfig_of_next(&plane, &terminal)?);
    let site = Site { asked, plane, terminal, next, namespace };
    site.what_nobody_confirmed_is_counted().await?;
    let (mut chance, mut found) = (Chance::new(7), Found::default());
    let (mut single, mut several) = (0, 0);
    for number in 0..kills {
        // Of one step and of several in turn, so that each comes to each of its points.
        let (points, turn): (&[usize], usize) = match number % OF < OF - SEVERAL {
            true => (&POINTS, single),
            false => (&STEPS, several),
        };
        let after = match points.get(turn % (points.len() + 1)) {
            Some(entries) => Kill::Behind(*entries),
            None => Kill::At(Duration::from_millis(chance.below(LATEST_MS) as u64)),
        };
        if number % OF < OF - SEVERAL {
            single += 1;
            site.scaled(after, 1 + number % 3, &mut found).await?;
        } else {
            several += 1;
            site.drained(after, &mut found).await?;
        }
    }
    found.gaps += usize::from(book_fits(&site.terminal).await.is_err());
    say(&format!(
        "  {} were written down, {} of them over, {} cut and looked at by who came next; {} reached the server. Of those of several \
         steps {} were cut, behind steps {}.",
        found.confirmed,
        found.over,
        found.cut,
        found.written,
        found.several,
        found.behind.iter().map(|(sent, of)| format!("{sent} of {of}")).collect::<Vec<_>>().join(", "),
    ));
    report.add(Figure::new("act-crash.kills", kills as f64, ""));
    report.add(Figure::new("act-crash.cut", found.cut as f64, ""));
    // Of several steps: some were sent and some were not.
    report.add(Figure::new("act-crash.midway", found.midway as f64, "").at_least(1.0));
    report.add(Figure::new("act-crash.audit_gaps", found.gaps as f64, "").at_most(0.0));
    report.add(Figure::new("act-crash.repeated", found.repeated as f64, "").at_most(0.0));
    Ok(())
}

/// What the server writes down: who asked for Deployments, nodes or pods to be written, or pods to be evicted.
fn rules() -> Value {
    let written = json!({
        "level": "Metadata", "verbs": ["create", "update", "patch", "delete"],
        "resources": [
            { "group": "apps", "resources": ["deployments", "deployments/*"] },
            { "group": "", "resources": ["nodes", "pods", "pods/eviction"] },
        ],
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
    /// Those of them that are of several steps, and behind which steps: sent, and all.
    several: usize,
    behind: BTreeSet<(usize, usize)>,
    /// Those of which some steps were sent and some were not.
    midway: usize,
    written: usize,
    /// Writes without an entry before them, steps that the book does not tell of, and actions that were cut and are not found.
    gaps: usize,
    /// Writes that nobody asked for.
    repeated: usize,
}

struct Site {
    asked: Asked,
    plane: ControlPlane,
    terminal: Terminal,
    /// The same home, as it is opened after a kill.
    next: Terminal,
    namespace: String,
}

impl Site {
    fn book(&self) -> Book {
        Book::at(&Paths::under(self.terminal.home()).data().join("audit.db"))
    }

    /// What the server was asked to write of each kind, by whom.
    fn writes(&self, who: &str) -> [Vec<String>; KINDS.len()] {
        KINDS.map(|kind| self.asked.written(who, kind))
    }

    /// What the server was asked to write since, each as `pods/many-1`.
    fn written_since(&self, who: &str, before: &[Vec<String>; KINDS.len()]) -> Vec<String> {
        let now = self.writes(who);
        let new = KINDS
            .iter()
            .zip(now.iter().zip(before))
            .flat_map(|(kind, (now, before))| now.iter().skip(before.len()).map(move |name| format!("{kind}/{name}")));
        new.collect()
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
    async fn what_nobody_confirmed_is_counted(&self) -> Result<()> {
        let before = self.writes(NEXT);
        let path = format!("/apis/apps/v1/namespaces/{}/deployments/chat", self.namespace);
        let same = json!({ "spec": { "replicas": 2 } });
        self.plane.api_for(TOKEN)?.patch(&path, &same).await?;
        let counted = async || Ok((self.written_since(NEXT, &before) == ["deployments/chat"]).then_some(()));
        until("such a write is counted", LIMIT, counted).await
    }

    async fn scaled(&self, kill: Kill, pods: usize, found: &mut Found) -> Result<()> {
        let to = pods.to_string();
        let arguments = ["act", "scale", "deployment", "chat", "-n", &self.namespace, "--to", &to, "--yes", "--json"];
        self.killed(kill, &arguments, found).await
    }

    async fn drained(&self, kill: Kill, found: &mut Found) -> Result<()> {
        let node = self.fullest().await?;
        self.killed(kill, &["act", "drain", &node, "--yes", "--json"], found).await
    }

    /// Opens the nodes again, waits until all pods run, and names the node that has the most of them.
    async fn fullest(&self) -> Result<String> {
        let api = self.plane.api_for(TIDY_TOKEN)?;
        let items = |list: Value| list["items"].as_array().cloned().unwrap_or_default();
        for node in items(api.get("/api/v1/nodes").await?) {
            let name = node["metadata"]["name"].as_str().unwrap_or_default();
            if node["spec"]["unschedulable"] == true {
                api.patch(&format!("/api/v1/nodes/{name}"), &json!({ "spec": { "unschedulable": null } })).await?;
            }
        }
        let path = format!("/api/v1/namespaces/{}/pods", self.namespace);
        until("all pods run", LIMIT, async || {
            let pods = items(api.get(&path).await?);
            let runs =
                |pod: &Value| pod["status"]["phase"] == "Running" && pod["metadata"]["deletionTimestamp"].is_null();
            if pods.len() <= DRAINED || !pods.iter().all(runs) {
                return Ok(None);
            }
            let nodes: Vec<String> =
                pods.iter().filter_map(|pod| Some(pod["spec"]["nodeName"].as_str()?.to_owned())).collect();
            let fullest = nodes.iter().max_by_key(|node| nodes.iter().filter(|other| other == node).count());
            Ok(fullest.cloned())
        })
        .await
    }

    async fn killed(&self, kill: Kill, arguments: &[&str], found: &mut Found) -> Result<()> {
        let (by_person, by_next) = (self.writes(PERSON), self.writes(NEXT));
        let entries = self.entries()?;
        let mut command = self.terminal.command(arguments)?;
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
        let steps = own.iter().find_map(|noted| match &noted.entry.what {
            What::Confirmed { steps, .. } => Some(steps.len()),
            _ => None,
        });
        let told =
            own.iter().filter(|noted| matches!(noted.entry.what, What::Sent { .. } | What::NotSent { .. })).count();
        found.confirmed += usize::from(begun.is_some());
        found.over += usize::from(over);
        let cut = begun.filter(|_| !over);
        if cut.is_some() {
            let text = self.terminal.good(&["audit", "list"]).await?;
            found.gaps += usize::from(!text.contains("cut in the middle"));
            if let Some(steps) = steps.filter(|steps| *steps > 1) {
                found.several += 1;
                found.behind.insert((told, steps));
                found.midway += usize::from(told > 0 && told < steps);
            }
        }
        self.opened_next(entries, cut).await?;
        if let Some(action) = cut {
            found.cut += 1;
            self.terminal.good(&["audit", "close", &action.to_string()]).await?;
        }
        let (by_person, by_next) = (self.written_since(PERSON, &by_person), self.written_since(NEXT, &by_next));
        found.written += usize::from(!by_person.is_empty());
        found.gaps += usize::from(!by_person.is_empty() && begun.is_none());
        // The book tells of each step that was sent, but for the one that was on its way; and of none that was not.
        let is_told = told <= by_person.len() && by_person.len() <= told + 1;
        found.gaps += usize::from(begun.is_some() && !is_told);
        // Each step is of another object, and was confirmed once; whoever came next was asked for nothing.
        let once: BTreeSet<&String> = by_person.iter().collect();
        found.repeated += by_person.len() - once.len() + by_next.len();
        found.repeated += by_person.len().saturating_sub(steps.unwrap_or(0));
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

//! What is started to be measured, for as long as a run takes.

use crate::{
    bench_args::{Local, LocalArgs, ServeArgs},
    exit::Failed,
    out::note,
    serve,
};
use pilothouse_bench::{
    beside::{Given, Gpus, Watched},
    local::{self, Needs},
    plan::{Api, Target},
    server::{self, GRACE, Server, Wanted},
    store::Place,
};
use pilothouse_wire::{Code, Problem};
use std::{path::PathBuf, time::Duration};

/// A week: nobody waits longer.
const LONGEST_S: f64 = 7.0 * 86_400.0;

/// Servers that were started; where none was wanted there are none.
#[derive(Default)]
pub struct Served {
    servers: Vec<(String, Server)>,
    /// Memory that models out of files take at least, in bytes.
    taken: u64,
}

impl Served {
    /// Starts the one that is wanted for a run, if one is: a command, or a model out of a file, whose place then is the target's.
    ///
    /// # Errors
    /// If it does not serve.
    pub async fn start(
        of: &ServeArgs,
        local: Option<(&Local, &LocalArgs)>,
        target: &mut Target,
        place: &Place,
    ) -> Result<Self, Failed> {
        if let Some(local) = local {
            if !of.serve.is_empty() {
                return Err(Failed::Usage("A model out of a file is served by itself: leave out --serve.".into()));
            }
            let mut served = Self::default();
            served.load("", local, of.ready_within, target, place).await?;
            return Ok(served);
        }
        let (command, ready_url) = match (&of.serve[..], &of.ready_url[..]) {
            ([], _) => return Ok(Self::default()),
            ([command], []) => (command, server::usual_ready_url(target)),
            ([command], [url]) => (command, url.clone()),
            _ => return Err(Failed::Usage("There is one target: give --serve and --ready-url once.".into())),
        };
        let mut served = Self::default();
        served.add("", command, ready_url, (place, of.ready_within), target).await?;
        Ok(served)
    }

    /// Starts those that are wanted for arms of these names, in their order.
    ///
    /// # Errors
    /// If one does not serve; those before it are stopped.
    pub async fn start_all(of: &ServeArgs, arms: &[(&str, &Target)], place: &Place) -> Result<Self, Failed> {
        let named = |typed: &[String], what: &str| -> Result<Vec<(String, String)>, Failed> {
            let part = |typed: &String| {
                let (name, rest) = typed.split_once('=').unwrap_or(("", typed));
                let is_known = arms.iter().any(|(arm, _)| *arm == name);
                let names: Vec<&str> = arms.iter().map(|(arm, _)| *arm).collect();
                let usage = || Failed::Usage(format!("{what} is of no target: write NAME=…, of {}.", names.join(", ")));
                is_known.then(|| (name.to_owned(), rest.to_owned())).ok_or_else(usage)
            };
            typed.iter().map(part).collect()
        };
        let (commands, urls) = (named(&of.serve, "--serve")?, named(&of.ready_url, "--ready-url")?);
        let mut served = Self::default();
        for (name, target) in arms {
            let Some((_, command)) = commands.iter().find(|(of, _)| of == name) else { continue };
            let url = urls.iter().find(|(of, _)| of == name).map(|(_, url)| url.clone());
            let url = url.unwrap_or_else(|| server::usual_ready_url(target));
            if let Err(failed) = served.add(name, command, url, (place, of.ready_within), target).await {
                served.stop().await;
                return Err(failed);
            }
        }
        Ok(served)
    }

    async fn add(
        &mut self,
        name: &str,
        command: &str,
        ready_url: String,
        (place, within_s): (&Place, f64),
        target: &Target,
    ) -> Result<(), Failed> {
        if let Some(through) = &target.through {
            return Err(Problem::new(Code::BadInput, "What --serve starts is on this machine.")
                .why(format!("What is asked is {}.", through.place()))
                .next("Leave out --serve, or give an address of this machine.")
                .into());
        }
        // Before minutes are spent on it.
        place.is_free()?;
        let limit = limit(within_s)?;
        let log = log(name, place);
        let wanted = Wanted { command: server::split(command)?, ready_url, limit, grace: GRACE, log };
        note(&format!("Waiting until {} is ready; its words go to {}.", wanted.ready_url, wanted.log.display()));
        let server = server::start(&wanted, target, serve::interruption_or_hangup()).await?;
        self.servers.push((name.to_owned(), server));
        Ok(())
    }

    /// Loads a model out of a file for the arm of this name, serves it, and makes its target the place where it is. What memory
    /// it takes is said before.
    ///
    /// # Errors
    /// If it is too big for this machine, nobody can load models, or it is not loaded.
    pub async fn load(
        &mut self,
        name: &str,
        (Local { model, options }, of): (&Local, &LocalArgs),
        within_s: f64,
        target: &mut Target,
        place: &Place,
    ) -> Result<(), Failed> {
        if self.servers.iter().any(|(of, _)| of == name) {
            return Err(Failed::Usage("A model out of a file is served by itself: leave out --serve.".into()));
        }
        place.is_free()?;
        let program = local::find(of.model_program.as_deref())?;
        let needs = Needs::of(model, options);
        if options.gpu_layers.unwrap_or(0) == 0 {
            note(&needs.check(model, local::available().saturating_sub(self.taken))?);
            self.taken = self.taken.saturating_add(needs.low());
        } else {
            note(&format!("{} takes {}, of that some on GPUs.", model.name(), needs.words()));
        }
        let wanted = local::Wanted {
            model: model.clone(),
            options: options.clone(),
            program,
            onnxruntime: of.onnxruntime.clone(),
            limit: limit(within_s)?,
            log: log(name, place),
        };
        note(&format!("Loading {}; the words of who does go to {}.", model.file.display(), wanted.log.display()));
        let (server, serving) = local::start(&wanted, serve::interruption_or_hangup()).await?;
        self.servers.push((name.to_owned(), server));
        target.url = target.api.address(&serving.serving, &target.model);
        if target.api == Api::Infer && target.template.as_ref().is_none_or(|template| template.body.is_none()) {
            target.template.get_or_insert_default().body = Some(serving.body()?);
        }
        note(&format!("Loaded {}.", serving.words()));
        Ok(())
    }

    /// What a run on the target of this name is given: what was started, and what is read beside it.
    ///
    /// # Errors
    /// If what is to be read makes no sense.
    pub fn given(&self, of: &ServeArgs, name: &str, target: &Target) -> Result<Given, Failed> {
        let own = |typed: &[String]| {
            let named =
                typed.iter().find_map(|typed| Some(typed.split_once('=').filter(|(of, _)| *of == name)?.1.to_owned()));
            if name.is_empty() { typed.first().cloned() } else { named }
        };
        let number = |typed: String| {
            typed
                .parse()
                .map_err(|_| Failed::Usage(format!("--pid is the number of a process, and {typed:?} is none.")))
        };
        let started = self.servers.iter().find(|(of, _)| of == name);
        let process = match own(&of.pid) {
            Some(typed) => Some(number(typed)?),
            None => started.map(|(_, server)| server.id()),
        };
        let metrics = own(&of.metrics).or_else(|| process.map(|_| server::usual_metrics_url(target)));
        let gpus = match &of.nvml {
            Some(library) => Gpus::Library(library.clone()),
            None if process.is_some() => Gpus::Usual,
            None => Gpus::No,
        };
        let server = started.map(|(_, server)| server.started().clone());
        Ok(Given { server, watched: Watched { process, metrics, gpus } })
    }

    /// Says of each that has ended by itself, with its last words, and stops the others.
    pub async fn stop(self) {
        for (name, mut server) in self.servers {
            if let Some(status) = server.ended() {
                let of = if name.is_empty() { String::new() } else { format!(" of {name}") };
                note(&format!("The server{of} ended while it was measured, {status}. {}", server.last_words()));
            }
            server.stop().await;
        }
    }
}

/// How long somebody may take to be ready.
fn limit(within_s: f64) -> Result<Duration, Problem> {
    let limit = Duration::try_from_secs_f64(within_s).ok().filter(|_| within_s > 0.0 && within_s <= LONGEST_S);
    limit.ok_or_else(|| {
        Problem::new(Code::BadInput, format!("ready-within cannot be {within_s}."))
            .why("It is no time to wait.")
            .next("Give seconds, more than 0.")
    })
}

/// The file that the words of the arm of this name go to.
fn log(name: &str, place: &Place) -> PathBuf {
    let dotted = if name.is_empty() { String::new() } else { format!(".{name}") };
    place.document.with_file_name(format!("{}{dotted}.server.log", place.id))
}

//! What is started to be measured, as it was typed: what is waited for and what ended is said on stderr.

use crate::{
    bench_args::{Local, LocalArgs, ServeArgs},
    exit::Failed,
    out::note,
    serve,
};
use pilothouse_bench::{
    beside::{Given, Gpus, Watched},
    local,
    plan::Target,
    served::{self, Ended, Served},
    server,
    store::Place,
};
use pilothouse_wire::{Code, Problem};
use std::time::Duration;

/// A week: nobody waits longer.
const LONGEST_S: f64 = 7.0 * 86_400.0;

/// Starts the one that is wanted for a run, if one is: a command, or a model out of a file, whose place then is the target's.
///
/// # Errors
/// If it does not serve.
pub async fn start(
    of: &ServeArgs,
    local: Option<(&Local, &LocalArgs)>,
    target: &mut Target,
    place: &Place,
) -> Result<Served, Failed> {
    let mut served = Served::default();
    if let Some(local) = local {
        if !of.serve.is_empty() {
            return Err(Failed::Usage("A model out of a file is served by itself: leave out --serve.".into()));
        }
        load(&mut served, "", local, of.ready_within, target, place).await?;
        return Ok(served);
    }
    let (command, ready_url) = match (&of.serve[..], &of.ready_url[..]) {
        ([], _) => return Ok(served),
        ([command], []) => (command, None),
        ([command], [url]) => (command, Some(url.clone())),
        _ => return Err(Failed::Usage("There is one target: give --serve and --ready-url once.".into())),
    };
    add(&mut served, "", (command, ready_url), (place, of.ready_within), target).await?;
    Ok(served)
}

/// Starts those that are wanted for arms of these names, in their order.
///
/// # Errors
/// If one does not serve; those before it are stopped.
pub async fn start_all(of: &ServeArgs, arms: &[(&str, &Target)], place: &Place) -> Result<Served, Failed> {
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
    let mut served = Served::default();
    for (name, target) in arms {
        let Some((_, command)) = commands.iter().find(|(of, _)| of == name) else { continue };
        let url = urls.iter().find(|(of, _)| of == name).map(|(_, url)| url.clone());
        if let Err(failed) = add(&mut served, name, (command, url), (place, of.ready_within), target).await {
            served.stop().await;
            return Err(failed);
        }
    }
    Ok(served)
}

async fn add(
    served: &mut Served,
    name: &str,
    (command, ready_url): (&str, Option<String>),
    (place, within_s): (&Place, f64),
    target: &Target,
) -> Result<(), Failed> {
    let wanted = served::wanted(name, server::split(command)?, ready_url, limit(within_s)?, target, place)?;
    note(&format!("Waiting {}.", wanted.words()));
    Ok(served.start(name, &wanted, target, serve::interruption_or_hangup()).await?)
}

/// Loads a model out of a file for the arm of this name, serves it, and makes its target the place where it is. What memory
/// it takes is said before.
///
/// # Errors
/// If it is too big for this machine, nobody can load models, or it is not loaded.
pub async fn load(
    served: &mut Served,
    name: &str,
    (Local { model, options }, of): (&Local, &LocalArgs),
    within_s: f64,
    target: &mut Target,
    place: &Place,
) -> Result<(), Failed> {
    if served.has(name) {
        return Err(Failed::Usage("A model out of a file is served by itself: leave out --serve.".into()));
    }
    place.is_free()?;
    let program = local::find(of.model_program.as_deref())?;
    note(&served.room(model, options)?);
    let wanted = local::Wanted {
        model: model.clone(),
        options: options.clone(),
        program,
        onnxruntime: of.onnxruntime.clone(),
        limit: limit(within_s)?,
        log: served::log(name, place),
    };
    note(&format!("Loading {}; the words of who does go to {}.", model.file.display(), wanted.log.display()));
    let serving = served.load(name, &wanted, target, serve::interruption_or_hangup()).await?;
    note(&format!("Loaded {}.", serving.words()));
    Ok(())
}

/// What a run on the target of this name is given: what was started, and what is read beside it, where it was not typed.
///
/// # Errors
/// If what is to be read makes no sense.
pub fn given(served: &Served, of: &ServeArgs, name: &str, target: &Target) -> Result<Given, Failed> {
    let own = |typed: &[String]| {
        let named =
            typed.iter().find_map(|typed| Some(typed.split_once('=').filter(|(of, _)| *of == name)?.1.to_owned()));
        if name.is_empty() { typed.first().cloned() } else { named }
    };
    let number = |typed: String| {
        typed.parse().map_err(|_| Failed::Usage(format!("--pid is the number of a process, and {typed:?} is none.")))
    };
    let Given { server, watched } = served.given(name, target);
    let process = own(&of.pid).map(number).transpose()?.or(watched.process);
    let metrics = own(&of.metrics).or_else(|| process.and_then(|_| server::usual_metrics_url(target)));
    let gpus = match &of.nvml {
        Some(library) => Gpus::Library(library.clone()),
        None if process.is_some() => Gpus::Usual,
        None => Gpus::No,
    };
    Ok(Given { server, watched: Watched { process, metrics, gpus, price: of.price() } })
}

/// Stops all of them; of each that has ended by itself it is said, here and in what is kept, and answered for what is shown.
pub async fn stop(served: Served, place: &Place) -> Vec<Ended> {
    let ended = served.stop().await;
    ended.iter().for_each(|ended| note(&ended.words()));
    // What cannot be written was said here, and that it is kept is said only once it is.
    if let Err(problem) = served::note(place, &ended) {
        note(&problem.to_string());
    }
    ended
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

//! The cases, each about one connector. What is said of a server is passed by where a connector has none.

use super::{
    calls::patient,
    faults::{Answer, Fault, cut, everywhere_or_in_listings, failure, refusal},
    logs::Logs,
    run::{Before, Run, SECRET, clock, fill, opening},
    scripted::{Reply, Scripted},
    stand::{Part, Stand},
};
use pilothouse_wire::{Code, Problem};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::Instant;

/// How long a server that is well may take to be known.
const SOON: Duration = Duration::from_secs(90);
/// How long a fault goes on.
const LONG: Duration = Duration::from_secs(600);

/// A required field that is not filled in, or filled with blanks, is named, and nobody is contacted.
///
/// # Errors
/// What it does instead.
pub async fn a_missing_field_is_named(stand: &Stand) -> Result<(), String> {
    let server = match &stand.server {
        Some(speaks) => {
            let well = speaks.well;
            Some(Scripted::start(move |path, _| well(path)).await.map_err(|error| error.to_string())?)
        }
        None => None,
    };
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    for field in stand.kind.fields.iter().filter(|field| field.required) {
        for blank in [false, true] {
            let mut given = fill(stand, server.as_ref(), folder.path());
            given.values.remove(field.key);
            given.secrets.remove(field.key);
            if blank {
                given.values.insert(field.key.to_owned(), "  ".to_owned());
            }
            match (stand.kind.open)(opening(given, clock())) {
                Ok(_) => return Err(format!("it opens without the field \"{}\"", field.label)),
                Err(problem) if problem.code != Code::BadInput || !problem.to_string().contains(field.label) => {
                    return Err(format!("the field \"{}\" is missing, and it says: {problem}", field.label));
                }
                Err(_) => {}
            }
        }
    }
    match server.map(|server| server.asked()).unwrap_or_default().as_slice() {
        [] => Ok(()),
        asked => Err(format!("opening it calls the server: {asked:?}")),
    }
}

/// A server that refuses the credential is told as that, by the test and by the watch, and is not called again and again.
///
/// # Errors
/// What it does instead.
pub async fn a_refusal_is_no_storm(stand: &Stand) -> Result<(), String> {
    let Some(server) = &stand.server else { return Ok(()) };
    for fault in everywhere_or_in_listings(server, refusal()) {
        let before = Before::open(stand, fault.script()).await?;
        if fault.everywhere {
            let tested = tested(&before).await.ok_or("the test of a refused credential finds nothing wrong")?;
            is_refused(&tested)?;
        }
        let mut run = before.watch();
        run.hear(LONG).await?;
        is_refused(run.problems().last().ok_or("a refused credential is no problem to it")?)?;
        patient(&before.asked(|path| fault.hits(path))).map_err(|why| format!("refused {fault}: {why}"))?;
    }
    Ok(())
}

fn is_refused(problem: &Problem) -> Result<(), String> {
    match problem.code {
        Code::Unauthenticated | Code::Denied => Ok(()),
        code => Err(format!("a refused credential is told as {code:?}: {problem}")),
    }
}

/// A server that fails is given time, more with each failure; and is well again soon after it is.
///
/// # Errors
/// What it does instead.
pub async fn a_server_that_fails_is_given_time(stand: &Stand) -> Result<(), String> {
    let Some(server) = &stand.server else { return Ok(()) };
    for fault in everywhere_or_in_listings(server, failure()) {
        let before = Before::open(stand, fault.script()).await?;
        let mut run = before.watch();
        run.hear(LONG).await?;
        match run.problems().last().map(|problem| problem.code) {
            Some(Code::ServerFailed) => {}
            other => return Err(format!("a server that fails {fault} is told as {other:?}")),
        }
        patient(&before.asked(|path| fault.hits(path))).map_err(|why| format!("failing {fault}: {why}"))?;
        fault.mend();
        run.until_well(SOON).await.map_err(|why| format!("the server is mended ({fault}), and {why}"))?;
    }
    Ok(())
}

/// A server that asks for patience gets as much as it asked for, and is asked again then.
///
/// # Errors
/// What it does instead.
pub async fn patience_is_given(stand: &Stand) -> Result<(), String> {
    let Some(server) = &stand.server else { return Ok(()) };
    let busy = || Reply::Json(429, "retry-after: 120\r\n", json!({ "kind": "Status", "code": 429 }));
    let listing = server.listing;
    let is_busy = move |path: &str, before: usize| (listing(path) == Some(Part::First) && before < 2).then(busy);
    let before = Before::open(stand, is_busy).await?;
    let mut run = before.watch();
    run.hear(LONG).await?;
    run.until_well(SOON).await?;
    let mut times: BTreeMap<String, Vec<Instant>> = BTreeMap::new();
    for (path, at) in before.asked(|path| listing(path) == Some(Part::First)) {
        times.entry(path).or_default().push(at);
    }
    for (path, times) in times {
        match times.as_slice() {
            // The first call may have been a guess that is followed by the true one.
            [_, second, third, ..] if *third - *second >= Duration::from_secs(120) => {}
            times => return Err(format!("{path} asks for two minutes, and is called at {times:?}")),
        }
    }
    Ok(())
}

/// A listing that breaks within a page, the first or a later one, tells nothing; whole again, it tells all.
///
/// # Errors
/// What it does instead.
pub async fn a_cut_page_is_no_half_world(stand: &Stand) -> Result<(), String> {
    let Some(server) = &stand.server else { return Ok(()) };
    let parts: &[Part] = if server.paged.is_some() { &[Part::First, Part::Further] } else { &[Part::First] };
    for part in parts.iter().copied() {
        let (well, listing) = (server.well, server.listing);
        let fault = Fault::new(move |path| (listing(path) == Some(part)).then(|| cut(well(path))));
        let before = Before::open(stand, fault.script()).await?;
        let mut run = before.watch();
        run.hear(LONG).await?;
        if before.asked(|path| fault.hits(path)).is_empty() {
            return Err(format!("its server is never asked for a {part:?} page"));
        }
        let told = |run: &Run| server.paged.map(|paged| run.listings(paged.kind)).unwrap_or_default();
        if !told(&run).is_empty() || (part == Part::First && run.tells_of_objects()) {
            return Err(format!("a listing that is cut in its {part:?} page is told, with {:?} facts", told(&run)));
        }
        fault.mend();
        run.until_well(SOON).await.map_err(|why| format!("the server is mended, and {why}"))?;
        match server.paged {
            Some(paged) if told(&run) != [paged.whole] => {
                return Err(format!("{} are listed, and {:?} facts are told", paged.whole, told(&run)));
            }
            None if !run.tells_of_objects() => return Err("it is well again, and tells of nothing".to_owned()),
            _ => {}
        }
    }
    Ok(())
}

/// Whatever it does when nobody listens any more, it ends.
///
/// # Errors
/// When it does not.
pub async fn a_closed_sink_ends_it(stand: &Stand) -> Result<(), String> {
    let fault = |answer: fn() -> Reply| move |_: &str, _| Some(answer());
    let listened = [Duration::ZERO, Duration::from_secs(30)];
    for span in listened {
        for (what, before) in [
            ("well", Before::open(stand, |_, _| None).await?),
            ("refused", Before::open(stand, fault(refusal)).await?),
            ("in failure", Before::open(stand, fault(failure)).await?),
            ("in silence", Before::open(stand, fault(|| Reply::Silence)).await?),
        ] {
            let mut run = before.watch();
            run.hear(span).await?;
            run.close(SOON).await.map_err(|why| format!("{what}, heard for {span:?}: {why}"))?;
        }
    }
    Ok(())
}

/// The test of a connection makes the calls that watching it makes: what it finds well is well.
///
/// # Errors
/// The calls that only one of them makes.
pub async fn the_test_makes_the_calls(stand: &Stand) -> Result<(), String> {
    let before = Before::open(stand, |_, _| None).await?;
    match before.connector.probe().await {
        Ok(tested) if tested.problem.is_none() => {}
        other => return Err(format!("a server that is well is tested as {other:?}")),
    }
    let Some(server) = &stand.server else { return Ok(()) };
    let calls =
        |before: &Before| -> BTreeSet<String> { before.asked(|_| true).into_iter().map(|(path, _)| path).collect() };
    let by_test = calls(&before);
    let before = Before::open(stand, |_, _| None).await?;
    let mut run = before.watch();
    run.until_well(SOON).await?;
    run.hear(Duration::from_secs(20)).await?;
    let by_watch = calls(&before);
    let only_tested: Vec<&String> = by_test.difference(&by_watch).collect();
    let listings: BTreeSet<String> =
        before.asked(|path| (server.listing)(path).is_some()).into_iter().map(|(path, _)| path).collect();
    let only_watched: Vec<&String> = listings.difference(&by_test).collect();
    if only_tested.is_empty() && only_watched.is_empty() {
        Ok(())
    } else {
        Err(format!("only the test calls {only_tested:?}, and it does not list {only_watched:?}"))
    }
}

/// The credential is in nothing that it says, tells, answers or logs, also where the server repeats it.
///
/// # Errors
/// Where it is.
pub async fn no_secret_is_said(stand: &Stand) -> Result<(), String> {
    let (logs, listening) = Logs::listen();
    let mut said = Vec::new();
    let half = stand.server.as_ref().map(|server| server.well);
    let faults: [(&str, Box<Answer>); 4] = [
        ("well", Box::new(|_| None)),
        ("refused", Box::new(|_| Some(refusal()))),
        ("in failure", Box::new(|_| Some(failure()))),
        ("cut", Box::new(move |path| half.map(|well| cut(well(path))))),
    ];
    for (what, fault) in faults {
        let before = Before::open(stand, move |path, _| fault(path)).await?;
        let mut run = before.watch();
        run.hear(Duration::from_secs(60)).await?;
        let node = "node:ord-prod/a".parse().map_err(|error| format!("{error}"))?;
        said.push((what, "what it tells", format!("{:?}", run.said)));
        said.push((what, "the outcome of its test", format!("{:?}", before.connector.probe().await)));
        said.push((what, "its answer to a question", format!("{:?}", before.connector.yaml(&node).await)));
        said.push((what, "what it says of itself", format!("{:?}", before.connector.about())));
    }
    drop(listening);
    said.push(("at all", "what is logged", logs.text()));
    match said.iter().find(|(.., text)| text.contains(SECRET)) {
        None => Ok(()),
        Some((when, place, text)) => {
            let at = text.find(SECRET).unwrap_or_default();
            let around: String = text.get(at.saturating_sub(200)..).unwrap_or(text).chars().take(300).collect();
            Err(format!("{when}, its secret is in {place}: {around}"))
        }
    }
}

/// What is wrong when it is tested, by either way of saying so.
async fn tested(before: &Before) -> Option<Problem> {
    match before.connector.probe().await {
        Ok(tested) => tested.problem,
        Err(problem) => Some(problem),
    }
}

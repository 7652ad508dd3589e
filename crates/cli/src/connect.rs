//! The commands that add, change, test and remove connections.

mod consent;
mod found;
mod services;

use crate::{
    args::SourceArgs,
    connect_args::{ConnectVerb, EditArgs, NewConnection},
    exit::{Exit, Failed},
    out::{Style, note},
    problems, prompt,
    start::{Session, other_answer},
};
use consent::{Consent, act};
use pilothouse_wire::{
    Act, Acted, Body, Code, ConnectionId, Health, Problem, View, ViewSpec, When,
    ask::Tested,
    form::{Draft, SecretInput},
    frame::Mirror,
    plan::Operation,
    units::visible,
    view::{ConnectionRow, ConnectionsView},
};
use std::{io::Write, time::Duration};

/// How long a new connection is waited for.
const FIRST_LISTING: Duration = Duration::from_secs(30);

/// Runs a command on connections.
pub async fn run(verb: &ConnectVerb, out: Style, err: Style) -> Result<Exit, Failed> {
    if let ConnectVerb::Contexts { json } = verb {
        return found::contexts(*json, out, err);
    }
    let session = Session::start_quietly(&SourceArgs::default(), false).await?;
    let outcome = on(&session, verb, out, err).await;
    session.end().await;
    outcome
}

async fn on(session: &Session, verb: &ConnectVerb, out: Style, err: Style) -> Result<Exit, Failed> {
    match verb {
        ConnectVerb::Add(new) => add(session, new, err).await,
        ConnectVerb::Edit(edit) => self::edit(session, edit, err).await,
        ConnectVerb::Test { id } => {
            let row = row(session, id).await?;
            let draft = Draft { kind: row.kind, name: row.name, values: row.values };
            test(session, Act::TestConnection { of: Some(row.id), draft, secrets: Vec::new() }, &Consent::ask(), err)
                .await
        }
        ConnectVerb::Operate { id, off, production } => operate(session, id, *off, *production).await,
        ConnectVerb::Pause { id } => pause(session, id, true).await,
        ConnectVerb::Resume { id } => pause(session, id, false).await,
        ConnectVerb::Remove { id, yes } => remove(session, id, *yes).await,
        ConnectVerb::List { json } => found::list(session, *json, out).await,
        ConnectVerb::Services { json, wait } => {
            services::list(session, *json, Duration::from_secs(*wait), out, err).await
        }
        ConnectVerb::Contexts { json } => found::contexts(*json, out, err),
    }
}

async fn add(session: &Session, new: &NewConnection, err: Style) -> Result<Exit, Failed> {
    let secrets = secrets(&new.secrets)?;
    let consent = Consent::given(new.trust_plugin.clone());
    if new.dry_run {
        let wanted = Act::TestConnection { of: None, draft: new.draft.clone(), secrets };
        return test(session, wanted, &consent, err).await;
    }
    let wanted = Act::AddConnection { draft: new.draft.clone(), secrets };
    let acted = act(session, wanted, &consent).await?;
    outcome(session, acted, "is added", err).await
}

async fn edit(session: &Session, edit: &EditArgs, err: Style) -> Result<Exit, Failed> {
    let row = row(session, &edit.id).await?;
    let mut values = row.values;
    for (key, value) in &edit.set {
        if value.is_empty() {
            values.remove(key);
        } else {
            values.insert(key.clone(), value.clone());
        }
    }
    let draft = Draft { kind: row.kind, name: edit.name.clone().unwrap_or(row.name), values };
    let wanted = Act::EditConnection { id: row.id, draft, secrets: secrets(&edit.secret)? };
    let acted = act(session, wanted, &Consent::given(edit.trust_plugin.clone())).await?;
    outcome(session, acted, "is changed", err).await
}

async fn test(session: &Session, wanted: Act, consent: &Consent, err: Style) -> Result<Exit, Failed> {
    let acted = match act(session, wanted.clone(), consent).await? {
        // What was confirmed may be run now.
        Acted::Done(_) => act(session, wanted, consent).await?,
        acted => acted,
    };
    match acted {
        Acted::Tested(tested) => tell_test(&tested, err),
        Acted::NeedsConsent { .. } => Ok(Exit::Partial),
        Acted::Done(_) | Acted::Ok | Acted::Begun(_) | Acted::Measuring(_) | Acted::Needs(_) => Err(other_answer()),
    }
}

fn tell_test(tested: &Tested, err: Style) -> Result<Exit, Failed> {
    let mut out = crate::out::stdout();
    for (label, value) in [("Version", &tested.version), ("Identity", &tested.identity)] {
        if let Some(value) = value {
            writeln!(out, "{label:9}{}", visible(value))?;
        }
    }
    for may in &tested.may {
        writeln!(out, "{:9}{}", "May", visible(may))?;
    }
    out.flush()?;
    match &tested.problem {
        Some(problem) => {
            problems::tell(problem, err);
            Ok(Exit::Partial)
        }
        None => Ok(Exit::Ok),
    }
}

async fn pause(session: &Session, id: &str, paused: bool) -> Result<Exit, Failed> {
    let id = row(session, id).await?.id;
    let done = if paused { "is paused" } else { "goes on" };
    act(session, Act::PauseConnection { id: id.clone(), paused }, &Consent::ask()).await?;
    say(&format!("{id} {done}."))
}

async fn operate(session: &Session, id: &str, off: bool, production: Option<bool>) -> Result<Exit, Failed> {
    let id = row(session, id).await?.id;
    act(session, Act::Operate { id: id.clone(), operate: !off, production }, &Consent::ask()).await?;
    let Operation { production, .. } = row(session, id.as_str()).await?.operation;
    say(&match (off, production) {
        (true, _) => format!("{id} is read alone."),
        (false, false) => format!("Something may be done through {id}: each time it is planned, shown and confirmed."),
        (false, true) => {
            format!("Something may be done through {id}, which is production: its names have to be typed.")
        }
    })
}

async fn remove(session: &Session, id: &str, sure: bool) -> Result<Exit, Failed> {
    let row = row(session, id).await?;
    if !sure {
        if !prompt::somebody_answers() {
            let problem = Problem::new(Code::BadInput, format!("{} is not removed: nobody was asked.", row.id));
            return Err(problem.next("Add --yes.").into());
        }
        if !prompt::yes(&format!("Remove {}, what is known of it, and its secrets?", row.id))? {
            note("Nothing is changed.");
            return Ok(Exit::Ok);
        }
    }
    act(session, Act::RemoveConnection(row.id.clone()), &Consent::ask()).await?;
    say(&format!("{} is removed.", row.id))
}

/// The connection with this id or name.
async fn row(session: &Session, id: &str) -> Result<ConnectionRow, Failed> {
    let rows = found::rows(session).await?;
    if let Some(row) = rows.iter().find(|row| row.id.as_str() == id || row.name == id) {
        return Ok(row.clone());
    }
    let problem = Problem::new(Code::NotFound, format!("There is no connection \"{id}\"."));
    let known: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    Err(match known.as_slice() {
        [] => problem.next("Nothing is configured. See pilothouse connect contexts."),
        known => problem.next(format!("There are: {}.", known.join(", "))),
    }
    .into())
}

fn secrets(keys: &[String]) -> Result<Vec<(String, SecretInput)>, Failed> {
    keys.iter().map(|key| Ok((key.clone(), prompt::secret(key)?))).collect()
}

/// Says what was done, and how the connection is then.
async fn outcome(session: &Session, acted: Acted, done: &str, err: Style) -> Result<Exit, Failed> {
    match acted {
        Acted::Done(id) => {
            say(&format!("{id} {done}."))?;
            first_listing(session, &id, err).await
        }
        Acted::NeedsConsent { id, plugin } => {
            say(&format!("{id} {done}. It is not started: its sign-in program is not confirmed."))?;
            let fingerprint = plugin.fingerprint.unwrap_or_default();
            note(&format!("Next: pilothouse connect edit {id} --trust-plugin {fingerprint}"));
            Ok(Exit::Partial)
        }
        Acted::Ok | Acted::Tested(_) | Acted::Begun(_) | Acted::Measuring(_) | Acted::Needs(_) => Err(other_answer()),
    }
}

async fn first_listing(session: &Session, id: &ConnectionId, err: Style) -> Result<Exit, Failed> {
    let row = tokio::time::timeout(FIRST_LISTING, until_known(session, id)).await;
    let Ok(row) = row else {
        note(&format!("{id} is still being read. Follow it: pilothouse connections --watch"));
        return Ok(Exit::Partial);
    };
    let row = row?;
    if let Some(problem) = row.health.problem() {
        problems::tell(problem, err);
        return Ok(Exit::Partial);
    }
    let version = row.version.map_or(String::new(), |version| format!(", {}", visible(&version)));
    let identity = row.identity.map_or(String::new(), |identity| format!(", as {}", visible(&identity)));
    say(&format!("{}{version}{identity}.", row.health.word()))
}

/// Waits until the connection is no longer on its way.
async fn until_known(session: &Session, id: &ConnectionId) -> Result<ConnectionRow, Failed> {
    until(session, |view| {
        let row = view.rows.get(id);
        row.filter(|row| !matches!(row.health, Health::Idle | Health::Starting { .. })).cloned()
    })
    .await
}

/// Follows the connections until they show what is looked for.
async fn until<T>(session: &Session, look: impl Fn(&ConnectionsView) -> Option<T>) -> Result<T, Failed> {
    loop {
        let mut frames = session.reader().watch(ViewSpec::Connections, When::Now).await?;
        let mut mirror = Mirror::default();
        while let Some(frame) = frames.next().await {
            if mirror.apply(frame.rev, frame.body.clone()).is_err() {
                break;
            }
            let Some(View::Connections(view)) = mirror.view() else { continue };
            if let Some(found) = look(view) {
                return Ok(found);
            }
        }
    }
}

fn say(text: &str) -> Result<Exit, Failed> {
    let mut out = crate::out::stdout();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(Exit::Ok)
}

/// The connections of a whole frame.
fn view_of(body: Body) -> Result<ConnectionsView, Failed> {
    match body {
        Body::Full(View::Connections(view)) => Ok(view),
        _ => Err(other_answer()),
    }
}

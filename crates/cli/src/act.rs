//! The command that does things to objects: it shows the plan, asks, does it, and says what became of it.

#[cfg(test)]
mod typed;

use crate::{
    act_args::{ActArgs, How, Meant, Named, OneObject},
    describe,
    exit::{Exit, Failed},
    json,
    kinds::{meant, offered},
    models,
    out::{Style, Tone, note, stdout},
    problems, prompt,
    start::{Session, other_answer},
};
use pilothouse_wire::{
    Act, Acted, AlertId, Answer, Ask, Body, Code, ConnectionId, ObjectRef, Problem, View, ViewSpec, When,
    back::WayBack,
    plan::{Action, ActionState, Confirmation, DryRun, Intent, Permission, Plan, Planned, Risk},
    units::{count, span, visible},
    view::FleetSpec,
};
use serde::Serialize;
use std::io::Write;

/// Plans it, and does it if it is confirmed.
pub async fn run(arguments: &ActArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let meant = arguments.verb.meant();
    let session = Session::start(&meant.how.source, false).await?;
    let exit = acted(&session, &meant, out, err).await;
    session.end().await;
    exit
}

#[derive(Serialize)]
struct Document<'a> {
    digest: String,
    plan: &'a Plan,
    /// What became of it; none where it was only planned.
    action: Option<Outcome<'a>>,
    /// What was checked before; absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    way_back: Option<Checked<'a>>,
}

/// A way back that was checked.
#[derive(Serialize)]
pub struct Checked<'a> {
    /// The grade as a word.
    grade: &'a str,
    /// How long it should take, in words.
    takes: String,
    /// All of it.
    detail: &'a WayBack,
}

/// A way back that was checked, and nothing else.
#[derive(Serialize)]
pub struct CheckedAlone<'a> {
    way_back: Checked<'a>,
}

impl<'a> Checked<'a> {
    fn of(way: &'a WayBack) -> Self {
        Self { grade: way.grade.word(), takes: way.took.words(), detail: way }
    }

    /// As a document of its own.
    pub fn alone(way: &'a WayBack) -> CheckedAlone<'a> {
        CheckedAlone { way_back: Self::of(way) }
    }
}

#[derive(Serialize)]
struct Outcome<'a> {
    id: u64,
    state: &'a str,
    detail: &'a ActionState,
    /// Why the audit book is not signed up to its end; null where it is.
    unsigned: Option<&'a Problem>,
}

async fn acted(session: &Session, meant: &Meant, out: Style, err: Style) -> Result<Exit, Failed> {
    let Meant { named, deed, how } = meant;
    let object = match named {
        Named::Object(of) => the_object(session, of).await?,
        Named::Model(name) => the_model(session, name, how).await?,
        Named::Alert(name) => the_alert(session, name, how).await?,
    };
    let intent = Intent { object, deed: deed.clone() };
    do_it(session, intent, how, None, (out, err)).await
}

/// What was checked before something is planned.
#[derive(Clone, Copy)]
pub struct Way<'a> {
    /// Whether it can be.
    pub checked: &'a WayBack,
    /// Is it to be planned whatever a check says? The plan is checked once more, and shows what that says.
    pub anyway: bool,
}

/// Plans it, shows that, and does it if it is confirmed. `way` is what was checked before.
pub async fn do_it(
    session: &Session,
    intent: Intent,
    how: &How,
    way: Option<Way<'_>>,
    (out, err): (Style, Style),
) -> Result<Exit, Failed> {
    let Some((planned, by)) = agreed(session, intent, how, way, out).await? else { return Ok(Exit::Ok) };
    let action = done(session, by, how.json).await?;
    if how.json {
        write_json(&document(&planned, Some(&action), way), out)?;
    }
    ended(&action, err)
}

/// Plans it, shows that, and asks; what was agreed to, or nothing where it was only to be shown or is not wanted.
pub async fn agreed(
    session: &Session,
    intent: Intent,
    how: &How,
    way: Option<Way<'_>>,
    out: Style,
) -> Result<Option<(Planned, Confirmation)>, Failed> {
    let planned = planned(session, ask(intent, way)).await?;
    if !how.json {
        show(&mut stdout(), &planned.plan, out)?;
    }
    if how.plan {
        if how.json {
            write_json(&document(&planned, None, way), out)?;
        }
        return Ok(None);
    }
    if let Some(problem) = planned.plan.blocked.first() {
        return Err(problem.clone().into());
    }
    let Some(typed) = asked(&planned.plan, how)? else {
        note("Nothing is done.");
        return Ok(None);
    };
    let by = Confirmation { digest: planned.digest, typed };
    Ok(Some((planned, by)))
}

/// How it is planned. What was checked before does not decide: it may be another by now, and the plan has a check of its own.
pub fn ask(intent: Intent, way: Option<Way<'_>>) -> Ask {
    match way {
        Some(Way { anyway: true, .. }) => Ask::PlanAnyway(intent),
        _ => Ask::Plan(intent),
    }
}

/// Does what belongs to something that was agreed to before, as it was said there: planned, confirmed and written down like it.
pub async fn belongs(session: &Session, intent: Intent, typed: Option<&str>) -> Result<Action, Failed> {
    let planned = planned(session, Ask::Plan(intent)).await?;
    if let Some(problem) = planned.plan.blocked.first() {
        return Err(problem.clone().into());
    }
    done(session, Confirmation { digest: planned.digest, typed: typed.map(str::to_owned) }, true).await
}

async fn planned(session: &Session, ask: Ask) -> Result<Planned, Failed> {
    match session.reader().ask(ask).await? {
        Answer::Plan(planned) => Ok(*planned),
        _ => Err(other_answer()),
    }
}

/// The object of this name, in the one cluster that has it.
async fn the_object(session: &Session, of: &OneObject) -> Result<ObjectRef, Failed> {
    let (offered, mut troubles) = offered(session, of.how.source.wait).await?;
    if offered.is_empty() && session.demo {
        return Err(Problem::of_demo().into());
    }
    let mut found: Vec<ObjectRef> = Vec::new();
    for (cluster, kind) in meant(&offered, &troubles, &of.kind)? {
        match describe::existing(session, &cluster, &kind, &of.name, of.namespace.as_deref()).await {
            Ok(object) => found.extend(object),
            Err(Failed::Problem(problem)) => troubles.0.push((cluster, *problem)),
            Err(other) => return Err(other),
        }
    }
    match (found.len(), troubles.0.pop()) {
        (1, _) => Ok(found.remove(0)),
        (0, Some((_, problem))) => Err(problem.into()),
        (0, None) => {
            let places: Vec<&str> = offered.iter().map(|one| one.cluster.as_str()).collect();
            let what = format!("{} has no {} {}.", places.join(", "), of.kind, of.name);
            Err(Problem::new(Code::NotFound, what).next(format!("\"pilothouse get {}\" lists them.", of.kind)).into())
        }
        _ => {
            let places: Vec<&str> = found.iter().map(ObjectRef::connection).map(ConnectionId::as_str).collect();
            let what = format!("{} {} is in several clusters: {}.", of.kind, of.name, places.join(", "));
            Err(Problem::new(Code::BadInput, what).next("Say which: --context NAME.").into())
        }
    }
}

/// The registered model of this name, in the one registry that has it.
async fn the_model(session: &Session, name: &str, how: &How) -> Result<ObjectRef, Failed> {
    let model = models::the_model(session, name, how.source.wait).await?;
    Ok(ObjectRef::Model(Box::new(model.id)))
}

/// The alert of this name or fingerprint, where it is the only one.
async fn the_alert(session: &Session, name: &str, how: &How) -> Result<ObjectRef, Failed> {
    let (frame, mut troubles) = session.frame(ViewSpec::Fleet(FleetSpec::default()), how.source.wait).await?;
    let Body::Full(View::Fleet(view)) = &frame.body else { return Err(other_answer()) };
    let found: Vec<&AlertId> =
        view.alerts.rows().iter().map(|row| &row.id).filter(|id| id.name == name || id.fingerprint == name).collect();
    match (&found[..], troubles.0.pop()) {
        ([id], _) => Ok(ObjectRef::Alert(Box::new((*id).clone()))),
        ([], Some((_, problem))) => Err(problem.into()),
        ([], None) => {
            let problem = Problem::new(Code::NotFound, format!("No alert {name} is known."));
            Err(problem.next("\"pilothouse alerts\" lists them.").into())
        }
        (several, _) => {
            let named: Vec<&str> = several.iter().map(|id| id.fingerprint.as_str()).collect();
            let problem = Problem::new(Code::BadInput, format!("{} alerts are called {name}.", several.len()));
            Err(problem.next(format!("Name one by its fingerprint: {}.", named.join(", "))).into())
        }
    }
}

/// Asks the person, unless they said yes before. Answers what was typed, or nothing where they do not want it.
fn asked(plan: &Plan, how: &How) -> Result<Option<Option<String>>, Failed> {
    if how.yes {
        return Ok(Some(how.typed.clone()));
    }
    if !prompt::somebody_answers() {
        let problem = Problem::new(Code::BadInput, "Nothing is done: nobody was asked.");
        return Err(problem.next("Add --yes, or --plan to see what would be done.").into());
    }
    match &plan.type_name {
        Some(name) => {
            Ok(Some(how.typed.clone().or(Some(prompt::line(&format!("This is production. Type {name} to do it"))?))))
        }
        None => Ok(prompt::yes("Do it?")?.then_some(None)),
    }
}

/// Confirms it, and follows it to its end.
pub async fn done(session: &Session, by: Confirmation, quiet: bool) -> Result<Action, Failed> {
    // Watched before it begins: nothing is missed.
    let mut frames = session.reader().watch(ViewSpec::Actions, When::Now).await?;
    let Acted::Begun(id) = session.operator().act(Act::Confirm(by)).await? else { return Err(other_answer()) };
    let mut said = None;
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    let mut halted = false;
    loop {
        let frame = tokio::select! {
            frame = frames.next() => frame,
            // The first asks that nothing more is sent; a second one ends the program.
            _ = &mut interrupt, if !halted => {
                halted = true;
                note("No further step is sent. What was done stays.");
                // That it is over already is seen in what comes next.
                let _ = session.operator().act(Act::Halt(id)).await;
                continue;
            }
        };
        let Some(frame) = frame else {
            return Err(Problem::new(Code::Cut, "The engine ended before it was known what became of it.")
                .next(format!("pilothouse audit list tells of action {id}."))
                .into());
        };
        let Body::Full(View::Actions(view)) = &frame.body else { continue };
        let Some(action) = view.actions.get(&id) else { continue };
        if action.state.is_over() {
            return Ok(action.clone());
        }
        let now = (action.sent, action.state.clone());
        if said.as_ref() != Some(&now) && !quiet {
            note(&visible(&match &action.state {
                ActionState::Verifying(how) => format!("{}: {how}", action.state.word()),
                ActionState::Sending(waits) => {
                    let of = action.plan.steps.len();
                    let waits = if waits.is_empty() { String::new() } else { format!(", waits: {waits}") };
                    format!("{}: {} of {of} steps{waits}", action.state.word(), action.sent)
                }
                other => other.word().to_owned(),
            }));
        }
        said = Some(now);
    }
}

/// Says what became of it, and what takes it back.
pub fn ended(action: &Action, err: Style) -> Result<Exit, Failed> {
    if let Some(problem) = &action.unsigned {
        note(&visible(&problem.to_string()));
    }
    match &action.state {
        ActionState::Verified(words) => {
            note(&visible(&format!("{}: {words}.", action.state.word())));
            undo(&action.plan);
            Ok(Exit::Ok)
        }
        ActionState::Unverified(why) => {
            note(&visible(&format!("{}, {why}.", action.state.word())));
            undo(&action.plan);
            Ok(Exit::Unverified)
        }
        ActionState::Unknown(problem) => {
            problems::tell(problem, err);
            note("Nobody knows whether it was done. It is not sent again by itself: look, and plan what is wanted.");
            undo(&action.plan);
            Ok(Exit::Unverified)
        }
        ActionState::Partly(problem) => {
            undo(&action.plan);
            Err((**problem).clone().into())
        }
        ActionState::Refused(problem) => Err((**problem).clone().into()),
        ActionState::Sending(_) | ActionState::Verifying(_) => Err(other_answer()),
    }
}

/// Says how to take it back.
fn undo(plan: &Plan) {
    if let Some(undo) = &plan.undo {
        note(&format!("To take it back: pilothouse act {}", undo.command()));
    }
}

fn document<'a>(planned: &'a Planned, action: Option<&'a Action>, way: Option<Way<'a>>) -> Document<'a> {
    let action = action.map(|action| Outcome {
        id: action.id,
        state: action.state.word(),
        detail: &action.state,
        unsigned: action.unsigned.as_deref(),
    });
    Document {
        digest: planned.digest.to_string(),
        plan: &planned.plan,
        action,
        way_back: way.map(|way| Checked::of(way.checked)),
    }
}

/// Writes a document: on one line, if a program reads it.
pub fn write_json(document: &impl Serialize, out: Style) -> Result<(), Failed> {
    json::write(&mut stdout(), document, !out.terminal)
}

/// The plan for a person.
fn show(out: &mut impl Write, plan: &Plan, style: Style) -> Result<(), Failed> {
    writeln!(out, "{}", style.paint(Tone::Strong, &visible(&plan.title)))?;
    let mut row =
        |label: &str, tone: Tone, text: &str| writeln!(out, "{label:9} {}", style.paint(tone, &visible(text)));
    row("Concerns", Tone::Plain, &concerns(plan))?;
    for revision in &plan.affected.revisions {
        row("  of", Tone::Plain, &format!("{}: {}", revision.of, revision.words()))?;
    }
    let tone = match plan.risk {
        Risk::Low => Tone::Plain,
        Risk::Medium => Tone::Warn,
        Risk::High => Tone::Bad,
    };
    row("Risk", tone, &format!("{}: {}", plan.risk.word(), plan.risk_why))?;
    for warning in &plan.warnings {
        row("Mind", Tone::Warn, warning)?;
    }
    for step in &plan.steps {
        row("Step", Tone::Plain, &format!("{}: {} {}", step.words, step.request.method, step.request.path))?;
        for (path, value) in &step.guards {
            row("  only if", Tone::Soft, &format!("{path} is {value}"))?;
        }
        match &step.permission {
            Permission::Granted => row("  may we", Tone::Good, "yes")?,
            Permission::Denied(problem) => row("  may we", Tone::Bad, &problem.to_string())?,
            Permission::Unknown(why) => row("  may we", Tone::Warn, &format!("not known: {why}"))?,
        }
        match &step.dry_run {
            DryRun::Passed => row("  tried", Tone::Good, "the server would take it")?,
            DryRun::Refused(problem) => row("  tried", Tone::Bad, &problem.to_string())?,
            DryRun::NotTried(why) => row("  not tried", Tone::Warn, why)?,
        }
    }
    for change in &plan.changes {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        row("Change", Tone::Plain, &format!("{}: {} → {}", change.path, side(&change.from), side(&change.to)))?;
    }
    if plan.more_changes > 0 {
        row("", Tone::Soft, &format!("and {} more", plan.more_changes))?;
    }
    for share in &plan.traffic {
        row("Traffic", Tone::Plain, &format!("{}: {}", share.of, share.words()))?;
    }
    row("Success", Tone::Plain, &format!("{}, within {}", plan.success.words, span(plan.success.within)))?;
    row("Undo", Tone::Plain, &plan.undo.as_ref().map_or_else(|| "there is none".to_owned(), Intent::command))?;
    for problem in &plan.blocked {
        row("Blocked", Tone::Bad, &problem.to_string())?;
    }
    for remedy in plan.blocked.iter().filter_map(|problem| problem.remedy.as_ref()) {
        writeln!(out, "{remedy}")?;
    }
    Ok(())
}

fn concerns(plan: &Plan) -> String {
    let object = &plan.intent.object;
    let of = |number: u64, one: &str| format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" });
    let pods = match plan.affected.pods {
        0 => "no pod".to_owned(),
        pods => of(u64::from(pods), "pod"),
    };
    let gpus = if plan.affected.gpus == 0 { String::new() } else { format!(", {}", of(plan.affected.gpus, "GPU")) };
    format!("{pods}{gpus} of {}", object.connection())
}

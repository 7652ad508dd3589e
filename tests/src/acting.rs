//! Doing something through an engine, as a door does: planned, confirmed, and followed to its end.

use pilothouse_engine::{Clock, Engine, Frames, Operator, Options, Paths};
use pilothouse_wire::{
    Act, Acted, Answer, Ask, Body, ObjectRef, View, ViewSpec, When,
    plan::{Action, Confirmation, Deed, Intent, Planned},
};
use rustix::process::{Pid, Signal, kill_process};
use std::{process::Stdio, time::Duration};
use tokio::process::Child;

use crate::control_plane::ControlPlane;
use crate::failure::{Context, Failure, Result};
use crate::terminal::{Said, Terminal};

const LIMIT: Duration = Duration::from_secs(60);

/// An engine with the connections of a terminal, as the window of that person has one.
///
/// # Errors
///
/// If it does not start.
pub async fn engine(terminal: &Terminal) -> Result<Operator> {
    let paths = Paths::under(terminal.home());
    let options = Options { paths, demo: false, only: None, record: false, clock: Clock::system() };
    let operator = Engine::start(options).await.could_not("start an engine")?;
    operator.reader().settled(LIMIT).await;
    Ok(operator)
}

/// A terminal of the administrator, who may act in a cluster through a connection `admin`. It reads that cluster's kubeconfig
/// whatever the process has in its environment that starts an engine for it.
///
/// # Errors
///
/// If the connection cannot be made.
pub async fn terminal(plane: &ControlPlane) -> Result<Terminal> {
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    terminal.good(&["connect", "operate", "admin"]).await?;
    let edit = format!("kubeconfig={}", plane.kubeconfig().display());
    terminal.good(&["connect", "edit", "admin", "--set", &edit]).await?;
    Ok(terminal)
}

/// The audit book of a terminal whose vault nobody opened: its entries fit each other, and more nobody can tell.
///
/// # Errors
///
/// If the check says anything else.
pub async fn book_fits(terminal: &Terminal) -> Result<()> {
    let said = terminal.call(&["audit", "verify"]).await?;
    let fits = said.code == 3 && said.out.contains("each fits the one before");
    if fits { Ok(()) } else { Err(Failure::new(format!("audit verify: {said:?}"))) }
}

/// Calls the program and interrupts it, as a person does by Ctrl-C, once `when` has seen what it waits for.
///
/// # Errors
///
/// If it cannot be started or does not end, or if `when` fails.
pub async fn interrupted(terminal: &Terminal, words: &[&str], when: impl AsyncFnOnce() -> Result<()>) -> Result<Said> {
    let mut command = terminal.command(words)?;
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().could_not("start pilothouse")?;
    when().await?;
    interrupt(child).await
}

/// Interrupts a program, as a person does by Ctrl-C; what it said, as far as nobody else has read it.
///
/// # Errors
///
/// If it has ended, or does not end.
pub async fn interrupt(child: Child) -> Result<Said> {
    let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let id = id.ok_or_else(|| Failure::new("it has ended by itself"))?;
    kill_process(id, Signal::INT).could_not("interrupt it")?;
    let ended = tokio::time::timeout(LIMIT, child.wait_with_output()).await.could_not("wait for its end")?;
    let ended = ended.could_not("wait for its end")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Said { code: ended.status.code().unwrap_or(-1), out: text(&ended.stdout), err: text(&ended.stderr) })
}

/// Plans a deed.
///
/// # Errors
///
/// If it cannot be planned: why.
pub async fn planned(operator: &Operator, object: &ObjectRef, deed: Deed) -> Result<Planned> {
    let intent = Intent { object: object.clone(), deed };
    match operator.reader().ask(Ask::Plan(intent)).await.could_not("plan")? {
        Answer::Plan(planned) => Ok(*planned),
        other => Err(Failure::new(format!("not a plan: {other:?}"))),
    }
}

/// Confirms a plan; the number of the action.
///
/// # Errors
///
/// If it does not begin: why.
pub async fn begun(operator: &Operator, planned: &Planned) -> Result<u64> {
    let by = Confirmation { digest: planned.digest, typed: None };
    match operator.act(Act::Confirm(by)).await.could_not("confirm")? {
        Acted::Begun(id) => Ok(id),
        other => Err(Failure::new(format!("it did not begin: {other:?}"))),
    }
}

/// What became of an action.
///
/// # Errors
///
/// If the engine ends before.
pub async fn ended(frames: &mut Frames, id: u64) -> Result<Action> {
    loop {
        let frame = frames.next().await.ok_or_else(|| Failure::new("the engine ended"))?;
        let Body::Full(View::Actions(view)) = &frame.body else { continue };
        if let Some(action) = view.actions.get(&id).filter(|action| action.state.is_over()) {
            return Ok(action.clone());
        }
    }
}

/// Confirms a plan, and follows it to its end.
///
/// # Errors
///
/// If it does not begin, or the engine ends before.
pub async fn confirmed(operator: &Operator, planned: &Planned) -> Result<Action> {
    let mut frames = operator.reader().watch(ViewSpec::Actions, When::Now).await.could_not("watch")?;
    let id = begun(operator, planned).await?;
    ended(&mut frames, id).await
}

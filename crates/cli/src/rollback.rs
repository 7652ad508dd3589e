//! The command that takes a service back: it shows whether that can be, then the plan, and does it as every deed is done.

use crate::{
    act::{self, Checked, Way},
    exit::{Exit, Failed},
    out::{Style, Tone, note, stdout},
    rollback_args::RollbackArgs,
    rollout,
    start::{Session, other_answer},
};
use pilothouse_wire::{
    Answer, Ask, Code, Problem,
    back::{Check, CheckState, Grade, WayBack},
    plan::{Deed, Intent},
    units::visible,
};
use std::io::Write;

/// Checks the way back, and takes it if it is confirmed.
pub async fn run(arguments: &RollbackArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let session = Session::start(&arguments.how.source, false).await?;
    let exit = taken(&session, arguments, out, err).await;
    session.end().await;
    exit
}

async fn taken(session: &Session, of: &RollbackArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let how = &of.how;
    let object = rollout::the_service(session, &of.service()).await?;
    let way = match session.reader().ask(Ask::WayBack(object.clone(), of.to)).await? {
        Answer::WayBack(way) => *way,
        _ => return Err(other_answer()),
    };
    if !how.json {
        show(&mut stdout(), &way, out)?;
    }
    if of.check {
        if how.json {
            act::write_json(&Checked::alone(&way), out)?;
        }
        return checked(&way);
    }
    if let Some(closed) = way.closed().filter(|_| !of.anyway) {
        if how.json {
            act::write_json(&Checked::alone(&way), out)?;
        }
        let next = match way.goal() {
            Some(_) => "Nothing is done. Make good what is missing and try again; --anyway takes it all the same.",
            None => "Nothing is done: there is nothing that it could be taken back to.",
        };
        return Err(closed.next(next).into());
    }
    // Where only traffic moves, there may be a deed for what nobody could look at.
    if way.grade == Grade::Unknown && way.goal().is_none() && way.deed == Deed::Undo(None) {
        if how.json {
            act::write_json(&Checked::alone(&way), out)?;
        }
        return Err(not_known(&way).into());
    }
    let intent = Intent { object, deed: way.deed.clone() };
    let way = Way { checked: &way, anyway: of.anyway };
    act::do_it(session, intent, how, Some(way), (out, err)).await
}

/// How the check alone ends.
fn checked(way: &WayBack) -> Result<Exit, Failed> {
    match way.grade {
        Grade::Ready | Grade::Slow => Ok(Exit::Ok),
        Grade::Unknown => {
            note("Not all that it needs could be looked at.");
            Ok(Exit::Partial)
        }
        Grade::NotPossible => Err(way.closed().unwrap_or_else(|| not_known(way)).into()),
    }
}

fn not_known(way: &WayBack) -> Problem {
    let open = way.checks.iter().filter(|check| check.state == CheckState::Unknown);
    let why: Vec<String> = open.map(|check| format!("{}: {}", check.what, check.words)).collect();
    let what = format!("Whether {} {} can go back is not known.", way.object.kind_word(), way.object.name());
    Problem::new(Code::NotFound, what).why(why.join(" ")).next("Nothing is done.")
}

/// The check for a person.
fn show(out: &mut impl Write, way: &WayBack, style: Style) -> Result<(), Failed> {
    let object = &way.object;
    let place = object.namespace().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let name = format!("{} {place}{}", object.kind_word(), object.name());
    let revision =
        |number: Option<u64>| number.map_or_else(|| "an unknown one".to_owned(), |number| number.to_string());
    let to = match (way.to, &way.aim) {
        (Some(to), _) => format!("from revision {} to {to}", revision(way.from)),
        (None, Some(aim)) => format!("to {aim}"),
        (None, None) => "to what was before".to_owned(),
    };
    let line = format!("Can {name} go back {to}? {}", way.grade.word());
    writeln!(out, "{}", style.paint(of_grade(way.grade), &visible(&line)))?;
    for Check { what, state, words, evidence } in &way.checks {
        let line = format!("{what}: {words}");
        write!(out, "{}  {}", style.paint(of_state(*state), &format!("{:7}", state.word())), visible(&line))?;
        let known = if evidence.is_empty() { String::new() } else { format!(" ({evidence})") };
        writeln!(out, "{}", style.paint(Tone::Soft, &visible(&known)))?;
    }
    writeln!(out, "{:7}  {}", "takes", visible(&way.took.words()))?;
    writeln!(out, "{:7}  {}", "as of", way.checked_at)?;
    Ok(())
}

fn of_grade(grade: Grade) -> Tone {
    match grade {
        Grade::Ready => Tone::Good,
        Grade::Slow | Grade::Unknown => Tone::Warn,
        Grade::NotPossible => Tone::Bad,
    }
}

fn of_state(state: CheckState) -> Tone {
    match state {
        CheckState::Holds => Tone::Good,
        CheckState::Moot => Tone::Soft,
        CheckState::Slow | CheckState::Unknown => Tone::Warn,
        CheckState::Fails => Tone::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{Stamp, back::Took};

    fn way(grade: Grade, state: CheckState) -> WayBack {
        WayBack {
            object: "workload:iad/serving/Deployment/chat".parse().unwrap(),
            from: Some(3),
            to: Some(2),
            aim: None,
            deed: Deed::Undo(Some(2)),
            grade,
            checks: vec![Check {
                what: "Secret hf-token".into(),
                state,
                words: "It is \u{1b}[2J there.".to_owned(),
                evidence: "volume v".to_owned(),
            }],
            took: Took::Between { least_ms: 4_000, most_ms: 9_000, evidence: "its last 2 changes".to_owned() },
            checked_at: Stamp(1_764_331_200_000),
        }
    }

    #[test]
    fn a_check_is_shown_with_its_evidence_and_foreign_text_does_nothing() {
        let plain = Style { colour: false, terminal: false, width: None, height: None };
        let mut out = Vec::new();
        show(&mut out, &way(Grade::Ready, CheckState::Holds), plain).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "Can Deployment serving/chat go back from revision 3 to 2? ready",
                "holds    Secret hf-token: It is ␛[2J there. (volume v)",
                "takes    4 s … 9 s, by its last 2 changes",
                "as of    2025-11-28T12:00:00Z",
            ]
        );
    }

    #[test]
    fn whoever_takes_it_all_the_same_is_planned_so_whatever_an_earlier_check_said() {
        let intent =
            || Intent { object: "workload:iad/serving/Deployment/chat".parse().unwrap(), deed: Deed::Undo(Some(2)) };
        for (grade, state) in [(Grade::Ready, CheckState::Holds), (Grade::NotPossible, CheckState::Fails)] {
            let checked = &way(grade, state);
            let asked = |anyway| act::ask(intent(), Some(Way { checked, anyway }));
            assert_eq!([asked(true), asked(false)], [Ask::PlanAnyway(intent()), Ask::Plan(intent())], "{grade:?}");
        }
        assert_eq!(act::ask(intent(), None), Ask::Plan(intent()));
    }

    #[test]
    fn what_has_no_revisions_says_what_it_goes_back_to() {
        let plain = Style { colour: false, terminal: false, width: None, height: None };
        let first = |aim: Option<&str>| {
            let mut out = Vec::new();
            let way =
                WayBack { from: None, to: None, aim: aim.map(str::to_owned), ..way(Grade::Ready, CheckState::Holds) };
            show(&mut out, &way, plain).unwrap();
            String::from_utf8(out).unwrap().lines().next().unwrap().to_owned()
        };
        let told = first(Some("chat-stable 90 %, chat-canary 10 %"));
        assert_eq!(told, "Can Deployment serving/chat go back to chat-stable 90 %, chat-canary 10 %? ready");
        assert_eq!(first(None), "Can Deployment serving/chat go back to what was before? ready");
    }

    #[test]
    fn each_grade_ends_the_check_with_its_code() {
        let end = |grade, state| match checked(&way(grade, state)) {
            Ok(exit) => format!("{exit:?}"),
            Err(Failed::Problem(problem)) => problem.why.clone().unwrap_or_default(),
            Err(_) => "another failure".to_owned(),
        };
        assert_eq!(end(Grade::Ready, CheckState::Holds), "Ok");
        assert_eq!(end(Grade::Slow, CheckState::Slow), "Ok");
        assert_eq!(end(Grade::Unknown, CheckState::Unknown), "Partial");
        assert!(end(Grade::NotPossible, CheckState::Fails).starts_with("Secret hf-token: It is"));
    }
}

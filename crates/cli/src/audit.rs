//! The command that reads the audit book.

use crate::{
    act_args::{AuditArgs, AuditVerb},
    exit::{Exit, Failed},
    out::{Style, Tone, note, stdout},
};
use pilothouse_engine::{
    Clock, Paths,
    audit::{self, Checked, Noted, OFTEN, Vault, What},
};
use pilothouse_wire::{
    Code, Problem, Stamp,
    units::{count, visible},
};
use std::{
    collections::BTreeSet,
    fs::OpenOptions,
    io::{BufWriter, Write},
    path::Path,
};

/// Runs the command.
pub async fn run(arguments: &AuditArgs, out: Style) -> Result<Exit, Failed> {
    let paths = Paths::from_env()?;
    match &arguments.verb {
        AuditVerb::List { most, json } => list(&paths, *most, *json, out),
        AuditVerb::Verify => verify(&paths, out).await,
        AuditVerb::Export { file } => export(&paths, file),
        AuditVerb::Close { action } => {
            audit::close(&paths, *action, &Clock::system())?;
            note(&format!("Action {action} is taken away."));
            if let Some(problem) = audit::seal(&paths, &Vault::new(&paths)).await {
                note(&visible(&problem.to_string()));
            }
            Ok(Exit::Ok)
        }
    }
}

/// Says in a line on stderr that actions were cut in the middle and nobody looked at them since, and what comes next. That a
/// book cannot be read is told where it is to be read or written.
pub fn tell_of_cut(err: Style) {
    let cut = Paths::from_env().and_then(|paths| audit::cut(&paths)).unwrap_or_default();
    if let Some(line) = of_cut(&cut) {
        note(&err.paint(Tone::Warn, &visible(&line)));
    }
}

fn of_cut(cut: &[Noted]) -> Option<String> {
    let newest = cut.iter().max_by_key(|noted| noted.seq)?;
    let What::Confirmed { title, .. } = &newest.entry.what else { return None };
    let which = match cut.len() as u64 {
        1 => format!("\"{title}\" was cut in the middle"),
        all => format!("{} actions were cut in the middle, \"{title}\" the last of them", count(all)),
    };
    Some(format!(
        "{which}: nobody knows whether it was sent, and it is not sent again by itself. Next: pilothouse audit list says what \
         would take it back, pilothouse audit close {} takes it away.",
        newest.seq
    ))
}

fn list(paths: &Paths, most: u64, json: bool, style: Style) -> Result<Exit, Failed> {
    let entries = audit::book(paths).newest(most)?;
    let mut out = stdout();
    if json {
        for noted in &entries {
            line(&mut out, noted)?;
        }
        return Ok(Exit::Ok);
    }
    if entries.is_empty() {
        note("Nothing was done yet.");
    }
    let cut: BTreeSet<u64> = audit::cut(paths)?.iter().map(|noted| noted.seq).collect();
    for noted in &entries {
        let (tone, what) = told(&noted.entry.what, cut.contains(&noted.seq));
        let action = noted.entry.action.map_or_else(String::new, |action| format!(" of {action}"));
        writeln!(
            out,
            "{:>5} {} {:12} {}",
            noted.seq,
            noted.entry.at,
            visible(&noted.entry.who),
            style.paint(tone, &visible(&format!("{what}{action}")))
        )?;
        if let What::Confirmed { plan: Some(plan), .. } = &noted.entry.what
            && let Some(undo) = plan.undo.as_ref().filter(|_| cut.contains(&noted.seq))
        {
            writeln!(out, "      to take it back: pilothouse act {}", visible(&undo.command()))?;
        }
    }
    Ok(Exit::Ok)
}

/// How often the same plan was made.
fn again(times: u32, since: Stamp) -> String {
    let least = if times > OFTEN { "at least " } else { "" };
    format!(", {least}{} times since {}", count(times.into()), since.clock())
}

fn told(what: &What, is_cut: bool) -> (Tone, String) {
    match what {
        What::Planned { connection, title, blocked, times, since, .. } => {
            let again = since.map(|since| again(*times, since)).unwrap_or_default();
            match blocked.as_slice() {
                [] => (Tone::Soft, format!("planned{again}: {title}, in {connection}")),
                why => {
                    (Tone::Warn, format!("planned{again}, and blocked: {title}, in {connection}. {}", why.join(" ")))
                }
            }
        }
        What::Confirmed { connection, title, .. } if is_cut => {
            (Tone::Bad, format!("{title}, in {connection}: cut in the middle, nobody knows whether it was sent"))
        }
        What::Confirmed { connection, title, .. } => (Tone::Strong, format!("{title}, in {connection}")),
        What::TurnedDown { title, why, connection, digest, .. } => {
            let place = if connection.is_empty() { String::new() } else { format!(", in {connection}") };
            // Of a plan that is not known its digest is all there is to find it by.
            let short = if connection.is_empty() { digest.get(..8).unwrap_or_default() } else { "" };
            let digest = if short.is_empty() { String::new() } else { format!(" ({short}…)") };
            (Tone::Warn, format!("turned down: {title}{digest}{place}. {why}"))
        }
        What::Sent { step } => (Tone::Soft, format!("sent step {}", step + 1)),
        What::NotSent { step, why } => (Tone::Warn, format!("step {} was not taken: {why}", step + 1)),
        What::Seen { verified: true, words } => (Tone::Good, format!("looked at, verified: {words}")),
        What::Seen { verified: false, words } => (Tone::Warn, format!("looked at, unverified: {words}")),
        What::Ended { state, detail } if state == "verified" => (Tone::Good, format!("verified: {detail}")),
        What::Ended { state, detail } => (Tone::Warn, format!("{state}: {detail}")),
    }
}

async fn verify(paths: &Paths, style: Style) -> Result<Exit, Failed> {
    let (checked, unsigned) = audit::verify(paths, &Vault::new(paths)).await?;
    let mut out = stdout();
    for wrong in &checked.wrong {
        writeln!(out, "{}", style.paint(Tone::Bad, &visible(wrong)))?;
    }
    if let Some(problem) = &unsigned {
        note(&visible(&format!("Signatures are not checked: {problem}")));
    }
    if checked.wrong.is_empty() {
        let (exit, words) = judged(&checked, unsigned.is_none());
        writeln!(out, "{words}")?;
        return Ok(exit);
    }
    Err(Problem::new(
        Code::BadInput,
        format!("The audit book {} is not as it was written.", audit::book(paths).path().display()),
    )
    .why(format!("{} of its {} entries or signatures do not fit.", checked.wrong.len(), checked.entries))
    .next("Keep the file as it is, and ask who else can write there.")
    .into())
}

/// What a book tells in which nothing is wrong. `checks`: what the vault keeps of it could be read.
fn judged(checked: &Checked, checks: bool) -> (Exit, String) {
    let Checked { entries, signed, .. } = checked;
    let nobody = "nobody can tell whether it was written anew, or entries were taken away";
    match (checks, *signed) {
        (true, signed) if signed == *entries && signed == 0 => {
            (Exit::Ok, "No entries, and none was ever signed.".to_owned())
        }
        (true, signed) if signed == *entries => {
            (Exit::Ok, format!("{entries} entries, each as it was written; signed up to {signed}."))
        }
        (true, 0) => (Exit::Partial, format!("{entries} entries, each fits the one before. None is signed: {nobody}.")),
        (true, signed) => {
            let first = signed + 1;
            let words = format!(
                "{entries} entries; those up to {signed} are as they were signed. {first} to {entries} are not signed: nobody \
                 can tell whether those were written anew, or others behind {signed} taken away."
            );
            (Exit::Partial, words)
        }
        (false, _) => {
            (Exit::Partial, format!("{entries} entries, each fits the one before. No signature is checked: {nobody}."))
        }
    }
}

fn export(paths: &Paths, file: &Path) -> Result<Exit, Failed> {
    let entries = audit::book(paths).newest(u64::MAX)?;
    let made = OpenOptions::new().write(true).create_new(true).open(file);
    let made = made.map_err(|error| {
        Problem::new(Code::BadInput, format!("{} cannot be made.", file.display())).why(format!("{error}."))
    })?;
    let mut out = BufWriter::new(made);
    for noted in &entries {
        line(&mut out, noted)?;
    }
    out.flush()?;
    note(&format!("{} entries are in {}.", entries.len(), file.display()));
    Ok(Exit::Ok)
}

fn line(out: &mut impl Write, noted: &Noted) -> Result<(), Failed> {
    let mut value = serde_json::to_value(&noted.entry)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("entry".into(), noted.seq.into());
    }
    writeln!(out, "{value}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_engine::audit::Entry;

    fn confirmed(seq: u64, title: &str) -> Noted {
        let what = What::Confirmed {
            connection: "iad".to_owned(),
            object: "workload:iad/serving/Deployment/chat".to_owned(),
            title: title.to_owned(),
            digest: String::new(),
            steps: Vec::new(),
            plan: None,
            hidden: false,
        };
        let entry = Entry { at: Stamp(0), who: "ada".to_owned(), door: "pilothouse".to_owned(), action: None, what };
        Noted { seq, entry }
    }

    #[test]
    fn what_was_cut_is_said_in_one_line_with_what_comes_next() {
        assert_eq!(of_cut(&[]), None);
        let (first, second) = (confirmed(2, "Cordon node a"), confirmed(9, "Scale b"));
        let line = of_cut(std::slice::from_ref(&first)).unwrap();
        assert!(line.starts_with("\"Cordon node a\" was cut in the middle: nobody knows"), "{line}");
        assert!(line.contains("pilothouse audit close 2 ") && line.lines().count() == 1, "{line}");
        let line = of_cut(&[second, first]).unwrap();
        assert!(line.starts_with("2 actions were cut in the middle, \"Scale b\" the last of them: "), "{line}");
        assert!(line.contains("pilothouse audit close 9 "), "{line}");
    }

    #[test]
    fn a_plan_that_is_made_again_says_how_often_and_what_is_turned_down_says_where() {
        let planned = |times: u32| What::Planned {
            connection: "iad".to_owned(),
            object: "node:iad/h-1".to_owned(),
            title: "Cordon node h-1".to_owned(),
            digest: "0af1".repeat(16),
            blocked: Vec::new(),
            times,
            since: (times > 1).then_some(Stamp(3_661_000)),
        };
        let said = |what: &What| told(what, false).1;
        assert_eq!(said(&planned(1)), "planned: Cordon node h-1, in iad");
        assert_eq!(said(&planned(3)), "planned, 3 times since 01:01:01: Cordon node h-1, in iad");
        assert!(said(&planned(OFTEN + 1)).starts_with("planned, at least 61 times since"));
        let turned_down = |connection: &str, title: &str| What::TurnedDown {
            connection: connection.to_owned(),
            object: String::new(),
            title: title.to_owned(),
            digest: "0af1".repeat(16),
            why: "No.".to_owned(),
        };
        assert_eq!(said(&turned_down("iad", "Cordon node h-1")), "turned down: Cordon node h-1, in iad. No.");
        let unknown = said(&turned_down("", "a plan that is not known here"));
        assert_eq!(unknown, "turned down: a plan that is not known here (0af10af1…). No.");
    }

    #[test]
    fn only_a_book_that_is_signed_to_its_end_is_called_whole() {
        let of = |entries, signed, checks| judged(&Checked { entries, signed, wrong: Vec::new() }, checks);
        assert_eq!(of(7, 7, true).0, Exit::Ok);
        assert_eq!(of(0, 0, true).0, Exit::Ok);
        for (entries, signed, checks, said) in [
            (7, 0, true, "None is signed: nobody can tell"),
            (7, 4, true, "5 to 7 are not signed: nobody can tell"),
            (7, 0, false, "No signature is checked: nobody can tell"),
            // It may have been taken away whole.
            (0, 0, false, "No signature is checked: nobody can tell"),
        ] {
            let (exit, words) = of(entries, signed, checks);
            assert!(exit == Exit::Partial && words.contains(said), "{words}");
        }
    }
}

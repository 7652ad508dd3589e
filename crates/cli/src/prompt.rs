//! Asks the person at the terminal, or reads what was piped in.

use crate::exit::Failed;
use pilothouse_wire::{Code, Problem, form::SecretInput, units::visible};
use std::io::{BufRead, IsTerminal, Write};

/// Is a person there to answer?
pub fn somebody_answers() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks a question whose answer is no unless somebody types yes.
pub fn yes(question: &str) -> Result<bool, Failed> {
    let mut err = std::io::stderr().lock();
    write!(err, "{} [y/N] ", visible(question))?;
    err.flush()?;
    drop(err);
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// A line that somebody types.
pub fn line(question: &str) -> Result<String, Failed> {
    let mut err = std::io::stderr().lock();
    write!(err, "{}: ", visible(question))?;
    err.flush()?;
    drop(err);
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

/// A secret: typed unseen at a terminal, or the next line of stdin. It is never an argument.
pub fn secret(label: &str) -> Result<SecretInput, Failed> {
    let typed = if std::io::stdin().is_terminal() {
        rpassword::prompt_password(format!("{}: ", visible(label)))?
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if typed.is_empty() {
        let problem = Problem::new(Code::BadInput, format!("There is no value for the secret \"{label}\"."));
        return Err(problem.next("Type it at the prompt, or pipe it in as one line.").into());
    }
    Ok(SecretInput(typed))
}

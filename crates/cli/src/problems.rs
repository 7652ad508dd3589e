//! Problems on stderr: what, why, and what comes next.

use crate::{
    out::{Style, Tone, note},
    start::Troubles,
};
use pilothouse_wire::{Problem, units::visible};

/// Tells one problem.
pub fn tell(problem: &Problem, style: Style) {
    note(&lines(problem, style, None));
}

/// Tells what is wrong with each source.
pub fn tell_all(troubles: &Troubles, style: Style) {
    for (id, problem) in &troubles.0 {
        note(&lines(problem, style, Some(id.as_str())));
    }
}

fn lines(problem: &Problem, style: Style, of: Option<&str>) -> String {
    let what = visible(&problem.what);
    let what = match of.filter(|id| !problem.what.contains(id)) {
        Some(id) => format!("{}: {what}", visible(id)),
        None => what,
    };
    let mut text = style.paint(Tone::Bad, &what);
    for (label, part) in [("Why: ", &problem.why), ("Next: ", &problem.next)] {
        if let Some(part) = part {
            text.push_str(&format!("\n  {}{}", style.paint(Tone::Soft, label), visible(part)));
        }
    }
    for line in problem.remedy.iter().flat_map(|remedy| remedy.lines()) {
        text.push_str(&format!("\n    {}", visible(line)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::Code;

    #[test]
    fn a_problem_has_its_lines_and_no_escapes() {
        let style = Style { colour: false, terminal: false, width: None, height: None };
        let problem = Problem::new(Code::Refused, "ord-prod refused the connection.\u{1b}[2J")
            .why("Nothing listens on 10.41.0.10:6443.")
            .next("Retrying in 9 s.")
            .remedy("kubectl get\n  nodes");
        assert_eq!(
            lines(&problem, style, Some("ord-prod")),
            "ord-prod refused the connection.␛[2J\n  Why: Nothing listens on 10.41.0.10:6443.\n  \
             Next: Retrying in 9 s.\n    kubectl get\n      nodes"
        );
        let other = Problem::new(Code::Denied, "403 for pods.");
        assert_eq!(lines(&other, style, Some("iad")), "iad: 403 for pods.");
    }
}

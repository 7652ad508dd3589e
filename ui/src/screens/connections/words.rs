//! Words of connections that screens and support need alike. Pure.

use pilothouse_wire::{
    Freshness, Health, Stamp, units,
    view::{ConnectionRow, Status},
};

/// The status that a health is shown as.
#[must_use]
pub fn status_of(health: &Health) -> Status {
    match health {
        Health::Idle | Health::Paused => Status::Unknown,
        Health::Starting { .. } => Status::Progress,
        Health::Well => Status::Good,
        Health::Partial(_) | Health::Slow(_) => Status::Warn,
        Health::Lost(_) => Status::Bad,
    }
}

/// The title of a card about a connection that is not well.
#[must_use]
pub fn title(name: &str, health: &Health) -> String {
    match health {
        Health::Lost(_) => format!("{name} cannot be read"),
        Health::Partial(_) => format!("{name} is readable in part"),
        Health::Slow(_) => format!("{name} answers slowly"),
        other => format!("{name}: {}", units::lower(other.word())),
    }
}

/// Why a connection is as it is, in a few words; `None` if it is well and nothing more is to be said.
#[must_use]
pub fn why(row: &ConnectionRow) -> Option<String> {
    match &row.health {
        Health::Starting { doing, progress: Some((done, of)) } => {
            Some(format!("{doing}, {} of about {}", units::count(*done), units::count(*of)))
        }
        Health::Starting { doing, progress: None } => Some(doing.clone()),
        Health::Partial(problem) | Health::Slow(problem) | Health::Lost(problem) => {
            Some(problem.what.trim_end_matches('.').to_owned())
        }
        Health::Paused => Some("by a person".into()),
        Health::Idle | Health::Well => None,
    }
}

/// "3 connections, 1 of them not well".
#[must_use]
pub fn count_words(rows: &[ConnectionRow]) -> String {
    let unwell = rows.iter().filter(|row| row.health.problem().is_some()).count();
    let all = match rows.len() {
        0 => return "No connection yet".into(),
        1 => "1 connection".to_owned(),
        n => format!("{n} connections"),
    };
    if unwell == 0 { all } else { format!("{all}, {unwell} of them not well") }
}

/// The tone of an age: how fresh the connection is now.
#[must_use]
pub fn age_tone(row: &ConnectionRow, now: Stamp) -> &'static str {
    match Freshness::of(&row.health, row.heard, row.period, now) {
        Freshness::Lost => "bad strong",
        Freshness::Stale => "warn strong",
        _ => "faint",
    }
}

/// All that is known of a connection that is not well, as text for somebody who helps. Holds no secret: rows have none.
#[must_use]
pub fn for_support(row: &ConnectionRow, kind: &str, now: Stamp) -> String {
    let mut text = format!("Connection {} ({kind}), as of {now}\nHealth: {}\n", row.name, row.health.word());
    let mut line = |label: &str, value: Option<&str>| {
        if let Some(value) = value {
            text.push_str(&format!("{label}: {value}\n"));
        }
    };
    line("Version", row.version.as_deref());
    line("Address", row.address.as_deref());
    line("Identity", row.identity.as_deref());
    if let Some(problem) = row.health.problem() {
        line("What", Some(&problem.what));
        line("Why", problem.why.as_deref());
        line("Next", problem.next.as_deref());
    }
    line("Last heard", row.heard.map(|heard| heard.to_string()).as_deref());
    for attempt in &row.attempts {
        let mark = if attempt.worked { "worked" } else { "failed" };
        text.push_str(&format!("Attempt {}: {mark}, {}\n", attempt.at, attempt.outcome));
    }
    units::visible_lines(&text)
}

#[cfg(test)]
pub(crate) fn sample(health: Health) -> ConnectionRow {
    ConnectionRow {
        id: pilothouse_wire::ConnectionId::slug("ord-prod"),
        kind: "kubernetes".into(),
        name: "ord-prod".into(),
        demo: false,
        cluster: true,
        health,
        version: Some("v1.34".into()),
        address: Some("https://10.41.0.10:6443".into()),
        identity: None,
        may: vec![],
        may_not: vec![],
        heard: Some(Stamp(0)),
        period: std::time::Duration::from_secs(5),
        facts: 0,
        facts_per_s: 0,
        dropped: 0,
        attempts: vec![pilothouse_wire::view::Attempt {
            at: Stamp(1_000),
            worked: false,
            outcome: "refused, 2 ms".into(),
        }],
        retry_at: None,
        values: Default::default(),
        secrets_set: vec![],
        operation: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{Code, Problem};

    #[test]
    fn a_connection_says_why_it_is_as_it_is() {
        let lost = Health::Lost(Problem::new(Code::Refused, "Nothing listens on :6443."));
        let starting = Health::Starting { doing: "Listing pods".into(), progress: Some((3_120, 5_000)) };
        let words = |health| why(&sample(health)).unwrap_or_default();
        assert_eq!(words(lost), "Nothing listens on :6443");
        assert_eq!(words(starting), "Listing pods, 3,120 of about 5,000");
        assert_eq!(words(Health::Well), "");
    }

    #[test]
    fn the_head_counts_those_that_are_not_well() {
        let lost = Health::Lost(Problem::new(Code::Refused, "Refused."));
        assert_eq!(count_words(&[]), "No connection yet");
        assert_eq!(count_words(&[sample(Health::Well)]), "1 connection");
        assert_eq!(count_words(&[sample(Health::Well), sample(lost)]), "2 connections, 1 of them not well");
    }

    #[test]
    fn what_goes_to_support_names_address_problem_and_attempts() {
        let lost = Health::Lost(Problem::new(Code::Refused, "Refused.").next("Wait."));
        let text = for_support(&sample(lost), "Kubernetes", Stamp(5_000));
        for part in
            ["ord-prod (Kubernetes)", "https://10.41.0.10:6443", "What: Refused.", "Next: Wait.", "refused, 2 ms"]
        {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn an_age_is_loud_only_when_it_is_too_old() {
        assert_eq!(age_tone(&sample(Health::Well), Stamp(4_000)), "faint");
        assert_eq!(age_tone(&sample(Health::Well), Stamp(400_000)), "warn strong");
    }
}

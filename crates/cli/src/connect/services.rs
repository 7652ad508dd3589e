//! Servers that were found inside of the connected clusters, each with the command that connects it.

use super::{until, view_of};
use crate::{
    exit::{Exit, Failed},
    json,
    out::{Style, note, stdout},
    problems,
    start::Session,
    table::{self, Cell, Head},
};
use pilothouse_wire::{ViewSpec, form::Draft, view::OfferedService};
use std::{io::Write, time::Duration};

/// Lists them. Clusters are asked for their services; the servers themselves are not contacted.
pub async fn list(session: &Session, json: bool, wait: Duration, style: Style, err: Style) -> Result<Exit, Failed> {
    let (_, troubles) = session.frame(ViewSpec::Connections, wait).await?;
    let looked = tokio::time::timeout(wait, until(session, |view| (!view.looking).then(|| view.clone()))).await;
    let whole = looked.is_ok();
    let view = match looked {
        Ok(view) => view?,
        Err(_) => view_of(session.frame_now(ViewSpec::Connections).await?.body)?,
    };
    let mut out = stdout();
    if json {
        json::write(&mut out, &view.inside, !style.terminal)?;
    } else if view.inside.is_empty() {
        note("No server of a kind that could be connected is found inside of the connected clusters.");
    } else {
        let heads = ["CLUSTER", "SERVICE", "WHAT", "CONNECTED AS"].map(Head::left);
        let rows: Vec<Vec<Cell>> = view.inside.iter().map(cells).collect();
        table::write(&mut out, &heads, &rows, style, None)?;
        // In lines of their own: what is to be copied is not cut to the width of the terminal.
        for offer in view.inside.iter().filter(|offer| offer.connected_as.is_none()) {
            writeln!(out, "{}", command(&offer.draft))?;
        }
    }
    out.flush()?;
    for (_, problem) in &troubles.0 {
        problems::tell(problem, err);
    }
    Ok(if whole && troubles.is_empty() { Exit::Ok } else { Exit::Partial })
}

fn cells(offer: &OfferedService) -> Vec<Cell> {
    vec![
        Cell::text(offer.cluster.as_str()),
        Cell::text(&offer.service),
        Cell::text(&offer.what),
        Cell::some(offer.connected_as.as_ref().map(|id| id.as_str())),
    ]
}

/// What a person would type. Each value is an id, or a name in Kubernetes: no shell finds anything in them.
fn command(draft: &Draft) -> String {
    let values = draft.values.iter().map(|(key, value)| format!(" --{key} {value}"));
    format!("pilothouse connect add {} --name {}{}", draft.kind, draft.name, values.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, Verb};
    use crate::connect_args::{ConnectArgs, ConnectVerb};
    use clap::Parser;
    use std::collections::BTreeMap;

    #[test]
    fn the_command_that_is_shown_makes_the_connection_that_is_offered() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let draft = Draft {
            kind: "prometheus".into(),
            name: "iad-prod-monitoring-prometheus-k8s".into(),
            values: BTreeMap::from([
                pair("cluster", "iad-prod"),
                pair("service", "monitoring/prometheus-k8s:9090/prometheus"),
                pair("via", "iad-prod"),
            ]),
        };
        let typed = command(&draft);
        let arguments = Arguments::try_parse_from(typed.split(' ')).unwrap_or_else(|error| panic!("{error}"));
        let Verb::Connect(ConnectArgs { verb: ConnectVerb::Add(new) }) = arguments.verb else { panic!("{typed}") };
        assert_eq!(new.draft, draft);
    }
}

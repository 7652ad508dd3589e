//! The commands about services: which there are, and one of them in full, once or as it changes.

mod analyses;
mod words;

use crate::{
    args::{FormArgs, ListArgs, PastArgs},
    exit::{Exit, Failed},
    json::{self, About},
    list,
    named::{Place, Typed},
    out::Style,
    page::{self, Page},
    past,
    rollout_args::{GetRolloutArgs, RolloutVerb, Service, WatchRolloutArgs},
    rows::{Listed, ServingLine},
    start::{Session, other_answer},
};
use pilothouse_wire::{
    Body, Code, Frame, ObjectRef, Problem, Stamp, View, ViewSpec,
    view::{DeliveryRow, RolloutView},
};
use serde::Serialize;
use serde_json::Value;
use std::io::Write;

/// Runs what was typed behind `rollout`.
pub async fn run(verb: &RolloutVerb, out: Style, err: Style) -> Result<Exit, Failed> {
    match verb {
        RolloutVerb::List(of) => list::run::<DeliveryRow>(of, out, err).await,
        RolloutVerb::Get(of) => get(of, out, err).await,
        RolloutVerb::Watch(of) => watch(of, out, err).await,
    }
}

async fn get(arguments: &GetRolloutArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let (of, past, form) = (&arguments.of, &arguments.past, &arguments.form);
    if past.at.is_some() || past.journal.is_some() {
        let (_, frame) = past::frame(DeliveryRow::spec(), past).await?;
        let page = One(named(&frame, of)?);
        return page::show(&page, (&of.source, past), form, false, out, err).await;
    }
    in_session(of, form, out, err).await
}

async fn watch(arguments: &WatchRolloutArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let form = FormArgs { watch: true, json: arguments.json };
    match &arguments.name {
        Some(name) => {
            let (name, kind, source) = (name.clone(), arguments.kind.clone(), arguments.source.clone());
            in_session(&Service { name, kind, source }, &form, out, err).await
        }
        None => {
            let all = ListArgs {
                source: arguments.source.clone(),
                past: PastArgs::default(),
                form,
                filter: arguments.filter.clone(),
                columns: Vec::new(),
                sort: None,
                csv: false,
            };
            list::run::<DeliveryRow>(&all, out, err).await
        }
    }
}

async fn in_session(of: &Service, form: &FormArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let session = Session::start(&of.source, false).await?;
    let exit = async {
        let one = One(the_service(&session, of).await?);
        page::show_in(&session, &one, (of.source.wait, form), false, out, err).await
    };
    let exit = exit.await;
    session.end().await;
    exit
}

/// The service that was typed; where none is called so, why a source is not read that may have it.
pub async fn the_service(session: &Session, of: &Service) -> Result<ObjectRef, Failed> {
    let (frame, mut troubles) = session.frame_whole(DeliveryRow::spec(), of.source.wait, DeliveryRow::is_whole).await?;
    match (named(&frame, of), troubles.0.pop()) {
        (Err(Failed::Problem(problem)), Some((_, trouble))) if problem.code == Code::NotFound => Err(trouble.into()),
        (named, _) => named,
    }
}

/// The service that was typed.
pub fn named(frame: &Frame, of: &Service) -> Result<ObjectRef, Failed> {
    let Body::Full(View::Delivery(delivery)) = &frame.body else { return Err(other_answer()) };
    let typed = Typed::of(&of.name);
    let is_meant = |row: &&DeliveryRow| {
        typed.is(row.cluster().as_str(), &row.namespace, &row.name)
            && of.kind.as_ref().is_none_or(|kind| row.kind.eq_ignore_ascii_case(kind))
    };
    let meant: Vec<&DeliveryRow> = delivery.rows.rows().iter().filter(is_meant).collect();
    match meant.as_slice() {
        [only] => Ok(only.id.clone()),
        [] => Err(Problem::new(Code::NotFound, format!("There is no service {}.", of.name))
            .why(format!("Of {} services that are read none is called so.", delivery.rows.len()))
            .next("\"pilothouse rollout list\" lists those that there are.")
            .into()),
        several => {
            let place = |row: &&DeliveryRow| Place {
                cluster: row.cluster().to_string(),
                namespace: row.namespace.to_string(),
                name: row.name.to_string(),
                kind: row.kind.to_string(),
            };
            Err(typed.ambiguous(&several.iter().map(place).collect()).into())
        }
    }
}

/// One service.
struct One(ObjectRef);

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    about: About<'a>,
    service: Value,
    /// Why what is shown is of before; absent where it is not.
    old: Option<String>,
}

impl Page for One {
    fn spec(&self) -> ViewSpec {
        ViewSpec::Rollout(self.0.clone())
    }

    fn json(&self, out: &mut impl Write, about: About<'_>, view: &View, one_line: bool) -> Result<(), Failed> {
        let service = self.known(view)?;
        let old = service.row.is_old(about.as_of());
        let service = written(service, about.as_of())?;
        json::write(out, &Document { about, service, old }, one_line)
    }

    fn text(&self, out: &mut impl Write, frame: &Frame, view: &View, style: Style) -> Result<(), Failed> {
        words::write(out, self.known(view)?, frame, style)
    }
}

/// The service as JSON. What the engines of its revisions say stands there as a list of pods has it: metrics by their ids, in
/// numbers.
fn written(service: &RolloutView, as_of: Stamp) -> Result<Value, serde_json::Error> {
    let mut written = serde_json::to_value(service)?;
    for (at, row) in service.revisions.iter().enumerate() {
        let place = written.pointer_mut(&format!("/revisions/{at}/serving"));
        if let (Some(serving), Some(place)) = (&row.serving, place) {
            // By way of its text: a reading is of 32 bits, and would get digits in 64 that nobody measured.
            *place = serde_json::from_str(&serde_json::to_string(&ServingLine::new(serving, as_of))?)?;
        }
    }
    Ok(written)
}

impl One {
    fn known<'a>(&self, view: &'a View) -> Result<&'a RolloutView, Failed> {
        let View::Rollout(rollout) = view else { return Err(other_answer()) };
        rollout.as_deref().ok_or_else(|| {
            let what = format!("{} is gone.", self.0.name());
            Problem::new(Code::NotFound, what).why("No source tells of it at this time.").into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::SourceArgs;
    use pilothouse_wire::{Rev, When, view::delivery::DeliveryView};

    fn frame(rows: &[(&str, &str, &str)]) -> Frame {
        let row = |(kind, place, name): &(&str, &str, &str)| {
            let (cluster, namespace) = place.split_once('/').unwrap_or(("iad", place));
            let id: ObjectRef = format!("workload:{cluster}/{namespace}/{kind}/{name}").parse().unwrap();
            words::tests::row(id)
        };
        let view = DeliveryView { rows: rows.iter().map(row).collect(), ..DeliveryView::default() };
        Frame {
            rev: Rev(1),
            as_of: Stamp(0),
            when: When::Now,
            sources: Vec::new(),
            dropped: 0,
            gap: None,
            body: Body::Full(View::Delivery(Box::new(view))),
        }
    }

    #[track_caller]
    fn check(rows: &[(&str, &str, &str)], name: &str, kind: Option<&str>, want: &str) {
        let of = Service { name: name.into(), kind: kind.map(str::to_owned), source: SourceArgs::default() };
        let got = match named(&frame(rows), &of) {
            Ok(object) => object.to_string(),
            Err(Failed::Problem(problem)) => problem.what,
            Err(_) => "another failure".to_owned(),
        };
        assert_eq!(got, want);
    }

    #[test]
    fn a_service_is_meant_by_its_name_where_only_one_is_called_so() {
        let rows =
            [("Rollout", "serving", "chat"), ("Deployment", "serving", "embed"), ("Deployment", "test", "embed")];
        check(&rows, "chat", None, "workload:iad/serving/Rollout/chat");
        check(&rows, "test/embed", None, "workload:iad/test/Deployment/embed");
        check(&rows, "embed", None, "2 services are called embed.");
        check(&rows, "chat", Some("deployment"), "There is no service chat.");
        check(&rows, "nothing", None, "There is no service nothing.");
        let rows = [("Rollout", "iad/serving", "chat"), ("Rollout", "ord/serving", "chat")];
        check(&rows, "serving/chat", None, "2 services are called serving/chat.");
        check(&rows, "ord/serving/chat", None, "workload:ord/serving/Rollout/chat");
        check(&rows, "fra/serving/chat", None, "There is no service fra/serving/chat.");
    }
}
